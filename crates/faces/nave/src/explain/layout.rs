//! An explanation as a page of text.

use std::fmt::Write;

use nave_engine::explain::{
    Asked, AssignmentReasons, Comparison, ConditionReasons, Explanation, NeedReasons, Remedy, Seen,
    SmallestGrant, Who,
};
use serde_json::Value;

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
    page.pair(
        "at",
        &format!("{}, revision {}", explanation.at, explanation.revision),
    );
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
    policies(&mut page, explanation);
    if !explanation.remarks.is_empty() {
        page.blank();
    }
    for remark in &explanation.remarks {
        page.line(0, remark);
    }
    remedy(&mut page, &explanation.remedy);
    page.0.trim_end().to_owned()
}

/// The policies that refused, with what they looked at; or those that would look at such a request.
fn policies(page: &mut Page, explanation: &Explanation) {
    let refused = explanation
        .afterwards
        .iter()
        .flat_map(|afterwards| &afterwards.policies);
    for policy in refused {
        page.blank();
        refused_by(page, policy);
    }
    if !explanation.policies.is_empty() {
        page.blank();
        page.line(0, "policies that would look at the body of such a request");
    }
    for policy in &explanation.policies {
        let name = policy.definition_name.as_deref().unwrap_or(&policy.definition);
        let silent = if policy.enforced { "" } else { " (not enforced)" };
        page.line(2, &format!("{}: {name}{silent}", policy.effect));
        page.line(4, policy.assignment.as_str());
    }
}

