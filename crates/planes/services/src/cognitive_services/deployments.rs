//! `Microsoft.CognitiveServices/accounts/deployments`: a model under a name, with capacity.
//!
//! What a deployment can do (`capabilities`) and which version it has are filled in where the body is silent, in the
//! row itself: the plane that answers its calls reads them there.

use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Fields, Resource,
    accounts::{DEPLOYMENTS, UPSTREAM_KEY},
    declaration::{Cx, Declaration, Draft, NameRule, Placement, ResourceType, Secrets, Verb, Written},
};
use serde_json::{Value, json};

use super::{kinds::Kind, models, upstream};
use crate::{
    face,
    shape::{self, Shape},
};

/// Deployments.
pub(super) struct Deployments;

static DECLARATION: Declaration = Declaration {
    resource_type: DEPLOYMENTS,
    api_versions: super::API_VERSIONS,
    placement: Placement::Parent,
    name: NameRule {
        min: 2,
        max: 64,
        first: |c| c.is_ascii_alphanumeric(),
        rest: |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'),
        words: "2 to 64 letters, digits, '-', '_' and '.', the first a letter or digit",
    },
    verbs: &[
        Verb::Get,
        Verb::List,
        Verb::Put(201, 200),
        Verb::Patch,
        Verb::Delete(200),
    ],
    tracked: false,
    secret: &[UPSTREAM_KEY],
    ..Declaration::COMMON
};

const SHAPES: &[(&str, Shape)] = &[
    ("/properties/capacitySettings", Shape::Object),
    ("/properties/model", Shape::Object),
    ("/properties/model/format", Shape::Text),
    ("/properties/model/source", Shape::Text),
    ("/properties/model/version", Shape::Text),
    ("/properties/raiPolicyName", Shape::Text),
    ("/properties/scaleSettings", Shape::Object),
    (
        "/properties/scaleSettings/capacity",
        Shape::Integer(1, models::MOST_CAPACITY),
    ),
    (
        "/properties/scaleSettings/scaleType",
        Shape::Word(&["Standard", "Manual"]),
    ),
    ("/properties/versionUpgradeOption", Shape::Word(UPGRADES)),
    ("/sku/capacity", Shape::Integer(1, models::MOST_CAPACITY)),
];

const UPGRADES: &[&str] = &[
    "OnceNewDefaultVersionAvailable",
    "OnceCurrentVersionExpired",
    "NoAutoUpgrade",
];

/// Where `az` sends numbers as texts (client contract 5).
const NUMBERS: [&str; 2] = ["/sku/capacity", "/properties/scaleSettings/capacity"];

impl ResourceType for Deployments {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, cx: &Cx<'_>, mut draft: Draft) -> Result<Written, ArmError> {
        check_account(cx, &draft)?;
        shape::check(&draft.body, SHAPES)?;
        upstream::check(&draft.body, upstream::OF_DEPLOYMENT)?;
        set_sku(&mut draft)?;
        let own = filled_in(&draft)?;
        let secrets = match draft.body.pointer(UPSTREAM_KEY) {
            None if upstream::redirects(&draft) => Secrets::Replace(json!({})),
            _ => Secrets::FromBody,
        };
        Ok(Written {
            own,
            secrets,
            ..Written::plain(draft)
        })
    }

    fn components(&self, _: &Cx<'_>, draft: &Draft) -> Vec<Value> {
        vec![component(draft)]
    }

    fn view(&self, _: &Cx<'_>, deployment: &Resource) -> Value {
        let defaults = json!({ "versionUpgradeOption": "OnceNewDefaultVersionAvailable" });
        face::shown(deployment, &defaults, json!({ "provisioningState": "Succeeded" }))
    }
}

/// The model as policies about components see it: who publishes it, and where it is registered (features POL-03).
fn component(draft: &Draft) -> Value {
    let fields = Fields(&draft.body);
    let text = |pointer: &str| fields.text(pointer).ok().flatten().unwrap_or_default();
    let (name, publisher) = (text("/properties/model/name"), text("/properties/model/format"));
    let version = match text("/properties/model/version") {
        "" => models::default_version(name),
        version => version,
    };
    let registry = models::registry(publisher);
    let facts = json!({
        "id": draft.id,
        "name": draft.id.name(),
        "type": "Microsoft.CognitiveServices.Data/accounts/deployments",
        "properties": { "model": {
            "version": version,
            "publisher": publisher,
            "registryName": registry,
            "assetId": format!("azureml://registries/{registry}/models/{name}/versions/{version}"),
        } },
    });
    let mut component = draft.body.clone();
    nave_arm::merge_patch(&mut component, &facts);
    component
}

/// Models are deployed in accounts of some kinds only.
fn check_account(cx: &Cx<'_>, draft: &Draft) -> Result<(), ArmError> {
    let account = draft.id.parent().and_then(|id| cx.snapshot.get(&id).cloned());
    let kind = account.map_or_else(String::new, |account| account.kind());
    if Kind::find(&kind).is_ok_and(Kind::hosts_models) {
        return Ok(());
    }
    let message =
        format!("Models cannot be deployed in an account of kind '{kind}'; use 'AIServices' or 'OpenAI'.");
    Err(ArmError::new(ErrorCode::InvalidResourceProperties, message).on("kind"))
}

/// The SKU in its documented casing, and capacities as numbers.
fn set_sku(draft: &mut Draft) -> Result<(), ArmError> {
    let sku = Fields(&draft.body).choice("/sku/name", &models::SKUS)?;
    let numbers = NUMBERS.map(|pointer| Fields(&draft.body).integer(pointer));
    if let Some(sku) = sku {
        draft.body["sku"]["name"] = sku.into();
    }
    for (pointer, number) in NUMBERS.into_iter().zip(numbers) {
        if let (Some(place), Some(number)) = (draft.body.pointer_mut(pointer), number?) {
            *place = number.into();
        }
    }
    Ok(())
}

/// What nave adds: the model's version and capabilities, and the SKU that old bodies spell as a scale type.
fn filled_in(draft: &Draft) -> Result<Value, ArmError> {
    let fields = Fields(&draft.body);
    fields.required("/properties/model/format")?;
    let name = fields.required("/properties/model/name")?;
    let capacity = fields.integer("/properties/scaleSettings/capacity")?.unwrap_or(1);
    Ok(json!({
        "sku": { "name": "Standard", "capacity": capacity },
        "properties": {
            "model": { "version": models::default_version(name) },
            "capabilities": models::capabilities(name),
        },
    }))
}
