//! The hash map of the index: persistent, so that a copy shares all that did not change, and quick to ask. Its hash is
//! seeded by the process, so that no name anybody chooses makes it slow on purpose.

use imbl::{GenericHashMap, shared_ptr::DefaultSharedPtr};

pub(crate) type Map<K, V> = GenericHashMap<K, V, foldhash::fast::RandomState, DefaultSharedPtr>;
