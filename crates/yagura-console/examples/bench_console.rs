//! Measures the console's pages and its API over loopback: a million findings and 100,000 resources
//! by default, asked by two readers at once. It generates what is shown, holds the 95th percentile
//! of each page against its limit, and leaves no file.
//!
//! `cargo run --release -p yagura-console --example bench_console -- [FINDINGS] [RESOURCES]`

#[path = "../../../dev/xtask/record/origin.rs"]
mod origin;

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use yagura_console::{ActionBook, ActionForm, Console, Entrance, Parts, router};
use yagura_content::Content;
use yagura_model::finding::{Actor, FindingKind, MarkKind, Observation, Rank, Scope};
use yagura_model::{Coverage, CoverageState, Resource, Severity};
use yagura_store::{Account, Location, ScanOutcome, ScanStart, Store};

const BATCH: u64 = 4_096;
const ACCOUNTS: u64 = 40;
/// Requests for each page, after two that are not counted.
const ROUNDS: usize = 40;
const READERS: usize = 2;
const LIMIT_MS: f64 = 100.0;
const NOW: &str = "2026-11-22T03:00:00Z";
const REGIONS: [&str; 3] = ["ap-northeast-1", "us-east-1", "ap-northeast-3"];

type Failure = Box<dyn std::error::Error>;

struct NoActions;

impl ActionBook for NoActions {
    fn action(&self, _name: &str) -> Option<ActionForm> {
        None
    }

    fn beginning(&self, _start: &str, _max: usize) -> Vec<String> {
        Vec::new()
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let findings: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let resources: u64 = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    say(&format!("machine: {}", origin::machine()))?;
    say(&format!("commit: {}", origin::commit().unwrap_or_default()))?;
    let folder = tempfile::tempdir()?;
    let store = Store::open(&Location::in_folder(folder.path())).await?;
    let begun = Instant::now();
    fill(&store, findings, resources).await?;
    say(&format!(
        "{findings} findings and {resources} resources in {:.0} s",
        begun.elapsed().as_secs_f64()
    ))?;
    let address = serve(store).await?;
    let mut slowest: f64 = 0.0;
    for (name, path) in asked(findings, resources) {
        slowest = slowest.max(measure(&address, name, &path).await?);
    }
    say(&format!("slowest p95: {slowest:.0} ms, {:.2} of {LIMIT_MS} ms", slowest / LIMIT_MS))?;
    if slowest > LIMIT_MS { Err("a page is slower than its limit".into()) } else { Ok(()) }
}

/// The pages and the API, each with a name.
fn asked(findings: u64, resources: u64) -> Vec<(&'static str, String)> {
    let finding = observation(findings / 2).id();
    let key = format!("arn:aws:s3:::service-{}-data", resources / 2);
    vec![
        ("overview", "/".to_owned()),
        ("findings", "/findings".to_owned()),
        ("findings, one severity", "/findings?severity=critical".to_owned()),
        ("findings, one account", format!("/findings?account={}", account(3))),
        ("findings, Japanese text", "/findings?q=%E6%A8%A9%E9%99%90%E6%98%87%E6%A0%BC".to_owned()),
        ("findings, a number", "/findings?q=4711".to_owned()),
        ("findings, by cause", "/findings?view=groups".to_owned()),
        ("finding", format!("/findings/{finding}")),
        ("resources", "/resources".to_owned()),
        ("resources, text", "/resources?q=service-777".to_owned()),
        ("resource", format!("/resources/view?key={key}")),
        ("controls", "/controls".to_owned()),
        ("frameworks", "/frameworks".to_owned()),
        ("accounts", "/accounts".to_owned()),
        ("account", format!("/accounts/{}", account(3))),
        ("alerts", "/alerts".to_owned()),
        ("API: findings", "/api/v1/findings".to_owned()),
        ("API: resources", "/api/v1/resources".to_owned()),
    ]
}

async fn serve(store: Store) -> Result<String, Failure> {
    let content = Arc::new(Content::builtin().clone());
    let now: Timestamp = NOW.parse()?;
    let listener =
        tokio::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let address = format!("http://{}", listener.local_addr()?);
    let console = Console::new(Parts {
        entrance: Entrance::Open,
        address: address.clone(),
        ..Parts::new(store, content, Arc::new(NoActions), Arc::new(move || now))
    })?;
    tokio::spawn(async move { axum::serve(listener, router(&console)).await });
    Ok(address)
}

/// Asks for a page again and again; answers the 95th percentile in milliseconds.
async fn measure(address: &str, name: &str, path: &str) -> Result<f64, Failure> {
    let client = reqwest::Client::new();
    let url = format!("{address}{path}");
    for _ in 0..2 {
        let status = client.get(&url).send().await?.status();
        if !status.is_success() {
            return Err(format!("`{path}` answered {status}").into());
        }
    }
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let (client, url) = (client.clone(), url.clone());
        readers.push(tokio::spawn(async move {
            let mut times = Vec::with_capacity(ROUNDS / READERS);
            for _ in 0..ROUNDS / READERS {
                let begun = Instant::now();
                let answer = client.get(&url).send().await;
                let read = match answer {
                    Ok(answer) => answer.bytes().await.is_ok(),
                    Err(_) => false,
                };
                if read {
                    times.push(begun.elapsed().as_secs_f64() * 1_000.0);
                }
            }
            times
        }));
    }
    let mut times = Vec::new();
    for reader in readers {
        times.extend(reader.await?);
    }
    if times.len() < ROUNDS {
        return Err(format!("`{path}` was not answered each time").into());
    }
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    say(&format!(
        "{name:<28} p50 {:>6.1} ms   p95 {:>6.1} ms   {:>5.2} of the limit",
        at(50),
        at(95),
        at(95) / LIMIT_MS
    ))?;
    Ok(at(95))
}

