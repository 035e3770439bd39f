"""Roles through az: the documents' own commands, custom roles, and that what is granted is what is allowed."""

import json
import uuid

import az as az_client
import pytest

DEVELOPER = "Azure AI Developer"

# The custom role of the hub documents: write on workspaces is granted and taken away again in one permission.
STUDIO_DEVELOPER = {
    "actions": [
        "Microsoft.MachineLearningServices/workspaces/write",
        "Microsoft.MachineLearningServices/workspaces/endpoints/write",
        "Microsoft.Storage/storageAccounts/write",
        "Microsoft.Resources/deployments/validate/action",
        "Microsoft.KeyVault/vaults/write",
        "Microsoft.Authorization/roleAssignments/read",
        "Microsoft.Authorization/roleDefinitions/read",
        "Microsoft.CognitiveServices/*/read",
    ],
    "notActions": [
        "Microsoft.MachineLearningServices/workspaces/delete",
        "Microsoft.MachineLearningServices/workspaces/write",
        "Microsoft.MachineLearningServices/workspaces/listKeys/action",
        "Microsoft.MachineLearningServices/workspaces/hubs/write",
        "Microsoft.MachineLearningServices/workspaces/hubs/delete",
        "Microsoft.MachineLearningServices/workspaces/featurestores/write",
        "Microsoft.MachineLearningServices/workspaces/featurestores/delete",
    ],
    "dataActions": [
        "Microsoft.CognitiveServices/accounts/OpenAI/*/read",
        "Microsoft.CognitiveServices/accounts/OpenAI/engines/completions/action",
        "Microsoft.CognitiveServices/accounts/OpenAI/engines/search/action",
        "Microsoft.CognitiveServices/accounts/OpenAI/engines/generate/action",
        "Microsoft.CognitiveServices/accounts/OpenAI/deployments/search/action",
        "Microsoft.CognitiveServices/accounts/OpenAI/deployments/completions/action",
        "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action",
        "Microsoft.CognitiveServices/accounts/OpenAI/deployments/extensions/chat/completions/action",
        "Microsoft.CognitiveServices/accounts/OpenAI/deployments/embeddings/action",
        "Microsoft.CognitiveServices/accounts/OpenAI/images/generations/action",
    ],
    "notDataActions": [],
}


def test_the_documents_command_on_the_az_it_was_written_for(server, admin, group, somebody, tmp_path):
    joe = somebody("joe@contoso.com")
    az = az_client.by_metadata(server, tmp_path / "old", "az-2.50")
    clouds = az("cloud list")
    name = next(cloud["name"] for cloud in clouds if server.origin in str(cloud["endpoints"]))
    az(f"cloud set --name {name}")
    az(f"login --username {server.admin} --tenant {server.tenant} --password", server.password)
    made = az("role assignment create --resource-group this-rg --assignee joe@contoso.com --role", DEVELOPER)
    assert made["principalId"] == joe.object_id
    assert made["scope"] == group

    again = admin(f"role assignment create --assignee joe@contoso.com --scope {group} --role", DEVELOPER)
    assert again["id"] == made["id"], "the same assignment twice is one assignment"
    listed = admin(f"role assignment list --assignee joe@contoso.com --scope {group}")
    assert [(one["roleDefinitionName"], one["principalName"]) for one in listed] == [(DEVELOPER, "joe@contoso.com")]


def test_a_role_opens_a_door_at_once_and_its_removal_closes_it(admin, group, somebody):
    elsewhere = admin("group create --name elsewhere --location eastus")["id"]
    person = somebody("ann", "Reader", elsewhere)
    show = f"rest --method get --url {group}?api-version=2024-11-01"
    with pytest.raises(az_client.Refused, match="AuthorizationFailed"):
        person.az(show)
    somebody.give(person, "Reader", group)
    assert person.az(show)["id"] == group
    with pytest.raises(az_client.Refused, match="AuthorizationFailed"):
        person.az(f"rest --method patch --url {group}?api-version=2024-11-01 --body {{}}")
    admin(f"role assignment delete --assignee {person.name} --role Reader --scope {group}")
    with pytest.raises(az_client.Refused, match="AuthorizationFailed"):
        person.az(show)


def test_a_scope_is_a_path_and_not_the_beginning_of_a_text(admin, group, somebody):
    admin("group create --name this-rg2 --location eastus")
    person = somebody("bob", "Reader", group)
    assert [one["name"] for one in person.az("group list")] == ["this-rg"]
    with pytest.raises(az_client.Refused, match="AuthorizationFailed"):
        person.az("group show --name this-rg2")


