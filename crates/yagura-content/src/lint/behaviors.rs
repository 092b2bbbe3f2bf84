//! Checks behaviours: both languages, a condition that compiles, what each kind needs, cases.
//! Whether the cases come out as they say is tested in `yagura-judge`.

use super::{Lint, prose, sequences, site};
use crate::format::{Behavior, BehaviorKind, CaseExpectation, Measure, MeasureKind, ValueForm};
use crate::place::Place;
use crate::problem::File;

pub(crate) fn check(lint: &mut Lint<'_>, behavior: &Behavior) {
    let file = lint.behavior_file(behavior);
    lint.id(&file, &behavior.id);
    prose::check(lint, &file, "title", &behavior.title);
    prose::check(lint, &file, "description", &behavior.description);
    sequences::steps(lint, &file, "falsepositives", &behavior.falsepositives);
    sequences::steps(lint, &file, "respond", &behavior.respond);
    sequences::tags(lint, &file, behavior.title.place, &behavior.tags);
    let names = lint.content.sources.keys().map(String::as_str);
    if !lint.content.sources.contains_key(behavior.source.as_str()) {
        let hint = site::near(&behavior.source, names);
        let message = format!("there is no source `{}`", behavior.source);
        lint.hinted(&file, behavior.source.place, message, hint);
    }
    if behavior.of.is_empty() {
        lint.error(&file, behavior.title.place, "`of` says nothing: whose baseline is it?");
    }
    condition(lint, &file, behavior);
    needs(lint, &file, behavior);
    limits(lint, &file, behavior);
    cases(lint, &file, behavior);
}

impl Behavior {
    /// The condition as a Sigma rule that is titled by the behaviour's id.
    pub fn sigma_text(&self) -> String {
        let rule = serde_json::json!({
            "title": self.id,
            "logsource": {"product": "aws", "service": self.source.value},
            "detection": self.condition.value,
        });
        rule.to_string()
    }
}

fn condition(lint: &mut Lint<'_>, file: &File, behavior: &Behavior) {
    let parsed = sigma::parse(&file.name, &behavior.sigma_text());
    for problem in parsed.problems {
        let message = format!("`where`: {}", problem.message);
        lint.hinted(file, behavior.condition.place, message, problem.hint);
    }
}

/// What each kind must have, and must not.
fn needs(lint: &mut Lint<'_>, file: &File, behavior: &Behavior) {
    let place = behavior.title.place;
    let has = |there: bool| if there { "has" } else { "lacks" };
    let (value, peers, measure) =
        (behavior.value.is_some(), behavior.peers.is_some(), behavior.measure.is_some());
    let wanted = match behavior.kind {
        BehaviorKind::FirstSeen => (true, peers, false),
        BehaviorKind::RareForPeers => (true, true, false),
        BehaviorKind::Volume => (false, false, true),
        BehaviorKind::ImpossibleTravel => (true, false, false),
    };
    for (name, there, wanted) in
        [("value", value, wanted.0), ("peers", peers, wanted.1), ("measure", measure, wanted.2)]
    {
        if there != wanted {
            let message = format!("a behaviour of this kind {} `{name}`", has(wanted));
            lint.error(file, place, message);
        }
    }
    if let Some(value) = &behavior.value {
        prose::texts(lint, file, "name", place, &value.name.en, &value.name.ja);
        if value.from.is_empty() {
            lint.error(file, place, "`value` is taken from nothing");
        }
        let is_place = value.form == ValueForm::Place;
        if is_place != (behavior.kind == BehaviorKind::ImpossibleTravel) {
            lint.error(file, place, "places are for impossible travel, and nothing else is");
        }
        if value.form != ValueForm::Text && value.from.len() != 1 && !value.first {
            lint.error(file, place, "a value of this form is taken from one field");
        }
    }
    if let Some(first) = behavior.tell.first()
        && !matches!(behavior.kind, BehaviorKind::FirstSeen | BehaviorKind::RareForPeers)
    {
        lint.error(file, first.place, "`tell` chooses among new values: this kind has none");
    }
    if let Some(measure) = &behavior.measure {
        check_measure(lint, file, place, measure);
    }
    if let Some(peers) = &behavior.peers
        && (peers.of.is_empty() || peers.others_max > 7 || peers.at_least <= peers.others_max)
    {
        let message = "`peers` needs `of`, `others_max` up to 7 and more peers than that";
        lint.error(file, place, message);
    }
}

fn check_measure(lint: &mut Lint<'_>, file: &File, place: Place, measure: &Measure) {
    prose::texts(lint, file, "name", place, &measure.name.en, &measure.name.ja);
    let wanted = measure.count != MeasureKind::Records;
    if measure.from.is_empty() == wanted {
        lint.error(file, place, "sums and distinct values have `from`, records have not");
    }
    if measure.count != MeasureKind::Distinct && !measure.matching.is_empty() {
        lint.error(file, place, "`matching` chooses among distinct values, and there are none");
    }
}

fn limits(lint: &mut Lint<'_>, file: &File, behavior: &Behavior) {
    let place = behavior.title.place;
    let fine = |number: f64, most: f64| number.is_finite() && number > 0.0 && number <= most;
    for (name, number, most) in [
        ("surprise_bits", behavior.surprise_bits, 30.0),
        ("deviations", behavior.deviations, 1_000.0),
        ("times", behavior.times, 1.0e6),
        ("speed_kmh", behavior.speed_kmh, 1.0e6),
        ("distance_km", behavior.distance_km, 20_000.0),
    ] {
        if !fine(number, most) {
            lint.error(file, place, format!("`{name}` is from above 0 to {most}"));
        }
    }
    if behavior.budget == 0 || behavior.budget_total < behavior.budget {
        lint.error(file, place, "`budget` is at least 1 and at most `budget_total`");
    }
    let day_us = 86_400_000_000;
    if behavior.bucket.micros() > day_us || day_us % behavior.bucket.micros() != 0 {
        lint.error(file, place, "a day is a whole number of buckets");
    }
    if behavior.learning < behavior.bucket || behavior.half_life < behavior.bucket {
        lint.error(file, place, "learning and forgetting take longer than a bucket");
    }
}

fn cases(lint: &mut Lint<'_>, file: &File, behavior: &Behavior) {
    let count = |expect| behavior.cases.iter().filter(|case| case.expect == expect).count();
    if count(CaseExpectation::Match) < 1 || count(CaseExpectation::Quiet) < 1 {
        lint.error(
            file,
            behavior.title.place,
            "there is a case that matches and one that does not",
        );
    }
}
