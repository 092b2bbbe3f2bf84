//! The store as tables of SQL: what stands in the columns, as of now and as of a time.
//! SQL itself is the lake's.

use serde_json::json;
use yagura_model::{RowFilter, RowRequest, RowSource, RowValue, VerdictStatus};
use yagura_store::{ScanOutcome, Store};

use crate::bed::{BUCKET, Bed, at, beds, bucket, start, verdict};

/// The key of a bucket of the bed.
const BUCKET_A: &str = "arn:aws:s3:::a";

async fn read(rows: &dyn RowSource, request: RowRequest) -> Vec<Vec<RowValue>> {
    let mut cursor = rows.read(request);
    let mut all = Vec::new();
    while let Some(page) = cursor.next().await.unwrap() {
        all.extend(page);
    }
    all
}

/// The asked columns of a table, by name.
async fn ask(
    store: &Store,
    table: &str,
    columns: &[&str],
    request: RowRequest,
) -> Vec<Vec<RowValue>> {
    let rows = store.rows(vec!["AWS::EC2::VPC".into()]);
    let tables = rows.tables().await.unwrap();
    let known = tables.iter().find(|one| one.name == table).unwrap();
    let position = |name: &&str| known.columns.iter().position(|one| one.name == **name).unwrap();
    let columns = columns.iter().map(position).collect();
    read(rows.as_ref(), RowRequest { table: table.into(), columns, ..request }).await
}

fn fixed(column: &str, value: &str) -> RowRequest {
    let filter = RowFilter { column: column.into(), values: vec![value.into()] };
    RowRequest { filters: vec![filter], ..RowRequest::default() }
}

fn text(value: &str) -> RowValue {
    RowValue::Text(value.into())
}

async fn filled(bed: &Bed) -> Store {
    let store = bed.open().await;
    for (minute, state) in [(0, "Off"), (10, "On")] {
        let scan = store.begin_scan(&start(minute)).await.unwrap();
        let seen =
            [bucket("a", json!({"Encryption": state})), bucket("b", json!({"Encryption": "On"}))];
        store.put_resources(scan, &seen).await.unwrap();
        let status = if state == "Off" { VerdictStatus::Fail } else { VerdictStatus::Pass };
        store.put_verdicts(scan, &[verdict("s3.x", "a", status)]).await.unwrap();
        store.finish_scan(scan, ScanOutcome::Complete, at(minute + 1)).await.unwrap();
    }
    store
}

#[tokio::test]
async fn resources_stand_in_their_table_and_in_that_of_their_type() {
    for bed in beds().await {
        let store = filled(&bed).await;
        for table in ["resources", "aws_s3_bucket"] {
            let all = ask(&store, table, &["name", "properties"], RowRequest::default()).await;
            assert_eq!(
                all,
                [
                    vec![text("a"), text(r#"{"Encryption":"On"}"#)],
                    vec![text("b"), text(r#"{"Encryption":"On"}"#)],
                ]
            );
        }
        let none = ask(&store, "aws_ec2_vpc", &["name"], RowRequest::default()).await;
        assert!(none.is_empty(), "a known type without resources is an empty table");
    }
}

#[tokio::test]
async fn a_time_shows_what_was_known_then() {
    for bed in beds().await {
        let store = filled(&bed).await;
        let then = RowRequest { as_of: Some(at(5)), ..fixed("key", "arn:aws:s3:::a") };
        let rows = ask(&store, "resources", &["name", "properties"], then).await;
        assert!(rows.contains(&vec![text("a"), text(r#"{"Encryption":"Off"}"#)]), "{rows:?}");
        let before = RowRequest { as_of: Some(at(-5)), ..RowRequest::default() };
        assert!(ask(&store, "resources", &["name"], before).await.is_empty());
        let status = |request| ask(&store, "verdicts", &["status", "control"], request);
        let pass = vec![vec![text("pass"), text("s3.x")]];
        assert_eq!(status(RowRequest::default()).await, pass);
        let then = RowRequest { as_of: Some(at(5)), ..RowRequest::default() };
        assert_eq!(status(then).await, [vec![text("fail"), text("s3.x")]]);
    }
}

#[tokio::test]
async fn conditions_and_limits_leave_out_what_does_not_match() {
    for bed in beds().await {
        let store = filled(&bed).await;
        let named = |request| ask(&store, "resources", &["name"], request);
        assert_eq!(named(fixed("key", "arn:aws:s3:::b")).await, [vec![text("b")]]);
        assert!(named(fixed("key", "arn:aws:s3:::c")).await.is_empty());
        assert!(named(fixed("type", "AWS::EC2::VPC")).await.is_empty());
        assert_eq!(named(fixed("type", BUCKET)).await.len(), 2);
        let one = RowRequest { limit: Some(1), ..RowRequest::default() };
        assert_eq!(named(one).await.len(), 1);
        let other = ask(&store, "aws_s3_bucket", &["name"], fixed("type", "AWS::EC2::VPC")).await;
        assert!(other.is_empty());
        assert!(ask(&store, "verdicts", &["key"], fixed("status", "odd")).await.is_empty());
    }
}

#[tokio::test]
async fn scans_accounts_and_an_empty_ledger_are_tables_too() {
    for bed in beds().await {
        let store = filled(&bed).await;
        let scans = ask(&store, "scans", &["state", "resources"], RowRequest::default()).await;
        assert_eq!(scans, vec![vec![text("complete"), RowValue::Integer(2)]; 2]);
        let accounts = ask(&store, "accounts", &["name", "ou"], RowRequest::default()).await;
        assert_eq!(accounts, [vec![text("prod"), text("/Work")]]);
        assert!(ask(&store, "objects", &["location"], RowRequest::default()).await.is_empty());
    }
}

#[tokio::test]
async fn within_some_accounts_nothing_of_others_is_told() {
    use yagura_model::finding::Scope;
    for bed in beds().await {
        let store = filled(&bed).await;
        let own = store.resource(BUCKET_A).await.unwrap().unwrap().resource.account;
        let within = |accounts: &[&str]| {
            let accounts = accounts.iter().map(|one| (*one).to_owned()).collect();
            store.rows_within(Vec::new(), &Scope::Accounts(accounts))
        };
        for (accounts, names) in [(vec![own.as_str()], 2), (vec!["999999999999"], 0), (vec![], 0)] {
            let rows = within(&accounts);
            let tables = rows.tables().await.unwrap();
            for hidden in ["objects", "scans"] {
                assert!(!tables.iter().any(|table| table.name == hidden), "{hidden}");
            }
            for table in ["resources", "verdicts"] {
                let known = tables.iter().find(|one| one.name == table).unwrap();
                let key = known.columns.iter().position(|one| one.name == "key").unwrap();
                // A filter that names other accounts opens nothing.
                for filters in [
                    Vec::new(),
                    vec![RowFilter { column: "account".into(), values: vec![own.clone()] }],
                ] {
                    let (columns, limit) = (vec![key], Some(1));
                    let request =
                        RowRequest { table: table.into(), columns, filters, limit, as_of: None };
                    let found = read(rows.as_ref(), request).await;
                    let expected = if table == "verdicts" { names.min(1) } else { names };
                    assert_eq!(found.len(), expected, "{table} {accounts:?}");
                    assert!(found.iter().all(|row| row.len() == 1), "{found:?}");
                }
            }
        }
    }
}
