//! What can be asked of findings, and the shapes of the answers.
//! How questions are answered is in `matching.rs`, `list.rs` and `count.rs`.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use yagura_model::Severity;
use yagura_model::finding::{Finding, FindingKind, FindingState, MarkKind};

/// Findings of one page at most.
pub const PAGE_MAX: usize = 1_000;
/// Counts of one answer at most; the greatest come first.
pub const COUNTS_MAX: usize = 1_000;
/// Findings whose text is compared with a question at most. Where more may match, the question is
/// answered by their bigrams alone, and totals say so ([`Total::exact`]).
pub const COMPARED_MAX: usize = 2_000;
/// Words and phrases of one question at most; the rest of it is not looked at.
pub const WORDS_MAX: usize = 16;

/// Which findings are asked for. An empty list, or none, does not matter; several values of one
/// list are alternatives; different conditions must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// Where they stand. Empty is every state, also resolved and suppressed.
    pub states: Vec<FindingState>,
    /// How bad they are.
    pub severities: Vec<Severity>,
    /// What sort of stage saw them.
    pub kinds: Vec<FindingKind>,
    /// Ids of content; with `*` at the end whatever begins so: `guardduty/*`.
    pub contents: Vec<String>,
    /// Accounts, within the scope.
    pub accounts: Vec<String>,
    /// Regions.
    pub regions: Vec<String>,
    /// Types of resources.
    pub resource_types: Vec<String>,
    /// Keys: a resource's or an entity's, exactly.
    pub keys: Vec<String>,
    /// Causes.
    pub causes: Vec<String>,
    /// Marks. Of one kind they are alternatives; of different kinds all must be there.
    pub marks: Vec<(MarkKind, String)>,
    /// Labels, all of them.
    pub labels: Vec<String>,
    /// Who is to deal with them.
    pub assignee: Option<Assignee>,
    /// Words in their text (title in both languages, content, key, resource, account, marks,
    /// labels, tickets), in any order, all of them. Letters match within words; case, width and
    /// compatibility forms do not matter; `"…"` keeps words together.
    pub text: Option<String>,
    /// Ranked at least so, in points.
    pub rank_min: Option<u16>,
    /// First seen at this time or later, and before that time.
    pub first_seen: Span,
    /// Last seen at this time or later, and before that time.
    pub last_seen: Span,
    /// Suppressed until this time or later, and before that time.
    pub suppressed_until: Span,
    /// Due at this time or later, and before that time.
    pub due: Span,
}

impl FindingFilter {
    /// Those that are open: neither resolved nor suppressed.
    #[must_use]
    pub fn open() -> Self {
        Self { states: FindingState::OPEN.to_vec(), ..Self::default() }
    }
}

/// A time or later, and before a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// This time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

/// Who is to deal with a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assignee {
    /// Nobody yet.
    Nobody,
    /// This one.
    Name(String),
}

/// In which order findings come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingOrder {
    /// The highest rank first.
    #[default]
    Rank,
    /// The worst severity first, within it the highest rank.
    Severity,
    /// Last seen latest first.
    LastSeen,
    /// First seen latest first.
    FirstSeen,
    /// Due earliest first; what has no date comes last.
    Due,
}

/// Which page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In which order. A cursor goes on only in the order that it came from.
    pub order: FindingOrder,
    /// How many, at most [`PAGE_MAX`].
    pub limit: usize,
    /// [`FindingPage::next`] of the page before; none for the first.
    pub after: Option<FindingCursor>,
}

impl Default for Page {
    fn default() -> Self {
        Self { order: FindingOrder::default(), limit: 50, after: None }
    }
}

/// A place in a list. As text: two numbers and a full stop, fit for a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FindingCursor {
    pub(super) value: i64,
    pub(super) number: i64,
}

impl fmt::Display for FindingCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.value, self.number)
    }
}

