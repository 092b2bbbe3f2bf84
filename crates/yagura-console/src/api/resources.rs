//! Resources: listed, one by its key, and what changed of it over time.
//! Lists are looked through by the store's own index.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use yagura_model::{Resource, Unread};
use yagura_store::{Life, ResourceQuery, Version};

use super::endpoint::{Endpoints, Reader, Said};
use super::findings::{TotalView, limit};
use crate::fault::Fault;
use crate::viewer::{Permission, Role};

/// Versions of an answer at most.
const VERSIONS_MAX: u16 = 200;
/// Resources of a page where nobody says how many.
const LISTED: u16 = 50;
/// Resources of a page at most.
const LISTED_MAX: u16 = 200;
/// Versions where nobody says how many.
const VERSIONS: u16 = 20;

pub(super) fn register(all: Endpoints) -> Endpoints {
    let read = |path, id, summary| Said {
        path,
        role: Role::Viewer,
        permission: Permission::ResourcesRead,
        id,
        summary,
    };
    all.get(read("/resources", "listResources", "Resources by name, a page at a time"), list)
        .get(read("/resource", "getResource", "A resource as it is known now, by its key"), get)
        .get(read("/resource/history", "resourceHistory", "What changed of a resource"), history)
}

/// Which resources. Several values of one parameter are alternatives; different ones all hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ResourcesAsked {
    /// Words in name, key (ARN), native id or tags, all of them.
    text: Option<String>,
    /// Types: `AWS::S3::Bucket`.
    resource_type: Vec<String>,
    /// Accounts, twelve digits.
    account: Vec<String>,
    /// Regions.
    region: Vec<String>,
    /// Tags, all of them: `env` or `env=prod`.
    tag: Vec<String>,
    /// Whether those that are gone are listed instead.
    deleted: bool,
    /// How many, at most 200; 50 where nothing is said.
    limit: Option<u16>,
    /// Where the page before ended.
    after: Option<i64>,
}

/// A resource in a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ResourceLine {
    key: String,
    #[serde(rename = "type")]
    type_name: String,
    account: String,
    region: String,
    name: String,
    last_seen: String,
    deleted: bool,
}

/// A page of resources, by name.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ResourcesView {
    items: Vec<ResourceLine>,
    next: Option<String>,
    total: TotalView,
}

pub(crate) async fn list(reader: Reader, asked: ResourcesAsked) -> Result<ResourcesView, Fault> {
    let limit = limit(asked.limit, LISTED, LISTED_MAX)?;
    let query = ResourceQuery {
        text: asked.text.unwrap_or_default(),
        types: asked.resource_type,
        accounts: asked.account,
        regions: asked.region,
        tags: asked.tag,
        life: if asked.deleted { Life::Deleted } else { Life::Living },
        ..ResourceQuery::of(reader.viewer.scope.clone())
    };
    let found = reader.console.store().browse(&query, asked.after, limit).await?;
    let items = found.rows.into_iter().map(|row| ResourceLine {
        key: row.key,
        type_name: row.type_name,
        account: row.account,
        region: row.region,
        name: row.name,
        last_seen: row.seen.to_string(),
        deleted: row.deleted,
    });
    Ok(ResourcesView {
        items: items.collect(),
        next: found.next.map(|number| reader.next(number)),
        total: found.total.into(),
    })
}

/// A resource by its key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResourceAsked {
    /// The ARN, or `account/region/type/id`.
    pub(crate) key: String,
}

/// Something that could not be read.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct UnreadView {
    /// Which part.
    path: String,
    /// denied, throttled, unsupported, …
    reason: String,
    /// The call that did not answer.
    call: String,
    /// The IAM action that is missing, where that is the reason.
    action: String,
}

impl From<&Unread> for UnreadView {
    fn from(unread: &Unread) -> Self {
        Self {
            path: unread.path.to_string(),
            reason: unread.reason.as_str().to_owned(),
            call: unread.call.clone(),
            action: unread.action.clone(),
        }
    }
}

/// Where a resource leads.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct RelationView {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
    /// The key of the other one.
    target: String,
}

/// A resource.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ResourceView {
    key: String,
    arn: Option<String>,
    id: String,
    #[serde(rename = "type")]
    type_name: String,
    account: String,
    region: String,
    name: String,
    tags: std::collections::BTreeMap<String, String>,
    /// Shaped as the CloudFormation schema of the type.
    properties: Map<String, Value>,
    /// What only a running account knows.
    runtime: Map<String, Value>,
    relations: Vec<RelationView>,
    /// What could not be read: unknown, not absent.
    unread: Vec<UnreadView>,
    first_seen: String,
    last_seen: String,
    deleted: bool,
}

pub(crate) async fn get(reader: Reader, asked: ResourceAsked) -> Result<ResourceView, Fault> {
    let known = reader.console.store().resource(&asked.key).await?;
    let known = known.filter(|one| admits(&reader, &one.resource)).ok_or(Fault::NotFound)?;
    let one = known.resource;
    let relations = one.relations.iter().map(|relation| RelationView {
        name: relation.name.clone(),
        type_name: relation.type_name.clone(),
        target: relation.target.clone(),
    });
    Ok(ResourceView {
        relations: relations.collect(),
        unread: one.unread.iter().map(Into::into).collect(),
        key: one.key,
        arn: one.arn,
        id: one.id,
        type_name: one.type_name,
        account: one.account,
        region: one.region,
        name: one.name,
        tags: one.tags,
        properties: one.properties,
        runtime: one.runtime,
        first_seen: known.first_seen.to_string(),
        last_seen: known.last_seen.to_string(),
        deleted: known.deleted,
    })
}

fn admits(reader: &Reader, resource: &Resource) -> bool {
    reader.viewer.scope.admits(&resource.account)
}

/// Whose history, and how much of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VersionsAsked {
    /// The ARN, or `account/region/type/id`.
    key: String,
    /// How many versions, the newest first, at most 200; 20 where nothing is said.
    #[serde(default)]
    limit: Option<u16>,
}

/// A difference between two versions.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct DifferenceView {
    path: String,
    before: Option<Value>,
    after: Option<Value>,
}

/// A state of a resource.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct VersionView {
    number: i64,
    first_seen: String,
    last_seen: String,
    /// Whether it says that the resource is gone.
    deleted: bool,
    /// What differs from the version before.
    changes: Vec<DifferenceView>,
}

/// The versions of a resource, the newest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct VersionsView {
    items: Vec<VersionView>,
    /// Whether there are older ones.
    more: bool,
}

async fn history(reader: Reader, asked: VersionsAsked) -> Result<VersionsView, Fault> {
    let store = reader.console.store();
    let known = store.resource(&asked.key).await?;
    known.filter(|one| admits(&reader, &one.resource)).ok_or(Fault::NotFound)?;
    let limit = limit(asked.limit, VERSIONS, VERSIONS_MAX)?;
    let history = store.history(&asked.key, limit).await?.ok_or(Fault::NotFound)?;
    let view = |one: &Version| VersionView {
        number: one.number,
        first_seen: one.first_seen.to_string(),
        last_seen: one.last_seen.to_string(),
        deleted: one.deleted,
        changes: one
            .changes
            .iter()
            .map(|change| DifferenceView {
                path: change.path.to_string(),
                before: change.before.clone(),
                after: change.after.clone(),
            })
            .collect(),
    };
    Ok(VersionsView { items: history.versions.iter().map(view).collect(), more: history.more })
}
