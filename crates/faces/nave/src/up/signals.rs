//! Being told to stop: Ctrl-C and SIGTERM. The second time the program ends at once.

use anyhow::Context;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

/// Knows whether the program was told to stop.
#[derive(Clone)]
pub(crate) struct Stop {
    teller: watch::Sender<bool>,
    told: watch::Receiver<bool>,
}

/// What a shell expects of a program that a second Ctrl-C ended.
const ENDED_BY_INTERRUPT: i32 = 130;

/// Begins to listen for signals.
pub(crate) fn listen() -> anyhow::Result<Stop> {
    let interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let (teller, told) = watch::channel(false);
    let stop = Stop { teller, told };
    tokio::spawn(obey(stop.clone(), interrupt, terminate));
    Ok(stop)
}

#[expect(
    clippy::disallowed_methods,
    reason = "who asks a second time does not want to wait for anything"
)]
async fn obey(stop: Stop, mut interrupt: Signal, mut terminate: Signal) {
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if stop.is_told() {
            std::process::exit(ENDED_BY_INTERRUPT);
        }
        stop.stop();
    }
}

impl Stop {
    /// Ends when the program was told to stop.
    pub(crate) async fn wait(&mut self) {
        // The sender lives in this value, so the channel is open.
        let _ = self.told.wait_for(|told| *told).await;
    }

    /// Whether it was.
    pub(crate) fn is_told(&self) -> bool {
        *self.told.borrow()
    }

    /// Tells it.
    pub(crate) fn stop(&self) {
        self.teller.send_replace(true);
    }
}
