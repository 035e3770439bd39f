//! Ids in bodies: what names a resource that moves, or something below it, names it where it is then.

use nave_arm::ResourceId;
use serde_json::{Map, Value};

/// The ids that change, and the place they change to.
pub(super) struct Renames {
    /// The keys of what moves, with what their ids become.
    pairs: Vec<(String, String)>,
}

impl Renames {
    /// Of resources that move to a group.
    pub(super) fn of(heads: &[ResourceId], to: &ResourceId) -> Self {
        let there = |id: &ResourceId| {
            let rest = id.as_str().splitn(6, '/').nth(5)?;
            Some((id.key().to_owned(), format!("{to}/{rest}")))
        };
        Self {
            pairs: heads.iter().filter_map(there).collect(),
        }
    }

    /// The new id of something that moves.
    pub(super) fn moved(&self, id: &ResourceId) -> Option<ResourceId> {
        ResourceId::parse(&self.renamed(id.as_str())?).ok()
    }

    /// Renames every text, and every member's name, that is an id; whether there was one.
    pub(super) fn apply(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => match self.renamed(text) {
                Some(renamed) => {
                    *text = renamed;
                    true
                }
                None => false,
            },
            Value::Array(items) => self.apply_to_each(items.iter_mut()),
            Value::Object(members) => self.apply_to_members(members),
            _ => false,
        }
    }

    fn apply_to_each<'v>(&self, values: impl Iterator<Item = &'v mut Value>) -> bool {
        let mut found = false;
        for value in values {
            found |= self.apply(value);
        }
        found
    }

    fn apply_to_members(&self, members: &mut Map<String, Value>) -> bool {
        let found = self.apply_to_each(members.values_mut());
        if members.keys().all(|name| self.renamed(name).is_none()) {
            return found;
        }
        let named = std::mem::take(members).into_iter();
        *members = named
            .map(|(name, member)| (self.renamed(&name).unwrap_or(name), member))
            .collect();
        true
    }

    /// A unique name that is made of an id: the same, of the new one.
    pub(super) fn in_claim(&self, claim: &str) -> String {
        let mut claim = claim.to_owned();
        for (key, there) in &self.pairs {
            if let Some(at) = claim.find(key.as_str()) {
                let ends = claim.as_bytes().get(at + key.len());
                if ends.is_none_or(|next| matches!(next, b'/' | b'|')) {
                    claim.replace_range(at..at + key.len(), &there.to_lowercase());
                }
            }
        }
        claim
    }

    fn renamed(&self, text: &str) -> Option<String> {
        let looks_like_an_id = text
            .get(..15)
            .is_some_and(|head| head.eq_ignore_ascii_case("/subscriptions/"));
        if !looks_like_an_id {
            return None;
        }
        let key = text.to_lowercase();
        // what lower case makes longer or shorter is not cut where the key ends
        if key.len() != text.len() {
            return None;
        }
        self.pairs.iter().find_map(|(old, there)| {
            let rest = key.strip_prefix(old.as_str())?;
            let is_whole = rest.is_empty() || rest.starts_with('/');
            is_whole.then(|| format!("{there}{}", &text[old.len()..]))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn renames() -> Renames {
        let head = ResourceId::parse("/subscriptions/s/resourceGroups/From/providers/A.B/things/One");
        Renames::of(&[head.expect("id")], &ResourceId::of_resource_group("t", "To"))
    }

    #[test]
    fn whole_ids_are_renamed_and_their_neighbours_are_not() {
        let mut body = json!({
            "link": "/SUBSCRIPTIONS/s/resourcegroups/from/providers/a.b/things/one",
            "child": "/subscriptions/s/resourceGroups/From/providers/A.B/things/One/parts/P",
            "neighbour": "/subscriptions/s/resourceGroups/From/providers/A.B/things/One2",
            "group": "/subscriptions/s/resourceGroups/From",
            "text": "see /subscriptions/s/resourceGroups/From/providers/A.B/things/One",
            "/subscriptions/s/resourceGroups/From/providers/A.B/things/One": [1],
        });
        assert!(renames().apply(&mut body));
        assert_eq!(
            body,
            json!({
                "link": "/subscriptions/t/resourceGroups/To/providers/A.B/things/One",
                "child": "/subscriptions/t/resourceGroups/To/providers/A.B/things/One/parts/P",
                "neighbour": "/subscriptions/s/resourceGroups/From/providers/A.B/things/One2",
                "group": "/subscriptions/s/resourceGroups/From",
                "text": "see /subscriptions/s/resourceGroups/From/providers/A.B/things/One",
                "/subscriptions/t/resourceGroups/To/providers/A.B/things/One": [1],
            })
        );
        assert!(!renames().apply(&mut json!({ "a": ["b", 1, null] })));
    }

    #[test]
    fn unique_names_that_are_made_of_ids_are_renamed() {
        let key = "/subscriptions/s/resourcegroups/from/providers/a.b/things/one";
        assert_eq!(
            renames().in_claim(&format!("assignment:{key}|p|r")),
            "assignment:/subscriptions/t/resourcegroups/to/providers/a.b/things/one|p|r"
        );
        let other = format!("assignment:{key}2|p|r");
        assert_eq!(renames().in_claim(&other), other);
        assert_eq!(renames().in_claim("subdomain:one"), "subdomain:one");
    }
}
