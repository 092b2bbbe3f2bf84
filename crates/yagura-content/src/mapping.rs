//! Which controls serve which requirements: what controls say in `maps`, what frameworks say by
//! id, pattern, theme or likeness, joined. What follows for a score is `yagura-judge`'s.

use std::collections::{BTreeMap, BTreeSet};

use crate::format::{Framework, Requirement};
use crate::{Content, Placed, glob};

/// Requirements by framework or catalog.
pub type Requirements = BTreeMap<String, Vec<String>>;

/// Both directions of the same relation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mappings {
    /// Control → framework or catalog → requirements.
    by_control: BTreeMap<String, Requirements>,
    /// Framework → requirement → controls, by id.
    by_requirement: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

impl Content {
    /// The requirements that a control serves, by framework or catalog: what the control says
    /// itself first, then what frameworks say of it, in their order.
    pub fn requirements_of(&self, control: &str) -> &Requirements {
        static NONE: Requirements = BTreeMap::new();
        self.mappings().by_control.get(control).unwrap_or(&NONE)
    }

    /// The controls that serve a requirement, by id.
    pub fn controls_for(&self, framework: &str, requirement: &str) -> &[String] {
        let of_framework = self.mappings().by_requirement.get(framework);
        of_framework.and_then(|all| all.get(requirement)).map_or(&[], Vec::as_slice)
    }

    fn mappings(&self) -> &Mappings {
        self.mappings.get_or_init(|| Resolver::of(self).mappings())
    }
}

/// A requirement by framework and id.
pub(crate) type Place<'c> = (&'c str, &'c str);

/// `framework/requirement`, taken apart; ids of frameworks have no slash.
pub(crate) fn place(text: &str) -> Option<Place<'_>> {
    text.split_once('/')
}

struct Resolver<'c> {
    content: &'c Content,
    /// What controls say in their `maps`.
    written: BTreeMap<Place<'c>, BTreeSet<&'c str>>,
    requirements: BTreeMap<Place<'c>, &'c Requirement>,
    /// What is settled.
    served: BTreeMap<Place<'c>, BTreeSet<&'c str>>,
    themes: BTreeMap<&'c str, BTreeSet<&'c str>>,
    /// What is being settled: naming one of them again is a circle, which adds nothing.
    open: Vec<Place<'c>>,
}

