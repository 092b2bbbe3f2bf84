//! Measures the store: resources written and read in a second, bytes for each, peak memory.
//! It generates its resources from their number, asserts nothing about speed, and leaves no file.
//!
//! `cargo run --release -p yagura-store --example bench_store -- [RESOURCES] [POSTGRES URL]`

use std::io::Write as _;
use std::time::Instant;

use futures::TryStreamExt as _;
use jiff::Timestamp;
use serde_json::json;
use yagura_model::{Coverage, CoverageState, Resource, Severity, Verdict, VerdictStatus};
use yagura_store::{
    Location, ResourceFilter, ScanId, ScanOutcome, ScanStart, SnapshotOf, Store, StoreError,
};

const ACCOUNTS: u64 = 20;
const CONTROLS: u64 = 10;
const BATCH: u64 = 1_000;

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
    let size = || match &location {
        Location::Sqlite(file) => {
            let wal = file.with_extension("db-wal");
            [file, &wal].iter().filter_map(|f| f.metadata().ok()).map(|m| m.len()).sum()
        }
        Location::Postgres(_) => 0_u64,
    };
    let mut report = Report { count, size: 0, peak: 0, processor: 0.0 };
    say(&format!("{count} resources, {} in JSON each on average", average(count)))?;

    let first = scan(&store, 1, count, 0).await?;
    report.line("write, all new", first.1, size())?;
    let second = scan(&store, 2, count, 0).await?;
    report.line("write, nothing changed", second.1, size())?;
    let third = scan(&store, 3, count, 10).await?;
    report.line("write, every tenth changed", third.1, size())?;

    let all = ResourceFilter::default();
    let begun = Instant::now();
    let mut found = 0_u64;
    let mut resources = store.scan_resources(third.0, &all);
    while resources.try_next().await?.is_some() {
        found += 1;
    }
    assert_eq!(found, count, "every resource is read again");
    report.line("read as a scan saw them", begun.elapsed().as_secs_f64(), size())?;
    let begun = Instant::now();
    let found = store.resources_at(at(2), &all).try_fold(0_u64, |n, _| async move { Ok(n + 1) });
    assert_eq!(found.await?, count, "every resource is known at that time");
    report.line("read as known at a time", begun.elapsed().as_secs_f64(), size())?;

    let begun = Instant::now();
    verdicts(&store, first.0, count, 20).await?;
    report.line(&format!("{CONTROLS} verdicts each"), begun.elapsed().as_secs_f64(), size())?;
    let begun = Instant::now();
    verdicts(&store, third.0, count, 21).await?;
    report.line("the same for another scan", begun.elapsed().as_secs_f64(), size())?;
    let begun = Instant::now();
    let compared = store.compare(first.0, third.0, 100).await?;
    let what = format!("compare: {} new, {} fixed", compared.new_total, compared.fixed_total);
    report.line(&what, begun.elapsed().as_secs_f64(), size())?;

    let snapshot = folder.path().join("snapshot");
    let begun = Instant::now();
    let file = std::io::BufWriter::new(std::fs::File::create(&snapshot)?);
    store.export(SnapshotOf::Scan(third.0), file).await?;
    report.size = 0;
    report.line(
        "export (size of the file)",
        begun.elapsed().as_secs_f64(),
        snapshot.metadata()?.len(),
    )?;
    let elsewhere = Store::open(&Location::in_folder(&folder.path().join("elsewhere"))).await?;
    let begun = Instant::now();
    elsewhere.import(std::fs::File::open(&snapshot)?).await?;
    report.line("import into an empty store", begun.elapsed().as_secs_f64(), 0)?;
    Ok(())
}

struct Report {
    count: u64,
    size: u64,
    peak: u64,
    processor: f64,
}

impl Report {
    /// One measurement: resources in a second, bytes that the database grew, peak memory.
    fn line(&mut self, what: &str, seconds: f64, size: u64) -> std::io::Result<()> {
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let (rate, grown) = (
            self.count as f64 / seconds,
            size.saturating_sub(self.size) as f64 / self.count as f64,
        );
        self.size = self.size.max(size);
        self.peak = peak_kib().unwrap_or(0);
        let mib = self.peak / 1024;
        let processor = processor_seconds().unwrap_or(0.0);
        let used = processor - std::mem::replace(&mut self.processor, processor);
        say(&format!(
            "{what:<32} {seconds:>6.2} s ({used:>5.2} CPU) {rate:>7.0}/s {grown:>6.1} bytes each, \
             peak {mib} MiB"
        ))
    }
}

fn say(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{text}")
}

fn at(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_mins(minute + 29_000_000)
}

/// The peak resident memory of this process, as Linux counts it.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Processor time of this process so far; Linux counts it in hundredths of a second.
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some(f64::from(ticks()? + ticks()?) / 100.0)
}

