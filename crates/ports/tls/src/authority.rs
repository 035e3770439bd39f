//! The certificate authority of one installation, and the certificate it keeps issued for the server.

use std::{fmt, path::Path, sync::Arc};

use arc_swap::ArcSwap;
use nave_vault::PrivateDir;
use rustls::{
    ServerConfig,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::{TlsError, bundle, issuer::Issuer, leaf, server_config, server_names::ServerNames};

/// An authority and the server certificate it issued last.
pub struct Authority {
    dir: PrivateDir,
    issuer: Issuer,
    names: ServerNames,
    current: Arc<CurrentLeaf>,
}

/// What every handshake shows. Behind a pointer, so that a renewal reaches a server that is running.
#[derive(Debug)]
struct CurrentLeaf(ArcSwap<CertifiedKey>);

impl Authority {
    /// Opens the authority in `tls/` of the data directory, making it on the first start, and has a
    /// certificate for `base_host` issued unless there is one that will do. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`TlsError::Authority`] where there is an authority that cannot be used. It is never replaced.
    pub fn open_or_create(data_dir: &Path, base_host: &str, now: i64) -> Result<Self, TlsError> {
        let names = ServerNames::of(base_host)?;
        let dir = PrivateDir::open_or_create(&data_dir.join("tls"))?;
        let lock = dir.lock()?;
        let issuer = Issuer::open_or_create(&dir, &lock, now)?;
        let certified = match leaf::read(&dir, &issuer, &names, now)? {
            Some(certified) => certified,
            None => leaf::issue(&dir, &lock, &issuer, &names, now)?,
        };
        let current = Arc::new(CurrentLeaf(ArcSwap::from_pointee(certified)));
        Ok(Self {
            dir,
            issuer,
            names,
            current,
        })
    }

    /// Has a new certificate issued if the present one nears its end, and says whether it did. To be called
    /// now and then, daily is plenty: configurations already handed out show the new one at once.
    pub fn renew(&self, now: i64) -> Result<bool, TlsError> {
        if leaf::is_good(&self.current.0.load(), &self.issuer, &self.names, now) {
            return Ok(false);
        }
        let lock = self.dir.lock()?;
        let certified = leaf::issue(&self.dir, &lock, &self.issuer, &self.names, now)?;
        self.current.0.store(Arc::new(certified));
        Ok(true)
    }

    /// TLS 1.2 and 1.3 with the certificate issued last, offering HTTP/2 and HTTP/1.1.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        server_config::build(self.current.clone())
    }

    /// What clients have to trust.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.issuer.pem
    }

    /// The last second, since 1970, at which the authority is valid. Well before it somebody has to replace
    /// the authority and have clients trust the new one; that cannot happen by itself.
    #[must_use]
    pub fn ca_not_after(&self) -> i64 {
        self.issuer.not_after
    }

    /// Writes a file for the variables by which clients are told whom to trust: the system's public roots,
    /// where they are found, and this authority.
    pub fn write_bundle(&self, path: &Path) -> Result<(), TlsError> {
        bundle::write(path, self.ca_pem()).map_err(|source| TlsError::Bundle {
            path: path.to_owned(),
            source,
        })
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Authority")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl ResolvesServerCert for CurrentLeaf {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}
