//! The Microsoft Graph subset that `az` needs (client contract 3), under `/graph/v1.0`.
//!
//! Members of the directory may read it. Whoever may write it can become anybody in it (set a password, join a
//! group, add a secret), so a write takes two rights at the tenant: the one its name says, and the right to give
//! roles. What a write does is a pure function of a snapshot; [`write::commit`] repeats it when the state moved.

mod applications;
mod authentication;
mod body;
mod federated_credentials;
mod groups;
mod key_credentials;
mod kind;
mod me;
mod memberships;
mod named_locations;
mod objects;
mod query;
mod references;
mod routes;
mod secrets;
mod service_principals;
mod users;
mod view;
mod write;

use http::Method;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::route::Route;

pub(crate) use self::{
    applications::claims as application_claims,
    kind::{GROUP, Kind, USER},
    objects::deletion,
    routes::changing,
    users::{check_name as check_user_name, claims as user_claims, sealed as sealed_password},
    write::{again, attempt, attempt_with},
};
use self::{
    kind::{APPLICATION, DIRECTORY_OBJECT, SERVICE_PRINCIPAL},
    references::{MEMBERS, OWNERS},
    routes::{ask, delete, get, write},
};
use crate::Identity;

const FEDERATED: &str = "/graph/v1.0/applications/{id}/federatedIdentityCredentials";
const FEDERATED_ONE: &str = "/graph/v1.0/applications/{id}/federatedIdentityCredentials/{credential}";

pub(crate) fn routes(identity: &Identity) -> Vec<Route> {
    let mut routes = reading();
    routes.extend(asking());
    routes.extend(writing(identity));
    routes.extend(referring(identity));
    routes.extend(me::routes(identity));
    routes.extend(authentication::routes(identity));
    routes.extend(named_locations::routes());
    routes
}

fn reading() -> Vec<Route> {
    vec![
        get(&USER, "/graph/v1.0/users", objects::list),
        get(&USER, "/graph/v1.0/users/{id}", objects::get),
        get(&USER, "/graph/v1.0/users/{id}/memberOf", memberships::member_of),
        get(
            &USER,
            "/graph/v1.0/users/{id}/transitiveMemberOf",
            memberships::transitive_member_of,
        ),
        get(&GROUP, "/graph/v1.0/groups", objects::list),
        get(&GROUP, "/graph/v1.0/groups/{id}", objects::get),
        get(&GROUP, "/graph/v1.0/groups/{id}/memberOf", memberships::member_of),
        get(
            &GROUP,
            "/graph/v1.0/groups/{id}/transitiveMemberOf",
            memberships::transitive_member_of,
        ),
        get(
            &GROUP,
            "/graph/v1.0/groups/{id}/transitiveMembers",
            references::transitive_members,
        ),
        get(&GROUP, "/graph/v1.0/groups/{id}/members", |kind, call| {
            references::list(kind, &MEMBERS, call)
        }),
        get(&GROUP, "/graph/v1.0/groups/{id}/owners", |kind, call| {
            references::list(kind, &OWNERS, call)
        }),
        get(
            &SERVICE_PRINCIPAL,
            "/graph/v1.0/servicePrincipals/{id}/transitiveMemberOf",
            memberships::transitive_member_of,
        ),
        get(&APPLICATION, "/graph/v1.0/applications", objects::list),
        get(&APPLICATION, "/graph/v1.0/applications/{id}", objects::get),
        get(
            &APPLICATION,
            "/graph/v1.0/applications/{id}/owners",
            |kind, call| references::list(kind, &OWNERS, call),
        ),
        get(&APPLICATION, FEDERATED, federated_credentials::list),
        get(&APPLICATION, FEDERATED_ONE, federated_credentials::get),
        get(&SERVICE_PRINCIPAL, "/graph/v1.0/servicePrincipals", objects::list),
        get(
            &SERVICE_PRINCIPAL,
            "/graph/v1.0/servicePrincipals/{id}",
            objects::get,
        ),
        get(
            &SERVICE_PRINCIPAL,
            "/graph/v1.0/servicePrincipals/{id}/memberOf",
            memberships::member_of,
        ),
        get(
            &SERVICE_PRINCIPAL,
            "/graph/v1.0/servicePrincipals/{id}/owners",
            |kind, call| references::list(kind, &OWNERS, call),
        ),
        get(
            &DIRECTORY_OBJECT,
            "/graph/v1.0/directoryObjects/{id}",
            objects::get,
        ),
        get(
            &DIRECTORY_OBJECT,
            "/graph/v1.0/oauth2PermissionGrants",
            objects::none_at_all,
        ),
    ]
}

