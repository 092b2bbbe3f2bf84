//! What people, rules and stages ask of findings, and what became of each request.
//! Whether a request can be met is in `life.rs`.

use serde::{Deserialize, Serialize};

use super::{FindingState, FindingSuppression, Ticket};
use crate::Severity;

/// Something that a person or a rule does with a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// Moves it on: to new, acknowledged, in progress or resolved. A suppression ends with it.
    SetState {
        /// Where to. Suppressing needs an owner and a reason: [`Act::Suppress`].
        to: FindingState,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Accepts it until a date.
    Suppress(FindingSuppression),
    /// Says who is to deal with it; none is nobody.
    Assign {
        /// Who.
        to: Option<String>,
    },
    /// Says by when, in microseconds since 1970; none is no date.
    SetDue {
        /// By when.
        at_us: Option<i64>,
    },
    /// Says something about it.
    Comment {
        /// What.
        text: String,
    },
    /// Notes where else it is worked on.
    LinkTicket(Ticket),
    /// Notes that it no longer is. The address does not matter.
    UnlinkTicket(Ticket),
    /// Says how bad it is; none leaves it to observations again.
    SetSeverity {
        /// How bad.
        to: Option<Severity>,
    },
    /// Gives it a label.
    Label {
        /// The label.
        label: String,
    },
    /// Takes a label away.
    Unlabel {
        /// The label.
        label: String,
    },
}

/// What became of an act on one finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    /// The finding's id, as it was asked for.
    pub id: String,
    /// What became of it.
    pub outcome: ActOutcome,
}

/// What became of an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ActOutcome {
    /// It is done.
    Done {
        /// The finding's version now.
        version: u64,
    },
    /// It was so before.
    Same {
        /// The finding's version.
        version: u64,
    },
    /// There is no such finding, or not in this scope.
    Unknown,
    /// The finding is not as whoever asked had seen it.
    Conflict {
        /// The finding's version.
        version: u64,
    },
    /// It cannot be done.
    Refused {
        /// Why.
        why: Refusal,
    },
}

/// Why an act cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The suppression would end before it begins.
    #[error("the date until which it is to be suppressed has passed")]
    DatePassed,
    /// A suppression without owner or reason, an empty comment, label or ticket.
    #[error("an owner, a reason or a text is missing")]
    WordsMissing,
    /// More text than is kept.
    #[error("the text is longer than {} characters", super::WORDS_CHARS_MAX)]
    WordsTooLong,
    /// What is over cannot be suppressed.
    #[error("it is resolved")]
    Resolved,
    /// [`FindingState::Suppressed`] was asked for without owner and reason.
    #[error("suppressing needs a date, an owner and a reason")]
    SuppressionIncomplete,
    /// It has as many labels or tickets as it can have.
    #[error("it has {} of them already", super::ATTACHED_MAX)]
    TooMany,
}

/// Findings that a stage knows to be over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Their ids.
    pub ids: Vec<String>,
    /// Why.
    pub reason: ClosingReason,
    /// As of when this is known (a scan's start), in microseconds since 1970. A finding that was
    /// seen later stays open.
    pub as_of_us: i64,
}

/// Why a stage knows that a finding is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosingReason {
    /// The control passes.
    Passed,
    /// The control no longer speaks about the resource.
    NotApplicable,
    /// The resource is gone, and its listing was complete.
    ResourceEnded,
    /// The control was removed, or the site has switched it off.
    ContentEnded,
    /// The product that found it says so.
    ClosedAtOrigin,
    /// What was spent is as usual again.
    BackToNormal,
}

impl ClosingReason {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Passed,
        Self::NotApplicable,
        Self::ResourceEnded,
        Self::ContentEnded,
        Self::ClosedAtOrigin,
        Self::BackToNormal,
    ];

    /// The word that the history keeps.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::NotApplicable => "not_applicable",
            Self::ResourceEnded => "resource_ended",
            Self::ContentEnded => "content_ended",
            Self::ClosedAtOrigin => "closed_at_origin",
            Self::BackToNormal => "back_to_normal",
        }
    }
}

/// What an observation meant for its finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// The finding's id.
    pub id: String,
    /// What it meant.
    pub what: NoticedAs,
}

/// What an observation can mean for its finding, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticedAs {
    /// It is known, and as bad as before or less.
    Seen,
    /// It is worse than before.
    Raised,
    /// It was over, or its suppression was, and it is here again.
    Reopened,
    /// It is new.
    Opened,
}
