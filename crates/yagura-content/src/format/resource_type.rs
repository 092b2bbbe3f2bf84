//! Resource types: which calls list them, who they are, and where each attribute comes from.
//! The calls are made in `yagura-collect`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::{Map, Value};
use yagura_model::Prose;

use super::expression::{Expression, Template};
use crate::expression::ScopeKind;
use crate::place::Placed;

/// A resource type: `content/resources/<service>/<thing>.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceType {
    /// `<service>.<thing>`, from the path.
    #[serde(skip)]
    pub id: String,
    /// `CloudFormation`'s type name; else AWS Config's; else `Yagura::Service::Thing`.
    #[serde(rename = "type")]
    pub type_name: Placed<String>,
    /// What a person calls it.
    pub title: Placed<Prose>,
    /// Where listing runs.
    pub scope: ListScope,
    /// The calls that list it; their results are joined.
    pub list: Vec<ListBlock>,
    /// How a listed thing is named.
    pub identity: Identity,
    /// One call that tells the region, where the listing does not.
    #[serde(default)]
    pub locate: Option<Locate>,
    /// Tables that are read once and joined by key.
    #[serde(default)]
    pub lookups: Vec<Lookup>,
    /// Calls made for every resource.
    #[serde(default)]
    pub details: Vec<Detail>,
    /// Recorded answers and the resources that they make.
    #[serde(default)]
    pub cases: Vec<ResourceCase>,
}

/// Where the listing of a type runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListScope {
    /// Once per account, in the home region of the partition.
    Account,
    /// In every enabled region of every account.
    Region,
    /// Once, in the management account; members are skipped.
    Organization,
}

/// What every block that calls AWS states. `call` is `service:Operation`, the service named as
/// in the table of the AWS API.
#[derive(Debug)]
pub struct Call {
    /// As written.
    pub name: Placed<String>,
    /// The part before the colon.
    pub service: String,
    /// The part after it.
    pub operation: String,
}

/// An answer that means *there is none*: an AWS error code, perhaps only with a certain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absent {
    /// AWS's error code.
    pub code: String,
    /// A text that the message must contain.
    pub message: Option<String>,
}

/// The attributes that a block states. When its call fails, exactly these become unread.
#[derive(Debug, Default)]
pub struct Attributes {
    /// Dotted paths below `properties`.
    pub properties: Vec<(Placed<String>, Expression)>,
    /// Dotted paths below `runtime`.
    pub runtime: Vec<(Placed<String>, Expression)>,
    /// A list of `{Key, Value}` (any of AWS's spellings) or a map.
    pub tags: Option<Expression>,
    /// Edges, by name.
    pub relations: BTreeMap<String, RelationSource>,
}

/// Where an edge leads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelationSource {
    /// The type of the targets.
    #[serde(rename = "type")]
    pub type_name: Placed<String>,
    /// An ARN or native id, or a list of them.
    pub target: Expression,
}

/// One way to list a type.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListBlock {
    /// The call; without one, `each` is a constant list (a singleton such as account settings).
    #[serde(default)]
    pub call: Option<Call>,
    /// The IAM action, where it is not `service:Operation`.
    #[serde(default)]
    pub action: Option<Placed<String>>,
    /// What the call is given.
    #[serde(default)]
    pub input: Option<Template>,
    /// Run once per resource of this type, bound to `parent`.
    #[serde(default, rename = "for")]
    pub for_type: Option<Placed<String>>,
    /// The things of one answer.
    pub each: Expression,
    /// Answers that mean that there is none.
    #[serde(default)]
    pub absent: Vec<Absent>,
    /// Dotted paths below `properties`.
    #[serde(default)]
    properties: ExpressionMap,
    #[serde(default)]
    runtime: ExpressionMap,
    #[serde(default)]
    tags: Option<Expression>,
    #[serde(default)]
    relations: BTreeMap<String, RelationSource>,
    /// The attributes that this block states.
    #[serde(skip)]
    pub attributes: Attributes,
}

