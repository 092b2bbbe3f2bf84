//! The store against real databases, through its public interface only.
//! Pure functions are tested beside their code.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]
#![allow(
    clippy::needless_pass_by_value,
    clippy::cloned_ref_to_slice_refs,
    reason = "the smallest input reads best as a literal"
)]

mod alerts; // keeping, joining and finding alerts; what detectors remember
mod backup; // pictures of whole databases, between kinds of databases
mod bed;
mod browse; // where tests run: a fresh SQLite file, and a fresh PostgreSQL schema where one is given
mod findings; // observing, acting, closing, listing, counting, forgetting
mod findings_life; // any life is told whole by its history; several writers
mod findings_scope; // nobody outside a scope can do anything
mod findings_text; // full-text search, the same on both databases
mod findings_upgrade; // a database of the release before findings
mod history; // versions, changes, gaps
mod imports; // what is remembered of imports and pushes
mod jobs; // leases, ticks, killed workers
mod ledger; // listings, claims, settling, reconciling, balance
mod outbox; // messages, leases, rates, storms, the proof
mod people; // people, sessions, tokens, limits, the record of actions
mod processes; // killed processes, several writers
mod properties; // what must hold for any sequence of scans
mod repeats; // requests that are sent twice
mod rows; // the store as tables of SQL
mod scans; // beginning, ending, coverage, deletion
mod schema; // golden schema, migrations, foreign and newer databases
mod scores; // how well frameworks were met, scan by scan; named questions
mod secrets; // envelopes in the database, rotation of the master key
mod snapshots; // export and import
mod spend; // money by day, budgets, forecasts
mod trouble; // full disk, read-only folder, locks
mod verdicts; // verdicts, counts, comparison, pruning
