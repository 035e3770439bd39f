//! Dates and times, in the proleptic Gregorian calendar and always in UTC.

use serde_json::Value;

use super::{
    Function,
    arguments::{Given, get, integer, text},
    placed, pure,
};
use crate::fault::Halt;

pub(super) const TABLE: &[Function] = &[
    placed("utcNow", 0, 1, |evaluator, environment, given| {
        if !environment.allowed.chance {
            return Err(Halt::failed(
                "The template function 'utcNow' is not expected at this location; it can only be used in the default value of a parameter",
            ));
        }
        match given {
            [] => Ok(evaluator.scope.utc_now.as_str().into()),
            [..] => show_as(given, 0, &evaluator.scope.utc_now).map_err(Halt::failed),
        }
    }),
    pure("dateTimeAdd", 2, 3, |given| {
        let base = text(given, 0)?;
        let moved = Duration::read(text(given, 1)?)?.after(Moment::read(base)?)?;
        let form = match get(given, 2) {
            Value::Null if moved.nanos == 0 => ISO,
            Value::Null => "yyyy-MM-ddTHH:mm:ss.FFFFFFFZ",
            _ => text(given, 2)?,
        };
        moved.show(form).map(Value::from)
    }),
    pure("dateTimeToEpoch", 1, 1, |given| {
        Ok(Moment::read(text(given, 0)?)?.seconds.into())
    }),
    pure("dateTimeFromEpoch", 1, 1, |given| {
        let moment = Moment {
            seconds: integer(given, 0)?,
            nanos: 0,
        };
        moment.show(ISO).map(Value::from)
    }),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
const BASIC: &str = "yyyyMMddTHHmmssZ";
/// How dates are written where no form is asked for, whatever form the base had.
const ISO: &str = "yyyy-MM-ddTHH:mm:ssZ";
/// The first second of the year 1 and the last of the year 9999.
const LIMITS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A moment as seconds since 1970 and the part of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    seconds: i64,
    nanos: u32,
}

/// A date and time in ISO 8601 with its separators, as seconds since 1970 and nanoseconds.
#[must_use]
pub fn moment(text: &str) -> Option<(i64, u32)> {
    let separated = text.len() >= 10 && text.as_bytes().get(4) == Some(&b'-');
    let read = separated.then(|| Moment::try_read(text)).flatten()?;
    Some((read.seconds, read.nanos))
}

/// A date and time that is so many days later, written as `o` writes it (`yyyy-MM-ddTHH:mm:ss.fffffffZ`).
///
/// # Errors
/// When the text is no date and time, or the result is none.
pub fn add_days(text: &str, days: i64) -> Result<String, String> {
    let base = Moment::read(text)?;
    let seconds = days
        .checked_mul(86_400)
        .and_then(|shift| base.seconds.checked_add(shift));
    let seconds = seconds.ok_or_else(|| String::from("the date is outside the years 1 to 9999"))?;
    Moment { seconds, ..base }.show("o")
}

/// A date and time in a standard or custom form of .NET.
///
/// # Errors
/// When the text is no date and time, or the form is not known.
pub fn show_moment(text: &str, form: &str) -> Result<String, String> {
    Moment::read(text)?.show(form)
}

/// Year, month, day.
type Date = (i64, i64, i64);

fn show_as(given: &[Value], at: usize, moment: &str) -> Given<Value> {
    let form = if get(given, at).is_null() {
        BASIC
    } else {
        text(given, at)?
    };
    Moment::read(moment)?.show(form).map(Value::from)
}

impl Moment {
    /// Reads `yyyy-MM-dd[THH:mm[:ss[.fff]]][Z|±hh:mm]`, also without separators.
    fn read(text: &str) -> Given<Self> {
        Self::try_read(text.trim())
            .ok_or_else(|| String::from("the argument is not a date and time in ISO 8601"))
    }

