//! For every denied cell of the table of who may do what: the refusal has an id that explains it, running the printed
//! grant lets the call through, and nothing else changes but what was printed.
//!
//! The normal run takes every [`SHARE`]th denied cell; `NAVE_WHOLE_MATRIX=1` takes all. Whether a call goes through is
//! tried with the real request; what else changes is decided on the state after the grant, for every other denied cell of
//! the same person.

use std::collections::HashSet;

use nave_engine::{
    Snapshot,
    decision::Basis,
    explain::{Decided, Explanation, Named, Sight, SmallestGrant},
    operation::{Access, Operation},
};
use nave_testkit::{Ask, Audience};
use serde_json::json;
use uuid::Uuid;

use crate::{
    cases,
    town::{COLUMNS, Town},
};

/// One in how many denied cells is tried in the normal run.
const SHARE: usize = 9;
/// How often a call may be refused again for another reason: what a handler asks besides.
const FURTHER: usize = 2;

/// A refused cell.
struct Denied {
    operation: Operation,
    column: usize,
    decided: Decided,
}

impl Denied {
    fn name(&self) -> String {
        let Operation { method, path, .. } = &self.operation;
        format!("{method} {path} as {}", COLUMNS[self.column])
    }
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "says how much was tried")]
async fn the_printed_grant_lets_the_call_through_and_opens_nothing_else() {
    let mut town = Town::build().await;
    let denied = refusals(&mut town).await;
    let whole = std::env::var_os("NAVE_WHOLE_MATRIX").is_some();
    let share = if whole { 1 } else { SHARE };
    let mut wrong = Vec::new();
    let mut tried = 0;
    for at in (0..denied.len()).step_by(share) {
        if let Err(why) = mend(&town, &denied, at).await {
            wrong.push(format!("{}: {why}", denied[at].name()));
        }
        tried += 1;
        town.restore().await;
    }
    println!(
        "{tried} of {} denied cells tried; NAVE_WHOLE_MATRIX=1 tries all",
        denied.len()
    );
    assert!(denied.len() > 400, "{} denied cells", denied.len());
    assert!(wrong.is_empty(), "{} cells:\n{}", wrong.len(), wrong.join("\n"));
}

/// Every denied cell. Whoever asks without a token is turned away, and told an id as well.
async fn refusals(town: &mut Town) -> Vec<Denied> {
    let mut denied = Vec::new();
    for operation in town.nave.engine.registry().operations() {
        if operation.access == Access::Public {
            continue;
        }
        for (column, person) in COLUMNS.iter().enumerate() {
            let Some(answer) = send(town, &operation, column).await else {
                continue;
            };
            if matches!(answer.status, 401 | 403) {
                let id = decision(&answer);
                let name = format!("{} {} as {person}", operation.method, operation.path);
                match town.nave.engine.named(id).await.unwrap() {
                    Some(Named::Decision(decided)) => denied.push(Denied {
                        operation: operation.clone(),
                        column,
                        decided: *decided,
                    }),
                    Some(Named::TurnedAway(request)) => {
                        assert_eq!((column, request.status), (0, answer.status), "{name}");
                    }
                    None => panic!("{name}: nobody knows the decision {id}"),
                }
            }
            town.restore().await;
        }
    }
    denied
}

async fn send(town: &Town, operation: &Operation, column: usize) -> Option<nave_testkit::Answer> {
    let mut ask = cases::request(town, operation)?;
    if let Some(person) = town.person(column) {
        ask = ask.bearer(person.token(Audience::of(&operation.path)));
    }
    Some(town.nave.send(ask).await)
}

fn decision(answer: &nave_testkit::Answer) -> Uuid {
    let id = answer.header("x-nave-decision");
    let in_body = answer.json();
    let in_body = in_body.pointer("/error/additionalInfo/0/info/id").cloned();
    assert!(in_body.is_none_or(|in_body| in_body == id), "{}", answer.text());
    id.parse()
        .unwrap_or_else(|_| panic!("a refusal without a decision: {}", answer.text()))
}

