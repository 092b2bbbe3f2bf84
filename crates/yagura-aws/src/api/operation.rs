//! One operation: its HTTP binding, shapes, errors and how its answers are paged.
//! Encoding and decoding are in `protocol/`.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::api::path;
use crate::api::reader::{Reader, Strings};
use crate::api::shapes::{Shape, Shapes};
use crate::api::{ApiError, Problem, check};

/// How a request of an operation is signed, where it differs from the service's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationAuth {
    /// As the service says.
    Service,
    /// Not signed at all.
    None,
    /// Signed, but not over the body.
    UnsignedPayload,
}

/// Whether the address of the service must be asked for first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointDiscovery {
    /// The ordinary endpoint serves.
    None,
    /// The ordinary endpoint serves, another one may be nearer.
    Optional,
    /// The operation works only on an endpoint that `DescribeEndpoints` names.
    Required,
}

/// One operation of a service.
#[derive(Debug)]
pub struct Operation {
    pub(crate) shapes: Arc<Shapes>,
    name: Box<str>,
    method: Box<str>,
    path: Box<str>,
    status: u32,
    flags: u32,
    input: u32,
    output: u32,
    result_wrapper: Option<Box<str>>,
    input_element: Option<Box<str>>,
    input_namespace: Option<Box<str>>,
    host_prefix: Option<Box<str>>,
    checksum_member: Option<Box<str>>,
    errors: Vec<u32>,
    auth: Vec<Box<str>>,
    static_parameters: Vec<(Box<str>, Value)>,
    context_parameters: Vec<(Box<str>, Box<str>)>,
    paginator: Option<Paginator>,
}

mod flag {
    pub(super) const NO_AUTH: u32 = 1;
    pub(super) const UNSIGNED_PAYLOAD: u32 = 1 << 1;
    pub(super) const READ_ONLY: u32 = 1 << 2;
    pub(super) const IDEMPOTENT: u32 = 1 << 3;
    pub(super) const CHECKSUM_REQUIRED: u32 = 1 << 4;
    pub(super) const DISCOVERY: u32 = 1 << 5;
    pub(super) const DISCOVERY_REQUIRED: u32 = 1 << 6;
    pub(super) const DEPRECATED: u32 = 1 << 7;
}

impl Operation {
    pub(crate) fn read(
        shapes: &Arc<Shapes>,
        reader: &mut Reader<'_>,
    ) -> Result<Operation, ApiError> {
        let strings = shapes.strings();
        let operation = Operation {
            shapes: Arc::clone(shapes),
            name: strings.owned(reader)?,
            method: strings.owned(reader)?,
            path: strings.owned(reader)?,
            status: reader.number()?,
            flags: reader.number()?,
            input: reader.number()?,
            output: reader.number()?,
            result_wrapper: strings.maybe(reader)?,
            input_element: strings.maybe(reader)?,
            input_namespace: strings.maybe(reader)?,
            host_prefix: strings.maybe(reader)?,
            checksum_member: strings.maybe(reader)?,
            errors: reader.list(Reader::number)?,
            auth: reader.list(|reader| strings.owned(reader))?,
            static_parameters: reader.list(|reader| read_static(strings, reader))?,
            context_parameters: reader
                .list(|reader| Ok((strings.owned(reader)?, strings.owned(reader)?)))?,
            paginator: Paginator::read(strings, reader)?,
        };
        let known = shapes.len();
        if operation.input as usize > known || operation.output as usize > known {
            return Err(ApiError::damaged(format!("`{}` points to no shape", operation.name)));
        }
        Ok(operation)
    }

    /// The name as AWS documents it (`ListBuckets`).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The HTTP method.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The request URI template, which may hold labels and a constant query string.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The status code of a successful answer, where the model states one.
    #[must_use]
    pub fn success_status(&self) -> Option<u16> {
        u16::try_from(self.status).ok().filter(|status| *status != 0)
    }

