//! The page `/`: the checklist at a glance and how it went, the worst open findings, what is new,
//! the accounts, what could not be seen, the alerts of the last days, and how fresh all of it is.
//! Each part leads to the page that tells more; nothing is changed here.

mod gaps;

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use yagura_model::finding::{Finding, FindingKind, Scope};
use yagura_model::{Prose, RequirementState, Severity};
use yagura_report::{Catalog, words};
use yagura_store::findings::{Assignee, FindingFilter, GroupBy, Page, Span};
use yagura_store::scores::{ScanScore, ScorePoint};
use yagura_store::{Scan, ScanId};

use self::gaps::{Gap, gaps_of};
use super::findings::list::account_names;
use super::findings::open::OpenFindings;
use super::findings::{Row, row_of};
use crate::fault::{Answer, Fault};
use crate::gate::{Need, Routes};
use crate::layout::{self, Nav, Shown};
use crate::state::Console;
use crate::viewer::{Role, Viewer};

/// Findings, accounts and items of the checklist that are shown.
const WORST: usize = 8;
const ACCOUNTS: usize = 8;
/// Days of the chart of new findings, and scans of the trend.
const DAYS: i64 = 14;
const TREND: usize = 60;
const POINTS: usize = 20;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/", Need::Role(Role::Viewer), overview)
}

/// The page.
#[derive(Serialize)]
struct Overview {
    /// Nothing was ever scanned or found.
    first_run: bool,
    scan: Option<ScanShown>,
    checklist: Option<Checklist>,
    frameworks: Vec<FrameworkShown>,
    severities: Vec<Counted>,
    open: u64,
    worst: Vec<Row>,
    days: Vec<Day>,
    new_total: u64,
    accounts: Vec<AccountShown>,
    more_accounts: u64,
    gaps: Vec<Gap>,
    more_gaps: u64,
    alerts_day: Vec<Counted>,
    alerts_week: Vec<Counted>,
    alerts_week_total: u64,
    last_alert_us: Option<i64>,
    overdue: u64,
    unowned: u64,
}

/// The newest scan.
#[derive(Serialize)]
struct ScanShown {
    id: i64,
    state: &'static str,
    started: String,
    finished: Option<String>,
    resources: u64,
    accounts: usize,
    regions: usize,
}

/// How the checklist is met.
#[derive(Serialize)]
struct Checklist {
    percent: Option<u64>,
    states: Vec<Counted>,
    groups: Vec<GroupShown>,
    trend: Vec<Point>,
    before: Option<u64>,
    started: String,
}

/// An area of the checklist with its items.
#[derive(Serialize)]
struct GroupShown {
    title: Prose,
    items: Vec<Item>,
}

/// An item of the checklist.
#[derive(Serialize)]
struct Item {
    id: String,
    title: Prose,
    state: &'static str,
    fail: u64,
    attested: bool,
}

/// Another framework in numbers.
#[derive(Serialize)]
struct FrameworkShown {
    id: String,
    title: Prose,
    version: String,
    percent: Option<u64>,
    states: Vec<Counted>,
}

/// A number with its tone, which is its word too.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Counted {
    tone: &'static str,
    n: u64,
    /// What it is called where it is read out.
    word: String,
}

/// A point of the trend, in percent.
#[derive(Serialize)]
struct Point {
    label: String,
    n: Option<u64>,
}

/// What was first seen on a day.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Day {
    label: String,
    parts: Vec<Counted>,
}

/// An account with what is open in it.
#[derive(Serialize)]
struct AccountShown {
    id: String,
    name: String,
    critical: u64,
    high: u64,
    open: u64,
}

