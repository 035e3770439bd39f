//! The RSA keys that sign nave's tokens: `keys/signing/0001.pem`, `0002-1764032400.pem`, …
//!
//! A key is published and verifies as soon as its file is there. It signs from the second its name says (the first one
//! from the beginning) until the next key does. From then on it only verifies, until the last token it may have signed is
//! over: then its file is removed. So a rotation is no event for anybody: who remembers our keys for a while has seen the
//! new one before it signs anything, and tokens outlive the key's service.
//!
//! The directory is the state. Another process may add a key or remove one; [`SigningKeys::follow`] sees it, and so does a
//! verifier that meets a key it does not know.
//!
//! The algorithm is not taken from the token: only RS256 is ever verified. A token naming `none`, or `HS256`
//! with a public key as its secret, is refused before any key is looked at.

use std::{cmp::Ordering, fmt, path::Path, sync::Arc};

use arc_swap::ArcSwap;
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
    errors::ErrorKind,
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{DirLock, PrivateDir, Purpose, Secret, TokenError, VaultError, Verified};

const ALGORITHM: Algorithm = Algorithm::RS256;
const SUFFIX: &str = ".pem";
/// How long a token signed with these keys lives at most, in seconds, and some more for clocks that differ.
const LONGEST_TOKEN: i64 = 24 * 60 * 60 + 10 * 60;

/// Several RS256 keys: one signs, all verify. Shared between threads; a rotation is seen by all of them.
pub struct SigningKeys {
    dir: PrivateDir,
    keys: ArcSwap<Loaded>,
}

/// What a key is for at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// It is published, and signs from this second on.
    SignsFrom(i64),
    /// It signs.
    Signs,
    /// It verifies what it signed, until this second.
    VerifiesUntil(i64),
}

/// The keys as they were read, newest first.
struct Loaded {
    names: Vec<String>,
    keys: Vec<Arc<SigningKey>>,
    signing: usize,
}

struct SigningKey {
    name: String,
    from: i64,
    id: String,
    jwk: Jwk,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl SigningKeys {
    /// Opens the keys in `keys/signing` of the data directory, making the first one on the first start. `now` decides
    /// which of them signs.
    ///
    /// # Errors
    /// [`VaultError::KeyFile`] where a file is there but is not an RSA key.
    pub fn open_or_create(data_dir: &Path, now: i64) -> Result<Self, VaultError> {
        // Named in two steps so that `keys` is private even where this runs before the key ring.
        PrivateDir::open_or_create(&data_dir.join("keys"))?;
        let dir = PrivateDir::open_or_create(&data_dir.join("keys/signing"))?;
        let lock = dir.lock()?;
        if dir.names(SUFFIX)?.is_empty() {
            add_key(&dir, &lock, None)?;
        }
        let keys = ArcSwap::from_pointee(Loaded::read(&dir, None, now)?);
        Ok(Self { dir, keys })
    }

    /// Adds a key, which is published at once and signs from the second `from` on. On an error the keys are as they were.
    pub fn rotate(&self, now: i64, from: i64) -> Result<(), VaultError> {
        let lock = self.dir.lock()?;
        add_key(&self.dir, &lock, Some(from))?;
        self.read_again(now)
    }

    /// Adds a key, which signs from now on, and removes all others: every token made so far is refused from now on.
    pub fn replace_all(&self, now: i64) -> Result<(), VaultError> {
        let lock = self.dir.lock()?;
        let before = self.dir.names(SUFFIX)?;
        add_key(&self.dir, &lock, Some(now))?;
        for name in before {
            self.dir.remove(&lock, &name)?;
        }
        self.read_again(now)
    }

    /// Takes in what other processes did to the keys, lets the key sign whose time has come, and removes those whose last
    /// token is over. Cheap where nothing happened.
    pub fn follow(&self, now: i64) -> Result<(), VaultError> {
        if let Some(lock) = self.dir.try_lock()? {
            for key in self.keys.load().over(now) {
                self.dir.remove(&lock, &key.name)?;
            }
        }
        let loaded = self.keys.load();
        if loaded.names == self.dir.names(SUFFIX)? && loaded.signing == signing(&loaded.keys, now) {
            return Ok(());
        }
        self.read_again(now)
    }

    fn read_again(&self, now: i64) -> Result<(), VaultError> {
        let known = self.keys.load();
        self.keys
            .store(Arc::new(Loaded::read(&self.dir, Some(&**known), now)?));
        Ok(())
    }

    /// The keys by their ids, newest first, and what each is for at `now`.
    #[must_use]
    pub fn uses(&self, now: i64) -> Vec<(String, KeyUse)> {
        let loaded = self.keys.load();
        let signing = signing(&loaded.keys, now);
        let one = |(at, key): (usize, &Arc<SigningKey>)| {
            let used = match at.cmp(&signing) {
                Ordering::Less => KeyUse::SignsFrom(key.from),
                Ordering::Equal => KeyUse::Signs,
                Ordering::Greater => KeyUse::VerifiesUntil(loaded.ends(at)),
            };
            (key.id.clone(), used)
        };
        loaded.keys.iter().enumerate().map(one).collect()
    }

    /// Whether there is a key of this id: whether what it signed is still good.
    #[must_use]
    pub fn has(&self, key_id: &str) -> bool {
        self.keys.load().find(key_id).is_some()
    }

    /// The public keys, newest first, as a JWKS document: `{"keys":[{"kty","use","kid","n","e","alg"}]}`.
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({ "keys": self.keys.load().keys.iter().map(|key| json!(key.jwk)).collect::<Vec<_>>() })
    }

