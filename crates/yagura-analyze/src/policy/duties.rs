//! Who both keeps a KMS key and uses it, by its key policy.
//! What IAM policies add where the key policy hands over to the account is not seen here.

use iam_policy::{Effect, Outsider, PrincipalKind, Truth};
use serde_json::{Value, json};
use yagura_model::Resource;

use super::holders::resource_policy;
use super::public::{account_of, via};
use crate::fact::{FactSource, Facts};
use crate::surroundings::Surroundings;

const NAMES: &[&str] = &["key_duties"];

/// `key_duties`.
pub(crate) const DUTIES: &[FactSource] =
    &[FactSource::new("AWS::KMS::Key", NAMES, &["properties.KeyPolicy"], duties)];

/// Actions that decide over a key, and actions that use it (AWS KMS Developer Guide, "Default key
/// policy": key administrators and key users).
const KEEPS: &[&str] = &["kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"];
const USES: &[&str] = &["kms:Decrypt", "kms:GenerateDataKey"];

#[derive(Default)]
struct Person {
    keeps: bool,
    uses: bool,
}

fn duties(_: &FactSource, resource: &Resource, _: &dyn Surroundings, facts: &mut Facts) {
    let policy = resource_policy(resource);
    let mut people: Vec<(String, Person)> = Vec::new();
    let (mut open, mut hands_over) = (Vec::new(), false);
    let allows = policy.labelled().filter(|(_, statement)| statement.effect == Effect::Allow);
    for (label, statement) in allows {
        let keeps = KEEPS.iter().any(|action| statement.covers_action(action));
        let uses = USES.iter().any(|action| statement.covers_action(action));
        if statement.is_about_everybody() {
            let narrow = statement.conditions_met_by(&Outsider::Stranger) == Truth::False;
            // By way of a service: it asks for the caller's own permissions.
            let through_service = statement.fixes(&["kms:viaservice"]);
            if (keeps || uses) && narrow && !through_service {
                open.push(Value::from(via(&label)));
            }
            continue;
        }
        let named = statement.principals_written();
        for (_, principal) in named.filter(|(kind, _)| *kind == PrincipalKind::Aws) {
            let account = account_of(principal);
            if principal == account || principal.ends_with(":root") {
                hands_over |= account == resource.account;
                continue;
            }
            let at = people.iter().position(|(name, _)| name == principal).unwrap_or_else(|| {
                people.push((principal.to_owned(), Person::default()));
                people.len() - 1
            });
            if let Some((_, person)) = people.get_mut(at) {
                person.keeps |= keeps;
                person.uses |= uses;
            }
        }
    }
    let both = people.iter().filter(|(_, person)| person.keeps && person.uses);
    let both: Vec<&str> = both.map(|(name, _)| name.as_str()).collect();
    let mut members = serde_json::Map::new();
    members.insert("both".to_owned(), json!(both));
    members.insert("open_to_many".to_owned(), Value::Array(open));
    let known = hands_over || policy.unread.is_empty();
    if known {
        members.insert("handed_to_iam".to_owned(), Value::Bool(hands_over));
    }
    facts.set("key_duties", Value::Object(members));
    for list in ["both", "open_to_many"] {
        facts.unread(&["key_duties", list], true, &policy.unread);
    }
    if !known {
        facts.unread(&["key_duties", "handed_to_iam"], false, &policy.unread);
    }
}
