//! The claim that matters most, over every case of every built-in resource file: denying one call
//! makes exactly its attributes unread. Nothing else changes, and nothing vanishes silently.
//! What the answers mean is claimed by the cases themselves.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use serde_json::{Map, Value};
use yagura_content::Content;
use yagura_content::format::{ResourceCase, ResourceType};
use yagura_model::{Coverage, CoverageState, Path, Resource, Step, UnreadReason};

use crate::caller::{CallName, Caller, Failure, Identity, Place};
use crate::cases::answers::Answers;
use crate::cases::read;
use crate::inventory::plan::{Plan, Types, Wanted, types_of};
use crate::inventory::type_plan::TypePlan;

/// Answers, but one call is denied.
struct Denying {
    inner: Answers,
    denied: CallName,
}

impl Denying {
    fn denial(call: &CallName) -> Failure {
        let mut failure = Failure::local(UnreadReason::Denied, &call.to_string(), "denied");
        failure.code = "AccessDenied".into();
        failure
    }
}

impl Caller for Denying {
    fn identity(&self) -> BoxFuture<'_, Result<Identity, Failure>> {
        self.inner.identity()
    }

    fn call<'a>(
        &'a self,
        place: &'a Place,
        call: &'a CallName,
        input: &'a Value,
    ) -> BoxFuture<'a, Result<Value, Failure>> {
        if *call == self.denied {
            return async move { Err(Self::denial(call)) }.boxed();
        }
        self.inner.call(place, call, input)
    }

    fn pages<'a>(
        &'a self,
        place: &'a Place,
        call: &'a CallName,
        input: &'a Value,
    ) -> BoxStream<'a, Result<Value, Failure>> {
        futures::stream::once(self.call(place, call, input)).boxed()
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.inner.pause(time)
    }
}

/// The attributes that a denied call may make unread: those of its blocks, and those of details
/// that wait for others.
fn may_be_unread(plan: &TypePlan<'_>, call: &str) -> BTreeSet<String> {
    let lookups = plan.lookups.iter().filter(|lookup| {
        lookup.ask.text == call || lookup.before.as_ref().is_some_and(|ask| ask.text == call)
    });
    let details = plan.details.iter().filter(|detail| detail.waits || detail.ask.text == call);
    let blocks = lookups
        .map(|lookup| &lookup.block)
        .chain(details.flat_map(|detail| detail.blocks.iter().map(|(_, block)| block)));
    let mut paths: BTreeSet<String> =
        blocks.flat_map(|block| block.paths().map(ToString::to_string)).collect();
    if plan.locate.as_ref().is_some_and(|ask| ask.text == call) {
        paths.insert("region".into());
    }
    paths
}

fn unread(resource: &Resource) -> BTreeSet<String> {
    resource.unread.iter().map(|unread| unread.path.to_string()).collect()
}

/// The resource without the given paths, as one document.
fn without(resource: &Resource, paths: &BTreeSet<String>) -> Value {
    let mut document = serde_json::to_value(resource).unwrap();
    let map = document.as_object_mut().unwrap();
    map.remove("unread");
    if paths.contains("region") {
        map.remove("region");
        map.remove("key");
    }
    for path in paths {
        let path: Path = path.parse().unwrap();
        let keys: Vec<&str> = path
            .0
            .iter()
            .filter_map(|step| match step {
                Step::Key(key) => Some(key.as_str()),
                _ => None,
            })
            .collect();
        match keys[..] {
            ["relations", name] => {
                if let Some(Value::Array(edges)) = map.get_mut("relations") {
                    edges.retain(|edge| edge["name"] != name);
                }
            }
            _ => cut(map, &keys),
        }
    }
    prune(&mut document);
    document
}

fn cut(map: &mut Map<String, Value>, keys: &[&str]) {
    let [first, rest @ ..] = keys else { return };
    if rest.is_empty() {
        map.remove(*first);
    } else if let Some(Value::Object(below)) = map.get_mut(*first) {
        cut(below, rest);
    }
}

/// Maps and lists that hold nothing are the same as none.
fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(prune);
            map.retain(|_, value| match value {
                Value::Object(map) => !map.is_empty(),
                Value::Array(list) => !list.is_empty(),
                _ => true,
            });
        }
        Value::Array(list) => list.iter_mut().for_each(prune),
        _ => {}
    }
}

fn check(definition: &ResourceType, case: &ResourceCase, types: &Types<'_>) -> usize {
    let name = definition.type_name.as_str();
    let plan = Plan::of_types(types, &Wanted::Types(&[name]));
    let index = *plan
        .types_in(definition.scope)
        .iter()
        .find(|index| plan.at(**index).name() == name)
        .unwrap();
    let of_type = |seen: crate::cases::Seen| -> (Vec<Resource>, Vec<Coverage>) {
        let resources = seen.resources.into_iter().filter(|r| r.type_name == name).collect();
        (resources, seen.coverage.into_iter().filter(|c| c.type_name == name).collect())
    };
    let (before, _) = of_type(read(Arc::new(Answers::of(case)), &plan, case));
    let calls = plan.calls();
    for call in &calls {
        let what = format!("{name} · {} · without {call}", case.name.value);
        let (service, operation) = call.split_once(':').unwrap();
        let denied = CallName::new(service, operation);
        let caller = Denying { inner: Answers::of(case), denied };
        let (after, coverage) = of_type(read(Arc::new(caller), &plan, case));
        let lists = plan
            .at(index)
            .lists
            .iter()
            .any(|list| list.ask.as_ref().is_some_and(|ask| ask.text == *call));
        if after.len() < before.len() {
            let whole = coverage.iter().all(|c| c.state == CoverageState::Complete);
            assert!(!whole, "{what}: resources vanished from a listing that says it is complete");
        }
        assert!(lists || coverage.len() == 1, "{what}: {coverage:?}");
        let allowed = may_be_unread(plan.at(index), call);
        for now in &after {
            let then = before.iter().find(|then| then.id == now.id);
            let then = then.unwrap_or_else(|| panic!("{what}: `{}` is new", now.id));
            let fresh: BTreeSet<String> = &unread(now) - &unread(then);
            let excess: Vec<_> = fresh.difference(&allowed).collect();
            assert!(excess.is_empty(), "{what}: `{}` lost {excess:?}", now.id);
            let hidden = unread(now);
            assert_eq!(without(now, &hidden), without(then, &hidden), "{what}: `{}`", now.id);
        }
    }
    calls.len()
}

#[test]
fn denying_one_call_makes_exactly_its_attributes_unread() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let content = Content::from_folder(&folder);
    let types = types_of(&content);
    let mut denied = 0;
    for definition in types.values() {
        for case in &definition.cases {
            denied += check(definition, case, &types);
        }
    }
    assert!(denied > 100, "{denied} calls denied");
}
