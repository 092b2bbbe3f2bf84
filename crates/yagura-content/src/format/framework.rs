//! Frameworks: lists of requirements, in groups. Which controls serve a requirement is written in
//! the controls, not here; scoring is done in `yagura-judge`.

use serde::Deserialize;
use yagura_model::Prose;

use crate::place::Placed;

/// A framework: `content/frameworks/<id>.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Framework {
    /// From the path.
    #[serde(skip)]
    pub id: String,
    /// What it is called.
    pub title: Placed<Prose>,
    /// The publisher's version.
    pub version: String,
    /// Who publishes it, and when it was seen.
    pub source: String,
    /// Areas or chapters, in the order shown.
    pub groups: Vec<Group>,
    /// What it asks for, in the order shown.
    pub requirements: Vec<Requirement>,
}

/// An area or chapter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Unique within the framework.
    pub id: Placed<String>,
    /// What it is called.
    pub title: Placed<Prose>,
}

/// Something that a framework asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// As the publisher numbers it.
    pub id: Placed<String>,
    /// The group that it belongs to.
    pub group: Placed<String>,
    /// What it asks for, in our own words.
    pub title: Placed<Prose>,
    /// The profile level, where the framework has levels.
    #[serde(default)]
    pub level: Option<u8>,
    /// Whether an API can answer it.
    pub assessment: Assessment,
    /// What else a reader should know.
    #[serde(default)]
    pub note: Option<Placed<Prose>>,
}

/// Whether an API can answer a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assessment {
    /// Yes.
    Automated,
    /// A person has to say so.
    Manual,
}
