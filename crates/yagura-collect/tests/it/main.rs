//! Claims about collect as other crates use it, on the content of this repository.
//! Claims about single parts stand beside them in `src`.

mod moto; // a scan end to end against moto
mod resource_files; // the cases of the resource files
