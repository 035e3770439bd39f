//! Operations that are not a resource type's: path templates, and the function behind each.

use std::sync::Arc;

use futures::future::BoxFuture;
use http::Method;
use nave_arm::{ArmError, ResourceId};

use crate::{
    Engine, Grant, Reply, Snapshot,
    decision::Need,
    grant::Act,
    operation::{Access, Operation, Surface},
    request::{Params, Request},
};

/// A request that was routed and allowed.
pub struct Call {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The leave to do it. On a public route it is nobody's leave, decided by the rule `Public`.
    pub grant: Grant<Act>,
    /// The request.
    pub request: Request,
    /// The values of the path's placeholders.
    pub params: Params,
}

type Handler = Box<dyn Fn(Call) -> BoxFuture<'static, Result<Reply, ArmError>> + Send + Sync>;
type Ways = Box<dyn Fn(&Snapshot, &Request, &Params) -> Result<Target, ArmError> + Send + Sync>;

/// What a route is about, and other ways than its declared access to be allowed.
pub struct Target {
    /// The resource it is about.
    pub id: ResourceId,
    /// The ways to be allowed; empty: the route's declared access at `id`.
    pub ways: Vec<Vec<Need>>,
}

impl From<ResourceId> for Target {
    fn from(id: ResourceId) -> Self {
        Self { id, ways: Vec::new() }
    }
}

/// One route.
pub struct Route {
    /// The operation, for the route table.
    pub operation: Operation,
    /// Other actions that open it, besides the one its operation names.
    pub or: &'static [&'static str],
    segments: Vec<Segment>,
    target: Ways,
    handler: Handler,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// Matches itself, without case.
    Word(&'static str),
    /// Matches one segment.
    One(&'static str),
    /// Matches any number of segments, none included.
    Many(&'static str),
}

impl Route {
    /// A route about the scope its path names: `{scope}`, or `{subscription}` and `{group}`, or the tenant.
    pub fn new<F>(
        method: Method,
        path: &'static str,
        surface: Surface,
        access: Access,
        handler: impl Fn(Call) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Reply, ArmError>> + Send + 'static,
    {
        Self {
            operation: Operation {
                method,
                path: path.to_owned(),
                access,
                surface,
            },
            or: &[],
            segments: segments(path).into_iter().map(Segment::read).collect(),
            target: Box::new(|_, _, params| params.scope().map(Target::from)),
            handler: Box::new(move |call| Box::pin(handler(call))),
        }
    }

    /// The same route, about what this function finds.
    #[must_use]
    pub fn about(
        mut self,
        target: impl Fn(&Snapshot, &Request, &Params) -> Result<Target, ArmError> + Send + Sync + 'static,
    ) -> Self {
        self.target = Box::new(target);
        self
    }

    /// The same route, which these actions open as well: what its ways ask for that its operation does not name.
    #[must_use]
    pub fn or(mut self, actions: &'static [&'static str]) -> Self {
        self.or = actions;
        self
    }

    /// What a request is about.
    pub fn target(
        &self,
        snapshot: &Snapshot,
        request: &Request,
        params: &Params,
    ) -> Result<Target, ArmError> {
        (self.target)(snapshot, request, params)
    }

    pub(crate) fn handle(&self, call: Call) -> BoxFuture<'static, Result<Reply, ArmError>> {
        (self.handler)(call)
    }

    /// The placeholders' values, if the path, cut into its `segments`, is this route's.
    pub(crate) fn matches(&self, path: &[&str]) -> Option<Params> {
        let many = self
            .segments
            .iter()
            .position(|segment| matches!(segment, Segment::Many(_)));
        let (head, tail) = match many {
            Some(at) => (&self.segments[..at], &self.segments[at + 1..]),
            None => self.segments.split_at(self.segments.len()),
        };
        let over = path.len().checked_sub(head.len() + tail.len())?;
        if many.is_none() && over > 0 {
            return None;
        }
        let (first, rest) = path.split_at(head.len());
        let (middle, last) = rest.split_at(over);
        if !fits(tail, last) || !fits(head, first) {
            return None;
        }
        let mut params = captured(head, first);
        params.extend(captured(tail, last));
        if let Some(Segment::Many(name)) = many.map(|at| &self.segments[at]) {
            params.push((name, middle.join("/")));
        }
        Some(Params(params))
    }
}

/// A path's segments; empty ones do not count, as clients double and trail slashes.
pub(crate) fn segments(path: &str) -> Vec<&str> {
    path.split('/').filter(|segment| !segment.is_empty()).collect()
}

/// Whether every word is where it should be. From the end, because many routes begin alike.
fn fits(segments: &[Segment], given: &[&str]) -> bool {
    segments
        .iter()
        .zip(given)
        .rev()
        .all(|(segment, given)| match segment {
            Segment::Word(word) => word.eq_ignore_ascii_case(given),
            Segment::One(_) | Segment::Many(_) => true,
        })
}

fn captured(segments: &[Segment], given: &[&str]) -> Vec<(&'static str, String)> {
    let pairs = segments.iter().zip(given);
    let captured = pairs.filter_map(|(segment, given)| match segment {
        Segment::Word(_) => None,
        Segment::One(name) | Segment::Many(name) => Some((*name, (*given).to_owned())),
    });
    captured.collect()
}

impl Segment {
    fn read(text: &'static str) -> Self {
        match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(name @ ("scope" | "rest")) => Self::Many(name),
            Some(name) => Self::One(name),
            None => Self::Word(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(path: &'static str) -> Route {
        Route::new(Method::GET, path, Surface::Arm, Access::Public, |_| async {
            Ok(Reply::empty(204))
        })
    }

    #[test]
    fn words_match_without_case_and_placeholders_capture() {
        let route =
            route("/subscriptions/{subscription}/resourceGroups/{group}/deployments/{name}/operations");
        let params = route
            .matches(&segments(
                "/subscriptions/s/resourcegroups/g//deployments/d/operations/",
            ))
            .expect("match");
        assert_eq!(
            (
                params.get("subscription"),
                params.get("group"),
                params.get("name")
            ),
            ("s", "g", "d")
        );
        assert!(
            route
                .matches(&segments("/subscriptions/s/resourcegroups/g/deployments/d"))
                .is_none()
        );
    }

    #[test]
    fn a_scope_takes_any_number_of_segments() {
        let route = route("/{scope}/providers/Microsoft.Authorization/permissions");
        let scope = |path| {
            route
                .matches(&segments(path))
                .map(|params| params.get("scope").to_owned())
        };
        assert_eq!(
            scope("/providers/Microsoft.Authorization/permissions").as_deref(),
            Some("")
        );
        assert_eq!(
            scope("/subscriptions/s/resourceGroups/g/providers/microsoft.authorization/permissions")
                .as_deref(),
            Some("subscriptions/s/resourceGroups/g")
        );
        assert_eq!(scope("/subscriptions/s/permissions"), None);
    }
}
