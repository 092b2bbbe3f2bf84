//! Which call a request is, read from its wire form as AWS reads it: the signature's scope, then
//! target header, `Action` parameter, or method and path.
//! What is answered is the recording's.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::facts;
use crate::api::{Api, ApiError, Protocol, Service};

/// Finds the operation of a request among those of some services.
#[derive(Debug)]
pub struct Router {
    operations: Vec<Known>,
    numbers: HashMap<(String, String), usize>,
    /// By the whole `X-Amz-Target`.
    targets: HashMap<String, usize>,
    /// By signing name, API version and action.
    actions: HashMap<(String, String, String), usize>,
    /// By signing name and method.
    routes: HashMap<(String, String), Vec<Route>>,
}

#[derive(Debug)]
struct Known {
    service: Arc<Service>,
    name: String,
}

/// A path template.
#[derive(Debug)]
struct Route {
    segments: Vec<Segment>,
    /// Constant query parameters, as in `?policy`.
    query: Vec<(String, Option<String>)>,
    number: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Constant(String),
    Label,
    /// `{Key+}`: everything that is left.
    Greedy,
}

/// A request that was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// The access key id that signed it; unsigned requests have none.
    pub access_key: Option<String>,
    /// The region of the signature's scope.
    pub region: Option<String>,
    /// The service as botocore names its folder.
    pub service: String,
    /// The operation.
    pub operation: String,
    pub(super) number: usize,
}

/// `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
struct CredentialScope<'a> {
    access_key: &'a str,
    region: &'a str,
    signing_name: &'a str,
}

impl Router {
    /// A router over these services, given by name; one may be named repeatedly.
    ///
    /// # Errors
    /// When a service is not in the table.
    pub fn new<'a>(
        api: &Api,
        services: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ApiError> {
        let mut router = Self {
            operations: Vec::new(),
            numbers: HashMap::new(),
            targets: HashMap::new(),
            actions: HashMap::new(),
            routes: HashMap::new(),
        };
        let services: BTreeSet<&str> = services.into_iter().collect();
        for name in services {
            router.add(&api.service(name)?);
        }
        for routes in router.routes.values_mut() {
            routes.sort_by_key(|route| std::cmp::Reverse(route.weight()));
        }
        Ok(router)
    }

    fn add(&mut self, service: &Arc<Service>) {
        let signing_name = service.signing_name().to_owned();
        for operation in service.operations() {
            let name = operation.name().to_owned();
            let mut number = self.operations.len();
            match service.protocol() {
                Protocol::Json => {
                    let prefix = service.target_prefix().unwrap_or_default();
                    self.targets.insert(format!("{prefix}.{name}"), number);
                }
                Protocol::Query | Protocol::Ec2 => {
                    // RDS, Neptune and DocumentDB are one on the wire: the first stands for all.
                    let version = service.api_version().to_owned();
                    let key = (signing_name.clone(), version, name.clone());
                    number = *self.actions.entry(key).or_insert(number);
                }
                Protocol::RestJson | Protocol::RestXml => {
                    for signed_as in signing_names(service, &name) {
                        let key = (signed_as.to_owned(), operation.method().to_owned());
                        let route = Route::parse(operation.path(), number);
                        let routes = self.routes.entry(key).or_default();
                        // S3 keeps `GetBucketLifecycle` beside `GetBucketLifecycleConfiguration`:
                        // one request, two names. The first stands for both.
                        let own = |one: &&Route| {
                            let known = self.operations.get(one.number);
                            known.is_some_and(|known| known.service.name() == service.name())
                        };
                        match routes.iter().filter(own).find(|one| one.matches_as(&route)) {
                            Some(twin) => number = twin.number,
                            None => routes.push(route),
                        }
                    }
                }
                Protocol::RpcV2Cbor => {}
            }
            self.numbers.insert((service.name().to_owned(), name.clone()), number);
            if number == self.operations.len() {
                self.operations.push(Known { service: Arc::clone(service), name });
            }
        }
    }

