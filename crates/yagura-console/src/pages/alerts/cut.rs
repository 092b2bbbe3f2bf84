//! An alert as somebody may see it who sees some accounts only: what other accounts' records say
//! is left out.
//! Whether they may see it at all: where some record is of an account of theirs.

use yagura_model::alert::{Alert, EntityKind, Several, Witness};
use yagura_model::finding::Scope;

/// An alert, and whether something of it is left out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) alert: Alert,
    pub(super) cut: bool,
}

/// The alert within a scope; none where it is nobody's business there.
pub(crate) fn within(mut alert: Alert, scope: &Scope) -> Option<Seen> {
    if *scope == Scope::All {
        return Some(Seen { alert, cut: false });
    }
    let admits = |account: &str| scope.admits(account);
    let whole = alert.accounts.more() == 0
        && !alert.accounts.is_empty()
        && alert.accounts.names().all(admits);
    if whole {
        return Some(Seen { alert, cut: false });
    }
    if !alert.accounts.names().any(admits) {
        return None;
    }
    let theirs = |witness: &Witness| witness.account.as_deref().is_some_and(admits);
    let first_is_theirs = alert.witnesses.first().is_some_and(theirs);
    alert.witnesses.retain(theirs);
    alert.story.retain(|step| theirs(&step.witness));
    if !first_is_theirs {
        // They speak of the first record.
        alert.matched.clear();
    }
    alert.contrast = None;
    let some = |field: fn(&Witness) -> Option<&std::sync::Arc<str>>| -> Several {
        alert.witnesses.iter().filter_map(field).cloned().collect()
    };
    let accounts = alert.accounts.names().filter(|account| admits(account));
    let accounts: Several = accounts.map(std::sync::Arc::from).collect();
    let (regions, actors, addresses) = (
        some(|witness| witness.region.as_ref()),
        some(|witness| witness.actor.as_ref()),
        some(|witness| witness.address.as_ref()),
    );
    let resources: Several =
        alert.witnesses.iter().flat_map(|witness| witness.resources.iter().cloned()).collect();
    let id = &*alert.entity.id;
    let known = match alert.entity.kind {
        EntityKind::Account => admits(id),
        EntityKind::Actor => actors.contains(id),
        EntityKind::Address => addresses.contains(id),
        EntityKind::Resource | EntityKind::Instance => resources.contains(id),
        EntityKind::Other => first_is_theirs,
    };
    if !known {
        alert.entity.id = "".into();
    }
    (alert.accounts, alert.regions, alert.actors) = (accounts, regions, actors);
    (alert.addresses, alert.resources) = (addresses, resources);
    Some(Seen { alert, cut: true })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use yagura_model::alert::{About, Entity, Signal, SignalKind};
    use yagura_model::{Prose, Severity};

    use super::*;

    fn witness(account: &str, actor: &str) -> Witness {
        Witness {
            time_us: 1_000_000,
            source: "cloudtrail".into(),
            id: format!("{account}-{actor}").into(),
            account: Some(account.into()),
            actor: Some(actor.into()),
            resources: vec![format!("arn:aws:s3:::{actor}").into()],
            ..Witness::default()
        }
    }

    fn alert(witnesses: &[Witness]) -> Alert {
        let about = About {
            kind: SignalKind::Detection,
            content: "cloudtrail.x".into(),
            path: "x.yaml".into(),
            title: Prose::default(),
            tags: Vec::new(),
            window_us: 1,
            shadow: false,
        };
        let signal = Signal {
            kind: SignalKind::Detection,
            content: "cloudtrail.x".into(),
            severity: Severity::High,
            weak: false,
            entity: Entity { kind: EntityKind::Actor, id: "trudy".into() },
            time_us: 1_000_000,
            witness: witnesses[0].clone(),
            matched: Vec::new(),
            contrast: None,
            more: witnesses[1..].to_vec(),
            more_events: Vec::new(),
            events_total: 1,
            story: Vec::new(),
        };
        Alert::of(&about, signal)
    }

    fn scope(accounts: &[&str]) -> Scope {
        let accounts: BTreeSet<String> = accounts.iter().map(|one| (*one).to_owned()).collect();
        Scope::Accounts(accounts)
    }

    #[test]
    fn what_is_wholly_theirs_is_whole() {
        let one = alert(&[witness("1", "trudy")]);
        let seen = within(one.clone(), &scope(&["1", "2"])).unwrap();
        assert_eq!(seen, Seen { alert: one.clone(), cut: false });
        assert_eq!(within(one.clone(), &Scope::All).unwrap().alert, one);
    }

    #[test]
    fn of_other_accounts_nothing_is_told() {
        let both = alert(&[witness("1", "mallory"), witness("2", "trudy")]);
        assert_eq!(within(both.clone(), &scope(&["3"])), None);
        assert_eq!(within(both.clone(), &scope(&[])), None);
        let seen = within(both, &scope(&["1"])).unwrap();
        assert!(seen.cut);
        let told = serde_json::to_string(&seen.alert).unwrap();
        assert!(told.contains("mallory"), "{told}");
        assert!(!told.contains("trudy") && !told.contains("\"2\""), "{told}");
    }
}
