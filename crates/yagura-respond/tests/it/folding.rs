//! Folding scans and alerts into findings, over real stores: what opens, what stays, what closes,
//! and that doing it twice, in parts or after being killed changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;
use yagura_content::Content;
use yagura_model::alert::{
    About, Alert, Entity, EntityKind, Signal, SignalKind, Suppression, Witness,
};
use yagura_model::finding::{
    Act, Actor, Change, Finding, FindingKind, FindingState, HistoryEntry, MarkKind, Scope,
};
use yagura_model::{
    Coverage, CoverageState, Exception, Prose, Resource, Severity, Verdict, VerdictStatus,
};
use yagura_respond::findings::{Fold, Folded};
use yagura_store::findings::{FindingFilter, Findings, Page};
use yagura_store::{Account, Location, ScanId, ScanOutcome, ScanStart, Store};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-west-1";
const TYPE: &str = "AWS::S3::Bucket";
const PUBLIC: &str = "s3.bucket_not_publicly_readable";
const VERSIONED: &str = "s3.bucket_versioned";

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + minute * 60).unwrap()
}

struct Bed {
    folder: tempfile::TempDir,
    store: Store,
    fold: Fold,
}

impl Bed {
    async fn new() -> Self {
        Self::with_rules("").await
    }

    async fn with_rules(rules: &str) -> Self {
        Self::with_site("rules.yaml", rules).await
    }

    /// With one file of the site's own, or none if it is empty.
    async fn with_site(name: &str, text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("site");
        std::fs::create_dir(&site).unwrap();
        if !text.is_empty() {
            std::fs::write(site.join(name), text).unwrap();
        }
        Self::over(folder).await
    }

