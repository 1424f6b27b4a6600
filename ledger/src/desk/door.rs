//! The door of a desk: [`verifier::door`], with what is secret in it drawn here. The link is handed over in a file that
//! only this user may read, for every user of a machine sees the arguments of a browser's process.

use std::net::SocketAddr;
use std::ops::Deref;

pub use verifier::door::{Asked, Turned};

use crate::keys::{BadKeyFile, random_bytes};

/// The door of one desk.
pub struct Door(verifier::door::Door);

impl Deref for Door {
    type Target = verifier::door::Door;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Door {
    /// A door for a desk that listens there; closed until a token is used.
    ///
    /// # Errors
    /// [`BadKeyFile::Random`] if the system gives no random numbers.
    pub fn new(listens: SocketAddr) -> Result<Self, BadKeyFile> {
        Ok(Self(verifier::door::Door::new(listens.to_string(), "desk", random_bytes()?, random_bytes()?)))
    }

    /// A new link that opens the desk once.
    ///
    /// # Errors
    /// [`BadKeyFile::Random`] if the system gives no random numbers.
    pub fn link(&self) -> Result<String, BadKeyFile> {
        Ok(self.0.link(random_bytes()?))
    }

    /// Uses a token: gives the line of the cookie. Whoever was in before is out.
    ///
    /// # Errors
    /// [`Turned::Token`] if the token was used before; also where the system gives no random numbers.
    pub fn enter(&self, token: &str) -> Result<String, Turned> {
        self.0.enter(token, random_bytes().map_err(|_| Turned::Token)?)
    }
}
