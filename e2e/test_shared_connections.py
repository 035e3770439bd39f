"""Connections of a hub and of its projects: who shares, who uses, who sees what was used."""

import ml
import openai
import pytest
from azure.ai.ml import entities
from azure.ai.ml.entities import Hub, Project
from azure.core.exceptions import HttpResponseError

DEVELOPER = "Azure AI Developer"
CHAT = [{"role": "user", "content": "Say hello."}]
VERSION = "2024-10-01"


@pytest.fixture(scope="module")
def account(admin, group):
    made = admin(
        "cognitiveservices account create --name shared-models --resource-group this-rg --kind AIServices --sku S0 "
        "--location eastus --custom-domain shared-models --yes"
    )
    admin(
        "cognitiveservices account deployment create --name shared-models --resource-group this-rg --deployment-name chat "
        "--model-name gpt-4o-mini --model-version 1 --model-format OpenAI --sku-name Standard --sku-capacity 1"
    )
    return made


@pytest.fixture(scope="module")
def hub(owner, account):
    return ml.client(owner).workspaces.begin_create(Hub(name="sharing", location="eastus")).result()


@pytest.fixture(scope="module")
def lead(hub, somebody):
    return somebody("sharing-lead", DEVELOPER, hub.id)


@pytest.fixture(scope="module")
def projects(hub, lead):
    client = ml.client(lead).workspaces
    return [client.begin_create(Project(name=f"sharing-{n}", hub_id=hub.id, location="eastus")).result() for n in "ab"]


@pytest.fixture(scope="module")
def developer(projects, somebody):
    return somebody("sharing-developer", DEVELOPER, projects[0].id)


@pytest.fixture(scope="module")
def shared(admin, account, hub, lead):
    """The hub's connection to the account, made by the lead before anybody needs it."""
    key = admin("cognitiveservices account keys list --name shared-models --resource-group this-rg")["key1"]
    connection = entities.AzureOpenAIConnection(
        name="sharing-connection-to-the-companys-models", azure_endpoint=account["properties"]["endpoint"], api_key=key,
        open_ai_resource_id=account["id"],
    )
    return ml.client(lead, "sharing").connections.create_or_update(connection)


def api(name, where, **more):
    return entities.APIKeyConnection(name=name, api_base=where, api_key="K-canary", **more)


def names(person, workspace):
    return {one.name for one in ml.client(person, workspace).connections.list()}


def through_project(person, project):
    return openai.OpenAI(
        base_url=f"{person.server.origin}/api/projects/{project.name}/openai/v1",
        api_key=lambda: person.token("https://ai.azure.com"),
        max_retries=0,
    )


def test_a_members_connection_goes_no_further_than_the_project(owner, hub, projects, developer):
    made = ml.client(developer, projects[0].name).connections.create_or_update(api("mine", "https://mine.example/"))
    assert made.is_shared is False, "whatever the client asks for by default"
    assert "mine" not in names(owner, projects[1].name) | names(owner, "sharing")
    with pytest.raises(HttpResponseError) as refused:
        ml.client(developer, "sharing").connections.create_or_update(api("mine-too", "https://mine.example/"))
    assert refused.value.status_code == 403


def test_a_new_project_has_the_hubs_connections_at_once(lead, hub, shared):
    ml.client(lead).workspaces.begin_create(Project(name="sharing-new", hub_id=hub.id, location="eastus")).result()
    assert shared.name in names(lead, "sharing-new")


def test_a_projects_own_connection_hides_the_hubs(owner, projects, developer):
    ml.client(owner, "sharing").connections.create_or_update(api("tool", "https://hub.example/"))
    ml.client(developer, projects[0].name).connections.create_or_update(api("tool", "https://own.example/", is_shared=False))
    targets = {project.name: ml.client(owner, project.name).connections.get("tool").target for project in projects}
    assert targets == {"sharing-a": "https://own.example/", "sharing-b": "https://hub.example/"}
    shown = owner.az(f"rest --method get --url {projects[1].id}/connections/tool?api-version={VERSION}")
    assert shown["properties"]["inheritedFrom"].endswith("/workspaces/sharing")


def test_a_connection_without_a_secret_asks_for_the_callers_own_role(owner, account, projects, developer, somebody):
    passing = entities.AzureOpenAIConnection(
        name="as-myself", azure_endpoint=account["properties"]["endpoint"], open_ai_resource_id=account["id"]
    )
    made = ml.client(owner, "sharing").connections.create_or_update(passing)
    assert made.credentials.type.lower() == "aad"
    call = through_project(developer, projects[0]).chat.completions.create
    with pytest.raises(openai.APIStatusError, match="chat/completions/action") as refused:
        call(model="as-myself/chat", messages=CHAT)
    assert refused.value.status_code in (401, 403)
    assert account["id"] in str(refused.value), "the refusal says where a role is missing"
    somebody.give(developer, "Cognitive Services OpenAI User", account["id"])
    assert call(model="as-myself/chat", messages=CHAT).choices[0].message.content


def test_who_only_reads_sees_no_secret(projects, shared, somebody):
    reader = somebody("sharing-reader", "Reader", projects[0].id)
    connections = ml.client(reader, projects[0].name).connections
    assert connections.get(shared.name).name == shared.name
    with pytest.raises(HttpResponseError) as refused:
        connections.get(shared.name, populate_secrets=True)
    assert refused.value.status_code == 403


def test_a_hubs_owner_sees_all_connections_and_each_use(hub, projects, shared, developer, somebody):
    auditor = somebody("hub-owner", "Owner", hub.id)
    ml.client(developer, projects[0].name).connections.create_or_update(api("audited", "https://a.example/", is_shared=False))
    listed = auditor.az(f"rest --method get --url {hub.id}/connections?api-version={VERSION}&includeProjects=true")["value"]
    assert {"audited", shared.name} <= {one["name"] for one in listed}
    assert "K-canary" not in str(listed)
    through_project(developer, projects[0]).chat.completions.create(model=f"{shared.name}/chat", messages=CHAT)
    with pytest.raises(HttpResponseError):
        ml.client(developer, projects[0].name).connections.get(shared.name, populate_secrets=True)
    log = auditor.az(f"monitor activity-log list --resource-id {hub.id}/connections/{shared.name} --offset 1h --max-events 200")
    of_developer = {
        (one["operationName"]["value"].rpartition("/workspaces/")[2].rpartition("/OpenAI/")[2], one["status"]["value"])
        for one in log if one["caller"] == developer.name
    }
    assert ("deployments/chat/completions/action", "Succeeded") in of_developer
    assert ("connections/listsecrets/action", "Failed") in of_developer


def test_a_lead_sees_the_models_behind_a_connection_without_a_role_on_the_account(admin, account, hub, lead, shared):
    url = f"{hub.id}/connections/{shared.name}/deployments?api-version={VERSION}"
    assert [one["name"] for one in lead.az(f"rest --method get --url {url}")["value"]] == ["chat"]
    with pytest.raises(Exception, match="AuthorizationFailed"):
        lead.az("cognitiveservices account deployment list --name shared-models --resource-group this-rg")
    log = admin(f"monitor activity-log list --resource-id {hub.id}/connections/{shared.name} --offset 1h --max-events 200")
    assert any("connections/deployments/read" in one["operationName"]["value"] and one["caller"] == lead.name for one in log)
