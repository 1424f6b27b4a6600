use schemas::note::{Origin, Vkey};

use super::*;
use crate::signature::PublicKey;

/// Keys and values of RFC 9421 B.1.4 and B.2.6.
const RFC_SECRET: &str = "9f8362f87a484a954e6e740c5b4c0e84229139a20aa8ab56ff66586f6a7d29c5";
const RFC_PUBLIC: &str = "26b40b8f93fff3d897112f7ebc582b232dbd72517d082fe83cfb30ddce43d1bb";
const RFC_SIGNATURE: &str = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";

#[test]
fn the_example_of_the_rfc_holds() {
    let seed: [u8; 32] = base::from_hex(RFC_SECRET).unwrap().try_into().unwrap();
    let key = SecretKey::new("test-key-ed25519", &seed);
    assert_eq!(base::to_hex(&key.vkey().key), RFC_PUBLIC);
    let components = [
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("@method", "POST"),
        ("@path", "/foo"),
        ("@authority", "example.com"),
        ("content-type", "application/json"),
        ("content-length", "18"),
    ];
    let input = "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")\
                 ;created=1618884473;keyid=\"test-key-ed25519\"";
    let (label, ListEntry::InnerList(list)) = only(INPUT, &[input.as_bytes()]).unwrap() else { panic!("a list") };
    assert_eq!(label, "sig-b26");
    let base_text = base_of(components.into_iter(), &parameters_of(&list).unwrap());
    assert!(base_text.ends_with(&format!("\"@signature-params\": {}", &input["sig-b26=".len()..])));
    let signature = key.sign(&base_text).signature;
    assert_eq!(base::to_base64(&signature), RFC_SIGNATURE, "Ed25519 gives one signature for one text");
    let public = PublicKey::new(&key.vkey()).unwrap();
    assert!(public.holds(base_text.as_bytes(), &base::from_base64(RFC_SIGNATURE).unwrap()));
    // A digest that RFC 9530 B.1 prints.
    let body = b"{\"hello\": \"world\"}\n";
    assert_eq!(base::to_base64(&Hash::of(&[body]).0), "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=");
}

const NOW: i64 = 1_800_000_000;
const POST: Request<'_> = Request { method: "POST", authority: "ledger.example", path: "/events", query: None };
const GET: Request<'_> =
    Request { method: "GET", authority: "ledger.example:8443", path: "/packs", query: Some("stream=a%2Fb&audience=c") };

fn key() -> SecretKey {
    SecretKey::new("x.example/log/cso-league/office-1", &[7; 32])
}

/// A keyring with the key in force, a key that has ended, and one that begins later.
fn keyring() -> Keyring {
    let mut keyring = Keyring::new(Origin::parse("x.example/log").unwrap());
    let at = Timestamp::from_unix;
    for (key, from, until) in [
        (key(), NOW - 1_000, None),
        (SecretKey::new("x.example/log/cso-league/office-2", &[8; 32]), NOW - 1_000, Some(NOW)),
        (SecretKey::new("x.example/log/cso-league/office-3", &[9; 32]), NOW + 1, None),
    ] {
        let holder = Holder { party: "cso-league".to_owned(), name: "office".to_owned() };
        keyring.add(PublicKey::new(&key.vkey()).unwrap(), holder, Role::Cso, at(from), until.map(at));
    }
    keyring
}

fn signed(request: &Request<'_>, body: Option<&[u8]>) -> Fields {
    sign(request, body, &key(), Timestamp::from_unix(NOW), LIFETIME_SECONDS, &[3; NONCE_BYTES]).unwrap()
}

fn check(request: &Request<'_>, fields: &Fields) -> Result<Unspent, BadRequest> {
    verify(request, &received(fields), &keyring(), Timestamp::from_unix(NOW))
}

fn received(fields: &Fields) -> Received<'_> {
    Received {
        content_digest: fields.content_digest.iter().map(String::as_bytes).collect(),
        signature_input: vec![fields.signature_input.as_bytes()],
        signature: vec![fields.signature.as_bytes()],
    }
}

fn memory() -> Nonces {
    Nonces::new(Timestamp::from_unix(NOW), 10, 10)
}

