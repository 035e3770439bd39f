//! Server-sent events out of bytes as they come: cut at blank lines, not otherwise read, not copied where a piece
//! holds whole events.

use std::{pin::Pin, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};

use crate::failure::Failure;

/// The longest event.
const LONGEST: usize = 4 << 20;
/// The event that ends a stream.
pub(crate) const DONE: &[u8] = b"data: [DONE]";

const TOO_LONG: Failure = Failure::Broken("sent an event that does not end");
const CUT: Failure = Failure::Broken("broke off in the middle of its answer");

/// Bytes on their way to being events.
#[derive(Debug, Default)]
struct Frames {
    pending: Bytes,
    /// How much of it is known to hold no end of an event.
    scanned: usize,
}

impl Frames {
    fn feed(&mut self, piece: Bytes) {
        if self.pending.is_empty() {
            self.pending = piece;
            return;
        }
        let mut joined = BytesMut::with_capacity(self.pending.len() + piece.len());
        joined.extend_from_slice(&self.pending);
        joined.extend_from_slice(&piece);
        self.pending = joined.freeze();
    }

    /// The next whole event.
    fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let from = self.scanned.saturating_sub(3);
        if let Some(length) = end(&self.pending[from..]) {
            self.scanned = 0;
            return Ok(Some(self.pending.split_to(from + length)));
        }
        self.scanned = self.pending.len();
        if self.scanned > LONGEST {
            Err(TOO_LONG)
        } else {
            Ok(None)
        }
    }

    /// What is left when no more bytes come. Some servers leave out the blank line after the last event.
    fn last(&mut self) -> Result<Option<Bytes>, Failure> {
        let Self { pending: rest, .. } = std::mem::take(self);
        match rest.trim_ascii() {
            [] => Ok(None),
            DONE => Ok(Some(Bytes::from_static(b"data: [DONE]\n\n"))),
            _ => Err(CUT),
        }
    }
}

/// Where the first event ends, its blank line included.
fn end(bytes: &[u8]) -> Option<usize> {
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    for (at, _) in ends {
        let rest = &bytes[at + 1..];
        if rest.starts_with(b"\n") {
            return Some(at + 2);
        }
        if rest.starts_with(b"\r\n") {
            return Some(at + 3);
        }
    }
    None
}

/// The events in a body. It ends in a failure when the body breaks off or nothing comes for `idle`.
pub(crate) fn events<E: Send + 'static>(
    pieces: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    idle: Duration,
) -> BoxStream<'static, Result<Bytes, Failure>> {
    let body = Events {
        pieces: Box::pin(pieces),
        frames: Frames::default(),
        idle,
        is_over: false,
    };
    stream::try_unfold(body, |mut body| async move {
        Ok(body.next().await?.map(|event| (event, body)))
    })
    .boxed()
}

struct Events<E> {
    pieces: Pin<Box<dyn Stream<Item = Result<Bytes, E>> + Send>>,
    frames: Frames,
    idle: Duration,
    is_over: bool,
}

impl<E> Events<E> {
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some(event) = self.frames.next()? {
                return Ok(Some(event));
            }
            if self.is_over {
                return self.frames.last();
            }
            match tokio::time::timeout(self.idle, self.pieces.next()).await {
                Ok(Some(Ok(piece))) => self.frames.feed(piece),
                Ok(Some(Err(_))) => return Err(CUT),
                Ok(None) => self.is_over = true,
                Err(_) => return Err(Failure::TimedOut),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use futures::{StreamExt, stream};

    use super::{LONGEST, events};
    use crate::failure::Failure;

    /// What becomes of a body in pieces: its events, and how it failed.
    async fn read(pieces: &[&str]) -> (Vec<String>, Option<String>) {
        let pieces: Vec<_> = pieces
            .iter()
            .map(|piece| Ok::<_, ()>(Bytes::from((*piece).to_owned())))
            .collect();
        let mut events = events(stream::iter(pieces), Duration::from_secs(60));
        let mut read = Vec::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => read.push(String::from_utf8_lossy(&event).into_owned()),
                Err(failure) => return (read, Some(failure.error().message)),
            }
        }
        (read, None)
    }

    #[tokio::test]
    async fn events_are_whole_however_they_are_cut() {
        let body = "data: {\"a\": 1}\n\n: ping\n\ndata: 2\r\n\r\ndata: [DONE]\n\n";
        let whole = [
            "data: {\"a\": 1}\n\n",
            ": ping\n\n",
            "data: 2\r\n\r\n",
            "data: [DONE]\n\n",
        ];
        for at in 0..body.len() {
            for also in at..body.len() {
                let (read, failure) = read(&[&body[..at], &body[at..also], &body[also..]]).await;
                assert_eq!(
                    (read.as_slice(), failure),
                    (whole.map(String::from).as_slice(), None),
                    "{at} {also}"
                );
            }
        }
    }

    #[tokio::test]
    async fn a_last_event_may_lack_its_blank_line_if_it_is_the_end() {
        assert_eq!(
            read(&["data: 1\n\ndata: [DONE]\n"]).await.0,
            ["data: 1\n\n", "data: [DONE]\n\n"]
        );
        let (read, failure) = read(&["data: 1\n\ndata: {\"cho"]).await;
        assert_eq!(read, ["data: 1\n\n"]);
        assert_eq!(
            failure.as_deref(),
            Some("The model's server broke off in the middle of its answer.")
        );
    }

    #[tokio::test]
    async fn an_endless_event_is_given_up() {
        let (read, failure) = read(&["data: ", &"x".repeat(LONGEST)]).await;
        assert_eq!((read.len(), failure.is_some()), (0, true));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_a_failure() {
        let pieces = stream::iter([Ok::<_, ()>(Bytes::from("data: 1\n\n"))]).chain(stream::pending());
        let mut events = events(pieces, Duration::from_secs(60));
        assert!(matches!(events.next().await, Some(Ok(_))));
        assert!(matches!(events.next().await, Some(Err(Failure::TimedOut))));
    }
}
