//! Ways: steps put together, from the goal backwards, so that each principal gets its shortest.
//! Whether a step is open is decided in `step`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use yagura_model::escalation::{Escalation, Gain};

use super::super::holders::Holder;
use super::step::Candidate;
use super::{Certainty, EscalationPath, Escalations, Hop, Reached, Search};

/// Steps of one principal by one escalation; beyond, they are counted as left out.
const STEPS_MAX: usize = 256;

/// A step that is open.
struct Edge<'s> {
    from: usize,
    way: usize,
    candidate: Candidate<'s>,
    certainty: Certainty,
}

/// The next step of a principal on its way, and how far it is.
#[derive(Clone, Copy)]
struct Course {
    length: u64,
    /// `None`: it is there, as far as is known.
    edge: Option<usize>,
    /// How sure it is that it is there without any step.
    there: Certainty,
}

/// All principals with their numbers.
struct People<'s> {
    list: Vec<(&'s str, &'s Holder)>,
    numbers: HashMap<&'s str, usize>,
}

impl<'s> People<'s> {
    fn of(search: &Search<'s>) -> Self {
        let holders = search.world.holders.iter();
        let list: Vec<_> = holders.map(|(arn, holder)| (arn.as_str(), holder)).collect();
        let numbers = list.iter().enumerate().map(|(number, (arn, _))| (*arn, number)).collect();
        Self { list, numbers }
    }
}

/// A sure step is shorter than any number of steps that are not: nobody takes a thousand.
fn length(certainty: Certainty) -> u64 {
    match certainty {
        Certainty::Certain => 1,
        Certainty::Conditional => 1_000,
        Certainty::Unknown => 1_000_000,
    }
}

