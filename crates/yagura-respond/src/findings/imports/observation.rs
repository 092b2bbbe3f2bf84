//! A foreign finding as an observation of ours: identity, place, marks, cause and rank.
//! When one is over, and which are one finding, is decided in the parent module.

use serde_json::Value;
use yagura_model::finding::{FindingKind, FindingSuppression, MarkKind, Observation};
use yagura_model::imported::{Imported, OwnIdentity};
use yagura_model::{Prose, Severity};

use crate::findings::accounts::Accounts;
use crate::findings::rank::{DataValue, Exploit, Exposure, RankFacts, rank};
use crate::findings::traits::Traits;

const DAY_US: i64 = 86_400_000_000;
/// Names of one kind by which one finding is looked up.
const MARKS_MAX: usize = 50;

/// What is known around a foreign finding.
pub(super) struct Around<'a> {
    pub(super) traits: &'a Traits,
    pub(super) accounts: &'a Accounts,
    pub(super) now_us: i64,
}

/// Where a foreign finding is: its first resource, else the product itself.
pub(super) fn key_of(imported: &Imported) -> String {
    let first = imported.resources.first().map(|resource| resource.key.clone());
    first.unwrap_or_else(|| format!("product:{}", imported.product))
}

/// A foreign finding as an observation.
pub(super) fn of_imported(imported: &Imported, around: &Around<'_>) -> Observation {
    if let Some(own) = &imported.own {
        return of_own(imported, own, around);
    }
    let content = imported.content();
    let first = imported.resources.first();
    let seen = base(imported, around);
    Observation {
        kind: FindingKind::Import,
        cause: match &around.traits.module {
            Some(module) => format!("{content}@{module}"),
            None => format!("{content}@{}", imported.account),
        },
        content,
        key: key_of(imported),
        sub_key: imported.distinction.clone(),
        resource_type: first.and_then(|resource| resource.type_name.clone()),
        resource_name: first.and_then(|resource| resource.name.clone()),
        ..seen
    }
}

/// A finding that Yagura wrote out comes back as what it was. Our own JSON lines bring the whole
/// observation; other formats what they hold of it.
fn of_own(imported: &Imported, own: &OwnIdentity, around: &Around<'_>) -> Observation {
    let told = imported.raw.pointer("/finding/observation");
    let told = told.and_then(|told| serde_json::from_value::<Observation>(told.clone()).ok());
    let seen = told.unwrap_or_else(|| base(imported, around));
    let first = imported.resources.first();
    let cause = match &*seen.cause {
        "" => format!("{}@{}", own.content, imported.account),
        told => told.to_owned(),
    };
    Observation {
        kind: own.kind,
        content: own.content.clone(),
        key: own.key.clone(),
        sub_key: own.sub_key.clone(),
        severity: imported.severity,
        resource_type: seen.resource_type.clone().or_else(|| first?.type_name.clone()),
        resource_name: seen.resource_name.clone().or_else(|| first?.name.clone()),
        cause,
        suppression: own.suppression.clone(),
        first_us: imported.first_us,
        last_us: imported.last_us,
        ..seen
    }
}

