//! The recording is fresh, and its bytes say what the sources say: to our own decoder, and to
//! botocore, which has never heard of us.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use yagura_aws::{Api, Replay, protocol};
use yagura_testkit::demo::{self, Outcome, Written};
use yagura_testkit::recorded::Recorded;

static SERVICES: &[u8] = include_bytes!("../../../../content/aws-api/services.zst");
static RECORDING: &[u8] = include_bytes!("../../../../content/demo/answers.zst");

fn content() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content")
}

fn api() -> Api {
    Api::open(SERVICES).unwrap()
}

/// Without what the wire does not carry (nothing, empty lists) or carries in its own manner
/// (`1` and `1.0`, JSON inside text).
fn essence(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), essence(value)));
            Value::Object(members.filter(|(_, value)| !is_empty(value)).collect::<Map<_, _>>())
        }
        Value::Array(elements) => elements.iter().map(essence).collect(),
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::String(text) => {
            let decoded = percent_decode_str(text).decode_utf8_lossy();
            match serde_json::from_str(&decoded) {
                Ok(Value::Object(inside)) => essence(&Value::Object(inside)),
                _ => value.clone(),
            }
        }
        _ => value.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// What the answer says, without its wire form.
fn meant(api: &Api, written: &Written) -> Value {
    match &written.outcome {
        Outcome::Error { code, message } => json!({"error": code, "message": message}),
        Outcome::Output(output) => {
            let service = api.service(&written.service).unwrap();
            let operation = service.operation(&written.operation).unwrap();
            demo::in_wire_form(&service, operation, output)
        }
    }
}

#[test]
fn the_committed_recording_is_what_the_sources_make() {
    let made = demo::recording(&content(), &api()).unwrap();
    assert!(made == RECORDING, "content/demo/answers.zst is stale; run `cargo xtask demo`");
}

#[test]
fn every_line_decodes_to_what_was_written() {
    let api = api();
    let written = demo::read(&content()).unwrap();
    assert!(written.len() > 1_000, "{}", written.len());
    for one in &written {
        let line = demo::record(&api, one).unwrap();
        let service = api.service(&one.service).unwrap();
        let operation = service.operation(&one.operation).unwrap();
        let mut headers = http::HeaderMap::new();
        for (name, value) in &line.headers {
            let name: http::HeaderName = name.parse().unwrap();
            headers.insert(name, value.parse().unwrap());
        }
        let yagura_aws::replay::RecordedBody::Text(body) = &line.body else { panic!("no text") };
        let mut decoded =
            match protocol::decode(&service, operation, line.status, &headers, body.as_bytes()) {
                Ok(output) => output,
                Err(protocol::AnswerError::Service(error)) => {
                    json!({"error": error.code, "message": error.message})
                }
                Err(error) => panic!("{error}"),
            };
        let call = format!("{} {}:{} {:?}", one.file, one.service, one.operation, one.input);
        let meant = meant(&api, one);
        // QuickSight repeats the HTTP status as a member; nobody writes it down.
        if let Some(members) = decoded.as_object_mut()
            && meant.get("Status").is_none()
            && members.get("Status") == Some(&json!(line.status))
        {
            members.remove("Status");
        }
        assert_eq!(essence(&decoded), essence(&meant), "{call}");
    }
}

#[test]
fn some_listings_have_several_pages() {
    let written = demo::read(&content()).unwrap();
    let token = |one: &&Written| {
        one.input.keys().any(|name| matches!(name.as_str(), "NextToken" | "nextToken" | "Marker"))
    };
    let paged: BTreeSet<&str> =
        written.iter().filter(token).map(|one| one.operation.as_str()).collect();
    for operation in ["ListAccounts", "DescribeSecurityGroups", "ListFunctions"] {
        assert!(paged.contains(operation), "{paged:?}");
    }
}

/// Where `cargo xtask test` installs moto, and with it botocore.
fn python() -> PathBuf {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python");
    assert!(
        program.is_file(),
        "no botocore at `{}`; run `cargo xtask test`, which installs it",
        program.display()
    );
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn botocore_reads_what_was_written() {
    let api = api();
    let server = Recorded::start(Replay::open(RECORDING, &api).unwrap()).await.unwrap();
    let written: Vec<Written> = demo::read(&content()).unwrap();
    // The answers that somebody wrote; what is made up for the rest is the same few forms.
    let written: Vec<&Written> =
        written.iter().filter(|one| one.file != "the resource files").collect();
    let calls: Vec<Value> = written.iter().map(|one| asked(one)).collect();
    let asked = json!({"url": server.url(), "calls": calls}).to_string();
    let answers: Vec<Value> =
        tokio::task::spawn_blocking(move || ask_botocore(&asked)).await.unwrap();
    assert_eq!(answers.len(), written.len());
    for (one, answer) in written.iter().zip(&answers) {
        let call = format!("{} {}:{} {:?}", one.file, one.service, one.operation, one.input);
        assert_eq!(essence(answer), essence(&meant(&api, one)), "{call}");
    }
    let services: BTreeSet<&str> = written.iter().map(|one| one.service.as_str()).collect();
    assert!(written.len() > 900 && services.len() > 30, "{} {services:?}", written.len());
    let (unmatched, names) = server.replay().unmatched();
    assert_eq!(unmatched, 0, "{names:?}");
}

/// The call that the answer is for. The access key says whose session asks.
fn asked(one: &Written) -> Value {
    let account = match one.account.as_str() {
        "*" | "111122223333" => "AKIAIOSFODNN7EXAMPLE".to_owned(),
        member => format!("SESSIONOF{member}"),
    };
    let region = if one.region == "*" { "us-east-1" } else { &one.region };
    json!({
        "account": account,
        "region": region,
        "service": one.service,
        "operation": one.operation,
        "input": one.input,
    })
}

fn ask_botocore(asked: &str) -> Vec<Value> {
    let mut child = Command::new(python())
        .args(["-c", include_str!("botocore.py")])
        .env_remove("AWS_ENDPOINT_URL")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(asked.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}
