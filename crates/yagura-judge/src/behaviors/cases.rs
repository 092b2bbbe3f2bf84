//! Runs the cases of behaviours: a history is learned, then what follows is judged.
//! Cases of sequences are in `sequences`, those of detections in `detections`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use yagura_content::format::{Behavior, BehaviorCase, CaseExpectation, CaseNetwork, Span};
use yagura_content::{Content, Place};
use yagura_model::alert::Signal;
use yagura_model::event::{BatchBuilder, EventBatch, Origin};
use yagura_model::source::{FieldPath, FieldStep, Table};

use super::compile::Behaviors;
use super::network::Network;
use super::observer::Observer;
use super::state::{Options, State};

/// The time of a case: Saturday, 21 November 2026, 05:00 UTC.
const CASE_TIME_US: i64 = 1_795_237_200_000_000;
/// Events of one case; a history of a month, every minute.
const EVENTS_MAX: usize = 50_000;

/// What became of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BehaviorCaseResult {
    /// The behaviour's id.
    pub behavior: String,
    /// The case's name.
    pub case: String,
    /// Where the case stands in its file.
    pub place: Place,
    /// Why it failed, as a sentence; `None` if it passed.
    pub failure: Option<String>,
    /// What was raised.
    pub signals: Vec<Signal>,
}

/// Runs every case of every behaviour, in order.
pub fn run_behavior_cases(content: &Content) -> Vec<BehaviorCaseResult> {
    content.behaviors.values().flat_map(|behavior| run(content, behavior)).collect()
}

fn run(content: &Content, behavior: &Arc<Behavior>) -> Vec<BehaviorCaseResult> {
    let (behaviors, faults) = Behaviors::of(content, [behavior]);
    let behaviors = Arc::new(behaviors);
    let cases = behavior.cases.iter().map(|case| {
        let outcome = match (faults.first(), content.sources.get(behavior.source.as_str())) {
            (Some(fault), _) => Err(fault.message.clone()),
            (None, None) => Err(format!("there is no source `{}`", behavior.source)),
            (None, Some(source)) => play(content, &behaviors, source.table(), case),
        };
        let (failure, signals) = match outcome {
            Err(message) => (Some(message), Vec::new()),
            Ok(signals) => (failure(case.expect, &signals), signals),
        };
        BehaviorCaseResult {
            behavior: behavior.id.clone(),
            case: case.name.value.clone(),
            place: case.name.place,
            failure,
            signals,
        }
    });
    cases.collect()
}

fn failure(expect: CaseExpectation, signals: &[Signal]) -> Option<String> {
    match (expect, signals.first()) {
        (CaseExpectation::Match, None) => Some("nothing was raised".to_owned()),
        (CaseExpectation::Quiet, Some(signal)) => {
            let seen = signal.contrast.as_ref().map(|contrast| contrast.seen.en.clone());
            Some(format!("raised: {}", seen.unwrap_or_default()))
        }
        _ => None,
    }
}

/// What a case raises.
fn play(
    content: &Content,
    behaviors: &Arc<Behaviors>,
    table: &Table,
    case: &BehaviorCase,
) -> Result<Vec<Signal>, String> {
    let base = content.case_records.get(&table.source).map(|base| base.as_ref().clone());
    let base = base.unwrap_or_default();
    let mut stage = Stage { table, base, builder: None, events: 0 };
    for history in &case.history {
        let rounds = history.length.micros() / history.every.micros();
        for round in 0..rounds {
            let at_us = CASE_TIME_US - history.length.micros() + round * history.every.micros();
            let n = if history.cycle == 0 { round } else { round % i64::from(history.cycle) };
            stage.event(&history.event, &history.vary, n, at_us)?;
        }
    }
    for repeat in &case.then {
        let after_us = repeat.after.map_or(0, Span::micros);
        for n in 0..i64::from(repeat.count) {
            let at_us = CASE_TIME_US + after_us + n * repeat.every.micros();
            stage.event(&repeat.event, &repeat.vary, n, at_us)?;
        }
    }
    let batch = stage.finish();
    let options = Options { lateness_us: i64::MAX, ..Options::default() };
    let mut state = State::new(Arc::clone(behaviors), options);
    state.learn_until(CASE_TIME_US);
    let mut observer = Observer::new(Arc::clone(behaviors));
    let lookup = |address: IpAddr| network(&case.networks, address);
    for record in &batch {
        observer.observe(table, record, &lookup);
    }
    state.fold(observer.take());
    Ok(state.finish())
}