async fn scan(
    store: &Store,
    minute: i64,
    count: u64,
    changed_every: u64,
) -> Result<(ScanId, f64), StoreError> {
    let controls = (0..CONTROLS).map(|n| format!("ec2.control_{n}")).collect();
    let start =
        ScanStart { started: at(minute), accounts: vec![], regions: vec![], controls, full: true };
    let id = store.begin_scan(&start).await?;
    let mut seconds = 0.0;
    let mut next = 0;
    while next < count {
        let end = (next + BATCH).min(count);
        let resources: Vec<_> = (next..end)
            .map(|n| resource(n, changed_every != 0 && n % changed_every == 0))
            .collect();
        let begun = Instant::now();
        store.put_resources(id, &resources).await?;
        seconds += begun.elapsed().as_secs_f64();
        next = end;
    }
    let begun = Instant::now();
    let coverage: Vec<_> = (0..ACCOUNTS)
        .map(|n| Coverage {
            account: account(n),
            region: "global".into(),
            type_name: "AWS::EC2::SecurityGroup".into(),
            state: CoverageState::Complete,
            count: 0,
        })
        .collect();
    store.put_coverage(id, &coverage).await?;
    store.finish_scan(id, ScanOutcome::Complete, at(minute)).await?;
    Ok((id, seconds + begun.elapsed().as_secs_f64()))
}

async fn verdicts(
    store: &Store,
    scan: ScanId,
    count: u64,
    fail_every: u64,
) -> Result<(), StoreError> {
    let mut next = 0;
    while next < count {
        let end = (next + 500).min(count);
        let verdicts: Vec<_> = (next..end)
            .flat_map(|n| (0..CONTROLS).map(move |control| verdict(n, control, fail_every)))
            .collect();
        store.put_verdicts(scan, &verdicts).await?;
        next = end;
    }
    Ok(())
}

fn average(count: u64) -> String {
    let sample = count.clamp(1, 100);
    let bytes: usize = (0..sample)
        .filter_map(|n| serde_json::to_vec(&resource(n, false)).ok())
        .map(|json| json.len())
        .sum();
    format!("{} bytes", u64::try_from(bytes).unwrap_or(0) / sample)
}

fn account(n: u64) -> String {
    format!("{:012}", 111_111_111_111 + n % ACCOUNTS)
}

fn key(n: u64) -> (String, String, String) {
    let account = account(n * ACCOUNTS / 100_000);
    let id = format!("sg-{:017x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 4);
    (format!("arn:aws:ec2:ap-northeast-1:{account}:security-group/{id}"), account, id)
}

/// A security group of ordinary size; every hex digit is its own, as AWS's identifiers are.
fn resource(n: u64, changed: bool) -> Resource {
    let (key, account, id) = key(n);
    let rules: Vec<_> = (0..1 + n % 5)
        .map(|rule| {
            json!({
                "IpProtocol": "tcp",
                "FromPort": 1_000 + rule,
                "ToPort": 1_000 + rule + u64::from(changed),
                "CidrIp": format!("10.{}.{}.0/24", n % 250, rule),
                "Description": format!("from office {}", n % 17),
            })
        })
        .collect();
    let properties = json!({
        "GroupId": id,
        "GroupName": format!("service-{n}-web"),
        "GroupDescription": "managed by the platform team",
        "VpcId": format!("vpc-{:017x}", (n / 100).wrapping_mul(0x2545_f491_4f6c_dd1d) >> 4),
        "SecurityGroupIngress": rules,
        "SecurityGroupEgress": [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}],
    });
    Resource {
        arn: Some(key.clone()),
        key,
        name: format!("service-{n}-web"),
        id,
        type_name: "AWS::EC2::SecurityGroup".into(),
        account,
        region: "ap-northeast-1".into(),
        tags: [("env", "prod"), ("team", "platform")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        properties: properties.as_object().cloned().unwrap_or_default(),
        ..Resource::default()
    }
}

fn verdict(n: u64, control: u64, fail_every: u64) -> Verdict {
    let (key, account, _) = key(n);
    let fails = (n + control).is_multiple_of(fail_every);
    Verdict {
        control: format!("ec2.control_{control}"),
        status: if fails { VerdictStatus::Fail } else { VerdictStatus::Pass },
        severity: Severity::High,
        key,
        type_name: "AWS::EC2::SecurityGroup".into(),
        account,
        region: "ap-northeast-1".into(),
        name: format!("service-{n}-web"),
        evidence: if fails {
            vec![(
                "properties.SecurityGroupIngress".into(),
                json!([format!("10.0.{}.0/24", n % 50)]),
            )]
        } else {
            vec![]
        },
        unread: vec![],
        exception: None,
    }
}
