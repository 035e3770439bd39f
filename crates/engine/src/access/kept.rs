//! Uses as rows: written behind the requests, read for whoever asks which rights somebody needs, and forgotten in time.
//!
//! A server writes what is new every couple of seconds, mere repetitions once a minute, and all of it when it stops
//! ([`Engine::write_uses`]). A crash may lose the uses of the last seconds; it loses nothing that was acknowledged to
//! anybody, since no request waits for them. A row holds what one principal did between two writes, so rows are added
//! and never changed. Their type is not kept in memory.

use std::{collections::HashMap, sync::Weak, time::Duration};

use jiff::{SignedDuration, Timestamp};
use nave_arm::{ArmError, ResourceId};
use nave_rbac::Plane;
use nave_store::{Expect, ListQuery};
use serde_json::{Value, json};
use uuid::Uuid;

use super::uses::{DAY, Use};
use crate::{Act, Allows, Change, Engine, Erase, Grant, Put, Resource, change::store_failed};

/// The type of the rows.
pub const USES: &str = "Nave.Access/principals/uses";
/// How long uses are kept, unless a server is told otherwise.
pub const KEPT_DAYS: u32 = 90;

/// How often what is new is written.
const SOON: Duration = Duration::from_secs(2);
/// How many times what is new is looked for before mere repetitions are written as well.
const SOMETIME: u32 = 30;
/// How many rows are read, or deleted, at a time.
const TOGETHER: u32 = 500;

/// Writes uses down, and forgets those that are older than `days`, until the engine is dropped.
pub async fn keep_uses(engine: Weak<Engine>, days: u32) {
    let mut turn = 0;
    let mut forgotten = i64::MIN;
    loop {
        tokio::time::sleep(SOON).await;
        let Some(engine) = engine.upgrade() else { return };
        turn = (turn + 1) % SOMETIME;
        if (turn == 0 || engine.uses.has_news())
            && let Err(error) = engine.write_uses().await
        {
            tracing::error!(%error, "uses cannot be written; they are kept in memory");
        }
        let today = day_of(engine.world().now());
        if today > forgotten {
            match engine.forget_uses(days).await {
                Ok(()) => forgotten = today,
                Err(error) => tracing::error!(%error, "old uses cannot be deleted; trying again"),
            }
        }
    }
}

impl Engine {
    /// Writes down the uses that are only in memory, in one commit.
    pub async fn write_uses(&self) -> Result<(), ArmError> {
        let uses = self.uses.take(self.world().now());
        if uses.is_empty() {
            return Ok(());
        }
        let mut rows: HashMap<(Uuid, i64), Vec<Value>> = HashMap::new();
        for one in &uses {
            rows.entry((one.principal, one.day))
                .or_default()
                .push(record(one));
        }
        let puts = rows
            .into_iter()
            .map(|((principal, day), uses)| self.row_of(principal, day, uses))
            .collect();
        let change = Change {
            puts,
            ..Change::default()
        };
        let grant = self.on_own_account::<Act>("Nave.Access/principals/uses/write", &ResourceId::tenant());
        let written = self.commit(&grant, change).await;
        written.map(drop).map_err(|error| {
            self.uses.put_back(uses);
            error.into()
        })
    }

    fn row_of(&self, principal: Uuid, day: i64, uses: Vec<Value>) -> Put {
        let name = format!("{day}-{}", self.world().new_id());
        let sent = json!({ "principalId": principal, "day": day, "uses": uses });
        Put::new(of(principal).child("uses", &name), sent)
    }

