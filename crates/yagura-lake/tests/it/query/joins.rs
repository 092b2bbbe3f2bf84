//! Inventory, its past, and joins of inventory with logs.
//! The real store's tables are tested in the store.

use super::bed::{Bed, at};
use yagura_lake::query::{QueryError, QueryOptions};

#[tokio::test]
async fn one_question_joins_logs_and_inventory() {
    let bed = Bed::filled().await;
    bed.check(
        "SELECT r.key, count(*) AS n FROM trail t JOIN resources r ON r.key = t.resource \
         WHERE t.action = 'GetObject' AND r.public GROUP BY r.key",
        &[r#"["arn:aws:s3:::bucket-0",150]"#],
    )
    .await;
}

#[tokio::test]
async fn inventory_is_read_as_of_a_time() {
    let bed = Bed::filled().await;
    let sql = "SELECT count(*) FROM resources WHERE (properties->>'Public') = 'true'";
    bed.check(sql, &["[1]"]).await;
    let past = "SELECT count(*) FROM resources FOR SYSTEM_TIME AS OF '2026-11-20' \
                WHERE resources.public";
    bed.check(past, &["[0]"]).await;
    bed.check(
        "SELECT n.key FROM resources n JOIN resources FOR SYSTEM_TIME AS OF \
         TIMESTAMP '2026-11-20T12:00:00Z' o ON n.key = o.key WHERE n.public AND NOT o.public",
        &[r#"["arn:aws:s3:::bucket-0"]"#],
    )
    .await;
    let options = QueryOptions { as_of: Some(at(-60)), ..QueryOptions::default() };
    assert_eq!(bed.ask_with(sql, &options).await.unwrap(), ["[0]"]);
}

#[tokio::test]
async fn a_table_without_a_past_is_not_asked_for_it() {
    let bed = Bed::filled().await;
    for sql in [
        "SELECT * FROM trail FOR SYSTEM_TIME AS OF '2026-11-20'",
        "SELECT * FROM accounts FOR SYSTEM_TIME AS OF '2026-11-20'",
        "SELECT * FROM resources FOR SYSTEM_TIME AS OF 'yesterday-ish'",
        "SELECT * FROM resources FOR SYSTEM_TIME AS OF nonsense",
    ] {
        let error = bed.ask(sql).await.unwrap_err();
        assert!(matches!(error, QueryError::AsOf { .. }), "{sql}: {error}");
        assert!(error.remedy().is_some());
    }
}

#[tokio::test]
async fn conditions_reach_the_source_and_are_judged_again() {
    let bed = Bed::filled().await;
    bed.check("SELECT count FROM resources WHERE key = 'arn:aws:s3:::bucket-1'", &["[1]"]).await;
    bed.check("SELECT count FROM resources WHERE key = 'x'", &[]).await;
    bed.check("SELECT seen FROM resources LIMIT 1", &[r#"["2026-11-21T00:00:00Z"]"#]).await;
    bed.check("SELECT count(*) FROM resources", &["[2]"]).await;
}

#[tokio::test]
async fn a_source_that_fails_says_so_with_its_remedy() {
    let bed = Bed::filled().await;
    let error = bed.ask("SELECT * FROM broken").await.unwrap_err();
    assert_eq!(error.to_string(), "cannot read the table `broken`: the disk is on fire");
    assert_eq!(error.remedy().as_deref(), Some("run"));
}
