//! One chat call through nave against the same call made directly, in one run: what the gateway adds.
//!
//! Both reach the same server over loopback with the same HTTP client. The proxied call is decided, its upstream key
//! opened, its body rewritten, and its record made durable on this disk before it is answered; the wire between the
//! client and nave is not part of it. `through nave` is the time one call takes; `without a pause` calls again while
//! the settlement of the call before is still being written.

#![allow(missing_docs, reason = "a benchmark")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::{Duration, Instant};

use common::{ACCOUNT, CHAT, Nave, Script, Upstream, hello, key_holder};
use criterion::{Criterion, criterion_group, criterion_main};
use nave_inference::client;

const WHOLE: &str = r#"{"id":"x","object":"chat.completion","created":0,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello."},"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":2,"total_tokens":13}}"#;

fn proxied_call(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("runtime");
    let (nave, upstream) = runtime.block_on(async {
        let script = Script::Reply(200, vec![("content-type", "application/json")], WHOLE.to_owned());
        let upstream = Upstream::start(script).await;
        let nave = Nave::start().await;
        nave.account_before(upstream.setting("key")).await;
        (nave, upstream)
    });
    let mut group = criterion.benchmark_group("chat call");
    let direct = client().expect("client");
    group.bench_function("direct", |bench| {
        bench.to_async(&runtime).iter(|| async {
            let request = direct
                .post(format!("{}/v1/chat/completions", upstream.url))
                .bearer_auth("key")
                .json(&hello());
            request.send().await.expect("answer").bytes().await.expect("body")
        });
    });
    let caller = key_holder(ACCOUNT);
    group.bench_function("through nave", |bench| {
        bench.to_async(&runtime).iter_custom(|times| {
            let (nave, caller) = (&nave, &caller);
            async move {
                let mut taken = Duration::ZERO;
                for _ in 0..times {
                    let start = Instant::now();
                    let answer = nave.post(caller, CHAT, hello()).await;
                    taken += start.elapsed();
                    assert_eq!(answer.status, 200);
                    nave.inference.settled().await;
                }
                taken
            }
        });
    });
    group.bench_function("through nave, without a pause", |bench| {
        bench.to_async(&runtime).iter(|| async {
            let answer = nave.post(&caller, CHAT, hello()).await;
            assert_eq!(answer.status, 200);
        });
    });
    group.finish();
}

criterion_group!(benches, proxied_call);
criterion_main!(benches);