pub(super) async fn overview(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
) -> Answer {
    let accounts = account_names(&console, &viewer).await?;
    let (scores, counts, worst, new, alerts, seen) = tokio::join!(
        scores(&console, &viewer),
        counts(&console, &viewer, &accounts),
        worst(&console, &viewer, &accounts),
        new_days(&console, &viewer),
        alerts(&console, &viewer),
        seen(&console, &viewer),
    );
    let ((checklist, frameworks), counts, worst) = (scores?, counts?, worst?);
    let ((days, new_total), alerts, (scan, (gaps, more_gaps))) = (new?, alerts?, seen?);
    let words = words(viewer.lang);
    let first_run = scan.is_none() && !counts.any && alerts.last_us.is_none();
    let page = Overview {
        first_run,
        scan,
        checklist,
        frameworks,
        severities: counts.severities,
        open: counts.open,
        worst,
        days,
        new_total,
        accounts: counts.accounts,
        more_accounts: counts.more_accounts,
        gaps,
        more_gaps,
        alerts_week_total: alerts.week.iter().map(|one| one.n).sum(),
        alerts_day: alerts.day,
        alerts_week: alerts.week,
        last_alert_us: alerts.last_us,
        overdue: counts.overdue,
        unowned: counts.unowned,
    };
    let shown = Shown {
        template: "overview.html",
        nav: Nav::Overview,
        title: words.get("console.nav.overview"),
        path: "/",
        query: &[],
        page,
    };
    layout::page(&console, &viewer, shown)
}

/// How frameworks are met, the checklist item by item.
async fn scores(
    console: &Console,
    viewer: &Viewer,
) -> Result<(Option<Checklist>, Vec<FrameworkShown>), Fault> {
    let scores = console.store().scores(viewer.scope.clone());
    let (latest, trend, newest) = tokio::join!(
        scores.latest(Catalog::CHECKLIST),
        scores.trend(Catalog::CHECKLIST, TREND),
        scores.newest(),
    );
    let (latest, trend, newest) = (latest?, trend?, newest?);
    let checklist = latest.map(|latest| checklist_of(console, viewer, &latest, &trend));
    let content = console.content();
    let others = newest.into_iter().filter(|point| point.framework != Catalog::CHECKLIST);
    let shown = others.filter_map(|point| {
        let framework = content.frameworks.get(&point.framework)?;
        Some(FrameworkShown {
            title: framework.title.value.clone(),
            version: framework.version.clone(),
            percent: point.states.percent_met(),
            states: states_of(&point.states, viewer),
            id: point.framework,
        })
    });
    Ok((checklist, shown.collect()))
}

fn checklist_of(
    console: &Console,
    viewer: &Viewer,
    latest: &ScanScore,
    trend: &[ScorePoint],
) -> Checklist {
    let content = console.content();
    let framework = content.frameworks.get(Catalog::CHECKLIST);
    let groups = framework.map(|framework| {
        let groups = framework.groups.iter().map(|group| {
            let own = framework.requirements.iter().filter(|one| *one.group == *group.id);
            let items = own.filter_map(|requirement| {
                let mut all = latest.score.requirements.iter();
                let score = all.find(|score| score.id == *requirement.id)?;
                Some(Item {
                    id: score.id.clone(),
                    title: requirement.title.value.clone(),
                    state: score.state.as_str(),
                    fail: score.counts.fail,
                    attested: score.attested,
                })
            });
            GroupShown { title: group.title.value.clone(), items: items.collect() }
        });
        groups.filter(|group| !group.items.is_empty()).collect()
    });
    let whole: Vec<&ScorePoint> = trend.iter().filter(|point| point.whole).collect();
    let points = whole.iter().skip(whole.len().saturating_sub(POINTS)).map(|point| Point {
        label: point.started.to_zoned(viewer.zone.clone()).strftime("%m-%d").to_string(),
        n: point.states.percent_met(),
    });
    // Some four weeks ago, else the oldest there is.
    let month = SignedDuration::from_hours(28 * 24);
    let then = latest.started.checked_sub(month).unwrap_or(Timestamp::UNIX_EPOCH);
    let before = whole.iter().find(|point| point.started >= then && point.scan != latest.scan);
    Checklist {
        percent: latest.score.states.percent_met(),
        states: states_of(&latest.score.states, viewer),
        groups: groups.unwrap_or_default(),
        trend: points.collect(),
        before: before.and_then(|point| point.states.percent_met()),
        started: latest.started.to_string(),
    }
}

