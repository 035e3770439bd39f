//! Aliases: the names by which rules speak of members of a resource (policy-language 3).
//!
//! `P/t/x.y` is `properties.x.y` of the type `P/t`, except for the members that stand at the root of every resource, and for
//! those that a [table](table) renames. Where an element wraps its members in a `properties` of its own, as connections do, the
//! alias passes over it.

mod listing;
mod table;

pub use listing::{AliasInfo, aliases_of, types_with_aliases};

use crate::words::same;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A member of an object.
    Member(String),
    /// Each element of an array: `[*]`.
    Each,
}

/// Where an alias points to in the resources of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) resource_type: String,
    pub(crate) steps: Vec<Step>,
    /// Where to look when there is nothing: some providers keep root members in their properties.
    pub(crate) otherwise: Option<Vec<Step>>,
}

/// An alias, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alias {
    /// As the rule writes it.
    pub(crate) name: String,
    /// Nearly always one: a few aliases are shared by types.
    pub(crate) places: Vec<Place>,
}

/// Members that stand beside `properties`.
const ROOT_MEMBERS: &[&str] = &[
    "sku",
    "kind",
    "identity",
    "plan",
    "zones",
    "extendedLocation",
    "managedBy",
];

impl Alias {
    /// Reads `Provider/type/path`; `None` for what has not this form.
    pub(crate) fn read(name: &str) -> Option<Self> {
        let slash = last_slash(name)?;
        let (resource_type, path) = (name.get(..slash)?, name.get(slash + 1..)?);
        let provider = resource_type.split('/').next()?;
        let is_well_formed =
            provider.contains('.') && resource_type.split('/').all(|segment| !segment.is_empty());
        if !is_well_formed {
            return None;
        }
        let places = match table::renamed(name) {
            Some(places) => places
                .iter()
                .map(|(resource_type, path)| Place::at(resource_type, path))
                .collect::<Option<_>>()?,
            None if !resource_type.contains('/') => return None,
            None => vec![Place::usual(resource_type, path)?],
        };
        Some(Self {
            name: name.to_owned(),
            places,
        })
    }

    /// Where it points to in resources of this type.
    pub(crate) fn place(&self, resource_type: &str) -> Option<&Place> {
        self.places
            .iter()
            .find(|place| same(&place.resource_type, resource_type))
    }

    /// Whether it gives one value for each element of an array.
    pub(crate) fn is_collection(&self) -> bool {
        self.places.iter().any(|place| place.steps.contains(&Step::Each))
    }
}

impl Place {
    fn at(resource_type: &str, path: &str) -> Option<Self> {
        Some(Self {
            resource_type: resource_type.to_owned(),
            steps: steps(path)?,
            otherwise: None,
        })
    }

    fn usual(resource_type: &str, path: &str) -> Option<Self> {
        let steps = steps(path)?;
        let in_properties = [vec![Step::Member(String::from("properties"))], steps.clone()].concat();
        let is_root = matches!(steps.first(), Some(Step::Member(first)) if ROOT_MEMBERS.iter().any(|root| same(root, first)));
        let is_component = resource_type
            .split('/')
            .next()
            .is_some_and(|provider| provider.ends_with(".Data"));
        let (steps, otherwise) = match (is_root, is_component) {
            (true, _) => (steps, Some(in_properties)),
            (false, true) => (in_properties, Some(steps)),
            (false, false) => (in_properties, None),
        };
        Some(Self {
            resource_type: resource_type.to_owned(),
            steps,
            otherwise,
        })
    }

    /// The path as text, such as `properties.networkAcls.ipRules[*].value`.
    pub(crate) fn path(&self) -> String {
        path_text(&self.steps)
    }
}

pub(crate) fn path_text(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Member(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
            }
            Step::Each => text.push_str("[*]"),
        }
    }
    text
}

/// The last slash that stands in no brackets.
fn last_slash(name: &str) -> Option<usize> {
    let end = name.find("['").unwrap_or(name.len());
    name.get(..end)?.rfind('/')
}

/// Reads a path: names parted by dots, `[*]`, and `['any name']`.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut found = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("[*]") {
            found.push(Step::Each);
            rest = after;
        } else if let Some(quoted) = rest.strip_prefix("['") {
            let (name, after) = quoted.split_once("']")?;
            found.push(Step::Member(name.to_owned()));
            rest = after;
        } else {
            let plain = match rest.strip_prefix('.') {
                Some(after) if !found.is_empty() => after,
                _ => rest,
            };
            let end = plain.find(['.', '[']).unwrap_or(plain.len());
            let (name, after) = plain.split_at(end);
            if name.is_empty() || name.contains(|c: char| c.is_whitespace() || matches!(c, ']' | '*' | '\''))
            {
                return None;
            }
            found.push(Step::Member(name.to_owned()));
            rest = after;
        }
    }
    (!found.is_empty() && found.first() != Some(&Step::Each)).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::Alias;

    fn path(name: &str) -> Option<(String, String)> {
        let alias = Alias::read(name)?;
        let place = alias.places.first()?;
        Some((place.resource_type.clone(), place.path()))
    }

    #[test]
    fn aliases_name_members() {
        for (name, resource_type, expected) in [
            ("Microsoft.X/t/a.b", "Microsoft.X/t", "properties.a.b"),
            ("Microsoft.X/t/sku.name", "Microsoft.X/t", "sku.name"),
            (
                "Microsoft.X/t/u/a[*].b[*]",
                "Microsoft.X/t/u",
                "properties.a[*].b[*]",
            ),
            (
                "Microsoft.KeyVault/vaults/sku.name",
                "Microsoft.KeyVault/vaults",
                "properties.sku.name",
            ),
            (
                "Microsoft.X/t/a['b/c.d'].e",
                "Microsoft.X/t",
                "properties.a.b/c.d.e",
            ),
            (
                "Microsoft.Compute/imageSKU",
                "Microsoft.Compute/virtualMachines",
                "properties.storageProfile.imageReference.sku",
            ),
        ] {
            let found = path(name);
            assert_eq!(
                found,
                Some((resource_type.to_owned(), expected.to_owned())),
                "{name}"
            );
        }
        for name in [
            "x",
            "Microsoft.X/t",
            "a/b/c",
            "Microsoft.X/t/",
            "Microsoft.X/t/a..b",
            "Microsoft.X/t/[*]",
            "Microsoft.X//a",
        ] {
            assert_eq!(path(name), None, "{name}");
        }
    }
}
