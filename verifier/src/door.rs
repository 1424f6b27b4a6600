//! Who may come in where pages hold hidden values: one browser, opened by the link that the program made, and nobody
//! else on this machine or in the network.
//!
//! * The link holds a token that opens once.
//! * The session is a cookie that only these pages are sent: strict, not readable by scripts, and bound to a path
//!   that nobody else knows, for a browser sends cookies of 127.0.0.1 to every port of it.
//! * `Host` must be the address that the program listens on: a name that was made to point here is not served.
//! * Whatever changes something must come from a page of this door: `Origin`, and a number that stands in each form.
//!
//! Strings in, verdicts out: random numbers are drawn, and requests are read, by whoever listens.

use std::sync::{Mutex, PoisonError};

use schemas::base::to_hex;
use schemas::hash::Hash;

/// Random bytes of a token, a session, a form's number.
pub const SECRET_BYTES: usize = 32;
/// Random bytes of the path under which the pages stand.
pub const PATH_BYTES: usize = 16;

/// Why a request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// `Host` is not the address of the program.
    Host,
    /// It comes from a page of somewhere else.
    Origin,
    /// No session, or one that is over.
    Session,
    /// The token was used, or never was one.
    Token,
    /// The form's number is missing or not that of this session.
    Form,
}

/// What a request says of where it comes from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// Whether it may change something.
    pub changes: bool,
    /// `Host`.
    pub host: Option<&'a str>,
    /// `Origin`.
    pub origin: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub site: Option<&'a str>,
    /// `Cookie`.
    pub cookie: Option<&'a str>,
}

/// The door of one program.
pub struct Door {
    host: String,
    cookie: &'static str,
    path: String,
    form: String,
    open: Mutex<Open>,
}

/// Digests of what opens.
#[derive(Default)]
struct Open {
    token: Option<Hash>,
    session: Option<Hash>,
}

impl Door {
    /// A door at that address, such as `127.0.0.1:7400`, whose session is a cookie of that name; closed until a token
    /// is used. What is secret is drawn by the caller.
    pub fn new(host: String, cookie: &'static str, path: [u8; PATH_BYTES], form: [u8; SECRET_BYTES]) -> Self {
        Self { host, cookie, path: format!("/{}", to_hex(&path)), form: to_hex(&form), open: Mutex::default() }
    }

    /// The path under which every page stands.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The number that stands in each form.
    pub fn form(&self) -> &str {
        &self.form
    }

    /// A new link, from a token that was drawn for it; it opens once.
    pub fn link(&self, token: [u8; SECRET_BYTES]) -> String {
        let token = to_hex(&token);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // One link at a time: who asks for another has lost the one before.
        open.token = Some(digest(&token));
        format!("http://{}/open/{token}", self.host)
    }

    /// Uses a token: gives the line of the cookie, from a session that was drawn for it. Whoever was in before is out.
    ///
    /// # Errors
    /// [`Turned::Token`] if the token was used before, or never was one.
    pub fn enter(&self, token: &str, session: [u8; SECRET_BYTES]) -> Result<String, Turned> {
        let session = to_hex(&session);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.token.take_if(|one| *one == digest(token)).ok_or(Turned::Token)?;
        open.session = Some(digest(&session));
        Ok(format!("{}={session}; Path={}; HttpOnly; SameSite=Strict", self.cookie, self.path))
    }

    /// Ends the session.
    pub fn leave(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).session = None;
    }

    /// Whether a request comes from where it may: the address, and the page.
    ///
    /// # Errors
    /// [`Turned`] says what is wrong.
    pub fn comes_right(&self, asked: &Asked<'_>) -> Result<(), Turned> {
        if asked.host != Some(&self.host) {
            return Err(Turned::Host);
        }
        let own = || asked.origin.and_then(|origin| origin.strip_prefix("http://")) == Some(&self.host);
        let from_here = match asked.site {
            Some("same-origin") => true,
            Some("none") | None => !asked.changes || asked.origin.is_some(),
            Some(_) => false,
        };
        if !from_here || (asked.changes || asked.origin.is_some()) && !own() {
            return Err(Turned::Origin);
        }
        Ok(())
    }

    /// Whether a request bears the session that is open.
    ///
    /// # Errors
    /// [`Turned::Session`] if not.
    pub fn is_in(&self, asked: &Asked<'_>) -> Result<(), Turned> {
        let cookies = asked.cookie.unwrap_or_default().split("; ");
        let named = |cookie| str::strip_prefix(cookie, self.cookie).and_then(|rest| rest.strip_prefix('='));
        let mut given = cookies.filter_map(named).map(digest);
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.session.is_some_and(|session| given.any(|one| one == session)) { Ok(()) } else { Err(Turned::Session) }
    }

    /// Whether a form is one of these pages.
    ///
    /// # Errors
    /// [`Turned::Form`] if not.
    pub fn is_form(&self, number: &str) -> Result<(), Turned> {
        if digest(number) == digest(&self.form) { Ok(()) } else { Err(Turned::Form) }
    }
}

