//! Findings of one cause are one group: what one change would mend together.
//! How a group is shown is the report's business; its words are read back there.

use yagura_model::alert::{Entity, EntityKind};

/// The cause of a control's failures: the template or module that made the resources, else what
/// one account does about this control.
pub(crate) fn of_control(control: &str, account: &str, module: Option<&str>) -> String {
    match module {
        Some(module) => format!("{control}@{module}"),
        None => format!("{control}@{account}"),
    }
}

/// The cause of alerts: whoever did it, whatever was seen of it.
pub(crate) fn of_alert(content: &str, entity: &Entity, account: &str) -> String {
    match entity.kind {
        _ if entity.id.is_empty() => format!("{content}@{account}"),
        EntityKind::Actor | EntityKind::Address => entity.to_string(),
        EntityKind::Resource | EntityKind::Account | EntityKind::Instance | EntityKind::Other => {
            format!("{content}@{account}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_template_is_one_cause_and_one_intruder_is_one_cause() {
        assert_eq!(of_control("a.b", "1", None), "a.b@1");
        assert_eq!(of_control("a.b", "1", Some("stackset:base")), "a.b@stackset:base");
        let entity = |kind, id: &str| Entity { kind, id: id.into() };
        let actor = entity(EntityKind::Actor, "arn:aws:iam::1:user/eve");
        assert_eq!(of_alert("c.d", &actor, "1"), "actor:arn:aws:iam::1:user/eve");
        assert_eq!(of_alert("c.d", &entity(EntityKind::Actor, ""), "1"), "c.d@1");
        assert_eq!(of_alert("c.d", &entity(EntityKind::Resource, "b"), "1"), "c.d@1");
    }
}
