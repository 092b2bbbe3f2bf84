//! What can happen to a finding, by whom, as its history keeps it, and what each change does.
//! What may happen when is in `life.rs`.

use serde::{Deserialize, Serialize};

use super::{COMMENT_CHARS_KEPT, COMMENTS_KEPT, Finding, FindingState, FindingSuppression, Ticket};
use crate::Severity;

/// One change in the life of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// It was seen for the first time.
    Opened {
        /// How bad it is.
        severity: Severity,
    },
    /// It was over and was seen again.
    Reopened {
        /// How bad it is now.
        severity: Severity,
    },
    /// It is worse or less bad than before.
    SeverityChanged {
        /// Before.
        from: Severity,
        /// Now.
        to: Severity,
    },
    /// A person or a rule says how bad it is, whatever observations say.
    SeveritySet {
        /// How bad; none leaves it to observations again.
        to: Option<Severity>,
    },
    /// It went on to another open state.
    StateChanged {
        /// Before.
        from: FindingState,
        /// Now: new, acknowledged or in progress.
        to: FindingState,
        /// Why, in the words of whoever did it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// It is over.
    Resolved {
        /// Before.
        from: FindingState,
        /// Why: a word of [`ClosingReason`](super::ClosingReason), or a person's own words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// As of when, in microseconds since 1970.
        as_of_us: i64,
    },
    /// It is accepted until a date.
    Suppressed {
        /// Until when, in microseconds since 1970.
        until_us: i64,
        /// Who answers for it.
        owner: String,
        /// Why it is accepted.
        reason: String,
    },
    /// Somebody is to deal with it.
    Assigned {
        /// Who; none is nobody any more.
        to: Option<String>,
    },
    /// It is to be dealt with by a time.
    DueSet {
        /// By when, in microseconds since 1970; none is no date any more.
        at_us: Option<i64>,
    },
    /// Somebody said something about it.
    Commented {
        /// What.
        text: String,
    },
    /// It is worked on in another system.
    TicketLinked(Ticket),
    /// It is no longer worked on there.
    TicketUnlinked(Ticket),
    /// It got a label.
    Labeled {
        /// The label.
        label: String,
    },
    /// It lost a label.
    Unlabeled {
        /// The label.
        label: String,
    },
}

impl Change {
    /// The one word for it that routes, filters and outputs use.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Reopened { .. } => "reopened",
            Self::SeverityChanged { from, to } if to > from => "raised",
            Self::SeverityChanged { .. } => "lowered",
            Self::SeveritySet { .. } => "severity_set",
            Self::StateChanged { to: FindingState::Acknowledged, .. } => "acknowledged",
            Self::StateChanged { to: FindingState::InProgress, .. } => "in_progress",
            Self::StateChanged { from: FindingState::Suppressed, .. } => "unsuppressed",
            Self::StateChanged { .. } => "state_changed",
            Self::Resolved { .. } => "resolved",
            Self::Suppressed { .. } => "suppressed",
            Self::Assigned { .. } => "assigned",
            Self::DueSet { .. } => "due_set",
            Self::Commented { .. } => "commented",
            Self::TicketLinked(_) => "ticket_linked",
            Self::TicketUnlinked(_) => "ticket_unlinked",
            Self::Labeled { .. } => "labeled",
            Self::Unlabeled { .. } => "unlabeled",
        }
    }
}

/// Who or what changed a finding.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum Actor {
    /// A person, by the name that the program knows.
    Person(String),
    /// An automation rule, by its id.
    Rule(String),
    /// A part of this program: `scan`, `detect`, `retention`.
    Yagura(String),
}

impl Actor {
    /// The word for what sort of actor it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Person(_) => "person",
            Self::Rule(_) => "rule",
            Self::Yagura(_) => "yagura",
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Person(name) | Self::Rule(name) | Self::Yagura(name) => name,
        }
    }

    /// From its two words; none where the first is none of [`Self::kind`].
    pub fn of(kind: &str, name: &str) -> Option<Self> {
        let name = name.to_owned();
        Some(match kind {
            "person" => Self::Person(name),
            "rule" => Self::Rule(name),
            "yagura" => Self::Yagura(name),
            _ => return None,
        })
    }
}

/// One line of the history of all findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Grows over all findings of a store; there may be gaps.
    pub number: i64,
    /// The finding's id.
    pub finding: String,
    /// The finding's account.
    pub account: String,
    /// When, in microseconds since 1970.
    pub at_us: i64,
    /// Who or what.
    pub actor: Actor,
    /// What.
    pub change: Change,
}

impl Finding {
    /// What a change makes of this finding. The only place where its life changes: folding a
    /// finding's history with it gives the finding's life.
    pub fn apply(&mut self, change: &Change, at_us: i64) {
        self.version += 1;
        self.changed_us = at_us;
        match change {
            Change::Opened { severity } | Change::Reopened { severity } => {
                self.state = FindingState::New;
                self.severity = *severity;
                self.opened_us = at_us;
                self.resolved_us = None;
                self.suppression = None;
            }
            Change::SeverityChanged { to, .. } => self.severity = *to,
            Change::SeveritySet { to } => self.severity_set = *to,
            Change::StateChanged { to, .. } => {
                self.state = *to;
                self.resolved_us = None;
                self.suppression = None;
            }
            Change::Resolved { as_of_us, .. } => {
                self.state = FindingState::Resolved;
                self.resolved_us = Some(*as_of_us);
            }
            Change::Suppressed { until_us, owner, reason } => {
                self.state = FindingState::Suppressed;
                self.resolved_us = None;
                let (owner, reason) = (owner.clone(), reason.clone());
                self.suppression = Some(FindingSuppression { until_us: *until_us, owner, reason });
            }
            Change::Assigned { to } => self.assignee.clone_from(to),
            Change::DueSet { at_us } => self.due_us = *at_us,
            Change::Commented { text } => {
                self.comments += 1;
                self.commented.push(text.chars().take(COMMENT_CHARS_KEPT).collect());
                let older = self.commented.len().saturating_sub(COMMENTS_KEPT);
                self.commented.drain(..older);
            }
            Change::TicketLinked(ticket) => {
                self.tickets.retain(|one| !same(one, ticket));
                self.tickets.push(ticket.clone());
            }
            Change::TicketUnlinked(ticket) => self.tickets.retain(|one| !same(one, ticket)),
            Change::Labeled { label } => {
                self.labels.insert(label.clone());
            }
            Change::Unlabeled { label } => {
                self.labels.remove(label);
            }
        }
    }
}

/// Whether two links are to one ticket, wherever a person sees it.
fn same(a: &Ticket, b: &Ticket) -> bool {
    a.system == b.system && a.key == b.key
}
