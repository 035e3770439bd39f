//! A server over TLS, called by a client that trusts nothing but the authority's certificate.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::{Router, extract::ConnectInfo, routing::get};
use nave_tls::{Authority, HandshakeLimits, Peer, TlsListener};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};
use reqwest::{Certificate, Client, Version};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Clients look at the real time, so the certificates have to be made in it.
#[expect(
    clippy::disallowed_methods,
    reason = "the clients verify certificates by the real clock"
)]
fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
        .try_into()
        .unwrap()
}

fn authority(home: &Path) -> Authority {
    Authority::open_or_create(home, "localhost", now()).unwrap()
}

async fn serve(authority: &Authority, limits: HandshakeLimits) -> SocketAddr {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let listener = TlsListener::with_limits(tcp, authority.server_config().unwrap(), limits);
    let who = |ConnectInfo(peer): ConnectInfo<Peer>| async move {
        format!("{} {}", peer.address.ip(), peer.server_name.unwrap_or_default())
    };
    let app = Router::new()
        .route("/", get(who))
        .into_make_service_with_connect_info::<Peer>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn client(authority: &Authority, hosts: &[&str], server: SocketAddr) -> Client {
    let root = Certificate::from_pem(authority.ca_pem().as_bytes()).unwrap();
    let builder = Client::builder()
        .tls_certs_only([root])
        .timeout(Duration::from_secs(5));
    hosts
        .iter()
        .fold(builder, |builder, host| builder.resolve(host, server))
        .build()
        .unwrap()
}

async fn connect(
    authority: &Authority,
    server: SocketAddr,
    protocols: &[&[u8]],
    version: &'static SupportedProtocolVersion,
) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let tcp = TcpStream::connect(server).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .unwrap()
}

#[tokio::test]
async fn every_kind_of_name_is_served_to_a_client_that_trusts_only_the_authority() {
    let home = tempfile::tempdir().unwrap();
    let authority = authority(home.path());
    let server = serve(&authority, HandshakeLimits::default()).await;
    let hosts = [
        "localhost",
        "kv.vault.localhost",
        "acc.blob.core.localhost",
        "acc.dfs.core.localhost",
        "acc.file.core.localhost",
        "acc.queue.core.localhost",
        "acc.table.core.localhost",
        "ai.openai.localhost",
        "ai.cognitiveservices.localhost",
        "ai.services.ai.localhost",
        "s.search.localhost",
        "r.azurecr.localhost",
    ];
    let client = client(&authority, &hosts, server);
    for host in hosts {
        let answer = client
            .get(format!("https://{host}:{}/", server.port()))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.text().await.unwrap(), format!("127.0.0.1 {host}"));
    }
    let by_address = client.get(format!("https://{server}/")).send().await.unwrap();
    assert_eq!(by_address.text().await.unwrap(), "127.0.0.1 ");
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_rejected_by_the_client() {
    let home = tempfile::tempdir().unwrap();
    let authority = authority(home.path());
    let server = serve(&authority, HandshakeLimits::default()).await;
    let hosts = ["example.com", "a.b.vault.localhost", "vault.localhost"];
    let client = client(&authority, &hosts, server);
    for host in hosts {
        let error = client
            .get(format!("https://{host}:{}/", server.port()))
            .send()
            .await
            .unwrap_err();
        assert!(
            format!("{error:?}").contains("NotValidForName"),
            "{host}: {error:?}"
        );
    }
}

