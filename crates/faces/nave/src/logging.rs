//! The log: on the standard error, as much of it as `NAVE_LOG` asks for.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

/// Starts the log. `usual` is the filter where `NAVE_LOG` says nothing.
pub(crate) fn start(usual: &str) {
    let filter = EnvFilter::try_from_env("NAVE_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .init();
}
