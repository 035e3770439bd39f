//! Resource providers: a view of the registry. `az` reads from it which api-version to send, so a type that is
//! served must be here, and one that is here must be served (client contract 4).

use std::collections::BTreeMap;

use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Params, Registry, Reply, Request, Snapshot,
    decision::Need,
    declaration::{Declaration, Placement},
    operation::{Access, Surface},
    rbac::Catalogue,
    route::{Call, Route, Target},
    site::Site,
    without_nulls,
};
use nave_policy::{AliasInfo, aliases_of};
use serde_json::{Value, json};

use crate::scope;

const READ: &str = "Microsoft.Resources/subscriptions/providers/read";

/// What is served by routes and so is in no declaration: namespace, type, api-versions.
const ROUTED: &[(&str, &str, &[&str])] = &[
    (
        "Microsoft.Authorization",
        "permissions",
        &["2022-04-01", "2018-07-01", "2015-07-01"],
    ),
    (
        "Microsoft.Authorization",
        "providerOperations",
        &["2022-04-01", "2018-01-01-preview", "2015-07-01"],
    ),
    ("Microsoft.Insights", "eventtypes", &["2015-04-01"]),
    ("Microsoft.Insights", "eventcategories", &["2015-04-01"]),
    (
        "Microsoft.Resources",
        "providers",
        &["2024-11-01", "2021-04-01", "2020-06-01"],
    ),
    (
        "Microsoft.Resources",
        "resources",
        &["2024-11-01", "2021-04-01", "2020-06-01", "2015-11-01"],
    ),
    (
        "Microsoft.Resources",
        "tags",
        &["2024-11-01", "2021-04-01", "2020-06-01"],
    ),
    (
        "Microsoft.Resources",
        "tenants",
        &["2022-12-01", "2020-01-01", "2016-06-01"],
    ),
];

/// One type of a provider.
struct Kind {
    name: &'static str,
    api_versions: &'static [&'static str],
    in_a_region: bool,
}

pub(crate) fn routes() -> Vec<Route> {
    let subscribed = |path, handler: fn(Call) -> Result<Reply, ArmError>| {
        let handle = move |call| async move { handler(call) };
        let route = Route::new(Method::GET, path, Surface::Arm, Access::action(READ), handle);
        route.about(scope::open_to_visitors(READ))
    };
    let tenant = |path, handler: fn(Call) -> Result<Reply, ArmError>| {
        Route::new(
            Method::GET,
            path,
            Surface::Arm,
            Access::SignedIn,
            move |call| async move { handler(call) },
        )
    };
    vec![
        subscribed("/subscriptions/{subscription}/providers", list),
        subscribed("/subscriptions/{subscription}/providers/{namespace}", get),
        subscribed(
            "/subscriptions/{subscription}/providers/{namespace}/resourceTypes",
            resource_types,
        ),
        subscribed(
            "/subscriptions/{subscription}/providers/{namespace}/providerPermissions",
            provider_permissions,
        ),
        tenant("/providers", list),
        tenant("/providers/{namespace}", get),
        switch(
            "/subscriptions/{subscription}/providers/{namespace}/register",
            "{namespace}/register/action",
        ),
        switch(
            "/subscriptions/{subscription}/providers/{namespace}/unregister",
            "{namespace}/unregister/action",
        ),
    ]
}

/// Registering and unregistering change nothing: every provider is always registered. They still need the right,
/// and are still recorded.
fn switch(path: &'static str, permission: &'static str) -> Route {
    let target = move |_: &Snapshot, _: &Request, params: &Params| {
        let subscription = params.scope()?;
        let permission = permission.replace("{namespace}", params.get("namespace"));
        Ok(Target {
            id: subscription.clone(),
            ways: vec![vec![Need::action(permission, subscription)]],
        })
    };
    Route::new(
        Method::POST,
        path,
        Surface::Arm,
        Access::action(permission),
        switched,
    )
    .about(target)
}

async fn switched(call: Call) -> Result<Reply, ArmError> {
    let detail = json!({ "namespace": call.params.get("namespace") });
    let body = found(&call)?;
    call.engine
        .record(&call.grant, "Succeeded", call.request.correlation_id, detail)
        .await?;
    Ok(Reply::ok(body))
}

fn list(call: Call) -> Result<Reply, ArmError> {
    let under = call.grant.id();
    scope::check(&call.engine.snapshot(), under)?;
    let providers = providers(call.engine.registry());
    let value: Vec<Value> = providers
        .iter()
        .map(|(namespace, kinds)| view(&call, under, namespace, kinds))
        .collect();
    Ok(Reply::ok(json!({ "value": value })))
}

fn get(call: Call) -> Result<Reply, ArmError> {
    found(&call).map(Reply::ok)
}

fn resource_types(call: Call) -> Result<Reply, ArmError> {
    let types = found(&call)?.get("resourceTypes").cloned().unwrap_or_default();
    Ok(Reply::ok(json!({ "value": types })))
}

