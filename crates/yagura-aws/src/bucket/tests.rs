//! Buckets against scripted answers: breaks in the middle, lost answers of conditional writes,
//! refusals, odd keys.
//! The independent peer is in `tests/it`.

use super::*;

#[test]
fn keys_that_xml_cannot_hold_are_read_as_they_are() {
    let answer = json!({"EncodingType": "url", "Contents": [
        {"Key": "a%2Bb/c+d/%01", "Size": 3, "ETag": "\"e\""},
    ], "CommonPrefixes": [{"Prefix": "x%20y/"}]});
    let page = page_of(&answer);
    assert_eq!(page.objects[0].key, "a+b/c d/\u{1}");
    assert_eq!(page.objects[0].etag.as_deref(), Some("e"));
    assert_eq!(page.prefixes, ["x y/"]);
}
