//! Full-text search over findings: the same cases on both databases, in Japanese and English.

use yagura_model::Prose;
use yagura_model::finding::{Act, Observation, Scope};
use yagura_store::findings::{
    COMPARED_MAX, FindingFilter, FindingOrder, Findings, GroupBy, GroupPage, Page,
};

use crate::bed::beds;
use crate::findings::{act_on, listed, observe, seen};

fn titled(bucket: &str, en: &str, ja: &str) -> Observation {
    Observation { title: Prose { en: en.into(), ja: ja.into() }, ..seen("a", bucket, 0) }
}

async fn found(findings: &Findings, text: &str) -> Vec<String> {
    let filter = FindingFilter { text: Some(text.into()), ..FindingFilter::default() };
    let mut names = listed(findings, &filter).await;
    names.sort_unstable();
    names
}

#[tokio::test]
async fn words_are_found_in_both_languages_however_they_are_written() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        let some = [
            titled("one", "Privilege escalation is possible", "権限昇格が可能です"),
            titled("two", "Bucket is not encrypted", "バケットが暗号化されていません"),
            titled("three", "An access key was exposed", "アクセスキーが公開されました"),
            titled("four", "Escalated to the privileged team", "昇格した権限があります"),
        ];
        observe(&findings, &some, 1).await;
        for (text, expected) in [
            ("権限", &["four", "one"][..]),
            ("昇格", &["four", "one"]),
            ("権限昇格", &["one"]),
            ("権", &["four", "one"]),
            ("格", &["four", "one"]),
            ("昇格 可能", &["one"]),
            ("ﾊﾞｹｯﾄ", &["two"]),
            ("バケット", &["two"]),
            ("ＥＮＣＲＹＰＴＥＤ", &["two"]),
            ("not encrypted", &["two"]),
            ("\"not encrypted\"", &["two"]),
            ("\"encrypted not\"", &[]),
            ("encrypted not", &["two"]),
            ("crypt", &["two"]),
            ("access　key", &["three"]),
            ("arn:aws:s3:::three", &["three"]),
            ("cis/2.1.4", &["four", "one", "three", "two"]),
            ("escalat", &["four", "one"]),
            ("一", &[]),
            ("権可", &[]),
            ("%", &[]),
            ("", &["four", "one", "three", "two"]),
            (" \u{3000} ", &["four", "one", "three", "two"]),
            ("\" '; DROP TABLE findings; --", &[]),
        ] {
            assert_eq!(found(&findings, text).await, expected, "{text}");
        }
    }
}

#[tokio::test]
async fn a_changed_text_is_found_by_its_new_words_only() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        observe(&findings, &[titled("one", "old words", "古い")], 1).await;
        let newer = Observation { last_us: i64::MAX, ..titled("one", "new words", "新しい") };
        observe(&findings, &[newer], 2).await;
        assert_eq!(found(&findings, "新しい new").await, ["one"]);
        assert!(found(&findings, "old").await.is_empty());
        assert!(found(&findings, "古").await.is_empty());
        let id = seen("a", "one", 0).id();
        act_on(&findings, &id, Act::Label { label: "夏の棚卸し".into() }, 3).await;
        assert_eq!(found(&findings, "棚卸し").await, ["one"]);
        act_on(&findings, &id, Act::Unlabel { label: "夏の棚卸し".into() }, 4).await;
        assert!(found(&findings, "棚卸し").await.is_empty());
    }
}

#[tokio::test]
async fn comments_are_found_by_their_words_as_long_as_they_are_among_the_newest() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        observe(&findings, &[titled("one", "words", "語"), titled("two", "words", "語")], 1).await;
        let id = seen("a", "one", 0).id();
        let say = async |text: &str, minute: i64| {
            let text = text.to_owned();
            act_on(&findings, &id, Act::Comment { text }, minute).await
        };
        say("お客様の環境なので移行を待っています", 2).await;
        assert_eq!(found(&findings, "移行").await, ["one"]);
        assert_eq!(found(&findings, "移行を待 words").await, ["one"]);
        let filter =
            FindingFilter { text: Some("移行を待".into()), ..FindingFilter::default() };
        let count = findings.count(&filter).await.unwrap();
        assert_eq!((count.count, count.exact), (1, true));
        // Being seen again does not lose them.
        let again = Observation { last_us: i64::MAX, ..titled("one", "words", "語") };
        observe(&findings, &[again], 3).await;
        assert_eq!(found(&findings, "移行").await, ["one"]);
        say(&format!("{}終わり", "長".repeat(2_000)), 4).await;
        assert!(found(&findings, "終わり").await.is_empty(), "too far into a long comment");
        for minute in 5..25 {
            say("waiting", minute).await;
        }
        assert!(found(&findings, "移行").await.is_empty(), "twenty newer ones");
        let history = findings.history(&id, 0, 1_000).await.unwrap();
        let kept = history.iter().filter(|one| one.change.as_str() == "commented");
        assert_eq!(kept.count(), 22, "the history has them all");
    }
}

/// Triples of letters that stand apart are not the word, however many findings have them.
#[tokio::test]
async fn pages_are_exact_where_totals_are_only_bounded() {
    for bed in beds().await {
        let findings = bed.open().await.findings(Scope::All);
        let count = COMPARED_MAX + 10;
        let some: Vec<Observation> = (0..count)
            .map(|n| match n % 700 {
                0 => titled(&format!("b{n:05}"), "abcd", ""),
                _ => titled(&format!("b{n:05}"), "abc bcd", ""),
            })
            .collect();
        observe(&findings, &some, 1).await;
        let filter = FindingFilter { text: Some("abcd".into()), ..FindingFilter::default() };
        let mut page = Page { order: FindingOrder::Rank, limit: 2, after: None };
        let mut names = Vec::new();
        loop {
            let found = findings.list(&filter, &page).await.unwrap();
            assert_eq!((found.total.count, found.total.exact), (count as u64, false));
            names.extend(found.findings.into_iter().filter_map(|f| f.observation.resource_name));
            page.after = found.next;
            if page.after.is_none() {
                break;
            }
        }
        names.sort_unstable();
        assert_eq!(names, ["b00000", "b00700", "b01400"]);
        let counts = findings.count_by(&filter, GroupBy::Severity).await.unwrap();
        assert!(!counts.total.exact);
        // One condition more, and few enough are left to be compared.
        let fewer = FindingFilter { text: Some("abcd b007".into()), ..FindingFilter::default() };
        let total = findings.count(&fewer).await.unwrap();
        assert_eq!((total.count, total.exact), (1, true));
        let groups = findings.groups(&fewer, GroupPage::default()).await.unwrap();
        assert_eq!(groups.groups[0].count, 1);
    }
}
