//! A backup as a person makes it and needs it: while others write, truncated, altered, over
//! something, killed midway. Rows between kinds of databases are tested in `yagura-store`.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::program::{Home, ended, signal};

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A home with content of its own, a stored secret and a database.
async fn filled() -> Home {
    let home = Home::offline();
    std::fs::create_dir_all(home.data().join("site/controls/s3")).unwrap();
    std::fs::write(home.data().join("site/parameters.yaml"), "{}\n").unwrap();
    std::fs::write(home.data().join("site/controls/s3/note.txt"), "ours").unwrap();
    set(&home, "a").await;
    home
}

async fn set(home: &Home, name: &str) {
    let file = home.write("typed.txt", "a secret");
    let child = home
        .command(&["secrets", "set", name])
        .stdin(Stdio::from(std::fs::File::open(file).unwrap()))
        .spawn()
        .unwrap();
    ended(child).await.exits(0);
}

async fn names(home: &Home) -> Vec<String> {
    let ran = home.run(&["secrets", "list", "--format", "json"]).await.exits(0);
    let name = |one: &serde_json::Value| one["reference"].as_str().unwrap().to_owned();
    ran.records().iter().map(name).collect()
}

#[tokio::test]
async fn a_backup_is_restored_into_an_empty_place_with_its_site() {
    let home = filled().await;
    let file = home.path("b.yagura");
    let ran = home.run(&["backup", &text(&file)]).await.exits(0);
    assert!(ran.err.contains("not in it: the log lake"), "{}", ran.err);
    let again = home.run(&["backup", &text(&file)]).await.exits(2);
    assert!(again.err.contains("--replace"), "{}", again.err);
    home.run(&["backup", &text(&file), "--replace"]).await.exits(0);
    let other = Home::offline();
    let ran = other.run(&["restore", &text(&file)]).await.exits(0);
    assert!(ran.err.contains("need the master key"), "{}", ran.err);
    assert_eq!(names(&other).await, ["stored:a"]);
    let note = other.data().join("site/controls/s3/note.txt");
    assert_eq!(std::fs::read_to_string(note).unwrap(), "ours");
    assert!(!other.data().join("secrets.key").exists(), "the key is in no backup unasked");
    other.run(&["secrets", "check", "stored:a"]).await.exits(2);
    let with_key = home.path("k.yagura");
    home.run(&["backup", &text(&with_key), "--with-master-key"]).await.exits(0);
    let third = Home::offline();
    third.run(&["restore", &text(&with_key)]).await.exits(0);
    let mut left: Vec<_> =
        std::fs::read_dir(third.data()).unwrap().map(|one| one.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["secrets.key", "site", "yagura.db"], "no stage, no list of moves");
    third.run(&["secrets", "check", "stored:a"]).await.exits(0);
}

#[tokio::test]
async fn a_place_that_is_taken_is_left_alone_unless_so_asked() {
    let home = filled().await;
    let file = home.path("b.yagura");
    home.run(&["backup", &text(&file)]).await.exits(0);
    set(&home, "later").await;
    let ran = home.run(&["restore", &text(&file)]).await.exits(2);
    assert!(ran.err.contains("--replace"), "{}", ran.err);
    assert_eq!(names(&home).await.len(), 2);
    std::fs::write(home.data().join("site/extra.txt"), "later").unwrap();
    home.run(&["restore", &text(&file), "--replace"]).await.exits(0);
    assert_eq!(names(&home).await, ["stored:a"]);
    assert!(!home.data().join("site/extra.txt").exists());
    home.run(&["secrets", "check", "stored:a"]).await.exits(0);
}

#[tokio::test]
async fn what_is_truncated_altered_or_foreign_is_refused_and_nothing_changes() {
    let home = filled().await;
    let file = home.path("b.yagura");
    home.run(&["backup", &text(&file)]).await.exits(0);
    let whole = std::fs::read(&file).unwrap();
    set(&home, "later").await;
    let mut altered = whole.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 0x40;
    let cases: [(&str, Vec<u8>); 5] = [
        ("cut", whole[..whole.len() - 10].to_vec()),
        ("half", whole[..middle].to_vec()),
        ("altered", altered),
        ("empty", Vec::new()),
        ("foreign", b"this is a shopping list".to_vec()),
    ];
    for (name, bytes) in cases {
        let path = home.path(name);
        std::fs::write(&path, bytes).unwrap();
        let ran = home.run(&["restore", &text(&path), "--replace"]).await.exits(2);
        assert!(ran.err.contains("is refused"), "{name}: {}", ran.err);
        assert!(ran.err.contains("nothing was changed"), "{name}: {}", ran.err);
    }
    assert_eq!(names(&home).await.len(), 2);
    home.run(&["restore", "nothing.yagura", "--replace"]).await.exits(2);
}

#[tokio::test]
async fn a_killed_restore_leaves_the_old_state_or_the_new_one_whole() {
    let home = filled().await;
    let file = home.path("b.yagura");
    home.run(&["backup", &text(&file)]).await.exits(0);
    // However early or late it is killed: between nothing and everything there is nothing.
    for pause_ms in [0, 20, 40, 60, 80, 100, 130, 160, 200, 250] {
        set(&home, "later").await;
        let mut child = home
            .command(&["restore", &text(&file), "--replace"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let patience = Duration::from_millis(pause_ms);
        if tokio::time::timeout(patience, child.wait()).await.is_err() {
            signal(&child, "KILL").await;
            child.wait().await.unwrap();
        }
        let found = names(&home).await;
        let whole = found == ["stored:a"] || found == ["stored:a", "stored:later"];
        assert!(whole, "killed after {pause_ms} ms: {found:?}");
        assert!(home.data().join("site/controls/s3/note.txt").exists());
        home.run(&["secrets", "check", "stored:a"]).await.exits(0);
    }
}
