//! The fuzz targets' properties on a small corpus: published conditions and roles, every beginning of some of them, and
//! texts that were once trouble.

mod properties;

use nave_rbac::RoleIndex;
use serde_json::json;

const PATTERNS: [&str; 10] = [
    "",
    "*",
    "*\n",
    "Microsoft.Storage/*/read\nmicrosoft.storage/read",
    "a/*/\na/",
    "**\nx",
    "a*b*b\nabb",
    "\u{e9}*\n\u{c9}t\u{e9}",
    "A/*/b/*/c\na/b/c",
    "x\nX\ny",
];

const CONDITIONS: [&str; 12] = [
    "",
    "(",
    "NOT",
    "!!!!!!!!",
    "@",
    "@Resource[",
    "@Resource[a] StringEquals 'x' AND @Request[a] NumericLessThan 7 AND @Principal[a] ForAnyOfAnyValues:GuidEquals {acdd72a7-3385-48ef-bd42-f606fba81ae7}",
    "@Environment[UtcNow] DateTimeGreaterThan '2024-05-01T13:00:00.4999999Z'",
    "ActionMatches{'A/*/write'}\r\n\t|| SubOperationMatches{'x'} OR Exists @Request[a]",
    "@Resource[a] StringLike '\\*?\\?*'",
    "{1, 'x', true} ForAllOfAnyValues:StringEquals {'x'}",
    "\u{201c}a\u{201d} StringEquals '\u{1f600}'",
];

fn beginnings(text: &str) -> impl Iterator<Item = &str> {
    (0..=text.len()).filter_map(|end| text.get(..end))
}

#[test]
fn patterns() {
    for text in PATTERNS {
        beginnings(text).for_each(properties::pattern);
    }
}

#[test]
fn conditions() {
    for text in CONDITIONS {
        beginnings(text).for_each(properties::condition);
    }
    let index = RoleIndex::with_built_in();
    let permissions = index.definitions().flat_map(|role| &role.permissions);
    for condition in permissions.filter_map(|permission| permission.condition.as_ref()) {
        let text = condition.text();
        properties::condition(text);
        beginnings(text).step_by(17).for_each(properties::condition);
    }
}

#[test]
fn roles() {
    for text in [
        "",
        "{}",
        "[]",
        "null",
        "{\"properties\": 5}",
        "{\"permissions\": [{\"actions\": [null]}]}",
    ] {
        properties::role(text);
    }
    let index = RoleIndex::with_built_in();
    let mut roles: Vec<_> = index.definitions().collect();
    roles.sort_by_key(|role| role.id);
    for role in roles.into_iter().step_by(97) {
        let text = json!({ "name": role.id, "properties": role.properties() }).to_string();
        properties::role(&text);
        properties::role(&role.properties().to_string());
        beginnings(&text).step_by(101).for_each(properties::role);
    }
}
