//! Aliases whose names say something else than where the member lies. Each has a place for every type that it is about.

use crate::words::same;

type Renamed = (&'static str, &'static [(&'static str, &'static str)]);

const VM: &str = "Microsoft.Compute/virtualMachines";
const VMSS: &str = "Microsoft.Compute/virtualMachineScaleSets";

/// Type and path of a renamed alias.
pub(super) fn renamed(name: &str) -> Option<&'static [(&'static str, &'static str)]> {
    let found = TABLE.iter().find(|(alias, _)| same(alias, name));
    found.map(|(_, places)| *places)
}

const TABLE: &[Renamed] = &[
    (
        "Microsoft.Compute/imagePublisher",
        &[
            (VM, "properties.storageProfile.imageReference.publisher"),
            (
                VMSS,
                "properties.virtualMachineProfile.storageProfile.imageReference.publisher",
            ),
        ],
    ),
    (
        "Microsoft.Compute/imageOffer",
        &[
            (VM, "properties.storageProfile.imageReference.offer"),
            (
                VMSS,
                "properties.virtualMachineProfile.storageProfile.imageReference.offer",
            ),
        ],
    ),
    (
        "Microsoft.Compute/imageSKU",
        &[
            (VM, "properties.storageProfile.imageReference.sku"),
            (
                VMSS,
                "properties.virtualMachineProfile.storageProfile.imageReference.sku",
            ),
        ],
    ),
    (
        "Microsoft.Compute/imageVersion",
        &[
            (VM, "properties.storageProfile.imageReference.version"),
            (
                VMSS,
                "properties.virtualMachineProfile.storageProfile.imageReference.version",
            ),
        ],
    ),
    (
        "Microsoft.Compute/imageId",
        &[
            (VM, "properties.storageProfile.imageReference.id"),
            (
                VMSS,
                "properties.virtualMachineProfile.storageProfile.imageReference.id",
            ),
        ],
    ),
    (
        "Microsoft.Compute/licenseType",
        &[
            (VM, "properties.licenseType"),
            (VMSS, "properties.virtualMachineProfile.licenseType"),
        ],
    ),
    (
        "Microsoft.Compute/virtualMachines/sku.name",
        &[(VM, "properties.hardwareProfile.vmSize")],
    ),
    (
        "Microsoft.Compute/virtualMachines/imagePublisher",
        &[(VM, "properties.storageProfile.imageReference.publisher")],
    ),
    (
        "Microsoft.Compute/virtualMachines/imageOffer",
        &[(VM, "properties.storageProfile.imageReference.offer")],
    ),
    (
        "Microsoft.Compute/virtualMachines/imageSku",
        &[(VM, "properties.storageProfile.imageReference.sku")],
    ),
    (
        "Microsoft.Storage/storageAccounts/enableBlobEncryption",
        &[(
            "Microsoft.Storage/storageAccounts",
            "properties.encryption.services.blob.enabled",
        )],
    ),
    (
        "Microsoft.Storage/storageAccounts/enableFileEncryption",
        &[(
            "Microsoft.Storage/storageAccounts",
            "properties.encryption.services.file.enabled",
        )],
    ),
    (
        "Microsoft.KeyVault/vaults/sku.name",
        &[("Microsoft.KeyVault/vaults", "properties.sku.name")],
    ),
    (
        "Microsoft.KeyVault/vaults/sku.family",
        &[("Microsoft.KeyVault/vaults", "properties.sku.family")],
    ),
    (
        "Microsoft.OperationalInsights/workspaces/sku.name",
        &[("Microsoft.OperationalInsights/workspaces", "properties.sku.name")],
    ),
    (
        "Microsoft.Network/applicationGateways/sku.name",
        &[("Microsoft.Network/applicationGateways", "properties.sku.name")],
    ),
    (
        "Microsoft.Network/applicationGateways/sku.tier",
        &[("Microsoft.Network/applicationGateways", "properties.sku.tier")],
    ),
    (
        "Microsoft.Network/azureFirewalls/sku.tier",
        &[("Microsoft.Network/azureFirewalls", "properties.sku.tier")],
    ),
    (
        "Microsoft.Network/azureFirewalls/sku.name",
        &[("Microsoft.Network/azureFirewalls", "properties.sku.name")],
    ),
    (
        "Microsoft.Network/virtualNetworkGateways/sku.name",
        &[("Microsoft.Network/virtualNetworkGateways", "properties.sku.name")],
    ),
    (
        "Microsoft.Network/virtualNetworkGateways/sku.tier",
        &[("Microsoft.Network/virtualNetworkGateways", "properties.sku.tier")],
    ),
    (
        "Microsoft.Web/sites/config/web.http20Enabled",
        &[("Microsoft.Web/sites/config", "properties.http20Enabled")],
    ),
    (
        "Microsoft.Web/sites/config/web.ftpsState",
        &[("Microsoft.Web/sites/config", "properties.ftpsState")],
    ),
    (
        "Microsoft.Web/sites/config/web.minTlsVersion",
        &[("Microsoft.Web/sites/config", "properties.minTlsVersion")],
    ),
    (
        "Microsoft.Authorization/roleDefinitions/type",
        &[("Microsoft.Authorization/roleDefinitions", "properties.type")],
    ),
];
