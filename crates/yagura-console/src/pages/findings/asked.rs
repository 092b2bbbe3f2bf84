//! The question of the page in its address: read into a filter, and written again with changes.
//! What findings match is the store's business; names of saved questions are in `views.rs`.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use yagura_model::Severity;
use yagura_model::finding::{FindingKind, FindingState, MarkKind};
use yagura_store::findings::{Assignee, FindingFilter, FindingOrder, Span};

use crate::layout::links;
use crate::viewer::Viewer;

/// Members of an address that are read at most, and letters of one value.
const PAIRS_MAX: usize = 64;
const VALUE_CHARS_MAX: usize = 2_000;
/// Values of one list.
const VALUES_MAX: usize = 100;

/// The members that make a question, in the order in which addresses have them.
pub(crate) const NAMES: [&str; 19] = [
    "q", "state", "severity", "kind", "content", "account", "region", "type", "key", "cause",
    "assignee", "mark", "label", "due", "since", "rank", "sort", "view", "after",
];
/// Those whose values may be joined by commas.
const LISTS: [&str; 7] = ["state", "severity", "kind", "content", "account", "region", "type"];

/// The values of `state` beside the states themselves.
pub(crate) const OPEN: &str = "open";
pub(crate) const ALL: &str = "all";

/// The orders, by their words in addresses.
pub(crate) const ORDERS: [(&str, FindingOrder); 5] = [
    ("rank", FindingOrder::Rank),
    ("severity", FindingOrder::Severity),
    ("last_seen", FindingOrder::LastSeen),
    ("first_seen", FindingOrder::FirstSeen),
    ("due", FindingOrder::Due),
];

/// A question, read.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Every member once, lists joined by commas; marks and labels as often as they were given.
    pub(crate) pairs: Vec<(String, String)>,
    pub(crate) filter: FindingFilter,
    pub(crate) order: FindingOrder,
    /// Whether findings are shown by their causes.
    pub(crate) groups: bool,
    /// Where the page goes on.
    pub(crate) after: Option<String>,
}

/// A member whose value makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Senseless {
    pub(crate) name: &'static str,
    pub(crate) value: String,
}

impl Asked {
    /// Reads the question of an address. Members that are not ours are left out.
    pub(crate) fn of(
        asked: &[(String, String)],
        viewer: &Viewer,
        now: Timestamp,
    ) -> Result<Self, Senseless> {
        let mut pairs = Vec::new();
        for name in NAMES {
            let given = asked.iter().take(PAIRS_MAX).filter(|(known, _)| known == name);
            let values: Vec<&str> =
                given.map(|(_, value)| value.trim()).filter(|value| !value.is_empty()).collect();
            if let Some(long) = values.iter().find(|one| one.chars().count() > VALUE_CHARS_MAX) {
                let value = long.chars().take(40).collect();
                return Err(Senseless { name, value });
            }
            if LISTS.contains(&name) {
                let joined = split(&values).join(",");
                if !joined.is_empty() {
                    pairs.push((name.to_owned(), joined));
                }
            } else if matches!(name, "mark" | "label") {
                pairs.extend(values.iter().map(|value| (name.to_owned(), (*value).to_owned())));
            } else {
                let last = values.last();
                pairs.extend(last.map(|value| (name.to_owned(), (*value).to_owned())));
            }
        }
        let reader = Reader { pairs: &pairs, zone: &viewer.zone, now };
        let filter = reader.filter(&viewer.name)?;
        let order = match reader.one("sort") {
            None => FindingOrder::default(),
            Some(word) => ORDERS
                .into_iter()
                .find(|(known, _)| *known == word)
                .map(|(_, order)| order)
                .ok_or_else(|| senseless("sort", word))?,
        };
        let groups = match reader.one("view") {
            None => false,
            Some("groups") => true,
            Some(word) => return Err(senseless("view", word)),
        };
        let after = reader.one("after").map(str::to_owned);
        Ok(Self { pairs, filter, order, groups, after })
    }

    /// The value of a member; empty where it was not asked for.
    pub(crate) fn one(&self, name: &str) -> &str {
        let mut all = self.pairs.iter().filter(|(known, _)| known == name);
        all.next().map_or("", |(_, value)| value)
    }

