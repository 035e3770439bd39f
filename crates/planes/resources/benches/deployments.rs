//! Deployments of many resources, beside the same resources put one after the other.
//!
//! `cargo bench -p nave-resources`. What counts is the throughput of a deployment of 500 resources (the goal: at least
//! 500 a second, each a commit that waits for the disk, and each tried in a rehearsal before), and that it is the same
//! for 10 and for 5,000.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used, reason = "a bench")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use common::{Nave, RG};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nave_engine::{
    Caller,
    declaration::{Declaration, ResourceType, Verb},
};
use serde_json::{Value, json};

/// The most that a loop makes.
const LOOP: usize = 500;

static NEXT: AtomicUsize = AtomicUsize::new(0);

struct Things;

static THINGS: Declaration = Declaration {
    resource_type: "Test.Kit/things",
    api_versions: &["2024-01-01"],
    verbs: &[Verb::Get, Verb::List, Verb::Put(201, 200), Verb::Delete(200)],
    ..Declaration::COMMON
};

impl ResourceType for Things {
    fn declaration(&self) -> &'static Declaration {
        &THINGS
    }
}

fn loop_of(prefix: &str, count: usize) -> Value {
    json!({
        "type": "Test.Kit/things", "apiVersion": "2024-01-01", "name": format!("[concat('{prefix}', copyIndex())]"),
        "location": "eastus", "tags": {"team": "one"}, "copy": {"name": "all", "count": count},
        "properties": {"size": "[copyIndex()]", "text": "[format('{0}-{1}', resourceGroup().name, copyIndex())]"},
    })
}

/// A deployment of so many: beyond a loop, in nested ones.
fn request(count: usize) -> (String, Value) {
    let turn = NEXT.fetch_add(1, Ordering::Relaxed);
    let resources: Vec<Value> = match count.div_ceil(LOOP) {
        1 => vec![loop_of(&format!("t{turn}-"), count)],
        parts => (0..parts)
            .map(|part| {
                let inner = json!({"resources": [loop_of(&format!("t{turn}-{part}-"), LOOP.min(count - part * LOOP))]});
                json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": format!("d{turn}-{part}"),
                       "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"}, "template": inner}})
            })
            .collect(),
    };
    let template = json!({"contentVersion": "1.0.0.0", "resources": resources});
    let path = format!("{RG}/providers/Microsoft.Resources/deployments/d{turn}");
    (
        path,
        json!({"properties": {"mode": "Incremental", "template": template}}),
    )
}

async fn deploy(nave: &Nave, (path, body): (String, Value)) {
    let (status, answer) = nave.put_as(&Caller::system(), &path, body).await;
    assert_eq!(status, 201, "{answer}");
    while nave.get(&Caller::system(), &path).await.1["properties"]["provisioningState"] == "Running" {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn deployments(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("runtime");
    let nave = runtime.block_on(Nave::start_with(|registry| registry.add_type(Things)));
    let mut group = criterion.benchmark_group("deployments");
    group.sample_size(10);
    for count in [10, 100, 500, 5_000] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_with_input(BenchmarkId::new("deploy", count), &count, |bencher, count| {
            bencher.to_async(&runtime).iter_batched(
                || request(*count),
                |wanted| deploy(&nave, wanted),
                BatchSize::PerIteration,
            );
        });
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function("one put", |bencher| {
        bencher.to_async(&runtime).iter_batched(
            || NEXT.fetch_add(1, Ordering::Relaxed),
            async |turn| {
                let path = format!("{RG}/providers/Test.Kit/things/p{turn}");
                let body = json!({"location": "eastus", "properties": {"size": 1}});
                nave.put_as(&Caller::system(), &path, body).await
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, deployments);
criterion_main!(benches);
