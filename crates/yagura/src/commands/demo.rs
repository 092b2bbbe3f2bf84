//! `yagura demo`: the whole river on a recorded sample organization, without network, and the
//! console over what came of it.
//! The recording is content; every stage it goes through is the one that a real scan uses.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use yagura_aws::{Aws, MemberRole, ReadClient, Replay};
use yagura_collect::{Plan, Wanted};
use yagura_console::{Console, Door, Entrance, Parts, SignIn};
use yagura_content::Content;
use yagura_model::{Lang, VerdictCounts};
use yagura_report::{Catalog, Format, ScanMeta, ScanReport};
use yagura_store::{Location, Store};

use crate::context::Context;
use crate::daemon::desk::{Book, ContentNow, Desk};
use crate::daemon::stop;
use crate::demo::{self, Ground as Past};
use crate::exit::Exit;
use crate::options::{AwsOptions, LakeChoice, Reach};
use crate::output::{self, Hinted};
use crate::progress::Bar;
use crate::river::{self, Judging, Seen};
use crate::{catalog, console, findings, reach, tables};

/// What AWS answered, byte for byte; made by `cargo xtask demo` from `content/demo/`.
static RECORDING: &[u8] = include_bytes!("../../../../content/demo/answers.zst");

/// The day that the recording shows. Ages (of keys, passwords, certificates) are measured from
/// here, so that the demo says the same thing every day.
const RECORDED: &str = "2026-11-20T09:00:00Z";

#[derive(Args)]
pub(crate) struct DemoArgs {
    #[arg(long)]
    no_serve: bool,
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    #[arg(long, value_enum, default_value_t = DemoFormat::Table)]
    format: DemoFormat,
}

/// The formats of the demo.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum DemoFormat {
    Table,
    Plain,
    Json,
}

pub(crate) async fn run(context: &Context, args: &DemoArgs) -> anyhow::Result<Exit> {
    // Content of a site would make the demo say something else than it does for everybody.
    let content = Arc::new(Content::builtin().clone());
    let door = match args.no_serve {
        true => None,
        false => Some(demo_door(args.listen).await?),
    };
    let folder = demo_folder(context)?;
    let recorded: Timestamp = RECORDED.parse().context("the recording's date is broken")?;
    let replay = Replay::open(RECORDING, &tables::api()?).context("the recording is damaged")?;
    let client = client(&replay).await?;
    let controls: Vec<_> = content.controls.values().collect();
    let plan = Plan::new(&content, &Wanted::Everything);
    let ground = reach::ground(&client, &plan, &Reach::default(), recorded).await?;
    let start = river::start(&ground, &controls, true);
    let store = Store::open(&Location::in_folder(&folder)).await?;
    let past = Past {
        context: &demo_context(context, &folder),
        folder: &folder,
        store: &store,
        content: &content,
        controls: &controls,
        recorded,
    };
    if !args.no_serve {
        lay_before(&past, &replay, &plan).await?;
    }
    let bar = Bar::new(context.lang, context.global.quiet);
    let read = river::read(&client, &plan, &ground, &start, &store, &bar).await?;
    let (unmatched, examples) = replay.unmatched();
    ensure!(
        unmatched == 0,
        "the recording has no answer to {unmatched} calls, such as {}",
        examples.join(", ")
    );
    river::finish(&store, &read, recorded).await?;
    let judging = Judging {
        content: &content,
        controls: &controls,
        now: recorded,
        accounts: river::accounts_known(&ground.organization),
        all: false,
        into: Some(read.scan),
    };
    let judgement = river::judge(&store, Seen::Scan(read.scan), judging).await?;
    findings::fold_scan(&content, &store, read.scan, recorded).await?;
    if !args.no_serve {
        demo::lay_beside(&past).await?;
    }
    store.close().await;
    let meta = ScanMeta {
        demo: true,
        calls: client.counts().calls,
        resources: judgement.resources,
        ..river::meta(&start, Some(read.scan), recorded)
    };
    let catalog = catalog::of(&content);
    let scores = catalog::in_order(&catalog, &judgement.scores);
    let report = judgement.report(meta, &catalog, &scores, context.lang);
    let page = write_page(context, &report, &folder)?;
    match args.format {
        DemoFormat::Json => {
            output::line(&summary(&report, controls.len(), &page).to_string())?;
        }
        DemoFormat::Table => show(context, &report, Format::Table, &page)?,
        DemoFormat::Plain => show(context, &report, Format::Plain, &page)?,
    }
    if let Some(door) = door {
        serve(context, door, content, &folder, recorded).await?;
    }
    Ok(Exit::Done)
}

/// A client that the recording answers.
async fn client(replay: &Replay) -> anyhow::Result<ReadClient> {
    let builder = Aws::builder(tables::api()?, tables::actions()?)
        .replay(replay)
        .member_role(MemberRole::named("YaguraRead"));
    reach::connect(builder, CancellationToken::new()).await
}

/// The settings of a command that works in the demo's folder, with nothing of the site's.
fn demo_context(context: &Context, folder: &Path) -> Context {
    let mut own = context.clone();
    own.global.data_dir = Some(folder.to_owned());
    own.global.database = None;
    own
}

