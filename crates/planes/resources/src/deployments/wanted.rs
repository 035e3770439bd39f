//! What a deployment request asks for.
//!
//! It is read in two steps: [`Request`] is what the body says, [`Wanted`] has the template and the parameters that it
//! names by links.

use nave_arm::{ArmError, ErrorCode};
use nave_template::{Template, at_lines, parse};
use serde_json::{Map, Value, json};

use super::links::{Fetched, Link};

/// The longest request (template-language 1).
const LONGEST: usize = 4 * 1024 * 1024;

/// A request's body, read.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) template: Template,
    /// `{name: {"value": …}}`.
    pub(super) parameters: Map<String, Value>,
    pub(super) settings: Settings,
    /// The link the template came by.
    pub(super) template_link: Option<Link>,
    pub(super) parameters_link: Option<Link>,
    text: String,
}

/// Everything in a request besides the template and its parameters.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) mode: Mode,
    pub(super) location: Option<String>,
    pub(super) tags: Option<Value>,
    pub(super) level: Validation,
    pub(super) on_error: Option<OnError>,
    /// `debugSetting`. Contents are not kept whatever it says: they may hold secrets.
    pub(super) debug: Option<Value>,
    /// For what-if: whether only the kind of each change is wanted.
    pub(super) ids_only: bool,
}

/// What happens to what is not in the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It stays.
    Incremental,
    /// It is deleted.
    Complete,
}

/// How much is looked at before anything is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Validation {
    /// The template.
    Template,
    /// Each resource as well, and whether the caller may write it.
    Provider,
    /// Each resource as well; what the caller may not write is not held against the template.
    ProviderNoRbac,
}

/// What is deployed when a deployment fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OnError {
    /// The deployment of the scope that succeeded last.
    LastSuccessful,
    /// The deployment of this name.
    Specific(String),
}

impl Mode {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Incremental => "Incremental",
            Self::Complete => "Complete",
        }
    }
}

impl OnError {
    pub(super) fn shown(&self) -> Value {
        match self {
            Self::LastSuccessful => json!({ "type": "LastSuccessful" }),
            Self::Specific(name) => json!({ "type": "SpecificDeployment", "deploymentName": name }),
        }
    }
}

/// Where a template or its parameters are.
#[derive(Debug)]
enum Source {
    Here(Value),
    There(Link),
}

/// A request's body as it is written.
#[derive(Debug)]
pub(super) struct Request {
    template: Source,
    parameters: Source,
    settings: Settings,
    text: String,
}

impl Request {
    /// Reads a request. The command-line client sends what is not quite JSON (client contract 4).
    pub(super) fn of(request: &nave_engine::Request) -> Result<Self, ArmError> {
        if request.body.len() > LONGEST {
            return Err(ArmError::new(
                ErrorCode::RequestEntityTooLarge,
                format!(
                    "The request is {} bytes long; a deployment is at most 4 MB.",
                    request.body.len()
                ),
            ));
        }
        let text = String::from_utf8_lossy(&request.body).into_owned();
        if text.trim().is_empty() {
            return Err(invalid(
                "The request content is empty; a deployment needs 'properties.template'.",
            ));
        }
        Self::read(&parse(&text)?, text, None)
    }

    /// Reads a body, as a nested deployment has it. `base` is the address of the template around.
    pub(super) fn of_body(body: &Value, base: Option<&str>) -> Result<Self, ArmError> {
        Self::read(body, String::new(), base)
    }

    fn read(body: &Value, text: String, base: Option<&str>) -> Result<Self, ArmError> {
        let properties = body.get("properties").and_then(Value::as_object);
        let properties = properties
            .ok_or_else(|| invalid("A deployment needs the object 'properties'.").on("properties"))?;
        Ok(Self {
            template: template(properties, base)?,
            parameters: parameters(properties, base)?,
            settings: settings(body, properties)?,
            text,
        })
    }

    /// What is wanted, where nothing of it is fetched.
    pub(super) fn inline(self) -> Option<Result<Wanted, ArmError>> {
        match (&self.template, &self.parameters) {
            (Source::Here(template), Source::Here(parameters)) => {
                let (template, parameters) = (template.clone(), parameters.clone());
                Some(self.complete(&template, parameters))
            }
            _ => None,
        }
    }

