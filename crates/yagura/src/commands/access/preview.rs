//! `yagura access preview-scp`: which calls of the log a service control policy would have denied.
//! The judging is analyze's and the engine's; logs are read in `used`.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use clap::Args;
use iam_policy::Policy;
use serde_json::{Value, json};
use yagura_analyze::access::World;
use yagura_analyze::access::least::Tally;
use yagura_analyze::access::preview::{Exempt, Preview, Scp, ScpPreview};
use yagura_lake::usage::UsageOf;
use yagura_model::Lang;
use yagura_model::usage::UsedCall;

use super::least_words;
use super::used::{self, Asked, LogArgs, LogQuestion};
use crate::context::Context;
use crate::exit::Exit;
use crate::options::{RowFormat, RowOptions};
use crate::output::{self, Hinted};
use crate::rows::Rows;

/// Events without an action that are named.
const NAMED_MAX: usize = 10;

#[derive(Args)]
pub(super) struct PreviewScpArgs {
    file: PathBuf,
    #[arg(long, value_name = "TARGET")]
    attach: Option<String>,
    #[arg(long)]
    alone: bool,
    #[arg(long, value_name = "TIME", default_value = "30d")]
    since: String,
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    rows: RowOptions,
}

pub(super) async fn run(context: &Context, args: &PreviewScpArgs) -> anyhow::Result<Exit> {
    let asked = Asked::read(context, &args.since, args.until.as_deref())?;
    let policy = policy(&args.file)?;
    let content = Arc::new(context.content()?);
    let (world, resources) = super::inventory_if_any(context, None, Vec::new()).await?;
    let accounts = match &args.attach {
        None => None,
        Some(target) => Some(accounts_below(&world, target)?),
    };
    let scp = Scp { policy, alone: args.alone, accounts };
    if scp.is_idle() {
        context.remark_in(
            "beside FullAWSAccess a policy without a Deny changes nothing; --alone previews it as \
             the only one",
            "FullAWSAccess と併用すると、Deny のないポリシーは何も変えません。--alone \
             で単独の場合を確認できます",
        );
    }
    if world.management_account().is_none() {
        context.remark_in(
            "the inventory does not know the management account, which no SCP reaches: its calls \
             are judged as any other",
            "インベントリで管理アカウントを確認できません。SCP \
             の対象外ですが、ほかのアカウントと同様に判定します",
        );
    }
    let columns = scp.columns();
    let naming = Arc::new(used::naming(&content, &resources)?);
    let parameters = Some(naming.parameters());
    let preview = ScpPreview::new(Arc::new(world), naming, scp);
    let preview = Arc::new(Mutex::new(preview));
    let sink = {
        let preview = Arc::clone(&preview);
        move |call: &UsedCall| {
            preview.lock().unwrap_or_else(PoisonError::into_inner).take(call);
        }
    };
    let question =
        LogQuestion { of: UsageOf::Everybody, asked, parameters, columns, account: None };
    let sink = Arc::new(Mutex::new(sink));
    let seen = used::calls(context, &content, &args.log, question, sink).await?;
    let preview = preview.lock().unwrap_or_else(PoisonError::into_inner);
    let found = &preview.found;
    write(context, args.rows.format, found)?;
    say(context, asked, found, seen.unread);
    let blind = seen.unread > 0 || !found.unknown.is_empty() || !found.unnamed.is_empty();
    Ok(if blind { Exit::PartlyBlind } else { Exit::Done })
}

fn policy(path: &std::path::Path) -> anyhow::Result<Policy> {
    let shown = path.display();
    let text = match path.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(path),
    };
    let text = text.with_context(|| {
        Hinted::new(format!("could not read the policy `{shown}`"), "name a file, or `-`")
    })?;
    Policy::parse(&text).with_context(|| {
        Hinted::new(
            format!("`{shown}` is no policy"),
            "`yagura access lint --kind scp FILE` says what is wrong with it",
        )
    })
}

fn accounts_below(
    world: &World,
    target: &str,
) -> anyhow::Result<std::collections::BTreeSet<String>> {
    if let Some(accounts) = world.accounts_below(target) {
        return Ok(accounts);
    }
    let is_account = target.len() == 12 && target.bytes().all(|byte| byte.is_ascii_digit());
    if is_account {
        return Ok([target.to_owned()].into());
    }
    bail!(Hinted::new(
        format!("the organization has no `{target}` with accounts below it"),
        "name a root (r-…), an organizational unit (ou-… or its name) or an account; \
         `yagura scan` of the management account reads the organization",
    ))
}

