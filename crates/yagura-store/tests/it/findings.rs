//! Findings: observed, acted on, closed, listed, counted, grouped and forgotten; the same on both
//! databases. Whose findings are seen is in `findings_scope.rs`, text in `findings_text.rs`.

use futures::TryStreamExt as _;
use serde_json::json;
use yagura_model::finding::{
    Act, ActOutcome, Actor, Closing, ClosingReason, Finding, FindingKind, FindingState,
    FindingSuppression, MarkKind, NoticedAs, Observation, Rank, Refusal, Scope, Ticket,
};
use yagura_model::{Prose, Severity};
use yagura_store::findings::{
    Assignee, FindingFilter, FindingOrder, Findings, GroupBy, GroupPage, Page, Span,
};

use crate::bed::{ACCOUNT, REGION, at, beds};

pub(crate) fn scan() -> Actor {
    Actor::Yagura("scan".into())
}

pub(crate) fn alice() -> Actor {
    Actor::Person("alice".into())
}

/// A control that a bucket fails, as seen in a minute of the tests' day.
pub(crate) fn seen(control: &str, bucket: &str, minute: i64) -> Observation {
    Observation {
        kind: FindingKind::Control,
        content: control.into(),
        path: Some(format!("controls/{control}.yaml")),
        key: format!("arn:aws:s3:::{bucket}"),
        sub_key: String::new(),
        title: Prose {
            en: format!("{control} fails"), ja: format!("{control} に不適合です")
        },
        severity: Severity::Medium,
        account: ACCOUNT.into(),
        region: REGION.into(),
        resource_type: Some("AWS::S3::Bucket".into()),
        resource_name: Some(bucket.into()),
        cause: format!("{control}@{ACCOUNT}"),
        first_us: at(minute).as_microsecond(),
        last_us: at(minute).as_microsecond(),
        occurrences: 1,
        rank: Rank { points: 300, reasons: vec![] },
        marks: vec![(MarkKind::Requirement, "cis/2.1.4".into())],
        suppression: None,
        evidence: json!({"properties.On": false}),
    }
}

pub(crate) fn id(control: &str, bucket: &str) -> String {
    seen(control, bucket, 0).id()
}

pub(crate) async fn observe(findings: &Findings, some: &[Observation], minute: i64) {
    findings.observe(some, &scan(), at(minute)).await.unwrap();
}

async fn noticed(findings: &Findings, some: &[Observation], minute: i64) -> Vec<NoticedAs> {
    let noticed = findings.observe(some, &scan(), at(minute)).await.unwrap();
    noticed.into_iter().map(|one| one.what).collect()
}

async fn get(findings: &Findings, id: &str) -> Finding {
    findings.get(id).await.unwrap().unwrap()
}

pub(crate) async fn told(findings: &Findings, id: &str) -> Vec<String> {
    let entries = findings.history(id, 0, 1_000).await.unwrap();
    entries.iter().map(|one| format!("{} {}", one.actor.name(), one.change.as_str())).collect()
}

/// Names of the buckets on the first page, in their order.
pub(crate) async fn listed(findings: &Findings, filter: &FindingFilter) -> Vec<String> {
    let page = findings.list(filter, &Page::default()).await.unwrap();
    assert_eq!(page.total.count, page.findings.len() as u64);
    assert!(page.total.exact && page.next.is_none());
    page.findings.into_iter().filter_map(|one| one.observation.resource_name).collect()
}

pub(crate) async fn act_on(findings: &Findings, id: &str, act: Act, minute: i64) -> ActOutcome {
    let ids = [id.to_owned()];
    let acted = findings.act(&ids, &act, &alice(), at(minute), None).await.unwrap();
    acted.into_iter().next().unwrap().outcome
}

fn until(minute: i64) -> FindingSuppression {
    let until_us = at(minute).as_microsecond();
    FindingSuppression { until_us, owner: "bob".into(), reason: "test account".into() }
}

fn closing(ids: &[String], minute: i64) -> Closing {
    let as_of_us = at(minute).as_microsecond();
    Closing { ids: ids.to_vec(), reason: ClosingReason::Passed, as_of_us }
}

