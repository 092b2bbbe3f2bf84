//! Questions to the lake in SQL, over logs and inventory at once. Nothing is written to the lake
//! here; where files come from is the manifest's, how they are pruned is in `scan.rs`.

mod answer;
mod catalog;
mod cells;
mod damage;
mod dialect;
mod engine;
mod error;
mod meter;
mod nearest;
mod options;
mod pruning;
mod reader;
mod scan;
mod session;
mod sql;
mod values;
mod write;

pub use answer::{Answer, ColumnInfo};
pub(crate) use engine::Planned;
pub use engine::{Engine, TableInfo, TableKind};
pub use error::{Pointer, QueryError};
pub(crate) use error::{RowsFault, bytes};
pub use meter::{Canceller, Progress, ProgressNow};
pub use options::{Parameter, QueryOptions};
pub(crate) use scan::{Reading, ScanFacts};
pub(crate) use values::text_value;
pub use write::{AnswerFormat, Layout, Written};
