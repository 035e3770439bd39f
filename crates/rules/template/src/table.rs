//! Named things of a template: in the order written, found without case.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// A list of named things whose names compare without case.
#[derive(Debug, Clone)]
pub(crate) struct Table<T> {
    entries: Vec<(String, T)>,
    places: HashMap<String, usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl<T> Table<T> {
    /// Adds an entry; `false` when the name is taken, and then nothing changes.
    pub(crate) fn insert(&mut self, name: &str, value: T) -> bool {
        let free = !self.places.contains_key(&name.to_lowercase());
        if free {
            self.places.insert(name.to_lowercase(), self.entries.len());
            self.entries.push((name.to_owned(), value));
        }
        free
    }

    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        self.entry(name).map(|(_, value)| value)
    }

    /// The entry with its name as written.
    pub(crate) fn entry(&self, name: &str) -> Option<(&str, &T)> {
        let place = *self.places.get(&name.to_lowercase())?;
        self.entries
            .get(place)
            .map(|(name, value)| (name.as_str(), value))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The names, for messages.
    pub(crate) fn names(&self) -> String {
        self.entries
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// A member of an object, its name compared without case; the exact spelling wins.
pub(crate) fn member<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let same = |(key, value): (&'v String, &'v Value)| same_name(key, name).then_some(value);
    object.get(name).or_else(|| object.iter().find_map(same))
}

/// Whether two names are one, without case.
pub(crate) fn same_name(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right) || (!left.is_ascii() && left.to_lowercase() == right.to_lowercase())
}
