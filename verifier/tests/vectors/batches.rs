//! Batches drawn at random agree with the single check, torsion or not.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity as _;
use proptest::prelude::*;
use schemas::hash::sha512;
use schemas::note::{ALG_ED25519, Vkey};
use verifier::signature::{BadKey, Claim, PublicKey, all_hold, broken};

/// How one signature is made, and bent.
#[derive(Clone, Debug)]
struct Making {
    signer: u8,
    nonce: u64,
    key_torsion: usize,
    r_torsion: usize,
    /// What is added to S; not nought makes it false.
    wrong: u64,
}

fn making() -> impl Strategy<Value = Making> {
    let torsion = || prop_oneof![2 => Just(0usize), 1 => 1usize..8];
    let wrong = prop_oneof![30 => Just(0u64), 1 => 1u64..9];
    (0u8..3, any::<u64>(), torsion(), torsion(), wrong).prop_map(|(signer, nonce, key_torsion, r_torsion, wrong)| {
        Making { signer, nonce, key_torsion, r_torsion, wrong }
    })
}

struct Signed {
    key: PublicKey,
    signature: Vec<u8>,
}

const TEXT: &[u8] = b"oversight test vector\n";

fn scalar(parts: &[&[u8]]) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&sha512(parts))
}

fn make(how: &Making) -> Signed {
    let (a, r) = (scalar(&[b"a", &[how.signer]]), scalar(&[b"r", &how.nonce.to_be_bytes()]));
    let key = (EdwardsPoint::mul_base(&a) + EIGHT_TORSION[how.key_torsion]).compress().0;
    let r_bytes = (EdwardsPoint::mul_base(&r) + EIGHT_TORSION[how.r_torsion]).compress().0;
    let s = r + scalar(&[&r_bytes, &key, TEXT]) * a + Scalar::from(how.wrong);
    let mut signature = r_bytes.to_vec();
    signature.extend_from_slice(s.as_bytes());
    Signed { key: self::key(key).unwrap(), signature }
}

/// RFC 8032 5.1.7 as it is written, without the cofactor: the difference of both sides.
fn difference(signed: &Signed) -> EdwardsPoint {
    let point = |bytes: &[u8]| CompressedEdwardsY::from_slice(bytes).unwrap().decompress().unwrap();
    let key = &signed.key.vkey().key;
    let (r_bytes, s_bytes) = signed.signature.split_at(32);
    let s = Scalar::from_canonical_bytes(s_bytes.try_into().unwrap()).unwrap();
    ED25519_BASEPOINT_POINT * s - point(r_bytes) - point(key) * scalar(&[r_bytes, key, TEXT])
}

fn key(bytes: [u8; 32]) -> Result<PublicKey, BadKey> {
    PublicKey::new(&Vkey { name: "vectors.example/log".to_owned(), alg: ALG_ED25519, key: bytes })
}

/// The law by its definition: canonical is what encoding the point gives again.
fn verdict(bytes: [u8; 32]) -> Result<(), BadKey> {
    let encoded = CompressedEdwardsY(bytes);
    let point = encoded.decompress().filter(|point| point.compress() == encoded).ok_or(BadKey::Encoding)?;
    if point.is_small_order() { Err(BadKey::SmallOrder) } else { Ok(()) }
}

#[test]
fn second_spellings_of_keys_are_refused_at_every_edge() {
    for first in 0..=u8::MAX {
        for middle in [0x00, 0xff] {
            for last in [0x00, 0x7f, 0x80, 0xff] {
                let mut bytes = [middle; 32];
                (bytes[0], bytes[31]) = (first, last);
                assert_eq!(key(bytes).map(drop), verdict(bytes), "{bytes:02x?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_batch_and_the_single_check_agree(makings in prop::collection::vec(making(), 0..14)) {
        let signed: Vec<Signed> = makings.iter().map(make).collect();
        let mut claims = Vec::new();
        let mut all = true;
        for (one, how) in signed.iter().zip(&makings) {
            let holds = one.key.holds(TEXT, &one.signature);
            prop_assert_eq!(holds, how.wrong == 0, "the cofactor forgives torsion and nothing else");
            prop_assert_eq!(holds, difference(one).mul_by_cofactor().is_identity());
            prop_assert_eq!(one.key.holds_strictly(TEXT, &one.signature), difference(one).is_identity());
            all &= holds;
            claims.push(Claim::new(&one.key, TEXT, &one.signature).unwrap());
        }
        prop_assert_eq!(all_hold(&claims), all);
        let wrong: Vec<usize> = (0..makings.len()).filter(|number| makings[*number].wrong != 0).collect();
        prop_assert_eq!(broken(&claims), wrong);
    }

    #[test]
    fn a_key_has_one_spelling(bytes in any::<[u8; 32]>()) {
        prop_assert_eq!(key(bytes).map(drop), verdict(bytes));
    }
}
