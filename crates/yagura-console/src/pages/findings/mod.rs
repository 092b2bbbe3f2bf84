//! The pages of findings: the list with its questions, saved views and bulk actions (`/findings`),
//! one finding in full (`/findings/{id}`), and lists as files.
//! What a finding is and how questions are answered is not here.

pub(crate) mod acts;
mod advice;
pub(crate) mod asked;
mod evidence;
mod facets;
mod file;
pub(crate) mod list;
mod one;
pub(super) mod open;
mod rows;
#[cfg(test)]
mod tests;
mod views;

use axum::Extension;
use axum::extract::State;
use serde::Serialize;
use yagura_report::words;

use crate::fault::Answer;
use crate::gate::{Need, Routes};
use crate::layout::{self, Nav, Shown};
use crate::state::Console;
use crate::viewer::{Role, Viewer};

pub(super) use one::named;
pub(crate) use rows::{Row, row_of};

pub(super) fn routes(routes: Routes) -> Routes {
    let look = Need::Role(Role::Viewer);
    let work = Need::Role(Role::Analyst);
    routes
        .get("/findings", look, list::list)
        .get("/findings/keys", look, keys)
        .get("/findings/file/{format}", look, file::file)
        .post("/findings/act", work, acts::bulk)
        .post("/findings/views", look, views::save)
        .post("/findings/views/remove", look, views::remove)
        .get("/findings/{id}", look, one::show)
        .post("/findings/{id}", work, acts::single)
}

/// The keys of the list, readable without scripts.
async fn keys(State(console): State<Console>, Extension(viewer): Extension<Viewer>) -> Answer {
    #[derive(Serialize)]
    struct Keys {
        keys: [(&'static str, &'static str); 7],
    }
    let keys = [
        ("j", "next"),
        ("k", "previous"),
        ("x", "tick"),
        ("o", "open"),
        ("/", "search"),
        ("g", "groups"),
        ("?", "help"),
    ];
    let title = words(viewer.lang).get("console_findings.keys.title");
    let shown = Shown {
        template: "findings_keys.html",
        nav: Nav::Findings,
        title,
        path: "/findings/keys",
        query: &[],
        page: Keys { keys },
    };
    layout::page(&console, &viewer, shown)
}
