//! Names from outside that try to break out of a format, or to disturb a terminal.
//! Formulas in spreadsheets are tested beside the CSV writer too.

use proptest::prelude::*;
use yagura_model::{Exception, Lang};
use yagura_report::{Format, TerminalOptions, table};

use crate::fixture::{Fixture, PRODUCTION, time};

const HOSTILE: [&str; 9] = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    "photos\u{202e}gpj.exe",
    "line\u{2028}break\u{2029}end",
    "\u{1b}]0;owned\u{7}\u{1b}[2J",
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "]]> & <!-- {{ 7 * 7 }} {% raw %}",
];

/// The fixture with a hostile text wherever text comes from outside.
fn fixture(text: &str) -> Fixture {
    let mut fixture = Fixture::new();
    for verdict in &mut fixture.verdicts {
        verdict.name = text.to_owned();
        verdict.key = format!("arn:aws:s3:::{text}");
        verdict.region = text.to_owned();
        verdict.evidence = vec![(text.to_owned(), serde_json::json!({text: [text]}))];
        for unread in &mut verdict.unread {
            unread.call = text.to_owned();
            unread.action = text.to_owned();
            unread.detail = text.to_owned();
        }
        verdict.exception = verdict.exception.take().map(|_| Exception {
            owner: text.to_owned(),
            reason: text.to_owned(),
            expires: time("2027-03-31T00:00:00Z"),
        });
    }
    for account in &mut fixture.accounts {
        account.name = text.to_owned();
        account.ou = text.to_owned();
    }
    for score in &mut fixture.scores {
        for requirement in &mut score.requirements {
            if let Some(attestation) = &mut requirement.attestation {
                attestation.by = text.to_owned();
                attestation.reason = text.to_owned();
                attestation.evidence = text.to_owned();
            }
        }
    }
    // A site's own control may be hostile too.
    let control = fixture.catalog.controls.get_mut("s3.bucket_public_access_blocked").unwrap();
    control.title.en = text.to_owned();
    control.title.ja = text.to_owned();
    control.why.en = text.to_owned();
    control.fix.cli = text.to_owned();
    control.references = vec![format!("javascript:{text}"), text.to_owned()];
    fixture
}

fn disturbs(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

fn check_nothing_disturbs(text: &str) {
    let fixture = fixture(text);
    for lang in Lang::ALL {
        for format in Format::ALL {
            // Line ends of CSV are carriage return and line feed by its definition.
            let written = fixture.written(format, lang).replace("\r\n", "\n");
            let found = written.chars().find(|c| disturbs(*c));
            assert_eq!(found, None, "{} {text:?}", format.as_str());
        }
    }
}

#[test]
fn no_format_carries_a_character_that_disturbs_a_terminal_or_turns_text_around() {
    for text in HOSTILE {
        check_nothing_disturbs(text);
    }
}

#[test]
fn a_hostile_name_adds_no_element_to_the_page() {
    let elements = |page: &str| {
        let starts = page.match_indices('<').map(|(at, _)| {
            let rest = &page[at + 1..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '/' && c != '!');
            rest[..end.unwrap_or(rest.len())].to_owned()
        });
        let mut counts = std::collections::BTreeMap::new();
        for start in starts {
            *counts.entry(start).or_insert(0_usize) += 1;
        }
        counts
    };
    for lang in Lang::ALL {
        // The same page with harmless names of the same kind.
        let harmless = elements(&fixture("harmless").written(Format::Html, lang));
        for text in HOSTILE {
            let page = fixture(text).written(Format::Html, lang);
            assert_eq!(elements(&page), harmless, "{text:?}");
            assert!(!page.contains("href=\"javascript:"), "{text:?}");
            let braces = page.contains("{{ 7 * 7 }}");
            assert_eq!(braces, text.contains("{{ 7 * 7 }}"), "a template within a name was run");
        }
    }
}

#[test]
fn a_hostile_name_stays_inside_its_attribute() {
    for text in HOSTILE {
        let page = fixture(text).written(Format::Html, Lang::En);
        for attribute in [" onerror=", " onmouseover='", "onload=alert"] {
            for (at, _) in page.match_indices(attribute) {
                // Inside text or a quoted attribute the quote before it is escaped.
                let tag = page[..at].rfind('<').unwrap();
                let quotes = page[tag..at].matches('"').count();
                let closed = page[tag..at].contains('>');
                assert!(closed || quotes % 2 == 1, "{}", &page[tag..at + 20]);
            }
        }
    }
}

#[test]
fn xml_stays_well_formed() {
    for text in HOSTILE {
        let xml = fixture(text).written(Format::Junit, Lang::Ja);
        let outside = xml.replace("<?xml", "").replace("?>", "");
        let opened = outside.matches('<').count();
        let known = [
            "<testsuites",
            "</testsuites",
            "<testsuite ",
            "</testsuite>",
            "<testcase",
            "</testcase",
            "<failure",
            "</failure",
            "<error",
            "</error",
            "<skipped",
        ];
        let expected: usize = known.iter().map(|tag| outside.matches(tag).count()).sum();
        assert_eq!(opened, expected, "{text:?}");
        assert_eq!(xml.matches("<testcase").count(), 13);
    }
}

#[test]
fn json_keeps_the_exact_key() {
    for text in HOSTILE {
        let lines = fixture(text).written(Format::Json, Lang::En);
        let keys: Vec<String> = lines
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .filter(|line| line["kind"] == "verdict")
            .map(|line| line["key"].as_str().unwrap().to_owned())
            .collect();
        assert!(keys.iter().all(|key| *key == format!("arn:aws:s3:::{text}")));
    }
}

#[test]
fn a_name_in_the_table_of_a_terminal_cannot_forge_a_line() {
    let mut fixture = Fixture::new();
    let name = "a\n1. Critical  All is well\r\u{1b}[1A";
    for verdict in fixture.verdicts.iter_mut().filter(|v| v.account == PRODUCTION) {
        verdict.name = name.to_owned();
    }
    let shown = table(&fixture.report(Lang::En), &TerminalOptions::default());
    assert!(!shown.lines().any(|line| line.starts_with("1. Critical  All is well")));
    assert!(shown.contains("a\u{fffd}1. Critical"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_name_at_all_disturbs_a_reader(text in "\\PC{0,12}[\u{0}-\u{ff}\u{2000}-\u{206f}<>&\"']{1,12}") {
        check_nothing_disturbs(&text);
    }
}
