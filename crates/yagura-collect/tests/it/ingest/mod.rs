//! Claims about ingestion from end to end: feeds, ledger, lake, with everything real but the clock.
//! Decoding and layouts have their own tests.

mod bed; // folders, files of logs, runs, what is in the lake afterwards
mod endpoints; // records posted over HTTP, syslog messages
mod faults; // full disks, read-only folders, broken feeds
mod kills; // killed at any point, several processes at once
mod once; // nothing twice, nothing left out
mod reading; // objects shown without a lake
mod tapped; // who looks on keeps what it saw before a commit
mod watched; // an object store that tells and fails on order
