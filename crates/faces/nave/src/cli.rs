//! The command line: what can be said, and its help.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use nave_server::TrustedProxy;
use uuid::Uuid;

/// A self-hosted AI hub that speaks Azure's protocols.
#[derive(Debug, Parser)]
#[command(name = "nave", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a server; make it first where there is none.
    Up(Up),
    /// Print the shell exports that clients need to find and trust the server.
    Env(Data),
    /// Decide about roles and conditions without a server.
    #[command(subcommand)]
    Authz(Authz),
    /// Expand and check ARM templates without a server.
    #[command(subcommand)]
    Template(Template),
    /// Try policies on resources without a server.
    #[command(subcommand)]
    Policy(Policy),
    /// What a change to access would do, and which role somebody needs.
    #[command(subcommand)]
    Access(Access),
    /// Say why a request was refused or allowed, and the smallest grant that would help.
    Explain(Explain),
    /// Look at the log of what was done.
    #[command(subcommand)]
    Audit(Audit),
    /// The keys that sign tokens.
    #[command(subcommand)]
    Keys(Keys),
    /// Tokens by which an identity provider keeps users and groups up to date.
    #[command(subcommand)]
    Scim(Scim),
    /// Identity providers that people sign in with.
    #[command(subcommand)]
    Sso(Sso),
}

/// Where the data is.
#[derive(Debug, Args)]
pub(crate) struct Data {
    /// The data directory [default: nave in the user's data directory]
    #[arg(long = "data", value_name = "DIR", env = "NAVE_DATA")]
    pub(crate) directory: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) data: Data,
    /// Where to listen [default: as last time, at first 127.0.0.1:8443]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where clients find the server [default: as last time, at first https://localhost with the port]
    #[arg(long, value_name = "URL")]
    pub(crate) origin: Option<String>,
    /// A proxy in front of the server, an address or a network: what it writes in X-Forwarded-For is believed.
    #[arg(
        long = "trusted-proxy",
        value_name = "CIDR",
        env = "NAVE_TRUSTED_PROXY",
        value_delimiter = ','
    )]
    pub(crate) trusted_proxies: Vec<TrustedProxy>,
    /// How many reads of the resource manager somebody may make in an hour, in each subscription; 0: any number
    #[arg(long, value_name = "COUNT", default_value_t = nave_server::Limits::default().reads)]
    pub(crate) reads_per_hour: u32,
    /// How many writes and actions
    #[arg(long, value_name = "COUNT", default_value_t = nave_server::Limits::default().writes)]
    pub(crate) writes_per_hour: u32,
    /// How many deletions
    #[arg(long, value_name = "COUNT", default_value_t = nave_server::Limits::default().deletes)]
    pub(crate) deletes_per_hour: u32,
    /// How many days it is remembered who used which rights
    #[arg(long, value_name = "DAYS", default_value_t = nave_engine::access::KEPT_DAYS)]
    pub(crate) keep_uses: u32,
    /// A list of passwords that became known in breaches, none of which may be chosen: lines of SHA-1 in hex, sorted
    #[arg(
        long = "breached-passwords",
        value_name = "FILE",
        env = "NAVE_BREACHED_PASSWORDS"
    )]
    pub(crate) breached_passwords: Option<PathBuf>,
    /// A host that linked templates may be fetched from, with its port where it is not that of https; repeat for several
    #[arg(
        long = "template-host",
        value_name = "HOST",
        env = "NAVE_TEMPLATE_HOST",
        value_delimiter = ','
    )]
    pub(crate) template_hosts: Vec<String>,
    /// The domain of the users; only on the first start [default: nave.local]
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) domain: Option<String>,
    /// Set up four people, a hub and two projects, and play a day's work through the API.
    #[arg(long)]
    pub(crate) demo: bool,
    /// An OpenAI-compatible server that answers the demo's model calls, such as http://127.0.0.1:11434/v1
    #[arg(long, value_name = "URL", requires = "demo")]
    pub(crate) backend: Option<String>,
    /// The key for that server
    #[arg(
        long,
        value_name = "KEY",
        env = "NAVE_BACKEND_KEY",
        hide_env_values = true,
        requires = "backend"
    )]
    pub(crate) backend_key: Option<String>,
    /// The chat model to ask that server for
    #[arg(long, value_name = "NAME", default_value = "gpt-4o", requires = "backend")]
    pub(crate) backend_chat_model: String,
    /// The embedding model to ask that server for
    #[arg(
        long,
        value_name = "NAME",
        default_value = "text-embedding-3-small",
        requires = "backend"
    )]
    pub(crate) backend_embedding_model: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Authz {
    /// Read one case as JSON on each line of the input; print one decision for each.
    Eval,
    /// Say whether an action string covers an operation: exit code 0 when it does.
    Match {
        /// The action string, such as `Microsoft.Storage/*/read`
        pattern: String,
        /// The operation
        operation: String,
    },
    /// Read a condition from the input: exit code 0 when it is valid.
    ParseCondition,
    /// Say whether a role definition could be stored: `ok`, or the code of the refusal.
    CheckRole {
        /// JSON in the form of the REST interface or of `az role definition create`; `-` is the input
        file: PathBuf,
    },
    /// Say whether a role assignment could be made: `ok`, or the code of the refusal.
    CheckAssignment {
        /// JSON: the assignment, and beside it what the tenant holds; `-` is the input
        file: PathBuf,
    },
}

