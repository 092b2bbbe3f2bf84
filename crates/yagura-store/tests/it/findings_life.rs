//! What must hold for any life of findings, and for several writers at once: no change is lost,
//! what a finding is follows from its history, and questions agree with the findings themselves.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use yagura_model::Severity;
use yagura_model::finding::{
    Act, Closing, ClosingReason, Finding, FindingState, FindingSuppression, HistoryEntry,
    Observation, Scope,
};
use yagura_store::findings::{FindingFilter, Findings, GroupBy, Page};
use yagura_store::{Location, Store};

use crate::bed::{Bed, at, beds};
use crate::findings::{alice, id, scan, seen};
use crate::processes::integrity;

const NAMES: [&str; 4] = ["w", "x", "y", "z"];

#[derive(Clone, Debug)]
enum Move {
    Observe(Vec<(usize, usize)>),
    Close(Vec<usize>),
    Act(usize, Act),
    EndSuppressions,
    Forget,
}

fn an_act() -> impl Strategy<Value = Act> {
    let state = (0_usize..5).prop_map(|n| Act::SetState { to: FindingState::ALL[n], reason: None });
    let severity = proptest::option::of(0_usize..5)
        .prop_map(|n| Act::SetSeverity { to: n.map(|n| Severity::ALL[n]) });
    let suppress = (0_i64..40).prop_map(|minute| {
        let (until_us, owner) = (at(minute).as_microsecond(), "bob".to_owned());
        Act::Suppress(FindingSuppression { until_us, owner, reason: "because".into() })
    });
    let assign = proptest::option::of(Just("carol".to_owned())).prop_map(|to| Act::Assign { to });
    let label = any::<bool>().prop_map(|on| match on {
        true => Act::Label { label: "夏".into() },
        false => Act::Unlabel { label: "夏".into() },
    });
    prop_oneof![
        3 => state,
        1 => severity,
        2 => suppress,
        1 => assign,
        1 => label,
        1 => Just(Act::Comment { text: "hm".into() }),
    ]
}

fn a_move() -> impl Strategy<Value = Move> {
    let some = || proptest::collection::vec((0_usize..4, 0_usize..3), 1..5);
    prop_oneof![
        5 => some().prop_map(Move::Observe),
        3 => proptest::collection::vec(0_usize..4, 1..4).prop_map(Move::Close),
        4 => (0_usize..4, an_act()).prop_map(|(n, act)| Move::Act(n, act)),
        1 => Just(Move::EndSuppressions),
        1 => Just(Move::Forget),
    ]
}

async fn make(findings: &Findings, minute: i64, one: &Move) {
    let now = at(minute);
    match one {
        Move::Observe(some) => {
            let observed = |(name, severity): &(usize, usize)| Observation {
                severity: Severity::ALL[severity + 1],
                ..seen("a", NAMES[*name], minute)
            };
            let some: Vec<Observation> = some.iter().map(observed).collect();
            findings.observe(&some, &scan(), now).await.unwrap();
        }
        Move::Close(names) => {
            let ids = names.iter().map(|name| id("a", NAMES[*name])).collect();
            let as_of_us = now.as_microsecond();
            let closing = Closing { ids, reason: ClosingReason::Passed, as_of_us };
            findings.close(&closing, &scan(), now).await.unwrap();
        }
        Move::Act(name, act) => {
            let ids = [id("a", NAMES[*name])];
            findings.act(&ids, act, &alice(), now, None).await.unwrap();
        }
        Move::EndSuppressions => drop(findings.end_suppressions(&scan(), now).await.unwrap()),
        Move::Forget => drop(findings.forget_resolved(at(minute - 5), 99).await.unwrap()),
    }
}

/// The life that a history tells, upon a finding that has had none.
fn folded(finding: &Finding, history: &[HistoryEntry]) -> Finding {
    let mut life = Finding {
        state: FindingState::New,
        severity: Severity::Informational,
        severity_set: None,
        opened_us: 0,
        assignee: None,
        due_us: None,
        suppression: None,
        tickets: vec![],
        labels: [].into(),
        resolved_us: None,
        comments: 0,
        commented: Vec::new(),
        changed_us: 0,
        version: 0,
        ..finding.clone()
    };
    history.iter().for_each(|entry| life.apply(&entry.change, entry.at_us));
    life
}

async fn check(bed: &Bed, moves: &[Move]) -> Result<(), TestCaseError> {
    let findings = bed.open().await.findings(Scope::All);
    let mut before: Vec<HistoryEntry> = Vec::new();
    for (minute, one) in moves.iter().enumerate() {
        make(&findings, minute as i64, one).await;
        let history = findings.history_after(0, 10_000).await.unwrap();
        prop_assert!(history.windows(2).all(|two| two[0].number < two[1].number));
        if !matches!(one, Move::Forget) {
            prop_assert_eq!(&history[..before.len()], &before[..], "only ever added to");
        }
        before = history;
    }
    let all = FindingFilter::default();
    let page = findings.list(&all, &Page::default()).await.unwrap();
    for finding in &page.findings {
        let history = findings.history(&finding.id, 0, 10_000).await.unwrap();
        prop_assert_eq!(&folded(finding, &history), finding);
        prop_assert_eq!(finding.version, history.len() as u64);
    }
    // Columns say what the findings say.
    let mut states: BTreeMap<&str, u64> = BTreeMap::new();
    page.findings.iter().for_each(|f| *states.entry(f.state.as_str()).or_default() += 1);
    let counts = findings.count_by(&all, GroupBy::State).await.unwrap().counts;
    let counted = counts.iter().map(|one| (one.value.as_str(), one.count)).collect();
    prop_assert_eq!(states, counted);
    let labeled = FindingFilter { labels: vec!["夏".into()], ..all.clone() };
    let texted = FindingFilter { text: Some("夏".into()), ..all };
    let expected = page.findings.iter().filter(|one| !one.labels.is_empty()).count() as u64;
    for filter in [labeled, texted] {
        prop_assert_eq!(findings.count(&filter).await.unwrap().count, expected);
    }
    Ok(())
}

