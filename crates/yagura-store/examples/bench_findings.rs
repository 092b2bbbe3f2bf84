//! Measures findings: observed, observed again, listed, searched and counted, a million of them by
//! default. It generates them from their number, holds every answer against its limit, and leaves
//! no file.
//!
//! `cargo run --release -p yagura-store --example bench_findings -- [FINDINGS] [POSTGRES URL]`;
//! without a URL, PostgreSQL is measured too where `YAGURA_TEST_POSTGRES_URL` names a server.

#[path = "../../../dev/xtask/record/origin.rs"]
mod origin;

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::io::Write as _;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;
use yagura_model::finding::{
    Act, Actor, Closing, ClosingReason, FindingKind, MarkKind, Observation, Rank, Scope,
};
use yagura_model::{Prose, Severity};
use yagura_store::findings::{
    FindingFilter, FindingOrder, Findings, GroupBy, GroupPage, Page, Span,
};
use yagura_store::{Location, Store};

const BATCH: u64 = 4_096;
const ACCOUNTS: u64 = 40;
const CONTROLS: u64 = 300;
const ROUNDS: usize = 21;
const LIMIT_MS: f64 = 200.0;
const OBSERVE_LIMIT: f64 = 10_000.0;
const AGAIN_LIMIT: f64 = 30_000.0;
const REGIONS: [&str; 5] = ["ap-northeast-1", "us-east-1", "ap-northeast-3", "eu-west-1", "global"];
const TYPES: [&str; 6] = [
    "AWS::S3::Bucket",
    "AWS::EC2::SecurityGroup",
    "AWS::IAM::Role",
    "AWS::EC2::Instance",
    "AWS::Lambda::Function",
    "AWS::RDS::DBInstance",
];
const TITLES: [(&str, &str); 5] = [
    (
        "Bucket policy lets anyone on the internet read objects",
        "バケットポリシーによりインターネット上の誰でもオブジェクトを読み取れます",
    ),
    (
        "Security group opens an administrative port to the world",
        "セキュリティグループで管理用ポートが全世界に公開されています",
    ),
    ("Role can raise its own privileges", "ロールが自身の権限昇格を行える状態です"),
    (
        "Data is not encrypted with a key of the customer",
        "データがカスタマー管理キーで暗号化されていません",
    ),
    (
        "Access key has not been rotated for a long time",
        "アクセスキーが長期間ローテーションされていません",
    ),
];

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let url = arguments.next().or_else(|| std::env::var("YAGURA_TEST_POSTGRES_URL").ok());
    say(&format!("machine: {}", origin::machine()))?;
    say(&format!("commit: {}", origin::commit().unwrap_or_default()))?;
    let folder = tempfile::tempdir()?;
    let mut digests = vec![measure("SQLite", &Location::in_folder(folder.path()), count).await?];
    if let Some(url) = url {
        let location = schema_of_its_own(&url).await?;
        digests.push(measure("PostgreSQL", &location, count).await?);
    } else {
        say("PostgreSQL is not measured: no URL was given")?;
    }
    let same = digests.windows(2).all(|two| two.first() == two.last());
    assert!(same, "both databases answer the same: {digests:x?}");
    say(&format!("digest of all answers: {:016x}", digests.first().copied().unwrap_or_default()))
}

/// A schema that is dropped and made again, so that nothing of an earlier run is measured.
async fn schema_of_its_own(url: &str) -> Result<Location, Failure> {
    let pool = sqlx::PgPool::connect(url).await?;
    let make = "DROP SCHEMA IF EXISTS bench_findings CASCADE; CREATE SCHEMA bench_findings";
    sqlx::raw_sql(make).execute(&pool).await?;
    pool.close().await;
    let join = if url.contains('?') { '&' } else { '?' };
    Ok(Location::Postgres(format!("{url}{join}options=-csearch_path%3Dbench_findings")))
}

