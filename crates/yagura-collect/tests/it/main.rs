//! Claims about collect as other crates use it, on the content of this repository.
//! Claims about single parts stand beside them in `src`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod ingest; // logs into the lake exactly once
mod log_feeds; // buckets, queues and log groups against moto
mod moto; // a scan end to end against moto
mod paging; // no call stops at its first page
mod permissions; // what a full scan may do
mod resource_files; // the cases of the resource files
mod seeds; // seeds of the fuzz targets of log records
mod trail; // CloudTrail's files against their digests

use std::sync::LazyLock;

use yagura_aws::{Actions, Api};

/// The tables of the repository.
fn tables() -> (Api, Actions) {
    static TABLES: LazyLock<(Api, Actions)> = LazyLock::new(|| {
        let services = include_bytes!("../../../../content/aws-api/services.zst");
        let actions = include_bytes!("../../../../content/aws-api/actions.zst");
        (Api::open(services).unwrap(), Actions::open(actions).unwrap())
    });
    TABLES.clone()
}
