//! One account: open findings, the score of each framework, what was not read and what to do about
//! it, its regions and the types of its resources.
//! The tree of all accounts is in `list.rs`.

use std::collections::{BTreeMap, BTreeSet};

use axum::Extension;
use axum::extract::{Path, State};
use axum_extra::extract::Query;
use serde::Serialize;
use yagura_content::Content;
use yagura_model::finding::Finding;
use yagura_model::{Prose, StateCounts, Unread};
use yagura_report::{Words, words};
use yagura_store::findings::{FindingFilter, GroupBy, Page};
use yagura_store::{Account, ResourceQuery, ScanState, StoreError};

use super::{Seen, known};
use crate::fault::{Answer, Fault};
use crate::layout::links;
use crate::layout::{Nav, Shown, page};
use crate::pages::controls::{Part, state_bar};
use crate::pages::standing::Standing;
use crate::state::Console;
use crate::viewer::Viewer;

/// Findings that are shown.
const WORST: usize = 10;
/// Types and names of one gap that are shown.
const NAMES_MAX: usize = 8;
/// Types of resources that are shown.
const TYPES_MAX: usize = 30;

#[derive(Serialize)]
struct AccountView {
    id: String,
    name: String,
    ou: String,
    severities: Vec<(&'static str, u64)>,
    open: u64,
    worst: Vec<FindingView>,
    frameworks: Vec<ScoreView>,
    scanned_us: Option<i64>,
    scan: Option<i64>,
    /// Whether the scan ended before everything was read.
    interrupted: bool,
    seen: Seen,
    seen_percent: Option<u64>,
    gaps: Vec<Gap>,
    left_out: Vec<Gap>,
    types: Vec<Counted>,
    types_more: usize,
    regions: Vec<Counted>,
    resources: u64,
}

#[derive(Serialize)]
struct FindingView {
    href: String,
    title: Prose,
    severity: &'static str,
    state: &'static str,
    resource: String,
    last_us: i64,
}

#[derive(Serialize)]
struct ScoreView {
    href: String,
    title: Prose,
    percent: Option<u64>,
    states: StateCounts,
    bar: Vec<Part>,
}

/// What could not be listed for one reason.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Gap {
    why: String,
    remedy: String,
    types: Vec<String>,
    types_more: usize,
    regions: Vec<String>,
    regions_more: usize,
    listings: usize,
}

#[derive(Serialize)]
struct Counted {
    name: String,
    href: String,
    n: u64,
}

pub(crate) async fn account(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let standing = Standing::now(&console).await?;
    // INVARIANT: `known` holds nothing outside the scope.
    let account = known(console.store(), &standing, &viewer.scope).await?.remove(&id);
    let account = account.ok_or(Fault::NotFound)?;
    let content = console.content();
    let title = if account.name.is_empty() { id.clone() } else { account.name.clone() };
    let view = whole(&console, &viewer, &content, &standing, account).await?;
    let path = links::account(&id);
    let shown = Shown {
        template: "account.html",
        nav: Nav::Accounts,
        title: &title,
        path: &path,
        query: &pairs,
        page: view,
    };
    page(&console, &viewer, shown)
}

async fn whole(
    console: &Console,
    viewer: &Viewer,
    content: &Content,
    standing: &Standing,
    account: Account,
) -> Result<AccountView, StoreError> {
    let Account { id, name, ou } = account;
    let store = console.store();
    let findings = store.findings(viewer.scope.clone());
    let filter = FindingFilter { accounts: vec![id.clone()], ..FindingFilter::open() };
    let counts = findings.count_by(&filter, GroupBy::Severity).await?;
    let worst = findings.list(&filter, &Page { limit: WORST, ..Page::default() }).await?;
    let asked =
        ResourceQuery { accounts: vec![id.clone()], ..ResourceQuery::of(viewer.scope.clone()) };
    let resources = store.browse(&asked, None, 1).await?;
    let scan = standing.scans.iter().find(|one| one.accounts.contains(&id));
    let mut seen = Seen::default();
    let own = standing.coverage.iter().filter(|one| one.account == id);
    for one in own.clone() {
        seen.count(&one.state);
    }
    let unread =
        own.filter_map(|one| Some((one.type_name.as_str(), &*one.region, one.state.unread()?)));
    let (blind, other): (Vec<_>, Vec<_>) =
        unread.partition(|(.., unread)| unread.reason.is_blind());
    let words = words(viewer.lang);
    let of = |name: &str, n: u64| {
        let query = format!("account={}", links::encoded(&id));
        (name.to_owned(), query, n)
    };
    let counted = |(name, n): &(String, u64), member: &str| {
        let (name, query, n) = of(name, *n);
        let href = format!("/resources?{query}&{member}={}", links::encoded(&name));
        Counted { href, name, n }
    };
    Ok(AccountView {
        severities: yagura_model::Severity::ALL
            .into_iter()
            .rev()
            .map(|one| {
                let n = counts.counts.iter().find(|count| count.value == one.as_str());
                (one.as_str(), n.map_or(0, |count| count.count))
            })
            .collect(),
        open: counts.total.count,
        worst: worst.findings.into_iter().map(finding_view).collect(),
        frameworks: frameworks(content, standing, &id),
        scanned_us: scan.map(|one| one.scan.start.started.as_microsecond()),
        scan: scan.map(|one| one.scan.id.0),
        interrupted: scan.is_some_and(|one| one.scan.state == ScanState::Interrupted),
        seen_percent: seen.percent(),
        seen,
        gaps: gaps(&blind, words),
        left_out: gaps(&other, words),
        types: resources.types.iter().take(TYPES_MAX).map(|one| counted(one, "type")).collect(),
        types_more: resources.types.len().saturating_sub(TYPES_MAX),
        regions: resources.regions.iter().map(|one| counted(one, "region")).collect(),
        resources: resources.total.count,
        id,
        name,
        ou,
    })
}

