//! The table, the protocols and the endpoints, against the committed table.
//! Calls over a connection are tested in the neighboring modules.

mod api;
mod cases;
mod endpoint;
mod failures;
mod generate;
mod hostile;
mod recognize;
mod round_trip;
mod seeds;

use std::sync::LazyLock;

use serde_json::Value;
use yagura_aws::Api;
use yagura_aws::endpoint::{Endpoint, EndpointSettings, resolve};
use yagura_aws::protocol::{self, AnswerError, EncodeError};

static TABLE: &[u8] = include_bytes!("../../../../../content/aws-api/services.zst");
static ACTIONS: &[u8] = include_bytes!("../../../../../content/aws-api/actions.zst");
static API: LazyLock<Api> = LazyLock::new(|| Api::open(TABLE).unwrap());

/// An endpoint of one's own, where nothing is put into the host name.
fn local(service: &str, operation: &str, input: &Value) -> Endpoint {
    let mut settings = EndpointSettings::new("us-east-1");
    settings.override_url = Some("http://127.0.0.1:5000".to_owned());
    let service = API.service(service).unwrap();
    resolve(&service, service.operation(operation).unwrap(), input, &settings).unwrap()
}

fn encode(
    service: &str,
    operation: &str,
    input: &Value,
) -> Result<http::Request<bytes::Bytes>, EncodeError> {
    let endpoint = local(service, operation, input);
    let service = API.service(service).unwrap();
    protocol::encode(&service, service.operation(operation).unwrap(), input, &endpoint)
}

fn decode(
    service: &str,
    operation: &str,
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Value, AnswerError> {
    let service = API.service(service).unwrap();
    let headers = headers
        .iter()
        .map(|(name, value)| {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, http::HeaderValue::from_str(value).unwrap())
        })
        .collect();
    let operation = service.operation(operation).unwrap();
    protocol::decode(&service, operation, status, &headers, body.as_bytes())
}
