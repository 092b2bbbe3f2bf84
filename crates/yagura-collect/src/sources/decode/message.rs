//! Records that come as messages inside an envelope: JSON or lines of text.
//! The envelopes themselves are opened in `envelope`.

use super::envelope::{Context, Envelopes, MessageBlock, Unwrapped, unwrap};
use super::output::{Halt, Output, reason_of};
use super::piece::BadReason;
use super::text::TextReader;

/// Reads messages as a source writes its records.
pub(super) struct Messages<'s> {
    /// Whether its records may be JSON.
    pub(super) json: bool,
    /// How its text is read, if it has any.
    pub(super) text: Option<TextReader<'s>>,
}

impl Messages<'_> {
    /// Reads the messages of an envelope that stands at `offset`.
    pub(super) fn of_envelope(
        &mut self,
        block: MessageBlock,
        offset: u64,
        out: &mut Output<'_>,
        envelopes: &Envelopes<'_>,
    ) -> Result<(), Halt> {
        for (timestamp, message) in block.messages {
            match message {
                None => out.bad(BadReason::MalformedEnvelope, offset, &[])?,
                Some(text) => {
                    let context = block.context.as_ref();
                    self.read(&text, timestamp, context, offset, out, envelopes)?;
                }
            }
        }
        out.builder.set_context(None);
        Ok(())
    }

    /// Reads one message; `timestamp` and `context` are what its envelope tells.
    pub(super) fn read(
        &mut self,
        message: &str,
        timestamp: Option<String>,
        context: Option<&Context>,
        offset: u64,
        out: &mut Output<'_>,
        envelopes: &Envelopes<'_>,
    ) -> Result<(), Halt> {
        if message.len() > out.limits.record_bytes_max {
            return out.bad(BadReason::RecordTooLarge, offset, message.as_bytes());
        }
        out.builder.set_context(context.cloned());
        out.builder.set_timestamp(timestamp);
        let is_object = message.trim_start().starts_with('{');
        let outcome = match &mut self.text {
            Some(text) if !(self.json && is_object) => text.message(message, offset, out),
            _ => json(message, offset, out, envelopes),
        };
        out.builder.set_timestamp(None);
        outcome
    }
}

fn json(
    message: &str,
    offset: u64,
    out: &mut Output<'_>,
    envelopes: &Envelopes<'_>,
) -> Result<(), Halt> {
    if let Err(fault) = out.builder.push_json(message.as_bytes()) {
        return out.bad(reason_of(&fault), offset, message.as_bytes());
    }
    let Some(record) = out.builder.last() else { return Ok(()) };
    if record.root().kind() != yagura_model::event::Kind::Object {
        out.builder.discard_last();
        return out.bad(BadReason::NotARecord, offset, message.as_bytes());
    }
    // A rule of EventBridge may have a log group for its target.
    if let Unwrapped::Detail(_) = unwrap(record.root(), envelopes) {
        out.builder.narrow_last(|root| root.get("detail"));
    }
    out.added()
}
