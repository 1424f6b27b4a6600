//! Requests over HTTP, signed with the keys that events are signed with. FORMAT.md 22: a profile of
//! RFC 9421 HTTP Message Signatures, with the digest of RFC 9530. Pure: no clock, no socket.
//!
//! [`sign`] is the client's side. The server's is [`verify`], which needs no body, so that a stranger's 16 MiB
//! are not even read; then [`Nonces::spend`], which alone makes a [`Caller`]; then
//! [`Caller::carries`] once the body is there.

mod nonces;
#[cfg(test)]
mod tests;

use schemas::base;
use schemas::catalogue::Role;
use schemas::hash::Hash;
use schemas::note::{ALG_ED25519, KeyId, SignatureLine};
use schemas::time::Timestamp;
use sfv::{BareItem, Dictionary, FieldType, InnerList, Item, Key, ListEntry, Parameters, Parser};

pub use nonces::{Nonces, REMEMBERED_MAX, Taken};

use crate::keyring::{Holder, KeyNumber, Keyring};
use crate::signature::SecretKey;

/// The tag that sets our signatures apart from those that others make with the same header fields.
pub const TAG: &str = "oversight-ledger";
/// Longest time from `created` to `expires`, in seconds.
pub const LIFETIME_SECONDS_MAX: i64 = 300;
/// What our own client signs for, in seconds: long enough for a slow line, and no longer remembered than that.
pub const LIFETIME_SECONDS: i64 = 60;
/// How far a request may be dated ahead of who checks it, in seconds.
pub const AHEAD_SECONDS: i64 = 10;
/// Least length of a nonce, in bytes: no two are ever drawn alike.
pub const NONCE_BYTES: usize = 16;
/// Greatest length of a nonce, in bytes.
pub const NONCE_BYTES_MAX: usize = 64;
/// Longest path and longest query, in bytes.
pub const TARGET_BYTES_MAX: usize = 8_192;
/// Longest of the three header fields, in bytes: a key name of 400, a nonce and the rest.
pub const FIELD_BYTES_MAX: usize = 2_048;

/// Label under which our client writes its signature; any other is read too.
const LABEL: &str = "sig";
const DIGEST: &str = "content-digest";
const INPUT: &str = "signature-input";
const SIGNATURE: &str = "signature";
/// Name of the digest in RFC 9530.
const SHA_256: &str = "sha-256";
/// What every signature covers, in this order; with a body the digest follows.
const COVERED: [&str; 4] = ["@method", "@authority", "@path", "@query"];
/// The parameters of a signature, in the order in which our client writes them.
const PARAMETERS: [&str; 6] = ["created", "expires", "nonce", "keyid", "alg", "tag"];

/// What a signature covers of a request, but its body. RFC 9421 2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// Host in lower case, and the port unless it is the scheme's own: see [`authority`].
    pub authority: &'a str,
    /// The path as it goes over the wire, beginning with `/`.
    pub path: &'a str,
    /// The query as it goes over the wire, without its `?`.
    pub query: Option<&'a str>,
}

/// The host of a `Host` field or an address as it is signed: in lower case, without the port that its scheme
/// has anyway. RFC 9421 2.2.3.
pub fn authority(host: &str, tls: bool) -> String {
    let host = host.to_ascii_lowercase();
    let own = if tls { ":443" } else { ":80" };
    host.strip_suffix(own).map(str::to_owned).unwrap_or(host)
}

