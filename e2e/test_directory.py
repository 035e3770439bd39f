"""az ad: users, groups, applications and service principals, as people and scripts manage them."""

import az as az_client
import pytest

PASSWORD = "every-good-boy-deserves-fudge-3"


def names(objects):
    return sorted(one["displayName"] for one in objects)


def test_users(admin):
    made = admin("ad user create --display-name Hal --user-principal-name hal@contoso.com --mail-nickname hal --password", PASSWORD)
    assert admin("ad user show --id hal@contoso.com")["id"] == made["id"]
    assert admin(f"ad user show --id {made['id']}")["userPrincipalName"] == "hal@contoso.com"
    for more in [["--upn", "hal@contoso.com"], ["--display-name", "Ha"], ["--filter", "startswith(displayName,'Ha')"],
                 ["--filter", "userPrincipalName eq 'HAL@contoso.com'"]]:
        assert made["id"] in [one["id"] for one in admin("ad user list", *more)], more
    admin("ad user update --id hal@contoso.com --display-name Harold --account-enabled false")
    assert admin("ad user show --id hal@contoso.com")["displayName"] == "Harold"
    assert admin("ad user get-member-groups --id hal@contoso.com") == []
    admin("ad user delete --id hal@contoso.com")
    with pytest.raises(az_client.Refused, match="does not exist"):
        admin("ad user show --id hal@contoso.com")


def test_groups_in_groups(admin, somebody):
    member, other = somebody("member"), somebody("not-a-member")
    outer = admin("ad group create --display-name Outer --mail-nickname outer --description everybody")
    inner = admin("ad group create --display-name Inner --mail-nickname inner")
    assert names(admin("ad group list --filter", "startswith(displayName,'Inn')")) == ["Inner"]
    assert admin("ad group show --group Outer")["description"] == "everybody"
    admin(f"ad group member add --group Inner --member-id {member.object_id}")
    admin(f"ad group member add --group Outer --member-id {inner['id']}")
    assert names(admin("ad group member list --group Outer")) == ["Inner"]

    def is_in(group, who):
        return admin(f"ad group member check --group {group} --member-id {who}")["value"]

    assert is_in("Inner", member.object_id) and is_in("Outer", member.object_id)
    assert is_in("Outer", inner["id"]) and not is_in("Inner", other.object_id)
    assert set(admin(f"ad user get-member-groups --id {member.name}")[at]["displayName"] for at in range(2)) == {"Inner", "Outer"}
    assert admin("ad group get-member-groups --group Inner") == [outer["id"]]
    # A ring of groups is a group like any other.
    admin(f"ad group member add --group Inner --member-id {outer['id']}")
    assert is_in("Outer", member.object_id) and is_in("Inner", member.object_id)
    admin(f"ad group member remove --group Inner --member-id {outer['id']}")
    with pytest.raises(az_client.Refused, match="already exist"):
        admin(f"ad group member add --group Inner --member-id {member.object_id}")

    admin(f"ad group owner add --group Outer --owner-object-id {other.object_id}")
    assert other.object_id in [one["id"] for one in admin("ad group owner list --group Outer")]
    admin(f"ad group owner remove --group Outer --owner-object-id {other.object_id}")
    assert other.object_id not in [one["id"] for one in admin("ad group owner list --group Outer")]

    admin(f"ad group member remove --group Inner --member-id {member.object_id}")
    assert not is_in("Outer", member.object_id)
    for group in ["Inner", "Outer"]:
        admin(f"ad group delete --group {group}")
    assert admin(f"ad user get-member-groups --id {member.name}") == []


def test_nested_members_by_graph(server, admin, somebody):
    def graph(path):
        return admin(f"rest --resource {server.origin}/graph/ --url {server.origin}/graph/v1.0{path}")["value"]

    member = somebody("deep")
    ids = [admin(f"ad group create --display-name Level{at} --mail-nickname level{at}")["id"] for at in range(3)]
    for holder, held in zip(ids, [*ids[1:], member.object_id]):
        admin(f"ad group member add --group {holder} --member-id {held}")
    assert names(graph(f"/groups/{ids[0]}/transitiveMembers")) == ["Level1", "Level2", "deep"]
    assert names(graph(f"/groups/{ids[0]}/members")) == ["Level1"]
    assert names(graph(f"/users/{member.object_id}/transitiveMemberOf")) == ["Level0", "Level1", "Level2"]
    assert names(graph(f"/users/{member.object_id}/memberOf")) == ["Level2"]
    assert names(graph(f"/groups/{ids[1]}/transitiveMemberOf")) == ["Level0"]
    admin(f"ad group member add --group {ids[2]} --member-id {ids[0]}")
    assert names(graph(f"/groups/{ids[0]}/transitiveMembers")) == ["Level1", "Level2", "deep"]


def test_applications_and_service_principals(admin, somebody):
    owner = somebody("app-owner")
    app = admin("ad app create --display-name tool --web-redirect-uris https://tool.test/back")
    assert admin(f"ad app show --id {app['appId']}")["web"]["redirectUris"] == ["https://tool.test/back"]
    assert [one["appId"] for one in admin("ad app list --display-name tool")] == [app["appId"]]
    admin(f"ad app update --id {app['appId']} --display-name tools")
    admin(f"ad app owner add --id {app['appId']} --owner-object-id {owner.object_id}")
    assert owner.object_id in [one["id"] for one in admin(f"ad app owner list --id {app['appId']}")]
    admin(f"ad app owner remove --id {app['appId']} --owner-object-id {owner.object_id}")
    secret = admin(f"ad app credential reset --id {app['appId']} --append")
    assert secret["password"]
    assert len(admin(f"ad app credential list --id {app['appId']}")) == 1

    principal = admin(f"ad sp create --id {app['appId']}")
    assert principal["displayName"] == "tools"
    assert admin(f"ad sp show --id {app['appId']}")["id"] == principal["id"]
    for more in [["--display-name", "tools"], ["--filter", f"appId eq '{app['appId']}'"], ["--all"]]:
        assert principal["id"] in [one["id"] for one in admin("ad sp list", *more)], more
    assert admin(f"ad sp owner list --id {app['appId']}")
    admin(f"ad sp update --id {app['appId']} --set tags=['a']")
    group = admin("ad group create --display-name Tools --mail-nickname tools")
    admin(f"ad group member add --group {group['id']} --member-id {principal['id']}")
    assert admin(f"ad group member check --group {group['id']} --member-id {principal['id']}")["value"] is True
    admin(f"ad sp delete --id {app['appId']}")
    assert admin(f"ad group member list --group {group['id']}") == []
    admin(f"ad app delete --id {app['appId']}")
    assert admin("ad app list --display-name tools") == []


def test_the_signed_in_person(somebody):
    person = somebody("me")
    assert person.az("ad signed-in-user show")["userPrincipalName"] == person.name
    assert person.az("ad signed-in-user list-owned-objects") == []
