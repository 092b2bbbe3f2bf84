//! Channels: how a message reaches a target. Services over HTTP are content; mail, topics, files
//! and commands are here.
//! Who is told what is decided in `crate::routes`; when to try again in `crate::outbox`.

mod builtin;
pub mod cases;
mod command;
mod email;
mod file;
mod http;
mod request;
mod service;
mod topic;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use yagura_aws::Topics;
use yagura_content::Content;
use yagura_content::format::{BuiltinChannel, ChannelRate, Judged, OperationKind, Target};
use yagura_model::message::TextDialect;
use yagura_model::secret::{SecretRef, Secrets};
use yagura_report::messages::{Manner, Notice};
use yagura_store::outbox::Thread;

use crate::error::RespondError;

/// Characters of an answer that are kept.
const DETAIL_CHARS_MAX: usize = 500;
/// What stands where a secret stood.
const HIDDEN: &str = "…";

/// Sends messages to the targets of a site.
pub struct Channels {
    content: Arc<Content>,
    secrets: Arc<dyn Secrets>,
    http: http::Http,
    topics: Option<Topics>,
}

impl fmt::Debug for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channels").field("secrets", &self.secrets).finish_non_exhaustive()
    }
}

/// A message on its way to one target.
#[derive(Clone, Debug)]
pub struct Parcel<'a> {
    /// What it says.
    pub notice: &'a Notice,
    /// What is done with it.
    pub operation: OperationKind,
    /// What is open at the target about the finding.
    pub thread: Option<&'a Thread>,
    /// Which attempt this is, from one.
    pub attempt: u64,
    /// Now.
    pub now: Timestamp,
}

/// What came of sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Whether the target has it.
    pub judged: Judged,
    /// The answer's status, where it has one.
    pub status: Option<u16>,
    /// What the answer said, or why there is none; without secrets.
    pub detail: String,
    /// The target asked to be left alone for so long.
    pub wait: Option<SignedDuration>,
    /// What is open at the target now, where that is known.
    pub thread: Option<Thread>,
}

impl Sent {
    fn new(judged: Judged, status: Option<u16>, detail: impl Into<String>) -> Self {
        Self { judged, status, detail: detail.into(), wait: None, thread: None }
    }

    /// It may work next time.
    fn retry(detail: impl Into<String>) -> Self {
        Self::new(Judged::Retry, None, detail)
    }

    /// It never will.
    fn refused(detail: impl Into<String>) -> Self {
        Self::new(Judged::Refused, None, detail)
    }
}

/// A target's settings, with secrets revealed. Never shown.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    values: BTreeMap<String, Vec<String>>,
    secrets: Vec<String>,
}

impl Settings {
    fn text(&self, name: &str) -> Option<String> {
        self.values.get(name).map(|values| values.join(",")).filter(|text| !text.is_empty())
    }

    fn list(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// A text in which no secret stands: answers repeat what they were asked.
    fn hide(&self, text: &str) -> String {
        let mut hidden = text.to_owned();
        for secret in self.secrets.iter().filter(|secret| secret.len() >= 4) {
            hidden = hidden.replace(secret.as_str(), HIDDEN);
        }
        let clean = yagura_report::clean(&hidden);
        clean.chars().take(DETAIL_CHARS_MAX).collect()
    }
}

impl Channels {
    /// With the site's targets and channels. `topics` publishes to Amazon SNS; without it targets
    /// of that channel are tried again until there is one.
    ///
    /// # Errors
    /// Where the certificates of this machine cannot be used.
    pub fn new(
        content: Arc<Content>,
        secrets: Arc<dyn Secrets>,
        topics: Option<Topics>,
    ) -> Result<Self, RespondError> {
        Ok(Self { content, secrets, http: http::Http::new()?, topics })
    }

    /// The content whose targets these are.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// How often a target takes a message.
    pub fn rate_of(&self, target: &Target) -> ChannelRate {
        let of_channel = || match BuiltinChannel::named(&target.channel) {
            Some(builtin) => Some(builtin.rate()),
            None => self.content.channels.get(target.channel.as_str()).map(|one| one.rate.value),
        };
        let slow = || ChannelRate { messages: 1, per: yagura_content::format::Span::seconds(1) };
        target.rate.or_else(of_channel).unwrap_or_else(slow)
    }

