//! The `nave` command.

mod access;
mod audit;
mod authz;
mod beside;
mod cli;
mod demo;
mod env;
mod explain;
mod keys;
mod logging;
mod policy;
mod say;
mod scim;
mod sso;
mod template;
mod up;

use std::process::ExitCode;

use clap::Parser;
use nave_rbac::check;

use cli::{Audit, Authz, Cli, Command, Keys};

/// What a command that ran came to, where there is nothing to say about it but yes or no.
type Outcome = anyhow::Result<bool>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say::failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Outcome {
    match command {
        Command::Up(arguments) => up::run(arguments),
        Command::Env(arguments) => env::run(&arguments),
        Command::Authz(Authz::Eval) => authz::eval(),
        Command::Authz(Authz::Match { pattern, operation }) => Ok(authz::matches(&pattern, &operation)),
        Command::Authz(Authz::ParseCondition) => authz::parse_condition(),
        Command::Authz(Authz::CheckRole { file }) => authz::check(&file, check::check_role),
        Command::Authz(Authz::CheckAssignment { file }) => authz::check(&file, check::check_assignment),
        Command::Template(command) => template::run(&command),
        Command::Policy(cli::Policy::Test(arguments)) => policy::test(&arguments),
        Command::Access(command) => access::run(&command),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Audit(Audit::Verify(arguments)) => audit::verify(&arguments),
        Command::Scim(command) => scim::run(command),
        Command::Sso(command) => sso::run(command),
        Command::Keys(Keys::List(data)) => keys::list(&data),
        Command::Keys(Keys::Rotate {
            data,
            at_once,
            revoke,
        }) => keys::rotate(&data, at_once, revoke),
    }
}
