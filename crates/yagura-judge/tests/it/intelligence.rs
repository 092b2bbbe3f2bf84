//! Threat intelligence over records: every built-in case, trust, validity, what is looked at.
//! How quickly a million entries are asked is measured by `examples/bench_intelligence.rs`.

use yagura_analyze::intelligence::{ListOptions, read_aws_ranges, read_list};
use yagura_content::Content;
use yagura_judge::intelligence::{AwsPlace, Hit, Intelligence, cases};
use yagura_model::event::BatchBuilder;
use yagura_model::indicator::{
    AddressRange, DomainScope, Indicator, IndicatorList, Indicators, ListKind, ThreatCategory,
    Validity,
};

fn list(name: &str, kind: ListKind, category: ThreatCategory, text: &str) -> IndicatorList {
    let read = read_list(text.as_bytes(), &ListOptions::default()).unwrap();
    assert_eq!(read.bad, []);
    of(name, kind, category, read.entries)
}

fn of(name: &str, kind: ListKind, category: ThreatCategory, entries: Indicators) -> IndicatorList {
    IndicatorList {
        name: name.into(),
        kind,
        category,
        source: "test".into(),
        fetched_at: None,
        licence: String::new(),
        entries,
    }
}

fn intelligence(lists: &[IndicatorList]) -> Intelligence {
    let (intelligence, faults) = Intelligence::new(Content::builtin(), lists, None, None);
    assert_eq!(faults, []);
    intelligence
}

fn hits(intelligence: &Intelligence, source: &str, record: &str) -> Vec<Hit> {
    let mut builder = BatchBuilder::default();
    builder.push_json(record.as_bytes()).unwrap();
    let batch = builder.finish();
    let table = Content::builtin().sources.get(source).unwrap().table();
    let mut inspector = intelligence.inspector();
    let mut hits = Vec::new();
    for record in &batch {
        intelligence.inspect(table, record, &mut inspector, &mut |hit| hits.push(hit));
    }
    hits
}

#[test]
fn every_case_comes_out_as_it_says() {
    let results = cases::run(Content::builtin());
    let failed: Vec<String> = results
        .iter()
        .filter_map(|result| {
            let failure = result.failure.as_ref()?;
            Some(format!("{}: {}: {failure}", result.control, result.case))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(results.len() >= 200, "{}", results.len());
}

#[test]
fn a_hit_names_the_list_the_field_the_value_and_the_entry() {
    let bad = list("feed", ListKind::Threat, ThreatCategory::C2, "198.51.100.0/24\nbad.example");
    let intelligence = intelligence(&[bad]);
    let record = r#"{"query_timestamp":"2026-11-21T05:00:00Z","query_name":"X.Bad.Example."}"#;
    let found = hits(&intelligence, "route53_resolver", record);
    assert_eq!(found.len(), 1);
    assert_eq!(&*found[0].content, "intelligence.command_and_control_domain_queried");
    let told: Vec<(&str, &str, Option<&str>)> = found[0]
        .matched
        .iter()
        .map(|matched| (&*matched.selection, &*matched.field, matched.value.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("feed", "query_name", Some("X.Bad.Example.")),
            ("feed", "list.entry", Some("bad.example")),
        ]
    );
}

#[test]
fn two_lists_of_one_category_make_one_hit_of_a_rule() {
    let lists = [
        list("one", ListKind::Threat, ThreatCategory::C2, "bad.example"),
        list("two", ListKind::Threat, ThreatCategory::C2, "x.bad.example"),
    ];
    let record = r#"{"query_name":"x.bad.example."}"#;
    let found = hits(&intelligence(&lists), "route53_resolver", record);
    assert_eq!(found.len(), 1);
    let lists: Vec<&str> = found[0].matched.iter().map(|m| &*m.selection).collect();
    assert_eq!(lists, ["one", "one", "two", "two"]);
}

#[test]
fn what_ended_before_the_record_raises_nothing() {
    let mut entries = Indicators::default();
    let until = Validity { from_s: None, until_s: Some(1_795_237_200) };
    let range = Indicator::Range("198.51.100.7".parse().unwrap());
    entries.push(range, until).unwrap();
    let intelligence = intelligence(&[of("f", ListKind::Threat, ThreatCategory::C2, entries)]);
    let check = |time: &str, expected: usize| {
        let record = format!(
            r#"{{"dstaddr":"198.51.100.7","srcport":"50000","dstport":"443","action":"ACCEPT",
                "start":"{time}"}}"#
        );
        assert_eq!(hits(&intelligence, "vpc_flow", &record).len(), expected, "{time}");
    };
    check("1795237199", 1);
    check("1795237200", 0);
}

