//! One control: what it wants and why, how to mend a failure, how it stands and stood, and which
//! resources fail, cannot be judged, or are accepted.
//! Paging over verdicts is in `verdicts.rs`.

use axum::Extension;
use axum::extract::{Path, State};
use axum_extra::extract::Query;
use serde::Serialize;
use yagura_content::Content;
use yagura_content::format::{Control, Steps};
use yagura_model::{Lang, Prose, Verdict, VerdictCounts, VerdictStatus};
use yagura_report::{Words, words};
use yagura_store::ControlDay;

use super::list::{Counts, Part, exceptions, severity_of};
use super::verdicts::{Show, verdicts};
use crate::fault::{Answer, Fault};
use crate::layout::links;
use crate::layout::{Nav, Shown, page};
use crate::pages::standing::{Standing, add};
use crate::state::Console;
use crate::viewer::Viewer;

/// Scans of the history.
const SCANS: usize = 40;
/// Characters of a shown value.
const VALUE_CHARS: usize = 200;

#[derive(Serialize)]
struct ControlView {
    id: String,
    why: Prose,
    type_name: String,
    types_href: String,
    severity: &'static str,
    severity_set: bool,
    guidance: &'static str,
    responsible: &'static str,
    enabled: bool,
    console: Vec<String>,
    snippets: Vec<(&'static str, String)>,
    parameters: Vec<ParameterView>,
    maps: Vec<MapView>,
    references: Vec<String>,
    when: Option<String>,
    require: String,
    counts: Counts,
    judged_us: Option<i64>,
    show: &'static str,
    rows: Vec<VerdictRow>,
    first: bool,
    next: Option<String>,
    exceptions: Vec<ExceptionView>,
    days: Vec<Day>,
}

#[derive(Serialize)]
struct ParameterView {
    name: String,
    meaning: Prose,
    default: String,
    set: Option<String>,
}

#[derive(Serialize)]
struct MapView {
    framework: String,
    title: Option<Prose>,
    requirements: Vec<(String, String)>,
}

#[derive(Serialize)]
struct VerdictRow {
    href: String,
    name: String,
    key: String,
    account: String,
    account_href: String,
    region: String,
    evidence: Vec<(String, String)>,
    why: String,
    accepted: Option<(String, String, i64)>,
    listing: bool,
}

#[derive(Serialize)]
struct ExceptionView {
    owner: String,
    reason: String,
    expires_us: i64,
    over: bool,
    covers: Vec<String>,
}

/// How the control stood in one scan.
#[derive(Serialize)]
struct Day {
    scan: i64,
    at_us: i64,
    label: String,
    counts: Counts,
    parts: Vec<Part>,
}

pub(crate) async fn control(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let content = console.content();
    let control = content.controls.get(&id).cloned().ok_or(Fault::NotFound)?;
    let standing = Standing::now(&console).await?;
    let show = Show::of(&links::value(&pairs, "show"));
    let after = links::value(&pairs, "after");
    let scans = standing.within(&viewer.scope);
    let (found, next) = verdicts(console.store(), &scans, &id, show, &after).await?;
    let days = console.store().control_days(&id, SCANS).await?;
    let words = words(viewer.lang);
    let known = standing.controls(&viewer.scope);
    let Control { fix, .. } = control.as_ref();
    let view = ControlView {
        why: control.why.value.clone(),
        type_name: control.type_name.value.clone(),
        types_href: format!("/resources?type={}", links::encoded(&control.type_name.value)),
        severity: severity_of(&content, &control).as_str(),
        severity_set: content.site.selection.severity.contains_key(&id),
        guidance: control.guidance.as_str(),
        responsible: control.responsible.as_str(),
        enabled: content.site.selection.enables(&id),
        console: steps(&fix.console.value, viewer.lang),
        snippets: snippets(&control),
        parameters: parameters(&content, &control),
        maps: maps(&content, &control),
        references: control.references.iter().map(|one| one.value.clone()).collect(),
        when: control.when.as_ref().map(|one| one.source().to_owned()),
        require: control.require.source().to_owned(),
        counts: known.get(id.as_str()).map(Counts::of).unwrap_or_default(),
        judged_us: standing.scans.first().map(|one| one.scan.start.started.as_microsecond()),
        show: show.as_str(),
        rows: found.into_iter().map(|one| verdict_row(one, words)).collect(),
        first: after.is_empty(),
        next,
        exceptions: exception_views(&content, &console, &viewer, &id),
        days: days.iter().map(|day| day_view(day, &viewer)).collect(),
        id,
    };
    let title = control.title.value.get(viewer.lang).to_owned();
    let path = links::control(&view.id);
    let shown = Shown {
        template: "control.html",
        nav: Nav::Controls,
        title: &title,
        path: &path,
        query: &pairs,
        page: view,
    };
    page(&console, &viewer, shown)
}

fn steps(steps: &Steps, lang: Lang) -> Vec<String> {
    match lang {
        Lang::En => steps.en.clone(),
        Lang::Ja => steps.ja.clone(),
    }
}

fn snippets(control: &Control) -> Vec<(&'static str, String)> {
    let fix = &control.fix;
    let mut snippets = vec![("cli", fix.cli.value.clone())];
    snippets.extend(fix.cloudformation.iter().map(|one| ("cloudformation", one.value.clone())));
    snippets.extend(fix.terraform.iter().map(|one| ("terraform", one.value.clone())));
    snippets.retain(|(_, text)| !text.trim().is_empty());
    snippets
}

fn parameters(content: &Content, control: &Control) -> Vec<ParameterView> {
    let set = content.site.parameters.get(&control.id);
    let view = |(name, parameter): (&String, &yagura_content::format::Parameter)| ParameterView {
        name: name.clone(),
        meaning: Prose { en: parameter.en.clone(), ja: parameter.ja.clone() },
        default: parameter.default.to_string(),
        set: set.and_then(|set| set.get(name)).map(ToString::to_string),
    };
    control.parameters.iter().map(view).collect()
}

/// Frameworks that are known first, with links to their requirements; other catalogs by name.
fn maps(content: &Content, control: &Control) -> Vec<MapView> {
    let view = |(catalog, ids): (&String, &Vec<String>)| {
        let known = content.frameworks.get(catalog);
        let href = |id: &str| match known {
            Some(_) => format!("{}#r-{}", links::framework(catalog), links::encoded(id)),
            None => String::new(),
        };
        MapView {
            framework: catalog.clone(),
            title: known.map(|framework| framework.title.value.clone()),
            requirements: ids.iter().map(|id| (id.clone(), href(id))).collect(),
        }
    };
    let mut views: Vec<MapView> = content.requirements_of(&control.id).iter().map(view).collect();
    views.sort_by_key(|one| one.title.is_none());
    views
}

fn verdict_row(verdict: Verdict, words: &Words) -> VerdictRow {
    let why = match verdict.status {
        VerdictStatus::Unknown => yagura_report::why_verdict_unknown(words, &verdict),
        _ => String::new(),
    };
    // The verdict on a listing that could not be read is on no resource.
    let listing = verdict.name.is_empty();
    VerdictRow {
        href: if listing { String::new() } else { links::resource(&verdict.key) },
        account_href: links::account(&verdict.account),
        evidence: verdict.evidence.iter().map(|(path, value)| (path.clone(), cut(value))).collect(),
        why,
        accepted: verdict
            .exception
            .map(|one| (one.owner, one.reason, one.expires.as_microsecond())),
        name: verdict.name,
        key: verdict.key,
        account: verdict.account,
        region: verdict.region,
        listing,
    }
}

fn cut(value: &serde_json::Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE_CHARS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

fn exception_views(
    content: &Content,
    console: &Console,
    viewer: &Viewer,
    control: &str,
) -> Vec<ExceptionView> {
    let now = console.now();
    let rules = exceptions(content, control, viewer).into_iter();
    let view = |rule: &yagura_content::format::ExceptionRule| {
        let accounts = rule.accounts.iter().filter(|one| viewer.scope.admits(one)).cloned();
        let tags = rule.tags.iter().map(|(key, value)| format!("{key}={value}"));
        ExceptionView {
            owner: rule.owner.value.clone(),
            reason: rule.reason.value.clone(),
            expires_us: rule.expires.0.as_microsecond(),
            over: rule.expires.0 <= now,
            covers: accounts
                .chain(rule.regions.iter().cloned())
                .chain(rule.resources.iter().cloned())
                .chain(tags)
                .collect(),
        }
    };
    rules.map(view).collect()
}

fn day_view(day: &ControlDay, viewer: &Viewer) -> Day {
    let mut counts = VerdictCounts::default();
    for count in day.counts.iter().filter(|one| viewer.scope.admits(&one.account)) {
        add(&mut counts, count);
    }
    let counts = Counts::of(&counts);
    let local = day.started.to_zoned(viewer.zone.clone());
    Day {
        scan: day.scan.0,
        at_us: day.started.as_microsecond(),
        label: local.strftime("%m-%d").to_string(),
        counts,
        parts: counts.bar(),
    }
}
