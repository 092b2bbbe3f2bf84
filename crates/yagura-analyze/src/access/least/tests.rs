//! Claims about drafts and what is left over, and a property over generated usage.
//! What single calls need is claimed in `usage`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use proptest::prelude::*;
use serde_json::{Value, json};
use yagura_model::Resource;
use yagura_model::usage::{Evidence, EvidenceKind};

use super::super::World;
use super::super::usage::tests::{ACCOUNT, APP, call, naming};
use super::*;

/// A ledger of calls: service, event, parameters, further members.
fn ledger(calls: &[(&str, &str, Value, Value)]) -> UsageLedger {
    let naming = naming();
    let mut ledger = UsageLedger::default();
    for (source, name, parameters, more) in calls {
        ledger.take(&naming, &call(source, name, parameters.clone(), more.clone()));
    }
    ledger
}

fn draft(ledger: &UsageLedger, options: DraftOptions) -> Draft {
    let draft = Draft::of(ledger, APP, options, None).unwrap();
    assert_eq!(draft.uncovered, []);
    draft
}

fn some_use() -> UsageLedger {
    let object = |key: &str| json!({"bucketName": "reports", "key": key});
    let refused = json!({"errorCode": "AccessDenied"});
    ledger(&[
        ("s3", "HeadObject", object("2026/a.csv"), json!({})),
        ("s3", "GetObject", object("2026/b.csv"), json!({})),
        ("s3", "PutBucketPolicy", json!({"bucketName": "reports"}), refused),
        ("sts", "GetCallerIdentity", json!({}), json!({})),
        ("s3", "Unheard", json!({}), json!({})),
    ])
}

#[test]
fn a_draft_allows_what_was_used_and_nothing_that_was_refused() {
    let ledger = some_use();
    let draft = draft(&ledger, DraftOptions::default());
    let wanted = json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "S3Used1", "Effect": "Allow", "Action": "s3:GetObject",
        "Resource": ["arn:aws:s3:::reports/2026/a.csv", "arn:aws:s3:::reports/2026/b.csv"],
    }]});
    assert_eq!(draft.policy, wanted);
    assert_eq!(
        ledger.refused.keys().map(AsRef::as_ref).collect::<Vec<_>>(),
        ["s3:PutBucketPolicy"]
    );
    assert_eq!((ledger.free, ledger.unnamed.len(), ledger.all.count), (1, 1, 5));
}

#[test]
fn actions_on_the_same_resources_share_a_statement() {
    let object = || json!({"bucketName": "b", "key": "k"});
    let ledger = ledger(&[
        ("s3", "GetObject", object(), json!({})),
        ("s3", "PutObject", object(), json!({})),
        ("s3", "ListObjects", json!({"bucketName": "b"}), json!({})),
    ]);
    let policy = draft(&ledger, DraftOptions::default()).policy;
    let statements = policy["Statement"].as_array().unwrap();
    assert_eq!(statements.len(), 2);
    assert_eq!(statements[1]["Action"], json!(["s3:GetObject", "s3:PutObject"]));
}

