//! What else the caller may do: for lists and for rules that look at a second right.

use nave_arm::ResourceId;
use nave_engine::{
    decision::{Need, Question, decide},
    declaration::Cx,
    operation::Surface,
};
use uuid::Uuid;

/// Whether the caller has the right to a control-plane action at a scope, whatever is locked. It is a look, not a request:
/// nothing is recorded.
pub(crate) fn may(cx: &Cx<'_>, action: &'static str, scope: &ResourceId) -> bool {
    let question = Question {
        surface: Surface::Arm,
        alternatives: vec![vec![Need::action(action, scope.clone()).linked()]],
        now: cx.now,
    };
    decide(cx.snapshot, &cx.site.origin, Uuid::nil(), cx.caller, &question).allowed
}
