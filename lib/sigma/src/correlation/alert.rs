//! What a correlation says when it is met.
//! When that is, is decided in `window.rs`.

use std::sync::Arc;

use crate::matcher::RuleId;
use crate::number::Numeric;

/// A correlation of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CorrelationId(pub(crate) u32);

impl CorrelationId {
    /// Its place in the plan.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A correlation that was met.
#[derive(Clone, Debug, PartialEq)]
pub struct CorrelationAlert {
    /// Which.
    pub correlation: CorrelationId,
    /// The values it was grouped by: (field or alias, value). `None` where an event lacks it.
    pub group: Vec<(String, Option<Arc<str>>)>,
    /// When it was met, in event time: that of the deciding event, or the end of the window for
    /// a condition that only a whole window can meet.
    pub time_us: i64,
    /// Time of the first contributing event.
    pub first_us: i64,
    /// Time of the last contributing event.
    pub last_us: i64,
    /// What was measured: a count, a sum, a mean, a percentile, or how many rules matched.
    pub measured: Numeric,
    /// The events that contributed, in order of time; at most `Options::alert_events_max`, the
    /// latest.
    pub events: Vec<Contribution>,
    /// How many contributed in all.
    pub events_total: usize,
}

/// An event of an alert.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contribution {
    /// In microseconds since 1970.
    pub time_us: i64,
    /// The record's name.
    pub id: Arc<str>,
    /// The rule that it matched.
    pub rule: RuleId,
}
