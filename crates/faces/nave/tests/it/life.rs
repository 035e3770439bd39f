//! A server's life: begun, killed, resumed, ended.

use std::process::Output;

use nave_testkit::{Scripted, Upstream};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::program::{Running, free_port, nave};

/// How many groups are made before the server is killed in the middle of making more.
const MADE: usize = 20;

fn failure(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What it takes to make resource groups.
struct Maker {
    client: reqwest::Client,
    groups: String,
    token: String,
}

impl Maker {
    fn of(server: &Running, token: &str) -> Self {
        Self {
            client: server.client.clone(),
            groups: format!(
                "{}/subscriptions/{}/resourceGroups",
                server.origin,
                server.said("subscription")
            ),
            token: token.to_owned(),
        }
    }

    async fn make(&self, name: &str) -> bool {
        let url = format!("{}/{name}?api-version=2024-11-01", self.groups);
        let request = self
            .client
            .put(url)
            .bearer_auth(&self.token)
            .json(&json!({ "location": "eastus" }));
        request.send().await.is_ok_and(|answer| answer.status() == 201)
    }
}

/// Makes one group after the other until the server is gone, and tells of each that was acknowledged.
async fn make_groups(maker: Maker, acknowledge: mpsc::UnboundedSender<String>) {
    for at in 0.. {
        let name = format!("group-{at}");
        if !maker.make(&name).await || acknowledge.send(name).is_err() {
            return;
        }
    }
}

async fn groups(server: &Running, token: &str) -> Vec<String> {
    let url = format!(
        "{}/subscriptions/{}/resourcegroups?api-version=2024-11-01",
        server.origin,
        server.said("subscription")
    );
    let answer: Value = server
        .client
        .get(url)
        .bearer_auth(token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    answer["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server = Running::start(&data, free_port(), &[]);
    let (password, tenant) = (server.said("password"), server.said("tenant"));
    let token = server.token(&password).await;
    let (acknowledge, mut acknowledgements) = mpsc::unbounded_channel();
    let writer = tokio::spawn(make_groups(Maker::of(&server, &token), acknowledge));
    let mut acknowledged = Vec::new();
    while acknowledged.len() < MADE {
        acknowledged.push(acknowledgements.recv().await.unwrap());
    }
    // More are under way: each of those may be there or not.
    server.kill();
    writer.await.unwrap();
    while let Some(name) = acknowledgements.recv().await {
        acknowledged.push(name);
    }

    let server = Running::start(&data, free_port(), &[]);
    assert_eq!(server.said("tenant"), tenant);
    assert!(!server.text().contains("password"), "the password is shown once");
    let token = server.token(&password).await;
    let there = groups(&server, &token).await;
    for name in &acknowledged {
        assert!(there.contains(name), "{name} was acknowledged and is gone");
    }
    let verified = nave(&["audit", "verify", "--data", data.to_str().unwrap()], "");
    assert!(
        verified.status.success() && verified.stdout.starts_with(b"The log is whole: "),
        "{verified:?}"
    );
    assert_eq!(server.end("-TERM").code(), Some(0));
}

#[tokio::test]
async fn it_ends_cleanly_and_prints_what_clients_need() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let port = free_port();
    let server = Running::start(&data, port, &["--domain", "contoso.com"]);
    assert_eq!(server.said("administrator"), "admin@contoso.com");
    let data_text = data.to_str().unwrap();

    let printed = nave(&["env", "--data", data_text], "");
    let printed = String::from_utf8(printed.stdout).unwrap();
    let shown = printed
        .replace(data_text, "DATA")
        .replace(&port.to_string(), "PORT")
        .replace(&server.said("tenant"), "TENANT")
        .replace(&server.said("subscription"), "SUBSCRIPTION");
    let expected = "\
export REQUESTS_CA_BUNDLE=DATA/ca-bundle.pem
export SSL_CERT_FILE=DATA/ca-bundle.pem
export CURL_CA_BUNDLE=DATA/ca-bundle.pem
export NODE_EXTRA_CA_CERTS=DATA/ca-bundle.pem
export ARM_CLOUD_METADATA_URL='https://localhost:PORT/metadata/endpoints?api-version=2019-05-01'
export AZURE_AUTHORITY_HOST=https://localhost:PORT/adfs
export AZURE_TENANT_ID=TENANT
export AZURE_SUBSCRIPTION_ID=SUBSCRIPTION
";
    assert_eq!(shown, expected);

    let listen = format!("127.0.0.1:{port}");
    let again = failure(&nave(&["up", "--data", data_text, "--listen", "127.0.0.1:0"], ""));
    assert_eq!(
        again,
        format!("nave: another nave is running on `{data_text}`; stop it, or name another directory\n")
    );
    let elsewhere = home.path().join("elsewhere");
    let taken = failure(&nave(
        &["up", "--data", elsewhere.to_str().unwrap(), "--listen", &listen],
        "",
    ));
    assert!(
        taken.starts_with(&format!("nave: the address {listen} is in use")),
        "{taken}"
    );
    assert!(
        !elsewhere.join("nave.json").exists(),
        "nothing is made where the port is taken"
    );

    assert_eq!(server.end("-INT").code(), Some(0));
}

#[test]
fn a_directory_that_is_not_naves_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("thesis.txt"), "").unwrap();
    let data = home.path().to_str().unwrap();
    let refused = failure(&nave(&["up", "--data", data, "--listen", "127.0.0.1:0"], ""));
    assert!(
        refused.contains("is not empty and is not a nave data directory"),
        "{refused}"
    );
    let nothing = failure(&nave(&["env", "--data", data], ""));
    assert_eq!(
        nothing,
        format!("nave: there is no nave in `{data}`; start one there with `nave up --data`\n")
    );
}

