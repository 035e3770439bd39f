//! The kinds of directory object: what each is called, what it starts with, and what nobody sets.

use std::sync::Arc;

use nave_arm::ResourceId;
use nave_engine::{Resource, Snapshot, directory};
use serde_json::{Value, json};
use uuid::Uuid;

/// A kind of directory object.
pub(crate) struct Kind {
    /// The collection's name in paths and contexts.
    pub(super) collection: &'static str,
    /// The type of its rows, which also names its permissions.
    pub(super) row: &'static str,
    /// The type as Graph spells it.
    pub(super) odata_type: &'static str,
    /// What only nave sets.
    pub(super) read_only: &'static [&'static str],
    /// What an object has where nobody said anything.
    pub(super) defaults: fn() -> Value,
}

impl Kind {
    /// The permission for a verb.
    pub(crate) fn operation(&self, verb: &str) -> String {
        format!("{}/{verb}", self.row)
    }

    /// The id of an object's row.
    pub(super) fn id(&self, object: Uuid) -> ResourceId {
        directory::object_id(self.row, object)
    }
}

pub(crate) static USER: Kind = Kind {
    collection: "users",
    row: directory::USERS,
    odata_type: "#microsoft.graph.user",
    read_only: &["id", "createdDateTime"],
    defaults: || {
        json!({
            "businessPhones": [], "displayName": null, "givenName": null, "jobTitle": null, "mail": null,
            "mobilePhone": null, "officeLocation": null, "preferredLanguage": null, "surname": null,
            "userPrincipalName": null, "accountEnabled": true, "userType": "Member",
        })
    },
};

pub(crate) static GROUP: Kind = Kind {
    collection: "groups",
    row: directory::GROUPS,
    odata_type: "#microsoft.graph.group",
    read_only: &["id", "createdDateTime", "members", "owners", "memberOf"],
    defaults: || {
        json!({
            "displayName": null, "description": null, "groupTypes": [], "mail": null, "mailEnabled": false,
            "mailNickname": null, "securityEnabled": true, "visibility": null, "membershipRule": null,
            "onPremisesSyncEnabled": null, "proxyAddresses": [],
        })
    },
};

pub(super) static APPLICATION: Kind = Kind {
    collection: "applications",
    row: directory::APPLICATIONS,
    odata_type: "#microsoft.graph.application",
    read_only: &[
        "id",
        "appId",
        "createdDateTime",
        "owners",
        "passwordCredentials",
        "publisherDomain",
    ],
    defaults: || {
        json!({
            "displayName": null, "identifierUris": [], "signInAudience": "AzureADMyOrg", "tags": [],
            "isFallbackPublicClient": null, "notes": null, "appRoles": [], "requiredResourceAccess": [],
            "keyCredentials": [], "passwordCredentials": [], "api": {}, "info": {}, "optionalClaims": null,
            "publicClient": { "redirectUris": [] }, "spa": { "redirectUris": [] },
            "web": {
                "homePageUrl": null, "redirectUris": [],
                "implicitGrantSettings": { "enableAccessTokenIssuance": false, "enableIdTokenIssuance": false },
            },
        })
    },
};

pub(super) static SERVICE_PRINCIPAL: Kind = Kind {
    collection: "servicePrincipals",
    row: directory::SERVICE_PRINCIPALS,
    odata_type: "#microsoft.graph.servicePrincipal",
    read_only: &[
        "id",
        "appId",
        "appDisplayName",
        "appOwnerOrganizationId",
        "createdDateTime",
        "owners",
        "passwordCredentials",
        "servicePrincipalNames",
        "servicePrincipalType",
        "alternativeNames",
    ],
    defaults: || {
        json!({
            "displayName": null, "accountEnabled": true, "alternativeNames": [], "appDisplayName": null,
            "appRoleAssignmentRequired": false, "appRoles": [], "homepage": null, "keyCredentials": [],
            "notes": null, "oauth2PermissionScopes": [], "passwordCredentials": [], "replyUrls": [],
            "servicePrincipalNames": [], "servicePrincipalType": "Application", "tags": [],
        })
    },
};

/// Any of them: paths below `/directoryObjects` do not say which.
pub(super) static DIRECTORY_OBJECT: Kind = Kind {
    collection: "directoryObjects",
    row: "Microsoft.Graph/directoryObjects",
    odata_type: "#microsoft.graph.directoryObject",
    read_only: &[],
    defaults: || json!({}),
};

const KINDS: [&Kind; 4] = [&USER, &GROUP, &APPLICATION, &SERVICE_PRINCIPAL];

/// The kind of a row.
pub(super) fn kind_of(object: &Resource) -> &'static Kind {
    let row = object.id.resource_type();
    KINDS
        .into_iter()
        .find(|kind| kind.row.eq_ignore_ascii_case(&row))
        .unwrap_or(&DIRECTORY_OBJECT)
}

/// The object of this kind with this key: an object id, for people also their user principal name.
pub(super) fn of_kind<'a>(snapshot: &'a Snapshot, kind: &Kind, key: &str) -> Option<&'a Arc<Resource>> {
    let Ok(object) = Uuid::parse_str(key) else {
        let person = kind.row == USER.row;
        return person
            .then(|| snapshot.claimed(&directory::upn_claim(key)))
            .flatten();
    };
    if kind.row == DIRECTORY_OBJECT.row {
        any(snapshot, object)
    } else {
        snapshot.get(&kind.id(object))
    }
}

/// The object with this id, of whatever kind.
pub(super) fn any(snapshot: &Snapshot, object: Uuid) -> Option<&Arc<Resource>> {
    snapshot
        .principal(object)
        .or_else(|| snapshot.get(&APPLICATION.id(object)))
}
