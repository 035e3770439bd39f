"""How people sign in: second factors, new passwords, sessions; with the clients that have to bear it."""

import hashlib
import json
import re
import threading
import webbrowser
from urllib.parse import parse_qs, urlsplit

import az as az_client
import msal
import pages
import people
import pytest
import requests
import server as nave
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AuthorizationCodeCredential,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    UsernamePasswordCredential,
)

CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
NEW_PASSWORD = "nine herons wade past the old mill"
LIMIT_SECONDS = 60


@pytest.fixture
def person(somebody):
    return somebody("signer")


@pytest.fixture
def graph(server, admin):
    """Graph as the administrator."""

    def call(method, path, body):
        url = f"{server.origin}/graph/v1.0/{path}"
        return admin(f"rest --method {method} --url {url} --resource {server.origin}/graph --body", json.dumps(body))

    return call


def application(server):
    """msal's public client, as az uses it."""
    return msal.PublicClientApplication(
        CLI, authority=f"{server.origin}/adfs", verify=server.exports["REQUESTS_CA_BUNDLE"], instance_discovery=False,
    )


def by_code(person, *steps):
    """Signs in to msal's client by authorization code with PKCE; each step does one page."""
    client = application(person.server)
    scopes = [f"{person.server.origin}/.default"]
    flow = client.initiate_auth_code_flow(scopes, redirect_uri="http://localhost:8400")
    browser = pages.Browser(person.server).open(flow["auth_uri"])
    pages.sign_in(browser, person, people.PASSWORD)
    for step in steps:
        step(browser)
    assert browser.page.status_code == 303, browser.text
    answer = parse_qs(urlsplit(browser.page.headers["Location"]).query)
    tokens = client.acquire_token_by_auth_code_flow(flow, {name: value[0] for name, value in answer.items()})
    assert "access_token" in tokens, tokens
    return tokens


def refreshed(server, token):
    form = {"grant_type": "refresh_token", "client_id": CLI, "refresh_token": token, "scope": f"{server.origin}/.default"}
    return requests.post(
        f"{server.origin}/{server.tenant}/oauth2/v2.0/token", data=form,
        verify=server.exports["REQUESTS_CA_BUNDLE"], timeout=20,
    ).json()


def opens(server, token):
    """Whether an access token is taken."""
    answer = requests.get(
        f"{server.origin}/subscriptions?api-version=2022-12-01", headers={"Authorization": f"Bearer {token}"},
        verify=server.exports["REQUESTS_CA_BUNDLE"], timeout=20,
    )
    return answer.status_code == 200


def on_device(person, code, *steps):
    """Signs in on the device page, one page after the other."""
    browser = pages.Browser(person.server).open("/devicelogin")
    browser.send(user_code=code, username=person.name, password=people.PASSWORD)
    for step in steps:
        step(browser)
    assert browser.says("You have signed in"), browser.text


def test_az_signs_in_with_a_second_factor_on_another_device(server, person, tmp_path):
    app, _ = pages.enrol(person, people.PASSWORD)
    az = az_client.profile(server, tmp_path / "device")
    login = az.start(f"login --use-device-code --tenant {server.tenant} --allow-no-subscriptions")
    prompt = ""
    while "code" not in prompt:
        line = login.stderr.readline()
        assert line, f"az ended before it asked: {login.stdout.read()}"
        prompt += line
    on_device(person, re.search(r"code ([A-Z0-9-]{6,})", prompt).group(1), lambda page: page.send(code=app.code()))
    out, err = login.communicate(timeout=LIMIT_SECONDS)
    assert login.returncode == 0, err
    assert person.name in out
    claims = token_claims(az("account get-access-token")["accessToken"])
    assert set(claims["amr"]) >= {"pwd", "otp", "mfa"}


def token_claims(token):
    import jwt

    return jwt.decode(token, options={"verify_signature": False})


def test_a_password_alone_is_refused_where_there_is_a_second_factor(server, person, tmp_path):
    app, _ = pages.enrol(person, people.PASSWORD)
    credential = UsernamePasswordCredential(
        CLI, person.name, people.PASSWORD, tenant_id="adfs", authority=server.origin, disable_instance_discovery=True,
    )
    with pytest.raises(ClientAuthenticationError, match="AADSTS50076"):
        credential.get_token(f"{server.origin}/.default")
    az = az_client.profile(server, tmp_path / "password")
    with pytest.raises(az_client.Refused, match="AADSTS50076"):
        az(f"login --username {person.name} --tenant {server.tenant} --password", people.PASSWORD)
    assert app.code()


