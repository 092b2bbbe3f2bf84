//! The page `/cost`: what was spent, by day, account and service, what stands out, budgets, and
//! what AWS expects.
//! What is a jump is judged elsewhere; here its findings are named.

use std::collections::{BTreeMap, BTreeSet};

use axum::Extension;
use axum::extract::State;
use axum_extra::extract::Query;
use jiff::Span;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use yagura_content::Content;
use yagura_model::finding::{Finding, FindingKind, FindingState, Scope};
use yagura_model::spend::{Budget, Micros, SpendDay, SpendKind};
use yagura_report::{Words, words};
use yagura_store::findings::{FindingFilter, FindingOrder, FindingPage, Page as ListPage};
use yagura_store::spend::SpendFilter;

use crate::fault::{Answer, Fault};
use crate::gate::{Need, Routes};
use crate::layout::{self, Nav, Shown};
use crate::state::Console;
use crate::viewer::{Role, Viewer};

/// Spans of days that can be chosen.
const SPANS: [u32; 3] = [30, 90, 365];
/// Accounts or services of the table; the others are one sum.
const ROWS_MAX: usize = 50;
/// Jumps and budgets that are named.
const NAMED_MAX: usize = 20;
/// The framework whose checks of this group ask what is paid for and not used.
const ADVISOR: &str = "trusted_advisor";
const COST_GROUP: &str = "cost";
/// Days that one column of the chart stands for at most so many columns.
const COLUMNS_MAX: usize = 92;
/// Below so many units a day, the chart counts hundredths.
const UNITS_MIN: i64 = 20;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/cost", Need::Role(Role::Viewer), page)
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    days: u32,
    account: Option<String>,
    by_account: bool,
}

impl Asked {
    fn of(pairs: &[(String, String)]) -> Self {
        let one = |name: &str| {
            let found = pairs.iter().rev().find(|(known, _)| known == name);
            found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let days = one("days").parse().ok().filter(|days| SPANS.contains(days));
        let [usual, ..] = SPANS;
        Self {
            days: days.unwrap_or(usual),
            account: Some(one("account")).filter(|account| !account.is_empty()),
            by_account: one("by") == "account",
        }
    }
}

#[derive(Debug, Serialize)]
struct Page {
    days: u32,
    spans: [u32; 3],
    account: String,
    accounts: Vec<(String, String)>,
    by: &'static str,
    empty: bool,
    ever: bool,
    limited: bool,
    totals: Vec<Total>,
    columns: Vec<Column>,
    currency: String,
    hundredths: bool,
    rows: Vec<Row>,
    more: u64,
    jumps: Vec<Named>,
    savings: Vec<Named>,
    savings_more: u64,
    budgets: Vec<BudgetRow>,
    forecast: Option<Forecast>,
    estimated: bool,
}

/// The sum in one currency.
#[derive(Debug, Serialize)]
struct Total {
    currency: String,
    charge: String,
    credit: Option<String>,
    net: String,
}

#[derive(Debug, Serialize)]
struct Column {
    label: String,
    parts: [Part; 1],
}

#[derive(Debug, Serialize)]
struct Part {
    tone: &'static str,
    word: String,
    n: u64,
}

/// What one account or service cost.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    title: Option<String>,
    charge: String,
    credit: String,
    net: String,
    currency: String,
    /// Of the same currency's sum, in percent.
    share: u64,
}

/// A finding by name.
#[derive(Debug, Serialize)]
struct Named {
    id: String,
    severity: &'static str,
    title: String,
    what: String,
    account: String,
    state: &'static str,
    last_us: i64,
}

#[derive(Debug, Serialize)]
struct BudgetRow {
    name: String,
    account: String,
    unit: String,
    limit: String,
    actual: String,
    forecast: Option<String>,
    currency: String,
    percent: u64,
    state: &'static str,
    tone: &'static str,
}

#[derive(Debug, Serialize)]
struct Forecast {
    month: String,
    rest: String,
    currency: String,
    seen_us: i64,
}

