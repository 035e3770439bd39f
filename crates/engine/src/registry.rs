//! Every type and route of this server: the one list that routing, provider listings and tests are made from.

use std::{collections::HashMap, sync::Arc};

use http::Method;
use nave_arm::ResourceId;
use nave_rbac::Plane;

use crate::{
    access::USES,
    decision::RoleGate,
    declaration::{Declaration, ResourceType, Rule},
    long_running::OPERATIONS,
    operation::Operation,
    request::Params,
    route::{Route, segments},
    soft_delete::{self, Deleted},
};

/// What a verb and a path come to.
pub(crate) enum Routed<'a> {
    /// This route, with the values of its placeholders.
    Here(&'a Arc<Route>, Params),
    /// The path has routes, for other verbs.
    OtherVerb,
    /// No route has this path.
    Nowhere,
}

/// The types and routes, in the order they were added.
#[derive(Default, Clone)]
pub struct Registry {
    types: Vec<Arc<dyn ResourceType>>,
    by_key: HashMap<String, usize>,
    routes: Vec<Arc<Route>>,
    rules: HashMap<String, Vec<Rule>>,
    gates: Vec<&'static RoleGate>,
}

impl Registry {
    /// Adds a resource type, and what is left of its resources when they are deleted.
    pub fn add_type(&mut self, resource_type: impl ResourceType) {
        let added: Arc<dyn ResourceType> = Arc::new(resource_type);
        let key = added.declaration().resource_type.to_lowercase();
        self.by_key.insert(key, self.types.len());
        self.types.push(added.clone());
        if let Some(soft) = added.declaration().soft_delete {
            self.add_routes(soft_delete::lists(soft, &added));
            self.add_type(Deleted::new(soft, added));
        }
    }

    /// Adds routes that are not a resource type's.
    pub fn add_routes(&mut self, routes: impl IntoIterator<Item = Route>) {
        self.routes.extend(routes.into_iter().map(Arc::new));
    }

    /// Adds a rule on a type, whichever plane declares it.
    pub fn add_rule(&mut self, resource_type: &str, rule: Rule) {
        self.rules
            .entry(resource_type.to_lowercase())
            .or_default()
            .push(rule);
    }

    /// Makes a rule known that asks for a role, so that decisions that rest on it can be read again.
    pub fn add_gate(&mut self, gate: &'static RoleGate) {
        self.gates.push(gate);
    }

    /// The rules that ask for a role.
    #[must_use]
    pub fn gates(&self) -> &[&'static RoleGate] {
        &self.gates
    }

    /// The rule of this name that asks for a role.
    pub(crate) fn gate(&self, rule: &str) -> Option<&'static RoleGate> {
        self.gates.iter().copied().find(|gate| gate.rule == rule)
    }

    /// The rules on a type.
    pub(crate) fn rules(&self, resource_type: &str) -> &[Rule] {
        self.rules
            .get(&resource_type.to_lowercase())
            .map_or(&[], Vec::as_slice)
    }

    /// The type of this name, without case.
    #[must_use]
    pub fn resource_type(&self, name: &str) -> Option<&Arc<dyn ResourceType>> {
        self.by_key.get(&name.to_lowercase()).map(|at| &self.types[*at])
    }

    /// Every type's declaration.
    pub fn declarations(&self) -> impl Iterator<Item = &'static Declaration> {
        self.types.iter().map(|resource_type| resource_type.declaration())
    }

    /// Every route.
    #[must_use]
    pub fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }

    /// The route of a verb on a path.
    pub(crate) fn route(&self, method: &Method, path: &str) -> Routed<'_> {
        let path = segments(path);
        let mut found = Routed::Nowhere;
        for route in &self.routes {
            if let Some(params) = route.matches(&path) {
                if route.operation.method == *method {
                    return Routed::Here(route, params);
                }
                found = Routed::OtherVerb;
            }
        }
        found
    }

    /// The route table: every operation this server has.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        let typed = self.declarations().flat_map(Declaration::operations);
        let routed = self.routes.iter().map(|route| route.operation.clone());
        typed.chain(routed).collect()
    }

    /// What a role can open here: the operations of the route table that need one, those of every provider spelled out.
    pub(crate) fn served(&self) -> Vec<(Plane, String)> {
        let mut namespaces: Vec<&str> = self.declarations().map(Declaration::namespace).collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        let spelled = |action: &str| -> Vec<String> {
            match action.strip_prefix("{namespace}") {
                Some(rest) => namespaces.iter().map(|name| format!("{name}{rest}")).collect(),
                None => vec![action.to_owned()],
            }
        };
        let operations = self.operations();
        let needed = operations
            .iter()
            .filter_map(|operation| operation.access.needed());
        let otherwise = self.routes.iter().flat_map(|route| route.or);
        let served = needed
            .chain(otherwise.map(|action| (*action, Plane::Control)))
            .flat_map(|(action, plane)| spelled(action).into_iter().map(move |name| (plane, name)));
        served.collect()
    }

    pub(crate) fn resident(&self, type_key: &str) -> bool {
        ![USES, OPERATIONS]
            .iter()
            .any(|stored| type_key.eq_ignore_ascii_case(stored))
            && self
                .resource_type(type_key)
                .is_none_or(|found| found.declaration().resident)
    }

    /// The id with its provider namespaces and types in the casing they are declared in. Names stay as written.
    #[must_use]
    pub fn canonical(&self, id: &ResourceId) -> ResourceId {
        let segments: Vec<&str> = id
            .as_str()
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        let mut text = String::new();
        let mut at = 0;
        while at < segments.len() {
            if segments[at] != "providers" || at + 1 >= segments.len() {
                text.push('/');
                text.push_str(segments[at]);
                at += 1;
                continue;
            }
            let mut full = segments[at + 1].to_owned();
            let mut pairs = Vec::new();
            at += 2;
            while at + 1 < segments.len() && segments[at] != "providers" {
                full.push('/');
                full.push_str(segments[at]);
                pairs.push((
                    self.spelling(&full).unwrap_or(segments[at]).to_owned(),
                    segments[at + 1],
                ));
                at += 2;
            }
            text.push_str("/providers/");
            text.push_str(self.namespace(&full));
            for (kind, name) in pairs {
                text.push_str(&format!("/{kind}/{name}"));
            }
        }
        ResourceId::parse(&text).unwrap_or_else(|_| id.clone())
    }

    fn spelling(&self, full: &str) -> Option<&'static str> {
        self.resource_type(full)?
            .declaration()
            .resource_type
            .rsplit('/')
            .next()
    }

    fn namespace<'a>(&self, full: &'a str) -> &'a str {
        let written = full.split('/').next().unwrap_or_default();
        self.declarations()
            .map(Declaration::namespace)
            .find(|namespace| namespace.eq_ignore_ascii_case(written))
            .unwrap_or(written)
    }
}