    /// What is wanted, with what links lead to.
    pub(super) async fn fetched(self, fetched: &Fetched) -> Result<Wanted, ArmError> {
        let template = match &self.template {
            Source::Here(template) => template.clone(),
            Source::There(link) => fetched.get(link).await?,
        };
        let parameters = match &self.parameters {
            Source::Here(parameters) => parameters.clone(),
            // a parameter file wraps its parameters (template-language 4)
            Source::There(link) => fetched.get(link).await?["parameters"].take(),
        };
        self.complete(&template, parameters)
    }

    fn complete(self, template: &Value, parameters: Value) -> Result<Wanted, ArmError> {
        let template = Template::parse(template).map_err(|error| at_lines(error, &self.text, ""))?;
        let link = |source| match source {
            Source::There(link) => Some(link),
            Source::Here(_) => None,
        };
        Ok(Wanted {
            template,
            parameters: given(parameters)?,
            settings: self.settings,
            template_link: link(self.template),
            parameters_link: link(self.parameters),
            text: self.text,
        })
    }
}

impl Wanted {
    /// A body that asks for the same, with everything in it.
    pub(super) fn body(&self) -> Value {
        let Settings {
            mode,
            location,
            tags,
            on_error,
            debug,
            ..
        } = &self.settings;
        json!({
            "location": location,
            "tags": tags,
            "properties": {
                "template": self.template.document(),
                "parameters": self.parameters,
                "mode": mode.word(),
                "onErrorDeployment": on_error.as_ref().map(OnError::shown),
                "debugSetting": debug,
            },
        })
    }

    /// The template's `$schema`.
    pub(super) fn schema(&self) -> Option<&str> {
        self.template.document().get("$schema").and_then(Value::as_str)
    }

    /// Adds line and column of the request's text to an error that has a path.
    pub(super) fn located(&self, error: ArmError) -> ArmError {
        at_lines(error, &self.text, "")
    }
}

fn present<'p>(properties: &'p Map<String, Value>, name: &str) -> Option<&'p Value> {
    let found = properties.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value).filter(|value| !value.is_null())
}

fn template(properties: &Map<String, Value>, base: Option<&str>) -> Result<Source, ArmError> {
    match (
        present(properties, "template"),
        present(properties, "templateLink"),
    ) {
        (Some(_), Some(_)) => Err(
            invalid("A deployment has a 'template' or a 'templateLink', not both.").on("properties.template"),
        ),
        (Some(template), None) => Ok(Source::Here(template.clone())),
        (None, Some(link)) => Ok(Source::There(linked(link, "templateLink", base)?)),
        (None, None) => Err(invalid("A deployment needs 'properties.template'.").on("properties.template")),
    }
}

fn parameters(properties: &Map<String, Value>, base: Option<&str>) -> Result<Source, ArmError> {
    match (
        present(properties, "parameters"),
        present(properties, "parametersLink"),
    ) {
        (Some(Value::Object(given)), Some(_)) if !given.is_empty() => Err(invalid(
            "A deployment has 'parameters' or a 'parametersLink', not both.",
        )
        .on("properties.parameters")),
        (_, Some(link)) => Ok(Source::There(linked(link, "parametersLink", base)?)),
        (given, None) => Ok(Source::Here(given.cloned().unwrap_or_default())),
    }
}

fn linked(link: &Value, what: &str, base: Option<&str>) -> Result<Link, ArmError> {
    let members = link.as_object().ok_or_else(|| {
        invalid(&format!("'properties.{what}' must be an object.")).on(format!("properties.{what}"))
    })?;
    Link::read(members, what, base)
}

fn given(parameters: Value) -> Result<Map<String, Value>, ArmError> {
    let given = match parameters {
        Value::Null => Map::new(),
        Value::Object(given) => given,
        _ => {
            return Err(
                invalid("'properties.parameters' must be an object of objects with 'value'.")
                    .on("properties.parameters"),
            );
        }
    };
    match given.iter().find(|(_, entry)| entry.get("reference").is_some()) {
        Some((name, entry)) => Err(not_read(name, entry)),
        None => Ok(given),
    }
}