async fn measure(name: &str, location: &Location, count: u64) -> Result<u64, Failure> {
    say(&format!("\n{name}, {count} findings"))?;
    let store = Store::open(location).await?;
    let findings = store.findings(Scope::All);
    writes(&findings, count).await?;
    if let Location::Sqlite(file) = location {
        let wal = file.with_extension("db-wal");
        let bytes: u64 =
            [file, &wal].iter().filter_map(|f| f.metadata().ok()).map(|m| m.len()).sum();
        say(&format!("{:<44} {:>10}", "bytes each on disk", bytes / count.max(1)))?;
    }
    let mut digest = DefaultHasher::new();
    let mut slowest: f64 = 0.0;
    for (what, filter) in filters() {
        slowest = slowest.max(lists(&findings, what, &filter, &mut digest).await?);
    }
    let one = store.findings(Scope::Accounts([account(3)].into()));
    let open = FindingFilter::open();
    slowest = slowest.max(lists(&one, "open, one account's scope", &open, &mut digest).await?);
    slowest = slowest.max(counts(&findings, &mut digest).await?);
    slowest = slowest.max(by_identity(&findings, count).await?);
    say(&format!("slowest p95: {slowest:.0} ms (limit {LIMIT_MS} ms)"))?;
    store.close().await;
    Ok(digest.finish())
}

/// Observing all, observing them again, closing and acting.
async fn writes(findings: &Findings, count: u64) -> Result<(), Failure> {
    let all_new = observe_all(findings, count, 0).await?;
    rate("observe, all new", all_new, count, OBSERVE_LIMIT)?;
    let again = observe_all(findings, count, 1).await?;
    rate("observe again, nothing changed", again, count, AGAIN_LIMIT)?;
    let mut ids: Vec<String> = Vec::new();
    for n in (0..count).step_by(10) {
        ids.push(observation(n, 0).id());
    }
    let closed = u64::try_from(ids.len())?;
    let as_of_us = day(2).as_microsecond();
    let closing = Closing { ids, reason: ClosingReason::Passed, as_of_us };
    let begun = Begun::now();
    let done = findings.close(&closing, &actor(), day(2)).await?;
    assert_eq!(done, closed, "every tenth is closed");
    rate("close every tenth", begun.elapsed(), closed, 0.0)?;
    let ids: Vec<String> =
        (1..=200.min(count - 1)).map(|n| observation(n * 5 + 1, 0).id()).collect();
    let mut times = Vec::new();
    for id in ids.chunks(1) {
        let begun = Instant::now();
        let act = Act::Assign { to: Some("alice".into()) };
        findings.act(id, &act, &Actor::Person("bob".into()), day(3), None).await?;
        times.push(begun.elapsed());
    }
    line("act on one finding", &mut times)?;
    Ok(())
}

async fn observe_all(findings: &Findings, count: u64, round: i64) -> Result<Spent, Failure> {
    let mut spent = Spent::default();
    let mut next = 0;
    while next < count {
        let end = (next + BATCH).min(count);
        let some: Vec<Observation> = (next..end).map(|n| observation(n, round)).collect();
        let begun = Begun::now();
        findings.observe(&some, &actor(), day(round)).await?;
        spent += begun.elapsed();
        next = end;
    }
    Ok(spent)
}

fn filters() -> Vec<(&'static str, FindingFilter)> {
    let all = FindingFilter::default;
    let text = |text: &str| FindingFilter { text: Some(text.into()), ..all() };
    vec![
        ("everything", all()),
        ("open", FindingFilter::open()),
        (
            "open, critical or high",
            FindingFilter {
                severities: vec![Severity::Critical, Severity::High],
                ..FindingFilter::open()
            },
        ),
        ("one account", FindingFilter { accounts: vec![account(7)], ..all() }),
        (
            "one region, one type, ranked 500",
            FindingFilter {
                regions: vec![REGIONS[1].into()],
                resource_types: vec![TYPES[2].into()],
                rank_min: Some(500),
                ..all()
            },
        ),
        ("one control", FindingFilter { contents: vec![content(42)], ..all() }),
        ("controls of a service", FindingFilter { contents: vec!["service7.*".into()], ..all() }),
        ("one key", FindingFilter { keys: vec![key(4_242)], ..all() }),
        (
            "one requirement",
            FindingFilter { marks: vec![(MarkKind::Requirement, "cis/1.7".into())], ..all() },
        ),
        (
            "first seen in a day",
            FindingFilter {
                first_seen: Span { since: Some(day(-20)), until: Some(day(-19)) },
                ..all()
            },
        ),
        ("text: 権限昇格", text("権限昇格")),
        ("text: 権限", text("権限")),
        ("text: 鍵 (nowhere)", text("鍵")),
        ("text: one letter", text("s")),
        ("text: encrypted", text("encrypted")),
        ("text: a name", text("service-123456-web")),
        ("text: \"administrative port\" us-east-1", text("\"administrative port\" us-east-1")),
    ]
}

