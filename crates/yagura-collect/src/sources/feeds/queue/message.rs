//! What the messages of a queue say: which objects are new, or the event itself.
//! Receiving and deleting them is the feed's work (`queue`).
//!
//! Sources: Amazon S3 User Guide, "Event message structure" and "Amazon S3 event message to
//! EventBridge"; Amazon SNS Developer Guide, "Raw message delivery"; CloudTrail User Guide,
//! "Configuring Amazon SNS notifications for CloudTrail". All seen 2026-11.

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// SNS may wrap what EventBridge or S3 sent; nothing wraps deeper.
const DEPTH_MAX: usize = 3;

/// A new object, as a message names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) size_bytes: Option<u64>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// These objects are new; none where something else happened to objects.
    Objects(Vec<Announced>),
    /// The message is the event itself; on one line.
    Event(String),
    /// A test, or a greeting: nothing to do.
    Nothing,
    /// Nobody knows.
    Unknown,
}

/// Reads the body of a message.
pub(crate) fn read(body: &str) -> Said {
    // What CloudTrail sends when a topic is set up.
    if body.trim_start().starts_with("CloudTrail validation message") {
        return Said::Nothing;
    }
    match serde_json::from_str(body) {
        Ok(value) => said(&value, 0),
        Err(_) => Said::Unknown,
    }
}

fn said(value: &Value, depth: usize) -> Said {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    if depth > DEPTH_MAX {
        return Said::Unknown;
    }
    if let (Some("Notification"), Some(message)) = (text("Type"), text("Message")) {
        return match serde_json::from_str(message) {
            Ok(inner) => said(&inner, depth + 1),
            Err(_) => read(message),
        };
    }
    if text("Event") == Some("s3:TestEvent") {
        return Said::Nothing;
    }
    if let Some(records) = value.get("Records").and_then(Value::as_array) {
        return of_records(value, records);
    }
    if let Some(detail) = value.get("detail").filter(|_| text("detail-type").is_some()) {
        return match (text("source"), text("detail-type")) {
            (Some("aws.s3"), Some("Object Created")) => of_event_bridge(detail),
            // Restored, deleted, tagged: no new content.
            (Some("aws.s3"), Some(kind)) if kind.starts_with("Object ") => {
                Said::Objects(Vec::new())
            }
            _ => Said::Event(value.to_string()),
        };
    }
    if let (Some(bucket), Some(keys)) = (text("s3Bucket"), value.get("s3ObjectKey")) {
        return of_cloudtrail(bucket, keys);
    }
    match text("eventVersion").and(text("eventName")) {
        Some(_) => Said::Event(value.to_string()),
        None => Said::Unknown,
    }
}

/// `{"Records": […]}`: S3's own notification, or records of CloudTrail.
fn of_records(value: &Value, records: &[Value]) -> Said {
    if records.iter().any(|record| record.get("s3").is_none()) {
        let is_event = |record: &Value| {
            record.get("eventVersion").is_some() && record.get("eventName").is_some()
        };
        return match !records.is_empty() && records.iter().all(is_event) {
            true => Said::Event(value.to_string()),
            false => Said::Unknown,
        };
    }
    let created = records.iter().filter(|record| {
        let name = record.get("eventName").and_then(Value::as_str).unwrap_or_default();
        name.trim_start_matches("s3:").starts_with("ObjectCreated:")
    });
    let objects: Option<Vec<Announced>> = created.map(of_notification).collect();
    objects.map_or(Said::Unknown, Said::Objects)
}

fn of_notification(record: &Value) -> Option<Announced> {
    let s3 = record.get("s3")?;
    let object = s3.get("object")?;
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Announced {
        bucket: s3.get("bucket")?.get("name")?.as_str()?.to_owned(),
        // As forms encode: `+` is a space.
        key: decoded(&text("key")?.replace('+', " "))?,
        version: text("versionId"),
        etag: text("eTag").map(|etag| etag.trim_matches('"').to_owned()),
        size_bytes: object.get("size").and_then(Value::as_u64),
    })
}

fn decoded(text: &str) -> Option<String> {
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

/// EventBridge does not encode the key.
fn of_event_bridge(detail: &Value) -> Said {
    let read = || {
        let object = detail.get("object")?;
        let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Announced {
            bucket: detail.get("bucket")?.get("name")?.as_str()?.to_owned(),
            key: text("key")?,
            version: text("version-id"),
            etag: text("etag").map(|etag| etag.trim_matches('"').to_owned()),
            size_bytes: object.get("size").and_then(Value::as_u64),
        })
    };
    read().map_or(Said::Unknown, |object| Said::Objects(vec![object]))
}

