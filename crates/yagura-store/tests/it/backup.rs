//! Pictures of whole databases: taken while others write, put into any kind of database, whole or
//! not at all.
//! The file that carries them is the binary's.

use std::io;
use std::sync::Arc;

use serde_json::json;
use yagura_model::secret::Secret;
use yagura_store::backup::Picture;
use yagura_store::{Location, Options, ScanOutcome, Store, StoreError};

use crate::bed::{Bed, at, beds, bucket, scan, seen_by, start};
use crate::processes::integrity;

/// A picture with its pieces.
#[derive(Clone, Debug)]
struct Taken {
    picture: Picture,
    pieces: Vec<(String, Vec<u8>)>,
}

async fn taken(store: &Store) -> Taken {
    let mut pieces = Vec::new();
    let mut take = |table: &str, bytes: &[u8]| {
        pieces.push((table.to_owned(), bytes.to_vec()));
        io::Result::Ok(())
    };
    let picture = store.dump(&mut take).await.unwrap();
    Taken { picture, pieces }
}

async fn put(taken: &Taken, to: &Location, replace: bool) -> Result<(), StoreError> {
    let schema = taken.picture.schema;
    let mut loading = Store::begin_loading(to, &Options::default(), schema, replace).await?;
    for (table, piece) in &taken.pieces {
        loading.put(table, piece).await?;
    }
    loading.finish(&taken.picture).await
}

async fn filled(bed: &Bed) -> Store {
    let store = bed.open().await;
    let many: Vec<_> = (0..700).map(|n| bucket(&format!("b{n}"), json!({"N": n}))).collect();
    scan(&store, 1, &many).await;
    scan(&store, 2, &many[..10]).await;
    store.alerts().save_state("detector", None, b"remembered", at(3)).await.unwrap();
    store
}

#[tokio::test]
async fn a_picture_is_the_same_in_every_kind_of_database() {
    for from in beds().await {
        let store = filled(&from).await;
        let whole = taken(&store).await;
        assert!(whole.picture.tables.iter().any(|table| table.name == "alerts"));
        for to in beds().await {
            put(&whole, &to.location, false).await.unwrap();
            let restored = to.open().await;
            assert_eq!(taken(&restored).await.picture, whole.picture);
            let scans = restored.scans(9).await.unwrap();
            assert_eq!(scans.len(), 2);
            assert_eq!(seen_by(&restored, scans[1].id).await.len(), 700);
            let state = restored.alerts().state("detector").await.unwrap().unwrap();
            assert_eq!(state.state, b"remembered");
            // Life goes on with new numbers.
            let id = restored.begin_scan(&start(9)).await.unwrap();
            assert!(scans.iter().all(|scan| scan.id < id));
            restored.put_resources(id, &[bucket("new", json!({}))]).await.unwrap();
            restored.finish_scan(id, ScanOutcome::Complete, at(10)).await.unwrap();
            restored.close().await;
            if matches!(to.location, Location::Sqlite(_)) {
                integrity(&to).await;
            }
        }
    }
}