def test_a_device_code_credential(server, person):
    app, _ = pages.enrol(person, people.PASSWORD)
    failures = []

    def prompt(_address, code, _ends):
        try:
            on_device(person, code, lambda page: page.send(code=app.code()))
        except AssertionError as error:
            failures.append(error)

    credential = DeviceCodeCredential(
        CLI, tenant_id="adfs", authority=server.origin, prompt_callback=prompt, timeout=LIMIT_SECONDS,
        disable_instance_discovery=True,
    )
    token = credential.get_token(f"{server.origin}/.default").token
    assert not failures
    assert opens(server, token)


def test_a_browser_that_the_credential_opens(server, person, monkeypatch):
    """The credential wants the answer as a form that the browser posts to it."""
    app, _ = pages.enrol(person, people.PASSWORD)

    def drive(address):
        browser = pages.Browser(server).open(address)
        pages.sign_in(browser, person, people.PASSWORD).send(code=app.code())
        browser.send()

    def opened(address, *_):
        threading.Thread(target=drive, args=[address], daemon=True).start()
        return True

    monkeypatch.setattr(webbrowser, "open", opened)
    credential = InteractiveBrowserCredential(
        client_id=CLI, tenant_id="adfs", authority=server.origin, timeout=LIMIT_SECONDS,
        disable_instance_discovery=True,
    )
    assert opens(server, credential.get_token(f"{server.origin}/.default").token)


def test_an_authorization_code_of_a_registered_program(server, admin, person):
    redirect = "https://program.test/signed-in"
    made = admin(f"ad app create --display-name a-program --web-redirect-uris {redirect}")
    admin(f"ad sp create --id {made['appId']}")
    secret = admin(f"ad app credential reset --id {made['appId']}")["password"]
    browser = pages.Browser(server).open(
        f"/adfs/oauth2/v2.0/authorize?client_id={made['appId']}&response_type=code&redirect_uri={redirect}"
        f"&scope={server.origin}/.default"
    )
    pages.sign_in(browser, person, people.PASSWORD)
    assert browser.page.status_code == 303, browser.text
    code = parse_qs(urlsplit(browser.page.headers["Location"]).query)["code"][0]
    credential = AuthorizationCodeCredential(
        "adfs", made["appId"], code, redirect, authority=server.origin, client_secret=secret,
        disable_instance_discovery=True,
    )
    assert opens(server, credential.get_token(f"{server.origin}/.default").token)


def test_a_refresh_token_that_comes_back_late_ends_the_session(server, person):
    first = by_code(person)
    second = refreshed(server, first["refresh_token"])
    again = refreshed(server, first["refresh_token"])
    assert "access_token" in again, "programs that share a cache may use one twice in a minute"
    assert second["refresh_token"] != first["refresh_token"]
    latest = again
    # Of those used within the minute, 64 are remembered.
    for _ in range(65):
        latest = refreshed(server, latest["refresh_token"])
        assert "refresh_token" in latest, latest
    assert opens(server, first["access_token"]) and opens(server, latest["access_token"])
    late = refreshed(server, first["refresh_token"])
    assert "AADSTS50173" in late["error_description"], late
    assert not opens(server, first["access_token"])
    assert not opens(server, latest["access_token"])
    assert "AADSTS50173" in refreshed(server, latest["refresh_token"])["error_description"]


def test_who_got_a_password_from_somebody_must_change_it(server, person, graph):
    profile = {"passwordProfile": {"password": people.PASSWORD + "!", "forceChangePasswordNextSignIn": True}}
    graph("patch", f"users/{person.object_id}", profile)
    az = az_client.profile(server, person.folder / "old")
    with pytest.raises(az_client.Refused, match="AADSTS50055"):
        az(f"login --username {person.name} --tenant {server.tenant} --password", people.PASSWORD + "!")
    browser = pages.Browser(server).open("/account")
    pages.sign_in(browser, person, people.PASSWORD + "!")
    assert browser.says("Choose a new password"), browser.text
    assert browser.send(new_password="short one").says("needs at least 15")
    assert browser.send(new_password=people.PASSWORD + "!").says("is the present one")
    assert browser.send(new_password=NEW_PASSWORD).says("Signed in as")
    az(f"login --username {person.name} --tenant {server.tenant} --allow-no-subscriptions --password", NEW_PASSWORD)


def test_a_recovery_code_works_once(person):
    _, recovery = pages.enrol(person, people.PASSWORD)
    by_code(person, lambda page: page.send(code=recovery[3]))
    browser = pages.Browser(person.server).open("/account")
    pages.sign_in(browser, person, people.PASSWORD)
    assert browser.send(code=recovery[3]).says("was used before")
    assert browser.send(code=recovery[4].upper()).says("Signed in as")


