//! Everything this program prints: to people and scripts on the standard output, failures on the standard error.
//!
//! Whoever listens may have heard enough (`nave explain … | head`); that is no failure of this program, and no reason for
//! a server to stop.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// A line.
pub(crate) fn line(text: impl AsRef<str>) {
    let _heard = writeln!(io::stdout(), "{}", text.as_ref());
}

/// A remark beside the output.
pub(crate) fn remark(text: impl AsRef<str>) {
    let _heard = writeln!(io::stderr(), "{}", text.as_ref());
}

/// Why the program ends without having done what was asked, with its causes.
pub(crate) fn failure(error: &anyhow::Error) {
    let _heard = writeln!(io::stderr(), "nave: {error:#}");
}

/// Something under way: a spinner where somebody watches, and a line when it is done.
pub(crate) struct Progress {
    bar: ProgressBar,
    what: String,
    began: Instant,
}

impl Progress {
    /// Begins.
    pub(crate) fn on(what: &str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(what.to_owned());
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self {
            bar,
            what: what.to_owned(),
            began: Instant::now(),
        }
    }

    /// Ends, saying how long it took.
    pub(crate) fn done(self) {
        self.bar.finish_and_clear();
        line(format!(
            "  {} ({:.1} s)",
            self.what,
            self.began.elapsed().as_secs_f64()
        ));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
