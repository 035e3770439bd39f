//! What a streamed answer uses, read off the events as they pass.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};

use crate::{ask::Kind, built_in, frames::DONE, model::Usage, tokens};

/// What to do with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It is for the client.
    Pass,
    /// It holds the usage that only nave asked for.
    Withhold,
    /// It is the server's word that the answer failed.
    Fail,
    /// It ends the answer.
    Done,
}

/// Counts along.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    reported: Option<Usage>,
    pieces: u64,
}

/// The members of a chunk that matter here.
#[derive(Deserialize)]
struct Chunk {
    usage: Option<Usage>,
    #[serde(default)]
    choices: Vec<IgnoredAny>,
    error: Option<IgnoredAny>,
}

impl Meter {
    /// Looks at an event. Only those that seem to hold more than a piece of the answer are parsed.
    pub(crate) fn see(&mut self, event: &[u8], wants_usage: bool) -> Seen {
        if event.trim_ascii() == DONE {
            return Seen::Done;
        }
        let Some(data) = data(event) else {
            return Seen::Pass;
        };
        if !(holds(data, b"\"usage\"") || holds(data, b"\"error\"")) {
            self.pieces += 1;
            return Seen::Pass;
        }
        let Ok(chunk) = serde_json::from_slice::<Chunk>(data) else {
            return Seen::Pass;
        };
        if chunk.error.is_some() {
            return Seen::Fail;
        }
        self.pieces += u64::from(!chunk.choices.is_empty());
        self.reported = chunk.usage.or(self.reported);
        let is_usage_only = chunk.usage.is_some() && chunk.choices.is_empty();
        if is_usage_only && !wants_usage {
            Seen::Withhold
        } else {
            Seen::Pass
        }
    }

    /// What was used so far. Where the server did not say, what was sent is counted, and each piece is one token.
    pub(crate) fn usage(&self, kind: Kind, body: &[u8]) -> Value {
        match self.reported {
            Some(usage) => reported(usage),
            None => json!({
                "promptTokens": built_in::texts(kind, body).iter().map(|text| tokens::count(text)).sum::<u64>(),
                "completionTokens": self.pieces,
                "tokens": "estimated",
            }),
        }
    }
}

/// What a whole answer says it used.
pub(crate) fn usage_in(body: &[u8]) -> Result<Value, serde_json::Error> {
    #[derive(Deserialize)]
    struct Document {
        usage: Option<Usage>,
    }
    let document: Document = serde_json::from_slice(body)?;
    Ok(document
        .usage
        .map_or_else(|| json!({"tokens": "unreported"}), reported))
}

fn reported(usage: Usage) -> Value {
    json!({
        "promptTokens": usage.prompt_tokens,
        "completionTokens": usage.completion_tokens,
        "tokens": "reported",
    })
}

/// The data of an event that has one line of it.
fn data(event: &[u8]) -> Option<&[u8]> {
    let mut lines = event.split(|byte| *byte == b'\n');
    lines
        .find_map(|line| line.strip_prefix(b"data:"))
        .map(<[u8]>::trim_ascii)
}

fn holds(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Meter, Seen, usage_in};
    use crate::ask::Kind;

    #[test]
    fn events_are_told_apart() {
        let cases = [
            (r#"data: {"choices": [{"delta": {"content": "a"}}]}"#, Seen::Pass),
            (
                r#"data: {"choices": [{"delta": {"content": "a"}}], "usage": null}"#,
                Seen::Pass,
            ),
            (
                r#"data: {"choices": [{"delta": {"content": "the \"usage\" of it"}}]}"#,
                Seen::Pass,
            ),
            (
                r#"data: {"choices": [], "prompt_filter_results": []}"#,
                Seen::Pass,
            ),
            (
                r#"data: {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}"#,
                Seen::Withhold,
            ),
            (r#"data: {"error": {"message": "no"}}"#, Seen::Fail),
            ("event: x\ndata: {}", Seen::Pass),
            (": ping", Seen::Pass),
            ("data: [DONE]", Seen::Done),
            ("data: {broken \"usage\"", Seen::Pass),
        ];
        for (event, expected) in cases {
            assert_eq!(
                Meter::default().see(format!("{event}\n\n").as_bytes(), false),
                expected,
                "{event}"
            );
        }
    }

    #[test]
    fn a_client_that_asked_for_the_usage_gets_it() {
        let event = br#"data: {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}"#;
        assert_eq!(Meter::default().see(event, true), Seen::Pass);
    }

    #[test]
    fn what_the_server_reports_counts_else_what_passed() {
        let body = br#"{"messages": [{"role": "user", "content": "one two three"}]}"#;
        let mut meter = Meter::default();
        for text in ["a", "b"] {
            meter.see(
                format!("data: {{\"choices\": [{{\"delta\": {{\"content\": \"{text}\"}}}}]}}\n\n").as_bytes(),
                false,
            );
        }
        let estimated = json!({"promptTokens": 3, "completionTokens": 2, "tokens": "estimated"});
        assert_eq!(meter.usage(Kind::Chat, body), estimated);
        meter.see(
            br#"data: {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 8}}"#,
            false,
        );
        let reported = json!({"promptTokens": 9, "completionTokens": 8, "tokens": "reported"});
        assert_eq!(meter.usage(Kind::Chat, body), reported);
    }

    #[test]
    fn a_whole_answer_is_metered() {
        let embeddings =
            br#"{"data": [{"embedding": [0.1]}], "usage": {"prompt_tokens": 4, "total_tokens": 4}}"#;
        let usage = usage_in(embeddings).expect("usage");
        assert_eq!(
            usage,
            json!({"promptTokens": 4, "completionTokens": 0, "tokens": "reported"})
        );
        assert_eq!(usage_in(b"{}").expect("none"), json!({"tokens": "unreported"}));
        assert!(usage_in(b"<html>").is_err());
    }
}
