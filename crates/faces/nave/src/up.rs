//! `nave up`: make or open an installation, serve it, say how to use it, and end when told to.

mod next_steps;
mod signals;

use std::{io::ErrorKind, net::SocketAddr, path::Path, sync::Arc};

use anyhow::{Context, anyhow};
use nave_engine::clock::RealWorld;
use nave_server::{
    GRACE, Limits,
    setup::{BreachedPasswords, DataDirectory, Installation, Sources, Wishes},
};
use nave_tls::TlsListener;
use nave_vault::SystemRandom;
use tokio::{net::TcpListener, runtime::Runtime, time::timeout};

use crate::{Outcome, cli::Up, demo, logging, say};
use next_steps::NextSteps;

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
    let mut stop = signals::listen()?;
    let breached = arguments
        .breached_passwords
        .as_deref()
        .map(breached)
        .transpose()?;
    let (installation, tcp) = open(&arguments).await?;
    if let Some(breached) = breached {
        installation.refuse_breached(breached);
    }
    if !arguments.template_hosts.is_empty() {
        installation.fetch_templates_from(arguments.template_hosts.clone())?;
    }
    let address = tcp.local_addr()?;
    let (authority, bundle) = installation.tls()?;
    let listener = TlsListener::new(tcp, authority.server_config()?);
    let next = NextSteps {
        installation: &installation,
        data: &arguments.data,
        bundle: &bundle,
    };
    if !arguments.demo {
        // Before the first answer: who waits for that finds this printed.
        next.say(None)?;
    }
    let engine = installation.engine.clone();
    let mut told = stop.clone();
    let until = async move { told.wait().await };
    let serving = tokio::spawn(nave_server::listen(
        listener,
        engine.clone(),
        arguments.trusted_proxies.as_slice().into(),
        Limits {
            reads: arguments.reads_per_hour,
            writes: arguments.writes_per_hour,
            deletes: arguments.deletes_per_hour,
        },
        until,
        GRACE,
    ));
    let uses = Arc::downgrade(&engine);
    tokio::spawn(nave_engine::access::keep_uses(uses, arguments.keep_uses));
    tokio::spawn(installation.monitor().keep_up(Arc::downgrade(&engine)));
    tokio::spawn(nave_server::keep_certificate(authority.clone(), engine.clone()));
    tokio::spawn(nave_server::keep_signing_keys(
        installation.signing_keys(),
        engine,
    ));

    let mut as_expected = true;
    if arguments.demo {
        let stage = demo::Stage::new(&installation, &authority, address)?;
        tokio::select! {
            played = demo::play(&stage, &arguments) => {
                let played = played?;
                as_expected = played.as_expected;
                next.say(Some(&played))?;
            }
            () = stop.wait() => {}
        }
    }
    if !as_expected {
        stop.stop();
    }
    serving.await.context("the server ended by a fault")?;
    if timeout(GRACE, installation.settled()).await.is_err() {
        say::remark("model calls were still under way; the log has them as open");
    }
    Ok(as_expected)
}

/// The list of passwords that nobody may choose: looked at first, so that nothing is made where it is none.
fn breached(list: &Path) -> anyhow::Result<BreachedPasswords> {
    BreachedPasswords::open(list).with_context(|| {
        format!(
            "`{}` cannot be used as a list of breached passwords",
            list.display()
        )
    })
}

/// The installation, and the port it is to be served on: taken first, so that nothing is made where that fails.
async fn open(arguments: &Up) -> anyhow::Result<(Installation, TcpListener)> {
    let directory = DataDirectory::open(&arguments.data.directory()?)?;
    let before = directory.settings()?;
    let last = before.as_ref().map(|settings| settings.listen);
    let tcp = bind(arguments.listen.or(last).unwrap_or(USUAL_ADDRESS)).await?;
    let progress = say::Progress::on(match before {
        Some(_) => "Opening the data directory",
        None => "Making keys, certificates and the first administrator",
    });
    let installation =
        Installation::open(directory, tcp.local_addr()?, &wishes(arguments), &sources()).await?;
    progress.done();
    Ok((installation, tcp))
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