#[tokio::test]
async fn an_observation_becomes_a_finding_and_the_same_again_changes_nothing() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        let one = [seen("a", "x", 0)];
        assert_eq!(noticed(&findings, &one, 1).await, [NoticedAs::Opened]);
        let first = get(&findings, &one[0].id()).await;
        assert_eq!(noticed(&findings, &one, 2).await, [NoticedAs::Seen]);
        let again = get(&findings, &one[0].id()).await;
        assert_eq!(again, first);
        assert_eq!((again.state, again.version, again.occurrences), (FindingState::New, 1, 1));
        assert_eq!(again.observation, one[0]);
        assert_eq!(told(&findings, &again.id).await, ["scan opened"]);
    }
}

#[tokio::test]
async fn being_seen_later_moves_the_times_and_leaves_the_life() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        observe(&findings, &[seen("a", "x", 0)], 1).await;
        observe(&findings, &[seen("a", "x", 10)], 11).await;
        let one = get(&findings, &id("a", "x")).await;
        assert_eq!(one.first_seen_us, at(0).as_microsecond());
        assert_eq!(one.last_seen_us, at(10).as_microsecond());
        assert_eq!((one.occurrences, one.version), (2, 1));
    }
}

#[tokio::test]
async fn several_observations_of_one_finding_in_one_call_are_joined_in_their_order() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        let worse = Observation { severity: Severity::High, ..seen("a", "x", 1) };
        let all = [seen("a", "x", 0), worse, seen("b", "y", 0)];
        let expected = [NoticedAs::Opened, NoticedAs::Raised, NoticedAs::Opened];
        assert_eq!(noticed(&findings, &all, 2).await, expected);
        let one = get(&findings, &id("a", "x")).await;
        assert_eq!((one.occurrences, one.severity), (2, Severity::High));
        // The older content comes again, and with it a newer one: the last word counts.
        let back = [seen("a", "x", 2), seen("a", "x", 3)];
        observe(&findings, &back, 4).await;
        assert_eq!(get(&findings, &id("a", "x")).await.severity, Severity::Medium);
        assert_eq!(
            told(&findings, &id("a", "x")).await,
            ["scan opened", "scan raised", "scan lowered"]
        );
    }
}

#[tokio::test]
async fn what_is_closed_reopens_only_when_it_is_seen_later() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        observe(&findings, &[seen("a", "x", 0), seen("a", "y", 0)], 1).await;
        let ids = [id("a", "x"), "0".repeat(32), "no identity".into()];
        assert_eq!(findings.close(&closing(&ids, 5), &scan(), at(6)).await.unwrap(), 1);
        assert_eq!(findings.close(&closing(&ids, 5), &scan(), at(6)).await.unwrap(), 0);
        assert_eq!(get(&findings, &ids[0]).await.state, FindingState::Resolved);
        assert_eq!(get(&findings, &id("a", "y")).await.state, FindingState::New);
        assert_eq!(noticed(&findings, &[seen("a", "x", 5)], 7).await, [NoticedAs::Seen]);
        assert_eq!(noticed(&findings, &[seen("a", "x", 6)], 7).await, [NoticedAs::Reopened]);
        let expected = ["scan opened", "scan resolved", "scan reopened"];
        assert_eq!(told(&findings, &ids[0]).await, expected);
        // Seen in a later scan than the one that says it is over.
        assert_eq!(findings.close(&closing(&ids, 5), &scan(), at(8)).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_suppressed_finding_stays_so_until_its_date() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        observe(&findings, &[seen("a", "x", 0), seen("a", "y", 0)], 1).await;
        let one = id("a", "x");
        let done = act_on(&findings, &one, Act::Suppress(until(100)), 2).await;
        assert_eq!(done, ActOutcome::Done { version: 2 });
        assert_eq!(noticed(&findings, &[seen("a", "x", 50)], 50).await, [NoticedAs::Seen]);
        assert_eq!(get(&findings, &one).await.state, FindingState::Suppressed);
        assert_eq!(findings.end_suppressions(&scan(), at(99)).await.unwrap(), 0);
        assert_eq!(findings.end_suppressions(&scan(), at(100)).await.unwrap(), 1);
        assert_eq!(get(&findings, &one).await.state, FindingState::New);
        act_on(&findings, &one, Act::Suppress(until(200)), 110).await;
        assert_eq!(noticed(&findings, &[seen("a", "x", 200)], 201).await, [NoticedAs::Reopened]);
    }
}

