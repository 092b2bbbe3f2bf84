//! How things stand: accounts, controls, frameworks with their scores, scans, coverage.
//! Verdicts are judge's; here they are told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use yagura_model::{Coverage, CoverageState, StateCounts, VerdictCounts};
use yagura_store::{Scan, ScanId};

use super::endpoint::{Endpoints, Nothing, Reader, Said};
use super::findings::{Text, limit};
use super::resources::UnreadView;
use crate::fault::Fault;
use crate::viewer::{Permission, Role};

/// Scans of an answer at most.
const SCANS_MAX: u16 = 200;
/// Lines of coverage at most.
const COVERAGE_MAX: u16 = 2_000;
/// Scores of a trend at most.
const TREND_MAX: u16 = 400;

pub(super) fn register(all: Endpoints) -> Endpoints {
    let with = |permission| {
        move |path, id, summary| Said { path, role: Role::Viewer, permission, id, summary }
    };
    let inventory = with(Permission::ResourcesRead);
    let read = with(Permission::FindingsRead);
    all.get(inventory("/accounts", "listAccounts", "The accounts that were ever scanned"), accounts)
        .get(inventory("/controls", "listControls", "The controls in force"), controls)
        .get(inventory("/controls/{id}", "getControl", "A control with its prose"), control)
        .get(
            read("/frameworks", "listFrameworks", "Frameworks with their newest scores"),
            frameworks,
        )
        .get(
            read("/frameworks/{id}", "getFramework", "Every requirement of a framework"),
            framework,
        )
        .get(read("/frameworks/{id}/trend", "frameworkTrend", "How a score went"), trend)
        .get(inventory("/scans", "listScans", "Scans, the newest first"), scans)
        .get(
            inventory("/coverage", "listCoverage", "What was listed, and what could not be"),
            coverage,
        )
}

/// An account.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct AccountView {
    id: String,
    name: String,
    /// The path of organizational units.
    ou: String,
}

/// Accounts by their ids.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct AccountsView {
    items: Vec<AccountView>,
}

async fn accounts(reader: Reader, _asked: Nothing) -> Result<AccountsView, Fault> {
    let accounts = reader.console.store().accounts().await?;
    let own = accounts.into_iter().filter(|one| reader.viewer.scope.admits(&one.id));
    let items = own.map(|one| AccountView { id: one.id, name: one.name, ou: one.ou });
    Ok(AccountsView { items: items.collect() })
}

/// A control.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ControlView {
    id: String,
    title: Text,
    severity: String,
    /// The type that it judges.
    resource_type: String,
}

/// Controls by their ids.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ControlsView {
    items: Vec<ControlView>,
}

async fn controls(reader: Reader, _asked: Nothing) -> Result<ControlsView, Fault> {
    let content = reader.console.content();
    let items = content.controls.values().map(|control| ControlView {
        id: control.id.clone(),
        title: (&control.title.value).into(),
        severity: control.severity.as_str().to_owned(),
        resource_type: control.type_name.value.clone(),
    });
    Ok(ControlsView { items: items.collect() })
}

/// Something by its id.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdAsked {
    /// Its id.
    pub(crate) id: String,
}

/// Steps in both languages.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct StepsView {
    en: Vec<String>,
    ja: Vec<String>,
}

/// A control with its prose.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ControlWhole {
    #[serde(flatten)]
    control: ControlView,
    why: Text,
    /// How to mend it in the AWS console, step by step.
    fix: StepsView,
    /// Where to read on.
    references: Vec<String>,
    /// Ids of frameworks' requirements that it serves, as `framework/requirement`.
    requirements: Vec<String>,
}

async fn control(reader: Reader, asked: IdAsked) -> Result<ControlWhole, Fault> {
    let content = reader.console.content();
    let control = content.controls.get(asked.id.as_str()).ok_or(Fault::NotFound)?;
    let maps = control.maps.iter();
    let requirements = maps
        .flat_map(|(framework, ids)| ids.iter().map(move |id| format!("{framework}/{}", id.value)));
    Ok(ControlWhole {
        control: ControlView {
            id: control.id.clone(),
            title: (&control.title.value).into(),
            severity: control.severity.as_str().to_owned(),
            resource_type: control.type_name.value.clone(),
        },
        why: (&control.why.value).into(),
        fix: StepsView {
            en: control.fix.console.value.en.clone(),
            ja: control.fix.console.value.ja.clone(),
        },
        references: control.references.iter().map(|one| one.value.clone()).collect(),
        requirements: requirements.collect(),
    })
}

/// How many requirements are in each state.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(crate) struct StatesView {
    met: u64,
    partly: u64,
    not_met: u64,
    unknown: u64,
    not_applicable: u64,
    /// Met, in whole percent of those that apply; unknown ones stay in the denominator.
    percent_met: Option<u64>,
}

