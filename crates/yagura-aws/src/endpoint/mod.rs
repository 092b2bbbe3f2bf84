//! Where requests go: the official endpoint rule sets, evaluated.
//! Signing and sending are the client's.

mod functions;
mod partitions;
mod resolve;
mod rules;

pub use partitions::{Partition, Partitions};
pub(crate) use rules::RuleSet;

use serde_json::Value;
use thiserror::Error;

use crate::api::{Operation, Service};

/// What the user chose about endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSettings {
    /// The region (`us-east-1`, or `aws-global` for services without regions).
    pub region: String,
    /// FIPS 140-3 endpoints.
    pub fips: bool,
    /// IPv4 and IPv6 endpoints.
    pub dual_stack: bool,
    /// Everything goes to this address instead (`AWS_ENDPOINT_URL`, `--endpoint-url`).
    pub override_url: Option<String>,
    /// S3: the bucket in the path and not in the host name.
    pub s3_path_style: bool,
    /// S3: the accelerated endpoint.
    pub s3_accelerate: bool,
    /// S3: the region of an access point's ARN wins over `region`.
    pub s3_use_arn_region: bool,
    /// S3: refuse multi-region access points.
    pub s3_disable_multi_region_access_points: bool,
    /// The caller's account, for endpoints that carry it.
    pub account_id: Option<String>,
    /// `preferred`, `required` or `disabled`; none: disabled.
    pub account_id_mode: Option<String>,
}

impl EndpointSettings {
    /// The usual settings for a region.
    #[must_use]
    pub fn new(region: impl Into<String>) -> EndpointSettings {
        EndpointSettings {
            region: region.into(),
            fips: false,
            dual_stack: false,
            override_url: None,
            s3_path_style: false,
            s3_accelerate: false,
            s3_use_arn_region: true,
            s3_disable_multi_region_access_points: false,
            account_id: None,
            account_id_mode: None,
        }
    }
}

/// How requests to an endpoint are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthScheme {
    /// Signature version 4.
    SigV4,
    /// Signature version 4a (several regions); not made by this client.
    SigV4a,
    /// S3 Express sessions; not made by this client.
    S3Express,
    /// A bearer token; not had by this client.
    Bearer,
    /// Not signed.
    None,
}

/// The address of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Scheme, host and perhaps a path, without a trailing slash; host prefix and, for S3, the
    /// bucket are in it.
    pub url: String,
    /// How to sign.
    pub auth_scheme: AuthScheme,
    /// The service name for the signature's scope.
    pub signing_name: String,
    /// The region for the signature's scope.
    pub signing_region: String,
    /// The path is encoded once, not twice, when signing (S3).
    pub single_encoding: bool,
    /// Headers that must be sent.
    pub headers: Vec<(String, String)>,
}

/// Why there is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The rules say no, with AWS's own words (`FIPS and DualStack are enabled, but …`).
    #[error("`{service}` has no endpoint for these settings: {message}")]
    Refused {
        /// The service.
        service: String,
        /// AWS's words.
        message: String,
    },
    /// The input lacks what the address needs, or it does not fit into a host name.
    #[error("`{member}` cannot be part of a host name: `{value}`")]
    HostLabel {
        /// The input member.
        member: String,
        /// Its value.
        value: String,
    },
    /// The override is not an address.
    #[error("`{url}` is not a URL of the form http://host or https://host")]
    BadOverride {
        /// What was given.
        url: String,
    },
    /// The rules of the service could not be read.
    #[error("the endpoint rules of `{service}` cannot be evaluated: {what}")]
    Rules {
        /// The service.
        service: String,
        /// What was wrong.
        what: String,
    },
}

/// The address for one request.
///
/// # Errors
/// When the rules refuse the settings, or the input does not fit into a host name.
pub fn resolve(
    service: &Service,
    operation: &Operation,
    input: &Value,
    settings: &EndpointSettings,
) -> Result<Endpoint, EndpointError> {
    resolve::resolve(service, operation, input, settings)
}
