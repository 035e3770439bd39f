//! Which operation of this server a published one is, and the request for it.

use http::Method;
use nave_engine::operation::{Operation, Surface};
use nave_testkit::Ask;

use super::documents::Published;
use crate::{
    cases,
    town::{GROUP, MANAGEMENT_GROUP, Town},
};

/// A published operation and the one that serves it.
pub(crate) struct Served {
    pub(crate) published: Published,
    pub(crate) operation: Operation,
    /// What stands for each of the published path's segments.
    values: Vec<Source>,
}

/// Where the text of a segment comes from.
#[derive(Debug, Clone)]
enum Source {
    /// It is this word.
    Word(String),
    /// A placeholder of the operation.
    Place(String),
    /// A placeholder of the scope that the operation is at.
    Scope(String),
}

/// The served ones among the published operations.
pub(crate) fn all(town: &Town, published: Vec<Published>) -> Vec<Served> {
    let operations = town.nave.engine.registry().operations();
    let arm: Vec<&Operation> = operations
        .iter()
        .filter(|operation| operation.surface == Surface::Arm)
        .collect();
    let served = published.into_iter().filter_map(|published| {
        let same_verb = arm
            .iter()
            .filter(|operation| operation.method == published.method);
        let fitting =
            same_verb.filter_map(|operation| Some((*operation, values(&published.path, &operation.path)?)));
        let (operation, values) = fitting.max_by_key(|(operation, _)| words(&operation.path))?;
        Some(Served {
            published,
            operation: operation.clone(),
            values,
        })
    });
    served.collect()
}

fn segments(path: &str) -> Vec<&str> {
    path.split('/').filter(|segment| !segment.is_empty()).collect()
}

fn words(path: &str) -> usize {
    segments(path)
        .iter()
        .filter(|segment| placeholder(segment).is_none())
        .count()
}

fn placeholder(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// What stands for each segment of a published path, if it is a path of this operation.
fn values(published: &str, own: &str) -> Option<Vec<Source>> {
    let (published, own) = (segments(published), segments(own));
    let many = own.iter().position(|segment| *segment == "{scope}");
    let (head, tail) = match many {
        Some(at) => (&own[..at], &own[at + 1..]),
        None => own.split_at(own.len()),
    };
    let over = published.len().checked_sub(head.len() + tail.len())?;
    if many.is_none() && over > 0 {
        return None;
    }
    let (first, rest) = published.split_at(head.len());
    let (middle, last) = rest.split_at(over);
    let mut values = one_by_one(first, head)?;
    values.extend(middle.iter().map(|segment| match placeholder(segment) {
        Some(name) => Source::Scope(name.to_owned()),
        None => Source::Word((*segment).to_owned()),
    }));
    values.extend(one_by_one(last, tail)?);
    Some(values)
}

fn one_by_one(published: &[&str], own: &[&str]) -> Option<Vec<Source>> {
    let pairs = published.iter().zip(own);
    pairs
        .map(
            |(published, own)| match (placeholder(published), placeholder(own)) {
                (_, Some(name)) if placeholder(published).is_some() => Some(Source::Place(name.to_owned())),
                (None, _) if published.eq_ignore_ascii_case(own) || placeholder(own).is_some() => {
                    Some(Source::Word((*published).to_owned()))
                }
                _ => None,
            },
        )
        .collect()
}

impl Served {
    /// Whether the operation has a case; the table of authorization has those that have none.
    pub(crate) fn has_a_case(&self, town: &Town) -> bool {
        cases::request(town, &self.operation).is_some()
    }

    /// The name of the published operation, as exceptions know it.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.published.method, self.published.path)
    }

    /// The path with the town's values; `None` where the town has none.
    pub(crate) fn path(&self, town: &Town) -> Option<String> {
        let mut path = String::new();
        for source in &self.values {
            let value = match source {
                Source::Word(word) => word.clone(),
                Source::Place(name) => cases::fill(town, &self.operation, name)?,
                Source::Scope(name) if name == "scope" => cases::fill(town, &self.operation, name)?,
                Source::Scope(name) => in_scope(town, name)?,
            };
            if !value.is_empty() {
                path.push('/');
                path.push_str(&value);
            }
        }
        Some(path)
    }

    /// The request with the content that the operation's case has.
    pub(crate) fn ask(&self, town: &Town) -> Option<Ask> {
        let target = format!("{}?api-version={}", self.path(town)?, self.published.version);
        Some(cases::request(town, &self.operation)?.at(target))
    }

    pub(crate) fn is_read(&self) -> bool {
        matches!(self.published.method, Method::GET | Method::HEAD)
    }
}

/// What the placeholders of scopes stand for.
fn in_scope(town: &Town, name: &str) -> Option<String> {
    Some(match name {
        "subscriptionId" => town.subscription(),
        "resourceGroupName" | "resourceGroup" => GROUP.to_owned(),
        "groupId" | "managementGroupId" | "managementGroupName" => MANAGEMENT_GROUP.to_owned(),
        "resourceId" | "resourceUri" | "resourceScope" => town.group().trim_start_matches('/').to_owned(),
        "resourceProviderNamespace" => String::from("Microsoft.Storage"),
        "parentResourcePath" => String::new(),
        "resourceType" => String::from("storageAccounts"),
        "resourceName" => String::from("townstorage"),
        "managementGroupsNamespace" => String::from("Microsoft.Management"),
        _ => return None,
    })
}
