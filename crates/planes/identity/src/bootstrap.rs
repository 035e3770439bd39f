//! The first rows of a directory. An installation that starts has nobody who could ask for them, so `nave up` stores
//! them itself, in the same form that Graph requests do:
//!
//! ```no_run
//! # use nave_engine::{Act, Change, Engine};
//! # use nave_identity::bootstrap::{NewUser, user_row};
//! # use nave_vault::{Secret, SystemRandom};
//! # async fn first(engine: &Engine) -> Result<(), Box<dyn std::error::Error>> {
//! let admin = NewUser {
//!     id: engine.world().new_id(),
//!     user_principal_name: "admin@contoso.com",
//!     display_name: "Administrator",
//!     password: &Secret::new(String::from("correct horse battery staple")),
//! };
//! let row = user_row(&SystemRandom, &admin);
//! let grant = engine.on_own_account::<Act>("Microsoft.Graph/users/write", &row.id);
//! engine.commit(&grant, Change { puts: vec![row], ..Change::default() }).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Hashing a password takes some tens of milliseconds of a processor.

use jiff::Timestamp;
use nave_engine::{
    Expect, Put, PutSecrets,
    directory::{self, app_claim},
    principal_claim,
};
use nave_vault::{Random, Secret, password};
use serde_json::json;
use uuid::Uuid;

use crate::graph::{application_claims, sealed_password, user_claims};

/// A person to be.
#[derive(Debug)]
pub struct NewUser<'a> {
    /// The object id. It must stay the same for a name: clients file what they cache under both.
    pub id: Uuid,
    /// The name to sign in with, `name@domain`.
    pub user_principal_name: &'a str,
    /// What people call him.
    pub display_name: &'a str,
    /// The password.
    pub password: &'a Secret<String>,
}

/// An application to be, with its service principal.
#[derive(Debug)]
pub struct NewApplication<'a> {
    /// The object id of the registration.
    pub id: Uuid,
    /// The application id, which it signs in with.
    pub app_id: Uuid,
    /// The object id of the service principal, which roles are given to.
    pub service_principal_id: Uuid,
    /// What people call it.
    pub display_name: &'a str,
    /// Its secret, if it has one.
    pub secret: Option<NewSecret<'a>>,
    /// Where it may send people back to, as a server that keeps its secret.
    pub web_redirect_uris: &'a [&'a str],
}

/// An application's secret.
#[derive(Debug)]
pub struct NewSecret<'a> {
    /// Its id.
    pub key_id: Uuid,
    /// The secret.
    pub text: &'a Secret<String>,
    /// When it stops working.
    pub ends: Timestamp,
}

/// The row of a person. It fails to commit where the object or the name is there already.
#[must_use]
pub fn user_row(random: &dyn Random, user: &NewUser<'_>) -> Put {
    let sent = json!({
        "id": user.id, "userPrincipalName": user.user_principal_name, "displayName": user.display_name,
        "mailNickname": user.user_principal_name.split('@').next(), "accountEnabled": true,
    });
    let mut put = Put::new(directory::object_id(directory::USERS, user.id), sent);
    put.claims = user_claims(user.id, user.user_principal_name, &put.own);
    put.secrets = sealed_password(&password::hash_with(random, user.password));
    put.expect = Expect::Absent;
    put
}

/// The row of a group with these members.
#[must_use]
pub fn group_row(id: Uuid, display_name: &str, members: &[Uuid]) -> Put {
    let sent = json!({
        "id": id, "displayName": display_name, "securityEnabled": true, "mailEnabled": false, "members": members,
    });
    let mut put = Put::new(directory::object_id(directory::GROUPS, id), sent);
    put.claims = vec![principal_claim(id)];
    put.expect = Expect::Absent;
    put
}

/// The rows of an application: its registration and its service principal.
#[must_use]
pub fn application_rows(random: &dyn Random, application: &NewApplication<'_>) -> [Put; 2] {
    let NewApplication {
        id,
        app_id,
        service_principal_id,
        display_name,
        secret,
        web_redirect_uris,
    } = application;
    let listed = secret.as_ref().map(|secret| {
        json!({
            "customKeyIdentifier": null, "displayName": null, "endDateTime": secret.ends.to_string(), "hint": null,
            "keyId": secret.key_id, "secretText": null, "startDateTime": null,
        })
    });
    let sent = json!({
        "id": id, "appId": app_id, "displayName": display_name, "identifierUris": [],
        "web": { "redirectUris": web_redirect_uris },
        "passwordCredentials": listed.into_iter().collect::<Vec<_>>(),
    });
    let claims = application_claims(&sent);
    let mut registration = Put::new(directory::object_id(directory::APPLICATIONS, *id), sent);
    registration.claims = claims;
    registration.expect = Expect::Absent;
    if let Some(secret) = secret {
        let hash = password::hash_with(random, secret.text);
        registration.secrets = PutSecrets::Plain(json!({ "secrets": { secret.key_id.to_string(): hash } }));
    }
    let sent = json!({
        "id": service_principal_id, "appId": app_id, "displayName": display_name, "appDisplayName": display_name,
        "accountEnabled": true, "servicePrincipalType": "Application", "servicePrincipalNames": [app_id],
    });
    let mut principal = Put::new(
        directory::object_id(directory::SERVICE_PRINCIPALS, *service_principal_id),
        sent,
    );
    principal.claims = vec![
        principal_claim(*service_principal_id),
        app_claim(&app_id.to_string()),
    ];
    principal.expect = Expect::Absent;
    [registration, principal]
}
