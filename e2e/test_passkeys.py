"""Passkeys in a real browser: Chromium, with an authenticator that its developer tools play."""

import shutil

import pages
import people
import pytest

CHROMIUM = shutil.which("chromium")
QUIET = ["--no-sandbox", "--ignore-certificate-errors", "--disable-quic", "--disable-background-networking"]
LIMIT_MS = 15_000
AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}

if not CHROMIUM:
    pytest.skip("there is no chromium on this machine", allow_module_level=True)

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


class Tab:
    """A browser tab at a device with an authenticator of its own."""

    def __init__(self, chromium, server):
        context = chromium.new_context(ignore_https_errors=True)
        self.page, self.origin = context.new_page(), server.origin
        self.page.set_default_timeout(LIMIT_MS)
        self.problems = []
        self.page.on("pageerror", lambda problem: self.problems.append(problem))
        self.tools = context.new_cdp_session(self.page)
        self.tools.send("WebAuthn.enable")
        self.device = self.tools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"]

    def open(self, path):
        self.page.goto(self.origin + path)
        return self

    def press(self, label):
        self.page.get_by_role("button", name=label).first.click()
        return self

    def sign_in(self, person):
        self.page.get_by_label("User name").fill(person.name)
        self.page.get_by_label("Password").fill(people.PASSWORD)
        return self.press("Sign in")

    def shows(self, text):
        self.page.get_by_text(text).first.wait_for()
        assert not self.problems, self.problems
        return self

    def is_recognised(self, recognised):
        """Whether the device recognises who is in front of it."""
        self.tools.send(
            "WebAuthn.setUserVerified", {"authenticatorId": self.device, "isUserVerified": recognised}
        )


@pytest.fixture
def tab(chromium, server):
    return Tab(chromium, server)


def add_passkey(tab, person):
    tab.open("/account").sign_in(person).shows(f"Signed in as {person.name}")
    tab.press("Add a passkey").press("Add a passkey").shows("Remove: passkey")


def test_a_passkey_signs_in_by_itself(tab, somebody):
    person = somebody("passkey")
    add_passkey(tab, person)
    tab.page.context.clear_cookies()
    tab.open("/account").press("Use a passkey").press("Use a passkey").shows(f"Signed in as {person.name}")


def test_a_passkey_is_the_second_factor(tab, somebody):
    person = somebody("second")
    add_passkey(tab, person)
    tab.page.context.clear_cookies()
    tab.open("/account").sign_in(person).shows("Your device asks")
    tab.press("Use a passkey").shows(f"Signed in as {person.name}")


def test_a_passkey_signs_a_device_in(tab, server, somebody):
    from azure.identity import DeviceCodeCredential

    person = somebody("device")
    add_passkey(tab, person)
    tab.page.context.clear_cookies()

    def prompt(_address, code, _ends):
        tab.open(f"/devicelogin?user_code={code}").press("Use a passkey").press("Use a passkey")
        tab.shows("You have signed in")

    credential = DeviceCodeCredential(
        "04b07795-8ddb-461a-bbee-02f9e1bf7b46", tenant_id="adfs", authority=server.origin, prompt_callback=prompt,
        timeout=60, disable_instance_discovery=True,
    )
    assert credential.get_token(f"{server.origin}/.default").token


def test_whom_the_device_does_not_recognise_can_go_another_way(tab, somebody):
    person = somebody("stranger")
    app, _ = pages.enrol(person, people.PASSWORD)
    tab.open("/account").sign_in(person).shows("Enter the code")
    tab.page.get_by_label("Code").fill(app.code())
    tab.press("Go on").press("Add a passkey").press("Add a passkey").shows("Remove: passkey")
    tab.is_recognised(False)
    tab.open("/account").sign_in(person).press("Use a passkey").press("Use a passkey")
    tab.shows("It was not confirmed in time")
    tab.press("Back").shows("Enter the code")
    tab.page.get_by_label("Code").fill(app.code())
    tab.press("Go on").shows(f"Signed in as {person.name}")


def test_one_device_keeps_one_passkey_of_an_account(tab, somebody):
    person = somebody("twice")
    add_passkey(tab, person)
    tab.press("Add a passkey").press("Add a passkey").shows("This device has a passkey for this account already.")
    tab.press("Back").shows(f"Signed in as {person.name}")


def test_a_passkey_that_was_removed_signs_nobody_in(tab, somebody):
    person = somebody("removed")
    add_passkey(tab, person)
    tab.press("Remove: passkey").shows(f"Signed in as {person.name}")
    tab.open("/account").press("Use a passkey").press("Use a passkey").shows("it is not one of this account")
