//! One finding in full: what and where, how urgent and why, why it matters, what shows it, what to
//! do, and everything that happened to it.
//! Many findings at once are `table.rs`.

use serde_json::Value;
use yagura_model::Lang;
use yagura_model::finding::{Finding, FindingKind, HistoryEntry, MarkKind};

use super::{Advice, facts, table};
use crate::clean::{clean, clean_lines, shortened};
use crate::layout::{pad, pad_left, width, wrap};
use crate::phrases;
use crate::terminal::{Sheet, TerminalOptions};
use crate::words::{Words, words};

/// Characters of one value that is shown as evidence.
const VALUE_CHARS_MAX: usize = 300;
/// Values that are shown of evidence whose form is another product's.
const VALUES_MAX: usize = 20;
/// Names that are shown of one kind of marks.
const MARKS_MAX: usize = 12;

struct Story<'a> {
    finding: &'a Finding,
    now_us: i64,
    words: &'static Words,
    lang: Lang,
    sheet: Sheet,
}

/// A finding in full, for a person at a terminal. `history` is the oldest first; `more` says that
/// it goes on.
pub fn finding_story(
    finding: &Finding,
    history: &[HistoryEntry],
    more: bool,
    advice: Option<&Advice<'_>>,
    (lang, now_us): (Lang, i64),
    options: &TerminalOptions,
) -> String {
    let words = words(lang);
    let mut story = Story { finding, now_us, words, lang, sheet: Sheet::new(words, options) };
    story.head();
    story.facts();
    story.rank();
    story.why(advice);
    story.evidence();
    story.what_to_do(advice);
    story.marks();
    story.history(history, more);
    story.further();
    story.sheet.text()
}

