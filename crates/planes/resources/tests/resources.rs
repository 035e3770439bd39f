//! Tenants, subscriptions, groups, the list of resources, tags and providers.

mod common;

use common::*;
use http::Method;
use nave_engine::Caller;
use serde_json::{Value, json};

async fn workspace(nave: &Nave, name: &str, tags: Value) -> String {
    let id = format!("{RG}/providers/Microsoft.MachineLearningServices/workspaces/{name}");
    nave.make(
        &id,
        json!({ "location": "eastus", "kind": "Hub", "tags": tags, "properties": { "key": "secret" } }),
    )
    .await;
    id
}

#[tokio::test]
async fn anybody_signed_in_sees_the_tenant() {
    let nave = Nave::with_hub().await;
    let stranger = nave.user("stranger@contoso.com").await;
    let (status, body) = nave.get(&stranger, "/tenants").await;
    assert_eq!(status, 200);
    assert_eq!(
        body["value"][0]["tenantId"],
        "99999999-9999-9999-9999-999999999999"
    );
    assert_eq!(body["value"][0]["defaultDomain"], "contoso.com");
}

#[tokio::test]
async fn a_subscription_is_seen_by_whoever_has_a_role_at_it_above_it_or_in_it() {
    let nave = Nave::with_hub().await;
    let stranger = nave.user("stranger@contoso.com").await;
    let member = nave.user("member@contoso.com").await;
    let team = nave.group(&[member.object_id]).await;
    nave.give(team, READER, S).await;
    let developer = nave.user_with("developer@contoso.com", AI_DEVELOPER, HUB).await;
    let admin = nave.user_with("admin@contoso.com", OWNER, "/").await;
    for (who, expected) in [
        (&stranger, vec![]),
        (&member, vec![S]),
        (&developer, vec![S]),
        (&admin, vec![S, OTHER]),
    ] {
        assert_eq!(
            each(&nave.get(who, "/subscriptions").await, "/id"),
            expected,
            "{}",
            who.name
        );
    }
    let (status, body) = nave.get(&member, S).await;
    assert_eq!(status, 200);
    for (member, value) in [
        ("id", json!(S)),
        ("subscriptionId", json!(S.rsplit('/').next())),
        ("tenantId", json!("99999999-9999-9999-9999-999999999999")),
        ("displayName", json!("Team")),
        ("state", json!("Enabled")),
        ("managedByTenants", json!([])),
    ] {
        assert_eq!(body[member], value, "{member}");
    }
    assert_eq!(nave.get(&stranger, S).await.0, 403);
    let locations = nave.get(&member, &format!("{S}/locations")).await;
    assert!(each(&locations, "/name").contains(&"eastus"));
    assert_eq!(nave.get(&stranger, &format!("{S}/locations")).await.0, 403);
    let missing = nave
        .get(
            &admin,
            "/subscriptions/33333333-3333-3333-3333-333333333333/locations",
        )
        .await;
    assert_eq!((missing.0, code(&missing)), (404, "SubscriptionNotFound"));
}

/// What clients ask before they come to the one thing their user may see.
#[tokio::test]
async fn a_visitor_sees_what_is_the_same_for_everybody() {
    let nave = Nave::with_hub().await;
    let developer = nave.user_with("developer@contoso.com", AI_DEVELOPER, HUB).await;
    let stranger = nave.user("stranger@contoso.com").await;
    let elsewhere = nave.user_with("elsewhere@contoso.com", OWNER, OTHER).await;
    for path in [
        S.to_owned(),
        format!("{S}/locations"),
        format!("{S}/providers"),
        format!("{S}/providers/Microsoft.MachineLearningServices"),
        format!("{S}/providers/Microsoft.MachineLearningServices/resourceTypes"),
    ] {
        assert_eq!(nave.get(&developer, &path).await.0, 200, "{path}");
        for other in [&stranger, &elsewhere] {
            let answer = nave.get(other, &path).await;
            assert_eq!(
                (answer.0, code(&answer)),
                (403, "AuthorizationFailed"),
                "{} {path}",
                other.name
            );
        }
    }
    let group = nave.put_as(&developer, RG, json!({ "location": "eastus" })).await;
    assert_eq!(group.0, 403, "to see the place is not to change it");
}

