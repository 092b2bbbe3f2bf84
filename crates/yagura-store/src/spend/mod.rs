//! Money spent: kept by source, replaced span by span, read as the most trusted source tells it.
//! What is usual and what is a jump is judged elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use yagura_model::spend::{Budget, Micros, SpendDay, SpendForecast, SpendKind, SpendSource};

use crate::Store;
use crate::batch;
use crate::database::{Database, Param, Row, Session};
use crate::error::StoreError;

/// Rows of one statement.
const ROWS_AT_ONCE: usize = 1_000;
/// Rows that one reading gives at most: 13 months of 1,000 accounts with 20 services are 8
/// million, and whoever has those asks by account.
pub const SPEND_ROWS_MAX: usize = 2_000_000;

/// The spend of a store.
#[derive(Clone)]
pub struct Spend {
    database: Database,
}

/// Which days are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendFilter {
    /// The first day.
    pub from: Date,
    /// The day after the last.
    pub to: Date,
    /// Only this account.
    pub account: Option<String>,
}

/// Days of a source that are replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendSpan {
    /// The first day.
    pub from: Date,
    /// The day after the last.
    pub to: Date,
    /// Only those of these accounts; none for all. A payer's figures name its own accounts, and
    /// what another payer told stays.
    pub accounts: Option<BTreeSet<String>>,
}

impl From<&SpendFilter> for SpendSpan {
    fn from(filter: &SpendFilter) -> Self {
        let accounts = filter.account.clone().map(|account| BTreeSet::from([account]));
        Self { from: filter.from, to: filter.to, accounts }
    }
}

impl SpendSpan {
    fn covers(&self, day: &SpendDay) -> bool {
        self.from <= day.day
            && day.day < self.to
            && self.accounts.as_ref().is_none_or(|accounts| accounts.contains(&day.account))
    }
}

impl Store {
    /// The spend that is kept.
    pub fn spend(&self) -> Spend {
        Spend { database: self.database.clone() }
    }
}

impl Spend {
    /// Puts what a source told of a whole span of days in the place of what it told before: a
    /// service that is no longer named there is no longer kept. Days outside the span are left
    /// out. With an account named, only its days are replaced.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing was changed.
    pub async fn replace(
        &self,
        source: SpendSource,
        span: &SpendFilter,
        days: &[SpendDay],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.replace_spans(source, &[span.into()], days, now).await
    }

    /// Does [`Self::replace`] for several spans at once: all or none of them.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing was changed.
    pub async fn replace_spans(
        &self,
        source: SpendSource,
        spans: &[SpendSpan],
        days: &[SpendDay],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut session = self.database.write("keep what was spent").await?;
        let delete = "DELETE FROM spend_days WHERE source = $1 AND day >= $2 AND day < $3";
        for SpendSpan { from, to, accounts } in spans {
            let span = [source.as_str().into(), from.to_string().into(), to.to_string().into()];
            let Some(accounts) = accounts else {
                session.execute(delete, span.to_vec()).await?;
                continue;
            };
            let accounts = accounts.iter().map(|account| account.as_str().into()).collect();
            let delete = format!("{delete} AND account");
            batch::execute_in(&mut session, &delete, &span, accounts).await?;
        }
        let inside = |day: &&SpendDay| spans.iter().any(|span| span.covers(day));
        // Sources tell some services in several lines; they are one row here.
        let mut rows: BTreeMap<Line<'_>, (Micros, bool)> = BTreeMap::new();
        for day in days.iter().filter(inside) {
            let key = (
                day.day.to_string(),
                day.account.as_str(),
                day.service.as_str(),
                day.kind,
                day.currency.as_str(),
            );
            let row = rows.entry(key).or_default();
            row.0 = row.0.plus(day.amount);
            row.1 |= day.estimated;
        }
        let rows: Vec<_> = rows.into_iter().collect();
        for page in rows.chunks(ROWS_AT_ONCE) {
            insert(&mut session, source, page, now).await?;
        }
        session.commit().await?;
        Ok(rows.len() as u64)
    }

