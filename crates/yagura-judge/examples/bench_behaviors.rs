//! What observing costs for each record, with every behaviour of the content:
//! `cargo run --release -p yagura-judge --example bench_behaviors [RECORDS]`.
//! Records are synthetic CloudTrail of some 40 principals, indexed before the clock starts, and
//! time is that on the processor.

#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use yagura_content::Content;
use yagura_judge::behaviors::{Behaviors, Network, Observer, Options, State};
use yagura_model::event::{BatchBuilder, EventBatch, Origin};

const BATCH: usize = 4_000;
/// Days that the records are spread over: a busy account has hundreds of thousands in one.
const DAYS: usize = 2;
/// 1 November 2026.
const BEGIN_S: i64 = 1_793_491_200;

fn main() {
    let records: usize =
        std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(400_000);
    let content = Content::builtin();
    let (behaviors, faults) = Behaviors::compile(content);
    assert!(faults.is_empty(), "{faults:?}");
    let behaviors = Arc::new(behaviors);
    let Some(source) = content.sources.get("cloudtrail") else { return };
    let batches: Vec<EventBatch> = (0..records / BATCH).map(|at| batch(at, records)).collect();
    let bytes: usize = batches.iter().map(EventBatch::text_len).sum();
    let mut observer = Observer::new(Arc::clone(&behaviors));
    let mut state = State::new(Arc::clone(&behaviors), Options::default());
    let (mut observing, mut folding) = (Duration::ZERO, Duration::ZERO);
    let (mut signals, mut seen) = (0, 0);
    for batch in &batches {
        let begin = Clock::now();
        for record in batch {
            observer.observe(source.table(), record, &network);
        }
        let observations = observer.take();
        observing += begin.elapsed();
        let begin = Clock::now();
        state.fold(observations);
        signals += state.drain().len();
        folding += begin.elapsed();
        seen += batch.len();
    }
    let begin = Clock::now();
    signals += state.finish().len();
    folding += begin.elapsed();
    let each = |time: Duration| time.as_nanos() / (seen as u128).max(1);
    println!("{} behaviours, {seen} records, {} bytes each", behaviors.len(), bytes / seen.max(1));
    println!("observing: {} ns a record; folding: {} ns a record", each(observing), each(folding));
    println!("{signals} signals; {:?}", state.counters());
    let saved = serde_json::to_string(&state.save()).map_or(0, |text| text.len());
    println!("state: {saved} bytes as JSON");
}

/// Time on the processor where the system tells it: a shared machine makes others' time ours.
struct Clock(Option<u64>, Instant);

impl Clock {
    fn now() -> Self {
        Self(on_processor(), Instant::now())
    }

    fn elapsed(&self) -> Duration {
        match self.0.zip(on_processor()) {
            Some((begin, now)) => Duration::from_nanos(now.saturating_sub(begin)),
            None => self.1.elapsed(),
        }
    }
}

/// Nanoseconds that this thread has run, of Linux.
fn on_processor() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

fn network(address: IpAddr) -> Option<Network> {
    let IpAddr::V4(v4) = address else { return None };
    let asn = Some(u32::from(v4.octets()[0]));
    Some(Network {
        country: Some(Arc::from("JP")),
        asn,
        place: Some((35.7, 139.7)),
        hosting: false,
    })
}

/// Records of some days, in order, by principals of whom most do few things.
fn batch(at: usize, records: usize) -> EventBatch {
    let mut rng = fastrand::Rng::with_seed(at as u64);
    let mut builder = BatchBuilder::new(Arc::new(Origin::default()));
    for n in 0..BATCH {
        let number = at * BATCH + n;
        let second = i64::try_from(number * DAYS * 86_400 / records.max(1)).unwrap_or(0);
        let time = jiff::Timestamp::from_second(BEGIN_S + second);
        let time = time.map(|time| time.to_string()).unwrap_or_default();
        let who = rng.usize(0..40);
        let call = rng.usize(0..3 + who);
        let error = if rng.u8(..) < 5 { r#""errorCode":"AccessDenied","# } else { "" };
        let record = format!(
            r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole",
"principalId":"AROA{who}:s",
"arn":"arn:aws:sts::111122223333:assumed-role/app-{who}/s","accountId":"111122223333",
"accessKeyId":"ASIA{who:016}","sessionContext":{{"sessionIssuer":{{"type":"Role",
"principalId":"AROA{who}","arn":"arn:aws:iam::111122223333:role/app-{who}","accountId":
"111122223333","userName":"app-{who}"}},"attributes":{{"creationDate":
"2026-11-01T00:00:00Z","mfaAuthenticated":"false"}}}}}},"eventTime":"{time}",
"eventSource":"ec2.amazonaws.com","eventName":"DescribeThings{call}","awsRegion":
"us-east-1","sourceIPAddress":"203.0.{who}.24","userAgent":
"aws-cli/2.31.0 md/prompt#off ua/2.1 os/linux",{error}"requestParameters":{{"bucketName":
"b{who}","key":"k{number}","maxResults":50}},"responseElements":null,"requestID":
"{number:032x}","eventID":"{number:032x}","readOnly":true,"eventType":"AwsApiCall",
"managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}}"#
        );
        // The record is our own and well-formed.
        let _ = builder.push_json(record.as_bytes());
    }
    builder.finish()
}
