//! The schema is a promise: what the migrations build is kept in golden files.
//! Also what happens with databases that are not ours, or too new.

use sqlx::Row as _;
use yagura_store::{Location, Store, StoreError};

use crate::bed::{Bed, beds};

async fn sqlite(bed: &Bed, sql: &'static str) -> Vec<String> {
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(bed.file()).create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let rows = sqlx::raw_sql(sql).fetch_all(&pool).await.unwrap();
    pool.close().await;
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

async fn postgres(url: &str, sql: &'static str) -> Vec<String> {
    let pool = sqlx::PgPool::connect(url).await.unwrap();
    let rows = sqlx::raw_sql(sql).fetch_all(&pool).await.unwrap();
    pool.close().await;
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[tokio::test]
async fn the_schema_is_the_golden_one() {
    for bed in beds().await {
        bed.open().await.close().await;
        match &bed.location {
            Location::Sqlite(_) => {
                let sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL \
                           AND name NOT LIKE 'sqlite_%' ORDER BY name";
                golden("sqlite", &sqlite(&bed, sql).await.join("\n"));
            }
            Location::Postgres(url) => {
                let sql = "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' \
                           || is_nullable || ' ' || is_identity FROM information_schema.columns \
                           WHERE table_schema = current_schema() \
                           ORDER BY table_name COLLATE \"C\", ordinal_position";
                let columns = postgres(url, sql).await;
                let sql = "SELECT regexp_replace(indexdef, ' ON .*\\.', ' ON ') FROM pg_indexes \
                           WHERE schemaname = current_schema() ORDER BY indexname COLLATE \"C\"";
                let indexes = postgres(url, sql).await;
                golden("postgres", &format!("{}\n{}", columns.join("\n"), indexes.join("\n")));
            }
        }
    }
}

#[test]
fn both_schemas_have_the_same_tables_and_columns() {
    let words = |sql: &str| {
        sql.lines()
            .filter(|line| !line.starts_with("--"))
            .map(|line| line.split_whitespace().take(1 + usize::from(line.starts_with("CREATE"))))
            .map(|words| words.collect::<Vec<_>>().join(" ").replace(';', ""))
            .collect::<Vec<_>>()
    };
    let check = |sqlite: &str, postgres: &str| assert_eq!(words(sqlite), words(postgres));
    check(
        include_str!("../../migrations/0001-inventory/sqlite.sql"),
        include_str!("../../migrations/0001-inventory/postgres.sql"),
    );
    check(
        include_str!("../../migrations/0002-ledger/sqlite.sql"),
        include_str!("../../migrations/0002-ledger/postgres.sql"),
    );
    check(
        include_str!("../../migrations/0003-alerts/sqlite.sql"),
        include_str!("../../migrations/0003-alerts/postgres.sql"),
    );
    check(
        include_str!("../../migrations/0004-findings/sqlite.sql"),
        include_str!("../../migrations/0004-findings/postgres.sql"),
    );
    check(
        include_str!("../../migrations/0006-jobs/sqlite.sql"),
        include_str!("../../migrations/0006-jobs/postgres.sql"),
    );
    check(
        include_str!("../../migrations/0007-secrets/sqlite.sql"),
        include_str!("../../migrations/0007-secrets/postgres.sql"),
    );
    check(
        include_str!("../../migrations/0008-spend/sqlite.sql"),
        include_str!("../../migrations/0008-spend/postgres.sql"),
    );
    check(
        include_str!("../../migrations/0011-people/sqlite.sql"),
        include_str!("../../migrations/0011-people/postgres.sql"),
    );
    check(
        include_str!("../../migrations/0013-browse/sqlite.sql"),
        include_str!("../../migrations/0013-browse/postgres.sql"),
    );
    check(
        include_str!("../../migrations/0012-views/sqlite.sql"),
        include_str!("../../migrations/0012-views/postgres.sql"),
    );
    check(
        include_str!("../../migrations/0015-finding-chunks/sqlite.sql"),
        include_str!("../../migrations/0015-finding-chunks/postgres.sql"),
    );
}

#[tokio::test]
async fn opening_again_changes_nothing() {
    for bed in beds().await {
        bed.open().await.close().await;
        let store = bed.open().await;
        assert!(store.scans(9).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_database_of_a_newer_yagura_is_refused() {
    for bed in beds().await {
        bed.open().await.close().await;
        let sql = "INSERT INTO yagura_schema (number, name) VALUES (99, 'later')";
        match &bed.location {
            Location::Sqlite(_) => drop(sqlite(&bed, sql).await),
            Location::Postgres(url) => drop(postgres(url, sql).await),
        }
        let error = Store::open(&bed.location).await.err().unwrap();
        assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error:?}");
        assert!(error.to_string().contains("made by a newer yagura"), "{error}");
        assert!(!error.to_string().contains("search_path"), "no parameters: {error}");
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_untouched() {
    let bed = Bed::sqlite();
    sqlite(&bed, "CREATE TABLE recipes (name TEXT)").await;
    let error = Store::open(&bed.location).await.err().unwrap();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
    let tables = sqlite(&bed, "SELECT name FROM sqlite_master").await;
    assert_eq!(tables, ["recipes"]);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_untouched() {
    let bed = Bed::sqlite();
    let content = "this is a shopping list, not a database\n".repeat(100);
    std::fs::write(bed.file(), &content).unwrap();
    let error = Store::open(&bed.location).await.err().unwrap();
    assert!(matches!(error, StoreError::NotADatabase { .. }), "{error:?}");
    assert!(error.to_string().contains("yagura.db"), "{error}");
    assert!(error.remedy().is_some());
    assert_eq!(std::fs::read_to_string(bed.file()).unwrap(), content);
}
