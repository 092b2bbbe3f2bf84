//! One control on one resource: pass, fail, not applicable or unknown.
//! What else is in the scan is in `snapshot.rs`; the expression language is content's.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use yagura_content::Content;
use yagura_content::expression::{
    Decided, Env, Facts, Listing, Neighbors, PathSet, Program, Root, Source,
};
use yagura_content::format::{Control, Expression};
use yagura_model::{
    Coverage, Exception, OTHER_ACCOUNTS, Path, Resource, Severity, Truth, Unread, UnreadReason,
    Verdict, VerdictStatus,
};

use super::evidence::{Shown, evidence, shown};
use super::exceptions::Exceptions;
use super::needs::{FactNames, Needs};
use super::selection::Selection;
use super::snapshot::Snapshot;

/// Unread parts named by one verdict: enough to act on, few enough to stay small.
const UNREAD_MAX: usize = 4;
/// Characters of a problem's text.
const PROBLEM_MAX: usize = 200;

/// How to judge.
#[derive(Clone, Debug)]
pub struct JudgeOptions {
    /// The time of the scan, against which ages and expiries are measured.
    pub now: Timestamp,
    /// Controls to judge with, as ids or patterns (`s3.*`); empty for all that the site has not
    /// switched off.
    pub controls: Vec<String>,
    /// What is known of the accounts, by id: the members of `account` in an expression (`name`,
    /// `ou`, `management`, `tags`). Of an account that is not here only its id is known.
    pub accounts: BTreeMap<String, AccountKnown>,
}

impl JudgeOptions {
    /// All controls, nothing known of the accounts.
    pub fn at(now: Timestamp) -> Self {
        Self { now, controls: Vec::new(), accounts: BTreeMap::new() }
    }
}

/// What is known of one account.
#[derive(Clone, Debug)]
pub struct AccountKnown {
    /// A map: `id`, `name`, `ou`, `management`, `tags`.
    pub value: Value,
    /// Members that could not be read; paths start at the map.
    pub unread: Vec<Unread>,
}

impl AccountKnown {
    /// Only its id is known.
    fn only_id(account: &str) -> Self {
        let unread = ["name", "ou", "management", "tags"]
            .map(|member| Unread::of(Path::of_keys([member]), UnreadReason::NotRequested));
        Self { value: json!({"id": account}), unread: unread.into() }
    }
}

/// Controls made ready to judge with. Compile once, judge from many threads.
#[derive(Debug)]
pub struct Judge<'c> {
    now: Timestamp,
    accounts: BTreeMap<String, AccountKnown>,
    types: HashMap<&'c str, TypeControls<'c>>,
    needs: Needs,
}

/// The controls of one type, and the facts they ask of the resource itself.
#[derive(Debug, Default)]
struct TypeControls<'c> {
    controls: Vec<Ready<'c>>,
    facts: FactNames,
}

#[derive(Debug)]
struct Ready<'c> {
    control: &'c Control,
    when: Option<&'c Program>,
    require: &'c Program,
    severity: Severity,
    parameters: Value,
    evidence: Vec<Shown>,
    exceptions: Exceptions<'c>,
}

/// A verdict that still borrows: what a pass costs next to nothing.
#[derive(Debug)]
pub struct Judged<'a> {
    /// The control.
    pub control: &'a Control,
    /// Its severity, after the site's overrides.
    pub severity: Severity,
    /// The outcome.
    pub status: VerdictStatus,
    /// The values that decided; only for a failure or an unknown.
    pub evidence: Vec<(String, Value)>,
    /// What was unread and so decided; empty unless unknown.
    pub unread: Vec<Unread>,
    /// The exception in force; only for a failure.
    pub exception: Option<Exception>,
}

impl Judged<'_> {
    /// The verdict about a resource, as it is stored and shown.
    pub fn into_verdict(self, resource: &Resource) -> Verdict {
        Verdict {
            control: self.control.id.clone(),
            status: self.status,
            severity: self.severity,
            key: resource.key.clone(),
            type_name: resource.type_name.clone(),
            account: resource.account.clone(),
            region: resource.region.clone(),
            name: resource.name.clone(),
            evidence: self.evidence,
            unread: self.unread,
            exception: self.exception,
        }
    }
}

impl<'c> Judge<'c> {
    /// Makes the controls ready that are selected: by the site, then by the options.
    pub fn new(content: &'c Content, options: JudgeOptions) -> Self {
        let selection = Selection::new(&content.site, &options.controls);
        let selected = content.controls.values().filter(|control| selection.takes(&control.id));
        let ready = selected.map(|control| {
            let set = content.site.parameters.get(&control.id);
            Ready::new(content, control, control.parameter_values(set), options.now)
        });
        Self::of(content, ready, options.now, options.accounts)
    }

    /// One control alone, with the parameters and the account of a case.
    pub(crate) fn of_case(
        content: &'c Content,
        control: &'c Control,
        parameters: Value,
        now: Timestamp,
        accounts: BTreeMap<String, AccountKnown>,
    ) -> Self {
        let ready = Ready::new(content, control, parameters, now);
        Self::of(content, std::iter::once(ready), now, accounts)
    }

