//! Why a well-formed record cannot be a row.
//! Pieces that are no records at all are named by whoever reads the log object.

/// Why a record cannot be a row. It goes to quarantine with this reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusedReason {
    /// It has no time that can be read, and so no place in the lake.
    NoTime,
    /// Its time is before 2006, when no service of AWS wrote logs.
    TooEarly,
    /// Its time is more than a day ahead of now.
    TooLate,
}

impl RefusedReason {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::NoTime, Self::TooEarly, Self::TooLate];

    /// The reason as it stands in the quarantine file. A promise.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoTime => "no_time",
            Self::TooEarly => "time_before_2006",
            Self::TooLate => "time_in_the_future",
        }
    }
}
