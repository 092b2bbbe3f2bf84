//! Routes of a site (`routes.yaml`): who is told of which findings, where, when, in which language.
//! They are followed in `yagura-respond`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::Time;
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use yagura_model::{Lang, Severity, Truth};

use super::channel::ChannelRate;
use super::expression::Expression;
use super::ordered::Ordered;
use super::span::Span;
use crate::expression::Env;
use crate::place::Placed;

/// Steps that one condition may take for one finding.
const FUEL: u64 = 100_000;

/// Everything that `routes.yaml` says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Routes {
    /// Where the console is, for links: `https://yagura.example.com`.
    pub console_url: Option<Placed<String>>,
    /// The time zone of times of day, by its IANA name; UTC if none is given.
    pub time_zone: Option<Placed<String>>,
    /// The language of targets that name none.
    pub language: Lang,
    /// Where messages go, by names of the site's choice.
    pub targets: Ordered<Arc<Target>>,
    /// Who is told of what, in order.
    pub routes: Vec<Arc<Route>>,
}

/// A place where messages go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// A channel's id, or `email`, `sns`, `file`, `command`.
    pub channel: Placed<String>,
    /// What the channel asks for.
    #[serde(default)]
    pub settings: Ordered<SettingValue>,
    /// The receiver's language.
    #[serde(default)]
    pub language: Option<Lang>,
    /// How often it takes a message; the channel's own rate if none is given.
    #[serde(default)]
    pub rate: Option<ChannelRate>,
    /// Beyond so many messages in a time, one message says that there are more.
    #[serde(default)]
    pub storm: Option<ChannelRate>,
}

/// A target takes so many messages before one says that there are more.
pub const STORM: ChannelRate = ChannelRate { messages: 20, per: Span::minutes(10) };

/// The value of a setting: one text or several.
#[derive(Clone, PartialEq, Eq)]
pub struct SettingValue(pub Vec<String>);

impl SettingValue {
    /// The one text, or all of them with commas between.
    pub fn text(&self) -> String {
        self.0.join(",")
    }
}

