//! The daemon as it runs: what reaches it is told within seconds, a stop is graceful, a kill loses
//! nothing, several processes share the work.
//! Leases are tested in the store, schedules and settings beside their code.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;
use yagura_model::finding::Scope;
use yagura_store::alerts::AlertFilter;
use yagura_store::findings::{FindingFilter, GroupBy};
use yagura_store::jobs::RunOutcome;
use yagura_store::{Location, Store};
use yagura_testkit::faults::{Fault, Rule};

use crate::account::{Account, CONTROLS};
use crate::program::{Home, ended, signal};

/// Whatever is waited for takes seconds; a machine that is busy with other tests, more.
const WAIT_MAX: Duration = Duration::from_secs(120);
/// What the daemon promises.
pub(crate) const TOLD_WITHIN: Duration = Duration::from_secs(10);

const RULES: &str = r"
title: A trail was stopped
id: 5d1c7d2a-0000-4000-8000-000000000001
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventSource: cloudtrail.amazonaws.com, eventName: StopLogging}
  condition: selection
level: high
";

/// One call of CloudTrail by one user, as a file of logs.
pub(crate) fn stopped(user: &str, n: u32) -> String {
    let arn = format!("arn:aws:iam::111122223333:user/{user}");
    json!({"Records": [{
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": arn, "accountId": "111122223333"},
        "eventTime": format!("2026-10-05T00:{:02}:00Z", n % 60),
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": "StopLogging",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.7",
        "eventID": format!("00000000-0000-4000-8000-{n:012}"),
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
        "managementEvent": true,
    }]})
    .to_string()
}

/// A receiver of webhooks that keeps what it was sent.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    got: Arc<Mutex<Vec<(Instant, Value)>>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let got = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&got);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&kept)));
            }
        });
        Self { address, got }
    }

    /// The users that messages are about, and how often each.
    pub(crate) fn told(&self) -> BTreeMap<String, u32> {
        let mut told = BTreeMap::new();
        for (_, message) in self.got.lock().unwrap().iter() {
            let text = message.to_string();
            let start = text.find(":user/").map(|at| at + ":user/".len());
            let user: String = match start {
                Some(at) => text[at..].chars().take_while(char::is_ascii_alphanumeric).collect(),
                None => "nobody".to_owned(),
            };
            *told.entry(user).or_default() += 1;
        }
        told
    }
}

/// Takes one request after another of a connection.
async fn answer(mut stream: TcpStream, got: Arc<Mutex<Vec<(Instant, Value)>>>) {
    let (read, mut write) = stream.split();
    let mut read = BufReader::new(read);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if read.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        if read.read_exact(&mut body).await.is_err() {
            return;
        }
        got.lock().unwrap().push((Instant::now(), serde_json::from_slice(&body).unwrap()));
        let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
        if write.write_all(answer).await.is_err() {
            return;
        }
    }
}

