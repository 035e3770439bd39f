//! The real clients, pinned, each set in a Python environment of its own below the target folder.
//!
//! `e2e/clients/*.in` says what is wanted, `*.txt` (made by `uv pip compile`) pins every package of it. Two versions
//! of `az` need two environments: they pin different versions of the same libraries.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::run;

/// The installer, itself pinned. pip alone resolves the same files, three times slower.
const UV: &str = "uv==0.13.9";

/// One environment for each file of pins.
const SETS: [&str; 3] = ["az", "az-2.50", "sdk"];

/// The installed clients.
pub(crate) struct Clients {
    folder: PathBuf,
}

/// Installs what is not there yet, or not any more what the pins say.
pub(crate) fn install() -> Result<Clients> {
    let folder = run::target().join("clients");
    fs::create_dir_all(&folder)?;
    let mut installer = None;
    for set in SETS {
        let pins = run::root().join("e2e/clients").join(format!("{set}.txt"));
        let wanted = fs::read_to_string(&pins).with_context(|| format!("no pins at {}", pins.display()))?;
        let environment = folder.join(set);
        let mark = environment.join("installed.txt");
        if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
            continue;
        }
        if installer.is_none() {
            installer = Some(install_uv(&folder)?);
        }
        if let Some(uv) = &installer {
            create(uv, &environment, &pins)?;
        }
        fs::write(mark, wanted)?;
    }
    install_provider(&folder.join("oidc"))?;
    Ok(Clients { folder })
}

/// The OpenID Connect provider that people sign in at, which runs under node. Its lock file pins every package.
fn install_provider(environment: &Path) -> Result<()> {
    let source = run::root().join("e2e/clients/oidc");
    let mark = environment.join("installed.json");
    let wanted = fs::read_to_string(source.join("package-lock.json"))?;
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if !has_npm() {
        eprintln!("npm is not installed: the tests of single sign-on will be skipped");
        return Ok(());
    }
    fs::create_dir_all(environment)?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(source.join(name), environment.join(name))?;
    }
    run::command(
        Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
            .current_dir(environment),
        "npm ci",
    )?;
    fs::write(mark, wanted)?;
    Ok(())
}

fn has_npm() -> bool {
    Command::new("npm")
        .arg("--version")
        .output()
        .is_ok_and(|answer| answer.status.success())
}

fn create(uv: &Path, environment: &Path, pins: &Path) -> Result<()> {
    let python = python()?;
    let make = Command::new(uv)
        .args(["venv", "--quiet", "--clear", "--python", &python])
        .arg(environment)
        .status()?;
    if !make.success() {
        bail!("no Python environment could be made at {}", environment.display());
    }
    run::command(
        Command::new(uv)
            .args(["pip", "install", "--quiet", "--python"])
            .arg(environment.join("bin/python"))
            .arg("--requirements")
            .arg(pins),
        &format!("install {}", pins.display()),
    )
}

fn install_uv(folder: &Path) -> Result<PathBuf> {
    let tools = folder.join("tools");
    let uv = tools.join("bin/uv");
    if uv.exists() {
        return Ok(uv);
    }
    run::command(
        Command::new(python()?).args(["-m", "venv"]).arg(&tools),
        "python -m venv",
    )?;
    run::command(
        Command::new(tools.join("bin/python")).args(["-m", "pip", "install", "--quiet", UV]),
        &format!("pip install {UV}"),
    )?;
    Ok(uv)
}

/// Python 3.11, the version the pins were resolved for.
fn python() -> Result<String> {
    const CHECK: &str = "import sys; sys.exit(sys.version_info[:2] != (3, 11))";
    ["python3.11", "python3", "python"]
        .into_iter()
        .find(|name| {
            Command::new(name)
                .args(["-c", CHECK])
                .status()
                .is_ok_and(|status| status.success())
        })
        .map(str::to_owned)
        .context(
            "Python 3.11 is needed for the real clients; none of python3.11, python3, python is that version",
        )
}

impl Clients {
    /// The folder that holds an environment for each set.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs the end-to-end tests.
    pub(crate) fn pytest(&self, arguments: &[&str]) -> Result<()> {
        run::command(
            Command::new(self.folder.join("sdk/bin/python"))
                .args(["-m", "pytest", "e2e"])
                .args(arguments)
                .current_dir(run::root())
                .env("NAVE_CLIENTS", &self.folder)
                .env("NAVE_BINARY", run::target().join("debug/nave")),
            "pytest e2e",
        )
    }
}
