//! Where in a text an error about it stands: line and column, in `additionalInfo` and in the sentence (template-language 11).

use nave_arm::ArmError;
use serde_json::json;

use crate::lenient::locate;

/// What the service names just before it says where: the text before the quoted name, and that after it. A name may be an
/// expression, with quotes in it.
const SUBJECTS: &[(&str, &str)] = &[
    ("for the template parameter '", "' is not "),
    ("The template output '", "' is not "),
    ("for type '", "' has "),
    ("The template resource '", "' is not "),
    ("template language expressions for resource '", "'. '"),
];

/// Adds line and column to an error whose path speaks of a document that stands in `text`. `root` is the part of the path
/// that is not in the text: `properties.template` for a file, nothing for a request.
#[must_use]
pub fn at_lines(mut error: ArmError, text: &str, root: &str) -> ArmError {
    let mut first = None;
    for info in error
        .additional_info
        .iter_mut()
        .filter_map(|entry| entry.get_mut("info"))
    {
        let path = info["path"]
            .as_str()
            .map(|path| path.strip_prefix(root).unwrap_or(path));
        if let Some((line, column)) = path.and_then(|path| locate(text, path)) {
            info["lineNumber"] = json!(line);
            info["linePosition"] = json!(column);
            first.get_or_insert((line, column));
        }
    }
    if let Some(place) = first {
        error.message = with_place(&error.message, place);
    }
    error
}

fn with_place(message: &str, (line, column): (usize, usize)) -> String {
    let named = SUBJECTS.iter().find_map(|(before, after)| {
        let start = message.find(before)? + before.len();
        Some(start + message[start..].find(after)? + 1)
    });
    match named {
        Some(end) if !message[end..].starts_with(" at line '") => format!(
            "{} at line '{line}' and column '{column}'{}",
            &message[..end],
            &message[end..]
        ),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use nave_arm::{ArmError, ErrorCode};
    use serde_json::json;

    use super::at_lines;

    #[test]
    fn an_error_says_where_it_is() {
        for (message, path, expected) in [
            (
                "failed: 'The provided value for the template parameter 'p' is not valid.'.",
                "properties.template.parameters.p",
                "failed: 'The provided value for the template parameter 'p' at line '2' and column '23' is not valid.'.",
            ),
            (
                "'The template resource 'a' for type 'P.X/as/bs' has incorrect segment lengths.'",
                "properties.template.resources[0].type",
                "'The template resource 'a' for type 'P.X/as/bs' at line '3' and column '26' has incorrect segment lengths.'",
            ),
            (
                "'The template resource '[parameters('x')]' is not valid: why.'",
                "properties.template.resources[0]",
                "'The template resource '[parameters('x')]' at line '3' and column '17' is not valid: why.'",
            ),
            ("nothing is named", "properties.template", "nothing is named"),
        ] {
            let error = ArmError::new(ErrorCode::InvalidTemplate, message)
                .adding("TemplateViolation", json!({ "path": path }));
            let text = "{\n  \"parameters\": {\"p\": {}},\n  \"resources\": [{\"type\": \"P.X/as/bs\"}]\n}";
            let placed = at_lines(error, text, "properties.template");
            assert_eq!(placed.message, expected);
            assert!(placed.additional_info[0]["info"]["lineNumber"].is_u64());
        }
    }
}
