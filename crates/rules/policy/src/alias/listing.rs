//! The aliases of a type, as provider metadata lists them.

use super::Alias;
use crate::words::same;

/// An alias of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasInfo {
    /// Its name, such as `Microsoft.Storage/storageAccounts/accessTier`.
    pub name: String,
    /// Where it points to in a resource, such as `properties.accessTier`.
    pub path: String,
    /// Whether `modify` may write it.
    pub is_modifiable: bool,
}

/// The aliases of a type that are known by name. Rules may use others of the same form; these are what people look up.
#[must_use]
pub fn aliases_of(resource_type: &str) -> Vec<AliasInfo> {
    let listed = LISTED.iter().filter(|(known, _)| same(known, resource_type));
    let names = listed.flat_map(|(known, names)| names.split_whitespace().map(move |name| (known, name)));
    names.filter_map(|(known, name)| info(known, name)).collect()
}

/// The types that have aliases known by name.
pub fn types_with_aliases() -> impl Iterator<Item = &'static str> {
    LISTED.iter().map(|(resource_type, _)| *resource_type)
}

/// A name ends in `!` where `modify` may write it.
fn info(resource_type: &str, name: &str) -> Option<AliasInfo> {
    let (short, is_modifiable) = name
        .strip_suffix('!')
        .map_or((name, false), |short| (short, true));
    let alias = Alias::read(&format!("{resource_type}/{short}"))?;
    let path = alias.place(resource_type)?.path();
    Some(AliasInfo {
        name: alias.name,
        path,
        is_modifiable,
    })
}

