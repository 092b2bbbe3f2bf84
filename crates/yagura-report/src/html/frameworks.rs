//! Scores of the page: the checklist item by item, frameworks, accounts.
//! How scores are computed is decided elsewhere; drawing is in `charts.rs`.

use serde::Serialize;
use yagura_model::{
    FrameworkScore, RequirementScore, RequirementState, Severity, StateCounts, VerdictCounts,
};

use super::Both;
use super::charts::{Cell, map};
use super::findings::{anchor, title};
use crate::catalog::RequirementEntry;
use crate::clean::clean;
use crate::phrases;
use crate::scan_report::ScanReport;

/// Reasons listed below one requirement; how many more there are is said.
const REASONS_MAX: usize = 3;

/// Controls listed below one item of the checklist; how many more there are is said.
const CONTROLS_MAX: usize = 12;

/// Frameworks whose percentage is shown for each account: more columns cannot be read.
const ACCOUNT_FRAMEWORKS_MAX: usize = 4;

/// The checklist.
#[derive(Serialize)]
pub(super) struct Checklist {
    pub(super) map: String,
    pub(super) summary: Both,
    pub(super) states: Vec<Share>,
    areas: Vec<Area>,
}

#[derive(Serialize)]
struct Area {
    title: Both,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    anchor: String,
    title: Both,
    state: &'static str,
    state_word: Both,
    attested: bool,
    behind: Both,
    measured: bool,
    bar: Vec<Segment>,
    why: Vec<Both>,
    reason: String,
    evidence: String,
    controls: Vec<ItemControl>,
    more_controls: usize,
}

#[derive(Serialize)]
struct ItemControl {
    anchor: String,
    title: Both,
    tone: &'static str,
    linked: bool,
}

/// A part of a bar.
#[derive(Serialize)]
pub(super) struct Segment {
    tone: &'static str,
    n: u64,
}

impl Segment {
    pub(super) fn new(tone: &'static str, n: u64) -> Self {
        Self { tone, n }
    }
}

/// How many are in one state.
#[derive(Serialize)]
pub(super) struct Share {
    tone: &'static str,
    word: Both,
    n: u64,
}

pub(super) fn checklist(report: &ScanReport<'_>) -> Option<Checklist> {
    let (framework, scores) = phrases::checklist(report)?;
    let all = report.scores.iter().find(|score| score.framework == framework.id)?;
    let mut areas = Vec::new();
    let mut cells = Vec::new();
    for group in &framework.groups {
        let members = framework.requirements.iter().filter(|item| item.group == group.id);
        let mut items = Vec::new();
        let mut row = Vec::new();
        for requirement in members {
            let Some(score) = scores.iter().find(|score| score.id == requirement.id) else {
                continue;
            };
            let title = Both::prose(&requirement.title);
            let item = item(report, score, title.clone());
            row.push(Cell { anchor: item.anchor.clone(), title, state: score.state });
            items.push(item);
        }
        areas.push(Area { title: Both::prose(&group.title), items });
        cells.push(row);
    }
    let states = &all.states;
    let n = states.met + states.partly + states.not_met + states.unknown + states.not_applicable;
    let summary = Both::of(|words| {
        words.fill(
            "report.checklist.summary",
            &[
                ("met", &states.met),
                ("partly", &states.partly),
                ("not_met", &states.not_met),
                ("unknown", &states.unknown),
                ("all", &n),
            ],
        )
    });
    Some(Checklist { map: map(&cells), summary, states: shares(states), areas })
}

fn item(report: &ScanReport<'_>, score: &RequirementScore, title: Both) -> Item {
    let attestation = score.attestation.as_ref();
    let text = |text: Option<&String>| text.map(|t| clean(t).into_owned()).unwrap_or_default();
    let mut controls: Vec<_> =
        score.controls.iter().map(|control| item_control(report, control)).collect();
    controls.sort_by_key(|control| match control.tone {
        "fail" => 0,
        "unknown" => 1,
        "pass" => 2,
        _ => 3,
    });
    let more_controls = controls.len().saturating_sub(CONTROLS_MAX);
    controls.truncate(CONTROLS_MAX);
    Item {
        anchor: anchor(&format!("item-{}", score.id)),
        title,
        state: score.state.as_str(),
        state_word: state_word(score.state),
        attested: score.attested,
        behind: Both::of(|words| phrases::behind(words, score)),
        measured: score.counts.applicable() > 0,
        bar: verdict_bar(&score.counts),
        why: whys(score),
        reason: text(attestation.map(|attestation| &attestation.reason)),
        evidence: text(attestation.map(|attestation| &attestation.evidence)),
        controls,
        more_controls,
    }
}

