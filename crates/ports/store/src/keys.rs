//! Keys in order: what lies below a key is a range.

/// The keys below `key` are those after the first text and before the second: `/` is followed by `0`.
pub(crate) fn below(key: &str) -> (String, String) {
    let key = key.trim_end_matches('/');
    (format!("{key}/"), format!("{key}0"))
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn siblings_with_a_longer_name_are_not_below() {
        let is_below = |key: &str, under: &str| {
            let (start, end) = below(under);
            *key > *start && *key < *end
        };
        for (key, under, expected) in [
            ("/s/a/b", "/s/a", true),
            ("/s/a/b/c", "/s/a", true),
            ("/s/a", "/s/a", false),
            ("/s/a-b", "/s/a", false),
            ("/s/a0", "/s/a", false),
            ("/s/ab/c", "/s/a", false),
            ("/s", "/", true),
            ("/", "/", false),
        ] {
            assert_eq!(is_below(key, under), expected, "{key} under {under}");
        }
    }
}
