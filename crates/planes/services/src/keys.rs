//! Pairs of keys: made when a resource is created, sealed, listed by one action and replaced by another.
//!
//! There are two so that one can be replaced while the other is in use (features AIS-05). A new key is committed
//! under the etag of the row it was made for: of two callers who replace keys at once, neither is told of a key
//! that is not there.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{Act, Change, Engine, Expect, Grant, Put, PutSecrets, Resource};
use nave_vault::{Purpose, Random, Secret, Wipe};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::place::missing;

/// The names of a pair, and what its keys look like.
#[derive(Debug)]
pub(crate) struct KeyPair {
    /// The names in the sealed secrets.
    pub names: [&'static str; 2],
    /// Makes one.
    pub make: fn(&dyn Random) -> Secret<String>,
}

/// What a row holds of its keys apart from the keys: nave's own part, and the unique names.
pub(crate) struct Marks {
    pub own: Value,
    pub claims: Vec<String>,
}

impl Marks {
    /// Those the row has.
    pub(crate) fn of(resource: &Resource) -> Self {
        Self {
            own: resource.own.clone(),
            claims: resource.claims.clone(),
        }
    }
}

impl KeyPair {
    /// Two new keys, by name.
    pub(crate) fn create(&self, random: &dyn Random) -> Map<String, Value> {
        let mut keys = Map::new();
        for name in self.names {
            self.renew(random, name, &mut keys);
        }
        keys
    }

    /// Puts a new key under a name.
    pub(crate) fn renew(&self, random: &dyn Random, name: &str, keys: &mut Map<String, Value>) {
        let key = (self.make)(random);
        keys.insert(name.to_owned(), key.expose(&Purpose::Seal).as_str().into());
    }

    /// The name of the key a request asks for, without case.
    pub(crate) fn named(&self, text: &str, property: &str) -> Result<&'static str, ArmError> {
        let found = self
            .names
            .into_iter()
            .find(|name| name.eq_ignore_ascii_case(text));
        found.ok_or_else(|| {
            let message = format!(
                "The value '{text}' of '{property}' is not one of '{}'.",
                self.names.join("', '")
            );
            ArmError::new(ErrorCode::InvalidParameter, message).on(property)
        })
    }
}

/// A key of 64 random bytes in Base64, as storage accounts and log workspaces have.
pub(crate) fn base64_key(random: &dyn Random) -> Secret<String> {
    let mut bytes = [0; 64];
    random.fill(&mut bytes);
    let key = Secret::new(STANDARD.encode(bytes));
    bytes.wipe();
    key
}

/// Opens a resource's secrets to list them for whoever holds the grant.
pub(crate) fn open(
    engine: &Engine,
    grant: &Grant<Act>,
    resource: &Resource,
) -> Result<Secret<Value>, ArmError> {
    engine.open_secrets(grant, resource).ok_or_else(|| {
        let message = "The keys of this resource could not be decrypted; the server's log has the cause.";
        ArmError::new(ErrorCode::InternalServerError, message)
    })
}

/// A key by name, for an answer that shows it.
pub(crate) fn shown<'a>(secrets: &'a Secret<Value>, name: &str) -> &'a str {
    secrets
        .expose(&Purpose::ListSecrets)
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Changes a resource's secrets, and what it holds of them besides, in one commit. `change` may run several times.
pub(crate) async fn replace(
    engine: &Engine,
    grant: &Grant<Act>,
    correlation_id: Uuid,
    change: impl Fn(&Resource, &mut Map<String, Value>) -> Marks,
) -> Result<Secret<Value>, ArmError> {
    let attempt = || async {
        let resource = engine.read(grant).await?.ok_or_else(|| missing(grant.id()))?;
        let opened = open(engine, grant, &resource)?;
        let mut keys = opened
            .expose(&Purpose::Seal)
            .as_object()
            .cloned()
            .unwrap_or_default();
        let Marks { own, claims } = change(&resource, &mut keys);
        let keys = Secret::new(Value::Object(keys));
        let put = Put {
            id: resource.id.clone(),
            sent: resource.sent.clone(),
            own,
            secrets: PutSecrets::Plain(keys.expose(&Purpose::Seal).clone()),
            claims,
            expect: Expect::Etag(resource.etag.clone()),
        };
        let change = Change {
            puts: vec![put],
            ..Change::default()
        };
        engine.commit_for(grant, change, correlation_id).await?;
        Ok(keys)
    };
    engine.again(attempt).await
}

#[cfg(test)]
mod tests {
    use nave_vault::SeededRandom;

    use super::*;

    #[test]
    fn a_storage_key_is_64_bytes_in_base64() {
        let key = base64_key(&SeededRandom::new(7));
        let bytes = STANDARD.decode(key.expose(&Purpose::Check));
        assert_eq!(bytes.map(|bytes| bytes.len()), Ok(64));
    }

    #[test]
    fn a_pair_is_of_two_different_keys_and_renewing_one_leaves_the_other() {
        let pair = KeyPair {
            names: ["key1", "key2"],
            make: base64_key,
        };
        let random = SeededRandom::new(7);
        let mut keys = pair.create(&random);
        let before = keys.clone();
        assert_ne!(keys["key1"], keys["key2"]);
        pair.renew(&random, "key1", &mut keys);
        assert_ne!(keys["key1"], before["key1"]);
        assert_eq!(keys["key2"], before["key2"]);
        assert_eq!(pair.named("KEY2", "keyName").ok(), Some("key2"));
        assert_eq!(
            pair.named("kerb1", "keyName").map_err(|error| error.status()),
            Err(400)
        );
    }
}
