"""Accounts, keys and deployments through az, and models through the openai client."""

import az as az_client
import openai
import pytest

CHAT = [{"role": "user", "content": "Say hello."}]
VERSION = "2024-10-21"
COGNITIVE = "https://cognitiveservices.azure.com"


@pytest.fixture(scope="module")
def account(admin, group):
    made = admin(
        "cognitiveservices account create --name ai1 --resource-group this-rg --kind OpenAI --sku S0 "
        "--location eastus --custom-domain ai1 --yes"
    )
    for name, model in [("chat", "gpt-4o-mini"), ("embed", "text-embedding-3-small")]:
        admin(
            f"cognitiveservices account deployment create --name ai1 --resource-group this-rg --deployment-name {name} "
            f"--model-name {model} --model-version 1 --model-format OpenAI --sku-name Standard --sku-capacity 1"
        )
    return made


@pytest.fixture(scope="module")
def keys(admin, account):
    return admin("cognitiveservices account keys list --name ai1 --resource-group this-rg")


def azure(account, **credential):
    return openai.AzureOpenAI(
        azure_endpoint=account["properties"]["endpoint"], api_version=VERSION, max_retries=0, **credential
    )


def test_chat_by_key_in_both_forms(account, keys):
    answer = azure(account, api_key=keys["key1"]).chat.completions.create(model="chat", messages=CHAT)
    assert answer.choices[0].message.content
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    base = account["properties"]["endpoint"].rstrip("/") + "/openai/v1"
    plain = openai.OpenAI(base_url=base, api_key=keys["key2"], max_retries=0)
    same = plain.chat.completions.create(model="chat", messages=CHAT)
    assert same.choices[0].message.content == answer.choices[0].message.content
    assert "chat" in [model.id for model in plain.models.list()]


def test_chat_as_it_comes(account, keys):
    client = azure(account, api_key=keys["key1"])
    whole = client.chat.completions.create(model="chat", messages=CHAT)
    stream = client.chat.completions.create(
        model="chat", messages=CHAT, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert len(chunks) > 2
    assert chunks[-1].usage == whole.usage


def test_embeddings(account, keys):
    answer = azure(account, api_key=keys["key1"]).embeddings.create(model="embed", input=["one", "two", "one"])
    first, second, third = (one.embedding for one in answer.data)
    assert first == third != second
    as_numbers = azure(account, api_key=keys["key1"]).embeddings.create(
        model="embed", input="one", encoding_format="float"
    )
    assert as_numbers.data[0].embedding == pytest.approx(first, abs=1e-6)


def test_a_token_needs_the_data_action(server, account, somebody):
    person = somebody("dana")
    client = azure(account, azure_ad_token_provider=lambda: person.token(COGNITIVE))
    with pytest.raises(openai.APIStatusError) as refused:
        client.chat.completions.create(model="chat", messages=CHAT)
    assert (refused.value.status_code, refused.value.code) == (401, "PermissionDenied")
    somebody.give(person, "Owner", account["id"])
    with pytest.raises(openai.APIStatusError):
        client.chat.completions.create(model="chat", messages=CHAT)
    somebody.give(person, "Cognitive Services OpenAI User", account["id"])
    assert client.chat.completions.create(model="chat", messages=CHAT).choices


def test_a_regenerated_key_is_dead_at_once(admin, account):
    before = admin("cognitiveservices account keys list --name ai1 --resource-group this-rg")
    after = admin("cognitiveservices account keys regenerate --name ai1 --resource-group this-rg --key-name Key1")
    assert after["key1"] != before["key1"]
    assert after["key2"] == before["key2"]
    with pytest.raises(openai.AuthenticationError):
        azure(account, api_key=before["key1"]).chat.completions.create(model="chat", messages=CHAT)
    assert azure(account, api_key=after["key1"]).chat.completions.create(model="chat", messages=CHAT).choices


def test_a_missing_deployment_is_named(account, admin):
    key = admin("cognitiveservices account keys list --name ai1 --resource-group this-rg")["key2"]
    with pytest.raises(openai.NotFoundError, match="'chat', 'embed'") as missing:
        azure(account, api_key=key).chat.completions.create(model="nothing", messages=CHAT)
    assert missing.value.code == "DeploymentNotFound"


def test_a_reader_sees_the_account_and_never_its_keys(account, group, somebody):
    reader = somebody("reading", "Reader", group)
    shown = reader.az("cognitiveservices account show --name ai1 --resource-group this-rg")
    assert shown["id"] == account["id"]
    with pytest.raises(az_client.Refused, match="listKeys"):
        reader.az("cognitiveservices account keys list --name ai1 --resource-group this-rg")
