//! Serving over TLS until told to stop, and stopping in bounded time.

use std::{io, sync::Arc, time::Duration};

use nave_engine::Engine;
use nave_tls::{Authority, TlsListener};
use tokio::{sync::oneshot, time};

use crate::{Face, cut::Cut};

/// How long answers under way usually may go on after the server was told to stop.
pub const GRACE: Duration = Duration::from_secs(5);
/// How long connections may take to end once their answers were cut off.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often the certificate is looked at.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Serves an engine until `stop` ends. From then on no connection is accepted; what is under way may go on for `grace`,
/// and is cut off after that.
pub async fn listen(
    listener: TlsListener,
    engine: Arc<Engine>,
    stop: impl Future<Output = ()> + Send + 'static,
    grace: Duration,
) -> io::Result<()> {
    let (cutter, cut) = Cut::new();
    let (stopping, told) = oneshot::channel();
    let serving =
        axum::serve(listener, Face::until(engine, cut).router()).with_graceful_shutdown(async move {
            stop.await;
            // Nobody listens when serving ended by itself.
            let _ = stopping.send(());
        });
    let out_of_patience = async {
        if told.await.is_err() {
            std::future::pending::<()>().await;
        }
        time::sleep(grace).await;
        cutter.send_replace(true);
        time::sleep(FAREWELL).await;
    };
    tokio::select! {
        ended = serving.into_future() => ended,
        () = out_of_patience => {
            tracing::warn!("connections were still open and have been left");
            Ok(())
        }
    }
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
