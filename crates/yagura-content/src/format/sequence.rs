//! Sequences: signals of one actor or resource that make one story of an attack.
//! They are followed in `yagura-judge`; single departures from what is usual are `behavior.rs`.

use std::collections::BTreeMap;

use serde::Deserialize;
use yagura_model::{Prose, Severity};

use super::behavior::CaseExpectation;
use super::control::Steps;
use super::span::Span;
use crate::place::Placed;

/// A sequence: `content/sequences/<what_happened>.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// `sequences.<what_happened>`, from the path.
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
    /// The alerts' grouping window.
    #[serde(default = "a_week")]
    pub window: Span,
    /// Raised and kept, told to nobody.
    #[serde(default)]
    pub shadow: bool,
    /// By catalog: the ids that it serves.
    #[serde(default)]
    pub maps: BTreeMap<String, Vec<Placed<String>>>,
    /// What the signals have in common.
    pub by: LinkedBy,
    /// Within how long.
    #[serde(default = "a_day")]
    pub within: Span,
    /// The steps; each is taken by signals of a content of its own.
    pub steps: Vec<SequenceStep>,
    /// Whether the steps follow one another. Signals of one second count as being in order.
    #[serde(default)]
    pub ordered: bool,
    /// What there must be besides.
    #[serde(default)]
    pub at_least: AtLeast,
    /// Contents that do not count, as globs of ids or tags.
    #[serde(default)]
    pub exclude: Vec<Placed<String>>,
    /// Sequences that tell the same story better: where one of them is told of the same entity,
    /// this one is not.
    #[serde(default)]
    pub unless: Vec<Placed<String>>,
    /// Signals, and whether they make the story.
    pub cases: Vec<SequenceCase>,
}

/// What the signals of a sequence have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkedBy {
    /// Who did it, through every session and key that came of it.
    Actor,
    /// An instance: its traffic, its queries, and the credentials it was given.
    Instance,
    /// A bucket, and whatever lies in it.
    Bucket,
    /// What it was done to, by its whole name.
    Resource,
    /// An account.
    Account,
}

/// A step of a sequence.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequenceStep {
    /// What the step is called.
    pub name: Placed<String>,
    /// Tags (`attack.exfiltration`) or globs of content ids (`cloudtrail.bucket_*`), one of which
    /// the signal's content must have.
    pub any: Vec<Placed<String>>,
    /// Tags or globs that it must not have.
    #[serde(default)]
    pub without: Vec<Placed<String>>,
    /// Whether the story is whole without it.
    #[serde(default)]
    pub optional: bool,
}

/// What a story needs besides its steps.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AtLeast {
    /// Steps taken, of all.
    pub steps: usize,
    /// Distinct tactics, each from a content of its own.
    pub tactics: usize,
    /// Distinct contents.
    pub contents: usize,
    /// Distinct contents that are not weak.
    pub strong: usize,
}

/// Signals, and whether they make the story.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequenceCase {
    /// What it shows.
    pub name: Placed<String>,
    /// Whether the story is told.
    pub expect: CaseExpectation,
    /// Who became whom.
    #[serde(default)]
    pub links: Vec<CaseLink>,
    /// What was signalled.
    pub signals: Vec<CaseSignal>,
}

/// A session or key that one actor got for another.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseLink {
    /// Who got it.
    pub from: String,
    /// Who acts with it.
    pub to: String,
    /// After the case's beginning.
    #[serde(default)]
    pub after: Option<Span>,
}

/// A signal of a case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseSignal {
    /// The content's id.
    pub content: String,
    /// The content's tags.
    pub tags: Vec<String>,
    /// Whether it is weak.
    #[serde(default)]
    pub weak: bool,
    /// After the case's beginning.
    #[serde(default)]
    pub after: Option<Span>,
    /// Who did it.
    #[serde(default)]
    pub actor: Option<String>,
    /// The instance that it is about.
    #[serde(default)]
    pub instance: Option<String>,
    /// The account it happened in.
    #[serde(default)]
    pub account: Option<String>,
    /// What it was done to.
    #[serde(default)]
    pub resources: Vec<String>,
}

impl Sequence {
    /// The file that the id stands for.
    pub fn path(&self) -> String {
        format!("{}.yaml", self.id.replace('.', "/"))
    }
}

fn a_day() -> Span {
    Span::days(1)
}

fn a_week() -> Span {
    Span::days(7)
}
