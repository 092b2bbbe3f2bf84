//! Takes from the loaded content what a report shows of it.
//! Loading and checking content is the business of `yagura-content`.

use yagura_content::Content;
use yagura_content::format::{Control, Framework, Guidance, Responsible};

use crate::catalog::{
    Catalog, ControlEntry, FixEntry, FrameworkEntry, GroupEntry, RequirementEntry,
};

impl Catalog {
    /// The prose of all controls and frameworks, the checklist first, then by id.
    pub fn from_content(content: &Content) -> Self {
        let mut frameworks: Vec<_> =
            content.frameworks.values().map(|framework| framework_entry(framework)).collect();
        frameworks.sort_by_key(|framework| framework.id != Self::CHECKLIST);
        let controls = content.controls.values().map(|control| control_entry(control));
        Self { controls: controls.map(|entry| (entry.id.clone(), entry)).collect(), frameworks }
    }
}

fn control_entry(control: &Control) -> ControlEntry {
    let fix = &control.fix;
    ControlEntry {
        id: control.id.clone(),
        type_name: control.type_name.value.clone(),
        severity: control.severity,
        guidance: match control.guidance {
            Guidance::Mandatory => "mandatory",
            Guidance::StronglyRecommended => "strongly_recommended",
            Guidance::Elective => "elective",
        }
        .to_owned(),
        responsible: match control.responsible {
            Responsible::Customer => "customer",
            Responsible::Shared => "shared",
            Responsible::Aws => "aws",
        }
        .to_owned(),
        title: control.title.value.clone(),
        why: control.why.value.clone(),
        fix: FixEntry {
            console_en: fix.console.value.en.clone(),
            console_ja: fix.console.value.ja.clone(),
            cli: fix.cli.value.clone(),
            cloudformation: text(fix.cloudformation.as_ref().map(|text| &text.value)),
            terraform: text(fix.terraform.as_ref().map(|text| &text.value)),
        },
        maps: control
            .maps
            .iter()
            .map(|(framework, ids)| {
                (framework.clone(), ids.iter().map(|id| id.value.clone()).collect())
            })
            .collect(),
        references: control.references.iter().map(|link| link.value.clone()).collect(),
    }
}

fn text(text: Option<&String>) -> String {
    text.cloned().unwrap_or_default()
}

fn framework_entry(framework: &Framework) -> FrameworkEntry {
    FrameworkEntry {
        id: framework.id.clone(),
        title: framework.title.value.clone(),
        version: framework.version.clone(),
        groups: framework
            .groups
            .iter()
            .map(|group| GroupEntry {
                id: group.id.value.clone(),
                title: group.title.value.clone(),
            })
            .collect(),
        requirements: framework
            .requirements
            .iter()
            .map(|requirement| RequirementEntry {
                id: requirement.id.value.clone(),
                group: requirement.group.value.clone(),
                title: requirement.title.value.clone(),
            })
            .collect(),
    }
}
