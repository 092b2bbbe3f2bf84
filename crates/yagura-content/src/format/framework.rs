//! Frameworks: lists of requirements, in groups, and which controls serve each. A control may say
//! so too, in its `maps`; both are joined in `crate::mapping`, scoring is done in `yagura-judge`.

use serde::Deserialize;
use yagura_model::Prose;

use super::control::Responsible;
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
    /// Whether the file lists a part of what the publisher numbers; controls may then name ids
    /// that are not here.
    #[serde(default)]
    pub excerpt: bool,
    /// Who has to act where a requirement does not say.
    #[serde(default)]
    pub responsible: Option<Responsible>,
    /// Where AWS's part of shared requirements is proven, where a requirement does not say.
    #[serde(default)]
    pub aws_part: Option<Placed<Prose>>,
    /// Areas or chapters, in the order shown.
    pub groups: Vec<Group>,
    /// What it asks for, in the order shown.
    pub requirements: Vec<Requirement>,
}

impl Framework {
    /// Who has to act, by the shared-responsibility model.
    pub fn responsible(&self, requirement: &Requirement) -> Responsible {
        requirement.responsible.or(self.responsible).unwrap_or(Responsible::Customer)
    }

    /// Where AWS's part is proven; none where the customer alone has to act.
    pub fn aws_part<'f>(&'f self, requirement: &'f Requirement) -> Option<&'f Prose> {
        if self.responsible(requirement) == Responsible::Customer {
            return None;
        }
        let part = requirement.aws_part.as_ref().or(self.aws_part.as_ref());
        part.map(|part| &part.value)
    }
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
    /// Who has to act, where it is not who the framework says.
    #[serde(default)]
    pub responsible: Option<Responsible>,
    /// Where AWS's part is proven, where it is not where the framework says.
    #[serde(default)]
    pub aws_part: Option<Placed<Prose>>,
    /// Themes whose controls serve it.
    #[serde(default)]
    pub themes: Vec<Placed<String>>,
    /// Controls that serve it: ids, or patterns in which `*` stands for any letters.
    #[serde(default)]
    pub controls: Vec<Placed<String>>,
    /// Requirements (`cis_5_0/1.4`) whose controls serve this one too.
    #[serde(default)]
    pub same_as: Vec<Placed<String>>,
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
    /// A part of it: failures count, but nothing more than the rest being attested makes it met.
    Partial,
    /// A person has to say so.
    Manual,
    /// No control answers it; the note says why. Once a control names it, it is as good as
    /// automated.
    NotCovered,
}

impl Assessment {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Automated => "automated",
            Self::Partial => "partial",
            Self::Manual => "manual",
            Self::NotCovered => "not_covered",
        }
    }
}
