//! The day: a lead makes a project without asking anybody, a developer uses the shared models without seeing a key,
//! both run into the limits of their roles, and the administrator sees who did what.

use serde_json::{Value, json};

use super::{
    cast::{Cast, Person},
    names::{CHAT, EMBEDDING, GROUP, HUB, OTHER_PROJECT, OWN, PROJECT, Places, SHARED},
    scenery::{AI_DEVELOPER, Hands},
    stage::{Call, Stage},
    verdict::{Expect, Verdicts},
};

/// The hub the developer would like to have.
const REFUSED_HUB: &str = "my-own-hub";
const VERSION: &str = "api-version=2024-10-01";

/// Plays it.
pub(super) async fn play(stage: &Stage, cast: &Cast, verdicts: &mut Verdicts) -> anyhow::Result<()> {
    let places = Places::of(&stage.settings.subscription.to_string());
    lead(
        &mut Hands {
            stage,
            who: &cast.lead,
            verdicts,
        },
        &cast.developer,
        &places,
    )
    .await?;
    manager(
        &mut Hands {
            stage,
            who: &cast.manager,
            verdicts,
        },
        &places,
    )
    .await?;
    create_project(
        &mut Hands {
            stage,
            who: &cast.administrator,
            verdicts,
        },
        OTHER_PROJECT,
        &places,
    )
    .await?;
    let mut developer = Hands {
        stage,
        who: &cast.developer,
        verdicts,
    };
    models(&mut developer).await?;
    secrets(&mut developer, &places).await?;
    limits(&mut developer, &places).await?;
    audit(
        &mut Hands {
            stage,
            who: &cast.administrator,
            verdicts,
        },
        cast,
        &places,
    )
    .await
}

async fn lead(by: &mut Hands<'_>, developer: &Person, places: &Places) -> anyhow::Result<()> {
    create_project(by, PROJECT, places).await?;
    let connection = json!({ "properties": {
        "category": "CustomKeys", "authType": "CustomKeys", "target": "https://claims.contoso.example",
        "credentials": { "keys": { "password": "for the claims database only" } }, "metadata": {},
    } });
    let id = places.connection(PROJECT, OWN);
    by.put(
        &format!("gives `{PROJECT}` a connection of its own"),
        &id,
        "2024-10-01",
        connection,
    )
    .await?;
    let does = format!("makes the developer Azure AI Developer on `{PROJECT}`");
    by.assign(&does, developer, AI_DEVELOPER, &places.workspace(PROJECT))
        .await
}

async fn create_project(by: &mut Hands<'_>, name: &str, places: &Places) -> anyhow::Result<()> {
    let does = format!("creates the project `{name}`");
    by.put(&does, &places.workspace(name), "2024-10-01", project(places))
        .await
}

fn project(places: &Places) -> Value {
    json!({
        "location": "eastus", "kind": "Project", "identity": { "type": "SystemAssigned" },
        "properties": { "hubResourceId": places.workspace(HUB) },
    })
}

async fn manager(by: &mut Hands<'_>, places: &Places) -> anyhow::Result<()> {
    let call = Call::get(format!("{}/connections?{VERSION}", places.workspace(HUB)));
    let answer = by.does("lists the hub's connections", &call).await?;
    let names = answer.each("/name");
    by.verdicts.fact(
        by.who,
        "looks for the shared one",
        &names.join(", "),
        names.contains(&SHARED),
    );
    Ok(())
}

async fn models(by: &mut Hands<'_>) -> anyhow::Result<()> {
    let base = format!("/api/projects/{PROJECT}/openai/v1");
    let question = "In one sentence: what is a hub?";
    let chat = json!({ "model": CHAT, "messages": [{ "role": "user", "content": question }] });
    let answer = by
        .tries(
            "chats through the shared connection",
            &Call::post(format!("{base}/chat/completions"), chat),
            Expect::Done,
        )
        .await?;
    let said = answer.member("/choices/0/message/content");
    by.verdicts.fact(
        by.who,
        &format!("asks “{question}”"),
        &format!("“{}”", said.trim()),
        !said.is_empty(),
    );
    let input = json!({ "model": EMBEDDING, "input": "a hub", "encoding_format": "float" });
    let answer = by
        .tries(
            "embeds a text through the same connection",
            &Call::post(format!("{base}/embeddings"), input),
            Expect::Done,
        )
        .await?;
    let length = answer
        .body
        .pointer("/data/0/embedding")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    by.verdicts
        .fact(by.who, "gets a vector", &format!("{length} numbers"), length > 0);
    Ok(())
}