#[tokio::test]
async fn paths_are_read_in_any_spelling_and_ids_are_written_in_one() {
    let nave = Nave::with_hub().await;
    workspace(&nave, "hub", json!({})).await;
    let reader = nave.user_with("reader@contoso.com", READER, S).await;
    for path in [
        HUB.to_lowercase(),
        HUB.to_uppercase(),
        HUB.replace("/workspaces", "//workspaces"),
        HUB.replace("/resourceGroups", "/resourcegroups") + "/",
        format!("/{HUB}"),
    ] {
        let (status, body) = nave.get(&reader, &path).await;
        assert_eq!((status, &body["id"]), (200, &json!(HUB)), "{path}");
    }
    for path in [
        format!("{S}/RESOURCEGROUPS/RG/resources"),
        format!("{S}//resourcegroups/rg/resources/"),
    ] {
        assert_eq!(each(&nave.get(&reader, &path).await, "/id"), [HUB], "{path}");
    }
    let made = nave
        .make(
            &format!("{}/new", HUB.to_lowercase().trim_end_matches("/hub")),
            json!({ "location": "eastus" }),
        )
        .await;
    assert_eq!(
        made["id"],
        HUB.replace("/hub", "/new"),
        "a new id has the documented spelling"
    );
}

#[tokio::test]
async fn a_disabled_user_sees_nothing() {
    let nave = Nave::with_hub().await;
    let user = nave.user_with("user@contoso.com", OWNER, S).await;
    let row = nave
        .engine
        .snapshot()
        .principal(user.object_id)
        .cloned()
        .expect("user");
    let mut sent = row.sent.clone();
    sent["accountEnabled"] = false.into();
    let mut put = nave_engine::Put::new(row.id.clone(), sent);
    put.claims.clone_from(&row.claims);
    nave.put(put).await;
    for path in ["/subscriptions", S] {
        assert_eq!(nave.get(&user, path).await.0, 401, "{path}");
    }
}

#[tokio::test]
async fn the_life_of_a_group() {
    let nave = Nave::with_hub().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let (path, lower) = (format!("{S}/resourceGroups/G1"), format!("{S}/resourcegroups/g1"));
    let head = async |path: &str| nave.send(&owner, Method::HEAD, path, Value::Null).await.0;
    let missing = nave.get(&owner, &path).await;
    assert_eq!((missing.0, code(&missing)), (404, "ResourceGroupNotFound"));
    assert_eq!(head(&path).await, 404);
    let (status, made) = nave
        .put_as(
            &owner,
            &path,
            json!({ "location": "East US", "tags": { "a": "b" } }),
        )
        .await;
    assert_eq!(status, 201);
    assert_eq!(
        made,
        json!({ "id": path, "name": "G1", "type": "Microsoft.Resources/resourceGroups", "location": "eastus",
                             "tags": { "a": "b" }, "properties": { "provisioningState": "Succeeded" } })
    );
    assert_eq!(head(&lower).await, 204);
    assert_eq!(nave.get(&owner, &lower).await, (200, made.clone()));
    let body = json!({ "properties": { "provisioningState": "Failed" }, "location": "eastus", "tags": { "x": "y" } });
    let (status, updated) = nave.put_as(&owner, &lower, body).await;
    assert_eq!((status, &updated["id"]), (200, &json!(path)));
    assert_eq!(updated["properties"], json!({ "provisioningState": "Succeeded" }));
    let (status, patched) = nave
        .send(&owner, Method::PATCH, &lower, json!({ "tags": { "p": "q" } }))
        .await;
    assert_eq!((status, &patched["tags"]), (200, &json!({ "p": "q" })));
    let moved = nave.put_as(&owner, &path, json!({ "location": "westus" })).await;
    assert_eq!(moved.0, 409);
    assert_eq!(nave.delete(&owner, &lower).await.0, 200);
    assert_eq!(head(&path).await, 404);
    for name in ["a b", "dot.", &"x".repeat(91)] {
        let answer = nave
            .put_as(
                &owner,
                &format!("{S}/resourceGroups/{name}"),
                json!({ "location": "eastus" }),
            )
            .await;
        assert_eq!((answer.0, code(&answer)), (400, "InvalidResourceName"), "{name}");
    }
}

