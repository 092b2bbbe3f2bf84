//! Publishing to topics of Amazon SNS: what stage 3 sends to people and machines through AWS.
//! What a message says is not known here.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::client::{Aws, Call, Target};
use crate::credentials::Signer;
use crate::error::{CallError, CallErrorKind, printable};

/// Bytes of a message with its attributes that SNS takes of a topic that says nothing else (SNS
/// API Reference, `Publish`, seen 2026-11).
const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// Characters of a text message that SNS takes; longer ones would be split.
const SMS_CHARS_MAX: usize = 140;

/// Publishes to topics: it can do nothing else.
#[derive(Clone, Debug)]
pub struct Topics {
    aws: Aws,
    home: Target,
    cancel: CancellationToken,
}

/// What is published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Publication {
    /// The subject of mails: fewer than 100 characters, none of them a control character.
    pub subject: String,
    /// What people read.
    pub text: String,
    /// What queues, functions and endpoints get.
    pub machine: String,
    /// What subscriptions can filter by.
    pub attributes: BTreeMap<String, String>,
    /// Within which order is kept; topics with order (`.fifo`) only.
    pub group: String,
    /// What tells a repetition; topics with order only.
    pub deduplication: String,
}

impl Aws {
    /// A publisher. `home` is the account whose session signs, and the region of topics whose ARN
    /// names none.
    pub fn topics(&self, home: Target, cancel: CancellationToken) -> Topics {
        Topics { aws: self.clone(), home, cancel }
    }
}

impl Topics {
    /// Publishes to a topic, by its ARN; answers SNS's id of the message.
    ///
    /// # Errors
    /// [`CallError`], after all retries; also where the name is no topic's.
    pub async fn publish(
        &self,
        topic: &str,
        publication: &Publication,
    ) -> Result<String, CallError> {
        let parts: Vec<&str> = topic.split(':').collect();
        let target = match parts.as_slice() {
            ["arn", _, "sns", region, _, _] => {
                Target { region: (*region).to_owned(), ..self.home.clone() }
            }
            _ => {
                let message = format!("`{}` is not the ARN of a topic", printable(topic, 200));
                let call = Self::call(&self.home, &Value::Null);
                return Err(call.error(CallErrorKind::Failed, message));
            }
        };
        let input = input(topic, publication);
        let call = Self::call(&target, &input);
        let answer = self.aws.inner.invoke(call, &self.cancel).await?;
        let id = answer.get("MessageId").and_then(Value::as_str);
        id.map(str::to_owned).ok_or_else(|| call.failed("the answer names no message"))
    }

    fn call<'a>(target: &'a Target, input: &'a Value) -> Call<'a> {
        Call { target, signer: Signer::Account, service: "sns", operation: "Publish", input }
    }
}

fn input(topic: &str, publication: &Publication) -> Value {
    let text = &publication.text;
    let sms: String = text.chars().take(SMS_CHARS_MAX).collect();
    let per_protocol = json!({
        "default": text,
        "email": text,
        "sms": sms,
        "sqs": publication.machine,
        "lambda": publication.machine,
        "firehose": publication.machine,
        "http": publication.machine,
        "https": publication.machine,
        "email-json": publication.machine,
    })
    .to_string();
    let attributes_bytes: usize = publication
        .attributes
        .iter()
        .map(|(name, value)| name.len() + "String".len() + value.len())
        .sum();
    // A message that is too large for every protocol's own form is sent once, as text.
    let whole = per_protocol.len() + attributes_bytes <= MESSAGE_BYTES_MAX;
    let attributes: Value = publication
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), json!({"DataType": "String", "StringValue": value})))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let mut input = json!({
        "TopicArn": topic,
        "Subject": publication.subject,
        "Message": if whole { per_protocol } else { text.clone() },
        "MessageAttributes": attributes,
    });
    if let Some(members) = input.as_object_mut() {
        if whole {
            members.insert("MessageStructure".to_owned(), json!("json"));
        }
        if topic.ends_with(".fifo") {
            members.insert("MessageGroupId".to_owned(), json!(publication.group));
            let id = json!(publication.deduplication);
            members.insert("MessageDeduplicationId".to_owned(), id);
        }
    }
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publication() -> Publication {
        Publication {
            subject: "s".into(),
            text: "日本語".into(),
            machine: "{}".into(),
            attributes: BTreeMap::from([("severity".to_owned(), "high".to_owned())]),
            group: "g".into(),
            deduplication: "d".into(),
        }
    }

    #[test]
    fn people_get_text_and_machines_data() {
        let input = input("arn:aws:sns:eu-west-1:111122223333:t", &publication());
        let message: Value = serde_json::from_str(input["Message"].as_str().unwrap()).unwrap();
        assert_eq!((&message["email"], &message["sqs"]), (&json!("日本語"), &json!("{}")));
        assert_eq!(input["MessageAttributes"]["severity"]["StringValue"], json!("high"));
        assert!(input.get("MessageGroupId").is_none());
    }

    #[test]
    fn a_topic_with_order_is_told_groups_and_repetitions() {
        let input = input("arn:aws:sns:eu-west-1:111122223333:t.fifo", &publication());
        assert_eq!(input["MessageGroupId"], json!("g"));
        assert_eq!(input["MessageDeduplicationId"], json!("d"));
    }

    #[test]
    fn attributes_count_too() {
        let input = |text: usize, value: usize| {
            let large = Publication {
                text: "x".repeat(text),
                attributes: BTreeMap::from([("a".to_owned(), "x".repeat(value))]),
                ..publication()
            };
            input("arn:aws:sns:eu-west-1:111122223333:t", &large)
        };
        assert!(input(130_900, 1).get("MessageStructure").is_some());
        assert!(input(130_900, 1_000).get("MessageStructure").is_none());
    }

    #[test]
    fn what_is_too_large_for_all_forms_is_sent_as_text() {
        let large = Publication { text: "x".repeat(150_000), ..publication() };
        let input = input("arn:aws:sns:eu-west-1:111122223333:t", &large);
        assert!(input.get("MessageStructure").is_none());
        assert_eq!(input["Message"].as_str().unwrap().len(), 150_000);
    }
}
