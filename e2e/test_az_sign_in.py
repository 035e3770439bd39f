"""az finds nave, registers it as a cloud, and signs people and applications in."""

import re

import az as az_client
import people
import pytest


def test_one_flag_registers_the_cloud(server, admin):
    cloud = admin("cloud show --name nave")
    assert cloud["endpoints"]["resourceManager"].rstrip("/") == server.origin
    assert cloud["endpoints"]["activeDirectory"].startswith(f"{server.origin}/adfs")
    assert cloud["suffixes"]["storageEndpoint"].startswith("core.")


def test_the_administrator_sees_the_subscription(server, admin):
    accounts = admin("account list")
    assert [account["id"] for account in accounts] == [server.subscription]
    assert accounts[0]["tenantId"] == server.tenant
    assert accounts[0]["user"] == {"name": server.admin, "type": "user"}
    assert "eastus" in [location["name"] for location in admin("account list-locations")]


def test_a_wrong_password_is_told_at_once_and_not_remembered(server, tmp_path):
    az = az_client.profile(server, tmp_path / "wrong")
    for _ in range(2):
        with pytest.raises(az_client.Refused, match="AADSTS50126"):
            az(f"login --username {server.admin} --tenant {server.tenant} --password wrong-password-here")
    az(f"login --username {server.admin} --tenant {server.tenant} --password", server.password)


def test_an_application_signs_in_and_has_what_it_was_given_and_no_more(server, admin, group, tmp_path):
    made = admin(f"ad sp create-for-rbac --name ci --role Reader --scopes {group}")
    az = az_client.profile(server, tmp_path / "sp")
    az(f"login --service-principal --username {made['appId']} --tenant {made['tenant']} --password", made["password"])
    assert [one["name"] for one in az("group list")] == ["this-rg"]
    with pytest.raises(az_client.Refused, match="AuthorizationFailed"):
        az("group create --name by-ci --location eastus")
    shown = admin(f"ad sp show --id {made['appId']}")
    assert shown["appId"] == made["appId"]
    assert made["password"] not in str(shown)


def test_signing_in_on_another_device(server, somebody, tmp_path):
    import requests

    person = somebody("device")
    az = az_client.profile(server, tmp_path / "device")
    login = az.start(f"login --use-device-code --tenant {server.tenant} --allow-no-subscriptions")
    prompt = ""
    while "code" not in prompt:
        line = login.stderr.readline()
        assert line, f"az ended before it asked: {login.stdout.read()}"
        prompt += line
    address, code = re.search(r"(https://\S+).*?code ([A-Z0-9-]{6,})", prompt).groups()
    browser = requests.Session()
    browser.verify = server.exports["REQUESTS_CA_BUNDLE"]
    page = browser.get(address)
    assert page.status_code == 200
    hidden = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.text))
    action = re.search(r'<form[^>]*action="([^"]*)"', page.text)
    target = requests.compat.urljoin(page.url, action.group(1) if action else "")
    form = {**hidden, "user_code": code, "username": person.name, "password": people.PASSWORD}
    answer = browser.post(target, data=form)
    assert answer.status_code == 200, answer.text
    out, err = login.communicate(timeout=60)
    assert login.returncode == 0, err
    assert person.name in out


def test_az_2_50_signs_in_by_the_metadata_address(server, tmp_path):
    az = az_client.by_metadata(server, tmp_path / "old", "az-2.50")
    clouds = az("cloud list")
    name = next(cloud["name"] for cloud in clouds if server.origin in str(cloud["endpoints"]))
    az(f"cloud set --name {name}")
    az(f"login --username {server.admin} --tenant {server.tenant} --password", server.password)
    assert az("account show")["id"] == server.subscription