fn finding_view(one: Finding) -> FindingView {
    FindingView {
        href: format!("/findings/{}", links::encoded(&one.id)),
        severity: one.severity.as_str(),
        state: one.state.as_str(),
        resource: one.observation.resource_name.unwrap_or(one.observation.key),
        title: one.observation.title,
        last_us: one.last_seen_us,
    }
}

fn frameworks(content: &Content, standing: &Standing, account: &str) -> Vec<ScoreView> {
    let scores = standing.account_scores(account);
    let view = |(id, score): (&str, &yagura_model::AccountScore)| {
        let framework = content.frameworks.get(id)?;
        Some(ScoreView {
            href: links::framework(id),
            title: framework.title.value.clone(),
            percent: score.states.percent_met(),
            bar: state_bar(&score.states),
            states: score.states,
        })
    };
    scores.into_iter().filter_map(view).collect()
}

/// Listings that were not whole, joined by what stands in their way; the most frequent first.
fn gaps(unread: &[(&str, &str, &Unread)], words: &Words) -> Vec<Gap> {
    type Joined<'a> = (BTreeSet<&'a str>, BTreeSet<&'a str>, usize, String);
    let mut joined: BTreeMap<String, Joined<'_>> = BTreeMap::new();
    for (type_name, region, part) in unread {
        let why = yagura_report::unread(words, part);
        let gap = joined.entry(why).or_insert_with(|| {
            (BTreeSet::new(), BTreeSet::new(), 0, yagura_report::unread_remedy(words, part))
        });
        gap.0.insert(type_name);
        gap.1.insert(region);
        gap.2 += 1;
    }
    let some = |names: &BTreeSet<&str>| -> (Vec<String>, usize) {
        let shown = names.iter().take(NAMES_MAX).map(|one| (*one).to_owned()).collect();
        (shown, names.len().saturating_sub(NAMES_MAX))
    };
    let gap = |(why, (types, regions, listings, remedy)): (String, Joined<'_>)| {
        let (types, types_more) = some(&types);
        let (regions, regions_more) = some(&regions);
        Gap { why, remedy, types, types_more, regions, regions_more, listings }
    };
    let mut gaps: Vec<Gap> = joined.into_iter().map(gap).collect();
    gaps.sort_by(|a, b| b.listings.cmp(&a.listings).then_with(|| a.why.cmp(&b.why)));
    gaps
}

#[cfg(test)]
mod tests {
    use yagura_model::{Lang, UnreadReason};

    use super::*;

    #[test]
    fn gaps_of_one_reason_are_told_once() {
        let denied = Unread {
            action: "ec2:DescribeInstances".to_owned(),
            ..Unread::of("".parse().unwrap(), UnreadReason::Denied)
        };
        let late = Unread::of("".parse().unwrap(), UnreadReason::TimedOut);
        let unread = [
            ("AWS::EC2::Instance", "eu-west-1", &denied),
            ("AWS::EC2::Instance", "eu-west-2", &denied),
            ("AWS::S3::Bucket", "global", &late),
        ];
        let gaps = gaps(&unread, words(Lang::En));
        assert_eq!(gaps.len(), 2);
        assert_eq!(gaps[0].why, "access denied: ec2:DescribeInstances");
        assert_eq!((gaps[0].listings, gaps[0].regions.len(), gaps[0].types.len()), (2, 2, 1));
        assert!(gaps[0].remedy.contains("yagura doctor"), "{}", gaps[0].remedy);
    }
}
