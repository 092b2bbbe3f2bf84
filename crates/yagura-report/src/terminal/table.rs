//! The report in columns, for eyes.
//! The same for a screen reader is in `plain.rs`; phrases are in `phrases.rs`.

use yagura_model::{FrameworkScore, RequirementScore, RequirementState, Severity, StateCounts};

use super::paint::{Paint, mark};
use super::{REASONS_MAX, RESOURCES_MAX, TerminalOptions, changes};
use crate::clean::{clean, clean_lines};
use crate::layout::{cut, pad, pad_left, width, wrap};
use crate::phrases;
use crate::scan_report::{ScanReport, resource_name};
use crate::summary::{Problem, Summary};
use crate::words::{Words, grouped, words};

/// Columns below which a report is not squeezed any further.
const COLUMNS_MIN: usize = 40;

/// Columns that the first column of a table keeps even where the line then does not fit: a name
/// must stay recognizable.
const FIRST_COLUMN_MIN: usize = 24;

/// Columns below which evidence says too little to be shown.
const EVIDENCE_COLUMNS_MIN: usize = 20;

/// Lines that are written one after another, with what every part of the report needs.
pub(super) struct Page<'a> {
    pub(super) report: &'a ScanReport<'a>,
    pub(super) words: &'static Words,
    pub(super) paint: Paint,
    pub(super) columns: usize,
    text: String,
}

pub(super) fn write(report: &ScanReport<'_>, options: &TerminalOptions) -> String {
    let summary = Summary::of(report);
    let mut page = Page {
        report,
        words: words(report.lang),
        paint: Paint(options.color),
        columns: options.width.max(COLUMNS_MIN),
        text: String::new(),
    };
    page.head();
    page.checklist();
    changes::write(&mut page, options.limit);
    page.frameworks();
    page.accounts();
    page.problems(&summary, options.limit);
    page.gaps(&summary, options.limit);
    page.next(&summary);
    page.text
}

