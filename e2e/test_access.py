"""Access as it is used, and access before it is changed: what `nave access` says is what real clients then see."""

import json
import subprocess
import time

import az as az_client
import ml
import openai
import pytest

WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
VERSION = "2024-10-01"
CHAT = [{"role": "user", "content": "Say hello."}]
COMPLETE = "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action"
LIMIT_SECONDS = 60


@pytest.fixture(scope="module")
def access(server):
    """`nave access`, beside the running server."""

    def run(*arguments):
        return subprocess.run(
            [server.binary, "access", *map(str, arguments), "--data", server.data],
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )

    return run


@pytest.fixture(scope="module")
def account(admin, group):
    made = admin(
        "cognitiveservices account create --name access-models --resource-group this-rg --kind AIServices --sku S0 "
        "--location eastus --custom-domain access-models --yes"
    )
    admin(
        "cognitiveservices account deployment create --name access-models --resource-group this-rg --deployment-name chat "
        "--model-name gpt-4o-mini --model-version 1 --model-format OpenAI --sku-name Standard --sku-capacity 1"
    )
    return made


@pytest.fixture(scope="module")
def project(admin, group):
    hub = made(admin, f"{group}/providers/{WORKSPACES}/access-hub", "Hub")
    return made(admin, f"{group}/providers/{WORKSPACES}/access-project", "Project", hubResourceId=hub["id"])


def made(az, workspace, kind, **properties):
    body = json.dumps({"location": "eastus", "kind": kind, "properties": properties})
    return az(f"rest --method put --url {workspace}?api-version={VERSION} --body", body)


def read(person, resource):
    return person.az(f"rest --method get --url {resource}?api-version={VERSION}")


def chat(person, account):
    client = openai.AzureOpenAI(
        azure_endpoint=account["properties"]["endpoint"], api_version="2024-10-21", max_retries=0,
        azure_ad_token_provider=lambda: person.token("https://cognitiveservices.azure.com"),
    )
    return client.chat.completions.create(model="chat", messages=CHAT).choices[0].message.content


def a_day(person, account, project):
    """What a developer does, with each of the clients."""
    assert chat(person, account)
    client = ml.client(person, project["name"])
    assert client.workspaces.get(project["name"]).name == project["name"]
    assert list(client.connections.list()) == []
    assert read(person, project["id"])["id"] == project["id"]


