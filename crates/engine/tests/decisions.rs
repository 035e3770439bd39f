//! Decide, grant, commit: what a role is worth, and when.

mod common;

use common::*;
use http::Method;
use nave_engine::{Caller, CallerKind, Change, Erase, Expect, Put};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn a_grant_and_its_removal_take_effect_on_the_next_request() {
    let nave = Nave::start().await;
    let joe = nave.user("joe@contoso.com").await;
    let put = async || nave.send(&joe, Method::PUT, &thing("a"), json!({})).await;
    assert_eq!(put().await.refusal(), (403, "AuthorizationFailed"));
    let assignment = nave.give(joe.object_id, OWNER, RG).await;
    assert_eq!(put().await.status, 201);
    assert_eq!(
        nave.send(&joe, Method::GET, &thing("a"), Value::Null)
            .await
            .status,
        200
    );
    assert_eq!(
        nave.send(&Caller::system(), Method::DELETE, &assignment, Value::Null)
            .await
            .status,
        200
    );
    assert_eq!(put().await.refusal(), (403, "AuthorizationFailed"));
}

#[tokio::test]
async fn a_role_reaches_those_who_are_in_a_group_now() {
    let nave = Nave::start().await;
    let joe = nave.user("joe@contoso.com").await;
    let (inner, outer) = (Uuid::new_v4(), Uuid::new_v4());
    nave.put(group(inner, &[])).await;
    nave.put(group(outer, &[inner])).await;
    nave.give(outer, READER, RG).await;
    let get = async || nave.send(&joe, Method::GET, RG, Value::Null).await;
    assert_eq!(get().await.status, 403);
    nave.put(group(inner, &[joe.object_id])).await;
    assert_eq!(get().await.status, 200);
    nave.put(group(outer, &[])).await;
    assert_eq!(get().await.status, 403);
    nave.put(group(outer, &[inner])).await;
    let erase = Erase {
        id: group(inner, &[]).id,
        expect: Expect::Any,
    };
    nave.change(Change {
        erases: vec![erase],
        ..Change::default()
    })
    .await;
    assert_eq!(get().await.status, 403);
}

#[tokio::test]
async fn a_refusal_is_recorded_before_it_is_told() {
    let nave = Nave::start().await;
    let joe = nave.user("joe@contoso.com").await;
    let answer = nave
        .send(
            &joe,
            Method::PUT,
            &thing("a"),
            json!({ "properties": { "secret": "CANARY" } }),
        )
        .await;
    assert_eq!(answer.refusal(), (403, "AuthorizationFailed"));
    let named = answer
        .body
        .pointer("/error/additionalInfo/0/info/id")
        .and_then(Value::as_str)
        .map(str::to_owned);
    assert_eq!(named, answer.decision.map(|id| id.to_string()));
    let events = nave.explain(answer.decision).await;
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(
        (event.outcome.as_str(), event.operation.as_str()),
        ("Denied", "Test.Engine/things/write")
    );
    assert_eq!(
        (event.resource.as_str(), event.caller.clone()),
        (thing("a").as_str(), joe.object_id.to_string())
    );
    assert_eq!(event.detail["decision"]["findings"][0]["outcome"], "refused");
    nave.store.close().await;
    let untold = nave.send(&joe, Method::PUT, &thing("b"), json!({})).await;
    assert_eq!(
        untold.refusal(),
        (500, "InternalServerError"),
        "what cannot be recorded is not told"
    );
}

#[tokio::test]
async fn a_change_carries_the_decision_that_allowed_it() {
    let nave = Nave::start().await;
    let joe = nave.user_with("joe@contoso.com", OWNER, S).await;
    for (method, body) in [
        (Method::PUT, json!({})),
        (Method::PATCH, json!({ "tags": { "a": "b" } })),
        (Method::DELETE, Value::Null),
    ] {
        let answer = nave.send(&joe, method.clone(), &thing("a"), body).await;
        assert!(answer.status < 300, "{answer:?}");
        let events = nave.explain(answer.decision).await;
        let [event] = events.as_slice() else {
            panic!("{events:?}")
        };
        assert_eq!(
            (event.outcome.as_str(), event.caller_name.as_str()),
            ("Succeeded", "joe@contoso.com"),
            "{method}"
        );
        let reason = &event.detail["decision"]["findings"][0]["reason"];
        assert_eq!(
            (&reason["roleName"], &reason["pattern"]),
            (&json!("Owner"), &json!("*"))
        );
        assert_eq!(event.detail["detail"]["changed"][0]["id"], thing("a"));
    }
}

