//! The end of a server's patience: answers that would go on for ever are cut off, and seen by the client to be.

use std::io;

use bytes::Bytes;
use futures::{FutureExt, Stream, StreamExt, future::ready, stream};
use tokio::sync::watch;

/// Knows whether the answers under way are cut off.
#[derive(Clone)]
pub(crate) struct Cut(watch::Receiver<bool>);

impl Cut {
    /// The one who cuts, and what knows of it.
    pub(crate) fn new() -> (watch::Sender<bool>, Self) {
        let (cutter, told) = watch::channel(false);
        (cutter, Self(told))
    }

    /// Nothing is ever cut off.
    pub(crate) fn never() -> Self {
        Self::new().1
    }

    async fn happened(mut self) {
        if self.0.wait_for(|cut| *cut).await.is_err() {
            // Whoever could have cut is gone.
            std::future::pending::<()>().await;
        }
    }

    /// The stream, ended by an error when it is cut off.
    pub(crate) fn off(
        self,
        bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let cut = self
            .happened()
            .into_stream()
            .map(|()| Some(Err(io::Error::other("the server stops"))));
        let whole = bytes.map(Some).chain(stream::once(ready(None)));
        stream::select(whole, cut)
            .take_while(|item| ready(item.is_some()))
            .filter_map(ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn collected(stream: impl Stream<Item = io::Result<Bytes>>) -> Vec<Option<Bytes>> {
        stream.map(Result::ok).collect().await
    }

    #[tokio::test]
    async fn a_stream_that_ends_is_left_alone() {
        let (_cutter, cut) = Cut::new();
        for cut in [cut, Cut::never()] {
            let bytes = stream::iter([Ok(Bytes::from("a")), Ok(Bytes::from("b"))]);
            assert_eq!(
                collected(cut.off(bytes)).await,
                [Some(Bytes::from("a")), Some(Bytes::from("b"))]
            );
        }
    }

    #[tokio::test]
    async fn one_that_does_not_end_is_cut_off_with_an_error() {
        let bytes = stream::iter([Ok(Bytes::from("a"))]).chain(stream::pending());
        let (cutter, cut) = Cut::new();
        let mut stream = Box::pin(cut.off(bytes));
        assert_eq!(stream.next().await.unwrap().unwrap(), "a");
        cutter.send_replace(true);
        assert!(stream.next().await.unwrap().is_err());
    }
}
