"""One nave, started as a person would start it: its own data directory, its own port, TLS with its own authority."""

import dataclasses
import os
import pathlib
import re
import shlex
import socket
import ssl
import subprocess
import time
import urllib.request

ADMIN_PASSWORD = "correct-horse-battery-staple-7"
START_LIMIT_SECONDS = 60


@dataclasses.dataclass
class Server:
    """A running nave and what a client needs to reach it."""

    binary: pathlib.Path
    data: pathlib.Path
    origin: str
    process: subprocess.Popen
    log: pathlib.Path
    exports: dict
    admin: str = ""
    tenant: str = ""
    subscription: str = ""

    def environment(self):
        """The process's environment as `nave env` wants a client's to be, free of other clouds' settings."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AZURE_", "ARM_", "OPENAI_"))}
        return {**inherited, **self.exports}

    def stop(self):
        """Ctrl-C, which must end it cleanly."""
        self.process.send_signal(subprocess.signal.SIGINT)
        return self.process.wait(timeout=20)


def start(data, *arguments):
    """Starts nave on a data directory and waits until it answers."""
    binary = pathlib.Path(os.environ["NAVE_BINARY"])
    port = free_port()
    origin = f"https://localhost:{port}"
    data.mkdir(parents=True, exist_ok=True)
    log = data.parent / f"{data.name}.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [binary, "up", "--data", data, "--listen", f"127.0.0.1:{port}", "--origin", origin, *arguments],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "NAVE_ADMIN_PASSWORD": ADMIN_PASSWORD},
        )
    server = Server(binary, data, origin, process, log, exports={})
    wait_until_up(server)
    server.exports = exports(binary, data)
    settings = metadata(server)
    server.tenant = settings["tenant"]
    server.subscription = settings["subscription"]
    server.admin = settings["admin"]
    return server


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_up(server):
    deadline = time.monotonic() + START_LIMIT_SECONDS
    context = ssl._create_unverified_context()  # only to see that it listens; every client verifies
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise RuntimeError(f"nave ended with {server.process.returncode}:\n{server.log.read_text()}")
        try:
            urllib.request.urlopen(f"{server.origin}/metadata/endpoints?api-version=2022-09-01", context=context)
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nave did not answer within {START_LIMIT_SECONDS} s:\n{server.log.read_text()}")


def exports(binary, data):
    """What `nave env` prints, read as a shell reads it."""
    printed = subprocess.run([binary, "env", "--data", data], check=True, capture_output=True, text=True).stdout
    words = [shlex.split(line, comments=True) for line in printed.splitlines()]
    pairs = (pair for line in words if line[:1] == ["export"] for pair in line[1:])
    return dict(pair.split("=", 1) for pair in pairs)


def metadata(server):
    """The tenant, the subscription and the administrator, as `nave up` printed them."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", server.log.read_text())

    def find(pattern):
        found = re.search(pattern, text)
        assert found, f"`nave up` did not print {pattern!r}:\n{text}"
        return found.group(1)

    guid = r"([0-9a-f]{8}-[0-9a-f-]{27})"
    return {
        "tenant": find(rf"(?i)tenant\W+{guid}"),
        "subscription": find(rf"(?i)subscription\W+{guid}"),
        "admin": find(r"(\S+@\S+)"),
    }