/// Questions that come by POST.
fn asking() -> Vec<Route> {
    vec![
        ask(
            &DIRECTORY_OBJECT,
            "/graph/v1.0/directoryObjects/getByIds",
            objects::get_by_ids,
        ),
        ask(
            &DIRECTORY_OBJECT,
            "/graph/v1.0/directoryObjects/{id}/checkMemberGroups",
            memberships::check,
        ),
        ask(
            &DIRECTORY_OBJECT,
            "/graph/v1.0/directoryObjects/{id}/getMemberGroups",
            memberships::all,
        ),
        ask(
            &USER,
            "/graph/v1.0/users/{id}/checkMemberGroups",
            memberships::check,
        ),
        ask(&USER, "/graph/v1.0/users/{id}/getMemberGroups", memberships::all),
        ask(
            &GROUP,
            "/graph/v1.0/groups/{id}/checkMemberGroups",
            memberships::check,
        ),
        ask(
            &GROUP,
            "/graph/v1.0/groups/{id}/getMemberGroups",
            memberships::all,
        ),
        ask(
            &SERVICE_PRINCIPAL,
            "/graph/v1.0/servicePrincipals/{id}/checkMemberGroups",
            memberships::check,
        ),
        ask(
            &SERVICE_PRINCIPAL,
            "/graph/v1.0/servicePrincipals/{id}/getMemberGroups",
            memberships::all,
        ),
    ]
}

fn writing(identity: &Identity) -> Vec<Route> {
    let (post, patch) = (Method::POST, Method::PATCH);
    let it = identity;
    vec![
        write(it, &USER, &post, "/graph/v1.0/users", users::create),
        write(it, &USER, &patch, "/graph/v1.0/users/{id}", users::update),
        write(
            it,
            &USER,
            &post,
            "/graph/v1.0/users/{id}/revokeSignInSessions",
            users::revoke_sessions,
        ),
        delete(it, &USER, "/graph/v1.0/users/{id}"),
        write(it, &GROUP, &post, "/graph/v1.0/groups", groups::create),
        write(it, &GROUP, &patch, "/graph/v1.0/groups/{id}", groups::update),
        delete(it, &GROUP, "/graph/v1.0/groups/{id}"),
        write(
            it,
            &APPLICATION,
            &post,
            "/graph/v1.0/applications",
            applications::create,
        ),
        write(
            it,
            &APPLICATION,
            &patch,
            "/graph/v1.0/applications/{id}",
            applications::update,
        ),
        write(
            it,
            &APPLICATION,
            &post,
            "/graph/v1.0/applications/{id}/addPassword",
            secrets::add,
        ),
        write(
            it,
            &APPLICATION,
            &post,
            "/graph/v1.0/applications/{id}/removePassword",
            secrets::remove,
        ),
        write(
            it,
            &APPLICATION,
            &post,
            "/graph/v1.0/applications/{id}/addKey",
            key_credentials::add,
        ),
        write(
            it,
            &APPLICATION,
            &post,
            "/graph/v1.0/applications/{id}/removeKey",
            key_credentials::remove,
        ),
        write(it, &APPLICATION, &post, FEDERATED, federated_credentials::create),
        write(
            it,
            &APPLICATION,
            &patch,
            FEDERATED_ONE,
            federated_credentials::update,
        ),
        write(
            it,
            &APPLICATION,
            &Method::DELETE,
            FEDERATED_ONE,
            federated_credentials::delete,
        ),
        delete(it, &APPLICATION, "/graph/v1.0/applications/{id}"),
        write(
            it,
            &SERVICE_PRINCIPAL,
            &post,
            "/graph/v1.0/servicePrincipals",
            service_principals::create,
        ),
        write(
            it,
            &SERVICE_PRINCIPAL,
            &patch,
            "/graph/v1.0/servicePrincipals/{id}",
            service_principals::update,
        ),
        write(
            it,
            &SERVICE_PRINCIPAL,
            &post,
            "/graph/v1.0/servicePrincipals/{id}/addPassword",
            secrets::add,
        ),
        write(
            it,
            &SERVICE_PRINCIPAL,
            &post,
            "/graph/v1.0/servicePrincipals/{id}/removePassword",
            secrets::remove,
        ),
        write(
            it,
            &SERVICE_PRINCIPAL,
            &post,
            "/graph/v1.0/servicePrincipals/{id}/addKey",
            key_credentials::add,
        ),
        write(
            it,
            &SERVICE_PRINCIPAL,
            &post,
            "/graph/v1.0/servicePrincipals/{id}/removeKey",
            key_credentials::remove,
        ),
        delete(it, &SERVICE_PRINCIPAL, "/graph/v1.0/servicePrincipals/{id}"),
    ]
}

