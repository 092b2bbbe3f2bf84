//! The IAM policy language: parse, evaluate, explain, as AWS does it.
//! No I/O, no clock, and no knowledge of Yagura: every fact about the caller, the resource and the
//! organization is handed in.
//!
//! ```
//! use iam_policy::{Context, Layers, Outcome, Policy, Principal, Request, evaluate};
//!
//! let policy = Policy::parse(
//!     r#"{"Version": "2012-10-17", "Statement": {
//!         "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::reports/*"}}"#,
//! )?;
//! let request = Request {
//!     principal: Principal::from_arn("arn:aws:iam::111122223333:user/mika"),
//!     action: "s3:GetObject",
//!     resource: "arn:aws:s3:::reports/2026.csv",
//!     resource_account: Some("111122223333"),
//!     context: Context::new(),
//!     overlap: false,
//! };
//! let identity = [&policy];
//! let decision = evaluate(&request, &Layers { identity: &identity, ..Layers::default() });
//! assert_eq!(decision.outcome, Outcome::Allowed);
//! # Ok::<(), iam_policy::ParseError>(())
//! ```

mod arn;
mod condition;
mod context;
mod evaluate;
mod glob;
mod outsider;
mod parse;
mod policy;
mod principal;
mod review;
mod template;
mod truth;

pub use condition::{Condition, Operator, Quantifier};
pub use context::{Context, ContextValue};
pub use evaluate::{
    BlockPublicAccess, Decision, KmsGrant, Layer, Layers, Level, Outcome, RCP_SERVICES, Remaining,
    Request, StatementRef, evaluate,
};
pub use glob::forms_overlap;
pub use outsider::{Outsider, Owner};
pub use parse::{Oddity, ParseError, Problem};
pub use policy::{Effect, Policy, Position, Statement};
pub use principal::{Principal, PrincipalKind};
pub use review::{KnownActions, PolicyKind, Remark, RemarkKind, RemarkWeight, review};
pub use truth::Truth;
