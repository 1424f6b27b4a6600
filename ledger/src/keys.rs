//! Secret keys as files, one a holder, and the folder that holds them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use schemas::base;
use schemas::file_name::encode_part;
use schemas::note::{Origin, Vkey};
use schemas::recipient::is_recipient;
use schemas::time::Timestamp;
use schemas::visible::Show as _;
use verifier::keyring::Keyring;
use verifier::output::{self, Readers};
use verifier::signature::SecretKey;
use verifier::transit;
use verifier::unseal::Identity;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::files;
use crate::pseudonym::Pseudonyms;
use crate::seal;

/// Ending of a public key's file.
pub const PUBLIC_ENDING: &str = "vkey";
/// First line of a secret key's file.
pub const MAGIC: &str = "oversight-secret-key/v1";
/// Ending of a secret key's file.
pub const ENDING: &str = "key";

/// Ending of a file with an age identity, which is secret. FORMAT.md 15.5.
pub const IDENTITY_ENDING: &str = "identity";
/// Ending of a file with an age recipient, which is public.
pub const RECIPIENT_ENDING: &str = "recipient";
/// Most keys that one holder may have had.
const ROTATIONS_MAX: u32 = 10_000;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadKeyFile {
    /// The file cannot be read or written.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// Not three lines of a key file.
    #[error("{}: not a key file (three lines: {MAGIC}, the key's name, base64 of 32 bytes)", .path.shown())]
    Form {
        /// The file.
        path: PathBuf,
    },
    /// An editor changed it.
    #[error(
        "{}: the key file was changed on its way: {changes}; undone, it is one. Copy it again as a file, from the machine \
         on which it was made",
        .path.shown()
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// How, in words.
        changes: String,
    },
    /// Not the line of a public key of this holder.
    #[error("{}: not a public key (name+id+base64) of this holder and ledger", .path.shown())]
    Public {
        /// The file.
        path: PathBuf,
    },
    /// Not an age identity or recipient.
    #[error("{}: not an age key; `ledger keygen --age` makes one", .path.shown())]
    Identity {
        /// The file.
        path: PathBuf,
    },
    /// There is no such key.
    #[error("no key for {name} in {}: make one with `ledger keygen`, or name the folder that has it with --keys", .folder.shown())]
    Absent {
        /// Name of the key.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A secret key of another party was not to be made.
    #[error(
        "{} has neither {} nor {}: a secret key is its holder's to make, and none was made here. They run `ledger keygen --origin \
         {origin} --party {} --holder {} --keys THEIR-KEYS`, and the file is put into {} (the .vkey where another holder of the \
         party signs its enrolment; a party's first key signs for itself, so the .key is brought). --make-key makes it here: \
         whoever has the folder can then sign in the party's name",
        .folder.shown(),
        file_name(.party, .holder, ENDING),
        file_name(.party, .holder, PUBLIC_ENDING),
        .party.shown(),
        .holder.shown(),
        .folder.shown()
    )]
    NotMade {
        /// Name of the log.
        origin: String,
        /// The party, under its own id.
        party: String,
        /// The holder.
        holder: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A key is never overwritten.
    #[error("{} holds a key already: use that one, replace it by a rotation (`ledger key rotate`), or make this one in another folder", .path.shown())]
    There {
        /// The file.
        path: PathBuf,
    },
    /// The operating system gives no randomness.
    #[error("the system gives no random numbers: no key can be made here")]
    Random,
}

/// Name of a file of a holder: `PARTY.HOLDER.ENDING`, in letters that every file system takes. FORMAT.md 20.1.
pub fn file_name(party: &str, holder: &str, ending: &str) -> String {
    format!("{}.{}.{ending}", encode_part(party), encode_part(holder))
}

/// 32 bytes from the operating system's random source.
///
/// # Errors
/// [`BadKeyFile::Random`] if it has none.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], BadKeyFile> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| BadKeyFile::Random)?;
    Ok(bytes)
}

/// Makes a key and writes it to a new file that only its owner may read.
///
/// # Errors
/// [`BadKeyFile`]; an existing file is never overwritten.
pub fn generate(path: &Path, name: &str) -> Result<SecretKey, BadKeyFile> {
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(random_bytes()?);
    if path.exists() {
        return Err(BadKeyFile::There { path: path.to_owned() });
    }
    if let Some(folder) = path.parent() {
        files::create_folder(folder)?;
    }
    let words = Zeroizing::new(base::to_base64(&*seed));
    let text = Zeroizing::new(format!("{MAGIC}\n{name}\n{}\n", *words));
    write_secret(path, text.as_bytes())?;
    Ok(SecretKey::new(name, &seed))
}

