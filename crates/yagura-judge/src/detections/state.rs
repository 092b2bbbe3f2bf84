//! State of a folder between runs: what correlations wait for, and alerts that are still open.
//! It is versioned; what belongs to rules that are gone or changed is left out.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sigma::Correlator;
use yagura_model::alert::{Alert, Entity, Witness};

use super::counters::Counters;
use super::folder::{Folder, behavior_options, options};
use super::worker::Noted;
use crate::{behaviors, sequences};

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    behaviors: Option<behaviors::Saved>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sequences: Option<sequences::Saved>,
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
    /// Its baselines cannot be read.
    #[error("the state of behaviours cannot be gone on with")]
    Behaviors(#[from] behaviors::SavedError),
    /// Its stories cannot be read.
    #[error("the state of sequences cannot be gone on with")]
    Sequences(#[from] sequences::SavedError),
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
            behaviors: self.behaviors.as_ref().map(behaviors::State::save),
            sequences: self.sequences.as_ref().map(sequences::State::save),
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
        if let (Some(compiled), Some(saved)) = (self.parts.behaviors.clone(), state.behaviors) {
            let options = behavior_options(&self.parts);
            self.behaviors = Some(behaviors::State::restore(compiled, options, saved)?);
        }
        if let (Some(compiled), Some(saved)) = (self.parts.sequences.clone(), state.sequences) {
            let options = sequences::Options::default();
            self.sequences = Some(sequences::State::restore(compiled, options, saved)?);
        }
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
