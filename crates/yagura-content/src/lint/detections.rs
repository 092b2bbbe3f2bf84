//! Checks detections: both languages, tags of ATT&CK, a log source that some source has, one
//! document that alerts, cases. Whether the cases come out as they say is tested in `yagura-judge`.

use std::collections::BTreeMap;

use sigma::{LogSource, Metadata};

use super::{Lint, prose, sequences};
use crate::format::{
    CASE_EVENTS_MAX, Detection, DetectionCase, DetectionHead, DetectionOutcome, Steps,
};
use crate::place::{Place, Placed};
use crate::problem::File;

pub(crate) fn check(lint: &mut Lint<'_>, detection: &Detection) {
    let file = lint.detection_file(detection);
    let place = Place { line: 1, column: 1, offset: 0 };
    lint.id(&file, &detection.id);
    let parts = detection.parts();
    let head = match parts.heads.as_slice() {
        [head] => head,
        [] => {
            if detection.problems().iter().all(|problem| !problem.is_error()) {
                lint.error(&file, place, "no document of the file alerts");
            }
            return;
        }
        [first, others @ ..] => {
            let at = others.first().unwrap_or(first).place;
            let hint = "rules that only feed a correlation have a `name` that it refers to";
            let place = file.place_of_line(at.line, at.column);
            lint.hinted(&file, place, "several documents of the file alert", hint);
            first
        }
    };
    if !head.has_settings {
        let hint = "`ja`, `respond` and `entity` stand under it";
        let place = file.place_of_line(head.place.line, head.place.column);
        lint.hinted(&file, place, "the document that alerts has no key `yagura`", hint);
    }
    words(lint, &file, detection, head);
    tags(lint, &file, detection, head);
    sources(lint, &file, detection);
    for reference in head.references.iter().filter(|text| !text.starts_with("https://")) {
        let message = format!("`{reference}` is not an https address");
        let place = detection.place_of(head.place, "references");
        lint.error(&file, place, message);
    }
    match head.uuid.as_deref() {
        Some(uuid) if is_uuid(uuid) => {}
        Some(uuid) => {
            let place = detection.place_of(head.place, "id");
            let hint = "eight, four, four, four and twelve hex digits between hyphens";
            lint.hinted(&file, place, format!("`{uuid}` is not a UUID"), hint);
        }
        None => lint.error(&file, place, "`id` is missing: a random UUID of its own"),
    }
    cases(lint, detection);
}

fn words(lint: &mut Lint<'_>, file: &File, detection: &Detection, head: &DetectionHead) {
    let at = |key: &str| detection.place_of(head.place, key);
    let ours = at("yagura");
    let title = Placed { value: head.title.clone(), place: at("title") };
    prose::check(lint, file, "title", &title);
    for text in [&title.en, &title.ja] {
        if text.trim_end().ends_with(['.', '。']) {
            let message = "a title is a sentence without its final period";
            lint.warning(file, title.place, message, "");
        }
    }
    let description = Placed { value: head.description.clone(), place: at("description") };
    prose::check(lint, file, "description", &description);
    let respond = Placed { value: head.respond.clone(), place: ours };
    sequences::steps(lint, file, "respond", &respond);
    let harmless =
        Placed::<Steps> { value: head.falsepositives.clone(), place: at("falsepositives") };
    sequences::steps(lint, file, "falsepositives", &harmless);
}

fn tags(lint: &mut Lint<'_>, file: &File, detection: &Detection, head: &DetectionHead) {
    let place = detection.place_of(head.place, "tags");
    let tags: Vec<Placed<String>> =
        head.tags.iter().map(|tag| Placed { value: tag.clone(), place }).collect();
    sequences::tags(lint, file, place, &tags);
}

/// A rule about logs that no source is runs nowhere.
fn sources(lint: &mut Lint<'_>, file: &File, detection: &Detection) {
    let content = lint.content;
    let known = |asked: &LogSource| {
        content.sigma_mappings.values().flat_map(|mapping| mapping.pipelines()).any(|pipeline| {
            let mut sources = pipeline.log_sources.iter();
            sources.any(|source| source.log_source.as_ref().is_none_or(|is| asked.covers(is)))
        })
    };
    for rule in &detection.parts().sigma.rules {
        if !known(&rule.log_source) {
            let place = detection.place_of(rule.metadata.place, "logsource");
            let message = format!("no source is mapped to `{}`", rule.log_source);
            let hint = "content/sources/<source>/sigma.yaml lists what each source is";
            lint.hinted(file, place, message, hint);
        }
    }
}

fn cases(lint: &mut Lint<'_>, detection: &Detection) {
    let place = Place { line: 1, column: 1, offset: 0 };
    let content = lint.content;
    let Some(cases) = content.detection_cases.get(&detection.id) else {
        let file = lint.detection_file(detection);
        let hint = format!("write {}", detection.path.replace(".yaml", ".cases.yaml"));
        lint.hinted(&file, place, "the detection has no cases", hint);
        return;
    };
    let file = content.files.get(&cases.path).cloned();
    let file = file.unwrap_or_else(|| File::nameless(&cases.path));
    let read = match cases.cases() {
        Ok(read) => read,
        Err(problem) => {
            lint.problems.push(problem.clone());
            return;
        }
    };
    let count = |outcome| read.iter().filter(|case| case.expect == outcome).count();
    if count(DetectionOutcome::Match) < 1 || count(DetectionOutcome::Quiet) < 2 {
        lint.error(&file, place, "a detection has one case that matches and two that are quiet");
    }
    let mut names = std::collections::BTreeSet::new();
    for case in read {
        if !names.insert(case.name.as_str()) {
            lint.error(&file, case.name.place, format!("the case `{}` is there twice", case.name));
        }
        events(lint, &file, detection, case);
    }
}

fn events(lint: &mut Lint<'_>, file: &File, detection: &Detection, case: &DetectionCase) {
    let place = case.name.place;
    if case.events_len() == 0 || case.events_len() > CASE_EVENTS_MAX {
        let message = format!("a case has 1 to {CASE_EVENTS_MAX} events");
        lint.error(file, place, message);
    }
    let folder = detection.id.split('.').next().unwrap_or_default();
    let source = case.source.as_ref().map_or(folder, |source| source.as_str());
    if !lint.content.case_records.contains_key(source) {
        let hint = "content/sources/<source>/case.yaml is the record that events are laid over";
        let message = format!("there is no base record for `{source}`");
        lint.hinted(file, place, message, hint);
    }
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

/// Checks what detections must not have in common.
pub(crate) fn check_together(lint: &mut Lint<'_>) {
    let content = lint.content;
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    for detection in content.detections.values() {
        let sigma = &detection.parts().sigma;
        let rules = sigma.rules.iter().map(|rule| &rule.metadata);
        let correlations = sigma.correlations.iter().map(|correlation| &correlation.metadata);
        let metadata: Vec<&Metadata> = rules.chain(correlations).collect();
        for metadata in metadata {
            let Some(id) = metadata.id.as_deref().map(str::to_ascii_lowercase) else { continue };
            let Some(other) = first.insert(id.clone(), &detection.id) else { continue };
            let file = lint.detection_file(detection);
            let place = detection.place_of(metadata.place, "id");
            lint.error(&file, place, format!("the id `{id}` is that of `{other}` too"));
        }
    }
    for (id, cases) in &content.detection_cases {
        if !content.detections.contains_key(id) {
            let file = File::nameless(&cases.path);
            let place = Place { line: 1, column: 1, offset: 0 };
            lint.error(&file, place, "there is no detection beside these cases");
        }
    }
}
