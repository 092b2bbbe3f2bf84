//! Claims about collect as other crates use it, on the content of this repository.
//! Claims about single parts stand beside them in `src`.

mod resource_files;
