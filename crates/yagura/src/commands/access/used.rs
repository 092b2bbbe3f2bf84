//! What was used, for the commands that ask it: from the lake, or straight from log files; and
//! what the log has at all. The tables and content that name calls are put together here.
//! What follows from it is in `least_privilege`, `unused` and `preview`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::bail;
use clap::Args;
use jiff::Timestamp;
use serde_json::Value;
use yagura_analyze::access::usage::{
    ActionLevel, ActionTable, KnownAction, KnownResource, Naming, call_of, roles_of_profiles,
};
use yagura_aws::api::{AccessLevel, Action, Actions};
use yagura_collect::sources::feeds::Feed;
use yagura_collect::sources::feeds::folder::Folder;
use yagura_collect::sources::{ReadLimits, Reading, Tap, read};
use yagura_content::Content;
use yagura_lake::query::{Engine, QueryError};
use yagura_lake::usage::{UsageOf, UsageQuestion, evidence};
use yagura_model::Resource;
use yagura_model::event::EventBatch;
use yagura_model::usage::{EventActions, Evidence, EvidenceKind, UsedCall};

use crate::commands::ingest::feeds::explained;
use crate::context::Context;
use crate::lake_place::{self, Use};
use crate::options::{AwsOptions, LakeChoice};
use crate::output::Hinted;
use crate::progress::IngestBar;
use crate::{moment, river, tables};

/// The log source that calls are in.
const SOURCE: &str = "cloudtrail";

/// Where the log is.
#[derive(Args)]
pub(super) struct LogArgs {
    #[arg(long, value_name = "PATH", conflicts_with = "lake")]
    pub(super) logs: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) lake: LakeChoice,
    #[command(flatten)]
    pub(super) aws: AwsOptions,
}

/// A span of time as it was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
}

impl Asked {
    /// Reads `90d`, `-90d` or a time; the end is now where none is said.
    pub(super) fn read(
        context: &Context,
        since: &str,
        until: Option<&str>,
    ) -> anyhow::Result<Self> {
        let now = context.now();
        let days = since.trim_end_matches(['d', 'h', 'm']);
        let plain = !days.is_empty() && days.bytes().all(|byte| byte.is_ascii_digit());
        let since = match plain && days.len() + 1 == since.len() {
            true => moment::read(&format!("-{since}"), now)?,
            false => moment::read(since, now)?,
        };
        let until = moment::read_some(until, now)?.unwrap_or(now);
        if since >= until {
            bail!(Hinted::new(
                format!("there is no time between {since} and {until}"),
                "write --since 90d, or a time before --until",
            ));
        }
        Ok(Self { since, until })
    }

    /// The whole days of it.
    pub(super) fn days(self) -> i64 {
        const DAY_US: i64 = 86_400_000_000;
        (self.until.as_microsecond() - self.since.as_microsecond() + DAY_US / 2) / DAY_US
    }
}

/// What is known of the log beside the calls.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// By account.
    pub(super) evidence: BTreeMap<String, Evidence>,
    /// Objects or records that could not be read.
    pub(super) unread: u64,
}

/// Names events, with the tables built in and the instance profiles of the inventory.
pub(super) fn naming(content: &Content, resources: &[Resource]) -> anyhow::Result<Naming> {
    let files: Vec<EventActions> =
        content.event_actions.values().map(|file| file.event_actions()).collect();
    let table = action_table(&files)?;
    Ok(Naming::new(files, table).with_profiles(roles_of_profiles(resources)))
}

fn action_table(files: &[EventActions]) -> anyhow::Result<ActionTable> {
    let operations = operations(files)?;
    let actions = tables::actions()?;
    let known = actions.all().map(|action| KnownAction {
        name: Arc::clone(&action.name),
        level: match action.access_level {
            AccessLevel::List => ActionLevel::List,
            AccessLevel::Read => ActionLevel::Read,
            AccessLevel::Tagging => ActionLevel::Tagging,
            AccessLevel::Write => ActionLevel::Write,
            AccessLevel::Permissions => ActionLevel::Permissions,
        },
        resources: action
            .resource_types
            .iter()
            .map(|kind| KnownResource {
                name: Arc::clone(&kind.name),
                required: kind.required,
                arn: kind.arn.clone(),
            })
            .collect(),
        passes_role: action.dependent_actions.iter().any(|other| &**other == "iam:PassRole"),
        tags_with: tags_with(action, &actions),
        has_operation: operations.contains(&action.name.to_ascii_lowercase()),
    });
    Ok(ActionTable::new(known))
}

/// Among the actions that AWS says an action depends on: the one of its own service that tags.
fn tags_with(action: &Action, actions: &Actions) -> Option<Arc<str>> {
    let service = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
    let tags = |name: &str| {
        let level = actions.action(name).map(|other| other.access_level);
        let operation = name.split(':').nth(1).unwrap_or_default();
        let takes_away =
            ["Un", "Remove", "Delete"].iter().any(|start| operation.starts_with(start));
        level == Some(AccessLevel::Tagging) && !takes_away
    };
    let own = |name: &&Arc<str>| service(name) == service(&action.name) && tags(name);
    action.dependent_actions.iter().find(own).cloned()
}

