//! Checks threat intelligence: both languages, sources and fields that exist, conditions that
//! compile, cases; and a site's lists.
//! Whether the cases come out as they say is tested in `yagura-judge`.

use std::collections::BTreeSet;

use yagura_model::indicator::{ListFormat, ListKind};

use super::{Lint, prose, sequences, site};
use crate::format::{CaseExpectation, IntelligenceRule, ListSetting};
use crate::place::{Place, Placed};
use crate::problem::File;

/// Lists of a site. Beyond this something else was meant.
const LISTS_MAX: usize = 200;

pub(crate) fn check(lint: &mut Lint<'_>, rule: &IntelligenceRule) {
    let file = lint.intelligence_file(rule);
    let place = rule.title.place;
    lint.id(&file, &rule.id);
    prose::check(lint, &file, "title", &rule.title);
    prose::check(lint, &file, "description", &rule.description);
    sequences::steps(lint, &file, "falsepositives", &rule.falsepositives);
    sequences::steps(lint, &file, "respond", &rule.respond);
    sequences::tags(lint, &file, place, &rule.tags);
    if rule.lists.is_empty() == rule.network.is_none() {
        lint.error(&file, place, "a rule has either `lists` or `network`");
    }
    if rule.places.is_empty() {
        lint.error(&file, place, "`where` says nothing");
    }
    places(lint, &file, rule);
    let count = |expect| rule.cases.iter().filter(|case| case.expect == expect).count();
    if count(CaseExpectation::Match) < 1 || count(CaseExpectation::Quiet) < 2 {
        lint.error(&file, place, "there is a case that matches and two that do not");
    }
    for case in &rule.cases {
        if let Some(source) = &case.source {
            known_source(lint, &file, source);
        }
    }
}

fn known_source(lint: &mut Lint<'_>, file: &File, source: &Placed<String>) {
    let content = lint.content;
    if !content.sources.contains_key(source.as_str()) {
        let hint = site::near(source, content.sources.keys().map(String::as_str));
        lint.hinted(file, source.place, format!("there is no source `{source}`"), hint);
    }
}

fn places(lint: &mut Lint<'_>, file: &File, rule: &IntelligenceRule) {
    let content = lint.content;
    for (number, at) in rule.places.iter().enumerate() {
        known_source(lint, file, &at.source);
        let known = content.indicator_fields.get(at.source.as_str());
        let names = || known.into_iter().flat_map(|known| &known.fields.0);
        for field in &at.fields {
            if !names().any(|(name, _)| name.value == field.value) {
                let message = format!("`{}` has no field `{field}` in its indicators", at.source);
                let hint = site::near(field, names().map(|(name, _)| name.value.as_str()));
                lint.hinted(file, field.place, message, hint);
            }
        }
        if at.fields.is_empty() {
            lint.error(file, at.source.place, "`fields` is empty");
        }
        let condition = at.detection.as_ref().zip(rule.sigma_text(number));
        if let Some((condition, text)) = condition {
            for problem in sigma::parse(&file.name, &text).problems {
                let message = format!("`detection`: {}", problem.message);
                lint.hinted(file, condition.place, message, problem.hint);
            }
        }
    }
}

/// Checks which lists a site has.
pub(crate) fn check_site(lint: &mut Lint<'_>) {
    let content = lint.content;
    let name = "intelligence.yaml";
    let file = content.files.get(name).cloned().unwrap_or_else(|| File::nameless(name));
    let intelligence = &content.site.intelligence;
    let start = Place { line: 1, column: 1, offset: 0 };
    if intelligence.lists.len() > LISTS_MAX {
        lint.error(&file, start, format!("there are more than {LISTS_MAX} lists"));
    }
    let mut names = BTreeSet::new();
    for list in &intelligence.lists {
        if !names.insert(list.name.as_str()) {
            let message = format!("a list `{}` is there already", list.name);
            lint.error(&file, list.name.place, message);
        }
        if let Some((place, message)) = list.fault() {
            lint.error(&file, place, message);
        }
    }
    if let Some(ranges) = &intelligence.aws_ranges
        && let Some(message) = origin_fault(&ranges.from)
    {
        lint.error(&file, ranges.from.place, message);
    }
}

impl ListSetting {
    /// What is wrong with it, if anything is.
    pub fn fault(&self) -> Option<(Place, String)> {
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        let name = &self.name;
        if name.is_empty() || name.len() > 64 || !name.chars().all(fine) {
            let message = format!("`{name}` is not a name of small letters, digits, `-` and `_`");
            return Some((name.place, message));
        }
        if (self.kind == ListKind::Threat) != self.category.is_some() {
            let message = match self.kind {
                ListKind::Threat => "a threat list has a `category`",
                ListKind::Trusted => "a trusted list has no `category`",
            };
            return Some((name.place, message.to_owned()));
        }
        if self.csv.is_some() && self.format != ListFormat::Csv {
            return Some((name.place, "`csv` is for the format `csv`".to_owned()));
        }
        origin_fault(&self.from).map(|message| (self.from.place, message))
    }
}

/// Why a place is none that lists come from.
fn origin_fault(from: &str) -> Option<String> {
    let known = ["http://", "https://", "s3://"];
    match from.split_once("://") {
        Some((_, rest)) if known.iter().any(|scheme| from.starts_with(scheme)) => {
            rest.is_empty().then(|| format!("`{from}` names no host"))
        }
        Some(_) => Some(format!("`{from}` is not a file, an http(s) or an s3 address")),
        None => from.trim().is_empty().then(|| "`from` is empty".to_owned()),
    }
}
