//! Definitions and sets kept in memory, each in as many versions as were added.

use std::{collections::HashMap, sync::Arc};

use crate::{assignment::Definitions, definition::Definition, initiative::Initiative, version::best_version};

/// Definitions and sets by their ids.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    definitions: HashMap<String, Vec<Arc<Definition>>>,
    initiatives: HashMap<String, Vec<Arc<Initiative>>>,
}

impl Catalogue {
    /// Adds a definition, or one more version of it.
    pub fn add_definition(&mut self, id: &str, definition: Definition) {
        self.definitions
            .entry(id.to_lowercase())
            .or_default()
            .push(Arc::new(definition));
    }

    /// Adds a set, or one more version of it.
    pub fn add_initiative(&mut self, id: &str, initiative: Initiative) {
        self.initiatives
            .entry(id.to_lowercase())
            .or_default()
            .push(Arc::new(initiative));
    }
}

impl Definitions for Catalogue {
    fn definition(&self, id: &str, version: Option<&str>) -> Option<Arc<Definition>> {
        choose(self.definitions.get(&id.to_lowercase())?, version, |one| {
            one.version.as_deref()
        })
    }

    fn initiative(&self, id: &str, version: Option<&str>) -> Option<Arc<Initiative>> {
        choose(self.initiatives.get(&id.to_lowercase())?, version, |one| {
            one.version.as_deref()
        })
    }
}

/// The newest of the versions that fit; what has no version fits always.
fn choose<T>(all: &[Arc<T>], wanted: Option<&str>, version: impl Fn(&T) -> Option<&str>) -> Option<Arc<T>> {
    let best = best_version(wanted, all.iter().filter_map(|one| version(one)));
    let chosen = all
        .iter()
        .rfind(|one| version(one).is_none() || version(one) == best);
    chosen.cloned()
}
