//! The pages of findings and the overview: what they show, what forms change, and that hostile
//! names stay names. Scope is tested beside the pages (`src/pages/findings/tests.rs`).

use http::{StatusCode, header};
use serde_json::json;
use yagura_model::finding::Act;
use yagura_model::finding::{
    Actor, Finding, FindingKind, FindingState, MarkKind, Observation, Rank, RankFactor, RankReason,
    Scope, Ticket,
};
use yagura_model::{Prose, Severity};

use crate::support::{Bench, NOW};

const ACCOUNT: &str = "111122223333";

/// A control that a bucket fails.
fn seen(bucket: &str) -> Observation {
    let now: jiff::Timestamp = NOW.parse().unwrap();
    Observation {
        kind: FindingKind::Control,
        content: "s3.bucket_versioning_enabled".into(),
        path: None,
        key: format!("arn:aws:s3:::{bucket}"),
        sub_key: String::new(),
        title: Prose { en: "Versioned".into(), ja: "権限昇格".into() },
        severity: Severity::High,
        account: ACCOUNT.into(),
        region: "eu-west-1".into(),
        resource_type: Some("AWS::S3::Bucket".into()),
        resource_name: Some(bucket.into()),
        cause: format!("s3.bucket_versioning_enabled@{ACCOUNT}"),
        first_us: now.as_microsecond() - 3_600_000_000,
        last_us: now.as_microsecond() - 60_000_000,
        occurrences: 1,
        rank: Rank {
            points: 410,
            reasons: vec![RankReason {
                factor: RankFactor::Exposure,
                points: 40,
                why: Prose { en: "open to all".into(), ja: "公開".into() },
            }],
        },
        marks: vec![(MarkKind::Tag, "env=prod".into())],
        suppression: None,
        evidence: json!({"members": {"a": 1}, "who": "<script>alert(1)</script>\u{202e}"}),
    }
}

async fn keep(bench: &Bench, some: &[Observation]) -> Vec<Finding> {
    let findings = bench.store.findings(Scope::All);
    let actor = Actor::Yagura("scan".into());
    findings.observe(some, &actor, NOW.parse().unwrap()).await.unwrap();
    let ids: Vec<String> = some.iter().map(Observation::id).collect();
    findings.get_many(&ids).await.unwrap()
}

/// Keeps one finding of an account; answers its id.
pub(crate) async fn one(bench: &Bench, account: &str, severity: Severity) -> String {
    let key = format!("arn:aws:s3:::in-{account}");
    let some = Observation { account: account.to_owned(), severity, key, ..seen("in") };
    keep(bench, &[some]).await.remove(0).id
}

async fn now_is(bench: &Bench, id: &str) -> Finding {
    bench.store.findings(Scope::All).get(id).await.unwrap().unwrap()
}

async fn told_after(bench: &Bench, path: &str, form: &str) -> String {
    let got = bench.post(path, form).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER, "{}", got.text);
    let to = got.headers[header::LOCATION].to_str().unwrap().to_owned();
    let page = bench.get(&to).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    page.text
}

#[tokio::test]
async fn a_first_run_says_what_to_do() {
    let bench = Bench::open().await;
    for (lang, words) in [("en", "Nothing was read yet"), ("ja", "まだ何も読み取っていません")]
    {
        let got = bench.get_in("/", lang).await;
        assert_eq!(got.status, StatusCode::OK, "{}", got.text);
        assert!(got.text.contains(words) && got.text.contains("yagura scan"), "{}", got.text);
    }
    let got = bench.get("/findings").await;
    assert!(got.text.contains("Nothing is open"), "{}", got.text);
}

#[tokio::test]
async fn the_list_shows_filters_and_finds_in_both_languages() {
    let bench = Bench::open().await;
    keep(&bench, &[seen("alpha"), Observation { severity: Severity::Low, ..seen("beta") }]).await;
    for (path, shown, hidden) in [
        ("/findings", "alpha", "nothing-like-this"),
        ("/findings?severity=low", "title=\"arn:aws:s3:::beta\"", "title=\"arn:aws:s3:::alpha\""),
        ("/findings?q=%E6%A8%A9%E9%99%90", "alpha", "Nothing matches"),
        ("/findings?state=resolved", "Nothing matches", "title=\"arn:aws:s3:::alpha\""),
        ("/findings?mark=tag%3Aenv%3Dprod&label=none", "Nothing matches", "alpha"),
        ("/findings?assignee=nobody&since=1d&rank=400", "alpha", "Nothing matches"),
        ("/findings?view=groups", "s3.bucket_versioning_enabled@111122223333", "data-ticks"),
    ] {
        let got = bench.get(path).await;
        assert_eq!(got.status, StatusCode::OK, "{path} {}", got.text);
        assert!(got.text.contains(shown), "{path}: {shown} in {}", got.text);
        assert!(!got.text.contains(hidden), "{path}: {hidden} in {}", got.text);
    }
    let got = bench.get_in("/findings", "ja").await;
    assert!(got.text.contains("権限昇格") && got.text.contains("担当者"), "{}", got.text);
    let bad = bench.get("/findings?severity=awful").await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    assert!(bad.text.contains("awful"), "{}", bad.text);
}

