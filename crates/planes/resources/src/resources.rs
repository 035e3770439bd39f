//! The list of resources of a subscription or group, whatever their type: a view of the snapshot, trimmed to what
//! the caller may read. Only tracked types are in it, as in Azure.

use http::Method;
use nave_arm::{ArmError, Filter, ResourceId};
use nave_engine::{
    Registry, Reply, Resource, Snapshot,
    declaration::ResourceType,
    operation::{Access, Surface},
    route::{Call, Route},
    site::short_location,
};
use serde_json::{Map, Value};

use crate::{
    filter::{self, TagFilter},
    page, scope,
    subscriptions::RESOURCE_GROUPS,
};

pub(crate) fn routes() -> Vec<Route> {
    let paths = [
        "/subscriptions/{subscription}/resources",
        "/subscriptions/{subscription}/resourceGroups/{group}/resources",
    ];
    paths
        .map(|path| Route::new(Method::GET, path, Surface::Arm, Access::SignedIn, list))
        .into()
}

async fn list(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let under = call.grant.id();
    scope::check(&snapshot, under)?;
    let filter = filter::of(&call.request)?;
    filter::check(filter.as_ref(), knows)?;
    let expand = call.request.query("$expand").unwrap_or_default().to_lowercase();
    let cx = call.engine.cx(&snapshot, call.grant.caller());
    let items = snapshot
        .below(under)
        .filter(|resource| passes(filter.as_ref(), resource))
        .filter_map(|resource| Some((tracked(call.engine.registry(), resource)?, resource)))
        .filter(|(kind, resource)| is_visible(&call, &snapshot, *kind, resource))
        .map(|(kind, resource)| {
            (
                resource.id.key().to_owned(),
                item(resource, &kind.view(&cx, resource), &expand),
            )
        });
    Ok(Reply::ok(page::of(&call.engine, &call.request, items)?))
}

/// The resource's type, if it is one of those that are listed.
pub(crate) fn tracked<'a>(registry: &'a Registry, resource: &Resource) -> Option<&'a dyn ResourceType> {
    let kind = registry.resource_type(&resource.id.resource_type())?;
    let declaration = kind.declaration();
    (declaration.tracked && declaration.resource_type != RESOURCE_GROUPS).then_some(&**kind)
}

fn is_visible(call: &Call, snapshot: &Snapshot, kind: &dyn ResourceType, resource: &Resource) -> bool {
    let read = kind.declaration().permission("read");
    call.engine
        .may(snapshot, call.grant.caller(), Surface::Arm, &read, &resource.id)
}

/// What a filter may compare: the property in lower case, and how.
fn compared(leaf: &Filter) -> Option<(String, &str, &str)> {
    Some(match leaf {
        Filter::Compare {
            property,
            operator,
            value,
        } => (property.to_lowercase(), operator.as_str(), value.as_str()),
        Filter::Contains { property, value } => (property.to_lowercase(), "contains", value.as_str()),
        Filter::StartsWith { property, value } => (property.to_lowercase(), "startswith", value.as_str()),
        _ => return None,
    })
}

/// rest-surface 2.11 and the published list: equality of most, a part of a name, the beginning of a tag's name.
fn knows(leaf: &Filter) -> bool {
    let Some((property, operator, _)) = compared(leaf) else {
        return false;
    };
    match operator {
        "eq" | "ne" => {
            matches!(
                property.as_str(),
                "resourcegroup"
                    | "resourcetype"
                    | "name"
                    | "location"
                    | "identity"
                    | "identity/principalid"
                    | "managedby"
            ) || property.starts_with("plan/")
                || operator == "eq" && TagFilter::knows(leaf)
        }
        "contains" => matches!(property.as_str(), "name" | "resourcegroup"),
        "startswith" => property == "tagname",
        _ => false,
    }
}

fn passes(filter: Option<&Filter>, resource: &Resource) -> bool {
    let tags = TagFilter::of(filter);
    filter.is_none_or(|filter| filter.holds(&mut |leaf| holds(&tags, resource, leaf)))
}

