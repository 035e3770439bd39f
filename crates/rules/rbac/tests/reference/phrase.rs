//! Random conditions, as people write them: in any case, with and without blanks, and now and then broken.

use crate::{chance::Chance, world::OPERATIONS, world::PATTERNS};

/// What an attribute holds, so that most comparisons compare like with like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Bool,
    Number,
    Time,
    Guid,
}

/// Names as conditions write them, with what they mostly hold; the same names exist at every source.
pub(crate) const ATTRIBUTES: [(&str, Kind); 9] = [
    (
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path",
        Kind::Text,
    ),
    (
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/tags:Project<$key_case_sensitive$>",
        Kind::Text,
    ),
    (
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/tags:project<$key_case_sensitive$>",
        Kind::Text,
    ),
    ("Microsoft.Storage/storageAccounts:isHnsEnabled", Kind::Bool),
    ("N/t:size", Kind::Number),
    ("UtcNow", Kind::Time),
    (
        "Microsoft.Authorization/roleAssignments:RoleDefinitionId",
        Kind::Guid,
    ),
    ("N/t:note", Kind::Text),
    ("subOperation", Kind::Text),
];

pub(crate) const SOURCES: [&str; 4] = ["Resource", "Request", "Principal", "Environment"];
pub(crate) const SUB_OPERATIONS: [&str; 3] = ["Blob.List", "Blob.Write.Tier", "blob.list"];

const TEXTS: [&str; 9] = [
    "",
    "logs",
    "Logs/2024/a.txt",
    "logs/2024/A.txt",
    "a*b",
    "a?b",
    "É",
    "é/x",
    r"a\*b",
];
const LIKES: [&str; 9] = ["*", "logs/*", "*.TXT", "?", "a?b", r"a\*b", r"a\?b", "É*", "l*s*"];
const NUMBERS: [i64; 5] = [-1, 0, 7, 8, 9_000_000_000];
const TIMES: [&str; 6] = [
    "2024-02-29T00:00:00Z",
    "2024-05-01T13:00:00.5Z",
    "2024-05-01T13:00:00.5000000Z",
    "2024-05-01t13:00:00.5000001z",
    "2023-02-29T00:00:00Z",
    "tomorrow",
];
const GUIDS: [&str; 5] = [
    "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "ACDD72A7338548efbd42f606fba81ae7",
    "00000000-0000-0000-0000-00000000000a",
    "0000000000000000000000000000000b",
    "Reader",
];

/// A value an attribute has, as JSON.
pub(crate) fn value(chance: &mut Chance, kind: Kind) -> serde_json::Value {
    // now and then of another type than the name promises, or of none
    let kind = if chance.percent(8) { any_kind(chance) } else { kind };
    match kind {
        _ if chance.percent(2) => serde_json::json!(1.5),
        Kind::Text => (*chance.pick(&TEXTS)).into(),
        Kind::Bool => chance.percent(50).into(),
        Kind::Number => (*chance.pick(&NUMBERS)).into(),
        Kind::Time => (*chance.pick(&TIMES)).into(),
        Kind::Guid => (*chance.pick(&GUIDS)).into(),
    }
}

pub(crate) fn any_kind(chance: &mut Chance) -> Kind {
    *chance.pick(&[Kind::Text, Kind::Bool, Kind::Number, Kind::Time, Kind::Guid])
}

/// A condition. One in twenty is broken somewhere.
pub(crate) fn condition(chance: &mut Chance) -> String {
    let text = usual(chance);
    if chance.percent(5) {
        broken(chance, &text)
    } else {
        text
    }
}

/// Half of all conditions have the usual shape: they are about some actions and let the others pass.
fn usual(chance: &mut Chance) -> String {
    if chance.percent(50) {
        return chain(chance, 2);
    }
    let blocks = chance.some(1, 2, |chance| {
        let (action, inside) = (chance.pick(&OPERATIONS).to_string(), chain(chance, 1));
        format!("( {}(ActionMatches{{'{action}'}}) OR ({inside}) )", not(chance))
    });
    blocks.join(and(chance))
}

fn not(chance: &mut Chance) -> &'static str {
    ["!", "NOT ", "not\t", "! "][chance.below(4)]
}

fn and(chance: &mut Chance) -> &'static str {
    [" AND ", "&&", " and\n", " && "][chance.below(4)]
}

fn chain(chance: &mut Chance, depth: usize) -> String {
    let terms = chance.some(1, 3, |chance| term(chance, depth));
    let joint = if chance.percent(50) {
        and(chance)
    } else {
        *chance.pick(&[" OR ", "||", "\nor ", " || "])
    };
    terms.join(joint)
}

fn term(chance: &mut Chance, depth: usize) -> String {
    let inside = if depth > 0 && chance.percent(45) {
        format!("({})", chain(chance, depth - 1))
    } else {
        leaf(chance)
    };
    match chance.below(10) {
        0 | 1 => format!("{}{inside}", not(chance)),
        2 => format!("!NOT {inside}"),
        _ => inside,
    }
}

