//! Claims about the program as a person or a pipeline meets it: the real binary, end to end.
//! Claims about single parts stand beside them in their crates.

#![allow(clippy::needless_pass_by_value, reason = "`json!` in a call reads best without `&`")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking, in its helpers too"
)]

mod access; // who can do what
mod access_generate; // policies that start from deny
mod access_hostile; // policies that nobody should send
mod account; // a small account of recorded answers, for tests that need no independent peer
mod backup; // backups, made and needed
mod command_line; // help, error messages, settings, streams
mod configuration; // what is in effect and why, what is wrong and where
mod costs; // what is spent, and what is unusual about it
mod demo; // the sample organization
mod detect; // attacks: found in files, on their way into the lake, and back over it
mod doctor; // preflight, policies, the debugging aid
mod engines; // the lake's files in other engines
mod faults; // denials, throttling, broken and late answers
mod findings; // the list that a team works
mod findings_imports; // findings of other products in, ours out and back
mod formats; // each format is what it says it is
mod guides; // guides, followed word by word
mod intelligence; // threat lists: fetched, kept, asked
mod interruption; // signals, and two scans at once
mod lake; // logs: kept, asked, proven
mod moto; // scans of accounts of an independent server
mod prepared; // homes that take long to prepare, prepared once
mod program; // runs the binary
mod routes; // who is told of findings, and the proof
mod secrets; // kept, referred to, rotated, never printed
mod serve; // the daemon: latency, stops, kills, several processes
mod serve_aws; // the daemon before AWS: buckets, queues, topics, jobs on schedule
mod site; // a site's own content
mod usage; // from logs to least privilege

use std::sync::LazyLock;

use yagura_aws::Api;

/// Whatever test servers take as a key.
const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// The table of the repository.
fn api() -> Api {
    static API: LazyLock<Api> = LazyLock::new(|| {
        Api::open(include_bytes!("../../../../content/aws-api/services.zst")).unwrap()
    });
    API.clone()
}
