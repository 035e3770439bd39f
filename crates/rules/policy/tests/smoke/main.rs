//! The properties that the fuzz target looks for, on a few texts that are nearly right.

mod properties;

#[test]
fn any_text_is_answered() {
    let storage = r#"{"field":"type","equals":"Microsoft.Storage/storageAccounts"}"#;
    let counted = r#"{"count":{"field":"Microsoft.Storage/storageAccounts/networkAcls.ipRules[*]","where":{"field":"Microsoft.Storage/storageAccounts/networkAcls.ipRules[*].value","like":"10.*"}},"greater":0}"#;
    for text in [
        "",
        "null",
        "[]",
        r#"{"if":{},"then":{}}"#,
        &format!(r#"{{"if":{storage},"then":{{"effect":"deny"}}}}"#),
        &format!(r#"{{"if":{{"not":{counted}}},"then":{{"effect":"audit"}}}}"#),
        &format!(
            r#"{{"if":{storage},"then":{{"effect":"append","details":[{{"field":"tags.a","value":"[field('name')]"}}]}}}}"#
        ),
        r#"{"if":{"value":"[first(field('tags'))]","equals":1},"then":{"effect":"deny"}}"#,
        r#"{"mode":"All","parameters":{"e":{"type":"String","defaultValue":"deny"}},"policyRule":{"if":{"allOf":[]},"then":{"effect":"[parameters('e')]"}}}"#,
    ] {
        properties::policy(text);
    }
}
