//! Channels: how a message becomes a request of somebody's API, and what its answers mean.
//! Messages are composed in `yagura-report`; requests are sent in `yagura-respond`.

use std::str::FromStr;

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::{Map, Value};
use yagura_model::Prose;
use yagura_model::message::TextDialect;

use super::expression::Expression;
use super::ordered::Ordered;
use super::span::Span;
use crate::expression::{Env, Root};
use crate::place::Placed;

/// Steps that one expression over an answer may take.
const FUEL: u64 = 50_000;

/// A channel over HTTP: `content/channels/<id>.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// From the path.
    #[serde(skip)]
    pub id: String,
    /// What the service is called.
    pub title: Placed<Prose>,
    /// What reaches whom, and what has to be made there first.
    pub description: Placed<Prose>,
    /// The vendor's documents that the facts come from.
    pub references: Vec<Placed<String>>,
    /// What a target says.
    pub settings: Ordered<ChannelSetting>,
    /// What could be an order or a link in foreign text there, and so how it is written.
    pub text: TextDialect,
    /// How often one target takes a message.
    pub rate: Placed<ChannelRate>,
    /// The most characters of a message's text; more is cut, and the cut is visible.
    pub text_chars_max: usize,
    /// The most bytes of a request's body.
    pub body_bytes_max: usize,
    /// Header fields of every request.
    #[serde(default)]
    pub headers: Ordered<String>,
    /// How requests are signed.
    #[serde(default)]
    pub signature: Option<ChannelSignature>,
    /// What a new message or ticket is.
    pub open: ChannelOperation,
    /// What says more about one that is there; a new message if there is none.
    #[serde(default)]
    pub update: Option<ChannelOperation>,
    /// What says that somebody has seen it; as `update` if there is none.
    #[serde(default)]
    pub acknowledge: Option<ChannelOperation>,
    /// What closes it; as `update` if there is none.
    #[serde(default)]
    pub close: Option<ChannelOperation>,
    /// What finds a ticket again that may have been opened without our knowing: asked before a
    /// further attempt to open it.
    #[serde(default)]
    pub find: Option<ChannelOperation>,
    /// Which ticket answered: what later messages name, in CEL over `output`.
    #[serde(default)]
    pub keep: Option<ChannelKeep>,
    /// What answers mean, in CEL over `output` (`status`, `body`, `text`).
    pub answer: ChannelAnswer,
    /// Messages, the requests that come of them, and what answers mean.
    pub cases: Vec<ChannelCase>,
}

/// One setting of a target.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelSetting {
    /// What it is.
    pub title: Placed<Prose>,
    /// Of what kind.
    #[serde(default)]
    pub kind: SettingKind,
    /// Whether it may be left out.
    #[serde(default)]
    pub optional: bool,
    /// What it is where a target says nothing.
    #[serde(default)]
    pub default: Option<String>,
}

/// What kind of value a setting has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingKind {
    /// Any text.
    #[default]
    Text,
    /// An `http` or `https` address.
    Url,
    /// A secret, named by reference.
    Secret,
    /// An address that is a secret, named by reference.
    SecretUrl,
}

impl SettingKind {
    /// Whether it is named by reference.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::SecretUrl)
    }

    /// Whether it is an address.
    pub fn is_url(self) -> bool {
        matches!(self, Self::Url | Self::SecretUrl)
    }
}

/// So many messages in a time: `1 per 1s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelRate {
    /// How many.
    pub messages: u32,
    /// In how long.
    pub per: Span,
}

impl FromStr for ChannelRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a number of messages in a time (`30 per 1m`)");
        let (messages, per) = text.split_once(" per ").ok_or_else(wrong)?;
        let messages: u32 = messages.trim().parse().map_err(|_| wrong())?;
        let per = Span::read(per.trim()).ok_or_else(wrong)?;
        if messages == 0 || messages > 1_000_000 {
            Err(wrong())
        } else {
            Ok(Self { messages, per })
        }
    }
}

impl<'de> Deserialize<'de> for ChannelRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// How requests are signed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelSignature {
    /// The method.
    pub method: SignatureMethod,
    /// The setting that holds the key; requests are not signed where a target leaves it out.
    pub key: Placed<String>,
}

/// A method of signing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureMethod {
    /// HMAC-SHA256 over `id.timestamp.body`, in the headers `webhook-id`, `webhook-timestamp` and
    /// `webhook-signature` (the Standard Webhooks specification).
    StandardWebhooks,
}

