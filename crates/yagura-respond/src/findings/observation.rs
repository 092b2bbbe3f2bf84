//! Verdicts and alerts as observations of findings: identity, place, marks, cause and rank.
//! What an observation means for its finding is the model's, keeping it the store's.

use serde_json::Value;
use yagura_content::Content;
use yagura_model::alert::{Alert, EntityKind};
use yagura_model::finding::{FindingKind, FindingSuppression, MarkKind, Observation};
use yagura_model::{GLOBAL_REGION, Prose, Verdict};

use super::accounts::Accounts;
use super::cause;
use super::rank::{DataValue, Exploit, RankFacts, rank};
use super::subject::Subject;
use super::traits::Traits;

const DAY_US: i64 = 86_400_000_000;
/// Names of one kind by which one alert is looked up.
const MARKS_MAX: usize = 50;

/// What is the same for all failures of a control.
#[derive(Clone, Debug)]
pub(crate) struct About {
    path: Option<String>,
    title: Prose,
    subject: Subject,
    marks: Vec<(MarkKind, String)>,
}

impl About {
    /// What content says of a control. A control that is no more has its id for a title.
    ///
    /// Its marks are the requirements that it serves, whether it says so itself or a framework
    /// does; of frameworks that the site does not score there are none.
    pub(crate) fn of(id: &str, content: &Content) -> Self {
        let Some(control) = content.controls.get(id) else {
            let title = Prose { en: id.to_owned(), ja: id.to_owned() };
            let subject = Subject::default();
            return Self { path: None, title, subject, marks: Vec::new() };
        };
        let scored = |framework: &str| {
            let known = content.frameworks.contains_key(framework);
            !known || content.site.selection.scores(framework)
        };
        let served = content.requirements_of(id).iter();
        let requirements =
            served.filter(|(framework, _)| scored(framework)).flat_map(|(framework, ids)| {
                ids.iter().map(move |id| (MarkKind::Requirement, format!("{framework}/{id}")))
            });
        Self {
            path: Some(format!("controls/{}.yaml", control.id.replacen('.', "/", 1))),
            title: control.title.value.clone(),
            subject: Subject::of(control),
            marks: requirements.collect(),
        }
    }
}

/// What is known around one failure.
pub(crate) struct Around<'a> {
    pub(crate) traits: &'a Traits,
    pub(crate) accounts: &'a Accounts,
    /// Alerts that lately told of the resource.
    pub(crate) alerts: u64,
    /// When the finding was opened, in microseconds since 1970; none where it is new.
    pub(crate) opened_us: Option<i64>,
    /// When the scan started, in microseconds since 1970.
    pub(crate) started_us: i64,
}

/// A failure of a control as an observation.
pub(crate) fn of_verdict(verdict: Verdict, about: &About, around: &Around<'_>) -> Observation {
    let Around { traits, accounts, alerts, opened_us, started_us } = around;
    let facts = RankFacts {
        severity: Some(verdict.severity),
        exposure: about.subject.exposure.max(traits.exposure),
        privilege: about.subject.privilege,
        data: traits.data.clone(),
        exploit: (*alerts > 0).then_some(Exploit::UnderAttack(*alerts)),
        open_days: opened_us.map(|opened_us| days(opened_us, *started_us)),
        quiet_days: None,
        weight: traits.weight.clone().or_else(|| accounts.weight(&verdict.account)),
    };
    let evidence = serde_json::to_value(&verdict).unwrap_or(Value::Null);
    let suppression = verdict.exception.map(|exception| FindingSuppression {
        until_us: exception.expires.as_microsecond(),
        owner: exception.owner,
        reason: exception.reason,
    });
    let mut marks = about.marks.clone();
    marks.extend(traits.marks.iter().cloned());
    Observation {
        kind: FindingKind::Control,
        cause: cause::of_control(&verdict.control, &verdict.account, traits.module.as_deref()),
        content: verdict.control,
        path: about.path.clone(),
        key: verdict.key,
        sub_key: String::new(),
        title: about.title.clone(),
        severity: verdict.severity,
        account: verdict.account,
        region: verdict.region,
        resource_type: Some(verdict.type_name),
        resource_name: Some(verdict.name).filter(|name| !name.is_empty()),
        first_us: *started_us,
        last_us: *started_us,
        occurrences: 1,
        rank: rank(&facts),
        marks,
        suppression,
        evidence,
    }
}

/// An alert as an observation at a time. The window is not part of its identity: each further
/// alert of the same content on the same entity is one more occurrence.
pub(crate) fn of_alert(
    alert: &Alert,
    jewel: Option<String>,
    accounts: &Accounts,
    now_us: i64,
) -> Observation {
    let account = alert.accounts.names().next().unwrap_or_default().to_owned();
    let regions: Vec<&str> = alert.regions.names().collect();
    let region = match regions.as_slice() {
        [one] => (*one).to_owned(),
        _ => GLOBAL_REGION.to_owned(),
    };
    let facts = RankFacts {
        severity: Some(alert.severity),
        exposure: None,
        privilege: None,
        data: jewel.map(DataValue::CrownJewel),
        exploit: Some(Exploit::of_signal(alert.kind)),
        open_days: None,
        quiet_days: Some(days(alert.last_us, now_us)),
        weight: accounts.weight(&account),
    };
    let suppression = alert.suppressed.as_ref().map(|by| FindingSuppression {
        until_us: by.expires.as_microsecond(),
        owner: by.owner.clone(),
        reason: by.reason.clone(),
    });
    Observation {
        kind: FindingKind::Alert,
        content: alert.content.to_string(),
        path: Some(alert.path.to_string()),
        key: alert.entity.to_string(),
        sub_key: String::new(),
        title: alert.title.clone(),
        severity: alert.severity,
        cause: cause::of_alert(&alert.content, &alert.entity, &account),
        account,
        region,
        resource_type: None,
        resource_name: Some(alert.entity.id.to_string()).filter(|name| !name.is_empty()),
        first_us: alert.first_us,
        last_us: alert.last_us,
        occurrences: 1,
        rank: rank(&facts),
        marks: marks_of_alert(alert),
        suppression,
        evidence: serde_json::to_value(alert).unwrap_or(Value::Null),
    }
}

fn marks_of_alert(alert: &Alert) -> Vec<(MarkKind, String)> {
    let mut marks: Vec<(MarkKind, String)> =
        alert.tags.iter().map(|tag| (MarkKind::Attack, tag.to_string())).collect();
    let sets = [
        (MarkKind::Actor, &alert.actors),
        (MarkKind::Address, &alert.addresses),
        (MarkKind::Resource, &alert.resources),
    ];
    for (kind, set) in sets {
        let names = set.names().filter(|name| !name.is_empty()).take(MARKS_MAX);
        marks.extend(names.map(|name| (kind, name.to_owned())));
    }
    let of_entity = match alert.entity.kind {
        EntityKind::Actor => Some(MarkKind::Actor),
        EntityKind::Address => Some(MarkKind::Address),
        EntityKind::Resource | EntityKind::Instance => Some(MarkKind::Resource),
        EntityKind::Account | EntityKind::Other => None,
    };
    if let Some(kind) = of_entity.filter(|_| !alert.entity.id.is_empty()) {
        let mark = (kind, alert.entity.id.to_string());
        if !marks.contains(&mark) {
            marks.push(mark);
        }
    }
    marks
}

/// Whole days from one time to another; none are less than none.
fn days(from_us: i64, to_us: i64) -> i64 {
    to_us.saturating_sub(from_us).max(0) / DAY_US
}