#[tokio::test]
async fn a_condition_that_cannot_be_evaluated_grants_nothing() {
    let nave = Nave::start().await;
    for condition in [
        "this is no condition",
        "@Resource[no:such:attribute] Exists",
        "((((",
        "ActionMatches{'*'} XOR true",
    ] {
        let joe = nave.user("joe@contoso.com").await;
        let mut body = assigns(OWNER, joe.object_id);
        body["properties"]["condition"] = condition.into();
        body["properties"]["conditionVersion"] = "2.0".into();
        let id = assignment_id(S);
        // stored without the checks of the plane that takes assignments in
        nave.put(Put::new(common::id(&id), body)).await;
        assert_eq!(
            nave.send(&joe, Method::GET, RG, Value::Null).await.status,
            403,
            "{condition}"
        );
        let erase = |text: &str| Erase {
            id: common::id(text),
            expect: Expect::Any,
        };
        let erases = vec![
            erase(&id),
            Erase {
                id: person(joe.object_id, "", true).id,
                expect: Expect::Any,
            },
        ];
        nave.change(Change {
            erases,
            ..Change::default()
        })
        .await;
    }
    let joe = nave.user("joe@contoso.com").await;
    let mut body = assigns(OWNER, joe.object_id);
    body["properties"]["condition"] = "1 StringEquals 1".into();
    body["properties"]["conditionVersion"] = "9.9".into();
    nave.put(Put::new(common::id(&assignment_id(S)), body)).await;
    assert_eq!(nave.send(&joe, Method::GET, RG, Value::Null).await.status, 403);
}

#[tokio::test]
async fn a_role_may_be_good_until_a_time_whatever_is_asked() {
    let nave = Nave::start().await;
    for (condition, status) in [
        (
            "@Environment[UtcNow] DateTimeLessThan '2999-01-01T00:00:00.0Z'",
            200,
        ),
        (
            "@Environment[UtcNow] DateTimeLessThan '2001-01-01T00:00:00.0Z'",
            403,
        ),
        ("@Environment[isPrivateLink] BoolEquals false", 200),
    ] {
        let joe = nave.user(&format!("{}@contoso.com", Uuid::new_v4())).await;
        let mut body = assigns(READER, joe.object_id);
        body["properties"]["condition"] = condition.into();
        body["properties"]["conditionVersion"] = "2.0".into();
        nave.put(Put::new(common::id(&assignment_id(S)), body)).await;
        let answer = nave.send(&joe, Method::GET, RG, Value::Null).await;
        assert_eq!(answer.status, status, "{condition}");
        let listed = nave
            .send(&joe, Method::GET, &format!("{S}/resourceGroups"), Value::Null)
            .await;
        let count = listed.body["value"].as_array().map_or(0, Vec::len);
        assert_eq!(count, usize::from(status == 200), "{condition}");
    }
}

#[tokio::test]
async fn an_assignment_that_becomes_unreadable_grants_nothing_more() {
    let nave = Nave::start().await;
    let joe = nave.user("joe@contoso.com").await;
    let id = nave.give(joe.object_id, OWNER, RG).await;
    assert_eq!(nave.send(&joe, Method::GET, RG, Value::Null).await.status, 200);
    nave.put(Put::new(
        common::id(&id),
        json!({ "properties": { "principalId": 7 } }),
    ))
    .await;
    assert_eq!(nave.send(&joe, Method::GET, RG, Value::Null).await.status, 403);
}

#[tokio::test]
async fn who_is_disabled_gone_or_elsewhere_gets_nothing_anywhere() {
    let nave = Nave::start().await;
    let joe = nave.user_with("joe@contoso.com", OWNER, S).await;
    let paths = [RG, "/signedin", "/subscriptions"];
    let ask = async |caller: &Caller, expected: (u16, &str)| {
        for path in paths {
            let answer = nave.send(caller, Method::GET, path, Value::Null).await;
            assert_eq!(answer.refusal(), expected, "{path} {answer:?}");
            if expected.0 != 200 {
                assert_eq!(nave.explain(answer.decision).await[0].outcome, "Denied", "{path}");
            }
        }
    };
    ask(&joe, (200, "")).await;
    let elsewhere = Caller {
        audience: String::from("https://graph.microsoft.com"),
        ..joe.clone()
    };
    ask(&elsewhere, (401, "InvalidAuthenticationTokenAudience")).await;
    nave.put(person(joe.object_id, "joe@contoso.com", false)).await;
    ask(&joe, (401, "InvalidAuthenticationToken")).await;
    nave.put(person(joe.object_id, "joe@contoso.com", true)).await;
    ask(&joe, (200, "")).await;
    let erase = Erase {
        id: person(joe.object_id, "", true).id,
        expect: Expect::Any,
    };
    nave.change(Change {
        erases: vec![erase],
        ..Change::default()
    })
    .await;
    ask(&joe, (401, "InvalidAuthenticationToken")).await;
    for path in [RG, "/signedin", "/subscriptions"] {
        let answer = nave.ask(request(None, Method::GET, path, Value::Null)).await;
        assert_eq!(answer.refusal(), (401, "AuthenticationFailed"), "{path}");
    }
}

