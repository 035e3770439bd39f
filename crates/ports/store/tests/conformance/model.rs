//! Any history of commits, against a model that keeps every state whole.

use std::collections::{BTreeMap, BTreeSet};

use nave_store::{Change, Expect, Guard, ListQuery, PutRow, Revision, Store, StoreError, Write};
use proptest::{collection::vec, prelude::*, sample::subsequence, test_runner::TestRunner};

use super::*;

const KEYS: [&str; 5] = ["/s", "/s/a", "/s/a/x", "/s/a-b", "/t"];
const CLAIMS: [&str; 3] = ["n", "m", "o"];
const CASES: u32 = 48;

/// What one write of a generated change is; expectations are settled when it is made.
#[derive(Debug, Clone)]
enum Wish {
    Put {
        key: usize,
        claims: Vec<&'static str>,
        expect: Expected,
    },
    Delete {
        key: usize,
        expect: Expected,
    },
}

#[derive(Debug, Clone, Copy)]
enum Expected {
    Absent,
    Any,
    TheCurrent,
    Another,
}

#[derive(Debug, Clone)]
enum Care {
    Unchanged { under: usize, back: i64 },
    Present(usize),
    Gone(usize),
}

fn wish() -> impl Strategy<Value = Wish> {
    let expected = || {
        prop_oneof![
            4 => Just(Expected::Any),
            3 => Just(Expected::TheCurrent),
            2 => Just(Expected::Absent),
            1 => Just(Expected::Another)
        ]
    };
    let key = || 0..KEYS.len();
    prop_oneof![
        3 => (key(), subsequence(CLAIMS.to_vec(), 0..=2), expected())
            .prop_map(|(key, claims, expect)| Wish::Put { key, claims, expect }),
        1 => (key(), expected()).prop_map(|(key, expect)| Wish::Delete { key, expect }),
    ]
}

fn care() -> impl Strategy<Value = Care> {
    let key = || 0..KEYS.len();
    prop_oneof![
        (key(), 0..4i64).prop_map(|(under, back)| Care::Unchanged { under, back }),
        key().prop_map(Care::Present),
        key().prop_map(Care::Gone),
    ]
}

fn history() -> impl Strategy<Value = Vec<(Vec<Wish>, Option<Care>)>> {
    vec((vec(wish(), 0..4), prop::option::weighted(0.3, care())), 1..14)
}

type State = BTreeMap<String, (String, Vec<String>)>;

/// Every state there was, the first before any commit; and what each commit touched.
struct Model {
    states: Vec<State>,
    touched: Vec<BTreeSet<String>>,
}

fn at_or_below(key: &str, under: &str) -> bool {
    key == under || key.starts_with(&format!("{under}/"))
}

impl Model {
    fn new() -> Self {
        Self {
            states: vec![State::new()],
            touched: vec![BTreeSet::new()],
        }
    }

    fn head(&self) -> Revision {
        Revision::try_from(self.states.len()).expect("small") - 1
    }

    fn now(&self) -> &State {
        self.states.last().expect("a state")
    }

    fn settle(&self, key: &str, expect: Expected) -> Expect {
        match expect {
            Expected::Absent => Expect::Absent,
            Expected::Any => Expect::Any,
            Expected::TheCurrent => tag(self.now().get(key).map_or("none", |(etag, _)| etag)),
            Expected::Another => tag("another"),
        }
    }

    fn change(&self, wishes: &[Wish], care: Option<&Care>) -> Change {
        let write = |(at, wish): (usize, &Wish)| match wish {
            Wish::Put { key, claims, expect } => {
                let etag = format!("{}.{at}", self.states.len());
                let expect = self.settle(KEYS[*key], *expect);
                let claims = claims.iter().map(|claim| (*claim).to_owned()).collect();
                Write::Put(PutRow {
                    claims,
                    expect,
                    ..row(KEYS[*key], &etag)
                })
            }
            Wish::Delete { key, expect } => delete_if(KEYS[*key], self.settle(KEYS[*key], *expect)),
        };
        let guard = care.map(|care| match care {
            Care::Unchanged { under, back } => Guard::Unchanged {
                type_key: String::from("t"),
                under: KEYS[*under].to_owned(),
                since: (self.head() - back).max(0),
            },
            Care::Present(key) => Guard::Present {
                key: KEYS[*key].to_owned(),
            },
            Care::Gone(key) => Guard::Gone {
                under: KEYS[*key].to_owned(),
            },
        });
        guarded(
            wishes.iter().enumerate().map(write).collect(),
            guard.into_iter().collect(),
        )
    }

