//! The head of a rule: everything that does not decide whether it matches.
//! Reading it is `parse/metadata.rs`.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::problem::Place;

/// The head of a rule, correlation or filter.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// What the caller called the file.
    pub origin: Arc<str>,
    /// Where the document begins.
    pub place: Place,
    /// `title`
    pub title: String,
    /// `id`, a UUID usually.
    pub id: Option<String>,
    /// `name`, by which correlations refer to the rule.
    pub name: Option<String>,
    /// `status`
    pub status: Option<Status>,
    /// `level`
    pub level: Option<Level>,
    /// `description`
    pub description: Option<String>,
    /// `license`, an SPDX identifier.
    pub license: Option<String>,
    /// `author`
    pub author: Option<String>,
    /// `taxonomy`; `sigma` where absent.
    pub taxonomy: Option<String>,
    /// `date`, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// `modified`, `YYYY-MM-DD`.
    pub modified: Option<String>,
    /// `references`
    pub references: Vec<String>,
    /// `tags`, as `attack.t1078`.
    pub tags: Vec<String>,
    /// `fields` that an analyst wants to see.
    pub fields: Vec<String>,
    /// `falsepositives`
    pub false_positives: Vec<String>,
    /// `scope`
    pub scope: Vec<String>,
    /// `related`
    pub related: Vec<Related>,
    /// Keys of the author's own, with scalar values as texts.
    pub custom: Vec<(String, String)>,
}

impl Metadata {
    /// The name that state and references use: `id`, else `name`, else the title.
    #[must_use]
    pub fn key(&self) -> &str {
        self.id.as_deref().or(self.name.as_deref()).unwrap_or(&self.title)
    }

    /// Whether a reference means this rule, by id or name.
    #[must_use]
    pub fn is_called(&self, reference: &str) -> bool {
        self.id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(reference))
            || self.name.as_deref() == Some(reference)
    }
}

/// How severe a match is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Enriches events; raises nothing.
    Informational,
    /// Notable, rarely an incident.
    Low,
    /// To be reviewed.
    Medium,
    /// To be reviewed at once.
    High,
    /// An incident.
    Critical,
}

impl Level {
    pub(crate) fn read(text: &str) -> Option<Self> {
        Some(match text {
            "informational" => Self::Informational,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "critical" => Self::Critical,
            _ => return None,
        })
    }

    /// As in a rule.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How ripe a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// For production.
    Stable,
    /// Nearly.
    Test,
    /// May be noisy.
    Experimental,
    /// Replaced by another.
    Deprecated,
    /// Cannot be used as it is.
    Unsupported,
}

impl Status {
    pub(crate) fn read(text: &str) -> Option<Self> {
        Some(match text {
            "stable" => Self::Stable,
            "test" => Self::Test,
            "experimental" => Self::Experimental,
            "deprecated" => Self::Deprecated,
            "unsupported" => Self::Unsupported,
            _ => return None,
        })
    }
}

/// Another rule that this one has to do with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// Its id.
    pub id: String,
    /// How.
    pub relation: Relation,
}

/// How two rules are related.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Made from it; both may be in use.
    Derived,
    /// Replaces it.
    Obsolete,
    /// Made by joining it with others.
    Merged,
    /// It had that id before.
    Renamed,
    /// Looks for much the same.
    Similar,
    /// A correlation over it.
    Correlation,
}

impl Relation {
    pub(crate) fn read(text: &str) -> Option<Self> {
        Some(match text {
            "derived" => Self::Derived,
            "obsolete" | "obsoletes" => Self::Obsolete,
            "merged" => Self::Merged,
            "renamed" => Self::Renamed,
            "similar" => Self::Similar,
            "correlation" => Self::Correlation,
            _ => return None,
        })
    }
}

/// The logs that a rule is about. What is absent does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogSource {
    /// As `aws`.
    pub product: Option<String>,
    /// As `cloudtrail`.
    pub service: Option<String>,
    /// As `process_creation`.
    pub category: Option<String>,
}

impl LogSource {
    /// Whether everything asked for here is so of the logs described: `{product: aws}` covers
    /// `{product: aws, service: cloudtrail}`. Names are compared without case.
    #[must_use]
    pub fn covers(&self, described: &Self) -> bool {
        let holds = |asked: &Option<String>, is: &Option<String>| match (asked, is) {
            (None, _) => true,
            (Some(asked), Some(is)) => asked.eq_ignore_ascii_case(is),
            (Some(_), None) => false,
        };
        holds(&self.product, &described.product)
            && holds(&self.service, &described.service)
            && holds(&self.category, &described.category)
    }
}

impl fmt::Display for LogSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts =
            [("product", &self.product), ("service", &self.service), ("category", &self.category)];
        let mut between = "";
        for (name, value) in parts {
            if let Some(value) = value {
                write!(f, "{between}{name}: {value}")?;
                between = ", ";
            }
        }
        Ok(())
    }
}