#[tokio::test]
async fn pages_follow_one_another_without_repeating() {
    let bench = Bench::open().await;
    let some: Vec<_> = (0..60).map(|n| seen(&format!("bucket-{n:02}"))).collect();
    keep(&bench, &some).await;
    let first = bench.get("/findings").await.text;
    let next = first.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let second = bench.get(&format!("/findings{}", next.replace("&amp;", "&"))).await.text;
    for n in 0..60 {
        let name = format!("title=\"arn:aws:s3:::bucket-{n:02}\"");
        assert!(first.contains(&name) != second.contains(&name), "{name}");
    }
}

#[tokio::test]
async fn hostile_names_stay_names() {
    let bench = Bench::open().await;
    let hostile = "<script>alert(1)</script>\u{202e}\u{200b}\"'><img src=x>";
    let long = "a".repeat(10_000);
    let some = [
        Observation {
            title: Prose { en: hostile.into(), ja: hostile.into() },
            resource_name: Some(hostile.into()),
            region: hostile.into(),
            cause: hostile.into(),
            content: hostile.into(),
            kind: FindingKind::Import,
            marks: vec![(MarkKind::Actor, hostile.into())],
            ..seen("one")
        },
        Observation { title: Prose { en: long.clone(), ja: long.clone() }, ..seen("two") },
    ];
    let kept = keep(&bench, &some).await;
    let findings = bench.store.findings(Scope::All);
    let (actor, now) = (Actor::Person(hostile.into()), NOW.parse().unwrap());
    for act in [
        Act::Comment { text: hostile.into() },
        Act::Label { label: hostile.into() },
        Act::Assign { to: Some(hostile.into()) },
        Act::LinkTicket(Ticket {
            system: "jira".into(),
            key: hostile.into(),
            url: "javascript:alert(1)".into(),
        }),
    ] {
        findings.act(&[kept[0].id.clone()], &act, &actor, now, None).await.unwrap();
    }
    let one = format!("/findings/{}", kept[0].id);
    let two = format!("/findings/{}", kept[1].id);
    for path in ["/", "/findings", "/findings?view=groups", &one, &two] {
        let got = bench.get(path).await;
        assert_eq!(got.status, StatusCode::OK, "{path} {}", got.text);
        for bad in ["<script>alert", "<img src=x", "\u{202e}", "\u{200b}", "href=\"javascript:"] {
            assert!(!got.text.contains(bad), "{path}: {bad:?} in {}", got.text);
        }
        assert!(!got.text.contains(&"a".repeat(1_000)), "{path}: cut");
    }
    assert!(bench.get(&one).await.text.contains("&lt;script&gt;alert(1)"));
}

