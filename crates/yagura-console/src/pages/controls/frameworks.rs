//! The list of frameworks with their scores.
//! One framework is in `framework.rs`.

use axum::Extension;
use axum::extract::State;
use axum_extra::extract::Query;
use serde::Serialize;
use yagura_content::format::Assessment;
use yagura_model::{Prose, StateCounts};
use yagura_report::words;

use super::list::Part;
use crate::fault::Answer;
use crate::layout::links;
use crate::layout::{Nav, Shown, page};
use crate::pages::standing::Standing;
use crate::state::Console;
use crate::viewer::Viewer;

/// The framework that is shown first.
const CHECKLIST: &str = "checklist";

#[derive(Serialize)]
struct ListView {
    rows: Vec<RowView>,
    scored: bool,
}

#[derive(Serialize)]
struct RowView {
    href: String,
    title: Prose,
    version: String,
    requirements: usize,
    manual: usize,
    percent: Option<u64>,
    states: Option<StateCounts>,
    bar: Vec<Part>,
    scored_us: Option<i64>,
}

/// The parts of a bar over the states of requirements.
pub(crate) fn state_bar(states: &StateCounts) -> Vec<Part> {
    vec![
        Part { tone: "not_met", n: states.not_met },
        Part { tone: "partly", n: states.partly },
        Part { tone: "unknown", n: states.unknown },
        Part { tone: "met", n: states.met },
    ]
}

pub(super) async fn list(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let content = console.content();
    let standing = Standing::now(&console).await?;
    let mut rows: Vec<(bool, RowView)> = Vec::new();
    for framework in content.frameworks.values() {
        let score = standing.score(&framework.id, &viewer.scope);
        let manual =
            |one: &&yagura_content::format::Requirement| one.assessment == Assessment::Manual;
        let states = score.as_ref().map(|one| one.score.states);
        let row = RowView {
            href: links::framework(&framework.id),
            title: framework.title.value.clone(),
            version: framework.version.clone(),
            requirements: framework.requirements.len(),
            manual: framework.requirements.iter().filter(manual).count(),
            percent: states.as_ref().and_then(StateCounts::percent_met),
            bar: states.as_ref().map(state_bar).unwrap_or_default(),
            states,
            scored_us: score.map(|one| one.started.as_microsecond()),
        };
        rows.push((framework.id != CHECKLIST, row));
    }
    rows.sort_by(|a, b| {
        (a.0, &a.1.title.en, &a.1.version).cmp(&(b.0, &b.1.title.en, &b.1.version))
    });
    let rows: Vec<RowView> = rows.into_iter().map(|(_, row)| row).collect();
    let view = ListView { scored: rows.iter().any(|row| row.states.is_some()), rows };
    let title = words(viewer.lang).get("console_controls.frameworks");
    let shown = Shown {
        template: "frameworks.html",
        nav: Nav::Controls,
        title,
        path: "/frameworks",
        query: &pairs,
        page: view,
    };
    page(&console, &viewer, shown)
}
