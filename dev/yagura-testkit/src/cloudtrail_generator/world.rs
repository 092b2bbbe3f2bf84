//! Who and what exists: accounts, regions, roles, users, things, addresses, programs.
//! All of it follows from the seed and a few numbers; how a record is put together is `record`'s.

use std::fmt::Write as _;

use super::mixed;
use super::pattern::Thing;

/// An account and region whose files come in turn.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) account: &'static str,
    pub(super) region: &'static str,
}

const fn lane(account: &'static str, region: &'static str) -> Lane {
    Lane { account, region }
}

const PRODUCTION: &str = "111122223333";
const STAGING: &str = "444455556666";
const SHARED: &str = "123456789012";
const SECURITY: &str = "210987654321";

/// One round of files: production writes more than the rest, `us-east-1` has the global services.
pub(super) const LANES: [Lane; 14] = [
    lane(PRODUCTION, "us-east-1"),
    lane(PRODUCTION, "ap-northeast-1"),
    lane(STAGING, "us-east-1"),
    lane(PRODUCTION, "us-east-1"),
    lane(SHARED, "us-east-1"),
    lane(PRODUCTION, "ap-northeast-1"),
    lane(PRODUCTION, "eu-west-1"),
    lane(STAGING, "ap-northeast-1"),
    lane(SECURITY, "us-east-1"),
    lane(PRODUCTION, "us-east-1"),
    lane(SHARED, "ap-northeast-1"),
    lane(STAGING, "eu-west-1"),
    lane(SECURITY, "ap-northeast-1"),
    lane(SHARED, "us-west-2"),
];

/// An IAM role and who uses it.
pub(super) struct Role {
    pub(super) name: &'static str,
    pub(super) used: Used,
}

/// How sessions of a role begin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Used {
    /// From an EC2 instance's profile.
    Instance,
    /// By a Lambda function.
    Function,
    /// By a container.
    Task,
    /// By a pipeline with a token of its own.
    Pipeline,
    /// By a person through Identity Center.
    Person,
    /// By an AWS service.
    Service,
}

const fn role(name: &'static str, used: Used) -> Role {
    Role { name, used }
}

pub(super) const ROLES: [Role; 22] = [
    role("web-frontend-instance", Used::Instance),
    role("orders-api-task", Used::Task),
    role("billing-worker-task", Used::Task),
    role("image-resize-function", Used::Function),
    role("data-pipeline-instance", Used::Instance),
    role("order-events-function", Used::Function),
    role("notifications-function", Used::Function),
    role("AWSReservedSSO_AdministratorAccess_8f0c1d2e3a4b5c6d", Used::Person),
    role("AWSReservedSSO_ReadOnlyAccess_1a2b3c4d5e6f7081", Used::Person),
    role("AWSReservedSSO_DeveloperAccess_9e8d7c6b5a493827", Used::Person),
    role("GitHubActionsDeploy", Used::Pipeline),
    role("TerraformPlan", Used::Pipeline),
    role("TerraformApply", Used::Pipeline),
    role("cluster-autoscaler", Used::Task),
    role("eks-node-group-instance", Used::Instance),
    role("backup-service-role", Used::Service),
    role("AWSServiceRoleForConfig", Used::Service),
    role("AWSServiceRoleForAutoScaling", Used::Service),
    role("AWSServiceRoleForAmazonGuardDuty", Used::Service),
    role("YaguraRead", Used::Task),
    role("metrics-collector-instance", Used::Instance),
    role("search-indexer-function", Used::Function),
];

pub(super) const USERS: [&str; 9] = [
    "alice.tanaka",
    "bob.suzuki",
    "carol.yamada",
    "legacy-uploader",
    "ci-deploy",
    "monitoring",
    "ses-smtp-user",
    "vendor-sync",
    "dave.sato",
];

const PEOPLE: [&str; 8] = [
    "alice@example.com",
    "bob@example.com",
    "carol@example.com",
    "dave@example.com",
    "erin@example.com",
    "frank@example.com",
    "grace@example.com",
    "heidi@example.com",
];

