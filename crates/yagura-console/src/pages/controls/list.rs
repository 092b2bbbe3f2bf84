//! The list of controls: search, filters in the address, how each stands in the latest scans.
//! One control is in `control.rs`.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use axum_extra::extract::Query;
use serde::Serialize;
use yagura_content::Content;
use yagura_content::format::{Control, Guidance};
use yagura_model::{Prose, Severity, VerdictCounts};
use yagura_report::words;

use crate::fault::Answer;
use crate::layout::links;
use crate::layout::{Nav, Shown, page};
use crate::pages::standing::Standing;
use crate::state::Console;
use crate::viewer::Viewer;

/// Controls on a page.
const ROWS: usize = 50;

#[derive(Serialize)]
struct ListView {
    q: String,
    choices: Vec<Choice>,
    rows: Vec<RowView>,
    found: usize,
    all: usize,
    first: bool,
    next: Option<String>,
    filtered: bool,
    /// When the newest verdicts were given; none where nothing was judged yet.
    judged_us: Option<i64>,
    totals: Counts,
}

/// A filter with its values.
#[derive(Serialize)]
struct Choice {
    name: &'static str,
    chosen: String,
    values: Vec<(String, Option<Prose>)>,
}

/// How a control stands.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct Counts {
    pub(super) pass: u64,
    pub(super) fail: u64,
    pub(super) unknown: u64,
    pub(super) not_applicable: u64,
}

#[derive(Serialize)]
struct RowView {
    href: String,
    id: String,
    title: Prose,
    service: String,
    severity: &'static str,
    guidance: &'static str,
    counts: Counts,
    bar: Vec<Part>,
    exceptions: usize,
    enabled: bool,
}

/// A part of a bar.
#[derive(Clone, Serialize)]
pub(crate) struct Part {
    pub(crate) tone: &'static str,
    pub(crate) n: u64,
}

impl Counts {
    pub(super) fn of(counts: &VerdictCounts) -> Self {
        Self {
            pass: counts.pass,
            fail: counts.fail + counts.excepted,
            unknown: counts.unknown,
            not_applicable: counts.not_applicable,
        }
    }

    /// The parts of a bar: what applies.
    pub(super) fn bar(self) -> Vec<Part> {
        vec![
            Part { tone: "fail", n: self.fail },
            Part { tone: "unknown", n: self.unknown },
            Part { tone: "pass", n: self.pass },
        ]
    }
}

/// The service that a control is about: the first part of its id.
pub(super) fn service_of(id: &str) -> &str {
    id.split_once('.').map_or(id, |(service, _)| service)
}

/// A control's severity, after the site's word.
pub(super) fn severity_of(content: &Content, control: &Control) -> Severity {
    content.site.selection.severity.get(&control.id).copied().unwrap_or(control.severity)
}

/// The site's exceptions that name a control and some account of the scope.
pub(super) fn exceptions<'c>(
    content: &'c Content,
    control: &str,
    viewer: &Viewer,
) -> Vec<&'c yagura_content::format::ExceptionRule> {
    let named = content.site.exceptions.iter().filter(|rule| {
        yagura_content::glob::matches(&rule.control.value, control)
            && (rule.accounts.is_empty()
                || rule.accounts.iter().any(|account| viewer.scope.admits(account)))
    });
    named.collect()
}

/// What is asked of the list.
struct Asked {
    words: Vec<String>,
    service: String,
    severity: String,
    guidance: String,
    framework: String,
    standing: String,
}

impl Asked {
    fn of(pairs: &[(String, String)]) -> Self {
        let text = links::value(pairs, "q").to_lowercase();
        Self {
            words: text.split_whitespace().take(8).map(str::to_owned).collect(),
            service: links::value(pairs, "service"),
            severity: links::value(pairs, "severity"),
            guidance: links::value(pairs, "guidance"),
            framework: links::value(pairs, "framework"),
            standing: links::value(pairs, "standing"),
        }
    }

