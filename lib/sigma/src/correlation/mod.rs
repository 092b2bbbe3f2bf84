//! Correlations: what comes together in time, per group, in the order of event time.
//! Which single records match is `matcher/`.

mod alert;
mod correlator;
mod occurrence;
mod plan;
mod repeats;
mod state;
mod window;

pub use alert::{Contribution, CorrelationAlert, CorrelationId};
pub use correlator::{Correlator, Counters, Options};
pub use occurrence::Observed;
pub use plan::Plan;
pub use repeats::Repeats;
pub use state::{State, StateError, StateText};
