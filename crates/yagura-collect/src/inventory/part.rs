//! One part of a scan: one account's region, one account's global types, or the organization.
//! Listings run side by side, each page is turned into resources while the next one is fetched,
//! and children are listed as soon as their parent is whole.
//! How one listed thing becomes a resource is in `assemble`; how a type's calls were chosen is in
//! `plan`.

use std::collections::BTreeMap;
use std::sync::Mutex;

use futures::future::{BoxFuture, join_all};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use serde_json::{Value, json};
use yagura_content::expression::{Outcome, Root};
use yagura_model::{Coverage, CoverageState, GLOBAL_REGION, Resource, UnreadReason};

use crate::caller::{Failure, Place};
use crate::inventory::bindings::Setting;
use crate::inventory::call::Answer;
use crate::inventory::engine::Engine;
use crate::inventory::lookup::{Batch, Table};
use crate::inventory::mapping::kind_of;
use crate::inventory::plan::{Feed, TypeIndex};
use crate::inventory::shared::{Memo, lock};
use crate::inventory::tally::Tally;
use crate::inventory::type_plan::ListPlan;
use crate::notice::NoticeKind;

/// How many pages of one listing are worked on at the same time.
const PAGES_AT_ONCE: usize = 2;
/// How many resources of one page are worked on at the same time; the engine bounds the sum.
const RESOURCES_AT_ONCE: usize = 64;
/// How many listings of one part run at the same time.
const LISTINGS_AT_ONCE: usize = 16;
/// How deep a type may nest below itself. OUs nest five deep; anything near this is a loop.
const DEPTH_MAX: usize = 20;

/// One part of a scan while it runs.
pub(crate) struct Part<'e> {
    pub(crate) engine: &'e Engine<'e>,
    /// Where its calls go.
    pub(crate) place: Place,
    /// What its expressions see.
    pub(crate) setting: Setting,
    pub(crate) answers: Memo<Answer>,
    pub(crate) tables: Memo<Result<Table, Failure>>,
    tallies: Mutex<BTreeMap<TypeIndex, Tally>>,
}

/// A thing found by a listing.
pub(crate) struct Found<'a> {
    pub(crate) index: TypeIndex,
    pub(crate) list: &'a ListPlan<'a>,
    /// The answer it was found in.
    pub(crate) output: &'a Value,
    pub(crate) item: Value,
    pub(crate) parent: Option<&'a Resource>,
    /// Whether the answer said that there is none, and the block made something of it.
    pub(crate) emptied: bool,
}

/// A resource whose identity is known, and the thing it is made from.
pub(crate) struct Begun<'a> {
    pub(crate) found: Found<'a>,
    pub(crate) resource: Resource,
}

impl<'e> Part<'e> {
    pub(crate) fn new(engine: &'e Engine<'e>, place: Place, setting: Setting) -> Self {
        Self {
            engine,
            place,
            setting,
            answers: Memo::default(),
            tables: Memo::default(),
            tallies: Mutex::default(),
        }
    }

    /// Lists every type that belongs here, then says how far that went.
    pub(crate) async fn run(&self, feeds: &'e [Feed]) {
        let mut waiting = feeds.iter();
        let mut running: FuturesUnordered<BoxFuture<'_, ()>> =
            waiting.by_ref().take(LISTINGS_AT_ONCE).map(|feed| self.list(feed, None, 0)).collect();
        while running.next().await.is_some() {
            if let Some(feed) = waiting.next() {
                running.push(self.list(feed, None, 0));
            }
        }
    }

    /// Says how far the listing of each type went.
    pub(crate) async fn cover(&self, types: &[TypeIndex]) {
        let mut states: BTreeMap<TypeIndex, CoverageState> = BTreeMap::new();
        for index in types {
            let mut tally = lock(&self.tallies).remove(index).unwrap_or_default();
            for parent in &self.engine.plan.at(*index).parents {
                if let Some(unread) = states.get(parent).and_then(CoverageState::unread) {
                    tally.miss(unread.clone());
                }
            }
            let count = tally.count();
            let state = tally.state();
            states.insert(*index, state.clone());
            self.engine
                .say_coverage(Coverage {
                    account: self.place.account.clone(),
                    region: self.setting.region.clone(),
                    type_name: self.engine.plan.at(*index).name().to_owned(),
                    state,
                    count,
                })
                .await;
        }
    }

