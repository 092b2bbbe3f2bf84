//! Tests: which source an object belongs to, by key and by content.

use super::super::recognize;
use super::*;

fn check(key: &str, head: &[u8], expected: Option<&str>) {
    let found = recognize(&Content::builtin().sources, key, head);
    let text = String::from_utf8_lossy(&head[..head.len().min(100)]).into_owned();
    assert_eq!(found.map(|source| source.id.as_str()), expected, "{key}: {text}");
}

#[test]
fn a_trail_is_known_by_its_key_even_when_it_is_empty() {
    check(TRAIL_KEY, &gzip(b"{\"Records\":[]}"), Some("cloudtrail"));
    check(TRAIL_KEY, &gzip(records(0..2).as_bytes()), Some("cloudtrail"));
    check(TRAIL_KEY, b"", Some("cloudtrail"));
}

#[test]
fn content_tells_where_the_key_does_not() {
    check("x.json", records([0]).as_bytes(), Some("cloudtrail"));
    check("x", &gzip(records([0]).as_bytes()), Some("cloudtrail"));
    check("x", record(0).as_bytes(), Some("cloudtrail"));
    let lookup =
        format!("{{\"Events\":[{{\"CloudTrailEvent\":{}}}]}}", serde_json::Value::from(record(0)));
    check("x", lookup.as_bytes(), Some("cloudtrail"));
    check("x", b"version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n", Some("vpc_flow"));
    check("x", b"<34>1 - host app - - - hello", Some("syslog"));
}

#[test]
fn a_cut_head_is_enough() {
    let whole = gzip(records((0..5000).map(|id| id * 7919)).as_bytes());
    check("x", &whole[..whole.len() / 3], Some("cloudtrail"));
}

#[test]
fn nothing_is_recognized_in_nothing() {
    check("x", b"", None);
    check("x", b"\x00\x01\x02\x03", None);
    check("photo.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF", None);
}