    /// The number of an operation.
    pub(super) fn number(&self, service: &str, operation: &str) -> Option<usize> {
        self.numbers.get(&(service.to_owned(), operation.to_owned())).copied()
    }

    /// Which call a request is; `None` if it is none of the services' operations.
    pub fn identify(&self, request: &http::request::Parts, body: &[u8]) -> Option<Identified> {
        let header = |name: &str| request.headers.get(name)?.to_str().ok();
        let scope = header("authorization").and_then(CredentialScope::parse);
        let number = match header("x-amz-target") {
            Some(target) => *self.targets.get(target)?,
            None => {
                let signing_name = scope.as_ref().map(|scope| scope.signing_name);
                self.by_action(signing_name, request, body)
                    .or_else(|| self.by_route(signing_name?, request))?
            }
        };
        let known = self.operations.get(number)?;
        Some(Identified {
            access_key: scope.as_ref().map(|scope| scope.access_key.to_owned()),
            region: scope.as_ref().map(|scope| scope.region.to_owned()),
            service: known.service.name().to_owned(),
            operation: known.name.clone(),
            number,
        })
    }

    /// The facts by which a recording tells requests of one operation apart.
    pub(super) fn facts(
        &self,
        identified: &Identified,
        request: &http::request::Parts,
        body: &[u8],
    ) -> BTreeMap<String, String> {
        match self.operations.get(identified.number) {
            Some(known) => facts::of_request(&known.service, request, body),
            None => BTreeMap::new(),
        }
    }

    /// The facts that a request with these input members has.
    pub(super) fn facts_of_match(
        &self,
        number: usize,
        matching: &Map<String, Value>,
    ) -> Result<BTreeMap<String, String>, String> {
        match self.operations.get(number) {
            Some(known) => facts::of_match(&known.service, &known.name, matching),
            None => Err("the operation is unknown".into()),
        }
    }

    fn by_action(
        &self,
        signing_name: Option<&str>,
        request: &http::request::Parts,
        body: &[u8],
    ) -> Option<usize> {
        let form = header_is_form(&request.headers);
        let body = if form { std::str::from_utf8(body).ok()? } else { request.uri.query()? };
        let parameters = facts::form(body);
        let key = (
            signing_name?.to_owned(),
            parameters.get("Version")?.clone(),
            parameters.get("Action")?.clone(),
        );
        self.actions.get(&key).copied()
    }

    fn by_route(&self, signing_name: &str, request: &http::request::Parts) -> Option<usize> {
        let key = (signing_name.to_owned(), request.method.as_str().to_owned());
        let path = facts::path(signing_name, request);
        let segments: Vec<&str> = split_path(&path).collect();
        let query = facts::form(request.uri.query().unwrap_or_default());
        let routes = self.routes.get(&key)?;
        routes.iter().find(|route| route.matches(&segments, &query)).map(|route| route.number)
    }
}

/// The signing names under which a REST operation is asked. The directory buckets of S3 have an
/// endpoint and a signing name of their own, where `GET /` lists them and no other buckets.
fn signing_names<'s>(service: &'s Service, operation: &str) -> Vec<&'s str> {
    match (service.name(), operation) {
        ("s3", "ListDirectoryBuckets") => vec!["s3express"],
        ("s3", "ListBuckets") => vec!["s3"],
        ("s3", _) => vec!["s3", "s3express"],
        _ => vec![service.signing_name()],
    }
}

