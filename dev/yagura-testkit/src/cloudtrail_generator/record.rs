//! One record after the other of one file: who, what, when, from where, with what result.
//! Which calls there are is `catalog`'s; what exists in an account is `world`'s.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::catalog::{By, Catalog, Entry, Kind};
use super::pattern::{Pattern, Piece, Slot, THINGS, Thing};
use super::world::{self, Lane, Used, World};
use super::{FILE_SPAN_S, FilePlan, random_of};

/// One call in this many fails.
const FAILS_EVERY: u32 = 22;
/// Sessions of one role that run side by side.
const SESSIONS: u64 = 5;
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes the records of one file.
pub(super) struct Recorder<'a> {
    catalog: &'a Catalog,
    world: &'a World,
    lane: &'static Lane,
    begin: Timestamp,
    records: u64,
    written: u64,
    random: fastrand::Rng,
    own: u64,
}

/// What one record says the same everywhere.
struct Moment {
    time: Timestamp,
    session_time: Timestamp,
    /// Which thing of each kind the record is about, once drawn.
    things: [Option<u64>; THINGS],
}

/// Who calls, as far as the rest of the record needs it.
struct Caller {
    arn: String,
    /// Its number: address and program follow from it.
    number: u64,
    /// The domain, where a service calls.
    service: Option<&'static str>,
    browser: bool,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(catalog: &'a Catalog, world: &'a World, file: &FilePlan, seed: u64) -> Self {
        Self {
            catalog,
            world,
            lane: file.lane,
            begin: file.begin,
            records: file.records,
            written: 0,
            random: random_of(seed, file.number, 3),
            own: file.lane.account.parse().unwrap_or_default(),
        }
    }

    /// Appends the next record.
    pub(super) fn write(&mut self, out: &mut String) {
        let Some(entry) = self.catalog.draw(self.lane.region, &mut self.random) else { return };
        let moment = &mut self.moment();
        let source = entry.source;
        out.push_str("{\"eventVersion\":\"1.11\",\"userIdentity\":");
        let caller = self.identity(entry, moment, out);
        let _ = write!(
            out,
            ",\"eventTime\":\"{}\",\"eventSource\":\"{source}.amazonaws.com\",\"eventName\":\"{}\",\
             \"awsRegion\":\"{}\",\"sourceIPAddress\":\"",
            moment.time, entry.name, self.lane.region
        );
        self.origin(&caller, out);
        let failed = entry.kind != Kind::Event && self.random.u32(0..FAILS_EVERY) == 0;
        if failed {
            self.failure(entry, &caller, out);
        }
        out.push_str(",\"requestParameters\":");
        self.fill(&entry.request, moment, out);
        out.push_str(",\"responseElements\":");
        match (failed, entry.kind) {
            (true, Kind::SignIn) => out.push_str("{\"ConsoleLogin\":\"Failure\"}"),
            (true, _) => out.push_str("null"),
            (false, _) => self.fill(&entry.response, moment, out),
        }
        if let Some(additional) = &entry.additional {
            out.push_str(",\"additionalEventData\":");
            self.fill(additional, moment, out);
        }
        out.push_str(",\"requestID\":\"");
        self.request_id(source, out);
        out.push_str("\",\"eventID\":\"");
        self.uuid(out);
        out.push('"');
        self.closing(entry, &caller, moment, out);
        self.written += 1;
    }

    /// When the record happened: in order, nearly.
    fn moment(&mut self) -> Moment {
        let at = self.written * FILE_SPAN_S / self.records.max(1);
        let second = (at + self.random.u64(0..12)).min(FILE_SPAN_S - 1).cast_signed();
        let time = self.begin + SignedDuration::from_secs(second);
        Moment { time, session_time: time, things: [None; THINGS] }
    }

