//! Checks log sources: names, both languages, paths that a record can have, outcomes, classes of
//! OCSF, and samples with their rows. Samples are run by `yagura content test`, not here.

use std::collections::BTreeSet;

use yagura_model::source::{
    Column, ColumnKind, FieldPath, FieldStep, RESERVED_COLUMNS, RecordOutcome, Rule,
};

use super::{Lint, ocsf, prose};
use crate::format::{Header, RecordFormat, Source};
use crate::place::Place;
use crate::problem::File;

/// What a path may ask of an object beside the named parts of its key: who delivered it and how.
const CONTEXT: [&str; 9] = [
    "account",
    "region",
    "owner",
    "log_group",
    "log_stream",
    "timestamp",
    "modified",
    "peer",
    "received",
];
/// Tables that questions see beside those of the sources.
const TABLES: [&str; 7] =
    ["accounts", "coverage", "events", "objects", "resources", "scans", "verdicts"];
/// Columns that a table may have. Beyond this it is no table but a record of another shape.
const COLUMNS_MAX: usize = 200;

pub(crate) fn check(lint: &mut Lint<'_>, source: &Source) {
    let file = lint.source_file(source);
    lint.id(&file, &source.id);
    prose::check(lint, &file, "title", &source.title);
    prose::check(lint, &file, "about", &source.about);
    if !source.document.starts_with("https://") {
        let message = "`document` is the https address of what describes the records";
        lint.error(&file, source.document.place, message);
    }
    let start = source.title.place;
    if TABLES.contains(&source.id.as_str()) {
        let message = format!("`{}` is the name of a table that is no log source", source.id);
        lint.error(&file, start, message);
    }
    if source.keys.0.is_empty() && source.log_groups.is_empty() && source.content.is_empty() {
        let hint = "give `keys`, `log_groups` or `content`";
        lint.hinted(&file, start, "nothing tells how the source is recognized", hint);
    }
    if source.formats.is_empty() {
        lint.error(&file, start, "`formats` is empty");
    }
    columns(lint, &file, source);
    shared(lint, &file, source);
    paths(lint, &file, source);
    ocsf::check(lint, &file, source);
    samples(lint, &file, source);
}

fn columns(lint: &mut Lint<'_>, file: &File, source: &Source) {
    let columns = &source.table().columns;
    if columns.len() > COLUMNS_MAX {
        lint.error(file, source.title.place, format!("more than {COLUMNS_MAX} columns"));
    }
    // Columns that a site added have no place in the source's own file.
    let places = source.column_places().iter().copied().chain(std::iter::repeat(Place::default()));
    for (column, place) in columns.iter().zip(places) {
        name(lint, file, place, column);
    }
}

/// Checks the name of a column and of what is in it.
fn name(lint: &mut Lint<'_>, file: &File, place: Place, column: &Column) {
    if !is_snake(&column.name) {
        lint.error(file, place, format!("the column `{}` is not lower_snake", column.name));
    }
    let mut kind = &column.kind;
    while let ColumnKind::List(element) = kind {
        kind = element;
    }
    if let ColumnKind::Struct(members) = kind {
        members.iter().for_each(|member| name(lint, file, place, member));
    }
}

/// Whether a name is made of lower-case words, digits and single underscores.
pub(crate) fn is_snake(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('_')
        && !name.contains("__")
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn shared(lint: &mut Lint<'_>, file: &File, source: &Source) {
    let shared = &source.table().shared;
    let place = source.title.place;
    if shared.time.from.is_empty() {
        lint.error(file, place, "`shared.time` does not say where the time stands");
    }
    let Rule { from, map, present, absent } = &shared.outcome;
    let named = map.iter().map(|(_, to)| to).chain(present).chain(absent);
    for value in named.filter(|value| !RecordOutcome::NAMES.contains(&value.as_str())) {
        let message = format!("`{value}` is not an outcome");
        lint.hinted(file, place, message, "success, failure or denied");
    }
    if !from.is_empty() && present.is_none() {
        let message = "`shared.outcome` leaves what is not in its `map` as it is";
        lint.hinted(file, place, message, "say with `present` what any other value means");
    }
}

/// Checks that parts of the key that are asked for are named, and that fields of a text log whose
/// fields are known are among them.
fn paths(lint: &mut Lint<'_>, file: &File, source: &Source) {
    let parts: BTreeSet<&str> =
        source.keys.0.iter().flat_map(crate::format::KeyPattern::names).chain(CONTEXT).collect();
    let fields = known_fields(source);
    let table = source.table();
    let mut faults = Vec::new();
    let mut visit = |path: &FieldPath, place: Place| {
        let Some(FieldStep::Key(first)) = path.steps.first() else { return };
        if path.from_key && !parts.contains(first.as_str()) {
            faults.push((place, format!("no key of the source has a part `{first}`")));
        }
        if let Some(fields) = &fields
            && !path.from_key
            && !fields.contains(first.as_str())
        {
            faults.push((place, format!("no record of the source has a field `{first}`")));
        }
    };
    let places = source.column_places().iter().copied().chain(std::iter::repeat(Place::default()));
    for (column, place) in table.columns.iter().zip(places) {
        column.from.iter().for_each(|path| visit(path, place));
    }
    let rules = table.shared.texts();
    let templates = rules.iter().flat_map(|(_, rule)| &rule.from).chain(&table.shared.time.from);
    for path in templates.flat_map(yagura_model::source::Template::paths).chain(&table.identity) {
        visit(path, source.title.place);
    }
    for (place, message) in faults {
        lint.error(file, place, message);
    }
}

/// The fields of a record, where the file knows them all.
fn known_fields(source: &Source) -> Option<BTreeSet<&str>> {
    let mut fields = BTreeSet::new();
    for format in &source.formats {
        match format {
            RecordFormat::Delimited(text) if text.header == Header::None => {
                fields.extend(text.columns.iter().map(String::as_str));
            }
            RecordFormat::Lines(pattern) => fields.extend(pattern.names()),
            _ => return None,
        }
    }
    (!fields.is_empty()).then_some(fields)
}

fn samples(lint: &mut Lint<'_>, file: &File, source: &Source) {
    if source.samples.is_empty() {
        let hint = "a file in `samples/` with a few records, and `<file>.expected.jsonl` beside it";
        lint.hinted(file, source.title.place, "there are no `samples`", hint);
    }
    let content = lint.content;
    let mut listed = BTreeSet::new();
    for sample in &source.samples {
        let expected = sample.expected_file();
        for name in [sample.file.value.as_str(), expected.as_str()] {
            if content.sample(source, name).is_none() {
                let message = format!("there is no `samples/{name}`");
                let hint = "`yagura content test` tells the rows that a sample gives";
                lint.hinted(file, sample.file.place, message, hint);
            }
            listed.insert(name.to_owned());
        }
    }
    let folder = format!("sources/{}/samples/", source.id);
    let present = content.samples.keys().filter_map(|path| path.strip_prefix(&folder));
    for name in present.filter(|name| !listed.contains(*name)) {
        let message = format!("`samples/{name}` is not in the list of `samples`");
        lint.error(file, source.title.place, message);
    }
}

/// Whether a table has a column, a shared one included.
pub(crate) fn has_column(source: &Source, name: &str) -> bool {
    RESERVED_COLUMNS.contains(&name)
        || source.table().columns.iter().any(|column| column.name == name)
}
