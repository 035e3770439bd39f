//! `cargo xtask`: what is done with the project rather than by it.
//!
//! Everything a contributor or a build server runs starts here, so that both run the same thing.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is a command, and talks to a person"
)]

mod clients;
mod run;
mod tidy;

use std::{env, process::ExitCode};

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask <command>

  test            everything: house rules, format, lints, all Rust tests, then end-to-end tests with real clients
  test --rust     the same without the clients
  test --clients [PYTEST ARGS]
                  only the end-to-end tests
  clients         install the pinned clients and print where they are
  tidy            the house rules alone";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &[&str]) -> Result<()> {
    match words {
        ["test"] => rust_tests().and_then(|()| client_tests(&[])),
        ["test", "--rust"] => rust_tests(),
        ["test", "--clients", rest @ ..] => client_tests(rest),
        ["clients"] => clients::install().map(|clients| println!("{}", clients.folder().display())),
        ["tidy"] => tidy::check(),
        ["help" | "--help" | "-h"] | [] => {
            println!("{HELP}");
            Ok(())
        }
        _ => bail!("there is no `{}`\n\n{HELP}", words.join(" ")),
    }
}

fn rust_tests() -> Result<()> {
    run::step("house rules", tidy::check)?;
    run::cargo(&["fmt", "--all", "--check"])?;
    run::cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ])?;
    run::cargo(&["test", "--workspace"])
}

fn client_tests(arguments: &[&str]) -> Result<()> {
    let clients = run::step("clients", clients::install)?;
    run::cargo(&["build", "--package", "nave"])?;
    clients.pytest(arguments)
}
