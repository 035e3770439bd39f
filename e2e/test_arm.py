"""What ARM has in common for everything, asked for by az and by the SDK's client of resources."""

import json

import arm
import az as az_client
import pytest
from azure.core.exceptions import HttpResponseError

HOME = "arm-rg"
ACCOUNT = "armcommonaccount"


@pytest.fixture(scope="module")
def account(admin):
    admin(f"group create --name {HOME} --location eastus --tags team=core")
    return admin(f"storage account create --name {ACCOUNT} --resource-group {HOME} --sku Standard_LRS")["id"]


@pytest.fixture(scope="module")
def owner_of_home(admin, account, somebody):
    return somebody("arm-owner", "Owner", account.split("/providers/")[0])


def test_tags_are_merged_replaced_and_deleted(admin, account):
    tags = lambda command, *more: admin(f"tag {command} --resource-id {account}", *more)["properties"]["tags"]
    assert tags("create --tags a=1 b=2") == {"a": "1", "b": "2"}
    assert tags("update --operation merge --tags c=3") == {"a": "1", "b": "2", "c": "3"}
    assert tags("update --operation delete --tags a=1") == {"b": "2", "c": "3"}
    assert tags("update --operation replace --tags d=4") == {"d": "4"}
    assert tags("list") == {"d": "4"}
    assert admin(f"tag delete --resource-id {account} --yes") is None
    assert tags("list") == {}


def test_resources_are_found_by_what_they_are(admin, account):
    admin(f"resource tag --ids {account} --tags kind=common")
    names = lambda line: [one["name"] for one in admin(f"resource list {line}")]
    assert ACCOUNT in names("--resource-type Microsoft.Storage/storageAccounts")
    assert names(f"--name {ACCOUNT}") == [ACCOUNT]
    assert names("--tag kind=common") == [ACCOUNT]
    assert ACCOUNT not in names(f"--resource-group {HOME} --location westus")
    (shown,) = admin(f"resource list --resource-group {HOME} --name {ACCOUNT}")
    assert shown["createdTime"] and shown["provisioningState"] == "Succeeded"


def test_a_resource_is_updated_and_patched(admin, account):
    admin(f"resource update --ids {account} --set properties.minimumTlsVersion=TLS1_2")
    admin(f"resource patch --ids {account} --properties", json.dumps({"allowBlobPublicAccess": False}))
    shown = admin(f"resource show --ids {account}")["properties"]
    assert (shown["minimumTlsVersion"], shown["allowBlobPublicAccess"]) == ("TLS1_2", False)


def test_what_was_read_is_written_only_if_it_is_still_that(owner_of_home, account):
    version = "2024-01-01"
    client = arm.resources(owner_of_home).resources
    body = client.get_by_id(account, api_version=version).as_dict()
    etag = owner_of_home.az(f"rest --method get --url {account}?api-version={version}")["etag"]
    client.begin_create_or_update_by_id(account, body, api_version=version, headers={"If-Match": etag}).result()
    with pytest.raises(HttpResponseError) as refused:
        client.begin_create_or_update_by_id(account, body, api_version=version, headers={"If-Match": etag}).result()
    assert refused.value.status_code == 412


def test_a_group_exports_itself_as_a_template_that_changes_nothing(admin, account, tmp_path):
    template = admin(f"group export --name {HOME} --include-parameter-default-value")
    (exported,) = [one for one in template["resources"] if one["type"] == "Microsoft.Storage/storageAccounts"]
    assert exported["apiVersion"]
    file = tmp_path / "exported.json"
    file.write_text(json.dumps(template))
    changes = admin(f"deployment group what-if --resource-group {HOME} --no-pretty-print --template-file {file}")["changes"]
    assert {one["changeType"] for one in changes} <= {"NoChange", "Ignore"}, changes


def test_providers_tell_their_types_and_aliases(admin):
    shown = admin("provider show --namespace Microsoft.Storage --expand resourceTypes/aliases")
    (kind,) = [one for one in shown["resourceTypes"] if one["resourceType"] == "storageAccounts"]
    assert kind["apiVersions"] and kind["locations"]
    assert "Microsoft.Storage/storageAccounts/minimumTlsVersion" in [one["name"] for one in kind["aliases"]]


def test_what_is_not_there_is_said_in_arms_words(admin, account):
    for line, code in {
        "resource show --ids " + account.replace(ACCOUNT, "nowhere"): "ResourceNotFound",
        "group show --name nowhere": "ResourceGroupNotFound",
        f"rest --method get --url {account}": "MissingApiVersionParameter",
        f"rest --method get --url {account.split('/providers/')[0]}/providers/Contoso.Robots/arms/a?api-version=2024-01-01": "InvalidResourceNamespace",
    }.items():
        with pytest.raises(az_client.Refused, match=code):
            admin(line)
