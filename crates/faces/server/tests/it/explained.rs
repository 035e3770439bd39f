//! What an explanation tells, and to whom: the smallest grant is a small one, and who asks about himself does not look
//! around.

use nave_testkit::{Ask, Person, TestServer};
use serde_json::{Value, json};

/// The role that is printed for somebody without any: a wider one is one changed word here.
const SMALLEST: &[(&str, bool, &str)] = &[
    (
        "Microsoft.CognitiveServices/accounts/listKeys/action",
        false,
        "Defender Cloud Secrets Posture",
    ),
    (
        "Microsoft.Authorization/roleAssignments/write",
        false,
        "Role Based Access Control Administrator",
    ),
    (
        "Microsoft.MachineLearningServices/workspaces/read",
        false,
        "Data Labeling - Labeler",
    ),
    (
        "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action",
        true,
        "Cognitive Services Data Contributor (Preview)",
    ),
];

async fn asked(nave: &TestServer, viewer: &Person, about: &Person, question: &Value) -> Value {
    let mut question = question.clone();
    question["who"] = json!(about.id);
    let path = format!(
        "{}/providers/Nave.Access/explain?api-version=2026-11-01",
        nave.subscription()
    );
    let answer = nave.send(Ask::post(path, &question).by(viewer)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn the_smallest_grant_is_a_small_one() {
    let nave = TestServer::start().await;
    let people = nave.everybody().await;
    for (can, data_action, role) in SMALLEST {
        let question = json!({ "can": can, "dataAction": data_action });
        let told = asked(&nave, &people.owner, &people.stranger, &question).await;
        assert_eq!(told["allowed"], false, "{told}");
        assert_eq!(told["remedy"]["grants"][0]["roleName"], *role, "{can}");
    }
}

#[tokio::test]
async fn who_asks_about_himself_does_not_look_around() {
    let nave = TestServer::start().await;
    let people = nave.everybody().await;
    let group = "/providers/Microsoft.Management/managementGroups/secret-plan";
    let root = nave.engine.site().tenant.to_string();
    let made = Ask::put(format!("{group}?api-version=2023-04-01"), &json!({}));
    let made = nave.send(made.by(&people.owner)).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let question = json!({ "can": "Microsoft.Storage/storageAccounts/write" });
    let scopes = |told: &Value| told["needs"][0]["scopes"].to_string();
    let by_owner = asked(&nave, &people.owner, &people.stranger, &question).await;
    assert!(scopes(&by_owner).contains(&root), "{by_owner}");
    let by_himself = asked(&nave, &people.stranger, &people.stranger, &question).await;
    assert!(!scopes(&by_himself).contains(&root), "{by_himself}");
    assert!(
        by_himself["remarks"]
            .to_string()
            .contains("concerns the caller alone"),
        "{by_himself}"
    );
}
