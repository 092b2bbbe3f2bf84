//! The only crate that speaks AWS: any operation of any service, described by a table.
//! It decides nothing about what the answers mean for security, and keeps nothing on disk.
//!
//! ```no_run
//! # type Done = Result<(), Box<dyn std::error::Error>>;
//! # async fn example(table: &'static [u8], actions: &[u8]) -> Done {
//! use yagura_aws::{Actions, Api, Aws, Declared, Target};
//!
//! let aws = Aws::builder(Api::open(table)?, Actions::open(actions)?).build().await?;
//! let client = aws.read(Declared::none());
//! let account = client.caller_identity().await?.account.clone();
//! let target = Target::new(account, client.region());
//! let users = client.call_all(&target, "iam", "ListUsers", &serde_json::json!({})).await?;
//! # Ok(()) }
//! ```

pub mod api;
mod bucket;
mod client;
mod clock;
mod counters;
mod credentials;
pub mod endpoint;
mod error;
mod limits;
pub mod protocol;
mod queue;
mod read;
pub mod replay;
mod retry;
mod secrets;
mod sign;
mod topic;
mod transport;
mod web;
mod write;

pub use api::{Actions, Api};
pub use bucket::{Bucket, Content, Fetched, Listed, ListedPage, Listing, call_error};
pub use client::{Aws, AwsBuilder, CallerIdentity, Target};
pub use counters::Counts;
pub use credentials::MemberRole;
pub use error::{BuildError, CallContext, CallError, CallErrorKind, DeniedBy, Refusal};
pub use queue::{Message, QueueConsumer, QueueDepth};
pub use read::{Declared, ReadClient, is_customer_data};
pub use replay::Replay;
pub use secrets::SecretReader;
pub use topic::{Publication, Topics};
pub use web::{Web, WebAnswer, WebContent, WebError, WebRequest};
pub use write::WriteClient;