    /// Commits, or says why not in the words of [`StoreError`].
    fn commit(&mut self, change: &Change) -> Result<Revision, String> {
        let mut seen = BTreeSet::new();
        let key_of = |write: &Write| match write {
            Write::Put(put) => put.key.clone(),
            Write::Delete { key, .. } => key.clone(),
        };
        for write in &change.writes {
            if !seen.insert(key_of(write)) {
                return Err(format!("one change writes `{}` twice", key_of(write)));
            }
        }
        let changed = |under: &str| Err(format!("what is under `{under}` changed meanwhile"));
        for guard in &change.guards {
            if let Guard::Unchanged { under, since, .. } = guard {
                let since = usize::try_from(*since).expect("positive");
                if self.touched[since + 1..]
                    .iter()
                    .flatten()
                    .any(|key| at_or_below(key, under))
                {
                    return changed(under);
                }
            }
        }
        let mut next = self.now().clone();
        let mut touched = BTreeSet::new();
        for write in &change.writes {
            let (key, expect) = match write {
                Write::Put(put) => (&put.key, &put.expect),
                Write::Delete { key, expect } => (key, expect),
            };
            match (expect, next.get(key)) {
                (Expect::Absent, Some(_)) => return Err(format!("`{key}` exists")),
                (Expect::Etag(_), None) => return Err(format!("`{key}` does not exist")),
                (Expect::Etag(wanted), Some((etag, _))) if wanted != etag => {
                    return Err(format!("`{key}` has another etag"));
                }
                _ => {}
            }
            if next.remove(key).is_some() {
                touched.insert(key.clone());
            }
        }
        for write in &change.writes {
            let Write::Put(put) = write else { continue };
            for claim in &put.claims {
                if let Some((holder, _)) = next.iter().find(|(_, (_, claims))| claims.contains(claim)) {
                    return Err(format!("`{claim}` is held by `{holder}`"));
                }
            }
            next.insert(put.key.clone(), (put.etag.clone(), put.claims.clone()));
            touched.insert(put.key.clone());
        }
        for guard in &change.guards {
            match guard {
                Guard::Present { key } if !next.contains_key(key) => return changed(key),
                Guard::Gone { under } if next.keys().any(|key| at_or_below(key, under)) => {
                    return changed(under);
                }
                _ => {}
            }
        }
        self.states.push(next);
        self.touched.push(touched);
        Ok(self.head())
    }
}

async fn state_at(store: &Store, as_of: Option<Revision>) -> State {
    let query = ListQuery {
        under: String::from("/"),
        type_key: None,
        after: None,
        limit: 100,
        as_of,
    };
    let rows = store.list(&query).await.expect("list").rows;
    rows.into_iter()
        .map(|row| (row.key, (row.etag, row.claims)))
        .collect()
}

/// The states one gets by taking in one commit after the other.
async fn followed(store: &Store) -> Vec<State> {
    let mut states = vec![State::new()];
    loop {
        let seen = Revision::try_from(states.len()).expect("small") - 1;
        let commits = store.commits_after(seen, 5).await.expect("commits");
        if commits.is_empty() {
            return states;
        }
        for commit in commits {
            let mut state = states.last().expect("a state").clone();
            for row in &commit.deleted {
                assert!(state.remove(&row.key).is_some(), "{} was there", row.key);
            }
            state.extend(
                commit
                    .rows
                    .iter()
                    .map(|row| (row.key.clone(), (row.etag.clone(), row.claims.clone()))),
            );
            states.push(state);
        }
    }
}

async fn check(place: &Place, history: &[(Vec<Wish>, Option<Care>)]) {
    let store = place.open().await;
    let mut model = Model::new();
    for (wishes, care) in history {
        let change = model.change(wishes, care.as_ref());
        let expected = model.commit(&change);
        let done = store.commit(change).await;
        assert_eq!(
            done.map(|done| done.revision)
                .map_err(|error: StoreError| error.to_string()),
            expected
        );
    }
    assert_eq!(state_at(&store, None).await, *model.now());
    for (revision, state) in model.states.iter().enumerate() {
        let as_of = Revision::try_from(revision).expect("small");
        assert_eq!(state_at(&store, Some(as_of)).await, *state, "as of {revision}");
    }
    assert_eq!(followed(&store).await, model.states, "from memory");
    assert_eq!(followed(&place.open().await).await, model.states, "from the log");
    assert_eq!(store.verify().await.expect("verify").head, model.head());
    store.close().await;
}

pub(crate) async fn any_history_is_the_models(place: &Place) {
    let mut runner = TestRunner::new(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..Default::default()
    });
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        runner.run(&history(), |history| {
            runtime.block_on(async {
                place.empty().await;
                check(place, &history).await;
            });
            Ok(())
        })
    })
    .expect("the model's history");
}
