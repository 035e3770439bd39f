//! A bucket: objects, since what is in a bucket is not appended to. Each holds the records of one batch in one hour of one
//! resource, and is named by its revisions: the same batch sent again replaces itself.

use std::{collections::BTreeMap, time::Duration};

use nave_engine::{Fields, Resource};
use nave_outbound::{Outbound, unreachable};
use nave_vault::{Purpose, Secret};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use serde_json::Value;

use super::Undelivered;
use crate::{record::Record, sinks::SECRET_KEY};

/// How long a signed request is good.
const GOOD_FOR: Duration = Duration::from_secs(60);

pub(crate) async fn send(
    outbound: &Outbound,
    sink: &Resource,
    secrets: Option<&Secret<Value>>,
    records: &[Record],
) -> Result<(), Undelivered> {
    let bucket = bucket(sink)?;
    let secret = secrets.and_then(|secrets| {
        secrets
            .expose(&Purpose::OutboundCall)
            .get(SECRET_KEY)?
            .as_str()
            .map(str::to_owned)
    });
    let key = sink.text("/properties/accessKeyId").unwrap_or_default();
    let credentials = Credentials::new(key, secret.unwrap_or_default());
    let prefix = sink.text("/properties/prefix").unwrap_or_default();
    for (name, lines) in objects(prefix, records) {
        let mut put = bucket.put_object(Some(&credentials), &name);
        put.headers_mut().insert("content-type", "application/x-ndjson");
        // by the clock on the wall: the other side compares it with its own
        let signed = put.sign(GOOD_FOR);
        let place = bucket.object_url(&name).to_string();
        // asked without the signature, which no message may hold
        let (client, _) = outbound.client(&place)?;
        let sent = client
            .put(signed)
            .header("content-type", "application/x-ndjson")
            .body(lines)
            .send();
        let status = sent.await.map_err(unreachable(&place))?.status();
        if !status.is_success() {
            return Err(Undelivered::Refused {
                place,
                status: status.as_u16(),
            });
        }
    }
    Ok(())
}

fn bucket(sink: &Resource) -> Result<Bucket, Undelivered> {
    let text = |name: &str| {
        sink.text(&format!("/properties/{name}"))
            .unwrap_or_default()
            .to_owned()
    };
    let no_bucket = || {
        Undelivered::NoPlace(format!(
            "the sink '{}' names no bucket that can be reached",
            sink.id
        ))
    };
    let endpoint = reqwest::Url::parse(&text("endpoint")).map_err(|_| no_bucket())?;
    let is_path = Fields(&sink.sent).flag("/properties/pathStyle").ok().flatten();
    let style = match is_path {
        Some(false) => UrlStyle::VirtualHost,
        _ => UrlStyle::Path,
    };
    Bucket::new(endpoint, style, text("bucket"), text("region")).map_err(|_| no_bucket())
}

/// The names and contents of the objects that records become.
fn objects(prefix: &str, records: &[Record]) -> BTreeMap<String, String> {
    let revisions = || records.iter().map(|record| record.event.revision);
    let (first, last) = (
        revisions().min().unwrap_or_default(),
        revisions().max().unwrap_or_default(),
    );
    let files = super::by_file(records).into_iter();
    files
        .map(|(mut path, lines)| {
            path.pop();
            path.push(format!("{first:012}-{last:012}.json"));
            (format!("{prefix}{}", path.join("/")), lines)
        })
        .collect()
}
