//! The page `/routes`: who is told of what, what waits, what was delivered, and what was given up,
//! to be tried again or dropped. Who would be told of one finding is beside.
//! Nothing is sent from here: what is tried again waits in the outbox, where the daemon takes it.

mod explain;

use std::collections::{BTreeMap, BTreeSet};

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use axum_extra::extract::{Form, Query};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use yagura_content::Content;
use yagura_content::format::{Route, Schedule};
use yagura_model::finding::Scope;
use yagura_report::words;
use yagura_store::outbox::{DeadMessage, Delivery, DeliveryFilter, Proof, Waiting};

use crate::fault::{Answer, Fault};
use crate::gate::{Need, Routes};
use crate::layout::{self, Nav, Shown};
use crate::state::Console;
use crate::viewer::{Role, Viewer};

/// Deliveries and dead messages shown at most.
const SHOWN_MAX: usize = 100;
/// Days over which it is proven that somebody was told.
const PROOF_DAYS: i64 = 90;
/// A message that waits longer than this is late, in microseconds: as for the checklist.
const LATE_US: i64 = 3_600_000_000;
/// What can come of an attempt.
const OUTCOMES: [&str; 4] = ["delivered", "retry", "refused", "skipped"];

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/routes", Need::Role(Role::Viewer), page)
        .get("/routes/explain", Need::Role(Role::Viewer), explain::page)
        .post("/routes/dead", Need::Role(Role::Responder), settle)
}

