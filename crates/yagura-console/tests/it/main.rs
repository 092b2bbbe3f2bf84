//! The console asked as a browser and as a program ask it: requests to its router over a store in
//! a folder of its own.

mod alerts;
mod logs;
mod shell;
mod support;
