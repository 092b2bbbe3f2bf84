//! A thing in an AWS account as it was seen: its identity, shape, relations and unread parts.
//! What is good or bad about it is decided elsewhere; facts are computed when they are needed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::unread::Unread;

/// One resource of one account, as one scan saw it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// The ARN where AWS defines one, else `account/region/type/id`; see [`resource_key`].
    pub key: String,
    /// The ARN, where AWS defines one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// The native identifier within account, region and type (`sg-0123`, a bucket's name).
    pub id: String,
    /// `CloudFormation`'s type name; else AWS Config's; else `Yagura::Service::Thing`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Twelve digits.
    pub account: String,
    /// A region's name, or [`GLOBAL_REGION`](crate::GLOBAL_REGION).
    pub region: String,
    /// What a person calls it; the id where it has no name.
    pub name: String,
    /// Tags by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The configuration, shaped as the `CloudFormation` resource schema.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
    /// What only a running account knows: last used, status, observed values.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub runtime: Map<String, Value>,
    /// Edges to other resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relations: Vec<Relation>,
    /// Which parts could not be read, and why. INVARIANT: a path listed here has no trustworthy
    /// value in this resource; whoever looks at it must answer *unknown*.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
}

/// An edge from one resource to another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relation {
    /// What the edge means, as the resource file names it (`security_groups`, `role`).
    pub name: String,
    /// The type of the target.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The target's ARN, or its native id in the same account and region.
    pub target: String,
}

/// The key of a resource: its ARN, else `account/region/type/id`.
pub fn resource_key(
    arn: Option<&str>,
    account: &str,
    region: &str,
    type_name: &str,
    id: &str,
) -> String {
    arn.map_or_else(|| format!("{account}/{region}/{type_name}/{id}"), str::to_owned)
}
