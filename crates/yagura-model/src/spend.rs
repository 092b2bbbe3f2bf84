//! Money spent: what an account spent on a service on a day, and what it was allowed to.
//! Amounts are whole millionths of a currency's unit; where they come from is not known here.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// An amount of money in millionths of the currency's unit. AWS tells amounts with up to ten
/// decimals; what is below a millionth of a dollar is no money.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Micros(pub i64);

const ONE: i64 = 1_000_000;

impl Micros {
    /// A number of whole units.
    pub fn units(units: i64) -> Self {
        Self(units.saturating_mul(ONE))
    }

    /// As a number, for what computes with shares and medians.
    #[expect(clippy::cast_precision_loss, reason = "a millionth more or less is no money")]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The nearest amount to a number; none for what is no number.
    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and NaN becomes zero")]
    pub fn from_f64(units: f64) -> Self {
        Self((units * 1e6).round() as i64)
    }

    /// The sum, at most the largest amount there is.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not an amount of money")]
pub struct MicrosError;

impl FromStr for Micros {
    type Err = MicrosError;

    /// Reads a decimal as AWS writes it: `12.3456789012`, `-0.5`, `1E-7`.
    fn from_str(text: &str) -> Result<Self, MicrosError> {
        let text = text.trim();
        if let Some((mantissa, exponent)) = text.split_once(['e', 'E']) {
            let mantissa: f64 = mantissa.parse().map_err(|_| MicrosError)?;
            let exponent: i32 = exponent.parse().map_err(|_| MicrosError)?;
            let value = mantissa * 10_f64.powi(exponent);
            return if value.is_finite() { Ok(Self::from_f64(value)) } else { Err(MicrosError) };
        }
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !plain(whole) || !plain(fraction) {
            return Err(MicrosError);
        }
        let whole: i64 =
            if whole.is_empty() { 0 } else { whole.parse().map_err(|_| MicrosError)? };
        // Seven digits: the last decides how the sixth is rounded.
        let padded: String = fraction.chars().chain(std::iter::repeat('0')).take(7).collect();
        let tenths: i64 = padded.parse().map_err(|_| MicrosError)?;
        let micros = whole.checked_mul(ONE).and_then(|all| all.checked_add((tenths + 5) / 10));
        let micros = micros.ok_or(MicrosError)?;
        Ok(Self(if negative { -micros } else { micros }))
    }
}

/// With two decimals, or with more where those would say nothing: `1234.50`, `0.0034`.
impl fmt::Display for Micros {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs();
        if micros > 0 && micros < 10_000 {
            let digits = format!("{micros:06}");
            return write!(out, "{sign}0.{}", digits.trim_end_matches('0'));
        }
        let cents = (micros + 5_000) / 10_000;
        write!(out, "{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

/// Which sort of money it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpendKind {
    /// What is charged, before credits and refunds: what was really used. Jumps are looked for
    /// here, because a credit that pays for an attacker's machines hides them in the sum.
    Charge,
    /// Credits and refunds: mostly negative.
    Credit,
}

impl SpendKind {
    /// The word used in every file and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Credit => "credit",
        }
    }
}

/// Where a figure was read, the most trusted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpendSource {
    /// Cost and usage report files.
    Report,
    /// The Cost Explorer API.
    CostExplorer,
    /// The billing metrics of CloudWatch, which are estimates.
    CloudWatch,
}

impl SpendSource {
    /// All of them, the most trusted first.
    pub const ALL: [Self; 3] = [Self::Report, Self::CostExplorer, Self::CloudWatch];

    /// The word used in every file and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::CostExplorer => "cost_explorer",
            Self::CloudWatch => "cloudwatch",
        }
    }
}

impl FromStr for SpendSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a source of spend"))
    }
}

/// What an account spent on a service on a day (UTC).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendDay {
    /// Twelve digits.
    pub account: String,
    /// The service as the source names it: `Amazon Elastic Compute Cloud - Compute`.
    pub service: String,
    /// The day.
    pub day: Date,
    /// Charge or credit.
    pub kind: SpendKind,
    /// How much.
    pub amount: Micros,
    /// ISO 4217: `USD`.
    pub currency: String,
    /// Whether AWS may still change it.
    pub estimated: bool,
}

/// A budget of AWS Budgets for costs, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// The account that has it.
    pub account: String,
    /// Its name.
    pub name: String,
    /// `DAILY`, `MONTHLY`, `QUARTERLY`, `ANNUALLY`, `CUSTOM`.
    pub time_unit: String,
    /// What may be spent in the period.
    pub limit: Micros,
    /// What was spent in it so far.
    pub actual: Micros,
    /// What AWS expects to be spent in it, where AWS says so.
    pub forecast: Option<Micros>,
    /// ISO 4217.
    pub currency: String,
}

/// What AWS expects the organization to spend in a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendForecast {
    /// The first day of the month.
    pub month: Date,
    /// What is expected from today to the month's end.
    pub rest: Micros,
    /// ISO 4217.
    pub currency: String,
}

/// The name under which the sum of all services of an account is judged.
pub const ALL_SERVICES: &str = "*";

/// A day on which much more than usual was spent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendJump {
    /// Twelve digits.
    pub account: String,
    /// The service, or [`ALL_SERVICES`].
    pub service: String,
    /// The day.
    pub day: Date,
    /// What was spent on it (so far).
    pub amount: Micros,
    /// What is usual on such a day.
    pub usual: Micros,
    /// The most that would not have been told.
    pub limit: Micros,
    /// ISO 4217.
    pub currency: String,
    /// How many days the usual was learned from.
    pub learned_days: u32,
    /// Nothing was spent on the service in those days.
    pub is_new: bool,
    /// The newest days before, with what was spent: the contrast.
    pub before: Vec<(Date, Micros)>,
}

impl SpendJump {
    /// How much more than usual it is.
    pub fn excess(&self) -> Micros {
        Micros(self.amount.0.saturating_sub(self.usual.0))
    }
}

/// How a budget stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetState {
    /// Within its limit, now and by the forecast.
    Kept,
    /// Within its limit now, and not by the forecast.
    WillBeExceeded,
    /// More was spent than it allows.
    Exceeded,
    /// It has no limit above zero, so that nothing can be said.
    Unknown,
}

impl BudgetState {
    /// The word used in every file and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::WillBeExceeded => "will_be_exceeded",
            Self::Exceeded => "exceeded",
            Self::Unknown => "unknown",
        }
    }
}

/// A budget with how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetVerdict {
    /// The budget.
    pub budget: Budget,
    /// How it stands.
    pub state: BudgetState,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_aws_writes_them() {
        let check =
            |text: &str, micros: i64| assert_eq!(text.parse(), Ok(Micros(micros)), "{text}");
        check("12.3456789012", 12_345_679);
        check("0", 0);
        check("-0.5", -500_000);
        check(".25", 250_000);
        check("1E-7", 0);
        check("1.5E3", 1_500_000_000);
        check("0.0000005", 1);
        check("+3", 3_000_000);
        for text in ["", "-", ".", "1,5", "NaN", "1e999", "99999999999999999999", "1.2.3", "--1"] {
            assert_eq!(text.parse::<Micros>(), Err(MicrosError), "{text}");
        }
    }

    #[test]
    fn amounts_are_shown_in_cents_unless_those_say_nothing() {
        let check = |micros: i64, text: &str| assert_eq!(Micros(micros).to_string(), text);
        check(1_234_500_000, "1234.50");
        check(-5_000_000, "-5.00");
        check(3_400, "0.0034");
        check(0, "0.00");
        check(999_999, "1.00");
    }
}
