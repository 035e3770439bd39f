"""Management groups and deny assignments through az: what stands above roles, and what stands against them."""

import uuid

import az as az_client
import pytest


@pytest.fixture
def corp(server, admin):
    """A management group with a subgroup that holds the subscription; the tree is taken down again."""
    name = f"corp-{uuid.uuid4().hex[:8]}"
    admin(f"account management-group create --no-register --name {name} --display-name", "The corporation")
    admin(f"account management-group create --no-register --name {name}-team --parent {name}")
    admin(f"account management-group subscription add --name {name}-team --subscription {server.subscription}")
    yield name
    admin(f"account management-group subscription remove --name {name}-team --subscription {server.subscription}")
    admin(f"account management-group delete --no-register --name {name}-team")
    admin(f"account management-group delete --no-register --name {name}")


def test_a_role_at_a_management_group_reaches_the_subscription_below_it(server, admin, group, somebody, corp):
    scope = f"/providers/Microsoft.Management/managementGroups/{corp}"
    reader = somebody("group-reader", "Reader", scope)
    assert reader.az(f"group show --name {group.rsplit('/', 1)[1]}")["id"] == group
    shown = reader.az(f"account management-group show --no-register --name {corp} --expand --recurse")
    assert shown["displayName"] == "The corporation"
    assert shown["children"][0]["children"][0]["name"] == server.subscription
    names = {entity["name"] for entity in reader.az("account management-group entities list")}
    assert {corp, f"{corp}-team", server.subscription} <= names

    admin(f"account management-group subscription remove --name {corp}-team --subscription {server.subscription}")
    with pytest.raises(az_client.Refused, match="AuthorizationFailed"):
        reader.az(f"group show --name {group.rsplit('/', 1)[1]}")


def test_a_group_moves_and_is_not_deleted_while_something_is_in_it(admin, corp):
    with pytest.raises(az_client.Refused, match="not empty"):
        admin(f"account management-group delete --no-register --name {corp}")
    other = f"{corp}-other"
    admin(f"account management-group create --no-register --name {other}")
    moved = admin(f"account management-group update --name {other} --parent {corp} --display-name Other")
    assert moved["details"]["parent"]["name"] == corp
    admin(f"account management-group delete --no-register --name {other}")


def test_the_hub_documents_freeze(server, admin, group, owner):
    """Everybody but the administrator is kept from writing in a group, its Owner included, until it is lifted."""
    me = admin("ad signed-in-user show")["id"]
    tag = f"group update --name {group.rsplit('/', 1)[1]} --set tags.state=changed"
    made = admin(
        f"role deny-assignment create --name freeze --scope {group} --exclude-principal-ids {me} "
        "--exclude-principal-types User --actions Microsoft.Resources/subscriptions/resourceGroups/write"
    )
    try:
        with pytest.raises(az_client.Refused, match="DenyAssignmentAuthorizationFailed"):
            owner.az(tag)
        listed = owner.az(f"role deny-assignment list --scope {group}")
        assert [deny["denyAssignmentName"] for deny in listed] == ["freeze"]
        assert admin(tag)["tags"]["state"] == "changed"
    finally:
        admin(f"role deny-assignment delete --yes --id {made['id']}")
    assert owner.az(tag)["tags"]["state"] == "changed"


def test_provider_operations_are_listed(admin):
    shown = admin("provider operation show --namespace Microsoft.MachineLearningServices")
    names = {operation["name"] for kind in shown["resourceTypes"] for operation in kind["operations"]}
    assert "Microsoft.MachineLearningServices/workspaces/hubs/join/action" in names
