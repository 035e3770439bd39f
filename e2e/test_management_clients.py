"""The management clients of the SDK, signed in as an application by the environment alone."""

import uuid

import az as az_client
import pytest
from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.authorization.models import Permission, RoleAssignmentCreateParameters, RoleDefinition
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient

GROUP = "managed"
ACCOUNT = "managed-models"


@pytest.fixture(scope="module")
def home(admin):
    return admin(f"group create --name {GROUP} --location eastus")["id"]


@pytest.fixture(scope="module")
def application(admin, home):
    """An application that owns the group."""
    return admin(f"ad sp create-for-rbac --name managing --role Owner --scopes {home}")


@pytest.fixture
def credential(application, monkeypatch):
    monkeypatch.setenv("AZURE_CLIENT_ID", application["appId"])
    monkeypatch.setenv("AZURE_CLIENT_SECRET", application["password"])
    return DefaultAzureCredential()


def made(client, server, credential):
    return client(
        credential, server.subscription, base_url=server.origin, credential_scopes=[f"{server.origin}/.default"]
    )


def test_roles_are_defined_assigned_and_taken_back(server, credential, home, somebody):
    client, person = made(AuthorizationManagementClient, server, credential), somebody("assigned-by-sdk")
    (built_in,) = client.role_definitions.list(home, filter="roleName eq 'Azure AI Developer'")
    wanted = RoleAssignmentCreateParameters(
        role_definition_id=built_in.id, principal_id=person.object_id, principal_type="User"
    )
    name = str(uuid.uuid4())
    given = client.role_assignments.create(home, name, wanted)
    assert client.role_assignments.get_by_id(given.id).principal_id == person.object_id
    with pytest.raises(HttpResponseError) as twice:
        client.role_assignments.create(home, str(uuid.uuid4()), wanted)
    assert (twice.value.status_code, twice.value.error.code) == (409, "RoleAssignmentExists")
    listed = client.role_assignments.list_for_scope(home, filter=f"principalId eq '{person.object_id}'")
    assert [one.name for one in listed] == [name]
    assert client.role_assignments.delete(home, name).name == name
    assert client.role_assignments.delete(home, name) is None

    role = RoleDefinition(
        role_name="By the SDK",
        role_type="CustomRole",
        assignable_scopes=[home],
        permissions=[Permission(actions=["Microsoft.Storage/*/read"])],
    )
    defined = client.role_definitions.create_or_update(home, str(uuid.uuid4()), role)
    assert client.role_definitions.get_by_id(defined.id).role_name == "By the SDK"
    client.role_definitions.delete(home, defined.name)
    (permission,) = client.permissions.list_for_resource_group(GROUP)
    assert permission.actions == ["*"]
    assert list(client.deny_assignments.list_for_scope(home)) == []


def test_accounts_keys_and_deployments(server, credential, home):
    client = made(CognitiveServicesManagementClient, server, credential)
    account = {
        "location": "eastus",
        "kind": "OpenAI",
        "sku": {"name": "S0"},
        "properties": {"customSubDomainName": ACCOUNT},
    }
    assert client.accounts.begin_create(GROUP, ACCOUNT, account).result().properties.endpoint.endswith(f"/{ACCOUNT}/")
    model = {"format": "OpenAI", "name": "gpt-4o-mini", "version": "1"}
    deployment = {"sku": {"name": "Standard", "capacity": 1}, "properties": {"model": model}}
    made_one = client.deployments.begin_create_or_update(GROUP, ACCOUNT, "chat", deployment).result()
    assert made_one.properties.provisioning_state == "Succeeded"
    assert [one.name for one in client.deployments.list(GROUP, ACCOUNT)] == ["chat"]
    before = client.accounts.list_keys(GROUP, ACCOUNT)
    after = client.accounts.regenerate_key(GROUP, ACCOUNT, "Key2")
    assert after.key1 == before.key1 and after.key2 != before.key2
    assert client.accounts.list_skus(GROUP, ACCOUNT).value[0].sku.name == "S0"
    assert "gpt-4o-mini" in [one.name for one in client.accounts.list_models(GROUP, ACCOUNT)]
    with pytest.raises(HttpResponseError, match="checkDomainAvailability"):
        client.check_domain_availability(subdomain_name=ACCOUNT, type="Microsoft.CognitiveServices/accounts")
    with pytest.raises(HttpResponseError, match="skus/read"):
        list(client.resource_skus.list())
    client.deployments.begin_delete(GROUP, ACCOUNT, "chat").result()
    client.accounts.begin_delete(GROUP, ACCOUNT).result()
    assert list(client.accounts.list_by_resource_group(GROUP)) == []


@pytest.fixture(scope="module")
def keyed(admin, home):
    """An account whose keys people ask for."""
    return admin(
        f"cognitiveservices account create --name keyed --resource-group {GROUP} --kind OpenAI --sku S0 "
        "--location eastus --custom-domain keyed --yes"
    )["id"]


@pytest.mark.parametrize(
    "role, lists, regenerates, deploys",
    [
        ("Owner", True, True, True),
        ("Contributor", True, True, True),
        ("Reader", False, False, False),
        ("Azure AI Developer", False, False, False),
        ("Cognitive Services User", True, False, False),
        ("Cognitive Services Contributor", True, True, True),
        ("Cognitive Services OpenAI User", False, False, False),
        ("Cognitive Services OpenAI Contributor", False, False, True),
    ],
)
def test_who_lists_and_renews_keys(server, keyed, somebody, role, lists, regenerates, deploys):
    client = made(CognitiveServicesManagementClient, server, somebody("key-holder", role, keyed).credential)
    model = {"format": "OpenAI", "name": "gpt-4o-mini", "version": "1"}
    deployment = {"sku": {"name": "Standard", "capacity": 1}, "properties": {"model": model}}
    for allowed, ask in [
        (lists, lambda: client.accounts.list_keys(GROUP, "keyed")),
        (regenerates, lambda: client.accounts.regenerate_key(GROUP, "keyed", "Key1")),
        (deploys, lambda: client.deployments.begin_create_or_update(GROUP, "keyed", "chat", deployment).result()),
    ]:
        if allowed:
            ask()
        else:
            with pytest.raises(HttpResponseError) as refused:
                ask()
            assert (refused.value.status_code, refused.value.error.code) == (403, "AuthorizationFailed")


def test_the_change_log_of_roles_says_who_gave_what_to_whom(admin, home, somebody):
    person = somebody("logged-by-az", "Reader", home)
    admin(f"role assignment delete --assignee {person.name} --scope {home} --role Reader")
    changes = admin("role assignment list-changelogs")
    mine = [one for one in changes if one["principalId"] == person.object_id]
    assert {one["action"] for one in mine} == {"Granted", "Revoked"}
    for one in mine:
        assert (one["roleName"], one["scope"], one["principalName"]) == ("Reader", home, person.name)
        assert one["caller"] == "admin@nave.local"


def test_a_role_may_end_at_a_time(admin, home, somebody):
    person = somebody("until")
    for until, allowed in [("2999-01-01T00:00:00.0Z", True), ("2001-01-01T00:00:00.0Z", False)]:
        admin(
            f"role assignment create --assignee {person.name} --scope {home} --role Reader --condition-version 2.0 "
            "--condition",
            f"@Environment[UtcNow] DateTimeLessThan '{until}'",
        )
        if allowed:
            assert person.az(f"group show --name {GROUP}")["id"] == home
        else:
            with pytest.raises(az_client.Refused, match="ABAC condition not fulfilled"):
                person.az(f"group show --name {GROUP}")
        admin(f"role assignment delete --assignee {person.name} --scope {home} --role Reader")
