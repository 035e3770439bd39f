"""Policy through the real az and the SDK: what is refused, what is seen, and what brings resources in line."""

import datetime
import json
import time
import uuid

import az as az_client
import pytest
from arm import made, put, resources
from azure.core.exceptions import HttpResponseError
from azure.mgmt.policyinsights import PolicyInsightsClient
from azure.mgmt.resource.policy import PolicyClient

GROUP = "policied"
WORKSPACES = "Microsoft.OperationalInsights/workspaces"
VERSION = "2023-09-01"
CONTRIBUTOR = "/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c"

ELSEWHERE = {"allOf": [
    {"field": "type", "equals": WORKSPACES},
    {"field": "location", "notIn": "[parameters('locations')]"},
]}
DENY = {"if": ELSEWHERE, "then": {"effect": "[parameters('effect')]"}}
PARAMETERS = {
    "locations": {"type": "Array", "metadata": {"displayName": "Locations"}},
    "effect": {"type": "String", "allowedValues": ["audit", "deny", "disabled"], "defaultValue": "deny"},
}
UNTAGGED = {"allOf": [
    {"field": "type", "equals": WORKSPACES}, {"field": "tags['team']", "exists": False},
]}
TAGGING = {"if": UNTAGGED, "then": {"effect": "modify", "details": {
    "roleDefinitionIds": [CONTRIBUTOR],
    "operations": [{"operation": "addOrReplace", "field": "tags['team']", "value": "town"}],
}}}
DEPLOYING = {
    "if": {"allOf": [{"field": "type", "equals": WORKSPACES}, {"field": "name", "like": "logs-*"}]},
    "then": {"effect": "deployIfNotExists", "details": {
        "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
        "name": "[concat(field('name'), '-id')]",
        "roleDefinitionIds": [CONTRIBUTOR],
        "deployment": {"properties": {
            "mode": "incremental",
            "parameters": {"name": {"value": "[field('name')]"}, "location": {"value": "[field('location')]"}},
            "template": {
                "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                "contentVersion": "1.0.0.0",
                "parameters": {"name": {"type": "string"}, "location": {"type": "string"}},
                "resources": [{
                    "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
                    "apiVersion": "2023-01-31",
                    "name": "[concat(parameters('name'), '-id')]",
                    "location": "[parameters('location')]",
                }],
            },
        }},
    }},
}


@pytest.fixture(scope="module")
def home(admin):
    return admin(f"group create --name {GROUP} --location eastus")["id"]


@pytest.fixture(scope="module")
def governor(server, home, somebody):
    """Owner of the subscription, by SDK."""
    return somebody("governor", "Owner", f"/subscriptions/{server.subscription}")


@pytest.fixture(scope="module")
def insights(governor):
    return made(PolicyInsightsClient, governor)


@pytest.fixture
def files(tmp_path):
    """Writes what az reads from files."""

    def write(value):
        path = tmp_path / f"{uuid.uuid4().hex}.json"
        path.write_text(json.dumps(value))
        return path

    return write


def workspace(person, home, name, location="eastus"):
    body = {"location": location, "properties": {"sku": {"name": "PerGB2018"}}}
    return put(person, f"{home}/providers/{WORKSPACES}/{name}", body, VERSION)


def ended(insights, name):
    """A remediation once it is over: it follows from its row by itself, soon."""
    until = time.monotonic() + 30
    while True:
        shown = insights.remediations.get_at_resource_group(GROUP, name)
        if shown.provisioning_state not in ("Accepted", "Evaluating"):
            return shown
        assert time.monotonic() < until, shown.as_dict()
        time.sleep(0.1)


