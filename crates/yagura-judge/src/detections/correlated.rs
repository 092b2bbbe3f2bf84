//! Correlations met, as signals: which records they came from and what was measured.
//! When a correlation is met is `lib/sigma`'s business.

use std::collections::BTreeMap;
use std::sync::Arc;

use sigma::{Aggregate, CorrelationAlert, Limit, Measure, Operator};
use yagura_model::Prose;
use yagura_model::alert::{
    Contrast, Entity, Matched, Signal, SignalKind, WITNESSES_MAX, Witness, event_hash,
};

use super::detector::{Known, Parts};
use super::witness::{Subject, named};
use super::worker::Noted;

/// Records that correlations may name, while their windows are open.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    by_event: BTreeMap<(i64, Arc<str>), Noted>,
}

/// Records that are remembered for correlations; beyond, the earliest are forgotten, and an alert
/// names them without their columns.
const NOTES_MAX: usize = 400_000;

impl Notes {
    pub(crate) fn add(&mut self, noted: Noted) {
        let key = (noted.witness.time_us, Arc::clone(&noted.witness.id));
        self.by_event.entry(key).or_insert(noted);
        while self.by_event.len() > NOTES_MAX {
            self.by_event.pop_first();
        }
    }

    /// Forgets what lies before a time.
    pub(crate) fn forget(&mut self, before_us: i64) {
        // Splitting counts what is left, so it is not done for nothing.
        if self.by_event.first_key_value().is_none_or(|((first_us, _), _)| *first_us >= before_us) {
            return;
        }
        let kept = self.by_event.split_off(&(before_us, Arc::from("")));
        self.by_event = kept;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Noted> {
        self.by_event.values()
    }

    fn get(&self, time_us: i64, id: &Arc<str>) -> Option<&Noted> {
        self.by_event.get(&(time_us, Arc::clone(id)))
    }
}

/// The signal of a correlation that was met; none where it raises none.
pub(crate) fn signal(parts: &Parts, notes: &Notes, alert: &CorrelationAlert) -> Option<Signal> {
    let at = parts.correlations.get(alert.correlation.index()).copied().flatten()?;
    let known = parts.known.get(at as usize)?;
    let correlation = parts.matcher.plan().correlation(alert.correlation)?;
    let noted: Vec<Option<&Noted>> =
        alert.events.iter().map(|event| notes.get(event.time_us, &event.id)).collect();
    let last = alert.events.last()?;
    let plain = || Witness {
        time_us: last.time_us,
        source: Arc::from(""),
        id: Arc::clone(&last.id),
        ..Witness::default()
    };
    let deciding = noted.iter().rev().flatten().next();
    let witness = deciding.map_or_else(plain, |noted| Witness::clone(&noted.witness));
    let entity = entity(known, alert, deciding.copied(), &witness);
    let others = noted.iter().flatten().filter(|noted| noted.witness.id != witness.id);
    let more: Vec<Witness> =
        others.take(WITNESSES_MAX).map(|noted| Witness::clone(&noted.witness)).collect();
    let hashes = alert.events.iter().zip(&noted).map(|(event, noted)| {
        event_hash(noted.map_or("", |noted| &noted.witness.source), &event.id)
    });
    Some(Signal {
        kind: SignalKind::Detection,
        content: Arc::clone(&known.about.content),
        severity: known.severity,
        weak: known.weak,
        entity,
        time_us: alert.time_us,
        matched: matched(correlation, alert),
        contrast: contrast(correlation, alert),
        more,
        more_events: hashes.collect(),
        events_total: alert.events_total as u64,
        story: Vec::new(),
        witness,
    })
}

fn entity(
    known: &Known,
    alert: &CorrelationAlert,
    noted: Option<&Noted>,
    witness: &Witness,
) -> Entity {
    if let Subject::Field(path) = &known.subject {
        let group = alert.group.iter().find(|(field, _)| field == path.as_str());
        if let Some(value) = group.and_then(|(_, value)| value.as_ref()) {
            return named(value);
        }
        let entities = noted.map(|noted| noted.entities.as_slice()).unwrap_or_default();
        let own = entities.iter().find(|(content, _)| *content == known.about.content);
        if let Some((_, entity)) = own {
            return entity.clone();
        }
    }
    known.subject.of_witness(witness)
}

fn matched(correlation: &sigma::Correlation, alert: &CorrelationAlert) -> Vec<Matched> {
    let group =
        alert.group.iter().map(|(field, value)| Matched::new("group-by", field, value.as_deref()));
    let measured = alert.measured.to_string();
    let what = match &correlation.aggregate {
        Aggregate::Measure(measure, _) => measure_name(measure),
        Aggregate::Temporal(_) => "temporal".to_owned(),
        Aggregate::Ordered(_) => "temporal_ordered".to_owned(),
    };
    let condition = Matched::new("condition", &what, Some(&measured));
    group.chain([condition]).collect()
}

fn measure_name(measure: &Measure) -> String {
    match measure {
        Measure::Events => "event_count".to_owned(),
        Measure::Values(fields) => format!("value_count({})", fields.join(", ")),
        Measure::Sum(field) => format!("value_sum({field})"),
        Measure::Average(field) => format!("value_avg({field})"),
        Measure::Percentile(field, _) => format!("value_percentile({field})"),
    }
}

/// What the limit is and what was measured, of a correlation that counts.
fn contrast(correlation: &sigma::Correlation, alert: &CorrelationAlert) -> Option<Contrast> {
    let Aggregate::Measure(measure, limits) = &correlation.aggregate else { return None };
    let Limit { operator, value } = limits.first()?;
    let span = span(correlation.timespan_seconds);
    // What is measured, in each language, and the Japanese counter word.
    let (what, what_ja, counter) = match measure {
        Measure::Events => ("events".to_owned(), "イベント".to_owned(), " 件"),
        Measure::Values(fields) => {
            let fields = fields.join(", ");
            (format!("different values of `{fields}`"), format!("`{fields}` の値"), " 種類")
        }
        Measure::Sum(field) => {
            (format!("as the sum of `{field}`"), format!("`{field}` の合計"), "")
        }
        Measure::Average(field) => {
            (format!("as the mean of `{field}`"), format!("`{field}` の平均"), "")
        }
        Measure::Percentile(field, percent) => (
            format!("as the {percent}th percentile of `{field}`"),
            format!("`{field}` の {percent} パーセンタイル"),
            "",
        ),
    };
    let (bound, bound_ja) = match operator {
        Operator::Greater => ("at most", "以下"),
        Operator::AtLeast => ("fewer than", "未満"),
        Operator::Less => ("at least", "以上"),
        Operator::AtMost => ("more than", "を超える"),
        Operator::Equal => ("other than", "以外"),
        Operator::Different => ("exactly", "ちょうど"),
    };
    let measured = &alert.measured;
    Some(Contrast {
        normal: Prose {
            en: format!("{bound} {value} {what} within {}", span.0),
            ja: format!("{what_ja}が {value}{counter}{bound_ja}（{}以内）", span.1),
        },
        seen: Prose {
            en: format!("{measured} {what} within {}", span.0),
            ja: format!("{what_ja}が {measured}{counter}（{}以内）", span.1),
        },
    })
}

/// A length of time in the largest unit that it is whole in, in both languages.
fn span(seconds: i64) -> (String, String) {
    let units =
        [(86_400, "day", "日"), (3_600, "hour", "時間"), (60, "minute", "分"), (1, "second", "秒")];
    for (size, en, ja) in units {
        if seconds >= size && seconds % size == 0 {
            let count = seconds / size;
            let plural = if count == 1 { "" } else { "s" };
            return (format!("{count} {en}{plural}"), format!("{count} {ja}"));
        }
    }
    (format!("{seconds} seconds"), format!("{seconds} 秒"))
}