/// One kind of request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelOperation {
    /// The method.
    #[serde(default)]
    pub method: HttpMethod,
    /// A template of the address. What is filled in is percent-encoded, unless it is a setting of
    /// the kind of an address.
    pub url: Placed<String>,
    /// Further header fields.
    #[serde(default)]
    pub headers: Ordered<String>,
    /// A template of a JSON body. What is filled in becomes a JSON value.
    #[serde(default)]
    pub json: Option<Placed<String>>,
    /// A form: templates by field. A field that comes out empty is left out.
    #[serde(default)]
    pub form: Ordered<String>,
    /// It is made only where this setting is given.
    #[serde(default)]
    pub needs: Option<Placed<String>>,
    /// Another request first, such as a comment before a ticket is closed.
    #[serde(default)]
    pub first: Option<Placed<OperationKind>>,
}

/// A method of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// GET.
    Get,
    /// POST.
    #[default]
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
}

impl HttpMethod {
    /// As it stands in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
        }
    }
}

/// What is done with a message or ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// It is made.
    Open,
    /// Something is added.
    Update,
    /// Somebody has seen it.
    Acknowledge,
    /// It is over.
    Close,
    /// It is looked for.
    Find,
}

impl OperationKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Update => "update",
            Self::Acknowledge => "acknowledge",
            Self::Close => "close",
            Self::Find => "find",
        }
    }
}

/// Where the answer tells which ticket it was.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelKeep {
    /// What later requests name it by.
    pub key: Expression,
    /// The same in the answer of `find`; absent where nothing was found.
    #[serde(default)]
    pub found: Option<Expression>,
    /// A template of where a person sees it, with `thread.key`.
    #[serde(default)]
    pub url: Option<Placed<String>>,
}

/// What answers mean. A status that neither says is judged by itself: 2xx accepted; 401, 403 and
/// 407 (a credential that somebody will mend), 408, 425, 429 and 5xx tried again; everything else
/// refused.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChannelAnswer {
    /// The service has it.
    pub accepted: Option<Expression>,
    /// It never will.
    pub refused: Option<Expression>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// The service has it.
    Accepted,
    /// It may have it next time.
    Retry,
    /// It never will.
    Refused,
}

/// A message and what comes of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelCase {
    /// What it shows.
    pub name: Placed<String>,
    /// The target's settings; secrets as they are.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// Members of the sample message that are otherwise; see docs/internals/channels.md.
    #[serde(default)]
    pub message: Map<String, Value>,
    /// What is done.
    #[serde(default = "open")]
    pub operation: OperationKind,
    /// The ticket that is there already.
    #[serde(default)]
    pub thread: Option<String>,
    /// The request. What is not named does not matter.
    #[serde(default)]
    pub request: Option<CaseRequest>,
    /// Answers, and what each means.
    #[serde(default)]
    pub answers: Vec<CaseAnswer>,
}

fn open() -> OperationKind {
    OperationKind::Open
}

/// The request that is expected.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CaseRequest {
    /// Its method.
    pub method: Option<HttpMethod>,
    /// Its address.
    pub url: Option<String>,
    /// Some of its header fields.
    pub headers: Map<String, Value>,
    /// Members that its JSON body has: maps may have more, lists are whole.
    pub json: Option<Value>,
    /// Fields of its form.
    pub form: Map<String, Value>,
    /// Texts that stand somewhere in the body.
    pub contains: Vec<String>,
    /// Texts that stand nowhere in it.
    pub lacks: Vec<String>,
}

/// An answer and what it means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseAnswer {
    /// Its status.
    pub status: u16,
    /// Its body as JSON.
    #[serde(default)]
    pub body: Value,
    /// Its body as text, where it is no JSON.
    #[serde(default)]
    pub text: Option<String>,
    /// What it means.
    pub expect: Judged,
    /// The ticket that it names.
    #[serde(default)]
    pub key: Option<String>,
}

impl Channel {
    /// Gives it its id, and its expressions their scope.
    pub(crate) fn settle(&mut self, id: &str) {
        id.clone_into(&mut self.id);
        let scope = crate::expression::ScopeKind::ChannelAnswer;
        let keep = self.keep.iter_mut().flat_map(|keep| [Some(&mut keep.key), keep.found.as_mut()]);
        let answer = [self.answer.accepted.as_mut(), self.answer.refused.as_mut()];
        keep.chain(answer).flatten().for_each(|expression| expression.set_scope(scope));
    }

