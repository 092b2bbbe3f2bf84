//! Whose findings may be known of: nobody outside a scope sees, counts, searches, changes or reads
//! the history of a finding, by any method there is.

use std::collections::BTreeSet;

use futures::TryStreamExt as _;
use yagura_model::finding::{
    Act, ActOutcome, Closing, ClosingReason, FindingState, FindingSuppression, Observation, Scope,
};
use yagura_store::StoreError;
use yagura_store::findings::{FindingFilter, Findings, GroupBy, GroupPage, Page};

use crate::bed::{ACCOUNT, at, beds};
use crate::findings::{alice, observe, scan, seen};

const OTHER: &str = "444455556666";

/// Every public method of the store's findings. One that is added must be walked below.
const METHODS: [&str; 19] = [
    "act",
    "close",
    "count",
    "count_by",
    "count_by_many",
    "count_by_severity",
    "end_suppressions",
    "find",
    "forget_resolved",
    "forgotten",
    "get",
    "get_many",
    "groups",
    "history",
    "history_after",
    "history_end",
    "ids_open",
    "list",
    "observe",
];

#[test]
fn every_public_method_is_walked() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/findings");
    let mut found = BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let lines = text.lines().map(str::trim_start);
        let names = lines.filter_map(|line| {
            line.strip_prefix("pub async fn ").or_else(|| line.strip_prefix("pub fn "))
        });
        found.extend(names.map(|rest| rest.split(['(', '<']).next().unwrap().to_owned()));
    }
    // `Store::findings` makes the scope, `FindingFilter::open` a question; `observe_with` is what
    // `observe` calls.
    found.retain(|name| !matches!(name.as_str(), "as_str" | "findings" | "observe_with" | "open"));
    assert_eq!(found.into_iter().collect::<Vec<_>>(), METHODS);
}

/// A suppressed, a resolved and an open finding of the other account.
async fn prepare(findings: &Findings) -> Vec<String> {
    let of_other = |name: &str| Observation { account: OTHER.into(), ..seen("a", name, 0) };
    let some = [of_other("hidden"), of_other("over"), of_other("open")];
    observe(findings, &some, 1).await;
    let ids: Vec<String> = some.iter().map(Observation::id).collect();
    let until_us = at(5).as_microsecond();
    let by = FindingSuppression { until_us, owner: "bob".into(), reason: "why not".into() };
    findings.act(&ids[..1], &Act::Suppress(by), &alice(), at(2), None).await.unwrap();
    let as_of_us = at(3).as_microsecond();
    let reason = ClosingReason::Passed;
    let closing = Closing { ids: ids[1..2].to_vec(), reason, as_of_us };
    findings.close(&closing, &scan(), at(3)).await.unwrap();
    ids
}

async fn everything(findings: &Findings) -> String {
    let page = findings.list(&FindingFilter::default(), &Page::default()).await.unwrap();
    let history = findings.history_after(0, 1_000).await.unwrap();
    format!("{page:?} {history:?}")
}

