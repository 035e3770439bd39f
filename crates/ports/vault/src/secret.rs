//! A value that must not leak, and the reasons for which it may be opened.
//!
//! The type has no way to print, serialise or copy itself by accident; what is left is [`Secret::expose`],
//! which asks for a [`Purpose`]. Searching for `Purpose::` lists every place where a secret is opened.

use std::fmt;

use serde_json::Value;
use zeroize::Zeroize;

/// A value that is overwritten when dropped and opened only for a named purpose.
///
/// In a derived `Debug` it prints as stars:
///
/// ```
/// # use nave_vault::{Purpose, Secret};
/// let key = Secret::new(String::from("hunter2"));
/// assert_eq!(format!("{key:?}"), "***");
/// assert_eq!(key.expose(&Purpose::Check), "hunter2");
/// ```
///
/// It cannot be serialised, displayed or cloned:
///
/// ```compile_fail
/// let key = nave_vault::Secret::new(String::from("hunter2"));
/// serde_json::to_string(&key).unwrap();
/// ```
/// ```compile_fail
/// let key = nave_vault::Secret::new(String::from("hunter2"));
/// let text = format!("{key}");
/// ```
/// ```compile_fail
/// let key = nave_vault::Secret::new(String::from("hunter2"));
/// let copy = key.clone();
/// ```
/// Nor can its content be taken without saying why:
///
/// ```compile_fail
/// let key = nave_vault::Secret::new(String::from("hunter2"));
/// let text: &str = key.expose();
/// ```
/// The same lines compile where the value is an ordinary one, so it is the secret that refuses:
///
/// ```
/// let key = String::from("hunter2");
/// serde_json::to_string(&key).unwrap();
/// let text = format!("{key}");
/// let copy = key.clone();
/// ```
pub struct Secret<T: Wipe>(T);

/// Why a secret is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To authenticate a call nave makes to the outside on a caller's behalf.
    OutboundCall,
    /// To hand it to a caller in a separately authorised and audited operation: `listKeys`, `listSecrets`,
    /// or the answer that shows a new key once.
    ListSecrets,
    /// To compare it with, or check a signature made by, what a caller presented.
    Check,
    /// To turn it into something that may be stored: a sealed blob, a hash, a fingerprint.
    Seal,
}

/// A value that can overwrite itself.
pub trait Wipe {
    /// Overwrites the content, including the parts it owns on the heap.
    fn wipe(&mut self);
}

impl<T: Wipe> Secret<T> {
    /// Takes charge of a value. Copies made before this call are the caller's to wipe.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Opens the secret. What is made from the reference leaves the protection of this type.
    pub fn expose(&self, purpose: &Purpose) -> &T {
        tracing::trace!(?purpose, "secret opened");
        &self.0
    }

    /// To fill a secret in place, so that no copy of it exists elsewhere.
    pub(crate) const fn content_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Wipe + Clone> Secret<T> {
    /// A second copy, which is wiped on its own. Not `Clone`, so that no derive makes copies unseen.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Wipe> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

impl<T: Wipe> fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

impl<T: Wipe> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl Wipe for String {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl Wipe for Vec<u8> {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl<const N: usize> Wipe for [u8; N] {
    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl Wipe for Value {
    /// Texts, also those used as member names, are overwritten; numbers and booleans are dropped.
    fn wipe(&mut self) {
        match std::mem::take(self) {
            Self::String(mut text) => text.zeroize(),
            Self::Array(mut items) => items.iter_mut().for_each(Wipe::wipe),
            Self::Object(members) => members.into_iter().for_each(|(mut name, mut member)| {
                name.zeroize();
                member.wipe();
            }),
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Counted<'a>(&'a AtomicUsize);

    impl Wipe for Counted<'_> {
        fn wipe(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_dropped_secret_is_wiped_once() {
        let wiped = AtomicUsize::new(0);
        drop(Secret::new(Counted(&wiped)));
        assert_eq!(wiped.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn wiping_leaves_nothing() {
        let mut text = String::from("hunter2");
        text.wipe();
        assert_eq!(text, "");
        let mut bytes = [7; 4];
        bytes.wipe();
        assert_eq!(bytes, [0; 4]);
        let mut json = serde_json::json!({"key": ["hunter2", {"deep": "er"}], "n": 1});
        json.wipe();
        assert_eq!(json, Value::Null);
    }

    #[test]
    fn debug_shows_stars_inside_a_derived_struct() {
        #[derive(Debug)]
        #[expect(dead_code, reason = "read by Debug only")]
        struct Connection {
            name: &'static str,
            key: Option<Secret<String>>,
        }
        let connection = Connection {
            name: "search",
            key: Some(String::from("hunter2").into()),
        };
        assert_eq!(
            format!("{connection:?}"),
            r#"Connection { name: "search", key: Some(***) }"#
        );
        assert!(!format!("{connection:#?}").contains("hunter2"));
    }

    #[test]
    fn a_duplicate_outlives_the_original() {
        let original = Secret::new(String::from("hunter2"));
        let copy = original.duplicate();
        drop(original);
        assert_eq!(copy.expose(&Purpose::Check), "hunter2");
    }
}