    /// The values of a list.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        match LISTS.contains(&name) {
            true => self.one(name).split(',').filter(|value| !value.is_empty()).collect(),
            false => self
                .pairs
                .iter()
                .filter(|(known, _)| known == name)
                .map(|(_, value)| value.as_str())
                .collect(),
        }
    }

    /// The address with one member changed, from the first page on; nothing removes it.
    pub(crate) fn with(&self, name: &str, value: Option<&str>) -> String {
        let mut pairs: Vec<(&str, &str)> = self
            .pairs
            .iter()
            .map(|(known, value)| (known.as_str(), value.as_str()))
            .filter(|(known, _)| *known != name && *known != "after")
            .collect();
        pairs.extend(value.map(|value| (name, value)));
        address(&pairs)
    }

    /// The address with one value of a list put in, or taken out where it is there.
    pub(crate) fn toggled(&self, name: &str, value: &str) -> String {
        let mut values = self.list(name);
        match values.iter().position(|one| *one == value) {
            Some(at) => drop(values.remove(at)),
            None => values.push(value),
        }
        let joined = values.join(",");
        self.with(name, Some(joined.as_str()).filter(|joined| !joined.is_empty()))
    }

    /// The address without one of several values of a name.
    pub(crate) fn without(&self, name: &str, value: &str) -> String {
        let pairs: Vec<(&str, &str)> = self
            .pairs
            .iter()
            .map(|(known, value)| (known.as_str(), value.as_str()))
            .filter(|(known, one)| !(*known == name && *one == value) && *known != "after")
            .collect();
        address(&pairs)
    }

    /// The question as saved views keep it: nothing of pages in it.
    pub(crate) fn question(&self) -> String {
        self.with("after", None).trim_start_matches("/findings").trim_start_matches('?').to_owned()
    }
}

/// An address of the list.
pub(crate) fn address(pairs: &[(&str, &str)]) -> String {
    match pairs.is_empty() {
        true => "/findings".to_owned(),
        false => format!("/findings?{}", links::query(pairs.iter().copied())),
    }
}

fn split<'a>(values: &[&'a str]) -> Vec<&'a str> {
    let mut parts: Vec<&str> = Vec::new();
    for part in values.iter().flat_map(|value| value.split(',')).map(str::trim) {
        if !part.is_empty() && !parts.contains(&part) && parts.len() < VALUES_MAX {
            parts.push(part);
        }
    }
    parts
}

fn senseless(name: &'static str, value: &str) -> Senseless {
    Senseless { name, value: value.chars().take(80).collect() }
}

struct Reader<'a> {
    pairs: &'a [(String, String)],
    zone: &'a TimeZone,
    now: Timestamp,
}

impl Reader<'_> {
    fn one(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn many(&self, name: &str) -> Vec<String> {
        let found = self.pairs.iter().filter(|(known, _)| known == name);
        let parts = found.flat_map(|(_, value)| match LISTS.contains(&name) {
            true => value.split(',').map(str::to_owned).collect::<Vec<_>>(),
            false => vec![value.clone()],
        });
        parts.collect()
    }

    fn words<T: std::str::FromStr>(&self, name: &'static str) -> Result<Vec<T>, Senseless> {
        let parsed = self.many(name).into_iter().map(|word| {
            let read = word.parse();
            read.map_err(|_| senseless(name, &word))
        });
        parsed.collect()
    }

    fn filter(&self, person: &str) -> Result<FindingFilter, Senseless> {
        let kinds: Vec<FindingKind> = self.words("kind")?;
        let severities: Vec<Severity> = self.words("severity")?;
        let assignee = self.one("assignee").map(|word| match word {
            "nobody" => Assignee::Nobody,
            "me" => Assignee::Name(person.to_owned()),
            name => Assignee::Name(name.to_owned()),
        });
        let rank_min = match self.one("rank") {
            None => None,
            Some(word) => Some(word.parse().map_err(|_| senseless("rank", word))?),
        };
        Ok(FindingFilter {
            states: self.states()?,
            severities,
            kinds,
            contents: self.many("content"),
            accounts: self.many("account"),
            regions: self.many("region"),
            resource_types: self.many("type"),
            keys: self.many("key"),
            causes: self.many("cause"),
            marks: self.marks()?,
            labels: self.many("label"),
            assignee,
            text: self.one("q").map(str::to_owned),
            rank_min,
            first_seen: Span { since: self.since()?, until: None },
            due: self.due()?,
            ..FindingFilter::default()
        })
    }

    fn states(&self) -> Result<Vec<FindingState>, Senseless> {
        let mut states = Vec::new();
        let words = self.many("state");
        for word in &words {
            match word.as_str() {
                OPEN => states.extend(FindingState::OPEN),
                ALL => return Ok(Vec::new()),
                word => states.push(word.parse().map_err(|_| senseless("state", word))?),
            }
        }
        if states.is_empty() {
            states.extend(FindingState::OPEN);
        }
        states.dedup();
        Ok(states)
    }

    fn marks(&self) -> Result<Vec<(MarkKind, String)>, Senseless> {
        let read = |text: String| {
            let parts = text.split_once(':');
            let parts = parts.and_then(|(kind, value)| Some((mark_kind(kind)?, value.to_owned())));
            parts.ok_or_else(|| senseless("mark", &text))
        };
        self.many("mark").into_iter().map(read).collect()
    }

    fn since(&self) -> Result<Option<Timestamp>, Senseless> {
        let Some(word) = self.one("since") else { return Ok(None) };
        let days = word.strip_suffix('d').and_then(|days| days.parse::<i64>().ok());
        let at = match days {
            Some(days @ 0..=3_660) => {
                self.now.checked_sub(SignedDuration::from_hours(days * 24)).ok()
            }
            Some(_) => None,
            None => day_start(word, self.zone),
        };
        at.map(Some).ok_or_else(|| senseless("since", word))
    }

    fn due(&self) -> Result<Span, Senseless> {
        let Some(word) = self.one("due") else { return Ok(Span::default()) };
        let until = match word {
            "overdue" => Some(self.now),
            "week" => self.now.checked_add(SignedDuration::from_hours(7 * 24)).ok(),
            "any" => None,
            day => Some(day_end(day, self.zone).ok_or_else(|| senseless("due", word))?),
        };
        // From the year 1970 on: what has no date is not among them.
        Ok(Span { since: Some(Timestamp::UNIX_EPOCH), until })
    }
}

