//! Requirements and their states, from verdicts and attestations.

use yagura_content::Content;
use yagura_judge::frameworks::{Tally, score, score_all};
use yagura_model::{
    Exception, FrameworkScore, RequirementState, Severity, UnknownCause, UnreadReason, Verdict,
    VerdictStatus,
};

use crate::world::{content, control, now, unread};

const FRAMEWORK: &str = "title: {en: F, ja: F}\nversion: '1'\nsource: us, 2026\n\
    groups: [{id: g, title: {en: G, ja: G}}]\n\
    requirements:\n\
    - {id: r1, group: g, title: {en: R, ja: R}, assessment: automated}\n\
    - {id: r2, group: g, title: {en: R, ja: R}, assessment: automated}\n\
    - {id: r3, group: g, title: {en: R, ja: R}, assessment: manual}\n";

/// `a.x` serves r1 and r2, `a.y` serves r1, nothing serves r3.
fn two_controls(attestations: &str) -> Content {
    let file =
        |maps: &str| control("AWS::EC2::VPC", &format!("require: 'true'\nmaps: {{f: [{maps}]}}"));
    content(&[
        ("frameworks/f.yaml", FRAMEWORK.to_owned()),
        ("controls/a/x.yaml", file("r1, r2")),
        ("controls/a/y.yaml", file("r1")),
        ("attestations.yaml", attestations.to_owned()),
    ])
}

fn verdict(control: &str, status: VerdictStatus, account: &str, key: &str) -> Verdict {
    Verdict {
        control: control.to_owned(),
        status,
        severity: Severity::High,
        key: key.to_owned(),
        type_name: "AWS::EC2::VPC".to_owned(),
        account: account.to_owned(),
        region: "us-east-1".to_owned(),
        name: key.to_owned(),
        evidence: Vec::new(),
        unread: match status {
            VerdictStatus::Unknown => vec![unread("properties.A", UnreadReason::Denied)],
            _ => Vec::new(),
        },
        exception: None,
    }
}

fn scored(content: &Content, judged: &[&str], verdicts: &[Verdict]) -> FrameworkScore {
    let mut tally = Tally::new(judged.iter().copied());
    verdicts.iter().for_each(|verdict| tally.add(verdict));
    score(content, "f", &tally, now()).unwrap()
}

fn states(score: &FrameworkScore) -> Vec<RequirementState> {
    score.requirements.iter().map(|requirement| requirement.state).collect()
}

#[test]
fn a_requirement_gathers_all_of_its_controls_and_accounts() {
    use RequirementState::{Met, Partly, Unknown};
    let content = two_controls("[]");
    let score = scored(
        &content,
        &["a.x", "a.y"],
        &[
            verdict("a.x", VerdictStatus::Pass, "1", "k1"),
            verdict("a.y", VerdictStatus::Fail, "2", "k2"),
            verdict("a.y", VerdictStatus::Unknown, "2", "k3"),
        ],
    );
    assert_eq!(states(&score), [Partly, Met, Unknown]);
    let first = &score.requirements[0];
    assert_eq!((first.counts.pass, first.counts.fail, first.counts.unknown), (1, 1, 1));
    let accounts: Vec<_> = first.accounts.iter().map(|a| (a.account.as_str(), a.state)).collect();
    assert_eq!(accounts, [("1", Met), ("2", RequirementState::NotMet)]);
    assert_eq!(first.failing[0].key, "k2");
    assert_eq!(
        first.why_unknown,
        [UnknownCause::Unread {
            reason: UnreadReason::Denied,
            call: "s:Op".to_owned(),
            action: "s:Act".to_owned(),
            verdicts: 1,
        }]
    );
    assert_eq!(score.counts.pass, 1, "a verdict that serves two requirements counts once");
    assert_eq!(score.states.percent_met(), Some(33));
}

#[test]
fn each_kind_of_silence_has_its_own_reason() {
    let content = two_controls("[]");
    let score = scored(&content, &["a.y"], &[]);
    let why: Vec<_> = score.requirements.iter().map(|r| r.why_unknown.clone()).collect();
    assert_eq!(
        why,
        [
            vec![UnknownCause::NothingApplicable],
            vec![UnknownCause::NotSelected],
            vec![UnknownCause::Manual],
        ]
    );
    assert_eq!(score.requirements[1].controls_not_selected, ["a.x"]);
    assert_eq!(score.requirements[0].controls_not_selected, ["a.x"]);
}

/// One requirement that says `more` of itself, served by `a.x` through a theme.
fn one_requirement(more: &str, attestations: &str) -> Content {
    let part = "aws_part: {en: P, ja: P}\n";
    let requirement = format!("- {{id: r, group: g, title: {{en: R, ja: R}}, {more}}}\n");
    let (head, _) = FRAMEWORK.split_once("- {id: r1").unwrap();
    content(&[
        ("frameworks/f.yaml", format!("{part}{head}{requirement}")),
        ("themes/t.yaml", "title: {en: T, ja: T}\ncontrols: ['a.*']\n".to_owned()),
        ("controls/a/x.yaml", control("AWS::EC2::VPC", "require: 'true'")),
        ("attestations.yaml", attestations.to_owned()),
    ])
}