    /// What was spent, ordered by account, service and day. Of each account and day the most
    /// trusted source that told anything is taken, whole.
    ///
    /// # Errors
    /// Where the database cannot be read. [`SPEND_ROWS_MAX`] rows end the answer.
    pub async fn days(&self, filter: &SpendFilter) -> Result<Vec<SpendDay>, StoreError> {
        let mut session = self.database.read("read what was spent");
        let mut sql = "SELECT source, day, account, service, kind, currency, amount_micros, \
                       estimated FROM spend_days WHERE day >= $1 AND day < $2"
            .to_owned();
        let mut params: Vec<Param> =
            vec![filter.from.to_string().into(), filter.to.to_string().into()];
        if let Some(account) = &filter.account {
            sql.push_str(" AND account = $3");
            params.push(account.as_str().into());
        }
        sql.push_str(&format!(" ORDER BY account, service, day, kind LIMIT {SPEND_ROWS_MAX}"));
        let rows = session.fetch_as(sql, params, raw).await?;
        let mut best: BTreeMap<(String, String), SpendSource> = BTreeMap::new();
        let mut read = Vec::with_capacity(rows.len());
        for row in rows {
            let (source, day) = row.read().map_err(|detail| session.damaged(detail))?;
            let key = (day.account.clone(), day.day.to_string());
            best.entry(key).and_modify(|one| *one = source.min(*one)).or_insert(source);
            read.push((source, day));
        }
        let chosen = |(source, day): (SpendSource, SpendDay)| {
            let key = (day.account.clone(), day.day.to_string());
            (best.get(&key) == Some(&source)).then_some(day)
        };
        Ok(read.into_iter().filter_map(chosen).collect())
    }

    /// Puts all budgets of an account in the place of those known before.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing was changed.
    pub async fn replace_budgets(
        &self,
        account: &str,
        budgets: &[Budget],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut session = self.database.write("keep budgets").await?;
        let sql = "DELETE FROM spend_budgets WHERE account = $1";
        session.execute(sql, vec![account.into()]).await?;
        let sql = "INSERT INTO spend_budgets (account, name, time_unit, limit_micros, \
                   actual_micros, forecast_micros, currency, seen_us) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (account, name) DO NOTHING";
        for budget in budgets.iter().filter(|budget| budget.account == account) {
            let params = vec![
                budget.account.as_str().into(),
                budget.name.as_str().into(),
                budget.time_unit.as_str().into(),
                budget.limit.0.into(),
                budget.actual.0.into(),
                budget.forecast.map(|amount| amount.0).into(),
                budget.currency.as_str().into(),
                now.as_microsecond().into(),
            ];
            session.execute(sql, params).await?;
        }
        session.commit().await
    }

