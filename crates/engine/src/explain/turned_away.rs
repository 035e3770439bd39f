//! Refusals that are not in the log: those of requests without a credential that is accepted here, and those that a
//! caller collects faster than the log takes them.
//!
//! Strangers must not be able to make the log grow, and still every refusal has an id that can be asked about. So they
//! are kept here, in memory, as many as there is room for: a newer one pushes out the oldest, and none outlives the
//! process.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{Body, Reply, Request};

/// How many are kept.
const ROOM: usize = 2048;
/// How much of a text that strangers write is kept, in characters.
const LONGEST: usize = 300;

/// What is kept of one refusal.
#[derive(Debug, Clone)]
pub(crate) enum Kept {
    /// Of a request whose credential was missing or not accepted.
    Stranger(Stranger),
    /// Of a caller who had many others: the event that was not written.
    Unwritten(Unwritten),
}

/// A request whose credential was missing or not accepted.
#[derive(Debug, Clone)]
pub(crate) struct Stranger {
    pub(crate) at: Timestamp,
    pub(crate) asked: Asked,
    /// The status and the code of the refusal.
    pub(crate) status: u16,
    pub(crate) code: String,
    /// Why the credential was not accepted, as the caller was told.
    pub(crate) why: String,
}

/// What of a request may be kept: never a header, a query or a body.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) address: Option<IpAddr>,
}

/// A refusal that is explained like one of the log.
#[derive(Debug, Clone)]
pub(crate) struct Unwritten {
    pub(crate) caller: String,
    pub(crate) resource: String,
    /// The decision as events keep it.
    pub(crate) decision: Value,
}

/// A request whose credential was missing or not accepted, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct TurnedAwayRequest {
    /// The id its refusal carried.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// The verb.
    pub method: String,
    /// The path, cut short where it was long.
    pub path: String,
    /// Where it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The status it was answered with.
    pub status: u16,
    /// The code of the refusal.
    pub code: String,
    /// Why the credential was not accepted.
    pub why: String,
}

/// The refusals that are kept, the newest last.
#[derive(Debug, Default)]
pub(crate) struct TurnedAway(Mutex<VecDeque<(Uuid, Kept)>>);

impl TurnedAway {
    pub(crate) fn keep(&self, id: Uuid, refusal: Kept) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == ROOM {
            kept.pop_front();
        }
        kept.push_back((id, refusal));
    }

    pub(crate) fn find(&self, id: Uuid) -> Option<Kept> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().rev().find(|(known, _)| *known == id)?;
        Some(found.1.clone())
    }
}

impl Asked {
    pub(crate) fn of(request: &Request) -> Self {
        Self {
            method: request.method.to_string(),
            path: shortened(&request.path),
            address: request.peer,
        }
    }
}

impl Stranger {
    /// What a refusal tells of itself, whichever protocol it is in: ARM's envelope, or OAuth's error.
    pub(crate) fn of(asked: Asked, at: Timestamp, reply: &Reply) -> Self {
        let body = match &reply.body {
            Body::Json(body) => body,
            _ => &Value::Null,
        };
        let text = |pointers: [&str; 2]| {
            let found = pointers
                .iter()
                .find_map(|pointer| body.pointer(pointer)?.as_str());
            shortened(found.unwrap_or_default())
        };
        Self {
            at,
            asked,
            status: reply.status,
            code: text(["/error/code", "/error"]),
            why: text(["/error/message", "/error_description"]),
        }
    }
}

impl Stranger {
    pub(crate) fn shown(self, id: Uuid) -> TurnedAwayRequest {
        let Asked {
            method,
            path,
            address,
        } = self.asked;
        TurnedAwayRequest {
            id,
            at: self.at,
            method,
            path,
            address,
            status: self.status,
            code: self.code,
            why: self.why,
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stranger(path: &str) -> Kept {
        Kept::Stranger(Stranger {
            at: Timestamp::UNIX_EPOCH,
            asked: Asked {
                method: String::from("GET"),
                path: shortened(path),
                address: None,
            },
            status: 401,
            code: String::new(),
            why: String::new(),
        })
    }

    #[test]
    fn there_is_room_for_so_many_and_the_oldest_goes_first() {
        let kept = TurnedAway::default();
        let ids: Vec<Uuid> = (0..=ROOM as u128).map(Uuid::from_u128).collect();
        for id in &ids {
            kept.keep(*id, stranger("/"));
        }
        assert!(kept.find(ids[0]).is_none());
        assert!(kept.find(ids[1]).is_some() && kept.find(ids[ROOM]).is_some());
        assert_eq!(kept.0.lock().expect("lock").len(), ROOM);
    }

    #[test]
    fn what_strangers_write_is_cut_short() {
        let Kept::Stranger(kept) = stranger(&"x".repeat(10_000)) else {
            panic!("a stranger")
        };
        assert_eq!(kept.asked.path.len(), LONGEST);
    }

    #[test]
    fn either_form_of_refusal_says_why() {
        let asked = Asked {
            method: String::new(),
            path: String::new(),
            address: None,
        };
        let told = |body: Value| {
            let told = Stranger::of(asked.clone(), Timestamp::UNIX_EPOCH, &Reply::json(401, body));
            (told.code, told.why)
        };
        let arm = serde_json::json!({ "error": { "code": "C", "message": "m" } });
        let oauth = serde_json::json!({ "error": "invalid_client", "error_description": "d" });
        assert_eq!(told(arm), (String::from("C"), String::from("m")));
        assert_eq!(told(oauth), (String::from("invalid_client"), String::from("d")));
    }
}
