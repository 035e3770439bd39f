//! The deployments of azure-ai-ml, exactly as it was seen to send them. They are other people's and not part of this
//! project: `NAVE_SHARED` names the folder they are in.

use std::{io::Write, path::PathBuf};

use nave_engine::Caller;
use serde_json::Value;

use crate::kit::{body, deploy, operations, start, state};

fn captured() -> Option<PathBuf> {
    let folder = std::env::var_os("NAVE_SHARED").map(|folder| PathBuf::from(folder).join("captured"));
    if folder.is_none() {
        let reason = b"skipped: NAVE_SHARED does not name the folder of captured requests\n";
        std::io::stderr().write_all(reason).expect("standard error");
    }
    folder
}

fn read(path: &std::path::Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON")
}

async fn check(template: &str, parameters: &str, expected: &[&str]) {
    let Some(folder) = captured() else { return };
    let nave = start().await;
    let wanted = body(read(&folder.join(template)), read(&folder.join(parameters)));
    let reply = deploy(&nave, &Caller::system(), "sdk", &wanted).await;
    assert_eq!(
        reply.as_json().map(state),
        Some("Succeeded"),
        "{parameters}: {:?}",
        reply.as_json()
    );
    let found = operations(&nave, &Caller::system(), "sdk").await;
    let types: Vec<_> = found
        .iter()
        .map(|operation| operation.rsplit_once('/').map_or("", |(kind, _)| kind))
        .collect();
    assert_eq!(types, expected, "{parameters}");
}

const STORAGE: &str = "Create Succeeded Microsoft.Storage/storageAccounts";
const VAULT: &str = "Create Succeeded Microsoft.KeyVault/vaults";
const WORKSPACE: &str = "Create Succeeded Microsoft.MachineLearningServices/workspaces";

#[tokio::test]
async fn a_hub() {
    check(
        "hub-create.template.json",
        "hub-create.parameters.json",
        &[STORAGE, VAULT, WORKSPACE],
    )
    .await;
}

#[tokio::test]
async fn a_project() {
    for parameters in [
        "project-create.parameters.json",
        "project-create-minimal.parameters.json",
    ] {
        check("project-create.template.json", parameters, &[WORKSPACE]).await;
    }
}
