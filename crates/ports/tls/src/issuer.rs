//! The certificate authority's own certificate and key: `tls/ca.pem` and `tls/ca.key`.
//!
//! `ca.key` is written first. A start that was interrupted between the two makes the certificate again for
//! the same key and name, which clients cannot tell from the first.

use nave_vault::{DirLock, PrivateDir, Purpose, Secret};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData,
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use x509_parser::parse_x509_certificate;

use crate::TlsError;

const CERTIFICATE_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca.key";
const DAY: i64 = 24 * 60 * 60;
const LIFETIME: i64 = 10 * 365 * DAY;

/// What signs certificates of servers.
pub(crate) struct Issuer {
    /// The certificate, followed by those above it where the operator put them there.
    pub(crate) pem: String,
    /// The certificates of `pem`.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// The last second at which the first certificate is valid.
    pub(crate) not_after: i64,
    signer: rcgen::Issuer<'static, KeyPair>,
}

impl Issuer {
    /// Reads the authority, making what is missing.
    pub(crate) fn open_or_create(dir: &PrivateDir, lock: &DirLock, now: i64) -> Result<Self, TlsError> {
        let key = match (dir.read(KEY_FILE)?, dir.read(CERTIFICATE_FILE)?) {
            (Some(key), Some(certificate)) => {
                return Self::parse(parse_key(&key)?, text(&certificate)?, now);
            }
            (None, Some(_)) => return Err(unusable("`ca.pem` is there, but `ca.key` is missing")),
            (Some(key), None) => parse_key(&key)?,
            (None, None) => new_key(dir, lock)?,
        };
        let pem = certificate_params(&key, now)
            .self_signed(&key)
            .map_err(unusable)?
            .pem();
        dir.write(lock, CERTIFICATE_FILE, &Secret::new(pem.clone().into_bytes()))?;
        Self::parse(key, &pem, now)
    }

    /// Signs a certificate for `key`.
    pub(crate) fn sign(&self, params: &CertificateParams, key: &KeyPair) -> Result<Certificate, TlsError> {
        params.signed_by(key, &self.signer).map_err(unusable)
    }

    /// The certificates a server has to show after its own: those a client does not have as its root.
    pub(crate) fn intermediates(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.chain.iter().filter(|certificate| {
            parse_x509_certificate(certificate).is_ok_and(|(_, parsed)| parsed.subject() != parsed.issuer())
        })
    }

    fn parse(key: KeyPair, pem: &str, now: i64) -> Result<Self, TlsError> {
        let chain = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| unusable("`ca.pem` is not PEM"))?;
        let first = chain
            .first()
            .ok_or_else(|| unusable("`ca.pem` holds no certificate"))?;
        let not_after = check(first, &key, now)?;
        let signer = rcgen::Issuer::from_ca_cert_der(first, key).map_err(unusable)?;
        Ok(Self {
            pem: pem.to_owned(),
            chain,
            not_after,
            signer,
        })
    }
}

/// Checks that the certificate is an authority's, of this key, and not past; gives its last valid second.
fn check(certificate: &CertificateDer<'_>, key: &KeyPair, now: i64) -> Result<i64, TlsError> {
    let (_, parsed) = parse_x509_certificate(certificate).map_err(|_| unusable("`ca.pem` is not X.509"))?;
    let not_after = parsed.validity().not_after;
    if !parsed.is_ca() {
        return Err(unusable("the certificate in `ca.pem` is not an authority's"));
    }
    if parsed.public_key().raw != key.subject_public_key_info() {
        return Err(unusable("`ca.key` is not the key of `ca.pem`"));
    }
    if not_after.timestamp() < now {
        return Err(unusable(format!("it expired at {not_after}")));
    }
    Ok(not_after.timestamp())
}

fn new_key(dir: &PrivateDir, lock: &DirLock) -> Result<KeyPair, TlsError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(unusable)?;
    dir.write(lock, KEY_FILE, &Secret::new(key.serialize_pem().into_bytes()))?;
    Ok(key)
}

/// The name is made from the key: two installations never have the same, which browsers would take for a
/// forgery, and one that makes its certificate again keeps it.
fn certificate_params(key: &KeyPair, now: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    let id = params.key_identifier(key);
    let id: String = id.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "nave");
    params
        .distinguished_name
        .push(DnType::CommonName, format!("nave certificate authority {id}"));
    // No further authority below this one.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, now - DAY, now + LIFETIME);
    params
}

/// Sets the first and last valid second.
pub(crate) fn set_validity(params: &mut CertificateParams, from: i64, until: i64) {
    // What four-digit years can say.
    const YEAR_9999: i64 = 253_370_764_800;
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let moment =
        |seconds: i64| epoch + std::time::Duration::from_secs(seconds.clamp(0, YEAR_9999).unsigned_abs());
    params.not_before = moment(from);
    params.not_after = moment(until);
}

fn parse_key(pem: &Secret<Vec<u8>>) -> Result<KeyPair, TlsError> {
    let pem = text(pem)?;
    KeyPair::from_pem(pem).map_err(|_| unusable("`ca.key` is not a private key in PEM"))
}

fn text(content: &Secret<Vec<u8>>) -> Result<&str, TlsError> {
    std::str::from_utf8(content.expose(&Purpose::Seal)).map_err(|_| unusable("its files are not PEM"))
}

pub(crate) fn unusable(reason: impl ToString) -> TlsError {
    TlsError::Authority(reason.to_string())
}
