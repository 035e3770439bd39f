"""Applications sign in: by secret, certificate, another provider's token, and as managed identities. Each credential class
is used for a call to Azure Resource Manager."""

import datetime
import json
import os
import pathlib
import subprocess
import time
import uuid

import az as az_client
import issuer as issuers
import jwt
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from azure.mgmt.resource.resources import ResourceManagementClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

SUBJECT = "repo:contoso/app:ref:refs/heads/main"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def issuer():
    with issuers.running() as running:
        yield running


@pytest.fixture
def application(admin, group):
    """Makes applications that may read the resource group: `application("ci")`."""

    def make(name, *more):
        name = f"{name}-{uuid.uuid4().hex[:8]}"
        return admin(f"ad sp create-for-rbac --name {name} --role Reader --scopes {group}", *more)

    return make


@pytest.fixture
def trusting(admin, application, issuer):
    """An application that accepts the issuer's tokens about one pipeline."""
    app = application("pipeline", "--create-password", "false")
    credential = {"name": "main", "issuer": issuer.address, "subject": SUBJECT, "audiences": [issuers.AUDIENCE]}
    admin(f"ad app federated-credential create --id {app['appId']} --parameters", json.dumps(credential))
    return app


def certificate(folder, days=30):
    """A key and its certificate in one PEM file, and the certificate alone."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "robot")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "public.pem").write_bytes(public)
    (folder / "both.pem").write_bytes(private + public)
    return key, made, folder / "both.pem", folder / "public.pem"


def groups(server, credential):
    client = ResourceManagementClient(
        credential, server.subscription, base_url=server.origin, credential_scopes=[f"{server.origin}/.default"]
    )
    return [one.name for one in client.resource_groups.list()]


def at(server):
    """Where azure-identity finds the server."""
    return {"authority": server.origin, "disable_instance_discovery": True}


def ask_token(server, app, assertion, source=None, **fields):
    """What the token endpoint answers, from an address of this machine."""
    session = requests.Session()
    session.verify = server.exports["REQUESTS_CA_BUNDLE"]
    if source:
        session.mount("https://", From(source))
    form = {
        "grant_type": "client_credentials",
        "client_id": app["appId"],
        "client_assertion_type": JWT_BEARER,
        "client_assertion": assertion,
        "scope": f"{server.origin}/.default",
        **fields,
    }
    port = server.origin.rsplit(":", 1)[1]
    return session.post(f"https://localhost:{port}/{server.tenant}/oauth2/v2.0/token", data=form)


class From(requests.adapters.HTTPAdapter):
    """Connects from one address."""

    def __init__(self, address):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *arguments, **named):
        super().init_poolmanager(*arguments, source_address=(self.address, 0), **named)


def number(answer):
    assert answer.status_code == 401, answer.text
    return answer.json()["error_codes"][0]


def az_of(server, tmp_path, app, *how):
    az = az_client.profile(server, tmp_path / uuid.uuid4().hex)
    az(f"login --service-principal --username {app['appId']} --tenant {server.tenant}", *how)
    return az


def test_a_secret(server, application, tmp_path):
    app = application("secret")
    az = az_of(server, tmp_path, app, "--password", app["password"])
    assert [one["name"] for one in az("group list")] == ["this-rg"]
    credential = ClientSecretCredential(server.tenant, app["appId"], app["password"], **at(server))
    assert groups(server, credential) == ["this-rg"]
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        ClientSecretCredential(server.tenant, app["appId"], "wrong", **at(server)).get_token(f"{server.origin}/.default")


def test_secrets_are_listed_reset_and_deleted(server, admin, application, tmp_path):
    app = application("reset")
    for kind in ("app", "sp"):
        again = admin(f"ad {kind} credential reset --id {app['appId']} --append")
        az_of(server, tmp_path, app, "--password", again["password"])
        listed = admin(f"ad {kind} credential list --id {app['appId']}")
        assert again["password"] not in str(listed)
        assert again["password"].startswith(listed[-1]["hint"])
        admin(f"ad {kind} credential delete --id {app['appId']} --key-id {listed[-1]['keyId']}")
        with pytest.raises(az_client.Refused, match="AADSTS7000215"):
            az_of(server, tmp_path, app, "--password", again["password"])
    az_of(server, tmp_path, app, "--password", app["password"])


def test_a_certificate_that_az_makes(server, application, tmp_path):
    app = application("made", "--create-cert")
    pem = pathlib.Path(app["fileWithCertAndPrivateKey"])
    try:
        az = az_of(server, tmp_path, app, "--certificate", pem)
        assert [one["name"] for one in az("group list")] == ["this-rg"]
        # another resource, in the same process: MSAL shows the same assertion again
        assert az(f"ad sp show --id {app['appId']}")["appId"] == app["appId"]
        credential = CertificateCredential(server.tenant, app["appId"], certificate_path=pem, **at(server))
        assert groups(server, credential) == ["this-rg"]
        credential.get_token("https://vault.azure.net/.default")
    finally:
        pem.unlink()


def test_certificates_are_added_listed_and_deleted(server, admin, application, tmp_path):
    app = application("cert")
    key, made, both, public = certificate(tmp_path)
    for kind in ("app", "sp"):
        with pytest.raises(az_client.Refused, match="AADSTS700027"):
            az_of(server, tmp_path, app, "--certificate", both)
        admin(f"ad {kind} credential reset --id {app['appId']} --append --cert @{public}")
        assert az_of(server, tmp_path, app, "--certificate", both)("group list")[0]["name"] == "this-rg"
        listed = admin(f"ad {kind} credential list --id {app['appId']} --cert")
        assert listed[0]["customKeyIdentifier"] == made.fingerprint(hashes.SHA1()).hex().upper()
        admin(f"ad {kind} credential delete --id {app['appId']} --cert --key-id {listed[0]['keyId']}")
        assert admin(f"ad {kind} credential list --id {app['appId']} --cert") == []


def test_assertions_that_are_over_for_another_or_replayed_are_refused(server, admin, application, tmp_path):
    app = application("wrong")
    key, made, both, public = certificate(tmp_path)
    admin(f"ad app credential reset --id {app['appId']} --append --cert @{public}")

    def assertion(**claims):
        now = int(time.time())
        usual = {
            "aud": f"{server.origin}/{server.tenant}/oauth2/v2.0/token",
            "iss": app["appId"],
            "sub": app["appId"],
            "jti": str(uuid.uuid4()),
            "nbf": now,
            "exp": now + 300,
        }
        headers = {"x5t": thumbprint}
        return jwt.encode({**usual, **claims}, key, algorithm="RS256", headers=headers)

    thumbprint = jwt.utils.base64url_encode(made.fingerprint(hashes.SHA1())).decode()
    now = int(time.time())
    assert number(ask_token(server, app, assertion(exp=now - 600, nbf=now - 900))) == 700024
    assert number(ask_token(server, app, assertion(nbf=now + 900, exp=now + 1200))) == 700024
    assert number(ask_token(server, app, assertion(aud="https://elsewhere.test"))) == 700023
    assert number(ask_token(server, app, assertion(sub="somebody"))) == 700021
    good = assertion()
    assert ask_token(server, app, good).status_code == 200
    assert ask_token(server, app, good).status_code == 200, "for another resource, as MSAL does"
    assert number(ask_token(server, app, good, source="127.0.0.2")) == 50013
    assert ask_token(server, app, assertion(), source="127.0.0.2").status_code == 200


def test_a_pipeline_signs_in_with_its_own_token(server, issuer, trusting, tmp_path):
    az = az_of(server, tmp_path, trusting, "--federated-token", issuer.token(SUBJECT))
    assert [one["name"] for one in az("group list")] == ["this-rg"]
    assert az(f"ad sp show --id {trusting['appId']}")["appId"] == trusting["appId"]
    credential = ClientAssertionCredential(
        server.tenant, trusting["appId"], lambda: issuer.token(SUBJECT), **at(server)
    )
    assert groups(server, credential) == ["this-rg"]


def test_a_pod_signs_in_with_the_token_in_its_file(server, issuer, trusting, tmp_path, monkeypatch):
    token = tmp_path / "token"
    token.write_text(issuer.token(SUBJECT))
    credential = WorkloadIdentityCredential(
        tenant_id=server.tenant, client_id=trusting["appId"], token_file_path=str(token), **at(server)
    )
    assert groups(server, credential) == ["this-rg"]
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(token))
    monkeypatch.setenv("AZURE_TENANT_ID", server.tenant)
    monkeypatch.setenv("AZURE_CLIENT_ID", trusting["appId"])
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", server.origin)
    assert groups(server, DefaultAzureCredential()) == ["this-rg"]


def test_foreign_tokens_that_do_not_fit_are_refused(server, issuer, trusting):
    now = int(time.time())
    ask = lambda token: number(ask_token(server, trusting, token))
    assert ask(issuer.token("repo:contoso/app:pull_request")) == 700213
    assert ask(issuer.token(SUBJECT, aud="api://elsewhere")) == 700212
    assert ask(issuer.token(SUBJECT, iss="https://elsewhere.test")) == 700211
    assert ask(issuer.token(SUBJECT, exp=now - 600)) == 700024
    with issuers.running() as stranger:
        assert ask(stranger.token(SUBJECT, iss=issuer.address)) == 50013


def test_an_issuer_may_change_its_key(server, issuer, trusting):
    assert ask_token(server, trusting, issuer.token(SUBJECT)).status_code == 200
    issuer.rotate("second")
    token = issuer.token(SUBJECT)
    deadline = time.monotonic() + 30
    while ask_token(server, trusting, token).status_code != 200:
        assert time.monotonic() < deadline, "the new key was not fetched"
        time.sleep(0.5)


def test_federated_credentials_of_an_application(admin, trusting):
    line = f"ad app federated-credential {{}} --id {trusting['appId']}"
    [listed] = admin(line.format("list"))
    assert listed["name"] == "main"
    changed = {"subject": "repo:contoso/app:environment:prod", "description": "for prod"}
    admin(line.format("update") + " --federated-credential-id main --parameters", json.dumps({**listed, **changed}))
    shown = admin(line.format("show") + f" --federated-credential-id {listed['id']}")
    assert {**listed, **changed}.items() <= shown.items()
    admin(line.format("delete") + " --federated-credential-id main")
    assert admin(line.format("list")) == []


@pytest.fixture
def identity(admin, group):
    """A user assigned identity that may read the resource group."""
    name = f"identity-{uuid.uuid4().hex[:8]}"
    made = admin(f"identity create --resource-group this-rg --name {name}")
    admin(
        f"role assignment create --role Reader --scope {group} --assignee-object-id {made['principalId']}"
        " --assignee-principal-type ServicePrincipal"
    )
    yield made
    admin(f"identity delete --resource-group this-rg --name {name}")


def environment(az, url):
    """A session of an identity: what azure-identity reads."""
    return az(f"rest --method post --url {url}?api-version=2024-11-30 --body {{}}")["environment"]


def use(monkeypatch, variables, *names):
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET", "AZURE_POD_IDENTITY_AUTHORITY_HOST"):
        monkeypatch.delenv(name, raising=False)
    for name in names:
        monkeypatch.setenv(name, variables[name])


SHAPES = {
    "app service": ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"),
    "virtual machine": ("AZURE_POD_IDENTITY_AUTHORITY_HOST",),
    "machine learning": ("MSI_ENDPOINT", "MSI_SECRET"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_managed_identity_credentials(server, admin, identity, monkeypatch, shape):
    session = environment(admin, f"{server.origin}{identity['id']}/openSession")
    use(monkeypatch, session, *SHAPES[shape])
    assert groups(server, ManagedIdentityCredential()) == ["this-rg"]
    assert groups(server, ManagedIdentityCredential(client_id=identity["clientId"])) == ["this-rg"]
    if shape != "machine learning":
        by_id = ManagedIdentityCredential(identity_config={"resource_id": identity["id"]})
        assert groups(server, by_id) == ["this-rg"]
    assert groups(server, DefaultAzureCredential()) == ["this-rg"]
    other = ManagedIdentityCredential(client_id=str(uuid.uuid4()))
    with pytest.raises(ClientAuthenticationError):
        other.get_token(f"{server.origin}/.default")


def test_az_signs_in_as_a_managed_identity(server, admin, identity, tmp_path):
    session = environment(admin, f"{server.origin}{identity['id']}/openSession")
    az = az_client.profile(server, tmp_path / "identity")
    az.environment.update({name: session[name] for name in SHAPES["app service"]})
    az("login --identity")
    assert [one["name"] for one in az("group list")] == ["this-rg"]


def test_a_resource_s_own_identity(server, admin, group, monkeypatch):
    name = f"own{uuid.uuid4().hex[:8]}"
    account = admin(
        f"cognitiveservices account create --name {name} --resource-group this-rg --kind AIServices --sku S0"
        " --location eastus --assign-identity --yes"
    )
    own = f"{server.origin}{account['id']}/providers/Microsoft.ManagedIdentity/identities/default"
    shown = admin(f"rest --method get --url {own}?api-version=2024-11-30")
    assert shown["properties"]["principalId"] == account["identity"]["principalId"]
    admin(
        f"role assignment create --role Reader --scope {group} --assignee-object-id {account['identity']['principalId']}"
        " --assignee-principal-type ServicePrincipal"
    )
    use(monkeypatch, environment(admin, f"{own}/openSession"), *SHAPES["app service"])
    assert groups(server, ManagedIdentityCredential()) == ["this-rg"]
    admin(f"cognitiveservices account delete --name {name} --resource-group this-rg")
    with pytest.raises(ClientAuthenticationError):
        ManagedIdentityCredential().get_token(f"{server.origin}/.default")


def test_who_may_not_change_the_resource_opens_no_session(server, identity, group, somebody):
    reader = somebody("reader", "Reader", group)
    with pytest.raises(az_client.Refused, match="AuthorizationFailed"):
        environment(reader.az, f"{server.origin}{identity['id']}/openSession")


def test_identities_are_given_and_taken_away(server, admin, identity):
    name = f"given{uuid.uuid4().hex[:8]}"
    account = admin(
        f"cognitiveservices account create --name {name} --resource-group this-rg --kind AIServices --sku S0"
        " --location eastus --yes"
    )
    body = {"identity": {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {identity["id"]: {}}}}
    url = f"{server.origin}{account['id']}?api-version=2023-05-01"
    given = admin(f"rest --method patch --url {url} --body", json.dumps(body))["identity"]
    assert given["principalId"] and given["tenantId"] == server.tenant
    assert list(given["userAssignedIdentities"].values()) == [
        {"principalId": identity["principalId"], "clientId": identity["clientId"]}
    ]
    listed = admin(f"identity list-resources --resource-group this-rg --name {identity['name']}")
    assert [one["name"] for one in listed] == [name]
    assert admin(f"identity show --ids {identity['id']}")["clientId"] == identity["clientId"]
    assert identity["name"] in [one["name"] for one in admin("identity list --resource-group this-rg")]
    admin(f"cognitiveservices account delete --name {name} --resource-group this-rg")


def test_a_pod_becomes_a_managed_identity(server, admin, identity, issuer):
    line = f"identity federated-credential {{}} --identity-name {identity['name']} --resource-group this-rg"
    made = admin(
        line.format("create")
        + f" --name pod --issuer {issuer.address} --subject system:serviceaccount:ns:pod --audiences {issuers.AUDIENCE}"
    )
    assert made["subject"] == "system:serviceaccount:ns:pod"
    credential = ClientAssertionCredential(
        server.tenant, identity["clientId"], lambda: issuer.token("system:serviceaccount:ns:pod"), **at(server)
    )
    assert groups(server, credential) == ["this-rg"]
    admin(
        line.format("update")
        + f" --name pod --issuer {issuer.address} --subject system:serviceaccount:ns:other --audiences {issuers.AUDIENCE}"
    )
    token = issuer.token("system:serviceaccount:ns:pod")
    assert number(ask_token(server, {"appId": identity["clientId"]}, token)) == 700213
    assert [one["name"] for one in admin(line.format("list"))] == ["pod"]
    assert admin(line.format("show") + " --name pod")["subject"] == "system:serviceaccount:ns:other"
    admin(line.format("delete") + " --name pod --yes")
    assert admin(line.format("list")) == []


def test_signing_keys_rotate_beside_a_running_server(server, application):
    app = application("rotation")
    credential = lambda: ClientSecretCredential(server.tenant, app["appId"], app["password"], **at(server))
    before = credential()
    old = before.get_token(f"{server.origin}/.default").token
    keys = lambda *words: subprocess.run(
        [server.binary, "keys", *words, "--data", server.data], check=True, capture_output=True, text=True
    ).stdout
    published = lambda: [
        key["kid"]
        for key in requests.get(
            f"{server.origin}/{server.tenant}/discovery/v2.0/keys", verify=server.exports["REQUESTS_CA_BUNDLE"]
        ).json()["keys"]
    ]
    keys("rotate", "--at-once")
    deadline = time.monotonic() + 10
    while len(published()) == 1:
        assert time.monotonic() < deadline, "the server did not notice"
        time.sleep(0.1)
    new = credential().get_token(f"{server.origin}/.default").token
    signer = lambda token: jwt.get_unverified_header(token)["kid"]
    assert [signer(new), signer(old)] == published()
    get = lambda token: requests.get(
        f"{server.origin}/subscriptions?api-version=2022-12-01",
        headers={"Authorization": f"Bearer {token}"},
        verify=os.environ["REQUESTS_CA_BUNDLE"],
    ).status_code
    assert (get(old), get(new)) == (200, 200)
    assert "verifies until" in keys("list")
