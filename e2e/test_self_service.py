"""IT sets a hub up once; after that teams help themselves, and each person reaches what is theirs."""

import json
import uuid

import az as az_client
import ml
import pytest
from azure.ai.ml.entities import Hub, Project
from azure.core.exceptions import HttpResponseError

DEVELOPER = "Azure AI Developer"
READER = "Reader"
OPERATOR = "Azure AI Inference Deployment Operator"


@pytest.fixture(scope="module")
def hub(owner):
    return ml.client(owner).workspaces.begin_create(Hub(name="teams", location="eastus")).result()


@pytest.fixture(scope="module")
def lead(hub, somebody):
    return somebody("team-lead", DEVELOPER, hub.id)


@pytest.fixture(scope="module")
def projects(hub, lead):
    """Ten projects of a lead, who has no role but on the hub."""
    client = ml.client(lead).workspaces
    return [client.begin_create(Project(name=f"team-{n}", hub_id=hub.id, location="eastus")).result() for n in range(10)]


def roles(admin, scope, principal):
    listed = admin(f"role assignment list --scope {scope}")
    return sorted(one["roleDefinitionName"] for one in listed if one["principalId"] == principal)


def changes(admin, since):
    """Who changed what in the group since an event, the newest first."""
    events = admin("monitor activity-log list --resource-group this-rg --offset 1h --max-events 1000")
    seen = [one["eventDataId"] for one in events]
    return events[: seen.index(since)] if since in seen else events


def test_ten_projects_take_no_administrator(admin, owner, hub, lead):
    newest = admin("monitor activity-log list --resource-group this-rg --offset 1h --max-events 1")[0]["eventDataId"]
    client = ml.client(lead).workspaces
    made = [client.begin_create(Project(name=f"ten-{n}", hub_id=hub.id, location="eastus")).result() for n in range(10)]
    assert {one.hub_id for one in made} == {hub.id}
    written = [one for one in changes(admin, newest) if one["operationName"]["value"].endswith("workspaces/write")]
    assert {one["caller"] for one in written} == {lead.name}
    done = {one["resourceId"] for one in written if one["status"]["value"] == "Succeeded"}
    assert done == {one.id for one in made}
    assert roles(admin, made[0].id, lead.object_id) == ["Owner"]


def test_a_hub_lists_what_of_it_the_caller_may_read(owner, hub, projects, somebody):
    reader = somebody("one-project-reader", READER, projects[3].id)
    assert ml.client(reader).workspaces.get("teams").associated_workspaces == [projects[3].id]
    assert {one.id for one in projects} <= set(ml.client(owner).workspaces.get("teams").associated_workspaces)


def test_a_role_on_the_hub_is_none_on_its_projects(owner, hub, projects, somebody):
    other = somebody("other-lead", DEVELOPER, hub.id)
    client = ml.client(other)
    assert client.workspaces.get("teams").name == "teams"
    with pytest.raises(HttpResponseError) as refused:
        client.workspaces.get(projects[0].name)
    assert refused.value.status_code == 403
    assert {one.name for one in client.workspaces.list(filtered_kinds=["project"])} == set()


def test_a_project_is_shared_with_a_group_of_people(admin, lead, projects, hub, group, somebody):
    person, project = somebody("group-member"), projects[1]
    team = admin("ad group create --display-name team-one --mail-nickname team-one")["id"]
    given = lead.az(
        f"role assignment create --assignee-object-id {team} --assignee-principal-type Group --scope {project.id} --role",
        DEVELOPER,
    )
    client = ml.client(person)
    with pytest.raises(HttpResponseError):
        client.workspaces.get(project.name)
    admin(f"ad group member add --group {team} --member-id {person.object_id}")
    assert client.workspaces.get(project.name).name == project.name
    assert client.workspaces.get("teams").name == "teams", "a member of a project can see its hub"
    assert roles(admin, hub.id, team) == [READER], "one row for the group, none for its members"
    assert roles(admin, group, team) == [OPERATOR]
    assert roles(admin, hub.id, person.object_id) == []
    admin(f"ad group member remove --group {team} --member-id {person.object_id}")
    with pytest.raises(HttpResponseError):
        client.workspaces.get(project.name)
    lead.az(f"role assignment delete --ids {given['id']}")
    assert (roles(admin, hub.id, team), roles(admin, group, team)) == ([], [])


