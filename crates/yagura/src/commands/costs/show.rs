//! `yagura costs show`: what was spent, by account, service or day, with its course as a line.
//! What is unusual is in `jumps`.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use jiff::Span;
use jiff::civil::Date;
use serde_json::json;
use yagura_model::Lang;
use yagura_model::spend::{Micros, SpendDay, SpendKind};
use yagura_store::spend::SpendFilter;

use super::CostFormat;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::rows::Rows;
use crate::spending::day_of;

#[derive(Args)]
pub(super) struct ShowArgs {
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = By::Service)]
    by: By,
    #[arg(long, value_name = "N", default_value_t = 30,
        value_parser = clap::value_parser!(u32).range(1..=420))]
    days: u32,
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = CostFormat::Table)]
    format: CostFormat,
}

/// What one row is about.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Account,
    Service,
    Day,
}

impl By {
    /// The column that names the row, with its Japanese heading.
    fn column(self) -> (&'static str, &'static str) {
        match self {
            Self::Account => ("account", "アカウント"),
            Self::Service => ("service", "サービス"),
            Self::Day => ("day", "日付"),
        }
    }
}

/// Sums of one row.
#[derive(Default)]
struct Sums {
    charge: Micros,
    credit: Micros,
    days: BTreeMap<Date, Micros>,
    estimated: bool,
}

pub(super) async fn run(context: &Context, args: &ShowArgs) -> anyhow::Result<Exit> {
    let today = day_of(context.now());
    let filter = SpendFilter {
        from: today.saturating_sub(Span::new().days(i64::from(args.days) - 1)),
        to: today.tomorrow()?,
        account: args.account.clone(),
    };
    let spend = context.store().await?.spend();
    let spent = spend.days(&filter).await?;
    if spent.is_empty() {
        context.remark_in(
            "no figures are stored for these days; `yagura costs refresh` reads them",
            "この期間の金額は保存されていません。`yagura costs refresh` で読み取れます",
        );
    }
    if args.format == CostFormat::Csv {
        output::data(|out| csv(out, &spent))?;
        return Ok(Exit::Done);
    }
    let rows = rows(&spent, args.by, &filter, context.lang);
    rows.write(args.format.rows().unwrap_or(crate::options::RowFormat::Table))?;
    if let Some((forecast, _)) = spend.forecast().await? {
        let (rest, currency, month) = (forecast.rest, &forecast.currency, forecast.month);
        let month = format!("{:04}-{:02}", month.year(), month.month());
        context.remark_in(
            &format!("AWS expects {rest} {currency} more until the end of {month}"),
            &format!("AWS の予測では、{month} の残り期間の料金は {rest} {currency} です"),
        );
    }
    Ok(Exit::Done)
}

fn rows(spent: &[SpendDay], by: By, filter: &SpendFilter, lang: Lang) -> Rows {
    let mut sums: BTreeMap<(String, String), Sums> = BTreeMap::new();
    for one in spent {
        let name = match by {
            By::Account => one.account.clone(),
            By::Service => one.service.clone(),
            By::Day => one.day.to_string(),
        };
        let sum = sums.entry((name, one.currency.clone())).or_default();
        match one.kind {
            SpendKind::Charge => sum.charge = sum.charge.plus(one.amount),
            SpendKind::Credit => sum.credit = sum.credit.plus(one.amount),
        }
        if one.kind == SpendKind::Charge {
            let day = sum.days.entry(one.day).or_default();
            *day = day.plus(one.amount);
        }
        sum.estimated |= one.estimated;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    if by != By::Day {
        sums.sort_by_key(|(_, sum)| std::cmp::Reverse(sum.charge));
    }
    let columns = [
        by.column(),
        ("charges", "利用料金"),
        ("credits", "クレジット"),
        ("net", "差引額"),
        ("currency", "通貨"),
        ("estimated", "見積もり"),
        ("course", "推移"),
    ];
    let mut rows = Rows::new(lang, &columns);
    for ((name, currency), sum) in sums {
        let course = if by == By::Day { String::new() } else { course(&sum.days, filter) };
        rows.push(vec![
            json!(name),
            json!(sum.charge.to_string()),
            json!(sum.credit.to_string()),
            json!(sum.charge.plus(sum.credit).to_string()),
            json!(currency),
            json!(sum.estimated),
            json!(course),
        ]);
    }
    rows
}

/// One mark for each day, from nothing to the highest day; at most 60, the newest.
fn course(days: &BTreeMap<Date, Micros>, filter: &SpendFilter) -> String {
    const MARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const WIDTH_MAX: usize = 60;
    let highest = days.values().copied().max().unwrap_or_default().as_f64();
    let mut marks = Vec::new();
    let mut day = filter.from;
    while day < filter.to {
        let amount = days.get(&day).copied().unwrap_or_default().as_f64().max(0.0);
        let share = if highest > 0.0 { amount / highest } else { 0.0 };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share between zero and one"
        )]
        let step = (share * 7.0).round() as usize;
        marks.push(MARKS.get(step).copied().unwrap_or('█'));
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    marks.iter().skip(marks.len().saturating_sub(WIDTH_MAX)).collect()
}

fn csv(out: &mut dyn std::io::Write, spent: &[SpendDay]) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "day",
        "account",
        "service",
        "kind",
        "amount",
        "currency",
        "estimated",
    ])?;
    for one in spent {
        let micros = one.amount.0;
        let sign = if micros < 0 { "-" } else { "" };
        let micros = micros.unsigned_abs();
        writer.write_record([
            one.day.to_string(),
            one.account.clone(),
            one.service.clone(),
            one.kind.as_str().to_owned(),
            format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000),
            one.currency.clone(),
            one.estimated.to_string(),
        ])?;
    }
    writer.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_course_has_a_mark_for_each_day() {
        let filter = SpendFilter { from: date(2026, 11, 1), to: date(2026, 11, 5), account: None };
        let days = BTreeMap::from([
            (date(2026, 11, 1), Micros::units(7)),
            (date(2026, 11, 3), Micros::units(3)),
        ]);
        assert_eq!(course(&days, &filter), "█▁▄▁");
        assert_eq!(course(&BTreeMap::new(), &filter), "▁▁▁▁");
    }
}