#[test]
fn what_is_signed_is_read_and_says_who() {
    for (request, body) in [(POST, Some(&b"{}\n"[..])), (POST, Some(b"")), (GET, None)] {
        let unspent = check(&request, &signed(&request, body)).unwrap();
        let caller = memory().spend(unspent, Timestamp::from_unix(NOW)).unwrap();
        assert_eq!((caller.get().key, caller.get().holder.party.as_str()), (0, "cso-league"));
        assert_eq!(caller.get().carries(body.unwrap_or_default()), Ok(()));
        let other = if body.is_some() { BadRequest::Digest } else { BadRequest::NoDigest };
        assert_eq!(caller.get().carries(b"other"), Err(other));
    }
}

#[test]
fn a_key_of_seals_signs_no_request_under_any_name() {
    let now = Timestamp::from_unix(NOW);
    let names = ["x.example/log/op/ledger", "x.example/log/op/o9", "x.example/log/op/o1"];
    let keys: Vec<SecretKey> =
        names.iter().zip([4, 4, 5]).map(|(name, seed)| SecretKey::new(name, &[seed; 32])).collect();
    let mut keyring = Keyring::new(Origin::parse("x.example/log").unwrap());
    for (number, key) in keys.iter().enumerate() {
        let holder = Holder { party: "op".to_owned(), name: format!("{number}") };
        keyring.add(PublicKey::new(&key.vkey()).unwrap(), holder, Role::Operator, now.plus_seconds(-9), None);
    }
    let asks = |keyring: &Keyring, key: &SecretKey| {
        let fields = sign(&POST, Some(b""), key, now, LIFETIME_SECONDS, &[3; NONCE_BYTES]).unwrap();
        verify(&POST, &received(&fields), keyring, now).map(drop)
    };
    keys.iter().for_each(|key| assert_eq!(asks(&keyring, key), Ok(())));
    keyring.begin_sealing(0);
    for (key, wants) in keys.iter().zip([false, false, true]) {
        let keyid = format!("{}+{}", key.vkey().name, key.vkey().id());
        let want = if wants { Ok(()) } else { Err(BadRequest::Seals { keyid }) };
        assert_eq!(asks(&keyring, key), want);
    }
}

