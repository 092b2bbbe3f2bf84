//! The shapes of one service: structures, lists, maps and scalars with their wire names.
//! Operations, and what the protocols make of shapes, are elsewhere.

use crate::api::ApiError;
use crate::api::reader::{Reader, Strings};

/// What kind of value a shape describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Named members (JSON object).
    Structure,
    /// Elements of one shape (JSON array).
    List,
    /// String keys, values of one shape (JSON object).
    Map,
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// A 32-bit integer.
    Integer,
    /// A 64-bit integer.
    Long,
    /// A 32-bit floating-point number, or `"NaN"`, `"Infinity"`, `"-Infinity"`.
    Float,
    /// A 64-bit floating-point number, or `"NaN"`, `"Infinity"`, `"-Infinity"`.
    Double,
    /// An instant; an RFC 3339 text in our JSON.
    Timestamp,
    /// Bytes; a base64 text in our JSON.
    Blob,
}

/// How a timestamp is written on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampFormat {
    /// `2026-11-21T19:50:00Z`
    Iso8601,
    /// Seconds since 1970 as a number.
    UnixSeconds,
    /// `Sat, 21 Nov 2026 19:50:00 GMT`
    HttpDate,
}

/// Where a member travels in an HTTP message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the body (or is the body).
    Body,
    /// A label in the path.
    Uri,
    /// In the query string.
    Query,
    /// A header.
    Header,
    /// All headers with a prefix.
    Headers,
    /// The status code of the answer.
    StatusCode,
}

mod flag {
    pub(super) const UNION: u32 = 1;
    pub(super) const DOCUMENT: u32 = 1 << 1;
    pub(super) const EXCEPTION: u32 = 1 << 2;
    pub(super) const EVENT_STREAM: u32 = 1 << 3;
    pub(super) const SENSITIVE: u32 = 1 << 4;
    pub(super) const FLATTENED: u32 = 1 << 5;
    pub(super) const SPARSE: u32 = 1 << 6;
    pub(super) const FAULT: u32 = 1 << 7;
    pub(super) const STREAMING: u32 = 1 << 8;

    pub(super) const REQUIRED: u32 = 1;
    pub(super) const LOCATION_SHIFT: u32 = 1;
    pub(super) const MEMBER_FLATTENED: u32 = 1 << 4;
    pub(super) const ATTRIBUTE: u32 = 1 << 5;
    pub(super) const IDEMPOTENCY: u32 = 1 << 6;
    pub(super) const JSON_VALUE: u32 = 1 << 7;
    pub(super) const HOST_LABEL: u32 = 1 << 8;
    pub(super) const MEMBER_STREAMING: u32 = 1 << 9;
    /// Rare texts follow: query name, XML namespace and its prefix, endpoint parameter.
    pub(super) const EXTRAS: u32 = 1 << 10;
    /// A wire name that differs from the member's name follows.
    pub(super) const WIRE_NAME: u32 = 1 << 11;
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct MemberRecord {
    name: u32,
    wire_name: u32,
    shape: u32,
    flags: u32,
    /// Index into `extras` plus one; 0 for none.
    extras: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Extras {
    query_name: u32,
    namespace: u32,
    namespace_prefix: u32,
    endpoint_parameter: u32,
}

#[derive(Debug, Clone, Copy)]
struct ShapeRecord {
    kind: Kind,
    flags: u32,
    /// Structures: first member. Lists: the member record. Maps: the key's, the value's is next.
    first: u32,
    /// Structures: number of members. Timestamps: the format plus one.
    count: u32,
    /// Structures: index into `details` plus one.
    details: u32,
}

/// The rare facts of a structure.
#[derive(Debug, Clone, Copy, Default)]
struct Details {
    name: u32,
    /// Index of the payload member plus one.
    payload: u32,
    error_code: u32,
    error_status: u32,
    namespace: u32,
    namespace_prefix: u32,
}

/// All shapes of one service.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    strings: Strings,
    records: Vec<ShapeRecord>,
    members: Vec<MemberRecord>,
    extras: Vec<Extras>,
    details: Vec<Details>,
}

impl Shapes {
    /// Reads the strings and the shapes of a block; what follows is the service's own.
    pub(crate) fn read(strings: Strings, reader: &mut Reader<'_>) -> Result<Shapes, ApiError> {
        let mut shapes = Shapes { strings, ..Shapes::default() };
        let count = reader.count()?;
        for _ in 0..count {
            let record = shapes.read_shape(reader)?;
            shapes.records.push(record);
        }
        let known = shapes.records.len();
        if shapes.members.iter().any(|member| member.shape as usize >= known) {
            return Err(ApiError::damaged("a member points to no shape"));
        }
        Ok(shapes)
    }