async fn page(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let asked = Asked::of(&pairs);
    if asked.account.as_ref().is_some_and(|account| !viewer.scope.admits(account)) {
        return Err(Fault::NotFound);
    }
    let today = console.now().to_zoned(TimeZone::UTC).date();
    let spend = console.store().spend();
    let from = today.saturating_sub(Span::new().days(i64::from(asked.days) - 1));
    let to = today.tomorrow().unwrap_or(today);
    let filter = SpendFilter { from, to, account: asked.account.clone() };
    let mut spent = spend.days(&filter).await?;
    spent.retain(|day| viewer.scope.admits(&day.account));
    let names: BTreeMap<String, String> =
        console.store().accounts().await?.into_iter().map(|one| (one.id, one.name)).collect();
    let mut budgets = spend.budgets().await?;
    budgets.retain(|budget| viewer.scope.admits(&budget.account));
    // What AWS expects is of the whole organization.
    let forecast = match viewer.scope {
        Scope::All => spend.forecast().await?,
        Scope::Accounts(_) => None,
    };
    let jumps = FindingFilter { kinds: vec![FindingKind::Spend], ..FindingFilter::default() };
    let jumps = open(&console, &viewer, &asked, jumps).await?;
    let contents = savers(&console.content());
    let savings = match contents.is_empty() {
        true => FindingPage::default(),
        false => {
            let kinds = vec![FindingKind::Control];
            let filter = FindingFilter { kinds, contents, ..FindingFilter::default() };
            open(&console, &viewer, &asked, filter).await?
        }
    };
    let mut view = laid_out(&asked, &viewer, &spent, &names, from, to);
    view.ever = !spent.is_empty() || !budgets.is_empty() || forecast.is_some();
    view.ever |= !jumps.findings.is_empty() || !savings.findings.is_empty();
    view.jumps = jumps.findings.iter().map(|finding| named(finding, &viewer)).collect();
    view.savings = savings.findings.iter().map(|finding| named(finding, &viewer)).collect();
    view.savings_more = savings.total.count.saturating_sub(view.savings.len() as u64);
    view.budgets = budgets.iter().map(budget).collect();
    view.budgets.sort_by_key(|row| std::cmp::Reverse(row.percent));
    view.budgets.truncate(NAMED_MAX);
    view.forecast = forecast.map(|(forecast, seen)| Forecast {
        month: forecast.month.strftime("%Y-%m").to_string(),
        rest: forecast.rest.to_string(),
        currency: forecast.currency,
        seen_us: seen.as_microsecond(),
    });
    let title = words(viewer.lang).get("console.nav.cost");
    let (template, path, query) = ("cost.html", "/cost", pairs.as_slice());
    let shown = Shown { template, nav: Nav::Cost, title, path, query, page: view };
    layout::page(&console, &viewer, shown)
}

/// Open findings, the highest rank first.
async fn open(
    console: &Console,
    viewer: &Viewer,
    asked: &Asked,
    filter: FindingFilter,
) -> Result<FindingPage, Fault> {
    let filter = FindingFilter {
        accounts: asked.account.iter().cloned().collect(),
        states: FindingState::OPEN.to_vec(),
        ..filter
    };
    let page = ListPage { order: FindingOrder::Rank, limit: NAMED_MAX, after: None };
    Ok(console.store().findings(viewer.scope.clone()).list(&filter, &page).await?)
}

/// The controls whose findings say what is paid for and not used: those that serve the cost checks
/// of AWS Trusted Advisor.
fn savers(content: &Content) -> Vec<String> {
    let Some(framework) = content.frameworks.get(ADVISOR) else { return Vec::new() };
    let checks = framework.requirements.iter().filter(|one| one.group.value == COST_GROUP);
    let serving = checks.flat_map(|check| content.controls_for(ADVISOR, &check.id.value));
    let serving: BTreeSet<&String> = serving.collect();
    serving.into_iter().cloned().collect()
}

fn named(finding: &Finding, viewer: &Viewer) -> Named {
    let seen = &finding.observation;
    Named {
        id: finding.id.clone(),
        severity: seen.severity.as_str(),
        title: seen.title.get(viewer.lang).to_owned(),
        what: seen.resource_name.clone().unwrap_or_else(|| seen.key.clone()),
        account: seen.account.clone(),
        state: finding.state.as_str(),
        last_us: seen.last_us,
    }
}

/// Sums of one name in one currency.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    charge: Micros,
    credit: Micros,
}

impl Sums {
    fn add(&mut self, day: &SpendDay) {
        match day.kind {
            SpendKind::Charge => self.charge = self.charge.plus(day.amount),
            SpendKind::Credit => self.credit = self.credit.plus(day.amount),
        }
    }

