//! Who is expected to hear of a finding: what each route makes of it, and why.
//! Routes decide it in `yagura-respond`; commands, pages and the API show it.

use jiff::Timestamp;
use serde::Serialize;

/// What the site's routes make of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// What is assumed to have happened to it: its last change that a route could mind, else that
    /// it is new. A word of `messages.change`.
    pub change: String,
    /// It is suppressed, and comes up for nobody.
    pub hushed: bool,
    /// Every route, in order.
    pub routes: Vec<ExpectedRoute>,
}

/// What one route makes of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExpectedRoute {
    /// Its id.
    pub route: String,
    /// Whether it is followed, and why not.
    pub verdict: RouteVerdict,
    /// Why its condition has no result, where it has none.
    pub problem: Option<String>,
    /// Its condition.
    pub when: Option<String>,
    /// Where it leads.
    pub targets: Vec<String>,
    /// When it would tell together with others; none is at once.
    pub due: Option<Timestamp>,
}

/// Whether a route is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteVerdict {
    /// It is.
    Followed,
    /// Its condition has no result; it is followed all the same.
    Unknown,
    /// It does not mind what happened.
    OtherChange,
    /// Its condition does not hold.
    ConditionFails,
    /// One above it was followed, and says that none below is.
    Shadowed,
}

impl RouteVerdict {
    /// Whether the route's targets hear of it.
    pub fn is_followed(self) -> bool {
        matches!(self, Self::Followed | Self::Unknown)
    }
}
