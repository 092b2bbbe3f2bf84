//! Measures how quickly resources are listed: plainly, by place, by text, by tag, by what scans
//! said of them, and what is around one. It generates its resources from their number, asserts
//! nothing about speed, and leaves no file.
//!
//! `cargo run --release -p yagura-store --example bench_browse -- [RESOURCES] [POSTGRES URL]`

use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::Instant;

use jiff::Timestamp;
use serde_json::json;
use yagura_model::finding::Scope;
use yagura_model::{Relation, Resource, Severity, Verdict, VerdictStatus};
use yagura_store::{
    Account, Judged, Life, Location, ResourceQuery, ScanId, ScanOutcome, ScanStart, Store,
    StoreError,
};

const ACCOUNTS: u64 = 100;
const REGIONS: [&str; 4] = ["ap-northeast-1", "us-east-1", "eu-west-1", "eu-central-1"];
const TYPES: u64 = 40;
const BATCH: u64 = 1_000;
const ROUNDS: usize = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let location = match arguments.next() {
        Some(url) => url.parse()?,
        None => Location::in_folder(folder.path()),
    };
    let store = Store::open(&location).await?;
    let begun = Instant::now();
    let scan = filled(&store, count).await?;
    say(&format!("{count} resources in {:.1} s", begun.elapsed().as_secs_f64()))?;
    let all = ResourceQuery::of(Scope::All);
    let text = |text: &str| ResourceQuery { text: text.to_owned(), ..all.clone() };
    let one = Scope::Accounts(BTreeSet::from([account(7)]));
    let judged = |status| ResourceQuery {
        judged: Some(Judged { status, controls: Vec::new(), scans: vec![(scan, Vec::new())] }),
        ..all.clone()
    };
    let questions = [
        ("everything", all.clone()),
        ("one account", ResourceQuery { accounts: vec![account(3)], ..all.clone() }),
        ("one type", ResourceQuery { types: vec![type_name(5)], ..all.clone() }),
        ("one region", ResourceQuery { regions: vec!["ap-northeast-1".to_owned()], ..all.clone() }),
        ("a scope of one account", ResourceQuery { scope: one.clone(), ..all.clone() }),
        ("a rare name", text("thing-4242")),
        ("a frequent text", text("arn:aws")),
        ("no such text", text("nothing-like-it")),
        ("a frequent text in a scope", ResourceQuery { scope: one, ..text("arn:aws") }),
        ("a tag", ResourceQuery { tags: vec!["team=t17".to_owned()], ..all.clone() }),
        ("deleted", ResourceQuery { life: Life::Deleted, ..all.clone() }),
        ("failing", judged(VerdictStatus::Fail)),
        ("unknown", judged(VerdictStatus::Unknown)),
    ];
    for (what, query) in &questions {
        let (mut times, mut found) = (Vec::new(), 0);
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let list = store.browse(query, None, 50).await?;
            times.push(begun.elapsed().as_secs_f64() * 1_000.0);
            found = list.total.count;
        }
        line(what, &mut times, &format!("{found} found"))?;
    }
    let mut times = Vec::new();
    let resource = resource(4_242 % count, count);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        store.neighbors(&resource, &Scope::All).await?;
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    line("what is around one", &mut times, "")?;
    Ok(())
}

fn line(what: &str, times: &mut [f64], note: &str) -> std::io::Result<()> {
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    say(&format!("{what:<28} median {:>7.1} ms, p95 {:>7.1} ms {note}", at(50), at(95)))
}

fn say(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{text}")
}

fn account(number: u64) -> String {
    format!("{:012}", 100_000_000_000 + number)
}

fn type_name(number: u64) -> String {
    format!("AWS::Service{}::Thing", number % TYPES)
}

fn resource(number: u64, count: u64) -> Resource {
    let account = account(number % ACCOUNTS);
    let at = usize::try_from(number / 7).unwrap_or_default() % REGIONS.len();
    let region = REGIONS.get(at).copied().unwrap_or_default();
    let arn = |number: u64| format!("arn:aws:service:::thing/thing-{number}");
    Resource {
        key: arn(number),
        arn: Some(arn(number)),
        id: format!("thing-{number}"),
        type_name: type_name(number / 3),
        account,
        region: region.to_owned(),
        name: format!("name-{:06}", number.wrapping_mul(2_654_435_761) % 1_000_000),
        tags: [("team".to_owned(), format!("t{}", number % 50))].into(),
        properties: json!({"On": number.is_multiple_of(2), "Number": number})
            .as_object()
            .cloned()
            .unwrap_or_default(),
        relations: vec![Relation {
            name: "next".to_owned(),
            type_name: type_name(number / 3),
            target: arn((number + 1) % count),
        }],
        ..Resource::default()
    }
}

async fn filled(store: &Store, count: u64) -> Result<ScanId, StoreError> {
    let accounts = (0..ACCOUNTS).map(|n| Account { id: account(n), ..Account::default() });
    let started = Timestamp::UNIX_EPOCH;
    let scan = store
        .begin_scan(&ScanStart {
            started,
            accounts: accounts.collect(),
            regions: REGIONS.map(str::to_owned).to_vec(),
            controls: vec![],
            full: true,
        })
        .await?;
    for first in (0..count).step_by(1_000) {
        let batch: Vec<Resource> =
            (first..(first + BATCH).min(count)).map(|n| resource(n, count)).collect();
        store.put_resources(scan, &batch).await?;
        let mut verdicts = Vec::new();
        for (at, one) in batch.iter().enumerate() {
            for control in 0..10 {
                let status = match (at + control) % 10 {
                    0..=2 => VerdictStatus::Fail,
                    3 if at % 20 == 0 => VerdictStatus::Unknown,
                    _ => VerdictStatus::Pass,
                };
                verdicts.push(verdict(one, control, status));
            }
        }
        store.put_verdicts(scan, &verdicts).await?;
    }
    store.finish_scan(scan, ScanOutcome::Complete, started).await?;
    Ok(scan)
}

fn verdict(one: &Resource, control: usize, status: VerdictStatus) -> Verdict {
    Verdict {
        control: format!("service.control_{control}"),
        status,
        severity: Severity::Medium,
        key: one.key.clone(),
        type_name: one.type_name.clone(),
        account: one.account.clone(),
        region: one.region.clone(),
        name: one.name.clone(),
        evidence: Vec::new(),
        unread: Vec::new(),
        exception: None,
    }
}
