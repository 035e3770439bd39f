//! `expression = primary postfix*`; there are no operators.

use super::{
    SyntaxError,
    ast::{Call, Expression, Postfix, Primary, Span},
    lexer::{Token, tokens},
};

/// The deepest nesting of arguments.
const MAX_DEPTH: usize = 100;

/// Reads the inside of an expression, without the outer brackets.
pub(super) fn parse(text: &str) -> Result<Expression, SyntaxError> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        end: text.len(),
    };
    let expression = parser.expression(0)?;
    match parser.peek() {
        None => Ok(expression),
        Some(_) => Err(parser.fail("the expression should end here")),
    }
}

struct Parser {
    tokens: Vec<(Token, Span)>,
    at: usize,
    end: usize,
}

impl Parser {
    fn expression(&mut self, depth: usize) -> Result<Expression, SyntaxError> {
        if depth > MAX_DEPTH {
            return Err(self.fail(format!("more than {MAX_DEPTH} calls inside each other")));
        }
        let start = self.place();
        let primary = self.primary(depth)?;
        let mut postfix = Vec::new();
        loop {
            if self.take('.') {
                postfix.push(Postfix::Member(self.name()?));
            } else if self.take('[') {
                postfix.push(Postfix::Index(self.expression(depth + 1)?));
                self.expect(']')?;
            } else {
                let end = self
                    .tokens
                    .get(self.at.wrapping_sub(1))
                    .map_or(self.end, |(_, span)| span.end);
                return Ok(Expression {
                    primary,
                    postfix,
                    span: Span { start, end },
                });
            }
        }
    }

    fn primary(&mut self, depth: usize) -> Result<Primary, SyntaxError> {
        match self.peek() {
            Some(Token::Text(text)) => {
                let text = text.clone();
                self.at += 1;
                Ok(Primary::Text(text))
            }
            Some(&Token::Integer(number)) => {
                self.at += 1;
                Ok(Primary::Integer(number))
            }
            Some(Token::Name(_)) => self.call(depth).map(Primary::Call),
            Some(Token::Mark(mark)) => {
                let what = format!("unexpected `{mark}`");
                Err(self.fail(what))
            }
            None => Err(self.fail("a function call, string or number should stand here")),
        }
    }

    fn call(&mut self, depth: usize) -> Result<Call, SyntaxError> {
        let first = self.name()?;
        let (namespace, name) = if self.take('.') {
            (Some(first), self.name()?)
        } else {
            (None, first)
        };
        self.expect('(')?;
        let mut arguments = Vec::new();
        if self.take(')') {
            return Ok(Call {
                namespace,
                name,
                arguments,
            });
        }
        loop {
            arguments.push(self.expression(depth + 1)?);
            if self.take(')') {
                return Ok(Call {
                    namespace,
                    name,
                    arguments,
                });
            }
            self.expect(',')?;
        }
    }

    fn name(&mut self) -> Result<String, SyntaxError> {
        match self.peek() {
            Some(Token::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.fail("a name should stand here")),
        }
    }

    fn expect(&mut self, mark: char) -> Result<(), SyntaxError> {
        if self.take(mark) {
            Ok(())
        } else {
            Err(self.fail(format!("a `{mark}` should stand here")))
        }
    }

    fn take(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(&Token::Mark(mark));
        self.at += usize::from(found);
        found
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn place(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(_, span)| span.start)
    }

    fn fail(&self, what: impl Into<String>) -> SyntaxError {
        SyntaxError::new(self.place(), what)
    }
}
