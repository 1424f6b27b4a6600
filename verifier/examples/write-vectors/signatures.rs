//! Signatures at the edges of the law. FORMAT.md 3.4.
//!
//! The edge cases are of our own making: scalars drawn from hashes, and points of the eight
//! torsion, put where a lax verifier would not look.

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity as _;
use schemas::base::to_hex;
use schemas::hash::sha512;
use verifier::signature::SecretKey;

use crate::{Made, vector};

const TEXT: &[u8] = b"oversight test vector\n";
/// The order of the base point, little-endian. RFC 8032 5.1.
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Key, text and signature as bytes.
#[derive(Clone)]
struct Signed {
    key: [u8; 32],
    text: Vec<u8>,
    signature: Vec<u8>,
}

impl Signed {
    fn made(&self, name: &str, expect: &str, comment: &str) -> Made {
        let (key, text, signature) = (to_hex(&self.key), to_hex(&self.text), to_hex(&self.signature));
        let body = format!("key: {key}\ntext: {text}\nsignature: {signature}\n");
        vector(&format!("signature/{name}"), expect, comment, &body)
    }

    fn with(&self, bend: impl Fn(&mut Self)) -> Self {
        let mut bent = self.clone();
        bend(&mut bent);
        bent
    }
}

fn scalar(name: &str) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&sha512(&[b"test vector scalar ", name.as_bytes()]))
}

/// Signs by the equation, whatever bytes stand for A and R: S = r + k a.
fn sign(a: Scalar, key: [u8; 32], r: Scalar, r_bytes: [u8; 32]) -> Signed {
    let k = challenge(&r_bytes, &key);
    let mut signature = r_bytes.to_vec();
    signature.extend_from_slice((r + k * a).as_bytes());
    Signed { key, text: TEXT.to_vec(), signature }
}

fn challenge(r_bytes: &[u8], key: &[u8]) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&sha512(&[r_bytes, key, TEXT]))
}

fn point(scalar: &Scalar) -> EdwardsPoint {
    EdwardsPoint::mul_base(scalar)
}

fn bytes(point: EdwardsPoint) -> [u8; 32] {
    point.compress().0
}

/// p + y: what decodes to y in a reader that does not ask for y < p. Only for y below 19.
fn not_canonical(y: u8, sign: bool) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed + y;
    bytes[31] = if sign { 0xff } else { 0x7f };
    bytes
}

/// Bytes that encode no point.
fn no_point() -> [u8; 32] {
    let mut all = (0..=u8::MAX).map(|n| [n; 32]);
    all.find(|bytes| CompressedEdwardsY(*bytes).decompress().is_none()).expect("half of all")
}

/// Adds multiples of L to S.
fn add_l(signature: &mut [u8], times: u16) {
    let mut carry = 0;
    for (byte, l) in signature[32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(l) * times + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0, "fits into 32 bytes");
}

pub fn all() -> Vec<Made> {
    let mut all = published();
    all.extend(bent());
    all.extend(torsion());
    all.extend(bad_keys());
    all
}

