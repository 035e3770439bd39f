"""Templates at every scope with az and the SDK, what they would change, and a server killed in the middle of one."""

import collections
import http.server
import json
import threading

import arm
import az as az_client
import pytest
import requests
import server as nave
import waiting
from azure.core.exceptions import HttpResponseError
from azure.mgmt.resource.deployments import DeploymentsMgmtClient

SCHEMAS = "https://schema.management.azure.com/schemas"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"


def template(schema, resources, **more):
    return {"$schema": f"{SCHEMAS}/{schema}.json#", "contentVersion": "1.0.0.0", "resources": resources, **more}


def identity(name, **more):
    return {"type": IDENTITY, "apiVersion": "2023-01-31", "name": name, "location": "eastus", **more}


def nested(name, resources, **target):
    inner = template("2019-04-01/deploymentTemplate", resources)
    properties = {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"}, "template": inner}
    return {"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": name, "properties": properties, **target}


@pytest.fixture
def written(tmp_path):
    """Writes a template to a file; gives its path."""

    def write(content):
        path = tmp_path / "template.json"
        path.write_text(json.dumps(content))
        return path

    return write


@pytest.fixture(scope="module")
def corp(admin):
    """A management group."""
    return admin("account management-group create --name corp-deployed")["id"]


def scopes():
    group = template(
        "2019-04-01/deploymentTemplate",
        [identity("[parameters('name')]")],
        parameters={"name": {"type": "string", "defaultValue": "deployed"}, "secret": {"type": "securestring", "defaultValue": "hidden"}},
        outputs={"id": {"type": "string", "value": f"[resourceId('{IDENTITY}', parameters('name'))]"}},
    )
    of_subscription = [
        {"type": "Microsoft.Resources/resourceGroups", "apiVersion": "2022-09-01", "name": "made-rg", "location": "eastus"},
        nested("fill", [identity("inside")], resourceGroup="made-rg", dependsOn=["made-rg"]),
    ]
    subscription = template("2018-05-01/subscriptionDeploymentTemplate", of_subscription)
    in_subscription = nested("from-above", [], subscriptionId="[parameters('subscription')]", location="eastus")
    parameters = {"subscription": {"type": "string"}}
    above = template("2019-08-01/managementGroupDeploymentTemplate", [in_subscription], parameters=parameters)
    tenant = template("2019-08-01/tenantDeploymentTemplate", [in_subscription], parameters=parameters)
    return [
        ("group", "--resource-group this-rg", group, 1),
        ("sub", "--location eastus", subscription, 2),
        ("mg", "--location eastus --management-group-id corp-deployed", above, 1),
        ("tenant", "--location eastus", tenant, 1),
    ]


@pytest.mark.parametrize(("scope", "where", "content", "count"), scopes(), ids=lambda value: value if isinstance(value, str) else "")
def test_az_deploys_at_every_scope(server, admin, group, corp, written, scope, where, content, count):
    of = where.replace("--location eastus", "")
    given = ["--parameters", f"subscription={server.subscription}"] if "subscription" in content.get("parameters", {}) else []
    file = written(content)
    before = admin(f"deployment {scope} what-if --name all {where} --no-pretty-print --template-file {file}", *given)
    done = admin(f"deployment {scope} create --name all {where} --template-file {file}", *given)
    assert done["properties"]["provisioningState"] == "Succeeded"
    operations = admin(f"deployment operation {scope} list --name all {of}")
    assert [one["properties"]["provisioningState"] for one in operations if one["properties"]["targetResource"]] == ["Succeeded"] * count
    exported = admin(f"deployment {scope} export --name all {of}")
    assert exported["$schema"] == content["$schema"] and "hidden" not in json.dumps(exported)
    assert "all" in [one["name"] for one in admin(f"deployment {scope} list {of}")]
    if scope == "group":
        assert [change["changeType"] for change in before["changes"] if change["resourceId"].endswith("/deployed")] == ["Create"]
        after = admin(f"deployment group what-if --name all {where} --no-pretty-print --template-file {file}")
        assert {change["changeType"] for change in after["changes"]} <= {"NoChange", "Ignore"}
        assert admin(f"deployment group validate --name all {where} --template-file {file}")["properties"]["provisioningState"] == "Succeeded"
        assert admin(f"deployment group show --name all {of}")["properties"]["outputs"]["id"]["value"].endswith("/deployed")
    admin(f"deployment {scope} delete --name all {of}")


def test_the_sdk_deploys_and_says_what_would_change(owner):
    client = arm.made(DeploymentsMgmtClient, owner).deployments
    content = template("2019-04-01/deploymentTemplate", [identity("by-sdk", tags={"a": "b"})])
    wanted = {"properties": {"mode": "Incremental", "template": content}}
    assert client.begin_validate("this-rg", "sdk", wanted).result().properties.provisioning_state == "Succeeded"
    made = client.begin_create_or_update("this-rg", "sdk", wanted).result()
    assert [one.id.rsplit("/", 1)[1] for one in made.properties.output_resources] == ["by-sdk"]
    content["resources"][0]["tags"] = {"a": "c"}
    (change,) = [
        one for one in client.begin_what_if("this-rg", "sdk", wanted).result().changes if one.resource_id.endswith("/by-sdk")
    ]
    assert change.change_type == "Modify"
    assert [(delta.path, delta.before, delta.after) for delta in change.delta] == [("tags.a", "b", "c")]
    assert client.check_existence("this-rg", "sdk")
    assert client.export_template("this-rg", "sdk").template["resources"][0]["name"] == "by-sdk"
    assert client.calculate_template_hash(content).template_hash
    with pytest.raises(HttpResponseError) as refused:
        content["resources"].append({"type": "Microsoft.Nothing/at", "apiVersion": "2024-01-01", "name": "all"})
        client.begin_create_or_update("this-rg", "sdk", wanted).result()
    assert refused.value.error.code == "InvalidTemplateDeployment"


def test_bad_templates_are_refused_precisely(owner):
    client = arm.made(DeploymentsMgmtClient, owner).deployments

    def refused(resources, **more):
        wanted = {"properties": {"mode": "Incremental", "template": template("2019-04-01/deploymentTemplate", resources, **more)}}
        with pytest.raises(HttpResponseError) as error:
            client.begin_create_or_update("this-rg", "bad", wanted).result()
        return error.value.error.code, error.value.error.message

    cyclic = [identity("a", dependsOn=["b"]), identity("b", dependsOn=["a"])]
    assert "Circular dependency" in refused(cyclic)[1]
    assert refused([identity("[copyIndex()]", copy={"name": "c", "count": 801})])[0] == "InvalidTemplate"
    bomb = "[" + "concat('a'," * 5000 + "'b'" + ")" * 5000 + "]"
    assert refused([identity(bomb)])[0] == "InvalidTemplate"
    deep = []
    for depth in range(12):
        deep = [nested(f"n{depth}", deep)]
    assert "JobSizeExceeded" in str(refused(deep)) or refused(deep)[0] in ("InvalidTemplateDeployment", "InvalidRequestContent")
    linked = {"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "l"}
    linked["properties"] = {"mode": "Incremental", "templateLink": {"uri": "https://example.com/t.json"}}
    assert refused([linked])[0] == "InvalidTemplateDeployment"


class Templates(http.server.BaseHTTPRequestHandler):
    """A host of linked templates."""

    def do_GET(self):
        content = template("2019-04-01/deploymentTemplate", [identity("linked")])
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def another(tmp_path_factory):
    """A server of its own, that may be killed: the token of its administrator, and where linked templates are."""
    host = http.server.HTTPServer(("127.0.0.1", 0), Templates)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{host.server_port}"
    folder = tmp_path_factory.mktemp("killed")
    server = nave.start(folder / "data", "--template-host", address)
    az = az_client.profile(server, folder / "az")
    az(f"login --username {server.admin} --tenant {server.tenant} --password", server.password)
    token = az("account get-access-token")["accessToken"]
    current = {"server": server, "address": address, "token": token}
    yield current
    assert current["server"].stop() == 0
    host.shutdown()


def ask(another, method, path, body=None, version="2024-03-01", **query):
    server = another["server"]
    answer = requests.request(
        method,
        f"{server.origin}{path}",
        params={"api-version": version, **query},
        json=body,
        headers={"Authorization": f"Bearer {another['token']}"},
        verify=server.exports["REQUESTS_CA_BUNDLE"],
        timeout=120,
    )
    return answer.json() if answer.content else answer.status_code


def over(deployment):
    """A deployment that is over."""
    return deployment["properties"]["provisioningState"] != "Running" and deployment


def test_a_linked_template_comes_from_the_host_that_is_allowed(another):
    group = f"/subscriptions/{another['server'].subscription}/resourceGroups/linked"
    ask(another, "PUT", group, {"location": "eastus"})
    path = f"{group}/providers/Microsoft.Resources/deployments/linked"
    link = {"uri": f"http://{another['address']}/t.json", "contentVersion": "1.0.0.0"}
    done = ask(another, "PUT", path, {"properties": {"mode": "Incremental", "templateLink": link}})
    assert done["properties"]["provisioningState"] == "Succeeded", done
    assert done["properties"]["templateLink"] == link
    link["uri"] = link["uri"].replace("127.0.0.1", "localhost")
    refused = ask(another, "PUT", path, {"properties": {"mode": "Incremental", "templateLink": link}})
    assert refused["error"]["code"] == "InvalidContentLink"


def test_a_killed_server_goes_on_and_makes_nothing_twice(another):
    server = another["server"]
    group = f"/subscriptions/{server.subscription}/resourceGroups/killed"
    ask(another, "PUT", group, {"location": "eastus"})
    inner = [identity("[concat('inner-', copyIndex())]", copy={"name": "inner", "count": 50, "mode": "Serial", "batchSize": 2})]
    resources = [
        identity("[concat('outer-', copyIndex())]", copy={"name": "outer", "count": 149, "mode": "Serial", "batchSize": 4}),
        nested("inner", inner),
    ]
    secret = {"secret": {"type": "securestring", "defaultValue": "[newGuid()]"}}
    content = template("2019-04-01/deploymentTemplate", resources, parameters=secret)
    path = f"{group}/providers/Microsoft.Resources/deployments/long"
    body = {"properties": {"mode": "Incremental", "template": content}}

    def start():
        try:
            ask(another, "PUT", path, body)
        except requests.ConnectionError:
            pass  # its server was killed

    putting = threading.Thread(target=start)
    putting.start()

    def done():
        listed = ask(another, "GET", f"{group}/deployments/long/operations")
        return [one for one in listed.get("value", []) if one["properties"]["provisioningState"] == "Succeeded"]

    waiting.until(lambda: len(done()) >= 20)
    server.kill()
    putting.join()
    another["server"] = server.again("--template-host", another["address"])

    seen = waiting.until(lambda: over(ask(another, "GET", path)))
    assert seen["properties"]["provisioningState"] == "Succeeded", seen["properties"].get("error")
    assert len(done()) == 150
    inside = ask(another, "GET", f"{group}/deployments/inner/operations")["value"]
    assert [one["properties"]["provisioningState"] for one in inside] == ["Succeeded"] * 50
    log, page = [], ask(
        another,
        "GET",
        f"/subscriptions/{server.subscription}/providers/Microsoft.Insights/eventtypes/management/values",
        version="2015-04-01",
        **{"$filter": "eventTimestamp ge '2020-01-01T00:00:00Z' and resourceGroupName eq 'killed'"},
    )
    while page:
        log += page["value"]
        next_page = page.get("nextLink")
        page = next_page and requests.get(
            next_page, headers={"Authorization": f"Bearer {another['token']}"}, verify=server.exports["REQUESTS_CA_BUNDLE"], timeout=60
        ).json()
    writes = collections.Counter(
        event["resourceId"].lower()
        for event in log
        if event["operationName"]["value"].lower() == f"{IDENTITY.lower()}/write" and event["status"]["value"] == "Succeeded"
    )
    assert len(writes) == 199 and set(writes.values()) == {1}, [name for name, count in writes.items() if count > 1]


def test_cancel_stops_what_has_not_begun(another):
    group = f"/subscriptions/{another['server'].subscription}/resourceGroups/killed"
    path = f"{group}/providers/Microsoft.Resources/deployments/cancelled"
    resources = [identity("[concat('cancelled-', copyIndex())]", copy={"name": "c", "count": 400, "mode": "Serial", "batchSize": 1})]
    body = {"properties": {"mode": "Incremental", "template": template("2019-04-01/deploymentTemplate", resources)}}
    putting = threading.Thread(target=lambda: ask(another, "PUT", path, body))
    putting.start()
    seen = waiting.until(lambda: (found := ask(another, "GET", path)).get("properties") and found)
    assert seen["properties"]["provisioningState"] == "Running"
    assert ask(another, "DELETE", path)["error"]["code"] == "DeploymentActive"
    assert ask(another, "POST", f"{path}/cancel") == 204
    putting.join()
    assert ask(another, "GET", path)["properties"]["provisioningState"] == "Canceled"
    assert ask(another, "DELETE", path) == 204
