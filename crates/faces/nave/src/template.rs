//! `nave template`: what a template comes to, whether it is right, and what a reviewer would say, all from files alone.

mod context;
mod folder;
pub(crate) mod given;

use std::path::Path;

use anyhow::Context as _;
use nave_arm::{ArmError, ErrorCode};
use nave_template::{Chance, Expansion, Offline, Template, at_lines, parse};
use serde_json::json;
use uuid::Uuid;

use self::{context::Context, folder::Folder};
use crate::{
    Outcome,
    cli::{self, Lint, Source},
    say,
};

/// Runs one of the commands.
pub(crate) fn run(command: &cli::Template) -> Outcome {
    match command {
        cli::Template::Expand(source) => told(expanded(source)?, |expansion| {
            say::line(format!("{:#}", expansion.body()));
        }),
        cli::Template::Validate(source) => told(expanded(source)?, drop),
        cli::Template::Lint(arguments) => lint(arguments),
    }
}

/// Says what came out, or ARM's envelope of the error.
fn told<T>(result: Result<T, ArmError>, say_it: impl FnOnce(T)) -> Outcome {
    let is_right = result.is_ok();
    match result {
        Ok(value) => say_it(value),
        Err(error) => say::line(format!("{:#}", json!({ "error": error.body() }))),
    }
    Ok(is_right)
}

/// Random guids, as a deployment would make them.
struct Random;

impl Chance for Random {
    fn new_guid(&self) -> Uuid {
        Uuid::new_v4()
    }
}

/// The outer error is one of this program: a file that is not there. The inner one is the template's.
fn expanded(source: &Source) -> anyhow::Result<Result<Expansion, ArmError>> {
    let text = read(&source.template)?;
    let parameters = source.parameters.as_deref().map(read).transpose()?;
    let context = source.context.as_deref().map(read).transpose()?;
    let folder = Folder::of(&source.template)?;
    Ok(expand(&text, parameters.as_deref(), context.as_deref(), &folder))
}

fn expand(
    text: &str,
    parameters: Option<&str>,
    context: Option<&str>,
    folder: &Folder,
) -> Result<Expansion, ArmError> {
    let document = document(text)?;
    let given = given::parameters(parameters)?;
    let scope = Context::read(context)?.scope(&document, folder);
    let offline = Offline {
        links: folder,
        chance: &Random,
    };
    let template = Template::parse(&document);
    let expansion = template.and_then(|template| offline.expand(&template, scope, &given));
    expansion.map_err(|error| at_lines(error, text, "properties.template"))
}

fn document(text: &str) -> Result<serde_json::Value, ArmError> {
    parse(text).map_err(|error| {
        let message = format!("Deployment template parse failed: {}", error.message);
        ArmError::new(ErrorCode::InvalidTemplate, message)
    })
}

/// Remarks on a template. It fails only where the template itself is wrong.
fn lint(arguments: &Lint) -> Outcome {
    let text = read(&arguments.template)?;
    let document = document(&text);
    let template = document.and_then(|document| Template::parse(&document));
    let remarks = match &template {
        Ok(template) => nave_template::lint(template),
        Err(error) => vec![nave_template::Remark::of_error(error)],
    };
    let remarks: Vec<_> = remarks.into_iter().map(|remark| remark.at_line(&text)).collect();
    if arguments.json {
        let bodies: Vec<_> = remarks.iter().map(nave_template::Remark::body).collect();
        say::line(format!("{:#}", json!(bodies)));
    } else {
        let file = arguments.template.display();
        remarks
            .iter()
            .for_each(|remark| say::line(format!("{file}{remark}")));
    }
    Ok(template.is_ok())
}

fn read(file: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    String::from_utf8(bytes).with_context(|| format!("`{}` is not text", file.display()))
}
