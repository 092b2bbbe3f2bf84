//! Claims; being written. Nothing else.
