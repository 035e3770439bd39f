//! What the deployment knows of itself and its surroundings, and the ids made from it.

use nave_arm::ResourceId;
use serde_json::{Map, Value, json};

use super::{
    Function, MANY,
    arguments::{Given, text},
    placed, pure,
};
use crate::{
    evaluator::Evaluator,
    fault::{Halt, Outcome},
    scope::management_group_id,
    table::{member, same_name},
};

pub(super) const TABLE: &[Function] = &[
    placed("parameters", 1, 1, |evaluator, environment, given| {
        evaluator.parameter(text(given, 0).map_err(Halt::failed)?, environment)
    }),
    placed("variables", 1, 1, |evaluator, environment, given| {
        if environment.allowed.variables {
            return evaluator.variable(text(given, 0).map_err(Halt::failed)?);
        }
        Err(Halt::failed(
            "The template function 'variables' is not expected at this location. Please see https://aka.ms/arm-functions for usage details.",
        ))
    }),
    placed("copyIndex", 0, 2, |_, environment, given| {
        let (name, offset) = match given {
            [] => (None, 0),
            [Value::String(name)] => (Some(name), 0),
            [Value::Number(offset)] => (None, offset.as_i64().unwrap_or(0)),
            [Value::String(name), Value::Number(offset)] => (Some(name), offset.as_i64().unwrap_or(0)),
            _ => {
                return Err(Halt::failed(
                    "The template function 'copyIndex' takes a loop's name and an integer offset",
                ));
            }
        };
        let named = |name: &String| {
            environment
                .loops
                .iter()
                .rev()
                .find(|turn| same_name(&turn.name, name))
        };
        let turn = name.map_or_else(|| environment.loops.last(), named);
        let turn = turn.ok_or_else(|| {
            Halt::failed("The template function 'copyIndex' is not expected at this location. The function can only be used in a loop. Please see https://aka.ms/arm-copy for usage details.")
        })?;
        Ok(turn.index.saturating_add(offset).into())
    }),
    placed("resourceGroup", 0, 0, |evaluator, _, _| {
        known("resourceGroup", evaluator.scope.resource_group.as_ref())
    }),
    placed("subscription", 0, 0, |evaluator, _, _| {
        known(
            "subscription",
            Some(&evaluator.scope.subscription).filter(|value| !value.is_null()),
        )
    }),
    placed("managementGroup", 0, 0, |evaluator, _, _| {
        known("managementGroup", evaluator.scope.management_group.as_ref())
    }),
    placed("tenant", 0, 0, |evaluator, _, _| {
        Ok(evaluator.scope.tenant.clone())
    }),
    placed("environment", 0, 0, |evaluator, _, _| {
        Ok(evaluator.scope.environment.clone())
    }),
    placed("deployer", 0, 0, |evaluator, _, _| {
        Ok(evaluator.scope.deployer.clone())
    }),
    placed("deployment", 0, 0, |evaluator, _, _| Ok(deployment(evaluator))),
    placed("resourceId", 2, MANY, |evaluator, _, given| {
        let (around, kind, names) = divide("resourceId", given, 2)?;
        let scope = evaluator.scope;
        let base = match around[..] {
            [subscription, group] => group_scope(subscription, group),
            [group] => group_scope(scope.subscription_id().unwrap_or_default(), group),
            _ if names.len() == 1 && same_name(kind, "Microsoft.Resources/resourceGroups") => {
                format!("/subscriptions/{}", scope.subscription_id().unwrap_or_default())
            }
            _ => scope.base().as_str().to_owned(),
        };
        Ok(identify(&base, kind, &names).into())
    }),
    placed("subscriptionResourceId", 2, MANY, |evaluator, _, given| {
        let (around, kind, names) = divide("subscriptionResourceId", given, 1)?;
        let subscription = around
            .first()
            .copied()
            .or_else(|| evaluator.scope.subscription_id())
            .unwrap_or_default();
        Ok(identify(&format!("/subscriptions/{subscription}"), kind, &names).into())
    }),
    placed("managementGroupResourceId", 2, MANY, |evaluator, _, given| {
        let (around, kind, names) = divide("managementGroupResourceId", given, 1)?;
        let own = evaluator
            .scope
            .management_group
            .as_ref()
            .and_then(|group| group["name"].as_str());
        let group = around.first().copied().or(own).unwrap_or_default();
        Ok(identify(management_group_id(group).as_str(), kind, &names).into())
    }),
    placed("tenantResourceId", 2, MANY, |_, _, given| {
        let (_, kind, names) = divide("tenantResourceId", given, 0)?;
        Ok(identify("", kind, &names).into())
    }),
    placed("extensionResourceId", 3, MANY, |_, _, given| {
        let base = text(given, 0).map_err(Halt::failed)?;
        let (_, kind, names) = divide("extensionResourceId", given.get(1..).unwrap_or_default(), 0)?;
        Ok(identify(base, kind, &names).into())
    }),
    placed("roleDefinitions", 1, 1, |evaluator, _, given| {
        let name = text(given, 0).map_err(Halt::failed)?;
        let found = evaluator
            .scope
            .role_definitions
            .as_object()
            .and_then(|roles| member(roles, name))
            .and_then(Value::as_str);
        let guid = found.ok_or_else(|| Halt::failed(format!("There is no built-in role '{name}'")))?;
        let id = identify("", "Microsoft.Authorization/roleDefinitions", &[guid]);
        Ok(json!({"id": id, "roleDefinitionId": guid}))
    }),
    pure("pickZones", 3, 5, |_| Ok(json!([]))),
    placed("providers", 1, 2, |evaluator, _, given| {
        providers(&evaluator.scope.providers, given).map_err(|why| {
            Halt::failed(format!("Unable to evaluate template language function 'providers': {why}. Please see https://aka.ms/arm-functions for usage details."))
        })
    }),
    pure("toLogicalZone", 3, 3, |_| {
        Err(String::from("this server has no zones"))
    }),
    pure("toPhysicalZone", 3, 3, |_| {
        Err(String::from("this server has no zones"))
    }),
    pure("toLogicalZones", 3, 3, |_| Ok(json!([]))),
    pure("toPhysicalZones", 3, 3, |_| Ok(json!([]))),
    pure("externalInput", 1, 2, |_| {
        Err(String::from("it can only be used in parameter files"))
    }),
];

