//! What a resource tells about a finding on it: addresses, data, environment, where it was made.
//! Whether it is as it should be is judged elsewhere; nothing here decides good or bad.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use yagura_content::format::{CrownJewels, Site};
use yagura_content::glob;
use yagura_model::finding::MarkKind;
use yagura_model::{Prose, Resource};

use super::accounts::weight_of_tags;
use super::rank::{DataValue, Exposure, Weight};

/// Tags that one finding is looked up by.
const TAGS_MAX: usize = 50;

/// What a resource tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traits {
    pub(crate) exposure: Option<Exposure>,
    pub(crate) data: Option<DataValue>,
    pub(crate) weight: Option<(Weight, Prose)>,
    /// The stack, stack set or module that it comes from.
    pub(crate) module: Option<String>,
    pub(crate) marks: Vec<(MarkKind, String)>,
}

impl Traits {
    /// What a resource tells at this site.
    pub(crate) fn of(resource: &Resource, site: &Site) -> Self {
        let module = module_of(resource);
        let tags = resource.tags.iter().filter(|(key, _)| !key.starts_with("aws:"));
        let mut marks: Vec<(MarkKind, String)> = tags
            .take(TAGS_MAX)
            .map(|(key, value)| (MarkKind::Tag, format!("{key}={value}")))
            .collect();
        marks.extend(module.iter().map(|module| (MarkKind::Module, module.clone())));
        Self {
            exposure: exposure_of(resource),
            data: data_of(resource, site),
            weight: weight_of_tags(&resource.tags),
            module,
            marks,
        }
    }
}

/// Whether the resource has a way in from outside. `PubliclyAccessible` gives an instance a public
/// name and address; whether a security group lets anybody in is another matter.
fn exposure_of(resource: &Resource) -> Option<Exposure> {
    let properties = &resource.properties;
    let says = |map: &Map<String, Value>, key: &str, wanted: &Value| map.get(key) == Some(wanted);
    let text = |map: &Map<String, Value>, key: &str| {
        map.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
    };
    let address = says(properties, "PubliclyAccessible", &Value::Bool(true))
        || says(properties, "Scheme", &Value::from("internet-facing"))
        || ["PublicIp", "PublicIpAddress", "PublicIPAddress"]
            .iter()
            .any(|key| text(properties, key) || text(&resource.runtime, key));
    address.then_some(Exposure::Address)
}

/// What data the resource holds. Crown jewels count whatever they are; names and tags only where
/// the resource holds data at all.
fn data_of(resource: &Resource, site: &Site) -> Option<DataValue> {
    let jewel = site.context.crown_jewels.iter().find(|jewels| covers(jewels, resource));
    if let Some(jewels) = jewel {
        return Some(DataValue::CrownJewel(jewels.name.value.clone()));
    }
    if !stores_data(&resource.type_name) {
        return None;
    }
    let said = sensitive_tag(&resource.tags).or_else(|| sensitive_name(&resource.name));
    Some(said.map_or(DataValue::Store, DataValue::Sensitive))
}

/// Whether a resource is among the crown jewels. Any dimension that is named suffices.
fn covers(jewels: &CrownJewels, resource: &Resource) -> bool {
    let among = |patterns: &[String], text: &str| {
        patterns.iter().any(|pattern| glob::matches(pattern, text))
    };
    let tagged = !jewels.tags.is_empty()
        && jewels.tags.iter().all(|(key, pattern)| {
            resource.tags.get(key).is_some_and(|value| glob::matches(pattern, value))
        });
    among(&jewels.accounts, &resource.account)
        || [&jewels.resources, &jewels.actors].iter().any(|patterns| {
            among(patterns, &resource.key)
                || among(patterns, &resource.name)
                || among(patterns, &resource.id)
        })
        || tagged
}

