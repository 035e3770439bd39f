//! An explanation as a page of text.

use std::fmt::Write;

use nave_engine::explain::{
    Asked, AssignmentReasons, Comparison, ConditionReasons, Explanation, NeedReasons, Remedy, Seen,
    SmallestGrant, Who,
};

/// How many of the operations that a grant opens are listed.
const LISTED: usize = 12;

/// The page.
pub(super) fn text(explanation: &Explanation) -> String {
    let mut page = Page::default();
    page.line(0, &explanation.summary);
    page.blank();
    if let Some(id) = explanation.decision {
        page.pair("decision", &id.to_string());
    }
    page.pair("at", &format!("{}, revision {}", explanation.at, explanation.revision));
    who(&mut page, &explanation.caller);
    for need in &explanation.needs {
        page.blank();
        of_need(&mut page, need);
    }
    for way in &explanation.other_ways {
        page.blank();
        page.line(0, "It would also have been enough to be allowed");
        way.iter().for_each(|asked| page.line(2, &at(asked)));
    }
    if !explanation.remarks.is_empty() {
        page.blank();
    }
    for remark in &explanation.remarks {
        page.line(0, remark);
    }
    remedy(&mut page, &explanation.remedy);
    page.0.trim_end().to_owned()
}

fn who(page: &mut Page, who: &Who) {
    page.pair("caller", &format!("{} ({} {})", who.name, who.kind, who.id));
    let mut how = who.credential.clone();
    if !who.methods.is_empty() {
        let _ = write!(how, ", signed in by {}", who.methods.join(", "));
    }
    if let Some(session) = who.session {
        let _ = write!(how, ", session {session}");
    }
    if let Some(address) = &who.address {
        let _ = write!(how, ", from {address}");
    }
    page.pair("with", &how);
    let groups: Vec<String> = who
        .groups
        .iter()
        .map(|group| group.name.clone().unwrap_or_else(|| group.id.to_string()))
        .collect();
    if !groups.is_empty() {
        page.pair("groups", &groups.join(", "));
    }
}

fn of_need(page: &mut Page, need: &NeedReasons) {
    let verdict = if need.met { "allowed" } else { "refused" };
    let basis = match need.basis {
        "own" => String::new(),
        "linked" => String::from(" (on a scope the request links to)"),
        "signedIn" => String::from(" (open to whoever is signed in)"),
        rule => format!(" (by the rule {rule})"),
    };
    page.line(0, &format!("{}: {verdict}{basis}", operation(&need.asked)));
    page.line(2, &need.why);
    let widest = need.scopes.iter().map(|step| step.scope.as_str().len()).max();
    page.line(2, "scopes");
    for step in &need.scopes {
        let width = widest.unwrap_or_default();
        page.line(4, &format!("{:width$}  {}", step.scope.as_str(), step.kind));
    }
    if !need.assignments.is_empty() {
        page.line(2, "assignments");
    }
    for one in &need.assignments {
        assignment(page, one);
    }
    if !need.denies.is_empty() {
        page.line(2, "deny assignments");
    }
    for deny in &need.denies {
        let name = deny.name.as_deref().unwrap_or("a deny assignment");
        page.line(4, &format!("{name} at {}: {}", deny.scope, deny.why));
        page.line(6, deny.id.as_str());
    }
}

fn assignment(page: &mut Page, one: &AssignmentReasons) {
    let id = one.role.to_string();
    let role = one.role_name.as_deref().unwrap_or(&id);
    let through = one.through_group.as_ref().map_or_else(String::new, |group| {
        let id = group.id.to_string();
        format!(", through the group {}", group.name.as_deref().unwrap_or(&id))
    });
    page.line(4, &format!("{role} at {}{through}: {}", one.scope, one.why));
    page.line(6, one.id.as_str());
    for permission in &one.permissions {
        let place = permission.index + 1;
        match (&permission.pattern, &permission.taken_away_by) {
            (Some(pattern), Some(by)) => page.line(
                6,
                &format!("permission {place}: '{pattern}' covers it, and '{by}' takes it away"),
            ),
            (Some(pattern), None) => page.line(6, &format!("permission {place}: '{pattern}' covers it")),
            (None, _) => {}
        }
        if let Some(of_permission) = &permission.condition {
            condition(page, of_permission);
        }
    }
    if let Some(of_assignment) = &one.condition {
        condition(page, of_assignment);
    }
}

fn condition(page: &mut Page, condition: &ConditionReasons) {
    page.line(6, &format!("condition, which is {}", condition.truth));
    if let Some(error) = &condition.error {
        page.line(8, &format!("it cannot be read: {error}"));
    }
    for comparison in &condition.comparisons {
        self::comparison(page, comparison);
    }
}

fn comparison(page: &mut Page, comparison: &Comparison) {
    let way = if comparison.in_the_way { ", in the way" } else { "" };
    page.line(8, &format!("{}: {}{way}", comparison.text, comparison.truth));
    for seen in &comparison.saw {
        let Seen {
            source,
            name,
            values,
        } = seen;
        let saw = match values.as_deref() {
            None => String::from("is not shown"),
            Some([]) => String::from("is absent"),
            Some(values) => format!("is '{}'", values.join("', '")),
        };
        page.line(10, &format!("@{source}[{name}] {saw}"));
    }
}

fn remedy(page: &mut Page, remedy: &Remedy) {
    if remedy.is_nothing() {
        return;
    }
    page.blank();
    page.line(0, "What would help");
    for advice in &remedy.advice {
        page.line(2, advice);
    }
    for grant in &remedy.grants {
        page.line(2, &grant.command);
        side_effects(page, grant);
    }
}

fn side_effects(page: &mut Page, grant: &SmallestGrant) {
    for brought in &grant.brings {
        page.line(4, &format!("brings {} at {}", brought.role_name, brought.scope));
    }
    for rule in &grant.passes {
        page.line(4, &format!("passes the rule {rule} there and below"));
    }
    let count = grant.opens.len();
    match count {
        0 => page.line(4, "opens nothing else that this server serves"),
        1 => page.line(4, "opens 1 operation there and below"),
        _ => page.line(4, &format!("opens {count} operations there and below")),
    }
    for asked in grant.opens.iter().take(LISTED) {
        let elsewhere = match asked.scope == grant.scope {
            true => String::new(),
            false => format!(" on {}", asked.scope),
        };
        page.line(6, &format!("{}{elsewhere}", operation(asked)));
    }
    if count > LISTED {
        page.line(6, &format!("and {} more, which --json lists", count - LISTED));
    }
}

fn operation(asked: &Asked) -> String {
    let plane = if asked.data_action { " (data)" } else { "" };
    format!("{}{plane}", asked.operation)
}

fn at(asked: &Asked) -> String {
    format!("{} on {}", operation(asked), asked.scope)
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.0, "{:indent$}{text}", "");
    }

    fn pair(&mut self, name: &str, value: &str) {
        let _ = writeln!(self.0, "{name:<10}{value}");
    }

    fn blank(&mut self) {
        self.0.push('\n');
    }
}
