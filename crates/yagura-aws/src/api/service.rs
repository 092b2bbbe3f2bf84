//! One service: its protocol, names, operations and waiters.
//! Endpoint rules are opened from here but evaluated in `endpoint/`.

use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::api::error::nearest;
use crate::api::operation::Operation;
use crate::api::reader::{Reader, Strings};
use crate::api::shapes::{Shape, Shapes};
use crate::api::waiter::Waiter;
use crate::api::{ApiError, Table};
use crate::endpoint::{Partitions, RuleSet};

/// A wire protocol of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `application/x-amz-json-1.0` or `-1.1` with an `X-Amz-Target` header.
    Json,
    /// Resource-oriented HTTP with JSON bodies.
    RestJson,
    /// Resource-oriented HTTP with XML bodies.
    RestXml,
    /// Form-encoded requests, XML answers.
    Query,
    /// EC2's own kind of Query.
    Ec2,
    /// CBOR bodies; not spoken by this client.
    RpcV2Cbor,
}

impl Protocol {
    fn from_number(number: u32) -> Result<Protocol, ApiError> {
        Ok(match number {
            1 => Protocol::Json,
            2 => Protocol::RestJson,
            3 => Protocol::RestXml,
            4 => Protocol::Query,
            5 => Protocol::Ec2,
            6 => Protocol::RpcV2Cbor,
            _ => return Err(ApiError::damaged("a protocol is unknown")),
        })
    }

    /// The name that AWS gives it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Json => "json",
            Protocol::RestJson => "rest-json",
            Protocol::RestXml => "rest-xml",
            Protocol::Query => "query",
            Protocol::Ec2 => "ec2",
            Protocol::RpcV2Cbor => "smithy-rpc-v2-cbor",
        }
    }

    /// Whether this client speaks it.
    #[must_use]
    pub fn is_spoken(self) -> bool {
        self != Protocol::RpcV2Cbor
    }
}

/// One AWS service.
#[derive(Debug)]
pub struct Service {
    table: Arc<Table>,
    index: usize,
    shapes: Arc<Shapes>,
    name: Box<str>,
    service_id: Box<str>,
    api_version: Box<str>,
    endpoint_prefix: Box<str>,
    signing_name: Box<str>,
    signature_version: Box<str>,
    protocol: Protocol,
    flags: u32,
    target_prefix: Option<Box<str>>,
    json_version: Option<Box<str>>,
    xml_namespace: Option<Box<str>>,
    global_endpoint: Option<Box<str>>,
    auth: Vec<Box<str>>,
    client_parameters: Vec<Box<str>>,
    operations: Vec<Operation>,
    waiters: Vec<Waiter>,
    rules: OnceLock<Arc<RuleSet>>,
}

const QUERY_COMPATIBLE: u32 = 1;

impl Service {
    pub(crate) fn read(
        table: &Arc<Table>,
        index: usize,
        name: &str,
        block: &[u8],
    ) -> Result<Service, ApiError> {
        let reader = &mut Reader::new(block);
        let strings = Strings::read(reader)?;
        let shapes = Arc::new(Shapes::read(strings, reader)?);
        let strings = shapes.strings();
        let service = Service {
            table: Arc::clone(table),
            index,
            shapes: Arc::clone(&shapes),
            name: name.into(),
            service_id: strings.owned(reader)?,
            api_version: strings.owned(reader)?,
            endpoint_prefix: strings.owned(reader)?,
            signing_name: strings.owned(reader)?,
            signature_version: strings.owned(reader)?,
            protocol: Protocol::from_number(reader.number()?)?,
            flags: reader.number()?,
            target_prefix: strings.maybe(reader)?,
            json_version: strings.maybe(reader)?,
            xml_namespace: strings.maybe(reader)?,
            global_endpoint: strings.maybe(reader)?,
            auth: reader.list(|reader| strings.owned(reader))?,
            client_parameters: reader.list(|reader| strings.owned(reader))?,
            operations: reader.list(|reader| Operation::read(&shapes, reader))?,
            waiters: reader.list(|reader| Waiter::read(strings, reader))?,
            rules: OnceLock::new(),
        };
        if !reader.is_empty() {
            return Err(ApiError::damaged(format!("`{name}` has bytes left over")));
        }
        Ok(service)
    }

