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
//! | [`Findings::history`], [`Findings::history_after`] | of one; of all, after a cursor |
//! | [`Findings::list`], [`Findings::count_by_many`], [`Findings::groups`] | questions |
//! | [`Findings::ids_open`] | a stream of what is not resolved, for closing |
//! | [`Findings::forget_resolved`] | retention |

mod act;
mod chunks;
mod column;
mod condition;
mod count;
mod forget;
mod kept;
mod list;
mod matching;
mod names;
mod observe;
mod question;
mod read;
mod rows;
mod terms;
mod text;
mod work;

use std::sync::Arc;

use yagura_model::finding::Scope;

use crate::Store;
use crate::database::Database;

pub use forget::Forgotten;
pub(crate) use kept::Kept;
pub use observe::Rules;
pub use question::{
    Assignee, COMPARED_MAX, COUNTS_MAX, Count, Counts, FindingCursor, FindingFilter, FindingGroup,
    FindingGroups, FindingOrder, FindingPage, GroupBy, GroupPage, OpenFinding, PAGE_MAX, Page,
    Span, Total, WORDS_MAX,
};
pub(crate) use terms::write_triples;

/// The findings of a store, within a scope. Clones share its connections.
///
/// Every method that changes something is one transaction, or several of which each may be
/// repeated without harm.
#[derive(Clone)]
pub struct Findings {
    database: Database,
    scope: Scope,
    kept: Arc<Kept>,
}

impl Store {
    /// The findings in this store that a scope admits.
    pub fn findings(&self, scope: Scope) -> Findings {
        Findings { database: self.database.clone(), scope, kept: self.kept.clone() }
    }
}
