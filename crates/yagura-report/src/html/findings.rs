//! The findings of the page: one entry a control, with its reason, places and fixes.
//! Their order is decided in `summary.rs`.

use serde::Serialize;
use yagura_model::{Lang, Verdict};

use super::Both;
use crate::catalog::ControlEntry;
use crate::clean::{clean, clean_lines};
use crate::phrases;
use crate::scan_report::{ScanReport, resource_name};
use crate::summary::Problem;
use crate::words::grouped;

/// Places listed in one finding; all of them are in the table.
const PLACES_MAX: usize = 8;

/// Characters of evidence beside one place.
const EVIDENCE_CHARS_MAX: usize = 160;

/// One control with open failures.
#[derive(Serialize)]
pub(super) struct Finding {
    pub(super) anchor: String,
    pub(super) control: String,
    pub(super) severity: &'static str,
    pub(super) severity_word: Both,
    pub(super) title: Both,
    pub(super) place: Both,
    type_name: String,
    known: bool,
    why: Both,
    guidance: Both,
    responsible: Both,
    console_en: Vec<String>,
    console_ja: Vec<String>,
    cli: String,
    cloudformation: String,
    terraform: String,
    maps: Vec<String>,
    references: Vec<String>,
    places: Vec<Place>,
    all: Both,
    more: Option<Both>,
}

/// One resource of a finding.
#[derive(Serialize)]
pub(super) struct Place {
    name: String,
    key: String,
    account: String,
    region: String,
    evidence: String,
}

impl Place {
    pub(super) fn of(report: &ScanReport<'_>, verdict: &Verdict) -> Self {
        Self {
            name: resource_name(verdict).into_owned(),
            key: clean(&verdict.key).into_owned(),
            account: report.scan.account_name(&verdict.account).into_owned(),
            region: clean(&verdict.region).into_owned(),
            evidence: phrases::evidence(verdict, EVIDENCE_CHARS_MAX),
        }
    }
}

/// The id of a finding's element. The page's script makes the same id.
pub(super) fn anchor(control: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_');
    let id = control.chars().map(|c| if kept(c) { c } else { '-' });
    format!("c-{}", id.collect::<String>())
}

pub(super) fn title(report: &ScanReport<'_>, control: &str) -> Both {
    let title = |lang| clean(report.catalog.title(control, lang)).into_owned();
    Both { en: title(Lang::En), ja: title(Lang::Ja) }
}

pub(super) fn finding(report: &ScanReport<'_>, problem: &Problem<'_>) -> Finding {
    let entry = problem.entry;
    let fix = entry.map(|entry| entry.fix.clone()).unwrap_or_default();
    let steps = |steps: &[String]| steps.iter().map(|step| clean(step).into_owned()).collect();
    let n = problem.verdicts.len();
    let more = n.saturating_sub(PLACES_MAX);
    Finding {
        anchor: anchor(problem.control),
        control: clean(problem.control).into_owned(),
        severity: problem.severity.as_str(),
        severity_word: Both::of(|words| phrases::severity(words, problem.severity).to_owned()),
        title: title(report, problem.control),
        place: Both::of(|words| phrases::place(words, problem)),
        type_name: entry.map(|entry| clean(&entry.type_name).into_owned()).unwrap_or_default(),
        known: entry.is_some(),
        why: entry.map(|entry| Both::prose(&entry.why)).unwrap_or_default(),
        guidance: entry.map(guidance).unwrap_or_default(),
        responsible: entry.map(responsible).unwrap_or_default(),
        console_en: steps(&fix.console_en),
        console_ja: steps(&fix.console_ja),
        cli: clean_lines(fix.cli.trim()),
        cloudformation: clean_lines(fix.cloudformation.trim()),
        terraform: clean_lines(fix.terraform.trim()),
        maps: crate::standards::requirements(entry),
        references: entry.map(links).unwrap_or_default(),
        places: problem
            .verdicts
            .iter()
            .take(PLACES_MAX)
            .map(|verdict| Place::of(report, verdict))
            .collect(),
        all: Both::of(|words| words.fill("html.finding.all_places", &[("n", &grouped(n as u64))])),
        more: (more > 0)
            .then(|| Both::of(|words| words.fill("html.finding.more_places", &[("n", &more)]))),
    }
}

fn guidance(entry: &ControlEntry) -> Both {
    Both::of(|words| {
        let key = match entry.guidance.as_str() {
            "mandatory" => "report.guidance.mandatory",
            "elective" => "report.guidance.elective",
            _ => "report.guidance.strongly_recommended",
        };
        words.get(key).to_owned()
    })
}

fn responsible(entry: &ControlEntry) -> Both {
    Both::of(|words| {
        let key = match entry.responsible.as_str() {
            "shared" => "report.responsible.shared",
            "aws" => "report.responsible.aws",
            _ => "report.responsible.customer",
        };
        words.get(key).to_owned()
    })
}

/// Only https is linked: a site's own content could otherwise bring a `javascript:` address.
fn links(entry: &ControlEntry) -> Vec<String> {
    let https = entry.references.iter().filter(|link| link.starts_with("https://"));
    https.map(|link| clean(link).into_owned()).collect()
}
