//! Answers about access, for people.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::say;

/// How many operations of one kind are named before the rest are counted.
const NAMED: usize = 8;

/// Prints what a change would do.
pub(super) fn what_if(answer: &Value) {
    for change in items(&answer["changes"]) {
        let note = match (flag(&change["effective"]), flag(&change["permitted"])) {
            (false, _) => "  (it changes nothing)",
            _ => "",
        };
        say::line(format!(
            "{} {}{note}",
            text(&change["change"]),
            text(&change["id"])
        ));
    }
    let totals = &answer["totals"];
    say::line(format!(
        "{} rights gained, {} lost, {} conditional; {} principals at {} resources",
        totals["gained"], totals["lost"], totals["conditional"], totals["principals"], totals["resources"]
    ));
    for ((title, operations), places) in grouped(items(&answer["entries"])) {
        say::line("");
        say::line(title);
        places
            .iter()
            .for_each(|place| say::line(format!("    at  {place}")));
        for operation in operations.iter().take(NAMED) {
            say::line(format!("        {operation}"));
        }
        if operations.len() > NAMED {
            say::line(format!(
                "        … and {} more operations (--json names them)",
                operations.len() - NAMED
            ));
        }
    }
    if totals["more"] != 0 {
        say::line(format!(
            "\n… and {} more entries (--top asks for more)",
            totals["more"]
        ));
    }
    if flag(&totals["beyondScope"]) {
        say::line("\nThe change reaches beyond the scope that was asked about.");
    }
    calls(&answer["calls"]);
}

/// Entries that differ in the place only, as one.
fn grouped(entries: &[Value]) -> BTreeMap<(String, Vec<String>), Vec<&str>> {
    let mut groups: BTreeMap<(String, Vec<String>), Vec<&str>> = BTreeMap::new();
    for entry in entries {
        let actions = items(&entry["actions"]).iter().map(|one| text(one).to_owned());
        let data = items(&entry["dataActions"])
            .iter()
            .map(|one| format!("{} (data)", text(one)));
        let key = (title(entry), actions.chain(data).collect());
        groups.entry(key).or_default().push(text(&entry["resourceId"]));
    }
    groups
}

fn title(entry: &Value) -> String {
    let who = match text(&entry["principal"]["name"]) {
        "" => text(&entry["principal"]["id"]),
        name => name,
    };
    let does = match text(&entry["kind"]) {
        "Gained" => String::from("gains"),
        "Lost" => String::from("loses"),
        _ => format!(
            "changes from {} to {}",
            text(&entry["before"]),
            text(&entry["after"])
        ),
    };
    let mut title = format!("{who} {does}");
    if entry["by"].is_object() {
        title.push_str(&format!(", by {}", text(&entry["by"]["roleName"])));
        if entry["by"]["throughGroup"].is_object() {
            let group = &entry["by"]["throughGroup"];
            let name = if group["name"].is_null() {
                &group["id"]
            } else {
                &group["name"]
            };
            title.push_str(&format!(" through the group {}", text(name)));
        }
        title.push_str(&format!("\n    assignment {}", text(&entry["by"]["assignment"])));
    }
    if let Some(deny) = entry["denyAssignment"].as_str() {
        title.push_str(&format!("\n    deny assignment {deny}"));
    }
    if let Some(condition) = entry["condition"].as_str() {
        title.push_str(&format!("\n    if {condition}"));
    }
    title
}

fn calls(calls: &Value) {
    say::line("");
    if let Some(why) = calls["notTold"].as_str() {
        say::line(format!("Calls of the past: {why}"));
        return;
    }
    let flips = items(&calls["flips"]);
    say::line(format!(
        "{} calls of the last {} days would come out otherwise ({} events looked at{})",
        flips.len(),
        calls["days"],
        calls["eventsLookedAt"],
        if flag(&calls["cutShort"]) {
            ", there are more"
        } else {
            ""
        },
    ));
    for flip in flips {
        let [time, caller, operation, scope, recorded, proposed] =
            ["time", "callerName", "operation", "scope", "recorded", "proposed"]
                .map(|name| text(&flip[name]));
        say::line(format!(
            "    {time}  {caller}  {operation}\n        at {scope}: was {recorded}, would be {proposed}"
        ));
    }
}

/// Says what belongs to suggested roles, beside the output.
pub(super) fn suggestion(answer: &Value) {
    let who = text(&answer["principal"]["name"]);
    let roles = items(&answer["roles"]);
    if roles.is_empty() {
        say::remark(format!(
            "{who} did nothing at {} in the last {} days that a custom role could give.",
            text(&answer["scope"]),
            answer["days"]
        ));
    }
    for line in roles.iter().flat_map(|role| items(&role["assignments"])) {
        say::remark(text(line));
    }
    for one in items(&answer["notInRole"]) {
        say::remark(format!(
            "not in the role: {} at {}. {}",
            text(&one["operation"]),
            text(&one["scope"]),
            text(&one["why"])
        ));
    }
    for one in items(&answer["underConditionsToday"]) {
        say::remark(format!(
            "today only under a condition: {} at {}: {}",
            text(&one["operation"]),
            text(&one["scope"]),
            text(&one["condition"])
        ));
    }
    if !roles.is_empty() {
        proof(&answer["proof"]);
    }
}

fn proof(proof: &Value) {
    say::remark(format!(
        "proof: {} of {} uses are allowed by it; of {} questions about other operations it allows {}",
        proof["usesReplayed"].as_u64().unwrap_or_default()
            - u64::try_from(items(&proof["usesNotAllowed"]).len()).unwrap_or_default(),
        proof["usesReplayed"],
        proof["otherOperationsAsked"],
        items(&proof["otherOperationsAllowed"]).len(),
    ));
    for one in items(&proof["usesNotAllowed"]) {
        say::remark(format!(
            "    not allowed: {} at {}",
            text(&one["operation"]),
            text(&one["scope"])
        ));
    }
    let wider = items(&proof["alsoAllowedElsewhere"]);
    if !wider.is_empty() {
        say::remark(format!(
            "    one role for all places allows {} operations at places where they were not done; --by-scope makes one for \
             each",
            wider.len()
        ));
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn flag(value: &Value) -> bool {
    value.as_bool().unwrap_or_default()
}
