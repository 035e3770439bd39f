//! The `$filter` expressions real clients send to ARM and Graph: comparisons, `in`, `startswith`, `contains`, `any`,
//! and ARM's own scope functions, joined by `and` / `or`.

/// The most conditions in a filter: whoever reads one goes as deep as it has conditions.
const MOST_LEAVES: usize = 256;

/// A parsed filter. Property names and functions compare without case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// `property eq 'value'` (also `ne`, `ge`, `le`, `gt`, `lt`); the operator is kept in lower case.
    Compare {
        /// The property, as written; may be a path such as `properties/roleName`.
        property: String,
        /// `eq`, `ne`, `ge`, `le`, `gt` or `lt`.
        operator: String,
        /// The value, without its quotes.
        value: String,
    },
    /// `startswith(property, 'value')`.
    StartsWith {
        /// The property.
        property: String,
        /// The prefix.
        value: String,
    },
    /// `contains(property, 'value')`.
    Contains {
        /// The property.
        property: String,
        /// The part.
        value: String,
    },
    /// `property/any(x:x eq 'value')`, which policy states spell `'value' in property`.
    Any {
        /// The list property.
        property: String,
        /// The value one element must equal.
        value: String,
    },
    /// A function without a property: `atScope()`, `assignedTo('…')`.
    Call {
        /// The function's name, as written.
        name: String,
        /// Its argument, without quotes.
        argument: Option<String>,
    },
    /// Both hold.
    And(Box<Self>, Box<Self>),
    /// One holds.
    Or(Box<Self>, Box<Self>),
}

/// Why a filter is not understood: what stands where it is not; empty when it ends too early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", match .0.as_str() {
    "" => String::from("the filter ends too early"),
    at => format!("the filter is not understood at `{at}`"),
})]
pub struct FilterError(pub String);