#[derive(Debug, Serialize)]
struct Page {
    routes: Vec<RouteRow>,
    targets: Vec<TargetRow>,
    proof: Option<ProofView>,
    deliveries: Vec<Delivery>,
    deliveries_cut: bool,
    dead: Vec<DeadMessage>,
    dead_cut: bool,
    limited: bool,
    target: String,
    outcome: String,
    finding: String,
    outcomes: [&'static str; 4],
    done: Option<Done>,
}

/// A route as it is written.
#[derive(Debug, Serialize)]
struct RouteRow {
    id: String,
    on: Vec<String>,
    when: Option<String>,
    schedule: String,
    quiet: Option<String>,
    weekends: bool,
    targets: Vec<String>,
    goes_on: bool,
}

/// A target with what waits for it.
#[derive(Debug, Serialize)]
struct TargetRow {
    name: String,
    /// None of a target that is no more, and for which something is in the outbox.
    channel: Option<String>,
    language: Option<&'static str>,
    waiting: u64,
    oldest: Option<Timestamp>,
    delivered: u64,
    last: Option<Timestamp>,
    dead: u64,
    held: Option<Timestamp>,
}

/// Whether somebody was told of what was critical.
#[derive(Debug, Serialize)]
struct ProofView {
    owed: u64,
    told: u64,
    waiting: u64,
    missing: u64,
    days: i64,
    last: Option<Timestamp>,
}

/// What a form has done.
#[derive(Debug, Serialize)]
struct Done {
    what: &'static str,
    n: u64,
}

impl ProofView {
    fn of(proof: &Proof) -> Self {
        let Proof { owed, told, waiting, last } = *proof;
        let missing = owed.saturating_sub(told).saturating_sub(waiting);
        Self { owed, told, waiting, missing, days: PROOF_DAYS, last }
    }
}

async fn page(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let one = |name: &str| {
        let found = pairs.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let (target, finding) = (one("target"), one("finding"));
    let outcome = Some(one("outcome")).filter(|word| OUTCOMES.contains(&word.as_str()));
    let (content, now) = (console.content(), console.now());
    let outbox = console.store().outbox();
    let limited = viewer.scope != Scope::All;
    let waiting = outbox.by_target().await?;
    let since = now.checked_sub(SignedDuration::from_hours(24 * PROOF_DAYS)).unwrap_or(now);
    // Figures over all accounts are for who may see all of them.
    let proof = match limited {
        true => None,
        false => Some(ProofView::of(&outbox.proof(since, now, LATE_US).await?)),
    };
    let filter = DeliveryFilter {
        target: some(&target),
        finding: some(&finding),
        outcome: outcome.clone(),
        since: None,
    };
    let mut deliveries = outbox.deliveries(&filter, SHOWN_MAX + 1).await?;
    let deliveries_cut = deliveries.len() > SHOWN_MAX;
    deliveries.truncate(SHOWN_MAX);
    let mut dead = outbox.dead(some(&target).as_deref(), SHOWN_MAX + 1).await?;
    let dead_cut = dead.len() > SHOWN_MAX;
    dead.truncate(SHOWN_MAX);
    let named = deliveries.iter().filter_map(|one| one.finding.clone());
    let named = named.chain(dead.iter().filter_map(|one| one.finding.clone()));
    let seen = seen(&console, &viewer, named.collect()).await?;
    deliveries.retain(|one| is_theirs(limited, &seen, one.finding.as_ref()));
    dead.retain(|one| is_theirs(limited, &seen, one.finding.as_ref()));
    let done = ["retried", "dropped"].into_iter().find(|what| *what == one("done"));
    let view = Page {
        routes: content.site.routes.routes.iter().map(|route| row(route, &viewer)).collect(),
        targets: targets(&content, &waiting, limited),
        proof,
        deliveries,
        deliveries_cut,
        dead,
        dead_cut,
        limited,
        target,
        outcome: outcome.unwrap_or_default(),
        finding,
        outcomes: OUTCOMES,
        done: done.map(|what| Done { what, n: one("n").parse().unwrap_or_default() }),
    };
    let title = words(viewer.lang).get("console.nav.routes");
    let (template, path, query) = ("routes.html", "/routes", pairs.as_slice());
    layout::page(
        &console,
        &viewer,
        Shown { template, nav: Nav::Routes, title, path, query, page: view },
    )
}

/// Of some findings those that the viewer may know of; everything where they may see all.
async fn seen(
    console: &Console,
    viewer: &Viewer,
    ids: BTreeSet<String>,
) -> Result<BTreeSet<String>, Fault> {
    if viewer.scope == Scope::All {
        return Ok(ids);
    }
    let ids: Vec<String> = ids.into_iter().collect();
    let found = console.store().findings(viewer.scope.clone()).get_many(&ids).await?;
    Ok(found.into_iter().map(|finding| finding.id).collect())
}

/// Messages about many findings may tell of other accounts: who sees some accounts only does not
/// see them.
fn is_theirs(limited: bool, seen: &BTreeSet<String>, finding: Option<&String>) -> bool {
    !limited || finding.is_some_and(|id| seen.contains(id))
}

fn row(route: &Route, viewer: &Viewer) -> RouteRow {
    let words = words(viewer.lang);
    let schedule = match route.schedule {
        Schedule::Now => words.get("routes.schedule.now").to_owned(),
        Schedule::Hourly => words.get("routes.schedule.hourly").to_owned(),
        Schedule::Daily(at) => {
            words.fill("routes.schedule.daily", &[("at", &at.strftime("%H:%M"))])
        }
    };
    let quiet = route
        .quiet
        .map(|quiet| format!("{}–{}", quiet.from.strftime("%H:%M"), quiet.to.strftime("%H:%M")));
    RouteRow {
        id: route.id.value.clone(),
        on: route.on.iter().map(|on| on.value.clone()).collect(),
        when: route.when.as_ref().map(|when| when.source().trim().to_owned()),
        schedule,
        quiet,
        weekends: route.quiet.is_some_and(|quiet| quiet.weekends),
        targets: route.targets.iter().map(|target| target.value.clone()).collect(),
        goes_on: route.goes_on,
    }
}

/// The site's targets, then those that are no more and have something in the outbox. Of settings
/// nothing is shown: a person may have written a secret there.
fn targets(content: &Content, waiting: &[Waiting], limited: bool) -> Vec<TargetRow> {
    let by_name: BTreeMap<&str, &Waiting> =
        waiting.iter().map(|one| (one.target.as_str(), one)).collect();
    let routes = &content.site.routes;
    let row = |name: &str, channel: Option<String>, language| {
        let known = by_name.get(name).filter(|_| !limited);
        TargetRow {
            name: name.to_owned(),
            channel,
            language,
            waiting: known.map_or(0, |one| one.waiting),
            oldest: known.and_then(|one| one.oldest),
            delivered: known.map_or(0, |one| one.delivered),
            last: known.and_then(|one| one.last),
            dead: known.map_or(0, |one| one.dead),
            held: known.and_then(|one| one.held),
        }
    };
    let known = routes.targets.0.iter().map(|(name, target)| {
        let language = routes.language_of(target).code();
        row(&name.value, Some(target.channel.value.clone()), Some(language))
    });
    let gone = waiting.iter().filter(|one| !limited && routes.target(&one.target).is_none());
    known.chain(gone.map(|one| row(&one.target, None, None))).collect()
}

/// Tries messages again, or drops them: those that were ticked, and that the viewer may see.
async fn settle(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Answer {
    let one = |name: &str| pairs.iter().find(|(known, _)| known == name);
    let ticked: BTreeSet<i64> = pairs
        .iter()
        .filter(|(name, _)| name == "number")
        .filter_map(|(_, value)| value.parse().ok())
        .collect();
    let outbox = console.store().outbox();
    let dead = outbox.dead(None, 10_000).await?;
    let dead: Vec<DeadMessage> =
        dead.into_iter().filter(|message| ticked.contains(&message.number)).collect();
    let named = dead.iter().filter_map(|message| message.finding.clone()).collect();
    let seen = seen(&console, &viewer, named).await?;
    let limited = viewer.scope != Scope::All;
    let numbers: Vec<i64> = dead
        .iter()
        .filter(|message| is_theirs(limited, &seen, message.finding.as_ref()))
        .map(|message| message.number)
        .collect();
    let (what, n) = match one("do").map(|(_, what)| what.as_str()) {
        Some("retry") => ("retried", outbox.retry_dead(Some(&numbers), console.now()).await?),
        Some("drop") => ("dropped", outbox.drop_dead(Some(&numbers)).await?),
        _ => {
            let text = words(viewer.lang).get("console_routes.neither");
            return Err(Fault::BadRequest(text.to_owned()));
        }
    };
    Ok(Redirect::to(&format!("/routes?done={what}&n={n}")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_told_and_does_not_wait_is_missing() {
        let proof = Proof { owed: 9, told: 5, waiting: 1, last: None };
        assert_eq!(ProofView::of(&proof).missing, 3);
        let over = Proof { owed: 1, told: 1, waiting: 1, last: None };
        assert_eq!(ProofView::of(&over).missing, 0);
    }

    #[test]
    fn who_sees_some_accounts_sees_messages_about_their_findings_alone() {
        let seen = BTreeSet::from(["a".to_owned()]);
        let (a, b) = ("a".to_owned(), "b".to_owned());
        assert!(is_theirs(true, &seen, Some(&a)));
        assert!(!is_theirs(true, &seen, Some(&b)));
        assert!(!is_theirs(true, &seen, None));
        assert!(is_theirs(false, &BTreeSet::new(), None));
    }
}
