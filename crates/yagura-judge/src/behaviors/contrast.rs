//! What is normal and what was seen, as a reader is told it, in both languages.
//! Figures come from `values.rs`, `volume.rs` and `travel.rs`.

use std::sync::Arc;

use jiff::Timestamp;
use yagura_content::format::{Behavior, ValueOf};
use yagura_model::Prose;
use yagura_model::alert::Contrast;

use super::rate::Rate;
use super::travel::{Journey, Stay};
use super::values::{NEW_VALUES_MAX, New};
use super::volume::Expected;

/// Characters of one name in a sentence.
const NAME_CHARS_MAX: usize = 120;

/// A name cut to what a sentence can hold.
pub(super) fn short(name: &str) -> Arc<str> {
    match name.char_indices().nth(NAME_CHARS_MAX) {
        None => Arc::from(name),
        Some((end, _)) => Arc::from(format!("{}…", name.get(..end).unwrap_or_default())),
    }
}

/// The fields that a value is taken from, as one text.
pub(super) fn field(value: &ValueOf) -> String {
    let fields: Vec<String> =
        value.from.iter().map(|template| template.value.0.to_string()).collect();
    fields.join(" ")
}

fn list<'n>(names: impl Iterator<Item = &'n str>, total: usize) -> (String, String) {
    let names: Vec<Arc<str>> = names.map(short).collect();
    let more = total.saturating_sub(names.len());
    let (en, ja) = (names.join(", "), names.join("、"));
    match (names.is_empty(), more) {
        (_, 0) => (en, ja),
        (true, _) => (format!("{total} of them"), format!("{total} 種類")),
        (false, _) => (format!("{en} and {more} more"), format!("{ja} ほか {more} 種類")),
    }
}

/// Of new values.
pub(super) fn of_values(
    behavior: &Behavior,
    rate: &Rate,
    names: Option<(&[Arc<str>], usize)>,
    told: &[New<'_>],
    peers: Option<u64>,
) -> Contrast {
    let at_us = told.first().map_or(0, |new| new.cell.start_us);
    let (days, buckets) = (rate.days(at_us), rate.buckets);
    let empty = Prose::default();
    let what = behavior.value.as_ref().map_or(&empty, |value| &value.name);
    let (unit_en, unit_ja) = unit(behavior);
    let mut normal = Prose {
        en: format!("Watched for {days} days, active in {buckets} of their {unit_en}s."),
        ja: format!(
            "{days} 日間の観測のうち、活動があったのは {buckets} 回（{unit_ja}単位）です。"
        ),
    };
    if let Some((names, total)) = names {
        let (en, ja) = list(names.iter().map(|name| &**name), total);
        normal.en += &format!(" Usual {}: {en}.", what.en);
        normal.ja += &format!("普段の {}：{ja}。", what.ja);
    }
    if let Some(total) = peers {
        let others = behavior.peers.as_ref().map_or(0, |peers| peers.others_max);
        normal.en += &match others {
            0 => format!(" None of {total} peers has had it."),
            others => format!(" At most {others} of {total} peers have had it."),
        };
        normal.ja += &match others {
            0 => format!("同じ集団のほかの {total} 主体には見られません。"),
            others => {
                format!("同じ集団のほかの {total} 主体のうち、多くても {others} 主体だけです。")
            }
        };
    }
    let new = told.iter().take(NEW_VALUES_MAX).map(|new| &*new.cell.value_name);
    let (en, ja) = list(new, told.len());
    let seen = Prose {
        en: format!("New {}: {en}.", what.en),
        ja: format!("初めて見られた {}：{ja}。", what.ja),
    };
    Contrast { normal, seen }
}

/// Of an amount.
pub(super) fn of_volume(
    behavior: &Behavior,
    expected: Expected,
    amount: u64,
    start_us: i64,
) -> Contrast {
    let empty = Prose::default();
    let what = behavior.measure.as_ref().map_or(&empty, |measure| &measure.name);
    let (unit_en, unit_ja) = unit(behavior);
    let (usual, peak) = (rounded(expected.amount), rounded(expected.peak));
    #[expect(clippy::cast_precision_loss, reason = "a ratio to be read")]
    let times = rounded(amount as f64 / expected.amount.max(1.0));
    let (when_en, when_ja) = match expected.seasonal {
        true => ("at this hour of the week", "同じ曜日・時間帯では"),
        false => ("while active", "活動中は"),
    };
    let from = time(start_us);
    let (en, ja) = (&what.en, &what.ja);
    let none = expected.peak < 0.5;
    let normal = Prose {
        en: if none {
            format!("Usually no {en} {when_en}.")
        } else {
            format!("Usual {when_en}: about {usual} {en} in one {unit_en}, at most {peak} so far.")
        },
        ja: if none {
            format!("普段、{when_ja}見られません（{ja}）。")
        } else {
            format!(
                "普段、{when_ja} {unit_ja}あたり約 {usual}、これまでの最大は {peak} です（{ja}）。"
            )
        },
    };
    let (times_en, times_ja) = match none {
        true => (String::new(), String::new()),
        false => (format!(", {times} times as much"), format!("、普段の {times} 倍")),
    };
    let seen = Prose {
        en: format!("{amount} {en} in the {unit_en} from {from}{times_en}."),
        ja: format!("{from} からの {unit_ja}に {amount}{times_ja}です（{ja}）。"),
    };
    Contrast { normal, seen }
}

/// Of a journey.
pub(super) fn of_travel(behavior: &Behavior, from: &Stay, to: &Stay, made: Journey) -> Contrast {
    let (a, b) = (short(&from.name), short(&to.name));
    let (left, km) = (time(from.last_us), rounded(made.km));
    let minutes = rounded(made.hours * 60.0);
    let (speed, limit) = (rounded(made.speed_kmh), rounded(behavior.speed_kmh));
    Contrast {
        normal: Prose {
            en: format!(
                "Last seen near {a} until {left}; nobody travels faster than {limit} km/h."
            ),
            ja: format!(
                "{left} まで {a} 付近にいました。時速 {limit} km を超える移動はできません。"
            ),
        },
        seen: Prose {
            en: format!("Near {b}, {km} km away, {minutes} minutes later: {speed} km/h."),
            ja: format!(
                "{minutes} 分後に {km} km 離れた {b} 付近にいます。時速 {speed} km に当たります。"
            ),
        },
    }
}

fn unit(behavior: &Behavior) -> (String, String) {
    let minutes = behavior.bucket.micros() / 60_000_000;
    match minutes {
        60 => ("hour".to_owned(), "1 時間".to_owned()),
        1_440 => ("day".to_owned(), "1 日".to_owned()),
        _ => (format!("{minutes} minutes"), format!("{minutes} 分")),
    }
}

fn time(us: i64) -> String {
    let seconds = Timestamp::from_second(us.div_euclid(1_000_000));
    seconds.map_or_else(|_| us.to_string(), |time| time.to_string())
}

/// Whole from ten on and where it is whole, one digit after the point otherwise.
fn rounded(number: f64) -> String {
    let whole = number >= 9.95 || (number - number.round()).abs() < 0.05;
    if whole { format!("{:.0}", number.round()) } else { format!("{number:.1}") }
}