/// Every operation of the API as an action would be called, in lower case.
fn operations(files: &[EventActions]) -> anyhow::Result<BTreeSet<String>> {
    let api = tables::api()?;
    let mut found = BTreeSet::new();
    for name in api.services() {
        let service = api.service(name)?;
        let event_source = format!("{}.amazonaws.com", service.endpoint_prefix());
        let prefix = files.iter().find_map(|file| file.sources.get(&event_source));
        let mut prefixes =
            BTreeSet::from([name, service.endpoint_prefix(), service.signing_name()]);
        prefixes.extend(prefix.map(String::as_str));
        for operation in service.operations() {
            for prefix in &prefixes {
                found.insert(format!("{prefix}:{}", operation.name()).to_ascii_lowercase());
            }
        }
    }
    Ok(found)
}

/// Whose calls a question is about. A session is its role.
pub(super) fn of_principal(principal: &str) -> UsageOf {
    let mut parts = principal.splitn(6, ':');
    let (partition, account) = (parts.nth(1), parts.nth(2));
    let role = parts.next().and_then(|resource| resource.strip_prefix("assumed-role/"));
    match (partition, account, role) {
        (Some(partition), Some(account), Some(session)) => UsageOf::Sessions {
            partition: partition.to_owned(),
            account: account.to_owned(),
            role: session.split('/').next().unwrap_or_default().to_owned(),
        },
        _ => UsageOf::Principal(principal.to_owned()),
    }
}

fn is_of(of: &UsageOf, call: &UsedCall) -> bool {
    match of {
        UsageOf::Everybody => true,
        UsageOf::Principal(arn) => call.actor == *arn || call.issuer.as_ref() == Some(arn),
        UsageOf::Sessions { partition, account, role } => {
            let start = format!("arn:{partition}:sts::{account}:assumed-role/{role}/");
            call.actor.starts_with(&start)
        }
    }
}

/// What is asked of the log.
pub(super) struct LogQuestion {
    pub(super) of: UsageOf,
    pub(super) asked: Asked,
    /// None: resources do not matter.
    pub(super) parameters: Option<BTreeSet<String>>,
    pub(super) columns: Vec<&'static str>,
    /// Only what the log has of this account is told.
    pub(super) account: Option<String>,
}

/// Whoever adds calls up.
pub(super) type Sink = Arc<Mutex<dyn FnMut(&UsedCall) + Send>>;

/// Hands every call that is asked about to the sink, and says what the log has.
pub(super) async fn calls(
    context: &Context,
    content: &Arc<Content>,
    args: &LogArgs,
    question: LogQuestion,
    sink: Sink,
) -> anyhow::Result<Seen> {
    match args.logs.is_empty() {
        true => of_lake(context, content, args, question, &sink).await,
        false => of_files(context, content, args, question, sink).await,
    }
}

async fn of_lake(
    context: &Context,
    content: &Content,
    args: &LogArgs,
    question: LogQuestion,
    sink: &Sink,
) -> anyhow::Result<Seen> {
    let lake = lake_place::open(context, content, &args.lake, &args.aws, Use::READ).await?;
    let engine = Engine::new(lake.clone(), None);
    let Asked { since, until } = question.asked;
    let account = question.account.as_deref();
    let evidence = evidence(&lake, &engine, account, since, until).await.map_err(of_query)?;
    let mut usage = engine.usage(UsageQuestion {
        of: question.of,
        since,
        until,
        parameters: question.parameters,
        columns: question.columns,
        memory_bytes: args.lake.memory.and_then(|bytes| usize::try_from(bytes).ok()),
    });
    while let Some(calls) = usage.next().await.map_err(of_query)? {
        let mut take = sink.lock().unwrap_or_else(PoisonError::into_inner);
        for call in &calls {
            take(call);
        }
    }
    Ok(Seen { evidence, unread: 0 })
}

fn of_query(error: QueryError) -> anyhow::Error {
    let message = error.to_string();
    anyhow::Error::new(error).context(Hinted::new(
        format!("could not read the lake: {message}"),
        "`yagura lake status` says what is there",
    ))
}

/// Looks at records of files as they are read.
struct Gather {
    of: UsageOf,
    since_us: i64,
    until_us: i64,
    names: BTreeSet<String>,
    sink: Sink,
    evidence: Mutex<BTreeMap<String, Evidence>>,
}

