//! A file of certificates to trust: the public ones of the system, and ours.
//!
//! Clients that are told to trust a file trust nothing else, so ours alone would cut them off from the rest of
//! the internet.

use std::{
    fs,
    io::{Result, Write},
    path::{Path, PathBuf},
};

/// Where systems keep their public roots in one file. The first that is there is taken.
const PUBLIC_ROOTS: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// Replaces the file at `path`, whole or not at all.
pub(crate) fn write(path: &Path, ca_pem: &str) -> Result<()> {
    let public = PUBLIC_ROOTS
        .iter()
        .find_map(|place| fs::read_to_string(place).ok());
    if public.is_none() {
        tracing::warn!(path = %path.display(), "no public roots found: the bundle holds only this authority");
    }
    replace(path, &content(public.as_deref(), ca_pem))
}

fn content(public: Option<&str>, ca_pem: &str) -> String {
    let public = public.map_or_else(String::new, |public| format!("{}\n", public.trim_end()));
    format!("{public}{}\n", ca_pem.trim_end())
}

fn replace(path: &Path, content: &str) -> Result<()> {
    let temporary = PathBuf::from(format!("{}.tmp", path.display()));
    let mut file = fs::File::create(&temporary)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_follows_the_public_ones_on_a_line_of_its_own() {
        assert_eq!(content(Some("public"), "ours\n"), "public\nours\n");
        assert_eq!(content(Some("public\n\n"), "ours"), "public\nours\n");
        assert_eq!(content(None, "ours\n"), "ours\n");
    }

    #[test]
    fn a_bundle_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("bundle.pem");
        write(&path, "one").unwrap();
        write(&path, "two").unwrap();
        let written = fs::read_to_string(&path).unwrap();
        assert!(written.ends_with("two\n"), "{written}");
        assert!(!written.contains("one\n"));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }
}
