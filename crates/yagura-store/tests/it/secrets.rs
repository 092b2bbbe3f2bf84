//! Secrets in the database: whole envelopes only, each opened as what it is, rotation.
//! The cipher itself is tested beside its code.

use std::collections::BTreeMap;
use std::sync::Arc;

use yagura_model::secret::Secret;
use yagura_store::secrets::{
    Belonging, DataKey, MasterFuture, MasterKeys, SealFault, unwrap, wrap,
};
use yagura_store::{Location, Store, StoreError};

use crate::bed::{at, beds};

/// Master keys in memory.
#[derive(Clone, Debug)]
struct Ring {
    current: &'static str,
    keys: BTreeMap<&'static str, DataKey>,
}

impl Ring {
    fn of(id: &'static str) -> Self {
        Self { current: id, keys: BTreeMap::from([(id, DataKey::random().unwrap())]) }
    }

    fn turned_to(&self, id: &'static str) -> Self {
        let mut ring = self.clone();
        ring.keys.insert(id, DataKey::random().unwrap());
        Self { current: id, ..ring }
    }
}

impl MasterKeys for Ring {
    fn current(&self) -> &str {
        self.current
    }

    fn wrap<'a>(&'a self, of: &'a Belonging, key: &'a DataKey) -> MasterFuture<'a, Vec<u8>> {
        Box::pin(async move { wrap(&self.keys[self.current], of, key) })
    }

    fn unwrap<'a>(
        &'a self,
        master: &'a str,
        of: &'a Belonging,
        wrapped: &'a [u8],
    ) -> MasterFuture<'a, DataKey> {
        Box::pin(async move {
            let key = self.keys.get(master).ok_or(SealFault::NoMaster(master.to_owned()))?;
            unwrap(key, of, wrapped)
        })
    }
}

fn fault(error: StoreError) -> (String, SealFault) {
    match error {
        StoreError::Sealed { name, fault } => (name, fault),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_secret_is_set_read_set_again_and_removed() {
    for bed in beds().await {
        let store = bed.open().await;
        let secrets = store.secrets(Arc::new(Ring::of("file:a")));
        assert!(secrets.get("smtp").await.unwrap().is_none());
        assert_eq!(secrets.set("smtp", &Secret::new("one"), at(1)).await.unwrap(), 1);
        assert_eq!(secrets.set("smtp", &Secret::new("two"), at(2)).await.unwrap(), 2);
        assert_eq!(secrets.get("smtp").await.unwrap().unwrap().expose(), "two");
        let listed = store.stored_secrets().await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].version, listed[0].master.as_str()), (2, "file:a"));
        assert_eq!(listed[0].set, at(2));
        assert!(!format!("{listed:?}").contains("two"));
        assert!(store.remove_secret("smtp").await.unwrap());
        assert!(!store.remove_secret("smtp").await.unwrap());
        assert!(secrets.get("smtp").await.unwrap().is_none());
    }
}

#[tokio::test]
async fn exchanged_tampered_and_truncated_envelopes_are_refused_by_name() {
    for bed in beds().await {
        let store = bed.open().await;
        let secrets = store.secrets(Arc::new(Ring::of("file:a")));
        for name in ["a", "b"] {
            secrets.set(name, &Secret::new("hunter2"), at(1)).await.unwrap();
        }
        let whole = "UPDATE secrets SET wrapped_key = (SELECT wrapped_key FROM secrets WHERE \
                     name = 'b'), sealed = (SELECT sealed FROM secrets WHERE name = 'b') \
                     WHERE name = 'a'";
        bed.change(whole).await;
        let error = secrets.get("a").await.unwrap_err();
        assert!(error.remedy().unwrap().contains("yagura secrets set"));
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        assert_eq!(fault(error), ("a".to_owned(), SealFault::Refused));
        bed.change("UPDATE secrets SET version = 7 WHERE name = 'b'").await;
        assert_eq!(fault(secrets.get("b").await.unwrap_err()).1, SealFault::Refused);
        let cut = match bed.location {
            Location::Sqlite(_) => "UPDATE secrets SET wrapped_key = x'01'",
            Location::Postgres(_) => r"UPDATE secrets SET wrapped_key = '\x01'",
        };
        bed.change(cut).await;
        assert_eq!(fault(secrets.get("b").await.unwrap_err()).1, SealFault::Truncated);
    }
}

#[tokio::test]
async fn a_secret_of_another_master_key_is_not_opened() {
    for bed in beds().await {
        let store = bed.open().await;
        let secrets = store.secrets(Arc::new(Ring::of("file:a")));
        secrets.set("x", &Secret::new("hunter2"), at(1)).await.unwrap();
        let none = store.secrets(Arc::new(Ring::of("file:b"))).get("x").await.unwrap_err();
        assert!(none.remedy().unwrap().contains("--master-key"));
        assert_eq!(fault(none).1, SealFault::NoMaster("file:a".into()));
        let wrong = store.secrets(Arc::new(Ring::of("file:a"))).get("x").await.unwrap_err();
        assert_eq!(fault(wrong).1, SealFault::Refused);
    }
}

#[tokio::test]
async fn rotation_wraps_every_secret_anew_and_may_be_repeated() {
    for bed in beds().await {
        let store: Store = bed.open().await;
        let old = Ring::of("file:a");
        let secrets = store.secrets(Arc::new(old.clone()));
        for n in 0..230 {
            let name = format!("s{n:03}");
            secrets.set(&name, &Secret::new(format!("value {n}")), at(1)).await.unwrap();
        }
        let both = old.turned_to("file:b");
        let turned = store.secrets(Arc::new(both.clone()));
        assert_eq!(turned.rotate(at(2)).await.unwrap(), 230);
        assert_eq!(turned.rotate(at(3)).await.unwrap(), 0);
        let new_only = Ring {
            current: "file:b",
            keys: BTreeMap::from([("file:b", both.keys["file:b"].clone())]),
        };
        let secrets = store.secrets(Arc::new(new_only));
        assert_eq!(secrets.get("s000").await.unwrap().unwrap().expose(), "value 0");
        assert_eq!(secrets.get("s229").await.unwrap().unwrap().expose(), "value 229");
        assert!(store.stored_secrets().await.unwrap().iter().all(|one| one.version == 1));
    }
}

#[tokio::test]
async fn a_rotation_stops_at_what_does_not_open_and_goes_on_later() {
    for bed in beds().await {
        let store = bed.open().await;
        let old = Ring::of("file:a");
        let secrets = store.secrets(Arc::new(old.clone()));
        for name in ["a", "b"] {
            secrets.set(name, &Secret::new(name), at(1)).await.unwrap();
        }
        bed.change("UPDATE secrets SET version = 9 WHERE name = 'b'").await;
        let turned = store.secrets(Arc::new(old.turned_to("file:b")));
        let error = turned.rotate(at(2)).await.unwrap_err();
        assert_eq!(fault(error), ("b".to_owned(), SealFault::Refused));
        assert_eq!(secrets.get("a").await.unwrap().unwrap().expose(), "a", "nothing was changed");
        bed.change("UPDATE secrets SET version = 1 WHERE name = 'b'").await;
        assert_eq!(turned.rotate(at(3)).await.unwrap(), 2);
        assert_eq!(turned.get("b").await.unwrap().unwrap().expose(), "b");
    }
}
