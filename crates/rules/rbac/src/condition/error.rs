//! Why a text is not a condition, told so that its author can mend it.

use super::Span;

/// Why a text is not a condition.
///
/// ```
/// use nave_rbac::Condition;
///
/// let text = "ActionMatches{'a'}\n  AND @Resource[b] StringEqual 'c'";
/// let error = Condition::parse(text).expect_err("no such operator");
/// assert_eq!((error.line, error.column), (2, 20));
/// assert_eq!(
///     error.to_string(),
///     "`StringEqual` is not a comparison operator; did you mean `StringEquals`? (line 2, column 20)"
/// );
/// assert_eq!(
///     error.excerpt(text),
///     "  AND @Resource[b] StringEqual 'c'\n                   ^^^^^^^^^^^"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (line {line}, column {column})")]
pub struct ConditionError {
    /// The place at fault, in bytes.
    pub span: Span,
    /// The line it begins on, from 1.
    pub line: usize,
    /// Where in that line it begins, in characters from 1.
    pub column: usize,
    /// What is wrong with it.
    pub message: String,
}

/// How much of a long line an excerpt shows before the fault, and in all.
const BEFORE: usize = 60;
const WIDTH: usize = 110;

impl ConditionError {
    pub(crate) fn at(span: Span, message: impl Into<String>) -> Self {
        Self {
            span,
            line: 1,
            column: 1,
            message: message.into(),
        }
    }

    /// With the line and the column of its place in `text`.
    pub(super) fn located_in(mut self, text: &str) -> Self {
        let before = text.get(..self.span.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        self.line = before.matches('\n').count() + 1;
        self.column = before[line_start..].chars().count() + 1;
        self
    }

    /// The line at fault, with carets below the fault; of a long line, the part around it.
    #[must_use]
    pub fn excerpt(&self, text: &str) -> String {
        let line: Vec<char> = text
            .split('\n')
            .nth(self.line - 1)
            .unwrap_or_default()
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let fault = (self.column - 1).min(line.len());
        let start = fault.saturating_sub(BEFORE);
        let end = line.len().min(start + WIDTH);
        let (head, tail) = (
            ["", "…"][usize::from(start > 0)],
            ["", "…"][usize::from(end < line.len())],
        );
        let length = text.get(self.span.clone()).map_or(0, |text| text.chars().count());
        let carets = length.min(end.saturating_sub(fault)).max(1);
        let shown: String = line[start..end].iter().collect();
        format!(
            "{head}{}{tail}\n{}{}",
            shown.trim_end(),
            " ".repeat(head.chars().count() + fault - start),
            "^".repeat(carets)
        )
    }
}

/// The candidate a word was probably meant to be: at most one in four of its letters is wrong, and at least one may be.
pub(super) fn nearest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let most = (word.len() / 4).max(1);
    candidates
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters have to be added, taken away or changed, whatever their case.
fn distance(left: &str, right: &str) -> usize {
    let (left, right) = (left.to_ascii_lowercase(), right.to_ascii_lowercase());
    // A word much longer than any name is none of them; and a condition is not to take long to be refused.
    if left.len() > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, l) in left.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (to, r) in right.bytes().enumerate() {
            let changed = diagonal + usize::from(l != r);
            diagonal = row[to + 1];
            row[to + 1] = changed.min(row[to] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;
    use crate::Condition;

    #[test]
    fn a_long_line_is_shown_around_the_fault() {
        let text = format!(
            "{} AND @Request[é StringEquals 'x'",
            vec!["ActionMatches{'*'}"; 30].join(" AND ")
        );
        let error = Condition::parse(&text).expect_err("bracket");
        let excerpt = error.excerpt(&text);
        let (line, carets) = excerpt.split_once('\n').expect("two lines");
        assert!(line.starts_with('…') && line.chars().count() < 120, "{excerpt}");
        let at = carets.chars().take_while(|c| *c == ' ').count();
        let marked: String = line.chars().skip(at).take(9).collect();
        assert_eq!(marked, "@Request[");
    }

    #[test]
    fn the_end_of_the_text_can_be_at_fault() {
        for text in ["", "\n\n", "NOT", "ActionMatches{'a'} OR\r\n\t"] {
            let error = Condition::parse(text).expect_err(text);
            assert!(error.excerpt(text).ends_with('^'), "{text}");
        }
    }

    #[test]
    fn near_misses_are_near() {
        let names = ["StringEquals", "GuidEquals"];
        assert_eq!(nearest("stringequal", &names), Some("StringEquals"));
        assert_eq!(nearest("GuidEqauls", &names), Some("GuidEquals"));
        assert_eq!(nearest("Contains", &names), None);
        assert_eq!(nearest(&"x".repeat(100), &names), None);
    }
}
