//! From a JSON string to an [`Expression`].

mod ast;
mod lexer;
mod parser;

pub(crate) use ast::{Call, Expression, Postfix, Primary};

/// The longest expression accepted, in characters.
const MAX_LENGTH: usize = 24_576;

/// Why a text is not an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The template language expression is not valid at position {at}: {what}")]
pub(crate) struct SyntaxError {
    /// The byte at which reading stopped, counted in the JSON string.
    pub(crate) at: usize,
    pub(crate) what: String,
}

impl SyntaxError {
    fn new(at: usize, what: impl Into<String>) -> Self {
        Self {
            at: at + 1,
            what: what.into(),
        }
    }
}

/// What a JSON string of a template means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reading<'a> {
    /// The text itself.
    Literal(&'a str),
    /// An expression to evaluate.
    Expression(Expression),
}

/// Reads one JSON string: an expression iff it starts with one `[` and ends with `]`.
pub(crate) fn read(text: &str) -> Result<Reading<'_>, SyntaxError> {
    match inside(text) {
        None if text.starts_with("[[") && text.ends_with(']') => Ok(Reading::Literal(&text[1..])),
        None => Ok(Reading::Literal(text)),
        Some(inner) if inner.chars().count() > MAX_LENGTH => Err(SyntaxError::new(
            0,
            format!("an expression has at most {MAX_LENGTH} characters"),
        )),
        Some(inner) => parser::parse(inner).map(Reading::Expression),
    }
}

/// Writes a text so that [`read`] gives it back as a literal.
pub(crate) fn escape(text: &str) -> String {
    let reads_otherwise = text.starts_with('[') && text.ends_with(']');
    if reads_otherwise {
        format!("[{text}")
    } else {
        text.to_owned()
    }
}

fn inside(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    (!inner.starts_with('[')).then_some(inner)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Reading, escape, read};

    fn printed(text: &str) -> String {
        match read(text).expect(text) {
            Reading::Literal(literal) => format!("literal {literal}"),
            Reading::Expression(expression) => expression.to_string(),
        }
    }

    #[test]
    fn tells_expressions_from_text() {
        for (text, expected) in [
            ("plain", "literal plain"),
            ("[[x]", "literal [x]"),
            ("[[]]", "literal []]"),
            ("[open", "literal [open"),
            (" [f()]", "literal  [f()]"),
            (
                "[f ( 'it''s' ,\n -12 ) . a [ g() ] .b]",
                "f('it''s', -12).a[g()].b",
            ),
            ("[ns.fn(a.b())]", "ns.fn(a.b())"),
            ("['x']", "'x'"),
        ] {
            assert_eq!(printed(text), expected, "{text}");
        }
    }

    #[test]
    fn says_where_the_expression_is_wrong() {
        for (text, at) in [
            ("[]", 1),
            ("[f(]", 3),
            ("[f('a]", 3),
            ("[f() g()]", 5),
            ("[a]", 2),
            ("[f(1.5)]", 5),
            ("[1 + 2]", 3),
        ] {
            let error = read(text).expect_err(text);
            assert_eq!(error.at, at, "{text}: {error}");
        }
        assert!(read(&format!("[f({})]", "9".repeat(30))).is_err());
    }

    #[test]
    fn bounds_depth_and_length() {
        assert!(read(&format!("[{}{}]", "f(".repeat(2000), ")".repeat(2000))).is_err());
        assert!(read(&format!("[{}1{}]", "f()[".repeat(2000), "]".repeat(2000))).is_err());
        assert!(read(&format!("[f(){}]", ".a".repeat(10_000))).is_ok());
        assert!(read(&format!("['{}']", "x".repeat(30_000))).is_err());
    }

    /// An expression as it is printed.
    fn expression() -> impl Strategy<Value = String> {
        let text = "[a-zé\\[\\]( .,]{0,6}".prop_map(|text| format!("'{text}''s'"));
        let leaf = prop_oneof![
            text,
            any::<i64>().prop_map(|number| number.to_string()),
            Just(String::from("f()"))
        ];
        leaf.prop_recursive(4, 24, 3, |inner| {
            let call = (
                "[a-z]{1,3}(\\.[a-z]{1,3})?",
                prop::collection::vec(inner.clone(), 0..3),
            )
                .prop_map(|(name, arguments)| format!("{name}({})", arguments.join(", ")));
            prop_oneof![
                call.clone(),
                (call.clone(), "[a-zA-Z_$][a-z0-9]{0,3}").prop_map(|(call, name)| format!("{call}.{name}")),
                (call, inner).prop_map(|(call, index)| format!("{call}[{index}]")),
            ]
        })
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\[[a-z0-9'().,\\[\\] é\\n-]{0,40}\\]") {
            let _ = read(&text);
        }

        #[test]
        fn printing_and_reading_agree(text in expression()) {
            prop_assert_eq!(printed(&format!("[{text}]")), text);
        }

        #[test]
        fn white_space_between_tokens_changes_nothing(text in expression(), blank in "[ \\n\\t]{0,3}") {
            let spaced = text.replace(", ", &format!("{blank},{blank}")).replace('(', &format!("{blank}({blank}"));
            prop_assume!(!text.contains('\''));
            prop_assert_eq!(printed(&format!("[{blank}{spaced}{blank}]")), text);
        }

        #[test]
        fn escaped_text_stays_text(text in "\\[{0,3}[a-z]{0,3}\\]{0,2}") {
            let escaped = escape(&text);
            prop_assert_eq!(read(&escaped).expect("a literal"), Reading::Literal(&text));
        }
    }
}
