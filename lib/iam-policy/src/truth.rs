//! Three truth values: a question over an inventory may hang on a context that nobody knows yet.
//! What it hangs on is collected by the evaluation, not here.

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It does not hold, whatever the unknown context turns out to be.
    False,
    /// It hangs on a context key that was declared unknown.
    Depends,
    /// It holds, whatever the unknown context turns out to be.
    True,
}

impl Truth {
    /// Kleene's conjunction: the weaker of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// Kleene's disjunction: the stronger of both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }
}

impl std::ops::Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Depends => Self::Depends,
            Self::True => Self::False,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}
