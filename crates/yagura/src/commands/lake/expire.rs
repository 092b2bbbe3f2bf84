//! `yagura lake expire`: deletes what retention no longer keeps, after showing what that is.
//! Which rule is meant for a file is decided in `yagura-lake`.

use clap::Args;
use serde_json::json;
use yagura_content::Content;
use yagura_lake::{Deletion, RetentionRule};
use yagura_model::Lang;
use yagura_report::grouped;

use super::Which;
use crate::context::Context;
use crate::exit::Exit;
use crate::lake_place::{self, Use};
use crate::options::RowOptions;
use crate::output::size;
use crate::rows::Rows;

#[derive(Args)]
pub(super) struct ExpireArgs {
    #[arg(long, value_name = "RULES", value_delimiter = ',', value_parser = rule)]
    retention: Vec<RetentionRule>,
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    rows: RowOptions,
}

/// Reads `SOURCE[/ACCOUNT]=DAYS`.
pub(crate) fn rule(text: &str) -> Result<RetentionRule, String> {
    let wrong = || {
        format!(
            "`{text}` is no rule: write SOURCE=DAYS, SOURCE/ACCOUNT=DAYS or *=DAYS \
             (90d, 7y, forever)"
        )
    };
    let (which, long) = text.trim().split_once('=').ok_or_else(wrong)?;
    let (source, account) = which.split_once('/').unwrap_or((which, "*"));
    let some = |name: &str| (name != "*").then(|| name.to_owned());
    if source.is_empty() || account.is_empty() {
        return Err(wrong());
    }
    Ok(RetentionRule {
        source: some(source),
        account: some(account),
        days: days(long).ok_or_else(wrong)?,
    })
}

/// `90`, `90d`, `7y` (of 366 days: no year is cut short), `forever`.
fn days(text: &str) -> Option<Option<u32>> {
    const YEAR_DAYS: u32 = 366;
    // Ten thousand years; whoever asks for more means forever.
    const DAYS_MAX: u32 = 10_000 * YEAR_DAYS;
    if text == "forever" {
        return Some(None);
    }
    let (number, each) = match text.strip_suffix('y') {
        Some(years) => (years, YEAR_DAYS),
        None => (text.strip_suffix('d').unwrap_or(text), 1),
    };
    let number: u32 = number.parse().ok().filter(|number| *number > 0)?;
    number.checked_mul(each).filter(|days| *days <= DAYS_MAX).map(Some)
}

/// What was asked, over what each source says of itself.
pub(crate) fn rules(content: &Content, asked: &[RetentionRule]) -> Vec<RetentionRule> {
    let own = content.sources.iter().map(|(id, source)| RetentionRule {
        source: Some(id.clone()),
        account: None,
        days: (source.retention_days > 0).then_some(source.retention_days),
    });
    // What is asked takes the place of a source's own word, also where it is shorter.
    let spoken = |rule: &RetentionRule| {
        asked
            .iter()
            .any(|one| one.account.is_none() && (one.source.is_none() || one.source == rule.source))
    };
    asked.iter().cloned().chain(own.filter(|rule| !spoken(rule))).collect()
}

