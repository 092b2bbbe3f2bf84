//! One alert in full: what happened, who, where and when, why it matters, what matched, when it is
//! harmless, what to do, and how to look further.
//! Many alerts at once are `table.rs` and `timeline.rs`.

use yagura_model::Lang;
use yagura_model::alert::{Alert, EntityKind, Several, Witness};

use super::{AlertEntry, facts};
use crate::clean::clean;
use crate::phrases;
use crate::terminal::{Sheet, TerminalOptions};
use crate::words::{Words, words};

/// Time before and after an alert that is worth a look, in microseconds: an hour.
const AROUND_US: i64 = 3_600_000_000;

struct Story<'a> {
    alert: &'a Alert,
    words: &'static Words,
    lang: Lang,
    sheet: Sheet,
}

/// The story of an alert, for a person at a terminal.
pub fn story(
    alert: &Alert,
    entry: Option<&AlertEntry>,
    lang: Lang,
    options: &TerminalOptions,
) -> String {
    let words = words(lang);
    let mut story = Story { alert, words, lang, sheet: Sheet::new(words, options) };
    story.head();
    story.facts();
    if let Some(entry) = entry {
        story.sheet.prose("alerts.story.why", entry.description.get(lang));
    }
    story.contrast();
    story.matched();
    story.steps();
    if let Some(entry) = entry {
        story.sheet.list("alerts.story.harmless", entry.falsepositives(lang), false);
        story.sheet.list("alerts.story.respond", entry.respond(lang), true);
    }
    story.records();
    story.further();
    if let Some(entry) = entry {
        story.sheet.list("alerts.story.references", &entry.links(), false);
    }
    story.sheet.text()
}

