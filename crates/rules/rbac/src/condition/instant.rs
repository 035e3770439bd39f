//! Instants, to the 100 nanoseconds.

use std::fmt;

/// How many ticks of 100 nanoseconds a second has.
const TICKS: i64 = 10_000_000;
const DAY: i64 = 86_400 * TICKS;
/// The first day after the year 9999, counted from 1970.
const END: i64 = 2_932_897;
/// The first day of the year 0.
const START: i64 = -719_528;

/// A point in time, to the 100 nanoseconds, in the years 0 to 9999; its order is that of time.
///
/// ```
/// use nave_rbac::Instant;
///
/// let instant = Instant::parse("2024-05-01T13:00:00Z").expect("an instant");
/// assert_eq!(instant, Instant::from_unix(1_714_568_400, 0));
/// assert_eq!(instant.to_string(), "2024-05-01T13:00:00.0000000Z");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    /// Ticks since 1970.
    ticks: i64,
}

impl Instant {
    /// The instant this many seconds after 1970 (negative: before), and nanoseconds after that. What lies outside the
    /// years 0 to 9999 becomes their first or last instant.
    #[must_use]
    pub fn from_unix(seconds: i64, nanoseconds: u32) -> Self {
        let ticks = seconds
            .saturating_mul(TICKS)
            .saturating_add(i64::from(nanoseconds / 100));
        Self {
            ticks: ticks.clamp(START * DAY, END * DAY - 1),
        }
    }

    /// Reads an instant in UTC, `yyyy-mm-ddThh:mm:ss[.fffffff]Z`; a shorter fraction is filled up with zeros.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (date_time, fraction) = match text.strip_suffix(['Z', 'z'])?.split_once('.') {
            Some((date_time, fraction)) => (date_time, ticks(fraction)?),
            None => (text.strip_suffix(['Z', 'z'])?, 0),
        };
        let signs = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
        let bytes = date_time.as_bytes();
        let well_formed = bytes.len() == 19
            && signs.into_iter().all(|(at, sign)| bytes[at] == sign)
            && bytes[10].eq_ignore_ascii_case(&b'T');
        if !well_formed {
            return None;
        }
        let (year, month, day) = (
            digits(&bytes[..4])?,
            digits(&bytes[5..7])?,
            digits(&bytes[8..10])?,
        );
        let (hour, minute, second) = (
            digits(&bytes[11..13])?,
            digits(&bytes[14..16])?,
            digits(&bytes[17..19])?,
        );
        let exists = (1..=days_in(year, month)?).contains(&day) && hour < 24 && minute < 60 && second < 60;
        exists.then(|| Self {
            ticks: days_until(year, month, day) * DAY
                + (hour * 3600 + minute * 60 + second) * TICKS
                + fraction,
        })
    }

    /// The text of the instant, without asking for memory.
    pub(super) fn written(self) -> Written {
        let (year, month, day) = date(self.ticks.div_euclid(DAY));
        let of_day = self.ticks.rem_euclid(DAY);
        let seconds = of_day / TICKS;
        let mut text = Written(*b"0000-00-00T00:00:00.0000000Z");
        for (end, number) in [
            (4, year),
            (7, month),
            (10, day),
            (13, seconds / 3600),
            (16, seconds / 60 % 60),
            (19, seconds % 60),
            (27, of_day % TICKS),
        ] {
            text.put(end, number);
        }
        text
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.written().as_str())
    }
}

/// An instant as text, on the stack.
pub(super) struct Written([u8; 28]);

impl Default for Written {
    fn default() -> Self {
        Self([b' '; 28])
    }
}

impl Written {
    pub(super) fn as_str(&self) -> &str {
        // ASCII is all that is ever put.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Writes a number over the zeros that end here.
    fn put(&mut self, end: usize, mut number: i64) {
        for digit in self.0[..end].iter_mut().rev() {
            if number == 0 {
                break;
            }
            *digit = b'0' + (number % 10).unsigned_abs() as u8;
            number /= 10;
        }
    }
}

fn days_in(year: i64, month: i64) -> Option<i64> {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    Some(match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    })
}

