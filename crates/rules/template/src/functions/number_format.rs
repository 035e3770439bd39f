//! Numbers as .NET writes them in the invariant culture: standard forms (`D4`, `N0`, `F2`, `P1`, `E3`, `X`, `G`) and
//! pictures (`000`, `#,##0.0#`, `0.0%;(0.0%);zero`).

use serde_json::Value;

use super::arguments::Given;
use crate::values::plain_text;

/// The most digits a form may ask for.
const MOST_DIGITS: usize = 99;

/// A number in a form.
pub(super) fn number(value: &Value, form: &str) -> Given<String> {
    let unknown = || format!("the number format '{form}' is not known");
    match standard(form) {
        Some((letter, digits)) if digits.is_none_or(|digits| digits <= MOST_DIGITS) => {
            in_standard(value, letter, digits).ok_or_else(unknown)
        }
        Some(_) => Err(unknown()),
        None => picture(value, form).ok_or_else(unknown),
    }
}

/// A letter and at most a number.
fn standard(form: &str) -> Option<(char, Option<usize>)> {
    let mut letters = form.chars();
    let letter = letters.next().filter(char::is_ascii_alphabetic)?;
    let digits = letters.as_str();
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| {
        (
            letter,
            if digits.is_empty() {
                None
            } else {
                digits.parse().ok().or(Some(usize::MAX))
            },
        )
    })
}

fn in_standard(value: &Value, letter: char, digits: Option<usize>) -> Option<String> {
    let two = digits.unwrap_or(2);
    Some(match letter.to_ascii_uppercase() {
        'D' => padded(value.as_i64()?, digits.unwrap_or(1)),
        'N' => grouped(&fixed(value, two)?),
        'F' => fixed(value, two)?,
        'C' => match grouped(&fixed(value, two)?).strip_prefix('-') {
            Some(amount) => format!("(¤{amount})"),
            None => format!("¤{}", grouped(&fixed(value, two)?)),
        },
        'P' => format!("{} %", grouped(&format!("{:.two$}", value.as_f64()? * 100.0))),
        'E' => scientific(value.as_f64()?, digits.unwrap_or(6), letter),
        'X' if letter == 'x' => format!(
            "{:0>width$}",
            format!("{:x}", value.as_i64()?),
            width = digits.unwrap_or(1)
        ),
        'X' => format!(
            "{:0>width$}",
            format!("{:X}", value.as_i64()?),
            width = digits.unwrap_or(1)
        ),
        'B' => format!(
            "{:0>width$}",
            format!("{:b}", value.as_i64()?),
            width = digits.unwrap_or(1)
        ),
        'G' | 'R' => plain_text(value)?,
        _ => return None,
    })
}

fn padded(number: i64, width: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{:0>width$}", number.unsigned_abs())
}

/// With `digits` places after the point; integers do not pass through floating point.
fn fixed(value: &Value, digits: usize) -> Option<String> {
    match value.as_i64() {
        Some(whole) if digits == 0 => Some(whole.to_string()),
        Some(whole) => Some(format!("{whole}.{}", "0".repeat(digits))),
        None => value.as_f64().map(|float| format!("{float:.digits$}")),
    }
}

fn scientific(number: f64, digits: usize, letter: char) -> String {
    let text = format!("{number:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent
        .strip_prefix('-')
        .map_or(('+', exponent), |rest| ('-', rest));
    format!("{mantissa}{letter}{sign}{exponent:0>3}")
}

/// Thousands apart by commas.
fn grouped(text: &str) -> String {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = text.find('.').map_or((text, ""), |at| text.split_at(at));
    let mut groups = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            groups.push(',');
        }
        groups.push(digit);
    }
    format!("{sign}{groups}{fraction}")
}

/// A part of a picture.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A digit, also when it is a leading or trailing zero.
    Zero,
    /// A digit, unless it is.
    Digit,
    Point,
    Text(char),
}

/// A section of a picture, taken apart.
struct Picture {
    parts: Vec<Part>,
    /// Thousands are apart.
    groups: bool,
    /// How much the number is multiplied before it is shown.
    times: f64,
}

fn picture(value: &Value, form: &str) -> Option<String> {
    let sections = sections(form);
    let float = value.as_f64()?;
    let (section, is_signed) = match (&sections[..], float) {
        ([_, _, zero, ..], 0.0) => (zero, false),
        ([_, negative, ..], float) if float < 0.0 && !negative.is_empty() => (negative, false),
        ([positive, ..], float) => (positive, float < 0.0),
        _ => return None,
    };
    let picture = Picture::read(section)?;
    let shown = picture.show(value)?;
    Some(if is_signed && shown.chars().any(|c| ('1'..='9').contains(&c)) {
        format!("-{shown}")
    } else {
        shown
    })
}

/// The sections of a picture, apart by semicolons that are not quoted.
fn sections(form: &str) -> Vec<String> {
    let mut sections = vec![String::new()];
    let (mut quote, mut is_escaped) = (None, false);
    for c in form.chars() {
        if c == ';' && quote.is_none() && !is_escaped {
            sections.push(String::new());
            continue;
        }
        match quote {
            _ if is_escaped => is_escaped = false,
            _ if c == '\\' => is_escaped = true,
            Some(open) if open == c => quote = None,
            None if matches!(c, '\'' | '"') => quote = Some(c),
            _ => {}
        }
        if let Some(section) = sections.last_mut() {
            section.push(c);
        }
    }
    sections
}

