//! Lists of every format, good and bad: what is taken, and what is told of the rest.

use proptest::prelude::*;
use yagura_model::indicator::{AddressRange, Indicators};

use super::*;

/// Every entry as text, in the order of its kind.
fn shown(entries: &Indicators) -> Vec<String> {
    let v4 = entries.v4.iter().map(|r| AddressRange::V4 { first: r.first, last: r.last });
    let v6 = entries.v6.iter().map(|r| AddressRange::V6 { first: r.first, last: r.last });
    let ranges = v4.chain(v6).map(|range| range.to_string());
    let domains = entries.domains.iter().map(|d| match d.scope {
        yagura_model::indicator::DomainScope::Exact => format!("={}", entries.text(d)),
        yagura_model::indicator::DomainScope::Below => format!("*.{}", entries.text(d)),
        yagura_model::indicator::DomainScope::Whole => entries.text(d).to_owned(),
    });
    let urls = entries.urls.iter().map(|url| format!("url {}", entries.text(url)));
    let digests = std::iter::empty()
        .chain(entries.md5.iter().map(|d| hex::encode(d.bytes)))
        .chain(entries.sha1.iter().map(|d| hex::encode(d.bytes)))
        .chain(entries.sha256.iter().map(|d| hex::encode(d.bytes)))
        .chain(entries.sha512.iter().map(|d| hex::encode(d.bytes)));
    ranges.chain(domains).chain(urls).chain(digests).collect()
}

fn read(format: ListFormat, text: &str) -> ListRead {
    let options = ListOptions { format, ..ListOptions::default() };
    read_list(text.as_bytes(), &options).unwrap()
}

fn check(format: ListFormat, text: &str, expected: &[&str], bad: &[(EntryPlace, EntryFault)]) {
    let read = read(format, text);
    assert_eq!(shown(&read.entries), expected);
    let found: Vec<_> = read.bad.iter().map(|bad| (bad.place, bad.fault)).collect();
    assert_eq!(found, bad);
    assert_eq!(read.bad_total, bad.len() as u64);
}

fn line(number: u64) -> EntryPlace {
    EntryPlace::Line(number)
}

#[test]
fn plain_lists_have_comments_counts_and_hosts() {
    check(
        ListFormat::Plain,
        "\u{feff}# head\n192.0.2.1\n\n  198.51.100.0/24 ; SBL1\r\nbad.example # why\n\
         203.0.113.7\t12\n0.0.0.0 ads.example more.example\n127.0.0.1 localhost\n\
         // comment\nhttp://x.example/a#frag\n*.below.example\n",
        &[
            "192.0.2.1",
            "198.51.100.0/24",
            "203.0.113.7",
            "bad.example",
            "ads.example",
            "more.example",
            "*.below.example",
            "url x.example/a",
        ],
        &[],
    );
}

#[test]
fn bad_lines_are_told_and_good_ones_kept() {
    check(
        ListFormat::Plain,
        "192.0.2.1\nnot an entry\n192.0.2.0/99\n0.0.0.0/0\nword\n192.0.2.2\n",
        &["192.0.2.1", "192.0.2.2"],
        &[
            (line(2), EntryFault::Words),
            (line(3), EntryFault::Range),
            (line(4), EntryFault::Wide),
            (line(5), EntryFault::Unknown),
        ],
    );
    let read = read_list(b"192.0.2.1\n\xff\xfe\n192.0.2.2", &ListOptions::default()).unwrap();
    assert_eq!((read.entries.len(), read.bad[0].fault), (2, EntryFault::Encoding));
}

