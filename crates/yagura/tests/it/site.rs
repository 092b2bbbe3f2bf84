//! A site's own folder: controls added, broken files named and left out, exceptions and parameters
//! that take hold. The formats are tested in `yagura-content`.

use crate::account::Account;
use crate::program::Home;

/// A control of a site's own, as a person would write it.
const CONTROL: &str = r#"type: AWS::S3::Bucket
severity: medium
guidance: elective
responsible: customer
title: {en: Buckets carry the prefix of the team, ja: バケット名にチームの接頭辞がある}
why:
  en: Names tell the owner. A bucket without a prefix belongs to nobody.
  ja: 名前は所有者を示します。接頭辞のないバケットには持ち主がいません。
require: |
  resource.id.startsWith('led')
fix:
  console: {en: [Make a bucket with the prefix and move the objects.], ja: [接頭辞付きのバケットを作成し、オブジェクトを移します。]}
  cli: |
    aws s3 mb s3://led-BUCKET
  terraform: |
    resource "aws_s3_bucket" "this" { bucket = "led-name" }
maps:
  checklist: [identity.separate_accounts]
references: []
cases:
  - name: with the prefix
    expect: pass
    resource: {id: ledger, properties: {}}
  - name: without it
    expect: fail
    resource: {id: leaky, properties: {}}
  - name: never seen
    expect: unknown
    resource: {unread: [id]}
"#;

/// The control without the case that no bucket can meet.
fn control() -> String {
    CONTROL
        .replace(
            "  - name: never seen\n    expect: unknown\n    resource: {unread: [id]}\n",
            "  - name: of another kind\n    expect: not_applicable\n    \
         resource: {id: tmp, properties: {}}\n",
        )
        .replace("require: |", "when: |\n  resource.id != 'tmp'\nrequire: |")
}

#[tokio::test]
async fn a_control_of_the_site_judges_beside_the_built_in_ones() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    home.write("data/site/controls/s3/bucket_prefixed.yaml", &control());
    let scanned = home.scan(&["--controls", "s3.bucket_prefixed,s3.bucket_versioned"]).await;
    let expected = [
        "s3.bucket_prefixed leaky fail",
        "s3.bucket_prefixed ledger pass",
        "s3.bucket_versioned leaky fail",
        "s3.bucket_versioned ledger pass",
    ];
    assert_eq!(scanned.lines(), expected, "{}", scanned.ran.err);
    scanned.ran.exits(0);
    let test = home.run(&["content", "test", "--only", "s3.bucket_prefixed"]).await.exits(0);
    assert_eq!(test.out, "3 passed, 0 failed\n", "{}", test.err);
}

#[tokio::test]
async fn a_broken_file_is_named_with_its_place_and_the_scan_goes_on() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    let broken = control().replace("require: |", "requires: |");
    home.write("data/site/controls/s3/bucket_prefixed.yaml", &broken);
    home.write("data/site/controls/s3/bucket_torn.yaml", "type: [AWS::S3::Bucket\nseverity: low\n");
    let scanned = home.scan(&["--controls", "s3.bucket_versioned"]).await;
    assert_eq!(
        scanned.lines(),
        ["s3.bucket_versioned leaky fail", "s3.bucket_versioned ledger pass"]
    );
    let line = broken.lines().position(|line| line.starts_with("requires")).unwrap() + 1;
    let place = format!("bucket_prefixed.yaml:{line}:1");
    assert!(scanned.ran.err.contains(&place), "`{place}` in {}", scanned.ran.err);
    assert!(scanned.ran.err.contains("`requires`"), "{}", scanned.ran.err);
    let torn = scanned.ran.err.lines().find(|line| line.contains("bucket_torn.yaml:"));
    assert!(torn.is_some(), "{}", scanned.ran.err);
    scanned.ran.exits(0);
    home.run(&["content", "lint"]).await.exits(1);
}

#[tokio::test]
async fn a_case_that_does_not_hold_fails_the_content_test_by_name() {
    let home = Home::offline();
    let wrong = control().replace(
        "expect: fail\n    resource: {id: leaky",
        "expect: pass\n    resource: {id: leaky",
    );
    let site = home.path("site");
    home.write("site/controls/s3/bucket_prefixed.yaml", &wrong);
    let shown = site.to_str().unwrap();
    let ran = home
        .run(&["--site", shown, "content", "test", "--only", "s3.bucket_prefixed"])
        .await
        .exits(1);
    assert!(ran.out.contains("2 passed, 1 failed"), "{}", ran.out);
    assert!(ran.err.contains("`without it`"), "{}", ran.err);
}

#[tokio::test]
async fn a_new_control_is_a_file_that_is_never_overwritten() {
    let home = Home::offline();
    let site = home.path("site");
    let new = [
        "content",
        "new",
        "control",
        "s3.bucket_prefixed",
        "--type",
        "AWS::S3::Bucket",
        "--into",
        site.to_str().unwrap(),
    ];
    let ran = home.run(&new).await.exits(0);
    let file = site.join("controls/s3/bucket_prefixed.yaml");
    assert_eq!(ran.out.trim(), file.to_str().unwrap());
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("AWS::S3::Bucket"), "{text}");
    let again = home.run(&new).await.exits(2);
    assert!(again.err.contains("is there already"), "{}", again.err);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    let strange = home.run(&["content", "new", "control", "../../etc/passwd"]).await.exits(2);
    assert!(strange.err.contains("hint: "), "{}", strange.err);
    // What the scaffold leaves open is for a person to fill in, and the test says so.
    let test =
        ["--site", site.to_str().unwrap(), "content", "test", "--only", "s3.bucket_prefixed"];
    home.run(&test).await;
}

#[tokio::test]
async fn an_exception_accepts_a_failure_until_its_day() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    let exception = |expires: &str| {
        format!(
            "- control: s3.bucket_versioned\n  resources: ['arn:aws:s3:::leaky']\n  owner: me\n  \
             reason: thrown away every night\n  expires: {expires}\n"
        )
    };
    let asked =
        ["scan", "--controls", "s3.bucket_versioned", "--format", "json", "--fail-on", "low"];
    home.write("data/site/exceptions.yaml", &exception("2999-01-01"));
    let ran = home.run(&asked).await.exits(0);
    assert_eq!(ran.records()[0]["verdicts"]["accepted"], 1, "{}", ran.out);
    home.write("data/site/exceptions.yaml", &exception("2020-01-01"));
    home.run(&asked).await.exits(1);
}

#[tokio::test]
async fn a_parameter_of_the_site_decides() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    let asked = ["--controls", "ec2.security_group_ssh_restricted"];
    home.write("data/site/parameters.yaml", "ec2.security_group_ssh_restricted: {ports: [3389]}\n");
    let scanned = home.scan(&asked).await;
    assert!(scanned.lines().iter().all(|line| line.ends_with(" pass")), "{:?}", scanned.lines());
}
