//! Views in the terms of OCSF, and their export to Security Lake's layout.
//! The mappings of the real sources are content's.

use std::sync::Arc;

use futures::TryStreamExt as _;
use jiff::civil::date;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use yagura_lake::export::{ExportRequest, security_lake};
use yagura_lake::ocsf::{OcsfMapping, OcsfView, views};
use yagura_lake::query::{Engine, QueryError, QueryOptions};

use super::bed::Bed;

fn mappings() -> Vec<OcsfMapping> {
    let fields = [
        ("time", "time"),
        ("cloud.region", "region"),
        ("cloud.account.uid", "account"),
        ("api.operation", "action"),
        ("actor.user.uid", "identity['arn']"),
        ("resources", "resources"),
    ];
    let fields: Vec<_> = fields.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let puts = "action = 'PutObject'".to_owned();
    let mapping = OcsfMapping {
        source: "trail".into(),
        class: 3002,
        when: Some(puts.clone()),
        unless: vec![],
        activity: "1".into(),
        fields,
    };
    let rest = OcsfMapping { class: 6003, when: None, unless: vec![puts], ..mapping.clone() };
    vec![mapping, rest]
}

async fn bed() -> (Bed, Engine, Vec<OcsfView>) {
    let bed = Bed::filled().await;
    let views = views(&mappings());
    let engine = bed.engine.clone().with_ocsf(views.clone());
    (Bed { engine: engine.clone(), ..bed }, engine, views)
}

#[tokio::test]
async fn a_view_nests_and_classes_share_out_the_rows() {
    let (bed, ..) = bed().await;
    bed.check("SELECT count(*) FROM ocsf_authentication", &["[600]"]).await;
    bed.check("SELECT count(*) FROM ocsf_api_activity", &["[300]"]).await;
    bed.check(
        "SELECT class_uid, type_uid, metadata['version'], v.api['operation'], \
         v.actor['user']['uid'] FROM ocsf_api_activity v ORDER BY \"time\" LIMIT 1",
        &[r#"[6003,600301,"1.1.0","GetObject","arn:aws:iam::1:user/u5"]"#],
    )
    .await;
    let explained = bed
        .engine
        .explain(
            "SELECT v.api['operation'] FROM ocsf_api_activity v \
             WHERE \"time\" >= '2026-11-23T00:00:00Z'",
            &QueryOptions::default(),
        )
        .await;
    assert_eq!(explained.unwrap().files_read(), 3, "pruning reaches through the view");
}

#[tokio::test]
async fn an_export_has_the_layout_of_security_lake() {
    let (_, engine, views) = bed().await;
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let request = ExportRequest {
        view: views[1].clone(),
        name: "yagura_api".into(),
        region: "us-east-1".into(),
        account: "999999999999".into(),
        days: (date(2026, 11, 21), date(2026, 11, 22)),
        run: "run1".into(),
    };
    let options = QueryOptions::default();
    for _ in 0..2 {
        let prefix = Path::from("base");
        let done = security_lake(&engine, Arc::clone(&store), &prefix, &request, &options);
        let done = done.await.unwrap();
        assert_eq!((done.files, done.rows), (6, 200));
    }
    let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
    let mut paths: Vec<String> = listed.iter().map(|meta| meta.location.to_string()).collect();
    paths.sort();
    assert_eq!(paths.len(), 6, "the same run overwrites its files: {paths:?}");
    assert_eq!(
        paths[0],
        "base/ext/yagura_api/region=ap-northeast-1/accountId=111111111111/eventDay=20261121/\
         run1-0000.parquet"
    );
    assert!(paths[4].contains("accountId=999999999999"), "{paths:?}");
    let bytes = store.get(&Path::from(paths[0].clone())).await.unwrap().bytes().await.unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    let rows: usize = batches.iter().map(arrow::record_batch::RecordBatch::num_rows).sum();
    assert!((30..=34).contains(&rows), "{rows}");
    let times: Vec<i64> = batches
        .iter()
        .flat_map(|batch| {
            use arrow::array::AsArray as _;
            let column = batch.column_by_name("time").unwrap();
            let times = column.as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
            times.values().to_vec()
        })
        .collect();
    assert!(times.is_sorted());
}

#[tokio::test]
async fn a_source_of_a_wrong_name_is_refused() {
    let (_, engine, views) = bed().await;
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    for name in ["", "../x", "a name", "a-name-that-is-much-too-long"] {
        let request = ExportRequest {
            view: views[0].clone(),
            name: name.into(),
            region: "us-east-1".into(),
            account: "999999999999".into(),
            days: (date(2026, 11, 21), date(2026, 11, 21)),
            run: "r".into(),
        };
        let options = QueryOptions::default();
        let done =
            security_lake(&engine, Arc::clone(&store), &Path::default(), &request, &options).await;
        assert!(matches!(done, Err(QueryError::Lake(_))), "{name}");
    }
}
