//! Writing messages into files of the spool, one after the other.
//! Where messages come from is in `mod.rs`.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::SyslogOptions;
use crate::sources::feeds::spool::{Spool, SpoolFile};

/// How long to wait before writing is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// What a line break within a message becomes.
const LINE_BREAK: &[u8] = b"#012";
/// Messages that are written at a time.
const AT_ONCE: usize = 512;

/// Files of messages.
pub(super) struct Segments {
    spool: Spool,
    options: SyslogOptions,
    open: Option<(SpoolFile, Instant)>,
}

impl Segments {
    pub(super) fn new(spool: Spool, options: SyslogOptions) -> Self {
        Self { spool, options, open: None }
    }

    /// Writes until all senders have gone. Once cancelled, what cannot be written is given up.
    pub(super) async fn write(
        mut self,
        mut receiver: mpsc::Receiver<Vec<u8>>,
        cancel: CancellationToken,
    ) {
        let mut messages = Vec::with_capacity(AT_ONCE);
        loop {
            let until = self.open.as_ref().map(|(_, begun)| *begun + self.options.segment_every);
            let received = match until {
                Some(until) => {
                    let receive = receiver.recv_many(&mut messages, AT_ONCE);
                    tokio::time::timeout_at(until, receive).await.ok()
                }
                None => Some(receiver.recv_many(&mut messages, AT_ONCE).await),
            };
            let over = received == Some(0);
            if !messages.is_empty() {
                let lines = lines(&messages);
                messages.clear();
                self = self.append(lines, &cancel).await;
            }
            let full = self.open.as_ref().is_some_and(|(file, begun)| {
                file.bytes() >= self.options.segment_bytes
                    || begun.elapsed() >= self.options.segment_every
            });
            if full || over {
                self = self.close(&cancel).await;
            }
            if over {
                return;
            }
        }
    }

    /// Appends lines, again and again until it is done: while it waits, senders over TCP wait.
    async fn append(mut self, lines: Vec<u8>, cancel: &CancellationToken) -> Self {
        let mut file = self.open.take();
        loop {
            let name = self.spool.fresh_name((self.options.clock)(), ".log");
            let (spool, bytes) = (self.spool.clone(), lines.clone());
            let begun = file.as_ref().map_or_else(Instant::now, |(_, begun)| *begun);
            let written = tokio::task::spawn_blocking(move || {
                let mut open = match file {
                    Some((file, _)) => file,
                    None => spool.begin(&name)?,
                };
                match open.write(&bytes) {
                    Ok(()) => Ok(open),
                    Err(error) => {
                        // What was written before is kept under its name; the torn line at its
                        // end goes to quarantine when it is read.
                        let _ = open.finish();
                        Err(error)
                    }
                }
            });
            match written.await {
                Ok(Ok(open)) => {
                    self.open = Some((open, begun));
                    return self;
                }
                Ok(Err(error)) => tracing::error!(code = "syslog_spool_failed", %error,
                    "syslog messages cannot be written to disk; senders over TCP wait"),
                Err(error) => tracing::error!(code = "syslog_spool_failed", %error,
                    "syslog messages cannot be written to disk; senders over TCP wait"),
            }
            if cancel.is_cancelled() {
                return self;
            }
            file = None;
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                () = cancel.cancelled() => {}
            }
        }
    }

    async fn close(mut self, _cancel: &CancellationToken) -> Self {
        if let Some((file, _)) = self.open.take() {
            let finished = tokio::task::spawn_blocking(move || file.finish()).await;
            if let Ok(Err(error)) = finished {
                tracing::error!(code = "syslog_spool_failed", %error,
                    "syslog messages cannot be made lasting");
            }
        }
        self
    }
}

/// Messages as they stand in a file: a line each, or counted octets (RFC 6587) where a message
/// has line breaks of its own. What begins like no message and has line breaks cannot be counted
/// and be told from a line; its breaks become `#012`, as rsyslog writes them.
fn lines(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(messages.iter().map(|message| message.len() + 1).sum());
    for message in messages {
        if message.starts_with(b"<") && message.contains(&b'\n') {
            lines.extend_from_slice(format!("{} ", message.len()).as_bytes());
            lines.extend_from_slice(message);
            lines.push(b'\n');
            continue;
        }
        let mut parts = message.split(|byte| *byte == b'\n');
        lines.extend_from_slice(parts.next().unwrap_or_default());
        for part in parts {
            lines.extend_from_slice(LINE_BREAK);
            lines.extend_from_slice(part);
        }
        lines.push(b'\n');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_with_line_breaks_stays_one_message() {
        let messages = [b"<13>1 a\nb".to_vec(), b"<13>1 c".to_vec(), b"d\ne".to_vec()];
        assert_eq!(lines(&messages), b"9 <13>1 a\nb\n<13>1 c\nd#012e\n");
    }
}