fn network(known: &BTreeMap<String, CaseNetwork>, address: IpAddr) -> Option<Network> {
    let network = known.get(&address.to_string())?;
    Some(Network {
        country: network.country.as_deref().map(Arc::from),
        asn: network.asn,
        place: network.latitude.zip(network.longitude),
        hosting: network.hosting,
    })
}

/// Puts the events of a case together.
struct Stage<'t> {
    table: &'t Table,
    base: Map<String, Value>,
    builder: Option<BatchBuilder>,
    events: usize,
}

impl Stage<'_> {
    fn event(
        &mut self,
        over: &Map<String, Value>,
        vary: &BTreeMap<String, String>,
        n: i64,
        at_us: i64,
    ) -> Result<(), String> {
        self.events += 1;
        if self.events > EVENTS_MAX {
            return Err(format!("a case has at most {EVENTS_MAX} events"));
        }
        let mut event = Value::Object(self.base.clone());
        lay_over(&mut event, over);
        for (path, text) in vary {
            let text = Value::from(text.replace("{n}", &n.to_string()));
            let path: FieldPath = path.parse().map_err(|fault| format!("`vary`: {fault}"))?;
            set(&mut event, &path.steps, text);
        }
        self.stamp(&mut event, at_us);
        let events = self.events;
        if let Some(path) = self.table.identity.first() {
            set(&mut event, &path.steps, Value::from(format!("event-{events}")));
        }
        let Value::Object(members) = event else { return Ok(()) };
        let (told, own): (Map<String, Value>, Map<String, Value>) =
            members.into_iter().partition(|(name, _)| name.starts_with('@'));
        let builder = self.builder.get_or_insert_with(|| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let fields = told
                .iter()
                .map(|(name, value)| (name.trim_start_matches('@').to_owned(), text(value)));
            let origin = Origin { object: Arc::from("case"), key_fields: fields.collect() };
            BatchBuilder::new(Arc::new(origin))
        });
        let text = Value::Object(own).to_string();
        builder.push_json(text.as_bytes()).map_err(|fault| fault.to_string())
    }

    /// Writes the time where the source's table looks for it, as the base record writes it.
    fn stamp(&self, event: &mut Value, at_us: i64) {
        let paths = self.table.shared.time.from.iter().filter_map(|template| template.path());
        for path in paths.filter(|path| !path.from_key) {
            let was = get(event, &path.steps);
            let is_epoch = was.and_then(Value::as_str).is_some_and(|text| {
                !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
            });
            let text = match Timestamp::from_microsecond(at_us) {
                Ok(time) if !is_epoch => time.to_string(),
                _ => at_us.div_euclid(1_000_000).to_string(),
            };
            if was.is_some() {
                set(event, &path.steps, Value::from(text));
            }
        }
    }

    fn finish(self) -> EventBatch {
        self.builder.map(|mut builder| builder.finish()).unwrap_or_default()
    }
}

/// Lays members over a value: maps are merged, null takes a member away.
fn lay_over(base: &mut Value, over: &Map<String, Value>) {
    if !base.is_object() {
        *base = Value::Object(Map::new());
    }
    let Some(members) = base.as_object_mut() else { return };
    for (name, value) in over {
        match value {
            Value::Null => {
                members.remove(name);
            }
            Value::Object(inner) => {
                lay_over(members.entry(name.clone()).or_insert(Value::Null), inner);
            }
            _ => {
                members.insert(name.clone(), value.clone());
            }
        }
    }
}

fn get<'v>(value: &'v Value, steps: &[FieldStep]) -> Option<&'v Value> {
    steps.iter().try_fold(value, |value, step| match step {
        FieldStep::Key(name) => value.get(name),
        FieldStep::Index(at) => value.get(at),
        FieldStep::Each => value.get(0),
    })
}

/// Sets what steps through objects lead to, making the objects on the way.
fn set(value: &mut Value, steps: &[FieldStep], to: Value) {
    let Some((step, rest)) = steps.split_first() else {
        *value = to;
        return;
    };
    match step {
        FieldStep::Key(name) => {
            if !value.is_object() {
                *value = Value::Object(Map::new());
            }
            if let Some(members) = value.as_object_mut() {
                set(members.entry(name.clone()).or_insert(Value::Null), rest, to);
            }
        }
        FieldStep::Index(_) | FieldStep::Each => {
            if !value.is_array() {
                *value = Value::Array(vec![Value::Null]);
            }
            if let Some(first) = value.get_mut(0) {
                set(first, rest, to);
            }
        }
    }
}
