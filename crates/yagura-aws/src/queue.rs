//! The one thing that collect may change at AWS: messages of its own queue, received, kept from
//! others while they are worked on, and deleted once their content is safe.
//! What the messages say is read in collect.

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::client::{Aws, Call, Target};
use crate::credentials::Signer;
use crate::error::{CallError, CallErrorKind, printable};

/// The most that SQS gives, deletes or extends at once (SQS Developer Guide, "Quotas").
const BATCH_MAX: usize = 10;
/// The longest wait of one call that SQS allows, in seconds.
const WAIT_SECONDS_MAX: u32 = 20;
/// The longest time that SQS keeps a message from others, in seconds: 12 hours.
const HIDDEN_SECONDS_MAX: u32 = 43_200;

/// Consumes one queue: it can receive, extend and delete its messages, and do nothing else.
#[derive(Clone, Debug)]
pub struct QueueConsumer {
    aws: Aws,
    target: Target,
    url: String,
    cancel: CancellationToken,
}

/// A message that is ours until its time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// SQS's id of the message: the same at every receipt.
    pub id: String,
    /// What deletes or extends this receipt of it.
    pub receipt: String,
    /// The text, as it was sent.
    pub body: String,
    /// How often it was received, this time included.
    pub receipts: u32,
    /// When it was sent.
    pub sent: Option<Timestamp>,
}

/// How full a queue is, as far as SQS knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Messages that wait.
    pub waiting: u64,
    /// Messages that somebody received and has not deleted yet.
    pub hidden: u64,
}

impl Aws {
    /// A consumer of one queue, by its URL or ARN. The target's account is the one whose session
    /// signs; the region is the queue's own where the name tells it.
    ///
    /// # Errors
    /// When the name is neither the URL nor the ARN of a queue, or the queue does not exist.
    pub async fn consumer(
        &self,
        target: &Target,
        queue: &str,
        cancel: CancellationToken,
    ) -> Result<QueueConsumer, CallError> {
        let target =
            Target { region: region_of(queue).unwrap_or(&target.region).into(), ..target.clone() };
        if queue.starts_with("http://") || queue.starts_with("https://") {
            return Ok(QueueConsumer { aws: self.clone(), target, url: queue.into(), cancel });
        }
        let parts: Vec<&str> = queue.split(':').collect();
        let ["arn", _, "sqs", _, owner, name] = parts[..] else {
            let call = Call { input: &Value::Null, ..call(&target, "GetQueueUrl") };
            let shown = printable(queue, 200);
            let message = format!("`{shown}` is neither the URL nor the ARN of a queue");
            return Err(call.error(CallErrorKind::Failed, message));
        };
        let input = json!({"QueueName": name, "QueueOwnerAWSAccountId": owner});
        let call = Call { input: &input, ..call(&target, "GetQueueUrl") };
        let answer = self.inner.invoke(call, &cancel).await?;
        let url = answer.get("QueueUrl").and_then(Value::as_str);
        let url = url.ok_or_else(|| call.failed("the answer names no queue"))?.to_owned();
        Ok(QueueConsumer { aws: self.clone(), target, url, cancel })
    }
}

fn call<'a>(target: &'a Target, operation: &'a str) -> Call<'a> {
    Call { target, signer: Signer::Account, service: "sqs", operation, input: &Value::Null }
}

/// `https://sqs.REGION.amazonaws.com/…` or `arn:aws:sqs:REGION:…`.
fn region_of(queue: &str) -> Option<&str> {
    let region = match queue.strip_prefix("arn:") {
        Some(rest) => rest.split(':').nth(2)?,
        None => {
            let host = queue.split("://").nth(1)?.split('/').next()?;
            let mut labels = host.split('.');
            match labels.next()? {
                "sqs" | "sqs-fips" => labels.next()?,
                _ => return None,
            }
        }
    };
    let looks_right = region.len() > 6 && region.contains('-');
    looks_right.then_some(region)
}

impl QueueConsumer {
    /// The queue's URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// At most ten messages, each kept from others for `hidden_seconds`. Waits up to
    /// `wait_seconds` for the first one; none is no error.
    ///
    /// # Errors
    /// [`CallError`], after all retries.
    pub async fn receive(
        &self,
        wait_seconds: u32,
        hidden_seconds: u32,
    ) -> Result<Vec<Message>, CallError> {
        let input = json!({
            "QueueUrl": self.url,
            "MaxNumberOfMessages": BATCH_MAX,
            "WaitTimeSeconds": wait_seconds.min(WAIT_SECONDS_MAX),
            "VisibilityTimeout": hidden_seconds.min(HIDDEN_SECONDS_MAX),
            "AttributeNames": ["ApproximateReceiveCount", "SentTimestamp"],
        });
        let answer = self.call("ReceiveMessage", &input).await?;
        let messages = answer.get("Messages").and_then(Value::as_array);
        Ok(messages.into_iter().flatten().filter_map(message).collect())
    }

