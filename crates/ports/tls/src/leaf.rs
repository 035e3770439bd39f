//! The server's certificate, issued by the authority: `tls/leaf.pem` and `tls/leaf.key`.
//!
//! A certificate is kept as long as a client that trusts the authority would accept it for every name a month
//! from now. That one question covers an approaching expiry, a changed base host, a replaced authority and
//! damaged files alike; whatever fails it is made anew.

use std::{sync::Arc, time::Duration};

use nave_vault::{DirLock, PrivateDir, Purpose, Secret};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    sign::CertifiedKey,
};

use crate::{
    TlsError,
    issuer::{Issuer, set_validity, unusable},
    server_config::provider,
    server_names::ServerNames,
};

const CERTIFICATE_FILE: &str = "leaf.pem";
const KEY_FILE: &str = "leaf.key";
const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;
/// The most that browsers accept, to the second.
const LIFETIME: i64 = 397 * DAY - 1;
/// How long before its expiry a certificate is made anew.
const RENEWAL: i64 = 30 * DAY;

/// The certificate on disk if it will do for some time yet.
pub(crate) fn read(
    dir: &PrivateDir,
    issuer: &Issuer,
    names: &ServerNames,
    now: i64,
) -> Result<Option<CertifiedKey>, TlsError> {
    let (Some(certificate), Some(key)) = (dir.read(CERTIFICATE_FILE)?, dir.read(KEY_FILE)?) else {
        return Ok(None);
    };
    let certificate = CertificateDer::from_pem_slice(certificate.expose(&Purpose::Seal)).ok();
    let key = PrivateKeyDer::from_pem_slice(key.expose(&Purpose::Seal)).ok();
    Ok(certificate
        .zip(key)
        .and_then(|(certificate, key)| certified(certificate, key, issuer).ok())
        .filter(|certified| is_good(certified, issuer, names, now)))
}

/// Whether clients accept the certificate for every name, and will for some time yet.
pub(crate) fn is_good(certified: &CertifiedKey, issuer: &Issuer, names: &ServerNames, now: i64) -> bool {
    // No certificate outlives its authority, so near the end of that one nothing better is to be had.
    let later = (now + RENEWAL).min(issuer.not_after);
    certified.end_entity_cert().is_ok_and(|leaf| {
        names
            .examples()
            .iter()
            .all(|name| [now, later].iter().all(|at| accepts(leaf, issuer, name, *at)))
    })
}

/// Makes a certificate for the names and writes it down.
pub(crate) fn issue(
    dir: &PrivateDir,
    lock: &DirLock,
    issuer: &Issuer,
    names: &ServerNames,
    now: i64,
) -> Result<CertifiedKey, TlsError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(unusable)?;
    let certificate = issuer.sign(&certificate_params(names, now, issuer.not_after)?, &key)?;
    let issued = certified(
        certificate.der().clone(),
        PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        issuer,
    )
    .map_err(unusable)?;
    if !is_good(&issued, issuer, names, now) {
        return Err(unusable(
            "what it signs for this server's names is not accepted by clients",
        ));
    }
    // A crash between the two leaves a pair that does not fit, which is made anew.
    dir.write(lock, KEY_FILE, &Secret::new(key.serialize_pem().into_bytes()))?;
    dir.write(
        lock,
        CERTIFICATE_FILE,
        &Secret::new(certificate.pem().into_bytes()),
    )?;
    Ok(issued)
}

fn certificate_params(names: &ServerNames, now: i64, not_after: i64) -> Result<CertificateParams, TlsError> {
    let names = names.subject_alternative_names();
    let mut params = CertificateParams::new(names).map_err(unusable)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "nave server");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    // An hour back, for clients whose clock is slow.
    let from = now - HOUR;
    set_validity(&mut params, from, (from + LIFETIME).min(not_after));
    Ok(params)
}

fn certified(
    leaf: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    issuer: &Issuer,
) -> Result<CertifiedKey, rustls::Error> {
    let chain = std::iter::once(leaf)
        .chain(issuer.intermediates().cloned())
        .collect();
    CertifiedKey::from_der(chain, key, &provider())
}

/// Whether a client that trusts the authority accepts the certificate for `name` at a moment.
fn accepts(leaf: &CertificateDer<'_>, issuer: &Issuer, name: &str, at: i64) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(issuer.chain.iter().take(1).cloned());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(at.max(0).unsigned_abs()));
    match (verifier, ServerName::try_from(name)) {
        (Ok(verifier), Ok(name)) => verifier.verify_server_cert(leaf, &[], &name, &[], at).is_ok(),
        _ => false,
    }
}
