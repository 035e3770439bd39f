//! `nave policy test`: what policies do to a resource, from files alone, so that a pipeline can try them before they are
//! assigned.

mod around;
mod forms;
mod shelf;
mod verdict;

use std::path::Path;

use anyhow::Context as _;
use nave_arm::{ArmError, ErrorCode};
use nave_template::parse;
use serde_json::{Value, json};

use self::{around::Around, forms::assigned, shelf::Shelf, verdict::verdict};
use crate::{Outcome, cli::PolicyTest, say, template::given};

/// What the files say.
struct Input {
    policy: Value,
    resource: Value,
    parameters: Option<String>,
    related: Vec<Value>,
    context: Value,
    shelf: Shelf,
}

/// Tries a policy on a resource.
pub(crate) fn test(arguments: &PolicyTest) -> Outcome {
    let answer = read(arguments)?.and_then(|input| tried(&input));
    let is_right = answer.is_ok();
    say::line(format!(
        "{:#}",
        answer.unwrap_or_else(|error| json!({ "error": error.body() }))
    ));
    Ok(is_right)
}

/// The outer error is one of this program: a file that is not there. The inner one is of what is in it.
fn read(arguments: &PolicyTest) -> anyhow::Result<Result<Input, ArmError>> {
    let policy = text(&arguments.policy)?;
    let resource = text(&arguments.resource)?;
    let parameters = arguments.parameters.as_deref().map(text).transpose()?;
    let related = arguments
        .related
        .iter()
        .map(|file| text(file))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let context = arguments.context.as_deref().map(text).transpose()?;
    let shelf = Shelf::of(&arguments.definitions)?;
    let document = |name: &str, text: &str| {
        parse(text).map_err(|error| {
            ArmError::new(
                error.code,
                format!("The {name} cannot be read: {}", error.message),
            )
        })
    };
    let parsed = || {
        let related = related
            .iter()
            .map(|text| document("related resource", text))
            .collect::<Result<_, ArmError>>()?;
        Ok(Input {
            policy: document("policy", &policy)?,
            resource: document("resource", &resource)?,
            parameters,
            related,
            context: context
                .as_deref()
                .map_or(Ok(json!({})), |text| document("context", text))?,
            shelf,
        })
    };
    Ok(parsed())
}

fn tried(input: &Input) -> Result<Value, ArmError> {
    if !input.resource.is_object() {
        let message = "The resource must be a JSON object.";
        return Err(ArmError::new(ErrorCode::InvalidRequestContent, message));
    }
    let given = given::parameters(input.parameters.as_deref())?;
    let assignment = assigned(&input.policy, given, &input.shelf)?;
    let around = Around::of(&input.resource, &input.context)?;
    Ok(verdict(&assignment, &around, &input.related))
}

fn text(file: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    String::from_utf8(bytes).with_context(|| format!("`{}` is not text", file.display()))
}