/// No provider of this server acts in a subscription by an application of its own.
fn provider_permissions(call: Call) -> Result<Reply, ArmError> {
    found(&call)?;
    Ok(Reply::ok(json!({ "value": [] })))
}

fn found(call: &Call) -> Result<Value, ArmError> {
    let under = call.grant.id();
    scope::check(&call.engine.snapshot(), under)?;
    let asked = call.params.get("namespace");
    let providers = providers(call.engine.registry());
    let provider = providers
        .iter()
        .find(|(namespace, _)| namespace.eq_ignore_ascii_case(asked));
    let (namespace, kinds) = provider.ok_or_else(|| unknown(asked))?;
    Ok(view(call, under, namespace, kinds))
}

fn unknown(namespace: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidResourceNamespace,
        format!(
            "The resource namespace '{namespace}' is invalid: no resource provider of this name is served here."
        ),
    )
}

/// Every provider with its types: those served, and, without types, those whose operations roles may name.
fn providers(registry: &Registry) -> BTreeMap<&'static str, Vec<Kind>> {
    let mut providers: BTreeMap<&'static str, Vec<Kind>> = BTreeMap::new();
    for declaration in registry
        .declarations()
        .filter(|declaration| !declaration.namespace().ends_with(".Graph"))
    {
        providers
            .entry(declaration.namespace())
            .or_default()
            .push(Kind::of(declaration));
    }
    for (namespace, name, api_versions) in ROUTED {
        providers.entry(namespace).or_default().push(Kind {
            name,
            api_versions,
            in_a_region: false,
        });
    }
    for namespace in Catalogue::built_in().namespaces() {
        if !providers
            .keys()
            .any(|known| known.eq_ignore_ascii_case(namespace))
        {
            providers.insert(namespace, Vec::new());
        }
    }
    for kinds in providers.values_mut() {
        kinds.sort_by_key(|kind| kind.name.to_lowercase());
    }
    providers
}

impl Kind {
    fn of(declaration: &'static Declaration) -> Self {
        // groups are the one type whose name on the outside is shorter than on the inside
        let name = match declaration.local_type() {
            "subscriptions/resourceGroups" => "resourceGroups",
            local => local,
        };
        let in_a_region = matches!(
            declaration.placement,
            Placement::ResourceGroup | Placement::Parent
        );
        Self {
            name,
            api_versions: declaration.api_versions,
            in_a_region,
        }
    }

    fn view(&self, site: &Site) -> Value {
        let offered = site
            .locations
            .iter()
            .filter(|location| self.in_a_region && location.name != "global");
        let locations: Vec<&str> = offered.map(|location| location.display).collect();
        let stable = self
            .api_versions
            .iter()
            .find(|version| version.len() == "YYYY-MM-DD".len());
        without_nulls(json!({
            "resourceType": self.name,
            "locations": locations,
            "apiVersions": self.api_versions,
            "defaultApiVersion": stable,
            "capabilities": "None",
        }))
    }
}

/// What the template function `providers()` looks into: `[{namespace, resourceTypes: […]}]`.
pub(crate) fn for_templates(registry: &Registry, site: &Site) -> Value {
    let all = providers(registry);
    let shown = all.iter().map(|(namespace, kinds)| {
        json!({ "namespace": namespace, "resourceTypes": kinds.iter().map(|kind| kind.view(site)).collect::<Vec<_>>() })
    });
    shown.collect()
}

fn view(call: &Call, under: &ResourceId, namespace: &str, kinds: &[Kind]) -> Value {
    let place = if under.is_tenant() { "" } else { under.as_str() };
    let with_aliases = call.request.query("$expand").is_some_and(|expand| {
        expand
            .split(',')
            .any(|one| one.trim().eq_ignore_ascii_case("resourceTypes/aliases"))
    });
    let kind = |kind: &Kind| {
        let mut view = kind.view(call.engine.site());
        if with_aliases {
            view["aliases"] = aliases(&format!("{namespace}/{}", kind.name));
        }
        view
    };
    json!({
        "id": format!("{place}/providers/{namespace}"),
        "namespace": namespace,
        "registrationPolicy": "RegistrationRequired",
        "registrationState": "Registered",
        "resourceTypes": kinds.iter().map(kind).collect::<Vec<_>>(),
    })
}

/// The aliases that policies about a type use, as ARM lists them. A rule may use others of the same form.
fn aliases(resource_type: &str) -> Value {
    let alias = |alias: AliasInfo| {
        let attributes = if alias.is_modifiable { "Modifiable" } else { "None" };
        json!({
            "name": alias.name,
            "paths": [],
            "defaultPath": alias.path,
            "defaultMetadata": { "type": "NotSpecified", "attributes": attributes },
        })
    };
    aliases_of(resource_type).into_iter().map(alias).collect()
}