#[tokio::test]
async fn deleting_a_group_deletes_what_is_in_it_and_its_assignments() {
    let nave = Nave::with_hub().await;
    let hub = workspace(&nave, "hub", json!({})).await;
    let reader = nave.user_with("reader@contoso.com", READER, RG).await;
    assert_eq!(nave.delete(&Caller::system(), RG).await.0, 200);
    nave.make(RG, json!({ "location": "eastus" })).await;
    assert_eq!(
        nave.get(&reader, RG).await.0,
        403,
        "a new group of the same name is not the old one"
    );
    assert_eq!(nave.get(&Caller::system(), &hub).await.0, 404);
}

#[tokio::test]
async fn a_group_is_seen_by_whoever_may_read_it_or_something_in_it() {
    let nave = Nave::with_hub().await;
    workspace(&nave, "hub", json!({})).await;
    nave.make(
        &format!("{S}/resourceGroups/other"),
        json!({ "location": "eastus", "tags": { "env": "test" } }),
    )
    .await;
    let reader = nave.user_with("reader@contoso.com", READER, S).await;
    let developer = nave.user_with("developer@contoso.com", AI_DEVELOPER, HUB).await;
    let stranger = nave.user("stranger@contoso.com").await;
    let list = format!("{S}/resourcegroups");
    for (who, path, expected) in [
        (&reader, list.clone(), vec!["other", "rg"]),
        (&developer, list.clone(), vec!["rg"]),
        (&stranger, list.clone(), vec![]),
        (
            &reader,
            format!("{list}?$filter=tagname eq 'ENV' and tagvalue eq 'test'"),
            vec!["other"],
        ),
        (
            &reader,
            format!("{list}?$filter=tagname eq 'env' and tagvalue eq 'live'"),
            vec![],
        ),
    ] {
        assert_eq!(
            each(&nave.get(who, &path).await, "/name"),
            expected,
            "{} {path}",
            who.name
        );
    }
    assert_eq!(
        nave.get(&developer, RG).await.0,
        403,
        "GET one needs the right to read the group"
    );
    let (_, first) = nave.get(&reader, &format!("{list}?$top=1")).await;
    let next = first["nextLink"]
        .as_str()
        .and_then(|link| link.strip_prefix(ORIGIN))
        .expect("a next page");
    let (_, second) = nave.get(&reader, &next.replace("%24", "$")).await;
    assert_eq!(
        (&first["value"][0]["name"], &second["value"][0]["name"]),
        (&json!("other"), &json!("rg"))
    );
    assert_eq!(second.get("nextLink"), None);
}

#[tokio::test]
async fn resources_are_listed_to_whoever_may_read_them() {
    let nave = Nave::with_hub().await;
    workspace(&nave, "hub", json!({ "a": "b", "c": "d" })).await;
    workspace(&nave, "project", json!({ "a": "d" })).await;
    let reader = nave.user_with("reader@contoso.com", READER, S).await;
    let developer = nave.user_with("developer@contoso.com", AI_DEVELOPER, HUB).await;
    for (who, path, expected) in [
        (&reader, format!("{S}/resources"), vec!["hub", "project"]),
        (&reader, format!("{RG}/resources"), vec!["hub", "project"]),
        (&developer, format!("{S}/resources"), vec!["hub"]),
        (&reader, format!("{OTHER}/resources"), vec![]),
        (
            &reader,
            format!("{S}/resources?$filter=resourceGroup eq 'RG'"),
            vec!["hub", "project"],
        ),
        (
            &reader,
            format!("{S}/resources?$filter=resourceGroup eq 'other'"),
            vec![],
        ),
        (
            &reader,
            format!("{S}/resources?$filter=resourceType eq 'microsoft.machinelearningservices/workspaces'"),
            vec!["hub", "project"],
        ),
        (
            &reader,
            format!("{S}/resources?$filter=resourceType eq 'Microsoft.Search/searchServices'"),
            vec![],
        ),
        (
            &reader,
            format!("{S}/resources?$filter=name eq 'hub'"),
            vec!["hub"],
        ),
        (
            &reader,
            format!("{S}/resources?$filter=location eq 'East US' and name eq 'hub'"),
            vec!["hub"],
        ),
        (
            &reader,
            format!("{S}/resources?$filter=tagname eq 'a' and tagvalue eq 'd'"),
            vec!["project"],
        ),
        (
            &reader,
            format!("{S}/resources?$filter=tagname eq 'c'"),
            vec!["hub"],
        ),
        (
            &reader,
            format!("{S}/resources?$filter=tagvalue eq 'd'"),
            vec!["hub", "project"],
        ),
    ] {
        assert_eq!(
            each(&nave.get(who, &path).await, "/name"),
            expected,
            "{} {path}",
            who.name
        );
    }
    let (_, body) = nave
        .get(
            &reader,
            &format!("{S}/resources?$filter=name eq 'hub'&$expand=createdTime,provisioningState"),
        )
        .await;
    assert_eq!(
        body["value"][0],
        json!({
            "id": HUB, "name": "hub", "type": "Microsoft.MachineLearningServices/workspaces", "location": "eastus", "kind": "Hub",
            "tags": { "a": "b", "c": "d" }, "createdTime": "2026-11-24T12:00:00Z", "provisioningState": "Succeeded",
        })
    );
    let refused = nave
        .get(&reader, &format!("{S}/resources?$filter=color eq 'red'"))
        .await;
    assert_eq!(code(&refused), "InvalidFilterInQueryString");
    let missing = nave
        .get(&reader, &format!("{S}/resourceGroups/none/resources"))
        .await;
    assert_eq!(code(&missing), "ResourceGroupNotFound");
}