impl<'c> Resolver<'c> {
    fn of(content: &'c Content) -> Self {
        let mut written: BTreeMap<Place<'c>, BTreeSet<&'c str>> = BTreeMap::new();
        for (id, control) in &content.controls {
            for (framework, requirements) in &control.maps {
                for requirement in requirements {
                    written.entry((framework, requirement.as_str())).or_default().insert(id);
                }
            }
        }
        let of_framework = |framework: &'c Framework| {
            let requirements = framework.requirements.iter();
            requirements.map(|one| ((framework.id.as_str(), one.id.as_str()), one))
        };
        Self {
            content,
            written,
            requirements: content.frameworks.values().flat_map(|one| of_framework(one)).collect(),
            served: BTreeMap::new(),
            themes: BTreeMap::new(),
            open: Vec::new(),
        }
    }

    fn mappings(mut self) -> Mappings {
        for theme in self.content.themes.keys() {
            self.theme(theme);
        }
        // A theme that a requirement names back was empty while it was being settled.
        self.served.clear();
        let mut mappings = Mappings::default();
        for (id, control) in &self.content.controls {
            let maps = control.maps.iter().map(|(framework, requirements)| {
                let ids = requirements.iter().map(|one| one.value.clone()).collect();
                (framework.clone(), ids)
            });
            mappings.by_control.insert(id.clone(), maps.collect());
        }
        for framework in self.content.frameworks.values() {
            let of_framework = mappings.by_requirement.entry(framework.id.clone()).or_default();
            for requirement in &framework.requirements {
                let serving = self.serving((&framework.id, &requirement.id));
                for control in &serving {
                    let of_control = mappings.by_control.entry((*control).to_owned()).or_default();
                    let ids = of_control.entry(framework.id.clone()).or_default();
                    if !ids.contains(&requirement.id.value) {
                        ids.push(requirement.id.value.clone());
                    }
                }
                let serving = serving.into_iter().map(str::to_owned).collect();
                of_framework.insert(requirement.id.value.clone(), serving);
            }
        }
        mappings
    }

    fn serving(&mut self, place: Place<'c>) -> BTreeSet<&'c str> {
        if let Some(known) = self.served.get(&place) {
            return known.clone();
        }
        if self.open.contains(&place) {
            return BTreeSet::new();
        }
        self.open.push(place);
        let mut serving = self.written.get(&place).cloned().unwrap_or_default();
        if let Some(requirement) = self.requirements.get(&place).copied() {
            serving.extend(named(self.content, &requirement.controls));
            for theme in &requirement.themes {
                serving.extend(self.theme(theme));
            }
            for other in requirement.same_as.iter().filter_map(|other| self::place(other)) {
                serving.extend(self.serving(other));
            }
        }
        self.open.pop();
        // Within a circle the first answer may lack what the others bring; it is not kept.
        if self.open.is_empty() {
            self.served.insert(place, serving.clone());
        }
        serving
    }

    fn theme(&mut self, id: &'c str) -> BTreeSet<&'c str> {
        if let Some(known) = self.themes.get(id) {
            return known.clone();
        }
        let Some(theme) = self.content.themes.get(id) else { return BTreeSet::new() };
        self.themes.insert(id, BTreeSet::new());
        let mut controls = named(self.content, &theme.controls);
        for other in theme.same_as.iter().filter_map(|other| place(other)) {
            controls.extend(self.serving(other));
        }
        controls.retain(|control| !theme.leaves_out(control));
        self.themes.insert(id, controls.clone());
        controls
    }
}

/// The controls that ids and patterns name.
fn named<'c>(content: &'c Content, patterns: &[Placed<String>]) -> BTreeSet<&'c str> {
    let mut found = BTreeSet::new();
    for pattern in patterns {
        if pattern.contains('*') {
            let ids = content.controls.keys().map(String::as_str);
            found.extend(ids.filter(|id| glob::matches(pattern, id)));
        } else if let Some((id, _)) = content.controls.get_key_value(pattern.as_str()) {
            found.insert(id.as_str());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTROL: &str = "type: AWS::SNS::Topic\nseverity: low\nguidance: elective\n\
        responsible: customer\ntitle: {en: T, ja: て}\nwhy: {en: W, ja: り}\nrequire: 'true'\n\
        fix: {console: {en: [a], ja: [あ]}, cli: a, terraform: a}\ncases: []\n";

    fn framework(requirements: &str) -> String {
        format!(
            "title: {{en: F, ja: ふ}}\nversion: '1'\nsource: us, 2026\n\
             groups: [{{id: g, title: {{en: G, ja: ぐ}}}}]\nrequirements:\n{requirements}"
        )
    }

    fn requirement(id: &str, more: &str) -> String {
        format!(
            "- {{id: '{id}', group: g, title: {{en: R, ja: れ}}, assessment: automated{more}}}\n"
        )
    }

    fn content(files: &[(&str, String)]) -> Content {
        let mut content = Content::default();
        let files: Vec<_> =
            files.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
        content.add_all(&files);
        assert!(content.problems.is_empty(), "{:?}", content.problems);
        content
    }

    fn three(requirements: &str, theme: &str) -> Content {
        content(&[
            ("controls/a/x_encrypted.yaml", format!("{CONTROL}maps: {{f: ['1'], other: [o]}}\n")),
            ("controls/a/y_encrypted.yaml", CONTROL.to_owned()),
            ("controls/b/z_public.yaml", CONTROL.to_owned()),
            ("frameworks/f.yaml", framework(requirements)),
            ("themes/t.yaml", format!("title: {{en: T, ja: て}}\n{theme}")),
        ])
    }

    #[test]
    fn what_controls_and_frameworks_say_is_joined() {
        let requirements = [
            requirement("1", ""),
            requirement("2", ", controls: [b.z_public, 'a.y*']"),
            requirement("3", ", themes: [t]"),
            requirement("4", ", same_as: [f/1, f/2]"),
            requirement("5", ""),
        ];
        let content =
            three(&requirements.concat(), "controls: ['*encrypted']\nexcept: [a.x_encrypted]\n");
        assert_eq!(content.controls_for("f", "1"), ["a.x_encrypted"]);
        assert_eq!(content.controls_for("f", "2"), ["a.y_encrypted", "b.z_public"]);
        assert_eq!(content.controls_for("f", "3"), ["a.y_encrypted"]);
        let all = ["a.x_encrypted", "a.y_encrypted", "b.z_public"];
        assert_eq!(content.controls_for("f", "4"), all);
        assert!(content.controls_for("f", "5").is_empty());
        assert!(content.controls_for("g", "1").is_empty());
        let of_x = content.requirements_of("a.x_encrypted");
        assert_eq!(of_x["f"], ["1", "4"]);
        assert_eq!(of_x["other"], ["o"], "a catalog without a file keeps its ids");
        assert!(content.requirements_of("a.none").is_empty());
    }

    #[test]
    fn a_circle_ends_and_everybody_in_it_has_the_same() {
        let requirements = [
            requirement("1", ", same_as: [f/2]"),
            requirement("2", ", same_as: [f/3], controls: [a.y_encrypted]"),
            requirement("3", ", same_as: [f/1], controls: [b.z_public]"),
            requirement("4", ", themes: [t]"),
        ];
        let theme = "same_as: [f/4]\ncontrols: [a.y_encrypted]\n";
        let content = three(&requirements.concat(), theme);
        let all = ["a.x_encrypted", "a.y_encrypted", "b.z_public"];
        for id in ["1", "2", "3"] {
            assert_eq!(content.controls_for("f", id), all, "{id}");
        }
        assert_eq!(content.controls_for("f", "4"), ["a.y_encrypted"]);
    }

    #[test]
    fn a_site_that_replaces_a_framework_is_asked_anew() {
        let mut content = three(&requirement("1", ", controls: [b.z_public]"), "");
        assert_eq!(content.controls_for("f", "1").len(), 2);
        let bare = framework(&requirement("1", ""));
        content.add_all(&[("frameworks/f.yaml".to_owned(), bare)]);
        assert_eq!(content.controls_for("f", "1"), ["a.x_encrypted"]);
    }
}
