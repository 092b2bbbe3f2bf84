//! `yagura findings show`: one finding with everything that is known of it.
//! How it looks is the report's; what content says of it is looked up here.

use clap::Args;
use yagura_content::Content;
use yagura_model::alert::Alert;
use yagura_model::finding::{Finding, FindingKind};
use yagura_report::{Advice, AlertEntry, Catalog};

use super::choose;
use crate::context::Context;
use crate::detection::told;
use crate::exit::Exit;
use crate::options::{RowFormat, RowOptions};
use crate::{catalog, output};

/// Entries of the history that are shown.
const HISTORY_MAX: usize = 200;

#[derive(Args)]
pub(crate) struct ShowArgs {
    id: String,
    #[command(flatten)]
    rows: RowOptions,
}

pub(crate) async fn run(context: &Context, args: &ShowArgs) -> anyhow::Result<Exit> {
    let content = context.content()?;
    let store = context.store().await?;
    let findings = choose::findings(&store);
    let finding = choose::named(&findings, &args.id).await?;
    let mut history = findings.history(&finding.id, 0, HISTORY_MAX + 1).await?;
    store.close().await;
    if args.rows.format == RowFormat::Json {
        output::data(|out| yagura_report::finding_line(&finding, context.lang, out))?;
        return Ok(Exit::Done);
    }
    let more = history.len() > HISTORY_MAX;
    history.truncate(HISTORY_MAX);
    let told = Told::of(&finding, &content);
    let advice = told.advice(&finding);
    let now_us = context.now().as_microsecond();
    let terminal = context.terminal(0, true);
    let text = yagura_report::finding_story(
        &finding,
        &history,
        more,
        advice.as_ref(),
        (context.lang, now_us),
        &terminal,
    );
    output::line(text.trim_end())?;
    Ok(Exit::Done)
}

/// What content says, in the report's terms.
struct Told {
    catalog: Option<Catalog>,
    alert: Option<AlertEntry>,
}

impl Told {
    fn of(finding: &Finding, content: &Content) -> Self {
        let seen = &finding.observation;
        let catalog = (seen.kind == FindingKind::Control).then(|| catalog::of(content));
        let alert = (seen.kind == FindingKind::Alert)
            .then(|| serde_json::from_value::<Alert>(seen.evidence.clone()).ok())
            .flatten();
        let alert = alert
            .and_then(|alert| told::entries(content, &[], &[alert]).remove(seen.content.as_str()));
        Self { catalog, alert }
    }

    fn advice<'a>(&'a self, finding: &Finding) -> Option<Advice<'a>> {
        let control = || {
            let entry = self.catalog.as_ref()?.controls.get(&finding.observation.content)?;
            Some(Advice::Control(entry))
        };
        self.alert.as_ref().map(Advice::Alert).or_else(control)
    }
}
