"""Hubs, projects and connections through azure-ai-ml, as the people of the documents."""

import az as az_client
import ml
import pytest
from azure.ai.ml import entities
from azure.ai.ml.entities import Hub, Project
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, ServiceResponseError

DEVELOPER = "Azure AI Developer"
HUBS = "Microsoft.MachineLearningServices/workspaces"


@pytest.fixture(scope="module")
def hub(owner):
    return ml.client(owner).workspaces.begin_create(Hub(name="hub", location="eastus")).result()


@pytest.fixture(scope="module")
def lead(hub, somebody):
    """A team lead: developer on the hub, nothing else."""
    return somebody("lead", DEVELOPER, hub.id)


@pytest.fixture(scope="module")
def project(hub, lead):
    made = Project(name="alpha", hub_id=hub.id, location=hub.location)
    return ml.client(lead).workspaces.begin_create(made).result()


@pytest.fixture(scope="module")
def developer(project, somebody):
    """A developer on the project alone."""
    return somebody("developer", DEVELOPER, project.id)


def assigned(admin, scope, person):
    return {one["roleDefinitionName"] for one in admin(f"role assignment list --scope {scope}") if one["principalId"] == person.object_id}


def test_a_hub_is_made_with_what_it_stands_on(admin, owner, hub):
    assert hub.identity.principal_id
    again = ml.client(owner).workspaces.get("hub")
    assert again._workspace_id == hub._workspace_id != ""
    types = {one["type"] for one in admin("resource list --resource-group this-rg")}
    assert {HUBS, "Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"} <= types
    assert "Owner" in assigned(admin, hub.id, owner)
    identity = admin(f"role assignment list --scope /subscriptions/{owner.server.subscription}/resourceGroups/this-rg")
    of_hub = {one["roleDefinitionName"] for one in identity if one["principalId"] == hub.identity.principal_id}
    assert of_hub == {"Azure AI Administrator"}


def test_an_owner_makes_a_project_in_his_hub(admin, owner, hub):
    made = ml.client(owner).workspaces.begin_create(Project(name="owners", hub_id=hub.id, location=hub.location)).result()
    assert made.hub_id == hub.id
    assert "Owner" in assigned(admin, made.id, owner)


def test_a_lead_who_may_only_join_makes_a_project_and_owns_it(admin, hub, lead, project, somebody):
    assert project.hub_id == hub.id
    assert assigned(admin, project.id, lead) == {"Owner"}
    guest = somebody("guest")
    lead.az(f"role assignment create --assignee {guest.name} --scope {project.id} --role", DEVELOPER)
    assert assigned(admin, hub.id, guest) == {"Reader"}, "a member of a project can see its hub"


def test_a_developer_creates_neither_hubs_nor_projects(owner, hub, developer):
    client = ml.client(developer)
    with pytest.raises(HttpResponseError, match="AuthorizationFailed") as refused:
        client.workspaces.begin_create(Hub(name="mine", location="eastus")).result()
    assert refused.value.status_code == 403
    # after the 403 this version of the SDK looks for the hub's own endpoint, which it lost when it read the hub
    with pytest.raises(ServiceResponseError) as refused:
        client.workspaces.begin_create(Project(name="mine", hub_id=hub.id, location="eastus")).result()
    with pytest.raises(ResourceNotFoundError):
        ml.client(owner).workspaces.get("mine")


def test_a_developer_sees_his_project_and_no_other(owner, hub, developer, project):
    names = {one.name for one in ml.client(developer).workspaces.list(filtered_kinds=["project"])}
    assert names == {project.name}
    with pytest.raises(HttpResponseError) as refused:
        ml.client(developer).workspaces.get("owners")
    assert refused.value.status_code == 403


def test_a_contributor_of_the_group_makes_hubs_but_gives_no_roles(hub, somebody, group):
    manager = somebody("manager", "Contributor", group)
    made = ml.client(manager).workspaces.begin_create(Hub(name="managers", location="eastus")).result()
    assert made.identity.principal_id
    guest = somebody("another-guest")
    with pytest.raises(az_client.Refused, match="roleAssignments/write"):
        manager.az(f"role assignment create --assignee {guest.name} --scope {hub.id} --role Reader")


