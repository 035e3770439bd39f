"""People of the directory, made with az, each with clients signed in as them."""

import dataclasses
import functools
import itertools
import pathlib

import az as az_client

PASSWORD = "every-good-boy-deserves-fudge-3"


@dataclasses.dataclass
class Person:
    """Somebody in the directory."""

    name: str
    object_id: str
    server: object
    folder: pathlib.Path

    @functools.cached_property
    def az(self):
        """Their az, signed in."""
        az = az_client.profile(self.server, self.folder)
        az(
            f"login --username {self.name} --tenant {self.server.tenant} --allow-no-subscriptions --password",
            PASSWORD,
        )
        return az

    @functools.cached_property
    def credential(self):
        """Their azure-identity credential."""
        from azure.identity import UsernamePasswordCredential

        return UsernamePasswordCredential(
            client_id="04b07795-8ddb-461a-bbee-02f9e1bf7b46",
            username=self.name,
            password=PASSWORD,
            tenant_id="adfs",
            authority=self.server.origin,
        )

    def token(self, resource):
        return self.credential.get_token(f"{resource}/.default").token


class Maker:
    """Makes people, and gives them roles."""

    def __init__(self, server, admin, folders):
        self.server = server
        self.admin = admin
        self.folders = folders
        self.numbers = itertools.count(1)

    def __call__(self, name="person", role=None, scope=None):
        """A new person; `joe` becomes `joe1@contoso.com`, unless the name has a domain already."""
        upn = name if "@" in name else f"{name}{next(self.numbers)}@contoso.com"
        made = self.admin(
            f"ad user create --display-name {name} --user-principal-name {upn} --password", PASSWORD
        )
        person = Person(upn, made["id"], self.server, self.folders.mktemp(name.partition("@")[0]))
        if role:
            self.give(person, role, scope)
        return person

    def give(self, person, role, scope):
        return self.admin(f"role assignment create --assignee {person.name} --scope {scope} --role", role)
