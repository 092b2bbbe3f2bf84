//! Sizes, limits and order: lines below 1 KB, lists whose limit is visible, the same bytes twice.
//! What the formats look like is in `formats.rs`.

use serde_json::{Value, json};
use yagura_model::{Lang, Severity, UnreadReason, VerdictStatus};
use yagura_report::{Format, Rows, TerminalOptions, plain, table};

use crate::fixture::{Fixture, PRODUCTION, unread, verdict};

fn lines(fixture: &Fixture, format: Format) -> Vec<Value> {
    let text = fixture.written(format, Lang::En);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_verdict_takes_less_than_one_kilobyte_whatever_it_carries() {
    let mut fixture = Fixture::new();
    let mut fat = verdict(
        "s3.bucket_public_access_blocked",
        VerdictStatus::Unknown,
        Severity::High,
        PRODUCTION,
        "us-east-1",
        &"n".repeat(63),
    );
    fat.evidence = (0..50).map(|n| (format!("properties.P{n}"), json!("x".repeat(9000)))).collect();
    fat.unread = (0..50).map(|_| unread(&"p".repeat(900), UnreadReason::Denied)).collect();
    fixture.verdicts.push(fat);
    let text = fixture.written(Format::Json, Lang::En);
    for line in text.lines().filter(|line| line.contains("\"kind\":\"verdict\"")) {
        assert!(line.len() < 1024, "{} bytes: {line}", line.len());
    }
    let left_out = text.lines().filter(|line| line.contains("\"evidence_left_out\":50")).count();
    assert_eq!(left_out, 1, "what was left out must be said");
}

#[test]
fn the_prose_of_a_control_is_written_once() {
    let mut fixture = Fixture::new();
    for n in 0..500 {
        let mut copy = fixture.verdicts[0].clone();
        copy.key = format!("arn:aws:s3:::copy-{n}");
        fixture.verdicts.push(copy);
    }
    for format in [Format::Json, Format::Html] {
        let text = fixture.written(format, Lang::En);
        assert_eq!(text.matches("whatever a policy says").count(), 1, "{}", format.as_str());
    }
}

#[test]
fn controls_stand_before_the_first_verdict() {
    let lines = lines(&Fixture::new(), Format::Json);
    let kinds: Vec<_> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[0], "scan");
    let last_control = kinds.iter().rposition(|kind| *kind == "control").unwrap();
    let first_verdict = kinds.iter().position(|kind| *kind == "verdict").unwrap();
    assert!(last_control < first_verdict);
}

#[test]
fn verdicts_may_stream_one_by_one() {
    let fixture = Fixture::new();
    let report = fixture.report(Lang::En);
    for format in Format::ALL.into_iter().filter(|format| format.is_rows()) {
        let mut streamed = Vec::new();
        let mut rows = Rows::begin(&report, format, &mut streamed).unwrap();
        for verdict in &fixture.verdicts {
            rows.verdict(verdict).unwrap();
        }
        rows.end().unwrap();
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::len).collect();
            lines.sort_unstable();
            lines
        };
        let streamed = String::from_utf8(streamed).unwrap();
        assert_eq!(sorted(&streamed), sorted(&fixture.written(format, Lang::En)));
    }
    let mut out = Vec::new();
    assert!(Rows::begin(&report, Format::Html, &mut out).is_err());
}

#[test]
fn the_order_of_the_verdicts_does_not_matter() {
    let fixture = Fixture::new();
    let mut turned = Fixture::new();
    turned.verdicts.reverse();
    for format in Format::ALL {
        let written = fixture.written(format, Lang::Ja);
        assert_eq!(written, turned.written(format, Lang::Ja), "{}", format.as_str());
    }
}

#[test]
fn reaching_the_limit_of_findings_is_visible() {
    let fixture = Fixture::new();
    let options = TerminalOptions { limit: 1, ..TerminalOptions::default() };
    for show in [table, plain] {
        let shown = show(&fixture.report(Lang::En), &options);
        assert!(shown.contains("1 more control has failures"), "{shown}");
        let shown = show(&fixture.report(Lang::Ja), &options);
        assert!(shown.contains("ほかに 1 個のコントロールで不適合"), "{shown}");
    }
}

