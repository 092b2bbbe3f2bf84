//! How the program reaches AWS: the client with its settings, and the accounts and regions.
//! What is read there is collect's plan.

use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use yagura_aws::{Aws, AwsBuilder, Declared, MemberRole, ReadClient, Target};
use yagura_collect::{CollectError, Extent, Organization, Plan, Regions};

use crate::options::{AwsOptions, Reach};
use crate::output::Hinted;
use crate::tables;

/// A client for the user's AWS, with their settings.
pub(crate) async fn client(
    options: &AwsOptions,
    cancel: CancellationToken,
) -> anyhow::Result<ReadClient> {
    connect(builder(options)?, cancel).await
}

/// The user's AWS itself: what reads log objects, queues and lakes is made from it.
pub(crate) async fn aws(options: &AwsOptions) -> anyhow::Result<Aws> {
    builder(options)?.build().await.context("could not prepare the AWS client")
}

/// Where the credentials are at home: calls without a better target go there.
pub(crate) async fn home(aws: &Aws) -> anyhow::Result<Target> {
    let caller = aws.caller_identity().await.map_err(|error| {
        anyhow::Error::new(error).context(Hinted::new(
            "could not find out whose credentials these are",
            "sign in (`aws sso login`), set AWS_PROFILE, or name a profile with --profile",
        ))
    })?;
    Ok(Target::new(&caller.account, aws.region()))
}

fn builder(options: &AwsOptions) -> anyhow::Result<AwsBuilder> {
    let mut builder = Aws::builder(tables::api()?, tables::actions()?);
    if let Some(profile) = &options.profile {
        builder = builder.profile(profile);
    }
    if let Some(url) = &options.endpoint_url {
        builder = builder.endpoint_url(url).s3_path_style(true);
    }
    if let Some(rate) = options.calls_per_second {
        builder = builder.calls_per_second_max(f64::from(rate));
    }
    if let Some(calls) = options.concurrency {
        builder = builder.concurrency(usize::try_from(calls)?);
    }
    if let Some(seconds) = options.deadline {
        builder = builder.deadline(Duration::from_secs(seconds));
    }
    Ok(builder.member_role(member_role(options)))
}

/// The role that is assumed in member accounts.
fn member_role(options: &AwsOptions) -> MemberRole {
    MemberRole { external_id: options.external_id.clone(), ..MemberRole::named(&options.role) }
}

/// Makes a read client from settings. No content file declares customer data to be read.
pub(crate) async fn connect(
    builder: AwsBuilder,
    cancel: CancellationToken,
) -> anyhow::Result<ReadClient> {
    let aws = builder.build().await.context("could not prepare the AWS client")?;
    Ok(aws.read(Declared::none()).with_cancel(cancel))
}

/// The accounts and regions of a scan.
pub(crate) struct Ground {
    pub(crate) organization: Organization,
    pub(crate) regions: Regions,
    pub(crate) now: Timestamp,
}

/// Finds out which accounts and regions there are, as far as the plan needs them.
pub(crate) async fn ground(
    client: &ReadClient,
    plan: &Plan<'_>,
    reach: &Reach,
    now: Timestamp,
) -> anyhow::Result<Ground> {
    let mut organization =
        yagura_collect::organization(client, Extent::Everything).await.map_err(explained)?;
    organization.select(&reach.accounts).map_err(explained)?;
    let regions = if plan.needs_regions() {
        yagura_collect::regions(client, &organization, &reach.regions).await.map_err(explained)?
    } else {
        Regions::default()
    };
    Ok(Ground { organization, regions, now })
}

/// An error of collect with its remedy.
pub(crate) fn explained(error: CollectError) -> anyhow::Error {
    let hint = match &error {
        CollectError::Identity { .. } => {
            "sign in (`aws sso login`), set AWS_PROFILE, or name a profile with --profile; \
             `yagura demo` needs no credentials"
        }
        CollectError::NoSuchAccount { .. } => "`yagura doctor` lists the accounts in reach",
        CollectError::NoSuchRegion { .. } => "regions are enabled under Account in the console",
    };
    let message = error.to_string();
    anyhow::Error::new(error).context(Hinted::new(message, hint))
}
