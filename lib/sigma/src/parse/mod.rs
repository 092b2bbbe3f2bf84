//! Reads files of Sigma rules: the good ones, and a list of what is wrong with the others.
//! The tree beneath is `yaml/`; what is read is `rule/`.

mod collection;
mod condition;
mod correlation;
mod detection;
mod item;
mod metadata;
mod modifier;
mod tokens;
mod values;

use std::sync::Arc;

use crate::problem::{Place, Problem, Weight};
use crate::rule::{Correlation, Filter, Rule};
use crate::yaml::{self, Node};

pub(crate) use detection::read_search;
pub(crate) use metadata::read_log_source;

/// What a file held.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// Detection rules.
    pub rules: Vec<Rule>,
    /// Correlation rules.
    pub correlations: Vec<Correlation>,
    /// Filters.
    pub filters: Vec<Filter>,
    /// What is wrong; a document with an error is not among the above.
    pub problems: Vec<Problem>,
}

impl Parsed {
    /// Whether everything in the file can be used.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.problems.iter().all(|problem| problem.weight != Weight::Error)
    }
}

/// Reads a file: one or several YAML documents, each a rule, a correlation or a filter, or a part
/// of a collection (`action: global`, `reset`, `repeat`). `origin` is what the caller calls the
/// file; it appears in problems.
#[must_use]
pub fn parse(origin: &str, text: &str) -> Parsed {
    let origin: Arc<str> = Arc::from(origin);
    let (documents, mut problems) = yaml::documents(text);
    let (documents, faults) = collection::resolve(documents);
    problems.extend(faults);
    let mut parsed = Parsed::default();
    for document in &documents {
        let mut remarks = Vec::new();
        if let Err(fault) = read_document(&origin, document, &mut parsed, &mut remarks) {
            remarks.extend(fault);
        }
        problems.extend(remarks);
    }
    if documents.is_empty() && problems.is_empty() {
        problems.push(Problem::error(Place { line: 1, column: 1 }, "the file holds no rule"));
    }
    parsed.problems = problems.into_iter().map(|problem| problem.of(&origin)).collect();
    parsed
}

/// Errors of one document; warnings go to `remarks` whether it is good or not.
fn read_document(
    origin: &Arc<str>,
    document: &Node,
    parsed: &mut Parsed,
    remarks: &mut Vec<Problem>,
) -> Result<(), Vec<Problem>> {
    document.expect_map("the document").map_err(|problem| vec![problem])?;
    let metadata = metadata::read(origin, document)?;
    let kinds = ["detection", "correlation", "filter"];
    let present: Vec<&str> = kinds.into_iter().filter(|key| document.get(key).is_some()).collect();
    match present.as_slice() {
        ["detection"] => {
            let log_source = metadata::required_log_source(document).map_err(|p| vec![p])?;
            let node = required(document, "detection").map_err(|p| vec![p])?;
            let detection = detection::read(node, &[], remarks)?;
            parsed.rules.push(Rule { metadata, log_source, detection });
        }
        ["correlation"] => {
            parsed.correlations.push(correlation::read(document, metadata).map_err(|p| vec![p])?);
        }
        ["filter"] => {
            let log_source = metadata::required_log_source(document).map_err(|p| vec![p])?;
            let node = required(document, "filter").map_err(|p| vec![p])?;
            let rules = filtered_rules(node).map_err(|p| vec![p])?;
            let detection = detection::read(node, &["rules"], remarks)?;
            parsed.filters.push(Filter { metadata, log_source, rules, detection });
        }
        [] => {
            let message = "the document has neither `detection` nor `correlation` nor `filter`";
            return Err(vec![Problem::error(document.place, message)]);
        }
        several => {
            let message = format!("the document has both `{}`", several.join("` and `"));
            return Err(vec![Problem::error(document.place, message)]);
        }
    }
    Ok(())
}

fn required<'a>(document: &'a Node, key: &str) -> Result<&'a Node, Problem> {
    document.get(key).ok_or_else(|| Problem::error(document.place, format!("`{key}` is missing")))
}

/// `rules` of a filter: a list, or `any`; absent means any, as in the reference implementation.
fn filtered_rules(filter: &Node) -> Result<Option<Vec<String>>, Problem> {
    filter.expect_map("filter")?;
    let Some(node) = filter.get("rules") else { return Ok(None) };
    let rules = node.expect_texts("rules")?;
    let any = matches!(rules.as_slice(), [only] if only.eq_ignore_ascii_case("any"));
    Ok((!any && !rules.is_empty()).then_some(rules))
}
