//! Secrets as a person keeps them: set from stdin, referred to, rotated, and never printed.
//! Envelopes are tested in `yagura-store`, AWS's answers in `yagura-aws`.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use serde_json::json;

use crate::moto::{Ground, REGION, write};
use crate::program::{Home, Ran, ended};

const SECRET: &str = "correct-horse-battery-staple";

/// Nothing of the secret, also not in a log that tells everything.
#[track_caller]
fn check_silent(ran: &Ran) {
    for text in [&ran.out, &ran.err] {
        assert!(!text.contains(SECRET) && !text.contains("battery"), "{text}");
    }
}

async fn set(home: &Home, name: &str, secret: &str, more: &[&str]) -> Ran {
    let file = home.write("typed.txt", secret);
    let arguments = [&["--log", "trace", "secrets", "set", name], more].concat();
    let child = home
        .command(&arguments)
        .stdin(Stdio::from(std::fs::File::open(file).unwrap()))
        .spawn()
        .unwrap();
    let ran = ended(child).await;
    check_silent(&ran);
    ran
}

async fn check(home: &Home, reference: &str, more: &[&str]) -> Ran {
    let arguments = ["--log", "trace", "secrets", "check", reference, "--format", "json"];
    let ran = home.run(&[&arguments, more].concat()).await;
    check_silent(&ran);
    ran
}

