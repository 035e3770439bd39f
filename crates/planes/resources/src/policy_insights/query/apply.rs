//! `$apply`: `filter(…)`, `groupby((A, B), aggregate(…))` and `aggregate(…)`, one after the other with `/` between them.

use std::collections::{HashMap, HashSet};

use nave_arm::{ArmError, Filter};
use serde_json::{Map, Value};

use super::{column, compare, is_known, passes, refuse};

/// The most steps of one expression.
const MOST_STEPS: usize = 16;

/// One step.
#[derive(Debug)]
pub(super) enum Step {
    Filter(Filter),
    Group {
        by: Vec<String>,
        aggregates: Vec<Aggregate>,
    },
}

/// One column that is made of many records.
#[derive(Debug)]
pub(super) struct Aggregate {
    of: Of,
    name: String,
}

#[derive(Debug)]
enum Of {
    Count,
    CountDistinct(String),
    Sum(String),
    Min(String),
    Max(String),
}

/// Reads an expression over records with these columns; the empty text is no step.
pub(super) fn parse(text: &str, columns: &[&str]) -> Result<Vec<Step>, ArmError> {
    let mut steps: Vec<Step> = Vec::new();
    for part in split(text, '/')? {
        if steps.len() == MOST_STEPS {
            return Err(wrong(&format!("it has more than {MOST_STEPS} steps")));
        }
        let known = self::columns(&steps, columns);
        let step = step(part, &known)?;
        steps.push(step);
    }
    Ok(steps)
}

/// The columns that records have after these steps.
pub(super) fn columns<'a>(steps: &'a [Step], before: &[&'a str]) -> Vec<&'a str> {
    let last = steps.iter().rev().find_map(|step| match step {
        Step::Group { by, aggregates } => Some((by, aggregates)),
        Step::Filter(_) => None,
    });
    match last {
        None => before.to_vec(),
        Some((by, aggregates)) => {
            let named = aggregates.iter().map(|aggregate| aggregate.name.as_str());
            by.iter().map(String::as_str).chain(named).collect()
        }
    }
}

fn step(text: &str, columns: &[&str]) -> Result<Step, ArmError> {
    let (name, inside) = call(text)?;
    match name.to_lowercase().as_str() {
        "filter" => filter(inside, columns).map(Step::Filter),
        "aggregate" => Ok(Step::Group {
            by: Vec::new(),
            aggregates: aggregates(inside, columns)?,
        }),
        "groupby" => group(inside, columns),
        _ => Err(wrong(&format!("'{name}' is not supported here"))),
    }
}

fn filter(text: &str, columns: &[&str]) -> Result<Filter, ArmError> {
    let filter = Filter::parse(text).map_err(|error| wrong(&error.to_string()))?;
    match filter.leaves().iter().all(|leaf| is_known(leaf, columns)) {
        true => Ok(filter),
        false => Err(wrong(&format!(
            "'{text}' has a condition that is not supported here"
        ))),
    }
}

fn group(text: &str, columns: &[&str]) -> Result<Step, ArmError> {
    let parts = split(text, ',')?;
    let (by, rest) = parts
        .split_first()
        .ok_or_else(|| wrong("'groupby' names no columns"))?;
    let by = by
        .strip_prefix('(')
        .and_then(|by| by.strip_suffix(')'))
        .ok_or_else(|| wrong("the columns of 'groupby' are in parentheses"))?;
    let by = split(by, ',')?
        .into_iter()
        .map(|name| column(name, columns, "$apply"))
        .collect::<Result<_, _>>()?;
    let aggregates = match rest {
        [] => Vec::new(),
        [one] => match call(one)? {
            (name, inside) if name.eq_ignore_ascii_case("aggregate") => aggregates(inside, columns)?,
            (name, _) => return Err(wrong(&format!("'{name}' is not supported in 'groupby'"))),
        },
        _ => return Err(wrong("'groupby' has too many arguments")),
    };
    Ok(Step::Group { by, aggregates })
}

fn aggregates(text: &str, columns: &[&str]) -> Result<Vec<Aggregate>, ArmError> {
    split(text, ',')?
        .into_iter()
        .map(|part| aggregate(part, columns))
        .collect()
}

/// `$count as N` or `Column with sum as N`.
fn aggregate(text: &str, columns: &[&str]) -> Result<Aggregate, ArmError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (of, name) = match words.as_slice() {
        [count, a, name] if count.eq_ignore_ascii_case("$count") && a.eq_ignore_ascii_case("as") => {
            (Of::Count, name)
        }
        [of, with, how, a, name] if with.eq_ignore_ascii_case("with") && a.eq_ignore_ascii_case("as") => {
            let of = column(of, columns, "$apply")?;
            let of = match how.to_lowercase().as_str() {
                "countdistinct" => Of::CountDistinct(of),
                "sum" => Of::Sum(of),
                "min" => Of::Min(of),
                "max" => Of::Max(of),
                _ => return Err(wrong(&format!("'{how}' is not supported in 'aggregate'"))),
            };
            (of, name)
        }
        _ => return Err(wrong(&format!("'{text}' is not understood in 'aggregate'"))),
    };
    Ok(Aggregate {
        of,
        name: (*name).to_owned(),
    })
}

