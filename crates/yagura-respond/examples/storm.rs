//! A storm: so many alarms at once through routing and delivery, with the number of messages, the
//! time and the memory that it took. `cargo run -p yagura-respond --example storm -- 1000000`
//! How findings are kept is measured elsewhere (`cargo xtask bench findings`).

use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use yagura_content::Content;
use yagura_model::finding::{Actor, FindingKind, Observation, Rank, Scope};
use yagura_model::secret::{SecretFault, SecretFuture, SecretRef, Secrets};
use yagura_model::{Prose, Severity};
use yagura_respond::channels::Channels;
use yagura_respond::outbox;
use yagura_respond::routes::Router;
use yagura_store::{Location, Store};

/// Findings observed in one go, a second after the last.
const BATCH: usize = 5_000;

/// No target of the storm has a secret.
#[derive(Debug)]
struct None;

impl Secrets for None {
    fn reveal<'a>(&'a self, reference: &'a SecretRef) -> SecretFuture<'a> {
        Box::pin(async move { Err(SecretFault::Absent.of(reference)) })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(20_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("messages.jsonl");
    std::fs::create_dir(folder.path().join("site"))?;
    let routes = format!(
        "targets:\n  file:\n    channel: file\n    settings: {{path: '{}'}}\n\
         routes:\n- {{id: all, targets: [file]}}\n",
        file.display()
    );
    std::fs::write(folder.path().join("site/routes.yaml"), routes)?;
    let content = Arc::new(Content::load(Some(&folder.path().join("site"))));
    let store = Store::open(&Location::in_folder(folder.path())).await?;
    let router = Router::new(content.clone());
    let channels = Channels::new(content, Arc::new(None), Option::None)?;
    let mut now = Timestamp::from_second(1_790_000_000)?;
    let (mut observing, mut routing, mut delivering) = (0.0, 0.0, 0.0);
    let before_kib = peak_kib();
    let (mut sent, mut counted) = (0, 0);
    for start in (0..count).step_by(BATCH) {
        let seen: Vec<Observation> =
            (start..count.min(start + BATCH)).map(|n| alarm(n, now)).collect();
        let actor = Actor::Yagura("storm".to_owned());
        let began = instant();
        store.findings(Scope::All).observe(&seen, &actor, now).await?;
        observing += began.elapsed().as_secs_f64();
        let began = instant();
        counted += router.route(&store, now).await?.counted;
        routing += began.elapsed().as_secs_f64();
        let began = instant();
        sent += outbox::deliver(&store, &channels, "storm", &|| now).await?.sent;
        delivering += began.elapsed().as_secs_f64();
        now = now.checked_add(SignedDuration::from_secs(1))?;
    }
    now = now.checked_add(SignedDuration::from_hours(25))?;
    sent += outbox::deliver(&store, &channels, "storm", &|| now).await?.sent;
    let text = std::fs::read_to_string(&file)?;
    writeln!(
        std::io::stdout(),
        "{count} alarms: {sent} messages ({} bytes), {counted} only counted\n\
         observing {observing:.1} s, routing {routing:.1} s, delivering {delivering:.1} s\n\
         peak memory {} MiB ({} MiB before)",
        text.len(),
        peak_kib() / 1024,
        before_kib / 1024,
    )?;
    Ok(())
}

fn instant() -> Instant {
    Instant::now()
}

/// The most memory that this process had so far; zero where the system does not say.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn alarm(n: usize, now: Timestamp) -> Observation {
    let at_us = now.as_microsecond();
    let content = format!("storm.cause_{}", n % 7);
    let account = format!("{:012}", 100_000_000_000_u64 + (n as u64 % 50));
    Observation {
        kind: FindingKind::Alert,
        path: Option::None,
        key: format!("actor:arn:aws:iam::{account}:user/u{n}"),
        sub_key: String::new(),
        title: Prose { en: format!("cause {}", n % 7), ja: format!("原因 {}", n % 7) },
        severity: Severity::High,
        cause: format!("{content}@{account}"),
        content,
        account,
        region: "us-east-1".to_owned(),
        resource_type: Option::None,
        resource_name: Option::None,
        first_us: at_us,
        last_us: at_us,
        occurrences: 1,
        rank: Rank::default(),
        marks: Vec::new(),
        suppression: Option::None,
        evidence: serde_json::Value::Null,
    }
}