def test_a_group_reaches_its_members(server, admin, group, somebody):
    person = somebody("carol")
    team = admin("ad group create --display-name team --mail-nickname team")
    admin(f"ad group member add --group {team['id']} --member-id {person.object_id}")
    admin(
        f"role assignment create --role Reader --scope {group} "
        f"--assignee-object-id {team['id']} --assignee-principal-type Group"
    )
    assert person.az("group show --name this-rg")["id"] == group
    listed = admin(f"role assignment list --assignee {person.name} --include-groups --scope {group}")
    assert [one["principalId"] for one in listed] == [team["id"]]
    admin(f"ad group member remove --group {team['id']} --member-id {person.object_id}")
    with pytest.raises(az_client.Refused, match="AuthorizationFailed"):
        person.az("group show --name this-rg")


def test_inherited_assignments_are_listed_when_asked_for(server, admin, group):
    at_group = {one["id"] for one in admin(f"role assignment list --scope {group}")}
    inherited = {one["id"] for one in admin(f"role assignment list --scope {group} --include-inherited")}
    assert at_group < inherited


def test_only_who_may_assign_assigns(admin, group, somebody):
    contributor = somebody("contributor", "Contributor", group)
    owner = somebody("owner", "Owner", group)
    guest = somebody("guest")
    with pytest.raises(az_client.Refused, match="roleAssignments/write"):
        contributor.az(f"role assignment create --assignee {guest.name} --role Reader --scope {group}")
    made = owner.az(f"role assignment create --assignee {guest.name} --role Reader --scope {group}")
    assert made["principalId"] == guest.object_id


def test_the_custom_role_of_the_documents_as_az_takes_it(server, admin, group, somebody, tmp_path):
    file = tmp_path / "role.json"
    role = {
        "Name": "AI Studio Developer",
        "Description": "Custom role for AI Studio",
        "Actions": STUDIO_DEVELOPER["actions"],
        "NotActions": STUDIO_DEVELOPER["notActions"],
        "DataActions": STUDIO_DEVELOPER["dataActions"],
        "NotDataActions": [],
        "AssignableScopes": [f"/subscriptions/{server.subscription}"],
    }
    file.write_text(json.dumps(role))
    made = admin(f"role definition create --role-definition {file}")
    assert made["permissions"][0]["notActions"] == STUDIO_DEVELOPER["notActions"]

    person = somebody("studio", "AI Studio Developer", group)
    with pytest.raises(az_client.Refused, match="workspaces/write"):
        person.az(
            "resource create --resource-group this-rg --location eastus --name by-studio "
            "--resource-type Microsoft.MachineLearningServices/workspaces --api-version 2024-10-01 --properties {}"
        )
    with pytest.raises(az_client.Refused, match="RoleDefinitionHasAssignments|existing role assignments"):
        admin("role definition delete --name", "AI Studio Developer")
    admin(f"role assignment delete --assignee {person.name} --scope {group} --role", "AI Studio Developer")
    admin("role definition delete --name", "AI Studio Developer")
    assert admin("role definition list --custom-role-only --name", "AI Studio Developer") == []


def test_the_custom_role_of_the_documents_as_a_rest_body(server, admin, tmp_path):
    scope = f"/subscriptions/{server.subscription}"
    body = tmp_path / "body.json"
    properties = {
        "roleName": "Studio Developer by REST",
        "description": "",
        "assignableScopes": [scope],
        "permissions": [STUDIO_DEVELOPER],
    }
    body.write_text(json.dumps({"id": "", "properties": properties}))
    url = f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{uuid.uuid4()}?api-version=2022-04-01"
    made = admin(f"rest --method put --url {url} --body @{body}")
    assert made["properties"]["type"] == "CustomRole"
    assert made["properties"]["permissions"][0]["actions"] == STUDIO_DEVELOPER["actions"]
    listed = admin("role definition list --name", "Studio Developer by REST")
    assert [one["id"] for one in listed] == [made["id"]]


def test_a_bad_custom_role_says_which_string_is_bad(server, admin, tmp_path):
    file = tmp_path / "bad.json"
    scope = f"/subscriptions/{server.subscription}"
    file.write_text(json.dumps({"Name": "Bad", "Actions": ["Microsoft.Storage/*/x/*"], "AssignableScopes": [scope]}))
    with pytest.raises(az_client.Refused, match="multiple wildcards"):
        admin(f"role definition create --role-definition {file}")


def test_built_in_roles_are_listed_by_name(admin):
    (role,) = admin("role definition list --name", "Azure AI Administrator")
    assert role["roleType"] == "BuiltInRole"
    assert "Microsoft.MachineLearningServices/workspaces/*" in role["permissions"][0]["actions"]
    operations = admin("provider operation show --namespace Microsoft.MachineLearningServices")
    assert "workspaces" in [one["name"] for one in operations["resourceTypes"]]


def test_the_last_owner_of_a_subscription_stays(server, admin, somebody):
    scope = f"/subscriptions/{server.subscription}"
    owner = somebody("only-owner")
    given = somebody.give(owner, "Owner", scope)
    with pytest.raises(az_client.Refused, match="last RBAC admin"):
        owner.az(f"role assignment delete --ids {given['id']}")
    another = somebody.give(somebody("another-owner"), "Owner", scope)
    owner.az(f"role assignment delete --ids {another['id']}")