#[tokio::test]
async fn one_finding_tells_everything_and_is_found_by_its_first_digits() {
    let bench = Bench::open().await;
    let kept = keep(&bench, &[seen("alpha"), seen("beta")]).await;
    let got = bench.get(&format!("/findings/{}", &kept[0].id[..10])).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    for shown in [
        "arn:aws:s3:::alpha",
        "open to all",
        "410",
        "env=prod",
        "seen for the first time",
        "Nobody: no route led to a target.",
        "From the same cause",
        "/resources/view?key=arn%3Aaws",
    ] {
        assert!(got.text.contains(shown), "{shown} in {}", got.text);
    }
    for id in ["0123456789abcdef0123456789abcdef", "abc", "..%2F..", "zzzzzzzzzz"] {
        assert_eq!(bench.get(&format!("/findings/{id}")).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn forms_change_what_they_say() {
    let bench = Bench::open().await;
    let kept = keep(&bench, &[seen("alpha")]).await;
    let id = &kept[0].id;
    let path = format!("/findings/{id}");
    let act = async |form: &str| {
        let version = now_is(&bench, id).await.version;
        told_after(&bench, &path, &format!("version={version}&{form}")).await
    };
    assert!(act("act=acknowledge").await.contains("1 finding changed"));
    assert_eq!(now_is(&bench, id).await.state, FindingState::Acknowledged);
    act("act=assign_me").await;
    assert_eq!(now_is(&bench, id).await.assignee.as_deref(), Some("demo"));
    act("act=due&due=2026-12-01").await;
    let due = now_is(&bench, id).await.due_us.unwrap();
    assert_eq!(due, "2026-12-01T23:59:59Z".parse::<jiff::Timestamp>().unwrap().as_microsecond());
    act("act=label&label=%E6%9C%AC%E7%95%AA").await;
    assert!(now_is(&bench, id).await.labels.contains("本番"));
    assert!(act("act=comment&text=looked+at+it").await.contains("looked at it"));
    act("act=ticket&system=jira&key=SEC-1&url=https%3A%2F%2Fjira.example.com%2FSEC-1").await;
    assert_eq!(now_is(&bench, id).await.tickets.len(), 1);
    assert!(
        act("act=ticket&system=j&key=1&url=javascript%3Aalert(1)").await.contains("begins with")
    );
    assert_eq!(now_is(&bench, id).await.tickets.len(), 1, "no address but of the web");
    act("act=severity&severity=low").await;
    assert_eq!(now_is(&bench, id).await.severity, Severity::Low);
    assert!(act("act=suppress&until=2027-01-01&owner=aiko").await.contains("Give a reason"));
    assert!(act("act=suppress&until=2020-01-01&owner=a&reason=b").await.contains("has passed"));
    act("act=suppress&until=2027-01-01&owner=aiko&reason=test").await;
    assert_eq!(now_is(&bench, id).await.state, FindingState::Suppressed);
    act("act=reopen").await;
    assert_eq!(now_is(&bench, id).await.state, FindingState::New);
}

#[tokio::test]
async fn a_change_of_what_was_shown_is_a_conflict_that_says_so() {
    let bench = Bench::open().await;
    let kept = keep(&bench, &[seen("alpha"), seen("beta"), seen("gamma")]).await;
    let first = |n: usize| format!("one={}.{}", kept[n].id, kept[n].version);
    let path = format!("/findings/{}", kept[0].id);
    told_after(&bench, &path, &format!("version={}&act=start", kept[0].version)).await;
    let told = told_after(&bench, &path, &format!("version={}&act=resolve", kept[0].version)).await;
    assert!(told.contains("somebody changed it"), "{told}");
    assert_eq!(now_is(&bench, &kept[0].id).await.state, FindingState::InProgress);
    // A comment is an addition: it holds whatever others did.
    let comment = format!("version={}&act=comment&text=still+mine", kept[0].version);
    assert!(told_after(&bench, &path, &comment).await.contains("still mine"));
    let form = format!(
        "back=%2Ffindings%3Fseverity%3Dhigh&act=resolve&{}&{}&{}&one=zz.1",
        first(0),
        first(1),
        first(2)
    );
    let told = told_after(&bench, "/findings/act", &form).await;
    for said in ["2 findings changed", "1 finding was left alone", "1 finding is no longer there"] {
        assert!(told.contains(said), "{said} in {told}");
    }
    assert_eq!(now_is(&bench, &kept[1].id).await.state, FindingState::Resolved);
    let told = told_after(&bench, "/findings/act", "act=resolve").await;
    assert!(told.contains("Nothing was selected"), "{told}");
    let told = told_after(&bench, "/findings/act", &format!("act=&{}", first(2))).await;
    assert!(told.contains("Choose what to do"), "{told}");
}

#[tokio::test]
async fn an_answer_in_an_address_says_nothing_but_our_words() {
    let bench = Bench::open().await;
    let got = bench.get("/findings?told=%3Cb%3Ehacked.1,missing-%3Ci%3E.1,refused-x.1").await;
    assert!(!got.text.contains("hacked") && !got.text.contains("role=\"status\"><ul"));
}

#[tokio::test]
async fn views_are_kept_shown_and_removed() {
    let bench = Bench::open().await;
    keep(&bench, &[seen("alpha")]).await;
    let form = "name=Urgent+ones&question=severity%3Dhigh%26after%3D1.2&shared=yes";
    let page = told_after(&bench, "/findings/views", form).await;
    assert!(page.contains("The view is saved") && page.contains(">Urgent ones"), "{page}");
    assert!(page.contains("href=\"/findings?severity=high\" aria-current=\"page\""), "{page}");
    let number = bench.store.views().seen_by("demo").await.unwrap()[0].number;
    let remove = format!("number={number}&back=%2Ffindings");
    assert!(told_after(&bench, "/findings/views/remove", &remove).await.contains("is removed"));
    let again = bench.post("/findings/views/remove", &remove).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    let senseless = bench.post("/findings/views", "name=x&question=severity%3Dawful").await;
    assert_eq!(senseless.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_list_is_a_file_too() {
    let bench = Bench::open().await;
    keep(&bench, &[seen("alpha"), Observation { severity: Severity::Low, ..seen("beta") }]).await;
    let got = bench.get("/findings/file/csv?severity=low").await;
    assert_eq!(got.status, StatusCode::OK);
    assert!(got.text.contains("beta") && !got.text.contains("alpha"), "{}", got.text);
    let name = got.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert!(name.contains("yagura-findings-20261122-030000.csv"), "{name}");
    let got = bench.get("/findings/file/jsonl").await;
    assert_eq!(got.text.lines().count(), 2);
    assert!(got.text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    assert_eq!(bench.get("/findings/file/exe").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn keys_are_told_without_scripts() {
    let bench = Bench::open().await;
    for (lang, words) in [("en", "Select the line"), ("ja", "行を選択")] {
        let got = bench.get_in("/findings/keys", lang).await;
        assert!(got.text.contains(words) && got.text.contains("<kbd>j</kbd>"), "{}", got.text);
    }
}
