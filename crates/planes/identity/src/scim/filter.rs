//! Filters (RFC 7644, 3.4.2.2) and the paths of PATCH (3.5.2), which are made of the same pieces.
//!
//! `userName eq "joe"`, `emails[type eq "work" and value co "@x.test"]`, `not (active eq false)`, and as a path
//! `members[value eq "7"].display`. Words compare without case; so do texts, unless the attribute says otherwise.

use std::cmp::Ordering;

use jiff::Timestamp;
use nave_arm::{ArmError, ErrorCode};
use serde_json::Value;

use super::{
    schema::{Attribute, Kind},
    shape::Shape,
};

/// The longest filter and the deepest nesting: reading one goes as deep as it is nested.
const LONGEST: usize = 4096;
const DEEPEST: usize = 32;

/// A filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    /// The attribute has a value.
    Present(Name),
    /// The attribute compares with a value in this way.
    Compare(Name, Operator, Value),
    /// One item of the attribute fits the inner filter.
    Item(Name, Box<Self>),
}

/// The name of an attribute: `urn:…:User:name.givenName`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) urn: Option<String>,
    pub(super) attribute: String,
    pub(super) part: Option<String>,
}

/// The comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// What a PATCH operation changes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    pub(super) name: Name,
    /// Which items of it.
    pub(super) items: Option<Filter>,
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

type Parsed<T> = Result<T, String>;

impl Filter {
    /// Reads a filter.
    pub(super) fn parse(text: &str) -> Result<Self, ArmError> {
        let refused = |why: String| {
            ArmError::new(
                ErrorCode::invalidFilter,
                format!("The filter cannot be read: {why}."),
            )
        };
        if text.len() > LONGEST {
            return Err(refused(format!("it is longer than {LONGEST} bytes")));
        }
        let mut parser = Parser { rest: text, depth: 0 };
        let filter = parser.either().map_err(refused)?;
        parser.end().map_err(refused)?;
        Ok(filter)
    }

    /// Checks that every attribute it names is one of the shape's.
    pub(super) fn check(&self, shape: &Shape) -> Result<(), ArmError> {
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                left.check(shape)?;
                right.check(shape)
            }
            Self::Not(inner) => inner.check(shape),
            Self::Present(name) | Self::Compare(name, ..) => name.find(shape).map(drop),
            Self::Item(name, inner) => {
                let (_, attribute) = name.find(shape)?;
                inner.check_parts(attribute)
            }
        }
    }

    pub(super) fn check_parts(&self, of: &Attribute) -> Result<(), ArmError> {
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                left.check_parts(of)?;
                right.check_parts(of)
            }
            Self::Not(inner) => inner.check_parts(of),
            Self::Present(name) | Self::Compare(name, ..) => {
                of.part(&name.attribute).map(drop).ok_or_else(|| {
                    let why = format!("'{}' is no part of '{}'", name.attribute, of.name);
                    ArmError::new(
                        ErrorCode::invalidFilter,
                        format!("The filter cannot be used: {why}."),
                    )
                })
            }
            Self::Item(..) => Err(ArmError::new(
                ErrorCode::invalidFilter,
                "A filter in brackets has no further brackets inside.",
            )),
        }
    }

    /// Whether it holds for a document.
    pub(super) fn holds(&self, shape: &Shape, document: &Value) -> bool {
        match self {
            Self::And(left, right) => left.holds(shape, document) && right.holds(shape, document),
            Self::Or(left, right) => left.holds(shape, document) || right.holds(shape, document),
            Self::Not(inner) => !inner.holds(shape, document),
            Self::Present(name) => !name.values(shape, document).is_empty(),
            Self::Compare(name, operator, wanted) => {
                let exact = name.is_exact(shape);
                compare(&name.values(shape, document), *operator, wanted, exact)
            }
            Self::Item(name, inner) => match name.find(shape) {
                Ok((_, attribute)) => name
                    .items(shape, document)
                    .iter()
                    .any(|item| inner.holds_for(attribute, item)),
                Err(_) => false,
            },
        }
    }

    /// Whether it holds for one item of an attribute.
    pub(super) fn holds_for(&self, attribute: &Attribute, item: &Value) -> bool {
        match self {
            Self::And(left, right) => left.holds_for(attribute, item) && right.holds_for(attribute, item),
            Self::Or(left, right) => left.holds_for(attribute, item) || right.holds_for(attribute, item),
            Self::Not(inner) => !inner.holds_for(attribute, item),
            Self::Present(name) => part_of(attribute, name, item).is_some(),
            Self::Compare(name, operator, wanted) => {
                let exact = attribute.part(&name.attribute).is_some_and(|part| part.exact);
                let values: Vec<&Value> = part_of(attribute, name, item).into_iter().collect();
                compare(&values, *operator, wanted, exact)
            }
            Self::Item(..) => false,
        }
    }

    /// An item that fits, where the filter says all that is needed for one: equalities joined by `and`.
    pub(super) fn example(&self, attribute: &Attribute) -> Option<Value> {
        match self {
            Self::And(left, right) => {
                let (mut item, more) = (left.example(attribute)?, right.example(attribute)?);
                item.as_object_mut()?.extend(more.as_object()?.clone());
                Some(item)
            }
            Self::Compare(name, Operator::Equal, value) => {
                let part = attribute.part(&name.attribute)?;
                Some(serde_json::json!({ part.name: super::shape::one(part, value).ok()? }))
            }
            _ => None,
        }
    }
}