/// What only a run can tell stays as it is written. A template that is wrong is answered with ARM's error and the exit
/// code 1.
#[derive(Debug, Subcommand)]
pub(crate) enum Template {
    /// Print what the template comes to: {"resources": […], "outputs": {…}}, in the order of deployment.
    Expand(Source),
    /// Print the error, if there is one.
    Validate(Source),
    /// Print remarks on what works and should be changed.
    Lint(Lint),
}

#[derive(Debug, Args)]
pub(crate) struct Source {
    /// The template; linked templates are read from its folder
    #[arg(long, short = 't', value_name = "FILE")]
    pub(crate) template: PathBuf,
    /// The parameters: a parameter file, or {"name": value}
    #[arg(long, short = 'p', value_name = "FILE")]
    pub(crate) parameters: Option<PathBuf>,
    /// Where it would be deployed: {"subscriptionId", "resourceGroup", "tenantId", "deploymentName", "location"}
    #[arg(long, short = 'c', value_name = "FILE")]
    pub(crate) context: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// The template
    #[arg(long, short = 't', value_name = "FILE")]
    pub(crate) template: PathBuf,
    /// Print the remarks as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is wrong with a policy or its parameters is answered with ARM's error and the exit code 1.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Print what a policy does to a resource, which comparisons decided, and the resource after append and modify.
    Test(PolicyTest),
}

#[derive(Debug, Args)]
pub(crate) struct PolicyTest {
    /// The policy: a rule {"if", "then"}, a definition or its properties, a set, or an assignment
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// The resource, as a GET shows it or a PUT sends it
    #[arg(long, value_name = "FILE")]
    pub(crate) resource: PathBuf,
    /// The parameters: {"name": {"value": …}}, {"name": value}, or a parameter file
    #[arg(long, value_name = "FILE")]
    pub(crate) parameters: Option<PathBuf>,
    /// A folder with the definitions that a set or an assignment names
    #[arg(long, value_name = "DIR")]
    pub(crate) definitions: Vec<PathBuf>,
    /// A resource beside it that auditIfNotExists and deployIfNotExists look at
    #[arg(long, value_name = "FILE")]
    pub(crate) related: Vec<PathBuf>,
    /// What stands around the resource: {"resourceGroup", "subscription", "requestContext", "utcNow"}
    #[arg(long, value_name = "FILE")]
    pub(crate) context: Option<PathBuf>,
}

/// Each works beside a running server too.
#[derive(Debug, Subcommand)]
pub(crate) enum Access {
    /// Say who would gain or lose what, and which calls of the past would come out otherwise.
    WhatIf(WhatIf),
    /// Print the least role that allows what somebody did, as `az role definition create --role-definition` takes it.
    Suggest(Suggest),
}

#[derive(Debug, Args)]
pub(crate) struct WhatIf {
    /// A role assignment to make: ARM's body, or what `az role assignment list` prints
    #[arg(long = "assignment", value_name = "FILE")]
    pub(crate) assignments: Vec<PathBuf>,
    /// A role definition to make or change: ARM's body, or what `az role definition create` takes
    #[arg(long = "role-definition", value_name = "FILE")]
    pub(crate) role_definitions: Vec<PathBuf>,
    /// A group with the members it is to have: {"id": …, "members": […]}
    #[arg(long = "group", value_name = "FILE")]
    pub(crate) groups: Vec<PathBuf>,
    /// A deny assignment to make: ARM's body with its scope
    #[arg(long = "deny", value_name = "FILE")]
    pub(crate) denies: Vec<PathBuf>,
    /// The id of an assignment, a role definition or a deny assignment to delete; of a group its object id
    #[arg(long, value_name = "ID")]
    pub(crate) delete: Vec<String>,
    /// Where to look, with everything below
    #[arg(long, value_name = "SCOPE", default_value = "/")]
    pub(crate) scope: String,
    /// How many days of the log to look at
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub(crate) days: u32,
    /// How many entries to show
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) top: u32,
    /// Print the answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) data: Data,
}

