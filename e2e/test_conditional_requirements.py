"""What a role asks of a sign-in: claims challenges as azure-core's own policy reads them."""

import json
import time

import arm
import az as az_client
import people
import pytest
import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
CAPABLE = {"access_token": {"xms_cc": {"values": ["CP1"]}}}
MFA = "@Environment[Nave.Identity:multiFactor] BoolEquals true"
OFFICE = "@Environment[Nave.Network:locations] ForAnyOfAnyValues:StringEquals {'%s'}"


class Credential:
    """A credential with a password that keeps its token until it is asked for another one with claims."""

    def __init__(self, person):
        self.person, self.kept, self.claims = person, None, []

    def get_token(self, *scopes, claims=None, **_):
        if claims or not self.kept:
            self.claims.append(claims)
            self.kept = self.sign_in(scopes)
        return AccessToken(self.kept, int(time.time()) + 3000)

    def sign_in(self, scopes):
        server = self.person.server
        form = {
            "grant_type": "password", "client_id": CLI, "username": self.person.name, "password": people.PASSWORD,
            "scope": " ".join(scopes), "claims": json.dumps(CAPABLE),
        }
        answer = requests.post(
            f"{server.origin}/{server.tenant}/oauth2/v2.0/token", data=form,
            verify=server.exports["REQUESTS_CA_BUNDLE"], timeout=20,
        )
        return answer.json()["access_token"]


@pytest.fixture
def client():
    """The SDK's client as a person, with a credential that remembers what it was asked for."""

    def made(person):
        person.credential = Credential(person)
        return arm.resources(person)

    return made


def give(admin, person, role, scope, condition):
    line = f"role assignment create --assignee {person.name} --scope {scope} --condition-version 2.0 --role {role}"
    return admin(line, "--condition", condition)


def decoded(claims):
    return json.loads(claims)


def test_a_second_factor_is_asked_for(admin, group, somebody, client):
    person = somebody("no-second-factor")
    give(admin, person, "Reader", group, MFA)
    resources = client(person)
    with pytest.raises((ClientAuthenticationError, HttpResponseError)) as refused:
        resources.resource_groups.get("this-rg")
    assert refused.value.status_code == 401
    assert "InteractionRequired" in str(refused.value)
    assert "second factor" in str(refused.value)
    first, second = person.credential.claims
    assert first is None
    assert decoded(second)["access_token"]["acrs"] == {"essential": True, "value": "c1"}


def test_az_says_how_to_sign_in_again(admin, group, somebody):
    person = somebody("az-second-factor")
    give(admin, person, "Reader", group, MFA)
    az = person.az
    az.environment["AZURE_CORE_ONLY_SHOW_ERRORS"] = "false"
    with pytest.raises(az_client.Refused, match="AADSTS50076") as refused:
        az("group show --name this-rg --subscription", person.server.subscription)
    assert "az login" in str(refused.value), refused.value


def test_who_would_be_refused_anyway_is_not_asked(group, somebody, client):
    person = somebody("no-role")
    resources = client(person)
    with pytest.raises(HttpResponseError) as refused:
        resources.resource_groups.get("this-rg")
    assert refused.value.status_code == 403
    assert person.credential.claims == [None]


def test_a_client_gets_itself_a_new_token_for_one_that_was_called_back(admin, group, somebody, client):
    person = somebody("called-back", "Reader", group)
    resources = client(person)
    assert resources.resource_groups.get("this-rg").name == "this-rg"
    graph = admin("account get-access-token --resource", f"{person.server.origin}/graph")["accessToken"]
    answer = requests.post(
        f"{person.server.origin}/graph/v1.0/users/{person.object_id}/revokeSignInSessions",
        headers={"Authorization": f"Bearer {graph}"},
        verify=person.server.exports["REQUESTS_CA_BUNDLE"], timeout=20,
    )
    assert answer.status_code == 200, answer.text
    assert resources.resource_groups.get("this-rg").name == "this-rg"
    first, second = person.credential.claims
    assert first is None
    assert decoded(second)["access_token"]["nbf"]["essential"] is True


def test_a_role_for_one_network(server, admin, group, somebody):
    """The clients are on loopback, so one location is where they are and the other is not."""
    locations = "graph/v1.0/identity/conditionalAccess/namedLocations"
    for name, network in [("here", "127.0.0.0/8"), ("elsewhere", "203.0.113.0/24")]:
        body = {
            "@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": name,
            "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": network}],
        }
        url = f"{server.origin}/{locations}"
        made = admin(f"rest --method post --url {url} --resource {server.origin}/graph --body", json.dumps(body))
        assert made["displayName"] == name
    inside, outside = somebody("inside"), somebody("outside")
    give(admin, inside, "Reader", group, OFFICE % "here")
    give(admin, outside, "Reader", group, OFFICE % "elsewhere")
    shown = inside.az("group show --name this-rg --subscription", server.subscription)
    assert shown["name"] == "this-rg"
    with pytest.raises(az_client.Refused, match="AuthorizationFailed"):
        outside.az("group show --name this-rg --subscription", server.subscription)


def test_a_role_for_those_who_are_cleared(server, admin, group, somebody):
    condition = (
        "@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:Engineering_Project] "
        "ForAnyOfAnyValues:StringEquals {'Cascade'}"
    )
    person = somebody("cleared")
    give(admin, person, "Reader", group, condition)
    show = "group show --name this-rg --subscription"
    with pytest.raises(az_client.Refused, match="AuthorizationFailed"):
        person.az(show, server.subscription)
    body = {"customSecurityAttributes": {"Engineering": {"Project": ["Baker", "Cascade"]}}}
    url = f"{server.origin}/graph/v1.0/users/{person.object_id}"
    admin(f"rest --method patch --url {url} --resource {server.origin}/graph --body", json.dumps(body))
    assert person.az(show, server.subscription)["name"] == "this-rg"
