//! The shape of an expression. A chain of postfixes is a list, so only nested arguments recurse.

use std::fmt;

/// Where in the expression's text something stands, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A primary with what is read off it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expression {
    pub(crate) primary: Primary,
    pub(crate) postfix: Vec<Postfix>,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Primary {
    Text(String),
    Integer(i64),
    Call(Call),
}

/// `name(…)` or, for a user function, `namespace.name(…)`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    pub(crate) arguments: Vec<Expression>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Postfix {
    Member(String),
    Index(Expression),
}

impl Expression {
    /// The call, if the expression is nothing but one.
    pub(crate) fn as_call(&self) -> Option<&Call> {
        match &self.primary {
            Primary::Call(call) if self.postfix.is_empty() => Some(call),
            _ => None,
        }
    }

    /// The text, if the expression is nothing but a string literal.
    pub(crate) fn as_literal(&self) -> Option<&str> {
        match &self.primary {
            Primary::Text(text) if self.postfix.is_empty() => Some(text),
            _ => None,
        }
    }

    /// Visits every call, outer ones first.
    pub(crate) fn each_call<'e>(&'e self, visit: &mut dyn FnMut(&'e Call)) {
        if let Primary::Call(call) = &self.primary {
            visit(call);
            for argument in &call.arguments {
                argument.each_call(visit);
            }
        }
        for postfix in &self.postfix {
            if let Postfix::Index(index) = postfix {
                index.each_call(visit);
            }
        }
    }
}

impl Call {
    /// Whether this is the built-in function `name`.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.namespace.is_none() && self.name.eq_ignore_ascii_case(name)
    }

    /// Whether this is one of the `list…` operations.
    pub(crate) fn is_list(&self) -> bool {
        self.namespace.is_none()
            && self
                .name
                .get(..4)
                .is_some_and(|start| start.eq_ignore_ascii_case("list"))
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.primary {
            Primary::Text(text) => write!(f, "'{}'", text.replace('\'', "''"))?,
            Primary::Integer(number) => write!(f, "{number}")?,
            Primary::Call(call) => write!(f, "{call}")?,
        }
        self.postfix.iter().try_for_each(|postfix| match postfix {
            Postfix::Member(name) => write!(f, ".{name}"),
            Postfix::Index(index) => write!(f, "[{index}]"),
        })
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}.")?;
        }
        write!(f, "{}(", self.name)?;
        for (at, argument) in self.arguments.iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            write!(f, "{separator}{argument}")?;
        }
        f.write_str(")")
    }
}