fn header_is_form(headers: &http::HeaderMap) -> bool {
    headers
        .get(http::header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"))
}

fn split_path(path: &str) -> impl Iterator<Item = &str> {
    path.trim_start_matches('/').split('/').filter(|segment| !segment.is_empty())
}

impl<'a> CredentialScope<'a> {
    fn parse(authorization: &'a str) -> Option<Self> {
        let credential = authorization.split_once("Credential=")?.1;
        let end = credential.find([',', ' ']).unwrap_or(credential.len());
        let mut parts = credential.get(..end)?.split('/');
        let access_key = parts.next()?;
        let _date = parts.next()?;
        Some(Self { access_key, region: parts.next()?, signing_name: parts.next()? })
    }
}

impl Route {
    fn parse(template: &str, number: usize) -> Self {
        let (path, query) = template.split_once('?').unwrap_or((template, ""));
        let segments = split_path(path)
            .map(|segment| match segment.strip_prefix('{') {
                Some(label) if label.ends_with("+}") => Segment::Greedy,
                Some(_) => Segment::Label,
                None => Segment::Constant(segment.to_owned()),
            })
            .collect();
        let query = query
            .split('&')
            .filter(|part| !part.is_empty())
            .map(|part| match part.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (part.to_owned(), None),
            })
            .collect();
        Self { segments, query, number }
    }

    /// Whether the two match the same requests.
    fn matches_as(&self, other: &Self) -> bool {
        self.segments == other.segments && self.query == other.query
    }

    /// More constants are more specific; a greedy label is least.
    fn weight(&self) -> (usize, usize, usize) {
        let constants = self.segments.iter().filter(|s| matches!(s, Segment::Constant(_))).count();
        let labels = self.segments.iter().filter(|s| matches!(s, Segment::Label)).count();
        (self.query.len(), constants, labels)
    }

    fn matches(&self, segments: &[&str], query: &BTreeMap<String, String>) -> bool {
        let constants = self.query.iter().all(|(name, wanted)| {
            query.get(name).is_some_and(|value| wanted.as_ref().is_none_or(|w| w == value))
        });
        if !constants {
            return false;
        }
        let mut rest = segments.iter();
        for (n, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Greedy => {
                    // What follows a greedy label takes the last segments.
                    let after = self.segments.len() - n - 1;
                    if rest.len() <= after {
                        return false;
                    }
                    while rest.len() > after {
                        rest.next();
                    }
                }
                Segment::Label if rest.next().is_some() => {}
                Segment::Constant(text) if rest.next() == Some(&text.as_str()) => {}
                _ => return false,
            }
        }
        rest.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, path: &str, query: &str, matches: bool) {
        let segments: Vec<&str> = split_path(path).collect();
        let route = Route::parse(template, 0);
        assert_eq!(route.matches(&segments, &facts::form(query)), matches, "{template} {path}");
    }

    #[test]
    fn templates_match_what_aws_would_match() {
        check("/{Bucket}?policy", "/b", "policy", true);
        check("/{Bucket}?policy", "/b", "acl", false);
        check("/{Bucket}", "/b/", "", true);
        check("/{Bucket}/{Key+}", "/b/k/l", "", true);
        check("/{Bucket}/{Key+}", "/b", "", false);
        check("/a/{Arn+}/tags", "/a/x/y/tags", "", true);
        check("/a/{Arn+}/tags", "/a/tags", "", false);
        check("/", "/", "", true);
        check("/v2/x", "/v2/y", "", false);
        check("/f?x-id=Get", "/f", "x-id=Put", false);
    }

    #[test]
    fn two_names_of_one_request_are_one_operation() {
        let api = Api::open(include_bytes!("../../../../content/aws-api/services.zst")).unwrap();
        let router = Router::new(&api, ["s3"]).unwrap();
        let number = |name: &str| router.number("s3", name).unwrap();
        assert_eq!(number("GetBucketLifecycle"), number("GetBucketLifecycleConfiguration"));
        assert_ne!(number("GetBucketLifecycle"), number("GetBucketLogging"));
    }

    #[test]
    fn the_scope_of_a_signature_is_read() {
        let text = "AWS4-HMAC-SHA256 Credential=AKID/20261121/us-east-1/iam/aws4_request, \
                    SignedHeaders=host, Signature=00";
        let scope = CredentialScope::parse(text).unwrap();
        assert_eq!(
            (scope.access_key, scope.region, scope.signing_name),
            ("AKID", "us-east-1", "iam")
        );
        assert!(CredentialScope::parse("Bearer x").is_none());
    }
}
