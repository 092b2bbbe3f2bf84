//! Actions: `actions/<service>.yaml`, what CloudTrail's events are called in IAM, and what trails
//! do not show.
//! What a call needed is worked out in `yagura-analyze`.

use std::collections::BTreeMap;

use serde::Deserialize;
use yagura_model::Prose;
use yagura_model::usage::{EventActions, NeededAction, VariableSource};

use super::ordered::Ordered;
use crate::place::Placed;

/// How the calls of some services are named in CloudTrail.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventActionsFile {
    /// From the path: `actions.s3`.
    #[serde(skip)]
    pub id: String,
    /// The services.
    pub title: Placed<Prose>,
    /// By `eventSource`: the prefix of IAM actions.
    pub sources: Ordered<String>,
    /// By event: the service that roles in requests are handed to.
    #[serde(default)]
    pub passes: Ordered<String>,
    /// By event: the parameters in which a role stands by its bare name.
    #[serde(default)]
    pub roles: BTreeMap<String, Vec<String>>,
    /// By event: the parameters in which an instance profile stands by its bare name.
    #[serde(default)]
    pub profiles: BTreeMap<String, Vec<String>>,
    /// By event: `service:Operation`, `service:Operation on parameter` where that names the
    /// resource, `service:Operation with parameter` where it is needed only with that.
    #[serde(default)]
    pub events: Ordered<Vec<Placed<String>>>,
    /// By event: what it needs besides where it carries tags: `service:Operation`, or
    /// `service:Operation of type` where it tags one type of several.
    #[serde(default)]
    pub tags: Ordered<Vec<Placed<String>>>,
    /// IAM actions that only data events show.
    #[serde(default)]
    pub data: Vec<Placed<String>>,
    /// IAM actions, or patterns of them, that no trail shows.
    #[serde(default)]
    pub unlogged: Vec<Placed<String>>,
    /// By variable of ARNs: the parameters that have it.
    #[serde(default)]
    pub variables: BTreeMap<String, VariableSource>,
    /// ARNs over parameters.
    #[serde(default)]
    pub forms: Vec<Placed<String>>,
    /// Resource types by the beginnings of ids.
    #[serde(default)]
    pub kinds: BTreeMap<String, String>,
    /// Parameters by condition key.
    #[serde(default)]
    pub keys: BTreeMap<String, String>,
}

impl EventActionsFile {
    /// What the analysis works with.
    pub fn event_actions(&self) -> EventActions {
        let pairs = |ordered: &Ordered<String>| {
            ordered.0.iter().map(|(key, value)| (key.value.clone(), value.clone())).collect()
        };
        let texts = |list: &[Placed<String>]| list.iter().map(|one| one.value.clone()).collect();
        let needed = |ordered: &Ordered<Vec<Placed<String>>>| {
            let of_event = ordered.0.iter().map(|(event, needed)| {
                let needed = needed.iter().map(|one| needed_action(&one.value)).collect();
                (event.value.clone(), needed)
            });
            of_event.collect()
        };
        EventActions {
            id: self.id.clone(),
            sources: pairs(&self.sources),
            passes: pairs(&self.passes),
            roles: self.roles.clone(),
            profiles: self.profiles.clone(),
            events: needed(&self.events),
            tags: needed(&self.tags),
            data: texts(&self.data),
            unlogged: texts(&self.unlogged),
            variables: self.variables.clone(),
            forms: self.forms.iter().map(|one| one.value.clone()).collect(),
            kinds: self.kinds.clone(),
            keys: self.keys.clone(),
        }
    }
}

/// Reads `service:Operation`, `service:Operation on parameter`, `service:Operation with
/// parameter` and `service:Operation of type`.
fn needed_action(text: &str) -> NeededAction {
    let after = |word: &str| Some(text.split_once(word)?.1.trim().to_owned());
    let parameter = |word: &str| after(word).map(|name| name.to_ascii_lowercase());
    let action = text.split(' ').next().unwrap_or_default().to_owned();
    NeededAction { action, on: parameter(" on "), with: parameter(" with "), of: after(" of ") }
}
