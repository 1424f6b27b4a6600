//! Hidden values from end to end: kept, read, erased, sealed; with real folders and the real import.

mod common;
mod erase;
mod export;
mod stream;
