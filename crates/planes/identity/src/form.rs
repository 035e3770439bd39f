//! Forms as the token service reads them: some fields are secrets, and leave the form as such.

use nave_engine::Request;
use nave_vault::Secret;

use crate::refusal::Refusal;

/// The fields of a request's form. It prints nothing of itself.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn of(request: &Request) -> Self {
        Self(request.form())
    }

    /// A field. An empty one counts as absent.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// A field that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).ok_or_else(|| Refusal::missing(name))
    }

    /// Takes a secret out.
    pub(crate) fn take_secret(&mut self, name: &str) -> Option<Secret<String>> {
        let at = self
            .0
            .iter()
            .position(|(key, value)| key == name && !value.is_empty())?;
        Some(Secret::new(self.0.swap_remove(at).1))
    }
}
