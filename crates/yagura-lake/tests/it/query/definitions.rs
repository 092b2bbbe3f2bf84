//! Definitions for other engines, word by word: people keep them in their own repositories.
//! `DuckDB` runs its definitions in the end-to-end test.

use yagura_lake::ddl::{DdlEngine, DdlPlace, ddl};

use super::bed::{flow, trail};

fn place() -> DdlPlace {
    DdlPlace {
        location: "s3://logs/lake/".into(),
        database: "security".into(),
        accounts: vec!["111111111111".into(), "unknown".into()],
        first_day: Some("2026-01-01".into()),
    }
}

#[test]
fn definitions_are_as_published() {
    for engine in DdlEngine::ALL {
        let text = ddl(engine, &[trail(), flow()], &place()).unwrap();
        insta::assert_snapshot!(format!("ddl_{engine}"), text);
    }
}

#[test]
fn without_accounts_athena_asks_for_one_in_each_query() {
    let bare = DdlPlace { location: "s3://b".into(), ..DdlPlace::default() };
    let text = ddl(DdlEngine::Athena, &[flow()], &bare).unwrap();
    assert!(text.contains("'projection.account.type' = 'injected'"), "{text}");
    assert!(text.contains("CREATE EXTERNAL TABLE IF NOT EXISTS `flow_files`"), "{text}");
    assert!("oracle".parse::<DdlEngine>().is_err());
}

#[test]
fn a_quote_in_a_folder_stays_in_its_text() {
    let odd = DdlPlace { location: "/tmp/o'brien".into(), ..DdlPlace::default() };
    let text = ddl(DdlEngine::DuckDb, &[flow()], &odd).unwrap();
    assert!(text.contains("'/tmp/o''brien/source=flow/day=*/account=*/*.parquet'"), "{text}");
}
