//! Rules of threat intelligence, compiled: by source, by field, by category of list.
//! Lists are in `sets.rs`; what comes of a record is worked out in `mod.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use yagura_content::Content;
use yagura_content::format::{IntelligenceRule, NetworkOwner, ObservableKind};
use yagura_model::Severity;
use yagura_model::alert::{About, EntityKind, SignalKind};
use yagura_model::indicator::ThreatCategory;
use yagura_model::source::FieldPath;

use crate::conditions::Conditions;

/// What a hit says of its rule.
#[derive(Debug)]
pub(super) struct RuleHead {
    pub(super) content: Arc<str>,
    pub(super) severity: Severity,
    pub(super) weak: bool,
    pub(super) entity: EntityKind,
}

/// A rule at one of its places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// The rule's number.
    pub(super) rule: usize,
    /// The number of its condition within the source; none where every record counts.
    pub(super) condition: Option<usize>,
}

/// A field of a source, and what counts there.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) kind: ObservableKind,
    /// Where it stands, with the path's text.
    pub(super) paths: Vec<(FieldPath, Arc<str>)>,
    pub(super) lists: Vec<(ThreatCategory, Placed)>,
    pub(super) networks: Vec<(NetworkOwner, Placed)>,
}

/// The rules of one source.
#[derive(Debug)]
pub(super) struct SourceRules {
    pub(super) fields: Vec<Field>,
    pub(super) conditions: Option<Conditions<usize>>,
}

/// All rules.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) heads: Vec<RuleHead>,
    pub(super) abouts: Vec<About>,
    /// By the source's id, in their order.
    pub(super) sources: Vec<(String, SourceRules)>,
}

/// A rule that is not used as it stands: its id, and why.
pub type RuleFault = (String, String);

impl Rules {
    pub(super) fn compile(content: &Content) -> (Self, Vec<RuleFault>) {
        let mut rules = Self::default();
        let mut faults = Vec::new();
        let all: Vec<&IntelligenceRule> =
            content.intelligence.values().map(AsRef::as_ref).collect();
        rules.heads = all.iter().map(|rule| head(rule)).collect();
        rules.abouts = all.iter().map(|rule| about(rule)).collect();
        for (source, known) in &content.indicator_fields {
            let mut fields: BTreeMap<&str, Field> = BTreeMap::new();
            for (name, field) in &known.fields.0 {
                let path = |path: &FieldPath| (path.clone(), Arc::from(path.to_string()));
                let empty = Field {
                    kind: field.kind,
                    paths: field.from.0.iter().map(path).collect(),
                    lists: Vec::new(),
                    networks: Vec::new(),
                };
                fields.insert(name.as_str(), empty);
            }
            let mut texts = Vec::new();
            for (number, rule) in all.iter().enumerate() {
                for (place, at) in rule.places.iter().enumerate() {
                    if at.source.value != *source {
                        continue;
                    }
                    let condition = rule.sigma_text(place).map(|text| {
                        texts.push((texts.len(), text));
                        texts.len() - 1
                    });
                    let placed = Placed { rule: number, condition };
                    for name in &at.fields {
                        match fields.get_mut(name.as_str()) {
                            Some(field) => {
                                let lists = rule.lists.iter().map(|category| (*category, placed));
                                field.lists.extend(lists);
                                let networks = rule.network.iter().map(|owner| (*owner, placed));
                                field.networks.extend(networks);
                            }
                            None => {
                                let why = format!("`{source}` has no field `{name}`");
                                faults.push((rule.id.clone(), why));
                            }
                        }
                    }
                }
            }
            let (conditions, failed) = Conditions::compile("detection", &texts);
            for (number, why) in failed {
                let owner = |field: &Field| {
                    let lists = field.lists.iter().map(|(_, placed)| placed);
                    let networks = field.networks.iter().map(|(_, placed)| placed);
                    lists.chain(networks).find(|p| p.condition == Some(number)).map(|p| p.rule)
                };
                let rule = fields.values().find_map(owner).and_then(|rule| all.get(rule));
                faults.push((rule.map_or_else(String::new, |rule| rule.id.clone()), why));
            }
            let mut fields: Vec<Field> = fields.into_values().collect();
            fields.retain(|field| !(field.lists.is_empty() && field.networks.is_empty()));
            if !fields.is_empty() {
                let conditions = (!texts.is_empty()).then_some(conditions);
                rules.sources.push((source.clone(), SourceRules { fields, conditions }));
            }
        }
        (rules, faults)
    }

    pub(super) fn source(&self, id: &str) -> Option<(usize, &SourceRules)> {
        let at = self.sources.binary_search_by(|(own, _)| own.as_str().cmp(id)).ok()?;
        self.sources.get(at).map(|(_, rules)| (at, rules))
    }
}

fn head(rule: &IntelligenceRule) -> RuleHead {
    RuleHead {
        content: Arc::from(rule.id.as_str()),
        severity: rule.level,
        weak: rule.weak,
        entity: rule.entity,
    }
}

fn about(rule: &IntelligenceRule) -> About {
    About {
        kind: SignalKind::Intelligence,
        content: Arc::from(rule.id.as_str()),
        path: Arc::from(rule.path()),
        title: rule.title.value.clone(),
        tags: rule.tags.iter().map(|tag| Arc::from(tag.as_str())).collect(),
        window_us: rule.window.micros(),
        shadow: rule.shadow,
    }
}
