//! The activity log: what was done and what was refused, with the reasons.

mod common;

use common::*;
use serde_json::{Value, json};

fn log(filter: &str) -> String {
    format!("{S}/providers/Microsoft.Insights/eventtypes/management/values?$filter={filter}")
}

#[tokio::test]
async fn changes_and_refusals_are_in_the_log() {
    let nave = Nave::with_hub().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let stranger = nave.user("stranger@contoso.com").await;
    let group = format!("{S}/resourceGroups/new");
    assert_eq!(
        nave.put_as(&stranger, &group, json!({ "location": "eastus" }))
            .await
            .0,
        403
    );
    assert_eq!(
        nave.put_as(&owner, &group, json!({ "location": "eastus" }))
            .await
            .0,
        201
    );
    let (status, body) = nave
        .get(
            &owner,
            &log("eventTimestamp ge 2026-11-23T17:38:06.622194 and resourceGroupName eq 'NEW'"),
        )
        .await;
    assert_eq!(status, 200, "{body}");
    let events = body["value"].as_array().expect("events");
    assert_eq!(events.len(), 2);
    let [done, refused] = [&events[0], &events[1]];
    for (event, status, sub_status, caller, role) in [
        (done, "Succeeded", "", &owner, json!("Owner")),
        (refused, "Failed", "Forbidden", &stranger, Value::Null),
    ] {
        assert_eq!(event["status"]["value"], status);
        assert_eq!(event["subStatus"]["value"], sub_status);
        assert_eq!(event["caller"], caller.name);
        assert_eq!(event["category"]["value"], "Administrative");
        assert_eq!(event["resourceId"], group);
        assert_eq!(event["resourceGroupName"], "new");
        assert_eq!(
            event["operationName"]["value"],
            "Microsoft.Resources/subscriptions/resourceGroups/write"
        );
        let mut authorization = json!({ "action": event["operationName"]["value"], "scope": group });
        if !role.is_null() {
            authorization["role"] = role;
        }
        assert_eq!(event["authorization"], authorization);
        assert_eq!(event["eventTimestamp"], "2026-11-24T12:00:00Z");
        let decision: Value = event["properties"]["decision"]
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok())
            .expect("decision");
        assert_eq!(decision["allowed"], status == "Succeeded");
    }
}

#[tokio::test]
async fn the_log_is_filtered() {
    let nave = Nave::with_hub().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let joe = nave.user("joe@contoso.com").await;
    nave.put_as(
        &owner,
        &assignment_id(RG, uuid::Uuid::new_v4()),
        assigns(READER, joe.object_id),
    )
    .await;
    nave.put_as(
        &owner,
        &format!("{S}/resourceGroups/new"),
        json!({ "location": "eastus" }),
    )
    .await;
    let (_, all) = nave.get(&owner, &log("caller eq 'owner@contoso.com'")).await;
    let correlation = all["value"][0]["correlationId"].as_str().expect("id").to_owned();
    let mine = |filter: &str| format!("caller eq 'owner@contoso.com' and {filter}");
    for (filter, count) in [
        (String::from("caller eq 'owner@contoso.com'"), 3),
        (format!("caller eq '{}'", owner.object_id), 3),
        (
            mine("resourceProvider eq Microsoft.Authorization and eventTimestamp ge 2026-11-24T12:00:00Z"),
            2,
        ),
        (mine(&format!("resourceUri eq '{RG}'")), 2),
        (mine(&format!("correlationId eq '{correlation}'")), 1),
        (
            mine("(correlationId eq 'other' or eventTimestamp le '2026-11-24T11:59:59Z')"),
            0,
        ),
        (
            mine("(correlationId eq 'other' or eventTimestamp ge '2026-11-24T12:00:00Z')"),
            3,
        ),
        (mine("status eq 'Succeeded'"), 2),
        (mine("status eq 'Started'"), 1),
        (mine("status eq 'Failed'"), 0),
        (mine("eventTimestamp ge '2026-11-24T12:00:01Z'"), 0),
        (mine("eventTimestamp le '2026-11-24T11:59:59Z'"), 0),
    ] {
        assert_eq!(
            each(&nave.get(&owner, &log(&filter)).await, "/id").len(),
            count,
            "{filter}"
        );
    }
    for filter in ["color eq 'red'", "eventTimestamp ge 'yesterday'"] {
        assert_eq!(
            code(&nave.get(&owner, &log(filter)).await),
            "InvalidFilterInQueryString",
            "{filter}"
        );
    }
}

#[tokio::test]
async fn who_governs_one_resource_reads_its_log() {
    let nave = Nave::with_hub().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, HUB).await;
    let stranger = nave.user("stranger@contoso.com").await;
    assert_eq!(nave.get(&stranger, HUB).await.0, 403);
    let of = |id: &str| {
        log(&format!(
            "resourceUri eq '{id}' and eventTimestamp ge '2026-11-24T12:00:00Z'"
        ))
    };
    let (status, body) = nave.get(&owner, &of(HUB)).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["value"][0]["caller"], "stranger@contoso.com");
    let elsewhere = format!("resourceUri eq '{HUB}' or resourceUri eq '{RG}'");
    for refused in [
        of(RG),
        log("status eq 'Failed'"),
        log(&elsewhere),
        log("resourceGroupName eq 'rg'"),
    ] {
        assert_eq!(
            code(&nave.get(&owner, &refused).await),
            "AuthorizationFailed",
            "{refused}"
        );
    }
    assert_eq!(code(&nave.get(&stranger, &of(HUB)).await), "AuthorizationFailed");
}

