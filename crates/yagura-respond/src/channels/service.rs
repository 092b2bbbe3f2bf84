//! One message to a service over HTTP: the requests that it takes, in order, and what their answers
//! mean. How a request is built is in `request.rs`.

use yagura_content::format::{Channel, Judged, OperationKind};
use yagura_report::messages::Manner;
use yagura_store::outbox::Thread;

use super::http::{Answer, Http};
use super::request::Building;
use super::{Parcel, Sent, Settings};

/// A service, for one message.
pub(super) struct Service<'a> {
    pub(super) channel: &'a Channel,
    pub(super) settings: &'a Settings,
    pub(super) http: &'a Http,
    pub(super) manner: Manner,
}

impl Service<'_> {
    pub(super) async fn send(&self, parcel: &Parcel<'_>) -> Sent {
        let building = Building {
            channel: self.channel,
            settings: self.settings,
            manner: &self.manner,
            notice: parcel.notice,
            thread: parcel.thread,
            now: parcel.now,
        };
        let opens = parcel.operation == OperationKind::Open;
        // An earlier attempt may have opened a ticket whose answer never arrived.
        if opens && parcel.attempt > 1 && self.channel.find.is_some() {
            match self.find(&building, parcel).await {
                Ok(Some(sent)) => return sent,
                Ok(None) => {}
                Err(sent) => return sent,
            }
        }
        let operation = self.channel.operation(parcel.operation);
        if let Some(first) = operation.and_then(|operation| operation.first.as_ref()) {
            let sent = self.one(&building, first.value, parcel).await;
            if sent.judged != Judged::Accepted {
                return sent;
            }
        }
        let mut sent = self.one(&building, parcel.operation, parcel).await;
        if sent.judged == Judged::Accepted && sent.thread.is_none() {
            let closes = parcel.operation == OperationKind::Close
                || parcel.notice.change.as_ref().is_some_and(|change| change.word == "resolved");
            sent.thread = parcel
                .thread
                .filter(|_| closes)
                .map(|thread| Thread { closed: true, ..thread.clone() });
        }
        sent
    }

    /// Makes one request and judges its answer.
    async fn one(&self, building: &Building<'_>, kind: OperationKind, parcel: &Parcel<'_>) -> Sent {
        let answer = match self.ask(building, kind, parcel).await {
            Ok(answer) => answer,
            Err(sent) => return sent,
        };
        let mut sent = self.judged(&answer);
        if sent.judged == Judged::Accepted && kind == OperationKind::Open {
            let key = self.channel.key_in(&answer.output, false);
            sent.thread =
                key.map(|key| Thread { url: building.thread_url(&key), key, closed: false });
        }
        sent
    }

    /// Looks for what an earlier attempt may have opened; none where there is nothing.
    async fn find(
        &self,
        building: &Building<'_>,
        parcel: &Parcel<'_>,
    ) -> Result<Option<Sent>, Sent> {
        let answer = self.ask(building, OperationKind::Find, parcel).await?;
        let mut sent = self.judged(&answer);
        if sent.judged != Judged::Accepted {
            return Err(sent);
        }
        let Some(key) = self.channel.key_in(&answer.output, true) else { return Ok(None) };
        sent.detail = format!("an earlier attempt had opened `{key}`");
        sent.thread = Some(Thread { url: building.thread_url(&key), key, closed: false });
        Ok(Some(sent))
    }

    async fn ask(
        &self,
        building: &Building<'_>,
        kind: OperationKind,
        parcel: &Parcel<'_>,
    ) -> Result<Answer, Sent> {
        let request = building.request(kind).map_err(|fault| Sent::refused(fault.to_string()))?;
        if !(request.url.starts_with("https://") || request.url.starts_with("http://")) {
            return Err(Sent::refused("the target names no http or https address"));
        }
        self.http.send(request, parcel.now).await.map_err(Sent::retry)
    }

    fn judged(&self, answer: &Answer) -> Sent {
        let judged = self.channel.judge(&answer.output);
        let wait = answer.wait.filter(|_| judged == Judged::Retry);
        Sent { wait, ..Sent::new(judged, Some(answer.status), answer.text.as_str()) }
    }
}