    fn try_read(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text };
        let year = reader.digits(4)?;
        reader.skip('-');
        let month = reader.digits(2).filter(|month| (1..=12).contains(month))?;
        reader.skip('-');
        let day = reader
            .digits(2)
            .filter(|day| (1..=days_in(year, month)).contains(day))?;
        let (mut clock, mut nanos) = (0, 0);
        if reader.skip('T') || reader.skip('t') || reader.skip(' ') {
            let hour = reader.digits(2).filter(|hour| *hour < 24)?;
            reader.skip(':');
            let minute = reader.digits(2).filter(|minute| *minute < 60)?;
            reader.skip(':');
            let second = reader.digits(2).unwrap_or(0);
            clock = hour * 3600 + minute * 60 + Some(second).filter(|second| *second < 60)?;
            if reader.skip('.') {
                nanos = reader.fraction()?;
            }
        }
        let offset = reader.offset()?;
        let seconds = days_of((year, month, day)) * 86_400 + clock - offset;
        reader.rest.is_empty().then_some(Self { seconds, nanos })
    }

    /// In a standard or custom form of .NET (invariant culture).
    fn show(self, form: &str) -> Given<String> {
        if !LIMITS.contains(&self.seconds) {
            return Err(String::from("the date is outside the years 1 to 9999"));
        }
        let custom = match form {
            "d" => "MM/dd/yyyy",
            "D" => "dddd, dd MMMM yyyy",
            "f" => "dddd, dd MMMM yyyy HH:mm",
            "F" | "U" => "dddd, dd MMMM yyyy HH:mm:ss",
            "g" => "MM/dd/yyyy HH:mm",
            "G" => "MM/dd/yyyy HH:mm:ss",
            "m" | "M" => "MMMM dd",
            "o" | "O" => "yyyy-MM-ddTHH:mm:ss.fffffffZ",
            "r" | "R" => "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
            "s" => "yyyy-MM-ddTHH:mm:ss",
            "t" => "HH:mm",
            "T" => "HH:mm:ss",
            "u" => "yyyy-MM-dd HH:mm:ssZ",
            "y" | "Y" => "yyyy MMMM",
            "" => BASIC,
            single if single.chars().count() == 1 => {
                return Err(format!("the date format '{single}' is not known"));
            }
            custom => custom,
        };
        self.show_custom(custom)
    }

    fn show_custom(self, form: &str) -> Given<String> {
        let mut shown = String::new();
        let mut rest = form;
        while let Some(letter) = rest.chars().next() {
            if let quote @ ('\'' | '"') = letter {
                let (text, after) = rest[1..]
                    .split_once(quote)
                    .ok_or_else(|| String::from("the date format has an open quote"))?;
                shown.push_str(text);
                rest = after;
                continue;
            }
            let count = rest.chars().take_while(|next| *next == letter).count();
            if letter == '\\' {
                shown.extend(rest.chars().nth(1));
                rest = rest.get(1..).map_or("", |after| {
                    after.chars().next().map_or("", |c| &after[c.len_utf8()..])
                });
                continue;
            }
            let piece = self.piece(letter, count);
            shown.push_str(&piece.unwrap_or_else(|| letter.to_string().repeat(count)));
            rest = &rest[letter.len_utf8() * count..];
        }
        Ok(shown)
    }

    /// A run of one letter; `None` when the letter stands for itself.
    fn piece(self, letter: char, count: usize) -> Option<String> {
        let days = self.seconds.div_euclid(86_400);
        let (year, month, day) = date_of(days);
        let clock = self.seconds.rem_euclid(86_400);
        let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
        let padded = |number: i64| {
            if count == 1 {
                number.to_string()
            } else {
                format!("{number:02}")
            }
        };
        let name = |names: &[&str], index: i64| {
            let name = usize::try_from(index)
                .ok()
                .and_then(|at| names.get(at))
                .copied()
                .unwrap_or_default();
            if count == 3 {
                name.chars().take(3).collect()
            } else {
                name.to_owned()
            }
        };
        let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
        Some(match letter {
            'y' if count <= 2 => padded(year % 100),
            'y' => format!("{year:0count$}"),
            'M' if count <= 2 => padded(month),
            'M' => name(&MONTHS, month - 1),
            'd' if count <= 2 => padded(day),
            'd' => name(&DAYS, (days + 4).rem_euclid(7)),
            'H' => padded(hour),
            'h' => padded(twelve),
            'm' => padded(minute),
            's' => padded(second),
            'f' if count <= 7 => format!("{:09}", self.nanos).chars().take(count).collect(),
            'F' if count <= 7 => {
                let digits: String = format!("{:09}", self.nanos).chars().take(count).collect();
                digits.trim_end_matches('0').to_owned()
            }
            't' if count == 1 => String::from(if hour < 12 { "A" } else { "P" }),
            't' => String::from(if hour < 12 { "AM" } else { "PM" }),
            'z' if count >= 3 => String::from("+00:00"),
            'z' => String::from(if count == 1 { "+0" } else { "+00" }),
            'K' => String::from("Z"),
            _ => return None,
        })
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn digits(&mut self, count: usize) -> Option<i64> {
        let text = self
            .rest
            .get(..count)
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
        self.rest = &self.rest[count..];
        text.parse().ok()
    }

    fn skip(&mut self, mark: char) -> bool {
        let after = self.rest.strip_prefix(mark);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn fraction(&mut self) -> Option<u32> {
        let length = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let digits = &self.rest[..length];
        self.rest = &self.rest[length..];
        let nine: String = digits.chars().chain("000000000".chars()).take(9).collect();
        (length > 0).then(|| nine.parse().ok()).flatten()
    }

    fn offset(&mut self) -> Option<i64> {
        if self.rest.is_empty() || self.skip('Z') || self.skip('z') {
            return Some(0);
        }
        let sign = if self.skip('+') {
            1
        } else if self.skip('-') {
            -1
        } else {
            return None;
        };
        let hours = self.digits(2)?;
        self.skip(':');
        let minutes = self.digits(2).unwrap_or(0);
        Some(sign * (hours * 3600 + minutes * 60))
    }
}

/// An ISO 8601 duration. A year is 365 days and a month 30, whatever the calendar says.
struct Duration {
    seconds: i64,
    nanos: i64,
}

impl Duration {
    fn read(text: &str) -> Given<Self> {
        Self::try_read(text.trim()).ok_or_else(|| String::from("the argument is not an ISO 8601 duration"))
    }

    fn try_read(text: &str) -> Option<Self> {
        let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let mut reader = Reader {
            rest: text.strip_prefix('P')?,
        };
        let (mut seconds, mut nanos, mut in_time, mut found) = (0_i64, 0, false, false);
        while !reader.rest.is_empty() {
            if !in_time && reader.skip('T') {
                in_time = true;
                // a `T` alone says nothing
                found = false;
                continue;
            }
            let length = reader.rest.bytes().take_while(u8::is_ascii_digit).count();
            let number: i64 = reader.rest[..length].parse().ok()?;
            reader.rest = &reader.rest[length..];
            if in_time && reader.skip('.') {
                nanos = i64::from(reader.fraction()?);
                reader.rest.strip_prefix('S')?;
            }
            let unit = reader.rest.chars().next()?;
            reader.skip(unit);
            let size = match (unit, in_time) {
                ('Y', false) => 365 * 86_400,
                ('M', false) => 30 * 86_400,
                ('W', false) => 7 * 86_400,
                ('D', false) => 86_400,
                ('H', true) => 3600,
                ('M', true) => 60,
                ('S', true) => 1,
                _ => return None,
            };
            seconds = seconds.checked_add(number.checked_mul(size)?)?;
            found = true;
        }
        found.then_some(Self {
            seconds: sign * seconds,
            nanos: sign * nanos,
        })
    }

    fn after(&self, moment: Moment) -> Given<Moment> {
        let nanos = i64::from(moment.nanos) + self.nanos;
        let seconds = moment
            .seconds
            .checked_add(self.seconds)
            .and_then(|seconds| seconds.checked_add(nanos.div_euclid(1_000_000_000)))
            .filter(|seconds| LIMITS.contains(seconds));
        let nanos = u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default();
        seconds
            .map(|seconds| Moment { seconds, nanos })
            .ok_or_else(|| String::from("the date is outside the years 1 to 9999"))
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01; the year is taken to start in March, so that the leap day is its last.
fn days_of((year, month, day): Date) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn date_of(days: i64) -> Date {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = (shifted_month + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::functions::checks::{check, check_fails};

    #[test]
    fn durations_are_added() {
        check(&[
            (
                "[dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')]",
                json!("2023-04-07T14:53:14Z"),
            ),
            (
                "[dateTimeAdd('2020-04-07 14:53:14Z', '-P9D')]",
                json!("2020-03-29T14:53:14Z"),
            ),
            (
                "[dateTimeAdd('2020-04-07 14:53:14Z', 'PT1H', 'o')]",
                json!("2020-04-07T15:53:14.0000000Z"),
            ),
            (
                "[dateTimeAdd('20240131T000000Z', 'P1M')]",
                json!("2024-03-01T00:00:00Z"),
            ),
            (
                "[dateTimeAdd('2024-01-01 00:00:00Z', 'P1Y')]",
                json!("2024-12-31T00:00:00Z"),
            ),
            (
                "[dateTimeAdd('2023-02-01 00:00:00Z', 'P1M')]",
                json!("2023-03-03T00:00:00Z"),
            ),
            (
                "[dateTimeAdd('2023-02-01 00:00:00Z', '-P1DT1H1M1.25S')]",
                json!("2023-01-30T22:58:58.75Z"),
            ),
            (
                "[dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y', 'u')]",
                json!("2023-04-07 14:53:14Z"),
            ),
            (
                "[dateTimeAdd('2024-01-01T00:00:00+02:00', 'P1W', 'yyyy/M/d H:mm')]",
                json!("2024/1/7 22:00"),
            ),
            (
                "[dateTimeToEpoch('2023-05-02T15:16:13.5Z')]",
                json!(1_683_040_573),
            ),
            ("[utcNow()]", json!("20261124T161242Z")),
            ("[utcNow('d')]", json!("11/24/2026")),
            (
                "[utcNow('ddd, d MMM yy h tt \\d')]",
                json!("Tue, 24 Nov 26 4 PM d"),
            ),
        ]);
        check_fails(&[
            "[dateTimeAdd('x', 'P1D')]",
            "[dateTimeAdd('2020-01-01', '1D')]",
            "[dateTimeAdd('2020-01-01', 'P')]",
            "[dateTimeAdd('2020-01-01', 'P1DT')]",
            "[dateTimeAdd('2020-01-01', 'PT1.5H')]",
            "[dateTimeAdd('2020-01-01', 'P9999Y')]",
            "[dateTimeToEpoch('2023-02-29')]",
            "[utcNow('q')]",
            "[dateTimeFromEpoch(999999999999999)]",
            "[dateTimeAdd('2020-01-01', 'P99999999999999999D')]",
        ]);
    }

    proptest! {
        #[test]
        fn days_and_dates_are_inverse(days in -700_000_i64..2_900_000) {
            let (year, month, day) = date_of(days);
            prop_assert_eq!(days_of((year, month, day)), days);
            prop_assert!((1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day));
        }

        #[test]
        fn reading_never_panics(text in "[0-9TZPé:.+ -]{0,24}", form in "[a-zA-Z'\\\\é\" :]{0,12}") {
            if let Ok(moment) = Moment::read(&text) {
                let _ = moment.show(&form);
            }
            let _ = Duration::read(&text);
        }
    }
}
