//! What one party can prove alone, with files and a public key: packs, receipts, comparisons.

mod common;
mod honest;
mod keys;
mod lies;
mod mine;
mod order;