fn item_control(report: &ScanReport<'_>, control: &str) -> ItemControl {
    let counts = report.tally.controls.get(control).copied().unwrap_or_default();
    let tone = match counts {
        VerdictCounts { fail: 1.., .. } => "fail",
        VerdictCounts { unknown: 1.., .. } => "unknown",
        VerdictCounts { excepted: 1.., .. } => "accepted",
        VerdictCounts { pass: 1.., .. } => "pass",
        _ => "not_applicable",
    };
    ItemControl {
        anchor: anchor(control),
        title: title(report, control),
        tone,
        linked: tone == "fail",
    }
}

fn state_word(state: RequirementState) -> Both {
    Both::of(|words| phrases::state(words, state).to_owned())
}

fn whys(score: &RequirementScore) -> Vec<Both> {
    // The same causes in the same order, so both lists have the same length.
    let in_language = |lang| phrases::why_unknown(crate::words::words(lang), score, REASONS_MAX);
    let pairs =
        in_language(yagura_model::Lang::En).into_iter().zip(in_language(yagura_model::Lang::Ja));
    pairs.map(|(en, ja)| Both { en, ja }).collect()
}

fn verdict_bar(counts: &VerdictCounts) -> Vec<Segment> {
    vec![
        Segment { tone: "fail", n: counts.fail },
        Segment { tone: "unknown", n: counts.unknown },
        Segment { tone: "accepted", n: counts.excepted },
        Segment { tone: "pass", n: counts.pass },
    ]
}

fn shares(states: &StateCounts) -> Vec<Share> {
    [
        (RequirementState::NotMet, states.not_met),
        (RequirementState::Partly, states.partly),
        (RequirementState::Unknown, states.unknown),
        (RequirementState::Met, states.met),
        (RequirementState::NotApplicable, states.not_applicable),
    ]
    .into_iter()
    .filter(|(state, n)| *n > 0 || *state != RequirementState::NotApplicable)
    .map(|(state, n)| Share { tone: state.as_str(), word: state_word(state), n })
    .collect()
}

/// One framework.
#[derive(Serialize)]
pub(super) struct Framework {
    title: Both,
    version: String,
    percent: Both,
    bar: Vec<Segment>,
    states: Vec<Share>,
    attested: Option<Both>,
    manual: Option<Both>,
    aws_part: Option<Both>,
    groups: Vec<Group>,
}

#[derive(Serialize)]
struct Group {
    title: Both,
    requirements: Vec<Requirement>,
}

#[derive(Serialize)]
struct Requirement {
    id: String,
    title: Both,
    state: &'static str,
    state_word: Both,
    behind: Both,
    why: Vec<Both>,
    shared: Option<Both>,
    note: Option<Both>,
}

/// The frameworks that accounts have a percentage of.
pub(super) fn account_frameworks(report: &ScanReport<'_>) -> Vec<Both> {
    report
        .scores
        .iter()
        .take(ACCOUNT_FRAMEWORKS_MAX)
        .map(|score| full_title(report, score))
        .collect()
}

/// A framework's title with its version, where the title does not say it.
fn full_title(report: &ScanReport<'_>, score: &FrameworkScore) -> Both {
    let Some(entry) = report.catalog.framework(&score.framework) else {
        return Both::same(&score.framework);
    };
    let title = |title: &str| match entry.version.is_empty() || title.contains(&entry.version) {
        true => clean(title).into_owned(),
        false => format!("{} {}", clean(title), clean(&entry.version)),
    };
    Both { en: title(&entry.title.en), ja: title(&entry.title.ja) }
}

pub(super) fn frameworks(report: &ScanReport<'_>) -> Vec<Framework> {
    report.scores.iter().map(|score| framework(report, score)).collect()
}

