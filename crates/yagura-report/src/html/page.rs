//! Everything that stands on the page, gathered from the scan and ready for the template.
//! Findings and scores are in `findings.rs` and `frameworks.rs`; the rows for the script in
//! `data.rs`.

use serde::Serialize;
use yagura_model::{Severity, Verdict, VerdictStatus};

use super::Both;
use super::findings::{Finding, Place, anchor, finding, title};
use super::frameworks::{
    Account, Checklist, Framework, Segment, account_frameworks, accounts, checklist, frameworks,
};
use crate::clean::clean;
use crate::phrases;
use crate::scan_report::{ScanReport, Standing, worst_first};
use crate::summary::{Gap, Summary};
use crate::words::{Words, grouped};

/// Findings named under "do this first".
const FIRST_MAX: usize = 5;

/// Rows of the table that stand on the page before (and without) the script.
const ROWS_MAX: usize = 100;

/// Rows of a list of changes or doubts; how many more there are is said.
const LIST_MAX: usize = 100;

/// The page.
#[derive(Serialize)]
pub(super) struct Page {
    scan: Scan,
    headline: Both,
    checklist: Option<Checklist>,
    severities: Vec<SeverityRow>,
    findings: Vec<Finding>,
    first: usize,
    all_findings: Both,
    blind: Option<Both>,
    rows: Vec<Row>,
    n: usize,
    n_grouped: String,
    all: bool,
    no_script: Both,
    gaps: Vec<GapRow>,
    doubts: Vec<Doubt>,
    more_doubts: Option<Both>,
    frameworks: Vec<Framework>,
    account_frameworks: Vec<Both>,
    accounts: Vec<Account>,
    accepted: Vec<Accepted>,
    more_accepted: Option<Both>,
    changes: Option<Changes>,
}

#[derive(Serialize)]
struct Scan {
    line: Both,
    facts: Both,
    started: String,
    finished: String,
    demo: bool,
    partial: bool,
    accounts: Vec<[String; 3]>,
    regions: String,
    version: Both,
}

#[derive(Serialize)]
struct SeverityRow {
    tone: &'static str,
    word: Both,
    n: String,
    bar: Vec<Segment>,
}

#[derive(Serialize)]
struct Row {
    severity: &'static str,
    severity_word: Both,
    standing: &'static str,
    standing_word: Both,
    title: Both,
    place: Place,
    type_name: String,
    why: Both,
}

#[derive(Serialize)]
struct GapRow {
    subject: String,
    reason: Both,
    behind: Both,
    remedy: Both,
    accounts: String,
}

#[derive(Serialize)]
struct Doubt {
    control: String,
    title: Both,
    n: String,
    severity: &'static str,
    severity_word: Both,
}

#[derive(Serialize)]
struct Accepted {
    title: Both,
    place: Place,
    owner: String,
    reason: String,
    until: String,
}

#[derive(Serialize)]
struct Changes {
    since: Both,
    summary: Both,
    groups: Vec<ChangeGroup>,
}

#[derive(Serialize)]
struct ChangeGroup {
    heading: Both,
    rows: Vec<Change>,
    more: Option<Both>,
}

#[derive(Serialize)]
struct Change {
    severity: &'static str,
    severity_word: Both,
    title: Both,
    anchor: String,
    linked: bool,
    place: Place,
    from_to: Option<Both>,
}

impl Page {
    pub(super) fn of(report: &ScanReport<'_>) -> Self {
        let summary = Summary::of(report);
        let mut sorted: Vec<&Verdict> = report.verdicts.iter().collect();
        sorted.sort_by(|a, b| worst_first(a, b));
        let n = sorted.len();
        let shown = n.min(ROWS_MAX);
        let findings: Vec<_> =
            summary.problems.iter().map(|problem| finding(report, problem)).collect();
        Self {
            scan: scan(report),
            headline: Both::of(|words| headline(words, report)),
            checklist: checklist(report),
            severities: severity_rows(report),
            first: FIRST_MAX,
            all_findings: fill("html.overview.more", findings.len()),
            findings,
            blind: blind(&summary),
            rows: sorted.iter().take(ROWS_MAX).map(|verdict| row(report, verdict)).collect(),
            n,
            n_grouped: grouped(n as u64),
            all: report.verdicts.iter().any(|verdict| {
                matches!(verdict.status, VerdictStatus::Pass | VerdictStatus::NotApplicable)
            }),
            no_script: Both::of(|words| {
                words.fill("html.results.no_script", &[("shown", &shown), ("n", &n)])
            }),
            gaps: summary.gaps.iter().map(|gap| gap_row(report, gap)).collect(),
            doubts: doubts(report, &summary),
            more_doubts: more(summary.doubts.len()),
            frameworks: frameworks(report),
            account_frameworks: account_frameworks(report),
            accounts: accounts(report),
            accepted: accepted(report, &summary),
            more_accepted: more(summary.accepted.len()),
            changes: changes(report),
        }
    }
}