    /// The budgets that are known.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn budgets(&self) -> Result<Vec<Budget>, StoreError> {
        let mut session = self.database.read("read budgets");
        let sql = "SELECT account, name, time_unit, limit_micros, actual_micros, \
                   forecast_micros, currency FROM spend_budgets ORDER BY account, name \
                   LIMIT 100000";
        let read = |row: &Row| {
            Ok(Budget {
                account: row.text(0)?,
                name: row.text(1)?,
                time_unit: row.text(2)?,
                limit: Micros(row.int(3)?),
                actual: Micros(row.int(4)?),
                forecast: row.opt_int(5)?.map(Micros),
                currency: row.text(6)?,
            })
        };
        session.fetch_as(sql, vec![], read).await
    }

    /// Keeps what AWS expects of a month.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn put_forecast(
        &self,
        forecast: &SpendForecast,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut session = self.database.write("keep a forecast").await?;
        let sql = "INSERT INTO spend_forecasts (month, rest_micros, currency, seen_us) \
                   VALUES ($1, $2, $3, $4) ON CONFLICT (month) DO UPDATE SET \
                   rest_micros = $2, currency = $3, seen_us = $4";
        let params = vec![
            forecast.month.to_string().into(),
            forecast.rest.0.into(),
            forecast.currency.as_str().into(),
            now.as_microsecond().into(),
        ];
        session.execute(sql, params).await?;
        session.commit().await
    }

    /// The newest forecast, with when it was asked for.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn forecast(&self) -> Result<Option<(SpendForecast, Timestamp)>, StoreError> {
        let mut session = self.database.read("read a forecast");
        let sql = "SELECT month, rest_micros, currency, seen_us FROM spend_forecasts \
                   ORDER BY month DESC LIMIT 1";
        let read = |row: &Row| Ok((row.text(0)?, row.int(1)?, row.text(2)?, row.int(3)?));
        let Some((month, rest, currency, seen)) = session.fetch_one(sql, vec![], read).await?
        else {
            return Ok(None);
        };
        let damaged = |error: jiff::Error| session.damaged(error.to_string());
        let month = month.parse().map_err(damaged)?;
        let seen = Timestamp::from_microsecond(seen).map_err(damaged)?;
        Ok(Some((SpendForecast { month, rest: Micros(rest), currency }, seen)))
    }

    /// The newest day that a source told anything of.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn newest(&self, source: SpendSource) -> Result<Option<Date>, StoreError> {
        let mut session = self.database.read("read what was spent");
        let sql = "SELECT max(day) FROM spend_days WHERE source = $1";
        let params = vec![source.as_str().into()];
        let day = session.fetch_one(sql, params, |row| row.opt_text(0)).await?.flatten();
        let damaged = |error: jiff::Error| session.damaged(error.to_string());
        day.map(|day| day.parse().map_err(damaged)).transpose()
    }
}

/// A row before its texts are read.
struct Raw {
    source: String,
    day: String,
    account: String,
    service: String,
    kind: String,
    currency: String,
    amount: i64,
    estimated: bool,
}

fn raw(row: &Row) -> Result<Raw, sqlx::Error> {
    Ok(Raw {
        source: row.text(0)?,
        day: row.text(1)?,
        account: row.text(2)?,
        service: row.text(3)?,
        kind: row.text(4)?,
        currency: row.text(5)?,
        amount: row.int(6)?,
        estimated: row.flag(7)?,
    })
}

impl Raw {
    fn read(self) -> Result<(SpendSource, SpendDay), String> {
        let kind = match self.kind.as_str() {
            "charge" => SpendKind::Charge,
            "credit" => SpendKind::Credit,
            other => return Err(format!("`{other}` is no kind of spend")),
        };
        let day = self.day.parse().map_err(|error: jiff::Error| error.to_string())?;
        let spent = SpendDay {
            account: self.account,
            service: self.service,
            day,
            kind,
            amount: Micros(self.amount),
            currency: self.currency,
            estimated: self.estimated,
        };
        Ok((self.source.parse()?, spent))
    }
}

type Keyed<'a> = (Line<'a>, (Micros, bool));
/// Day, account, service, kind and currency.
type Line<'a> = (String, &'a str, &'a str, SpendKind, &'a str);

async fn insert(
    session: &mut Session,
    source: SpendSource,
    rows: &[Keyed<'_>],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut sql = "INSERT INTO spend_days (source, day, account, service, kind, currency, \
                   amount_micros, estimated, seen_us) VALUES "
        .to_owned();
    let mut params: Vec<Param> = Vec::with_capacity(rows.len() * 9);
    for (row, ((day, account, service, kind, currency), (amount, estimated))) in
        rows.iter().enumerate()
    {
        let at = row * 9;
        let places: Vec<String> = (1..=9).map(|n| format!("${}", at + n)).collect();
        sql.push_str(if row == 0 { "(" } else { ", (" });
        sql.push_str(&places.join(", "));
        sql.push(')');
        params.extend([
            Param::from(source.as_str()),
            day.as_str().into(),
            (*account).into(),
            (*service).into(),
            kind.as_str().into(),
            (*currency).into(),
            amount.0.into(),
            (*estimated).into(),
            now.as_microsecond().into(),
        ]);
    }
    session.execute(sql, params).await.map(drop)
}
