"""The custom roles of the hub documents, in both forms clients send them, and what they are worth."""

import json
import pathlib
import uuid

import az as az_client
import openai
import pytest

ROLES = {file.stem: file.read_text() for file in (pathlib.Path(__file__).parent / "roles").glob("*.json")}
CHAT = [{"role": "user", "content": "Say hello."}]
WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
VERSION = "2024-10-01"


@pytest.fixture(scope="module")
def document(server):
    """The document of a role, for this server's subscription, under a name of its own."""

    def read(stem, name):
        text = ROLES[stem].replace("<your-subscription-id>", server.subscription)
        role = json.loads(text.replace("<your-scope>", f"/subscriptions/{server.subscription}"))
        role["properties"]["roleName"] = name
        return role

    return read


@pytest.fixture(scope="module")
def define(admin, document, tmp_path_factory):
    """Defines the role of a document as `az role definition create` takes it."""

    def create(stem, name, az=admin, **more):
        properties = document(stem, name)["properties"]
        granted = {key[0].upper() + key[1:]: value for key, value in properties["permissions"][0].items()}
        role = {
            "Name": name,
            "Description": properties["description"],
            "AssignableScopes": properties["assignableScopes"],
            **granted,
            **more,
        }
        file = tmp_path_factory.mktemp("roles") / f"{stem}.json"
        file.write_text(json.dumps(role))
        return az(f"role definition create --role-definition {file}")

    return create


@pytest.fixture(scope="module")
def home(admin):
    """A resource group of its own."""
    return admin("group create --name custom-roles --location eastus")["id"]


@pytest.fixture(scope="module")
def hub(admin, home):
    return made(admin, f"{home}/providers/{WORKSPACES}/roles-hub", "Hub")


def made(az, workspace, kind, **properties):
    body = json.dumps({"location": "eastus", "kind": kind, "properties": properties})
    return az(f"rest --method put --url {workspace}?api-version={VERSION} --body", body)


@pytest.mark.parametrize("stem", ROLES)
def test_a_document_is_a_rest_body(server, admin, document, stem, tmp_path):
    role = document(stem, f"REST {stem}")
    file = tmp_path / "body.json"
    file.write_text(json.dumps(role))
    scope = f"/subscriptions/{server.subscription}"
    url = f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{uuid.uuid4()}?api-version=2022-04-01"
    stored = admin(f"rest --method put --url {url} --body @{file}")
    assert stored["properties"]["permissions"] == role["properties"]["permissions"]
    assert stored["properties"]["assignableScopes"] == role["properties"]["assignableScopes"]
    admin("role definition delete --name", f"REST {stem}")


@pytest.mark.parametrize("stem", ROLES)
def test_a_document_is_what_az_creates(admin, document, define, stem):
    made = define(stem, f"az {stem}")
    wanted = document(stem, f"az {stem}")["properties"]["permissions"][0]
    assert {name: made["permissions"][0][name] for name in wanted} == wanted
    (listed,) = admin("role definition list --custom-role-only --name", f"az {stem}")
    assert listed["id"] == made["id"]
    admin("role definition delete --name", f"az {stem}")


def test_who_owns_a_group_defines_roles_for_it_and_a_contributor_does_not(home, define, somebody):
    role = {"AssignableScopes": [home]}
    contributor = somebody("role-contributor", "Contributor", home)
    with pytest.raises(az_client.Refused, match="roleDefinitions/write"):
        define("foundry-developer", "By a contributor", contributor.az, **role)
    owner = somebody("role-owner", "Owner", home)
    assert define("foundry-developer", "By an owner", owner.az, **role)["assignableScopes"] == [home]
    with pytest.raises(az_client.Refused, match="LinkedAuthorizationFailed|linked scope"):
        define("foundry-developer", "Too far", owner.az, AssignableScopes=[home, home.rpartition("/resourceGroups")[0]])


