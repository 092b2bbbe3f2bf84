//! Findings: listed, counted, grouped, one by one, and what people and programs do with them.
//! Which findings there are within a scope is the store's answer.
//!
//! Long because each type that is served stands beside the one request that it is for.

use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use yagura_model::finding::{
    Act, ActOutcome, Finding, FindingState, FindingSuppression, HistoryEntry, MarkKind, Ticket,
};
use yagura_model::{Prose, Severity};
use yagura_store::findings::{
    Assignee, FindingCursor, FindingFilter, FindingGroup, FindingOrder, GroupBy, GroupPage, Page,
    Span,
};

use super::endpoint::{Endpoints, Reader, Said, version_expected};
use super::{time, words_of};
use crate::fault::Fault;
use crate::viewer::{Permission, Role};

/// Findings of a page where nobody says how many.
const LIMIT: u16 = 50;
/// Findings of a page at most.
const LIMIT_MAX: u16 = 500;
/// Lines of a history at most.
const HISTORY_MAX: u16 = 500;

pub(super) fn register(all: Endpoints) -> Endpoints {
    let read = |path, id, summary| Said {
        path,
        role: Role::Viewer,
        permission: Permission::FindingsRead,
        id,
        summary,
    };
    all.get(read("/findings", "listFindings", "Findings, a page at a time"), list)
        .get(read("/findings/counts", "countFindings", "How many findings have each value"), counts)
        .get(read("/findings/groups", "groupFindings", "Findings of one cause as groups"), groups)
        .get(read("/findings/{id}", "getFinding", "A finding with its evidence"), get)
        .get(
            read("/findings/{id}/history", "findingHistory", "What happened to a finding"),
            history,
        )
        .post(
            Said {
                path: "/findings/{id}/acts",
                role: Role::Analyst,
                permission: Permission::FindingsWrite,
                id: "actOnFinding",
                summary: "Does something with a finding; `If-Match` guards what was seen",
            },
            act,
        )
}

/// Which findings. Several values of one parameter are alternatives; different ones all hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FindingsAsked {
    /// new, acknowledged, in_progress, resolved, suppressed; `open` is the first three.
    pub(crate) state: Vec<String>,
    /// critical, high, medium, low, informational.
    pub(crate) severity: Vec<String>,
    /// control, alert, import, spend.
    pub(crate) kind: Vec<String>,
    /// Ids of content; `*` at the end stands for whatever begins so.
    pub(crate) content: Vec<String>,
    /// Accounts, twelve digits.
    pub(crate) account: Vec<String>,
    /// Regions.
    pub(crate) region: Vec<String>,
    /// Types of resources: `AWS::S3::Bucket`.
    pub(crate) resource_type: Vec<String>,
    /// Keys (ARNs) of resources.
    pub(crate) key: Vec<String>,
    /// Causes: findings of one cause are one group.
    pub(crate) cause: Vec<String>,
    /// Labels; all of them must be there.
    pub(crate) label: Vec<String>,
    /// Marks: `requirement=cis_7_0/2.1.4`, `attack=attack.t1562.008`, `tag=env=prod`.
    pub(crate) mark: Vec<String>,
    /// Who is to deal with it; `nobody` where nobody is.
    pub(crate) assignee: Option<String>,
    /// Words in the text of findings.
    pub(crate) text: Option<String>,
    /// Ranked at least so, 0 to 1000.
    pub(crate) rank_min: Option<u16>,
    /// Last seen at this time or later (RFC 3339).
    pub(crate) since: Option<String>,
    /// Last seen before this time (RFC 3339).
    pub(crate) until: Option<String>,
    /// rank, severity, last_seen, first_seen, due.
    pub(crate) order: Option<String>,
    /// How many, at most 500; 50 where nothing is said.
    pub(crate) limit: Option<u16>,
    /// Where the page before ended.
    pub(crate) after: Option<String>,
}

impl FindingsAsked {
    /// What is asked of the store.
    ///
    /// # Errors
    /// Where a value is none that there is.
    pub(crate) fn filter(&self) -> Result<FindingFilter, Fault> {
        let mut states = Vec::new();
        for word in &self.state {
            match word.as_str() {
                "open" => states.extend(FindingState::OPEN),
                word => states.push(one::<FindingState>(word)?),
            }
        }
        let assignee = self.assignee.as_deref().map(|name| match name {
            "nobody" => Assignee::Nobody,
            name => Assignee::Name(name.to_owned()),
        });
        Ok(FindingFilter {
            states,
            severities: each(&self.severity)?,
            kinds: each(&self.kind)?,
            contents: self.content.clone(),
            accounts: self.account.clone(),
            regions: self.region.clone(),
            resource_types: self.resource_type.clone(),
            keys: self.key.clone(),
            causes: self.cause.clone(),
            marks: self.mark.iter().map(|text| mark(text)).collect::<Result<_, _>>()?,
            labels: self.label.clone(),
            assignee,
            text: self.text.clone().filter(|text| !text.trim().is_empty()),
            rank_min: self.rank_min,
            last_seen: Span {
                since: moment(self.since.as_deref())?,
                until: moment(self.until.as_deref())?,
            },
            ..FindingFilter::default()
        })
    }

