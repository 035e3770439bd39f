//! Instants, to the 100 nanoseconds.

/// A point in time, `yyyy-mm-ddThh:mm:ss[.fffffff]Z`; its order is that of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instant {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    /// In units of 100 ns.
    fraction: u32,
}

impl Instant {
    /// Reads an instant in UTC; a shorter fraction is filled up with zeros.
    pub(super) fn parse(text: &str) -> Option<Self> {
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
        let instant = Self {
            year: digits(&bytes[..4])?,
            month: digits(&bytes[5..7])?,
            day: digits(&bytes[8..10])?,
            hour: digits(&bytes[11..13])?,
            minute: digits(&bytes[14..16])?,
            second: digits(&bytes[17..19])?,
            fraction,
        };
        instant.exists().then_some(instant)
    }

    fn exists(self) -> bool {
        let leap =
            (self.year.is_multiple_of(4) && !self.year.is_multiple_of(100)) || self.year.is_multiple_of(400);
        let days = match self.month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return false,
        };
        (1..=days).contains(&self.day) && self.hour < 24 && self.minute < 60 && self.second < 60
    }
}

fn ticks(fraction: &str) -> Option<u32> {
    let length = u32::try_from(fraction.len())
        .ok()
        .filter(|length| (1..=7).contains(length))?;
    Some(digits(fraction.as_bytes())? * 10_u32.pow(7 - length))
}

fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + u32::from(byte - b'0'))
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
