//! One framework: groups, requirements with their states, the controls that serve them and the
//! worst resources behind; attestations and what only a person can answer.
//! How a state comes about is judge's (docs/internals/scores.md).

use std::collections::HashMap;

use axum::Extension;
use axum::extract::{Path, State};
use axum_extra::extract::Query;
use serde::Serialize;
use yagura_content::format::{Assessment, Control, Framework, Requirement, Responsible};
use yagura_model::finding::Scope;
use yagura_model::{
    Attestation, Prose, RequirementScore, RequirementState, StateCounts, VerdictCounts,
};
use yagura_report::{Words, words};
use yagura_store::StoreError;

use super::frameworks::state_bar;
use super::list::{Counts, Part};
use crate::fault::{Answer, Fault};
use crate::layout::links;
use crate::layout::{Nav, Shown, page};
use crate::pages::standing::Standing;
use crate::state::Console;
use crate::viewer::Viewer;

/// Scans of the trend.
const SCANS: usize = 40;
/// Reasons of one requirement that are shown.
const REASONS_MAX: usize = 4;

#[derive(Serialize)]
struct FrameworkView {
    id: String,
    version: String,
    source: String,
    percent: Option<u64>,
    states: Option<StateCounts>,
    counts: VerdictCounts,
    bar: Vec<Part>,
    scored_us: Option<i64>,
    groups: Vec<GroupView>,
    trend: Vec<Point>,
    accounts: Vec<AccountView>,
    /// Which states are shown; empty for all.
    state: String,
    q: String,
    shown: usize,
    all: usize,
}

#[derive(Serialize)]
struct GroupView {
    id: String,
    title: Prose,
    states: StateCounts,
    bar: Vec<Part>,
    percent: Option<u64>,
    requirements: Vec<RequirementView>,
}

#[derive(Serialize)]
struct RequirementView {
    id: String,
    title: Prose,
    note: Option<Prose>,
    level: Option<u8>,
    manual: bool,
    /// Whether AWS has a part in it, and where that part is proven.
    aws: bool,
    aws_part: Option<Prose>,
    /// As a verdict's word of the console.
    standing: &'static str,
    attested: bool,
    attestation: Option<AttestationView>,
    counts: VerdictCounts,
    why: Vec<String>,
    controls: Vec<ControlView>,
    failing: Vec<FailingView>,
    failing_more: u64,
}

#[derive(Serialize)]
struct AttestationView {
    by: String,
    reason: String,
    evidence: String,
    expires_us: i64,
}

#[derive(Serialize)]
struct ControlView {
    href: String,
    id: String,
    title: Prose,
    counts: Counts,
    off: bool,
}

#[derive(Serialize)]
struct FailingView {
    href: String,
    name: String,
    account: String,
    region: String,
    severity: &'static str,
}

#[derive(Serialize)]
struct Point {
    label: String,
    n: Option<u64>,
}

#[derive(Serialize)]
struct AccountView {
    href: String,
    id: String,
    name: String,
    percent: Option<u64>,
    states: StateCounts,
    bar: Vec<Part>,
}

