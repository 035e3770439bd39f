//! The RSA keys that sign nave's tokens: `keys/signing/0001.pem`, `0002.pem`, …
//!
//! The newest signs, all verify, and all are published, so tokens outlive a rotation. A key is retired by
//! removing its file, once the last token it signed has expired.
//!
//! The algorithm is not taken from the token: only RS256 is ever verified. A token naming `none`, or `HS256`
//! with a public key as its secret, is refused before any key is looked at.

use std::{fmt, path::Path, sync::Arc};

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

/// Several RS256 keys: the newest signs, all verify. Shared between threads; a rotation is seen by all of
/// them.
pub struct SigningKeys {
    dir: PrivateDir,
    keys: ArcSwap<Loaded>,
}

struct Loaded {
    newest: SigningKey,
    older: Vec<SigningKey>,
}

struct SigningKey {
    id: String,
    jwk: Jwk,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl SigningKeys {
    /// Opens the keys in `keys/signing` of the data directory, making the first one on the first start.
    ///
    /// # Errors
    /// [`VaultError::KeyFile`] where a file is there but is not an RSA key.
    pub fn open_or_create(data_dir: &Path) -> Result<Self, VaultError> {
        // Named in two steps so that `keys` is private even where this runs before the key ring.
        PrivateDir::open_or_create(&data_dir.join("keys"))?;
        let dir = PrivateDir::open_or_create(&data_dir.join("keys/signing"))?;
        let lock = dir.lock()?;
        if dir.names(SUFFIX)?.is_empty() {
            add_key(&dir, &lock)?;
        }
        let keys = ArcSwap::from_pointee(Loaded::read(&dir)?);
        Ok(Self { dir, keys })
    }

    /// Adds a key, which signs from now on. On an error the keys are as they were.
    pub fn rotate(&self) -> Result<(), VaultError> {
        let lock = self.dir.lock()?;
        add_key(&self.dir, &lock)?;
        self.keys.store(Arc::new(Loaded::read(&self.dir)?));
        Ok(())
    }

    /// The public keys, newest first, as a JWKS document: `{"keys":[{"kty","use","kid","n","e","alg"}]}`.
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({ "keys": self.keys.load().all().map(|key| json!(key.jwk)).collect::<Vec<_>>() })
    }

    /// The id of the key that signs.
    #[must_use]
    pub fn key_id(&self) -> String {
        self.keys.load().newest.id.clone()
    }

    /// Signs the claims as they are, with the newest key and its id in the header.
    pub fn sign(&self, claims: &Value) -> Result<String, VaultError> {
        let keys = self.keys.load();
        let mut header = Header::new(ALGORITHM);
        header.kid = Some(keys.newest.id.clone());
        encode(&header, claims, &keys.newest.encoding).map_err(|_| VaultError::Crypto("sign a token"))
    }

    /// Checks a token at `now`, in seconds since 1970, without leeway. Issuer and audience are for the caller
    /// to check.
    pub fn verify(&self, token: &str, now: i64) -> Result<Verified, TokenError> {
        let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
        let key_id = header.kid.ok_or(TokenError::Malformed)?;
        if header.alg != ALGORITHM {
            return Err(TokenError::Malformed);
        }
        let keys = self.keys.load();
        let key = keys
            .all()
            .find(|key| key.id == key_id)
            .ok_or(TokenError::UnknownKey)?;
        let claims = decode::<Value>(token, &key.decoding, &signature_only())
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidSignature => TokenError::BadSignature,
                _ => TokenError::Malformed,
            })?
            .claims;
        Verified::at(claims, key_id, now)
    }
}

impl Loaded {
    fn read(dir: &PrivateDir) -> Result<Self, VaultError> {
        let mut keys = Vec::new();
        for name in dir.names(SUFFIX)?.iter().rev() {
            keys.push(SigningKey::read(dir, name)?);
        }
        let mut newest_first = keys.into_iter();
        let newest = newest_first
            .next()
            .ok_or(VaultError::Crypto("sign without a key"))?;
        Ok(Self {
            newest,
            older: newest_first.collect(),
        })
    }

    fn all(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_list()
            .entries(self.keys.load().all().map(|key| &key.id))
            .finish()
    }
}

impl SigningKey {
    fn read(dir: &PrivateDir, name: &str) -> Result<Self, VaultError> {
        let refuse = || VaultError::key_file(&dir.path_of(name), "it is not an RSA private key in PEM");
        let pem = dir.read(name)?.ok_or_else(refuse)?;
        Self::from_pem(pem.expose(&Purpose::Seal)).map_err(|_| refuse())
    }

    /// The id is the key's RFC 7638 thumbprint: the same key has the same id everywhere.
    fn from_pem(pem: &[u8]) -> Result<Self, jsonwebtoken::errors::Error> {
        let encoding = EncodingKey::from_rsa_pem(pem)?;
        let mut jwk = Jwk::from_encoding_key(&encoding, ALGORITHM)?;
        let id = jwk.thumbprint(ThumbprintHash::SHA256)?;
        jwk.common.key_id = Some(id.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let decoding = DecodingKey::from_jwk(&jwk)?;
        Ok(Self {
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

/// Writes a new key under the next number.
fn add_key(dir: &PrivateDir, lock: &DirLock) -> Result<(), VaultError> {
    let names = dir.names(SUFFIX)?;
    let last = names
        .iter()
        .filter_map(|name| name.strip_suffix(SUFFIX)?.parse::<u32>().ok())
        .max();
    let name = format!("{:04}{SUFFIX}", last.unwrap_or(0) + 1);
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
