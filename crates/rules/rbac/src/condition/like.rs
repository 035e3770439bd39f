//! The `StringLike` operators.

/// Whether the whole `text` fits `pattern`: `*` is any run of characters, `/` and none included, `?` exactly one,
/// and `\*` and `\?` are the signs themselves.
pub(super) fn like(text: &str, pattern: &str, ignore_case: bool) -> bool {
    let (mut text, mut pattern) = (text, pattern);
    // Where to go on when a later piece does not fit: after the last `*`, one character further in the text.
    let mut retry: Option<(&str, &str)> = None;
    loop {
        let fits = match (piece(pattern), first(text)) {
            (None, None) => return true,
            (Some((Piece::Run, rest)), _) => {
                retry = Some((rest, text));
                pattern = rest;
                true
            }
            (Some((Piece::One, rest)), Some((_, left))) => {
                (pattern, text) = (rest, left);
                true
            }
            (Some((Piece::Literal(wanted), rest)), Some((c, left))) if same(wanted, c, ignore_case) => {
                (pattern, text) = (rest, left);
                true
            }
            _ => false,
        };
        if !fits {
            let Some((after_run, from)) = retry else {
                return false;
            };
            let Some((_, from)) = first(from) else {
                return false;
            };
            retry = Some((after_run, from));
            (pattern, text) = (after_run, from);
        }
    }
}

enum Piece {
    Run,
    One,
    Literal(char),
}

fn piece(pattern: &str) -> Option<(Piece, &str)> {
    let (c, rest) = first(pattern)?;
    Some(match (c, first(rest)) {
        ('*', _) => (Piece::Run, rest),
        ('?', _) => (Piece::One, rest),
        ('\\', Some((sign @ ('*' | '?'), rest))) => (Piece::Literal(sign), rest),
        _ => (Piece::Literal(c), rest),
    })
}

fn first(text: &str) -> Option<(char, &str)> {
    let c = text.chars().next()?;
    Some((c, &text[c.len_utf8()..]))
}

fn same(left: char, right: char, ignore_case: bool) -> bool {
    left == right || (ignore_case && left.to_lowercase().eq(right.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::like;

    #[test]
    fn signs_and_escapes() {
        for (text, pattern, expected) in [
            ("logs/a/b.txt", "logs/*", true),
            ("logs/", "logs/*", true),
            ("logs", "logs/*", false),
            ("a1b", "a?b", true),
            ("ab", "a?b", false),
            ("a/b", "a?b", true),
            ("a*b", r"a\*b", true),
            ("axb", r"a\*b", false),
            ("a?", r"a\?", true),
            (r"a\b", r"a\b", true),
            ("xaby", "*a*b", false),
            ("aXbb", "a*b", true),
            ("", "", true),
            ("", "*", true),
            ("x", "", false),
            ("é", "?", true),
        ] {
            assert_eq!(like(text, pattern, false), expected, "{text} like {pattern}");
        }
        assert!(!like("LOGS/a", "logs/*", false));
        assert!(like("LOGS/a", "logs/*", true));
    }

    fn obvious(text: &[char], pattern: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => (0..=text.len()).any(|cut| obvious(&text[cut..], rest)),
            ['?', rest @ ..] => !text.is_empty() && obvious(&text[1..], rest),
            ['\\', sign @ ('*' | '?'), rest @ ..] => text.first() == Some(sign) && obvious(&text[1..], rest),
            [c, rest @ ..] => text.first() == Some(c) && obvious(&text[1..], rest),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_obvious_model(text in "[ab*?\\\\]{0,10}", pattern in "[ab*?\\\\]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(like(&text, &pattern, false), obvious(&chars(&text), &chars(&pattern)));
        }
    }
}
