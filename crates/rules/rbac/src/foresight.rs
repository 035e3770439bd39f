//! What an assignment does for requests that nobody has made yet: for asking what a change would do, never on the way of
//! a decision.
//!
//! A request in the making has a caller, an operation and a scope, but not all of its attributes. So a grant or a deny
//! has three outlooks where a decision has two answers; where nothing open matters, outlook and decision agree.

use uuid::Uuid;

use crate::{
    ALL_PRINCIPALS, AccessRequest, Condition, DenyAssignment, Permission, RoleAssignment, RoleIndex, Source,
    Truth, operation::Operation, role::Coverage,
};

/// Whether an attribute is one that only the real request will bring; the name is in lower case.
pub type Open<'a> = &'a dyn Fn(Source, &str) -> bool;

/// What an assignment will do to requests of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlook {
    /// It grants, or blocks, all of them.
    Always,
    /// None of them.
    Never,
    /// Those for which this condition comes out so.
    Depends(String),
}

impl RoleIndex {
    /// Whether the assignment, which reaches the caller at the scope, will grant such a request.
    #[must_use]
    pub fn outlook(
        &self,
        assignment: &RoleAssignment,
        request: &AccessRequest<'_>,
        open: Open<'_>,
    ) -> Outlook {
        let Some(role) = self.definition(assignment.role) else {
            return Outlook::Never;
        };
        let own = assignment.condition.as_ref();
        let outlooks = covering(&role.permissions, request)
            .map(|permission| joined(&[own, permission.condition.as_ref()], request, open));
        best(outlooks)
    }
}

impl DenyAssignment {
    /// Whether it will block such a request, looked up at the request's scope or above; `groups` are all the caller's.
    #[must_use]
    pub fn outlook(&self, request: &AccessRequest<'_>, groups: &[Uuid], open: Open<'_>) -> Outlook {
        if !self.reaches(request.principal, groups)
            || (self.do_not_apply_to_child_scopes && self.scope != *request.scope)
        {
            return Outlook::Never;
        }
        let own = self.condition.as_ref();
        let outlooks = covering(&self.permissions, request)
            .map(|permission| blocking(&[own, permission.condition.as_ref()], request, open));
        best(outlooks)
    }

    /// Whether it is in force and about this principal.
    #[must_use]
    pub fn reaches(&self, principal: Uuid, groups: &[Uuid]) -> bool {
        let is_in = |list: &[Uuid]| {
            list.iter()
                .any(|listed| *listed == principal || groups.contains(listed))
        };
        self.enforced
            && (self.principals.contains(&ALL_PRINCIPALS) || is_in(&self.principals))
            && !is_in(&self.exclude_principals)
    }
}

/// The permission objects that cover the operation.
fn covering<'a>(
    permissions: &'a [Permission],
    request: &AccessRequest<'_>,
) -> impl Iterator<Item = &'a Permission> {
    let (plane, operation) = (request.plane, Operation::new(request.operation));
    permissions
        .iter()
        .filter(move |permission| matches!(permission.coverage(plane, operation), Coverage::Granted(_)))
}

/// All conditions must be true for a grant.
fn joined(conditions: &[Option<&Condition>], request: &AccessRequest<'_>, open: Open<'_>) -> Outlook {
    judged(conditions, request, open, |(least, most)| {
        (least == Truth::True, most == Truth::True)
    })
}

/// A deny blocks unless one of its conditions is plainly false.
fn blocking(conditions: &[Option<&Condition>], request: &AccessRequest<'_>, open: Open<'_>) -> Outlook {
    judged(conditions, request, open, |(least, most)| {
        (least > Truth::False, most > Truth::False)
    })
}

/// `reads` says of a condition's bounds whether it lets through for sure, and whether it can.
fn judged(
    conditions: &[Option<&Condition>],
    request: &AccessRequest<'_>,
    open: Open<'_>,
    reads: impl Fn((Truth, Truth)) -> (bool, bool),
) -> Outlook {
    let mut depends: Vec<&str> = Vec::new();
    for condition in conditions.iter().flatten() {
        match reads(condition.outlook(request, open)) {
            (true, _) => {}
            (false, true) => depends.push(condition.text()),
            (false, false) => return Outlook::Never,
        }
    }
    match depends.as_slice() {
        [] => Outlook::Always,
        [one] => Outlook::Depends((*one).to_owned()),
        several => Outlook::Depends(format!("({})", several.join(") AND ("))),
    }
}

/// One that always does is enough; of several that depend, any.
fn best(outlooks: impl Iterator<Item = Outlook>) -> Outlook {
    outlooks.fold(Outlook::Never, Outlook::or)
}