/// Writes a new file that only its owner may read, from its first byte on; whole or not at all,
/// for half a key would stand in the way for ever.
fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let io = |doing, source| Failure::io(doing, path, source);
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = Path::new(&draft);
    // What an interrupted try has left is nobody's key yet.
    files::remove(draft)?;
    let opened = output::options(Readers::Owner).write(true).create_new(true).open(draft);
    let mut file = opened.map_err(|e| io("make", e))?;
    if let Err(e) = output::settle(&file, Readers::Owner).and_then(|()| file.write_all(bytes)) {
        let _ = fs::remove_file(draft);
        return Err(io("write", e));
    }
    files::sync(&file, files::parent(path));
    fs::rename(draft, path).map_err(|e| io("make", e))?;
    files::sync_folder(files::parent(path))
}

/// Writes another secret to a new file that only its owner may read, and makes its folder.
///
/// # Errors
/// [`Failure`]; an existing file is never overwritten.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if path.exists() {
        return Err(Failure::Occupied { path: path.to_owned() });
    }
    files::create_folder(files::parent(path))?;
    write_secret(path, bytes)
}

/// Copies a key file to a new one that only its owner may read.
///
/// # Errors
/// [`BadKeyFile`] if it cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> Result<(), BadKeyFile> {
    let bytes = files::read_secret(from, 4096)?.unwrap_or_default();
    if let Some(folder) = to.parent() {
        files::create_folder(folder)?;
    }
    Ok(write_secret(to, &bytes)?)
}

/// Makes an age identity in a new file that only its owner may read; gives its recipient.
///
/// # Errors
/// [`BadKeyFile`]; an existing file is never overwritten.
pub fn generate_identity(path: &Path, name: &str) -> Result<String, BadKeyFile> {
    if path.exists() {
        return Err(Failure::Occupied { path: path.to_owned() }.into());
    }
    if let Some(folder) = path.parent() {
        files::create_folder(folder)?;
    }
    let (secret, recipient) = seal::draw_identity(name);
    write_secret(path, secret.as_bytes())?;
    Ok(recipient)
}

/// Reads a file with an age identity.
///
/// # Errors
/// [`BadKeyFile`] says what is wrong with it.
pub fn read_identity(path: &Path) -> Result<Identity, BadKeyFile> {
    let absent = || Failure::Absent { what: "identity", path: path.to_owned() };
    let bytes = files::read_secret(path, 65_536)?.ok_or_else(absent)?;
    Identity::parse(std::str::from_utf8(&bytes).unwrap_or_default())
        .map_err(|_| BadKeyFile::Identity { path: path.to_owned() })
}

/// Reads a key file.
///
/// # Errors
/// [`BadKeyFile`] says what is wrong with it.
pub fn read(path: &Path) -> Result<SecretKey, BadKeyFile> {
    let form = |bytes: &[u8]| match transit::undo(bytes).filter(|undone| parse(&undone.bytes).is_some()) {
        Some(undone) => BadKeyFile::Changed { path: path.to_owned(), changes: transit::in_words(&undone.changes) },
        None => BadKeyFile::Form { path: path.to_owned() },
    };
    let absent = || Failure::Absent { what: "key file", path: path.to_owned() };
    let bytes = files::read_secret(path, 4096)?.ok_or_else(absent)?;
    parse(&bytes).ok_or_else(|| form(&bytes))
}

/// Reads the bytes of a key file that was handed over.
pub fn parse(bytes: &[u8]) -> Option<SecretKey> {
    let mut lines = std::str::from_utf8(bytes).ok()?.lines();
    let (Some(MAGIC), Some(name), Some(seed), None) = (lines.next(), lines.next(), lines.next(), lines.next()) else {
        return None;
    };
    let seed = Zeroizing::new(base::from_base64(seed)?);
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(seed.as_slice().try_into().ok()?);
    Some(SecretKey::new(name, &seed))
}

/// A folder of key files: `<party>.<holder>.key`, and `<party>.<holder>.2.key` after a rotation.
#[derive(Debug)]
pub struct KeyFolder {
    folder: PathBuf,
    origin: Origin,
    read: BTreeMap<PathBuf, SecretKey>,
    /// How often a holder's key was rotated.
    rotations: BTreeMap<(String, String), u32>,
    made: Vec<PathBuf>,
    /// Where parties stand in the log under other names than their own, how.
    pseudonyms: Option<Pseudonyms>,
}