impl Request<'_> {
    /// Refuses what could be read in two ways, in our base or in that of another.
    fn check(&self) -> Result<(), BadRequest> {
        let visible = |text: &str| text.bytes().all(|b| matches!(b, 0x21..=0x7e));
        let host = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b':' | b'[' | b']');
        let method = (1..=16).contains(&self.method.len()) && self.method.bytes().all(|b| b.is_ascii_uppercase());
        let authority = (1..=255).contains(&self.authority.len()) && self.authority.bytes().all(host);
        let path = self.path.starts_with('/')
            && self.path.len() <= TARGET_BYTES_MAX
            && visible(self.path)
            && !self.path.contains(['?', '#']);
        let query = self.query.is_none_or(|q| q.len() <= TARGET_BYTES_MAX && visible(q) && !q.contains('#'));
        for (good, part) in [(method, "method"), (authority, "authority"), (path, "path"), (query, "query")] {
            if !good {
                return Err(BadRequest::Form { part });
            }
        }
        Ok(())
    }

    /// The text that is signed. RFC 9421 2.5.
    fn base(&self, digest: Option<&str>, parameters: &str) -> String {
        let query = format!("?{}", self.query.unwrap_or_default());
        let mut covered = vec![self.method, self.authority, self.path, &query];
        covered.extend(digest);
        base_of(COVERED.into_iter().chain([DIGEST]).zip(covered), parameters)
    }
}

/// A signature base of any components. It begins with a quotation mark, as no text of a note does that these keys
/// sign, so neither can be taken for the other.
fn base_of<'a>(components: impl Iterator<Item = (&'a str, &'a str)>, parameters: &str) -> String {
    let lines: String = components.map(|(name, value)| format!("\"{name}\": {value}\n")).collect();
    format!("{lines}\"@signature-params\": {parameters}")
}

/// The header fields of a signed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// `Content-Digest`, with a body.
    pub content_digest: Option<String>,
    /// `Signature-Input`.
    pub signature_input: String,
    /// `Signature`.
    pub signature: String,
}

/// Signs a request for so many seconds. The nonce must come from a good random source.
///
/// # Errors
/// [`BadRequest::Form`] or [`BadRequest::Lifetime`] for a request that no server would take.
pub fn sign(
    request: &Request<'_>,
    body: Option<&[u8]>,
    key: &SecretKey,
    created: Timestamp,
    seconds: i64,
    nonce: &[u8; NONCE_BYTES],
) -> Result<Fields, BadRequest> {
    request.check()?;
    if !(1..=LIFETIME_SECONDS_MAX).contains(&seconds) {
        return Err(BadRequest::Lifetime { seconds });
    }
    let vkey = key.vkey();
    let text = |text: &str| sfv::String::from_string(text.to_owned()).ok().map(BareItem::String);
    let number = |n: i64| sfv::Integer::try_from(n).ok().map(BareItem::Integer);
    let values = [
        number(created.unix()),
        number(created.plus_seconds(seconds).unix()),
        text(&base::to_base64(nonce)),
        text(&format!("{}+{}", vkey.name, vkey.id())),
        text("ed25519"),
        text(TAG),
    ];
    let mut params = Parameters::new();
    for (name, value) in PARAMETERS.into_iter().zip(values) {
        params.insert(word(name), value.ok_or(BadRequest::Parameter { name })?);
    }
    let mut names = COVERED.to_vec();
    names.extend(body.map(|_| DIGEST));
    let items = names.into_iter().map(|name| Item::new(BareItem::String(string(name)))).collect();
    let list = InnerList::with_params(items, params);
    let parameters = parameters_of(&list).ok_or(BadRequest::Syntax { field: INPUT })?;
    let content_digest = body.map(|body| format!("{SHA_256}=:{}:", base::to_base64(&Hash::of(&[body]).0)));
    let signature = key.sign(&request.base(content_digest.as_deref(), &parameters)).signature;
    Ok(Fields {
        content_digest,
        signature_input: format!("{LABEL}={parameters}"),
        signature: format!("{LABEL}=:{}:", base::to_base64(&signature)),
    })
}

fn word(name: &str) -> Key {
    Key::from_string(name.to_owned()).expect("lower-case ASCII")
}

fn string(text: &str) -> sfv::String {
    sfv::String::from_string(text.to_owned()).expect("printable ASCII")
}

/// The value of `@signature-params`: the inner list as it stands in the field, without its label.
fn parameters_of(list: &InnerList) -> Option<String> {
    let dictionary = Dictionary::from([(word(LABEL), ListEntry::InnerList(list.clone()))]);
    dictionary.serialize()?.strip_prefix(LABEL)?.strip_prefix('=').map(str::to_owned)
}

