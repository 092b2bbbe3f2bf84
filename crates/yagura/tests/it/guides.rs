//! Guides followed word by word: their commands are run as they stand, on the sample organization.
//! What single commands answer is claimed in the modules about them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::prepared;
use crate::program::{Ran, ended};

/// Stands before the commands: a status that says "partly blind" stops nobody.
const FOLLOWER: &str = r#"
yagura() {
    status=0
    "$YAGURA" "$@" || status=$?
    case $status in
        0 | 3) ;;
        *) echo "failed with $status: yagura $*" >&2; exit "$status" ;;
    esac
}
"#;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// The fenced blocks of a kind in a page, each as its lines.
fn blocks(page: &str, kind: &str) -> Vec<Vec<String>> {
    let (mut found, mut open) = (Vec::new(), None::<Vec<String>>);
    for line in page.lines() {
        match (&mut open, line) {
            (Some(_), "```") => found.extend(open.take()),
            (Some(block), line) => block.push(line.to_owned()),
            (None, line) if line.strip_prefix("```") == Some(kind) => open = Some(Vec::new()),
            (None, _) => {}
        }
    }
    assert!(!found.is_empty(), "the page has blocks of {kind}");
    found
}

/// The commands of a page that need no account: those that prepare the sample organization are
/// done already.
fn commands(page: &str) -> Vec<String> {
    let of_account = |line: &String| line.starts_with("aws ") || line.starts_with("yagura scan");
    let prepared =
        |line: &String| line.starts_with("yagura demo") || line.starts_with("export YAGURA_");
    let kept = blocks(page, "sh").into_iter().filter(|block| !block.iter().any(of_account));
    kept.flatten()
        .filter(|line| !prepared(line))
        .map(|line| line.replace(" --lang ja", ""))
        .collect()
}

async fn follow(page: &str, language: &str) -> Ran {
    let (home, _) = prepared::demo().await;
    let log = "docs/examples/vendor-trail.json";
    let text = std::fs::read_to_string(docs().join("examples/vendor-trail.json")).unwrap();
    home.write(log, &text);
    let script = format!("set -u\n{FOLLOWER}\n{}\n", commands(page).join("\n"));
    let file = home.write("guide.sh", &script);
    let child = Command::new("sh")
        .arg(file)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home.path(""))
        .env("YAGURA", env!("CARGO_BIN_EXE_yagura"))
        .env("YAGURA_DATA_DIR", home.data().join("demo"))
        .env("YAGURA_LANG", language)
        .env("COLUMNS", "100")
        .current_dir(home.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    ended(child).await.exits(0)
}

#[tokio::test]
async fn from_alarm_to_least_privilege_goes_as_the_guide_says() {
    let page = |language: &str| {
        let path = docs().join(language).join("src/guides/least-privilege.md");
        std::fs::read_to_string(path).unwrap()
    };
    assert_eq!(commands(&page("en")), commands(&page("ja")), "both say to do the same");
    for language in ["en", "ja"] {
        let page = page(language);
        let ran = follow(&page, language).await;
        let shown: Vec<&str> = ran.out.lines().map(str::trim_end).collect();
        // What the guide shows in whole lines is what a reader sees.
        for line in blocks(&page, "text").iter().flatten().filter(|line| !line.contains('…')) {
            assert!(shown.contains(&line.trim_end()), "{language}: `{line}` in\n{}", ran.out);
        }
        for decided in [
            r#"{"id":"upload","decision":"Allowed""#,
            r#"{"id":"share","decision":"ImplicitlyDenied","blocked_by":["identity"]"#,
        ] {
            assert!(ran.out.contains(decided), "{language}: {decided} in\n{}", ran.out);
        }
    }
}
