"""A developer on one project reaches a model through a connection he cannot read."""

import ml
import openai
import pytest
from azure.ai.ml import entities
from azure.ai.ml.entities import Hub, Project

CHAT = [{"role": "user", "content": "Say hello."}]


@pytest.fixture(scope="module")
def account(admin, group):
    made = admin(
        "cognitiveservices account create --name models --resource-group this-rg --kind AIServices --sku S0 "
        "--location eastus --custom-domain models --yes"
    )
    admin(
        "cognitiveservices account deployment create --name models --resource-group this-rg --deployment-name chat "
        "--model-name gpt-4o-mini --model-version 1 --model-format OpenAI --sku-name Standard --sku-capacity 1"
    )
    return made


@pytest.fixture(scope="module")
def project(admin, owner, account):
    client = ml.client(owner)
    hub = client.workspaces.begin_create(Hub(name="model-hub", location="eastus")).result()
    key = admin("cognitiveservices account keys list --name models --resource-group this-rg")["key1"]
    shared = entities.AzureOpenAIConnection(
        name="shared-models", azure_endpoint=account["properties"]["endpoint"], api_key=key,
        open_ai_resource_id=account["id"],
    )
    ml.client(owner, "model-hub").connections.create_or_update(shared)
    return client.workspaces.begin_create(Project(name="beta", hub_id=hub.id, location="eastus")).result()


def through_project(person, project):
    return openai.OpenAI(
        base_url=f"{person.server.origin}/api/projects/{project.name}/openai/v1",
        api_key=lambda: person.token("https://ai.azure.com"),
        max_retries=0,
    )


def test_a_developer_on_the_project_alone_chats(account, project, somebody):
    developer = somebody("beta-developer", "Azure AI Developer", project.id)
    client = through_project(developer, project)
    answer = client.chat.completions.create(model="chat", messages=CHAT)
    assert answer.choices[0].message.content
    named = client.chat.completions.create(model="shared-models/chat", messages=CHAT)
    assert named.choices[0].message.content == answer.choices[0].message.content

    direct = openai.AzureOpenAI(
        azure_endpoint=account["properties"]["endpoint"], api_version="2024-10-21", max_retries=0,
        azure_ad_token_provider=lambda: developer.token("https://cognitiveservices.azure.com"),
    )
    with pytest.raises(openai.APIStatusError) as refused:
        direct.chat.completions.create(model="chat", messages=CHAT)
    assert refused.value.status_code in (401, 403)


def test_who_is_not_a_member_does_not(project, somebody):
    reader = somebody("beta-reader", "Reader", project.id)
    for person in (reader, somebody("beta-stranger")):
        with pytest.raises(openai.APIStatusError) as refused:
            through_project(person, project).chat.completions.create(model="chat", messages=CHAT)
        assert refused.value.status_code in (401, 403)
