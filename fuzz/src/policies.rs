//! What the fuzz target of IAM policies does with its bytes.
//! Shared with the ordinary tests, which replay `fuzz/seeds/iam_policy` on stable.

use iam_policy::{
    Context, Layers, Level, Outcome, Policy, PolicyKind, Principal, Request, evaluate, review,
};

const ACCOUNT: &str = "111122223333";
const CALLERS: [&str; 3] = [
    "arn:aws:iam::111122223333:user/mika",
    "arn:aws:sts::111122223333:assumed-role/app/session",
    "arn:aws:iam::999988887777:role/stranger",
];
const ASKED: [(&str, &str); 3] = [
    ("s3:GetObject", "arn:aws:s3:::reports/2026.csv"),
    ("sts:AssumeRole", "arn:aws:iam::111122223333:role/app"),
    ("kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/1234"),
];
const DENY: &str = r#"{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}"#;
const ALLOW: &str = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;

/// A policy document: reviewed, read, and asked in every place where a policy may stand.
///
/// INVARIANT: what is said has a place in the text; the same question has the same answer; a denial
/// of everything beside it denies, and what a control policy leaves is no more than was there.
pub fn iam_policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
    for kind in [PolicyKind::Identity, PolicyKind::Resource] {
        for remark in review(text, kind, None) {
            assert!(!remark.kind.code().is_empty());
        }
    }
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(refused) => {
            assert!(!refused.what.is_empty());
            assert!(refused.position.line <= lines + 1, "{refused}");
            return;
        }
    };
    for problem in &policy.problems {
        assert!((1..=lines + 1).contains(&problem.position.line), "{problem:?}");
        assert!(!problem.oddity.to_string().is_empty());
    }
    let read = |text: &str| Policy::parse(text).unwrap_or_else(|error| panic!("{error}"));
    let (deny, allow) = (read(DENY), read(ALLOW));
    for (caller, (action, resource)) in CALLERS.iter().flat_map(|one| ASKED.map(|it| (*one, it))) {
        let request = Request {
            principal: Principal::from_arn(caller),
            action,
            resource,
            resource_account: Some(ACCOUNT),
            context: Context::new(),
            overlap: false,
        };
        let own = [&policy];
        let alone = Layers { identity: &own, resource: Some(&policy), ..Layers::default() };
        let decided = evaluate(&request, &alone);
        assert_eq!(decided, evaluate(&request, &alone));
        let denied = [&policy, &deny];
        let denied = Layers { identity: &denied, resource: Some(&policy), ..Layers::default() };
        assert_eq!(evaluate(&request, &denied).outcome, Outcome::ExplicitlyDenied);
        // Under a control policy that is the document itself, nothing more is allowed than under
        // one that allows everything.
        let everything = [&allow];
        let under = |policies| {
            let level = Level { name: "root", policies };
            let levels = [level];
            let layers = Layers { identity: &everything, scps: &levels, ..Layers::default() };
            evaluate(&request, &layers).outcome
        };
        if under(&own) == Outcome::Allowed {
            assert_eq!(under(&everything), Outcome::Allowed, "{caller} {action}");
        }
    }
}
