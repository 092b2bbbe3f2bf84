//! The list as a file: CSV for a spreadsheet, JSON lines for programs. No more than so many
//! findings, and the file's name says where that was not all.
//! How each format looks is the report's.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum_extra::extract::Query;
use http::header;
use yagura_model::finding::Finding;
use yagura_report::{AccountMeta, Catalog, Export, ExportContext, ExportFormat, ReportError};
use yagura_store::findings::Page;

use super::asked::Asked;
use super::list::bad;
use crate::fault::{Answer, Fault};
use crate::state::Console;
use crate::viewer::Viewer;

/// Findings of one file at most.
const FINDINGS_MAX: usize = 10_000;
/// Findings that are read at once.
const PAGE: usize = 1_000;

pub(super) async fn file(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Path(format): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let (format, kind) = match format.as_str() {
        "csv" => (ExportFormat::Csv, "text/csv; charset=utf-8"),
        "jsonl" => (ExportFormat::Jsonl, "application/x-ndjson"),
        _ => return Err(Fault::NotFound),
    };
    let asked = Asked::of(&pairs, &viewer, console.now()).map_err(|what| bad(&viewer, &what))?;
    let findings = console.store().findings(viewer.scope.clone());
    // CSV and our own lines say nothing of content and accounts beyond what a finding holds.
    let (catalog, entries) = (Catalog::default(), std::collections::BTreeMap::new());
    let context = ExportContext {
        catalog: &catalog,
        entries: &entries,
        accounts: Vec::<AccountMeta>::new(),
        at: console.now(),
        version: console.parts().version.clone(),
        lang: viewer.lang,
    };
    let mut all = Vec::new();
    let mut page = Page { order: asked.order, limit: PAGE, after: None };
    let mut more = false;
    loop {
        let found = findings.list(&asked.filter, &page).await?;
        all.extend(found.findings);
        page.after = found.next;
        if all.len() >= FINDINGS_MAX {
            more = all.len() > FINDINGS_MAX || page.after.is_some();
            all.truncate(FINDINGS_MAX);
            break;
        }
        if page.after.is_none() {
            break;
        }
    }
    let bytes =
        written(&all, &context, format).map_err(|error| Fault::Unavailable(error.to_string()))?;
    let part = if more { format!("-first-{FINDINGS_MAX}") } else { String::new() };
    let name = format!(
        "yagura-findings-{}{part}.{}",
        console.now().strftime("%Y%m%d-%H%M%S"),
        format.as_str()
    );
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}

fn written(
    all: &[Finding],
    context: &ExportContext<'_>,
    format: ExportFormat,
) -> Result<Vec<u8>, ReportError> {
    let mut bytes = Vec::new();
    let mut export = Export::begin(context, format, &mut bytes)?;
    for finding in all {
        export.finding(finding)?;
    }
    export.end()?;
    Ok(bytes)
}
