"""Subscriptions and the hierarchy above them: made, renamed, cancelled and enabled by the SDK, seen and used by az."""

import uuid

import az as az_client
import pytest
from azure.mgmt.subscription import SubscriptionClient

GROUPS = "/providers/Microsoft.Management/managementGroups"


class _Token:
    """What az is signed in with, for the SDK: subscriptions are made by the administrator."""

    def __init__(self, az):
        self.az = az

    def get_token(self, *scopes, **_):
        from azure.core.credentials import AccessToken

        got = self.az(f"account get-access-token --resource {scopes[0].removesuffix('/.default')}")
        return AccessToken(got["accessToken"], int(got["expires_on"]))


@pytest.fixture(scope="module")
def client(server, admin):
    return SubscriptionClient(
        _Token(admin), base_url=server.origin, credential_scopes=[f"{server.origin}/.default"]
    )


def wanted(name, **more):
    return {
        "properties": {
            "displayName": name, "workload": "Production", "billingScope": "/any", "additionalProperties": more,
        }
    }


def test_a_subscription_is_made_used_renamed_cancelled_and_enabled(admin, client, somebody):
    lead = somebody("subscription-lead")
    alias = f"team-{uuid.uuid4().hex[:8]}"
    made = client.alias.begin_create(alias, wanted("Team", subscriptionOwnerId=lead.object_id, tags={"a": "b"})).result()
    subscription = made.properties.subscription_id
    assert client.alias.get(alias).properties.provisioning_state == "Succeeded"
    assert alias in {one.name for one in client.alias.list().value}

    (seen,) = lead.az("account list --refresh")
    assert (seen["id"], seen["name"], seen["state"]) == (subscription, "Team", "Enabled")
    lead.az(f"account set --subscription {subscription}")
    assert lead.az("account show")["id"] == subscription
    assert lead.az("account list-locations")
    lead.az("group create --name first --location eastus")

    client.subscription.rename(subscription, {"subscriptionName": "Renamed"})
    client.subscription.cancel(subscription)
    (seen,) = [one for one in lead.az("account list --refresh --all") if one["id"] == subscription]
    assert (seen["name"], seen["state"]) == ("Renamed", "Disabled")
    there = f"--subscription {subscription}"
    with pytest.raises(az_client.Refused, match="ReadOnlyDisabledSubscription"):
        lead.az(f"group create --name second --location eastus {there}")
    assert lead.az(f"group show --name first {there}")["name"] == "first"
    lead.az(f"group delete --name first --yes {there}")
    client.subscription.enable(subscription)
    lead.az(f"group create --name second --location eastus {there}")
    client.alias.delete(alias)
    assert lead.az(f"group show --name second {there}")["name"] == "second"


def test_the_hierarchy_takes_new_subscriptions_where_it_says(admin, server, client):
    name = f"landing-{uuid.uuid4().hex[:8]}"
    settings = "account management-group hierarchy-settings"
    admin(f"account management-group create --no-register --name {name}")
    free = admin(f"account management-group check-name-availability --name {name}")
    assert not free["nameAvailable"]
    assert admin("account management-group tenant-backfill get")["status"] == "Completed"
    assert admin("account management-group tenant-backfill start")["status"] == "Completed"
    made = admin(f"{settings} create --name {server.tenant} --default-management-group {GROUPS}/{name}")
    assert made["defaultManagementGroup"] == f"{GROUPS}/{name}"
    assert [one["name"] for one in admin(f"{settings} list --name {server.tenant}")["value"]] == ["default"]
    landed = client.alias.begin_create(f"landed-{name}", wanted("Landed")).result().properties
    inside = f"account management-group subscription show-sub-under-mg --name {name}"
    assert [one["name"] for one in admin(inside)] == [landed.subscription_id]
    admin("account list --refresh")
    shown = admin(f"account management-group subscription show --name {name} --subscription {landed.subscription_id}")
    assert shown["displayName"] == "Landed"
    admin(f"{settings} update --name {server.tenant} --default-management-group {GROUPS}/{server.tenant}")
    admin(f"{settings} delete --name {server.tenant} --yes")
    admin(f"account management-group subscription remove --name {name} --subscription {landed.subscription_id}")
    admin(f"account management-group delete --no-register --name {name}")