#[test]
fn a_passed_role_is_limited_to_its_service() {
    let role = "arn:aws:iam::444455556666:role/worker";
    let create = json!({"functionName": "f", "role": role});
    let ledger = ledger(&[("lambda", "CreateFunction20150331", create, json!({}))]);
    let policy = draft(&ledger, DraftOptions::default()).policy;
    let passed = &policy["Statement"][0];
    assert_eq!((&passed["Action"], &passed["Resource"]), (&json!("iam:PassRole"), &json!(role)));
    let only = json!({"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}});
    assert_eq!(passed["Condition"], only);
}

#[test]
fn regions_are_limited_where_asked() {
    let ledger = ledger(&[("ec2", "DescribeInstances", json!({}), json!({}))]);
    let limited = DraftOptions { limit_regions: true, ..DraftOptions::default() };
    let policy = draft(&ledger, limited).policy;
    let condition = &policy["Statement"][0]["Condition"];
    assert_eq!(condition, &json!({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}));
    let policy = draft(&ledger, DraftOptions::default()).policy;
    assert!(policy["Statement"][0].get("Condition").is_none());
}

#[expect(clippy::needless_pass_by_value, reason = "called with what `json!` makes")]
fn world(policies: Value) -> World {
    let properties = json!({"Policies": policies, "ManagedPolicyArns": []});
    let role = Resource {
        key: APP.to_owned(),
        arn: Some(APP.to_owned()),
        id: "shop".to_owned(),
        name: "shop".to_owned(),
        type_name: "AWS::IAM::Role".to_owned(),
        account: ACCOUNT.to_owned(),
        properties: properties.as_object().unwrap().clone(),
        ..Resource::default()
    };
    World::new(&[role], &[])
}

fn present() -> World {
    world(json!([{"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17", "Statement": [
        {"Sid": "Queue", "Effect": "Allow", "Action": "sqs:*", "Resource": "*"},
        {"Sid": "Data", "Effect": "Allow", "Action": ["s3:*"], "Resource": "arn:aws:s3:::reports/*",
         "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:*", "Resource": "*"},
    ]}}]))
}

/// An account whose trail has reads and writes of S3, and nothing of data events.
fn evidence(data: &[&str]) -> Evidence {
    let kind = |source: &str, data: bool, read_only: bool| EvidenceKind {
        event_source: format!("{source}.amazonaws.com"),
        data,
        read_only: Some(read_only),
        count: 1,
    };
    let mut kinds = vec![kind("s3", false, true), kind("iam", false, false)];
    kinds.extend(data.iter().map(|source| kind(source, true, true)));
    Evidence { account: ACCOUNT.to_owned(), kinds, ..Evidence::default() }
}

fn excess(evidence: &Evidence) -> (Grants, Excess) {
    let naming = naming();
    let grants = present().granted_to(APP, &mut GrantReader::new(naming.table())).unwrap();
    let excess = Excess::of(&grants, &some_use(), &naming, evidence);
    (grants, excess)
}

fn of_sid<'e>(excess: &'e Excess, sid: Option<&str>) -> &'e StatementUse {
    excess.statements.iter().find(|one| one.sid.as_deref() == sid).unwrap()
}

#[test]
fn what_is_granted_beyond_use_is_told_by_statement_riskiest_first() {
    let (grants, excess) = excess(&evidence(&[]));
    let first = &excess.statements[0];
    assert_eq!((first.number, first.anywhere), (3, true));
    let surplus: Vec<&str> = first.surplus.iter().map(|one| one.action.as_ref()).collect();
    assert_eq!(surplus[0], "iam:CreateAccessKey");
    // Handing a role on has no event of its own, but requests show it.
    assert!(surplus.contains(&"iam:PassRole"));
    let data = of_sid(&excess, Some("Data"));
    assert_eq!(data.used.iter().map(AsRef::as_ref).collect::<Vec<_>>(), ["s3:GetObject"]);
    assert_eq!(grants.denials.len(), 1);
    // What a denial takes away from everything is not granted.
    let granted = &grants.statements[1].actions;
    assert!(!granted.iter().any(|name| &**name == "s3:DeleteObject"), "{granted:?}");
    // Nor is an action without resources granted by a statement about some.
    assert!(!granted.iter().any(|name| &**name == "s3:ListAllMyBuckets"), "{granted:?}");
}

