//! Reading registers: the sample country, everything that can be wrong with a small one, and
//! bytes that mean nothing at all.

mod cells;
mod country;
mod files;
mod noise;
mod rows;
mod sample;
