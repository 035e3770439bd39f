//! Templates given back: the template of a deployment as it was sent, and the hash of any.

use http::Method;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route, Target},
};
use nave_template::{Template, parse};
use serde_json::{Value, json};

use super::{
    levels::{self, at_all_scopes},
    operations::find,
    wanted::Wanted,
};

pub(super) fn routes() -> Vec<Route> {
    let paths = at_all_scopes!("/providers/Microsoft.Resources/deployments/{name}/exportTemplate");
    let export = paths.map(|path| {
        let access = Access::action("Microsoft.Resources/deployments/exportTemplate/action");
        let route = Route::new(Method::POST, path, Surface::Arm, access, export);
        route.about(|_, _, params| levels::deployment(params).map(Target::from))
    });
    let path = "/providers/Microsoft.Resources/calculateTemplateHash";
    let hash = Route::new(Method::POST, path, Surface::Arm, Access::SignedIn, hash);
    export.into_iter().chain([hash]).collect()
}

async fn export(call: Call) -> Result<Reply, ArmError> {
    let row = find(&call)?;
    match row.own.get("template") {
        Some(template) => Ok(Reply::ok(json!({ "template": template }))),
        None => Err(ArmError::new(
            ErrorCode::Conflict,
            match row.own["within"].as_str() {
                Some(outer) => format!(
                    "The template of the deployment '{}' is a part of that of '{outer}', which can be exported.",
                    row.id.name()
                ),
                None => format!("The template of the deployment '{}' was not kept.", row.id.name()),
            },
        )),
    }
}

async fn hash(call: Call) -> Result<Reply, ArmError> {
    let text = String::from_utf8_lossy(&call.request.body);
    let template = Template::parse(&parse(&text)?)?;
    Ok(Reply::ok(json!({
        "minifiedTemplate": template.document().to_string(), "templateHash": template.hash(),
    })))
}

/// The template of a deployment that was asked for, to be kept.
pub(super) fn of_root(wanted: &Wanted) -> Value {
    without_secrets(wanted.template.document().clone())
}

/// The template of a deployment that another one made, where it is as it was written. With outer scope it holds what
/// its expressions came to, secure parameters among them, and is not kept.
pub(super) fn of_inner(body: &Value, wanted: &Wanted) -> Option<Value> {
    let scope = body
        .pointer("/properties/expressionEvaluationOptions/scope")
        .and_then(Value::as_str);
    let is_inner = scope.is_some_and(|scope| scope.eq_ignore_ascii_case("inner"));
    (is_inner || wanted.template_link.is_some()).then(|| of_root(wanted))
}

/// A template without the values that it gives secure parameters: their defaults, and what it hands to templates
/// inside it.
fn without_secrets(mut template: Value) -> Value {
    let secure = secure_parameters(&template);
    if let Some(parameters) = template.get_mut("parameters").and_then(Value::as_object_mut) {
        for (_, parameter) in parameters.iter_mut().filter(|(name, _)| secure.contains(name)) {
            if let Some(parameter) = parameter.as_object_mut() {
                parameter.shift_remove("defaultValue");
            }
        }
    }
    match template.get_mut("resources") {
        Some(Value::Array(resources)) => resources.iter_mut().for_each(without_secrets_inside),
        Some(Value::Object(resources)) => resources.values_mut().for_each(without_secrets_inside),
        _ => {}
    }
    template
}

fn without_secrets_inside(resource: &mut Value) {
    if let Some(Value::Array(children)) = resource.get_mut("resources") {
        children.iter_mut().for_each(without_secrets_inside);
    }
    let Some(properties) = resource.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    let Some(template) = properties
        .get_mut("template")
        .filter(|template| template.is_object())
    else {
        return;
    };
    *template = without_secrets(template.take());
    let secure = secure_parameters(template);
    let given = properties.get_mut("parameters").and_then(Value::as_object_mut);
    for (_, given) in given
        .into_iter()
        .flatten()
        .filter(|(name, _)| secure.contains(name))
    {
        let is_expression = |value: &Value| value.as_str().is_some_and(|text| text.starts_with('['));
        if let Some(entry) = given.as_object_mut()
            && !entry.get("value").is_some_and(is_expression)
        {
            entry.shift_remove("value");
        }
    }
}

fn secure_parameters(template: &Value) -> Vec<String> {
    let parameters = template.get("parameters").and_then(Value::as_object);
    let is_secure = |parameter: &Value| {
        let kind = parameter.get("type").and_then(Value::as_str).unwrap_or_default();
        kind.to_lowercase().starts_with("secure")
    };
    let secure = parameters
        .into_iter()
        .flatten()
        .filter(|(_, parameter)| is_secure(parameter));
    secure.map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::without_secrets;

    #[test]
    fn what_is_secure_is_not_given_back() {
        let inner =
            json!({"parameters": {"p": {"type": "secureString", "defaultValue": "S2"}}, "resources": []});
        let template = json!({
            "parameters": {"s": {"type": "SecureString", "defaultValue": "S1"}, "o": {"type": "string", "defaultValue": "x"}},
            "resources": [{"type": "Microsoft.Resources/deployments", "properties": {
                "template": inner, "parameters": {"p": {"value": "S3"}, "q": {"value": "[parameters('s')]"}}}}],
        });
        let text = without_secrets(template).to_string();
        assert!(
            !["S1", "S2", "S3"].iter().any(|secret| text.contains(secret)),
            "{text}"
        );
        assert!(
            text.contains("\"defaultValue\":\"x\"") && text.contains("[parameters('s')]"),
            "{text}"
        );
    }
}
