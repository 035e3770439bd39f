//! OpenAPI 2.0 schemas as JSON Schema: references gathered into one document, discriminators as conditions, and what only
//! the OpenAPI dialect says about null, secrets and write-only members.

use std::collections::{BTreeMap, HashMap};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use super::documents::{Documents, target};

/// Makes validators, each once.
pub(crate) struct Schemas<'d> {
    documents: &'d Documents,
    /// The definitions that are `allOf` another one: by file and pointer, their word, file and pointer.
    children: HashMap<Place, Vec<(String, Place)>>,
    made: HashMap<String, Validator>,
}

type Place = (String, String);

/// A schema on its way: what it refers to and has not been written yet.
struct Writer<'s> {
    documents: &'s Documents,
    children: &'s HashMap<Place, Vec<(String, Place)>>,
    names: BTreeMap<(Place, Form), String>,
    wanted: Vec<(Place, Form)>,
}

/// A definition as others mean it, or as those mean it that extend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// With all that its discriminator leads to.
    Whole,
    /// Its own members.
    Base,
}

impl<'d> Schemas<'d> {
    pub(crate) fn new(documents: &'d Documents) -> Self {
        let mut children: HashMap<Place, Vec<(String, Place)>> = HashMap::new();
        for (file, document) in &documents.files {
            for (name, definition) in document["definitions"].as_object().into_iter().flatten() {
                let place = (file.clone(), format!("/definitions/{name}"));
                let word = definition["x-ms-discriminator-value"].as_str().unwrap_or(name);
                for base in definition["allOf"].as_array().into_iter().flatten() {
                    if let Some(reference) = base["$ref"].as_str() {
                        let base = target(file, reference);
                        children
                            .entry(base)
                            .or_default()
                            .push((word.to_owned(), place.clone()));
                    }
                }
            }
        }
        Self {
            documents,
            children,
            made: HashMap::new(),
        }
    }

    /// What is wrong with a body by a schema of a file: the place in it, and the rule it breaks.
    pub(crate) fn faults(&mut self, file: &str, schema: &Value, body: &Value) -> Vec<(String, String)> {
        let key = format!("{file} {schema}");
        if !self.made.contains_key(&key) {
            let whole = self.document(file, schema);
            let validator = jsonschema::options()
                .with_draft(Draft::Draft7)
                .should_validate_formats(true)
                .build(&whole)
                .unwrap_or_else(|error| panic!("the schema {key} cannot be used: {error}"));
            self.made.insert(key.clone(), validator);
        }
        let errors = self.made[&key].iter_errors(body);
        errors
            .map(|error| (error.instance_path().to_string(), error.to_string()))
            .collect()
    }

    fn document(&self, file: &str, schema: &Value) -> Value {
        let mut writer = Writer {
            documents: self.documents,
            children: &self.children,
            names: BTreeMap::new(),
            wanted: Vec::new(),
        };
        let mut whole = writer.written(file, schema, Form::Whole);
        let mut definitions = Map::new();
        while let Some((place, form)) = writer.wanted.pop() {
            let name = writer.names[&(place.clone(), form)].clone();
            definitions.insert(name, writer.definition(&place, form));
        }
        if whole.is_object() {
            whole = json!({ "allOf": [whole], "definitions": definitions });
        }
        whole
    }
}

