//! What the evaluations of one template may cost together.
//!
//! A few lines can ask for more than a server has: a variable that is twice the one before it, forty times; a loop in a
//! loop in a loop. So every value that is made is paid for, whoever asked for it, out of one purse for the whole plan.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::fault::{Halt, Outcome};

/// What there is to spend: the work of about half a second, and a fraction of it in memory at any moment. The largest
/// template that may be sent, used in every one of as many resources as it may have, takes a part of it.
const ALL: usize = 128 << 20;
/// What one value costs besides its text, of which every byte costs one.
pub(crate) const EACH: usize = 64;
/// The longest text that a function makes out of shorter ones.
pub(crate) const LONGEST_TEXT: usize = 4 << 20;

/// The sentence about a budget that is used up.
pub(crate) const USED_UP: &str =
    "The template asks for more values, or larger ones, than a deployment may make; deploy it in parts";

/// What the evaluation of [formulas](crate::Formula) may still cost together: every value that is made costs a fixed price
/// and a unit for each byte of its text.
#[derive(Debug)]
pub struct Budget(AtomicUsize);

impl Budget {
    /// A budget of this many units; a million of them are some milliseconds of work.
    #[must_use]
    pub fn of(size: usize) -> Self {
        Self(AtomicUsize::new(size))
    }

    /// Pays for work done elsewhere; `false` when there is not enough left.
    pub fn pay(&self, size: usize) -> bool {
        self.spend(size).is_ok()
    }

    /// The budget of one plan.
    pub(crate) fn of_a_plan() -> Self {
        Self(AtomicUsize::new(ALL))
    }

    /// Pays for something of this size.
    pub(crate) fn spend(&self, size: usize) -> Outcome<()> {
        let paid = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(size)
        });
        paid.map(drop).map_err(|_| Halt::failed(USED_UP))
    }

    /// Pays for a value that was made.
    pub(crate) fn spend_on(&self, value: &Value) -> Outcome<()> {
        self.spend(weight(value))
    }
}

fn weight(value: &Value) -> usize {
    EACH + match value {
        Value::String(text) => text.len(),
        Value::Array(elements) => elements.iter().map(weight).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| name.len() + weight(value))
            .sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{Plan, RuntimeValues, Scope, Template, WithoutChance};

    /// Why the outputs of a template cannot be had.
    fn refusal(template: &Value) -> String {
        let template = Template::parse(template).expect("a template");
        let scope = Scope {
            subscription: json!({"subscriptionId": "s"}),
            resource_group: Some(json!({"name": "g"})),
            ..Scope::default()
        };
        let plan = match Plan::new(&template, scope, &serde_json::Map::new(), &WithoutChance) {
            Ok(plan) => plan,
            Err(error) => return error.message,
        };
        format!(
            "{:?}",
            plan.outputs(&RuntimeValues::new()).expect_err("a refusal")
        )
    }

    fn output(expression: &str) -> Value {
        json!({"resources": [], "outputs": {"o": {"type": "array", "value": expression}}})
    }

    #[test]
    fn what_doubles_again_and_again_is_refused() {
        let mut variables = json!({"v0": "sixteen letters!"});
        for at in 1..60 {
            let before = at - 1;
            variables[format!("v{at}")] =
                format!("[concat(variables('v{before}'), variables('v{before}'))]").into();
        }
        let template = json!({"resources": [], "variables": variables, "outputs": {"o": {"type": "string", "value": "[variables('v59')]"}}});
        assert!(refusal(&template).contains("than a deployment may make"));
    }

    #[test]
    fn loops_in_loops_are_refused() {
        let many = "map(range(0, 10000), lambda('x', map(range(0, 10000), lambda('y', 1))))";
        assert!(refusal(&output(&format!("[{many}]"))).contains("than a deployment may make"));
        let inner = json!({"copy": [{"name": "c", "count": 800, "input": 1}]});
        let middle = json!({"copy": [{"name": "b", "count": 800, "input": inner}]});
        let outer = json!({"copy": [{"name": "a", "count": 800, "input": middle}]});
        let template = json!({"resources": [], "variables": {"v": outer}, "outputs": {"o": {"type": "object", "value": "[variables('v')]"}}});
        assert!(refusal(&template).contains("than a deployment may make"));
    }

    #[test]
    fn texts_that_multiply_are_refused_before_they_are_made() {
        let long = "padLeft('', 16384, 'a')";
        let longer = format!("replace({long}, 'a', padLeft('', 200, 'a'))");
        for expression in [
            format!("[replace({longer}, 'a', {longer})]"),
            format!("[join(range(0, 10000), {long})]"),
            format!("[format('{}', {long})]", "{0}".repeat(1000)),
        ] {
            assert!(
                refusal(&output(&expression)).contains("longer than"),
                "{expression}"
            );
        }
    }
}
