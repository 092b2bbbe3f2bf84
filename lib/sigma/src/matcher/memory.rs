//! What one field's checks made of texts that came lately: names of calls, user agents and the like
//! come again and again, and looking one up costs less than searching it.
//! What the checks are is `field.rs`.

use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;

/// Places of one field; a power of two. What comes to a taken place takes it over.
const PLACES: usize = 512;
/// Bytes of a text that is remembered; longer ones seldom come twice.
const TEXT_BYTES_MAX: usize = 256;

/// What one thread remembers of one field. Made when the first text comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Vec<Remembered>);

#[derive(Clone, Debug, Default)]
struct Remembered {
    text: Box<str>,
    /// The checks that hold of it.
    checks: Box<[u32]>,
}

impl Memory {
    /// The checks that hold of a text: as they were found lately, or as `find` finds them now.
    /// Nothing is remembered of a long text.
    pub(super) fn checks(
        &mut self,
        text: &str,
        find: impl FnOnce(&mut dyn FnMut(u32)),
        hold: &mut dyn FnMut(u32),
    ) {
        if text.is_empty() || text.len() > TEXT_BYTES_MAX {
            find(hold);
            return;
        }
        if self.0.is_empty() {
            self.0.resize_with(PLACES, Remembered::default);
        }
        let hash = FixedState::default().hash_one(text);
        let at = usize::try_from(hash % PLACES as u64).unwrap_or_default();
        let Some(place) = self.0.get_mut(at) else { return find(hold) };
        if *place.text != *text {
            let mut checks = Vec::new();
            find(&mut |check| checks.push(check));
            *place = Remembered { text: text.into(), checks: checks.into() };
        }
        place.checks.iter().for_each(|check| hold(*check));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_comes_again_is_not_searched_again() {
        let (mut memory, mut searched) = (Memory::default(), 0);
        let mut ask = |text: &str| {
            let mut held = Vec::new();
            let find = |hold: &mut dyn FnMut(u32)| {
                searched += 1;
                hold(u32::try_from(text.len()).unwrap());
                hold(7);
            };
            memory.checks(text, find, &mut |check| held.push(check));
            assert_eq!(held, [u32::try_from(text.len()).unwrap(), 7], "{text}");
        };
        ["GetObject", "GetObject", "PutObject", "GetObject"].into_iter().for_each(&mut ask);
        let long = "a".repeat(TEXT_BYTES_MAX + 1);
        [long.as_str(), &long, "", ""].into_iter().for_each(&mut ask);
        assert!((6..=7).contains(&searched), "{searched}: two names may share a place");
    }

    #[test]
    fn what_is_pushed_out_is_searched_again() {
        let mut memory = Memory::default();
        for round in 0..2 {
            for number in 0..PLACES * 4 {
                let (text, mut held) = (format!("{number}"), Vec::new());
                let own = u32::try_from(number).unwrap();
                memory.checks(&text, |hold| hold(own), &mut |check| held.push(check));
                assert_eq!(held, [own], "round {round}");
            }
        }
    }
}
