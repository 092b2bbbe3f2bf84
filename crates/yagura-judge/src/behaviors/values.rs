//! What values an entity and its peers have had, and which new one is worth a signal.
//! Amounts are `volume.rs`, places `travel.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use yagura_content::format::{Behavior, BehaviorKind};
use yagura_content::glob;
use yagura_model::alert::{Distinct, Matched, Witness};

use super::contrast;
use super::hash;
use super::observations::{Cell, Tally};
use super::rate::Rate;
use super::state::{Candidate, Options};

/// Names of values kept of one entity, to say what is normal.
const NAMES_MAX: usize = 5;
/// Peers remembered of one value.
const PEERS_MAX: usize = 8;
/// Peers of a group counted exactly; beyond, estimated.
const MEMBERS_EXACT_MAX: usize = 64;
/// New values named in one signal.
pub(super) const NEW_VALUES_MAX: usize = 8;

/// The values of one behaviour's entities.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Values {
    pub(super) entities: BTreeMap<u64, Known>,
    groups: BTreeMap<u64, Group>,
    /// By the stand-in of group and value.
    peers: BTreeMap<u64, Peers>,
}

/// What is known of one entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) rate: Rate,
    /// In the order of their stand-ins, with the time of the last bucket.
    values: Vec<(u64, i64)>,
    names: Vec<Arc<str>>,
    /// It had more values than are kept: that one is new means nothing of it.
    varied: bool,
}

/// What is known of one group of peers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Group {
    rate: Rate,
    members: Distinct,
}

/// Which peers had a value; the first few.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Peers {
    entities: Vec<u64>,
    last_us: i64,
}

/// A cell of a value that its entity never had, with the first record that has it.
#[derive(Clone, Copy)]
pub(super) struct New<'c> {
    pub(super) cell: &'c Cell,
    witness: &'c Arc<Witness>,
}

impl Known {
    fn new(start_us: i64) -> Self {
        let rate = Rate::new(start_us);
        Self { rate, values: Vec::new(), names: Vec::new(), varied: false }
    }

    /// Whether it had the value, no longer than this ago.
    fn has(&self, value: u64, since_us: i64) -> bool {
        let found = self.values.binary_search_by_key(&value, |(own, _)| *own);
        found.ok().and_then(|at| self.values.get(at)).is_some_and(|(_, last)| *last >= since_us)
    }

    fn take(&mut self, cell: &Cell, max: usize, forget_us: i64) {
        match self.values.binary_search_by_key(&cell.value, |(own, _)| *own) {
            Ok(at) => {
                if let Some((_, last)) = self.values.get_mut(at) {
                    *last = (*last).max(cell.start_us);
                }
            }
            Err(at) => {
                self.values.insert(at, (cell.value, cell.start_us));
                if self.names.len() < NAMES_MAX && !cell.value_name.is_empty() {
                    self.names.push(contrast::short(&cell.value_name));
                }
            }
        }
        if self.values.len() > max {
            self.values.retain(|(_, last)| *last >= forget_us);
        }
        if self.values.len() > max {
            self.varied = true;
            let oldest =
                self.values.iter().enumerate().min_by_key(|(_, (own, last))| (*last, *own));
            if let Some((at, _)) = oldest {
                self.values.remove(at);
            }
        }
    }
}

impl Values {
    /// Judges the cells of one bucket, which are in the order of their entities, for each of the
    /// behaviours that share the baseline, and learns them.
    pub(super) fn judge(
        &mut self,
        twins: &[&Behavior],
        cells: &[Cell],
        options: &Options,
    ) -> Vec<(usize, Candidate)> {
        let both = cells.first().map(|cell| cell.start_us).zip(twins.first());
        let Some((start_us, behavior)) = both else { return Vec::new() };
        let forget_us = start_us.saturating_sub(behavior.half_life.micros().saturating_mul(4));
        if behavior.peers.is_some() {
            self.meet(cells, behavior.half_life.micros());
        }
        let mut candidates = Vec::new();
        for cells in cells.chunk_by(|a, b| a.entity == b.entity) {
            let Some(first) = cells.first() else { continue };
            let known = self.entities.get(&first.entity);
            let is_new = |cell: &&Cell| known.is_none_or(|known| !known.has(cell.value, forget_us));
            // What an earlier bucket had already is new only to a baseline that forgot it since.
            let new: Vec<New<'_>> = cells
                .iter()
                .filter(is_new)
                .filter_map(|cell| Some(New { cell, witness: cell.first.as_ref()? }))
                .collect();
            for (twin, behavior) in twins.iter().enumerate().filter(|_| !new.is_empty()) {
                let candidate = self.candidate(behavior, &new);
                candidates.extend(candidate.map(|candidate| (twin, candidate)));
            }
            let known = self.entities.entry(first.entity).or_insert_with(|| Known::new(start_us));
            known.rate.take(start_us, behavior.half_life.micros(), !new.is_empty());
            for cell in cells {
                known.take(cell, options.values_max, forget_us);
            }
        }
        self.bound(options);
        candidates
    }