impl Page<'_> {
    pub(super) fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    pub(super) fn heading(&mut self, key: &str) {
        let title = self.words.get(key);
        self.line("");
        let painted = self.paint.bold(title);
        self.line(&painted);
        self.line(&self.paint.dim(&"-".repeat(width(title))));
    }

    /// A paragraph below an indentation; the first line may begin with a label.
    pub(super) fn paragraph(&mut self, indent: usize, text: &str) {
        for line in wrap(text, self.columns.saturating_sub(indent)) {
            self.line(&format!("{}{line}", " ".repeat(indent)));
        }
    }

    fn head(&mut self) {
        let scan = &self.report.scan;
        let started = phrases::minute(scan.started);
        let title = if scan.id.is_empty() {
            self.words.fill("report.scan.line", &[("started", &started)])
        } else {
            let id = clean(&scan.id);
            self.words.fill("report.scan.with_id", &[("id", &id), ("started", &started)])
        };
        let mut facts = vec![
            self.words.count("report.count.accounts", scan.accounts.len() as u64),
            self.words.count("report.count.regions", scan.regions.len() as u64),
            self.words.count("report.count.resources", scan.resources),
        ];
        if scan.calls > 0 {
            facts.push(self.words.count("report.count.calls", scan.calls));
        }
        facts.push(
            self.words.count("report.count.seconds", u64::try_from(scan.seconds()).unwrap_or(0)),
        );
        let title = self.paint.bold(&format!("Yagura  {title}"));
        self.line(&title);
        let facts = facts.join(self.words.get("report.and_list"));
        self.paragraph(0, &facts);
        if scan.demo {
            self.paragraph(0, self.words.get("report.scan.demo"));
        }
        if scan.partial {
            self.paragraph(0, self.words.get("report.scan.partial"));
        }
    }

    fn checklist(&mut self) {
        let Some((framework, scores)) = phrases::checklist(self.report) else { return };
        self.heading("report.heading.checklist");
        let titles = framework.requirements.iter();
        let titles = titles.map(|requirement| width(requirement.title.get(self.report.lang)));
        let title_columns = titles.max().unwrap_or(0).min(self.columns / 2);
        for group in &framework.groups {
            let title = clean(group.title.get(self.report.lang));
            self.line(&self.paint.bold(&title));
            let members = framework.requirements.iter().filter(|item| item.group == group.id);
            for (n, requirement) in members.enumerate() {
                let Some(score) = scores.iter().find(|score| score.id == requirement.id) else {
                    continue;
                };
                let title = clean(requirement.title.get(self.report.lang));
                self.item(n + 1, &title, title_columns, score);
            }
        }
        self.line("");
        let states = self.report.scores.iter().find(|score| score.framework == framework.id);
        let states = states.map(|score| score.states).unwrap_or_default();
        self.paragraph(0, &checklist_summary(self.words, &states));
    }

    fn item(&mut self, n: usize, title: &str, columns: usize, score: &RequirementScore) {
        let states = state_columns(self.words);
        let word = pad(phrases::state(self.words, score.state), states);
        let word = self.paint.state(score.state, &format!("{} {word}", mark(score.state)));
        let behind = phrases::behind(self.words, score);
        let indent = 2 + 2 + states + 2 + 2;
        let line = format!("  {word}  {n} {}", pad(&cut(title, columns), columns));
        if indent + columns + 2 + width(&behind) <= self.columns {
            self.line(&format!("{line}  {behind}"));
        } else {
            self.line(&line);
            self.paragraph(indent, &behind);
        }
        for why in phrases::why_unknown(self.words, score, REASONS_MAX) {
            self.paragraph(indent, &why);
        }
    }

    fn frameworks(&mut self) {
        if self.report.scores.is_empty() {
            return;
        }
        self.heading("report.heading.scores");
        let rows: Vec<_> =
            self.report.scores.iter().map(|score| self.framework_row(score)).collect();
        let heads = [
            self.words.get("report.score.framework"),
            self.words.get("report.score.met_percent"),
            self.words.get("report.score.requirements"),
            self.words.get("report.score.manual"),
        ];
        self.rows(&heads, &rows);
    }

    fn framework_row(&self, score: &FrameworkScore) -> Vec<String> {
        let title = self.report.catalog.framework(&score.framework).map_or_else(
            || clean(&score.framework).into_owned(),
            |entry| {
                let title = clean(entry.title.get(self.report.lang));
                if entry.version.is_empty() || title.contains(&entry.version) {
                    title.into_owned()
                } else {
                    format!("{title} {}", clean(&entry.version))
                }
            },
        );
        let states = &score.states;
        vec![
            title,
            percent(self.words, states),
            format!(
                "{} / {} / {} / {}",
                grouped(states.met),
                grouped(states.partly),
                grouped(states.not_met),
                grouped(states.unknown)
            ),
            grouped(states.manual),
        ]
    }

    fn accounts(&mut self) {
        if self.report.tally.accounts.is_empty() {
            return;
        }
        self.heading("report.heading.accounts");
        let rows: Vec<_> = accounts(self.report)
            .into_iter()
            .map(|row| {
                let [critical, high, medium, low] = row.failures.map(grouped);
                let mut cells = vec![
                    row.title,
                    row.met.map_or_else(
                        || self.words.get("report.dash").to_owned(),
                        |percent| format!("{percent}%"),
                    ),
                    format!("{critical} / {high} / {medium} / {low}"),
                ];
                cells.push(grouped(row.unknown));
                cells
            })
            .collect();
        let heads = [
            self.words.get("report.score.account"),
            self.words.get("report.score.met_percent"),
            self.words.get("report.score.failures"),
            self.words.get("report.state.unknown"),
        ];
        self.rows(&heads, &rows);
    }

    /// Columns as wide as their widest cell; the first is cut where the line would not fit, the
    /// others are figures and stand to the right.
    fn rows(&mut self, heads: &[&str], rows: &[Vec<String>]) {
        let mut columns: Vec<usize> = heads.iter().map(|head| width(head)).collect();
        for row in rows {
            for (column, cell) in columns.iter_mut().zip(row) {
                *column = (*column).max(width(cell));
            }
        }
        let others: usize = columns.iter().skip(1).map(|column| column + 2).sum();
        if let Some(first) = columns.first_mut() {
            *first = (*first).min(self.columns.saturating_sub(others + 2).max(FIRST_COLUMN_MIN));
        }
        let draw = |cells: &[&str]| {
            let mut line = String::from("  ");
            for (at, (cell, column)) in cells.iter().zip(&columns).enumerate() {
                if at == 0 {
                    line.push_str(&pad(&cut(cell, *column), *column));
                } else {
                    line.push_str("  ");
                    line.push_str(&pad_left(cell, *column));
                }
            }
            line
        };
        let head = self.paint.dim(&draw(heads));
        self.line(&head);
        for row in rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            self.line(&draw(&cells));
        }
    }

    fn problems(&mut self, summary: &Summary<'_>, limit: usize) {
        self.heading("report.heading.problems");
        if summary.problems.is_empty() {
            let key = match self.report.tally.counts.unknown {
                0 => "report.problem.none",
                _ => "report.problem.none_but_unknown",
            };
            self.paragraph(0, self.words.get(key));
        }
        for (n, problem) in summary.problems.iter().take(limit).enumerate() {
            if n > 0 {
                self.line("");
            }
            self.problem(n + 1, problem);
        }
        if let Some(rest) = rest(self.words, summary.problems.len(), limit) {
            self.line("");
            self.paragraph(0, &rest);
        }
    }

    fn problem(&mut self, n: usize, problem: &Problem<'_>) {
        let lang = self.report.lang;
        let word = phrases::severity(self.words, problem.severity);
        let title = clean(self.report.catalog.title(problem.control, lang)).into_owned();
        let label = format!("{n}. {word}  ");
        let indent = width(&label);
        for (at, line) in
            wrap(&title, self.columns - indent.min(self.columns / 2)).iter().enumerate()
        {
            if at == 0 {
                let word = self.paint.severity(problem.severity, word);
                let title = self.paint.bold(line);
                self.line(&format!("{n}. {word}  {title}"));
            } else {
                self.line(&format!("{}{}", " ".repeat(indent), self.paint.bold(line)));
            }
        }
        let place = phrases::place(self.words, problem);
        self.line(&format!("   {place}  {}", self.paint.dim(&clean(problem.control))));
        if let Some(entry) = problem.entry {
            self.paragraph(3, &clean(entry.why.get(lang)));
        }
        self.resources(problem);
        self.fix(problem);
    }

    fn resources(&mut self, problem: &Problem<'_>) {
        for verdict in problem.verdicts.iter().take(RESOURCES_MAX) {
            let account = self.report.scan.account_name(&verdict.account);
            let place = format!("{account} {}", clean(&verdict.region));
            let name = resource_name(verdict);
            let line = format!("   - {name}  ({place})  ");
            // Evidence takes what is left of the line; the name is never cut.
            let left = self.columns.saturating_sub(width(&line));
            let evidence = match left {
                0..EVIDENCE_COLUMNS_MIN => String::new(),
                left => cut(&phrases::evidence(verdict, left), left),
            };
            self.line(&format!("{line}{}", self.paint.dim(&evidence)));
        }
        let more = problem.verdicts.len().saturating_sub(RESOURCES_MAX);
        if more > 0 {
            let more = self.words.fill("report.more", &[("n", &grouped(more as u64))]);
            self.line(&format!("   - {more}"));
        }
    }

    fn fix(&mut self, problem: &Problem<'_>) {
        let Some(entry) = problem.entry else { return };
        if entry.fix.cli.trim().is_empty() {
            let label = self.words.get("report.problem.console");
            self.line(&format!("   {label}{}", self.words.get("report.colon")));
            for (at, step) in entry.fix.console(self.report.lang).iter().enumerate() {
                self.paragraph(5, &format!("{}. {}", at + 1, clean(step)));
            }
        } else {
            let label = self.words.get("report.problem.fix");
            self.line(&format!("   {label}{}", self.words.get("report.colon")));
            for line in clean_lines(entry.fix.cli.trim()).lines() {
                self.line(&format!("     {}", self.paint.command(line)));
            }
        }
        let show = self.words.fill("report.problem.show", &[("control", &clean(problem.control))]);
        self.line(&format!("   {}", self.paint.dim(&show)));
    }

    fn gaps(&mut self, summary: &Summary<'_>, limit: usize) {
        if summary.gaps.is_empty() {
            return;
        }
        self.heading("report.heading.gaps");
        self.paragraph(0, self.words.get("report.gap.intro"));
        for gap in summary.gaps.iter().take(limit) {
            let reason = phrases::gap_reason(self.words, gap);
            let reason = self.paint.state(RequirementState::Unknown, &format!("? {reason}"));
            let behind = phrases::gap_behind(self.words, gap);
            let colon = self.words.get("report.colon");
            let bare =
                format!("  ? {}{colon}{}", phrases::gap_reason(self.words, gap), gap.subject());
            let subject = self.paint.bold(&clean(gap.subject()));
            if width(&bare) + 2 + width(&behind) <= self.columns {
                self.line(&format!("  {reason}{colon}{subject}  {behind}"));
            } else {
                self.line(&format!("  {reason}{colon}{subject}"));
                self.paragraph(4, &behind);
            }
            self.paragraph(4, &phrases::gap_remedy(self.words, gap));
        }
        if summary.gaps.len() > limit {
            let more = summary.gaps.len() - limit;
            let more = self.words.fill("report.more", &[("n", &more)]);
            self.line(&format!("  {more}"));
        }
    }

    fn next(&mut self, summary: &Summary<'_>) {
        self.heading("report.heading.next");
        let mut steps = phrases::next_steps(self.words, self.report, summary);
        steps.push(self.words.get("report.next.share").to_owned());
        for (n, step) in steps.iter().enumerate() {
            let columns = self.columns.saturating_sub(5);
            for (at, line) in wrap(step, columns).iter().enumerate() {
                let label = if at == 0 { format!("{}.", n + 1) } else { String::new() };
                self.line(&format!("  {} {line}", pad(&label, 2)));
            }
        }
    }
}