    /// The members after the ids.
    fn closing(&mut self, entry: &Entry, caller: &Caller, moment: &mut Moment, out: &mut String) {
        let read = matches!(entry.kind, Kind::Read | Kind::DataRead);
        let data = matches!(entry.kind, Kind::DataRead | Kind::DataWrite);
        let _ = write!(out, ",\"readOnly\":{read}");
        if let Some(resources) = &entry.resources {
            out.push_str(",\"resources\":");
            self.fill(resources, moment, out);
        }
        let kind = match entry.kind {
            Kind::SignIn => "AwsConsoleSignIn",
            Kind::Event => "AwsServiceEvent",
            _ => "AwsApiCall",
        };
        let account = self.lane.account;
        let _ = write!(
            out,
            ",\"eventType\":\"{kind}\",\"managementEvent\":{},\"recipientAccountId\":\"{account}\"",
            !data
        );
        if caller.service.is_some() && !data {
            out.push_str(",\"sharedEventID\":\"");
            self.uuid(out);
            out.push('"');
        }
        let category = if data { "Data" } else { "Management" };
        let _ = write!(out, ",\"eventCategory\":\"{category}\"");
        // Not every program negotiates through an endpoint that reports this.
        if caller.service.is_none() && caller.number.is_multiple_of(5) {
            let source = if entry.kind == Kind::SignIn { "signin" } else { entry.source };
            let _ = write!(
                out,
                ",\"tlsDetails\":{{\"tlsVersion\":\"TLSv1.3\",\"cipherSuite\":\
                 \"TLS_AES_128_GCM_SHA256\",\"clientProvidedHostHeader\":\
                 \"{source}.{}.amazonaws.com\"}}",
                self.lane.region
            );
        }
        if caller.browser && entry.kind != Kind::SignIn {
            out.push_str(",\"sessionCredentialFromConsole\":\"true\"");
        }
        out.push('}');
    }

    /// Writes `userIdentity`.
    fn identity(&mut self, entry: &Entry, moment: &mut Moment, out: &mut String) -> Caller {
        match entry.by {
            By::Service(domain) => {
                let _ = write!(out, "{{\"type\":\"AWSService\",\"invokedBy\":\"{domain}\"}}");
                let arn = String::new();
                Caller { arn, number: 0, service: Some(domain), browser: false }
            }
            By::WebIdentity => self.web_identity(moment, out),
            By::Browser => self.user(true, out),
            By::Anyone => match self.random.u32(0..1000) {
                0 => self.root(out),
                1..240 => self.user(false, out),
                _ => self.session(moment, out),
            },
        }
    }

    fn root(&mut self, out: &mut String) -> Caller {
        let account = self.lane.account;
        let arn = format!("arn:aws:iam::{account}:root");
        let _ = write!(
            out,
            "{{\"type\":\"Root\",\"principalId\":\"{account}\",\"arn\":\"{arn}\",\
             \"accountId\":\"{account}\",\"accessKeyId\":\""
        );
        self.world.write_id("ASIA", &[self.own, 4], out);
        let _ = write!(
            out,
            "\",\"sessionContext\":{{\"attributes\":{{\"creationDate\":\"{}\",\
             \"mfaAuthenticated\":\"true\"}}}}}}",
            self.begin
        );
        Caller { arn, number: self.own, service: None, browser: true }
    }

    fn user(&mut self, browser: bool, out: &mut String) -> Caller {
        let nth = self.skewed(World::count(Thing::User));
        let (account, name) = (self.lane.account, world::user_at(nth));
        let arn = format!("arn:aws:iam::{account}:user/{name}");
        out.push_str("{\"type\":\"IAMUser\",\"principalId\":\"");
        self.world.write_id("AIDA", &[self.own, 1, nth], out);
        let _ = write!(out, "\",\"arn\":\"{arn}\",\"accountId\":\"{account}\"");
        if !browser {
            out.push_str(",\"accessKeyId\":\"");
            self.world.write_id("AKIA", &[self.own, 2, nth], out);
            out.push('"');
        }
        let _ = write!(out, ",\"userName\":\"{name}\"}}");
        let number = self.world.number(&[self.own, 3, nth]);
        Caller { arn, number, service: None, browser }
    }