pub(super) async fn framework(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let content = console.content();
    let framework = content.frameworks.get(&id).cloned().ok_or(Fault::NotFound)?;
    let standing = Standing::now(&console).await?;
    let score = standing.score(&id, &viewer.scope);
    let words = words(viewer.lang);
    let known = standing.controls(&viewer.scope);
    let by_control = |id: &str| known.get(id).map(Counts::of).unwrap_or_default();
    let scores: HashMap<&str, &RequirementScore> = score
        .iter()
        .flat_map(|one| &one.score.requirements)
        .map(|one| (one.id.as_str(), one))
        .collect();
    let state = links::value(&pairs, "state");
    let q = links::value(&pairs, "q");
    let view_of = |one: &Requirement| {
        let off = |id: &str| !content.site.selection.enables(id);
        let serving = content.controls_for(&id, &one.id.value).iter();
        let serving = serving.filter_map(|control| content.controls.get(control));
        let controls = serving.map(|one| control_view(one, &by_control, &off)).collect();
        let score = scores.get(one.id.value.as_str()).copied();
        let aws = framework.responsible(one) != Responsible::Customer;
        let aws_part = framework.aws_part(one).cloned();
        RequirementView { aws, aws_part, ..requirement(one, score, controls, words) }
    };
    let wanted =
        |one: &RequirementView| (state.is_empty() || one.standing == state) && said(one, &q);
    let mut groups = grouped(&framework, view_of);
    for group in &mut groups {
        group.requirements.retain(wanted);
    }
    groups.retain(|group| !group.requirements.is_empty());
    let states = score.as_ref().map(|one| one.score.states);
    let view = FrameworkView {
        version: framework.version.clone(),
        source: framework.source.clone(),
        percent: states.as_ref().and_then(StateCounts::percent_met),
        bar: states.as_ref().map(state_bar).unwrap_or_default(),
        counts: score.as_ref().map(|one| one.score.counts).unwrap_or_default(),
        scored_us: score.as_ref().map(|one| one.started.as_microsecond()),
        trend: trend(&console, &viewer, &id).await?,
        accounts: match &score {
            Some(score) => accounts(&console, &score.score.accounts).await?,
            None => Vec::new(),
        },
        shown: groups.iter().map(|group| group.requirements.len()).sum(),
        all: framework.requirements.len(),
        groups,
        states,
        state,
        q,
        id,
    };
    let title = framework.title.value.get(viewer.lang).to_owned();
    let path = links::framework(&view.id);
    let shown = Shown {
        template: "framework.html",
        nav: Nav::Controls,
        title: &title,
        path: &path,
        query: &pairs,
        page: view,
    };
    page(&console, &viewer, shown)
}

/// Whether a requirement has every word of a search.
fn said(one: &RequirementView, q: &str) -> bool {
    let q = q.to_lowercase();
    let has = |word: &str| {
        let own = [&one.id, &one.title.en, &one.title.ja];
        own.iter().any(|text| text.to_lowercase().contains(word))
            || one.controls.iter().any(|control| control.id.contains(word))
    };
    q.split_whitespace().all(has)
}

/// Requirements in their groups, in the framework's order; states are counted over all of a group.
fn grouped(
    framework: &Framework,
    view: impl Fn(&Requirement) -> RequirementView,
) -> Vec<GroupView> {
    let mut by_group: HashMap<&str, Vec<RequirementView>> = HashMap::new();
    for one in &framework.requirements {
        by_group.entry(&one.group.value).or_default().push(view(one));
    }
    let group = |group: &yagura_content::format::Group| {
        let requirements = by_group.remove(group.id.value.as_str()).unwrap_or_default();
        let mut states = StateCounts::default();
        for one in &requirements {
            states.count(state_of(one.standing), one.attested);
        }
        GroupView {
            id: group.id.value.clone(),
            title: group.title.value.clone(),
            percent: states.percent_met(),
            bar: state_bar(&states),
            states,
            requirements,
        }
    };
    framework.groups.iter().map(group).collect()
}

fn state_of(standing: &str) -> RequirementState {
    match standing {
        "met" => RequirementState::Met,
        "partly" => RequirementState::Partly,
        "not_met" => RequirementState::NotMet,
        "not_applicable" => RequirementState::NotApplicable,
        _ => RequirementState::Unknown,
    }
}

fn control_view(
    control: &Control,
    counts: &impl Fn(&str) -> Counts,
    off: &impl Fn(&str) -> bool,
) -> ControlView {
    ControlView {
        href: links::control(&control.id),
        id: control.id.clone(),
        title: control.title.value.clone(),
        counts: counts(&control.id),
        off: off(&control.id),
    }
}

