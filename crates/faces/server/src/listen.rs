//! Serving over TLS until told to stop, and stopping in bounded time.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::serve::Listener;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use nave_engine::Engine;
use nave_tls::{Authority, TlsListener};
use nave_vault::SigningKeys;
use tokio::{
    sync::watch,
    time::{self, timeout},
};

use crate::{Face, Limits, cut::Cut, proxies::TrustedProxy};

/// How long answers under way usually may go on after the server was told to stop.
pub const GRACE: Duration = Duration::from_secs(5);
/// How long connections may take to end once their answers were cut off.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long a client may be silent between two requests.
const SILENCE: Duration = Duration::from_secs(75);
/// How long a silent client may take to say that it is still there.
const PONG: Duration = Duration::from_secs(20);
/// How many requests may be under way on one connection.
const STREAMS: u32 = 256;
/// How often the certificate is looked at.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How often the signing keys are looked at: keys that are taken away stop working within a second.
const ROTATION: Duration = Duration::from_millis(500);

/// Serves an engine until `stop` ends. From then on no connection is accepted; what is under way may go on for `grace`,
/// and is cut off after that. The word of `proxies` is taken for who their clients are; everybody may make as many calls as
/// `limits` say.
pub async fn listen(
    mut listener: TlsListener,
    engine: Arc<Engine>,
    proxies: Arc<[TrustedProxy]>,
    limits: Limits,
    stop: impl Future<Output = ()>,
    grace: Duration,
) {
    let (cutter, cut) = Cut::new();
    let face = Face::until(engine, cut, proxies).limited(limits);
    let (http, connections) = (http(), GracefulShutdown::new());
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            (stream, address) = listener.accept() => {
                let service = TowerToHyperService::new(face.towards(address.ip()).router());
                let connection = http.serve_connection(TokioIo::new(stream), service).into_owned();
                let connection = connections.watch(connection);
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%address, error, "a connection broke");
                    }
                });
            }
            () = &mut stop => break,
        }
    }
    // New connections are refused rather than left waiting.
    drop(listener);
    end(connections, &cutter, grace).await;
}

/// Lets connections end: by themselves at first, then by cutting off what they carry, then by leaving them.
async fn end(connections: GracefulShutdown, cutter: &watch::Sender<bool>, grace: Duration) {
    let mut ended = pin!(connections.shutdown());
    if timeout(grace, &mut ended).await.is_ok() {
        return;
    }
    cutter.send_replace(true);
    if timeout(FAREWELL, ended).await.is_err() {
        tracing::warn!("connections were still open and have been left");
    }
}

/// HTTP/1 and 2. A client that has connected and asks nothing keeps its place for a while, not for ever.
fn http() -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(SILENCE);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(SILENCE))
        .keep_alive_timeout(PONG)
        .max_concurrent_streams(STREAMS);
    http
}

/// Has the server's certificate renewed when it nears its end. Runs for ever.
pub async fn keep_certificate(authority: Arc<Authority>, engine: Arc<Engine>) {
    loop {
        time::sleep(DAY).await;
        match authority.renew(engine.world().now().as_second()) {
            Ok(true) => tracing::info!("the server's certificate was renewed"),
            Ok(false) => {}
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "the server's certificate cannot be renewed"
            ),
        }
    }
}

/// Has the keys that sign tokens follow their directory: a rotation is a file that another process adds. Runs for ever.
pub async fn keep_signing_keys(keys: Arc<SigningKeys>, engine: Arc<Engine>) {
    loop {
        time::sleep(ROTATION).await;
        if let Err(error) = keys.follow(engine.world().now().as_second()) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the signing keys cannot be read again"
            );
        }
    }
}
