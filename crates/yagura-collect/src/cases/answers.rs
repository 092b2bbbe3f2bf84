//! Answers written down in a content case, given back as if AWS had answered.
//! What the cases expect of them is compared in `compare`.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use serde_json::{Map, Value};
use yagura_content::format::ResourceCase;
use yagura_model::{Path, Unread, UnreadReason};

use crate::caller::{CallName, Caller, Failure, Identity, Place};
use crate::cases::{account_of, partition_of};
use crate::inventory::lock;

/// Written-down answers, by `service:Operation`.
///
/// An answer is the output, `{error: Code, message: text}`, or a list of
/// `{input: {…}, answer: {…}}` and `{input: {…}, error: Code, message: text}`, of which the first
/// whose input is a subset of the call's input is taken.
#[derive(Debug)]
pub(crate) struct Answers {
    identity: Identity,
    by_call: BTreeMap<String, Value>,
    asked: Mutex<Vec<(Place, String, Value)>>,
}

impl Answers {
    /// The answers of a case.
    pub(crate) fn of(case: &ResourceCase) -> Self {
        let by_call = case.answers.clone().into_iter().collect();
        Self::new(account_of(case), partition_of(case), by_call)
    }

    pub(crate) fn new(account: &str, partition: &str, by_call: BTreeMap<String, Value>) -> Self {
        let identity = Identity {
            account: account.to_owned(),
            arn: format!("arn:{partition}:sts::{account}:assumed-role/yagura/case"),
            partition: partition.to_owned(),
        };
        Self { identity, by_call, asked: Mutex::default() }
    }

    /// Every call that was made: where, which, with what.
    #[cfg(test)]
    pub(crate) fn asked(&self) -> Vec<(Place, String, Value)> {
        lock(&self.asked).clone()
    }

    /// The calls that have an answer which nobody asked for.
    pub(crate) fn idle(&self) -> Vec<String> {
        let asked = lock(&self.asked);
        self.by_call
            .keys()
            .filter(|call| !asked.iter().any(|(_, name, _)| name == *call))
            .cloned()
            .collect()
    }

    fn answer(&self, place: &Place, call: &CallName, input: &Value) -> Result<Value, Failure> {
        let name = call.to_string();
        lock(&self.asked).push((place.clone(), name.clone(), input.clone()));
        match self.by_call.get(&name) {
            None => Err(unanswered(&name)),
            Some(Value::Array(choices)) => choices
                .iter()
                .find(|choice| choice.get("input").is_none_or(|want| is_subset(want, input)))
                .map_or_else(
                    || Err(unanswered(&name)),
                    |choice| match choice.get("answer") {
                        Some(output) => Ok(output.clone()),
                        None => answer_of(&name, choice),
                    },
                ),
            Some(answer) => answer_of(&name, answer),
        }
    }
}

/// What a case does not answer was not asked for, as far as the case is concerned.
fn unanswered(name: &str) -> Failure {
    Failure::local(UnreadReason::NotRequested, name, "the case has no answer")
}

fn answer_of(name: &str, answer: &Value) -> Result<Value, Failure> {
    let error = answer.as_object().filter(|members| is_error(members));
    let Some(error) = error else { return Ok(answer.clone()) };
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (code, message) = (text("error"), text("message"));
    Err(Failure {
        unread: Box::new(Unread {
            path: Path::default(),
            partial: false,
            reason: reason_of(&code, &message),
            call: name.to_owned(),
            action: String::new(),
            detail: format!("{code}: {message}"),
        }),
        absent: false,
        code,
        message,
    })
}

fn is_error(members: &Map<String, Value>) -> bool {
    members.get("error").is_some_and(Value::is_string)
        && members.keys().all(|key| matches!(key.as_str(), "error" | "message" | "input"))
}

/// The reason behind a code, as far as cases need it; the whole table is in `yagura-aws`.
fn reason_of(code: &str, message: &str) -> UnreadReason {
    match code {
        _ if code.contains("AccessDenied") || code == "UnauthorizedOperation" => {
            if message.contains("explicit deny in a service control policy") {
                UnreadReason::DeniedByOrganization
            } else {
                UnreadReason::Denied
            }
        }
        "Throttling" | "ThrottlingException" | "RequestLimitExceeded" => UnreadReason::Throttled,
        "OptInRequired" | "UnknownOperationException" | "SubscriptionRequiredException" => {
            UnreadReason::Unsupported
        }
        _ => UnreadReason::Failed,
    }
}

/// Whether everything in `wanted` is in `found`.
fn is_subset(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => wanted
            .iter()
            .all(|(key, value)| found.get(key).is_some_and(|found| is_subset(value, found))),
        (wanted, found) => wanted == found,
    }
}

impl Caller for Answers {
    fn identity(&self) -> BoxFuture<'_, Result<Identity, Failure>> {
        async { Ok(self.identity.clone()) }.boxed()
    }

    fn call<'a>(
        &'a self,
        place: &'a Place,
        call: &'a CallName,
        input: &'a Value,
    ) -> BoxFuture<'a, Result<Value, Failure>> {
        async move { self.answer(place, call, input) }.boxed()
    }

    fn pages<'a>(
        &'a self,
        place: &'a Place,
        call: &'a CallName,
        input: &'a Value,
    ) -> BoxStream<'a, Result<Value, Failure>> {
        futures::stream::once(async move { self.answer(place, call, input) }).boxed()
    }

    /// Written-down answers do not change by waiting.
    fn pause(&self, _: Duration) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}

/// Whether an answer or an input could be AWS's: an invented member would prove nothing.
#[cfg(test)]
pub(crate) fn validate(call: &str, value: &Value, is_input: bool) {
    let table = include_bytes!("../../../../content/aws-api/services.zst");
    let api = yagura_aws::Api::open(table).unwrap();
    let (service, operation) = call.split_once(':').unwrap();
    let service = api.service(service).unwrap();
    let operation = service.operation(operation).unwrap();
    let checked =
        if is_input { operation.check_input(value) } else { operation.check_output(value) };
    assert_eq!(checked, Ok(()), "{call}: {value}");
}
