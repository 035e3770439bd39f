//! Parameters for other people's templates: those of the file beside, else made up from what the template says about them.

use nave_testkit::{Person, TestServer};
use serde_json::{Map, Value, json};

/// `{name: {"value": …}}` for every parameter that needs one.
pub(super) fn parameters(
    template: &Value,
    beside: Option<&Value>,
    nave: &TestServer,
    admin: &Person,
    at: usize,
) -> Map<String, Value> {
    let maker = Maker {
        template,
        nave,
        admin,
        at,
    };
    let beside = beside.map(|file| file.get("parameters").unwrap_or(file));
    let mut given: Map<String, Value> = beside.and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, value) in &mut given {
        if value.get("reference").is_some() {
            *value = json!({"value": "Made-Up-7-Secret"});
        }
        maker.fill(name, value);
    }
    for (name, parameter) in template["parameters"].as_object().into_iter().flatten() {
        let has_default = parameter.get("defaultValue").is_some() || parameter["nullable"] == json!(true);
        let is_given = given.keys().any(|key| key.eq_ignore_ascii_case(name));
        if !has_default && !is_given {
            given.insert(name.clone(), json!({"value": maker.value(name, parameter)}));
        }
    }
    given
}

struct Maker<'m> {
    template: &'m Value,
    nave: &'m TestServer,
    admin: &'m Person,
    at: usize,
}

impl Maker<'_> {
    /// Puts something in place of the words that publishers replace in their own tests.
    fn fill(&self, name: &str, value: &mut Value) {
        match value {
            Value::String(text) if text.starts_with("GEN-") => *value = json!(self.generated(name, text)),
            Value::Array(elements) => elements.iter_mut().for_each(|element| self.fill(name, element)),
            Value::Object(members) => members.iter_mut().for_each(|(_, member)| self.fill(name, member)),
            _ => {}
        }
    }

    fn generated(&self, name: &str, word: &str) -> String {
        let length = word.rsplit('-').next().and_then(|digits| digits.parse().ok());
        match word {
            "GEN-PASSWORD" => String::from("Made-Up-7-Secret"),
            "GEN-GUID" | "GEN-AZUREAD-OBJECTID" => self.admin.id.to_string(),
            "GEN-KEYVAULT-SUBSCRIPTION-ID" => self.subscription(),
            "GEN-MANAGEMENTGROUP-NAME" => format!("mg{}", self.at),
            _ => self.unique(name, length.unwrap_or_else(|| self.longest(name).unwrap_or(10))),
        }
    }

    fn longest(&self, name: &str) -> Option<usize> {
        let length = self.template["parameters"][name]["maxLength"].as_u64()?;
        usize::try_from(length.min(10)).ok()
    }

    fn subscription(&self) -> String {
        self.nave
            .subscription()
            .trim_start_matches("/subscriptions/")
            .to_owned()
    }

    /// A name nobody else has, of this length: a letter, the number of the template, and what tells parameters apart.
    fn unique(&self, name: &str, length: usize) -> String {
        let sum: usize = name.bytes().map(usize::from).sum();
        let text = format!("u{sum}t{}abcdefghijklmnopqrstuvwxyz", self.at);
        text.chars().take(length.clamp(1, 24)).collect()
    }

    fn value(&self, name: &str, parameter: &Value) -> Value {
        let definition = parameter["$ref"]
            .as_str()
            .and_then(|text| text.strip_prefix("#/definitions/"));
        if let Some(definition) = definition {
            return self.value(name, &self.template["definitions"][definition]);
        }
        if let Some(first) = parameter["allowedValues"]
            .as_array()
            .and_then(|allowed| allowed.first())
        {
            return first.clone();
        }
        match parameter["type"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase()
            .as_str()
        {
            "int" => parameter.get("minValue").cloned().unwrap_or_else(|| json!(1)),
            "bool" => json!(false),
            "array" if name.to_lowercase().ends_with("mgs") => json!([format!("mg{}", self.at)]),
            "array" => json!([]),
            "object" | "secureobject" => self.object(parameter),
            "securestring" => json!("Made-Up-7-Secret"),
            _ => json!(self.text(name, parameter)),
        }
    }

    fn object(&self, schema: &Value) -> Value {
        let variants = schema["discriminator"]["mapping"].as_object();
        let chosen = variants.and_then(|mapping| mapping.iter().next());
        let tag = schema["discriminator"]["propertyName"]
            .as_str()
            .unwrap_or_default();
        let mut made = match chosen {
            Some((_, variant)) => self.value("", variant),
            None => json!({}),
        };
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let may_lack = member["nullable"] == json!(true);
            if !may_lack {
                made[name] = self.value(name, member);
            }
        }
        if let Some((word, _)) = chosen {
            made[tag] = json!(word);
        }
        made
    }

    /// A text that fits what the parameter is called.
    fn text(&self, name: &str, parameter: &Value) -> String {
        let lower = name.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        let group = format!("{}/resourceGroups/rg{}", self.nave.subscription(), self.at);
        if has(&["location", "region"]) {
            return String::from("eastus");
        }
        if has(&["principalid", "objectid", "userid", "clientid", "tenantid"]) {
            return self.admin.id.to_string();
        }
        if has(&["subscriptionid"]) {
            return self.subscription();
        }
        if has(&["resourcegroup"]) {
            return format!("rg{}", self.at);
        }
        if has(&["roledefinition"]) {
            return String::from("Reader");
        }
        if has(&["managementgroup"]) || lower.ends_with("mg") {
            return format!("mg{}", self.at);
        }
        if has(&["policydefinitionid", "policyassignmentid"]) {
            return String::from(
                "/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c",
            );
        }
        if lower.ends_with("id") {
            return format!(
                "{group}/providers/Microsoft.Storage/storageAccounts/{}",
                self.unique(name, 12)
            );
        }
        if has(&["url", "uri", "target"]) || lower.ends_with("endpoint") {
            return String::from("https://example.com/");
        }
        let bound = |name: &str| {
            parameter[name]
                .as_u64()
                .and_then(|length| usize::try_from(length).ok())
        };
        let most = bound("maxLength").unwrap_or(10).min(24);
        self.unique(name, bound("minLength").unwrap_or(0).max(10).min(most))
    }
}
