//! The prose of content, in the report's own terms.
//! Report has a version of its own so that a page or file never depends on compiled expressions.

use yagura_content::Content;
use yagura_content::format::{Assessment, Control, Framework, Requirement};
use yagura_model::FrameworkScore;
use yagura_report::{
    Catalog, ControlEntry, FixEntry, FrameworkEntry, GroupEntry, RequirementEntry,
};

/// The order in which frameworks are shown; what is not named here comes after, by id.
const ORDER: [&str; 17] = [
    "checklist",
    "fsbp",
    "cis_7_0",
    "cis_6_0",
    "cis_5_0",
    "cis_4_0_1",
    "cis_3_0",
    "control_tower",
    "well_architected_security",
    "caf_security",
    "nist_csf_2",
    "iso_27001_2022",
    "pci_dss_4",
    "soc_2",
    "hipaa",
    "trusted_advisor",
    "config",
];

/// Everything that a report can mention.
pub(crate) fn of(content: &Content) -> Catalog {
    let mut frameworks: Vec<&Framework> = content.frameworks.values().map(AsRef::as_ref).collect();
    let rank = |id: &str| ORDER.iter().position(|known| *known == id).unwrap_or(ORDER.len());
    frameworks.sort_by(|a, b| (rank(&a.id), &a.id).cmp(&(rank(&b.id), &b.id)));
    Catalog {
        controls: content
            .controls
            .iter()
            .map(|(id, one)| (id.clone(), control(content, one)))
            .collect(),
        frameworks: frameworks.into_iter().map(|one| framework(content, one)).collect(),
    }
}

fn control(content: &Content, control: &Control) -> ControlEntry {
    let text = |text: &Option<yagura_content::Placed<String>>| {
        text.as_ref().map(|text| text.value.clone()).unwrap_or_default()
    };
    ControlEntry {
        id: control.id.clone(),
        type_name: control.type_name.value.clone(),
        severity: control.severity,
        guidance: control.guidance.as_str().to_owned(),
        responsible: control.responsible.as_str().to_owned(),
        title: control.title.value.clone(),
        why: control.why.value.clone(),
        fix: FixEntry {
            console_en: control.fix.console.value.en.clone(),
            console_ja: control.fix.console.value.ja.clone(),
            cli: control.fix.cli.value.clone(),
            cloudformation: text(&control.fix.cloudformation),
            terraform: text(&control.fix.terraform),
        },
        maps: content.requirements_of(&control.id).clone(),
        references: control.references.iter().map(|one| one.value.clone()).collect(),
    }
}

fn framework(content: &Content, framework: &Framework) -> FrameworkEntry {
    FrameworkEntry {
        id: framework.id.clone(),
        title: framework.title.value.clone(),
        version: framework.version.clone(),
        aws_part: framework.aws_part.as_ref().map(|part| part.value.clone()),
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
            .map(|one| requirement(content, framework, one))
            .collect(),
    }
}

fn requirement(
    content: &Content,
    framework: &Framework,
    requirement: &Requirement,
) -> RequirementEntry {
    let served = !content.controls_for(&framework.id, &requirement.id).is_empty();
    // A control that came after the file was written answers what the note says nothing does.
    let (assessment, note) = match requirement.assessment {
        Assessment::NotCovered if served => (Assessment::Automated, None),
        assessment => (assessment, requirement.note.as_ref()),
    };
    RequirementEntry {
        id: requirement.id.value.clone(),
        group: requirement.group.value.clone(),
        title: requirement.title.value.clone(),
        level: requirement.level,
        assessment: assessment.as_str().to_owned(),
        responsible: framework.responsible(requirement).as_str().to_owned(),
        aws_part: framework.aws_part(requirement).cloned(),
        note: note.map(|note| note.value.clone()),
    }
}

/// The scores in the order in which frameworks are shown.
pub(crate) fn in_order(catalog: &Catalog, scores: &[FrameworkScore]) -> Vec<FrameworkScore> {
    let of = |entry: &FrameworkEntry| scores.iter().find(|score| score.framework == entry.id);
    catalog.frameworks.iter().filter_map(of).cloned().collect()
}
