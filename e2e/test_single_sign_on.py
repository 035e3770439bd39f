"""People sign in at another OpenID Connect provider: panva's oidc-provider, which runs here under node."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import az as az_client
import people
import pytest
import requests
import server as nave
from waiting import until

FOLDER = pathlib.Path(os.environ["NAVE_CLIENTS"]) / "oidc"
CLIENT_SECRET = "a secret: with + & % in it"
PROVIDERS = "/graph/v1.0/identity/identityProviders"


class Provider:
    """The running provider, and who is known there."""

    def __init__(self, redirect_uri):
        port = nave.free_port()
        self.issuer = f"http://localhost:{port}"
        folder = FOLDER  # where its packages are: node looks for them beside the script
        script = shutil.copy(pathlib.Path(__file__).parent / "clients/oidc/provider.mjs", folder)
        self.process = subprocess.Popen(
            ["node", script, str(port), redirect_uri], cwd=folder, stdout=subprocess.PIPE, text=True
        )
        assert "listening" in self.process.stdout.readline()

    def knows(self, **people):
        requests.put(f"{self.issuer}/test/people", data=json.dumps(people)).raise_for_status()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)


def ann(*groups, **more):
    return {"email": "ann@contoso.com", "email_verified": True, "name": "Ann Other", "given_name": "Ann", "family_name": "Other",
            "preferred_username": "ann@contoso.com", "groups": list(groups), **more}


@pytest.fixture(scope="module")
def provider(server):
    if shutil.which("node") is None or not (FOLDER / "node_modules").exists():
        pytest.skip("node or npm is not installed, so no OpenID Connect provider can run here")
    running = Provider(f"{server.origin}/sso/panva/callback")
    yield running
    running.stop()


def graph(server, admin, method, path, body=None):
    more = ["--body", json.dumps(body)] if body is not None else []
    return admin(f"rest --method {method} --resource {server.origin}/graph/ --url {server.origin}{path}", *more)


@pytest.fixture(scope="module")
def engineers(server, admin, group):
    made = admin("ad group create --display-name Engineers --mail-nickname engineers")
    admin(f"role assignment create --assignee-object-id {made['id']} --assignee-principal-type Group --role Reader --scope {group}")
    return made["id"]


@pytest.fixture(scope="module")
def configured(server, admin, provider, engineers):
    """The provider as the administrator described it."""
    made = graph(server, admin, "post", PROVIDERS, {
        "id": "panva", "displayName": "Panva", "issuer": provider.issuer, "clientId": "nave", "clientSecret": CLIENT_SECRET,
        "scope": "openid profile email groups", "justInTime": True, "allowedDomains": ["contoso.com"], "linkBy": ["externalId"],
        "groupMappings": [{"value": "eng", "groupId": engineers}], "domainHints": ["sso.contoso.com"],
    })
    assert made["redirectUri"] == f"{server.origin}/sso/panva/callback"
    assert made["hasClientSecret"] is True
    assert CLIENT_SECRET not in json.dumps(graph(server, admin, "get", PROVIDERS))
    return made


class Browser(requests.Session):
    """As much of a browser as these pages need: links, forms, and pages that lead on."""

    def __init__(self, server):
        super().__init__()
        self.verify = server.exports["REQUESTS_CA_BUNDLE"]

    def follow(self, answer):
        while "refresh" in answer.headers:
            answer = self.get(answer.headers["refresh"].split("url=", 1)[1])
        return answer

    def submit(self, page, **fields):
        form = re.search(r"<form.*?</form>", page.text, re.DOTALL).group(0)
        hidden = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
        action = re.search(r'action="([^"]*)"', form).group(1)
        target = requests.compat.urljoin(page.url, action.replace("&amp;", "&"))
        return self.follow(self.post(target, data={**hidden, **fields}))


def sign_in(server, folder, person):
    """`az login --use-device-code`, with the provider's word; the az, and the last page the person saw."""
    az = az_client.profile(server, folder)
    login = az.start(f"login --use-device-code --tenant {server.tenant} --allow-no-subscriptions")
    prompt = ""
    while "code" not in prompt:
        line = login.stderr.readline()
        assert line, f"az ended before it asked: {login.stdout.read()}"
        prompt += line
    address, code = re.search(r"(https://\S+).*?code ([A-Z0-9-]{6,})", prompt).groups()
    browser = Browser(server)
    page = browser.submit(browser.get(address), user_code=code, **{"with": "panva"})
    assert "/interaction/" in page.url, page.text
    page = browser.submit(page, login=person, password="anything")
    if page.status_code != 200:
        login.terminate()
        login.wait(timeout=20)
        return None, page
    out, err = login.communicate(timeout=60)
    assert login.returncode == 0, err + page.text
    return az, page


def test_who_is_in_a_group_there_has_its_rights_here_and_loses_them(server, admin, provider, configured, engineers, tmp_path):
    provider.knows(ann=ann("eng", "unknown"))
    az, page = sign_in(server, tmp_path / "first", "ann")
    assert "signed in" in page.text
    assert az("account show")["user"]["name"] == "ann@contoso.com"
    assert [one["name"] for one in az("group list")] == ["this-rg"]
    shown = admin("ad user show --id ann@contoso.com")
    assert (shown["displayName"], shown["givenName"], shown["mail"]) == ("Ann Other", "Ann", "ann@contoso.com")
    assert admin(f"ad group member check --group {engineers} --member-id {shown['id']}")["value"] is True

    provider.knows(ann=ann())
    again, _ = sign_in(server, tmp_path / "second", "ann")
    with pytest.raises(az_client.Refused, match="SubscriptionNotFound"):
        again("group list")
    assert az("group list") == [], "the earlier sign-in lost it as well"
    assert admin("ad user show --id ann@contoso.com")["id"] == shown["id"], "it is the same account"