impl Gather {
    /// Notes what the log has, whoever it is about.
    fn note(&self, record: &Value) {
        let text = |path: &str| record.pointer(path).and_then(Value::as_str);
        let time = text("/eventTime").and_then(|text| text.parse::<Timestamp>().ok());
        let Some(at_us) = time.map(Timestamp::as_microsecond) else { return };
        if !(self.since_us..self.until_us).contains(&at_us) {
            return;
        }
        let account = text("/recipientAccountId").or_else(|| text("/userIdentity/accountId"));
        let (Some(account), Some(event_source)) = (account, text("/eventSource")) else { return };
        let data = text("/eventCategory") == Some("Data")
            || record.get("managementEvent") == Some(&Value::Bool(false));
        let read_only = record.get("readOnly").and_then(Value::as_bool);
        let mut all = self.evidence.lock().unwrap_or_else(PoisonError::into_inner);
        let evidence = all.entry(account.to_owned()).or_insert_with(|| Evidence {
            account: account.to_owned(),
            asked_us: (self.since_us, self.until_us),
            ..Evidence::default()
        });
        let (first, last) = evidence.seen_us.unwrap_or((at_us, at_us));
        evidence.seen_us = Some((first.min(at_us), last.max(at_us)));
        evidence.regions.extend(text("/awsRegion").map(str::to_owned));
        let same = |kind: &&mut EvidenceKind| {
            kind.event_source == event_source && (kind.data, kind.read_only) == (data, read_only)
        };
        match evidence.kinds.iter_mut().find(same) {
            Some(kind) => kind.count += 1,
            None => evidence.kinds.push(EvidenceKind {
                event_source: event_source.to_owned(),
                data,
                read_only,
                count: 1,
            }),
        }
    }
}

impl Tap for Gather {
    fn batch(&self, source: &str, batch: &EventBatch) {
        if source != SOURCE {
            return;
        }
        for record in batch {
            let Ok(record) = serde_json::from_str::<Value>(record.raw()) else { continue };
            self.note(&record);
            let Some(call) = call_of(&record, &self.names) else { continue };
            let within = (self.since_us..self.until_us).contains(&call.first_us);
            if within && is_of(&self.of, &call) {
                let mut take = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
                take(&call);
            }
        }
    }
}

async fn of_files(
    context: &Context,
    content: &Arc<Content>,
    args: &LogArgs,
    question: LogQuestion,
    sink: Sink,
) -> anyhow::Result<Seen> {
    let mut feeds: Vec<Arc<dyn Feed>> = Vec::new();
    for path in &args.logs {
        let source = Some(SOURCE.to_owned());
        feeds.push(Arc::new(Folder::new(path, source).map_err(explained)?));
    }
    let lang = context.lang;
    let cancel = river::cancel_on_interrupt(move || crate::commands::detect::say_interrupted(lang));
    let bar = Arc::new(IngestBar::new(lang, context.global.quiet));
    let gather = Arc::new(Gather {
        of: question.of,
        since_us: question.asked.since.as_microsecond(),
        until_us: question.asked.until.as_microsecond(),
        names: question.parameters.unwrap_or_default(),
        sink,
        evidence: Mutex::default(),
    });
    let reading = Reading {
        feeds,
        content: Arc::clone(content),
        tap: Arc::clone(&gather) as Arc<dyn Tap>,
        limits: ReadLimits::default(),
        progress: Arc::new({
            let bar = Arc::clone(&bar);
            move |progress| bar.show(progress)
        }),
        cancel,
    };
    let outcome = read(reading).await?;
    bar.done();
    if outcome.interrupted {
        bail!(Hinted::new(
            "interrupted before the whole log was read",
            "what is left out of a part of the log is not known to be unused; run it again",
        ));
    }
    let unread = outcome.unread_count + outcome.quarantined + outcome.unlisted.len() as u64;
    let evidence = gather.evidence.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Seen { evidence, unread: unread + outcome.counts.bad })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A type that an action does not have would leave the tagged resource out without a word.
    #[test]
    fn what_content_says_of_tagging_is_in_the_table_of_actions() {
        let actions = tables::actions().unwrap();
        let mut rules = 0;
        for file in Content::builtin().event_actions.values() {
            for (event, needed) in file.event_actions().tags {
                for need in needed {
                    let action = actions.action(&need.action).unwrap();
                    assert_eq!(action.access_level, AccessLevel::Tagging, "{event}: {need:?}");
                    let has = |of: &String| action.resource_types.iter().any(|it| *it.name == **of);
                    assert!(need.of.as_ref().is_none_or(has), "{event}: {need:?}");
                    rules += 1;
                }
            }
        }
        assert!(rules > 60, "{rules}");
    }

    #[test]
    fn the_table_says_of_many_calls_that_tags_need_a_permission_of_their_own() {
        let table = action_table(&[]).unwrap();
        let tagged = |name: &str| table.get(name).and_then(|action| action.tags_with.clone());
        for (name, with) in [
            ("ec2:CreateVolume", "ec2:CreateTags"),
            ("ec2:RunInstances", "ec2:CreateTags"),
            ("rds:CreateDBInstance", "rds:AddTagsToResource"),
            ("kms:CreateKey", "kms:TagResource"),
            ("elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:AddTags"),
        ] {
            assert_eq!(tagged(name).as_deref(), Some(with), "{name}");
        }
        assert_eq!(tagged("ec2:DescribeInstances"), None);
        // Only a service's own tagging counts: what another service tags is not the caller's.
        assert_eq!(tagged("ds:CreateDirectory"), None);
        let many = table.all().filter(|action| action.tags_with.is_some()).count();
        assert!(many > 300, "{many}");
    }
}
