//! The demo's recording: from the readable sources in `content/demo/` to what AWS would send.
//! How a recording is played back is `yagura_aws::Replay`'s business.
//!
//! Every member of every answer is checked against the API table on its way to the wire. Calls
//! that the sources do not mention get the answer of an account that has nothing of the kind.

mod defaults;
mod organization;
mod sources;
mod texts;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use yagura_aws::Api;
use yagura_aws::replay::{self, RecordedAnswer, RecordedBody};
use yagura_content::Content;

use crate::wire;

pub use texts::in_wire_form;

/// What stands for every account or every region in a recording.
pub(crate) const ANY: &str = "*";

/// An answer as a person wrote it down, and the calls that it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The file that says so, for messages.
    pub file: String,
    /// Twelve digits, or `*`.
    pub account: String,
    /// A region's name, or `*`.
    pub region: String,
    /// The service as botocore names its folder.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// Input members that the call must have.
    pub input: Map<String, Value>,
    /// What AWS answers.
    pub outcome: Outcome,
}

/// What AWS answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The output, with the member names that AWS documents.
    Output(Value),
    /// An error.
    Error {
        /// AWS's code.
        code: String,
        /// AWS's words.
        message: String,
    },
}

/// Why no recording can be made.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A source cannot be read.
    #[error("could not read `{}`", .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A source is not what it should be.
    #[error("{file}: {what}")]
    Source {
        /// Below `content/demo/`.
        file: String,
        /// What is wrong, with the call where there is one.
        what: String,
    },
    /// The content that says which calls there are is broken.
    #[error("the resource files are broken: {0}")]
    Content(String),
}

/// Everything that AWS answers in the demo, in the order of the recording.
///
/// # Errors
/// When a file is missing or broken, or two answers claim the same call.
pub fn read(content: &Path) -> Result<Vec<Written>, DemoError> {
    let folder = content.join("demo");
    let organization = organization::Organization::read(&folder)?;
    let mut answers = organization.answers();
    for (name, account) in organization.folders() {
        answers.extend(sources::of_account(&folder, name, account)?);
    }
    let loaded = Content::from_folder(content);
    if let Some(problem) = loaded.problems.first() {
        return Err(DemoError::Content(problem.to_string()));
    }
    let none = defaults::of(&loaded, &answers);
    answers.extend(none);
    sources::refuse_repetition(&answers)?;
    answers.sort_by_cached_key(|answer| {
        let Written { account, region, service, operation, input, .. } = answer;
        // Replay takes the account of the first `GetCallerIdentity` for the caller's own.
        let caller_first = (operation != "GetCallerIdentity", *account != organization.caller());
        let input = Value::Object(input.clone()).to_string();
        (caller_first, account.clone(), region.clone(), service.clone(), operation.clone(), input)
    });
    Ok(answers)
}

/// One answer as the line of the recording.
///
/// # Errors
/// When the service, the operation or a member is none of AWS's; the message names file and call.
pub fn record(api: &Api, written: &Written) -> Result<RecordedAnswer, DemoError> {
    let Written { file, service: name, operation: call, .. } = written;
    let wrong = |what: String| DemoError::Source {
        file: file.clone(),
        what: format!("`{name}:{call}`: {what}"),
    };
    let service = api.service(name).map_err(|error| wrong(error.to_string()))?;
    let operation = service.operation(call).map_err(|error| wrong(error.to_string()))?;
    let answer = match &written.outcome {
        Outcome::Output(output) => {
            let output = in_wire_form(&service, operation, output);
            wire::encode_output(&service, operation, &output)
        }
        Outcome::Error { code, message } => {
            let mut failure = wire::Failure::new(code, message);
            failure.status = status(name, code);
            wire::encode_error(&service, operation, &failure)
        }
    };
    let answer = answer.map_err(|error| wrong(error.to_string()))?;
    let body = String::from_utf8(answer.body)
        .map_err(|_| wrong("its body is no text; the demo needs none such".to_owned()))?;
    Ok(RecordedAnswer {
        account: written.account.clone(),
        region: written.region.clone(),
        service: name.clone(),
        operation: call.clone(),
        matching: written.input.clone(),
        status: answer.status,
        headers: answer.headers.into_iter().collect(),
        body: RecordedBody::Text(body),
    })
}

/// The whole recording as the bytes of its file; the same sources give the same bytes.
///
/// # Errors
/// As [`read`] and [`record`].
pub fn recording(content: &Path, api: &Api) -> Result<Vec<u8>, DemoError> {
    let written = read(content)?;
    let lines = written.iter().map(|answer| record(api, answer));
    let lines: Vec<RecordedAnswer> = lines.collect::<Result<_, _>>()?;
    let mut packed = Vec::new();
    let source = |source| DemoError::Read { path: content.join("demo/answers.zst"), source };
    replay::write_recording(&lines, &mut packed).map_err(source)?;
    Ok(packed)
}

/// The HTTP status where the service's model does not give the code one.
/// Source: Amazon S3 API Reference, "Error responses", and the common errors of AWS APIs.
fn status(service: &str, code: &str) -> Option<u16> {
    match code {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => Some(403),
        "NoSuchEntity" => Some(404),
        _ if service == "s3" || service == "s3control" => {
            (code.starts_with("NoSuch") || code.contains("NotFound")).then_some(404)
        }
        _ => None,
    }
}
