//! What judging logs raises: a signal is one match, an alert is the signals of one content on one
//! entity in one window. What makes a signal is judge's business, where alerts are kept the
//! store's, how they look the report's.
//!
//! Everything in an alert is a union: merging is commutative, associative and idempotent, so that
//! it does not matter how logs were cut, in which order they came, and whether they came twice.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Prose, Severity, finding_id};

mod distinct;

pub use distinct::{Distinct, Several, event_hash};

/// Witnesses kept of one alert: the first by time, then source, then id.
pub const WITNESSES_MAX: usize = 20;
/// Steps kept of one story.
pub const STORY_STEPS_MAX: usize = 50;
/// Characters kept of one matched value.
pub const MATCHED_CHARS_MAX: usize = 256;
/// Distinct events counted exactly; beyond, their number is estimated (about 3 % off).
pub const EVENTS_EXACT_MAX: usize = 1_024;

/// What sort of content raised it. A correlation of Sigma is a detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignalKind {
    /// A Sigma rule.
    Detection,
    /// An entry of a threat list.
    Intelligence,
    /// A departure from what is usual.
    Behavior,
    /// Several signals that make one story.
    Sequence,
}

impl SignalKind {
    /// All, in the order of their importance for naming an alert's identity.
    pub const ALL: [Self; 4] =
        [Self::Detection, Self::Intelligence, Self::Behavior, Self::Sequence];

    /// The lower-case word used in every file and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Detection => "detection",
            Self::Intelligence => "intelligence",
            Self::Behavior => "behavior",
            Self::Sequence => "sequence",
        }
    }
}

impl FromStr for SignalKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a kind of alert"))
    }
}

/// What sort of thing an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityKind {
    /// Who did it: an ARN where there is one.
    Actor,
    /// What it was done to.
    Resource,
    /// An AWS account.
    Account,
    /// An IP address.
    Address,
    /// An instance.
    Instance,
    /// The value of some other field.
    Other,
}

impl EntityKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Actor, Self::Resource, Self::Account, Self::Address, Self::Instance, Self::Other];

    /// The lower-case word used in every file and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Resource => "resource",
            Self::Account => "account",
            Self::Address => "address",
            Self::Instance => "instance",
            Self::Other => "other",
        }
    }
}

impl FromStr for EntityKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a kind of entity"))
    }
}

/// Who or what an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entity {
    /// What sort of thing it is.
    pub kind: EntityKind,
    /// Its name. Empty where the record tells none.
    pub id: Arc<str>,
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.id)
    }
}

/// One record as alerts show it. The common columns mean what they mean in the source's table.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Witness {
    /// When it happened, in microseconds since 1970; 0 where the record tells no time.
    pub time_us: i64,
    /// The log source's id: `cloudtrail`.
    pub source: Arc<str>,
    /// The record's name ([`Table::name_of`](crate::source::Table::name_of)), else the location
    /// of its object, `#`, and its place in it.
    pub id: Arc<str>,
    /// The account it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Arc<str>>,
    /// The region it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Arc<str>>,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Arc<str>>,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Arc<str>>,
    /// With what it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<Arc<str>>,
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Arc<str>>,
    /// `success`, `failure` or `denied`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Arc<str>>,
    /// What it was done to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Arc<str>>,
}

impl Witness {
    /// What the source itself calls the record (CloudTrail: `eventID`): the first part of its name.
    pub fn event_id(&self) -> &str {
        let first = self.id.split_once(':').and_then(|(length, rest)| {
            let length: usize = length.parse().ok()?;
            rest.get(..length)
        });
        first.unwrap_or(&self.id)
    }
}

impl Witness {
    /// A short stand-in for the record's name, the same wherever the record is read.
    pub fn event_hash(&self) -> u64 {
        event_hash(&self.source, &self.id)
    }
}

/// Why it matched: which selection, which field, which value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Matched {
    /// The selection's name; of a list, the list's.
    pub selection: Arc<str>,
    /// The field as the record calls it.
    pub field: Arc<str>,
    /// Its value, cut at [`MATCHED_CHARS_MAX`]; none where it matched for being absent.
    pub value: Option<Arc<str>>,
}

impl Matched {
    /// With the value cut to what is kept.
    pub fn new(selection: &str, field: &str, value: Option<&str>) -> Self {
        let value = value.map(|value| match value.char_indices().nth(MATCHED_CHARS_MAX) {
            None => Arc::from(value),
            Some((end, _)) => Arc::from(value.get(..end).unwrap_or_default()),
        });
        Self { selection: selection.into(), field: field.into(), value }
    }
}

/// What is normal and what was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contrast {
    /// What is normal.
    pub normal: Prose,
    /// What was seen.
    pub seen: Prose,
}

/// One step of a story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryStep {
    /// When, in microseconds since 1970.
    pub time_us: i64,
    /// The ATT&CK tactic, as a tag writes it: `defense-evasion`.
    pub tactic: Arc<str>,
    /// The id of the content that raised the step.
    pub content: Arc<str>,
    /// What happened.
    pub title: Prose,
    /// The record.
    pub witness: Witness,
}

