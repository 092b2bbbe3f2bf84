//! How much accounts weigh: told by the site, by tags, by the place in the organization and by
//! the name. What that means for a finding is in `rank.rs`.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use yagura_content::format::Site;
use yagura_model::{Prose, Resource};
use yagura_store::{Account, ResourceFilter, Store, StoreError};

use super::rank::Weight;

/// What is known of the accounts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    by_id: BTreeMap<String, Known>,
}

/// What is known of one account.
#[derive(Clone, Debug, Default)]
struct Known {
    weight: Option<(Weight, Prose)>,
    /// As expressions see it.
    value: Value,
}

impl Accounts {
    /// What the store and the site know at a time.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(crate) async fn of(store: &Store, site: &Site, at: Timestamp) -> Result<Self, StoreError> {
        const MEMBER: &str = "AWS::Organizations::Account";
        const ORGANIZATION: &str = "AWS::Organizations::Organization";
        const OWN: &str = "Yagura::Account::Account";
        let filter = ResourceFilter {
            types: [MEMBER, ORGANIZATION, OWN].map(str::to_owned).to_vec(),
            ..ResourceFilter::default()
        };
        let mut tags: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut management = BTreeSet::new();
        let mut stream = store.resources_at(at, &filter);
        while let Some(resource) = stream.try_next().await? {
            management.extend(management_of(&resource));
            if resource.type_name == MEMBER && !resource.tags.is_empty() {
                tags.insert(resource.id, resource.tags);
            }
        }
        let mut accounts = Self::default();
        for account in store.accounts().await? {
            let own = tags.remove(&account.id).unwrap_or_default();
            let rules = management.contains(&account.id);
            accounts.add(&account, &own, rules, site);
        }
        // What the site names counts even where nothing was scanned yet.
        for id in &site.context.production.accounts {
            if !accounts.by_id.contains_key(id) {
                let account = Account { id: id.clone(), ..Account::default() };
                accounts.add(&account, &BTreeMap::new(), false, site);
            }
        }
        Ok(accounts)
    }

    fn add(
        &mut self,
        account: &Account,
        tags: &BTreeMap<String, String>,
        management: bool,
        site: &Site,
    ) {
        let value = json!({
            "id": account.id,
            "name": account.name,
            "ou": account.ou,
            "tags": tags,
            "management": management,
        });
        let weight = weigh(account, tags, management, site);
        self.by_id.insert(account.id.clone(), Known { weight, value });
    }

    /// How much an account weighs; none where nothing tells.
    pub(crate) fn weight(&self, id: &str) -> Option<(Weight, Prose)> {
        self.by_id.get(id)?.weight.clone()
    }

    /// An account as expressions see it: `id`, `name`, `ou`, `tags`, `management`.
    pub(crate) fn value(&self, id: &str) -> Value {
        self.by_id.get(id).map_or_else(|| json!({"id": id}), |known| known.value.clone())
    }
}

fn management_of(resource: &Resource) -> Option<String> {
    let of = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    of(resource.runtime.get("ManagementAccountId")).or_else(|| {
        let organization = resource.properties.get("Organization")?;
        of(organization.get("ManagementAccountId"))
    })
}

/// What an account is, by the first that tells: the site, the organization, tags, the name, the
/// place in the organization.
fn weigh(
    account: &Account,
    tags: &BTreeMap<String, String>,
    management: bool,
    site: &Site,
) -> Option<(Weight, Prose)> {
    if site.context.production.accounts.contains(&account.id) {
        return Some((
            Weight::Production,
            Prose {
                en: format!("account {} is a production account (context.yaml)", account.id),
                ja: format!("アカウント {} は本番アカウントです（context.yaml）", account.id),
            },
        ));
    }
    if management {
        return Some((
            Weight::Management,
            Prose {
                en: "it is the management account".to_owned(),
                ja: "組織の管理アカウントです".to_owned(),
            },
        ));
    }
    weight_of_tags(tags).or_else(|| {
        let told = |text: &str| weight_of_words(text).map(|weight| (weight, said(weight, text)));
        told(&account.name).or_else(|| told(&account.ou))
    })
}