/// `name(inside)`.
fn call(text: &str) -> Result<(&str, &str), ArmError> {
    let read = text
        .trim()
        .split_once('(')
        .and_then(|(name, rest)| Some((name.trim(), rest.strip_suffix(')')?.trim())));
    read.ok_or_else(|| wrong(&format!("'{text}' is not understood")))
}

/// The parts between separators that stand outside parentheses and quotes.
fn split(text: &str, separator: char) -> Result<Vec<&str>, ArmError> {
    let (mut parts, mut depth, mut quoted, mut start) = (Vec::new(), 0_usize, false, 0);
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ')' => {
                depth = depth
                    .checked_sub(1)
                    .ok_or_else(|| wrong("a parenthesis is missing"))?
            }
            _ if c == separator && depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    if depth > 0 || quoted {
        return Err(wrong("it ends too early"));
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    Ok(parts)
}

fn wrong(why: &str) -> ArmError {
    refuse("$apply", why)
}

impl Step {
    pub(super) fn run(&self, mut records: Vec<Value>) -> Vec<Value> {
        match self {
            Self::Filter(filter) => {
                records.retain(|record| passes(Some(filter), record));
                records
            }
            Self::Group { by, aggregates } => grouped(by, aggregates, &records),
        }
    }
}

/// One record for each combination of values, in the order they first come. Texts that differ in case only are the same.
fn grouped(by: &[String], aggregates: &[Aggregate], records: &[Value]) -> Vec<Value> {
    let mut places: HashMap<Vec<String>, usize> = HashMap::new();
    let mut groups: Vec<Vec<&Value>> = Vec::new();
    if by.is_empty() {
        places.insert(Vec::new(), 0);
        groups.push(Vec::new());
    }
    for record in records {
        let key = by.iter().map(|name| key(record, name)).collect();
        let place = *places.entry(key).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(record);
    }
    let made = groups.iter().map(|members| one(by, aggregates, members));
    made.collect()
}

fn one(by: &[String], aggregates: &[Aggregate], members: &[&Value]) -> Value {
    let shared = by.iter().map(|name| {
        let value = members
            .first()
            .map(|record| compare::member(record, name).clone());
        (name.clone(), value.unwrap_or_default())
    });
    let made = aggregates
        .iter()
        .map(|aggregate| (aggregate.name.clone(), aggregate.of(members)));
    Value::Object(shared.chain(made).collect::<Map<_, _>>())
}

fn key(record: &Value, name: &str) -> String {
    compare::plain(compare::member(record, name)).to_lowercase()
}

impl Aggregate {
    fn of(&self, members: &[&Value]) -> Value {
        let values = |name: &str| -> Vec<Value> {
            let values = members.iter().map(|record| compare::member(record, name));
            values.filter(|value| !value.is_null()).cloned().collect()
        };
        match &self.of {
            Of::Count => members.len().into(),
            Of::CountDistinct(name) => {
                let distinct: HashSet<String> = members.iter().map(|record| key(record, name)).collect();
                distinct.len().into()
            }
            Of::Sum(name) => values(name).iter().filter_map(Value::as_f64).sum::<f64>().into(),
            Of::Min(name) => values(name)
                .into_iter()
                .min_by(compare::order)
                .unwrap_or_default(),
            Of::Max(name) => values(name)
                .into_iter()
                .max_by(compare::order)
                .unwrap_or_default(),
        }
    }
}
