//! Who the person is whom a provider speaks of, and which groups he is in for it: a pure function of a snapshot and of
//! what was said.
//!
//! Only issuer and subject together say who somebody is. Another way to find an account is used once, when it is linked,
//! and only where the provider's description says so. A name that somebody else has here is never taken over.

use nave_engine::{Change, Expect, Put, Resource, Snapshot, directory, principal_claim, site::Site};
use serde_json::{Value, json};
use uuid::Uuid;

use super::provider::Provider;
use crate::{
    graph::{again, check_user_name, user_claims},
    principal,
};

/// What a provider said.
pub(super) struct Said<'a> {
    pub(super) provider: &'a Provider,
    pub(super) issuer: &'a str,
    pub(super) subject: &'a str,
    pub(super) claims: &'a Value,
    /// The id of an account that is made.
    pub(super) new: Uuid,
}

/// What follows from it.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) change: Change,
    pub(super) person: Uuid,
}

pub(super) fn settle(snapshot: &Snapshot, site: &Site, said: &Said<'_>) -> Result<Settled, String> {
    let (person, mut put, is_changed) = account(snapshot, site, said)?;
    let memberships = memberships(snapshot, said, person, &put.own);
    let before = put.own["memberships"][said.provider.id()].clone();
    let marked = json!(memberships.marked);
    let moved = before != marked && !(before.is_null() && memberships.marked.is_empty());
    if moved {
        put.own["memberships"][said.provider.id()] = marked;
    }
    let mut change = Change {
        puts: memberships.groups,
        ..Change::default()
    };
    if is_changed || moved {
        change.puts.insert(0, put);
    }
    Ok(Settled { change, person })
}

/// The person's row, as it is to be, and whether that is a change.
fn account(snapshot: &Snapshot, site: &Site, said: &Said<'_>) -> Result<(Uuid, Put, bool), String> {
    let linked = snapshot.claimed(&principal::federated_claim(said.issuer, said.subject));
    if let Some(person) = linked {
        return enabled(person).map(|()| (principal::object_id(person), again(person), false));
    }
    if let Some(person) = to_link(snapshot, said)? {
        enabled(person)?;
        let mut put = again(person);
        link(&mut put, said);
        return Ok((principal::object_id(person), put, true));
    }
    if !said.provider.flag("justInTime") {
        return Err(String::from(
            "you have no account here. Ask an administrator to make one, or to let the provider's people in",
        ));
    }
    new_account(snapshot, site, said).map(|put| (said.new, put, true))
}

fn enabled(person: &Resource) -> Result<(), String> {
    if principal::enabled(person) {
        return Ok(());
    }
    Err(format!(
        "the account '{}' is disabled here",
        principal::name(person)
    ))
}

fn link(put: &mut Put, said: &Said<'_>) {
    let mut identities = put.own["identities"].as_array().cloned().unwrap_or_default();
    identities.push(json!({ "issuer": said.issuer, "subject": said.subject }));
    put.own["identities"] = identities.into();
    let id = Uuid::parse_str(put.id.name()).unwrap_or_default();
    put.claims = user_claims(
        id,
        put.sent["userPrincipalName"].as_str().unwrap_or_default(),
        &put.own,
    );
}

/// An account that is there already and not yet this provider's.
fn to_link<'a>(snapshot: &'a Snapshot, said: &Said<'_>) -> Result<Option<&'a Resource>, String> {
    let ways = said.provider.texts("linkBy");
    let by = |way: &str| ways.iter().any(|known| known == way);
    let external = said
        .provider
        .claimed_text(said.claims, "externalId")
        .filter(|_| by("externalId"));
    let email = said
        .provider
        .verified_email(said.claims)
        .filter(|_| by("verifiedEmail"));
    let same = |person: &Resource, place: &str, wanted: &str| {
        person
            .text(place)
            .is_some_and(|found| found.to_lowercase() == wanted.to_lowercase())
    };
    let fits = |person: &&Resource| {
        external.is_some_and(|external| person.text("/externalId") == Some(external))
            || email.is_some_and(|email| {
                same(person, "/userPrincipalName", email) || same(person, "/mail", email)
            })
    };
    if external.is_none() && email.is_none() {
        return Ok(None);
    }
    let mut found = snapshot.of_type(directory::USERS).map(AsRef::as_ref).filter(fits);
    let (first, second) = (found.next(), found.next());
    if second.is_some() {
        return Err(String::from(
            "more than one account here could be yours. Ask an administrator to link one",
        ));
    }
    let taken = first
        .is_some_and(|person| principal::identities(&person.own).any(|(issuer, _)| issuer == said.issuer));
    if taken {
        return Err(String::from(
            "the account here that could be yours belongs to somebody else of that provider",
        ));
    }
    Ok(first)
}