#[tokio::test]
async fn acts_change_a_finding_and_are_recorded_with_who_and_when() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        observe(&findings, &[seen("a", "x", 0)], 1).await;
        let one = id("a", "x");
        let ticket = Ticket { system: "jira".into(), key: "SEC-1".into(), url: String::new() };
        for (n, what) in [
            Act::SetState { to: FindingState::InProgress, reason: None },
            Act::Assign { to: Some("bob".into()) },
            Act::SetDue { at_us: Some(at(500).as_microsecond()) },
            Act::Comment { text: "明日直します".into() },
            Act::LinkTicket(ticket.clone()),
            Act::SetSeverity { to: Some(Severity::Critical) },
            Act::Label { label: "launch".into() },
        ]
        .into_iter()
        .enumerate()
        {
            let outcome = act_on(&findings, &one, what.clone(), 10 + n as i64).await;
            assert!(matches!(outcome, ActOutcome::Done { .. }), "{what:?}: {outcome:?}");
        }
        let finding = get(&findings, &one).await;
        assert_eq!(finding.state, FindingState::InProgress);
        assert_eq!(finding.assignee.as_deref(), Some("bob"));
        assert_eq!(finding.tickets, [ticket]);
        assert_eq!((finding.severity, finding.comments), (Severity::Critical, 1));
        assert_eq!(finding.version, 9, "opened, seven acts, of which one has two changes");
        let entries = findings.history(&one, 0, 100).await.unwrap();
        assert_eq!(entries.len(), 9);
        assert_eq!(entries[1].at_us, at(10).as_microsecond());
        assert_eq!(entries[1].actor, alice());
        assert!(entries.windows(2).all(|two| two[0].number < two[1].number));
        // What a person said about the severity outlives the next scan.
        observe(&findings, &[seen("a", "x", 60)], 60).await;
        assert_eq!(get(&findings, &one).await.severity, Severity::Critical);
    }
}

#[tokio::test]
async fn an_act_on_another_version_than_was_seen_is_a_conflict() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        observe(&findings, &[seen("a", "x", 0)], 1).await;
        let ids = [id("a", "x"), id("a", "x"), "f".repeat(32)];
        let act = |to| Act::SetState { to, reason: None };
        let acknowledge = act(FindingState::Acknowledged);
        let acted = findings.act(&ids, &acknowledge, &alice(), at(2), Some(1)).await.unwrap();
        let outcomes: Vec<_> = acted.into_iter().map(|one| one.outcome).collect();
        let done = ActOutcome::Done { version: 2 };
        assert_eq!(outcomes, [done.clone(), done, ActOutcome::Unknown]);
        let late = act(FindingState::Resolved);
        let acted = findings.act(&ids[..1], &late, &alice(), at(3), Some(1)).await.unwrap();
        assert_eq!(acted[0].outcome, ActOutcome::Conflict { version: 2 });
        assert_eq!(get(&findings, &ids[0]).await.state, FindingState::Acknowledged);
        let refused = act_on(&findings, &ids[0], Act::Suppress(until(1)), 5).await;
        assert_eq!(refused, ActOutcome::Refused { why: Refusal::DatePassed });
        let same = act_on(&findings, &ids[0], acknowledge, 5).await;
        assert_eq!(same, ActOutcome::Same { version: 2 });
        assert_eq!(told(&findings, &ids[0]).await.len(), 2);
    }
}

