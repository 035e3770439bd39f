//! What is judged: a resource as a GET shows it, and what stands around it.

use serde_json::Value;

use crate::words::{last_segment, part, text_part};

/// A resource, or a component of one, with its surroundings. Everything is plain data; nothing is looked up while judging.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The resource in the shape of a GET: `id`, `name`, `type`, `location`, `tags`, `kind`, `identity`, `sku`, `properties`.
    pub resource: &'a Value,
    /// The resource's id.
    pub id: &'a str,
    /// `resourceGroup()`: the group as a GET shows it; `None` for what lies in no group.
    pub group: Option<&'a Value>,
    /// `subscription()`: `{id, subscriptionId, tenantId, displayName, tags}`; `None` above subscriptions.
    pub subscription: Option<&'a Value>,
    /// The request under judgement; `None` where a stored resource is judged.
    pub request: Option<Request<'a>>,
    /// `utcNow()`: the time in ISO 8601, such as `2026-11-24T16:12:42Z`.
    pub now: &'a str,
    /// Whether the type has tags and a location, which mode `Indexed` asks for.
    pub indexed: bool,
    /// Whether the request changes tags alone: then only policies that read tags judge it.
    pub tags_only: bool,
}

/// `requestContext()`.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The api-version of the request.
    pub api_version: &'a str,
    /// The claims of the caller, an object; null where they are not known.
    pub identity: &'a Value,
}

impl<'a> Subject<'a> {
    /// A resource by itself, at a time: its id is its `id`, and it counts as indexed when it has a location or tags, or is
    /// no child of another resource.
    #[must_use]
    pub fn of(resource: &'a Value, now: &'a str) -> Self {
        let resource_type = text_part(resource, "type").unwrap_or_default();
        let is_tracked = part(resource, "location").is_some() || part(resource, "tags").is_some();
        Self {
            resource,
            id: text_part(resource, "id").unwrap_or_default(),
            group: None,
            subscription: None,
            request: None,
            now,
            indexed: is_tracked || resource_type.matches('/').count() == 1,
            tags_only: false,
        }
    }

    /// The type, as the resource spells it.
    #[must_use]
    pub fn resource_type(&self) -> &'a str {
        text_part(self.resource, "type").unwrap_or_default()
    }

    /// The last segment of the name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        let name = text_part(self.resource, "name").unwrap_or(self.id);
        last_segment(name)
    }

    /// The location, where the resource has one.
    #[must_use]
    pub fn location(&self) -> Option<&'a str> {
        text_part(self.resource, "location")
    }
}
