//! Checks controls: types, paths and requirements that exist, parameters used and declared,
//! prose, fixes and cases. Cases are run by `yagura content test`, not here.

use std::collections::BTreeSet;

use yagura_model::{Path, Step, VerdictStatus};

use super::paths::missing_relation;
use super::{Lint, paths, prose, resources, site};
use crate::expression::{PathSet, Program, Root, Source};
use crate::format::{Control, Expression, Fix};
use crate::place::Place;
use crate::problem::File;

pub(crate) fn check(lint: &mut Lint<'_>, control: &Control) {
    let file = lint.control_file(control);
    lint.id(&file, &control.id);
    prose::check(lint, &file, "title", &control.title);
    prose::check(lint, &file, "why", &control.why);
    for text in [&control.title.en, &control.title.ja] {
        if text.trim_end().ends_with(['.', '。']) {
            let message = "a title is a sentence without its final period";
            lint.warning(&file, control.title.place, message, "");
        }
    }
    resources::known_type(lint, &file, &control.type_name);
    if lint.compiles(&file, control.expressions()) {
        for expression in control.expressions() {
            reads(lint, &file, control, expression);
        }
    }
    parameters(lint, &file, control);
    for path in &control.show {
        show(lint, &file, control, path.place, path);
    }
    fix(lint, &file, &control.fix);
    maps(lint, &file, control);
    for reference in &control.references {
        if !reference.starts_with("https://") {
            let message = format!("`{reference}` is not an https address");
            lint.error(&file, reference.place, message);
        }
    }
    cases(lint, &file, control);
}

/// Checks everything that an expression reads.
fn reads(lint: &mut Lint<'_>, file: &File, control: &Control, expression: &Expression) {
    let Ok(program) = expression.compile() else { return };
    for (source, read) in program.reads().sources() {
        if let Source::Root(Root::Account) = source {
            account(lint, file, expression, program);
        }
        let type_name = match source_type(lint, control, source) {
            Ok(Some(type_name)) => type_name,
            Ok(None) => continue,
            Err((message, hint)) => {
                lint.hinted(file, expression.place(), message, hint);
                continue;
            }
        };
        if !lint.content.resources.contains_key(&type_name) {
            let message = format!("no resource file states the type `{type_name}`");
            let names = lint.content.resources.keys().map(String::as_str);
            let hint = site::near(&type_name, names);
            lint.hinted(file, expression.place(), message, hint);
            continue;
        }
        for path in read {
            if let Some((message, hint)) = lint.missing(&type_name, path) {
                lint.hinted(file, expression.place_of(file, path), message, hint);
            }
        }
    }
}

/// The type of the resources that a source stands for; none for variables that are no resources.
fn source_type(
    lint: &Lint<'_>,
    control: &Control,
    source: &Source,
) -> Result<Option<String>, (String, String)> {
    match source {
        Source::Root(Root::Resource) => Ok(Some(control.type_name.value.clone())),
        Source::Root(_) => Ok(None),
        Source::Type(name) => Ok(Some(name.clone())),
        Source::Related { of, relation } => {
            let Some(from) = source_type(lint, control, of)? else { return Ok(None) };
            let Some(resource) = lint.content.resources.get(&from) else { return Ok(None) };
            match missing_relation(resource, relation) {
                Some(missing) => Err(missing),
                None => Ok(resource.relation_type(relation).map(str::to_owned)),
            }
        }
    }
}

/// `account` is a map with known members.
fn account(lint: &mut Lint<'_>, file: &File, expression: &Expression, program: &Program) {
    let known = ["id", "name", "ou", "management", "tags"];
    for path in paths::paths_of(program.paths("account")) {
        let Some(Step::Key(member)) = path.0.first() else { continue };
        if !known.contains(&member.as_str()) {
            let message = format!("`account` has no member `{member}`");
            let place = expression.place_of(file, &path);
            lint.hinted(file, place, message, site::near(member, known));
        }
    }
}

/// Parameters are declared and used, both ways.
fn parameters(lint: &mut Lint<'_>, file: &File, control: &Control) {
    let mut used = BTreeSet::new();
    let mut all = false;
    for program in control.expressions().filter_map(|expression| expression.compile().ok()) {
        match program.paths("parameters") {
            PathSet::All => all = true,
            PathSet::Paths(paths) => {
                used.extend(paths.into_iter().filter_map(|path| match path.0.into_iter().next() {
                    Some(Step::Key(name)) => Some(name),
                    _ => None,
                }));
            }
        }
    }
    let declared = || control.parameters.keys().map(String::as_str);
    for name in used.iter().filter(|name| !control.parameters.contains_key(*name)) {
        let message = format!("parameter `{name}` is not declared");
        lint.hinted(file, control.require.place(), message, site::near(name, declared()));
    }
    for (name, parameter) in &control.parameters {
        if !all && !used.contains(name) {
            let message = format!("parameter `{name}` is not used");
            lint.error(file, control.require.place(), message);
        }
        let what = format!("parameters.{name}");
        prose::texts(lint, file, &what, control.require.place(), &parameter.en, &parameter.ja);
    }
    for case in &control.cases {
        for name in case.parameters.keys().filter(|name| !control.parameters.contains_key(*name)) {
            let message = format!("parameter `{name}` is not declared");
            lint.hinted(file, case.name.place, message, site::near(name, declared()));
        }
    }
}

