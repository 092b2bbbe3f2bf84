//! What calls are written into: CloudTrail records in the shape that AWS writes them, in order of
//! their time. Who calls what, and how often, is in `people.rs`, `machines.rs` and `changes.rs`.

use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Seconds of an hour and of a day.
pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 86_400;

/// Who calls, from where and with what.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) identity: Value,
    pub(crate) account: String,
    pub(crate) address: String,
    pub(crate) agent: String,
    pub(crate) console: bool,
}

impl Actor {
    /// A session of a role. A session's key is its own, and new for each session.
    pub(crate) fn session(dice: &mut Rng, account: &str, role: &str, session: &str) -> Self {
        let name = role.rsplit('/').next().unwrap_or(role);
        let id = name_id("AROA", &format!("{account}{role}"));
        let identity = json!({
            "type": "AssumedRole",
            "principalId": format!("{id}:{session}"),
            "arn": format!("arn:aws:sts::{account}:assumed-role/{name}/{session}"),
            "accountId": account,
            "accessKeyId": name_id("ASIA", &format!("{}", dice.u64(..))),
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": id,
                    "arn": format!("arn:aws:iam::{account}:role/{role}"),
                    "accountId": account,
                    "userName": name,
                },
                "attributes": {
                    "creationDate": "2026-10-01T00:00:00Z",
                    "mfaAuthenticated": "false",
                },
            },
        });
        Self::new(identity, account)
    }

    /// A service of AWS under its own name.
    pub(crate) fn service(account: &str, service: &str) -> Self {
        let identity = json!({"type": "AWSService", "invokedBy": service});
        Self::new(identity, account).from(service, service)
    }

    /// A user with a long-lived key.
    pub(crate) fn user(account: &str, name: &str) -> Self {
        let identity = json!({
            "type": "IAMUser",
            "principalId": name_id("AIDA", name),
            "arn": format!("arn:aws:iam::{account}:user/{name}"),
            "accountId": account,
            "accessKeyId": name_id("AKIA", name),
            "userName": name,
        });
        Self::new(identity, account)
    }

    fn new(identity: Value, account: &str) -> Self {
        Self {
            identity,
            account: account.to_owned(),
            address: String::new(),
            agent: String::new(),
            console: false,
        }
    }

    pub(crate) fn from(mut self, address: &str, agent: &str) -> Self {
        self.address = address.to_owned();
        self.agent = agent.to_owned();
        self
    }

    /// The session of a service: calls say which service made them.
    pub(crate) fn by(mut self, service: &str) -> Self {
        if let Some(identity) = self.identity.as_object_mut() {
            identity.insert("invokedBy".to_owned(), json!(service));
        }
        self.from(service, service)
    }

    pub(crate) fn on_console(mut self) -> Self {
        self.console = true;
        self
    }
}

/// A name of the shape that AWS gives: a prefix and 16 letters that depend on the text.
pub(crate) fn name_id(prefix: &str, text: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let mut name = prefix.to_owned();
    for _ in 0..16 {
        hash = hash.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let letter = usize::try_from(hash >> 59).ok().and_then(|place| LETTERS.get(place));
        name.push(letter.copied().map_or('A', char::from));
    }
    name
}

/// One of a list.
#[expect(clippy::indexing_slicing, reason = "lists of the generator are not empty")]
pub(crate) fn pick<'a, T: ?Sized>(dice: &mut Rng, list: &[&'a T]) -> &'a T {
    list[dice.usize(..list.len())]
}

/// A call: service and name, and what is not ordinary about it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    api: String,
    parameters: Value,
    response: Value,
    error: Option<&'static str>,
    more: Map<String, Value>,
    region: Option<&'static str>,
}

/// A call with parameters: `call("ec2:StopInstances", json!({…}))`.
pub(crate) fn call(api: &str, parameters: Value) -> Call {
    Call {
        api: api.to_owned(),
        parameters,
        response: Value::Null,
        error: None,
        more: Map::new(),
        region: None,
    }
}

impl Call {
    pub(crate) fn gave(mut self, response: Value) -> Self {
        self.response = response;
        self
    }

    pub(crate) fn failed(mut self, error: &'static str) -> Self {
        self.error = Some(error);
        self
    }

    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn in_region(mut self, region: &'static str) -> Self {
        self.region = Some(region);
        self
    }
}

/// Names of calls that only read.
const READS: [&str; 9] =
    ["Describe", "List", "Get", "Head", "Lookup", "Search", "Batch", "Select", "Query"];
/// Services whose records are of one region wherever they are used from.
const GLOBAL: [&str; 6] = ["iam", "route53", "cloudfront", "organizations", "signin", "support"];
/// Where the organization works.
pub(crate) const HOME: &str = "eu-central-1";

/// All records so far.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) dice: Rng,
    records: Vec<(i64, String)>,
}

impl Ledger {
    pub(crate) fn new(seed: u64) -> Self {
        Self { dice: Rng::with_seed(seed), records: Vec::new() }
    }

    /// Writes a call down, at a second since 1970.
    pub(crate) fn write(&mut self, at: i64, actor: &Actor, call: Call) {
        let (service, name) = call.api.split_once(':').unwrap_or(("sts", call.api.as_str()));
        let read = READS.iter().any(|verb| name.starts_with(verb));
        let data =
            service == "s3" && name.contains("Object") || (service == "lambda" && name == "Invoke");
        let global = GLOBAL.contains(&service);
        let region = call.region.unwrap_or(if global { "us-east-1" } else { HOME });
        let time = Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH);
        let number = self.records.len();
        let mut record = json!({
            "eventVersion": "1.11",
            "userIdentity": actor.identity,
            "eventTime": time.to_string(),
            "eventSource": format!("{service}.amazonaws.com"),
            "eventName": name,
            "awsRegion": region,
            "sourceIPAddress": actor.address,
            "userAgent": actor.agent,
            "requestParameters": call.parameters,
            "responseElements": call.response,
            "requestID": format!("5f0c{number:08x}-0000-4000-8000-000000000000"),
            "eventID": format!("9a1b{number:08x}-0000-4000-8000-000000000000"),
            "readOnly": read,
            "eventType": "AwsApiCall",
            "managementEvent": !data,
            "recipientAccountId": actor.account,
            "eventCategory": if data { "Data" } else { "Management" },
        });
        if let Some(record) = record.as_object_mut() {
            if let Some(error) = call.error {
                let message = format!("{error}: the request was not carried out");
                record.insert("errorCode".to_owned(), json!(error));
                record.insert("errorMessage".to_owned(), json!(message));
            }
            if actor.console {
                record.insert("sessionCredentialFromConsole".to_owned(), json!("true"));
            }
            record.extend(call.more);
        }
        self.records.push((at, record.to_string()));
    }

    /// Several calls within some seconds, in their order.
    pub(crate) fn burst(&mut self, at: i64, actor: &Actor, apis: &[&str]) -> i64 {
        let mut now = at;
        for api in apis {
            now += self.dice.i64(0..4);
            self.write(now, actor, call(api, Value::Null));
        }
        now
    }

    /// Whether something that happens so many times of a thousand happens now.
    pub(crate) fn chance(&mut self, per_thousand: u32) -> bool {
        self.dice.u32(..1_000) < per_thousand
    }

    /// The records in order of time.
    pub(crate) fn finish(mut self) -> Vec<String> {
        self.records.sort();
        self.records.into_iter().map(|(_, record)| record).collect()
    }
}
