//! Judging logs, wired: which detections run, how batches reach them, what is kept, how alerts are
//! told. What a detection is, is content's; what it raises, judge's.

pub(crate) mod choice;
pub(crate) mod keep;
pub(crate) mod tap;
pub(crate) mod told;
