//! `Microsoft.Authorization/locks`: what must not be changed or deleted by anybody, by mistake or not.
//!
//! What a lock stops is the engine's ([`nave_engine::locks`]); here is its form. It stands at a subscription or below,
//! never above: who is responsible for a subscription can always take its locks away (rest-surface 3.7, 4.3).

use http::Method;
use nave_arm::{ArmError, ErrorCode, Filter, ResourceId};
use nave_engine::{
    Fields, Registry, Reply, Resource, Snapshot,
    declaration::{Cx, Declaration, Draft, Placement, ResourceType, Verb, Written},
    locks::{LOCKS, Level, Lock},
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Value, json};

use crate::{filter, page, scope, subscriptions::GROUP_NAME, unchanged};

/// The most locks at one scope (rest-surface 3.6).
const MOST: usize = 20;
/// The most characters of the notes.
const NOTES: usize = 512;

pub(crate) fn register(registry: &mut Registry) {
    registry.add_type(Locks);
    let path = "/{scope}/providers/Microsoft.Authorization/locks";
    let access = Access::action("Microsoft.Authorization/locks/read");
    registry.add_routes([Route::new(Method::GET, path, Surface::Arm, access, list)]);
}

struct Locks;

static DECLARATION: Declaration = Declaration {
    resource_type: LOCKS,
    api_versions: &["2020-05-01", "2017-04-01", "2016-09-01", "2015-01-01"],
    placement: Placement::Anywhere,
    // a lock is called as a group may be (rest-surface 3.5)
    name: GROUP_NAME,
    verbs: &[Verb::Get, Verb::Put(201, 200), Verb::Delete(200)],
    tracked: false,
    ..Declaration::COMMON
};

impl ResourceType for Locks {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        check_place(&draft)?;
        let properties = read(&draft.body)?;
        let mut written = Written::plain(draft.clone());
        if draft.existing.is_none() {
            let place = place(&draft.id);
            check_number(cx.snapshot, &place)?;
            written.guards = vec![unchanged::since(cx.snapshot, LOCKS, &place)];
        }
        written.sent = json!({ "properties": properties });
        Ok(written)
    }

    fn view(&self, _: &Cx<'_>, resource: &Resource) -> Value {
        view(resource)
    }
}

fn place(lock: &ResourceId) -> ResourceId {
    lock.scope().unwrap_or_else(ResourceId::tenant)
}

/// What may be locked, and by which name.
fn check_place(draft: &Draft) -> Result<(), ArmError> {
    let (place, name) = (place(&draft.id), draft.id.name());
    if name.ends_with('.') {
        let message = format!("The name '{name}' is not valid for a lock: it cannot end with a period.");
        return Err(ArmError::new(ErrorCode::InvalidResourceName, message).on("name"));
    }
    if place.subscription().is_some() && !place.resource_type().eq_ignore_ascii_case(LOCKS) {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::InvalidScope,
        format!(
            "There can be no lock at '{place}': subscriptions, resource groups and resources are locked, and a lock \
             holds for everything below."
        ),
    ))
}

/// The properties of a body: the level, and what people write to it.
fn read(body: &Value) -> Result<Value, ArmError> {
    let fields = Fields(body);
    fields.required("/properties/level")?;
    // `NotSpecified` is a word of the client, for a lock without a level, and no level
    let level = fields.choice("/properties/level", &Level::WORDS)?;
    let mut properties = json!({ "level": level });
    if let Some(notes) = fields.text("/properties/notes")? {
        check_notes(notes)?;
        properties["notes"] = notes.into();
    }
    if let Some(owners) = fields.value("/properties/owners") {
        check_owners(owners)?;
        properties["owners"] = owners.clone();
    }
    Ok(properties)
}

fn check_notes(notes: &str) -> Result<(), ArmError> {
    if notes.chars().count() <= NOTES {
        return Ok(());
    }
    let message = format!("The notes of a lock have at most {NOTES} characters.");
    Err(ArmError::new(ErrorCode::InvalidParameter, message).on("properties.notes"))
}

fn check_owners(owners: &Value) -> Result<(), ArmError> {
    let is_owner = |owner: &Value| owner.get("applicationId").is_some_and(Value::is_string);
    if owners
        .as_array()
        .is_some_and(|owners| owners.iter().all(is_owner))
    {
        return Ok(());
    }
    let message = "The owners of a lock are a list of objects, each with an 'applicationId'.";
    Err(ArmError::new(ErrorCode::InvalidRequestFormat, message).on("properties.owners"))
}

fn check_number(snapshot: &Snapshot, place: &ResourceId) -> Result<(), ArmError> {
    if snapshot.locks().at(place).count() < MOST {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::ResourceQuotaExceeded,
        format!("There are {MOST} locks at '{place}' already, which is the most there may be."),
    ))
}

/// The locks at a scope, above it and below it; with `atScope()`, those that hold at it.
async fn list(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let asked_at = call.grant.id();
    scope::check(&snapshot, asked_at)?;
    let filter = filter::of(&call.request)?;
    filter::check(filter.as_ref(), |leaf| is_at_scope(leaf) || about(leaf).is_some())?;
    let passes = |lock: &Lock| {
        let mut leaf = |leaf: &Filter| holds(asked_at, lock, leaf);
        filter.as_ref().is_none_or(|filter| filter.holds(&mut leaf))
    };
    let locks = snapshot.locks();
    let mut found: Vec<(String, Value)> = locks
        .at_or_above(asked_at)
        .chain(locks.below(asked_at))
        .filter(|lock| passes(lock))
        .filter_map(|lock| snapshot.get(&lock.id))
        .map(|row| (row.id.key().to_owned(), view(row)))
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(Reply::ok(page::of(
        &call.engine,
        &call.request,
        found.into_iter(),
    )?))
}

fn is_at_scope(leaf: &Filter) -> bool {
    matches!(leaf, Filter::Call { name, argument: None } if name.eq_ignore_ascii_case("atScope"))
}

/// What a comparison asks of a lock: its `level` or its `name`.
fn about(leaf: &Filter) -> Option<(String, &str)> {
    filter::equals(leaf).filter(|(property, _)| matches!(property.as_str(), "level" | "name"))
}

fn holds(asked_at: &ResourceId, lock: &Lock, leaf: &Filter) -> bool {
    match about(leaf) {
        Some((property, value)) if property == "level" => lock.level.word().eq_ignore_ascii_case(value),
        Some((_, name)) => lock.id.name().eq_ignore_ascii_case(name),
        None => lock.scope().contains(asked_at),
    }
}

fn view(lock: &Resource) -> Value {
    let mut body = lock.envelope();
    if let Some(members) = body.as_object_mut() {
        members.shift_remove("etag");
    }
    body
}