#[tokio::test]
async fn rules_are_applied_before_anybody_can_read_of_the_finding() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        let rules = |finding: &Finding, what: NoticedAs| {
            assert!(what > NoticedAs::Seen);
            let rule = Actor::Rule("accept-x".into());
            let name = finding.observation.resource_name.as_deref();
            match name {
                Some("x") => vec![(rule, Act::Suppress(until(100)))],
                _ => vec![(rule, Act::Suppress(until(-1)))],
            }
        };
        let both = [seen("a", "x", 0), seen("a", "y", 0)];
        findings.observe_with(&both, &scan(), at(1), &rules).await.unwrap();
        let entries = findings.history_after(0, 100).await.unwrap();
        let words: Vec<_> = entries.iter().map(|one| one.change.as_str()).collect();
        assert_eq!(words, ["opened", "suppressed", "opened"], "the other act was refused");
        assert_eq!(entries[1].actor, Actor::Rule("accept-x".into()));
        // Asked only where something was noticed.
        findings.observe_with(&both, &scan(), at(2), &rules).await.unwrap();
        assert_eq!(findings.history_after(entries[2].number, 100).await.unwrap(), []);
        assert_eq!(findings.history_end().await.unwrap(), entries[2].number);
    }
}

#[tokio::test]
async fn every_condition_finds_what_it_says_and_nothing_else() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        let odd = Observation {
            kind: FindingKind::Alert,
            content: "guardduty/Recon:EC2/Portscan".into(),
            severity: Severity::High,
            account: "444455556666".into(),
            region: "us-east-1".into(),
            resource_type: None,
            cause: "other".into(),
            rank: Rank { points: 900, reasons: vec![] },
            marks: vec![(MarkKind::Attack, "attack.t1046".into())],
            ..seen("b", "odd", 30)
        };
        let key = odd.key.clone();
        observe(&findings, &[seen("a", "plain", 0), odd.clone()], 31).await;
        act_on(&findings, &odd.id(), Act::Assign { to: Some("bob".into()) }, 32).await;
        act_on(&findings, &odd.id(), Act::Label { label: "war".into() }, 32).await;
        act_on(&findings, &odd.id(), Act::SetDue { at_us: Some(at(99).as_microsecond()) }, 32)
            .await;
        act_on(&findings, &odd.id(), Act::Suppress(until(88)), 32).await;
        let since = |minute| Span { since: Some(at(minute)), until: None };
        let before = |minute| Span { since: None, until: Some(at(minute)) };
        let all = FindingFilter::default;
        let only_odd = [
            FindingFilter { states: vec![FindingState::Suppressed], ..all() },
            FindingFilter { severities: vec![Severity::High, Severity::Critical], ..all() },
            FindingFilter { kinds: vec![FindingKind::Alert], ..all() },
            FindingFilter { contents: vec!["guardduty/*".into()], ..all() },
            FindingFilter { contents: vec!["guardduty/Recon:EC2/Portscan".into()], ..all() },
            FindingFilter { accounts: vec!["444455556666".into()], ..all() },
            FindingFilter { regions: vec!["us-east-1".into()], ..all() },
            FindingFilter { resource_types: vec![String::new()], ..all() },
            FindingFilter { keys: vec![key], ..all() },
            FindingFilter { causes: vec!["other".into()], ..all() },
            FindingFilter { marks: vec![(MarkKind::Attack, "attack.t1046".into())], ..all() },
            FindingFilter { labels: vec!["war".into()], ..all() },
            FindingFilter { assignee: Some(Assignee::Name("bob".into())), ..all() },
            FindingFilter { text: Some("PORTSCAN".into()), ..all() },
            FindingFilter { rank_min: Some(301), ..all() },
            FindingFilter { first_seen: since(30), ..all() },
            FindingFilter { last_seen: since(1), ..all() },
            FindingFilter { suppressed_until: before(89), ..all() },
            FindingFilter { due: since(99), ..all() },
        ];
        for filter in only_odd {
            assert_eq!(listed(&findings, &filter).await, ["odd"], "{filter:?}");
        }
        let only_plain = [
            FindingFilter { states: FindingState::OPEN.to_vec(), ..all() },
            FindingFilter { contents: vec!["a".into(), "never".into()], ..all() },
            FindingFilter { assignee: Some(Assignee::Nobody), ..all() },
            FindingFilter { first_seen: before(30), ..all() },
        ];
        for filter in only_plain {
            assert_eq!(listed(&findings, &filter).await, ["plain"], "{filter:?}");
        }
        let none = [
            FindingFilter { contents: vec!["guardduty/".into()], ..all() },
            FindingFilter { contents: vec!["nobody*".into()], ..all() },
            FindingFilter { accounts: vec!["999999999999".into()], ..all() },
            FindingFilter { labels: vec!["war".into(), "peace".into()], ..all() },
            FindingFilter { suppressed_until: before(88), ..all() },
            FindingFilter { due: before(99), ..all() },
            FindingFilter { keys: vec!["arn".into()], ..all() },
            FindingFilter {
                kinds: vec![FindingKind::Alert],
                regions: vec![REGION.into()],
                ..all()
            },
        ];
        for filter in none {
            assert!(listed(&findings, &filter).await.is_empty(), "{filter:?}");
        }
    }
}