/// Secrets are compared by their digests: how long that takes says nothing about them.
fn digest(secret: &str) -> Hash {
    Hash::of(&[b"oversight-door/v1\n", secret.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "127.0.0.1:7400";

    fn door() -> Door {
        Door::new(HOST.to_owned(), "desk", [1; PATH_BYTES], [2; SECRET_BYTES])
    }

    #[test]
    fn a_link_opens_once_and_the_next_one_takes_over() {
        let door = door();
        let token = |link: &str| link.rsplit_once('/').unwrap().1.to_owned();
        let first = token(&door.link([3; SECRET_BYTES]));
        assert_eq!(door.enter("0000", [4; SECRET_BYTES]), Err(Turned::Token));
        let line = door.enter(&first, [4; SECRET_BYTES]).unwrap();
        assert!(line.ends_with(&format!("; Path={}; HttpOnly; SameSite=Strict", door.path())), "{line}");
        assert_eq!(door.enter(&first, [5; SECRET_BYTES]), Err(Turned::Token));
        let cookie = line.split(';').next().unwrap().to_owned();
        let bearing = |cookie: &str| door.is_in(&Asked { cookie: Some(cookie), ..Asked::default() });
        assert_eq!(bearing(&cookie), Ok(()));
        assert_eq!(bearing(&format!("a=b; {cookie}")), Ok(()));
        assert_eq!(bearing("desk=0"), Err(Turned::Session));
        assert_eq!(bearing(&format!("other-{cookie}")), Err(Turned::Session));
        let second = token(&door.link([6; SECRET_BYTES]));
        let third = token(&door.link([7; SECRET_BYTES]));
        assert_eq!(door.enter(&second, [8; SECRET_BYTES]), Err(Turned::Token));
        door.enter(&third, [8; SECRET_BYTES]).unwrap();
        assert_eq!(bearing(&cookie), Err(Turned::Session));
        door.leave();
        assert_eq!(door.is_in(&Asked::default()), Err(Turned::Session));
    }

    #[test]
    fn only_pages_of_the_door_reach_it() {
        let door = door();
        let own = "http://127.0.0.1:7400";
        for (changes, host, origin, site, want) in [
            (false, Some(HOST), None, Some("none"), Ok(())),
            (false, Some(HOST), None, Some("same-origin"), Ok(())),
            (false, Some(HOST), None, None, Ok(())),
            (true, Some(HOST), Some(own), Some("same-origin"), Ok(())),
            (true, Some(HOST), Some(own), None, Ok(())),
            (false, None, None, None, Err(Turned::Host)),
            (false, Some("desk.evil.example:7400"), None, None, Err(Turned::Host)),
            (false, Some("localhost:7400"), None, None, Err(Turned::Host)),
            (false, Some("127.0.0.1"), None, None, Err(Turned::Host)),
            (false, Some(HOST), None, Some("cross-site"), Err(Turned::Origin)),
            (false, Some(HOST), None, Some("same-site"), Err(Turned::Origin)),
            (false, Some(HOST), Some("http://evil.example"), None, Err(Turned::Origin)),
            (true, Some(HOST), None, None, Err(Turned::Origin)),
            (true, Some(HOST), None, Some("same-origin"), Err(Turned::Origin)),
            (true, Some(HOST), Some("null"), Some("none"), Err(Turned::Origin)),
            (true, Some(HOST), Some("http://127.0.0.1:7401"), Some("same-site"), Err(Turned::Origin)),
            (true, Some(HOST), Some("https://127.0.0.1:7400"), None, Err(Turned::Origin)),
        ] {
            let asked = Asked { changes, host, origin, site, cookie: None };
            assert_eq!(door.comes_right(&asked), want, "{asked:?}");
        }
    }

    #[test]
    fn a_form_bears_its_number() {
        let door = door();
        assert_eq!(door.is_form(door.form()), Ok(()));
        assert_eq!(door.is_form(""), Err(Turned::Form));
    }
}
