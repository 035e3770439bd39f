//! Connections: every kind is kept, none shows its credential, and what a hub shares is used by its projects.

mod common;

use common::{AI_DEVELOPER, CONTRIBUTOR, Nave, OWNER, READER, RG, code, names};
use nave_engine::{Caller, EventQuery, Read};
use serde_json::{Value, json};

const CANARY: &str = "canary-credential";

fn by_key(target: &str) -> Value {
    json!({ "properties": {
        "category": "AzureOpenAi", "authType": "ApiKey", "target": target, "credentials": { "key": CANARY },
        "metadata": { "ApiType": "Azure" }, "isSharedToAll": true,
    } })
}

fn connection(workspace: &str, name: &str) -> String {
    format!("{workspace}/connections/{name}")
}

#[tokio::test]
async fn every_kind_is_kept_and_none_shows_its_credential() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let lead = nave.user_with("lead", AI_DEVELOPER, &hub).await;
    let sas = || json!({ "sas": CANARY });
    let key = || json!({ "key": CANARY });
    for (name, category, auth_type, credentials) in [
        ("aoai-key", "AzureOpenAi", "ApiKey", key()),
        ("aoai-aad", "AzureOpenAi", "AAD", json!(null)),
        ("services", "AIServices", "ApiKey", key()),
        ("search", "CognitiveSearch", "ApiKey", key()),
        ("blob", "AzureBlob", "AccountKey", sas()),
        ("blob-sas", "AzureBlob", "SAS", sas()),
        ("api", "ApiKey", "ApiKey", key()),
        ("openai", "OpenAi", "ApiKey", key()),
        ("serp", "Serp", "ApiKey", key()),
        ("safety", "CognitiveService", "ApiKey", key()),
        ("serverless", "Serverless", "ApiKey", key()),
        ("git", "Git", "PAT", json!({ "pat": CANARY })),
        (
            "registry",
            "ContainerRegistry",
            "UsernamePassword",
            json!({ "username": "u", "password": CANARY }),
        ),
        (
            "custom",
            "CustomKeys",
            "CustomKeys",
            json!({ "keys": { "a": CANARY } }),
        ),
        (
            "bucket",
            "S3",
            "AccessKey",
            json!({ "accessKeyId": "a", "secretAccessKey": CANARY }),
        ),
        (
            "identity",
            "CustomKeys",
            "ManagedIdentity",
            json!({ "clientId": "c", "resourceId": "r" }),
        ),
        (
            "principal",
            "AzureSqlDb",
            "ServicePrincipal",
            json!({ "clientId": "c", "clientSecret": CANARY, "tenantId": "t" }),
        ),
        ("feed", "PythonFeed", "None", json!(null)),
        (
            "future",
            "SomethingNew",
            "OAuth2",
            json!({ "clientSecret": CANARY }),
        ),
    ] {
        let path = connection(&hub, name);
        let body = json!({ "properties": {
            "category": category, "authType": auth_type, "target": "https://x", "credentials": credentials, "metadata": {},
        } });
        let created = nave.put_as(&lead, &path, body).await;
        assert_eq!(created.0, 200, "{name}: {}", created.1);
        let read = nave.get(&lead, &path).await;
        assert_eq!(read, created, "{name}");
        assert!(!read.1.to_string().contains(CANARY), "{name}");
        assert_eq!(
            (
                &read.1["properties"]["category"],
                &read.1["properties"]["credentials"]
            ),
            (&json!(category), &json!(null))
        );
        let shown = nave
            .post(&lead, &format!("{path}/listsecrets"), json!(null))
            .await;
        assert_eq!(
            (shown.0, &shown.1["properties"]["credentials"]),
            (200, &credentials),
            "{name}"
        );
    }
    let list = nave
        .get(&lead, &format!("{hub}/connections?includeAll=false"))
        .await;
    assert_eq!(names(&list).len(), 19);
    assert!(!list.1.to_string().contains(CANARY));
    let found = nave
        .get(&lead, &format!("{hub}/connections?category=azureopenai"))
        .await;
    assert_eq!(names(&found), ["aoai-aad", "aoai-key"]);
}

