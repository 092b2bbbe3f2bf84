//! What a person reads on the way in: help in both languages, and errors that name the thing, the
//! attempt and the remedy. Golden texts are updated with `INSTA_UPDATE=always` and read in review.

use crate::account::{Account, CONTROLS};
use crate::program::Home;

/// Every command that help shows, with the commands below it.
const COMMANDS: [(&str, &[&str]); 31] = [
    (
        "access",
        &[
            "can",
            "escalations",
            "evaluate",
            "explain",
            "generate",
            "least-privilege",
            "lint",
            "preview-scp",
            "principal",
            "unused",
            "who-can",
        ],
    ),
    ("aws", &["call", "services"]),
    ("backup", &[]),
    ("completions", &[]),
    ("config", &["check", "print"]),
    ("content", &["lint", "new", "test"]),
    ("controls", &["evaluate", "list", "show"]),
    ("frameworks", &["list", "show"]),
    ("costs", &["jumps", "refresh", "show"]),
    ("alerts", &["list", "show"]),
    ("demo", &[]),
    ("detect", &[]),
    ("doctor", &[]),
    (
        "findings",
        &[
            "acknowledge",
            "assign",
            "comment",
            "due",
            "export",
            "groups",
            "history",
            "import",
            "label",
            "link",
            "list",
            "push",
            "reopen",
            "resolve",
            "severity",
            "show",
            "start",
            "stats",
            "suppress",
            "unlink",
            "unsuppress",
        ],
    ),
    ("hunt", &[]),
    ("ingest", &[]),
    ("intelligence", &["list", "look", "refresh"]),
    (
        "lake",
        &["compact", "ddl", "expire", "export", "hold", "holds", "quarantine", "release", "status"],
    ),
    ("mcp", &[]),
    ("query", &["list", "show", "tables"]),
    ("resources", &["export", "history", "import", "list", "scans", "show"]),
    ("jobs", &["cancel", "list", "run", "runs"]),
    ("people", &["add", "audit", "disable", "enable", "list", "reset", "role"]),
    ("prune", &[]),
    ("restore", &[]),
    ("routes", &["dead", "deliver", "deliveries", "explain", "list", "test"]),
    ("scan", &[]),
    ("secrets", &["check", "list", "remove", "rotate", "set"]),
    ("serve", &[]),
    ("tokens", &["add", "list", "revoke"]),
    ("trail", &["keys", "verify"]),
];

/// The heading of the settings that every command takes, in both languages.
const EVERYWHERE: [&str; 2] = ["\nEverywhere:\n", "\nどのコマンドでも:\n"];

async fn help(lang: &str, path: &[&str]) -> String {
    let home = Home::offline();
    let ran = home.run(&[path, &["--help", "--lang", lang]].concat()).await.exits(0);
    assert_eq!(ran.err, "");
    let words: String = path.iter().map(|word| format!("{word} ")).collect();
    let text = if path.is_empty() { ran.out } else { without_everywhere(&ran.out) };
    format!("$ yagura {words}--help\n{text}\n")
}

/// Settings that hold everywhere are shown everywhere; the golden of the program itself has them.
fn without_everywhere(text: &str) -> String {
    let start = EVERYWHERE.iter().find_map(|heading| text.find(heading));
    let start = start.unwrap_or_else(|| panic!("no heading of common settings in {text}")) + 1;
    let end = text[start..].find("\n\n").map_or(text.len(), |end| start + end + 2);
    format!("{}{}", &text[..start], &text[end..])
}

async fn check_help(lang: &str) {
    let whole = help(lang, &[]).await;
    insta::assert_snapshot!(format!("help_{lang}"), whole);
    for (command, below) in COMMANDS {
        let mut text = help(lang, &[command]).await;
        for name in below {
            text.push_str(&help(lang, &[command, name]).await);
        }
        insta::assert_snapshot!(format!("help_{lang}_{command}"), text);
        assert!(whole.contains(&format!("\n  {command}")), "help does not show {command}");
    }
    let heading = if lang == "ja" { "コマンド:" } else { "Commands:" };
    let shown = whole.lines().skip_while(|line| !line.ends_with(heading)).skip(1);
    let shown = shown.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    assert_eq!(shown.count(), COMMANDS.len(), "a command is missing here: {whole}");
}

#[tokio::test]
async fn every_command_explains_itself_in_english() {
    check_help("en").await;
}

#[tokio::test]
async fn every_command_explains_itself_in_japanese() {
    check_help("ja").await;
}

/// A golden of what a person sees when it cannot be done, in each language.
async fn check_error(name: &str, home: &Home, arguments: &[&str]) {
    for (lang, suffix) in [("en", ""), ("ja", "_ja")] {
        let ran = home.run(&[arguments, &["--lang", lang]].concat()).await.exits(2);
        assert_eq!(ran.out, "", "data goes to stdout, errors do not");
        insta::assert_snapshot!(format!("{name}{suffix}"), home.steady(&ran.err));
    }
}

#[tokio::test]
async fn without_credentials_the_remedies_are_named() {
    let home = Home::offline();
    check_error("error_no_credentials", &home, &["scan"]).await;
}

#[tokio::test]
async fn a_control_framework_or_region_that_does_not_exist_is_named() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    check_error("error_unknown_control", &home, &["scan", "--controls", "s3.bucket_shiny"]).await;
    check_error("error_unknown_control_shown", &home, &["controls", "show", "bucket_versioned"])
        .await;
    check_error("error_unknown_framework", &home, &["scan", "--framework", "cis"]).await;
    check_error(
        "error_unknown_region",
        &home,
        &["scan", "--controls", CONTROLS, "--regions", "mars-north-1"],
    )
    .await;
    check_error("error_bad_account", &home, &["scan", "--accounts", "12"]).await;
    check_error("error_bad_format", &home, &["scan", "--format", "xml"]).await;
    check_error(
        "error_nothing_to_compare",
        &home,
        &["scan", "--controls", CONTROLS, "--compare", "last"],
    )
    .await;
    check_error("error_unknown_resource", &home, &["resources", "show", "arn:aws:s3:::nothing"])
        .await;
    check_error("error_no_such_file", &home, &["resources", "import", "nothing.yagura"]).await;
}

