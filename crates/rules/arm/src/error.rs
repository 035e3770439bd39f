//! Failures as the caller sees them: one table of codes, one envelope.

use std::fmt;

use serde_json::{Value, json};

/// A failure for the caller, ready to become ARM's error envelope.
///
/// The message says what was asked, on which scope, and what would help; it never holds a secret.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmError {
    /// The code, which fixes the HTTP status.
    pub code: ErrorCode,
    /// The sentence a person reads.
    pub message: String,
    /// The part of the request that is at fault, such as `properties.hubResourceId`.
    pub target: Option<String>,
    /// The causes, where there are several or they come from an inner operation.
    pub details: Vec<Detail>,
    /// Typed additions, each `{"type": …, "info": …}`.
    pub additional_info: Vec<Value>,
    /// What a client must do to be let in, where that is not the usual.
    pub challenge: Option<Box<Challenge>>,
}

/// The value of `WWW-Authenticate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge(pub String);

/// One inner cause of an [`ArmError`].
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// The code of the cause; free text, since it may come from outside.
    pub code: String,
    /// The sentence a person reads.
    pub message: String,
    /// The part of the request at fault.
    pub target: Option<String>,
    /// The causes of this cause.
    pub details: Vec<Detail>,
    /// Typed additions, each `{"type": …, "info": …}`.
    pub additional_info: Vec<Value>,
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $status:literal),+ $(,)?) => {
        /// Every code this server answers with, in ARM's spelling.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(non_camel_case_types, reason = "Graph spells some of its codes with an underscore, SCIM with a small letter")]
        pub enum ErrorCode { $($(#[$doc])* $name),+ }

        impl ErrorCode {
            /// The HTTP status and the code side by side, so that one glance checks the table.
            #[must_use]
            pub fn face(self) -> (u16, &'static str) {
                match self { $(Self::$name => ($status, stringify!($name))),+ }
            }

            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
        }
    };
}

error_codes! {
    /// The body could not be read as JSON or lacks its envelope.
    InvalidRequestContent = 400,
    /// The path is not one this server serves.
    InvalidResourceId = 400,
    /// A member of the body has the wrong type or value.
    InvalidRequestFormat = 400,
    /// What is asked does not make sense as a whole: the code of providers that have none of their own for it.
    BadRequest = 400,
    /// A value is outside what the type allows.
    InvalidParameter = 400,
    /// The name breaks the type's naming rule.
    InvalidResourceName = 400,
    /// No `api-version`.
    MissingApiVersionParameter = 400,
    /// A malformed or unknown `api-version` of a core type.
    InvalidApiVersionParameter = 400,
    /// A provider's type has no such api-version.
    NoRegisteredProviderFound = 400,
    /// The provider is not served here.
    InvalidResourceNamespace = 404,
    /// The provider has no such type.
    InvalidResourceType = 404,
    /// A tracked resource needs a location.
    LocationRequired = 400,
    /// A region this server does not have.
    LocationNotAvailableForResourceType = 400,
    /// A project lies in another region than its hub.
    LocationMismatch = 400,
    /// A property that cannot change after creation was changed.
    PropertyChangeNotAllowed = 400,
    /// The kind of workspace cannot do this.
    WorkspaceKindNotSupported = 400,
    /// A resource's properties do not go together.
    InvalidResourceProperties = 400,
    /// An id points to nothing.
    InvalidResourceReference = 400,
    /// An id in the body is not an id.
    LinkedInvalidPropertyId = 400,
    /// A `$filter` that is not understood.
    InvalidFilterInQueryString = 400,
    /// A `$skipToken` this server did not write.
    InvalidSkipToken = 400,
    /// The template is wrong.
    InvalidTemplate = 400,
    /// A template or parameters by link, which this server does not fetch.
    InvalidContentLink = 400,
    /// The template is larger than one may be.
    JobSizeExceeded = 400,
    /// The template is right, its deployment would not be.
    InvalidTemplateDeployment = 400,
    /// A deployment of this name is in another location.
    InvalidDeploymentLocation = 400,
    /// A secret of a vault that a template's parameter is to be.
    KeyVaultParameterReferenceSecretRetrieveFailed = 400,
    /// Role definition without a name.
    RoleDefinitionNameNullOrEmpty = 400,
    /// Role definition claiming to be built in.
    InvalidRoleDefinitionType = 400,
    /// Role definition without assignable scopes.
    MissingAssignableScopes = 400,
    /// A pattern that names no operation, or the wrong plane.
    InvalidActionOrNotAction = 400,
    /// A custom role that breaks a limit.
    RoleDefinitionInvalid = 400,
    /// The role is not known.
    RoleDefinitionDoesNotExist = 400,
    /// An assignment's principal, role or scope would change.
    RoleAssignmentUpdateNotPermitted = 400,
    /// The principal is not in the directory.
    PrincipalNotFound = 400,
    /// The principal is of another type than was said.
    UnmatchedPrincipalType = 400,
    /// The role may not be assigned at this scope.
    RoleAssignmentScopeNotAssignableToRoleDefinition = 400,
    /// A condition that cannot be read.
    InvalidRoleAssignmentCondition = 400,
    /// A policy rule that cannot be read.
    InvalidPolicyRule = 400,
    /// A policy rule that looks at a field no alias names.
    InvalidPolicyAlias = 400,
    /// The parameters of a policy definition cannot be read.
    InvalidPolicyParameters = 400,
    /// A policy assignment leaves a parameter without a value.
    MissingPolicyParameter = 400,
    /// A policy assignment gives a value to a parameter that is not declared.
    UndefinedPolicyParameter = 400,
    /// A policy assignment gives a parameter a value that is not among those allowed.
    PolicyParameterValueNotAllowed = 400,
    /// The details of a policy's effect cannot be read.
    InvalidPolicyRuleEffectDetails = 400,
    /// A policy assignment that cannot be made.
    InvalidCreatePolicyAssignmentRequest = 400,
    /// A policy exemption that cannot be made.
    InvalidCreatePolicyExemptionRequest = 400,
    /// A policy definition that something refers to stays.
    InvalidDeletePolicyDefinitionRequest = 400,
    /// A policy set definition that something refers to stays.
    InvalidDeletePolicySetDefinitionRequest = 400,
    /// A policy that changes or deploys resources needs an identity to do it with.
    ResourceIdentityRequired = 400,
    /// Something that may not stand at this scope.
    InvalidScope = 400,
    /// The model or the connection cannot do this.
    OperationNotSupported = 400,
    /// A directory object that breaks a rule.
    Request_BadRequest = 400,
    /// SCIM: a filter that is not understood, or that the attribute does not take.
    invalidFilter = 400,
    /// SCIM: a body that is no message of the protocol.
    invalidSyntax = 400,
    /// SCIM: a path that names nothing of the schema.
    invalidPath = 400,
    /// SCIM: a path that finds nothing to change.
    noTarget = 400,
    /// SCIM: a value that the attribute does not take, or none where one is needed.
    invalidValue = 400,
    /// SCIM: an attribute that clients do not change.
    mutability = 400,
    /// SCIM: another resource has the value.
    uniqueness = 409,
    /// No usable token.
    InvalidAuthenticationToken = 401,
    /// The token is for another audience.
    InvalidAuthenticationTokenAudience = 401,
    /// The person has to do something first: a second factor is needed.
    InteractionRequired = 401,
    /// The token is from another tenant.
    InvalidAuthenticationTokenTenant = 401,
    /// The token's time is over.
    ExpiredAuthenticationToken = 401,
    /// No `Authorization` header.
    AuthenticationFailed = 401,
    /// A model call without the needed data action or key.
    PermissionDenied = 401,
    /// No role grants the operation.
    AuthorizationFailed = 403,
    /// A second scope is involved and refuses.
    LinkedAuthorizationFailed = 403,
    /// A deny assignment blocks.
    DenyAssignmentAuthorizationFailed = 403,
    /// Key access is switched off on the account.
    AuthenticationTypeDisabled = 403,
    /// A policy forbids it.
    RequestDisallowedByPolicy = 403,
    /// The directory refuses.
    Authorization_RequestDenied = 403,
    /// No such resource.
    ResourceNotFound = 404,
    /// No such group.
    ResourceGroupNotFound = 404,
    /// No such subscription.
    SubscriptionNotFound = 404,
    /// There is no deleted vault of the name to recover.
    SoftDeletedVaultDoesNotExist = 404,
    /// There is no deleted account to restore.
    CanNotRestoreANonExistingResource = 404,
    /// No such deployment: of a template, or of a model.
    DeploymentNotFound = 404,
    /// No such policy definition.
    PolicyDefinitionNotFound = 404,
    /// No such policy set definition.
    PolicySetDefinitionNotFound = 404,
    /// No such policy assignment.
    PolicyAssignmentNotFound = 404,
    /// No such policy exemption.
    PolicyExemptionNotFound = 404,
    /// The parent resource is missing.
    ParentResourceNotFound = 404,
    /// No such directory object.
    Request_ResourceNotFound = 404,
    /// No such path.
    NotFound = 404,
    /// The verb is not served on this path.
    MethodNotAllowed = 405,
    /// Something else changed at the same time, or the name is taken.
    Conflict = 409,
    /// The server was stopped before the operation was over.
    OperationInterrupted = 409,
    /// Another directory object has this unique name.
    Request_MultipleObjectsWithSameKeyValue = 409,
    /// The same principal, role and scope are assigned already.
    RoleAssignmentExists = 409,
    /// A built-in role cannot change.
    RoleDefinitionExists = 409,
    /// Another role has this name.
    RoleDefinitionWithSameNameExists = 409,
    /// The role is still assigned.
    RoleDefinitionHasAssignments = 409,
    /// A limit of the tenant is reached.
    RoleAssignmentLimitExceeded = 409,
    /// A limit of the tenant is reached.
    RoleDefinitionLimitExceeded = 409,
    /// The value differs from the hub's, which applies.
    InheritedFromHub = 409,
    /// The system keeps it as it is.
    OperationNotAllowed = 409,
    /// A lock is in the way.
    ScopeLocked = 409,
    /// There are as many of them as there may be.
    ResourceQuotaExceeded = 409,
    /// At least one resource cannot move as it is.
    ResourceMoveProviderValidationFailed = 409,
    /// A policy of the target is against a move.
    ResourceMovePolicyValidationFailed = 409,
    /// A resource is in a state in which it cannot move.
    MoveResourcesHasInvalidState = 409,
    /// The resource still has something below it.
    CannotDeleteResource = 409,
    /// A name that must be unique in the whole tenant is taken.
    CustomDomainInUse = 409,
    /// Another storage account has the name.
    StorageAccountAlreadyTaken = 409,
    /// The subscription was cancelled: it is read, and things in it are deleted.
    ReadOnlyDisabledSubscription = 409,
    /// A deleted vault has the name.
    ConflictError = 409,
    /// A deleted account of this id is kept.
    FlagMustBeSetForRestore = 409,
    /// Another vault has the name.
    VaultAlreadyExists = 409,
    /// The location of an existing resource cannot change.
    InvalidResourceLocation = 409,
    /// A deployment of this name still runs.
    DeploymentActive = 409,
    /// At least one resource of the deployment failed.
    DeploymentFailed = 409,
    /// The last Owner of a subscription stays.
    CannotDeleteLastRbacAdminAssignment = 412,
    /// An etag did not match.
    PreconditionFailed = 412,
    /// The body is over the limit.
    RequestEntityTooLarge = 413,
    /// The model's own server does not take the credential that nave holds for it.
    UpstreamCredentialRejected = 424,
    /// Too many tries.
    TooManyRequests = 429,
    /// The operation is known and not served by this release.
    NotImplemented = 501,
    /// A fault of this server; the log has the cause.
    InternalServerError = 500,
    /// The model's own server failed or is out of reach.
    BadGateway = 502,
    /// The model's own server does not take calls at present.
    ServiceUnavailable = 503,
    /// The model's own server did not answer in time.
    GatewayTimeout = 504,
}

impl ArmError {
    /// A failure with its sentence.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            target: None,
            details: Vec::new(),
            additional_info: Vec::new(),
            challenge: None,
        }
    }

    /// Names the part of the request at fault.
    #[must_use]
    pub fn on(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Adds the causes.
    #[must_use]
    pub fn because(mut self, details: Vec<Detail>) -> Self {
        self.details = details;
        self
    }

    /// Says what a client must do to be let in.
    #[must_use]
    pub fn challenging(mut self, challenge: impl Into<String>) -> Self {
        self.challenge = Some(Box::new(Challenge(challenge.into())));
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.code.face().0
    }

    /// ARM's envelope: `{"error": {"code", "message", …}}`.
    #[must_use]
    pub fn envelope(&self) -> Value {
        json!({ "error": self.body() })
    }

    /// The inside of the envelope, as it also stands in operation statuses.
    #[must_use]
    pub fn body(&self) -> Value {
        Detail::from(self.clone()).body()
    }

    /// Adds to what is told, typed: a policy violation, where in a template it is.
    #[must_use]
    pub fn adding(mut self, kind: &str, info: Value) -> Self {
        self.additional_info.push(json!({ "type": kind, "info": info }));
        self
    }
}

impl Detail {
    /// A cause with its sentence.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            target: None,
            details: Vec::new(),
            additional_info: Vec::new(),
        }
    }

    /// Reads the JSON form, as an answer has it below `error`. What is not there is `Unknown`, or empty.
    #[must_use]
    pub fn read(body: &Value) -> Self {
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let list = |name: &str| body[name].as_array().into_iter().flatten();
        Self {
            code: text("code").unwrap_or_else(|| String::from("Unknown")),
            message: text("message").unwrap_or_default(),
            target: text("target"),
            details: list("details").map(Self::read).collect(),
            additional_info: list("additionalInfo").cloned().collect(),
        }
    }

    /// The JSON form, `{"code", "message", "target"?, "details"?, "additionalInfo"?}`.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = json!({ "code": self.code, "message": self.message });
        if let Some(target) = &self.target {
            body["target"] = target.clone().into();
        }
        if !self.details.is_empty() {
            body["details"] = self.details.iter().map(Self::body).collect();
        }
        if !self.additional_info.is_empty() {
            body["additionalInfo"] = self.additional_info.clone().into();
        }
        body
    }
}