async fn secrets(by: &mut Hands<'_>, places: &Places) -> anyhow::Result<()> {
    let shared = places.connection(PROJECT, SHARED);
    let answer = by
        .tries(
            "reads the shared connection",
            &Call::get(format!("{shared}?{VERSION}")),
            Expect::Done,
        )
        .await?;
    let credentials = answer
        .body
        .pointer("/properties/credentials")
        .cloned()
        .unwrap_or_default();
    by.verdicts.fact(
        by.who,
        "sees no secret in it",
        &format!("credentials: {credentials}"),
        !holds_text(&credentials),
    );
    let hub = places.connection(HUB, SHARED);
    for (id, does) in [
        (shared, "asks for its secret"),
        (hub, "asks for its secret at the hub"),
    ] {
        by.tries(
            does,
            &Call::post(format!("{id}/listsecrets?{VERSION}"), json!({})),
            Expect::Refused,
        )
        .await?;
    }
    Ok(())
}

/// Whether there is any text in a value, however deep.
fn holds_text(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => items.iter().any(holds_text),
        Value::Object(members) => members.values().any(holds_text),
        _ => false,
    }
}

async fn limits(by: &mut Hands<'_>, places: &Places) -> anyhow::Result<()> {
    let hub = json!({ "location": "eastus", "kind": "Hub", "properties": {} });
    let wanted = format!("{}?{VERSION}", places.workspace(REFUSED_HUB));
    by.tries("tries to create a hub", &Call::put(wanted, hub), Expect::Refused)
        .await?;
    let other = format!("{}?{VERSION}", places.workspace(OTHER_PROJECT));
    by.tries(
        &format!("tries to open `{OTHER_PROJECT}`"),
        &Call::get(other),
        Expect::Refused,
    )
    .await?;
    let all = Call::get(format!(
        "{}/providers/Microsoft.MachineLearningServices/workspaces?{VERSION}",
        places.group
    ));
    let answer = by.tries("lists the workspaces", &all, Expect::Done).await?;
    let names = answer.each("/name");
    by.verdicts.fact(
        by.who,
        "sees the own project only",
        &names.join(", "),
        names.contains(&PROJECT) && !names.contains(&OTHER_PROJECT),
    );
    let chat = json!({ "model": CHAT, "messages": [{ "role": "user", "content": "let me in" }] });
    let call = Call::post(
        format!("/api/projects/{OTHER_PROJECT}/openai/v1/chat/completions"),
        chat,
    );
    by.tries(
        &format!("tries to chat through `{OTHER_PROJECT}`"),
        &call,
        Expect::Refused,
    )
    .await
    .map(drop)
}

async fn audit(by: &mut Hands<'_>, cast: &Cast, places: &Places) -> anyhow::Result<()> {
    let log = format!(
        "/subscriptions/{}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01\
         &$filter=resourceGroupName%20eq%20'{GROUP}'",
        by.stage.settings.subscription
    );
    let answer = by.does("reads the activity log", &Call::get(log)).await?;
    let events = answer.body["value"].as_array().cloned().unwrap_or_default();
    for (who, what, resource, status) in [
        (
            &cast.lead,
            "created a project",
            places.workspace(PROJECT),
            "Succeeded",
        ),
        (
            &cast.developer,
            "called a model",
            places.workspace(PROJECT),
            "Succeeded",
        ),
        (
            &cast.developer,
            "was refused a hub",
            places.workspace(REFUSED_HUB),
            "Failed",
        ),
        (
            &cast.developer,
            "was refused a secret",
            places.connection(HUB, SHARED),
            "Failed",
        ),
    ] {
        let of = |event: &&Value| is_event(event, who, &resource, status);
        let operation = events
            .iter()
            .find(of)
            .map(|event| event["operationName"]["value"].to_string());
        let does = format!("sees that the {} {what}", who.name);
        by.verdicts.fact(
            by.who,
            &does,
            operation.as_deref().unwrap_or("no such event"),
            operation.is_some(),
        );
    }
    Ok(())
}

fn is_event(event: &Value, who: &Person, resource: &str, status: &str) -> bool {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    text("/caller") == who.upn
        && text("/resourceId").eq_ignore_ascii_case(resource)
        && text("/status/value") == status
}
