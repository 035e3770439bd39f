//! Makes a resource that a condition holds for, out of the condition: a mirror of the language that knows only how to please
//! it. What it finds is then judged by the language itself.

use nave_policy::Policy;
use nave_template::{Budget, Host, Written};
use serde_json::{Map, Value, json};

/// The condition with the values in the place of its parameters, where an expression is made of nothing else.
pub(crate) fn filled(value: &Value, parameters: &Map<String, Value>) -> Value {
    match value {
        Value::String(text) => match Written::read(text) {
            Ok(Written::Formula(formula)) => formula
                .evaluate(&Parameters(parameters), &Budget::of(1 << 20))
                .unwrap_or_else(|_| value.clone()),
            _ => value.clone(),
        },
        Value::Array(elements) => elements
            .iter()
            .map(|element| filled(element, parameters))
            .collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), filled(value, parameters)))
            .collect(),
        plain => plain.clone(),
    }
}

struct Parameters<'p>(&'p Map<String, Value>);

impl Host for Parameters<'_> {
    fn answers(&self, function: &str) -> bool {
        [
            "parameters",
            "field",
            "current",
            "subscription",
            "resourceGroup",
            "utcNow",
            "requestContext",
            "addDays",
        ]
        .iter()
        .any(|own| own.eq_ignore_ascii_case(function))
    }

    fn call(&self, function: &str, arguments: &[Value]) -> Result<Value, String> {
        let name = arguments.first().and_then(Value::as_str).unwrap_or_default();
        let found = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        match found {
            Some((_, value)) if function.eq_ignore_ascii_case("parameters") => Ok(value.clone()),
            _ => Err(String::from("not known yet")),
        }
    }
}

/// A resource that the policy holds for, if one can be found.
pub(crate) fn violating(
    policy: &Policy,
    condition: &Value,
    subject: &dyn Fn(&Value) -> bool,
) -> Option<Value> {
    let filled = filled(condition, &policy.parameters);
    let types = policy.types().map(<[String]>::to_vec).unwrap_or_default();
    let mut starts: Vec<String> = types_in(&filled)
        .into_iter()
        .filter(|one| types.is_empty() || types.contains(&one.to_lowercase()))
        .collect();
    starts.extend(
        policy
            .definition
            .aliases()
            .iter()
            .filter_map(|alias| Some(alias.rsplit_once('/')?.0.to_owned())),
    );
    starts.push(String::from("Microsoft.Storage/storageAccounts"));
    starts.push(String::from("Microsoft.Resources/subscriptions/resourceGroups"));
    for start in starts {
        let base = super::resource(&start, json!({"location": "eastus", "properties": {}}));
        for candidate in tries(&filled, true, &base, &start) {
            if subject(&candidate) {
                return Some(candidate);
            }
        }
    }
    None
}

