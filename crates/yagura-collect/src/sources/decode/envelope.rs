//! What a record may be wrapped in, and what lies inside a wrapper that is whole.
//! Lists inside objects that are too long to be whole are read in `json`; messages in `message`.

use std::io::Read as _;
use std::sync::Arc;

use base64::Engine as _;
use yagura_content::format::{Envelope, Source};
use yagura_model::event::{Kind, Value};

use super::lake_row;
use super::piece::BadReason;

/// What a message inside JSON may grow to: services send at most 6 MB at once.
const INFLATED_BYTES_MAX: u64 = 64 << 20;

/// The envelopes that a source allows.
#[derive(Clone, Default)]
pub(crate) struct Envelopes<'s> {
    /// Members that are lists of records.
    pub(super) arrays: Vec<&'s str>,
    event_bridge: bool,
    cloud_watch_logs: bool,
    pub(super) cloud_watch_export: bool,
    lookup_events: bool,
    pub(super) lake: bool,
    likely: LikelyNames,
}

impl<'s> Envelopes<'s> {
    pub(super) fn of(source: &'s Source) -> Self {
        Self::of_all([source])
    }

    /// All that any of these sources allows.
    pub(crate) fn of_all(sources: impl IntoIterator<Item = &'s Source>) -> Self {
        let mut own = Self::default();
        for envelope in sources.into_iter().flat_map(|source| &source.envelopes) {
            match envelope {
                Envelope::Array(name) => own.arrays.push(name),
                Envelope::EventBridge => own.event_bridge = true,
                Envelope::CloudWatchLogs => {
                    own.cloud_watch_logs = true;
                    // How Kinesis hands messages to Lambda, and Firehose to its transformations.
                    own.arrays.extend(["Records", "records"]);
                }
                Envelope::CloudWatchExport => own.cloud_watch_export = true,
                Envelope::LookupEvents => {
                    own.lookup_events = true;
                    own.arrays.push("Events");
                }
                Envelope::CloudTrailLake => own.lake = true,
            }
        }
        own.arrays.sort_unstable();
        own.arrays.dedup();
        let names = MARKS.iter().map(|(name, _)| name).chain(&own.arrays);
        names.for_each(|name| own.likely.add(name.as_bytes()));
        own
    }

    /// Names that envelopes begin with: where to go on after damage.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        let names = [
            (self.cloud_watch_logs, "messageType"),
            (self.lookup_events, "EventId"),
            (self.event_bridge, "version"),
        ];
        names.into_iter().filter_map(|(allowed, name)| allowed.then_some(name))
    }
}

/// Fields that an envelope tells of the records in it.
pub(super) type Context = Arc<[(String, String)]>;

/// Messages of one envelope: each is the text of a record.
pub(super) struct MessageBlock {
    pub(super) context: Option<Context>,
    /// When each was logged, as written, and its text; an element without text is none.
    pub(super) messages: Vec<(Option<String>, Option<String>)>,
}

/// What an object turned out to be.
pub(super) enum Unwrapped {
    /// A record.
    Record,
    /// An event of EventBridge: its `detail` is the record.
    Detail(Context),
    /// No record and no envelope.
    Nothing(BadReason),
    /// An envelope of messages.
    Messages(MessageBlock),
    /// An envelope of objects: the text of each.
    Objects(Vec<Result<Vec<u8>, BadReason>>),
}

/// The members of an object that tell what it is.
#[derive(Default)]
struct Marks<'a> {
    detail: Option<Value<'a>>,
    detail_type: Option<Value<'a>>,
    account: Option<Value<'a>>,
    region: Option<Value<'a>>,
    source: Option<Value<'a>>,
    message_type: Option<Value<'a>>,
    owner: Option<Value<'a>>,
    log_group: Option<Value<'a>>,
    log_stream: Option<Value<'a>>,
    log_events: Option<Value<'a>>,
    cloud_trail_event: Option<Value<'a>>,
    awslogs: Option<Value<'a>>,
    kinesis: Option<Value<'a>>,
    data: Option<Value<'a>>,
    record_id: Option<Value<'a>>,
    event_json: Option<Value<'a>>,
    user_identity: Option<Value<'a>>,
    result_rows: Option<Value<'a>>,
    array: Option<Value<'a>>,
}

