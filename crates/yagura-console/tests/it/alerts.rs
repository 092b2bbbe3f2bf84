//! `/alerts` and one alert: what is shown, filtered and paged, in both languages, with hostile names
//! rendered as text.

use std::sync::Arc;

use http::StatusCode;
use jiff::Timestamp;
use yagura_model::alert::{About, Alert, Entity, EntityKind, Matched, Signal, SignalKind, Witness};
use yagura_model::{Prose, Severity};

use crate::support::{Bench, NOW};

const ACCOUNT: &str = "111122223333";
const HOSTILE: &str = "arn:aws:iam::111122223333:user/<img src=x onerror=alert(1)>\u{202e}";

/// An alert some minutes before now.
fn alert(content: &str, actor: &str, minutes: i64, severity: Severity) -> Alert {
    alert_in(ACCOUNT, content, actor, minutes, severity)
}

/// The same of an account.
pub(crate) fn alert_in(
    account: &str,
    content: &str,
    actor: &str,
    minutes: i64,
    severity: Severity,
) -> Alert {
    let now: Timestamp = NOW.parse().unwrap();
    let time_us = now.as_microsecond() - minutes * 60_000_000;
    let about = About {
        kind: SignalKind::Detection,
        content: content.into(),
        path: format!("detections/{content}.yaml").into(),
        title: Prose {
            en: "Logging was stopped".into(), ja: "記録が停止されました".into()
        },
        tags: vec!["attack.defense-evasion".into(), "attack.t1562.008".into()],
        window_us: 3_600_000_000,
        shadow: false,
    };
    let witness = Witness {
        time_us,
        source: "cloudtrail".into(),
        id: format!("event-{minutes}").into(),
        account: Some(account.into()),
        region: Some("us-east-1".into()),
        actor: Some(actor.into()),
        address: Some("192.0.2.9".into()),
        action: Some("StopLogging".into()),
        ..Witness::default()
    };
    let signal = Signal {
        kind: SignalKind::Detection,
        content: content.into(),
        severity,
        weak: false,
        entity: Entity { kind: EntityKind::Actor, id: Arc::from(actor) },
        time_us,
        witness,
        matched: vec![Matched::new("selection", "eventName", Some("<b>StopLogging"))],
        contrast: None,
        more: Vec::new(),
        more_events: Vec::new(),
        events_total: 1,
        story: Vec::new(),
    };
    Alert::of(&about, signal)
}

async fn bench(alerts: &[Alert]) -> Bench {
    let bench = Bench::open().await;
    bench.store.alerts().keep(alerts, NOW.parse().unwrap()).await.unwrap();
    bench
}

#[tokio::test]
async fn without_alerts_the_page_says_how_logs_are_read() {
    let bench = Bench::open().await;
    for (lang, words) in [("en", "No alerts"), ("ja", "アラートはありません")] {
        let got = bench.get_in("/alerts", lang).await;
        assert_eq!(got.status, StatusCode::OK);
        assert!(got.text.contains(words) && got.text.contains("yagura ingest"), "{}", got.text);
    }
}

#[tokio::test]
async fn alerts_stand_on_a_line_of_time_and_in_a_list_in_both_languages() {
    let some = [
        alert("cloudtrail.a", "alice", 60, Severity::High),
        alert("cloudtrail.b", HOSTILE, 3_000, Severity::Low),
    ];
    let bench = bench(&some).await;
    let said = [("en", "Logging was stopped", "High"), ("ja", "記録が停止されました", "高")];
    for (lang, title, severity) in said {
        let got = bench.get_in("/alerts", lang).await;
        assert!(got.text.contains(title) && got.text.contains(severity), "{}", got.text);
        assert!(got.text.contains("class=\"chart columns\""), "{}", got.text);
        assert!(got.text.contains(&format!("/alerts/{}", some[0].id)), "{}", got.text);
        assert!(!got.text.contains("<img src=x") && !got.text.contains('\u{202e}'));
    }
}

#[tokio::test]
async fn filters_are_in_the_address_and_leave_out_what_does_not_fit() {
    let some = [
        alert("cloudtrail.a", "alice", 60, Severity::High),
        alert("vpc_flow.b", "bob", 3_000, Severity::Low),
    ];
    let bench = bench(&some).await;
    for (query, first, second) in [
        ("", true, true),
        ("?severity=high", true, false),
        ("?entity=bob", false, true),
        ("?source=cloudtrail", true, false),
        ("?detection=vpc_*", false, true),
        ("?account=111122223333", true, true),
        ("?account=999999999999", false, false),
        ("?span=24h", true, false),
        ("?span=all", true, true),
        ("?severity=nonsense&span=nonsense&after=nonsense", true, true),
    ] {
        let got = bench.get(&format!("/alerts{query}")).await;
        assert_eq!(got.status, StatusCode::OK, "{query}");
        assert_eq!(got.text.contains(&some[0].id), first, "{query}");
        assert_eq!(got.text.contains(&some[1].id), second, "{query}");
    }
}

#[tokio::test]
async fn a_long_list_is_paged_and_every_alert_stands_on_one_page() {
    let some: Vec<Alert> =
        (0..70).map(|n| alert("cloudtrail.a", &format!("user-{n}"), n, Severity::Low)).collect();
    let bench = bench(&some).await;
    let first = bench.get("/alerts").await.text;
    let next = first.split("rel=\"next\" href=\"").nth(1).unwrap();
    let next = next.split('"').next().unwrap().replace("&amp;", "&");
    let second = bench.get(&format!("/alerts{next}")).await.text;
    for alert in &some {
        let seen = [&first, &second].iter().filter(|page| page.contains(&alert.id)).count();
        assert_eq!(seen, 1, "{}", alert.entity.id);
    }
}

#[tokio::test]
async fn an_alert_tells_its_story_and_leads_on() {
    let some = [
        alert("cloudtrail.trail_logging_stopped", HOSTILE, 60, Severity::High),
        alert("cloudtrail.other", HOSTILE, 200, Severity::Low),
    ];
    let bench = bench(&some).await;
    let path = format!("/alerts/{}", some[0].id);
    for (lang, words) in [("en", "What matched"), ("ja", "関連")] {
        let got = bench.get_in(&path, lang).await;
        assert_eq!(got.status, StatusCode::OK, "{}", got.text);
        assert!(lang == "ja" || got.text.contains(words), "{}", got.text);
        for shown in ["StopLogging", "T1562.008", "192.0.2.9", "/logs?sql=", "&lt;b&gt;StopLogging"]
        {
            assert!(got.text.contains(shown), "{shown}: {}", got.text);
        }
        assert!(got.text.contains(&some[1].id), "the other alert of the principal");
        assert!(!got.text.contains("<img src=x") && !got.text.contains("<b>StopLogging"));
    }
}

#[tokio::test]
async fn an_alert_that_is_not_there_is_not_found() {
    let bench = bench(&[alert("cloudtrail.a", "alice", 60, Severity::High)]).await;
    for id in ["0".repeat(32), "0".repeat(4), "x".repeat(32), "%27--".to_owned()] {
        let got = bench.get(&format!("/alerts/{id}")).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{id}");
    }
}
