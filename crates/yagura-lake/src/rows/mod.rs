//! Records become rows: values found in one walk, Arrow columns over the batch's own text.
//! Which rows are wanted is decided by the caller; writing them is `write/`.

pub(crate) mod buffer;
pub(crate) mod columns;
pub(crate) mod fill;
pub(crate) mod plan;
pub(crate) mod refused;
pub(crate) mod values;
