//! What a condition can look at: the special fields, tags in their three spellings, and aliases (policy-language 3).

use crate::{alias::Alias, words::same};

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Field {
    /// The last segment of the name.
    Name,
    /// The name with those of the parents.
    FullName,
    Kind,
    Type,
    Location,
    Id,
    IdentityType,
    UserAssignedIdentities,
    /// All tags, an object.
    Tags,
    /// One tag.
    Tag(String),
    Alias(Alias),
}

const SPECIAL: &[(&str, Field)] = &[
    ("name", Field::Name),
    ("fullName", Field::FullName),
    ("kind", Field::Kind),
    ("type", Field::Type),
    ("location", Field::Location),
    ("id", Field::Id),
    ("identity.type", Field::IdentityType),
    ("identity.userAssignedIdentities", Field::UserAssignedIdentities),
    ("tags", Field::Tags),
];

impl Field {
    /// Reads a name; `None` when it is neither special nor of an alias's form.
    pub(crate) fn read(name: &str) -> Option<Self> {
        let name = name.trim();
        let special = SPECIAL.iter().find(|(word, _)| same(word, name));
        let found = special.map(|(_, field)| field.clone());
        found
            .or_else(|| tag_name(name).map(Self::Tag))
            .or_else(|| Alias::read(name).map(Self::Alias))
    }

    /// Whether it reads tags.
    pub(crate) fn reads_tags(&self) -> bool {
        matches!(self, Self::Tags | Self::Tag(_))
    }
}

/// The tag in `tags['a']`, `tags[a]` or `tags.a`.
fn tag_name(name: &str) -> Option<String> {
    let start = name.get(..4).filter(|start| same(start, "tags"))?;
    let rest = &name[start.len()..];
    let inside = match rest.strip_prefix('[') {
        Some(rest) => {
            let inside = rest.strip_suffix(']')?;
            match inside
                .strip_prefix('\'')
                .and_then(|inside| inside.strip_suffix('\''))
            {
                Some(quoted) => quoted.replace("''", "'"),
                None => inside.to_owned(),
            }
        }
        None => rest.strip_prefix('.')?.to_owned(),
    };
    (!inside.is_empty() && inside != "*").then_some(inside)
}

#[cfg(test)]
mod tests {
    use super::Field;

    #[test]
    fn tags_have_three_spellings() {
        for name in ["tags['env']", "tags[env]", "tags.env", "TAGS.env"] {
            assert_eq!(Field::read(name), Some(Field::Tag(String::from("env"))), "{name}");
        }
        assert_eq!(
            Field::read("tags['it''s']"),
            Some(Field::Tag(String::from("it's")))
        );
        assert_eq!(
            Field::read("tags[a.b/c]"),
            Some(Field::Tag(String::from("a.b/c")))
        );
        assert_eq!(Field::read("FULLNAME"), Some(Field::FullName));
        for name in ["tags[]", "tag", "properties.x", "identity", "", "tags[x", "é"] {
            assert_eq!(Field::read(name), None, "{name}");
        }
    }
}