impl StoryStep {
    fn order(&self) -> (i64, &str, &Witness) {
        (self.time_us, &self.content, &self.witness)
    }
}

/// What whoever groups signals must know of the content that raises them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// What sort of content it is.
    pub kind: SignalKind,
    /// The content's id.
    pub content: Arc<str>,
    /// The content's file, relative to the content folder; of a user's rule, its file.
    pub path: Arc<str>,
    /// What happened.
    pub title: Prose,
    /// ATT&CK tags as Sigma writes them: `attack.t1562.008`.
    pub tags: Vec<Arc<str>>,
    /// The grouping window in microseconds. Windows are aligned to the epoch.
    pub window_us: i64,
    /// Raised and kept, but told to nobody.
    pub shadow: bool,
}

/// One match, before grouping. A weak signal feeds sequences and never alerts alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// What sort of content raised it.
    pub kind: SignalKind,
    /// The content's id.
    pub content: Arc<str>,
    /// How bad it is, before context is looked at.
    pub severity: Severity,
    /// Whether it only feeds sequences.
    pub weak: bool,
    /// Who or what it is about.
    pub entity: Entity,
    /// When it happened, in microseconds since 1970: of several records the deciding one's time.
    pub time_us: i64,
    /// The record that decided.
    pub witness: Witness,
    /// Why it matched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<Matched>,
    /// What is normal and what was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contrast: Option<Contrast>,
    /// Further records of a correlation, a threshold or a sequence; at most [`WITNESSES_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<Witness>,
    /// [`event_hash`]es of records that are counted and not among the witnesses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_events: Vec<u64>,
    /// How many records there were in all; at least one.
    pub events_total: u64,
    /// What happened in order, of a sequence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub story: Vec<StoryStep>,
}

/// Who decided that an alert is not to be told, why, and until when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Suppression {
    /// Until when it holds.
    pub expires: Timestamp,
    /// Who decided.
    pub owner: String,
    /// Why.
    pub reason: String,
}

/// Why a severity is not the content's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeverityReason {
    /// Whether it made it worse.
    pub raised: bool,
    /// In English.
    pub en: String,
    /// In Japanese.
    pub ja: String,
}

/// Signals of one content on one entity in one window aligned to the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// [`alert_id`] of what follows.
    pub id: String,
    /// What sort of content raised it.
    pub kind: SignalKind,
    /// The content's id.
    pub content: Arc<str>,
    /// The content's file, relative to the content folder; of a user's rule, its file.
    pub path: Arc<str>,
    /// What happened.
    pub title: Prose,
    /// How bad it is, with its context: the worst of its signals.
    pub severity: Severity,
    /// Why the severity is not the content's own.
    pub severity_reasons: BTreeSet<SeverityReason>,
    /// ATT&CK tags as Sigma writes them.
    pub tags: Vec<Arc<str>>,
    /// Who or what it is about.
    pub entity: Entity,
    /// When the window begins, in microseconds since 1970.
    pub window_start_us: i64,
    /// How long the window is, in microseconds.
    pub window_us: i64,
    /// Time of the first record.
    pub first_us: i64,
    /// Time of the last record.
    pub last_us: i64,
    /// Distinct records.
    pub events: Distinct,
    /// The most records that one signal told of, also those it could not name.
    pub events_told: u64,
    /// Examples: the first records by time.
    pub witnesses: Vec<Witness>,
    /// Accounts of all records.
    pub accounts: Several,
    /// Regions of all records.
    pub regions: Several,
    /// Actors of all records.
    pub actors: Several,
    /// Addresses of all records.
    pub addresses: Several,
    /// Resources of all records.
    pub resources: Several,
    /// Why the first record matched.
    pub matched: Vec<Matched>,
    /// What is normal and what was seen at the first record.
    pub contrast: Option<Contrast>,
    /// What happened in order, of a sequence.
    pub story: Vec<StoryStep>,
    /// Set where every signal is covered by a suppression: the one that ends first.
    pub suppressed: Option<Suppression>,
    /// Raised and kept, but told to nobody.
    pub shadow: bool,
}

/// The identity of an alert: 32 hex digits, a promise like [`finding_id`].
pub fn alert_id(kind: SignalKind, content: &str, entity: &Entity, window_start_us: i64) -> String {
    finding_id(kind.as_str(), content, &entity.to_string(), &window_start_us.to_string())
}

/// The beginning of the window aligned to the epoch that a time lies in. A window of no length
/// begins with the time.
pub fn window_start(time_us: i64, window_us: i64) -> i64 {
    if window_us <= 0 {
        return time_us;
    }
    time_us.saturating_sub(time_us.rem_euclid(window_us))
}