/// What tags say that something is for.
pub(crate) fn weight_of_tags(tags: &BTreeMap<String, String>) -> Option<(Weight, Prose)> {
    const KEYS: [&str; 7] =
        ["env", "environment", "stage", "tier", "environmenttype", "環境", "deploymentstage"];
    tags.iter().find_map(|(key, value)| {
        let plain: String =
            key.to_lowercase().chars().filter(|c| !matches!(c, '-' | '_' | ' ' | ':')).collect();
        let weight = KEYS.contains(&plain.as_str()).then(|| weight_of_words(value))??;
        Some((weight, said(weight, &format!("{key}={value}"))))
    })
}

fn said(weight: Weight, by: &str) -> Prose {
    let (en, ja) = match weight {
        Weight::Production => ("production", "本番環境"),
        Weight::Development => ("development or tests", "開発・検証環境"),
        Weight::Sandbox => ("a sandbox", "サンドボックス"),
        Weight::Security => ("where evidence and guards are kept", "証跡や監視を担う環境"),
        Weight::Management => ("management", "管理アカウント"),
    };
    Prose { en: format!("it is {en}: `{by}`"), ja: format!("{ja}です（「{by}」）") }
}

/// What a name says that something is for. Denials come first: `non-prod` is not production.
fn weight_of_words(text: &str) -> Option<Weight> {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let word = |known: &[&str]| words.iter().any(|word| known.contains(word));
    let part = |known: &[&str]| known.iter().any(|part| lower.contains(part));
    let denied = part(&["nonprod", "non-prod", "non_prod", "non prod", "preprod", "pre-prod"]);
    if word(&["sandbox", "sandboxes", "playground", "sbx"]) || part(&["サンドボックス"]) {
        Some(Weight::Sandbox)
    } else if denied
        || word(&["dev", "develop", "development", "test", "testing", "tests", "staging", "stg"])
        || word(&["stage", "qa", "uat", "integration", "demo"])
        || part(&["開発", "検証", "ステージング", "テスト"])
    {
        Some(Weight::Development)
    } else if word(&["prod", "production", "prd", "live"]) || part(&["本番"]) {
        Some(Weight::Production)
    } else if word(&["security", "audit", "logarchive", "forensics", "soc"])
        || part(&[
            "log archive",
            "log-archive",
            "log_archive",
            "セキュリティ",
            "監査",
            "ログアーカイブ",
        ])
    {
        Some(Weight::Security)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_accounts_are_for() {
        let check = |text: &str, expected: Option<Weight>| {
            assert_eq!(weight_of_words(text), expected, "{text}");
        };
        check("Production 本番", Some(Weight::Production));
        check("shop-prod", Some(Weight::Production));
        check("/Workloads/Production", Some(Weight::Production));
        check("shop-nonprod", Some(Weight::Development));
        check("Non-Production", Some(Weight::Development));
        check("Development 開発", Some(Weight::Development));
        check("基幹システム検証", Some(Weight::Development));
        check("R&D Sandbox", Some(Weight::Sandbox));
        check("Log Archive", Some(Weight::Security));
        check("/Security", Some(Weight::Security));
        check("Products", None);
        check("Hoshimi", None);
        check("device-farm", None);
        check("", None);
    }

    #[test]
    fn the_site_is_believed_before_names() {
        let mut site = Site::default();
        site.context.production.accounts = vec!["111122223333".to_owned()];
        let account = Account {
            id: "111122223333".to_owned(),
            name: "sandbox".to_owned(),
            ou: String::new(),
        };
        let weight = |site: &Site, tags: &BTreeMap<String, String>, management| {
            weigh(&account, tags, management, site).map(|(weight, _)| weight)
        };
        let none = BTreeMap::new();
        let tags = BTreeMap::from([("Environment".to_owned(), "prd".to_owned())]);
        assert_eq!(weight(&site, &none, false), Some(Weight::Production));
        assert_eq!(weight(&Site::default(), &none, false), Some(Weight::Sandbox));
        assert_eq!(weight(&Site::default(), &none, true), Some(Weight::Management));
        assert_eq!(weight(&Site::default(), &tags, false), Some(Weight::Production));
    }

    #[test]
    fn only_tags_about_the_environment_tell_of_it() {
        let tag = |key: &str, value: &str| {
            let tags = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            weight_of_tags(&tags).map(|(weight, _)| weight)
        };
        assert_eq!(tag("env", "prod"), Some(Weight::Production));
        assert_eq!(tag("Deployment-Stage", "dev"), Some(Weight::Development));
        assert_eq!(tag("Name", "prod"), None);
        assert_eq!(tag("env", "blue"), None);
    }
}