    fn page(&self) -> Result<Page, Fault> {
        let order = match self.order.as_deref() {
            None | Some("rank") => FindingOrder::Rank,
            Some("severity") => FindingOrder::Severity,
            Some("last_seen") => FindingOrder::LastSeen,
            Some("first_seen") => FindingOrder::FirstSeen,
            Some("due") => FindingOrder::Due,
            Some(word) => {
                let known = "rank, severity, last_seen, first_seen, due";
                return Err(Fault::BadRequest(format!("`{word}` is no order; they are {known}")));
            }
        };
        let after = self.after.as_deref().map(one::<FindingCursor>).transpose()?;
        Ok(Page { order, limit: limit(self.limit, LIMIT, LIMIT_MAX)?, after })
    }
}

/// A limit within its bounds; asking for more is said, not cut in silence.
pub(super) fn limit(asked: Option<u16>, usual: u16, max: u16) -> Result<usize, Fault> {
    let asked = asked.unwrap_or(usual);
    match (1..=max).contains(&asked) {
        true => Ok(usize::from(asked)),
        false => Err(Fault::BadRequest(format!("`limit` is 1 to {max}"))),
    }
}

fn one<T: FromStr>(word: &str) -> Result<T, Fault>
where
    T::Err: std::fmt::Display,
{
    word.parse().map_err(|error: T::Err| Fault::BadRequest(error.to_string()))
}

fn each<T: FromStr>(words: &[String]) -> Result<Vec<T>, Fault>
where
    T::Err: std::fmt::Display,
{
    words.iter().map(|word| one(word)).collect()
}

/// A time, where one is asked for.
pub(super) fn moment(text: Option<&str>) -> Result<Option<Timestamp>, Fault> {
    let read = |text: &str| {
        text.parse().map_err(|_| {
            Fault::BadRequest(format!(
                "`{text}` is no time as RFC 3339 writes it: 2026-11-22T00:00:00Z"
            ))
        })
    };
    text.map(read).transpose()
}

fn mark(text: &str) -> Result<(MarkKind, String), Fault> {
    let (kind, value) = text
        .split_once('=')
        .ok_or_else(|| Fault::BadRequest(format!("`{text}` is no mark: KIND=VALUE")))?;
    let mut all = MarkKind::ALL.into_iter();
    let kind = all.find(|one| one.as_str() == kind).ok_or_else(|| {
        Fault::BadRequest(format!(
            "`{kind}` is no kind of mark; they are {}",
            words_of(&MarkKind::ALL.map(MarkKind::as_str))
        ))
    })?;
    Ok((kind, value.to_owned()))
}

/// Text in both languages.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Text {
    pub(crate) en: String,
    pub(crate) ja: String,
}

impl From<&Prose> for Text {
    fn from(prose: &Prose) -> Self {
        Self { en: prose.en.clone(), ja: prose.ja.clone() }
    }
}

/// A finding.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct FindingView {
    /// 32 hex digits.
    pub(crate) id: String,
    /// control, alert, import, spend.
    kind: String,
    /// The id of the control or detection.
    content: String,
    title: Text,
    /// new, acknowledged, in_progress, resolved, suppressed.
    state: String,
    severity: String,
    /// Twelve digits; empty where it belongs to none.
    account: String,
    region: String,
    /// What it is about.
    key: String,
    resource_type: Option<String>,
    resource_name: Option<String>,
    cause: String,
    /// 0 to 1000.
    rank: u16,
    rank_reasons: Vec<RankReasonView>,
    first_seen: String,
    last_seen: String,
    occurrences: u64,
    assignee: Option<String>,
    due: Option<String>,
    suppression: Option<SuppressionView>,
    tickets: Vec<TicketView>,
    labels: Vec<String>,
    resolved: Option<String>,
    comments: u64,
    changed: String,
    /// Grows with each change of its life; send its `ETag` back in `If-Match`.
    version: u64,
}

/// A part of a rank.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct RankReasonView {
    factor: String,
    points: i16,
    why: Text,
}