/// How a listed thing is named; each is evaluated over `item`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The native id, unique within account, region and type.
    pub id: Expression,
    /// What a person calls it; the id where absent.
    #[serde(default)]
    pub name: Option<Expression>,
    /// The ARN; left out where AWS defines none.
    #[serde(default)]
    pub arn: Option<Expression>,
    /// Where it lives, if that is not where it was listed.
    #[serde(default)]
    pub region: Option<Expression>,
}

/// The call that tells the region of a thing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locate {
    /// The call.
    pub call: Call,
    /// The IAM action, where it is not `service:Operation`.
    #[serde(default)]
    pub action: Option<Placed<String>>,
    /// What the call is given.
    #[serde(default)]
    pub input: Option<Template>,
    /// Answers that mean that there is none; `output` is then empty.
    #[serde(default)]
    pub absent: Vec<Absent>,
    /// The region, over `output`.
    pub region: Expression,
}

/// A call made, and waited for, before another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Before {
    /// The call.
    pub call: Call,
    /// The IAM action, where it is not `service:Operation`.
    #[serde(default)]
    pub action: Option<Placed<String>>,
    /// What the call is given.
    #[serde(default)]
    pub input: Option<Template>,
    /// When it is done, over `output`.
    pub until: Expression,
}

/// A call made for chunks of the listed things.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Things per call.
    pub size: usize,
    /// What a thing is called in the input.
    pub ids: Expression,
    /// What the call is given, over `ids`.
    pub input: Template,
}

/// A table that is read once per listing and joined by key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The call.
    pub call: Call,
    /// The IAM action, where it is not `service:Operation`.
    #[serde(default)]
    pub action: Option<Placed<String>>,
    /// What the call is given.
    #[serde(default)]
    pub input: Option<Template>,
    /// A call made before.
    #[serde(default)]
    pub before: Option<Before>,
    /// Called for chunks of the listed things instead of once.
    #[serde(default)]
    pub batch: Option<Batch>,
    /// Answers that mean that the table is empty.
    #[serde(default)]
    pub absent: Vec<Absent>,
    /// The rows of one answer.
    pub each: Expression,
    /// The key of a row.
    pub key: Expression,
    /// The key that a thing looks for.
    #[serde(rename = "match")]
    pub matching: Expression,
    /// Whether every thing has a row: without one, the attributes are unread, not absent.
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    properties: ExpressionMap,
    #[serde(default)]
    runtime: ExpressionMap,
    #[serde(default)]
    tags: Option<Expression>,
    #[serde(default)]
    relations: BTreeMap<String, RelationSource>,
    /// The attributes that this block states.
    #[serde(skip)]
    pub attributes: Attributes,
}

/// A call made for every resource.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detail {
    /// The call.
    pub call: Call,
    /// The IAM action, where it is not `service:Operation`.
    #[serde(default)]
    pub action: Option<Placed<String>>,
    /// Whether to call at all; the attributes are absent when it is false.
    #[serde(default)]
    pub when: Option<Expression>,
    /// What the call is given.
    #[serde(default)]
    pub input: Option<Template>,
    /// Answers that mean that there is none; `output` is then empty.
    #[serde(default)]
    pub absent: Vec<Absent>,
    #[serde(default)]
    properties: ExpressionMap,
    #[serde(default)]
    runtime: ExpressionMap,
    #[serde(default)]
    tags: Option<Expression>,
    #[serde(default)]
    relations: BTreeMap<String, RelationSource>,
    /// The attributes that this block states.
    #[serde(skip)]
    pub attributes: Attributes,
}

/// Recorded answers and the resources that they make.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceCase {
    /// What it shows.
    pub name: Placed<String>,
    /// The account, if it matters.
    #[serde(default)]
    pub account: Option<String>,
    /// The region, if it matters.
    #[serde(default)]
    pub region: Option<String>,
    /// The partition, if it matters.
    #[serde(default)]
    pub partition: Option<String>,
    /// By `service:Operation`: an answer, `{error, message}`, or a list of
    /// `{input, answer | error, message}` of which the first whose input is part of the call's
    /// answers.
    pub answers: Map<String, Value>,
    /// The resources, in any order. What a resource here does not mention is not compared.
    pub expect: Vec<Value>,
}