pub(super) async fn run(context: &Context, args: &ExpireArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    for rule in &args.retention {
        if let Some(source) = rule.source.as_ref().filter(|id| !content.sources.contains_key(*id)) {
            anyhow::bail!("there is no log source `{source}`");
        }
    }
    let Which { lake, aws } = &args.which;
    let lake = lake_place::open(context, &content, lake, aws, Use::READ).await?;
    let rules = rules(&content, &args.retention);
    let now = context.now();
    let expired = if args.yes {
        lake.expire(&rules, now).await?
    } else {
        lake.would_expire(&rules, now).await?
    };
    let columns = [
        ("source", "ソース"),
        ("account", "アカウント"),
        ("from", "開始日"),
        ("to", "終了日"),
        ("files", "ファイル数"),
        ("rows", "行数"),
        ("size", "サイズ"),
        ("reason", "理由"),
    ];
    let mut rows = Rows::new(context.lang, &columns);
    for deletion in &expired.deletions {
        let cells = vec![
            json!(deletion.source),
            json!(deletion.account),
            json!(deletion.day_min),
            json!(deletion.day_max),
            json!(deletion.files),
            json!(deletion.rows),
            json!(size(deletion.bytes)),
            json!(deletion.reason),
        ];
        rows.push_said(cells, vec![("reason", reason(deletion, context.lang))]);
    }
    rows.write(args.rows.format)?;
    if expired.files_held > 0 {
        let held = grouped(expired.files_held);
        context.remark_in(
            &format!("{held} more files are over their time and kept by a legal hold"),
            &format!("ほか {held} ファイルは期限を過ぎていますが、リーガルホールドで保持します"),
        );
    }
    match (expired.deletions.is_empty(), args.yes) {
        (true, _) => context.remark_in("nothing is to be deleted", "削除するものはありません"),
        (false, false) => context.remark_in(
            "nothing was deleted; --yes does it",
            "まだ削除していません。--yes を付けると実行します",
        ),
        (false, true) => context.remark_in(
            "deleted and recorded; `yagura lake compact` frees the space once no reader needs it",
            "削除し、記録しました。読み取り中のものがなくなると `yagura lake compact` が領域を解放します",
        ),
    }
    Ok(Exit::Done)
}

/// Why retention deletes something, for a person: the lake keeps it for ever, and in English.
pub(super) fn reason(deletion: &Deletion, lang: Lang) -> String {
    match (lang, deletion.days_kept()) {
        (Lang::Ja, Some(days)) => format!("保持期間 {days} 日"),
        _ => deletion.reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, source: Option<&str>, account: Option<&str>, days: Option<u32>) {
        let (source, account) = (source.map(str::to_owned), account.map(str::to_owned));
        assert_eq!(rule(text), Ok(RetentionRule { source, account, days }), "{text}");
    }

    #[test]
    fn rules_are_read_as_people_write_them() {
        check("cloudtrail=7y", Some("cloudtrail"), None, Some(2_562));
        check("vpc_flow/111122223333=30d", Some("vpc_flow"), Some("111122223333"), Some(30));
        check("*/111122223333=1", None, Some("111122223333"), Some(1));
        check("*=forever", None, None, None);
        for text in ["", "cloudtrail", "=1d", "cloudtrail=0", "a/=1", "a=-1", "a=1w", "a=9999999y"]
        {
            assert!(rule(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_reason_that_the_lake_gave_is_read_in_both_languages() {
        let reason = |reason: &str, lang| {
            let (day, time) = (jiff::civil::date(2026, 11, 21), jiff::Timestamp::UNIX_EPOCH);
            let deletion = Deletion {
                commit: 1,
                time,
                source: "cloudtrail".to_owned(),
                account: "111122223333".to_owned(),
                day_min: day,
                day_max: day,
                files: 1,
                rows: 1,
                bytes: 1,
                reason: reason.to_owned(),
            };
            super::reason(&deletion, lang)
        };
        assert_eq!(reason("kept for 90 days", Lang::En), "kept for 90 days");
        assert_eq!(reason("kept for 90 days", Lang::Ja), "保持期間 90 日");
        assert_eq!(reason("an inquiry", Lang::Ja), "an inquiry");
    }

    #[test]
    fn what_is_asked_takes_the_place_of_what_a_source_says() {
        let content = Content::builtin();
        let own = rules(content, &[]);
        assert_eq!(own.len(), content.sources.len());
        let all = rules(content, &[rule("*=forever").unwrap()]);
        assert_eq!(all.len(), 1);
        let one = rules(content, &[rule("cloudtrail=1d").unwrap()]);
        assert_eq!(one.len(), content.sources.len());
        let of_account = rules(content, &[rule("cloudtrail/111122223333=1d").unwrap()]);
        assert_eq!(of_account.len(), content.sources.len() + 1);
    }
}