/// Members and owners come and go as references.
fn referring(identity: &Identity) -> Vec<Route> {
    let (it, post, delete) = (identity, Method::POST, Method::DELETE);
    vec![
        write(
            it,
            &GROUP,
            &post,
            "/graph/v1.0/groups/{id}/members/$ref",
            |_, kind, call| references::add(kind, &MEMBERS, call),
        ),
        write(
            it,
            &GROUP,
            &delete,
            "/graph/v1.0/groups/{id}/members/{other}/$ref",
            |_, kind, call| references::remove(kind, &MEMBERS, call),
        ),
        write(
            it,
            &GROUP,
            &post,
            "/graph/v1.0/groups/{id}/owners/$ref",
            |_, kind, call| references::add(kind, &OWNERS, call),
        ),
        write(
            it,
            &GROUP,
            &delete,
            "/graph/v1.0/groups/{id}/owners/{other}/$ref",
            |_, kind, call| references::remove(kind, &OWNERS, call),
        ),
        write(
            it,
            &APPLICATION,
            &post,
            "/graph/v1.0/applications/{id}/owners/$ref",
            |_, kind, call| references::add(kind, &OWNERS, call),
        ),
        write(
            it,
            &APPLICATION,
            &delete,
            "/graph/v1.0/applications/{id}/owners/{other}/$ref",
            |_, kind, call| references::remove(kind, &OWNERS, call),
        ),
        write(
            it,
            &SERVICE_PRINCIPAL,
            &post,
            "/graph/v1.0/servicePrincipals/{id}/owners/$ref",
            |_, kind, call| references::add(kind, &OWNERS, call),
        ),
        write(
            it,
            &SERVICE_PRINCIPAL,
            &delete,
            "/graph/v1.0/servicePrincipals/{id}/owners/{other}/$ref",
            |_, kind, call| references::remove(kind, &OWNERS, call),
        ),
    ]
}

pub(crate) fn bad_request(message: impl Into<String>) -> ArmError {
    ArmError::new(ErrorCode::Request_BadRequest, message)
}

fn not_found(key: &str) -> ArmError {
    ArmError::new(
        ErrorCode::Request_ResourceNotFound,
        format!(
            "Resource '{key}' does not exist or one of its queried reference-property objects are not present."
        ),
    )
}