def test_a_manual_membership_stays(server, admin, provider, configured, engineers, tmp_path):
    provider.knows(carl={**ann(), "preferred_username": "carl@contoso.com", "email": "carl@contoso.com"})
    sign_in(server, tmp_path / "first", "carl")
    carl = admin("ad user show --id carl@contoso.com")["id"]
    admin(f"ad group member add --group {engineers} --member-id {carl}")
    sign_in(server, tmp_path / "second", "carl")
    assert admin(f"ad group member check --group {engineers} --member-id {carl}")["value"] is True


def test_who_is_disabled_here_stays_out(server, admin, provider, configured, tmp_path):
    provider.knows(dora={**ann(), "preferred_username": "dora@contoso.com", "email": "dora@contoso.com"})
    sign_in(server, tmp_path / "first", "dora")
    admin("ad user update --id dora@contoso.com --account-enabled false")
    az, page = sign_in(server, tmp_path / "second", "dora")
    assert az is None and "disabled" in page.text


def test_a_stranger_is_not_let_in(server, admin, provider, configured, tmp_path):
    provider.knows(
        eve={**ann(), "email": "eve@elsewhere.test", "preferred_username": "eve@contoso.com"},
        fay={**ann(), "email": "fay@contoso.com", "email_verified": False, "preferred_username": "fay@contoso.com"},
        admin={**ann(), "email": server.admin, "preferred_username": server.admin, "email_verified": True},
    )
    for person in ["eve", "fay", "admin"]:
        az, page = sign_in(server, tmp_path / person, person)
        assert az is None and page.status_code == 403, page.text


def test_a_provisioned_account_is_found_by_its_external_id(server, admin, provider, configured, tmp_path):
    token = graph(server, admin, "post", "/graph/v1.0/identity/provisioningTokens", {"displayName": "sso"})["secretText"]
    made = requests.post(
        f"{server.origin}/scim/v2/Users", json={"userName": "gina@contoso.com", "externalId": "gina", "displayName": "Gina"},
        headers={"Authorization": f"Bearer {token}"}, verify=server.exports["REQUESTS_CA_BUNDLE"],
    )
    assert made.status_code == 201, made.text
    provider.knows(gina={**ann(), "preferred_username": "somebody-else@contoso.com", "email": "x@elsewhere.test"})
    az, _ = sign_in(server, tmp_path / "gina", "gina")
    assert az("ad signed-in-user show")["id"] == made.json()["id"]


def test_a_hint_leads_straight_there(server, provider, configured):
    asked = {
        "client_id": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "response_type": "code", "redirect_uri": "http://localhost:1",
        "scope": f"{server.origin}/.default", "code_challenge": "x" * 43, "code_challenge_method": "S256",
    }
    browser = Browser(server)
    page = browser.get(f"{server.origin}/{server.tenant}/oauth2/v2.0/authorize", params=asked)
    assert "Continue with Panva" in page.text and "refresh" not in page.headers
    for hint in [{"domain_hint": "panva"}, {"login_hint": "ann@sso.contoso.com"}]:
        page = browser.get(f"{server.origin}/{server.tenant}/oauth2/v2.0/authorize", params={**asked, **hint})
        assert provider.issuer in page.headers["refresh"], page.text


def test_passwords_can_be_left_to_the_accounts_for_emergencies(server, admin, somebody, tmp_path):
    person = somebody("password-user")
    me = graph(server, admin, "get", "/graph/v1.0/me")["id"]
    settings = "/graph/v1.0/identity/signInSettings"
    with pytest.raises(az_client.Refused, match="breakGlassAccount"):
        graph(server, admin, "patch", settings, {"localPasswords": "breakGlass"})
    graph(server, admin, "patch", settings, {"localPasswords": "breakGlass", "breakGlassAccounts": [me]})
    try:
        az = az_client.profile(server, tmp_path / "az")
        login = f"login --tenant {server.tenant} --allow-no-subscriptions --username"
        with pytest.raises(az_client.Refused, match="AADSTS53003"):
            az(f"{login} {person.name} --password", people.PASSWORD)
        az(f"{login} {server.admin} --password", server.password)
    finally:
        graph(server, admin, "patch", settings, {"localPasswords": "everybody"})
    az(f"{login} {person.name} --password", people.PASSWORD)


def test_a_provider_is_set_up_beside_the_running_server(server, tmp_path):
    file = tmp_path / "provider.json"
    file.write_text(json.dumps({"id": "beside", "displayName": "Beside", "issuer": "https://idp.test", "clientId": "c"}))

    def run(*words):
        return subprocess.run([server.binary, *words, "--data", server.data], capture_output=True, text=True, check=True).stdout

    assert f"{server.origin}/sso/beside/callback" in run("sso", "add", file)
    assert "Beside" in run("sso", "list")
    browser = Browser(server)
    until(lambda: "Continue with Beside" in browser.get(f"{server.origin}/devicelogin").text)
    run("sso", "remove", "beside")
    assert "Beside" not in run("sso", "list")

    made = run("scim", "token", "okta")
    token = re.search(r"token +(\S+)", made).group(1)
    asked = {"headers": {"Authorization": f"Bearer {token}"}, "verify": browser.verify}
    status = lambda: requests.get(f"{server.origin}/scim/v2/Users?count=1", **asked).status_code  # noqa: E731
    until(lambda: status() == 200)
    listed = run("scim", "list")
    assert token not in listed
    run("scim", "revoke", re.search(r"(\S+) .*okta", listed).group(1))
    until(lambda: status() == 401)
