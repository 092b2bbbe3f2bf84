//! Policies of buckets, queues, topics and secrets: who reads, who writes, and nobody else.
//! Keys and roles have rules of their own, in `key` and `trust`.

use iam_policy::PolicyKind;

use super::guest::{Deputy, Guest, deputies, guests};
use super::statement::{
    Statement, allow_deputies, allow_guests, deny_but, deny_outsiders, deny_services_for_others,
};
use super::{GenerateError, Generated, Home, Reason, generated, note};

/// What is wished of any resource.
#[derive(Clone, Debug, Default)]
pub struct ResourceWish {
    /// Whom we trust.
    pub home: Home,
    /// Accounts, ARNs of users and roles, or forms of such ARNs.
    pub readers: Vec<String>,
    /// The same, of those who put something in.
    pub writers: Vec<String>,
    /// The same, of those who alone may change the policy.
    pub administrators: Vec<String>,
    /// `SERVICE=SOURCE` of services that put something in.
    pub services: Vec<String>,
}

/// A bucket.
#[derive(Clone, Debug, Default)]
pub struct BucketWish {
    /// Its name.
    pub name: String,
    /// The ARN of the KMS key that objects must be encrypted with.
    pub key: Option<String>,
    /// Who.
    pub who: ResourceWish,
}

/// A queue.
#[derive(Clone, Debug, Default)]
pub struct QueueWish {
    /// Its ARN.
    pub arn: String,
    /// Who: readers receive, writers send.
    pub who: ResourceWish,
}

/// A topic.
#[derive(Clone, Debug, Default)]
pub struct TopicWish {
    /// Its ARN.
    pub arn: String,
    /// Who: readers subscribe, writers publish.
    pub who: ResourceWish,
}

/// A secret; its policy needs no name.
#[derive(Clone, Debug, Default)]
pub struct SecretWish {
    /// Who: readers read the value, writers put a new one.
    pub who: ResourceWish,
}

/// Everybody who is named, read.
struct Guests {
    readers: Vec<Guest>,
    writers: Vec<Guest>,
    administrators: Vec<Guest>,
    deputies: Vec<Deputy>,
}

impl Guests {
    fn of(who: &ResourceWish) -> Result<Self, GenerateError> {
        who.home.check()?;
        let found = Self {
            readers: guests(&who.readers)?,
            writers: guests(&who.writers)?,
            administrators: guests(&who.administrators)?,
            deputies: deputies(&who.services)?,
        };
        let nobody =
            found.readers.is_empty() && found.writers.is_empty() && found.deputies.is_empty();
        if nobody { Err(GenerateError::Nobody) } else { Ok(found) }
    }

    /// All but the services, each once.
    fn everybody(&self) -> Vec<Guest> {
        let mut all: Vec<Guest> = Vec::new();
        for guest in self.readers.iter().chain(&self.writers).chain(&self.administrators) {
            if !all.contains(guest) {
                all.push(guest.clone());
            }
        }
        all
    }

    fn notes(&self) -> Vec<Reason> {
        let mut notes = Vec::new();
        if self.administrators.is_empty() {
            notes.push(note("no_administrators", ""));
        }
        let all = self.everybody();
        let forms = all.iter().filter_map(|guest| match guest {
            Guest::Form(form) => Some(form.as_str()),
            Guest::Account(_) | Guest::Named(_) => None,
        });
        notes.extend(forms.map(|form| note("by_form", form)));
        notes
    }
}

/// What a kind of resource calls things.
struct Kind<'k> {
    /// The resources that the policy speaks of.
    all: Vec<String>,
    /// What is in it, where that has ARNs of its own.
    inside: Vec<String>,
    /// Every action that a policy of the kind may name.
    every: &'k [&'k str],
    /// What takes something out of it.
    takes: &'k [&'k str],
    /// What puts something in, or away.
    puts: &'k [&'k str],
    /// What changes who may do what.
    changes: &'k [&'k str],
}

/// The denials that every resource gets.
fn denials(home: &Home, guests: &Guests, kind: &Kind<'_>) -> Vec<Statement> {
    let everybody = guests.everybody();
    let mut statements = vec![
        Statement::deny("DenyPlainText", "plain_text").actions(kind.every).on(&kind.all).when_one(
            "Bool",
            "aws:SecureTransport",
            "false",
        ),
        deny_outsiders(home, &everybody, kind.every, &kind.all),
        deny_services_for_others(home, &guests.deputies, kind.every, &kind.all),
        deny_but("DenyOtherReaders", "other_readers", &guests.readers, kind.takes, &kind.all),
        deny_but("DenyOtherWriters", "other_writers", &guests.writers, kind.puts, &kind.all),
    ];
    if !guests.administrators.is_empty() {
        let (code, admins) = ("policy_changes", &guests.administrators);
        let whole: Vec<String> =
            kind.all.iter().filter(|arn| !kind.inside.contains(arn)).cloned().collect();
        statements.push(deny_but("DenyPolicyChanges", code, admins, kind.changes, &whole));
    }
    statements
}