impl Alert {
    /// The alert of one signal, with the content's severity and no context.
    pub fn of(about: &About, signal: Signal) -> Self {
        let window_start_us = window_start(signal.time_us, about.window_us);
        let id = alert_id(about.kind, &about.content, &signal.entity, window_start_us);
        let mut alert = Self {
            id,
            kind: about.kind,
            content: Arc::clone(&about.content),
            path: Arc::clone(&about.path),
            title: about.title.clone(),
            severity: signal.severity,
            severity_reasons: BTreeSet::new(),
            tags: about.tags.clone(),
            entity: signal.entity,
            window_start_us,
            window_us: about.window_us,
            first_us: signal.time_us,
            last_us: signal.time_us,
            events: Distinct::default(),
            events_told: signal.events_total.max(1),
            witnesses: Vec::new(),
            accounts: Several::default(),
            regions: Several::default(),
            actors: Several::default(),
            addresses: Several::default(),
            resources: Several::default(),
            matched: signal.matched,
            contrast: signal.contrast,
            story: signal.story,
            suppressed: None,
            shadow: about.shadow,
        };
        for hash in signal.more_events {
            alert.events.insert(hash, EVENTS_EXACT_MAX);
        }
        alert.add(signal.witness);
        for witness in signal.more {
            alert.add(witness);
        }
        alert.bound();
        alert
    }

    /// How many records there are, and whether that is exact.
    pub fn count(&self) -> (u64, bool) {
        let (distinct, exact) = self.events.count(EVENTS_EXACT_MAX);
        (distinct.max(self.events_told), exact && self.events_told <= distinct)
    }

    /// Joins an alert of the same identity into this one; whether that changed anything. Title,
    /// path and tags stay this one's: content may have changed between two runs, and the caller
    /// knows which is newer.
    pub fn merge(&mut self, other: Self) -> bool {
        let before = self.mark();
        let mine = self.witnesses.first().zip(other.witnesses.first());
        let theirs_first =
            mine.is_some_and(|(mine, theirs)| (theirs, &other.matched) < (mine, &self.matched));
        if theirs_first || self.witnesses.is_empty() {
            self.matched = other.matched;
            self.contrast = other.contrast;
        }
        match other.severity.cmp(&self.severity) {
            std::cmp::Ordering::Greater => {
                self.severity = other.severity;
                self.severity_reasons = other.severity_reasons;
            }
            std::cmp::Ordering::Equal => self.severity_reasons.extend(other.severity_reasons),
            std::cmp::Ordering::Less => {}
        }
        self.first_us = self.first_us.min(other.first_us);
        self.last_us = self.last_us.max(other.last_us);
        self.events.union(&other.events, EVENTS_EXACT_MAX);
        self.events_told = self.events_told.max(other.events_told);
        self.witnesses.extend(other.witnesses);
        self.accounts.union(other.accounts);
        self.regions.union(other.regions);
        self.actors.union(other.actors);
        self.addresses.union(other.addresses);
        self.resources.union(other.resources);
        self.story.extend(other.story);
        self.suppressed = self.suppressed.take().zip(other.suppressed).map(|(a, b)| a.min(b));
        self.shadow &= other.shadow;
        self.bound();
        self.mark() != before
    }

    /// Changes whenever the alert does: sets only grow, and what is bounded changes its length or
    /// its last element.
    fn mark(&self) -> impl PartialEq + use<> {
        let ends = self.witnesses.first().into_iter().chain(self.witnesses.last());
        let ends: Vec<Arc<str>> = ends.map(|witness| Arc::clone(&witness.id)).collect();
        let sets = [&self.accounts, &self.regions, &self.actors, &self.addresses, &self.resources];
        (
            (self.first_us, self.last_us, self.events.mark(), self.events_told),
            (self.severity, self.severity_reasons.len(), self.shadow, self.suppressed.clone()),
            (self.witnesses.len(), ends, self.matched.len()),
            sets.map(Several::mark),
            (self.story.len(), self.story.last().map(|step| step.time_us)),
        )
    }

    fn add(&mut self, witness: Witness) {
        self.events.insert(witness.event_hash(), EVENTS_EXACT_MAX);
        if witness.time_us > 0 {
            self.first_us = self.first_us.min(witness.time_us);
            self.last_us = self.last_us.max(witness.time_us);
        }
        for (set, value) in [
            (&mut self.accounts, &witness.account),
            (&mut self.regions, &witness.region),
            (&mut self.actors, &witness.actor),
            (&mut self.addresses, &witness.address),
        ] {
            if let Some(value) = value {
                set.insert(Arc::clone(value));
            }
        }
        for resource in &witness.resources {
            self.resources.insert(Arc::clone(resource));
        }
        self.witnesses.push(witness);
    }

    fn bound(&mut self) {
        self.witnesses.sort();
        self.witnesses.dedup_by(|a, b| (&a.source, &a.id) == (&b.source, &b.id));
        self.witnesses.truncate(WITNESSES_MAX);
        self.story.sort_by(|a, b| a.order().cmp(&b.order()));
        self.story.dedup_by(|a, b| a.order() == b.order());
        self.story.truncate(STORY_STEPS_MAX);
    }
}

#[cfg(test)]
mod tests;