/// A provider, or one of its types.
fn providers(all: &Value, given: &[Value]) -> Given<Value> {
    let named = |list: &Value, name: &str, wanted: &str| {
        let same = |entry: &&Value| entry[name].as_str().is_some_and(|found| same_name(found, wanted));
        list.as_array().into_iter().flatten().find(same).cloned()
    };
    let namespace = text(given, 0)?;
    let provider = named(all, "namespace", namespace)
        .ok_or_else(|| format!("the resource namespace '{namespace}' is not known"))?;
    if given.len() < 2 {
        return Ok(provider);
    }
    let kind = text(given, 1)?;
    named(&provider["resourceTypes"], "resourceType", kind)
        .ok_or_else(|| format!("the resource type '{kind}' is not known in the namespace '{namespace}'"))
}

fn known(name: &str, value: Option<&Value>) -> Outcome<Value> {
    value.cloned().ok_or_else(|| {
        Halt::failed(format!(
            "The template function '{name}' is not expected at this location: the deployment's scope has none. Please see https://aka.ms/arm-functions for usage details."
        ))
    })
}

fn deployment(evaluator: &Evaluator<'_>) -> Value {
    let scope = evaluator.scope;
    let mut properties = json!({
        "template": evaluator.parts.document,
        "templateHash": "",
        "parameters": {},
        "mode": scope.mode,
        "provisioningState": "Accepted",
    });
    if let Some(link) = &scope.template_link {
        properties["templateLink"] = link.clone();
    }
    let mut shown = Map::new();
    shown.insert(String::from("name"), scope.deployment_name.as_str().into());
    if let (None, Some(location)) = (&scope.resource_group, &scope.location) {
        shown.insert(String::from("location"), location.as_str().into());
    }
    shown.insert(String::from("properties"), properties);
    Value::Object(shown)
}

/// Divides the arguments of an id function: what stands before the type (at most `before`), the type, the names.
fn divide<'v>(
    function: &str,
    given: &'v [Value],
    before: usize,
) -> Outcome<(Before<'v>, &'v str, Vec<&'v str>)> {
    let texts: Given<Vec<_>> = (0..given.len()).map(|at| text(given, at)).collect();
    let texts = texts.map_err(|why| {
        Halt::failed(format!("Unable to evaluate template language function '{function}': {why}. Please see https://aka.ms/arm-functions for usage details."))
    })?;
    let at = texts.iter().take(before + 1).position(|text| text.contains('/')).ok_or_else(|| {
        Halt::failed(format!(
            "Unable to evaluate template language function '{function}': the type of resource was not found among the arguments. Please see https://aka.ms/arm-resource-functions/#resourceid for usage details."
        ))
    })?;
    // a trailing slash is forgiven: templates in use have it
    let kind = texts[at].trim_end_matches('/');
    let names = texts[at + 1..].to_vec();
    let wanted = kind.split('/').count() - 1;
    if names.len() != wanted {
        return Err(Halt::failed(format!(
            "Unable to evaluate template language function '{function}': the type '{kind}' requires '{wanted}' resource name argument(s). Please see https://aka.ms/arm-resource-functions/#resourceid for usage details."
        )));
    }
    Ok((texts[..at].to_vec(), kind, names))
}

