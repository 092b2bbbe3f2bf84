//! Accounts in the tree of their organizational units, as rows from the top down, with sums for
//! each unit.
//! Where the figures come from is in `list.rs`.

use std::collections::BTreeMap;

use serde::Serialize;
use yagura_model::StateCounts;

use super::Seen;

/// What is told of an account, and summed up for a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Figures {
    pub(super) accounts: u64,
    pub(super) critical: u64,
    pub(super) high: u64,
    pub(super) open: u64,
    pub(super) states: StateCounts,
    pub(super) seen: Seen,
}

impl Figures {
    fn add(&mut self, more: &Self) {
        self.accounts += more.accounts;
        self.critical += more.critical;
        self.high += more.high;
        self.open += more.open;
        self.seen.add(more.seen);
        let (all, own) = (&mut self.states, &more.states);
        all.met += own.met;
        all.partly += own.partly;
        all.not_met += own.not_met;
        all.unknown += own.unknown;
        all.not_applicable += own.not_applicable;
        all.attested += own.attested;
    }
}

/// An account on its way into the tree.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) id: String,
    pub(super) name: String,
    /// `/Workloads/Production`; empty at the root.
    pub(super) ou: String,
    /// When it was last scanned, in microseconds since 1970.
    pub(super) scanned_us: Option<i64>,
    pub(super) figures: Figures,
}

/// A row: a unit or an account.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) depth: usize,
    /// The unit's path; none of an account.
    pub(super) unit: Option<String>,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) scanned_us: Option<i64>,
    pub(super) figures: Figures,
}

#[derive(Default)]
struct Unit {
    units: BTreeMap<String, Unit>,
    accounts: Vec<Leaf>,
}

impl Unit {
    fn put(&mut self, path: &[&str], leaf: Leaf) {
        match path.split_first() {
            None => self.accounts.push(leaf),
            Some((first, rest)) => {
                self.units.entry((*first).to_owned()).or_default().put(rest, leaf);
            }
        }
    }

    /// Rows of what is within, and its sum.
    fn rows(mut self, path: &str, depth: usize, rows: &mut Vec<Row>) -> Figures {
        let mut sum = Figures::default();
        self.accounts.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        for Leaf { id, name, scanned_us, figures, .. } in self.accounts {
            sum.add(&figures);
            rows.push(Row { depth, unit: None, id, name, scanned_us, figures });
        }
        for (name, unit) in self.units {
            let path = format!("{path}/{name}");
            let at = rows.len();
            let mut below = Vec::new();
            let figures = unit.rows(&path, depth + 1, &mut below);
            sum.add(&figures);
            rows.push(Row {
                depth,
                unit: Some(path),
                id: String::new(),
                name,
                scanned_us: below.iter().filter_map(|row: &Row| row.scanned_us).min(),
                figures,
            });
            debug_assert_eq!(rows.len(), at + 1);
            rows.append(&mut below);
        }
        sum
    }
}

/// The rows of a tree from its root down, and the sum of everything.
pub(super) fn rows(leaves: impl IntoIterator<Item = Leaf>) -> (Vec<Row>, Figures) {
    let mut root = Unit::default();
    for leaf in leaves {
        let ou = leaf.ou.clone();
        let path: Vec<&str> = ou.split('/').filter(|part| !part.is_empty()).collect();
        root.put(&path, leaf);
    }
    let mut rows = Vec::new();
    let sum = root.rows("", 0, &mut rows);
    (rows, sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(id: &str, ou: &str, open: u64) -> Leaf {
        let figures = Figures { accounts: 1, open, ..Figures::default() };
        let (id, name, ou) = (id.to_owned(), id.to_owned(), ou.to_owned());
        Leaf { id, name, ou, scanned_us: None, figures }
    }

    #[test]
    fn units_come_before_what_is_in_them_with_its_sum() {
        let leaves = [
            leaf("prod", "/Workloads/Production", 3),
            leaf("root", "", 1),
            leaf("test", "/Workloads/Test", 4),
        ];
        let (rows, sum) = rows(leaves);
        let told: Vec<_> = rows
            .iter()
            .map(|row| (row.depth, row.unit.is_some(), row.name.as_str(), row.figures.open))
            .collect();
        assert_eq!(
            told,
            [
                (0, false, "root", 1),
                (0, true, "Workloads", 7),
                (1, true, "Production", 3),
                (2, false, "prod", 3),
                (1, true, "Test", 4),
                (2, false, "test", 4),
            ]
        );
        assert_eq!((sum.open, sum.accounts), (8, 3));
    }
}