/// The header fields of a request as they came; each may have come more than once, which is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received<'a> {
    /// Values of all `Content-Digest` fields.
    pub content_digest: Vec<&'a [u8]>,
    /// Values of all `Signature-Input` fields.
    pub signature_input: Vec<&'a [u8]>,
    /// Values of all `Signature` fields.
    pub signature: Vec<&'a [u8]>,
}

impl Received<'_> {
    /// Whether the request bears anything of a signature; one that bears none is a stranger's.
    pub fn is_signed(&self) -> bool {
        !(self.signature_input.is_empty() && self.signature.is_empty())
    }
}

/// A request whose signature holds; whether it comes for the first time is for [`Nonces::spend`] to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unspent(Caller);

/// Who makes a request. Only [`Nonces::spend`] hands one out, within [`crate::Verified`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Number of the key in the keyring that was asked.
    pub key: KeyNumber,
    /// Whose key it is.
    pub holder: Holder,
    /// In which role it signs.
    pub role: Role,
    created: Timestamp,
    expires: Timestamp,
    nonce: Vec<u8>,
    digest: Option<Hash>,
}

impl Caller {
    /// Checks the body against the digest that was signed; a body that was not signed is none.
    ///
    /// # Errors
    /// [`BadRequest::Digest`] or [`BadRequest::NoDigest`].
    pub fn carries(&self, body: &[u8]) -> Result<(), BadRequest> {
        match self.digest {
            Some(digest) if digest == Hash::of(&[body]) => Ok(()),
            Some(_) => Err(BadRequest::Digest),
            None if body.is_empty() => Ok(()),
            None => Err(BadRequest::NoDigest),
        }
    }
}

/// Why a request is not its signer's. The caller must act; each says what to mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// A part of the request itself could be read in two ways.
    #[error("the {part} of the request is not of the form that FORMAT.md 22 says")]
    Form {
        /// Which part.
        part: &'static str,
    },
    /// A field is not there.
    #[error("the header field {field} is missing: sign the request (FORMAT.md 22)")]
    Missing {
        /// Its name.
        field: &'static str,
    },
    /// A field came twice.
    #[error("the header field {field} came more than once")]
    Twice {
        /// Its name.
        field: &'static str,
    },
    /// A field is no dictionary of one member, in the one spelling of RFC 9651 4.1.
    #[error("the header field {field} is not one member in the spelling of RFC 9651 4.1")]
    Syntax {
        /// Its name.
        field: &'static str,
    },
    /// Another label in the two fields.
    #[error("signature and signature-input have different labels")]
    Label,
    /// Other components than ours.
    #[error(
        "the signature must cover \"@method\" \"@authority\" \"@path\" \"@query\", and \"content-digest\" exactly if \
         that field is there, in this order and nothing else"
    )]
    Covered,
    /// A parameter is missing or wrong.
    #[error("the parameter {name} of the signature is missing or not of the form that FORMAT.md 22 says")]
    Parameter {
        /// Its name.
        name: &'static str,
    },
    /// A parameter that ours do not have.
    #[error("the signature has a parameter that FORMAT.md 22 does not name")]
    Unknown,
    /// It would be good for too long, or for no time.
    #[error("the signature is for {seconds} s: it must be for 1 to {LIFETIME_SECONDS_MAX} s")]
    Lifetime {
        /// From `created` to `expires`.
        seconds: i64,
    },
    /// Dated ahead.
    #[error(
        "the request is dated {seconds} s ahead of this clock: set yours right, or sign by the Date of this answer"
    )]
    Early {
        /// By how much.
        seconds: i64,
    },
    /// Too old.
    #[error("the request expired {seconds} s ago by this clock: set yours right, or sign by the Date of this answer")]
    Late {
        /// Since when.
        seconds: i64,
    },
    /// The log has no such key.
    #[error("the key {keyid} is not enrolled in this log")]
    UnknownKey {
        /// As it came.
        keyid: String,
    },
    /// The key is not in force now.
    #[error("the key {keyid} is not in force now")]
    NotInForce {
        /// As it came.
        keyid: String,
    },
    /// The key of seals, which lies on a server.
    #[error("the key {keyid} signs seals and nothing else: sign with a holder's own key")]
    Seals {
        /// As it came.
        keyid: String,
    },
    /// The signature does not hold.
    #[error("the signature by {keyid} does not hold over this request: method, authority, path, query and digest")]
    Signature {
        /// As it came.
        keyid: String,
    },
    /// Another body.
    #[error("the body is not the one whose digest was signed")]
    Digest,
    /// A body without a digest.
    #[error("the body was not signed: add content-digest with sha-256, and cover it")]
    NoDigest,
    /// It came before.
    #[error("this very request came before: draw a fresh nonce and sign again")]
    Replayed,
    /// Dated before the memory of nonces begins.
    #[error("the request is older than this server's memory of requests: sign again")]
    Forgotten,
    /// Too many requests are remembered.
    #[error("too many signed requests in a short time: wait, and sign for a shorter time")]
    TooMany,
}

