//! Who is let in, who may do everything, and whether TLS is required.

use serde_json::{Value, json};

use crate::world::{World, resource, show};

const BUCKET: &str = "AWS::S3::Bucket";

fn bucket(members: Value) -> yagura_model::Resource {
    let mut bucket = resource(BUCKET, "b", members);
    bucket.arn = Some("arn:aws:s3:::b".to_owned());
    bucket
}

fn public_bucket_policy(action: &str) -> Value {
    json!({"BucketPolicy": {"PolicyDocument": {"Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": "arn:aws:s3:::b/*"},
    ]}}})
}

fn check(world: &World, resource: &yagura_model::Resource, fact: &str, expected: &Value) {
    assert_eq!(show(&world.facts(resource), fact), *expected, "{fact} of {resource:?}");
}

#[test]
fn a_bucket_open_for_reading_is_not_open_for_writing() {
    let world = World::default();
    let open = bucket(json!({"properties": public_bucket_policy("s3:Get*")}));
    check(&world, &open, "public_access.any", &json!(true));
    check(&world, &open, "public_access.read", &json!(true));
    check(&world, &open, "public_access.write", &json!(false));
    let open = bucket(json!({"properties": public_bucket_policy("s3:P*")}));
    check(&world, &open, "public_access.read", &json!(false));
    check(&world, &open, "public_access.write", &json!(true));
}

#[test]
fn the_block_of_the_bucket_or_of_its_account_closes_a_public_policy() {
    let mut properties = public_bucket_policy("s3:GetObject");
    let open = bucket(json!({"properties": properties}));
    let account = |members: Value| World {
        resources: vec![resource("AWS::S3::AccountPublicAccessBlock", "a", members)],
        denied: Vec::new(),
    };
    let world = account(json!({"properties": {"RestrictPublicBuckets": true}}));
    check(&world, &open, "public_access.any", &json!(false));
    let world = account(json!({"properties": {"RestrictPublicBuckets": false}}));
    check(&world, &open, "public_access.any", &json!(true));
    properties["PublicAccessBlockConfiguration"] = json!({"RestrictPublicBuckets": true});
    let closed = bucket(json!({"properties": properties}));
    check(&world, &closed, "public_access.any", &json!(false));
}

#[test]
fn an_unread_block_leaves_a_public_policy_undecided_and_a_closed_bucket_closed() {
    let unread = json!([{"path": "properties.PublicAccessBlockConfiguration", "reason": "denied"}]);
    let world = World::default();
    let open = bucket(json!({
        "properties": public_bucket_policy("s3:GetObject"), "unread": unread,
    }));
    check(&world, &open, "public_access.any", &json!("unread"));
    check(&world, &open, "public_access.write", &json!(false));
    let closed = bucket(json!({"unread": unread}));
    check(&world, &closed, "public_access.any", &json!(false));
    let denied = World { resources: Vec::new(), denied: vec!["AWS::S3::AccountPublicAccessBlock"] };
    let open = bucket(json!({"properties": public_bucket_policy("s3:GetObject")}));
    check(&denied, &open, "public_access.any", &json!("unread"));
}

#[test]
fn an_open_grant_decides_although_the_policy_is_unread() {
    let grants = json!([{
        "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"},
        "Permission": "READ",
    }]);
    let unread = json!([{"path": "properties.BucketPolicy", "reason": "denied"}]);
    let world = World::default();
    let open = bucket(json!({"runtime": {"Grants": grants}, "unread": unread}));
    check(&world, &open, "public_access.any", &json!(true));
    check(&world, &open, "public_access.read", &json!(true));
    check(&world, &open, "public_access.write", &json!("unread"));
    let enforced = json!({
        "runtime": {"Grants": grants},
        "properties": {"OwnershipControls": {
            "Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}],
        }},
    });
    check(&world, &bucket(enforced), "public_access.any", &json!(false));
    let ignored = json!({
        "runtime": {"Grants": grants},
        "properties": {"PublicAccessBlockConfiguration": {"IgnorePublicAcls": true}},
    });
    check(&world, &bucket(ignored), "public_access.any", &json!(false));
}