#[test]
fn what_no_log_would_show_is_unknown_and_never_unused() {
    let check = |evidence: &Evidence, action: &str, wanted: Option<Blind>| {
        let (_, excess) = excess(evidence);
        let data = of_sid(&excess, Some("Data"));
        let unknown = data.unknown.iter().find(|(one, _)| &*one.action == action);
        assert_eq!(unknown.map(|(_, blind)| *blind), wanted, "{action}");
        let unused = data.surplus.iter().any(|one| &*one.action == action);
        assert_eq!(unused, wanted.is_none(), "{action}");
    };
    let (off, some) = (evidence(&[]), evidence(&["s3"]));
    let whole = Evidence { data_whole: ["s3.amazonaws.com".to_owned()].into(), ..some.clone() };
    check(&off, "s3:PutObject", Some(Blind::DataEventsOff));
    check(&some, "s3:PutObject", Some(Blind::DataEventsPartly));
    check(&whole, "s3:PutObject", None);
    check(&whole, "s3:BypassGovernanceRetention", Some(Blind::NotLogged));
    check(&Evidence::default(), "s3:PutObject", Some(Blind::NoRecords));
}

#[test]
fn reads_and_left_out_services_are_unknown_where_the_log_has_none() {
    let naming = naming();
    let action = |name: &str| naming.table().get(name).unwrap().clone();
    let mut writes = evidence(&[]);
    writes.kinds.retain(|kind| kind.read_only == Some(false));
    assert_eq!(blindness(&naming, &writes, &action("iam:GetUser")), Some(Blind::ReadsOff));
    assert_eq!(blindness(&naming, &writes, &action("iam:CreateAccessKey")), None);
    let all = evidence(&[]);
    assert_eq!(blindness(&naming, &all, &action("kms:Decrypt")), Some(Blind::ServiceLeftOut));
    assert_eq!(blindness(&naming, &all, &action("sqs:SendMessage")), None);
}

#[test]
fn the_unknown_is_kept_with_its_conditions_and_left_out_when_strict() {
    let (grants, excess) = excess(&evidence(&[]));
    let write = |strict| {
        let options = DraftOptions { strict, ..DraftOptions::default() };
        Draft::of(&some_use(), APP, options, Some((&grants, &excess))).unwrap()
    };
    let draft = write(false);
    let statements = draft.policy["Statement"].as_array().unwrap();
    let kept = statements.iter().find(|one| one["Sid"] == "KeptNotSeen1").unwrap();
    assert_eq!(kept["Action"], json!(["s3:BypassGovernanceRetention", "s3:PutObject"]));
    assert_eq!(kept["Resource"], "arn:aws:s3:::reports/*");
    assert_eq!(kept["Condition"], json!({"Bool": {"aws:SecureTransport": "true"}}));
    let denial = statements.last().unwrap();
    assert_eq!((&denial["Effect"], &denial["Action"]), (&json!("Deny"), &json!("s3:DeleteObject")));
    let strict = write(true);
    let text = strict.policy.to_string();
    assert!(!text.contains("s3:PutObject") && text.contains("Deny"), "{text}");
    assert!(strict.characters < draft.characters);
}

#[test]
fn of_a_grant_of_everything_only_likely_unknowns_are_kept() {
    let everything = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
    let world = world(json!([{"PolicyName": "all", "PolicyDocument": everything}]));
    let naming = naming();
    let grants = world.granted_to(APP, &mut GrantReader::new(naming.table())).unwrap();
    let used = ledger(&[("ec2", "DescribeInstances", json!({}), json!({}))]);
    let excess = Excess::of(&grants, &used, &naming, &evidence(&[]));
    let options = DraftOptions::default();
    let draft = Draft::of(&used, APP, options, Some((&grants, &excess))).unwrap();
    let kept: Vec<&str> = draft.kept[0].actions.iter().map(AsRef::as_ref).collect();
    assert!(kept.contains(&"s3:GetObject") && kept.contains(&"dynamodb:GetItem"), "{kept:?}");
    assert!(!kept.contains(&"s3:BypassGovernanceRetention"), "{kept:?}");
    assert!(draft.left_out.contains("s3:BypassGovernanceRetention"), "{:?}", draft.left_out);
}

