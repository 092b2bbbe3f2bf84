//! Tests: records that are broken in the middle of good ones, and what is told of them.

use super::*;

/// `{"Records":[good, broken, good]}` and the same as lines: the good ones stay.
fn check(broken: &[u8], reason: BadReason) {
    let (before, after) = (record(0), record(1));
    let list = [b"{\"Records\":[", before.as_bytes(), b",", broken, b",", after.as_bytes(), b"]}"];
    let lines = [before.as_bytes(), b"\n", broken, b"\n", after.as_bytes(), b"\n"];
    let text = String::from_utf8_lossy(broken).into_owned();
    for (shape, bytes, prefix) in [("list", list.concat(), 12), ("lines", lines.concat(), 0)] {
        let got = trail(&bytes);
        assert_eq!(got.ids(), ["e-0", "e-1"], "{shape} of {text}: {:?}", got.reasons());
        assert_eq!(got.reasons(), [reason], "{shape} of {text}");
        let piece = &got.bad[0];
        assert_eq!(piece.offset, (prefix + before.len() + 1) as u64, "{shape} of {text}");
        assert!(piece.bytes.starts_with(broken), "{shape} of {text}: {piece:?}");
    }
}

#[test]
fn a_broken_record_is_set_aside_and_the_rest_goes_on() {
    let cut = |text: String, at: usize| text.as_bytes()[..at].to_vec();
    check(b"{\"eventVersion\":\"1.08\",\"eventID\":nan}", BadReason::MalformedJson);
    check(b"{\"eventVersion\":\"1.08\" \"eventID\":1}", BadReason::MalformedJson);
    check(b"{\"eventVersion\":\"\\x\"}", BadReason::MalformedJson);
    check(b"{\"eventVersion\":\"\\ud800\"}", BadReason::MalformedJson);
    check(b"{\"eventVersion\":\"a\tb\"}", BadReason::MalformedJson);
    check(b"{\"eventVersion\":01}", BadReason::MalformedJson);
    // Cut in a name, in a string, between tokens, within a list.
    let whole = record(9);
    for at in [20, 30, 60, 100, 160, whole.find("GetObject").unwrap() + 3] {
        check(&cut(whole.clone(), at), BadReason::MalformedJson);
    }
    // Without its last brace, and with one too many.
    check(&cut(whole.clone(), whole.len() - 1), BadReason::MalformedJson);
}

#[test]
fn one_brace_too_many_costs_no_record() {
    let text = format!("{{\"Records\":[{}}},{}]}}", record(0), record(1));
    let got = trail(text.as_bytes());
    assert_eq!(got.ids(), ["e-0", "e-1"]);
    assert_eq!(got.reasons(), [BadReason::MalformedJson]);
    assert!(got.bad[0].bytes.starts_with(b"}"));
}

#[test]
fn invalid_utf8_spoils_only_its_record() {
    check(b"{\"eventVersion\":\"1\",\"userAgent\":\"\xff\xfe\"}", BadReason::InvalidUtf8);
    // Overlong, a lone surrogate, beyond the last code point.
    for bytes in [&b"\xc0\xaf"[..], b"\xed\xa0\x80", b"\xf4\x90\x80\x80"] {
        let broken = [b"{\"eventVersion\":\"", bytes, b"\"}"].concat();
        check(&broken, BadReason::InvalidUtf8);
    }
}

#[test]
fn nesting_has_an_end() {
    let deep = |depth: usize| {
        format!("{{\"eventVersion\":{}1{}}}", "[".repeat(depth), "]".repeat(depth)).into_bytes()
    };
    for depth in [200, 5000] {
        check(&deep(depth), BadReason::MalformedJson);
    }
    let list = [b"[", deep(100).as_slice(), b"]"].concat();
    assert_eq!(trail(&list).raws().len(), 1);
}

#[test]
fn a_record_beyond_the_limit_is_set_aside_whole() {
    let limits = Limits { record_bytes_max: 2000, chunk_bytes: 512, ..Limits::default() };
    let long = format!("{{\"eventVersion\":\"{}\",\"a\":[{{}}]}}", "x".repeat(100_000));
    for text in [
        format!("{{\"Records\":[{},{long},{}]}}", record(0), record(1)),
        format!("{}\n{long}\n{}\n", record(0), record(1)),
    ] {
        let got = run_with("cloudtrail", ANY_KEY, text.as_bytes(), &limits);
        assert_eq!(got.ids(), ["e-0", "e-1"]);
        assert_eq!(got.reasons(), [BadReason::RecordTooLarge]);
        assert_eq!(got.bad[0].length, long.len() as u64);
        assert_eq!(got.bad[0].bytes.len(), BadPiece::BYTES_MAX);
    }
}

#[test]
fn an_object_that_ends_too_early_is_told() {
    let text = records(0..2);
    let check = |text: &str, ids: &[&str]| {
        let got = trail(text.as_bytes());
        assert_eq!(got.ids(), ids, "{text}");
        assert_eq!(got.reasons(), [BadReason::TruncatedRecord], "{text}");
    };
    check(text.get(..text.len() - 2).unwrap(), &["e-0", "e-1"]);
    check(text.get(..text.len() - 1).unwrap(), &["e-0", "e-1"]);
    check(text.get(..text.len() - 10).unwrap(), &["e-0"]);
    check("{\"Records\":[", &[]);
    check("{\"Records\":", &[]);
    check("{", &[]);
}

#[test]
fn what_is_json_and_no_object_is_no_record() {
    let text = format!("{{\"Records\":[1,{},\"x\",null]}}", record(0));
    let got = trail(text.as_bytes());
    assert_eq!(got.ids(), ["e-0"]);
    assert_eq!(got.reasons(), [BadReason::NotARecord; 3]);
}

#[test]
fn stray_text_between_records_is_set_aside() {
    let text = format!("// a comment\n{}\nfalse\n{}", record(0), record(1));
    let got = trail(text.as_bytes());
    assert_eq!(got.ids(), ["e-0", "e-1"]);
    assert_eq!(got.bad.len(), 2);
    assert!(got.bad[0].bytes.starts_with(b"// a comment"));
}

#[test]
fn objects_without_records_give_none_and_nothing_bad() {
    for text in
        ["", "   \n", "{\"Records\":[]}", "[]", "{\"Records\":[]}\n{\"Records\":[]}", "\u{feff}"]
    {
        let got = trail(text.as_bytes());
        assert!(got.raws().is_empty() && got.bad.is_empty(), "{text:?} {:?}", got.bad);
    }
}

#[test]
fn ordinals_count_bad_records_too() {
    let text = format!("{{\"Records\":[{},{{\"a\":nan}},{}]}}", record(0), record(1));
    let got = trail(text.as_bytes());
    let ordinals: Vec<u64> = got.batches.iter().flatten().map(|r| r.ordinal()).collect();
    assert_eq!(ordinals, [0, 2]);
    assert_eq!(got.bad[0].records_lost, Some(1));
}

#[test]
fn garbage_is_read_in_linear_time() {
    // Each opening could be a record of megabytes that lacks its end.
    let hostile = "{\"eventVersion\":[".repeat(4000);
    let got = trail(hostile.as_bytes());
    assert!(got.raws().is_empty());
    assert!(!got.bad.is_empty());
    let quotes = "{\"eventVersion\":\"".repeat(4000);
    assert!(!trail(quotes.as_bytes()).bad.is_empty());
    let lists = format!("{{\"Records\":[{}", "{\"a\":[1},".repeat(4000));
    assert!(!trail(lists.as_bytes()).bad.is_empty());
}
