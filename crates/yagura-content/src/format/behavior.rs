//! Behaviours: what is usual for somebody, and which departure from it is worth a signal.
//! Learning and judging are in `yagura-judge`; sequences of signals in `sequence.rs`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use yagura_model::alert::EntityKind;
use yagura_model::source::Template;
use yagura_model::{Prose, Severity};

use super::control::Steps;
use super::span::Span;
use crate::place::Placed;

/// A behaviour: `content/behaviors/<topic>/<what_departs>.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behavior {
    /// `behaviors.<topic>.<what_departs>`, from the path.
    #[serde(skip)]
    pub id: String,
    /// What happened, as a sentence.
    pub title: Placed<Prose>,
    /// What it means and why it matters.
    pub description: Placed<Prose>,
    /// When it is harmless.
    pub falsepositives: Placed<Steps>,
    /// What to do, in order.
    pub respond: Placed<Steps>,
    /// How bad it is.
    pub level: Severity,
    /// ATT&CK tags as Sigma writes them.
    pub tags: Vec<Placed<String>>,
    /// Where to read on.
    #[serde(default)]
    pub references: Vec<Placed<String>>,
    /// What the baseline's owner is to an alert.
    pub entity: EntityKind,
    /// The alerts' grouping window.
    #[serde(default = "a_day")]
    pub window: Span,
    /// It feeds sequences and never alerts alone.
    #[serde(default)]
    pub weak: bool,
    /// Raised and kept, told to nobody.
    #[serde(default)]
    pub shadow: bool,
    /// By catalog: the ids that it serves.
    #[serde(default)]
    pub maps: BTreeMap<String, Vec<Placed<String>>>,
    /// The log source.
    pub source: Placed<String>,
    /// Which of its records count: a Sigma `detection` map over the record's own fields.
    #[serde(rename = "where")]
    pub condition: Placed<Map<String, Value>>,
    /// Whose baseline it is: the first of these that the record has.
    pub of: Vec<Placed<FieldTemplate>>,
    /// What is watched.
    pub kind: BehaviorKind,
    /// What may be new, or come from too far away.
    #[serde(default)]
    pub value: Option<ValueOf>,
    /// Which new values are told, as globs; the others are learned all the same. Empty: all.
    /// Behaviours that differ in this and in their thresholds alone share one baseline.
    #[serde(default)]
    pub tell: Vec<Placed<String>>,
    /// Whose values are compared with each other.
    #[serde(default)]
    pub peers: Option<PeersOf>,
    /// What is counted.
    #[serde(default)]
    pub measure: Option<Measure>,
    /// How long somebody must be known before anything is judged.
    #[serde(default = "a_week")]
    pub learning: Span,
    /// In how many buckets somebody must have been seen before anything is judged.
    #[serde(default = "twenty")]
    pub support: u32,
    /// After how long what was seen counts half; after four of them it is forgotten.
    #[serde(default = "a_month")]
    pub half_life: Span,
    /// Records of one bucket are judged together, when it is over.
    #[serde(default = "an_hour")]
    pub bucket: Span,
    /// How unlikely something new must be, in bits: 4 is one bucket in sixteen.
    #[serde(default = "four")]
    pub surprise_bits: f64,
    /// How many deviations above what is expected (of logarithms) a measure must be.
    #[serde(default = "five")]
    pub deviations: f64,
    /// How many times what is expected, and how many times the most seen so far, it must be.
    #[serde(default = "three")]
    pub times: f64,
    /// The least that matters: of a measure its size, of something new how many records.
    #[serde(default = "one")]
    pub at_least: u64,
    /// Faster than this nobody travels.
    #[serde(default = "thousand")]
    pub speed_kmh: f64,
    /// Nearer than this nothing is told: places of addresses are rough.
    #[serde(default = "five_hundred")]
    pub distance_km: f64,
    /// Signals for one entity in a day, at most.
    #[serde(default = "one_a_day")]
    pub budget: u32,
    /// Signals of this behaviour in a day, at most: the best by score.
    #[serde(default = "twenty")]
    pub budget_total: u32,
    /// Histories and what comes after them.
    pub cases: Vec<BehaviorCase>,
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BehaviorKind {
    /// A value that the entity never had; with `peers`, that its peers do not have either.
    FirstSeen,
    /// A value that hardly any of many peers ever had.
    RareForPeers,
    /// Far more of something than expected at this hour of the week.
    Volume,
    /// Two places, and too little time between them.
    ImpossibleTravel,
}

/// A template of the record's fields, which are written as in `source.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldTemplate(pub Template);

