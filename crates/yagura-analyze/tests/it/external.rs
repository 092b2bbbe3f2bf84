//! Who is let in from beyond the zone of trust, what makes an administrator, and who keeps keys.

use serde_json::{Value, json};
use yagura_analyze::{FactSource, fact_sources};
use yagura_model::{Resource, Unread, UnreadReason};

use crate::world::{ACCOUNT, World, resource, show};

const OTHER: &str = "444455556666";

fn check(world: &World, resource: &Resource, fact: &str, expected: &Value) {
    assert_eq!(show(&world.facts(resource), fact), *expected, "{fact} of {resource:?}");
}

fn queue(statements: Value) -> Resource {
    let document = json!({"Statement": statements});
    resource(
        "AWS::SQS::Queue",
        "q",
        json!({"properties": {"QueuePolicy": {"PolicyDocument": document}}}),
    )
}

fn allow(principal: Value, condition: Value) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage",
        "Resource": "*", "Condition": condition})
}

/// An organization of the account and another one.
fn organization() -> World {
    let of_type = |type_name, id| resource(type_name, id, json!({}));
    World {
        resources: vec![
            of_type("AWS::Organizations::Organization", "o-own"),
            of_type("AWS::Organizations::Account", ACCOUNT),
            of_type("AWS::Organizations::Account", OTHER),
        ],
        denied: Vec::new(),
    }
}

fn count(world: &World, resource: &Resource, list: &str) -> usize {
    show(&world.facts(resource), &format!("external_access.{list}")).as_array().unwrap().len()
}

#[test]
fn an_account_of_the_organization_is_inside_and_any_other_one_outside() {
    let shared = queue(json!([allow(json!({"AWS": OTHER}), json!({}))]));
    assert_eq!(count(&organization(), &shared, "accounts"), 0);
    check(&organization(), &shared, "external_access.any", &json!(false));
    assert_eq!(count(&World::default(), &shared, "accounts"), 1);
    check(&World::default(), &shared, "external_access.any", &json!(true));
    let own = queue(json!([allow(json!({"AWS": ACCOUNT}), json!({}))]));
    check(&World::default(), &own, "external_access.any", &json!(false));
}

#[test]
fn where_the_organization_is_unread_another_account_is_undecided() {
    let world = World { resources: Vec::new(), denied: vec!["AWS::Organizations::Organization"] };
    let shared = queue(json!([allow(json!({"AWS": OTHER}), json!({}))]));
    check(&world, &shared, "external_access.any", &json!("unread"));
    check(&world, &shared, "external_access.public", &json!(false));
    let own = queue(json!([allow(json!({"AWS": ACCOUNT}), json!({}))]));
    check(&world, &own, "external_access.any", &json!(false));
    let open = queue(json!([allow(json!("*"), json!({}))]));
    check(&world, &open, "external_access.any", &json!(true));
}