#[tokio::test]
async fn giving_and_taking_a_role_says_which_to_whom() {
    let nave = Nave::with_hub().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let joe = nave.user("joe@contoso.com").await;
    let path = assignment_id(RG, uuid::Uuid::new_v4());
    assert_eq!(
        nave.put_as(&owner, &path, assigns(READER, joe.object_id)).await.0,
        201
    );
    nave.delete(&owner, &path).await;
    let (_, log) = nave
        .get(
            &owner,
            &log("resourceProvider eq Microsoft.Authorization and caller eq 'owner@contoso.com'"),
        )
        .await;
    let entries = log["value"].as_array().expect("entries");
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            let text = |pointer| entry.pointer(pointer).and_then(Value::as_str);
            let body = text("/properties/requestbody").or(text("/properties/responseBody"));
            let body: Value = serde_json::from_str(body.expect("a body")).expect("JSON");
            assert_eq!(body["properties"]["principalId"], json!(joe.object_id));
            assert_eq!(body["properties"]["scope"], RG);
            (
                text("/httpRequest/method"),
                text("/status/value"),
                entry["operationId"].clone(),
            )
        })
        .collect();
    let words: Vec<_> = told
        .iter()
        .map(|(method, status, _)| (method.unwrap_or_default(), status.unwrap_or_default()))
        .collect();
    assert_eq!(
        words,
        [
            ("DELETE", "Succeeded"),
            ("DELETE", "Started"),
            ("PUT", "Succeeded"),
            ("PUT", "Started")
        ]
    );
    assert_eq!(told[0].2, told[1].2, "both ends of one request");
    assert_ne!(told[1].2, told[2].2);
}

#[tokio::test]
async fn the_log_comes_in_pages_and_each_event_once() {
    let nave = Nave::with_hub().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let writer = nave.user_with("writer@contoso.com", CONTRIBUTOR, S).await;
    for _ in 0..450 {
        let body = json!({ "location": "eastus" });
        assert_eq!(nave.put_as(&writer, RG, body).await.0, 200);
    }
    nave.put_as(&owner, RG, json!({ "location": "eastus" })).await;
    let mut path = log("resourceGroupName eq 'rg' and caller eq 'writer@contoso.com'");
    let (mut sizes, mut ids) = (Vec::new(), std::collections::HashSet::new());
    loop {
        let (status, page) = nave.get(&owner, &path).await;
        assert_eq!(status, 200, "{page}");
        let events = page["value"].as_array().expect("events");
        sizes.push(events.len());
        ids.extend(events.iter().map(|event| event["eventDataId"].to_string()));
        let Some(next) = page["nextLink"].as_str() else {
            break;
        };
        path = decoded(next.strip_prefix(ORIGIN).expect("a link to this server"));
    }
    assert_eq!((sizes, ids.len()), (vec![200, 200, 50], 450));
}

fn decoded(link: &str) -> String {
    let (path, query) = link.split_once('?').unwrap_or((link, ""));
    let pairs: Vec<String> = form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("{path}?{}", pairs.join("&"))
}

#[tokio::test]
async fn members_can_be_selected() {
    let nave = Nave::with_hub().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let (_, body) = nave
        .get(&owner, &format!("{}&$select=caller, status", log("")))
        .await;
    let names: Vec<&String> = body["value"][0].as_object().expect("an event").keys().collect();
    assert_eq!(names, ["caller", "status"]);
}

#[tokio::test]
async fn the_log_is_for_those_who_may_read_it_and_for_their_subscription() {
    let nave = Nave::with_hub().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let developer = nave.user_with("developer@contoso.com", AI_DEVELOPER, HUB).await;
    nave.make(
        &format!("{OTHER}/resourceGroups/elsewhere"),
        json!({ "location": "eastus" }),
    )
    .await;
    assert_eq!(nave.get(&developer, &log("")).await.0, 403);
    let whole = "/providers/Microsoft.Insights/eventtypes/management/values";
    assert_eq!(nave.get(&owner, whole).await.0, 403);
    let admin = nave.user_with("admin@contoso.com", READER, "/").await;
    let everywhere = nave.get(&admin, whole).await;
    let elsewhere = each(&everywhere, "/subscriptionId");
    assert!(elsewhere.iter().any(|one| OTHER.ends_with(one)) && elsewhere.contains(&""));
    let events = nave.get(&owner, &log("")).await;
    assert!(
        each(&events, "/resourceId")
            .iter()
            .all(|resource| resource.starts_with(S))
    );
}