def test_a_person_ends_a_session(server, person):
    tokens = by_code(person)
    assert opens(server, tokens["access_token"])
    browser = pages.account(person, people.PASSWORD).choose("End the session of")
    assert browser.page.status_code == 200, browser.text
    assert not browser.says("End the session of")
    assert not opens(server, tokens["access_token"])
    assert "AADSTS50173" in refreshed(server, tokens["refresh_token"])["error_description"]


def test_whoever_must_have_a_second_factor_sets_one_up_on_the_way(server, person, graph):
    graph("patch", f"users/{person.object_id}/authentication/requirements", {"perUserMfaState": "enforced"})
    credential = UsernamePasswordCredential(
        CLI, person.name, people.PASSWORD, tenant_id="adfs", authority=server.origin, disable_instance_discovery=True,
    )
    with pytest.raises(ClientAuthenticationError, match="AADSTS50079"):
        credential.get_token(f"{server.origin}/.default")

    def enrol(page):
        page.send(code=pages.App(page.codes[0]).code()).send()

    assert "mfa" in token_claims(by_code(person, enrol)["access_token"])["amr"]


def test_guessing_takes_time_and_the_answer_says_how_long(server, person):
    form = {
        "grant_type": "password", "client_id": CLI, "username": person.name, "password": "a wrong one entirely",
        "scope": f"{server.origin}/.default",
    }
    answers = [
        requests.post(
            f"{server.origin}/{server.tenant}/oauth2/v2.0/token", data=form,
            verify=server.exports["REQUESTS_CA_BUNDLE"], timeout=20,
        )
        for _ in range(7)
    ]
    waiting = [answer for answer in answers if answer.status_code == 429]
    assert waiting, [answer.status_code for answer in answers]
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in waiting)


def test_who_could_not_sign_in_is_in_the_log_and_what_was_tried_is_not(server, admin, person):
    for _ in range(2):
        answer = requests.post(
            f"{server.origin}/{server.tenant}/oauth2/v2.0/token",
            data={
                "grant_type": "password", "client_id": CLI, "username": person.name, "password": "a-slip-of-the-tongue",
                "scope": f"{server.origin}/.default",
            },
            verify=server.exports["REQUESTS_CA_BUNDLE"], timeout=20,
        )
        assert answer.status_code == 401
    events = admin(
        f"rest --method get --resource {server.origin} --url {server.origin}/providers/Microsoft.Insights/eventtypes/"
        "management/values?api-version=2015-04-01"
    )["value"]
    failed = [
        event for event in events
        if event["operationName"]["value"] == "Nave.Identity/signIns/action" and person.object_id in event["resourceId"]
    ]
    assert len(failed) == 1, failed
    assert failed[0]["status"]["value"] == "Failed"
    assert "AADSTS50126" in str(failed[0]) and "127.0.0.1" in str(failed[0])
    assert "a-slip-of-the-tongue" not in str(events)


KNOWN = "lost lorries leave for leicester"


@pytest.fixture
def careful(tmp_path):
    """A server whose operator has a list of known passwords."""
    lines = sorted(hashlib.sha1(text.encode()).hexdigest().upper() for text in [KNOWN, "one", "two", "three"])
    listed = tmp_path / "breached.txt"
    listed.write_text("".join(f"{line}:7\r\n" for line in lines))
    running = nave.start(tmp_path / "data", "--breached-passwords", listed, "--domain", "contoso.com")
    yield running
    assert running.stop() == 0


def test_a_password_of_a_breach_is_refused(careful):
    def call(path, body, **options):
        return requests.post(careful.origin + path, verify=careful.exports["REQUESTS_CA_BUNDLE"], timeout=20, **body, **options)

    form = {
        "grant_type": "password", "client_id": CLI, "username": careful.admin, "password": careful.password,
        "scope": f"{careful.origin}/graph/.default",
    }
    token = call(f"/{careful.tenant}/oauth2/v2.0/token", {"data": form}).json()["access_token"]

    def make(password):
        user = {
            "accountEnabled": True, "displayName": "Joe", "mailNickname": "joe", "userPrincipalName": "joe@contoso.com",
            "passwordProfile": {"password": password, "forceChangePasswordNextSignIn": False},
        }
        return call("/graph/v1.0/users", {"json": user}, headers={"Authorization": f"Bearer {token}"})

    refused = make(KNOWN)
    assert refused.status_code == 400 and "breaches" in refused.text, refused.text
    assert make(NEW_PASSWORD).status_code == 201


def test_a_file_that_is_no_list_stops_the_start(tmp_path):
    listed = tmp_path / "words.txt"
    listed.write_text("password\nqwerty\n")
    with pytest.raises(RuntimeError, match="cannot be used as a list of breached passwords"):
        nave.start(tmp_path / "data", "--breached-passwords", listed)
    assert not list((tmp_path / "data").iterdir())