#[test]
fn conditions_say_who_of_everyone_is_meant() {
    let world = organization();
    let narrowed = |condition| queue(json!([allow(json!("*"), condition)]));
    for inside in [
        json!({"StringEquals": {"aws:PrincipalOrgID": "o-own"}}),
        json!({"StringEquals": {"aws:PrincipalAccount": [ACCOUNT, OTHER]}}),
        json!({"ArnLike": {"aws:SourceArn": format!("arn:aws:sns:us-east-1:{ACCOUNT}:t")}}),
        json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-own/r-1/*"}}),
        json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}}),
        json!({"StringEquals": {"aws:PrincipalAccount": "999988887777",
            "aws:PrincipalOrgID": "o-own"}}),
    ] {
        check(&world, &narrowed(inside), "external_access.any", &json!(false));
    }
    let foreign = narrowed(json!({"StringEquals": {"aws:PrincipalOrgID": "o-foreign"}}));
    assert_eq!(count(&world, &foreign, "organizations"), 1);
    let foreign = narrowed(json!({"StringEquals": {"aws:SourceAccount": "999988887777"}}));
    assert_eq!(count(&world, &foreign, "accounts"), 1);
    check(&world, &foreign, "external_access.public", &json!(false));
}

#[test]
fn a_condition_or_a_denial_keeps_a_named_account_out() {
    let world = organization();
    let stranger = json!({"AWS": "arn:aws:iam::999988887777:root"});
    let own = json!({"StringEquals": {"aws:PrincipalOrgID": "o-own"}});
    let kept = queue(json!([allow(stranger.clone(), own)]));
    check(&world, &kept, "external_access.any", &json!(false));
    let deny = |condition: Value| {
        json!({"Effect": "Deny", "Principal": "*", "Action": "sqs:*",
        "Resource": "*", "Condition": condition})
    };
    let perimeter = deny(json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-own"}}));
    let kept = queue(json!([allow(stranger.clone(), json!({})), perimeter]));
    check(&world, &kept, "external_access.any", &json!(false));
    let elsewhere = deny(json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-foreign"}}));
    let let_in = queue(json!([allow(stranger, json!({})), elsewhere]));
    check(&world, &let_in, "external_access.any", &json!(true));
    let perimeter = deny(json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-own"}}));
    let closed = queue(json!([allow(json!("*"), json!({})), perimeter]));
    check(&world, &closed, "external_access.public", &json!(false));
    check(&world, &closed, "public_access.any", &json!(false));
}

#[test]
fn a_service_on_anybodys_behalf_is_named_and_one_with_a_source_is_not() {
    let world = World::default();
    let service = json!({"Service": "sns.amazonaws.com"});
    let open = queue(json!([allow(service.clone(), json!({}))]));
    assert_eq!(count(&world, &open, "services_without_source"), 1);
    for condition in [
        json!({"StringEquals": {"aws:SourceAccount": ACCOUNT}}),
        json!({"ArnLike": {"aws:SourceArn": format!("arn:aws:sns:*:{ACCOUNT}:*")}}),
        json!({"ArnLike": {"kms:EncryptionContext:aws:logs:arn":
            format!("arn:aws:logs:us-east-1:{ACCOUNT}:*")}}),
    ] {
        let closed = queue(json!([allow(service.clone(), condition)]));
        assert_eq!(count(&world, &closed, "services_without_source"), 0);
    }
    for condition in [
        json!({"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}),
        json!({"StringLike": {"aws:SourceAccount": "*"}}),
        json!({"Bool": {"aws:SecureTransport": "true"}}),
    ] {
        let open = queue(json!([allow(service.clone(), condition)]));
        assert_eq!(count(&world, &open, "services_without_source"), 1);
    }
    let guard = json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:SourceAccount": ACCOUNT},
            "Null": {"aws:SourceAccount": "false"}, "Bool": {"aws:PrincipalIsAWSService": true}}});
    let closed = queue(json!([allow(service, json!({})), guard]));
    assert_eq!(count(&world, &closed, "services_without_source"), 0);
}

#[test]
fn tokens_for_anybody_are_named_and_those_for_an_owner_are_not() {
    let world = World::default();
    let role = |provider: &str, condition: Value| {
        let statement = json!({"Effect": "Allow", "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition});
        let document = json!({"Statement": statement});
        let members = json!({"properties": {"AssumeRolePolicyDocument": document}});
        resource("AWS::IAM::Role", "r", members)
    };
    let name = "token.actions.githubusercontent.com";
    let github = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{name}");
    let subject = |value: &str| json!({"StringLike": {format!("{name}:sub"): value}});
    for open in ["repo:*", "repo:acme*", "*", "repo:acme*/app:*", "repo:*/app:*"] {
        assert_eq!(count(&world, &role(&github, subject(open)), "federated"), 1, "{open}");
    }
    for fixed in ["repo:acme/*", "repo:acme/app:ref:refs/heads/main"] {
        assert_eq!(count(&world, &role(&github, subject(fixed)), "federated"), 0, "{fixed}");
    }
    let pool = "cognito-identity.amazonaws.com";
    assert_eq!(count(&world, &role(pool, json!({})), "federated"), 1);
    let own = json!({"StringEquals": {format!("{pool}:aud"): "us-east-1:pool"}});
    assert_eq!(count(&world, &role(pool, own), "federated"), 0);
    let cluster =
        format!("arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/A");
    assert_eq!(count(&world, &role(&cluster, json!({})), "federated"), 0);
}