const PROGRAMS: [&str; 8] = [
    "aws-sdk-java/2.31.7 md/io#sync md/http#Apache ua/2.1 os/Linux#6.1.129 lang/java#21.0.6 m/D,C",
    "Boto3/1.37.18 md/Botocore#1.37.18 ua/2.1 os/linux#5.10.234 md/arch#x86_64 lang/python#3.12.9 \
     exec-env/AWS_Lambda_python3.12 cfg/retry-mode#legacy",
    "aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.24.1 md/GOOS#linux md/GOARCH#amd64 m/E,g",
    "aws-sdk-js/3.758.0 ua/2.1 os/linux#5.10.234 lang/js md/nodejs#22.14.0 m/N,E,e",
    "aws-cli/2.24.27 md/awscrt#0.23.8 ua/2.1 os/linux#6.8.0-55-generic md/arch#x86_64 \
     lang/python#3.12.9 md/pyimpl#CPython cfg/retry-mode#standard md/command#s3.cp",
    "APN/1.0 HashiCorp/1.0 Terraform/1.11.2 (+https://www.terraform.io) \
     terraform-provider-aws/5.91.0",
    "amazon-ssm-agent/3.3.1957.0 aws-sdk-go/1.55.5 (go1.23.6; linux; amd64)",
    "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.782 Linux/5.10.234]",
];
const BROWSERS: [&str; 3] = [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) \
     Chrome/134.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
     Chrome/133.0.0.0 Safari/537.36 Edg/133.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:136.0) Gecko/20100101 Firefox/136.0",
];

const TEAMS: [&str; 8] =
    ["orders", "billing", "search", "media", "identity", "analytics", "platform", "edge"];
const PURPOSES: [&str; 7] = ["uploads", "exports", "artifacts", "logs", "assets", "backup", "raw"];

/// Everything that follows from the seed.
pub(super) struct World {
    seed: u64,
}

impl World {
    pub(super) fn of(seed: u64) -> Self {
        Self { seed: mixed(seed) }
    }

    /// A number that belongs to these parts, the same every time.
    pub(super) fn number(&self, parts: &[u64]) -> u64 {
        parts.iter().fold(self.seed, |all, part| mixed(all ^ mixed(*part)))
    }

    /// How many there are of a kind, in one account.
    pub(super) fn count(kind: Thing) -> u64 {
        match kind {
            Thing::Object => 200_000,
            Thing::LogGroup | Thing::Instance | Thing::Volume => 120,
            Thing::NetworkInterface | Thing::Snapshot => 400,
            Thing::Bucket | Thing::Function | Thing::Key | Thing::SecurityGroup => 40,
            Thing::Role => u64::try_from(ROLES.len()).unwrap_or(1),
            Thing::User => u64::try_from(USERS.len()).unwrap_or(1),
            _ => 16,
        }
    }