    fn flag(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// How its requests are signed.
    #[must_use]
    pub fn auth(&self) -> OperationAuth {
        if self.flag(flag::NO_AUTH) {
            OperationAuth::None
        } else if self.flag(flag::UNSIGNED_PAYLOAD) {
            OperationAuth::UnsignedPayload
        } else {
            OperationAuth::Service
        }
    }

    /// The auth schemes that the operation lists, best first; empty: those of the service.
    #[must_use]
    pub fn auth_schemes(&self) -> &[Box<str>] {
        &self.auth
    }

    /// The model's own mark that nothing is changed; absent for most operations that only read.
    #[must_use]
    pub fn is_marked_read_only(&self) -> bool {
        self.flag(flag::READ_ONLY)
    }

    /// May be sent twice.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        self.flag(flag::IDEMPOTENT)
    }

    /// No longer recommended by AWS.
    #[must_use]
    pub fn is_deprecated(&self) -> bool {
        self.flag(flag::DEPRECATED)
    }

    /// The request must carry a checksum of its body.
    #[must_use]
    pub fn is_checksum_required(&self) -> bool {
        self.flag(flag::CHECKSUM_REQUIRED)
    }

    /// The input member that names the checksum's algorithm.
    #[must_use]
    pub fn checksum_member(&self) -> Option<&str> {
        self.checksum_member.as_deref()
    }

    /// Whether the address must be asked for first.
    #[must_use]
    pub fn endpoint_discovery(&self) -> EndpointDiscovery {
        if self.flag(flag::DISCOVERY_REQUIRED) {
            EndpointDiscovery::Required
        } else if self.flag(flag::DISCOVERY) {
            EndpointDiscovery::Optional
        } else {
            EndpointDiscovery::None
        }
    }

    /// The input structure.
    #[must_use]
    pub fn input(&self) -> Option<Shape<'_>> {
        self.shapes.shape(self.input.checked_sub(1)?)
    }

    /// The output structure.
    #[must_use]
    pub fn output(&self) -> Option<Shape<'_>> {
        self.shapes.shape(self.output.checked_sub(1)?)
    }

    /// The errors that the model lists (AWS raises others too).
    pub fn errors(&self) -> impl Iterator<Item = Shape<'_>> {
        self.errors.iter().filter_map(|id| self.shapes.shape(*id))
    }

    /// The element around the output in a Query answer.
    #[must_use]
    pub fn result_wrapper(&self) -> Option<&str> {
        self.result_wrapper.as_deref()
    }

    /// The root element of a REST-XML request.
    #[must_use]
    pub fn input_element(&self) -> Option<&str> {
        self.input_element.as_deref()
    }

    /// The XML namespace of that root element.
    #[must_use]
    pub fn input_namespace(&self) -> Option<&str> {
        self.input_namespace.as_deref()
    }

    /// What is put before the host name; may hold labels (`{AccountId}.`).
    #[must_use]
    pub fn host_prefix(&self) -> Option<&str> {
        self.host_prefix.as_deref()
    }

    /// Constant parameters of the endpoint rules.
    pub(crate) fn static_parameters(&self) -> &[(Box<str>, Value)] {
        &self.static_parameters
    }

    /// Parameters of the endpoint rules that are picked from the input by a path.
    pub(crate) fn context_parameters(&self) -> &[(Box<str>, Box<str>)] {
        &self.context_parameters
    }

    /// How its answers are paged; `None`: in one piece.
    #[must_use]
    pub fn paginator(&self) -> Option<&Paginator> {
        self.paginator.as_ref()
    }

    /// The input members that are idempotency tokens.
    pub fn idempotency_tokens(&self) -> impl Iterator<Item = &str> {
        self.input()
            .into_iter()
            .flat_map(Shape::members)
            .filter(|member| member.is_idempotency_token())
            .map(super::Member::name)
    }

    /// Whether input or output is a stream of events, which this client does not speak.
    #[must_use]
    pub fn has_event_stream(&self) -> bool {
        [self.input(), self.output()]
            .into_iter()
            .flatten()
            .flat_map(Shape::members)
            .any(|member| member.shape().is_event_stream())
    }

    /// Whether the output is a body of unbounded size (`GetObject`).
    #[must_use]
    pub fn has_streaming_output(&self) -> bool {
        self.output().and_then(Shape::payload).is_some_and(super::Member::is_streaming)
    }

    /// Compares an input with the model: unknown and missing members, wrong types.
    ///
    /// # Errors
    /// Every problem found, each with its path.
    pub fn check_input(&self, input: &Value) -> Result<(), Vec<Problem>> {
        check::check(self.input(), input, check::Side::Input)
    }

    /// Compares an output with the model: unknown members, wrong types.
    ///
    /// # Errors
    /// Every problem found, each with its path.
    pub fn check_output(&self, output: &Value) -> Result<(), Vec<Problem>> {
        check::check(self.output(), output, check::Side::Output)
    }

    /// Whether the output has this path: documented member names, any name below a map or a
    /// document; lists are passed through (`["Reservations", "Instances", "InstanceId"]`), and
    /// `*` or a number may stand for their element.
    #[must_use]
    pub fn has_output_path(&self, path: &[&str]) -> bool {
        check::has_path(self.output(), path)
    }

    /// Whether the input has this path; see [`Operation::has_output_path`].
    #[must_use]
    pub fn has_input_path(&self, path: &[&str]) -> bool {
        check::has_path(self.input(), path)
    }
}

