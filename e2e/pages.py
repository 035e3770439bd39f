"""The pages people sign in on, driven over HTTP: they are plain forms. And the authenticator app that goes with them."""

import base64
import hmac
import html
import re
import struct
import time
from urllib.parse import urljoin

import requests

STEP_SECONDS = 30
NEARLY_OVER_SECONDS = 3


class Browser:
    """A browser without script: it opens a page, and sends the form that is on it."""

    def __init__(self, server):
        self.origin = server.origin
        self.session = requests.Session()
        self.session.verify = server.exports["REQUESTS_CA_BUNDLE"]
        self.page = None

    def open(self, address):
        self.page = self.session.get(urljoin(self.origin, address), timeout=20)
        return self

    def send(self, **fields):
        """Sends the page's form; it stays where it is when the form leads away with a redirect to a program."""
        form = re.search(r"<form[^>]*action=\"([^\"]*)\"[^>]*>(.*?)</form>", self.text, re.DOTALL)
        action, content = form.groups()
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', content)
        data = {name: html.unescape(value) for name, value in hidden} | fields
        target = urljoin(self.page.url, html.unescape(action))
        self.page = self.session.post(target, data=data, allow_redirects=False, timeout=20)
        return self

    def choose(self, label):
        """Presses the button whose label begins like this."""
        buttons = re.findall(r'<button[^>]* name="([^"]+)" value="([^"]*)"[^>]*>([^<]*)</button>', self.text)
        found = [(name, value) for name, value, text in buttons if html.unescape(text).startswith(label)]
        assert found, f"no button '{label}' on {self.text}"
        name, value = found[0]
        return self.send(**{name: html.unescape(value)})

    @property
    def text(self):
        return self.page.text

    @property
    def codes(self):
        """What the page shows to be copied: a key, or recovery codes."""
        return re.findall(r"<code>([^<]+)</code>", self.text)

    def says(self, words):
        return words in html.unescape(self.text)


class App:
    """An authenticator app (RFC 6238). It never gives the same code twice, and knows that a clock may be a step off."""

    def __init__(self, key):
        self.key = base64.b32decode(key + "=" * (-len(key) % 8))
        self.used = 0

    def code(self):
        earliest = int(time.time() + NEARLY_OVER_SECONDS) // STEP_SECONDS - 1
        self.used = max(self.used + 1, earliest)
        tag = hmac.digest(self.key, struct.pack(">q", self.used), "sha1")
        number = struct.unpack_from(">I", tag, tag[-1] & 15)[0] & 0x7FFFFFFF
        return f"{number % 1_000_000:06}"


def sign_in(browser, person, password):
    return browser.send(username=person.name, password=password)


def account(person, password):
    """A browser in which a person looks after the account."""
    browser = Browser(person.server).open("/account")
    sign_in(browser, person, password)
    assert browser.says(f"Signed in as {person.name}"), browser.text
    return browser


def enrol(person, password):
    """Sets up an authenticator app; the app and the recovery codes."""
    browser = account(person, password).choose("Set up an authenticator app")
    app = App(browser.codes[0])
    browser.send(code=app.code())
    recovery = browser.codes
    assert len(recovery) == 10, browser.text
    browser.send()
    assert browser.says("Remove: authenticator app"), browser.text
    return app, recovery
