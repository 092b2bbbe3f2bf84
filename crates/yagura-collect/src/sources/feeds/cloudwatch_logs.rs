//! Log groups of CloudWatch Logs, asked again and again: for what is delivered nowhere else
//! (control planes of EKS, databases, functions).
//! Spans, overlaps and files are `poll`'s. Subscriptions through Firehose arrive in buckets.

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::Timestamp;
use serde_json::{Value, json};
use yagura_aws::{CallError, ReadClient, Target};

use super::FeedError;
use super::bucket::fault;
use super::poll::{Poll, PollOptions, Polled, Poller};

/// The read calls of this feed, as content files name calls: what the client must declare.
pub const CALLS: [&str; 2] = ["logs:DescribeLogGroups", "logs:FilterLogEvents"];

/// A log group of an account and region.
///
/// # Errors
/// When the folder of its own cannot be used.
pub fn log_group(
    client: ReadClient,
    target: Target,
    group: &str,
    options: PollOptions,
) -> Result<Poller, FeedError> {
    let Target { account, region } = &target;
    let name = format!("logs://{account}/{region}/{group}");
    let group = group.to_owned();
    Poller::open(Box::new(LogGroup { client, target, group, name }), options)
}

/// The names of the log groups that begin with a prefix (empty: all).
///
/// # Errors
/// When they cannot be listed.
pub async fn log_groups(
    client: &ReadClient,
    target: &Target,
    prefix: &str,
) -> Result<Vec<String>, CallError> {
    let input = match prefix {
        "" => json!({}),
        prefix => json!({"logGroupNamePrefix": prefix}),
    };
    let answer = client.call_all(target, "logs", "DescribeLogGroups", &input).await?;
    let groups = answer.get("logGroups").and_then(Value::as_array).into_iter().flatten();
    Ok(groups.filter_map(|group| group.get("logGroupName")?.as_str().map(str::to_owned)).collect())
}

struct LogGroup {
    client: ReadClient,
    target: Target,
    group: String,
    name: String,
}

impl Poll for LogGroup {
    fn name(&self) -> &str {
        &self.name
    }

    fn pages(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> BoxStream<'_, Result<Vec<Polled>, FeedError>> {
        let input = json!({
            "logGroupName": self.group,
            "startTime": from.as_millisecond(),
            "endTime": until.as_millisecond(),
        });
        async_pages(self, input)
    }

    /// As a subscription would have written them: a message per log stream.
    fn lines(&self, events: &[Polled]) -> String {
        let mut streams: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for event in events {
            streams.entry(&event.part).or_default().push(&event.event);
        }
        let message = |(stream, events): (&str, Vec<&Value>)| {
            let message = json!({
                "messageType": "DATA_MESSAGE", "owner": self.target.account,
                "logGroup": self.group, "logStream": stream,
                "subscriptionFilters": [], "logEvents": events,
            });
            format!("{message}\n")
        };
        streams.into_iter().map(message).collect()
    }
}

fn async_pages(group: &LogGroup, input: Value) -> BoxStream<'_, Result<Vec<Polled>, FeedError>> {
    let state = Some((input, None::<String>));
    futures::stream::unfold(state, move |state| async move {
        let (mut input, token) = state?;
        if let (Some(token), Some(members)) = (&token, input.as_object_mut()) {
            members.insert("nextToken".into(), token.as_str().into());
        }
        let answer = group.client.call(&group.target, "logs", "FilterLogEvents", &input).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Some((Err(fault("read", &group.name, error)), None)),
        };
        let next = answer.get("nextToken").and_then(Value::as_str).map(str::to_owned);
        // A token that repeats itself would never end; the span stays open and is asked again.
        if next.is_some() && next == token {
            let error = std::io::Error::other("AWS repeats the token of the page before");
            let error = FeedError::of_io("read", &group.name, error);
            return Some((Err(error), None));
        }
        let events = answer.get("events").and_then(Value::as_array).into_iter().flatten();
        let page = events.filter_map(polled).collect();
        Some((Ok(page), next.map(|next| (input, Some(next)))))
    })
    .boxed()
}

fn polled(event: &Value) -> Option<Polled> {
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let time_ms = event.get("timestamp").and_then(Value::as_i64)?;
    let (id, stream) = (text("eventId")?, text("logStreamName").unwrap_or_default());
    Some(Polled {
        id: format!("{stream}\0{id}"),
        time: Timestamp::from_millisecond(time_ms).ok()?,
        part: stream.to_owned(),
        event: json!({"id": id, "timestamp": time_ms, "message": text("message")?}),
    })
}