/// A requirement's state as a verdict's word; what waits for a person's word is not unknown for
/// want of reading.
fn standing(assessment: Assessment, score: Option<&RequirementScore>, alone: bool) -> &'static str {
    match (score, assessment) {
        (Some(score), _) if score.state != RequirementState::Unknown => score.state.as_str(),
        (Some(score), _) if score.waits_for_word() => "manual",
        (None, Assessment::Manual) => "manual",
        _ if alone => "not_covered",
        _ => "unknown",
    }
}

fn requirement(
    one: &Requirement,
    score: Option<&RequirementScore>,
    controls: Vec<ControlView>,
    words: &Words,
) -> RequirementView {
    let manual = matches!(one.assessment, Assessment::Manual | Assessment::Partial);
    let standing = standing(one.assessment, score, controls.is_empty());
    let attestation = |one: &Attestation| AttestationView {
        by: one.by.clone(),
        reason: one.reason.clone(),
        evidence: one.evidence.clone(),
        expires_us: one.expires.as_microsecond(),
    };
    let failing = score.map(|one| one.failing.as_slice()).unwrap_or_default();
    let counts = score.map(|one| one.counts).unwrap_or_default();
    RequirementView {
        id: one.id.value.clone(),
        title: one.title.value.clone(),
        note: one.note.as_ref().map(|note| note.value.clone()),
        level: one.level,
        manual,
        aws: false,
        aws_part: None,
        standing,
        attested: score.is_some_and(|one| one.attested),
        attestation: score.and_then(|one| one.attestation.as_ref()).map(attestation),
        why: score
            .map(|one| yagura_report::why_unknown(words, one, REASONS_MAX))
            .unwrap_or_default(),
        failing_more: counts.fail.saturating_sub(failing.len() as u64),
        failing: failing
            .iter()
            .map(|one| FailingView {
                href: links::resource(&one.key),
                name: if one.name.is_empty() { one.key.clone() } else { one.name.clone() },
                account: one.account.clone(),
                region: one.region.clone(),
                severity: one.severity.as_str(),
            })
            .collect(),
        counts,
        controls,
    }
}

async fn trend(console: &Console, viewer: &Viewer, id: &str) -> Result<Vec<Point>, StoreError> {
    // Within a scope every point is worked out anew from its whole score: fewer of them.
    let limit = if viewer.scope == Scope::All { SCANS } else { 8 };
    let points = console.store().scores(viewer.scope.clone()).trend(id, limit).await?;
    let point = |one: yagura_store::scores::ScorePoint| {
        let local = one.started.to_zoned(viewer.zone.clone());
        let n = one.states.percent_met().filter(|_| one.whole);
        Point { label: local.strftime("%m-%d").to_string(), n }
    };
    Ok(points.into_iter().map(point).collect())
}

async fn accounts(
    console: &Console,
    scores: &[yagura_model::AccountScore],
) -> Result<Vec<AccountView>, StoreError> {
    let names: HashMap<String, String> =
        console.store().accounts().await?.into_iter().map(|one| (one.id, one.name)).collect();
    let view = |one: &yagura_model::AccountScore| AccountView {
        href: links::account(&one.account),
        id: one.account.clone(),
        name: names.get(&one.account).cloned().unwrap_or_default(),
        percent: one.states.percent_met(),
        bar: state_bar(&one.states),
        states: one.states,
    };
    let mut views: Vec<AccountView> = scores.iter().map(view).collect();
    views.sort_by(|a, b| (a.percent, &a.id).cmp(&(b.percent, &b.id)));
    Ok(views)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_a_person_is_manual_and_what_nobody_serves_not_covered() {
        let check = |assessment, alone, expected: &str| {
            assert_eq!(standing(assessment, None, alone), expected, "{assessment:?} {alone}");
        };
        check(Assessment::Manual, true, "manual");
        check(Assessment::Automated, true, "not_covered");
        check(Assessment::Automated, false, "unknown");
        check(Assessment::NotCovered, true, "not_covered");
    }
}