impl BucketWish {
    /// The policy.
    ///
    /// # Errors
    /// When a name is none, or nobody is let in.
    pub fn generate(&self) -> Result<Generated, GenerateError> {
        let (home, guests) = (&self.who.home, Guests::of(&self.who)?);
        let name = &self.name;
        let sound = (3..=63).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
        if !sound {
            return Err(GenerateError::NotExact { what: "a bucket's name", text: name.clone() });
        }
        let bucket = format!("arn:{}:s3:::{name}", home.partition);
        let objects = format!("{bucket}/*");
        let kind = Kind {
            all: vec![bucket.clone(), objects.clone()],
            inside: vec![objects.clone()],
            every: &["s3:*"],
            takes: &["s3:GetObject*", "s3:ListBucket*"],
            puts: &["s3:PutObject*", "s3:DeleteObject*"],
            changes: &[
                "s3:PutBucketPolicy",
                "s3:DeleteBucketPolicy",
                "s3:PutBucketAcl",
                "s3:PutBucketOwnershipControls",
                "s3:PutBucketPublicAccessBlock",
                "s3:PutEncryptionConfiguration",
                "s3:DeleteBucket",
            ],
        };
        let mut statements = denials(home, &guests, &kind);
        statements.insert(
            1,
            Statement::deny("DenyOldTls", "old_tls").actions(kind.every).on(&kind.all).when_one(
                "NumericLessThan",
                "s3:TlsVersion",
                "1.2",
            ),
        );
        statements.extend(self.encryption(std::slice::from_ref(&objects))?);
        let (bucket, objects) = ([bucket], [objects]);
        let readers = &guests.readers;
        let lists = &["s3:ListBucket"];
        let reads = &["s3:GetObject", "s3:GetObjectVersion"];
        let writes = &["s3:PutObject", "s3:AbortMultipartUpload"];
        statements.extend(allow_guests(home, ("ReadersList", "readers"), readers, lists, &bucket));
        statements.extend(allow_guests(home, ("ReadersRead", "readers"), readers, reads, &objects));
        let writers = &guests.writers;
        statements.extend(allow_guests(home, ("Writers", "writers"), writers, writes, &objects));
        let delivers = &["s3:GetBucketAcl", "s3:PutObject"];
        let both = [bucket, objects].concat();
        statements.extend(allow_deputies(&guests.deputies, delivers, &both));
        let mut notes = guests.notes();
        if let Some(key) = &self.key {
            notes.push(note("default_encryption", key));
        }
        Ok(generated(PolicyKind::Resource, "", statements, notes))
    }

    /// What may be asked for when an object is put. What is not asked for is decided by the
    /// bucket's default encryption.
    fn encryption(&self, objects: &[String]) -> Result<Vec<Statement>, GenerateError> {
        const ASKED: &str = "s3:x-amz-server-side-encryption";
        const ASKED_KEY: &str = "s3:x-amz-server-side-encryption-aws-kms-key-id";
        const OWN_KEY: &str = "s3:x-amz-server-side-encryption-customer-algorithm";
        let put = |sid, code| Statement::deny(sid, code).actions(&["s3:PutObject"]).on(objects);
        let mut statements =
            vec![put("DenyCustomerKeys", "customer_keys").when_one("Null", OWN_KEY, "false")];
        let Some(key) = &self.key else { return Ok(statements) };
        let named = key.starts_with("arn:") && key.contains(":kms:") && key.contains(":key/");
        if !named || key.contains(['*', '?']) {
            return Err(GenerateError::NotAnArn { text: key.clone(), what: "a KMS key" });
        }
        let other = put("DenyOtherEncryption", "other_encryption");
        let other = other.when_one("Null", ASKED, "false");
        statements.push(other.when_one("StringNotEquals", ASKED, "aws:kms"));
        let other = put("DenyOtherKey", "other_key").about(key);
        let other = other.when_one("Null", ASKED_KEY, "false");
        statements.push(other.when_one("ArnNotEquals", ASKED_KEY, key));
        Ok(statements)
    }
}

