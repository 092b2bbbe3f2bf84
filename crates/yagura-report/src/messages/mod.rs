//! Messages to people outside the console: what happened to which finding, where, who, when, why it
//! matters, what to do, and a link; in one language, written so that foreign text stays text.
//! Who is told, and how a message travels, is decided in `yagura-respond`.

mod compose;
mod dialect;
mod mail;
mod template;
mod wording;

use serde::{Deserialize, Serialize};
use yagura_model::message::{MessageKind, TextDialect};
use yagura_model::{Lang, Prose, Severity};

pub use compose::compose;
pub use dialect::text as foreign_text;
pub use mail::{Mail, mail};
pub use template::{TemplateFault, fill_json, fill_text, fill_url};

/// What a message is about, in no language yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What tells this message from every other; the same at each attempt to deliver it.
    pub id: String,
    /// Which kind of message it is.
    pub kind: MessageKind,
    /// When it is sent, in microseconds since 1970.
    pub at_us: i64,
    /// The finding that it is about; none of a message about many.
    pub told: Option<Told>,
    /// What happened to the finding.
    pub change: Option<NoticeChange>,
    /// Why it matters.
    pub why: Option<Prose>,
    /// What to do, in order: English and Japanese.
    pub steps: [Vec<String>; 2],
    /// Findings of a message about many; not all of them where there are more than can be shown.
    pub items: Vec<NoticeItem>,
    /// How many there are, and of what kinds.
    pub tally: Option<NoticeTally>,
    /// The console's address, without a slash at its end.
    pub console_url: Option<String>,
}

/// What a message tells of a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The finding's id.
    pub id: String,
    /// The kind of the finding: `control`, `alert`, `import`, `spend`.
    pub kind: String,
    /// The content that found it.
    pub content: String,
    /// What is the matter.
    pub title: Prose,
    /// How bad it is.
    pub severity: Severity,
    /// How much it matters here, 0 to 1000.
    #[serde(default)]
    pub rank: u16,
    /// Where it stands.
    pub state: String,
    /// Twelve digits; empty where it belongs to no account.
    #[serde(default)]
    pub account: String,
    /// What the account is called; empty where unknown.
    #[serde(default)]
    pub account_name: String,
    /// A region's name.
    #[serde(default)]
    pub region: String,
    /// The resource's key, or who or what it is about.
    pub key: String,
    /// The resource's type.
    #[serde(default)]
    pub resource_type: Option<String>,
    /// What a person calls the resource.
    #[serde(default)]
    pub resource_name: Option<String>,
    /// Who did it.
    #[serde(default)]
    pub actors: Vec<String>,
    /// Where it came from.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// When it was first so, in microseconds since 1970.
    pub first_us: i64,
    /// When it was last so, in microseconds since 1970.
    pub last_us: i64,
    /// How often it was seen.
    pub occurrences: u64,
    /// Who is to deal with it.
    #[serde(default)]
    pub assignee: Option<String>,
    /// By when, in microseconds since 1970.
    #[serde(default)]
    pub due_us: Option<i64>,
    /// Why it matters and what to do, in another product's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<ForeignAdvice>,
}

/// What another product says of its finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignAdvice {
    /// Why it matters; empty where it does not say.
    #[serde(default)]
    pub why: String,
    /// What to do; empty where it does not say.
    #[serde(default)]
    pub remedy: String,
}

/// What happened to a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeChange {
    /// The word of `yagura_model::finding::Change`.
    pub word: String,
    /// When, in microseconds since 1970.
    pub at_us: i64,
    /// Who or what did it, where a person or a rule did.
    #[serde(default)]
    pub by: Option<String>,
    /// Why, or what was said.
    #[serde(default)]
    pub words: Option<String>,
    /// From which severity to which, where that is what happened.
    #[serde(default)]
    pub severities: Option<(Severity, Severity)>,
}

/// A finding among others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoticeItem {
    /// The finding.
    pub told: Told,
    /// What happened to it.
    pub change: NoticeChange,
}

