//! A decision as events keep it: who asked what, and what conditions could see. What it was decided on is the state of
//! its revision, which the store has for ever; together they are enough to decide again, and to say why.

use std::sync::Arc;

use jiff::Timestamp;
use nave_arm::ResourceId;
use nave_rbac::{Attributes, Plane, Refusal};
use nave_store::Revision;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Caller, CallerKind, Decision, Proof, Registry, SignIn,
    decision::{Basis, Finding, Need, Outcome, Question},
    locks::Lock,
    operation::Surface,
};

impl Decision {
    /// The decision as events keep it.
    #[must_use]
    pub fn record(&self) -> Value {
        let mut record = json!({
            "id": self.id,
            "revision": self.revision,
            "at": self.asked_at,
            "surface": self.surface.word(),
            "caller": caller(&self.caller),
            "allowed": self.allowed,
            "findings": self.findings.iter().map(Finding::record).collect::<Vec<_>>(),
        });
        if !self.others.is_empty() {
            let ways = self.others.iter();
            record["others"] = ways
                .map(|way| way.iter().map(need).collect::<Vec<_>>())
                .collect::<Vec<_>>()
                .into();
        }
        record
    }
}

impl Finding {
    pub(crate) fn record(&self) -> Value {
        let reason = match &self.outcome {
            Outcome::Granted(reason) => {
                json!({"assignment": reason.assignment().as_str(), "role": reason.role(), "roleName": reason.role_name(),
                       "pattern": &*reason.pattern, "throughGroup": reason.through_group})
            }
            Outcome::Rule(rule) => json!(rule),
            Outcome::Refused(Refusal::DenyAssignment { id }) => json!({"denyAssignment": id.as_str()}),
            Outcome::Refused(refusal) => json!(refusal.to_string()),
            Outcome::Locked(locks) => json!({ "locks": locks.iter().map(Lock::record).collect::<Vec<_>>() }),
            _ => Value::Null,
        };
        let asked = Asked {
            operation: &self.operation,
            plane: self.plane,
            scope: &self.scope,
            basis: self.basis,
            attributes: &self.attributes,
        };
        let mut record = asked.record();
        record["outcome"] = self.outcome.word().into();
        record["reason"] = reason;
        record
    }
}

/// What a need and a finding have in common.
struct Asked<'a> {
    operation: &'a str,
    plane: Plane,
    scope: &'a ResourceId,
    basis: Basis,
    attributes: &'a Attributes,
}

impl Asked<'_> {
    /// The usual is left out: a control-plane operation that was asked for itself.
    fn record(&self) -> Value {
        let mut record = json!({ "operation": self.operation, "scope": self.scope.as_str() });
        if self.plane == Plane::Data {
            record["plane"] = "data".into();
        }
        match self.basis {
            Basis::Own => {}
            Basis::Linked => record["basis"] = "linked".into(),
            Basis::SignedIn => record["basis"] = "signedIn".into(),
            Basis::Along => record["basis"] = "along".into(),
            Basis::Role(gate) => record["basis"] = gate.rule.into(),
        }
        if !self.attributes.is_empty() {
            record["attributes"] = self.attributes.to_json();
        }
        record
    }
}

fn need(need: &Need) -> Value {
    Asked {
        operation: &need.operation,
        plane: need.plane,
        scope: &need.scope,
        basis: need.basis,
        attributes: &need.attributes,
    }
    .record()
}

fn caller(caller: &Caller) -> Value {
    let SignIn {
        session,
        methods,
        address,
        proof,
        ..
    } = &caller.sign_in;
    let mut record = json!({ "id": caller.object_id, "name": caller.name, "kind": caller.kind_word() });
    if let CallerKind::AccountKey { account, key } = &caller.kind {
        record["account"] = account.as_str().into();
        record["key"] = key.as_str().into();
    }
    if !caller.audience.is_empty() {
        record["audience"] = caller.audience.as_str().into();
    }
    if let Some(session) = session {
        record["session"] = session.to_string().into();
    }
    if !methods.is_empty() {
        record["methods"] = json!(methods);
    }
    if let Some(address) = address {
        record["address"] = address.to_string().into();
    }
    if let Proof::Epoch(epoch) = proof {
        record["epoch"] = (*epoch).into();
    }
    record
}

impl Caller {
    /// The caller as events keep it.
    #[must_use]
    pub fn record(&self) -> Value {
        caller(self)
    }

    /// Reads what [`Self::record`] wrote.
    #[must_use]
    pub fn from_record(record: &Value) -> Option<Self> {
        read_caller(record)
    }
}

/// A recorded decision, read again.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) id: Uuid,
    pub(crate) revision: Revision,
    pub(crate) caller: Caller,
    pub(crate) question: Question,
    pub(crate) allowed: bool,
}