fn group_scope(subscription: &str, group: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/{group}")
}

/// The id as text: unused branches make ids of empty names, which are no [`ResourceId`].
pub(crate) fn identify(base: &str, kind: &str, names: &[&str]) -> String {
    let base = if base == "/" { "" } else { base };
    let in_subscription =
        ResourceId::parse(base).is_ok_and(|id| id.subscription().is_some() && id.resource_group().is_none());
    if let ([name], true) = (names, in_subscription)
        && same_name(kind, "Microsoft.Resources/resourceGroups")
    {
        return format!("{base}/resourceGroups/{name}");
    }
    let mut segments = kind.split('/');
    let mut id = format!("{base}/providers/{}", segments.next().unwrap_or_default());
    for (segment, name) in segments.zip(names) {
        id.push('/');
        id.push_str(segment);
        id.push('/');
        id.push_str(name);
    }
    id
}

type Before<'v> = Vec<&'v str>;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::functions::checks::{check, check_fails};

    #[test]
    fn ids_are_made_for_every_scope() {
        const GROUP: &str = "/subscriptions/s1/resourceGroups/g1";
        check(&[
            (
                "[resourceId('P.X/a', 'n')]",
                json!(format!("{GROUP}/providers/P.X/a/n")),
            ),
            (
                "[resourceId('P.X/a/', 'n')]",
                json!(format!("{GROUP}/providers/P.X/a/n")),
            ),
            (
                "[resourceId('g2', 'P.X/a/b', 'n', 'm')]",
                json!("/subscriptions/s1/resourceGroups/g2/providers/P.X/a/n/b/m"),
            ),
            (
                "[resourceId('s2', 'g2', 'P.X/a', 'n')]",
                json!("/subscriptions/s2/resourceGroups/g2/providers/P.X/a/n"),
            ),
            (
                "[resourceId('', 'P.X/a', '')]",
                json!("/subscriptions/s1/resourceGroups//providers/P.X/a/"),
            ),
            (
                "[resourceId('P.X/a', 'with/slash')]",
                json!(format!("{GROUP}/providers/P.X/a/with/slash")),
            ),
            (
                "[subscriptionResourceId('s2', 'P.X/a', 'n')]",
                json!("/subscriptions/s2/providers/P.X/a/n"),
            ),
            (
                "[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'g')]",
                json!("/subscriptions/s1/resourceGroups/g"),
            ),
            ("[tenantResourceId('P.X/a', 'n')]", json!("/providers/P.X/a/n")),
            (
                "[managementGroupResourceId('m', 'P.X/a', 'n')]",
                json!("/providers/Microsoft.Management/managementGroups/m/providers/P.X/a/n"),
            ),
            (
                "[extensionResourceId(resourceId('P.X/a', 'n'), 'P.Y/b', 'm')]",
                json!(format!("{GROUP}/providers/P.X/a/n/providers/P.Y/b/m")),
            ),
        ]);
        check_fails(&[
            "[resourceId('P.X/a', 'n', 'm')]",
            "[resourceId('a', 'b', 'c', 'P.X/a', 'n')]",
            "[resourceId(1, 'P.X/a')]",
        ]);
    }

    #[test]
    fn scope_functions_speak_of_the_deployment() {
        check(&[
            ("[resourceGroup().Location]", json!("here")),
            ("[subscription().subscriptionId]", json!("s1")),
            ("[deployment().name]", json!("d1")),
            ("[deployment().properties.mode]", json!("Incremental")),
        ]);
        check_fails(&[
            "[managementGroup()]",
            "[deployment().location]",
            "[copyIndex()]",
            "[parameters('x')]",
            "[variables('x')]",
            "[reference('x')]",
            "[listKeys('x', '1')]",
            "[roleDefinitions('Nobody')]",
        ]);
    }
}
