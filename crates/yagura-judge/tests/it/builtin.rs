//! The built-in controls do what their cases say, and never take a denied call for good news.

use std::collections::BTreeSet;

use serde_json::Value;
use yagura_analyze::fact_sources;
use yagura_content::Content;
use yagura_content::expression::PathSet;
use yagura_content::format::{Control, ControlCase};
use yagura_judge::cases::run;
use yagura_judge::{AccountKnown, Judge, JudgeOptions, Snapshot};
use yagura_model::{Coverage, CoverageState, Path, Resource, UnreadReason, VerdictStatus};

use crate::world::{coverage, now, unread};

#[test]
fn every_case_of_every_built_in_control_holds() {
    let results = run(Content::builtin());
    let failures: Vec<_> = results
        .iter()
        .filter_map(|result| {
            let failure = result.failure.as_ref()?;
            Some(format!("{} ({}): {failure}", result.control, result.case))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let controls = Content::builtin().controls.len();
    assert!(results.len() >= controls * 3, "{controls} controls, {} cases", results.len());
}

/// What a case is judged with, when it is judged again with something taken away.
struct Stage<'c> {
    judge: Judge<'c>,
    resource: Resource,
    others: Vec<Resource>,
    unlisted: Vec<String>,
}

impl<'c> Stage<'c> {
    fn new(content: &'c Content, control: &'c Control, case: &ControlCase) -> Self {
        let mut options = JudgeOptions::at(case.now.unwrap_or_else(now));
        options.controls = vec![control.id.clone()];
        let resource = case.resource.to_resource(&control.type_name);
        let value = Value::Object(case.account.clone());
        let known = AccountKnown { value, unread: Vec::new() };
        options.accounts.insert(resource.account.clone(), known);
        Self {
            judge: Judge::new(content, options),
            resource,
            others: case.others.iter().map(|o| o.to_resource(&control.type_name)).collect(),
            unlisted: case.unlisted.iter().map(|name| name.value.clone()).collect(),
        }
    }

    fn status(&self) -> VerdictStatus {
        let mut snapshot = Snapshot::new(self.judge.needs());
        let all = || self.others.iter().chain([&self.resource]);
        for resource in all() {
            if !self.unlisted.contains(&resource.type_name) {
                snapshot.add(resource.clone());
            }
            for type_name in self.judge.needs().types() {
                let state = if self.unlisted.iter().any(|name| name == type_name) {
                    CoverageState::Unread(unread("", UnreadReason::Denied))
                } else {
                    CoverageState::Complete
                };
                let account = resource.account.clone();
                snapshot.cover(&Coverage { account, ..coverage(type_name, "global", state) });
            }
        }
        let mut verdicts = Vec::new();
        self.judge.judge(&self.resource, &snapshot, &mut verdicts);
        verdicts[0].status
    }

    fn check(&self, before: VerdictStatus, what: &str) {
        let after = self.status();
        assert!(
            after == before || after == VerdictStatus::Unknown,
            "{what} turned {before:?} into {after:?} for {:?}",
            self.resource,
        );
    }
}

/// Every path that a control, or a fact it reads, looks at in its resource.
fn paths_read(control: &Control) -> BTreeSet<Path> {
    let mut paths = BTreeSet::from([Path::default()]);
    for expression in control.expressions() {
        let PathSet::Paths(read) = expression.program().paths("resource") else { continue };
        paths.extend(read);
    }
    for source in fact_sources(&control.type_name) {
        paths.extend(source.reads.iter().map(|path| path.parse::<Path>().unwrap()));
    }
    paths
}

#[test]
fn taking_any_part_from_any_case_leaves_its_verdict_or_makes_it_unknown() {
    let content = Content::builtin();
    for control in content.controls.values() {
        let paths = paths_read(control);
        for case in control.cases.iter().filter(|case| case.resource.facts.is_empty()) {
            let stage = || Stage::new(content, control, case);
            let before = stage().status();
            let name = format!("{} ({})", control.id, *case.name);
            for path in &paths {
                let mut stage = stage();
                stage.resource.unread.push(unread(&path.to_string(), UnreadReason::Denied));
                stage.check(before, &format!("{name}: unread `{path}`"));
            }
            let types: Vec<String> = stage().judge.needs().types().map(str::to_owned).collect();
            for type_name in types {
                let mut stage = stage();
                stage.unlisted.push(type_name.clone());
                stage.check(before, &format!("{name}: unlisted {type_name}"));
            }
            for at in 0..case.others.len() {
                let mut stage = stage();
                stage.others[at].unread.push(unread("", UnreadReason::Denied));
                stage.check(before, &format!("{name}: unread neighbor {at}"));
            }
        }
    }
}
