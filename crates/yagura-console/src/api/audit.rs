//! The record of every action, for administrators.
//! It is written by the gate (`auth/audit.rs`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use yagura_model::finding::Scope;
use yagura_store::people::AuditFilter;

use super::endpoint::{Endpoints, Reader, Said};
use super::findings::{limit, moment};
use crate::fault::Fault;
use crate::viewer::{Permission, Role};

/// Lines of a page where nobody says how many.
const LIMIT: u16 = 100;
/// Lines of a page at most.
const LIMIT_MAX: u16 = 1_000;

pub(super) fn register(all: Endpoints) -> Endpoints {
    all.get(
        Said {
            path: "/audit",
            role: Role::Admin,
            permission: Permission::Admin,
            id: "listAudit",
            summary: "What was done, by whom, the newest first",
        },
        list,
    )
}

/// Which lines.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AuditAsked {
    /// Of this name alone.
    who: Option<String>,
    /// Whose action begins so: `POST /findings`, `sign_in`.
    action: Option<String>,
    /// done, refused, failed.
    outcome: Option<String>,
    /// Of this time or later (RFC 3339).
    since: Option<String>,
    /// Before this time (RFC 3339).
    until: Option<String>,
    /// How many, at most 1,000; 100 where nothing is said.
    limit: Option<u16>,
    /// Where the page before ended.
    after: Option<i64>,
}

/// An action.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct AuditView {
    number: i64,
    at: String,
    who: String,
    /// session, token, command_line, open, none.
    means: String,
    action: String,
    target: String,
    outcome: String,
    /// From where.
    address: String,
}

/// A page of the record.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct AuditPage {
    items: Vec<AuditView>,
    next: Option<String>,
}

async fn list(reader: Reader, asked: AuditAsked) -> Result<AuditPage, Fault> {
    // It tells what was done in every account.
    if reader.viewer.scope != Scope::All {
        return Err(Fault::Forbidden);
    }
    let limit = limit(asked.limit, LIMIT, LIMIT_MAX)?;
    let filter = AuditFilter {
        who: asked.who,
        action: asked.action,
        outcome: asked.outcome,
        since: moment(asked.since.as_deref())?,
        until: moment(asked.until.as_deref())?,
        before: asked.after,
    };
    let lines = reader.console.store().people().audit(&filter, limit).await?;
    let full = lines.len() == limit;
    let last = lines.last().map(|line| line.number).filter(|_| full);
    let items = lines.into_iter().map(|line| AuditView {
        number: line.number,
        at: line.at.to_string(),
        who: line.who,
        means: line.means,
        action: line.action,
        target: line.target,
        outcome: line.outcome,
        address: line.address,
    });
    Ok(AuditPage { items: items.collect(), next: last.map(|number| reader.next(number)) })
}
