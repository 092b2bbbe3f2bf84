//! Retention: resolved findings go with their history, and leave a number behind.
//! When and how long is kept, the caller decides.

use std::collections::BTreeMap;

use jiff::Timestamp;
use yagura_model::finding::{Finding, FindingState};

use super::Findings;
use super::column::{Column, GONE};
use super::count::day_name;
use super::matching::{Plan, value};
use super::names::names_of;
use super::question::FindingFilter;
use super::rows::{self, Reach, id_bytes};
use super::terms::terms_of;
use super::work::Work;
use crate::batch;
use crate::database::Param;
use crate::error::StoreError;

/// Findings taken away in one transaction.
const PAGE: usize = 1_000;

/// How many findings were taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// The day (UTC) as of which they were resolved: `2026-11-22`.
    pub day: String,
    /// Whose they were.
    pub account: String,
    /// How many.
    pub count: u64,
}

impl Findings {
    /// Takes away findings that were resolved before a time, with their history, at most `limit`;
    /// answers how many. Their number stays ([`Self::forgotten`]). Call it again until it answers
    /// less than the limit.
    ///
    /// # Errors
    /// Where the database cannot be written. What was taken away before that is gone.
    pub async fn forget_resolved(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<u64, StoreError> {
        let before_us = before.as_microsecond();
        let mut numbers = self.resolved_before(before_us, limit).await?;
        numbers.truncate(limit);
        let mut forgotten = 0;
        for page in numbers.chunks(PAGE) {
            let mut work = self.work("take findings away", before).await?;
            forgotten += forget(&mut work, page, before_us).await?;
            work.commit().await?;
        }
        Ok(forgotten)
    }

    /// How many findings were taken away, by day and account.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn forgotten(&self) -> Result<Vec<Forgotten>, StoreError> {
        let mut session = self.database.read("count forgotten findings");
        let reach = Reach::of(&mut session, &self.scope).await?;
        let sql = format!(
            "SELECT day, account_code, finding_count FROM findings_forgotten WHERE 1 = 1{} \
             ORDER BY day, account_code",
            reach.condition()
        );
        let rows = session
            .fetch_as(sql, vec![], |row| Ok((row.text(0)?, row.int(1)?, row.int(2)?)))
            .await?;
        let codes = rows.iter().map(|(_, account, _)| *account).collect();
        let names = names_of(&mut session, Column::Account, codes).await?;
        let forgotten = |(day, account, count): (String, i64, i64)| Forgotten {
            day,
            account: names.get(&account).cloned().unwrap_or_default(),
            count: u64::try_from(count).unwrap_or_default(),
        };
        Ok(rows.into_iter().map(forgotten).collect())
    }

    async fn resolved_before(&self, before_us: i64, limit: usize) -> Result<Vec<i64>, StoreError> {
        let mut session = self.database.read("look up resolved findings");
        let states = vec![FindingState::Resolved];
        let filter = FindingFilter { states, ..FindingFilter::default() };
        let plan = Plan::of(&mut session, self, &filter).await?;
        let mut numbers = Vec::new();
        plan.scan(&mut session, &[Column::Resolved], &mut |matched| {
            let resolved = matched.values(Column::Resolved);
            let old = matched.members.slots().filter(|slot| value(resolved, *slot) < before_us);
            numbers.extend(old.map(|slot| matched.number(slot)));
            numbers.len() < limit
        })
        .await?;
        Ok(numbers)
    }
}

/// Takes those away that are still resolved.
async fn forget(work: &mut Work, page: &[i64], before_us: i64) -> Result<u64, StoreError> {
    let reach = work.reach.clone();
    let known = rows::documents(&mut work.session, &reach, page).await?;
    let old = |finding: &Finding| finding.resolved_us.is_some_and(|us| us < before_us);
    let gone: BTreeMap<i64, Finding> =
        known.into_iter().filter(|(_, finding)| old(finding)).collect();
    let columns = [Column::State, Column::Account];
    work.chunks.load(&mut work.session, &columns, gone.keys().copied()).await?;
    let mut days: BTreeMap<(String, i64), i64> = BTreeMap::new();
    let mut ids: Vec<Param> = Vec::with_capacity(gone.len());
    for (number, finding) in &gone {
        let account = work.chunks.get(Column::Account, *number);
        let day = day_name(finding.resolved_us.unwrap_or_default()).unwrap_or_default();
        *days.entry((day, account)).or_default() += 1;
        ids.extend(id_bytes(&finding.id).map(Param::from));
        work.terms.note(*number, &terms_of(finding), &[]);
        work.chunks.set(Column::State, *number, GONE);
    }
    let history =
        format!("DELETE FROM finding_history WHERE 1 = 1{} AND finding", reach.condition());
    batch::execute_in(&mut work.session, &history, &[], ids).await?;
    let rows = format!("DELETE FROM findings WHERE 1 = 1{} AND number", reach.condition());
    let numbers = gone.keys().map(|number| (*number).into()).collect();
    batch::execute_in(&mut work.session, &rows, &[], numbers).await?;
    let count = "INSERT INTO findings_forgotten (day, account_code, finding_count)";
    let after = "ON CONFLICT (day, account_code) DO UPDATE SET \
                 finding_count = findings_forgotten.finding_count + excluded.finding_count";
    let counted = |((day, account), count): ((String, i64), i64)| {
        vec![day.into(), account.into(), count.into()]
    };
    let counted = days.into_iter().map(counted).collect();
    batch::insert(&mut work.session, count, counted, after).await?;
    Ok(u64::try_from(gone.len()).unwrap_or_default())
}