def test_a_foundry_developer_makes_a_workspace_and_no_hub_or_project(define, home, hub, somebody):
    define("foundry-developer", "Azure AI Foundry Developer")
    person = somebody("foundry", "Azure AI Foundry Developer", home)
    workspace = f"{home}/providers/{WORKSPACES}"
    assert made(person.az, f"{workspace}/plain", "Default")["kind"] == "Default"
    with pytest.raises(az_client.Refused, match="HubCreationRole.*Owner or Contributor"):
        made(person.az, f"{workspace}/by-foundry", "Hub")
    with pytest.raises(az_client.Refused, match="hubs/join"):
        made(person.az, f"{workspace}/joined", "Project", hubResourceId=hub["id"])


def test_every_action_makes_no_hub_yet_all_else(server, define, home, hub, somebody):
    scope = f"/subscriptions/{server.subscription}"
    define("foundry-developer", "Everything", Actions=["*"], DataActions=[])
    person = somebody("everything", "Everything", scope)
    with pytest.raises(az_client.Refused, match="HubCreationRole"):
        made(person.az, f"{home}/providers/{WORKSPACES}/by-everything", "Hub")
    person.az(f"rest --method patch --url {hub['id']}?api-version={VERSION} --body", '{"tags": {"by": "everything"}}')
    project = made(person.az, f"{home}/providers/{WORKSPACES}/every-project", "Project", hubResourceId=hub["id"])
    assert project["kind"] == "Project"


def test_all_that_a_hub_stands_on_and_is_missing_is_told_at_once(server, define, home, hub, somebody):
    missing = ["Microsoft.KeyVault/vaults/write", "Microsoft.Storage/storageAccounts/write"]
    define("foundry-developer", "No vaults", Actions=["*"], NotActions=missing)
    person = somebody("no-vaults", "No vaults", f"/subscriptions/{server.subscription}")
    with pytest.raises(az_client.Refused) as refused:
        made(person.az, f"{home}/providers/{WORKSPACES}/no-vaults", "Hub")
    for action in missing:
        assert str(refused.value).count(f"'{action}'") == 1
    assert made(person.az, f"{home}/providers/{WORKSPACES}/no-vaults", "Project", hubResourceId=hub["id"])["id"]


def test_a_studio_developer_may_use_models_and_not_train_them(admin, define, home, hub, somebody):
    account = admin(
        "cognitiveservices account create --name studio-models --resource-group custom-roles --kind OpenAI --sku S0 "
        "--location eastus --custom-domain studio-models --yes"
    )
    for name, model in [("chat", "gpt-4o-mini"), ("embed", "text-embedding-3-small")]:
        admin(
            "cognitiveservices account deployment create --name studio-models --resource-group custom-roles "
            f"--deployment-name {name} --model-name {model} --model-version 1 --model-format OpenAI "
            "--sku-name Standard --sku-capacity 1"
        )
    define("studio-developer", "Studio Developer")
    person = somebody("studio-developer", "Studio Developer", home)
    client = openai.AzureOpenAI(
        azure_endpoint=account["properties"]["endpoint"],
        api_version="2024-10-21",
        azure_ad_token_provider=lambda: person.token("https://cognitiveservices.azure.com"),
        max_retries=0,
    )
    assert client.chat.completions.create(model="chat", messages=CHAT).choices
    assert client.embeddings.create(model="embed", input="one").data
    for refused in [
        lambda: client.fine_tuning.jobs.create(model="chat", training_file="file"),
        lambda: client.post("/assistants", body={"model": "chat"}, cast_to=object),
    ]:
        with pytest.raises(openai.AuthenticationError, match="lacks the required data action"):
            refused()
    with pytest.raises(az_client.Refused, match="workspaces/write"):
        person.az(f"rest --method patch --url {hub['id']}?api-version={VERSION} --body", '{"tags": {}}')
    stored = person.az(
        f"rest --method put --url {home}/providers/Microsoft.Storage/storageAccounts/bystudio?api-version=2023-04-01 --body",
        '{"location": "eastus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {}}',
    )
    assert stored["name"] == "bystudio"
