//! `yagura access`: who can do what, and why, over the inventory as it was last read.
//! The evaluation is `iam-policy`'s, laying the inventory out is analyze's.

mod ask;
mod escalations;
mod evaluate;
mod generate;
mod last_accessed;
mod least_privilege;
mod least_words;
mod lint;
mod preview;
mod principal;
mod unused;
mod used;

use std::io::BufReader;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use futures::TryStreamExt;
use iam_policy::RemarkWeight;
use yagura_analyze::access::{WORLD_TYPES, World, guarded_types};
use yagura_model::Resource;
use yagura_store::ResourceFilter;

use crate::context::Context;
use crate::exit::Exit;
use crate::former::parse_time;
use crate::options::RowOptions;
use crate::output::{self, Hinted};
use crate::tables;

#[derive(Args)]
pub(crate) struct AccessArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Can(AskArgs),
    Explain(AskArgs),
    WhoCan(WhoCanArgs),
    Principal(PrincipalArgs),
    Escalations(EscalationsArgs),
    LeastPrivilege(Box<least_privilege::LeastPrivilegeArgs>),
    Unused(Box<unused::UnusedArgs>),
    PreviewScp(Box<preview::PreviewScpArgs>),
    Lint(LintArgs),
    Generate(generate::GenerateArgs),
    Evaluate(EvaluateArgs),
}

#[derive(Args)]
struct AskArgs {
    principal: String,
    action: String,
    resource: Option<String>,
    #[command(flatten)]
    circumstances: Circumstances,
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct WhoCanArgs {
    action: String,
    resource: Option<String>,
    #[command(flatten)]
    circumstances: Circumstances,
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct PrincipalArgs {
    principal: String,
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct EscalationsArgs {
    #[arg(long, value_name = "ARN")]
    from: Option<String>,
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    #[arg(long, value_name = "ARN", requires = "action")]
    resource: Option<String>,
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[command(flatten)]
    rows: RowOptions,
}

#[derive(Args)]
struct LintArgs {
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[arg(long, value_enum, default_value = "identity")]
    kind: LintKind,
    #[arg(long, value_enum, default_value = "suggestion")]
    least: LintWeight,
    #[arg(long, value_enum)]
    fail_on: Option<LintWeight>,
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[command(flatten)]
    rows: RowOptions,
}

/// The kind of the policies in files; those of the inventory are of a known kind.
#[derive(Clone, Copy, ValueEnum)]
enum LintKind {
    Identity,
    Resource,
    Trust,
    Scp,
    Rcp,
    Endpoint,
}

/// How much a remark must matter.
#[derive(Clone, Copy, ValueEnum)]
enum LintWeight {
    Error,
    Security,
    Warning,
    Suggestion,
}

impl LintWeight {
    fn weight(self) -> RemarkWeight {
        match self {
            Self::Error => RemarkWeight::Error,
            Self::Security => RemarkWeight::Security,
            Self::Warning => RemarkWeight::Warning,
            Self::Suggestion => RemarkWeight::Suggestion,
        }
    }
}

/// What is known about the request, and the time that is asked about.
#[derive(Args)]
struct Circumstances {
    #[arg(long = "context", value_name = "KEY=VALUE")]
    context: Vec<String>,
    #[arg(long, value_name = "ID")]
    resource_account: Option<String>,
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

#[derive(Args)]
struct EvaluateArgs {
    #[arg(long, value_name = "FILE")]
    cases: PathBuf,
}

/// Does what was asked.
pub(crate) async fn run(context: &Context, args: &AccessArgs) -> anyhow::Result<Exit> {
    match &args.what {
        What::Can(args) => ask::can(context, args, false).await,
        What::Explain(args) => ask::can(context, args, true).await,
        What::WhoCan(args) => ask::who_can(context, args).await,
        What::Principal(args) => principal::show(context, args).await,
        What::Escalations(args) => escalations::list(context, args).await,
        What::LeastPrivilege(args) => least_privilege::run(context, args).await,
        What::Unused(args) => unused::run(context, args).await,
        What::PreviewScp(args) => preview::run(context, args).await,
        What::Lint(args) => lint::run(context, args).await,
        What::Generate(args) => generate::run(context, args),
        What::Evaluate(args) => evaluate_cases(context, args),
    }
}

/// The inventory's policies, as of now or as of a time.
async fn world(context: &Context, at: Option<&str>) -> anyhow::Result<World> {
    Ok(inventory(context, at, Vec::new()).await?.0)
}

/// The same with the resources that it was built from, and those of further types.
async fn inventory(
    context: &Context,
    at: Option<&str>,
    further: Vec<String>,
) -> anyhow::Result<(World, Vec<Resource>)> {
    let (world, resources) = inventory_if_any(context, at, further).await?;
    anyhow::ensure!(
        !resources.is_empty(),
        Hinted::new(
            "the inventory has no users, roles or resources with policies",
            "run `yagura scan` first (`--full` reads every attribute), or `yagura demo`",
        )
    );
    Ok((world, resources))
}

/// The same where logs alone say something too.
async fn inventory_if_any(
    context: &Context,
    at: Option<&str>,
    further: Vec<String>,
) -> anyhow::Result<(World, Vec<Resource>)> {
    let at = match at {
        Some(text) => parse_time(text)?,
        None => context.now(),
    };
    let store = context.store().await?;
    let types = WORLD_TYPES.into_iter().chain(guarded_types());
    let types = types.chain(["AWS::S3::AccountPublicAccessBlock", "AWS::IAM::InstanceProfile"]);
    let mut types: Vec<String> = types.map(str::to_owned).chain(further).collect();
    types.sort_unstable();
    types.dedup();
    let filter = ResourceFilter { types, ..ResourceFilter::default() };
    let resources: Vec<_> = store.resources_at(at, &filter).try_collect().await?;
    let coverage = store.coverage_at(at).await?;
    store.close().await;
    Ok((World::new(&resources, &coverage), resources))
}

fn evaluate_cases(context: &Context, args: &EvaluateArgs) -> anyhow::Result<Exit> {
    let actions = tables::actions()?;
    let path = args.cases.display();
    let failures = if args.cases.as_os_str() == "-" {
        let stdin = BufReader::new(std::io::stdin());
        evaluate_to_stdout(&actions, stdin)?
    } else {
        let file = std::fs::File::open(&args.cases).with_context(|| {
            Hinted::new(format!("could not open the cases `{path}`"), "name a file, or `-`")
        })?;
        evaluate_to_stdout(&actions, BufReader::new(file))?
    };
    if failures == 0 {
        return Ok(Exit::Done);
    }
    context.remark_in(
        &format!("{failures} cases could not be decided; their lines say why"),
        &format!("{failures} 件は判定できませんでした。理由は各行にあります"),
    );
    Ok(Exit::Failed)
}

fn evaluate_to_stdout(
    actions: &yagura_aws::Actions,
    cases: impl std::io::BufRead,
) -> anyhow::Result<usize> {
    let mut failures = 0;
    output::data(|out| {
        failures = evaluate::run(actions, cases, out)?;
        anyhow::Ok(())
    })?;
    Ok(failures)
}