    /// Writes the name of a thing.
    pub(super) fn write_thing(&self, kind: Thing, account: &str, nth: u64, into: &mut String) {
        let own = account.parse::<u64>().unwrap_or_default();
        let number = self.number(&[own, kind as u64, nth]);
        let hex17 = number & 0x000f_ffff_ffff_ffff;
        let (team, purpose) = (pick(&TEAMS, nth), pick(&PURPOSES, nth / 8));
        let short = number % 10_000;
        // Writing to a string cannot fail.
        let _ = match kind {
            Thing::Bucket => write!(into, "{team}-{purpose}-{}", own % 100_000),
            Thing::Object => write!(
                into,
                "{purpose}/2026/11/{:02}/{team}-{:016x}.parquet",
                1 + number % 28,
                number.rotate_left(17)
            ),
            Thing::Role => write!(into, "{}", at(&ROLES, nth).map_or("role", |role| role.name)),
            Thing::User => write!(into, "{}", pick(&USERS, nth)),
            Thing::Instance => write!(into, "i-0{hex17:016x}"),
            Thing::Volume => write!(into, "vol-0{hex17:016x}"),
            Thing::Snapshot => write!(into, "snap-0{hex17:016x}"),
            Thing::SecurityGroup => write!(into, "sg-0{hex17:016x}"),
            Thing::Subnet => write!(into, "subnet-0{hex17:016x}"),
            Thing::Vpc => write!(into, "vpc-0{hex17:016x}"),
            Thing::NetworkInterface => write!(into, "eni-0{hex17:016x}"),
            Thing::Image => write!(into, "ami-0{hex17:016x}"),
            Thing::Function => {
                write!(
                    into,
                    "{team}-{purpose}-{}",
                    if short.is_multiple_of(2) { "put" } else { "get" }
                )
            }
            Thing::Table | Thing::Queue | Thing::Topic => write!(into, "{team}-{purpose}"),
            Thing::Secret => write!(into, "{team}/{purpose}-{:06x}", number & 0xff_ffff),
            Thing::Parameter => write!(into, "/{team}/{purpose}/endpoint"),
            Thing::Key => write_uuid(number, mixed(number), into),
            Thing::Stream => write!(into, "{team}-events"),
            Thing::LogGroup => write!(into, "/aws/lambda/{team}-{purpose}-{}", nth % 5),
            Thing::Cluster => write!(into, "{team}-cluster"),
            Thing::Repository => write!(into, "{team}/{purpose}-service"),
            Thing::Stack => write!(into, "{team}-{purpose}-stack"),
            Thing::Database => write!(into, "{team}-db-{}", nth % 3),
            Thing::Zone => write!(into, "Z0{number:018X}"),
            Thing::Certificate => write_uuid(number, mixed(!number), into),
            Thing::LoadBalancer => write!(into, "app/{team}-alb/{number:016x}"),
            Thing::Pipeline => write!(into, "{team}-release"),
        };
    }

    /// Writes an id: the prefix, and as many letters and digits as AWS gives it (20 characters
    /// for access keys, 21 for principals).
    pub(super) fn write_id(&self, prefix: &str, parts: &[u64], into: &mut String) {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        into.push_str(prefix);
        let letters = if matches!(prefix, "ASIA" | "AKIA") { 16 } else { 17 };
        let mut number = self.number(parts);
        for turn in 0..letters {
            into.push(char::from(at(LETTERS, number % 32).copied().unwrap_or(b'A')));
            number = if turn == 10 { mixed(number) } else { number / 32 };
        }
    }
}

/// A UUID of the random kind (RFC 9562, version 4), from two numbers.
pub(super) fn write_uuid(high: u64, low: u64, into: &mut String) -> std::fmt::Result {
    write!(
        into,
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | (low >> 48) & 0x3fff,
        low & 0xffff_ffff_ffff,
    )
}

/// An address that documentation may use (RFC 5737, RFC 3849); one caller in eight has IPv6.
pub(super) fn write_address(number: u64, into: &mut String) {
    let last = 1 + (number >> 8) % 254;
    let _ = match number % 8 {
        0 => write!(into, "2001:db8:{:x}::{:x}", (number >> 16) & 0x3f, (number >> 32) & 0xffff),
        1 | 2 => write!(into, "192.0.2.{last}"),
        3 | 4 => write!(into, "198.51.100.{last}"),
        _ => write!(into, "203.0.113.{last}"),
    };
}

pub(super) fn person(number: u64) -> &'static str {
    pick(&PEOPLE, number)
}

pub(super) fn program(number: u64) -> &'static str {
    pick(&PROGRAMS, number)
}

pub(super) fn browser(number: u64) -> &'static str {
    pick(&BROWSERS, number)
}

/// The element that a number falls on.
fn at<T>(list: &[T], number: u64) -> Option<&T> {
    let length = u64::try_from(list.len()).ok()?;
    list.get(usize::try_from(number.checked_rem(length)?).ok()?)
}

fn pick(list: &[&'static str], number: u64) -> &'static str {
    at(list, number).copied().unwrap_or_default()
}

pub(super) fn role_at(number: u64) -> &'static Role {
    const FIRST: &Role = &ROLES[0];
    at(&ROLES, number).unwrap_or(FIRST)
}

pub(super) fn user_at(number: u64) -> &'static str {
    pick(&USERS, number)
}
