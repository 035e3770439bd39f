//! What a reviewer would say about a template that is right: the rules of the published linters, where they can be judged
//! from the template alone. Names of rules are theirs.

mod names;
mod resources;
mod secrets;
mod unused;

use std::fmt;

use nave_arm::ArmError;
use serde_json::{Value, json};

use crate::{
    expression::{Call, Expression, Reading, read},
    lenient::locate,
    nested,
    table::{member, same_name},
    template::{Parts, Template},
};

/// How much a remark matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The template is refused.
    Error,
    /// It works, and should be changed.
    Warning,
    /// A matter of taste.
    Info,
}

/// One remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The rule, such as `no-unused-params`; for an error ARM's code.
    pub rule: String,
    /// How much it matters.
    pub level: Level,
    /// The sentence.
    pub message: String,
    /// The JSON path in the template.
    pub path: String,
    /// Line and column, from 1, once [`Remark::at_line`] found them.
    pub place: Option<(usize, usize)>,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl Remark {
    fn new(rule: &str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            rule: rule.to_owned(),
            level: Level::Warning,
            message: message.into(),
            path: path.into(),
            place: None,
        }
    }

    fn slight(self) -> Self {
        Self {
            level: Level::Info,
            ..self
        }
    }

    /// The remark about a template that is refused.
    #[must_use]
    pub fn of_error(error: &ArmError) -> Self {
        let info = error.additional_info.iter().find_map(|entry| entry.get("info"));
        let path = info.and_then(|info| info["path"].as_str()).unwrap_or_default();
        let path = path.strip_prefix("properties.template").unwrap_or(path);
        let path = path.strip_prefix('.').unwrap_or(path);
        Self {
            level: Level::Error,
            ..Self::new(error.code.face().1, path, error.message.clone())
        }
    }

    /// Finds line and column in the template's text.
    #[must_use]
    pub fn at_line(self, text: &str) -> Self {
        Self {
            place: locate(text, &self.path),
            ..self
        }
    }

    /// `{rule, level, message, path, line?, column?}`.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = json!({
            "rule": self.rule, "level": self.level.word(), "message": self.message, "path": self.path,
        });
        if let Some((line, column)) = self.place {
            body["line"] = line.into();
            body["column"] = column.into();
        }
        body
    }
}

/// `:line:column: level rule: message (path)`, to stand behind the name of the file.
impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(
            f,
            ": {} {}: {} ({})",
            self.level.word(),
            self.rule,
            self.message,
            self.path
        )
    }
}

/// The remarks on a template and on those that stand in it, subject by subject.
#[must_use]
pub fn lint(template: &Template) -> Vec<Remark> {
    let mut remarks = Vec::new();
    look_at(&template.parts, "", &mut remarks);
    remarks
}

fn look_at(parts: &Parts, root: &str, remarks: &mut Vec<Remark>) {
    let sight = Sight::of(parts);
    let mut own = Vec::new();
    unused::look(&sight, &mut own);
    secrets::look(&sight, &mut own);
    names::look(&sight, &mut own);
    resources::look(&sight, &mut own);
    remarks.extend(own.into_iter().map(|remark| Remark {
        path: joined(root, &remark.path),
        ..remark
    }));
    for (path, template) in inner_templates(parts) {
        if let Ok(template) = Template::parse(template) {
            look_at(&template.parts, &joined(root, &path), remarks);
        }
    }
}

fn joined(root: &str, path: &str) -> String {
    match (root, path) {
        ("", path) => path.to_owned(),
        (root, "") => root.to_owned(),
        (root, path) => format!("{root}.{path}"),
    }
}

/// The nested templates that evaluate their own expressions, with their paths.
fn inner_templates(parts: &Parts) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for declaration in &parts.resources {
        let properties = declaration.members.get("properties").and_then(Value::as_object);
        let template = properties
            .filter(|properties| nested::is_inner_scoped(properties, parts.symbolic))
            .and_then(|properties| member(properties, "template"));
        found
            .extend(template.map(|template| (format!("{}.properties.template", declaration.path), template)));
    }
    found
}

/// A template's strings, read once, with their places.
struct Sight<'s> {
    parts: &'s Parts,
    strings: Vec<Seen<'s>>,
}

/// One string of a template.
struct Seen<'s> {
    path: String,
    text: &'s str,
    expression: Option<Expression>,
}

impl<'s> Sight<'s> {
    fn of(parts: &'s Parts) -> Self {
        let mut sight = Self {
            parts,
            strings: Vec::new(),
        };
        for (name, section) in parts.document.as_object().into_iter().flatten() {
            let is_read = ["parameters", "variables", "functions", "resources", "outputs"];
            if is_read.iter().any(|known| same_name(known, name)) {
                sight.collect(section, name.clone());
            }
        }
        sight
    }

    fn collect(&mut self, value: &'s Value, path: String) {
        match value {
            Value::String(text) => {
                let expression = match read(text) {
                    Ok(Reading::Expression(expression)) => Some(expression),
                    _ => None,
                };
                self.strings.push(Seen {
                    path,
                    text,
                    expression,
                });
            }
            Value::Array(elements) => {
                for (at, element) in elements.iter().enumerate() {
                    self.collect(element, format!("{path}[{at}]"));
                }
            }
            Value::Object(members) => {
                let inner = nested::is_inner_scoped(members, self.parts.symbolic);
                for (name, value) in members {
                    let is_other = inner && same_name(name, "template") || same_name(name, "metadata");
                    if !is_other {
                        // a name may be an expression too
                        self.collect_name(name, &path);
                        self.collect(value, step(&path, name));
                    }
                }
            }
            _ => {}
        }
    }

    fn collect_name(&mut self, name: &'s str, path: &str) {
        if let Ok(Reading::Expression(expression)) = read(name) {
            self.strings.push(Seen {
                path: path.to_owned(),
                text: name,
                expression: Some(expression),
            });
        }
    }

    /// The strings below a place.
    fn below<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Seen<'s>> {
        self.strings.iter().filter(move |seen| {
            seen.path
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }
}

impl Seen<'_> {
    fn calls(&self) -> Vec<&Call> {
        let mut found = Vec::new();
        if let Some(expression) = &self.expression {
            expression.each_call(&mut |call| found.push(call));
        }
        found
    }

    /// The literal first arguments of the calls of a function.
    fn named_by<'a>(&'a self, function: &'a str) -> impl Iterator<Item = &'a str> {
        let calls = self.calls().into_iter().filter(move |call| call.is(function));
        calls.filter_map(|call| call.arguments.first()?.as_literal())
    }
}

/// A path and one member more, as errors write it.
fn step(path: &str, name: &str) -> String {
    let plain = name
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '-'));
    if plain {
        format!("{path}.{name}")
    } else {
        format!("{path}['{name}']")
    }
}