async fn sees_nothing(findings: &Findings, ids: &[String]) {
    let filters = [
        FindingFilter::default(),
        FindingFilter { accounts: vec![OTHER.into()], ..FindingFilter::default() },
        FindingFilter { text: Some("hidden".into()), ..FindingFilter::default() },
        FindingFilter { text: Some("a fails".into()), ..FindingFilter::default() },
        FindingFilter { keys: vec!["arn:aws:s3:::open".into()], ..FindingFilter::default() },
    ];
    for filter in &filters {
        let page = findings.list(filter, &Page::default()).await.unwrap();
        assert!(page.findings.is_empty() && page.total.count == 0, "{filter:?}");
        assert_eq!(findings.count(filter).await.unwrap().count, 0);
        for by in GroupBy::ALL {
            assert!(findings.count_by(filter, by).await.unwrap().counts.is_empty(), "{by:?}");
            let many = findings.count_by_many(filter, &[by, GroupBy::Account]).await.unwrap();
            assert!(many.iter().all(|counts| counts.counts.is_empty()), "{by:?}");
            let severities = findings.count_by_severity(filter, by).await.unwrap();
            assert!(severities.iter().all(|(_, counts)| counts.counts.is_empty()), "{by:?}");
        }
        assert_eq!(findings.groups(filter, GroupPage::default()).await.unwrap().total, 0);
        let open: Vec<_> = findings.ids_open(filter).try_collect().await.unwrap();
        assert!(open.is_empty());
    }
    for id in ids {
        assert!(findings.get(id).await.unwrap().is_none());
        assert!(findings.find(id.get(..6).unwrap(), 9).await.unwrap().is_empty());
        assert!(findings.history(id, 0, 9).await.unwrap().is_empty());
    }
    assert!(findings.get_many(ids).await.unwrap().is_empty());
    assert!(findings.history_after(0, 99).await.unwrap().is_empty());
    assert_eq!(findings.history_end().await.unwrap(), 0);
    assert!(findings.forgotten().await.unwrap().is_empty());
}

async fn changes_nothing(findings: &Findings, ids: &[String]) {
    for act in [
        Act::SetState { to: FindingState::InProgress, reason: None },
        Act::Comment { text: "mine now".into() },
        Act::Assign { to: Some("mallory".into()) },
    ] {
        let acted = findings.act(ids, &act, &alice(), at(50), None).await.unwrap();
        assert!(acted.iter().all(|one| one.outcome == ActOutcome::Unknown));
    }
    let as_of_us = at(50).as_microsecond();
    let closing = Closing { ids: ids.to_vec(), reason: ClosingReason::Passed, as_of_us };
    assert_eq!(findings.close(&closing, &scan(), at(50)).await.unwrap(), 0);
    assert_eq!(findings.end_suppressions(&scan(), at(50)).await.unwrap(), 0);
    assert_eq!(findings.forget_resolved(at(50), 99).await.unwrap(), 0);
    // Neither as the other account's, nor by calling its finding one of mine.
    for account in [OTHER, ACCOUNT] {
        let taken = Observation { account: account.into(), ..seen("a", "open", 50) };
        let error = findings.observe(&[taken], &scan(), at(50)).await.unwrap_err();
        assert!(matches!(error, StoreError::OutOfScope), "{error:?}");
        assert!(!error.to_string().contains(OTHER), "{error}");
    }
}

#[tokio::test]
async fn nobody_outside_a_scope_can_do_anything_with_a_finding() {
    for bed in beds().await {
        let store = bed.open().await;
        let all = store.findings(Scope::All);
        let ids = prepare(&all).await;
        let before = everything(&all).await;
        for accounts in [vec![], vec![ACCOUNT.to_owned()], vec![String::new(), "*".into()]] {
            let narrow = store.findings(Scope::Accounts(accounts.into_iter().collect()));
            sees_nothing(&narrow, &ids).await;
            changes_nothing(&narrow, &ids).await;
        }
        assert_eq!(everything(&all).await, before);
        // Whoever may see the account sees all of it, and may change it.
        let theirs = store.findings(Scope::Accounts([OTHER.to_owned()].into()));
        assert_eq!(everything(&theirs).await, before);
        assert_eq!(theirs.end_suppressions(&scan(), at(50)).await.unwrap(), 1);
        assert_eq!(theirs.forget_resolved(at(50), 99).await.unwrap(), 1);
        assert_eq!(theirs.forgotten().await.unwrap().len(), 1);
        let mine = store.findings(Scope::Accounts([ACCOUNT.to_owned()].into()));
        assert!(mine.forgotten().await.unwrap().is_empty());
        observe(&mine, &[seen("a", "mine", 60)], 60).await;
        let page = mine.list(&FindingFilter::default(), &Page::default()).await.unwrap();
        assert_eq!(page.total.count, 1);
    }
}
