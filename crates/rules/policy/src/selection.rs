//! Reading members of a resource along a path, with arrays narrowed to the elements under count.

use serde_json::Value;

use crate::{
    alias::Step,
    words::{member, same},
};

/// What a path leads to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Selection<'v> {
    /// One value; `None` where there is none, or null.
    One(Option<&'v Value>),
    /// One for each element, `None` where an element lacks it.
    Many(Vec<Option<&'v Value>>),
}

/// An array that is looked at as if it had only one element.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Narrowing<'n> {
    /// The path of the array, its `[*]` included.
    pub(crate) steps: &'n [Step],
    pub(crate) index: usize,
}

/// Pays for a number of elements; `false` when no more may be looked at.
pub(crate) type Pay<'p> = &'p dyn Fn(usize) -> bool;

/// Follows a path.
pub(crate) fn select<'v>(
    root: &'v Value,
    steps: &[Step],
    narrowings: &[Narrowing<'_>],
    pay: Pay<'_>,
) -> Selection<'v> {
    let mut walk = Walk {
        steps,
        narrowings,
        pay,
        found: Vec::new(),
        is_many: steps.contains(&Step::Each),
    };
    if !walk.is_many
        && let Some(single) = straight(root, steps)
    {
        return Selection::One(single);
    }
    walk.go(Some(root), 0);
    if walk.is_many {
        Selection::Many(walk.found)
    } else {
        Selection::One(walk.found.pop().flatten())
    }
}

/// The indices of the elements that a path ending in `[*]` has, one index for each `[*]`, with the elements.
pub(crate) fn elements<'v>(
    root: &'v Value,
    steps: &[Step],
    narrowings: &[Narrowing<'_>],
    pay: Pay<'_>,
) -> Vec<(Vec<usize>, &'v Value)> {
    let mut found = Vec::new();
    collect(root, steps, 0, narrowings, pay, &mut Vec::new(), &mut found);
    found
}

/// A path without arrays; `None` when one is met on the way.
fn straight<'v>(root: &'v Value, steps: &[Step]) -> Option<Option<&'v Value>> {
    let mut value = root;
    for step in steps {
        let Step::Member(name) = step else {
            return None;
        };
        match value {
            Value::Array(_) => return None,
            Value::Object(_) => match inside(value, name) {
                Some(next) => value = next,
                None => return Some(None),
            },
            _ => return Some(None),
        }
    }
    Some(Some(value).filter(|value| !value.is_null()))
}

/// A member; of what wraps its members in `properties`, one of those.
pub(crate) fn inside<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let object = value.as_object()?;
    let wrapped = || {
        let properties = member(object, "properties").filter(|_| !same(name, "properties"))?;
        member(properties.as_object()?, name)
    };
    member(object, name).or_else(wrapped)
}

struct Walk<'v, 's> {
    steps: &'s [Step],
    narrowings: &'s [Narrowing<'s>],
    pay: Pay<'s>,
    found: Vec<Option<&'v Value>>,
    is_many: bool,
}

impl<'v> Walk<'v, '_> {
    fn go(&mut self, value: Option<&'v Value>, at: usize) {
        match (self.steps.get(at), value) {
            (None, value) => self.found.push(value.filter(|value| !value.is_null())),
            (Some(Step::Each), Some(Value::Array(elements))) => {
                let only = narrowed(&self.steps[..=at], self.narrowings);
                self.each(elements, only, at + 1);
            }
            (Some(Step::Each), _) => {}
            // the older aliases pass over arrays without saying so
            (Some(Step::Member(_)), Some(Value::Array(elements))) if !elements.is_empty() => {
                self.is_many = true;
                self.each(elements, None, at);
            }
            (Some(Step::Member(name)), value) => self.go(value.and_then(|value| inside(value, name)), at + 1),
        }
    }

    fn each(&mut self, elements: &'v [Value], only: Option<usize>, at: usize) {
        let chosen = match only {
            Some(index) => elements.get(index..=index).unwrap_or_default(),
            None => elements,
        };
        if (self.pay)(chosen.len()) {
            chosen.iter().for_each(|element| self.go(Some(element), at));
        }
    }
}

