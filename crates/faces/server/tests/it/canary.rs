//! Secrets are planted wherever one can be put, every operation is asked for by everybody, and then no secret is found
//! in the data directory, in the log, or in an answer that is not there to show it.

mod identity;

use std::{fs, path::Path};

use http::Method;
use nave_engine::operation::{Access, Operation};
use nave_testkit::{Ask, Audience};
use serde_json::{Value, json};

use crate::{
    cases, logs,
    town::{COLUMNS, PASSWORD, Town},
};

/// What answers that are there to show a secret do: the permission ends like this.
const SHOWS: &[&str] = &[
    "/listKeys/action",
    "/listkeys/action",
    "/regenerateKey/action",
    "/regeneratekey/action",
    "/listCredentials/action",
    "/regenerateCredential/action",
    "/sharedKeys/action",
    "/sharedkeys/action",
    "/regenerateSharedKey/action",
    "/listAdminKeys/action",
    "/listQueryKeys/action",
    "/regenerateAdminKey/action",
    "/listsecrets/action",
];

/// Secrets under names that say where they were planted.
struct Canaries(Vec<(String, String)>);

impl Canaries {
    fn plant(&mut self, place: &str) -> String {
        let canary = format!("canary-{}-{}", self.0.len(), "f00dcafe".repeat(3));
        self.0.push((place.to_owned(), canary.clone()));
        canary
    }

    fn keep(&mut self, place: &str, secret: &str) {
        self.0.push((place.to_owned(), secret.to_owned()));
    }

    /// Where each of them is found in some bytes.
    fn found(&self, bytes: &[u8]) -> Vec<&str> {
        let holds = |secret: &str| {
            bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
        };
        self.0
            .iter()
            .filter(|(_, secret)| holds(secret))
            .map(|(place, _)| place.as_str())
            .collect()
    }
}

#[tokio::test]
async fn no_secret_is_found_where_it_does_not_belong() {
    let mut town = Town::build().await;
    let mut canaries = Canaries(Vec::new());
    canaries.keep("passwords of people", PASSWORD);
    canaries.keep("passwords of the test's people", nave_testkit::PASSWORD);
    say_something(&town, &mut canaries).await;
    plant(&town, &mut canaries).await;
    identity::plant(&town, &mut canaries).await;
    read_out(&town, &mut canaries).await;
    town.settle();

    let mut leaks = Vec::new();
    for operation in town.nave.engine.registry().operations() {
        for column in 0..COLUMNS.len() {
            leaks.extend(leaks_of(&mut town, &canaries, &operation, column).await);
        }
    }
    leaks.extend(
        canaries
            .found(&logs::so_far())
            .into_iter()
            .map(|place| format!("the log shows {place}")),
    );
    leaks.extend(in_files(town.nave.data(), &canaries));
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

async fn leaks_of(town: &mut Town, canaries: &Canaries, operation: &Operation, column: usize) -> Vec<String> {
    let Some(mut ask) = cases::request(town, operation) else {
        return Vec::new();
    };
    if let Some(person) = town.person(column) {
        ask = ask.bearer(person.token(Audience::of(&operation.path)));
    }
    let answer = town.nave.send(ask).await;
    town.restore().await;
    let shows =
        matches!(&operation.access, Access::Action(action) if SHOWS.iter().any(|end| action.ends_with(end)));
    if shows && (200..300).contains(&answer.status) {
        return Vec::new();
    }
    let found = canaries.found(&answer.bytes);
    let tell = |place: &str| {
        format!(
            "{} {} as {} shows {place}",
            operation.method, operation.path, COLUMNS[column]
        )
    };
    found.into_iter().map(tell).collect()
}

/// What people say to a model, and what it answers, is nobody else's either.
async fn say_something(town: &Town, canaries: &mut Canaries) {
    let said = canaries.plant("what somebody said to a model");
    let chat = json!({ "model": "gpt", "messages": [{ "role": "user", "content": said }] });
    for path in [
        "/ai/models/openai/v1/chat/completions",
        "/api/projects/project/openai/v1/chat/completions",
    ] {
        let answer = town
            .nave
            .send(Ask::post(path, &chat).by(&town.people.ai_developer))
            .await;
        assert!(
            answer.text().contains(&said),
            "the built-in model repeats what it is told: {}",
            answer.text()
        );
    }
}

/// Puts a secret wherever a body has a place for one.
async fn plant(town: &Town, canaries: &mut Canaries) {
    let put = async |path: String, body: Value| drop(town.nave.make(Method::PUT, &path, &body).await);
    for (name, category, auth, credentials) in credentials(canaries) {
        let body = json!({ "properties": {
            "category": category, "authType": auth, "target": "https://x.example", "credentials": credentials, "metadata": {},
        } });
        put(town.connection(name), body).await;
    }
    let account = town.resource("Microsoft.CognitiveServices/accounts", "models");
    let upstream = |key: String| json!({ "upstream": { "kind": "openAI", "endpoint": "http://127.0.0.1:9/v1", "apiKey": key } });
    let properties = json!({ "customSubDomainName": "models", "nave": upstream(canaries.plant("an account's upstream key")) });
    put(account.clone(), json!({ "location": "eastus", "kind": "AIServices", "sku": { "name": "S0" }, "properties": properties })).await;
    let mut deployment = crate::town::model("gpt-4o");
    deployment["properties"]["nave"] = upstream(canaries.plant("a deployment's upstream key"));
    put(format!("{account}/deployments/secretive"), deployment).await;
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0", "parameters": { "secret": { "type": "secureString" } }, "resources": [],
    });
    let secret = canaries.plant("a secure parameter of a template");
    let parameters = json!({ "secret": { "value": secret } });
    let deployed =
        json!({ "properties": { "mode": "Incremental", "template": template, "parameters": parameters } });
    put(
        town.resource("Microsoft.Resources/deployments", "secretive"),
        deployed,
    )
    .await;
}

