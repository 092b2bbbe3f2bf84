//! `yagura doctor`: says what is missing before a scan, and prints what AWS needs to be told.
//! It makes a handful of calls and changes nothing.

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use yagura_aws::{CallError, CallErrorKind, ReadClient, Target};
use yagura_collect::permissions::{self, MemberRole};
use yagura_collect::{Extent, Organization, Plan, Wanted};
use yagura_content::format::Control;
use yagura_model::Lang;

use crate::choice::ControlChoice;
use crate::context::Context;
use crate::exit::Exit;
use crate::options::{AwsOptions, Reach};
use crate::output;
use crate::reach;

#[derive(Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    aws: AwsOptions,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    choice: ControlChoice,
    #[arg(long)]
    full: bool,
    #[arg(long, conflicts_with = "stackset")]
    policy: bool,
    #[arg(long)]
    stackset: bool,
    #[arg(long, value_name = "ID", requires = "stackset")]
    trusted_account: Option<String>,
    #[arg(long, value_name = "ID", requires = "stackset")]
    organization: Option<String>,
}

pub(crate) async fn run(context: &Context, args: &DoctorArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let controls = args.choice.of(&content)?;
    let controls: Vec<&Control> = controls.iter().map(AsRef::as_ref).collect();
    let wanted = if args.full { Wanted::Everything } else { Wanted::Controls(&controls) };
    let plan = Plan::new(&content, &wanted);
    if args.policy {
        return policy(context, &plan);
    }
    if args.stackset {
        return stackset(args, &plan).await;
    }
    let client = reach::client(&args.aws, CancellationToken::new()).await?;
    Examination { context, client: &client, args, plan: &plan, problems: 0 }.run().await
}

/// Prints the least policy, in as many documents as IAM's size limit asks for.
fn policy(context: &Context, plan: &Plan<'_>) -> anyhow::Result<Exit> {
    let policies = permissions::policies(&permissions::own_actions(plan));
    for policy in &policies {
        output::line(&serde_json::to_string_pretty(policy)?)?;
    }
    let n = policies.len();
    if n > 1 {
        context.remark_in(
            &format!("{n} documents: one managed policy holds at most 6,144 characters"),
            &format!("文書は {n} 個です（管理ポリシー 1 つの上限は 6,144 文字）"),
        );
    }
    Ok(Exit::Done)
}

async fn stackset(args: &DoctorArgs, plan: &Plan<'_>) -> anyhow::Result<Exit> {
    let trusted_account = match &args.trusted_account {
        Some(account) => account.clone(),
        None => {
            let client = reach::client(&args.aws, CancellationToken::new()).await?;
            let identity = client.caller_identity().await;
            identity
                .context(output::Hinted::new(
                    "could not tell which account the member role should trust",
                    "name it with --trusted-account",
                ))?
                .account
                .clone()
        }
    };
    let role = MemberRole {
        name: args.aws.role.clone(),
        trusted_account,
        external_id: args.aws.external_id.clone(),
        organization: args.organization.clone(),
    };
    let template = permissions::member_role_template(&role, &permissions::actions(plan));
    output::data(|out| out.write_all(template.as_bytes()))?;
    Ok(Exit::Done)
}

/// A preflight, step by step.
struct Examination<'a> {
    context: &'a Context,
    client: &'a ReadClient,
    args: &'a DoctorArgs,
    plan: &'a Plan<'a>,
    problems: u32,
}

