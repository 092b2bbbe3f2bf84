//! Reads pipelines from YAML.
//! What they mean is said in `mod.rs`.

use std::sync::Arc;

use super::{Mapping, Pipeline};
use crate::parse::{read_log_source, read_search};
use crate::problem::{Place, Problem};
use crate::yaml::{self, Kind, Node};

/// What a file of pipelines held.
#[derive(Clone, Debug, Default)]
pub struct ParsedPipelines {
    /// The good ones.
    pub pipelines: Vec<Pipeline>,
    /// What is wrong with the others.
    pub problems: Vec<Problem>,
}

type Named = Vec<(String, Vec<String>)>;

pub(super) fn parse(origin: &str, text: &str) -> ParsedPipelines {
    let origin: Arc<str> = Arc::from(origin);
    let (documents, mut problems) = yaml::documents(text);
    let mut pipelines = Vec::new();
    for document in documents.iter().filter(|node| !matches!(node.kind, Kind::Null)) {
        match read(document) {
            Ok(pipeline) => pipelines.push(pipeline),
            Err(faults) => problems.extend(faults),
        }
    }
    let problems = problems.into_iter().map(|problem| problem.of(&origin)).collect();
    ParsedPipelines { pipelines, problems }
}

fn read(document: &Node) -> Result<Pipeline, Vec<Problem>> {
    let one = |problem: Problem| vec![problem];
    let mut source = None;
    let mut log_sources = Vec::new();
    let (mut fields, mut placeholders) = (Named::new(), Named::new());
    for entry in document.expect_map("the pipeline").map_err(one)? {
        match entry.key.as_str() {
            "source" => source = Some(entry.value.expect_text("source").map_err(one)?),
            "logsources" => log_sources = mappings(&entry.value)?,
            "fields" => fields = named(&entry.value, "fields").map_err(one)?,
            "placeholders" => {
                placeholders = named(&entry.value, "placeholders").map_err(one)?;
            }
            // For the reader.
            "title" | "description" => {}
            key => {
                let message = format!("`{key}` is not known in a pipeline");
                return Err(one(Problem::error(entry.place, message)));
            }
        }
    }
    let missing = |what: &str| one(Problem::error(document.place, format!("`{what}` is missing")));
    let source = source.ok_or_else(|| missing("source"))?;
    if log_sources.is_empty() {
        return Err(missing("logsources"));
    }
    Ok(Pipeline { source, log_sources, fields, placeholders })
}

fn mappings(node: &Node) -> Result<Vec<Mapping>, Vec<Problem>> {
    let Kind::List(items) = &node.kind else {
        let message = format!("`logsources` must be a list, not {}", node.what());
        return Err(vec![Problem::error(node.place, message)]);
    };
    items.iter().map(mapping).collect()
}

fn mapping(node: &Node) -> Result<Mapping, Vec<Problem>> {
    let one = |problem: Problem| vec![problem];
    let mut names = node.clone();
    let (mut condition, mut fields, mut place) = (None, Named::new(), Place::default());
    for entry in node.expect_map("a log source").map_err(one)? {
        match entry.key.as_str() {
            "where" => {
                condition = Some(read_search(&entry.value, entry.place)?);
                place = entry.place;
            }
            "fields" => fields = named(&entry.value, "fields").map_err(one)?,
            _ => {}
        }
    }
    if let Kind::Map(entries) = &mut names.kind {
        entries.retain(|entry| !matches!(entry.key.as_str(), "where" | "fields"));
    }
    let log_source = Some(read_log_source(&names, &[]).map_err(one)?);
    Ok(Mapping { log_source, condition, place, fields })
}

fn named(node: &Node, what: &str) -> Result<Named, Problem> {
    let mut named = Named::new();
    for entry in node.expect_map(what)? {
        let texts = entry.value.expect_texts(&entry.key)?;
        if texts.is_empty() {
            return Err(Problem::error(entry.place, format!("`{}` stands for nothing", entry.key)));
        }
        named.push((entry.key.clone(), texts));
    }
    Ok(named)
}
