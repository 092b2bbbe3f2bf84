//! Spend, wired: what AWS told goes into the store, days are judged, jumps and budgets become
//! findings. The command and the daemon both call it.
//! What is read is collect's, what is a jump judge's, what becomes of it respond's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use tokio_util::sync::CancellationToken;
use yagura_aws::{Bucket, Declared, ReadClient};
use yagura_collect::costs::{CostQuestion, Costs, costs, report};
use yagura_content::Content;
use yagura_judge::spend::{JumpOptions, LOOK_BACK_DAYS, judge_budgets, judge_spend};
use yagura_model::Unread;
use yagura_model::finding::{FindingKind, FindingState, Scope};
use yagura_model::spend::{BudgetVerdict, Micros, SpendDay, SpendJump, SpendKind, SpendSource};
use yagura_respond::findings::spend::SpendSeen;
use yagura_respond::findings::{Fold, Folded};
use yagura_store::Store;
use yagura_store::findings::{FindingFilter, FindingOrder, PAGE_MAX, Page};
use yagura_store::spend::{SpendFilter, SpendSpan};

use crate::lake_place::bucket_and_prefix;
use crate::options::AwsOptions;
use crate::reach;

/// Days that are read where nothing is known yet: what a baseline needs. Cost Explorer keeps 14
/// months of days.
const FIRST_DAYS: u32 = LOOK_BACK_DAYS;
/// Days that are read again each time: AWS changes estimates for about this long.
const AGAIN_DAYS: u32 = 10;
/// Days that are judged each time.
const JUDGED_DAYS: u32 = 7;
/// Days that are judged at most, where an open finding is older.
const JUDGED_DAYS_MAX: u32 = 60;

/// What a refresh did.
#[derive(Debug, Default)]
pub(crate) struct Refreshed {
    /// Which source told, and how many figures; `None` where none did.
    pub(crate) read: Option<(SpendSource, u64)>,
    pub(crate) unread: Vec<Unread>,
    pub(crate) budgets: usize,
    pub(crate) jumps: Vec<SpendJump>,
    pub(crate) folded: Folded,
}

/// The day (UTC) of a time.
pub(crate) fn day_of(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

fn back(day: Date, days: u32) -> Date {
    day.saturating_sub(Span::new().days(i64::from(days)))
}

/// Reads from AWS what is new, judges it, folds it.
///
/// # Errors
/// When AWS does not say who asks, or the store cannot be used. What could not be read of the
/// bill is in the answer.
pub(crate) async fn refresh(
    store: &Store,
    client: &ReadClient,
    content: Arc<Content>,
    days: Option<u32>,
    now: Timestamp,
) -> anyhow::Result<Refreshed> {
    let today = day_of(now);
    let spend = store.spend();
    let days = match (days, spend.newest(SpendSource::CostExplorer).await?) {
        (Some(days), _) => days,
        (None, None) => FIRST_DAYS,
        (None, Some(newest)) => {
            let missed = u32::try_from((today - newest).get_days()).unwrap_or(0);
            (AGAIN_DAYS + missed).min(FIRST_DAYS)
        }
    };
    let question =
        CostQuestion { from: back(today, days), to: today.tomorrow().unwrap_or(today), today };
    let told = costs(client, &question).await.map_err(crate::reach::explained)?;
    let mut refreshed = Refreshed { unread: told.unread.clone(), ..Refreshed::default() };
    if let Some((source, figures)) = &told.days {
        let mut accounts: BTreeSet<String> =
            figures.iter().map(|day| day.account.clone()).collect();
        accounts.insert(told.account.clone());
        let span = SpendSpan { from: question.from, to: question.to, accounts: Some(accounts) };
        let kept = spend.replace_spans(*source, &[span], figures, now).await?;
        refreshed.read = Some((*source, kept));
    }
    keep_plans(store, &told, now).await?;
    judge(store, content, &told, now, &mut refreshed).await?;
    Ok(refreshed)
}

/// Reads the reports of a folder, a file or a bucket (`s3://bucket/prefix`).
///
/// # Errors
/// As [`take_bucket`] and [`take_report`], and where AWS does not say who asks.
pub(crate) async fn take_place(
    store: &Store,
    place: &str,
    options: &AwsOptions,
    content: Arc<Content>,
    cancel: &CancellationToken,
    now: Timestamp,
) -> anyhow::Result<Refreshed> {
    let Some((name, prefix)) = bucket_and_prefix(place) else {
        return take_report(store, Path::new(place), content, now).await;
    };
    let aws = reach::aws(options).await?;
    let home = reach::home(&aws).await?;
    let client = aws.read(Declared::from_iter(["s3:GetObject"])).with_cancel(cancel.clone());
    let bucket = client.bucket(&home, &name, false)?;
    take_bucket(store, &bucket, &prefix, content, now).await
}

/// Fetches the reports below a prefix of a bucket, then does with them as with those of a folder.
///
/// # Errors
/// Where the bucket cannot be read, and as [`take_report`].
async fn take_bucket(
    store: &Store,
    bucket: &Bucket,
    prefix: &str,
    content: Arc<Content>,
    now: Timestamp,
) -> anyhow::Result<Refreshed> {
    let folder = tempfile::tempdir().context("could not make a folder for report files")?;
    let since = back(day_of(now), LOOK_BACK_DAYS);
    report::fetch(bucket, prefix, since, folder.path()).await?;
    take_report(store, folder.path(), content, now)
        .await
        .with_context(|| format!("could not use the reports in `{}`", bucket.location(prefix)))
}

/// Reads report files into the store, judges, folds.
///
/// # Errors
/// Where a file cannot be read whole, or the store not be used.
async fn take_report(
    store: &Store,
    path: &Path,
    content: Arc<Content>,
    now: Timestamp,
) -> anyhow::Result<Refreshed> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || report::read(&path)).await??;
    let mut refreshed = Refreshed::default();
    // A report tells of whole billing months, and of the months between them nothing.
    let span = |(from, accounts): (Date, BTreeSet<String>)| {
        let to = from.last_of_month().tomorrow().unwrap_or(from);
        SpendSpan { from, to, accounts: Some(accounts) }
    };
    let spans: Vec<SpendSpan> = read.months.into_iter().map(span).collect();
    if !spans.is_empty() {
        let (spend, source) = (store.spend(), SpendSource::Report);
        let kept = spend.replace_spans(source, &spans, &read.days, now).await?;
        refreshed.read = Some((SpendSource::Report, kept));
    }
    judge(store, content, &Costs::default(), now, &mut refreshed).await?;
    Ok(refreshed)
}

