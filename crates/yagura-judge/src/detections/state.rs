//! State of a folder between runs: what correlations wait for, and alerts that are still open.
//! It is versioned; what belongs to rules that are gone or changed is left out.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sigma::Correlator;
use yagura_model::alert::{Alert, Entity, Witness};

use super::counters::Counters;
use super::folder::{Folder, options};
use super::worker::Noted;

/// The version of saved state.
const VERSION: u32 = 1;

/// What a folder knows, for another to go on with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    version: u32,
    counters: Counters,
    correlations: sigma::State,
    notes: Vec<SavedNote>,
    alerts: Vec<Alert>,
}

/// Why saved state cannot be gone on with.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum StateError {
    /// It was written by another version.
    #[error("the state of detections has version {found}, and only version {VERSION} can be read")]
    Version {
        /// The version it has.
        found: u32,
    },
    /// Its correlations cannot be read.
    #[error("the state of detections cannot be gone on with")]
    Correlations(#[from] sigma::StateError),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedNote {
    witness: Witness,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    entities: Vec<(Arc<str>, Entity)>,
}

impl Folder {
    /// The state as it is now.
    pub fn save(&self) -> State {
        let notes = self.notes.iter().map(|noted| SavedNote {
            witness: noted.witness.clone(),
            entities: noted.entities.clone(),
        });
        State {
            version: VERSION,
            counters: self.counters.clone(),
            correlations: self.correlator.save(),
            notes: notes.collect(),
            alerts: self.groups.iter().cloned().collect(),
        }
    }

    /// Goes on where the state was saved. Alerts count as drained: whoever saved the state kept
    /// them too.
    pub(super) fn restore(&mut self, state: State) -> Result<(), StateError> {
        if state.version != VERSION {
            return Err(StateError::Version { found: state.version });
        }
        let options = options(&self.parts);
        self.correlator = Correlator::restore(&self.parts.matcher, options, state.correlations)?;
        self.counters = state.counters;
        for note in state.notes {
            self.notes.add(Noted { witness: note.witness, entities: note.entities });
        }
        for alert in state.alerts {
            self.groups.merge(alert);
        }
        self.groups.drain();
        Ok(())
    }
}
