//! Passkeys: WebAuthn Level 3, as far as a server must know it. A passkey is made and used on this server's origin only, by
//! somebody whom the authenticator recognised (user verification), so it is two factors in one. Attestations are not asked
//! for, and not looked at.

use aws_lc_rs::{
    digest,
    signature::{self, RsaPublicKeyComponents, UnparsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ciborium::Value as Cbor;
use nave_engine::{Resource, site::Site};
use serde_json::{Value, json};

/// Somebody was there.
const PRESENT: u8 = 0x01;
/// The authenticator recognised him.
const VERIFIED: u8 = 0x04;
/// A new credential is described.
const ATTESTED: u8 = 0x40;
/// The algorithms offered, as COSE numbers them: ES256, EdDSA, RS256.
pub(crate) const ALGORITHMS: [i64; 3] = [-7, -8, -257];

/// A passkey of a person, as his row keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passkey {
    /// What the authenticator knows it by.
    pub(crate) credential: Vec<u8>,
    /// The public key, in COSE.
    key: Vec<u8>,
    /// How often it signed, where the authenticator counts.
    counter: u32,
}

/// What the browser was asked.
pub(crate) struct Ceremony<'a> {
    /// The server's public face.
    pub(crate) site: &'a Site,
    /// The challenge that was given out.
    pub(crate) challenge: &'a str,
}

/// The person's passkeys.
pub(crate) fn of(person: &Resource) -> impl Iterator<Item = (&Value, Passkey)> {
    let listed = person.own.get("passkeys").and_then(Value::as_array);
    listed
        .into_iter()
        .flatten()
        .filter_map(|row| Some((row, Passkey::read(row)?)))
}

/// The name of this server for authenticators: its host.
pub(crate) fn relying_party(site: &Site) -> &str {
    let host = site.authority.as_str();
    host.rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(host, |(host, _)| host)
}

impl Passkey {
    fn read(row: &Value) -> Option<Self> {
        Some(Self {
            credential: decode(row, "credentialId")?,
            key: decode(row, "publicKey")?,
            counter: row.get("counter")?.as_u64()?.try_into().ok()?,
        })
    }

    /// The members of the row that it is read from.
    pub(crate) fn row(&self) -> Value {
        json!({
            "credentialId": URL_SAFE_NO_PAD.encode(&self.credential),
            "publicKey": URL_SAFE_NO_PAD.encode(&self.key),
            "counter": self.counter,
        })
    }

    /// The new passkey that a browser's answer describes.
    pub(crate) fn registered(ceremony: &Ceremony<'_>, answer: &Value) -> Result<Self, String> {
        ceremony.check_client(answer, "webauthn.create")?;
        let object = decode(answer, "attestationObject").ok_or("the answer has no attestation object")?;
        let object: Cbor = ciborium::from_reader(object.as_slice())
            .map_err(|error| format!("the attestation is no CBOR: {error}"))?;
        let bytes = member(&object, &Cbor::Text(String::from("authData")))
            .and_then(Cbor::as_bytes)
            .ok_or("the attestation has no authenticator data")?;
        let data = AuthenticatorData::read(bytes)?;
        data.check(ceremony.site)?;
        let (credential, key) = data.credential()?;
        PublicKey::read(&key)?;
        Ok(Self {
            credential,
            key,
            counter: data.counter,
        })
    }

    /// The passkey after it was used as a browser's answer says.
    pub(crate) fn used(&self, ceremony: &Ceremony<'_>, answer: &Value) -> Result<Self, String> {
        let client = ceremony.check_client(answer, "webauthn.get")?;
        let bytes = decode(answer, "authenticatorData").ok_or("the answer has no authenticator data")?;
        let data = AuthenticatorData::read(&bytes)?;
        data.check(ceremony.site)?;
        let signature = decode(answer, "signature").ok_or("the answer has no signature")?;
        let signed = [&*bytes, digest::digest(&digest::SHA256, &client).as_ref()].concat();
        PublicKey::read(&self.key)?.verify(&signed, &signature)?;
        let counts = self.counter > 0 || data.counter > 0;
        if counts && data.counter <= self.counter {
            return Err(String::from(
                "the passkey has counted back, so there may be a copy of it; remove it and add it again",
            ));
        }
        Ok(Self {
            counter: data.counter,
            ..self.clone()
        })
    }
}

