//! Waiters: which operation to repeat until which answer.
//! The repeating itself is the client's.

use serde_json::Value;

use crate::api::reader::{Reader, Strings};
use crate::api::{ApiError, path};

/// What a matching answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaiterState {
    /// The awaited state is reached.
    Success,
    /// It will never be reached.
    Failure,
    /// Ask again.
    Retry,
}

/// What part of an answer is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matcher {
    /// One value of the output equals the expected one.
    Path,
    /// Every element of a list equals it (and there is one).
    PathAll,
    /// Any element of a list equals it.
    PathAny,
    /// The error's code equals it; or `true`: any error, `false`: none.
    Error,
    /// The HTTP status equals it.
    Status,
}

/// One rule of a waiter.
#[derive(Debug)]
pub struct Acceptor {
    /// What a match means.
    pub state: WaiterState,
    /// What is compared.
    pub matcher: Matcher,
    /// The path into the output (JMESPath).
    pub argument: Option<Box<str>>,
    /// What it is compared with.
    pub expected: Value,
}

/// An operation that is repeated until its answer says what is awaited.
#[derive(Debug)]
pub struct Waiter {
    name: Box<str>,
    operation: Box<str>,
    delay_seconds: u32,
    attempts_max: u32,
    acceptors: Vec<Acceptor>,
}

impl Waiter {
    pub(crate) fn read(strings: &Strings, reader: &mut Reader<'_>) -> Result<Waiter, ApiError> {
        Ok(Waiter {
            name: strings.owned(reader)?,
            operation: strings.owned(reader)?,
            delay_seconds: reader.number()?,
            attempts_max: reader.number()?,
            acceptors: reader.list(|reader| Acceptor::read(strings, reader))?,
        })
    }

    /// The waiter's name (`BucketExists`).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The operation that is repeated.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Seconds between two attempts.
    #[must_use]
    pub fn delay_seconds(&self) -> u32 {
        self.delay_seconds
    }

    /// How often it is tried at most.
    #[must_use]
    pub fn attempts_max(&self) -> u32 {
        self.attempts_max
    }

    /// The rules, of which the first match decides.
    #[must_use]
    pub fn acceptors(&self) -> &[Acceptor] {
        &self.acceptors
    }

    /// What an answer means: the first acceptor that matches; [`WaiterState::Retry`] if none does
    /// and the call succeeded, `None` if none does and it failed with `error_code`.
    #[must_use]
    pub fn judge(
        &self,
        status: u16,
        error_code: Option<&str>,
        output: &Value,
    ) -> Option<WaiterState> {
        self.acceptors
            .iter()
            .find(|acceptor| acceptor.matches(status, error_code, output))
            .map(|acceptor| acceptor.state)
            .or(if error_code.is_none() { Some(WaiterState::Retry) } else { None })
    }
}

impl Acceptor {
    fn read(strings: &Strings, reader: &mut Reader<'_>) -> Result<Acceptor, ApiError> {
        let state = match reader.byte()? {
            0 => WaiterState::Success,
            1 => WaiterState::Failure,
            2 => WaiterState::Retry,
            _ => return Err(ApiError::damaged("a waiter's state is unknown")),
        };
        let matcher = match reader.byte()? {
            0 => Matcher::Path,
            1 => Matcher::PathAll,
            2 => Matcher::PathAny,
            3 => Matcher::Error,
            4 => Matcher::Status,
            _ => return Err(ApiError::damaged("a waiter's matcher is unknown")),
        };
        let argument = strings.maybe(reader)?;
        let expected = serde_json::from_str(&strings.owned(reader)?)
            .map_err(|error| ApiError::damaged(format!("a waiter's value: {error}")))?;
        Ok(Acceptor { state, matcher, argument, expected })
    }

    fn matches(&self, status: u16, error_code: Option<&str>, output: &Value) -> bool {
        let found = || {
            let argument = self.argument.as_deref().unwrap_or("@");
            if error_code.is_some() { Value::Null } else { path::pick(output, argument) }
        };
        let equal = |value: &Value| path::equal(value, &self.expected);
        match self.matcher {
            Matcher::Path => equal(&found()),
            Matcher::PathAll => {
                found().as_array().is_some_and(|all| !all.is_empty() && all.iter().all(equal))
            }
            Matcher::PathAny => found().as_array().is_some_and(|all| all.iter().any(equal)),
            Matcher::Error => match &self.expected {
                Value::Bool(any) => error_code.is_some() == *any,
                code => code.as_str() == error_code,
            },
            Matcher::Status => self.expected.as_u64() == Some(u64::from(status)),
        }
    }
}