    fn wants(&self, content: &Content, control: &Control, counts: Counts) -> bool {
        let is = |asked: &str, value: &str| asked.is_empty() || asked == value;
        let standing = match self.standing.as_str() {
            "fail" => counts.fail > 0,
            "unknown" => counts.unknown > 0,
            "clean" => counts.fail == 0 && counts.unknown == 0 && counts.pass > 0,
            "off" => !content.site.selection.enables(&control.id),
            _ => true,
        };
        let has = |word: &String| {
            let Prose { en, ja } = &control.title.value;
            let type_name = &control.type_name.value;
            [&control.id, en, ja, type_name].iter().any(|text| text.to_lowercase().contains(word))
        };
        standing
            && is(&self.service, service_of(&control.id))
            && is(&self.severity, severity_of(content, control).as_str())
            && is(&self.guidance, control.guidance.as_str())
            && (self.framework.is_empty()
                || content.requirements_of(&control.id).contains_key(&self.framework))
            && self.words.iter().all(has)
    }
}

pub(crate) async fn list(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let content = console.content();
    let standing = Standing::now(&console).await?;
    let known = standing.controls(&viewer.scope);
    let counts_of = |id: &str| known.get(id).map(Counts::of).unwrap_or_default();
    let asked = Asked::of(&pairs);
    let mut found: Vec<(&Control, Severity, Counts)> = content
        .controls
        .values()
        .map(|control| (control.as_ref(), severity_of(&content, control), counts_of(&control.id)))
        .filter(|(control, _, counts)| asked.wants(&content, control, *counts))
        .collect();
    // What fails comes first, the worst of it before the rest.
    found.sort_by(|(a, a_severity, a_counts), (b, b_severity, b_counts)| {
        (b_counts.fail > 0, b_severity, b_counts.fail, &a.id).cmp(&(
            a_counts.fail > 0,
            a_severity,
            a_counts.fail,
            &b.id,
        ))
    });
    let after = links::value(&pairs, "after");
    let start = found.iter().position(|(one, ..)| one.id == after).map_or(0, |at| at + 1);
    let rows: Vec<RowView> = found
        .iter()
        .skip(start)
        .take(ROWS)
        .map(|(control, severity, counts)| RowView {
            href: links::control(&control.id),
            id: control.id.clone(),
            title: control.title.value.clone(),
            service: service_of(&control.id).to_owned(),
            severity: severity.as_str(),
            guidance: control.guidance.as_str(),
            counts: *counts,
            bar: counts.bar(),
            exceptions: exceptions(&content, &control.id, &viewer).len(),
            enabled: content.site.selection.enables(&control.id),
        })
        .collect();
    let more = start + rows.len() < found.len();
    let mut totals = Counts::default();
    for counts in known.values().map(Counts::of) {
        totals.pass += counts.pass;
        totals.fail += counts.fail;
        totals.unknown += counts.unknown;
        totals.not_applicable += counts.not_applicable;
    }
    let view = ListView {
        q: links::value(&pairs, "q"),
        choices: choices(&content, &asked),
        next: rows.last().filter(|_| more).map(|row| row.id.clone()),
        rows,
        found: found.len(),
        all: content.controls.len(),
        first: start == 0,
        filtered: pairs.iter().any(|(name, value)| name != "after" && !value.is_empty()),
        judged_us: standing.scans.first().map(|one| one.scan.start.started.as_microsecond()),
        totals,
    };
    let title = words(viewer.lang).get("console.nav.controls");
    let shown = Shown {
        template: "controls.html",
        nav: Nav::Controls,
        title,
        path: "/controls",
        query: &pairs,
        page: view,
    };
    page(&console, &viewer, shown)
}

fn choices(content: &Content, asked: &Asked) -> Vec<Choice> {
    let mut services: BTreeMap<&str, ()> = BTreeMap::new();
    for id in content.controls.keys() {
        services.insert(service_of(id), ());
    }
    let plain = |values: &[&str]| values.iter().map(|one| ((*one).to_owned(), None)).collect();
    let frameworks = content.frameworks.values();
    let severities: Vec<&str> = Severity::ALL.iter().rev().map(|one| one.as_str()).collect();
    vec![
        Choice {
            name: "standing",
            chosen: asked.standing.clone(),
            values: plain(&["fail", "unknown", "clean", "off"]),
        },
        Choice {
            name: "service",
            chosen: asked.service.clone(),
            values: services.into_keys().map(|one| (one.to_owned(), None)).collect(),
        },
        Choice { name: "severity", chosen: asked.severity.clone(), values: plain(&severities) },
        Choice {
            name: "guidance",
            chosen: asked.guidance.clone(),
            values: plain(&Guidance::ALL.map(Guidance::as_str)),
        },
        Choice {
            name: "framework",
            chosen: asked.framework.clone(),
            values: frameworks.map(|one| (one.id.clone(), Some(one.title.value.clone()))).collect(),
        },
    ]
}
