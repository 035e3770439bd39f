//! The `api-version` query parameter: `YYYY-MM-DD`, optionally with `-preview` or a kin suffix.

use std::fmt;

/// A well-formed api-version. Which ones a type serves is the declaration's business.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiVersion(String);

impl ApiVersion {
    /// Reads a version; `None` when it has not the form ARM documents.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (date, suffix) = match text.char_indices().nth(10) {
            Some((at, _)) => text.split_at(at),
            None => (text, ""),
        };
        let dated = date.len() == 10
            && date.bytes().enumerate().all(|(at, b)| {
                if at == 4 || at == 7 {
                    b == b'-'
                } else {
                    b.is_ascii_digit()
                }
            });
        let suffixed = matches!(
            suffix.to_ascii_lowercase().as_str(),
            "" | "-preview" | "-alpha" | "-beta" | "-rc" | "-privatepreview"
        );
        let part = |from: usize, to: usize| date.get(from..to).and_then(|digits| digits.parse::<u8>().ok());
        let exists = matches!((part(5, 7), part(8, 10)), (Some(1..=12), Some(1..=31)));
        (dated && exists && suffixed).then(|| Self(text.to_owned()))
    }

    /// The text as the client wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::ApiVersion;

    #[test]
    fn accepts_dates_and_known_suffixes_only() {
        for good in [
            "2024-10-01-preview",
            "2015-04-01",
            "2022-12-01-Preview",
            "2024-01-01-rc",
        ] {
            assert!(ApiVersion::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "v1",
            "2024-1-1",
            "2024-10-01-next",
            "2024-10-01preview",
            "2024/10/01",
            "2024-13-01",
            "2024-00-10",
            "2024-10-32",
            "é024-10-01",
        ] {
            assert!(ApiVersion::parse(bad).is_none(), "{bad}");
        }
    }
}
