//! The values of one record as the plan's paths found them.
//! What columns make of them is `fill.rs`.

use std::borrow::Cow;

use yagura_model::event::{Record, Value};
use yagura_model::source::{Found, picked};

use crate::rows::plan::{Candidate, RowPlan, SharedText, Slot, Wanted, WantedPiece};

/// What was found, scope by scope. Kept from record to record, so that nothing is allocated.
#[derive(Debug)]
pub(crate) struct Values<'a> {
    scopes: Vec<ScopeValues<'a>>,
}

#[derive(Debug, Default)]
struct ScopeValues<'a> {
    first: Vec<Option<Value<'a>>>,
    lists: Vec<Vec<Value<'a>>>,
}

impl<'a> Values<'a> {
    pub(crate) fn new(plan: &RowPlan) -> Self {
        let empty = plan.scopes.iter().map(|scope| ScopeValues {
            first: vec![None; scope.slots.len()],
            lists: vec![Vec::new(); scope.lists],
        });
        Self { scopes: empty.collect() }
    }

    /// Walks a value for the paths of a scope.
    pub(crate) fn walk(&mut self, plan: &RowPlan, scope: usize, from: Value<'a>) {
        let (Some(planned), Some(values)) = (plan.scopes.get(scope), self.scopes.get_mut(scope))
        else {
            return;
        };
        values.first.fill(None);
        values.lists.iter_mut().for_each(Vec::clear);
        planned.trie.visit(from, &mut |path, value| {
            if value.is_null() {
                return;
            }
            match planned.slots.get(path) {
                Some(Slot::First(picks)) => {
                    if let Some(first @ None) = values.first.get_mut(path)
                        && (picks.is_empty() || picked(picks, value.text()).is_some())
                    {
                        *first = Some(value);
                    }
                }
                Some(Slot::All(list)) => {
                    if let Some(list) = values.lists.get_mut(*list) {
                        list.push(value);
                    }
                }
                None => {}
            }
        });
    }

    /// What a candidate comes to; none for [`Candidate::Each`], which is a list.
    pub(crate) fn find(
        &self,
        scope: usize,
        candidate: &Candidate,
        record: Record<'a>,
    ) -> Option<Found<'a>> {
        match candidate {
            Candidate::Slot(slot, picks) => {
                let value = (*self.scopes.get(scope)?.first.get(*slot)?)?;
                match picks.is_empty() {
                    true => Some(Found::Value(value)),
                    false => picked(picks, value.text()).map(Found::Text),
                }
            }
            Candidate::Key(name, picks) => {
                let text = record.key_field(name)?;
                picked(picks, Cow::Borrowed(text)).map(Found::Text)
            }
            Candidate::Each(..) => None,
        }
    }

    /// Takes a list of a scope away, so that other scopes can be walked meanwhile.
    pub(crate) fn take_list(&mut self, scope: usize, list: usize) -> Vec<Value<'a>> {
        let lists = self.scopes.get_mut(scope).map(|scope| &mut scope.lists);
        lists.and_then(|lists| lists.get_mut(list)).map(std::mem::take).unwrap_or_default()
    }

    /// Gives a list back for the next record.
    pub(crate) fn put_list(&mut self, scope: usize, list: usize, values: Vec<Value<'a>>) {
        let lists = self.scopes.get_mut(scope).map(|scope| &mut scope.lists);
        if let Some(place) = lists.and_then(|lists| lists.get_mut(list)) {
            *place = values;
        }
    }

    /// A text made of values of the record; none where one is missing or empty.
    pub(crate) fn wanted(&self, wanted: &Wanted, record: Record<'a>) -> Option<Cow<'a, str>> {
        let full = |text: &Cow<'a, str>| !text.is_empty();
        let value = |candidate: &Candidate| {
            // Not moved out of where it was put: see `Filler::column`.
            let found = self.find(0, candidate, record);
            found.as_ref().map(Found::text).filter(full)
        };
        match wanted {
            Wanted::Value(candidate) => value(candidate),
            Wanted::Pieces(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        WantedPiece::Text(plain) => text.push_str(plain),
                        WantedPiece::Value(candidate) => text.push_str(value(candidate)?.as_ref()),
                    }
                }
                Some(Cow::Owned(text))
            }
        }
    }

    /// Hands the value of a shared column over: borrowed from the record, from the rule, or made;
    /// with the place of what it was taken from.
    pub(crate) fn shared<'s, T>(
        &self,
        text: &'s SharedText,
        record: Record<'a>,
        take: impl FnOnce(Option<&str>, Option<usize>) -> T,
    ) -> T
    where
        'a: 's,
    {
        let mut found = text.from.iter().enumerate();
        let found = found.find_map(|(at, from)| Some((at, self.wanted(from, record)?)));
        match found {
            Some((at, found)) => take(text.rule.settle(Some(&found)), Some(at)),
            None => take(text.rule.settle(None), None),
        }
    }
}