/// Until when it is accepted.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct SuppressionView {
    until: String,
    owner: String,
    reason: String,
}

/// Where else it is worked on.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TicketView {
    /// `jira`, `backlog`, …
    pub(crate) system: String,
    /// `SEC-12`.
    pub(crate) key: String,
    /// Where a person sees it.
    #[serde(default)]
    pub(crate) url: String,
}

impl From<&Finding> for FindingView {
    fn from(finding: &Finding) -> Self {
        let seen = &finding.observation;
        let reasons = seen.rank.reasons.iter().map(|one| RankReasonView {
            factor: one.factor.as_str().to_owned(),
            points: one.points,
            why: (&one.why).into(),
        });
        let suppression = finding.suppression.as_ref().map(|by| SuppressionView {
            until: time(by.until_us),
            owner: by.owner.clone(),
            reason: by.reason.clone(),
        });
        let ticket = |one: &Ticket| TicketView {
            system: one.system.clone(),
            key: one.key.clone(),
            url: one.url.clone(),
        };
        Self {
            id: finding.id.clone(),
            kind: seen.kind.as_str().to_owned(),
            content: seen.content.clone(),
            title: (&seen.title).into(),
            state: finding.state.as_str().to_owned(),
            severity: finding.severity.as_str().to_owned(),
            account: seen.account.clone(),
            region: seen.region.clone(),
            key: seen.key.clone(),
            resource_type: seen.resource_type.clone(),
            resource_name: seen.resource_name.clone(),
            cause: seen.cause.clone(),
            rank: seen.rank.points,
            rank_reasons: reasons.collect(),
            first_seen: time(finding.first_seen_us),
            last_seen: time(finding.last_seen_us),
            occurrences: finding.occurrences,
            assignee: finding.assignee.clone(),
            due: finding.due_us.map(time),
            suppression,
            tickets: finding.tickets.iter().map(ticket).collect(),
            labels: finding.labels.iter().cloned().collect(),
            resolved: finding.resolved_us.map(time),
            comments: finding.comments,
            changed: time(finding.changed_us),
            version: finding.version,
        }
    }
}

/// How many there are.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct TotalView {
    pub(crate) count: u64,
    /// Whether it is exactly so; else the most that it can be.
    pub(crate) exact: bool,
}

impl From<yagura_store::findings::Total> for TotalView {
    fn from(total: yagura_store::findings::Total) -> Self {
        Self { count: total.count, exact: total.exact }
    }
}

/// A page of findings.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct FindingsPage {
    items: Vec<FindingView>,
    /// The next page; null where this was the last.
    next: Option<String>,
    total: TotalView,
}

pub(crate) async fn list(reader: Reader, asked: FindingsAsked) -> Result<FindingsPage, Fault> {
    let (filter, page) = (asked.filter()?, asked.page()?);
    let findings = reader.console.store().findings(reader.viewer.scope.clone());
    let found = findings.list(&filter, &page).await?;
    Ok(FindingsPage {
        items: found.findings.iter().map(Into::into).collect(),
        next: found.next.map(|cursor| reader.next(cursor)),
        total: found.total.into(),
    })
}

/// A finding by its id.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindingAsked {
    /// 32 hex digits.
    pub(crate) id: String,
}

/// A finding with what decided it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct FindingWhole {
    #[serde(flatten)]
    finding: FindingView,
    /// By what it is looked up: kind and value.
    marks: Vec<(String, String)>,
    /// The verdict, the alert or the original finding, whole.
    evidence: Value,
}

pub(crate) async fn get(reader: Reader, asked: FindingAsked) -> Result<FindingWhole, Fault> {
    let findings = reader.console.store().findings(reader.viewer.scope.clone());
    let finding = findings.get(&asked.id).await?.ok_or(Fault::NotFound)?;
    let marks = finding.observation.marks.iter();
    Ok(FindingWhole {
        marks: marks.map(|(kind, value)| (kind.as_str().to_owned(), value.clone())).collect(),
        evidence: finding.observation.evidence.clone(),
        finding: (&finding).into(),
    })
}

/// Which part of a history.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryAsked {
    /// 32 hex digits.
    id: String,
    /// How many lines, at most 500; 50 where nothing is said.
    #[serde(default)]
    limit: Option<u16>,
    /// The number of the last line that is known.
    #[serde(default)]
    after: Option<i64>,
}

/// A line of a history.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct HistoryView {
    number: i64,
    at: String,
    /// person, rule, yagura.
    actor_kind: String,
    actor: String,
    /// opened, acknowledged, suppressed, commented, …
    change: String,
    /// What there is beyond the word.
    details: Value,
}

