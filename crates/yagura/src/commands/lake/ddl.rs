//! `yagura lake ddl`: table definitions with which other engines read the lake's files.
//! The statements are `yagura-lake`'s; the lake need not exist yet.

use std::collections::BTreeSet;

use clap::Args;
use yagura_lake::ddl::{DdlEngine, DdlPlace, ddl};

use super::Which;
use crate::context::Context;
use crate::exit::Exit;
use crate::lake_place::Place;
use crate::output;

#[derive(Args)]
pub(super) struct DdlArgs {
    #[arg(long, value_name = "ENGINE", value_parser = engine)]
    engine: DdlEngine,
    #[arg(long, value_name = "NAME", default_value = "")]
    schema: String,
    #[arg(long, value_name = "URL")]
    location: Option<String>,
    #[command(flatten)]
    which: Which,
}

fn engine(text: &str) -> Result<DdlEngine, String> {
    text.parse()
}

pub(super) async fn run(context: &Context, args: &DdlArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let url = Place::of(context, &args.which.lake)?.url();
    let mut place = DdlPlace {
        location: args.location.clone().unwrap_or(url),
        database: args.schema.clone(),
        ..DdlPlace::default()
    };
    let mut tables = content.tables();
    if let Ok(lake) = args.which.open(context).await {
        let snapshot = lake.snapshot().await?;
        // Partition projection must be told accounts and the first day.
        let accounts: BTreeSet<String> =
            snapshot.files().map(|file| file.account.to_string()).collect();
        place.accounts = accounts.into_iter().collect();
        place.first_day = snapshot.files().map(|file| file.day).min().map(|day| day.to_string());
        // DuckDB refuses a view of no files.
        let kept: BTreeSet<&str> = snapshot.files().map(|file| &*file.source).collect();
        if args.engine == DdlEngine::DuckDb && !kept.is_empty() {
            tables.retain(|table| kept.contains(table.source.as_str()));
        }
    }
    let text = ddl(args.engine, &tables, &place)?;
    output::line(text.trim_end())?;
    Ok(Exit::Done)
}
