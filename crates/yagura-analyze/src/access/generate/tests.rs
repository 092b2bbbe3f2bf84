//! Generated policies decide as wished, by the engine, and a review finds nothing to say.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]
#![allow(clippy::needless_pass_by_value, reason = "the smallest input reads best as a literal")]

use std::collections::BTreeSet;

use iam_policy::{
    Context, Layers, Outcome, Policy, Principal, RemarkWeight, Request, evaluate, review,
};

use super::*;

const OWN: &str = "444455556666";
const ORGANIZATION: &str = "o-abcdefghij";
const READER: &str = "arn:aws:iam::444455556666:role/app/reader";
const WRITER: &str = "arn:aws:iam::111122223333:user/writer";
const ADMIN: &str = "arn:aws:iam::444455556666:role/keeper";
const OTHER: &str = "arn:aws:iam::444455556666:role/other";
const STRANGER: &str = "arn:aws:iam::999988887777:role/evil";
const BUCKET: &str = "arn:aws:s3:::reports";
const OBJECT: &str = "arn:aws:s3:::reports/2026.csv";
const KEY: &str = "arn:aws:kms:us-east-1:444455556666:key/1234";
const TRAIL: &str = "arn:aws:cloudtrail:us-east-1:444455556666:trail/main";
const ROLE: &str = "arn:aws:iam::444455556666:role/deploy";
const GITHUB: &str = "arn:aws:iam::444455556666:oidc-provider/token.actions.githubusercontent.com";

fn home() -> Home {
    Home {
        account: OWN.to_owned(),
        organization: Some(ORGANIZATION.to_owned()),
        partners: Vec::new(),
        partition: "aws".to_owned(),
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn who(reader: &str, writer: &str, service: &str) -> ResourceWish {
    ResourceWish {
        home: home(),
        readers: texts(&[reader]),
        writers: texts(&[writer]),
        administrators: texts(&[ADMIN]),
        services: texts(&[service]),
    }
}

fn bucket() -> BucketWish {
    let trail = format!("cloudtrail.amazonaws.com={TRAIL}");
    BucketWish {
        name: "reports".to_owned(),
        key: Some(KEY.to_owned()),
        who: who(READER, WRITER, &trail),
    }
}

fn key() -> KeyWish {
    KeyWish {
        home: home(),
        administrators: texts(&[ADMIN]),
        users: texts(&[READER]),
        via: Vec::new(),
        grants: true,
        services: texts(&["logs.us-east-1.amazonaws.com=444455556666"]),
    }
}

/// One request: who, what, to what, with which further keys.
struct Asked<'a> {
    principal: Principal,
    action: &'a str,
    resource: &'a str,
    context: Context,
}

/// A request over TLS of somebody of our organization, as far as the ARN says so, or of a service.
fn asked<'a>(who: &str, action: &'a str, resource: &'a str) -> Asked<'a> {
    let mut context =
        Context::new().with_one("aws:SecureTransport", "true").with_one("s3:TlsVersion", "1.3");
    let principal = if who == "*" {
        Principal::Anonymous
    } else if who.ends_with(".amazonaws.com") {
        Principal::Service(who.to_owned())
    } else if who.contains("-provider/") {
        Principal::Federated(who.to_owned())
    } else {
        if who != STRANGER {
            context = context.with_one("aws:PrincipalOrgID", ORGANIZATION);
        }
        Principal::from_arn(who)
    };
    Asked { principal, action, resource, context }
}

impl Asked<'_> {
    fn with(mut self, key: &str, value: &str) -> Self {
        self.context = self.context.with_one(key, value);
        self
    }
}