#[tokio::test]
async fn tags_change_at_every_scope() {
    let nave = Nave::with_hub().await;
    workspace(&nave, "hub", json!({})).await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    for scope in [S, RG, HUB] {
        let path = format!("{scope}/providers/Microsoft.Resources/tags/default");
        let send = async |method: Method, body: Value| {
            let (status, body) = nave.send(&owner, method, &path, body).await;
            assert_eq!(status, 200, "{body}");
            body["properties"]["tags"].clone()
        };
        let patch = |operation: &str, tags: Value| {
            send(
                Method::PATCH,
                json!({ "operation": operation, "properties": { "tags": tags } }),
            )
        };
        let tags = |tags: Value| json!({ "properties": { "tags": tags } });
        assert_eq!(
            send(Method::PUT, tags(json!({ "a": "1", "b": "2" }))).await,
            json!({ "a": "1", "b": "2" })
        );
        assert_eq!(
            patch("Merge", json!({ "A": "3", "c": "4" })).await,
            json!({ "a": "3", "b": "2", "c": "4" })
        );
        assert_eq!(
            patch("Delete", json!({ "a": "3", "b": "other", "c": "" })).await,
            json!({ "b": "2" })
        );
        assert_eq!(send(Method::GET, Value::Null).await, json!({ "b": "2" }));
        assert_eq!(nave.get(&owner, scope).await.1["tags"], json!({ "b": "2" }));
        assert_eq!(patch("replace", json!({ "z": "9" })).await, json!({ "z": "9" }));
        assert_eq!(send(Method::DELETE, Value::Null).await, Value::Null, "no body");
        assert_eq!(send(Method::GET, Value::Null).await, json!({}));
    }
}

#[tokio::test]
async fn tags_have_rules_and_rights() {
    let nave = Nave::with_hub().await;
    workspace(&nave, "hub", json!({})).await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let reader = nave.user_with("reader@contoso.com", READER, S).await;
    let tagger = nave
        .user_with(
            "tagger@contoso.com",
            "4a9ae827-6dc8-4573-8ac7-8239d42aa03f".parse().expect("guid"),
            S,
        )
        .await;
    let path = format!("{HUB}/providers/Microsoft.Resources/tags/default");
    let put = async |who: &Caller, tags: Value| {
        let answer = nave
            .put_as(who, &path, json!({ "properties": { "tags": tags } }))
            .await;
        (answer.0, code(&answer).to_owned())
    };
    assert_eq!(put(&tagger, json!({ "a": "b" })).await.0, 200, "Tag Contributor");
    assert_eq!(
        nave.send(&tagger, Method::PATCH, HUB, json!({ "tags": {} }))
            .await
            .0,
        403
    );
    assert_eq!(put(&reader, json!({ "a": "b" })).await.0, 403);
    assert_eq!(nave.get(&reader, &path).await.0, 200);
    let many: serde_json::Map<String, Value> = (0..51).map(|n| (n.to_string(), "x".into())).collect();
    for (tags, code) in [
        (json!({ "a/b": "c" }), "InvalidParameter"),
        (json!({ "a": "x".repeat(257) }), "InvalidParameter"),
        (Value::Object(many), "InvalidParameter"),
        (json!({ "a": 1 }), "InvalidRequestFormat"),
        (json!([]), "InvalidRequestFormat"),
    ] {
        assert_eq!(put(&owner, tags).await, (400, code.to_owned()));
    }
    let unknown = nave
        .send(
            &owner,
            Method::PATCH,
            &path,
            json!({ "operation": "Mix", "properties": {} }),
        )
        .await;
    assert_eq!(code(&unknown), "InvalidParameter");
    let missing = nave.get(&owner, &path.replace("/hub/", "/none/")).await;
    assert_eq!(code(&missing), "ResourceNotFound");
}