impl Picture {
    fn read(section: &str) -> Option<Self> {
        let mut picture = Self {
            parts: Vec::new(),
            groups: false,
            times: 1.0,
        };
        let mut letters = section.chars();
        while let Some(c) = letters.next() {
            let part = match c {
                '0' => Part::Zero,
                '#' => Part::Digit,
                '.' if !picture.parts.contains(&Part::Point) => Part::Point,
                ',' => {
                    let is_inside = picture.places() > 0 && letters.as_str().starts_with(['0', '#']);
                    picture.groups |= is_inside;
                    continue;
                }
                '\\' => Part::Text(letters.next()?),
                quote @ ('\'' | '"') => {
                    let (text, rest) = letters.as_str().split_once(quote)?;
                    picture.parts.extend(text.chars().map(Part::Text));
                    letters = rest.chars();
                    continue;
                }
                other => {
                    picture.times *= match other {
                        '%' => 100.0,
                        '‰' => 1000.0,
                        _ => 1.0,
                    };
                    Part::Text(other)
                }
            };
            picture.parts.push(part);
        }
        Some(picture)
    }

    fn places(&self) -> usize {
        self.parts
            .iter()
            .filter(|part| matches!(part, Part::Zero | Part::Digit))
            .count()
    }

    fn show(&self, value: &Value) -> Option<String> {
        let point = self
            .parts
            .iter()
            .position(|part| *part == Part::Point)
            .unwrap_or(self.parts.len());
        let (before, after) = self.parts.split_at(point);
        let places = |parts: &[Part]| {
            parts
                .iter()
                .filter(|part| matches!(part, Part::Zero | Part::Digit))
                .count()
        };
        let (whole_places, places_after) = (places(before), places(after));
        if places_after > MOST_DIGITS || whole_places > MOST_DIGITS {
            return None;
        }
        let text = if self.times > 1.0 {
            format!("{:.places_after$}", value.as_f64()? * self.times)
        } else {
            fixed(value, places_after)?
        };
        let text = text.trim_start_matches('-');
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let first_zero = before
            .iter()
            .filter(|part| matches!(part, Part::Zero | Part::Digit))
            .position(|part| *part == Part::Zero);
        let least = first_zero.map_or(0, |at| whole_places - at);
        let whole = format!("{:0>least$}", whole.trim_start_matches('0'));
        Some(format!(
            "{}{}",
            self.whole(before, &whole, whole_places),
            shown_fraction(after, fraction)
        ))
    }

    /// The digits before the point among the texts there; the first place takes those that have none of their own.
    fn whole(&self, parts: &[Part], digits: &str, places: usize) -> String {
        let mut shown = String::new();
        let mut left = places;
        let mut rest = digits.len();
        for part in parts {
            let Part::Text(c) = part else {
                let upto = if left == 0 { 0 } else { left - 1 };
                while rest > upto {
                    shown.push_str(&digits[digits.len() - rest..=digits.len() - rest]);
                    rest -= 1;
                    if self.groups && rest > 0 && rest.is_multiple_of(3) {
                        shown.push(',');
                    }
                }
                left = upto;
                continue;
            };
            shown.push(*c);
        }
        shown
    }
}

fn shown_fraction(parts: &[Part], digits: &str) -> String {
    let places: Vec<_> = parts
        .iter()
        .filter(|part| matches!(part, Part::Zero | Part::Digit))
        .collect();
    let least = places
        .iter()
        .rposition(|part| **part == Part::Zero)
        .map_or(0, |at| at + 1);
    let kept = digits.trim_end_matches('0').len().max(least.min(digits.len()));
    let mut digits = digits[..kept].chars();
    let mut shown = String::new();
    for part in parts {
        match part {
            Part::Point if kept > 0 => shown.push('.'),
            Part::Point => {}
            Part::Text(c) => shown.push(*c),
            Part::Zero | Part::Digit => shown.extend(digits.next()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::number;

    #[test]
    fn forms_are_those_of_the_invariant_culture() {
        for (value, form, expected) in [
            (json!(8_175_133), "N0", "8,175,133"),
            (json!(1234.5), "C", "¤1,234.50"),
            (json!(-3), "C0", "(¤3)"),
            (json!(0.256), "P1", "25.6 %"),
            (json!(1234.5), "E2", "1.23E+003"),
            (json!(0.001), "e1", "1.0e-003"),
            (json!(5), "B8", "00000101"),
            (json!(-1), "X", "FFFFFFFFFFFFFFFF"),
            (json!(5), "000", "005"),
            (json!(-5), "000", "-005"),
            (json!(1_234_567.891), "#,##0.00", "1,234,567.89"),
            (json!(12), "#,##0.##", "12"),
            (json!(0), "#.##", ""),
            (json!(0.5), "0.0%", "50.0%"),
            (json!(-2), "0;(0);zero", "(2)"),
            (json!(0), "0;(0);zero", "zero"),
            (json!(4_255_550_100_i64), "(###) ###-####", "(425) 555-0100"),
            (json!(7), "'n'0\\#", "n7#"),
        ] {
            assert_eq!(number(&value, form).as_deref(), Ok(expected), "{value} as {form}");
        }
        for form in ["Q", "N100", "D1000000000000000000000", "'open"] {
            assert!(number(&json!(1), form).is_err(), "{form}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(form in "[0#.,;%'\\\\NDXEPé9-]{0,12}", whole in any::<i64>(), float in -1e12_f64..1e12) {
            let _ = number(&json!(whole), &form);
            let _ = number(&json!(float), &form);
        }
    }
}
