//! Records as alerts show them, from the rules of their source's table.
//! Which records those are is decided where logs are judged (`detections`, `behaviors`).

use std::collections::HashMap;
use std::sync::Arc;

use yagura_model::alert::Witness;
use yagura_model::event::Record;
use yagura_model::source::{Cell, Column, Rule, Table};

use crate::behaviors::hash::{self, ByHash};

/// Names of resources kept of one record.
const RESOURCES_MAX: usize = 16;
/// Characters kept of one text: what comes from a record may be as long as its sender likes.
const TEXT_CHARS_MAX: usize = 512;
/// Texts that one thread shares between witnesses; beyond, all are forgotten and begin anew.
const NAMES_MAX: usize = 1 << 14;

/// Texts that repeat from record to record, each kept once: what waits to be judged by time holds
/// many witnesses.
#[derive(Debug, Default)]
pub(crate) struct Names(ByHash<Arc<str>>);

impl Names {
    /// The text, shared with whoever had it before, and cut to what is kept of one.
    pub(crate) fn share(&mut self, text: &str) -> Arc<str> {
        let text = match text.char_indices().nth(TEXT_CHARS_MAX) {
            Some((end, _)) => text.get(..end).unwrap_or_default(),
            None => text,
        };
        let key = hash::of(text.as_bytes());
        if let Some(known) = self.0.get(&key).filter(|known| ***known == *text) {
            return Arc::clone(known);
        }
        if self.0.len() >= NAMES_MAX {
            self.0 = HashMap::default();
        }
        let name: Arc<str> = Arc::from(text);
        self.0.insert(key, Arc::clone(&name));
        name
    }
}

/// A record as alerts show it, under the name that it was given.
pub(crate) fn witness(
    table: &Table,
    user_agent: Option<&Column>,
    record: Record<'_>,
    (time_us, id): (i64, Arc<str>),
    names: &mut Names,
) -> Witness {
    let shared = &table.shared;
    let mut text = |rule: &Rule| rule.value(record).map(|text| names.share(&text));
    let (account, region) = (text(&shared.account), text(&shared.region));
    let (actor, address) = (text(&shared.actor), text(&shared.address));
    let (action, outcome) = (text(&shared.action), text(&shared.outcome));
    Witness {
        time_us,
        source: names.share(&table.source),
        id,
        account,
        region,
        actor,
        address,
        user_agent: user_agent.and_then(|column| cell(column, record, names)),
        action,
        outcome,
        resources: resources(table, record, names),
    }
}

/// A column's text, where the record has one.
pub(crate) fn cell(column: &Column, record: Record<'_>, names: &mut Names) -> Option<Arc<str>> {
    match column.cell(record)? {
        Cell::Text(text) if !text.is_empty() => Some(names.share(&text)),
        _ => None,
    }
}

/// Everything that the first of the table's rules which finds anything leads to.
fn resources(table: &Table, record: Record<'_>, names: &mut Names) -> Vec<Arc<str>> {
    let mut found: Vec<Arc<str>> = Vec::new();
    for template in &table.shared.resource.from {
        match template.path() {
            Some(path) => path.each(record.root(), record, &mut |value| {
                let text = value.text();
                if !text.is_empty() && !found.iter().any(|known| **known == *text) {
                    found.push(names.share(&text));
                }
                found.len() < RESOURCES_MAX
            }),
            None => found.extend(template.text(record).map(|text| names.share(&text))),
        }
        if !found.is_empty() {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_shared_and_cut() {
        let mut names = Names::default();
        let first = names.share("alice");
        assert!(Arc::ptr_eq(&first, &names.share("alice")));
        let long = "権".repeat(TEXT_CHARS_MAX + 9);
        assert_eq!(names.share(&long).chars().count(), TEXT_CHARS_MAX);
    }
}
