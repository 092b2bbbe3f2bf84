//! Every format, in both languages, against its golden file.
//! What a format must obey beyond looking right is in the other modules.

use yagura_model::{Lang, Severity, VerdictStatus};
use yagura_report::{Comparison, Format, TerminalOptions, table};

use crate::fixture::{Fixture, PRODUCTION, time, verdict};

fn check(format: Format) {
    let fixture = Fixture::new();
    for lang in Lang::ALL {
        let name = format!("{}_{}", format.as_str(), lang.code());
        insta::assert_snapshot!(name, fixture.written(format, lang));
    }
}

#[test]
fn table_reads_as_before() {
    check(Format::Table);
}

#[test]
fn plain_reads_as_before() {
    check(Format::Plain);
}

#[test]
fn json_lines_read_as_before() {
    check(Format::Json);
}

#[test]
fn csv_reads_as_before() {
    check(Format::Csv);
}

#[test]
fn ocsf_reads_as_before() {
    check(Format::Ocsf);
}

#[test]
fn asff_reads_as_before() {
    check(Format::Asff);
}

#[test]
fn sarif_reads_as_before() {
    check(Format::Sarif);
}

#[test]
fn junit_reads_as_before() {
    check(Format::Junit);
}

#[test]
fn html_reads_as_before() {
    // Style and script are files of their own; the golden file holds the rest of the page.
    let fixture = Fixture::new();
    for lang in Lang::ALL {
        let page = fixture.written(Format::Html, lang);
        let page = without(&without(&page, "<style>", "</style>"), "<script>", "</script>");
        let page = without(&page, "style-src ", "; img-src");
        insta::assert_snapshot!(format!("html_{}", lang.code()), page);
    }
}

fn without(text: &str, from: &str, to: &str) -> String {
    let (before, rest) = text.split_once(from).unwrap();
    let (_, after) = rest.split_once(to).unwrap();
    format!("{before}{from}…{to}{after}")
}

#[test]
fn a_comparison_is_shown_in_every_format_for_people_and_in_json() {
    let mut fixture = Fixture::new();
    let mut fixed = verdict(
        "ec2.security_group_ssh_closed",
        VerdictStatus::Fail,
        Severity::Medium,
        PRODUCTION,
        "us-east-1",
        "sg-1",
    );
    fixed.name = "web".to_owned();
    let mut former = fixture.verdicts.clone();
    former.retain(|old| !old.name.ends_with("-7"));
    former.push(fixed);
    for old in former.iter_mut().filter(|old| old.control == "account.root_mfa_enabled") {
        old.status = VerdictStatus::Fail;
    }
    // The listing of security groups was denied, so that nobody knows whether `web` is mended;
    // without it, it is.
    fixture.verdicts.retain(|now| !now.key.ends_with("AWS::EC2::SecurityGroup"));
    let mut comparison = Comparison::between(&former, &fixture.verdicts);
    comparison.former_id = "11".to_owned();
    comparison.former_started = time("2026-11-20T10:00:00Z");
    fixture.comparison = Some(comparison);
    for lang in Lang::ALL {
        let shown = table(&fixture.report(lang), &TerminalOptions::default());
        insta::assert_snapshot!(format!("compare_table_{}", lang.code()), shown);
        let shown = fixture.written(Format::Plain, lang);
        let lines: Vec<_> = shown.lines().filter(|line| line.contains("web")).collect();
        assert!(!lines.is_empty(), "{shown}");
        assert!(fixture.written(Format::Html, lang).contains("id=\"changes\""));
    }
    let json = fixture.written(Format::Json, Lang::En);
    let changes: Vec<_> = json.lines().filter(|line| line.contains("\"change\":")).collect();
    insta::assert_snapshot!("compare_json", changes.join("\n"));
}

#[test]
fn color_is_written_only_when_asked_and_says_nothing_alone() {
    let fixture = Fixture::new();
    let report = fixture.report(Lang::En);
    let plain = table(&report, &TerminalOptions::default());
    let colored = table(&report, &TerminalOptions { color: true, ..TerminalOptions::default() });
    assert!(!plain.contains('\u{1b}'));
    assert!(colored.contains('\u{1b}'));
    let mut bare = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        bare.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    bare.push_str(rest);
    let lines = |text: &str| text.lines().map(|l| l.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(lines(&bare), lines(&plain));
}

#[test]
fn plain_is_one_fact_a_line_without_drawing() {
    let fixture = Fixture::new();
    for lang in Lang::ALL {
        let shown = fixture.written(Format::Plain, lang);
        assert!(!shown.contains(|c| ('\u{2500}'..='\u{259f}').contains(&c)));
        assert!(!shown.contains("  - ") && !shown.contains("---"));
        assert!(shown.lines().all(|line| !line.trim().is_empty()));
    }
}
