//! Service zones: hosts that stand for one account, as paths.
//!
//! Some clients build the host of a data plane themselves (`{account}.openai.{base}`), others take any URL. The planes
//! know paths only, so a zone's host is written in front of the path before anybody looks at it (client contract 0.3).

/// The part of the host between the name and the base, and where its paths begin.
const ZONES: [(&str, &str); 11] = [
    ("openai", "ai"),
    ("cognitiveservices", "ai"),
    ("services.ai", "ai"),
    ("blob.core", "blob"),
    ("dfs.core", "dfs"),
    ("file.core", "file"),
    ("queue.core", "queue"),
    ("table.core", "table"),
    ("vault", "kv"),
    ("search", "search"),
    ("azurecr", "acr"),
];

/// The path that a request to `host` with `path` means. `base` is the server's own authority; ports do not matter,
/// because there may be a proxy in front.
pub(crate) fn path(host: &str, base: &str, path: &str) -> String {
    match zone(without_port(host), without_port(base)) {
        Some((root, name)) => format!("/{root}/{name}{path}"),
        None => path.to_owned(),
    }
}

fn zone<'a>(host: &'a str, base: &str) -> Option<(&'static str, &'a str)> {
    let below = strip_suffix(host, base)?;
    ZONES.iter().find_map(|(zone, root)| {
        let name = strip_suffix(below, zone)?;
        let is_one_label = !name.is_empty() && !name.contains('.');
        is_one_label.then_some((*root, name))
    })
}

/// `head` of `{head}.{suffix}`.
fn strip_suffix<'a>(host: &'a str, suffix: &str) -> Option<&'a str> {
    host.strip_suffix(suffix)?.strip_suffix('.')
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn a_zone_becomes_the_head_of_the_path() {
        let cases = [
            ("localhost:8443", "/subscriptions", "/subscriptions"),
            (
                "ai1.openai.localhost:8443",
                "/openai/v1/models",
                "/ai/ai1/openai/v1/models",
            ),
            ("ai1.openai.localhost", "/openai", "/ai/ai1/openai"),
            ("ai1.cognitiveservices.localhost:1", "/", "/ai/ai1/"),
            ("ai1.services.ai.localhost", "/models", "/ai/ai1/models"),
            ("sa.blob.core.localhost:8443", "/c/b", "/blob/sa/c/b"),
            ("kv.vault.localhost:8443", "/secrets/n/", "/kv/kv/secrets/n/"),
        ];
        for (host, given, expected) in cases {
            assert_eq!(path(host, "localhost:8443", given), expected, "{host}");
        }
    }

    #[test]
    fn other_hosts_mean_what_they_say() {
        for host in [
            "",
            "openai.localhost",
            "a.b.openai.localhost",
            ".openai.localhost",
            "ai.openai.example.com",
            "[::1]:8443",
        ] {
            assert_eq!(path(host, "localhost:8443", "/p"), "/p", "{host}");
        }
    }
}