impl From<&StateCounts> for StatesView {
    fn from(states: &StateCounts) -> Self {
        Self {
            met: states.met,
            partly: states.partly,
            not_met: states.not_met,
            unknown: states.unknown,
            not_applicable: states.not_applicable,
            percent_met: states.percent_met(),
        }
    }
}

/// How many verdicts of each kind.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(crate) struct VerdictsView {
    pass: u64,
    fail: u64,
    /// Failures with an exception in force; neither in `pass` nor in `fail`.
    excepted: u64,
    not_applicable: u64,
    unknown: u64,
}

impl From<&VerdictCounts> for VerdictsView {
    fn from(counts: &VerdictCounts) -> Self {
        Self {
            pass: counts.pass,
            fail: counts.fail,
            excepted: counts.excepted,
            not_applicable: counts.not_applicable,
            unknown: counts.unknown,
        }
    }
}

/// A framework with its newest score.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct FrameworkView {
    id: String,
    title: Text,
    version: String,
    /// When the scan began that the score is of; null where there is none.
    scored: Option<String>,
    states: Option<StatesView>,
    verdicts: Option<VerdictsView>,
}

/// Frameworks by their ids.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct FrameworksView {
    items: Vec<FrameworkView>,
}

async fn frameworks(reader: Reader, _asked: Nothing) -> Result<FrameworksView, Fault> {
    let scores = reader.console.store().scores(reader.viewer.scope.clone()).newest().await?;
    let content = reader.console.content();
    let items = content.frameworks.values().map(|framework| {
        let score = scores.iter().find(|score| score.framework == framework.id);
        FrameworkView {
            id: framework.id.clone(),
            title: (&framework.title.value).into(),
            version: framework.version.clone(),
            scored: score.map(|score| score.started.to_string()),
            states: score.map(|score| (&score.states).into()),
            verdicts: score.map(|score| (&score.counts).into()),
        }
    });
    Ok(FrameworksView { items: items.collect() })
}

/// A requirement and how well it is met.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct RequirementView {
    id: String,
    title: Option<Text>,
    /// met, partly, not_met, unknown, not_applicable.
    state: String,
    /// Whether the state rests on an attestation.
    attested: bool,
    verdicts: VerdictsView,
    controls: Vec<String>,
}

/// A framework with its requirements.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct FrameworkWhole {
    id: String,
    title: Text,
    scan: i64,
    scored: String,
    states: StatesView,
    requirements: Vec<RequirementView>,
}

pub(crate) async fn framework(reader: Reader, asked: IdAsked) -> Result<FrameworkWhole, Fault> {
    let content = reader.console.content();
    let framework = content.frameworks.get(asked.id.as_str()).ok_or(Fault::NotFound)?;
    let scores = reader.console.store().scores(reader.viewer.scope.clone());
    let found = scores.latest(&asked.id).await?.ok_or(Fault::NotFound)?;
    let requirements = found.score.requirements.iter().map(|one| {
        let mut known = framework.requirements.iter();
        let known = known.find(|requirement| requirement.id.as_str() == one.id);
        RequirementView {
            id: one.id.clone(),
            title: known.map(|requirement| (&requirement.title.value).into()),
            state: one.state.as_str().to_owned(),
            attested: one.attested,
            verdicts: (&one.counts).into(),
            controls: one.controls.clone(),
        }
    });
    Ok(FrameworkWhole {
        id: framework.id.clone(),
        title: (&framework.title.value).into(),
        scan: found.scan.0,
        scored: found.started.to_string(),
        states: (&found.score.states).into(),
        requirements: requirements.collect(),
    })
}

/// Which framework, and how far back.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrendAsked {
    /// The framework's id.
    id: String,
    /// How many scans, at most 400; 30 where nothing is said.
    #[serde(default)]
    limit: Option<u16>,
}

/// A score of one scan.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct PointView {
    scan: i64,
    started: String,
    states: StatesView,
    verdicts: VerdictsView,
    /// Whether the scan spoke of nearly everything: only such scans can be compared.
    whole: bool,
}

/// Scores, the oldest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct TrendView {
    items: Vec<PointView>,
}

async fn trend(reader: Reader, asked: TrendAsked) -> Result<TrendView, Fault> {
    let content = reader.console.content();
    content.frameworks.get(asked.id.as_str()).ok_or(Fault::NotFound)?;
    let limit = limit(asked.limit, 30, TREND_MAX)?;
    let scores = reader.console.store().scores(reader.viewer.scope.clone());
    let points = scores.trend(&asked.id, limit).await?;
    let items = points.iter().map(|point| PointView {
        scan: point.scan.0,
        started: point.started.to_string(),
        states: (&point.states).into(),
        verdicts: (&point.counts).into(),
        whole: point.whole,
    });
    Ok(TrendView { items: items.collect() })
}

