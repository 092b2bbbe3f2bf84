//! Findings of other products become findings of ours, one per what and where, and are over when
//! no product says them any more. How one looks as an observation is in `imports/observation.rs`;
//! how they are read is collect's business.
//!
//! Several foreign findings may make up one of ours: the same thing told by its product and by
//! Security Hub, or told once per standard. The store remembers who makes up what; a finding of
//! ours is closed when the last of them is over, and only
//!
//! - when the product itself says so (archived, resolved, passed), or
//! - when a *whole* listing of the place no longer has it. A place that could not be read, or where
//!   the product is off, closes nothing.
//!
//! Two of them open no finding of their own:
//!
//! - What Yagura itself told Security Hub and comes back from there is left out.
//! - What a control of ours says of the same resource (`maps` names the product's check) is linked
//!   to our finding, which gets a label. Ours counts while it is open, and for as long as the
//!   product has not looked again since ours was resolved. Where ours passes and the product, with
//!   a later look, does not, the product's finding stands by itself: nobody hides the other.

mod observation;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use yagura_model::finding::{
    Act, Actor, ClosingReason, Finding, FindingKind, FindingState, Observation,
};
use yagura_model::finding_id;
use yagura_model::imported::{Imported, ImportedState, original_hash};
use yagura_store::Store;
use yagura_store::imports::{ImportRun, Imports, KnownMember, Member, Said};

use super::keeper::Keeper;
use super::traits::Traits;
use super::{Fold, Folded};
use crate::RespondError;
use observation::{Around, key_of, of_imported};

/// Foreign findings that are folded together.
const BATCH: usize = 256;
/// The word under which changes of imports stand in the history.
const ACTOR: &str = "import";

/// Where foreign findings come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportOrigin {
    /// A service's API: what is ours there is an echo.
    Service,
    /// A file: what is ours there is taken back as what it was.
    File,
}

/// What became of a place that was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportedPlace {
    /// Everything active was read or listed: what was not is over.
    pub whole: bool,
    /// The latest change that was read, in microseconds since 1970.
    pub changed_us: Option<i64>,
}

/// What folding imports did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportsFolded {
    /// What became of findings.
    pub folded: Folded,
    /// Foreign findings that were looked at.
    pub read: u64,
    /// Those that were known just so.
    pub unchanged: u64,
    /// Those that say what a control of ours says.
    pub linked: u64,
    /// Those that Yagura itself had told.
    pub own: u64,
    /// Those that are over or accepted where they come from, and were never ours.
    pub settled: u64,
}

/// A fold of imports under way.
pub struct ImportFold<'a> {
    keeper: Keeper<'a>,
    fold: &'a Fold,
    store: &'a Store,
    imports: Imports,
    origin: ImportOrigin,
    /// Our controls by the checks that they map to.
    controls: BTreeMap<(String, String), Vec<String>>,
    places: BTreeMap<String, Place>,
    done: ImportsFolded,
}

struct Place {
    run: ImportRun,
    waiting: Vec<Imported>,
}

impl Fold {
    /// Begins to fold findings of other products.
    ///
    /// # Errors
    /// Where the store cannot be read or written.
    pub async fn begin_imports<'a>(
        &'a self,
        store: &'a Store,
        origin: ImportOrigin,
        now: Timestamp,
    ) -> Result<ImportFold<'a>, RespondError> {
        let keeper = Keeper::begin(self, store, ACTOR, now).await?;
        let mut controls: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for (id, control) in &self.content.controls {
            for (framework, checks) in &control.maps {
                for check in checks {
                    let check = (framework.clone(), check.value.clone());
                    controls.entry(check).or_default().push(id.clone());
                }
            }
        }
        Ok(ImportFold {
            keeper,
            fold: self,
            store,
            imports: store.imports(),
            origin,
            controls,
            places: BTreeMap::new(),
            done: ImportsFolded::default(),
        })
    }
}