impl Story<'_> {
    fn head(&mut self) {
        let severity = self.finding.severity;
        let word = phrases::severity(self.words, severity);
        let title = facts::title(self.words, &self.finding.observation, self.lang);
        let word = self.sheet.paint.severity(severity, word);
        let title = self.sheet.paint.bold(&title);
        self.sheet.line(&format!("{word}  {title}"));
        self.sheet.line("");
    }

    fn facts(&mut self) {
        let finding = self.finding;
        let seen = &finding.observation;
        let words = self.words;
        let some = |text: Option<&str>| text.map(|text| clean(text).into_owned());
        let joined =
            |list: Vec<String>| (!list.is_empty()).then(|| list.join(words.get("report.and_list")));
        let labels = finding.labels.iter().map(|label| clean(label).into_owned()).collect();
        let tickets = finding.tickets.iter().map(|ticket| {
            let (system, key) = (clean(&ticket.system), clean(&ticket.key));
            format!("{system} {key} {}", clean(&ticket.url)).trim_end().to_owned()
        });
        let occurrences = (finding.occurrences > 1)
            .then(|| words.count("findings.count.occurrences", finding.occurrences));
        let content = match &seen.path {
            Some(path) => format!("{}  {}", clean(&seen.content), clean(path)),
            None => clean(&seen.content).into_owned(),
        };
        let rows = [
            ("findings.show.state", Some(self.state())),
            ("findings.show.resource", some(seen.resource_name.as_deref())),
            ("findings.show.key", some(Some(&seen.key))),
            ("findings.show.type", some(seen.resource_type.as_deref())),
            ("findings.show.account", Some(facts::account_and_region(words, seen))),
            ("findings.show.first_seen", Some(self.moment(finding.first_seen_us))),
            ("findings.show.last_seen", Some(self.moment(finding.last_seen_us))),
            ("findings.show.occurrences", occurrences),
            ("findings.show.assignee", some(finding.assignee.as_deref())),
            ("findings.show.due", self.due()),
            ("findings.show.labels", joined(labels)),
            ("findings.show.tickets", joined(tickets.collect())),
            ("findings.show.kind", Some(facts::kind(words, seen.kind).to_owned())),
            ("findings.show.content", Some(content)),
            ("findings.show.cause", Some(clean(&seen.cause).into_owned())),
            ("findings.show.id", Some(finding.id.clone())),
        ];
        self.sheet.facts(rows.map(|(key, value)| (key, Vec::from_iter(value))));
    }

    fn moment(&self, at_us: i64) -> String {
        format!("{} UTC", facts::minute(at_us))
    }

    fn state(&self) -> String {
        let state = facts::state(self.words, self.finding.state).to_owned();
        match &self.finding.suppression {
            Some(by) if self.finding.state == yagura_model::finding::FindingState::Suppressed => {
                self.words.fill(
                    "findings.show.suppressed",
                    &[
                        ("state", &state),
                        ("until", &self.moment(by.until_us)),
                        ("owner", &clean(&by.owner)),
                        ("reason", &clean(&by.reason)),
                    ],
                )
            }
            _ => state,
        }
    }

    fn due(&self) -> Option<String> {
        let due = self.moment(self.finding.due_us?);
        Some(match facts::is_overdue(self.finding, self.now_us) {
            true => self.words.fill("findings.show.overdue", &[("due", &due)]),
            false => due,
        })
    }

    fn rank(&mut self) {
        let rank = &self.finding.observation.rank;
        self.sheet.line("");
        let title = self.words.fill("findings.show.rank", &[("points", &rank.points)]);
        let title = self.sheet.paint.bold(&title);
        self.sheet.line(&title);
        let factors = rank.reasons.iter().map(|one| width(facts::factor(self.words, one.factor)));
        let columns = factors.max().unwrap_or(0);
        for reason in &rank.reasons {
            let points = pad_left(&table::signed(reason.points).to_string(), 5);
            let factor = pad(facts::factor(self.words, reason.factor), columns);
            let why = clean(reason.why.get(self.lang));
            self.sheet.line(&format!("  {points}  {factor}  {why}"));
        }
    }

    fn why(&mut self, advice: Option<&Advice<'_>>) {
        let why = match advice {
            Some(Advice::Control(entry)) => entry.why.get(self.lang),
            Some(Advice::Alert(entry)) => entry.description.get(self.lang),
            None => return,
        };
        self.sheet.prose("findings.show.why", why);
    }

    /// The values that decided: of a verdict its evidence, of an alert what matched, of another
    /// product's finding its own members.
    fn evidence(&mut self) {
        let seen = &self.finding.observation;
        let lines = match seen.kind {
            FindingKind::Control => pairs(seen.evidence.get("evidence")),
            FindingKind::Alert => matched(seen.evidence.get("matched")),
            FindingKind::Import | FindingKind::Spend => members(&seen.evidence),
        };
        if lines.is_empty() {
            return;
        }
        self.sheet.heading("findings.show.evidence");
        for line in lines {
            self.sheet.line(&format!("  {line}"));
        }
    }

    fn what_to_do(&mut self, advice: Option<&Advice<'_>>) {
        match advice {
            Some(Advice::Control(entry)) => {
                self.sheet.list("findings.show.what_to_do", entry.fix.console(self.lang), true);
                let cli = clean_lines(&entry.fix.cli);
                if !cli.trim().is_empty() {
                    self.sheet.line("");
                    cli.lines().for_each(|line| self.sheet.command(line));
                }
            }
            Some(Advice::Alert(entry)) => {
                self.sheet.list("findings.show.what_to_do", entry.respond(self.lang), true);
            }
            None => {}
        }
    }

    fn marks(&mut self) {
        let marks = &self.finding.observation.marks;
        if marks.is_empty() {
            return;
        }
        self.sheet.heading("findings.show.marks");
        for kind in MarkKind::ALL {
            let all: Vec<&str> =
                marks.iter().filter(|(one, _)| *one == kind).map(|(_, value)| &**value).collect();
            if all.is_empty() {
                continue;
            }
            let mut names: Vec<String> =
                all.iter().take(MARKS_MAX).map(|name| clean(name).into_owned()).collect();
            if all.len() > MARKS_MAX {
                let left = all.len() - MARKS_MAX;
                names.push(self.words.fill("report.more", &[("n", &left)]));
            }
            let label = facts::mark(self.words, kind);
            let text = names.join(self.words.get("report.and_list"));
            let colon = self.words.get("report.colon");
            self.sheet.paragraph(2, &format!("{label}{colon}{text}"));
        }
    }

    fn history(&mut self, history: &[HistoryEntry], more: bool) {
        if history.is_empty() {
            return;
        }
        self.sheet.heading("findings.show.history");
        for entry in history {
            let when = facts::minute(entry.at_us);
            let who = facts::actor(self.words, &entry.actor);
            let what = facts::change(self.words, &entry.change);
            let colon = self.words.get("report.colon");
            let text = format!("{who}{colon}{what}");
            let room = self.sheet.columns.saturating_sub(width(&when) + 4);
            let mut lines = wrap(&text, room).into_iter();
            let first = lines.next().unwrap_or_default();
            self.sheet.line(&format!("  {when}  {first}"));
            for line in lines {
                self.sheet.line(&format!("  {}  {line}", " ".repeat(width(&when))));
            }
        }
        if more {
            let id = facts::short_id(&self.finding.id);
            let text = self.words.fill("findings.show.history_more", &[("id", &id)]);
            self.sheet.line(&format!("  {text}"));
        }
    }

    /// What to type next.
    fn further(&mut self) {
        let seen = &self.finding.observation;
        let id = facts::short_id(&self.finding.id);
        let mut commands = Vec::new();
        if self.finding.state.is_open() {
            commands.push(format!("yagura findings start {id}"));
            commands.push(format!("yagura findings suppress {id} --until DAY --reason TEXT"));
        }
        let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./:@+=,".contains(c);
        if seen.kind == FindingKind::Alert
            && let Some(alert) = seen.evidence.get("id").and_then(Value::as_str)
            && alert.chars().all(harmless)
        {
            let short = alert.get(..facts::ID_DIGITS).unwrap_or(alert);
            commands.push(format!("yagura alerts show {short}"));
        }
        if seen.kind == FindingKind::Control && seen.key.chars().all(harmless) {
            commands.push(format!("yagura resources history {}", seen.key));
        }
        if commands.is_empty() {
            return;
        }
        self.sheet.heading("findings.show.further");
        commands.iter().for_each(|command| self.sheet.command(command));
    }
}

/// A list of paths and values, as verdicts have it.
fn pairs(evidence: Option<&Value>) -> Vec<String> {
    let list = evidence.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let pair = |one: &Value| Some((one.get(0)?.as_str()?.to_owned(), one.get(1)?.clone()));
    list.iter().filter_map(pair).map(|(path, value)| assigned(&path, &value)).collect()
}

fn matched(matched: Option<&Value>) -> Vec<String> {
    let list = matched.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let one = |one: &Value| Some(assigned(one.get("field")?.as_str()?, one.get("value")?));
    list.iter().filter_map(one).collect()
}

/// The plain members of another product's finding.
fn members(evidence: &Value) -> Vec<String> {
    let Some(map) = evidence.as_object() else { return Vec::new() };
    let plain = map.iter().filter(|(_, value)| !value.is_object() && !value.is_array());
    plain.take(VALUES_MAX).map(|(name, value)| assigned(name, value)).collect()
}

fn assigned(path: &str, value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!("{} = {}", clean(path), shortened(&clean(&text), VALUE_CHARS_MAX))
}
