//! `yagura routes list`: the routes of the site in order, or its targets with what waits for them.
//! Nothing is sent and no secret is read.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};
use yagura_content::Content;
use yagura_content::format::{Route, Schedule};
use yagura_model::Lang;
use yagura_report::{Words, words};
use yagura_store::outbox::Waiting;

use crate::context::Context;
use crate::exit::Exit;
use crate::options::RowOptions;
use crate::rows::Rows;

#[derive(Args)]
pub(super) struct ListArgs {
    #[arg(long)]
    targets: bool,
    #[command(flatten)]
    rows: RowOptions,
}

pub(super) async fn run(context: &Context, args: &ListArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    if content.site.routes.routes.is_empty() {
        context.remark_in(
            "no routes: write them in `routes.yaml` of the site folder",
            "ルートがありません。サイトフォルダーの `routes.yaml` に記述してください",
        );
    }
    let rows = if args.targets {
        let store = context.store().await?;
        let waiting = store.outbox().by_target().await?;
        store.close().await;
        targets(&content, &waiting, context.lang)
    } else {
        routes(&content, words(context.lang))
    };
    rows.write(args.rows.format)?;
    Ok(Exit::Done)
}

fn routes(content: &Content, words: &Words) -> Rows {
    let columns = [
        ("route", "ルート"),
        ("on", "きっかけ"),
        ("when", "条件"),
        ("schedule", "通知のタイミング"),
        ("quiet", "通知しない時間帯"),
        ("targets", "通知先"),
        ("continue", "続行"),
    ];
    let mut rows = Rows::new(words.lang(), &columns);
    for route in &content.site.routes.routes {
        let on: Vec<&str> = route.on.iter().map(|on| on.as_str()).collect();
        let targets: Vec<&str> = route.targets.iter().map(|target| target.as_str()).collect();
        let when = route.when.as_ref().map(|when| when.source().trim().to_owned());
        let (schedule, schedule_words) = schedule(route, words);
        let cells = vec![
            json!(route.id.value),
            json!(on.join(", ")),
            json!(when),
            json!(schedule),
            json!(quiet(route, Lang::En)),
            json!(targets.join(", ")),
            json!(route.goes_on),
        ];
        let quiet = quiet(route, words.lang()).unwrap_or_default();
        rows.push_said(cells, vec![("schedule", schedule_words), ("quiet", quiet)]);
    }
    rows
}

/// When a route tells: as the site's file says it, and in a person's words.
fn schedule(route: &Route, words: &Words) -> (String, String) {
    let word = |key| words.get(key).to_owned();
    match route.schedule {
        Schedule::Now => ("now".to_owned(), word("routes.schedule.now")),
        Schedule::Hourly => ("hourly".to_owned(), word("routes.schedule.hourly")),
        Schedule::Daily(at) => {
            let at = at.strftime("%H:%M").to_string();
            (format!("daily {at}"), words.fill("routes.schedule.daily", &[("at", &at)]))
        }
    }
}

fn quiet(route: &Route, lang: Lang) -> Option<String> {
    let quiet = route.quiet?;
    let span = format!("{}-{}", quiet.from.strftime("%H:%M"), quiet.to.strftime("%H:%M"));
    Some(match (quiet.weekends, lang) {
        (false, _) => span,
        (true, Lang::En) => format!("{span}, sat, sun"),
        (true, Lang::Ja) => format!("{span}{}", words(lang).get("console_routes.weekends")),
    })
}

fn targets(content: &Content, waiting: &[Waiting], lang: Lang) -> Rows {
    let by_name: BTreeMap<&str, &Waiting> =
        waiting.iter().map(|one| (one.target.as_str(), one)).collect();
    let columns = [
        ("target", "通知先"),
        ("channel", "チャネル"),
        ("language", "言語"),
        ("waiting", "配信待ち"),
        ("oldest", "最も古いもの"),
        ("delivered", "配信済み"),
        ("last", "最後の配信"),
        ("dead", "配信断念"),
        ("held_until", "待機の期限"),
    ];
    let mut rows = Rows::new(lang, &columns);
    let routes = &content.site.routes;
    let mut row = |name: &str, channel: Value, language: Option<Lang>| {
        let known = by_name.get(name);
        rows.push(vec![
            json!(name),
            channel,
            json!(language.map(Lang::code)),
            json!(known.map_or(0, |one| one.waiting)),
            json!(known.and_then(|one| one.oldest)),
            json!(known.map_or(0, |one| one.delivered)),
            json!(known.and_then(|one| one.last)),
            json!(known.map_or(0, |one| one.dead)),
            json!(known.and_then(|one| one.held)),
        ]);
    };
    for (name, target) in &routes.targets.0 {
        row(name, json!(target.channel.value), Some(routes.language_of(target)));
    }
    // What is in the outbox for targets that are no more is shown, not hidden.
    for gone in waiting.iter().filter(|one| routes.target(&one.target).is_none()) {
        row(&gone.target, Value::Null, None);
    }
    rows
}
