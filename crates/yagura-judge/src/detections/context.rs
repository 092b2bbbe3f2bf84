//! What the site's context makes of a signal: known good, suppressed, worse, or less bad.
//! What the site may say is in `yagura_content::format`; how alerts merge is the model's.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use sigma::Cidr;
use yagura_content::expression::{Env, Root};
use yagura_content::format::{AlertPattern, AllowRule, Site};
use yagura_content::{Placed, glob};
use yagura_model::alert::{About, SeverityReason, Signal, Suppression, Witness};
use yagura_model::{Severity, Truth};

use super::groups::Settled;

/// Steps that an expression of the allow list may take for one signal.
const FUEL: u64 = 100_000;

/// The site's context, made ready for a run.
#[derive(Debug)]
pub(crate) struct Context {
    now: Timestamp,
    allow: Vec<Arc<AllowRule>>,
    suppressions: Vec<(Pattern, Suppression)>,
    jewels: Vec<Jewels>,
    production: HashSet<String>,
    automation: Vec<Automation>,
}

/// A pattern of alerts, made ready.
#[derive(Debug)]
struct Pattern {
    content: Vec<String>,
    entities: Vec<String>,
    accounts: Vec<String>,
    regions: Vec<String>,
    actors: Vec<String>,
    addresses: Addresses,
    user_agents: Vec<String>,
    resources: Vec<String>,
}

#[derive(Debug)]
struct Jewels {
    name: String,
    accounts: Vec<String>,
    resources: Vec<String>,
    actors: Vec<String>,
    /// Keys of resources of the inventory that have the tags.
    tagged: HashSet<String>,
}

#[derive(Debug)]
struct Automation {
    name: String,
    content: Vec<String>,
    actors: Vec<String>,
    user_agents: Vec<String>,
    addresses: Addresses,
}

/// Ranges, and patterns of what is no range.
#[derive(Debug, Default)]
struct Addresses {
    ranges: Vec<Cidr>,
    patterns: Vec<String>,
}

/// What became of a signal.
pub(crate) enum Verdict {
    /// It is known good; by which rule's number.
    Allowed,
    /// It goes on.
    Alert(Settled),
}

impl Context {
    /// What holds at the time of the run. `tags` are those of resources of the inventory, by key.
    pub(crate) fn of(
        site: &Site,
        now: Timestamp,
        tags: &BTreeMap<String, BTreeMap<String, String>>,
    ) -> Self {
        let holds = |rule: &&Arc<AllowRule>| rule.expires.is_none_or(|expires| expires.0 > now);
        let suppressions = site.suppressions.iter().filter(|rule| rule.expires.0 > now);
        let suppressions = suppressions.map(|rule| {
            let suppression = Suppression {
                expires: rule.expires.0,
                owner: rule.owner.value.clone(),
                reason: rule.reason.value.clone(),
            };
            (Pattern::of(&rule.pattern), suppression)
        });
        let jewels = site.context.crown_jewels.iter().map(|jewels| Jewels {
            name: jewels.name.value.clone(),
            accounts: jewels.accounts.clone(),
            resources: jewels.resources.clone(),
            actors: jewels.actors.clone(),
            tagged: tagged(&jewels.tags, tags),
        });
        let automation = site.context.automation.iter().map(|automation| Automation {
            name: automation.name.value.clone(),
            content: plain(&automation.content),
            actors: automation.actors.clone(),
            user_agents: automation.user_agents.clone(),
            addresses: Addresses::of(&automation.addresses),
        });
        Self {
            now,
            allow: site.allow.iter().filter(holds).cloned().collect(),
            suppressions: suppressions.collect(),
            jewels: jewels.collect(),
            production: site.context.production.accounts.iter().cloned().collect(),
            automation: automation.collect(),
        }
    }

    /// Judges a signal. Problems of expressions are told by the rule's name, once each.
    pub(crate) fn judge(
        &self,
        about: &About,
        signal: &Signal,
        problems: &mut BTreeMap<String, String>,
    ) -> Verdict {
        if self.allows(about, signal, problems) {
            return Verdict::Allowed;
        }
        let covers = |pattern: &Pattern| pattern.covers(about, signal);
        let suppressed = self
            .suppressions
            .iter()
            .filter(|(pattern, _)| covers(pattern))
            .map(|(_, suppression)| suppression)
            // Of several the one that holds longest.
            .max()
            .cloned();
        let (severity, reasons) = self.severity(about, signal);
        Verdict::Alert(Settled { severity: Some(severity), reasons, suppressed })
    }

