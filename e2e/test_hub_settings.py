"""A hub with everything a hub can be given, and what of it can be changed."""

import arm
import az as az_client
import ml
import pytest
from azure.ai.ml.entities import Hub, Project
from azure.core.exceptions import HttpResponseError
from azure.mgmt.machinelearningservices.models import Workspace

EASTUS = {"location": "eastus"}


@pytest.fixture(scope="module")
def parts(owner, group):
    """What a hub can be made to stand on, made before it."""
    providers = f"{group}/providers"
    bodies = {
        "storageAccount": ("Microsoft.Storage/storageAccounts/settingsdata", {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}}),
        "keyVault": ("Microsoft.KeyVault/vaults/settings-vault", {"properties": {
            "tenantId": owner.server.tenant, "sku": {"family": "A", "name": "standard"}, "accessPolicies": [],
        }}),
        "applicationInsights": ("Microsoft.Insights/components/settings-insights", {"kind": "web", "properties": {"Application_Type": "web"}}),
        "containerRegistry": ("Microsoft.ContainerRegistry/registries/settingsimages", {"sku": {"name": "Basic"}}),
    }
    versions = {"storageAccount": "2023-04-01", "keyVault": "2023-07-01", "applicationInsights": "2020-02-02", "containerRegistry": "2023-07-01"}
    return {
        name: arm.put(owner, f"{providers}/{path}", {**EASTUS, **body}, versions[name])["id"]
        for name, (path, body) in bodies.items()
    }


@pytest.fixture(scope="module")
def given(parts, group):
    """Every setting of a hub's body."""
    vault = parts["keyVault"]
    return {
        **EASTUS,
        "kind": "hub",
        "sku": {"name": "Basic", "tier": "Basic"},
        "identity": {"type": "SystemAssigned"},
        "tags": {"cost-centre": "42", "Owner": "it@contoso.com"},
        "properties": {
            **parts,
            "friendlyName": "The hub with everything",
            "description": "Every setting, as a template sets it.",
            "publicNetworkAccess": "Disabled",
            "ipAllowlist": ["203.0.113.0/24"],
            "networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.0/24"}]},
            "managedNetwork": {
                "isolationMode": "AllowOnlyApprovedOutbound",
                "outboundRules": {
                    "Status": {"type": "FQDN", "category": "UserDefined", "destination": "pypi.org"},
                    "vault": {"type": "PrivateEndpoint", "category": "UserDefined", "destination": {
                        "serviceResourceId": vault, "subresourceTarget": "vault", "sparkEnabled": False}},
                    "tag": {"type": "ServiceTag", "category": "UserDefined", "destination": {
                        "serviceTag": "DataFactory", "protocol": "TCP", "portRanges": "80, 8080-8089"}},
                },
            },
            "encryption": {"status": "Enabled", "keyVaultProperties": {
                "keyVaultArmId": vault, "keyIdentifier": "https://settings-vault.example/keys/k/1"}},
            "hbiWorkspace": True,
            "v1LegacyMode": False,
            "imageBuildCompute": "builder",
            "systemDatastoresAuthMode": "Identity",
            "allowRoleAssignmentOnRG": True,
            "enableDataIsolation": True,
            "serverlessComputeSettings": {"serverlessComputeNoPublicIP": True},
            "workspaceHubConfig": {"defaultWorkspaceResourceGroup": group, "additionalWorkspaceStorageAccounts": []},
        },
    }


@pytest.fixture(scope="module")
def hub(owner, group, given):
    return arm.put(owner, f"{group}/providers/Microsoft.MachineLearningServices/workspaces/everything", given)


def differences(sent, read, path=""):
    """Where what is read does not say what was sent."""
    if isinstance(sent, dict) and isinstance(read, dict):
        return [found for name in sent for found in differences(sent[name], read.get(name), f"{path}/{name}")]
    return [] if sent == read else [f"{path}: {sent!r} != {read!r}"]


def test_every_setting_is_read_back_as_it_was_sent(owner, hub, given):
    assert differences(given, hub) == []
    again = arm.put(owner, hub["id"], hub)
    assert differences({**hub, "etag": again["etag"], "systemData": again["systemData"]}, again) == []
    typed = arm.workspaces(owner).get("this-rg", "everything")
    assert (typed.description, typed.hbi_workspace, typed.image_build_compute) == (
        given["properties"]["description"], True, "builder")
    assert typed.encryption.status == "Enabled"