fn states_of(states: &yagura_model::StateCounts, viewer: &Viewer) -> Vec<Counted> {
    let words = words(viewer.lang);
    let all = [
        (RequirementState::Met, states.met),
        (RequirementState::Partly, states.partly),
        (RequirementState::NotMet, states.not_met),
        (RequirementState::Unknown, states.unknown),
        (RequirementState::NotApplicable, states.not_applicable),
    ];
    let counted = |(state, n): (RequirementState, u64)| {
        let word = words.get(&format!("console.verdict.{}", state.as_str())).to_owned();
        Counted { tone: state.as_str(), n, word }
    };
    all.into_iter().map(counted).collect()
}

/// What is open, in numbers.
struct Counts {
    /// Whether anything was ever found.
    any: bool,
    open: u64,
    severities: Vec<Counted>,
    accounts: Vec<AccountShown>,
    more_accounts: u64,
    overdue: u64,
    unowned: u64,
}

async fn counts(
    console: &Console,
    viewer: &Viewer,
    names: &BTreeMap<String, String>,
) -> Result<Counts, Fault> {
    let findings = console.store().findings(viewer.scope.clone());
    let past = Span { since: Some(Timestamp::UNIX_EPOCH), until: Some(console.now()) };
    let overdue = FindingFilter { due: past, ..FindingFilter::open() };
    let unowned = FindingFilter { assignee: Some(Assignee::Nobody), ..FindingFilter::open() };
    let (found, unowned, overdue) = tokio::join!(
        OpenFindings::read(console, viewer),
        findings.count(&unowned),
        findings.count(&overdue),
    );
    let (found, unowned, overdue) = (found?, unowned?, overdue?);
    let any = found.all() > 0 || findings.count(&FindingFilter::default()).await?.count > 0;
    let named = found.accounts.iter().filter(|(id, _)| !id.is_empty());
    let mut accounts: Vec<AccountShown> = named
        .map(|(id, one)| AccountShown {
            id: id.clone(),
            name: names.get(id).cloned().unwrap_or_default(),
            critical: one.critical,
            high: one.high,
            open: one.all,
        })
        .collect();
    accounts.sort_by_key(|one| std::cmp::Reverse((one.critical, one.high, one.open)));
    let more_accounts = accounts.len().saturating_sub(ACCOUNTS) as u64;
    accounts.truncate(ACCOUNTS);
    Ok(Counts {
        any,
        open: found.all(),
        severities: severities_of(viewer, |one| found.severities.get(&one).copied().unwrap_or(0)),
        accounts,
        more_accounts,
        overdue: overdue.count,
        unowned: unowned.count,
    })
}

fn severities_of(viewer: &Viewer, n: impl Fn(Severity) -> u64) -> Vec<Counted> {
    let words = words(viewer.lang);
    let counted = |one: &Severity| {
        let word = words.get(&format!("report.severity.{}", one.as_str())).to_owned();
        Counted { tone: one.as_str(), n: n(*one), word }
    };
    Severity::ALL.iter().rev().map(counted).collect()
}

async fn worst(
    console: &Console,
    viewer: &Viewer,
    accounts: &BTreeMap<String, String>,
) -> Result<Vec<Row>, Fault> {
    let page = Page { limit: WORST, ..Page::default() };
    let found =
        console.store().findings(viewer.scope.clone()).list(&FindingFilter::open(), &page).await?;
    let now_us = console.now().as_microsecond();
    let row = |finding: &Finding| row_of(finding, viewer.lang, now_us, accounts);
    Ok(found.findings.iter().map(row).collect())
}

