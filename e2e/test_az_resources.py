"""Groups, resources, tags, deployments and the activity log through az."""

import json

import az as az_client
import pytest

TEMPLATE = """{
  // as people write them: with comments
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": { "prefix": { "type": "string", "minLength": 3 } },
  "variables": { "storage": "[concat(toLower(parameters('prefix')), uniqueString(resourceGroup().id))]" },
  "resources": [
    {
      "type": "Microsoft.Storage/storageAccounts",
      "apiVersion": "2023-04-01",
      "name": "[variables('storage')]",
      "location": "[resourceGroup().location]",
      "sku": { "name": "Standard_LRS" },
      "kind": "StorageV2",
      "properties": {}
    },
    {
      "type": "Microsoft.KeyVault/vaults",
      "apiVersion": "2023-07-01",
      "name": "[concat('kv', uniqueString(resourceGroup().id))]",
      "location": "[resourceGroup().location]",
      "dependsOn": ["[resourceId('Microsoft.Storage/storageAccounts', variables('storage'))]"],
      "properties": {
        "tenantId": "[subscription().tenantId]",
        "sku": { "family": "A", "name": "standard" },
        "accessPolicies": []
      }
    }
  ],
  "outputs": {
    "blob": { "type": "string", "value": "[reference(variables('storage')).primaryEndpoints.blob]" }
  }
}"""


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    file = tmp_path_factory.mktemp("templates") / "main.json"
    file.write_text(TEMPLATE)
    return file


def test_a_group_lives_and_dies(admin):
    made = admin("group create --name short-lived --location eastus --tags team=ai")
    assert made["properties"]["provisioningState"] == "Succeeded"
    assert admin("group exists --name short-lived") is True
    assert [one["name"] for one in admin("group list --tag team=ai")] == ["short-lived"]
    admin("group delete --name short-lived --yes")
    assert admin("group exists --name short-lived") is False
    shown = admin.run("group show --name short-lived")
    assert shown.returncode == 3
    assert "ResourceGroupNotFound" in shown.stderr


def test_providers_are_there_and_register_at_once(admin):
    names = {one["namespace"] for one in admin("provider list")}
    assert {"Microsoft.MachineLearningServices", "Microsoft.CognitiveServices", "Microsoft.Authorization"} <= names
    assert admin("provider show --namespace Microsoft.Storage")["registrationState"] == "Registered"
    assert admin.run("provider register --namespace Microsoft.Storage").returncode == 0


def test_resources_are_listed_shown_and_tagged(admin, group):
    admin("storage account create --name taggedaccount --resource-group this-rg --sku Standard_LRS")
    listed = admin("resource list --resource-group this-rg")
    assert "taggedaccount" in [one["name"] for one in listed]
    shown = admin(
        "resource show --resource-group this-rg --name taggedaccount "
        "--resource-type Microsoft.Storage/storageAccounts"
    )
    assert shown["id"].startswith(f"{group}/providers/Microsoft.Storage/storageAccounts/")
    admin(f"tag create --resource-id {shown['id']} --tags owner=ann")
    assert [one["name"] for one in admin("resource list --tag owner=ann")] == ["taggedaccount"]
    keys = admin("storage account keys list --account-name taggedaccount --resource-group this-rg")
    assert len(keys) == 2
    admin("storage account delete --name taggedaccount --resource-group this-rg --yes")
    assert admin("resource list --tag owner=ann") == []


def test_a_template_deploys_twice_to_the_same_thing(admin, group, template):
    line = f"deployment group create --resource-group this-rg --name two --template-file {template}"
    done = admin(line, "--parameters", "prefix=Demo")
    assert done["properties"]["provisioningState"] == "Succeeded"
    blob = done["properties"]["outputs"]["blob"]["value"]
    assert ".blob.core." in blob
    operations = admin("deployment operation group list --resource-group this-rg --name two")
    types = {one["properties"]["targetResource"]["resourceType"] for one in operations if one["properties"]["targetResource"]}
    assert types == {"Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"}
    again = admin(line, "--parameters", "prefix=Demo")
    assert again["properties"]["outputs"]["blob"]["value"] == blob


def test_a_template_error_is_told_before_anything_is_made(admin, group, template):
    with pytest.raises(az_client.Refused, match="InvalidTemplate"):
        admin(f"deployment group create --resource-group this-rg --name bad --template-file {template}", "--parameters", "prefix=x")
    assert "bad" not in [one["name"] for one in admin("deployment group list --resource-group this-rg")]


def test_a_deployment_can_do_no_more_than_who_deploys(admin, group, template, somebody):
    reader = somebody("deploying-reader", "Reader", group)
    with pytest.raises(az_client.Refused, match="AuthorizationFailed|does not have authorization"):
        reader.az(f"deployment group create --resource-group this-rg --name no --template-file {template}", "--parameters", "prefix=Demo")


def test_the_activity_log_says_who_did_what_and_who_was_refused(admin, group, somebody):
    person = somebody("logged", "Reader", group)
    with pytest.raises(az_client.Refused):
        person.az("group update --name this-rg --set tags.by=logged")
    events = admin("monitor activity-log list --resource-group this-rg --offset 1h --max-events 200")
    by_person = [one for one in events if one["caller"] == person.name]
    assert any(one["status"]["value"] == "Failed" for one in by_person), json.dumps(by_person)[:2000]
    made = [one for one in events if one["operationName"]["value"].lower().endswith("roleassignments/write")]
    assert made, "the assignment itself is in the log"