impl From<ArmError> for Detail {
    fn from(error: ArmError) -> Self {
        Self {
            code: error.code.face().1.to_owned(),
            message: error.message,
            target: error.target,
            details: error.details,
            additional_info: error.additional_info,
        }
    }
}

impl fmt::Display for ArmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.face().1, self.message)
    }
}

impl std::error::Error for ArmError {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ArmError, Detail, ErrorCode};

    #[test]
    fn the_envelope_has_the_form_clients_read() {
        let error = ArmError::new(ErrorCode::AuthorizationFailed, "no")
            .on("scope")
            .because(vec![Detail::new("Inner", "cause")]);
        assert_eq!(error.status(), 403);
        assert_eq!(
            error.envelope(),
            json!({"error": {"code": "AuthorizationFailed", "message": "no", "target": "scope",
                             "details": [{"code": "Inner", "message": "cause"}]}})
        );
    }

    #[test]
    fn a_cause_keeps_its_typed_additions() {
        let inner = ArmError::new(ErrorCode::AuthorizationFailed, "inner").adding("Kind", json!({ "a": 1 }));
        let outer = ArmError::new(ErrorCode::InvalidTemplateDeployment, "outer").because(vec![inner.into()]);
        assert_eq!(
            outer.envelope()["error"]["details"],
            json!([{ "code": "AuthorizationFailed", "message": "inner",
                     "additionalInfo": [{ "type": "Kind", "info": { "a": 1 } }] }])
        );
    }

    #[test]
    fn only_our_own_faults_are_5xx() {
        let faults: Vec<_> = ErrorCode::ALL
            .iter()
            .filter(|code| code.face().0 >= 500)
            .collect();
        assert_eq!(
            faults,
            [
                &ErrorCode::NotImplemented,
                &ErrorCode::InternalServerError,
                &ErrorCode::BadGateway,
                &ErrorCode::ServiceUnavailable,
                &ErrorCode::GatewayTimeout
            ]
        );
    }

    #[test]
    fn a_cause_is_read_as_it_is_written() {
        let mut inner = Detail::new("Inner", "why");
        inner.additional_info = vec![json!({ "type": "PolicyViolation", "info": {} })];
        let mut outer = Detail::new("Outer", "what");
        outer.target = Some(String::from("there"));
        outer.details = vec![inner];
        assert_eq!(Detail::read(&outer.body()).body(), outer.body());
        let nothing = Detail::read(&serde_json::Value::Null);
        assert_eq!((nothing.code.as_str(), nothing.message.as_str()), ("Unknown", ""));
    }
}
