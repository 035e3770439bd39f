//! How large a template may be.

use nave_arm::{ArmError, ErrorCode};
use serde_json::Value;

/// The largest template, in bytes of compact JSON.
const MAX_SIZE: usize = 4 << 20;

/// Counts what is written to it.
struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Refuses a document that is too large.
pub(super) fn check(document: &Value) -> Result<(), ArmError> {
    let mut counter = Counter(0);
    let is_written = serde_json::to_writer(&mut counter, document).is_ok();
    if is_written && counter.0 <= MAX_SIZE {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::JobSizeExceeded,
        format!(
            "The template has {} bytes; at most {MAX_SIZE} are allowed. Please see https://aka.ms/arm-template-limits \
             for usage details.",
            counter.0
        ),
    ))
}