/// Gives what is printed until the call goes through.
async fn mend(town: &Town, denied: &[Denied], at: usize) -> Result<(), String> {
    let cell = &denied[at];
    let explanation = explained(town, &cell.decided).await;
    let mut printed = give(town, &explanation).await?;
    for _ in 0..=FURTHER {
        // before the call: what the call itself brings about is not the grant's doing
        let state = town.nave.engine.snapshot();
        let answer = send(town, &cell.operation, cell.column).await.unwrap();
        if !matches!(answer.status, 401 | 403) {
            return check_others(&state, town.nave.origin(), denied, at, &printed);
        }
        let Some(Named::Decision(decided)) = town.nave.engine.named(decision(&answer)).await.unwrap() else {
            return Err(format!("still refused: {}", answer.text()));
        };
        let explanation = explained(town, &decided).await;
        let further = give(town, &explanation).await.map_err(|why| {
            format!(
                "still refused after {:?}: {why}: {}",
                commands(&printed),
                answer.text()
            )
        })?;
        printed.extend(further);
    }
    Err(format!("still refused after {:?}", commands(&printed)))
}

fn commands(printed: &[SmallestGrant]) -> Vec<&str> {
    printed.iter().map(|grant| grant.command.as_str()).collect()
}

async fn explained(town: &Town, decided: &Decided) -> Explanation {
    let explained = town.nave.engine.explain(decided, Sight::of_everything()).await;
    explained.unwrap()
}

/// Runs the printed lines, as the owner.
async fn give(town: &Town, explanation: &Explanation) -> Result<Vec<SmallestGrant>, String> {
    let grants = &explanation.remedy.grants;
    if grants.is_empty() {
        return Err(format!(
            "no grant is printed: {} {:?}",
            explanation.summary, explanation.remedy.advice
        ));
    }
    for grant in grants {
        let answer = town
            .nave
            .send(assignment(town, &grant.command).by(&town.people.owner))
            .await;
        if answer.status != 201 {
            return Err(format!("{}: {} {}", grant.command, answer.status, answer.text()));
        }
    }
    Ok(grants.clone())
}

/// The request that `az` makes of the line.
fn assignment(town: &Town, line: &str) -> Ask {
    let words = words(line);
    assert_eq!(words[..4], ["az", "role", "assignment", "create"], "{line}");
    let option = |name: &str| {
        let at = words.iter().position(|word| word == name);
        words[at.unwrap_or_else(|| panic!("{name} is missing: {line}")) + 1].clone()
    };
    let snapshot = town.nave.engine.snapshot();
    let role = snapshot.roles().definition_named(&option("--role")).unwrap().id;
    let scope = option("--scope");
    Ask::put(
        format!(
            "{}/providers/Microsoft.Authorization/roleAssignments/{}?api-version=2022-04-01",
            scope.trim_end_matches('/'),
            Uuid::new_v4()
        ),
        &json!({ "properties": {
            "roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{role}"),
            "principalId": option("--assignee-object-id"),
            "principalType": option("--assignee-principal-type"),
        } }),
    )
}

/// The words of a line, as a shell cuts it.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (None, ' ') => words.push(String::new()),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (_, c) => words.last_mut().unwrap().push(c),
        }
    }
    words
}

/// No other refused cell of the same person is open now but by what was printed.
fn check_others(
    state: &Snapshot,
    origin: &str,
    denied: &[Denied],
    at: usize,
    printed: &[SmallestGrant],
) -> Result<(), String> {
    let opened: HashSet<(String, bool)> = printed
        .iter()
        .flat_map(|grant| &grant.opens)
        .map(|asked| (asked.operation.to_lowercase(), asked.data_action))
        .collect();
    let passed: Vec<&str> = printed
        .iter()
        .flat_map(|grant| grant.passes.iter().copied())
        .collect();
    let others = denied.iter().filter(|other| other.column == denied[at].column);
    for other in others {
        let now = other.decided.on(state, origin);
        let was_printed = |finding: &nave_engine::decision::Finding| {
            let is_data = finding.plane == nave_engine::rbac::Plane::Data;
            let by_rule = matches!(finding.basis, Basis::Role(gate) if passed.contains(&gate.rule));
            by_rule || opened.contains(&(finding.operation.to_lowercase(), is_data))
        };
        if now.allowed && !now.findings.iter().any(was_printed) {
            return Err(format!(
                "{:?} also opened {}: {:?}",
                commands(printed),
                other.name(),
                now.record()["findings"]
            ));
        }
    }
    Ok(())
}
