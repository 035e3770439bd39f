//! A request to a model, read no further than passing it on needs: the outermost members of its body.

use std::borrow::Cow;

use bytes::Bytes;
use nave_arm::{ArmError, ErrorCode};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, json, value::RawValue};

/// What a model is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The next message of a conversation.
    Chat,
    /// The continuation of a text.
    Completion,
    /// Vectors for texts.
    Embedding,
}

impl Kind {
    /// The path of the operation, below a deployment or a v1 base.
    pub(crate) fn path(self) -> &'static [&'static str] {
        match self {
            Self::Chat => &["chat", "completions"],
            Self::Completion => &["completions"],
            Self::Embedding => &["embeddings"],
        }
    }

    /// The member that says what to work on.
    fn subject(self) -> &'static str {
        match self {
            Self::Chat => "messages",
            Self::Completion => "prompt",
            Self::Embedding => "input",
        }
    }
}

/// A request to a model.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    /// What is asked for.
    pub(crate) kind: Kind,
    /// The whole body.
    pub(crate) body: &'a Bytes,
    /// The `model` it names.
    pub(crate) model: Option<String>,
    /// Whether the answer shall come in pieces.
    pub(crate) stream: bool,
    /// Whether the client wants to see the usage at the end of a stream.
    pub(crate) wants_usage: bool,
    members: Members<'a>,
}

impl<'a> Ask<'a> {
    /// Reads a body; a refusal names the member at fault.
    pub(crate) fn read(kind: Kind, body: &'a Bytes) -> Result<Self, ArmError> {
        let members: Members<'_> = serde_json::from_slice(body).map_err(|error| {
            ArmError::new(
                ErrorCode::InvalidRequestContent,
                format!("The body must be a JSON object, and could not be read as one: {error}."),
            )
        })?;
        check_subject(kind, &members)?;
        let options: Option<StreamOptions> = members.typed("stream_options", "an object")?;
        Ok(Self {
            kind,
            body,
            model: members.typed("model", "a string")?,
            stream: kind != Kind::Embedding && members.typed("stream", "true or false")?.unwrap_or(false),
            wants_usage: options.and_then(|options| options.include_usage).unwrap_or(false),
            members,
        })
    }

    /// The body for another server: `model` is what that server calls it. Of a stream the usage is asked for, since
    /// nave needs it even if the client does not.
    pub(crate) fn for_model(&self, model: &str, asks_usage: bool) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.body.len() + model.len() + 64);
        write(&mut body, b'{', "model", json!(model).to_string().as_bytes());
        let with_usage = self.stream && asks_usage;
        if with_usage {
            write(
                &mut body,
                b',',
                "stream_options",
                self.options_with_usage().to_string().as_bytes(),
            );
        }
        for (name, value) in &self.members.0 {
            if name != "model" && !(with_usage && name == "stream_options") {
                write(&mut body, b',', name, value.get().as_bytes());
            }
        }
        body.push(b'}');
        body
    }

    fn options_with_usage(&self) -> Value {
        let sent = self
            .members
            .get("stream_options")
            .and_then(|raw| serde_json::from_str(raw.get()).ok());
        let mut options = sent.filter(Value::is_object).unwrap_or_else(|| json!({}));
        options["include_usage"] = true.into();
        options
    }
}

fn write(body: &mut Vec<u8>, before: u8, name: &str, value: &[u8]) {
    body.push(before);
    body.extend_from_slice(json!(name).to_string().as_bytes());
    body.push(b':');
    body.extend_from_slice(value);
}

fn check_subject(kind: Kind, members: &Members<'_>) -> Result<(), ArmError> {
    let name = kind.subject();
    let Some(subject) = members.get(name) else {
        return Err(wrong(format!("'{name}' is a required property."), name));
    };
    let is_conversation =
        || serde_json::from_str::<Vec<&RawValue>>(subject.get()).is_ok_and(|all| !all.is_empty());
    if kind == Kind::Chat && !is_conversation() {
        return Err(wrong(
            String::from("'messages' must be an array with at least one message."),
            name,
        ));
    }
    Ok(())
}