/// A secret of a vault as a parameter: the vaults of this server hold no secrets yet.
fn not_read(name: &str, entry: &Value) -> ArmError {
    let vault = entry.pointer("/reference/keyVault/id").and_then(Value::as_str);
    ArmError::new(
        ErrorCode::KeyVaultParameterReferenceSecretRetrieveFailed,
        format!(
            "The secret of the key vault parameter '{name}' cannot be retrieved from '{}': the vaults of this server hold \
             no secrets. Send the value itself as a secure parameter.",
            vault.unwrap_or_default()
        ),
    )
    .on(format!("properties.parameters.{name}"))
}

fn settings(body: &Value, properties: &Map<String, Value>) -> Result<Settings, ArmError> {
    let text = |name: &str| present(properties, name).and_then(Value::as_str);
    let what_if = present(properties, "whatIfSettings").and_then(|settings| settings.get("resultFormat"));
    let level = match text("validationLevel").map(str::to_lowercase).as_deref() {
        None | Some("provider") => Validation::Provider,
        Some("template") => Validation::Template,
        Some("providernorbac") => Validation::ProviderNoRbac,
        Some(_) => {
            return Err(invalid(
                "'properties.validationLevel' must be 'Template', 'Provider' or 'ProviderNoRbac'.",
            )
            .on("properties.validationLevel"));
        }
    };
    Ok(Settings {
        mode: mode(properties)?,
        location: body.get("location").and_then(Value::as_str).map(str::to_owned),
        tags: body.get("tags").filter(|tags| tags.is_object()).cloned(),
        level,
        on_error: on_error(properties)?,
        debug: debug(properties)?,
        ids_only: what_if
            .and_then(Value::as_str)
            .is_some_and(|word| word.eq_ignore_ascii_case("ResourceIdOnly")),
    })
}

fn mode(properties: &Map<String, Value>) -> Result<Mode, ArmError> {
    match present(properties, "mode").unwrap_or(&Value::Null) {
        Value::Null => Ok(Mode::Incremental),
        Value::String(word) if word.eq_ignore_ascii_case("Incremental") => Ok(Mode::Incremental),
        Value::String(word) if word.eq_ignore_ascii_case("Complete") => Ok(Mode::Complete),
        _ => Err(invalid("'properties.mode' must be 'Incremental' or 'Complete'.").on("properties.mode")),
    }
}

fn on_error(properties: &Map<String, Value>) -> Result<Option<OnError>, ArmError> {
    let Some(wanted) = present(properties, "onErrorDeployment") else {
        return Ok(None);
    };
    let name = wanted
        .get("deploymentName")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match wanted.get("type").and_then(Value::as_str).unwrap_or_default() {
        "LastSuccessful" if name.is_empty() => Ok(Some(OnError::LastSuccessful)),
        "SpecificDeployment" if !name.is_empty() => Ok(Some(OnError::Specific(name.to_owned()))),
        _ => Err(invalid(
            "'properties.onErrorDeployment' has the type 'LastSuccessful' and no 'deploymentName', or the type \
             'SpecificDeployment' and one.",
        )
        .on("properties.onErrorDeployment")),
    }
}

fn debug(properties: &Map<String, Value>) -> Result<Option<Value>, ArmError> {
    let Some(wanted) = present(properties, "debugSetting") else {
        return Ok(None);
    };
    let level = wanted
        .get("detailLevel")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let is_known = |word: &str| {
        ["", "none", "requestcontent", "responsecontent"].contains(&word.trim().to_lowercase().as_str())
    };
    if level.split(',').all(is_known) {
        return Ok(Some(json!({ "detailLevel": level })));
    }
    Err(invalid(
        "'properties.debugSetting.detailLevel' must be 'none', 'requestContent', 'responseContent' or both of these.",
    )
    .on("properties.debugSetting.detailLevel"))
}

fn invalid(message: &str) -> ArmError {
    ArmError::new(ErrorCode::InvalidRequestContent, message)
}
