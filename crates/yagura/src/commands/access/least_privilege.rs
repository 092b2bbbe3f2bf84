//! `yagura access least-privilege`: the policy that covers what a principal really did, what its
//! present policies grant beyond it, and what no log can tell.
//! The computation is analyze's, the reading of logs is in `used`, the words are in `least_words`.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use yagura_analyze::access::World;
use yagura_analyze::access::least::{
    Breadth, Draft, DraftOptions, Excess, GrantReader, Grants, StatementUse, UsageLedger,
    UsedAction,
};
use yagura_analyze::access::usage::{Naming, data_recorded_wholly};
use yagura_model::usage::{Evidence, UsedCall};

use super::least_words as words;
use super::used::{self, Asked, LogArgs, LogQuestion};
use crate::context::Context;
use crate::exit::Exit;
use crate::options::RowFormat;
use crate::output::{self, Hinted};
use crate::rows::Rows;

/// Characters that a customer managed policy may have (IAM quotas, seen 2026-11).
const MANAGED_CHARACTERS_MAX: usize = 6_144;

#[derive(Args)]
pub(super) struct LeastPrivilegeArgs {
    principal: String,
    #[arg(long, value_name = "TIME", default_value = "90d")]
    since: String,
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[arg(long, value_enum, default_value = "prefix")]
    breadth: BreadthChoice,
    #[arg(long)]
    limit_regions: bool,
    #[arg(long)]
    strict: bool,
    #[arg(long, value_enum, default_value = "policy")]
    format: Format,
    #[command(flatten)]
    log: LogArgs,
}

/// How widely resources are named.
#[derive(Clone, Copy, ValueEnum)]
enum BreadthChoice {
    Exact,
    Prefix,
    Type,
    Any,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Policy,
    Diff,
    Table,
    Json,
}

/// Everything that was worked out.
pub(super) struct Told {
    pub(super) principal: String,
    pub(super) asked: Asked,
    pub(super) evidence: Evidence,
    pub(super) unread: u64,
    pub(super) ledger: UsageLedger,
    pub(super) draft: Draft,
    /// None where the principal is not in the inventory.
    pub(super) present: Option<(Grants, Excess)>,
}

pub(super) async fn run(context: &Context, args: &LeastPrivilegeArgs) -> anyhow::Result<Exit> {
    let asked = Asked::read(context, &args.since, args.until.as_deref())?;
    let told = work_out(context, args, asked).await?;
    if let Some(first) = told.draft.uncovered.first() {
        bail!(Hinted::new(
            format!(
                "the policy that was written would not allow `{}` on `{}`, which was used; \
                 it is not shown",
                first.action, first.resource
            ),
            "this is a mistake of Yagura: please report it; --breadth any may get around it",
        ));
    }
    match args.format {
        Format::Policy => {
            output::line(&serde_json::to_string_pretty(&told.draft.policy)?)?;
            say(context, &told, args.strict);
        }
        Format::Diff => {
            for line in words::diff(context.lang, &told) {
                output::line(&output::printable(&line))?;
            }
            say(context, &told, args.strict);
        }
        Format::Table => {
            table(context, &told).write(RowFormat::Table)?;
            say(context, &told, args.strict);
        }
        Format::Json => output::line(&as_json(&told).to_string())?,
    }
    Ok(if is_blind(&told) { Exit::PartlyBlind } else { Exit::Done })
}

