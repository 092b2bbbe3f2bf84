//! The page `/access`: who can do what, what somebody can do, why, who can come to be an
//! administrator, and who is let in from outside.
//! Deciding is analyze's; the reasons are said in the report's words (`yagura_report::access`).

mod asked;
mod known;
mod view;

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum_extra::extract::Query;
use yagura_model::finding::Scope;
use yagura_report::words;

pub(crate) use self::known::{Known, Worlds, known};

use self::asked::{Asked, Todo};
use self::view::Page;
use crate::fault::{Answer, Fault};
use crate::gate::{Need, Routes};
use crate::layout::{self, Nav, Shown};
use crate::state::Console;
use crate::viewer::{Role, Viewer};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/access", Need::Role(Role::Viewer), page)
}

async fn page(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let asked = Asked::of(&pairs, console.parts().actions.as_ref());
    let mut view = Page::of(&asked, &viewer);
    match known::known(&console).await? {
        None => view.nothing_scanned(),
        Some(known) => {
            view.known(&known);
            match asked.problem(&viewer).or_else(|| beyond(&asked, &known, &viewer)) {
                Some(problem) => view.problem = Some(problem),
                None => answer(&console, &viewer, &asked, known, &mut view).await?,
            }
        }
    }
    let title = words(viewer.lang).get("console.nav.access");
    let (template, path, query) = ("access.html", "/access", pairs.as_slice());
    let shown = Shown { template, nav: Nav::Access, title, path, query, page: view };
    layout::page(&console, &viewer, shown)
}

/// Why a question is not for somebody who sees some accounts only: what it names is not theirs, or
/// nobody knows whose it is.
fn beyond(asked: &Asked, known: &Known, viewer: &Viewer) -> Option<String> {
    if viewer.scope == Scope::All {
        return None;
    }
    let theirs = |account: Option<String>| account.is_some_and(|one| viewer.scope.admits(&one));
    let no = || Some(words(viewer.lang).get("console_access.beyond").to_owned());
    let about_principal = matches!(asked.todo, Todo::Can | Todo::Way);
    if about_principal && !theirs(asked::account_of_principal(&asked.principal)) {
        return no();
    }
    let about_resource = matches!(asked.todo, Todo::Can | Todo::WhoCan);
    if about_resource && asked.resource != "*" && !theirs(known.account_of(&asked.resource)) {
        return no();
    }
    None
}

/// Computes the answer away from the threads that serve.
async fn answer(
    console: &Console,
    viewer: &Viewer,
    asked: &Asked,
    known: Arc<Known>,
    page: &mut Page,
) -> Result<(), Fault> {
    if asked.todo == Todo::Look {
        return Ok(());
    }
    let (asked, viewer, content) = (asked.clone(), viewer.clone(), console.content());
    let answered =
        tokio::task::spawn_blocking(move || view::answer(&asked, &known, &viewer, &content));
    page.answer = Some(answered.await.map_err(|_| known::broken())?);
    Ok(())
}
