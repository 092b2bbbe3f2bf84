//! The report as sentences, one fact a line, for a screen reader or a log.
//! Columns and colors are in `table.rs`.

use yagura_model::Verdict;

use super::table::{accounts, checklist_summary, percent, rest};
use super::{REASONS_MAX, RESOURCES_MAX};
use crate::clean::{clean, clean_lines};
use crate::phrases;
use crate::scan_report::{ScanReport, resource_name};
use crate::summary::{Problem, Summary};
use crate::words::{Words, grouped, words};

pub(super) fn write(report: &ScanReport<'_>, limit: usize) -> String {
    let words = words(report.lang);
    let summary = Summary::of(report);
    let mut lines = Vec::new();
    let started = phrases::minute(report.scan.started);
    lines.push(words.fill("report.scan.line", &[("started", &started)]));
    if report.scan.demo {
        lines.push(words.get("report.scan.demo").to_owned());
    }
    if report.scan.partial {
        lines.push(words.get("report.scan.partial").to_owned());
    }
    checklist(words, report, &mut lines);
    changes(words, report, limit, &mut lines);
    scores(words, report, &mut lines);
    if summary.problems.is_empty() {
        let key = match report.tally.counts.unknown {
            0 => "report.problem.none",
            _ => "report.problem.none_but_unknown",
        };
        lines.push(words.get(key).to_owned());
    }
    for (n, problem) in summary.problems.iter().take(limit).enumerate() {
        finding(words, report, n + 1, problem, &mut lines);
    }
    lines.extend(rest(words, summary.problems.len(), limit));
    for gap in summary.gaps.iter().take(limit) {
        lines.push(words.fill(
            "report.sentence.gap",
            &[
                ("reason", &phrases::gap_reason(words, gap)),
                ("subject", &clean(gap.subject())),
                ("behind", &phrases::gap_behind(words, gap)),
                ("remedy", &phrases::gap_remedy(words, gap)),
            ],
        ));
    }
    if summary.gaps.len() > limit {
        lines.push(words.fill("report.more", &[("n", &(summary.gaps.len() - limit))]));
    }
    for step in phrases::next_steps(words, report, &summary) {
        lines.push(words.fill("report.sentence.next", &[("step", &step)]));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn checklist(words: &Words, report: &ScanReport<'_>, lines: &mut Vec<String>) {
    let Some((framework, scores)) = phrases::checklist(report) else { return };
    if let Some(all) = report.scores.iter().find(|score| score.framework == framework.id) {
        lines.push(checklist_summary(words, &all.states));
    }
    for score in scores {
        let Some(item) = framework.requirement(&score.id) else { continue };
        let area = framework.groups.iter().find(|group| group.id == item.group);
        let area = area.map_or_else(Default::default, |area| clean(area.title.get(report.lang)));
        let title = clean(item.title.get(report.lang));
        let state = phrases::state(words, score.state);
        let mut why = vec![phrases::behind(words, score)];
        why.extend(phrases::why_unknown(words, score, REASONS_MAX));
        why.retain(|part| !part.is_empty());
        let why = why.join(words.get("report.and_list"));
        let key = match why.is_empty() {
            true => "report.sentence.checklist",
            false => "report.sentence.checklist_why",
        };
        lines.push(
            words.fill(key, &[("area", &area), ("item", &title), ("state", &state), ("why", &why)]),
        );
    }
}

fn scores(words: &Words, report: &ScanReport<'_>, lines: &mut Vec<String>) {
    for score in report.scores {
        let title = report.catalog.framework(&score.framework);
        let title = title.map_or(score.framework.as_str(), |entry| entry.title.get(report.lang));
        let states = &score.states;
        lines.push(words.fill(
            "report.sentence.framework",
            &[
                ("framework", &clean(title)),
                ("percent", &percent(words, states)),
                ("met", &states.met),
                ("partly", &states.partly),
                ("not_met", &states.not_met),
                ("unknown", &states.unknown),
            ],
        ));
    }
    for row in accounts(report) {
        let [critical, high, medium, low] = row.failures.map(grouped);
        lines.push(words.fill(
            "report.sentence.account",
            &[
                ("account", &row.title),
                ("critical", &critical),
                ("high", &high),
                ("medium", &medium),
                ("low", &low),
                ("unknown", &grouped(row.unknown)),
            ],
        ));
    }
}

fn finding(
    words: &Words,
    report: &ScanReport<'_>,
    n: usize,
    problem: &Problem<'_>,
    lines: &mut Vec<String>,
) {
    lines.push(words.fill(
        "report.sentence.problem",
        &[
            ("n", &n),
            ("severity", &phrases::severity(words, problem.severity)),
            ("title", &clean(report.catalog.title(problem.control, report.lang))),
            ("place", &phrases::place(words, problem)),
        ],
    ));
    for verdict in problem.verdicts.iter().take(RESOURCES_MAX) {
        lines.push(words.fill(
            "report.sentence.resource",
            &[
                ("n", &n),
                ("resource", &resource_name(verdict)),
                ("account", &report.scan.account_name(&verdict.account)),
                ("region", &clean(&verdict.region)),
            ],
        ));
    }
    let more = problem.verdicts.len().saturating_sub(RESOURCES_MAX);
    if more > 0 {
        let more = words.fill("report.more", &[("n", &grouped(more as u64))]);
        lines.push(words.fill("report.sentence.resource_more", &[("n", &n), ("more", &more)]));
    }
    if let Some(entry) = problem.entry {
        let cli = clean_lines(entry.fix.cli.trim());
        let steps: Vec<String> = match cli.is_empty() {
            true => entry.fix.console(report.lang).iter().map(|s| clean(s).into_owned()).collect(),
            false => cli.lines().map(str::to_owned).collect(),
        };
        for line in steps {
            lines.push(words.fill("report.sentence.fix", &[("n", &n), ("line", &line)]));
        }
    }
}

fn changes(words: &Words, report: &ScanReport<'_>, limit: usize, lines: &mut Vec<String>) {
    let Some(comparison) = report.comparison else { return };
    let started = phrases::minute(comparison.former_started);
    lines.push(words.fill("report.compare.since", &[("started", &started)]));
    lines.push(words.fill(
        "report.compare.summary",
        &[
            ("new", &comparison.new.len()),
            ("fixed", &comparison.fixed.len()),
            ("changed", &comparison.changed.len()),
        ],
    ));
    let changed: Vec<&Verdict> = comparison.changed.iter().map(|(_, now)| now).collect();
    for (key, verdicts) in [
        ("report.compare.new", comparison.new.iter().collect::<Vec<_>>()),
        ("report.compare.fixed", comparison.fixed.iter().collect()),
        ("report.compare.changed", changed),
    ] {
        for verdict in verdicts.iter().take(limit) {
            lines.push(words.fill(
                "report.sentence.change",
                &[
                    ("kind", &words.get(key)),
                    ("title", &clean(report.catalog.title(&verdict.control, report.lang))),
                    ("resource", &resource_name(verdict)),
                    ("account", &report.scan.account_name(&verdict.account)),
                    ("region", &clean(&verdict.region)),
                ],
            ));
        }
        if verdicts.len() > limit {
            lines.push(words.fill("report.more", &[("n", &(verdicts.len() - limit))]));
        }
    }
}
