//! Which findings are meant: by the first digits of their ids, or by what they are like.
//! What is done with them is in `act.rs`, how they are shown in `list.rs` and `show.rs`.

use std::collections::BTreeSet;

use anyhow::{bail, ensure};
use clap::Args;
use jiff::Timestamp;
use yagura_model::Severity;
use yagura_model::finding::{Finding, FindingKind, FindingState, MarkKind, Scope};
use yagura_store::Store;
use yagura_store::findings::{Assignee, FindingFilter, Findings, PAGE_MAX, Page, Span};

use crate::context::Context;
use crate::moment;
use crate::options::severity;
use crate::output::{Hinted, printable};

/// Digits of an id that name a finding at least.
const PREFIX_MIN: usize = 6;
/// Findings that an ambiguous id lists.
const NAMED_MAX: usize = 5;

/// What findings are like. Several values of one flag are alternatives; flags add up.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct FilterOptions {
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    severity: Option<Severity>,
    #[arg(long, value_name = "STATES", value_delimiter = ',')]
    state: Vec<FindingState>,
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    kind: Vec<FindingKind>,
    #[arg(long, alias = "control", value_name = "IDS", value_delimiter = ',')]
    content: Vec<String>,
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    account: Vec<String>,
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    region: Vec<String>,
    #[arg(long, value_name = "KEY|NAME")]
    resource: Option<String>,
    #[arg(long = "type", value_name = "TYPES", value_delimiter = ',')]
    type_name: Vec<String>,
    #[arg(long, value_name = "NAME")]
    assignee: Option<String>,
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    label: Vec<String>,
    #[arg(long, value_name = "KIND=VALUE", value_parser = mark)]
    mark: Vec<(MarkKind, String)>,
    #[arg(long, value_name = "CAUSE")]
    cause: Option<String>,
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
    #[arg(long, value_name = "POINTS", value_parser = clap::value_parser!(u16).range(0..=1000))]
    rank_min: Option<u16>,
    #[arg(long)]
    overdue: bool,
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    #[arg(long, value_name = "TIME")]
    before: Option<String>,
}

