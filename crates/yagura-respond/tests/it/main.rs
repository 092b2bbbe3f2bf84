//! Tests of the crate as others use it, over real stores in temporary folders.
//! Pure parts are tested beside their code.