impl Writer<'_> {
    fn reference(&mut self, place: Place, form: Form) -> Value {
        let count = self.names.len();
        let key = (place, form);
        let wanted = &mut self.wanted;
        let name = self.names.entry(key.clone()).or_insert_with(|| {
            wanted.push(key);
            format!("d{count}")
        });
        json!({ "$ref": format!("#/definitions/{name}") })
    }

    fn definition(&mut self, place: &Place, form: Form) -> Value {
        let (file, pointer) = place;
        let definition = self.documents.files[file]
            .pointer(pointer)
            .unwrap_or_else(|| panic!("no {pointer} in {file}"));
        let discriminator = definition["discriminator"].as_str();
        match (form, discriminator) {
            (Form::Whole, Some(member)) => {
                let mut parts = vec![self.reference(place.clone(), Form::Base)];
                for (word, child) in self.descendants(place) {
                    let then = self.reference(child, Form::Base);
                    let properties = json!({ member: { "const": word } });
                    parts.push(
                        json!({ "if": { "properties": properties, "required": [member] }, "then": then }),
                    );
                }
                json!({ "allOf": parts })
            }
            _ => self.written(&file.clone(), definition, Form::Base),
        }
    }

    fn descendants(&self, place: &Place) -> Vec<(String, Place)> {
        let own = self.children.get(place).cloned().unwrap_or_default();
        let below = own.iter().flat_map(|(_, child)| self.descendants(child));
        own.iter().cloned().chain(below).collect()
    }

    /// A schema of a file, rewritten. `form` is what `allOf` of it refers to.
    fn written(&mut self, file: &str, schema: &Value, form: Form) -> Value {
        let Some(members) = schema.as_object() else {
            return json!(true);
        };
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            let whole = self.reference(target(file, reference), Form::Whole);
            return nullable(schema, whole);
        }
        let mut out = Map::new();
        for (name, value) in members {
            match name.as_str() {
                "allOf" => {
                    let parts = value.as_array().into_iter().flatten();
                    let parts: Vec<Value> = parts.map(|part| self.part(file, part, form)).collect();
                    out.insert(name.clone(), parts.into());
                }
                "properties" => {
                    let properties = value.as_object().into_iter().flatten();
                    let properties = properties
                        .map(|(name, one)| (name.clone(), self.written(file, one, Form::Whole)))
                        .collect();
                    out.insert(name.clone(), Value::Object(properties));
                }
                "items" | "additionalProperties" if value.is_object() => {
                    out.insert(name.clone(), self.written(file, value, Form::Whole));
                }
                "required" => {
                    out.insert(name.clone(), self.shown(file, members, value));
                }
                "exclusiveMinimum" | "exclusiveMaximum" => {}
                // what it extends has members of its own
                "additionalProperties" if members.contains_key("allOf") => {}
                "type" if value == "file" => {}
                // an object of no shape stands for anything
                "type" if value == "object" && is_shapeless(members) => {}
                "type"
                | "enum"
                | "format"
                | "pattern"
                | "minimum"
                | "maximum"
                | "minLength"
                | "maxLength"
                | "minItems"
                | "maxItems"
                | "uniqueItems"
                | "additionalProperties" => {
                    out.insert(name.clone(), value.clone());
                }
                _ => {}
            }
        }
        nullable(schema, Value::Object(out))
    }

    fn part(&mut self, file: &str, part: &Value, _: Form) -> Value {
        match part["$ref"].as_str() {
            Some(reference) => self.reference(target(file, reference), Form::Base),
            None => self.written(file, part, Form::Base),
        }
    }

    /// What is required of an answer: not what is only ever sent.
    fn shown(&self, file: &str, schema: &Map<String, Value>, required: &Value) -> Value {
        let names = required.as_array().into_iter().flatten();
        let is_shown = |name: &&Value| {
            let property = schema
                .get("properties")
                .and_then(|properties| properties.get(name.as_str()?));
            property.is_none_or(|property| {
                let (_, target) = self.documents.follow(file, property);
                [property, target].iter().all(|one| {
                    let mutability = one["x-ms-mutability"].as_array();
                    one["x-ms-secret"] != true
                        && mutability.is_none_or(|words| words.iter().any(|word| word == "read"))
                })
            })
        };
        names.filter(is_shown).cloned().collect()
    }
}

fn is_shapeless(schema: &Map<String, Value>) -> bool {
    ["properties", "additionalProperties", "allOf"]
        .iter()
        .all(|name| !schema.contains_key(*name))
}

fn nullable(schema: &Value, written: Value) -> Value {
    if schema["x-nullable"] != true {
        return written;
    }
    json!({ "anyOf": [{ "type": "null" }, written] })
}
