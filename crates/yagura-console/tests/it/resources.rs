//! The pages of resources: found, filtered, shown with everything that is known, in both
//! languages, however things are called.

use http::StatusCode;

use crate::inventory::{DEV, HOSTILE, PROD, fill};
use crate::support::{Bench, Got};

async fn filled() -> Bench {
    let bench = Bench::open().await;
    fill(&bench.store).await;
    bench
}

/// Nothing of a hostile name has become markup.
pub(crate) fn harmless(got: &Got) {
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    assert!(!got.text.contains("<script>alert"), "{}", got.text);
    assert!(!got.text.contains('\u{202e}'), "{}", got.text);
}

fn view(key: &str) -> String {
    let encoded: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("/resources/view?key={encoded}")
}

fn instance() -> String {
    view(&format!("arn:aws:ec2:ap-northeast-1:{PROD}:instance/i-1"))
}

#[tokio::test]
async fn an_empty_store_says_what_to_do() {
    let bench = Bench::open().await;
    for (lang, words) in [("en", "No resources yet"), ("ja", "リソースはまだありません")]
    {
        let got = bench.get_in("/resources", lang).await;
        assert_eq!(got.status, StatusCode::OK);
        assert!(got.text.contains(words) && got.text.contains("yagura scan"), "{}", got.text);
    }
}

#[tokio::test]
async fn the_list_is_searched_and_filtered_by_its_address() {
    let bench = filled().await;
    let check = async |query: &str, shown: &[&str], hidden: &[&str]| {
        let got = bench.get(&format!("/resources{query}")).await;
        harmless(&got);
        for name in shown {
            assert!(got.text.contains(&format!("arn:aws:s3:::{name}<")), "{query}: {name}");
        }
        for name in hidden {
            assert!(!got.text.contains(&format!("arn:aws:s3:::{name}<")), "{query}: {name}");
        }
    };
    // The name of a bucket is a part of its key, which the list shows.
    check("", &["logs", "scratch"], &["old"]).await;
    check("?q=LOG", &["logs"], &["scratch", "old"]).await;
    check("?tag=env%3Dprod", &["logs", "scratch"], &[]).await;
    check("?tag=env%3Dprod&tag=nothing", &[], &["logs"]).await;
    check(&format!("?account={DEV}"), &["scratch"], &["logs"]).await;
    check("?type=AWS%3A%3AEC2%3A%3AInstance", &[], &["logs", "scratch"]).await;
    check("?life=deleted", &["old"], &["logs"]).await;
    check("?judged=fail", &["logs"], &["scratch"]).await;
    check("?judged=unknown", &["scratch"], &["logs"]).await;
    check("?judged=exposed", &[], &["logs", "scratch"]).await;
    check("?q=%25", &[], &["logs"]).await;
}

#[tokio::test]
async fn a_row_says_how_many_findings_are_open() {
    let bench = filled().await;
    let got = bench.get("/resources?q=logs").await;
    assert!(got.text.contains("1 open"), "{}", got.text);
    assert!(got.text.contains("sev-high"), "{}", got.text);
}

#[tokio::test]
async fn hostile_names_stay_text_wherever_they_stand() {
    let bench = filled().await;
    for lang in ["en", "ja"] {
        harmless(&bench.get_in("/resources", lang).await);
        let got = bench.get_in(&instance(), lang).await;
        harmless(&got);
        assert!(got.text.contains("&lt;script&gt;alert"), "{}", got.text);
    }
    let asked: String = HOSTILE.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for name in ["q", "tag", "type", "account", "region", "judged", "life", "after"] {
        harmless(&bench.get(&format!("/resources?{name}={asked}")).await);
    }
}

#[tokio::test]
async fn a_resource_shows_what_could_not_be_read_and_what_to_do() {
    let bench = filled().await;
    let got = bench.get(&instance()).await;
    assert!(got.text.contains("properties.UserData"), "{}", got.text);
    assert!(got.text.contains("access denied: ec2:DescribeInstanceAttribute"), "{}", got.text);
    assert!(got.text.contains("yagura doctor"), "{}", got.text);
    let got = bench.get_in(&instance(), "ja").await;
    assert!(got.text.contains("読み取れなかった部分"), "{}", got.text);
}