async fn lists(
    findings: &Findings,
    what: &str,
    filter: &FindingFilter,
    digest: &mut DefaultHasher,
) -> Result<f64, Failure> {
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let order = [FindingOrder::Rank, FindingOrder::LastSeen, FindingOrder::Severity];
        let order = order.get(round % order.len()).copied().unwrap_or_default();
        let page = Page { order, limit: 50, after: None };
        let begun = Instant::now();
        let found = findings.list(filter, &page).await?;
        times.push(begun.elapsed());
        let next = Page { after: found.next, ..page };
        if round == 0 {
            let begun = Instant::now();
            let more = findings.list(filter, &next).await?;
            times.push(begun.elapsed());
            more.findings.iter().for_each(|one| one.id.hash(digest));
            (found.total.count, found.total.exact).hash(digest);
            found.findings.iter().for_each(|one| one.id.hash(digest));
        }
    }
    line(&format!("list {what}"), &mut times)
}

async fn counts(findings: &Findings, digest: &mut DefaultHasher) -> Result<f64, Failure> {
    let open = FindingFilter::open();
    let text = FindingFilter { text: Some("権限".into()), ..FindingFilter::default() };
    let mut slowest: f64 = 0.0;
    for (what, filter) in [("all", FindingFilter::default()), ("open", open), ("text 権限", text)]
    {
        for by in GroupBy::ALL {
            let mut times = Vec::new();
            for round in 0..ROUNDS {
                let begun = Instant::now();
                let counts = findings.count_by(&filter, by).await?;
                times.push(begun.elapsed());
                if round == 0 {
                    counts.counts.iter().for_each(|one| (&one.value, one.count).hash(digest));
                }
            }
            slowest = slowest.max(line(&format!("count {what} by {}", by.as_str()), &mut times)?);
        }
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let groups = findings.groups(&filter, GroupPage::default()).await?;
            times.push(begun.elapsed());
            groups.total.hash(digest);
        }
        slowest = slowest.max(line(&format!("groups of {what}"), &mut times)?);
    }
    Ok(slowest)
}

async fn by_identity(findings: &Findings, count: u64) -> Result<f64, Failure> {
    let (mut gets, mut histories) = (Vec::new(), Vec::new());
    for n in 0..200 {
        let id = observation(n * 4_999 % count, 0).id();
        let begun = Instant::now();
        let found = findings.get(&id).await?;
        gets.push(begun.elapsed());
        assert!(found.is_some(), "every finding is there");
        let begun = Instant::now();
        findings.history(&id, 0, 100).await?;
        histories.push(begun.elapsed());
    }
    let slowest = line("one finding", &mut gets)?;
    Ok(slowest.max(line("its history", &mut histories)?))
}

/// Time that went by, and processor time of this process (not of a server).
#[derive(Clone, Copy, Default)]
struct Spent {
    wall: f64,
    processor: f64,
}

impl std::ops::AddAssign for Spent {
    fn add_assign(&mut self, more: Self) {
        self.wall += more.wall;
        self.processor += more.processor;
    }
}

struct Begun(Instant, f64);

impl Begun {
    fn now() -> Self {
        Self(Instant::now(), processor_seconds().unwrap_or_default())
    }

    fn elapsed(&self) -> Spent {
        let processor = processor_seconds().unwrap_or_default() - self.1;
        Spent { wall: self.0.elapsed().as_secs_f64(), processor }
    }
}

