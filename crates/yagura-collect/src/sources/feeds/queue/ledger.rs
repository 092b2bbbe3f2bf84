//! Which messages wait for which objects.
//! Nothing of this outlives the process: SQS gives unsettled messages again.

use std::collections::{HashMap, HashSet};

/// Messages that were received and are not deleted yet.
#[derive(Debug, Default)]
pub(super) struct Outstanding {
    /// By message id: the newest receipt, and the objects that are not settled yet.
    messages: HashMap<String, (String, HashSet<String>)>,
    /// By object: the messages that wait for it.
    objects: HashMap<String, HashSet<String>>,
}

impl Outstanding {
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// A message waits for these objects. One that came again has a new receipt; only that one
    /// deletes it.
    pub(super) fn add(&mut self, id: String, receipt: String, objects: Vec<String>) {
        for object in &objects {
            self.objects.entry(object.clone()).or_default().insert(id.clone());
        }
        let entry = self.messages.entry(id).or_insert_with(|| (String::new(), HashSet::new()));
        entry.0 = receipt;
        entry.1.extend(objects);
    }

    /// An object is settled; gives the receipts of the messages that have nothing left to wait
    /// for.
    pub(super) fn settle(&mut self, object: &str) -> Vec<String> {
        let mut done = Vec::new();
        for id in self.objects.remove(object).unwrap_or_default() {
            let Some((_, waiting)) = self.messages.get_mut(&id) else { continue };
            waiting.remove(object);
            if waiting.is_empty()
                && let Some((receipt, _)) = self.messages.remove(&id)
            {
                done.push(receipt);
            }
        }
        done
    }

    /// All receipts.
    pub(super) fn receipts(&self) -> Vec<String> {
        self.messages.values().map(|(receipt, _)| receipt.clone()).collect()
    }

    /// These are ours no more: deleting with them would do nothing.
    pub(super) fn lose(&mut self, receipts: &[String]) {
        if receipts.is_empty() {
            return;
        }
        self.messages.retain(|_, (receipt, _)| !receipts.contains(receipt));
        let messages = &self.messages;
        self.objects.retain(|_, ids| {
            ids.retain(|id| messages.contains_key(id));
            !ids.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(outstanding: &mut Outstanding, id: &str, receipt: &str, objects: &[&str]) {
        let objects = objects.iter().map(|object| (*object).to_owned()).collect();
        outstanding.add(id.into(), receipt.into(), objects);
    }

    #[test]
    fn a_message_is_done_when_its_last_object_is() {
        let mut outstanding = Outstanding::default();
        add(&mut outstanding, "m", "r", &["a", "b"]);
        assert!(outstanding.settle("a").is_empty());
        assert!(outstanding.settle("a").is_empty());
        assert_eq!(outstanding.settle("b"), ["r"]);
        assert_eq!(outstanding.len(), 0);
        assert!(outstanding.settle("unheard-of").is_empty());
    }

    #[test]
    fn two_messages_about_one_object_are_done_together_by_their_newest_receipts() {
        let mut outstanding = Outstanding::default();
        add(&mut outstanding, "m", "r1", &["a"]);
        add(&mut outstanding, "m", "r2", &["a"]);
        add(&mut outstanding, "n", "s", &["a"]);
        let mut done = outstanding.settle("a");
        done.sort_unstable();
        assert_eq!(done, ["r2", "s"]);
    }

    #[test]
    fn a_lost_message_is_not_deleted() {
        let mut outstanding = Outstanding::default();
        add(&mut outstanding, "m", "r", &["a"]);
        add(&mut outstanding, "n", "s", &["a"]);
        outstanding.lose(&["r".to_owned()]);
        assert_eq!(outstanding.settle("a"), ["s"]);
    }
}
