//! The kinds of account and the SKUs each is sold in. What a kind can do depends on its data plane; here it says
//! what may be created, and whether models are deployed in it.

use http::Method;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Reply,
    accounts::ACCOUNTS,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Value, json};

use crate::place;

/// One kind of account.
#[derive(Debug)]
pub(super) struct Kind {
    /// The name in its documented casing.
    pub name: &'static str,
    /// The names of its SKUs.
    pub skus: &'static [&'static str],
}

const FREE_AND_STANDARD: &[&str] = &["F0", "S0"];

const KINDS: &[Kind] = &[
    Kind {
        name: "AIServices",
        skus: &["S0"],
    },
    Kind {
        name: "CognitiveServices",
        skus: &["S0"],
    },
    Kind {
        name: "ComputerVision",
        skus: &["F0", "S1"],
    },
    Kind {
        name: "ContentSafety",
        skus: FREE_AND_STANDARD,
    },
    Kind {
        name: "CustomVision.Prediction",
        skus: FREE_AND_STANDARD,
    },
    Kind {
        name: "CustomVision.Training",
        skus: FREE_AND_STANDARD,
    },
    Kind {
        name: "Face",
        skus: FREE_AND_STANDARD,
    },
    Kind {
        name: "FormRecognizer",
        skus: FREE_AND_STANDARD,
    },
    Kind {
        name: "LUIS",
        skus: FREE_AND_STANDARD,
    },
    Kind {
        name: "LUIS.Authoring",
        skus: &["F0"],
    },
    Kind {
        name: "OpenAI",
        skus: &["S0"],
    },
    Kind {
        name: "SpeechServices",
        skus: FREE_AND_STANDARD,
    },
    Kind {
        name: "TextAnalytics",
        skus: &["F0", "S"],
    },
    Kind {
        name: "TextTranslation",
        skus: &["F0", "S1", "S2", "S3", "S4", "C2", "C3", "C4", "D3"],
    },
];

impl Kind {
    /// The kind of this name, without case.
    pub(super) fn find(name: &str) -> Result<&'static Self, ArmError> {
        KINDS
            .iter()
            .find(|kind| kind.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
                let message = format!(
                    "The account kind '{name}' is not one of '{}'.",
                    known.join("', '")
                );
                ArmError::new(ErrorCode::InvalidParameter, message).on("kind")
            })
    }

    /// Its SKU of this name, without case.
    pub(super) fn sku(&self, name: &str) -> Result<&'static str, ArmError> {
        self.skus
            .iter()
            .find(|sku| sku.eq_ignore_ascii_case(name))
            .copied()
            .ok_or_else(|| {
                let message = format!(
                    "The SKU '{name}' is not sold for accounts of kind '{}'; its SKUs are '{}'.",
                    self.name,
                    self.skus.join("', '")
                );
                ArmError::new(ErrorCode::InvalidParameter, message).on("sku.name")
            })
    }

    /// Whether models are deployed in accounts of this kind.
    pub(super) fn hosts_models(&self) -> bool {
        matches!(self.name, "OpenAI" | "AIServices")
    }

    /// Whether an account may become one of the other kind: an OpenAI account can be upgraded, and go back.
    pub(super) fn becomes(&self, other: &Self) -> bool {
        self.name == other.name || self.hosts_models() && other.hosts_models()
    }
}

pub(super) fn routes() -> [Route; 2] {
    let all = "/subscriptions/{subscription}/providers/Microsoft.CognitiveServices/skus";
    let one = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.CognitiveServices/accounts/{name}/skus";
    let access = |action| Access::action(format!("Microsoft.CognitiveServices/{action}"));
    [
        Route::new(Method::GET, all, Surface::Arm, access("skus/read"), list),
        place::about(
            Route::new(
                Method::GET,
                one,
                Surface::Arm,
                access("accounts/skus/read"),
                of_account,
            ),
            ACCOUNTS,
        ),
    ]
}

async fn list(call: Call) -> Result<Reply, ArmError> {
    place::check(&call.engine.snapshot(), call.grant.id())?;
    let locations: Vec<String> = call
        .engine
        .site()
        .locations
        .iter()
        .map(|place| place.name.to_uppercase())
        .collect();
    let skus = KINDS
        .iter()
        .flat_map(|kind| kind.skus.iter().map(move |sku| (kind, *sku)));
    let value: Vec<Value> = skus
        .map(|(kind, sku)| {
            json!({ "resourceType": "accounts", "kind": kind.name, "name": sku, "tier": tier(sku),
                    "locations": locations, "restrictions": [] })
        })
        .collect();
    Ok(Reply::ok(json!({ "value": value })))
}

async fn of_account(call: Call) -> Result<Reply, ArmError> {
    let account = place::resource(&call)?;
    let kind = Kind::find(&account.kind())?;
    let skus = kind
        .skus
        .iter()
        .map(|sku| json!({ "name": sku, "tier": tier(sku) }));
    let value: Vec<Value> = skus
        .map(|sku| json!({ "resourceType": ACCOUNTS, "sku": sku }))
        .collect();
    Ok(Reply::ok(json!({ "value": value })))
}

fn tier(sku: &str) -> &'static str {
    if sku.starts_with('F') { "Free" } else { "Standard" }
}
