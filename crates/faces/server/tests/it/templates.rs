//! Other people's templates, deployed. They are not part of this project: the list of what comes of each is, and it may
//! only become better. `NAVE_TABLE` names a file for the whole table.

use std::{collections::BTreeMap, fmt::Write, fs, path::PathBuf};

use nave_testkit::{Ask, Person, TestServer};
use serde_json::{Map, Value, json};

#[path = "templates/given.rs"]
mod given;

/// Every template of the collection that was deployed, by its file.
const DEPLOYED: &str = include_str!("templates/deployed.txt");

/// Where the collection is: what the environment names, else beside the checkout.
fn collection() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared");
    let shared = std::env::var_os("NAVE_SHARED").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let folder = shared.join("real-inputs/templates");
    if folder.join("index.json").is_file() {
        return Some(folder);
    }
    let mut out = std::io::stderr();
    let _said = std::io::Write::write_fmt(
        &mut out,
        format_args!(
            "skipped: there is no collection of templates in {}\n",
            folder.display()
        ),
    );
    None
}

fn read(path: &std::path::Path) -> Value {
    nave_template::parse(&fs::read_to_string(path).unwrap()).unwrap()
}

/// What came of a template.
struct Outcome {
    state: String,
    /// The codes of the innermost causes, with their sentences.
    causes: Vec<(String, String)>,
}

impl Outcome {
    fn of(answer: &Value) -> Self {
        let state = answer
            .pointer("/properties/provisioningState")
            .and_then(Value::as_str);
        let error = answer
            .pointer("/properties/error")
            .or_else(|| answer.get("error"));
        let mut causes = Vec::new();
        error.into_iter().for_each(|error| innermost(error, &mut causes));
        Self {
            state: state.unwrap_or("Refused").to_owned(),
            causes,
        }
    }

    fn codes(&self) -> String {
        let mut codes: Vec<_> = self.causes.iter().map(|(code, _)| code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        codes.join(", ")
    }
}

fn innermost(error: &Value, causes: &mut Vec<(String, String)>) {
    let details = error["details"].as_array().filter(|details| !details.is_empty());
    match details {
        Some(details) => details.iter().for_each(|detail| innermost(detail, causes)),
        None => {
            let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
            causes.push((text("code"), text("message")));
        }
    }
}

/// The scope a template is for, and whether the request must say a location.
fn scope(nave: &TestServer, entry: &Value, at: usize) -> (String, bool) {
    match entry["scope"].as_str().unwrap() {
        "subscription" => (nave.subscription(), true),
        "managementGroup" => (
            format!("/providers/Microsoft.Management/managementGroups/mg{at}"),
            true,
        ),
        "tenant" => (String::new(), true),
        _ => (format!("{}/resourceGroups/rg{at}", nave.subscription()), false),
    }
}

/// Makes the group or the management group at a path, for one template alone.
async fn make_place(nave: &TestServer, scope: &str) {
    let body = if scope.contains("/managementGroups/") {
        json!({"properties": {"displayName": "Corp"}})
    } else if scope.contains("/resourceGroups/") {
        json!({"location": "eastus"})
    } else {
        return;
    };
    nave.make(http::Method::PUT, scope, &body).await;
}

async fn deploy(
    nave: &TestServer,
    admin: &Person,
    entry: &Value,
    template: Value,
    parameters: Map<String, Value>,
    at: usize,
) -> Value {
    let (scope, located) = scope(nave, entry, at);
    make_place(nave, &scope).await;
    let mut body =
        json!({"properties": {"mode": "Incremental", "template": template, "parameters": parameters}});
    if located {
        body["location"] = json!("eastus");
    }
    let target = format!("{scope}/providers/Microsoft.Resources/deployments/table?api-version=2024-03-01");
    let answer = nave.send(Ask::put(&target, &body).by(admin)).await;
    assert!(
        answer.status < 500,
        "{}: {}",
        entry["file"],
        String::from_utf8_lossy(&answer.bytes)
    );
    if answer.status >= 400 {
        return serde_json::from_slice(&answer.bytes).unwrap();
    }
    let mut shown = Value::Null;
    for _ in 0..100 {
        let answer = nave.send(Ask::get(&target).by(admin)).await;
        shown = serde_json::from_slice(&answer.bytes).unwrap();
        let state = shown
            .pointer("/properties/provisioningState")
            .and_then(Value::as_str);
        if !matches!(state, Some("Running" | "Accepted")) {
            break;
        }
        tokio::task::yield_now().await;
    }
    shown
}

#[tokio::test]
async fn what_was_deployed_before_is_deployed_now() {
    let Some(folder) = collection() else { return };
    let nave = TestServer::start().await;
    let admin = nave.administrator().await;
    let index = read(&folder.join("index.json"));
    let mut table = BTreeMap::new();
    for (at, entry) in index["templates"].as_array().unwrap().iter().enumerate() {
        let file = entry["file"].as_str().unwrap();
        let template = read(&folder.join(file));
        let beside = entry["parameters"].as_str().map(|name| read(&folder.join(name)));
        let parameters = given::parameters(&template, beside.as_ref(), &nave, &admin, at);
        let answer = deploy(&nave, &admin, entry, template, parameters, at).await;
        table.insert(file.to_owned(), Outcome::of(&answer));
    }
    write_table(&table);
    let lost: Vec<_> = DEPLOYED
        .lines()
        .filter(|file| {
            table
                .get(*file)
                .is_some_and(|outcome| outcome.state != "Succeeded")
        })
        .map(|file| format!("{file}: {:?}", table[file].causes))
        .collect();
    assert!(lost.is_empty(), "no longer deployed:\n{}", lost.join("\n"));
    let deployed = table
        .values()
        .filter(|outcome| outcome.state == "Succeeded")
        .count();
    assert!(deployed >= DEPLOYED.lines().count(), "{deployed}");
}

fn write_table(table: &BTreeMap<String, Outcome>) {
    let Some(file) = std::env::var_os("NAVE_TABLE") else {
        return;
    };
    let mut text = String::from("| template | outcome | codes | first cause |\n|---|---|---|---|\n");
    for (file, outcome) in table {
        let cause = outcome.causes.first().map_or("", |(_, message)| message.as_str());
        let cause: String = cause.replace(['|', '\n'], " ").chars().take(300).collect();
        writeln!(
            text,
            "| {file} | {} | {} | {cause} |",
            outcome.state,
            outcome.codes()
        )
        .unwrap();
    }
    fs::write(file, text).unwrap();
}
