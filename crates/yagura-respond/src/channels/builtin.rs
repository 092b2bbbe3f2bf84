//! The channels that are no files of content: which of them sends, and the JSON that those write
//! which hand a message to a machine.
//! Each is in a file of its own.

use serde_json::{Value, json};
use yagura_content::format::{BuiltinChannel, Target};
use yagura_model::message::TextDialect;
use yagura_report::messages::{Notice, compose};

use super::{Channels, Parcel, Sent, Settings, command, email, file, topic};

/// The version of the JSON that files and commands get. INVARIANT: members are added, never
/// changed.
const VERSION: u64 = 1;
/// Characters of a message's text where nothing limits it.
const TEXT_CHARS_MAX: usize = 20_000;

impl Channels {
    pub(super) async fn send_builtin(
        &self,
        channel: BuiltinChannel,
        target: &Target,
        settings: &Settings,
        parcel: &Parcel<'_>,
    ) -> Sent {
        let manner = self.manner(target, TextDialect::Plain, TEXT_CHARS_MAX);
        match channel {
            BuiltinChannel::Email => email::send(settings, &manner, parcel).await,
            BuiltinChannel::Sns => {
                topic::send(self.topics.as_ref(), settings, &manner, parcel).await
            }
            BuiltinChannel::File => {
                let line = document(parcel.notice, &compose(parcel.notice, &manner), parcel);
                file::send(settings, line).await
            }
            BuiltinChannel::Command => {
                let input = document(parcel.notice, &compose(parcel.notice, &manner), parcel);
                command::send(settings, &input).await
            }
        }
    }
}

/// A message for a machine: everything, in English words of data, with the text that a person
/// would read beside it.
fn document(
    notice: &Notice,
    message: &yagura_report::messages::Message,
    parcel: &Parcel<'_>,
) -> Value {
    let tally = notice.tally.as_ref().map(|tally| {
        let causes = tally.causes.iter();
        json!({
            "total": tally.total,
            "causes": causes
                .map(|(title, count)| json!({"title": title.en, "count": count}))
                .collect::<Vec<_>>(),
        })
    });
    json!({
        "version": VERSION,
        "id": notice.id,
        "kind": notice.kind.as_str(),
        "time": parcel.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "change": notice.change,
        "finding": notice.told,
        "findings": notice.items,
        "tally": tally,
        "message": message,
    })
}
