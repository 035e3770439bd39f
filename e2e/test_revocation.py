"""Who loses a right loses at once what it opened: streams, tokens and keys; and the log says what was cut by what."""

import dataclasses
import functools
import itertools
import ssl
import threading
import time
import uuid

import openai
import people
import pytest
import requests
import slow_model

CHAT = [{"role": "user", "content": "Count."}]
COGNITIVE = "https://cognitiveservices.azure.com"
OPENAI_USER = "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd"
CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
WITHIN_SECONDS = 1.0
ROLE_API = "2022-04-01"


@pytest.fixture(scope="module")
def model():
    running = slow_model.SlowModel()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def boss(server, tmp_path_factory):
    """The administrator, with tokens of their own."""

    class Boss(people.Person):
        def token(self, resource):
            return tokens(server, server.admin, server.password, resource)["access_token"]

    return Boss(server.admin, "", server, tmp_path_factory.mktemp("boss"))


@dataclasses.dataclass
class Rest:
    """ARM and Graph as the administrator, without a client in between: what takes a right away is timed."""

    server: object
    token: str

    def __call__(self, method, path, body=None, expect=(200, 201, 202, 204)):
        answer = requests.request(
            method, self.server.origin + path, json=body, headers={"Authorization": f"Bearer {self.token}"},
            verify=self.server.exports["REQUESTS_CA_BUNDLE"], timeout=20,
        )
        assert answer.status_code in expect, answer.text
        return answer.json() if answer.content else None


@pytest.fixture(scope="module")
def rest(server, boss):
    return Rest(server, boss.token(server.origin))


@pytest.fixture(scope="module")
def graph(server, boss):
    return Rest(server, boss.token(f"{server.origin}/graph"))


@pytest.fixture(scope="module")
def account(rest, group, model):
    """An account in front of the slow model."""
    path = f"{group}/providers/Microsoft.CognitiveServices/accounts/slow"
    put_account(rest, path, model)
    deployment = {
        "sku": {"name": "Standard", "capacity": 1},
        "properties": {"model": {"format": "OpenAI", "name": "gpt-4o-mini", "version": "1"}},
    }
    rest("PUT", f"{path}/deployments/chat?api-version=2024-10-01", deployment)
    return path


def put_account(rest, path, model, **more):
    body = {
        "location": "eastus", "kind": "AIServices", "sku": {"name": "S0"},
        "properties": {
            "customSubDomainName": "slow", **more,
            "nave": {"upstream": {"kind": "openAI", "endpoint": model.endpoint}},
        },
    }
    rest("PUT", f"{path}?api-version=2024-10-01", body)


def tokens(server, name, password, resource, **more):
    form = {
        "grant_type": "password", "client_id": CLI, "username": name, "password": password,
        "scope": f"{resource}/.default offline_access openid profile", **more,
    }
    return token_endpoint(server, form).json()


def token_endpoint(server, form):
    return requests.post(
        f"{server.origin}/{server.tenant}/oauth2/v2.0/token", data=form,
        verify=server.exports["REQUESTS_CA_BUNDLE"], timeout=20,
    )


def give(rest, scope, principal, kind="User", role=OPENAI_USER):
    """Gives a role, that for calling models if no other; gives the assignment's path."""
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}?api-version={ROLE_API}"
    role = f"/providers/Microsoft.Authorization/roleDefinitions/{role}"
    body = {"properties": {"roleDefinitionId": role, "principalId": principal, "principalType": kind}}
    rest("PUT", path, body)
    return path


@functools.cache
def trust(bundle):
    """The certificates to trust, read once: OpenSSL reads a file badly while another thread is in a connection."""
    return ssl.create_default_context(cafile=bundle)


