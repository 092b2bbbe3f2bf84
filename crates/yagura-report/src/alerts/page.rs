//! Alerts as one self-contained page in both languages, without any script: overview, findings
//! with what to do, and the order of time.
//! How it looks is in `templates/alerts.html` and in the style that it shares with the report.

use std::io::Write;

use minijinja::{Value, context};
use serde::Serialize;
use yagura_model::alert::{Alert, StoryStep};
use yagura_model::{Lang, Severity};

use super::table::{findings, summary};
use super::{AlertEntry, AlertReport, facts};
use crate::clean::{clean, clean_lines};
use crate::error::ReportError;
use crate::html::{self, Both};
use crate::phrases;
use crate::words::words;

/// Alerts of one finding on the page; how many more there are is said.
const ROWS_MAX: usize = 200;
/// Lines of the order of time; how many more there are is said.
const LINES_MAX: usize = 1_000;

#[derive(Serialize)]
struct Page {
    headline: Both,
    made: String,
    version: String,
    severities: Vec<Share>,
    findings: Vec<Finding>,
    timeline: Vec<Line>,
    timeline_more: Option<Both>,
    blind: Vec<Both>,
    below: Option<Both>,
}

#[derive(Serialize)]
struct Share {
    tone: &'static str,
    word: Both,
    n: u64,
}

#[derive(Serialize)]
struct Finding {
    anchor: String,
    tone: &'static str,
    word: Both,
    title: Both,
    content: String,
    path: String,
    kind: Both,
    attack: Vec<String>,
    description: Both,
    falsepositives: Lists,
    respond: Lists,
    references: Vec<String>,
    rows: Vec<Row>,
    more: Option<Both>,
    count: Both,
}

/// The same list for either reader; both may have other lengths.
#[derive(Serialize)]
struct Lists {
    en: Vec<String>,
    ja: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    first: String,
    last: String,
    count: String,
    who: String,
    place: String,
    from: String,
    what: String,
    notes: Vec<Both>,
    matched: Vec<String>,
    steps: Vec<Step>,
    events: Vec<String>,
    query: String,
}

#[derive(Serialize)]
struct Step {
    time: String,
    tactic: String,
    title: Both,
    action: String,
}

#[derive(Serialize)]
struct Line {
    time: String,
    tone: &'static str,
    word: Both,
    title: Both,
    anchor: String,
    who: String,
    count: String,
}

pub(super) fn write(report: &AlertReport<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
    let page = page(report);
    let environment = html::environment()?;
    let template = environment.get_template("alerts.html")?;
    // INVARIANT: the policy allows this style by its hash and no script at all.
    let policy = format!(
        "default-src 'none'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        html::source_hash(html::STYLE)
    );
    let values = context! {
        page => Value::from(minijinja::value::Serde(&page)),
        lang => report.lang.code(),
        policy => Value::from_safe_string(policy),
        style => Value::from_safe_string(html::STYLE.to_owned()),
    };
    template.render_captured_to(values, &mut *out)?;
    out.write_all(b"\n")?;
    Ok(())
}

fn page(report: &AlertReport<'_>) -> Page {
    let n = findings(report);
    let in_lang = |lang: Lang| summary(&AlertReport { lang, ..*report }, n);
    let groups = facts::by_content(report.alerts);
    let findings: Vec<Finding> =
        groups.iter().enumerate().map(|(at, group)| finding(report, at, group)).collect();
    let anchor_of = |content: &str| {
        let at = groups
            .iter()
            .position(|group| group.first().is_some_and(|first| &*first.content == content));
        anchor(at.unwrap_or_default())
    };
    let by_time = facts::by_time(report.alerts);
    let line = |alert: &&Alert| Line {
        time: facts::second(alert.first_us),
        tone: alert.severity.as_str(),
        word: severity(alert.severity),
        title: Both::prose(&alert.title),
        anchor: anchor_of(&alert.content),
        who: facts::who(alert),
        count: facts::count(alert),
    };
    let below = report.meta.below;
    Page {
        headline: Both { en: in_lang(Lang::En), ja: in_lang(Lang::Ja) },
        made: phrases::minute(report.meta.made),
        version: report.meta.version.clone(),
        severities: Severity::ALL.into_iter().rev().map(|one| share(report, one)).collect(),
        findings,
        timeline: by_time.iter().take(LINES_MAX).map(line).collect(),
        timeline_more: more(by_time.len(), LINES_MAX),
        blind: report.meta.blind.iter().map(Both::prose).collect(),
        below: (below > 0).then(|| Both::of(|words| words.count("alerts.below", below))),
    }
}

