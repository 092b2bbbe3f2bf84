//! What is told before a question runs, in both languages.
//! That it is true is tested in `pruning.rs`.

use yagura_lake::query::QueryOptions;
use yagura_model::Lang;

use super::bed::Bed;

async fn told(sql: &str, lang: Lang) -> String {
    let bed = Bed::filled().await;
    let explained = bed.engine.explain(sql, &QueryOptions::default()).await.unwrap();
    explained.text(lang)
}

#[tokio::test]
async fn what_is_left_out_is_told_with_its_reason() {
    let sql = "SELECT raw FROM trail WHERE day <> '2026-11-21' AND account = '111111111111' \
               AND request_id = 'request-000305'";
    let english = told(sql, Lang::En).await;
    assert!(english.starts_with("trail: 1 of 9 files, "), "{english}");
    assert!(english.contains("left out by partition (day, account): 7 files"), "{english}");
    assert!(english.contains("left out by bloom filters of request_id: 1 row group"), "{english}");
    assert!(english.contains("(2 blocks of 32 B asked)"), "{english}");
    // A record is put together from nearly all columns.
    assert!(english.contains("  columns: time, region, "), "{english}");
    assert!(english.contains(", resources and 3 more"), "{english}");
    assert!(english.contains("in all at most 1 file"), "{english}");
    let japanese = told(sql, Lang::Ja).await;
    assert!(japanese.starts_with("trail: 9 ファイル中 1 ファイル、"), "{japanese}");
    assert!(japanese.contains("request_id のブルームフィルターで除外: 1 行グループ"), "{japanese}");
}

#[tokio::test]
async fn what_the_manifest_answers_opens_no_file() {
    let english = told("SELECT count(*) FROM trail", Lang::En).await;
    assert_eq!(
        english,
        "trail: answered from the manifest, no file is opened\nno log file has to be read\n"
    );
    let none = told("SELECT raw FROM trail WHERE account = '3'", Lang::En).await;
    assert!(none.starts_with("trail: none of 9 files can hold a matching record\n"), "{none}");
    let japanese = told("SELECT count(*) FROM trail", Lang::Ja).await;
    assert!(japanese.contains("マニフェストだけで答えられる"), "{japanese}");
}

#[tokio::test]
async fn bytes_to_be_read_are_those_of_the_wanted_columns() {
    let bed = Bed::filled().await;
    let options = QueryOptions::default();
    let one = bed.engine.explain("SELECT sum(size) FROM trail", &options).await.unwrap();
    let all = bed.engine.explain("SELECT * FROM trail", &options).await.unwrap();
    assert!(one.bytes_read() > 0 && one.bytes_read() * 5 < all.bytes_read());
    assert!(all.bytes_read() <= all.tables[0].bytes_total);
    assert!(one.physical().contains("DataSourceExec"), "{}", one.physical());
}