fn read_static(strings: &Strings, reader: &mut Reader<'_>) -> Result<(Box<str>, Value), ApiError> {
    let name = strings.owned(reader)?;
    let value = match reader.byte()? {
        0 => Value::Bool(false),
        1 => Value::Bool(true),
        2 => Value::String(strings.owned(reader)?.into()),
        3 => Value::Array(reader.list(|reader| Ok(Value::String(strings.owned(reader)?.into())))?),
        _ => return Err(ApiError::damaged("an endpoint parameter is of an unknown kind")),
    };
    Ok((name, value))
}

/// How the answers of an operation are paged.
#[derive(Debug)]
pub struct Paginator {
    input_tokens: Vec<Box<str>>,
    output_tokens: Vec<Box<str>>,
    result_keys: Vec<Box<str>>,
    limit_key: Option<Box<str>>,
    more_results: Option<Box<str>>,
}

impl Paginator {
    fn read(strings: &Strings, reader: &mut Reader<'_>) -> Result<Option<Paginator>, ApiError> {
        if reader.byte()? == 0 {
            return Ok(None);
        }
        Ok(Some(Paginator {
            input_tokens: reader.list(|reader| strings.owned(reader))?,
            output_tokens: reader.list(|reader| strings.owned(reader))?,
            result_keys: reader.list(|reader| strings.owned(reader))?,
            limit_key: strings.maybe(reader)?,
            more_results: strings.maybe(reader)?,
        }))
    }

    /// The input members that carry the token.
    #[must_use]
    pub fn input_tokens(&self) -> &[Box<str>] {
        &self.input_tokens
    }

    /// Where the next token stands in the output (JMESPath).
    #[must_use]
    pub fn output_tokens(&self) -> &[Box<str>] {
        &self.output_tokens
    }

    /// The output members whose pages are joined (dotted paths).
    #[must_use]
    pub fn result_keys(&self) -> &[Box<str>] {
        &self.result_keys
    }

    /// The input member that bounds a page.
    #[must_use]
    pub fn limit_key(&self) -> Option<&str> {
        self.limit_key.as_deref()
    }

    /// The output member that says whether there is more (dotted path).
    #[must_use]
    pub fn more_results(&self) -> Option<&str> {
        self.more_results.as_deref()
    }

    /// The input members that ask for the page after `output`; `None`: that was the last one.
    ///
    /// An empty token ends the paging, as AWS's own clients treat it.
    #[must_use]
    pub fn next(&self, output: &Value) -> Option<Map<String, Value>> {
        if let Some(more) = &self.more_results
            && !path::pick(output, more).as_bool().unwrap_or(false)
        {
            return None;
        }
        let mut next = Map::new();
        for (input, place) in self.input_tokens.iter().zip(&self.output_tokens) {
            let token = path::pick(output, place);
            let empty = token.is_null() || token.as_str() == Some("");
            if !empty {
                next.insert(input.to_string(), token);
            }
        }
        (!next.is_empty()).then_some(next)
    }
}
