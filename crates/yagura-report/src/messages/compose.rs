//! Composes a message: first what happened, then where, who and when, why it matters, what to do,
//! and a link. What does not fit is left out from the end, visibly.
//! Words are in `wording.rs`; escaping is in `dialect.rs`.

use yagura_model::finding::FindingKind;
use yagura_model::message::{MessageKind, TextDialect};
use yagura_model::{Lang, Severity};

use super::wording::{account, color, happened, sentence, severities, span, time};
use super::{
    Fact, Link, Manner, Message, Notice, NoticeChange, NoticeItem, NoticeTally, Told, dialect,
};
use crate::clean::{clean, shortened};
use crate::phrases;
use crate::words::{Words, grouped, words};

/// Characters of a title, of a value, of a paragraph and of a step.
const TITLE_CHARS_MAX: usize = 200;
const VALUE_CHARS_MAX: usize = 300;
const PARAGRAPH_CHARS_MAX: usize = 700;
const STEP_CHARS_MAX: usize = 300;
/// Characters of a mail's subject; longer ones are cut by what shows them.
const SUBJECT_CHARS_MAX: usize = 150;
const STEPS_MAX: usize = 8;
/// Findings named in a message about many.
const ITEMS_MAX: usize = 20;
/// Actors and addresses named.
const NAMES_MAX: usize = 3;

/// Composes a message.
pub fn compose(notice: &Notice, manner: &Manner) -> Message {
    let words = words(manner.lang);
    let writer = Writer { words, manner, dialect: manner.dialect };
    let plain = Writer { dialect: TextDialect::Plain, ..writer };
    let severity = worst(notice);
    let subject = shortened(&plain.title(notice), SUBJECT_CHARS_MAX).into_owned();
    let mut message = Message {
        id: notice.id.clone(),
        kind: notice.kind.as_str(),
        lang: manner.lang.code(),
        subject,
        title: writer.title(notice),
        severity: severity.map(Severity::as_str),
        severity_label: severity.map_or("", |one| phrases::severity(words, one)).to_owned(),
        color: color(severity),
        headline: writer.headline(notice),
        facts: writer.facts(notice),
        why: writer.why(notice),
        steps: writer.steps(notice),
        items: notice.items.iter().take(ITEMS_MAX).map(|item| writer.item(item)).collect(),
        more: writer.more(notice),
        link: writer.link(notice),
        body: String::new(),
        text: String::new(),
    };
    let end = dialect::line_end(manner.dialect);
    let title = dialect::strong(manner.dialect, &message.title);
    let room = manner.text_chars_max.saturating_sub(title.chars().count() + end.len());
    message.body = writer.body(&message, room);
    message.text = format!("{title}{end}{}", message.body);
    message
}

/// How bad the worst of it is.
fn worst(notice: &Notice) -> Option<Severity> {
    let counted = notice.tally.iter().flat_map(|tally| {
        let counts = Severity::ALL.into_iter().zip(tally.severities);
        counts.filter(|(_, count)| *count > 0).map(|(severity, _)| severity)
    });
    let items = notice.items.iter().map(|item| item.told.severity);
    notice.told.iter().map(|told| told.severity).chain(items).chain(counted).max()
}

/// Writes the parts in one language and dialect.
#[derive(Clone, Copy)]
struct Writer<'a> {
    words: &'a Words,
    manner: &'a Manner,
    dialect: TextDialect,
}