def suggested(access, person):
    """What `nave access suggest` says once the server has written down what the person did."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while True:
        said = access("suggest", "--who", person.name, "--json")
        answer = json.loads(said.stdout or "{}")
        if any(COMPLETE in role["definition"]["DataActions"] for role in answer.get("roles", [])):
            return answer
        assert time.monotonic() < deadline, (said.stdout, said.stderr)


def test_a_role_made_from_a_day_is_enough_for_that_day_and_for_nothing_else(
    admin, access, account, project, somebody, tmp_path
):
    developer = somebody("used-rights", "Azure AI Developer", project["id"])
    somebody.give(developer, "Cognitive Services OpenAI User", account["id"])
    a_day(developer, account, project)
    with pytest.raises(az_client.Refused):
        developer.az("cognitiveservices account keys list --name access-models --resource-group this-rg")

    answer = suggested(access, developer)
    (role,) = answer["roles"]
    definition = role["definition"]
    assert answer["proof"]["holds"], answer["proof"]
    assert definition["DataActions"] == [COMPLETE]
    assert f"{WORKSPACES}/read" in definition["Actions"] and f"{WORKSPACES}/connections/read" in definition["Actions"]
    assert not any("*" in action or "listKeys" in action for action in definition["Actions"])
    assert {scope.lower() for scope in definition["AssignableScopes"]} == {
        account["id"].lower(), project["id"].lower()
    }

    file = tmp_path / "role.json"
    file.write_text(json.dumps(definition))
    admin(f"role definition create --role-definition {file}")
    second = somebody("second")
    with pytest.raises(openai.APIStatusError):
        chat(second, account)
    for scope in definition["AssignableScopes"]:
        somebody.give(second, definition["Name"], scope)
    a_day(second, account, project)
    for refused in (
        "cognitiveservices account keys list --name access-models --resource-group this-rg",
        "cognitiveservices account deployment delete --name access-models --resource-group this-rg --deployment-name chat",
        f"rest --method delete --url {project['id']}?api-version={VERSION}",
    ):
        with pytest.raises(az_client.Refused, match="AuthorizationFailed|does not have authorization"):
            second.az(refused)


def test_the_role_is_printed_as_az_takes_it(access, somebody, account, project):
    developer = somebody("printed", "Azure AI Developer", project["id"])
    somebody.give(developer, "Cognitive Services OpenAI User", account["id"])
    assert chat(developer, account)
    suggested(access, developer)
    said = access("suggest", "--who", developer.name, "--name", "Printed role")
    assert said.returncode == 0
    assert json.loads(said.stdout)["Name"] == "Printed role"
    assert 'az role assignment create --role "Printed role"' in said.stderr
    assert "proof: " in said.stderr


def test_what_is_foretold_of_an_assignment_happens(admin, access, account, project, somebody, tmp_path):
    # who has no role at all cannot sign in with az
    person = somebody("foretold", "Reader", account["id"])
    with pytest.raises(az_client.Refused):
        read(person, project["id"])
    file = tmp_path / "assignment.json"
    file.write_text(
        json.dumps({"scope": project["id"], "role": "Azure AI Developer", "assignee": person.name})
    )
    answer = json.loads(access("what-if", "--assignment", file, "--json").stdout)
    gained = [entry for entry in answer["entries"] if entry["kind"] == "Gained"]
    assert {entry["principal"]["name"] for entry in gained} == {person.name}
    assert answer["totals"]["lost"] == answer["totals"]["conditional"] == 0
    at_project = [entry for entry in gained if entry["resourceId"].lower() == project["id"].lower()]
    assert any(f"{WORKSPACES}/read" in entry["actions"] for entry in at_project)
    # whoever becomes a member of a project can see its hub: that follows by a rule, and is foretold too
    hub = project["properties"]["hubResourceId"]
    assert any(entry["resourceId"].lower() == hub.lower() for entry in gained)
    (flip,) = [flip for flip in answer["calls"]["flips"] if flip["operation"] == f"{WORKSPACES}/read"]
    assert (flip["callerName"], flip["recorded"], flip["proposed"]) == (person.name, "denied", "allowed")

    table = access("what-if", "--assignment", file)
    assert table.returncode == 0 and f"{person.name} gains, by Azure AI Developer" in table.stdout
    with pytest.raises(az_client.Refused):
        read(person, project["id"])

    given = somebody.give(person, "Azure AI Developer", project["id"])
    assert read(person, project["id"])["id"] == project["id"]
    assert read(person, hub)["kind"] == "Hub"

    answer = json.loads(access("what-if", "--delete", given["id"], "--json").stdout)
    assert answer["totals"]["gained"] == 0 and answer["totals"]["lost"] > 0
    assert any(entry["resourceId"].lower() == hub.lower() for entry in answer["entries"])
    admin(f"role assignment delete --ids {given['id']}")
    for resource in (project["id"], hub):
        with pytest.raises(az_client.Refused):
            read(person, resource)


def test_what_cannot_be_written_is_refused_as_arm_refuses_it(access, project, somebody, tmp_path):
    file = tmp_path / "assignment.json"
    file.write_text(json.dumps({"scope": project["id"], "roleDefinitionId": f"/x/{'1' * 8}-{'1' * 4}-{'1' * 4}-{'1' * 4}-{'1' * 12}",
                                "assignee": somebody("nobody-special").name}))
    said = access("what-if", "--assignment", file)
    assert said.returncode == 1 and "RoleDefinitionDoesNotExist" in said.stderr
