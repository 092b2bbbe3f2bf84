//! State of a folder between runs: what correlations wait for, and alerts that are still open.
//! It is versioned; what belongs to rules that are gone or changed is left out.

use std::io::{BufReader, BufWriter, Read as _, Write as _};
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

/// With what zstd begins.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Quick: every commit of the lake waits for it, and texts repeat much.
const ZSTD_LEVEL: i32 = 1;
/// Bytes of a state's text at most, so that a damaged one cannot fill the memory.
const TEXT_BYTES_MAX: u64 = 4 << 30;

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
    /// Its bytes cannot be read.
    #[error("the state of detections is damaged: {0}")]
    Damaged(String),
    /// It cannot be packed, to be kept.
    #[error("the state of detections cannot be packed: {0}")]
    Unpacked(String),
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
    witness: Arc<Witness>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    entities: Vec<(Arc<str>, Entity)>,
}

/// What is written of a state that stays where it is: it may be most of the memory, and is not
/// copied. INVARIANT: the same text as [`State`]'s.
#[derive(Serialize)]
struct StateText<'a> {
    version: u32,
    counters: &'a Counters,
    correlations: sigma::StateText<'a>,
    notes: Vec<NoteText<'a>>,
    alerts: Vec<&'a Alert>,
    #[serde(skip_serializing_if = "Option::is_none")]
    behaviors: Option<behaviors::SavedText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequences: Option<sequences::Saved>,
}

#[derive(Serialize)]
struct NoteText<'a> {
    witness: &'a Witness,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    entities: &'a [(Arc<str>, Entity)],
}

impl State {
    /// Reads what [`Folder::pack`] wrote, or the plain JSON of earlier versions.
    ///
    /// # Errors
    /// Bytes that are neither.
    pub fn read(bytes: &[u8]) -> Result<Self, StateError> {
        let damaged = |error: String| StateError::Damaged(error);
        if !bytes.starts_with(&ZSTD_MAGIC) {
            return serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()));
        }
        let text = zstd::Decoder::with_buffer(bytes).map_err(|error| damaged(error.to_string()))?;
        let text = BufReader::new(text.take(TEXT_BYTES_MAX));
        serde_json::from_reader(text).map_err(|error| damaged(error.to_string()))
    }
}

impl Folder {
    /// The state as it is now.
    pub fn save(&self) -> State {
        let notes = self.notes.iter().map(|noted| SavedNote {
            witness: Arc::clone(&noted.witness),
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

    /// The state as it is now, packed, for [`State::read`].
    ///
    /// # Errors
    /// Where it cannot be packed.
    pub fn pack(&self) -> Result<Vec<u8>, StateError> {
        let notes = self.notes.iter();
        let text = StateText {
            version: VERSION,
            counters: &self.counters,
            correlations: self.correlator.text(),
            notes: notes
                .map(|noted| NoteText { witness: &noted.witness, entities: &noted.entities })
                .collect(),
            alerts: self.groups.iter().collect(),
            behaviors: self.behaviors.as_ref().map(behaviors::State::text),
            sequences: self.sequences.as_ref().map(sequences::State::save),
        };
        let packed = || {
            let mut packer = BufWriter::new(zstd::Encoder::new(Vec::new(), ZSTD_LEVEL)?);
            serde_json::to_writer(&mut packer, &text)?;
            packer.flush()?;
            packer.into_inner().map_err(std::io::IntoInnerError::into_error)?.finish()
        };
        packed().map_err(|error| StateError::Unpacked(error.to_string()))
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
