"""Locks, dry runs and the past, through az and the management client of the SDK."""

import json
import uuid

import arm
import az as az_client
import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.resource.locks import ManagementLockClient
from azure.mgmt.resource.locks.models import ManagementLockObject

VERSION = "api-version=2024-10-01"


@pytest.fixture(scope="module")
def home(admin):
    """A group of its own; whatever locks a test left are taken away, and the group with them."""
    name = f"locked-{uuid.uuid4().hex[:8]}"
    made = admin(f"group create --name {name} --location eastus")["id"]
    yield made
    for lock in admin("lock list"):
        if lock["id"].startswith(f"{made}/"):
            admin("lock delete --ids", lock["id"])
    admin(f"group delete --name {name} --yes")


@pytest.fixture(scope="module")
def storage(admin, home):
    name = f"books{uuid.uuid4().hex[:12]}"
    return admin(f"storage account create --name {name} --resource-group {home.rsplit('/', 1)[1]} --location eastus")["id"]


def refused(az, line, *more):
    with pytest.raises(az_client.Refused, match="ScopeLocked") as told:
        az(line, *more)
    return str(told.value)


def test_a_group_is_locked_and_unlocked(admin, home, storage):
    group = home.rsplit("/", 1)[1]
    made = admin(f"lock create --name keep --lock-type CanNotDelete --resource-group {group} --notes", "the books")
    assert (made["level"], made["notes"]) == ("CanNotDelete", "the books")
    assert made["id"] == f"{home}/providers/Microsoft.Authorization/locks/keep"
    told = refused(admin, f"group delete --name {group} --yes")
    assert f"following scope(s) are locked: '{home}'" in told and "keep (CanNotDelete)" in told
    refused(admin, f"rest --method delete --url {storage}?{VERSION}")
    admin(f"group update --name {group} --set tags.state=changed")
    assert admin(f"lock show --name keep --resource-group {group}") == made
    assert [lock["name"] for lock in admin(f"lock list --resource-group {group}")] == ["keep"]
    tight = admin(f"lock update --name keep --resource-group {group} --lock-type ReadOnly")
    assert tight["level"] == "ReadOnly"
    refused(admin, f"group update --name {group} --set tags.state=again")
    refused(admin, f"storage account keys list --account-name {storage.rsplit('/', 1)[1]} --resource-group {group}")
    admin(f"lock delete --name keep --resource-group {group}")
    assert admin(f"lock list --resource-group {group}") == []


def test_one_locked_resource_keeps_its_group(admin, home, storage):
    group, account = home.rsplit("/", 1)[1], storage.rsplit("/", 1)[1]
    where = f"--resource-group {group} --resource-name {account} --resource-type Microsoft.Storage/storageAccounts"
    made = admin(f"lock create --name one --lock-type CanNotDelete {where}")
    assert made["id"] == f"{storage}/providers/Microsoft.Authorization/locks/one"
    assert storage in refused(admin, f"group delete --name {group} --yes")
    admin(f"lock delete --name one {where}")


def test_a_subscription_is_locked(server, admin, home):
    """With a level that stops nobody else's test."""
    name = f"all-{uuid.uuid4().hex[:8]}"
    admin(f"lock create --name {name} --lock-type CanNotDelete")
    try:
        assert name in [lock["name"] for lock in admin(f"lock list --resource-group {home.rsplit('/', 1)[1]}")]
        at_scope = admin("lock list --filter-string", "atScope()")
        assert [lock["id"].split("/providers/")[0] for lock in at_scope] == [f"/subscriptions/{server.subscription}"]
        refused(admin, f"group delete --name {home.rsplit('/', 1)[1]} --yes")
    finally:
        admin(f"lock delete --name {name}")


def test_an_owner_is_stopped_and_told_who_may_remove_the_lock(server, home, storage, somebody, admin):
    keeper = somebody("keeper", "Contributor", home)
    admin(f"lock create --name keep --lock-type CanNotDelete --resource-group {home.rsplit('/', 1)[1]}")
    refused(keeper.az, f"rest --method delete --url {storage}?{VERSION}")
    asked = {"who": keeper.object_id, "can": "Microsoft.Storage/storageAccounts/delete"}
    explained = keeper.az(
        f"rest --method post --url {storage}/providers/Nave.Access/explain?{VERSION} --body", json.dumps(asked)
    )
    told = json.dumps(explained)
    assert "the lock keep (CanNotDelete)" in told and "az lock delete --ids" in told
    with pytest.raises(az_client.Refused, match="AuthorizationFailed"):
        keeper.az(f"lock delete --name keep --resource-group {home.rsplit('/', 1)[1]}")
    admin(f"lock delete --name keep --resource-group {home.rsplit('/', 1)[1]}")


def test_the_management_client_of_the_sdk(home, somebody):
    lord = somebody("lord", "Owner", home)
    client = arm.made(ManagementLockClient, lord)
    locks, group = client.management_locks, home.rsplit("/", 1)[1]
    wanted = ManagementLockObject(level="CanNotDelete", notes="by the SDK")
    made = locks.create_or_update_at_resource_group_level(group, "sdk", wanted)
    assert (made.name, made.level, made.notes) == ("sdk", "CanNotDelete", "by the SDK")
    assert locks.get_by_scope(home, "sdk").id == made.id
    assert [lock.name for lock in locks.list_by_scope(home)] == ["sdk"]
    with pytest.raises(HttpResponseError) as odd:
        locks.create_or_update_by_scope(home, "odd", ManagementLockObject(level="NotSpecified"))
    assert odd.value.status_code == 400
    locks.delete_at_resource_group_level(group, "sdk")
    assert list(locks.list_at_resource_group_level(group)) == []


def test_a_deletion_is_tried_and_what_is_gone_is_looked_at(admin, home, storage):
    url = f"{home}?{VERSION}"
    dry = admin(f"rest --method delete --url {url}&dryRun=true")
    assert {home, storage} <= {one["id"] for one in dry["deleted"]}
    shown = admin(f"rest --url {storage}?{VERSION}")
    admin("resource delete --ids", storage)
    history = admin(f"rest --url {storage}/providers/Nave.Access/history?{VERSION}")["value"]
    assert [entry["change"] for entry in history] == ["Deleted", "Written"]
    assert history[0]["operation"] == "Microsoft.Storage/storageAccounts/delete"
    for then in (history[1]["revision"], history[1]["at"]):
        was = admin(f"rest --url {storage}?{VERSION}&asOf={then}")
        assert was == shown
    in_group = admin(f"rest --url {home}/providers/Microsoft.Storage/storageAccounts?{VERSION}&asOf={then}")["value"]
    assert [one["id"] for one in in_group] == [storage]
    with pytest.raises(az_client.Refused, match="ResourceNotFound"):
        admin(f"rest --url {storage}?{VERSION}&asOf={history[1]['revision'] - 1}")