#[tokio::test]
async fn http_2_is_offered_before_http_1_on_both_versions_of_tls() {
    let home = tempfile::tempdir().unwrap();
    let authority = authority(home.path());
    let server = serve(&authority, HandshakeLimits::default()).await;
    for version in [&TLS12, &TLS13] {
        for (offered, chosen) in [
            (&[&b"http/1.1"[..], &b"h2"[..]][..], Some(&b"h2"[..])),
            (&[&b"http/1.1"[..]][..], Some(&b"http/1.1"[..])),
            (&[][..], None),
        ] {
            let stream = connect(&authority, server, offered, version).await;
            assert_eq!(stream.get_ref().1.alpn_protocol(), chosen);
            assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        }
    }
    let request = client(&authority, &[], server).get(format!("https://localhost:{}/", server.port()));
    let answer = request.version(Version::HTTP_11).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn silent_and_broken_clients_hold_nobody_up() {
    let home = tempfile::tempdir().unwrap();
    let authority = authority(home.path());
    let server = serve(
        &authority,
        HandshakeLimits {
            time: Duration::from_secs(60),
            in_flight: 8,
        },
    )
    .await;
    let mut silent = Vec::new();
    for _ in 0..5 {
        silent.push(TcpStream::connect(server).await.unwrap());
    }
    let mut plain = TcpStream::connect(server).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    drop(TcpStream::connect(server).await.unwrap());
    let request = client(&authority, &[], server).get(format!("https://localhost:{}/", server.port()));
    assert_eq!(request.send().await.unwrap().status(), 200);
    drop(silent);
}

#[tokio::test]
async fn a_silent_client_is_hung_up_on_and_its_place_is_free_again() {
    let home = tempfile::tempdir().unwrap();
    let authority = authority(home.path());
    let limits = HandshakeLimits {
        time: Duration::from_millis(300),
        in_flight: 2,
    };
    let server = serve(&authority, limits).await;
    let start = Instant::now();
    let mut silent = TcpStream::connect(server).await.unwrap();
    let _other = TcpStream::connect(server).await.unwrap();
    let request = client(&authority, &[], server).get(format!("https://localhost:{}/", server.port()));
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert!(start.elapsed() >= limits.time, "it had to wait for a place");
    assert_eq!(
        silent.read(&mut [0]).await.unwrap(),
        0,
        "the connection is closed"
    );
}

#[tokio::test]
async fn a_renewed_certificate_shows_without_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let started = now() - 380 * 86_400;
    let authority = Authority::open_or_create(home.path(), "localhost", started).unwrap();
    let server = serve(&authority, HandshakeLimits::default()).await;
    let shown = async || {
        let stream = connect(&authority, server, &[], &TLS13).await;
        let certificates = stream.get_ref().1.peer_certificates().unwrap();
        assert_eq!(certificates.len(), 1, "the root itself is not sent");
        certificates[0].clone()
    };
    let first = shown().await;
    assert_eq!(first, shown().await);
    assert!(authority.renew(now()).unwrap());
    assert_ne!(first, shown().await);
}

/// A company's intermediate in place of our own authority: clients have its root only.
#[tokio::test]
async fn an_intermediate_is_sent_to_clients_that_know_only_its_root() {
    let home = tempfile::tempdir().unwrap();
    drop(authority(home.path()));
    let (root, intermediate, key) = company();
    std::fs::write(home.path().join("tls/ca.pem"), &intermediate).unwrap();
    std::fs::write(home.path().join("tls/ca.key"), key).unwrap();
    let authority = authority(home.path());
    assert_eq!(authority.ca_pem(), intermediate);
    let server = serve(&authority, HandshakeLimits::default()).await;
    let root = Certificate::from_pem(root.as_bytes()).unwrap();
    let client = Client::builder().tls_certs_only([root]).build().unwrap();
    let answer = client
        .get(format!("https://localhost:{}/", server.port()))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

/// A root's certificate, and certificate and key of an intermediate below it.
fn company() -> (String, String, String) {
    let params = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params
    };
    let key = || KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let root = CertifiedIssuer::self_signed(params("company root"), key()).unwrap();
    let below = key();
    let intermediate = params("company intermediate").signed_by(&below, &root).unwrap();
    (root.pem(), intermediate.pem(), below.serialize_pem())
}

#[tokio::test]
async fn the_bundle_makes_a_client_trust_us() {
    let home = tempfile::tempdir().unwrap();
    let authority = authority(home.path());
    let server = serve(&authority, HandshakeLimits::default()).await;
    let bundle = home.path().join("bundle.pem");
    authority.write_bundle(&bundle).unwrap();
    let roots = Certificate::from_pem_bundle(&std::fs::read(&bundle).unwrap()).unwrap();
    let client = Client::builder().tls_certs_only(roots).build().unwrap();
    let answer = client
        .get(format!("https://localhost:{}/", server.port()))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}