fn part_of<'a>(attribute: &Attribute, name: &Name, item: &'a Value) -> Option<&'a Value> {
    let part = attribute.part(&name.attribute)?;
    item.get(part.name).filter(|value| !value.is_null())
}

/// Whether one of the values compares as wanted; `ne` wants none that is equal.
fn compare(values: &[&Value], operator: Operator, wanted: &Value, exact: bool) -> bool {
    match operator {
        Operator::NotEqual => !compare(values, Operator::Equal, wanted, exact),
        Operator::Equal if wanted.is_null() => values.is_empty(),
        _ => values
            .iter()
            .any(|value| compares(value, operator, wanted, exact)),
    }
}

fn compares(value: &Value, operator: Operator, wanted: &Value, exact: bool) -> bool {
    match (value, wanted) {
        (Value::String(value), Value::String(wanted)) => compare_texts(value, operator, wanted, exact),
        (Value::Bool(value), Value::Bool(wanted)) => operator == Operator::Equal && value == wanted,
        // As Entra writes it.
        (Value::Bool(value), Value::String(wanted)) => {
            operator == Operator::Equal && wanted.eq_ignore_ascii_case(if *value { "true" } else { "false" })
        }
        (value, wanted) => operator == Operator::Equal && value == wanted,
    }
}

fn compare_texts(value: &str, operator: Operator, wanted: &str, exact: bool) -> bool {
    let instants = value
        .parse::<Timestamp>()
        .ok()
        .zip(wanted.parse::<Timestamp>().ok());
    let fold = |text: &str| {
        if exact {
            text.to_owned()
        } else {
            text.to_lowercase()
        }
    };
    let (value, wanted) = (fold(value), fold(wanted));
    let order = instants.map_or_else(|| value.cmp(&wanted), |(value, wanted)| value.cmp(&wanted));
    match operator {
        Operator::Equal => order == Ordering::Equal,
        Operator::NotEqual => order != Ordering::Equal,
        Operator::Contains => value.contains(&wanted),
        Operator::StartsWith => value.starts_with(&wanted),
        Operator::EndsWith => value.ends_with(&wanted),
        Operator::Greater => order == Ordering::Greater,
        Operator::GreaterOrEqual => order != Ordering::Less,
        Operator::Less => order == Ordering::Less,
        Operator::LessOrEqual => order != Ordering::Greater,
    }
}

impl Name {
    /// What it names in a shape.
    fn find(
        &self,
        shape: &Shape,
    ) -> Result<(Option<&'static super::schema::Schema>, &'static Attribute), ArmError> {
        let found = shape.attribute(self.urn.as_deref(), &self.attribute);
        let fits = |(_, attribute): &(_, &'static Attribute)| {
            self.part
                .as_ref()
                .is_none_or(|part| attribute.part(part).is_some())
        };
        found.filter(fits).ok_or_else(|| {
            ArmError::new(
                ErrorCode::invalidFilter,
                format!("The filter names '{self}', which a {} does not have.", shape.name),
            )
        })
    }

    fn is_exact(&self, shape: &Shape) -> bool {
        let Ok((_, attribute)) = self.find(shape) else {
            return false;
        };
        let part = self.part.as_deref().or(attribute.many.then_some("value"));
        part.and_then(|part| attribute.part(part))
            .unwrap_or(attribute)
            .exact
    }