#[tokio::test]
async fn changing_tags_changes_nothing_else() {
    let nave = Nave::with_hub().await;
    let hub = workspace(&nave, "hub", json!({})).await;
    let before = nave.engine.snapshot().get(&id(&hub)).cloned().expect("hub");
    nave.make(
        &format!("{hub}/providers/Microsoft.Resources/tags/default"),
        json!({ "properties": { "tags": { "a": "b" } } }),
    )
    .await;
    let after = nave.engine.snapshot().get(&id(&hub)).cloned().expect("hub");
    assert!(
        before.sealed.is_some() && before.sealed == after.sealed,
        "secrets stay"
    );
    assert_eq!((&before.own, &before.claims), (&after.own, &after.claims));
    assert_eq!(before.sent["properties"], after.sent["properties"]);
}

#[tokio::test]
async fn tag_names_are_counted() {
    let nave = Nave::with_hub().await;
    workspace(&nave, "hub", json!({ "env": "test" })).await;
    workspace(&nave, "project", json!({ "env": "live" })).await;
    let reader = nave.user_with("reader@contoso.com", READER, S).await;
    let (status, body) = nave.get(&reader, &format!("{S}/tagNames")).await;
    assert_eq!(status, 200);
    assert_eq!(body["value"][0]["tagName"], "env");
    assert_eq!(body["value"][0]["count"]["value"], 2);
}

