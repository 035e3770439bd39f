//! A listener for `axum::serve` that speaks TLS.
//!
//! Handshakes run in tasks of their own, each with a time limit and all of them limited in number, so that a
//! client that connects and stays silent costs a place for some seconds and nobody has to wait for it. When
//! every place is taken, new connections wait in the system's queue until one is free.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// TLS over a TCP listener.
pub struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
    limits: HandshakeLimits,
    handshakes: JoinSet<Option<Connection>>,
}

/// What clients may take up before they have shown that they speak TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandshakeLimits {
    /// How long a handshake may take.
    pub time: Duration,
    /// How many may be under way.
    pub in_flight: usize,
}

/// Who connected, for `into_make_service_with_connect_info::<Peer>()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Where the connection comes from.
    pub address: SocketAddr,
    /// The host the client named in the handshake.
    pub server_name: Option<String>,
}

type Connection = (TlsStream<TcpStream>, SocketAddr);

impl TlsListener {
    /// Serves TLS on `tcp` with the default limits.
    #[must_use]
    pub fn new(tcp: TcpListener, config: Arc<ServerConfig>) -> Self {
        Self::with_limits(tcp, config, HandshakeLimits::default())
    }

    /// The same with other limits. At least one handshake may always be under way.
    #[must_use]
    pub fn with_limits(tcp: TcpListener, config: Arc<ServerConfig>, limits: HandshakeLimits) -> Self {
        Self {
            tcp,
            acceptor: TlsAcceptor::from(config),
            limits,
            handshakes: JoinSet::new(),
        }
    }

    fn start_handshake(&mut self, stream: TcpStream, address: SocketAddr) {
        let (acceptor, time) = (self.acceptor.clone(), self.limits.time);
        self.handshakes.spawn(async move {
            // Streamed answers are many small writes; none of them should wait for the next.
            stream.set_nodelay(true).ok()?;
            match timeout(time, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => return Some((stream, address)),
                Ok(Err(error)) => tracing::debug!(%address, %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(%address, "TLS handshake took too long"),
            }
            None
        });
    }
}

impl Default for HandshakeLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(10),
            in_flight: 1024,
        }
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Connection {
        loop {
            let has_place = self.handshakes.len() < self.limits.in_flight.max(1);
            tokio::select! {
                Some(handshake) = self.handshakes.join_next() => {
                    if let Ok(Some(connection)) = handshake {
                        return connection;
                    }
                }
                // axum's own, because it retries what can be retried.
                (stream, address) = Listener::accept(&mut self.tcp), if has_place => {
                    self.start_handshake(stream, address);
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        let (_, connection) = stream.io().get_ref();
        let server_name = connection.server_name().map(str::to_owned);
        Self {
            address: *stream.remote_addr(),
            server_name,
        }
    }
}