    /// The id of the key that signs.
    #[must_use]
    pub fn key_id(&self) -> String {
        self.keys.load().signing().id.clone()
    }

    /// Signs the claims as they are, with the key that signs now and its id in the header.
    pub fn sign(&self, claims: &Value) -> Result<String, VaultError> {
        let keys = self.keys.load();
        let key = keys.signing();
        let mut header = Header::new(ALGORITHM);
        header.kid = Some(key.id.clone());
        encode(&header, claims, &key.encoding).map_err(|_| VaultError::Crypto("sign a token"))
    }

    /// Checks a token at `now`, in seconds since 1970, without leeway. Issuer and audience are for the caller
    /// to check.
    pub fn verify(&self, token: &str, now: i64) -> Result<Verified, TokenError> {
        let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
        let key_id = header.kid.ok_or(TokenError::Malformed)?;
        if header.alg != ALGORITHM {
            return Err(TokenError::Malformed);
        }
        let key = self.key(&key_id, now).ok_or(TokenError::UnknownKey)?;
        let claims = decode::<Value>(token, &key.decoding, &signature_only())
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidSignature => TokenError::BadSignature,
                _ => TokenError::Malformed,
            })?
            .claims;
        Verified::at(claims, key_id, now)
    }
}

impl SigningKeys {
    /// The key of this id; where it is not known, the directory is looked at once more.
    fn key(&self, id: &str, now: i64) -> Option<Arc<SigningKey>> {
        if let Some(key) = self.keys.load().find(id) {
            return Some(key.clone());
        }
        if let Err(error) = self.follow(now) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the signing keys cannot be read again"
            );
        }
        self.keys.load().find(id).cloned()
    }
}

impl Loaded {
    /// Reads the directory. Keys that are known already are not read again.
    fn read(dir: &PrivateDir, known: Option<&Self>, now: i64) -> Result<Self, VaultError> {
        let names = dir.names(SUFFIX)?;
        let mut keys = Vec::with_capacity(names.len());
        for name in names.iter().rev() {
            let known = known.and_then(|known| known.keys.iter().find(|key| key.name == *name));
            keys.push(match known {
                Some(key) => key.clone(),
                None => Arc::new(SigningKey::read(dir, name)?),
            });
        }
        if keys.is_empty() {
            return Err(VaultError::Crypto("sign without a key"));
        }
        let signing = signing(&keys, now);
        Ok(Self { names, keys, signing })
    }

    fn signing(&self) -> &SigningKey {
        &self.keys[self.signing]
    }

