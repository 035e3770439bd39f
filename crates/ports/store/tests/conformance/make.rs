//! Changes to commit.

#![allow(dead_code, reason = "each test uses a part of it")]

use nave_store::{Change, Expect, Guard, NewEvent, PutRow, Revision, Store, StoreError, Write};
use serde_json::{Value, json};
use uuid::Uuid;

/// A change that only records.
pub(crate) fn event(operation: &str, resource: &str) -> Change {
    Change {
        event: NewEvent {
            id: Uuid::new_v4(),
            decision: Uuid::new_v4(),
            operation: operation.to_owned(),
            resource: resource.to_owned(),
            through: None,
            caller: String::from("00000000-0000-0000-0000-00000000000a"),
            caller_name: String::from("ann@contoso.com"),
            outcome: String::from("Succeeded"),
            correlation_id: String::from("call"),
            cause: None,
            detail: json!({ "why": "test" }),
        },
        writes: Vec::new(),
        guards: Vec::new(),
        at: "2026-11-24T12:00:00.123456Z".parse().expect("instant"),
    }
}

/// A change of rows.
pub(crate) fn change(writes: Vec<Write>) -> Change {
    Change {
        writes,
        ..event("test/write", "/s")
    }
}

/// A change under guards.
pub(crate) fn guarded(writes: Vec<Write>, guards: Vec<Guard>) -> Change {
    Change {
        guards,
        ..change(writes)
    }
}

/// A row of type `t` with its key as id and an etag.
pub(crate) fn row(key: &str, etag: &str) -> PutRow {
    PutRow {
        key: key.to_lowercase(),
        type_key: String::from("t"),
        id: key.to_owned(),
        body: json!({ "etag": etag }),
        sealed: None,
        etag: etag.to_owned(),
        claims: Vec::new(),
        expect: Expect::Any,
        by: String::from("ann"),
        created: None,
    }
}

pub(crate) fn put(key: &str, etag: &str) -> Write {
    Write::Put(row(key, etag))
}

pub(crate) fn put_if(key: &str, etag: &str, expect: Expect) -> Write {
    Write::Put(PutRow {
        expect,
        ..row(key, etag)
    })
}

pub(crate) fn put_claiming(key: &str, etag: &str, claims: &[&str]) -> Write {
    Write::Put(PutRow {
        claims: claims.iter().map(|claim| (*claim).to_owned()).collect(),
        ..row(key, etag)
    })
}

pub(crate) fn delete(key: &str) -> Write {
    delete_if(key, Expect::Any)
}

pub(crate) fn delete_if(key: &str, expect: Expect) -> Write {
    Write::Delete {
        key: key.to_owned(),
        expect,
    }
}

pub(crate) fn tag(etag: &str) -> Expect {
    Expect::Etag(etag.to_owned())
}

/// Commits what must pass.
pub(crate) async fn commit(store: &Store, writes: Vec<Write>) -> Revision {
    store.commit(change(writes)).await.expect("commit").revision
}

/// Commits what must fail.
pub(crate) async fn refused(store: &Store, change: Change) -> StoreError {
    store.commit(change).await.expect_err("a refusal")
}

/// The body of the current row at a key.
pub(crate) async fn body(store: &Store, key: &str) -> Option<Value> {
    store.get(key).await.expect("get").map(|row| row.body)
}
