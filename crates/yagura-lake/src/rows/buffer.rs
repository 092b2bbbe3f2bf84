//! Rows that wait to be written: columns of a table in the order of arrival, and the order in
//! which they are to be written. Which records are repeats is asked of the caller.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use yagura_model::event::{EventBatch, Record};

use crate::form::{FormMaker, TextPool};
use crate::layout::partition::account_value;
use crate::layout::table::{IdentityPart, LIKENESS, OWN_COLUMNS_FROM, TableLayout};
use crate::rows::columns::{ColumnInMaking, retyped};
use crate::rows::fill::Filler;
use crate::rows::plan::{PlannedKind, SharedText};
use crate::rows::refused::RefusedReason;
use crate::rows::values::Values;

pub(crate) const HOUR_US: i64 = 3_600_000_000;
pub(crate) const DAY_US: i64 = 24 * HOUR_US;

/// A partition of a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Partition {
    pub(crate) day: Date,
    pub(crate) account: Arc<str>,
}

/// A row that waits: where it belongs and where its values are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) time_us: i64,
    /// Index into [`RowBuffer::partitions`].
    pub(crate) partition: u32,
    /// Index into the columns.
    pub(crate) row: u32,
    /// Numbers of its texts in the columns of [`LIKENESS`]; below zero where it has none.
    pub(crate) like: [i32; LIKENESS.len()],
}

/// What decides whether a record becomes a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Newcomer {
    pub(crate) partition: u32,
    /// Hour of the partition's day.
    pub(crate) hour: u32,
    /// The hash of its name; none where it has no name and so cannot be a repeat.
    pub(crate) name: Option<u64>,
    /// The row that it would become, counted over the life of the buffer.
    pub(crate) row: u64,
}

/// A record that cannot be a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefusedRecord {
    pub(crate) ordinal: u64,
    pub(crate) reason: RefusedReason,
    pub(crate) raw: Vec<u8>,
}

/// Rows of one table that wait to be written.
#[derive(Debug)]
pub(crate) struct RowBuffer {
    pub(crate) layout: Arc<TableLayout>,
    times: Vec<i64>,
    texts: Vec<ColumnInMaking>,
    own: Vec<ColumnInMaking>,
    /// The texts by which rows are put together.
    likeness: [TextPool; LIKENESS.len()],
    objects: TextPool,
    forms: TextPool,
    form: FormMaker,
    /// Records that have no form.
    raw: ColumnInMaking,
    row_bytes: usize,
    partitions: Vec<Partition>,
    partition_numbers: HashMap<(i64, Arc<str>), u32>,
    names: RandomState,
    /// Rows that were taken out since the buffer was made.
    taken: u64,
    /// The rows that are to be written. What is in the columns and not here is not written.
    pub(crate) order: Vec<Place>,
}

impl RowBuffer {
    /// An empty buffer. `names` hashes the names of records, the same way everywhere in a lake.
    pub(crate) fn new(layout: Arc<TableLayout>, names: RandomState) -> Self {
        let making = |at: usize| {
            layout.schema.fields().get(at).map(|field| ColumnInMaking::new(field.data_type()))
        };
        let texts = (1..OWN_COLUMNS_FROM).filter_map(making).collect();
        let own_end = OWN_COLUMNS_FROM + layout.table.columns.len();
        let own = (OWN_COLUMNS_FROM..own_end).filter_map(making).collect();
        // A number or the end of a text per leaf, and bits for nulls.
        let row_bytes = leaves(&layout.schema) * 6 + size_of::<Place>();
        Self {
            layout,
            times: Vec::new(),
            texts,
            own,
            likeness: Default::default(),
            objects: TextPool::default(),
            forms: TextPool::default(),
            form: FormMaker::default(),
            raw: ColumnInMaking::new(&DataType::Utf8View),
            row_bytes,
            partitions: Vec::new(),
            partition_numbers: HashMap::new(),
            names,
            taken: 0,
            order: Vec::new(),
        }
    }

    /// Bytes that are held.
    pub(crate) fn bytes(&self) -> usize {
        let texts = self.texts.iter().chain(&self.own).chain([&self.raw]);
        let texts: usize = texts.map(ColumnInMaking::text_bytes).sum();
        let pools = self.likeness.iter().chain([&self.objects, &self.forms]);
        let pools: usize = pools.map(TextPool::bytes).sum();
        texts + pools + self.times.len() * self.row_bytes
    }

