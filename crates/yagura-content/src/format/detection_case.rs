//! Cases of detections: events, and whether the detection raises anything over them.
//! They are run in `yagura-judge`; the detections are in `detection.rs`.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::span::Span;
use crate::place::Placed;
use crate::problem::{File, Problem};
use crate::yaml::{self, Form};

/// The cases of a detection: `content/detections/<source>/<what_happened>.cases.yaml`.
///
/// Kept as text and read at first use.
#[derive(Debug)]
pub struct DetectionCases {
    /// The detection's id, from the path.
    pub id: String,
    /// The file, relative to the content folder.
    pub path: String,
    text: Arc<str>,
    form: Form,
    cases: OnceLock<Result<Vec<DetectionCase>, Box<Problem>>>,
}

/// Events, and what comes of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectionCase {
    /// What it shows.
    pub name: Placed<String>,
    /// Whether the detection raises something.
    pub expect: DetectionOutcome,
    /// One event, laid over the source's base record.
    #[serde(default)]
    pub event: Option<Map<String, Value>>,
    /// Several events, in order.
    #[serde(default)]
    pub events: Vec<Map<String, Value>>,
    /// One event again and again; before `events`, if both are given.
    #[serde(default)]
    pub repeat: Option<DetectionRepeat>,
    /// Several that are each repeated, one after the other; after `repeat`, before `events`.
    #[serde(default)]
    pub repeats: Vec<DetectionRepeat>,
    /// The log source whose base record the events are laid over; that of the folder if none is
    /// given.
    #[serde(default)]
    pub source: Option<Placed<String>>,
    /// Who or what the alert is about.
    #[serde(default)]
    pub entity: Option<Placed<String>>,
}

/// Whether a detection raises something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectionOutcome {
    /// It raises at least one signal.
    Match,
    /// It raises none.
    Quiet,
}

/// One event again and again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectionRepeat {
    /// The event.
    pub event: Map<String, Value>,
    /// How often.
    pub count: u32,
    /// How far apart.
    #[serde(default)]
    pub every: Interval,
    /// By path of a member (`requestParameters.key`): a text in which `{n}` is the number of the
    /// event, from 1.
    #[serde(default)]
    pub vary: BTreeMap<String, String>,
}

/// A length of time between two events, in microseconds: as other lengths of time, or `100ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(pub i64);

impl Default for Interval {
    fn default() -> Self {
        Self(Span::seconds(1).micros())
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let millis = text.strip_suffix("ms").map(str::parse::<u32>);
        let micros = match millis {
            Some(Ok(millis)) => Some(i64::from(millis) * 1_000),
            Some(Err(_)) => None,
            None => Span::read(&text).map(Span::micros),
        };
        let message = "a length of time is written `100ms`, `5s`, `5m`, `1h` or `7d`";
        micros.map(Self).ok_or_else(|| serde::de::Error::custom(message))
    }
}

/// Events of one case.
pub const CASE_EVENTS_MAX: usize = 20_000;

impl DetectionCases {
    pub(crate) fn new(id: &str, path: &str, text: &str, form: Form) -> Self {
        let (id, path, text) = (id.to_owned(), path.to_owned(), Arc::from(text));
        Self { id, path, text, form, cases: OnceLock::new() }
    }

    /// The cases.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn cases(&self) -> Result<&[DetectionCase], &Problem> {
        let read = || {
            let file = match self.form {
                Form::Yaml => File::new(&self.path, &self.text),
                Form::Json => File::nameless(&self.path),
            };
            yaml::read::<Vec<DetectionCase>>(&file, &self.text, self.form)
        };
        match self.cases.get_or_init(read) {
            Ok(cases) => Ok(cases),
            Err(problem) => Err(problem),
        }
    }
}

impl DetectionCase {
    /// How many events it has.
    pub fn events_len(&self) -> usize {
        let repeats = self.repeat.iter().chain(&self.repeats);
        let repeated: usize = repeats.map(|repeat| repeat.count as usize).sum();
        usize::from(self.event.is_some()) + self.events.len() + repeated
    }
}