    fn net(self) -> Micros {
        self.charge.plus(self.credit)
    }
}

fn laid_out(
    asked: &Asked,
    viewer: &Viewer,
    spent: &[SpendDay],
    names: &BTreeMap<String, String>,
    from: Date,
    to: Date,
) -> Page {
    let words = words(viewer.lang);
    let mut totals: BTreeMap<&str, Sums> = BTreeMap::new();
    for day in spent {
        totals.entry(&day.currency).or_default().add(day);
    }
    let currency = totals.iter().max_by_key(|(_, sums)| sums.charge).map(|(name, _)| *name);
    let currency = currency.unwrap_or("USD").to_owned();
    let (columns, hundredths) = columns(spent, &currency, from, to);
    let (rows, more) = rows(asked, spent, names, &totals, words);
    let mut accounts: BTreeSet<&str> = spent.iter().map(|day| day.account.as_str()).collect();
    accounts.extend(asked.account.as_deref());
    let with_name = |id: &&str| ((*id).to_owned(), names.get(*id).cloned().unwrap_or_default());
    Page {
        days: asked.days,
        spans: SPANS,
        account: asked.account.clone().unwrap_or_default(),
        accounts: accounts.iter().map(with_name).collect(),
        by: if asked.by_account { "account" } else { "service" },
        empty: spent.is_empty(),
        ever: false,
        limited: viewer.scope != Scope::All,
        totals: totals
            .iter()
            .map(|(currency, sums)| Total {
                currency: (*currency).to_owned(),
                charge: sums.charge.to_string(),
                credit: (sums.credit != Micros::default()).then(|| sums.credit.to_string()),
                net: sums.net().to_string(),
            })
            .collect(),
        columns,
        currency,
        hundredths,
        rows,
        more,
        jumps: Vec::new(),
        savings: Vec::new(),
        savings_more: 0,
        budgets: Vec::new(),
        forecast: None,
        estimated: spent.iter().any(|day| day.estimated),
    }
}

/// The charges of a currency over time: a column for each day, or for several days of a long span.
/// Whether they count hundredths of its unit is said.
fn columns(spent: &[SpendDay], currency: &str, from: Date, to: Date) -> (Vec<Column>, bool) {
    let mut days: BTreeMap<Date, Micros> = BTreeMap::new();
    for day in spent.iter().filter(|day| day.currency == currency) {
        if day.kind == SpendKind::Charge {
            let sum = days.entry(day.day).or_default();
            *sum = sum.plus(day.amount);
        }
    }
    let highest = days.values().max().copied().unwrap_or_default();
    let hundredths = highest < Micros::units(UNITS_MIN);
    let unit = if hundredths { 10_000 } else { 1_000_000 };
    let mut all: Vec<(Date, Micros)> = Vec::new();
    let mut at = from;
    while at < to {
        all.push((at, days.get(&at).copied().unwrap_or_default()));
        let Ok(next) = at.tomorrow() else { break };
        at = next;
    }
    let together = all.len().div_ceil(COLUMNS_MAX).max(1);
    let column = |days: &[(Date, Micros)]| {
        let sum = days.iter().fold(Micros::default(), |sum, (_, amount)| sum.plus(*amount));
        let n = u64::try_from((sum.0 + unit / 2) / unit).unwrap_or_default();
        let label = days.first().map(|(day, _)| day.strftime("%m-%d").to_string());
        let part = Part { tone: "accent", word: currency.to_owned(), n };
        Column { label: label.unwrap_or_default(), parts: [part] }
    };
    (all.chunks(together).map(column).collect(), hundredths)
}

fn rows(
    asked: &Asked,
    spent: &[SpendDay],
    names: &BTreeMap<String, String>,
    totals: &BTreeMap<&str, Sums>,
    words: &Words,
) -> (Vec<Row>, u64) {
    let mut sums: BTreeMap<(&str, &str), Sums> = BTreeMap::new();
    for day in spent {
        let name = if asked.by_account { &day.account } else { &day.service };
        sums.entry((name, &day.currency)).or_default().add(day);
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.charge));
    let more = sums.len().saturating_sub(ROWS_MAX) as u64;
    let row = |((name, currency), sums): ((&str, &str), Sums)| {
        let all = totals.get(currency).map_or(0, |all| all.charge.0).max(1);
        let share = sums.charge.0.max(0).saturating_mul(100) / all;
        Row {
            name: match name {
                "" => words.get("console_cost.unnamed").to_owned(),
                name => name.to_owned(),
            },
            title: asked.by_account.then(|| names.get(name).cloned()).flatten(),
            charge: sums.charge.to_string(),
            credit: sums.credit.to_string(),
            net: sums.net().to_string(),
            currency: currency.to_owned(),
            share: u64::try_from(share).unwrap_or_default().min(100),
        }
    };
    (sums.into_iter().take(ROWS_MAX).map(row).collect(), more)
}

