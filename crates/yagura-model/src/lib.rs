//! The nouns of Yagura: account, ARN, resource, unread part, coverage, verdict, score, language.
//! No I/O, no clock, no environment, no random source: every value is handed in.

pub mod alert;
mod arn;
mod causes;
mod coverage;
pub mod escalation;
pub mod event;
pub mod finding;
mod ids;
pub mod imported;
pub mod indicator;
mod lang;
pub mod message;
pub mod object;
mod path;
mod resource;
mod rows;
mod score;
pub mod secret;
mod severity;
mod shown;
pub mod source;
pub mod spend;
mod truth;
mod unread;
pub mod usage;
mod verdict;

pub use arn::{Arn, ArnError};
pub use causes::with_causes;
pub use coverage::{Coverage, CoverageState};
pub use ids::{GLOBAL_REGION, OTHER_ACCOUNTS, finding_id};
pub use lang::{Lang, Prose};
pub use object::LogObject;
pub use path::{Path, PathError, Step};
pub use resource::{Relation, Resource, resource_key};
pub use rows::{
    RowColumn, RowCursor, RowError, RowFilter, RowFuture, RowKind, RowRequest, RowSource, RowTable,
    RowValue,
};
pub use score::{
    AccountRequirement, AccountScore, Attestation, FailingExample, FrameworkScore,
    RequirementScore, RequirementState, StateCounts, UnknownCause, VerdictCounts,
};
pub use severity::Severity;
pub use shown::{escape_unsafe, is_unsafe};
pub use truth::Truth;
pub use unread::{Unread, UnreadReason};
pub use verdict::{Exception, Verdict, VerdictStatus};