#[tokio::test]
async fn a_developer_uses_what_the_hub_shares_and_does_not_see_its_secret() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let project = nave.project("project", &hub).await;
    nave.make(&connection(&hub, "shared"), by_key("https://x")).await;
    let developer = nave.user_with("developer", AI_DEVELOPER, &project).await;
    let seen = nave.get(&developer, &connection(&project, "shared")).await;
    assert_eq!(
        (seen.0, &seen.1["properties"]["inheritedFrom"]),
        (200, &json!(hub)),
        "{}",
        seen.1
    );
    assert_eq!(seen.1["properties"]["createdByWorkspaceArmId"], json!(hub));
    assert_eq!(
        names(&nave.get(&developer, &format!("{project}/connections")).await),
        ["shared"]
    );
    for path in [connection(&project, "shared"), connection(&hub, "shared")] {
        let refused = nave
            .post(&developer, &format!("{path}/listsecrets"), json!(null))
            .await;
        assert_eq!(refused.0, 403, "{path}: {}", refused.1);
        assert!(!refused.1.to_string().contains(CANARY));
    }
    let lead = nave.user_with("lead", AI_DEVELOPER, &hub).await;
    nave.give(lead.object_id, AI_DEVELOPER, &project).await;
    let shown = nave
        .post(
            &lead,
            &format!("{}/listsecrets", connection(&project, "shared")),
            json!(null),
        )
        .await;
    assert_eq!(shown.1["properties"]["credentials"]["key"], json!(CANARY));
    let reader = nave.user_with("reader", READER, RG).await;
    for path in [connection(&project, "shared"), connection(&hub, "shared")] {
        assert_eq!(nave.get(&reader, &path).await.0, 200);
        assert_eq!(
            nave.post(&reader, &format!("{path}/listsecrets"), json!(null))
                .await
                .0,
            403
        );
    }
}

#[tokio::test]
async fn showing_a_secret_and_refusing_to_leave_a_trace() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    nave.make(&connection(&hub, "shared"), by_key("https://x")).await;
    let owner = nave.user_with("owner", OWNER, &hub).await;
    let reader = nave.user_with("reader", READER, &hub).await;
    let path = format!("{}/listsecrets", connection(&hub, "shared"));
    nave.post(&owner, &path, json!(null)).await;
    nave.post(&reader, &path, json!(null)).await;
    let grant = nave.engine.on_own_account::<Read>("test", &common::id(&hub));
    let query = EventQuery {
        limit: Some(100),
        ..EventQuery::default()
    };
    let events = nave.engine.events(&grant, query).await.expect("events");
    let text = format!("{events:?}");
    assert!(!text.contains(CANARY));
    let outcomes = |outcome: &str| {
        let is = |text: String| text.contains("listsecrets/action") && text.contains(outcome);
        events.iter().filter(|event| is(format!("{event:?}"))).count()
    };
    assert_eq!((outcomes("Succeeded"), outcomes("Denied")), (1, 1), "{text}");
}

#[tokio::test]
async fn what_projects_do_with_a_hubs_connection_is_in_the_hubs_log() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let project = nave.project("project", &hub).await;
    nave.make(&connection(&hub, "shared"), by_key("https://x")).await;
    let lead = nave.user_with("lead", AI_DEVELOPER, &hub).await;
    nave.give(lead.object_id, AI_DEVELOPER, &project).await;
    let developer = nave.user_with("developer", AI_DEVELOPER, &project).await;
    let path = format!("{}/listsecrets", connection(&project, "shared"));
    nave.post(&lead, &path, json!(null)).await;
    nave.post(&developer, &path, json!(null)).await;
    let at = common::id(&connection(&hub, "shared"));
    let grant = nave.engine.on_own_account::<Read>("test", &at);
    let events = nave
        .engine
        .events(&grant, EventQuery::default())
        .await
        .expect("events");
    let told: Vec<_> = events
        .iter()
        .filter(|event| event.resource == connection(&project, "shared"))
        .map(|event| (event.caller_name.as_str(), event.outcome.as_str()))
        .collect();
    assert_eq!(told, [("developer", "Denied"), ("lead", "Succeeded")]);
}

#[tokio::test]
async fn names_are_as_long_as_templates_make_them() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    for name in ["aih-demo-tnw7-connection-AzureOpenAI", &"n".repeat(255)] {
        nave.make(&connection(&hub, name), by_key("https://x")).await;
    }
    for name in ["ab", "a b", "-abc", &"n".repeat(256)] {
        let answer = nave
            .put_as(&Caller::system(), &connection(&hub, name), by_key("https://x"))
            .await;
        assert_eq!(code(&answer), "InvalidResourceName", "{name}");
    }
}

