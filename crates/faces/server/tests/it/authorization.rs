//! Who may do what: every operation of the route table, asked by everybody, and the answers as a table that is kept
//! with the sources. A widened right is one changed word in it.

use std::{collections::BTreeMap, fmt::Write, fs, path::PathBuf};

use nave_engine::operation::{Access, Operation, Surface};
use nave_testkit::Audience;

use crate::{
    cases,
    town::{COLUMNS, Town},
};

/// Operations of which no request comes to a good end in the town, and what comes of them instead where the caller
/// may ask.
const ODD: &[(&str, &str, &str)] = &[
    // The deployment there is has ended.
    (
        "POST",
        "/{scope}/providers/Microsoft.Resources/deployments/{name0}/cancel",
        "409",
    ),
    // The remediation there is has ended, and no policy metadata comes with this server.
    (
        "POST",
        "/{scope}/providers/Microsoft.PolicyInsights/remediations/{name0}/cancel",
        "409",
    ),
    (
        "GET",
        "/providers/Microsoft.PolicyInsights/policyMetadata/{metadata}",
        "404",
    ),
    // Forms of pages that nobody opened.
    ("POST", "/{rest}/oauth2/v2.0/authorize", "400"),
    ("POST", "/{rest}/oauth2/authorize", "400"),
    ("POST", "/account", "400"),
    ("POST", "/devicelogin", "400"),
    // Nobody was sent anywhere who could come back.
    ("GET", "/sso/{provider}/callback", "400"),
    // Paths that SCIM does not have.
    ("GET", "/scim/v2/{rest}", "404"),
    ("POST", "/scim/v2/{rest}", "404"),
    ("PUT", "/scim/v2/{rest}", "404"),
    ("PATCH", "/scim/v2/{rest}", "404"),
    ("DELETE", "/scim/v2/{rest}", "404"),
    // The town's subscription is in no management group.
    (
        "GET",
        "/providers/Microsoft.Management/managementGroups/{managementGroup}/subscriptions/{subscriptionId}",
        "404",
    ),
    // The secret is the registration's.
    ("POST", "/graph/v1.0/servicePrincipals/{id}/removePassword", "400"),
    // A proof is signed with a certificate, and the town's application has none.
    ("POST", "/graph/v1.0/applications/{id}/addKey", "400"),
    ("POST", "/graph/v1.0/applications/{id}/removeKey", "400"),
    ("POST", "/graph/v1.0/servicePrincipals/{id}/addKey", "400"),
    ("POST", "/graph/v1.0/servicePrincipals/{id}/removeKey", "400"),
    // Nobody opened a session.
    ("GET", "/msi/{session}/metadata/identity/oauth2/token", "400"),
    ("GET", "/msi/token", "400"),
    // Nobody in the town has a second factor to take away.
    (
        "DELETE",
        "/graph/v1.0/users/{id}/authentication/softwareOathMethods/{method}",
        "404",
    ),
    (
        "DELETE",
        "/graph/v1.0/users/{id}/authentication/fido2Methods/{method}",
        "404",
    ),
    (
        "DELETE",
        "/graph/v1.0/me/authentication/softwareOathMethods/{method}",
        "404",
    ),
    (
        "DELETE",
        "/graph/v1.0/me/authentication/fido2Methods/{method}",
        "404",
    ),
];

/// The last column of those who hold no role.
const STRANGER: usize = 1;

type Row = [String; COLUMNS.len()];

#[tokio::test]
async fn every_operation_answers_each_role_as_the_table_says() {
    let mut town = Town::build().await;
    let mut rows: Vec<(Operation, Row)> = Vec::new();
    let mut wrong = Vec::new();
    let mut uncovered = Vec::new();
    for operation in town.nave.engine.registry().operations() {
        let Some(row) = walk(&mut town, &operation).await else {
            uncovered.push(format!("{} {}", operation.method, operation.path));
            continue;
        };
        wrong.extend(check(&operation, &row));
        rows.push((operation, row));
    }
    assert!(
        uncovered.is_empty(),
        "operations without a case:\n{}",
        uncovered.join("\n")
    );
    assert!(
        wrong.is_empty(),
        "answers that cannot be right:\n{}",
        wrong.join("\n")
    );
    compare(&table(&rows));
}