impl Story<'_> {
    fn head(&mut self) {
        let word = phrases::severity(self.words, self.alert.severity);
        let title = clean(self.alert.title.get(self.lang));
        let head = format!(
            "{}  {}",
            self.sheet.paint.severity(self.alert.severity, word),
            self.sheet.paint.bold(&title)
        );
        self.sheet.line(&head);
        for text in facts::severity_reasons(self.alert, self.lang) {
            self.sheet.paragraph(0, &text);
        }
        for mark in facts::marks(self.words, self.alert) {
            self.sheet.paragraph(0, &mark);
        }
        self.sheet.line("");
    }

    fn facts(&mut self) {
        let alert = self.alert;
        let span = if alert.first_us == alert.last_us {
            format!("{} UTC", facts::second(alert.first_us))
        } else {
            let (first, last) = (facts::second(alert.first_us), facts::second(alert.last_us));
            self.words.fill("alerts.story.span", &[("first", &first), ("last", &last)])
        };
        let events = self.words.count("alerts.count.records", alert.count().0);
        let events = if alert.count().1 { events } else { format!("≥ {events}") };
        let attack = facts::tactics(alert)
            .iter()
            .map(|tactic| format!("{} ({})", tactic.name, tactic.uid))
            .chain(facts::techniques(alert))
            .collect::<Vec<_>>();
        let rule = format!("{}  {}", clean(&alert.content), clean(&alert.path));
        let agents = self.some_of(|witness| witness.user_agent.as_deref());
        let actions = self.some_of(|witness| witness.action.as_deref());
        let rows = [
            ("alerts.story.about", self.about()),
            ("alerts.story.when", vec![span]),
            ("alerts.story.events", vec![events]),
            ("alerts.story.who", self.names(&alert.actors)),
            ("alerts.story.did", actions),
            ("alerts.story.resources", self.names(&alert.resources)),
            ("alerts.story.accounts", self.names(&alert.accounts)),
            ("alerts.story.regions", self.names(&alert.regions)),
            ("alerts.story.from", self.names(&alert.addresses)),
            ("alerts.story.agent", agents),
            ("alerts.story.attack", attack),
            ("alerts.story.kind", vec![facts::kind(self.words, alert.kind).to_owned()]),
            ("alerts.story.rule", vec![rule]),
            ("alerts.story.id", vec![alert.id.clone()]),
        ];
        self.sheet.facts(rows);
    }

    fn about(&self) -> Vec<String> {
        let entity = &self.alert.entity;
        // Who did it and where is said below.
        if entity.id.is_empty() || matches!(entity.kind, EntityKind::Actor) {
            return Vec::new();
        }
        vec![clean(&entity.id).into_owned()]
    }

    fn names(&self, set: &Several) -> Vec<String> {
        let mut names: Vec<String> = set.names().map(|name| clean(name).into_owned()).collect();
        if set.more() > 0 {
            names.push(self.words.fill("report.more", &[("n", &set.more())]));
        }
        names
    }

    /// Distinct values of the records that are kept.
    fn some_of(&self, field: fn(&Witness) -> Option<&str>) -> Vec<String> {
        let mut values: Vec<String> = Vec::new();
        for value in self.alert.witnesses.iter().filter_map(field) {
            let value = clean(value).into_owned();
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    }

    fn contrast(&mut self) {
        let Some(contrast) = &self.alert.contrast else { return };
        self.sheet.prose("alerts.story.normal", contrast.normal.get(self.lang));
        self.sheet.prose("alerts.story.seen", contrast.seen.get(self.lang));
    }

    fn matched(&mut self) {
        if self.alert.matched.is_empty() {
            return;
        }
        self.sheet.heading("alerts.story.matched");
        for one in &self.alert.matched {
            let value = match &one.value {
                Some(value) => clean(value).into_owned(),
                None => self.words.get("alerts.story.absent").to_owned(),
            };
            let (selection, field) = (clean(&one.selection), clean(&one.field));
            self.sheet.line(&format!("  {selection}: {field} = {value}"));
        }
    }

    fn steps(&mut self) {
        if self.alert.story.is_empty() {
            return;
        }
        self.sheet.heading("alerts.story.story");
        for (at, step) in self.alert.story.iter().enumerate() {
            let line = super::table::step_line(step, self.lang);
            self.sheet.line(&format!("  {}. {line}", super::table::number(at + 1)));
        }
    }

    fn records(&mut self) {
        if self.alert.witnesses.is_empty() {
            return;
        }
        self.sheet.heading("alerts.story.records");
        for witness in &self.alert.witnesses {
            let (source, id) = (clean(&witness.source), clean(witness.event_id()));
            let action = witness.action.as_deref().map(clean).unwrap_or_default();
            let time = facts::second(witness.time_us);
            self.sheet.line(&format!("  {time}  {source}  {id}  {action}"));
        }
        let left = self.alert.count().0.saturating_sub(self.alert.witnesses.len() as u64);
        if left > 0 {
            let text = self.words.count("alerts.records_more", left);
            self.sheet.line(&format!("  {text}"));
        }
    }

    fn further(&mut self) {
        let Some(command) = query(self.alert) else { return };
        self.sheet.heading("alerts.story.further");
        self.sheet.command(&command);
    }
}

/// The question that shows what else the same entity did around that time. None where a name from
/// the log could mean something else to a shell or to a terminal.
pub(super) fn query(alert: &Alert) -> Option<String> {
    let source = &alert.witnesses.first()?.source;
    let (column, value) = match alert.entity.kind {
        EntityKind::Actor => ("actor", &alert.entity.id),
        EntityKind::Resource | EntityKind::Instance => ("resource", &alert.entity.id),
        EntityKind::Account => ("account", &alert.entity.id),
        EntityKind::Address => ("address", &alert.entity.id),
        EntityKind::Other => ("actor", alert.witnesses.first()?.actor.as_ref()?),
    };
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./:@+=,".contains(c);
    if value.is_empty() || !value.chars().all(harmless) {
        return None;
    }
    let (since, until) = (alert.first_us - AROUND_US, alert.last_us + AROUND_US);
    let whole = |us: i64| facts::instant(us.div_euclid(1_000_000) * 1_000_000);
    Some(format!(
        "yagura query \"SELECT time, action, outcome, address, region, resource FROM {source} \
         WHERE {column} = '{value}' ORDER BY time\" --since {} --until {}",
        whole(since),
        whole(until)
    ))
}
