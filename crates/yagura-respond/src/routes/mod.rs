//! Routes: reads the history of findings after a cursor and decides who is told of each change,
//! where, when. What is to be told goes into the outbox; how it travels is `crate::channels`'.
//!
//! The history is the only thing that is read here, so that what changed a finding and what tells
//! people of it can never disagree: the cursor moves in the transaction that fills the outbox.

mod advice;
mod explain;
mod notified;
mod schedule;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use yagura_content::Content;
use yagura_content::expression::{Env, Root};
use yagura_content::format::{Route, STORM};
use yagura_model::finding::{Change, Finding, FindingState, HistoryEntry, Scope};
use yagura_model::{Severity, Truth};
use yagura_report::messages::{NoticeChange, Told};
use yagura_store::Store;
use yagura_store::outbox::{Batch, Owed, Page, Post, Posted, StormLimit};

use crate::error::RespondError;
use crate::findings::accounts::Accounts;
use crate::findings::expression::finding_value;

pub(crate) use advice::advice;
pub use explain::Explained;
pub use notified::{Notified, notified};
pub(crate) use told::{change_value, document, read_document, told};

/// Where a site says its routes.
const ROUTES_FILE: &str = "routes.yaml";
/// Entries of the history routed in one transaction.
const PAGE: usize = 1_000;

/// Follows the routes of a site.
#[derive(Clone, Debug)]
pub struct Router {
    content: Arc<Content>,
}

/// What routing did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routed {
    /// Entries of the history that were read.
    pub entries: u64,
    /// Messages for one finding each.
    pub single: u64,
    /// Findings that are told together with others later.
    pub gathered: u64,
    /// Findings that are only counted, because more came than anybody reads.
    pub counted: u64,
    /// Storms that began.
    pub storms: u64,
    /// Routes whose condition had no result, and why. They were followed.
    pub problems: BTreeMap<String, String>,
}

impl Routed {
    fn add(&mut self, posted: Posted) {
        self.single += posted.single;
        self.gathered += posted.gathered;
        self.counted += posted.counted;
        self.storms += posted.storms;
    }
}

/// Everything that the routes of one page look at.
pub(crate) struct Ground {
    pub(crate) accounts: Accounts,
    pub(crate) now: Timestamp,
}

impl Router {
    /// With the content whose routes are followed.
    pub fn new(content: Arc<Content>) -> Self {
        Self { content }
    }

    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    /// Routes everything that happened since the last time. Several processes may do so at once:
    /// each page is taken by one of them.
    ///
    /// Where there are no routes the history is passed over: whoever makes routes later wants to
    /// hear of what happens then. Where `routes.yaml` cannot be read, nothing is passed over: what
    /// happens meanwhile is told once it can be.
    ///
    /// # Errors
    /// Where the database cannot be read or written; what was routed before stands.
    pub async fn route(&self, store: &Store, now: Timestamp) -> Result<Routed, RespondError> {
        let mut routed = Routed::default();
        if let Some(why) = unreadable(&self.content) {
            routed.problems.insert(ROUTES_FILE.to_owned(), why);
            return Ok(routed);
        }
        let accounts = Accounts::of(store, &self.content.site, now).await;
        let ground = Ground { accounts: accounts.map_err(RespondError::Route)?, now };
        loop {
            let outbox = store.outbox();
            let from = outbox.cursor().await.map_err(RespondError::Route)?;
            let findings = store.findings(Scope::All);
            let entries = findings.history_after(from, PAGE).await.map_err(RespondError::Route)?;
            let Some(last) = entries.last() else { return Ok(routed) };
            let mut page = Page { from, to: last.number, ..Page::default() };
            let ids: BTreeSet<&str> = entries.iter().map(|entry| entry.finding.as_str()).collect();
            let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
            let known = findings.get_many(&ids).await.map_err(RespondError::Route)?;
            let known: BTreeMap<&str, &Finding> =
                known.iter().map(|finding| (finding.id.as_str(), finding)).collect();
            for entry in &entries {
                // What retention has forgotten since is nobody's concern any more.
                if let Some(finding) = known.get(entry.finding.as_str()) {
                    self.entry(entry, finding, &ground, &mut page, &mut routed);
                }
            }
            let posted = outbox.post(&page, &self.limits(), now).await;
            let posted = posted.map_err(RespondError::Route)?;
            if !posted.raced {
                routed.entries += entries.len() as u64;
                routed.add(posted);
            }
        }
    }

    fn limits(&self) -> BTreeMap<String, StormLimit> {
        let targets = &self.content.site.routes.targets.0;
        targets
            .iter()
            .map(|(name, target)| {
                let storm = target.storm.unwrap_or(STORM);
                let limit =
                    StormLimit { messages: u64::from(storm.messages), span_us: storm.per.micros() };
                (name.value.clone(), limit)
            })
            .collect()
    }