/// The ARN of a resource in one region of our account.
fn own_arn(arn: &str, service: &str, what: &'static str, home: &Home) -> Result<(), GenerateError> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let sound = match parts.as_slice() {
        ["arn", partition, of, region, account, name] => {
            *partition == home.partition
                && *of == service
                && !region.is_empty()
                && *account == home.account
                && !name.is_empty()
                && !arn.contains(['*', '?'])
        }
        _ => false,
    };
    let wrong = || GenerateError::NotAnArn { text: arn.to_owned(), what };
    if sound { Ok(()) } else { Err(wrong()) }
}

impl QueueWish {
    /// The policy.
    ///
    /// # Errors
    /// When a name is none, or nobody is let in.
    pub fn generate(&self) -> Result<Generated, GenerateError> {
        let (home, guests) = (&self.who.home, Guests::of(&self.who)?);
        own_arn(&self.arn, "sqs", "a queue of the account", home)?;
        let kind = Kind {
            all: vec![self.arn.clone()],
            inside: Vec::new(),
            every: &["sqs:*"],
            takes: &[
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:ChangeMessageVisibility",
                "sqs:PurgeQueue",
            ],
            puts: &["sqs:SendMessage"],
            changes: &[
                "sqs:SetQueueAttributes",
                "sqs:AddPermission",
                "sqs:RemovePermission",
                "sqs:DeleteQueue",
            ],
        };
        let reads = &[
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:GetQueueAttributes",
            "sqs:GetQueueUrl",
        ];
        let writes = &["sqs:SendMessage", "sqs:GetQueueUrl"];
        Ok(simple("queue", home, &guests, &kind, reads, writes, &["sqs:SendMessage"]))
    }
}

impl TopicWish {
    /// The policy. Topics take only the actions that their guide lists, and no wildcard (Amazon
    /// SNS Developer Guide, "Amazon SNS API permissions", seen 2026-11).
    ///
    /// # Errors
    /// When a name is none, or nobody is let in.
    pub fn generate(&self) -> Result<Generated, GenerateError> {
        let (home, guests) = (&self.who.home, Guests::of(&self.who)?);
        own_arn(&self.arn, "sns", "a topic of the account", home)?;
        let kind = Kind {
            all: vec![self.arn.clone()],
            inside: Vec::new(),
            every: &[
                "sns:Publish",
                "sns:Subscribe",
                "sns:GetTopicAttributes",
                "sns:SetTopicAttributes",
                "sns:ListSubscriptionsByTopic",
                "sns:AddPermission",
                "sns:RemovePermission",
                "sns:DeleteTopic",
            ],
            takes: &["sns:Subscribe"],
            puts: &["sns:Publish"],
            changes: &[
                "sns:SetTopicAttributes",
                "sns:AddPermission",
                "sns:RemovePermission",
                "sns:DeleteTopic",
            ],
        };
        let reads = &["sns:Subscribe", "sns:GetTopicAttributes"];
        let writes = &["sns:Publish", "sns:GetTopicAttributes"];
        Ok(simple("topic", home, &guests, &kind, reads, writes, &["sns:Publish"]))
    }
}

impl SecretWish {
    /// The policy. `*` in it is the secret that it belongs to.
    ///
    /// # Errors
    /// When a name is none, or nobody is let in.
    pub fn generate(&self) -> Result<Generated, GenerateError> {
        let (home, guests) = (&self.who.home, Guests::of(&self.who)?);
        let kind = Kind {
            all: vec!["*".to_owned()],
            inside: Vec::new(),
            every: &["secretsmanager:*"],
            takes: &["secretsmanager:GetSecretValue"],
            puts: &[
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecret",
                "secretsmanager:UpdateSecretVersionStage",
            ],
            changes: &[
                "secretsmanager:PutResourcePolicy",
                "secretsmanager:DeleteResourcePolicy",
                "secretsmanager:DeleteSecret",
            ],
        };
        let reads = &["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"];
        let writes = &[
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecretVersionStage",
            "secretsmanager:DescribeSecret",
        ];
        let services = &["secretsmanager:GetSecretValue"];
        Ok(simple("", home, &guests, &kind, reads, writes, services))
    }
}

/// A policy over one resource without ARNs inside of it.
fn simple(
    id: &str,
    home: &Home,
    guests: &Guests,
    kind: &Kind<'_>,
    reads: &[&str],
    writes: &[&str],
    services: &[&str],
) -> Generated {
    let mut statements = denials(home, guests, kind);
    let (readers, writers) = (&guests.readers, &guests.writers);
    statements.extend(allow_guests(home, ("Readers", "readers"), readers, reads, &kind.all));
    statements.extend(allow_guests(home, ("Writers", "writers"), writers, writes, &kind.all));
    statements.extend(allow_deputies(&guests.deputies, services, &kind.all));
    generated(PolicyKind::Resource, id, statements, guests.notes())
}
