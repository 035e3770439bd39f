//! Calls of an account's own deployments: forms of paths, forms of answers, refusals.

mod common;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use common::{ACCOUNT, Answer, CHAT, Nave, V1_CHAT, hello, hello_with, key_holder};
use http::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn chat_answers_at_both_forms() {
    let nave = Nave::start().await;
    for path in [CHAT, V1_CHAT, "/AI/ai1/OpenAI/v1/chat/completions"] {
        let answer = nave.post(&key_holder(ACCOUNT), path, hello()).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(
            answer.said().ends_with("You said: hello canary-prompt"),
            "{answer:?}"
        );
        assert_eq!(answer.body["model"], json!("nave-built-in"));
    }
}

#[tokio::test]
async fn a_stream_is_the_same_answer_in_pieces() {
    let nave = Nave::start().await;
    let whole = nave.post(&key_holder(ACCOUNT), CHAT, hello()).await;
    let answer = nave
        .post(&key_holder(ACCOUNT), CHAT, hello_with(json!({"stream": true})))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.said(), whole.said());
    assert_eq!(answer.events.last().map(String::as_str), Some("[DONE]"));
    assert!(
        !answer.events.iter().any(|event| event.contains("usage")),
        "nobody asked for the usage"
    );
}

#[tokio::test]
async fn a_stream_ends_with_the_usage_for_who_asks() {
    let nave = Nave::start().await;
    let body = hello_with(json!({"stream": true, "stream_options": {"include_usage": true}}));
    let answer = nave.post(&key_holder(ACCOUNT), CHAT, body).await;
    let [.., usage, done] = answer.events.as_slice() else {
        panic!("{answer:?}")
    };
    let usage: Value = serde_json::from_str(usage).expect("as the form says");
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"]["prompt_tokens"], json!(4));
    assert_eq!(done, "[DONE]");
}

#[tokio::test]
async fn embeddings_come_as_numbers_and_as_base64() {
    let nave = Nave::start().await;
    let path = "/ai/ai1/openai/deployments/embed/embeddings?api-version=2024-10-21";
    let embed = |format| json!({"input": ["a", "b"], "dimensions": 4, "encoding_format": format});
    let floats = nave.post(&key_holder(ACCOUNT), path, embed("float")).await;
    assert_eq!(
        floats.body["data"][1]["embedding"].as_array().map(Vec::len),
        Some(4),
        "{floats:?}"
    );
    let encoded = nave.post(&key_holder(ACCOUNT), path, embed("base64")).await;
    let text = encoded.body["data"][1]["embedding"]
        .as_str()
        .expect("as the form says");
    assert_eq!(BASE64_STANDARD.decode(text).expect("as the form says").len(), 16);
    assert_eq!(
        encoded.body["usage"],
        json!({"prompt_tokens": 2, "total_tokens": 2})
    );
}

#[tokio::test]
async fn completions_answer_too() {
    let nave = Nave::start().await;
    let body = json!({"model": "chat", "prompt": "Once", "max_tokens": 2});
    let answer = nave
        .post(&key_holder(ACCOUNT), "/ai/ai1/openai/v1/completions", body)
        .await;
    assert_eq!(
        (answer.status, &answer.body["choices"][0]["text"]),
        (200, &json!("This is"))
    );
}

#[tokio::test]
async fn models_are_the_deployments() {
    let nave = Nave::start().await;
    let list = nave.get(&key_holder(ACCOUNT), "/ai/ai1/openai/v1/models").await;
    let ids: Vec<_> = list.body["data"]
        .as_array()
        .expect("as the form says")
        .iter()
        .map(|model| model["id"].clone())
        .collect();
    assert_eq!(
        (ids, &list.body["object"]),
        (vec![json!("chat"), json!("embed")], &json!("list"))
    );
    let one = nave
        .get(
            &key_holder(ACCOUNT),
            "/ai/ai1/openai/models/chat?api-version=2024-10-21",
        )
        .await;
    assert_eq!(one.body["model"], json!("gpt-4o"));
    let none = nave
        .get(&key_holder(ACCOUNT), "/ai/ai1/openai/v1/models/gpt-5")
        .await;
    assert_eq!((none.status, none.code()), (404, "DeploymentNotFound"));
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let nave = Nave::start().await;
    let v1 = |model| hello_with(json!({ "model": model }));
    let embeddings = "/ai/ai1/openai/v1/embeddings";
    let dated = |version| format!("/ai/ai1/openai/deployments/chat/chat/completions?api-version={version}");
    let cases = [
        (
            CHAT.replace("/chat/chat/", "/nope/chat/"),
            hello(),
            404,
            "DeploymentNotFound",
            "'chat', 'embed'",
        ),
        (
            V1_CHAT.to_owned(),
            v1("nope"),
            404,
            "DeploymentNotFound",
            "'chat', 'embed'",
        ),
        (V1_CHAT.to_owned(), v1("a/b"), 404, "DeploymentNotFound", "'a/b'"),
        (
            V1_CHAT.to_owned(),
            json!({"model": "", "messages": [{}]}),
            400,
            "InvalidRequestFormat",
            "'model'",
        ),
        (
            V1_CHAT.replace("ai1", "ai9"),
            hello(),
            404,
            "ResourceNotFound",
            "'ai9'",
        ),
        (
            CHAT.replace("?api-version=2024-10-21", ""),
            hello(),
            400,
            "MissingApiVersionParameter",
            "api-version",
        ),
        (
            dated("yesterday"),
            hello(),
            400,
            "InvalidApiVersionParameter",
            "yesterday",
        ),
        (
            V1_CHAT.to_owned(),
            json!([]),
            400,
            "InvalidRequestContent",
            "JSON object",
        ),
        (
            V1_CHAT.to_owned(),
            json!({"model": "chat"}),
            400,
            "InvalidRequestFormat",
            "'messages'",
        ),
        (
            V1_CHAT.to_owned(),
            v1("embed"),
            400,
            "OperationNotSupported",
            "text-embedding-3-small",
        ),
        (
            embeddings.to_owned(),
            json!({"model": "chat", "input": "a"}),
            400,
            "OperationNotSupported",
            "gpt-4o",
        ),
        (
            embeddings.to_owned(),
            json!({"model": "embed", "input": 7}),
            400,
            "InvalidRequestFormat",
            "'input'",
        ),
    ];
    for (path, body, status, code, hint) in cases {
        let answer = nave.post(&key_holder(ACCOUNT), &path, body).await;
        assert_eq!(
            (answer.status, answer.code()),
            (status, code),
            "{path}: {answer:?}"
        );
        assert!(answer.message().contains(hint), "{path}: {}", answer.message());
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let nave = Nave::start().await;
    let reply = nave
        .send(
            Some(&key_holder(ACCOUNT)),
            Method::POST,
            V1_CHAT,
            "{\"messages\": [".into(),
        )
        .await;
    let answer = Answer::of(reply).await;
    assert_eq!((answer.status, answer.code()), (400, "InvalidRequestContent"));
}

#[tokio::test]
async fn what_comes_later_says_so() {
    let nave = Nave::start().await;
    let paths = [
        "/ai/ai1/openai/v1/responses",
        "/ai/ai1/openai/threads/runs?api-version=2024-05-01-preview",
    ];
    for path in paths {
        let answer = nave.post(&key_holder(ACCOUNT), path, json!({})).await;
        assert_eq!((answer.status, answer.code()), (501, "NotImplemented"), "{path}");
    }
}