impl Examination<'_> {
    async fn run(mut self) -> anyhow::Result<Exit> {
        let folder = self.context.data_folder()?;
        self.good("data folder", "データフォルダー", &folder.display().to_string())?;
        let organization = match yagura_collect::organization(self.client, Extent::Everything).await
        {
            Ok(organization) => organization,
            Err(error) => return Err(reach::explained(error)),
        };
        self.good("identity", "呼び出し元", &organization.caller_arn)?;
        self.organization(&organization)?;
        let mut selected = organization.clone();
        selected.select(&self.args.reach.accounts).map_err(reach::explained)?;
        self.accounts(&selected).await?;
        self.regions(&selected).await?;
        self.calls(&selected).await?;
        self.verdict()
    }

    fn good(&self, en: &str, ja: &str, detail: &str) -> anyhow::Result<()> {
        self.say(true, en, ja, detail)
    }

    fn bad(&mut self, en: &str, ja: &str, detail: &str) -> anyhow::Result<()> {
        self.problems += 1;
        self.say(false, en, ja, detail)
    }

    fn say(&self, good: bool, en: &str, ja: &str, detail: &str) -> anyhow::Result<()> {
        let (mark, what) = match (self.context.lang, good) {
            (Lang::En, true) => ("ok     ", en),
            (Lang::En, false) => ("missing", en),
            (Lang::Ja, true) => ("良好", ja),
            (Lang::Ja, false) => ("不足", ja),
        };
        output::line(&output::printable(&format!("{mark}  {what}: {detail}")).replace('\n', " "))
    }

    fn organization(&mut self, organization: &Organization) -> anyhow::Result<()> {
        let n = organization.accounts.len();
        match (&organization.id, &organization.management) {
            (Some(id), Some(management)) => self.good(
                "organization",
                "組織",
                &match self.context.lang {
                    Lang::En => format!("{id}, management account {management}, {n} accounts"),
                    Lang::Ja => format!("{id}、管理アカウント {management}、アカウント {n} 個"),
                },
            )?,
            _ => self.good(
                "organization",
                "組織",
                match self.context.lang {
                    Lang::En => "none, or not readable from here: one account is scanned",
                    Lang::Ja => "なし、または参照できません。1 アカウントだけを対象にします",
                },
            )?,
        }
        for notice in &organization.notices {
            self.bad("organization", "組織", &notice.text(self.context.lang))?;
        }
        Ok(())
    }

    /// Tries to enter every account.
    async fn accounts(&mut self, organization: &Organization) -> anyhow::Result<()> {
        let (mut entered, mut refused) = (0, Vec::new());
        for account in &organization.accounts {
            let target = Target::new(&account.id, organization.home_region());
            match self.client.call(&target, "sts", "GetCallerIdentity", &json!({})).await {
                Ok(_) => entered += 1,
                Err(error) => refused.push((account, error)),
            }
        }
        let all = organization.accounts.len();
        self.good("accounts that can be entered", "入れるアカウント", &format!("{entered}/{all}"))?;
        let role = &self.args.aws.role;
        for (account, error) in &refused {
            let error = self.context.told(error);
            let detail = match self.context.lang {
                Lang::En => format!("{} {} ({error})", account.id, account.name),
                Lang::Ja => format!("{} {}（{error}）", account.id, account.name),
            };
            self.bad(
                &format!("role `{role}` in account"),
                &format!("ロール `{role}` があるアカウント"),
                &detail,
            )?;
        }
        if !refused.is_empty() {
            self.context.remark_in(
                "hint: `yagura doctor --stackset` prints the template that makes the role",
                "ヒント: `yagura doctor --stackset` でロールを作るテンプレートを出力できます",
            );
        }
        Ok(())
    }

    async fn regions(&mut self, organization: &Organization) -> anyhow::Result<()> {
        if !self.plan.needs_regions() {
            return Ok(());
        }
        let regions =
            yagura_collect::regions(self.client, organization, &self.args.reach.regions).await;
        let regions = regions.map_err(reach::explained)?;
        let mut names: Vec<&String> = regions.by_account.values().flatten().collect();
        names.sort();
        names.dedup();
        let shown: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        self.good("regions", "リージョン", &shown.join(" "))?;
        for notice in &regions.notices {
            self.bad("regions", "リージョン", &notice.text(self.context.lang))?;
        }
        Ok(())
    }

    /// Makes the calls that need no input once, in the caller's account, and names what is denied.
    async fn calls(&mut self, organization: &Organization) -> anyhow::Result<()> {
        let target = Target::new(&organization.caller, self.client.region());
        let (mut answered, mut denied) = (0, Vec::new());
        for call in self.plan.calls() {
            let Some((service, operation)) = call.split_once(':') else { continue };
            if self.needs_input(service, operation) || operation == "GetCredentialReport" {
                continue;
            }
            match self.client.call(&target, service, operation, &json!({})).await {
                Ok(_) => answered += 1,
                Err(error) => match missing_action(&error) {
                    Some(action) => denied.push((call.clone(), action)),
                    // Whatever else it says, it was allowed to ask.
                    None => answered += 1,
                },
            }
        }
        self.good(
            "calls tried without input",
            "入力なしで試した呼び出し",
            &match self.context.lang {
                Lang::En => format!("{answered} answered, {} denied", denied.len()),
                Lang::Ja => format!("応答 {answered}、拒否 {}", denied.len()),
            },
        )?;
        for (call, action) in &denied {
            // AWS often does not name it, S3 never; the resource file does.
            let known = || self.plan.action_of(call).unwrap_or(call).to_owned();
            let action = if action.is_empty() { known() } else { action.clone() };
            self.bad("permission", "権限", &action)?;
        }
        if !denied.is_empty() {
            self.context.remark_in(
                "hint: `yagura doctor --policy` prints the least policy for a scan",
                "ヒント: `yagura doctor --policy` でスキャンに必要な最小のポリシーを出力できます",
            );
        }
        Ok(())
    }

    fn needs_input(&self, service: &str, operation: &str) -> bool {
        let Ok(service) = self.client.api().service(service) else { return true };
        let Ok(operation) = service.operation(operation) else { return true };
        operation.check_input(&Value::Object(serde_json::Map::new())).is_err()
    }

    fn verdict(&self) -> anyhow::Result<Exit> {
        let n = self.problems;
        let line = match (self.context.lang, n) {
            (Lang::En, 0) => "ready: `yagura scan`".to_owned(),
            (Lang::Ja, 0) => "準備ができています: `yagura scan`".to_owned(),
            (Lang::En, n) => format!("{n} missing; a scan works and calls the rest unknown"),
            (Lang::Ja, n) => {
                format!("不足 {n} 件。スキャンはできますが、その部分は「不明」になります")
            }
        };
        output::line(&line)?;
        Ok(if n == 0 { Exit::Done } else { Exit::PartlyBlind })
    }
}

/// The missing action where a call was denied; empty where AWS did not name it.
fn missing_action(error: &CallError) -> Option<String> {
    match &error.kind {
        CallErrorKind::Denied { action, .. } => Some(action.clone().unwrap_or_default()),
        _ => None,
    }
}
