//! An OpenTelemetry collector: `POST {endpoint}/v1/logs` in protobuf (OTLP 1.x over HTTP).

use nave_engine::Resource as Sink;
use nave_outbound::{Outbound, unreachable};
use nave_vault::{Purpose, Secret};
use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber},
    resource::v1::Resource,
};
use prost::Message;
use serde_json::Value;

use super::Undelivered;
use crate::{record::Record, sinks::HEADERS};

pub(crate) async fn send(
    outbound: &Outbound,
    sink: &Sink,
    secrets: Option<&Secret<Value>>,
    records: &[Record],
) -> Result<(), Undelivered> {
    let endpoint = sink.text("/properties/endpoint").unwrap_or_default();
    let url = format!("{}/v1/logs", endpoint.trim_end_matches('/'));
    let (client, address) = outbound.client(&url)?;
    let mut request = client
        .post(address)
        .header("content-type", "application/x-protobuf")
        .body(request(records).encode_to_vec());
    for (name, value) in headers(secrets) {
        request = request.header(name, value);
    }
    let answer = request.send().await.map_err(unreachable(&url))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    Err(Undelivered::Refused {
        place: url,
        status: status.as_u16(),
    })
}

fn headers(secrets: Option<&Secret<Value>>) -> Vec<(String, String)> {
    let all = secrets.and_then(|secrets| secrets.expose(&Purpose::OutboundCall).get(HEADERS)?.as_object());
    let pair = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    all.into_iter().flatten().filter_map(pair).collect()
}

fn request(records: &[Record]) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(Resource {
                attributes: vec![attribute("service.name", "nave")],
                ..Resource::default()
            }),
            scope_logs: vec![ScopeLogs {
                scope: Some(InstrumentationScope {
                    name: String::from("nave.log"),
                    version: String::from(env!("CARGO_PKG_VERSION")),
                    ..InstrumentationScope::default()
                }),
                log_records: records.iter().map(log_record).collect(),
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    }
}

fn log_record(record: &Record) -> LogRecord {
    let event = &record.event;
    let at = u64::try_from(event.at.as_nanosecond()).unwrap_or_default();
    let severity = match record.level() {
        "Error" => SeverityNumber::Error,
        "Warning" => SeverityNumber::Warn,
        _ => SeverityNumber::Info,
    };
    LogRecord {
        time_unix_nano: at,
        observed_time_unix_nano: at,
        severity_number: severity as i32,
        severity_text: record.level().to_owned(),
        event_name: event.operation.clone(),
        body: Some(text(&record.body().to_string())),
        attributes: vec![
            attribute("azure.resource.id", &event.resource),
            attribute("azure.log.category", &record.category),
            attribute("azure.operation.name", &event.operation),
            attribute("azure.correlation.id", &event.correlation_id),
            attribute("enduser.id", &event.caller),
            attribute("nave.event.id", &event.id.to_string()),
            attribute("nave.outcome", &event.outcome),
        ],
        ..LogRecord::default()
    }
}

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(text(value)),
        ..KeyValue::default()
    }
}

fn text(value: &str) -> AnyValue {
    AnyValue {
        value: Some(any_value::Value::StringValue(value.to_owned())),
    }
}