    fn web_identity(&mut self, moment: &mut Moment, out: &mut String) -> Caller {
        let provider = "token.actions.githubusercontent.com";
        let account = self.lane.account;
        let mut name = String::from("repo:example/");
        self.thing(Thing::Repository, moment, &mut name);
        name.push_str(":ref:refs/heads/main");
        let oidc = format!("arn:aws:iam::{account}:oidc-provider/{provider}");
        let _ = write!(
            out,
            "{{\"type\":\"WebIdentityUser\",\"principalId\":\"{oidc}:sts.amazonaws.com:{name}\",\
             \"userName\":\"{name}\",\"identityProvider\":\"{oidc}\"}}"
        );
        let number = self.world.number(&[self.own, 5, self.random.u64(0..40)]);
        Caller { arn: name, number, service: None, browser: false }
    }

    /// A role's session. Sessions last an hour, so that they recur within files and across them.
    fn session(&mut self, moment: &mut Moment, out: &mut String) -> Caller {
        let nth = self.skewed(World::count(Thing::Role));
        let role = world::role_at(nth);
        let turn = self.random.u64(0..SESSIONS);
        let hour = (moment.time.as_second() / 3_600).unsigned_abs();
        let number = self.world.number(&[self.own, 6, nth, turn, hour]);
        let steady = self.world.number(&[self.own, 7, nth, turn]);
        let begun = (moment.time.as_second() / 3_600 * 3_600)
            .saturating_sub((number % 1_800).cast_signed());
        moment.session_time = Timestamp::from_second(begun).unwrap_or(moment.time);
        let mut name = String::new();
        match role.used {
            Used::Instance => {
                self.world.write_thing(Thing::Instance, self.lane.account, steady % 120, &mut name);
            }
            Used::Function => {
                self.world.write_thing(Thing::Function, self.lane.account, steady % 40, &mut name);
            }
            Used::Person => name.push_str(world::person(steady)),
            Used::Pipeline => name.push_str("GitHubActions"),
            Used::Task | Used::Service => {
                let _ = write!(name, "{number:016x}{steady:016x}");
            }
        }
        let (account, role_name) = (self.lane.account, role.name);
        let arn = format!("arn:aws:sts::{account}:assumed-role/{role_name}/{name}");
        let mut id = String::new();
        self.world.write_id("AROA", &[self.own, 8, nth], &mut id);
        let _ = write!(
            out,
            "{{\"type\":\"AssumedRole\",\"principalId\":\"{id}:{name}\",\"arn\":\"{arn}\",\
             \"accountId\":\"{account}\",\"accessKeyId\":\""
        );
        self.world.write_id("ASIA", &[number], out);
        let path = if role.used == Used::Person { "aws-reserved/sso.amazonaws.com/" } else { "" };
        let _ = write!(
            out,
            "\",\"sessionContext\":{{\"sessionIssuer\":{{\"type\":\"Role\",\
             \"principalId\":\"{id}\",\
             \"arn\":\"arn:aws:iam::{account}:role/{path}{role_name}\",\"accountId\":\"{account}\",\
             \"userName\":\"{role_name}\"}},\"attributes\":{{\"creationDate\":\"{}\",\
             \"mfaAuthenticated\":\"false\"}}",
            moment.session_time
        );
        if role.used == Used::Instance {
            out.push_str(",\"ec2RoleDelivery\":\"2.0\"");
        }
        out.push_str("}}");
        let browser = role.used == Used::Person && !number.is_multiple_of(3);
        Caller { arn, number: steady, service: None, browser }
    }

    /// Address and program, with the quotes around them.
    fn origin(&mut self, caller: &Caller, out: &mut String) {
        match caller.service {
            Some(domain) => {
                let _ = write!(out, "{domain}\",\"userAgent\":\"{domain}\"");
            }
            None => {
                world::write_address(caller.number, out);
                let program = if caller.browser {
                    world::browser(caller.number >> 20)
                } else {
                    world::program(caller.number >> 20)
                };
                let _ = write!(out, "\",\"userAgent\":\"{program}\"");
            }
        }
    }