fn refused_by(page: &mut Page, violation: &Value) {
    let text = |pointer: &str| violation.pointer(pointer).and_then(Value::as_str);
    let named = |name: &str, id: &str| text(name).or_else(|| text(id)).unwrap_or_default().to_owned();
    let definition = named("/policyDefinitionDisplayName", "/policyDefinitionName");
    let effect = text("/policyDefinitionEffect").unwrap_or("deny");
    page.line(0, &format!("the policy {definition} ({effect})"));
    for id in [
        "/policyAssignmentId",
        "/policyDefinitionId",
        "/policySetDefinitionId",
    ] {
        text(id).into_iter().for_each(|id| page.line(2, id));
    }
    let evaluated = violation
        .pointer("/evaluationDetails/evaluatedExpressions")
        .and_then(Value::as_array);
    for one in evaluated.into_iter().flatten() {
        let word = |name: &str| one[name].as_str().unwrap_or_default();
        let sentence = format!(
            "{} is {}; {} {}: {}",
            word("expression"),
            one["expressionValue"],
            word("operator"),
            one["targetValue"],
            word("result").to_lowercase()
        );
        page.line(4, &sentence);
    }
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
        let Seen { source, name, values } = seen;
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use nave_arm::ResourceId;
    use nave_engine::explain::{DenyReasons, Group, PermissionReasons, ScopeStep};
    use uuid::Uuid;

    use super::*;

    const SUBSCRIPTION: &str = "/subscriptions/s";

    fn scope(text: &str) -> ResourceId {
        ResourceId::parse(text).expect("scope")
    }

    fn asked(operation: &str) -> Asked {
        Asked {
            operation: operation.to_owned(),
            data_action: false,
            scope: scope("/subscriptions/s/resourceGroups/g"),
        }
    }

    fn reader() -> AssignmentReasons {
        let seen = |name: &str, values: Option<Vec<String>>| Seen {
            source: "Environment",
            name: name.to_owned(),
            values,
        };
        AssignmentReasons {
            id: scope(SUBSCRIPTION).extension("Microsoft.Authorization/roleAssignments", "a"),
            scope: scope(SUBSCRIPTION),
            role: Uuid::nil(),
            role_name: Some(String::from("Contributor")),
            through_group: Some(Group {
                id: Uuid::nil(),
                name: Some(String::from("team")),
            }),
            grants: false,
            why: String::from("has a condition on its assignment that is not met: C"),
            permissions: vec![PermissionReasons {
                index: 0,
                pattern: Some(String::from("*")),
                taken_away_by: None,
                other_plane: None,
                condition: None,
            }],
            condition: Some(ConditionReasons {
                text: String::from("C"),
                truth: "false",
                error: None,
                comparisons: vec![Comparison {
                    text: String::from("C"),
                    truth: "false",
                    in_the_way: true,
                    saw: vec![
                        seen("UtcNow", Some(vec![String::from("now")])),
                        seen("a", Some(Vec::new())),
                        seen("b", None),
                    ],
                }],
            }),
        }
    }

    fn explanation() -> Explanation {
        let step = |text: &str, kind: &str| ScopeStep {
            scope: scope(text),
            kind: kind.to_owned(),
        };
        Explanation {
            decision: Some(Uuid::nil()),
            at: Timestamp::UNIX_EPOCH,
            revision: 7,
            allowed: false,
            summary: String::from("joe may not."),
            caller: Who {
                id: Uuid::nil(),
                name: String::from("joe"),
                kind: "User",
                credential: String::from("a token for https://nave"),
                session: None,
                methods: vec![String::from("pwd"), String::from("otp")],
                address: Some(String::from("10.0.0.1")),
                groups: vec![Group {
                    id: Uuid::nil(),
                    name: Some(String::from("team")),
                }],
            },
            surface: "arm",
            needs: vec![NeedReasons {
                asked: asked("A/b/write"),
                basis: "linked",
                met: false,
                outcome: "refused",
                why: String::from("no role grants it"),
                scopes: vec![
                    step("/subscriptions/s/resourceGroups/g", "resource group"),
                    step(SUBSCRIPTION, "subscription"),
                    step("/", "tenant"),
                ],
                assignments: vec![reader()],
                denies: vec![DenyReasons {
                    id: scope(SUBSCRIPTION).extension("Microsoft.Authorization/denyAssignments", "d"),
                    name: None,
                    scope: scope(SUBSCRIPTION),
                    blocks: false,
                    why: String::from("only audits"),
                }],
            }],
            other_ways: vec![vec![asked("A/b/join")]],
            afterwards: None,
            policies: Vec::new(),
            remarks: vec![String::from("A role on a hub does not reach its projects.")],
            remedy: Remedy {
                grants: vec![SmallestGrant {
                    role: Uuid::nil(),
                    role_name: String::from("R"),
                    scope: scope("/subscriptions/s/resourceGroups/g"),
                    command: String::from("az role assignment create --role R"),
                    brings: Vec::new(),
                    opens: vec![asked("A/b/write"), asked("A/c/write")],
                    passes: vec!["HubCreationRole"],
                }],
                advice: vec![String::from("Meet the condition.")],
            },
        }
    }

    #[test]
    fn a_page_reads_from_the_answer_to_the_reasons_to_what_helps() {
        let expected = "\
joe may not.

decision  00000000-0000-0000-0000-000000000000
at        1970-01-01T00:00:00Z, revision 7
caller    joe (User 00000000-0000-0000-0000-000000000000)
with      a token for https://nave, signed in by pwd, otp, from 10.0.0.1
groups    team

A/b/write: refused (on a scope the request links to)
  no role grants it
  scopes
    /subscriptions/s/resourceGroups/g  resource group
    /subscriptions/s                   subscription
    /                                  tenant
  assignments
    Contributor at /subscriptions/s, through the group team: has a condition on its assignment that is not met: C
      /subscriptions/s/providers/Microsoft.Authorization/roleAssignments/a
      permission 1: '*' covers it
      condition, which is false
        C: false, in the way
          @Environment[UtcNow] is 'now'
          @Environment[a] is absent
          @Environment[b] is not shown
  deny assignments
    a deny assignment at /subscriptions/s: only audits
      /subscriptions/s/providers/Microsoft.Authorization/denyAssignments/d

It would also have been enough to be allowed
  A/b/join on /subscriptions/s/resourceGroups/g

A role on a hub does not reach its projects.

What would help
  Meet the condition.
  az role assignment create --role R
    passes the rule HubCreationRole there and below
    opens 2 operations there and below
      A/b/write
      A/c/write";
        assert_eq!(text(&explanation()), expected);
    }

    #[test]
    fn what_was_allowed_needs_no_help() {
        let allowed = Explanation {
            allowed: true,
            remedy: Remedy::default(),
            ..explanation()
        };
        assert!(!text(&allowed).contains("What would help"));
    }
}