#[test]
fn a_part_that_is_in_order_does_not_make_the_whole_met() {
    use RequirementState::{Met, NotMet, Unknown};
    let whole = "themes: [t], assessment: automated";
    let part = "themes: [t], assessment: partial";
    let attested = "- {framework: f, requirement: r, state: met, by: A, reason: b, \
                    expires: 2999-01-01}";
    let check = |more, attestations, status, expected| {
        let content = one_requirement(more, attestations);
        let score = scored(&content, &["a.x"], &[verdict("a.x", status, "1", "k")]);
        assert_eq!(states(&score), [expected], "{more}");
        score
    };
    check(whole, "[]", VerdictStatus::Pass, Met);
    let score = check(part, "[]", VerdictStatus::Pass, Unknown);
    assert_eq!(score.requirements[0].why_unknown, [UnknownCause::RestManual]);
    assert_eq!((score.states.unknown, score.states.manual), (1, 1));
    let score = check(part, attested, VerdictStatus::Pass, Met);
    assert_eq!((score.states.attested, score.states.manual), (1, 0));
    check(part, attested, VerdictStatus::Fail, NotMet);
}

#[test]
fn a_site_chooses_the_frameworks_that_are_scored() {
    let check = |selection: &str, expected: usize| {
        let content = content(&[
            ("frameworks/f.yaml", FRAMEWORK.to_owned()),
            ("frameworks/other.yaml", FRAMEWORK.to_owned()),
            ("selection.yaml", selection.to_owned()),
        ]);
        let scores = score_all(&content, &Tally::new([]), now());
        assert_eq!(scores.len(), expected, "{selection}");
    };
    check("disable: []", 2);
    check("frameworks: [oth*]", 1);
}

#[test]
fn what_no_control_can_answer_says_whose_it_is() {
    let check = |more, expected| {
        let score = scored(&one_requirement(more, "[]"), &["a.x"], &[]);
        assert_eq!(score.requirements[0].why_unknown, [expected], "{more}");
        score.states.manual
    };
    assert_eq!(check("assessment: manual", UnknownCause::Manual), 1);
    let shared = "assessment: manual, responsible: shared";
    assert_eq!(check(shared, UnknownCause::Manual), 1);
    assert_eq!(check("assessment: manual, responsible: aws", UnknownCause::AwsPart), 1);
    assert_eq!(check("assessment: not_covered", UnknownCause::NotCovered), 0);
}

#[test]
fn what_is_not_applicable_anywhere_is_not_met_by_silence() {
    let content = two_controls("[]");
    let only = [verdict("a.x", VerdictStatus::NotApplicable, "1", "k")];
    let score = scored(&content, &["a.x", "a.y"], &only);
    assert_eq!(states(&score), [RequirementState::Unknown; 3]);
    assert!(score.accounts.is_empty());
}

#[test]
fn accepted_failures_are_counted_apart_and_do_not_fail() {
    let content = two_controls("[]");
    let mut accepted = verdict("a.x", VerdictStatus::Fail, "1", "k2");
    accepted.exception = Some(Exception {
        owner: "Aiko".to_owned(),
        reason: "old".to_owned(),
        expires: "2027-01-01T00:00:00Z".parse().unwrap(),
    });
    let score = scored(
        &content,
        &["a.x", "a.y"],
        &[verdict("a.x", VerdictStatus::Pass, "1", "k1"), accepted],
    );
    let second = &score.requirements[1];
    assert_eq!(second.state, RequirementState::Met);
    assert_eq!((second.counts.excepted, second.counts.fail), (1, 0));
    assert!(second.failing.is_empty());
}

#[test]
fn a_word_in_force_fills_in_and_an_expired_one_is_named() {
    let word = |requirement: &str, state: &str, expires: &str| {
        format!(
            "- {{framework: f, requirement: {requirement}, state: {state}, by: Aiko, \
             reason: drill of May, evidence: wiki, expires: {expires}}}\n"
        )
    };
    let good = word("r3", "met", "2027-01-01");
    let content = two_controls(&(good + &word("r1", "met", "2026-01-01")));
    let failed = [verdict("a.x", VerdictStatus::Fail, "1", "k")];
    let score = scored(&content, &["a.x", "a.y"], &failed);
    let third = &score.requirements[2];
    assert_eq!((third.state, third.attested), (RequirementState::Met, true));
    assert_eq!(third.measured, RequirementState::Unknown);
    assert_eq!(third.attestation.as_ref().unwrap().evidence, "wiki");
    let first = &score.requirements[0];
    assert_eq!((first.state, first.attested), (RequirementState::NotMet, false));
    assert!(matches!(first.why_unknown[..], [UnknownCause::AttestationExpired { .. }]));
    assert_eq!(score.states.attested, 1);
    let other = two_controls(&word("r1", "met", "2027-01-01"));
    let score = scored(&other, &["a.x", "a.y"], &failed);
    assert_eq!(score.requirements[0].state, RequirementState::NotMet);
}

#[test]
fn the_worst_failures_are_kept_whatever_the_order() {
    let content = two_controls("[]");
    let mut verdicts: Vec<_> =
        (0..30).map(|n| verdict("a.x", VerdictStatus::Fail, "1", &format!("k{n:02}"))).collect();
    verdicts[25].severity = Severity::Critical;
    let keys = |verdicts: &[Verdict]| -> Vec<String> {
        let score = scored(&content, &["a.x"], verdicts);
        score.requirements[1].failing.iter().map(|f| f.key.clone()).collect()
    };
    let forward = keys(&verdicts);
    assert_eq!(forward[..3], ["k25", "k00", "k01"]);
    assert_eq!(forward.len(), 10);
    verdicts.reverse();
    assert_eq!(keys(&verdicts), forward);
}

#[test]
fn an_unknown_framework_has_no_score() {
    assert!(score(&two_controls("[]"), "g", &Tally::default(), now()).is_none());
}
