//! `yagura access can`, `explain` and `who-can`: one question, its answer, and the reasons.
//! How reasons are said in words is the report's.

use anyhow::{Context as _, anyhow};
use iam_policy::ContextValue;
use serde_json::{Value, json};
use yagura_analyze::access::{Answer, Ask, Verdict, World};
use yagura_model::Lang;
use yagura_report::access as words;

use super::{AskArgs, Circumstances, WhoCanArgs, world};
use crate::context::Context;
use crate::exit::Exit;
use crate::options::RowFormat;
use crate::output::{self, Hinted};
use crate::rows::Rows;
use crate::tables;

/// Answers whether a principal may do something.
pub(super) async fn can(context: &Context, args: &AskArgs, explain: bool) -> anyhow::Result<Exit> {
    let world = world(context, args.circumstances.at.as_deref()).await?;
    let resource = resource_asked(&args.action, args.resource.as_deref())?;
    let ask = ask(&args.principal, &args.action, &resource, &args.circumstances)?;
    let answer = world.ask(&ask).map_err(|error| {
        anyhow::Error::new(error).context(Hinted::new(
            "the question has no answer",
            "`yagura resources list --type AWS::IAM::Role` shows what was read",
        ))
    })?;
    match args.rows.format {
        RowFormat::Json => output::line(&as_json(&ask, &answer).to_string())?,
        RowFormat::Table | RowFormat::Plain => {
            output::line(&words::verdict_line(context.lang, &ask, &answer))?;
            for line in words::reasons(context.lang, &answer, explain) {
                output::line(&format!("  {line}"))?;
            }
        }
    }
    Ok(exit(std::iter::once(&answer)))
}

/// Lists everybody who may do something, inside and outside.
pub(super) async fn who_can(context: &Context, args: &WhoCanArgs) -> anyhow::Result<Exit> {
    let world = world(context, args.circumstances.at.as_deref()).await?;
    let resource = resource_asked(&args.action, args.resource.as_deref())?;
    let ask = ask("", &args.action, &resource, &args.circumstances)?;
    let answers = everybody(&world, &ask);
    let columns =
        [("principal", "プリンシパル"), ("verdict", "判定"), ("where", "内外"), ("why", "理由")];
    let mut rows = Rows::new(context.lang, &columns);
    for (principal, inside, answer) in &answers {
        let why = words::reasons(context.lang, answer, false);
        let why = why.join(if context.lang == Lang::Ja { "、" } else { "; " });
        rows.push(vec![
            json!(principal),
            json!(words::verdict(context.lang, answer.verdict)),
            json!(words::place(context.lang, *inside)),
            json!(why),
        ]);
    }
    if matches!(args.rows.format, RowFormat::Json) {
        for (principal, inside, answer) in &answers {
            let asked = Ask { principal, ..ask.clone() };
            let mut line = as_json(&asked, answer);
            if let Some(line) = line.as_object_mut() {
                line.insert("inside".to_owned(), json!(inside));
            }
            output::line(&line.to_string())?;
        }
    } else if rows.is_empty() {
        context.remark_in("nobody", "該当なし");
    } else {
        rows.write(args.rows.format)?;
    }
    Ok(exit(answers.iter().map(|(.., answer)| answer)))
}

fn everybody(world: &World, ask: &Ask<'_>) -> Vec<(String, bool, Answer)> {
    let outside = world.outsiders(ask);
    let outside = outside.into_iter().map(|one| (one.principal, false, one.answer));
    let inside = world.who_can(ask);
    let inside = inside.into_iter().map(|(arn, answer)| (arn.to_owned(), true, answer));
    outside.chain(inside).collect()
}

/// Partly blind is said by the exit status as everywhere else.
fn exit<'a>(mut answers: impl Iterator<Item = &'a Answer>) -> Exit {
    match answers.any(|answer| answer.verdict == Verdict::Unknown) {
        true => Exit::PartlyBlind,
        false => Exit::Done,
    }
}

/// The resource to ask about: an action without resource-level permissions is about `*`.
pub(super) fn resource_asked(action: &str, resource: Option<&str>) -> anyhow::Result<String> {
    let actions = tables::actions()?;
    let known = actions.action(action).ok_or_else(|| {
        anyhow!(Hinted::new(
            format!("`{action}` is no IAM action"),
            "actions are written as in a policy: s3:GetObject, iam:PassRole",
        ))
    })?;
    if known.resource_types.is_empty() {
        return Ok("*".to_owned());
    }
    resource.map(str::to_owned).ok_or_else(|| {
        let example = known.resource_types.iter().find_map(|kind| kind.arn.as_deref());
        anyhow!(Hinted::new(
            format!("`{action}` works on a resource; name which one"),
            format!("an ARN, or a form with wildcards: {}", example.unwrap_or("arn:aws:…")),
        ))
    })
}

fn ask<'a>(
    principal: &'a str,
    action: &'a str,
    resource: &'a str,
    circumstances: &'a Circumstances,
) -> anyhow::Result<Ask<'a>> {
    let pair = |text: &String| {
        let (key, value) = text.split_once('=').with_context(|| {
            Hinted::new(
                format!("`{text}` is no context key"),
                "write --context aws:SourceIp=198.51.100.7",
            )
        })?;
        Ok((key.to_owned(), ContextValue::One(value.to_owned())))
    };
    let context: anyhow::Result<Vec<_>> = circumstances.context.iter().map(pair).collect();
    Ok(Ask {
        principal,
        action,
        resource,
        resource_account: circumstances.resource_account.as_deref(),
        context: context?,
    })
}

/// The names of members are promises.
pub(super) fn as_json(ask: &Ask<'_>, answer: &Answer) -> Value {
    let policy_name = |layer, level: &Option<String>, policy| {
        answer
            .policies
            .iter()
            .find(|name| (name.layer, &name.level, name.policy) == (layer, level, policy))
            .map(|name| name.name.clone())
    };
    let statement = |reference: &iam_policy::StatementRef| {
        json!({
            "layer": reference.layer.name(),
            "level": reference.level,
            "policy": policy_name(reference.layer, &reference.level, reference.policy),
            "statement": reference.statement + 1,
            "sid": reference.sid,
            "effect": match reference.effect {
                iam_policy::Effect::Allow => "Allow",
                iam_policy::Effect::Deny => "Deny",
            },
        })
    };
    let decision = &answer.decision;
    json!({
        "principal": ask.principal,
        "action": ask.action,
        "resource": ask.resource,
        "verdict": words::verdict(Lang::En, answer.verdict),
        "blocked_by": decision.blocked_by.iter().map(|layer| layer.name()).collect::<Vec<_>>(),
        "statements": decision.statements.iter().map(statement).collect::<Vec<_>>(),
        "remaining": decision.remaining.iter().map(|left| json!({
            "statement": statement(&left.statement),
            "operator": left.operator,
            "key": left.key,
            "values": left.values,
        })).collect::<Vec<_>>(),
        "missing": answer.missing.iter().map(|missing| json!({
            "layer": missing.layer.name(),
            "of": missing.of,
            "reason": missing.unread.reason.as_str(),
            "call": missing.unread.call,
            "action": missing.unread.action,
            "detail": missing.unread.detail,
        })).collect::<Vec<_>>(),
    })
}
