//! Exit statuses: one place that knows their numbers and which one wins.
//! Where several hold, 2 goes before 1 before 3 (DESIGN section 5).

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Findings at or above the asked severity.
    Findings,
    /// It could not be done.
    Failed,
    /// Done, but partly blind: a call failed that should have answered.
    PartlyBlind,
    /// Interrupted by the user.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Findings => 1,
            Self::Failed => 2,
            Self::PartlyBlind => 3,
            Self::Interrupted => 130,
        }
    }

    /// The status of a finished scan.
    pub(crate) fn of_scan(interrupted: bool, findings: bool, blind: bool) -> Self {
        match (interrupted, findings, blind) {
            (true, ..) => Self::Interrupted,
            (_, true, _) => Self::Findings,
            (_, _, true) => Self::PartlyBlind,
            _ => Self::Done,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_go_before_blindness() {
        assert_eq!(Exit::of_scan(false, true, true), Exit::Findings);
        assert_eq!(Exit::of_scan(false, false, true), Exit::PartlyBlind);
        assert_eq!(Exit::of_scan(true, true, true), Exit::Interrupted);
        assert_eq!(Exit::of_scan(false, false, false), Exit::Done);
    }

    #[test]
    fn the_numbers_are_promises() {
        let codes =
            [Exit::Done, Exit::Findings, Exit::Failed, Exit::PartlyBlind, Exit::Interrupted];
        assert_eq!(codes.map(Exit::code), [0, 1, 2, 3, 130]);
    }
}
