//! Saving and restoring correlation state, in a format of its own with a version.
//! Writing it to a disk is the caller's; any serde format will do.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use super::correlator::{Correlator, Counters, Options};
use super::occurrence::{Few, Occurrence, Share, Values};
use super::plan::Plan;
use super::window::{Entrant, Window};
use crate::matcher::Matcher;

/// The version that is written.
const VERSION: u32 = 1;

/// Saved correlation state. Rules and correlations are named by their keys, so that it survives
/// a change of the rule set; what belongs to a correlation whose definition changed is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    version: u32,
    counters: Counters,
    newest_us: i64,
    done_us: i64,
    /// Keys of the rules that events name by position.
    rules: Vec<String>,
    /// Keys and fingerprints of the correlations that events and groups name by position.
    correlations: Vec<(String, String)>,
    /// Every event once; groups name them by position.
    events: Vec<SavedEvent>,
    waiting: Vec<usize>,
    groups: Vec<SavedGroup>,
}

/// Why saved state cannot be taken over.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum StateError {
    /// It was written by another version.
    #[error("correlation state has version {found}, and only version {VERSION} can be read")]
    Version {
        /// The version it has.
        found: u32,
    },
    /// It refers to things that are not in it.
    #[error("correlation state is damaged: {what} {at} is missing")]
    Damaged {
        /// What is missing.
        what: &'static str,
        /// Its position.
        at: usize,
    },
}

/// What is written of a correlator that stays where it is: what waits may be most of the memory,
/// and is not copied. INVARIANT: the same text as [`State`]'s.
#[derive(Serialize)]
pub struct StateText<'a> {
    version: u32,
    counters: Counters,
    newest_us: i64,
    done_us: i64,
    rules: &'a [String],
    correlations: Vec<(String, String)>,
    events: Vec<EventText<'a>>,
    waiting: Vec<usize>,
    groups: Vec<SavedGroup>,
}

#[derive(Clone, Copy)]
struct EventText<'a>(&'a Occurrence);

#[derive(Serialize)]
struct EventFields<'a> {
    time_us: i64,
    id: &'a str,
    rule: u32,
    nameless: u64,
    shares: SharesText<'a>,
}

struct SharesText<'a>(&'a [Share]);

#[derive(Serialize)]
struct ShareText<'a> {
    correlation: u32,
    member: u32,
    direct: bool,
    groups: &'a [Values],
    measures: &'a [Values],
}

impl Serialize for EventText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Occurrence { time_us, id, rule, nameless, shares } = self.0;
        let (time_us, rule, nameless) = (*time_us, *rule, *nameless);
        EventFields { time_us, id, rule, nameless, shares: SharesText(shares) }
            .serialize(serializer)
    }
}