impl<'s> Search<'s> {
    pub(super) fn run(&'s self) -> Escalations {
        let people = People::of(self);
        let mut found = Escalations { blind: self.blind(), ..Escalations::default() };
        let mut courses: Vec<Option<Course>> = vec![None; people.list.len()];
        let mut queue = BinaryHeap::new();
        for (number, (arn, holder)) in people.list.iter().enumerate() {
            let Some(there) = self.is_there(arn, holder) else { continue };
            found.there.push(((*arn).to_owned(), there));
            // Whoever is not surely there may still have a sure way.
            let length = length(there).saturating_sub(1);
            if let Some(course) = courses.get_mut(number) {
                *course = Some(Course { length, edge: None, there });
                queue.push(Reverse((length, number)));
            }
        }
        let edges = self.edges(&people, &courses, &mut found.left_out);
        let mut into: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, edge) in edges.iter().enumerate() {
            match &edge.candidate.reached {
                Reached::Principal(arn) => {
                    if let Some(number) = people.numbers.get(arn.as_str()) {
                        into.entry(*number).or_default().push(at);
                    }
                }
                _ => relax(&mut courses, &mut queue, edge, at, 0),
            }
        }
        while let Some(Reverse((length, number))) = queue.pop() {
            let newest = courses.get(number).copied().flatten().map(|course| course.length);
            if newest != Some(length) {
                continue;
            }
            for at in into.get(&number).into_iter().flatten() {
                if let Some(edge) = edges.get(*at) {
                    relax(&mut courses, &mut queue, edge, *at, length);
                }
            }
        }
        found.paths = self.paths(&people, &courses, &edges);
        found
    }

    /// Ways that hang on a type which nobody has looked for.
    fn blind(&self) -> Vec<String> {
        let unseen = |way: &&Escalation| match &way.gains {
            Gain::RoleOf(type_name) => !self.world.listed.contains(type_name),
            _ => false,
        };
        self.ways.iter().filter(unseen).map(|way| way.id.clone()).collect()
    }

    /// Every open step of everybody who is not surely there already.
    fn edges(
        &'s self,
        people: &People<'s>,
        courses: &[Option<Course>],
        left_out: &mut u64,
    ) -> Vec<Edge<'s>> {
        let mut edges = Vec::new();
        for (from, (arn, holder)) in people.list.iter().enumerate() {
            let there = courses.get(from).copied().flatten();
            if there.is_some_and(|course| course.length == 0) {
                continue;
            }
            for (way, escalation) in self.ways.iter().enumerate() {
                // A trust policy may let in whom its own policies do not let try.
                let possible = escalation.needs.iter().all(|need| {
                    need.action.starts_with("sts:")
                        || self.may_do_to_anything(arn, holder, &need.action).is_some()
                });
                if !possible {
                    continue;
                }
                let mut candidates = self.candidates(arn, holder, escalation);
                // Those at the goal first: if some must be left out, not they.
                candidates.sort_by_key(|candidate| match &candidate.reached {
                    Reached::Principal(arn) => {
                        let number = people.numbers.get(arn.as_str());
                        number.and_then(|it| courses.get(*it)).is_none_or(Option::is_none)
                    }
                    _ => false,
                });
                *left_out += candidates.len().saturating_sub(STEPS_MAX) as u64;
                for candidate in candidates.into_iter().take(STEPS_MAX) {
                    let proved = self.proofs(arn, holder, escalation, &candidate);
                    let Some((mut certainty, _)) = proved else { continue };
                    if !matches!(candidate.reached, Reached::Principal(_)) {
                        match self.arrives(arn, holder, &candidate.reached) {
                            Some(arrival) => certainty = certainty.max(arrival),
                            None => continue,
                        }
                    }
                    edges.push(Edge { from, way, candidate, certainty });
                }
            }
        }
        edges
    }

    fn paths(
        &'s self,
        people: &People<'s>,
        courses: &[Option<Course>],
        edges: &[Edge<'s>],
    ) -> Vec<EscalationPath> {
        let mut paths: Vec<(u64, EscalationPath)> = Vec::new();
        for (number, (arn, _)) in people.list.iter().enumerate() {
            let Some(course) = courses.get(number).copied().flatten() else { continue };
            let (mut hops, mut end) = (Vec::new(), course.there);
            let mut next = course.edge;
            while let Some(edge) = next.and_then(|at| edges.get(at)) {
                hops.extend(self.hop(people, edge));
                let reached = match &edge.candidate.reached {
                    Reached::Principal(arn) => people.numbers.get(arn.as_str()),
                    // How sure the arrival is, is in the step.
                    _ => None,
                };
                let course = reached.and_then(|number| courses.get(*number)).copied().flatten();
                end = course.map_or(Certainty::Certain, |course| course.there);
                next = course.and_then(|course| course.edge);
            }
            if !hops.is_empty() {
                let path = EscalationPath { from: (*arn).to_owned(), hops, end };
                paths.push((course.length, path));
            }
        }
        paths.sort_by(|a, b| (a.0, &a.1.from).cmp(&(b.0, &b.1.from)));
        paths.into_iter().map(|(_, path)| path).collect()
    }

    /// A step with its proofs, asked for once more: keeping those of every step would cost more.
    fn hop(&'s self, people: &People<'s>, edge: &Edge<'s>) -> Option<Hop> {
        let (arn, holder) = *people.list.get(edge.from)?;
        let way = self.ways.get(edge.way)?;
        let (_, proofs) = self.proofs(arn, holder, way, &edge.candidate)?;
        Some(Hop {
            escalation: way.id.clone(),
            from: arn.to_owned(),
            to: edge.candidate.reached.clone(),
            through: edge.candidate.through.map(|resource| resource.key.clone()),
            certainty: edge.certainty,
            proofs,
        })
    }
}

/// Takes a step as the way of whoever takes it, if it is shorter than what it has.
fn relax(
    courses: &mut [Option<Course>],
    queue: &mut BinaryHeap<Reverse<(u64, usize)>>,
    edge: &Edge<'_>,
    at: usize,
    beyond: u64,
) {
    let total = beyond.saturating_add(length(edge.certainty));
    let Some(course) = courses.get_mut(edge.from) else { return };
    if course.is_none_or(|known| total < known.length) {
        *course = Some(Course { length: total, edge: Some(at), there: Certainty::Certain });
        queue.push(Reverse((total, edge.from)));
    }
}
