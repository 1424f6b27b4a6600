//! The law of signatures: FORMAT.md 3.4. The one file that uses `ed25519-dalek` and its curve.
//!
//! RFC 8032 5.1.7 with the cofactor: `[8][S]B = [8]R + [8][k]A`. Under this equation a batch and a
//! single check cannot disagree. The checks on A, R and S come first: some libraries accept any
//! message under a key of small order.

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity as _, VartimeMultiscalarMul as _};
use ed25519_dalek::Signer as _;
use schemas::checkpoint::Checkpoint;
use schemas::hash::sha512;
use schemas::note::{ALG_COSIGNATURE, ALG_ED25519, KeyId, SignatureLine, Vkey};

/// A public key that has been checked: canonical, not of small order, expanded once.
#[derive(Clone, Debug)]
pub struct PublicKey {
    vkey: Vkey,
    id: KeyId,
    point: EdwardsPoint,
}

/// Why a key cannot be taken. FORMAT.md 3.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// The bytes are not the canonical encoding of a point.
    #[error("the key is not the canonical encoding of a point on the curve")]
    Encoding,
    /// Under a key of small order, anyone could sign anything.
    #[error("the key is of small order")]
    SmallOrder,
}

impl PublicKey {
    /// Takes a key.
    ///
    /// # Errors
    /// [`BadKey`] if it is of small order or not canonical.
    pub fn new(vkey: &Vkey) -> Result<Self, BadKey> {
        let point = canonical_point(&vkey.key).ok_or(BadKey::Encoding)?;
        if point.is_small_order() {
            return Err(BadKey::SmallOrder);
        }
        Ok(Self { vkey: vkey.clone(), id: vkey.id(), point })
    }

    /// The key as text has it.
    pub fn vkey(&self) -> &Vkey {
        &self.vkey
    }

    /// Its id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Whether the signature over the text holds under the law, cofactor included.
    pub fn holds(&self, text: &[u8], signature: &[u8]) -> bool {
        Claim::new(self, text, signature).is_some_and(|claim| claim.difference().mul_by_cofactor().is_identity())
    }

    /// Whether it holds without the cofactor too, as checkpoints and cosignatures must.
    pub fn holds_strictly(&self, text: &[u8], signature: &[u8]) -> bool {
        Claim::new(self, text, signature).is_some_and(|claim| claim.difference().is_identity())
    }

    /// Time at which this witness says, by this line, that it saw the checkpoint, in Unix seconds;
    /// nothing if the line is another's or does not hold. FORMAT.md 10.3.
    pub fn cosigned_at(&self, checkpoint_text: &str, line: &SignatureLine) -> Option<u64> {
        if self.vkey.alg != ALG_COSIGNATURE || line.name != self.vkey.name || line.id != self.id {
            return None;
        }
        let (time, signature) = line.signature.split_first_chunk::<8>()?;
        let time = u64::from_be_bytes(*time);
        self.holds_strictly(Checkpoint::cosigned_text(checkpoint_text, time).as_bytes(), signature).then_some(time)
    }
}

/// The point of a canonical encoding: y < p, and no x = 0 with sign bit 1. Looked at in the bytes,
/// which spares the inversion that encoding the point again would cost.
fn canonical_point(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    let sign = bytes[31] & 0x80 != 0;
    let mut y = *bytes;
    y[31] &= 0x7f;
    // p = 2^255 - 19, little-endian: 0xed, 30 times 0xff, 0x7f.
    let high = y[1..31].iter().all(|b| *b == 0xff) && y[31] == 0x7f;
    let below_p = !(high && y[0] >= 0xed);
    // x = 0 exactly for y = 1 and y = p - 1.
    let one = y[0] == 1 && y[1..].iter().all(|b| *b == 0);
    let minus_one = high && y[0] == 0xec;
    if !below_p || (sign && (one || minus_one)) {
        return None;
    }
    CompressedEdwardsY(*bytes).decompress()
}

/// A signature whose parts have passed their checks; whether it holds is still open.
#[derive(Clone, Debug)]
pub struct Claim {
    a: EdwardsPoint,
    a_bytes: [u8; 32],
    r: EdwardsPoint,
    r_bytes: [u8; 32],
    s: Scalar,
    k: Scalar,
}

impl Claim {
    /// Checks S < L and the encoding of R; `None` where the signature cannot hold.
    pub fn new(key: &PublicKey, text: &[u8], signature: &[u8]) -> Option<Self> {
        let (r_bytes, s_bytes) = signature.split_first_chunk::<32>()?;
        let s: Scalar = Option::from(Scalar::from_canonical_bytes(s_bytes.try_into().ok()?))?;
        let r = canonical_point(r_bytes)?;
        let k = Scalar::from_bytes_mod_order_wide(&sha512(&[r_bytes, &key.vkey.key, text]));
        Some(Self { a: key.point, a_bytes: key.vkey.key, r, r_bytes: *r_bytes, s, k })
    }

    /// [S]B - R - [k]A. The point is negated, not the scalar: L - k times a key with a torsion part
    /// is another point than -k times it, and the equation without the cofactor would tell.
    fn difference(&self) -> EdwardsPoint {
        EdwardsPoint::vartime_double_scalar_mul_basepoint(&self.k, &-self.a, &self.s) - self.r
    }

