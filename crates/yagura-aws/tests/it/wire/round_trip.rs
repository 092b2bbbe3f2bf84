//! Every operation of every service: what the server writes the client reads, and the other way.
//! Single features have their own cases in `cases.rs`.

use proptest::prelude::*;
use serde_json::Value;
use yagura_aws::api::{Location, Operation, Service, Shape};
use yagura_aws::protocol::{self, EncodeError};
use yagura_testkit::wire::{Recognizer, Request, encode_output};

use super::generate::{Generator, Seed};
use super::{API, local};

/// S3's old notification calls have two members, `Event` and `Events`, in one element; directory
/// buckets are listed by the same request at another host.
const AMBIGUOUS: [&str; 3] =
    ["GetBucketNotification", "PutBucketNotification", "ListDirectoryBuckets"];

/// A server's output, as the client reads it.
fn output_round_trip(service: &Service, operation: &Operation, seed: u64) -> Result<(), String> {
    let Some(shape) = operation.output() else { return Ok(()) };
    let is_ambiguous = AMBIGUOUS.contains(&operation.name());
    if operation.has_event_stream() || operation.method() == "HEAD" || is_ambiguous {
        return Ok(());
    }
    let mut generator = Generator { seed: Seed(seed) };
    let output = generator.structure(shape, 0);
    let answer = encode_output(service, operation, &output).map_err(|error| error.to_string())?;
    let headers = answer.header_map();
    let read = protocol::decode(service, operation, answer.status, &headers, &answer.body)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&answer.body)))?;
    let (expected, found) = (settled(shape, output), settled(shape, read));
    if expected == found { Ok(()) } else { Err(format!("{expected}\n  became {found}")) }
}

/// Takes out what the wire always says (the status, all headers of an empty prefix) or cannot say
/// (an absent body that may be empty).
fn settled(shape: Shape<'_>, mut value: Value) -> Value {
    if let Some(members) = value.as_object_mut() {
        for member in shape.members() {
            let all_headers =
                member.location() == Location::Headers && member.wire_name().is_empty();
            let empty = members.get(member.name()).is_some_and(|value| {
                value.as_str() == Some("")
                    || value.as_object().is_some_and(serde_json::Map::is_empty)
            });
            let is_payload = shape.payload().is_some_and(|p| p.name() == member.name());
            // Headers that a client fills in by itself.
            let filled = ["Accept", "Content-Type", "x-amz-sdk-checksum-algorithm"];
            let is_filled = filled.contains(&member.wire_name());
            // S3's way of saying us-east-1: an empty element, which reads as none.
            let is_constraint = member.name() == "LocationConstraint" && empty;
            let is_said = member.location() == Location::StatusCode || all_headers || is_filled;
            if is_said || is_constraint || (is_payload && empty) {
                members.shift_remove(member.name());
            }
        }
    }
    value
}

/// A client's request, as the server reads it.
fn input_round_trip(
    recognizer: &Recognizer,
    service: &Service,
    operation: &Operation,
    seed: u64,
) -> Result<(), String> {
    if AMBIGUOUS.contains(&operation.name()) || operation.is_deprecated() {
        return Ok(());
    }
    let mut generator = Generator { seed: Seed(seed) };
    let mut input = match operation.input() {
        Some(shape) => generator.structure(shape, 0),
        None => Value::Object(serde_json::Map::new()),
    };
    // An empty body is the same on the wire as none, which a required payload may not be. The
    // filler is a text, and as base64 a blob.
    let payload = operation.input().and_then(yagura_aws::api::Shape::payload);
    if let Some(text) = payload.and_then(|payload| input.get_mut(payload.name()))
        && *text == ""
    {
        *text = "eA==".into();
    }
    if local_refuses(service, operation, &input) {
        return Ok(());
    }
    let endpoint = local(service.name(), operation.name(), &input);
    let request = match protocol::encode(service, operation, &input, &endpoint) {
        Ok(request) => request,
        Err(EncodeError::EventStream { .. } | EncodeError::Protocol { .. }) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    let target = request.uri().path_and_query().ok_or("no target")?.as_str();
    let read = recognizer
        .recognize(&Request {
            method: request.method().as_str(),
            target,
            headers: request.headers(),
            body: request.body(),
        })
        .map_err(|error| format!("{error}: {input}"))?;
    if read.operation != operation.name() {
        return Err(format!("taken for {}: {} {target}", read.operation, request.method()));
    }
    let Some(shape) = operation.input() else { return Ok(()) };
    let (expected, found) = (settled(shape, input), settled(shape, read.input));
    if expected == found { Ok(()) } else { Err(format!("{expected}\n  became {found}")) }
}

/// Inputs that are part of an address must look like one; generated texts do not.
fn local_refuses(service: &Service, operation: &Operation, input: &Value) -> bool {
    let mut settings = yagura_aws::endpoint::EndpointSettings::new("us-east-1");
    settings.override_url = Some("http://127.0.0.1:5000".to_owned());
    yagura_aws::endpoint::resolve(service, operation, input, &settings).is_err()
}

#[test]
fn every_operation_makes_both_round_trips() {
    let mut problems = Vec::new();
    for name in API.services() {
        let service = API.service(name).unwrap();
        if !service.protocol().is_spoken() {
            continue;
        }
        let recognizer = Recognizer::of(&API, &[name]).unwrap();
        for (index, operation) in service.operations().iter().enumerate() {
            let seed = index as u64;
            let trips = [
                output_round_trip(&service, operation, seed),
                input_round_trip(&recognizer, &service, operation, seed),
            ];
            for problem in trips.into_iter().filter_map(Result::err) {
                problems.push(format!("{name}:{}: {problem}", operation.name()));
            }
        }
    }
    let shown = problems.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(problems.is_empty(), "{} problems, among them:\n{shown}", problems.len());
}

/// One service of each protocol, and the odd ones.
const SERVICES: [&str; 10] =
    ["s3", "iam", "ec2", "kms", "lambda", "dynamodb", "cloudfront", "route53", "sns", "cloudwatch"];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn outputs_are_read_as_they_were_written(
        which in 0..SERVICES.len(), operation: prop::sample::Index, seed: u64,
    ) {
        let service = API.service(SERVICES[which]).unwrap();
        let operation = operation.get(service.operations());
        if let Err(problem) = output_round_trip(&service, operation, seed) {
            prop_assert!(false, "{}:{}: {problem}", service.name(), operation.name());
        }
    }

    #[test]
    fn inputs_are_read_as_they_were_written(
        which in 0..SERVICES.len(), operation: prop::sample::Index, seed: u64,
    ) {
        let service = API.service(SERVICES[which]).unwrap();
        let recognizer = Recognizer::of(&API, &[SERVICES[which]]).unwrap();
        let operation = operation.get(service.operations());
        if let Err(problem) = input_round_trip(&recognizer, &service, operation, seed) {
            prop_assert!(false, "{}:{}: {problem}", service.name(), operation.name());
        }
    }

    #[test]
    fn any_bytes_are_an_error_or_an_output_and_never_a_panic(
        which in 0..SERVICES.len(), operation: prop::sample::Index, status in 100u16..600,
        body: Vec<u8>,
    ) {
        let service = API.service(SERVICES[which]).unwrap();
        let operation = operation.get(service.operations());
        let headers = http::HeaderMap::new();
        if let Ok(output) = protocol::decode(&service, operation, status, &headers, &body) {
            prop_assert!(operation.check_output(&output).is_ok());
        }
    }
}