    /// The name under which it is asked for: botocore's folder (`s3`, `iam`, `sso-admin`).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The service id (`SSO Admin`), from which environment variables and retry quotas are named.
    #[must_use]
    pub fn service_id(&self) -> &str {
        &self.service_id
    }

    /// The version of the API (`2006-03-01`).
    #[must_use]
    pub fn api_version(&self) -> &str {
        &self.api_version
    }

    /// The usual first label of the host name (`s3`).
    #[must_use]
    pub fn endpoint_prefix(&self) -> &str {
        &self.endpoint_prefix
    }

    /// The service name in the signature's scope, unless the endpoint says otherwise.
    #[must_use]
    pub fn signing_name(&self) -> &str {
        &self.signing_name
    }

    /// `v4`, `s3v4`, `s3`, `bearer`, or the long dead `v2`.
    #[must_use]
    pub fn signature_version(&self) -> &str {
        &self.signature_version
    }

    /// The protocol this client uses with it.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// A JSON service that used to speak Query and still names its old error codes.
    #[must_use]
    pub fn is_query_compatible(&self) -> bool {
        self.flags & QUERY_COMPATIBLE != 0
    }

    /// What stands before the dot in `X-Amz-Target`.
    #[must_use]
    pub fn target_prefix(&self) -> Option<&str> {
        self.target_prefix.as_deref()
    }

    /// `1.0` or `1.1`.
    #[must_use]
    pub fn json_version(&self) -> Option<&str> {
        self.json_version.as_deref()
    }

    /// The XML namespace of requests and answers.
    #[must_use]
    pub fn xml_namespace(&self) -> Option<&str> {
        self.xml_namespace.as_deref()
    }

    /// The one host that serves a whole partition (`iam.amazonaws.com`), for old services.
    #[must_use]
    pub fn global_endpoint(&self) -> Option<&str> {
        self.global_endpoint.as_deref()
    }

    /// The auth schemes, best first.
    #[must_use]
    pub fn auth_schemes(&self) -> &[Box<str>] {
        &self.auth
    }

    /// The endpoint parameters that a client may set as a whole.
    #[must_use]
    pub fn client_parameters(&self) -> &[Box<str>] {
        &self.client_parameters
    }

    /// The operation with this documented name.
    ///
    /// # Errors
    /// [`ApiError::UnknownOperation`], with the nearest name.
    pub fn operation(&self, name: &str) -> Result<&Operation, ApiError> {
        self.operations
            .binary_search_by(|operation| operation.name().cmp(name))
            .ok()
            .and_then(|index| self.operations.get(index))
            .ok_or_else(|| ApiError::UnknownOperation {
                service: self.name.to_string(),
                operation: name.to_owned(),
                similar: nearest(name, self.operations.iter().map(Operation::name)),
            })
    }

    /// All operations, by name.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The errors that the service declares.
    pub fn exceptions(&self) -> impl Iterator<Item = Shape<'_>> {
        self.shapes.all().filter(|shape| shape.is_exception())
    }

    /// The waiter with this name.
    #[must_use]
    pub fn waiter(&self, name: &str) -> Option<&Waiter> {
        self.waiters.iter().find(|waiter| waiter.name() == name)
    }

    /// All waiters, by name.
    #[must_use]
    pub fn waiters(&self) -> &[Waiter] {
        &self.waiters
    }

    /// The partitions of AWS.
    pub(crate) fn partitions(&self) -> &Partitions {
        &self.table.partitions
    }

    /// The rules that give its addresses, parsed on first use.
    pub(crate) fn rules(&self) -> Result<&RuleSet, ApiError> {
        if let Some(rules) = self.rules.get() {
            return Ok(rules);
        }
        let bytes = self.table.rules_block(self.index)?;
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|error| ApiError::damaged(format!("endpoint rules: {error}")))?;
        let rules = RuleSet::parse(&value).map_err(|what| {
            ApiError::damaged(format!("endpoint rules of `{}`: {what}", self.name))
        })?;
        Ok(self.rules.get_or_init(|| Arc::new(rules)))
    }
}
