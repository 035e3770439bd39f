"""Diagnostic settings: what az sets up is delivered, to a file, to a collector and to a bucket."""

import json
import pathlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from waiting import until

API = "api-version=2026-11-01"


class Listener:
    """A server on this machine that keeps what it is sent."""

    def __init__(self):
        got = self.got = []

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                got.append((self.command, self.path.split("?")[0], dict(self.headers), body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def listener():
    listener = Listener()
    yield listener
    listener.server.shutdown()


@pytest.fixture(scope="module")
def account(admin, group):
    return admin("storage account create --resource-group this-rg --location eastus --name diagnosticslogs")["id"]


def sink(server, admin, group, name, body):
    url = f"{server.origin}{group}/providers/Nave.Monitor/sinks/{name}?{API}"
    return admin(f"rest --method put --url {url} --resource {server.origin} --body", json.dumps(body))["id"]


def lines(server, place):
    """The records in the files below a place of the data directory."""
    files = sorted(pathlib.Path(server.data, "diagnostics", place).rglob("PT1H.json"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_a_resource_tells_its_categories(admin, account):
    listed = admin(f"monitor diagnostic-settings categories list --resource {account}")["value"]
    assert "Audit" in [one["name"] for one in listed]


def test_events_are_appended_to_the_files_of_a_storage_account(server, admin, account):
    logs = json.dumps([{"category": "Audit", "enabled": True}])
    made = admin(
        f"monitor diagnostic-settings create --name to-files --resource {account} --storage-account {account} --logs", logs
    )
    assert made["logs"][0]["category"] == "Audit" and made["storageAccountId"] == account
    admin(f"storage account update --ids {account} --tags team=logs")
    written = lambda: [
        line for line in lines(server, "storage/diagnosticslogs") if line["operationName"].endswith("storageAccounts/write")
    ]
    line = until(lambda: written() and written()[0])
    assert line["category"] == "Audit" and line["resultType"] == "Success"
    assert line["resourceId"].lower() == account.lower()
    (shown,) = admin(f"monitor diagnostic-settings list --resource {account}")
    assert shown["name"] == "to-files"
    admin(f"monitor diagnostic-settings delete --name to-files --resource {account}")
    assert admin(f"monitor diagnostic-settings list --resource {account}") == []


def test_a_collector_and_a_bucket_get_what_happens_in_a_group(server, admin, group, account, listener):
    collector = {"kind": "Otlp", "location": "eastus", "properties": {"endpoint": listener.endpoint, "headers": {"x-key": "k"}}}
    bucket = {
        "kind": "S3",
        "location": "eastus",
        "properties": {"endpoint": listener.endpoint, "bucket": "logs", "region": "eu-1", "accessKeyId": "a", "secretAccessKey": "b"},
    }
    logs = json.dumps([{"category": "Administrative", "enabled": True}])
    for name, body in {"collector": collector, "bucket": bucket}.items():
        partner = sink(server, admin, group, name, body)
        places = f"--storage-account {account} --marketplace-partner-id {partner}"  # az asks for one of its own as well
        admin(f"monitor diagnostic-settings create --name {name} --resource {group} {places} --logs", logs)
    admin("group update --name this-rg --tags seen=by-all")
    arrived = lambda command, part: [
        body for verb, path, _, body in listener.got if (verb, part in path) == (command, True) and b"resourceGroups/write" in body
    ]
    assert until(lambda: arrived("POST", "/v1/logs"))
    objects = until(lambda: arrived("PUT", "/logs/insights-logs-administrative/"))
    record = json.loads(objects[0].splitlines()[0])
    assert record["category"] == "Administrative" and record["identity"]["claim"]["oid"]
    for name in ("collector", "bucket"):
        admin(f"monitor diagnostic-settings delete --name {name} --resource {group}")


def test_a_subscription_sends_its_activity_log(server, admin, account):
    logs = json.dumps([{"category": "Administrative", "enabled": True}])
    line = f"monitor diagnostic-settings subscription create --name whole --location eastus --storage-account {account} --logs"
    admin(line, logs)
    admin("group create --name that-rg --location eastus")
    written = lambda: [one for one in lines(server, "storage/diagnosticslogs") if one["resourceId"].endswith("/that-rg")]
    assert until(written)[0]["category"] == "Administrative"
    admin("monitor diagnostic-settings subscription delete --name whole --yes")


def test_what_cannot_be_is_refused_in_words(admin, account):
    logs = json.dumps([{"category": "Nonsense", "enabled": True}])
    line = f"monitor diagnostic-settings create --name bad --resource {account} --storage-account {account} --logs"
    said = admin.run(line, logs)
    assert said.returncode != 0 and "Category 'Nonsense' is not supported" in said.stderr
