//! What people do with findings: move them on, accept them, hand them to somebody, say something.
//! Which findings are meant is chosen in `choose.rs`; what may happen when is the model's.

use anyhow::{bail, ensure};
use clap::Args;
use yagura_model::finding::{
    Act, ActOutcome, FindingKind, FindingState, FindingSuppression, Refusal, Ticket,
};
use yagura_model::{Lang, Severity};
use yagura_store::findings::Findings;

use super::choose::{self, Choice};
use super::who::By;
use crate::context::Context;
use crate::exit::Exit;
use crate::moment;
use crate::output::{self, Hinted};

#[derive(Args)]
pub(crate) struct MoveArgs {
    #[command(flatten)]
    choice: Choice,
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    by: By,
}

#[derive(Args)]
pub(crate) struct SuppressArgs {
    #[command(flatten)]
    choice: Choice,
    #[arg(long, value_name = "DAY")]
    until: String,
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    #[command(flatten)]
    by: By,
}

#[derive(Args)]
pub(crate) struct AssignArgs {
    #[command(flatten)]
    choice: Choice,
    #[arg(long, value_name = "NAME", required_unless_present = "nobody")]
    to: Option<String>,
    #[arg(long, conflicts_with = "to")]
    nobody: bool,
    #[command(flatten)]
    by: By,
}

#[derive(Args)]
pub(crate) struct DueArgs {
    #[command(flatten)]
    choice: Choice,
    #[arg(long, value_name = "TIME", required_unless_present = "never")]
    at: Option<String>,
    #[arg(long, conflicts_with = "at")]
    never: bool,
    #[command(flatten)]
    by: By,
}

#[derive(Args)]
pub(crate) struct CommentArgs {
    #[command(flatten)]
    choice: Choice,
    #[arg(long, short, value_name = "TEXT")]
    message: String,
    #[command(flatten)]
    by: By,
}

#[derive(Args)]
pub(crate) struct LabelArgs {
    #[command(flatten)]
    choice: Choice,
    #[arg(long, value_name = "LABEL", required_unless_present = "remove")]
    add: Vec<String>,
    #[arg(long, value_name = "LABEL")]
    remove: Vec<String>,
    #[command(flatten)]
    by: By,
}

#[derive(Args)]
pub(crate) struct SeverityArgs {
    #[command(flatten)]
    choice: Choice,
    #[arg(long, value_name = "SEVERITY", required_unless_present = "unset")]
    set: Option<Severity>,
    #[arg(long, conflicts_with = "set")]
    unset: bool,
    #[command(flatten)]
    by: By,
}

#[derive(Args)]
pub(crate) struct LinkArgs {
    id: String,
    #[arg(long, value_name = "NAME")]
    system: String,
    #[arg(long, value_name = "KEY")]
    key: String,
    #[arg(long, value_name = "URL", default_value = "")]
    url: String,
    #[command(flatten)]
    by: By,
}

#[derive(Args)]
pub(crate) struct UnlinkArgs {
    id: String,
    #[arg(long, value_name = "NAME")]
    system: String,
    #[arg(long, value_name = "KEY")]
    key: String,
    #[command(flatten)]
    by: By,
}

/// Where a finding is moved on to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    Acknowledge,
    Start,
    Resolve,
    Reopen,
    Unsuppress,
}

impl Move {
    fn to(self) -> FindingState {
        match self {
            Self::Acknowledge => FindingState::Acknowledged,
            Self::Start => FindingState::InProgress,
            Self::Resolve => FindingState::Resolved,
            Self::Reopen | Self::Unsuppress => FindingState::New,
        }
    }

    /// From where: what a filter means without states, and what an id may stand in.
    fn from(self) -> &'static [FindingState] {
        match self {
            Self::Acknowledge => &[FindingState::New, FindingState::InProgress],
            Self::Start => &[FindingState::New, FindingState::Acknowledged],
            Self::Resolve => &[
                FindingState::New,
                FindingState::Acknowledged,
                FindingState::InProgress,
                FindingState::Suppressed,
            ],
            Self::Reopen => &[FindingState::Resolved],
            Self::Unsuppress => &[FindingState::Suppressed],
        }
    }
}

/// Findings that something can still be done about.
const NOT_RESOLVED: [FindingState; 4] = [
    FindingState::New,
    FindingState::Acknowledged,
    FindingState::InProgress,
    FindingState::Suppressed,
];

