//! The engine against a slow, obviously correct evaluator, on random worlds.
//!
//! The evaluator ([`rules`], [`language`]) is written from the rules and shares no code with the crate; it also reads
//! conditions by itself. Worlds have roles of several permission objects, wildcards, nested groups with circles,
//! management groups, deny assignments and conditions over attributes of all types, some of them broken.
//!
//! The normal run asks about 5,000 worlds. `NAVE_WORLDS=100000 cargo test -p nave-rbac --release --test reference` asks
//! about more; `NAVE_WORLD=n` about one, the one that a failure names.

#![expect(
    clippy::print_stdout,
    reason = "the shares, for whoever runs it with --nocapture"
)]

mod chance;
mod language;
mod phrase;
mod rules;
mod world;

use std::collections::BTreeSet;

use nave_rbac::{AccessRequest, Condition, Plane, RoleIndex, Says, Trace, Truth};

use chance::Chance;
use rules::Outcome;
use world::{Question, World, id};

const QUESTIONS: usize = 6;

/// The numbers of the worlds to ask about.
fn worlds(usual: u64) -> std::ops::Range<u64> {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse().expect("a number"))
    };
    match number("NAVE_WORLD") {
        Some(one) => one..one + 1,
        None => 0..number("NAVE_WORLDS").unwrap_or(usual),
    }
}

#[derive(Default, Debug)]
struct Count {
    all: usize,
    allowed: usize,
    by_deny: usize,
    by_condition: usize,
    granted_by_condition: usize,
}

impl Count {
    fn take(&mut self, outcome: Outcome) {
        self.all += 1;
        self.allowed += usize::from(outcome.allowed);
        self.by_deny += usize::from(outcome.denied_by_deny);
        self.by_condition += usize::from(outcome.decided_by_condition);
    }

    fn share(&self, of: usize) -> usize {
        of * 1000 / self.all.max(1)
    }
}

#[test]
fn the_engine_decides_as_the_rules_read() {
    let mut count = Count::default();
    let numbers = worlds(5_000);
    let many = numbers.end - numbers.start > 100;
    for number in numbers {
        let mut chance = Chance::new(number);
        let world = World::random(&mut chance);
        let index = world.index(&mut chance);
        for n in 0..QUESTIONS {
            let question = Question::random(&mut chance);
            let outcome = rules::outcome(&world, &question);
            decide(&index, &world, &question, outcome, number);
            if n % 3 == 0 {
                explain(&index, &world, &question, number);
            }
            count.take(outcome);
            let conditioned = world.assignments.iter().any(|assigned| {
                assigned.condition.is_some()
                    && rules::reaches(&world, assigned, &question)
                    && rules::gives(&world, assigned, &question, true)
            });
            count.granted_by_condition += usize::from(outcome.allowed && conditioned);
        }
    }
    // Shares in thousandths: a test that nearly always hears no would prove nothing.
    println!("{count:?}");
    if many {
        assert!((200..500).contains(&count.share(count.allowed)), "{count:?}");
        assert!(count.share(count.by_deny) > 30, "{count:?}");
        assert!(count.share(count.by_condition) > 50, "{count:?}");
        assert!(count.share(count.granted_by_condition) > 50, "{count:?}");
    }
}