fn framework(report: &ScanReport<'_>, score: &FrameworkScore) -> Framework {
    let entry = report.catalog.framework(&score.framework);
    let states = &score.states;
    let mut groups: Vec<Group> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for requirement in &score.requirements {
        let known = entry.and_then(|entry| entry.requirement(&requirement.id));
        let group = known.map_or("", |known| known.group.as_str());
        let place = *places.entry(group).or_insert_with(|| {
            let title = entry.and_then(|entry| entry.groups.iter().find(|g| g.id == group));
            let other = || Both::of(|words| words.get("html.scores.rest").to_owned());
            let title = title.map_or_else(other, |group| Both::prose(&group.title));
            groups.push(Group { title, requirements: Vec::new() });
            groups.len() - 1
        });
        let row = Requirement {
            id: clean(&requirement.id).into_owned(),
            title: known
                .map_or_else(|| Both::same(&requirement.id), |known| Both::prose(&known.title)),
            state: requirement.state.as_str(),
            state_word: state_word(requirement.state),
            behind: Both::of(|words| phrases::behind(words, requirement)),
            why: whys(requirement),
            shared: known.and_then(shared),
            note: known.and_then(|known| known.note.as_ref()).map(Both::prose),
        };
        if let Some(group) = groups.get_mut(place) {
            group.requirements.push(row);
        }
    }
    let (attested, manual) = (states.attested, states.manual);
    Framework {
        title: entry.map_or_else(|| Both::same(&score.framework), |e| Both::prose(&e.title)),
        version: entry.map(|entry| clean(&entry.version).into_owned()).unwrap_or_default(),
        percent: Both::of(|words| percent(words, states)),
        bar: vec![
            Segment { tone: "met", n: states.met },
            Segment { tone: "partly", n: states.partly },
            Segment { tone: "not_met", n: states.not_met },
            Segment { tone: "unknown", n: states.unknown },
        ],
        states: shares(states),
        attested: (attested > 0).then(|| {
            Both::of(|words| words.fill("html.scores.attested_share", &[("n", &attested)]))
        }),
        manual: (manual > 0)
            .then(|| Both::of(|words| words.fill("html.scores.manual_share", &[("n", &manual)]))),
        aws_part: entry.and_then(|entry| entry.aws_part.as_ref()).map(Both::prose),
        groups,
    }
}

/// Whose part a requirement is, where it is not the customer's alone.
fn shared(requirement: &RequirementEntry) -> Option<Both> {
    if !["shared", "aws"].contains(&requirement.responsible.as_str()) {
        return None;
    }
    let key = format!("report.responsible.{}", requirement.responsible);
    Some(Both::of(|words| words.get(&key).to_owned()))
}

fn percent(words: &crate::words::Words, states: &StateCounts) -> String {
    states.percent_met().map_or_else(
        || words.get("report.score.nothing").to_owned(),
        |percent| format!("{percent}%"),
    )
}

/// One account.
#[derive(Serialize)]
pub(super) struct Account {
    name: String,
    id: String,
    percents: Vec<Both>,
    bar: Vec<Segment>,
    failures: Vec<Share>,
    fail: u64,
    unknown: u64,
}

/// Every account with its figures, most critical failures first.
pub(super) fn accounts(report: &ScanReport<'_>) -> Vec<Account> {
    let mut ordered: Vec<_> = report.tally.accounts.iter().collect();
    let worst = |tally: &crate::scan_report::AccountTally| {
        Severity::ALL.map(|severity| tally.failures.get(&severity).copied().unwrap_or(0))
    };
    ordered.sort_by(|a, b| {
        let (mut of_a, mut of_b) = (worst(a.1), worst(b.1));
        of_a.reverse();
        of_b.reverse();
        of_b.cmp(&of_a).then_with(|| a.0.cmp(b.0))
    });
    // Bars of all accounts share one scale.
    let longest = ordered.iter().map(|(_, t)| t.counts.fail + t.counts.unknown).max().unwrap_or(0);
    ordered
        .into_iter()
        .map(|(id, tally)| {
            let failures = |severity: Severity| tally.failures.get(&severity).copied().unwrap_or(0);
            let mut bar: Vec<_> = Severity::ALL
                .into_iter()
                .rev()
                .map(|severity| Segment { tone: severity.as_str(), n: failures(severity) })
                .collect();
            bar.push(Segment { tone: "unknown", n: tally.counts.unknown });
            let blank = longest.saturating_sub(tally.counts.fail + tally.counts.unknown);
            bar.push(Segment { tone: "blank", n: blank });
            Account {
                name: report.scan.account_name(id).into_owned(),
                id: clean(id).into_owned(),
                percents: report
                    .scores
                    .iter()
                    .take(ACCOUNT_FRAMEWORKS_MAX)
                    .map(|score| account_percent(score, id))
                    .collect(),
                bar,
                failures: severities(&tally.failures),
                fail: tally.counts.fail,
                unknown: tally.counts.unknown,
            }
        })
        .collect()
}

fn account_percent(score: &FrameworkScore, id: &str) -> Both {
    let account = score.accounts.iter().find(|account| account.account == id);
    Both::of(|words| match account.and_then(|account| account.states.percent_met()) {
        Some(percent) => format!("{percent}%"),
        None => words.get("report.dash").to_owned(),
    })
}

/// Failures by severity, worst first; severities without any are left out.
pub(super) fn severities(failures: &std::collections::BTreeMap<Severity, u64>) -> Vec<Share> {
    failures
        .iter()
        .rev()
        .filter(|(_, n)| **n > 0)
        .map(|(severity, n)| Share {
            tone: severity.as_str(),
            word: Both::of(|words| phrases::severity(words, *severity).to_owned()),
            n: *n,
        })
        .collect()
}
