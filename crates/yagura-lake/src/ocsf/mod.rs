//! Views in the terms of the Open Cybersecurity Schema Framework (OCSF 1.1.0, which Security Lake's
//! source version 2 uses). What a source's columns mean is content's: it comes in as SQL.

use std::collections::BTreeMap;

/// The version of the framework that the views follow.
pub const OCSF_VERSION: &str = "1.1.0";

/// What the rows of a source are in the framework: one class, filled by SQL over its columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OcsfMapping {
    /// The source's id.
    pub source: String,
    /// The class: 6003 is API Activity.
    pub class: u16,
    /// Which rows are of the class; none: all.
    pub when: Option<String>,
    /// The conditions of classes that come before: their rows are not of this one.
    pub unless: Vec<String>,
    /// The number of the activity.
    pub activity: String,
    /// SQL by the path of an attribute (`actor.user.uid`), in order.
    pub fields: Vec<(String, String)>,
}

/// A view over sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcsfView {
    /// The view's name in SQL: `ocsf_api_activity_cloudtrail`, or `ocsf_api_activity` where one
    /// source alone has the class.
    pub name: String,
    /// The class.
    pub class: u16,
    /// The tables that it reads.
    pub sources: Vec<String>,
    /// The SQL behind it.
    pub sql: String,
}

/// The name of a class in SQL.
/// Source: OCSF schema 1.1.0, class names and uids, seen 2026-11.
pub fn class_name(class: u16) -> String {
    match class {
        2004 => "detection_finding".to_owned(),
        3001 => "account_change".to_owned(),
        3002 => "authentication".to_owned(),
        4001 => "network_activity".to_owned(),
        4002 => "http_activity".to_owned(),
        4003 => "dns_activity".to_owned(),
        5019 => "device_config_state_change".to_owned(),
        6003 => "api_activity".to_owned(),
        other => format!("class_{other}"),
    }
}

/// The views of some mappings: one for each class and source.
pub fn views(mappings: &[OcsfMapping]) -> Vec<OcsfView> {
    let mut of_class: BTreeMap<u16, usize> = BTreeMap::new();
    for mapping in mappings {
        *of_class.entry(mapping.class).or_default() += 1;
    }
    mappings
        .iter()
        .map(|mapping| {
            let plain = format!("ocsf_{}", class_name(mapping.class));
            let alone = of_class.get(&mapping.class) == Some(&1);
            let name = if alone { plain } else { format!("{plain}_{}", mapping.source) };
            OcsfView {
                name,
                class: mapping.class,
                sources: vec![mapping.source.clone()],
                sql: sql(mapping),
            }
        })
        .collect()
}

/// A tree of attributes: a leaf is SQL, everything else a struct.
enum Node {
    Leaf(String),
    Branch(Vec<(String, Self)>),
}

impl Node {
    fn put(members: &mut Vec<(String, Self)>, path: &str, sql: &str) {
        let (head, rest) = path.split_once('.').map_or((path, None), |(a, b)| (a, Some(b)));
        let at = members.iter().position(|(name, _)| name == head);
        match (rest, at.and_then(|at| members.get_mut(at))) {
            (Some(rest), Some((_, Self::Branch(inner)))) => Self::put(inner, rest, sql),
            (Some(rest), None) => {
                let mut inner = Vec::new();
                Self::put(&mut inner, rest, sql);
                members.push((head.to_owned(), Self::Branch(inner)));
            }
            (None, None) => members.push((head.to_owned(), Self::Leaf(sql.to_owned()))),
            // What stands later counts: a class says otherwise than the source.
            (None, Some((_, node))) => *node = Self::Leaf(sql.to_owned()),
            (Some(rest), Some((_, node))) => {
                let mut inner = Vec::new();
                Self::put(&mut inner, rest, sql);
                *node = Self::Branch(inner);
            }
        }
    }

    fn sql(&self) -> String {
        match self {
            Self::Leaf(sql) => format!("({sql})"),
            Self::Branch(members) => {
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, node)| format!("'{}', {}", name.replace('\'', "''"), node.sql()))
                    .collect();
                format!("named_struct({})", members.join(", "))
            }
        }
    }
}

/// The query of a mapping. `region` and `account` come last, for partitions of an export.
fn sql(mapping: &OcsfMapping) -> String {
    let class = mapping.class;
    let mut members = Vec::new();
    let literal = |number: u16| number.to_string();
    Node::put(&mut members, "class_uid", &literal(class));
    Node::put(&mut members, "category_uid", &literal(class / 1000));
    Node::put(&mut members, "activity_id", &mapping.activity);
    Node::put(&mut members, "type_uid", &format!("{class} * 100 + ({})", mapping.activity));
    Node::put(&mut members, "metadata.version", &format!("'{OCSF_VERSION}'"));
    for (path, sql) in &mapping.fields {
        Node::put(&mut members, path, sql);
    }
    let columns: Vec<String> = members
        .iter()
        .map(|(name, node)| format!("{} AS \"{}\"", node.sql(), name.replace('"', "\"\"")))
        .collect();
    let mut conditions: Vec<String> = Vec::new();
    conditions.extend(mapping.when.iter().map(|when| format!("({when})")));
    conditions.extend(mapping.unless.iter().map(|other| format!("NOT coalesce(({other}), false)")));
    let condition = if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", conditions.join(" AND "))
    };
    format!("SELECT {} FROM {}{condition}", columns.join(", "), mapping.source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_becomes_nested_columns() {
        let mapping = OcsfMapping {
            source: "trail".into(),
            class: 6003,
            when: None,
            unless: vec!["action = 'ConsoleLogin'".into()],
            activity: "1".into(),
            fields: vec![
                ("api.operation".into(), "action".into()),
                ("api.request.uid".into(), "request_id".into()),
                ("metadata.uid".into(), "event_id".into()),
                ("api.operation".into(), "upper(action)".into()),
            ],
        };
        assert_eq!(
            sql(&mapping),
            "SELECT (6003) AS \"class_uid\", (6) AS \"category_uid\", (1) AS \"activity_id\", \
             (6003 * 100 + (1)) AS \"type_uid\", named_struct('version', ('1.1.0'), 'uid', \
             (event_id)) AS \"metadata\", named_struct('operation', (upper(action)), 'request', \
             named_struct('uid', (request_id))) AS \"api\" FROM trail WHERE NOT \
             coalesce((action = 'ConsoleLogin'), false)"
        );
    }

    #[test]
    fn classes_of_several_sources_are_told_apart_by_name() {
        let of = |source: &str, class| OcsfMapping {
            source: source.into(),
            class,
            activity: "1".into(),
            ..OcsfMapping::default()
        };
        let views = views(&[of("vpc_flow", 4001), of("nlb", 4001), of("cloudtrail", 3002)]);
        let names: Vec<&str> = views.iter().map(|view| view.name.as_str()).collect();
        assert_eq!(
            names,
            ["ocsf_network_activity_vpc_flow", "ocsf_network_activity_nlb", "ocsf_authentication"]
        );
    }
}