fn leaf(chance: &mut Chance) -> String {
    match chance.below(10) {
        0 | 1 => {
            let patterns = chance.some(1, 2, |chance| format!("'{}'", chance.pick(&PATTERNS)));
            format!(
                "{}{{{}}}",
                chance.pick(&["ActionMatches", "actionmatches "]),
                patterns.join(", ")
            )
        }
        2 => {
            let names = chance.some(1, 2, |chance| format!("'{}'", chance.pick(&SUB_OPERATIONS)));
            format!("SubOperationMatches{{{}}}", names.join(","))
        }
        3 => {
            let name = chance.pick(&ATTRIBUTES).0;
            format!("Exists {}", attribute(chance, name))
        }
        _ => comparison(chance),
    }
}

fn attribute(chance: &mut Chance, name: &str) -> String {
    let name = match chance.below(6) {
        0 => name.to_uppercase(),
        1 => format!(" {name} "),
        _ => name.to_owned(),
    };
    // most attributes are carried by the request, so that conditions come to something
    let source = if chance.percent(50) {
        "Request"
    } else {
        *chance.pick(&SOURCES)
    };
    let source = if chance.percent(20) {
        source.to_lowercase()
    } else {
        source.to_owned()
    };
    format!("@{source}{}[{name}]", chance.pick(&["", "", " "]))
}

fn comparison(chance: &mut Chance) -> String {
    let (name, kind) = *chance.pick(&ATTRIBUTES);
    let kind = if chance.percent(6) { any_kind(chance) } else { kind };
    let quantifier = *chance.pick(&[
        "",
        "",
        "",
        "ForAnyOfAnyValues:",
        "ForAllOfAnyValues:",
        "ForAnyOfAllValues:",
        "ForAllOfAllValues:",
        "foranyofanyvalues:",
    ]);
    let base = operator(chance, kind);
    let left = attribute(chance, name);
    let right = match chance.below(10) {
        0 => attribute(chance, name),
        _ if !quantifier.is_empty() && chance.percent(80) => {
            let values = chance.some(1, 3, |chance| literal(chance, kind, &base));
            format!("{{{}}}", values.join(", "))
        }
        _ => literal(chance, kind, &base),
    };
    let (before, after) = (*chance.pick(&[" ", "", "\n"]), *chance.pick(&[" ", "\t"]));
    if chance.percent(8) {
        return format!("{right} {quantifier}{base}{after}{left}");
    }
    format!("{left}{before}{quantifier}{base}{after}{right}")
}

fn operator(chance: &mut Chance, kind: Kind) -> String {
    let not = *chance.pick(&["", "", "Not"]);
    let order = *chance.pick(&[
        "Equals",
        "NotEquals",
        "LessThan",
        "LessThanEquals",
        "GreaterThan",
        "GreaterThanEquals",
    ]);
    let name = match kind {
        Kind::Text => {
            let test = *chance.pick(&["Equals", "StartsWith", "Like"]);
            format!("String{not}{test}{}", chance.pick(&["", "IgnoreCase"]))
        }
        Kind::Bool => format!("Bool{not}Equals"),
        Kind::Number => format!("Numeric{order}"),
        Kind::Time => format!("DateTime{order}"),
        Kind::Guid => format!("Guid{not}Equals"),
    };
    if chance.percent(15) {
        name.to_lowercase()
    } else {
        name
    }
}

fn literal(chance: &mut Chance, kind: Kind, base: &str) -> String {
    match kind {
        Kind::Text if base.to_lowercase().contains("like") => format!("'{}'", chance.pick(&LIKES)),
        Kind::Text => format!("'{}'", chance.pick(&TEXTS)),
        Kind::Bool => (*chance.pick(&["true", "false", "TRUE", "'true'"])).to_owned(),
        Kind::Number => chance.pick(&NUMBERS).to_string(),
        Kind::Time => format!("'{}'", chance.pick(&TIMES)),
        Kind::Guid => {
            let guid = *chance.pick(&GUIDS[..4]);
            if chance.percent(40) {
                format!("'{guid}'")
            } else {
                guid.to_owned()
            }
        }
    }
}

/// The text with one sign taken away, doubled, or put in from elsewhere.
pub(crate) fn broken(chance: &mut Chance, text: &str) -> String {
    let mut signs: Vec<char> = text.chars().collect();
    if signs.is_empty() {
        return String::from(")");
    }
    let at = chance.below(signs.len());
    match chance.below(4) {
        0 => drop(signs.remove(at)),
        1 => signs.insert(at, signs[at]),
        2 => signs.insert(
            at,
            *chance.pick(&[
                '(', ')', '{', '}', '\'', '"', ',', '!', '@', '[', ']', '&', '|', ' ', '-', '5', 'é', ':',
            ]),
        ),
        _ => signs.truncate(at),
    }
    signs.into_iter().collect()
}