class Stream:
    """An answer that is read as it comes, until it ends."""

    def __init__(self, server, **credential):
        client = openai.AzureOpenAI(
            azure_endpoint=f"{server.origin}/ai/slow/", api_version="2024-10-21", max_retries=0,
            http_client=openai.DefaultHttpxClient(verify=trust(server.exports["REQUESTS_CA_BUNDLE"])), **credential,
        )
        self.words, self.error, self.ended = 0, None, None
        self.begun = threading.Event()
        self.chunks = client.chat.completions.create(model="chat", messages=CHAT, stream=True)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        assert self.begun.wait(10)

    def read(self):
        try:
            for _ in self.chunks:
                self.words += 1
                if self.words == 3:
                    self.begun.set()
        except openai.APIError as error:
            self.error = error
        self.ended = time.monotonic()

    def cut_within(self, since):
        """The error that ended it, which must have come in time."""
        self.reader.join(10)
        assert self.ended is not None, "the stream is still open"
        assert self.ended - since < WITHIN_SECONDS, f"{self.ended - since:.2f} s"
        assert self.error is not None, "the stream ended as if it were whole"
        return self.error.body


def check_log(rest, error, group, operation):
    """What was cut rests on the decision that the client was told, and is found from its cause."""
    decision = next(one["info"]["id"] for one in error["additionalInfo"] if one["type"] == "Decision")
    values = "/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01&$filter="
    since = "eventTimestamp ge '2020-01-01T00:00:00Z'"
    cut = next(
        one
        for one in rest("GET", f"{values}{since} and status eq 'Cut'")["value"]
        if one["operationId"] == decision
    )
    cause = cut["properties"]["cause"]
    everything = rest("GET", f"{values}{since}")["value"]
    event = next(one for one in everything if one["eventDataId"] == cause)
    assert event["operationName"]["value"].endswith(operation), event
    followed = rest("GET", f"{values}{since} and cause eq '{cause}'")["value"]
    assert cut["eventDataId"] in [one["eventDataId"] for one in followed]


@pytest.mark.parametrize("how", ["disabled", "deleted", "signed out", "by SCIM"])
def test_who_leaves_the_directory_is_refused_on_all_three(server, rest, graph, account, somebody, model, how):
    person = somebody(f"leaver-{how.replace(' ', '-').lower()}")
    give(rest, account, person.object_id)
    given = tokens(server, person.name, people.PASSWORD, COGNITIVE)
    own = Rest(server, tokens(server, person.name, people.PASSWORD, f"{server.origin}/graph")["access_token"])
    own("GET", "/graph/v1.0/me")
    hung_up = model.hung_up
    stream = Stream(server, azure_ad_token=given["access_token"])

    user = f"/graph/v1.0/users/{person.object_id}"
    if how == "disabled":
        graph("PATCH", user, {"accountEnabled": False})
    elif how == "deleted":
        graph("DELETE", user)
    elif how == "signed out":
        graph("POST", f"{user}/revokeSignInSessions")
    else:
        patch = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "active", "value": False}],
        }
        Rest(server, rest.token)("PATCH", f"/scim/v2/Users/{person.object_id}", patch)
    since = time.monotonic()

    error = stream.cut_within(since)
    assert error["code"] == "InvalidAuthenticationToken"
    assert model.wait_until_hung_up(hung_up + 1, WITHIN_SECONDS), "the model still works for him"
    own("GET", "/graph/v1.0/me", expect=[401])
    refresh = {"grant_type": "refresh_token", "client_id": CLI, "refresh_token": given["refresh_token"]}
    refused = token_endpoint(server, {**refresh, "scope": f"{COGNITIVE}/.default"})
    assert refused.status_code in (400, 401), refused.text
    assert time.monotonic() - since < WITHIN_SECONDS
    operation = {"disabled": "users/write", "deleted": "users/delete", "signed out": "users/write", "by SCIM": ""}
    check_log(rest, error, account, operation[how])


def removed_assignment(rest, graph, person, account, group):
    path = give(rest, account, person.object_id)
    return lambda: rest("DELETE", path), "roleAssignments/delete"


