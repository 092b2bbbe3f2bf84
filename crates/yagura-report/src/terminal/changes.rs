//! What changed since a former scan, for a terminal.
//! Which verdicts changed is decided in `compare.rs`.

use yagura_model::Verdict;

use super::table::Page;
use crate::clean::clean;
use crate::phrases;
use crate::scan_report::resource_name;
use crate::words::grouped;

/// Writes the section, where the report has a comparison.
pub(super) fn write(page: &mut Page<'_>, limit: usize) {
    let Some(comparison) = page.report.comparison else { return };
    page.heading("report.heading.changes");
    let words = page.words;
    let started = phrases::minute(comparison.former_started);
    let since = words.fill("report.compare.since", &[("started", &started)]);
    let summary = words.fill(
        "report.compare.summary",
        &[
            ("new", &grouped(comparison.new.len() as u64)),
            ("fixed", &grouped(comparison.fixed.len() as u64)),
            ("changed", &grouped(comparison.changed.len() as u64)),
        ],
    );
    page.paragraph(0, &format!("{since}{}{summary}", words.get("report.colon")));
    let new: Vec<_> = comparison.new.iter().map(|verdict| (verdict, None)).collect();
    let fixed: Vec<_> = comparison.fixed.iter().map(|verdict| (verdict, None)).collect();
    let changed: Vec<_> =
        comparison.changed.iter().map(|(before, now)| (now, Some(before))).collect();
    if new.is_empty() && fixed.is_empty() && changed.is_empty() {
        page.paragraph(0, words.get("report.compare.nothing"));
    }
    section(page, words.get("report.compare.new"), "+", &new, limit);
    section(page, words.get("report.compare.fixed"), "-", &fixed, limit);
    section(page, words.get("report.compare.changed"), "~", &changed, limit);
}

fn section(
    page: &mut Page<'_>,
    title: &str,
    mark: &str,
    changes: &[(&Verdict, Option<&Verdict>)],
    limit: usize,
) {
    if changes.is_empty() {
        return;
    }
    page.line(&page.paint.bold(title));
    for (verdict, before) in changes.iter().take(limit) {
        let severity = phrases::severity(page.words, verdict.severity);
        let painted = page.paint.severity(verdict.severity, severity);
        let title = clean(page.report.catalog.title(&verdict.control, page.report.lang));
        let account = page.report.scan.account_name(&verdict.account);
        let mut line = format!(
            "  {mark} {painted}  {title}  {}  ({account} {})",
            page.paint.bold(&resource_name(verdict)),
            clean(&verdict.region)
        );
        if let Some(before) = before {
            line.push_str("  ");
            line.push_str(&phrases::from_to(page.words, before, verdict));
        }
        page.line(&line);
    }
    if changes.len() > limit {
        let more = grouped((changes.len() - limit) as u64);
        let more = page.words.fill("report.more", &[("n", &more)]);
        page.line(&format!("  {more}"));
    }
}