    fn read_shape(&mut self, reader: &mut Reader<'_>) -> Result<ShapeRecord, ApiError> {
        let head = reader.number()?;
        let kind = kind_of(head & 0xf)?;
        let flags = head >> 4;
        let first = self.members.len() as u32;
        let (mut count, mut details) = (0, 0);
        match kind {
            Kind::Structure => {
                if reader.byte()? == 1 {
                    self.details.push(read_details(&self.strings, reader)?);
                    details = self.details.len() as u32;
                }
                count = reader.count()? as u32;
                for _ in 0..count {
                    self.read_member(reader)?;
                }
            }
            Kind::List => self.read_member(reader)?,
            Kind::Map => {
                self.read_member(reader)?;
                self.read_member(reader)?;
            }
            Kind::Timestamp => count = reader.number()?,
            _ => {}
        }
        Ok(ShapeRecord { kind, flags, first, count, details })
    }

    fn read_member(&mut self, reader: &mut Reader<'_>) -> Result<(), ApiError> {
        let name = self.strings.optional(reader)?;
        let shape = reader.number()?;
        let flags = reader.number()?;
        let wire_name =
            if flags & flag::WIRE_NAME != 0 { self.strings.required(reader)? } else { 0 };
        let mut extras = 0;
        if flags & flag::EXTRAS != 0 {
            self.extras.push(Extras {
                query_name: self.strings.optional(reader)?,
                namespace: self.strings.optional(reader)?,
                namespace_prefix: self.strings.optional(reader)?,
                endpoint_parameter: self.strings.optional(reader)?,
            });
            extras = self.extras.len() as u32;
        }
        self.members.push(MemberRecord { name, wire_name, shape, flags, extras });
        Ok(())
    }

    pub(crate) fn strings(&self) -> &Strings {
        &self.strings
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn shape(&self, id: u32) -> Option<Shape<'_>> {
        self.records.get(id as usize).map(|record| Shape { table: self, record })
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Shape<'_>> {
        self.records.iter().map(|record| Shape { table: self, record })
    }
}

fn read_details(strings: &Strings, reader: &mut Reader<'_>) -> Result<Details, ApiError> {
    Ok(Details {
        name: strings.optional(reader)?,
        payload: reader.number()?,
        error_code: strings.optional(reader)?,
        error_status: reader.number()?,
        namespace: strings.optional(reader)?,
        namespace_prefix: strings.optional(reader)?,
    })
}

fn kind_of(number: u32) -> Result<Kind, ApiError> {
    Ok(match number {
        0 => Kind::Structure,
        1 => Kind::List,
        2 => Kind::Map,
        3 => Kind::String,
        4 => Kind::Boolean,
        5 => Kind::Integer,
        6 => Kind::Long,
        7 => Kind::Float,
        8 => Kind::Double,
        9 => Kind::Timestamp,
        10 => Kind::Blob,
        _ => return Err(ApiError::damaged("a shape is of an unknown kind")),
    })
}

/// A view of one shape.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    table: &'a Shapes,
    record: &'a ShapeRecord,
}