    fn of(
        content: &'c Content,
        controls: impl Iterator<Item = Ready<'c>>,
        now: Timestamp,
        accounts: BTreeMap<String, AccountKnown>,
    ) -> Self {
        let relation = |of: &str, name: &str| relation_types(content, of, name);
        let mut types: HashMap<&str, TypeControls<'_>> = HashMap::new();
        let mut needs = Needs::default();
        for ready in controls {
            let type_name = ready.control.type_name.as_str();
            let group = types.entry(type_name).or_default();
            for program in ready.when.into_iter().chain([ready.require]) {
                needs.note(type_name, program.reads(), &relation);
                for (source, paths) in program.reads().sources() {
                    if *source == Source::Root(Root::Resource) {
                        paths.iter().for_each(|path| group.facts.note(path));
                    }
                }
            }
            group.controls.push(ready);
        }
        Self { now, accounts, types, needs }
    }

    /// The controls that speak about a type.
    pub fn controls_for(&self, type_name: &str) -> impl Iterator<Item = &'c Control> + '_ {
        self.types.get(type_name).into_iter().flat_map(|group| &group.controls).map(|r| r.control)
    }

    /// The ids of all controls that are judged, in order.
    pub fn controls(&self) -> Vec<&'c str> {
        let ready = self.types.values().flat_map(|group| &group.controls);
        let mut ids: Vec<&str> = ready.map(|ready| ready.control.id.as_str()).collect();
        ids.sort_unstable();
        ids
    }

    /// What must be kept of other resources while judging; see [`Snapshot::new`].
    pub fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Judges one resource with every control of its type.
    pub fn judge(&self, resource: &Resource, snapshot: &Snapshot, verdicts: &mut Vec<Verdict>) {
        self.judge_each(resource, snapshot, |judged| verdicts.push(judged.into_verdict(resource)));
    }

    /// Judges one resource, and hands each outcome on as it comes.
    pub fn judge_each(
        &self,
        resource: &Resource,
        snapshot: &Snapshot,
        each: impl FnMut(Judged<'_>),
    ) {
        self.judge_given(resource, None, snapshot, each);
    }

    /// Judges one resource of which a case states some facts.
    pub(crate) fn judge_given(
        &self,
        resource: &Resource,
        given: Option<&Map<String, Value>>,
        snapshot: &Snapshot,
        mut each: impl FnMut(Judged<'_>),
    ) {
        let Some(group) = self.types.get(resource.type_name.as_str()) else { return };
        let view = View { snapshot, resource, wanted: &group.facts, given, facts: OnceCell::new() };
        let only_id;
        let account = if let Some(known) = self.accounts.get(&resource.account) {
            known
        } else {
            only_id = AccountKnown::only_id(&resource.account);
            &only_id
        };
        let mut env = Env::control(resource, &view, self.now).bind_unread(
            Root::Account,
            &account.value,
            &account.unread,
        );
        for ready in &group.controls {
            env = env.bind(Root::Parameters, &ready.parameters);
            let (status, decided) = ready.decide(&env);
            each(ready.judged(status, decided, resource, &view));
        }
    }

    /// The unknown verdicts that a listing leaves which was not read whole: one per control. What
    /// AWS does not offer in a region leaves none, for there is nothing to judge; nor what the
    /// scan was told to leave out, for nobody asked.
    pub fn unlisted(&self, coverage: &Coverage) -> Vec<Verdict> {
        use UnreadReason::{NotRequested, Unsupported};
        let counts = |unread: &&Unread| !matches!(unread.reason, NotRequested | Unsupported);
        let Some(unread) = coverage.state.unread().filter(counts) else { return Vec::new() };
        if coverage.account == OTHER_ACCOUNTS {
            return Vec::new();
        }
        let Some(group) = self.types.get(coverage.type_name.as_str()) else { return Vec::new() };
        let Coverage { account, region, type_name, .. } = coverage;
        let verdict = |ready: &Ready<'_>| Verdict {
            control: ready.control.id.clone(),
            status: VerdictStatus::Unknown,
            severity: ready.severity,
            key: format!("{account}/{region}/{type_name}"),
            type_name: type_name.clone(),
            account: account.clone(),
            region: region.clone(),
            name: String::new(),
            evidence: Vec::new(),
            unread: vec![unread.clone()],
            exception: None,
        };
        group.controls.iter().map(verdict).collect()
    }
}

/// The types that a relation of a type leads to.
fn relation_types(content: &Content, type_name: &str, relation: &str) -> Vec<String> {
    let Some(definition) = content.resources.get(type_name) else { return Vec::new() };
    let list = definition.list.iter().map(|block| &block.attributes);
    let lookups = definition.lookups.iter().map(|block| &block.attributes);
    let details = definition.details.iter().map(|block| &block.attributes);
    list.chain(lookups)
        .chain(details)
        .flat_map(|attributes| &attributes.relations)
        .filter(|(name, _)| *name == relation)
        .map(|(_, mapping)| mapping.type_name.value.clone())
        .collect()
}

