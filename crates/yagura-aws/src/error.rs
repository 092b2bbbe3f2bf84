//! What a call to AWS that gave no answer means: denied, throttled, unsupported here, timed out.
//! How an error is recognised on the wire is in `protocol`; what to try again is in `retry`.

mod classify;
mod denied;

use std::fmt;
use std::time::Duration;

use yagura_model::{Path, Unread, UnreadReason};

pub(crate) use classify::{Fault, fault_of};
pub use denied::DeniedBy;

/// The longest [`Unread::detail`] in characters.
const DETAIL_LENGTH_MAX: usize = 300;

/// A call that gave no answer: which call it was, what AWS said, and what that means.
///
/// Whether a code means "there is none" is stated by the caller (a content file): ask
/// [`CallError::is`] before looking at [`CallError::kind`].
#[derive(Clone, Debug)]
pub struct CallError {
    /// What it means.
    pub kind: CallErrorKind,
    context: Box<CallContext>,
}

/// What a failed call means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallErrorKind {
    /// A `HEAD` request was answered 404 by AWS (the answer carries an AWS request id): there is
    /// no such thing. Every other "absent" is a code that the caller names; see [`CallError::is`].
    Absent,
    /// The caller may not make this call.
    Denied {
        /// The IAM action that is missing, where AWS names it.
        action: Option<String>,
        /// Which kind of policy forbids it, where AWS says so.
        by: DeniedBy,
    },
    /// AWS refused by rate, after all retries.
    Throttled,
    /// The region, partition or account does not offer the service or operation.
    Unsupported,
    /// No answer within the deadline.
    TimedOut,
    /// Any other error: broken answers, server errors, network, no credentials.
    Failed,
    /// The scan was cancelled before the answer came.
    Interrupted,
    /// Nothing was sent: this client refuses the operation.
    Refused(Refusal),
}

/// Why a [`ReadClient`](crate::ReadClient) refuses an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its IAM access level is not List or Read, or it is not known to be.
    NotARead,
    /// It returns customer data or credentials, and nobody declared it.
    CustomerData,
    /// It was not handed over to the [`WriteClient`](crate::WriteClient) that was to make it.
    NotHandedOver,
}

/// Which call it was and what AWS answered.
#[derive(Clone, Debug, Default)]
pub struct CallContext {
    /// Twelve digits.
    pub account: String,
    /// The region asked.
    pub region: String,
    /// The service as botocore names its folder (`s3`, `sso-admin`).
    pub service: String,
    /// The operation (`GetBucketEncryption`).
    pub operation: String,
    /// AWS's error code; empty when AWS sent none.
    pub code: String,
    /// The older code that a service which moved from Query to JSON also sends.
    pub query_code: Option<String>,
    /// AWS's message, or what went wrong on our side.
    pub message: String,
    /// The HTTP status, where an answer came.
    pub status: Option<u16>,
    /// AWS's request id, where an answer came.
    pub request_id: Option<String>,
    /// How often the call was sent.
    pub attempts: u32,
}

impl CallError {
    pub(crate) fn new(kind: CallErrorKind, context: CallContext) -> Self {
        Self { kind, context: Box::new(context) }
    }

    /// Which call it was and what AWS answered.
    pub fn context(&self) -> &CallContext {
        &self.context
    }

    /// AWS's error code; empty when AWS sent none.
    pub fn code(&self) -> &str {
        &self.context.code
    }

    /// AWS's message as it came; it may hold anything. See [`CallError::detail`].
    pub fn message(&self) -> &str {
        &self.context.message
    }

    /// Whether AWS answered with this code, or with it as the older code of a service that moved
    /// from Query to JSON (`AWS.SimpleQueueService.NonExistentQueue`). Only the whole code counts.
    pub fn is(&self, code: &str) -> bool {
        let CallContext { code: current, query_code, .. } = &*self.context;
        !code.is_empty() && (current == code || query_code.as_deref() == Some(code))
    }

    pub(crate) fn with_kind(self, kind: CallErrorKind) -> Self {
        Self { kind, ..self }
    }

    pub(crate) fn set_status(&mut self, status: u16) {
        self.context.status = Some(status);
    }

    /// Whether an organization's policy (service or resource control policy) forbids the call.
    pub fn by_organization(&self) -> bool {
        matches!(&self.kind, CallErrorKind::Denied { by, .. } if by.is_organization())
    }

    /// The call as `service:Operation`.
    pub fn call(&self) -> String {
        format!("{}:{}", self.context.service, self.context.operation)
    }

    /// Why, in the words of the model.
    pub fn reason(&self) -> UnreadReason {
        match &self.kind {
            CallErrorKind::Denied { by, .. } if by.is_organization() => {
                UnreadReason::DeniedByOrganization
            }
            CallErrorKind::Denied { .. } => UnreadReason::Denied,
            CallErrorKind::Throttled => UnreadReason::Throttled,
            CallErrorKind::Unsupported => UnreadReason::Unsupported,
            CallErrorKind::TimedOut => UnreadReason::TimedOut,
            CallErrorKind::Interrupted => UnreadReason::Interrupted,
            CallErrorKind::Absent | CallErrorKind::Failed | CallErrorKind::Refused(_) => {
                UnreadReason::Failed
            }
        }
    }