/// RFC 8032 7.1, as far as its texts are short: secret key, text, and the signature's first bytes.
fn published() -> Vec<Made> {
    let abc = to_hex(&sha512(&[b"abc"]));
    [
        ("test-1", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "", "e5564300c360ac72"),
        ("test-2", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72", "92a009a9f0d4cab8"),
        ("test-3", "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "af82", "6291d657deec2402"),
        ("test-sha-abc", "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42", &abc, "dc2a4459e7369633"),
    ]
    .map(|(name, seed, text, begins)| {
        let hex = |text: &str| schemas::base::from_hex(text).expect("hex");
        let secret = ed25519_dalek::SigningKey::from_bytes(&hex(seed).try_into().expect("32 bytes"));
        let text = hex(text);
        let signature = ed25519_dalek::Signer::sign(&secret, &text).to_bytes().to_vec();
        assert!(to_hex(&signature).starts_with(begins), "{name} is not the published one");
        let signed = Signed { key: secret.verifying_key().to_bytes(), text, signature };
        signed.made(&format!("rfc8032-{name}"), "ok", "RFC 8032 7.1")
    })
    .into()
}

/// Signatures of a good key, good or bent.
fn bent() -> Vec<Made> {
    let secret = SecretKey::new("vectors.example/log", &[0x01; 32]);
    let long = "All about access. ".repeat(57);
    let good = |text: &str| Signed {
        key: secret.vkey().key,
        text: text.as_bytes().to_vec(),
        signature: secret.sign(text).signature,
    };
    let plain = good(std::str::from_utf8(TEXT).expect("text"));
    let other = SecretKey::new("vectors.example/log", &[0x02; 32]).vkey().key;
    let bad = "refused signature";
    let mut all = vec![
        plain.made("plain", "ok", "nothing special"),
        good(&long).made("long-text", "ok", "a text of more than a thousand bytes"),
        good("").made("empty-text", "ok", "a text of no bytes"),
    ];
    for (name, comment, bent) in [
        ("text-changed", "another text", plain.with(|s| s.text[0] ^= 1)),
        ("text-longer", "one byte more", plain.with(|s| s.text.push(b'\n'))),
        ("text-none", "the text is missing", plain.with(|s| s.text.clear())),
        ("key-other", "another good key", plain.with(|s| s.key = other)),
        ("r-changed", "a bit of R", plain.with(|s| s.signature[3] ^= 0x10)),
        ("r-sign-changed", "-R in place of R", plain.with(|s| s.signature[31] ^= 0x80)),
        ("s-changed", "a bit of S", plain.with(|s| s.signature[40] ^= 1)),
        ("s-and-r-swapped", "S where R belongs", plain.with(|s| s.signature.rotate_left(32))),
        ("s-nought", "S = 0", plain.with(|s| s.signature[32..].fill(0))),
        ("s-plus-l", "S + L: the same number modulo L, a second spelling", plain.with(|s| add_l(&mut s.signature, 1))),
        ("s-plus-8-l", "S + 8 L: beyond 2^255", plain.with(|s| add_l(&mut s.signature, 8))),
        ("s-top-bit", "a reader that drops the top bit of S would take it", plain.with(|s| s.signature[63] |= 0x80)),
        (
            "s-top-three-bits",
            "the top three bits of S are noughts in every good one",
            plain.with(|s| s.signature[63] |= 0xe0),
        ),
        ("s-is-l", "S = L, which is 0", plain.with(|s| s.signature[32..].copy_from_slice(&L))),
        ("s-all-ones", "S = 2^256 - 1", plain.with(|s| s.signature[32..].fill(0xff))),
        ("short", "63 bytes", plain.with(|s| s.signature.truncate(63))),
        ("long", "65 bytes", plain.with(|s| s.signature.push(0))),
        ("half", "R alone", plain.with(|s| s.signature.truncate(32))),
        ("none", "no bytes", plain.with(|s| s.signature.clear())),
        ("noughts", "64 noughts: R is of order 4, S = 0", plain.with(|s| s.signature.fill(0))),
        (
            "with-time",
            "a cosignature has 8 bytes of time before it; the caller takes them away",
            plain.with(|s| {
                s.signature.splice(0..0, [0; 8]);
            }),
        ),
    ] {
        all.push(bent.made(name, bad, comment));
    }
    all
}

/// Torsion in R, in A or in both: what the cofactor forgives and what not.
fn torsion() -> Vec<Made> {
    let (a, r) = (scalar("a"), scalar("r"));
    let key = bytes(point(&a));
    let only = "ok-with-cofactor-only";
    let mut all = Vec::new();
    for (order, step) in [(2, 4), (4, 2), (8, 1)] {
        let t = EIGHT_TORSION[step];
        let signed = sign(a, key, r, bytes(point(&r) + t));
        all.push(signed.made(&format!("r-torsion-{order}"), only, &format!("R with a part of order {order}")));
        let signed = sign(a, key, Scalar::ZERO, bytes(t));
        all.push(signed.made(&format!("r-small-order-{order}"), only, &format!("R = T, of order {order}: S = k a")));
        let mixed = bytes(point(&a) + t);
        let tries = (0..).map(|n| scalar(&format!("r {n}")));
        // k T is nothing where the order divides k: both kinds of k are wanted.
        let (mut seen, mut held) = (None, None);
        for r in tries {
            let balanced = (t * challenge(&bytes(point(&r)), &mixed)).is_identity();
            let slot = if balanced { &mut held } else { &mut seen };
            slot.get_or_insert(r);
            if seen.is_some() && held.is_some() {
                break;
            }
        }
        let (loose, tight) = (seen.expect("a try"), held.expect("a try"));
        let signed = sign(a, mixed, loose, bytes(point(&loose)));
        all.push(signed.made(&format!("key-torsion-{order}"), only, &format!("A with a part of order {order}")));
        let comment = format!("A with a part of order {order} that k cancels: [k]A is meant, not [k - L]A");
        all.push(sign(a, mixed, tight, bytes(point(&tight))).made(
            &format!("key-torsion-{order}-cancelled"),
            "ok",
            &comment,
        ));
    }
    let t = EIGHT_TORSION[1];
    let mixed = bytes(point(&a) + t);
    let both = (0..100)
        .flat_map(|n| EIGHT_TORSION.iter().skip(1).map(move |part| (scalar(&format!("both {n}")), *part)))
        .find(|(r, part)| (*part + t * challenge(&bytes(point(r) + part), &mixed)).is_identity());
    let (r_both, part) = both.expect("one in eight");
    all.push(sign(a, mixed, r_both, bytes(point(&r_both) + part)).made(
        "key-and-r-torsion-cancelled",
        "ok",
        "the parts of small order in R and in [k]A cancel each other",
    ));
    let signed = sign(a, key, Scalar::ZERO, bytes(EIGHT_TORSION[0]));
    all.push(signed.made("r-identity", "ok", "R is the identity, canonical: S = k a"));
    let mut minus = bytes(EIGHT_TORSION[0]);
    minus[31] = 0x80;
    let mut minus_two = bytes(EIGHT_TORSION[4]);
    minus_two[31] |= 0x80;
    for (name, comment, r_bytes) in [
        ("r-identity-plus-p", "R is the identity, y = p + 1", not_canonical(1, false)),
        ("r-identity-plus-p-sign", "R is the identity, y = p + 1, sign bit 1", not_canonical(1, true)),
        ("r-identity-sign", "R is the identity, x = 0 with sign bit 1", minus),
        ("r-order-2-sign", "R is of order 2, x = 0 with sign bit 1", minus_two),
        ("r-order-4-plus-p", "R is of order 4, y = p", not_canonical(0, false)),
        ("r-order-4-plus-p-sign", "R is of order 4, y = p, sign bit 1", not_canonical(0, true)),
    ] {
        all.push(sign(a, key, Scalar::ZERO, r_bytes).made(name, "refused signature", comment));
    }
    let signed = sign(a, key, r, no_point());
    all.push(signed.made("r-no-point", "refused signature", "no point has R's encoding"));
    all
}

/// Keys under which nobody should be asked to trust anything. R = [r]B and S = r would do for each
/// of small order in a verifier that takes it, whatever the text.
fn bad_keys() -> Vec<Made> {
    let r = scalar("r");
    let made = |name: String, comment: String, key: [u8; 32]| {
        sign(Scalar::ZERO, key, r, bytes(point(&r))).made(&name, "refused key", &comment)
    };
    let mut all = Vec::new();
    for (n, t) in EIGHT_TORSION.into_iter().enumerate() {
        let order = [1, 8, 4, 8, 2, 8, 4, 8][n];
        all.push(made(
            format!("key-small-order-{n}"),
            format!("A is of order {order}, canonical: {n} times the same point"),
            bytes(t),
        ));
    }
    let mut identity = bytes(EIGHT_TORSION[0]);
    identity[31] |= 0x80;
    let mut two = bytes(EIGHT_TORSION[4]);
    two[31] |= 0x80;
    let large = (2..19).find(|y| {
        let point = CompressedEdwardsY(not_canonical(*y, false)).decompress();
        point.is_some_and(|point| !point.is_small_order())
    });
    let large = large.expect("half of all");
    for (name, comment, key) in [
        ("key-identity-sign", "the identity, x = 0 with sign bit 1", identity),
        ("key-identity-plus-p", "the identity, y = p + 1", not_canonical(1, false)),
        ("key-identity-plus-p-sign", "the identity, y = p + 1, sign bit 1", not_canonical(1, true)),
        ("key-order-2-sign", "of order 2, x = 0 with sign bit 1", two),
        ("key-order-4-plus-p", "of order 4, y = p", not_canonical(0, false)),
        ("key-order-4-plus-p-sign", "of order 4, y = p, sign bit 1", not_canonical(0, true)),
        ("key-large-order-plus-p", "a good point, y >= p", not_canonical(large, false)),
        ("key-no-point", "no point has this encoding", no_point()),
        ("key-all-ones", "32 bytes ff", [0xff; 32]),
    ] {
        all.push(made(name.to_owned(), comment.to_owned(), key));
    }
    all
}