/// A daemon that runs.
pub(crate) struct Serving {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Serving {
    /// Starts one and waits until it says where it listens.
    pub(crate) async fn start(home: &Home, more: &[&str]) -> Self {
        let base = ["serve", "--listen", "127.0.0.1:0", "--rules", "rules.yml", "--no-builtin"];
        let mut command = home.command(&[&base, more].concat());
        let mut child = command.env("YAGURA_INGEST_TOKEN", TOKEN).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let (told, address) = tokio::sync::oneshot::channel();
        let mut told = Some(told);
        let kept = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut log = kept.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
                // Said after everything has begun; listeners of logs say theirs first.
                let began = line.contains("serve_began").then(|| field(&line, "address"));
                if let Some(address) = began.flatten()
                    && let Some(told) = told.take()
                {
                    let _ = told.send(address);
                }
            }
        });
        let text = tokio::time::timeout(WAIT_MAX, address).await;
        let text = text.ok().and_then(Result::ok);
        let text = text.unwrap_or_else(|| panic!("it did not begin: {}", log.lock().unwrap()));
        Self { child, address: text.parse().unwrap(), log }
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Asks over HTTP; the status and the body.
    async fn get(&self, path: &str) -> (u16, String) {
        let text = self.ask(path).await;
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        (status, body.unwrap_or_default())
    }

    /// Asks over HTTP; the answer with its head.
    async fn ask(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let ask = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    /// The value of a metric, by its name with labels.
    async fn metric(&self, name: &str) -> Option<f64> {
        let (_, text) = self.get("/metrics").await;
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.map(|value| value.parse().unwrap())
    }

    /// Waits until a watched place was listed.
    pub(crate) async fn has_looked(&self, place: &str) {
        let name = format!("yagura_watch_listings_total{{place=\"{place}\"}}");
        self.until("a listing", async || self.metric(&name).await.is_some_and(|n| n >= 1.0)).await;
    }

    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let began = Instant::now();
        while !holds().await {
            assert!(began.elapsed() < WAIT_MAX, "no {what}: {}", self.log());
            // Not a wait for something to have happened by then: it is asked again.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks it to stop, and waits.
    pub(crate) async fn stop(self) -> (i32, String) {
        signal(&self.child, "TERM").await;
        let ran = ended(self.child).await;
        let log = self.log.lock().unwrap().clone();
        (ran.code, log)
    }

    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

const TOKEN: &str = "a-token-that-nobody-guesses";

/// `name=value` of a line of the log.
fn field(line: &str, name: &str) -> Option<String> {
    let rest = line.split(&format!("{name}=")).nth(1)?;
    Some(rest.split_whitespace().next()?.trim_matches('"').to_owned())
}

/// A home with rules, an empty folder of logs, and a route to the receiver.
pub(crate) fn prepared(home: &Home, receiver: &Receiver) {
    home.write("rules.yml", RULES);
    std::fs::create_dir(home.path("logs")).unwrap();
    let url = format!("http://{}/hook", receiver.address);
    let routes = format!(
        "targets:\n  hook: {{channel: webhook, settings: {{url: '{url}'}}}}\n\
         routes:\n- {{id: all, on: [opened, reopened], targets: [hook]}}\n"
    );
    home.write("data/site/routes.yaml", &routes);
}

/// Writes a file as a careful writer does: under another name first.
fn drop_in(home: &Home, name: &str, text: &str) {
    let hidden = home.write(&format!("logs/.{name}"), text);
    std::fs::rename(hidden, home.path(&format!("logs/{name}"))).unwrap();
}

#[tokio::test]
async fn what_reaches_a_watched_folder_is_told_within_ten_seconds_and_once() {
    let (home, receiver) = (Home::offline(), Receiver::start().await);
    prepared(&home, &receiver);
    let watch = ["--watch", "cloudtrail=logs"];
    let serving = Serving::start(&home, &watch).await;
    serving.has_looked("logs").await;
    for (n, user) in [(1, "alice"), (2, "bob"), (3, "carol")] {
        let began = Instant::now();
        drop_in(&home, &format!("{user}.json"), &stopped(user, n));
        serving.until("message", async || receiver.told().contains_key(user)).await;
        let took = began.elapsed();
        assert!(took < TOLD_WITHIN, "{user}: {took:?}");
    }
    // Stopped and started again, it tells nothing twice, and goes on.
    let (code, log) = serving.stop().await;
    assert_eq!(code, 0, "{log}");
    let serving = Serving::start(&home, &watch).await;
    serving.has_looked("logs").await;
    drop_in(&home, "dave.json", &stopped("dave", 4));
    serving.until("message", async || receiver.told().contains_key("dave")).await;
    let once: BTreeMap<String, u32> =
        ["alice", "bob", "carol", "dave"].map(|user| (user.to_owned(), 1)).into();
    assert_eq!(receiver.told(), once);
    let (code, log) = serving.stop().await;
    assert_eq!(code, 0, "{log}");
    let rows = home.run(&["query", "SELECT count(*) AS n FROM cloudtrail", "--format", "json"]);
    assert_eq!(rows.await.exits(0).records()[0]["n"], 4, "the lake has each once");
}

#[tokio::test]
async fn health_and_metrics_are_answered_and_the_log_has_no_secret() {
    let (home, receiver) = (Home::offline(), Receiver::start().await);
    prepared(&home, &receiver);
    let more = [
        "--log-format",
        "json",
        "--log",
        "debug",
        "--watch",
        "cloudtrail=logs",
        "--watch",
        "cloudtrail=http://127.0.0.1:0",
        "--watch",
        "cloudtrail=nowhere",
    ];
    let base = ["serve", "--listen", "127.0.0.1:0", "--rules", "rules.yml", "--no-builtin"];
    // Of a log of JSON lines the address is a field.
    let mut child = home
        .command(&[&base, more.as_slice()].concat())
        .env("YAGURA_INGEST_TOKEN", TOKEN)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut log = Vec::new();
    let address = loop {
        let line = lines.next_line().await.unwrap().expect("it ended");
        log.push(line.clone());
        let json: Option<Value> = serde_json::from_str(&line).ok();
        if let Some(event) = json.filter(|event| event["code"] == "serve_began") {
            break event["address"].as_str().unwrap().parse().unwrap();
        }
    };
    let kept = Arc::new(Mutex::new(String::new()));
    let rest = Arc::clone(&kept);
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            rest.lock().unwrap().push_str(&format!("{line}\n"));
        }
    });
    let serving = Serving { child, address, log: kept };
    serving.until("readiness", async || serving.get("/readyz").await == (200, "ok\n".into())).await;
    assert_eq!(serving.get("/healthz").await, (200, "ok\n".into()));
    assert_eq!(serving.get("/nothing").await.0, 404);
    serving.has_looked("logs").await;
    let (status, text) = serving.get("/metrics").await;
    assert_eq!(status, 200);
    for needle in [
        "# TYPE yagura_jobs gauge\n",
        "yagura_build_info{version=\"",
        "yagura_ready 1\n",
        "yagura_watch_listing_failures_total{place=\"nowhere\"}",
        "yagura_workers 1\n",
        "process_resident_memory_bytes ",
    ] {
        assert!(text.contains(needle), "`{needle}`: {text}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(
            value.parse::<f64>().is_ok() && !name.contains(' ') || name.contains("=\""),
            "{line}"
        );
    }
    // What a process says of itself is shown by another, as soon as it has said it.
    let needles = ["PROCESS", "logs", "nowhere", "scan", "0 3 * * *"];
    serving
        .until("status", async || {
            let status = home.run(&["serve", "--status"]).await.exits(0);
            needles.iter().all(|needle| status.out.contains(needle))
        })
        .await;
    let (code, rest) = serving.stop().await;
    assert_eq!(code, 0, "{rest}");
    log.extend(rest.lines().map(str::to_owned));
    let events: Vec<Value> =
        log.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(events.iter().any(|event| event["code"] == "watch_not_opened"), "{log:?}");
    assert!(events.iter().any(|event| event["code"] == "serve_ended"), "{log:?}");
    assert!(!log.join("\n").contains(TOKEN));
}