impl KeyFolder {
    /// The folder, which need not exist yet.
    pub fn new(folder: &Path, origin: Origin) -> Self {
        let (read, rotations, made) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Self { folder: folder.to_owned(), origin, read, rotations, made, pseudonyms: None }
    }

    /// The same, where a party that has a pseudonym has made its keys under its own id: the key is then the party's, and its
    /// name the one that the log knows (FORMAT.md 11.14.9), so that its id stands in no signature.
    #[must_use]
    pub fn under(mut self, pseudonyms: &Pseudonyms) -> Self {
        self.pseudonyms = Some(pseudonyms.clone());
        self
    }

    /// Party and holder under their own ids, where those are others than the log's.
    fn own_ids(&self, party: &str, holder: &str) -> Option<(String, String)> {
        let pseudonyms = self.pseudonyms.as_ref()?;
        let own = (pseudonyms.outside(party), pseudonyms.outside(holder));
        (own.0 != party).then_some(own)
    }

    /// The name that the log has for a key that its holder may have made under another.
    fn in_log(&self, name: &str) -> Option<String> {
        let pseudonyms = self.pseudonyms.as_ref()?;
        let (party, holder) = name.strip_prefix(self.origin.as_str())?.strip_prefix('/')?.split_once('/')?;
        let shown = self.origin.holder_key_name(pseudonyms.party(party), &pseudonyms.inside(holder));
        (pseudonyms.hides(party) && shown != name).then_some(shown)
    }

    /// Reads one of its files, if nobody else can list them.
    fn open(&self, path: &Path) -> Result<SecretKey, BadKeyFile> {
        files::refuse_exposed(&self.folder)?;
        let key = read(path)?;
        Ok(match self.in_log(&key.vkey().name) {
            Some(name) => key.renamed(&name),
            None => key,
        })
    }

    /// Makes one of its files.
    fn make(&self, path: &Path, name: &str) -> Result<SecretKey, BadKeyFile> {
        files::take_folder(&self.folder)?;
        generate(path, name)
    }

    /// Secret keys that were made because none was there.
    pub fn made(&self) -> &[PathBuf] {
        &self.made
    }

    /// File of a holder's key.
    pub fn path(&self, party: &str, holder: &str) -> PathBuf {
        let rotated = self.rotations.get(&(party.to_owned(), holder.to_owned())).copied().unwrap_or(0);
        self.path_after(party, holder, rotated)
    }

    fn path_after(&self, party: &str, holder: &str, rotated: u32) -> PathBuf {
        let number = if rotated == 0 { String::new() } else { format!("{}.", rotated + 1) };
        self.named(party, holder, &format!("{number}{ENDING}"))
    }

    /// The file of a holder with that ending, whatever letters party and holder have. FORMAT.md 20.1.
    fn named(&self, party: &str, holder: &str, ending: &str) -> PathBuf {
        let path = self.folder.join(file_name(party, holder, ending));
        let own = self.own_ids(party, holder).filter(|_| !path.exists());
        let own = own.map(|(party, holder)| self.folder.join(file_name(&party, &holder, ending)));
        own.filter(|own| own.exists()).unwrap_or(path)
    }

    /// From now on the holder signs with the key after the present one.
    pub fn rotate(&mut self, party: &str, holder: &str) {
        *self.rotations.entry((party.to_owned(), holder.to_owned())).or_insert(0) += 1;
    }

    /// From now on the holder signs with the newest key at hand: where no log says which one is in force.
    pub fn use_newest(&mut self, party: &str, holder: &str) {
        let count = self.files(party, holder).count() as u32; // no more than ROTATIONS_MAX
        self.rotations.insert((party.to_owned(), holder.to_owned()), count.saturating_sub(1));
    }

    /// From now on each holder signs with the last of its keys at hand that the log knows, if it knows one.
    ///
    /// # Errors
    /// [`BadKeyFile`] if one of them cannot be read.
    pub fn follow(&mut self, keyring: &Keyring) -> Result<(), BadKeyFile> {
        for holder in keyring.holders() {
            // Most have one key, and then there is nothing to choose.
            if !self.path_after(&holder.party, &holder.name, 1).exists() {
                continue;
            }
            let mut last = 0;
            for (number, path) in (0..).zip(self.files(&holder.party, &holder.name)) {
                if keyring.find_vkey(&self.open(&path)?.vkey()).is_some() {
                    last = number;
                }
            }
            self.rotations.insert((holder.party.clone(), holder.name.clone()), last);
        }
        Ok(())
    }

