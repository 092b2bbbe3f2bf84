//! A record as a signal shows it, from the rules of its source's table.
//! Which record of many is shown is decided in `observations.rs`.

use std::sync::Arc;

use yagura_model::alert::Witness;
use yagura_model::event::Record;
use yagura_model::source::{Cell, Column, Rule, Table};

use super::hash::{self, ByHash};

/// Texts that one thread shares between witnesses; beyond, all are forgotten and begin anew.
const NAMES_MAX: usize = 1 << 14;

/// Texts that repeat from record to record, each kept once: open cells hold many witnesses.
#[derive(Debug, Default)]
pub(super) struct Names(ByHash<Arc<str>>);

impl Names {
    /// The text, shared with whoever had it before.
    pub(super) fn share(&mut self, text: &str) -> Arc<str> {
        let key = hash::of(text.as_bytes());
        if let Some(known) = self.0.get(&key).filter(|known| ***known == *text) {
            return Arc::clone(known);
        }
        if self.0.len() >= NAMES_MAX {
            self.0.clear();
        }
        let name: Arc<str> = Arc::from(text);
        self.0.insert(key, Arc::clone(&name));
        name
    }
}

/// Names of resources kept of one record.
const RESOURCES_MAX: usize = 16;

/// A record as a signal shows it.
pub(super) fn witness(
    table: &Table,
    user_agent: Option<&Column>,
    record: Record<'_>,
    time_us: i64,
    names: &mut Names,
) -> Witness {
    let shared = &table.shared;
    let mut text = |rule: &Rule| rule.value(record).map(|text| names.share(&text));
    let user_agent = user_agent.and_then(|column| match column.cell(record)? {
        Cell::Text(text) => Some(text),
        _ => None,
    });
    let id = table
        .name_of(record)
        .unwrap_or_else(|| format!("{}#{}", record.origin().object, record.ordinal()));
    let (account, region) = (text(&shared.account), text(&shared.region));
    let (actor, address) = (text(&shared.actor), text(&shared.address));
    let (action, outcome) = (text(&shared.action), text(&shared.outcome));
    Witness {
        time_us,
        source: names.share(&table.source),
        id: Arc::from(id),
        account,
        region,
        actor,
        address,
        user_agent: user_agent.map(|text| names.share(&text)),
        action,
        outcome,
        resources: resources(table, record),
    }
}

/// Everything that the first of the table's rules which finds anything leads to.
fn resources(table: &Table, record: Record<'_>) -> Vec<Arc<str>> {
    let mut found: Vec<Arc<str>> = Vec::new();
    for template in &table.shared.resource.from {
        match template.path() {
            Some(path) => path.each(record.root(), record, &mut |value| {
                let text = value.text();
                if !text.is_empty() && !found.iter().any(|known| **known == *text) {
                    found.push(Arc::from(&*text));
                }
                found.len() < RESOURCES_MAX
            }),
            None => found.extend(template.text(record).map(|text| Arc::from(&*text))),
        }
        if !found.is_empty() {
            break;
        }
    }
    found
}
