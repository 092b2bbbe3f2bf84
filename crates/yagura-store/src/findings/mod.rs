//! Findings: kept by identity, with their life and its history; listed, searched and counted.
//! What a finding's life is, is the model's business; who folds and who is told, others'.
//!
//! There is no way to findings without a [`Scope`], and every method stays within it. The layout,
//! and why it is so, is in `docs/internals/findings.md`; in short: a row for each finding with its
//! document, append-only history, and beside them *columns* (one value of each of 4,096 findings in
//! a row of the database) and *terms* (which of 4,096 findings have a bigram or a mark). A question
//! reads a few columns and terms and is answered from them exactly, on both databases by the same
//! code.
//!
//! | method | does |
//! | --- | --- |
//! | [`Findings::observe`], [`Findings::observe_with`] | joins what stages see |
//! | [`Findings::close`] | resolves what stages know to be over |
//! | [`Findings::act`] | what people and rules do, with the version that they have seen |
//! | [`Findings::end_suppressions`] | ends those whose date has come |
//! | [`Findings::get`], [`Findings::get_many`], [`Findings::find`] | by identity |
//! | [`Findings::history`], [`Findings::history_after`] | of one; of all, for a reader with a cursor |
//! | [`Findings::list`], [`Findings::count_by`], [`Findings::groups`] | questions |
//! | [`Findings::ids_open`] | a stream of what is not resolved, for closing |
//! | [`Findings::forget_resolved`] | retention |
//!
//! Signatures (times are handed in as `jiff::Timestamp`):
//!
//! ```text
//! store.findings(scope: Scope) -> Findings
//! observe(&self, &[Observation], &Actor, at) -> Result<Vec<Noticed>>     // thousands at once
//! observe_with(&self, &[Observation], &Actor, at, &Rules) -> Result<Vec<Noticed>>
//!     type Rules<'a> = dyn Fn(&Finding, NoticedAs) -> Vec<(Actor, Act)> + Send + Sync + 'a;
//!     // asked in the same transaction for what is opened, reopened or raised, so that no reader
//!     // of the history sees a finding before its rules were applied
//! close(&self, &Closing, &Actor, at) -> Result<u64>                      // unknown ids are cheap
//! act(&self, &[String], &Act, &Actor, at, expected_version: Option<u64>) -> Result<Vec<Acted>>
//! end_suppressions(&self, &Actor, at) -> Result<u64>
//! get(&self, id: &str) -> Result<Option<Finding>>
//! get_many(&self, ids: &[String]) -> Result<Vec<Finding>>                // those that there are
//! find(&self, id_prefix: &str, limit) -> Result<Vec<Finding>>
//! history(&self, id: &str, after: i64, limit) -> Result<Vec<HistoryEntry>>   // oldest first
//! history_after(&self, number: i64, limit) -> Result<Vec<HistoryEntry>>
//! history_end(&self) -> Result<i64>                                      // the newest number
//! list(&self, &FindingFilter, &Page) -> Result<FindingPage>
//! count(&self, &FindingFilter) -> Result<Total>
//! count_by(&self, &FindingFilter, GroupBy) -> Result<Counts>
//! groups(&self, &FindingFilter, GroupPage) -> Result<FindingGroups>
//! ids_open(&self, &FindingFilter) -> BoxStream<'static, Result<OpenFinding>>
//! forget_resolved(&self, before, limit) -> Result<u64>                   // call again while > 0
//! forgotten(&self) -> Result<Vec<Forgotten { day, account, count }>>
//! ```
