//! The local key ring: the keys that seal every secret of an installation.
//!
//! Rotating adds a key and takes none away, so what was sealed before still opens; [`KeyRing::is_current`]
//! tells which blobs are worth sealing again. The file is written under a lock and read again before it is
//! added to: two processes that start at the same moment end with the same ring.

use std::{fmt, path::Path, sync::Arc};

use arc_swap::ArcSwap;
use aws_lc_rs::hmac;
use serde_json::Value;

use crate::{
    DirLock, PrivateDir, Purpose, Random, Secret, SystemRandom, VaultError,
    envelope::{self, Envelope, Refused},
    ring_file::{KEY_LENGTH, Key, KeyId, RingKeys},
};

const FILE_NAME: &str = "ring.json";

/// Several keys: the newest seals, all open. Shared between threads; a rotation is seen by all of them.
pub struct KeyRing {
    dir: PrivateDir,
    random: Arc<dyn Random>,
    keys: ArcSwap<RingKeys>,
}

impl KeyRing {
    /// Opens `keys/ring.json` in the data directory, making it on the first start.
    ///
    /// # Errors
    /// [`VaultError::KeyFile`] where the file is there but not usable. It is never replaced by a new one.
    pub fn open_or_create(data_dir: &Path) -> Result<Self, VaultError> {
        Self::open_or_create_with(data_dir, Arc::new(SystemRandom))
    }

    /// The same with a given source of randomness, for keys made now and for every sealing later.
    pub fn open_or_create_with(data_dir: &Path, random: Arc<dyn Random>) -> Result<Self, VaultError> {
        let dir = PrivateDir::open_or_create(&data_dir.join("keys"))?;
        let lock = dir.lock()?;
        let keys = match read(&dir)? {
            Some(keys) => keys,
            None => {
                let keys = RingKeys {
                    sealing: vec![new_key(&*random)],
                    fingerprint: new_secret(&*random),
                };
                write(&dir, &lock, &keys)?;
                keys
            }
        };
        Ok(Self {
            dir,
            random,
            keys: ArcSwap::from_pointee(keys),
        })
    }

    /// Seals a secret for one row.
    ///
    /// `context` is the row's key, for instance its resource id in lower case and the name of the field. The
    /// blob opens only with the same context, so a blob copied to another row is of no use there.
    pub fn seal(&self, context: &str, plain: &Secret<Vec<u8>>) -> Result<Vec<u8>, VaultError> {
        let keys = self.keys.load();
        let (id, key) = keys.newest().ok_or(VaultError::Crypto("seal without a key"))?;
        envelope::seal(&*self.random, (id, key), context, plain.expose(&Purpose::Seal))
            .map_err(|Refused| VaultError::Crypto("seal a secret"))
    }

    /// Opens what [`seal`](Self::seal) made.
    ///
    /// # Errors
    /// [`VaultError::Format`], [`VaultError::UnknownKey`], or [`VaultError::DoesNotOpen`] for a blob that was
    /// altered or belongs to another row.
    pub fn unseal(&self, context: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, VaultError> {
        let envelope = Envelope::parse(sealed).ok_or(VaultError::Format)?;
        let keys = self.keys.load();
        let id = envelope.key_id();
        let key = keys
            .find(&id)
            .ok_or_else(|| VaultError::UnknownKey(hex::encode(id)))?;
        envelope
            .open(key, context)
            .map_err(|Refused| VaultError::DoesNotOpen {
                context: context.to_owned(),
            })
    }

    /// [`seal`](Self::seal) for JSON. The value itself stays with the caller, who should have it in a
    /// [`Secret`].
    pub fn seal_json(&self, context: &str, value: &Value) -> Result<Vec<u8>, VaultError> {
        let text = serde_json::to_vec(value)
            .map(Secret::new)
            .map_err(|_| VaultError::NotJson)?;
        self.seal(context, &text)
    }

    /// Opens what [`seal_json`](Self::seal_json) made.
    pub fn unseal_json(&self, context: &str, sealed: &[u8]) -> Result<Secret<Value>, VaultError> {
        let text = self.unseal(context, sealed)?;
        serde_json::from_slice(text.expose(&Purpose::Seal))
            .map(Secret::new)
            .map_err(|_| VaultError::NotJson)
    }

    /// Whether a blob was sealed with the newest key. One that was not should be opened and sealed again.
    #[must_use]
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        let keys = self.keys.load();
        let newest = keys.newest().map(|(id, _)| *id);
        Envelope::parse(sealed).is_some_and(|envelope| Some(envelope.key_id()) == newest)
    }

    /// Adds a key, which seals from now on. On an error the ring is as it was.
    pub fn rotate(&self) -> Result<(), VaultError> {
        let lock = self.dir.lock()?;
        let mut keys = read(&self.dir)?
            .ok_or_else(|| VaultError::key_file(&self.dir.path_of(FILE_NAME), "it has been removed"))?;
        keys.sealing.push(new_key(&*self.random));
        write(&self.dir, &lock, &keys)?;
        self.keys.store(Arc::new(keys));
        Ok(())
    }

    /// HMAC-SHA256 under a key of the ring that does not rotate. See [`crate::api_key::fingerprint`].
    pub(crate) fn fingerprint(&self, bytes: &[u8]) -> [u8; 32] {
        let key = hmac::Key::new(
            hmac::HMAC_SHA256,
            self.keys.load().fingerprint.expose(&Purpose::Check),
        );
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(hmac::sign(&key, bytes).as_ref());
        fingerprint
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KeyRing")
            .field("keys", &self.keys.load().sealing.len())
            .finish_non_exhaustive()
    }
}

fn read(dir: &PrivateDir) -> Result<Option<RingKeys>, VaultError> {
    let Some(text) = dir.read(FILE_NAME)? else {
        return Ok(None);
    };
    RingKeys::parse(text.expose(&Purpose::Seal))
        .map(Some)
        .map_err(|reason| VaultError::key_file(&dir.path_of(FILE_NAME), reason))
}

fn write(dir: &PrivateDir, lock: &DirLock, keys: &RingKeys) -> Result<(), VaultError> {
    let text = keys
        .text()
        .map_err(|_| VaultError::Crypto("write the key ring"))?;
    dir.write(lock, FILE_NAME, &text)
}

fn new_key(random: &dyn Random) -> (KeyId, Key) {
    let mut id = KeyId::default();
    random.fill(&mut id);
    (id, new_secret(random))
}

fn new_secret(random: &dyn Random) -> Key {
    let mut key = Secret::new([0; KEY_LENGTH]);
    random.fill(key.content_mut());
    key
}
