//! The data directory: one process at a time, and nothing in it that nave did not write.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use nave_vault::{DirLock, KeyRing, PrivateDir, Purpose, Secret};
use serde_json::Value;

use super::{
    SetupError,
    settings::{FORMAT, Settings},
};

const SETTINGS: &str = "nave.json";
/// What may be in a directory in which no installation was begun: the lock of a start that went no further.
const HARMLESS: [&str; 1] = [".lock"];

/// A data directory that this process holds.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    files: PrivateDir,
    lock: DirLock,
}

impl DataDirectory {
    /// Opens a directory, making it where it is missing, and holds it until dropped.
    ///
    /// # Errors
    /// [`SetupError::NotOurs`], [`SetupError::Newer`] and [`SetupError::InUse`], before anything is written.
    pub fn open(path: &Path) -> Result<Self, SetupError> {
        if read_settings(path)?.is_none() && !is_empty(path) {
            return Err(SetupError::NotOurs(path.to_owned()));
        }
        let files = PrivateDir::open_or_create(path)?;
        let lock = files
            .try_lock()?
            .ok_or_else(|| SetupError::InUse(path.to_owned()))?;
        Ok(Self {
            path: path.to_owned(),
            files,
            lock,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The settings of the installation in it; `None` before the first start.
    pub fn settings(&self) -> Result<Option<Settings>, SetupError> {
        read_settings(&self.path)
    }

    /// Writes the settings.
    pub(crate) fn save(&self, settings: &Settings) -> Result<(), SetupError> {
        let unwritable = |reason: String| SetupError::Settings {
            path: self.path.join(SETTINGS),
            reason,
        };
        let text = serde_json::to_vec_pretty(settings).map_err(|error| unwritable(error.to_string()))?;
        Ok(self.files.write(&self.lock, SETTINGS, &Secret::new(text))?)
    }

    /// Keeps a secret of the installation itself, sealed: a first password, until somebody has read it.
    pub fn keep(&self, vault: &KeyRing, name: &str, secret: &Value) -> Result<(), SetupError> {
        let sealed = vault.seal_json(&context(name), secret)?;
        Ok(self.files.write(&self.lock, &file(name), &Secret::new(sealed))?)
    }

    /// A secret that was kept.
    pub fn kept(&self, vault: &KeyRing, name: &str) -> Result<Option<Secret<Value>>, SetupError> {
        let Some(sealed) = self.files.read(&file(name))? else {
            return Ok(None);
        };
        Ok(Some(
            vault.unseal_json(&context(name), sealed.expose(&Purpose::Check))?,
        ))
    }
}

/// The settings of the installation in a directory, which another process may be serving.
pub fn settings_in(path: &Path) -> Result<Settings, SetupError> {
    read_settings(path)?.ok_or_else(|| SetupError::NotThere(path.to_owned()))
}

fn read_settings(directory: &Path) -> Result<Option<Settings>, SetupError> {
    let path = directory.join(SETTINGS);
    let unreadable = |reason: String| SetupError::Settings {
        path: path.clone(),
        reason,
    };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    let value: Value = serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    let found = value["format"]
        .as_u64()
        .ok_or_else(|| unreadable(String::from("it names no format")))?;
    if found > FORMAT {
        return Err(SetupError::Newer {
            path: directory.to_owned(),
            found,
            known: FORMAT,
        });
    }
    serde_json::from_value(value)
        .map(Some)
        .map_err(|error| unreadable(error.to_string()))
}

fn is_empty(path: &Path) -> bool {
    let Ok(entries) = fs::read_dir(path) else {
        return true;
    };
    entries
        .flatten()
        .all(|entry| HARMLESS.iter().any(|harmless| entry.file_name() == *harmless))
}

fn file(name: &str) -> String {
    format!("{name}.sealed")
}

fn context(name: &str) -> String {
    format!("kept:{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::Wishes;

    #[test]
    fn an_empty_or_missing_directory_is_taken_and_held() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b");
        let held = DataDirectory::open(&path).unwrap();
        assert!(held.settings().unwrap().is_none());
        assert!(matches!(DataDirectory::open(&path), Err(SetupError::InUse(_))));
        drop(held);
        assert!(DataDirectory::open(&path).is_ok());
    }

    #[test]
    fn what_nave_did_not_write_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("thesis.txt"), "").unwrap();
        assert!(matches!(
            DataDirectory::open(home.path()),
            Err(SetupError::NotOurs(_))
        ));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn settings_come_back_and_a_newer_format_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(home.path()).unwrap();
        let settings = Settings::new(
            "127.0.0.1:1".parse().unwrap(),
            &Wishes::default(),
            uuid::Uuid::nil,
        )
        .unwrap();
        directory.save(&settings).unwrap();
        assert_eq!(directory.settings().unwrap(), Some(settings.clone()));
        assert_eq!(settings_in(home.path()).unwrap(), settings);
        directory
            .save(&Settings {
                format: FORMAT + 1,
                ..settings
            })
            .unwrap();
        assert!(matches!(directory.settings(), Err(SetupError::Newer { .. })));
    }

    #[test]
    fn a_kept_secret_is_sealed() {
        let home = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(home.path()).unwrap();
        let vault = KeyRing::open_or_create(home.path()).unwrap();
        directory
            .keep(&vault, "it", &serde_json::json!("hunter2"))
            .unwrap();
        let stored = fs::read(home.path().join("it.sealed")).unwrap();
        assert!(!stored.windows(7).any(|window| window == b"hunter2"));
        assert_eq!(
            directory
                .kept(&vault, "it")
                .unwrap()
                .unwrap()
                .expose(&Purpose::Check),
            "hunter2"
        );
        assert!(directory.kept(&vault, "other").unwrap().is_none());
    }
}