/// Asks the engine with a question.
fn with_request<R>(question: &Question, ask: impl FnOnce(&AccessRequest<'_>) -> R) -> R {
    let (scope, attributes, surroundings) =
        (id(&question.scope), question.carried(), question.surroundings());
    ask(&AccessRequest {
        principal: question.principal.parse().expect("guid"),
        operation: &question.operation,
        plane: if question.data {
            Plane::Data
        } else {
            Plane::Control
        },
        scope: &scope,
        sub_operation: question.sub_operation.as_deref(),
        attributes: &attributes,
        surroundings: &surroundings,
    })
}

fn decide(index: &RoleIndex, world: &World, question: &Question, outcome: Outcome, number: u64) {
    let evaluation = with_request(question, |request| index.evaluate(request));
    assert_eq!(
        evaluation.is_allowed(),
        outcome.allowed,
        "NAVE_WORLD={number}: {question:?}\n{evaluation:?}\nin {world:#?}"
    );
}

/// Compares every part of the engine's explanation with the rules.
fn explain(index: &RoleIndex, world: &World, question: &Question, number: u64) {
    let explanation = with_request(question, |request| index.explain(request));
    let evaluation = with_request(question, |request| index.evaluate(request));
    assert_eq!(explanation.evaluation, evaluation, "NAVE_WORLD={number}");
    for trace in &explanation.assignments {
        let n: usize = trace.id.name().parse().expect("number");
        let assigned = &world.assignments[n];
        assert!(
            rules::reaches(world, assigned, question),
            "NAVE_WORLD={number}: {trace:?}"
        );
        let gives = rules::gives(world, assigned, question, true);
        assert_eq!(
            trace.grants, gives,
            "NAVE_WORLD={number}: {trace:?} for {question:?}"
        );
        assert_eq!(trace.why_not.is_none(), gives, "NAVE_WORLD={number}: {trace:?}");
        let conditions = trace.permissions.iter().map(|permission| &permission.condition);
        for condition in conditions.chain([&trace.condition]).flatten() {
            check_trace(condition, number);
        }
        assert!(
            trace.permissions.iter().all(|permission| {
                permission.condition.is_none() || matches!(permission.says, Says::Covers { .. })
            }),
            "NAVE_WORLD={number}"
        );
    }
    let told: BTreeSet<usize> = explanation
        .assignments
        .iter()
        .map(|trace| trace.id.name().parse().expect("number"))
        .collect();
    let reaching: BTreeSet<usize> = (0..world.assignments.len())
        .filter(|n| rules::reaches(world, &world.assignments[*n], question))
        .collect();
    assert_eq!(told, reaching, "NAVE_WORLD={number}: {question:?} in {world:#?}");
    assert_eq!(
        explanation.assignments.len(),
        told.len(),
        "NAVE_WORLD={number}: told twice"
    );
    for trace in &explanation.denies {
        let n: usize = trace.id.name().parse().expect("number");
        let blocks = rules::blocks(world, &world.denies[n], question, true);
        assert_eq!(
            trace.blocks, blocks,
            "NAVE_WORLD={number}: {trace:?} for {question:?}"
        );
    }
    for scope in &explanation.scopes {
        assert!(
            rules::contains(world, scope.as_str(), &question.scope),
            "NAVE_WORLD={number}: {scope}"
        );
    }
}

/// A condition that is not met names what is in the way, unless it cannot be read; one that is met names nothing.
fn check_trace(trace: &Trace, number: u64) {
    let blamed = trace.in_the_way().count() > 0;
    let expected = trace.truth != Truth::True && trace.error.is_none();
    assert_eq!(blamed, expected, "NAVE_WORLD={number}: {trace:?}");
    for leaf in &trace.leaves {
        assert_eq!(trace.text[leaf.span.clone()], leaf.text, "NAVE_WORLD={number}");
    }
}

#[test]
fn conditions_are_read_and_come_out_as_the_language_says() {
    let mut counts = [0; 4];
    let numbers = worlds(5_000);
    let many = numbers.end - numbers.start > 100;
    for number in numbers {
        let mut chance = Chance::new(number ^ 0x00c0_ffee);
        for _ in 0..4 {
            let mut text = phrase::condition(&mut chance);
            if chance.percent(30) {
                text = phrase::broken(&mut chance, &text);
            }
            let expected = language::parse(&text);
            let read = Condition::parse(&text);
            assert_eq!(
                read.is_ok(),
                expected.is_some(),
                "NAVE_WORLD={number}: {text}\n{read:?}"
            );
            let Ok(condition) = read else {
                counts[3] += 1;
                continue;
            };
            let question = Question::random(&mut chance);
            let truth = with_request(&question, |request| condition.evaluate(request));
            let expected = match rules::text_truth(&text, &question) {
                Some(true) => Truth::True,
                Some(false) => Truth::False,
                None => Truth::Unknown,
            };
            assert_eq!(truth, expected, "NAVE_WORLD={number}: {text}\n{question:#?}");
            counts[truth as usize] += 1;
        }
    }
    println!("false, unknown, true, no condition: {counts:?}");
    if many {
        let all: usize = counts.iter().sum();
        assert!(counts.iter().all(|count| count * 10 > all), "{counts:?}");
    }
}

#[test]
fn containment_follows_paths_and_tree() {
    for number in worlds(300) {
        let mut chance = Chance::new(number);
        let world = World::random(&mut chance);
        let index = world.index(&mut chance);
        for upper in world::SCOPES {
            for lower in world::SCOPES {
                let contains = index.scope_contains(&id(upper), &id(lower));
                assert_eq!(
                    contains,
                    rules::contains(&world, upper, lower),
                    "NAVE_WORLD={number}: {upper} above {lower} in {:?}",
                    world.management_groups
                );
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_line_is_answered(line in ".{0,80}") {
        proptest::prop_assert!(nave_rbac::eval::eval_line(&line).line.contains("\"decision\""));
    }
}
