//! Who became whom: chains of sessions and keys, followed back to whoever began them.
//! Reading links from records is in `behaviors`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::behaviors::Link;

/// Links followed from one actor back; longer chains of roles are cut.
const CHAIN_MAX: usize = 16;
/// Actors that came of one another, taken together at most.
const FAMILY_MAX: usize = 1_000;

/// Links between actors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct People {
    /// By who acts: who got the credentials, and when last. A second one makes the name shared:
    /// many tools give all their sessions one name, and then nobody can tell whose it is.
    parents: BTreeMap<Arc<str>, (BTreeSet<Arc<str>>, i64)>,
    children: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
}

impl People {
    /// Takes in a link.
    pub(super) fn link(&mut self, link: Link) {
        let (parents, last_us) = self.parents.entry(Arc::clone(&link.to)).or_default();
        *last_us = (*last_us).max(link.time_us);
        if parents.len() < 2 {
            parents.insert(Arc::clone(&link.from));
        }
        self.children.entry(link.from).or_default().insert(link.to);
    }

    pub(super) fn len(&self) -> usize {
        self.parents.len()
    }

    /// Whoever began the chain that an actor is of; the actor where there is none.
    pub(super) fn root(&self, actor: &Arc<str>) -> Arc<str> {
        let mut root = actor;
        let mut chain = vec![actor];
        while let Some(parent) = self.parent(root) {
            if chain.contains(&parent) || chain.len() > CHAIN_MAX {
                break;
            }
            chain.push(parent);
            root = parent;
        }
        Arc::clone(root)
    }

    /// An actor and all that came of them.
    pub(super) fn family(&self, root: &Arc<str>) -> Vec<Arc<str>> {
        let mut family = vec![Arc::clone(root)];
        let mut known = BTreeSet::from([Arc::clone(root)]);
        let mut at = 0;
        while let Some(member) = family.get(at).cloned() {
            at += 1;
            for child in self.children.get(&member).into_iter().flatten() {
                if family.len() < FAMILY_MAX
                    && self.parent(child) == Some(&member)
                    && known.insert(Arc::clone(child))
                {
                    family.push(Arc::clone(child));
                }
            }
        }
        family
    }

    /// Forgets the links of before a time.
    pub(super) fn forget(&mut self, before_us: i64) {
        self.parents.retain(|_, (_, last_us)| *last_us >= before_us);
        let parents = &self.parents;
        self.children.retain(|parent, children| {
            children.retain(|child| {
                parents.get(child).is_some_and(|(known, _)| known.contains(parent))
            });
            !children.is_empty()
        });
    }

    /// The time before which half of the links lie, to halve them.
    pub(super) fn median_us(&self) -> i64 {
        let mut times: Vec<i64> = self.parents.values().map(|(_, last_us)| *last_us).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or(i64::MIN)
    }

    fn parent(&self, actor: &Arc<str>) -> Option<&Arc<str>> {
        let (parents, _) = self.parents.get(actor)?;
        if parents.len() == 1 { parents.first() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(links: &[(&str, &str)]) -> People {
        let mut people = People::default();
        for (from, to) in links {
            people.link(Link { from: Arc::from(*from), to: Arc::from(*to), time_us: 1 });
        }
        people
    }

    fn check(links: &[(&str, &str)], actor: &str, root: &str, family: usize) {
        let people = people(links);
        let found = people.root(&Arc::from(actor));
        assert_eq!((&*found, people.family(&found).len()), (root, family), "{links:?}");
    }

    #[test]
    fn chains_are_followed_to_whoever_began_them() {
        check(&[("a", "b"), ("b", "c"), ("a", "d")], "c", "a", 4);
        check(&[], "x", "x", 1);
    }

    #[test]
    fn a_session_that_several_share_belongs_to_none_of_them() {
        check(&[("a", "s"), ("b", "s"), ("c", "s")], "s", "s", 1);
        check(&[("a", "s"), ("b", "s")], "a", "a", 1);
    }

    #[test]
    fn circles_end() {
        let people = people(&[("a", "b"), ("b", "a")]);
        let root = people.root(&Arc::from("a"));
        assert_eq!(people.family(&root).len(), 2);
    }
}