/// Reads `tag=env=prod`: a kind of mark, and its value.
fn mark(text: &str) -> Result<(MarkKind, String), String> {
    let kinds = || MarkKind::ALL.map(MarkKind::as_str).join(", ");
    let (kind, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is no mark: write KIND=VALUE, KIND one of {}", kinds()))?;
    let known = kind.parse::<MarkKind>();
    let kind = known.map_err(|error| format!("{error}: it is one of {}", kinds()))?;
    Ok((kind, value.to_owned()))
}

impl FilterOptions {
    /// Whether anything was said: a filter that says nothing means everything.
    pub(super) fn is_empty(&self) -> bool {
        let lists = [&self.content, &self.account, &self.region, &self.type_name, &self.label];
        let texts =
            [&self.resource, &self.assignee, &self.cause, &self.text, &self.since, &self.before];
        self.severity.is_none()
            && self.state.is_empty()
            && self.kind.is_empty()
            && self.mark.is_empty()
            && self.rank_min.is_none()
            && !self.overdue
            && lists.iter().all(|list| list.is_empty())
            && texts.iter().all(|text| text.is_none())
    }

    /// The filter. Without states it asks for `usual` ones.
    ///
    /// # Errors
    /// Times that are none.
    pub(super) fn filter(
        &self,
        usual: &[FindingState],
        now: Timestamp,
    ) -> anyhow::Result<FindingFilter> {
        let is_key = |name: &&String| name.starts_with("arn:") || name.contains([':', '/']);
        let key = self.resource.as_ref().filter(is_key).cloned();
        let name = self.resource.as_ref().filter(|name| !is_key(name));
        let words = name.map(|name| format!("\"{name}\"")).into_iter().chain(self.text.clone());
        let text = words.collect::<Vec<_>>().join(" ");
        let least = self.severity;
        let severities = Severity::ALL
            .into_iter()
            .filter(|severity| least.is_some_and(|least| *severity >= least));
        let assignee = self.assignee.as_deref().map(|name| match name {
            "nobody" => Assignee::Nobody,
            name => Assignee::Name(name.to_owned()),
        });
        Ok(FindingFilter {
            states: if self.state.is_empty() { usual.to_vec() } else { self.state.clone() },
            severities: severities.collect(),
            kinds: self.kind.clone(),
            contents: self.content.clone(),
            accounts: self.account.clone(),
            regions: self.region.clone(),
            resource_types: self.type_name.clone(),
            keys: key.into_iter().collect(),
            causes: self.cause.clone().into_iter().collect(),
            marks: self.mark.clone(),
            labels: self.label.clone(),
            assignee,
            text: Some(text).filter(|text| !text.is_empty()),
            rank_min: self.rank_min,
            last_seen: Span {
                since: moment::read_some(self.since.as_deref(), now)?,
                until: moment::read_some(self.before.as_deref(), now)?,
            },
            due: Span { since: None, until: self.overdue.then_some(now) },
            ..FindingFilter::default()
        })
    }
}

/// All findings of a store: the command line is the administrator's.
pub(super) fn findings(store: &Store) -> Findings {
    store.findings(Scope::All)
}

/// The one finding that an id, or its first digits, names.
///
/// # Errors
/// What is no id, names nothing or several.
pub(super) async fn named(findings: &Findings, id: &str) -> anyhow::Result<Finding> {
    ensure!(
        (PREFIX_MIN..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        Hinted::new(
            format!("`{id}` is no finding's id"),
            "write six or more of its digits, as `yagura findings list` shows them",
        )
    );
    let mut found = findings.find(&id.to_ascii_lowercase(), NAMED_MAX + 1).await?;
    match found.as_slice() {
        [_] => {}
        [] => bail!(Hinted::new(
            format!("there is no finding `{id}`"),
            "`yagura findings list` shows those that are open, with --state the others",
        )),
        several => bail!(Hinted::new(
            format!("`{id}` names several findings"),
            format!("write more of it: {}", some_ids(several)),
        )),
    }
    found.pop().ok_or_else(|| anyhow::anyhow!("there is no finding `{id}`"))
}

fn some_ids(findings: &[Finding]) -> String {
    let ids = findings.iter().take(NAMED_MAX).map(|one| printable(&one.id));
    let mut text = ids.collect::<Vec<_>>().join(", ");
    if findings.len() > NAMED_MAX {
        text.push_str(", …");
    }
    text
}

/// Which findings something is done with.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Choice {
    #[arg(value_name = "ID")]
    id: Vec<String>,
    #[command(flatten)]
    filter: FilterOptions,
    #[arg(long)]
    yes: bool,
}

impl Choice {
    /// One finding by its id.
    pub(super) fn one(id: &str) -> Self {
        Self { id: vec![id.to_owned()], ..Self::default() }
    }

    /// The findings that are named by their ids; none where a filter is given.
    ///
    /// # Errors
    /// Where a name names nothing or several.
    pub(super) async fn named(&self, findings: &Findings) -> anyhow::Result<Vec<Finding>> {
        let mut found = Vec::with_capacity(self.id.len());
        for id in &self.id {
            found.push(named(findings, id).await?);
        }
        Ok(found)
    }

    /// The ids of the chosen findings. Of a filter they are counted first, and nothing is chosen
    /// without `--yes`: then the answer is none.
    ///
    /// # Errors
    /// Where nothing is named, or a name names nothing or several.
    pub(super) async fn ids(
        &self,
        context: &Context,
        findings: &Findings,
        usual: &[FindingState],
    ) -> anyhow::Result<Option<Vec<String>>> {
        ensure!(
            self.id.is_empty() || self.filter.is_empty(),
            Hinted::new(
                "findings are named by id or by what they are like, not both",
                "leave out the ids or the other flags",
            )
        );
        if !self.id.is_empty() {
            let named = self.named(findings).await?;
            let ids: BTreeSet<String> = named.into_iter().map(|finding| finding.id).collect();
            return Ok(Some(ids.into_iter().collect()));
        }
        ensure!(
            !self.filter.is_empty(),
            Hinted::new(
                "no finding is named",
                "name ids, or say what they are like: --control s3.* --account 111122223333",
            )
        );
        let filter = self.filter.filter(usual, context.now())?;
        let total = findings.count(&filter).await?;
        let count =
            yagura_report::words(context.lang).count("findings.count.findings", total.count);
        if !self.yes && total.count > 0 {
            context.remark_in(
                &format!("{count} would be changed; nothing is done without --yes"),
                &format!("{count}が対象です。--yes を付けると実行します"),
            );
            return Ok(None);
        }
        all_ids(findings, &filter).await.map(Some)
    }
}

/// The ids of all findings that match.
async fn all_ids(findings: &Findings, filter: &FindingFilter) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::new();
    let mut page = Page { limit: PAGE_MAX, ..Page::default() };
    loop {
        let found = findings.list(filter, &page).await?;
        ids.extend(found.findings.into_iter().map(|finding| finding.id));
        match found.next {
            Some(next) => page.after = Some(next),
            None => return Ok(ids),
        }
    }
}