fn collect<'v>(
    value: &'v Value,
    steps: &[Step],
    at: usize,
    narrowings: &[Narrowing<'_>],
    pay: Pay<'_>,
    indices: &mut Vec<usize>,
    found: &mut Vec<(Vec<usize>, &'v Value)>,
) {
    match (steps.get(at), value) {
        (None, value) => found.push((indices.clone(), value)),
        (Some(Step::Each), Value::Array(elements)) => {
            let only = narrowed(&steps[..=at], narrowings);
            if !pay(if only.is_some() { 1 } else { elements.len() }) {
                return;
            }
            for (index, element) in elements.iter().enumerate() {
                if only.is_none_or(|only| only == index) {
                    indices.push(index);
                    collect(element, steps, at + 1, narrowings, pay, indices, found);
                    indices.pop();
                }
            }
        }
        (Some(Step::Member(name)), value) => {
            if let Some(next) = inside(value, name) {
                collect(next, steps, at + 1, narrowings, pay, indices, found);
            }
        }
        _ => {}
    }
}

/// The one element that an array is narrowed to; the innermost narrowing counts.
fn narrowed(steps: &[Step], narrowings: &[Narrowing<'_>]) -> Option<usize> {
    let found = narrowings
        .iter()
        .rev()
        .find(|narrowing| is_same_path(narrowing.steps, steps));
    found.map(|narrowing| narrowing.index)
}

fn is_same_path(left: &[Step], right: &[Step]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|pair| match pair {
            (Step::Member(left), Step::Member(right)) => same(left, right),
            (left, right) => left == right,
        })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Narrowing, Selection, elements, select};
    use crate::alias::{Alias, Step};

    fn steps(path: &str) -> Vec<Step> {
        let alias = Alias::read(&format!("A.B/t/{path}")).expect(path);
        alias.places[0].steps.clone()
    }

    fn values(resource: &Value, path: &str, narrowings: &[Narrowing<'_>]) -> Value {
        match select(resource, &steps(path), narrowings, &|_| true) {
            Selection::One(value) => json!({"one": value}),
            Selection::Many(values) => json!(values),
        }
    }

    #[test]
    fn arrays_give_one_value_for_each_element() {
        let resource = json!({"properties": {
            "list": [1, 2],
            "objs": [{"p": "a", "inner": [1, 2]}, {"P": "b", "inner": [3]}, {"properties": {"p": "c"}}],
            "none": [], "null": null,
        }});
        for (path, expected) in [
            ("missing", json!({"one": null})),
            ("null", json!({"one": null})),
            ("missing[*]", json!([])),
            ("missing[*].p", json!([])),
            ("list", json!({"one": [1, 2]})),
            ("list[*]", json!([1, 2])),
            ("objs[*].p", json!(["a", "b", "c"])),
            ("objs.p", json!(["a", "b", "c"])),
            ("none.p", json!({"one": null})),
            ("objs[*].inner[*]", json!([1, 2, 3])),
            ("objs[*].inner", json!([[1, 2], [3], null])),
            ("list[*].p", json!([null, null])),
        ] {
            assert_eq!(values(&resource, path, &[]), expected, "{path}");
        }
        let objs = steps("objs[*]");
        let second = [Narrowing {
            steps: &objs,
            index: 1,
        }];
        assert_eq!(values(&resource, "OBJS[*].inner[*]", &second), json!([3]));
        assert_eq!(values(&resource, "list[*]", &second), json!([1, 2]));
        let all = elements(&resource, &steps("objs[*].inner[*]"), &[], &|_| true);
        let indices: Vec<_> = all.into_iter().map(|(indices, _)| indices).collect();
        assert_eq!(indices, [[0, 0], [0, 1], [1, 0]]);
    }
}
