//! What is told when something is wrong: names, places in the SQL, memory, damaged files.
//! Faults of the inventory are in `joins.rs`.

use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload};
use yagura_lake::query::{Pointer, QueryError, QueryOptions};

use super::bed::Bed;

#[tokio::test]
async fn an_unknown_table_says_what_there_is() {
    let bed = Bed::filled().await;
    let error = bed.ask("SELECT * FROM trial").await.unwrap_err();
    assert_eq!(error.to_string(), "there is no table `trial`; did you mean `trail`?");
    let remedy = error.remedy().unwrap();
    assert_eq!(remedy, "there are: accounts, broken, events, flow, resources, trail");
}

#[tokio::test]
async fn an_unknown_column_says_what_there_is() {
    let bed = Bed::filled().await;
    let error = bed.ask("SELECT request FROM trail").await.unwrap_err();
    let told = "there is no column `request` in `trail`; did you mean `request_id`?";
    assert_eq!(error.to_string(), told);
    assert!(error.remedy().unwrap().contains("access_key_id"), "{:?}", error.remedy());
    let error = bed.ask("SELECT size FROM trail WHERE acount = '1'").await.unwrap_err();
    assert!(error.to_string().contains("did you mean `account`"), "{error}");
}

#[tokio::test]
async fn broken_sql_points_at_the_place() {
    let bed = Bed::filled().await;
    let error = bed.ask("SELECT size\nFROM trail WHERE size = = 1").await.unwrap_err();
    let pointer = error.pointer();
    assert_eq!(pointer, Some(Pointer { line: 2, column: 25 }), "{error}");
    let error = bed.ask("SELECT sise(1)").await.unwrap_err();
    assert!(matches!(error, QueryError::Meaning(_)), "{error}");
}

#[tokio::test]
async fn nothing_can_be_changed_or_read_from_outside() {
    let bed = Bed::filled().await;
    for sql in [
        "COPY trail TO '/tmp/out.parquet'",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "INSERT INTO trail SELECT * FROM trail",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
    ] {
        assert!(bed.ask(sql).await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn too_little_memory_names_the_remedy() {
    let bed = Bed::filled().await;
    let options =
        QueryOptions { memory_bytes: 10_000, threads: Some(1), ..QueryOptions::default() };
    let sql = "SELECT raw, count(*) FROM trail GROUP BY raw ORDER BY raw";
    let error = bed.ask_with(sql, &options).await.unwrap_err();
    assert!(matches!(error, QueryError::Memory { limit_bytes: 10_000, .. }), "{error}");
    assert!(error.remedy().unwrap().contains("more memory"));
}

async fn spoil(bed: &Bed, spoil: impl Fn(&mut Vec<u8>)) -> String {
    let snapshot = bed.lake.snapshot().await.unwrap();
    let file = snapshot.files_of("trail").nth(4).unwrap();
    let path = Path::from(format!("lake/{}", file.path));
    let mut bytes = bed.store.get(&path).await.unwrap().bytes().await.unwrap().to_vec();
    spoil(&mut bytes);
    bed.store.put(&path, PutPayload::from(bytes)).await.unwrap();
    path.to_string()
}

#[tokio::test]
async fn a_damaged_file_is_named() {
    for (what, change) in [
        (
            "footer",
            (|bytes: &mut Vec<u8>| {
                let end = bytes.len() - 20;
                bytes[end..].fill(0xff);
            }) as fn(&mut Vec<u8>),
        ),
        ("page", |bytes| {
            let end = bytes.len() / 2;
            bytes[4..end].fill(0xff);
        }),
        ("cut", |bytes| bytes.truncate(100)),
    ] {
        let bed = Bed::filled().await;
        let path = spoil(&bed, change).await;
        let error = bed.ask("SELECT max(raw), max(size), max(actor) FROM trail").await;
        let error = error.unwrap_err();
        assert!(
            matches!(&error, QueryError::File { file, .. } if *file == path),
            "{what}: {error}"
        );
        assert!(error.remedy().is_some());
    }
}

#[tokio::test]
async fn a_file_that_is_gone_is_named() {
    let bed = Bed::filled().await;
    let snapshot = bed.lake.snapshot().await.unwrap();
    let path = format!("lake/{}", snapshot.files_of("trail").next().unwrap().path);
    bed.store.delete(&Path::from(path.clone())).await.unwrap();
    for sql in ["SELECT max(raw) FROM trail", "SELECT raw FROM trail WHERE actor = 'x'"] {
        let error = bed.ask(sql).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot read `{path}` of the lake: it is gone"));
    }
}