    /// Whether it holds under the law.
    pub fn holds(&self) -> bool {
        self.difference().mul_by_cofactor().is_identity()
    }
}

/// Whether all claims hold under the law; about a third of the cost of one by one.
///
/// The weights are drawn from a hash of all claims, so the answer is the same on every machine
/// and nobody who writes the claims can choose them.
pub fn all_hold(claims: &[Claim]) -> bool {
    if claims.len() < 4 {
        return claims.iter().all(Claim::holds);
    }
    let mut transcript = Vec::with_capacity(claims.len() * 128);
    for claim in claims {
        transcript.extend_from_slice(&claim.a_bytes);
        transcript.extend_from_slice(&claim.r_bytes);
        transcript.extend_from_slice(claim.s.as_bytes());
        transcript.extend_from_slice(claim.k.as_bytes());
    }
    let seed = sha512(&[b"oversight/batch/v1", &transcript]);
    let mut base = Scalar::ZERO;
    let mut scalars = Vec::with_capacity(claims.len() * 2);
    let mut points = Vec::with_capacity(claims.len() * 2);
    // Few keys sign many events: their terms are added up, key by key.
    let mut keys: Vec<(&Claim, Scalar)> = Vec::new();
    let mut slot_of = std::collections::HashMap::new();
    for (number, claim) in (0u64..).zip(claims) {
        let mut weight = [0; 32];
        weight[..16].copy_from_slice(&sha512(&[&seed, &number.to_be_bytes()])[..16]);
        weight[0] |= 1;
        let weight = Scalar::from_bytes_mod_order(weight);
        base -= weight * claim.s;
        scalars.push(weight);
        points.push(claim.r);
        let slot = *slot_of.entry(claim.a_bytes).or_insert_with(|| {
            keys.push((claim, Scalar::ZERO));
            keys.len() - 1
        });
        keys[slot].1 += weight * claim.k;
    }
    for (claim, scalar) in keys {
        scalars.push(scalar);
        points.push(claim.a);
    }
    scalars.push(base);
    points.push(curve25519_dalek::constants::ED25519_BASEPOINT_POINT);
    EdwardsPoint::vartime_multiscalar_mul(&scalars, &points).mul_by_cofactor().is_identity()
}

/// Numbers of the claims that do not hold; none is the common case, and as cheap as [`all_hold`]. Where one does not, the
/// rest is found by halves: whoever hands in a bad signature spoils no more than a few checks of others.
pub fn broken(claims: &[Claim]) -> Vec<usize> {
    let mut found = Vec::new();
    find_broken(claims, 0, &mut found);
    found
}

fn find_broken(claims: &[Claim], first: usize, found: &mut Vec<usize>) {
    match claims {
        [] => {}
        [one] if one.holds() => {}
        [_] => found.push(first),
        many if all_hold(many) => {}
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            find_broken(left, first, found);
            find_broken(right, first + left.len(), found);
        }
    }
}

/// A secret key with its name; it never leaves the process by this type, and its bytes are overwritten when it goes.
#[derive(Clone)]
pub struct SecretKey {
    name: String,
    key: ed25519_dalek::SigningKey,
}

impl SecretKey {
    /// A key from its 32 secret bytes, which must come from a good random source.
    pub fn new(name: &str, seed: &[u8; 32]) -> Self {
        Self { name: name.to_owned(), key: ed25519_dalek::SigningKey::from_bytes(seed) }
    }

    /// The same key under another name.
    #[must_use]
    pub fn renamed(&self, name: &str) -> Self {
        Self { name: name.to_owned(), key: self.key.clone() }
    }

    /// The public key for notes.
    pub fn vkey(&self) -> Vkey {
        self.public(ALG_ED25519)
    }

    /// The public key for cosignatures.
    pub fn cosigner_vkey(&self) -> Vkey {
        self.public(ALG_COSIGNATURE)
    }

    fn public(&self, alg: u8) -> Vkey {
        Vkey { name: self.name.clone(), alg, key: self.key.verifying_key().to_bytes() }
    }

    /// A signature line over the text of a note. FORMAT.md 3.1.
    pub fn sign(&self, text: &str) -> SignatureLine {
        let signature = self.key.sign(text.as_bytes()).to_bytes().to_vec();
        SignatureLine { name: self.name.clone(), id: self.vkey().id(), signature }
    }

    /// A witness's line over the text of a checkpoint: "I saw it then". FORMAT.md 10.3.
    pub fn cosign(&self, checkpoint_text: &str, unix_seconds: u64) -> SignatureLine {
        let text = Checkpoint::cosigned_text(checkpoint_text, unix_seconds);
        let mut signature = unix_seconds.to_be_bytes().to_vec();
        signature.extend_from_slice(&self.key.sign(text.as_bytes()).to_bytes());
        SignatureLine { name: self.name.clone(), id: self.cosigner_vkey().id(), signature }
    }
}

/// The library's key overwrites itself; the name is no secret.
impl zeroize::ZeroizeOnDrop for SecretKey where ed25519_dalek::SigningKey: zeroize::ZeroizeOnDrop {}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey({})", self.name)
    }
}
