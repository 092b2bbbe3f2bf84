//! How long rows are kept, per source and account, and the legal holds that beat it.
//! What was deleted is part of the manifest for ever; the files go after a grace, with `compact/`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use crate::LakeError;
use crate::amend::amend;
use crate::lake::Lake;
use crate::manifest::{Commit, CommitId, CommitKind, Deletion, Hold, LakeFile, Removal, State};

/// How long rows of some sources and accounts are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionRule {
    /// The source's id; none: all sources.
    pub source: Option<String>,
    /// The account, as in the partition; none: all accounts.
    pub account: Option<String>,
    /// Days that are kept besides today, at least one; none: for ever.
    pub days: Option<u32>,
}

/// What retention would delete or has deleted, and what a hold kept from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// The commit; none where there was nothing to delete, or it was only asked.
    pub commit: Option<CommitId>,
    /// What went, by source and account.
    pub deletions: Vec<Deletion>,
    /// Files whose time is over and that a hold keeps.
    pub files_held: u64,
}

impl RetentionRule {
    /// Which of two rules is meant: the one that names more. The account counts more than the
    /// source: who keeps an account longer means all of its logs.
    fn weight(&self) -> u8 {
        u8::from(self.account.is_some()) * 2 + u8::from(self.source.is_some())
    }

    fn covers(&self, file: &LakeFile) -> bool {
        let same = |own: &Option<String>, of: &str| own.as_deref().is_none_or(|own| own == of);
        same(&self.source, &file.source) && same(&self.account, &file.account)
    }
}

/// Why something was deleted, as the manifest keeps it for ever.
fn kept_for(days: u32) -> String {
    format!("kept for {days} days")
}

impl Deletion {
    /// For how many days the rule kept what was deleted; none where its reason is another.
    pub fn days_kept(&self) -> Option<u32> {
        self.reason.strip_prefix("kept for ")?.strip_suffix(" days")?.parse().ok()
    }
}

impl Hold {
    /// Whether the hold keeps a file.
    pub fn covers(&self, file: &LakeFile) -> bool {
        let same = |own: &Option<String>, of: &str| own.as_deref().is_none_or(|own| own == of);
        same(&self.source, &file.source)
            && same(&self.account, &file.account)
            && self.since.is_none_or(|since| file.day >= since)
            && self.until.is_none_or(|until| file.day <= until)
    }
}

impl Lake {
    /// What [`Lake::expire`] would do now. Nothing is changed.
    ///
    /// # Errors
    /// [`LakeError::Request`] for a rule of less than a day; those of the store.
    pub async fn would_expire(
        &self,
        rules: &[RetentionRule],
        now: Timestamp,
    ) -> Result<Expired, LakeError> {
        check(rules)?;
        let (expired, _) = over(&*self.state().await?, rules, now);
        Ok(expired)
    }

    /// Takes files out of the lake whose time is over and that no hold keeps; what the rules do
    /// not cover is kept for ever. The files are deleted by a later [`Lake::compact`], when no
    /// reader can use them any more.
    ///
    /// # Errors
    /// [`LakeError::Request`] for a rule of less than a day; those of the store.
    pub async fn expire(
        &self,
        rules: &[RetentionRule],
        now: Timestamp,
    ) -> Result<Expired, LakeError> {
        check(rules)?;
        let mut expired = Expired::default();
        let commit = amend(self, CommitKind::Retention, now, |state| {
            let (found, removed) = over(state, rules, now);
            expired = found;
            let deletions = expired.deletions.clone();
            let commit = Commit { removed, deletions, ..Commit::default() };
            Ok((!commit.removed.is_empty()).then_some(commit))
        })
        .await?;
        Ok(Expired { commit, ..expired })
    }

    /// Places a legal hold.
    ///
    /// # Errors
    /// [`LakeError::Request`] where a hold has that name already, or name or reason is empty;
    /// those of the store.
    pub async fn place_hold(&self, hold: &Hold) -> Result<(), LakeError> {
        if hold.name.trim().is_empty() || hold.reason.trim().is_empty() {
            return Err(LakeError::Request("a legal hold needs a name and a reason".to_owned()));
        }
        if let (Some(since), Some(until)) = (hold.since, hold.until)
            && since > until
        {
            let what = format!("the legal hold `{}` ends before it begins", hold.name);
            return Err(LakeError::Request(what));
        }
        amend(self, CommitKind::Hold, hold.placed, |state| {
            if state.holds.iter().any(|own| own.name == hold.name) {
                let what = format!("there is a legal hold `{}` already", hold.name);
                return Err(LakeError::Request(what));
            }
            Ok(Some(Commit { holds_placed: vec![hold.clone()], ..Commit::default() }))
        })
        .await
        .map(|_| ())
    }

    /// Lifts a legal hold. That it was there stays in the history of commits.
    ///
    /// # Errors
    /// [`LakeError::Request`] where no hold has that name; those of the store.
    pub async fn lift_hold(&self, name: &str, now: Timestamp) -> Result<(), LakeError> {
        amend(self, CommitKind::Hold, now, |state| {
            if !state.holds.iter().any(|own| own.name == name) {
                return Err(LakeError::Request(format!("there is no legal hold `{name}`")));
            }
            Ok(Some(Commit { holds_lifted: vec![name.to_owned()], ..Commit::default() }))
        })
        .await
        .map(|_| ())
    }
}

fn check(rules: &[RetentionRule]) -> Result<(), LakeError> {
    if rules.iter().any(|rule| rule.days == Some(0)) {
        return Err(LakeError::Request("logs are kept for one day at least".to_owned()));
    }
    Ok(())
}

/// The rule that is meant for a file: the one that names most, and of two that name as much the
/// one that keeps longer.
fn rule<'r>(rules: &'r [RetentionRule], file: &LakeFile) -> Option<&'r RetentionRule> {
    let covering = rules.iter().filter(|rule| rule.covers(file));
    covering.max_by_key(|rule| (rule.weight(), rule.days.unwrap_or(u32::MAX)))
}

/// The first day that is kept.
fn kept_from(days: u32, now: Timestamp) -> Option<Date> {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    today.checked_sub(i64::from(days).days()).ok()
}

fn over(state: &State, rules: &[RetentionRule], now: Timestamp) -> (Expired, Vec<Removal>) {
    let mut expired = Expired::default();
    let mut removed = Vec::new();
    let mut groups: BTreeMap<(Arc<str>, Arc<str>, u32), Deletion> = BTreeMap::new();
    for file in state.files.values() {
        let Some(days) = rule(rules, file).and_then(|rule| rule.days) else { continue };
        // A number of days beyond the calendar is for ever.
        if kept_from(days, now).is_none_or(|from| file.day >= from) {
            continue;
        }
        if state.holds.iter().any(|hold| hold.covers(file)) {
            expired.files_held += 1;
            continue;
        }
        removed.push(Removal { path: file.path.clone() });
        let key = (Arc::clone(&file.source), Arc::clone(&file.account), days);
        let deletion = groups.entry(key).or_insert_with(|| Deletion {
            commit: state.commit.saturating_add(1),
            time: now.max(state.time),
            source: file.source.to_string(),
            account: file.account.to_string(),
            day_min: file.day,
            day_max: file.day,
            files: 0,
            rows: 0,
            bytes: 0,
            reason: kept_for(days),
        });
        deletion.day_min = deletion.day_min.min(file.day);
        deletion.day_max = deletion.day_max.max(file.day);
        deletion.files += 1;
        deletion.rows += file.rows;
        deletion.bytes += file.bytes;
    }
    expired.deletions = groups.into_values().collect();
    (expired, removed)
}