    /// Every expression in it.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let keep = self.keep.iter().flat_map(|keep| [Some(&keep.key), keep.found.as_ref()]);
        keep.chain([self.answer.accepted.as_ref(), self.answer.refused.as_ref()]).flatten()
    }

    /// A setting by its name.
    pub fn setting(&self, name: &str) -> Option<&ChannelSetting> {
        self.settings.0.iter().find(|(known, _)| **known == name).map(|(_, setting)| setting)
    }

    /// The request of one kind, where the channel has it.
    pub fn operation(&self, kind: OperationKind) -> Option<&ChannelOperation> {
        match kind {
            OperationKind::Open => Some(&self.open),
            OperationKind::Update => self.update.as_ref(),
            OperationKind::Acknowledge => self.acknowledge.as_ref(),
            OperationKind::Close => self.close.as_ref(),
            OperationKind::Find => self.find.as_ref(),
        }
    }

    /// The requests that it has, each with its kind.
    pub fn operations(&self) -> impl Iterator<Item = (OperationKind, &ChannelOperation)> {
        use OperationKind::{Acknowledge, Close, Find, Open, Update};
        [Open, Update, Acknowledge, Close, Find]
            .into_iter()
            .filter_map(|kind| self.operation(kind).map(|operation| (kind, operation)))
    }

    /// Whether what it opened can be spoken of again: a ticket, a thread, an incident.
    pub fn has_threads(&self) -> bool {
        self.keep.is_some()
    }

    /// What an answer means. An expression without result decides nothing.
    pub fn judge(&self, output: &Value) -> Judged {
        let holds = |expression: &Option<Expression>| {
            let expression = expression.as_ref()?;
            let env = Env::mapping().bind(Root::Output, output).with_fuel(FUEL);
            Some(expression.program().truth(&env).0 == yagura_model::Truth::True)
        };
        if holds(&self.answer.refused) == Some(true) {
            return Judged::Refused;
        }
        let status = output.get("status").and_then(Value::as_u64).unwrap_or_default();
        match (status, holds(&self.answer.accepted)) {
            (200..=299, Some(true) | None) | (_, Some(true)) => Judged::Accepted,
            // It says yes, and does not mean it.
            (200..=299, Some(false)) | (401 | 403 | 407 | 408 | 425 | 429 | 500..=599, _) => {
                Judged::Retry
            }
            _ => Judged::Refused,
        }
    }

    /// The ticket that an answer names; `found` reads the answer of `find`.
    pub fn key_in(&self, output: &Value, found: bool) -> Option<String> {
        let keep = self.keep.as_ref()?;
        let expression = if found { keep.found.as_ref()? } else { &keep.key };
        let env = Env::mapping().bind(Root::Output, output).with_fuel(FUEL);
        match expression.program().value(&env) {
            Ok(Some(Value::String(key))) if !key.is_empty() => Some(key),
            Ok(Some(Value::Number(key))) => Some(key.to_string()),
            _ => None,
        }
    }
}

/// A channel that is no file: it needs more than one request over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BuiltinChannel {
    /// Mail, over SMTP with TLS.
    Email,
    /// A topic of Amazon SNS.
    Sns,
    /// A file of JSON lines.
    File,
    /// A program that reads JSON.
    Command,
}

/// What a built-in channel's setting is: its name, kind, and whether it may be left out.
pub type BuiltinSetting = (&'static str, SettingKind, bool);

impl BuiltinChannel {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Email, Self::Sns, Self::File, Self::Command];

    /// As `channel` of a target says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sns => "sns",
            Self::File => "file",
            Self::Command => "command",
        }
    }

    /// By its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == name)
    }

    /// What a target of it says.
    pub fn settings(self) -> &'static [BuiltinSetting] {
        use SettingKind::{Secret, Text};
        match self {
            Self::Email => &[
                ("host", Text, false),
                ("port", Text, true),
                ("tls", Text, true),
                ("user", Text, true),
                ("password", Secret, true),
                ("from", Text, false),
                ("to", Text, false),
                ("ca_file", Text, true),
            ],
            Self::Sns => &[("topic", Text, false)],
            Self::File => &[("path", Text, false)],
            Self::Command => &[
                ("program", Text, false),
                ("arguments", Text, true),
                ("timeout", Text, true),
                ("secret", Secret, true),
            ],
        }
    }

    /// How often one target takes a message, where it says nothing else.
    pub fn rate(self) -> ChannelRate {
        let (messages, per) = match self {
            // What relays of small organizations commonly allow.
            Self::Email => (30, Span::minutes(1)),
            Self::Sns => (100, Span::seconds(1)),
            Self::File => (1_000, Span::seconds(1)),
            Self::Command => (10, Span::seconds(1)),
        };
        ChannelRate { messages, per }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_authors_write_them() {
        let rate = |text: &str| text.parse::<ChannelRate>();
        assert_eq!(rate("30 per 1m"), Ok(ChannelRate { messages: 30, per: Span::minutes(1) }));
        for text in ["", "30", "0 per 1m", "1 per", "-1 per 1s", "1 per 0s", "x per 1s"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_built_in_channel_is_found_by_its_name() {
        for channel in BuiltinChannel::ALL {
            assert_eq!(BuiltinChannel::named(channel.as_str()), Some(channel));
        }
        assert_eq!(BuiltinChannel::named("slack_webhook"), None);
    }
}