#[test]
fn a_policy_that_cannot_be_parsed_is_unread_and_not_closed() {
    let world = World::default();
    for document in [json!("{"), json!({"Statement": [{"Effect": "Maybe"}]})] {
        let queue = resource(
            "AWS::SQS::Queue",
            "q",
            json!({"properties": {"QueuePolicy": {"PolicyDocument": document}}}),
        );
        check(&world, &queue, "public_access.any", &json!("unread"));
        check(&world, &queue, "secure_transport_required", &json!("unread"));
    }
}

#[test]
fn the_default_policy_of_a_topic_is_not_public() {
    let world = World::default();
    let topic = |condition: Value| {
        resource(
            "AWS::SNS::Topic",
            "t",
            json!({"properties": {"TopicPolicy": {"PolicyDocument": {"Statement": {
                "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "SNS:Publish",
                "Resource": "*", "Condition": condition,
            }}}}}),
        )
    };
    let own = json!({"StringEquals": {"AWS:SourceOwner": "111122223333"}});
    check(&world, &topic(own), "public_access.any", &json!(false));
    check(&world, &topic(json!({})), "public_access.any", &json!(true));
}

#[test]
fn a_permission_of_lambda_reads_like_its_policy() {
    let world = World::default();
    let function = |permission: Value| {
        resource("AWS::Lambda::Function", "f", json!({"properties": {"Permission": [permission]}}))
    };
    let open = function(json!({"Principal": "*", "Action": "lambda:InvokeFunctionUrl",
        "FunctionUrlAuthType": "NONE"}));
    check(&world, &open, "public_access.any", &json!(true));
    let closed = function(json!({"Principal": "*", "Action": "lambda:InvokeFunction",
        "PrincipalOrgID": "o-a1b2c3d4e5"}));
    check(&world, &closed, "public_access.any", &json!(false));
    let service = function(json!({"Principal": "s3.amazonaws.com", "Action": "lambda:*"}));
    check(&world, &service, "public_access.any", &json!(false));
}

#[test]
fn principals_of_other_accounts_are_named_and_own_ones_are_not() {
    let world = World::default();
    let role = resource(
        "AWS::IAM::Role",
        "r",
        json!({"properties": {"AssumeRolePolicyDocument": {"Statement": [
            {"Effect": "Allow", "Principal": {"AWS": [
                "arn:aws:iam::111122223333:root", "444455556666",
            ], "Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::777788889999:role/x"},
             "Action": "sts:AssumeRole",
             "Condition": {"StringEquals": {"sts:ExternalId": "a"}}},
            {"Effect": "Deny", "Principal": {"AWS": "000000000000"}, "Action": "*"},
        ]}}}),
    );
    let facts = world.facts(&role);
    let named = show(&facts, "cross_account_principals");
    let short: Vec<_> = named
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["account"].as_str().unwrap(), p["external_id"].as_bool().unwrap()))
        .collect();
    assert_eq!(short, [("444455556666", false), ("777788889999", true)]);
}

