//! What a plain YAML scalar is: null, a truth value, a number, or a text.
//! The core schema of YAML 1.2, except that numbers with leading zeros stay texts.

use super::Kind;
use crate::number::{Number, Numeric};

/// Resolves an unquoted scalar.
pub(super) fn resolve(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Boolean(true),
        "false" | "False" | "FALSE" => return Kind::Boolean(false),
        _ => {}
    }
    match number(text) {
        Some(value) => Kind::Number(Number { text: text.to_owned(), value }),
        None => Kind::Text(text.to_owned()),
    }
}

fn number(text: &str) -> Option<Numeric> {
    let radix = |digits: &str, base: u32| {
        (!digits.starts_with(['+', '-'])).then(|| i128::from_str_radix(digits, base).ok())?
    };
    match text.get(..2) {
        Some("0x") => radix(text.get(2..)?, 16).map(Numeric::Integer),
        Some("0o") => radix(text.get(2..)?, 8).map(Numeric::Integer),
        _ => Numeric::read(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_have_their_kinds() {
        assert!(matches!(resolve("~"), Kind::Null));
        assert!(matches!(resolve("TRUE"), Kind::Boolean(true)));
        assert!(matches!(resolve("4688"), Kind::Number(_)));
        assert!(matches!(resolve("0x10"), Kind::Number(n) if n.value == Numeric::Integer(16)));
        // YAML 1.1 took these for truth values and numbers; 1.2 does not.
        for text in ["yes", "No", "on", "012345678901", "1_000", "2026-11-21", "1:30", ".5"] {
            assert!(matches!(resolve(text), Kind::Text(_)), "{text}");
        }
    }
}
