//! Findings: what somebody must care about, its life, and the record of that life. What stages see
//! is an observation; where findings are kept is the store's business, who is told the routes'.
//!
//! A finding is one (what, where). Everything that happens to it is a [`Change`] in an append-only
//! history, and what a finding is follows from its changes alone ([`Finding::apply`]), so that the
//! two can never disagree.

mod act;
mod change;
mod expected;
mod life;
mod rank;

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Prose, Severity, finding_id};

pub use act::{Act, ActOutcome, Acted, Closing, ClosingReason, Noticed, NoticedAs, Refusal};
pub use change::{Actor, Change, HistoryEntry};
pub use expected::{Expected, ExpectedRoute, RouteVerdict};
pub use life::{Step, act, close, end_suppression, observe};
pub use rank::{RANK_POINTS_MAX, Rank, RankFactor, RankReason};

/// Characters of a comment, a reason, a label, an owner or a ticket's part kept at most.
pub const WORDS_CHARS_MAX: usize = 4_000;
/// Labels and tickets that one finding can have, each.
pub const ATTACHED_MAX: usize = 50;

/// What sort of stage saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A control that a resource fails.
    Control,
    /// Something that logs told.
    Alert,
    /// Another product's finding.
    Import,
    /// Money spent otherwise than usual.
    Spend,
}

impl FindingKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Control, Self::Alert, Self::Import, Self::Spend];

    /// The word used in every file and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Alert => "alert",
            Self::Import => "import",
            Self::Spend => "spend",
        }
    }
}

impl FromStr for FindingKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a kind of finding"))
    }
}

/// Where a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// Nobody has said anything about it.
    New,
    /// Somebody has seen it.
    Acknowledged,
    /// Somebody works on it.
    InProgress,
    /// It is over.
    Resolved,
    /// It is accepted until a date.
    Suppressed,
}

impl FindingState {
    /// All of them, in the order of a finding's life.
    pub const ALL: [Self; 5] =
        [Self::New, Self::Acknowledged, Self::InProgress, Self::Resolved, Self::Suppressed];
    /// Those in which somebody should still do something.
    pub const OPEN: [Self; 3] = [Self::New, Self::Acknowledged, Self::InProgress];

    /// The word used in every file and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Acknowledged => "acknowledged",
            Self::InProgress => "in_progress",
            Self::Resolved => "resolved",
            Self::Suppressed => "suppressed",
        }
    }

    /// Whether somebody should still do something about it.
    pub fn is_open(self) -> bool {
        Self::OPEN.contains(&self)
    }
}

impl FromStr for FindingState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a state of a finding"))
    }
}

/// By what a finding is looked up, beside its own columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// A requirement of a framework: `cis-aws-7.0.0/2.1.4`.
    Requirement,
    /// An ATT&CK tag as Sigma writes it: `attack.t1562.008`.
    Attack,
    /// Who did it.
    Actor,
    /// Where it came from.
    Address,
    /// A further resource that it names.
    Resource,
    /// A tag of the resource or account: `env=prod`.
    Tag,
    /// The product that found it first.
    Product,
    /// A known weakness: `CVE-2021-44228`.
    Vulnerability,
    /// A module or stack that it comes from.
    Module,
}

impl MarkKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Requirement,
        Self::Attack,
        Self::Actor,
        Self::Address,
        Self::Resource,
        Self::Tag,
        Self::Product,
        Self::Vulnerability,
        Self::Module,
    ];

    /// The word used in every file and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requirement => "requirement",
            Self::Attack => "attack",
            Self::Actor => "actor",
            Self::Address => "address",
            Self::Resource => "resource",
            Self::Tag => "tag",
            Self::Product => "product",
            Self::Vulnerability => "vulnerability",
            Self::Module => "module",
        }
    }
}

impl FromStr for MarkKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a kind of mark"))
    }
}

