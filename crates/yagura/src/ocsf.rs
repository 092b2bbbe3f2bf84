//! The OCSF views of the log sources: what content says of each source, handed to the lake.
//! What a view looks like in SQL is `yagura-lake`'s.

use yagura_content::Content;
use yagura_lake::ocsf::{OcsfMapping, OcsfView};

/// The views of all sources.
pub(crate) fn views(content: &Content) -> Vec<OcsfView> {
    let mut mappings = Vec::new();
    for (id, source) in &content.sources {
        let mut unless = Vec::new();
        for class in &source.ocsf {
            let when = class.when.as_ref().map(|when| when.value.clone());
            mappings.push(OcsfMapping {
                source: id.clone(),
                class: class.class.value,
                when: when.clone(),
                unless: unless.clone(),
                activity: class.activity.value.clone(),
                fields: class
                    .fields
                    .0
                    .iter()
                    .map(|(path, sql)| (path.value.clone(), sql.value.clone()))
                    .collect(),
            });
            unless.extend(when);
        }
    }
    yagura_lake::ocsf::views(&mappings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_of_every_source_has_a_view_of_its_own() {
        let content = Content::builtin();
        let views = views(content);
        let classes: usize = content.sources.values().map(|source| source.ocsf.len()).sum();
        let names: std::collections::BTreeSet<&str> =
            views.iter().map(|view| view.name.as_str()).collect();
        assert!(classes > 0);
        assert_eq!(names.len(), classes);
    }
}
