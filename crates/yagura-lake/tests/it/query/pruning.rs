//! What is not read: counted at the store, and answers that do not change by it.
//! Bloom filters' arithmetic is tested beside it.

use proptest::prelude::*;

use super::bed::{Bed, at, event};
use yagura_lake::query::QueryOptions;

/// Bytes and reads of Parquet files that a question takes.
async fn cost(bed: &Bed, sql: &str) -> (u64, u64) {
    bed.store.take();
    bed.ask(sql).await.unwrap();
    bed.store.take()
}

/// Files that a question may read, and bytes of them that it does read.
async fn files_and_bytes(condition: &str) -> (u64, u64) {
    let bed = Bed::filled().await;
    let sql = format!("SELECT sum(size) FROM trail WHERE {condition}");
    let explained = bed.engine.explain(&sql, &QueryOptions::default()).await.unwrap();
    let fresh = Bed::filled().await;
    (explained.files_read(), cost(&fresh, &sql).await.1)
}

#[tokio::test]
async fn partitions_and_times_leave_files_unopened() {
    let (files, all) = files_and_bytes("true").await;
    assert_eq!(files, 9);
    for condition in [
        "day = '2026-11-22'",
        "account = '111111111111'",
        "account IS NULL",
        "substr(account, 1, 1) = '2'",
        "time >= '2026-11-23T00:00:00Z'",
        "time BETWEEN '2026-11-22T03:00:00Z' AND '2026-11-22T04:00:00Z'",
    ] {
        let (files, bytes) = files_and_bytes(condition).await;
        assert_eq!(files, 3, "{condition}");
        assert!(bytes > 0 && bytes < all / 2, "{condition}: {bytes} of {all}");
    }
    assert_eq!(files_and_bytes("account LIKE '3%'").await, (0, 0));
    assert_eq!(files_and_bytes("time > '2027-01-01' AND size = 1").await, (0, 0));
}

#[tokio::test]
async fn counting_and_bounds_of_time_read_nothing() {
    let bed = Bed::filled().await;
    assert_eq!(cost(&bed, "SELECT count(*), min(time), max(time) FROM trail").await, (0, 0));
    bed.check(
        "SELECT count(*), min(time) FROM trail WHERE account = '222222222222'",
        &[r#"[300,"2026-11-21T00:00:00Z"]"#],
    )
    .await;
    bed.check("SELECT count(account), count(*) FROM trail", &["[600,900]"]).await;
    bed.check("SELECT count(*) FROM trail WHERE account IS NULL", &["[300]"]).await;
}

#[tokio::test]
async fn a_value_that_is_nowhere_costs_a_block_a_file_and_no_footer() {
    let bed = Bed::filled().await;
    for column in ["request_id", "access_key_id", "actor", "resource", "address", "action"] {
        let sql = format!("SELECT raw FROM trail WHERE {column} = 'nowhere to be found'");
        assert_eq!(cost(&bed, &sql).await, (9, 9 * 32), "{column}");
    }
    let list = "SELECT raw FROM trail WHERE array_has(pluck(resources, 'arn'), 'nowhere')";
    assert_eq!(cost(&bed, list).await, (9, 9 * 32));
    let member = "SELECT raw FROM trail WHERE identity['arn'] = 'nowhere'";
    assert_eq!(cost(&bed, member).await, (9, 9 * 32));
}

#[tokio::test]
async fn a_lookup_reads_the_file_that_has_it_and_blocks_of_the_others() {
    let bed = Bed::filled().await;
    let sql = "SELECT size FROM trail WHERE request_id = 'request-000450'";
    let explained = bed.engine.explain(sql, &QueryOptions::default()).await.unwrap();
    assert_eq!(explained.tables[0].files_read, 1);
    bed.check(sql, &["[450]"]).await;
    let list = "SELECT size FROM trail WHERE array_has(pluck(resources, 'arn'), \
                'arn:aws:s3:::bucket-1/key-77')";
    bed.check(list, &["[77]"]).await;
    bed.check(
        "SELECT size FROM trail WHERE request_id IN ('request-000001', 'request-000900') \
         ORDER BY size",
        &["[1]", "[900]"],
    )
    .await;
}

#[tokio::test]
async fn the_span_of_the_options_cuts_logs() {
    let bed = Bed::filled().await;
    let options = QueryOptions {
        since: Some(at(24 * 60)),
        until: Some(at(24 * 60 + 10)),
        ..QueryOptions::default()
    };
    let rows = bed.ask_with("SELECT count(*) FROM trail", &options).await.unwrap();
    assert_eq!(rows, ["[3]"]);
    let rows = bed.ask_with("SELECT count(*) FROM events", &options).await.unwrap();
    assert_eq!(rows, ["[3]"]);
}

fn conditions() -> impl Strategy<Value = String> {
    let text = |column: &'static str, values: &'static [&'static str]| {
        (proptest::sample::select(values), 0..4).prop_map(move |(value, how)| match how {
            0 => format!("{column} = '{value}'"),
            1 => format!("{column} <> '{value}'"),
            2 => format!("{column} IN ('{value}', 'other')"),
            _ => format!("({column} = '{value}' OR {column} IS NULL)"),
        })
    };
    let leaf = prop_oneof![
        text("account", &["111111111111", "222222222222", "333333333333"]),
        text("action", &["GetObject", "PutObject", "Nothing"]),
        text("access_key_id", &["AKIA0001", "AKIA0049", "AKIA9999"]),
        text("request_id", &["request-000005", "request-000777", "none"]),
        text("identity['arn']", &["arn:aws:iam::1:user/u3", "x"]),
        (0_i64..4000, proptest::sample::select(&["<", "<=", ">", ">=", "="][..]))
            .prop_map(|(minute, op)| format!("time {op} '{}'", at(minute))),
        proptest::sample::select(&["2026-11-21", "2026-11-22", "2026-11-25"][..])
            .prop_map(|day| format!("day >= '{day}'")),
        (0..900).prop_map(|n| format!("size > {n}")),
        (0..900).prop_map(|n| {
            format!("array_has(pluck(resources, 'arn'), 'arn:aws:s3:::bucket-1/key-{n}')")
        }),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        (inner.clone(), inner, 0..3).prop_map(|(a, b, how)| match how {
            0 => format!("({a} AND {b})"),
            1 => format!("({a} OR {b})"),
            _ => format!("NOT ({a})"),
        })
    })
}

