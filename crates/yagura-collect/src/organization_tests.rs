//! Claims about reading the organization, against written-down answers.
//! Not about regions: those are in `regions_tests`.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::executor::block_on;
use serde_json::{Value, json};

use super::*;
use crate::cases::answers::Answers;

const CALLER: &str = "111122223333";

fn read_with(answers: Value, extent: Extent) -> (Organization, Vec<String>) {
    let by_call: BTreeMap<String, Value> = serde_json::from_value(answers).unwrap();
    let answers = Arc::new(Answers::new(CALLER, "aws", by_call));
    let caller: Arc<dyn Caller> = Arc::<Answers>::clone(&answers);
    let organization = block_on(read(&caller, extent)).unwrap();
    (organization, answers.asked().into_iter().map(|(_, call, _)| call).collect())
}

fn whole() -> Value {
    json!({
        "organizations:DescribeOrganization":
            {"Organization": {"Id": "o-1", "MasterAccountId": CALLER}},
        "organizations:ListAccounts": {"Accounts": [
            {"Id": CALLER, "Name": "root", "Status": "ACTIVE"},
            {"Id": "222233334444", "Name": "Shop", "Email": "shop@example.com", "State": "ACTIVE"},
            {"Id": "333344445555", "Name": "Old", "Status": "SUSPENDED"}]},
        "organizations:ListRoots": {"Roots": [{"Id": "r-1", "Name": "Root"}]},
        "organizations:ListAccountsForParent": [
            {"input": {"ParentId": "r-1"}, "answer": {"Accounts": [{"Id": CALLER}]}},
            {"input": {"ParentId": "ou-2"}, "answer": {"Accounts": [{"Id": "222233334444"}]}},
            {"input": {}, "answer": {"Accounts": []}}],
        "organizations:ListOrganizationalUnitsForParent": [
            {"input": {"ParentId": "r-1"},
             "answer": {"OrganizationalUnits": [{"Id": "ou-1", "Name": "Workloads"}]}},
            {"input": {"ParentId": "ou-1"},
             "answer": {"OrganizationalUnits": [{"Id": "ou-2", "Name": "Production"}]}},
            {"input": {}, "answer": {"OrganizationalUnits": []}}],
    })
}

#[test]
fn accounts_carry_their_place_in_the_tree() {
    let (organization, _) = read_with(whole(), Extent::Everything);
    let ous: Vec<_> =
        organization.accounts.iter().map(|a| (&*a.name, a.ou.as_deref(), a.management)).collect();
    assert_eq!(ous, [("root", Some("/"), true), ("Shop", Some("/Workloads/Production"), false)]);
    assert_eq!(organization.accounts[1].ou_ids, ["r-1", "ou-1", "ou-2"]);
    assert_eq!(organization.reader(), CALLER);
    assert_eq!(organization.left_out, None);
}

#[test]
fn a_suspended_account_is_left_out_and_said() {
    let (organization, _) = read_with(whole(), Extent::Everything);
    let [notice] = &organization.notices[..] else { panic!("{:?}", organization.notices) };
    assert_eq!(notice.account, "333344445555");
    assert_eq!(notice.kind, NoticeKind::AccountInactive { state: "SUSPENDED".into() });
}

#[test]
fn without_an_organization_there_is_the_own_account_and_nothing_to_complain_of() {
    let error = json!({"error": "AWSOrganizationsNotInUseException"});
    let answers = json!({"organizations:DescribeOrganization": error});
    let (organization, asked) = read_with(answers, Extent::Everything);
    assert_eq!(organization.accounts, [Account::alone(CALLER)]);
    assert!(organization.notices.is_empty());
    assert_eq!(organization.left_out, None);
    assert_eq!(asked, ["organizations:DescribeOrganization"]);
}

#[test]
fn a_member_account_scans_itself_and_says_why() {
    let mut answers = whole();
    answers["organizations:DescribeOrganization"]["Organization"]["MasterAccountId"] =
        json!("999900001111");
    answers["organizations:ListAccounts"] = json!({"error": "AccessDeniedException"});
    let (organization, _) = read_with(answers, Extent::Everything);
    assert_eq!(organization.accounts, [Account::alone(CALLER)]);
    assert_eq!(organization.notices[0].kind, NoticeKind::OrganizationUnreadable);
    assert_eq!(organization.notices[0].unread.reason, UnreadReason::Denied);
    assert_eq!(organization.management.as_deref(), Some("999900001111"));
    assert_eq!(organization.reader(), CALLER);
    let left_out = |organization: &Organization| organization.left_out.as_ref().unwrap().reason;
    assert_eq!(left_out(&organization), UnreadReason::Denied);
    // Whoever names the account asks for no other.
    let mut own = organization;
    own.select(&[CALLER.into()]).unwrap();
    assert_eq!(left_out(&own), UnreadReason::NotRequested);
}

#[test]
fn a_tree_that_is_denied_leaves_the_accounts_without_ou() {
    let mut answers = whole();
    answers["organizations:ListRoots"] = json!({"error": "AccessDeniedException"});
    let (organization, _) = read_with(answers, Extent::Everything);
    assert_eq!(organization.accounts.len(), 2);
    assert!(organization.accounts.iter().all(|account| account.ou.is_none()));
    assert!(organization.notices.iter().any(|n| n.kind == NoticeKind::TreeUnreadable));
}

#[test]
fn a_tree_that_bites_its_tail_ends() {
    let mut answers = whole();
    answers["organizations:ListOrganizationalUnitsForParent"] =
        json!({"OrganizationalUnits": [{"Id": "r-1", "Name": "Root"}]});
    let (_, asked) = read_with(answers, Extent::Everything);
    assert!(asked.len() < 10, "{asked:?}");
}

#[test]
fn a_list_without_the_caller_is_not_believed() {
    let mut answers = whole();
    answers["organizations:ListAccounts"] =
        json!({"Accounts": [{"Id": "222233334444", "Status": "ACTIVE"}, {"Name": "no id"}]});
    let (organization, _) = read_with(answers, Extent::Everything);
    let ids: Vec<_> = organization.accounts.iter().map(|account| &*account.id).collect();
    assert_eq!(ids, [CALLER]);
    assert_eq!(organization.notices[0].kind, NoticeKind::OrganizationUnreadable);
}

#[test]
fn asking_for_the_own_account_asks_nothing_of_the_organization() {
    let (organization, asked) = read_with(whole(), Extent::OwnAccount);
    assert_eq!(organization.accounts, [Account::alone(CALLER)]);
    assert!(asked.is_empty(), "{asked:?}");
}

#[test]
fn accounts_are_chosen_by_id_or_name_and_a_wrong_name_is_an_error() {
    let (mut organization, _) = read_with(whole(), Extent::Everything);
    let error = organization.clone().select(&["Shopp".into()]).unwrap_err().to_string();
    assert_eq!(
        error,
        "no account is called `Shopp` among the 2 active accounts of the organization"
    );
    organization.select(&["shop".into()]).unwrap();
    assert_eq!(organization.accounts.len(), 1);
    assert_eq!(organization.accounts[0].id, "222233334444");
    // The management account is not scanned, so the caller reads the organization.
    assert_eq!(organization.reader(), CALLER);
    assert_eq!(organization.left_out.unwrap().reason, UnreadReason::NotRequested);
    let (mut whole, _) = read_with(whole(), Extent::Everything);
    whole.select(&["shop".into(), "root".into()]).unwrap();
    assert_eq!(whole.left_out, None);
}
