//! The way back to a program: its address with the answer in the query, in the fragment, or in a form that the
//! browser posts.

use http::header;
use nave_engine::Reply;

use crate::{
    pages::{self, Page},
    refusal::Refusal,
};

/// Where and how the answer goes.
#[derive(Debug, Clone)]
pub(super) struct ReturnTo {
    /// The program's address.
    pub(super) redirect_uri: String,
    /// How.
    pub(super) mode: Mode,
    /// What the program wants back unchanged.
    pub(super) state: Option<String>,
}

/// How an answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Query,
    Fragment,
    FormPost,
}

impl Mode {
    pub(super) fn read(text: &str) -> Option<Self> {
        match text {
            "query" => Some(Self::Query),
            "fragment" => Some(Self::Fragment),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }
}

impl ReturnTo {
    /// The scheme and host of the address.
    pub(super) fn origin(&self) -> &str {
        let address = self.redirect_uri.as_str();
        let host = address.find("://").map_or(address.len(), |at| at + 3);
        let end = address[host..]
            .find(['/', '?', '#'])
            .map_or(address.len(), |at| host + at);
        &address[..end]
    }

    /// The answer to a sign-in.
    pub(super) fn with_code(&self, code: &str) -> Reply {
        self.reply(&[("code", code)])
    }

    /// The answer to a request that cannot be served.
    pub(super) fn refused(&self, refusal: &Refusal) -> Reply {
        self.reply(&[
            ("error", refusal.error),
            ("error_description", &refusal.described()),
        ])
    }

    fn reply(&self, answer: &[(&str, &str)]) -> Reply {
        let state = self.state.as_deref().map(|state| ("state", state));
        let answer: Vec<(&str, &str)> = answer.iter().copied().chain(state).collect();
        match self.mode {
            Mode::Query => self.redirect(if self.redirect_uri.contains('?') { '&' } else { '?' }, &answer),
            Mode::Fragment => self.redirect('#', &answer),
            Mode::FormPost => self.form(&answer),
        }
    }

    fn redirect(&self, separator: char, answer: &[(&str, &str)]) -> Reply {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(answer);
        let location = format!("{}{separator}{}", self.redirect_uri, query.finish());
        Reply::empty(303)
            .with(header::LOCATION, &location)
            .with(header::CACHE_CONTROL, "no-store")
            .with(header::REFERRER_POLICY, "no-referrer")
    }

    fn form(&self, answer: &[(&str, &str)]) -> Reply {
        let content = pages::Form {
            action: &self.redirect_uri,
            hidden: answer,
            button: "Continue",
            ..pages::Form::default()
        };
        let leads_to = Some(self.origin());
        Page {
            leads_to,
            sends_itself: true,
            ..Page::new("Back to your program", content.html())
        }
        .reply()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_scheme_and_host() {
        for (address, origin) in [
            ("http://localhost:8400/x", "http://localhost:8400"),
            ("http://localhost", "http://localhost"),
            ("https://app.test?x=1", "https://app.test"),
            ("no address", "no address"),
        ] {
            let state = None;
            let return_to = ReturnTo {
                redirect_uri: address.to_owned(),
                mode: Mode::Query,
                state,
            };
            assert_eq!(return_to.origin(), origin);
        }
    }
}