CREDENTIALS = entities._credentials
KINDS = {
    "aoai-key": lambda: entities.AzureOpenAIConnection(name="aoai-key", azure_endpoint="https://a.example/", api_key="K-canary"),
    "aoai-aad": lambda: entities.AzureOpenAIConnection(name="aoai-aad", azure_endpoint="https://a.example/"),
    "services": lambda: entities.AzureAIServicesConnection(
        name="services", endpoint="https://s.example/", api_key="K-canary", ai_services_resource_id="/subscriptions/s/x/y"
    ),
    "search": lambda: entities.AzureAISearchConnection(name="search", endpoint="https://q.example/", api_key="K-canary"),
    "safety": lambda: entities.AzureContentSafetyConnection(name="safety", endpoint="https://c.example/", api_key="K-canary"),
    "speech": lambda: entities.AzureSpeechServicesConnection(name="speech", endpoint="https://v.example/", api_key="K-canary"),
    "api": lambda: entities.APIKeyConnection(name="api", api_base="https://b.example/", api_key="K-canary"),
    "openai": lambda: entities.OpenAIConnection(name="openai", api_key="K-canary"),
    "serp": lambda: entities.SerpConnection(name="serp", api_key="K-canary"),
    "serverless": lambda: entities.ServerlessConnection(name="serverless", endpoint="https://e.example/", api_key="K-canary"),
    "blob": lambda: entities.AzureBlobStoreConnection(
        name="blob", url="https://d.example/c", container_name="c", account_name="d",
        credentials=CREDENTIALS.AccountKeyConfiguration(account_key="K-canary"),
    ),
    "git": lambda: entities.WorkspaceConnection(
        name="git", type="git", target="https://g.example/r", credentials=CREDENTIALS.PatTokenConfiguration(pat="K-canary")
    ),
    "registry": lambda: entities.WorkspaceConnection(
        name="registry", type="container_registry", target="https://r.example",
        credentials=CREDENTIALS.UsernamePasswordConfiguration(username="u", password="K-canary"),
    ),
    "bucket": lambda: entities.WorkspaceConnection(
        name="bucket", type="s3", target="https://t.example",
        credentials=CREDENTIALS.AccessKeyConfiguration(access_key_id="i", secret_access_key="K-canary"),
    ),
    "feed": lambda: entities.WorkspaceConnection(
        name="feed", type="python_feed", target="https://p.example", credentials=CREDENTIALS.NoneCredentialConfiguration()
    ),
    "lake": lambda: entities.MicrosoftOneLakeConnection(
        name="lake", endpoint="https://l.example", one_lake_workspace_name="w",
        artifact=entities.OneLakeConnectionArtifact(name="artifact"),
        credentials=CREDENTIALS.AadCredentialConfiguration(),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_class_of_connection_is_made_listed_and_read(owner, hub, kind):
    connections = ml.client(owner, "hub").connections
    made = connections.create_or_update(KINDS[kind]())
    assert made.name == kind
    read = connections.get(kind)
    assert read.type == made.type
    assert "K-canary" not in str(read._to_rest_object().as_dict() if hasattr(read, "_to_rest_object") else read.__dict__)
    assert kind in {one.name for one in connections.list()}


def test_a_shared_connection_is_in_every_project_and_its_secret_in_none(owner, hub, project, developer):
    shared = entities.AzureOpenAIConnection(name="shared", azure_endpoint="https://a.example/", api_key="K-secret")
    ml.client(owner, "hub").connections.create_or_update(shared)
    connections = ml.client(developer, project.name).connections
    assert "shared" in {one.name for one in connections.list()}
    assert connections.get("shared").credentials.key != "K-secret"
    with pytest.raises(HttpResponseError) as refused:
        connections.get("shared", populate_secrets=True)
    assert refused.value.status_code == 403
    assert ml.client(owner, "hub").connections.get("shared", populate_secrets=True).credentials.key == "K-secret"


def test_a_projects_own_connection_is_nobody_elses(owner, hub, project, developer):
    own = entities.APIKeyConnection(name="private", api_base="https://b.example/", api_key="K-own", is_shared=False)
    ml.client(developer, project.name).connections.create_or_update(own)
    assert "private" not in {one.name for one in ml.client(owner, "hub").connections.list()}
    assert "private" not in {one.name for one in ml.client(owner, "owners").connections.list()}


def test_a_change_of_the_hub_is_a_change_of_its_projects(owner, hub, project):
    client = ml.client(owner)
    assert client.workspaces.get(project.name).public_network_access == "Enabled"
    changed = client.workspaces.get("hub")
    changed.public_network_access = "Disabled"
    client.workspaces.begin_update(changed).result()
    assert client.workspaces.get(project.name).public_network_access == "Disabled"
    changed.public_network_access = "Enabled"
    client.workspaces.begin_update(changed).result()


def test_a_default_workspace_and_what_a_lifetime_is(owner, hub):
    client = ml.client(owner)
    made = client.workspaces.begin_create(entities.Workspace(name="plain", location="eastus")).result()
    assert client.workspaces.get("plain")._workspace_id == made._workspace_id != ""
    with pytest.raises(az_client.Refused, match="kind"):
        owner.az(f"resource update --ids {made.id} --set kind=Hub --api-version 2024-10-01")
    client.workspaces.begin_delete("plain", delete_dependent_resources=False, permanently_delete=True).result()
    with pytest.raises((HttpResponseError, ResourceNotFoundError)):
        client.workspaces.get("plain")


def test_deleting_a_hub_deletes_its_projects_and_keeps_what_it_stood_on(admin, owner):
    client = ml.client(owner)
    made = client.workspaces.begin_create(Hub(name="passing", location="eastus")).result()
    client.workspaces.begin_create(Project(name="passing-too", hub_id=made.id, location="eastus")).result()
    client.workspaces.begin_delete("passing", delete_dependent_resources=False, permanently_delete=True).result()
    for name in ("passing", "passing-too"):
        with pytest.raises(HttpResponseError) as gone:
            client.workspaces.get(name)
        assert gone.value.status_code == 404
    assert made.storage_account in {one["id"] for one in admin("resource list --resource-group this-rg")}
