//! One commit against what the disk itself needs to make as many bytes durable.
//!
//! `cargo bench -p nave-store`. The ratio that counts is `one row` to `fsync`, both measured in the same folder and
//! the same run; the commits that come together show what sharing a transaction is worth.

#![allow(missing_docs, clippy::expect_used, reason = "a bench")]

use std::{
    fs::File,
    hint::black_box,
    io::{Seek as _, Write as _},
    sync::atomic::{AtomicU64, Ordering},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::future::join_all;
use jiff::Timestamp;
use nave_store::{Change, Expect, NewEvent, PutRow, Store, Write};
use serde_json::json;
use uuid::Uuid;

/// What a write-ahead log holds of one small commit, more or less: the pages it touched.
const PAGES: usize = 8 * 4096;
/// After how many writes the plain file is written over from its beginning, as a write-ahead log is.
const TURN: usize = 128;
const TOGETHER: u64 = 64;

static NEXT: AtomicU64 = AtomicU64::new(0);

fn event() -> NewEvent {
    NewEvent {
        id: Uuid::new_v4(),
        decision: Uuid::new_v4(),
        operation: String::from(
            "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action",
        ),
        resource: String::from(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a",
        ),
        through: None,
        caller: Uuid::new_v4().to_string(),
        caller_name: String::from("joe@contoso.com"),
        outcome: String::from("Succeeded"),
        correlation_id: Uuid::new_v4().to_string(),
        cause: None,
        detail: json!({ "decision": { "allowed": true, "findings": [] }, "detail": { "tokens": 123 } }),
    }
}

fn record() -> Change {
    Change {
        event: event(),
        writes: Vec::new(),
        guards: Vec::new(),
        at: Timestamp::UNIX_EPOCH,
    }
}

fn one_row() -> Change {
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let id = format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a{n}");
    let put = PutRow {
        key: id.to_lowercase(),
        type_key: String::from("microsoft.storage/storageaccounts"),
        id,
        body: json!({ "sent": { "location": "eastus", "tags": {}, "properties": { "n": n } }, "own": {} }),
        sealed: None,
        etag: Uuid::new_v4().to_string(),
        claims: Vec::new(),
        expect: Expect::Absent,
        by: String::from("joe@contoso.com"),
        created: None,
    };
    Change {
        writes: vec![Write::Put(put)],
        ..record()
    }
}

fn commit(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("runtime");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("folder");
    let store = runtime.block_on(Store::open_in(folder.path())).expect("store");
    let mut file = File::create(folder.path().join("plain")).expect("file");
    let pages = vec![7_u8; PAGES];
    (0..TURN).for_each(|_| file.write_all(&pages).expect("room"));
    let mut written = TURN;
    let mut group = criterion.benchmark_group("commit");
    group.bench_function("fsync", |bencher| {
        bencher.iter(|| {
            if written == TURN {
                written = 0;
                file.rewind().expect("rewind");
            }
            file.write_all(black_box(&pages)).expect("write");
            written += 1;
            file.sync_data().expect("sync");
        });
    });
    for (name, change) in [("one event", record as fn() -> Change), ("one row", one_row)] {
        group.bench_function(name, |bencher| {
            bencher
                .to_async(&runtime)
                .iter(async || store.commit(change()).await.expect("commit"));
        });
    }
    group.throughput(Throughput::Elements(TOGETHER));
    group.bench_function("64 rows that come together", |bencher| {
        bencher
            .to_async(&runtime)
            .iter(async || join_all((0..TOGETHER).map(|_| store.commit(one_row()))).await);
    });
    group.finish();
}

criterion_group!(benches, commit);
criterion_main!(benches);
