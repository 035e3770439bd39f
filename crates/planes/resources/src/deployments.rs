//! `Microsoft.Resources/deployments`: templates carried out.
//!
//! What a template means is the business of `nave-template`. This module gives it its surroundings, checks the whole
//! before anything is changed, and then makes each request of the plan through the same door as the caller's own
//! requests: each is decided on its own, recorded on its own, and checked by the rules of its type.
//!
//! A deployment's life: the row is written as `Running` before the first resource; the work goes on in a task of its
//! own, whether the client waits or not; the row is written again with what came of it. Work that is over soon is
//! over in the answer to the PUT (client contract 0.4).
//!
//! The work lives in this process. A row that says `Running` while nothing here works on it was left by a server that
//! was stopped: it is shown as `Failed`, with what to do, and [`settle_interrupted`] writes that down at the next
//! start. What had been deployed stays, and the same PUT carries on from there, because every write of a template
//! may be repeated.
//!
//! The template is not kept: with outer scope it may hold the values of secure parameters.

mod access;
mod complete;
mod door;
mod interrupted;
mod live;
mod operations;
mod preflight;
mod prepare;
mod put;
mod record;
mod run;
mod statuses;
mod surroundings;
mod validate;
mod wanted;
mod what_if;

use std::sync::Arc;

use async_trait::async_trait;
use nave_arm::{ArmError, ErrorCode, Filter, ResourceId};
use nave_engine::{
    Registry, Reply, Request, Resource,
    decision::Need,
    declaration::{ActCall, Action, Asked, Cx, Declaration, Erased, NameRule, Placement, ResourceType, Verb},
};
use serde_json::Value;

pub use interrupted::settle_interrupted;

use crate::filter;
use live::Live;

/// The type's name.
pub(crate) const DEPLOYMENTS: &str = "Microsoft.Resources/deployments";

/// Template-language 10: 1 to 64 characters, `[-\w._()]+`.
const NAME: NameRule = NameRule {
    min: 1,
    max: 64,
    first: is_name_char,
    rest: is_name_char,
    words: "1 to 64 letters, digits, '-', '_', '.', '(' and ')'",
};

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')')
}

/// A path below a group and below a subscription.
macro_rules! at_both_scopes {
    ($rest:literal) => {
        [
            concat!("/subscriptions/{subscription}/resourceGroups/{group}", $rest),
            concat!("/subscriptions/{subscription}", $rest),
        ]
    };
}
use at_both_scopes;

static DECLARATION: Declaration = Declaration {
    resource_type: DEPLOYMENTS,
    api_versions: &[
        "2025-04-01",
        "2024-11-01",
        "2024-03-01",
        "2022-09-01",
        "2021-04-01",
        "2020-10-01",
        "2020-06-01",
        "2019-10-01",
        "2019-05-01",
    ],
    placement: Placement::Anywhere,
    name: NAME,
    verbs: &[Verb::Get, Verb::List, Verb::Delete(204)],
    actions: &[Action::named("cancel")],
    tracked: false,
    ..Declaration::COMMON
};

/// Adds the type and its routes.
pub(crate) fn register(registry: &mut Registry) {
    let live = Arc::new(Live::default());
    registry.add_type(Deployments { live: live.clone() });
    registry.add_routes(put::routes(&live));
    registry.add_routes(validate::routes());
    registry.add_routes(what_if::routes());
    registry.add_routes(operations::routes(&live));
    registry.add_routes(statuses::routes(&live));
}

struct Deployments {
    live: Arc<Live>,
}

#[async_trait]
impl ResourceType for Deployments {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn ways(&self, cx: &Cx<'_>, asked: &Asked<'_>, own: Need) -> Result<Vec<Vec<Need>>, ArmError> {
        Ok(match asked {
            Asked::Read(id) => access::to_read(cx.snapshot, id, vec![own]),
            _ => vec![vec![own]],
        })
    }

    fn view(&self, _: &Cx<'_>, resource: &Resource) -> Value {
        record::view(resource, &self.live)
    }

    fn list(
        &self,
        cx: &Cx<'_>,
        under: &ResourceId,
        request: &Request,
    ) -> Result<Option<Vec<Arc<Resource>>>, ArmError> {
        let filter = filter::of(request)?;
        filter::check(filter.as_ref(), |leaf| wanted_state(leaf).is_some())?;
        let state = |row: &Resource| record::state(row, &self.live).to_lowercase();
        let passes = |row: &Resource| {
            let mut holds = |leaf: &Filter| wanted_state(leaf).is_some_and(|wanted| wanted == state(row));
            filter.as_ref().is_none_or(|filter| filter.holds(&mut holds))
        };
        let own = |row: &&Arc<Resource>| row.id.scope().as_ref() == Some(under) && passes(row);
        Ok(Some(
            cx.snapshot.of_type(DEPLOYMENTS).filter(own).cloned().collect(),
        ))
    }

    fn erase(&self, _: &Cx<'_>, resource: &Resource) -> Result<Erased, ArmError> {
        match self.live.progress(&resource.id) {
            None => Ok(Erased::default()),
            Some(_) => Err(live::active(&resource.id)),
        }
    }

    async fn act(&self, _: &'static Action, call: ActCall) -> Result<Reply, ArmError> {
        let id = &call.resource.id;
        let Some(progress) = self.live.progress(id) else {
            return Err(ArmError::new(
                ErrorCode::Conflict,
                format!(
                    "The deployment '{}' is not running; only a running deployment can be cancelled.",
                    id.name()
                ),
            ));
        };
        progress.cancel();
        Ok(Reply::empty(204))
    }
}

/// `provisioningState eq 'Failed'`: the state, in lower case.
fn wanted_state(leaf: &Filter) -> Option<String> {
    filter::equals(leaf)
        .filter(|(property, _)| property == "provisioningstate")
        .map(|(_, value)| value.to_lowercase())
}