#[test]
fn the_text_of_a_bad_entry_is_short_and_harmless() {
    let read = read(ListFormat::Plain, &format!("\u{1b}[31m{}\n", "x".repeat(300)));
    let text = &read.bad[0].text;
    assert_eq!(text.chars().count(), 100);
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn columns_are_found_by_name_or_number() {
    let text = "first_seen,\"ip\",domain\n2026,192.0.2.1,\n2026,,Bad.Example\n2026\n";
    let csv =
        CsvLayout { columns: vec!["IP".into(), "3".into()], header: true, ..CsvLayout::default() };
    let options = ListOptions { format: ListFormat::Csv, csv, ..ListOptions::default() };
    let read = read_list(text.as_bytes(), &options).unwrap();
    assert_eq!(shown(&read.entries), ["192.0.2.1", "bad.example"]);
    assert_eq!((read.bad[0].place, read.bad[0].fault), (line(4), EntryFault::Column));
    let csv = CsvLayout { columns: vec!["host".into()], ..options.csv };
    let refused = read_list(text.as_bytes(), &ListOptions { csv, ..options });
    assert_eq!(refused.unwrap_err(), ListFault::Column("host".into()));
}

#[test]
fn a_domain_stands_for_what_is_below_unless_the_list_says_otherwise() {
    let options = ListOptions { exact_domains: true, ..ListOptions::default() };
    let read = read_list(b"a.example\n.b.example\n*.c.example", &options).unwrap();
    assert_eq!(shown(&read.entries), ["=a.example", "b.example", "*.c.example"]);
}

#[test]
fn the_formats_that_guardduty_takes_are_read() {
    check(
        ListFormat::OtxCsv,
        "Indicator type, Indicator, Description\nCIDR, 192.0.2.0/24, example\n\
         IPv4, 198.51.100.1, example\nDomain name, example.net, example\n",
        &["192.0.2.0/24", "198.51.100.1", "example.net"],
        &[],
    );
    check(
        ListFormat::ProofPoint,
        "domain, category, score, first_seen, last_seen, ports (|)\n\
         198.51.100.1, 1, 100, 2000-01-01, 2000-01-01,\n\
         bad.example, 1, 100, 2000-01-01, 2000-01-01, 80\n",
        &["198.51.100.1", "bad.example"],
        &[],
    );
    check(
        ListFormat::AlienVault,
        "# reputation\n192.0.2.1#4#2#Malicious Host#KR##37.5,126.9#3\n\
         www.test.example#4#2##CA#Brossard#45.4,-73.4#3\nnonsense#1#1\n",
        &["192.0.2.1", "www.test.example"],
        &[(line(4), EntryFault::Unknown)],
    );
    check(
        ListFormat::FireEye,
        "reportId, reportLink, sourceIp, md5, cidr, domain, ip, url\n\n\
         01-1, https://vendor.example/r, 192.0.2.9, , 192.0.2.0/24, , , \n\
         01-2, https://vendor.example/r, , 00112233445566778899aabbccddeeff, , b.example, \
         198.51.100.1, http://c.example/x\n01-3,,,,,,,\n",
        &[
            "192.0.2.0/24",
            "198.51.100.1",
            "b.example",
            "url c.example/x",
            "00112233445566778899aabbccddeeff",
        ],
        &[(line(5), EntryFault::Column)],
    );
    let options = ListOptions { format: ListFormat::FireEye, ..ListOptions::default() };
    let refused = read_list(b"a,b\n1,2\n", &options);
    assert!(matches!(refused, Err(ListFault::Foreign { .. })));
}

const STIX1: &str = r##"<?xml version="1.0" encoding="UTF-8"?>
<stix:STIX_Package xmlns:stix="s" xmlns:cybox="c" xmlns:xsi="x" xmlns:A="a" xmlns:D="d">
 <stix:Observables>
  <cybox:Observable><cybox:Object><cybox:Properties xsi:type="A:AddressObjectType">
   <A:Address_Value condition="InclusiveBetween">192.0.2.0##comma##192.0.2.255</A:Address_Value>
  </cybox:Properties></cybox:Object></cybox:Observable>
  <A:Address_Value>198.51.100.1</A:Address_Value>
  <A:Address_Value condition="Equals">203.0.113.1##comma##203.0.113.2</A:Address_Value>
  <D:Value condition="Equals">bad.example</D:Value>
  <A:Address_Value condition="GreaterThan">203.0.113.9</A:Address_Value>
 </stix:Observables>
</stix:STIX_Package>"##;

#[test]
fn stix_1_is_read_from_xml() {
    check(
        ListFormat::Stix,
        STIX1,
        &["192.0.2.0/24", "198.51.100.1", "203.0.113.1", "203.0.113.2", "bad.example"],
        &[(line(10), EntryFault::Condition)],
    );
}

#[test]
fn hostile_xml_is_refused() {
    let options = ListOptions { format: ListFormat::Stix, ..ListOptions::default() };
    let refused = |text: &str| read_list(text.as_bytes(), &options).unwrap_err();
    let doctype = "<!DOCTYPE x [<!ENTITY a \"b\">]><STIX_Package>&a;</STIX_Package>";
    for text in [doctype, "<STIX_Package>&a;</STIX_Package>", "<STIX_Package><a></STIX_Package>"] {
        assert!(matches!(refused(text), ListFault::Form { .. }), "{text}");
    }
    assert!(matches!(refused(STIX1.get(..600).unwrap()), ListFault::Form { .. }));
    let deep = format!("<STIX_Package>{}", "<a>".repeat(500));
    assert!(matches!(refused(&deep), ListFault::Form { .. }));
    assert!(matches!(refused("<html>no list</html>"), ListFault::Foreign { .. }));
}

fn bundle(patterns: &[&str]) -> String {
    let objects: Vec<_> = patterns
        .iter()
        .map(|pattern| serde_json::json!({"type": "indicator", "pattern": pattern}))
        .collect();
    serde_json::json!({"type": "bundle", "id": "bundle--1", "objects": objects}).to_string()
}

fn pattern(text: &str, expected: Result<&[&str], EntryFault>) {
    let read = read(ListFormat::Stix, &bundle(&[text]));
    match expected {
        Ok(entries) => assert_eq!((shown(&read.entries), read.bad_total), (strings(entries), 0)),
        Err(fault) => {
            assert_eq!(read.bad.first().map(|bad| bad.fault), Some(fault), "{text}");
            assert!(read.entries.is_empty(), "{text}");
        }
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn patterns_become_entries() {
    let md5 = "00112233445566778899aabbccddeeff";
    pattern("[ipv4-addr:value = '192.0.2.1']", Ok(&["192.0.2.1"]));
    pattern("[ipv4-addr:value ISSUBSET '192.0.2.0/24']", Ok(&["192.0.2.0/24"]));
    pattern("[ipv4-addr:value IN ('192.0.2.1', '192.0.2.2')]", Ok(&["192.0.2.1", "192.0.2.2"]));
    pattern(
        "[ipv6-addr:value = '2001:db8::1' OR domain-name:value = 'Bad.Example']",
        Ok(&["2001:db8::1", "bad.example"]),
    );
    pattern("[domain-name:value LIKE '%.bad.example']", Ok(&["*.bad.example"]));
    pattern("[url:value = 'https://a.example/it\\'s']", Ok(&["url a.example/it's"]));
    pattern("[url:value = 'a.example']", Ok(&["url a.example/"]));
    pattern(&format!("[file:hashes.MD5 = '{md5}']"), Ok(&[md5]));
    pattern(
        &format!("[file:hashes.'MD5' = '{md5}' AND file:name = 'x.exe' AND file:size > 5]"),
        Ok(&[md5]),
    );
    pattern(
        "([ipv4-addr:value='192.0.2.1'] OR ([ipv4-addr:value='192.0.2.2']))",
        Ok(&["192.0.2.1", "192.0.2.2"]),
    );
    pattern(
        "[network-traffic:dst_ref.value = '192.0.2.1' \
         OR network-traffic:dst_ref.value = 'a.example']",
        Ok(&["192.0.2.1", "a.example"]),
    );
    pattern(
        "[(domain-name:value = 'a.example' OR domain-name:value = 'b.example')]",
        Ok(&["a.example", "b.example"]),
    );
    pattern("[domain-name:resolves_to_refs[*].value = '192.0.2.1']", Ok(&["192.0.2.1"]));
}

#[test]
fn what_one_value_cannot_decide_is_refused_whole() {
    for text in [
        "[ipv4-addr:value = '192.0.2.1' AND network-traffic:dst_port = 443]",
        "[ipv4-addr:value = '192.0.2.1'] AND [domain-name:value = 'a.example']",
        "[ipv4-addr:value = '192.0.2.1'] FOLLOWEDBY [domain-name:value = 'a.example']",
        "[ipv4-addr:value = '192.0.2.1'] REPEATS 5 TIMES WITHIN 60 SECONDS",
        "[ipv4-addr:value != '192.0.2.1']",
        "[ipv4-addr:value NOT = '192.0.2.1']",
        "[domain-name:value MATCHES '.*bad.*']",
        "[domain-name:value LIKE '%bad%']",
        "[process:name = 'evil']",
        "[ipv4-addr:value = '192.0.2.1' OR process:name = 'evil']",
        "[EXISTS ipv4-addr:value]",
    ] {
        pattern(text, Err(EntryFault::Beyond));
    }
    for text in [
        "",
        "[",
        "[ipv4-addr:value = '192.0.2.1'",
        "ipv4-addr:value = '192.0.2.1'",
        "[ipv4-addr:value '192.0.2.1']",
        "[ipv4-addr:value = '192.0.2.1'] nonsense",
        "[:value = 'a']",
        "[ipv4-addr:value = 'open]",
    ] {
        pattern(text, Err(EntryFault::Pattern));
    }
    pattern("[ipv4-addr:value = 'nonsense']", Err(EntryFault::Unknown));
    pattern("[ipv4-addr:value = '0.0.0.0/0']", Err(EntryFault::Wide));
    pattern(&"(".repeat(100_000), Err(EntryFault::Pattern));
    pattern(&format!("[{}", "(".repeat(100_000)), Err(EntryFault::Pattern));
}

#[test]
fn objects_say_how_long_they_hold_and_what_is_revoked() {
    let text = r#"{"type":"bundle","objects":[
        {"type":"identity","name":"us"},
        {"pattern":"[ipv4-addr:value='192.0.2.1']","type":"indicator",
         "valid_from":"2026-01-01T00:00:00Z","valid_until":"2026-02-01T00:00:00.5Z"},
        {"type":"indicator","revoked":true,"pattern":"[ipv4-addr:value='192.0.2.2']"},
        {"type":"indicator","pattern_type":"sigma","pattern":"x"},
        {"type":"indicator","valid_until":"soon","pattern":"[ipv4-addr:value='192.0.2.3']"},
        {"type":"indicator"}, 7, null,
        {"type":"indicator","pattern":
         "[ipv4-addr:value='192.0.2.4'] START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'"}
    ]}"#;
    let read = read(ListFormat::Stix, text);
    assert_eq!(shown(&read.entries), ["192.0.2.1", "192.0.2.4"]);
    let until = |at: usize| read.entries.range_validity(&read.entries.v4[at]).until_s;
    assert_eq!(until(0), Some(1_769_904_000));
    assert_eq!(until(1), Some(1_767_312_000));
    assert_eq!(read.revoked_total, 1);
    let faults: Vec<_> = read.bad.iter().map(|bad| (bad.place, bad.fault)).collect();
    let object = EntryPlace::Object;
    assert_eq!(
        faults,
        [
            (object(4), EntryFault::Language),
            (object(5), EntryFault::Time),
            (object(6), EntryFault::Object),
            (object(7), EntryFault::Object),
            (object(8), EntryFault::Object),
        ]
    );
}

#[test]
fn objects_may_stand_alone_in_a_list_or_in_lines() {
    let one =
        |n: u8| format!(r#"{{"type":"indicator","pattern":"[ipv4-addr:value='192.0.2.{n}']"}}"#);
    for text in [
        format!("{}\n{}\n", one(1), one(2)),
        format!("[{},{}]", one(1), one(2)),
        format!(r#"{{"more":true,"objects":[{}]}} {{"objects":[{}]}}"#, one(1), one(2)),
    ] {
        let read = read(ListFormat::Stix, &text);
        assert_eq!(shown(&read.entries), ["192.0.2.1", "192.0.2.2"], "{text}");
    }
}

#[test]
fn half_a_bundle_is_refused_with_its_place() {
    let text = bundle(&["[ipv4-addr:value='192.0.2.1']"]);
    let options = ListOptions { format: ListFormat::Stix, ..ListOptions::default() };
    let refused = read_list(&text.as_bytes()[..text.len() - 5], &options).unwrap_err();
    assert!(matches!(refused, ListFault::Form { line: 1, .. }), "{refused}");
    for text in ["", "{}", "[]", "7", "\"x\"", "<html></html>", "192.0.2.1\n"] {
        assert!(read_list(text.as_bytes(), &options).is_err(), "{text}");
    }
}

fn options() -> impl Strategy<Value = ListOptions> {
    let formats = proptest::sample::select(ListFormat::ALL.to_vec());
    (formats, any::<bool>(), any::<bool>()).prop_map(|(format, header, exact_domains)| {
        let csv = CsvLayout { header, ..CsvLayout::default() };
        ListOptions { format, csv, exact_domains }
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        options in options(),
    ) {
        if let Ok(read) = read_list(&bytes, &options) {
            prop_assert!(read.bad.len() as u64 <= read.bad_total);
        }
    }

    #[test]
    fn any_text_near_a_pattern_is_read_or_refused(
        text in r"(\[|\]|\(|\)|'| |ipv4-addr:value|=|OR|AND|IN|LIKE|192\.0\.2\.1|,|START|t){0,30}",
    ) {
        let mut entries = Indicators::default();
        let taken = indicators_of_pattern(&text, true, Validity::default(), &mut entries);
        prop_assert!(taken.is_ok() || entries.is_empty());
    }

    #[test]
    fn every_good_line_is_taken_whatever_stands_between(
        lines in proptest::collection::vec((any::<[u8; 4]>(), "[ -~]{0,40}"), 0..40),
    ) {
        let mut text = String::new();
        for (address, noise) in &lines {
            let address = std::net::Ipv4Addr::from(*address);
            text.push_str(&format!("{noise}\n{address}\n"));
        }
        let entries = read(ListFormat::Plain, &text).entries;
        for (address, _) in &lines {
            let bits = u32::from_be_bytes(*address);
            prop_assert!(entries.v4.iter().any(|r| (r.first..=r.last).contains(&bits)));
        }
    }

    #[test]
    fn a_domain_in_its_one_form_stays_as_it_is(text in "[a-zA-Z0-9._-]{1,40}") {
        if let Some(once) = canonical::domain(&text) {
            let again = canonical::domain(&once);
            prop_assert_eq!(again.as_deref(), Some(once.as_ref()));
        }
    }

    #[test]
    fn a_url_in_its_one_form_stays_as_it_is(text in "https?://[a-z]{1,5}\\.[a-z]{2,4}[!-~]{0,20}") {
        if let Some(once) = canonical::url(&text) {
            prop_assert_eq!(canonical::url(&format!("http://{once}")), Some(once));
        }
    }
}