#[tokio::test]
async fn pages_follow_one_another_in_every_order_without_gap_or_repeat() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        let some: Vec<Observation> = (0..23_u16)
            .map(|n| Observation {
                rank: Rank { points: n % 5, reasons: vec![] },
                severity: Severity::ALL[usize::from(n % 3)],
                ..seen("a", &format!("b{n:02}"), i64::from(n % 7))
            })
            .collect();
        observe(&findings, &some, 10).await;
        let due = Act::SetDue { at_us: Some(at(50).as_microsecond()) };
        act_on(&findings, &some[3].id(), due, 11).await;
        for order in [
            FindingOrder::Rank,
            FindingOrder::Severity,
            FindingOrder::LastSeen,
            FindingOrder::FirstSeen,
            FindingOrder::Due,
        ] {
            let mut page = Page { order, limit: 5, after: None };
            let mut all: Vec<Finding> = Vec::new();
            loop {
                let found = findings.list(&FindingFilter::default(), &page).await.unwrap();
                assert_eq!(found.total.count, 23);
                assert!(found.findings.len() <= 5);
                all.extend(found.findings);
                let Some(next) = found.next else { break };
                page.after = Some(next.to_string().parse().unwrap());
            }
            let mut ids: Vec<&str> = all.iter().map(|one| one.id.as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!((ids.len(), all.len()), (23, 23), "{order:?}");
            let value = |one: &Finding| match order {
                FindingOrder::Rank => i64::from(one.observation.rank.points),
                FindingOrder::Severity => one.severity as i64,
                FindingOrder::LastSeen => one.last_seen_us,
                FindingOrder::FirstSeen => one.first_seen_us,
                FindingOrder::Due => -one.due_us.unwrap_or(i64::MAX),
            };
            assert!(all.windows(2).all(|two| value(&two[0]) >= value(&two[1])), "{order:?}");
        }
        assert!("1.x".parse::<yagura_store::findings::FindingCursor>().is_err());
    }
}

#[tokio::test]
async fn a_facet_sets_its_own_condition_aside_and_no_other() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        let some: Vec<Observation> = (0..9_u8)
            .map(|n| Observation {
                severity: if n < 4 { Severity::High } else { Severity::Low },
                region: if n % 2 == 0 { "eu-west-1".into() } else { "us-east-1".into() },
                ..seen("a", &format!("a{n}"), 0)
            })
            .collect();
        observe(&findings, &some, 1).await;
        let filter = FindingFilter {
            severities: vec![Severity::High],
            regions: vec!["eu-west-1".into()],
            ..FindingFilter::default()
        };
        let check = async |filter: &FindingFilter, expected: [&[(&str, u64)]; 2]| {
            let by = [GroupBy::Severity, GroupBy::Region];
            let counted = findings.count_by_many(filter, &by).await.unwrap();
            for (counts, expected) in counted.iter().zip(expected) {
                let found: Vec<_> =
                    counts.counts.iter().map(|one| (one.value.as_str(), one.count)).collect();
                assert_eq!(found, expected);
            }
        };
        let severities = [("low", 3), ("high", 2)];
        check(&filter, [&severities, &[("eu-west-1", 2), ("us-east-1", 2)]]).await;
        // Where letters are compared all conditions hold for all counts.
        let text = FindingFilter { text: Some("fails".into()), ..filter };
        check(&text, [&[("high", 2)], &[("eu-west-1", 2)]]).await;
        check(
            &FindingFilter::default(),
            [&[("low", 5), ("high", 4)], &[("eu-west-1", 5), ("us-east-1", 4)]],
        )
        .await;
    }
}