#[derive(Debug, Args)]
pub(crate) struct Suggest {
    /// Whose uses: an object id, a user principal name or an application id
    #[arg(long, value_name = "PRINCIPAL")]
    pub(crate) who: String,
    /// How many days to look at
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub(crate) days: u32,
    /// Where to look, with everything below
    #[arg(long, value_name = "SCOPE", default_value = "/")]
    pub(crate) scope: String,
    /// Make a role for each scope, with what was done there
    #[arg(long)]
    pub(crate) by_scope: bool,
    /// What the role is to be called
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Print the whole answer as JSON: the roles, what they are made from, and the proof
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) data: Data,
}

/// It works beside a running server too, and ends with 0 for what is allowed, else with 1.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The decision's id, as the refusal carries it
    #[arg(value_name = "ID", conflicts_with_all = ["who", "can", "on", "at"])]
    pub(crate) decision: Option<Uuid>,
    /// Whom to ask about: an object id, a user principal name, an application id or a name
    #[arg(long, value_name = "PRINCIPAL", requires = "can")]
    pub(crate) who: Option<String>,
    /// The operation, such as Microsoft.Storage/storageAccounts/read
    #[arg(long, value_name = "ACTION", requires_all = ["who", "on"])]
    pub(crate) can: Option<String>,
    /// Where
    #[arg(long, value_name = "SCOPE", requires = "can")]
    pub(crate) on: Option<String>,
    /// The operation is a data action
    #[arg(long, requires = "can")]
    pub(crate) data_action: bool,
    /// As things were at a revision of the log, or at a time such as 2026-03-03T12:00:00Z
    #[arg(long, value_name = "REVISION|TIME", requires = "can")]
    pub(crate) at: Option<String>,
    /// Print the explanation as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) data: Data,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Recompute the hash chain of the log.
    Verify(Data),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Add a signing key, beside a running server too: it is published at once and signs later; the old key verifies until
    /// its last token is over.
    Rotate {
        #[command(flatten)]
        data: Data,
        /// Sign with the new key from now on
        #[arg(long)]
        at_once: bool,
        /// Remove the old keys as well: every token that was issued stops working now
        #[arg(long)]
        revoke: bool,
    },
    /// Say which keys there are and what each is for.
    List(Data),
}

/// Each works beside a running server too.
#[derive(Debug, Subcommand)]
pub(crate) enum Scim {
    /// Make a token and print it, once.
    Token {
        /// What it is called, such as the provider's name
        name: String,
        /// When it stops working, such as 2030-01-31T12:00:00Z [default: in a year]
        #[arg(long, value_name = "TIME")]
        ends: Option<jiff::Timestamp>,
        #[command(flatten)]
        data: Data,
    },
    /// Say which tokens there are.
    List(Data),
    /// Revoke a token: it is refused from now on.
    Revoke {
        /// The token's id, as `nave scim list` prints it
        id: String,
        #[command(flatten)]
        data: Data,
    },
}

/// Each works beside a running server too.
#[derive(Debug, Subcommand)]
pub(crate) enum Sso {
    /// Add the provider that a JSON file describes, or replace the one of the same id.
    Add {
        /// The file; docs/single-sign-on.md has examples
        file: PathBuf,
        #[command(flatten)]
        data: Data,
    },
    /// Say which providers there are.
    List(Data),
    /// Remove a provider: nobody signs in with it any more.
    Remove {
        /// The provider's id
        id: String,
        #[command(flatten)]
        data: Data,
    },
}

impl Data {
    /// The directory that was named, or the usual one.
    pub(crate) fn directory(&self) -> anyhow::Result<PathBuf> {
        match &self.directory {
            Some(directory) => Ok(std::path::absolute(directory)?),
            None => usual_directory(),
        }
    }
}

/// `nave` below `$XDG_DATA_HOME`, or below `~/.local/share`.
pub(crate) fn usual_directory() -> anyhow::Result<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let base = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")));
    base.map(|base| base.join("nave"))
        .ok_or_else(|| anyhow::anyhow!("name a data directory with `--data`: HOME is not set"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