def test_a_policy_is_defined_assigned_obeyed_and_exempted_from(server, admin, home, governor, files):
    rules, parameters = files(DENY), files(PARAMETERS)
    made = admin(
        f"policy definition create --name allowed-places --mode Indexed --rules {rules} --params {parameters} "
        "--display-name",
        "Allowed places",
    )
    assert made["policyType"] == "Custom"
    assert admin("policy definition show --name allowed-places")["policyRule"] == DENY
    assert admin("policy definition update --name allowed-places --description", "For workspaces")["description"]
    assert made["id"] in [one["id"] for one in admin("policy definition list")]

    workspace(governor, home, "before", "westus")
    assignment = admin(
        f"policy assignment create --name places --scope {home} --policy allowed-places --params",
        json.dumps({"locations": {"value": ["eastus"]}}),
    )
    (state,) = admin(f"policy state list -g {GROUP} --filter", "IsCompliant eq false")
    assert state["resourceId"].endswith("/before") and state["complianceState"] == "NonCompliant"

    # the administrator is refused like anybody else, and az prints why
    with pytest.raises(az_client.Refused) as refused:
        admin(f"resource create -g {GROUP} -n west -l westus --resource-type {WORKSPACES} --api-version {VERSION} -p {{}}")
    text = str(refused.value)
    assert "RequestDisallowedByPolicy" in text and "Allowed places" in text and assignment["id"] in text

    admin(
        f"policy exemption create --name for-now --exemption-category Waiver --resource-group {GROUP} "
        f"--policy-assignment {assignment['id']}"
    )
    workspace(governor, home, "west", "westus")
    over = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=1)
    admin(f"policy exemption update --name for-now --resource-group {GROUP} --expires-on {over:%Y-%m-%dT%H:%M:%SZ}")
    with pytest.raises(HttpResponseError) as refused:
        workspace(governor, home, "west-again", "westus")
    assert (refused.value.status_code, refused.value.error.code) == (403, "RequestDisallowedByPolicy")

    admin(f"policy state trigger-scan -g {GROUP}")
    summary = admin(f"policy state summarize -g {GROUP}")
    assert summary["results"]["nonCompliantResources"] == 2
    denied = admin(f"policy event list -g {GROUP} --filter", "PolicyDefinitionAction eq 'deny'")
    assert {event["resourceId"].rsplit("/", 1)[1] for event in denied} == {"west", "west-again"}
    admin(f"policy exemption delete --name for-now --resource-group {GROUP}")
    admin(f"policy assignment delete --name places --scope {home}")
    admin("policy definition delete --name allowed-places")


def test_an_initiative_changes_what_is_written_and_remediates_what_was_there(
    server, admin, home, governor, insights, files
):
    before = workspace(governor, home, "untagged")
    admin(f"policy definition create --name tagging --mode Indexed --rules {files(TAGGING)}")
    definition = f"/subscriptions/{server.subscription}/providers/Microsoft.Authorization/policyDefinitions/tagging"
    members = files([{"policyDefinitionId": definition, "policyDefinitionReferenceId": "tags"}])
    admin(f"policy set-definition create --name house-rules --definitions {members}")
    assert admin("policy set-definition show --name house-rules")["policyType"] == "Custom"
    assignment = admin(
        f"policy assignment create --name house --scope {home} --policy-set-definition house-rules "
        f"--mi-system-assigned --location eastus --role Contributor --identity-scope {home}"
    )
    assert workspace(governor, home, "written-later")["tags"] == {"team": "town"}

    admin(
        f"policy remediation create --name tag-them -g {GROUP} --policy-assignment {assignment['id']} "
        "--definition-reference-id tags"
    )
    ended(insights, "tag-them")
    shown = admin(f"policy remediation show --name tag-them -g {GROUP}")
    assert shown["provisioningState"] == "Succeeded", shown
    assert shown["deploymentStatus"]["failedDeployments"] == 0
    deployments = admin(f"policy remediation deployment list --name tag-them -g {GROUP}")
    assert before["id"].lower() in [one["remediatedResourceId"].lower() for one in deployments]
    assert resources(governor).resources.get_by_id(before["id"], api_version=VERSION).tags == {"team": "town"}
    assert "tag-them" in [one["name"] for one in admin(f"policy remediation list -g {GROUP}")]
    admin(f"policy assignment delete --name house --scope {home}")
    admin("policy set-definition delete --name house-rules")