#[tokio::test]
async fn counts_by_severity_are_those_of_each_severity_alone() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        let some: Vec<Observation> = (0..24_u8)
            .map(|n| Observation {
                severity: Severity::ALL[usize::from(n % 4)],
                region: if n % 3 == 0 { "eu-west-1".into() } else { "us-east-1".into() },
                ..seen("a", &format!("a{n}"), i64::from(n) * 120)
            })
            .collect();
        observe(&findings, &some, 24 * 120).await;
        let europe = || vec!["eu-west-1".to_owned()];
        for by in GroupBy::ALL {
            for regions in [Vec::new(), europe()] {
                let filter = FindingFilter { regions, ..FindingFilter::default() };
                let counted = findings.count_by_severity(&filter, by).await.unwrap();
                assert_eq!(counted.len(), Severity::ALL.len());
                for (severity, counts) in counted {
                    let alone = FindingFilter { severities: vec![severity], ..filter.clone() };
                    assert_eq!(counts, findings.count_by(&alone, by).await.unwrap(), "{by:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn counts_by_every_value_add_up() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        let mut some: Vec<Observation> = (0..10).map(|n| seen("a", &format!("a{n}"), 0)).collect();
        some.extend((0..5).map(|n| seen("b", &format!("b{n}"), 24 * 60)));
        observe(&findings, &some, 24 * 60).await;
        act_on(&findings, &id("a", "a0"), Act::Assign { to: Some("bob".into()) }, 3_000).await;
        let check = async |filter: &FindingFilter, by: GroupBy, expected: &[(&str, u64)]| {
            let counts = findings.count_by(filter, by).await.unwrap();
            let found: Vec<_> =
                counts.counts.iter().map(|one| (one.value.as_str(), one.count)).collect();
            assert_eq!(found, expected, "{by:?}");
            assert_eq!(counts.values, expected.len() as u64);
            assert_eq!(counts.total, findings.count(filter).await.unwrap());
        };
        let all = FindingFilter::default();
        check(&all, GroupBy::Severity, &[("medium", 15)]).await;
        check(&all, GroupBy::State, &[("new", 15)]).await;
        check(&all, GroupBy::Account, &[(ACCOUNT, 15)]).await;
        check(&all, GroupBy::Region, &[(REGION, 15)]).await;
        check(&all, GroupBy::Kind, &[("control", 15)]).await;
        check(&all, GroupBy::Content, &[("a", 10), ("b", 5)]).await;
        check(&all, GroupBy::ResourceType, &[("AWS::S3::Bucket", 15)]).await;
        let causes = [(format!("a@{ACCOUNT}"), 10), (format!("b@{ACCOUNT}"), 5)];
        let causes: Vec<_> = causes.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        check(&all, GroupBy::Cause, &causes).await;
        check(&all, GroupBy::Assignee, &[("", 14), ("bob", 1)]).await;
        let days = [("2026-09-21", 10), ("2026-09-22", 5)];
        check(&all, GroupBy::FirstSeenDay, &days).await;
        check(&all, GroupBy::LastSeenDay, &days).await;
        let only_b = FindingFilter { contents: vec!["b".into()], ..all.clone() };
        check(&only_b, GroupBy::LastSeenDay, &days[1..]).await;
        let never = FindingFilter { contents: vec!["c".into()], ..all };
        check(&never, GroupBy::Severity, &[]).await;
    }
}

#[tokio::test]
async fn findings_of_one_cause_are_one_group_led_by_the_highest_rank() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        let ranked = |bucket: &str, points| Observation {
            rank: Rank { points, reasons: vec![] },
            ..seen("a", bucket, 0)
        };
        let some = [ranked("x", 100), ranked("y", 700), seen("b", "z", 5)];
        observe(&findings, &some, 6).await;
        findings.close(&closing(&[id("a", "x")], 7), &scan(), at(7)).await.unwrap();
        let all = FindingFilter::default();
        let found = findings.groups(&all, GroupPage::default()).await.unwrap();
        assert_eq!((found.total, found.groups.len()), (2, 2));
        let first = &found.groups[0];
        assert_eq!((first.count, first.open, first.rank), (2, 1, 700));
        assert_eq!(first.example.id, id("a", "y"));
        assert_eq!(first.cause, format!("a@{ACCOUNT}"));
        let second = GroupPage { limit: 1, offset: 1 };
        let found = findings.groups(&all, second).await.unwrap();
        assert_eq!((found.total, found.groups[0].rank), (2, 300));
    }
}

