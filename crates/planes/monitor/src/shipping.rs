//! Delivery: from where each setting is in the log, in order, and not beyond what has arrived.

mod files;
mod otlp;
mod s3;

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, Weak},
    time::Duration,
};

use jiff::Timestamp;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{Act, Engine, Event, EventKind, EventQuery, Grant, Resource, Snapshot};
use nave_outbound::Outbound;
use tokio::sync::Mutex;

use crate::{
    Monitor,
    diagnostic_settings::{Destination, SETTINGS, Setting},
    health::Health,
    record::Record,
};

/// How many events are read at a time.
const TOGETHER: u32 = 500;
/// How far a setting may be ahead of its mark when nothing of what it passed was for it: what is read again after a
/// restart.
const UNMARKED: i64 = 5000;
/// How long a setting waits after its first failure; twice as long after each further one, up to [`LONGEST`].
const WAIT: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// The operation that deliveries are made under.
const OPERATION: &str = "Nave.Monitor/deliveries/action";

/// What one round came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// How many records arrived.
    pub delivered: usize,
    /// How many deliveries failed.
    pub failed: usize,
}

/// Why records did not arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Undelivered {
    /// The destination is gone, or is not what it should be.
    #[error("{0}")]
    NoPlace(String),
    /// The disk refused.
    #[error("the file cannot be written: {0}")]
    Disk(#[from] std::io::Error),
    /// The other side cannot be reached.
    #[error("{0}")]
    Unreachable(#[from] nave_outbound::FetchError),
    /// The other side refused.
    #[error("{place} answered {status}")]
    Refused {
        /// Who.
        place: String,
        /// With what.
        status: u16,
    },
}

/// The state of deliveries of this process.
pub(crate) struct Shipping {
    outbound: Outbound,
    folder: PathBuf,
    health: Arc<Health>,
    /// One round at a time.
    places: Mutex<HashMap<String, Place>>,
}

/// Where a setting is.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The last revision that is dealt with.
    revision: i64,
    /// What of it is written down.
    marked: i64,
    /// How often it failed in a row, and until when it waits.
    failures: u32,
    not_before: Option<Timestamp>,
}

impl Monitor {
    /// Delivers as the log grows, until the engine is dropped.
    pub async fn keep_up(self, engine: Weak<Engine>) {
        let mut seen = 0;
        loop {
            let Some(present) = engine.upgrade() else { return };
            let head = present.snapshot().revision();
            match self.round(&present).await {
                Ok(_) => seen = head,
                Err(error) => tracing::error!(%error, "the log cannot be read for delivery"),
            }
            let further = present.beyond(seen);
            // what failed is tried again although nothing new happened
            drop(tokio::time::timeout(WAIT, further).await);
        }
    }

    /// Delivers everything that is due now.
    ///
    /// # Errors
    /// Where the log cannot be read. What a destination refuses is no error: it is tried again in a later round.
    pub async fn round(&self, engine: &Arc<Engine>) -> Result<Round, ArmError> {
        self.shipping.round(engine).await
    }
}

impl Shipping {
    pub(crate) fn new(outbound: Outbound, folder: PathBuf, health: Arc<Health>) -> Self {
        Self {
            outbound,
            folder,
            health,
            places: Mutex::default(),
        }
    }

    async fn round(&self, engine: &Arc<Engine>) -> Result<Round, ArmError> {
        let mut places = self.places.lock().await;
        let grant: Grant<Act> = engine.on_own_account(OPERATION, &ResourceId::tenant());
        let snapshot = engine.snapshot();
        let settings: Vec<Setting> = snapshot.of_type(SETTINGS).map(|row| Setting::of(row)).collect();
        self.forget_others(engine, &grant, &settings, &mut places).await?;
        for setting in &settings {
            if !places.contains_key(setting.id.key()) {
                let place = begin(engine, &grant, &setting.id).await?;
                places.insert(setting.id.key().to_owned(), place);
            }
        }
        let mut round = Round::default();
        // those that are at the same place read the log together
        while let Some((after, behind)) = next(&settings, &places, &snapshot, engine.world().now()) {
            let query = EventQuery {
                after: Some(after),
                limit: Some(TOGETHER),
                ..EventQuery::default()
            };
            let events = engine.events(&grant, query).await?;
            let Some(last) = events.last().map(|event| event.revision) else {
                break;
            };
            for setting in behind {
                let records = records(setting, &events);
                let arrived = self.deliver(engine, &grant, &snapshot, setting, &records).await;
                let now = engine.world().now();
                let Some(place) = places.get_mut(setting.id.key()) else {
                    continue;
                };
                match arrived {
                    Ok(()) => {
                        round.delivered += records.len();
                        if !records.is_empty() {
                            self.health.delivered(&setting.id, now);
                        }
                        place.arrived(last);
                    }
                    Err(failure) => {
                        round.failed += 1;
                        self.health.failed(&setting.id, &failure.to_string(), now);
                        tracing::warn!(setting = %setting.id, %failure, "events could not be delivered; trying again");
                        place.failed(now);
                        continue;
                    }
                }
                if !records.is_empty() || place.revision - place.marked > UNMARKED {
                    engine
                        .keep_mark(&grant, &mark(&setting.id), place.revision)
                        .await?;
                    place.marked = place.revision;
                }
            }
        }
        Ok(round)
    }

