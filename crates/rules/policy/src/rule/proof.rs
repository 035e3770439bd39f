//! Which of the comparisons made a condition come out as it did.

use super::condition::Condition;
use crate::judgement::EvaluatedExpression;

/// What the condition came out as, and where the comparisons stand that it takes to see so; `None` where nothing in it was
/// evaluated.
pub(crate) fn proof<'c>(
    condition: &'c Condition,
    evaluated: &[EvaluatedExpression],
) -> Option<(bool, Vec<&'c str>)> {
    match condition {
        Condition::Leaf(leaf) => {
            let found = evaluated.iter().find(|expression| expression.at == leaf.at)?;
            Some((found.result == "True", vec![&leaf.at]))
        }
        Condition::Not(inside) => proof(inside, evaluated).map(|(holds, places)| (!holds, places)),
        Condition::AllOf(inside) => Some(joined(inside, false, evaluated)),
        Condition::AnyOf(inside) => Some(joined(inside, true, evaluated)),
    }
}

/// One that came out as `decisive` is enough; without one, it takes all.
fn joined<'c>(
    inside: &'c [Condition],
    decisive: bool,
    evaluated: &[EvaluatedExpression],
) -> (bool, Vec<&'c str>) {
    let mut all = Vec::new();
    for (holds, places) in inside.iter().filter_map(|condition| proof(condition, evaluated)) {
        if holds == decisive {
            return (holds, places);
        }
        all.extend(places);
    }
    (!decisive, all)
}