/// A person may have written a secret where a reference belongs: it is never shown.
impl fmt::Debug for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl<'de> Deserialize<'de> for SettingValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values;
        impl<'de> Visitor<'de> for Values {
            type Value = SettingValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number or a list of texts")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<SettingValue, E> {
                Ok(SettingValue(vec![text.to_owned()]))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<SettingValue, E> {
                Ok(SettingValue(vec![number.to_string()]))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<SettingValue, E> {
                Ok(SettingValue(vec![number.to_string()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<SettingValue, A::Error> {
                let mut values = Vec::new();
                while let Some(text) = list.next_element::<String>()? {
                    values.push(text);
                }
                Ok(SettingValue(values))
            }
        }
        deserializer.deserialize_any(Values)
    }
}

/// Who is told of what.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// What it is called where it is explained.
    pub id: Placed<String>,
    /// Which findings, in CEL over `finding`, `change`, `account` and `now`; all if nothing is
    /// said.
    #[serde(default)]
    pub when: Option<Expression>,
    /// What must have happened to them.
    #[serde(default = "usual_changes")]
    pub on: Vec<Placed<String>>,
    /// When to tell.
    #[serde(default)]
    pub schedule: Schedule,
    /// When not to.
    #[serde(default)]
    pub quiet: Option<QuietHours>,
    /// The time zone of its times of day; the file's if none is given.
    #[serde(default)]
    pub time_zone: Option<Placed<String>>,
    /// Whom to tell, all of them.
    pub targets: Vec<Placed<String>>,
    /// Whether the routes below are followed too when this one was.
    #[serde(default, rename = "continue")]
    pub goes_on: bool,
}

/// What can happen to a finding, as `yagura_model::finding::Change` names it.
pub const CHANGES: [&str; 18] = [
    "opened",
    "reopened",
    "raised",
    "lowered",
    "severity_set",
    "acknowledged",
    "in_progress",
    "unsuppressed",
    "state_changed",
    "resolved",
    "suppressed",
    "assigned",
    "due_set",
    "commented",
    "ticket_linked",
    "ticket_unlinked",
    "labeled",
    "unlabeled",
];

fn usual_changes() -> Vec<Placed<String>> {
    ["opened", "reopened", "raised", "resolved"]
        .map(|change| Placed { value: change.to_owned(), ..Placed::default() })
        .to_vec()
}

/// When a route tells: `now`, `hourly`, `daily 09:00`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schedule {
    /// At once.
    #[default]
    Now,
    /// Together, at each full hour.
    Hourly,
    /// Together, every day at a time.
    Daily(Time),
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(' ') {
            None if text == "now" => Ok(Self::Now),
            None if text == "hourly" => Ok(Self::Hourly),
            Some(("daily", at)) => time_of_day(at).map(Self::Daily),
            _ => Err(format!("`{text}` is not `now`, `hourly` or `daily 09:00`")),
        }
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// When nobody is told: what happens then is told together when it ends.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// From this time of day.
    #[serde(deserialize_with = "of_day")]
    pub from: Time,
    /// To this one, of the next day where it is earlier.
    #[serde(deserialize_with = "of_day")]
    pub to: Time,
    /// All of Saturday and Sunday too.
    #[serde(default)]
    pub weekends: bool,
    /// What is as bad as this is told all the same.
    #[serde(default)]
    pub except: Option<Severity>,
}

fn of_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    time_of_day(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn time_of_day(text: &str) -> Result<Time, String> {
    let wrong = || format!("`{text}` is not a time of day (`09:00`)");
    let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
    let part = |text: &str| text.parse::<i8>().ok().filter(|_| text.len() == 2);
    let (hours, minutes) = part(hours).zip(part(minutes)).ok_or_else(wrong)?;
    Time::new(hours, minutes, 0, 0).map_err(|_| wrong())
}

impl Routes {
    /// A target by its name.
    pub fn target(&self, name: &str) -> Option<&Arc<Target>> {
        self.targets.0.iter().find(|(known, _)| **known == name).map(|(_, target)| target)
    }

    /// A target's language.
    pub fn language_of(&self, target: &Target) -> Lang {
        target.language.unwrap_or(self.language)
    }
}

impl Target {
    /// A setting as one text.
    pub fn setting(&self, name: &str) -> Option<String> {
        let found = self.settings.0.iter().find(|(known, _)| **known == name);
        found.map(|(_, value)| value.text())
    }
}

impl Route {
    /// Whether the route covers what is bound, and why that cannot be said.
    pub fn holds<'a>(&'a self, env: Env<'a>) -> (Truth, Option<String>) {
        let Some(when) = &self.when else { return (Truth::True, None) };
        let (truth, decided) = when.program().truth(&env.with_fuel(FUEL));
        let why = decided.problems.into_iter().next().or_else(|| {
            decided.unread.first().map(|unread| format!("`{}` was not read", unread.path))
        });
        (truth, why.filter(|_| truth == Truth::Unknown))
    }

    /// Whether it minds what happened.
    pub fn minds(&self, change: &str) -> bool {
        self.on.iter().any(|on| **on == change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_read_as_people_write_them() {
        assert_eq!("now".parse(), Ok(Schedule::Now));
        assert_eq!("hourly".parse(), Ok(Schedule::Hourly));
        assert_eq!("daily 09:30".parse(), Ok(Schedule::Daily(Time::constant(9, 30, 0, 0))));
        for text in ["", "daily", "daily 9:00", "daily 24:00", "weekly", "daily 09:60", "hourly 1"]
        {
            assert!(text.parse::<Schedule>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_setting_is_never_shown() {
        let value = SettingValue(vec!["xoxb-1234".into()]);
        assert_eq!(format!("{value:?}"), "…");
    }
}