    /// Rows that were taken out since the buffer was made: a [`Newcomer::row`] below is gone.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    pub(crate) fn partition(&self, number: u32) -> Option<&Partition> {
        self.partitions.get(number as usize)
    }

    /// Adds the records of a batch that `wanted` says yes to, and answers those that cannot be
    /// rows. No record may be later than `latest_us`.
    pub(crate) fn append(
        &mut self,
        batch: &EventBatch,
        latest_us: i64,
        wanted: &mut dyn FnMut(&Self, Newcomer) -> Result<bool, crate::LakeError>,
    ) -> Result<Vec<RefusedRecord>, crate::LakeError> {
        let layout = Arc::clone(&self.layout);
        let mut values = Values::new(&layout.plan);
        let mut clock = Clock::default();
        let mut refused = Vec::new();
        for record in batch {
            values.walk(&layout.plan, 0, record.root());
            let (time_us, time_from) = match clock.time(&layout, &values, record, latest_us) {
                Ok(time) => time,
                Err(reason) => {
                    let (ordinal, raw) = (record.ordinal(), record.raw().as_bytes().to_vec());
                    refused.push(RefusedRecord { ordinal, reason, raw });
                    continue;
                }
            };
            let newcomer = self.newcomer(&layout, &values, record, time_us);
            if !wanted(self, newcomer)? {
                continue;
            }
            let like = self.push(&layout, &mut values, record, (time_us, time_from));
            let row = u32::try_from(self.times.len()).unwrap_or(u32::MAX);
            self.times.push(time_us);
            self.order.push(Place { time_us, partition: newcomer.partition, row, like });
        }
        Ok(refused)
    }

    /// Adds the values of a record to all columns; answers the numbers of its [`LIKENESS`].
    fn push<'a>(
        &mut self,
        layout: &TableLayout,
        values: &mut Values<'a>,
        record: Record<'a>,
        (time_us, time_from): (i64, usize),
    ) -> [i32; LIKENESS.len()] {
        let (plan, raw) = (&layout.plan, record.raw());
        self.form.begin();
        let mut like = [-1; LIKENESS.len()];
        for (at, (planned, column)) in plan.texts.iter().zip(&mut self.texts).enumerate() {
            values.shared(planned, record, |text, from| {
                if let Some(own) = LIKENESS.iter().position(|like| *like == at)
                    && let (Some(pool), Some(like)) =
                        (self.likeness.get_mut(own), like.get_mut(own))
                {
                    *like = pool.push(text);
                }
                let Some(text) = text else { return column.push_null() };
                column.push_text(text);
                let blank = from.and_then(|from| planned.blanks.get(from).copied().flatten());
                if let Some(blank) = blank {
                    self.form.took(raw, text, blank);
                }
            });
        }
        let row = self.times.len();
        let mut filler = Filler { plan, values, record, form: &mut self.form, item: None };
        if let Some(blank) = plan.time_blanks.get(time_from).copied().flatten()
            && let Some(wanted) = plan.time.get(time_from)
            && let Some(words) = filler.values.wanted(wanted, record)
        {
            filler.took_time(plan.time_format, &words, Some(blank), time_us);
        }
        for (planned, column) in plan.columns.iter().zip(&mut self.own) {
            filler.column(0, planned, row, column);
        }
        self.objects.push(Some(&record.origin().object));
        let form = self.form.form(raw, &plan.marked);
        if form.is_none() {
            self.raw.pad(row);
            self.raw.push_text(raw);
        }
        self.forms.push(form);
        like
    }

    fn newcomer(
        &mut self,
        layout: &TableLayout,
        values: &Values<'_>,
        record: Record<'_>,
        time_us: i64,
    ) -> Newcomer {
        let days = time_us.div_euclid(DAY_US);
        let partition = values.shared(&layout.plan.account, record, |account, _| {
            self.partition_number(days, account_value(account))
        });
        let hour = time_us.rem_euclid(DAY_US) / HOUR_US;
        Newcomer {
            partition,
            hour: u32::try_from(hour).unwrap_or_default(),
            name: name(&self.names, layout, values, record, time_us),
            row: self.taken + self.times.len() as u64,
        }
    }

    fn partition_number(&mut self, days: i64, account: &str) -> u32 {
        let same =
            |partition: &Partition, known: i64| known == days && *partition.account == *account;
        // Nearly always that of the record before.
        if let Some(last) = self.order.last()
            && let Some(partition) = self.partitions.get(last.partition as usize)
            && same(partition, last.time_us.div_euclid(DAY_US))
        {
            return last.partition;
        }
        let key = (days, Arc::<str>::from(account));
        if let Some(number) = self.partition_numbers.get(&key) {
            return *number;
        }
        let number = u32::try_from(self.partitions.len()).unwrap_or(u32::MAX);
        self.partitions.push(Partition { day: day(days), account: Arc::clone(&key.1) });
        self.partition_numbers.insert(key, number);
        number
    }

    /// Where the texts of [`LIKENESS`] stand in the order of texts, by their numbers.
    pub(crate) fn likeness(&self) -> [Vec<u32>; LIKENESS.len()] {
        self.likeness.each_ref().map(TextPool::ranks)
    }

    /// All columns in the order of arrival; the buffer is empty afterwards. The order in which
    /// rows are to be written must have been taken before.
    pub(crate) fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let rows = self.times.len();
        self.taken += rows as u64;
        let times = TimestampMicrosecondArray::from(std::mem::take(&mut self.times));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(times.with_timezone("UTC"))];
        for column in self.texts.iter_mut().chain(&mut self.own) {
            column.pad(rows);
            columns.push(column.finish()?);
        }
        columns.push(Arc::new(self.objects.finish()?));
        columns.push(Arc::new(self.forms.finish()?));
        self.raw.pad(rows);
        columns.push(self.raw.finish()?);
        self.likeness.iter_mut().for_each(TextPool::clear);
        self.order.clear();
        let fields = retyped(self.layout.schema.fields(), &columns);
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
    }
}

