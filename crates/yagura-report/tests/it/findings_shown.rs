//! Findings as people and programs read them: columns that fit, sums that add up, foreign names
//! made harmless, both languages.

use serde_json::{Value, json};
use yagura_model::finding::{
    Act, Actor, Change, Finding, FindingKind, FindingState, FindingSuppression, HistoryEntry,
    MarkKind, Observation, Rank, RankFactor, RankReason, act, observe,
};
use yagura_model::{Lang, Prose, Severity};
use yagura_report::{
    FindingList, GroupRow, TerminalOptions, finding_groups, finding_line, finding_story,
    findings_plain, findings_table, group_line, history_line, history_words,
};

const START_US: i64 = 1_790_000_000_000_000;

fn prose(en: &str, ja: &str) -> Prose {
    Prose { en: en.to_owned(), ja: ja.to_owned() }
}

fn seen(name: &str) -> Observation {
    Observation {
        kind: FindingKind::Control,
        content: "s3.bucket_versioned".to_owned(),
        path: Some("controls/s3/bucket_versioned.yaml".to_owned()),
        key: format!("arn:aws:s3:::{name}"),
        sub_key: String::new(),
        title: prose("Buckets keep versions", "バケットのバージョニングが有効である"),
        severity: Severity::High,
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        resource_type: Some("AWS::S3::Bucket".to_owned()),
        resource_name: Some(name.to_owned()),
        cause: "s3.bucket_versioned@stackset:baseline".to_owned(),
        first_us: START_US,
        last_us: START_US,
        occurrences: 1,
        rank: Rank {
            points: 405,
            reasons: vec![
                RankReason {
                    factor: RankFactor::Severity,
                    points: 360,
                    why: prose("its severity is high", "重要度は「高」です"),
                },
                RankReason {
                    factor: RankFactor::Account,
                    points: 45,
                    why: prose("it is production", "本番環境です"),
                },
            ],
        },
        marks: vec![(MarkKind::Tag, "env=prod".to_owned())],
        suppression: None,
        evidence: json!({"evidence": [["properties.Status", "Suspended"]]}),
    }
}

fn finding(name: &str) -> Finding {
    observe(None, seen(name), START_US).finding
}

fn list(findings: &[Finding], lang: Lang) -> FindingList<'_> {
    let total = findings.len() as u64 + 3;
    FindingList { findings, total, exact: true, by_severity: Some([0, 0, 0, total, 0]), lang }
}

fn options(width: usize) -> TerminalOptions {
    TerminalOptions { width, color: false, limit: 10 }
}

/// Columns of a text, roughly: what is beyond Latin takes two.
fn columns(line: &str) -> usize {
    line.chars().map(|c| if c > '\u{2e80}' { 2 } else { 1 }).sum()
}

#[test]
fn a_table_fits_its_terminal_and_keeps_the_id() {
    let long = "a-name-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on";
    let findings = [finding(long), finding("short")];
    for lang in Lang::ALL {
        for width in [80, 100, 160] {
            let text = findings_table(&list(&findings, lang), &options(width));
            for line in text.lines() {
                assert!(columns(line) <= width.max(100), "{width}: {line}");
            }
            for finding in &findings {
                assert!(text.contains(&finding.id[..8]), "{text}");
            }
        }
    }
}

#[test]
fn how_many_are_not_shown_is_said() {
    let findings = [finding("a")];
    let text = findings_table(&list(&findings, Lang::En), &options(120));
    assert!(text.starts_with("4 findings (High 4)"), "{text}");
    assert!(text.contains("and 3 more"), "{text}");
    let text = findings_plain(&list(&findings, Lang::Ja));
    assert!(text.starts_with("検出結果 4 件（高 4）"), "{text}");
    assert!(text.contains("ほか 3 件"), "{text}");
    let none = FindingList { total: 0, ..list(&[], Lang::En) };
    assert_eq!(findings_table(&none, &options(100)), "No findings.\n");
}

#[test]
fn foreign_names_rewrite_no_terminal() {
    let hostile = finding("evil\u{1b}[2J\u{202e}txt\n");
    let findings = [hostile.clone()];
    let history = [HistoryEntry {
        number: 1,
        finding: hostile.id.clone(),
        account: String::new(),
        at_us: START_US,
        actor: Actor::Person("e\u{1b}ve".to_owned()),
        change: Change::Commented { text: "hi\u{1b}[31m\u{202e}".to_owned() },
    }];
    let group = GroupRow {
        cause: "x@stack:\u{1b}[2J",
        count: 1,
        open: 1,
        severity: Severity::High,
        rank: 1,
        first_seen_us: START_US,
        last_seen_us: START_US,
        example: &hostile,
    };
    for lang in Lang::ALL {
        let list = list(&findings, lang);
        let mut json = Vec::new();
        finding_line(&hostile, lang, &mut json).unwrap();
        history_line(&history[0], &mut json).unwrap();
        group_line(&group, lang, &mut json).unwrap();
        let words = history_words(&history[0], lang);
        let texts = [
            findings_table(&list, &options(100)),
            findings_plain(&list),
            finding_story(&hostile, &history, false, None, (lang, START_US), &options(100)),
            finding_groups(&[group], 1, lang, false, &options(100)),
            finding_groups(&[group], 1, lang, true, &options(100)),
            String::from_utf8(json).unwrap(),
            format!("{} {}", words.who, words.what),
        ];
        for text in texts {
            let harmful = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!text.chars().any(harmful), "{text:?}");
        }
    }
}

