//! Calls through a project's connections: used without being seen.

mod common;

use common::{
    ACCOUNT, AI_DEVELOPER, CHAT, HUB, KEY, Nave, OPENAI_USER, OTHER_ACCOUNT, OTHER_KEY, PROJECT,
    PROJECT_CHAT, RG, Script, Upstream, hello, hello_with, id, key_holder,
};
use nave_engine::{Caller, EventQuery, Read};
use serde_json::{Value, json};

/// A project whose hub shares a connection to the first account, and its developer, who has no other role.
async fn project() -> (Nave, Caller) {
    let nave = Nave::start().await;
    nave.hub_and_project().await;
    nave.shared_connection(KEY).await;
    let developer = nave.user_with("dev@contoso.com", AI_DEVELOPER, PROJECT).await;
    (nave, developer)
}

fn names(model: &str) -> Value {
    hello_with(json!({ "model": model }))
}

#[tokio::test]
async fn a_developer_of_the_project_chats_through_the_hubs_connection() {
    let (nave, developer) = project().await;
    let paths = [
        PROJECT_CHAT,
        "/api/projects/p1/openai/deployments/chat/chat/completions?api-version=2024-10-21",
        "/api/projects/p1/openai/deployments/shared/chat/chat/completions?api-version=2024-10-21",
    ];
    for path in paths {
        let answer = nave.post(&developer, path, hello()).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    for model in ["shared/chat", "SHARED/Chat"] {
        assert_eq!(
            nave.post(&developer, PROJECT_CHAT, names(model)).await.status,
            200,
            "{model}"
        );
    }
    let stream = nave
        .post(&developer, PROJECT_CHAT, hello_with(json!({"stream": true})))
        .await;
    assert_eq!(stream.events.last().map(String::as_str), Some("[DONE]"));
    let direct = nave.post(&developer, CHAT, hello()).await;
    assert_eq!(
        (direct.status, direct.code()),
        (401, "PermissionDenied"),
        "he has no role on the account"
    );
}

#[tokio::test]
async fn who_is_no_member_is_refused() {
    let (nave, _) = project().await;
    for (name, scope) in [("lee@contoso.com", HUB), ("ann@contoso.com", ACCOUNT)] {
        let other = nave.user_with(name, AI_DEVELOPER, scope).await;
        assert_eq!(
            nave.post(&other, PROJECT_CHAT, hello()).await.code(),
            "PermissionDenied",
            "{scope}"
        );
    }
    let answer = nave.post(&key_holder(ACCOUNT), PROJECT_CHAT, hello()).await;
    assert_eq!(
        answer.code(),
        "PermissionDenied",
        "a key is of its account, not of projects"
    );
}

#[tokio::test]
async fn a_use_is_recorded_at_the_project_with_its_connection() {
    let (nave, developer) = project().await;
    nave.post(&developer, PROJECT_CHAT, hello()).await;
    let calls = nave.calls().await;
    assert_eq!(calls.len(), 2);
    for event in &calls {
        assert_eq!(
            (event.resource.as_str(), event.caller_name.as_str()),
            (PROJECT, "dev@contoso.com")
        );
        let detail = &event.detail["detail"];
        assert_eq!(detail["connection"], json!(format!("{HUB}/connections/shared")));
        assert_eq!(
            (&detail["account"], &detail["deployment"]),
            (&json!(ACCOUNT), &json!("chat"))
        );
    }
    assert!(calls[1].detail["detail"]["completionTokens"].as_u64() > Some(10));
    assert!(!nave.log().await.contains(KEY));
}

#[tokio::test]
async fn who_used_a_hubs_connection_is_asked_at_the_hub() {
    let (nave, developer) = project().await;
    nave.post(&developer, PROJECT_CHAT, hello()).await;
    assert_eq!(nave.calls().await.len(), 2, "the call is recorded to its end");
    let grant = nave.engine.on_own_account::<Read>("test", &id(HUB));
    let events = nave
        .engine
        .events(&grant, EventQuery::default())
        .await
        .expect("events");
    let calls: Vec<_> = events
        .iter()
        .filter(|event| event.operation.contains("/OpenAI/"))
        .map(|event| {
            (
                event.resource.as_str(),
                event.caller_name.as_str(),
                event.outcome.as_str(),
            )
        })
        .collect();
    let of = |outcome| (PROJECT, "dev@contoso.com", outcome);
    assert_eq!(calls, [of("Succeeded"), of("Started")]);
}

#[tokio::test]
async fn a_key_must_be_a_present_key_of_the_account() {
    let (nave, developer) = project().await;
    for key in ["0000", OTHER_KEY, "a-key-that-was-regenerated"] {
        nave.shared_connection(key).await;
        let answer = nave.post(&developer, PROJECT_CHAT, hello()).await;
        assert_eq!(
            (answer.status, answer.code()),
            (424, "UpstreamCredentialRejected"),
            "{key}: {answer:?}"
        );
        assert!(!format!("{answer:?}").contains(key));
    }
}

#[tokio::test]
async fn an_account_without_keys_takes_none_from_connections_either() {
    let (nave, developer) = project().await;
    nave.account(ACCOUNT, KEY, json!({ "disableLocalAuth": true }))
        .await;
    assert_eq!(
        nave.post(&developer, PROJECT_CHAT, hello()).await.code(),
        "AuthenticationTypeDisabled"
    );
}

#[tokio::test]
async fn an_aad_connection_asks_who_is_calling() {
    let (nave, developer) = project().await;
    let properties =
        json!({"category": "AzureOpenAi", "authType": "AAD", "metadata": {"ResourceId": OTHER_ACCOUNT}});
    nave.connection(HUB, "own", properties, "").await;
    let answer = nave.post(&developer, PROJECT_CHAT, names("own/other")).await;
    assert_eq!((answer.status, answer.code()), (401, "PermissionDenied"));
    assert!(answer.message().contains(OTHER_ACCOUNT), "{answer:?}");
    nave.give(developer.object_id, OPENAI_USER, OTHER_ACCOUNT).await;
    assert_eq!(
        nave.post(&developer, PROJECT_CHAT, names("own/other"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_name_is_looked_for_in_the_projects_own_connections_first() {
    let (nave, developer) = project().await;
    nave.deployment(OTHER_ACCOUNT, "chat", "gpt-4o", json!({})).await;
    let properties =
        json!({"category": "AIServices", "authType": "ApiKey", "target": "https://ai2.openai.nave.test"});
    nave.connection(PROJECT, "own", properties.clone(), OTHER_KEY)
        .await;
    let used =
        |calls: &[nave_engine::Event]| calls.last().expect("a call").detail["detail"]["account"].clone();
    nave.post(&developer, PROJECT_CHAT, hello()).await;
    assert_eq!(used(&nave.calls().await), json!(OTHER_ACCOUNT));
    nave.post(&developer, PROJECT_CHAT, names("shared/chat")).await;
    assert_eq!(used(&nave.calls().await), json!(ACCOUNT));
    nave.connection(PROJECT, "shared", properties, OTHER_KEY).await;
    nave.post(&developer, PROJECT_CHAT, names("shared/chat")).await;
    assert_eq!(
        used(&nave.calls().await),
        json!(OTHER_ACCOUNT),
        "an own connection shadows the hub's"
    );
}

#[tokio::test]
async fn another_server_is_called_with_the_connections_key_and_only_by_name() {
    let (nave, developer) = project().await;
    let whole = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"theirs"}}]}"#;
    let upstream = Upstream::start(Script::Reply(
        200,
        vec![("content-type", "application/json")],
        whole.to_owned(),
    ))
    .await;
    let properties =
        json!({"category": "OpenAi", "authType": "ApiKey", "target": format!("{}/v1", upstream.url)});
    nave.connection(HUB, "vendor", properties, "canary-vendor-key")
        .await;
    let unnamed = nave.post(&developer, PROJECT_CHAT, names("org/model")).await;
    assert_eq!((unnamed.status, unnamed.code()), (404, "DeploymentNotFound"));
    assert!(upstream.arrived().is_empty());
    let answer = nave
        .post(&developer, PROJECT_CHAT, names("vendor/org/model"))
        .await;
    assert_eq!((answer.status, answer.said().as_str()), (200, "theirs"));
    let arrived = upstream.only();
    assert_eq!(arrived.body["model"], json!("org/model"));
    assert_eq!(arrived.headers["authorization"], "Bearer canary-vendor-key");
    assert!(!nave.log().await.contains("canary-vendor-key"));
}

#[tokio::test]
async fn a_connection_to_azure_is_called_in_its_dialect() {
    let (nave, developer) = project().await;
    let upstream = Upstream::start(Script::Reply(200, vec![], String::from("{}"))).await;
    let properties = json!({
        "category": "AzureOpenAi", "authType": "ApiKey", "target": upstream.url,
        "metadata": {"ApiVersion": "2025-01-01", "ResourceId": "/subscriptions/x/resourceGroups/y/providers/Microsoft.CognitiveServices/accounts/away"},
    });
    nave.connection(HUB, "away", properties, "canary-azure-key").await;
    assert_eq!(
        nave.post(&developer, PROJECT_CHAT, names("away/gpt"))
            .await
            .status,
        200
    );
    let arrived = upstream.only();
    assert_eq!(
        arrived.path,
        "/openai/deployments/gpt/chat/completions?api-version=2025-01-01"
    );
    assert_eq!(arrived.headers["api-key"], "canary-azure-key");
}

#[tokio::test]
async fn what_is_not_there_or_does_not_fit_is_said() {
    let (nave, developer) = project().await;
    let add = |name: &'static str, properties: Value, key: &'static str| {
        let nave = &nave;
        async move { nave.connection(PROJECT, name, properties, key).await }
    };
    add("serp", json!({"category": "Serp", "authType": "ApiKey"}), "k").await;
    add(
        "away",
        json!({"category": "AzureOpenAI", "authType": "AAD", "target": "https://a.openai.azure.com"}),
        "",
    )
    .await;
    add(
        "empty",
        json!({"category": "OpenAI", "authType": "ApiKey", "target": "https://a"}),
        "",
    )
    .await;
    add(
        "odd",
        json!({"category": "OpenAI", "authType": "ApiKey", "target": "a place"}),
        "k",
    )
    .await;
    add(
        "pat",
        json!({"category": "OpenAI", "authType": "PAT", "target": "https://a"}),
        "k",
    )
    .await;
    let cases = [
        ("nope", 404, "DeploymentNotFound", "'chat', 'embed'"),
        ("shared/nope", 404, "DeploymentNotFound", "'chat', 'embed'"),
        ("serp/x", 404, "DeploymentNotFound", "'serp/x'"),
        (
            "away/x",
            400,
            "OperationNotSupported",
            "only works for accounts of this server",
        ),
        ("empty/x", 400, "OperationNotSupported", "holds no key"),
        ("odd/x", 400, "OperationNotSupported", "not the URL"),
        ("pat/x", 400, "OperationNotSupported", "'pat'"),
    ];
    for (model, status, code, hint) in cases {
        let answer = nave.post(&developer, PROJECT_CHAT, names(model)).await;
        assert_eq!(
            (answer.status, answer.code()),
            (status, code),
            "{model}: {answer:?}"
        );
        assert!(answer.message().contains(hint), "{model}: {}", answer.message());
    }
    let path = "/api/projects/p1/openai/deployments/serp/x/chat/completions?api-version=2024-10-21";
    let answer = nave.post(&developer, path, hello()).await;
    assert_eq!(
        (answer.status, answer.code()),
        (404, "ResourceNotFound"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_connection_that_the_hub_keeps_to_itself_is_not_there() {
    let (nave, developer) = project().await;
    let properties = json!({
        "category": "AzureOpenAI", "authType": "ApiKey", "target": "https://nave.test/ai/ai1/", "isSharedToAll": false,
    });
    nave.connection(HUB, "shared", properties, KEY).await;
    assert_eq!(
        nave.post(&developer, PROJECT_CHAT, hello()).await.code(),
        "DeploymentNotFound"
    );
}

#[tokio::test]
async fn a_project_is_called_by_its_guid_or_its_name_where_only_one_has_it() {
    let (nave, developer) = project().await;
    let twin = format!(
        "{}2/providers/Microsoft.MachineLearningServices/workspaces/P1",
        RG
    );
    let guid = nave.project(&twin).await;
    nave.give(developer.object_id, AI_DEVELOPER, &twin).await;
    let answer = nave.post(&developer, PROJECT_CHAT, hello()).await;
    assert_eq!((answer.status, answer.code()), (400, "InvalidParameter"));
    assert!(answer.message().contains("workspaceId"));
    for guid in [guid.clone(), guid.to_uppercase()] {
        let path = format!("/api/projects/{guid}/openai/v1/chat/completions");
        assert_eq!(nave.post(&developer, &path, hello()).await.status, 200, "{guid}");
    }
    let nowhere = nave
        .post(&developer, "/api/projects/p9/openai/v1/chat/completions", hello())
        .await;
    assert_eq!((nowhere.status, nowhere.code()), (404, "ResourceNotFound"));
}

#[tokio::test]
async fn models_of_every_connection_are_listed_under_the_name_to_call_them_by() {
    let (nave, developer) = project().await;
    nave.deployment(OTHER_ACCOUNT, "chat", "gpt-4o", json!({})).await;
    let properties =
        json!({"category": "AzureOpenAI", "authType": "ApiKey", "metadata": {"ResourceId": OTHER_ACCOUNT}});
    nave.connection(PROJECT, "own", properties, OTHER_KEY).await;
    let list = nave.get(&developer, "/api/projects/p1/openai/v1/models").await;
    let models: Vec<(&str, &str)> = list.body["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|model| {
            (
                model["id"].as_str().expect("id"),
                model["connection"].as_str().expect("connection"),
            )
        })
        .collect();
    assert_eq!(
        models,
        [
            ("chat", "own"),
            ("other", "own"),
            ("shared/chat", "shared"),
            ("embed", "shared")
        ]
    );
    for (model, _) in models {
        let path = format!("/api/projects/p1/openai/v1/models/{model}");
        assert_eq!(nave.get(&developer, &path).await.body["id"], json!(model));
    }
}
