//! An installation: made in an empty directory on the first start, opened on every other.
//!
//! What a first start does: it takes the directory, decides the settings, makes the key ring, the signing keys and the
//! certificate authority, opens the database, and makes the first subscription and the first administrator. Each part
//! may be interrupted; the next start goes on where it stopped.

mod beginning;
mod directory;
mod error;
pub mod password;
mod settings;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use nave_engine::{Engine, Store, Verified, clock::World};
pub use nave_identity::BreachedPasswords;
use nave_monitor::Monitor;
use nave_outbound::Outbound;
use nave_tls::Authority;
use nave_vault::{KeyRing, Random, Secret, SigningKeys};

use crate::assemble::{Ground, Planes, assemble};

pub use directory::{DataDirectory, settings_in};
pub use error::SetupError;
pub use settings::{Settings, Wishes};

/// Where time and chance come from.
#[derive(Clone)]
pub struct Sources {
    /// Time and ids.
    pub world: Arc<dyn World>,
    /// The bytes that passwords and account keys are made of.
    pub random: Arc<dyn Random>,
}

/// A running engine on a data directory that this process holds.
pub struct Installation {
    /// The engine with every plane.
    pub engine: Arc<Engine>,
    /// What it is.
    pub settings: Settings,
    /// The first administrator's password, on the start that made it.
    pub first_password: Option<Secret<String>>,
    directory: DataDirectory,
    planes: Planes,
    keys: Arc<SigningKeys>,
}

impl Installation {
    /// Opens what is in the directory, or makes it. `listen` is where the server listens.
    pub async fn open(
        directory: DataDirectory,
        listen: SocketAddr,
        wishes: &Wishes,
        sources: &Sources,
    ) -> Result<Self, SetupError> {
        let mut settings = match directory.settings()? {
            Some(settings) => settings.resumed(listen, wishes)?,
            None => Settings::new(listen, wishes, || sources.world.new_id())?,
        };
        directory.save(&settings)?;
        let (engine, planes, keys) = start(directory.path(), &settings, sources).await?;
        planes
            .deployments
            .resume(&engine)
            .await
            .map_err(|error| SetupError::Step {
                step: "deployments under way",
                cause: Box::new(error.into()),
            })?;
        let mut first_password = None;
        if !settings.complete {
            let password = beginning::make(&engine, &directory, &settings, &*sources.random).await?;
            settings.complete = true;
            directory.save(&settings)?;
            first_password = Some(password);
        }
        nave_resources::policy_insights::keep_in_line(&engine);
        Ok(Self {
            engine,
            settings,
            first_password,
            directory,
            planes,
            keys,
        })
    }

    /// The data directory.
    #[must_use]
    pub fn directory(&self) -> &DataDirectory {
        &self.directory
    }

    /// The first administrator's password as it was made up, whether or not it still is the password.
    pub fn made_up_password(&self) -> Result<Option<Secret<String>>, SetupError> {
        beginning::kept_password(&self.engine, &self.directory)
    }

    /// Waits until every model call is settled, once no more calls are taken, and writes down who used which rights.
    pub async fn settled(&self) {
        self.planes.inference.settled().await;
        if let Err(error) = self.engine.write_uses().await {
            tracing::error!(%error, "the last uses of rights cannot be written");
        }
    }

    /// The plane that delivers what happens; nothing is delivered until it is told to.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        self.planes.monitor.clone()
    }

    /// Fetches linked templates from these hosts from now on.
    ///
    /// # Errors
    /// Where there can be no way out.
    pub fn fetch_templates_from(&self, hosts: Vec<String>) -> Result<(), SetupError> {
        let outbound = Outbound::new().map_err(|error| SetupError::Outbound(error.into()))?;
        self.planes.deployments.fetch_from(hosts, outbound);
        Ok(())
    }

    /// Refuses new passwords of this list from now on.
    pub fn refuse_breached(&self, list: BreachedPasswords) {
        self.planes.identity.refuse_breached(list);
    }

    /// The keys that sign tokens.
    #[must_use]
    pub fn signing_keys(&self) -> Arc<SigningKeys> {
        self.keys.clone()
    }

    /// The certificate authority, and the file of certificates that clients are told to trust.
    pub fn tls(&self) -> Result<(Arc<Authority>, PathBuf), SetupError> {
        let now = self.engine.world().now().as_second();
        let authority = Authority::open_or_create(self.directory.path(), &self.settings.host(), now)?;
        let bundle = bundle_in(self.directory.path());
        authority.write_bundle(&bundle)?;
        Ok((Arc::new(authority), bundle))
    }
}

/// Where a directory's file of certificates to trust is.
#[must_use]
pub fn bundle_in(path: &Path) -> PathBuf {
    path.join("ca-bundle.pem")
}

/// Recomputes the hash chain of the log in a directory, which another process may be serving.
pub async fn verify(path: &Path) -> Result<Verified, SetupError> {
    settings_in(path)?;
    Ok(Store::open_in(path).await?.verify().await?)
}

/// The keys that sign tokens in a directory, which another process may be serving.
pub fn signing_keys_in(path: &Path, now: i64) -> Result<SigningKeys, SetupError> {
    settings_in(path)?;
    Ok(SigningKeys::open_or_create(path, now)?)
}

/// The engine of an installation, which another process may be serving: it follows what is written here.
///
/// # Errors
/// [`SetupError::NotThere`] where no installation is in the directory.
pub async fn engine_in(path: &Path, sources: &Sources) -> Result<Arc<Engine>, SetupError> {
    let settings = settings_in(path)?;
    let (engine, _, _) = start(path, &settings, sources).await?;
    Ok(engine)
}

async fn start(
    path: &Path,
    settings: &Settings,
    sources: &Sources,
) -> Result<(Arc<Engine>, Planes, Arc<SigningKeys>), SetupError> {
    let now = sources.world.now().as_second();
    let keys = Arc::new(SigningKeys::open_or_create(path, now)?);
    let ground = Ground {
        vault: Arc::new(KeyRing::open_or_create(path)?),
        keys: keys.clone(),
        store: Store::open_in(path).await?,
        site: settings.site(),
        world: sources.world.clone(),
        random: sources.random.clone(),
        logs: path.join("diagnostics"),
    };
    let (parts, planes) = assemble(ground)?;
    Ok((Engine::open(parts).await?, planes, keys))
}