fn types_in(condition: &Value) -> Vec<String> {
    match condition {
        Value::Object(members) => {
            let of_type = members.iter().any(|(name, value)| {
                name.eq_ignore_ascii_case("field")
                    && value
                        .as_str()
                        .is_some_and(|text| text.eq_ignore_ascii_case("type"))
            });
            let mut found = Vec::new();
            for (name, value) in members {
                match value {
                    Value::String(text) if of_type && name.eq_ignore_ascii_case("equals") => {
                        found.push(text.clone())
                    }
                    Value::String(text) if of_type && name.eq_ignore_ascii_case("like") => {
                        found.push(text.replace('*', "things"))
                    }
                    Value::Array(texts) if of_type && name.eq_ignore_ascii_case("in") => {
                        found.extend(texts.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    inside => found.extend(types_in(inside)),
                }
            }
            found
        }
        Value::Array(elements) => elements.iter().flat_map(types_in).collect(),
        _ => Vec::new(),
    }
}

/// Resources made from the base that make the condition come out as wanted, as far as can be told.
fn tries(condition: &Value, wanted: bool, base: &Value, kind: &str) -> Vec<Value> {
    const MOST: usize = 64;
    let Some(members) = condition.as_object() else {
        return Vec::new();
    };
    let get = |name: &str| {
        members
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    if let Some(inside) = get("not") {
        return tries(inside, !wanted, base, kind);
    }
    let list = |name: &str| get(name).and_then(Value::as_array);
    let (all, some) = (list("allOf"), list("anyOf"));
    if let Some(inside) = if wanted { all } else { some } {
        let mut bases = vec![base.clone()];
        for condition in inside {
            bases = bases
                .iter()
                .flat_map(|base| tries(condition, wanted, base, kind))
                .take(MOST)
                .collect();
        }
        return bases;
    }
    if let Some(inside) = if wanted { some } else { all } {
        return inside
            .iter()
            .flat_map(|condition| tries(condition, wanted, base, kind))
            .take(MOST)
            .collect();
    }
    leaf(members, wanted, base, kind)
}

fn leaf(members: &Map<String, Value>, wanted: bool, base: &Value, kind: &str) -> Vec<Value> {
    let sights = ["field", "value", "count"];
    let sight = members
        .iter()
        .find(|(key, _)| sights.iter().any(|sight| sight.eq_ignore_ascii_case(key)));
    let operator = members
        .iter()
        .find(|(key, _)| !sights.iter().any(|sight| sight.eq_ignore_ascii_case(key)));
    let (Some((sight, looked_at)), Some((operator, operand))) = (sight, operator) else {
        return Vec::new();
    };
    let operator = operator.to_lowercase();
    if sight.eq_ignore_ascii_case("value") {
        // a field that is looked at by a function
        let field = looked_at
            .as_str()
            .and_then(|text| text.strip_prefix("[field('"))
            .and_then(|text| text.strip_suffix("')]"));
        return match field {
            Some(field) => values(&operator, operand, wanted)
                .into_iter()
                .map(|value| written(base, field, value, kind))
                .collect(),
            None => vec![base.clone()],
        };
    }
    if sight.eq_ignore_ascii_case("count") {
        return counted(looked_at, &operator, operand, wanted, base, kind);
    }
    let field = looked_at.as_str().unwrap_or_default();
    let mut found: Vec<_> = values(&operator, operand, wanted)
        .into_iter()
        .map(|value| written(base, field, value, kind))
        .collect();
    found.push(base.clone());
    found
}

/// Values that make the comparison come out as wanted; null is none.
fn values(operator: &str, operand: &Value, wanted: bool) -> Vec<Value> {
    let (operator, wanted) = match operator.strip_prefix("not") {
        Some(operator) => (operator, !wanted),
        None => (operator, wanted),
    };
    let number = operand
        .as_f64()
        .or_else(|| operand.as_str().and_then(|text| text.parse().ok()));
    let first = operand
        .as_array()
        .and_then(|list| list.first())
        .unwrap_or(operand)
        .clone();
    match (operator, wanted) {
        ("equals" | "contains" | "in", true) => vec![first],
        ("exists", wanted) => {
            let there = operand == &json!(true)
                || operand
                    .as_str()
                    .is_some_and(|text| text.eq_ignore_ascii_case("true"));
            if there == wanted {
                vec![json!("something"), json!(["something"])]
            } else {
                vec![Value::Null]
            }
        }
        ("like", true) => vec![json!(operand.as_str().unwrap_or_default().replace('*', "x"))],
        ("match" | "matchinsensitively", true) => vec![json!(
            operand
                .as_str()
                .unwrap_or_default()
                .replace('#', "1")
                .replace(['?', '.'], "a")
        )],
        ("containskey", true) => vec![json!({operand.as_str().unwrap_or_default(): "x"})],
        ("less" | "lessorequals", true) | ("greater" | "greaterorequals", false) => match number {
            Some(number) => vec![json!(number - 1.0)],
            None => vec![json!("0001-01-02T00:00:00Z"), json!("!")],
        },
        ("greater" | "greaterorequals", true) | ("less" | "lessorequals", false) => match number {
            Some(number) => vec![json!(number + 1.0)],
            None => vec![json!("9998-01-01T00:00:00Z"), json!("zzzz")],
        },
        _ => vec![
            json!("other"),
            Value::Null,
            json!(true),
            json!(false),
            json!("http://other/x/y/z/a/b/c/d/e"),
        ],
    }
}

fn counted(
    count: &Value,
    operator: &str,
    operand: &Value,
    wanted: bool,
    base: &Value,
    kind: &str,
) -> Vec<Value> {
    let Some(members) = count.as_object() else {
        return Vec::new();
    };
    let get = |name: &str| {
        members
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    let number = operand
        .as_i64()
        .or_else(|| operand.as_str().and_then(|text| text.parse().ok()))
        .unwrap_or(0);
    let holds = |count: i64| {
        let (operator, sign) = match operator.strip_prefix("not") {
            Some(operator) => (operator, false),
            None => (operator, true),
        };
        let plain = match operator {
            "equals" => count == number,
            "less" => count < number,
            "lessorequals" => count <= number,
            "greater" => count > number,
            _ => count >= number,
        };
        (plain == sign) == wanted
    };
    let mut found = Vec::new();
    if holds(0) {
        found.push(base.clone());
        if let Some(filter) = get("where") {
            found.extend(tries(filter, false, base, kind));
        }
    }
    if let (true, Some(field)) = (holds(1), get("field").and_then(Value::as_str)) {
        let filtered = match get("where") {
            Some(filter) => tries(filter, true, base, kind),
            None => vec![base.clone()],
        };
        let bare = |resource: &Value| {
            read(resource, field, kind).is_none_or(|list| list.as_array().is_none_or(Vec::is_empty))
        };
        found.extend(filtered.into_iter().map(|one| {
            if bare(&one) {
                written(&one, field, json!("a/b/*/d"), kind)
            } else {
                one
            }
        }));
    }
    if let (true, Some(filter), Some(_)) = (holds(1), get("where"), get("value")) {
        found.extend(tries(filter, true, base, kind));
    }
    found
}

/// Where a field lies, as a path of names; `[*]` is the one element of an array.
fn path(field: &str, kind: &str) -> Option<Vec<String>> {
    let lower = field.to_lowercase();
    let tag = lower
        .strip_prefix("tags")
        .filter(|rest| rest.starts_with(['[', '.']));
    if tag.is_some() {
        let name = field[4..].trim_matches(['[', ']', '\'', '.']);
        return Some(vec![String::from("tags"), name.to_owned()]);
    }
    if !field.contains('/') {
        return Some(field.split('.').map(str::to_owned).collect());
    }
    let renamed = [
        (
            "microsoft.compute/imagepublisher",
            "storageProfile.imageReference.publisher",
        ),
        (
            "microsoft.compute/imageoffer",
            "storageProfile.imageReference.offer",
        ),
        ("microsoft.compute/imagesku", "storageProfile.imageReference.sku"),
        ("microsoft.compute/licensetype", "licenseType"),
        (
            "microsoft.storage/storageaccounts/enableblobencryption",
            "encryption.services.blob.enabled",
        ),
        (
            "microsoft.storage/storageaccounts/enablefileencryption",
            "encryption.services.file.enabled",
        ),
    ];
    let renamed = renamed
        .iter()
        .find(|(name, _)| *name == lower)
        .map(|(_, path)| *path);
    let below = match renamed {
        Some(path) => path,
        None => {
            let (of, below) = field.rsplit_once('/')?;
            of.eq_ignore_ascii_case(kind).then_some(below)?
        }
    };
    let below = below.replace("[*]", ".[*]");
    let is_root =
        ["sku", "kind", "identity", "plan", "zones"].contains(&below.split('.').next().unwrap_or_default());
    let start = (!is_root).then(|| String::from("properties"));
    Some(
        start
            .into_iter()
            .chain(below.split('.').map(str::to_owned))
            .collect(),
    )
}

fn read<'v>(resource: &'v Value, field: &str, kind: &str) -> Option<&'v Value> {
    let mut here = resource;
    for step in path(field.trim_end_matches("[*]"), kind)? {
        here = if step == "[*]" {
            here.get(0)?
        } else {
            here.get(&step)?
        };
    }
    Some(here)
}

fn written(base: &Value, field: &str, value: Value, kind: &str) -> Value {
    let mut resource = base.clone();
    if let Some(path) = path(field, kind) {
        put(&mut resource, &path, value);
    }
    resource
}

fn put(here: &mut Value, path: &[String], value: Value) {
    let Some((step, rest)) = path.split_first() else {
        *here = value;
        return;
    };
    if step == "[*]" {
        if !here.is_array() {
            *here = json!([null]);
        }
        put(&mut here[0], rest, value);
        return;
    }
    if !here.is_object() {
        *here = json!({});
    }
    let members = here.as_object_mut().expect("an object");
    let name = members
        .keys()
        .find(|key| key.eq_ignore_ascii_case(step))
        .cloned()
        .unwrap_or_else(|| step.clone());
    if rest.is_empty() && value.is_null() {
        members.shift_remove(&name);
    } else {
        put(members.entry(name).or_insert(Value::Null), rest, value);
    }
}
