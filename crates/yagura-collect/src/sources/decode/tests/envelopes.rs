//! Tests: whatever a CloudTrail record is wrapped in, the same record comes out; other sources in
//! the same envelopes.

use base64::Engine as _;

use super::*;

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn subscription(messages: &[String]) -> String {
    let events: Vec<String> = messages
        .iter()
        .map(|text| {
            format!(r#"{{"id":"1","timestamp":1795237200123,"message":{}}}"#, json_text(text))
        })
        .collect();
    format!(
        r#"{{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"trail/logs","logStream":"s-1","subscriptionFilters":["f"],"logEvents":[{}]}}"#,
        events.join(",")
    )
}

fn check(name: &str, bytes: &[u8]) {
    let got = trail(bytes);
    assert_eq!(got.bad, [], "{name}");
    assert_eq!(got.raws(), [record(0), record(1)], "{name}");
    let packed = trail(&gzip(bytes));
    assert_eq!(packed.raws(), got.raws(), "{name}, compressed");
    assert_eq!(packed.bad, [], "{name}, compressed");
}

#[test]
fn every_envelope_yields_the_same_records() {
    let both = [record(0), record(1)];
    let [zero, one] = &both;
    check("file", records(0..2).as_bytes());
    check(
        "file with other members",
        format!("{{\"a\":[1,{{}}],\"Records\":[{zero},{one}],\"b\":2}}").as_bytes(),
    );
    check("bare array", format!("[{zero},{one}]").as_bytes());
    check("lines", format!("{zero}\r\n{one}\r\n").as_bytes());
    check("no line ends", format!("{zero}{one}").as_bytes());
    check("byte order mark", format!("\u{feff}{zero}\n{one}").as_bytes());
    check("lines of files", format!("{}\n{}\n", records([0]), records([1])).as_bytes());
    check("array of files", format!("[{},{}]", records([0]), records([1])).as_bytes());
    check("text sequence", format!("\u{1e}{zero}\n\u{1e}{one}\n").as_bytes());
    let event = |record: &str| {
        format!(
            r#"{{"version":"0","id":"i","detail-type":"AWS API Call via CloudTrail","source":"aws.s3","account":"111122223333","time":"2026-11-21T05:01:12Z","region":"us-east-1","resources":[],"detail":{record}}}"#
        )
    };
    check("EventBridge", format!("{}\n{}", event(zero), event(one)).as_bytes());
    check("EventBridge without line ends", format!("{}{}", event(zero), event(one)).as_bytes());
    check("subscription", subscription(&both).as_bytes());
    let control = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE: Checking health"}]}"#;
    let blocks = format!("{control}{}{}", subscription(&both[..1]), subscription(&both[1..]));
    check("subscription through Firehose", blocks.as_bytes());
    let members: Vec<u8> =
        [gzip(subscription(&both[..1]).as_bytes()), gzip(subscription(&both[1..]).as_bytes())]
            .concat();
    assert_eq!(trail(&members).raws(), both);
    let data =
        base64::engine::general_purpose::STANDARD.encode(gzip(subscription(&both).as_bytes()));
    check("Lambda", format!(r#"{{"awslogs":{{"data":"{data}"}}}}"#).as_bytes());
    check(
        "Kinesis",
        format!(r#"{{"Records":[{{"kinesis":{{"data":"{data}"}},"eventID":"x"}}]}}"#).as_bytes(),
    );
    let stamp = "2026-11-21T05:01:12.000Z";
    check("export task", format!("{stamp} {zero}\n{stamp} {one}\n").as_bytes());
    let found = |record: &str| {
        format!(
            r#"{{"EventId":"e","EventName":"GetObject","Resources":[{{"ResourceName":"x"}}],"CloudTrailEvent":{}}}"#,
            json_text(record)
        )
    };
    check(
        "LookupEvents",
        format!(r#"{{"NextToken":"t","Events":[{},{}]}}"#, found(zero), found(one)).as_bytes(),
    );
    check("LookupEvents, list", format!("[{},{}]", found(zero), found(one)).as_bytes());
    let row = |record: &str| format!(r#"{{"eventID":"x","eventJson":{}}}"#, json_text(record));
    check("Lake rows", format!("{}\n{}\n", row(zero), row(one)).as_bytes());
    let cell = |record: &str| format!("\"{}\"", record.replace('"', "\"\""));
    let csv = format!("eventID,eventJson\nx,{}\r\ny,{}\n", cell(zero), cell(one));
    check("Lake rows as CSV", csv.as_bytes());
}

#[test]
fn a_pretty_printed_record_stays_as_it_is_written() {
    let value: serde_json::Value = serde_json::from_str(&records(0..2)).unwrap();
    let got = trail(serde_json::to_string_pretty(&value).unwrap().as_bytes());
    assert_eq!(got.json(), *value["Records"].as_array().unwrap());
    assert!(got.raws()[0].contains("\n      \"eventVersion\": \"1.11\""), "{}", got.raws()[0]);
}

#[test]
fn lake_rows_without_the_whole_event_get_their_shape_back() {
    let csv = "eventID,eventTime,userIdentity\n\
               e-1,2026-11-21 05:01:12.000,\"{type=IAMUser, username=mika}\"\n";
    let expected = serde_json::json!({
        "eventID": "e-1",
        "eventTime": "2026-11-21T05:01:12Z",
        "userIdentity": {"type": "IAMUser", "userName": "mika"},
    });
    let expected = vec![expected];
    assert_eq!(trail(csv.as_bytes()).json(), expected);
    let row = r#"{"eventID":"e-1","eventTime":"2026-11-21 05:01:12.000","userIdentity":"{type=IAMUser, username=mika}"}"#;
    assert_eq!(trail(row.as_bytes()).json(), expected);
    let answer = r#"{"QueryStatus":"FINISHED","QueryResultRows":[[{"eventID":"e-1"},{"eventTime":"2026-11-21 05:01:12.000"},{"userIdentity":"{type=IAMUser, username=mika}"}]]}"#;
    assert_eq!(trail(answer.as_bytes()).json(), expected);
    let short = format!("{csv}only,two\n");
    assert_eq!(trail(short.as_bytes()).reasons(), [BadReason::MalformedLine]);
}

#[test]
fn envelopes_tell_of_the_records_in_them() {
    let got = trail(subscription(&[record(0)]).as_bytes());
    let record = got.batches[0].record(0).unwrap();
    for (name, value) in [
        ("owner", "111122223333"),
        ("account", "111122223333"),
        ("log_group", "trail/logs"),
        ("log_stream", "s-1"),
        ("timestamp", "1795237200123"),
    ] {
        assert_eq!(record.key_field(name), Some(value), "{name}");
    }
    assert_eq!(record.key_field("region"), None);
    let key = run("cloudtrail", TRAIL_KEY, records([0]).as_bytes());
    let record = key.batches[0].record(0).unwrap();
    assert_eq!(record.key_field("account"), Some("111122223333"));
    assert_eq!(record.key_field("region"), Some("us-east-1"));
    assert_eq!(record.key_field("log_group"), None);
}

#[test]
fn the_context_of_one_envelope_does_not_reach_the_next_record() {
    let text = format!("{}\n{}", subscription(&[record(0)]), record(1));
    let got = trail(text.as_bytes());
    let fields: Vec<Option<&str>> =
        got.batches.iter().flatten().map(|record| record.key_field("log_group")).collect();
    assert_eq!(fields, [Some("trail/logs"), None]);
    let stamps: Vec<Option<&str>> =
        got.batches.iter().flatten().map(|record| record.key_field("timestamp")).collect();
    assert_eq!(stamps, [Some("1795237200123"), None]);
}

#[test]
fn bad_messages_are_set_aside_one_by_one() {
    let messages = [record(0), "no json".into(), "{\"a\":".into(), "[1]".into(), record(1)];
    let got = trail(subscription(&messages).as_bytes());
    assert_eq!(got.ids(), ["e-0", "e-1"]);
    assert_eq!(
        got.reasons(),
        [BadReason::MalformedJson, BadReason::TruncatedRecord, BadReason::NotARecord]
    );
    assert_eq!(got.bad[0].bytes, b"no json");
}

#[test]
fn envelopes_that_hold_nothing_are_told() {
    for text in [
        r#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","logEvents":7}"#,
        r#"{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1"}]}"#,
        r#"{"awslogs":{"data":"not base64!"}}"#,
        r#"{"awslogs":{"data":7}}"#,
        r#"{"Events":[{"EventId":"e","CloudTrailEvent":null}]}"#,
        r#"{"QueryResultRows":["x"]}"#,
    ] {
        assert_eq!(trail(text.as_bytes()).reasons(), [BadReason::MalformedEnvelope], "{text}");
    }
    let cut = base64::engine::general_purpose::STANDARD.encode(&gzip(b"{}")[..15]);
    let text = format!(r#"{{"awslogs":{{"data":"{cut}"}}}}"#);
    assert_eq!(trail(text.as_bytes()).reasons(), [BadReason::CorruptCompression]);
}

#[test]
fn damage_inside_an_envelope_is_told_at_the_envelope_and_costs_nothing_else() {
    let wrap = |text: &str| {
        let data = base64::engine::general_purpose::STANDARD.encode(text);
        format!(r#"{{"awslogs":{{"data":"{data}"}}}}"#)
    };
    let broken = format!("{{\"Records\":[{},{{\"eventVersion\":\"1.,{}]}}", record(0), record(1));
    let text = format!("{broken}\n{}\n{broken}\n", wrap(&broken));
    let got = trail(text.as_bytes());
    assert_eq!(got.ids(), ["e-0", "e-1", "e-0", "e-1", "e-0", "e-1"]);
    assert_eq!(got.bad.len(), 3);
    assert_eq!(got.bad[1].offset, broken.len() as u64 + 1);
    assert_eq!(got.bad[1].bytes, got.bad[0].bytes);
}

#[test]
fn envelopes_inside_one_another_have_an_end() {
    let mut text = record(0);
    for _ in 0..8 {
        let data = base64::engine::general_purpose::STANDARD.encode(&text);
        text = format!(r#"{{"awslogs":{{"data":"{data}"}}}}"#);
    }
    assert_eq!(trail(text.as_bytes()).reasons(), [BadReason::MalformedEnvelope]);
}

#[test]
fn other_sources_come_in_the_same_envelopes() {
    let flow =
        "2 111122223333 eni-1 10.0.0.1 10.0.0.2 443 5000 6 1 40 1795237200 1795237260 ACCEPT OK";
    let got = run("vpc_flow", ANY_KEY, subscription(&[flow.to_owned()]).as_bytes());
    assert_eq!(got.bad, []);
    assert_eq!(got.raws(), [flow]);
    assert_eq!(got.json()[0]["dstaddr"], "10.0.0.2");
    let stamp = "2026-11-21T05:01:12.000Z";
    let export = run("vpc_flow", ANY_KEY, format!("{stamp} {flow}\n").as_bytes());
    assert_eq!(export.raws(), [flow]);
    assert_eq!(export.batches[0].record(0).unwrap().key_field("timestamp"), Some(stamp));
    let audit = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a","verb":"get"}"#;
    let got = run("eks_audit", ANY_KEY, subscription(&[audit.to_owned()]).as_bytes());
    assert_eq!(got.raws(), [audit]);
    let query = r#"{"version":"1.1","account_id":"1","query_name":"example.com."}"#;
    let got = run("route53_resolver", ANY_KEY, subscription(&[query.to_owned()]).as_bytes());
    assert_eq!(got.raws(), [query]);
}

#[test]
fn insights_network_activity_and_aggregated_events_are_records_too() {
    for text in [
        r#"{"Records":[{"eventVersion":"1.09","eventCategory":"Insight","eventID":"e-0","insightDetails":{"state":"Start"}}]}"#,
        r#"{"Records":[{"eventVersion":"1.11","eventCategory":"NetworkActivity","eventID":"e-0","eventType":"AwsVpceEvent"}]}"#,
    ] {
        assert_eq!(trail(text.as_bytes()).ids(), ["e-0"]);
    }
    let text = r#"{"Records":[{"eventVersion":"1.0","accountId":"1","eventId":"e","eventCategory":"Aggregated","summary":{"details":[]}}]}"#;
    let got = run("cloudtrail_aggregated", ANY_KEY, text.as_bytes());
    assert_eq!(got.json()[0]["eventId"], "e");
}
