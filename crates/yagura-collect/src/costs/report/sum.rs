//! The lines of cost and usage reports, added up by account, service, day and kind.
//! Which files count is in `files`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;

use jiff::civil::Date;
use yagura_lake::input::{PickFault, read_picked};
use yagura_model::spend::{Micros, SpendDay, SpendKind};

use super::Report;

/// Columns that matter, as the legacy report's CSV names them. Its Parquet names them as CUR 2.0
/// does: in lower case, with `_` between the words.
/// Source: AWS Data Exports User Guide, column dictionaries of both generations, seen 2026-11.
const NAMES: [(&str, &str); 9] = [
    ("lineItem/UsageAccountId", "line_item_usage_account_id"),
    ("lineItem/UsageStartDate", "line_item_usage_start_date"),
    ("lineItem/UnblendedCost", "line_item_unblended_cost"),
    ("lineItem/CurrencyCode", "line_item_currency_code"),
    ("lineItem/LineItemType", "line_item_line_item_type"),
    ("lineItem/ProductCode", "line_item_product_code"),
    ("product/ProductName", "product_product_name"),
    ("bill/InvoiceId", "bill_invoice_id"),
    ("bill/BillingPeriodStartDate", "bill_billing_period_start_date"),
];
/// The first so many must be there.
const NEEDED: usize = 6;

/// What a line says, as text; empty where it does not say it.
struct Line<'t> {
    account: &'t str,
    start: &'t str,
    cost: &'t str,
    currency: &'t str,
    kind: &'t str,
    service: &'t str,
    name: &'t str,
    invoice: &'t str,
    month: &'t str,
}

impl<'t> Line<'t> {
    /// By the places of [`NAMES`].
    fn of(text: impl Fn(usize) -> &'t str) -> Self {
        Self {
            account: text(0),
            start: text(1),
            cost: text(2),
            currency: text(3),
            kind: text(4),
            service: text(5),
            name: text(6),
            invoice: text(7),
            month: text(8),
        }
    }
}

/// Where the columns are that matter, in the order of [`NAMES`].
fn places(header: &[&str]) -> Result<Vec<Option<usize>>, String> {
    let at =
        |(legacy, new): &(&str, &str)| header.iter().position(|name| name == legacy || name == new);
    let places: Vec<Option<usize>> = NAMES.iter().map(at).collect();
    let missing = NAMES.iter().zip(&places).take(NEEDED).find(|(_, place)| place.is_none());
    match missing {
        Some(((legacy, new), _)) => {
            Err(format!("columns are missing, among them `{legacy}` or `{new}`"))
        }
        None => Ok(places),
    }
}

/// Account, service, day, kind and currency.
type Key = (String, String, Date, SpendKind, String);

/// Figures added up.
#[derive(Default)]
pub(super) struct Sum {
    days: BTreeMap<Key, (Micros, bool)>,
    months: BTreeMap<Date, BTreeSet<String>>,
    pub(super) files: usize,
    lines: u64,
}

impl Sum {
    pub(super) fn csv(&mut self, from: impl Read) -> Result<(), String> {
        let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(from);
        let header = reader.headers().map_err(|error| error.to_string())?;
        let places = places(&header.iter().collect::<Vec<_>>())?;
        let mut record = csv::StringRecord::new();
        loop {
            let more = reader.read_record(&mut record).map_err(|error| error.to_string())?;
            if !more {
                self.files += 1;
                return Ok(());
            }
            let text = |at: usize| {
                let place = places.get(at).copied().flatten();
                place.and_then(|place| record.get(place)).unwrap_or_default()
            };
            self.line(&Line::of(text)).map_err(|what| {
                let line = record.position().map_or(self.lines, csv::Position::line);
                format!("line {line}: {what}")
            })?;
        }
    }

    pub(super) fn parquet(&mut self, from: File) -> Result<(), String> {
        let read = read_picked(from, places, |number, row| {
            self.line(&Line::of(|at| row.text(at))).map_err(|what| format!("row {number}: {what}"))
        });
        match read {
            Ok(_) => {
                self.files += 1;
                Ok(())
            }
            Err(PickFault::Refused(what)) => Err(what),
            Err(fault @ PickFault::Malformed { .. }) => Err(fault.to_string()),
        }
    }

    fn line(&mut self, line: &Line<'_>) -> Result<(), String> {
        self.lines += 1;
        let amount: Micros = match line.cost {
            "" => Micros::default(),
            cost => cost.parse().map_err(|_| "the cost is no number".to_owned())?,
        };
        let started = date(line.start);
        let month = match line.month {
            "" => started.map(Date::first_of_month),
            month => date(month).map(Date::first_of_month),
        };
        if let Some(month) = month {
            let accounts = self.months.entry(month).or_default();
            if !line.account.is_empty() && !accounts.contains(line.account) {
                accounts.insert(line.account.to_owned());
            }
        }
        if amount == Micros::default() {
            return Ok(());
        }
        let (Some(started), Some(month)) = (started, month) else {
            return Err("the start of usage or of the billing month is no date".to_owned());
        };
        // The bill counts some refunds and subscriptions in a later month than that in which they
        // began. Here too, so that a month that is published again replaces all that it told.
        let day = started.clamp(month, month.last_of_month());
        let kind = match line.kind {
            "Credit" | "Refund" => SpendKind::Credit,
            _ => SpendKind::Charge,
        };
        let service = if line.name.is_empty() { line.service } else { line.name };
        if line.account.len() != 12 || service.is_empty() {
            return Err("the account or the service is missing".to_owned());
        }
        // A line of an open month belongs to no invoice yet.
        let estimated = line.invoice.is_empty();
        let currency = line.currency.to_owned();
        let key = (line.account.to_owned(), service.to_owned(), day, kind, currency);
        let sum = self.days.entry(key).or_default();
        sum.0 = sum.0.plus(amount);
        sum.1 |= estimated;
        Ok(())
    }

    pub(super) fn report(self) -> Report {
        let day = |((account, service, day, kind, currency), (amount, estimated))| SpendDay {
            account,
            service,
            day,
            kind,
            amount,
            currency,
            estimated,
        };
        Report {
            days: self.days.into_iter().map(day).collect(),
            months: self.months,
            files: self.files,
            lines: self.lines,
        }
    }
}

/// The day of a time in any of the ways in which reports write one.
fn date(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}