#[tokio::test]
async fn what_is_posted_is_judged_and_told_too() {
    let (home, receiver) = (Home::offline(), Receiver::start().await);
    prepared(&home, &receiver);
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let watch = format!("cloudtrail=http://127.0.0.1:{port}");
    let serving = Serving::start(&home, &["--watch", &watch]).await;
    serving.has_looked(&watch["cloudtrail=".len()..]).await;
    let record: Value = serde_json::from_str(&stopped("erin", 5)).unwrap();
    let body = record.to_string();
    let began = Instant::now();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let ask = format!(
        "POST /v1/logs/cloudtrail HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    serving.until("message", async || receiver.told().contains_key("erin")).await;
    assert!(began.elapsed() < TOLD_WITHIN, "{:?}", began.elapsed());
    assert_eq!(serving.stop().await.0, 0);
}

#[tokio::test]
async fn a_missed_tick_is_made_good_once_and_a_job_is_run_when_asked_for() {
    let (home, receiver) = (Home::offline(), Receiver::start().await);
    prepared(&home, &receiver);
    std::fs::create_dir_all(home.data()).unwrap();
    let store = Store::open(&Location::in_folder(&home.data())).await.unwrap();
    // The daemon was last seen long ago; dozens of ticks have passed since.
    let long_ago = "2026-01-01T00:00:00Z".parse().unwrap();
    store.jobs().last_tick("compact", long_ago).await.unwrap();
    let runs = async |kind: &str| store.jobs().runs(Some(kind), 100).await.unwrap();
    let asked = home.run(&["jobs", "run", "retention"]).await.exits(0);
    assert!(asked.err.contains("waits for one"), "{}", asked.err);
    let serving = Serving::start(&home, &[]).await;
    serving.until("compaction", async || !runs("compact").await.is_empty()).await;
    serving.until("retention", async || !runs("retention").await.is_empty()).await;
    let compacted = runs("compact").await;
    assert_eq!(compacted.len(), 1, "{compacted:?}");
    assert_eq!(compacted[0].outcome, RunOutcome::Done, "{compacted:?}");
    assert_eq!(runs("retention").await[0].outcome, RunOutcome::Done);
    assert!(runs("scan").await.is_empty(), "a schedule that is new begins with its next tick");
    let listed = home.run(&["jobs", "runs", "compact", "--format", "json"]).await.exits(0);
    assert_eq!(listed.records()[0]["outcome"], "done");
    let refused = home.run(&["jobs", "run", "fold"]).await.exits(2);
    assert!(refused.err.contains("by itself"), "{}", refused.err);
    home.run(&["jobs", "cancel", "99999"]).await.exits(2);
    assert_eq!(serving.stop().await.0, 0);
    store.close().await;
}

#[tokio::test]
async fn a_stop_hands_a_scan_back_and_the_next_process_does_it() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    prepared(&home, &Receiver::start().await);
    let asked = "GetBucketVersioning";
    account.faults.inject(Rule::new(Fault::Silent).operation(asked));
    let more = ["--regions", "us-east-1", "--controls", CONTROLS];
    let serving = Serving::start(&home, &more).await;
    home.run(&["jobs", "run", "scan"]).await.exits(0);
    serving
        .until("call that is not answered", async || {
            account.faults.seen().iter().any(|call| call.operation == asked)
        })
        .await;
    let began = Instant::now();
    let (code, log) = serving.stop().await;
    assert_eq!(code, 0, "{log}");
    assert!(began.elapsed() < Duration::from_secs(35), "{:?}", began.elapsed());
    let store = Store::open(&Location::in_folder(&home.data())).await.unwrap();
    let waiting = store.jobs().list(10).await.unwrap();
    let scan = waiting.iter().find(|job| job.kind == "scan").expect("the scan waits");
    assert_eq!(scan.held, None);
    account.faults.clear();
    let serving = Serving::start(&home, &more).await;
    serving
        .until("scan", async || {
            let runs = store.jobs().runs(Some("scan"), 10).await.unwrap();
            runs.iter().any(|run| run.outcome == RunOutcome::Done)
        })
        .await;
    let scans = serving.metric("yagura_scans_total{outcome=\"complete\"}").await;
    let blind = serving.metric("yagura_scans_total{outcome=\"partly_blind\"}").await;
    assert_eq!(scans.unwrap_or_default() + blind.unwrap_or_default(), 1.0);
    let findings = home.run(&["findings", "list", "--format", "json"]).await.exits(0);
    assert!(!findings.records().is_empty(), "the scan was folded");
    assert_eq!(serving.stop().await.0, 0);
    store.close().await;
}

