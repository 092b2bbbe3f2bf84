//! A fleet of resources from a seed: the controls' own cases, mixed and changed a little, so that
//! every control meets resources it passes, fails and cannot judge.
//! What is measured over them is in `main.rs`.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::{Map, Value};
use yagura_content::Content;
use yagura_content::format::{ListScope, ResourceInCase};
use yagura_model::{
    Coverage, CoverageState, GLOBAL_REGION, Path, Relation, Resource, Unread, UnreadReason,
    resource_key,
};

/// Accounts of the organization.
const ACCOUNTS: usize = 100;
/// Regions of each account.
const REGIONS: &[&str] = &["us-east-1", "eu-west-1", "ap-northeast-1", "ap-southeast-2"];
/// One in so many resources keeps the unread parts of its case.
const UNREAD_ONE_IN: u32 = 50;
/// One in so many listings was denied.
const DENIED_ONE_IN: u32 = 200;

pub(crate) struct Fleet<'c> {
    seed: u64,
    groups: Vec<Group<'c>>,
    counts: BTreeMap<&'c str, usize>,
}

/// The resources of one type.
pub(crate) struct Group<'c> {
    type_name: &'c str,
    count: usize,
    global: bool,
    /// Of each control that speaks about the type, the resources in its cases.
    templates: Vec<Vec<&'c ResourceInCase>>,
}

impl<'c> Group<'c> {
    pub(crate) fn type_name(&self) -> &'c str {
        self.type_name
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

impl<'c> Fleet<'c> {
    pub(crate) fn new(content: &'c Content, resources: usize, seed: u64) -> Self {
        let mut templates: BTreeMap<&str, Vec<Vec<&ResourceInCase>>> = BTreeMap::new();
        for control in content.controls.values() {
            let own: Vec<_> = control.cases.iter().map(|case| &case.resource).collect();
            if !own.is_empty() {
                templates.entry(control.type_name.as_str()).or_default().push(own);
            }
            for other in control.cases.iter().flat_map(|case| &case.others) {
                let type_name = other.type_name.as_deref().unwrap_or(&control.type_name);
                templates.entry(type_name).or_default().push(vec![other]);
            }
        }
        let single = |type_name: &str| singles(content, type_name);
        let fixed: usize = templates.keys().filter_map(|name| single(name)).sum();
        let many = templates.keys().filter(|name| single(name).is_none()).count().max(1);
        let each = resources.saturating_sub(fixed) / many;
        let groups: Vec<_> = templates
            .into_iter()
            .map(|(type_name, templates)| Group {
                type_name,
                count: single(type_name).unwrap_or(each),
                global: is_global(content, type_name),
                templates,
            })
            .collect();
        let counts = groups.iter().map(|group| (group.type_name, group.count)).collect();
        Self { seed, groups, counts }
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = &Group<'c>> {
        self.groups.iter()
    }

    /// Every type was listed in every account, save a few listings.
    pub(crate) fn coverage(&self) -> impl Iterator<Item = Coverage> + '_ {
        let mut rng = Rng::with_seed(self.seed);
        let pairs = self.groups.iter().flat_map(|g| (0..ACCOUNTS).map(move |n| (g, n)));
        pairs.map(move |(group, number)| {
            let denied = rng.u32(..DENIED_ONE_IN) == 0;
            Coverage {
                account: account(number),
                region: GLOBAL_REGION.to_owned(),
                type_name: group.type_name.to_owned(),
                state: if denied {
                    CoverageState::Unread(unlisted())
                } else {
                    CoverageState::Complete
                },
                count: 0,
            }
        })
    }

