//! The configuration as a person meets it: wrong in every way, and printed with its origins.
//! Each rule is tested beside its code.

use crate::program::{Home, ended};

fn text(path: &std::path::Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once_with_its_place() {
    let home = Home::offline();
    let file = home.write(
        "c.toml",
        "data-dri = 'x'\nquiet = 'hunter2'\n\n[scan]\nlimit = -1\nfail-onn = 'high'\n\
         [doctor]\npolicy = true\nstackset = true\n[[serve.schedules]]\njob = 'scan'\ncorn = ''\n",
    );
    let ran = home.run(&["--config", &text(&file), "config", "check"]).await.exits(2);
    for place in [
        "line 1, column 1: unknown key `data-dri`; did you mean `data-dir`?",
        "line 2, column 9: `quiet`: must be true or false",
        "line 5, column 9: `limit`",
        "line 6, column 1: unknown key `fail-onn` in `[scan]`; did you mean `fail-on`?",
        "line 9, column 1: `stackset` and `policy` exclude each other",
        "line 12, column 1: unknown key `corn` in `[[serve.schedules]]`; did you mean `cron`?",
    ] {
        assert!(ran.err.contains(place), "{place} is missing in {}", ran.err);
    }
    assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    // Any other command refuses the file too; help does not need it.
    home.run(&["--config", &text(&file), "controls", "list"]).await.exits(2);
    home.run(&["--config", &text(&file), "scan", "--help"]).await.exits(0);
    let ran = home.run(&["config", "check"]).await.exits(0);
    assert!(ran.err.contains("no configuration file"), "{}", ran.err);
}

#[tokio::test]
async fn what_is_in_effect_is_printed_with_where_it_came_from() {
    let home = Home::offline();
    let file = home.write(
        "c.toml",
        "lang = 'ja'\nregions = ['eu-west-1']\ndatabase = 'postgres://me:hunter2@h/db'\n\
         [scan]\nlimit = 5\n",
    );
    let arguments = ["--config", &text(&file), "--lang", "en", "config", "print"];
    let child = home
        .command(&[&arguments[..], &["--format", "json"]].concat())
        .env("YAGURA_ROLE", "Audit")
        .spawn()
        .unwrap();
    let ran = ended(child).await.exits(0);
    assert!(!ran.out.contains("hunter2") && !ran.err.contains("hunter2"), "{}", ran.out);
    let records = ran.records();
    let from = |setting: &str, commands: &str| {
        let found = records.iter().find(|one| {
            let all = one["commands"].as_str().unwrap();
            one["setting"] == setting
                && (all.is_empty() || all.split(", ").any(|it| it == commands))
        });
        let found = found.unwrap_or_else(|| panic!("{setting} is not in {}", ran.out));
        format!("{} {}", found["value"].as_str().unwrap(), found["from"].as_str().unwrap())
    };
    let place = text(&file);
    assert_eq!(from("lang", ""), "en flag");
    assert_eq!(from("role", "scan"), "Audit environment YAGURA_ROLE");
    assert_eq!(from("regions", "scan"), format!("eu-west-1 {place}:2"));
    assert_eq!(from("limit", "scan"), format!("5 {place}:5"));
    assert_eq!(from("database", ""), format!("postgres://me@h/db {place}:3"));
    assert_eq!(from("color", ""), "auto default");
    let japanese = ["--lang", "ja", "config", "print", "--format", "json"];
    let japanese = home.run(&japanese).await.exits(0).out;
    assert!(japanese.contains(r#""from":"default""#), "{japanese}");
    let ran = home.run(&["--config", &text(&file), "config", "check"]).await.exits(0);
    assert!(ran.err.contains("パスワード"), "{}", ran.err);
}