    /// Keys of a holder before the present one, the first one first.
    ///
    /// # Errors
    /// [`BadKeyFile`] if one of them cannot be read.
    pub fn earlier(&self, party: &str, holder: &str) -> Result<Vec<SecretKey>, BadKeyFile> {
        let rotated = self.rotations.get(&(party.to_owned(), holder.to_owned())).copied().unwrap_or(0);
        self.files(party, holder).take(rotated as usize).map(|path| self.open(&path)).collect()
    }

    /// The key that will follow the holder's present one, made where there is none.
    ///
    /// # Errors
    /// [`BadKeyFile`] if it can be neither read nor made.
    pub fn next_or_make(&mut self, party: &str, holder: &str) -> Result<SecretKey, BadKeyFile> {
        let rotated = self.rotations.get(&(party.to_owned(), holder.to_owned())).copied().unwrap_or(0);
        let path = self.path_after(party, holder, rotated + 1);
        if path.exists() { self.open(&path) } else { self.make(&path, &self.origin.holder_key_name(party, holder)) }
    }

    /// Files of a holder's keys that there are, the first one first.
    fn files(&self, party: &str, holder: &str) -> impl Iterator<Item = PathBuf> {
        (0..ROTATIONS_MAX).map(|n| self.path_after(party, holder, n)).take_while(|path| path.exists())
    }

    /// The last key of a holder, where no log is at hand to say which one is in force.
    ///
    /// # Errors
    /// [`BadKeyFile::Absent`] if there is none.
    pub fn last(&self, party: &str, holder: &str) -> Result<SecretKey, BadKeyFile> {
        let name = self.origin.holder_key_name(party, holder);
        let absent = BadKeyFile::Absent { name, folder: self.folder.clone() };
        self.open(&self.files(party, holder).last().ok_or(absent)?)
    }

    /// The key of a holder that is in force, whichever of its files has it.
    ///
    /// # Errors
    /// [`BadKeyFile::Absent`] if none of them does.
    pub fn in_force(
        &self,
        party: &str,
        holder: &str,
        keyring: &Keyring,
        at: Timestamp,
    ) -> Result<SecretKey, BadKeyFile> {
        for path in self.files(party, holder) {
            let key = self.open(&path)?;
            let known = keyring.find_vkey(&key.vkey());
            if known.is_some_and(|number| keyring.key(number).in_force(at)) {
                return Ok(key);
            }
        }
        let name = self.origin.holder_key_name(party, holder);
        Err(BadKeyFile::Absent { name, folder: self.folder.clone() })
    }

    /// A key of a holder that the log does not know yet: of a file that is there, secret or
    /// (`<party>.<holder>.vkey`) public alone, else of one that is made, if that may be.
    ///
    /// # Errors
    /// [`BadKeyFile`] if none can be read or made.
    pub fn fresh(
        &mut self,
        party: &str,
        holder: &str,
        keyring: &Keyring,
        make: bool,
    ) -> Result<(Vkey, Option<SecretKey>), BadKeyFile> {
        let mut count = 0;
        for path in self.files(party, holder) {
            let key = self.open(&path)?;
            if keyring.find_vkey(&key.vkey()).is_none() {
                return Ok((key.vkey(), Some(key)));
            }
            count += 1;
        }
        if self.has_public(party, holder) {
            let vkey = self.public(party, holder)?;
            if keyring.find_vkey(&vkey).is_none() {
                return Ok((vkey, None));
            }
        }
        if !make {
            let (own_party, own_holder) =
                self.own_ids(party, holder).unwrap_or_else(|| (party.to_owned(), holder.to_owned()));
            let (origin, folder) = (self.origin.as_str().to_owned(), self.folder.clone());
            return Err(BadKeyFile::NotMade { origin, party: own_party, holder: own_holder, folder });
        }
        let path = self.path_after(party, holder, count);
        let key = self.make(&path, &self.origin.holder_key_name(party, holder))?;
        self.made.push(path);
        Ok((key.vkey(), Some(key)))
    }

