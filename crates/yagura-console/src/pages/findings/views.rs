//! Questions with a name: those that everybody has, one's own, and those that others share.
//! Where they are kept is the store's business.

use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use axum_extra::extract::Form;
use serde::Serialize;
use yagura_report::words;
use yagura_store::views::{NewView, SavedView};

use super::acts::{Members, go_back};
use super::asked::Asked;
use super::list::bad;
use crate::fault::{Answer, Fault};
use crate::layout::preferences::own_path;
use crate::state::Console;
use crate::viewer::{Role, Viewer};

/// Letters of a view's name.
const NAME_CHARS_MAX: usize = 60;

/// The questions that everybody has: word, question.
const BUILT_IN: [(&str, &str); 6] = [
    ("open", ""),
    ("mine", "assignee=me"),
    ("today", "since=1d"),
    ("urgent", "severity=critical%2Chigh"),
    ("overdue", "due=overdue"),
    ("unowned", "assignee=nobody"),
];

/// A tab.
#[derive(Debug, Serialize)]
pub(super) struct Tab {
    label: String,
    href: String,
    current: bool,
    /// The number of a saved view that the viewer may remove.
    removable: Option<i64>,
    /// Whose it is, where it is somebody else's.
    owner: Option<String>,
}

/// The tabs, with the one that is the question of the page.
pub(super) fn tabs_of(saved: &[SavedView], question: &str, viewer: &Viewer) -> Vec<Tab> {
    let words = words(viewer.lang);
    let href = |query: &str| match query {
        "" => "/findings".to_owned(),
        query => format!("/findings?{query}"),
    };
    let built_in = BUILT_IN.iter().map(|(word, query)| Tab {
        label: words.get(&format!("console_findings.view.{word}")).to_owned(),
        href: href(query),
        current: *query == question,
        removable: None,
        owner: None,
    });
    let own = |view: &SavedView| view.owner == viewer.name;
    let saved = saved.iter().map(|view| Tab {
        label: view.name.clone(),
        href: href(&view.query),
        current: view.query == question,
        removable: (own(view) || viewer.may(Role::Admin)).then_some(view.number),
        owner: (!own(view)).then(|| view.owner.clone()),
    });
    built_in.chain(saved).collect()
}

/// Keeps the page's question under a name.
pub(super) async fn save(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Form(members): Form<Members>,
) -> Answer {
    let one = |name: &str| {
        let found = members.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.trim())
    };
    let name: String = one("name").chars().take(NAME_CHARS_MAX).collect();
    if name.is_empty() {
        let text = words(viewer.lang).get("console_findings.missing.name").to_owned();
        return Err(Fault::BadRequest(text));
    }
    // Read and written again: what is kept is a question, whatever was sent.
    let pairs: Vec<(String, String)> =
        serde_html_form::from_str(one("question")).unwrap_or_default();
    let asked = Asked::of(&pairs, &viewer, console.now()).map_err(|what| bad(&viewer, &what))?;
    let query = asked.question();
    let shared = one("shared") == "yes" && viewer.may(Role::Analyst);
    let view = NewView { owner: &viewer.name, name: &name, shared, query: &query };
    let kept = console.store().views().put(view, console.now()).await?;
    let code = if kept.is_some() { "saved.1" } else { "full.1" };
    let back = asked.with("after", None);
    Ok(go_back(&back, code).into_response())
}

/// Takes a saved question away.
pub(super) async fn remove(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Form(members): Form<Members>,
) -> Answer {
    let one = |name: &str| {
        let found = members.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let number: i64 = one("number").parse().map_err(|_| Fault::NotFound)?;
    let any = viewer.may(Role::Admin);
    if !console.store().views().remove(number, &viewer.name, any).await? {
        return Err(Fault::NotFound);
    }
    Ok(go_back(own_path(one("back")), "removed.1").into_response())
}