/// A kind of mark by its word.
pub(crate) fn mark_kind(word: &str) -> Option<MarkKind> {
    word.parse().ok()
}

/// When a day begins in a zone.
pub(crate) fn day_start(day: &str, zone: &TimeZone) -> Option<Timestamp> {
    let date: jiff::civil::Date = day.parse().ok()?;
    Some(date.to_zoned(zone.clone()).ok()?.timestamp())
}

/// The last second of a day in a zone: what is due on a day may be done on that day.
pub(crate) fn day_end(day: &str, zone: &TimeZone) -> Option<Timestamp> {
    let date: jiff::civil::Date = day.parse().ok()?;
    Some(date.at(23, 59, 59, 0).to_zoned(zone.clone()).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use yagura_model::Lang;
    use yagura_model::finding::Scope;

    use super::*;
    use crate::viewer::{Means, Role, Theme};

    fn viewer() -> Viewer {
        Viewer {
            name: "aiko".to_owned(),
            role: Some(Role::Analyst),
            permissions: None,
            scope: Scope::All,
            lang: Lang::En,
            theme: Theme::Auto,
            zone: TimeZone::UTC,
            means: Means::Open,
            csrf: String::new(),
            address: String::new(),
            person: None,
            session: None,
        }
    }

    fn read(query: &str) -> Result<Asked, Senseless> {
        let pairs: Vec<(String, String)> = serde_html_form::from_str(query).unwrap();
        Asked::of(&pairs, &viewer(), "2026-11-22T03:00:00Z".parse().unwrap())
    }

    #[test]
    fn what_is_open_is_shown_unless_another_state_is_asked_for() {
        for (query, states) in [
            ("", &FindingState::OPEN[..]),
            ("state=open", &FindingState::OPEN[..]),
            ("state=all", &[]),
            ("state=new,resolved", &[FindingState::New, FindingState::Resolved]),
            ("state=new&state=resolved", &[FindingState::New, FindingState::Resolved]),
        ] {
            assert_eq!(read(query).unwrap().filter.states, states, "{query}");
        }
    }

    #[test]
    fn an_address_says_the_same_after_it_was_read() {
        let query = "q=%E6%A8%A9%E9%99%90&severity=high%2Ccritical&label=a%2Cb&label=c&sort=due";
        let asked = read(query).unwrap();
        let again = asked.with("after", None);
        let again = read(again.split_once('?').unwrap().1).unwrap();
        assert_eq!(again.filter, asked.filter);
        assert_eq!(asked.filter.labels, ["a,b", "c"]);
        assert_eq!(asked.filter.text.as_deref(), Some("権限"));
    }

    #[test]
    fn a_value_is_toggled_and_the_page_begins_anew() {
        let asked = read("severity=high&after=3.4").unwrap();
        assert_eq!(asked.toggled("severity", "high"), "/findings");
        let both = asked.toggled("severity", "low");
        assert_eq!(both, "/findings?severity=high%2Clow");
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (query, name) in [
            ("severity=awful", "severity"),
            ("state=gone", "state"),
            ("kind=x", "kind"),
            ("since=yesterday", "since"),
            ("since=99999d", "since"),
            ("due=soon", "due"),
            ("rank=-1", "rank"),
            ("sort=name", "sort"),
            ("view=tree", "view"),
            ("mark=nothing", "mark"),
            ("mark=nothing:x", "mark"),
        ] {
            assert_eq!(read(query).unwrap_err().name, name, "{query}");
        }
        assert_eq!(read(&format!("q={}", "a".repeat(9_000))).unwrap_err().name, "q");
    }

    #[test]
    fn dates_are_those_of_the_reader() {
        let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
        let start = day_start("2026-12-01", &tokyo).unwrap();
        assert_eq!(start.to_string(), "2026-11-30T15:00:00Z");
        assert_eq!(day_end("2026-12-01", &tokyo).unwrap().to_string(), "2026-12-01T14:59:59Z");
        assert!(day_start("2026-13-01", &tokyo).is_none());
    }

    #[test]
    fn me_is_whoever_asks_and_nobody_is_nobody() {
        let of = |query: &str| read(query).unwrap().filter.assignee;
        assert_eq!(of("assignee=me"), Some(Assignee::Name("aiko".to_owned())));
        assert_eq!(of("assignee=nobody"), Some(Assignee::Nobody));
        assert_eq!(of(""), None);
    }
}
