//! Alerts: what logs told.
//! How alerts come about is judge's; findings that came of them are in `findings.rs`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use yagura_model::Severity;
use yagura_model::alert::Alert;
use yagura_model::finding::Scope;
use yagura_store::alerts::AlertFilter;

use super::endpoint::{Endpoints, Reader, Said};
use super::findings::{Text, limit, moment};
use super::time;
use crate::fault::Fault;
use crate::pages;
use crate::viewer::{Permission, Role};

/// Alerts of a page where nobody says how many.
const LIMIT: u16 = 50;
/// Alerts of a page at most.
const LIMIT_MAX: u16 = 200;
/// Alerts that are read for one page of somebody who may see only some accounts.
const READ_MAX: usize = 2_000;

pub(super) fn register(all: Endpoints) -> Endpoints {
    all.get(
        Said {
            path: "/alerts",
            role: Role::Viewer,
            permission: Permission::FindingsRead,
            id: "listAlerts",
            summary: "Alerts, the newest first",
        },
        list,
    )
}

/// Which alerts.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AlertsAsked {
    /// With records at this time or later (RFC 3339).
    pub(crate) since: Option<String>,
    /// With records before this time (RFC 3339).
    pub(crate) until: Option<String>,
    /// At least this bad: critical, high, medium, low, informational.
    pub(crate) severity: Option<String>,
    /// The id of the detection; `*` stands for any letters.
    pub(crate) content: Option<String>,
    /// An actor, an address, a resource.
    pub(crate) entity: Option<String>,
    /// With records of this account.
    pub(crate) account: Option<String>,
    /// How many, at most 200; 50 where nothing is said.
    pub(crate) limit: Option<u16>,
    /// Where the page before ended.
    pub(crate) after: Option<String>,
}

/// An alert.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct AlertView {
    id: String,
    /// detection, correlation, …
    kind: String,
    /// The detection's id.
    content: String,
    title: Text,
    severity: String,
    /// What it is about: its kind and id.
    entity_kind: String,
    entity: String,
    first: String,
    last: String,
    /// How many records.
    events: u64,
    /// Whether that is exact.
    events_exact: bool,
    tags: Vec<String>,
    accounts: Vec<String>,
}

/// A page of alerts.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct AlertsPage {
    items: Vec<AlertView>,
    next: Option<String>,
}

pub(crate) async fn list(reader: Reader, asked: AlertsAsked) -> Result<AlertsPage, Fault> {
    let limit = limit(asked.limit, LIMIT, LIMIT_MAX)?;
    let severity = asked
        .severity
        .as_deref()
        .map(|word| word.parse::<Severity>().map_err(|error| Fault::BadRequest(error.to_string())));
    let mut filter = AlertFilter {
        since: moment(asked.since.as_deref())?,
        until: moment(asked.until.as_deref())?,
        severity: severity.transpose()?,
        content: asked.content.clone(),
        entity: asked.entity.clone(),
        account: asked.account.clone(),
        told_at: Some(reader.console.now()),
        after: asked.after.as_deref().map(place).transpose()?,
        accounts: match &reader.viewer.scope {
            Scope::All => None,
            Scope::Accounts(accounts) => Some(accounts.iter().cloned().collect()),
        },
        source: None,
    };
    let mut items = Vec::new();
    let (mut read, mut next) = (0, None);
    while items.len() < limit {
        let page = reader.console.store().alerts().list(&filter, limit).await?;
        read += page.alerts.len();
        let mut cut = false;
        for stored in page.alerts {
            if items.len() == limit {
                cut = true;
                break;
            }
            filter.after = Some(stored.place);
            if let Some(seen) = pages::within(stored.alert, &reader.viewer.scope) {
                items.push(view(&seen.alert));
            }
        }
        next = (cut || page.more).then_some(filter.after).flatten();
        if next.is_none() || read >= READ_MAX {
            break;
        }
    }
    let next = next.map(|(last_us, number)| reader.next(format!("{last_us}.{number}")));
    Ok(AlertsPage { items, next })
}

fn place(text: &str) -> Result<(i64, i64), Fault> {
    let read = || {
        let (last_us, number) = text.split_once('.')?;
        Some((last_us.parse().ok()?, number.parse().ok()?))
    };
    read().ok_or_else(|| Fault::BadRequest("`after` is no place in a list".to_owned()))
}

fn view(alert: &Alert) -> AlertView {
    let (events, exact) = alert.count();
    AlertView {
        id: alert.id.clone(),
        kind: alert.kind.as_str().to_owned(),
        content: alert.content.to_string(),
        title: (&alert.title).into(),
        severity: alert.severity.as_str().to_owned(),
        entity_kind: alert.entity.kind.as_str().to_owned(),
        entity: alert.entity.id.to_string(),
        first: time(alert.first_us),
        last: time(alert.last_us),
        events,
        events_exact: exact,
        tags: alert.tags.iter().map(ToString::to_string).collect(),
        accounts: alert.accounts.names().map(str::to_owned).collect(),
    }
}