#[tokio::test]
async fn relations_are_drawn_and_listed_with_links() {
    let bench = filled().await;
    let got = bench.get(&instance()).await;
    assert!(got.text.contains("<svg class=\"hood\""), "{}", got.text);
    let group = format!("arn%3Aaws%3Aec2%3Aap-northeast-1%3A{PROD}%3Asecurity-group%2Fsg-1");
    let href = format!("href=\"/resources/view?key={group}\"");
    assert_eq!(got.text.matches(&href).count(), 2, "{}", got.text);
    let key = format!("arn:aws:ec2:ap-northeast-1:{PROD}:security-group/sg-1");
    let got = bench.get(&view(&key)).await;
    harmless(&got);
    assert!(got.text.contains("Points here"), "{}", got.text);
    // What its open port makes of it is a fact.
    assert!(got.text.contains("Ports open to everyone"), "{}", got.text);
}

#[tokio::test]
async fn the_history_tells_what_changed_member_by_member() {
    let bench = filled().await;
    let logs = view("arn:aws:s3:::logs");
    let got = bench.get(&logs).await;
    let path = "properties.VersioningConfiguration.Status";
    assert!(got.text.contains(&format!("<code>{path}</code>")), "{}", got.text);
    for text in ["Before: </span>Enabled</del>", "After: </span>Suspended</ins>"] {
        assert!(got.text.contains(text), "{text}: {}", got.text);
    }
    // The rule `b` has another place in the list; only what it says differs.
    assert!(got.text.contains("<code>properties.Rules[0].Days</code>"), "{}", got.text);
    assert!(got.text.contains("60</del>") && got.text.contains("61</ins>"), "{}", got.text);
    let got = bench.get(&format!("{logs}&from=2&to=1")).await;
    assert!(got.text.contains("From version 2 to version 1"), "{}", got.text);
    assert!(got.text.contains("Before: </span>Suspended</del>"), "{}", got.text);
    let got = bench.get(&format!("{logs}&from=1&to=1")).await;
    assert!(got.text.contains("Both are the same"), "{}", got.text);
    let got = bench.get(&format!("{logs}&from=1&to=99")).await;
    assert!(got.text.contains("no longer kept"), "{}", got.text);
}

#[tokio::test]
async fn a_resource_is_shown_as_of_a_time() {
    let bench = filled().await;
    let logs = view("arn:aws:s3:::logs");
    let got = bench.get(&format!("{logs}&at=2026-11-20T12%3A00%3A00Z")).await;
    assert!(got.text.contains("As it was known on"), "{}", got.text);
    assert!(got.text.contains("value text\">Enabled<"), "{}", got.text);
    let got = bench.get(&logs).await;
    assert!(!got.text.contains("value text\">Enabled<"), "{}", got.text);
    let got = bench.get(&format!("{logs}&at=2026-11-19")).await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
    let got = bench.get(&format!("{logs}&at=yesterday")).await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
    assert!(got.text.contains("yesterday"), "{}", got.text);
}

#[tokio::test]
async fn judgement_and_findings_stand_beside_the_resource() {
    let bench = filled().await;
    let got = bench.get(&view("arn:aws:s3:::logs")).await;
    assert!(got.text.contains("verdict-fail"), "{}", got.text);
    assert!(got.text.contains("href=\"/controls/s3.bucket_versioned\""), "{}", got.text);
    assert!(got.text.contains("Versioning is on"), "{}", got.text);
    assert!(got.text.contains("/access?resource=arn%3Aaws%3As3%3A%3A%3Alogs"), "{}", got.text);
    let got = bench.get(&view("arn:aws:s3:::scratch")).await;
    assert!(got.text.contains("access denied: s3:GetBucketVersioning"), "{}", got.text);
}

#[tokio::test]
async fn what_nobody_has_seen_is_not_found() {
    let bench = filled().await;
    for path in ["/resources/view", "/resources/view?key=arn%3Aaws%3As3%3A%3A%3Anone"] {
        assert_eq!(bench.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