    /// Notes which peers have which values, in this bucket too: what several begin at once is a
    /// change that was rolled out.
    fn meet(&mut self, cells: &[Cell], half_life_us: i64) {
        let mut news: BTreeMap<u64, bool> = BTreeMap::new();
        for cell in cells {
            let is_new = news.entry(cell.group).or_default();
            let peers = self.peers.entry(hash::mix(cell.group, cell.value)).or_insert_with(|| {
                *is_new = true;
                Peers::default()
            });
            peers.last_us = peers.last_us.max(cell.start_us);
            if peers.entities.len() < PEERS_MAX && !peers.entities.contains(&cell.entity) {
                peers.entities.push(cell.entity);
            }
            let group = self.groups.entry(cell.group).or_insert_with(|| Group {
                rate: Rate::new(cell.start_us),
                members: Distinct::default(),
            });
            group.members.insert(hash::mix(cell.entity, 0), MEMBERS_EXACT_MAX);
        }
        let Some(start_us) = cells.first().map(|cell| cell.start_us) else { return };
        for (group, is_new) in news {
            if let Some(group) = self.groups.get_mut(&group) {
                group.rate.take(start_us, half_life_us, is_new);
            }
        }
    }

    /// The signal of new values, if they are worth one.
    fn candidate(&self, behavior: &Behavior, new: &[New<'_>]) -> Option<Candidate> {
        let first = new.first()?.cell;
        let known = self.entities.get(&first.entity);
        let group = self.groups.get(&first.group);
        let rate = match behavior.kind {
            BehaviorKind::RareForPeers => &group?.rate,
            _ => &known?.rate,
        };
        let (start_us, learning_us) = (first.start_us, behavior.learning.micros());
        let support = behavior.support;
        let settled = rate.is_mature(start_us, learning_us, support);
        if !settled || known.is_some_and(|known| known.varied) {
            return None;
        }
        let mut peers_total = None;
        if let Some(peers) = &behavior.peers {
            let others = group?.members.count(MEMBERS_EXACT_MAX).0.saturating_sub(1);
            let enough = u64::from(peers.at_least);
            if others < enough || !group?.rate.is_mature(start_us, learning_us, support) {
                return None;
            }
            peers_total = Some(others);
        }
        let mut told: Vec<New<'_>> =
            new.iter().copied().filter(|new| self.is_told(behavior, new.cell)).collect();
        let order = |new: &New<'_>| (new.witness.time_us, Arc::clone(&new.witness.id));
        told.sort_by_cached_key(order);
        let bits = rate.bits();
        let earliest = *told.first()?;
        if bits < behavior.surprise_bits {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a number of values, far below 2^53")]
        let score = bits + (told.len() as f64).log2();
        let names = known.map(|known| (known.names.as_slice(), known.values.len()));
        let contrast = contrast::of_values(behavior, rate, names, &told, peers_total);
        let matched = told.iter().take(NEW_VALUES_MAX).map(|new| {
            let field = behavior.value.as_ref().map_or(String::new(), contrast::field);
            Matched::new("where", &field, Some(&new.cell.value_name))
        });
        Some(Candidate {
            score,
            entity: first.entity,
            entity_name: Arc::clone(&earliest.cell.entity_name),
            first: Arc::clone(earliest.witness),
            more: told.iter().skip(1).map(|new| Arc::clone(new.witness)).collect(),
            matched: matched.collect(),
            contrast,
            events_total: told.iter().map(|new| records(new.cell)).sum::<u64>().max(1),
        })
    }

    fn is_told(&self, behavior: &Behavior, cell: &Cell) -> bool {
        let chosen = behavior.tell.is_empty()
            || behavior.tell.iter().any(|pattern| glob::matches(pattern, &cell.value_name));
        if !chosen || records(cell) < behavior.at_least {
            return false;
        }
        let Some(wanted) = &behavior.peers else { return true };
        let peers = self.peers.get(&hash::mix(cell.group, cell.value));
        let others = peers.map_or(0, |peers| {
            peers.entities.iter().filter(|entity| **entity != cell.entity).count()
        });
        others <= wanted.others_max as usize
    }

    /// Forgets those that were seen longest ago, so that memory is bounded. A forgotten entity
    /// is learned anew and raises nothing meanwhile.
    fn bound(&mut self, options: &Options) {
        forget(&mut self.entities, options.entities_max, |known| known.rate.last_us);
        forget(&mut self.groups, options.entities_max, |group| group.rate.last_us);
        forget(&mut self.peers, options.peers_max, |peers| peers.last_us);
    }
}

/// Records of a cell, as far as they are counted.
fn records(cell: &Cell) -> u64 {
    cell.tally.as_deref().map_or(1, Tally::records)
}

/// Drops the tenth that was seen longest ago once there are more than `max`.
pub(super) fn forget<V>(map: &mut BTreeMap<u64, V>, max: usize, last_us: impl Fn(&V) -> i64) {
    if map.len() <= max {
        return;
    }
    let mut ages: Vec<(i64, u64)> = map.iter().map(|(key, value)| (last_us(value), *key)).collect();
    ages.sort_unstable();
    for (_, key) in ages.into_iter().take(map.len() - max + max / 10) {
        map.remove(&key);
    }
}
