//! Finds the stories in a set of signals: windows in which the steps of a sequence are taken.
//! Keeping the sets is `state.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use yagura_content::format::Sequence;
use yagura_model::alert::{
    Entity, Matched, STORY_STEPS_MAX, Signal, SignalKind, StoryStep, WITNESSES_MAX, Witness,
};

use super::compile::{Compiled, Meaning, bit};
use super::matching::{Taker, chain, matching};

/// A signal as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) time_us: i64,
    pub(super) content: Arc<str>,
    pub(super) weak: bool,
    pub(super) witness: Arc<Witness>,
}

/// A story: signals in the order of time.
#[derive(Debug)]
pub(super) struct Story<'k> {
    kept: Vec<&'k Kept>,
    /// By content: the step it takes and the tactic it stands for.
    roles: BTreeMap<&'k str, (Option<usize>, Arc<str>)>,
}

/// Finds the stories of a sequence in signals, which are in the order of time.
pub(super) fn stories<'k>(
    at: usize,
    compiled: &Compiled,
    meanings: &BTreeMap<Arc<str>, Meaning>,
    kept: &[&'k Kept],
) -> Vec<Story<'k>> {
    let fitting: Vec<(&Kept, &Meaning)> = kept
        .iter()
        .filter_map(|kept| Some((*kept, meanings.get(&kept.content)?)))
        .filter(|(_, meaning)| meaning.steps.contains_key(&at))
        .collect();
    let mut stories = Vec::new();
    let mut begin = 0;
    while let Some((first, _)) = fitting.get(begin) {
        let until_us = first.time_us.saturating_add(compiled.sequence.within.micros());
        let rest = fitting.get(begin..).unwrap_or_default();
        let length = rest.partition_point(|(kept, _)| kept.time_us <= until_us);
        let window = rest.get(..length).unwrap_or_default();
        match judge(at, &compiled.sequence, window) {
            Some(roles) => {
                stories.push(Story { kept: window.iter().map(|(kept, _)| *kept).collect(), roles });
                begin += length.max(1);
            }
            None => begin += 1,
        }
    }
    stories
}

/// What a content is to a story: the step that it takes, and its tactic.
type Role = (Option<usize>, Arc<str>);

