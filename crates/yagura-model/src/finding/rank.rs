//! The rank of a finding: how much it matters here, and the reasons in points.
//! How points are given is the fold's business.

use serde::{Deserialize, Serialize};

use crate::Prose;

/// The most points that a rank can have.
pub const RANK_POINTS_MAX: u16 = 1_000;

/// How much a finding matters here; it explains itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rank {
    /// 0 to [`RANK_POINTS_MAX`]; more is more urgent.
    pub points: u16,
    /// What the points are made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<RankReason>,
}

/// One part of a rank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankReason {
    /// What was looked at.
    pub factor: RankFactor,
    /// What it adds or takes away.
    pub points: i16,
    /// Why, for a person.
    pub why: Prose,
}

/// What a rank looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RankFactor {
    /// How bad it is by itself.
    Severity,
    /// Whether it can be reached from outside.
    Exposure,
    /// What whoever gets hold of it may do.
    Privilege,
    /// What data it holds.
    Data,
    /// How easily it is made use of.
    Exploitability,
    /// How long it has been so.
    Age,
    /// How much the account weighs (production, development).
    Account,
    /// How often and how lately it was seen.
    Activity,
}

impl RankFactor {
    /// The word used in every file and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Severity => "severity",
            Self::Exposure => "exposure",
            Self::Privilege => "privilege",
            Self::Data => "data",
            Self::Exploitability => "exploitability",
            Self::Age => "age",
            Self::Account => "account",
            Self::Activity => "activity",
        }
    }
}
