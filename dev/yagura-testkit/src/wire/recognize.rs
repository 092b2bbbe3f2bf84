//! Finds the operation that a request belongs to, and its input.
//! Reading the input itself is in `input.rs` and `form.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use yagura_aws::Api;
use yagura_aws::api::{Location, Operation, Protocol, Service, Shape};

use crate::wire::input::{self, Bound, Query};
use crate::wire::{Request, WireError, form};

/// What a request asks for.
#[derive(Debug, Clone)]
pub struct Recognized {
    /// The service.
    pub service: Arc<Service>,
    /// The operation's name.
    pub operation: String,
    /// The region in the signature's scope; empty when the request is not signed.
    pub region: String,
    /// The access key id in the signature's scope; empty when the request is not signed.
    pub access_key: String,
    /// The input, with documented member names.
    pub input: Value,
}

/// Recognizes requests of a set of services.
#[derive(Debug, Clone)]
pub struct Recognizer {
    services: Arc<[Arc<Service>]>,
}

/// The parts of a signature's scope.
#[derive(Debug, Default)]
struct Scope<'a> {
    access_key: &'a str,
    region: &'a str,
    service: &'a str,
}

impl Recognizer {
    /// Recognizes requests of every service of the table (opening all takes a fraction of a
    /// second).
    ///
    /// # Errors
    /// When the table is damaged.
    pub fn new(api: &Api) -> Result<Recognizer, yagura_aws::api::ApiError> {
        let names: Vec<&str> = api.services().collect();
        Recognizer::of(api, &names)
    }

    /// Recognizes requests of these services only.
    ///
    /// # Errors
    /// When one of them is not in the table.
    pub fn of(api: &Api, names: &[&str]) -> Result<Recognizer, yagura_aws::api::ApiError> {
        let services = names.iter().map(|name| api.service(name)).collect::<Result<_, _>>()?;
        Ok(Recognizer { services })
    }

    /// The operation and input of a request.
    ///
    /// # Errors
    /// When it belongs to no operation, or does not fit the model of the one it belongs to.
    pub fn recognize(&self, request: &Request<'_>) -> Result<Recognized, WireError> {
        let scope = scope(request.headers);
        let candidates = self
            .services
            .iter()
            .filter(|service| scope.service.is_empty() || service.signing_name() == scope.service);
        let (service, found) = if let Some(target) = header(request.headers, "x-amz-target") {
            by_target(candidates, target)
        } else if is_form(request) {
            by_action(candidates, request)
        } else {
            by_path(candidates, request)
        }
        .ok_or_else(|| WireError::Unrecognized {
            what: format!(
                "{} {} for the service `{}`",
                request.method, request.target, scope.service
            ),
        })?;
        let operation = found.operation;
        let input = read(service, &found, request).and_then(|input| {
            let checked = operation.check_input(&input);
            checked.map(|()| input).map_err(|problems| {
                problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            })
        });
        let name = operation.name().to_owned();
        Ok(Recognized {
            input: input.map_err(|what| WireError::Input { operation: name.clone(), what })?,
            service: Arc::clone(service),
            operation: name,
            region: scope.region.to_owned(),
            access_key: scope.access_key.to_owned(),
        })
    }
}

struct Found<'s> {
    operation: &'s Operation,
    bound: Option<Bound>,
}

fn read(service: &Service, found: &Found<'_>, request: &Request<'_>) -> Result<Value, String> {
    match (service.protocol(), &found.bound) {
        (Protocol::Query, _) => form::read(found.operation, &form::pairs(request.body), false),
        (Protocol::Ec2, _) => form::read(found.operation, &form::pairs(request.body), true),
        (_, Some(bound)) => input::read_rest(service, found.operation, request, bound),
        (_, None) => input::read_json(found.operation, request.body),
    }
}

fn header<'r>(headers: &'r http::HeaderMap, name: &str) -> Option<&'r str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// `AWS4-HMAC-SHA256 Credential=AKID/20261121/us-east-1/s3/aws4_request, …`
fn scope(headers: &http::HeaderMap) -> Scope<'_> {
    let credential = header(headers, "authorization")
        .and_then(|text| text.split_once("Credential="))
        .and_then(|(_, rest)| rest.split([',', ' ']).next());
    let mut parts = credential.unwrap_or_default().split('/');
    let access_key = parts.next().unwrap_or_default();
    let region = parts.nth(1).unwrap_or_default();
    Scope { access_key, region, service: parts.next().unwrap_or_default() }
}

fn is_form(request: &Request<'_>) -> bool {
    let content_type = header(request.headers, "content-type").unwrap_or_default();
    request.method == "POST" && content_type.starts_with("application/x-www-form-urlencoded")
}

type Candidate<'s> = (&'s Arc<Service>, Found<'s>);

fn by_target<'s>(
    mut services: impl Iterator<Item = &'s Arc<Service>>,
    target: &str,
) -> Option<Candidate<'s>> {
    let (prefix, operation) = target.rsplit_once('.')?;
    services.find_map(|service| {
        let known = service.target_prefix().unwrap_or_else(|| service.endpoint_prefix());
        let fits = service.protocol() == Protocol::Json && known == prefix;
        let operation = service.operation(operation).ok().filter(|_| fits)?;
        Some((service, Found { operation, bound: None }))
    })
}

