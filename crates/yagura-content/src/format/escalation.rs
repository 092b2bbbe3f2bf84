//! Escalations: `escalations/<service>/<how>.yaml`, ways from few permissions to many.
//! Whether one is open to anybody is decided in `yagura-analyze`.

use serde::Deserialize;
use yagura_model::Prose;
use yagura_model::escalation::{Escalation, Gain, Need};

use super::ordered::Ordered;
use crate::place::Placed;

/// A way to act as somebody else, with its prose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationFile {
    /// From the path: `escalations.lambda.role_passed_to_new_function`.
    #[serde(skip)]
    pub id: String,
    /// What it is called.
    pub title: Placed<Prose>,
    /// How it works, and what it takes that permissions do not show.
    pub how: Placed<Prose>,
    /// How it is closed without taking away what the work needs.
    pub close: Placed<Prose>,
    /// As whom one acts afterwards.
    pub gains: Placed<Gain>,
    /// What one must be allowed, all of it.
    pub needs: Vec<Placed<Need>>,
    /// What others call it: by catalog (`pathfinding`, `prowler`, `pmapper`), their ids.
    #[serde(default)]
    pub maps: Ordered<Vec<String>>,
}

impl EscalationFile {
    /// What the search works with.
    pub fn escalation(&self) -> Escalation {
        Escalation {
            id: self.id.clone(),
            gains: self.gains.value.clone(),
            needs: self.needs.iter().map(|need| need.value.clone()).collect(),
        }
    }
}
