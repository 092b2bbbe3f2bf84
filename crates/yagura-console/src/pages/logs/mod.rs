//! The page `/logs`: a question in SQL to logs and inventory, what it would read, its answer as a
//! table, a chart or a file.
//! How SQL is answered is the desk's business (`ports.rs`); nothing is read here.

mod asked;
mod chart;
mod export;
mod view;

use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum_extra::extract::Query;
use http::HeaderMap;
use tokio_util::sync::CancellationToken;
use yagura_report::words;

use self::asked::{Asked, Todo};
use self::view::{FaultView, Page};
use crate::fault::Answer;
use crate::gate::{Need, Routes};
use crate::layout::{self, Nav, Shown};
use crate::ports::{AskFault, Estimate, LogDesk, Question, Table};
use crate::state::Console;
use crate::viewer::{Role, Viewer};

/// Rows of an answer on the page at most.
const ROWS_MAX: u64 = 1_000;
/// How long a question may take.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// What a question may read without being asked back, in bytes.
pub(super) const BYTES_UNASKED: u64 = 1_000_000_000;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/logs", Need::Role(Role::Analyst), page).get(
        "/logs/export",
        Need::Role(Role::Analyst),
        export::file,
    )
}

async fn page(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    headers: HeaderMap,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let content = console.content();
    let asked = agreed(Asked::of(&pairs, &content), &headers);
    let mut page = Page::of(&asked, &content, &viewer);
    if let Some(desk) = console.parts().desk.as_deref() {
        match desk.tables().await {
            Ok(tables) => page.schema(tables, &asked.find, &viewer.scope),
            Err(fault) => page.schema_fault = Some(FaultView::of(viewer.lang, &fault, "")),
        }
        if asked.todo != Todo::Look {
            answer(&console, &viewer, desk, &asked, &mut page).await;
        }
    } else {
        page.has_desk = false;
    }
    let title = words(viewer.lang).get("console.nav.logs");
    let query = pairs.as_slice();
    let template = "logs.html";
    let shown = Shown { template, nav: Nav::Logs, title, path: "/logs", query, page };
    layout::page(&console, &viewer, shown)
}

/// What was asked for: what it would read, and where that is little enough its answer.
async fn answer(
    console: &Console,
    viewer: &Viewer,
    desk: &dyn LogDesk,
    asked: &Asked,
    page: &mut Page,
) {
    let question = match asked.question(&console.content(), viewer, console.now(), ROWS_MAX) {
        Ok(question) => question,
        Err(fault) => {
            page.fault = Some(FaultView::of(viewer.lang, &fault, &asked.sql));
            return;
        }
    };
    let estimate = match desk.estimate(&question, &viewer.scope).await {
        Ok(estimate) => estimate,
        Err(fault) => {
            page.fault = Some(FaultView::of(viewer.lang, &fault, &question.sql));
            return;
        }
    };
    let too_much = is_too_much(&estimate, asked);
    page.estimate(&estimate);
    if asked.todo != Todo::Answer {
        return;
    }
    if too_much {
        page.confirm = Some(estimate.bytes);
        return;
    }
    match answered(viewer, desk, &question).await {
        Ok(table) => page.result(&table, asked),
        Err(fault) => page.fault = Some(FaultView::of(viewer.lang, &fault, &question.sql)),
    }
}

/// What somebody agreed to read, they agreed to on a page of ours: the address of another's page
/// agrees to nothing, though it may lead to a question.
fn agreed(asked: Asked, headers: &HeaderMap) -> Asked {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    let ours = site.is_none_or(|site| matches!(site, "same-origin" | "none"));
    if ours { asked } else { Asked { sure: 0, ..asked } }
}

/// Whether a question reads more than anybody agreed to.
fn is_too_much(estimate: &Estimate, asked: &Asked) -> bool {
    estimate.bytes > BYTES_UNASKED.max(asked.sure)
}

/// The answer, unless it takes too long or whoever asked goes away: then it is given up.
async fn answered(
    viewer: &Viewer,
    desk: &dyn LogDesk,
    question: &Question,
) -> Result<Table, AskFault> {
    let cancel = CancellationToken::new();
    // A request that ends drops this, however it ends.
    let _given_up = cancel.clone().drop_guard();
    let answer = desk.ask(question, &viewer.scope, cancel);
    tokio::time::timeout(ANSWER_MAX, answer).await.unwrap_or_else(|_| {
        let words = words(viewer.lang);
        Err(AskFault {
            message: words.fill("console_logs.fault.slow", &[("n", &ANSWER_MAX.as_secs())]),
            hint: Some(words.get("console_logs.fault.slow_hint").to_owned()),
            at: None,
            askers: true,
        })
    })
}