#[test]
fn what_is_shared_by_attribute_counts_as_well() {
    let world = organization();
    let snapshot = |members| resource("AWS::EC2::Snapshot", "s", members);
    let shared = snapshot(json!({"runtime": {"SharedWith": [OTHER, "999988887777"]}}));
    assert_eq!(count(&world, &shared, "accounts"), 1);
    check(&world, &shared, "external_access.public", &json!(false));
    let public = snapshot(json!({"runtime": {"Public": true}}));
    check(&world, &public, "external_access.public", &json!(true));
    let unread = snapshot(json!({"unread": [{"path": "runtime.SharedWith", "reason": "denied"}]}));
    check(&world, &unread, "external_access.any", &json!("unread"));
    let image = resource(
        "AWS::EC2::Image",
        "i",
        json!({"properties": {"LaunchPermissions": [
            {"OrganizationArn": "arn:aws:organizations::1:organization/o-own"},
            {"OrganizationalUnitArn": "arn:aws:organizations::1:ou/o-foreign/ou-1"},
        ]}}),
    );
    assert_eq!(count(&world, &image, "organizations"), 1);
    let database = |with: &str| {
        resource("AWS::RDS::DBSnapshot", "d", json!({"properties": {"SharedAccounts": [with]}}))
    };
    check(&world, &database("all"), "external_access.public", &json!(true));
    check(&world, &database(OTHER), "external_access.any", &json!(false));
}

#[test]
fn a_grant_of_a_key_lets_its_grantee_in() {
    let key = resource(
        "AWS::KMS::Key",
        "k",
        json!({"runtime": {"Grants": [
            {"GrantId": "g", "GranteePrincipal": "arn:aws:iam::999988887777:role/x"},
            {"GrantId": "h", "GranteePrincipal": "ec2.us-east-1.amazonaws.com"},
        ]}}),
    );
    assert_eq!(count(&World::default(), &key, "accounts"), 1);
}

fn policy(statements: Value) -> Resource {
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    resource("AWS::IAM::ManagedPolicy", "p", json!({"properties": {"PolicyDocument": document}}))
}

fn escalations(resource: &Resource) -> Vec<Value> {
    let found = show(&World::default().facts(resource), "escalation_permissions");
    found.as_array().unwrap().iter().map(|found| found["name"].clone()).collect()
}

#[test]
fn permissions_that_make_an_administrator_are_found_and_limited_ones_are_not() {
    let gives = |action: Value, resource: &str, condition: Value| {
        policy(json!([{"Effect": "Allow", "Action": action, "Resource": resource,
            "Condition": condition}]))
    };
    assert_eq!(escalations(&gives(json!("iam:Put*"), "*", json!({}))).len(), 3);
    let launch = json!(["iam:PassRole", "ec2:RunInstances"]);
    assert_eq!(escalations(&gives(launch.clone(), "*", json!({}))), ["pass_role_to_instance"]);
    assert!(escalations(&gives(json!("ec2:RunInstances"), "*", json!({}))).is_empty());
    let elsewhere = json!({"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}});
    assert!(escalations(&gives(launch, "*", elsewhere)).is_empty());
    let one = "arn:aws:iam::111122223333:role/app/*";
    assert!(escalations(&gives(json!("iam:PutRolePolicy"), one, json!({}))).is_empty());
    let bounded = json!({"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::1:policy/b"}});
    assert!(escalations(&gives(json!("iam:PutRolePolicy"), "*", bounded)).is_empty());
    let mfa = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
    assert_eq!(escalations(&gives(json!("iam:PutRolePolicy"), "*", mfa)), ["put_role_policy"]);
    let own = "arn:aws:iam::*:user/${aws:username}";
    assert!(escalations(&gives(json!("iam:CreateAccessKey"), own, json!({}))).is_empty());
    let taken = policy(json!([
        {"Effect": "Allow", "Action": "iam:*", "Resource": "*"},
        {"Effect": "Deny", "NotAction": "iam:Get*", "Resource": "*"},
    ]));
    assert!(escalations(&taken).is_empty());
}

#[test]
fn an_attached_policy_that_was_not_read_leaves_escalations_unread() {
    let world = World { resources: Vec::new(), denied: vec!["Yagura::IAM::AwsManagedPolicy"] };
    let role = resource(
        "AWS::IAM::Role",
        "r",
        json!({"properties": {
            "ManagedPolicyArns": ["arn:aws:iam::aws:policy/IAMFullAccess"],
        }}),
    );
    check(&world, &role, "escalation_permissions", &json!("unread"));
}

#[test]
fn remarks_name_the_policy_and_the_statement() {
    let risky = policy(json!([
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"},
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
    ]));
    let found = show(&World::default().facts(&risky), "policy_remarks");
    let codes: Vec<_> = found.as_array().unwrap().iter().map(|r| r["code"].clone()).collect();
    assert_eq!(codes, ["pass_role_anywhere", "all_but_some_actions"]);
    assert_eq!(found[0]["statement"], json!(1));
    assert_eq!(found[0]["weight"], json!("security"));
}

#[test]
fn whoever_keeps_a_key_and_uses_it_is_named() {
    let key = |statements: Value| {
        resource(
            "AWS::KMS::Key",
            "k",
            json!({"properties": {"KeyPolicy": {
            "Statement": statements}}}),
        )
    };
    let account = format!("arn:aws:iam::{ACCOUNT}:root");
    let root = json!({"Effect": "Allow", "Principal": {"AWS": account},
        "Action": "kms:*", "Resource": "*"});
    let role = |action: &str| {
        json!({"Effect": "Allow", "Action": action, "Resource": "*",
        "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:role/x")}})
    };
    let world = World::default();
    let mixed = key(json!([root, role("kms:Put*"), role("kms:Decrypt")]));
    check(&world, &mixed, "key_duties.both", &json!([format!("arn:aws:iam::{ACCOUNT}:role/x")]));
    check(&world, &mixed, "key_duties.handed_to_iam", &json!(true));
    let apart = key(json!([role("kms:Decrypt")]));
    check(&world, &apart, "key_duties.both", &json!([]));
    check(&world, &apart, "key_duties.handed_to_iam", &json!(false));
    let all = |condition: Value| {
        key(json!([{"Effect": "Allow", "Principal": {"AWS": "*"},
        "Action": "kms:Decrypt", "Resource": "*", "Condition": condition}]))
    };
    let account = json!({"StringEquals": {"kms:CallerAccount": ACCOUNT}});
    let open = show(&world.facts(&all(account)), "key_duties.open_to_many");
    assert_eq!(open.as_array().unwrap().len(), 1);
    let service = json!({"StringEquals": {"kms:CallerAccount": ACCOUNT,
        "kms:ViaService": "rds.us-east-1.amazonaws.com"}});
    check(&world, &all(service), "key_duties.open_to_many", &json!([]));
}