def test_owners_of_a_project_invite_and_contributors_do_not(lead, projects, somebody):
    project = projects[2]
    contributor, guest = somebody("contributor", "Contributor", project.id), somebody("invited")
    line = f"role assignment create --assignee {guest.name} --scope {project.id} --role"
    with pytest.raises(az_client.Refused, match="roleAssignments/write"):
        contributor.az(line, DEVELOPER)
    assert lead.az(line, DEVELOPER)["principalId"] == guest.object_id
    assert ml.client(guest).workspaces.get(project.name).name == project.name


def test_a_member_sees_the_hub_for_as_long_as_he_is_one(admin, lead, projects, hub, group, somebody):
    person = somebody("passing-member")
    given = lead.az(f"role assignment create --assignee {person.name} --scope {projects[4].id} --role", DEVELOPER)
    assert person.az(f"resource show --ids {hub.id} --api-version 2024-10-01")["name"] == "teams"
    row = next(one for one in admin(f"role assignment list --scope {hub.id}") if one["principalId"] == person.object_id)
    shown = admin(f"rest --method get --url {row['id']}?api-version=2022-04-01")
    assert given["id"].lower() in json.dumps(shown).lower(), "an automatic role says what it follows from"
    lead.az(f"role assignment delete --ids {given['id']}")
    with pytest.raises(az_client.Refused, match="AuthorizationFailed"):
        person.az(f"resource show --ids {hub.id} --api-version 2024-10-01")


def test_a_member_deploys_what_touches_only_the_project(lead, projects, somebody, tmp_path):
    member = somebody("deploying-member")
    lead.az(f"role assignment create --assignee {member.name} --scope {projects[5].id} --role", DEVELOPER)

    def deploy(workspace):
        template = tmp_path / f"{workspace}.json"
        template.write_text(json.dumps({
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0",
            "resources": [{
                "type": "Microsoft.MachineLearningServices/workspaces/connections", "apiVersion": "2024-10-01",
                "name": f"{workspace}/deployed", "properties": {
                    "category": "ApiKey", "authType": "ApiKey", "target": "https://x.example/", "credentials": {"key": "k"}},
            }],
        }))
        return member.az(f"deployment group create --resource-group this-rg --name {workspace} --template-file {template}")

    assert deploy(projects[5].name)["properties"]["provisioningState"] == "Succeeded"
    for other in (projects[6].name, "teams"):
        with pytest.raises(az_client.Refused, match="AuthorizationFailed"):
            deploy(other)


def test_a_hubs_identity_is_a_principal_and_its_role_can_be_swapped(admin, owner, group):
    made = ml.client(owner).workspaces.begin_create(Hub(name="identified", location="eastus")).result()
    principal = made.identity.principal_id
    assert admin(f"ad sp show --id {principal}")["displayName"] == "identified"
    assert roles(admin, group, principal) == ["Azure AI Administrator"]
    row = next(one for one in admin(f"role assignment list --scope {group}") if one["principalId"] == principal)
    admin(f"role assignment delete --ids {row['id']}")
    admin(
        f"role assignment create --assignee-object-id {principal} --assignee-principal-type ServicePrincipal "
        f"--scope {group} --role Contributor"
    )
    changed = ml.client(owner).workspaces.get("identified")
    changed.description = "still works"
    ml.client(owner).workspaces.begin_update(changed).result()
    ml.client(owner).workspaces.begin_create(Project(name="still-works", hub_id=made.id, location="eastus")).result()
    assert roles(admin, group, principal) == ["Contributor"], "what was given by hand stays"


def test_a_project_brings_an_identity_and_takes_it_along(admin, owner, hub):
    made = ml.client(owner).workspaces.begin_create(Project(name="brief", hub_id=hub.id, location="eastus")).result()
    principal = made.identity.principal_id
    held = [one for one in admin("role assignment list --all") if one["principalId"] == principal]
    assert [one["roleDefinitionName"] for one in held] == ["Storage Blob Data Contributor"]
    assert made._workspace_id in held[0]["condition"]
    ml.client(owner).workspaces.begin_delete("brief", delete_dependent_resources=False, permanently_delete=True).result()
    with pytest.raises(az_client.Refused):
        admin(f"ad sp show --id {principal}")
    assert not [one for one in admin("role assignment list --all") if one["principalId"] == principal]


def test_one_role_more_lets_a_manager_make_hubs(admin, group, somebody):
    manager = somebody("swapped", DEVELOPER, group)
    client = ml.client(manager).workspaces
    name = f"hub-{uuid.uuid4().hex[:8]}"
    with pytest.raises(HttpResponseError) as refused:
        client.begin_create(Hub(name=name, location="eastus")).result()
    assert refused.value.status_code == 403
    somebody.give(manager, "Contributor", group)
    assert client.begin_create(Hub(name=name, location="eastus")).result().name == name
