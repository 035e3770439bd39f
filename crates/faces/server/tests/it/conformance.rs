//! Conformance to the published API: every answer of every operation that a document describes is validated against
//! that document, and what the documents show as a request is accepted.
//!
//! The documents are no part of this project; they lie in the shared folder, and without it these tests say that they
//! are skipped. What is not as published is in `conformance/exceptions.txt`, each with its reason.

mod documents;
mod examples;
mod exceptions;
mod schemas;
mod served;

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use http::Method;
use nave_testkit::{Answer, Audience};

use crate::{drift, town::Town};
use documents::Documents;
use exceptions::Finding;
use schemas::Schemas;
use served::Served;

const EXCEPTIONS: &str = include_str!("conformance/exceptions.txt");
const EXAMPLES: &str = include_str!("conformance/examples.txt");

#[tokio::test]
async fn every_answer_is_as_published() {
    let Some(documents) = Documents::load() else {
        return;
    };
    let mut schemas = Schemas::new(&documents);
    let mut town = Town::build().await;
    let mut findings = BTreeSet::new();
    let mut answers: BTreeMap<String, Option<Answer>> = BTreeMap::new();
    for served in served::all(&town, documents.operations()) {
        if !served.has_a_case(&town) {
            continue;
        }
        let path = served.path(&town).unwrap_or_default();
        let key = format!("{} {path}", served.published.method).to_lowercase();
        let answer = match answers.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(answer(&mut town, &served).await),
        };
        let Some(answer) = answer else {
            findings.insert(finding(&served, "has no place in the town"));
            continue;
        };
        for what in faults(&mut schemas, &served, answer) {
            findings.insert(finding(&served, &what));
        }
    }
    exceptions::compare(EXCEPTIONS, &findings);
}

#[tokio::test]
async fn what_the_documents_show_is_accepted_and_does_not_drift() {
    let Some(documents) = Documents::load() else {
        return;
    };
    let mut schemas = Schemas::new(&documents);
    let mut town = Town::build().await;
    let mut findings = BTreeSet::new();
    for served in served::all(&town, documents.operations()) {
        for example in examples::of(&documents, &town, &served) {
            let ask = example
                .ask(&served)
                .bearer(town.people.owner.token(Audience::Arm));
            let answer = town.nave.send(ask).await;
            let mut what = faults(&mut schemas, &served, &answer);
            if served.published.method == Method::PUT && matches!(answer.status, 200 | 201) {
                let (id, _) = example.target.split_once('?').unwrap_or_default();
                let body = drift::get(&town, id).await;
                what.extend(drift::again(&town, id, &body).await);
            }
            findings.extend(
                what.iter()
                    .map(|what| finding(&served, &format!("{}: {what}", example.name))),
            );
            if !served.is_read() {
                town.restore().await;
            }
        }
    }
    exceptions::compare(EXAMPLES, &findings);
}

/// What the owner of everything is answered. The town is as before afterwards.
async fn answer(town: &mut Town, served: &Served) -> Option<Answer> {
    let ask = served.ask(town)?.bearer(town.people.owner.token(Audience::Arm));
    let answer = town.nave.send(ask).await;
    if !served.is_read() {
        town.restore().await;
    }
    Some(answer)
}

fn finding(served: &Served, what: &str) -> Finding {
    Finding {
        operation: served.name(),
        version: served.published.version.clone(),
        what: what.to_owned(),
    }
}

/// Where an answer is not as its document says.
fn faults(schemas: &mut Schemas<'_>, served: &Served, answer: &Answer) -> Vec<String> {
    let Some(schema) = served.published.responses.get(&answer.status.to_string()) else {
        let code = answer.code();
        return vec![format!("answers {} {code}", answer.status).trim_end().to_owned()];
    };
    if schema.is_null() || answer.bytes.is_empty() {
        return match (schema.is_null(), answer.bytes.is_empty()) {
            (true, false) => vec![format!("{} has a body and should have none", answer.status)],
            (false, true) if !served.is_read() || !answer.json().is_null() => {
                vec![format!("{} has no body and should have one", answer.status)]
            }
            _ => Vec::new(),
        };
    }
    let faults = schemas.faults(&served.published.file, schema, &answer.json());
    faults
        .into_iter()
        .map(|(place, rule)| told(&place, &rule))
        .collect()
}

/// A fault without what differs from one answer to the next.
fn told(place: &str, rule: &str) -> String {
    let place: Vec<&str> = place
        .split('/')
        .map(|part| if part.parse::<usize>().is_ok() { "*" } else { part })
        .collect();
    let rule: String = rule.chars().take(160).collect();
    format!(
        "{}: {}",
        place.join("/"),
        rule.replace('|', "/").replace('\n', " ")
    )
}
