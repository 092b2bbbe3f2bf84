//! What else could be asked for: values of findings with how many have each, as links that put
//! them into the question or take them out.
//! Counting is the store's business.

use std::collections::BTreeMap;

use serde::Serialize;
use yagura_report::{Words, words};
use yagura_store::findings::{Counts, GroupBy};

use super::asked::Asked;
use crate::viewer::Viewer;

/// Values of one facet that are shown.
const SHOWN: usize = 8;

/// The facets: name in the address, what is counted.
pub(super) const FACETS: [(&str, GroupBy); 8] = [
    ("severity", GroupBy::Severity),
    ("state", GroupBy::State),
    ("kind", GroupBy::Kind),
    ("account", GroupBy::Account),
    ("region", GroupBy::Region),
    ("type", GroupBy::ResourceType),
    ("content", GroupBy::Content),
    ("assignee", GroupBy::Assignee),
];

/// One facet.
#[derive(Debug, Serialize)]
pub(super) struct Facet {
    name: &'static str,
    values: Vec<Choice>,
    /// How many values are not shown.
    more: u64,
}

/// One value.
#[derive(Debug, Serialize)]
struct Choice {
    label: String,
    count: u64,
    href: String,
    on: bool,
    tone: &'static str,
}

/// The facets of a question from what was counted.
pub(super) fn facets_of(
    asked: &Asked,
    counted: &[Counts],
    viewer: &Viewer,
    accounts: &BTreeMap<String, String>,
) -> Vec<Facet> {
    let words = words(viewer.lang);
    let facet = |((name, by), counts): (&(&'static str, GroupBy), &Counts)| {
        let chosen = chosen(asked, name, viewer);
        let mut all: Vec<_> =
            counts.counts.iter().filter(|count| shown(*by, &count.value)).collect();
        order(*by, &mut all);
        let blank = counts.counts.iter().filter(|count| !shown(*by, &count.value)).count();
        let values: Vec<Choice> = all
            .into_iter()
            .enumerate()
            .filter(|(at, count)| *at < SHOWN || chosen.contains(&count.value))
            .map(|(_, count)| {
                let on = chosen.contains(&count.value);
                Choice {
                    label: label(words, *by, &count.value, accounts),
                    count: count.count,
                    href: href(asked, name, &count.value, on),
                    on,
                    tone: tone(*by, &count.value),
                }
            })
            .collect();
        let more = counts.values.saturating_sub((values.len() + blank) as u64);
        Facet { name, values, more }
    };
    FACETS.iter().zip(counted).map(facet).filter(|facet| !facet.values.is_empty()).collect()
}

/// A finding without a resource has no type to ask for.
fn shown(by: GroupBy, value: &str) -> bool {
    by == GroupBy::Assignee || !value.is_empty()
}

/// Severities and states have an order of their own.
fn order(by: GroupBy, all: &mut [&yagura_store::findings::Count]) {
    match by {
        GroupBy::Severity => all.sort_by_key(|count| {
            std::cmp::Reverse(count.value.parse::<yagura_model::Severity>().ok())
        }),
        GroupBy::State => {
            all.sort_by_key(|count| {
                count.value.parse::<yagura_model::finding::FindingState>().ok()
            });
        }
        _ => {}
    }
}

/// The values of a facet that are asked for.
fn chosen(asked: &Asked, name: &str, viewer: &Viewer) -> Vec<String> {
    let given = asked.list(name).into_iter();
    match name {
        "assignee" => given
            .map(|value| match value {
                "nobody" => String::new(),
                "me" => viewer.name.clone(),
                name => name.to_owned(),
            })
            .collect(),
        "state" => asked
            .filter
            .states
            .iter()
            .filter(|_| !matches!(asked.one("state"), "" | "open"))
            .map(|state| state.as_str().to_owned())
            .collect(),
        _ => given.map(str::to_owned).collect(),
    }
}

fn href(asked: &Asked, name: &str, value: &str, on: bool) -> String {
    match name {
        "assignee" if on => asked.with(name, None),
        "assignee" if value.is_empty() => asked.with(name, Some("nobody")),
        "assignee" => asked.with(name, Some(value)),
        // A first state takes the place of what is open.
        "state" if matches!(asked.one("state"), "" | "open" | "all") => {
            asked.with(name, Some(value))
        }
        _ => asked.toggled(name, value),
    }
}

fn tone(by: GroupBy, value: &str) -> &'static str {
    match (by, value) {
        (GroupBy::Severity, "critical") => "critical",
        (GroupBy::Severity, "high") => "high",
        (GroupBy::Severity, "medium") => "medium",
        (GroupBy::Severity, "low") => "low",
        _ => "",
    }
}

/// A value as people call it.
pub(super) fn label(
    words: &Words,
    by: GroupBy,
    value: &str,
    accounts: &BTreeMap<String, String>,
) -> String {
    let word = |prefix: &str| words.get(&format!("{prefix}{value}")).to_owned();
    match by {
        GroupBy::Severity => word("report.severity."),
        GroupBy::State => word("console.state."),
        GroupBy::Kind => word("console_findings.kind."),
        GroupBy::Assignee if value.is_empty() => words.get("console_findings.nobody").to_owned(),
        GroupBy::Account => match accounts.get(value).filter(|name| !name.is_empty()) {
            Some(name) => format!("{name} {value}"),
            None => value.to_owned(),
        },
        _ => value.to_owned(),
    }
}