impl Writer<'_> {
    fn foreign(&self, text: &str, chars_max: usize) -> String {
        dialect::text(self.dialect, text, chars_max)
    }

    /// Words of ours may hold what is markup too.
    fn ours(&self, text: &str) -> String {
        dialect::escaped(self.dialect, &clean(text))
    }

    fn title(&self, notice: &Notice) -> String {
        let total = notice.tally.as_ref().map_or(0, |tally| tally.total);
        let many = |key: &str| self.ours(&self.words.count(key, total));
        match (notice.kind, &notice.told) {
            (MessageKind::Digest, _) => many("messages.title.digest"),
            (MessageKind::Storm, _) => self.ours(self.words.get("messages.title.storm")),
            (MessageKind::StormSummary, _) => many("messages.title.storm_summary"),
            (_, None) => self.ours(self.words.get("messages.title.sample")),
            (kind, Some(told)) => {
                let change = notice.change.as_ref().map_or("", |change| change.word.as_str());
                let change = match kind {
                    MessageKind::Sample => self.words.get("messages.title.sample"),
                    _ => happened(self.words, change),
                };
                let severity = phrases::severity(self.words, told.severity);
                let values: [(&str, &dyn std::fmt::Display); 3] = [
                    ("severity", &self.ours(severity)),
                    ("change", &self.ours(change)),
                    ("title", &self.matter(told)),
                ];
                // The brackets and marks of the pattern are ours.
                self.words.fill("messages.title.finding", &values)
            }
        }
    }

    /// What is the matter. A control's title says what should be so, hence the word before it.
    fn matter(&self, told: &Told) -> String {
        let title = self.foreign(told.title.get(self.manner.lang), TITLE_CHARS_MAX);
        match told.kind == FindingKind::Control.as_str() {
            true => self.words.fill("findings.not_met", &[("title", &title)]),
            false => title,
        }
    }

    fn headline(&self, notice: &Notice) -> String {
        let text = match (notice.kind, &notice.tally, &notice.change) {
            (MessageKind::Storm, Some(tally), _) => self.storm(tally),
            (MessageKind::StormSummary, Some(tally), _) => {
                let severities = severities(self.words, &tally.severities);
                self.words.fill("messages.headline.storm_summary", &[("severities", &severities)])
            }
            (MessageKind::Digest, Some(tally), _) => severities(self.words, &tally.severities),
            (MessageKind::Sample, ..) => self.words.get("messages.headline.sample").to_owned(),
            (_, _, Some(change)) => sentence(self.words, change),
            _ => String::new(),
        };
        self.ours(&text)
    }

    fn storm(&self, tally: &NoticeTally) -> String {
        let until = tally.until_us.map_or_else(String::new, |at| time(at, &self.manner.zone));
        self.words.fill(
            "messages.headline.storm",
            &[
                ("limit", &grouped(tally.limit)),
                ("span", &span(self.words, tally.limit_seconds)),
                ("n", &grouped(tally.total)),
                ("severities", &severities(self.words, &tally.severities)),
                ("until", &until),
            ],
        )
    }

    fn facts(&self, notice: &Notice) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut add = |key: &str, value: String| {
            if !value.is_empty() {
                facts.push(Fact { label: self.ours(self.words.get(key)), value });
            }
        };
        if let Some(told) = &notice.told {
            let value = |text: &str| self.foreign(text, VALUE_CHARS_MAX);
            add("messages.fact.what", value(&told.content));
            add("messages.fact.resource", value(&self.resource(told)));
            add("messages.fact.account", value(&account(told)));
            add("messages.fact.region", value(&told.region));
            add("messages.fact.who", self.names(&told.actors));
            add("messages.fact.from", self.names(&told.addresses));
            add("messages.fact.first", self.ours(&time(told.first_us, &self.manner.zone)));
            add("messages.fact.last", self.ours(&time(told.last_us, &self.manner.zone)));
            if told.occurrences > 1 {
                add("messages.fact.times", grouped(told.occurrences));
            }
            add("messages.fact.assignee", value(told.assignee.as_deref().unwrap_or_default()));
            let due = told.due_us.map_or_else(String::new, |at| time(at, &self.manner.zone));
            add("messages.fact.due", self.ours(&due));
        }
        if let Some(change) = &notice.change {
            let value = |text: &Option<String>| {
                self.foreign(text.as_deref().unwrap_or_default(), PARAGRAPH_CHARS_MAX)
            };
            add("messages.fact.by", value(&change.by));
            add("messages.fact.said", value(&change.words));
        }
        for (cause, count) in notice.tally.iter().flat_map(|tally| &tally.causes) {
            let label = self.foreign(cause.get(self.manner.lang), VALUE_CHARS_MAX);
            facts.push(Fact { label, value: grouped(*count) });
        }
        facts
    }

    /// `main (AWS::CloudTrail::Trail), arn:…`.
    fn resource(&self, told: &Told) -> String {
        match (&told.resource_name, &told.resource_type) {
            (Some(name), Some(kind)) if *name != told.key => {
                format!("{name} ({kind}), {}", told.key)
            }
            (None, Some(kind)) => format!("{} ({kind})", told.key),
            _ => told.key.clone(),
        }
    }

    fn names(&self, names: &[String]) -> String {
        let shown: Vec<String> =
            names.iter().take(NAMES_MAX).map(|name| self.foreign(name, VALUE_CHARS_MAX)).collect();
        let comma = if self.manner.lang == Lang::Ja { "、" } else { ", " };
        let mut text = shown.join(comma);
        let left = names.len().saturating_sub(NAMES_MAX);
        if left > 0 {
            text.push(' ');
            text.push_str(&self.ours(&self.words.count("messages.more", left as u64)));
        }
        text
    }

    fn why(&self, notice: &Notice) -> String {
        let over = notice.change.as_ref().is_some_and(is_over);
        match &notice.why {
            Some(why) if !over => self.foreign(why.get(self.manner.lang), PARAGRAPH_CHARS_MAX),
            _ => String::new(),
        }
    }

    fn steps(&self, notice: &Notice) -> Vec<String> {
        if notice.change.as_ref().is_some_and(is_over) {
            return Vec::new();
        }
        let [en, ja] = &notice.steps;
        let steps = if self.manner.lang == Lang::Ja { ja } else { en };
        steps.iter().take(STEPS_MAX).map(|step| self.foreign(step, STEP_CHARS_MAX)).collect()
    }

    fn item(&self, item: &NoticeItem) -> String {
        let told = &item.told;
        let place = [told.resource_name.as_deref().unwrap_or(&told.key), &account(told)]
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(|part| self.foreign(part, VALUE_CHARS_MAX))
            .collect::<Vec<_>>()
            .join(", ");
        let title = self.matter(told);
        let severity = self.ours(phrases::severity(self.words, told.severity));
        let change = self.ours(happened(self.words, &item.change.word));
        let values: [(&str, &dyn std::fmt::Display); 4] =
            [("severity", &severity), ("change", &change), ("title", &title), ("place", &place)];
        self.words.fill("messages.item", &values)
    }

    fn more(&self, notice: &Notice) -> String {
        let shown = notice.items.len().min(ITEMS_MAX) as u64;
        let total = notice.tally.as_ref().map_or(shown, |tally| tally.total);
        match (notice.kind, total.saturating_sub(shown)) {
            (MessageKind::Digest, left) if left > 0 => {
                self.ours(&self.words.count("messages.more", left))
            }
            _ => String::new(),
        }
    }

    fn link(&self, notice: &Notice) -> Option<Link> {
        let console = notice.console_url.as_deref()?.trim_end_matches('/');
        let label = self.words.get("messages.open").to_owned();
        let url = match (&notice.told, notice.kind) {
            (Some(told), MessageKind::Finding) => format!("{console}/findings/{}", hex(&told.id)),
            _ => format!("{console}/findings"),
        };
        Some(Link { url, label })
    }

    /// The lines below the title, as far as there is room.
    fn body(&self, message: &Message, room: usize) -> String {
        let end = dialect::line_end(self.dialect);
        let link =
            message.link.as_ref().map(|link| dialect::link(self.dialect, &link.url, &link.label));
        let left = link.as_ref().map_or(0, |link| link.chars().count() + end.len());
        let cut = self.ours(self.words.get("messages.cut"));
        let mut body = String::new();
        let mut used = left + cut.chars().count() + end.len();
        for line in self.lines(message) {
            let length = line.chars().count() + end.len();
            if used + length > room {
                body.push_str(&cut);
                body.push_str(end);
                break;
            }
            used += length;
            body.push_str(&line);
            body.push_str(end);
        }
        if let Some(link) = link {
            body.push_str(&link);
        }
        body.trim_end().to_owned()
    }

    fn lines(&self, message: &Message) -> Vec<String> {
        let strong = |text: &str| dialect::strong(self.dialect, &self.ours(text));
        let mut lines = Vec::new();
        lines.extend(Some(message.headline.clone()).filter(|line| !line.is_empty()));
        for fact in &message.facts {
            lines.push(format!("{}: {}", dialect::strong(self.dialect, &fact.label), fact.value));
        }
        lines.extend(message.items.iter().map(|item| format!("- {item}")));
        lines.extend(Some(message.more.clone()).filter(|line| !line.is_empty()));
        if !message.why.is_empty() {
            let label = strong(self.words.get("messages.why"));
            lines.push(format!("{label}: {}", message.why));
        }
        if !message.steps.is_empty() {
            lines.push(format!("{}:", strong(self.words.get("messages.do"))));
            let steps = message.steps.iter().enumerate();
            lines.extend(steps.map(|(at, step)| format!("{}. {step}", at + 1)));
        }
        lines
    }
}