#[tokio::test]
async fn the_demo_comes_out_as_it_should_twice() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    for _ in 0..2 {
        let server = Running::start(&data, free_port(), &["--demo"]);
        let text = server.text();
        assert!(text.contains("steps came out as they should"), "{text}");
        assert!(!text.contains("UNEXPECTED"), "{text}");
        assert!(text.contains("built-in model"), "{text}");
        assert_eq!(server.end("-INT").code(), Some(0));
    }
}

#[tokio::test]
async fn the_demo_asks_the_backend_it_is_given() {
    let upstream = Upstream::start().await;
    let message = json!({ "role": "assistant", "content": "A hub is where teams meet." });
    upstream.says(Scripted::Json(
        200,
        json!({
            "id": "c", "object": "chat.completion", "created": 0, "model": "llama",
            "choices": [{ "index": 0, "finish_reason": "stop", "message": message }],
            "usage": { "prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16 },
        }),
    ));
    upstream.says(Scripted::Json(200, json!({
        "object": "list", "model": "e5", "data": [{ "object": "embedding", "index": 0, "embedding": [0.5, 0.5] }],
        "usage": { "prompt_tokens": 2, "total_tokens": 2 },
    })));
    let home = tempfile::tempdir().unwrap();
    let backend = [
        "--demo",
        "--backend",
        &upstream.url(),
        "--backend-key",
        "the-backend-key",
        "--backend-chat-model",
        "llama",
    ];
    let data = home.path().join("data");
    let server = tokio::task::spawn_blocking({
        let backend = backend.map(str::to_owned);
        move || Running::start(&data, free_port(), &backend.each_ref().map(String::as_str))
    });
    let server = server.await.unwrap();
    assert!(
        server.text().contains("A hub is where teams meet."),
        "{}",
        server.text()
    );
    let received = upstream.received();
    assert_eq!(received[0].body["model"], "llama");
    assert_eq!(received[0].headers["authorization"], "Bearer the-backend-key");
    assert!(!server.text().contains("the-backend-key"));
    assert_eq!(server.end("-TERM").code(), Some(0));
}
