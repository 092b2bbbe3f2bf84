//! Which content takes which step, so that as many steps as can be are taken: matching between
//! two sides, and chains in order. What steps and contents are is `story.rs`'s business.

/// Searches of one chain; beyond, it counts as not there. Sequences have a handful of steps.
const SEARCHES_MAX: usize = 20_000;

/// For each left node the right node it is matched with, such that as many as can be are, and
/// those before `first` are preferred (Kuhn's algorithm: a node once matched stays so).
pub(super) fn matching(edges: &[Vec<usize>], rights: usize) -> Vec<Option<usize>> {
    let mut owner: Vec<Option<usize>> = vec![None; rights];
    for left in 0..edges.len() {
        let mut seen = vec![false; rights];
        augment(edges, left, &mut seen, &mut owner);
    }
    let mut matched = vec![None; edges.len()];
    for (right, left) in owner.iter().enumerate() {
        if let Some(place) = left.and_then(|left| matched.get_mut(left)) {
            *place = Some(right);
        }
    }
    matched
}

// The depth of the recursion is the number of left nodes, which are steps or tactics.
fn augment(
    edges: &[Vec<usize>],
    left: usize,
    seen: &mut [bool],
    owner: &mut [Option<usize>],
) -> bool {
    for right in edges.get(left).into_iter().flatten() {
        let Some(mark) = seen.get_mut(*right) else { continue };
        if std::mem::replace(mark, true) {
            continue;
        }
        let free = match owner.get(*right).copied().flatten() {
            None => true,
            Some(other) => augment(edges, other, seen, owner),
        };
        if free && let Some(place) = owner.get_mut(*right) {
            *place = Some(left);
            return true;
        }
    }
    false
}

/// What may take a step: when, and which content it is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taker {
    pub(super) time_us: i64,
    pub(super) content: usize,
}

/// How many steps can be taken one after the other, each by a content of its own; none if a step
/// that is needed cannot.
pub(super) fn chain(steps: &[(bool, Vec<Taker>)]) -> Option<usize> {
    let mut searches = 0;
    follow(steps, i64::MIN, &mut Vec::new(), &mut searches)
}

// The depth of the recursion is the number of steps, at most 16.
fn follow(
    steps: &[(bool, Vec<Taker>)],
    from_us: i64,
    used: &mut Vec<usize>,
    searches: &mut usize,
) -> Option<usize> {
    let Some(((optional, takers), rest)) = steps.split_first() else { return Some(0) };
    *searches += 1;
    if *searches > SEARCHES_MAX {
        return None;
    }
    let mut best = if *optional { follow(rest, from_us, used, searches) } else { None };
    let mut tried = Vec::new();
    for taker in takers.iter().filter(|taker| taker.time_us >= from_us) {
        // Of one content the earliest leaves most room.
        if used.contains(&taker.content) || tried.contains(&taker.content) {
            continue;
        }
        tried.push(taker.content);
        used.push(taker.content);
        let taken = follow(rest, taker.time_us, used, searches).map(|count| count + 1);
        used.pop();
        best = best.max(taken);
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_content_does_not_take_two_steps() {
        let count = |edges: &[Vec<usize>], rights| matching(edges, rights).iter().flatten().count();
        assert_eq!(count(&[vec![0], vec![0]], 1), 1);
        assert_eq!(count(&[vec![0, 1], vec![0]], 2), 2);
        assert_eq!(count(&[vec![0, 1], vec![0, 1], vec![0, 1]], 2), 2);
        assert_eq!(count(&[vec![]], 0), 0);
    }

    fn takers(list: &[(i64, usize)]) -> Vec<Taker> {
        list.iter()
            .map(|(time_us, content)| Taker { time_us: *time_us, content: *content })
            .collect()
    }

    #[test]
    fn steps_in_order_are_taken_in_order() {
        let first = (false, takers(&[(5, 0)]));
        let second = (false, takers(&[(3, 1), (7, 1)]));
        assert_eq!(chain(&[first.clone(), second.clone()]), Some(2));
        let early = (false, takers(&[(3, 1)]));
        assert_eq!(chain(&[first.clone(), early.clone()]), None);
        assert_eq!(chain(&[first.clone(), (true, early.1)]), Some(1));
        assert_eq!(chain(&[first.clone(), (false, takers(&[(9, 0)]))]), None);
        assert_eq!(chain(&[first, (false, takers(&[(5, 2)]))]), Some(2));
    }
}
