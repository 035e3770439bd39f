//! The categories of logs: which a type has, as Azure names them, and which of them an event belongs to.

use nave_engine::EventKind as Kind;

/// A category, and what goes into it. Categories of Azure that hold nothing here are accepted, so that templates that
/// name them deploy, and stay empty.
#[derive(Debug)]
pub(crate) struct Category {
    pub(crate) name: &'static str,
    pub(crate) holds: &'static [Kind],
}

/// Every event of a resource but its model calls: what an auditor asks for.
const AUDITED: &[Kind] = &[Kind::Control, Kind::Policy, Kind::Identity];
const NOTHING: &[Kind] = &[];

const fn category(name: &'static str, holds: &'static [Kind]) -> Category {
    Category { name, holds }
}

/// The groups that stand for categories, with the kinds they hold.
pub(crate) const GROUPS: &[Category] = &[
    category(
        "allLogs",
        &[Kind::Control, Kind::Call, Kind::Policy, Kind::Identity],
    ),
    category("audit", AUDITED),
];

/// The categories of the activity log, for settings at what holds resources: a group, a subscription and above.
static ACTIVITY: &[Category] = &[
    category("Administrative", &[Kind::Control, Kind::Call]),
    category("Security", &[Kind::Identity]),
    category("Policy", &[Kind::Policy]),
    category("ServiceHealth", NOTHING),
    category("Alert", NOTHING),
    category("Recommendation", NOTHING),
    category("Autoscale", NOTHING),
    category("ResourceHealth", NOTHING),
];

/// Resource logs: by type in lower case, the categories Azure publishes for it.
static RESOURCES: &[(&str, &[Category])] = &[
    (
        "microsoft.cognitiveservices/accounts",
        &[
            category("Audit", AUDITED),
            category("RequestResponse", &[Kind::Call]),
            category("AzureOpenAIRequestUsage", NOTHING),
            category("Trace", NOTHING),
        ],
    ),
    (
        "microsoft.machinelearningservices/workspaces",
        &[
            category("Audit", AUDITED),
            category("RequestResponse", &[Kind::Call]),
            category("AmlComputeClusterEvent", NOTHING),
            category("AmlComputeClusterNodeEvent", NOTHING),
            category("AmlComputeCpuGpuUtilization", NOTHING),
            category("AmlComputeJobEvent", NOTHING),
            category("AmlRunStatusChangedEvent", NOTHING),
            category("ComputeInstanceEvent", NOTHING),
            category("DataLabelReadEvent", NOTHING),
            category("DataStoreChangeEvent", NOTHING),
            category("DeploymentEventACI", NOTHING),
            category("DeploymentEventAKS", NOTHING),
            category("DeploymentReadEvent", NOTHING),
            category("EnvironmentChangeEvent", NOTHING),
            category("InferencingOperationAKS", NOTHING),
            category("ModelsChangeEvent", NOTHING),
            category("PipelineChangeEvent", NOTHING),
            category("RunEvent", NOTHING),
        ],
    ),
    (
        "microsoft.keyvault/vaults",
        &[
            category("AuditEvent", AUDITED),
            category("AzurePolicyEvaluationDetails", NOTHING),
        ],
    ),
    (
        "microsoft.search/searchservices",
        &[category("OperationLogs", AUDITED)],
    ),
    (
        "microsoft.containerregistry/registries",
        &[
            category("Audit", AUDITED),
            category("ContainerRegistryLoginEvents", NOTHING),
            category("ContainerRegistryRepositoryEvents", NOTHING),
        ],
    ),
    (
        "microsoft.storage/storageaccounts/blobservices",
        &[
            category("Audit", AUDITED),
            category("StorageRead", NOTHING),
            category("StorageWrite", NOTHING),
            category("StorageDelete", NOTHING),
        ],
    ),
    (
        "microsoft.operationalinsights/workspaces",
        &[
            category("Audit", AUDITED),
            category("SummaryLogs", NOTHING),
            category("Jobs", NOTHING),
        ],
    ),
];

/// What every other type has.
static OTHERS: &[Category] = &[category("Audit", AUDITED)];

/// The categories a setting on something of this type may name; `None` is for what holds resources.
pub(crate) fn of_type(resource_type: Option<&str>) -> &'static [Category] {
    let Some(resource_type) = resource_type else {
        return ACTIVITY;
    };
    let wanted = resource_type.to_lowercase();
    let own = RESOURCES.iter().find(|(name, _)| *name == wanted);
    own.map_or(OTHERS, |(_, categories)| categories)
}