    /// Forgets where settings were that are gone.
    async fn forget_others(
        &self,
        engine: &Engine,
        grant: &Grant<Act>,
        settings: &[Setting],
        places: &mut HashMap<String, Place>,
    ) -> Result<(), ArmError> {
        let is_there = |key: &String| settings.iter().any(|setting| setting.id.key() == *key);
        let gone: Vec<String> = places.keys().filter(|key| !is_there(key)).cloned().collect();
        for key in gone {
            if let Ok(id) = ResourceId::parse(&key) {
                engine.drop_mark(grant, &mark(&id)).await?;
                self.health.forget(&id);
            }
            places.remove(&key);
        }
        Ok(())
    }

    /// Hands records to every destination of a setting. After a failure all of them get them again.
    async fn deliver(
        &self,
        engine: &Engine,
        grant: &Grant<Act>,
        snapshot: &Snapshot,
        setting: &Setting,
        records: &[Record],
    ) -> Result<(), Undelivered> {
        if records.is_empty() {
            return Ok(());
        }
        for destination in &setting.destinations {
            match destination {
                Destination::Storage(id) => self.to_files("storage", id, records).await?,
                Destination::Workspace(id) => self.to_files("workspaces", id, records).await?,
                Destination::Sink(id) => {
                    let sink = snapshot
                        .get(id)
                        .ok_or_else(|| Undelivered::NoPlace(format!("the sink '{id}' is gone")))?;
                    self.to_sink(engine, grant, sink, records).await?;
                }
            }
        }
        Ok(())
    }

    async fn to_sink(
        &self,
        engine: &Engine,
        grant: &Grant<Act>,
        sink: &Resource,
        records: &[Record],
    ) -> Result<(), Undelivered> {
        // opened to go into the request to the sink's own endpoint, and nowhere else
        let secrets = || engine.open_secrets(grant, sink);
        match sink.kind().as_str() {
            "otlp" => otlp::send(&self.outbound, sink, secrets().as_ref(), records).await,
            "s3" => s3::send(&self.outbound, sink, secrets().as_ref(), records).await,
            _ => self.to_files("sinks", &sink.id, records).await,
        }
    }

    async fn to_files(&self, kind: &str, place: &ResourceId, records: &[Record]) -> Result<(), Undelivered> {
        let below = self.folder.join(kind).join(files::component(place.name()));
        let lines = by_file(records);
        let appended = tokio::task::spawn_blocking(move || {
            let mut all = lines.into_iter();
            all.try_for_each(|(path, lines)| {
                files::append(&path.iter().fold(below.clone(), |at, part| at.join(part)), &lines)
            })
        });
        appended
            .await
            .unwrap_or_else(|_| Err(std::io::Error::other("the writing broke off")))?;
        Ok(())
    }
}

/// The lines of each file that records go into.
fn by_file(records: &[Record]) -> BTreeMap<Vec<String>, String> {
    let mut files: BTreeMap<Vec<String>, String> = BTreeMap::new();
    for record in records {
        let lines = files.entry(files::path(record)).or_default();
        lines.push_str(&record.body().to_string());
        lines.push('\n');
    }
    files
}

impl Place {
    fn arrived(&mut self, revision: i64) {
        self.revision = revision;
        self.failures = 0;
        self.not_before = None;
    }

    fn failed(&mut self, now: Timestamp) {
        let wait = WAIT.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures += 1;
        self.not_before = now.checked_add(wait).ok();
    }
}

/// The settings that are furthest behind, with where they are; none when all is dealt with or has to wait.
fn next<'s>(
    settings: &'s [Setting],
    places: &HashMap<String, Place>,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Option<(i64, Vec<&'s Setting>)> {
    let due = |setting: &&Setting| {
        places.get(setting.id.key()).is_some_and(|place| {
            place.revision < snapshot.revision() && place.not_before.is_none_or(|until| until <= now)
        })
    };
    let revision = |setting: &Setting| places.get(setting.id.key()).map_or(0, |place| place.revision);
    let due: Vec<&Setting> = settings.iter().filter(due).collect();
    let first = due.iter().map(|setting| revision(setting)).min()?;
    let behind = due.into_iter().filter(|setting| revision(setting) == first);
    Some((first, behind.collect()))
}

/// The records an event stream makes under a setting.
fn records(setting: &Setting, events: &[Event]) -> Vec<Record> {
    let about = |id: &str| ResourceId::parse(id).is_ok_and(|id| setting.scope.contains(&id));
    let concerned = |event: &&Event| {
        setting.scope.is_tenant() || about(&event.resource) || event.through.as_deref().is_some_and(about)
    };
    let record = |event: &Event| {
        let category = setting.category(EventKind::of(event))?.to_owned();
        Some(Record {
            event: event.clone(),
            category,
        })
    };
    events.iter().filter(concerned).filter_map(record).collect()
}

/// Where a setting starts: at its mark, else at the event that made it.
async fn begin(engine: &Engine, grant: &Grant<Act>, setting: &ResourceId) -> Result<Place, ArmError> {
    let revision = match engine.mark(grant, &mark(setting)).await? {
        Some(revision) => revision,
        None => {
            let made = EventQuery {
                limit: Some(1),
                ..EventQuery::default()
            };
            let there = engine.on_own_account::<Act>(OPERATION, setting);
            let events = engine.events(&there, made).await?;
            let revision = events.first().map_or(0, |event| event.revision);
            engine.keep_mark(grant, &mark(setting), revision).await?;
            revision
        }
    };
    Ok(Place {
        revision,
        marked: revision,
        failures: 0,
        not_before: None,
    })
}

fn mark(setting: &ResourceId) -> String {
    format!("diagnostics:{}", setting.key())
}
