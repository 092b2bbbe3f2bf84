//! Stable stand-ins of 64 bits for texts: saved state holds them, so they never change.
//! Identities that people see are SHA-256 (`yagura_model::finding_id`).

use std::hash::{BuildHasherDefault, Hasher};

use twox_hash::XxHash64;

/// A map by stand-ins, which are spread evenly already.
pub(super) type ByHash<V> = std::collections::HashMap<u64, V, BuildHasherDefault<AsIs>>;

/// The stand-in of a text.
pub(super) fn of(text: &[u8]) -> u64 {
    XxHash64::oneshot(0, text)
}

/// The stand-in of two together; their order counts.
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let mixed = (a ^ b.rotate_left(31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29) ^ b).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 32)
}

/// Hands a stand-in through.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = of(bytes);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_are_a_promise_because_saved_state_holds_them() {
        assert_eq!(of(b""), 0xef46_db37_51d8_e999);
        assert_ne!(mix(1, 2), mix(2, 1));
        assert_ne!(mix(0, 1), mix(0, 2));
    }
}
