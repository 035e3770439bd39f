//! `Microsoft.Insights/components`. The instrumentation key names a component and opens nothing; clients read it, and
//! the connection string made of it, from the resource itself.

use nave_arm::ArmError;
use nave_engine::{
    Fields, Resource,
    declaration::{Cx, Declaration, Draft, NameRule, ResourceType, Verb, Written},
};
use serde_json::{Value, json};

use crate::{
    face,
    shape::{self, ENABLED, Shape},
};

/// Components.
pub(super) struct Components;

static DECLARATION: Declaration = Declaration {
    resource_type: "Microsoft.Insights/components",
    api_versions: &[
        "2020-02-02",
        "2020-02-02-preview",
        "2018-05-01-preview",
        "2015-05-01",
        "2014-04-01",
    ],
    name: NameRule {
        words: "1 to 260 letters, digits, hyphens, points, underscores and parentheses",
        rest: |c| c.is_alphanumeric() || "-._() ".contains(c),
        ..NameRule::ANY
    },
    verbs: &[
        Verb::Get,
        Verb::List,
        Verb::Put(200, 200),
        Verb::Patch,
        Verb::Delete(200),
    ],
    ..Declaration::COMMON
};

const SHAPES: &[(&str, Shape)] = &[
    ("/properties/Application_Type", Shape::Word(&["web", "other"])),
    ("/properties/DisableIpMasking", Shape::Flag),
    ("/properties/DisableLocalAuth", Shape::Flag),
    ("/properties/publicNetworkAccessForIngestion", ENABLED),
    ("/properties/publicNetworkAccessForQuery", ENABLED),
    ("/properties/RetentionInDays", Shape::Integer(30, 730)),
    ("/properties/WorkspaceResourceId", Shape::Text),
];

impl ResourceType for Components {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        shape::check(&draft.body, SHAPES)?;
        Fields(&draft.body).link("/properties/WorkspaceResourceId")?;
        let mut written = Written::plain(draft);
        if written.own.get("properties").is_none() {
            written.own["properties"] =
                json!({ "InstrumentationKey": cx.world.new_id(), "AppId": cx.world.new_id() });
        }
        Ok(written)
    }

    fn view(&self, cx: &Cx<'_>, component: &Resource) -> Value {
        let own = |name: &str| {
            component
                .own
                .pointer(&format!("/properties/{name}"))
                .and_then(Value::as_str)
        };
        let (key, app) = (
            own("InstrumentationKey").unwrap_or_default(),
            own("AppId").unwrap_or_default(),
        );
        let origin = &cx.site.origin;
        let linked = component.text("/properties/WorkspaceResourceId").is_some();
        let defaults = json!({
            "Application_Type": "web",
            "Flow_Type": "Bluefield",
            "Request_Source": "rest",
            "RetentionInDays": 90,
            "IngestionMode": if linked { "LogAnalytics" } else { "ApplicationInsights" },
            "publicNetworkAccessForIngestion": "Enabled",
            "publicNetworkAccessForQuery": "Enabled",
        });
        let facts = json!({
            "ApplicationId": component.id.name(),
            "Name": component.id.name(),
            "AppId": app,
            "InstrumentationKey": key,
            "ConnectionString":
                format!("InstrumentationKey={key};IngestionEndpoint={origin}/;LiveEndpoint={origin}/;ApplicationId={app}"),
            "CreationDate": component.history.created_at.to_string(),
            "TenantId": component.id.subscription(),
            "provisioningState": "Succeeded",
        });
        face::shown(component, &defaults, facts)
    }
}
