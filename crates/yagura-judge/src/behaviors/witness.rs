//! A record as a signal shows it, from the rules of its source's table.
//! Which record of many is shown is decided in `observations.rs`.

use std::sync::Arc;

use yagura_model::alert::Witness;
use yagura_model::event::Record;
use yagura_model::source::{Cell, Column, Table};

/// Names of resources kept of one record.
const RESOURCES_MAX: usize = 16;

/// A record as a signal shows it.
pub(super) fn witness(
    table: &Table,
    user_agent: Option<&Column>,
    record: Record<'_>,
    time_us: i64,
) -> Witness {
    let shared = &table.shared;
    let text = |rule: &yagura_model::source::Rule| rule.value(record).map(|text| Arc::from(&*text));
    let user_agent = user_agent.and_then(|column| match column.cell(record)? {
        Cell::Text(text) => Some(Arc::from(&*text)),
        _ => None,
    });
    let id = table
        .name_of(record)
        .unwrap_or_else(|| format!("{}#{}", record.origin().object, record.ordinal()));
    Witness {
        time_us,
        source: Arc::from(table.source.as_str()),
        id: Arc::from(id),
        account: text(&shared.account),
        region: text(&shared.region),
        actor: text(&shared.actor),
        address: text(&shared.address),
        user_agent,
        action: text(&shared.action),
        outcome: text(&shared.outcome),
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
