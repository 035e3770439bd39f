//! The house rules that no compiler checks, read from the workspace's own dependency graph.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::run;

/// What the pure floor must not pull in, not even through somebody else.
const NOT_IN_RULES: [&str; 7] = [
    "tokio",
    "sqlx",
    "axum",
    "hyper",
    "reqwest",
    "async-trait",
    "rustls",
];

/// Checks every rule and lists every breach.
pub(crate) fn check() -> Result<()> {
    let members = members()?;
    let mut breaches = Vec::new();
    for member in &members {
        breaches.extend(member.breaches());
        if member.floor() == "rules" {
            breaches.extend(impure(&member.name)?);
        }
    }
    if breaches.is_empty() {
        println!("    {} crates, all as the house wants them", members.len());
        return Ok(());
    }
    bail!("house rules are broken:\n  {}", breaches.join("\n  "))
}

/// A crate of the workspace.
struct Member {
    name: String,
    folder: PathBuf,
    manifest: String,
    /// The workspace's crates it is built with; what only its tests use is not among them.
    uses: Vec<String>,
}

impl Member {
    /// The folder below `crates/`: a floor of the house.
    fn floor(&self) -> String {
        let folder = self
            .folder
            .strip_prefix(run::root().join("crates"))
            .unwrap_or(&self.folder);
        folder
            .components()
            .next()
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    fn breaches(&self) -> Vec<String> {
        let Self {
            name, manifest, uses, ..
        } = self;
        let mut breaches = Vec::new();
        if !manifest.contains("[lints]\nworkspace = true") {
            breaches.push(format!("{name} does not inherit the workspace's lints"));
        }
        if uses.iter().any(|used| used == "nave-store") && name != "nave-engine" {
            breaches.push(format!("{name} uses nave-store; only the engine holds the store"));
        }
        let floor = self.floor();
        let may_use: &[&str] = match floor.as_str() {
            "rules" => &["nave-arm", "nave-policy", "nave-rbac", "nave-template"],
            "ports" => &["nave-vault"],
            "engine" => &["nave-arm", "nave-policy", "nave-rbac", "nave-store", "nave-vault"],
            "planes" => &[
                "nave-arm",
                "nave-policy",
                "nave-rbac",
                "nave-template",
                "nave-engine",
                "nave-outbound",
                "nave-vault",
            ],
            _ => return breaches,
        };
        let strangers = uses
            .iter()
            .filter(|used| used.starts_with("nave-") && !may_use.contains(&used.as_str()));
        breaches
            .extend(strangers.map(|used| format!("{name} is on the floor `{floor}` and may not use {used}")));
        breaches
    }
}

fn members() -> Result<Vec<Member>> {
    let metadata: Value = serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps"])?)?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?;
    packages.iter().map(member).collect()
}

fn member(package: &Value) -> Result<Member> {
    let manifest_path = PathBuf::from(
        package["manifest_path"]
            .as_str()
            .context("a package without a manifest")?,
    );
    let uses = package["dependencies"].as_array().into_iter().flatten();
    Ok(Member {
        name: package["name"].as_str().unwrap_or_default().to_owned(),
        manifest: fs::read_to_string(&manifest_path)?,
        folder: manifest_path.parent().map(PathBuf::from).unwrap_or_default(),
        uses: uses
            .filter(|used| used["kind"].as_str() != Some("dev"))
            .filter_map(|used| used["name"].as_str())
            .map(str::to_owned)
            .collect(),
    })
}

/// What a crate of the pure floor is built with that it should not be.
fn impure(name: &str) -> Result<Vec<String>> {
    let tree = cargo(&[
        "tree",
        "--package",
        name,
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ])?;
    let built_with: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let found = NOT_IN_RULES
        .into_iter()
        .filter(|banned| built_with.contains(banned));
    Ok(found
        .map(|banned| format!("{name} is pure, and is built with {banned}"))
        .collect())
}

fn cargo(arguments: &[&str]) -> Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(arguments)
        .current_dir(run::root())
        .output()?;
    if !output.status.success() {
        bail!(
            "`cargo {}` failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}
