//! `yagura lake`: how the log lake is, and what keeps it so: compaction, retention, legal holds,
//! definitions for other engines, export, quarantine.
//! The lake itself is `yagura-lake`'s.

mod ddl;
pub(crate) mod expire;
mod export;
mod hold;
mod quarantine;
mod status;

use clap::{Args, Subcommand};
use yagura_lake::CompactOptions;
use yagura_report::grouped;

use crate::context::Context;
use crate::exit::Exit;
use crate::lake_place::{self, Use};
use crate::options::{AwsOptions, LakeChoice};
use crate::output;

#[derive(Args)]
pub(crate) struct LakeArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Status(status::StatusArgs),
    Ddl(ddl::DdlArgs),
    Compact(CompactArgs),
    Expire(expire::ExpireArgs),
    Hold(hold::HoldArgs),
    Holds(hold::HoldsArgs),
    Release(hold::ReleaseArgs),
    Export(export::ExportArgs),
    Quarantine(quarantine::QuarantineArgs),
}

/// The lake that a command is about, and how it is reached.
#[derive(Args, Clone, Debug, Default)]
struct Which {
    #[command(flatten)]
    lake: LakeChoice,
    #[command(flatten)]
    aws: AwsOptions,
}

impl Which {
    async fn open(&self, context: &Context) -> anyhow::Result<yagura_lake::Lake> {
        let content = context.content()?;
        lake_place::open(context, &content, &self.lake, &self.aws, Use::READ).await
    }
}

#[derive(Args)]
struct CompactArgs {
    #[command(flatten)]
    which: Which,
}

pub(crate) async fn run(context: &Context, args: &LakeArgs) -> anyhow::Result<Exit> {
    match &args.what {
        What::Status(args) => status::run(context, args).await,
        What::Ddl(args) => ddl::run(context, args).await,
        What::Compact(args) => compact(context, args).await,
        What::Expire(args) => expire::run(context, args).await,
        What::Hold(args) => hold::place(context, args).await,
        What::Holds(args) => hold::list(context, args).await,
        What::Release(args) => hold::lift(context, args).await,
        What::Export(args) => export::run(context, args).await,
        What::Quarantine(args) => quarantine::run(context, args).await,
    }
}

async fn compact(context: &Context, args: &CompactArgs) -> anyhow::Result<Exit> {
    let lake = args.which.open(context).await?;
    let done = lake.compact(&CompactOptions::new(context.now())).await?;
    let (before, after) = (grouped(done.files_before), grouped(done.files_after));
    let (from, to) = (output::size(done.bytes_before), output::size(done.bytes_after));
    let swept = grouped(done.files_swept);
    context.remark_in(
        &format!("{before} files ({from}) became {after} ({to}); {swept} old files were deleted"),
        &format!(
            "{before} ファイル（{from}）を {after} ファイル（{to}）にまとめ、\
             古い {swept} ファイルを削除しました"
        ),
    );
    Ok(Exit::Done)
}
