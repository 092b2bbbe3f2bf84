//! A record as a form: its text with blanks where columns already keep the words. Forms recur,
//! so that a record that is kept whole costs next to nothing beside its columns.
//! Decision 0007 tells why; which columns there are is `layout/`, what fills them `rows/`.

mod blank;
mod compose;
mod function;
mod making;
mod sql;
mod written;

pub(crate) use blank::{Blank, BlankStep, ITEMS_MAX, Style};
pub(crate) use compose::Composer;
pub(crate) use function::Compose;
pub(crate) use making::{FormMaker, TextPool, is_written};
pub(crate) use sql::raw_in;

/// The column of forms.
pub(crate) const FORM: &str = "raw_form";
/// The column of records that are kept as they are: those that no form can give back, and all of
/// files that were written before there were forms.
pub(crate) const RAW: &str = "raw";