    fn entry(
        &self,
        entry: &HistoryEntry,
        finding: &Finding,
        ground: &Ground,
        page: &mut Page,
        routed: &mut Routed,
    ) {
        let hushed = is_hushed(&entry.change, finding);
        if comes_up(entry, finding) && !hushed {
            let at = Timestamp::from_microsecond(entry.at_us).unwrap_or(ground.now);
            page.owed.push(Owed { entry: entry.number, finding: finding.id.clone(), at });
        }
        if hushed {
            return;
        }
        let followed = self.follow(entry, finding, ground);
        let mut told_targets = BTreeSet::new();
        let account = ground.accounts.value(&finding.observation.account);
        let told = told(finding, &account);
        for follow in followed {
            if let Some(why) = follow.problem {
                routed.problems.insert(follow.route.id.value.clone(), why);
            }
            for target in &follow.route.targets {
                let known = self.content.site.routes.target(target).is_some();
                if known && told_targets.insert(target.value.clone()) {
                    page.posts.push(self.post(entry, finding, &told, target, follow.route, ground));
                }
            }
        }
    }

    /// The routes that an entry follows, in order.
    pub(crate) fn follow<'r>(
        &'r self,
        entry: &HistoryEntry,
        finding: &Finding,
        ground: &Ground,
    ) -> Vec<Follow<'r>> {
        let word = entry.change.as_str();
        let mut followed = Vec::new();
        let minded = self.content.site.routes.routes.iter().filter(|route| route.minds(word));
        let mut values = None;
        for route in minded {
            let (finding, change, account) = values.get_or_insert_with(|| {
                let account = ground.accounts.value(&finding.observation.account);
                (finding_value(finding), change_value(entry), account)
            });
            let env = Env::mapping()
                .bind(Root::Finding, finding)
                .bind(Root::Change, change)
                .bind(Root::Account, account)
                .bind_now(ground.now);
            let (truth, problem) = route.holds(env);
            // A condition without result is followed: telling too much is mended sooner than
            // telling nobody.
            if truth != Truth::False {
                followed.push(Follow { route, problem });
                if !route.goes_on {
                    break;
                }
            }
        }
        followed
    }

    fn post(
        &self,
        entry: &HistoryEntry,
        finding: &Finding,
        told: &Told,
        target: &str,
        route: &Route,
        ground: &Ground,
    ) -> Post {
        let routes = &self.content.site.routes;
        let due = schedule::due(routes, route, finding.severity, ground.now);
        let batch = due.map(|due| Batch { key: format!("{}@{due}", route.id), due });
        Post {
            target: target.to_owned(),
            route: route.id.value.clone(),
            finding: finding.id.clone(),
            entry: entry.number,
            change: entry.change.as_str().to_owned(),
            severity: finding.severity,
            cause: finding.observation.cause.clone(),
            title: finding.observation.title.clone(),
            document: document(told, &notice_change(entry)),
            batch,
        }
    }
}

/// Why a site's routes are not known, where they are not.
pub(crate) fn unreadable(content: &Content) -> Option<String> {
    let routes = &content.site.routes;
    if !routes.routes.is_empty() || !routes.targets.0.is_empty() {
        return None;
    }
    let broken = content.problems.iter().find(|one| one.file == ROUTES_FILE && one.is_error());
    broken.map(ToString::to_string)
}

/// A route that an entry follows.
pub(crate) struct Follow<'r> {
    pub(crate) route: &'r Arc<Route>,
    /// Why its condition has no result, where it has none.
    pub(crate) problem: Option<String>,
}

/// Whether nobody is to hear of it: a suppressed finding comes up for nobody.
fn is_hushed(change: &Change, finding: &Finding) -> bool {
    let comes_up = matches!(change.as_str(), "opened" | "reopened" | "raised");
    comes_up && finding.state == FindingState::Suppressed
}

/// Whether somebody must be told: a critical finding is new, back or has become critical.
fn comes_up(entry: &HistoryEntry, finding: &Finding) -> bool {
    match &entry.change {
        Change::Opened { severity } | Change::Reopened { severity } => {
            *severity == Severity::Critical && finding.severity == Severity::Critical
        }
        Change::SeverityChanged { to, .. } => *to == Severity::Critical,
        _ => false,
    }
}

/// What a message says of an entry.
pub(crate) fn notice_change(entry: &HistoryEntry) -> NoticeChange {
    use yagura_model::finding::Actor;
    let by = match &entry.actor {
        Actor::Person(name) | Actor::Rule(name) => Some(name.clone()),
        Actor::Yagura(_) => None,
    };
    let (words, severities) = match &entry.change {
        Change::SeverityChanged { from, to } => (None, Some((*from, *to))),
        Change::StateChanged { reason, .. } | Change::Resolved { reason, .. } => {
            (reason.clone(), None)
        }
        Change::Suppressed { reason, owner, .. } => (Some(format!("{owner}: {reason}")), None),
        Change::Assigned { to } => (to.clone(), None),
        Change::Commented { text } => (Some(text.clone()), None),
        Change::TicketLinked(ticket) | Change::TicketUnlinked(ticket) => {
            (Some(format!("{} {}", ticket.system, ticket.key)), None)
        }
        Change::Labeled { label } | Change::Unlabeled { label } => (Some(label.clone()), None),
        Change::Opened { .. }
        | Change::Reopened { .. }
        | Change::SeveritySet { .. }
        | Change::DueSet { .. } => (None, None),
    };
    NoticeChange {
        word: entry.change.as_str().to_owned(),
        at_us: entry.at_us,
        by,
        words,
        severities,
    }
}