    fn allows(
        &self,
        about: &About,
        signal: &Signal,
        problems: &mut BTreeMap<String, String>,
    ) -> bool {
        let concerned: Vec<&Arc<AllowRule>> = self
            .allow
            .iter()
            .filter(|rule| rule.content.is_empty() || among_placed(&rule.content, &about.content))
            .collect();
        if concerned.is_empty() {
            return false;
        }
        let alert = as_json(about, signal);
        concerned.into_iter().any(|rule| {
            let env = Env::mapping().bind(Root::Alert, &alert).bind_now(self.now).with_fuel(FUEL);
            let (truth, decided) = rule.when.program().truth(&env);
            if truth == Truth::Unknown {
                let why = decided.problems.into_iter().next().unwrap_or_default();
                problems.entry(rule.name.value.clone()).or_insert(why);
            }
            truth == Truth::True
        })
    }

    /// The severity with its context. What is only worth knowing stays so: it is not what
    /// happened to, but what happened, that makes it harmless.
    fn severity(&self, about: &About, signal: &Signal) -> (Severity, BTreeSet<SeverityReason>) {
        let mut severity = signal.severity;
        let mut reasons = BTreeSet::new();
        if severity == Severity::Informational {
            return (severity, reasons);
        }
        let jewel = self.jewels.iter().find(|jewels| jewels.touched(signal));
        if let Some(jewels) = jewel {
            severity = worse(severity);
            reasons.insert(SeverityReason {
                raised: true,
                en: format!("it touches the crown jewels `{}`", jewels.name),
                ja: format!("最重要資産「{}」に関わります", jewels.name),
            });
        }
        let account = witnesses(signal)
            .filter_map(|witness| witness.account.as_deref())
            .find(|account| self.production.contains(*account));
        if let Some(account) = account.filter(|_| severity < Severity::High) {
            severity = worse(severity);
            reasons.insert(SeverityReason {
                raised: true,
                en: format!("account {account} is a production account"),
                ja: format!("アカウント {account} は本番アカウントです"),
            });
        }
        let known = self.automation.iter().find(|automation| automation.did(about, signal));
        if let Some(automation) = known.filter(|_| jewel.is_none()) {
            severity = less_bad(severity);
            reasons.insert(SeverityReason {
                raised: false,
                en: format!("it was done by the known automation `{}`", automation.name),
                ja: format!("既知の自動処理「{}」によるものです", automation.name),
            });
        }
        (severity, reasons)
    }
}

fn worse(severity: Severity) -> Severity {
    Severity::ALL.into_iter().find(|next| *next > severity).unwrap_or(severity)
}

fn less_bad(severity: Severity) -> Severity {
    Severity::ALL.into_iter().rev().find(|next| *next < severity).unwrap_or(severity)
}

fn witnesses(signal: &Signal) -> impl Iterator<Item = &Witness> {
    std::iter::once(&signal.witness).chain(&signal.more)
}

fn plain(texts: &[Placed<String>]) -> Vec<String> {
    texts.iter().map(|text| text.value.clone()).collect()
}

fn among(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| glob::matches(pattern, text))
}

fn among_placed(patterns: &[Placed<String>], text: &str) -> bool {
    patterns.iter().any(|pattern| glob::matches(pattern, text))
}

/// Whether a dimension is not named, or all records have a value that it covers.
fn covered<'w>(
    patterns: &[String],
    signal: &'w Signal,
    value: impl Fn(&'w Witness) -> Option<&'w str>,
) -> bool {
    patterns.is_empty()
        || witnesses(signal).all(|one| value(one).is_some_and(|value| among(patterns, value)))
}

impl Pattern {
    fn of(pattern: &AlertPattern) -> Self {
        Self {
            content: plain(&pattern.content),
            entities: pattern.entities.clone(),
            accounts: pattern.accounts.clone(),
            regions: pattern.regions.clone(),
            actors: pattern.actors.clone(),
            addresses: Addresses::of(&pattern.addresses),
            user_agents: pattern.user_agents.clone(),
            resources: pattern.resources.clone(),
        }
    }