    /// Whether a holder's key is at hand.
    pub fn has(&self, party: &str, holder: &str) -> bool {
        self.path(party, holder).exists()
    }

    /// The key of a holder.
    ///
    /// # Errors
    /// [`BadKeyFile::Absent`] if it is not there.
    pub fn get(&mut self, party: &str, holder: &str) -> Result<SecretKey, BadKeyFile> {
        let name = self.origin.holder_key_name(party, holder);
        let path = self.path(party, holder);
        if let Some(key) = self.read.get(&path) {
            return Ok(key.clone());
        }
        if !path.exists() {
            return Err(BadKeyFile::Absent { name, folder: self.folder.clone() });
        }
        let key = self.open(&path)?;
        if key.vkey().name != name {
            return Err(BadKeyFile::Form { path });
        }
        self.read.insert(path, key.clone());
        Ok(key)
    }

    /// The public key of a holder: of the key at hand, else from `<party>.<holder>.vkey`, else of
    /// a key that is made.
    ///
    /// # Errors
    /// [`BadKeyFile`] if none can be read or made.
    pub fn public_or_make(&mut self, party: &str, holder: &str) -> Result<Vkey, BadKeyFile> {
        if self.has(party, holder) || !self.has_public(party, holder) {
            return Ok(self.get_or_make(party, holder)?.vkey());
        }
        self.public(party, holder)
    }

    /// Whether a holder's public key lies there as a file of its own.
    pub fn has_public(&self, party: &str, holder: &str) -> bool {
        self.named(party, holder, PUBLIC_ENDING).exists()
    }

    fn public(&self, party: &str, holder: &str) -> Result<Vkey, BadKeyFile> {
        let path = self.named(party, holder, PUBLIC_ENDING);
        let form = || BadKeyFile::Public { path: path.clone() };
        let bytes = files::read(&path, 4096)?.ok_or_else(form)?;
        let text = String::from_utf8(bytes).map_err(|_| form())?;
        let mut vkey = Vkey::parse(text.trim_end()).map_err(|_| form())?;
        if let Some(name) = self.in_log(&vkey.name) {
            vkey.name = name;
        }
        let named = vkey.name == self.origin.holder_key_name(party, holder);
        if named { Ok(vkey) } else { Err(form()) }
    }

    /// The age recipient of a holder: of the identity at hand (`<party>.<holder>.identity`), else from
    /// `<party>.<holder>.recipient`, else of an identity that is made.
    ///
    /// # Errors
    /// [`BadKeyFile`] if none can be read or made.
    pub fn recipient_or_make(&mut self, party: &str, holder: &str) -> Result<String, BadKeyFile> {
        let secret = self.named(party, holder, IDENTITY_ENDING);
        let public = self.named(party, holder, RECIPIENT_ENDING);
        if secret.exists() {
            return Ok(read_identity(&secret)?.recipients().swap_remove(0));
        }
        if let Some(bytes) = files::read(&public, 4096)? {
            let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            return if is_recipient(&text) { Ok(text) } else { Err(BadKeyFile::Identity { path: public }) };
        }
        let recipient = generate_identity(&secret, &self.origin.holder_key_name(party, holder))?;
        self.made.push(secret);
        Ok(recipient)
    }

    /// The key of a holder, made where there is none.
    ///
    /// # Errors
    /// [`BadKeyFile`] if it can be neither read nor made.
    pub fn get_or_make(&mut self, party: &str, holder: &str) -> Result<SecretKey, BadKeyFile> {
        if !self.has(party, holder) {
            self.make(&self.path(party, holder), &self.origin.holder_key_name(party, holder))?;
            self.made.push(self.path(party, holder));
        }
        self.get(party, holder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_key_of_a_holder_is_that_of_the_last_file() {
        let place = tempfile::tempdir().unwrap();
        let folder = || KeyFolder::new(place.path(), Origin::parse("keys.example/log").unwrap());
        let first = folder().get_or_make("cso-x", "x1").unwrap().vkey();
        let second = folder().next_or_make("cso-x", "x1").unwrap().vkey();
        let mut newest = folder();
        assert_eq!(newest.get("cso-x", "x1").unwrap().vkey(), first);
        newest.use_newest("cso-x", "x1");
        assert_eq!(newest.get("cso-x", "x1").unwrap().vkey(), second);
        newest.use_newest("cso-x", "nobody");
        assert!(newest.get("cso-x", "nobody").is_err());
    }
}
