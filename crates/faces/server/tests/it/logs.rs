//! Everything the server logs while these tests run.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, OnceLock},
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// The log so far. The first call starts it.
pub(crate) fn so_far() -> Vec<u8> {
    log().0.lock().unwrap().clone()
}

/// Starts the log, as talkative as it can be.
pub(crate) fn start() {
    log();
}

fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("trace,sqlx=debug,mio=off"))
            .with_writer(log.clone())
            .init();
        log
    })
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