#[test]
fn a_shared_identity_provider_needs_a_fixed_subject() {
    let world = World::default();
    let role = |condition: Value| {
        resource(
            "AWS::IAM::Role",
            "r",
            json!({"properties": {"AssumeRolePolicyDocument": {"Statement": {
                "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": {"Federated":
                    "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},
                "Condition": condition,
            }}}}),
        )
    };
    let key = "token.actions.githubusercontent.com:sub";
    for (condition, expected) in [
        (json!({"StringLike": {key: "repo:acme/*"}}), true),
        (json!({"StringLike": {key: "*"}}), false),
        (json!({"StringLike": {key: ["repo:acme/a:*", "*"]}}), false),
        (json!({"StringEquals": {"token.actions.githubusercontent.com:aud": "x"}}), false),
        (json!({}), false),
    ] {
        let facts = world.facts(&role(condition.clone()));
        let fixed = &show(&facts, "federated_principals")[0]["subject_fixed"];
        assert_eq!(*fixed, json!(expected), "{condition}");
    }
}

#[test]
fn full_administrators_are_found_through_attached_policies_and_groups() {
    let everything = json!({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let mut policy = resource(
        "AWS::IAM::ManagedPolicy",
        "p",
        json!({"properties": {"PolicyDocument": everything}}),
    );
    policy.arn = Some("arn:aws:iam::111122223333:policy/p".to_owned());
    let group = resource(
        "AWS::IAM::Group",
        "admins",
        json!({"properties": {"ManagedPolicyArns": ["arn:aws:iam::111122223333:policy/p"]}}),
    );
    let user = |members: Value| resource("AWS::IAM::User", "u", json!({"properties": members}));
    let mut world = World { resources: vec![policy.clone(), group], denied: Vec::new() };
    let fact = "full_administrator.any";
    check(&world, &policy, fact, &json!(true));
    check(&world, &user(json!({"Groups": ["admins"]})), fact, &json!(true));
    check(&world, &user(json!({"Groups": ["others"]})), fact, &json!(false));
    let by_aws = json!({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]});
    check(&world, &user(by_aws), fact, &json!(true));
    let own =
        json!({"ManagedPolicyArns": ["arn:aws:iam::444455556666:policy/AdministratorAccess"]});
    check(&world, &user(own), fact, &json!(false));
    let inline = json!({"Policies": [{"PolicyName": "i", "PolicyDocument": everything}]});
    check(&world, &user(inline), fact, &json!(true));
    let partly = json!({"Policies": [{"PolicyName": "i", "PolicyDocument": {"Statement":
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}}]});
    check(&world, &user(partly), fact, &json!(false));
    world.denied.push("AWS::IAM::ManagedPolicy");
    let attached = json!({"ManagedPolicyArns": ["arn:aws:iam::111122223333:policy/q"]});
    check(&world, &user(attached), fact, &json!("unread"));
}

#[test]
fn secure_transport_must_be_asked_of_the_bucket_and_of_its_objects() {
    let world = World::default();
    let statement = |resources: Value, action: &str, condition: Value| {
        json!({"Effect": "Deny", "Principal": "*", "Action": action, "Resource": resources,
            "Condition": condition})
    };
    let plain = json!({"Bool": {"aws:SecureTransport": "false"}});
    let both = json!(["arn:aws:s3:::b", "arn:aws:s3:::b/*"]);
    let of = |statements: Value| {
        bucket(json!({"properties": {"BucketPolicy": {"PolicyDocument":
            {"Statement": statements}}}}))
    };
    let fact = "secure_transport_required";
    let split = json!([
        statement(json!("arn:aws:s3:::b"), "s3:*", plain.clone()),
        statement(
            json!("arn:aws:s3:::b/*"),
            "s3:*",
            json!({"Bool": {"aws:SecureTransport": false}})
        ),
    ]);
    for (statements, expected) in [
        (json!([statement(both.clone(), "s3:*", plain.clone())]), true),
        (split, true),
        (json!([statement(json!("*"), "*", plain.clone())]), true),
        (json!([statement(json!("arn:aws:s3:::b/*"), "s3:*", plain.clone())]), false),
        (json!([statement(both.clone(), "s3:GetObject", plain.clone())]), false),
        (
            json!([statement(
                both.clone(),
                "s3:*",
                json!({"Bool": {"aws:SecureTransport": "true"}})
            )]),
            false,
        ),
        (
            json!([statement(
                both,
                "s3:*",
                json!({
            "Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:x": "y"}})
            )]),
            false,
        ),
        (json!([]), false),
    ] {
        check(&world, &of(statements), fact, &json!(expected));
    }
}

#[test]
fn facts_of_other_types_are_absent() {
    let facts = World::default().facts(&resource("AWS::EC2::Volume", "v", json!({})));
    assert_eq!(facts, yagura_analyze::Facts::default());
}
