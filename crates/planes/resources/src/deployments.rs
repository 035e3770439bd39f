//! `Microsoft.Resources/deployments`: templates carried out.
//!
//! What a template means is the business of `nave-template`. This module gives it its surroundings, carries the whole
//! out in a rehearsal before anything is changed, and then makes each request of the plan through the same door as the
//! caller's own requests: each is decided on its own, recorded on its own, and checked by the rules of its type.
//!
//! A deployment's life: the row is written as `Running` before the first resource; the work goes on in a task of its
//! own, whether the client waits or not; the row is written again with what came of it. Work that is over soon is
//! over in the answer to the PUT (client contract 0.4).
//!
//! A server may be stopped at any instant. While a deployment runs, its row holds, sealed, what is needed to go on; what
//! it has done is in the log. [`Deployments::resume`] takes both and goes on where it was.
//!
//! | | |
//! |---|---|
//! | `wanted`, `links` | what the request says, and what it names by address |
//! | `prepare`, `surroundings`, `levels` | what the template comes to at its scope |
//! | `job`, `run`, `nested`, `door` | the work |
//! | `rehearse`, `validate`, `what_if` | the same work where nothing comes of it |
//! | `begin`, `record`, `resume`, `earlier` | the row, and how a stopped server goes on |

mod access;
mod begin;
mod complete;
mod door;
mod earlier;
mod export;
mod job;
mod levels;
mod links;
mod live;
mod nested;
mod on_error;
mod operations;
mod prepare;
mod put;
mod record;
mod rehearse;
mod resume;
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
    Change, CommitError, Put, PutSecrets, Registry, Reply, Request, Resource,
    decision::Need,
    declaration::{ActCall, Action, Asked, Cx, Declaration, Erased, NameRule, Placement, ResourceType, Verb},
};
use nave_outbound::Outbound;
use serde_json::Value;

use crate::filter;
use links::Links;
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

/// The deployments of an engine: what there is to do besides answering requests.
#[derive(Clone, Default)]
pub struct Deployments {
    live: Arc<Live>,
    links: Arc<Links>,
}

impl Deployments {
    /// Fetches linked templates from these hosts from now on, each named with its port where it is not that of its
    /// scheme. Without it none is asked.
    pub fn fetch_from(&self, hosts: Vec<String>, outbound: Outbound) {
        self.links.allow(hosts, outbound);
    }
}

/// Adds the type and its routes.
pub(crate) fn register(registry: &mut Registry) -> Deployments {
    let deployments = Deployments::default();
    registry.add_type(Kind {
        live: deployments.live.clone(),
    });
    registry.add_routes(put::routes(&deployments));
    registry.add_routes(validate::routes(&deployments));
    registry.add_routes(what_if::routes(&deployments));
    registry.add_routes(operations::routes(&deployments.live));
    registry.add_routes(statuses::routes());
    registry.add_routes(export::routes());
    deployments
}

struct Kind {
    live: Arc<Live>,
}

#[async_trait]
impl ResourceType for Kind {
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
        record::view(resource)
    }

    fn list(
        &self,
        cx: &Cx<'_>,
        under: &ResourceId,
        request: &Request,
    ) -> Result<Option<Vec<Arc<Resource>>>, ArmError> {
        let filter = filter::of(request)?;
        filter::check(filter.as_ref(), |leaf| wanted_state(leaf).is_some())?;
        let state = |row: &Resource| record::state(row).to_lowercase();
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
        let row = &call.resource;
        if record::state(row) != record::RUNNING {
            return Err(not_running(&row.id));
        }
        // asked for in the row as well: a server that is stopped now does not go on with it
        match call
            .engine
            .commit_for(&call.grant, cancelled(row), call.request.correlation_id)
            .await
        {
            Ok(_) => {}
            Err(CommitError::Raced) => return Err(not_running(&row.id)),
            Err(error) => return Err(error.into()),
        }
        if let Some(progress) = self.live.progress(&row.id) {
            progress.cancel();
        }
        Ok(Reply::empty(204))
    }
}

fn cancelled(row: &Resource) -> Change {
    let mut put = Put::new(row.id.clone(), row.sent.clone());
    put.own = row.own.clone();
    put.own["cancelled"] = true.into();
    put.secrets = PutSecrets::Sealed(row.sealed.as_deref().map(<[u8]>::to_vec));
    put.expect = nave_engine::Expect::Etag(row.etag.clone());
    Change {
        puts: vec![put],
        ..Change::default()
    }
}

fn not_running(id: &ResourceId) -> ArmError {
    ArmError::new(
        ErrorCode::Conflict,
        format!(
            "The deployment '{}' is not running; only a running deployment can be cancelled.",
            id.name()
        ),
    )
}

/// `provisioningState eq 'Failed'`: the state, in lower case.
fn wanted_state(leaf: &Filter) -> Option<String> {
    filter::equals(leaf)
        .filter(|(property, _)| property == "provisioningstate")
        .map(|(_, value)| value.to_lowercase())
}