#[tokio::test]
async fn providers_are_a_view_of_what_is_served() {
    let nave = Nave::with_hub().await;
    let reader = nave.user_with("reader@contoso.com", READER, S).await;
    let (status, body) = nave
        .get(
            &reader,
            &format!("{S}/providers/microsoft.machinelearningservices"),
        )
        .await;
    assert_eq!(status, 200);
    assert_eq!(
        body["id"],
        format!("{S}/providers/Microsoft.MachineLearningServices")
    );
    assert_eq!(body["registrationState"], "Registered");
    let kind = &body["resourceTypes"][0];
    assert_eq!(kind["resourceType"], "workspaces");
    assert_eq!(
        kind["apiVersions"],
        json!(["2024-10-01-preview", "2024-10-01", "2024-04-01"])
    );
    assert_eq!(kind["defaultApiVersion"], "2024-10-01");
    assert!(
        kind["locations"]
            .as_array()
            .is_some_and(|all| all.contains(&json!("East US")))
    );
    assert_eq!(kind["aliases"], Value::Null, "only when they are asked for");
    let path = format!("{S}/providers/Microsoft.MachineLearningServices?$expand=resourceTypes/aliases");
    let (_, body) = nave.get(&reader, &path).await;
    let aliases = body["resourceTypes"][0]["aliases"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let name = "Microsoft.MachineLearningServices/workspaces/publicNetworkAccess";
    let alias = aliases.iter().find(|alias| alias["name"] == name).expect(name);
    assert_eq!(alias["defaultPath"], "properties.publicNetworkAccess");
    assert_eq!(alias["defaultMetadata"]["attributes"], "Modifiable");
    let all = nave.get(&reader, &format!("{S}/providers")).await;
    for namespace in [
        "Microsoft.Authorization",
        "Microsoft.Insights",
        "Microsoft.MachineLearningServices",
        "Microsoft.Resources",
        "Microsoft.KeyVault",
    ] {
        assert!(each(&all, "/namespace").contains(&namespace), "{namespace}");
    }
    let resources = nave.get(&reader, "/providers/Microsoft.Resources").await.1;
    let names: Vec<&str> = resources["resourceTypes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|kind| kind["resourceType"].as_str())
        .collect();
    for name in [
        "providers",
        "resourceGroups",
        "resources",
        "subscriptions",
        "tags",
        "tenants",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert_eq!(
        code(&nave.get(&reader, &format!("{S}/providers/Contoso.Robots")).await),
        "InvalidResourceNamespace"
    );
}

#[tokio::test]
async fn every_listed_type_has_a_stable_version_and_the_newest_first() {
    let nave = Nave::with_hub().await;
    let (_, body) = nave.get(&Caller::system(), "/providers").await;
    for kind in body["value"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|provider| provider["resourceTypes"].as_array())
        .flatten()
    {
        let versions: Vec<&str> = kind["apiVersions"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        assert!(
            versions.iter().any(|version| !version.ends_with("-preview")),
            "{kind}"
        );
        assert!(
            versions.is_sorted_by(|left, right| left[..10] >= right[..10]),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn registering_needs_the_right_and_changes_nothing() {
    let nave = Nave::with_hub().await;
    let contributor = nave.user_with("contributor@contoso.com", CONTRIBUTOR, S).await;
    let reader = nave.user_with("reader@contoso.com", READER, S).await;
    for verb in ["register", "unregister"] {
        let path = format!("{S}/providers/Microsoft.MachineLearningServices/{verb}");
        let (status, body) = nave.send(&contributor, Method::POST, &path, Value::Null).await;
        assert_eq!(
            (status, &body["registrationState"]),
            (200, &json!("Registered")),
            "{verb}"
        );
        assert_eq!(
            nave.send(&reader, Method::POST, &path, Value::Null).await.0,
            403,
            "{verb}"
        );
    }
}

#[tokio::test]
async fn permissions_are_those_of_the_callers_roles() {
    let nave = Nave::with_hub().await;
    let developer = nave.user_with("developer@contoso.com", AI_DEVELOPER, HUB).await;
    let at = |scope: &str| format!("{scope}/{AUTHORIZATION}/permissions");
    let (status, body) = nave.get(&developer, &at(HUB)).await;
    assert_eq!(status, 200);
    let (_, role) = nave.get(&developer, &role_id(HUB, AI_DEVELOPER)).await;
    assert_eq!(body["value"], role["properties"]["permissions"]);
    assert_eq!(nave.get(&developer, &at(RG)).await, (200, json!({ "value": [] })));
}

#[tokio::test]
async fn operations_of_a_provider_are_listed_by_type() {
    let nave = Nave::with_hub().await;
    let stranger = nave.user("stranger@contoso.com").await;
    let path = format!("/{AUTHORIZATION}/providerOperations");
    let (status, body) = nave
        .get(
            &stranger,
            &format!("{path}/microsoft.machinelearningservices?$expand=resourceTypes"),
        )
        .await;
    assert_eq!(
        (status, &body["name"]),
        (200, &json!("Microsoft.MachineLearningServices"))
    );
    let types = body["resourceTypes"].as_array().expect("types");
    let hubs = types
        .iter()
        .find(|kind| kind["name"] == "workspaces/hubs")
        .expect("hubs");
    let names: Vec<&str> = hubs["operations"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|operation| operation["name"].as_str())
        .collect();
    assert!(
        names.contains(&"Microsoft.MachineLearningServices/workspaces/hubs/join/action"),
        "{names:?}"
    );
    assert!(each(&nave.get(&stranger, &path).await, "/name").len() > 10);
    assert_eq!(
        nave.get(&stranger, &format!("{path}/Contoso.Robots")).await.0,
        404
    );
    let own = nave
        .get(&stranger, "/providers/microsoft.cognitiveservices/operations")
        .await;
    assert!(each(&own, "/name").contains(&"Microsoft.CognitiveServices/accounts/listKeys/action"));
    assert_eq!(
        own.1["value"][0]["display"]["provider"],
        "Microsoft.CognitiveServices"
    );
}
