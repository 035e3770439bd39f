//! Commands as people paste them into a shell.

use nave_arm::ResourceId;
use uuid::Uuid;

/// The command that makes a role assignment.
pub(super) fn assign(principal: Uuid, principal_type: &str, role: &str, scope: &ResourceId) -> String {
    format!(
        "az role assignment create --assignee-object-id {principal} --assignee-principal-type {principal_type} --role \
         {} --scope {}",
        quoted(role),
        quoted(scope.as_str())
    )
}

/// A word as a shell reads it back: plain where it is plain, else in quotes.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_.@:".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    if word.contains(['"', '\\', '$', '`', '!', '\'']) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    format!("\"{word}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_cut_them() {
        for (word, expected) in [
            ("Reader", "Reader"),
            ("Azure AI Developer", "\"Azure AI Developer\""),
            (
                "/subscriptions/s/resourceGroups/a(b)",
                "\"/subscriptions/s/resourceGroups/a(b)\"",
            ),
            ("a$b", "'a$b'"),
            ("it's", r"'it'\''s'"),
            ("", "\"\""),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }

    #[test]
    fn the_command_is_one_line() {
        let line = assign(
            Uuid::nil(),
            "User",
            "Reader",
            &ResourceId::of_resource_group("s", "g"),
        );
        assert_eq!(
            line,
            "az role assignment create --assignee-object-id 00000000-0000-0000-0000-000000000000 \
             --assignee-principal-type User --role Reader --scope /subscriptions/s/resourceGroups/g"
        );
    }
}
