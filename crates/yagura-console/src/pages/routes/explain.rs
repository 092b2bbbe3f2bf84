//! The page `/routes/explain`: who would be told of a finding, by which route, when, why not by the
//! others, and who was told so far.
//! Routing decides, behind a port; nothing is told here.

use axum::Extension;
use axum::extract::State;
use axum_extra::extract::Query;
use jiff::Timestamp;
use serde::Serialize;
use yagura_model::finding::{Expected, ExpectedRoute, Finding, RouteVerdict};
use yagura_report::words;

use crate::fault::{Answer, Fault};
use crate::layout::{self, Nav, Shown};
use crate::pages::findings::list::account_names;
use crate::pages::findings::{Row, named, row_of};
use crate::state::Console;
use crate::viewer::Viewer;

/// Entries of the history that are looked at for the last change, as `yagura routes explain` does.
const HISTORY_MAX: usize = 10_000;
/// What was told is listed up to so many lines.
const TOLD_MAX: usize = 200;

#[derive(Default, Serialize)]
struct Page {
    /// What was typed.
    asked: String,
    /// Why it names no finding: a word of `console_routes.explain.wrong`.
    wrong: Option<&'static str>,
    finding: Option<Row>,
    change: String,
    hushed: bool,
    /// Whether anybody would be told.
    reached: bool,
    routes: Vec<RouteRow>,
    told: Vec<ToldRow>,
}

/// A route with what it makes of the finding.
#[derive(Serialize)]
struct RouteRow {
    id: String,
    verdict: RouteVerdict,
    followed: bool,
    problem: Option<String>,
    when: Option<String>,
    targets: Vec<String>,
    due: Option<Timestamp>,
}

impl RouteRow {
    fn of(route: ExpectedRoute) -> Self {
        let ExpectedRoute { route, verdict, problem, when, targets, due } = route;
        let followed = verdict.is_followed();
        let when = when.map(|when| when.trim().to_owned());
        Self { id: route, verdict, followed, problem, when, targets, due }
    }
}

/// What one target was told.
#[derive(Serialize)]
struct ToldRow {
    target: String,
    change: String,
    state: String,
    at: Timestamp,
}

pub(super) async fn page(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let asked = pairs.iter().rev().find(|(name, _)| name == "finding");
    let asked = asked.map(|(_, value)| value.trim().to_owned()).unwrap_or_default();
    let view = match named(&console, &viewer, &asked).await {
        _ if asked.is_empty() => Page::default(),
        Ok(finding) => explained(&console, &viewer, finding).await?,
        // Whether it is somebody else's, nobody can tell.
        Err(Fault::NotFound) => Page { wrong: Some("none"), ..Page::default() },
        Err(Fault::BadRequest(_)) => Page { wrong: Some("several"), ..Page::default() },
        Err(fault) => return Err(fault),
    };
    let title = words(viewer.lang).get("console_routes.explain.title");
    let (template, path, query) = ("routes_explain.html", "/routes/explain", pairs.as_slice());
    let page = Page { asked, ..view };
    let shown = Shown { template, nav: Nav::Routes, title, path, query, page };
    layout::page(&console, &viewer, shown)
}

async fn explained(console: &Console, viewer: &Viewer, finding: Finding) -> Result<Page, Fault> {
    let unavailable = || {
        let text = words(viewer.lang).get("console_routes.explain.no_guide");
        Fault::Unavailable(text.to_owned())
    };
    let guide = console.parts().guide.as_deref().ok_or_else(unavailable)?;
    let store = console.store();
    let accounts = account_names(console, viewer).await?;
    let findings = store.findings(viewer.scope.clone());
    let history = findings.history(&finding.id, 0, HISTORY_MAX).await?;
    let told = store.outbox().told_of(&finding.id, TOLD_MAX).await?;
    let row = row_of(&finding, viewer.lang, console.now().as_microsecond(), &accounts);
    let expected = guide.expect(finding, &history).await.map_err(Fault::Unavailable)?;
    let Expected { change, hushed, routes } = expected;
    let routes: Vec<RouteRow> = routes.into_iter().map(RouteRow::of).collect();
    let told = told.into_iter().map(|one| ToldRow {
        target: one.target,
        change: one.change,
        state: one.state,
        at: one.at,
    });
    Ok(Page {
        finding: Some(row),
        change,
        hushed,
        reached: !hushed && routes.iter().any(|route| route.followed),
        routes,
        told: told.collect(),
        ..Page::default()
    })
}