/// A map of expressions in the order of the file.
#[derive(Debug, Default)]
struct ExpressionMap(Vec<(Placed<String>, Expression)>);

impl<'de> Deserialize<'de> for ExpressionMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> serde::de::Visitor<'de> for Entries {
            type Value = ExpressionMap;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map of expressions")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<ExpressionMap, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry::<Placed<String>, Expression>()? {
                    entries.push(entry);
                }
                Ok(ExpressionMap(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

impl<'de> Deserialize<'de> for Call {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Placed::<String>::deserialize(deserializer)?;
        let Some((service, operation)) = name.split_once(':') else {
            let message = format!("`{}` is not a call (`service:Operation`)", name.value);
            return Err(serde::de::Error::custom(message));
        };
        let (service, operation) = (service.to_owned(), operation.to_owned());
        Ok(Self { name, service, operation })
    }
}

impl<'de> Deserialize<'de> for Absent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Full {
            code: String,
            #[serde(default)]
            message: Option<String>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Code(String),
            Full(Full),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Code(code) => Self { code, message: None },
            Either::Full(Full { code, message }) => Self { code, message },
        })
    }
}

/// Collects the attribute keys of a block, which stand beside its other keys in the file.
fn attributes(
    properties: &mut ExpressionMap,
    runtime: &mut ExpressionMap,
    tags: &mut Option<Expression>,
    relations: &mut BTreeMap<String, RelationSource>,
) -> Attributes {
    Attributes {
        properties: std::mem::take(&mut properties.0),
        runtime: std::mem::take(&mut runtime.0),
        tags: tags.take(),
        relations: std::mem::take(relations),
    }
}

impl ResourceType {
    /// Gives every expression its scope. Called once, after reading.
    pub(crate) fn settle(&mut self, id: &str) {
        id.clone_into(&mut self.id);
        let template = |template: &mut Option<Template>, scope| {
            template.iter_mut().for_each(|template| template.set_scope(scope));
        };
        for block in &mut self.list {
            block.attributes = attributes(
                &mut block.properties,
                &mut block.runtime,
                &mut block.tags,
                &mut block.relations,
            );
            template(&mut block.input, ScopeKind::ListInput);
            block.each.set_scope(ScopeKind::ListOutput);
            block.attributes.set_scope(ScopeKind::ListItem);
        }
        self.identity.each_mut(|expression| expression.set_scope(ScopeKind::Identity));
        if let Some(locate) = &mut self.locate {
            template(&mut locate.input, ScopeKind::ResourceInput);
            locate.region.set_scope(ScopeKind::ResourceOutput);
        }
        for lookup in &mut self.lookups {
            lookup.attributes = attributes(
                &mut lookup.properties,
                &mut lookup.runtime,
                &mut lookup.tags,
                &mut lookup.relations,
            );
            template(&mut lookup.input, ScopeKind::Before);
            if let Some(before) = &mut lookup.before {
                template(&mut before.input, ScopeKind::Before);
                before.until.set_scope(ScopeKind::Until);
            }
            if let Some(batch) = &mut lookup.batch {
                batch.ids.set_scope(ScopeKind::ResourceInput);
                batch.input.set_scope(ScopeKind::BatchInput);
            }
            lookup.each.set_scope(ScopeKind::ListOutput);
            lookup.key.set_scope(ScopeKind::Row);
            lookup.matching.set_scope(ScopeKind::ResourceInput);
            lookup.attributes.set_scope(ScopeKind::RowOfResource);
        }
        for detail in &mut self.details {
            detail.attributes = attributes(
                &mut detail.properties,
                &mut detail.runtime,
                &mut detail.tags,
                &mut detail.relations,
            );
            detail.when.iter_mut().for_each(|when| when.set_scope(ScopeKind::ResourceInput));
            template(&mut detail.input, ScopeKind::ResourceInput);
            detail.attributes.set_scope(ScopeKind::ResourceOutput);
        }
    }