/// A path shown as evidence starts with `resource`.
fn show(lint: &mut Lint<'_>, file: &File, control: &Control, place: Place, path: &Path) {
    let below = match path.0.split_first() {
        Some((Step::Key(root), below)) if root == "resource" => Path(below.to_vec()),
        _ => {
            let message = format!("`{path}` does not start with `resource`");
            lint.error(file, place, message);
            return;
        }
    };
    if let Some((message, hint)) = lint.missing(&control.type_name, &below) {
        lint.hinted(file, place, message, hint);
    }
}

fn fix(lint: &mut Lint<'_>, file: &File, fix: &Fix) {
    let steps = &fix.console;
    if steps.en.is_empty() || steps.en.len() != steps.ja.len() {
        lint.error(file, steps.place, "`fix.console` has other steps in each language, or none");
    }
    for (en, ja) in steps.en.iter().zip(&steps.ja) {
        prose::texts(lint, file, "fix.console", steps.place, en, ja);
    }
    if fix.cli.trim().is_empty() {
        lint.error(file, fix.cli.place, "`fix.cli` is empty");
    }
    let snippets = [&fix.cloudformation, &fix.terraform];
    if snippets.iter().all(|snippet| snippet.is_none()) {
        let message = "`fix` has neither `cloudformation` nor `terraform`";
        lint.error(file, fix.cli.place, message);
    }
    for snippet in snippets.into_iter().flatten() {
        if snippet.trim().is_empty() {
            lint.error(file, snippet.place, "the snippet is empty");
        }
    }
}

/// Requirements exist in their frameworks, if the framework is one that we carry.
fn maps(lint: &mut Lint<'_>, file: &File, control: &Control) {
    for (framework, ids) in &control.maps {
        let mut seen = BTreeSet::new();
        for id in ids {
            if !seen.insert(id.as_str()) {
                let message = format!("`{id}` is there twice");
                lint.error(file, id.place, message);
            }
        }
        let Some(framework) = lint.content.frameworks.get(framework) else {
            catalog(lint, file, control, framework);
            continue;
        };
        let known = || framework.requirements.iter().map(|requirement| requirement.id.as_str());
        for id in ids.iter().filter(|_| !framework.excerpt) {
            if !known().any(|known| known == id.as_str()) {
                let message = format!("`{}` has no requirement `{id}`", framework.id);
                lint.hinted(file, id.place, message, site::near(id, known()));
            }
        }
    }
}

/// Catalogs that controls may name though we carry no framework file for them.
const CATALOGS: [&str; 16] = [
    "cis_1_4",
    "cis_3_0",
    "cis_4_0_1",
    "cis_6_0",
    "cis_7_0",
    "config",
    "control_tower",
    "fsbp",
    "nist_800_53_5",
    "nist_800_171_2",
    "nist_csf_2",
    "iso_27001_2022",
    "pci_dss_4",
    "securityhub",
    "soc_2",
    "trusted_advisor",
];

fn catalog(lint: &mut Lint<'_>, file: &File, control: &Control, name: &str) {
    if CATALOGS.contains(&name) {
        return;
    }
    let known = lint.content.frameworks.keys().map(String::as_str).chain(CATALOGS);
    let message = format!("no framework or catalog is called `{name}`");
    let hint = site::near(name, known);
    let place = control.maps.get(name).and_then(|ids| ids.first()).map(|id| id.place);
    lint.hinted(file, place.unwrap_or_default(), message, hint);
}

/// At least one pass, one fail, and one unknown or not applicable; resources that name paths
/// which exist.
fn cases(lint: &mut Lint<'_>, file: &File, control: &Control) {
    let has = |statuses: &[VerdictStatus]| {
        control.cases.iter().any(|case| statuses.contains(&case.expect))
    };
    let wanted = [
        ("pass", vec![VerdictStatus::Pass]),
        ("fail", vec![VerdictStatus::Fail]),
        ("unknown or not_applicable", vec![VerdictStatus::Unknown, VerdictStatus::NotApplicable]),
    ];
    for (name, statuses) in wanted {
        if !has(&statuses) {
            let place = control.cases.first().map_or_else(Place::default, |case| case.name.place);
            lint.error(file, place, format!("no case expects {name}"));
        }
    }
    let mut names = BTreeSet::new();
    for case in &control.cases {
        if !names.insert(case.name.as_str()) {
            lint.error(file, case.name.place, format!("case `{}` is there twice", case.name));
        }
        for name in &case.unlisted {
            resources::known_type(lint, file, name);
        }
        let own = control.type_name.as_str();
        let resources = std::iter::once(&case.resource).chain(&case.others);
        for resource in resources {
            let type_name = resource.type_name.as_deref().unwrap_or(own);
            if !lint.content.resources.contains_key(type_name) {
                let message = format!("no resource file states the type `{type_name}`");
                let names = lint.content.resources.keys().map(String::as_str);
                let hint = site::near(type_name, names);
                lint.hinted(file, case.name.place, message, hint);
                continue;
            }
            let roots = [("properties", &resource.properties), ("runtime", &resource.runtime)];
            let members = roots.into_iter().flat_map(|(root, members)| {
                members.keys().map(move |key| Path::of_keys([root, key]))
            });
            let unread = resource.unread.iter().map(|unread| unread.0.path.clone());
            for path in members.chain(unread) {
                if let Some((message, hint)) = lint.missing(type_name, &path) {
                    lint.hinted(file, case.name.place, message, hint);
                }
            }
        }
    }
}
