"""Deleted vaults, accounts and workspaces: listed, shown, recovered and purged by az, azure-ai-ml and the SDK."""

import arm
import az as az_client
import ml
import openai
import pytest
from azure.ai.ml import entities
from azure.ai.ml.entities import Hub, Project
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.keyvault import KeyVaultManagementClient

CHAT = [{"role": "user", "content": "Say hello."}]
GROUP = "--resource-group this-rg"
WORKSPACES = "2024-10-01"


def names(listed):
    return {one["name"] for one in listed}


def test_a_vault_is_deleted_recovered_and_purged(admin, group):
    made = admin(f"keyvault create --name kv-soft {GROUP} --location eastus --retention-days 7 --tags team=a")
    admin(f"keyvault delete --name kv-soft {GROUP}")
    assert "kv-soft" in names(admin("keyvault list-deleted --resource-type vault"))
    shown = admin("keyvault show-deleted --name kv-soft --location eastus")
    assert shown["properties"]["vaultId"] == made["id"]
    assert shown["properties"]["tags"] == {"team": "a"}
    with pytest.raises(az_client.Refused, match="deleted state") as taken:
        admin(f"keyvault create --name kv-soft {GROUP} --location eastus")
    assert "az keyvault recover --name kv-soft" in str(taken.value)

    back = admin(f"keyvault recover --name kv-soft {GROUP} --location eastus")
    assert back["properties"]["vaultUri"] == made["properties"]["vaultUri"]
    assert back["tags"] == {"team": "a"}
    admin(f"keyvault delete --name kv-soft {GROUP}")
    admin("keyvault purge --name kv-soft --location eastus")
    assert "kv-soft" not in names(admin("keyvault list-deleted"))
    with pytest.raises(az_client.Refused, match="was not found"):
        admin(f"keyvault recover --name kv-soft {GROUP} --location eastus")


def test_a_protected_vault_is_not_purged_and_the_sdk_recovers_it(admin, owner):
    admin(f"keyvault create --name kv-kept {GROUP} --location eastus --retention-days 7 --enable-purge-protection")
    vaults = arm.made(KeyVaultManagementClient, owner).vaults
    vaults.delete("this-rg", "kv-kept")
    with pytest.raises(az_client.Refused, match="purge protection"):
        admin("keyvault purge --name kv-kept --location eastus")
    assert "kv-kept" in {vault.name for vault in vaults.list_deleted()}
    assert vaults.get_deleted("kv-kept", "eastus").properties.purge_protection_enabled
    wanted = {
        "location": "eastus",
        "properties": {
            "tenantId": owner.server.tenant, "sku": {"name": "standard", "family": "A"}, "createMode": "recover",
        },
    }
    back = vaults.begin_create_or_update("this-rg", "kv-kept", wanted).result()
    assert back.properties.soft_delete_retention_in_days == 7


def test_an_account_comes_back_with_its_keys_and_models(admin, group):
    name = "ai-soft"
    made = admin(
        f"cognitiveservices account create --name {name} {GROUP} --kind OpenAI --sku S0 --location eastus "
        f"--custom-domain {name} --yes"
    )
    admin(
        f"cognitiveservices account deployment create --name {name} {GROUP} --deployment-name chat "
        "--model-name gpt-4o-mini --model-version 1 --model-format OpenAI --sku-name Standard --sku-capacity 1"
    )
    key = admin(f"cognitiveservices account keys list --name {name} {GROUP}")["key1"]

    def chat():
        client = openai.AzureOpenAI(
            azure_endpoint=made["properties"]["endpoint"], api_version="2024-10-21", api_key=key, max_retries=0
        )
        return client.chat.completions.create(model="chat", messages=CHAT).choices[0].message.content

    assert chat()
    admin(f"cognitiveservices account delete --name {name} {GROUP}")
    with pytest.raises(openai.APIStatusError) as dead:
        chat()
    assert dead.value.status_code in (401, 404)
    assert name in names(admin("cognitiveservices account list-deleted"))
    place = f"--name {name} {GROUP} --location eastus"
    shown = admin(f"cognitiveservices account show-deleted {place}")
    assert key not in str(shown) and shown["kind"] == "OpenAI"
    with pytest.raises(az_client.Refused, match="FlagMustBeSetForRestore"):
        admin(f"cognitiveservices account create --kind OpenAI --sku S0 --yes {place}")

    admin(f"cognitiveservices account recover {place}")
    assert chat(), "the key of before is the key"
    admin(f"cognitiveservices account delete --name {name} {GROUP}")
    admin(f"cognitiveservices account purge {place}")
    assert name not in names(admin("cognitiveservices account list-deleted"))
    fresh = admin(f"cognitiveservices account create --kind OpenAI --sku S0 --yes {place} --custom-domain {name}")
    assert fresh["id"] == made["id"]
    with pytest.raises(openai.APIStatusError):
        chat()
    admin(f"cognitiveservices account delete --name {name} {GROUP}")
    admin(f"cognitiveservices account purge {place}")