    /// Runs one listing call for everything that lives from it.
    pub(crate) fn list<'a>(
        &'a self,
        feed: &'a Feed,
        parent: Option<&'a Resource>,
        depth: usize,
    ) -> BoxFuture<'a, ()> {
        async move {
            let Some(ask) = self.engine.plan.ask_of(feed) else {
                return self.take(feed, parent, &json!({}), false, depth).await;
            };
            if depth > DEPTH_MAX {
                let detail = format!("nested more than {DEPTH_MAX} deep");
                return self.fail(feed, &ask.failed(detail));
            }
            let input = match ask.input(&self.setting.env(parent)) {
                Ok(input) => input,
                Err(failure) => return self.fail(feed, &failure),
            };
            let place = self.place_of(parent);
            let mut pages = self.engine.pages(&place, &ask.name, &input);
            let mut running: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
            let mut more = true;
            while more || !running.is_empty() {
                tokio::select! {
                    page = pages.next(), if more && running.len() < PAGES_AT_ONCE => match page {
                        None => more = false,
                        Some(page) => running.push(self.page(feed, parent, page, depth)),
                    },
                    Some(()) = running.next() => {}
                }
            }
        }
        .boxed()
    }

    fn page<'a>(
        &'a self,
        feed: &'a Feed,
        parent: Option<&'a Resource>,
        page: Result<Value, Failure>,
        depth: usize,
    ) -> BoxFuture<'a, ()> {
        async move {
            match page {
                Ok(output) => self.take(feed, parent, &output, false, depth).await,
                Err(failure) => {
                    let asked = self.engine.plan.ask_of(feed);
                    if asked.is_some_and(|ask| ask.is_absent(&failure)) {
                        self.take(feed, parent, &json!({}), true, depth).await;
                    } else {
                        self.fail(feed, &failure);
                    }
                }
            }
        }
        .boxed()
    }

    fn fail(&self, feed: &Feed, failure: &Failure) {
        let mut tallies = lock(&self.tallies);
        for (index, list) in self.engine.plan.subscribers(feed) {
            let action = list.ask.as_ref().map_or("", |ask| &ask.action);
            tallies.entry(index).or_default().failed(failure, action);
        }
    }

    /// Where the calls for the children of a resource go.
    pub(crate) fn place_of(&self, resource: Option<&Resource>) -> Place {
        match resource.map(|resource| resource.region.as_str()) {
            None | Some(GLOBAL_REGION | "") => self.place.clone(),
            Some(region) => {
                Place { account: self.place.account.clone(), region: region.to_owned() }
            }
        }
    }

    /// Turns one page into the resources of every type that lives from it.
    async fn take(
        &self,
        feed: &Feed,
        parent: Option<&Resource>,
        output: &Value,
        emptied: bool,
        depth: usize,
    ) {
        for (index, list) in self.engine.plan.subscribers(feed) {
            lock(&self.tallies).entry(index).or_default().answered();
            let outcome = {
                let env = self.setting.env(parent).bind(Root::Output, output);
                list.each.program().eval(&env)
            };
            let items = match outcome {
                Outcome::Absent => continue,
                Outcome::Value(Value::Array(items)) => items,
                Outcome::Value(other) => {
                    let detail = format!("`each` gives no list but {}", kind_of(&other));
                    self.misfit(index, detail).await;
                    continue;
                }
                Outcome::Unknown(decided) => {
                    self.misfit(index, decided.problems.join("; ")).await;
                    continue;
                }
            };
            let found = items
                .into_iter()
                .filter(|item| !item.is_null())
                .map(|item| Found { index, list, output, item, parent, emptied })
                .collect();
            self.assemble_all(index, found, depth).await;
        }
    }

    /// Works on the things of one page: first who they are, then what batches say of them
    /// together, then each for itself, many at a time.
    async fn assemble_all(&self, index: TypeIndex, found: Vec<Found<'_>>, depth: usize) {
        let begun = join_all(found.into_iter().map(|found| self.begin(found))).await;
        let begun: Vec<Begun<'_>> = begun.into_iter().flatten().collect();
        let batches = self.batches(index, &begun).await;
        let batches = &batches;
        let mut waiting = begun.into_iter();
        let mut running: FuturesUnordered<BoxFuture<'_, ()>> = waiting
            .by_ref()
            .take(RESOURCES_AT_ONCE)
            .map(|begun| self.one(begun, batches, depth))
            .collect();
        while running.next().await.is_some() {
            if let Some(begun) = waiting.next() {
                running.push(self.one(begun, batches, depth));
            }
        }
    }

    /// One resource from identity to sink, then its children.
    fn one<'a>(
        &'a self,
        begun: Begun<'a>,
        batches: &'a [Batch],
        depth: usize,
    ) -> BoxFuture<'a, ()> {
        async move {
            let index = begun.found.index;
            let permit = self.engine.permit().await;
            let resource = self.finish(begun, batches).await;
            drop(permit);
            let children = self.engine.plan.children(index);
            if children.is_empty() {
                return self.engine.say_resource(resource).await;
            }
            self.engine.say_resource(resource.clone()).await;
            for feed in children {
                self.list(feed, Some(&resource), depth + 1).await;
            }
        }
        .boxed()
    }

    /// Whether a resource was not found before in this part.
    pub(crate) fn is_new(&self, index: TypeIndex, key: &str) -> bool {
        lock(&self.tallies).entry(index).or_default().is_new(key)
    }

    /// An answer that does not fit the file: said once, and the listing is not complete.
    pub(crate) async fn misfit(&self, index: TypeIndex, detail: String) {
        let listing = self.engine.plan.at(index);
        let failure = Failure::local(UnreadReason::Failed, listing.list_call(), detail);
        lock(&self.tallies).entry(index).or_default().failed(&failure, "");
        self.doubt(index, failure).await;
    }

    /// Says that an answer was not usable.
    pub(crate) async fn doubt(&self, index: TypeIndex, failure: Failure) {
        let kind = NoticeKind::Answer { type_name: self.engine.plan.at(index).name().to_owned() };
        self.engine.notice(&self.place.account, &self.setting.region, kind, *failure.unread).await;
    }
}