/// What both have: everything but identity, place and cause.
fn base(imported: &Imported, around: &Around<'_>) -> Observation {
    let Around { traits, accounts, now_us } = around;
    // The product writes one language; it is what there is to read in either.
    let title = Prose { en: imported.title.clone(), ja: imported.title.clone() };
    let exploit = exploit(imported);
    // What happens has a last time, what is so has an age.
    let happens = imported.product == "guardduty";
    let facts = RankFacts {
        severity: Some(imported.severity),
        exposure: traits.exposure.max(exposure(imported)),
        privilege: None,
        data: traits.data.clone().max(data(imported)),
        exploit,
        open_days: (!happens).then(|| days(imported.first_us, *now_us)),
        quiet_days: happens.then(|| days(imported.last_us, *now_us)),
        weight: traits.weight.clone().or_else(|| accounts.weight(&imported.account)),
    };
    let mut marks = marks(imported);
    marks.extend(traits.marks.iter().cloned());
    Observation {
        kind: FindingKind::Import,
        content: String::new(),
        path: None,
        key: String::new(),
        sub_key: String::new(),
        title,
        severity: imported.severity,
        account: imported.account.clone(),
        region: imported.region.clone(),
        resource_type: None,
        resource_name: None,
        cause: String::new(),
        first_us: imported.first_us,
        last_us: imported.last_us,
        occurrences: imported.occurrences,
        rank: rank(&facts),
        marks,
        suppression: None::<FindingSuppression>,
        evidence: serde_json::to_value(imported).unwrap_or(Value::Null),
    }
}

/// How easily it is made use of, as the product says. `GuardDuty` tells of what happened.
fn exploit(imported: &Imported) -> Option<Exploit> {
    let says = |pointer: &str| imported.raw.pointer(pointer).and_then(Value::as_str);
    if says("/exploitabilityDetails/lastKnownExploitAt").is_some()
        || says("/Vulnerabilities/0/LastKnownExploitAt").is_some()
    {
        return Some(Exploit::Known);
    }
    if says("/exploitAvailable") == Some("YES")
        || says("/Vulnerabilities/0/ExploitAvailable") == Some("YES")
    {
        return Some(Exploit::Likely);
    }
    let attack = imported.product == "guardduty" && imported.severity >= Severity::Medium;
    match imported.type_name.starts_with("AttackSequence:") {
        true => Some(Exploit::Story),
        false => attack.then_some(Exploit::Attack),
    }
}

fn exposure(imported: &Imported) -> Option<Exposure> {
    if imported.type_name == "NETWORK_REACHABILITY" {
        return Some(Exposure::Address);
    }
    if imported.product != "access-analyzer" {
        return None;
    }
    let details = imported.raw.pointer("/findingDetails").and_then(Value::as_array);
    let is_public = details.into_iter().flatten().any(|details| {
        details.pointer("/externalAccessDetails/isPublic").and_then(Value::as_bool) == Some(true)
    });
    match (&*imported.type_name, is_public) {
        ("ExternalAccess", true) => Some(Exposure::Public),
        ("ExternalAccess", false) => Some(Exposure::Outsiders),
        _ => None,
    }
}

/// Macie tells which data it found.
fn data(imported: &Imported) -> Option<DataValue> {
    let found = imported.type_name.strip_prefix("SensitiveData:")?;
    (imported.product == "macie").then(|| DataValue::Sensitive(found.to_owned()))
}

fn marks(imported: &Imported) -> Vec<(MarkKind, String)> {
    let mut marks = vec![(MarkKind::Product, imported.product.clone())];
    let checks = imported.checks.iter().map(|(framework, id)| format!("{framework}/{id}"));
    let requirements = checks.chain(imported.requirements.iter().cloned());
    let further = imported.resources.iter().skip(1).map(|resource| resource.key.clone());
    let lists: [(MarkKind, Vec<String>); 6] = [
        (MarkKind::Requirement, requirements.collect()),
        (MarkKind::Attack, imported.attacks.clone()),
        (MarkKind::Actor, imported.actor.iter().cloned().collect()),
        (MarkKind::Address, imported.address.iter().cloned().collect()),
        (MarkKind::Resource, further.collect()),
        (MarkKind::Vulnerability, imported.vulnerabilities.clone()),
    ];
    for (kind, names) in lists {
        let names = names.into_iter().filter(|name| !name.is_empty()).take(MARKS_MAX);
        marks.extend(names.map(|name| (kind, name)));
    }
    marks
}

/// Whole days from one time to another; none are less than none.
fn days(from_us: i64, to_us: i64) -> i64 {
    to_us.saturating_sub(from_us).max(0) / DAY_US
}
