//! One product in one account and region, while it is read: its calls, what is sent on, and what
//! is remembered of it for the end. What the answers mean is known by the module of the product.

use std::sync::Arc;

use futures::StreamExt;
use serde_json::Value;
use tokio::sync::mpsc;
use yagura_model::Unread;
use yagura_model::imported::Imported;

use super::told::{BadFinding, list};
use super::{BAD_TOLD_MAX, ImportEvent, PlaceRead, PlaceState, Product};
use crate::caller::{CallName, Caller, Failure, Place};

/// Findings that one listing may hold; beyond, reading it ends as unread, and says so.
const LISTED_MAX: usize = 2_000_000;

/// Why a reading ended before its end.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The product is not in use there.
    Off,
    /// A call did not answer.
    Failed(Box<Unread>),
    /// Nobody receives what is read.
    Unheard,
}

/// One reading.
pub(super) struct Reading<'a> {
    caller: &'a dyn Caller,
    place: Place,
    scope: Arc<str>,
    since_us: Option<i64>,
    sink: mpsc::Sender<ImportEvent>,
    off: Option<(&'static str, &'static str)>,
    whole: bool,
    findings: u64,
    bad: u64,
    updated_us: Option<i64>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        caller: &'a dyn Caller,
        place: Place,
        scope: Arc<str>,
        since_us: Option<i64>,
        sink: mpsc::Sender<ImportEvent>,
    ) -> Self {
        Self {
            caller,
            place,
            scope,
            since_us,
            sink,
            off: None,
            whole: false,
            findings: 0,
            bad: 0,
            updated_us: None,
        }
    }

    /// The account that is asked.
    pub(super) fn account(&self) -> &str {
        &self.place.account
    }

    /// The region that is asked.
    pub(super) fn region(&self) -> &str {
        &self.place.region
    }

    /// From when on changes are wanted, in microseconds since 1970; none: everything.
    pub(super) fn since_us(&self) -> Option<i64> {
        self.since_us
    }

    /// The same in milliseconds.
    pub(super) fn since_ms(&self) -> Option<i64> {
        self.since_us.map(|us| us.div_euclid(1_000))
    }

    /// The same in words.
    pub(super) fn since_time(&self) -> Option<String> {
        let time = jiff::Timestamp::from_microsecond(self.since_us?).ok()?;
        Some(time.to_string())
    }

    /// An error with this code and these words says that the product is off.
    pub(super) fn off_where(&mut self, code: &'static str, message: &'static str) {
        self.off = Some((code, message));
    }

    /// Everything that is active has been read or listed.
    pub(super) fn whole(&mut self) {
        self.whole = true;
    }

    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// All pages of a call as one answer.
    pub(super) async fn call(
        &self,
        service: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Value, Stopped> {
        let call = CallName::new(service, operation);
        let answer = self.caller.call(&self.place, &call, input).await;
        answer.map_err(|failure| stopped(self.off, failure))
    }

    /// The elements of a list over all pages of a call.
    pub(super) async fn gather(
        &self,
        service: &str,
        operation: &str,
        input: &Value,
        place: &str,
    ) -> Result<Vec<Value>, Stopped> {
        let call = CallName::new(service, operation);
        let mut pages = self.caller.pages(&self.place, &call, input);
        let mut gathered = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|failure| stopped(self.off, failure))?;
            gathered.extend(list(&page, place).cloned());
            if gathered.len() > LISTED_MAX {
                let why = format!("more than {LISTED_MAX} entries");
                let reason = yagura_model::UnreadReason::Failed;
                return Err(stopped(None, Failure::local(reason, &call.to_string(), why)));
            }
        }
        Ok(gathered)
    }

    /// The texts of a list over all pages of a call.
    pub(super) async fn identifiers(
        &self,
        service: &str,
        operation: &str,
        input: &Value,
        place: &str,
    ) -> Result<Vec<String>, Stopped> {
        let listed = self.gather(service, operation, input, place).await?;
        Ok(listed.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// Sends on every element of a list, page by page.
    pub(super) async fn each(
        &mut self,
        service: &str,
        operation: &str,
        input: &Value,
        place: &str,
        map: impl Fn(&Value) -> Result<Imported, BadFinding> + Send,
    ) -> Result<(), Stopped> {
        let call = CallName::new(service, operation);
        let (caller, at) = (self.caller, self.place.clone());
        let mut pages = caller.pages(&at, &call, input);
        while let Some(page) = pages.next().await {
            let page = page.map_err(|failure| stopped(self.off, failure))?;
            for one in list(&page, place) {
                self.found(map(one)).await?;
            }
        }
        Ok(())
    }

    /// Sends on a finding, or that a record is none.
    pub(super) async fn found(
        &mut self,
        finding: Result<Imported, BadFinding>,
    ) -> Result<(), Stopped> {
        let scope = Arc::clone(&self.scope);
        match finding {
            Ok(finding) => {
                self.findings += 1;
                self.updated_us = self.updated_us.max(Some(finding.updated_us));
                self.send(ImportEvent::Found { scope, finding: Box::new(finding) }).await
            }
            Err(why) => {
                self.bad += 1;
                if self.bad > BAD_TOLD_MAX {
                    return Ok(());
                }
                self.send(ImportEvent::Bad { scope, why }).await
            }
        }
    }

    /// Sends on which findings are active, read again or not.
    pub(super) async fn present(
        &self,
        product: &'static str,
        originals: Vec<String>,
    ) -> Result<(), Stopped> {
        if originals.is_empty() {
            return Ok(());
        }
        let scope = Arc::clone(&self.scope);
        self.send(ImportEvent::Present { scope, product, originals }).await
    }

    /// Says what became of the place. A record that could not be read may have been any finding:
    /// then the listing is not whole.
    pub(super) async fn end(self, product: Product, state: PlaceState) {
        let state = match state {
            PlaceState::Whole if self.bad > 0 => PlaceState::Changes,
            state => state,
        };
        let read = PlaceRead {
            scope: self.scope,
            product,
            account: self.place.account,
            region: self.place.region,
            state,
            findings: self.findings,
            bad: self.bad,
            updated_us: self.updated_us,
        };
        // Nobody listens any more: there is nobody to tell.
        let _ = self.sink.send(ImportEvent::Place(read)).await;
    }

    async fn send(&self, event: ImportEvent) -> Result<(), Stopped> {
        self.sink.send(event).await.map_err(|_| Stopped::Unheard)
    }
}

fn stopped(off: Option<(&str, &str)>, failure: Failure) -> Stopped {
    let is_off =
        off.is_some_and(|(code, words)| failure.code == code && failure.message.contains(words));
    if is_off { Stopped::Off } else { Stopped::Failed(failure.unread) }
}
