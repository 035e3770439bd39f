//! Things that work once and not for long: kept in memory, found by the hash of the text that names them.
//!
//! A restart forgets them, and whoever was signing in starts again. When there are too many, the oldest go.

use jiff::Timestamp;
use moka::{policy::EvictionPolicy, sync::Cache};
use sha2::{Digest, Sha256};

/// What is kept, until when.
#[derive(Clone)]
struct Entry<T> {
    value: T,
    ends: Timestamp,
}

/// A store of things that work once.
pub(crate) struct OneTime<T> {
    entries: Cache<[u8; 32], Entry<T>>,
}

impl<T: Clone + Send + Sync + 'static> OneTime<T> {
    pub(crate) fn new(capacity: u64) -> Self {
        let entries = Cache::builder()
            .max_capacity(capacity)
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self { entries }
    }

    pub(crate) fn put(&self, text: &str, value: T, ends: Timestamp) {
        self.entries.insert(hash(text), Entry { value, ends });
    }

    /// What the text names, which stays.
    pub(crate) fn get(&self, text: &str, now: Timestamp) -> Option<T> {
        self.entries
            .get(&hash(text))
            .filter(|entry| now < entry.ends)
            .map(|entry| entry.value)
    }

    /// What the text names, which is gone from now on: of several who take it, one gets it.
    pub(crate) fn take(&self, text: &str, now: Timestamp) -> Option<T> {
        self.entries
            .remove(&hash(text))
            .filter(|entry| now < entry.ends)
            .map(|entry| entry.value)
    }
}

/// The hash that stands for a text that must not be kept.
pub(crate) fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_works_once_and_until_its_end() {
        let (store, start) = (OneTime::new(10), Timestamp::UNIX_EPOCH);
        let end = Timestamp::from_second(60).unwrap();
        store.put("a", 1, end);
        store.put("b", 2, end);
        assert_eq!(store.get("a", start), Some(1));
        assert_eq!((store.take("a", start), store.take("a", start)), (Some(1), None));
        assert_eq!((store.get("b", end), store.take("b", end)), (None, None));
    }
}
