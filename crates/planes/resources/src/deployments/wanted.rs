//! What a deployment request asks for.

use nave_arm::{ArmError, ErrorCode};
use nave_engine::Request;
use nave_template::{Template, locate, parse};
use serde_json::{Map, Value, json};

/// A request's body, read.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) template: Template,
    /// `{name: {"value": …}}`.
    pub(super) parameters: Map<String, Value>,
    pub(super) mode: Mode,
    pub(super) location: Option<String>,
    pub(super) tags: Option<Value>,
    /// For what-if: whether only the kind of each change is wanted.
    pub(super) ids_only: bool,
    text: String,
}

/// What happens to what is not in the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It stays.
    Incremental,
    /// It is deleted.
    Complete,
}

impl Mode {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Incremental => "Incremental",
            Self::Complete => "Complete",
        }
    }
}

impl Wanted {
    /// Reads a request. The command-line client sends what is not quite JSON (client contract 4).
    pub(super) fn of(request: &Request) -> Result<Self, ArmError> {
        let text = String::from_utf8_lossy(&request.body).into_owned();
        if text.trim().is_empty() {
            return Err(invalid(
                "The request content is empty; a deployment needs 'properties.template'.",
            ));
        }
        Self::read(&parse(&text)?, text)
    }

    /// Reads a body, as a nested deployment has it.
    pub(super) fn of_body(body: &Value) -> Result<Self, ArmError> {
        Self::read(body, String::new())
    }

    fn read(body: &Value, text: String) -> Result<Self, ArmError> {
        let properties = body.get("properties").and_then(Value::as_object);
        let properties = properties
            .ok_or_else(|| invalid("A deployment needs the object 'properties'.").on("properties"))?;
        for link in ["templateLink", "parametersLink"] {
            if properties.get(link).is_some_and(|link| !link.is_null()) {
                return Err(ArmError::new(
                    ErrorCode::InvalidContentLink,
                    format!("This server fetches nothing for '{link}'; send the content itself."),
                )
                .on(format!("properties.{link}")));
            }
        }
        let template = properties.get("template").filter(|template| !template.is_null());
        let template = template
            .ok_or_else(|| invalid("A deployment needs 'properties.template'.").on("properties.template"))?;
        let template = Template::parse(template).map_err(|error| located(error, &text))?;
        let what_if = properties
            .get("whatIfSettings")
            .and_then(|settings| settings.get("resultFormat"));
        Ok(Self {
            template,
            parameters: parameters(properties)?,
            mode: mode(properties)?,
            location: body.get("location").and_then(Value::as_str).map(str::to_owned),
            tags: body.get("tags").filter(|tags| tags.is_object()).cloned(),
            ids_only: what_if
                .and_then(Value::as_str)
                .is_some_and(|word| word.eq_ignore_ascii_case("ResourceIdOnly")),
            text,
        })
    }

    /// Adds line and column of the request's text to an error that has a path.
    pub(super) fn located(&self, error: ArmError) -> ArmError {
        located(error, &self.text)
    }
}

fn located(mut error: ArmError, text: &str) -> ArmError {
    for info in error
        .additional_info
        .iter_mut()
        .filter_map(|entry| entry.get_mut("info"))
    {
        let place = info["path"].as_str().and_then(|path| locate(text, path));
        if let Some((line, column)) = place {
            info["lineNumber"] = json!(line);
            info["linePosition"] = json!(column);
        }
    }
    error
}

fn parameters(properties: &Map<String, Value>) -> Result<Map<String, Value>, ArmError> {
    match properties.get("parameters") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(parameters)) => Ok(parameters.clone()),
        Some(_) => Err(
            invalid("'properties.parameters' must be an object of objects with 'value'.")
                .on("properties.parameters"),
        ),
    }
}

fn mode(properties: &Map<String, Value>) -> Result<Mode, ArmError> {
    match properties.get("mode").unwrap_or(&Value::Null) {
        Value::Null => Ok(Mode::Incremental),
        Value::String(word) if word.eq_ignore_ascii_case("Incremental") => Ok(Mode::Incremental),
        Value::String(word) if word.eq_ignore_ascii_case("Complete") => Ok(Mode::Complete),
        _ => Err(invalid("'properties.mode' must be 'Incremental' or 'Complete'.").on("properties.mode")),
    }
}

fn invalid(message: &str) -> ArmError {
    ArmError::new(ErrorCode::InvalidRequestContent, message)
}