/// Days from 1970 until a date. Counted in years that begin in March, so that the leap day is the last one.
fn days_until(year: i64, month: i64, day: i64) -> i64 {
    let year = if month < 3 { year - 1 } else { year };
    let since_march = (month + 9) % 12;
    365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * since_march + 2) / 5
        + day
        - 1
        + START
        + 60
}

/// The date so many days after 1970.
fn date(days: i64) -> (i64, i64, i64) {
    const CYCLE: i64 = 146_097;
    let days = days - START - 60;
    let in_cycle = days.rem_euclid(CYCLE);
    let of_cycle = (in_cycle - in_cycle / 1_460 + in_cycle / 36_524 - in_cycle / (CYCLE - 1)) / 365;
    let in_year = in_cycle - (365 * of_cycle + of_cycle / 4 - of_cycle / 100);
    let since_march = (5 * in_year + 2) / 153;
    let month = (since_march + 2) % 12 + 1;
    let year = days.div_euclid(CYCLE) * 400 + of_cycle;
    (
        if month < 3 { year + 1 } else { year },
        month,
        in_year - (153 * since_march + 2) / 5 + 1,
    )
}

fn ticks(fraction: &str) -> Option<i64> {
    let length = u32::try_from(fraction.len())
        .ok()
        .filter(|length| (1..=7).contains(length))?;
    Some(digits(fraction.as_bytes())? * 10_i64.pow(7 - length))
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + i64::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::Instant;

    #[test]
    fn shorter_fractions_are_filled_up() {
        let parse = |text| Instant::parse(text).expect(text);
        assert_eq!(
            parse("2024-02-29T00:00:00Z"),
            parse("2024-02-29T00:00:00.0000000Z")
        );
        assert_eq!(
            parse("2024-05-01T13:00:00.5Z"),
            parse("2024-05-01t13:00:00.5000000z")
        );
        assert!(parse("2024-05-01T13:00:00.0000001Z") > parse("2024-05-01T13:00:00.0Z"));
        assert!(parse("2023-12-31T23:59:59.9999999Z") < parse("2024-01-01T00:00:00Z"));
    }

    #[test]
    fn every_day_is_written_as_it_was_read() {
        let (mut before, mut seen) = (None, 0);
        for year in 0..=9999 {
            for month in 1..=12 {
                for day in [1, 28, 29, 30, 31] {
                    let text = format!("{year:04}-{month:02}-{day:02}T23:59:59.0012345Z");
                    let Some(instant) = Instant::parse(&text) else {
                        continue;
                    };
                    assert_eq!(instant.to_string(), text);
                    assert!(before.replace(instant) < Some(instant), "{text}");
                    seen += 1;
                }
            }
        }
        assert_eq!(seen, 10_000 * (12 * 2 + 11 * 2 + 7) + 2_425);
    }

    #[test]
    fn seconds_count_from_1970() {
        for (seconds, nanoseconds, text) in [
            (0, 0, "1970-01-01T00:00:00.0000000Z"),
            (951_782_399, 999_999_999, "2000-02-28T23:59:59.9999999Z"),
            (-1, 100, "1969-12-31T23:59:59.0000001Z"),
            (i64::MAX, 0, "9999-12-31T23:59:59.9999999Z"),
            (i64::MIN, 0, "0000-01-01T00:00:00.0000000Z"),
        ] {
            let instant = Instant::from_unix(seconds, nanoseconds);
            assert_eq!(instant.to_string(), text);
            assert_eq!(Instant::parse(text), Some(instant));
        }
    }

    #[test]
    fn refuses_what_is_no_instant() {
        for text in [
            "",
            "Z",
            "2024-05-01",
            "2024-05-01T13:00:00",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-05-01T24:00:00Z",
            "2024-05-01T13:00:00.00000001Z",
            "2024-05-01T13:00:00.Z",
            "2024-05-01 13:00:00Z",
            "2024-05-01T13:00:00+02:00",
            "2024-05-0éT13:00:00Z",
        ] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }
}
