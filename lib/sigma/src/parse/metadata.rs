//! Reads the head of a rule: title, id, level, tags and the like.
//! Keys that Sigma does not know are the author's own and are kept.

use std::sync::Arc;

use crate::problem::Problem;
use crate::rule::{Level, LogSource, Metadata, Related, Relation, Status};
use crate::yaml::{Kind, Node};

/// Keys with a meaning; any other is custom.
const KNOWN: [&str; 24] = [
    "action",
    "author",
    "correlation",
    "date",
    "description",
    "detection",
    "falsepositives",
    "fields",
    "filter",
    "generate",
    "id",
    "level",
    "license",
    "logsource",
    "modified",
    "name",
    "references",
    "reference",
    "related",
    "scope",
    "status",
    "tags",
    "taxonomy",
    "title",
];

/// Longest title (Sigma rules specification: 256 characters). Longer ones are errors.
const TITLE_CHARS_MAX: usize = 256;

/// Reads the head.
///
/// # Errors
/// Every malformed key of it.
pub(super) fn read(origin: &Arc<str>, document: &Node) -> Result<Metadata, Vec<Problem>> {
    let mut reader = Reader { document, problems: Vec::new() };
    let metadata = Metadata {
        origin: Arc::clone(origin),
        place: document.place,
        title: reader.title(),
        id: reader.text("id"),
        name: reader.text("name"),
        status: reader.choice("status", Status::read),
        level: reader.choice("level", Level::read),
        description: reader.text("description"),
        license: reader.text("license"),
        author: reader.text("author"),
        taxonomy: reader.text("taxonomy"),
        date: reader.date("date"),
        modified: reader.date("modified"),
        references: reader.references(),
        tags: reader.texts("tags"),
        fields: reader.texts("fields"),
        false_positives: reader.texts("falsepositives"),
        scope: reader.texts("scope"),
        related: reader.related(),
        custom: reader.custom(),
    };
    if reader.problems.is_empty() { Ok(metadata) } else { Err(reader.problems) }
}

/// Reads one document and remembers what was wrong, so that all of it is told at once.
struct Reader<'a> {
    document: &'a Node,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn present(&self, key: &str) -> Option<&'a Node> {
        self.document.get(key).filter(|node| !matches!(node.kind, Kind::Null))
    }

    fn keep<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.problems.push(problem)).ok()
    }

    fn title(&mut self) -> String {
        let Some(title) = self.text("title") else {
            if self.present("title").is_none() {
                let place = self.document.place;
                self.problems.push(Problem::error(place, "`title` is missing"));
            }
            return String::new();
        };
        if title.chars().count() > TITLE_CHARS_MAX {
            let place = self.present("title").map_or(self.document.place, |node| node.place);
            let message = format!("`title` has more than {TITLE_CHARS_MAX} characters");
            self.problems.push(Problem::error(place, message));
        }
        title
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let node = self.present(key)?;
        self.keep(node.expect_text(key))
    }

    fn texts(&mut self, key: &str) -> Vec<String> {
        let Some(node) = self.present(key) else { return Vec::new() };
        self.keep(node.expect_texts(key)).unwrap_or_default()
    }

    fn references(&mut self) -> Vec<String> {
        let mut references = self.texts("references");
        references.extend(self.texts("reference"));
        references
    }

    fn choice<T>(&mut self, key: &str, read: fn(&str) -> Option<T>) -> Option<T> {
        let node = self.present(key)?;
        let text = self.keep(node.expect_text(key))?;
        let value = read(&text);
        if value.is_none() {
            let message = format!("`{text}` is not a {key} of Sigma");
            self.problems.push(Problem::error(node.place, message));
        }
        value
    }

    /// `YYYY-MM-DD`, or `YYYY/MM/DD` as rules before Sigma 2 wrote it.
    fn date(&mut self, key: &str) -> Option<String> {
        let node = self.present(key)?;
        let text = self.keep(node.expect_text(key))?;
        let date = text.replace('/', "-");
        // Old rules wrote `2020-1-9` as well.
        let parts: Vec<&str> = date.split('-').collect();
        let padded = match parts.as_slice() {
            [year, month, day] => format!("{year:0>4}-{month:0>2}-{day:0>2}"),
            _ => date.clone(),
        };
        if padded.parse::<jiff::civil::Date>().is_err() {
            let message = format!("`{text}` is not a date as `2026-11-21`");
            self.problems.push(Problem::error(node.place, message));
            return None;
        }
        Some(padded)
    }

    fn related(&mut self) -> Vec<Related> {
        let Some(node) = self.present("related") else { return Vec::new() };
        let Kind::List(items) = &node.kind else {
            let message = format!("`related` must be a list, not {}", node.what());
            self.problems.push(Problem::error(node.place, message));
            return Vec::new();
        };
        items.iter().filter_map(|item| self.keep(related(item))).collect()
    }

    fn custom(&mut self) -> Vec<(String, String)> {
        let entries = self.document.map().unwrap_or_default();
        let own = entries.iter().filter(|entry| !KNOWN.contains(&entry.key.as_str()));
        own.filter_map(|entry| Some((entry.key.clone(), entry.value.expect_text("").ok()?)))
            .collect()
    }
}

fn related(item: &Node) -> Result<Related, Problem> {
    item.expect_map("related")?;
    let id = super::required(item, "id")?.expect_text("id")?;
    let node = super::required(item, "type")?;
    let name = node.expect_text("type")?;
    let relation = Relation::read(&name).ok_or_else(|| {
        Problem::error(node.place, format!("`{name}` is not a relation between rules"))
    })?;
    Ok(Related { id, relation })
}

/// `logsource` of a document that must have one.
pub(super) fn required_log_source(document: &Node) -> Result<LogSource, Problem> {
    let node = super::required(document, "logsource")?;
    let source = read_log_source(node, &["definition"])?;
    if source == LogSource::default() {
        let message = "`logsource` names neither a product, nor a service, nor a category";
        return Err(Problem::error(node.place, message));
    }
    Ok(source)
}

/// A map of product, service and category; `others` are keys that may stand beside them.
/// Sigma allows further keys of the author's own in rules; `others` empty refuses them.
pub(crate) fn read_log_source(node: &Node, others: &[&str]) -> Result<LogSource, Problem> {
    let mut source = LogSource::default();
    for entry in node.expect_map("logsource")? {
        let slot = match entry.key.as_str() {
            "product" => &mut source.product,
            "service" => &mut source.service,
            "category" => &mut source.category,
            key if others.is_empty() => {
                let message = format!("`{key}` is not known in a log source");
                return Err(Problem::error(entry.place, message));
            }
            _ => continue,
        };
        if !matches!(entry.value.kind, Kind::Null) {
            *slot = Some(entry.value.expect_text(&entry.key)?);
        }
    }
    Ok(source)
}