fn share(report: &AlertReport<'_>, of: Severity) -> Share {
    let n = report.alerts.iter().filter(|alert| alert.severity == of).count() as u64;
    Share { tone: of.as_str(), word: severity(of), n }
}

fn severity(severity: Severity) -> Both {
    Both::of(|words| phrases::severity(words, severity).to_owned())
}

fn anchor(at: usize) -> String {
    format!("finding-{}", at + 1)
}

fn more(all: usize, shown: usize) -> Option<Both> {
    let left = all.saturating_sub(shown) as u64;
    (left > 0).then(|| Both::of(|words| words.count("alerts.rows_more", left)))
}

fn finding(report: &AlertReport<'_>, at: usize, group: &[&Alert]) -> Finding {
    let worst = facts::worst(group);
    let first = group.first();
    let text = |field: fn(&Alert) -> &str| {
        first.map(|first| clean(field(first)).into_owned()).unwrap_or_default()
    };
    let attack = first.map(|first| {
        let tactics = facts::tactics(first).into_iter().map(|tactic| tactic.name.to_owned());
        tactics.chain(facts::techniques(first)).collect()
    });
    let unknown = AlertEntry::default();
    let entry = first.and_then(|first| report.entries.get(&*first.content)).unwrap_or(&unknown);
    Finding {
        anchor: anchor(at),
        tone: worst.as_str(),
        word: severity(worst),
        title: first.map(|first| Both::prose(&first.title)).unwrap_or_default(),
        content: text(|alert| &alert.content),
        path: text(|alert| &alert.path),
        kind: first.map_or_else(Both::default, |first| {
            Both::of(|words| facts::kind(words, first.kind).to_owned())
        }),
        attack: attack.unwrap_or_default(),
        description: Both {
            en: clean_lines(&entry.description.en),
            ja: clean_lines(&entry.description.ja),
        },
        falsepositives: lists(&entry.falsepositives_en, &entry.falsepositives_ja),
        respond: lists(&entry.respond_en, &entry.respond_ja),
        references: entry.links(),
        rows: group.iter().take(ROWS_MAX).map(|alert| row(alert)).collect(),
        more: more(group.len(), ROWS_MAX),
        count: Both::of(|words| words.count("alerts.count.alerts", group.len() as u64)),
    }
}

fn lists(en: &[String], ja: &[String]) -> Lists {
    let cleaned = |items: &[String]| items.iter().map(|item| clean_lines(item)).collect();
    Lists { en: cleaned(en), ja: cleaned(ja) }
}

fn row(alert: &Alert) -> Row {
    let reasons = Both {
        en: facts::severity_reasons(alert, Lang::En).join(" "),
        ja: facts::severity_reasons(alert, Lang::Ja).join(" "),
    };
    let marks = Both::of(|words| facts::marks(words, alert).join(" "));
    let contrast = alert.contrast.as_ref().map(|contrast| {
        let text = |lang: Lang| {
            let seen = clean(contrast.seen.get(lang));
            let normal = clean(contrast.normal.get(lang));
            let values: [(&str, &dyn std::fmt::Display); 2] =
                [("seen", &seen), ("normal", &normal)];
            words(lang).fill("alerts.contrast", &values)
        };
        Both { en: text(Lang::En), ja: text(Lang::Ja) }
    });
    let notes = [Some(reasons), Some(marks), contrast].into_iter().flatten();
    Row {
        first: facts::second(alert.first_us),
        last: facts::second(alert.last_us),
        count: facts::count(alert),
        who: facts::who(alert),
        place: facts::place(alert),
        from: facts::first_of(&alert.addresses, |address| clean(address).into_owned()),
        what: facts::what(alert),
        notes: notes.filter(|note| !note.en.is_empty()).collect(),
        matched: alert.matched.iter().map(matched).collect(),
        steps: alert.story.iter().map(step).collect(),
        events: alert.witnesses.iter().map(|one| clean(one.event_id()).into_owned()).collect(),
        query: super::story::query(alert).unwrap_or_default(),
    }
}

fn matched(one: &yagura_model::alert::Matched) -> String {
    let field = clean(&one.field);
    match &one.value {
        Some(value) => format!("{field} = {}", clean(value)),
        None => field.into_owned(),
    }
}

fn step(step: &StoryStep) -> Step {
    let tactic = facts::tactic(&step.tactic).map_or("", |tactic| tactic.name);
    Step {
        time: facts::second(step.time_us),
        tactic: tactic.to_owned(),
        title: Both::prose(&step.title),
        action: step.witness.action.as_deref().map(clean).unwrap_or_default().into_owned(),
    }
}