#[test]
fn any_life_is_told_whole_by_its_history() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let moves = proptest::collection::vec(a_move(), 1..30);
    let run = |moves: Vec<Move>| {
        runtime.block_on(async {
            for bed in beds().await {
                check(&bed, &moves).await?;
            }
            Ok(())
        })
    };
    runner.run(&moves, run).unwrap();
}

/// Each writer observes findings of its own and one that all share.
async fn write(store: Store, writer: usize, rounds: i64) {
    let findings = store.findings(Scope::All);
    for round in 0..rounds {
        let mut some: Vec<Observation> =
            (0..20).map(|n| seen("a", &format!("w{writer}-{round}-{n}"), round)).collect();
        some.push(seen("a", "shared", round));
        findings.observe(&some, &scan(), at(round)).await.unwrap();
        let comment = Act::Comment { text: format!("{writer} {round}") };
        let ids = [id("a", "shared")];
        findings.act(&ids, &comment, &alice(), at(round), None).await.unwrap();
    }
}

/// A reader with a cursor, while others write: it must see every entry once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_with_a_cursor_misses_nothing_while_two_write() {
    for bed in beds().await {
        let (one, two) = (bed.open().await, bed.open().await);
        let reader = bed.open().await.findings(Scope::All);
        let writers = [tokio::spawn(write(one, 1, 10)), tokio::spawn(write(two, 2, 10))];
        let mut read: Vec<HistoryEntry> = Vec::new();
        let mut done = false;
        loop {
            let after = read.last().map_or(0, |entry| entry.number);
            let more = reader.history_after(after, 37).await.unwrap();
            if more.is_empty() && done {
                break;
            }
            read.extend(more);
            done = writers.iter().all(tokio::task::JoinHandle::is_finished);
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let all = reader.history_after(0, 10_000).await.unwrap();
        assert_eq!(read.len(), all.len());
        assert_eq!(read, all);
        assert_eq!(all.len(), 2 * 10 * 21 + 1, "opened, and commented");
        let shared = reader.get(&id("a", "shared")).await.unwrap().unwrap();
        assert_eq!((shared.comments, shared.occurrences), (20, 10));
        let count = reader.count(&FindingFilter::default()).await.unwrap().count;
        assert_eq!(count, 2 * 10 * 20 + 1);
    }
}

const CHILD: &str = "YAGURA_STORE_TEST_OBSERVER";
const BATCH: i64 = 40;

/// Not a test by itself: the process that the next test kills. Without an order it only makes
/// sure that it was not given one.
#[tokio::test]
async fn observer_that_is_killed() {
    let Ok(place) = std::env::var(CHILD) else {
        assert!(std::env::var_os(CHILD).is_none(), "an order that is not a text");
        return;
    };
    let findings = Store::open(&place.parse().unwrap()).await.unwrap().findings(Scope::All);
    let begun = findings.count(&FindingFilter::default()).await.unwrap().count as i64 / BATCH;
    for round in begun.. {
        let new = (0..BATCH).map(|n| seen("a", &format!("b{round}-{n}"), round));
        let again = (0..BATCH).map(|n| seen("a", &format!("b{}-{n}", round / 2), round));
        let some: Vec<Observation> = new.chain(again).collect();
        findings.observe(&some, &scan(), at(round)).await.unwrap();
        let ids: Vec<String> = some.iter().take(3).map(Observation::id).collect();
        let comment = Act::Comment { text: "hm".into() };
        findings.act(&ids, &comment, &alice(), at(round), None).await.unwrap();
        writeln!(std::io::stdout(), "observed").unwrap();
    }
}

#[tokio::test]
async fn a_killed_observer_leaves_whole_transactions_and_columns_that_agree() {
    let mut random = fastrand::Rng::with_seed(11);
    for bed in beds().await {
        bed.open().await.close().await;
        let place = match &bed.location {
            Location::Sqlite(file) => file.display().to_string(),
            Location::Postgres(url) => url.clone(),
        };
        for _ in 0..8 {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "findings_life::observer_that_is_killed", "--nocapture"])
                .env(CHILD, &place)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let until = random.usize(1..6);
            let said = lines.map_while(Result::ok).filter(|line| line == "observed").take(until);
            assert_eq!(said.count(), until, "it observes until it is killed");
            child.kill().unwrap();
            child.wait().unwrap();
            integrity(&bed).await;
            agrees(&bed.open().await.findings(Scope::All)).await;
        }
    }
}

/// Rows, history, columns and terms tell the same.
async fn agrees(findings: &Findings) {
    let all = FindingFilter::default();
    let count = findings.count(&all).await.unwrap().count;
    assert_eq!(count % BATCH as u64, 0, "a page is observed whole or not at all");
    let page = Page { limit: 1_000, ..Page::default() };
    let page = findings.list(&all, &page).await.unwrap();
    assert_eq!(page.findings.len() as u64, count.min(1_000));
    for finding in page.findings.iter().step_by(17) {
        let history = findings.history(&finding.id, 0, 10_000).await.unwrap();
        assert_eq!(&folded(finding, &history), finding);
        let name = finding.observation.resource_name.clone().unwrap();
        let text = FindingFilter { text: Some(format!(":{name}")), ..all.clone() };
        let found = findings.list(&text, &Page::default()).await.unwrap().findings;
        assert!(found.iter().any(|one| one.id == finding.id), "{name}");
    }
}