def removed_from_group(rest, graph, person, account, group):
    team = make_group(graph, person)
    give(rest, group, team, "Group")
    member = f"/graph/v1.0/groups/{team}/members/{person.object_id}/$ref"
    return lambda: graph("DELETE", member), "groups/write"


def removed_assignment_of_the_group(rest, graph, person, account, group):
    team = make_group(graph, person)
    path = give(rest, group, team, "Group")
    return lambda: rest("DELETE", path), "roleAssignments/delete"


def changed_role(rest, graph, person, account, group):
    """A deny assignment cannot hold data actions, but a role can lose them."""
    role = str(uuid.uuid4())
    path = f"{group}/providers/Microsoft.Authorization/roleDefinitions/{role}?api-version={ROLE_API}"

    def put(*data_actions):
        permissions = [{"actions": ["*/read"], "notActions": [], "dataActions": data_actions, "notDataActions": []}]
        properties = {"roleName": f"caller {role}", "assignableScopes": [group], "permissions": permissions}
        rest("PUT", path, {"properties": properties})

    put("Microsoft.CognitiveServices/accounts/OpenAI/*")
    give(rest, account, person.object_id, role=role)
    return put, "roleDefinitions/write"


numbers = itertools.count(1)


def make_group(graph, person):
    name = f"callers-{next(numbers)}"
    body = {"displayName": name, "mailNickname": name, "mailEnabled": False, "securityEnabled": True}
    team = graph("POST", "/graph/v1.0/groups", body)["id"]
    reference = {"@odata.id": f"{graph.server.origin}/graph/v1.0/directoryObjects/{person.object_id}"}
    graph("POST", f"/graph/v1.0/groups/{team}/members/$ref", reference)
    return team


@pytest.mark.parametrize(
    "way", [removed_assignment, removed_from_group, removed_assignment_of_the_group, changed_role]
)
def test_who_loses_the_role_is_cut_and_refused(server, rest, graph, account, group, somebody, model, way):
    person = somebody(way.__name__.replace("_", "-"))
    take_away, operation = way(rest, graph, person, account, group)
    token = person.token(COGNITIVE)
    hung_up = model.hung_up
    stream = Stream(server, azure_ad_token=token)
    take_away()
    since = time.monotonic()
    error = stream.cut_within(since)
    assert error["code"] == "PermissionDenied"
    assert model.wait_until_hung_up(hung_up + 1, WITHIN_SECONDS)
    with pytest.raises(openai.APIStatusError) as refused:
        Stream(server, azure_ad_token=token)
    assert refused.value.status_code in (401, 403)
    check_log(rest, error, account, operation)


@pytest.mark.parametrize("way", ["regenerated", "switched off"])
def test_a_key_that_is_taken_back_ends_what_it_opened(server, rest, account, model, way):
    keys = rest("POST", f"{account}/listKeys?api-version=2024-10-01")
    by_one, by_other = Stream(server, api_key=keys["key1"]), Stream(server, api_key=keys["key2"])
    if way == "regenerated":
        rest("POST", f"{account}/regenerateKey?api-version=2024-10-01", {"keyName": "Key1"})
        since, cut, code = time.monotonic(), [by_one], "PermissionDenied"
    else:
        put_account(rest, account, model, disableLocalAuth=True)
        since, cut, code = time.monotonic(), [by_one, by_other], "AuthenticationTypeDisabled"
    for stream in cut:
        error = stream.cut_within(since)
        assert error["code"] == code
        check_log(rest, error, account, "regenerateKey/action" if way == "regenerated" else "accounts/write")
    with pytest.raises(openai.APIStatusError):
        Stream(server, api_key=keys["key1"])
    if way == "regenerated":
        assert by_other.ended is None, "the other key's stream was cut as well"
        by_other.chunks.close()
        Stream(server, api_key=keys["key2"]).chunks.close()
    else:
        put_account(rest, account, model, disableLocalAuth=False)