impl<'a> Shape<'a> {
    /// What kind of value this is.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.record.kind
    }

    fn flag(self, flag: u32) -> bool {
        self.record.flags & flag != 0
    }

    /// A structure of which exactly one member is set.
    #[must_use]
    pub fn is_union(self) -> bool {
        self.flag(flag::UNION)
    }

    /// A value of any JSON form.
    #[must_use]
    pub fn is_document(self) -> bool {
        self.flag(flag::DOCUMENT)
    }

    /// An error that the service raises.
    #[must_use]
    pub fn is_exception(self) -> bool {
        self.flag(flag::EXCEPTION)
    }

    /// A stream of events, which this client does not speak.
    #[must_use]
    pub fn is_event_stream(self) -> bool {
        self.flag(flag::EVENT_STREAM)
    }

    /// Must not be logged.
    #[must_use]
    pub fn is_sensitive(self) -> bool {
        self.flag(flag::SENSITIVE)
    }

    /// A list or map without an element of its own around its entries (XML, Query).
    #[must_use]
    pub fn is_flattened(self) -> bool {
        self.flag(flag::FLATTENED)
    }

    /// A list or map whose entries may be null.
    #[must_use]
    pub fn is_sparse(self) -> bool {
        self.flag(flag::SPARSE)
    }

    /// An error that is the service's fault, not the caller's.
    #[must_use]
    pub fn is_fault(self) -> bool {
        self.flag(flag::FAULT)
    }

    /// A body that is read as a stream.
    #[must_use]
    pub fn is_streaming(self) -> bool {
        self.flag(flag::STREAMING)
    }

    /// The timestamp format that the shape prescribes.
    #[must_use]
    pub fn timestamp_format(self) -> Option<TimestampFormat> {
        match (self.record.kind, self.record.count) {
            (Kind::Timestamp, 1) => Some(TimestampFormat::Iso8601),
            (Kind::Timestamp, 2) => Some(TimestampFormat::UnixSeconds),
            (Kind::Timestamp, 3) => Some(TimestampFormat::HttpDate),
            _ => None,
        }
    }

    /// The members of a structure, in the model's order.
    pub fn members(self) -> impl Iterator<Item = Member<'a>> + Clone {
        let first = self.record.first as usize;
        let count =
            if self.record.kind == Kind::Structure { self.record.count as usize } else { 0 };
        let table = self.table;
        table
            .members
            .get(first..first + count)
            .unwrap_or_default()
            .iter()
            .map(move |record| Member { table, record })
    }

    /// The member of a structure with this documented name.
    #[must_use]
    pub fn member(self, name: &str) -> Option<Member<'a>> {
        self.members().find(|member| member.name() == name)
    }

    fn inner(self, kind: Kind, offset: u32) -> Option<Member<'a>> {
        if self.record.kind != kind {
            return None;
        }
        let record = self.table.members.get((self.record.first + offset) as usize)?;
        Some(Member { table: self.table, record })
    }

    /// A list's element.
    #[must_use]
    pub fn element(self) -> Option<Member<'a>> {
        self.inner(Kind::List, 0)
    }

    /// A map's key.
    #[must_use]
    pub fn key(self) -> Option<Member<'a>> {
        self.inner(Kind::Map, 0)
    }

    /// A map's value.
    #[must_use]
    pub fn value(self) -> Option<Member<'a>> {
        self.inner(Kind::Map, 1)
    }

    fn details(self) -> Option<&'a Details> {
        self.table.details.get((self.record.details as usize).checked_sub(1)?)
    }

    fn detail(self, pick: impl Fn(&Details) -> u32) -> Option<&'a str> {
        self.details().and_then(|details| self.table.strings.get(pick(details)))
    }

    /// The name of an exception's shape.
    #[must_use]
    pub fn name(self) -> Option<&'a str> {
        self.detail(|details| details.name)
    }

    /// The member of a structure that is the whole body.
    #[must_use]
    pub fn payload(self) -> Option<Member<'a>> {
        let index = (self.details()?.payload as usize).checked_sub(1)?;
        self.members().nth(index)
    }

    /// The code of an exception on the wire: its `error.code`, else its name.
    #[must_use]
    pub fn error_code(self) -> Option<&'a str> {
        self.detail(|details| details.error_code).or_else(|| self.name())
    }

    /// The HTTP status of an exception.
    #[must_use]
    pub fn error_status(self) -> Option<u16> {
        let status = self.details()?.error_status;
        u16::try_from(status).ok().filter(|status| *status != 0)
    }

    /// The XML namespace and its prefix.
    #[must_use]
    pub fn xml_namespace(self) -> Option<(&'a str, Option<&'a str>)> {
        let uri = self.detail(|details| details.namespace)?;
        Some((uri, self.detail(|details| details.namespace_prefix)))
    }
}