/// Whether resources of a type hold data of their own.
fn stores_data(type_name: &str) -> bool {
    const TYPES: [&str; 33] = [
        "AWS::Backup::BackupVault",
        "AWS::Cassandra::Table",
        "AWS::CodeArtifact::Repository",
        "AWS::DocDB::DBCluster",
        "AWS::DynamoDB::Table",
        "AWS::EC2::Snapshot",
        "AWS::EC2::Volume",
        "AWS::EFS::FileSystem",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::Elasticsearch::Domain",
        "AWS::FSx::FileSystem",
        "AWS::Kinesis::Stream",
        "AWS::KinesisVideo::Stream",
        "AWS::Lightsail::Bucket",
        "AWS::Lightsail::Database",
        "AWS::MSK::Cluster",
        "AWS::MemoryDB::Cluster",
        "AWS::Neptune::DBCluster",
        "AWS::OpenSearchServerless::Collection",
        "AWS::OpenSearchService::Domain",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBClusterSnapshot",
        "AWS::RDS::DBInstance",
        "AWS::RDS::DBSnapshot",
        "AWS::Redshift::Cluster",
        "AWS::RedshiftServerless::Namespace",
        "AWS::S3::AccessPoint",
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
        "AWS::SSM::Parameter",
        "AWS::SecretsManager::Secret",
        "AWS::Timestream::InfluxDBInstance",
        "Yagura::Glacier::Vault",
    ];
    TYPES.contains(&type_name)
}

/// A tag that classifies the data as sensitive, as `key=value`.
fn sensitive_tag(tags: &BTreeMap<String, String>) -> Option<String> {
    const KEYS: [&str; 8] = [
        "dataclassification",
        "classification",
        "dataclass",
        "sensitivity",
        "datasensitivity",
        "confidentiality",
        "機密区分",
        "データ分類",
    ];
    const LEVELS: [&str; 14] = [
        "confidential",
        "restricted",
        "sensitive",
        "secret",
        "high",
        "critical",
        "pii",
        "phi",
        "pci",
        "personal",
        "機密",
        "極秘",
        "社外秘",
        "個人情報",
    ];
    const FLAGS: [&str; 6] = ["pii", "phi", "pci", "containspii", "personaldata", "個人情報"];
    let plain = |text: &str| -> String {
        text.to_lowercase().chars().filter(|c| !matches!(c, '-' | '_' | ' ' | ':')).collect()
    };
    tags.iter().find_map(|(key, value)| {
        let (name, level) = (plain(key), plain(value));
        let classed = KEYS.contains(&name.as_str())
            && LEVELS.iter().any(|word| level.contains(word))
            && !level.starts_with("non")
            && !level.starts_with("not");
        let flagged = FLAGS.contains(&name.as_str())
            && ["true", "yes", "1", "y", "あり", "有"].contains(&level.as_str());
        (classed || flagged).then(|| format!("{key}={value}"))
    })
}

/// A word of a name that tells of sensitive data.
fn sensitive_name(name: &str) -> Option<String> {
    const WORDS: [&str; 20] = [
        "customer",
        "customers",
        "personal",
        "pii",
        "phi",
        "payment",
        "payments",
        "card",
        "cards",
        "patient",
        "patients",
        "medical",
        "payroll",
        "salary",
        "salaries",
        "credentials",
        "passwords",
        "kyc",
        "hr",
        "billing",
    ];
    let lower = name.to_lowercase();
    let told = lower.split(|c: char| !c.is_alphanumeric()).any(|word| WORDS.contains(&word));
    told.then(|| name.to_owned())
}

/// Where the resource was made: its stack set, stack, product or module, as its tags say.
fn module_of(resource: &Resource) -> Option<String> {
    if let Some(stack) = resource.tags.get("aws:cloudformation:stack-name") {
        return Some(match stack_set(stack) {
            Some(set) => format!("stackset:{set}"),
            None => format!("stack:{}/{}/{stack}", resource.account, resource.region),
        });
    }
    const KEYS: [&str; 6] = [
        "terraform-module",
        "terraform_module",
        "tf-module",
        "tf_module",
        "module",
        "aws:servicecatalog:productArn",
    ];
    let own = |wanted: &str| {
        let mut tags = resource.tags.iter();
        tags.find(|(key, value)| key.eq_ignore_ascii_case(wanted) && !value.is_empty())
    };
    KEYS.iter().find_map(|key| own(key)).map(|(_, value)| format!("module:{value}"))
}

