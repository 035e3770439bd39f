//! Sorted lists that many versions of the index share.
//!
//! Nearly all lists are short: the assignments of one person, or at one project. A short list is one piece of memory
//! without a spare byte, so to look something up in it is to look at a few words next to each other. A long one is a
//! tree, so that to change one item of it does not copy the others.

use std::{fmt, sync::Arc};

use equivalent::Comparable;
use imbl::{OrdSet, ordset, shared_ptr::DefaultSharedPtr};

/// What a short list holds at most.
const SHORT: usize = 128;

#[derive(Clone)]
pub(crate) enum Sorted<T> {
    Short(Arc<[T]>),
    Long(OrdSet<T>),
}

impl<T: Ord + Clone> Sorted<T> {
    pub(crate) fn one(item: T) -> Self {
        Self::Short(Arc::new([item]))
    }

    /// Puts an item, in place of the one that equals it.
    pub(crate) fn put(&mut self, item: T) {
        match self {
            Self::Short(items) => {
                let at = items.partition_point(|other| *other < item);
                let after = at + usize::from(items.get(at).is_some_and(|other| *other == item));
                if items.len() < SHORT || after > at {
                    let (before, after) = (items[..at].iter().cloned(), items[after..].iter().cloned());
                    *items = before.chain([item]).chain(after).collect();
                } else {
                    let mut long: OrdSet<T> = items.iter().cloned().collect();
                    long.insert(item);
                    *self = Self::Long(long);
                }
            }
            Self::Long(items) => drop(items.insert(item)),
        }
    }

    /// Takes an item away, if it is there.
    pub(crate) fn remove(&mut self, item: &T) {
        match self {
            Self::Short(items) => {
                if let Ok(at) = items.binary_search(item) {
                    *items = items[..at].iter().chain(&items[at + 1..]).cloned().collect();
                }
            }
            Self::Long(items) => {
                items.remove(item);
                // Well below the limit, so that a list at the limit does not change its form with every item.
                if items.len() < SHORT / 2 {
                    *self = Self::Short(items.iter().cloned().collect());
                }
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Short(items) => items.is_empty(),
            Self::Long(items) => items.is_empty(),
        }
    }

    /// The items as one piece, unless they are many.
    pub(crate) fn short(&self) -> Option<&[T]> {
        match self {
            Self::Short(items) => Some(items),
            Self::Long(_) => None,
        }
    }

    pub(crate) fn iter(&self) -> Items<'_, T> {
        match self {
            Self::Short(items) => Items::Short(items.iter()),
            Self::Long(items) => Items::Long(items.range::<_, T>(..)),
        }
    }

    /// The items from a place on.
    pub(crate) fn from<Q: Comparable<T>>(&self, place: &Q) -> Items<'_, T> {
        match self {
            Self::Short(items) => {
                let at = items.partition_point(|item| place.compare(item).is_gt());
                Items::Short(items[at..].iter())
            }
            Self::Long(items) => Items::Long(items.range::<_, Q>(place..)),
        }
    }
}

impl<T: Ord + Clone + fmt::Debug> fmt::Debug for Sorted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

pub(crate) enum Items<'a, T> {
    Short(std::slice::Iter<'a, T>),
    Long(ordset::RangedIter<'a, T, DefaultSharedPtr>),
}

impl<'a, T: Ord> Iterator for Items<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        match self {
            Self::Short(items) => items.next(),
            Self::Long(items) => items.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::Sorted;

    proptest! {
        #[test]
        fn it_is_a_sorted_set_of_any_length(changes in prop::collection::vec((any::<bool>(), 0..300_u16), 0..900)) {
            let (mut list, mut plain) = (Sorted::one(7), BTreeSet::from([7]));
            for (put, item) in changes {
                // More is put than taken, so that lists grow long, and taken back at the end.
                if put || item % 3 > 0 {
                    list.put(item);
                    plain.insert(item);
                } else {
                    list.remove(&item);
                    plain.remove(&item);
                }
            }
            for item in 0..250 {
                prop_assert!(list.from(&item).eq(plain.range(item..)));
                list.remove(&item);
                plain.remove(&item);
                prop_assert!(list.iter().eq(&plain));
                prop_assert_eq!(list.is_empty(), plain.is_empty());
            }
        }
    }
}