/// The names of these members.
const MARKS: [(&str, Mark); 20] = [
    ("detail", |marks| &mut marks.detail),
    ("detail-type", |marks| &mut marks.detail_type),
    ("account", |marks| &mut marks.account),
    ("region", |marks| &mut marks.region),
    ("source", |marks| &mut marks.source),
    ("messageType", |marks| &mut marks.message_type),
    ("owner", |marks| &mut marks.owner),
    ("logGroup", |marks| &mut marks.log_group),
    ("logStream", |marks| &mut marks.log_stream),
    ("logEvents", |marks| &mut marks.log_events),
    ("CloudTrailEvent", |marks| &mut marks.cloud_trail_event),
    ("awslogs", |marks| &mut marks.awslogs),
    ("kinesis", |marks| &mut marks.kinesis),
    ("data", |marks| &mut marks.data),
    ("recordId", |marks| &mut marks.record_id),
    ("eventJson", |marks| &mut marks.event_json),
    ("eventjson", |marks| &mut marks.event_json),
    ("userIdentity", |marks| &mut marks.user_identity),
    ("useridentity", |marks| &mut marks.user_identity),
    ("QueryResultRows", |marks| &mut marks.result_rows),
];

type Mark = for<'m, 'a> fn(&'m mut Marks<'a>) -> &'m mut Option<Value<'a>>;

/// Lengths and first letters of names: every record is asked for all of them and mostly has none,
/// and these two tell most others apart.
#[derive(Clone, Copy, Default)]
struct LikelyNames([u32; Self::LENGTHS]);

impl LikelyNames {
    /// Longer names are all alike.
    const LENGTHS: usize = 32;

    fn place(name: &[u8]) -> (usize, u32) {
        let first = name.first().copied().unwrap_or_default();
        (name.len().min(Self::LENGTHS - 1), 1 << (first & 31))
    }

    fn add(&mut self, name: &[u8]) {
        let (length, letter) = Self::place(name);
        self.0.get_mut(length).into_iter().for_each(|letters| *letters |= letter);
    }

    fn has(&self, name: &[u8]) -> bool {
        let (length, letter) = Self::place(name);
        self.0.get(length).is_some_and(|letters| letters & letter != 0)
    }
}