/// One account's figures.
pub(super) struct AccountRow {
    pub(super) title: String,
    pub(super) met: Option<u64>,
    /// Critical, high, medium, low.
    pub(super) failures: [u64; 4],
    pub(super) unknown: u64,
}

/// Every account with its figures, most critical failures first. The percentage is that of the
/// first framework shown (the checklist).
pub(super) fn accounts(report: &ScanReport<'_>) -> Vec<AccountRow> {
    let first = report.scores.first();
    let mut rows: Vec<_> = report
        .tally
        .accounts
        .iter()
        .map(|(id, tally)| {
            let name = report.scan.account_name(id);
            let title =
                if *name == *id { name.into_owned() } else { format!("{name} ({})", clean(id)) };
            let score = first.and_then(|score| score.accounts.iter().find(|a| a.account == *id));
            let failures = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low]
                .map(|severity| tally.failures.get(&severity).copied().unwrap_or(0));
            AccountRow {
                title,
                met: score.and_then(|score| score.states.percent_met()),
                failures,
                unknown: tally.counts.unknown,
            }
        })
        .collect();
    rows.sort_by(|a, b| b.failures.cmp(&a.failures).then_with(|| a.title.cmp(&b.title)));
    rows
}

pub(super) fn checklist_summary(words: &Words, states: &StateCounts) -> String {
    let all = states.met + states.partly + states.not_met + states.unknown + states.not_applicable;
    words.fill(
        "report.checklist.summary",
        &[
            ("met", &states.met),
            ("partly", &states.partly),
            ("not_met", &states.not_met),
            ("unknown", &states.unknown),
            ("all", &all),
        ],
    )
}

pub(super) fn percent(words: &Words, states: &StateCounts) -> String {
    states.percent_met().map_or_else(
        || words.get("report.score.nothing").to_owned(),
        |percent| format!("{percent}%"),
    )
}

/// What is said where more controls have failures than are shown.
pub(super) fn rest(words: &Words, all: usize, limit: usize) -> Option<String> {
    match all.saturating_sub(limit) {
        0 => None,
        1 => Some(words.get("report.problem.rest_one").to_owned()),
        n => Some(words.fill("report.problem.rest", &[("n", &n)])),
    }
}

fn state_columns(words: &Words) -> usize {
    [
        RequirementState::Met,
        RequirementState::Partly,
        RequirementState::NotMet,
        RequirementState::Unknown,
        RequirementState::NotApplicable,
    ]
    .into_iter()
    .map(|state| width(phrases::state(words, state)))
    .max()
    .unwrap_or(0)
}