    /// Whether the pattern covers every record of the signal.
    fn covers(&self, about: &About, signal: &Signal) -> bool {
        let resources = |witness: &Witness| {
            let mut resources = witness.resources.iter().peekable();
            resources.peek().is_some() && resources.all(|name| among(&self.resources, name))
        };
        (self.content.is_empty() || among(&self.content, &about.content))
            && (self.entities.is_empty() || among(&self.entities, &signal.entity.id))
            && covered(&self.accounts, signal, |witness| witness.account.as_deref())
            && covered(&self.regions, signal, |witness| witness.region.as_deref())
            && covered(&self.actors, signal, |witness| witness.actor.as_deref())
            && covered(&self.user_agents, signal, |witness| witness.user_agent.as_deref())
            && (self.addresses.is_empty()
                || witnesses(signal).all(|witness| self.addresses.cover(witness)))
            && (self.resources.is_empty() || witnesses(signal).all(resources))
    }
}

impl Jewels {
    /// Whether any record of the signal touches them.
    fn touched(&self, signal: &Signal) -> bool {
        let of = |patterns: &[String], text: &Option<Arc<str>>| {
            text.as_ref().is_some_and(|text| among(patterns, text))
        };
        let resource = |name: &str| among(&self.resources, name) || self.tagged.contains(name);
        resource(&signal.entity.id)
            || among(&self.actors, &signal.entity.id)
            || witnesses(signal).any(|witness| {
                of(&self.accounts, &witness.account)
                    || of(&self.actors, &witness.actor)
                    || witness.resources.iter().any(|name| resource(name))
            })
    }
}

impl Automation {
    /// Whether it did everything that the signal tells of.
    fn did(&self, about: &About, signal: &Signal) -> bool {
        (self.content.is_empty() || among(&self.content, &about.content))
            && covered(&self.actors, signal, |witness| witness.actor.as_deref())
            && covered(&self.user_agents, signal, |witness| witness.user_agent.as_deref())
            && (self.addresses.is_empty()
                || witnesses(signal).all(|witness| self.addresses.cover(witness)))
    }
}

impl Addresses {
    fn of(texts: &[String]) -> Self {
        let mut addresses = Self::default();
        for text in texts {
            let range = if text.contains('/') {
                Cidr::read(text).ok()
            } else {
                text.parse::<IpAddr>().ok().and_then(|address| {
                    let bits = if address.is_ipv4() { 32 } else { 128 };
                    Cidr::read(&format!("{address}/{bits}")).ok()
                })
            };
            match range {
                Some(range) => addresses.ranges.push(range),
                None => addresses.patterns.push(text.clone()),
            }
        }
        addresses
    }

    fn is_empty(&self) -> bool {
        self.ranges.is_empty() && self.patterns.is_empty()
    }

    fn cover(&self, witness: &Witness) -> bool {
        let Some(address) = witness.address.as_deref() else { return false };
        among(&self.patterns, address) || self.ranges.iter().any(|range| range.accepts(address))
    }
}

fn tagged(
    wanted: &BTreeMap<String, String>,
    tags: &BTreeMap<String, BTreeMap<String, String>>,
) -> HashSet<String> {
    if wanted.is_empty() {
        return HashSet::new();
    }
    let has = |own: &BTreeMap<String, String>| {
        let holds = |(key, pattern): (&String, &String)| {
            own.get(key).is_some_and(|value| glob::matches(pattern, value))
        };
        wanted.iter().all(holds)
    };
    tags.iter().filter(|(_, own)| has(own)).map(|(key, _)| key.clone()).collect()
}

/// The alert that a signal would make by itself, as expressions see it.
fn as_json(about: &About, signal: &Signal) -> Value {
    let matched = signal.matched.iter().map(|one| {
        json!({"selection": &*one.selection, "field": &*one.field, "value": one.value.as_deref()})
    });
    let witness = &signal.witness;
    json!({
        "kind": about.kind.as_str(),
        "content": &*about.content,
        "title": about.title.en,
        "severity": signal.severity.as_str(),
        "tags": about.tags.iter().map(|tag| &**tag).collect::<Vec<_>>(),
        "entity": {"kind": signal.entity.kind.as_str(), "id": &*signal.entity.id},
        "events": signal.events_total,
        "witness": {
            "source": &*witness.source,
            "id": &*witness.id,
            "account": witness.account.as_deref(),
            "region": witness.region.as_deref(),
            "actor": witness.actor.as_deref(),
            "address": witness.address.as_deref(),
            "user_agent": witness.user_agent.as_deref(),
            "action": witness.action.as_deref(),
            "outcome": witness.outcome.as_deref(),
            "resources": witness.resources.iter().map(|name| &**name).collect::<Vec<_>>(),
        },
        "matched": matched.collect::<Vec<_>>(),
    })
}