impl BadRequest {
    /// Whether signing again by the server's clock may help.
    pub fn is_clock(&self) -> bool {
        matches!(self, Self::Early { .. } | Self::Late { .. } | Self::Forgotten)
    }
}

/// Checks the signature of a request under the keys in force, by the law of FORMAT.md 3.4.
///
/// # Errors
/// [`BadRequest`] says what is wrong; the first thing found.
pub fn verify(
    request: &Request<'_>,
    received: &Received<'_>,
    keyring: &Keyring,
    now: Timestamp,
) -> Result<Unspent, BadRequest> {
    verify_with(request, received, keyring, now, now)
}

/// The same where the log's present is not what the clock shows: whether a request is fresh goes by the clock of the
/// machine, whether its key is in force by the later of that and the log's last entry.
///
/// # Errors
/// As [`verify`].
pub fn verify_with(
    request: &Request<'_>,
    received: &Received<'_>,
    keyring: &Keyring,
    now: Timestamp,
    present: Timestamp,
) -> Result<Unspent, BadRequest> {
    request.check()?;
    let (label, ListEntry::InnerList(list)) = only(INPUT, &received.signature_input)? else {
        return Err(BadRequest::Syntax { field: INPUT });
    };
    let (other, signature) = bytes(SIGNATURE, only(SIGNATURE, &received.signature)?)?;
    if label != other {
        return Err(BadRequest::Label);
    }
    let (digest, digest_text) = match received.content_digest.as_slice() {
        [] => (None, None),
        fields => {
            let (name, digest) = bytes(DIGEST, only(DIGEST, fields)?)?;
            let digest = <[u8; 32]>::try_from(digest).ok().filter(|_| name == SHA_256);
            let digest = digest.ok_or(BadRequest::Syntax { field: DIGEST })?;
            (Some(Hash(digest)), std::str::from_utf8(fields[0]).ok())
        }
    };
    let mut expected = COVERED.to_vec();
    expected.extend(digest.map(|_| DIGEST));
    if list.items.iter().map(component).collect::<Option<Vec<_>>>().as_ref() != Some(&expected) {
        return Err(BadRequest::Covered);
    }
    if list.params.keys().any(|name| !PARAMETERS.contains(&name.as_str())) {
        return Err(BadRequest::Unknown);
    }
    let (created, expires) = (instant(&list.params, "created")?, instant(&list.params, "expires")?);
    let nonce = base::from_base64(text(&list.params, "nonce")?)
        .filter(|nonce| (NONCE_BYTES..=NONCE_BYTES_MAX).contains(&nonce.len()))
        .ok_or(BadRequest::Parameter { name: "nonce" })?;
    for (name, only) in [("alg", "ed25519"), ("tag", TAG)] {
        if text(&list.params, name)? != only {
            return Err(BadRequest::Parameter { name });
        }
    }
    let keyid = text(&list.params, "keyid")?.to_owned();
    let line = line(&keyid).ok_or(BadRequest::Parameter { name: "keyid" })?;
    timely(created, expires, now)?;
    let Some(number) = keyring.find(&line) else { return Err(BadRequest::UnknownKey { keyid }) };
    let key = keyring.key(number);
    if key.public().vkey().alg != ALG_ED25519 || !key.in_force(present) {
        return Err(BadRequest::NotInForce { keyid });
    }
    if keyring.seals(&key.public().vkey().key) {
        return Err(BadRequest::Seals { keyid });
    }
    let parameters = parameters_of(&list).ok_or(BadRequest::Syntax { field: INPUT })?;
    if !key.public().holds(request.base(digest_text, &parameters).as_bytes(), &signature) {
        return Err(BadRequest::Signature { keyid });
    }
    let (holder, role) = (key.holder.clone(), key.role);
    Ok(Unspent(Caller { key: number, holder, role, created, expires, nonce, digest }))
}

