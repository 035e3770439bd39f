//! The data planes of vaults and storage accounts, which come later: each says so in its own protocol, so that a
//! client shows the reason instead of stumbling over it.

use bytes::Bytes;
use http::{HeaderName, Method};
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    request::Body,
    route::{Call, Route},
};

/// What Key Vault and Blob clients send.
const METHODS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::PUT,
    Method::POST,
    Method::PATCH,
    Method::DELETE,
];

pub(crate) fn routes() -> impl Iterator<Item = Route> {
    METHODS.into_iter().flat_map(|method| {
        [
            Route::new(
                method.clone(),
                "/kv/{vault}/{rest}",
                Surface::Arm,
                Access::Public,
                vault,
            ),
            Route::new(
                method,
                "/blob/{account}/{rest}",
                Surface::Arm,
                Access::Public,
                blob,
            ),
        ]
    })
}

async fn vault(_: Call) -> Result<Reply, ArmError> {
    Err(ArmError::new(
        ErrorCode::NotImplemented,
        "The data plane of key vaults (secrets, keys, certificates) is not served by this release. The vault itself \
         is managed through Azure Resource Manager.",
    ))
}

/// Blob clients read the code from a header, and errors as XML (client contract 9.2).
async fn blob(_: Call) -> Result<Reply, ArmError> {
    const BODY: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>NotImplemented</Code><Message>The data \
                        plane of storage accounts is not served by this release. The account itself is managed \
                        through Azure Resource Manager.</Message></Error>";
    let mut reply = Reply::empty(ErrorCode::NotImplemented.face().0);
    reply.body = Body::Bytes("application/xml", Bytes::from_static(BODY.as_bytes()));
    Ok(reply.with(HeaderName::from_static("x-ms-error-code"), "NotImplemented"))
}
