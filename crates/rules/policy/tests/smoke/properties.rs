//! What holds for any policy, however wrong. The fuzz target in `fuzz/` runs this on what a fuzzer thinks of; the test beside
//! this file runs it on a small corpus.

use nave_policy::{Assignment, Catalogue, Definition, Subject, shape};
use serde_json::{Value, json};

const NOW: &str = "2026-11-25T12:00:00Z";

/// A rule, the properties of a definition, or whatever else the text is: it is refused with a code of ARM, or judges a
/// resource, the same each time, and what it makes of the resource is stable.
pub(crate) fn policy(text: &str) {
    let Ok(document) = serde_json::from_str::<Value>(text) else {
        return;
    };
    for properties in [document.clone(), json!({ "policyRule": document })] {
        let definition = match Definition::parse(&properties) {
            Ok(definition) => definition,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                continue;
            }
        };
        let mut catalogue = Catalogue::default();
        catalogue.add_definition(
            "/providers/Microsoft.Authorization/policyDefinitions/d",
            definition,
        );
        let assigned =
            json!({ "policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/d" });
        if let Ok(assignment) = Assignment::bind(
            "/subscriptions/s/providers/Microsoft.Authorization/policyAssignments/a",
            &assigned,
            &catalogue,
        ) {
            judged(&assignment);
        }
    }
}

fn judged(assignment: &Assignment) {
    let resource = json!({
        "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/sa", "name": "sa",
        "type": "Microsoft.Storage/storageAccounts", "location": "eastus", "kind": "StorageV2", "tags": { "env": "dev" },
        "properties": { "supportsHttpsTrafficOnly": true, "networkAcls": { "ipRules": [{ "value": "10.0.0.1" }, { "value": "x" }] } },
    });
    let policies: Vec<_> = assignment.policies.iter().collect();
    for policy in &policies {
        let judge = || format!("{:?}", policy.judge(&Subject::of(&resource, NOW)));
        assert_eq!(judge(), judge(), "the same is judged the same");
    }
    let mut shaped = resource.clone();
    if shape(&mut shaped, &policies, &Subject::of(&resource, NOW)).is_err() {
        assert_eq!(shaped, resource, "what is refused is left alone");
    }
}
