//! How the server speaks TLS, whoever issued its certificate.

use std::sync::Arc;

use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::ResolvesServerCert,
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};

use crate::TlsError;

/// A server with a certificate that was brought along.
///
/// `cert_pem` is the server's certificate followed by the intermediates, `key_pem` its private key (PKCS#8,
/// PKCS#1 or SEC1). Whether the names fit is not checked: there may be a proxy in front.
///
/// # Errors
/// [`TlsError::Certificate`] where one of them is missing or unreadable, or the two do not belong together.
pub fn own_certificate(cert_pem: &str, key_pem: &str) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = CertificateDer::pem_slice_iter(cert_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(unusable)?;
    if chain.is_empty() {
        return Err(unusable("the file holds no certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes())
        .map_err(|_| unusable("the key file holds no private key"))?;
    let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(unusable)?;
    build(Arc::new(SingleCertAndKey::from(certified)))
}

/// TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1.
pub(crate) fn build(certificate: Arc<dyn ResolvesServerCert>) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(unusable)?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn unusable(reason: impl ToString) -> TlsError {
    TlsError::Certificate(reason.to_string())
}
