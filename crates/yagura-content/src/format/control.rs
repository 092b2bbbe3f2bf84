//! Controls: the wanted condition of one resource type, with prose, fixes, mappings and cases.
//! They are evaluated in `yagura-judge`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::{Map, Value};
use yagura_model::{
    Path, Prose, Relation, Resource, Severity, Unread, UnreadReason, VerdictStatus, resource_key,
};

use super::expression::Expression;
use crate::place::Placed;

/// A control: `content/controls/<service>/<wanted_condition>.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// `<service>.<wanted_condition>`, from the path.
    #[serde(skip)]
    pub id: String,
    /// The type of the resources that it judges.
    #[serde(rename = "type")]
    pub type_name: Placed<String>,
    /// How bad a failure is.
    pub severity: Severity,
    /// How strongly it is advised.
    pub guidance: Guidance,
    /// Who has to act, by the shared-responsibility model.
    pub responsible: Responsible,
    /// The wanted condition, as a sentence.
    pub title: Placed<Prose>,
    /// What happens when it is not so.
    pub why: Placed<Prose>,
    /// What a site may set.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// To which resources it applies; false gives *not applicable*.
    #[serde(default)]
    pub when: Option<Expression>,
    /// The condition.
    pub require: Expression,
    /// The paths shown as evidence; what `require` reads, if none are given.
    #[serde(default)]
    pub show: Vec<Placed<Path>>,
    /// How to mend it.
    pub fix: Fix,
    /// By framework or catalog: the ids that it serves. Frameworks name controls too; all of it
    /// together is [`crate::Content::requirements_of`].
    #[serde(default)]
    pub maps: BTreeMap<String, Vec<Placed<String>>>,
    /// Where to read on.
    #[serde(default)]
    pub references: Vec<Placed<String>>,
    /// The smallest resources that decide.
    pub cases: Vec<ControlCase>,
}

/// How strongly a control is advised, in Control Tower's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guidance {
    /// Every account.
    Mandatory,
    /// Every account without a reason against it.
    StronglyRecommended,
    /// Where it is wanted.
    Elective,
}

impl Guidance {
    /// All, from the strongest.
    pub const ALL: [Self; 3] = [Self::Mandatory, Self::StronglyRecommended, Self::Elective];

    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mandatory => "mandatory",
            Self::StronglyRecommended => "strongly_recommended",
            Self::Elective => "elective",
        }
    }
}

/// Who has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Responsible {
    /// The owner of the account.
    Customer,
    /// Both.
    Shared,
    /// AWS.
    Aws,
}

impl Responsible {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Shared => "shared",
            Self::Aws => "aws",
        }
    }
}

/// What a site may set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// The value where the site sets none.
    pub default: Value,
    /// What it means, in English.
    pub en: String,
    /// What it means, in Japanese.
    pub ja: String,
}

/// Steps in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// English.
    pub en: Vec<String>,
    /// Japanese.
    pub ja: Vec<String>,
}

/// How to mend a failure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fix {
    /// In the AWS console.
    pub console: Placed<Steps>,
    /// With the AWS CLI. Capitals stand for what the reader fills in.
    pub cli: Placed<String>,
    /// As a `CloudFormation` snippet (YAML).
    #[serde(default)]
    pub cloudformation: Option<Placed<String>>,
    /// As a Terraform snippet.
    #[serde(default)]
    pub terraform: Option<Placed<String>>,
}

/// A resource and what the control says about it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlCase {
    /// What it shows.
    pub name: Placed<String>,
    /// The expected verdict.
    pub expect: VerdictStatus,
    /// The resource.
    pub resource: ResourceInCase,
    /// Its neighbors.
    #[serde(default)]
    pub others: Vec<ResourceInCase>,
    /// Types that could not be listed.
    #[serde(default)]
    pub unlisted: Vec<Placed<String>>,
    /// Parameters that a site has set.
    #[serde(default)]
    pub parameters: BTreeMap<String, Value>,
    /// The time of the scan; `2026-01-01T00:00:00Z` if none is given.
    #[serde(default)]
    pub now: Option<Timestamp>,
    /// What is known of the account: `{id, name, ou, management, tags}`.
    #[serde(default)]
    pub account: Map<String, Value>,
}

/// A resource of a case. Everything may be left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceInCase {
    /// The type; the control's if none is given.
    #[serde(rename = "type")]
    pub type_name: Option<String>,
    /// The native id.
    pub id: Option<String>,
    /// The ARN.
    pub arn: Option<String>,
    /// Twelve digits.
    pub account: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// What a person calls it.
    pub name: Option<String>,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
    /// The configuration.
    pub properties: Map<String, Value>,
    /// What only a running account knows.
    pub runtime: Map<String, Value>,
    /// Facts to take as computed; facts not given are computed by analyze.
    pub facts: Map<String, Value>,
    /// Edges to others.
    pub relations: Vec<Relation>,
    /// What was not read.
    pub unread: Vec<CaseUnread>,
}

/// A part of a case's resource that was not read: a path (denied), or a whole entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseUnread(pub Unread);

impl<'de> Deserialize<'de> for CaseUnread {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Full {
            path: Path,
            #[serde(default)]
            partial: bool,
            #[serde(default)]
            reason: Option<UnreadReason>,
            #[serde(default)]
            call: String,
            #[serde(default)]
            action: String,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Path(Path),
            Full(Full),
        }
        let denied = UnreadReason::Denied;
        Ok(Self(match Either::deserialize(deserializer)? {
            Either::Path(path) => Unread::of(path, denied),
            Either::Full(Full { path, partial, reason, call, action }) => Unread {
                path,
                partial,
                reason: reason.unwrap_or(denied),
                call,
                action,
                detail: String::new(),
            },
        }))
    }
}

impl Control {
    /// Gives every expression its scope. Called once, after reading.
    pub(crate) fn settle(&mut self, id: &str) {
        id.clone_into(&mut self.id);
    }

    /// Every expression of the file.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.when.iter().chain(std::iter::once(&self.require))
    }

    /// The parameters with their defaults, the site's values in their place.
    pub fn parameter_values(&self, site: Option<&BTreeMap<String, Value>>) -> Value {
        let values = self.parameters.iter().map(|(name, parameter)| {
            let set = site.and_then(|site| site.get(name));
            (name.clone(), set.unwrap_or(&parameter.default).clone())
        });
        Value::Object(values.collect())
    }
}

impl ResourceInCase {
    /// The resource, with defaults where the case says nothing: account `111122223333`, region
    /// `us-east-1`, id `example` (the last part of the ARN, if there is one).
    pub fn to_resource(&self, type_name: &str) -> Resource {
        let type_name = self.type_name.as_deref().unwrap_or(type_name);
        let account = self.account.as_deref().unwrap_or("111122223333");
        let region = self.region.as_deref().unwrap_or("us-east-1");
        let from_arn = self.arn.as_deref().and_then(|arn| arn.rsplit([':', '/']).next());
        let id = self.id.as_deref().or(from_arn).unwrap_or("example");
        Resource {
            key: resource_key(self.arn.as_deref(), account, region, type_name, id),
            arn: self.arn.clone(),
            id: id.to_owned(),
            type_name: type_name.to_owned(),
            account: account.to_owned(),
            region: region.to_owned(),
            name: self.name.as_deref().unwrap_or(id).to_owned(),
            tags: self.tags.clone(),
            properties: self.properties.clone(),
            runtime: self.runtime.clone(),
            relations: self.relations.clone(),
            unread: self.unread.iter().map(|unread| unread.0.clone()).collect(),
        }
    }
}
