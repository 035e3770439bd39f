//! Definitions and sets in folders, found by their ids, or by their names where they have none.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use nave_policy::{Catalogue, Definition, Definitions, Initiative};
use nave_template::parse;
use serde_json::Value;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Shelf(Catalogue);

impl Shelf {
    /// Every definition and set in the folders and below. What cannot be read as one is passed over: a set that names it
    /// says so.
    pub(super) fn of(folders: &[PathBuf]) -> anyhow::Result<Self> {
        let mut shelf = Self::default();
        for folder in folders {
            shelf
                .search(folder)
                .with_context(|| format!("`{}` cannot be read", folder.display()))?;
        }
        Ok(shelf)
    }

    fn search(&mut self, folder: &Path) -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() {
                self.search(&path)?;
            } else if path.extension().is_some_and(|ending| ending == "json")
                && let Ok(text) = std::fs::read_to_string(&path)
                && let Ok(document) = parse(&text)
            {
                self.add(&document, &path);
            }
        }
        Ok(())
    }

    fn add(&mut self, document: &Value, path: &Path) {
        let properties = document.get("properties").unwrap_or(document);
        let file = path.file_stem().unwrap_or_default().to_string_lossy();
        let id = ["id", "name"].iter().find_map(|name| document[*name].as_str());
        let name = key(id.unwrap_or(&file));
        if properties.get("policyDefinitions").is_some() {
            if let Ok(initiative) = Initiative::parse(properties) {
                self.0.add_initiative(&name, initiative);
            }
        } else if properties.get("policyRule").is_some()
            && let Ok(definition) = Definition::parse(properties)
        {
            self.0.add_definition(&name, definition);
        }
    }

    pub(super) fn with_definition(&self, id: &str, definition: Definition) -> Self {
        let mut catalogue = self.0.clone();
        catalogue.add_definition(&key(id), definition);
        Self(catalogue)
    }

    pub(super) fn with_initiative(&self, id: &str, initiative: Initiative) -> Self {
        let mut catalogue = self.0.clone();
        catalogue.add_initiative(&key(id), initiative);
        Self(catalogue)
    }
}

/// Files of one organisation have names that are used once; the scope in an id is often a placeholder.
fn key(id: &str) -> String {
    id.rsplit('/').next().unwrap_or(id).to_lowercase()
}

impl Definitions for Shelf {
    fn definition(&self, id: &str, version: Option<&str>) -> Option<Arc<Definition>> {
        self.0.definition(&key(id), version)
    }

    fn initiative(&self, id: &str, version: Option<&str>) -> Option<Arc<Initiative>> {
        self.0.initiative(&key(id), version)
    }
}
