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
    password: str = ""
    tenant: str = ""
    subscription: str = ""

    def environment(self):
        """The process's environment as `nave env` wants a client's to be, free of other clouds' settings."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AZURE_", "ARM_", "OPENAI_"))}
        return {**inherited, **self.exports}

    def kill(self):
        """kill -9, as a power cut ends it."""
        self.process.kill()
        self.process.wait(timeout=20)

    def again(self, *arguments):
        """The next server on the same data and at the same address."""
        return start(self.data, *arguments, port=int(self.origin.rsplit(":", 1)[1]))

    def stop(self):
        """Ctrl-C, which must end it cleanly."""
        self.process.send_signal(subprocess.signal.SIGINT)
        return self.process.wait(timeout=20)


def start(data, *arguments, port=None):
    """Starts nave on a data directory and waits until it answers."""
    binary = pathlib.Path(os.environ["NAVE_BINARY"])
    port = port or free_port()
    origin = f"https://localhost:{port}"
    data.mkdir(parents=True, exist_ok=True)
    log = data.parent / f"{data.name}.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [binary, "up", "--data", data, "--listen", f"127.0.0.1:{port}", "--origin", origin, *arguments],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    server = Server(binary, data, origin, process, log, exports={})
    wait_until_up(server)
    server.exports = exports(binary, data)
    read_what_was_printed(server)
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


def read_what_was_printed(server):
    """The tenant, the subscription and the administrator, from what `nave up` says to the person who started it."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", server.log.read_text())
    printed = dict(re.findall(r"^ *(tenant|subscription|administrator|password) +(\S+)", text, re.MULTILINE))
    server.tenant = printed["tenant"]
    server.subscription = printed["subscription"]
    server.admin = printed["administrator"]
    server.password = printed["password"]