    /// Why the call failed. EC2 has codes of its own.
    fn failure(&mut self, entry: &Entry, caller: &Caller, out: &mut String) {
        let (source, name, arn) = (entry.source, entry.name, &caller.arn);
        let denied = self.random.u32(0..10) < 6;
        let _ = match (entry.kind, source, denied) {
            (Kind::SignIn, ..) => write!(out, ",\"errorMessage\":\"Failed authentication\""),
            (_, "ec2", true) => write!(
                out,
                ",\"errorCode\":\"Client.UnauthorizedOperation\",\"errorMessage\":\"You are not \
                 authorized to perform this operation. User: {arn} is not authorized to perform: \
                 ec2:{name} because no identity-based policy allows the ec2:{name} action\""
            ),
            (_, "ec2", false) => write!(
                out,
                ",\"errorCode\":\"Client.RequestLimitExceeded\",\"errorMessage\":\"Request limit \
                 exceeded.\""
            ),
            (_, _, true) => write!(
                out,
                ",\"errorCode\":\"AccessDenied\",\"errorMessage\":\"User: {arn} is not authorized \
                 to perform: {source}:{name} because no identity-based policy allows the \
                 {source}:{name} action\""
            ),
            (_, "s3", false) => write!(
                out,
                ",\"errorCode\":\"NoSuchKey\",\"errorMessage\":\"The specified key does not \
                 exist.\""
            ),
            (_, _, false) => write!(
                out,
                ",\"errorCode\":\"ThrottlingException\",\"errorMessage\":\"Rate exceeded\""
            ),
        };
    }

    /// A number below `count` that is small more often than large.
    fn skewed(&mut self, count: u64) -> u64 {
        let share = self.random.f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "counts of things are small, and the product is below them"
        )]
        let drawn = (share * share * count as f64) as u64;
        drawn.min(count.saturating_sub(1))
    }

    fn thing(&mut self, kind: Thing, moment: &mut Moment, out: &mut String) {
        let known = moment.things.get(kind as usize).copied().flatten();
        let nth = known.unwrap_or_else(|| self.skewed(World::count(kind)));
        if let Some(place) = moment.things.get_mut(kind as usize) {
            *place = Some(nth);
        }
        self.world.write_thing(kind, self.lane.account, nth, out);
    }

    fn fill(&mut self, pattern: &Pattern, moment: &mut Moment, out: &mut String) {
        for piece in pattern.pieces() {
            match *piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Slot(slot) => self.slot(slot, moment, out),
            }
        }
    }

    fn slot(&mut self, slot: Slot, moment: &mut Moment, out: &mut String) {
        let _ = match slot {
            Slot::Account => write!(out, "{}", self.lane.account),
            Slot::Region => write!(out, "{}", self.lane.region),
            Slot::Thing(kind) => {
                self.thing(kind, moment, out);
                Ok(())
            }
            Slot::Time => write!(out, "{}", moment.time),
            Slot::SessionTime => write!(out, "{}", moment.session_time),
            Slot::Uuid => {
                self.uuid(out);
                Ok(())
            }
            Slot::Hex => write!(out, "{:016x}", self.random.u64(..)),
            Slot::Token => self.base64(40, out),
            Slot::LongToken => self.base64(76, out),
            Slot::SessionToken => self.base64(300, out),
            Slot::AccessKey => {
                let number = self.random.u64(..);
                self.world.write_id("ASIA", &[number], out);
                Ok(())
            }
            Slot::Small => write!(out, "{}", self.random.u32(1..100)),
            Slot::Number => write!(out, "{}", self.random.u32(200..1_000_000)),
            Slot::Address => {
                world::write_address(self.random.u64(..), out);
                Ok(())
            }
        };
    }

    fn base64(&mut self, length: usize, out: &mut String) -> std::fmt::Result {
        for _ in 0..length {
            let letter = BASE64.get(self.random.usize(0..64)).copied().unwrap_or(b'A');
            out.push(char::from(letter));
        }
        Ok(())
    }

    fn uuid(&mut self, out: &mut String) {
        let (high, low) = (self.random.u64(..), self.random.u64(..));
        let _ = world::write_uuid(high, low, out);
    }

    /// S3 and its like name requests by sixteen letters and digits, the rest by UUIDs.
    fn request_id(&mut self, source: &str, out: &mut String) {
        if source == "s3" {
            let _ = write!(out, "{:016X}", self.random.u64(..));
        } else {
            self.uuid(out);
        }
    }
}