impl ImportFold<'_> {
    /// Takes a finding that was read in a place.
    ///
    /// # Errors
    /// Where the store cannot be read or written; what was folded before stands, and folding
    /// again completes it.
    pub async fn found(&mut self, scope: &str, finding: Imported) -> Result<(), RespondError> {
        let place = self.place(scope).await?;
        place.waiting.push(finding);
        if place.waiting.len() >= BATCH {
            self.flush(scope).await?;
        }
        Ok(())
    }

    /// Takes that findings are active though they were not read again.
    ///
    /// # Errors
    /// As [`Self::found`].
    pub async fn present(
        &mut self,
        scope: &str,
        product: &str,
        originals: &[String],
    ) -> Result<(), RespondError> {
        self.flush(scope).await?;
        let run = self.place(scope).await?.run;
        let originals: Vec<[u8; 16]> =
            originals.iter().map(|original| original_hash(product, original)).collect();
        self.imports.saw(run, &originals).await.map_err(RespondError::Findings)
    }

    /// Takes that a place was read to its end. A place that could not be is not told.
    ///
    /// # Errors
    /// As [`Self::found`].
    pub async fn ended(&mut self, scope: &str, place: ImportedPlace) -> Result<(), RespondError> {
        let run = self.place(scope).await?.run;
        self.flush(scope).await?;
        if place.whole {
            self.close_unseen(run).await?;
        }
        let now = self.keeper.now;
        let ended = self.imports.end(run, place.changed_us, place.whole, now).await;
        self.places.remove(scope);
        ended.map_err(RespondError::Findings)
    }

    /// Folds what waits, and tells what was done. Places that were not ended are read again.
    ///
    /// # Errors
    /// As [`Self::found`].
    pub async fn finish(mut self) -> Result<ImportsFolded, RespondError> {
        let scopes: Vec<String> = self.places.keys().cloned().collect();
        for scope in scopes {
            self.flush(&scope).await?;
        }
        Ok(ImportsFolded { folded: self.keeper.folded, ..self.done })
    }

    async fn place(&mut self, scope: &str) -> Result<&mut Place, RespondError> {
        match self.places.entry(scope.to_owned()) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => {
                let run = self.imports.begin(scope).await.map_err(RespondError::Findings)?;
                Ok(new.insert(Place { run, waiting: Vec::new() }))
            }
        }
    }

    async fn flush(&mut self, scope: &str) -> Result<(), RespondError> {
        let place = self.place(scope).await?;
        let (run, batch) = (place.run, std::mem::take(&mut place.waiting));
        if batch.is_empty() {
            return Ok(());
        }
        self.done.read += batch.len() as u64;
        let (own, foreign): (Vec<Imported>, Vec<Imported>) =
            batch.into_iter().partition(|imported| imported.own.is_some());
        match self.origin {
            ImportOrigin::Service => self.done.own += own.len() as u64,
            ImportOrigin::File => self.take_back(own).await?,
        }
        self.fold_batch(run, scope, foreign).await
    }

    /// What Yagura wrote into a file, here or elsewhere, is the finding that it was.
    async fn take_back(&mut self, own: Vec<Imported>) -> Result<(), RespondError> {
        self.done.own += own.len() as u64;
        let mut seen = BTreeMap::new();
        let mut over: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for imported in &own {
            let observation = self.observation(imported).await?;
            if imported.state == ImportedState::Resolved {
                over.entry(imported.updated_us).or_default().push(observation.id());
            }
            join(&mut seen, observation);
        }
        self.observe(seen, &BTreeSet::new()).await?;
        for (as_of_us, ids) in over {
            self.keeper.close(ids, ClosingReason::ClosedAtOrigin, as_of_us).await?;
        }
        Ok(())
    }

    async fn fold_batch(
        &mut self,
        run: ImportRun,
        scope: &str,
        batch: Vec<Imported>,
    ) -> Result<(), RespondError> {
        let hashes: Vec<[u8; 16]> = batch.iter().map(Imported::original_hash).collect();
        let known = self.imports.known(run, &hashes).await.map_err(RespondError::Findings)?;
        let mut here: HashMap<[u8; 16], Member> = HashMap::new();
        let mut elsewhere: HashMap<[u8; 16], Vec<KnownMember>> = HashMap::new();
        for known in known {
            if known.here {
                here.insert(known.member.original, known.member);
            } else {
                elsewhere.entry(known.member.original).or_default().push(known);
            }
        }
        let controls = self.controls_of(&batch).await?;
        let mut sorted = Sorted::default();
        for imported in batch {
            let original = imported.original_hash();
            let former = here.remove(&original);
            // What a service passes on is known from the product itself, where that was read.
            let direct = format!("{}/", imported.product);
            let told = elsewhere.get(&original).into_iter().flatten();
            let mut itself = told.filter(|_| !scope.starts_with(&direct));
            if let Some(itself) = itself.find(|one| one.scope.starts_with(&direct)) {
                sorted.settle(former, &imported, Some(itself.member.finding.clone()));
                self.done.unchanged += 1;
            } else if imported.state == ImportedState::Active {
                self.sort_active(&mut sorted, former, &imported, &controls).await?;
            } else {
                self.done.settled += u64::from(former.as_ref().is_none_or(|one| !one.active));
                sorted.settle(former, &imported, None);
            }
        }
        self.apply(run, sorted).await
    }

    /// One that is so: known just so, said by a control of ours, or to be observed.
    async fn sort_active(
        &mut self,
        sorted: &mut Sorted,
        former: Option<Member>,
        imported: &Imported,
        controls: &HashMap<String, Finding>,
    ) -> Result<(), RespondError> {
        let (original, hash) = (imported.original_hash(), imported.content_hash());
        let former = former.filter(|former| former.active);
        let link = self.link(imported, controls);
        let same = former.as_ref().filter(|former| former.hash == hash);
        if let Some(same) = same
            && link.as_ref().map_or(!controls.contains_key(&same.finding), |id| *id == same.finding)
        {
            sorted.seen.push(original);
            self.done.unchanged += 1;
            return Ok(());
        }
        let finding = if let Some(finding) = link {
            self.done.linked += 1;
            sorted.labels.push((finding.clone(), label_of(imported)));
            finding
        } else {
            let observation = self.observation(imported).await?;
            let id = observation.id();
            if former.is_none() {
                sorted.news.insert(id.clone());
            }
            join(&mut sorted.observations, observation);
            id
        };
        if let Some(former) = former.filter(|former| former.finding != finding) {
            sorted.over(former.finding, original, imported.updated_us);
        }
        sorted.members.push(Member { original, finding, hash, active: true });
        Ok(())
    }

    /// Observes, labels, closes and remembers, in this order: whatever is remembered was done.
    async fn apply(&mut self, run: ImportRun, mut sorted: Sorted) -> Result<(), RespondError> {
        let observations = std::mem::take(&mut sorted.observations);
        self.observe(observations, &sorted.news).await?;
        for (finding, label) in std::mem::take(&mut sorted.labels) {
            let act = Act::Label { label };
            let (ids, actor) = ([finding], Actor::Yagura(ACTOR.to_owned()));
            let acted = self.keeper.findings.act(&ids, &act, &actor, self.keeper.now, None).await;
            acted.map_err(RespondError::Findings)?;
        }
        let staying: BTreeSet<String> = sorted
            .members
            .iter()
            .filter(|member| member.active)
            .map(|member| member.finding.clone())
            .collect();
        sorted.ending.retain(|finding, _| !staying.contains(finding));
        self.close(run, sorted.ending, &sorted.originals, Said::Outright).await?;
        let imports = &self.imports;
        imports.remember(run, &sorted.members).await.map_err(RespondError::Findings)?;
        imports.saw(run, &sorted.seen).await.map_err(RespondError::Findings)
    }

    /// `news`: findings of which something is so that was not, as far as we knew. Such a one opens
    /// again, whenever the product says that it last looked.
    async fn observe(
        &mut self,
        mut observations: BTreeMap<String, Observation>,
        news: &BTreeSet<String>,
    ) -> Result<(), RespondError> {
        let ids: Vec<String> = observations.keys().cloned().collect();
        let known = self.keeper.known(&ids).await?;
        for (id, observation) in &mut observations {
            let over = known.get(id).and_then(|finding| finding.resolved_us);
            if news.contains(id) && over.is_some_and(|over| observation.last_us <= over) {
                observation.last_us = self.keeper.now.as_microsecond();
            }
        }
        let observations: Vec<Observation> = observations.into_values().collect();
        self.keeper.observe(&observations, &known).await
    }

    /// Closes those of which nothing is active any more. `ending`: as of when, by finding.
    async fn close(
        &mut self,
        run: ImportRun,
        ending: BTreeMap<String, i64>,
        over: &BTreeSet<[u8; 16]>,
        said: Said,
    ) -> Result<(), RespondError> {
        if ending.is_empty() {
            return Ok(());
        }
        let findings: BTreeSet<String> = ending.keys().cloned().collect();
        let active = self.imports.still_active(run, &findings, over, said).await;
        let active = active.map_err(RespondError::Findings)?;
        let ids: Vec<String> = findings.difference(&active).cloned().collect();
        // A link ends without ending the control's finding: that is for a scan to say.
        let known = self.keeper.known(&ids).await?;
        let mut by_time: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for finding in known.into_values() {
            if finding.observation.kind == FindingKind::Import
                && let Some(as_of_us) = ending.get(&finding.id)
            {
                // The product's own word counts, even where its last look is not the last we saw.
                let as_of_us = (*as_of_us).max(finding.last_seen_us);
                by_time.entry(as_of_us).or_default().push(finding.id);
            }
        }
        for (as_of_us, ids) in by_time {
            self.keeper.close(ids, ClosingReason::ClosedAtOrigin, as_of_us).await?;
        }
        Ok(())
    }

    /// What a whole listing did not have is over.
    async fn close_unseen(&mut self, run: ImportRun) -> Result<(), RespondError> {
        let now_us = self.keeper.now.as_microsecond();
        loop {
            let unseen = self.imports.unseen(run).await.map_err(RespondError::Findings)?;
            if unseen.is_empty() {
                return Ok(());
            }
            let over = unseen.iter().map(|member| member.original).collect();
            let ending = unseen.iter().map(|member| (member.finding.clone(), now_us)).collect();
            self.close(run, ending, &over, Said::BySilence).await?;
            let ended: Vec<Member> =
                unseen.into_iter().map(|member| Member { active: false, ..member }).collect();
            self.imports.remember(run, &ended).await.map_err(RespondError::Findings)?;
        }
    }

    async fn observation(&self, imported: &Imported) -> Result<Observation, RespondError> {
        let key = key_of(imported);
        let resource = self.store.resource(&key).await.map_err(RespondError::Findings)?;
        let site = &self.fold.content.site;
        let traits = resource.map(|known| Traits::of(&known.resource, site)).unwrap_or_default();
        let now_us = self.keeper.now.as_microsecond();
        let around = Around { traits: &traits, accounts: &self.keeper.accounts, now_us };
        Ok(of_imported(imported, &around))
    }

    /// The findings of our controls that a batch may say once more, by id.
    async fn controls_of(
        &self,
        batch: &[Imported],
    ) -> Result<HashMap<String, Finding>, RespondError> {
        let ids: BTreeSet<String> = batch.iter().flat_map(|one| self.ids_of(one)).collect();
        self.keeper.known(&ids.into_iter().collect::<Vec<_>>()).await
    }

    /// The ids that findings of our controls on the same resource would have.
    fn ids_of(&self, imported: &Imported) -> Vec<String> {
        let key = key_of(imported);
        let controls = imported.checks.iter().filter_map(|check| self.controls.get(check));
        controls.flatten().map(|control| finding_id("control", control, &key, "")).collect()
    }

    /// The finding of a control of ours that says the same, if there is one that counts.
    fn link(&self, imported: &Imported, known: &HashMap<String, Finding>) -> Option<String> {
        let counts = |finding: &&Finding| match finding.state {
            FindingState::Resolved => {
                finding.resolved_us.is_some_and(|resolved| imported.last_us <= resolved)
            }
            _ => true,
        };
        let ids = self.ids_of(imported);
        let found = ids.iter().filter_map(|id| known.get(id)).find(counts);
        found.map(|finding| finding.id.clone())
    }
}

