//! The pages `/alerts` and `/alerts/{id}`: what judging logs raised, over time and as a list, and
//! one alert as a story.
//! What an alert says is the report's (`alert_facts`); nothing is judged here.

mod asked;
mod cut;
mod entry;
mod list;
mod one;

pub(crate) use self::cut::within;

use axum::Extension;
use axum::extract::{Path, State};
use axum_extra::extract::Query;
use yagura_model::finding::{FindingKind, Scope};
use yagura_model::finding_id;
use yagura_report::words;
use yagura_store::alerts::{AlertFilter, StoredAlert};

use self::asked::Asked;
use crate::fault::{Answer, Fault};
use crate::gate::{Need, Routes};
use crate::layout::{self, Nav, Shown};
use crate::state::Console;
use crate::viewer::{Role, Viewer};

/// Alerts of one page of the list.
const PAGE: usize = 50;
/// Other alerts of the same principal that one alert names.
const RELATED_MAX: usize = 10;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/alerts", Need::Role(Role::Viewer), many).get(
        "/alerts/{id}",
        Need::Role(Role::Viewer),
        single,
    )
}

/// The accounts of a scope, as the store takes them.
fn accounts_of(scope: &Scope) -> Option<Vec<String>> {
    match scope {
        Scope::All => None,
        Scope::Accounts(accounts) => Some(accounts.iter().cloned().collect()),
    }
}

async fn many(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let now = console.now();
    let asked = Asked::of(&pairs, &viewer, now);
    let filter = asked.filter(accounts_of(&viewer.scope), now);
    let alerts = console.store().alerts();
    let page = alerts.list(&filter, PAGE).await?;
    let counts = alerts.counts(&filter).await?;
    let span = asked.steps(&viewer, now);
    let steps = alerts.over_time(&filter, span.step_us, span.offset_us, asked::STEPS_MAX).await?;
    let content = console.content();
    let view = list::Page::new(list::Found {
        asked: &asked,
        content: &content,
        viewer: &viewer,
        page,
        counts,
        steps: span.filled(&steps),
        step_format: span.format(),
        now,
    });
    let title = words(viewer.lang).get("console.nav.alerts");
    let (template, path, query) = ("alerts.html", "/alerts", pairs.as_slice());
    let shown = Shown { template, nav: Nav::Alerts, title, path, query, page: view };
    layout::page(&console, &viewer, shown)
}

async fn single(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
) -> Answer {
    let alerts = console.store().alerts();
    let found = if id.len() == 32 { alerts.find(&id, 1).await? } else { Vec::new() };
    let StoredAlert { alert, raised, changed, .. } =
        found.into_iter().next().ok_or(Fault::NotFound)?;
    let seen = cut::within(alert, &viewer.scope).ok_or(Fault::NotFound)?;
    let finding = finding_id(
        FindingKind::Alert.as_str(),
        &seen.alert.content,
        &seen.alert.entity.to_string(),
        "",
    );
    let finding = console.store().findings(viewer.scope.clone()).get(&finding).await?;
    let related = related(&console, &viewer, &seen).await?;
    let content = console.content();
    let view = one::Page::new(
        &seen,
        &one::Around {
            content: &content,
            viewer: &viewer,
            raised,
            changed,
            finding,
            related,
            now: console.now(),
        },
    );
    let title = seen.alert.title.get(viewer.lang).to_owned();
    let path = format!("/alerts/{}", seen.alert.id);
    let shown = Shown {
        template: "alert.html",
        nav: Nav::Alerts,
        title: &title,
        path: &path,
        query: &[],
        page: view,
    };
    layout::page(&console, &viewer, shown)
}

/// Other alerts about the same principal, the newest first.
async fn related(
    console: &Console,
    viewer: &Viewer,
    seen: &cut::Seen,
) -> Result<Vec<StoredAlert>, Fault> {
    let alert = &seen.alert;
    let named = Some(&*alert.entity.id).filter(|id| !id.is_empty());
    let Some(entity) = named.or_else(|| alert.actors.names().next()) else {
        return Ok(Vec::new());
    };
    let filter = AlertFilter {
        entity: Some(entity.to_owned()),
        accounts: accounts_of(&viewer.scope),
        ..AlertFilter::default()
    };
    let page = console.store().alerts().list(&filter, RELATED_MAX + 1).await?;
    let others = page.alerts.into_iter().filter(|other| other.alert.id != alert.id);
    Ok(others.take(RELATED_MAX).collect())
}
