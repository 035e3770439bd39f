//! Answering a request: find the operation it names, decide, do it.

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode, ResourceId};

use super::{Engine, not_signed_in};
use crate::{
    Caller, Reply,
    decision::Need,
    explain::AskedFor,
    operation::{Access, Operation, Surface},
    registry::Routed,
    request::{Params, Request},
    route::{Call, Route, Target},
};

impl Engine {
    /// Answers a request: finds the operation, decides, does it. Every refusal has an id to ask about it.
    pub async fn serve(self: &Arc<Self>, request: Request) -> Reply {
        let asked = AskedFor::of(&request);
        let reply = self.answer(request).await;
        self.answerable(asked, reply)
    }

    /// Answers a request on the present state, whatever that is; with the protocol it came by.
    pub(super) async fn served(self: &Arc<Self>, request: Request) -> (Surface, Result<Reply, ArmError>) {
        let served = match self.registry.route(&request.method, &request.path) {
            Routed::Here(route, params) => {
                return (route.operation.surface, self.routed(route, request, params).await);
            }
            Routed::OtherVerb if !crate::arm::is_arm_path(&self.registry, &request) => {
                Err(not_allowed(&request))
            }
            Routed::OtherVerb | Routed::Nowhere => crate::arm::serve(self, request).await,
        };
        (Surface::Arm, served)
    }

    async fn routed(
        self: &Arc<Self>,
        route: &Route,
        request: Request,
        params: Params,
    ) -> Result<Reply, ArmError> {
        let Operation {
            path,
            access,
            surface,
            ..
        } = &route.operation;
        if *access == Access::Public {
            let caller = request.caller.clone().unwrap_or_else(Caller::nobody);
            let grant = self.by_rule("Public", path, &ResourceId::tenant(), caller);
            return route
                .handle(Call {
                    engine: self.clone(),
                    grant,
                    request,
                    params,
                })
                .await;
        }
        let caller = request
            .caller
            .clone()
            .ok_or_else(|| not_signed_in(&request, *surface))?;
        if *surface == Surface::Arm {
            crate::arm::check_api_version(&request)?;
            crate::arm::dry_run::refuse(&request)?;
        }
        let Target { id, ways } = route.target(&self.snapshot(), &request, &params)?;
        let ways = match access.needed() {
            Some((action, plane)) if ways.is_empty() => {
                vec![vec![Need {
                    plane,
                    ..Need::action(action.to_owned(), id.clone())
                }]]
            }
            _ => ways,
        };
        let grant = match ways.is_empty() {
            true => self.admit(&caller, *surface, path, &id, &request).await?,
            false => self.authorize(&caller, *surface, ways, &id, &request).await?,
        };
        let (asked_with, correlation_id) = (grant.clone(), request.correlation_id);
        let handled = route.handle(Call {
            engine: self.clone(),
            grant,
            request,
            params,
        });
        match handled.await {
            Ok(reply) => Ok(reply),
            Err(error) => Err(self.refused_after(&asked_with, error, correlation_id).await),
        }
    }
}

/// The refusal of a verb that is not served on a path.
pub(crate) fn not_allowed(request: &Request) -> ArmError {
    ArmError::new(
        ErrorCode::MethodNotAllowed,
        format!(
            "The method {} is not served at '{}'.",
            request.method, request.path
        ),
    )
}
