"""The real `az`, one profile (one signed-in person) at a time."""

import dataclasses
import json
import os
import pathlib
import subprocess

LIMIT_SECONDS = 120


class Refused(Exception):
    """az ended with an error; the text is what it printed to the person."""


@dataclasses.dataclass
class Az:
    """An `az` with a configuration folder of its own."""

    binary: pathlib.Path
    folder: pathlib.Path
    environment: dict

    def __call__(self, line, *more):
        """Runs a command line (split at blanks; what has blanks inside goes in `more`) and gives its JSON."""
        done = self.run(line, *more)
        if done.returncode != 0:
            raise Refused(done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def run(self, line, *more):
        return subprocess.run(
            [self.binary, *line.split(), *map(str, more), "--output", "json"],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )

    def start(self, line, *more):
        """Starts a command that waits for something, such as a sign-in on another device."""
        return subprocess.Popen(
            [self.binary, *line.split(), *map(str, more), "--output", "json"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def profile(server, folder, version="az"):
    """An az that knows the server by `az cloud register`, with nobody signed in."""
    az = bare(server, folder, version)
    az.environment.pop("ARM_CLOUD_METADATA_URL", None)
    az(f"cloud register --name nave --endpoint-resource-manager {server.origin}")
    az("cloud set --name nave")
    return az


def by_metadata(server, folder, version):
    """An az that knows the server by its metadata address alone: the way of versions before 2.60 or so."""
    az = bare(server, folder, version)
    az.environment["ARM_CLOUD_METADATA_URL"] = f"{server.origin}/metadata/endpoints?api-version=2019-05-01"
    return az


def bare(server, folder, version):
    binary = pathlib.Path(os.environ["NAVE_CLIENTS"]) / version / "bin" / "az"
    folder.mkdir(parents=True, exist_ok=True)
    environment = {
        **server.environment(),
        "AZURE_CONFIG_DIR": str(folder),
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "AZURE_CORE_NO_COLOR": "true",
        "AZURE_CORE_ONLY_SHOW_ERRORS": "true",
        "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
        "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
    }
    return Az(binary, folder, environment)