impl Filter {
    /// Reads a filter, already percent-decoded.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut parser = Parser {
            rest: text.trim(),
            depth: 0,
            leaves: 0,
        };
        let filter = parser.or()?;
        if parser.rest.is_empty() {
            Ok(filter)
        } else {
            Err(parser.fail())
        }
    }

    /// Whether the filter holds, given one answer for each leaf.
    pub fn holds(&self, leaf: &mut impl FnMut(&Self) -> bool) -> bool {
        match self {
            Self::And(left, right) => left.holds(leaf) && right.holds(leaf),
            Self::Or(left, right) => left.holds(leaf) || right.holds(leaf),
            other => leaf(other),
        }
    }

    /// The leaves, left to right.
    #[must_use]
    pub fn leaves(&self) -> Vec<&Self> {
        match self {
            Self::And(left, right) | Self::Or(left, right) => [left.leaves(), right.leaves()].concat(),
            other => vec![other],
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: u8,
    leaves: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Filter, FilterError> {
        let mut left = self.and()?;
        while self.keyword("or") {
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Filter, FilterError> {
        let mut left = self.leaf()?;
        while self.keyword("and") {
            left = Filter::And(Box::new(left), Box::new(self.leaf()?));
        }
        Ok(left)
    }

    fn leaf(&mut self) -> Result<Filter, FilterError> {
        if self.symbol('(') {
            self.depth += 1;
            if self.depth > 32 {
                return Err(self.fail());
            }
            let inner = self.or()?;
            self.depth -= 1;
            return self.expect(')').map(|()| inner);
        }
        self.count()?;
        if self.rest.starts_with('\'') {
            return self.element();
        }
        let name = self.word()?;
        if self.symbol('(') {
            return self.call(name);
        }
        if self.keyword("in") {
            return self.one_of(&name);
        }
        let operator = self.word()?.to_ascii_lowercase();
        if !matches!(operator.as_str(), "eq" | "ne" | "ge" | "le" | "gt" | "lt") {
            return Err(self.fail());
        }
        Ok(Filter::Compare {
            property: name,
            operator,
            value: self.value()?,
        })
    }

    fn count(&mut self) -> Result<(), FilterError> {
        self.leaves += 1;
        if self.leaves > MOST_LEAVES {
            return Err(self.fail());
        }
        Ok(())
    }

    /// `'value' in property`.
    fn element(&mut self) -> Result<Filter, FilterError> {
        let value = self.value()?;
        if !self.keyword("in") {
            return Err(self.fail());
        }
        Ok(Filter::Any {
            property: self.word()?,
            value,
        })
    }

    /// `property in ('a', 'b')`: any of the comparisons.
    fn one_of(&mut self, property: &str) -> Result<Filter, FilterError> {
        self.expect('(')?;
        let mut found = self.equal(property)?;
        while self.symbol(',') {
            self.count()?;
            found = Filter::Or(Box::new(found), Box::new(self.equal(property)?));
        }
        self.expect(')').map(|()| found)
    }

    fn equal(&mut self, property: &str) -> Result<Filter, FilterError> {
        Ok(Filter::Compare {
            property: property.to_owned(),
            operator: String::from("eq"),
            value: self.value()?,
        })
    }

    fn call(&mut self, name: String) -> Result<Filter, FilterError> {
        if let Some(property) = name.strip_suffix("/any") {
            let variable = self.word()?;
            self.expect(':')?;
            if self.word()? != variable || !self.word()?.eq_ignore_ascii_case("eq") {
                return Err(self.fail());
            }
            let value = self.value()?;
            self.expect(')')?;
            return Ok(Filter::Any {
                property: property.to_owned(),
                value,
            });
        }
        let starts = name.eq_ignore_ascii_case("startswith");
        if starts || name.eq_ignore_ascii_case("contains") {
            let property = self.word()?;
            self.expect(',')?;
            let value = self.value()?;
            self.expect(')')?;
            return Ok(match starts {
                true => Filter::StartsWith { property, value },
                false => Filter::Contains { property, value },
            });
        }
        if self.symbol(')') {
            return Ok(Filter::Call { name, argument: None });
        }
        if name.eq_ignore_ascii_case("substringof") {
            return self.substring();
        }
        let argument = Some(self.value()?);
        self.expect(')')?;
        Ok(Filter::Call { name, argument })
    }

    /// `substringof('value', property)`, as filters said `contains` before.
    fn substring(&mut self) -> Result<Filter, FilterError> {
        let value = self.value()?;
        self.expect(',')?;
        let property = self.word()?;
        self.expect(')')?;
        Ok(Filter::Contains { property, value })
    }

    fn value(&mut self) -> Result<String, FilterError> {
        let Some(quoted) = self.rest.strip_prefix('\'') else {
            return self.word();
        };
        let mut value = String::new();
        let mut chars = quoted.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c != '\'' {
                value.push(c);
            } else if chars.next_if(|(_, next)| *next == '\'').is_some() {
                value.push('\'');
            } else {
                self.rest = quoted[at + 1..].trim_start();
                return Ok(value);
            }
        }
        Err(self.fail())
    }

    fn word(&mut self) -> Result<String, FilterError> {
        let end = self
            .rest
            .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '\''))
            .unwrap_or(self.rest.len());
        // a colon ends the variable of a lambda, but belongs to a time of day
        let end = match self.rest[..end].find(':') {
            Some(colon) if !self.rest.starts_with(|c: char| c.is_ascii_digit()) => colon,
            _ => end,
        };
        if end == 0 {
            return Err(self.fail());
        }
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        Ok(word.to_owned())
    }

    fn keyword(&mut self, word: &str) -> bool {
        let Some(head) = self.rest.get(..word.len()) else {
            return false;
        };
        let tail = &self.rest[word.len()..];
        let found =
            head.eq_ignore_ascii_case(word) && tail.starts_with(|c: char| c.is_whitespace() || c == '(');
        if found {
            self.rest = tail.trim_start();
        }
        found
    }

    fn symbol(&mut self, symbol: char) -> bool {
        let found = self.rest.strip_prefix(symbol);
        if let Some(rest) = found {
            self.rest = rest.trim_start();
        }
        found.is_some()
    }

    fn expect(&mut self, symbol: char) -> Result<(), FilterError> {
        if self.symbol(symbol) {
            Ok(())
        } else {
            Err(self.fail())
        }
    }

    fn fail(&self) -> FilterError {
        FilterError(self.rest.chars().take(40).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Filter;

    fn compare(property: &str, operator: &str, value: &str) -> Filter {
        Filter::Compare {
            property: property.into(),
            operator: operator.into(),
            value: value.into(),
        }
    }

    #[test]
    fn reads_what_az_sends() {
        assert_eq!(
            Filter::parse("userPrincipalName eq 'o''brien@contoso.com'"),
            Ok(compare("userPrincipalName", "eq", "o'brien@contoso.com"))
        );
        assert_eq!(
            Filter::parse("servicePrincipalNames/any(c:c eq 'x')"),
            Ok(Filter::Any {
                property: "servicePrincipalNames".into(),
                value: "x".into()
            })
        );
        assert_eq!(
            Filter::parse("atScope() and assignedTo('abc')"),
            Ok(Filter::And(
                Box::new(Filter::Call {
                    name: "atScope".into(),
                    argument: None
                }),
                Box::new(Filter::Call {
                    name: "assignedTo".into(),
                    argument: Some("abc".into())
                }),
            ))
        );
        assert_eq!(
            Filter::parse("startswith(displayName,'demo') or displayName eq 'x'"),
            Ok(Filter::Or(
                Box::new(Filter::StartsWith {
                    property: "displayName".into(),
                    value: "demo".into()
                }),
                Box::new(compare("displayName", "eq", "x")),
            ))
        );
        assert_eq!(
            Filter::parse("'group1' IN PolicyDefinitionGroupNames"),
            Ok(Filter::Any {
                property: "PolicyDefinitionGroupNames".into(),
                value: "group1".into()
            })
        );
        assert_eq!(
            Filter::parse("action in ('deny', 'audit') and contains(id, 'x')"),
            Ok(Filter::And(
                Box::new(Filter::Or(
                    Box::new(compare("action", "eq", "deny")),
                    Box::new(compare("action", "eq", "audit")),
                )),
                Box::new(Filter::Contains {
                    property: "id".into(),
                    value: "x".into()
                }),
            ))
        );
        assert_eq!(
            Filter::parse("resourceProvider eq Microsoft.Authorization"),
            Ok(compare("resourceProvider", "eq", "Microsoft.Authorization"))
        );
        assert_eq!(
            Filter::parse(
                "eventTimestamp ge 2026-11-24T10:00:00Z and eventTimestamp le '2026-11-25T00:00:00Z'"
            )
            .map(|filter| filter.leaves().len()),
            Ok(2)
        );
    }

    #[test]
    fn refuses_the_rest() {
        for bad in [
            "",
            "x",
            "x eq",
            "x like 'y'",
            "x eq 'y",
            "x eq 'y' and",
            "(x eq 'y'",
            "x eq 'y' z",
            "'x' eq y",
            "'x' in",
            "x in 'y'",
            "x in ()",
            "x in ('y'",
        ] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,60}") {
            let _ = Filter::parse(&text);
        }
    }

    #[test]
    fn conditions_are_limited_not_the_stack() {
        for joint in [" or ", " and "] {
            let many = |count: usize| vec!["atScope()"; count].join(joint);
            assert!(Filter::parse(&many(200)).is_ok());
            assert!(Filter::parse(&many(5000)).is_err());
        }
    }
}
