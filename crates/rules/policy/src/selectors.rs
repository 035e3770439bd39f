//! Selectors: which resources and definitions an assignment's overrides and restrictions are about (policy-language 5).

use serde_json::Value;

use crate::{
    effect::Effect,
    error::{PolicyError, Read},
    subject::Subject,
    version::version_fits,
    words::{among, location, part, text_part, texts},
};

/// What a selector looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SelectorKind {
    ResourceLocation,
    ResourceType,
    ResourceWithoutLocation,
    ReferenceId,
}

/// One selector: a kind, and the values that are in or not in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector {
    kind: SelectorKind,
    included: Option<Vec<String>>,
    excluded: Vec<String>,
}

/// Limits an assignment or exemption to some resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceSelector {
    /// Its name.
    pub name: String,
    selectors: Vec<Selector>,
}

/// Changes the effect, or the version, of some of the definitions that are assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    pub(crate) change: Change,
    selectors: Vec<Selector>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Effect(Effect),
    Version(String),
}

impl Selector {
    fn read(value: &Value, path: &str) -> Read<Self> {
        let word = text_part(value, "kind").unwrap_or_default();
        let kind = match word.to_ascii_lowercase().as_str() {
            "resourcelocation" => SelectorKind::ResourceLocation,
            "resourcetype" => SelectorKind::ResourceType,
            "resourcewithoutlocation" => SelectorKind::ResourceWithoutLocation,
            "policydefinitionreferenceid" => SelectorKind::ReferenceId,
            _ => {
                let message = format!(
                    "The selector kind '{word}' is not one of resourceLocation, resourceType, resourceWithoutLocation, policyDefinitionReferenceId"
                );
                return Err(PolicyError::assignment(format!("{path}.kind"), message));
            }
        };
        let included = part(value, "in").map(|list| texts(Some(list)));
        let excluded = texts(part(value, "notIn"));
        if included.is_some() != excluded.is_empty() {
            let message = "A selector has either 'in' or 'notIn'";
            return Err(PolicyError::assignment(path, message));
        }
        Ok(Self {
            kind,
            included,
            excluded,
        })
    }

    fn takes(&self, value: &str) -> bool {
        match &self.included {
            Some(included) => among(included, value),
            None => !among(&self.excluded, value),
        }
    }

    fn takes_resource(&self, subject: &Subject<'_>) -> bool {
        match self.kind {
            SelectorKind::ResourceType => self.takes(subject.resource_type()),
            SelectorKind::ResourceLocation => {
                let normal = |list: &[String]| list.iter().map(|text| location(text)).collect::<Vec<_>>();
                let here = subject.location().map(location);
                match (&self.included, here) {
                    (Some(included), Some(here)) => normal(included).contains(&here),
                    (Some(_), None) => false,
                    (None, here) => here.is_none_or(|here| !normal(&self.excluded).contains(&here)),
                }
            }
            SelectorKind::ResourceWithoutLocation => subject.location().is_none() == self.included.is_some(),
            SelectorKind::ReferenceId => true,
        }
    }

    fn takes_reference(&self, reference_id: Option<&str>) -> bool {
        self.kind != SelectorKind::ReferenceId || reference_id.is_some_and(|id| self.takes(id))
    }
}

fn read_list(value: Option<&Value>, path: &str) -> Read<Vec<Selector>> {
    let elements = value.and_then(Value::as_array).into_iter().flatten().enumerate();
    elements
        .map(|(at, selector)| Selector::read(selector, &format!("{path}.selectors[{at}]")))
        .collect()
}

impl ResourceSelector {
    pub(crate) fn read_all(properties: &Value) -> Read<Vec<Self>> {
        let elements = part(properties, "resourceSelectors")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let read = elements.enumerate().map(|(at, value)| {
            let path = format!("resourceSelectors[{at}]");
            Ok(Self {
                name: text_part(value, "name").unwrap_or_default().to_owned(),
                selectors: read_list(part(value, "selectors"), &path)?,
            })
        });
        read.collect()
    }

    /// Whether the resource passes: all selectors of one entry have to take it, and one entry is enough.
    pub(crate) fn any_takes(selectors: &[Self], subject: &Subject<'_>) -> bool {
        let takes = |entry: &Self| {
            entry
                .selectors
                .iter()
                .all(|selector| selector.takes_resource(subject))
        };
        selectors.is_empty() || selectors.iter().any(takes)
    }
}

impl Override {
    pub(crate) fn read_all(properties: &Value) -> Read<Vec<Self>> {
        let elements = part(properties, "overrides")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        elements
            .enumerate()
            .map(|(at, value)| Self::read(value, &format!("overrides[{at}]")))
            .collect()
    }

    fn read(value: &Value, path: &str) -> Read<Self> {
        let kind = text_part(value, "kind").unwrap_or_default();
        let given = text_part(value, "value").unwrap_or_default();
        let change = match kind.to_ascii_lowercase().as_str() {
            "policyeffect" => Effect::read(given).map(Change::Effect),
            "definitionversion" => Some(Change::Version(given.to_owned())),
            _ => {
                let message =
                    format!("The override kind '{kind}' is not one of policyEffect, definitionVersion");
                return Err(PolicyError::assignment(format!("{path}.kind"), message));
            }
        };
        let change = change.ok_or_else(|| {
            PolicyError::assignment(
                format!("{path}.value"),
                format!("'{given}' is not an effect of policies"),
            )
        })?;
        Ok(Self {
            change,
            selectors: read_list(part(value, "selectors"), path)?,
        })
    }

    /// The effect that the first fitting override gives the definition for this resource.
    pub(crate) fn effect(
        overrides: &[Self],
        reference_id: Option<&str>,
        subject: &Subject<'_>,
    ) -> Option<Effect> {
        overrides.iter().find_map(|entry| match entry.change {
            Change::Effect(effect) => {
                let fits = |selector: &Selector| {
                    selector.takes_reference(reference_id) && selector.takes_resource(subject)
                };
                entry.selectors.iter().all(fits).then_some(effect)
            }
            Change::Version(_) => None,
        })
    }

    /// The version that an override asks for.
    pub(crate) fn version<'o>(overrides: &'o [Self], reference_id: Option<&str>) -> Option<&'o str> {
        overrides.iter().find_map(|entry| match &entry.change {
            Change::Version(version) => {
                let fits = entry
                    .selectors
                    .iter()
                    .all(|selector| selector.takes_reference(reference_id));
                fits.then_some(version.as_str())
            }
            Change::Effect(_) => None,
        })
    }
}

/// Whether a definition of this version may stand for what is asked.
pub(crate) fn is_version(wanted: Option<&str>, version: Option<&str>) -> bool {
    match (wanted, version) {
        (Some(wanted), Some(version)) => version_fits(wanted, version),
        _ => true,
    }
}