/// A view of one member of a structure, or of a list's element or a map's key or value.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    table: &'a Shapes,
    record: &'a MemberRecord,
}

impl<'a> Member<'a> {
    fn flag(self, flag: u32) -> bool {
        self.record.flags & flag != 0
    }

    /// The documented name; empty for elements, keys and values.
    #[must_use]
    pub fn name(self) -> &'a str {
        self.table.strings.get(self.record.name).unwrap_or_default()
    }

    /// The name on the wire, if the model gives one.
    #[must_use]
    pub fn location_name(self) -> Option<&'a str> {
        self.table.strings.get(self.record.wire_name)
    }

    /// The name on the wire, else the documented name.
    #[must_use]
    pub fn wire_name(self) -> &'a str {
        self.location_name().unwrap_or_else(|| self.name())
    }

    /// The shape of the value.
    #[must_use]
    pub fn shape(self) -> Shape<'a> {
        const NONE: ShapeRecord =
            ShapeRecord { kind: Kind::String, flags: 0, first: 0, count: 0, details: 0 };
        // INVARIANT: `Shapes::read` has checked that every member points to a shape.
        let record = self.table.records.get(self.record.shape as usize).unwrap_or(&NONE);
        Shape { table: self.table, record }
    }

    /// Must be given.
    #[must_use]
    pub fn is_required(self) -> bool {
        self.flag(flag::REQUIRED)
    }

    /// Where in the message it travels.
    #[must_use]
    pub fn location(self) -> Location {
        match (self.record.flags >> flag::LOCATION_SHIFT) & 7 {
            1 => Location::Uri,
            2 => Location::Query,
            3 => Location::Header,
            4 => Location::Headers,
            5 => Location::StatusCode,
            _ => Location::Body,
        }
    }

    /// A list or map without an element of its own around its entries.
    #[must_use]
    pub fn is_flattened(self) -> bool {
        self.flag(flag::MEMBER_FLATTENED) || self.shape().is_flattened()
    }

    /// An XML attribute of the structure's element.
    #[must_use]
    pub fn is_attribute(self) -> bool {
        self.flag(flag::ATTRIBUTE)
    }

    /// Filled with a random token when the caller leaves it out.
    #[must_use]
    pub fn is_idempotency_token(self) -> bool {
        self.flag(flag::IDEMPOTENCY)
    }

    /// A header that holds JSON in base64 on the wire and a JSON value here. (In bodies, AWS's
    /// clients leave such texts to the caller, and so do we.)
    #[must_use]
    pub fn is_json_value(self) -> bool {
        self.flag(flag::JSON_VALUE) && self.location() == Location::Header
    }

    /// Part of the host name.
    #[must_use]
    pub fn is_host_label(self) -> bool {
        self.flag(flag::HOST_LABEL)
    }

    /// A body that is read as a stream.
    #[must_use]
    pub fn is_streaming(self) -> bool {
        self.flag(flag::MEMBER_STREAMING) || self.shape().is_streaming()
    }

    fn extra(self, pick: impl Fn(&Extras) -> u32) -> Option<&'a str> {
        let extras = self.table.extras.get((self.record.extras as usize).checked_sub(1)?)?;
        self.table.strings.get(pick(extras))
    }

    /// The name in an EC2 request.
    #[must_use]
    pub fn query_name(self) -> Option<&'a str> {
        self.extra(|extras| extras.query_name)
    }

    /// The XML namespace and its prefix: the member's, else its shape's.
    #[must_use]
    pub fn xml_namespace(self) -> Option<(&'a str, Option<&'a str>)> {
        match self.extra(|extras| extras.namespace) {
            Some(uri) => Some((uri, self.extra(|extras| extras.namespace_prefix))),
            None => self.shape().xml_namespace(),
        }
    }

    /// The parameter of the endpoint rules that this member sets.
    #[must_use]
    pub fn endpoint_parameter(self) -> Option<&'a str> {
        self.extra(|extras| extras.endpoint_parameter)
    }
}
