//! Spend judged: days on which an account spent much more on a service than it ever does, and
//! budgets that are or will be exceeded. Pure: figures are handed in.
//! Where figures come from is collect's and the store's business, who is told respond's.
//!
//! INVARIANT: only more than usual is ever told. The newest days are incomplete at AWS, so that
//! less than usual says nothing, and a day that is already too high does not become lower.

mod baseline;
mod budget;
mod series;

use jiff::civil::Date;
use yagura_model::spend::{Micros, SpendDay, SpendJump};

pub use budget::judge_budgets;

use baseline::Usual;
use series::{Series, by_account};

/// What counts as a jump.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JumpOptions {
    /// A day must cost at least so much more than usual, in units of the currency.
    pub minimum: Micros,
    /// A day must cost at least so many times what is usual.
    pub factor: f64,
    /// A day must be at least so many spreads (scaled median deviations) above what is usual.
    pub spreads: f64,
    /// How many of the newest days are judged.
    pub days: u32,
}

impl Default for JumpOptions {
    fn default() -> Self {
        Self { minimum: Micros::units(20), factor: 1.5, spreads: 5.0, days: 7 }
    }
}

/// How many days before the jump are told with it.
const BEFORE_DAYS: usize = 14;
/// Days of an account that must be known before anything is judged: what was never seen cannot
/// be unusual.
pub const LEARNED_DAYS_MIN: usize = 14;
/// Days that a baseline looks back; callers read at least so many.
pub const LOOK_BACK_DAYS: u32 = 100;

/// Judges the newest days, `options.days` up to and with `until`. `spent` may come in any order,
/// with credits and days in the future; only charges are judged.
pub fn judge_spend(spent: &[SpendDay], until: Date, options: &JumpOptions) -> Vec<SpendJump> {
    let mut jumps = Vec::new();
    for account in by_account(spent, until) {
        for back in (0..options.days).rev() {
            let Ok(day) = until.checked_sub(jiff::Span::new().days(i64::from(back))) else {
                continue;
            };
            let mut of_day: Vec<SpendJump> = account
                .services
                .iter()
                .filter_map(|series| judge_day(series, day, options))
                .collect();
            // What one service explains is told once: as that service.
            let explained: f64 = of_day.iter().map(excess).sum();
            if let Some(total) = judge_day(&account.total, day, options)
                && excess(&total) > 2.0 * explained
            {
                of_day.push(total);
            }
            jumps.append(&mut of_day);
        }
    }
    jumps
}

fn excess(jump: &SpendJump) -> f64 {
    jump.excess().as_f64()
}

fn judge_day(series: &Series, day: Date, options: &JumpOptions) -> Option<SpendJump> {
    let amount = series.on(day)?;
    // Most days are ordinary: whatever is below the minimum needs no baseline.
    if amount <= options.minimum {
        return None;
    }
    let usual = Usual::of(series, day)?;
    let limit = usual.limit(options);
    if amount.as_f64() <= limit {
        return None;
    }
    Some(SpendJump {
        account: series.account.clone(),
        service: series.service.clone(),
        day,
        amount,
        usual: Micros::from_f64(usual.expected),
        limit: Micros::from_f64(limit),
        currency: series.currency.clone(),
        learned_days: u32::try_from(usual.learned_days).unwrap_or(u32::MAX),
        is_new: usual.is_new,
        before: series.before(day, BEFORE_DAYS),
    })
}

#[cfg(test)]
mod tests;