    /// Code and message in one line: shortened, free of control characters and of the encoded
    /// block that EC2 appends (it says nothing to a reader and fills a page).
    pub fn detail(&self) -> String {
        let CallContext { code, message, .. } = &*self.context;
        let message = denied::without_encoded_block(message);
        let text = match (code.is_empty(), message.is_empty()) {
            (true, _) => message.to_owned(),
            (false, true) => code.clone(),
            (false, false) => format!("{code}: {message}"),
        };
        printable(&text, DETAIL_LENGTH_MAX)
    }

    /// The part at `path` as unread, with the reason.
    pub fn unread(&self, path: Path) -> Unread {
        let action = match &self.kind {
            CallErrorKind::Denied { action: Some(action), .. } => action.clone(),
            _ => String::new(),
        };
        Unread {
            path,
            partial: false,
            reason: self.reason(),
            call: self.call(),
            action,
            detail: self.detail(),
        }
    }
}

impl CallError {
    /// What happened, without where.
    fn said(&self) -> String {
        let call = self.call();
        match &self.kind {
            CallErrorKind::Refused(Refusal::NotARead) => {
                format!("`{call}` is not sent: this client only reads")
            }
            CallErrorKind::Refused(Refusal::CustomerData) => {
                format!("`{call}` is not sent: it returns customer data and no source declares it")
            }
            CallErrorKind::Refused(Refusal::NotHandedOver) => {
                format!("`{call}` is not sent: it is none of this client's calls")
            }
            CallErrorKind::Absent => format!("`{call}` found nothing"),
            CallErrorKind::Denied { action: Some(action), .. } => {
                format!("`{call}` was denied (`{action}` is missing)")
            }
            CallErrorKind::Denied { .. } => format!("`{call}` was denied"),
            CallErrorKind::Throttled => {
                format!("`{call}` was throttled {} times", self.context.attempts)
            }
            CallErrorKind::Unsupported => format!("`{call}` is not offered"),
            CallErrorKind::TimedOut => format!("`{call}` gave no answer in time"),
            CallErrorKind::Failed => format!("`{call}` failed"),
            CallErrorKind::Interrupted => format!("`{call}` was interrupted"),
        }
    }

    /// Whether the call was never sent, or its answer never awaited: then it matters not where.
    fn is_nowhere(&self) -> bool {
        matches!(self.kind, CallErrorKind::Refused(_) | CallErrorKind::Interrupted)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.said();
        if self.is_nowhere() {
            return f.write_str(&said);
        }
        let CallContext { account, region, .. } = &*self.context;
        match (account.as_str(), region.as_str()) {
            ("", "") => write!(f, "{said}"),
            (account, "") => write!(f, "{said} in account {account}"),
            ("", region) => write!(f, "{said} in `{region}`"),
            (account, region) => write!(f, "{said} in account {account} in `{region}`"),
        }?;
        let detail = self.detail();
        if detail.is_empty() { Ok(()) } else { write!(f, ": {detail}") }
    }
}

impl std::error::Error for CallError {}

/// A text from outside in at most `length_max` characters and without control characters.
pub(crate) fn printable(text: &str, length_max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(length_max * 4));
    let mut length = 0;
    let mut space = true;
    for c in text.chars() {
        let c = if c.is_whitespace() || is_unprintable(c) { ' ' } else { c };
        if c == ' ' && space {
            continue;
        }
        space = c == ' ';
        if length == length_max {
            line.push('…');
            return line;
        }
        line.push(c);
        length += 1;
    }
    line.truncate(line.trim_end().len());
    line
}

/// Control characters, and the invisible ones that reorder or hide text.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{feff}')
}

/// Why [`Aws`](crate::Aws) could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The certificate bundle named by `AWS_CA_BUNDLE` cannot be used.
    #[error("certificate bundle `{path}` named by AWS_CA_BUNDLE cannot be read")]
    CaBundle {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate bundle holds no certificate.
    #[error("certificate bundle `{0}` named by AWS_CA_BUNDLE holds no PEM certificate")]
    EmptyCaBundle(String),
    /// A setting is out of its range.
    #[error("{setting} must be {wanted}, not `{found}`")]
    Setting {
        /// Which.
        setting: &'static str,
        /// What it may be.
        wanted: &'static str,
        /// What it was.
        found: String,
    },
    /// The runtime's connector could not be set up.
    #[error("the connection pool cannot be set up: {0}")]
    Connector(String),
}

/// How long something took, for messages.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str, message: &str) -> CallError {
        CallError::new(
            CallErrorKind::Failed,
            CallContext { code: code.into(), message: message.into(), ..CallContext::default() },
        )
    }

    #[test]
    fn detail_is_one_short_printable_line() {
        let long = format!("a\u{1b}[31mred\u{202e}\r\nnext {}", "x".repeat(1000));
        let detail = error("Code", &long).detail();
        assert!(detail.starts_with("Code: a [31mred next xxx"), "{detail}");
        assert_eq!(detail.chars().count(), DETAIL_LENGTH_MAX + 1);
        assert!(!detail.chars().any(is_unprintable));
    }

    #[test]
    fn only_the_whole_code_counts() {
        assert!(error("NoSuchBucket", "").is("NoSuchBucket"));
        assert!(!error("NoSuchBucketPolicy", "").is("NoSuchBucket"));
        assert!(!error("", "NoSuchBucket").is(""));
    }

    #[test]
    fn a_refusal_names_the_operation() {
        let context = CallContext {
            service: "s3".into(),
            operation: "DeleteBucket".into(),
            ..CallContext::default()
        };
        let error = CallError::new(CallErrorKind::Refused(Refusal::NotARead), context);
        assert_eq!(error.to_string(), "`s3:DeleteBucket` is not sent: this client only reads");
    }
}
