"""The plain ARM clients of the SDK, signed in as a person."""

from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient
from azure.mgmt.resource.resources import ResourceManagementClient


def resources(person):
    """Any resource, with any body."""
    return made(ResourceManagementClient, person)


def workspaces(person):
    """The workspaces, as their generated client knows them."""
    return made(MachineLearningServicesMgmtClient, person).workspaces


def made(client, person):
    server = person.server
    return client(
        person.credential, server.subscription, base_url=server.origin, credential_scopes=[f"{server.origin}/.default"]
    )


def put(person, resource_id, body, api_version="2024-10-01"):
    """Creates or replaces a resource; gives what it reads back as."""
    client = resources(person).resources
    client.begin_create_or_update_by_id(resource_id, body, api_version=api_version).result()
    return client.get_by_id(resource_id, api_version=api_version).as_dict()
