//! The projector as a service: it follows a log from a feed, keeps what it has verified, and serves the pages.
//!
//! * [`follow`]: what is believed of a feed, and when it counts; [`build`] what follows from it;
//! * [`copy`] and [`book`]: what lies in the state folder, and why a kill at any moment leaves the truth there;
//! * [`run`]: the loop that follows, publishes, and makes anew beside; [`shown`] what readers get from it;
//! * [`server`]: the pages over HTTP; [`notice`] what readers are told beside them.

pub mod book;
pub mod build;
pub mod copy;
pub mod follow;
pub mod log;
pub mod notice;
pub mod openings;
pub mod run;
pub mod server;
pub mod session;
pub mod shown;
