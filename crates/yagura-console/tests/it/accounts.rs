//! The pages of accounts: the organization as a tree, one account with what could not be seen.

use http::StatusCode;

use crate::inventory::{DEV, PROD, fill};
use crate::resources::harmless;
use crate::support::Bench;

#[tokio::test]
async fn an_empty_store_says_what_to_do() {
    let bench = Bench::open().await;
    let got = bench.get_in("/accounts", "ja").await;
    assert!(got.text.contains("アカウントはまだありません"), "{}", got.text);
}

#[tokio::test]
async fn the_organization_is_a_tree_with_sums() {
    let bench = Bench::open().await;
    fill(&bench.store).await;
    let got = bench.get("/accounts").await;
    harmless(&got);
    let at = |text: &str| got.text.find(text).unwrap_or_else(|| panic!("{text}: {}", got.text));
    let workloads = at("?ou=%2FWorkloads\"");
    let production = at("?ou=%2FWorkloads%2FProduction\"");
    assert!(workloads < production && production < at(&format!("/accounts/{PROD}\"")));
    assert!(at("?ou=%2FSandbox\"") < at(&format!("/accounts/{DEV}\"")));
    let within = bench.get("/accounts?ou=%2FWorkloads").await;
    assert!(within.text.contains(&format!("/accounts/{PROD}\"")), "{}", within.text);
    assert!(!within.text.contains(&format!("/accounts/{DEV}\"")), "{}", within.text);
    let found = bench.get("/accounts?q=DEVELOP").await;
    assert!(!found.text.contains(&format!("/accounts/{PROD}\"")), "{}", found.text);
}

#[tokio::test]
async fn an_account_says_what_was_not_read_and_what_to_do() {
    let bench = Bench::open().await;
    fill(&bench.store).await;
    for (lang, why, remedy) in [
        ("en", "access denied: ec2:DescribeInstances", "yagura doctor"),
        ("ja", "ec2:DescribeInstances", "yagura doctor"),
    ] {
        let got = bench.get_in(&format!("/accounts/{PROD}"), lang).await;
        harmless(&got);
        for text in [why, remedy, "75%", "us-east-1"] {
            assert!(got.text.contains(text), "{text}: {}", got.text);
        }
    }
    let got = bench.get(&format!("/accounts/{DEV}")).await;
    assert!(got.text.contains("Everything that was asked for answered"), "{}", got.text);
}

#[tokio::test]
async fn an_account_that_nobody_knows_is_not_found() {
    let bench = Bench::open().await;
    fill(&bench.store).await;
    assert_eq!(bench.get("/accounts/999999999999").await.status, StatusCode::NOT_FOUND);
}