fn holds(tags: &TagFilter<'_>, resource: &Resource, leaf: &Filter) -> bool {
    let Some((property, operator, value)) = compared(leaf) else {
        return false;
    };
    match (property.as_str(), operator) {
        ("tagname" | "tagvalue", "eq") => tags.holds(resource, leaf),
        ("tagname", _) => begins_a_tag(resource, value),
        (_, "contains") => texts(resource, &property)
            .iter()
            .any(|own| own.to_lowercase().contains(&value.to_lowercase())),
        (_, operator) => {
            let same = |own: &String| match property.as_str() {
                "location" => short_location(own) == short_location(value),
                _ => own.eq_ignore_ascii_case(value),
            };
            texts(resource, &property).iter().any(same) == (operator == "eq")
        }
    }
}

fn begins_a_tag(resource: &Resource, start: &str) -> bool {
    let tags = resource.value("/tags").and_then(Value::as_object);
    let start = start.to_lowercase();
    tags.is_some_and(|tags| tags.keys().any(|name| name.to_lowercase().starts_with(&start)))
}

/// What a property of a filter says of a resource.
fn texts(resource: &Resource, property: &str) -> Vec<String> {
    let id = &resource.id;
    let text = |pointer: &str| resource.text(pointer).map(str::to_owned).into_iter().collect();
    match property {
        "resourcegroup" => id.resource_group().map(str::to_owned).into_iter().collect(),
        "resourcetype" => vec![id.resource_type()],
        "name" => vec![id.name().to_owned(), full_name(id)],
        "location" => text("/location"),
        "managedby" => text("/managedBy"),
        "identity" | "identity/principalid" => text("/identity/principalId"),
        plan => ["publisher", "product", "name", "version", "promotionCode"]
            .iter()
            .find(|name| plan.eq_ignore_ascii_case(&format!("plan/{name}")))
            .map_or_else(Vec::new, |name| text(&format!("/plan/{name}"))),
    }
}

/// What a list shows of a resource: its envelope without its properties.
fn item(resource: &Resource, whole: &Value, expand: &str) -> Value {
    let mut item = Map::new();
    item.insert(String::from("id"), resource.id.as_str().into());
    item.insert(String::from("name"), full_name(&resource.id).into());
    item.insert(String::from("type"), resource.id.resource_type().into());
    for member in [
        "location",
        "kind",
        "managedBy",
        "sku",
        "plan",
        "identity",
        "zones",
        "tags",
    ] {
        if let Some(value) = whole.get(member).filter(|value| !value.is_null()) {
            item.insert(member.to_owned(), value.clone());
        }
    }
    for (name, value) in expanded(resource, whole) {
        if expand.contains(&name.to_lowercase()) {
            item.insert(name.to_owned(), value);
        }
    }
    Value::Object(item)
}

fn expanded(resource: &Resource, whole: &Value) -> [(&'static str, Value); 3] {
    let state = whole.pointer("/properties/provisioningState").cloned();
    [
        ("createdTime", resource.history.created_at.to_string().into()),
        ("changedTime", resource.history.updated_at.to_string().into()),
        ("provisioningState", state.unwrap_or_else(|| "Succeeded".into())),
    ]
}

/// A child's name holds those of its parents: `account/project`.
pub(crate) fn full_name(id: &ResourceId) -> String {
    let block = id.as_str().rsplit("/providers/").next().unwrap_or_default();
    let names: Vec<&str> = block.split('/').skip(2).step_by(2).collect();
    names.join("/")
}

#[cfg(test)]
mod tests {
    use nave_arm::ResourceId;

    use super::full_name;

    #[test]
    fn a_name_is_the_names_of_its_path() {
        let parent = ResourceId::of_resource_group("s", "g").extension("Microsoft.X/accounts", "a");
        assert_eq!(full_name(&parent), "a");
        assert_eq!(full_name(&parent.child("projects", "p")), "a/p");
    }
}
