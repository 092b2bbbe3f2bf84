//! How rules read event batches: missing fields, arrays, objects, escapes, text logs, columns.
//! The same laws over `serde_json` records are tested in `lib/sigma`.

use std::sync::Arc;

use serde_json::json;
use yagura_model::event::{BatchBuilder, Origin};

use super::{alerts, detector, event, rule, run};

/// Whether a detection over CloudTrail matches an event with these members.
fn check(detection: &str, members: serde_json::Value, expected: bool) {
    let detector = detector(&rule("r", detection));
    let found = alerts(&detector, &[event("a", 1, members.clone())]);
    assert_eq!(found.len() == 1, expected, "{detection} over {members}");
}

#[test]
fn a_missing_field_equals_null() {
    let null = "{s: {errorCode: null}, condition: s}";
    check(null, json!({}), true);
    check(null, json!({"errorCode": null}), true);
    check(null, json!({"errorCode": "AccessDenied"}), false);
    let inner = "{s: {requestParameters.name: null}, condition: s}";
    check(inner, json!({"requestParameters": null}), true);
    check(inner, json!({"requestParameters": {"name": []}}), false);
    check("{s: {errorCode|exists: false}, condition: s}", json!({"errorCode": null}), false);
}

#[test]
fn arrays_are_gone_into_at_every_level() {
    let detection = "{s: {requestParameters.items.cidrs.ip: 0.0.0.0/0}, condition: s}";
    let open = json!({"requestParameters": {"items": [
        {"cidrs": []}, {"cidrs": [{"ip": "10.0.0.0/8"}, {"ip": "0.0.0.0/0"}]},
    ]}});
    check(detection, open, true);
    let closed = json!({"requestParameters": {"items": [{"cidrs": [{"ip": "10.0.0.0/8"}]}]}});
    check(detection, closed, false);
}

#[test]
fn an_object_is_its_text_with_escapes_resolved() {
    let detection = r#"{s: {requestParameters|contains: '"Effect":"Allow"'}, condition: s}"#;
    let policy = r#"{"Statement":[{"Effect":"Allow"}]}"#;
    check(detection, json!({"requestParameters": {"policyDocument": policy}}), true);
    check(detection, json!({"requestParameters": {"policyDocument": "{}"}}), false);
}

#[test]
fn texts_with_escapes_and_keys_with_dots_are_read() {
    let detection = r#"{s: {userAgent: 'a"b櫓'}, condition: s}"#;
    check(detection, json!({"userAgent": "a\"b櫓"}), true);
    let dotted = r"{s: {annotations.a\.b/c: d}, condition: s}";
    check(dotted, json!({"annotations": {"a.b/c": "d"}}), true);
    check(
        "{s: {annotations.a.b/c: d}, condition: s}",
        json!({"annotations": {"a.b/c": "d"}}),
        true,
    );
}

#[test]
fn numbers_and_truth_values_compare_by_value() {
    check(
        "{s: {requestParameters.n|gte: 10}, condition: s}",
        json!({"requestParameters": {"n": 12}}),
        true,
    );
    check(
        "{s: {requestParameters.n: 12}, condition: s}",
        json!({"requestParameters": {"n": "12"}}),
        true,
    );
    check("{s: {readOnly: 'false'}, condition: s}", json!({"readOnly": false}), true);
    check("{s: {readOnly: true}, condition: s}", json!({"readOnly": false}), false);
}

#[test]
fn keywords_are_sought_in_the_line_of_a_text_log() {
    let rules = "title: k\nlogsource: {product: linux, service: syslog}\n\
        detection: {keywords: ['for root from'], condition: keywords}\n";
    let detector = detector(rules);
    let mut builder = BatchBuilder::new(Arc::new(Origin::default()));
    let line = "<38>Nov 21 05:12:01 host-2 sshd[912]: Failed password for root from 192.0.2.7";
    builder.begin_record(line);
    builder.field("hostname", "host-2");
    builder.field("timestamp", "2026-11-21T05:12:01Z");
    builder.field("message", "Failed password for root from 192.0.2.7");
    builder.end_record();
    let judged = detector.worker().batch("syslog", &builder.finish());
    assert_eq!(judged.signals().len(), 1);
}

#[test]
fn public_rules_run_over_other_sources_through_their_mappings() {
    let check = |source: &str, logsource: &str, detection: &str, event: serde_json::Value| {
        let rules = format!("title: p\nlogsource: {logsource}\ndetection: {detection}\n");
        let outcome = run(&detector(&rules), source, std::slice::from_ref(&event));
        assert_eq!(outcome.alerts.len(), 1, "{logsource} {detection} over {event}");
        assert_eq!(outcome.counters.unmapped, 0);
    };
    check(
        "alb_access",
        "{category: webserver}",
        "{s: {cs-method: GET, cs-uri-query|contains: '/../', c-ip: 203.0.113.24}, condition: s}",
        json!({"time": "2026-11-21T05:12:01Z", "client:port": "203.0.113.24:49152",
               "request": "GET https://shop.example:443/a/../b HTTP/1.1"}),
    );
    check(
        "route53_resolver",
        "{category: dns}",
        "{s: {query|endswith: .tunnel.example}, condition: s}",
        json!({"query_timestamp": "2026-11-21T05:04:01Z", "query_name": "a.tunnel.example."}),
    );
    check(
        "vpc_flow",
        "{category: firewall}",
        "{s: {dst_port: 22, src_ip|cidr: 203.0.113.0/24}, condition: s}",
        json!({"start": "1795237921", "srcaddr": "203.0.113.9", "dstport": "22"}),
    );
    check(
        "vpc_flow",
        "{product: aws, service: vpc_flow}",
        "{s: {flow-direction: ingress}, condition: s}",
        json!({"start": "1795237921", "flow_direction": "ingress"}),
    );
    check(
        "syslog",
        "{product: linux, service: auditd}",
        "{s: {type: EXECVE, a0: nc, a1: '-e'}, condition: s}",
        json!({"timestamp": "2026-11-21T05:12:01Z", "app_name": "audispd",
               "message": "type=EXECVE msg=audit(1.2:3): argc=2 a0=\"nc\" a1=\"-e\""}),
    );
    check(
        "eks_audit",
        "{category: application, product: kubernetes, service: audit}",
        "{s: {verb: create, resource: pods, hostPath: '*'}, condition: s}",
        json!({"stageTimestamp": "2026-11-21T05:12:01Z", "verb": "create",
               "objectRef": {"resource": "pods"},
               "requestObject": {"spec": {"volumes": [{"hostPath": {"path": "/"}}]}}}),
    );
}

#[test]
fn a_source_that_no_rule_is_about_is_counted() {
    let detector = detector(&rule("r", "{s: {eventName: X}, condition: s}"));
    let outcome = run(&detector, "vpc_flow", &[json!({"start": "1"})]);
    assert_eq!((outcome.counters.records, outcome.counters.unmapped), (1, 1));
    let outcome = run(&detector, "nothing", &[json!({"start": "1"})]);
    assert_eq!(outcome.counters.unmapped, 1);
}
