//! `yagura lake export`: records in the layout of a Security Lake custom source.
//! The layout is `yagura-lake`'s, the meaning of columns content's.

use anyhow::{Context as _, ensure};
use clap::Args;
use jiff::civil::Date;
use yagura_lake::LakeLocation;
use yagura_lake::export::{ExportRequest, security_lake};
use yagura_lake::query::{Engine, QueryOptions};
use yagura_report::grouped;

use super::Which;
use crate::context::Context;
use crate::exit::Exit;
use crate::lake_place::{self, Use, bucket_and_prefix};
use crate::options::Span;
use crate::output::{Hinted, size};
use crate::{moment, ocsf, reach};

#[derive(Args)]
pub(super) struct ExportArgs {
    view: String,
    to: String,
    #[arg(long, value_name = "NAME", default_value = "yagura")]
    name: String,
    #[arg(long, value_name = "ID", default_value = "unknown")]
    account: String,
    #[arg(long, value_name = "NAME", default_value = "us-east-1")]
    region: String,
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    which: Which,
}

pub(super) async fn run(context: &Context, args: &ExportArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let Which { lake: choice, aws } = &args.which;
    let lake = lake_place::open(context, &content, choice, aws, Use::READ).await?;
    let views = ocsf::views(&content);
    let known: Vec<&str> = views.iter().map(|view| view.name.as_str()).collect();
    let view = views.iter().find(|view| view.name == args.view).with_context(|| {
        Hinted::new(
            format!("there is no view `{}`", args.view),
            format!("known are {}", known.join(", ")),
        )
    })?;
    let now = context.now();
    let since = moment::read_some(args.span.since.as_deref(), now)?;
    let until = moment::read_some(args.span.until.as_deref(), now)?;
    let snapshot = lake.snapshot().await?;
    let mut days: Vec<Date> = snapshot.files().map(|file| file.day).collect();
    days.sort();
    let day = |time: jiff::Timestamp| time.to_zoned(jiff::tz::TimeZone::UTC).date();
    let first = since.map(day).or(days.first().copied());
    let last = until.map(day).or(days.last().copied());
    let (Some(first), Some(last)) = (first, last) else {
        context.remark_in("the lake is empty", "レイクは空です");
        return Ok(Exit::Done);
    };
    ensure!(
        first <= last,
        Hinted::new(
            format!("there are no days from {first} to {last}"),
            "--since begins before --until, and before the lake's last day",
        )
    );
    let request = ExportRequest {
        view: view.clone(),
        name: args.name.clone(),
        region: args.region.clone(),
        account: args.account.clone(),
        days: (first, last),
        // The same span exported again takes the place of what was exported before.
        run: format!("{first}-{last}"),
    };
    let engine = Engine::new(lake, None).with_ocsf(views.clone());
    let options = QueryOptions::default();
    let done = match bucket_and_prefix(&args.to) {
        Some((bucket, prefix)) => {
            let aws = reach::aws(aws).await?;
            let home = reach::home(&aws).await?;
            let store = aws
                .lake_store(&home, &bucket, &prefix)
                .with_context(|| format!("`{}` cannot be written", args.to))?;
            let prefix = prefix.as_str().into();
            security_lake(&engine, store, &prefix, &request, &options).await?
        }
        None => {
            let place = LakeLocation::folder(args.to.as_ref())?;
            security_lake(&engine, place.store, &place.prefix, &request, &options).await?
        }
    };
    let (rows, files, bytes) = (grouped(done.rows), grouped(done.files), size(done.bytes));
    let to = &args.to;
    context.remark_in(
        &format!("wrote {rows} records in {files} files ({bytes}) to {to}"),
        &format!("{rows} 件のレコードを {files} ファイル（{bytes}）として {to} に書き出しました"),
    );
    Ok(Exit::Done)
}
