//! What holds for every page: headers, languages, faults, the way in.

use http::{StatusCode, header};
use yagura_console::Entrance;

use crate::support::Bench;

#[tokio::test]
async fn a_page_that_is_not_there_says_so_in_both_languages() {
    let bench = Bench::open().await;
    for (lang, words) in [("en", "There is no such page"), ("ja", "ページが見つかりません")]
    {
        let got = bench.get_in("/nowhere/at/all", lang).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND);
        assert!(got.text.contains(words), "{}", got.text);
        assert!(got.text.contains(&format!("<html lang=\"{lang}\"")), "{}", got.text);
    }
}

#[tokio::test]
async fn every_answer_forbids_inline_scripts_and_frames() {
    let bench = Bench::open().await;
    for path in ["/nowhere", "/assets/nothing.css"] {
        let got = bench.get(path).await;
        let policy = got.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    }
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let bench = Bench::with(Entrance::SignIn).await;
    let request = http::Request::post("/preferences")
        .header("sec-fetch-site", "cross-site")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(axum::body::Body::from("theme=dark"))
        .unwrap();
    let got = bench.send(request).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert!(got.headers.get(header::SET_COOKIE).is_none());
    let own = bench.post("/preferences", "theme=dark&back=/findings").await;
    assert_eq!(own.status, StatusCode::SEE_OTHER);
    assert_eq!(own.headers[header::LOCATION], "/findings");
}