def test_a_typed_body_is_kept_too(owner, group, parts):
    sent = Workspace(
        location="eastus", tags={"a": "b"}, description="d", friendly_name="f",
        storage_account=parts["storageAccount"], key_vault=parts["keyVault"],
        application_insights=parts["applicationInsights"], container_registry=parts["containerRegistry"],
        hbi_workspace=True, image_build_compute="builder", allow_public_access_when_behind_vnet=False,
    )
    client = arm.workspaces(owner)
    client.begin_create_or_update("this-rg", "typed", sent).result()
    read = client.get("this-rg", "typed").as_dict()
    assert differences(sent.as_dict(), read) == []


def test_projects_of_a_closed_hub_are_as_closed(owner, hub, given):
    project = Project(name="closed", hub_id=hub["id"], location="eastus")
    made = ml.client(owner).workspaces.begin_create(project).result()
    shown = arm.resources(owner).resources.get_by_id(made.id, api_version="2024-10-01").as_dict()["properties"]
    inherited = ("publicNetworkAccess", "managedNetwork", "encryption", "storageAccount", "keyVault", "containerRegistry", "hbiWorkspace")
    assert differences({name: given["properties"][name] for name in inherited}, shown) == []
    assert shown["applicationInsights"] == given["properties"]["applicationInsights"]
    # the same body without a word about networks opens nothing (features INH-03)
    body = {**EASTUS, "kind": "Project", "properties": {"hubResourceId": hub["id"], "friendlyName": "again"}}
    assert arm.put(owner, made.id, body)["properties"]["managedNetwork"] == shown["managedNetwork"]
    with pytest.raises(HttpResponseError, match="InheritedFromHub"):
        body["properties"]["publicNetworkAccess"] = "Enabled"
        arm.put(owner, made.id, body)


def test_what_changes_and_what_stays(owner, admin, group, hub, parts):
    client = ml.client(owner).workspaces
    changed = Hub(name="updated", location="eastus", description="before", tags={"a": "1"})
    client.begin_create(changed).result()
    changed = client.get("updated")
    changed.description, changed.display_name, changed.tags = "after", "Shown so", {"b": "2"}
    changed.public_network_access = "Disabled"
    client.begin_update(changed).result()
    read = client.get("updated")
    assert (read.description, read.display_name, dict(read.tags)) == ("after", "Shown so", {"b": "2"})
    assert read.public_network_access == "Disabled"
    changed.container_registry = parts["containerRegistry"]
    with pytest.raises(Exception, match="update_dependent_resources"):
        client.begin_update(changed).result()
    client.begin_update(changed, update_dependent_resources=True).result()
    assert client.get("updated").container_registry == parts["containerRegistry"]
    for name, value in (("storageAccount", parts["storageAccount"]), ("keyVault", parts["keyVault"])):
        with pytest.raises(az_client.Refused, match=f"properties.{name}"):
            owner.az(f"resource update --ids {read.id} --api-version 2024-10-01 --set properties.{name}={value}")


def test_a_hub_is_found_in_any_casing(admin, hub):
    shown = admin(f"resource show --ids {hub['id'].upper().replace('/SUBSCRIPTIONS', '/subscriptions')} --api-version 2024-10-01")
    assert (shown["id"], shown["kind"]) == (hub["id"], "hub")


def test_what_a_hub_is_made_with_looks_like_any_other(owner, hub):
    known = {"id", "name", "type", "etag", "systemData", "location", "tags", "kind", "sku", "identity", "properties"}
    ml.client(owner).workspaces.begin_create(Hub(name="plain-parts", location="eastus")).result()
    client = arm.resources(owner).resources
    made = client.get_by_id(hub["id"].replace("everything", "plain-parts"), api_version="2024-10-01").as_dict()
    for part in ("storageAccount", "keyVault"):
        body = client.get_by_id(made["properties"][part], api_version="2023-07-01").as_dict()
        assert set(body) <= known, body