    /// The items of the attribute in a document.
    fn items<'a>(&self, shape: &Shape, document: &'a Value) -> Vec<&'a Value> {
        let Ok((below, attribute)) = self.find(shape) else {
            return Vec::new();
        };
        let document = below.map_or(Some(document), |schema| document.get(schema.urn));
        match document.and_then(|document| document.get(attribute.name)) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().collect(),
            Some(one) => vec![one],
        }
    }

    /// What a document is sorted by: its first value; what has none comes last.
    pub(super) fn first(&self, shape: &Shape, document: &Value) -> (bool, String) {
        let exact = self.is_exact(shape);
        match self.values(shape, document).first() {
            None => (true, String::new()),
            Some(Value::String(text)) if exact => (false, text.clone()),
            Some(Value::String(text)) => (false, text.to_lowercase()),
            Some(other) => (false, other.to_string()),
        }
    }

    /// The values it has in a document. A list of objects stands for what their `value` is.
    fn values<'a>(&self, shape: &Shape, document: &'a Value) -> Vec<&'a Value> {
        let items = self.items(shape, document);
        let Ok((_, attribute)) = self.find(shape) else {
            return Vec::new();
        };
        let part = match (&self.part, &attribute.kind) {
            (Some(part), _) => attribute.part(part),
            (None, Kind::Complex(_)) => attribute.part("value"),
            (None, _) => return items,
        };
        match part {
            Some(part) => items
                .into_iter()
                .filter_map(|item| item.get(part.name).filter(|value| !value.is_null()))
                .collect(),
            None => items,
        }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(urn) = &self.urn {
            write!(f, "{urn}:")?;
        }
        f.write_str(&self.attribute)?;
        match &self.part {
            Some(part) => write!(f, ".{part}"),
            None => Ok(()),
        }
    }
}

impl Target {
    /// Reads the path of a PATCH operation.
    pub(super) fn parse(text: &str) -> Result<Self, ArmError> {
        let refused = |why: String| {
            ArmError::new(
                ErrorCode::invalidPath,
                format!(
                    "The path '{}' cannot be read: {why}.",
                    text.chars().take(120).collect::<String>()
                ),
            )
        };
        if text.len() > LONGEST {
            return Err(refused(format!("it is longer than {LONGEST} bytes")));
        }
        let mut parser = Parser { rest: text, depth: 0 };
        let mut name = parser.name().map_err(refused)?;
        let items = parser.brackets().map_err(refused)?;
        if items.is_some()
            && let Some(part) = parser.rest.strip_prefix('.')
        {
            parser.rest = part;
            name.part = Some(parser.word().map_err(refused)?.to_owned());
        }
        parser.end().map_err(refused)?;
        Ok(Self { name, items })
    }
}

impl<'a> Parser<'a> {
    fn either(&mut self) -> Parsed<Filter> {
        let mut left = self.both()?;
        while self.keyword("or") {
            left = Filter::Or(left.into(), self.both()?.into());
        }
        Ok(left)
    }

    fn both(&mut self) -> Parsed<Filter> {
        let mut left = self.term()?;
        while self.keyword("and") {
            left = Filter::And(left.into(), self.term()?.into());
        }
        Ok(left)
    }

    fn term(&mut self) -> Parsed<Filter> {
        self.blank();
        if self.keyword("not") {
            return Ok(Filter::Not(self.parentheses()?.into()));
        }
        if self.rest.starts_with('(') {
            return self.parentheses();
        }
        let name = self.name()?;
        if let Some(inner) = self.brackets()? {
            return Ok(Filter::Item(name, inner.into()));
        }
        self.blank();
        let word = self.word()?;
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(name));
        }
        let operator = operator(word).ok_or_else(|| format!("'{word}' is no comparison"))?;
        Ok(Filter::Compare(name, operator, self.literal()?))
    }

    fn parentheses(&mut self) -> Parsed<Filter> {
        self.blank();
        self.inside('(', ')')
    }

    fn brackets(&mut self) -> Parsed<Option<Filter>> {
        if self.rest.starts_with('[') {
            self.inside('[', ']').map(Some)
        } else {
            Ok(None)
        }
    }

    fn inside(&mut self, open: char, close: char) -> Parsed<Filter> {
        self.rest = self
            .rest
            .strip_prefix(open)
            .ok_or_else(|| format!("'{open}' is missing"))?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("it is nested more than {DEEPEST} levels deep"));
        }
        let filter = self.either()?;
        self.blank();
        self.rest = self
            .rest
            .strip_prefix(close)
            .ok_or_else(|| format!("'{close}' is missing"))?;
        self.depth -= 1;
        Ok(filter)
    }

    fn name(&mut self) -> Parsed<Name> {
        self.blank();
        let written = self.word()?;
        let (urn, name) = match written.rsplit_once(':') {
            Some((urn, name)) => (Some(urn.to_owned()), name),
            None => (None, written),
        };
        let (attribute, part) = match name.split_once('.') {
            // the version of a schema: `urn:…:2.0:User` is all name
            Some((attribute, part)) => (attribute, Some(part.to_owned())),
            None => (name, None),
        };
        Ok(Name {
            urn,
            attribute: attribute.to_owned(),
            part,
        })
    }

    fn word(&mut self) -> Parsed<&'a str> {
        let end = self
            .rest
            .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"'))
            .unwrap_or(self.rest.len());
        if end == 0 {
            return Err(match self.rest.chars().next() {
                Some(c) => format!("'{c}' stands where a name should"),
                None => String::from("it ends too early"),
            });
        }
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(word)
    }

    fn literal(&mut self) -> Parsed<Value> {
        self.blank();
        if self.rest.starts_with('"') {
            let mut stream = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
            let value = stream.next().and_then(Result::ok).ok_or("a text does not end")?;
            self.rest = &self.rest[stream.byte_offset()..];
            return Ok(value);
        }
        let word = self.word()?;
        match word.to_ascii_lowercase().as_str() {
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            "null" => Ok(Value::Null),
            _ => serde_json::from_str::<serde_json::Number>(word)
                .map(Value::Number)
                .map_err(|_| format!("'{word}' is no value; texts stand in double quotes")),
        }
    }

    fn keyword(&mut self, word: &str) -> bool {
        self.blank();
        let Some((first, rest)) = self.rest.split_at_checked(word.len()) else {
            return false;
        };
        let ends = rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || c == '(');
        let is_it = first.eq_ignore_ascii_case(word) && ends;
        if is_it {
            self.rest = rest;
        }
        is_it
    }

    fn blank(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn end(&mut self) -> Parsed<()> {
        self.blank();
        match self.rest {
            "" => Ok(()),
            rest => Err(format!(
                "'{}' is too much",
                rest.chars().take(40).collect::<String>()
            )),
        }
    }
}