#[tokio::test]
async fn a_projects_own_connection_stands_before_the_hubs() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let (project, sibling) = (
        nave.project("project", &hub).await,
        nave.project("sibling", &hub).await,
    );
    nave.make(&connection(&hub, "model"), by_key("https://hub")).await;
    let developer = nave.user_with("developer", AI_DEVELOPER, &project).await;
    let own = nave
        .put_as(&developer, &connection(&project, "Model"), by_key("https://own"))
        .await;
    assert_eq!(
        (own.0, &own.1["properties"]["isSharedToAll"]),
        (200, &json!(false)),
        "a member shares nothing upward"
    );
    let target = |answer: &common::Answer| answer.1["properties"]["target"].clone();
    assert_eq!(
        target(&nave.get(&developer, &connection(&project, "model")).await),
        json!("https://own")
    );
    assert_eq!(
        names(&nave.get(&developer, &format!("{project}/connections")).await),
        ["Model"]
    );
    let system = Caller::system();
    assert_eq!(
        target(&nave.get(&system, &connection(&sibling, "model")).await),
        json!("https://hub")
    );
    assert_eq!(
        nave.delete(&developer, &connection(&project, "model")).await.0,
        200
    );
    assert_eq!(
        target(&nave.get(&developer, &connection(&project, "model")).await),
        json!("https://hub")
    );
    assert_eq!(
        nave.delete(&developer, &connection(&project, "model")).await.0,
        204,
        "the hub's is not his to delete"
    );
    assert_eq!(nave.get(&system, &connection(&hub, "model")).await.0, 200);
}

#[tokio::test]
async fn who_may_write_the_hubs_connections_shares_a_projects() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let (project, sibling) = (
        nave.project("project", &hub).await,
        nave.project("sibling", &hub).await,
    );
    let lead = nave.user_with("lead", AI_DEVELOPER, &hub).await;
    nave.give(lead.object_id, AI_DEVELOPER, &project).await;
    let shared = nave
        .put_as(&lead, &connection(&project, "shared"), by_key("https://x"))
        .await;
    assert_eq!(shared.1["properties"]["isSharedToAll"], json!(true));
    let mut private = by_key("https://x");
    private["properties"]["isSharedToAll"] = json!("false");
    nave.make(&connection(&hub, "private"), private).await;
    let seen = nave
        .get(&Caller::system(), &format!("{sibling}/connections"))
        .await;
    assert_eq!(names(&seen), ["shared"]);
    let developer = nave.user_with("developer", AI_DEVELOPER, &project).await;
    let at_hub = nave
        .put_as(&developer, &connection(&hub, "mine"), by_key("https://x"))
        .await;
    assert_eq!(code(&at_hub), "AuthorizationFailed");
}

#[tokio::test]
async fn a_hub_shows_its_projects_connections_to_who_manages_them() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let (one, two) = (nave.project("one", &hub).await, nave.project("two", &hub).await);
    nave.make(&connection(&hub, "shared"), by_key("https://x")).await;
    nave.make(&connection(&one, "own-one"), by_key("https://x")).await;
    nave.make(&connection(&two, "own-two"), by_key("https://x")).await;
    let manager = nave.user_with("manager", CONTRIBUTOR, &hub).await;
    let developer = nave.user_with("developer", AI_DEVELOPER, &one).await;
    let list = format!("{hub}/connections?includeProjects=true");
    assert_eq!(
        names(&nave.get(&manager, &list).await),
        ["own-one", "own-two", "shared"]
    );
    assert_eq!(names(&nave.get(&developer, &list).await), ["own-one", "shared"]);
    assert_eq!(
        names(&nave.get(&manager, &format!("{hub}/connections")).await),
        ["shared"]
    );
}

#[tokio::test]
async fn a_credential_goes_nowhere_it_was_not_given_for() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let path = connection(&hub, "model");
    nave.make(&path, by_key("https://x")).await;
    let lead = nave.user_with("lead", AI_DEVELOPER, &hub).await;
    let secret = async |lead: &Caller| {
        nave.post(lead, &format!("{path}/listsecrets"), json!(null))
            .await
            .1["properties"]["credentials"]
            .clone()
    };
    let kept = nave
        .patch(
            &lead,
            &path,
            json!({ "properties": { "metadata": { "a": "b" } } }),
        )
        .await;
    assert_eq!((kept.0, secret(&lead).await), (200, json!({ "key": CANARY })));
    let sent_elsewhere = nave
        .patch(
            &lead,
            &path,
            json!({ "properties": { "target": "https://evil" } }),
        )
        .await;
    assert_eq!(
        (sent_elsewhere.0, &sent_elsewhere.1["error"]["target"]),
        (400, &json!("properties.target"))
    );
    let moved = json!({ "properties": { "target": "https://y", "credentials": { "key": "another" } } });
    assert_eq!(nave.patch(&lead, &path, moved).await.0, 200);
    assert_eq!(secret(&lead).await, json!({ "key": "another" }));
    let by_token = nave
        .patch(&lead, &path, json!({ "properties": { "authType": "AAD" } }))
        .await;
    assert_eq!(
        (by_token.0, secret(&lead).await),
        (200, json!(null)),
        "a key is of no use to a token"
    );
}