#[test]
fn pruning_never_changes_an_answer() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    // One lake for all cases: it is only read.
    let bed = runtime.block_on(Bed::filled());
    let config = ProptestConfig { cases: 128, failure_persistence: None, ..Default::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let checked = runner.run(&conditions(), |condition| {
        runtime.block_on(async {
            let sql = format!("SELECT size FROM trail WHERE {condition} ORDER BY size");
            let pruned = bed.ask(&sql).await.unwrap();
            // What comes out of a limit cannot be pruned by what stands above it.
            let whole = format!(
                "SELECT size FROM (SELECT * FROM trail LIMIT 1000000) WHERE {condition} \
                 ORDER BY size"
            );
            let expected = bed.ask(&whole).await.unwrap();
            prop_assert_eq!(pruned, expected, "{}", condition);
            Ok(())
        })
    });
    checked.unwrap();
}

#[tokio::test]
async fn several_row_groups_are_told_apart_by_their_filters() {
    let bed = Bed::empty().await;
    let events: Vec<_> = (0..300).map(|n| event(n, at(n / 10), Some("111111111111"))).collect();
    bed.put("trail", &events).await;
    bed.check("SELECT size FROM trail WHERE request_id = 'request-000299'", &["[299]"]).await;
}

#[tokio::test]
async fn logs_of_other_accounts_are_not_there_not_even_in_an_error() {
    let bed = Bed::filled().await;
    let options = |accounts: &[&str]| QueryOptions {
        accounts: Some(accounts.iter().map(|one| (*one).to_owned()).collect()),
        ..QueryOptions::default()
    };
    for (accounts, rows) in [
        (vec!["111111111111"], 300),
        (vec!["111111111111", "222222222222"], 600),
        (vec!["333333333333"], 0),
        (vec![], 0),
    ] {
        for table in ["trail", "events"] {
            let sql = format!("SELECT count(*) FROM {table} WHERE source IS NOT NULL OR true");
            let sql = if table == "trail" { "SELECT count(*) FROM trail" } else { &sql };
            let mut answer = bed.engine.run(sql, &options(&accounts)).await.unwrap();
            let page = answer.next_rows().await.unwrap().unwrap();
            let most = page[0][0].as_u64().unwrap();
            // Of `events` other sources have records too: what counts is that nothing comes in.
            assert!(if table == "trail" { most == rows } else { most >= rows }, "{most} {rows}");
        }
        // A condition that fails on a value names the value: of files that are there alone.
        let sql = "SELECT count(*) FROM trail WHERE account = '222222222222' \
                   AND CAST(event_id AS BIGINT) > 0";
        let explained = bed.engine.explain(sql, &options(&accounts)).await.unwrap();
        let theirs = accounts.contains(&"222222222222");
        assert_eq!(explained.files_read() > 0, theirs, "{accounts:?}");
    }
}