#[tokio::test]
async fn numbers_of_deleted_rows_are_not_given_again() {
    for from in beds().await {
        let store = filled(&from).await;
        let whole = taken(&store).await;
        let last = whole.picture.sequences.iter().find(|one| one.table == "scans").unwrap().last;
        assert_eq!(last, 2);
        let mut later = whole.clone();
        for sequence in &mut later.picture.sequences {
            sequence.last += 100;
        }
        for to in beds().await {
            put(&later, &to.location, false).await.unwrap();
            let restored = to.open().await;
            let id = restored.begin_scan(&start(9)).await.unwrap();
            assert_eq!(id.to_string(), "103");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_write_meanwhile_is_not_in_the_picture() {
    for bed in beds().await {
        let store = filled(&bed).await;
        let before = taken(&store).await.picture;
        let other = bed.open().await;
        let mut written = false;
        let (handle, mut pieces) = (tokio::runtime::Handle::current(), 0);
        let mut take = |_: &str, _: &[u8]| {
            pieces += 1;
            if !std::mem::replace(&mut written, true) {
                let other = other.clone();
                // The picture is under way: another connection writes and commits.
                std::thread::scope(|scope| {
                    scope.spawn(|| handle.block_on(scan(&other, 5, &[bucket("x", json!({}))])));
                });
            }
            io::Result::Ok(())
        };
        let during = store.dump(&mut take).await.unwrap();
        assert!(pieces > 3 && written);
        assert_eq!((during.schema, &during.tables), (before.schema, &before.tables));
        let later = during.sequences.iter().zip(&before.sequences);
        assert!(later.clone().count() > 0);
        assert!(later.clone().all(|(one, two)| one.table == two.table && one.last >= two.last));
        assert_eq!(other.scans(9).await.unwrap().len(), 3, "and it was written");
    }
}

#[tokio::test]
async fn a_place_that_is_taken_is_refused_or_replaced_whole() {
    for bed in beds().await {
        let store = filled(&bed).await;
        let whole = taken(&store).await;
        let id = store.begin_scan(&start(7)).await.unwrap();
        store.finish_scan(id, ScanOutcome::Failed, at(8)).await.unwrap();
        store.close().await;
        let refused = put(&whole, &bed.location, false).await.unwrap_err();
        assert!(matches!(refused, StoreError::NotEmpty { .. }), "{refused:?}");
        assert!(refused.remedy().unwrap().contains("--replace"));
        let mut broken = whole.clone();
        broken.pieces.pop();
        let refused = put(&broken, &bed.location, true).await.unwrap_err();
        assert!(matches!(refused, StoreError::Damaged { .. }), "{refused:?}");
        let store = bed.open().await;
        assert_eq!(store.scans(9).await.unwrap().len(), 3, "the old state stands");
        store.close().await;
        put(&whole, &bed.location, true).await.unwrap();
        assert_eq!(bed.open().await.scans(9).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn foreign_tables_cut_pieces_and_newer_schemas_are_refused() {
    let bed = Bed::sqlite();
    let whole = taken(&filled(&bed).await).await;
    let check = async |change: &dyn Fn(&mut Taken), needle: &str| {
        let mut taken = whole.clone();
        change(&mut taken);
        let to = Bed::sqlite();
        let error = put(&taken, &to.location, false).await.unwrap_err();
        assert!(format!("{error} {error:?}").contains(needle), "{error:?}");
        assert!(!Store::is_there(&to.location, &Options::default()).await.unwrap());
    };
    check(&|taken| taken.pieces[0].0 = "recipes".into(), "no table `recipes`").await;
    check(&|taken| assert!(taken.pieces[0].1.pop().is_some()), "is broken").await;
    check(&|taken| taken.pieces[0].1.clear(), "is broken").await;
    check(&|taken| taken.picture.schema = 999, "newer yagura").await;
    check(&|taken| taken.picture.schema = 0, "newer yagura").await;
    check(&|taken| taken.picture.tables[0].rows += 1, "are missing or too many").await;
}

/// The tables of schema 3.
const SCHEMA_3: &str = "accounts scans places controls details resources versions knowledge \
    sightings coverage verdicts verdict_runs verdict_counts feeds listings log_objects lakes \
    alerts alert_marks detector_states";

#[tokio::test]
async fn a_picture_of_an_older_schema_is_brought_up_to_date() {
    for bed in beds().await {
        let mut old = taken(&filled(&bed).await).await;
        let was_there = |name: &str| SCHEMA_3.split_whitespace().any(|table| table == name);
        old.picture.schema = 3;
        old.picture.tables.retain(|table| was_there(&table.name));
        old.picture.sequences.retain(|one| was_there(&one.table));
        old.pieces.retain(|(table, _)| was_there(table));
        let to = Bed::sqlite();
        put(&old, &to.location, false).await.unwrap();
        let store = to.open().await;
        assert_eq!(store.scans(9).await.unwrap().len(), 2);
        assert!(store.stored_secrets().await.unwrap().is_empty(), "its table came to be");
    }
}

#[tokio::test]
async fn secrets_stay_sealed_in_a_picture() {
    #[derive(Debug)]
    struct One(yagura_store::secrets::DataKey);
    impl yagura_store::secrets::MasterKeys for One {
        fn current(&self) -> &str {
            "file:one"
        }
        fn wrap<'a>(
            &'a self,
            of: &'a yagura_store::secrets::Belonging,
            key: &'a yagura_store::secrets::DataKey,
        ) -> yagura_store::secrets::MasterFuture<'a, Vec<u8>> {
            Box::pin(async move { yagura_store::secrets::wrap(&self.0, of, key) })
        }
        fn unwrap<'a>(
            &'a self,
            _: &'a str,
            of: &'a yagura_store::secrets::Belonging,
            wrapped: &'a [u8],
        ) -> yagura_store::secrets::MasterFuture<'a, yagura_store::secrets::DataKey> {
            Box::pin(async move { yagura_store::secrets::unwrap(&self.0, of, wrapped) })
        }
    }
    let bed = Bed::sqlite();
    let store = bed.open().await;
    let master = Arc::new(One(yagura_store::secrets::DataKey::random().unwrap()));
    store.secrets(master.clone()).set("a", &Secret::new("hunter2"), at(1)).await.unwrap();
    let whole = taken(&store).await;
    let found = |needle: &[u8]| {
        whole.pieces.iter().any(|(_, piece)| piece.windows(needle.len()).any(|w| w == needle))
    };
    assert!(!found(b"hunter2") && !found(master.0.expose()));
    let to = Bed::sqlite();
    put(&whole, &to.location, false).await.unwrap();
    let secret = to.open().await.secrets(master).get("a").await.unwrap().unwrap();
    assert_eq!(secret.expose(), "hunter2");
}
