//! The snapshot follows the log: as loaded, so followed.

mod common;

use std::collections::BTreeSet;

use common::*;
use nave_engine::rbac::{AccessRequest, Attributes, Evaluation, Plane};
use nave_engine::{Act, Change, Engine, Erase, EventQuery, Expect, Put, Snapshot};
use proptest::{collection::vec, prelude::*, sample::subsequence, test_runner::TestRunner};
use serde_json::json;
use uuid::Uuid;

const PEOPLE: [Uuid; 3] = [Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3)];
const TEAMS: [Uuid; 2] = [Uuid::from_u128(11), Uuid::from_u128(12)];
const THINGS: [&str; 3] = ["a", "a-b", "c"];
const CLAIMS: [&str; 3] = ["n", "m", "o"];

/// One row of a generated change.
#[derive(Debug, Clone)]
enum Step {
    Thing {
        at: usize,
        claims: Vec<&'static str>,
    },
    Part {
        at: usize,
    },
    Record {
        at: usize,
    },
    Assignment {
        at: u128,
        who: usize,
        role: Uuid,
        scope: usize,
        readable: bool,
    },
    Deny {
        at: u128,
        who: usize,
        scope: usize,
    },
    Team {
        at: usize,
        members: Vec<Uuid>,
    },
    Person {
        at: usize,
        enabled: bool,
    },
    Gone(Box<Self>),
}

fn scope(at: usize) -> String {
    [
        String::from("/"),
        S.to_owned(),
        RG.to_owned(),
        thing("a"),
        thing("a-b"),
    ][at]
        .clone()
}

fn extension(scope: &str, kind: &str, name: u128) -> nave_arm::ResourceId {
    id(scope).extension(
        &format!("Microsoft.Authorization/{kind}"),
        &Uuid::from_u128(name).to_string(),
    )
}

fn principal(who: usize) -> Uuid {
    PEOPLE.iter().chain(&TEAMS).copied().nth(who).expect("somebody")
}

impl Step {
    fn put(&self) -> Put {
        match self {
            Self::Thing { at, claims } => {
                let mut put = Put::new(
                    id(&thing(THINGS[*at])),
                    json!({ "properties": { "claims": claims } }),
                );
                put.claims = claims.iter().map(|claim| (*claim).to_owned()).collect();
                put
            }
            Self::Part { at } => Put::new(id(&format!("{}/parts/p", thing(THINGS[*at]))), json!({})),
            Self::Record { at } => Put::new(id(&format!("{}/records/r", thing(THINGS[*at]))), json!({})),
            Self::Assignment {
                at,
                who,
                role,
                scope: of,
                readable,
            } => {
                let mut body = assigns(*role, principal(*who));
                if !readable {
                    body["properties"]["principalId"] = json!(7);
                }
                Put::new(extension(&scope(*of), "roleAssignments", *at), body)
            }
            Self::Deny { at, who, scope: of } => Put::new(
                extension(&scope(*of), "denyAssignments", *at),
                json!({ "properties": {
                    "denyAssignmentName": "d",
                    "permissions": [{ "actions": ["*/delete"], "notActions": [], "dataActions": [], "notDataActions": [] }],
                    "principals": [{ "id": principal(*who), "type": "User" }],
                    "excludePrincipals": [],
                } }),
            ),
            Self::Team { at, members } => group(TEAMS[*at], members),
            Self::Person { at, enabled } => person(PEOPLE[*at], &format!("{at}@contoso.com"), *enabled),
            Self::Gone(step) => step.put(),
        }
    }