/// Decides with the generated policy, and everything allowed on the caller's side.
#[track_caller]
fn check(made: &Generated, asked: Asked<'_>, expected: bool) {
    let policy = Policy::parse(&made.document.to_string()).unwrap();
    let all =
        Policy::parse(r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#)
            .unwrap();
    let what = format!("{} {} {:?}", asked.principal.name(), asked.action, asked.context);
    let request = Request {
        principal: asked.principal,
        action: asked.action,
        resource: asked.resource,
        resource_account: Some(OWN),
        context: asked.context,
        overlap: false,
    };
    let layers = Layers { identity: &[&all], resource: Some(&policy), ..Layers::default() };
    let decision = evaluate(&request, &layers);
    assert_eq!(decision.outcome == Outcome::Allowed, expected, "{what}: {decision:?}");
}

#[track_caller]
fn is_sound(made: &Generated) {
    let text = made.document.to_string();
    let grave = review(&text, made.kind, None);
    let grave: Vec<_> =
        grave.iter().filter(|it| it.kind.weight() <= RemarkWeight::Suggestion).collect();
    assert!(grave.is_empty(), "{grave:?} of {text}");
    let statements = made.document["Statement"].as_array().unwrap();
    let sids: BTreeSet<&str> = statements.iter().map(|it| it["Sid"].as_str().unwrap()).collect();
    assert_eq!(sids.len(), statements.len(), "a Sid repeats in {text}");
    assert!(sids.iter().all(|sid| sid.bytes().all(|byte| byte.is_ascii_alphanumeric())));
    assert_eq!(made.reasons.len(), statements.len());
    assert!(made.reasons.iter().all(|reason| CODES.contains(&reason.code)), "{made:?}");
    assert!(made.notes.iter().all(|note| NOTES.contains(&note.code)), "{made:?}");
}

#[test]
fn a_bucket_serves_those_who_are_named_and_nobody_else() {
    let made = bucket().generate().unwrap();
    is_sound(&made);
    for (who, action, resource, expected) in [
        (READER, "s3:GetObject", OBJECT, true),
        (READER, "s3:ListBucket", BUCKET, true),
        (READER, "s3:PutObject", OBJECT, false),
        (READER, "s3:DeleteObject", OBJECT, false),
        (WRITER, "s3:ListBucket", BUCKET, false),
        (WRITER, "s3:PutObject", OBJECT, true),
        (WRITER, "s3:GetObject", OBJECT, false),
        (WRITER, "s3:DeleteObject", OBJECT, false),
        (OTHER, "s3:GetObject", OBJECT, false),
        (OTHER, "s3:ListBucket", BUCKET, false),
        (OTHER, "s3:GetBucketTagging", BUCKET, true),
        (OTHER, "s3:PutBucketPolicy", BUCKET, false),
        (ADMIN, "s3:PutBucketPolicy", BUCKET, true),
        (ADMIN, "s3:GetObject", OBJECT, false),
        (STRANGER, "s3:GetObject", OBJECT, false),
        ("*", "s3:GetObject", OBJECT, false),
    ] {
        check(&made, asked(who, action, resource), expected);
    }
    let read = || asked(READER, "s3:GetObject", OBJECT);
    check(&made, read().with("aws:SecureTransport", "false"), false);
    check(&made, read().with("s3:TlsVersion", "1.1"), false);
    check(&made, read().with("aws:PrincipalOrgID", "o-somebodyelse"), false);
}

#[test]
fn a_service_delivers_into_a_bucket_for_its_source_only() {
    let made = bucket().generate().unwrap();
    let put = || asked("cloudtrail.amazonaws.com", "s3:PutObject", OBJECT);
    let ours = || put().with("aws:SourceAccount", OWN).with("aws:SourceOrgID", ORGANIZATION);
    check(&made, ours().with("aws:SourceArn", TRAIL), true);
    let other = "arn:aws:cloudtrail:us-east-1:444455556666:trail/other";
    check(&made, ours().with("aws:SourceArn", other), false);
    check(&made, put(), false);
    let theirs = put().with("aws:SourceAccount", "999988887777").with("aws:SourceArn", TRAIL);
    check(&made, theirs.with("aws:SourceOrgID", "o-somebodyelse"), false);
}

#[test]
fn a_bucket_takes_the_named_key_or_its_own_default() {
    let made = bucket().generate().unwrap();
    let put = || asked(WRITER, "s3:PutObject", OBJECT);
    let asks = |algorithm: &str| put().with("s3:x-amz-server-side-encryption", algorithm);
    let id = "s3:x-amz-server-side-encryption-aws-kms-key-id";
    check(&made, put(), true);
    check(&made, asks("AES256"), false);
    check(&made, asks("aws:kms").with(id, KEY), true);
    check(&made, asks("aws:kms").with(id, "arn:aws:kms:us-east-1:999988887777:key/x"), false);
    let own = "s3:x-amz-server-side-encryption-customer-algorithm";
    check(&made, put().with(own, "AES256"), false);
}

#[test]
fn without_an_organization_the_accounts_that_are_named_are_let_in() {
    let mut wish = bucket();
    wish.who.home.organization = None;
    let made = wish.generate().unwrap();
    is_sound(&made);
    check(&made, asked(WRITER, "s3:PutObject", OBJECT), true);
    check(&made, asked(STRANGER, "s3:GetBucketTagging", BUCKET), false);
    let put = || asked("cloudtrail.amazonaws.com", "s3:PutObject", OBJECT);
    let ours = put().with("aws:SourceAccount", OWN).with("aws:SourceArn", TRAIL);
    check(&made, ours, true);
    let far = "arn:aws:cloudtrail:us-east-1:111122223333:trail/main";
    let mut wish = bucket();
    wish.who.home.organization = None;
    wish.who.services = texts(&[&format!("cloudtrail.amazonaws.com={far}")]);
    let made = wish.generate().unwrap();
    let theirs = put().with("aws:SourceAccount", "111122223333").with("aws:SourceArn", far);
    check(&made, theirs, true);
    let mut partner = bucket();
    partner.who.home.partners = texts(&["999988887777"]);
    partner.who.readers = texts(&[STRANGER]);
    let made = partner.generate().unwrap();
    is_sound(&made);
    check(&made, asked(STRANGER, "s3:GetObject", OBJECT), true);
}

#[test]
fn a_form_of_names_is_let_in_through_its_account() {
    let mut wish = bucket();
    wish.who.readers = texts(&["arn:aws:iam::444455556666:role/team/*"]);
    let made = wish.generate().unwrap();
    is_sound(&made);
    let member = "arn:aws:iam::444455556666:role/team/anna";
    check(&made, asked(member, "s3:GetObject", OBJECT), true);
    check(&made, asked(READER, "s3:GetObject", OBJECT), false);
    assert!(made.notes.iter().any(|note| note.code == "by_form"));
}

#[test]
fn queues_topics_and_secrets_keep_to_their_users() {
    let arn = |service: &str| format!("arn:aws:{service}:us-east-1:444455556666:jobs");
    let (queue, topic) = (arn("sqs"), arn("sns"));
    let secret = "arn:aws:secretsmanager:us-east-1:444455556666:secret:db-AbCdEf";
    let source = format!("sns.amazonaws.com={topic}");
    let made = QueueWish { arn: queue.clone(), who: who(READER, WRITER, &source) }.generate();
    let made = made.unwrap();
    is_sound(&made);
    check(&made, asked(WRITER, "sqs:SendMessage", &queue), true);
    check(&made, asked(WRITER, "sqs:ReceiveMessage", &queue), false);
    check(&made, asked(READER, "sqs:SendMessage", &queue), false);
    check(&made, asked(OTHER, "sqs:ReceiveMessage", &queue), false);
    check(&made, asked(OTHER, "sqs:SetQueueAttributes", &queue), false);
    check(&made, asked(STRANGER, "sqs:SendMessage", &queue), false);
    let published = asked("sns.amazonaws.com", "sqs:SendMessage", &queue);
    let published = published.with("aws:SourceAccount", OWN).with("aws:SourceArn", &topic);
    check(&made, published.with("aws:SourceOrgID", ORGANIZATION), true);

    let source = "events.amazonaws.com=444455556666";
    let made = TopicWish { arn: topic.clone(), who: who(READER, WRITER, source) }.generate();
    let made = made.unwrap();
    is_sound(&made);
    check(&made, asked(WRITER, "sns:Publish", &topic), true);
    check(&made, asked(WRITER, "sns:Subscribe", &topic), false);
    check(&made, asked(READER, "sns:Subscribe", &topic), true);
    check(&made, asked(READER, "sns:Publish", &topic).with("aws:SecureTransport", "false"), false);
    check(&made, asked(STRANGER, "sns:Subscribe", &topic), false);
    let wild = made.document.to_string().contains("sns:*");
    assert!(!wild, "topics take no wildcard");

    let mut who = who(READER, WRITER, source);
    who.services.clear();
    let made = SecretWish { who }.generate().unwrap();
    is_sound(&made);
    check(&made, asked(READER, "secretsmanager:GetSecretValue", secret), true);
    check(&made, asked(WRITER, "secretsmanager:GetSecretValue", secret), false);
    check(&made, asked(WRITER, "secretsmanager:PutSecretValue", secret), true);
    check(&made, asked(OTHER, "secretsmanager:GetSecretValue", secret), false);
    check(&made, asked(OTHER, "secretsmanager:DeleteResourcePolicy", secret), false);
    check(&made, asked(ADMIN, "secretsmanager:DeleteResourcePolicy", secret), true);
}

#[test]
fn who_manages_a_key_does_not_use_it_and_who_uses_it_does_not_manage_it() {
    let made = key().generate().unwrap();
    is_sound(&made);
    let root = "arn:aws:iam::444455556666:root";
    for (who, action, expected) in [
        (ADMIN, "kms:PutKeyPolicy", true),
        (ADMIN, "kms:ScheduleKeyDeletion", true),
        (ADMIN, "kms:Decrypt", false),
        (ADMIN, "kms:CreateGrant", false),
        (READER, "kms:Decrypt", true),
        (READER, "kms:GenerateDataKey", true),
        (READER, "kms:PutKeyPolicy", false),
        (READER, "kms:CreateGrant", false),
        (OTHER, "kms:Decrypt", false),
        (OTHER, "kms:PutKeyPolicy", false),
        (root, "kms:PutKeyPolicy", true),
        (root, "kms:Decrypt", false),
        (STRANGER, "kms:Decrypt", false),
    ] {
        check(&made, asked(who, action, KEY), expected);
    }
    let grant = asked(READER, "kms:CreateGrant", KEY);
    check(&made, grant.with("kms:GrantIsForAWSResource", "true"), true);
    let logs = || asked("logs.us-east-1.amazonaws.com", "kms:Decrypt", KEY);
    let group = "arn:aws:logs:us-east-1:444455556666:log-group:app";
    check(&made, logs().with("kms:EncryptionContext:aws:logs:arn", group), true);
    let theirs = "arn:aws:logs:us-east-1:999988887777:log-group:app";
    check(&made, logs().with("kms:EncryptionContext:aws:logs:arn", theirs), false);
    let via = KeyWish { via: texts(&["s3.us-east-1.amazonaws.com"]), ..key() };
    let made = via.generate().unwrap();
    is_sound(&made);
    check(&made, asked(READER, "kms:Decrypt", KEY), false);
    let through = asked(READER, "kms:Decrypt", KEY);
    check(&made, through.with("kms:ViaService", "s3.us-east-1.amazonaws.com"), true);
}

#[test]
fn nobody_has_both_duties_over_a_key() {
    let both = |admin: &str, user: &str| {
        KeyWish { administrators: texts(&[admin]), users: texts(&[user]), ..key() }.generate()
    };
    let refused = |admin, user| matches!(both(admin, user), Err(GenerateError::BothDuties(_)));
    assert!(refused(ADMIN, ADMIN));
    assert!(refused(OWN, READER));
    assert!(refused("arn:aws:iam::444455556666:role/app/*", READER));
    let forms = ["arn:aws:iam::444455556666:role/a*", "arn:aws:iam::444455556666:role/app-?"];
    assert!(refused(forms[0], forms[1]) && refused(forms[1], forms[0]));
    assert!(!refused("arn:aws:iam::444455556666:role/admin/*", READER));
}

fn trust(wish: TrustWish) -> Generated {
    let made = wish.generate().unwrap();
    is_sound(&made);
    made
}

#[test]
fn a_role_is_for_one_service_and_one_source() {
    let service = |text: &str| trust(TrustWish::Service { home: home(), service: text.to_owned() });
    let asks = |who| asked(who, "sts:AssumeRole", ROLE);
    let made = service("codebuild.amazonaws.com");
    let ours = asks("codebuild.amazonaws.com").with("aws:SourceAccount", OWN);
    check(&made, ours, true);
    check(&made, asks("codebuild.amazonaws.com").with("aws:SourceAccount", "9"), false);
    check(&made, asks("lambda.amazonaws.com").with("aws:SourceAccount", OWN), false);
    let project = "arn:aws:codebuild:us-east-1:444455556666:project/web";
    let made = service(&format!("codebuild.amazonaws.com={project}"));
    let ours = || asks("codebuild.amazonaws.com").with("aws:SourceAccount", OWN);
    check(&made, ours().with("aws:SourceArn", project), true);
    check(&made, ours().with("aws:SourceArn", "arn:aws:codebuild:a:444455556666:project/x"), false);
    let made = service("ec2.amazonaws.com");
    check(&made, asks("ec2.amazonaws.com"), true);
    assert_eq!(made.notes[0].code, "source_unsaid");
}

#[test]
fn another_company_must_give_its_external_id() {
    let wish = |external_id: Option<&str>, organization: bool| TrustWish::Principals {
        home: Home { organization: organization.then(|| ORGANIZATION.to_owned()), ..home() },
        principals: texts(&["999988887777"]),
        external_id: external_id.map(str::to_owned),
        mfa: false,
    };
    let made = trust(wish(Some("c0ffee"), false));
    let asks = || asked(STRANGER, "sts:AssumeRole", ROLE);
    check(&made, asks().with("sts:ExternalId", "c0ffee"), true);
    check(&made, asks().with("sts:ExternalId", "tea"), false);
    check(&made, asks(), false);
    check(&made, asked(WRITER, "sts:AssumeRole", ROLE).with("sts:ExternalId", "c0ffee"), false);
    let refused = wish(None, false).generate();
    assert!(matches!(refused, Err(GenerateError::NotOurs(_))), "{refused:?}");
    let made = trust(wish(None, true));
    check(&made, asks(), false);
    check(&made, asks().with("aws:PrincipalOrgID", ORGANIZATION), true);
}

#[test]
fn only_the_named_jobs_of_github_become_the_role() {
    let wish = |repository: &str, what: &str| {
        TrustWish::Github(GithubWish {
            home: home(),
            repository: repository.to_owned(),
            what: what.to_owned(),
            repository_id: Some("42".to_owned()),
        })
    };
    let made = trust(wish("acme/app", "environment:production"));
    let name = "token.actions.githubusercontent.com";
    let job = |subject: &str| {
        asked(GITHUB, "sts:AssumeRoleWithWebIdentity", ROLE)
            .with(&format!("{name}:aud"), "sts.amazonaws.com")
            .with(&format!("{name}:repository_id"), "42")
            .with(&format!("{name}:sub"), subject)
    };
    check(&made, job("repo:acme/app:environment:production"), true);
    check(
        &made,
        job("repo:acme/app:environment:production").with(&format!("{name}:aud"), "x"),
        false,
    );
    for other in [
        "repo:acme/app:ref:refs/heads/main",
        "repo:acme/app:pull_request",
        "repo:acme/app-evil:environment:production",
        "repo:evil/app:environment:production",
    ] {
        check(&made, job(other), false);
    }
    let taken = job("repo:acme/app:environment:production");
    check(&made, taken.with(&format!("{name}:repository_id"), "43"), false);
    for (repository, what) in [
        ("acme", "ref:refs/heads/main"),
        ("acme/*", "environment:x"),
        ("acme/app", "ref:*"),
        ("a/b/c", "x"),
    ] {
        let refused = wish(repository, what).generate();
        assert!(matches!(refused, Err(GenerateError::NotExact { .. })), "{refused:?}");
    }
}

#[test]
fn users_of_identity_providers_and_permission_sets_become_the_role() {
    let made = trust(TrustWish::Saml { home: home(), provider: "okta".to_owned() });
    let okta = "arn:aws:iam::444455556666:saml-provider/okta";
    let asks = || asked(okta, "sts:AssumeRoleWithSAML", ROLE);
    check(&made, asks().with("SAML:aud", "https://signin.aws.amazon.com/saml"), true);
    check(&made, asks().with("SAML:aud", "https://evil.example/saml"), false);
    let made = trust(TrustWish::PermissionSet {
        home: home(),
        name: "Audit".to_owned(),
        assigned_in: OWN.to_owned(),
    });
    let role = |path: &str| {
        let arn = format!("arn:aws:iam::444455556666:role/aws-reserved/sso.amazonaws.com{path}");
        asked(&arn, "sts:AssumeRole", ROLE)
    };
    check(&made, role("/AWSReservedSSO_Audit_1234567890abcdef"), true);
    check(&made, role("/eu-west-2/AWSReservedSSO_Audit_1234567890abcdef"), true);
    check(&made, role("/AWSReservedSSO_Audit_All_1234567890abcdef"), false);
    check(&made, asked(OTHER, "sts:AssumeRole", ROLE), false);
    let made = trust(TrustWish::Oidc(OidcWish {
        home: home(),
        provider: "gitlab.example.com".to_owned(),
        subject: "project_path:acme/app:ref_type:branch:ref:main".to_owned(),
        audience: "https://gitlab.example.com".to_owned(),
    }));
    let provider = "arn:aws:iam::444455556666:oidc-provider/gitlab.example.com";
    let token = |subject: &str| {
        asked(provider, "sts:AssumeRoleWithWebIdentity", ROLE)
            .with("gitlab.example.com:aud", "https://gitlab.example.com")
            .with("gitlab.example.com:sub", subject)
    };
    check(&made, token("project_path:acme/app:ref_type:branch:ref:main"), true);
    check(&made, token("project_path:acme/app:ref_type:branch:ref:dev"), false);
}

#[test]
fn wishes_that_name_nobody_are_refused() {
    let refused = |reader: &str, service: &str| {
        let mut wish = bucket();
        wish.who.readers = texts(&[reader]);
        wish.who.services = texts(&[service]);
        wish.generate().unwrap_err().to_string()
    };
    let trail = format!("cloudtrail.amazonaws.com={TRAIL}");
    for odd in [
        "",
        "*",
        "mika",
        "arn:aws:iam::*:role/x",
        "arn:aws:iam::444455556666:role/*",
        "arn:aws:iam::444455556666:group/x",
        "arn:aws:s3:::b",
    ] {
        assert!(refused(odd, &trail).contains("is no account and no ARN"), "{odd}");
    }
    let session = "arn:aws:sts::444455556666:assumed-role/x/y";
    assert!(refused(session, &trail).contains("name its role"));
    for odd in [
        "cloudtrail.amazonaws.com",
        "cloudtrail.amazonaws.com=*",
        "sns.amazonaws.com=arn:aws:sns:us-east-1:*:t",
        "s3.amazonaws.com=arn:aws:s3:::*",
    ] {
        assert!(refused(READER, odd).contains("on whose behalf"), "{odd}");
    }
    let nobody =
        BucketWish { who: ResourceWish { home: home(), ..ResourceWish::default() }, ..bucket() };
    assert_eq!(nobody.generate().unwrap_err(), GenerateError::Nobody);
}
