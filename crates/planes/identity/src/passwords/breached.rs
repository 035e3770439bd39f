//! A list of passwords that became known in breaches, as the well-known services offer it for download: one line each,
//! sorted, of the SHA-1 in capital hex and how often it was seen. It is tens of gigabytes, so it stays on disk and is
//! searched there by halves.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use aws_lc_rs::digest;

/// The length of a SHA-1 in hex.
const HASH: usize = 40;
/// The longest line: a hash, a colon, a count and the line's end.
const LINE: usize = 128;

/// A list, open for searching.
#[derive(Debug)]
pub struct BreachedPasswords {
    file: File,
    length: u64,
}

impl BreachedPasswords {
    /// Opens a list. Its first line is looked at, so that another file is not taken for one.
    ///
    /// # Errors
    /// Where the file cannot be read, or does not begin with a SHA-1 in hex.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let list = Self { file, length };
        match list.line_from(0)? {
            Some((hash, _)) if hash.len() == HASH && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Ok(list)
            }
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the first line does not begin with a SHA-1 in hex, such as 000000005AD76BD555C1D6D771DE417A4B87E4B4:10",
            )),
        }
    }

    /// Whether a password is in the list. A list that cannot be read any more holds nothing, and the log says so.
    pub(crate) fn contains(&self, password: &str) -> bool {
        let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        let wanted: String = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        self.find(&wanted).unwrap_or_else(|error| {
            tracing::error!(%error, "the list of breached passwords cannot be read");
            false
        })
    }

    /// Lines begin somewhere in `low..high`; the half that cannot hold the wanted one is left out, again and again.
    fn find(&self, wanted: &str) -> io::Result<bool> {
        let (mut low, mut high) = (0, self.length);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.line_from(middle)? {
                Some((hash, begins)) if begins < high => match hash.as_str().cmp(wanted) {
                    std::cmp::Ordering::Equal => return Ok(true),
                    std::cmp::Ordering::Less => low = begins + 1,
                    std::cmp::Ordering::Greater => high = middle,
                },
                _ => high = middle,
            }
        }
        Ok(false)
    }

    /// The hash of the first line that begins at `from` or later, and where it begins.
    fn line_from(&self, from: u64) -> io::Result<Option<(String, u64)>> {
        let start = from.saturating_sub(1);
        let mut bytes = [0; 2 * LINE];
        let read = self.file.read_at(&mut bytes, start)?;
        let text = &bytes[..read];
        let skipped = match from {
            0 => 0,
            _ => match text.iter().position(|byte| *byte == b'\n') {
                Some(at) => at + 1,
                None => return Ok(None),
            },
        };
        let hash = text.get(skipped..skipped + HASH).map(String::from_utf8_lossy);
        let begins = start + u64::try_from(skipped).unwrap_or_default();
        Ok(hash.map(|hash| (hash.to_ascii_uppercase(), begins)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn every_line_is_found_and_nothing_else() {
        let hash = |text: &str| {
            let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
            digest
                .as_ref()
                .iter()
                .map(|byte| format!("{byte:02X}"))
                .collect::<String>()
        };
        for count in [1, 2, 3, 100, 1001] {
            for end in ["\n", "\r\n"] {
                let mut lines: Vec<String> = (0..count)
                    .map(|n| format!("{}:{}{end}", hash(&format!("password {n}")), n * n))
                    .collect();
                lines.sort();
                let mut file = tempfile::NamedTempFile::new().unwrap();
                file.write_all(lines.concat().as_bytes()).unwrap();
                let list = BreachedPasswords::open(file.path()).unwrap();
                assert!(
                    (0..count).all(|n| list.contains(&format!("password {n}"))),
                    "{count}"
                );
                assert!(
                    (count..2 * count).all(|n| !list.contains(&format!("password {n}"))),
                    "{count}"
                );
            }
        }
    }

    #[test]
    fn another_file_is_not_taken_for_a_list() {
        for text in [
            "",
            "password\nqwerty\n",
            "zz00000000000000000000000000000000000000:1\n",
        ] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            assert!(BreachedPasswords::open(file.path()).is_err(), "{text}");
        }
    }
}