impl<'c> Ready<'c> {
    fn new(content: &'c Content, control: &'c Control, parameters: Value, now: Timestamp) -> Self {
        let overridden = content.site.selection.severity.get(&control.id);
        Self {
            control,
            when: control.when.as_ref().map(Expression::program),
            require: control.require.program(),
            severity: overridden.copied().unwrap_or(control.severity),
            parameters,
            evidence: shown(evidence_paths(control)),
            exceptions: Exceptions::of(&content.site, &control.id, now),
        }
    }

    fn decide<'a>(&'a self, env: &Env<'a>) -> (VerdictStatus, Decided) {
        if let Some(when) = self.when {
            match when.truth(env) {
                (Truth::True, _) => {}
                (Truth::False, _) => return (VerdictStatus::NotApplicable, Decided::default()),
                (Truth::Unknown, decided) => return (VerdictStatus::Unknown, decided),
            }
        }
        match self.require.truth(env) {
            (Truth::True, _) => (VerdictStatus::Pass, Decided::default()),
            (Truth::False, _) => (VerdictStatus::Fail, Decided::default()),
            (Truth::Unknown, decided) => (VerdictStatus::Unknown, decided),
        }
    }

    fn judged<'a>(
        &self,
        status: VerdictStatus,
        decided: Decided,
        resource: &Resource,
        view: &View<'a>,
    ) -> Judged<'c> {
        let shows = matches!(status, VerdictStatus::Fail | VerdictStatus::Unknown);
        let fails = status == VerdictStatus::Fail;
        Judged {
            control: self.control,
            severity: self.severity,
            status,
            evidence: if shows {
                evidence(resource, &self.evidence, view.known_facts())
            } else {
                Vec::new()
            },
            unread: named(decided),
            exception: fails.then(|| self.exceptions.for_resource(resource)).flatten(),
        }
    }
}

/// What the control says it shows, else what `require` reads of the resource.
fn evidence_paths(control: &Control) -> Vec<Path> {
    if !control.show.is_empty() {
        return control.show.iter().map(|path| path.value.clone()).collect();
    }
    match control.require.program().paths(Root::Resource.as_str()) {
        PathSet::All => Vec::new(),
        PathSet::Paths(paths) => paths.into_iter().collect(),
    }
}

/// The unread parts that decided, and problems of the evaluation as failed parts.
fn named(decided: Decided) -> Vec<Unread> {
    let mut named: Vec<Unread> = Vec::new();
    for unread in decided.unread {
        if !named.contains(&unread) {
            named.push(unread);
        }
    }
    for problem in decided.problems {
        let detail = problem.chars().take(PROBLEM_MAX).collect();
        named.push(Unread { detail, ..Unread::of(Path::default(), UnreadReason::Failed) });
    }
    named.truncate(UNREAD_MAX);
    named
}

/// The neighbors of one resource while it is judged: the snapshot, and its own facts.
struct View<'a> {
    snapshot: &'a Snapshot,
    resource: &'a Resource,
    wanted: &'a FactNames,
    /// Facts that a case states instead of having them worked out.
    given: Option<&'a Map<String, Value>>,
    facts: OnceCell<yagura_analyze::Facts>,
}

impl View<'_> {
    /// The resource's own facts, if something has asked for them.
    fn known_facts(&self) -> Option<Facts<'_>> {
        self.facts.get().map(|facts| Facts { value: &facts.values, unread: &facts.unread })
    }
}

impl Neighbors for View<'_> {
    fn in_account(&self, resource: &Resource, type_name: &str) -> Listing<'_> {
        self.snapshot.account_listing(&resource.account, type_name)
    }

    fn in_region(&self, resource: &Resource, type_name: &str) -> Listing<'_> {
        self.snapshot.region_listing(&resource.account, &resource.region, type_name)
    }

    fn in_organization(&self, type_name: &str) -> Listing<'_> {
        self.snapshot.organization_listing(type_name)
    }

    fn related(&self, resource: &Resource, relation: &str) -> Listing<'_> {
        self.snapshot.related(resource, relation)
    }

    fn referring(&self, resource: &Resource, type_name: &str, relation: &str) -> Listing<'_> {
        self.snapshot.referring(resource, type_name, relation)
    }

    fn facts(&self, resource: &Resource) -> Option<Facts<'_>> {
        if !std::ptr::eq(resource, self.resource) {
            return self.snapshot.facts(resource);
        }
        let facts = self.facts.get_or_init(|| {
            let wants = |name: &str| self.wanted.wants(name);
            let facts = yagura_analyze::facts_of(resource, self.snapshot, &wants);
            match self.given {
                Some(given) => facts.with(given),
                None => facts,
            }
        });
        Some(Facts { value: &facts.values, unread: &facts.unread })
    }
}
