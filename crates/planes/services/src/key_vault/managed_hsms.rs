//! `Microsoft.KeyVault/managedHSMs`: nave has none. `az keyvault list` asks for them with the vaults.

use nave_engine::route::Route;

use crate::nothing;

pub(super) fn routes() -> [Route; 3] {
    let all = "/subscriptions/{subscription}/providers/Microsoft.KeyVault/managedHSMs";
    let group =
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/managedHSMs";
    let deleted = "/subscriptions/{subscription}/providers/Microsoft.KeyVault/deletedManagedHSMs";
    [
        nothing::list(all, "Microsoft.KeyVault/managedHSMs/read"),
        nothing::list(group, "Microsoft.KeyVault/managedHSMs/read"),
        nothing::list(deleted, "Microsoft.KeyVault/deletedManagedHsms/read"),
    ]
}