impl FromStr for FindingCursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (value, number) = text.split_once('.')?;
            Some(Self { value: value.parse().ok()?, number: number.parse().ok()? })
        };
        read().ok_or_else(|| format!("`{text}` is not a place in a list"))
    }
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// How many.
    pub count: u64,
    /// Whether it is exactly so; otherwise it is the most that it can be, because more than
    /// [`COMPARED_MAX`] findings have the bigrams of a text that was asked for.
    pub exact: bool,
}

/// A page of findings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FindingPage {
    /// The findings.
    pub findings: Vec<Finding>,
    /// Where the next page begins; none where this was the last.
    pub next: Option<FindingCursor>,
    /// How many match on all pages.
    pub total: Total,
}

/// By what findings are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// By severity.
    Severity,
    /// By state.
    State,
    /// By account.
    Account,
    /// By region.
    Region,
    /// By kind.
    Kind,
    /// By content.
    Content,
    /// By the resource's type; empty where there is none.
    ResourceType,
    /// By cause.
    Cause,
    /// By who is to deal with it; empty is nobody.
    Assignee,
    /// By the day (UTC) on which it was first seen: `2026-11-22`.
    FirstSeenDay,
    /// By the day (UTC) on which it was last seen.
    LastSeenDay,
}

impl GroupBy {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Severity,
        Self::State,
        Self::Account,
        Self::Region,
        Self::Kind,
        Self::Content,
        Self::ResourceType,
        Self::Cause,
        Self::Assignee,
        Self::FirstSeenDay,
        Self::LastSeenDay,
    ];

    /// The word used in every file and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Severity => "severity",
            Self::State => "state",
            Self::Account => "account",
            Self::Region => "region",
            Self::Kind => "kind",
            Self::Content => "content",
            Self::ResourceType => "resource_type",
            Self::Cause => "cause",
            Self::Assignee => "assignee",
            Self::FirstSeenDay => "first_seen_day",
            Self::LastSeenDay => "last_seen_day",
        }
    }
}

impl FromStr for GroupBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|by| by.as_str() == text)
            .ok_or_else(|| format!("findings cannot be counted by `{text}`"))
    }
}

/// How many findings have one value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The value.
    pub value: String,
    /// How many.
    pub count: u64,
}

/// How many findings have each value, the greatest count first; days in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// At most [`COUNTS_MAX`].
    pub counts: Vec<Count>,
    /// How many values there are in all.
    pub values: u64,
    /// How many findings there are in all.
    pub total: Total,
}

/// Which page of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupPage {
    /// How many, at most [`PAGE_MAX`].
    pub limit: usize,
    /// How many to leave out first.
    pub offset: usize,
}

impl Default for GroupPage {
    fn default() -> Self {
        Self { limit: 50, offset: 0 }
    }
}

/// Findings of one cause.
#[derive(Clone, Debug, PartialEq)]
pub struct FindingGroup {
    /// The cause.
    pub cause: String,
    /// How many of its findings match.
    pub count: u64,
    /// The worst severity among them.
    pub severity: Severity,
    /// The highest rank among them, in points.
    pub rank: u16,
    /// When one of them was first seen, in microseconds since 1970.
    pub first_seen_us: i64,
    /// When one of them was last seen, in microseconds since 1970.
    pub last_seen_us: i64,
    /// How many of them are open.
    pub open: u64,
    /// The one with the highest rank.
    pub example: Finding,
}

/// Groups, the highest rank first, then the most findings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FindingGroups {
    /// The groups.
    pub groups: Vec<FindingGroup>,
    /// How many groups there are on all pages.
    pub total: u64,
}

/// What closing findings must know of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenFinding {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: FindingKind,
    /// Its content.
    pub content: String,
    /// Its key.
    pub key: String,
    /// Its sub key.
    pub sub_key: String,
    /// Its account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Its resource's type; empty where there is none.
    pub resource_type: String,
    /// Where it stands.
    pub state: FindingState,
    /// When it was last seen, in microseconds since 1970.
    pub last_seen_us: i64,
}