fn by_action<'s>(
    mut services: impl Iterator<Item = &'s Arc<Service>>,
    request: &Request<'_>,
) -> Option<Candidate<'s>> {
    let pairs = form::pairs(request.body);
    let (action, version) = (pairs.get("Action")?, pairs.get("Version")?);
    services.find_map(|service| {
        let fits = matches!(service.protocol(), Protocol::Query | Protocol::Ec2)
            && service.api_version() == version;
        let operation = service.operation(action).ok().filter(|_| fits)?;
        Some((service, Found { operation, bound: None }))
    })
}

/// The operation whose template fits best: most literal segments, then most constant pairs.
fn by_path<'s>(
    services: impl Iterator<Item = &'s Arc<Service>>,
    request: &Request<'_>,
) -> Option<Candidate<'s>> {
    let query = input::query_of(request.target);
    let path = request.target.split('?').next().unwrap_or_default();
    let mut best: Option<(usize, Candidate<'s>)> = None;
    for service in services {
        if !matches!(service.protocol(), Protocol::RestJson | Protocol::RestXml) {
            continue;
        }
        let path = with_bucket(service, path, request.headers);
        for operation in service.operations() {
            if operation.method() != request.method {
                continue;
            }
            let Some((weight, labels)) = fit(operation, &path, &query, request.headers) else {
                continue;
            };
            if best.as_ref().is_none_or(|(known, _)| weight > *known) {
                let bound = Some(Bound { labels, query: query.clone() });
                best = Some((weight, (service, Found { operation, bound })));
            }
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// S3's bucket may stand in the host name; the templates want it in the path.
fn with_bucket(service: &Service, path: &str, headers: &http::HeaderMap) -> String {
    let host = header(headers, "host").unwrap_or_default();
    let bucket = host.split_once(".s3.").or_else(|| host.split_once(".s3-"));
    match bucket {
        Some((bucket, _)) if service.name() == "s3" && !bucket.is_empty() => {
            format!("/{bucket}{}", if path == "/" { "" } else { path })
        }
        _ => path.to_owned(),
    }
}

type Labels = BTreeMap<String, String>;

fn fit(
    operation: &Operation,
    path: &str,
    query: &Query,
    headers: &http::HeaderMap,
) -> Option<(usize, Labels)> {
    let (template, constant) = operation.path().split_once('?').unwrap_or((operation.path(), ""));
    let mut weight = 0;
    for pair in constant.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        query
            .iter()
            .find(|(known, found)| known == name && (value.is_empty() || found == value))?;
        weight += 100;
    }
    // Members that must be given tell operations of one path apart (`uploadId` of S3).
    for member in operation.input().into_iter().flat_map(Shape::members) {
        let given = match member.location() {
            Location::Query => query.iter().any(|(known, _)| known == member.wire_name()),
            Location::Header => headers.contains_key(member.wire_name()),
            _ => continue,
        };
        if member.is_required() {
            if !given && !member.is_idempotency_token() {
                return None;
            }
            weight += 10;
        } else if given {
            weight += 1;
        }
    }
    // S3 kept the paths of operations that it replaced.
    weight += usize::from(!operation.is_deprecated()) * 50;
    let labels = match_path(template, path)?;
    let literals = template.split('/').filter(|part| !part.is_empty() && !part.contains('{'));
    Some((weight + 1000 * literals.count(), labels))
}

fn match_path(template: &str, path: &str) -> Option<Labels> {
    let mut labels = Labels::new();
    let mut wanted = template.trim_matches('/').split('/').peekable();
    let mut rest = path.strip_prefix('/').unwrap_or(path);
    rest = rest.strip_suffix('/').filter(|_| !template.ends_with("+}")).unwrap_or(rest);
    loop {
        let Some(segment) = wanted.next() else {
            return rest.is_empty().then_some(labels);
        };
        if segment.is_empty() {
            return rest.is_empty().then_some(labels);
        }
        let label = segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}'));
        if let Some(greedy) = label.and_then(|label| label.strip_suffix('+')) {
            // What follows a greedy label stands at the end of the path.
            let tail: Vec<&str> = wanted.collect();
            let tail = tail.join("/");
            let value = if tail.is_empty() {
                rest
            } else {
                rest.strip_suffix(&tail).and_then(|rest| rest.strip_suffix('/'))?
            };
            labels.insert(greedy.to_owned(), input::decode(value));
            return (!value.is_empty()).then_some(labels);
        }
        let (part, after) = rest.split_once('/').unwrap_or((rest, ""));
        match label {
            Some(label) if !part.is_empty() => {
                labels.insert(label.to_owned(), input::decode(part));
            }
            None if segment == part => {}
            // A label between literals (`{id}:action`).
            None if segment.contains('{') => {
                let (before, inner) = segment.split_once('{')?;
                let (label, behind) = inner.split_once('}')?;
                let value = part.strip_prefix(before)?.strip_suffix(behind)?;
                labels.insert(label.to_owned(), input::decode(value));
            }
            _ => return None,
        }
        rest = after;
    }
}