/// CloudTrail's own announcement tells neither etag nor size.
fn of_cloudtrail(bucket: &str, keys: &Value) -> Said {
    let keys = match keys {
        Value::Array(keys) => keys.iter().map(Value::as_str).collect::<Option<Vec<_>>>(),
        Value::String(key) => Some(vec![key.as_str()]),
        _ => None,
    };
    let object = |key: &str| Announced {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version: None,
        etag: None,
        size_bytes: None,
    };
    keys.map_or(Said::Unknown, |keys| Said::Objects(keys.into_iter().map(object).collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn notification(event: &str) -> Value {
        json!({"Records": [{"eventSource": "aws:s3", "eventName": event, "s3": {
            "bucket": {"name": "b"},
            "object": {"key": "a+b/c%2Bd%C3%A9.gz", "size": 7, "eTag": "e", "versionId": "v"},
        }}]})
    }

    fn announced(key: &str, size_bytes: Option<u64>) -> Announced {
        let known = |text: &str| size_bytes.map(|_| text.to_owned());
        Announced {
            bucket: "b".into(),
            key: key.into(),
            version: known("v"),
            etag: known("e"),
            size_bytes,
        }
    }

    fn check(body: &Value, expected: &Said) {
        assert_eq!(read(&body.to_string()), *expected, "{body}");
    }

    #[test]
    fn an_object_is_announced_in_every_wrapping() {
        let object = Said::Objects(vec![announced("a b/c+dé.gz", Some(7))]);
        let direct = notification("ObjectCreated:Put");
        check(&direct, &object);
        let wrapped = json!({"Type": "Notification", "Message": direct.to_string()});
        check(&wrapped, &object);
        let bridge = json!({"version": "0", "source": "aws.s3", "detail-type": "Object Created",
            "detail": {"bucket": {"name": "b"}, "object": {"key": "a+b/%2B", "size": 7,
            "etag": "e", "version-id": "v", "sequencer": "1"}}});
        let plain = Said::Objects(vec![announced("a+b/%2B", Some(7))]);
        check(&bridge, &plain);
        check(&json!({"Type": "Notification", "Message": bridge.to_string()}), &plain);
        let own = json!({"s3Bucket": "b", "s3ObjectKey": ["x+y", "z"]});
        let both = Said::Objects(vec![announced("x+y", None), announced("z", None)]);
        check(&own, &both);
        check(&json!({"Type": "Notification", "Message": own.to_string()}), &both);
    }

    #[test]
    fn tests_greetings_and_deletions_ask_for_nothing() {
        let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"});
        check(&test, &Said::Nothing);
        check(&json!({"Type": "Notification", "Message": test.to_string()}), &Said::Nothing);
        assert_eq!(read("CloudTrail validation message."), Said::Nothing);
        let greeting = json!({"Type": "Notification", "Message": "CloudTrail validation message."});
        check(&greeting, &Said::Nothing);
        check(&notification("ObjectRemoved:Delete"), &Said::Objects(Vec::new()));
        let deleted = json!({"source": "aws.s3", "detail-type": "Object Deleted", "detail": {}});
        check(&deleted, &Said::Objects(Vec::new()));
    }

    #[test]
    fn an_event_is_the_message_itself_on_one_line() {
        let record = json!({"eventVersion": "1.11", "eventName": "StopLogging", "eventID": "i"});
        for event in [
            json!({"source": "aws.cloudtrail", "detail-type": "AWS API Call via CloudTrail",
                "detail": record}),
            record.clone(),
            json!({"Records": [record]}),
        ] {
            let Said::Event(line) = read(&format!("{event:#}")) else { panic!("{event}") };
            assert!(!line.contains('\n'));
            assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), event);
        }
    }

    #[test]
    fn anything_else_is_unknown() {
        for body in [
            "",
            "hello",
            "[]",
            "{}",
            "{\"Records\":[]x",
            "{\"Records\":[{}]}",
            "null",
            "{\"Type\":\"Notification\",\"Message\":\"hello\"}",
            "{\"s3Bucket\":\"b\",\"s3ObjectKey\":3}",
            "{\"source\":\"aws.s3\",\"detail-type\":\"Object Created\",\"detail\":{}}",
            "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\",\"s3\":{}}]}",
            "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":\
             {\"name\":\"b\"},\"object\":{\"key\":\"%FF\"}}}]}",
        ] {
            assert_eq!(read(body), Said::Unknown, "{body}");
        }
        let mut deep = json!({"Event": "s3:TestEvent"});
        for _ in 0..5 {
            deep = json!({"Type": "Notification", "Message": deep.to_string()});
        }
        check(&deep, &Said::Unknown);
    }
}
