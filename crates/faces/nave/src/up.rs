//! `nave up`: make or open an installation, serve it, say how to use it, and end when told to.

mod next_steps;
mod signals;

use std::{io::ErrorKind, net::SocketAddr, sync::Arc};

use anyhow::{Context, anyhow};
use nave_engine::clock::RealWorld;
use nave_server::setup::{DataDirectory, Installation, Sources, Wishes};
use nave_tls::TlsListener;
use nave_vault::SystemRandom;
use tokio::{net::TcpListener, runtime::Runtime};

use crate::{Outcome, cli::Up, demo, logging, say};

const USUAL_ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8443);

/// Starts, and comes back when the server has stopped. `false`: the demo saw something it should not have seen.
pub(crate) fn run(arguments: Up) -> Outcome {
    logging::start(if arguments.demo {
        "warn"
    } else {
        "warn,nave=info,nave_server=info"
    });
    let runtime = runtime()?;
    let outcome = runtime.block_on(serve(arguments));
    // Whatever hangs on to a connection after the server stopped does not keep the program.
    runtime.shutdown_background();
    outcome
}

/// A runtime for a command.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    Runtime::new().context("the system gave no threads")
}

async fn serve(arguments: Up) -> Outcome {
    let mut told_to_stop = signals::listen()?;
    let directory = DataDirectory::open(&arguments.data.directory()?)?;
    let before = directory.settings()?;
    let address = arguments
        .listen
        .or(before.as_ref().map(|settings| settings.listen))
        .unwrap_or(USUAL_ADDRESS);
    let tcp = bind(address).await?;
    let progress = say::Progress::on(if before.is_some() {
        "Opening the data directory"
    } else {
        "Making keys, certificates and the first administrator"
    });
    let installation =
        Installation::open(directory, tcp.local_addr()?, &wishes(&arguments), &sources()).await?;
    let (authority, bundle) = installation.tls()?;
    progress.done();

    let listener = TlsListener::new(tcp, authority.server_config()?);
    let stop = told_to_stop.clone();
    let serving = tokio::spawn(nave_server::listen(
        listener,
        installation.engine.clone(),
        async move { stop.clone().wait().await },
    ));
    tokio::spawn(nave_server::keep_certificate(
        authority.clone(),
        installation.engine.clone(),
    ));

    let played = if arguments.demo {
        let stage = demo::Stage::new(&installation, &authority, address)?;
        tokio::select! {
            played = demo::play(&stage, &arguments) => Some(played?),
            () = told_to_stop.wait() => None,
        }
    } else {
        None
    };
    let as_expected = played.as_ref().is_none_or(|played| played.as_expected);
    if as_expected && !told_to_stop.is_told() {
        next_steps::say(&installation, &arguments.data, &bundle, played.as_ref())?;
    } else {
        told_to_stop.stop();
    }
    serving
        .await
        .context("the server ended by a fault")?
        .context("the server cannot go on")?;
    Ok(as_expected)
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "the address {address} is in use; stop what listens there, or choose another with `--listen {}:PORT`",
            address.ip()
        ),
        ErrorKind::PermissionDenied => anyhow!("the system does not let this user listen at {address}; choose a port above 1023 with `--listen`"),
        _ => anyhow!(error).context(format!("cannot listen at {address}")),
    })
}

fn wishes(arguments: &Up) -> Wishes {
    let demo = |text: &str| arguments.demo.then(|| text.to_owned());
    Wishes {
        origin: arguments.origin.clone(),
        domain: arguments.domain.clone().or_else(|| demo("contoso.com")),
        tenant_name: demo("Contoso"),
        administrator: demo(demo::ADMINISTRATOR),
    }
}

fn sources() -> Sources {
    Sources {
        world: Arc::new(RealWorld),
        random: Arc::new(SystemRandom),
    }
}
