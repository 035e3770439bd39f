//! The operation catalogue, by provider and type (rbac-semantics 8.1). It is the same for everybody.

use std::collections::BTreeMap;

use http::Method;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Reply, Request,
    operation::{Access, Surface},
    rbac::{Catalogue, CatalogueOperation},
    route::{Call, Route},
};
use serde_json::{Value, json};

pub(crate) fn routes() -> Vec<Route> {
    let route = |path, handler: fn(Call) -> Result<Reply, ArmError>| {
        Route::new(
            Method::GET,
            path,
            Surface::Arm,
            Access::SignedIn,
            move |call| async move { handler(call) },
        )
    };
    vec![
        route("/providers/Microsoft.Authorization/providerOperations", list),
        route(
            "/providers/Microsoft.Authorization/providerOperations/{namespace}",
            get,
        ),
        route("/providers/{namespace}/operations", operations),
    ]
}

fn list(call: Call) -> Result<Reply, ArmError> {
    let expand = expands(&call.request);
    let value: Vec<Value> = Catalogue::built_in()
        .namespaces()
        .map(|namespace| view(namespace, expand))
        .collect();
    Ok(Reply::ok(json!({ "value": value })))
}

fn get(call: Call) -> Result<Reply, ArmError> {
    let namespace = known(call.params.get("namespace"))?;
    Ok(Reply::ok(view(namespace, expands(&call.request))))
}

/// The same operations in the form every provider lists its own in.
fn operations(call: Call) -> Result<Reply, ArmError> {
    let namespace = known(call.params.get("namespace"))?;
    let operations = Catalogue::built_in().operations_of(namespace);
    let value: Vec<Value> = operations
        .map(|operation| own_view(namespace, operation))
        .collect();
    Ok(Reply::ok(json!({ "value": value })))
}

fn known(asked: &str) -> Result<&'static str, ArmError> {
    let mut namespaces = Catalogue::built_in().namespaces();
    let known = namespaces.find(|namespace| namespace.eq_ignore_ascii_case(asked));
    known.ok_or_else(|| {
        ArmError::new(
            ErrorCode::InvalidResourceNamespace,
            format!("The operations of the resource provider '{asked}' are not known here."),
        )
    })
}

fn expands(request: &Request) -> bool {
    request
        .query("$expand")
        .is_some_and(|text| text.to_lowercase().contains("resourcetypes"))
}

fn view(namespace: &str, expand: bool) -> Value {
    let mut types: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let operations = if expand {
        Catalogue::built_in().operations_of(namespace).collect()
    } else {
        Vec::new()
    };
    for operation in operations {
        types
            .entry(resource_type(operation.name))
            .or_default()
            .push(operation_view(operation));
    }
    let provider = types.remove("").unwrap_or_default();
    json!({
        "id": format!("/providers/Microsoft.Authorization/providerOperations/{namespace}"),
        "name": namespace,
        "type": "Microsoft.Authorization/providerOperations",
        "displayName": namespace,
        "operations": provider,
        "resourceTypes": types.into_iter().map(|(name, operations)| {
            json!({ "name": name, "displayName": name, "operations": operations })
        }).collect::<Vec<_>>(),
    })
}

fn operation_view(operation: CatalogueOperation<'_>) -> Value {
    json!({
        "name": operation.name,
        "displayName": operation.name,
        "description": operation.name,
        "origin": "user,system",
        "properties": null,
        "isDataAction": operation.is_data_action,
    })
}

fn own_view(namespace: &str, operation: CatalogueOperation<'_>) -> Value {
    json!({
        "name": operation.name,
        "isDataAction": operation.is_data_action,
        "origin": "user,system",
        "display": {
            "provider": namespace,
            "resource": resource_type(operation.name),
            "operation": operation.name,
            "description": operation.name,
        },
    })
}

const ACTION: &str = "/action";

/// The type an operation is of: what stands between the namespace and the verb; of an action, its last two words
/// are the verb.
fn resource_type(operation: &str) -> &str {
    let (_, local) = operation.split_once('/').unwrap_or(("", operation));
    let action = local
        .len()
        .checked_sub(ACTION.len())
        .and_then(|at| local.split_at_checked(at));
    let verb = action
        .filter(|(_, end)| end.eq_ignore_ascii_case(ACTION))
        .map_or(local, |(verb, _)| verb);
    verb.rsplit_once('/').map_or("", |(kind, _)| kind)
}

#[cfg(test)]
mod tests {
    use super::{resource_type, view};

    #[test]
    fn an_operation_belongs_to_the_type_before_its_verb() {
        for (operation, kind) in [
            ("Microsoft.X/things/read", "things"),
            ("Microsoft.X/things/parts/write", "things/parts"),
            ("Microsoft.X/things/listKeys/action", "things"),
            ("Microsoft.X/things/start/Action", "things"),
            ("Microsoft.X/register/action", ""),
            ("Microsoft.X", ""),
        ] {
            assert_eq!(resource_type(operation), kind, "{operation}");
        }
    }

    #[test]
    fn types_come_only_when_asked_for() {
        let types = |expand| {
            view("Microsoft.Authorization", expand)["resourceTypes"]
                .as_array()
                .map_or(0, Vec::len)
        };
        assert_eq!(types(false), 0);
        assert!(types(true) > 5);
    }
}
