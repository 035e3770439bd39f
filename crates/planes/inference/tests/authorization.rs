//! Who may call models.

mod common;

use common::{
    ACCOUNT, Answer, CHAT, CONTRIBUTOR, KEY, Nave, OPENAI_USER, OTHER_ACCOUNT, V1_CHAT, hello, key_holder,
};
use http::Method;
use nave_engine::{Act, Caller, Change, Erase, Expect};
use serde_json::{Value, json};

async fn chat(nave: &Nave, caller: &Caller) -> (u16, String) {
    let answer = nave.post(caller, CHAT, hello()).await;
    (answer.status, answer.code().to_owned())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn allowed() -> (u16, String) {
    (200, String::new())
}

#[tokio::test]
async fn nobody_is_asked_to_sign_in() {
    let nave = Nave::start().await;
    for path in [CHAT, V1_CHAT, "/ai/nowhere/openai/v1/chat/completions"] {
        let answer = Answer::of(
            nave.send(None, Method::POST, path, hello().to_string().into())
                .await,
        )
        .await;
        assert_eq!(
            (answer.status, answer.code()),
            (401, "AuthenticationFailed"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_key_opens_its_own_account_only() {
    let nave = Nave::start().await;
    assert_eq!(chat(&nave, &key_holder(ACCOUNT)).await, allowed());
    assert_eq!(
        chat(&nave, &key_holder(OTHER_ACCOUNT)).await,
        refused(401, "PermissionDenied")
    );
}

#[tokio::test]
async fn a_token_needs_the_data_action() {
    let nave = Nave::start().await;
    let contributor = nave.user_with("cathy@contoso.com", CONTRIBUTOR, common::RG).await;
    assert_eq!(chat(&nave, &contributor).await, refused(401, "PermissionDenied"));
    let user = nave.user_with("uma@contoso.com", OPENAI_USER, ACCOUNT).await;
    assert_eq!(chat(&nave, &user).await, allowed());
    let neighbour = nave
        .user_with("nora@contoso.com", OPENAI_USER, OTHER_ACCOUNT)
        .await;
    assert_eq!(chat(&nave, &neighbour).await, refused(401, "PermissionDenied"));
}

#[tokio::test]
async fn a_refusal_names_the_missing_data_action() {
    let nave = Nave::start().await;
    let stranger = nave.user("sam@contoso.com").await;
    let answer = nave.post(&stranger, CHAT, hello()).await;
    let action = "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action";
    assert!(answer.message().contains(action), "{answer:?}");
}

#[tokio::test]
async fn a_token_for_another_audience_is_not_taken() {
    let nave = Nave::start().await;
    let mut user = nave.user_with("uma@contoso.com", OPENAI_USER, ACCOUNT).await;
    user.audience = String::from("https://graph.microsoft.com");
    assert_eq!(
        chat(&nave, &user).await,
        refused(401, "InvalidAuthenticationTokenAudience")
    );
}

#[tokio::test]
async fn an_account_may_switch_its_keys_off() {
    let nave = Nave::start().await;
    nave.account(ACCOUNT, KEY, json!({ "disableLocalAuth": true }))
        .await;
    assert_eq!(
        chat(&nave, &key_holder(ACCOUNT)).await,
        refused(403, "AuthenticationTypeDisabled")
    );
    let user = nave.user_with("uma@contoso.com", OPENAI_USER, ACCOUNT).await;
    assert_eq!(chat(&nave, &user).await, allowed());
}

#[tokio::test]
async fn a_removed_role_is_gone_on_the_next_call() {
    let nave = Nave::start().await;
    let user = nave.user_with("uma@contoso.com", OPENAI_USER, ACCOUNT).await;
    assert_eq!(chat(&nave, &user).await, allowed());
    let snapshot = nave.engine.snapshot();
    let assignment = snapshot
        .roles()
        .assignments()
        .find(|one| one.principal == user.object_id)
        .expect("assignment");
    let erase = Erase {
        id: assignment.id(),
        expect: Expect::Any,
    };
    let grant = nave.engine.on_own_account::<Act>("test", &erase.id);
    nave.engine
        .commit(
            &grant,
            Change {
                erases: vec![erase],
                ..Change::default()
            },
        )
        .await
        .expect("commit");
    assert_eq!(chat(&nave, &user).await, refused(401, "PermissionDenied"));
}

/// The ten data actions of the custom role in the seeds (CR-04).
const CR_04: [&str; 10] = [
    "Microsoft.CognitiveServices/accounts/OpenAI/*/read",
    "Microsoft.CognitiveServices/accounts/OpenAI/engines/completions/action",
    "Microsoft.CognitiveServices/accounts/OpenAI/engines/search/action",
    "Microsoft.CognitiveServices/accounts/OpenAI/engines/generate/action",
    "Microsoft.CognitiveServices/accounts/OpenAI/deployments/search/action",
    "Microsoft.CognitiveServices/accounts/OpenAI/deployments/completions/action",
    "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action",
    "Microsoft.CognitiveServices/accounts/OpenAI/deployments/extensions/chat/completions/action",
    "Microsoft.CognitiveServices/accounts/OpenAI/deployments/embeddings/action",
    "Microsoft.CognitiveServices/accounts/OpenAI/images/generations/action",
];

#[tokio::test]
async fn the_custom_role_of_cr_04_calls_models_and_nothing_else() {
    let nave = Nave::start().await;
    let role = nave.role(&CR_04).await;
    let user = nave.user_with("dev@contoso.com", role, common::RG).await;
    let post = |path: &str, body: Value| {
        let (nave, user, path) = (&nave, &user, path.to_owned());
        async move { nave.post(user, &path, body).await.status }
    };
    assert_eq!(post(V1_CHAT, hello()).await, 200);
    assert_eq!(
        post(
            "/ai/ai1/openai/v1/completions",
            json!({"model": "chat", "prompt": "a"})
        )
        .await,
        200
    );
    assert_eq!(
        post(
            "/ai/ai1/openai/v1/embeddings",
            json!({"model": "embed", "input": "a"})
        )
        .await,
        200
    );
    assert_eq!(nave.get(&user, "/ai/ai1/openai/v1/models").await.status, 200);
    assert_eq!(post("/ai/ai1/openai/v1/images/generations", json!({})).await, 501);
    for path in [
        "fine_tuning/jobs",
        "assistants",
        "files",
        "audio/speech",
        "responses",
    ] {
        assert_eq!(
            post(&format!("/ai/ai1/openai/v1/{path}"), json!({})).await,
            401,
            "{path}"
        );
    }
}

#[tokio::test]
async fn each_operation_takes_its_own_data_action() {
    let nave = Nave::start().await;
    let served = [
        ("deployments/chat/completions/action", "chat/completions", hello()),
        (
            "deployments/completions/action",
            "completions",
            json!({"model": "chat", "prompt": "a"}),
        ),
        (
            "deployments/embeddings/action",
            "embeddings",
            json!({"model": "embed", "input": "a"}),
        ),
        ("models/read", "models", Value::Null),
    ];
    for (action, _, _) in &served {
        let role = nave
            .role(&[&format!("Microsoft.CognitiveServices/accounts/OpenAI/{action}")])
            .await;
        let user = nave
            .user_with(&format!("{role}@contoso.com"), role, ACCOUNT)
            .await;
        for (needed, path, body) in &served {
            let path = format!("/ai/ai1/openai/v1/{path}");
            let answer = if body.is_null() {
                nave.get(&user, &path).await
            } else {
                nave.post(&user, &path, body.clone()).await
            };
            assert_eq!(
                answer.status,
                if needed == action { 200 } else { 401 },
                "{path} with {action}"
            );
        }
    }
}

#[tokio::test]
async fn enforcement_comes_before_everything_else() {
    let nave = Nave::start().await;
    let stranger = nave.user("sam@contoso.com").await;
    let paths = [
        V1_CHAT,
        "/ai/ai1/openai/deployments/nope/chat/completions",
        "/ai/ai1/openai/v1/responses",
    ];
    for path in paths {
        let reply = nave
            .send(Some(&stranger), Method::POST, path, "not JSON".into())
            .await;
        assert_eq!(Answer::of(reply).await.code(), "PermissionDenied", "{path}");
    }
}
