//! Sequences made ready: for every content what it means, and which steps it takes.
//! Following signals is `state.rs`, finding stories `story.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use yagura_content::Content;
use yagura_content::format::{LinkedBy, Sequence, SequenceStep};
use yagura_content::glob;
use yagura_model::Prose;
use yagura_model::alert::{About, SignalKind};

/// All sequences, ready to follow signals. Immutable.
#[derive(Debug, Default)]
pub struct Sequences {
    pub(super) list: Vec<Compiled>,
    /// By the content's id; contents that take no step are not in it.
    pub(super) meanings: BTreeMap<Arc<str>, Meaning>,
}

/// One sequence.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) sequence: Arc<Sequence>,
    pub(super) about: About,
}

/// What a content means to sequences.
#[derive(Debug)]
pub(super) struct Meaning {
    pub(super) title: Prose,
    /// In the order of the content's tags.
    pub(super) tactics: Vec<Arc<str>>,
    /// By the sequence's number: the steps it takes, one bit each.
    pub(super) steps: BTreeMap<usize, u16>,
    /// What signals of it may have in common with others.
    pub(super) links: Vec<LinkedBy>,
}

impl Sequences {
    /// Compiles all sequences of the content over signals of these contents.
    pub fn compile<'a>(content: &Content, abouts: impl IntoIterator<Item = &'a About>) -> Self {
        Self::of(content.sequences.values(), abouts)
    }

    /// Compiles some of them.
    pub fn of<'s, 'a>(
        sequences: impl IntoIterator<Item = &'s Arc<Sequence>>,
        abouts: impl IntoIterator<Item = &'a About>,
    ) -> Self {
        let list: Vec<Compiled> = sequences
            .into_iter()
            .map(|sequence| Compiled { sequence: Arc::clone(sequence), about: about(sequence) })
            .collect();
        let mut meanings = BTreeMap::new();
        for about in abouts {
            let meaning = meaning(&list, about);
            if !meaning.steps.is_empty() {
                meanings.insert(Arc::clone(&about.content), meaning);
            }
        }
        Self { list, meanings }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What whoever groups signals must know of each sequence.
    pub fn abouts(&self) -> impl Iterator<Item = &About> {
        self.list.iter().map(|compiled| &compiled.about)
    }

    /// Sequences that no content at all can complete: some step of theirs that is needed is taken
    /// by none of the contents that there are.
    pub fn unreachable(&self) -> Vec<&str> {
        let lacks = |at: usize, compiled: &Compiled| {
            let taken = self.meanings.values().filter_map(|meaning| meaning.steps.get(&at));
            let taken = taken.fold(0, |all, steps| all | steps);
            let steps = compiled.sequence.steps.iter().enumerate();
            steps.into_iter().any(|(step, known)| !known.optional && taken & bit(step) == 0)
        };
        let lacking = self.list.iter().enumerate().filter(|(at, compiled)| lacks(*at, compiled));
        lacking.map(|(_, compiled)| compiled.sequence.id.as_str()).collect()
    }
}

pub(super) fn bit(step: usize) -> u16 {
    u32::try_from(step).ok().and_then(|step| 1_u16.checked_shl(step)).unwrap_or(0)
}

fn about(sequence: &Sequence) -> About {
    About {
        kind: SignalKind::Sequence,
        content: Arc::from(sequence.id.as_str()),
        path: Arc::from(sequence.path()),
        title: sequence.title.value.clone(),
        tags: sequence.tags.iter().map(|tag| Arc::from(tag.as_str())).collect(),
        window_us: sequence.window.micros(),
        shadow: sequence.shadow,
    }
}

fn meaning(list: &[Compiled], about: &About) -> Meaning {
    let fits = |pattern: &str| fits(pattern, about);
    let takes = |step: &SequenceStep| {
        step.any.iter().any(|pattern| fits(pattern))
            && !step.without.iter().any(|pattern| fits(pattern))
    };
    let mut steps = BTreeMap::new();
    let mut links = Vec::new();
    for (at, compiled) in list.iter().enumerate() {
        let sequence = &compiled.sequence;
        if about.kind == SignalKind::Sequence || sequence.exclude.iter().any(|p| fits(p)) {
            continue;
        }
        let numbered = sequence.steps.iter().enumerate().filter(|(_, step)| takes(step));
        let taken = numbered.fold(0, |all, (step, _)| all | bit(step));
        if taken != 0 {
            steps.insert(at, taken);
            if !links.contains(&sequence.by) {
                links.push(sequence.by);
            }
        }
    }
    let tactics = about.tags.iter().filter_map(|tag| {
        let name = tag.strip_prefix("attack.")?;
        let technique = name
            .strip_prefix('t')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        // Groups and software are tags too: `attack.g0016`, `attack.s0002`.
        let other = name
            .strip_prefix(['g', 's'])
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        (!technique && !other).then(|| Arc::from(name.replace('_', "-")))
    });
    Meaning { title: about.title.clone(), tactics: tactics.collect(), steps, links }
}

/// Whether a pattern is one of the content's tags, or a glob of its id.
fn fits(pattern: &str, about: &About) -> bool {
    match pattern.strip_prefix("attack.") {
        Some(name) => about.tags.iter().any(|tag| {
            // A technique stands for its sub-techniques.
            let Some(own) = tag.strip_prefix("attack.") else { return false };
            own.replace('_', "-") == name
                || own
                    .strip_prefix(name)
                    .is_some_and(|rest| name.starts_with('t') && rest.starts_with('.'))
        }),
        None => glob::matches(pattern, &about.content),
    }
}