#[tokio::test]
async fn what_is_not_resolved_is_streamed_for_closing() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        let some: Vec<Observation> = (0..2_100).map(|n| seen("a", &format!("b{n}"), 0)).collect();
        observe(&findings, &some, 1).await;
        findings.close(&closing(&[id("a", "b7")], 2), &scan(), at(2)).await.unwrap();
        act_on(&findings, &id("a", "b8"), Act::Suppress(until(99)), 3).await;
        let all = FindingFilter::default();
        let open: Vec<_> = findings.ids_open(&all).try_collect().await.unwrap();
        assert_eq!(open.len(), 2_099);
        assert!(open.iter().all(|one| one.id != id("a", "b7") && one.content == "a"));
        let hidden = open.iter().find(|one| one.id == id("a", "b8")).unwrap();
        assert_eq!(hidden.state, FindingState::Suppressed);
        assert_eq!(hidden.key, "arn:aws:s3:::b8");
        assert_eq!(hidden.resource_type, "AWS::S3::Bucket");
        let other = FindingFilter { contents: vec!["b".into()], ..all };
        let open: Vec<_> = findings.ids_open(&other).try_collect().await.unwrap();
        assert!(open.is_empty());
    }
}

#[tokio::test]
async fn old_resolved_findings_are_forgotten_and_their_number_stays() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        let some: Vec<Observation> = (0..6).map(|n| seen("a", &format!("b{n}"), 0)).collect();
        observe(&findings, &some, 1).await;
        let ids: Vec<String> = some.iter().map(Observation::id).collect();
        findings.close(&closing(&ids[..3], 10), &scan(), at(10)).await.unwrap();
        findings.close(&closing(&ids[3..5], 20), &scan(), at(20)).await.unwrap();
        assert_eq!(findings.forget_resolved(at(20), 2).await.unwrap(), 2);
        assert_eq!(findings.forget_resolved(at(20), 2).await.unwrap(), 1);
        assert_eq!(findings.forget_resolved(at(20), 2).await.unwrap(), 0);
        let left = findings.count(&FindingFilter::default()).await.unwrap();
        assert_eq!(left.count, 3);
        assert!(findings.get(&ids[0]).await.unwrap().is_none());
        assert!(findings.history(&ids[0], 0, 9).await.unwrap().is_empty());
        assert_eq!(findings.history(&ids[4], 0, 9).await.unwrap().len(), 2);
        let forgotten = findings.forgotten().await.unwrap();
        assert_eq!(forgotten.len(), 1);
        assert_eq!((forgotten[0].day.as_str(), forgotten[0].count), ("2026-09-21", 3));
        assert_eq!(forgotten[0].account, ACCOUNT);
        // What comes back is new, and found by its text again.
        assert_eq!(noticed(&findings, &some[..1], 30).await, [NoticedAs::Opened]);
        let text = FindingFilter { text: Some("b0".into()), ..FindingFilter::default() };
        assert_eq!(listed(&findings, &text).await, ["b0"]);
    }
}