/// What each content is to the story, if the window makes it.
fn judge<'k>(
    at: usize,
    sequence: &Sequence,
    window: &[(&'k Kept, &Meaning)],
) -> Option<BTreeMap<&'k str, Role>> {
    let mut contents: Vec<(&'k str, &Meaning, bool)> = Vec::new();
    for (kept, meaning) in window {
        match contents.iter_mut().find(|(known, ..)| *known == &*kept.content) {
            Some((_, _, strong)) => *strong |= !kept.weak,
            None => contents.push((&kept.content, meaning, !kept.weak)),
        }
    }
    let needed = sequence.steps.iter().filter(|step| !step.optional).count();
    let strong = contents.iter().filter(|(_, _, strong)| *strong).count();
    let least = sequence.at_least;
    if contents.len() < least.contents.max(needed) || strong < least.strong {
        return None;
    }
    let taken = steps(at, sequence, window, &contents)?;
    if taken.iter().flatten().count() < least.steps {
        return None;
    }
    let tactics = tactics(&contents);
    if tactics.iter().filter(|(_, matched)| *matched).count() < least.tactics {
        return None;
    }
    let mut roles = BTreeMap::new();
    for (content, ((name, ..), (tactic, _))) in contents.iter().zip(tactics).enumerate() {
        let step = taken.iter().position(|taker| *taker == Some(content));
        roles.insert(*name, (step, tactic));
    }
    Some(roles)
}

/// For each step the content that takes it; none if one that is needed cannot be taken.
fn steps(
    at: usize,
    sequence: &Sequence,
    window: &[(&Kept, &Meaning)],
    contents: &[(&str, &Meaning, bool)],
) -> Option<Vec<Option<usize>>> {
    let takes = |meaning: &Meaning, step: usize| {
        meaning.steps.get(&at).is_some_and(|steps| steps & bit(step) != 0)
    };
    // Those that are needed come first: what is matched stays so.
    let mut order: Vec<usize> = (0..sequence.steps.len()).collect();
    let optional = |step: &usize| sequence.steps.get(*step).is_some_and(|step| step.optional);
    order.sort_by_key(optional);
    let edges: Vec<Vec<usize>> = order
        .iter()
        .map(|step| {
            let numbered = contents.iter().enumerate();
            numbered.filter(|(_, (_, meaning, _))| takes(meaning, *step)).map(|(n, _)| n).collect()
        })
        .collect();
    let mut taken = vec![None; order.len()];
    for (step, content) in order.iter().zip(matching(&edges, contents.len())) {
        if content.is_none() && !optional(step) {
            return None;
        }
        if let Some(place) = taken.get_mut(*step) {
            *place = content;
        }
    }
    if sequence.ordered {
        let number = |name: &str| contents.iter().position(|(known, ..)| *known == name);
        let takers = sequence.steps.iter().enumerate().map(|(step, known)| {
            let fitting = window.iter().filter(|(_, meaning)| takes(meaning, step));
            let takers = fitting.filter_map(|(kept, _)| {
                Some(Taker { time_us: kept.time_us, content: number(&kept.content)? })
            });
            (known.optional, takers.collect())
        });
        let takers: Vec<(bool, Vec<Taker>)> = takers.collect();
        let count = chain(&takers)?;
        if count < sequence.at_least.steps {
            return None;
        }
    }
    Some(taken)
}

/// For each content the tactic it stands for, and whether no other content stands for the same:
/// a content with many tactics is one tactic, not many.
fn tactics(contents: &[(&str, &Meaning, bool)]) -> Vec<(Arc<str>, bool)> {
    let names: BTreeSet<&Arc<str>> =
        contents.iter().flat_map(|(_, meaning, _)| &meaning.tactics).collect();
    let names: Vec<&Arc<str>> = names.into_iter().collect();
    let edges: Vec<Vec<usize>> = contents
        .iter()
        .map(|(_, meaning, _)| {
            let places = meaning.tactics.iter();
            places.filter_map(|tactic| names.iter().position(|name| *name == tactic)).collect()
        })
        .collect();
    let matched = matching(&edges, names.len()).into_iter();
    let tactics = contents.iter().zip(matched).map(|((_, meaning, _), matched)| {
        let own = matched.and_then(|place| names.get(place)).map(|name| Arc::clone(name));
        let first = || meaning.tactics.first().cloned().unwrap_or_else(|| Arc::from(""));
        (own.unwrap_or_else(first), matched.is_some())
    });
    tactics.collect()
}

impl Story<'_> {
    /// When it begins.
    pub(super) fn first_us(&self) -> i64 {
        self.kept.first().map_or(0, |kept| kept.time_us)
    }

    /// A stand-in for what is told, to tell it again only when it has grown.
    pub(super) fn version(&self) -> u64 {
        self.kept.iter().fold(self.kept.len() as u64, |version, kept| {
            let name = kept.witness.event_hash() ^ u64::from(kept.weak);
            version.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ name
        })
    }

    /// The story as a signal.
    pub(super) fn signal(
        &self,
        compiled: &Compiled,
        meanings: &BTreeMap<Arc<str>, Meaning>,
        entity: Entity,
    ) -> Option<Signal> {
        let first = self.kept.first()?;
        let steps = self.kept.iter().map(|kept| {
            let role = self.roles.get(&*kept.content);
            let tactic = role.map_or_else(|| Arc::from(""), |(_, tactic)| Arc::clone(tactic));
            let title = meanings.get(&kept.content).map(|meaning| meaning.title.clone());
            StoryStep {
                time_us: kept.time_us,
                tactic,
                content: Arc::clone(&kept.content),
                title: title.unwrap_or_default(),
                witness: Witness::clone(&kept.witness),
            }
        });
        let matched = self.roles.iter().filter_map(|(content, (step, _))| {
            let step = compiled.sequence.steps.get((*step)?)?;
            Some(Matched::new(&step.name, "content", Some(content)))
        });
        let more = self.kept.iter().skip(1).take(WITNESSES_MAX - 1);
        Some(Signal {
            kind: SignalKind::Sequence,
            content: Arc::clone(&compiled.about.content),
            severity: compiled.sequence.level,
            weak: false,
            entity,
            time_us: first.time_us,
            witness: Witness::clone(&first.witness),
            matched: matched.collect(),
            contrast: None,
            more: more.map(|kept| Witness::clone(&kept.witness)).collect(),
            more_events: self.kept.iter().skip(20).map(|k| k.witness.event_hash()).collect(),
            events_total: self.kept.len() as u64,
            story: told(steps.collect()),
        })
    }
}

/// A story cut to what is kept: of every content its first steps come before its later ones.
fn told(mut steps: Vec<StoryStep>) -> Vec<StoryStep> {
    if steps.len() <= STORY_STEPS_MAX {
        return steps;
    }
    let mut counts: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    let mut ranked: Vec<(usize, StoryStep)> = Vec::new();
    for step in steps.drain(..) {
        let count = counts.entry(Arc::clone(&step.content)).or_default();
        *count += 1;
        ranked.push((*count, step));
    }
    ranked.sort_by_key(|(rank, step)| (*rank, step.time_us));
    ranked.truncate(STORY_STEPS_MAX);
    let mut steps: Vec<StoryStep> = ranked.into_iter().map(|(_, step)| step).collect();
    steps.sort_by(|a, b| (a.time_us, &a.content).cmp(&(b.time_us, &b.content)));
    steps
}
