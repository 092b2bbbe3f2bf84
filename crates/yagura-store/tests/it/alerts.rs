//! Alerts: kept once however often they come, joined by identity, found again, and what detectors
//! remember between runs.

use std::sync::Arc;

use jiff::Timestamp;
use yagura_model::alert::{
    About, Alert, Entity, EntityKind, Signal, SignalKind, Suppression, Witness,
};
use yagura_model::{Prose, RowRequest, RowValue, Severity};
use yagura_store::Store;
use yagura_store::alerts::{AlertCursor, AlertFilter, Alerts, Kept};

use crate::bed::{ACCOUNT, at, beds};

const HOUR_US: i64 = 3_600_000_000;

fn about(content: &str) -> About {
    About {
        kind: SignalKind::Detection,
        content: content.into(),
        path: format!("detections/{content}.yaml").into(),
        title: Prose { en: format!("{content} happened"), ja: format!("{content} が起きた") },
        tags: vec!["attack.t1562.008".into()],
        window_us: 24 * HOUR_US,
        shadow: false,
    }
}

/// An alert of one event of a minute of the tests' day, by somebody.
fn alert(content: &str, actor: &str, minute: i64, event: u32) -> Alert {
    let time_us = at(minute).as_microsecond();
    let witness = Witness {
        time_us,
        source: "cloudtrail".into(),
        id: format!("event-{event}").into(),
        account: Some(ACCOUNT.into()),
        region: Some("us-east-1".into()),
        actor: Some(actor.into()),
        address: Some("192.0.2.1".into()),
        action: Some("StopLogging".into()),
        resources: vec![format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/{event}").into()],
        ..Witness::default()
    };
    let signal = Signal {
        kind: SignalKind::Detection,
        content: content.into(),
        severity: Severity::High,
        weak: false,
        entity: Entity { kind: EntityKind::Actor, id: Arc::from(actor) },
        time_us,
        witness,
        matched: vec![],
        contrast: None,
        more: vec![],
        more_events: vec![],
        events_total: 1,
        story: vec![],
    };
    Alert::of(&about(content), signal)
}

async fn kept(alerts: &Alerts, some: &[Alert]) -> (usize, u64, u64) {
    let Kept { new, grown, same } = alerts.keep(some, at(100)).await.unwrap();
    (new.len(), grown, same)
}

async fn all(alerts: &Alerts, filter: AlertFilter) -> Vec<String> {
    let page = alerts.list(&filter, 100).await.unwrap();
    assert!(!page.more);
    let line = |one: &Alert| format!("{} {} {}", one.content, one.entity.id, one.count().0);
    page.alerts.iter().map(|one| line(&one.alert)).collect()
}

#[tokio::test]
async fn the_same_alert_twice_is_one_and_counts_no_higher() {
    for bed in beds().await {
        let alerts = bed.open().await.alerts();
        let one = [alert("a", "alice", 0, 1)];
        assert_eq!(kept(&alerts, &one).await, (1, 0, 0));
        assert_eq!(kept(&alerts, &one).await, (0, 0, 1));
        assert_eq!(kept(&alerts, &[one[0].clone(), one[0].clone()]).await, (0, 0, 1));
        assert_eq!(all(&alerts, AlertFilter::default()).await, ["a alice 1"]);
    }
}

#[tokio::test]
async fn a_further_event_joins_the_alert_of_its_window() {
    for bed in beds().await {
        let alerts = bed.open().await.alerts();
        kept(&alerts, &[alert("a", "alice", 5, 1)]).await;
        assert_eq!(kept(&alerts, &[alert("a", "alice", 0, 2)]).await, (0, 1, 0));
        assert_eq!(kept(&alerts, &[alert("a", "bob", 0, 3)]).await, (1, 0, 0));
        let found = alerts.list(&AlertFilter::default(), 10).await.unwrap().alerts;
        let joined = &found.iter().find(|one| &*one.alert.entity.id == "alice").unwrap().alert;
        assert_eq!(joined.count(), (2, true));
        assert_eq!(joined.first_us, at(0).as_microsecond());
        assert_eq!(joined.last_us, at(5).as_microsecond());
    }
}

#[tokio::test]
async fn two_processes_that_keep_the_same_alerts_lose_nothing() {
    for bed in beds().await {
        let of = |half: u32| -> Vec<Alert> {
            let events = (0..40).map(|event| event * 2 + half);
            events.map(|event| alert("a", &format!("actor-{}", event % 4), 1, event)).collect()
        };
        let (one, other) = (bed.open().await, bed.open().await);
        let keep = |store: Store, mine: Vec<Alert>| async move {
            for some in mine.chunks(3) {
                store.alerts().keep(some, at(100)).await.unwrap();
            }
        };
        tokio::join!(keep(one.clone(), of(0)), keep(other, of(1)));
        let found = one.alerts().list(&AlertFilter::default(), 10).await.unwrap().alerts;
        assert_eq!(found.len(), 4);
        assert!(found.iter().all(|one| one.alert.count() == (20, true)), "{found:?}");
    }
}

#[tokio::test]
async fn a_filter_leaves_out_what_does_not_fit() {
    for bed in beds().await {
        let alerts = bed.open().await.alerts();
        let low = Alert { severity: Severity::Low, ..alert("cloudtrail.b", "bob", 60, 2) };
        kept(&alerts, &[alert("cloudtrail.a", "alice", 0, 1), low]).await;
        let check = async |filter: AlertFilter, expected: &[&str]| {
            let found = all(&alerts, filter.clone()).await;
            assert_eq!(found, expected, "{filter:?}");
        };
        let none = AlertFilter::default;
        check(none(), &["cloudtrail.b bob 1", "cloudtrail.a alice 1"]).await;
        check(AlertFilter { since: Some(at(1)), ..none() }, &["cloudtrail.b bob 1"]).await;
        check(AlertFilter { until: Some(at(60)), ..none() }, &["cloudtrail.a alice 1"]).await;
        let high = Some(Severity::High);
        check(AlertFilter { severity: high, ..none() }, &["cloudtrail.a alice 1"]).await;
        let named = |content: &str| AlertFilter { content: Some(content.into()), ..none() };
        check(named("cloudtrail.a"), &["cloudtrail.a alice 1"]).await;
        check(named("*.b"), &["cloudtrail.b bob 1"]).await;
        check(named("cloudtrail_a"), &[]).await;
        let about = |entity: &str| AlertFilter { entity: Some(entity.into()), ..none() };
        check(about("bob"), &["cloudtrail.b bob 1"]).await;
        check(about("192.0.2.1"), &["cloudtrail.b bob 1", "cloudtrail.a alice 1"]).await;
        check(about("192.0.2.2"), &[]).await;
        let in_account = |id: &str| AlertFilter { account: Some(id.into()), ..none() };
        check(in_account(ACCOUNT), &["cloudtrail.b bob 1", "cloudtrail.a alice 1"]).await;
        check(in_account("999999999999"), &[]).await;
        assert_eq!(alerts.counts(&none()).await.unwrap(), [0, 1, 0, 1, 0]);
    }
}

#[tokio::test]
async fn what_is_suppressed_or_in_shadow_is_kept_and_not_told() {
    for bed in beds().await {
        let alerts = bed.open().await.alerts();
        let until = Suppression { expires: at(30), owner: "sam".into(), reason: "known".into() };
        let quiet = Alert { suppressed: Some(until), ..alert("a", "alice", 0, 1) };
        let shadow = Alert { shadow: true, ..alert("b", "alice", 0, 2) };
        kept(&alerts, &[quiet, shadow]).await;
        let told = |minute| AlertFilter { told_at: Some(at(minute)), ..AlertFilter::default() };
        assert_eq!(all(&alerts, told(20)).await, Vec::<String>::new());
        assert_eq!(all(&alerts, told(30)).await, ["a alice 1"], "the suppression has ended");
        assert_eq!(all(&alerts, AlertFilter::default()).await.len(), 2);
    }
}

#[tokio::test]
async fn a_list_is_read_page_by_page_and_says_that_there_is_more() {
    for bed in beds().await {
        let alerts = bed.open().await.alerts();
        // Of the same time, so that only their numbers tell them apart.
        let many: Vec<Alert> = (0..7).map(|n| alert("a", &format!("actor-{n}"), 3, n)).collect();
        kept(&alerts, &many).await;
        let mut filter = AlertFilter::default();
        let mut seen = Vec::new();
        loop {
            let page = alerts.list(&filter, 3).await.unwrap();
            seen.extend(page.alerts.iter().map(|one| one.alert.entity.id.to_string()));
            if !page.more {
                break;
            }
            filter.after = page.alerts.last().map(|last| last.place);
        }
        seen.sort();
        assert_eq!(seen, (0..7).map(|n| format!("actor-{n}")).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_alert_is_found_by_the_beginning_of_its_identity() {
    for bed in beds().await {
        let alerts = bed.open().await.alerts();
        let one = alert("a", "alice", 0, 1);
        kept(&alerts, &[one.clone(), alert("b", "bob", 0, 2)]).await;
        let found = alerts.find(one.id.get(..8).unwrap(), 5).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].alert, one);
        assert_eq!(found[0].raised, at(100));
        assert!(alerts.find("", 5).await.unwrap().is_empty());
        assert!(alerts.find("' OR 1", 5).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn names_from_logs_stay_what_they_are() {
    for bed in beds().await {
        let alerts = bed.open().await.alerts();
        let hostile = "x'); DROP TABLE alerts; --\u{202e}";
        kept(&alerts, &[alert("a", hostile, 0, 1), alert("a", "nul\0byte", 0, 2)]).await;
        let filter = AlertFilter { entity: Some(hostile.into()), ..AlertFilter::default() };
        let found = alerts.list(&filter, 5).await.unwrap().alerts;
        assert_eq!(&*found[0].alert.entity.id, hostile);
    }
}

#[tokio::test]
async fn what_changed_is_read_on_from_where_reading_ended() {
    for bed in beds().await {
        let alerts = bed.open().await.alerts();
        let some = [alert("a.one", "eve", 1, 1), alert("a.two", "eve", 2, 2)];
        alerts.keep(&some, at(10)).await.unwrap();
        let page = alerts.changed_after(AlertCursor::default(), 1).await.unwrap();
        let [first] = page.as_slice() else { panic!("{page:?}") };
        let rest = alerts.changed_after(first.cursor(), 10).await.unwrap();
        let [second] = rest.as_slice() else { panic!("{rest:?}") };
        assert_ne!(first.alert.id, second.alert.id);
        assert!(alerts.changed_after(second.cursor(), 10).await.unwrap().is_empty());
        // What grows comes again; what is kept once more and stays the same does not.
        alerts.keep(&[some[1].clone()], at(11)).await.unwrap();
        assert!(alerts.changed_after(second.cursor(), 10).await.unwrap().is_empty());
        alerts.keep(&[alert("a.one", "eve", 3, 3)], at(12)).await.unwrap();
        let grown = alerts.changed_after(second.cursor(), 10).await.unwrap();
        assert_eq!(grown.len(), 1);
        assert_eq!(&*grown[0].alert.content, "a.one");
        let again = alerts.changed_after(AlertCursor::before(at(12)), 10).await.unwrap();
        assert_eq!(again, grown);
    }
}

#[tokio::test]
async fn a_state_is_saved_only_over_the_one_it_was_made_from() {
    for bed in beds().await {
        let alerts = bed.open().await.alerts();
        let save = async |former, state: &[u8]| {
            alerts.save_state("detector", former, state, at(1)).await.unwrap()
        };
        assert_eq!(alerts.state("detector").await.unwrap(), None);
        assert_eq!(save(None, b"one").await, Some(1));
        assert_eq!(save(None, b"lost").await, None, "another process was first");
        assert_eq!(save(Some(1), &[0; 5_000]).await, Some(2));
        assert_eq!(save(Some(1), b"lost").await, None);
        let found = alerts.state("detector").await.unwrap().unwrap();
        assert_eq!((found.revision, found.state.len()), (2, 5_000));
        assert_eq!(found.saved, at(1));
        assert_eq!(alerts.state("other").await.unwrap(), None);
    }
}

#[tokio::test]
async fn alerts_are_a_table_of_sql() {
    for bed in beds().await {
        let store = bed.open().await;
        kept(&store.alerts(), &[alert("a", "alice", 0, 1)]).await;
        let rows = store.rows(vec![]);
        let tables = rows.tables().await.unwrap();
        let table = tables.iter().find(|table| table.name == "alerts").unwrap();
        let columns = (0..table.columns.len()).collect();
        let request = RowRequest { table: "alerts".into(), columns, ..RowRequest::default() };
        let page = rows.read(request).next().await.unwrap().unwrap();
        let at_column = |name: &str| {
            let at = table.columns.iter().position(|column| column.name == name).unwrap();
            page[0][at].clone()
        };
        assert_eq!(at_column("entity"), RowValue::Text("alice".into()));
        assert_eq!(at_column("events"), RowValue::Integer(1));
        assert_eq!(at_column("first"), RowValue::Time(at(0)));
        assert_eq!(at_column("accounts"), RowValue::Text(format!("[\"{ACCOUNT}\"]")));
    }
}

#[test]
fn minutes_of_the_tests_lie_in_one_window() {
    let day = |time: Timestamp| time.as_microsecond() / (24 * HOUR_US);
    assert_eq!(day(at(0)), day(at(60)));
}

#[tokio::test]
async fn alerts_are_cut_to_accounts_and_counted_over_time() {
    for bed in beds().await {
        let alerts = bed.open().await.alerts();
        let some = [
            alert("cloudtrail.a", "alice", 0, 1),
            alert("cloudtrail.b", "bob", 30, 2),
            alert("vpc%flow.c", "eve", 90, 3),
        ];
        kept(&alerts, &some).await;
        let within = |accounts: &[&str]| AlertFilter {
            accounts: Some(accounts.iter().map(|one| (*one).to_owned()).collect()),
            ..AlertFilter::default()
        };
        assert_eq!(all(&alerts, within(&["999999999999", ACCOUNT])).await.len(), 3);
        assert!(all(&alerts, within(&["999999999999"])).await.is_empty());
        assert!(all(&alerts, within(&[])).await.is_empty());
        let of = |source: &str| AlertFilter {
            source: Some(source.to_owned()),
            ..AlertFilter::default()
        };
        assert_eq!(all(&alerts, of("cloudtrail")).await.len(), 2);
        assert_eq!(all(&alerts, of("vpc%flow")).await.len(), 1);
        assert!(all(&alerts, of("cloud%")).await.is_empty(), "no wildcards here");
        assert!(all(&alerts, of("cloud*")).await.is_empty(), "no wildcards here");
        let steps = alerts.over_time(&AlertFilter::default(), HOUR_US, 0, 10).await.unwrap();
        let counts: Vec<u64> = steps.iter().map(|(_, counts)| counts.iter().sum()).collect();
        assert_eq!(counts, [2, 1], "{steps:?}");
        assert!(steps.iter().all(|(start, _)| start % HOUR_US == 0), "{steps:?}");
        let newest = alerts.over_time(&AlertFilter::default(), HOUR_US, 0, 1).await.unwrap();
        assert_eq!(newest, steps[1..]);
    }
}
