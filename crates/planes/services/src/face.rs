//! What GET adds to what a client sent: defaults where the body is silent, facts whatever the body says.

use nave_engine::{Resource, fill};
use serde_json::{Value, json};

/// The envelope with `defaults` among the properties where there are none, and `facts` in any case: a client that
/// sends back what it read has no say in them.
pub(crate) fn shown(resource: &Resource, defaults: &Value, facts: Value) -> Value {
    let mut body = resource.envelope();
    fill(&mut body, &json!({ "properties": defaults }));
    let properties = body.get_mut("properties").and_then(Value::as_object_mut);
    if let (Some(properties), Value::Object(facts)) = (properties, facts) {
        properties.extend(facts);
    }
    body
}