pub(super) async fn go(context: &Context, args: &MoveArgs, to: Move) -> anyhow::Result<Exit> {
    let act = Act::SetState { to: to.to(), reason: args.reason.clone() };
    let acting = Acting { context, choice: &args.choice, by: &args.by, usual: to.from() };
    let store = context.store().await?;
    let findings = choose::findings(&store);
    if to == Move::Reopen || to == Move::Unsuppress {
        acting.stands_in(&findings, to.from()).await?;
    }
    let done = acting.run(&findings, &[act]).await?;
    if let Some(done) = done.as_ref().filter(|_| to == Move::Resolve) {
        say_of_recurrence(context, &findings, &done.ids).await?;
    }
    store.close().await;
    Ok(done.map_or(Exit::Done, |done| done.exit()))
}

/// A control's finding that is resolved by hand comes back with the next scan that still sees it.
async fn say_of_recurrence(
    context: &Context,
    findings: &Findings,
    ids: &[String],
) -> anyhow::Result<()> {
    let of_controls = findings
        .get_many(ids)
        .await?
        .iter()
        .filter(|finding| finding.observation.kind == FindingKind::Control)
        .count();
    if of_controls > 0 {
        context.remark_in(
            "what a control found opens again if the next scan still sees it; \
             `yagura findings suppress` accepts it until a date",
            "コントロールの不適合は、次のスキャンでも検出されると再び開きます。\
             期限まで許容するには `yagura findings suppress` を使います",
        );
    }
    Ok(())
}

pub(super) async fn suppress(context: &Context, args: &SuppressArgs) -> anyhow::Result<Exit> {
    let until = end(&args.until, context)?;
    let owner = match &args.owner {
        Some(owner) => owner.clone(),
        None => args.by.name()?,
    };
    let until_us = until.as_microsecond();
    let by = FindingSuppression { until_us, owner, reason: args.reason.clone() };
    one(context, &args.choice, &args.by, &FindingState::OPEN, &[Act::Suppress(by)]).await
}

/// The end of a validity: a day, which still counts, or a point in time.
fn end(text: &str, context: &Context) -> anyhow::Result<jiff::Timestamp> {
    let now = context.now();
    let end = match text.parse::<yagura_content::format::Expiry>() {
        Ok(expiry) => expiry.0,
        Err(_) => moment::read(text, now)?,
    };
    ensure!(
        end > now,
        Hinted::new(
            format!("`{text}` has passed"),
            "nothing is accepted for ever, and nothing until yesterday: name a coming day",
        )
    );
    Ok(end)
}

pub(super) async fn assign(context: &Context, args: &AssignArgs) -> anyhow::Result<Exit> {
    let act = Act::Assign { to: args.to.clone().filter(|_| !args.nobody) };
    one(context, &args.choice, &args.by, &NOT_RESOLVED, &[act]).await
}

pub(super) async fn due(context: &Context, args: &DueArgs) -> anyhow::Result<Exit> {
    let at = args.at.as_deref().filter(|_| !args.never);
    let at_us = at.map(|text| due_of(text, context)).transpose()?;
    one(context, &args.choice, &args.by, &NOT_RESOLVED, &[Act::SetDue { at_us }]).await
}

fn due_of(text: &str, context: &Context) -> anyhow::Result<i64> {
    let at = match text.parse::<yagura_content::format::Expiry>() {
        Ok(expiry) => expiry.0,
        Err(_) => moment::read(text, context.now())?,
    };
    Ok(at.as_microsecond())
}

pub(super) async fn comment(context: &Context, args: &CommentArgs) -> anyhow::Result<Exit> {
    let act = Act::Comment { text: args.message.clone() };
    one(context, &args.choice, &args.by, &NOT_RESOLVED, &[act]).await
}

pub(super) async fn label(context: &Context, args: &LabelArgs) -> anyhow::Result<Exit> {
    let removed = args.remove.iter().map(|label| Act::Unlabel { label: label.clone() });
    let added = args.add.iter().map(|label| Act::Label { label: label.clone() });
    let acts: Vec<Act> = removed.chain(added).collect();
    one(context, &args.choice, &args.by, &NOT_RESOLVED, &acts).await
}

pub(super) async fn severity(context: &Context, args: &SeverityArgs) -> anyhow::Result<Exit> {
    let act = Act::SetSeverity { to: args.set.filter(|_| !args.unset) };
    one(context, &args.choice, &args.by, &NOT_RESOLVED, &[act]).await
}

pub(super) async fn link(context: &Context, args: &LinkArgs) -> anyhow::Result<Exit> {
    ensure!(
        args.url.is_empty() || args.url.starts_with("https://") || args.url.starts_with("http://"),
        Hinted::new(
            format!("`{}` is no link", args.url),
            "a link begins with https://; it may be left out",
        )
    );
    let (system, key, url) = (args.system.clone(), args.key.clone(), args.url.clone());
    let ticket = Act::LinkTicket(Ticket { system, key, url });
    let choice = Choice::one(&args.id);
    one(context, &choice, &args.by, &NOT_RESOLVED, &[ticket]).await
}