    /// Every expression of the file.
    pub fn expressions(&self) -> Vec<&Expression> {
        let mut all = Vec::new();
        let mut visit = |expression| all.push(expression);
        for block in &self.list {
            block.input.iter().for_each(|input| input.expressions(&mut visit));
            visit(&block.each);
            block.attributes.each(&mut visit);
        }
        self.identity.each(&mut visit);
        if let Some(locate) = &self.locate {
            locate.input.iter().for_each(|input| input.expressions(&mut visit));
            visit(&locate.region);
        }
        for lookup in &self.lookups {
            lookup.input.iter().for_each(|input| input.expressions(&mut visit));
            if let Some(before) = &lookup.before {
                before.input.iter().for_each(|input| input.expressions(&mut visit));
                visit(&before.until);
            }
            if let Some(batch) = &lookup.batch {
                visit(&batch.ids);
                batch.input.expressions(&mut visit);
            }
            [&lookup.each, &lookup.key, &lookup.matching].into_iter().for_each(&mut visit);
            lookup.attributes.each(&mut visit);
        }
        for detail in &self.details {
            detail.when.iter().for_each(&mut visit);
            detail.input.iter().for_each(|input| input.expressions(&mut visit));
            detail.attributes.each(&mut visit);
        }
        all
    }

    /// The attributes of every block.
    pub fn attributes(&self) -> impl Iterator<Item = &Attributes> {
        let lists = self.list.iter().map(|block| &block.attributes);
        let lookups = self.lookups.iter().map(|block| &block.attributes);
        let details = self.details.iter().map(|block| &block.attributes);
        lists.chain(lookups).chain(details)
    }

    /// The type that a relation leads to.
    pub fn relation_type(&self, name: &str) -> Option<&str> {
        self.attributes()
            .find_map(|attributes| attributes.relations.get(name))
            .map(|relation| relation.type_name.as_str())
    }
}

impl Identity {
    fn each_mut(&mut self, mut visit: impl FnMut(&mut Expression)) {
        visit(&mut self.id);
        for optional in [&mut self.name, &mut self.arn, &mut self.region] {
            optional.iter_mut().for_each(&mut visit);
        }
    }

    fn each<'t>(&'t self, visit: &mut dyn FnMut(&'t Expression)) {
        visit(&self.id);
        for optional in [&self.name, &self.arn, &self.region] {
            optional.iter().for_each(&mut *visit);
        }
    }
}

impl Attributes {
    /// The paths that the block states, in the order of the file: `properties.X`, `runtime.Y`,
    /// `tags`, `relations.z`. They become unread when the call of the block fails.
    pub fn paths(&self) -> impl Iterator<Item = String> {
        let properties = self.properties.iter().map(|(key, _)| format!("properties.{key}"));
        let runtime = self.runtime.iter().map(|(key, _)| format!("runtime.{key}"));
        let tags = self.tags.iter().map(|_| "tags".to_owned());
        let relations = self.relations.keys().map(|name| format!("relations.{name}"));
        properties.chain(runtime).chain(tags).chain(relations)
    }

    fn set_scope(&mut self, scope: ScopeKind) {
        let maps = self.properties.iter_mut().chain(&mut self.runtime);
        maps.for_each(|(_, expression)| expression.set_scope(scope));
        self.tags.iter_mut().for_each(|tags| tags.set_scope(scope));
        self.relations.values_mut().for_each(|relation| relation.target.set_scope(scope));
    }

    fn each<'t>(&'t self, visit: &mut dyn FnMut(&'t Expression)) {
        let maps = self.properties.iter().chain(&self.runtime);
        maps.for_each(|(_, expression)| visit(expression));
        self.tags.iter().for_each(&mut *visit);
        self.relations.values().for_each(|relation| visit(&relation.target));
    }
}
