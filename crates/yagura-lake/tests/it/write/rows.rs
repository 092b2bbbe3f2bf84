//! Records and rows: what goes in comes out, typed as the model says, sorted, in its partition.
//! Repeats are in `repeats.rs`.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::memory::InMemory;
use parquet::file::reader::{FileReader, SerializedFileReader};
use proptest::prelude::*;
use yagura_lake::Lake;
use yagura_model::source::Table;

use super::support::*;

/// Records that have everything in its oddest form, one a line.
const ODD: &str = include_str!("odd_records.jsonl");

fn odd() -> Vec<String> {
    ODD.lines().map(str::to_owned).collect()
}

/// What the model makes of a record, with the columns that only the lake has.
fn expected(table: &Table, record: &str) -> serde_json::Value {
    let batch = batch("an/object", &[record.to_owned()]);
    let record = batch.record(0).unwrap();
    let mut row = serde_json::Value::Object(table.row(record).unwrap().json(table));
    let account = row["account"].as_str().unwrap_or_default();
    if account.is_empty() || account.contains('/') {
        row["account"] = "unknown".into();
    }
    row["object"] = "an/object".into();
    row["raw"] = record.raw().into();
    row["source"] = table.source.as_str().into();
    row["day"] = row["time"].as_str().unwrap().get(..10).unwrap().into();
    row
}

async fn stored(records: &[String]) -> (Arc<dyn ObjectStore>, Lake) {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let lake = open(&store).await.unwrap();
    ingest(&lake, vec![("an/object".into(), records.to_vec())]).await.unwrap();
    (store, lake)
}

fn normal(mut row: serde_json::Value) -> serde_json::Value {
    // The two writers of JSON spell times with and without a fraction of zeros.
    for path in ["/time", "/user/created"] {
        if let Some(time) = row.pointer_mut(path).filter(|time| time.is_string()) {
            *time = time.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().to_string().into();
        }
    }
    row
}

async fn check(records: &[String]) {
    let (store, lake) = stored(records).await;
    let table = table();
    let mut wanted: Vec<_> =
        records.iter().map(|record| normal(expected(&table, record))).collect();
    let mut found: Vec<_> = rows(&store, &lake).await.into_iter().map(normal).collect();
    let key = |row: &serde_json::Value| row["raw"].to_string();
    wanted.sort_by_key(key);
    found.sort_by_key(key);
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn rows_are_what_the_model_says() {
    check(&odd()).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_mixture_of_fields_comes_back(
        picks in proptest::collection::vec((0..8_usize, 0..4_usize, "[a-z\"\\\\é日]{0,20}"), 1..40),
    ) {
        let records: Vec<String> = picks.into_iter().enumerate().map(|(n, (pick, field, text))| {
            let mut record: serde_json::Value = serde_json::from_str(&odd()[pick]).unwrap();
            record["eventID"] = format!("{n}").into();
            record[["eventName", "address", "count", "parameters"][field]] = text.into();
            record.to_string()
        }).collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(check(&records));
    }
}

#[tokio::test]
async fn rows_lie_in_their_partition() {
    let (_, lake) = stored(&odd()).await;
    let snapshot = lake.snapshot().await.unwrap();
    let folders: Vec<_> =
        snapshot.files().map(|file| file.path.rsplit_once('/').unwrap().0.to_owned()).collect();
    assert_eq!(
        folders,
        [
            "source=trail/day=2026-11-18/account=444455556666",
            "source=trail/day=2026-11-20/account=111122223333",
            "source=trail/day=2026-11-20/account=999988887777",
            "source=trail/day=2026-11-20/account=unknown",
        ]
    );
    let file = snapshot.files().nth(2).unwrap();
    assert_eq!(file.rows, 5);
    assert!(file.time_min_us < file.time_max_us);
    assert_eq!(file.regions[0].hours, 1 << 9 | 1 << 23);
}

#[tokio::test]
async fn the_schema_of_a_file_is_a_promise() {
    let (store, lake) = stored(&odd()[1..2]).await;
    let snapshot = lake.snapshot().await.unwrap();
    let content = bytes(&store, &snapshot.files().next().unwrap().path).await;
    let reader = SerializedFileReader::new(content).unwrap();
    let mut schema = Vec::new();
    parquet::schema::printer::print_schema(&mut schema, reader.metadata().file_metadata().schema());
    insta::assert_snapshot!(String::from_utf8(schema).unwrap());
}

#[tokio::test]
async fn a_filter_found_through_the_manifest_knows_its_values() {
    let (store, lake) = stored(&odd()).await;
    let snapshot = lake.snapshot().await.unwrap();
    let file = snapshot.files().nth(2).unwrap();
    let content = bytes(&store, &file.path).await;
    let bloom = file.bloom(0, "resources.list.element.arn").unwrap();
    let has = |value: &str| {
        let hash = twox_hash::XxHash64::oneshot(0, value.as_bytes());
        let at = bloom.block(hash);
        let block = &content[usize::try_from(at.start).unwrap()..usize::try_from(at.end).unwrap()];
        // The salts of the split block filter (BloomFilter.md of apache/parquet-format).
        let salts: [u32; 8] = [
            0x47b6_137b,
            0x4497_4d91,
            0x8824_ad5b,
            0xa2b7_289d,
            0x7054_95c7,
            0x2df1_424b,
            0x9efc_4947,
            0x5c6b_fb31,
        ];
        salts.iter().zip(block.chunks(4)).all(|(salt, word)| {
            let bit = (hash as u32).wrapping_mul(*salt) >> 27;
            u32::from_le_bytes(word.try_into().unwrap()) & 1 << bit != 0
        })
    };
    assert!(has("arn:aws:s3:::one-long-bucket-name"));
    assert!(has("two"));
    assert!((0..50).filter(|n| has(&format!("absent-{n}"))).count() < 25);
    assert_eq!(file.bloom(0, "raw"), None);
}

#[tokio::test]
async fn records_out_of_their_time_go_to_quarantine() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let lake = open(&store).await.unwrap();
    let records = [
        r#"{"eventID":"1","eventTime":"2005-12-31T23:59:59Z"}"#,
        r#"{"eventID":"2","eventTime":"2006-01-01T00:00:00Z"}"#,
        r#"{"eventID":"3","eventTime":"2026-11-22T12:00:00Z"}"#,
        r#"{"eventID":"4","eventTime":"2026-11-22T12:00:01Z"}"#,
        r#"{"eventID":"5"}"#,
    ];
    let committed =
        ingest(&lake, vec![("o".into(), records.map(str::to_owned).into())]).await.unwrap();
    let receipt = &committed.objects[0];
    assert_eq!((receipt.rows, receipt.repeats, receipt.quarantined), (2, 0, 3));
    assert_eq!(receipt.state, yagura_lake::ObjectState::Partial);
    let snapshot = lake.snapshot().await.unwrap();
    let (path, source, pieces, _) = snapshot.quarantine().next().unwrap();
    assert!(path.starts_with("_quarantine/source=trail/"), "{path}");
    assert_eq!((source, pieces), ("trail", 3));
    let content = String::from_utf8_lossy(&bytes(&store, path).await).into_owned();
    for reason in ["time_before_2006", "time_in_the_future", "no_time"] {
        assert!(content.contains(reason), "{reason}");
    }
}
