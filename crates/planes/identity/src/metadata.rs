//! `GET /metadata/endpoints`: how `az cloud register`, the SDKs and Terraform find everything else.
//!
//! The shape follows the api-version (client contract 1.2): before 2018 the old object, from 2018 a list of clouds,
//! from 2022-09-01 one object.

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route},
    site::Site,
};
use serde_json::{Value, json};

use crate::paths;

/// The first version that wants one object.
const OBJECT: &str = "2022-09-01";
/// The first version that wants a list.
const LIST: &str = "2018";

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(
        Method::GET,
        "/metadata/endpoints",
        Surface::Arm,
        Access::Public,
        endpoints,
    )]
}

async fn endpoints(call: Call) -> Result<Reply, ArmError> {
    let version = call.request.query("api-version").unwrap_or(OBJECT);
    Ok(Reply::ok(document(call.engine.site(), version)))
}

fn document(site: &Site, version: &str) -> Value {
    if version < LIST {
        first_form(site)
    } else if version < OBJECT {
        json!([cloud(site)])
    } else {
        cloud(site)
    }
}

fn first_form(site: &Site) -> Value {
    json!({
        "galleryEndpoint": site.origin,
        "graphEndpoint": format!("{}/graph/", site.origin),
        "portalEndpoint": site.origin,
        "authentication": authentication(site),
    })
}

/// The cloud. Members are filled even where nave has nothing behind them: `az` raises on a missing one.
fn cloud(site: &Site) -> Value {
    let origin = &site.origin;
    let graph = format!("{origin}/graph/");
    json!({
        "name": site.cloud,
        "portal": origin,
        "resourceManager": origin,
        "authentication": authentication(site),
        "graph": graph,
        "graphAudience": graph,
        "microsoftGraphResourceId": graph,
        "gallery": origin,
        "media": origin,
        "batch": origin,
        "sqlManagement": origin,
        "vmImageAliasDoc": origin,
        "activeDirectoryDataLake": origin,
        "logAnalyticsResourceId": origin,
        "appInsightsResourceId": origin,
        "appInsightsTelemetryChannelResourceId": origin,
        "synapseAnalyticsResourceId": origin,
        "attestationResourceId": origin,
        "ossrDbmsResourceId": origin,
        "suffixes": suffixes(&site.authority),
    })
}

/// `identityProvider` and `tenant` are what keeps Terraform from taking this for Azure Stack (client contract 11).
fn authentication(site: &Site) -> Value {
    json!({
        "loginEndpoint": paths::login_endpoint(site),
        "audiences": [site.origin, "https://management.azure.com/"],
        "tenant": "common",
        "identityProvider": "AAD",
    })
}

/// Clients put an account's name before these. Storage clients look for `.core.` in the result.
fn suffixes(authority: &str) -> Value {
    json!({
        "storage": format!("core.{authority}"),
        "keyVaultDns": format!("vault.{authority}"),
        "mhsmDns": format!("managedhsm.{authority}"),
        "acrLoginServer": format!("azurecr.{authority}"),
        "sqlServerHostname": format!("database.{authority}"),
        "mysqlServerEndpoint": format!("mysql.database.{authority}"),
        "mariadbServerEndpoint": format!("mariadb.database.{authority}"),
        "postgresqlServerEndpoint": format!("postgres.database.{authority}"),
        "azureDataLakeStoreFileSystem": format!("azuredatalakestore.{authority}"),
        "azureDataLakeAnalyticsCatalogAndJob": format!("azuredatalakeanalytics.{authority}"),
        "azureFrontDoorEndpointSuffix": format!("azurefd.{authority}"),
        "storageSyncEndpointSuffix": format!("afs.{authority}"),
        "synapseAnalytics": format!("azuresynapse.{authority}"),
        "attestationEndpoint": format!("attest.{authority}"),
    })
}