fn fill(key: &str, n: usize) -> Both {
    Both::of(|words| words.fill(key, &[("n", &grouped(n as u64))]))
}

/// What is said where a list is longer than what is shown of it.
fn more(n: usize) -> Option<Both> {
    (n > LIST_MAX).then(|| fill("html.changes.more", n - LIST_MAX))
}

fn scan(report: &ScanReport<'_>) -> Scan {
    let scan = &report.scan;
    let started = phrases::minute(scan.started);
    Scan {
        line: Both::of(|words| match scan.id.as_str() {
            "" => words.fill("report.scan.line", &[("started", &started)]),
            id => words.fill("report.scan.with_id", &[("id", &clean(id)), ("started", &started)]),
        }),
        facts: Both::of(|words| {
            let facts = [
                words.count("report.count.accounts", scan.accounts.len() as u64),
                words.count("report.count.regions", scan.regions.len() as u64),
                words.count("report.count.resources", scan.resources),
            ];
            facts.join(words.get("report.and_list"))
        }),
        started: started.clone(),
        finished: phrases::minute(scan.finished),
        demo: scan.demo,
        partial: scan.partial,
        accounts: scan
            .accounts
            .iter()
            .map(|a| [&a.id, &a.name, &a.ou].map(|text| clean(text).into_owned()))
            .collect(),
        regions: clean(&scan.regions.join(", ")).into_owned(),
        version: Both::of(|words| {
            words.fill("html.about.version", &[("version", &clean(&scan.version))])
        }),
    }
}

/// One sentence that answers "how bad is it".
fn headline(words: &Words, report: &ScanReport<'_>) -> String {
    let Some((framework, _)) = phrases::checklist(report) else {
        return words.get("html.headline.none").to_owned();
    };
    let score = report.scores.iter().find(|score| score.framework == framework.id);
    let states = score.map(|score| score.states).unwrap_or_default();
    let all = score.map_or(0, |score| score.requirements.len());
    let open = states.not_met + states.partly;
    match (open, states.unknown) {
        (0, 0) => words.fill("html.headline.clean", &[("all", &all)]),
        (0, n) => words.fill("html.headline.clean_unknown", &[("n", &n), ("all", &all)]),
        (1, _) => words.fill("html.headline.item", &[("all", &all)]),
        (n, _) => words.fill("html.headline.items", &[("n", &n), ("all", &all)]),
    }
}

/// Bars against the longest of them.
fn severity_rows(report: &ScanReport<'_>) -> Vec<SeverityRow> {
    let failures = |severity| report.tally.failures.get(&severity).copied().unwrap_or(0);
    let most = Severity::ALL.into_iter().map(failures).max().unwrap_or(0);
    Severity::ALL
        .into_iter()
        .rev()
        .filter(|severity| *severity != Severity::Informational || failures(*severity) > 0)
        .map(|severity| SeverityRow {
            tone: severity.as_str(),
            word: Both::of(|words| phrases::severity(words, severity).to_owned()),
            n: grouped(failures(severity)),
            bar: vec![
                Segment::new(severity.as_str(), failures(severity)),
                Segment::new("blank", most - failures(severity)),
            ],
        })
        .collect()
}

fn blind(summary: &Summary<'_>) -> Option<Both> {
    match summary.gaps.iter().filter(|gap| gap.reason.is_blind()).count() {
        0 => None,
        1 => Some(fill("html.overview.blind_one", 1)),
        n => Some(fill("html.overview.blind", n)),
    }
}

fn severity_word(verdict: &Verdict) -> Both {
    Both::of(|words| phrases::severity(words, verdict.severity).to_owned())
}

