//! Where somebody was last, and whether they can be where they are now.
//! How far apart places are is `network.rs`; cells of places come from `observer.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use yagura_content::format::Behavior;
use yagura_model::alert::{Matched, Witness};

use super::contrast;
use super::network::distance_km;
use super::observations::Cell;
use super::rate::Rate;
use super::reading::coordinates;
use super::state::{Candidate, Options};
use super::values::forget;

/// Places remembered of one entity.
const PLACES_MAX: usize = 64;
/// Two records within this time are taken to be this far apart: clocks and rough places.
const TIME_MIN_H: f64 = 0.05;

/// The places of one behaviour's entities.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Travels {
    pub(super) entities: BTreeMap<u64, Traveler>,
}

/// Where one entity was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Traveler {
    pub(super) rate: Rate,
    /// Usual places, in the order of their stand-ins, with the last time there.
    places: Vec<(u64, i64)>,
    last: Option<Stay>,
}

/// A stay at a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Stay {
    place: u64,
    pub(super) name: Arc<str>,
    first_us: i64,
    pub(super) last_us: i64,
    witness: Arc<Witness>,
}

/// A journey that nobody makes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Journey {
    pub(super) km: f64,
    pub(super) hours: f64,
    pub(super) speed_kmh: f64,
}

impl Travels {
    /// Judges the places of one bucket, in the order of their entities, and learns them.
    pub(super) fn judge(
        &mut self,
        behavior: &Behavior,
        cells: &[Cell],
        options: &Options,
    ) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for cells in cells.chunk_by(|a, b| a.entity == b.entity) {
            let Some(first) = cells.first() else { continue };
            let fresh = || Traveler { rate: Rate::new(first.start_us), places: vec![], last: None };
            let traveler = self.entities.entry(first.entity).or_insert_with(fresh);
            candidates.extend(traveler.judge(behavior, cells));
        }
        forget(&mut self.entities, options.entities_max, |traveler| traveler.rate.last_us);
        candidates
    }
}

impl Traveler {
    /// The fastest of the journeys between the stays of one bucket that nobody makes.
    fn judge(&mut self, behavior: &Behavior, cells: &[Cell]) -> Option<Candidate> {
        let mut stays: Vec<(&Cell, Stay)> =
            cells.iter().filter_map(|cell| Some((cell, Stay::of(cell)?))).collect();
        stays.sort_by_key(|(_, stay)| (stay.first_us, stay.place));
        let start_us = cells.first()?.start_us;
        let settled = self.rate.is_mature(start_us, behavior.learning.micros(), behavior.support);
        let mut fastest: Option<Candidate> = None;
        let mut is_news = false;
        for (cell, stay) in stays {
            let known = self.places.binary_search_by_key(&stay.place, |(own, _)| *own);
            is_news |= known.is_err();
            if let Some(last) = &self.last
                && settled
                && known.is_err()
                && let Some(journey) = impossible(behavior, last, &stay)
                && fastest.as_ref().is_none_or(|best| journey.speed_kmh > best.score)
            {
                fastest = Some(candidate(behavior, cell, last, &stay, journey));
            }
            match known {
                Ok(at) => {
                    if let Some((_, last)) = self.places.get_mut(at) {
                        *last = (*last).max(stay.last_us);
                    }
                }
                Err(at) => self.places.insert(at, (stay.place, stay.last_us)),
            }
            if self.last.as_ref().is_none_or(|last| stay.last_us >= last.last_us) {
                self.last = Some(stay);
            }
        }
        while self.places.len() > PLACES_MAX {
            let oldest =
                self.places.iter().enumerate().min_by_key(|(_, (own, last))| (*last, *own));
            let Some((at, _)) = oldest else { break };
            self.places.remove(at);
        }
        self.rate.take(start_us, behavior.half_life.micros(), is_news);
        fastest
    }
}

impl Stay {
    fn of(cell: &Cell) -> Option<Self> {
        let witness = cell.first.clone()?;
        Some(Self {
            place: cell.value,
            name: Arc::clone(&cell.value_name),
            first_us: witness.time_us,
            last_us: cell.last_us,
            witness,
        })
    }
}

/// The journey from one stay to another, if nobody makes it.
fn impossible(behavior: &Behavior, from: &Stay, to: &Stay) -> Option<Journey> {
    let km = distance_km(coordinates(&from.name)?, coordinates(&to.name)?);
    // Stays that overlap have no time between them.
    let between_us = to.first_us.saturating_sub(from.last_us).max(0);
    #[expect(clippy::cast_precision_loss, reason = "a time in hours; 53 bits are plenty")]
    let hours = (between_us as f64 / 3.6e9).max(TIME_MIN_H);
    let speed_kmh = km / hours;
    let too_fast = km >= behavior.distance_km && speed_kmh > behavior.speed_kmh;
    too_fast.then_some(Journey { km, hours, speed_kmh })
}

fn candidate(
    behavior: &Behavior,
    cell: &Cell,
    from: &Stay,
    to: &Stay,
    journey: Journey,
) -> Candidate {
    let field = behavior.value.as_ref().map_or(String::new(), contrast::field);
    Candidate {
        score: journey.speed_kmh,
        entity: cell.entity,
        entity_name: Arc::clone(&cell.entity_name),
        first: Arc::clone(&to.witness),
        more: vec![Arc::clone(&from.witness)],
        matched: vec![Matched::new("where", &field, Some(&to.name))],
        contrast: contrast::of_travel(behavior, from, to, journey),
        events_total: 2,
    }
}
