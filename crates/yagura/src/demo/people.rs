//! What people did about findings in the weeks before the recording: took them, spoke about them,
//! accepted some until a date. What they did is content (`content/demo/past/people.yaml`).

use std::sync::OnceLock;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use yagura_model::Severity;
use yagura_model::finding::{Act, ActOutcome, Actor, Finding, FindingState, FindingSuppression};
use yagura_store::Store;
use yagura_store::findings::{FindingFilter, Page};

use super::{ALL, read};

const PEOPLE: &str = include_str!("../../../../content/demo/past/people.yaml");
/// How long after a scan somebody looks at what it found.
const AFTER: SignedDuration = SignedDuration::from_mins(50);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deed {
    /// On this day, after that day's scan.
    day: Date,
    /// Who.
    who: String,
    /// The content that the findings are of; `*` at the end stands for anything.
    content: String,
    /// Only in this account.
    #[serde(default)]
    account: Option<String>,
    /// How many of them, the highest rank first.
    #[serde(default = "one")]
    first: usize,
    #[serde(rename = "do")]
    what: Vec<What>,
}

fn one() -> usize {
    1
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum What {
    Assign(String),
    Acknowledge,
    Start,
    Comment(String),
    Label(String),
    Severity(Severity),
    Due(Date),
    Suppress { until: Date, owner: String, reason: String },
}

fn deeds() -> anyhow::Result<&'static [Deed]> {
    static DEEDS: OnceLock<Vec<Deed>> = OnceLock::new();
    if let Some(deeds) = DEEDS.get() {
        return Ok(deeds);
    }
    let read: Vec<Deed> = read("people.yaml", PEOPLE)?;
    Ok(DEEDS.get_or_init(|| read))
}

/// Does what was done on the day of a scan.
///
/// # Errors
/// Where the content is broken, names no finding, or something cannot be done.
pub(super) async fn act(store: &Store, scanned: Timestamp) -> anyhow::Result<()> {
    let today = scanned.to_zoned(TimeZone::UTC).date();
    for deed in deeds()?.iter().filter(|deed| deed.day == today) {
        let at = scanned + AFTER;
        let filter = FindingFilter {
            contents: vec![deed.content.clone()],
            accounts: deed.account.clone().into_iter().collect(),
            ..FindingFilter::open()
        };
        let page = Page { limit: deed.first, ..Page::default() };
        let found: Vec<Finding> = store.findings(ALL).list(&filter, &page).await?.findings;
        anyhow::ensure!(!found.is_empty(), "the demo's past acts on no `{}`", deed.content);
        let ids: Vec<String> = found.into_iter().map(|finding| finding.id).collect();
        let actor = Actor::Person(deed.who.clone());
        for what in &deed.what {
            let acted = store.findings(ALL).act(&ids, &what.act()?, &actor, at, None).await?;
            let refused = acted.iter().find_map(|one| match one.outcome {
                ActOutcome::Refused { why } => Some(why),
                _ => None,
            });
            if let Some(why) = refused {
                anyhow::bail!("the demo's past cannot be done to `{}`: {why}", deed.content);
            }
        }
    }
    Ok(())
}

impl What {
    fn act(&self) -> anyhow::Result<Act> {
        Ok(match self {
            Self::Assign(to) => Act::Assign { to: Some(to.clone()) },
            Self::Acknowledge => Act::SetState { to: FindingState::Acknowledged, reason: None },
            Self::Start => Act::SetState { to: FindingState::InProgress, reason: None },
            Self::Comment(text) => Act::Comment { text: text.clone() },
            Self::Label(label) => Act::Label { label: label.clone() },
            Self::Severity(severity) => Act::SetSeverity { to: Some(*severity) },
            Self::Due(day) => Act::SetDue { at_us: Some(midnight_us(*day)?) },
            Self::Suppress { until, owner, reason } => Act::Suppress(FindingSuppression {
                until_us: midnight_us(*until)?,
                owner: owner.clone(),
                reason: reason.clone(),
            }),
        })
    }
}

fn midnight_us(day: Date) -> anyhow::Result<i64> {
    Ok(day.to_zoned(TimeZone::UTC)?.timestamp().as_microsecond())
}