impl Serialize for SharesText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|share| ShareText {
            correlation: share.correlation,
            member: share.member,
            direct: share.direct,
            groups: share.groups.as_slice(),
            measures: share.measures.as_slice(),
        }))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedEvent {
    time_us: i64,
    id: Arc<str>,
    rule: usize,
    nameless: u64,
    shares: Vec<SavedShare>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedShare {
    correlation: usize,
    member: u32,
    direct: bool,
    groups: Vec<Values>,
    measures: Vec<Values>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedGroup {
    correlation: usize,
    values: Values,
    due_us: i64,
    entrants: Vec<SavedEntrant>,
    chains: Vec<(u32, u32, Vec<SavedEntrant>)>,
    met_us: Option<i64>,
    holds: bool,
    opened_us: i64,
    last_us: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedEntrant {
    time_us: i64,
    member: u32,
    measure: Values,
    events: Vec<usize>,
}

impl Correlator {
    /// The state as it is now.
    #[must_use]
    pub fn save(&self) -> State {
        let text = self.text();
        State {
            version: text.version,
            counters: text.counters,
            newest_us: text.newest_us,
            done_us: text.done_us,
            rules: text.rules.to_vec(),
            correlations: text.correlations,
            events: text.events.iter().map(|event| SavedEvent::of(event.0)).collect(),
            waiting: text.waiting,
            groups: text.groups,
        }
    }

    /// The same without copying what waits, to be written.
    #[must_use]
    pub fn text(&self) -> StateText<'_> {
        let mut saver = Saver::default();
        let waiting = self.waiting.iter().map(|event| saver.event(event)).collect();
        let due: BTreeMap<_, _> = self.timers.iter().map(|(due, key)| (key, *due)).collect();
        let groups = self
            .windows
            .iter()
            .map(|(key, window)| {
                let due_us = due.get(key).copied().unwrap_or(window.last_us);
                saver.group(key.0 as usize, &key.1, due_us, window)
            })
            .collect();
        StateText {
            version: VERSION,
            counters: self.counters,
            newest_us: self.newest_us,
            done_us: self.done_us,
            rules: &self.plan.rule_keys,
            correlations: keys(&self.plan),
            events: saver.events,
            waiting,
            groups,
        }
    }

    /// A correlator that goes on where the state was saved. Rules and correlations that are gone
    /// or changed begin anew.
    ///
    /// # Errors
    /// State of another version, or damaged.
    pub fn restore(matcher: &Matcher, options: Options, state: State) -> Result<Self, StateError> {
        if state.version != VERSION {
            return Err(StateError::Version { found: state.version });
        }
        let mut correlator = Self::new(matcher, options);
        let loader = Loader::new(matcher.plan(), &state)?;
        for at in &state.waiting {
            if let Some(event) = loader.event(*at)? {
                correlator.waiting.insert(event);
            }
        }
        for group in state.groups {
            let Some(correlation) = loader.correlation(group.correlation)? else { continue };
            let key = (correlation, group.values.clone());
            correlator.timers.insert((group.due_us, key.clone()));
            let window = loader.window(group)?;
            correlator.windows.insert(key, window);
        }
        correlator.counters = state.counters;
        correlator.newest_us = state.newest_us;
        correlator.done_us = state.done_us;
        Ok(correlator)
    }
}

fn keys(plan: &Plan) -> Vec<(String, String)> {
    let key = |entry: &super::plan::Entry| {
        (entry.correlation.metadata.key().to_owned(), entry.fingerprint.clone())
    };
    plan.entries.iter().map(key).collect()
}

impl SavedEvent {
    fn of(event: &Occurrence) -> Self {
        let shares = event.shares.iter().map(|share| SavedShare {
            correlation: share.correlation as usize,
            member: share.member,
            direct: share.direct,
            groups: share.groups.as_slice().to_vec(),
            measures: share.measures.as_slice().to_vec(),
        });
        Self {
            time_us: event.time_us,
            id: Arc::clone(&event.id),
            rule: event.rule as usize,
            nameless: event.nameless,
            shares: shares.collect(),
        }
    }
}

#[derive(Default)]
struct Saver<'a> {
    events: Vec<EventText<'a>>,
    /// By where they lie: whoever waits and whoever is in a window are the same.
    known: HashMap<*const Occurrence, usize>,
}

impl<'a> Saver<'a> {
    fn event(&mut self, event: &'a Arc<Occurrence>) -> usize {
        let next = self.events.len();
        let at = *self.known.entry(Arc::as_ptr(event)).or_insert(next);
        if at == next {
            self.events.push(EventText(event));
        }
        at
    }

    fn entrant(&mut self, entrant: &'a Entrant) -> SavedEntrant {
        SavedEntrant {
            time_us: entrant.time_us,
            member: entrant.member,
            measure: entrant.measure.clone(),
            events: entrant.events.iter().map(|event| self.event(event)).collect(),
        }
    }

    fn group(&mut self, at: usize, values: &Values, due_us: i64, window: &'a Window) -> SavedGroup {
        let entrants = window.entrants.iter().map(|entrant| self.entrant(entrant)).collect();
        let mut chains = Vec::with_capacity(window.chains.len());
        for ((member, length), chain) in &window.chains {
            let chain = chain.iter().map(|entrant| self.entrant(entrant)).collect();
            chains.push((*member, *length, chain));
        }
        SavedGroup {
            correlation: at,
            values: values.clone(),
            due_us,
            entrants,
            chains,
            met_us: window.met_us,
            holds: window.holds,
            opened_us: window.opened_us,
            last_us: window.last_us,
        }
    }
}

/// Events and correlations of saved state, as the plan of now knows them.
struct Loader {
    /// `None` where the rule is gone.
    events: Vec<Option<Arc<Occurrence>>>,
    /// `None` where the correlation is gone or another.
    correlations: Vec<Option<u32>>,
}

impl Loader {
    fn new(plan: &Plan, state: &State) -> Result<Self, StateError> {
        let now = keys(plan);
        let place = |known: Option<usize>| known.and_then(|at| u32::try_from(at).ok());
        let correlations: Vec<Option<u32>> = state
            .correlations
            .iter()
            .map(|saved| place(now.iter().position(|key| key == saved)))
            .collect();
        let rules: Vec<Option<u32>> = state
            .rules
            .iter()
            .map(|saved| place(plan.rule_keys.iter().position(|key| key == saved)))
            .collect();
        let mut loader = Self { events: Vec::with_capacity(state.events.len()), correlations };
        for event in &state.events {
            let missing = StateError::Damaged { what: "rule", at: event.rule };
            let rule = *rules.get(event.rule).ok_or(missing)?;
            let event = rule.map(|rule| loader.occurrence(event, rule)).transpose()?;
            loader.events.push(event.map(Arc::new));
        }
        Ok(loader)
    }

    fn occurrence(&self, event: &SavedEvent, rule: u32) -> Result<Occurrence, StateError> {
        let mut shares = Vec::with_capacity(event.shares.len());
        for share in &event.shares {
            let Some(correlation) = self.correlation(share.correlation)? else { continue };
            shares.push(Share {
                correlation,
                member: share.member,
                direct: share.direct,
                groups: share.groups.iter().cloned().collect::<Few>(),
                measures: share.measures.iter().cloned().collect::<Few>(),
            });
        }
        let shares = shares.into_boxed_slice();
        let id = Arc::clone(&event.id);
        let (time_us, nameless) = (event.time_us, event.nameless);
        Ok(Occurrence { time_us, id, rule, nameless, shares })
    }

    fn correlation(&self, at: usize) -> Result<Option<u32>, StateError> {
        let missing = StateError::Damaged { what: "correlation", at };
        self.correlations.get(at).copied().ok_or(missing)
    }

    fn event(&self, at: usize) -> Result<Option<Arc<Occurrence>>, StateError> {
        self.events.get(at).cloned().ok_or(StateError::Damaged { what: "event", at })
    }

    /// `None` where none of its events is known any more.
    fn entrant(&self, saved: SavedEntrant) -> Result<Option<Entrant>, StateError> {
        let SavedEntrant { time_us, member, measure, events: saved } = saved;
        let mut events = Vec::with_capacity(saved.len());
        for at in saved {
            events.extend(self.event(at)?);
        }
        Ok((!events.is_empty()).then_some(Entrant { time_us, member, measure, events }))
    }

    fn window(&self, group: SavedGroup) -> Result<Window, StateError> {
        let mut window = Window {
            met_us: group.met_us,
            holds: group.holds,
            opened_us: group.opened_us,
            last_us: group.last_us,
            ..Window::default()
        };
        for entrant in group.entrants {
            window.entrants.extend(self.entrant(entrant)?);
        }
        for (member, length, chain) in group.chains {
            let whole = chain.len();
            let mut known = Vec::with_capacity(whole);
            for entrant in chain {
                known.extend(self.entrant(entrant)?);
            }
            if known.len() == whole {
                window.chains.insert((member, length), known);
            }
        }
        Ok(window)
    }
}
