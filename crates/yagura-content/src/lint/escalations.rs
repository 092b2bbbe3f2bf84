//! Checks escalations: both languages, actions that exist, needs that fit what is gained.
//! Whether one is open to anybody is decided in `yagura-analyze`.

use yagura_model::escalation::{Gain, NeedOn};

use super::{Lint, prose};
use crate::format::EscalationFile;

pub(crate) fn check(lint: &mut Lint<'_>, escalation: &EscalationFile) {
    let file = lint.escalation_file(escalation);
    lint.id(&file, &escalation.id);
    prose::check(lint, &file, "title", &escalation.title);
    prose::check(lint, &file, "how", &escalation.how);
    prose::check(lint, &file, "close", &escalation.close);
    let gains = &escalation.gains;
    match &gains.value {
        Gain::RoleTrusting(service) if !service.contains('.') => {
            let message = format!("`{service}` is not a service's name as policies write it");
            lint.error(&file, gains.place, message);
        }
        Gain::RoleOf(type_name) if !type_name.contains("::") => {
            lint.error(&file, gains.place, format!("`{type_name}` is no type of resources"));
        }
        _ => {}
    }
    if escalation.needs.is_empty() {
        lint.error(&file, gains.place, "`needs` is empty: then everybody could do it");
    }
    for need in &escalation.needs {
        if !fits(&gains.value, need.value.on) {
            let message = format!("`{}` is needed on what is not gained", need.value.action);
            lint.error(&file, need.place, message);
        }
        let Some(api) = lint.api else { continue };
        if api.access_level(&need.value.action).is_none() {
            let message = format!("`{}` is no action of AWS", need.value.action);
            lint.error(&file, need.place, message);
        }
    }
}

/// Whether there is something of that kind to need an action on.
fn fits(gains: &Gain, on: NeedOn) -> bool {
    match on {
        NeedOn::Anything | NeedOn::Oneself => true,
        NeedOn::Gained => !matches!(
            gains,
            Gain::OneselfAsUser
                | Gain::OneselfAsRole
                | Gain::OneselfUnbounded
                | Gain::PermissionSets
        ),
        NeedOn::Resource => matches!(gains, Gain::RoleOf(_)),
        NeedOn::OwnGroup => matches!(gains, Gain::OneselfAsUser),
        NeedOn::OwnPolicy => matches!(gains, Gain::OneselfAsUser | Gain::OneselfAsRole),
        NeedOn::GainedPolicy => {
            matches!(
                gains,
                Gain::User | Gain::Role | Gain::UserStrengthened | Gain::RoleStrengthened
            )
        }
    }
}