    fn add_to(&self, change: &mut Change) {
        let put = self.put();
        let taken = change
            .puts
            .iter()
            .map(|put| &put.id)
            .chain(change.erases.iter().map(|erase| &erase.id));
        if taken.into_iter().any(|id| *id == put.id) {
            return;
        }
        match self {
            Self::Gone(_) => change.erases.push(Erase {
                id: put.id,
                expect: Expect::Any,
            }),
            _ => change.puts.push(put),
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let role = prop_oneof![Just(OWNER), Just(READER), Just(COGNITIVE_USER)];
    let everybody = || PEOPLE.into_iter().chain(TEAMS).collect::<Vec<_>>();
    let present = prop_oneof![
        3 => (0..THINGS.len(), subsequence(CLAIMS.to_vec(), 0..=2)).prop_map(|(at, claims)| Step::Thing { at, claims }),
        1 => (0..THINGS.len()).prop_map(|at| Step::Part { at }),
        1 => (0..THINGS.len()).prop_map(|at| Step::Record { at }),
        4 => (0..4u128, 0..5usize, role, 0..5usize, prop::bool::weighted(0.9))
            .prop_map(|(at, who, role, scope, readable)| Step::Assignment { at, who, role, scope, readable }),
        1 => (0..2u128, 0..5usize, 0..5usize).prop_map(|(at, who, scope)| Step::Deny { at, who, scope }),
        2 => (0..TEAMS.len(), subsequence(everybody(), 0..4)).prop_map(|(at, members)| Step::Team { at, members }),
        1 => (0..PEOPLE.len(), any::<bool>()).prop_map(|(at, enabled)| Step::Person { at, enabled }),
    ];
    (present, prop::bool::weighted(0.25))
        .prop_map(|(step, gone)| if gone { Step::Gone(Box::new(step)) } else { step })
}

/// Everything a snapshot says, as one text.
fn shown(snapshot: &Snapshot) -> Vec<String> {
    let mut lines = vec![format!("revision {}", snapshot.revision())];
    lines.extend(
        snapshot
            .below(&nave_arm::ResourceId::tenant())
            .map(|row| format!("{row:?}")),
    );
    for name in [
        "Test.Engine/things",
        "Test.Engine/things/parts",
        "Test.Engine/things/records",
        "Microsoft.Graph/users",
    ] {
        lines.push(format!(
            "{name}: {:?}",
            snapshot
                .of_type(name)
                .map(|row| row.id.to_string())
                .collect::<Vec<_>>()
        ));
    }
    for claim in CLAIMS {
        lines.push(format!(
            "{claim}: {:?}",
            snapshot.claimed(claim).map(|row| row.id.to_string())
        ));
    }
    let assignments: BTreeSet<String> = snapshot
        .roles()
        .assignments()
        .map(|assignment| format!("{assignment:?}"))
        .collect();
    let denies: BTreeSet<String> = snapshot
        .roles()
        .denies()
        .map(|deny| format!("{deny:?}"))
        .collect();
    lines.extend(assignments);
    lines.extend(denies);
    for who in 0..5 {
        lines.push(format!(
            "{who} is {}",
            snapshot.principal(principal(who)).is_some()
        ));
        let groups: BTreeSet<Uuid> = snapshot.roles().groups_of(principal(who)).into_iter().collect();
        lines.push(format!("{who} in {groups:?}"));
        for at in 0..5 {
            for operation in ["Test.Engine/things/delete", "Test.Engine/things/read"] {
                let (attributes, scope) = (Attributes::default(), id(&scope(at)));
                let request = AccessRequest {
                    principal: principal(who),
                    operation,
                    plane: Plane::Control,
                    scope: &scope,
                    sub_operation: None,
                    attributes: &attributes,
                    surroundings: &(),
                };
                let allowed = matches!(snapshot.roles().evaluate(&request), Evaluation::Allowed(_));
                lines.push(format!("{who} {operation} at {scope}: {allowed}"));
            }
        }
    }
    lines
}

#[test]
fn as_loaded_so_followed() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("runtime");
    let config = ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let outcome = TestRunner::new(config).run(&vec(vec(step(), 1..5), 1..12), |history| {
        runtime.block_on(async {
            let nave = Nave::start().await;
            for steps in &history {
                let mut change = Change::default();
                steps.iter().for_each(|step| step.add_to(&mut change));
                let grant = nave
                    .engine
                    .on_own_account::<Act>("test", &nave_arm::ResourceId::tenant());
                // a name that is taken is a refusal, and part of the history
                drop(nave.engine.commit(&grant, change).await);
            }
            let loaded = Nave::open(nave.folder.clone()).await;
            assert_eq!(shown(&nave.engine.snapshot()), shown(&loaded.engine.snapshot()));
            nave.engine.verify().await.expect("the log is whole");
        });
        Ok(())
    });
    outcome.expect("as loaded, so followed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_nobody_waits_for_is_followed_too() {
    let nave = Nave::start().await;
    for n in 0..20 {
        let name = format!("t{n}");
        let commit = async {
            let grant = nave
                .engine
                .on_own_account::<Act>("test", &nave_arm::ResourceId::tenant());
            let put = Put::new(id(&thing(&name)), json!({}));
            nave.engine
                .commit(
                    &grant,
                    Change {
                        puts: vec![put],
                        ..Change::default()
                    },
                )
                .await
                .expect("commit");
        };
        // polled once: the change is on its way, and then its caller is gone
        tokio::pin!(commit);
        assert!(futures::poll!(&mut commit).is_pending());
    }
    let all = || nave.engine.snapshot().of_type("Test.Engine/things").count();
    let seen = async {
        while all() < 20 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), seen)
        .await
        .expect("the snapshot follows by itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_committed_sees_it_at_once() {
    let nave = std::sync::Arc::new(Nave::start().await);
    let tasks = (0..40).map(|n| {
        let engine: std::sync::Arc<Engine> = nave.engine.clone();
        tokio::spawn(async move {
            let grant = engine.on_own_account::<Act>("test", &nave_arm::ResourceId::tenant());
            let put = Put::new(id(&thing(&format!("t{n}"))), json!({}));
            let done = engine
                .commit(
                    &grant,
                    Change {
                        puts: vec![put],
                        ..Change::default()
                    },
                )
                .await
                .expect("commit");
            let snapshot = engine.snapshot();
            assert!(snapshot.revision() >= done.revision);
            assert!(snapshot.get(&done.resources[0].id).is_some());
        })
    });
    for task in futures::future::join_all(tasks).await {
        task.expect("task");
    }
    let recorded = nave.events(EventQuery::default()).await.len();
    assert_eq!(
        i64::try_from(recorded).expect("small"),
        nave.engine.snapshot().revision()
    );
}

#[tokio::test]
async fn a_lost_race_catches_up_with_what_another_process_wrote() {
    let nave = Nave::start().await;
    let other = Nave::open(nave.folder.clone()).await;
    nave.make(&thing("a"), json!({ "tags": { "by": "one" } })).await;
    // the other one has not heard of it
    let body = other
        .make(&thing("a"), json!({ "tags": { "by": "other" } }))
        .await;
    assert_eq!(body["writes"], 2);
    assert_eq!(nave.make(&thing("a"), json!({})).await["writes"], 3);
}