/// What a stage saw of one (what, where). It has no life of its own yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// What sort of stage saw it.
    pub kind: FindingKind,
    /// What: a control's id, a detection's, `guardduty/Recon:EC2/Portscan`, `spend.jump`.
    pub content: String,
    /// The content's file, relative to the content folder; none where it comes from no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where: a resource's key, or an entity (`actor:arn:aws:…`).
    pub key: String,
    /// What tells several of one content and key apart; mostly empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sub_key: String,
    /// What is the matter.
    pub title: Prose,
    /// How bad it is, as the stage says.
    pub severity: Severity,
    /// Twelve digits; empty where it belongs to no account.
    pub account: String,
    /// A region's name, or [`GLOBAL_REGION`](crate::GLOBAL_REGION).
    pub region: String,
    /// The resource's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// What a person calls the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// Findings of one cause are one group: `content@account` unless the fold knows better.
    pub cause: String,
    /// When what was seen now began, in microseconds since 1970. Of an alert: of this alert alone.
    pub first_us: i64,
    /// When it was last so, in microseconds since 1970; of a control the scan's start.
    pub last_us: i64,
    /// How often it was seen now: 1 of a control, 1 of an alert. Added to what is known where all
    /// of it is later, so that seeing the same again counts once.
    pub occurrences: u64,
    /// How much it matters here, and why.
    #[serde(default)]
    pub rank: Rank,
    /// By what it is looked up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<(MarkKind, String)>,
    /// Whether the stage itself has accepted it until a date (an exception, a suppression file).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppression: Option<FindingSuppression>,
    /// The verdict, the alert or the original finding, whole.
    #[serde(default)]
    pub evidence: Value,
}

impl Observation {
    /// The identity of the finding that it is one observation of: 32 hex digits. Of a control the
    /// one that every output of a scan prints.
    pub fn id(&self) -> String {
        finding_id(self.kind.as_str(), &self.content, &self.key, &self.sub_key)
    }
}

/// Until when a finding is accepted, by whom, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingSuppression {
    /// Until when, in microseconds since 1970.
    pub until_us: i64,
    /// Who answers for it.
    pub owner: String,
    /// Why it is accepted.
    pub reason: String,
}

/// A ticket of another system that a finding is worked on in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ticket {
    /// The system: `jira`, `backlog`, or a target's name.
    pub system: String,
    /// What the system calls the ticket: `SEC-12`.
    pub key: String,
    /// Where a person sees it; empty where unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// Something that somebody must care about, with its life so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// [`Observation::id`]: 32 hex digits.
    pub id: String,
    /// The latest observation. Its times and number are those of that observation alone.
    pub observation: Observation,
    /// Where it stands.
    pub state: FindingState,
    /// How bad it is: what a person or a rule has set, else what the latest observation says.
    pub severity: Severity,
    /// What a person or a rule has set; it outlives observations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_set: Option<Severity>,
    /// When it was first so, in microseconds since 1970.
    pub first_seen_us: i64,
    /// When it was last so, in microseconds since 1970.
    pub last_seen_us: i64,
    /// How often it was seen in all.
    pub occurrences: u64,
    /// When it was opened or last reopened, in microseconds since 1970.
    pub opened_us: i64,
    /// Who is to deal with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// By when, in microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_us: Option<i64>,
    /// Until when it is accepted. A resolved finding keeps it: should it come back before that
    /// date, it is suppressed at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppression: Option<FindingSuppression>,
    /// Where else it is worked on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tickets: Vec<Ticket>,
    /// What people and rules call it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub labels: BTreeSet<String>,
    /// As of when it is over, in microseconds since 1970; an observation later than this reopens
    /// it. None while it is not resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_us: Option<i64>,
    /// How many comments its history has.
    #[serde(default)]
    pub comments: u64,
    /// The newest [`COMMENTS_KEPT`] of them, each cut to [`COMMENT_CHARS_KEPT`] characters: what
    /// is searched of them. The history has all of them, whole, and alone those of findings that
    /// were written before they had this member.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commented: Vec<String>,
    /// When its life last changed, in microseconds since 1970.
    pub changed_us: i64,
    /// How many changes its history has. Being seen again, or with another rank or evidence, is
    /// no change of its life.
    pub version: u64,
}

/// Comments that a finding carries itself.
pub const COMMENTS_KEPT: usize = 20;
/// Characters of each comment that it carries.
pub const COMMENT_CHARS_KEPT: usize = 1_000;

/// Whose findings somebody may know of. There is no way to findings without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's.
    All,
    /// Those of these accounts, and nothing else. Of none: nothing.
    Accounts(BTreeSet<String>),
}

impl Scope {
    /// Whether findings of an account may be known of.
    pub fn admits(&self, account: &str) -> bool {
        match self {
            Self::All => true,
            Self::Accounts(accounts) => accounts.contains(account),
        }
    }
}

#[cfg(test)]
mod tests;
