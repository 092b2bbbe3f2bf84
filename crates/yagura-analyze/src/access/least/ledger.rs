//! What a principal used, added up call by call in bounded memory.
//! What a call needed is found in `usage`; the policy is written in `draft`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use yagura_model::usage::UsedCall;

use super::super::usage::{Ending, Naming, Needs};
use super::breadth::Breadth;

/// More ARNs of one action are joined into fewer, wider ones.
const RESOURCES_MAX: usize = 2_000;
/// More events without an action are counted as one.
const UNNAMED_MAX: usize = 200;

/// How often, when first and last, and one record of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many calls.
    pub count: u64,
    /// When first, in microseconds since 1970.
    pub first_us: i64,
    /// When last, in microseconds since 1970.
    pub last_us: i64,
    /// The id of a record.
    pub sample: String,
}

impl Tally {
    /// Adds calls.
    pub(crate) fn add(&mut self, call: &UsedCall) {
        if self.count == 0 {
            (self.first_us, self.last_us) = (call.first_us, call.last_us);
            self.sample.clone_from(&call.sample);
        }
        self.count = self.count.saturating_add(call.count);
        self.first_us = self.first_us.min(call.first_us);
        self.last_us = self.last_us.max(call.last_us);
    }
}

/// What was used of one action, for one purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsedAction {
    /// How often.
    pub tally: Tally,
    /// On what, as a policy writes it.
    pub resources: BTreeSet<String>,
    /// Where.
    pub regions: BTreeSet<String>,
    /// Whether each record told what it was about.
    pub told: bool,
    /// The error that every call ended with, where none succeeded.
    pub failed: Option<String>,
    /// Whether ARNs were joined because there were too many.
    pub joined: bool,
}

/// Everything a principal did, by action.
#[derive(Clone, Debug, Default)]
pub struct UsageLedger {
    /// By action, and the service that a role was handed to.
    pub used: BTreeMap<(Arc<str>, Option<String>), UsedAction>,
    /// What was refused, by action.
    pub refused: BTreeMap<Arc<str>, UsedAction>,
    /// Events that no action is known for, by service and name.
    pub unnamed: BTreeMap<(String, String), Tally>,
    /// Calls of events beyond those listed in `unnamed`.
    pub unnamed_more: u64,
    /// Calls that needed no permission.
    pub free: u64,
    /// All calls.
    pub all: Tally,
}

impl UsageLedger {
    /// Adds calls that are alike.
    pub fn take(&mut self, naming: &Naming, call: &UsedCall) {
        self.all.add(call);
        let needs = match naming.needs(call) {
            Needs::Nothing => {
                self.free = self.free.saturating_add(call.count);
                return;
            }
            Needs::Unknown => return self.unknown(call),
            Needs::Actions(needs) => needs,
        };
        let refused = Ending::of(call.error.as_deref()) == Ending::Refused;
        for need in needs {
            let entry = match refused {
                true => self.refused.entry(need.action),
                false => {
                    let key = (need.action, need.passed_to);
                    let used = self.used.entry(key).or_insert_with(fresh);
                    used.add(call, need.resources, need.told);
                    continue;
                }
            };
            entry.or_insert_with(fresh).add(call, need.resources, need.told);
        }
    }

    fn unknown(&mut self, call: &UsedCall) {
        let key = (call.event_source.clone(), call.event_name.clone());
        if self.unnamed.len() >= UNNAMED_MAX && !self.unnamed.contains_key(&key) {
            self.unnamed_more = self.unnamed_more.saturating_add(call.count);
            return;
        }
        self.unnamed.entry(key).or_default().add(call);
    }

    /// What was used of an action (in AWS's spelling), whatever for.
    pub fn uses_of<'l>(&'l self, action: &Arc<str>) -> impl Iterator<Item = &'l UsedAction> {
        let from = (Arc::clone(action), None);
        let action = Arc::clone(action);
        let own = self.used.range(from..).take_while(move |((used, _), _)| *used == action);
        own.map(|(_, used)| used)
    }
}

fn fresh() -> UsedAction {
    UsedAction { told: true, ..UsedAction::default() }
}

impl UsedAction {
    fn add(&mut self, call: &UsedCall, resources: Vec<String>, told: bool) {
        let first = self.tally.count == 0;
        self.failed = match (&call.error, first) {
            (Some(error), true) => Some(error.clone()),
            (Some(_), false) => self.failed.take(),
            (None, _) => None,
        };
        self.tally.add(call);
        self.told &= told;
        if !call.region.is_empty() {
            self.regions.insert(call.region.clone());
        }
        for resource in resources {
            if !self.resources.contains(&resource) {
                self.resources.insert(resource);
            }
        }
        if self.resources.len() > RESOURCES_MAX {
            self.joined = true;
            let mut wider = Breadth::Prefix.of(&self.resources);
            if wider.len() > RESOURCES_MAX / 2 {
                wider = Breadth::Type.of(&self.resources);
            }
            self.resources = wider.into_iter().take(RESOURCES_MAX / 2).collect();
        }
    }
}