fn files_with(home: &Home, needle: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(home.data()).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        if bytes.windows(needle.len()).any(|window| window == needle) {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found
}

#[tokio::test]
async fn a_stored_secret_is_kept_encrypted_and_printed_nowhere() {
    let home = Home::offline();
    let ran = set(&home, "smtp/password", &format!("{SECRET}\n"), &[]).await.exits(0);
    assert!(ran.err.contains("stored:smtp/password"), "{}", ran.err);
    assert!(ran.err.contains("made the master key"), "{}", ran.err);
    let key = home.data().join("secrets.key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(files_with(&home, SECRET.as_bytes()), Vec::<String>::new());
    let ran = check(&home, "stored:smtp/password", &[]).await.exits(0);
    assert_eq!(ran.records()[0]["readable"], true);
    let ran = home.run(&["secrets", "list", "--format", "json"]).await.exits(0);
    assert_eq!(ran.records()[0]["reference"], "stored:smtp/password");
    check_silent(&ran);
    let again = set(&home, "smtp/password", SECRET, &[]).await.exits(0);
    assert!(again.err.contains("version 2"), "{}", again.err);
    home.run(&["secrets", "remove", "smtp/password"]).await.exits(0);
    check(&home, "stored:smtp/password", &[]).await.exits(0);
    home.run(&["secrets", "remove", "smtp/password", "--yes"]).await.exits(0);
    let ran = check(&home, "stored:smtp/password", &[]).await.exits(2);
    assert_eq!(ran.records()[0]["reason"], "there is none");
}

#[tokio::test]
async fn a_secret_does_not_open_with_another_key_and_no_second_key_is_made() {
    let home = Home::offline();
    set(&home, "a", SECRET, &[]).await.exits(0);
    let (key, away) = (home.data().join("secrets.key"), home.path("away.key"));
    std::fs::rename(&key, &away).unwrap();
    let ran = check(&home, "stored:a", &[]).await.exits(2);
    let reason = ran.records()[0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("is not at hand"), "{reason}");
    let refused = set(&home, "b", SECRET, &[]).await.exits(2);
    assert!(refused.err.contains("bring that key file back"), "{}", refused.err);
    let named = format!("file:{}", away.display());
    check(&home, "stored:a", &["--master-key", &named]).await.exits(0);
    // A key of the right form and another content.
    std::fs::write(&key, format!("aes256 {}\n", "ab".repeat(32))).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    check(&home, "stored:a", &[]).await.exits(2);
    std::fs::set_permissions(&away, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ran = check(&home, "stored:a", &["--master-key", &named]).await.exits(2);
    assert!(!ran.err.contains(&"ab".repeat(16)), "{}", ran.err);
}

#[tokio::test]
async fn the_master_key_is_rotated_and_moved() {
    let home = Home::offline();
    for name in ["a", "b"] {
        set(&home, name, SECRET, &[]).await.exits(0);
    }
    let key = home.data().join("secrets.key");
    let before = std::fs::read_to_string(&key).unwrap();
    let ran = home.run(&["secrets", "rotate"]).await.exits(0);
    assert!(ran.err.contains("2 secrets"), "{}", ran.err);
    let after = std::fs::read_to_string(&key).unwrap();
    let keys = |text: &str| text.lines().filter(|line| line.starts_with("aes256")).count();
    assert_eq!((keys(&before), keys(&after)), (1, 1));
    assert_ne!(before, after);
    check(&home, "stored:a", &[]).await.exits(0);
    let moved = format!("file:{}", home.path("elsewhere.key").display());
    home.run(&["secrets", "rotate", "--to", &moved]).await.exits(0);
    std::fs::remove_file(&key).unwrap();
    check(&home, "stored:b", &["--master-key", &moved]).await.exits(0);
    let ran = home.run(&["secrets", "rotate", "--master-key", "kms:alias/x"]).await.exits(2);
    assert!(ran.err.contains("names no master key"), "{}", ran.err);
}

#[tokio::test]
async fn references_are_read_from_the_environment_and_files_and_refused_with_a_reason() {
    let home = Home::offline();
    let file = home.write("token", SECRET);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let reference = format!("file:{}", file.display());
    check(&home, &reference, &[]).await.exits(0);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ran = check(&home, &reference, &[]).await.exits(2);
    assert!(ran.out.contains("chmod 600"), "{}", ran.out);
    let child = home
        .command(&["secrets", "check", "env:TOKEN", "env:OTHER", "--format", "json"])
        .env("TOKEN", SECRET)
        .spawn()
        .unwrap();
    let ran = ended(child).await.exits(2);
    check_silent(&ran);
    let readable: Vec<_> = ran.records().iter().map(|one| one["readable"].clone()).collect();
    assert_eq!(readable, [json!(true), json!(false)]);
    let ran = check(&home, SECRET, &[]).await.exits(2);
    assert!(ran.err.contains("by reference"), "{}", ran.err);
}

#[tokio::test]
async fn the_databases_own_address_may_be_a_secret() {
    let home = Home::offline();
    let file = home.write("elsewhere", home.path("other.db").to_str().unwrap());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let reference = format!("file:{}", file.display());
    home.run(&["secrets", "list", "--database", &reference]).await.exits(0);
    assert!(home.path("other.db").exists());
    let ran = home.run(&["secrets", "list", "--database", "stored:x"]).await.exits(2);
    assert!(ran.err.contains("cannot be kept in the database"), "{}", ran.err);
}

#[tokio::test]
async fn secrets_of_aws_are_read_from_moto_and_kms_holds_the_master_key() {
    let ground = Ground::start().await;
    let home = Home::before(&ground.moto.url());
    let object = json!({"token": SECRET}).to_string();
    let input = json!({"Name": "yagura/slack", "SecretString": object});
    write(&ground.writer, "secretsmanager:CreateSecret", input).await;
    let input = json!({"Name": "/yagura/smtp", "Value": SECRET, "Type": "SecureString"});
    write(&ground.writer, "ssm:PutParameter", input).await;
    check(&home, "secretsmanager:yagura/slack#token", &[]).await.exits(0);
    check(&home, "ssm:/yagura/smtp", &[]).await.exits(0);
    let ran = check(&home, "ssm:/yagura/none", &[]).await.exits(2);
    assert_eq!(ran.records()[0]["reason"], "there is none");
    let ran = check(&home, "secretsmanager:yagura/slack#other", &[]).await.exits(2);
    assert!(ran.out.contains("member `other`"), "{}", ran.out);
    let key = write(&ground.writer, "kms:CreateKey", json!({})).await;
    let arn = key["KeyMetadata"]["Arn"].as_str().unwrap();
    assert!(arn.contains(REGION));
    let master = format!("kms:{arn}");
    let with = ["--master-key", master.as_str()];
    set(&home, "a", SECRET, &with).await.exits(0);
    check(&home, "stored:a", &with).await.exits(0);
    // The row says where its key is, so that the setting is needed for new secrets only.
    check(&home, "stored:a", &[]).await.exits(0);
    set(&home, "b", SECRET, &[]).await.exits(0);
    home.run(&["secrets", "rotate", "--to", &master]).await.exits(0);
    std::fs::remove_file(home.data().join("secrets.key")).unwrap();
    check(&home, "stored:b", &with).await.exits(0);
}