#[test]
fn one_finding_in_full_says_why_it_is_urgent_and_what_happened() {
    let mut finding = finding("leaky");
    let until_us = START_US + 86_400_000_000;
    let (owner, reason) = ("sea".to_owned(), "a static site".to_owned());
    let by = FindingSuppression { until_us, owner, reason };
    for change in act(&finding, &Act::Suppress(by), START_US).unwrap() {
        finding.apply(&change, START_US);
    }
    assert_eq!(finding.state, FindingState::Suppressed);
    let entry = |number, change| HistoryEntry {
        number,
        finding: finding.id.clone(),
        account: String::new(),
        at_us: START_US,
        actor: Actor::Yagura("scan".to_owned()),
        change,
    };
    let reason = Some("passed".to_owned());
    let resolved = Change::Resolved { from: FindingState::New, reason, as_of_us: START_US };
    let history = [entry(1, Change::Opened { severity: Severity::High }), entry(2, resolved)];
    for (lang, words) in [
        (
            Lang::En,
            [
                "Rank: 405 of 1000 points",
                "+360  severity",
                "+45  account",
                "properties.Status = Suspended",
                "until 2026-09-22 14:13 UTC by sea: a static site",
                "resolved: the control passes",
            ],
        ),
        (
            Lang::Ja,
            [
                "順位点: 1000 点中 405 点",
                "+360  重要度",
                "+45  環境",
                "properties.Status = Suspended",
                "2026-09-22 14:13 UTC まで抑制中（sea: a static site）",
                "解決（コントロールに適合）",
            ],
        ),
    ] {
        let told = (lang, START_US);
        let text = finding_story(&finding, &history, false, None, told, &options(100));
        for word in words {
            assert!(text.contains(word), "lacks `{word}`:\n{text}");
        }
        assert!(!text.contains("findings."), "a word is missing:\n{text}");
    }
}

#[test]
fn a_group_names_its_cause() {
    let example = finding("a");
    let check = |cause: &str, lang: Lang, expected: &str| {
        let row = GroupRow {
            cause,
            count: 2,
            open: 2,
            severity: Severity::High,
            rank: 405,
            first_seen_us: START_US,
            last_seen_us: START_US,
            example: &example,
        };
        let text = finding_groups(&[row], 1, lang, true, &options(100));
        assert!(text.contains(expected), "{cause}: {text}");
    };
    check("s3.bucket_versioned@stackset:base", Lang::En, "stack set base");
    check("s3.bucket_versioned@stackset:base", Lang::Ja, "スタックセット base");
    check("s3.bucket_versioned@stack:1/eu-west-1/shop", Lang::En, "stack 1/eu-west-1/shop");
    check("s3.bucket_versioned@module:vpc", Lang::En, "module vpc");
    check("s3.bucket_versioned@111122223333", Lang::En, "account 111122223333");
    check("actor:arn:aws:iam::1:user/eve", Lang::En, "What arn:aws:iam::1:user/eve did");
    check("actor:arn:aws:iam::1:user/eve", Lang::Ja, "arn:aws:iam::1:user/eve の一連の操作");
}

#[test]
fn lines_for_programs_have_the_members_that_were_promised() {
    let mut out = Vec::new();
    finding_line(&finding("a"), Lang::En, &mut out).unwrap();
    let line: Value = serde_json::from_slice(&out).unwrap();
    let members: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        members,
        [
            "finding_id",
            "kind",
            "content",
            "path",
            "title",
            "severity",
            "severity_set",
            "rank",
            "state",
            "account",
            "region",
            "resource",
            "cause",
            "first_seen",
            "last_seen",
            "opened",
            "resolved",
            "occurrences",
            "assignee",
            "due",
            "suppression",
            "tickets",
            "labels",
            "comments",
            "changed",
            "version",
            "marks",
            "evidence",
        ]
    );
    assert_eq!(line["marks"], json!({"tag": ["env=prod"]}));
    let entry = HistoryEntry {
        number: 7,
        finding: "f".to_owned(),
        account: "1".to_owned(),
        at_us: START_US,
        actor: Actor::Rule("r".to_owned()),
        change: Change::DueSet { at_us: Some(START_US) },
    };
    let mut out = Vec::new();
    history_line(&entry, &mut out).unwrap();
    let line: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(line["change"], "due_set");
    assert_eq!(line["actor"], json!({"kind": "rule", "name": "r"}));
    assert_eq!(line["details"], json!({"at": "2026-09-21T14:13:20Z"}));
}