#[tokio::test]
async fn findings_are_found_by_the_beginning_of_their_identity() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        observe(&findings, &[seen("a", "x", 0)], 1).await;
        let id = id("a", "x");
        let found = findings.find(id.get(..8).unwrap(), 9).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].id, id);
        assert!(findings.find("", 9).await.unwrap().is_empty());
        assert!(findings.find("xyz", 9).await.unwrap().is_empty());
        let both = findings.get_many(&["0".repeat(32), id.clone()]).await.unwrap();
        assert_eq!(both.len(), 1);
    }
}

#[tokio::test]
async fn a_finding_that_moves_to_another_account_is_that_accounts() {
    for bed in beds().await {
        let store = bed.open().await;
        let findings = store.findings(Scope::All);
        observe(&findings, &[seen("a", "x", 0)], 1).await;
        let moved = Observation { account: "444455556666".into(), ..seen("a", "x", 5) };
        observe(&findings, &[moved], 6).await;
        let of = |account: &str| store.findings(Scope::Accounts([account.to_owned()].into()));
        assert!(of(ACCOUNT).get(&id("a", "x")).await.unwrap().is_none());
        assert!(of("444455556666").get(&id("a", "x")).await.unwrap().is_some());
        let all = FindingFilter::default();
        assert_eq!(of(ACCOUNT).count(&all).await.unwrap().count, 0);
        assert_eq!(of("444455556666").count(&all).await.unwrap().count, 1);
        assert_eq!(told(&of(ACCOUNT), &id("a", "x")).await, ["scan opened"]);
    }
}

/// Everything that a question is answered with, as text.
async fn answers(findings: &Findings) -> String {
    let mut answers = Vec::new();
    let one = FindingFilter { severities: vec![Severity::Medium], ..FindingFilter::open() };
    for filter in [FindingFilter::default(), FindingFilter::open(), one] {
        let page = findings.list(&filter, &Page::default()).await.unwrap();
        let by = [GroupBy::State, GroupBy::Assignee, GroupBy::Severity, GroupBy::LastSeenDay];
        let counts = findings.count_by_many(&filter, &by).await.unwrap();
        let groups = findings.groups(&filter, GroupPage { limit: 9, offset: 0 }).await.unwrap();
        answers.push(format!("{page:?}\n{counts:?}\n{groups:?}"));
    }
    answers.join("\n")
}

/// Answers are made of what was read before as long as it holds; whoever changes it, in this
/// process or another, the next answer is the new one.
#[tokio::test]
async fn what_another_process_changes_is_in_the_next_answer() {
    for bed in beds().await {
        let (here, there) = (bed.open().await, bed.open().await);
        let (reader, writer) = (here.findings(Scope::All), there.findings(Scope::All));
        let mut before = answers(&reader).await;
        let (some, more) = ([seen("a", "x", 1), seen("b", "y", 1)], [seen("a", "x", 3000)]);
        let ids = [id("a", "x"), id("b", "y")];
        let assign = Act::Assign { to: Some("bob".into()) };
        let take_up = Act::SetState { to: FindingState::Acknowledged, reason: None };
        for step in 0..6 {
            match step {
                0 => observe(&writer, &some, 1).await,
                1 => {
                    let acted = act_on(&writer, &ids[0], assign.clone(), 2).await;
                    assert!(matches!(acted, ActOutcome::Done { .. }), "{acted:?}");
                }
                2 => {
                    let closed = closing(&ids[1..], 3);
                    assert_eq!(writer.close(&closed, &scan(), at(3)).await.unwrap(), 1);
                }
                3 => observe(&writer, &more, 3000).await,
                // What a reader changes itself counts as well.
                4 => {
                    let acted = act_on(&reader, &ids[0], take_up.clone(), 3001).await;
                    assert!(matches!(acted, ActOutcome::Done { .. }), "{acted:?}");
                }
                _ => assert_eq!(writer.forget_resolved(at(4000), 10).await.unwrap(), 1),
            }
            let now = answers(&reader).await;
            assert_ne!(now, before, "step {step} changed something");
            assert_eq!(now, answers(&bed.open().await.findings(Scope::All)).await, "step {step}");
            before = now;
        }
    }
}