/// How many alerts are kept.
async fn alerts(store: &Store) -> usize {
    store.alerts().list(&AlertFilter::default(), 1_000).await.unwrap().alerts.len()
}

/// How many findings there are.
async fn findings(store: &Store) -> usize {
    let all = store.findings(Scope::All);
    let counts = all.count_by(&FindingFilter::default(), GroupBy::State).await.unwrap();
    counts.counts.iter().map(|one| usize::try_from(one.count).unwrap()).sum()
}

/// Processes on one database are killed again and again while logs come in; at the end each event
/// has been told at least once, each finding is there once, and the lake has each record once.
async fn killed_at_random(database: Option<&str>, processes: usize, kills: usize, seed: u64) {
    let (home, receiver) = (Home::offline(), Receiver::start().await);
    prepared(&home, &receiver);
    let mut more = vec!["--watch", "cloudtrail=logs", "--lease", "2"];
    more.extend(database.iter().flat_map(|url| ["--database", url]));
    let mut random = fastrand::Rng::with_seed(seed);
    let mut serving = Vec::new();
    for _ in 0..processes {
        serving.push(Serving::start(&home, &more).await);
    }
    let location = match database {
        Some(url) => url.parse().unwrap(),
        None => Location::in_folder(&home.data()),
    };
    let store = Store::open(&location).await.unwrap();
    let mut users = BTreeSet::new();
    for n in 0..kills {
        let user = format!("user{n}");
        drop_in(&home, &format!("{user}.json"), &stopped(&user, u32::try_from(n).unwrap()));
        users.insert(user.clone());
        // Killed on its way from the file to the message: at once, or right after the alert was
        // kept, the finding made, the message sent.
        let stage = random.u8(0..4);
        let passed = async || match stage {
            0 => true,
            1 => alerts(&store).await > n,
            2 => findings(&store).await > n,
            _ => receiver.told().contains_key(&user),
        };
        serving[0].until("progress", passed).await;
        let victim = serving.swap_remove(random.usize(..serving.len()));
        victim.kill().await;
        serving.push(Serving::start(&home, &more).await);
    }
    let told = || receiver.told().into_keys().collect::<BTreeSet<_>>();
    serving[0].until("message of each", async || told().is_superset(&users)).await;
    assert_eq!(told(), users, "nothing is told that did not happen");
    for one in serving {
        let (code, log) = one.stop().await;
        assert_eq!(code, 0, "{log}");
    }
    assert_eq!(findings(&store).await, users.len());
    store.close().await;
    // What was told may have been killed before the lake's commit: the next run brings it in.
    let mut again = vec!["ingest", "cloudtrail", "logs", "--rules", "rules.yml", "--no-builtin"];
    again.extend(database.iter().flat_map(|url| ["--database", url]));
    home.run(&again).await.exits(0);
    let mut count = vec!["query", "SELECT count(*) AS n FROM cloudtrail", "--format", "json"];
    count.extend(database.iter().flat_map(|url| ["--database", url]));
    let rows = home.run(&count).await.exits(0).records();
    assert_eq!(rows[0]["n"], users.len());
}

