//! Versions of definitions, and the patterns by which assignments ask for them (`1.*.*`).

/// Whether a version, such as `1.2.0-preview`, is one that the pattern asks for.
#[must_use]
pub fn version_fits(pattern: &str, version: &str) -> bool {
    let (version, ending) = version
        .split_once('-')
        .map_or((version, ""), |(numbers, ending)| (numbers, ending));
    let (pattern, wanted_ending) = pattern
        .split_once('-')
        .map_or((pattern, ""), |(numbers, ending)| (numbers, ending));
    let mut numbers = version.split('.');
    let fits = pattern.split('.').all(|wanted| {
        let number = numbers.next().unwrap_or("0");
        wanted == "*" || wanted == number
    });
    fits && ending.eq_ignore_ascii_case(wanted_ending)
}

/// The newest of the versions that the pattern asks for; without a pattern, the newest of all.
#[must_use]
pub fn best_version<'v>(
    pattern: Option<&str>,
    versions: impl IntoIterator<Item = &'v str>,
) -> Option<&'v str> {
    let fitting = versions
        .into_iter()
        .filter(|version| pattern.is_none_or(|pattern| version_fits(pattern, version)));
    fitting.max_by_key(|version| {
        let (numbers, ending) = version.split_once('-').unwrap_or((version, ""));
        let numbers: Vec<u64> = numbers
            .split('.')
            .map(|number| number.parse().unwrap_or(0))
            .collect();
        (numbers, ending.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::best_version;

    #[test]
    fn the_newest_that_fits_is_taken() {
        let versions = ["1.0.0", "1.10.1", "1.9.3", "2.0.0-preview", "2.0.0"];
        for (pattern, expected) in [
            (None, Some("2.0.0")),
            (Some("1.*.*"), Some("1.10.1")),
            (Some("1.9.*"), Some("1.9.3")),
            (Some("2.*.*-preview"), Some("2.0.0-preview")),
            (Some("3.*.*"), None),
        ] {
            assert_eq!(best_version(pattern, versions), expected, "{pattern:?}");
        }
    }
}