fn write(context: &Context, format: RowFormat, found: &Preview) -> anyhow::Result<()> {
    if format == RowFormat::Json {
        for line in as_json(found) {
            output::line(&line.to_string())?;
        }
        return Ok(());
    }
    let columns = [
        ("verdict", "判定"),
        ("principal", "プリンシパル"),
        ("action", "アクション"),
        ("calls", "回数"),
        ("first", "最初"),
        ("last", "最後"),
        ("statements", "根拠"),
        ("sample", "イベントの例"),
    ];
    let mut rows = Rows::new(context.lang, &columns);
    let mut push = |verdict: &str, principal: &str, action: &str, tally: &Tally, why: String| {
        rows.push(vec![
            json!(verdict),
            json!(principal),
            json!(action),
            json!(tally.count),
            json!(least_words::minute(tally.first_us)),
            json!(least_words::minute(tally.last_us)),
            json!(why),
            json!(tally.sample),
        ]);
    };
    let (denied, unknown) = match context.lang {
        Lang::En => ("denied", "unknown"),
        Lang::Ja => ("拒否", "不明"),
    };
    for ((principal, action), one) in &found.denied {
        let numbers: Vec<String> = one.statements.iter().map(|at| (at + 1).to_string()).collect();
        let why = match (numbers.is_empty(), context.lang) {
            (false, _) => numbers.join(", "),
            (true, Lang::En) => "nothing allows it".to_owned(),
            (true, Lang::Ja) => "許可がありません".to_owned(),
        };
        push(denied, principal, action, &one.tally, why);
    }
    for ((principal, action), one) in &found.unknown {
        let keys: Vec<&str> = one.keys.iter().map(String::as_str).collect();
        let why = match (keys.is_empty(), context.lang) {
            (false, _) => keys.join(", "),
            (true, Lang::En) => "the record does not tell the resource".to_owned(),
            (true, Lang::Ja) => "レコードにリソースがありません".to_owned(),
        };
        push(unknown, principal, action, &one.tally, why);
    }
    if rows.is_empty() {
        context.remark_in("no call would have been denied", "拒否されていた呼び出しはありません");
        return Ok(());
    }
    rows.write(format)
}

/// Sums and what was left aside.
fn say(context: &Context, asked: Asked, found: &Preview, unread: u64) {
    let denied: u64 = found.denied.values().map(|one| one.tally.count).sum();
    let unknown: u64 = found.unknown.values().map(|one| one.tally.count).sum();
    let (days, judged, refused) = (asked.days(), found.judged, found.refused);
    context.remark_in(
        &format!(
            "{days} days: {judged} calls judged, {denied} would have been denied, {unknown} are \
             unknown; {refused} were refused anyway"
        ),
        &format!(
            "{days} 日間: 判定した呼び出し {judged} 回、拒否されていた {denied} 回、不明 {unknown} \
             回。もともと拒否されていた {refused} 回"
        ),
    );
    for (exempt, count) in &found.exempt {
        let what = exempt_word(context.lang, *exempt);
        context.remark_in(
            &format!("not reached by the SCP: {count} calls ({what})"),
            &format!("SCP の対象外: {count} 回（{what}）"),
        );
    }
    for ((source, name), count) in found.unnamed.iter().take(NAMED_MAX) {
        context.remark_in(
            &format!("no action is known for {name} of {source} ({count} calls)"),
            &format!("{source} の {name}（{count} 回）は、対応するアクションが不明です"),
        );
    }
    let more = found.more;
    if more > 0 {
        context.remark_in(
            &format!("{more} calls of further principals and actions are not listed"),
            &format!("ほかのプリンシパルとアクションの {more} 回は一覧にありません"),
        );
    }
    if unread > 0 {
        context.remark_in(
            &format!("{unread} objects or records could not be read"),
            &format!("{unread} 件のオブジェクトまたはレコードを読み取れませんでした"),
        );
    }
}

/// Why an SCP does not reach a call.
fn exempt_word(lang: Lang, exempt: Exempt) -> &'static str {
    match (lang, exempt) {
        (Lang::En, Exempt::ManagementAccount) => "of the management account",
        (Lang::En, Exempt::ServiceLinkedRole) => "by service-linked roles",
        (Lang::En, Exempt::Service) => "by AWS services",
        (Lang::En, Exempt::Elsewhere) => "of accounts that it is not attached to",
        (Lang::Ja, Exempt::ManagementAccount) => "管理アカウント",
        (Lang::Ja, Exempt::ServiceLinkedRole) => "サービスにリンクされたロール",
        (Lang::Ja, Exempt::Service) => "AWS のサービス",
        (Lang::Ja, Exempt::Elsewhere) => "アタッチ先ではないアカウント",
    }
}

/// The names of members are promises.
fn as_json(found: &Preview) -> Vec<Value> {
    let line = |verdict: &str, principal: &str, action: &str, tally: &Tally, resource: &str| {
        json!({
            "verdict": verdict, "principal": principal, "action": action,
            "count": tally.count, "first": least_words::time(tally.first_us),
            "last": least_words::time(tally.last_us), "sample": tally.sample,
            "resource": resource,
        })
    };
    let with = |mut line: Value, name: &str, value: Value| {
        if let Some(members) = line.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
        line
    };
    let mut lines = Vec::new();
    for ((principal, action), one) in &found.denied {
        let numbers: Vec<usize> = one.statements.iter().map(|at| at + 1).collect();
        let told = line("denied", principal, action, &one.tally, &one.resource);
        lines.push(with(told, "statements", json!(numbers)));
    }
    for ((principal, action), one) in &found.unknown {
        let told = line("unknown", principal, action, &one.tally, &one.resource);
        lines.push(with(told, "keys", json!(one.keys)));
    }
    let exempt: serde_json::Map<String, Value> =
        found.exempt.iter().map(|(why, count)| (why.as_str().to_owned(), json!(count))).collect();
    lines.push(json!({
        "judged": found.judged, "untouched": found.untouched, "refused": found.refused,
        "more": found.more, "exempt": exempt,
        "unnamed": found.unnamed.iter().map(|((source, name), count)| {
            json!({"event_source": source, "event_name": name, "count": count})
        }).collect::<Vec<_>>(),
    }));
    lines
}
