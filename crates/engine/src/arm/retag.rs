//! Tags, changed by who may change tags and nothing else: the write that a PATCH of them would be, with everything that
//! judges such a write, under another permission.

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode, check_tags};
use serde_json::{Map, Value};

use super::{erase, not_found, write};
use crate::{
    Act, Change, CommitError, Engine, Grant, Request, Resource, declaration::Draft, policy::AsAsked,
    soft_delete,
};

impl Engine {
    /// Replaces the tags of the resource a grant is for by what `change` makes of them.
    pub async fn retag(
        self: &Arc<Self>,
        grant: &Grant<Act>,
        request: &Request,
        change: impl Fn(Map<String, Value>) -> Map<String, Value>,
    ) -> Result<Arc<Resource>, ArmError> {
        self.again(|| self.try_retag(grant, request, &change)).await
    }

    async fn try_retag(
        self: &Arc<Self>,
        grant: &Grant<Act>,
        request: &Request,
        change: &impl Fn(Map<String, Value>) -> Map<String, Value>,
    ) -> Result<Arc<Resource>, CommitError> {
        let id = grant.id();
        let existing = self.row(id).await?.ok_or_else(|| not_found(id))?;
        let kind = self.registry().resource_type(&id.resource_type()).cloned();
        let kind = kind.ok_or_else(|| {
            ArmError::new(
                ErrorCode::ResourceNotFound,
                format!("There is no resource at '{id}' that has tags."),
            )
        })?;
        write::check_precondition(request, Some(&existing), id)?;
        let before = existing.value("/tags").and_then(Value::as_object).cloned();
        let mut tags = change(before.unwrap_or_default());
        check_tags(&tags, "properties.tags")?;
        tags.retain(|_, value| !value.is_null());
        let mut body = existing.sent.clone();
        body["tags"] = Value::Object(tags);
        let snapshot = self.snapshot();
        let cx = self.cx(&snapshot, grant.caller());
        let draft = Draft {
            id: existing.id.clone(),
            body,
            existing: Some(existing),
        };
        let as_asked = AsAsked {
            api_version: request.query("api-version").map(str::to_owned),
            tags_only: true,
        };
        let mut change = Change::default();
        write::stage_as(self, &cx, &*kind, draft, &as_asked, &mut change)?;
        let stored = erase::stage_stored_below(self, &mut change).await?;
        soft_delete::keep(self, &cx, &mut change, stored)?;
        let done = self.commit_for(grant, change, request.correlation_id).await?;
        Ok(done.resources.first().cloned().ok_or_else(|| not_found(id))?)
    }
}
