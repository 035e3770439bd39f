//! How many refusals of one caller the log takes.
//!
//! Whoever is signed in can be refused as often as he likes, and every event waits for the disk. So a refusal is
//! written once in a while: the same one again, within a minute, is told under the id of the first, which explains it
//! as well; and of different ones, so many a minute are written and the others kept in memory. How many there were is
//! written when the minute is over. A count that was not written when the process ends is lost; what it counted is not:
//! its first one is in the log.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Caller;

/// How long a refusal counts as the same again.
const WINDOW: SignedDuration = SignedDuration::from_secs(60);
/// How many different refusals of one caller are written in that time.
const WRITTEN: usize = 100;

/// What becomes of a refusal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    /// It is to be written.
    New,
    /// It is the same as this one, which is written.
    Again(Uuid),
    /// There are too many; it is to be kept in memory.
    Beyond,
}

/// The refusals of the last minute, by caller.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<HashMap<String, Minute>>);

#[derive(Debug)]
struct Minute {
    began: Timestamp,
    caller: Caller,
    /// What was refused, with the decision's id and how often it came again.
    written: HashMap<String, (Uuid, u64)>,
    beyond: u64,
}

/// A minute that is over, with something left to write.
#[derive(Debug)]
pub(crate) struct Count {
    pub(crate) caller: Caller,
    /// What the event says: which refusals came again how often, and how many others there were.
    pub(crate) detail: Value,
}

impl Refusals {
    /// Notes a refusal: `what` tells one from another.
    pub(crate) fn note(&self, caller: &Caller, what: &str, id: Uuid, now: Timestamp) -> Noted {
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = callers.entry(caller.record_id()).or_insert_with(|| Minute {
            began: now,
            caller: caller.clone(),
            written: HashMap::new(),
            beyond: 0,
        });
        if let Some((first, again)) = minute.written.get_mut(what) {
            *again += 1;
            return Noted::Again(*first);
        }
        if minute.written.len() >= WRITTEN {
            minute.beyond += 1;
            return Noted::Beyond;
        }
        minute.written.insert(what.to_owned(), (id, 0));
        Noted::New
    }

    /// Forgets a refusal that could not be written: the next one like it is new.
    pub(crate) fn forget(&self, caller: &Caller, what: &str) {
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(minute) = callers.get_mut(&caller.record_id()) {
            minute.written.remove(what);
        }
    }

    /// Ends the minutes that are over, and gives what is left to write of them.
    pub(crate) fn over(&self, now: Timestamp) -> Vec<Count> {
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = |minute: &Minute| now.duration_since(minute.began) >= WINDOW;
        let ended: Vec<String> = callers
            .iter()
            .filter(|(_, minute)| over(minute))
            .map(|(caller, _)| caller.clone())
            .collect();
        let minutes = ended.iter().filter_map(|caller| callers.remove(caller));
        minutes.filter_map(|minute| minute.count(now)).collect()
    }
}

impl Minute {
    fn count(self, until: Timestamp) -> Option<Count> {
        let again = self.written.values().filter(|(_, again)| *again > 0);
        let mut again: Vec<(Uuid, u64)> = again.copied().collect();
        again.sort_unstable();
        if again.is_empty() && self.beyond == 0 {
            return None;
        }
        let again: Vec<Value> = again
            .into_iter()
            .map(|(decision, times)| json!({ "decision": decision, "times": times }))
            .collect();
        Some(Count {
            caller: self.caller,
            detail: json!({ "again": again, "notWritten": self.beyond, "from": self.began, "until": until }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody(number: u128) -> Caller {
        Caller {
            object_id: Uuid::from_u128(number),
            ..Caller::nobody()
        }
    }

    fn after(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("time")
    }

    #[test]
    fn the_same_again_is_the_first_one_until_the_minute_is_over() {
        let refusals = Refusals::default();
        let (joe, id) = (somebody(1), Uuid::from_u128);
        assert_eq!(refusals.note(&joe, "a", id(1), after(0)), Noted::New);
        assert_eq!(refusals.note(&joe, "a", id(2), after(59)), Noted::Again(id(1)));
        assert_eq!(refusals.note(&joe, "b", id(3), after(59)), Noted::New);
        assert_eq!(refusals.note(&somebody(2), "a", id(4), after(59)), Noted::New);
        assert!(refusals.over(after(59)).is_empty());
        let counts = refusals.over(after(60));
        let [count] = counts.as_slice() else {
            panic!("{counts:?}")
        };
        assert_eq!(count.caller, joe);
        assert_eq!(count.detail["again"], json!([{ "decision": id(1), "times": 1 }]));
        assert_eq!(refusals.note(&joe, "a", id(5), after(60)), Noted::New);
    }

    #[test]
    fn of_many_different_ones_so_many_are_written() {
        let refusals = Refusals::default();
        let joe = somebody(1);
        let note = |number: usize| refusals.note(&joe, &number.to_string(), Uuid::nil(), after(0));
        assert!((0..WRITTEN).all(|number| note(number) == Noted::New));
        assert!((WRITTEN..WRITTEN * 3).all(|number| note(number) == Noted::Beyond));
        assert_eq!(refusals.over(after(60))[0].detail["notWritten"], WRITTEN * 2);
    }

    #[test]
    fn what_was_not_written_is_new_again() {
        let refusals = Refusals::default();
        let joe = somebody(1);
        assert_eq!(refusals.note(&joe, "a", Uuid::nil(), after(0)), Noted::New);
        refusals.forget(&joe, "a");
        assert_eq!(refusals.note(&joe, "a", Uuid::nil(), after(0)), Noted::New);
        assert!(refusals.over(after(60)).is_empty());
    }
}