impl Recorded {
    /// Reads what [`Decision::record`] wrote. `None` where an older release wrote less.
    pub(crate) fn read(registry: &Registry, record: &Value) -> Option<Self> {
        let text = |name: &str| record.get(name).and_then(Value::as_str);
        let way = |way: &Value| -> Option<Vec<Need>> {
            let needs = way.as_array()?.iter().map(|need| read_need(registry, need));
            needs.collect()
        };
        let first = way(record.get("findings")?)?;
        let others = record.get("others").and_then(Value::as_array);
        let others = others
            .into_iter()
            .flatten()
            .map(way)
            .collect::<Option<Vec<_>>>()?;
        Some(Self {
            id: text("id")?.parse().ok()?,
            revision: record.get("revision")?.as_i64()?,
            caller: read_caller(record.get("caller")?)?,
            question: Question {
                surface: Surface::named(text("surface")?)?,
                alternatives: std::iter::once(first).chain(others).collect(),
                now: text("at")?.parse::<Timestamp>().ok()?,
            },
            allowed: record.get("allowed")?.as_bool()?,
        })
    }
}

fn read_need(registry: &Registry, record: &Value) -> Option<Need> {
    let text = |name: &str| record.get(name).and_then(Value::as_str);
    Some(Need {
        operation: text("operation")?.to_owned().into(),
        plane: match text("plane") {
            Some("data") => Plane::Data,
            _ => Plane::Control,
        },
        scope: ResourceId::parse(text("scope")?).ok()?,
        basis: match text("basis") {
            None => Basis::Own,
            Some("linked") => Basis::Linked,
            Some("signedIn") => Basis::SignedIn,
            Some("along") => Basis::Along,
            Some(rule) => Basis::Role(registry.gate(rule)?),
        },
        attributes: record
            .get("attributes")
            .map(Attributes::from_json)
            .unwrap_or_default(),
    })
}

fn read_caller(record: &Value) -> Option<Caller> {
    let text = |name: &str| record.get(name).and_then(Value::as_str);
    let methods = record.get("methods").and_then(Value::as_array);
    let methods: Arc<[String]> = methods
        .into_iter()
        .flatten()
        .filter_map(|method| method.as_str().map(str::to_owned))
        .collect();
    let name = text("name")?.to_owned();
    Some(Caller {
        object_id: text("id")?.parse().ok()?,
        kind: match text("kind")? {
            "User" => CallerKind::User,
            "ManagedIdentity" => CallerKind::ManagedIdentity,
            "Key" => CallerKind::AccountKey {
                account: ResourceId::parse(text("account")?).ok()?,
                key: text("key")?.to_owned(),
            },
            _ if name == Caller::system().name => CallerKind::System,
            _ => CallerKind::ServicePrincipal,
        },
        name,
        audience: text("audience").unwrap_or_default().to_owned(),
        sign_in: SignIn {
            session: text("session").and_then(|session| session.parse().ok()),
            methods,
            address: text("address").and_then(|address| address.parse().ok()),
            proof: record
                .get("epoch")
                .and_then(Value::as_u64)
                .map_or(Proof::None, Proof::Epoch),
            ..SignIn::default()
        },
    })
}

#[cfg(test)]
mod tests {
    use nave_rbac::Source;

    use super::*;
    use crate::decision::RoleGate;

    static GATE: RoleGate = RoleGate {
        rule: "TestGate",
        roles: &[],
        names: "none",
    };

    #[test]
    fn a_record_is_enough_to_ask_again() {
        let mut registry = Registry::default();
        registry.add_gate(&GATE);
        let group = ResourceId::of_resource_group("s", "G");
        let sent = Attributes::new().with(Source::Request, "a:b", "x");
        let ways = vec![
            vec![
                Need::action("A/b/write", group.clone()).through(&GATE).with(sent),
                Need::data("A/b/read", group.clone()).linked(),
            ],
            vec![Need::action("A/c/read", group).signed_in()],
        ];
        let caller = Caller {
            object_id: Uuid::from_u128(7),
            name: String::from("joe"),
            kind: CallerKind::User,
            audience: String::from("https://a"),
            sign_in: SignIn {
                session: Some(Uuid::from_u128(8)),
                methods: [String::from("pwd"), String::from("mfa")].into(),
                address: Some([10, 0, 0, 1].into()),
                proof: Proof::Epoch(3),
                ..SignIn::default()
            },
        };
        let now = Timestamp::from_second(1_000_000).expect("time");
        let question = Question {
            surface: Surface::Inference,
            alternatives: ways,
            now,
        };
        let decision = crate::decision::decide(
            &crate::Snapshot::empty(),
            "https://nave",
            Uuid::from_u128(9),
            &caller,
            &question,
        );
        let read = Recorded::read(&registry, &decision.record()).expect("record");
        assert_eq!(read.caller, caller);
        assert_eq!(
            format!("{:?}", read.question.alternatives),
            format!("{:?}", question.alternatives)
        );
        assert_eq!(
            (read.question.surface, read.question.now),
            (Surface::Inference, now)
        );
        assert_eq!((read.id, read.revision, read.allowed), (decision.id, 0, false));
    }

    #[test]
    fn keys_are_callers_too() {
        let key = Caller {
            kind: CallerKind::AccountKey {
                account: ResourceId::of_resource_group("s", "g"),
                key: String::from("key1"),
            },
            ..Caller::nobody()
        };
        for somebody in [key, Caller::system()] {
            assert_eq!(read_caller(&caller(&somebody)), Some(somebody));
        }
    }
}