    /// Keeps messages from others for so many seconds more, counted from now. Gives the receipts
    /// that SQS refused: their time was over, and somebody else may have them.
    ///
    /// # Errors
    /// [`CallError`], after all retries.
    pub async fn extend(
        &self,
        receipts: &[String],
        hidden_seconds: u32,
    ) -> Result<Vec<String>, CallError> {
        let seconds = json!(hidden_seconds.min(HIDDEN_SECONDS_MAX));
        self.batch("ChangeMessageVisibilityBatch", receipts, Some(("VisibilityTimeout", seconds)))
            .await
    }

    /// Deletes messages. Gives the receipts that SQS refused: those messages will come again. It
    /// goes on where the rest is told to stop: what the last commit settled would come again, to
    /// be found out as known.
    ///
    /// # Errors
    /// [`CallError`], after all retries.
    pub async fn delete(&self, receipts: &[String]) -> Result<Vec<String>, CallError> {
        let lasting = Self { cancel: CancellationToken::new(), ..self.clone() };
        lasting.batch("DeleteMessageBatch", receipts, None).await
    }

    /// How full the queue is.
    ///
    /// # Errors
    /// [`CallError`], after all retries.
    pub async fn depth(&self) -> Result<QueueDepth, CallError> {
        const WAITING: &str = "ApproximateNumberOfMessages";
        const HIDDEN: &str = "ApproximateNumberOfMessagesNotVisible";
        let input = json!({"QueueUrl": self.url, "AttributeNames": [WAITING, HIDDEN]});
        let answer = self.call("GetQueueAttributes", &input).await?;
        let number = |name: &str| {
            let value = answer.get("Attributes").and_then(|attributes| attributes.get(name));
            value.and_then(Value::as_str).and_then(|text| text.parse().ok()).unwrap_or(0)
        };
        Ok(QueueDepth { waiting: number(WAITING), hidden: number(HIDDEN) })
    }

    async fn batch(
        &self,
        operation: &str,
        receipts: &[String],
        member: Option<(&str, Value)>,
    ) -> Result<Vec<String>, CallError> {
        let mut refused = Vec::new();
        for batch in receipts.chunks(BATCH_MAX) {
            let entries: Vec<Value> = batch
                .iter()
                .enumerate()
                .map(|(n, receipt)| {
                    let mut entry = json!({"Id": n.to_string(), "ReceiptHandle": receipt});
                    if let (Some((name, value)), Some(entry)) = (&member, entry.as_object_mut()) {
                        entry.insert((*name).to_owned(), value.clone());
                    }
                    entry
                })
                .collect();
            let input = json!({"QueueUrl": self.url, "Entries": entries});
            let answer = self.call(operation, &input).await?;
            let failed = answer.get("Failed").and_then(Value::as_array).into_iter().flatten();
            let id = |one: &Value| one.get("Id")?.as_str()?.parse::<usize>().ok();
            refused.extend(failed.filter_map(id).filter_map(|n| batch.get(n).cloned()));
        }
        Ok(refused)
    }

    async fn call(&self, operation: &str, input: &Value) -> Result<Value, CallError> {
        let call = Call { input, ..call(&self.target, operation) };
        self.aws.inner.invoke(call, &self.cancel).await
    }
}

fn message(one: &Value) -> Option<Message> {
    let text = |name: &str| one.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| {
        let value = one.get("Attributes").and_then(|attributes| attributes.get(name));
        value.and_then(Value::as_str).and_then(|text| text.parse::<i64>().ok())
    };
    Some(Message {
        id: text("MessageId")?,
        receipt: text("ReceiptHandle")?,
        body: text("Body").unwrap_or_default(),
        receipts: number("ApproximateReceiveCount").and_then(|n| n.try_into().ok()).unwrap_or(1),
        sent: number("SentTimestamp").and_then(|ms| Timestamp::from_millisecond(ms).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_the_queues_own_where_its_name_tells_it() {
        let check = |queue: &str, region: Option<&str>| {
            assert_eq!(region_of(queue), region, "{queue}");
        };
        check("https://sqs.eu-west-1.amazonaws.com/111122223333/q", Some("eu-west-1"));
        check("arn:aws:sqs:ap-northeast-1:111122223333:q", Some("ap-northeast-1"));
        check("http://127.0.0.1:5000/111122223333/q", None);
        check("https://queue.amazonaws.com/111122223333/q", None);
        check("https://proxy.example/sqs", None);
    }

    #[test]
    fn a_message_is_read_with_how_often_it_came() {
        let one = json!({"MessageId": "m", "ReceiptHandle": "r", "Body": "{}",
            "Attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1795219200000"}});
        let read = message(&one).unwrap();
        assert_eq!((read.receipts, read.body.as_str()), (3, "{}"));
        assert_eq!(read.sent.unwrap().to_string(), "2026-11-21T00:00:00Z");
        assert_eq!(message(&json!({"Body": "no receipt"})), None);
    }
}
