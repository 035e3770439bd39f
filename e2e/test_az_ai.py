"""Accounts, keys and deployments through az, and models through the openai client."""

import threading

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


def test_a_key_is_renewed_while_the_other_one_serves(account, admin):
    line = "cognitiveservices account keys {} --name ai1 --resource-group this-rg"
    old = admin(line.format("list"))
    serving, failures, done = azure(account, api_key=old["key2"]), [], threading.Event()

    def serve():
        while not done.is_set():
            try:
                serving.chat.completions.create(model="chat", messages=CHAT)
            except openai.APIError as error:
                failures.append(error)

    server = threading.Thread(target=serve)
    server.start()
    try:
        new = admin(line.format("regenerate"), "--key-name", "Key1")
    finally:
        done.set()
        server.join()
    assert failures == []
    assert new["key2"] == old["key2"]
    with pytest.raises(openai.AuthenticationError):
        azure(account, api_key=old["key1"]).chat.completions.create(model="chat", messages=CHAT)


def test_keys_can_be_switched_off(account, admin, keys, somebody):
    keys = admin("cognitiveservices account keys list --name ai1 --resource-group this-rg")
    person = somebody("token-user", "Cognitive Services OpenAI User", account["id"])
    by_key = azure(account, api_key=keys["key1"])
    by_token = azure(account, azure_ad_token_provider=lambda: person.token(COGNITIVE))
    switch = "resource update --ids {} --api-version 2024-10-01 --set properties.disableLocalAuth={}"
    admin(switch.format(account["id"], "true"))
    with pytest.raises(openai.PermissionDeniedError, match="Key based authentication is disabled"):
        by_key.chat.completions.create(model="chat", messages=CHAT)
    assert by_token.chat.completions.create(model="chat", messages=CHAT).choices
    admin(switch.format(account["id"], "false"))
    assert by_key.chat.completions.create(model="chat", messages=CHAT).choices


@pytest.mark.parametrize("zone", ["openai", "cognitiveservices", "services.ai"])
def test_an_account_answers_at_its_own_host(server, account, admin, zone):
    key = admin("cognitiveservices account keys list --name ai1 --resource-group this-rg")["key2"]
    host = f"ai1.{zone}.{server.origin.removeprefix('https://')}"
    client = openai.AzureOpenAI(
        azure_endpoint=server.origin,
        api_version=VERSION,
        api_key=key,
        max_retries=0,
        default_headers={"Host": host},  # as its name would bring it here, where names of the zone resolve
    )
    assert client.chat.completions.create(model="chat", messages=CHAT).choices


def test_the_commands_for_accounts(admin, account):
    of = "--name ai1 --resource-group this-rg"
    assert "OpenAI" in admin("cognitiveservices account list-kinds")
    assert "ai1" in [one["name"] for one in admin("cognitiveservices account list")]
    assert admin(f"cognitiveservices account list-skus {of}")["value"][0]["sku"]["name"] == "S0"
    assert {one["name"] for one in admin(f"cognitiveservices account list-models {of}")} >= {"gpt-4o-mini"}
    assert admin("cognitiveservices model list --location eastus")
    assert admin("cognitiveservices usage list --location eastus")
    deployments = admin(f"cognitiveservices account deployment list {of}")
    assert {one["name"] for one in deployments} == {"chat", "embed"}
    shown = admin(f"cognitiveservices account deployment show {of} --deployment-name chat")
    assert shown["properties"]["provisioningState"] == "Succeeded"
    updated = admin(f"cognitiveservices account update {of} --tags team=ai")
    assert updated["tags"] == {"team": "ai"}
    assert admin(f"cognitiveservices account identity assign {of}")["principalId"]