fn operator(word: &str) -> Option<Operator> {
    Some(match word.to_ascii_lowercase().as_str() {
        "eq" => Operator::Equal,
        "ne" => Operator::NotEqual,
        "co" => Operator::Contains,
        "sw" => Operator::StartsWith,
        "ew" => Operator::EndsWith,
        "gt" => Operator::Greater,
        "ge" => Operator::GreaterOrEqual,
        "lt" => Operator::Less,
        "le" => Operator::LessOrEqual,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::shape::PEOPLE, *};

    fn document() -> Value {
        json!({
            "id": "Abc", "userName": "Joe@x.test", "active": true, "title": null,
            "name": { "familyName": "Soap" },
            "emails": [{ "type": "work", "value": "joe@x.test", "primary": true }, { "type": "home", "value": "j@home.test" }],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Sales" },
            "meta": { "lastModified": "2026-01-02T00:00:00Z" },
        })
    }

    #[test]
    fn filters_hold_as_the_standard_says() {
        for text in [
            r#"userName eq "joe@X.test""#,
            r#"USERNAME Eq "joe@x.test""#,
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "joe""#,
            r#"name.familyName co "oa" and active eq true"#,
            r#"active eq "True""#,
            r#"title eq null"#,
            r#"not (title pr)"#,
            r#"emails pr and emails[type eq "work" and primary eq true]"#,
            r#"emails.value ew "home.test""#,
            r#"emails co "home""#,
            r#"userName eq "x" or (userName eq "y" or userName ne "z")"#,
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "sales""#,
            r#"meta.lastModified gt "2026-01-01T00:00:00Z" and meta.lastModified le "2026-01-02T01:00:00+01:00""#,
            r#"id eq "Abc""#,
        ] {
            let filter = Filter::parse(text).expect(text);
            filter.check(&PEOPLE).expect(text);
            assert!(filter.holds(&PEOPLE, &document()), "{text}");
        }
        for text in [
            r#"id eq "abc""#,
            r#"emails[type eq "work" and value co "home"]"#,
            r#"userName eq "x" and active eq true or active eq false"#,
            r#"active ne true"#,
            r#"meta.lastModified lt "2026-01-01T00:00:00Z""#,
        ] {
            assert!(
                !Filter::parse(text).expect(text).holds(&PEOPLE, &document()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let deep = format!("{}a pr{}", "(".repeat(40), ")".repeat(40));
        for text in [
            "",
            "userName",
            "userName eq",
            "userName is \"x\"",
            "userName eq x",
            "(userName pr",
            "userName pr)",
            r#"userName eq "x"#,
            &deep,
        ] {
            assert!(Filter::parse(text).is_err(), "{text}");
        }
        for text in [
            "nonsense pr",
            "name.nonsense pr",
            "emails[nonsense pr]",
            "emails[emails[type pr] ]",
        ] {
            let filter = Filter::parse(text);
            assert!(
                filter.is_err() || filter.unwrap().check(&PEOPLE).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn paths_are_read() {
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let read = |text: &str| Target::parse(text).expect(text);
        assert_eq!(read("name.givenName").name.part.as_deref(), Some("givenName"));
        assert_eq!(
            read(&format!("{urn}:manager.value")).name.urn.as_deref(),
            Some(urn)
        );
        let target = read(r#"emails[type eq "work"].value"#);
        assert_eq!(
            (
                target.name.attribute.as_str(),
                target.name.part.as_deref(),
                target.items.is_some()
            ),
            ("emails", Some("value"), true)
        );
        for text in [
            "",
            "emails[",
            "emails[type eq \"work\"",
            "emails[type eq \"work\"].",
            "a b",
            "[x pr]",
        ] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }
}