/// How many findings a message is about, and of what kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoticeTally {
    /// All of them.
    pub total: u64,
    /// By severity, from informational to critical.
    pub severities: [u64; 5],
    /// The most frequent causes with their numbers, the most frequent first.
    pub causes: Vec<(Prose, u64)>,
    /// How many the target takes before messages are held back; zero where that is not the reason.
    pub limit: u64,
    /// In how many seconds.
    pub limit_seconds: u64,
    /// Until when messages are held back, in microseconds since 1970.
    pub until_us: Option<i64>,
}

/// How a message is written.
#[derive(Clone, Debug)]
pub struct Manner {
    /// The receiver's language.
    pub lang: Lang,
    /// What could be an order there.
    pub dialect: TextDialect,
    /// The most characters of its text.
    pub text_chars_max: usize,
    /// The time zone of the times in it.
    pub zone: jiff::tz::TimeZone,
}

/// A message, composed. Every text is written in the dialect, except where it is said otherwise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    /// As of the notice.
    pub id: String,
    /// As of the notice.
    pub kind: &'static str,
    /// `en` or `ja`.
    pub lang: &'static str,
    /// One line without any markup, in no dialect: a mail's subject.
    pub subject: String,
    /// The same line in the dialect.
    pub title: String,
    /// The worst severity: `critical`; none of a message without findings.
    pub severity: Option<&'static str>,
    /// The severity's word in the receiver's language.
    pub severity_label: String,
    /// The severity's color, as `#rrggbb`.
    pub color: &'static str,
    /// What happened, in a sentence.
    pub headline: String,
    /// Names and values: where, who, when.
    pub facts: Vec<Fact>,
    /// Why it matters; empty where unknown.
    pub why: String,
    /// What to do, in order.
    pub steps: Vec<String>,
    /// One line for each of several findings.
    pub items: Vec<String>,
    /// That there are more of them; empty where there are none.
    pub more: String,
    /// Where to read on.
    pub link: Option<Link>,
    /// Everything but the title, as one text of several lines, cut to the limit.
    pub body: String,
    /// The title and the body.
    pub text: String,
}

/// A name and a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is, in our words.
    pub label: String,
    /// The value.
    pub value: String,
}

/// Where to read on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The address, in no dialect; made of the site's console address and a finding's id alone.
    pub url: String,
    /// What to call it.
    pub label: String,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn told(title: &str) -> Told {
        Told {
            id: "0123456789abcdef0123456789abcdef".into(),
            kind: "alert".into(),
            content: "cloudtrail.trail_logging_stopped".into(),
            title: Prose { en: title.into(), ja: title.into() },
            severity: Severity::High,
            rank: 700,
            state: "new".into(),
            account: "111122223333".into(),
            account_name: "prod".into(),
            region: "ap-northeast-1".into(),
            key: "arn:aws:cloudtrail:ap-northeast-1:111122223333:trail/main".into(),
            resource_type: Some("AWS::CloudTrail::Trail".into()),
            resource_name: Some("main".into()),
            actors: vec!["arn:aws:iam::111122223333:user/alice".into()],
            addresses: vec!["192.0.2.1".into()],
            first_us: 1_790_000_000_000_000,
            last_us: 1_790_000_060_000_000,
            occurrences: 2,
            assignee: None,
            due_us: None,
            advice: None,
        }
    }

    pub(crate) fn notice(title: &str) -> Notice {
        Notice {
            id: "m1".into(),
            kind: MessageKind::Finding,
            at_us: 1_790_000_100_000_000,
            told: Some(told(title)),
            change: Some(NoticeChange {
                word: "opened".into(),
                at_us: 1_790_000_090_000_000,
                by: None,
                words: None,
                severities: None,
            }),
            why: Some(Prose {
                en: "Nobody sees it.".into(), ja: "誰にも見えません。".into()
            }),
            steps: [vec!["Start it.".into()], vec!["開始します。".into()]],
            items: Vec::new(),
            tally: None,
            console_url: Some("https://yagura.example.com".into()),
        }
    }
}