async fn keep_plans(store: &Store, told: &Costs, now: Timestamp) -> anyhow::Result<()> {
    let spend = store.spend();
    if let Some(budgets) = &told.budgets {
        spend.replace_budgets(&told.account, budgets, now).await?;
    }
    if let Some(forecast) = &told.forecast {
        spend.put_forecast(forecast, now).await?;
    }
    Ok(())
}

async fn judge(
    store: &Store,
    content: Arc<Content>,
    told: &Costs,
    now: Timestamp,
    refreshed: &mut Refreshed,
) -> anyhow::Result<()> {
    let today = day_of(now);
    let days = judged_days(store, today).await?;
    let (jumps, newest) = jumps(store, today, days, None).await?;
    let budgets = told.budgets.clone().unwrap_or_default();
    refreshed.budgets = budgets.len();
    let budgets: Vec<BudgetVerdict> = judge_budgets(&budgets);
    let budget_accounts: BTreeSet<String> =
        told.budgets.iter().map(|_| told.account.clone()).collect();
    let seen = SpendSeen {
        jumps: &jumps,
        from: back(today, days.saturating_sub(1)),
        newest: &newest,
        budgets: &budgets,
        budget_accounts: &budget_accounts,
    };
    refreshed.folded = Fold::new(content).fold_spend(store, &seen, now).await?;
    refreshed.jumps = jumps;
    Ok(())
}

/// How many days are judged: a week, and back to the oldest open jump after a pause.
async fn judged_days(store: &Store, today: Date) -> anyhow::Result<u32> {
    let filter = FindingFilter {
        states: [&FindingState::OPEN[..], &[FindingState::Suppressed]].concat(),
        kinds: vec![FindingKind::Spend],
        ..FindingFilter::default()
    };
    let page = Page { order: FindingOrder::FirstSeen, limit: PAGE_MAX, after: None };
    let open = store.findings(Scope::All).list(&filter, &page).await?;
    let oldest = open.findings.iter().map(|finding| finding.last_seen_us).min();
    let oldest = oldest.and_then(|us| Timestamp::from_microsecond(us).ok()).map(day_of);
    let since = oldest.map_or(0, |oldest| (today - oldest).get_days());
    Ok(u32::try_from(since).unwrap_or(0).clamp(JUDGED_DAYS, JUDGED_DAYS_MAX))
}