#[test]
fn the_last_use_is_the_latest_and_else_the_making() {
    let world = World::default();
    let user = |runtime: Value| resource("AWS::IAM::User", "u", json!({"runtime": runtime}));
    let used = user(json!({"PasswordLastUsed": "2026-01-01T00:00:00+00:00", "AccessKeys": [
        {"LastUsedDate": "2026-02-01T00:00:00Z"}, {"Active": true},
    ], "CreateDate": "2026-03-01T00:00:00Z"}));
    check(&world, &used, "last_use.at", &json!("2026-02-01T00:00:00Z"));
    check(&world, &used, "last_use.ever", &json!(true));
    let never = user(json!({"AccessKeys": [], "CreateDate": "2026-03-01T00:00:00Z"}));
    check(&world, &never, "last_use.at", &json!("2026-03-01T00:00:00Z"));
    check(&world, &never, "last_use.ever", &json!(false));
    let odd = user(json!({"PasswordLastUsed": "yesterday"}));
    check(&world, &odd, "last_use", &json!("unread"));
}

#[test]
fn shares_and_portfolios_are_outside_with_accounts_beyond_the_organization() {
    let share = |principals: Value| {
        let runtime = json!({"runtime": {"ExternalPrincipals": principals}});
        resource("AWS::RAM::ResourceShare", "s", runtime)
    };
    let world = organization();
    assert_eq!(count(&world, &share(json!([OTHER])), "accounts"), 0);
    assert_eq!(count(&world, &share(json!(["999988887777"])), "accounts"), 1);
    let role = json!(["arn:aws:iam::999988887777:role/guest"]);
    assert_eq!(count(&world, &share(role), "accounts"), 1);
    let service = share(json!(["pca-connector-ad.amazonaws.com"]));
    check(&world, &service, "external_access.any", &json!(false));
    let unit = |organization: &str| {
        let arn = "arn:aws:organizations::444455556666:ou";
        share(json!([format!("{arn}/{organization}/ou-a1b2-c3d4")]))
    };
    check(&world, &unit("o-own"), "external_access.any", &json!(false));
    assert_eq!(count(&world, &unit("o-foreign"), "organizations"), 1);
    let portfolio = resource(
        "AWS::ServiceCatalog::Portfolio",
        "p",
        json!({"runtime": {"SharedAccountIds": [OTHER, "999988887777"]}}),
    );
    assert_eq!(count(&world, &portfolio, "accounts"), 1);
}

