//! Sequences: cases of the content, and that stories depend on neither order, nor repeats, nor
//! restarts; and one attack from records of several sources through the whole detector.

use std::sync::Arc;

use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Value, json};
use yagura_content::Content;
use yagura_judge::behaviors::Link;
use yagura_judge::detections::{DetectOptions, Detector, Folder};
use yagura_judge::sequences::{Options, Sequences, State, run_sequence_cases};
use yagura_model::alert::{About, Alert, Entity, EntityKind, Signal, SignalKind, Witness};
use yagura_model::event::{BatchBuilder, Origin};
use yagura_model::{Prose, Severity};

const BEGIN_US: i64 = 1_795_237_200_000_000;
const MINUTE_US: i64 = 60_000_000;
const SEQUENCE: &str = "sequences.credentials_compromised";

fn about(content: &str, tags: &[&str]) -> About {
    About {
        kind: SignalKind::Detection,
        content: content.into(),
        path: "".into(),
        title: Prose { en: content.to_owned(), ja: content.to_owned() },
        tags: tags.iter().map(|tag| format!("attack.{tag}").into()).collect(),
        window_us: 0,
        shadow: false,
    }
}

/// The contents of a story, in its order.
fn abouts() -> Vec<About> {
    vec![
        about("intelligence.tor_used", &["initial-access"]),
        about("a.users_listed", &["discovery"]),
        about("a.policy_attached", &["privilege-escalation"]),
        about("a.user_created", &["persistence"]),
        about("a.logging_stopped", &["defense-evasion"]),
        about("a.snapshot_shared", &["exfiltration"]),
    ]
}

fn signal(content: &str, minute: i64, actor: &str) -> Signal {
    let time_us = BEGIN_US + minute * MINUTE_US;
    Signal {
        kind: SignalKind::Detection,
        content: content.into(),
        severity: Severity::High,
        weak: false,
        entity: Entity { kind: EntityKind::Actor, id: actor.into() },
        time_us,
        witness: Witness {
            time_us,
            source: "cloudtrail".into(),
            id: format!("{content}@{minute}").into(),
            actor: Some(actor.into()),
            ..Witness::default()
        },
        matched: vec![],
        contrast: None,
        more: vec![],
        more_events: vec![],
        events_total: 1,
        story: vec![],
    }
}

fn sequences() -> Arc<Sequences> {
    let content = Content::builtin();
    Arc::new(Sequences::of([&content.sequences[SEQUENCE]], &abouts()))
}

fn story() -> Vec<Signal> {
    let all = abouts();
    let numbered = all.iter().enumerate();
    let minute = |n: usize| i64::try_from(n).unwrap() * 30;
    numbered.map(|(n, about)| signal(&about.content, minute(n), "arn:eve")).collect()
}

/// The contents of the one story that is told.
fn told(signals: &[Signal]) -> Vec<String> {
    assert!(signals.len() <= 1, "{signals:?}");
    let steps = signals.iter().flat_map(|signal| &signal.story);
    steps.map(|step| format!("{} {}", step.tactic, step.content)).collect()
}

