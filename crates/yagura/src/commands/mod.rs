//! The commands: one file each, with its arguments and what it does.
//! Wiring of the stages is in `crate::river`; nothing here knows AWS, SQL or HTML.

pub(crate) mod access;
pub(crate) mod alerts;
pub(crate) mod aws;
pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod content;
pub(crate) mod controls;
pub(crate) mod costs;
pub(crate) mod demo;
pub(crate) mod detect;
pub(crate) mod doctor;
pub(crate) mod findings;
pub(crate) mod frameworks;
pub(crate) mod hunt;
pub(crate) mod ingest;
pub(crate) mod intelligence;
pub(crate) mod jobs;
pub(crate) mod lake;
pub(crate) mod mcp;
pub(crate) mod people;
pub(crate) mod prune;
pub(crate) mod query;
pub(crate) mod reference;
pub(crate) mod resources;
pub(crate) mod restore;
pub(crate) mod routes;
pub(crate) mod scan;
pub(crate) mod secrets;
pub(crate) mod serve;
pub(crate) mod trail;

use std::time::Duration;

use anyhow::Context as _;
use yagura_model::Lang;

use crate::cli::{Cli, Commands};
use crate::context::Context;
use crate::exit::Exit;

/// Does what was typed. Commands that neither call nor store anything run without a runtime.
pub(crate) fn run(cli: Cli, lang: Lang) -> anyhow::Result<Exit> {
    let context = Context { global: cli.global, lang };
    match &cli.command {
        Commands::Demo(args) => wait_for(demo::run(&context, args)),
        Commands::Scan(args) => wait_for(scan::run(&context, args)),
        Commands::Controls(args) => wait_for(controls::run(&context, args)),
        Commands::Frameworks(args) => frameworks::run(&context, args),
        Commands::Ingest(args) => wait_for(ingest::run(&context, args)),
        Commands::Detect(args) => wait_for(detect::run(&context, args)),
        Commands::Hunt(args) => wait_for(hunt::run(&context, args)),
        Commands::Alerts(args) => wait_for(alerts::run(&context, args)),
        Commands::Findings(args) => wait_for(findings::run(&context, args)),
        Commands::Routes(args) => wait_for(routes::run(&context, args)),
        Commands::Lake(args) => wait_for(lake::run(&context, args)),
        Commands::Trail(args) => wait_for(trail::run(&context, args)),
        Commands::Access(args) => wait_for(access::run(&context, args)),
        Commands::Serve(args) => wait_for(serve::run(&context, args)),
        Commands::Jobs(args) => wait_for(jobs::run(&context, args)),
        Commands::People(args) => wait_for(people::run(&context, args)),
        Commands::Tokens(args) => wait_for(people::run_tokens(&context, args)),
        Commands::Mcp(args) => wait_for(mcp::run(&context, args)),
        Commands::Query(args) => wait_for(query::run(&context, args)),
        Commands::Intelligence(args) => wait_for(intelligence::run(&context, args)),
        Commands::Resources(args) => wait_for(resources::run(&context, args)),
        Commands::Doctor(args) => wait_for(doctor::run(&context, args)),
        Commands::Aws(args) => wait_for(aws::run(&context, args)),
        Commands::Costs(args) => wait_for(costs::run(&context, args)),
        Commands::Secrets(args) => wait_for(secrets::run(&context, args)),
        Commands::Config(args) => config::run(&context, args),
        Commands::Backup(args) => wait_for(backup::run(&context, args)),
        Commands::Prune(args) => wait_for(prune::run(&context, args)),
        Commands::Restore(args) => wait_for(restore::run(&context, args)),
        Commands::Content(args) => content::run(&context, args),
        Commands::Completions(args) => completions::run(args, lang),
        Commands::Reference(args) => reference::run(args, lang),
    }
}

/// How long a thread waits for more blocking work. What it has freed is of use to others only once
/// it has ended: with the usual ten seconds ingestion needed 90 MB more at its end.
const KEEP_ALIVE: Duration = Duration::from_millis(100);

/// Runs a command to its end.
fn wait_for(command: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_keep_alive(KEEP_ALIVE)
        .enable_all()
        .build()
        .context("could not start the runtime")?;
    runtime.block_on(command)
}