/// Processor time of this process so far; Linux counts it in hundredths of a second.
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some(f64::from(ticks()? + ticks()?) / 100.0)
}

/// On a machine that others use too, the rate by processor time is what can be compared.
fn rate(what: &str, spent: Spent, count: u64, limit: f64) -> Result<(), Failure> {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let count = count as f64;
    let (rate, by_processor) = (count / spent.wall, count / spent.processor.max(0.01));
    let limit = if limit > 0.0 { format!("(limit {limit:.0}/s)") } else { String::new() };
    say(&format!("{what:<44} {rate:>8.0}/s, {by_processor:>8.0} per CPU second {limit}"))
}

/// The middle and the 95th of a hundred; answers the latter.
fn line(what: &str, times: &mut [Duration]) -> Result<f64, Failure> {
    times.sort_unstable();
    let at = |part: usize| {
        let place = (times.len() * part).div_ceil(100).saturating_sub(1);
        times.get(place).copied().unwrap_or_default().as_secs_f64() * 1_000.0
    };
    let (middle, most) = (at(50), at(95));
    let over = if most > LIMIT_MS { "  OVER THE LIMIT" } else { "" };
    say(&format!("{what:<44} p50 {middle:>7.1} ms  p95 {most:>7.1} ms{over}"))?;
    Ok(most)
}

fn say(text: &str) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

fn actor() -> Actor {
    Actor::Yagura("scan".into())
}

fn day(number: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours((number + 20_700) * 24)
}

fn account(n: u64) -> String {
    format!("{:012}", 111_111_111_111 + (n % ACCOUNTS) * 7_654_321)
}

fn content(n: u64) -> String {
    format!("service{}.control_{}", n % CONTROLS % 30, n % CONTROLS)
}

fn mixed(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

fn key(n: u64) -> String {
    let account = account(mixed(n));
    format!(
        "arn:aws:service:ap-northeast-1:{account}:thing/service-{n}-web-{:012x}",
        mixed(n) >> 16
    )
}

fn picked<T>(all: &[T], n: u64) -> &T {
    let place = usize::try_from(n).unwrap_or_default() % all.len();
    #[expect(clippy::indexing_slicing, reason = "the place is below the length")]
    &all[place]
}

/// A finding as a scan makes it: the control comes first, so that accounts are mixed.
fn observation(n: u64, round: i64) -> Observation {
    let random = mixed(n);
    let control = n * CONTROLS / 1_000_000;
    let (en, ja) = picked(&TITLES, control);
    let seen_us = day(round).as_microsecond();
    let ago_us = i64::try_from(random % 2_592_000).unwrap_or_default() * 1_000_000;
    let account = account(random);
    Observation {
        kind: FindingKind::Control,
        content: content(control),
        path: Some(format!("controls/{}.yaml", content(control))),
        key: key(n),
        sub_key: String::new(),
        title: Prose { en: format!("{en} ({control})"), ja: format!("{ja} ({control})") },
        severity: *picked(&Severity::ALL, random >> 7),
        cause: format!("{}@{account}", content(control)),
        account,
        region: (*picked(&REGIONS, random >> 11)).to_owned(),
        resource_type: Some((*picked(&TYPES, control)).to_owned()),
        resource_name: Some(format!("service-{n}-web")),
        first_us: if round == 0 { seen_us - ago_us } else { seen_us },
        last_us: seen_us,
        occurrences: 1,
        rank: Rank { points: u16::try_from(random % 1_000).unwrap_or_default(), reasons: vec![] },
        marks: (0..6)
            .map(|n| (MarkKind::Requirement, format!("cis/{n}.{}", control % 50)))
            .chain([(MarkKind::Tag, format!("team={}", random % 20))])
            .collect(),
        suppression: None,
        evidence: json!({
            "status": "fail",
            "evidence": [["properties.PublicAccessBlock.BlockPublicPolicy", false],
                         ["properties.Policy.Statement", [{"Principal": "*", "n": n % 97}]]],
        }),
    }
}
