//! A model call from its decision to its reply.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Act, Grant, Reply, live::Work, route::Call};
use serde_json::{Value, json};

use crate::{
    Inference, account,
    ask::{Ask, Kind},
    broker,
    deliver::deliver,
    model::Model,
    outbound::Outbound,
    place::Named,
    record::{Record, Subject},
};

/// Where a call goes, and what is recorded of that.
struct Way {
    model: Box<dyn Model>,
    /// The connection it goes through.
    through: Option<ResourceId>,
    /// The deployment of this server that it ends at.
    deployment: Option<ResourceId>,
    /// Leave to enter the account behind the connection.
    entered: Option<Grant<Act>>,
    facts: Value,
}

impl Way {
    /// The call as live work: it ends when one of its grants does, or when something on its way is gone.
    fn work(&self, grant: &Grant<Act>) -> Work {
        let mut work = Work::of(grant);
        if let Some(entered) = &self.entered {
            work = work.and(entered);
        }
        if let Some(connection) = self.through.clone() {
            let project = grant.id().clone();
            work = work.while_there(move |snapshot| broker::still_sees(snapshot, &project, &connection));
        }
        if let Some(deployment) = self.deployment.clone() {
            work = work.while_there(move |snapshot| account::still_there(snapshot, &deployment));
        }
        work
    }
}

/// Answers a call that was allowed.
pub(crate) async fn answer(inference: &Inference, kind: Kind, call: Call) -> Result<Reply, ArmError> {
    let body = call.request.body.clone();
    let ask = Ask::read(kind, &body)?;
    let outbound = Outbound {
        inference,
        engine: &call.engine,
        grant: &call.grant,
    };
    let way = match call.params.get("project") {
        "" => to_account(outbound, &call, &ask)?,
        _ => to_project(outbound, &call, &ask).await?,
    };
    let mut held = call.engine.hold(way.work(&call.grant));
    let Way {
        model,
        through,
        mut facts,
        ..
    } = way;
    facts["call"] = json!(call.engine.world().new_id());
    facts["stream"] = ask.stream.into();
    let Call {
        engine,
        grant,
        request,
        ..
    } = call;
    let subject = Subject {
        engine,
        grant,
        correlation_id: request.correlation_id,
        through,
        facts,
    };
    let mut record = Record::open(&inference.unsettled, subject);
    let answered = async { tokio::try_join!(record.opened(), async { Ok(model.answer(&ask).await) }) };
    let answered = tokio::select! {
        answered = answered => Ok(answered?.1),
        cut = held.cut() => Err(cut),
    };
    match answered {
        Ok(answer) => Ok(deliver(answer, &ask, record, held)),
        Err(cut) => {
            let refusal = cut.refusal.clone();
            record.cut(cut, json!({})).await?;
            Err(refusal)
        }
    }
}

fn to_account(outbound: Outbound<'_>, call: &Call, ask: &Ask<'_>) -> Result<Way, ArmError> {
    let snapshot = call.engine.snapshot();
    let named = Named::in_path(&call.params).map_or_else(|| model_of(ask), |named| Ok(named.deployment))?;
    let account = call.grant.id();
    let deployment = account::deployment(&snapshot, account, named)?;
    Ok(Way {
        model: outbound.to_deployment(&snapshot, deployment, ask.kind)?,
        through: None,
        deployment: Some(deployment.id.clone()),
        entered: None,
        facts: json!({ "account": account.as_str(), "deployment": deployment.id.name() }),
    })
}

async fn to_project(outbound: Outbound<'_>, call: &Call, ask: &Ask<'_>) -> Result<Way, ArmError> {
    let snapshot = call.engine.snapshot();
    let project = call.grant.id();
    let seen = broker::model_connections(&snapshot, project);
    let named = match Named::in_path(&call.params) {
        Some(named) => named,
        None => Named::in_model(model_of(ask)?, &seen),
    };
    let broker::Found {
        connection,
        deployment,
    } = broker::find(&snapshot, call.engine.site(), &seen, project, named)?;
    let mut facts = json!({
        "project": project.as_str(), "connection": connection.id.as_str(), "deployment": named.deployment,
    });
    let account = deployment.as_ref().and_then(|deployment| deployment.id.parent());
    let (model, entered) = match (&deployment, &account) {
        (Some(deployment), Some(account)) => {
            let entered = broker::enter(outbound, call, &snapshot, &connection, account).await?;
            facts["account"] = account.as_str().into();
            (
                outbound.to_deployment(&snapshot, deployment, ask.kind)?,
                Some(entered),
            )
        }
        _ => (outbound.to_connection(&connection, named.deployment)?, None),
    };
    Ok(Way {
        model,
        through: Some(connection.id.clone()),
        deployment: deployment.map(|deployment| deployment.id.clone()),
        entered,
        facts,
    })
}

/// The deployment that a body names, where the path does not.
fn model_of<'a>(ask: &'a Ask<'_>) -> Result<&'a str, ArmError> {
    ask.model
        .as_deref()
        .filter(|model| !model.is_empty())
        .ok_or_else(|| {
            ArmError::new(
                ErrorCode::InvalidRequestFormat,
                "'model' is a required property: the name of a deployment.",
            )
            .on("model")
        })
}