/// The stack set of a stack that one made: `StackSet-<name>-<uuid>` (`CloudFormation`'s user
/// guide, "StackSets concepts", seen November 2026).
fn stack_set(stack: &str) -> Option<&str> {
    let rest = stack.strip_prefix("StackSet-")?;
    let at = rest.len().checked_sub(37)?;
    let (name, uuid) = rest.split_at_checked(at)?;
    let uuid = uuid.strip_prefix('-')?;
    let groups: Vec<usize> = uuid.split('-').map(str::len).collect();
    let is_uuid = groups == [8, 4, 4, 4, 12]
        && uuid.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    (is_uuid && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn resource(type_name: &str, name: &str, tags: &[(&str, &str)]) -> Resource {
        Resource {
            key: format!("arn:aws:x:::{name}"),
            type_name: type_name.to_owned(),
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            name: name.to_owned(),
            id: name.to_owned(),
            tags: tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            ..Resource::default()
        }
    }

    #[test]
    fn names_and_tags_tell_of_sensitive_data_where_there_is_data() {
        let check = |type_name: &str, name: &str, tags: &[(&str, &str)], expected: &str| {
            let found = data_of(&resource(type_name, name, tags), &Site::default());
            let shown = match found {
                None => "none".to_owned(),
                Some(DataValue::Store) => "store".to_owned(),
                Some(DataValue::Sensitive(what)) => what,
                Some(DataValue::CrownJewel(name)) => format!("jewel {name}"),
            };
            assert_eq!(shown, expected, "{type_name} {name} {tags:?}");
        };
        check("AWS::S3::Bucket", "web-assets", &[], "store");
        check("AWS::S3::Bucket", "shop-customer-orders", &[], "shop-customer-orders");
        check("AWS::IAM::Role", "customer-reader", &[], "none");
        check("AWS::S3::Bucket", "postcards", &[], "store");
        let tag = [("DataClassification", "Confidential")];
        check("AWS::RDS::DBInstance", "db1", &tag, "DataClassification=Confidential");
        let tag = [("data-classification", "public")];
        check("AWS::RDS::DBInstance", "db1", &tag, "store");
        let tag = [("sensitivity", "non-sensitive")];
        check("AWS::RDS::DBInstance", "db1", &tag, "store");
        check("AWS::DynamoDB::Table", "t", &[("contains-pii", "true")], "contains-pii=true");
        check("AWS::DynamoDB::Table", "t", &[("機密区分", "極秘")], "機密区分=極秘");
    }

    #[test]
    fn what_has_an_address_can_be_reached() {
        let mut database = resource("AWS::RDS::DBInstance", "db", &[]);
        assert_eq!(exposure_of(&database), None);
        database.properties.insert("PubliclyAccessible".to_owned(), json!(true));
        assert_eq!(exposure_of(&database), Some(Exposure::Address));
        let mut instance = resource("AWS::EC2::Instance", "i-1", &[]);
        instance.runtime.insert("PublicIpAddress".to_owned(), json!("203.0.113.9"));
        assert_eq!(exposure_of(&instance), Some(Exposure::Address));
        instance.runtime.insert("PublicIpAddress".to_owned(), json!(null));
        assert_eq!(exposure_of(&instance), None);
    }

    #[test]
    fn stacks_stack_sets_and_modules_are_told_apart() {
        let check = |tags: &[(&str, &str)], expected: Option<&str>| {
            let found = module_of(&resource("AWS::S3::Bucket", "b", tags));
            assert_eq!(found.as_deref(), expected, "{tags:?}");
        };
        let stack = "aws:cloudformation:stack-name";
        check(&[(stack, "shop")], Some("stack:111122223333/eu-west-1/shop"));
        let set = "StackSet-baseline-0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
        check(&[(stack, set)], Some("stackset:baseline"));
        check(
            &[(stack, "StackSet-baseline")],
            Some("stack:111122223333/eu-west-1/StackSet-baseline"),
        );
        check(&[("Module", "vpc")], Some("module:vpc"));
        check(&[("Module", "")], None);
        check(&[("Name", "x")], None);
    }
}