/// Judges the newest days of what is stored; also tells the newest day of each account.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn jumps(
    store: &Store,
    until: Date,
    days: u32,
    account: Option<String>,
) -> anyhow::Result<(Vec<SpendJump>, BTreeMap<String, Date>)> {
    let filter = SpendFilter {
        from: back(until, days + LOOK_BACK_DAYS),
        to: until.tomorrow().unwrap_or(until),
        account,
    };
    let spent = store.spend().days(&filter).await?;
    let mut newest: BTreeMap<String, Date> = BTreeMap::new();
    for day in &spent {
        let known = newest.entry(day.account.clone()).or_insert(day.day);
        *known = day.day.max(*known);
    }
    let options = JumpOptions { days, ..JumpOptions::default() };
    // Half a million figures take some hundred milliseconds.
    let judged = tokio::task::spawn_blocking(move || judge_spend(&spent, until, &options)).await?;
    Ok((judged, newest))
}

/// A number for Prometheus.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SpendGauge {
    pub(crate) name: &'static str,
    pub(crate) labels: Vec<String>,
    pub(crate) value: f64,
}

/// What an account spent in this month so far; labels: account, currency.
pub(crate) const MONTH: &str = "yagura_spend_month_to_date";
/// What an account spent on a service on the newest whole day; labels: account, service, currency.
pub(crate) const DAY: &str = "yagura_spend_day";
/// What AWS expects of the rest of the month; label: currency.
pub(crate) const FORECAST: &str = "yagura_spend_forecast";
/// What was spent of a budget, as a share of its limit; labels: account, budget.
pub(crate) const BUDGET: &str = "yagura_budget_spent_ratio";
/// Services of one account that are told by name; the others are one sum, `*`.
const SERVICES_TOLD: usize = 20;

/// The spend as numbers for Prometheus. The newest whole day is the day before yesterday: AWS
/// still adds to the later ones.
///
/// # Errors
/// Where the store cannot be read.
pub(crate) async fn gauges(store: &Store, now: Timestamp) -> anyhow::Result<Vec<SpendGauge>> {
    let today = day_of(now);
    let (month, whole) = (today.first_of_month(), back(today, 2));
    let filter = SpendFilter {
        from: month.min(whole),
        to: today.tomorrow().unwrap_or(today),
        account: None,
    };
    let spend = store.spend();
    let spent = spend.days(&filter).await?;
    let mut all = months(&spent, month);
    all.extend(whole_day(&spent, whole));
    if let Some((forecast, _)) = spend.forecast().await?.filter(|(one, _)| one.month == month) {
        let (labels, value) = (vec![forecast.currency], forecast.rest.as_f64());
        all.push(SpendGauge { name: FORECAST, labels, value });
    }
    for budget in spend.budgets().await?.into_iter().filter(|one| one.limit > Micros::default()) {
        let value = budget.actual.as_f64() / budget.limit.as_f64();
        all.push(SpendGauge { name: BUDGET, labels: vec![budget.account, budget.name], value });
    }
    Ok(all)
}

fn months(spent: &[SpendDay], month: Date) -> Vec<SpendGauge> {
    let mut sums: BTreeMap<(&str, &str), Micros> = BTreeMap::new();
    for one in spent.iter().filter(|one| one.day >= month) {
        let sum = sums.entry((&one.account, &one.currency)).or_default();
        *sum = sum.plus(one.amount);
    }
    let gauge = |((account, currency), sum): ((&str, &str), Micros)| SpendGauge {
        name: MONTH,
        labels: vec![account.to_owned(), currency.to_owned()],
        value: sum.as_f64(),
    };
    sums.into_iter().map(gauge).collect()
}

fn whole_day(spent: &[SpendDay], day: Date) -> Vec<SpendGauge> {
    let mut accounts: BTreeMap<(&str, &str), Vec<(&str, Micros)>> = BTreeMap::new();
    let charges = spent.iter().filter(|one| one.day == day && one.kind == SpendKind::Charge);
    for one in charges {
        accounts.entry((&one.account, &one.currency)).or_default().push((&one.service, one.amount));
    }
    let mut all = Vec::new();
    for ((account, currency), mut services) in accounts {
        services.sort_by_key(|(_, amount)| std::cmp::Reverse(*amount));
        let rest = services.split_off(services.len().min(SERVICES_TOLD));
        let rest = rest.iter().fold(Micros::default(), |sum, (_, amount)| sum.plus(*amount));
        if rest != Micros::default() {
            services.push((yagura_model::spend::ALL_SERVICES, rest));
        }
        for (service, amount) in services {
            let labels = [account, service, currency].map(str::to_owned).to_vec();
            all.push(SpendGauge { name: DAY, labels, value: amount.as_f64() });
        }
    }
    all
}
