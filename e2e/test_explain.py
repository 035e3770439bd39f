"""Why not? A refusal has an id, `nave explain` says why and prints a command, and running that command helps."""

import re
import shlex
import subprocess

import az as az_client
import pytest


def explain(server, *arguments):
    """`nave explain` on the data directory, beside the running server."""
    done = subprocess.run(
        [server.binary, "explain", *map(str, arguments), "--data", server.data], capture_output=True, text=True, timeout=60
    )
    assert done.returncode in (0, 1) and not done.stderr, done.stderr
    return done.stdout, done.returncode == 0


def grant_in(text):
    """The printed line, as a shell cuts it."""
    (line,) = re.findall(r"^ *(az role assignment create .*)$", text, re.MULTILINE)
    return shlex.split(line)[1:]


def run(az, words):
    """Runs words that are cut already."""
    head, *rest = words
    return az(head, *rest)


def refused(az, line):
    """What az prints of the refusal, and the id in it."""
    with pytest.raises(az_client.Refused) as told:
        az(line)
    text = str(told.value)
    found = re.search(r'Decision.*?"id": *"([0-9a-f-]{36})"', text, re.DOTALL)
    if not found:  # some of az's clients leave the additions to an error out; the answer's header is in the debug log
        found = re.search(r"'x-nave-decision': '([0-9a-f-]{36})'", az.run(line, "--debug").stderr)
    assert found, text
    return text, found.group(1)


@pytest.fixture(scope="module")
def joe(somebody, group):
    """Reads the group, and no more."""
    return somebody("joe", "Reader", group)


def test_the_printed_line_lets_the_command_through(server, group, owner, joe):
    command = "identity create --resource-group this-rg --location eastus --name joes-identity"
    text, decision = refused(joe.az, command)
    assert "AuthorizationFailed" in text
    page, allowed = explain(server, decision)
    assert not allowed
    assert page.startswith(f"{joe.name} may not do Microsoft.ManagedIdentity/userAssignedIdentities/write on ")
    assert "Reader at" in page and "What would help" in page
    line = grant_in(page)
    assert joe.object_id in line
    run(owner.az, line)
    assert joe.az(command)["name"] == "joes-identity"


def test_what_was_refused_then_is_explained_as_of_then(server, group, joe):
    question = ("--who", joe.name, "--can", "Microsoft.Storage/storageAccounts/write", "--on", group)
    page, _ = explain(server, *question)
    revision = re.search(r"revision (\d+)", page).group(1)
    page, allowed = explain(server, *question, "--at", 1)
    assert not allowed and "revision 1" in page and int(revision) > 1
    page, allowed = explain(server, *question, "--at", "2020-01-01T00:00:00Z")
    assert not allowed and "revision 0" in page


def test_the_caller_may_ask_the_server_himself(server, admin, joe):
    _, decision = refused(joe.az, "group create --name joes-rg --location eastus")
    url = f"{server.origin}/providers/Nave.Access/decisions/{decision}?api-version=2026-11-01"
    read = f"rest --method get --url {url} --resource {server.origin}"
    own = joe.az(read)["properties"]
    assert own["allowed"] is False and own["caller"]["id"] == joe.object_id
    assert own["remedy"]["grants"][0]["command"].startswith("az role assignment create ")
    assert admin(read)["properties"]["decision"] == decision


def test_a_refusal_without_a_credential_is_remembered_for_a_while(server, joe):
    import ssl
    import urllib.error
    import urllib.request

    context = ssl.create_default_context(cafile=server.exports["REQUESTS_CA_BUNDLE"])
    url = f"{server.origin}/subscriptions?api-version=2022-12-01"
    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": "Bearer x"}), context=context)
    assert told.value.code == 401
    decision = told.value.headers["x-nave-decision"]
    url = f"{server.origin}/providers/Nave.Access/decisions/{decision}?api-version=2026-11-01"
    request = joe.az(f"rest --method get --url {url} --resource {server.origin}")["properties"]["request"]
    assert (request["path"], request["status"]) == ("/subscriptions", 401) and request["why"]
