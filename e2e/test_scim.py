"""Identity providers keep users and groups up to date by SCIM: a compliance tester, and requests as Entra and Okta send them."""

import az as az_client
import httpx2
import pytest
import requests
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

TOKENS = "/graph/v1.0/identity/provisioningTokens"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.fixture(scope="module")
def token(server, admin):
    made = admin(f"rest --method post --resource {server.origin}/graph/ --url {server.origin}{TOKENS} --body", '{"displayName": "tests"}')
    assert made["scimEndpoint"] == f"{server.origin}/scim/v2"
    listed = admin(f"rest --resource {server.origin}/graph/ --url {server.origin}{TOKENS}")
    assert made["secretText"] not in str(listed)
    return made["secretText"]


class Scim:
    """What an identity provider has: the address and a static token."""

    def __init__(self, server, token):
        self.base = f"{server.origin}/scim/v2"
        self.session = requests.Session()
        self.session.verify = server.exports["REQUESTS_CA_BUNDLE"]
        self.session.headers.update({"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"})

    def __call__(self, method, path, body=None, **headers):
        answer = self.session.request(method, f"{self.base}{path}", json=body, headers=headers)
        if answer.status_code >= 400:
            assert answer.headers["content-type"].startswith("application/scim+json"), answer.text
        return answer

    def done(self, method, path, body=None):
        answer = self(method, path, body)
        assert answer.status_code in (200, 201, 204), answer.text
        return answer.json() if answer.content else None


@pytest.fixture(scope="module")
def scim(server, token):
    return Scim(server, token)


def test_the_compliance_tester_finds_nothing(server, token):
    import ssl

    context = ssl.create_default_context(cafile=server.exports["REQUESTS_CA_BUNDLE"])
    http = httpx2.Client(base_url=f"{server.origin}/scim/v2", headers={"Authorization": f"Bearer {token}"}, verify=context)
    results = check_server(SyncSCIMClient(http))
    bad = [result for result in results if result.status in (Status.ERROR, Status.CRITICAL, Status.DEVIATION)]
    assert not bad, "\n".join(map(str, bad))
    assert len([result for result in results if result.status is not Status.SKIPPED]) > 50


def test_an_unmodified_client_finds_its_way(server, token):
    import ssl

    context = ssl.create_default_context(cafile=server.exports["REQUESTS_CA_BUNDLE"])
    http = httpx2.Client(base_url=f"{server.origin}/scim/v2", headers={"Authorization": f"Bearer {token}"}, verify=context)
    client = SyncSCIMClient(http)
    client.discover()
    model = client.get_resource_model("User")
    made = client.create(model(user_name="finder@contoso.com"))
    assert client.query(model, made.id).user_name == "finder@contoso.com"
    client.delete(model, made.id)