#[test]
fn a_use_counts_for_the_statements_that_speak_of_it() {
    let world = world(json!([{"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17",
    "Statement": [
        {"Sid": "Here", "Effect": "Allow", "Action": "s3:GetObject",
         "Resource": "arn:aws:s3:::reports/2026/*"},
        {"Sid": "There", "Effect": "Allow", "Action": "s3:GetObject",
         "Resource": "arn:aws:s3:::other/*"},
    ]}}]));
    let naming = naming();
    let grants = world.granted_to(APP, &mut GrantReader::new(naming.table())).unwrap();
    let whole =
        Evidence { data_whole: ["s3.amazonaws.com".to_owned()].into(), ..evidence(&["s3"]) };
    let excess = Excess::of(&grants, &some_use(), &naming, &whole);
    assert_eq!(of_sid(&excess, Some("Here")).used.len(), 1);
    let there = of_sid(&excess, Some("There"));
    assert_eq!((there.used.len(), there.surplus.len()), (0, 1));
}

#[test]
fn a_session_is_its_role() {
    let world = present();
    let session = "arn:aws:sts::444455556666:assumed-role/shop/one";
    assert_eq!(world.principal_of(session), Some(APP));
    assert_eq!(world.principal_of("arn:aws:iam::444455556666:role/other"), None);
}

#[test]
fn memory_stays_bounded_and_what_was_seen_stays_covered() {
    let naming = naming();
    let mut ledger = UsageLedger::default();
    for number in 0..5_000 {
        let object = json!({"bucketName": format!("b{}", number % 7), "key": format!("k{number}")});
        ledger.take(&naming, &call("s3", "PutObject", object, json!({})));
    }
    let used = ledger.used.values().next().unwrap();
    assert!(used.resources.len() <= 2_000 && used.joined);
    let policy = draft(&ledger, DraftOptions::default()).policy;
    let parsed = iam_policy::Policy::parse(&policy.to_string()).unwrap();
    let covers = |arn: &str| parsed.statements.iter().any(|one| one.covers_resource(arn));
    assert!(covers("arn:aws:s3:::b3/k3") && covers("arn:aws:s3:::b1/k4999"), "{policy}");
    assert!(!covers("arn:aws:s3:::other/k1"));
}

/// A call of one of a few kinds, its names from a small alphabet with what is awkward in policies.
fn any_call() -> impl Strategy<Value = (&'static str, &'static str, Value)> {
    let name = "[ab/*?${}~:. -]{1,6}";
    let two = (name, name, 0_usize..8);
    two.prop_map(|(one, other, kind)| match kind {
        0 => ("s3", "GetObject", json!({"bucketName": one, "key": other})),
        1 => ("s3", "PutObject", json!({"bucketName": one, "key": other})),
        2 => (
            "s3",
            "CopyObject",
            json!({
            "bucketName": one, "key": other, "x-amz-copy-source": format!("{one}/{other}")}),
        ),
        3 => (
            "lambda",
            "CreateFunction20150331",
            json!({
            "functionName": one, "role": format!("arn:aws:iam::444455556666:role/{other}")}),
        ),
        4 => ("sqs", "SendMessage", json!({"queueUrl": format!("https://q/{one}")})),
        5 => ("iam", "GetUser", json!({"userName": one})),
        6 => {
            ("ec2", "RunInstances", json!({"subnetId": "subnet-0123456789abcdef0", "keyName": one}))
        }
        _ => ("kms", "Decrypt", json!({"keyId": one})),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_used_request_is_allowed_by_the_draft(
        calls in proptest::collection::vec(any_call(), 1..20),
        breadth in 0_usize..4,
        limit_regions: bool,
    ) {
        let naming = naming();
        let mut ledger = UsageLedger::default();
        for (source, name, parameters) in calls {
            ledger.take(&naming, &call(source, name, parameters, json!({})));
        }
        let breadth =
            [Breadth::Exact, Breadth::Prefix, Breadth::Type, Breadth::Any][breadth];
        let options = DraftOptions { breadth, limit_regions, strict: false };
        let draft = Draft::of(&ledger, APP, options, None).unwrap();
        prop_assert_eq!(draft.uncovered, vec![]);
    }
}
