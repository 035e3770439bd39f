//! Names that become host names, and so are unique in the whole tenant whatever group they are in.

use http::Method;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Fields, Reply, Snapshot,
    declaration::NameRule,
    operation::{Access, Surface},
    route::{Call, Route},
    without_nulls,
};
use serde_json::json;

/// The names of one type.
#[derive(Debug)]
pub(crate) struct HostName {
    /// The type.
    pub resource_type: &'static str,
    /// What such a resource is called in a sentence.
    pub noun: &'static str,
    /// The rule its declaration has. Hyphens stand alone and between other characters, whatever the rule.
    pub rule: NameRule,
    /// The code of the refusal when another resource has the name.
    pub taken: ErrorCode,
    /// What `checkNameAvailability` calls a name that breaks the rule.
    pub invalid: &'static str,
}

impl HostName {
    /// The unique name a resource of this type holds.
    pub(crate) fn claim(&self, name: &str) -> String {
        format!("{}:{}", self.resource_type.to_lowercase(), name.to_lowercase())
    }

    /// The claim for a resource that is written, unless another resource has it.
    pub(crate) fn claim_for(&self, snapshot: &Snapshot, id: &ResourceId) -> Result<String, ArmError> {
        self.check(id.name())?;
        let claim = self.claim(id.name());
        match snapshot.holder(&claim) {
            Some(holder) if holder.id != *id => {
                Err(ArmError::new(self.taken, self.taken_message(id.name())).on("name"))
            }
            _ => Ok(claim),
        }
    }

    /// The route that says whether a name can be had.
    pub(crate) fn availability(&'static self, path: &'static str, action: &'static str) -> Route {
        Route::new(
            Method::POST,
            path,
            Surface::Arm,
            Access::action(action),
            move |call: Call| async move {
                let snapshot = call.engine.snapshot();
                crate::place::check(&snapshot, call.grant.id())?;
                let body = call.request.json()?;
                let name = Fields(&body).required("/name")?;
                let refusal = self.unavailable(&snapshot, name);
                let (reason, message) = refusal.clone().unzip();
                Ok(Reply::ok(without_nulls(
                    json!({ "nameAvailable": refusal.is_none(), "reason": reason, "message": message }),
                )))
            },
        )
    }

    fn unavailable(&self, snapshot: &Snapshot, name: &str) -> Option<(&'static str, String)> {
        if let Err(error) = self.check(name) {
            return Some((self.invalid, error.message));
        }
        snapshot
            .holder(&self.claim(name))
            .map(|_| ("AlreadyExists", self.taken_message(name)))
    }

    fn check(&self, name: &str) -> Result<(), ArmError> {
        self.rule.check(self.resource_type, name)?;
        if name.ends_with('-') || name.contains("--") {
            let message = format!(
                "The name '{name}' is not valid for a resource of type '{}': a hyphen is neither last nor next to \
                 another hyphen.",
                self.resource_type
            );
            return Err(ArmError::new(ErrorCode::InvalidResourceName, message).on("name"));
        }
        Ok(())
    }

    fn taken_message(&self, name: &str) -> String {
        format!("The {} named {name} is already taken.", self.noun)
    }
}