/// A page of a history, the oldest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct HistoryPage {
    items: Vec<HistoryView>,
    next: Option<String>,
}

async fn history(reader: Reader, asked: HistoryAsked) -> Result<HistoryPage, Fault> {
    let findings = reader.console.store().findings(reader.viewer.scope.clone());
    findings.get(&asked.id).await?.ok_or(Fault::NotFound)?;
    let limit = limit(asked.limit, LIMIT, HISTORY_MAX)?;
    let entries = findings.history(&asked.id, asked.after.unwrap_or_default(), limit).await?;
    let full = entries.len() == limit;
    let last = entries.last().map(|entry| entry.number).filter(|_| full);
    Ok(HistoryPage {
        items: entries.iter().map(line).collect(),
        next: last.map(|number| reader.next(number)),
    })
}

fn line(entry: &HistoryEntry) -> HistoryView {
    let mut details = serde_json::to_value(&entry.change).unwrap_or_default();
    if let Some(object) = details.as_object_mut() {
        object.shift_remove("change");
        // Times in answers are text, and their names say no unit.
        for name in ["until_us", "at_us", "as_of_us"] {
            if let Some(value) = object.shift_remove(name) {
                let told = value.as_i64().map(time);
                object.insert(name.trim_end_matches("_us").to_owned(), told.into());
            }
        }
    }
    HistoryView {
        number: entry.number,
        at: time(entry.at_us),
        actor_kind: entry.actor.kind().to_owned(),
        actor: entry.actor.name().to_owned(),
        change: entry.change.as_str().to_owned(),
        details,
    }
}

/// By what is counted, and which findings.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CountsAsked {
    /// severity, state, account, region, kind, content, resource_type, cause, assignee,
    /// first_seen_day, last_seen_day.
    by: String,
    /// As in the list of findings.
    #[serde(default)]
    state: Vec<String>,
    /// As in the list of findings.
    #[serde(default)]
    severity: Vec<String>,
    /// As in the list of findings.
    #[serde(default)]
    kind: Vec<String>,
    /// As in the list of findings.
    #[serde(default)]
    content: Vec<String>,
    /// As in the list of findings.
    #[serde(default)]
    account: Vec<String>,
    /// As in the list of findings.
    #[serde(default)]
    resource_type: Vec<String>,
    /// As in the list of findings.
    #[serde(default)]
    label: Vec<String>,
    /// As in the list of findings.
    #[serde(default)]
    text: Option<String>,
}

/// How many findings have one value.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct CountView {
    value: String,
    count: u64,
}

/// How many findings have each value, the greatest first; at most 1,000 values.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct CountsView {
    items: Vec<CountView>,
    /// How many values there are.
    values: u64,
    total: TotalView,
}

async fn counts(reader: Reader, asked: CountsAsked) -> Result<CountsView, Fault> {
    let by: GroupBy = one(&asked.by)?;
    let filter = FindingsAsked {
        state: asked.state,
        severity: asked.severity,
        kind: asked.kind,
        content: asked.content,
        account: asked.account,
        resource_type: asked.resource_type,
        label: asked.label,
        text: asked.text,
        ..FindingsAsked::default()
    };
    let findings = reader.console.store().findings(reader.viewer.scope.clone());
    let counts = findings.count_by(&filter.filter()?, by).await?;
    let items = counts.counts.into_iter();
    Ok(CountsView {
        items: items.map(|one| CountView { value: one.value, count: one.count }).collect(),
        values: counts.values,
        total: counts.total.into(),
    })
}

/// Findings of one cause.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct GroupView {
    cause: String,
    count: u64,
    open: u64,
    severity: String,
    rank: u16,
    first_seen: String,
    last_seen: String,
    /// The one with the highest rank.
    example: FindingView,
}

/// A page of groups.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct GroupsPage {
    items: Vec<GroupView>,
    next: Option<String>,
    /// How many groups there are.
    total: u64,
}

async fn groups(reader: Reader, asked: FindingsAsked) -> Result<GroupsPage, Fault> {
    let limit = limit(asked.limit, LIMIT, LIMIT_MAX)?;
    let offset: usize = asked.after.as_deref().map_or(Ok(0), |text| {
        text.parse().map_err(|_| Fault::BadRequest("`after` is no place in a list".to_owned()))
    })?;
    let findings = reader.console.store().findings(reader.viewer.scope.clone());
    let found = findings.groups(&asked.filter()?, GroupPage { limit, offset }).await?;
    let shown = offset.saturating_add(found.groups.len());
    let more = u64::try_from(shown).is_ok_and(|shown| shown < found.total);
    let view = |group: &FindingGroup| GroupView {
        cause: group.cause.clone(),
        count: group.count,
        open: group.open,
        severity: group.severity.as_str().to_owned(),
        rank: group.rank,
        first_seen: time(group.first_seen_us),
        last_seen: time(group.last_seen_us),
        example: (&group.example).into(),
    };
    Ok(GroupsPage {
        items: found.groups.iter().map(view).collect(),
        next: more.then(|| reader.next(shown)),
        total: found.total,
    })
}