#[test]
fn what_the_client_writes_has_this_form() {
    let fields = signed(&POST, Some(b""));
    let keyid = format!("x.example/log/cso-league/office-1+{}", key().vkey().id());
    assert_eq!(
        fields.signature_input,
        format!(
            "sig=(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\");created=1800000000\
             ;expires=1800000060;nonce=\"AwMDAwMDAwMDAwMDAwMDAw==\";keyid=\"{keyid}\";alg=\"ed25519\"\
             ;tag=\"oversight-ledger\""
        )
    );
    assert_eq!(
        fields.content_digest.as_deref(),
        Some("sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
        "the digest of no bytes"
    );
}

#[test]
fn another_request_is_not_the_one_that_was_signed() {
    let fields = signed(&GET, None);
    for other in [
        Request { method: "HEAD", ..GET },
        Request { authority: "mirror.example:8443", ..GET },
        Request { authority: "ledger.example", ..GET },
        Request { path: "/openings", ..GET },
        Request { path: "/packs/", ..GET },
        Request { path: "/%70acks", ..GET },
        Request { query: None, ..GET },
        Request { query: Some("stream=a/b&audience=c"), ..GET },
        Request { query: Some("audience=c&stream=a%2Fb"), ..GET },
    ] {
        assert!(matches!(check(&other, &fields), Err(BadRequest::Signature { .. })), "{other:?}");
    }
}

#[test]
fn a_request_has_one_form() {
    let long = format!("/{}", "a".repeat(TARGET_BYTES_MAX));
    for (request, part) in [
        (Request { method: "post", ..POST }, "method"),
        (Request { method: "", ..POST }, "method"),
        (Request { authority: "Ledger.example", ..POST }, "authority"),
        (Request { authority: "ledger.example/x", ..POST }, "authority"),
        (Request { authority: "me@ledger.example", ..POST }, "authority"),
        (Request { authority: "", ..POST }, "authority"),
        (Request { path: "events", ..POST }, "path"),
        (Request { path: "", ..POST }, "path"),
        (Request { path: "/a b", ..POST }, "path"),
        (Request { path: "/a\n\"@query\": ?b", ..POST }, "path"),
        (Request { path: "/a?b", ..POST }, "path"),
        (Request { path: &long, ..POST }, "path"),
        (Request { query: Some("a b"), ..POST }, "query"),
        (Request { query: Some("a#b"), ..POST }, "query"),
        (Request { query: Some("é"), ..POST }, "query"),
    ] {
        let refused = Err(BadRequest::Form { part });
        assert_eq!(sign(&request, None, &key(), Timestamp::from_unix(NOW), 60, &[0; 16]).map(drop), refused.clone());
        assert_eq!(check(&request, &signed(&GET, None)).map(drop), refused, "{request:?}");
    }
    for (host, tls, want) in [
        ("Ledger.Example", false, "ledger.example"),
        ("ledger.example:80", false, "ledger.example"),
        ("ledger.example:80", true, "ledger.example:80"),
        ("ledger.example:443", true, "ledger.example"),
        ("[::1]:8080", false, "[::1]:8080"),
    ] {
        assert_eq!(authority(host, tls), want);
    }
}

/// Alters one field; the signature is made anew where the form and not the signature is on trial.
#[test]
fn every_refusal_says_what_to_mend() {
    use BadRequest::{
        Covered, Early, Label, Late, Lifetime, Missing, NotInForce, Parameter, Signature, Syntax, Twice, Unknown,
        UnknownKey,
    };
    let good = signed(&POST, Some(b"body"));
    let id = |key: &SecretKey| format!("{}+{}", key.vkey().name, key.vkey().id());
    let (mine, input) = (id(&key()), &good.signature_input);
    let ended = id(&SecretKey::new("x.example/log/cso-league/office-2", &[8; 32]));
    let later = id(&SecretKey::new("x.example/log/cso-league/office-3", &[9; 32]));
    let refused = |from: &str, to: &str| {
        assert!(input.contains(from), "{from}");
        let altered = Fields { signature_input: input.replacen(from, to, 1), ..good.clone() };
        check(&POST, &altered).map(drop).unwrap_err()
    };
    let keyid = |keyid: &str| keyid.to_owned();
    for (from, to, want) in [
        // A second spelling of the same thing.
        ("sig=", "sig= ", Syntax { field: INPUT }),
        ("(\"@method\"", "( \"@method\"", Syntax { field: INPUT }),
        (";created", "; created", Syntax { field: INPUT }),
        ("created=18", "created=018", Syntax { field: INPUT }),
        (";created", ";created=1;created", Syntax { field: INPUT }),
        ("sig=", "sig=1, sig=", Syntax { field: INPUT }),
        ("sig=", "other=1, sig=", Syntax { field: INPUT }),
        ("sig=(\"@method\"", "sig=(\"@method\";x;y=\"\\a\"", Syntax { field: INPUT }),
        ("sig=", "", Syntax { field: INPUT }),
        ("sig=", "Sig=", Syntax { field: INPUT }),
        ("sig=", "gis=", Label),
        // Other components.
        ("\"@method\" ", "", Covered),
        (" \"@query\"", "", Covered),
        (" \"content-digest\"", "", Covered),
        (" \"content-digest\"", " \"content-digest\" \"date\"", Covered),
        ("\"@method\" \"@authority\"", "\"@authority\" \"@method\"", Covered),
        ("\"@query\"", "\"@query\" \"@query\"", Covered),
        ("\"@path\"", "\"@path\";req", Covered),
        ("\"@path\"", "path", Covered),
        // Other parameters.
        (";created=1800000000", "", Parameter { name: "created" }),
        ("created=1800000000", "created=\"1800000000\"", Parameter { name: "created" }),
        ("created=1800000000", "created=-1", Parameter { name: "created" }),
        (";expires=1800000060", "", Parameter { name: "expires" }),
        ("AwMDAwMDAwMDAwMDAwMDAw==", "AwMDAwMDAwMDAwMDAwMD", Parameter { name: "nonce" }),
        ("AwMDAwMDAwMDAwMDAwMDAw==", "AwMDAwMDAwMDAwMDAwMDAx==", Parameter { name: "nonce" }),
        ("AwMDAwMDAwMDAwMDAwMDAw==", "AwMDAwMDAwMDAwMDAwMDAw", Parameter { name: "nonce" }),
        ("alg=\"ed25519\"", "alg=\"rsa-v1_5-sha256\"", Parameter { name: "alg" }),
        ("alg=\"ed25519\"", "alg=ed25519", Parameter { name: "alg" }),
        (";alg=\"ed25519\"", "", Parameter { name: "alg" }),
        ("oversight-ledger", "web-bot-auth", Parameter { name: "tag" }),
        (";tag=\"oversight-ledger\"", "", Parameter { name: "tag" }),
        (";tag", ";x;tag", Unknown),
        (mine.as_str(), "office-1", Parameter { name: "keyid" }),
        (mine.as_str(), "x+ABCDEF01", Parameter { name: "keyid" }),
        (mine.as_str(), "x+abcdef01", UnknownKey { keyid: keyid("x+abcdef01") }),
        (mine.as_str(), ended.as_str(), NotInForce { keyid: ended.clone() }),
        (mine.as_str(), later.as_str(), NotInForce { keyid: later.clone() }),
        // Other times.
        ("created=1800000000", "created=1800000011", Early { seconds: 11 }),
        ("created=1800000000", "created=1800000060", Lifetime { seconds: 0 }),
        ("created=1800000000", "created=1799999759", Lifetime { seconds: 301 }),
        ("created=1800000000;expires=1800000060", "created=1799999990;expires=1800000000", Late { seconds: 0 }),
        ("created=1800000000", "created=1799999999", Signature { keyid: mine.clone() }),
        ("nonce=\"Aw", "nonce=\"Bw", Signature { keyid: mine.clone() }),
    ] {
        assert_eq!(refused(from, to), want, "{from} -> {to}");
    }
    let now = Timestamp::from_unix(NOW);
    let (input, signature) = (input.as_bytes(), good.signature.as_bytes());
    let digest = good.content_digest.as_deref().unwrap();
    let short = signature[..signature.len() - 20].to_vec();
    let short = [&short[..short.len() - (short.len() - 5) % 4], b":"].concat();
    let sha_512 = digest.replace("sha-256", "sha-512");
    let twice = format!("{digest}, sha-512=:AA==:");
    let other = format!("sha-256=:{}:", base::to_base64(&Hash::of(&[b"other"]).0));
    let long = vec![b'a'; FIELD_BYTES_MAX + 1];
    let digest = digest.as_bytes();
    for (digests, inputs, signatures, want) in [
        (vec![digest], vec![], vec![signature], Missing { field: INPUT }),
        (vec![digest], vec![input], vec![], Missing { field: SIGNATURE }),
        (vec![digest], vec![input, input], vec![signature], Twice { field: INPUT }),
        (vec![digest], vec![input], vec![signature, signature], Twice { field: SIGNATURE }),
        (vec![digest, digest], vec![input], vec![signature], Twice { field: DIGEST }),
        (vec![], vec![input], vec![signature], Covered),
        (vec![sha_512.as_bytes()], vec![input], vec![signature], Syntax { field: DIGEST }),
        (vec![twice.as_bytes()], vec![input], vec![signature], Syntax { field: DIGEST }),
        (vec![b"sha-256=:AA==:"], vec![input], vec![signature], Syntax { field: DIGEST }),
        (vec![other.as_bytes()], vec![input], vec![signature], Signature { keyid: mine.clone() }),
        (vec![digest], vec![b"sig"], vec![signature], Syntax { field: INPUT }),
        (vec![digest], vec![b""], vec![signature], Syntax { field: INPUT }),
        (vec![digest], vec![b"\xff"], vec![signature], Syntax { field: INPUT }),
        (vec![digest], vec![&long], vec![signature], Syntax { field: INPUT }),
        (vec![digest], vec![input], vec![b"sig=\"text\""], Syntax { field: SIGNATURE }),
        (vec![digest], vec![input], vec![b"sig=:AA==:;x"], Syntax { field: SIGNATURE }),
        (vec![digest], vec![input], vec![b"sig=:AA==:"], Signature { keyid: mine.clone() }),
        (vec![digest], vec![input], vec![short.as_slice()], Signature { keyid: mine.clone() }),
    ] {
        let received = Received { content_digest: digests, signature_input: inputs, signature: signatures };
        assert_eq!(verify(&POST, &received, &keyring(), now).map(drop), Err(want), "{received:?}");
    }
    for seconds in [0, -1, 301] {
        assert_eq!(sign(&POST, None, &key(), now, seconds, &[0; 16]), Err(Lifetime { seconds }));
    }
}

/// Whoever holds a key for events has signed no request by it, and the other way round.
#[test]
fn a_note_is_no_request() {
    let base_text = POST.base(None, "()");
    assert!(schemas::note::Note::parse(format!("{base_text}\n\n").as_bytes()).is_err());
    assert!(
        base_text.starts_with("\"@method\": POST\n\"@authority\": ledger.example\n\"@path\": /events\n\"@query\": ?\n")
    );
    let vkey = key().vkey().to_string();
    assert!(Vkey::parse(&vkey).is_ok());
}

#[test]
fn a_request_is_taken_once_within_its_time() {
    let at = |seconds: i64| Timestamp::from_unix(NOW + seconds);
    let request = |created: i64, nonce: u8| {
        let fields = sign(&POST, None, &key(), at(created), 10, &[nonce; NONCE_BYTES]).unwrap();
        verify(&POST, &received(&fields), &keyring(), at(created)).unwrap()
    };
    let mut memory = Nonces::new(at(0), 3, 2);
    for (created, nonce, now, want, remembered) in [
        (0, 1, 0, Ok(()), 1),
        (0, 1, 9, Err(BadRequest::Replayed), 1),
        (0, 2, 9, Ok(()), 2),
        (0, 3, 9, Err(BadRequest::TooMany), 2),
        (0, 1, 10, Err(BadRequest::Late { seconds: 0 }), 0),
        (0, 1, 0, Err(BadRequest::Late { seconds: 0 }), 0),
        (5, 1, 10, Ok(()), 1),
        (5, 1, 14, Err(BadRequest::Replayed), 1),
        (-1, 9, 0, Err(BadRequest::Forgotten), 1),
        (20, 1, 20, Ok(()), 1),
    ] {
        let got = memory.spend(request(created, nonce), at(now)).map(drop);
        assert_eq!((got, memory.len()), (want, remembered), "created {created}, nonce {nonce}, now {now}");
    }
    let mut full = Nonces::new(at(0), 0, 9);
    assert_eq!(full.spend(request(0, 1), at(0)).map(drop), Err(BadRequest::TooMany));
    assert!(full.is_empty());
}

/// Whatever the clock does, and whoever remembers after a restart, what was taken is never taken again; and a lead of the
/// clock shuts out nobody once it is over.
#[test]
fn a_clock_that_leads_and_comes_back_revives_nothing_and_shuts_out_nobody() {
    let at = |seconds: i64| Timestamp::from_unix(NOW + seconds);
    let request = |created: i64, nonce: u8| {
        let fields = sign(&POST, None, &key(), at(created), 60, &[nonce; NONCE_BYTES]).unwrap();
        verify(&POST, &received(&fields), &keyring(), at(created)).unwrap()
    };
    let day = 86_400;
    let mut memory = Nonces::new(at(-1_000), 100, 100);
    for (created, nonce, now, good) in [
        (0, 1, 0, true),
        (day, 2, day, true),  // the clock leads, and so does a client
        (0, 1, day, false),   // dropped as expired
        (0, 1, 1, false),     // the clock is back: it was taken
        (61, 3, 61, true),    // and everybody else is served
        (day, 2, 62, false),  // dated ahead: remembered until then
        (day, 2, day, false), // and then
        (day + 1, 4, day, true),
    ] {
        assert_eq!(memory.spend(request(created, nonce), at(now)).is_ok(), good, "{created} {nonce} {now}");
        // A process that remembers what was written down says the same.
        let mut again = Nonces::new(at(-1_000), 100, 100);
        let lines: Vec<String> = memory.iter().map(Taken::to_line).collect();
        lines.iter().for_each(|line| again.recall(&Taken::parse(line.trim_end()).unwrap()));
        if good {
            assert_eq!(again.spend(request(created, nonce), at(now)).map(drop), Err(BadRequest::Replayed));
        }
        // One that remembers nothing refuses what may have come.
        let mut blank = Nonces::new(at(-1_000), 100, 100);
        blank.drop_until(at(created + 60));
        assert!(matches!(blank.spend(request(created, nonce), at(now)), Err(BadRequest::Late { .. })));
    }
    // Dated in one lead and dropped in a longer one, it would shut out everybody in between: so a lead drops nothing.
    let mut memory = Nonces::new(at(-1_000), 100, 100);
    for (created, nonce, now, sure, good) in [
        (1_000, 1, 1_000, 0, true),
        (day, 2, day, 1, true),
        (2, 3, 2, 2, true),
        (1_000, 1, 1_000, 1_000, false),
        (1_001, 4, 1_001, 1_001, true),
    ] {
        let got = memory.spend_when(request(created, nonce), at(now), at(sure));
        assert_eq!(got.is_ok(), good, "{created} {nonce} {now}");
    }
    for line in
        ["", "5", "5 1", "5 1 zz", "05 1 00000000000000000000000000000000", "5 1 00000000000000000000000000000000 "]
    {
        assert_eq!(Taken::parse(line), None, "{line:?}");
    }
}