    fn find(&self, id: &str) -> Option<&Arc<SigningKey>> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// When the last token of the key at this place is over: it signed until the next key did.
    fn ends(&self, at: usize) -> i64 {
        let next = at.checked_sub(1).and_then(|next| self.keys.get(next));
        next.map_or(i64::MAX, |next| next.from.saturating_add(LONGEST_TOKEN))
    }

    /// The keys whose last token is over.
    fn over(&self, now: i64) -> impl Iterator<Item = &Arc<SigningKey>> {
        let older = self.keys.iter().enumerate().skip(signing(&self.keys, now) + 1);
        older
            .filter(move |(at, _)| self.ends(*at) <= now)
            .map(|(_, key)| key)
    }
}

/// The place of the key that signs at `now`: the newest whose time has come, or else the oldest.
fn signing(keys: &[Arc<SigningKey>], now: i64) -> usize {
    keys.iter()
        .position(|key| key.from <= now)
        .unwrap_or(keys.len().saturating_sub(1))
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_list()
            .entries(self.keys.load().keys.iter().map(|key| &key.id))
            .finish()
    }
}

impl SigningKey {
    fn read(dir: &PrivateDir, name: &str) -> Result<Self, VaultError> {
        let refuse = || VaultError::key_file(&dir.path_of(name), "it is not an RSA private key in PEM");
        let pem = dir.read(name)?.ok_or_else(refuse)?;
        Self::from_pem(name, pem.expose(&Purpose::Seal)).map_err(|_| refuse())
    }

    /// The id is the key's RFC 7638 thumbprint: the same key has the same id everywhere.
    fn from_pem(name: &str, pem: &[u8]) -> Result<Self, jsonwebtoken::errors::Error> {
        let encoding = EncodingKey::from_rsa_pem(pem)?;
        let mut jwk = Jwk::from_encoding_key(&encoding, ALGORITHM)?;
        let id = jwk.thumbprint(ThumbprintHash::SHA256)?;
        jwk.common.key_id = Some(id.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let decoding = DecodingKey::from_jwk(&jwk)?;
        Ok(Self {
            name: name.to_owned(),
            from: from(name),
            id,
            jwk,
            encoding,
            decoding,
        })
    }
}

/// Times are checked by us, against the `now` of the caller; the rest by the caller.
fn signature_only() -> Validation {
    let mut validation = Validation::new(ALGORITHM);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

/// The second from which a key signs, out of its file's name.
fn from(name: &str) -> i64 {
    let stem = name.strip_suffix(SUFFIX).unwrap_or(name);
    let second = stem.split_once('-').and_then(|(_, second)| second.parse().ok());
    second.unwrap_or(0)
}

/// Writes a new key under the next number.
fn add_key(dir: &PrivateDir, lock: &DirLock, from: Option<i64>) -> Result<(), VaultError> {
    let names = dir.names(SUFFIX)?;
    let number = |name: &String| name.split(['-', '.']).next()?.parse::<u32>().ok();
    let next = names.iter().filter_map(number).max().unwrap_or(0) + 1;
    let name = match from {
        Some(from) => format!("{next:04}-{from}{SUFFIX}"),
        None => format!("{next:04}{SUFFIX}"),
    };
    dir.write(lock, &name, &new_pem()?)
}

/// A new RSA-2048 key as PKCS#8 in PEM.
fn new_pem() -> Result<Secret<Vec<u8>>, VaultError> {
    let refuse = |_| VaultError::Crypto("make a signing key");
    let key = KeyPair::generate(KeySize::Rsa2048).map_err(refuse)?;
    let der: Pkcs8V1Der<'_> = key.as_der().map_err(refuse)?;
    let base64 = Zeroizing::new(STANDARD.encode(der.as_ref()));
    let mut pem = Vec::with_capacity(base64.len() * 2);
    pem.extend_from_slice(b"-----BEGIN PRIVATE KEY-----\n");
    for line in base64.as_bytes().chunks(64) {
        pem.extend_from_slice(line);
        pem.push(b'\n');
    }
    pem.extend_from_slice(b"-----END PRIVATE KEY-----\n");
    Ok(Secret::new(pem))
}