#[tokio::test]
async fn a_credential_may_be_for_nobodys_eyes() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let path = connection(&hub, "model");
    let mut body = by_key("https://x");
    body["properties"]["neverReveal"] = json!(true);
    nave.make(&path, body).await;
    let owner = nave.user_with("owner", OWNER, RG).await;
    let refused = nave
        .post(&owner, &format!("{path}/listsecrets"), json!(null))
        .await;
    assert_eq!(code(&refused), "AuthorizationFailed");
    let opened = nave
        .patch(&owner, &path, json!({ "properties": { "neverReveal": false } }))
        .await;
    assert_eq!(opened.0, 400, "{}", opened.1);
}

#[tokio::test]
async fn the_deployments_behind_a_connection_are_shown_to_who_may_use_it() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let project = nave.project("project", &hub).await;
    let account = nave.account("ai1", CANARY).await;
    nave.make(&connection(&hub, "by-key"), by_key("https://nave.test/ai/ai1/"))
        .await;
    let stolen = |auth_type: &str, key: &str| {
        json!({ "properties": { "category": "AzureOpenAI", "authType": auth_type, "target": "https://x",
            "credentials": { "key": key }, "metadata": { "ResourceId": account } } })
    };
    nave.make(&connection(&hub, "by-token"), stolen("AAD", "")).await;
    nave.make(&connection(&hub, "wrong-key"), stolen("ApiKey", "guess"))
        .await;
    nave.make(&connection(&hub, "outside"), by_key("https://x")).await;
    let developer = nave.user_with("developer", AI_DEVELOPER, &project).await;
    let list = |name: &str| format!("{}/deployments", connection(&project, name));
    let found = nave.get(&developer, &list("by-key")).await;
    assert_eq!(names(&found), ["chat"]);
    assert_eq!(
        found.1["value"][0]["properties"]["model"]["name"],
        json!("gpt-4o")
    );
    assert_eq!(
        found.1["value"][0]["id"],
        json!(format!("{}/chat", list("by-key")))
    );
    assert_eq!(
        nave.get(&developer, &format!("{}/CHAT", list("by-key"))).await.0,
        200
    );
    assert_eq!(
        code(&nave.get(&developer, &format!("{}/none", list("by-key"))).await),
        "DeploymentNotFound"
    );
    for (name, expected) in [
        ("by-token", "LinkedAuthorizationFailed"),
        ("wrong-key", "LinkedAuthorizationFailed"),
        ("outside", "InvalidResourceReference"),
        ("none", "ResourceNotFound"),
    ] {
        assert_eq!(code(&nave.get(&developer, &list(name)).await), expected, "{name}");
    }
    nave.give(developer.object_id, READER, &account).await;
    assert_eq!(names(&nave.get(&developer, &list("by-token")).await), ["chat"]);
    assert_eq!(
        code(&nave.get(&developer, &list("wrong-key")).await),
        "LinkedAuthorizationFailed"
    );
    let stranger = nave.user("stranger").await;
    assert_eq!(
        code(&nave.get(&stranger, &list("by-key")).await),
        "AuthorizationFailed"
    );
}

#[tokio::test]
async fn a_test_finds_a_key_that_is_none_of_the_accounts() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    nave.account("ai1", "the-key").await;
    let mut right = by_key("https://nave.test/ai/ai1/");
    right["properties"]["credentials"]["key"] = json!("the-key");
    nave.make(&connection(&hub, "right"), right).await;
    nave.make(&connection(&hub, "wrong"), by_key("https://nave.test/ai/ai1/"))
        .await;
    nave.make(&connection(&hub, "outside"), by_key("https://x")).await;
    for (name, status) in [("right", 202), ("wrong", 400), ("outside", 202)] {
        let answer = nave
            .post(
                &Caller::system(),
                &format!("{}/testconnection", connection(&hub, name)),
                json!({}),
            )
            .await;
        assert_eq!(answer.0, status, "{name}: {}", answer.1);
        assert!(!answer.1.to_string().contains(CANARY));
    }
}

#[tokio::test]
async fn a_credential_in_any_casing_is_sealed() {
    let nave = Nave::start().await;
    let hub = nave.hub("hub").await;
    let path = connection(&hub, "odd");
    let body = json!({ "PROPERTIES": { "AuthType": "apikey", "Category": "x", "CREDENTIALS": { "Key": CANARY }, "Value": CANARY } });
    let made = nave.make(&path, body).await;
    assert!(!made.to_string().contains(CANARY), "{made}");
    assert!(
        !nave
            .get(&Caller::system(), &path)
            .await
            .1
            .to_string()
            .contains(CANARY)
    );
    let rows: Vec<String> = nave
        .engine
        .snapshot()
        .below(&common::id(&hub))
        .map(|row| format!("{:?}{:?}", row.sent, row.own))
        .collect();
    assert!(!rows.concat().contains(CANARY));
}
