//! Paging: an opaque `$skipToken` that holds the key of the last row seen.

/// Where the next page starts. Written in URL-safe characters, so it needs no escaping in a `nextLink`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkipToken(String);

impl SkipToken {
    /// A token for the page after `key`.
    #[must_use]
    pub fn after(key: &str) -> Self {
        Self(key.to_owned())
    }

    /// The key after which the page starts.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.0
    }

    /// The token as it stands in a URL.
    #[must_use]
    pub fn encode(&self) -> String {
        self.0.bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads a token; `None` when this server did not write it.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        if !text.is_ascii() || !text.len().is_multiple_of(2) {
            return None;
        }
        let bytes: Option<Vec<u8>> = (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
            .collect();
        String::from_utf8(bytes?).ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::SkipToken;

    #[test]
    fn survives_a_url() {
        let token = SkipToken::after("/subscriptions/s/resourcegroups/é");
        assert_eq!(SkipToken::decode(&token.encode()), Some(token));
        assert_eq!(SkipToken::decode("zz"), None);
        assert_eq!(SkipToken::decode("abc"), None);
    }
}
