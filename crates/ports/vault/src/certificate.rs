//! X.509 certificates that applications prove themselves with: what is needed to recognise one, and its public key.
//!
//! A certificate is trusted because it was registered, as Entra does it: who issued it does not matter, its dates do.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::DecodingKey;
use x509_parser::{certificate::X509Certificate, parse_x509_certificate, public_key::PublicKey as Parsed};

use crate::PublicKey;

/// P-256 and P-384 points, uncompressed, in bytes.
const P256_POINT: usize = 65;
const P384_POINT: usize = 97;

/// A certificate.
#[derive(Debug, Clone)]
pub struct Certificate {
    der: Vec<u8>,
    key: PublicKey,
    /// From when it is valid, in seconds since 1970.
    pub not_before: i64,
    /// Until when it is valid, in seconds since 1970.
    pub not_after: i64,
}

/// Why something is no certificate to prove oneself with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    /// It is not base64 or PEM.
    #[error("it is not a certificate in base64 or PEM")]
    Encoding,
    /// It is not X.509.
    #[error("it is not an X.509 certificate")]
    NotX509,
    /// Its key is of a kind that signs no token here.
    #[error("its key is neither RSA of at least 2048 bits nor of the curve P-256 or P-384")]
    Key,
}

impl Certificate {
    /// Reads DER in base64, with line breaks or without, or the PEM around it.
    pub fn from_base64(text: &str) -> Result<Self, BadCertificate> {
        let lines = text.lines().filter(|line| !line.starts_with("-----"));
        let base64: String = lines
            .flat_map(str::chars)
            .filter(|c| !c.is_ascii_whitespace())
            .collect();
        let der = STANDARD.decode(base64).map_err(|_| BadCertificate::Encoding)?;
        Self::from_der(der)
    }

    /// Reads DER.
    pub fn from_der(der: Vec<u8>) -> Result<Self, BadCertificate> {
        let (rest, parsed) = parse_x509_certificate(&der).map_err(|_| BadCertificate::NotX509)?;
        if !rest.is_empty() {
            return Err(BadCertificate::NotX509);
        }
        let validity = parsed.validity();
        let (not_before, not_after) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        let key = key_of(&parsed)?;
        Ok(Self {
            der,
            key,
            not_before,
            not_after,
        })
    }

    /// Its public key.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Its bytes in base64, without line breaks.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.der)
    }

    /// The SHA-1 of its bytes: what the world knows certificates by.
    #[must_use]
    pub fn thumbprint(&self) -> Vec<u8> {
        self.digest(&digest::SHA1_FOR_LEGACY_USE_ONLY)
    }

    /// The SHA-256 of its bytes.
    #[must_use]
    pub fn thumbprint_sha256(&self) -> Vec<u8> {
        self.digest(&digest::SHA256)
    }

    fn digest(&self, algorithm: &'static digest::Algorithm) -> Vec<u8> {
        digest::digest(algorithm, &self.der).as_ref().to_vec()
    }
}

fn key_of(certificate: &X509Certificate<'_>) -> Result<PublicKey, BadCertificate> {
    let info = certificate.public_key();
    match info.parsed().map_err(|_| BadCertificate::Key)? {
        Parsed::RSA(rsa) if rsa.key_size() >= 2048 => Ok(PublicKey::rsa(DecodingKey::from_rsa_der(
            &info.subject_public_key.data,
        ))),
        Parsed::EC(point) => match point.data().len() {
            P256_POINT => Ok(PublicKey::p256(DecodingKey::from_ec_der(point.data()))),
            P384_POINT => Ok(PublicKey::p384(DecodingKey::from_ec_der(point.data()))),
            _ => Err(BadCertificate::Key),
        },
        _ => Err(BadCertificate::Key),
    }
}