fn new_account(snapshot: &Snapshot, site: &Site, said: &Said<'_>) -> Result<Put, String> {
    let Said { provider, claims, .. } = said;
    let domains = provider.texts("allowedDomains");
    if !domains.is_empty() {
        let domain = provider
            .verified_email(claims)
            .and_then(|email| email.rsplit_once('@'))
            .map(|(_, domain)| domain.to_lowercase());
        if !domain.is_some_and(|domain| domains.iter().any(|allowed| allowed.to_lowercase() == domain)) {
            return Err(String::from(
                "it does not vouch for an e-mail address in a domain that is let in here",
            ));
        }
    }
    let name = user_name(site, said);
    if snapshot.claimed(&directory::upn_claim(&name)).is_some() {
        return Err(format!(
            "the name '{name}' is somebody's here. If that is you, ask an administrator to link the accounts"
        ));
    }
    let id = said.new;
    let display = provider.claimed_text(claims, "displayName").unwrap_or(&name);
    let mut sent = json!({
        "id": id, "userPrincipalName": name, "displayName": display.chars().take(256).collect::<String>(),
        "mailNickname": name.split('@').next(), "accountEnabled": true,
    });
    for (member, what) in [("givenName", "givenName"), ("surname", "surname")] {
        if let Some(text) = provider.claimed_text(claims, what) {
            sent[member] = text.chars().take(256).collect::<String>().into();
        }
    }
    if let Some(email) = provider.verified_email(claims) {
        sent["mail"] = email.into();
    }
    let mut put = Put::new(directory::object_id(directory::USERS, id), sent);
    put.expect = Expect::Absent;
    put.claims = vec![principal_claim(id)];
    link(&mut put, said);
    Ok(put)
}

/// The name to sign in with: what the provider says, where that is one, else made of the subject.
fn user_name(site: &Site, said: &Said<'_>) -> String {
    let said_names = ["userPrincipalName", "email"].map(|what| said.provider.claimed_text(said.claims, what));
    let good = said_names
        .into_iter()
        .flatten()
        .find(|name| check_user_name(name).is_ok());
    good.map_or_else(
        || {
            let plain: String = said
                .subject
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
                .take(48)
                .collect();
            format!("{}.{plain}@{}", said.provider.id(), site.domain)
        },
        str::to_owned,
    )
}

/// The groups a person is in for a provider's sake.
struct Memberships {
    /// The groups that change.
    groups: Vec<Put>,
    /// Those he is in for it from now on.
    marked: Vec<Uuid>,
}

/// Whoever is in a group already is so for another reason, and stays; what was given for the provider's sake is taken
/// again when the provider says it no longer.
fn memberships(snapshot: &Snapshot, said: &Said<'_>, person: Uuid, own: &Value) -> Memberships {
    let marked: Vec<Uuid> = own["memberships"][said.provider.id()]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|id| Uuid::parse_str(id.as_str()?).ok())
        .collect();
    let Some(wanted) = wanted(snapshot, said) else {
        return Memberships {
            groups: Vec::new(),
            marked,
        };
    };
    let (mut groups, mut kept) = (Vec::new(), Vec::new());
    for (id, group) in wanted.iter().filter_map(|id| Some((*id, group(snapshot, *id)?))) {
        let mut members = directory::members(group);
        if members.contains(&person) {
            kept.extend(marked.contains(&id).then_some(id));
            continue;
        }
        members.push(person);
        groups.push(with_members(group, &members));
        kept.push(id);
    }
    for group in marked
        .iter()
        .filter(|id| !wanted.contains(id))
        .filter_map(|id| group(snapshot, *id))
    {
        let mut members = directory::members(group);
        members.retain(|member| *member != person);
        groups.push(with_members(group, &members));
    }
    kept.sort_unstable();
    Memberships { groups, marked: kept }
}

fn group(snapshot: &Snapshot, id: Uuid) -> Option<&Resource> {
    snapshot
        .get(&directory::object_id(directory::GROUPS, id))
        .map(AsRef::as_ref)
}

fn with_members(group: &Resource, members: &[Uuid]) -> Put {
    let mut put = again(group);
    put.sent["members"] = json!(members);
    put
}

/// The groups that the provider says the person is in, as far as they mean something here. `None`: it says nothing that
/// can be gone by, and things stay as they are.
fn wanted(snapshot: &Snapshot, said: &Said<'_>) -> Option<Vec<Uuid>> {
    let provider = said.provider;
    if !provider.maps_groups() {
        return Some(Vec::new());
    }
    // Entra leaves out a list that is too long, and says so.
    let left_out = said.claims.pointer("/_claim_names/groups").is_some() || said.claims["hasgroups"] == true;
    let values = match provider.claim(said.claims, "groups") {
        None if left_out => {
            tracing::warn!(
                provider = provider.id(),
                "the groups claim was left out; memberships stay as they are"
            );
            return None;
        }
        None => Vec::new(),
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        Some(one) => one.as_str().into_iter().collect(),
    };
    let by_external = |value: &str| {
        let all = snapshot.of_type(directory::GROUPS);
        let found = all
            .into_iter()
            .find(|group| group.text("/externalId") == Some(value));
        found
            .filter(|_| provider.flag("groupsByExternalId"))
            .map(|group| principal::object_id(group))
    };
    let mut groups: Vec<Uuid> = values
        .into_iter()
        .filter_map(|value| provider.mapped_group(value).or_else(|| by_external(value)))
        .collect();
    groups.sort_unstable();
    groups.dedup();
    Some(groups)
}