/// What is done with a finding.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ActAsked {
    /// Somebody has seen it.
    Acknowledge {
        /// Why.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Somebody works on it.
    Start {
        /// Why.
        #[serde(default)]
        reason: Option<String>,
    },
    /// It is over.
    Resolve {
        /// Why.
        #[serde(default)]
        reason: Option<String>,
    },
    /// It is to be looked at again.
    Reopen {
        /// Why.
        #[serde(default)]
        reason: Option<String>,
    },
    /// It is accepted until a date.
    Suppress {
        /// Until when (RFC 3339).
        until: String,
        /// Who answers for it; whoever asks where nobody is named.
        #[serde(default)]
        owner: Option<String>,
        /// Why.
        reason: String,
    },
    /// Somebody is to deal with it; null is nobody.
    Assign {
        /// Who.
        to: Option<String>,
    },
    /// By when it is to be dealt with; null is no date.
    SetDue {
        /// When (RFC 3339).
        at: Option<String>,
    },
    /// Something is said about it.
    Comment {
        /// What.
        text: String,
    },
    /// How bad it is; null leaves it to observations again.
    SetSeverity {
        /// critical, high, medium, low, informational.
        to: Option<String>,
    },
    /// It gets a label.
    Label {
        /// The label.
        label: String,
    },
    /// It loses a label.
    Unlabel {
        /// The label.
        label: String,
    },
    /// It is worked on elsewhere.
    LinkTicket(TicketView),
    /// It no longer is.
    UnlinkTicket(TicketView),
}

impl ActAsked {
    fn act(self, person: &str) -> Result<Act, Fault> {
        let state = |to, reason| Act::SetState { to, reason };
        let ticket = |one: TicketView| Ticket { system: one.system, key: one.key, url: one.url };
        Ok(match self {
            Self::Acknowledge { reason } => state(FindingState::Acknowledged, reason),
            Self::Start { reason } => state(FindingState::InProgress, reason),
            Self::Resolve { reason } => state(FindingState::Resolved, reason),
            Self::Reopen { reason } => state(FindingState::New, reason),
            Self::Suppress { until, owner, reason } => Act::Suppress(FindingSuppression {
                until_us: moment(Some(&until))?.map_or(0, Timestamp::as_microsecond),
                owner: owner.unwrap_or_else(|| person.to_owned()),
                reason,
            }),
            Self::Assign { to } => Act::Assign { to },
            Self::SetDue { at } => {
                Act::SetDue { at_us: moment(at.as_deref())?.map(Timestamp::as_microsecond) }
            }
            Self::Comment { text } => Act::Comment { text },
            Self::SetSeverity { to } => {
                Act::SetSeverity { to: to.as_deref().map(one::<Severity>).transpose()? }
            }
            Self::Label { label } => Act::Label { label },
            Self::Unlabel { label } => Act::Unlabel { label },
            Self::LinkTicket(one) => Act::LinkTicket(ticket(one)),
            Self::UnlinkTicket(one) => Act::UnlinkTicket(ticket(one)),
        })
    }
}

/// What became of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ActedView {
    id: String,
    /// Whether anything changed; it may have been so before.
    changed: bool,
    /// The finding's version now.
    version: u64,
}

async fn act(reader: Reader, asked: ActAsked) -> Result<ActedView, Fault> {
    let expected = version_expected(&reader)?;
    let id = reader.named("id").to_owned();
    let act = asked.act(&reader.viewer.name)?;
    let findings = reader.console.store().findings(reader.viewer.scope.clone());
    let ids = [id.clone()];
    let at = reader.console.now();
    let acted = findings.act(&ids, &act, &reader.viewer.actor(), at, expected).await?;
    match acted.into_iter().next().map(|one| one.outcome) {
        Some(ActOutcome::Done { version }) => Ok(ActedView { id, changed: true, version }),
        Some(ActOutcome::Same { version }) => Ok(ActedView { id, changed: false, version }),
        Some(ActOutcome::Conflict { .. }) => Err(Fault::Conflict),
        Some(ActOutcome::Refused { why }) => Err(Fault::BadRequest(why.to_string())),
        Some(ActOutcome::Unknown) | None => Err(Fault::NotFound),
    }
}