#[test]
fn private_addresses_are_on_no_list_and_networks_are_told() {
    let tor = list("tor", ListKind::Threat, ThreatCategory::Tor, "10.0.0.0/8\n203.0.113.9");
    let ranges = br#"{"prefixes":[
        {"ip_prefix":"198.51.100.0/24","region":"us-east-1","service":"AMAZON"},
        {"ip_prefix":"198.51.100.0/25","region":"us-east-1","service":"EC2"}]}"#;
    let ranges = read_aws_ranges(ranges).unwrap();
    let (intelligence, _) = Intelligence::new(Content::builtin(), &[tor], None, Some(&ranges));
    let network = |text: &str| intelligence.network_of(text.parse().unwrap());
    assert_eq!(network("10.1.2.3").aws, None);
    assert!(!network("10.1.2.3").hosting);
    assert_eq!(network("203.0.113.1").aws, Some(AwsPlace::Outside));
    assert!(network("203.0.113.9").hosting);
    let inside = |service: &str| {
        Some(AwsPlace::Inside { service: service.into(), region: "us-east-1".into() })
    };
    assert_eq!(network("::ffff:198.51.100.1").aws, inside("EC2"));
    assert_eq!(network("198.51.100.200").aws, inside("AMAZON"));
}

#[test]
fn what_something_is_on_can_be_looked_up() {
    let lists = [
        list("feed", ListKind::Threat, ThreatCategory::C2, "198.51.100.0/24\nhttp://a.example/x"),
        list("ours", ListKind::Trusted, ThreatCategory::Custom, "198.51.100.7"),
    ];
    let intelligence = intelligence(&lists);
    let names = |text: &str| {
        let lists = intelligence.lists_of(text);
        lists.into_iter().map(|on| (on.name, on.entry)).collect::<Vec<_>>()
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let both = [pair("ours", "198.51.100.7"), pair("feed", "198.51.100.0/24")];
    assert_eq!(names("198.51.100.7"), both);
    assert_eq!(names("http://A.example:80/x"), [pair("feed", "a.example/x")]);
    assert_eq!(names("http://198.51.100.9/y"), [pair("feed", "198.51.100.0/24")]);
    assert_eq!(names("a.example"), []);
}

#[test]
fn every_source_with_addresses_says_where_they_stand() {
    let content = Content::builtin();
    let without = ["cloudtrail_aggregated", "config_history", "config_snapshot"];
    for id in content.sources.keys().filter(|id| !without.contains(&id.as_str())) {
        assert!(content.indicator_fields.contains_key(id), "{id} has no indicators.yaml");
    }
    // A field that no rule minds would never be looked at.
    for (source, fields) in &content.indicator_fields {
        for (name, _) in &fields.fields.0 {
            let minded = content.intelligence.values().any(|rule| {
                let mut places = rule.places.iter();
                places.any(|at| {
                    at.source.value == *source && at.fields.iter().any(|f| f.value == name.value)
                })
            });
            assert!(minded, "no rule minds `{name}` of {source}");
        }
    }
}

#[test]
fn a_million_entries_take_little_memory() {
    let mut entries = Indicators::default();
    let mut random = fastrand::Rng::with_seed(7);
    for n in 0..700_000_u32 {
        let first = random.u32(0x0100_0000..0xdf00_0000);
        let range = AddressRange::V4 { first, last: first | (n % 4) };
        entries.push(Indicator::Range(range), Validity::default()).unwrap();
    }
    for n in 0..300_000_u32 {
        let name = format!("host-{n}.bad-{}.example", n % 1000);
        entries.push(Indicator::Domain(&name, DomainScope::Whole), Validity::default()).unwrap();
    }
    let intelligence = intelligence(&[of("f", ListKind::Threat, ThreatCategory::C2, entries)]);
    let bytes = intelligence.bytes_len();
    assert!(bytes < 64 << 20, "{bytes}");
    assert_eq!(intelligence.lists_of("x.host-7.bad-7.example").len(), 1);
    assert_eq!(intelligence.lists_of("host-7.bad-8.example").len(), 0);
}
