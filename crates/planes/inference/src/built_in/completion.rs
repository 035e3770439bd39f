//! Chat answers and completions: what was said last, given back under a sentence that says who speaks.

use nave_arm::ArmError;
use serde_json::{Value, json};

use super::{NAME, hash, prompt::Prompt};
use crate::{ask::Kind, tokens};

/// The most tokens of the request that are given back.
const ECHO: usize = 64;

/// An answer, before it has a form.
#[derive(Debug)]
pub(super) struct Completion {
    kind: Kind,
    id: String,
    created: i64,
    tokens: Vec<String>,
    finish: &'static str,
    choices: usize,
    prompt_tokens: u64,
}

impl Completion {
    /// Answers a request; `created` is the time, in seconds.
    pub(super) fn of(kind: Kind, body: &[u8], created: i64) -> Result<Self, ArmError> {
        let prompt = Prompt::read(kind, body)?;
        let texts = prompt.texts(kind);
        let full = text(texts.last().map_or("", String::as_str), prompt.wants_json());
        let stops = prompt.stop.as_ref().map_or(&[][..], |stop| stop.all());
        let mut tokens: Vec<String> = tokens::split(until(&full, stops)).map(str::to_owned).collect();
        let is_cut = prompt.limit().is_some_and(|limit| limit < tokens.len());
        tokens.truncate(prompt.limit().unwrap_or(tokens.len()));
        let head = if kind == Kind::Chat { "chatcmpl" } else { "cmpl" };
        Ok(Self {
            kind,
            id: format!("{head}-{:016x}", hash(body)),
            created,
            tokens,
            finish: if is_cut { "length" } else { "stop" },
            choices: prompt.n.unwrap_or(1),
            prompt_tokens: texts.iter().map(|text| tokens::count(text)).sum(),
        })
    }

    /// The answer as one document.
    pub(super) fn whole(&self) -> Value {
        let text = self.tokens.concat();
        let choice = |index| match self.kind {
            Kind::Chat => json!({
                "index": index, "message": {"role": "assistant", "content": text, "refusal": null},
                "logprobs": null, "finish_reason": self.finish,
            }),
            _ => json!({"index": index, "text": text, "logprobs": null, "finish_reason": self.finish}),
        };
        let object = if self.kind == Kind::Chat {
            "chat.completion"
        } else {
            "text_completion"
        };
        let mut body = self.envelope(object, (0..self.choices).map(choice).collect());
        body["usage"] = self.usage();
        body
    }

    /// The answer in pieces: one for each token, and the usage at the end.
    pub(super) fn chunks(&self) -> Vec<Value> {
        let mut chunks = Vec::new();
        for index in 0..self.choices {
            if self.kind == Kind::Chat {
                chunks.push(self.chunk(index, json!({"role": "assistant", "content": ""}), None));
            }
            chunks.extend(
                self.tokens
                    .iter()
                    .map(|token| self.chunk(index, json!({"content": token}), None)),
            );
            chunks.push(self.chunk(index, json!({}), Some(self.finish)));
        }
        let mut last = self.envelope(self.chunk_object(), json!([]));
        last["usage"] = self.usage();
        chunks.push(last);
        chunks
    }

    fn chunk(&self, index: usize, delta: Value, finish: Option<&str>) -> Value {
        let choice = match self.kind {
            Kind::Chat => json!({"index": index, "delta": delta, "logprobs": null, "finish_reason": finish}),
            _ => {
                let text = delta.get("content").cloned().unwrap_or_else(|| json!(""));
                json!({"index": index, "text": text, "logprobs": null, "finish_reason": finish})
            }
        };
        self.envelope(self.chunk_object(), json!([choice]))
    }

    fn chunk_object(&self) -> &'static str {
        if self.kind == Kind::Chat {
            "chat.completion.chunk"
        } else {
            "text_completion"
        }
    }

    fn envelope(&self, object: &str, choices: Value) -> Value {
        json!({
            "id": self.id, "object": object, "created": self.created, "model": NAME,
            "system_fingerprint": format!("{NAME}-1"), "choices": choices,
        })
    }

    fn usage(&self) -> Value {
        let completion_tokens = (self.tokens.len() * self.choices) as u64;
        json!({
            "prompt_tokens": self.prompt_tokens, "completion_tokens": completion_tokens,
            "total_tokens": self.prompt_tokens + completion_tokens,
        })
    }
}

fn text(said: &str, as_json: bool) -> String {
    let said = said.trim();
    let mut echo: String = tokens::split(said).take(ECHO).collect();
    if echo.len() < said.len() {
        echo.push('…');
    }
    if as_json {
        return json!({"model": NAME, "note": "a fixed rule, not a language model", "said": echo})
            .to_string();
    }
    format!("This is nave's built-in model, a fixed rule and not a language model. You said: {echo}")
}

