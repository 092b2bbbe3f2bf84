//! Claims about findings of spend: one for each account and service, a day an occurrence, over
//! when the days after are as usual.

use std::sync::Arc;

use jiff::civil::date;
use yagura_content::Content;
use yagura_model::finding::Scope;
use yagura_model::spend::Budget;
use yagura_store::Location;

use super::*;

const ACCOUNT: &str = "111122223333";
const OTHER: &str = "444455556666";

struct Bed {
    store: Store,
    fold: Fold,
    _folder: tempfile::TempDir,
}

async fn bed() -> Bed {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::in_folder(folder.path())).await.unwrap();
    let fold = Fold::new(Arc::new(Content::builtin().clone()));
    Bed { store, fold, _folder: folder }
}

fn jump(account: &str, service: &str, day: Date, units: i64) -> SpendJump {
    SpendJump {
        account: account.into(),
        service: service.into(),
        day,
        amount: Micros::units(units),
        usual: Micros::units(10),
        limit: Micros::units(30),
        currency: "USD".into(),
        learned_days: 60,
        is_new: false,
        before: Vec::new(),
    }
}

fn november(day: i8) -> Date {
    date(2026, 11, day)
}

fn noon(day: i8) -> Timestamp {
    november(day).at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp()
}

/// One judgement of the seven days up to a day.
async fn fold(bed: &Bed, day: i8, jumps: &[SpendJump], budgets: &[BudgetVerdict]) -> Folded {
    let newest = BTreeMap::from([(ACCOUNT.to_owned(), november(day))]);
    let seen = SpendSeen {
        jumps,
        from: november(day).saturating_sub(Span::new().days(6)),
        newest: &newest,
        budgets,
        budget_accounts: &BTreeSet::from([ACCOUNT.to_owned()]),
    };
    bed.fold.fold_spend(&bed.store, &seen, noon(day)).await.unwrap()
}

async fn findings(bed: &Bed) -> Vec<Finding> {
    let page = Page { order: FindingOrder::FirstSeen, limit: PAGE_MAX, after: None };
    bed.store.findings(Scope::All).list(&FindingFilter::default(), &page).await.unwrap().findings
}

#[tokio::test]
async fn each_day_of_a_jump_is_an_occurrence_of_one_finding() {
    let bed = bed().await;
    let first = [jump(ACCOUNT, "EC2", november(10), 60)];
    let folded = fold(&bed, 10, &first, &[]).await;
    assert_eq!(folded.opened, 1);
    let both = [jump(ACCOUNT, "EC2", november(11), 2000), jump(ACCOUNT, "EC2", november(10), 70)];
    let folded = fold(&bed, 11, &both, &[]).await;
    assert_eq!((folded.opened, folded.raised), (0, 1));
    fold(&bed, 11, &both, &[]).await;
    let found = findings(&bed).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].occurrences, 2, "the same days again count once");
    assert_eq!(found[0].severity, Severity::High);
    assert_eq!(found[0].observation.evidence["usual"], 10_000_000);
    assert_eq!(found[0].observation.resource_name.as_deref(), Some("EC2"));
}

#[tokio::test]
async fn a_jump_is_over_after_three_usual_days_and_not_before() {
    let bed = bed().await;
    fold(&bed, 10, &[jump(ACCOUNT, "EC2", november(10), 60)], &[]).await;
    for (day, state) in
        [(11, FindingState::New), (12, FindingState::New), (13, FindingState::Resolved)]
    {
        fold(&bed, day, &[], &[]).await;
        assert_eq!(findings(&bed).await[0].state, state, "day {day}");
    }
    let again = fold(&bed, 14, &[jump(ACCOUNT, "EC2", november(14), 60)], &[]).await;
    assert_eq!(again.reopened, 1);
}

#[tokio::test]
async fn what_was_not_judged_stays_as_it_is() {
    let bed = bed().await;
    let newest = BTreeMap::from([(OTHER.to_owned(), november(10))]);
    let jumps = [jump(OTHER, "EC2", november(10), 60)];
    let seen = SpendSeen {
        jumps: &jumps,
        from: november(4),
        newest: &newest,
        budgets: &[],
        budget_accounts: &BTreeSet::new(),
    };
    bed.fold.fold_spend(&bed.store, &seen, noon(10)).await.unwrap();
    // Another account's days, and days long after with a hole between.
    fold(&bed, 20, &[], &[]).await;
    let late = BTreeMap::from([(OTHER.to_owned(), november(28))]);
    let seen = SpendSeen { jumps: &[], from: november(22), newest: &late, ..seen };
    bed.fold.fold_spend(&bed.store, &seen, noon(28)).await.unwrap();
    assert_eq!(findings(&bed).await[0].state, FindingState::New);
}

fn budget(state: BudgetState) -> BudgetVerdict {
    let budget = Budget {
        account: ACCOUNT.into(),
        name: "all".into(),
        time_unit: "MONTHLY".into(),
        limit: Micros::units(100),
        actual: Micros::units(90),
        forecast: Some(Micros::units(120)),
        currency: "USD".into(),
    };
    BudgetVerdict { budget, state }
}

#[tokio::test]
async fn a_budget_is_one_finding_from_forecast_to_excess_and_back() {
    let bed = bed().await;
    fold(&bed, 10, &[], &[budget(BudgetState::WillBeExceeded)]).await;
    assert_eq!(findings(&bed).await[0].severity, Severity::Medium);
    let folded = fold(&bed, 11, &[], &[budget(BudgetState::Exceeded)]).await;
    assert_eq!(folded.raised, 1);
    fold(&bed, 12, &[], &[budget(BudgetState::Unknown)]).await;
    assert_eq!(findings(&bed).await[0].state, FindingState::New, "unknown is not kept");
    let folded = fold(&bed, 13, &[], &[budget(BudgetState::Kept)]).await;
    assert_eq!(folded.resolved, 1);
    fold(&bed, 14, &[], &[budget(BudgetState::Kept)]).await;
    assert_eq!(findings(&bed).await.len(), 1);
}

#[tokio::test]
async fn a_budget_that_was_not_read_is_not_over() {
    let bed = bed().await;
    fold(&bed, 10, &[], &[budget(BudgetState::Exceeded)]).await;
    let newest = BTreeMap::new();
    let seen = SpendSeen {
        jumps: &[],
        from: november(4),
        newest: &newest,
        budgets: &[],
        budget_accounts: &BTreeSet::new(),
    };
    bed.fold.fold_spend(&bed.store, &seen, noon(11)).await.unwrap();
    assert_eq!(findings(&bed).await[0].state, FindingState::New);
    let read = BTreeSet::from([ACCOUNT.to_owned()]);
    let seen = SpendSeen { budget_accounts: &read, ..seen };
    bed.fold.fold_spend(&bed.store, &seen, noon(12)).await.unwrap();
    assert_eq!(findings(&bed).await[0].state, FindingState::Resolved, "the budget is no more");
}