impl<'de> Deserialize<'de> for FieldTemplate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// Where a value comes from and as what it counts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueOf {
    /// All of these together. A record that lacks one has no value.
    pub from: Vec<Placed<FieldTemplate>>,
    /// Only the first of them that the record has.
    #[serde(default)]
    pub first: bool,
    /// As what it counts.
    #[serde(default, rename = "as")]
    pub form: ValueForm,
    /// What it is called to a reader: "the API call".
    pub name: Prose,
}

/// As what a value counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueForm {
    /// As it stands.
    #[default]
    Text,
    /// An address by its autonomous system; without one by its /24 or /48.
    Network,
    /// An address by its country.
    Country,
    /// An address by its place.
    Place,
    /// A user agent by its product.
    UserAgentFamily,
    /// A domain name by its last two labels (three under `co.jp` and its like).
    RegisteredDomain,
}

/// Whose values are compared.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeersOf {
    /// Entities with the same of this are peers: the first that the record has.
    pub of: Vec<Placed<FieldTemplate>>,
    /// How many peers there must be.
    #[serde(default = "three_peers")]
    pub at_least: u32,
    /// How many others may have had the value. At most 7.
    #[serde(default)]
    pub others_max: u32,
}

/// What is counted of the records of a bucket.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// How it is counted.
    pub count: MeasureKind,
    /// Of what: a number for `sum`, all of these together for `distinct`. A record that lacks one
    /// tells that the entity was active, and counts nothing.
    #[serde(default)]
    pub from: Vec<Placed<FieldTemplate>>,
    /// Of `distinct`: which values count, as globs over them with blanks between. Empty: all.
    #[serde(default)]
    pub matching: Vec<Placed<String>>,
    /// What it is called to a reader: "calls", "bytes sent".
    pub name: Prose,
}

/// How records are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasureKind {
    /// Distinct records.
    Records,
    /// A sum over them.
    Sum,
    /// Distinct values.
    Distinct,
}

/// A history, and what comes after it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BehaviorCase {
    /// What it shows.
    pub name: Placed<String>,
    /// Whether a signal is raised.
    pub expect: CaseExpectation,
    /// What happened before.
    #[serde(default)]
    pub history: Vec<CaseHistory>,
    /// What happens then.
    pub then: Vec<CaseRepeat>,
    /// What is known of addresses.
    #[serde(default)]
    pub networks: BTreeMap<String, CaseNetwork>,
}

/// What a case expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseExpectation {
    /// A signal.
    Match,
    /// None.
    Quiet,
}

/// An event that was repeated before the case's own time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseHistory {
    /// Its members, laid over the source's base record.
    pub event: Map<String, Value>,
    /// How often.
    pub every: Span,
    /// For how long before.
    #[serde(rename = "for")]
    pub length: Span,
    /// By path: a text with `{n}` in it, the number of the repetition, modulo `cycle`.
    #[serde(default)]
    pub vary: BTreeMap<String, String>,
    /// After how many repetitions `{n}` begins anew; 0: never.
    #[serde(default)]
    pub cycle: u32,
}

/// An event, or several alike.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseRepeat {
    /// Its members, laid over the source's base record.
    pub event: Map<String, Value>,
    /// How many.
    #[serde(default = "once")]
    pub count: u32,
    /// The time between them.
    #[serde(default = "a_second")]
    pub every: Span,
    /// After the case's own time.
    #[serde(default)]
    pub after: Option<Span>,
    /// By path: a text with `{n}` in it.
    #[serde(default)]
    pub vary: BTreeMap<String, String>,
}

/// What is known of an address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CaseNetwork {
    /// ISO 3166-1, two letters.
    pub country: Option<String>,
    /// The autonomous system's number.
    pub asn: Option<u32>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// Whether it belongs to a cloud or a proxy, which says nothing about a person's place.
    pub hosting: bool,
}

impl Behavior {
    /// The file that the id stands for.
    pub fn path(&self) -> String {
        format!("{}.yaml", self.id.replace('.', "/"))
    }
}

fn a_second() -> Span {
    Span::seconds(1)
}

fn an_hour() -> Span {
    Span::hours(1)
}

fn a_day() -> Span {
    Span::days(1)
}

fn a_week() -> Span {
    Span::days(7)
}

fn a_month() -> Span {
    Span::days(30)
}

fn once() -> u32 {
    1
}

fn one_a_day() -> u32 {
    1
}

fn one() -> u64 {
    1
}

fn three_peers() -> u32 {
    3
}

fn twenty() -> u32 {
    20
}

fn three() -> f64 {
    3.0
}

fn four() -> f64 {
    4.0
}

fn five() -> f64 {
    5.0
}

fn thousand() -> f64 {
    1_000.0
}

fn five_hundred() -> f64 {
    500.0
}
