//! From text to expression.

use super::{
    ConditionError, Span,
    error::nearest,
    lexer::{Lexer, Token},
    operator::{self, Operator},
};
use crate::{AttributeValue, Pattern, Source, attributes::AttributeName};

/// How deep parentheses may nest; a condition a person wrote stays far below.
const MAX_DEPTH: usize = 128;

/// A condition, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    /// Terms joined by AND.
    All(Vec<Self>),
    /// Terms joined by OR.
    Any(Vec<Self>),
    Not(Box<Self>),
    Leaf(Leaf),
}

/// A function or a comparison, and where it stands in the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf {
    pub(super) test: Test,
    pub(super) span: Span,
}

/// What a leaf asks.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    ActionMatches(Vec<Pattern>),
    SubOperationMatches(Vec<String>),
    Exists(Attribute),
    Compare {
        left: Operand,
        operator: Operator,
        right: Operand,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Attribute {
    pub(super) source: Source,
    pub(super) name: AttributeName,
    /// `@Source[name]` in the text.
    pub(super) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Attribute(Attribute),
    /// One value, or the values between braces.
    Values(Vec<AttributeValue>),
}

pub(super) fn parse(text: &str) -> Result<Expression, ConditionError> {
    let mut lexer = Lexer::new(text);
    let (token, span) = lexer.next()?;
    let mut parser = Parser {
        lexer,
        token,
        span,
        end: 0,
        depth: 0,
    };
    let expression = parser.chain()?;
    match parser.token {
        Token::End => Ok(expression),
        Token::Close => Err(parser.objection("this parenthesis was not opened")),
        _ => Err(parser.expected("AND, OR or the end of the condition")),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token<'a>,
    span: Span,
    /// Where the token before this one ends.
    end: usize,
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    And,
    Or,
}

impl<'a> Parser<'a> {
    /// `term (AND term)*` or `term (OR term)*`: the two never mix without parentheses.
    fn chain(&mut self) -> Result<Expression, ConditionError> {
        let first = self.term()?;
        let Some(joint) = self.joint() else {
            return Ok(first);
        };
        let mut terms = vec![first];
        while let Some(next) = self.joint() {
            if next != joint {
                return Err(
                    self.objection("AND and OR in one chain are ambiguous; group them with parentheses")
                );
            }
            self.advance()?;
            terms.push(self.term()?);
        }
        Ok(match joint {
            Joint::And => Expression::All(terms),
            Joint::Or => Expression::Any(terms),
        })
    }

    fn joint(&self) -> Option<Joint> {
        match self.token {
            Token::And => Some(Joint::And),
            Token::Or => Some(Joint::Or),
            Token::Word(word) if word.eq_ignore_ascii_case("and") => Some(Joint::And),
            Token::Word(word) if word.eq_ignore_ascii_case("or") => Some(Joint::Or),
            _ => None,
        }
    }

    /// NOT binds tightest. Two of them cancel out, in three-valued logic too.
    fn term(&mut self) -> Result<Expression, ConditionError> {
        let mut negated = false;
        while self.token == Token::Not || self.at_word("not") {
            negated = !negated;
            self.advance()?;
        }
        let term = match self.token {
            Token::Open => self.group()?,
            _ => Expression::Leaf(self.leaf()?),
        };
        Ok(if negated {
            Expression::Not(Box::new(term))
        } else {
            term
        })
    }

    fn leaf(&mut self) -> Result<Leaf, ConditionError> {
        let start = self.span.start;
        let test = match self.token {
            Token::Word(word) if word.eq_ignore_ascii_case("ActionMatches") => {
                Test::ActionMatches(self.function_texts()?.into_iter().map(Pattern::new).collect())
            }
            Token::Word(word) if word.eq_ignore_ascii_case("SubOperationMatches") => {
                Test::SubOperationMatches(self.function_texts()?.into_iter().map(str::to_owned).collect())
            }
            Token::Word(word) if word.eq_ignore_ascii_case("Exists") => {
                self.advance()?;
                Test::Exists(self.attribute()?)
            }
            _ => self.comparison()?,
        };
        Ok(Leaf {
            test,
            span: start..self.end,
        })
    }

    fn group(&mut self) -> Result<Expression, ConditionError> {
        if self.depth == MAX_DEPTH {
            return Err(self.objection("parentheses nest too deep"));
        }
        self.depth += 1;
        self.advance()?;
        let inside = self.chain()?;
        self.expect(Token::Close, "AND, OR or `)`")?;
        self.depth -= 1;
        Ok(inside)
    }

    /// `Name{'text', …}`.
    fn function_texts(&mut self) -> Result<Vec<&'a str>, ConditionError> {
        self.advance()?;
        self.expect(Token::OpenBrace, "a list in braces, such as `{'…'}`")?;
        let mut texts = Vec::new();
        loop {
            let Token::Text(text) = self.token else {
                return Err(self.expected("text in single quotes"));
            };
            texts.push(text);
            self.advance()?;
            if self.token != Token::Comma {
                break;
            }
            self.advance()?;
        }
        self.expect(Token::CloseBrace, "`,` or `}`")?;
        Ok(texts)
    }

    fn comparison(&mut self) -> Result<Test, ConditionError> {
        let left = self.operand()?;
        let Token::Word(word) = self.token else {
            return Err(self.expected("a comparison operator, such as `StringEquals`"));
        };
        let Some(operator) = Operator::parse(word) else {
            return Err(self.objection(not_one(word, "a comparison operator", operator::meant(word))));
        };
        self.advance()?;
        let right = self.operand()?;
        Ok(as_sub_operation(&left, operator, &right).map_or(
            Test::Compare {
                left,
                operator,
                right,
            },
            Test::SubOperationMatches,
        ))
    }

    fn operand(&mut self) -> Result<Operand, ConditionError> {
        match self.token {
            Token::Attribute { .. } => self.attribute().map(Operand::Attribute),
            Token::OpenBrace => {
                self.advance()?;
                let mut values = vec![self.value()?];
                while self.token == Token::Comma {
                    self.advance()?;
                    values.push(self.value()?);
                }
                self.expect(Token::CloseBrace, "`,` or `}`")?;
                Ok(Operand::Values(values))
            }
            _ => Ok(Operand::Values(vec![self.value()?])),
        }
    }

    fn attribute(&mut self) -> Result<Attribute, ConditionError> {
        let Token::Attribute { source, name } = self.token else {
            return Err(self.expected("an attribute, such as `@Resource[…]`"));
        };
        let Some(source) = Source::named(source) else {
            return Err(self.objection(format!(
                "there is no source `@{source}`; the sources are Resource, Request, Principal and Environment"
            )));
        };
        let (name, span) = (AttributeName::new(name), self.span.clone());
        self.advance()?;
        Ok(Attribute { source, name, span })
    }

    fn value(&mut self) -> Result<AttributeValue, ConditionError> {
        let value = match self.token {
            Token::Text(text) => Some(AttributeValue::from(text)),
            Token::Word(word) => bare_value(word),
            _ => None,
        };
        let Some(value) = value else {
            return Err(self.no_value());
        };
        self.advance()?;
        Ok(value)
    }

    fn at_word(&self, wanted: &str) -> bool {
        matches!(self.token, Token::Word(word) if word.eq_ignore_ascii_case(wanted))
    }

    fn advance(&mut self) -> Result<(), ConditionError> {
        self.end = self.span.end;
        (self.token, self.span) = self.lexer.next()?;
        Ok(())
    }

    fn expect(&mut self, token: Token<'_>, expected: &str) -> Result<(), ConditionError> {
        if self.token != token {
            return Err(self.expected(expected));
        }
        self.advance()
    }

    fn no_value(&self) -> ConditionError {
        if let Token::Word(word) = self.token
            && let Some(function) = nearest(word, &FUNCTIONS)
        {
            return self.objection(not_one(word, "a function or a value", Some(function.to_owned())));
        }
        self.expected(
            "a function, an attribute, text in single quotes, an integer, true, false, a guid or a list in braces",
        )
    }

    /// What should stand here, and what does.
    fn expected(&self, what: &str) -> ConditionError {
        let found = match self.token {
            Token::End => String::from("the condition ends"),
            _ => format!("`{}` stands", shortened(self.lexer.text_at(self.span.clone()))),
        };
        self.objection(format!("{what} is expected where {found}"))
    }

    fn objection(&self, message: impl Into<String>) -> ConditionError {
        ConditionError::at(self.span.clone(), message)
    }
}

/// How the first preview wrote `SubOperationMatches{'…'}`:
/// `@Request[subOperation] ForAnyOfAnyValues:StringEqualsIgnoreCase {'…'}` (rbac-semantics 11.11).
fn as_sub_operation(left: &Operand, operator: Operator, right: &Operand) -> Option<Vec<String>> {
    let (Operand::Attribute(attribute), Operand::Values(values)) = (left, right) else {
        return None;
    };
    let is_it = attribute.source == Source::Request
        && attribute.name.as_str() == "suboperation"
        && operator.is_one_of_ignoring_case();
    let name = |value: &AttributeValue| match value {
        AttributeValue::Text(name) if !name.is_empty() && name.is_ascii() => Some(name.clone()),
        _ => None,
    };
    is_it.then(|| values.iter().map(name).collect()).flatten()
}

const FUNCTIONS: [&str; 3] = ["ActionMatches", "SubOperationMatches", "Exists"];

fn not_one(word: &str, what: &str, meant: Option<String>) -> String {
    let hint = meant.map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
    format!("`{}` is not {what}{hint}", shortened(word))
}

/// A word of the condition, short enough for a sentence.
fn shortened(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// A value without quotes. Guids come first: one without dashes may consist of digits only.
fn bare_value(word: &str) -> Option<AttributeValue> {
    let guid = matches!(word.len(), 32 | 36) && uuid::Uuid::try_parse(word).is_ok();
    if guid {
        Some(AttributeValue::from(word))
    } else if word.eq_ignore_ascii_case("true") {
        Some(AttributeValue::Bool(true))
    } else if word.eq_ignore_ascii_case("false") {
        Some(AttributeValue::Bool(false))
    } else {
        word.parse().ok().map(AttributeValue::Integer)
    }
}