#[test]
fn every_case_of_the_content_comes_out_as_it_says() {
    let results = run_sequence_cases(Content::builtin());
    assert!(results.len() >= 40, "{}", results.len());
    let failed: Vec<_> = results
        .iter()
        .filter_map(|case| Some((&case.sequence, &case.case, case.failure.as_ref()?)))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn every_sequence_can_be_completed_by_what_there_is() {
    let content = Content::builtin();
    let options = DetectOptions::at("2026-12-01T00:00:00Z".parse().unwrap());
    let (detector, _) = Detector::compile(content, &options);
    let mut abouts: Vec<About> = detector.known().iter().map(|known| known.about.clone()).collect();
    let (behaviors, _) = yagura_judge::behaviors::Behaviors::compile(content);
    abouts.extend(behaviors.abouts().cloned());
    let sequences = Sequences::compile(content, &abouts);
    assert!(sequences.len() >= 9);
    assert_eq!(sequences.unreachable(), Vec::<&str>::new());
}

#[test]
fn a_story_is_told_in_order_and_tactic_by_tactic() {
    let mut state = State::new(sequences(), Options::default());
    story().iter().rev().for_each(|signal| state.take(signal));
    let signals = state.drain(i64::MIN);
    assert_eq!(
        told(&signals),
        [
            "initial-access intelligence.tor_used",
            "discovery a.users_listed",
            "privilege-escalation a.policy_attached",
            "persistence a.user_created",
            "defense-evasion a.logging_stopped",
            "exfiltration a.snapshot_shared",
        ]
    );
    assert_eq!(signals[0].severity, Severity::Critical);
    assert_eq!(signals[0].entity.id.as_ref(), "arn:eve");
}

#[test]
fn a_story_that_grows_is_told_again_under_the_same_identity() {
    let sequences = sequences();
    let about = sequences.abouts().next().unwrap().clone();
    let mut state = State::new(sequences, Options::default());
    let story = story();
    story[..4].iter().for_each(|signal| state.take(signal));
    let first = state.drain(i64::MIN);
    assert_eq!(told(&first).len(), 4);
    assert_eq!(state.drain(i64::MIN), [], "nothing has changed");
    story[..4].iter().for_each(|signal| state.take(signal));
    assert_eq!(state.drain(i64::MIN), [], "repeats change nothing");
    story[4..].iter().for_each(|signal| state.take(signal));
    let second = state.drain(i64::MIN);
    assert_eq!(told(&second).len(), 6);
    let mut alert = Alert::of(&about, first[0].clone());
    let grown = Alert::of(&about, second[0].clone());
    assert_eq!(alert.id, grown.id);
    alert.merge(grown);
    assert_eq!((alert.story.len(), alert.count()), (6, (6, true)));
}

#[test]
fn order_and_restarts_do_not_matter() {
    let link = |from: &str, to: &str| Link { from: from.into(), to: to.into(), time_us: BEGIN_US };
    for seed in 0..50 {
        let mut rng = Rng::with_seed(seed);
        let mut signals = story();
        for (n, signal) in signals.iter_mut().enumerate() {
            let actor = ["arn:eve", "arn:role/a", "arn:role/b"][n % 3];
            signal.witness.actor = Some(actor.into());
        }
        for (n, content) in ["a.users_listed", "a.user_created"].iter().cycle().take(40).enumerate()
        {
            signals.push(signal(
                content,
                i64::try_from(n).unwrap(),
                &format!("arn:other{}", n % 5),
            ));
        }
        rng.shuffle(&mut signals);
        let mut links = vec![link("arn:eve", "arn:role/a"), link("arn:role/a", "arn:role/b")];
        let mut state = State::new(sequences(), Options::default());
        let mut last = Vec::new();
        for signal in &signals {
            if rng.u8(..) < 20 {
                state.link(links.pop());
            }
            state.take(signal);
            if rng.u8(..) < 60 {
                last = Some(state.drain(i64::MIN)).filter(|told| !told.is_empty()).unwrap_or(last);
                let text = serde_json::to_string(&state.save()).unwrap();
                let saved = serde_json::from_str(&text).unwrap();
                state = State::restore(sequences(), Options::default(), saved).unwrap();
            }
        }
        state.link(links);
        last = Some(state.drain(i64::MIN)).filter(|told| !told.is_empty()).unwrap_or(last);
        assert_eq!(told(&last).len(), 6, "seed {seed}");
        assert_eq!(last[0].entity.id.as_ref(), "arn:eve");
    }
}

#[test]
fn a_service_of_aws_is_nobodys_story() {
    let mut state = State::new(sequences(), Options::default());
    for mut signal in story() {
        signal.witness.actor = Some("config.amazonaws.com".into());
        signal.entity.id = "config.amazonaws.com".into();
        state.take(&signal);
    }
    assert_eq!(state.drain(i64::MIN), []);
    assert_eq!(state.size().0, 0);
}

#[test]
fn memory_is_bounded() {
    let options = Options { signals_max: 200, links_max: 50 };
    let mut state = State::new(sequences(), options);
    for n in 0..5_000 {
        state.take(&signal("a.users_listed", n * 10, &format!("arn:user{n}")));
        let link = Link {
            from: format!("arn:user{n}").into(),
            to: format!("arn:session{n}").into(),
            time_us: BEGIN_US + n * MINUTE_US,
        };
        state.link([link]);
    }
    let (signals, links) = state.size();
    assert!(signals <= 200 && links <= 51, "{signals} {links}");
    assert!(state.counters().forgotten > 4_000);
    for later in 0..3 {
        state.drain(BEGIN_US + (later + 100) * 86_400 * 1_000_000);
    }
    assert_eq!(state.size(), (0, 0), "what is too old is forgotten");
}

/// A record of CloudTrail by a user.
fn call(n: usize, at_s: i64, source: &str, name: &str, members: Value) -> Value {
    let mut record = json!({
        "eventVersion": "1.11", "eventID": format!("e{n}"), "eventType": "AwsApiCall",
        "eventTime": Timestamp::from_second(at_s).unwrap().to_string(),
        "eventSource": format!("{source}.amazonaws.com"), "eventName": name,
        "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.24",
        "userAgent": "aws-cli/2.31.0", "recipientAccountId": "111122223333",
        "eventCategory": "Management", "managementEvent": true, "readOnly": name.starts_with("D"),
        "userIdentity": {
            "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ci", "userName": "ci",
            "accountId": "111122223333", "accessKeyId": "AKIAEXAMPLECI0000001",
            "principalId": "AIDAEXAMPLE",
        },
    });
    for (name, value) in members.as_object().unwrap() {
        record[name] = value.clone();
    }
    record
}

/// Alerts of records, in whatever order, through the whole detector.
fn detect(records: &[Value], learn_until_s: i64) -> Vec<Alert> {
    let options = DetectOptions {
        learn_until_us: Some(learn_until_s * 1_000_000),
        ..DetectOptions::at("2026-12-01T00:00:00Z".parse().unwrap())
    };
    let (detector, _) = Detector::compile(Content::builtin(), &options);
    let mut folder = Folder::new(&detector, None).unwrap();
    let mut worker = detector.worker();
    for part in records.chunks(50) {
        let mut builder = BatchBuilder::new(Arc::new(Origin::default()));
        for record in part {
            builder.push_json(record.to_string().as_bytes()).unwrap();
        }
        folder.take(worker.batch("cloudtrail", &builder.finish()));
    }
    folder.finish().alerts
}

#[test]
fn stolen_keys_are_told_as_one_story_from_records_alone() {
    let begin_s = 1_795_237_200;
    let mut records: Vec<Value> = (0..240)
        .map(|hour| {
            call(
                hour,
                begin_s - (240 - i64::try_from(hour).unwrap()) * 3_600,
                "ec2",
                "DescribeInstances",
                json!({}),
            )
        })
        .collect();
    let from = json!({"sourceIPAddress": "198.51.100.7", "userAgent": "Boto3/1.40"});
    let with = |more: Value| {
        let mut members = from.clone();
        more.as_object().unwrap().iter().for_each(|(k, v)| members[k] = v.clone());
        members
    };
    let session = "arn:aws:sts::111122223333:assumed-role/admin/x";
    let assumed = json!({
        "requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/admin"},
        "responseElements": {"assumedRoleUser": {"arn": session}},
    });
    let as_admin = json!({"userIdentity": {
        "type": "AssumedRole", "arn": session, "accountId": "111122223333",
        "accessKeyId": "ASIAEXAMPLE", "principalId": "AROAEXAMPLE:x",
        "sessionContext": {"sessionIssuer": {"type": "Role", "userName": "admin",
            "arn": "arn:aws:iam::111122223333:role/admin"}},
    }});
    let steps = [
        ("iam", "ListUsers", from.clone()),
        ("sts", "AssumeRole", with(assumed)),
        (
            "iam",
            "CreateLoginProfile",
            with(json!({"userIdentity": as_admin["userIdentity"],
            "requestParameters": {"userName": "ada", "passwordResetRequired": false}})),
        ),
        (
            "iam",
            "AttachUserPolicy",
            with(json!({"userIdentity": as_admin["userIdentity"],
            "requestParameters": {"userName": "ada",
                "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}})),
        ),
        (
            "cloudtrail",
            "StopLogging",
            with(json!({"userIdentity": as_admin["userIdentity"],
            "requestParameters": {"name": "org"}})),
        ),
    ];
    for (n, (source, name, members)) in steps.into_iter().enumerate() {
        let at_s = begin_s + i64::try_from(n).unwrap() * 600;
        records.push(call(1_000 + n, at_s, source, name, members));
    }
    let told = |records: &[Value]| {
        let alerts = detect(records, begin_s);
        let mut stories: Vec<Alert> =
            alerts.into_iter().filter(|alert| alert.kind == SignalKind::Sequence).collect();
        stories.sort_by(|a, b| a.content.cmp(&b.content));
        stories
    };
    let stories = told(&records);
    let alert = stories.iter().find(|alert| &*alert.content == SEQUENCE).unwrap();
    assert_eq!(alert.severity, Severity::Critical);
    assert_eq!(&*alert.entity.id, "arn:aws:iam::111122223333:user/ci");
    let contents: Vec<&str> = alert.story.iter().map(|step| &*step.content).collect();
    for content in ["behaviors.iam.network_first_seen", "cloudtrail.trail_logging_stopped"] {
        assert!(contents.contains(&content), "{contents:?}");
    }
    records.reverse();
    assert_eq!(told(&records), stories, "the order of records does not matter");
    let quiet: Vec<Value> = records.into_iter().skip(5).collect();
    assert_eq!(told(&quiet), [], "the history alone tells nothing");
}
