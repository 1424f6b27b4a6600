//! Edge cases of the rules, each a short log written by hand.

mod access;
mod amendments;
mod gate;
mod measures;
mod oversight;
mod programmes;
mod self_checks;
mod table;
