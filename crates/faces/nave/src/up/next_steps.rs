//! What to do with a server that is up: an address, a name, and lines ready to paste.

use std::path::Path;

use nave_server::setup::{Installation, Settings};
use nave_vault::Purpose;

use crate::{
    cli::{self, Data},
    demo::{CHAT, GROUP, HUB, Introduction, PROJECT, Played},
    env::quoted,
    say,
};

/// What there is to say it about.
pub(super) struct NextSteps<'a> {
    pub(super) installation: &'a Installation,
    pub(super) data: &'a Data,
    pub(super) bundle: &'a Path,
}

impl NextSteps<'_> {
    /// Prints it.
    pub(super) fn say(&self, played: Option<&Played>) -> anyhow::Result<()> {
        let Self {
            installation,
            data,
            bundle,
        } = self;
        let settings = &installation.settings;
        say::line(format!("\nnave is up at {}\n", settings.origin));
        say::line(format!(
            "  data           {}",
            installation.directory().path().display()
        ));
        say::line(format!("  trusted by     {}", bundle.display()));
        say::line(format!("  domain         {}", settings.domain));
        say::line(format!("  tenant         {}", settings.tenant));
        say::line(format!("  subscription   {}", settings.subscription));
        people(installation, played);
        let program = program();
        let option = data_option(installation, data)?;
        say::line(format!(
            "\nIn the shell of any client, first:\n\n  eval \"$({program} env{option})\""
        ));
        az(settings);
        match played {
            Some(_) => demo_clients(settings),
            None => first_hub(settings),
        }
        say::line("\nCtrl-C ends it; `nave up` on the same data goes on.");
        Ok(())
    }
}

fn people(installation: &Installation, played: Option<&Played>) {
    say::line(format!(
        "  administrator  {}",
        installation.settings.administrator
    ));
    if let (Some(password), None) = (&installation.first_password, played) {
        say::line(format!(
            "  password       {}   (shown this once)",
            password.expose(&Purpose::ListSecrets)
        ));
    }
    if let Some(played) = played {
        say::line("\nThe people of the demo and their passwords:\n");
        for Introduction { upn, job, password } in &played.people {
            say::line(format!("  {upn:<24} {password:<22} {job}"));
        }
    }
}

fn az(settings: &Settings) {
    say::line(format!(
        "\naz:\n\n  az cloud set --name nave\n  {}\n  az group list --output table",
        sign_in(&settings.administrator, settings)
    ));
}

fn sign_in(upn: &str, settings: &Settings) -> String {
    format!("az login --username {upn} --tenant {}", settings.tenant)
}

fn demo_clients(settings: &Settings) {
    let Settings {
        subscription,
        origin,
        domain,
        ..
    } = settings;
    say::line(format!(
        "\nazure-ai-ml, as whoever is signed in with az (Python):\n
  from azure.ai.ml import MLClient
  from azure.identity import AzureCliCredential
  ml = MLClient(AzureCliCredential(), \"{subscription}\", \"{GROUP}\", \"{HUB}\")
  print([workspace.name for workspace in ml.workspaces.list()])"
    ));
    say::line(format!(
        "\nopenai, through the project's shared connection. An Owner manages models and may not call them, so first:\n
  {}\n\nand then (Python):\n
  from azure.identity import AzureCliCredential, get_bearer_token_provider
  from openai import OpenAI
  token = get_bearer_token_provider(AzureCliCredential(), \"https://ai.azure.com/.default\")
  client = OpenAI(base_url=\"{origin}/api/projects/{PROJECT}/openai/v1\", api_key=token())
  answer = client.chat.completions.create(model=\"{CHAT}\", messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}])
  print(answer.choices[0].message.content)",
        sign_in(&format!("developer@{domain}"), settings)
    ));
}

fn first_hub(settings: &Settings) {
    let Settings {
        subscription, origin, ..
    } = settings;
    say::line(format!(
        "\nazure-ai-ml, as whoever is signed in with az (Python, after `az group create --name my-group --location eastus`):\n
  from azure.ai.ml import MLClient
  from azure.ai.ml.entities import Hub, Project
  from azure.identity import AzureCliCredential
  ml = MLClient(AzureCliCredential(), \"{subscription}\", \"my-group\")
  hub = ml.workspaces.begin_create(Hub(name=\"my-hub\", location=\"eastus\")).result()
  ml.workspaces.begin_create(Project(name=\"my-project\", hub_id=hub.id)).result()"
    ));
    say::line(format!(
        "\nopenai, once the hub has a connection to a model account and you are Azure AI Developer on the project (Python):\n
  from azure.identity import AzureCliCredential, get_bearer_token_provider
  from openai import OpenAI
  token = get_bearer_token_provider(AzureCliCredential(), \"https://ai.azure.com/.default\")
  client = OpenAI(base_url=\"{origin}/api/projects/my-project/openai/v1\", api_key=token())"
    ));
}

/// This program, as a shell finds it.
fn program() -> String {
    std::env::current_exe().map_or_else(
        |_| String::from("nave"),
        |path| quoted(&path.display().to_string()),
    )
}

/// The option that names the data directory, where it is not the usual one.
fn data_option(installation: &Installation, data: &Data) -> anyhow::Result<String> {
    let path = installation.directory().path();
    let is_usual = data.directory.is_none() && path == cli::usual_directory()?;
    Ok(if is_usual {
        String::new()
    } else {
        format!(" --data {}", quoted(&path.display().to_string()))
    })
}