const LISTED: &[(&str, &str)] = &[
    (
        "Microsoft.MachineLearningServices/workspaces",
        "allowPublicAccessWhenBehindVnet! applicationInsights associatedWorkspaces associatedWorkspaces[*] containerRegistry
         description discoveryUrl encryption encryption.status encryption.keyVaultProperties.keyIdentifier
         encryption.keyVaultProperties.keyVaultArmId friendlyName hbiWorkspace hubResourceId imageBuildCompute keyVault
         managedNetwork.isolationMode managedNetwork.outboundRules managedNetwork.status.sparkReady
         primaryUserAssignedIdentity privateEndpointConnections privateEndpointConnections[*]
         privateEndpointConnections[*].privateLinkServiceConnectionState.status
         privateEndpointConnections[*].privateEndpoint.id publicNetworkAccess! serverlessComputeSettings.serverlessComputeCustomSubnet
         serverlessComputeSettings.serverlessComputeNoPublicIP sharedPrivateLinkResources[*] storageAccount
         systemDatastoresAuthMode v1LegacyMode! sku.name sku.tier",
    ),
    (
        "Microsoft.MachineLearningServices/workspaces/computes",
        "computeType computeLocation description disableLocalAuth! resourceId provisioningState vmSize vmPriority osType
         subnet.id idleTimeBeforeShutdown! remoteLoginPortPublicAccess scaleSettings.minNodeCount scaleSettings.maxNodeCount
         scaleSettings.nodeIdleTimeBeforeScaleDown sshSettings.sshPublicAccess enableNodePublicIp applicationSharingPolicy
         isolatedNetwork osImageMetadata.isLatestOsImageVersion osImageMetadata.currentImageVersion",
    ),
    (
        "Microsoft.MachineLearningServices/workspaces/connections",
        "authType category target isSharedToAll sharedUserList sharedUserList[*] metadata expiryTime",
    ),
    (
        "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
        "authMode publicNetworkAccess! description traffic compute sku.name",
    ),
    (
        "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments",
        "model instanceType egressPublicNetworkAccess! endpointComputeType environmentId appInsightsEnabled sku.name sku.capacity",
    ),
    (
        "Microsoft.MachineLearningServices/workspaces/serverlessEndpoints",
        "authMode modelSettings.modelId contentSafety.contentSafetyStatus",
    ),
    (
        "Microsoft.MachineLearningServices/workspaces/privateEndpointConnections",
        "privateEndpoint.id privateLinkServiceConnectionState.status privateLinkServiceConnectionState.description",
    ),
    ("Microsoft.MachineLearningServices/workspaces/datastores", "datastoreType accountName endpoint containerName"),
    ("Microsoft.MachineLearningServices/workspaces/outboundRules", "type category destination"),
    (
        "Microsoft.MachineLearningServices.v2.Data/workspaces/deployments",
        "model.registryName model.publisher model.assetId model.name model.version",
    ),
    (
        "Microsoft.CognitiveServices.Data/accounts/deployments",
        "model.format model.name model.version model.publisher model.assetId raiPolicy.mode raiPolicy.contentFilters[*]
         raiPolicy.contentFilters[*].name raiPolicy.contentFilters[*].source raiPolicy.contentFilters[*].enabled
         raiPolicy.contentFilters[*].blocking raiPolicy.contentFilters[*].severityThreshold",
    ),
    (
        "Microsoft.CognitiveServices/accounts",
        "allowProjectManagement allowedFqdnList allowedFqdnList[*] apiProperties capabilities[*] capabilities[*].name
         customSubDomainName! disableLocalAuth! dynamicThrottlingEnabled encryption encryption.keySource
         encryption.keyVaultProperties.keyName encryption.keyVaultProperties.keyVaultUri networkAcls networkAcls.bypass
         networkAcls.defaultAction! networkAcls.ipRules networkAcls.ipRules[*] networkAcls.ipRules[*].value
         networkAcls.virtualNetworkRules networkAcls.virtualNetworkRules[*] networkAcls.virtualNetworkRules[*].id
         privateEndpointConnections privateEndpointConnections[*]
         privateEndpointConnections[*].privateLinkServiceConnectionState.status publicNetworkAccess!
         restrictOutboundNetworkAccess! userOwnedStorage userOwnedStorage[*] userOwnedStorage[*].resourceId sku.name",
    ),
    (
        "Microsoft.CognitiveServices/accounts/deployments",
        "model.format model.name model.version model.source model.publisher raiPolicyName versionUpgradeOption sku.name sku.capacity",
    ),
    ("Microsoft.CognitiveServices/accounts/projects", "description displayName isDefault"),
    (
        "Microsoft.CognitiveServices/accounts/privateEndpointConnections",
        "privateEndpoint.id privateLinkServiceConnectionState.status",
    ),
    (
        "Microsoft.Storage/storageAccounts",
        "accessTier! allowBlobPublicAccess! allowCrossTenantReplication! allowSharedKeyAccess! allowedCopyScope!
         azureFilesIdentityBasedAuthentication.directoryServiceOptions defaultToOAuthAuthentication! dnsEndpointType
         enableBlobEncryption enableFileEncryption encryption.keySource encryption.keyvaultproperties.keyname
         encryption.keyvaultproperties.keyvaulturi encryption.requireInfrastructureEncryption
         encryption.services.blob.enabled encryption.services.blob.keyType encryption.services.file.enabled
         encryption.services.file.keyType encryption.services.queue.keyType encryption.services.table.keyType
         immutableStorageWithVersioning.enabled isHnsEnabled isLocalUserEnabled! isNfsV3Enabled isSftpEnabled!
         keyPolicy.keyExpirationPeriodInDays! largeFileSharesState minimumTlsVersion! networkAcls.bypass!
         networkAcls.defaultAction! networkAcls.ipRules networkAcls.ipRules[*] networkAcls.ipRules[*].value
         networkAcls.ipRules[*].action networkAcls.resourceAccessRules[*] networkAcls.resourceAccessRules[*].resourceId
         networkAcls.resourceAccessRules[*].tenantId networkAcls.virtualNetworkRules networkAcls.virtualNetworkRules[*]
         networkAcls.virtualNetworkRules[*].id privateEndpointConnections privateEndpointConnections[*]
         privateEndpointConnections[*].privateLinkServiceConnectionState.status publicNetworkAccess!
         routingPreference.routingChoice sasPolicy.sasExpirationPeriod! sku.name sku.tier supportsHttpsTrafficOnly!",
    ),
    (
        "Microsoft.Storage/storageAccounts/blobServices",
        "automaticSnapshotPolicyEnabled changeFeed.enabled! containerDeleteRetentionPolicy.days!
         containerDeleteRetentionPolicy.enabled! cors.corsRules cors.corsRules[*] cors.corsRules[*].allowedOrigins[*]
         defaultServiceVersion deleteRetentionPolicy.days! deleteRetentionPolicy.enabled! isVersioningEnabled!
         restorePolicy.enabled!",
    ),
    ("Microsoft.Storage/storageAccounts/blobServices/containers", "publicAccess! hasImmutabilityPolicy hasLegalHold"),
    (
        "Microsoft.Storage/storageAccounts/fileServices",
        "cors.corsRules[*] protocolSettings.smb.authenticationMethods! protocolSettings.smb.channelEncryption!
         protocolSettings.smb.versions! shareDeleteRetentionPolicy.enabled! shareDeleteRetentionPolicy.days!",
    ),
    ("Microsoft.Storage/storageAccounts/queueServices", "cors.corsRules[*]"),
    ("Microsoft.Storage/storageAccounts/tableServices", "cors.corsRules[*]"),
    (
        "Microsoft.KeyVault/vaults",
        "accessPolicies accessPolicies[*] accessPolicies[*].objectId accessPolicies[*].tenantId createMode
         enabledForDeployment enabledForDiskEncryption enabledForTemplateDeployment enablePurgeProtection!
         enableRbacAuthorization! enableSoftDelete! networkAcls.bypass! networkAcls.defaultAction! networkAcls.ipRules
         networkAcls.ipRules[*] networkAcls.ipRules[*].value networkAcls.virtualNetworkRules[*]
         networkAcls.virtualNetworkRules[*].id privateEndpointConnections privateEndpointConnections[*]
         privateEndpointConnections[*].privateLinkServiceConnectionState.status publicNetworkAccess! sku.name sku.family
         softDeleteRetentionInDays tenantId vaultUri",
    ),
    ("Microsoft.KeyVault/vaults/keys", "attributes.enabled attributes.exp kty keySize curveName rotationPolicy"),
    ("Microsoft.KeyVault/vaults/secrets", "attributes.enabled attributes.exp contentType"),
    (
        "Microsoft.KeyVault.Data/vaults/keys",
        "attributes.createdOn attributes.enabled attributes.expiresOn attributes.notBefore keySize keyType
         ellipticCurveName scheduledRotationDate",
    ),
    (
        "Microsoft.KeyVault.Data/vaults/secrets",
        "attributes.createdOn attributes.enabled attributes.expiresOn attributes.notBefore contentType",
    ),
    (
        "Microsoft.ContainerRegistry/registries",
        "adminUserEnabled! anonymousPullEnabled! dataEndpointEnabled encryption.status
         encryption.keyVaultProperties.keyIdentifier networkRuleBypassOptions networkRuleSet.defaultAction!
         networkRuleSet.ipRules[*] networkRuleSet.ipRules[*].value networkRuleSet.virtualNetworkRules[*]
         networkRuleSet.virtualNetworkRules[*].action policies.exportPolicy.status! policies.quarantinePolicy.status
         policies.trustPolicy.status policies.azureADAuthenticationAsArmPolicy.status! privateEndpointConnections[*]
         privateEndpointConnections[*].privateLinkServiceConnectionState.status publicNetworkAccess! sku.name zoneRedundancy",
    ),
    ("Microsoft.ContainerRegistry/registries/tokens", "scopeMapId status!"),
    (
        "Microsoft.Search/searchServices",
        "authOptions disableLocalAuth! encryptionWithCmk.encryptionComplianceStatus encryptionWithCmk.enforcement! hostingMode
         networkRuleSet.bypass networkRuleSet.ipRules networkRuleSet.ipRules[*] networkRuleSet.ipRules[*].value partitionCount
         privateEndpointConnections[*] privateEndpointConnections[*].privateLinkServiceConnectionState.status
         publicNetworkAccess! replicaCount semanticSearch sku.name",
    ),
    (
        "Microsoft.Insights/components",
        "Application_Type DisableIpMasking DisableLocalAuth! ForceCustomerStorageForProfiler IngestionMode
         publicNetworkAccessForIngestion! publicNetworkAccessForQuery! RetentionInDays SamplingPercentage WorkspaceResourceId",
    ),
    (
        "Microsoft.Insights/diagnosticSettings",
        "eventHubAuthorizationRuleId eventHubName logAnalyticsDestinationType logs logs[*] logs[*].category
         logs[*].categoryGroup logs[*].enabled logs[*].retentionPolicy.days logs[*].retentionPolicy.enabled logs.enabled
         marketplacePartnerId metrics metrics[*] metrics[*].category metrics[*].enabled metrics.enabled serviceBusRuleId
         storageAccountId workspaceId",
    ),
    (
        "Microsoft.OperationalInsights/workspaces",
        "features.disableLocalAuth! features.enableLogAccessUsingOnlyResourcePermissions forceCmkForQuery!
         publicNetworkAccessForIngestion! publicNetworkAccessForQuery! retentionInDays! sku.name workspaceCapping.dailyQuotaGb",
    ),
    ("Microsoft.ManagedIdentity/userAssignedIdentities", "clientId principalId tenantId isolationScope"),
    (
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        "audiences audiences[*] issuer subject",
    ),
    (
        "Microsoft.Authorization/roleDefinitions",
        "assignableScopes assignableScopes[*] permissions permissions[*] permissions[*].actions[*] permissions[*].dataActions[*]
         permissions[*].notActions[*] permissions.actions[*] roleName type",
    ),
    (
        "Microsoft.Authorization/roleAssignments",
        "condition principalId principalType roleDefinitionId scope",
    ),
    ("Microsoft.Authorization/locks", "level notes"),
    (
        "Microsoft.Network/privateEndpoints",
        "customNetworkInterfaceName manualPrivateLinkServiceConnections[*] privateLinkServiceConnections
         privateLinkServiceConnections[*] privateLinkServiceConnections[*].groupIds privateLinkServiceConnections[*].groupIds[*]
         privateLinkServiceConnections[*].privateLinkServiceConnectionState.status
         privateLinkServiceConnections[*].privateLinkServiceId subnet.id",
    ),
];

#[cfg(test)]
mod tests {
    use super::{LISTED, aliases_of, types_with_aliases};

    #[test]
    fn every_listed_name_is_an_alias() {
        for (resource_type, (_, names)) in types_with_aliases().zip(LISTED) {
            let found = aliases_of(&resource_type.to_uppercase());
            assert_eq!(found.len(), names.split_whitespace().count(), "{resource_type}");
        }
        let storage = aliases_of("Microsoft.Storage/storageAccounts");
        let tls = storage
            .iter()
            .find(|alias| alias.name.ends_with("/minimumTlsVersion"));
        assert_eq!(
            tls.map(|alias| (alias.path.as_str(), alias.is_modifiable)),
            Some(("properties.minimumTlsVersion", true))
        );
        assert!(aliases_of("A.B/t").is_empty());
    }
}