#[test]
fn an_import_request_holds_at_most_a_hundred_findings_of_one_account_and_region() {
    let mut fixture = Fixture::new();
    for n in 0..250 {
        let mut copy = fixture.verdicts[0].clone();
        copy.key = format!("arn:aws:s3:::copy-{n}");
        fixture.verdicts.push(copy);
    }
    let requests = lines(&fixture, Format::Asff);
    for request in &requests {
        let findings = request["Findings"].as_array().unwrap();
        assert!((1..=100).contains(&findings.len()));
        let place = |finding: &Value| (finding["AwsAccountId"].clone(), finding["Region"].clone());
        assert!(findings.iter().all(|finding| place(finding) == place(&findings[0])));
    }
    let all: usize = requests.iter().map(|r| r["Findings"].as_array().unwrap().len()).sum();
    // What a control does not speak about is no finding.
    assert_eq!(all, fixture.verdicts.len() - 1);
}

#[test]
fn lines_of_prose_fit_the_terminal() {
    let fixture = Fixture::new();
    for lang in Lang::ALL {
        for columns in [60, 80, 120] {
            let options = TerminalOptions { width: columns, ..TerminalOptions::default() };
            let shown = table(&fixture.report(lang), &options);
            for line in shown.lines() {
                let prose = line.starts_with("   ")
                    && !line.starts_with("   -")
                    && !line.contains("aws ")
                    && !line.contains("--");
                let wide = unicode_width::UnicodeWidthStr::width(line);
                assert!(!prose || wide <= columns + 2, "{wide} > {columns}: {line}");
            }
        }
    }
}

#[test]
fn a_scan_without_anything_is_still_a_report() {
    let mut fixture = Fixture::new();
    fixture.verdicts.clear();
    fixture.scores.clear();
    fixture.coverage.clear();
    fixture.accounts.clear();
    fixture.catalog = yagura_report::Catalog::default();
    for lang in Lang::ALL {
        for format in Format::ALL.into_iter().filter(|format| *format != Format::Ocsf) {
            let empty = fixture.written(format, lang).is_empty();
            assert_eq!(empty, format == Format::Asff, "{}", format.as_str());
        }
        assert_eq!(fixture.written(Format::Ocsf, lang), "");
    }
    let shown = table(&fixture.report(Lang::En), &TerminalOptions::default());
    assert!(shown.contains("No open failure was found."), "{shown}");
}

#[test]
fn nothing_failing_is_not_clean_while_something_is_unknown() {
    let mut fixture = Fixture::new();
    fixture.verdicts.retain(|verdict| verdict.status == VerdictStatus::Unknown);
    for show in [table, plain] {
        let shown = show(&fixture.report(Lang::En), &TerminalOptions::default());
        assert!(shown.contains("not everything could be read"), "{shown}");
        assert!(!shown.contains("Keep it so"), "{shown}");
    }
}

#[test]
fn a_verdict_of_an_unknown_control_is_still_shown() {
    let mut fixture = Fixture::new();
    for verdict in &mut fixture.verdicts {
        verdict.control = "site.removed_control".to_owned();
    }
    for format in Format::ALL {
        let written = fixture.written(format, Lang::En);
        assert!(written.contains("site.removed_control"), "{}", format.as_str());
    }
}

#[test]
fn an_expression_that_could_not_be_evaluated_is_told_as_such() {
    let mut fixture = Fixture::new();
    let problem = "`<` cannot compare text with a number";
    for verdict in &mut fixture.verdicts {
        for part in &mut verdict.unread {
            *part = unread("", UnreadReason::Failed);
            part.call.clear();
            part.detail = problem.to_owned();
        }
    }
    for format in Format::ALL {
        let written = fixture.written(format, Lang::En);
        // Formats that escape show the rest of the sentence all the same.
        assert!(written.contains("cannot compare text"), "{}", format.as_str());
        assert!(!written.contains("the call failed"), "{}", format.as_str());
    }
}
