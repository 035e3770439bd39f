//! The form of a sealed secret, version 1:
//!
//! | bytes | content |
//! |---|---|
//! | 1 | version, `1` |
//! | 16 | id of the ring key |
//! | 12 + 48 | nonce and the data key, sealed with the ring key |
//! | 12 + n + 16 | nonce and the secret, sealed with the data key |
//!
//! Both seals are AES-256-GCM. Both authenticate everything before them and the context, so neither part
//! can be moved to another blob or another row. The data key is used once; what a ring key seals under
//! random nonces is only data keys, which keeps it far from the limits of GCM.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::{
    Purpose, Random, Secret,
    ring_file::{ID_LENGTH, KEY_LENGTH, Key, KeyId},
};

const VERSION: u8 = 1;
const TAG_LENGTH: usize = 16;
const HEADER_LENGTH: usize = 1 + ID_LENGTH;
const WRAPPED_LENGTH: usize = NONCE_LEN + KEY_LENGTH + TAG_LENGTH;

/// A blob that has the form of a sealed secret.
pub(crate) struct Envelope<'a> {
    bytes: &'a [u8],
    header: &'a [u8; HEADER_LENGTH],
    wrapped: &'a [u8; WRAPPED_LENGTH],
    body: &'a [u8],
}

/// A seal was not made with this key over these bytes, or the library refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused;

/// Seals `plain` under a fresh data key, and that under `key`.
pub(crate) fn seal(
    random: &dyn Random,
    (id, key): (&KeyId, &Key),
    context: &str,
    plain: &[u8],
) -> Result<Vec<u8>, Refused> {
    let mut data_key = Secret::new([0; KEY_LENGTH]);
    random.fill(data_key.content_mut());
    let mut blob = Vec::with_capacity(HEADER_LENGTH + WRAPPED_LENGTH + NONCE_LEN + plain.len() + TAG_LENGTH);
    blob.push(VERSION);
    blob.extend_from_slice(id);
    append_sealed(&mut blob, random, key, context, data_key.expose(&Purpose::Seal))?;
    append_sealed(&mut blob, random, &data_key, context, plain)?;
    Ok(blob)
}

impl<'a> Envelope<'a> {
    /// Takes a blob apart; `None` where it is too short or of another version.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk()?;
        let (wrapped, body) = rest.split_first_chunk()?;
        let known = header[0] == VERSION && body.len() >= NONCE_LEN + TAG_LENGTH;
        known.then_some(Self {
            bytes,
            header,
            wrapped,
            body,
        })
    }

    /// The id of the ring key that sealed it.
    pub(crate) fn key_id(&self) -> KeyId {
        let mut id = KeyId::default();
        id.copy_from_slice(&self.header[1..]);
        id
    }

    /// Opens it with the ring key of [`key_id`](Self::key_id).
    pub(crate) fn open(&self, key: &Key, context: &str) -> Result<Secret<Vec<u8>>, Refused> {
        let data_key = open_sealed(self.header, self.wrapped, key, context)?;
        let data_key = data_key
            .expose(&Purpose::Seal)
            .as_slice()
            .try_into()
            .map_err(|_| Refused)?;
        let before_body = &self.bytes[..HEADER_LENGTH + WRAPPED_LENGTH];
        open_sealed(before_body, self.body, &Secret::new(data_key), context)
    }
}

/// Appends nonce, ciphertext and tag to `blob`, authenticating what `blob` held and the context.
fn append_sealed(
    blob: &mut Vec<u8>,
    random: &dyn Random,
    key: &Key,
    context: &str,
    plain: &[u8],
) -> Result<(), Refused> {
    let associated = associated_data(blob, context);
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce);
    blob.extend_from_slice(&nonce);
    let start = blob.len();
    blob.extend_from_slice(plain);
    let tag = cipher(key)?
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated),
            &mut blob[start..],
        )
        .map_err(|_| Refused)?;
    blob.extend_from_slice(tag.as_ref());
    Ok(())
}

fn open_sealed(before: &[u8], sealed: &[u8], key: &Key, context: &str) -> Result<Secret<Vec<u8>>, Refused> {
    let (nonce, ciphertext) = sealed.split_first_chunk().ok_or(Refused)?;
    let mut buffer = Secret::new(ciphertext.to_vec());
    let length = cipher(key)?
        .open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(associated_data(before, context)),
            buffer.content_mut(),
        )
        .map_err(|_| Refused)?
        .len();
    buffer.content_mut().truncate(length);
    Ok(buffer)
}

/// `before` has one of two fixed lengths, so its end and the start of the context cannot be confused.
fn associated_data(before: &[u8], context: &str) -> Vec<u8> {
    [before, context.as_bytes()].concat()
}

fn cipher(key: &Key) -> Result<LessSafeKey, Refused> {
    let key = UnboundKey::new(&AES_256_GCM, key.expose(&Purpose::Seal)).map_err(|_| Refused)?;
    Ok(LessSafeKey::new(key))
}
