//! The record of actions, with filters.
//! What is written into it is decided in `auth/audit.rs`.

use axum::Extension;
use axum::extract::State;
use axum_extra::extract::Query;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use yagura_store::people::{Audit, AuditFilter};

use super::{Told, field, page, sees_all};
use crate::fault::Answer;
use crate::gate::{Need, Routes};
use crate::state::Console;
use crate::viewer::{Role, Viewer};

/// Lines of a page.
const LINES: usize = 100;
const OUTCOMES: [&str; 3] = ["done", "refused", "failed"];

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/settings/audit", Need::Role(Role::Admin), list)
}

#[derive(Serialize)]
struct View {
    lines: Vec<Line>,
    who: String,
    action: String,
    outcome: String,
    since: String,
    until: String,
    outcomes: [&'static str; 3],
    filtered: bool,
    next: Option<i64>,
    first: bool,
    days: u16,
}

#[derive(Serialize)]
struct Line {
    at: i64,
    who: String,
    means: String,
    action: String,
    target: String,
    outcome: String,
    address: String,
}

fn line(line: Audit) -> Line {
    Line {
        at: line.at.as_microsecond(),
        who: line.who,
        means: line.means,
        action: line.action,
        target: line.target,
        outcome: line.outcome,
        address: line.address,
    }
}

/// The beginning of a day in the viewer's zone, or of the day after.
fn day(text: &str, viewer: &Viewer, after: bool) -> Option<Timestamp> {
    let date: Date = text.parse().ok()?;
    let date = if after { date.tomorrow().ok()? } else { date };
    Some(date.to_zoned(viewer.zone.clone()).ok()?.timestamp())
}

fn filter(query: &[(String, String)], viewer: &Viewer) -> AuditFilter {
    let text = |name| Some(field(query, name)).filter(|text| !text.is_empty()).map(str::to_owned);
    AuditFilter {
        who: text("who").map(|who| who.to_lowercase()),
        action: text("action"),
        outcome: text("outcome"),
        since: day(field(query, "since"), viewer, false),
        until: day(field(query, "until"), viewer, true),
        before: field(query, "after").parse().ok(),
    }
}

async fn list(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(query): Query<Vec<(String, String)>>,
) -> Answer {
    sees_all(&viewer)?;
    let filter = filter(&query, &viewer);
    let mut lines = console.store().people().audit(&filter, LINES + 1).await?;
    let more = lines.len() > LINES;
    lines.truncate(LINES);
    let text = |name| field(&query, name).to_owned();
    let view = View {
        next: lines.last().map(|line| line.number).filter(|_| more),
        lines: lines.into_iter().map(line).collect(),
        who: text("who"),
        action: text("action"),
        outcome: text("outcome"),
        since: text("since"),
        until: text("until"),
        outcomes: OUTCOMES,
        filtered: filter != AuditFilter::default(),
        first: filter.before.is_none(),
        days: console.parts().sign_in.audit_days,
    };
    page(&console, &viewer, "audit", &query, Told::of(&query), view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_where_the_next_begins_in_the_viewers_zone() {
        let date: Date = "2026-11-22".parse().unwrap();
        let zone = jiff::tz::TimeZone::get("Asia/Tokyo").unwrap();
        let begins = date.to_zoned(zone.clone()).unwrap().timestamp();
        assert_eq!(begins.to_string(), "2026-11-21T15:00:00Z");
        let ends = date.tomorrow().unwrap().to_zoned(zone).unwrap().timestamp();
        assert_eq!(ends.duration_since(begins), jiff::SignedDuration::from_hours(24));
    }
}
