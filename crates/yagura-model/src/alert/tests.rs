//! Laws of alerts: merging is a union, sets stay within their bounds, identities are promises.
//! How signals come to be is tested in judge.

use proptest::prelude::*;

use super::*;

fn witness(number: u16) -> Witness {
    Witness {
        time_us: 1_000_000 + i64::from(number),
        source: "cloudtrail".into(),
        id: format!("event-{number}").into(),
        account: Some(format!("{:012}", number % 50).into()),
        address: Some(format!("192.0.2.{}", number % 200).into()),
        resources: vec![format!("bucket-{number}").into()],
        ..Witness::default()
    }
}

fn about() -> About {
    About {
        kind: SignalKind::Detection,
        content: "cloudtrail.trail_logging_stopped".into(),
        path: "detections/cloudtrail/trail_logging_stopped.yaml".into(),
        title: Prose { en: "stopped".into(), ja: "停止".into() },
        tags: vec!["attack.t1562.008".into()],
        window_us: 86_400_000_000,
        shadow: false,
    }
}

fn alert(numbers: &[u16], severity: Severity) -> Alert {
    let mut all: Option<Alert> = None;
    for number in numbers {
        let value = format!("{number}");
        let signal = Signal {
            kind: SignalKind::Detection,
            content: "cloudtrail.trail_logging_stopped".into(),
            severity,
            weak: false,
            entity: Entity { kind: EntityKind::Actor, id: "me".into() },
            time_us: witness(*number).time_us,
            witness: witness(*number),
            matched: vec![Matched::new("selection", "eventName", Some(&value))],
            contrast: None,
            more: Vec::new(),
            more_events: Vec::new(),
            events_total: 1,
            story: Vec::new(),
        };
        let one = Alert::of(&about(), signal);
        match &mut all {
            Some(all) => {
                all.merge(one);
            }
            None => all = Some(one),
        }
    }
    all.unwrap()
}

fn merged(mut a: Alert, b: &Alert) -> Alert {
    a.merge(b.clone());
    a
}

fn numbers() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(0..2_000_u16, 1..80)
}

fn severity() -> impl Strategy<Value = Severity> {
    prop::sample::select(Severity::ALL.to_vec())
}

proptest! {
    #[test]
    fn merging_is_a_union(
        a in numbers(), b in numbers(), c in numbers(),
        s in severity(), t in severity(), u in severity(),
    ) {
        let (a, b, c) = (alert(&a, s), alert(&b, t), alert(&c, u));
        prop_assert_eq!(merged(a.clone(), &b), merged(b.clone(), &a));
        let left = merged(merged(a.clone(), &b), &c);
        let right = merged(a.clone(), &merged(b.clone(), &c));
        prop_assert_eq!(&left, &right);
        prop_assert_eq!(merged(left.clone(), &a), left);
    }

    #[test]
    fn merging_tells_whether_it_changed_anything(
        a in numbers(), b in numbers(), s in severity(), t in severity(),
    ) {
        let (before, other) = (alert(&a, s), alert(&b, t));
        let mut after = before.clone();
        prop_assert_eq!(after.merge(other), after != before);
    }

    #[test]
    fn a_set_of_names_is_bounded_and_counts_what_it_left_out(
        names in prop::collection::vec(0..100_u16, 0..200),
    ) {
        let distinct: BTreeSet<u16> = names.iter().copied().collect();
        let several: Several = names.iter().map(|name| format!("{name:03}").into()).collect();
        prop_assert!(several.names().len() <= 32);
        prop_assert_eq!(several.names().len() as u64 + several.more(), distinct.len() as u64);
    }
}

#[test]
fn records_are_counted_once_and_beyond_the_bound_about_right() {
    let few = alert(&[3, 1, 2, 3, 1], Severity::High);
    assert_eq!(few.count(), (3, true));
    assert_eq!(few.witnesses.len(), 3);
    assert_eq!(&*few.matched[0].value.clone().unwrap(), "1");
    let mut distinct = Distinct::default();
    for number in 0..20_000_u32 {
        distinct.insert(event_hash("s", &number.to_string()), EVENTS_EXACT_MAX);
    }
    let (count, exact) = distinct.count(EVENTS_EXACT_MAX);
    assert!(!exact && (18_000..22_000).contains(&count), "{count}");
}

#[test]
fn a_correlation_tells_of_records_that_it_does_not_name() {
    let mut alert = alert(&[1], Severity::Low);
    alert.events_told = 40;
    assert_eq!(alert.count(), (40, false));
}

#[test]
fn an_alert_is_suppressed_only_as_a_whole_and_as_bad_as_its_worst_signal() {
    let suppression = |expires: &str| {
        let expires = expires.parse().unwrap();
        Some(Suppression { expires, owner: "ops".into(), reason: "drill".into() })
    };
    let mut a = alert(&[1], Severity::High);
    a.suppressed = suppression("2027-01-01T00:00:00Z");
    let mut b = alert(&[2], Severity::Low);
    b.suppressed = suppression("2026-12-01T00:00:00Z");
    assert_eq!(merged(a.clone(), &b).suppressed, b.suppressed);
    assert_eq!(merged(a.clone(), &alert(&[3], Severity::Low)).suppressed, None);
    assert_eq!(merged(b, &a).severity, Severity::High);
}

#[test]
fn identities_and_windows_are_promises() {
    let entity = Entity { kind: EntityKind::Actor, id: "me".into() };
    let id = alert_id(SignalKind::Detection, "a.b", &entity, 0);
    assert_eq!(id, finding_id("detection", "a.b", "actor:me", "0"));
    assert_eq!(window_start(86_400_000_001, 86_400_000_000), 86_400_000_000);
    assert_eq!(window_start(-1, 10), -10);
    assert_eq!(window_start(7, 0), 7);
    assert_eq!(event_hash("cloudtrail", "a"), 0xb342_ef7c_daaf_561a);
}

#[test]
fn a_long_value_is_cut_between_letters() {
    let value = "ア".repeat(300);
    let matched = Matched::new("s", "f", Some(&value));
    assert_eq!(matched.value.unwrap().chars().count(), MATCHED_CHARS_MAX);
}

#[test]
fn the_sources_own_name_of_a_record_is_the_first_part_of_its_name() {
    let named = |id: &str| Witness { id: id.into(), ..Witness::default() };
    assert_eq!(named("4:ab-112:1112223334449:us-east-1").event_id(), "ab-1");
    for whole in ["ab-1", "s3://logs/a.json.gz#7", "9:short", "4:日本"] {
        assert_eq!(named(whole).event_id(), whole);
    }
}