    /// The resource of a number: always the same for the same seed.
    pub(crate) fn resource(&self, group: &Group<'_>, number: usize) -> Resource {
        let mut rng = Rng::with_seed(self.seed ^ hash(group.type_name, number));
        let mut order: Vec<usize> = (0..group.templates.len()).collect();
        rng.shuffle(&mut order);
        let account = account(number);
        let region = if group.global {
            GLOBAL_REGION
        } else {
            REGIONS.get(number / ACCOUNTS % REGIONS.len()).copied().unwrap_or("us-east-1")
        };
        let id = id(group.type_name, number);
        let mut resource = Resource {
            key: resource_key(None, &account, region, group.type_name, &id),
            name: id.clone(),
            id,
            type_name: group.type_name.to_owned(),
            account,
            region: region.to_owned(),
            ..Resource::default()
        };
        for at in order {
            let cases = group.templates.get(at).map_or(&[][..], Vec::as_slice);
            let Some(case) = rng.choice(cases) else { continue };
            merge(&mut resource.properties, &case.properties);
            merge(&mut resource.runtime, &case.runtime);
            resource.tags.extend(case.tags.clone());
            if resource.relations.is_empty() {
                resource.relations = self.relations(case, number, &mut rng);
            }
            if rng.u32(..UNREAD_ONE_IN) == 0 {
                resource.unread.extend(case.unread.iter().map(|unread| unread.0.clone()));
            }
        }
        change(&mut resource.properties, &mut rng);
        resource
    }

    /// The edges of a case, led to resources of this fleet in the same account and region.
    fn relations(&self, case: &ResourceInCase, number: usize, rng: &mut Rng) -> Vec<Relation> {
        let places = ACCOUNTS * REGIONS.len();
        let lead = |edge: &Relation, rng: &mut Rng| {
            let count = self.counts.get(edge.type_name.as_str()).copied().unwrap_or(0);
            let target = rng.usize(..(count / places).max(1)) * places + number % places;
            Relation { target: id(&edge.type_name, target), ..edge.clone() }
        };
        case.relations.iter().map(|edge| lead(edge, rng)).collect()
    }
}

/// How many there are of what an account or a region has one of.
fn singles(content: &Content, type_name: &str) -> Option<usize> {
    // Whatever accounts and regions there are, the organization is one.
    if type_name == "AWS::Organizations::Organization" {
        return Some(1);
    }
    let definition = content.resources.get(type_name)?;
    definition.list.iter().all(|block| block.call.is_none()).then_some(match definition.scope {
        ListScope::Region => ACCOUNTS * REGIONS.len(),
        ListScope::Account => ACCOUNTS,
        ListScope::Organization => 1,
    })
}

fn is_global(content: &Content, type_name: &str) -> bool {
    let definition = content.resources.get(type_name);
    definition.is_some_and(|definition| definition.scope != ListScope::Region)
}

fn account(number: usize) -> String {
    format!("{:012}", 100_000_000_000_usize + number % ACCOUNTS)
}

fn id(type_name: &str, number: usize) -> String {
    let short = type_name.rsplit(':').next().unwrap_or_default().to_ascii_lowercase();
    format!("{short}-{number:07x}")
}

fn hash(text: &str, number: usize) -> u64 {
    text.bytes().fold(number as u64 ^ 0x9e37_79b9_7f4a_7c15, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
    })
}

fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Object(inner)), Value::Object(value)) => merge(inner, value),
            _ => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

/// One in four resources has one switch turned or one number moved.
fn change(members: &mut Map<String, Value>, rng: &mut Rng) {
    if members.is_empty() || rng.u32(..4) != 0 {
        return;
    }
    let at = rng.usize(..members.len());
    match members.values_mut().nth(at) {
        Some(Value::Bool(switch)) => *switch = !*switch,
        Some(Value::Object(inner)) => change(inner, rng),
        Some(value) if value.is_i64() => *value = Value::from(rng.i64(0..1000)),
        _ => {}
    }
}

fn unlisted() -> Unread {
    Unread {
        path: Path::default(),
        partial: false,
        reason: UnreadReason::Denied,
        call: "service:List".to_owned(),
        action: "service:List".to_owned(),
        detail: String::new(),
    }
}