def test_a_hub_is_deleted_refused_anew_and_comes_back_whole(owner):
    client = ml.client(owner)
    hub = client.workspaces.begin_create(Hub(name="soft-hub", location="eastus")).result()
    project = client.workspaces.begin_create(Project(name="soft-project", hub_id=hub.id, location="eastus")).result()
    shared = entities.AzureOpenAIConnection(name="shared", azure_endpoint="https://a.example/", api_key="K-canary")
    ml.client(owner, "soft-hub").connections.create_or_update(shared)
    client.workspaces.begin_delete("soft-hub", delete_dependent_resources=False).result()
    for name in ["soft-hub", "soft-project"]:
        with pytest.raises(ResourceNotFoundError):
            client.workspaces.get(name)
    with pytest.raises(HttpResponseError, match="Soft-deleted workspace exists"):
        client.workspaces.begin_create(Hub(name="soft-hub", location="eastus")).result()

    subscription = f"/subscriptions/{owner.server.subscription}/providers/Microsoft.MachineLearningServices"
    listed = owner.az(f"rest --method get --url {subscription}/deletedWorkspaces?api-version={WORKSPACES}")
    (kept,) = [one for one in listed["value"] if one["name"] == "soft-hub"]
    assert kept["properties"]["provisioningState"] == "SoftDeleted"
    assert "K-canary" not in str(listed)

    recover = {"location": "eastus", "properties": {"allowRecoverSoftDeletedWorkspace": True}}
    arm.put(owner, hub.id, recover, api_version=WORKSPACES)
    again = client.workspaces.get("soft-hub")
    assert again.identity.principal_id == hub.identity.principal_id, "the same hub"
    assert client.workspaces.get("soft-project").hub_id == project.hub_id
    found = ml.client(owner, "soft-project").connections.get("shared", populate_secrets=True)
    assert found.credentials.key == "K-canary"


def test_deleted_for_good_the_name_is_free_at_once(owner):
    client = ml.client(owner)
    for _ in range(2):
        client.workspaces.begin_create(Hub(name="brief-hub", location="eastus")).result()
        client.workspaces.begin_delete("brief-hub", delete_dependent_resources=False, permanently_delete=True).result()
    made = client.workspaces.begin_create(Hub(name="brief-hub", location="eastus")).result()
    client.workspaces.begin_delete("brief-hub", delete_dependent_resources=False).result()
    # the SDK looks for a workspace before it deletes it, so one that is deleted already is purged by ARM's own call
    owner.az(f"rest --method delete --url {made.id}?api-version={WORKSPACES}&forceToPurge=true")
    again = client.workspaces.begin_create(Hub(name="brief-hub", location="eastus")).result()
    assert again.identity.principal_id != made.identity.principal_id, "another hub of the same name"


def test_what_was_in_a_deleted_group_is_recovered_into_a_new_one(admin):
    create = "group create --name soft-group --location eastus"
    admin(create)
    admin("keyvault create --name kv-in-group --resource-group soft-group --location eastus")
    admin("group delete --name soft-group --yes")
    assert "kv-in-group" in names(admin("keyvault list-deleted"))
    recover = "keyvault recover --name kv-in-group --resource-group soft-group --location eastus"
    with pytest.raises(az_client.Refused, match="ResourceGroupNotFound"):
        admin(recover)
    admin(create)
    assert admin(recover)["name"] == "kv-in-group"
    admin("group delete --name soft-group --yes")
    admin("keyvault purge --name kv-in-group --location eastus")
