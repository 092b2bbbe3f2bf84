//! A topic of Amazon SNS: a subject, a text for each protocol, and attributes that subscriptions
//! can filter by. How AWS is called is `yagura-aws`'s business.

use std::collections::BTreeMap;

use serde_json::json;
use yagura_aws::{Publication, Topics};
use yagura_content::format::Judged;
use yagura_report::messages::{Manner, compose};

use super::{Parcel, Sent, Settings};

/// SNS takes subjects of fewer than 100 characters without line breaks and control characters (SNS
/// API Reference, `Publish`, seen 2026-11; until 2023 they had to be ASCII).
const SUBJECT_CHARS_MAX: usize = 99;

/// Publishes a message.
pub(super) async fn send(
    topics: Option<&Topics>,
    settings: &Settings,
    manner: &Manner,
    parcel: &Parcel<'_>,
) -> Sent {
    let Some(topics) = topics else {
        return Sent::retry("there are no credentials of AWS");
    };
    let Some(topic) = settings.text("topic") else {
        return Sent::refused("`topic` is missing");
    };
    let message = compose(parcel.notice, manner);
    let told = parcel.notice.told.as_ref();
    let mut attributes = BTreeMap::from([
        ("kind".to_owned(), message.kind.to_owned()),
        ("lang".to_owned(), message.lang.to_owned()),
    ]);
    let named = [
        ("severity", message.severity.map(str::to_owned)),
        ("change", parcel.notice.change.as_ref().map(|change| change.word.clone())),
        ("account", told.map(|told| told.account.clone())),
        ("region", told.map(|told| told.region.clone())),
        ("content", told.map(|told| told.content.clone())),
    ];
    for (name, value) in named {
        // SNS refuses attributes without a value.
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            attributes.insert(name.to_owned(), value);
        }
    }
    // A machine that subscribes gets data, a person text.
    let machine = json!({
        "id": parcel.notice.id,
        "kind": message.kind,
        "change": parcel.notice.change,
        "finding": told,
        "message": message,
    });
    let group = told.map_or_else(|| "digests".to_owned(), |told| told.id.clone());
    let publication = Publication {
        subject: subject(&message.subject),
        text: message.text,
        machine: machine.to_string(),
        attributes,
        group,
        deduplication: parcel.notice.id.clone(),
    };
    match topics.publish(&topic, &publication).await {
        Ok(id) => Sent::new(Judged::Accepted, Some(200), format!("MessageId {id}")),
        Err(error) => {
            // Where there is no such topic, trying again does not make one.
            let lasting = error.is("NotFound") || error.is("InvalidParameter");
            let judged = if lasting { Judged::Refused } else { Judged::Retry };
            Sent::new(judged, None, error.to_string())
        }
    }
}

/// The subject as SNS takes it: a message must not be refused for its title.
fn subject(subject: &str) -> String {
    let one_line: String = subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match one_line.trim() {
        "" => "Yagura".to_owned(),
        subject => subject.chars().take(SUBJECT_CHARS_MAX).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_short_line_in_any_language() {
        assert_eq!(subject("[High] x"), "[High] x");
        assert_eq!(subject("［高］新規"), "［高］新規");
        assert_eq!(subject("a\nb\u{7}"), "a b");
        assert_eq!(subject(" \n"), "Yagura");
        assert_eq!(subject(&"高".repeat(300)).chars().count(), 99);
    }
}