#[tokio::test]
async fn one_process_that_is_killed_again_and_again_loses_no_event() {
    killed_at_random(None, 1, 4, 11).await;
}

#[tokio::test]
async fn several_processes_share_postgresql_and_a_killed_one_loses_no_event() {
    let Ok(url) = std::env::var("YAGURA_TEST_POSTGRES_URL") else {
        // Without a server the processes share one folder.
        return killed_at_random(None, 2, 4, 12).await;
    };
    let schema = format!("serve_{}", std::process::id());
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    let make = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(make)).execute(&pool).await.unwrap();
    pool.close().await;
    let join = if url.contains('?') { '&' } else { '?' };
    let own = format!("{url}{join}options=-csearch_path%3D{schema}");
    killed_at_random(Some(&own), 3, 6, 13).await;
}

#[tokio::test]
async fn the_console_is_served_beside_health_and_asks_who_comes() {
    let home = Home::offline();
    home.write("rules.yml", RULES);
    let serving = Serving::start(&home, &[]).await;
    assert_eq!(serving.get("/healthz").await, (200, "ok\n".into()));
    let answer = serving.ask("/").await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 303"), "{answer}");
    assert!(answer.contains("\r\nlocation: /sign-in?next=%2f"), "{answer}");
    assert!(answer.contains("\r\ncontent-security-policy:"), "{answer}");
    let (status, text) = serving.get("/api/v1/findings").await;
    assert_eq!(status, 401, "{text}");
    assert!(text.contains("urn:yagura:problem:sign_in"), "{text}");
}