/// Finds out what an object is.
pub(super) fn unwrap(root: Value<'_>, envelopes: &Envelopes<'_>) -> Unwrapped {
    let marks = Marks::of(root, envelopes);
    if envelopes.event_bridge
        && let (Some(detail), Some(_)) = (marks.detail, marks.detail_type)
        && detail.kind() == Kind::Object
    {
        return Unwrapped::Detail(marks.event_context());
    }
    if envelopes.cloud_watch_logs {
        if let Some(events) = marks.log_events {
            return marks.log_messages(events);
        }
        let data = marks.awslogs.or(marks.kinesis).and_then(|holder| holder.get("data"));
        if let Some(data) = data.or(marks.record_id.and(marks.data)) {
            return Unwrapped::Objects(vec![inflated(data)]);
        }
    }
    if envelopes.lookup_events
        && let Some(event) = marks.cloud_trail_event
    {
        return message(event);
    }
    if envelopes.lake {
        if let Some(rows) = marks.result_rows {
            return Unwrapped::Objects(rows.items().map(result_row).collect());
        }
        match marks.event_json {
            Some(json) if json.kind() == Kind::String => return message(json),
            Some(json) if json.kind() == Kind::Object => {
                return Unwrapped::Objects(vec![Ok(json.json().into_owned().into_bytes())]);
            }
            _ => {}
        }
        let is_row = |identity: Value<'_>| identity.as_str().is_some_and(|t| t.starts_with('{'));
        if marks.user_identity.is_some_and(is_row) {
            return Unwrapped::Objects(vec![Ok(lake_row::record_of_object(root).into_bytes())]);
        }
    }
    match marks.array {
        Some(array) => Unwrapped::Objects(vec![Ok(array.json().into_owned().into_bytes())]),
        None => Unwrapped::Record,
    }
}

/// A row of `GetQueryResults`: a list of objects with one member each.
fn result_row(row: Value<'_>) -> Result<Vec<u8>, BadReason> {
    if row.kind() != Kind::Array {
        return Err(BadReason::MalformedEnvelope);
    }
    let cells = || row.items().flat_map(|cell| cell.entries());
    let whole = cells().find(|(name, _)| name.eq_ignore_ascii_case("eventJson"));
    if let Some(json) = whole.and_then(|(_, value)| value.as_str()) {
        return Ok(json.into_owned().into_bytes());
    }
    Ok(lake_row::record_of_entries(cells()).into_bytes())
}

fn message(text: Value<'_>) -> Unwrapped {
    let text = text.as_str().map(std::borrow::Cow::into_owned);
    Unwrapped::Messages(MessageBlock { context: None, messages: vec![(None, text)] })
}

impl<'a> Marks<'a> {
    fn of(root: Value<'a>, envelopes: &Envelopes<'_>) -> Self {
        let mut marks = Self::default();
        for (name, value) in root.entries_named(|name| envelopes.likely.has(name)) {
            let mark = match MARKS.iter().find(|(own, _)| *own == name) {
                Some((_, mark)) => mark(&mut marks),
                None if value.kind() == Kind::Array && envelopes.arrays.contains(&&*name) => {
                    &mut marks.array
                }
                None => continue,
            };
            // Of members with the same name the first counts.
            mark.get_or_insert(value);
        }
        marks
    }

    fn event_context(&self) -> Context {
        context([
            ("account", self.account),
            ("region", self.region),
            ("event_source", self.source),
            ("detail_type", self.detail_type),
        ])
    }

    fn log_messages(&self, events: Value<'_>) -> Unwrapped {
        let text = |value: Value<'_>| value.as_str().map(std::borrow::Cow::into_owned);
        // Health checks of the subscription carry no records.
        if self.message_type.and_then(text).as_deref() == Some("CONTROL_MESSAGE") {
            return Unwrapped::Messages(MessageBlock { context: None, messages: Vec::new() });
        }
        if events.kind() != Kind::Array {
            return Unwrapped::Nothing(BadReason::MalformedEnvelope);
        }
        let context = context([
            ("owner", self.owner),
            ("account", self.owner),
            ("log_group", self.log_group),
            ("log_stream", self.log_stream),
        ]);
        let messages = events.items().map(|event| {
            let timestamp = event.get("timestamp").filter(|value| !value.is_null());
            (timestamp.map(|value| value.text().into_owned()), event.get("message").and_then(text))
        });
        Unwrapped::Messages(MessageBlock { context: Some(context), messages: messages.collect() })
    }
}

fn context<const N: usize>(fields: [(&str, Option<Value<'_>>); N]) -> Context {
    let told = fields.into_iter().filter_map(|(name, value)| {
        let text = value?.as_str().filter(|text| !text.is_empty())?.into_owned();
        Some((name.to_owned(), text))
    });
    told.collect()
}

/// The text in a member that holds base64 of gzip, or of plain text.
fn inflated(data: Value<'_>) -> Result<Vec<u8>, BadReason> {
    let data = data.as_str().ok_or(BadReason::MalformedEnvelope)?;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(data.as_bytes())
        .map_err(|_| BadReason::MalformedEnvelope)?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice())
        .take(INFLATED_BYTES_MAX + 1)
        .read_to_end(&mut text)
        .map_err(|_| BadReason::CorruptCompression)?;
    if text.len() as u64 > INFLATED_BYTES_MAX {
        return Err(BadReason::SizeExceeded);
    }
    Ok(text)
}
