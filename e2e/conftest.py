"""What every end-to-end test stands on: a running nave, and people who use it through real clients."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import az as az_client  # noqa: E402
import people  # noqa: E402
import server as nave  # noqa: E402


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    running = nave.start(tmp_path_factory.mktemp("nave") / "data")
    os.environ.update(running.exports)  # the SDKs run in this process and read them when they are first used
    yield running
    assert running.stop() == 0, running.log.read_text()


@pytest.fixture(scope="session")
def admin(server, tmp_path_factory):
    """The administrator's az."""
    az = az_client.profile(server, tmp_path_factory.mktemp("admin"))
    az(f"login --username {server.admin} --tenant {server.tenant} --password", server.password)
    return az


@pytest.fixture(scope="session")
def group(admin):
    """A resource group of the administrator's, `this-rg` as in the documents."""
    return admin("group create --name this-rg --location eastus")["id"]


@pytest.fixture(scope="session")
def somebody(server, admin, tmp_path_factory):
    """Makes people: `somebody("joe")` is in the directory, has no role, and can sign in."""
    return people.Maker(server, admin, tmp_path_factory)


@pytest.fixture(scope="session")
def owner(server, group, somebody):
    """Owner of the resource group: who sets hubs up."""
    return somebody("it-admin", "Owner", group)
