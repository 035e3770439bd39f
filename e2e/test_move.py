"""Resources that change their group, through az and the management client of the SDK."""

import uuid

import arm
import az as az_client
import pytest
from azure.core.exceptions import HttpResponseError

VERSION = "api-version=2024-10-01"


@pytest.fixture
def groups(admin):
    """Two groups of their own."""
    names = [f"move-{end}-{uuid.uuid4().hex[:8]}" for end in ("from", "to")]
    made = [admin(f"group create --name {name} --location eastus")["id"] for name in names]
    yield made
    for name in names:
        admin(f"group delete --name {name} --yes")


def name_of(resource_id):
    return resource_id.rsplit("/", 1)[1]


def test_an_account_moves_with_its_keys_and_roles_and_its_hub_finds_it(server, admin, groups, somebody):
    here, there = groups
    account = f"moving{uuid.uuid4().hex[:8]}"
    made = admin(
        f"cognitiveservices account create --name {account} --resource-group {name_of(here)} --kind AIServices "
        f"--sku S0 --location eastus --custom-domain {account} --yes"
    )
    keys = admin(f"cognitiveservices account keys list --name {account} --resource-group {name_of(here)}")
    reader = somebody("mover-reader", "Reader", made["id"])
    storage = admin(
        f"storage account create --name st{uuid.uuid4().hex[:12]} --resource-group {name_of(here)} --location eastus"
    )["id"]
    hub = f"{there}/providers/Microsoft.MachineLearningServices/workspaces/hub-of-it"
    body = f'{{"location":"eastus","kind":"Hub","identity":{{"type":"SystemAssigned"}},"properties":{{"storageAccount":"{storage}"}}}}'
    admin(f"rest --method put --url {hub}?{VERSION} --body", body)

    admin(f"resource move --destination-group {name_of(there)} --ids", made["id"], storage)

    moved = made["id"].replace(here, there)
    assert admin("resource show --ids", moved)["id"] == moved
    with pytest.raises(az_client.Refused, match="not found"):
        admin("resource show --ids", made["id"])
    assert admin(f"cognitiveservices account keys list --name {account} --resource-group {name_of(there)}") == keys
    assert reader.az("resource show --ids", moved)["name"] == account
    shown = admin(f"rest --url {hub}?{VERSION}")
    assert shown["properties"]["storageAccount"] == storage.replace(here, there)
    history = admin(f"rest --url {moved}/providers/Nave.Access/history?{VERSION}")["value"]
    assert history[0]["movedFrom"] == made["id"]

    with pytest.raises(az_client.Refused, match="ResourceMoveProviderValidationFailed") as told:
        admin(f"resource move --destination-group {name_of(here)} --ids", hub)
    assert "cannot be moved" in str(told.value)
    admin(f"lock create --name keep --lock-type CanNotDelete --resource-group {name_of(there)}")
    with pytest.raises(az_client.Refused, match="ScopeLocked"):
        admin(f"resource move --destination-group {name_of(here)} --ids", moved)
    admin(f"lock delete --name keep --resource-group {name_of(there)}")


def test_the_management_client_validates_and_moves(server, admin, groups, somebody):
    here, there = groups
    lord = somebody("mover", "Owner", here)
    vault = admin(f"keyvault create --name kv{uuid.uuid4().hex[:12]} --resource-group {name_of(here)} --location eastus")["id"]
    resources = arm.resources(lord).resources
    wish = {"resources": [vault], "targetResourceGroup": there}
    with pytest.raises(HttpResponseError) as told:
        resources.begin_validate_move_resources(name_of(here), wish).result()
    assert told.value.error.code == "LinkedAuthorizationFailed"
    admin(f"role assignment create --assignee-object-id {lord.object_id} --assignee-principal-type User --role Contributor --scope", there)
    resources.begin_validate_move_resources(name_of(here), wish).result()
    assert admin("resource show --ids", vault)["id"] == vault
    resources.begin_move_resources(name_of(here), wish).result()
    assert admin("resource show --ids", vault.replace(here, there))["name"] == name_of(vault)
