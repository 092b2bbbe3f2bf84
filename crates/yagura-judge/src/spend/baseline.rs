//! What is usual on a day: the level of the last weeks, the shape of the week, what the calendar
//! brings, and how far from all that ordinary days stray. Robust: half of the days may be wrong.
//! What is done with it is beside.

use jiff::Span;
use jiff::civil::Date;
use yagura_model::spend::Micros;

use super::series::Series;
use super::{JumpOptions, LEARNED_DAYS_MIN, LOOK_BACK_DAYS};

/// Days whose median is the level.
const LEVEL_DAYS: usize = 21;
/// Weeks from which the shape of a week is learned.
const WEEKS: usize = 8;
/// Months in which the same day of the month is looked up: support plans, reservations, licences
/// and taxes are charged once a month, often on the first or the last day.
const MONTHS: i64 = 3;
/// Days are never closer together than this share of what is usual: a service that costs the same
/// to the cent every day would otherwise jump at the price of a coffee.
const SPREAD_SHARE_MIN: f64 = 0.05;
/// What scales a median deviation to a standard deviation of normal noise.
const DEVIATION_SCALE: f64 = 1.4826;

/// What is usual on one day of one series.
pub(super) struct Usual {
    /// What is to be expected.
    pub(super) expected: f64,
    /// How far ordinary days are from it.
    spread: f64,
    /// What the calendar brought on such days before, beyond the level of that time.
    calendar: f64,
    pub(super) learned_days: usize,
    pub(super) is_new: bool,
}

impl Usual {
    /// What is usual on a day, from the days before it; `None` where too few are known.
    pub(super) fn of(series: &Series, day: Date) -> Option<Self> {
        let known = series.known_before(day);
        if known < LEARNED_DAYS_MIN {
            return None;
        }
        let all = series.before(day, LOOK_BACK_DAYS as usize);
        let weeks = all.get(all.len().saturating_sub(WEEKS * 7)..).unwrap_or_default();
        let is_new = weeks.iter().all(|(_, amount)| positive(*amount) <= 0.0);
        let shape = shape_of_week(weeks);
        let flat = |(date, amount): &(Date, Micros)| positive(*amount) / factor(&shape, *date);
        let flattened: Vec<f64> = all.iter().map(flat).collect();
        let newest =
            |n: usize| flattened.get(flattened.len().saturating_sub(n)..).unwrap_or_default();
        let expected = median(newest(LEVEL_DAYS)) * factor(&shape, day);
        // Growth moves the level, so each day is held against the level of its own time.
        let stray = |at: usize| {
            let value = flattened.get(at).copied().unwrap_or_default();
            value - local_level(&flattened, at)
        };
        let strays: Vec<f64> = (flattened.len().saturating_sub(WEEKS * 7)..flattened.len())
            .map(|at| stray(at).abs())
            .collect();
        let spread = DEVIATION_SCALE * median(&strays) * factor(&shape, day);
        let extra = calendar(&all, day).map(|at| {
            let date = all.get(at).map_or(day, |(date, _)| *date);
            stray(at) * factor(&shape, date)
        });
        Some(Self {
            expected,
            spread: spread.max(SPREAD_SHARE_MIN * expected),
            calendar: extra.fold(0.0, f64::max),
            learned_days: known,
            is_new,
        })
    }

    /// The most that is not told.
    pub(super) fn limit(&self, options: &JumpOptions) -> f64 {
        let base = self.expected + self.calendar;
        let by_factor = base * options.factor;
        let by_spread = base + options.spreads * self.spread;
        let by_minimum = base + options.minimum.as_f64();
        by_factor.max(by_spread).max(by_minimum)
    }
}

/// Credits that a source tells among charges are no negative usage.
fn positive(amount: Micros) -> f64 {
    amount.as_f64().max(0.0)
}

/// The share of each weekday in a week of seven, by the median of the weeks: a service that works
/// on weekdays has five days above one and two below.
fn shape_of_week(history: &[(Date, Micros)]) -> [f64; 7] {
    let mut shares: [Vec<f64>; 7] = Default::default();
    // Whole weeks, counted back from the newest day.
    for week in history.rchunks_exact(7) {
        let sum: f64 = week.iter().map(|(_, amount)| positive(*amount)).sum();
        // A day that dwarfs its week tells about itself, not about weekdays.
        let highest = week.iter().map(|(_, amount)| positive(*amount)).fold(0.0, f64::max);
        if sum <= 0.0 || highest > 0.6 * sum {
            continue;
        }
        for (date, amount) in week {
            let share = positive(*amount) * 7.0 / sum;
            if let Some(shares) = shares.get_mut(weekday(*date)) {
                shares.push(share);
            }
        }
    }
    // Two weeks can agree by chance; a shape that few weeks tell is drawn towards none.
    shares.map(|shares| {
        let weeks = shares.len() as f64;
        if shares.len() < 2 {
            return 1.0;
        }
        let trust = weeks / (weeks + 1.0);
        (trust * median(&shares) + (1.0 - trust)).max(0.05)
    })
}

fn weekday(date: Date) -> usize {
    usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0)
}

fn factor(shape: &[f64; 7], date: Date) -> f64 {
    shape.get(weekday(date)).copied().unwrap_or(1.0)
}

/// The level around a day of the past: the median of the week before and the week after.
fn local_level(flattened: &[f64], at: usize) -> f64 {
    let (start, end) = (at.saturating_sub(7), (at + 8).min(flattened.len()));
    median(flattened.get(start..end).unwrap_or_default())
}

/// Where in the history the days are that stand around the same day of the last months, counted
/// from the month's beginning and from its end.
fn calendar<'h>(all: &'h [(Date, Micros)], day: Date) -> impl Iterator<Item = usize> + 'h {
    let first = all.first().map_or(day, |(date, _)| *date);
    let from_end = i64::from(day.last_of_month().day() - day.day());
    (1..=MONTHS).flat_map(move |months| {
        let before = day.saturating_sub(Span::new().months(months));
        let same_end = before.last_of_month().saturating_sub(Span::new().days(from_end));
        [before, same_end].into_iter().flat_map(move |near| {
            (-1..=1).filter_map(move |shift: i64| {
                let date = near.saturating_add(Span::new().days(shift));
                let at = usize::try_from((date - first).get_days()).ok()?;
                (date < day && at < all.len()).then_some(at)
            })
        })
    })
}

/// The middle value; zero of nothing.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let at = |n: usize| sorted.get(n).copied().unwrap_or(0.0);
    if sorted.len() % 2 == 1 { at(middle) } else { (at(middle.wrapping_sub(1)) + at(middle)) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0]), 2.5);
    }
}