pub(super) async fn unlink(context: &Context, args: &UnlinkArgs) -> anyhow::Result<Exit> {
    let (system, key) = (args.system.clone(), args.key.clone());
    let ticket = Act::UnlinkTicket(Ticket { system, key, url: String::new() });
    let choice = Choice::one(&args.id);
    one(context, &choice, &args.by, &NOT_RESOLVED, &[ticket]).await
}

/// Does the same with all that are chosen.
async fn one(
    context: &Context,
    choice: &Choice,
    by: &By,
    usual: &[FindingState],
    acts: &[Act],
) -> anyhow::Result<Exit> {
    let store = context.store().await?;
    let acting = Acting { context, choice, by, usual };
    let done = acting.run(&choose::findings(&store), acts).await?;
    store.close().await;
    Ok(done.map_or(Exit::Done, |done| done.exit()))
}

/// One act of a person.
struct Acting<'a> {
    context: &'a Context,
    choice: &'a Choice,
    by: &'a By,
    usual: &'a [FindingState],
}

/// What became of it.
#[derive(Default)]
struct Done {
    /// The findings that were changed.
    ids: Vec<String>,
    same: u64,
    refused: Vec<(Refusal, u64)>,
    gone: u64,
}

impl Acting<'_> {
    /// Refuses ids of findings that do not stand where the act begins.
    async fn stands_in(&self, findings: &Findings, states: &[FindingState]) -> anyhow::Result<()> {
        for finding in self.choice.named(findings).await? {
            if !states.contains(&finding.state) {
                let state = finding.state.as_str().replace('_', " ");
                let short = finding.id.get(..8).unwrap_or_default();
                bail!(Hinted::new(
                    format!("finding `{short}` is {state}"),
                    "`yagura findings show` tells what happened to it",
                ));
            }
        }
        Ok(())
    }

    /// Does it; none where it was only counted.
    async fn run(&self, findings: &Findings, acts: &[Act]) -> anyhow::Result<Option<Done>> {
        let actor = self.by.actor()?;
        let Some(ids) = self.choice.ids(self.context, findings, self.usual).await? else {
            return Ok(None);
        };
        let now = self.context.now();
        let mut done = Done::default();
        for act in acts {
            for acted in findings.act(&ids, act, &actor, now, None).await? {
                done.count(acted.id, &acted.outcome);
            }
        }
        done.ids.sort();
        done.ids.dedup();
        done.say(self.context);
        Ok(Some(done))
    }
}

impl Done {
    fn count(&mut self, id: String, outcome: &ActOutcome) {
        match outcome {
            ActOutcome::Done { .. } => self.ids.push(id),
            ActOutcome::Same { .. } => self.same += 1,
            ActOutcome::Unknown | ActOutcome::Conflict { .. } => self.gone += 1,
            ActOutcome::Refused { why } => {
                match self.refused.iter_mut().find(|(known, _)| known == why) {
                    Some((_, count)) => *count += 1,
                    None => self.refused.push((*why, 1)),
                }
            }
        }
    }

    fn say(&self, context: &Context) {
        let words = yagura_report::words(context.lang);
        let count = |n: u64| words.count("findings.count.findings", n);
        let changed = count(self.ids.len() as u64);
        context.remark_in(&format!("{changed} changed"), &format!("{changed}を変更しました"));
        if self.same > 0 {
            let same = count(self.same);
            context.remark_in(&format!("{same} so already"), &format!("{same}は変更不要でした"));
        }
        if self.gone > 0 {
            let gone = count(self.gone);
            context.remark_in(
                &format!("{gone} changed meanwhile and left as they are"),
                &format!("{gone}は途中で変化したため、変更していません"),
            );
        }
        for (why, n) in &self.refused {
            let (n, why) = (count(*n), refusal(*why, context.lang));
            // An error is said even to whoever asked for quiet.
            output::say(&match context.lang {
                Lang::En => format!("{n} left as they are: {why}"),
                Lang::Ja => format!("{n}は変更できません: {why}"),
            });
        }
    }

    fn exit(&self) -> Exit {
        if self.refused.is_empty() && self.gone == 0 { Exit::Done } else { Exit::Failed }
    }
}

fn refusal(why: Refusal, lang: Lang) -> String {
    if lang == Lang::En {
        return why.to_string();
    }
    match why {
        Refusal::DatePassed => "抑制の期限がすでに過ぎています",
        Refusal::WordsMissing => "責任者、理由または本文がありません",
        Refusal::WordsTooLong => "文字数が上限を超えています",
        Refusal::Resolved => "解決済みです",
        Refusal::SuppressionIncomplete => "抑制には期限、責任者、理由が必要です",
        Refusal::TooMany => "これ以上追加できません",
    }
    .to_owned()
}
