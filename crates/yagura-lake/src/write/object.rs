//! The log object that a worker is reading: its rows so far, the names it brings, its files.
//! Nothing of it counts before it is finished.

use std::sync::Arc;

use yagura_model::LogObject;

use crate::manifest::{ObjectReceipt, ObjectState};
use crate::rows::buffer::Newcomer;
use crate::seen::NameMap;
use crate::write::StagedFile;
use crate::write::quarantine::{Piece, Pieces, StagedPieces};

/// Names of one hour of a partition, each with the row that has it.
#[derive(Debug)]
pub(crate) struct HourNames {
    pub(crate) partition: u32,
    pub(crate) hour: u32,
    pub(crate) rows: NameMap<u64>,
}

/// A log object that is being read.
#[derive(Debug)]
pub(crate) struct ObjectInMaking {
    pub(crate) object: LogObject,
    pub(crate) location: Arc<str>,
    pub(crate) source: String,
    pub(crate) rows: u64,
    pub(crate) repeats: u64,
    pub(crate) quarantined: u64,
    pub(crate) names: Vec<HourNames>,
    /// The hour of the record before.
    last: usize,
    /// Files with rows of this object alone.
    pub(crate) files: Vec<StagedFile>,
    pub(crate) pieces: Pieces,
    /// Files with pieces of this object alone.
    pub(crate) piece_files: Vec<StagedPieces>,
}

impl ObjectInMaking {
    pub(crate) fn new(object: &LogObject, source: &str) -> Self {
        Self {
            location: object.location.as_str().into(),
            object: object.clone(),
            source: source.to_owned(),
            rows: 0,
            repeats: 0,
            quarantined: 0,
            names: Vec::new(),
            last: 0,
            files: Vec::new(),
            pieces: Pieces::default(),
            piece_files: Vec::new(),
        }
    }

    /// Adds a newcomer's name; false where the object had it already.
    pub(crate) fn add_name(&mut self, newcomer: Newcomer, name: u64) -> bool {
        let same =
            |own: &HourNames| own.partition == newcomer.partition && own.hour == newcomer.hour;
        if !self.names.get(self.last).is_some_and(same) {
            self.last = self.names.iter().position(same).unwrap_or_else(|| {
                let (partition, hour) = (newcomer.partition, newcomer.hour);
                self.names.push(HourNames { partition, hour, rows: NameMap::default() });
                self.names.len() - 1
            });
        }
        let Some(hour) = self.names.get_mut(self.last) else { return true };
        match hour.rows.entry(name) {
            std::collections::hash_map::Entry::Occupied(_) => false,
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(newcomer.row);
                true
            }
        }
    }

    /// Puts a piece aside.
    pub(crate) fn quarantine(&mut self, piece: Piece) {
        self.quarantined += 1;
        self.pieces.add(&self.source, &self.location, piece);
    }

    /// What became of it.
    pub(crate) fn receipt(&self) -> ObjectReceipt {
        let state = match (self.quarantined, self.rows + self.repeats) {
            (0, _) => ObjectState::Whole,
            (_, 0) => ObjectState::Rejected,
            _ => ObjectState::Partial,
        };
        ObjectReceipt {
            object: self.object.clone(),
            source: self.source.clone(),
            state,
            rows: self.rows,
            repeats: self.repeats,
            quarantined: self.quarantined,
        }
    }
}