/// A budget with how it stands: as the findings about budgets say it.
fn budget(budget: &Budget) -> BudgetRow {
    let none = Micros::default();
    let will = budget.time_unit != "DAILY"
        && budget.forecast.is_some_and(|forecast| forecast > budget.limit);
    let (state, tone) = match () {
        () if budget.limit <= none => ("unknown", "unknown"),
        () if budget.actual > budget.limit => ("exceeded", "fail"),
        () if will => ("will_be_exceeded", "partly"),
        () => ("kept", "pass"),
    };
    let percent = match budget.limit <= none {
        true => 0,
        false => budget.actual.0.max(0).saturating_mul(100) / budget.limit.0,
    };
    BudgetRow {
        name: budget.name.clone(),
        account: budget.account.clone(),
        unit: budget.time_unit.clone(),
        limit: budget.limit.to_string(),
        actual: budget.actual.to_string(),
        forecast: budget.forecast.map(|forecast| forecast.to_string()),
        currency: budget.currency.clone(),
        percent: u64::try_from(percent).unwrap_or_default(),
        state,
        tone,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn day(day: Date, amount: Micros) -> SpendDay {
        SpendDay {
            account: "111122223333".into(),
            service: "Amazon S3".into(),
            day,
            kind: SpendKind::Charge,
            amount,
            currency: "USD".into(),
            estimated: false,
        }
    }

    #[test]
    fn every_day_has_a_column_and_small_sums_count_hundredths() {
        let spent = [day(date(2026, 11, 2), Micros(1_230_000))];
        let (from, to) = (date(2026, 11, 1), date(2026, 11, 4));
        let (drawn, hundredths) = columns(&spent, "USD", from, to);
        let seen: Vec<u64> = drawn.iter().map(|column| column.parts[0].n).collect();
        assert_eq!((seen, hundredths), (vec![0, 123, 0], true));
        let spent = [day(date(2026, 11, 2), Micros::units(50))];
        let (drawn, hundredths) = columns(&spent, "USD", from, to);
        assert_eq!((drawn[1].parts[0].n, hundredths), (50, false));
        let (drawn, _) = columns(&spent, "USD", date(2025, 11, 4), to);
        assert!(drawn.len() <= COLUMNS_MAX, "{}", drawn.len());
        assert_eq!(drawn.iter().map(|column| column.parts[0].n).sum::<u64>(), 50);
    }

    #[test]
    fn controls_that_save_money_are_those_of_the_cost_checks() {
        let savers = savers(Content::builtin());
        assert!(savers.iter().any(|id| id == "ec2.volume_attached"), "{savers:?}");
        assert!(!savers.iter().any(|id| id.contains("public")), "{savers:?}");
    }

    #[test]
    fn a_budget_stands_as_its_finding_says() {
        let of = |unit: &str, limit: i64, actual: i64, forecast: Option<i64>| {
            let row = budget(&Budget {
                account: "111122223333".into(),
                name: "all".into(),
                time_unit: unit.into(),
                limit: Micros::units(limit),
                actual: Micros::units(actual),
                forecast: forecast.map(Micros::units),
                currency: "USD".into(),
            });
            (row.state, row.percent)
        };
        assert_eq!(of("MONTHLY", 100, 40, Some(99)), ("kept", 40));
        assert_eq!(of("MONTHLY", 100, 40, Some(101)), ("will_be_exceeded", 40));
        assert_eq!(of("DAILY", 100, 40, Some(101)), ("kept", 40));
        assert_eq!(of("MONTHLY", 100, 101, None), ("exceeded", 101));
        assert_eq!(of("MONTHLY", 0, 40, None), ("unknown", 0));
    }
}