/// The one member of a field that came once, in its one spelling: what is printed again is what came.
fn only(field: &'static str, values: &[&[u8]]) -> Result<(String, ListEntry), BadRequest> {
    let value = match values {
        [] => return Err(BadRequest::Missing { field }),
        [value] => *value,
        _ => return Err(BadRequest::Twice { field }),
    };
    let syntax = || BadRequest::Syntax { field };
    if value.len() > FIELD_BYTES_MAX {
        return Err(syntax());
    }
    let dictionary: Dictionary = Parser::new(value).parse().map_err(|_| syntax())?;
    if dictionary.serialize().is_none_or(|again| again.as_bytes() != value) || dictionary.len() != 1 {
        return Err(syntax());
    }
    dictionary.into_iter().next().map(|(name, member)| (name.as_str().to_owned(), member)).ok_or_else(syntax)
}

/// A member whose value is bytes, without parameters.
fn bytes(field: &'static str, member: (String, ListEntry)) -> Result<(String, Vec<u8>), BadRequest> {
    match member {
        (name, ListEntry::Item(Item { bare_item: BareItem::ByteSequence(bytes), params })) if params.is_empty() => {
            Ok((name, bytes))
        }
        _ => Err(BadRequest::Syntax { field }),
    }
}

/// The name of a component that has no parameters.
fn component(item: &Item) -> Option<&str> {
    item.bare_item.as_string().filter(|_| item.params.is_empty()).map(sfv::StringRef::as_str)
}

fn text<'a>(params: &'a Parameters, name: &'static str) -> Result<&'a str, BadRequest> {
    let value = params.get(name).and_then(BareItem::as_string);
    value.map(sfv::StringRef::as_str).ok_or(BadRequest::Parameter { name })
}

fn instant(params: &Parameters, name: &'static str) -> Result<Timestamp, BadRequest> {
    let value = params.get(name).and_then(BareItem::as_integer).map(i64::from);
    value.filter(|seconds| *seconds >= 0).map(Timestamp::from_unix).ok_or(BadRequest::Parameter { name })
}

/// The key that a `keyid` names, as a signature line would.
fn line(keyid: &str) -> Option<SignatureLine> {
    let (name, id) = keyid.split_once('+')?;
    let id = KeyId(base::from_hex(id)?.try_into().ok()?);
    Some(SignatureLine { name: name.to_owned(), id, signature: Vec::new() })
}

fn timely(created: Timestamp, expires: Timestamp, now: Timestamp) -> Result<(), BadRequest> {
    let seconds = expires.unix() - created.unix();
    if !(1..=LIFETIME_SECONDS_MAX).contains(&seconds) {
        return Err(BadRequest::Lifetime { seconds });
    }
    let ahead = created.unix() - now.unix();
    if ahead > AHEAD_SECONDS {
        return Err(BadRequest::Early { seconds: ahead });
    }
    if expires <= now {
        return Err(BadRequest::Late { seconds: now.unix() - expires.unix() });
    }
    Ok(())
}