/// Every form of credentials a connection has.
fn credentials(canaries: &mut Canaries) -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let mut secret = |what: &str| canaries.plant(&format!("a connection's {what}"));
    vec![
        (
            "api-key",
            "AzureOpenAI",
            "ApiKey",
            json!({ "key": secret("ApiKey") }),
        ),
        (
            "custom-keys",
            "CustomKeys",
            "CustomKeys",
            json!({ "keys": { "password": secret("CustomKeys") } }),
        ),
        (
            "account-key",
            "AzureBlob",
            "AccountKey",
            json!({ "key": secret("AccountKey") }),
        ),
        ("sas", "AzureBlob", "SAS", json!({ "sas": secret("SAS") })),
        ("pat", "Git", "PAT", json!({ "pat": secret("PAT") })),
        (
            "password",
            "PythonFeed",
            "UsernamePassword",
            json!({ "username": "u", "password": secret("UsernamePassword") }),
        ),
        (
            "access-key",
            "S3",
            "AccessKey",
            json!({ "accessKeyId": "a", "secretAccessKey": secret("AccessKey") }),
        ),
        (
            "principal",
            "ADLSGen2",
            "ServicePrincipal",
            json!({ "clientId": "c", "clientSecret": secret("ServicePrincipal"), "tenantId": "t" }),
        ),
    ]
}

/// Asks for the secrets that the server made up, to know what to look for.
async fn read_out(town: &Town, canaries: &mut Canaries) {
    for (kind, name, action) in [
        ("Microsoft.CognitiveServices/accounts", "models", "listKeys"),
        ("Microsoft.Storage/storageAccounts", "townstorage", "listKeys"),
        ("Microsoft.Search/searchServices", "town-search", "listAdminKeys"),
        (
            "Microsoft.OperationalInsights/workspaces",
            "town-logs",
            "sharedKeys",
        ),
        (
            "Microsoft.ContainerRegistry/registries",
            "townregistry",
            "listCredentials",
        ),
    ] {
        let path = format!("{}/{action}", town.resource(kind, name));
        let shown = town.nave.make(Method::POST, &path, &Value::Null).await;
        let mut texts = Vec::new();
        collect(&shown, &mut texts);
        assert!(!texts.is_empty(), "{path} shows no key: {shown}");
        for text in texts {
            canaries.keep(&format!("a key of {kind}"), &text);
        }
    }
    let path = format!(
        "/graph/v1.0/applications/{}/addPassword",
        crate::town::APPLICATION
    );
    let added = town
        .nave
        .make(
            Method::POST,
            &path,
            &json!({ "passwordCredential": { "displayName": "canary" } }),
        )
        .await;
    canaries.keep("an application's secret", added["secretText"].as_str().unwrap());
    let administrator = town.nave.administrator().await;
    canaries.keep("the administrator's password", &administrator.password);
    for audience in Audience::ALL {
        canaries.keep("a token", administrator.token(audience));
    }
}

/// Texts that look like keys.
fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if text.len() >= 24 => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => members.values().for_each(|member| collect(member, texts)),
        _ => {}
    }
}

/// Every file of the data directory but the keys' own.
fn in_files(folder: &Path, canaries: &Canaries) -> Vec<String> {
    let mut leaks = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            leaks.extend(in_files(&path, canaries));
            continue;
        }
        let found = canaries.found(&fs::read(&path).unwrap());
        leaks.extend(
            found
                .into_iter()
                .map(|place| format!("{} holds {place}", path.display())),
        );
    }
    leaks
}

/// The search finds what is there: without this, a search that finds nothing would prove nothing.
#[tokio::test]
async fn what_is_no_secret_is_found_in_the_files_and_in_the_log() {
    let town = Town::build().await;
    let control = Canaries(vec![(
        String::from("a target"),
        String::from("https://database.example"),
    )]);
    assert!(!in_files(town.nave.data(), &control).is_empty());
    town.nave.send(Ask::get("/canary-control")).await;
    let control = Canaries(vec![(String::from("a path"), String::from("/canary-control"))]);
    assert_eq!(control.found(&logs::so_far()), ["a path"]);
}

#[test]
fn the_search_can_find() {
    let mut canaries = Canaries(Vec::new());
    let secret = canaries.plant("a place");
    assert_eq!(
        canaries.found(format!("before {secret} after").as_bytes()),
        ["a place"]
    );
    assert!(canaries.found(b"nothing here").is_empty());
}