def test_entra_provisions_changes_and_deprovisions(server, admin, scim):
    # The connection test: a user who is not there.
    nobody = scim.done("GET", '/Users?filter=userName eq "nobody-6d2a"')
    assert nobody["totalResults"] == 0 and nobody["Resources"] == []
    made = scim.done("POST", "/Users", {
        "schemas": [USER, ENTERPRISE], "externalId": "0a21f0f2", "userName": "Ann.Soap@contoso.com", "active": True,
        "displayName": "Ann Soap", "emails": [{"primary": True, "type": "work", "value": "ann@contoso.com"}],
        "meta": {"resourceType": "User"}, "name": {"formatted": "Ann Soap", "familyName": "Soap", "givenName": "Ann"},
        "roles": [], ENTERPRISE: {"department": "Research"},
    })
    shown = admin("ad user show --id Ann.Soap@contoso.com")
    assert (shown["id"], shown["displayName"], shown["mail"]) == (made["id"], "Ann Soap", "ann@contoso.com")
    found = scim.done("GET", '/Users?filter=userName eq "ann.soap@contoso.com"')
    assert [one["id"] for one in found["Resources"]] == [made["id"]]
    by_external = scim.done("GET", '/Users?filter=externalId eq "0a21f0f2"')
    assert by_external["totalResults"] == 1
    changed = scim.done("PATCH", f"/Users/{made['id']}", {"schemas": [PATCH], "Operations": [
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "ann.soap@contoso.com"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+44 1"},
        {"op": "Replace", "path": "name.familyName", "value": "Soap-Jones"},
        {"op": "Add", "path": f"{ENTERPRISE}:employeeNumber", "value": "7"},
    ]})
    assert changed["emails"][0]["value"] == "ann.soap@contoso.com"
    shown = admin("ad user show --id Ann.Soap@contoso.com")
    assert (shown["mail"], shown["surname"], shown["mobilePhone"]) == ("ann.soap@contoso.com", "Soap-Jones", "+44 1")

    team = scim.done("POST", "/Groups", {"schemas": [GROUP], "externalId": "8aa1a0c0", "displayName": "Research"})
    scim.done("PATCH", f"/Groups/{team['id']}", {"schemas": [PATCH], "Operations": [
        {"op": "Add", "path": "members", "value": [{"$ref": None, "value": made["id"]}]},
    ]})
    slim = scim.done("GET", f"/Groups/{team['id']}?excludedAttributes=members")
    assert "members" not in slim and slim["displayName"] == "Research"
    checked = scim.done("GET", f"/Groups?filter=id eq \"{team['id']}\" and members eq \"{made['id']}\"")
    assert checked["totalResults"] == 1
    assert admin(f"ad group member check --group Research --member-id {made['id']}")["value"] is True
    groups = scim.done("GET", f"/Users/{made['id']}")["groups"]
    assert [(one["display"], one["type"]) for one in groups] == [("Research", "direct")]
    scim.done("PATCH", f"/Groups/{team['id']}", {"schemas": [PATCH], "Operations": [
        {"op": "Remove", "path": "members", "value": [{"value": made["id"]}]},
    ]})
    assert admin(f"ad group member check --group Research --member-id {made['id']}")["value"] is False

    off = scim.done("PATCH", f"/Users/{made['id']}", {"schemas": [PATCH], "Operations": [
        {"op": "Replace", "path": "active", "value": "False"},
    ]})
    assert off["active"] is False
    assert scim("DELETE", f"/Users/{made['id']}").status_code == 204
    assert scim("GET", f"/Users/{made['id']}").status_code == 404
    with pytest.raises(az_client.Refused):
        admin("ad user show --id Ann.Soap@contoso.com")


