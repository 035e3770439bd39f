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

fn knows(leaf: &Filter) -> bool {
    TagFilter::knows(leaf)
        || filter::equals(leaf).is_some_and(|(property, _)| {
            matches!(
                property.as_str(),
                "resourcegroup" | "resourcetype" | "name" | "location"
            )
        })
}

fn passes(filter: Option<&Filter>, resource: &Resource) -> bool {
    let tags = TagFilter::of(filter);
    filter.is_none_or(|filter| filter.holds(&mut |leaf| holds(&tags, resource, leaf)))
}

fn holds(tags: &TagFilter<'_>, resource: &Resource, leaf: &Filter) -> bool {
    let Some((property, value)) = filter::equals(leaf) else {
        return false;
    };
    let id = &resource.id;
    match property.as_str() {
        "resourcegroup" => id
            .resource_group()
            .is_some_and(|group| group.eq_ignore_ascii_case(value)),
        "resourcetype" => id.resource_type().eq_ignore_ascii_case(value),
        "name" => id.name().eq_ignore_ascii_case(value) || full_name(id).eq_ignore_ascii_case(value),
        "location" => resource
            .text("/location")
            .is_some_and(|location| short_location(location) == short_location(value)),
        _ => tags.holds(resource, leaf),
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
fn full_name(id: &ResourceId) -> String {
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
