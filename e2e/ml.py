"""azure-ai-ml, signed in as a person."""

from azure.ai.ml import MLClient


def client(person, workspace=None):
    """An MLClient on `this-rg`, optionally of one workspace. It finds the server by ARM_CLOUD_METADATA_URL."""
    return MLClient(
        person.credential,
        subscription_id=person.server.subscription,
        resource_group_name="this-rg",
        workspace_name=workspace,
    )