impl Ceremony<'_> {
    /// What the browser signed for: the right ceremony, our challenge, our origin. The bytes as they were signed.
    fn check_client(&self, answer: &Value, kind: &str) -> Result<Vec<u8>, String> {
        let bytes = decode(answer, "clientDataJSON").ok_or("the answer has no client data")?;
        let client: Value =
            serde_json::from_slice(&bytes).map_err(|error| format!("the client data is no JSON: {error}"))?;
        let text = |name: &str| client.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("type") != kind {
            return Err(format!("the answer is to '{}' and not to '{kind}'", text("type")));
        }
        if text("challenge") != self.challenge {
            return Err(String::from("the answer is to another question"));
        }
        if text("origin") != self.site.origin || client.get("crossOrigin") == Some(&Value::Bool(true)) {
            return Err(format!(
                "the answer is from '{}', which is not this server",
                text("origin")
            ));
        }
        Ok(bytes)
    }
}

/// What the authenticator signed.
struct AuthenticatorData<'a> {
    party: &'a [u8],
    flags: u8,
    counter: u32,
    rest: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let short = || String::from("the authenticator data is too short");
        let (party, rest) = bytes.split_at_checked(32).ok_or_else(short)?;
        let (flags, rest) = rest.split_first().ok_or_else(short)?;
        let (counter, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        Ok(Self {
            party,
            flags: *flags,
            counter: u32::from_be_bytes(*counter),
            rest,
        })
    }

    fn check(&self, site: &Site) -> Result<(), String> {
        let party = relying_party(site);
        if self.party != digest::digest(&digest::SHA256, party.as_bytes()).as_ref() {
            return Err(format!("the passkey is not for '{party}'"));
        }
        if self.flags & PRESENT == 0 || self.flags & VERIFIED == 0 {
            return Err(String::from(
                "the authenticator did not say that it recognised you, by a finger, a face or a PIN",
            ));
        }
        Ok(())
    }

    /// The id and the public key of a new credential.
    fn credential(&self) -> Result<(Vec<u8>, Vec<u8>), String> {
        let short = || String::from("the authenticator data describes no credential");
        if self.flags & ATTESTED == 0 {
            return Err(short());
        }
        let rest = self.rest.get(16..).ok_or_else(short)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(short)?;
        let (id, rest) = rest
            .split_at_checked(usize::from(u16::from_be_bytes(*length)))
            .ok_or_else(short)?;
        let mut after = rest;
        ciborium::from_reader::<Cbor, _>(&mut after)
            .map_err(|error| format!("the key is no CBOR: {error}"))?;
        Ok((id.to_vec(), rest[..rest.len() - after.len()].to_vec()))
    }
}

/// A public key in COSE (RFC 9053).
enum PublicKey {
    Es256(Vec<u8>),
    EdDsa(Vec<u8>),
    Rs256 { n: Vec<u8>, e: Vec<u8> },
}

impl PublicKey {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let key: Cbor =
            ciborium::from_reader(bytes).map_err(|error| format!("the key is no CBOR: {error}"))?;
        let number = |label: i64| {
            let value = member(&key, &label.into()).and_then(Cbor::as_integer);
            value.and_then(|value| i64::try_from(value).ok())
        };
        let bytes = |label: i64| {
            let value = member(&key, &label.into()).and_then(Cbor::as_bytes);
            value
                .cloned()
                .ok_or_else(|| format!("the key has no part {label}"))
        };
        match (number(1), number(3), number(-1)) {
            (Some(2), Some(-7), Some(1)) => {
                let (x, y) = (bytes(-2)?, bytes(-3)?);
                if (x.len(), y.len()) != (32, 32) {
                    return Err(String::from("the key is not a point of P-256"));
                }
                Ok(Self::Es256([&[4], x.as_slice(), y.as_slice()].concat()))
            }
            (Some(1), Some(-8), Some(6)) => Ok(Self::EdDsa(bytes(-2)?)),
            (Some(3), Some(-257), _) => Ok(Self::Rs256 {
                n: bytes(-1)?,
                e: bytes(-2)?,
            }),
            (_, algorithm, _) => Err(format!(
                "the algorithm {} is none of ES256, EdDSA and RS256",
                algorithm.unwrap_or_default()
            )),
        }
    }

    fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), String> {
        let verified = match self {
            Self::Es256(point) => {
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, point).verify(signed, signature)
            }
            Self::EdDsa(key) => UnparsedPublicKey::new(&signature::ED25519, key).verify(signed, signature),
            Self::Rs256 { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &signature::RSA_PKCS1_2048_8192_SHA256,
                signed,
                signature,
            ),
        };
        verified.map_err(|_| String::from("the signature is not right"))
    }
}

fn member<'a>(map: &'a Cbor, key: &Cbor) -> Option<&'a Cbor> {
    let found = map.as_map()?.iter().find(|(name, _)| name == key);
    found.map(|(_, value)| value)
}

fn decode(answer: &Value, name: &str) -> Option<Vec<u8>> {
    let text = answer.get(name)?.as_str()?;
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}