/// Reads the recording once into a folder beside, and lays the weeks before it.
async fn lay_before(past: &Past<'_>, replay: &Replay, plan: &Plan<'_>) -> anyhow::Result<()> {
    let client = client(replay).await?;
    let ground = reach::ground(&client, plan, &Reach::default(), past.recorded).await?;
    let start = river::start(&ground, past.controls, true);
    let folder = demo::scratch(past.folder);
    crate::settings::make_data_folder(&folder)?;
    let store = Store::open(&Location::in_folder(&folder)).await?;
    let bar = Bar::new(past.context.lang, true);
    let read = river::read(&client, plan, &ground, &start, &store, &bar).await?;
    let accounts = river::accounts_known(&ground.organization);
    let now = demo::now_of(&store, read.scan, start, accounts).await?;
    store.close().await;
    std::fs::remove_dir_all(&folder)
        .with_context(|| format!("could not remove `{}`", folder.display()))?;
    demo::lay_before(past, &now).await
}

/// Takes the console's address, before anything is done. Everybody who can reach it may do
/// everything, so only this machine can.
async fn demo_door(listen: SocketAddr) -> anyhow::Result<Door> {
    ensure!(
        listen.ip().is_loopback(),
        Hinted::new(
            format!("the demo asks nobody to sign in and cannot listen on `{listen}`"),
            "--listen 127.0.0.1:PORT; `yagura serve` is what others may reach",
        )
    );
    console::door(listen, &console::Options::default()).await
}

/// Serves the console until it is told to stop.
async fn serve(
    context: &Context,
    door: Door,
    content: Arc<Content>,
    folder: &Path,
    recorded: Timestamp,
) -> anyhow::Result<()> {
    let options = console::Options::default();
    let store = Store::open(&Location::in_folder(folder)).await?;
    let (address, zone) = (console::address(&content, &door), console::zone(&content, &options)?);
    let now: ContentNow = Arc::new(move || Arc::clone(&content));
    // The weeks before were laid with the same settings: the lake is in the demo's own folder.
    let own = demo_context(context, folder);
    let (lake, aws) = (LakeChoice::default(), AwsOptions::default());
    let desk = Desk::new(own, store.clone(), lake, aws, Arc::clone(&now));
    let began = Instant::now();
    // The recorded day goes on from its morning.
    let clock: console::Clock = Arc::new(move || {
        let passed = SignedDuration::try_from(began.elapsed()).unwrap_or_default();
        recorded.saturating_add(passed).unwrap_or(recorded)
    });
    let guide = console::Guide::new(store.clone(), Arc::clone(&now), Arc::clone(&clock));
    let console = Console::new(Parts {
        store: store.clone(),
        content: Arc::clone(&now),
        desk: Some(Arc::new(desk)),
        guide: Some(Arc::new(guide)),
        actions: Arc::new(Book::open()?),
        clock,
        entrance: Entrance::Open,
        sign_in: SignIn::default(),
        lake: None,
        address,
        zone,
        proxies: Vec::new(),
        demo: true,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })?;
    let url = door.url();
    context.remark_in(
        &format!("The console: {url} (Ctrl-C ends it)"),
        &format!("コンソール: {url}（Ctrl-C で終了します）"),
    );
    let router = yagura_console::router(&console);
    let stop = stop::on_signals(context.lang);
    door.serve(router, stop).await.context("the console ended")?;
    store.close().await;
    Ok(())
}

/// The demo's own folder, emptied: each run starts from nothing and touches nothing else.
fn demo_folder(context: &Context) -> anyhow::Result<PathBuf> {
    let folder = context.data_folder()?.join("demo");
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| {
                format!("could not empty the demo's folder `{}`", folder.display())
            });
        }
        _ => {}
    }
    crate::settings::make_data_folder(&folder)?;
    Ok(folder)
}

fn write_page(
    context: &Context,
    report: &ScanReport<'_>,
    folder: &Path,
) -> anyhow::Result<PathBuf> {
    let page = folder.join("report.html");
    let file = std::fs::File::create(&page)
        .with_context(|| format!("could not write `{}`", page.display()))?;
    let mut out = std::io::BufWriter::new(file);
    yagura_report::write(report, Format::Html, &context.terminal(10, false), &mut out)?;
    out.flush()?;
    Ok(page)
}

fn show(
    context: &Context,
    report: &ScanReport<'_>,
    format: Format,
    page: &Path,
) -> anyhow::Result<()> {
    let terminal = context.terminal(10, true);
    output::data(|out| yagura_report::write(report, format, &terminal, out))?;
    let shown = page.display();
    let folder = page.parent().unwrap_or(page).display();
    let list = format!("yagura findings list --data-dir {folder}");
    output::line(&match context.lang {
        Lang::En => format!("\nThe whole report: {shown}\nThe list to work on: {list}"),
        Lang::Ja => format!("\nレポート全体: {shown}\n検出結果の一覧: {list}"),
    })
}

/// The contract of `yagura demo --format json`.
fn summary(report: &ScanReport<'_>, controls: usize, page: &Path) -> Value {
    let VerdictCounts { pass, fail, excepted, not_applicable, unknown } = report.tally.counts;
    let checklist = report.scores.iter().find(|score| score.framework == Catalog::CHECKLIST);
    let groups = report.catalog.frameworks.iter().find(|entry| entry.id == Catalog::CHECKLIST);
    let area = |id: &str| {
        let requirements = groups.map(|entry| entry.requirements.iter()).into_iter().flatten();
        requirements.filter(|one| one.id == id).map(|one| one.group.clone()).next()
    };
    let items: Vec<Value> = checklist
        .map(|score| score.requirements.iter())
        .into_iter()
        .flatten()
        .map(|one| json!({"area": area(&one.id), "item": one.id, "state": one.state}))
        .collect();
    json!({
        "accounts": report.scan.accounts.len(),
        "resources": report.scan.resources,
        "controls": controls,
        "verdicts": {
            "pass": pass,
            "fail": fail + excepted,
            "not_applicable": not_applicable,
            "unknown": unknown,
        },
        "checklist": items,
        "report": page.display().to_string(),
    })
}
