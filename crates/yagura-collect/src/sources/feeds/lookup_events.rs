//! CloudTrail's own memory of ninety days (`LookupEvents`): management events of an account and
//! region without any trail, slowly.
//! Spans, overlaps and files are `poll`'s.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use yagura_aws::{ReadClient, Target};

use super::FeedError;
use super::bucket::fault;
use super::poll::{Poll, PollOptions, Polled, Poller};

/// The read calls of this feed, as content files name calls: what the client must declare.
pub const CALLS: [&str; 1] = ["cloudtrail:LookupEvents"];

/// Two calls per second and account and region, at most (CloudTrail API Reference, `LookupEvents`,
/// seen 2026-11).
const PAUSE: Duration = Duration::from_millis(500);
/// How far back it remembers.
const MEMORY: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The event history of an account and region; a beginning more than ninety days ago is moved up.
///
/// # Errors
/// When the folder of its own cannot be used.
pub fn event_history(
    client: ReadClient,
    target: Target,
    options: PollOptions,
) -> Result<Poller, FeedError> {
    let Target { account, region } = &target;
    let name = format!("lookup-events://{account}/{region}");
    let oldest = (options.clock)().saturating_sub(MEMORY).unwrap_or(options.since);
    let options = PollOptions { since: options.since.max(oldest), ..options };
    Poller::open(Box::new(History { client, target, name }), options)
}

struct History {
    client: ReadClient,
    target: Target,
    name: String,
}

impl Poll for History {
    fn name(&self) -> &str {
        &self.name
    }

    fn pages(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> BoxStream<'_, Result<Vec<Polled>, FeedError>> {
        let input = json!({"StartTime": from.to_string(), "EndTime": until.to_string()});
        let state = Some((input, None::<String>));
        futures::stream::unfold(state, move |state| async move {
            let (mut input, token) = state?;
            if let (Some(token), Some(members)) = (&token, input.as_object_mut()) {
                tokio::time::sleep(PAUSE).await;
                members.insert("NextToken".into(), token.as_str().into());
            }
            let call = self.client.call(&self.target, "cloudtrail", "LookupEvents", &input);
            let answer = match call.await {
                Ok(answer) => answer,
                Err(error) => return Some((Err(fault("read", &self.name, error)), None)),
            };
            let next = answer.get("NextToken").and_then(Value::as_str).map(str::to_owned);
            if next.is_some() && next == token {
                let error = std::io::Error::other("AWS repeats the token of the page before");
                let error = FeedError::of_io("read", &self.name, error);
                return Some((Err(error), None));
            }
            let events = answer.get("Events").and_then(Value::as_array).into_iter().flatten();
            let page = events.filter_map(polled).collect();
            Some((Ok(page), next.map(|next| (input, Some(next)))))
        })
        .boxed()
    }

    fn lines(&self, events: &[Polled]) -> String {
        let events: Vec<&Value> = events.iter().map(|event| &event.event).collect();
        format!("{}\n", json!({"Events": events}))
    }
}

fn polled(event: &Value) -> Option<Polled> {
    let time = match event.get("EventTime")? {
        Value::String(text) => text.parse().ok()?,
        number => {
            Timestamp::from_second(number.as_f64()?.round().to_string().parse().ok()?).ok()?
        }
    };
    Some(Polled {
        id: event.get("EventId")?.as_str()?.to_owned(),
        time,
        part: String::new(),
        event: event.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_an_event_may_be_text_or_seconds() {
        for time in [json!("2026-11-21T00:00:00Z"), json!(1_795_219_200.0)] {
            let event = json!({"EventId": "e", "EventTime": time, "CloudTrailEvent": "{}"});
            assert_eq!(polled(&event).unwrap().time.as_second(), 1_795_219_200);
        }
        assert_eq!(polled(&json!({"EventId": "e"})), None);
    }
}