/// A scan with its resources, and findings.
async fn fill(store: &Store, findings: u64, resources: u64) -> Result<(), Failure> {
    let now: Timestamp = NOW.parse()?;
    let started = now - SignedDuration::from_hours(2);
    let start = ScanStart {
        started,
        accounts: (0..ACCOUNTS)
            .map(|n| Account {
                id: account(n),
                name: format!("team-{n}"),
                ou: "Workloads".to_owned(),
            })
            .collect(),
        regions: REGIONS.map(str::to_owned).to_vec(),
        controls: Content::builtin().controls.keys().cloned().collect(),
        full: true,
    };
    let scan = store.begin_scan(&start).await?;
    for from in (0..resources).step_by(500) {
        let page: Result<Vec<Resource>, _> =
            (from..(from + 500).min(resources)).map(resource).collect();
        let page = page?;
        store.put_resources(scan, &page).await?;
    }
    let coverage: Vec<Coverage> = (0..ACCOUNTS)
        .map(|n| Coverage {
            account: account(n),
            region: "ap-northeast-1".to_owned(),
            type_name: "AWS::S3::Bucket".to_owned(),
            state: CoverageState::Complete,
            count: resources / ACCOUNTS,
        })
        .collect();
    store.put_coverage(scan, &coverage).await?;
    store.finish_scan(scan, ScanOutcome::Complete, now).await?;
    let kept = store.findings(Scope::All);
    for from in (0..findings).step_by(usize::try_from(BATCH)?) {
        let page: Vec<Observation> =
            (from..(from + BATCH).min(findings)).map(observation).collect();
        kept.observe(&page, &Actor::Yagura("scan".into()), now).await?;
    }
    Ok(())
}

/// A number that looks like chance and is the same at every run (splitmix64).
fn mixed(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn picked<T>(all: &[T], n: u64) -> Option<&T> {
    let length = u64::try_from(all.len()).ok()?;
    all.get(usize::try_from(n.checked_rem(length)?).ok()?)
}

fn account(n: u64) -> String {
    format!("{:012}", 100_000_000_000 + n % ACCOUNTS)
}

fn resource(n: u64) -> Result<Resource, Failure> {
    let name = format!("service-{n}-data");
    let value = json!({
        "key": format!("arn:aws:s3:::{name}"),
        "arn": format!("arn:aws:s3:::{name}"),
        "id": name,
        "type": "AWS::S3::Bucket",
        "account": account(mixed(n)),
        "region": picked(&REGIONS, n),
        "name": name,
        "tags": {"team": format!("team-{}", n % 20)},
        "properties": {"BucketName": name, "VersioningConfiguration": {"Status": "Enabled"}},
    });
    Ok(serde_json::from_value(value)?)
}

fn observation(n: u64) -> Observation {
    let random = mixed(n);
    let controls = &Content::builtin().controls;
    let at = usize::try_from(n / 2_500).unwrap_or(0) % controls.len().max(1);
    let control = controls.values().nth(at);
    let id = control.map_or("a.control", |control| control.id.as_str());
    let title = control.map(|control| control.title.value.clone()).unwrap_or_default();
    let seen: Timestamp = NOW.parse().unwrap_or_default();
    let first = seen - SignedDuration::from_secs(i64::try_from(random % 2_592_000).unwrap_or(0));
    let account = account(random);
    Observation {
        kind: FindingKind::Control,
        content: id.to_owned(),
        path: None,
        key: format!("arn:aws:s3:::service-{n}-data"),
        sub_key: String::new(),
        title,
        severity: picked(&Severity::ALL, random >> 7).copied().unwrap_or(Severity::Low),
        cause: format!("{id}@{account}"),
        account,
        region: picked(&REGIONS, random >> 11).map_or("global", |region| region).to_owned(),
        resource_type: Some("AWS::S3::Bucket".to_owned()),
        resource_name: Some(format!("service-{n}-data")),
        first_us: first.as_microsecond(),
        last_us: seen.as_microsecond(),
        occurrences: 1,
        rank: Rank { points: u16::try_from(random % 1_000).unwrap_or(0), reasons: Vec::new() },
        marks: vec![(MarkKind::Tag, format!("team={}", random % 20))],
        suppression: None,
        evidence: json!({"status": "fail", "n": n % 97}),
    }
}

fn say(line: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}