/// Where a row stands by its texts in the columns of [`LIKENESS`]; without a text at the front.
pub(crate) fn ranks_of(
    like: [i32; LIKENESS.len()],
    known: &[Vec<u32>; LIKENESS.len()],
) -> [u32; LIKENESS.len()] {
    let mut ranks = [0; LIKENESS.len()];
    for ((rank, own), known) in ranks.iter_mut().zip(like).zip(known) {
        *rank = usize::try_from(own).ok().and_then(|own| known.get(own)).copied().unwrap_or(0);
    }
    ranks
}

/// Reads the times of records; most have the time of the one before.
#[derive(Debug, Default)]
struct Clock {
    text: String,
    time_us: Option<i64>,
}

impl Clock {
    fn time(
        &mut self,
        layout: &TableLayout,
        values: &Values<'_>,
        record: Record<'_>,
        latest_us: i64,
    ) -> Result<(i64, usize), RefusedReason> {
        for (place, wanted) in layout.plan.time.iter().enumerate() {
            let Some(text) = values.wanted(wanted, record) else { continue };
            if self.text != text || self.time_us.is_none() {
                self.time_us = layout.plan.time_format.micros(&text);
                self.text = text.into_owned();
            }
            // Which year is meant depends on the record: it is not kept for the next one.
            let without_year = || layout.plan.time_format.micros_without_year(&self.text, record);
            match self.time_us.or_else(without_year) {
                Some(time_us) if time_us < EARLIEST_US => return Err(RefusedReason::TooEarly),
                Some(time_us) if time_us > latest_us => return Err(RefusedReason::TooLate),
                Some(time_us) => return Ok((time_us, place)),
                None => {}
            }
        }
        Err(RefusedReason::NoTime)
    }
}

/// 2006-01-01T00:00:00Z: before Amazon S3 and EC2 opened, no log of AWS can have been written.
const EARLIEST_US: i64 = 1_136_073_600_000_000;

/// The day so many days after 1970-01-01.
pub(crate) fn day(days: i64) -> Date {
    let epoch = Date::constant(1970, 1, 1);
    epoch.checked_add(days.days()).unwrap_or(epoch)
}

/// The first microsecond of a day, since 1970 in UTC.
pub(crate) fn day_start_us(day: Date) -> i64 {
    let start = day.to_zoned(jiff::tz::TimeZone::UTC);
    start.map_or(0, |start| Timestamp::as_microsecond(start.timestamp()))
}

fn leaves(schema: &Schema) -> usize {
    schema.flattened_fields().len()
}

/// Hashes the parts of a name, the same from a record and from a stored row.
#[derive(Debug)]
pub(crate) struct NameHash<H: Hasher> {
    hasher: H,
    parts: usize,
    missing_first: bool,
}

impl<H: Hasher> NameHash<H> {
    pub(crate) fn new(names: &impl BuildHasher<Hasher = H>) -> Self {
        Self { hasher: names.build_hasher(), parts: 0, missing_first: false }
    }

    pub(crate) fn text(&mut self, part: Option<&str>) {
        let missing = part.is_none_or(str::is_empty);
        self.missing_first |= self.parts == 0 && missing;
        self.parts += 1;
        let part = part.unwrap_or_default();
        self.hasher.write_usize(part.len());
        self.hasher.write(part.as_bytes());
    }

    pub(crate) fn number(&mut self, part: Option<i64>) {
        self.missing_first |= self.parts == 0 && part.is_none();
        self.parts += 1;
        self.hasher.write_i64(part.unwrap_or(i64::MIN));
    }

    /// None where nothing names the record.
    pub(crate) fn finish(self) -> Option<u64> {
        (self.parts > 0 && !self.missing_first).then(|| self.hasher.finish())
    }
}

fn name(
    names: &RandomState,
    layout: &TableLayout,
    values: &Values<'_>,
    record: Record<'_>,
    time_us: i64,
) -> Option<u64> {
    let mut hash = NameHash::new(names);
    for part in &layout.identity {
        let IdentityPart::Column(at) = *part else { continue };
        if at == 0 {
            hash.number(Some(time_us));
        } else if at < OWN_COLUMNS_FROM {
            let text: Option<&SharedText> = layout.plan.texts.get(at - 1);
            match text {
                Some(text) => values.shared(text, record, |text, _| hash.text(text)),
                None => hash.text(None),
            }
        } else {
            let planned = layout.plan.columns.get(at - OWN_COLUMNS_FROM)?;
            let mut found = planned.from.iter().filter_map(|from| values.find(0, from, record));
            let text: Option<Cow<'_, str>> = found.next().map(|found| found.text());
            match &planned.kind {
                PlannedKind::Integer => {
                    hash.number(text.and_then(|text| yagura_model::source::integer(&text)));
                }
                PlannedKind::Time(format) => {
                    hash.number(text.and_then(|text| format.micros(&text)));
                }
                _ => hash.text(text.as_deref()),
            }
        }
    }
    hash.finish()
}
