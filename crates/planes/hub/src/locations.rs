//! What a region offers: sizes of machines, and how much of a quota is used. nave starts no machines yet, and the
//! lists are as empty as that.

use http::Method;
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::Route,
};
use serde_json::json;

/// The lists, and the actions that open them: the published one for sizes is spelled otherwise than its path.
const LISTS: [(&str, &str); 3] = [
    (
        "/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/{location}/usages",
        "Microsoft.MachineLearningServices/locations/usages/read",
    ),
    (
        "/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/{location}/quotas",
        "Microsoft.MachineLearningServices/locations/quotas/read",
    ),
    (
        "/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/{location}/vmSizes",
        "Microsoft.MachineLearningServices/locations/vmsizes/read",
    ),
];

pub(crate) fn routes() -> impl Iterator<Item = Route> {
    LISTS.into_iter().map(|(path, action)| {
        Route::new(
            Method::GET,
            path,
            Surface::Arm,
            Access::action(action),
            |_| async { Ok(Reply::ok(json!({ "value": [] }))) },
        )
    })
}