async fn work_out(
    context: &Context,
    args: &LeastPrivilegeArgs,
    asked: Asked,
) -> anyhow::Result<Told> {
    let content = Arc::new(context.content()?);
    let further = ["AWS::CloudTrail::Trail"].map(str::to_owned).to_vec();
    let (world, resources) = super::inventory_if_any(context, None, further).await?;
    let principal = match world.principal_of(&args.principal) {
        Some(known) => known.to_owned(),
        None => args.principal.clone(),
    };
    let account = principal.split(':').nth(4).unwrap_or_default().to_owned();
    if account.is_empty() {
        bail!(Hinted::new(
            format!("`{principal}` is no ARN of a user, role or session"),
            "write arn:aws:iam::111122223333:role/NAME or …:user/NAME",
        ));
    }
    let naming = Arc::new(used::naming(&content, &resources)?);
    let ledger = Arc::new(Mutex::new(UsageLedger::default()));
    let sink = {
        let (ledger, naming) = (Arc::clone(&ledger), Arc::clone(&naming));
        move |call: &UsedCall| {
            ledger.lock().unwrap_or_else(PoisonError::into_inner).take(&naming, call);
        }
    };
    let question = LogQuestion {
        of: used::of_principal(&principal),
        asked,
        parameters: Some(naming.parameters()),
        columns: Vec::new(),
        account: Some(account.clone()),
    };
    let sink = Arc::new(Mutex::new(sink));
    let mut seen = used::calls(context, &content, &args.log, question, sink).await?;
    let ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut evidence = seen.evidence.remove(&account).unwrap_or_default();
    evidence.account.clone_from(&account);
    if evidence.kinds.is_empty() && ledger.all.count == 0 {
        bail!(Hinted::new(
            format!("the log has nothing of account `{account}` in that time"),
            "`yagura lake status` says which accounts and times there are; `yagura ingest \
             cloudtrail PATH…` adds logs, --logs PATH reads them without a lake",
        ));
    }
    evidence.data_whole = data_recorded_wholly(&resources, &account);
    let present = present(&world, &principal, &naming, &ledger, &evidence);
    let options = DraftOptions {
        breadth: args.breadth.breadth(),
        limit_regions: args.limit_regions,
        strict: args.strict,
    };
    let of_present = present.as_ref().map(|(grants, excess)| (grants, excess));
    let draft = Draft::of(&ledger, &principal, options, of_present)?;
    Ok(Told { principal, asked, evidence, unread: seen.unread, ledger, draft, present })
}

fn present(
    world: &World,
    principal: &str,
    naming: &Naming,
    ledger: &UsageLedger,
    evidence: &Evidence,
) -> Option<(Grants, Excess)> {
    let grants = world.granted_to(principal, &mut GrantReader::new(naming.table()))?;
    let excess = Excess::of(&grants, ledger, naming, evidence);
    Some((grants, excess))
}

impl BreadthChoice {
    fn breadth(self) -> Breadth {
        match self {
            Self::Exact => Breadth::Exact,
            Self::Prefix => Breadth::Prefix,
            Self::Type => Breadth::Type,
            Self::Any => Breadth::Any,
        }
    }
}

/// Whether something that the policy hangs on was not seen.
fn is_blind(told: &Told) -> bool {
    let missing = told.present.as_ref().is_some_and(|(grants, _)| !grants.missing.is_empty());
    told.unread > 0 || !told.ledger.unnamed.is_empty() || missing
}

/// What a person must know beside the result.
fn say(context: &Context, told: &Told, strict: bool) {
    for line in words::notes(context.lang, told, strict) {
        context.remark(&line);
    }
    let characters = told.draft.characters;
    if characters > MANAGED_CHARACTERS_MAX {
        context.remark_in(
            &format!(
                "the policy has {characters} characters, a managed policy takes \
                 {MANAGED_CHARACTERS_MAX}: --breadth type or any makes it shorter, --strict \
                 leaves out what no log shows"
            ),
            &format!(
                "ポリシーは {characters} 文字です。管理ポリシーの上限は {MANAGED_CHARACTERS_MAX} \
                 文字です。--breadth type か any で短くなります。--strict \
                 はログに現れない権限を除きます"
            ),
        );
    }
}