def test_okta_provisions_changes_and_deactivates(admin, scim):
    page = scim.done("GET", "/Users?startIndex=1&count=1")
    assert page["itemsPerPage"] == 1 and page["totalResults"] >= 1
    made = scim.done("POST", "/Users", {
        "schemas": [USER], "userName": "bob@contoso.com", "name": {"givenName": "Bob", "familyName": "Fox"},
        "emails": [{"primary": True, "value": "bob@contoso.com", "type": "work", "display": "bob@contoso.com"}],
        "displayName": "Bob Fox", "locale": "en-US", "externalId": "00ujl29u0le5T6Aj10h7", "groups": [],
        "password": "1mz050nq", "active": True,
    })
    assert "password" not in made
    again = scim("POST", "/Users", {"schemas": [USER], "userName": "BOB@contoso.com"})
    assert (again.status_code, again.json()["scimType"]) == (409, "uniqueness")
    whole = scim.done("GET", f"/Users/{made['id']}")
    put = scim.done("PUT", f"/Users/{made['id']}", {**whole, "name": {"givenName": "Robert", "familyName": "Fox"}})
    assert put["name"]["givenName"] == "Robert"
    team = scim.done("POST", "/Groups", {"schemas": [GROUP], "displayName": "Okta team", "members": []})
    scim.done("PATCH", f"/Groups/{team['id']}", {"schemas": [PATCH], "Operations": [
        {"op": "replace", "value": {"id": team["id"], "displayName": "Okta team two"}},
        {"op": "add", "path": "members", "value": [{"value": made["id"], "display": "bob@contoso.com"}]},
    ]})
    assert [one["displayName"] for one in admin("ad group member list --group", "Okta team two")] == ["Bob Fox"]
    scim.done("PATCH", f"/Groups/{team['id']}", {"schemas": [PATCH], "Operations": [
        {"op": "remove", "path": f"members[value eq \"{made['id']}\"]"},
    ]})
    assert admin("ad group member list --group", "Okta team two") == []
    scim.done("PATCH", f"/Users/{made['id']}", {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": False}}]})
    assert admin("rest --resource {0}/graph/ --url {0}/graph/v1.0/users/{1}?$select=accountEnabled".format(scim.base[:-8], made["id"]))["accountEnabled"] is False
    scim.done("DELETE", f"/Groups/{team['id']}")


def test_who_is_deactivated_is_refused_at_once(server, scim, somebody):
    person = somebody("leaver")
    token = person.token(server.origin)
    asked = {"headers": {"Authorization": f"Bearer {token}"}, "verify": server.exports["REQUESTS_CA_BUNDLE"]}
    address = f"{server.origin}/subscriptions?api-version=2022-12-01"
    assert requests.get(address, **asked).status_code == 200
    scim.done("PATCH", f"/Users/{person.object_id}", {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": False}}]})
    assert requests.get(address, **asked).status_code == 401
    scim.done("PATCH", f"/Users/{person.object_id}", {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": True}}]})
    assert requests.get(address, **asked).status_code == 401, "a token that was called back stays so"


def test_versions_guard_against_lost_changes(scim):
    made = scim("POST", "/Users", {"schemas": [USER], "userName": "versioned@contoso.com"})
    version = made.headers["etag"]
    assert version == made.json()["meta"]["version"]
    path = f"/Users/{made.json()['id']}"
    assert scim("GET", path, **{"If-None-Match": version}).status_code == 304
    change = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "title", "value": "Dr"}]}
    assert scim("PATCH", path, change, **{"If-Match": version}).status_code == 200
    assert scim("PATCH", path, change, **{"If-Match": version}).status_code == 412
    assert scim("DELETE", path, **{"If-Match": version}).status_code == 412
    assert scim("DELETE", path, **{"If-Match": "*"}).status_code == 204


def test_mistakes_are_told_in_the_protocols_words(scim):
    for method, path, body, status, kind in [
        ("GET", "/Users?filter=userName is 1", None, 400, "invalidFilter"),
        ("POST", "/Users", {"schemas": [USER]}, 400, "invalidValue"),
        ("POST", "/Groups", {"displayName": "x", "members": [{"value": "nobody"}]}, 400, "invalidValue"),
        ("GET", "/Users/7", None, 404, None),
        ("POST", "/Bulk", {}, 501, None),
        ("PUT", "/Schemas", {}, 405, None),
    ]:
        answer = scim(method, path, body)
        assert (answer.status_code, answer.json().get("scimType")) == (status, kind), answer.text


def test_a_provisioning_token_opens_nothing_else_and_ends_when_it_is_revoked(server, admin, token):
    made = admin(f"rest --method post --resource {server.origin}/graph/ --url {server.origin}{TOKENS} --body", '{"displayName": "short-lived"}')
    scim = Scim(server, made["secretText"])
    assert scim("GET", "/Users?count=1").status_code == 200
    for path in ["/graph/v1.0/users", "/subscriptions?api-version=2022-12-01"]:
        answer = scim.session.get(f"{server.origin}{path}")
        assert answer.status_code == 401, path
    admin(f"rest --method delete --resource {server.origin}/graph/ --url {server.origin}{TOKENS}/{made['id']}")
    answer = scim.session.get(f"{scim.base}/Users?count=1")
    assert answer.status_code == 401


def test_people_need_the_right_to_write_the_directory(server, admin, somebody):
    person = somebody("not-a-provisioner")
    scim = Scim(server, person.token(server.origin))
    assert scim("GET", "/Users").status_code == 403
    assert scim("POST", "/Users", {"userName": "x@contoso.com"}).status_code == 403
