//! A directory only its owner may read, whose files are replaced whole or not at all.
//!
//! Modes that became wider (a copy, a volume mounted with a group) are narrowed on the way in rather than
//! refused: an installation restored from a backup should start, and the log says what happened.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::{Purpose, Secret, VaultError};

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const LOCK_NAME: &str = ".lock";

/// A directory with mode 0700 for files with mode 0600.
#[derive(Debug, Clone)]
pub struct PrivateDir {
    path: PathBuf,
}

/// Held while files of a [`PrivateDir`] are looked at and then written; released on drop.
#[derive(Debug)]
pub struct DirLock {
    _file: File,
}

impl PrivateDir {
    /// Opens the directory, making it and those above it where they are missing.
    pub fn open_or_create(path: &Path) -> Result<Self, VaultError> {
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(path)
            .map_err(VaultError::file("create", path))?;
        narrow(path, DIRECTORY_MODE)?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Where a file of this directory is.
    #[must_use]
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Waits until no other process or thread holds the lock. The system releases it when its holder dies.
    pub fn lock(&self) -> Result<DirLock, VaultError> {
        let (path, file) = self.lock_file()?;
        file.lock().map_err(VaultError::file("lock", &path))?;
        Ok(DirLock { _file: file })
    }

    /// The lock if nobody holds it, without waiting.
    pub fn try_lock(&self) -> Result<Option<DirLock>, VaultError> {
        let (path, file) = self.lock_file()?;
        match file.try_lock() {
            Ok(()) => Ok(Some(DirLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(VaultError::file("lock", &path)(error)),
        }
    }

    fn lock_file(&self) -> Result<(PathBuf, File), VaultError> {
        let path = self.path_of(LOCK_NAME);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(&path)
            .map_err(VaultError::file("open", &path))?;
        Ok((path, file))
    }

    /// The content of a file, or `None` where there is none.
    pub fn read(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, VaultError> {
        let path = self.path_of(name);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(VaultError::file("open", &path)(error)),
        };
        narrow(&path, FILE_MODE)?;
        // Sized once: a buffer that grows leaves copies of its content behind.
        let length = file.metadata().map_err(VaultError::file("read", &path))?.len();
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
        file.read_to_end(&mut bytes)
            .map_err(VaultError::file("read", &path))?;
        Ok(Some(Secret::new(bytes)))
    }

    /// Replaces a file: after a crash it holds the old content or the new, never a part. Writers take
    /// [`lock`](Self::lock) first.
    pub fn write(&self, _lock: &DirLock, name: &str, content: &Secret<Vec<u8>>) -> Result<(), VaultError> {
        let (path, temporary) = (self.path_of(name), self.path_of(&format!("{name}.tmp")));
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(VaultError::file("remove", &temporary)(error));
            }
            _ => {}
        }
        write_new(&temporary, content).map_err(VaultError::file("write", &temporary))?;
        fs::rename(&temporary, &path).map_err(VaultError::file("replace", &path))?;
        File::open(&self.path)
            .and_then(|directory| directory.sync_all())
            .map_err(VaultError::file("sync", &self.path))
    }

    /// Removes a file, if it is there.
    pub fn remove(&self, _lock: &DirLock, name: &str) -> Result<(), VaultError> {
        let path = self.path_of(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(VaultError::file("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// The names of the files that end in `suffix`, sorted.
    pub fn names(&self, suffix: &str) -> Result<Vec<String>, VaultError> {
        let fail = |error| VaultError::file("list", &self.path)(error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(fail)? {
            if let Ok(name) = entry.map_err(fail)?.file_name().into_string()
                && name.ends_with(suffix)
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

fn write_new(path: &Path, content: &Secret<Vec<u8>>) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)?;
    file.write_all(content.expose(&Purpose::Seal))?;
    file.sync_all()
}

fn narrow(path: &Path, mode: u32) -> Result<(), VaultError> {
    let found = fs::metadata(path)
        .map_err(VaultError::file("read", path))?
        .permissions()
        .mode()
        & 0o777;
    if found & !mode == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(VaultError::file("protect", path))?;
    tracing::warn!(
        path = %path.display(),
        found_mode = format!("{found:03o}"),
        "others could reach key material here; its mode is now {mode:03o}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn dir() -> (tempfile::TempDir, PrivateDir) {
        let home = tempfile::tempdir().unwrap();
        let dir = PrivateDir::open_or_create(&home.path().join("a/b")).unwrap();
        (home, dir)
    }

    fn write(dir: &PrivateDir, content: &str) {
        let content = Secret::new(content.as_bytes().to_vec());
        dir.write(&dir.lock().unwrap(), "key", &content).unwrap();
    }

    fn read(dir: &PrivateDir) -> Vec<u8> {
        dir.read("key").unwrap().unwrap().expose(&Purpose::Check).clone()
    }

    #[test]
    fn what_is_made_is_for_the_owner_only() {
        let (home, dir) = dir();
        write(&dir, "one");
        assert_eq!(mode(&home.path().join("a")), 0o700);
        assert_eq!(mode(&home.path().join("a/b")), 0o700);
        assert_eq!(mode(&dir.path_of("key")), 0o600);
        assert_eq!(mode(&dir.path_of(".lock")), 0o600);
    }

    #[test]
    fn wider_modes_are_narrowed_on_the_way_in() {
        let (home, dir) = dir();
        write(&dir, "one");
        fs::set_permissions(dir.path_of("key"), Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(home.path().join("a/b"), Permissions::from_mode(0o755)).unwrap();
        let dir = PrivateDir::open_or_create(&home.path().join("a/b")).unwrap();
        assert_eq!(read(&dir), b"one");
        assert_eq!(mode(&dir.path_of("key")), 0o600);
        assert_eq!(mode(&home.path().join("a/b")), 0o700);
    }

    #[test]
    fn a_file_is_replaced_and_a_left_over_of_a_crash_does_not_matter() {
        let (_home, dir) = dir();
        assert!(dir.read("key").unwrap().is_none());
        write(&dir, "one");
        fs::write(dir.path_of("key.tmp"), "half of tw").unwrap();
        write(&dir, "two");
        assert_eq!(read(&dir), b"two");
        assert!(!dir.path_of("key.tmp").exists());
    }

    #[test]
    fn names_are_sorted_and_filtered() {
        let (_home, dir) = dir();
        for name in ["0002.pem", "0001.pem", "0001.pem.tmp", "note"] {
            fs::write(dir.path_of(name), "").unwrap();
        }
        assert_eq!(dir.names(".pem").unwrap(), ["0001.pem", "0002.pem"]);
    }

    #[test]
    fn the_lock_is_held_by_one() {
        let (_home, dir) = dir();
        let held = dir.lock().unwrap();
        let other = File::open(dir.path_of(".lock")).unwrap();
        assert!(other.try_lock().is_err());
        assert!(dir.try_lock().unwrap().is_none());
        drop(held);
        assert!(dir.try_lock().unwrap().is_some());
        assert!(other.try_lock().is_ok());
    }
}