fn wrong(message: String, member: &str) -> ArmError {
    ArmError::new(ErrorCode::InvalidRequestFormat, message).on(member)
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

/// The outermost members of an object, in order, their values unread.
#[derive(Debug)]
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// A member that is there and not null. Of two with the same name the last one counts, as in other readers.
    fn get(&self, name: &str) -> Option<&'a RawValue> {
        let (_, value) = self.0.iter().rev().find(|(key, _)| key == name)?;
        (value.get() != "null").then_some(*value)
    }

    fn typed<T: Deserialize<'a>>(&self, name: &str, expected: &str) -> Result<Option<T>, ArmError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        serde_json::from_str(value.get())
            .map(Some)
            .map_err(|_| wrong(format!("'{name}' must be {expected}."), name))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Object).map(Members)
    }
}

/// A member's name, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Ask, Kind};

    fn refusal(kind: Kind, body: &str) -> String {
        let body = body.to_owned().into();
        Ask::read(kind, &body).expect_err("refused").to_string()
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            (
                Kind::Chat,
                "",
                "InvalidRequestContent: The body must be a JSON object",
            ),
            (
                Kind::Chat,
                "[]",
                "InvalidRequestContent: The body must be a JSON object",
            ),
            (
                Kind::Chat,
                r#"{"messages": [}"#,
                "InvalidRequestContent: The body must be a JSON object",
            ),
            (
                Kind::Chat,
                "{}",
                "InvalidRequestFormat: 'messages' is a required property",
            ),
            (
                Kind::Chat,
                r#"{"messages": "hi"}"#,
                "InvalidRequestFormat: 'messages' must be an array",
            ),
            (
                Kind::Chat,
                r#"{"messages": []}"#,
                "InvalidRequestFormat: 'messages' must be an array",
            ),
            (
                Kind::Chat,
                r#"{"messages": [{}], "stream": "yes"}"#,
                "InvalidRequestFormat: 'stream' must be true or false",
            ),
            (
                Kind::Chat,
                r#"{"messages": [{}], "model": 1}"#,
                "InvalidRequestFormat: 'model' must be a string",
            ),
            (
                Kind::Completion,
                "{}",
                "InvalidRequestFormat: 'prompt' is a required property",
            ),
            (
                Kind::Embedding,
                r#"{"input": null}"#,
                "InvalidRequestFormat: 'input' is a required property",
            ),
        ];
        for (kind, body, expected) in cases {
            let refusal = refusal(kind, body);
            assert!(refusal.starts_with(expected), "{body}: {refusal}");
        }
    }

    #[track_caller]
    fn check_for_model(body: &str, asks_usage: bool, expected: Value) {
        let bytes = body.to_owned().into();
        let ask = Ask::read(Kind::Chat, &bytes).expect("a body");
        let written: Value = serde_json::from_slice(&ask.for_model("theirs", asks_usage)).expect("JSON");
        assert_eq!(written, expected);
    }

    #[test]
    fn only_the_model_changes() {
        let body = r#"{"mess\u0061ges": [{"role": "user", "content": "a \"quoted\" model"}], "model": "ours", "n": 1.50}"#;
        check_for_model(
            body,
            true,
            json!({"model": "theirs", "messages": [{"role": "user", "content": "a \"quoted\" model"}], "n": 1.50}),
        );
    }

    #[test]
    fn a_model_named_twice_is_named_once() {
        check_for_model(
            r#"{"model": "a", "messages": [{}], "model": "b"}"#,
            true,
            json!({"model": "theirs", "messages": [{}]}),
        );
    }

    #[test]
    fn the_usage_of_a_stream_is_asked_for() {
        let messages = json!([{}]);
        let stream =
            r#"{"messages": [{}], "stream": true, "stream_options": {"include_obfuscation": false}}"#;
        check_for_model(
            stream,
            true,
            json!({"model": "theirs", "messages": messages, "stream": true,
                   "stream_options": {"include_obfuscation": false, "include_usage": true}}),
        );
        check_for_model(
            stream,
            false,
            json!({"model": "theirs", "messages": messages, "stream": true,
                   "stream_options": {"include_obfuscation": false}}),
        );
    }
}