impl Outlook {
    /// What two of them do together, where one is enough. Both conditions are told, each once.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Always, _) | (_, Self::Always) => Self::Always,
            (Self::Never, other) => other,
            (one, Self::Never) => one,
            (Self::Depends(one), Self::Depends(other)) if one == other => Self::Depends(one),
            (Self::Depends(one), Self::Depends(other)) => Self::Depends(format!("({one}) OR ({other})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use nave_arm::ResourceId;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::Outlook;
    use crate::{
        AccessRequest, Attributes, DenyAssignment, Plane, RoleAssignment, RoleIndex, Source, built_in,
    };

    const OPERATION: &str = "Microsoft.Authorization/roleAssignments/write";

    fn only_the_request(source: Source, _: &str) -> bool {
        source == Source::Request
    }

    fn ask(
        scope: &ResourceId,
        attributes: &Attributes,
        tell: impl FnOnce(&AccessRequest<'_>) -> Outlook,
    ) -> Outlook {
        tell(&AccessRequest::new(
            Uuid::from_u128(1),
            OPERATION,
            Plane::Control,
            scope,
            attributes,
        ))
    }

    fn granted(condition: &str) -> Outlook {
        let id = ResourceId::tenant().extension("Microsoft.Authorization/roleAssignments", "a");
        let properties = json!({ "roleDefinitionId": built_in::OWNER.to_string(),
                                 "principalId": Uuid::from_u128(1), "condition": condition });
        let assignment = RoleAssignment::from_properties(&id, &properties).expect("assignment");
        let attributes = Attributes::new().with(Source::Principal, "team", "a");
        ask(&ResourceId::tenant(), &attributes, |request| {
            RoleIndex::with_built_in().outlook(&assignment, request, &only_the_request)
        })
    }

    #[test]
    fn what_the_request_will_bring_leaves_it_open_only_where_it_matters() {
        let other = "Microsoft.Authorization/roleAssignments/delete";
        for (condition, outlook) in [
            ("", Some(Outlook::Always)),
            ("@Principal[team] StringEquals 'a'", Some(Outlook::Always)),
            ("@Principal[team] StringEquals 'b'", Some(Outlook::Never)),
            ("@Resource[kind] StringEquals 'b'", Some(Outlook::Never)),
            ("@Request[kind] StringEquals 'x'", None),
            ("NOT Exists @Request[kind]", None),
            (
                &format!("!(ActionMatches{{'{other}'}}) OR @Request[kind] StringEquals 'x'"),
                Some(Outlook::Always),
            ),
            (
                &format!("!(ActionMatches{{'{OPERATION}'}}) OR @Request[kind] StringEquals 'x'"),
                None,
            ),
            (
                "@Request[kind] StringEquals 'x' AND @Principal[team] StringEquals 'b'",
                Some(Outlook::Never),
            ),
            (
                "@Request[kind] StringEquals 'x' OR @Principal[team] StringEquals 'a'",
                Some(Outlook::Always),
            ),
        ] {
            let expected = outlook.unwrap_or_else(|| Outlook::Depends(condition.to_owned()));
            assert_eq!(granted(condition), expected, "{condition}");
        }
    }

    fn blocked(more: &Value, scope: &str) -> Outlook {
        let at = ResourceId::parse("/subscriptions/s").expect("scope");
        let id = at.extension("Microsoft.Authorization/denyAssignments", "d");
        let mut properties = json!({ "principals": [{ "id": Uuid::from_u128(1), "type": "User" }],
                                     "permissions": [{ "actions": ["*"] }] });
        for (name, value) in more.as_object().expect("object") {
            properties[name] = value.clone();
        }
        let deny = DenyAssignment::from_properties(&id, &properties).expect("deny");
        let scope = ResourceId::parse(scope).expect("scope");
        ask(&scope, &Attributes::new(), |request| {
            deny.outlook(request, &[Uuid::from_u128(9)], &only_the_request)
        })
    }

    #[test]
    fn a_deny_blocks_unless_its_condition_is_plainly_false() {
        let (here, below) = ("/subscriptions/s", "/subscriptions/s/resourceGroups/g");
        let unknown = json!({ "condition": "@Resource[kind] StringEquals 'b'" });
        let open = json!({ "condition": "@Request[kind] StringEquals 'b'" });
        assert_eq!(blocked(&json!({}), below), Outlook::Always);
        assert_eq!(blocked(&unknown, here), Outlook::Always);
        assert!(matches!(blocked(&open, here), Outlook::Depends(_)));
        assert_eq!(
            blocked(&json!({ "condition": "ActionMatches{'x'}" }), here),
            Outlook::Never
        );
        assert_eq!(
            blocked(&json!({ "doNotApplyToChildScopes": true }), below),
            Outlook::Never
        );
        assert_eq!(
            blocked(&json!({ "doNotApplyToChildScopes": true }), here),
            Outlook::Always
        );
        assert_eq!(
            blocked(
                &json!({ "excludePrincipals": [{ "id": Uuid::from_u128(9) }] }),
                here
            ),
            Outlook::Never
        );
        assert_eq!(
            blocked(&json!({ "denyAssignmentEffect": "audit" }), here),
            Outlook::Never
        );
    }
}