/// How a control's finding shows that another product says it, too.
fn label_of(imported: &Imported) -> String {
    format!("also:{}", imported.content())
}

/// What a batch comes to.
#[derive(Default)]
struct Sorted {
    observations: BTreeMap<String, Observation>,
    members: Vec<Member>,
    seen: Vec<[u8; 16]>,
    labels: Vec<(String, String)>,
    /// Findings of which something is so that was not.
    news: BTreeSet<String>,
    /// Findings that may be over, and as of when.
    ending: BTreeMap<String, i64>,
    /// Originals that no longer make up what they did.
    originals: BTreeSet<[u8; 16]>,
}

impl Sorted {
    /// An original that is over, or is known from elsewhere (`moved`: as part of this finding).
    fn settle(&mut self, former: Option<Member>, imported: &Imported, moved: Option<String>) {
        let original = imported.original_hash();
        let finding = match (moved, &former) {
            (Some(moved), _) => moved,
            (None, Some(former)) => former.finding.clone(),
            // Never ours: there is nothing to remember.
            (None, None) => return,
        };
        if let Some(former) = former.filter(|former| former.active) {
            self.over(former.finding, original, imported.updated_us);
        }
        let hash = imported.content_hash();
        self.members.push(Member { original, finding, hash, active: false });
    }

    fn over(&mut self, finding: String, original: [u8; 16], as_of_us: i64) {
        self.originals.insert(original);
        let known = self.ending.entry(finding).or_insert(as_of_us);
        *known = (*known).max(as_of_us);
    }
}

/// Several foreign findings of one what and where are one observation: the latest, as bad as the
/// worst, over the whole span.
fn join(observations: &mut BTreeMap<String, Observation>, one: Observation) {
    let id = one.id();
    let Some(known) = observations.remove(&id) else {
        observations.insert(id, one);
        return;
    };
    let (early, late) = if known.last_us <= one.last_us { (known, one) } else { (one, known) };
    let rank = if early.rank.points > late.rank.points { early.rank } else { late.rank };
    let joined = Observation {
        severity: early.severity.max(late.severity),
        first_us: early.first_us.min(late.first_us),
        occurrences: early.occurrences.saturating_add(late.occurrences),
        rank,
        ..late
    };
    observations.insert(id, joined);
}

#[cfg(test)]
mod tests;
