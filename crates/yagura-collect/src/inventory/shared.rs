//! What the calls of a scan share: answers that several resources need, made once per account and
//! region; services that have been found shut; notices that have been said.
//! Nothing here knows what an answer means.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::OnceCell;
use yagura_model::UnreadReason;

use crate::caller::{CallName, Failure, Place};
use crate::notice::{Notice, NoticeKind};

/// Locks; a holder that panicked has only ever inserted whole entries.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers by call and input, each asked for once however many want it at the same time.
#[derive(Debug)]
pub(crate) struct Memo<T> {
    cells: Mutex<HashMap<String, Arc<OnceCell<Arc<T>>>>>,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self { cells: Mutex::default() }
    }
}

impl<T> Memo<T> {
    /// The value under a key; `make` runs at most once per key.
    pub(crate) async fn get(&self, key: String, make: impl Future<Output = T>) -> Arc<T> {
        let cell = Arc::clone(lock(&self.cells).entry(key).or_default());
        Arc::clone(cell.get_or_init(|| async { Arc::new(make.await) }).await)
    }
}

/// The key of an answer.
pub(crate) fn memo_key(place: &Place, call: &CallName, input: &Value) -> String {
    format!("{}/{call}/{input}", place.region)
}

/// Calls that will not be answered in an account and region, whatever they ask about.
#[derive(Debug, Default)]
pub(crate) struct Shut {
    calls: Mutex<HashMap<(Place, CallName), Failure>>,
}

impl Shut {
    /// Why a call need not be made.
    pub(crate) fn reason(&self, place: &Place, call: &CallName) -> Option<Failure> {
        let calls = lock(&self.calls);
        if calls.is_empty() {
            return None;
        }
        calls.get(&(place.clone(), call.clone())).cloned()
    }

    /// Remembers a failure that the same call will meet again: the service is not offered here,
    /// or an organization policy forbids the call. What only the caller's own permissions deny
    /// may be allowed on the next resource, and `UnsupportedOperation` may speak of one resource
    /// only (Amazon EC2 API Reference, "Client error codes", seen 2026-11).
    pub(crate) fn learn(&self, place: &Place, call: &CallName, failure: &Failure) {
        if is_shut(failure) {
            lock(&self.calls)
                .entry((place.clone(), call.clone()))
                .or_insert_with(|| failure.clone());
        }
    }
}

/// Whether a failure concerns the service in this account and region, not one resource.
pub(crate) fn is_shut(failure: &Failure) -> bool {
    match failure.unread.reason {
        UnreadReason::Unsupported => failure.code != "UnsupportedOperation",
        reason => reason == UnreadReason::DeniedByOrganization,
    }
}

/// Notices, each said once.
#[derive(Debug, Default)]
pub(crate) struct Said {
    keys: Mutex<HashSet<(String, String, NoticeKind)>>,
}

impl Said {
    /// Whether this notice has not been said yet; the texts behind it may differ.
    pub(crate) fn is_new(&self, notice: &Notice) -> bool {
        let Notice { account, region, kind, .. } = notice;
        lock(&self.keys).insert((account.clone(), region.clone(), kind.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { account: "111122223333".into(), region: "us-east-1".into() }
    }

    fn learned(reason: UnreadReason) -> Option<Failure> {
        let shut = Shut::default();
        let call = CallName::new("macie2", "GetMacieSession");
        shut.learn(&place(), &call, &Failure::local(reason, "", ""));
        shut.reason(&place(), &call)
    }

    #[test]
    fn only_what_will_fail_again_is_remembered() {
        assert!(learned(UnreadReason::DeniedByOrganization).is_some());
        assert!(learned(UnreadReason::Unsupported).is_some());
        for reason in [UnreadReason::Denied, UnreadReason::Throttled, UnreadReason::TimedOut] {
            assert_eq!(learned(reason), None);
        }
    }

    #[test]
    fn what_one_resource_does_not_support_the_next_one_may() {
        let mut failure = Failure::local(UnreadReason::Unsupported, "", "");
        assert!(is_shut(&failure));
        failure.code = "UnsupportedOperation".into();
        assert!(!is_shut(&failure));
    }

    #[test]
    fn a_shut_call_is_shut_nowhere_else() {
        let shut = Shut::default();
        let call = CallName::new("macie2", "GetMacieSession");
        shut.learn(&place(), &call, &Failure::local(UnreadReason::Unsupported, "", ""));
        let elsewhere = Place { region: "eu-west-1".into(), ..place() };
        assert_eq!(shut.reason(&elsewhere, &call), None);
        assert_eq!(shut.reason(&place(), &CallName::new("macie2", "ListMembers")), None);
    }

    #[test]
    fn an_answer_is_asked_for_once() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let memo = Memo::default();
            let asked = std::cell::Cell::new(0);
            let ask = || memo.get("k".into(), async { asked.set(asked.get() + 1) });
            futures::join!(ask(), ask());
            ask().await;
            assert_eq!(asked.get(), 1);
        });
    }
}
