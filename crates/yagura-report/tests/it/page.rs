//! The HTML page as a file of its own: it loads nothing, runs only what its policy names, reads
//! without script, and holds both languages.
//! Names from outside are in `hostile.rs`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use yagura_model::Lang;
use yagura_report::Format;

use crate::fixture::Fixture;

fn page(lang: Lang) -> String {
    Fixture::new().written(Format::Html, lang)
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).unwrap().1.split_once(to).unwrap().0
}

#[test]
fn the_policy_allows_exactly_the_style_and_the_script_of_the_page() {
    let page = page(Lang::En);
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\">");
    for (directive, source) in [
        ("style-src", between(&page, "<style>", "</style>")),
        ("script-src", between(&page, "<script>", "</script>")),
    ] {
        let hash = STANDARD.encode(Sha256::digest(source.as_bytes()));
        assert!(policy.contains(&format!("{directive} 'sha256-{hash}'")), "{policy}");
    }
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"));
    // What a policy by hashes would refuse.
    assert!(!page.contains(" style=\"") && !page.contains(" onclick="));
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let page = page(Lang::En);
    for loading in [
        " src=",
        "@import",
        "<iframe",
        "<img",
        "<object",
        "<embed",
        "fetch(",
        "XMLHttpRequest",
        "WebSocket",
        "sendBeacon",
        "import(",
    ] {
        assert!(!page.contains(loading), "{loading}");
    }
    assert_eq!(page.matches("<link ").count(), 1);
    assert!(page.contains("<link rel=\"icon\" href=\"data:,\">"));
    for (at, _) in page.match_indices("url(") {
        assert!(page[at..].starts_with("url(#"), "{}", &page[at..at + 40]);
    }
}

#[test]
fn the_page_reads_without_script() {
    for lang in Lang::ALL {
        let page = page(lang);
        let (body, _) = page.split_once("<script type=\"application/json\"").unwrap();
        for text in [
            "Buckets block all public access",
            "バケットですべてのパブリックアクセスをブロックする",
            "aws s3api put-public-access-block",
            "photos-1",
            "iam:GetAccountSummary",
            "山田 花子",
            "<noscript>",
        ] {
            assert!(body.contains(text), "{text}");
        }
    }
}

#[test]
fn the_page_opens_in_the_language_of_the_reader() {
    for (lang, code) in [(Lang::En, "en"), (Lang::Ja, "ja")] {
        let page = page(lang);
        assert!(page.contains(&format!("<html lang=\"{code}\">")));
        assert!(page.contains(&format!("id=\"lang-{code}\" value=\"{code}\" checked")));
        assert_eq!(page.matches("name=\"lang\"").count(), 2);
    }
}

#[test]
fn every_link_within_the_page_has_its_target() {
    let page = page(Lang::En);
    let mut links = 0;
    for (at, _) in page.match_indices("href=\"#") {
        let target = page[at + 7..].split('"').next().unwrap();
        assert!(page.contains(&format!("id=\"{target}\"")), "{target}");
        links += 1;
    }
    assert!(links > 40, "{links}");
}

#[test]
fn no_id_is_given_twice() {
    let page = page(Lang::En);
    let (body, _) = page.split_once("<script>").unwrap();
    let mut ids: Vec<_> = body
        .match_indices(" id=\"")
        .map(|(at, _)| body[at + 5..].split('"').next().unwrap())
        .collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn rows_are_compact() {
    let mut fixture = Fixture::new();
    let before = fixture.written(Format::Html, Lang::En).len();
    let copies = 1000;
    for n in 0..copies {
        let mut copy = fixture.verdicts[0].clone();
        copy.name = format!("photos-{n:05}");
        copy.key = format!("arn:aws:s3:::photos-{n:05}");
        fixture.verdicts.push(copy);
    }
    let grown = fixture.written(Format::Html, Lang::En).len() - before;
    // The first hundred rows also stand on the page itself.
    let per_row = (grown - 100 * 1000) / copies;
    assert!(per_row < 200, "{per_row} bytes a row");
}