#[tokio::test]
async fn whose_session_is_gone_is_signed_out_whatever_his_token_says() {
    let nave = Nave::start().await;
    let mut joe = nave.user_with("joe@contoso.com", OWNER, S).await;
    assert_eq!(nave.send(&joe, Method::GET, RG, Value::Null).await.status, 200);
    joe.sign_in.session = Some(Uuid::new_v4());
    for path in [RG, "/signedin", "/subscriptions"] {
        let answer = nave.send(&joe, Method::GET, path, Value::Null).await;
        assert_eq!(answer.refusal(), (401, "InvalidAuthenticationToken"), "{path}");
    }
}

#[tokio::test]
async fn nobody_is_not_nave_itself() {
    let nave = Nave::start().await;
    let answer = nave.ask(request(None, Method::GET, "/open", Value::Null)).await;
    assert_eq!(
        (answer.status, answer.body),
        (200, json!({ "caller": "nobody", "may": false }))
    );
}

#[tokio::test]
async fn a_key_opens_the_data_plane_of_its_own_account_only() {
    let nave = Nave::start().await;
    let account = |name: &str| format!("{RG}/providers/Microsoft.CognitiveServices/accounts/{name}");
    let row = |name: &str, local: bool| {
        Put::new(
            id(&account(name)),
            json!({ "properties": { "disableLocalAuth": !local } }),
        )
    };
    nave.put(row("a", true)).await;
    nave.put(row("b", true)).await;
    let kind = CallerKind::AccountKey {
        account: id(&account("a")),
        key: String::from("key1"),
    };
    let key = Caller {
        object_id: Uuid::nil(),
        name: String::from("key1"),
        kind,
        audience: String::new(),
        sign_in: nave_engine::SignIn::default(),
    };
    let call = async |name: &str| {
        nave.send(&key, Method::POST, &format!("{}/call", account(name)), json!({}))
            .await
    };
    let answer = call("a").await;
    assert_eq!(answer.status, 204);
    let event = &nave.explain(answer.decision).await[0];
    assert_eq!(event.detail["decision"]["findings"][0]["reason"], "AccountKey");
    assert_eq!(event.caller, format!("{}#key1", account("a")));
    assert_eq!(call("b").await.refusal(), (401, "PermissionDenied"));
    for path in [RG, "/signedin", "/subscriptions"] {
        assert_eq!(
            nave.send(&key, Method::GET, path, Value::Null).await.refusal(),
            (401, "PermissionDenied"),
            "{path}"
        );
    }
    nave.put(row("a", false)).await;
    assert_eq!(call("a").await.refusal(), (403, "AuthenticationTypeDisabled"));
}

#[tokio::test]
async fn a_data_action_is_not_a_control_action() {
    let nave = Nave::start().await;
    let account = format!("{RG}/providers/Microsoft.CognitiveServices/accounts/a");
    nave.put(Put::new(id(&account), json!({}))).await;
    let call = format!("{account}/call");
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let user = nave.user_with("user@contoso.com", COGNITIVE_USER, &account).await;
    assert_eq!(
        nave.send(&owner, Method::POST, &call, json!({})).await.refusal(),
        (401, "PermissionDenied")
    );
    assert_eq!(nave.send(&user, Method::POST, &call, json!({})).await.status, 204);
}

#[tokio::test]
async fn lists_show_what_may_be_read() {
    let nave = Nave::start().await;
    for name in ["a", "b", "c"] {
        nave.make(&thing(name), json!({})).await;
    }
    let joe = nave.user_with("joe@contoso.com", READER, &thing("b")).await;
    let list = format!("{RG}/providers/Test.Engine/things");
    let answer = nave.send(&joe, Method::GET, &list, Value::Null).await;
    let names: Vec<&str> = answer.body["value"]
        .as_array()
        .expect("list")
        .iter()
        .filter_map(|v| v["name"].as_str())
        .collect();
    assert_eq!(names, ["b"]);
}
