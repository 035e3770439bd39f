//! `nave env`: the shell exports that clients need (client contract 1.1 to 1.3).

use std::path::Path;

use nave_server::setup::{self, Settings};

use crate::{Outcome, cli::Data, say};

/// Prints the exports for the server of a data directory.
pub(crate) fn run(arguments: &Data) -> Outcome {
    let directory = arguments.directory()?;
    let settings = setup::settings_in(&directory)?;
    for (name, value) in exports(&settings, &setup::bundle_in(&directory)) {
        say::line(format!("export {name}={}", quoted(&value)));
    }
    Ok(true)
}

/// Name and value of each export.
fn exports(settings: &Settings, bundle: &Path) -> Vec<(&'static str, String)> {
    let Settings {
        origin,
        tenant,
        subscription,
        ..
    } = settings;
    let bundle = bundle.display().to_string();
    vec![
        ("REQUESTS_CA_BUNDLE", bundle.clone()),
        ("SSL_CERT_FILE", bundle.clone()),
        ("CURL_CA_BUNDLE", bundle.clone()),
        ("NODE_EXTRA_CA_CERTS", bundle),
        (
            "ARM_CLOUD_METADATA_URL",
            format!("{origin}/metadata/endpoints?api-version=2019-05-01"),
        ),
        ("AZURE_AUTHORITY_HOST", format!("{origin}/adfs")),
        ("AZURE_TENANT_ID", tenant.to_string()),
        ("AZURE_SUBSCRIPTION_ID", subscription.to_string()),
    ]
}

/// A value as one word of a POSIX shell.
pub(crate) fn quoted(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/:._-@=,+".contains(&byte);
    if !value.is_empty() && value.bytes().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn values_are_one_word_for_a_shell() {
        assert_eq!(quoted("/data/ca-bundle.pem"), "/data/ca-bundle.pem");
        assert_eq!(quoted("https://h/m?v=1&x"), "'https://h/m?v=1&x'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