/// What was first seen on each of the last days, by severity, whatever became of it.
async fn new_days(console: &Console, viewer: &Viewer) -> Result<(Vec<Day>, u64), Fault> {
    let findings = console.store().findings(viewer.scope.clone());
    let today = console.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let Ok(first) = today.checked_sub(jiff::Span::new().days(DAYS - 1)) else {
        return Ok((Vec::new(), 0));
    };
    let since = first.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp());
    let first_seen = Span { since, until: None };
    let filter = FindingFilter { first_seen, ..FindingFilter::default() };
    let mut by_day: BTreeMap<String, BTreeMap<&str, u64>> = BTreeMap::new();
    for (severity, counts) in findings.count_by_severity(&filter, GroupBy::FirstSeenDay).await? {
        for count in counts.counts {
            by_day.entry(count.value).or_default().insert(severity.as_str(), count.count);
        }
    }
    let days = days_of(first, &by_day, viewer);
    let total = days.iter().flat_map(|day| &day.parts).map(|part| part.n).sum();
    Ok((days, total))
}

fn days_of(
    first: Date,
    by_day: &BTreeMap<String, BTreeMap<&str, u64>>,
    viewer: &Viewer,
) -> Vec<Day> {
    let days = (0..DAYS).filter_map(|n| first.checked_add(jiff::Span::new().days(n)).ok());
    let day = |date: Date| {
        let own = by_day.get(&date.to_string());
        let n = |one: Severity| own.and_then(|own| own.get(one.as_str())).copied().unwrap_or(0);
        Day { label: date.strftime("%m-%d").to_string(), parts: severities_of(viewer, n) }
    };
    days.map(day).collect()
}

/// Alerts of the last day and week.
struct Alerts {
    day: Vec<Counted>,
    week: Vec<Counted>,
    last_us: Option<i64>,
}

/// Counts alerts as findings: only so are they within the viewer's accounts.
async fn alerts(console: &Console, viewer: &Viewer) -> Result<Alerts, Fault> {
    let findings = console.store().findings(viewer.scope.clone());
    let since = |hours: i64| console.now().checked_sub(SignedDuration::from_hours(hours)).ok();
    let filter = |hours| FindingFilter {
        kinds: vec![FindingKind::Alert],
        last_seen: Span { since: since(hours), until: None },
        ..FindingFilter::default()
    };
    let (day, week) = (filter(24), filter(7 * 24));
    let last = FindingFilter { kinds: vec![FindingKind::Alert], ..FindingFilter::default() };
    let newest =
        Page { limit: 1, order: yagura_store::findings::FindingOrder::LastSeen, ..Page::default() };
    let (day, week, last) = tokio::join!(
        findings.count_by(&day, GroupBy::Severity),
        findings.count_by(&week, GroupBy::Severity),
        findings.list(&last, &newest),
    );
    let (day, week, last) = (day?, week?, last?);
    let of = |counts: &yagura_store::findings::Counts| {
        severities_of(viewer, |one| {
            let mut all = counts.counts.iter();
            all.find(|count| count.value == one.as_str()).map_or(0, |count| count.count)
        })
    };
    let last_us = last.findings.first().map(|finding| finding.last_seen_us);
    Ok(Alerts { day: of(&day), week: of(&week), last_us })
}

/// The newest scan, and what it could not see.
async fn seen(
    console: &Console,
    viewer: &Viewer,
) -> Result<(Option<ScanShown>, (Vec<Gap>, u64)), Fault> {
    let store = console.store();
    let Some(scan) = store.latest_scan().await? else { return Ok((None, (Vec::new(), 0))) };
    let coverage = store.coverage(scan.id).await?;
    let own = coverage.iter().filter(|one| viewer.scope.admits(&one.account));
    let gaps = gaps_of(own.clone(), viewer.lang);
    // The scan's own figure is of everybody's accounts.
    let resources = match viewer.scope {
        Scope::All => scan.resources,
        Scope::Accounts(_) => own.map(|one| one.count).sum(),
    };
    Ok((Some(scan_of(&scan, viewer, resources)), gaps))
}

fn scan_of(scan: &Scan, viewer: &Viewer, resources: u64) -> ScanShown {
    let ScanId(id) = scan.id;
    let own = scan.start.accounts.iter().filter(|one| viewer.scope.admits(&one.id));
    ScanShown {
        id,
        state: scan.state.as_str(),
        started: scan.start.started.to_string(),
        finished: scan.finished.map(|at| at.to_string()),
        resources,
        accounts: own.count(),
        regions: scan.start.regions.len(),
    }
}