/// Settings come from the environment here, as they do for most people; so they do in every test.
#[tokio::test]
async fn a_command_that_needs_another_after_it_says_which_there_are() {
    let home = Home::offline();
    for (lang, heading) in [("en", "Commands:"), ("ja", "コマンド:")] {
        for path in [&[][..], &["lake"]] {
            let ran = |arguments: &[&str]| {
                let mut command = home.command(&[path, arguments].concat());
                let child = command.env("YAGURA_LANG", lang).spawn().unwrap();
                crate::program::ended(child)
            };
            let without = ran(&[]).await.exits(2);
            let short = ran(&["-h"]).await.exits(0);
            assert_eq!((without.out.as_str(), &without.err), ("", &short.out), "{path:?}");
            assert!(short.out.contains(heading), "{}", short.out);
        }
    }
}

#[tokio::test]
async fn what_was_typed_wrong_is_said_with_what_is_right() {
    let home = Home::offline();
    check_error("error_unknown_command", &home, &["lake", "stauts"]).await;
    check_error("error_unknown_argument", &home, &["hunt", "--sinse", "-3d"]).await;
    check_error("error_missing_argument", &home, &["lake", "hold"]).await;
    check_error("error_no_value", &home, &["scan", "--fail-on"]).await;
    check_error("error_bad_choice", &home, &["scan", "--color", "pink"]).await;
    check_error("error_bad_number", &home, &["detect", "--workers", "many", "."]).await;
    check_error("error_bad_time", &home, &["hunt", "--since=-9x"]).await;
    check_error("error_given_twice", &home, &["scan", "--config", "a", "--config", "b"]).await;
    check_error("error_conflict", &home, &["query", "SELECT 1", "list"]).await;
    check_error("error_no_lake", &home, &["query", "SELECT 1"]).await;
}

#[tokio::test]
async fn a_configuration_that_is_wrong_is_shown_where() {
    let home = Home::offline();
    let file = home.write("wrong-key.toml", "[scan]\nregion = ['us-east-1']\n");
    let config = |file: &std::path::Path| file.to_str().unwrap().to_owned();
    check_error("error_config_key", &home, &["--config", &config(&file), "controls", "list"]).await;
    let file = home.write("broken.toml", "lang = 'en'\nlimit = = 3\n");
    check_error("error_config_syntax", &home, &["--config", &config(&file), "controls", "list"])
        .await;
    check_error("error_config_missing", &home, &["--config", "nothing.toml", "controls", "list"])
        .await;
    let file = home.write("good.toml", "lang = 'ja'\n[controls]\nformat = 'json'\n");
    let good = home.run(&["--config", &config(&file), "controls", "list", "s3.*"]).await.exits(0);
    assert!(good.out.lines().all(|line| line.starts_with('{')), "{}", good.out);
    let typed = ["--config", &config(&file), "controls", "list", "s3.*", "--format", "plain"];
    let typed = home.run(&typed).await.exits(0);
    assert!(typed.out.starts_with("ID: "), "what is typed goes first: {}", typed.out);
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_written_is_named() {
    let home = Home::offline();
    // A file where the folder should be: refused for everybody, root included.
    let file = home.write("occupied", "");
    let folder = file.join("data");
    let folder = folder.to_str().unwrap();
    check_error("error_data_folder", &home, &["--data-dir", folder, "resources", "list"]).await;
}

#[tokio::test]
async fn a_database_server_that_is_not_there_is_named_at_once() {
    let home = Home::offline();
    let url = "postgres://yagura:secret@127.0.0.1:9/yagura";
    let ran = home.run(&["--database", url, "resources", "list"]).await.exits(2);
    assert!(ran.err.contains("postgres://yagura"), "{}", ran.err);
    assert!(ran.err.contains("cannot be opened"), "{}", ran.err);
    assert!(!ran.err.contains("secret"), "{}", ran.err);
}

#[tokio::test]
async fn a_database_that_is_none_is_refused_and_left_as_it_was() {
    let home = Home::offline();
    home.run(&["resources", "list"]).await.exits(0);
    let files = std::fs::read_dir(home.data()).unwrap().map(|entry| entry.unwrap().path());
    let is_database = |path: &std::path::PathBuf| {
        path.is_file() && std::fs::read(path).unwrap().starts_with(b"SQLite format 3")
    };
    let database = files.into_iter().find(is_database).expect("there is a database");
    let text = "this was never a database, but somebody's notes, which must not be overwritten";
    std::fs::write(&database, text.repeat(100)).unwrap();
    let ran = home.run(&["resources", "list"]).await.exits(2);
    assert!(ran.err.starts_with("error: "), "{}", ran.err);
    assert!(ran.err.contains("\nhint: "), "{}", ran.err);
    assert_eq!(std::fs::read_to_string(&database).unwrap(), text.repeat(100));
}

#[tokio::test]
async fn the_data_folder_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::offline();
    home.run(&["resources", "list"]).await.exits(0);
    let mode = std::fs::metadata(home.data()).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

#[tokio::test]
async fn the_version_is_said_without_touching_anything() {
    let home = Home::offline();
    let ran = home.run(&["--version"]).await.exits(0);
    assert_eq!(ran.out, format!("yagura {}\n", env!("CARGO_PKG_VERSION")));
    assert!(!home.data().exists());
}
