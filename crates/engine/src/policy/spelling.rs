//! Members in their documented spelling.
//!
//! ARM compares the names of members without case, and so do policies; rules of types look members up by their documented
//! names. Bodies are therefore respelled as soon as they come, so that nothing passes a policy by a spelling that the
//! type then does not see.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use nave_arm::{ArmError, ErrorCode};
use nave_policy::{Definition, aliases_of};
use serde_json::Value;

use super::ready_made::ready_made;

/// What every resource may have, whatever its type.
const ENVELOPE: [&str; 8] = [
    "properties",
    "kind",
    "location",
    "tags",
    "identity.type",
    "identity.userAssignedIdentities",
    "sku.name",
    "sku.tier",
];

/// The known members of an object, by their names in lower case.
#[derive(Default)]
struct Names(HashMap<String, (String, Names)>);

/// The names that each type has, made when they are needed first.
static KNOWN: LazyLock<Mutex<HashMap<String, Arc<Names>>>> = LazyLock::new(Mutex::default);

impl Names {
    fn of_type(resource_type: &str) -> Arc<Self> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let made = known.entry(resource_type.to_lowercase()).or_insert_with(|| {
            let mut names = Self::default();
            ENVELOPE.iter().for_each(|path| names.add(path));
            aliases_of(resource_type)
                .iter()
                .for_each(|alias| names.add(&alias.path));
            judged_members(resource_type)
                .iter()
                .for_each(|path| names.add(path));
            Arc::new(names)
        });
        made.clone()
    }

    /// Adds a path such as `properties.networkAcls.ipRules[*].value`.
    fn add(&mut self, path: &str) {
        let mut at = self;
        for name in path.split('.').map(|name| name.trim_end_matches("[*]")) {
            let named = at.0.entry(name.to_lowercase());
            at = &mut named.or_insert_with(|| (name.to_owned(), Self::default())).1;
        }
    }

    fn respell(&self, value: &mut Value) -> Result<(), ArmError> {
        match value {
            Value::Array(elements) => elements.iter_mut().try_for_each(|element| self.respell(element)),
            Value::Object(members) => {
                let odd: Vec<String> = members.keys().filter(|name| self.is_odd(name)).cloned().collect();
                if !odd.is_empty() {
                    let given = std::mem::take(members);
                    for (name, value) in given {
                        let spelled = self.spelling(&name).map_or(name.clone(), str::to_owned);
                        if members.insert(spelled, value).is_some() {
                            return Err(twice(&name));
                        }
                    }
                }
                let inner = members
                    .iter_mut()
                    .filter_map(|(name, value)| Some((&self.0.get(&name.to_lowercase())?.1, value)));
                inner
                    .into_iter()
                    .try_for_each(|(names, value)| names.respell(value))
            }
            _ => Ok(()),
        }
    }

    fn is_odd(&self, name: &str) -> bool {
        self.spelling(name).is_some_and(|spelling| spelling != name)
    }

    fn spelling(&self, name: &str) -> Option<&str> {
        self.0
            .get(&name.to_lowercase())
            .map(|(spelling, _)| spelling.as_str())
    }
}

/// The members of a type that ready-made policies look at: those are the ones that nave's own rules heed.
fn judged_members(resource_type: &str) -> Vec<String> {
    let prefix = format!("{}/", resource_type.to_lowercase());
    let definitions = ready_made()
        .iter()
        .filter_map(|one| Definition::parse(one.sent.get("properties")?).ok());
    let aliases = definitions.flat_map(|definition| definition.aliases().to_vec());
    aliases
        .filter(|alias| alias.to_lowercase().starts_with(&prefix))
        .map(|alias| alias.chars().skip(prefix.len()).collect::<String>())
        .filter(|member| !member.contains('/'))
        .map(|member| format!("properties.{member}"))
        .collect()
}

/// Gives the known members of a body their documented names.
///
/// # Errors
/// Where one member is there in two spellings: which of them is meant, nobody can say.
pub(crate) fn respell(body: &mut Value, resource_type: &str) -> Result<(), ArmError> {
    Names::of_type(resource_type).respell(body)
}

fn twice(name: &str) -> ArmError {
    let message = format!("The member '{name}' is given more than once, in spellings that differ by case.");
    ArmError::new(ErrorCode::InvalidRequestContent, message).on(name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::respell;

    const ACCOUNTS: &str = "Microsoft.CognitiveServices/accounts";

    fn respelled(mut body: Value) -> Result<Value, String> {
        respell(&mut body, ACCOUNTS)
            .map(|()| body)
            .map_err(|error| error.message)
    }

    #[test]
    fn known_members_get_their_documented_names_and_others_stay() {
        let odd = json!({ "Kind": "OpenAI", "PROPERTIES": { "DisableLocalAuth": true, "Own": { "a": 1 },
            "networkacls": { "DEFAULTACTION": "Deny" }, "UserOwnedStorage": [] }, "tags": { "Kind": "x" } });
        let expected = json!({ "kind": "OpenAI", "properties": { "disableLocalAuth": true, "Own": { "a": 1 },
            "networkAcls": { "defaultAction": "Deny" }, "userOwnedStorage": [] }, "tags": { "Kind": "x" } });
        assert_eq!(respelled(odd), Ok(expected.clone()));
        assert_eq!(respelled(expected.clone()), Ok(expected));
        assert_eq!(respelled(json!("text")), Ok(json!("text")));
    }

    #[test]
    fn a_member_in_two_spellings_is_refused() {
        let twice = json!({ "properties": { "disableLocalAuth": true, "DisableLocalAuth": false } });
        assert!(respelled(twice).is_err_and(|message| message.contains("more than once")));
    }
}