/// Whether nothing is left to do: then a message says neither why it mattered nor what to do.
fn is_over(change: &NoticeChange) -> bool {
    matches!(change.word.as_str(), "resolved" | "suppressed")
}

/// The hex digits of an id; nothing else may stand in an address.
fn hex(id: &str) -> String {
    id.chars().filter(char::is_ascii_hexdigit).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{notice, told};
    use super::*;
    use jiff::tz::TimeZone;
    use yagura_model::Prose;

    fn manner(lang: Lang, dialect: TextDialect) -> Manner {
        Manner { lang, dialect, text_chars_max: 3_000, zone: TimeZone::UTC }
    }

    #[test]
    fn a_message_says_what_where_who_when_why_and_what_to_do() {
        for (lang, wanted) in [
            (Lang::En, ["High", "New", "prod (111122223333)", "alice", "192.0.2.1", "Start it."]),
            (Lang::Ja, ["高", "新規", "prod (111122223333)", "alice", "192.0.2.1", "開始します。"]),
        ] {
            let message = compose(&notice("Logging stopped"), &manner(lang, TextDialect::Plain));
            for part in wanted.into_iter().chain([
                "Logging stopped",
                "ap-northeast-1",
                "2026-09-21",
                "https://yagura.example.com/findings/0123456789abcdef0123456789abcdef",
            ]) {
                assert!(message.text.contains(part), "{part}: {}", message.text);
            }
        }
    }

    #[test]
    fn the_title_of_a_control_is_told_as_what_is_not_met() {
        let mut notice = notice("S3 Block Public Access is on");
        if let Some(told) = &mut notice.told {
            told.kind = "control".into();
        }
        for (lang, wanted) in [
            (Lang::En, "[High] New: Not met: S3 Block Public Access is on"),
            (Lang::Ja, "［高］新規: 不適合: S3 Block Public Access is on"),
        ] {
            let message = compose(&notice, &manner(lang, TextDialect::Plain));
            assert_eq!((message.title.as_str(), message.subject.as_str()), (wanted, wanted));
        }
    }

    #[test]
    fn a_text_is_never_longer_than_its_channel_takes() {
        let mut long = notice(&"x".repeat(5_000));
        long.why = Some(Prose { en: "y".repeat(5_000), ja: "や".repeat(5_000) });
        long.steps = [vec!["z".repeat(5_000); 50], vec!["ず".repeat(5_000); 50]];
        for dialect in
            [TextDialect::Plain, TextDialect::Mrkdwn, TextDialect::Markdown, TextDialect::Html]
        {
            for text_chars_max in [500, 1_000, 3_000] {
                for lang in Lang::ALL {
                    let manner = Manner { text_chars_max, ..manner(lang, dialect) };
                    let message = compose(&long, &manner);
                    assert!(message.text.chars().count() <= text_chars_max, "{dialect:?}");
                    assert!(message.text.contains("yagura.example.com"), "the link stays");
                }
            }
        }
    }

    #[test]
    fn hostile_names_are_text_in_every_dialect() {
        let mut hostile = notice("<!channel> [toall] **x** <script>");
        if let Some(told) = &mut hostile.told {
            told.key = "<https://evil.example|here>".into();
            told.actors = vec!["[To:1] @all\r\nBcc: a@b.example".into()];
        }
        let check = |dialect: TextDialect, lacks: &[&str]| {
            let message = compose(&hostile, &manner(Lang::En, dialect));
            for part in lacks {
                assert!(!message.text.contains(part), "{dialect:?} {part}: {}", message.text);
            }
        };
        check(TextDialect::Mrkdwn, &["<!channel>", "<https://evil", "\r"]);
        check(TextDialect::Chatwork, &["[toall]", "[To:1]"]);
        check(TextDialect::Markdown, &["**x**", "<script>", "<https"]);
        check(TextDialect::Html, &["<script>", "<!channel>"]);
        check(TextDialect::Backlog, &["[toall]", "@all", "<script>"]);
        let subject = compose(&hostile, &manner(Lang::En, TextDialect::Html)).subject;
        assert!(!subject.contains(['\r', '\n']), "{subject}");
    }

    #[test]
    fn what_is_over_asks_for_nothing() {
        let mut over = notice("x");
        over.change = Some(NoticeChange {
            word: "resolved".into(),
            at_us: 0,
            by: None,
            words: Some("passed".into()),
            severities: None,
        });
        let message = compose(&over, &manner(Lang::En, TextDialect::Plain));
        assert!(message.why.is_empty() && message.steps.is_empty(), "{}", message.text);
    }

    #[test]
    fn a_storm_says_how_many_of_what() {
        let storm = Notice {
            kind: MessageKind::Storm,
            told: None,
            change: None,
            why: None,
            steps: [Vec::new(), Vec::new()],
            tally: Some(NoticeTally {
                total: 1_234,
                severities: [0, 0, 1_000, 234, 0],
                causes: vec![(Prose { en: "Cause A".into(), ja: "原因 A".into() }, 1_200)],
                limit: 20,
                limit_seconds: 600,
                until_us: Some(1_790_000_600_000_000),
            }),
            ..notice("x")
        };
        let message = compose(&storm, &manner(Lang::En, TextDialect::Plain));
        for part in ["20", "10 minutes", "1,234", "Cause A: 1,200", "/findings"] {
            assert!(message.text.contains(part), "{part}: {}", message.text);
        }
        let message = compose(&storm, &manner(Lang::Ja, TextDialect::Plain));
        assert!(message.text.contains("原因 A") && message.text.contains("10 分"));
    }

    #[test]
    fn a_digest_says_how_many_are_not_shown() {
        let change = notice("x").change.unwrap();
        let item = NoticeItem { told: told("thing"), change };
        let digest = Notice {
            kind: MessageKind::Digest,
            told: None,
            change: None,
            items: vec![item; 30],
            tally: Some(NoticeTally {
                total: 100,
                severities: [0, 0, 0, 100, 0],
                ..NoticeTally::default()
            }),
            ..notice("x")
        };
        let message = compose(&digest, &manner(Lang::En, TextDialect::Plain));
        assert_eq!((message.items.len(), message.more.as_str()), (20, "and 80 more"));
    }
}
