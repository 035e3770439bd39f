//! The attributes there are, so that a misspelt one is refused when a condition is written.
//!
//! In namespaces of other providers nothing is known here, and anything may be asked for: it is simply absent.

use crate::Source;

const CUSTOM_SECURITY_ATTRIBUTES: &str = "microsoft.directory/customsecurityattributes/id:";

/// Names of the environment, in lower case (rbac-semantics 11; the last four are nave's own).
const ENVIRONMENT: [&str; 8] = [
    "utcnow",
    "isprivatelink",
    "microsoft.network/privateendpoints",
    "microsoft.network/virtualnetworks/subnets",
    "nave.identity:multifactor",
    "nave.identity:authenticationmethods",
    "nave.network:address",
    "nave.network:locations",
];

const ROLE_ASSIGNMENTS: &str = "microsoft.authorization/roleassignments";
const OF_ROLE_ASSIGNMENTS: [&str; 3] = [":roledefinitionid", ":principalid", ":principaltype"];

const STORAGE_ACCOUNTS: &str = "microsoft.storage/storageaccounts";
/// After the storage account's own type; one that ends in `:` or `&` goes on with a key.
const OF_STORAGE_ACCOUNTS: [&str; 13] = [
    ":name",
    ":ishnsenabled",
    "/encryptionscopes:name",
    "/blobservices/containers:name",
    "/blobservices/containers/metadata:",
    "/blobservices/containers/blobs:path",
    "/blobservices/containers/blobs:prefix",
    "/blobservices/containers/blobs:iscurrentversion",
    "/blobservices/containers/blobs:versionid",
    "/blobservices/containers/blobs:snapshot",
    "/blobservices/containers/blobs/tags:",
    "/blobservices/containers/blobs/tags&$keys$&",
    "/queueservices/queues:name",
];

/// Why no request ever carries an attribute; `name` is in lower case.
pub(super) fn objection(source: Source, name: &str) -> Option<String> {
    let known = match source {
        Source::Principal => name
            .strip_prefix(CUSTOM_SECURITY_ATTRIBUTES)
            .is_some_and(|attribute| attribute.contains('_')),
        Source::Environment => ENVIRONMENT.contains(&name),
        Source::Resource | Source::Request => is_known_or_foreign(name),
    };
    let hint = match source {
        Source::Principal => {
            "a principal has `Microsoft.Directory/CustomSecurityAttributes/Id:{set}_{name}` attributes"
        }
        Source::Environment => {
            "the environment has `UtcNow`, `isPrivateLink`, `Microsoft.Network/privateEndpoints`, \
             `Microsoft.Network/virtualNetworks/subnets`, `Nave.Identity:multiFactor`, \
             `Nave.Identity:authenticationMethods`, `Nave.Network:address` and `Nave.Network:locations`"
        }
        Source::Resource | Source::Request if name.starts_with(ROLE_ASSIGNMENTS) => {
            "a role assignment has `:RoleDefinitionId`, `:PrincipalId` and `:PrincipalType`"
        }
        Source::Resource | Source::Request => "a storage account has no such attribute",
    };
    (!known).then(|| {
        format!(
            "no {} carries this attribute; {hint}",
            source.as_str().to_lowercase()
        )
    })
}

fn is_known_or_foreign(name: &str) -> bool {
    let among = |names: &[&str], rest: &str| {
        names.iter().any(|known| {
            if known.ends_with(':') {
                rest.strip_prefix(known).is_some_and(|key| !key.is_empty())
            } else {
                rest == *known
            }
        })
    };
    match (in_type(name, ROLE_ASSIGNMENTS), in_type(name, STORAGE_ACCOUNTS)) {
        (Some(rest), _) => among(&OF_ROLE_ASSIGNMENTS, rest),
        (_, Some(rest)) => among(&OF_STORAGE_ACCOUNTS, rest),
        (None, None) => true,
    }
}

/// What follows the type in an attribute's name, where the name is of that type or of one below it.
fn in_type<'a>(name: &'a str, of_type: &str) -> Option<&'a str> {
    name.strip_prefix(of_type)
        .filter(|rest| rest.starts_with([':', '/', '&']))
}

#[cfg(test)]
mod tests {
    use super::objection;
    use crate::Source::{Environment, Principal, Request, Resource};

    #[test]
    fn the_documented_attributes_are_known() {
        let storage = "microsoft.storage/storageaccounts";
        for (source, name) in [
            (
                Request,
                "microsoft.authorization/roleassignments:roledefinitionid".to_owned(),
            ),
            (Resource, format!("{storage}:name")),
            (Resource, format!("{storage}/blobservices/containers:name")),
            (
                Resource,
                format!("{storage}/blobservices/containers/blobs/tags:Project<$key_case_sensitive$>"),
            ),
            (
                Request,
                format!("{storage}/blobservices/containers/blobs/tags&$keys$&"),
            ),
            (Request, format!("{storage}/blobservices/containers/blobs:prefix")),
            (Request, "suboperation".to_owned()),
            (Resource, "hasobotoken".to_owned()),
            (
                Resource,
                "microsoft.insights/logs/tables:protectionlevel".to_owned(),
            ),
            (Environment, "utcnow".to_owned()),
            (Environment, "nave.network:locations".to_owned()),
            (
                Principal,
                "microsoft.directory/customsecurityattributes/id:engineering_project".to_owned(),
            ),
        ] {
            assert_eq!(objection(source, &name), None, "{source} {name}");
        }
    }

    #[test]
    fn misspelt_attributes_are_not() {
        for (source, name) in [
            (Request, "microsoft.authorization/roleassignments:roledefinition"),
            (
                Resource,
                "microsoft.storage/storageaccounts/blobservices/containers:path",
            ),
            (
                Resource,
                "microsoft.storage/storageaccounts/blobservices/containers/blobs/tags:",
            ),
            (Environment, "microsoft.authorization/roleassignments:principalid"),
            (Principal, "department"),
            (
                Principal,
                "microsoft.directory/customsecurityattributes/id:engineering",
            ),
        ] {
            assert!(objection(source, name).is_some(), "{source} {name}");
        }
    }
}