    /// Which operation tells of a change, given what is open at the target; none where there is
    /// nothing to tell: what it never heard of is over.
    pub fn operation_for(
        &self,
        target: &Target,
        change: &str,
        thread: Option<&Thread>,
    ) -> Option<OperationKind> {
        let Some(channel) = self.content.channels.get(target.channel.as_str()) else {
            return Some(OperationKind::Open);
        };
        let open = thread.is_some_and(|thread| !thread.closed);
        let able = |kind: OperationKind| {
            channel.operation(kind).is_some_and(|operation| {
                let needs = operation.needs.as_ref();
                needs.is_none_or(|needs| target.setting(needs).is_some())
            })
        };
        let wanted = match change {
            "resolved" if open => OperationKind::Close,
            "resolved" if channel.close.is_some() => return None,
            "acknowledged" | "in_progress" if open => OperationKind::Acknowledge,
            "acknowledged" | "in_progress" if channel.acknowledge.is_some() => return None,
            _ if open => OperationKind::Update,
            _ => OperationKind::Open,
        };
        let fallbacks = [wanted, OperationKind::Update];
        match wanted {
            OperationKind::Open => Some(OperationKind::Open),
            _ => fallbacks.into_iter().find(|kind| able(*kind)),
        }
    }

    /// Sends a message. Whatever goes wrong is told in the result: it is the target's business, not
    /// this program's.
    pub async fn send(&self, name: &str, target: &Target, parcel: &Parcel<'_>) -> Sent {
        let settings = match self.settings(target).await {
            Ok(settings) => settings,
            Err(sent) => return sent,
        };
        let sent = match BuiltinChannel::named(&target.channel) {
            Some(channel) => self.send_builtin(channel, target, &settings, parcel).await,
            None => match self.content.channels.get(target.channel.as_str()) {
                Some(channel) => {
                    let manner = self.manner(target, channel.text, channel.text_chars_max);
                    let service =
                        service::Service { channel, settings: &settings, http: &self.http, manner };
                    service.send(parcel).await
                }
                None => Sent::refused(format!(
                    "`{name}` goes to the channel `{}`, which there is not",
                    target.channel
                )),
            },
        };
        Sent { detail: settings.hide(&sent.detail), ..sent }
    }

    fn manner(&self, target: &Target, dialect: TextDialect, text_chars_max: usize) -> Manner {
        let routes = &self.content.site.routes;
        let zone = routes.time_zone.as_ref().and_then(|name| TimeZone::get(name).ok());
        Manner {
            lang: routes.language_of(target),
            dialect,
            text_chars_max,
            zone: zone.unwrap_or(TimeZone::UTC),
        }
    }

    /// A target's settings with the channel's defaults, and secrets revealed.
    async fn settings(&self, target: &Target) -> Result<Settings, Sent> {
        let mut settings = Settings::default();
        let channel = self.content.channels.get(target.channel.as_str());
        for (name, setting) in channel.into_iter().flat_map(|channel| &channel.settings.0) {
            if let Some(default) = &setting.default {
                settings.values.insert(name.value.clone(), vec![default.clone()]);
            }
        }
        let builtin = BuiltinChannel::named(&target.channel);
        for (name, value) in &target.settings.0 {
            let of_builtin = builtin
                .and_then(|one| one.settings().iter().find(|(known, ..)| *known == name.as_str()));
            let secret = match (channel.and_then(|one| one.setting(name)), of_builtin) {
                (Some(setting), _) => setting.kind.is_secret(),
                (None, Some((_, kind, _))) => kind.is_secret(),
                (None, None) => false,
            };
            if !secret {
                settings.values.insert(name.value.clone(), value.0.clone());
                continue;
            }
            // Neither the error nor anything else repeats what was written.
            let reference: SecretRef = value
                .text()
                .parse()
                .map_err(|error| Sent::refused(format!("the setting `{name}`: {error}")))?;
            let revealed = self.secrets.reveal(&reference).await;
            let revealed = revealed.map_err(|error| Sent::retry(error.to_string()))?;
            settings.secrets.push(revealed.expose().to_owned());
            settings.values.insert(name.value.clone(), vec![revealed.expose().to_owned()]);
        }
        Ok(settings)
    }
}