/// How many.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitAsked {
    /// How many, at most 200; 20 where nothing is said.
    #[serde(default)]
    pub(crate) limit: Option<u16>,
}

/// A scan.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ScanView {
    id: i64,
    started: String,
    finished: Option<String>,
    /// running, complete, interrupted, failed.
    state: String,
    /// The accounts of yours that it read.
    accounts: Vec<String>,
    regions: Vec<String>,
    controls: u64,
    /// Whether it read every attribute.
    full: bool,
    /// Resources in all of its accounts; null where some are not yours.
    resources: Option<u64>,
}

/// Scans, the newest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ScansView {
    items: Vec<ScanView>,
}

async fn scans(reader: Reader, asked: LimitAsked) -> Result<ScansView, Fault> {
    let limit = limit(asked.limit, 20, SCANS_MAX)?;
    let scope = &reader.viewer.scope;
    let view = |scan: Scan| {
        let all = scan.start.accounts.len();
        let own = scan.start.accounts.into_iter().map(|one| one.id);
        let own: Vec<String> = own.filter(|id| scope.admits(id)).collect();
        ScanView {
            id: scan.id.0,
            started: scan.start.started.to_string(),
            finished: scan.finished.map(|time| time.to_string()),
            state: scan.state.as_str().to_owned(),
            resources: (own.len() == all).then_some(scan.resources),
            accounts: own,
            regions: scan.start.regions,
            controls: u64::try_from(scan.start.controls.len()).unwrap_or_default(),
            full: scan.start.full,
        }
    };
    let scans = reader.console.store().scans(limit).await?;
    Ok(ScansView { items: scans.into_iter().map(view).collect() })
}

/// Of which scan, and which part.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CoverageAsked {
    /// The scan's number; the newest where nothing is said.
    pub(crate) scan: Option<i64>,
    /// Accounts, twelve digits.
    pub(crate) account: Vec<String>,
    /// Types of resources.
    pub(crate) resource_type: Vec<String>,
    /// Only what was not listed whole.
    pub(crate) gaps: bool,
    /// How many lines, at most 2,000; 500 where nothing is said.
    pub(crate) limit: Option<u16>,
    /// How many lines to leave out first.
    pub(crate) after: Option<usize>,
}

/// What became of listing a type in an account and region.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct CoverageLine {
    account: String,
    region: String,
    resource_type: String,
    /// complete, partial, unread.
    state: String,
    count: u64,
    /// Why it is not whole.
    unread: Option<UnreadView>,
}

/// A page of coverage.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct CoverageView {
    /// The scan; null where there was none yet.
    scan: Option<i64>,
    items: Vec<CoverageLine>,
    next: Option<String>,
    /// Lines on all pages.
    total: u64,
}

pub(crate) async fn coverage(reader: Reader, asked: CoverageAsked) -> Result<CoverageView, Fault> {
    let limit = limit(asked.limit, 500, COVERAGE_MAX)?;
    let store = reader.console.store();
    let scan = match asked.scan {
        Some(number) => Some(ScanId(number)),
        None => store.latest_scan().await?.map(|scan| scan.id),
    };
    let Some(scan) = scan else {
        return Ok(CoverageView { scan: None, items: Vec::new(), next: None, total: 0 });
    };
    let lines = store.coverage(scan).await.map_err(|error| match error {
        yagura_store::StoreError::UnknownScan(_) | yagura_store::StoreError::ScanPruned(_) => {
            Fault::NotFound
        }
        error => error.into(),
    })?;
    let among = |list: &[String], value: &str| list.is_empty() || list.iter().any(|x| x == value);
    let wanted = |one: &&Coverage| {
        reader.viewer.scope.admits(&one.account)
            && among(&asked.account, &one.account)
            && among(&asked.resource_type, &one.type_name)
            && !(asked.gaps && one.state == CoverageState::Complete)
    };
    let found: Vec<&Coverage> = lines.iter().filter(wanted).collect();
    let offset = asked.after.unwrap_or_default();
    let items = found.iter().skip(offset).take(limit).map(|one| CoverageLine {
        account: one.account.clone(),
        region: one.region.clone(),
        resource_type: one.type_name.clone(),
        state: match &one.state {
            CoverageState::Complete => "complete",
            CoverageState::Partial(_) => "partial",
            CoverageState::Unread(_) => "unread",
        }
        .to_owned(),
        count: one.count,
        unread: one.state.unread().map(Into::into),
    });
    let items: Vec<CoverageLine> = items.collect();
    let end = offset.saturating_add(items.len());
    Ok(CoverageView {
        scan: Some(scan.0),
        items,
        next: (end < found.len()).then(|| reader.next(end)),
        total: u64::try_from(found.len()).unwrap_or_default(),
    })
}
