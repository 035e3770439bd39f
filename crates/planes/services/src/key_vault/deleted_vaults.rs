//! `Microsoft.KeyVault/deletedVaults`: nothing, since vaults are deleted at once.

use http::Method;
use nave_engine::route::Route;

use crate::nothing;

pub(super) fn routes() -> [Route; 3] {
    let all = "/subscriptions/{subscription}/providers/Microsoft.KeyVault/deletedVaults";
    let one = "/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{name}";
    let purge = "/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{name}/purge";
    [
        nothing::list(all, "Microsoft.KeyVault/deletedVaults/read"),
        nothing::one(
            Method::GET,
            one,
            "Microsoft.KeyVault/locations/deletedVaults/read",
        ),
        nothing::one(
            Method::POST,
            purge,
            "Microsoft.KeyVault/locations/deletedVaults/purge/action",
        ),
    ]
}