    /// What a principal did in the last `days`, today included, at or below the resource of a grant; the same operation
    /// at the same place once, the newest day first.
    pub async fn uses_of<A: Allows>(
        &self,
        grant: &Grant<A>,
        principal: Uuid,
        days: u32,
    ) -> Result<Vec<Use>, ArmError> {
        self.write_uses().await?;
        let first = day_of(self.world().now()) - i64::from(days) + 1;
        let mut found: HashMap<(String, bool, String, i64), Use> = HashMap::new();
        let mut query = rows_below(&of(principal));
        loop {
            let page = self
                .store()
                .list(&query)
                .await
                .map_err(|error| store_failed(&error))?;
            let uses = page.rows.iter().filter_map(Resource::from_row);
            let uses = uses.flat_map(|row| read_row(&row)).filter(|one| {
                one.day >= first && self.snapshot().roles().scope_contains(grant.id(), &one.scope)
            });
            for one in uses {
                let key = (
                    one.operation.to_lowercase(),
                    one.plane == Plane::Data,
                    one.scope.key().to_owned(),
                    one.day,
                );
                match found.get_mut(&key) {
                    Some(known) => known.add(one),
                    None => drop(found.insert(key, one)),
                }
            }
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        let mut uses: Vec<Use> = found.into_values().collect();
        uses.sort_by(|one, other| {
            (other.day, &one.operation, &one.scope).cmp(&(one.day, &other.operation, &other.scope))
        });
        Ok(uses)
    }

    /// Deletes the rows of days that are longer ago than `days`.
    pub async fn forget_uses(&self, days: u32) -> Result<(), ArmError> {
        let first = day_of(self.world().now()) - i64::from(days) + 1;
        let mut query = rows_below(&ResourceId::tenant());
        loop {
            let page = self
                .store()
                .list(&query)
                .await
                .map_err(|error| store_failed(&error))?;
            let old = page
                .rows
                .iter()
                .filter(|row| day_in_name(&row.key).is_some_and(|day| day < first));
            let erases: Vec<Erase> = old
                .filter_map(|row| {
                    let id = ResourceId::parse(&row.id).ok()?;
                    let expect = Expect::Any;
                    Some(Erase { id, expect })
                })
                .collect();
            if !erases.is_empty() {
                let change = Change {
                    erases,
                    ..Change::default()
                };
                let grant =
                    self.on_own_account::<Act>("Nave.Access/principals/uses/delete", &ResourceId::tenant());
                self.commit(&grant, change).await?;
            }
            query.after = page.next;
            if query.after.is_none() {
                return Ok(());
            }
        }
    }
}

impl Use {
    pub(super) fn add(&mut self, other: Self) {
        self.times += other.times;
        self.last = self.last.max(other.last);
        self.coarse |= other.coarse;
        self.gate = self.gate.take().or(other.gate);
    }
}

fn day_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(DAY)
}

/// The first instant of the last `days`, today included.
#[must_use]
pub fn since(now: Timestamp, days: u32) -> Timestamp {
    let back = SignedDuration::from_secs(DAY * i64::from(days));
    now.checked_sub(back).unwrap_or(Timestamp::MIN)
}

fn of(principal: Uuid) -> ResourceId {
    ResourceId::tenant().extension("Nave.Access/principals", &principal.to_string())
}

fn rows_below(under: &ResourceId) -> ListQuery {
    ListQuery {
        under: under.key().to_owned(),
        type_key: Some(USES.to_lowercase()),
        after: None,
        limit: TOGETHER,
        as_of: None,
    }
}

/// `…/uses/{day}-{guid}`.
fn day_in_name(key: &str) -> Option<i64> {
    key.rsplit('/').next()?.split_once('-')?.0.parse().ok()
}

/// The usual is left out.
fn record(one: &Use) -> Value {
    let mut record = json!({
        "operation": one.operation, "scope": one.scope, "times": one.times, "last": one.last.to_string(),
    });
    if one.plane == Plane::Data {
        record["plane"] = "data".into();
    }
    if let Some(gate) = &one.gate {
        record["gate"] = gate.as_str().into();
    }
    if one.coarse {
        record["coarse"] = true.into();
    }
    record
}

fn read_row(row: &Resource) -> Vec<Use> {
    let read = || {
        let principal = row.text("/principalId")?.parse().ok()?;
        let day = row.value("/day")?.as_i64()?;
        let uses = row.value("/uses")?.as_array()?.iter();
        Some(uses.filter_map(|one| read_use(principal, day, one)).collect())
    };
    read().unwrap_or_default()
}

fn read_use(principal: Uuid, day: i64, record: &Value) -> Option<Use> {
    let text = |name: &str| record.get(name).and_then(Value::as_str);
    Some(Use {
        principal,
        day,
        operation: text("operation")?.to_owned(),
        plane: match text("plane") {
            Some("data") => Plane::Data,
            _ => Plane::Control,
        },
        scope: ResourceId::parse(text("scope")?).ok()?,
        gate: text("gate").map(str::to_owned),
        coarse: record.get("coarse").and_then(Value::as_bool).unwrap_or_default(),
        times: record.get("times")?.as_u64()?,
        last: text("last")?.parse().ok()?,
    })
}