    /// The same store, after the site's file was written or, without a text, deleted.
    async fn after(self, file: &str, text: Option<&str>) -> Self {
        let path = self.folder.path().join("site").join(file);
        match text {
            Some(text) => {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            None => std::fs::remove_file(path).unwrap(),
        }
        let content = Content::load(Some(&self.folder.path().join("site")));
        Self { fold: Fold::new(Arc::new(content)), ..self }
    }

    async fn over(folder: tempfile::TempDir) -> Self {
        let site = folder.path().join("site");
        let content = Content::load(Some(&site));
        assert!(content.lint(None).is_empty(), "{:?}", content.lint(None));
        let store = Store::open(&Location::in_folder(folder.path())).await.unwrap();
        Self { folder, store, fold: Fold::new(Arc::new(content)) }
    }

    fn findings(&self) -> Findings {
        self.store.findings(Scope::All)
    }

    /// A scan that lists buckets completely, sees some, and judges them.
    async fn scan(&self, minute: i64, buckets: &[&str], verdicts: &[Verdict]) -> ScanId {
        self.scan_that(minute, buckets, verdicts, ScanOutcome::Complete).await
    }

    async fn scan_that(
        &self,
        minute: i64,
        buckets: &[&str],
        verdicts: &[Verdict],
        outcome: ScanOutcome,
    ) -> ScanId {
        let start = ScanStart {
            started: at(minute),
            accounts: vec![Account {
                id: ACCOUNT.to_owned(),
                name: "Production".to_owned(),
                ou: String::new(),
            }],
            regions: vec![REGION.to_owned()],
            controls: vec![PUBLIC.to_owned(), VERSIONED.to_owned()],
            full: true,
        };
        let scan = self.store.begin_scan(&start).await.unwrap();
        let resources: Vec<Resource> = buckets.iter().map(|name| bucket(name)).collect();
        self.store.put_resources(scan, &resources).await.unwrap();
        let coverage = Coverage {
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
            type_name: TYPE.to_owned(),
            state: CoverageState::Complete,
            count: buckets.len() as u64,
        };
        self.store.put_coverage(scan, &[coverage]).await.unwrap();
        self.store.finish_scan(scan, outcome, at(minute)).await.unwrap();
        self.store.put_verdicts(scan, verdicts).await.unwrap();
        scan
    }

    async fn fold(&self, scan: ScanId, minute: i64) -> Folded {
        self.fold.fold_scan(&self.store, scan, at(minute)).await.unwrap()
    }

    async fn all(&self) -> Vec<Finding> {
        let page = Page { limit: 1_000, ..Page::default() };
        let mut found =
            self.findings().list(&FindingFilter::default(), &page).await.unwrap().findings;
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found
    }

    /// Where the findings stand, by control and bucket.
    async fn states(&self) -> BTreeMap<String, FindingState> {
        let name = |one: &Finding| {
            let seen = &one.observation;
            format!("{} {}", seen.content, seen.resource_name.as_deref().unwrap_or_default())
        };
        self.all().await.iter().map(|one| (name(one), one.state)).collect()
    }

    async fn history(&self) -> Vec<HistoryEntry> {
        self.findings().history_after(0, 10_000).await.unwrap()
    }
}

fn key(name: &str) -> String {
    format!("arn:aws:s3:::{name}")
}

fn bucket(name: &str) -> Resource {
    let tags = match name.strip_prefix("base-") {
        Some(_) => BTreeMap::from([(
            "aws:cloudformation:stack-name".to_owned(),
            "StackSet-base-0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0".to_owned(),
        )]),
        None => BTreeMap::new(),
    };
    Resource {
        key: key(name),
        arn: Some(key(name)),
        id: name.to_owned(),
        type_name: TYPE.to_owned(),
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        name: name.to_owned(),
        tags,
        ..Resource::default()
    }
}

fn verdict(control: &str, name: &str, status: VerdictStatus) -> Verdict {
    Verdict {
        control: control.to_owned(),
        status,
        severity: Severity::High,
        key: key(name),
        type_name: TYPE.to_owned(),
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        name: name.to_owned(),
        evidence: vec![("facts.public_access.read".to_owned(), json!(true))],
        unread: Vec::new(),
        exception: None,
    }
}

fn fail(name: &str) -> Verdict {
    verdict(PUBLIC, name, VerdictStatus::Fail)
}

#[tokio::test]
async fn a_failure_opens_and_a_pass_closes() {
    let bed = Bed::new().await;
    let scan = bed.scan(0, &["a", "b"], &[fail("a"), fail("b")]).await;
    let folded = bed.fold(scan, 1).await;
    assert_eq!((folded.opened, folded.still_open, folded.resolved), (2, 0, 0));
    let second = [fail("a"), verdict(PUBLIC, "b", VerdictStatus::Pass)];
    let scan = bed.scan(10, &["a", "b"], &second).await;
    let folded = bed.fold(scan, 11).await;
    assert_eq!((folded.opened, folded.still_open, folded.resolved), (0, 1, 1));
    let states = bed.states().await;
    assert_eq!(states[&format!("{PUBLIC} a")], FindingState::New);
    assert_eq!(states[&format!("{PUBLIC} b")], FindingState::Resolved);
    let all = bed.all().await;
    let finding = all.iter().find(|one| one.observation.key == key("a")).unwrap();
    assert_eq!(finding.occurrences, 2);
    assert_eq!(finding.first_seen_us, at(0).as_microsecond());
    assert_eq!(finding.last_seen_us, at(10).as_microsecond());
}

#[tokio::test]
async fn what_comes_back_opens_again() {
    let bed = Bed::new().await;
    let pass = verdict(PUBLIC, "a", VerdictStatus::Pass);
    for (minute, verdict) in [(0, fail("a")), (10, pass), (20, fail("a"))] {
        let scan = bed.scan(minute, &["a"], &[verdict]).await;
        bed.fold(scan, minute + 1).await;
    }
    let changes: Vec<&str> =
        bed.history().await.iter().map(|entry| entry.change.as_str()).collect();
    assert_eq!(changes, ["opened", "resolved", "reopened"]);
}

#[tokio::test]
async fn what_is_unknown_or_was_not_judged_stays() {
    let bed = Bed::new().await;
    let scan = bed.scan(0, &["a", "b"], &[fail("a"), fail("b")]).await;
    bed.fold(scan, 1).await;
    // The next scan cannot read one bucket, and does not judge the other at all.
    let unknown = verdict(PUBLIC, "a", VerdictStatus::Unknown);
    let scan = bed.scan(10, &["a", "b"], &[unknown]).await;
    let folded = bed.fold(scan, 11).await;
    assert_eq!(folded.resolved, 0);
    assert!(bed.states().await.values().all(|state| *state == FindingState::New));
}

#[tokio::test]
async fn an_interrupted_scan_closes_nothing_that_passes() {
    let bed = Bed::new().await;
    let scan = bed.scan(0, &["a"], &[fail("a")]).await;
    bed.fold(scan, 1).await;
    let pass = [verdict(PUBLIC, "a", VerdictStatus::Pass)];
    let scan = bed.scan_that(10, &["a"], &pass, ScanOutcome::Interrupted).await;
    assert_eq!(bed.fold(scan, 11).await.resolved, 0);
    assert_eq!(bed.states().await[&format!("{PUBLIC} a")], FindingState::New);
}

#[tokio::test]
async fn the_end_of_a_resource_closes_its_findings() {
    let bed = Bed::new().await;
    let gone = verdict(VERSIONED, "gone", VerdictStatus::Fail);
    let scan = bed.scan(0, &["a", "gone"], &[fail("a"), fail("gone"), gone]).await;
    bed.fold(scan, 1).await;
    let scan = bed.scan(10, &["a"], &[fail("a")]).await;
    let folded = bed.fold(scan, 11).await;
    assert_eq!(folded.resolved, 2);
    let reasons: Vec<Option<String>> = bed
        .history()
        .await
        .into_iter()
        .filter_map(|entry| match entry.change {
            Change::Resolved { reason, .. } => Some(reason),
            _ => None,
        })
        .collect();
    assert_eq!(reasons, [Some("resource_ended".to_owned()), Some("resource_ended".to_owned())]);
}

/// The reasons with which findings were resolved, in order.
async fn reasons(bed: &Bed) -> Vec<String> {
    let resolved = bed.history().await.into_iter().filter_map(|entry| match entry.change {
        Change::Resolved { reason, .. } => reason,
        _ => None,
    });
    resolved.collect()
}

#[tokio::test]
async fn findings_of_a_control_that_was_removed_close_and_open_again_when_it_is_back() {
    let bed = Bed::new().await;
    // A control of the site, say: this program has none of that name.
    let own = || verdict("s3.bucket_named_by_us", "a", VerdictStatus::Fail);
    let scan = bed.scan(0, &["a"], &[own(), fail("a")]).await;
    bed.fold(scan, 1).await;
    let scan = bed.scan_that(10, &["a"], &[fail("a")], ScanOutcome::Interrupted).await;
    assert_eq!(bed.fold(scan, 11).await.resolved, 0, "an interrupted scan closes nothing");
    let scan = bed.scan(20, &["a"], &[fail("a")]).await;
    let folded = bed.fold(scan, 21).await;
    assert_eq!((folded.resolved, folded.still_open), (1, 1));
    assert_eq!(reasons(&bed).await, ["content_ended"]);
    assert_eq!(bed.fold(scan, 22).await.resolved, 0, "and it is closed once");
    let scan = bed.scan(30, &["a"], &[own(), fail("a")]).await;
    assert_eq!(bed.fold(scan, 31).await.reopened, 1);
}

#[tokio::test]
async fn findings_of_a_control_that_is_switched_off_close_and_those_that_a_run_left_out_stay() {
    let bed = Bed::new().await;
    let versioned = || verdict(VERSIONED, "a", VerdictStatus::Fail);
    let scan = bed.scan(0, &["a"], &[fail("a"), versioned()]).await;
    bed.fold(scan, 1).await;
    let scan = bed.scan(10, &["a"], &[fail("a")]).await;
    assert_eq!(bed.fold(scan, 11).await.resolved, 0, "a run of one control");
    let off = format!("disable: [{VERSIONED}]\n");
    let bed = bed.after("selection.yaml", Some(&off)).await;
    // Named by its id it is judged all the same.
    let scan = bed.scan(20, &["a"], &[versioned()]).await;
    assert_eq!(bed.fold(scan, 21).await.resolved, 0);
    let scan = bed.scan(30, &["a"], &[fail("a")]).await;
    assert_eq!(bed.fold(scan, 31).await.resolved, 1);
    assert_eq!(reasons(&bed).await, ["content_ended"]);
    assert_eq!(bed.states().await[&format!("{VERSIONED} a")], FindingState::Resolved);
}

#[tokio::test]
async fn content_that_could_not_be_loaded_closes_nothing() {
    let bed = Bed::new().await;
    let own = || verdict("s3.bucket_named_by_us", "a", VerdictStatus::Fail);
    let scan = bed.scan(0, &["a"], &[own(), fail("a")]).await;
    bed.fold(scan, 1).await;
    let broken = "controls/s3/bucket_named_by_us.yaml";
    let bed = bed.after(broken, Some("title: [\n")).await;
    let scan = bed.scan(10, &["a"], &[fail("a")]).await;
    assert_eq!(bed.fold(scan, 11).await.resolved, 0);
    let bed = bed.after(broken, None).await;
    assert_eq!(bed.fold(scan, 12).await.resolved, 1, "and now it is really gone");
}

#[tokio::test]
async fn an_older_scan_folded_late_neither_closes_nor_reopens() {
    let bed = Bed::new().await;
    let older = [fail("a"), verdict(PUBLIC, "b", VerdictStatus::Pass)];
    let older = bed.scan(0, &["a", "b"], &older).await;
    let newer = [verdict(PUBLIC, "a", VerdictStatus::Pass), fail("b")];
    let newer = bed.scan(10, &["a", "b"], &newer).await;
    bed.fold(older, 1).await;
    bed.fold(newer, 11).await;
    let before = bed.states().await;
    bed.fold(older, 12).await;
    assert_eq!(bed.states().await, before);
    assert_eq!(before[&format!("{PUBLIC} a")], FindingState::Resolved);
    assert_eq!(before[&format!("{PUBLIC} b")], FindingState::New);
}

#[tokio::test]
async fn an_exception_of_the_site_suppresses_until_it_is_withdrawn() {
    let bed = Bed::new().await;
    let excepted = Verdict {
        exception: Some(Exception {
            owner: "web team".to_owned(),
            reason: "static site".to_owned(),
            expires: at(100_000),
        }),
        ..fail("a")
    };
    let scan = bed.scan(0, &["a"], &[excepted]).await;
    let folded = bed.fold(scan, 1).await;
    assert_eq!((folded.opened, folded.suppressed), (0, 1));
    assert_eq!(bed.states().await[&format!("{PUBLIC} a")], FindingState::Suppressed);
    let scan = bed.scan(10, &["a"], &[fail("a")]).await;
    assert_eq!(bed.fold(scan, 11).await.reopened, 1);
    assert_eq!(bed.states().await[&format!("{PUBLIC} a")], FindingState::New);
}

#[tokio::test]
async fn an_observation_says_where_it_lies_and_why_it_is_urgent() {
    let bed = Bed::new().await;
    let scan = bed.scan(0, &["base-customer"], &[fail("base-customer")]).await;
    bed.fold(scan, 1).await;
    let all = bed.all().await;
    let [finding] = all.as_slice() else { panic!("{all:?}") };
    let seen = &finding.observation;
    assert_eq!(seen.kind, FindingKind::Control);
    assert_eq!(seen.path.as_deref(), Some("controls/s3/bucket_not_publicly_readable.yaml"));
    assert_eq!(seen.cause, format!("{PUBLIC}@stackset:base"));
    assert!(seen.marks.contains(&(MarkKind::Module, "stackset:base".to_owned())));
    let has = |kind| seen.marks.iter().any(|(one, _)| *one == kind);
    assert!(has(MarkKind::Requirement), "{:?}", seen.marks);
    let factors: Vec<&str> =
        seen.rank.reasons.iter().map(|reason| reason.factor.as_str()).collect();
    assert_eq!(factors, ["severity", "exposure", "data", "account"]);
    assert_eq!(seen.rank.points, 360 + 100 + 70 + 45);
    assert_eq!(seen.evidence["evidence"][0][0], "facts.public_access.read");
}

#[tokio::test]
async fn a_finding_says_which_requirements_it_touches_of_the_frameworks_that_are_scored() {
    let marks = async |bed: &Bed| {
        let scan = bed.scan(0, &["a"], &[fail("a")]).await;
        bed.fold(scan, 1).await;
        let marks = bed.all().await.remove(0).observation.marks;
        let of = marks.into_iter().filter(|(kind, _)| *kind == MarkKind::Requirement);
        of.map(|(_, requirement)| requirement).collect::<Vec<String>>()
    };
    let all = marks(&Bed::new().await).await;
    // What the control says itself, and what a framework says of its theme.
    for requirement in ["fsbp/S3.2", "checklist/data.at_rest", "pci_dss_4/1.3.1"] {
        assert!(all.iter().any(|one| one == requirement), "{requirement}: {all:?}");
    }
    let scored = Bed::with_site("selection.yaml", "frameworks: [checklist]\n").await;
    let framework = |one: &String| one.split('/').next().unwrap().to_owned();
    let of: Vec<String> = marks(&scored).await.iter().map(framework).collect();
    assert_eq!(of, ["checklist"]);
}

fn alert(content: &str, actor: &str, minute: i64) -> Alert {
    let time_us = at(minute).as_microsecond();
    let about = About {
        kind: SignalKind::Detection,
        content: content.into(),
        path: "detections/cloudtrail/x.yaml".into(),
        title: Prose { en: "It happened".to_owned(), ja: "起きた".to_owned() },
        tags: vec!["attack.t1562.008".into()],
        window_us: 3_600_000_000,
        shadow: false,
    };
    let witness = Witness {
        time_us,
        source: "cloudtrail".into(),
        id: format!("event-{minute}").into(),
        account: Some(ACCOUNT.into()),
        region: Some(REGION.into()),
        actor: Some(actor.into()),
        address: Some("192.0.2.1".into()),
        resources: vec![key("a").into()],
        ..Witness::default()
    };
    let signal = Signal {
        kind: SignalKind::Detection,
        content: content.into(),
        severity: Severity::High,
        weak: false,
        entity: Entity { kind: EntityKind::Actor, id: actor.into() },
        time_us,
        witness,
        matched: vec![],
        contrast: None,
        more: vec![],
        more_events: vec![],
        events_total: 1,
        story: vec![],
    };
    Alert::of(&about, signal)
}

const EVE: &str = "arn:aws:iam::111122223333:user/eve";

impl Bed {
    async fn keep(&self, alerts: &[Alert], minute: i64) -> Folded {
        self.store.alerts().keep(alerts, at(minute)).await.unwrap();
        self.fold.fold_alerts(&self.store, at(minute)).await.unwrap()
    }
}

#[tokio::test]
async fn alerts_of_one_content_and_entity_are_one_finding() {
    let bed = Bed::new().await;
    let folded = bed.keep(&[alert("a.b", EVE, 0), alert("a.b", EVE, 120)], 130).await;
    assert_eq!((folded.opened, folded.still_open), (1, 0), "{folded:?}");
    let folded = bed.keep(&[alert("a.b", EVE, 240), alert("a.c", EVE, 240)], 250).await;
    assert_eq!(folded.opened, 1, "{folded:?}");
    let all = bed.all().await;
    assert_eq!(all.len(), 2);
    let finding = all.iter().find(|one| one.observation.content == "a.b").unwrap();
    assert_eq!(finding.occurrences, 3);
    assert_eq!(finding.observation.key, format!("actor:{EVE}"));
    assert_eq!(finding.observation.cause, format!("actor:{EVE}"));
    assert_eq!(finding.first_seen_us, at(0).as_microsecond());
    assert_eq!(finding.last_seen_us, at(240).as_microsecond());
    let marks = &finding.observation.marks;
    assert!(marks.contains(&(MarkKind::Address, "192.0.2.1".to_owned())));
    assert!(marks.contains(&(MarkKind::Attack, "attack.t1562.008".to_owned())));
}

#[tokio::test]
async fn what_is_in_shadow_is_no_finding_and_what_is_suppressed_is_a_suppressed_one() {
    let bed = Bed::new().await;
    let shadow = Alert { shadow: true, ..alert("a.shadow", EVE, 0) };
    let suppressed = Alert {
        suppressed: Some(Suppression {
            expires: at(100_000),
            owner: "soc".to_owned(),
            reason: "pentest".to_owned(),
        }),
        ..alert("a.known", EVE, 0)
    };
    let folded = bed.keep(&[shadow, suppressed], 10).await;
    assert_eq!((folded.opened, folded.suppressed), (0, 1));
    let states: Vec<FindingState> = bed.all().await.iter().map(|one| one.state).collect();
    assert_eq!(states, [FindingState::Suppressed]);
}

#[tokio::test]
async fn only_a_new_alert_opens_a_resolved_finding_again() {
    let bed = Bed::new().await;
    bed.keep(&[alert("a.b", EVE, 0)], 10).await;
    let id = bed.all().await[0].id.clone();
    let done = Act::SetState { to: FindingState::Resolved, reason: None };
    let person = Actor::Person("sea".to_owned());
    bed.findings().act(&[id], &done, &person, at(20), None).await.unwrap();
    // The same window grows: no new alert.
    let folded = bed.keep(&[alert("a.b", EVE, 30)], 40).await;
    assert_eq!(folded.reopened, 0, "{folded:?}");
    let folded = bed.keep(&[alert("a.b", EVE, 200)], 210).await;
    assert_eq!(folded.reopened, 1, "{folded:?}");
}

#[tokio::test]
async fn an_alert_on_a_resource_makes_its_failures_more_urgent() {
    let bed = Bed::new().await;
    let scan = bed.scan(0, &["a"], &[fail("a")]).await;
    bed.fold(scan, 1).await;
    let points = |all: &[Finding]| {
        let of_control = all.iter().find(|one| one.observation.kind == FindingKind::Control);
        of_control.unwrap().observation.rank.points
    };
    let before = points(&bed.all().await);
    bed.keep(&[alert("a.b", EVE, 5)], 6).await;
    let scan = bed.scan(10, &["a"], &[fail("a")]).await;
    bed.fold(scan, 11).await;
    assert_eq!(points(&bed.all().await), before + 95);
}

#[tokio::test]
async fn what_has_not_happened_for_long_matters_less() {
    let bed = Bed::new().await;
    bed.keep(&[alert("a.b", EVE, 0)], 10).await;
    let before = bed.all().await[0].observation.rank.points;
    let folded = bed.fold.fold_alerts(&bed.store, at(60 * 24 * 40)).await.unwrap();
    // The last minutes are always read again, so the finding counts as still open.
    assert_eq!((folded.opened, folded.reopened, folded.still_open), (0, 0, 1), "{folded:?}");
    let finding = bed.all().await.remove(0);
    assert_eq!(finding.observation.rank.points, before - 25 - 40);
    assert_eq!(finding.occurrences, 1);
    assert_eq!(bed.history().await.len(), 1);
}

const RULES: &str = r#"- id: payments
  when: finding.resource.name.startsWith("pay") && account.name == "Production"
  set:
    severity: critical
    assignee: payments-team
    due_in: 7d
    tags: {team: payments}
- id: pictures
  when: finding.kind == "control" && resource.name == "pictures"
  set:
    suppress: {for: 30d, reason: they are public, owner: web}
- id: nonsense
  when: finding.rank < finding.title
  set: {severity: low}
"#;

#[tokio::test]
async fn rules_act_on_what_is_seen_and_the_history_names_them() {
    let bed = Bed::with_rules(RULES).await;
    let verdicts = [fail("payroll"), fail("pictures"), fail("plain")];
    let scan = bed.scan(0, &["payroll", "pictures", "plain"], &verdicts).await;
    let folded = bed.fold(scan, 1).await;
    assert_eq!(folded.problems.keys().collect::<Vec<_>>(), ["nonsense"]);
    let all = bed.all().await;
    let of = |name: &str| {
        all.iter().find(|one| one.observation.resource_name.as_deref() == Some(name)).unwrap()
    };
    let paid = of("payroll");
    assert_eq!(paid.severity, Severity::Critical);
    assert_eq!(paid.assignee.as_deref(), Some("payments-team"));
    assert_eq!(paid.due_us, Some(at(1).as_microsecond() + 7 * 86_400_000_000));
    assert!(paid.labels.contains("team=payments"));
    let pictures = of("pictures");
    assert_eq!(pictures.state, FindingState::Suppressed);
    let by = pictures.suppression.as_ref().unwrap();
    assert_eq!((by.owner.as_str(), by.reason.as_str()), ("web", "they are public"));
    assert_eq!(of("plain").state, FindingState::New);
    assert_eq!(of("plain").assignee, None);
    let rules: Vec<String> = bed
        .history()
        .await
        .into_iter()
        .filter(|entry| matches!(entry.actor, Actor::Rule(_)))
        .map(|entry| format!("{} {}", entry.actor.name(), entry.change.as_str()))
        .collect();
    assert!(rules.contains(&"payments assigned".to_owned()), "{rules:?}");
    assert!(rules.contains(&"pictures suppressed".to_owned()), "{rules:?}");
    // Once more changes nothing.
    let before = (bed.all().await, bed.history().await.len());
    bed.fold(scan, 2).await;
    assert_eq!((bed.all().await, bed.history().await.len()), before);
}

#[tokio::test]
async fn a_persons_word_stands_before_a_rule() {
    let bed = Bed::with_rules(RULES).await;
    let buckets = ["payroll", "pictures"];
    let verdicts = [fail("payroll"), fail("pictures")];
    let scan = bed.scan(0, &buckets, &verdicts).await;
    bed.fold(scan, 1).await;
    let person = Actor::Person("sea".to_owned());
    let ids: Vec<String> = bed.all().await.into_iter().map(|one| one.id).collect();
    let findings = bed.findings();
    let to = |to: Option<&str>| Act::Assign { to: to.map(str::to_owned) };
    findings.act(&ids, &to(None), &person, at(2), None).await.unwrap();
    let open = Act::SetState { to: FindingState::InProgress, reason: None };
    findings.act(&ids, &open, &person, at(2), None).await.unwrap();
    let scan = bed.scan(10, &buckets, &verdicts).await;
    bed.fold(scan, 11).await;
    let all = bed.all().await;
    assert!(all.iter().all(|one| one.assignee.is_none()), "{all:?}");
    assert!(all.iter().all(|one| one.state == FindingState::InProgress), "{all:?}");
}

#[tokio::test]
async fn a_rule_that_is_newer_than_a_finding_acts_on_it_when_it_is_seen_again() {
    let mut bed = Bed::new().await;
    let scan = bed.scan(0, &["payroll"], &[fail("payroll")]).await;
    bed.fold(scan, 1).await;
    let with_rules = Bed::with_rules(RULES).await;
    bed.fold = with_rules.fold.clone();
    let scan = bed.scan(10, &["payroll"], &[fail("payroll")]).await;
    bed.fold(scan, 11).await;
    assert_eq!(bed.all().await[0].assignee.as_deref(), Some("payments-team"));
}

/// What a bucket's verdict is in one scan.
fn statuses() -> impl Strategy<Value = Vec<Option<VerdictStatus>>> {
    let one = prop_oneof![
        4 => Just(Some(VerdictStatus::Fail)),
        2 => Just(Some(VerdictStatus::Pass)),
        1 => Just(Some(VerdictStatus::Unknown)),
        1 => Just(Some(VerdictStatus::NotApplicable)),
        1 => Just(None),
    ];
    proptest::collection::vec(one, 4)
}

/// What findings are, without when their changes were written down.
fn essence(findings: Vec<Finding>) -> Vec<Finding> {
    let bare = |one: Finding| Finding { opened_us: 0, changed_us: 0, version: 0, ..one };
    findings.into_iter().map(bare).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whatever scans say: folding each scan twice leaves what folding once leaves, and so does a
    /// fold of everything again from the beginning.
    #[test]
    fn folding_again_changes_nothing(scans in proptest::collection::vec(statuses(), 1..4)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (once, twice) = (Bed::new().await, Bed::new().await);
            let mut ids = Vec::new();
            for (number, scan) in scans.iter().enumerate() {
                let minute = i64::try_from(number).unwrap() * 10;
                let names: Vec<String> = (0..scan.len()).map(|n| format!("bucket-{n}")).collect();
                let there = names.iter().zip(scan).filter(|(_, status)| status.is_some());
                let seen: Vec<&str> = there.map(|(name, _)| name.as_str()).collect();
                let verdicts: Vec<Verdict> = names
                    .iter()
                    .zip(scan)
                    .filter_map(|(name, status)| Some(verdict(PUBLIC, name, (*status)?)))
                    .collect();
                for (bed, times) in [(&once, 1), (&twice, 2)] {
                    let id = bed.scan(minute, &seen, &verdicts).await;
                    for _ in 0..times {
                        bed.fold(id, minute + 1).await;
                    }
                    if times == 2 {
                        ids.push(id);
                    }
                }
            }
            let expected = essence(once.all().await);
            assert_eq!(essence(twice.all().await), expected);
            let entries = twice.history().await.len();
            for id in ids {
                twice.fold(id, 1_000).await;
            }
            assert_eq!(essence(twice.all().await), expected);
            assert_eq!(twice.history().await.len(), entries);
        });
    }

    /// Alerts folded one by one, all at once, or twice leave the same findings.
    #[test]
    fn alerts_in_parts_are_alerts_at_once(
        minutes in proptest::collection::btree_set(0_i64..2_000, 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (parts, whole) = (Bed::new().await, Bed::new().await);
            let content = |minute: &i64| if minute % 3 == 0 { "a.b" } else { "a.c" };
            let of = |minute: &i64| alert(content(minute), EVE, *minute);
            let alerts: Vec<Alert> = minutes.iter().map(of).collect();
            for alert in &alerts {
                parts.keep(std::slice::from_ref(alert), 3_000).await;
            }
            whole.keep(&alerts, 3_000).await;
            whole.fold.fold_alerts(&whole.store, at(3_000)).await.unwrap();
            let bare = |all: Vec<Finding>| {
                essence(all).into_iter().map(|one| (one.id, one.state, one.occurrences,
                    one.first_seen_us, one.last_seen_us)).collect::<Vec<_>>()
            };
            assert_eq!(bare(parts.all().await), bare(whole.all().await));
        });
    }
}