fn row(report: &ScanReport<'_>, verdict: &Verdict) -> Row {
    let standing = Standing::of(verdict);
    let place = Place::of(report, verdict);
    Row {
        severity: verdict.severity.as_str(),
        severity_word: severity_word(verdict),
        standing: standing.as_str(),
        standing_word: Both::of(|words| phrases::standing(words, standing).to_owned()),
        title: title(report, &verdict.control),
        type_name: clean(&verdict.type_name).into_owned(),
        why: match standing {
            Standing::Unknown => Both::of(|words| phrases::why_verdict_unknown(words, verdict)),
            _ => Both::same(&phrases::evidence(verdict, 240)),
        },
        place,
    }
}

fn gap_row(report: &ScanReport<'_>, gap: &Gap<'_>) -> GapRow {
    let mut accounts: Vec<_> =
        gap.accounts.iter().map(|id| report.scan.account_name(id).into_owned()).collect();
    accounts.sort();
    GapRow {
        subject: clean(gap.subject()).into_owned(),
        reason: Both::of(|words| phrases::gap_reason(words, gap)),
        behind: Both::of(|words| phrases::gap_behind(words, gap)),
        remedy: Both::of(|words| phrases::gap_remedy(words, gap)),
        accounts: phrases::names(crate::words::words(report.lang), &accounts),
    }
}

fn doubts(report: &ScanReport<'_>, summary: &Summary<'_>) -> Vec<Doubt> {
    let shown = summary.doubts.iter().take(LIST_MAX);
    shown
        .map(|doubt| Doubt {
            control: clean(doubt.control).into_owned(),
            title: title(report, doubt.control),
            n: grouped(doubt.verdicts.len() as u64),
            severity: doubt.severity.as_str(),
            severity_word: Both::of(|words| phrases::severity(words, doubt.severity).to_owned()),
        })
        .collect()
}

fn accepted(report: &ScanReport<'_>, summary: &Summary<'_>) -> Vec<Accepted> {
    let shown = summary.accepted.iter().take(LIST_MAX);
    shown
        .filter_map(|verdict| {
            let exception = verdict.exception.as_ref()?;
            Some(Accepted {
                title: title(report, &verdict.control),
                place: Place::of(report, verdict),
                owner: clean(&exception.owner).into_owned(),
                reason: clean(&exception.reason).into_owned(),
                until: phrases::day(exception.expires),
            })
        })
        .collect()
}

fn changes(report: &ScanReport<'_>) -> Option<Changes> {
    let comparison = report.comparison?;
    let started = phrases::minute(comparison.former_started);
    let (new, fixed, changed) =
        (comparison.new.len(), comparison.fixed.len(), comparison.changed.len());
    let group =
        |heading: fn(&Words) -> &str, changes: Vec<(&Verdict, Option<&Verdict>)>| ChangeGroup {
            heading: Both::of(|words| heading(words).to_owned()),
            more: more(changes.len()),
            rows: changes
                .iter()
                .take(LIST_MAX)
                .map(|(verdict, before)| change(report, verdict, *before))
                .collect(),
        };
    let mut groups = vec![
        group(
            |words| words.get("report.compare.new"),
            comparison.new.iter().map(|verdict| (verdict, None)).collect(),
        ),
        group(
            |words| words.get("report.compare.fixed"),
            comparison.fixed.iter().map(|verdict| (verdict, None)).collect(),
        ),
        group(
            |words| words.get("report.compare.changed"),
            comparison.changed.iter().map(|(before, now)| (now, Some(before))).collect(),
        ),
    ];
    groups.retain(|group| !group.rows.is_empty());
    Some(Changes {
        since: Both::of(|words| words.fill("report.compare.since", &[("started", &started)])),
        summary: Both::of(|words| {
            words.fill(
                "report.compare.summary",
                &[("new", &new), ("fixed", &fixed), ("changed", &changed)],
            )
        }),
        groups,
    })
}

fn change(report: &ScanReport<'_>, verdict: &Verdict, before: Option<&Verdict>) -> Change {
    Change {
        severity: verdict.severity.as_str(),
        severity_word: severity_word(verdict),
        title: title(report, &verdict.control),
        anchor: anchor(&verdict.control),
        linked: report.tally.controls.get(&verdict.control).is_some_and(|c| c.fail > 0),
        place: Place::of(report, verdict),
        from_to: before.map(|before| Both::of(|words| phrases::from_to(words, before, verdict))),
    }
}