#[test]
fn vaults_catalogs_identities_and_authorities_are_held_by_their_policies() {
    let stranger = json!({"Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "999988887777"}, "Action": "*", "Resource": "*"},
        {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},
    ]});
    for (type_name, root, member) in [
        ("Yagura::Glacier::Vault", "properties", "AccessPolicy"),
        ("AWS::Glue::DataCatalogEncryptionSettings", "runtime", "Policy"),
        ("AWS::SES::EmailIdentity", "runtime", "Policy"),
        ("AWS::ACMPCA::CertificateAuthority", "runtime", "Policy"),
        ("AWS::CodeArtifact::Domain", "properties", "PermissionsPolicyDocument"),
        ("AWS::CodeArtifact::Repository", "properties", "PermissionsPolicyDocument"),
    ] {
        let held = resource(type_name, "x", json!({root: {member: stranger}}));
        assert_eq!(count(&organization(), &held, "accounts"), 1, "{type_name}");
        check(&organization(), &held, "public_access.any", &json!(true));
        let closed = resource(type_name, "x", json!({}));
        check(&organization(), &closed, "external_access.any", &json!(false));
    }
}

/// The kinds of resources that are looked at, as people call them, and their types.
const KINDS: [(&str, &[&str]); 13] = [
    (
        "buckets",
        &[
            "AWS::S3::Bucket",
            "AWS::S3::AccessPoint",
            "AWS::S3::MultiRegionAccessPoint",
            "AWS::S3Express::DirectoryBucket",
        ],
    ),
    ("roles", &["AWS::IAM::Role"]),
    ("keys", &["AWS::KMS::Key"]),
    ("secrets", &["AWS::SecretsManager::Secret"]),
    ("queues", &["AWS::SQS::Queue"]),
    ("topics", &["AWS::SNS::Topic"]),
    ("functions and layers", &["AWS::Lambda::Function", "AWS::Lambda::LayerVersion"]),
    (
        "repositories",
        &["AWS::ECR::Repository", "Yagura::ECR::Registry", "AWS::CodeArtifact::Repository"],
    ),
    ("snapshots", &["AWS::EC2::Snapshot", "AWS::RDS::DBSnapshot", "AWS::RDS::DBClusterSnapshot"]),
    ("images", &["AWS::EC2::Image"]),
    ("file systems", &["AWS::EFS::FileSystem"]),
    ("tables", &["AWS::DynamoDB::Table", "AWS::DynamoDB::Stream"]),
    ("policies", &["AWS::Logs::ResourcePolicy", "AWS::Glue::DataCatalogEncryptionSettings"]),
];

/// A resource whose first sharing attribute lets an account in.
fn shared_with(source: &FactSource, account: &str) -> Resource {
    let path = source.reads.iter().find(|path| !path.ends_with(".Public")).unwrap();
    let policy = !matches!(
        source.type_name.rsplit("::").next(),
        Some("Snapshot" | "Image" | "DBSnapshot" | "DBClusterSnapshot")
    );
    let given = if policy {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*",
            "Resource": "*", "Principal": {"AWS": format!("arn:aws:iam::{account}:root")}}]})
    } else if source.type_name == "AWS::EC2::Image" {
        json!([{"UserId": account}])
    } else {
        json!([account])
    };
    let members = path.rsplit('.').fold(given, |value, key| json!({ key: value }));
    resource(source.type_name, "x", members)
}

#[test]
fn every_kind_of_resource_says_whom_it_lets_in_from_outside() {
    let world = organization();
    for (kind, types) in KINDS {
        for type_name in types {
            let source = fact_sources(type_name)
                .find(|source| source.names.contains(&"external_access"))
                .unwrap_or_else(|| panic!("{kind}: {type_name} has the fact"));
            let outside = shared_with(source, "999988887777");
            check(&world, &outside, "external_access.any", &json!(true));
            let accounts = show(&world.facts(&outside), "external_access.accounts");
            assert_eq!(accounts[0]["account"], "999988887777", "{type_name}");
            let inside = shared_with(source, OTHER);
            check(&world, &inside, "external_access.any", &json!(false));
            let mut denied = resource(type_name, "x", json!({}));
            denied.unread = source
                .reads
                .iter()
                .map(|path| Unread::of(path.parse().unwrap(), UnreadReason::Denied))
                .collect();
            check(&world, &denied, "external_access.any", &json!("unread"));
        }
    }
}
