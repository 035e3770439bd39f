//! `Microsoft.CognitiveServices/deletedAccounts`: nothing, since accounts are deleted at once. Clients that purge
//! after deleting find that it is done.

use http::Method;
use nave_engine::route::Route;

use crate::nothing;

pub(super) fn routes() -> [Route; 3] {
    let all = "/subscriptions/{subscription}/providers/Microsoft.CognitiveServices/deletedAccounts";
    let one = "/subscriptions/{subscription}/providers/Microsoft.CognitiveServices/locations/{location}/resourceGroups/{group}/deletedAccounts/{name}";
    let permissions = "Microsoft.CognitiveServices/locations/resourceGroups/deletedAccounts";
    [
        nothing::list(all, "Microsoft.CognitiveServices/deletedAccounts/read"),
        nothing::one(Method::GET, one, &format!("{permissions}/read")),
        nothing::delete(one, &format!("{permissions}/delete")),
    ]
}