fn table(context: &Context, told: &Told) -> Rows {
    let lang = context.lang;
    let columns = [
        ("action", "アクション"),
        ("calls", "回数"),
        ("first", "最初"),
        ("last", "最後"),
        ("resources", "リソース"),
        ("note", "備考"),
    ];
    let mut rows = Rows::new(lang, &columns);
    let mut push = |action: &str, used: &UsedAction, note: String| {
        rows.push(vec![
            json!(action),
            json!(used.tally.count),
            json!(words::minute(used.tally.first_us)),
            json!(words::minute(used.tally.last_us)),
            json!(words::resources(lang, &used.resources)),
            json!(note),
        ]);
    };
    for ((action, passed_to), used) in &told.ledger.used {
        push(action, used, words::note(lang, used, passed_to.as_deref()));
    }
    for (action, refused) in &told.ledger.refused {
        push(action, refused, words::refused(lang).to_owned());
    }
    rows
}

/// The names of members are promises.
fn as_json(told: &Told) -> Value {
    let (ledger, asked) = (&told.ledger, told.asked);
    let present = told.present.as_ref();
    json!({
        "principal": told.principal,
        "asked": {"since": asked.since, "until": asked.until},
        "log": log_json(&told.evidence, told.unread),
        "calls": ledger.all.count,
        "calls_without_permission": ledger.free,
        "policy": told.draft.policy,
        "characters": told.draft.characters,
        "used": ledger.used.iter()
            .map(|((action, to), it)| used_json(action, it, to.as_ref())).collect::<Vec<_>>(),
        "refused": ledger.refused.iter()
            .map(|(action, it)| used_json(action, it, None)).collect::<Vec<_>>(),
        "unnamed": ledger.unnamed.iter().map(|((source, name), tally)| {
            json!({"event_source": source, "event_name": name, "count": tally.count})
        }).collect::<Vec<_>>(),
        "present": present.map(|(_, excess)| {
            excess.statements.iter().map(statement_json).collect::<Vec<_>>()
        }),
        "not_read": present.map(|(grants, _)| {
            grants.missing.iter().map(|missing| json!({
                "of": missing.of,
                "reason": missing.unread.reason.as_str(),
                "detail": missing.unread.detail,
            })).collect::<Vec<_>>()
        }),
        "left_out": told.draft.left_out,
        "kept": told.draft.kept.iter().map(|kept| json!({
            "policy": kept.policy, "statement": kept.statement + 1, "actions": kept.actions,
        })).collect::<Vec<_>>(),
    })
}

fn log_json(evidence: &Evidence, unread: u64) -> Value {
    let gaps = evidence.gaps_us.iter();
    let gaps = gaps.map(|(from, until)| (words::time(*from), words::time(*until)));
    let gaps = gaps.map(|(from, until)| json!({"from": from, "until": until}));
    json!({
        "account": evidence.account,
        "first": evidence.seen_us.map(|(first, _)| words::time(first)),
        "last": evidence.seen_us.map(|(_, last)| words::time(last)),
        "regions": evidence.regions,
        "gap_hours": evidence.gap_hours,
        "gaps": gaps.collect::<Vec<_>>(),
        "unread": unread,
    })
}

fn used_json(action: &str, used: &UsedAction, passed_to: Option<&String>) -> Value {
    json!({
        "action": action,
        "passed_to": passed_to,
        "count": used.tally.count,
        "first": words::time(used.tally.first_us),
        "last": words::time(used.tally.last_us),
        "sample": used.tally.sample,
        "resources": used.resources,
        "regions": used.regions,
        "resources_told": used.told,
        "failed": used.failed,
    })
}

fn statement_json(one: &StatementUse) -> Value {
    let unused = one.surplus.iter();
    let unused = unused.map(|it| json!({"action": it.action, "level": it.level.as_str()}));
    let unknown = one.unknown.iter().map(|(surplus, blind)| {
        json!({
            "action": surplus.action, "level": surplus.level.as_str(), "reason": blind.as_str(),
        })
    });
    json!({
        "policy": one.policy,
        "statement": one.number + 1,
        "sid": one.sid,
        "any_resource": one.anywhere,
        "used": one.used,
        "unused": unused.collect::<Vec<_>>(),
        "unknown": unknown.collect::<Vec<_>>(),
    })
}
