//! A ledger that is put back from a backup, killed, filled, torn, and set to another time: nothing acknowledged is lost,
//! no position is given twice, and no fork is silent.

mod clock;
mod kinds;
mod place;
mod rounds;
