//! Tests of the batch as a whole: the index against `serde_json`, values read back, records of
//! text logs, many paths in one walk.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;

fn batch(records: &[&str]) -> EventBatch {
    let mut builder = BatchBuilder::new(Arc::new(Origin::default()));
    for record in records {
        builder.push_json(record.as_bytes()).unwrap();
    }
    builder.finish()
}

/// The value as `serde_json` has it, read through our own accessors alone.
fn read(value: Value<'_>) -> serde_json::Value {
    match value.kind() {
        Kind::Null => serde_json::Value::Null,
        Kind::Bool => value.as_bool().unwrap().into(),
        Kind::Number => serde_json::from_str(value.source()).unwrap(),
        Kind::String => value.as_str().unwrap().into_owned().into(),
        Kind::Array => value.items().map(read).collect(),
        Kind::Object => {
            let mut map = serde_json::Map::new();
            for (name, member) in value.entries() {
                // Of members with the same name the first counts.
                map.entry(name.into_owned()).or_insert_with(|| read(member));
            }
            map.into()
        }
    }
}

fn fault(text: &[u8]) -> (usize, JsonFaultKind) {
    let fault = BatchBuilder::default().push_json(text).unwrap_err();
    (fault.offset, fault.kind)
}

#[test]
fn values_read_as_they_are_written() {
    let text = r#" {"a":[1,-2.5e3,true,null,"x\n\u6ac3"],"b":{"c":{}},"":[]} "#;
    let batch = batch(&[text]);
    let record = batch.record(0).unwrap();
    assert_eq!(record.raw(), text.trim());
    assert_eq!(read(record.root()), serde_json::from_str::<serde_json::Value>(text).unwrap());
    let list = record.root().get("a").unwrap();
    assert_eq!(list.item(0).unwrap().as_i64(), Some(1));
    assert_eq!(list.item(1).unwrap().as_f64(), Some(-2500.0));
    assert_eq!(list.item(1).unwrap().text(), "-2.5e3");
    assert_eq!(list.item(4).unwrap().text(), "x\n櫃");
    assert_eq!(list.item(4).unwrap().json(), r#""x\n\u6ac3""#);
    assert_eq!(list.item(5).map(|value| value.kind()), None);
    assert_eq!(record.root().get("b").unwrap().text(), r#"{"c":{}}"#);
    assert!(record.root().get("c").is_none());
}

#[test]
fn scalars_are_read_from_strings_too() {
    let batch = batch(&[r#"{"t":"true","n":"12","f":"NaN","s":"x","big":18446744073709551615}"#]);
    let root = batch.record(0).unwrap().root();
    let get = |name: &str| root.get(name).unwrap();
    assert_eq!(get("t").as_bool(), Some(true));
    assert_eq!(get("n").as_i64(), Some(12));
    assert_eq!(get("f").as_f64(), None);
    assert_eq!(get("s").as_bool(), None);
    assert_eq!(get("big").as_u64(), Some(u64::MAX));
    assert_eq!(get("big").as_i64(), None);
}

#[test]
fn of_members_with_the_same_name_the_first_counts_everywhere() {
    let batch = batch(&[r#"{"a":1,"\u0061":2,"b":{"a":3}}"#]);
    let root = batch.record(0).unwrap().root();
    assert_eq!(root.get("a").unwrap().as_i64(), Some(1));
    let mut trie = PathTrie::default();
    trie.add([TrieStep::Member("a")]);
    let mut found = Vec::new();
    trie.visit(root, &mut |_, value| found.push(value.as_i64()));
    assert_eq!(found, [Some(1)]);
}

#[test]
fn members_are_picked_by_their_names_as_written_and_those_with_escapes_always() {
    let batch = batch(&[r#"{"a":{"b":1,"bb":2},"bb":3,"\u0062b":4,"c":[5]}"#]);
    let root = batch.record(0).unwrap().root();
    let picked = |wanted: &[u8]| -> Vec<(String, String)> {
        let entries = root.entries_named(|name| name == wanted);
        entries.map(|(name, value)| (name.into_owned(), value.text().into_owned())).collect()
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(picked(b"bb"), [pair("bb", "3"), pair("bb", "4")]);
    assert_eq!(picked(b"c"), [pair("bb", "4"), pair("c", "[5]")]);
    let list = root.get("c").unwrap();
    assert_eq!(list.entries_named(|_| true).count(), 0);
}

#[test]
fn a_value_fits_into_two_registers() {
    assert_eq!(size_of::<Option<Value<'_>>>(), 16);
}

#[test]
fn faults_tell_where_and_why() {
    let check = |text: &[u8], offset: usize, kind: JsonFaultKind| {
        assert_eq!(fault(text), (offset, kind), "{}", String::from_utf8_lossy(text));
    };
    check(b"", 0, JsonFaultKind::Incomplete);
    check(b" {\"a\":", 6, JsonFaultKind::Incomplete);
    check(b"{\"a\" 1}", 5, JsonFaultKind::Unexpected);
    check(b"{\"a\":1,}", 7, JsonFaultKind::Unexpected);
    check(b"[1,]", 3, JsonFaultKind::Unexpected);
    check(b"[1 2]", 3, JsonFaultKind::Unexpected);
    check(b"{a:1}", 1, JsonFaultKind::Unexpected);
    check(b"nulL", 3, JsonFaultKind::Unexpected);
    check(b"01", 1, JsonFaultKind::TrailingText);
    check(b"{} {}", 3, JsonFaultKind::TrailingText);
    check(b"\"a\nb\"", 2, JsonFaultKind::ControlCharacter);
    check(b"\"\\q\"", 1, JsonFaultKind::InvalidEscape);
    check(b"\"\\ud800\"", 1, JsonFaultKind::InvalidEscape);
    check(b"\"a\xff\"", 2, JsonFaultKind::InvalidUtf8);
    check("[".repeat(DEPTH_MAX + 1).as_bytes(), DEPTH_MAX, JsonFaultKind::TooDeep);
    let many = format!("[{}1]", "1,".repeat(VALUES_MAX));
    assert_eq!(fault(many.as_bytes()).1, JsonFaultKind::TooManyValues);
}

#[test]
fn a_fault_leaves_the_batch_as_it_was() {
    let mut builder = BatchBuilder::default();
    builder.push_json(b"{\"a\":1}").unwrap();
    for bad in [&b"{\"a\":[1,{\"b\":"[..], b"{} x", b"\"\xff\""] {
        assert!(builder.push_json(bad).is_err());
    }
    builder.push_json(b"{\"b\":[2]}").unwrap();
    let batch = builder.finish();
    let raws: Vec<&str> = batch.iter().map(|record| record.raw()).collect();
    assert_eq!(raws, ["{\"a\":1}", "{\"b\":[2]}"]);
    assert_eq!(batch.text_len(), 16);
    assert_eq!(read(batch.record(1).unwrap().root()), serde_json::json!({"b": [2]}));
    assert_eq!(batch.record(1).unwrap().ordinal(), 1);
}

#[test]
fn a_prefix_says_how_much_it_took() {
    let mut builder = BatchBuilder::default();
    assert_eq!(builder.push_json_prefix(b" {\"a\":1} {\"b\"", false), Ok(8));
    let cut = builder.push_json_prefix(b"12", false).unwrap_err();
    assert_eq!(cut.kind, JsonFaultKind::Incomplete);
    assert_eq!(builder.push_json_prefix(b"12", true), Ok(2));
    assert_eq!(builder.push_json_prefix(b"12,", false), Ok(2));
    assert_eq!(builder.batch().len(), 3);
}

#[test]
fn a_record_can_be_what_an_envelope_holds() {
    let mut builder = BatchBuilder::default();
    builder.push_json(br#"{"detail":{"a":"x"},"s":"y"}"#).unwrap();
    assert!(!builder.narrow_last(|root| root.get("none")));
    builder.set_context(Some([("account".to_owned(), "1".to_owned())].into()));
    assert!(builder.narrow_last(|root| root.get("detail")));
    builder.set_context(None);
    builder.push_json(b"{}").unwrap();
    let batch = builder.finish();
    let [first, second] = [batch.record(0).unwrap(), batch.record(1).unwrap()];
    assert_eq!(first.raw(), r#"{"a":"x"}"#);
    assert_eq!(first.root().get("a").unwrap().text(), "x");
    assert_eq!(first.key_field("account"), Some("1"));
    assert_eq!(second.key_field("account"), None);
}

#[test]
fn the_record_knows_what_its_key_and_envelope_tell() {
    let key_fields =
        vec![("account".to_owned(), "1".to_owned()), ("region".to_owned(), "r".to_owned())];
    let mut builder = BatchBuilder::new(Arc::new(Origin { object: "o".into(), key_fields }));
    builder.push_json(b"{}").unwrap();
    builder.set_context(Some([("account".to_owned(), "2".to_owned())].into()));
    builder.set_timestamp(Some("17".to_owned()));
    builder.push_json(b"{}").unwrap();
    builder.push_json(b"{}").unwrap();
    // A context outlives the batch that it was set in.
    let first = builder.finish();
    builder.push_json(b"{}").unwrap();
    let second = builder.finish();
    let fields = |batch: &EventBatch, at: usize, name: &str| {
        batch.record(at).unwrap().key_field(name).map(str::to_owned)
    };
    assert_eq!(fields(&first, 0, "account").as_deref(), Some("1"));
    assert_eq!(fields(&first, 1, "account").as_deref(), Some("2"));
    assert_eq!(fields(&first, 1, "region").as_deref(), Some("r"));
    assert_eq!(fields(&first, 1, "timestamp").as_deref(), Some("17"));
    assert_eq!(fields(&first, 2, "timestamp"), None);
    assert_eq!(fields(&second, 0, "account").as_deref(), Some("2"));
    assert_eq!(second.record(0).unwrap().ordinal(), 3);
}

#[test]
fn records_of_text_logs_read_as_objects() {
    let mut builder = BatchBuilder::default();
    for address in ["10.0.0.1", "10.0.0.2"] {
        builder.begin_record(&format!("{address} - \"say \"\"hi\"\"\""));
        builder.field_at("srcaddr", 0..address.len());
        builder.null_field("vpc");
        builder.field("note", "say \"hi\"");
        builder.begin_object("data");
        builder.field("k", "v");
        builder.begin_array("list");
        builder.item("a");
        builder.item("b");
        builder.end_container();
        builder.end_container();
        builder.end_record();
    }
    builder.begin_record("given up");
    builder.field("x", "y");
    builder.abandon_record();
    let batch = builder.finish();
    assert_eq!(batch.len(), 2);
    let record = batch.record(1).unwrap();
    assert_eq!(record.raw(), "10.0.0.2 - \"say \"\"hi\"\"\"");
    let expected = serde_json::json!({
        "srcaddr": "10.0.0.2", "vpc": null, "note": "say \"hi\"",
        "data": {"k": "v", "list": ["a", "b"]},
    });
    assert_eq!(read(record.root()), expected);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&record.root().text()).unwrap(), expected);
    // The names stand in the batch once.
    assert_eq!(batch.text.matches("srcaddr").count(), 1);
}

#[test]
fn one_walk_finds_all_paths_in_the_order_of_the_record() {
    let batch = batch(&[r#"{"z":0,"list":[{"n":1},{"m":2},{"n":3}],"a":{"b":null,"c":"x"}}"#]);
    let mut trie = PathTrie::default();
    let member = TrieStep::Member;
    let each = trie.add([member("list"), TrieStep::Each, member("n")]);
    let second = trie.add([member("list"), TrieStep::At(1)]);
    let null = trie.add([member("a"), member("b")]);
    let whole = trie.add([member("a")]);
    let absent = trie.add([member("a"), member("nothing")]);
    let wrong = trie.add([member("z"), member("x")]);
    let again = trie.add([member("a")]);
    let root = trie.add([]);
    let mut found = Vec::new();
    trie.visit(batch.record(0).unwrap().root(), &mut |path, value| {
        found.push((path, value.json().into_owned()));
    });
    let object = r#"{"b":null,"c":"x"}"#;
    assert_eq!(found.remove(0).0, root);
    let expected = [
        (each, "1"),
        (second, r#"{"m":2}"#),
        (each, "3"),
        (whole, object),
        (again, object),
        (null, "null"),
    ];
    assert_eq!(found, expected.map(|(path, json)| (path, json.to_owned())));
    assert!(found.iter().all(|(path, _)| ![absent, wrong].contains(path)));
}

#[test]
fn a_path_that_several_want_is_found_once() {
    let batch = batch(&[r#"{"a":{"b":1,"b":9},"list":[{"n":2},{"n":3}]}"#]);
    let member = TrieStep::Member;
    let mut trie = PathTrie::default();
    let inner = trie.add_once([member("a"), member("b")]);
    let each = trie.add_once([member("list"), TrieStep::Each, member("n")]);
    assert_eq!(trie.add_once([member("a"), member("b")]), inner);
    assert_eq!(trie.add_once([member("list"), TrieStep::Each, member("n")]), each);
    let outer = trie.add_once([member("a")]);
    assert_eq!((inner, each, outer, trie.len()), (0, 1, 2, 3));
    let mut found = Vec::new();
    trie.visit(batch.record(0).unwrap().root(), &mut |path, _| found.push(path));
    assert_eq!(found, [outer, inner, each, each]);
}

#[test]
fn thousands_of_names_are_told_apart() {
    let names: Vec<String> = (0..5000).map(|n| format!("prefix-{n}-suffix")).collect();
    let mut trie = PathTrie::default();
    for name in &names {
        trie.add([TrieStep::Member(name)]);
    }
    let record: String = names.iter().map(|name| format!("\"{name}\":1,\"x{name}\":2,")).collect();
    let batch = batch(&[&format!("{{{}}}", record.trim_end_matches(','))]);
    let mut found = BTreeSet::new();
    trie.visit(batch.record(0).unwrap().root(), &mut |path, value| {
        assert_eq!(value.as_i64(), Some(1));
        found.insert(path);
    });
    assert_eq!(found, (0..5000).collect());
}

#[test]
fn names_that_differ_in_one_byte_are_told_apart() {
    let mut names = vec![String::new()];
    for length in 1..=20 {
        let other = |at: usize| "a".repeat(at) + "b" + &"a".repeat(length - at - 1);
        names.extend((0..length).map(other));
        names.push("a".repeat(length));
    }
    // Half of them are wanted; the others must not be taken for them.
    let mut trie = PathTrie::default();
    for name in names.iter().step_by(2) {
        trie.add([TrieStep::Member(name)]);
    }
    let record: String = names.iter().map(|name| format!("\"{name}\":\"{name}\",")).collect();
    let batch = batch(&[&format!("{{{}}}", record.trim_end_matches(','))]);
    let mut found = Vec::new();
    trie.visit(batch.record(0).unwrap().root(), &mut |path, value| {
        assert_eq!(value.source(), names[path * 2]);
        found.push(path);
    });
    assert_eq!(found, (0..names.len().div_ceil(2)).collect::<Vec<_>>());
}

/// JSON values whose objects name no member twice.
fn values() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,20}".prop_map(Into::into),
        "[\"\\\\\u{0}-\u{1f}a-c櫓😀]{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::btree_map(".{0,8}", inner, 0..8)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Whether `serde_json` takes the text, and so must we: it refuses numbers that do not fit a
/// double, which JSON allows.
#[test]
fn a_batch_keeps_the_records_that_are_wanted_whole() {
    let mut batch = batch(&[r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#]);
    batch.retain(|record| record.root().get("n").is_some_and(|n| n.text() != "2"));
    let kept: Vec<(u64, &str)> =
        batch.iter().map(|record| (record.ordinal(), record.raw())).collect();
    assert_eq!(kept, [(0, r#"{"n":1}"#), (2, r#"{"n":3}"#)]);
}

fn serde_takes(text: &[u8]) -> Option<bool> {
    match serde_json::from_slice::<serde_json::Value>(text) {
        Ok(_) => Some(true),
        Err(error) if error.to_string().starts_with("number out of range") => None,
        Err(_) => Some(false),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_serde_writes_reads_the_same(value in values(), pretty in any::<bool>()) {
        let text = match pretty {
            true => serde_json::to_string_pretty(&value).unwrap(),
            false => value.to_string(),
        };
        let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
        let batch = batch(&[&text]);
        let record = batch.record(0).unwrap();
        prop_assert_eq!(record.raw(), &text);
        prop_assert_eq!(read(record.root()), expected);
    }

    #[test]
    fn serde_and_we_take_and_refuse_the_same(
        value in values(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 0..4),
    ) {
        const LIKELY: &[u8] = b"{}[]\",:\\u0-.eE tfn1\x1f\xc3\xa9";
        let mut text = value.to_string().into_bytes();
        for (index, byte, change) in changes {
            let at = index.index(text.len().max(1));
            let likely = LIKELY[usize::from(byte) % LIKELY.len()];
            match change {
                0 if at < text.len() => { text.remove(at); }
                1 => text.insert(at.min(text.len()), likely),
                2 if at < text.len() => text[at] = likely,
                3 if at < text.len() => text[at] = byte,
                _ => {}
            }
        }
        let ours = BatchBuilder::default().push_json(&text);
        if let Some(theirs) = serde_takes(&text) {
            prop_assert_eq!(ours.is_ok(), theirs, "{:?} {:?}", String::from_utf8_lossy(&text), ours);
        }
    }

    #[test]
    fn a_value_cut_anywhere_is_incomplete_and_never_wrong(
        value in values(),
        at in any::<prop::sample::Index>(),
    ) {
        let text = format!("[{value}]");
        let cut = at.index(text.len());
        let mut builder = BatchBuilder::default();
        let fault = builder.push_json_prefix(&text.as_bytes()[..cut], false).unwrap_err();
        prop_assert_eq!(fault.kind, JsonFaultKind::Incomplete, "{}", &text);
    }
}