/// One row: the operation asked for by everybody, each time of the same town.
#[expect(
    clippy::print_stdout,
    reason = "shown when the test fails, for whoever adds a case"
)]
async fn walk(town: &mut Town, operation: &Operation) -> Option<Row> {
    let mut row = Row::default();
    for (column, cell) in row.iter_mut().enumerate() {
        let mut ask = cases::request(town, operation)?;
        if let Some(person) = town.person(column) {
            ask = ask.bearer(person.token(Audience::of(&operation.path)));
        }
        let answer = town.nave.send(ask).await;
        *cell = word(answer.status);
        let asked = format!("{} {} as {}", operation.method, operation.path, COLUMNS[column]);
        if cell == "no" {
            let changed = town.changes();
            assert!(changed.is_empty(), "{asked} was refused and changed {changed:?}");
        }
        // The directory names the resource an identity is of, as Entra does.
        if cell == "yes" && column <= STRANGER && operation.surface != Surface::Graph {
            let sees = answer.text().contains(&town.nave.subscription());
            assert!(!sees, "{asked} sees into the subscription: {}", answer.text());
        }
        if !matches!(cell.as_str(), "yes" | "no" | "later") {
            println!("{asked}: {} {}", answer.status, answer.text());
        }
        town.restore().await;
    }
    Some(row)
}

fn word(status: u16) -> String {
    match status {
        200..300 => String::from("yes"),
        401 | 403 => String::from("no"),
        501 => String::from("later"),
        other => other.to_string(),
    }
}

/// What no row may say, whatever the roles: nobody gets in where a sign-in is asked for, a stranger gets in only where
/// a sign-in is enough, and somebody gets in.
fn check(operation: &Operation, row: &Row) -> Vec<String> {
    let name = format!("{} {}", operation.method, operation.path);
    let odd = ODD
        .iter()
        .find(|(method, path, _)| operation.method == *method && operation.path == *path);
    let mut wrong = Vec::new();
    let mut say = |what: &str| wrong.push(format!("{name}: {what}: {row:?}"));
    let [nobody, stranger, ..] = row;
    if operation.access != Access::Public && nobody != "no" {
        say("nobody is let in");
    }
    let needs_a_role = !matches!(operation.access, Access::Public | Access::SignedIn);
    let is_the_directory = operation.path.starts_with("/graph/") && reads(operation);
    if needs_a_role && !is_the_directory && stranger != "no" {
        say("a stranger is let in");
    }
    let comes_to_something =
        |cell: &String| cell == "yes" || cell == "later" || odd.is_some_and(|(.., word)| cell == word);
    if !row.iter().any(comes_to_something) {
        say("nobody comes to a good end");
    }
    wrong
}

/// Members of a directory may read it.
fn reads(operation: &Operation) -> bool {
    matches!(&operation.access, Access::Action(action) if action.ends_with("/read"))
}

/// The table: a section for each first part of the permission, a line for each operation.
fn table(rows: &[(Operation, Row)]) -> String {
    let mut sections: BTreeMap<String, Vec<&(Operation, Row)>> = BTreeMap::new();
    for row in rows {
        sections.entry(section(&row.0)).or_default().push(row);
    }
    let mut text = String::from(HEAD);
    for (name, rows) in sections {
        let _ = write!(
            text,
            "\n## {name}\n\n| operation | permission | {} |\n|---|---|{}\n",
            COLUMNS.join(" | "),
            "---|".repeat(COLUMNS.len())
        );
        for (operation, cells) in rows {
            let Operation {
                method, path, access, ..
            } = operation;
            let _ = writeln!(
                text,
                "| {method} `{}` | {access} | {} |",
                short(path),
                cells.join(" | ")
            );
        }
    }
    text
}

/// A path without what every path in a group begins with.
fn short(path: &str) -> String {
    let group = "/subscriptions/{subscription}/resourceGroups/{group}/providers/";
    path.strip_prefix(group)
        .map_or_else(|| path.to_owned(), |rest| format!("…/{rest}"))
}

fn section(operation: &Operation) -> String {
    match operation.access.needed() {
        Some((permission, _)) => {
            let namespace = permission.split('/').next().unwrap_or_default();
            if namespace.starts_with('{') {
                String::from("Any provider")
            } else {
                namespace.to_owned()
            }
        }
        None if operation.access == Access::Public => String::from("For anybody"),
        None => String::from("For anybody who signed in"),
    }
}

const HEAD: &str = "\
# Who may do what

Every operation of this server, asked by six callers: `nobody` has no token, `stranger` has one and no role, the others
hold the built-in role of that name at the tenant. Each asks with a valid request of a server that has one of
everything. `yes`: it was done. `no`: refused, and nothing changed. `later`: allowed, and not served by this release. A
number is the status of an answer that is neither. `…` stands for the path of a resource group and `/providers`.

Made by `NAVE_BLESS=1 cargo test -p nave-server --test it authorization`; the same test without `NAVE_BLESS` fails when
this file is not what the server does.
";

fn compare(table: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../docs/authorization-table.md");
    if std::env::var_os("NAVE_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, table).unwrap();
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let difference: Vec<&str> = table
        .lines()
        .filter(|line| !kept.lines().any(|kept| kept == *line))
        .collect();
    assert!(
        kept == table,
        "docs/authorization-table.md is not what the server does; if the change is meant, run with NAVE_BLESS=1. New lines:\n{}",
        difference.join("\n")
    );
}
