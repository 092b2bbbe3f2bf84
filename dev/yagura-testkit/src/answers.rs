//! Recorded answers in the making: outputs as JSON, encoded as AWS would send them.
//! Every member is checked against the API table, so that no answer is invented.

use serde_json::{Map, Value};
use yagura_aws::replay::{RecordedAnswer, RecordedBody};
use yagura_aws::{Api, Replay};

use crate::wire::{self, Answer, Failure};

/// The status of an answer that says that something is not there.
const ABSENT_STATUS: u16 = 404;

/// Answers of one account, the same in every region.
#[derive(Clone, Debug)]
pub struct Answers {
    api: Api,
    account: String,
    lines: Vec<RecordedAnswer>,
}

impl Answers {
    /// Answers to the sessions of this account.
    pub fn of(account: impl Into<String>, api: &Api) -> Self {
        Self { api: api.clone(), account: account.into(), lines: Vec::new() }
    }

    /// The output for every call of an operation (`s3:ListBuckets`).
    ///
    /// # Errors
    /// When the operation is not in the table, or the output does not fit it.
    pub fn all(&mut self, call: &str, output: &Value) -> Result<(), String> {
        self.to(call, Map::new(), output)
    }

    /// The output for calls whose input has these members.
    ///
    /// # Errors
    /// When the operation is not in the table, or the output does not fit it.
    pub fn to(
        &mut self,
        call: &str,
        matching: Map<String, Value>,
        output: &Value,
    ) -> Result<(), String> {
        self.encode(call, matching, |service, operation| {
            wire::encode_output(service, operation, output)
        })
    }

    /// The code of AWS that calls with these members get because there is no such thing.
    ///
    /// # Errors
    /// When the operation is not in the table.
    pub fn absent(
        &mut self,
        call: &str,
        matching: Map<String, Value>,
        code: &str,
    ) -> Result<(), String> {
        let failure = Failure::new(code, "there is none").with_status(ABSENT_STATUS);
        self.encode(call, matching, |service, operation| {
            wire::encode_error(service, operation, &failure)
        })
    }

    /// The recording.
    ///
    /// # Errors
    /// When a line cannot be indexed.
    pub fn replay(self) -> Result<Replay, String> {
        Replay::new(self.lines, &self.api).map_err(|error| error.to_string())
    }

    fn encode(
        &mut self,
        call: &str,
        matching: Map<String, Value>,
        encode: impl FnOnce(
            &yagura_aws::api::Service,
            &yagura_aws::api::Operation,
        ) -> Result<Answer, wire::WireError>,
    ) -> Result<(), String> {
        let (service, operation) =
            call.split_once(':').ok_or_else(|| format!("`{call}` is not `service:Operation`"))?;
        let found = self.api.service(service).map_err(|error| error.to_string())?;
        let known = found.operation(operation).map_err(|error| error.to_string())?;
        let answer = encode(&found, known).map_err(|error| error.to_string())?;
        let body = String::from_utf8(answer.body).map_err(|error| error.to_string())?;
        self.lines.push(RecordedAnswer {
            account: self.account.clone(),
            region: "*".to_owned(),
            service: service.to_owned(),
            operation: operation.to_owned(),
            matching,
            status: answer.status,
            headers: answer.headers.into_iter().collect(),
            body: RecordedBody::Text(body),
        });
        Ok(())
    }
}