def test_what_is_missing_is_deployed_by_the_assignment_itself(admin, home, governor, insights, files):
    admin(f"policy definition create --name companions --mode Indexed --rules {files(DEPLOYING)}")
    assignment = admin(
        f"policy assignment create --name companions --scope {home} --policy companions --mi-system-assigned "
        "--location eastus"
    )
    # without a role it can do nothing, and says which one it needs
    workspace(governor, home, "logs-early")
    wish = {"properties": {"policyAssignmentId": assignment["id"]}}
    insights.remediations.create_or_update_at_resource_group(GROUP, "too-early", wish)
    assert ended(insights, "too-early").provisioning_state == "Failed"
    (failed,) = insights.remediations.list_deployments_at_resource_group(GROUP, "too-early")
    assert failed.error.code == "AuthorizationFailed", failed.as_dict()
    assert "the role 'Contributor'" in failed.error.message

    admin(
        f"role assignment create --assignee-object-id {assignment['identity']['principalId']} "
        f"--assignee-principal-type ServicePrincipal --role Contributor --scope {home}"
    )
    workspace(governor, home, "logs-app")
    identity = f"{home}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/logs-app-id"
    until = time.monotonic() + 30
    while not resources(governor).resources.check_existence_by_id(identity, api_version="2023-01-31"):
        assert time.monotonic() < until, "nothing was deployed"
        time.sleep(0.1)
    admin(f"policy assignment delete --name companions --scope {home}")


def test_a_hub_is_governed_by_the_sdk(server, home, governor, insights):
    """An assignment at a hub judges its projects, and the states of both are seen at once."""
    policy = made(PolicyClient, governor)
    hub = put(governor, f"{home}/providers/Microsoft.MachineLearningServices/workspaces/governed-hub",
              {"kind": "Hub", "location": "eastus", "identity": {"type": "SystemAssigned"}, "properties": {}})
    project = {"kind": "Project", "location": "eastus", "identity": {"type": "SystemAssigned"},
               "properties": {"hubResourceId": hub["id"]}}
    path = f"{home}/providers/Microsoft.MachineLearningServices/workspaces"
    put(governor, f"{path}/governed-early", project)
    rule = {"if": {"allOf": [{"field": "kind", "equals": "Project"}, {"field": "tags['cost']", "exists": False}]},
            "then": {"effect": "deny"}}
    defined = policy.policy_definitions.create_or_update(
        "costs", {"properties": {"mode": "Indexed", "displayName": "Projects have a cost centre", "policyRule": rule}}
    )
    assigned = policy.policy_assignments.create(hub["id"], "costs", {"properties": {"policyDefinitionId": defined.id}})
    with pytest.raises(HttpResponseError, match="RequestDisallowedByPolicy"):
        put(governor, f"{path}/governed-late", project)
    put(governor, f"{path}/governed-late", {**project, "tags": {"cost": "42"}})

    states = insights.policy_states.list_query_results_for_resource_group("latest", server.subscription, GROUP)
    found = {one.resource_id.rsplit("/", 1)[1]: one.compliance_state for one in states
             if one.policy_assignment_name == "costs"}
    assert (found["governed-early"], found["governed-late"]) == ("NonCompliant", "Compliant")
    summary = insights.policy_states.summarize_for_resource_group("latest", server.subscription, GROUP)
    assert summary.value[0].results.non_compliant_resources >= 1
    insights.policy_states.begin_trigger_resource_group_evaluation(server.subscription, GROUP).result()
    events = insights.policy_events.list_query_results_for_resource_group("default", server.subscription, GROUP)
    assert "costs" in {event.policy_assignment_name for event in events}
    policy.policy_assignments.delete(hub["id"], "costs")
    assert assigned.name == "costs"
