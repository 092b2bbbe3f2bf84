//! A database of the release before findings opens, keeps what it has, and gets them in place.

use jiff::Timestamp;
use yagura_model::finding::Scope;
use yagura_store::findings::FindingFilter;
use yagura_store::ledger::{Claim, Position};
use yagura_store::{Location, ScanId, ScanState};

use crate::bed::{Bed, beds};
use crate::findings::{observe, seen};

const OLD: [(&str, &str, &str); 3] = [
    (
        "inventory",
        include_str!("../../migrations/0001-inventory/sqlite.sql"),
        include_str!("../../migrations/0001-inventory/postgres.sql"),
    ),
    (
        "ledger",
        include_str!("../../migrations/0002-ledger/sqlite.sql"),
        include_str!("../../migrations/0002-ledger/postgres.sql"),
    ),
    (
        "alerts",
        include_str!("../../migrations/0003-alerts/sqlite.sql"),
        include_str!("../../migrations/0003-alerts/postgres.sql"),
    ),
];

/// What the release before findings left behind: its schema, a scan and a detector's state.
fn old_database(bed: &Bed) -> String {
    let sqlite = matches!(bed.location, Location::Sqlite(_));
    let mut sql = String::from(
        "CREATE TABLE yagura_schema (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL);",
    );
    for (place, (name, of_sqlite, of_postgres)) in OLD.into_iter().enumerate() {
        sql.push_str(if sqlite { of_sqlite } else { of_postgres });
        sql.push_str(&format!("INSERT INTO yagura_schema VALUES ({}, '{name}');", place + 1));
    }
    sql.push_str(
        "INSERT INTO scans (id, started_us, finished_us, state, full_read, imported, pruned, \
         resource_count, scope) VALUES (7, 1790000000000000, 1790000000000001, 'complete', 1, 0, \
         0, 3, '{\"accounts\": [], \"regions\": [], \"controls\": []}');",
    );
    sql.push_str("INSERT INTO feeds (name) VALUES ('s3://logs');");
    let (identity, place) = if sqlite { ("X'01'", "X'02'") } else { ("'\\x01'", "'\\x02'") };
    sql.push_str(&format!(
        "INSERT INTO log_objects (identity, version, place, feed_id, location, key_bytes, \
         size_bytes, state, available_us, attempts, row_count, repeat_count, bad_count, listed_us) \
         SELECT {identity}, '', {place}, id, 's3://logs/old', 3, 1, 'pending', 0, 0, 0, 0, 0, 0 \
         FROM feeds;"
    ));
    let state = if sqlite { "X'00'" } else { "'\\x00'" };
    sql.push_str(&format!("INSERT INTO detector_states VALUES ('usual', 3, 0, {state});"));
    sql
}

#[tokio::test]
async fn an_old_database_opens_and_gets_findings_in_place() {
    for bed in beds().await {
        bed.change(old_database(&bed)).await;
        let store = bed.open().await;
        let scan = store.scan(ScanId(7)).await.unwrap();
        assert_eq!((scan.state, scan.resources), (ScanState::Complete, 3));
        assert_eq!(scan.start.started, Timestamp::from_second(1_790_000_000).unwrap());
        assert_eq!(store.alerts().state("usual").await.unwrap().unwrap().revision, 3);
        let (now, until) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(60).unwrap());
        let after = Position::default();
        let claim = Claim { worker: "w", feed: "s3://logs", after, limit: 9, now, until };
        let claimed = store.ledger().claim(&claim).await.unwrap();
        assert_eq!(claimed.iter().map(|one| &*one.object.key).collect::<Vec<_>>(), ["old"]);
        assert_eq!(claimed[0].day, 0, "what was noted before days were comes first");
        let findings = store.findings(Scope::All);
        assert_eq!(findings.count(&FindingFilter::default()).await.unwrap().count, 0);
        observe(&findings, &[seen("a", "x", 0)], 1).await;
        assert_eq!(findings.count(&FindingFilter::default()).await.unwrap().count, 1);
        // And again, as any later start of the program does.
        store.close().await;
        let findings = bed.open().await.findings(Scope::All);
        assert_eq!(findings.count(&FindingFilter::default()).await.unwrap().count, 1);
    }
}

#[tokio::test]
async fn names_are_found_whose_triples_stood_elsewhere_before() {
    for bed in beds().await {
        let store = bed.open().await;
        let some: Vec<_> = (0..30).map(|n| seen(&format!("web-{n:04}"), "x", 0)).collect();
        observe(&store.findings(Scope::All), &some, 1).await;
        store.close().await;
        // As the schema before had them: the same terms in other places.
        let (first, other) = match &bed.location {
            Location::Sqlite(_) => ("X'FF'", "X'FF03FF'"),
            Location::Postgres(_) => ("'\\xff'::bytea", "'\\xff03ff'::bytea"),
        };
        let places = format!("length(term) = 3 AND substr(term, 1, 1) = {first}");
        let sql = format!(
            "CREATE TABLE one AS SELECT members FROM finding_terms WHERE {places} LIMIT 1; \
             DELETE FROM finding_terms WHERE {places}; \
             INSERT INTO finding_terms (chunk, term, members) SELECT 0, {other}, members FROM one; \
             DROP TABLE one; \
             DROP INDEX log_objects_pending; \
             ALTER TABLE log_objects DROP COLUMN day; \
             CREATE INDEX log_objects_pending ON log_objects (feed_id, id) \
             WHERE state = 'pending'; \
             DELETE FROM yagura_schema WHERE number >= 16;"
        );
        bed.change(sql).await;
        let findings = bed.open().await.findings(Scope::All);
        let asked = |text: &str| FindingFilter { text: Some(text.into()), ..Default::default() };
        for (text, count) in [("web-0017", 1), ("web-001", 10), ("web-0042", 0), ("web-", 30)] {
            let found = findings.count(&asked(text)).await.unwrap();
            assert_eq!((found.count, found.exact), (count, true), "{text}");
        }
    }
}