/// The text up to the first of the stop sequences.
fn until<'a>(text: &'a str, stops: &[String]) -> &'a str {
    let first = stops
        .iter()
        .filter(|stop| !stop.is_empty())
        .filter_map(|stop| text.find(stop.as_str()))
        .min();
    first.map_or(text, |at| &text[..at])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Completion;
    use crate::ask::Kind;

    const SENTENCE: &str = "This is nave's built-in model, a fixed rule and not a language model. You said: ";

    fn chat(body: &Value) -> Completion {
        Completion::of(Kind::Chat, body.to_string().as_bytes(), 7).expect("an answer")
    }

    fn said(more: Value) -> Value {
        let mut body = json!({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi there!"}]});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body
    }

    #[test]
    fn it_says_what_it_is_and_counts_its_tokens() {
        let answer = chat(&said(json!({}))).whole();
        assert_eq!(
            answer["choices"][0]["message"]["content"],
            json!(format!("{SENTENCE}Hi there!"))
        );
        assert_eq!(answer["choices"][0]["finish_reason"], json!("stop"));
        assert_eq!(
            answer["usage"],
            json!({"prompt_tokens": 6, "completion_tokens": 25, "total_tokens": 31})
        );
        assert_eq!(
            (&answer["model"], &answer["created"]),
            (&json!("nave-built-in"), &json!(7))
        );
    }

    #[test]
    fn the_same_request_has_the_same_answer() {
        assert_eq!(chat(&said(json!({}))).whole(), chat(&said(json!({}))).whole());
        assert_ne!(chat(&said(json!({}))).id, chat(&said(json!({"seed": 1}))).id);
    }

    #[test]
    fn limits_and_stops_end_an_answer() {
        let cases = [
            (json!({"max_tokens": 2}), "This is", "length"),
            (json!({"max_completion_tokens": 1}), "This", "length"),
            (json!({"stop": "'s"}), "This is nave", "stop"),
            (json!({"stop": ["fixed", " is"]}), "This", "stop"),
        ];
        for (more, text, finish) in cases {
            let answer = chat(&said(more.clone())).whole();
            let choice = &answer["choices"][0];
            assert_eq!(
                (&choice["message"]["content"], &choice["finish_reason"]),
                (&json!(text), &json!(finish)),
                "{more}"
            );
        }
    }

    #[test]
    fn the_pieces_are_the_whole() {
        let completion = chat(&said(json!({"n": 2})));
        let chunks = completion.chunks();
        let pieces = |index| -> String {
            let choices = chunks
                .iter()
                .filter_map(|chunk| chunk["choices"].get(0))
                .filter(|c| c["index"] == json!(index));
            choices
                .filter_map(|choice| choice["delta"]["content"].as_str())
                .collect()
        };
        let whole = completion.whole();
        for index in 0..2 {
            assert_eq!(
                json!(pieces(index)),
                whole["choices"][index]["message"]["content"]
            );
        }
        let last = chunks.last().expect("chunks");
        assert_eq!((&last["usage"], &last["choices"]), (&whole["usage"], &json!([])));
    }

    #[test]
    fn parts_are_read_and_long_texts_cut() {
        let parts = json!([{"type": "text", "text": "one"}, {"type": "image_url", "image_url": {"url": "u"}}, {"type": "text", "text": "two"}]);
        let answer = chat(&json!({"messages": [{"role": "user", "content": parts}]})).whole();
        assert_eq!(
            answer["choices"][0]["message"]["content"],
            json!(format!("{SENTENCE}one two"))
        );
        let long = "word ".repeat(100);
        let answer = chat(&json!({"messages": [{"role": "user", "content": long}]})).whole();
        let text = answer["choices"][0]["message"]["content"]
            .as_str()
            .unwrap_or_default();
        assert!(
            text.ends_with("word…") && text.matches("word").count() == 64,
            "{text}"
        );
    }

    #[test]
    fn json_is_json_when_asked_for() {
        let answer = chat(&said(json!({"response_format": {"type": "json_object"}}))).whole();
        let text = answer["choices"][0]["message"]["content"]
            .as_str()
            .unwrap_or_default();
        let value: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(value["said"], json!("Hi there!"));
    }

    #[test]
    fn what_it_cannot_do_is_refused() {
        let cases = [
            json!({"n": 0}),
            json!({"n": 1000}),
            json!({"max_tokens": 0}),
            json!({"messages": [{"content": "no role"}]}),
            json!({"messages": [{"role": "user", "content": 7}]}),
            json!({"tool_choice": "required"}),
            json!({"tool_choice": {"type": "function", "function": {"name": "f"}}}),
        ];
        for more in cases {
            let refused = Completion::of(Kind::Chat, said(more.clone()).to_string().as_bytes(), 0);
            assert_eq!(refused.expect_err(&more.to_string()).status(), 400, "{more}");
        }
    }

    #[test]
    fn a_completion_has_its_own_form() {
        let body = json!({"prompt": "Once", "max_tokens": 3}).to_string();
        let completion = Completion::of(Kind::Completion, body.as_bytes(), 0).expect("an answer");
        let whole = completion.whole();
        assert_eq!(
            (&whole["object"], &whole["choices"][0]["text"]),
            (&json!("text_completion"), &json!("This is nave"))
        );
        let texts: String = completion
            .chunks()
            .iter()
            .filter_map(|chunk| chunk["choices"][0]["text"].as_str())
            .collect();
        assert_eq!(texts, "This is nave");
    }
}
