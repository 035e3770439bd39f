//! How the key ring is written down: `keys/ring.json`.
//!
//! Apart from [`KeyRing`](crate::KeyRing) so that the file's form can change (a new `version`) without
//! touching what the ring does. Keys are base64, ids hexadecimal, oldest key first.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Purpose, Secret};

/// The length of every key of the ring.
pub(crate) const KEY_LENGTH: usize = 32;
/// The length of a key's id.
pub(crate) const ID_LENGTH: usize = 16;

const VERSION: u32 = 1;

pub(crate) type Key = Secret<[u8; KEY_LENGTH]>;
pub(crate) type KeyId = [u8; ID_LENGTH];

/// What the ring holds.
pub(crate) struct RingKeys {
    /// Oldest first; the last one seals. Never empty.
    pub(crate) sealing: Vec<(KeyId, Key)>,
    /// Keys the fingerprints of API keys. Not rotated, or no stored fingerprint would be found again.
    pub(crate) fingerprint: Key,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(rename_all = "camelCase")]
struct StoredRing {
    version: u32,
    keys: Vec<StoredKey>,
    fingerprint_key: String,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct StoredKey {
    id: String,
    key: String,
}

impl RingKeys {
    /// The key that seals.
    pub(crate) fn newest(&self) -> Option<&(KeyId, Key)> {
        self.sealing.last()
    }

    /// The key with this id.
    pub(crate) fn find(&self, wanted: &KeyId) -> Option<&Key> {
        self.sealing
            .iter()
            .find(|(id, _)| id == wanted)
            .map(|(_, key)| key)
    }

    /// Reads the file's text. The error says what is wrong with it, without quoting it.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let stored: StoredRing = serde_json::from_slice(text).map_err(|error| {
            format!(
                "it is not a key ring (line {}, column {})",
                error.line(),
                error.column()
            )
        })?;
        if stored.version != VERSION {
            return Err(format!(
                "its version is {}, this nave knows {VERSION}",
                stored.version
            ));
        }
        let sealing = stored
            .keys
            .iter()
            .map(StoredKey::open)
            .collect::<Result<Vec<_>, _>>()?;
        if sealing.is_empty() {
            return Err(String::from("it holds no key"));
        }
        Ok(Self {
            sealing,
            fingerprint: decode_key(&stored.fingerprint_key)?,
        })
    }

    /// The file's text.
    pub(crate) fn text(&self) -> Result<Secret<Vec<u8>>, serde_json::Error> {
        let stored = StoredRing {
            version: VERSION,
            keys: self
                .sealing
                .iter()
                .map(|(id, key)| StoredKey::close(id, key))
                .collect(),
            fingerprint_key: encode_key(&self.fingerprint),
        };
        serde_json::to_vec_pretty(&stored).map(Secret::new)
    }
}

impl StoredKey {
    fn open(&self) -> Result<(KeyId, Key), String> {
        let mut id = KeyId::default();
        hex::decode_to_slice(&self.id, &mut id)
            .map_err(|_| String::from("the id of a key is not 32 hex digits"))?;
        Ok((id, decode_key(&self.key)?))
    }

    fn close(id: &KeyId, key: &Key) -> Self {
        Self {
            id: hex::encode(id),
            key: encode_key(key),
        }
    }
}

fn encode_key(key: &Key) -> String {
    STANDARD.encode(key.expose(&Purpose::Seal))
}

fn decode_key(text: &str) -> Result<Key, String> {
    let bytes = STANDARD
        .decode(text)
        .map(Secret::new)
        .map_err(|_| String::from("a key is not base64"))?;
    <[u8; KEY_LENGTH]>::try_from(bytes.expose(&Purpose::Seal).as_slice())
        .map(Secret::new)
        .map_err(|_| format!("a key is not {KEY_LENGTH} bytes long"))
}
