//! Texts and lists of values that come again from record to record, each kept once: many events
//! wait together, and most name the same few actors and resources. Texts are cut, because what
//! comes from a record may be as long as its sender likes.
//! What is read from a record is `occurrence.rs`.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::occurrence::Values;

/// Places of each kind; a power of two. What comes to a taken place takes it over, so that memory
/// is bounded and nothing is ever searched for long, whatever records say.
const PLACES: usize = 1 << 15;

/// What one thread has read lately of records, to be shared with what it reads next.
#[derive(Clone, Debug, Default)]
pub struct Repeats {
    texts: Places<Arc<str>>,
    values: Places<Values>,
}

/// The last one that came to each place. Made when the first comes.
#[derive(Clone, Debug)]
struct Places<T>(Vec<Option<T>>);

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl Repeats {
    /// The text, cut to so many characters and shared with whoever had it before.
    pub fn text(&mut self, text: &str, chars_max: usize) -> Arc<str> {
        self.texts.share(cut(text, chars_max))
    }

    pub(super) fn values(&mut self, values: &[Option<Arc<str>>]) -> Values {
        self.values.share(values)
    }
}

impl<T> Places<T> {
    fn share<B>(&mut self, wanted: &B) -> T
    where
        B: Hash + PartialEq + ?Sized,
        T: Clone + std::ops::Deref<Target = B> + for<'b> From<&'b B>,
    {
        if self.0.is_empty() {
            self.0.resize_with(PLACES, || None);
        }
        let hash = FixedState::default().hash_one(wanted);
        let at = usize::try_from(hash % PLACES as u64).unwrap_or_default();
        let Some(place) = self.0.get_mut(at) else { return T::from(wanted) };
        match place {
            Some(known) if **known == *wanted => known.clone(),
            place => place.insert(T::from(wanted)).clone(),
        }
    }
}

fn cut(text: &str, chars_max: usize) -> &str {
    if text.len() <= chars_max {
        return text;
    }
    let end = text.char_indices().nth(chars_max).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_is_shared_and_what_is_pushed_out_is_made_anew() {
        let mut repeats = Repeats::default();
        let first = repeats.text("alice", 9);
        assert!(Arc::ptr_eq(&first, &repeats.text("alice", 9)));
        let values = repeats.values(&[Some(Arc::clone(&first)), None]);
        assert!(Arc::ptr_eq(&values, &repeats.values(&[Some(Arc::from("alice")), None])));
        for number in 0..PLACES * 16 {
            assert_eq!(&*repeats.text(&number.to_string(), 9), number.to_string());
        }
        let again = repeats.text("alice", 9);
        assert!(!Arc::ptr_eq(&first, &again));
        assert_eq!(first, again);
    }
}
