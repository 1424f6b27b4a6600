//! Requests from those who should not be heard: another page, another name, another user, too much at once.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::common::Prison;

/// Longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

struct Answer {
    status: u16,
    head: String,
    body: String,
}

fn ask(address: SocketAddr, text: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // A server that has refused already reads no further.
    let _ = stream.write_all(text);
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// A browser that was let in: its cookie, and the path of the desk.
struct In {
    address: SocketAddr,
    cookie: String,
    path: String,
    form: String,
}

impl In {
    fn get(&self, page: &str, headers: &str) -> Answer {
        let (address, path) = (self.address, &self.path);
        let text = format!("GET {path}/{page} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n");
        ask(address, text.as_bytes())
    }

    fn cookie(&self) -> String {
        format!("Cookie: {}\r\n", self.cookie)
    }

    fn post(&self, page: &str, headers: &str, body: &str) -> Answer {
        let (address, path) = (self.address, &self.path);
        let text = format!(
            "POST {path}/{page} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=x\r\n\
             Content-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        ask(address, text.as_bytes())
    }
}

fn part(name: &str, value: &str) -> String {
    format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn enter(prison: &Prison) -> In {
    let (address, link) = (prison.address, prison.link());
    let path = link.split_once(&address.to_string()).unwrap().1;
    // Who only looks at the link has not opened it.
    for method in ["HEAD", "OPTIONS", "POST"] {
        let text = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        assert!([403, 405].contains(&ask(address, text.as_bytes()).status), "{method}");
    }
    let opened =
        ask(address, format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes());
    assert_eq!(opened.status, 303, "{}", opened.head);
    let line = |name: &str| opened.head.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    let (cookie, location) = (line("set-cookie:"), line("location:"));
    assert!(
        cookie.contains("httponly")
            && cookie.contains("samesite=strict")
            && cookie.contains(location.trim_end_matches('/'))
    );
    // The same link opens nothing a second time.
    let again = ask(address, format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes());
    assert_eq!(again.status, 401);
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let mut inside = In { address, cookie, path: location.trim_end_matches('/').to_owned(), form: String::new() };
    let home = inside.get("", &inside.cookie());
    assert_eq!(home.status, 200);
    inside.form = home.body.split("name=\"form\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    inside
}

/// Asks until the desk has the pack that tells of the others' records.
fn has_pack(inside: &In) {
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while !inside.get("", &inside.cookie()).body.contains(">Owed <span class=\"count\">") {
        assert!(std::time::Instant::now() < end, "no pack came");
    }
}

#[test]
fn whoever_should_not_be_heard_is_not() {
    let prison = Prison::open("en");
    let inside = enter(&prison);
    let (address, cookie) = (inside.address, inside.cookie());
    let own = format!("Origin: http://{address}\r\n");
    let before = prison.own();

    // Reading.
    for (what, headers, want) in [
        ("with the session", cookie.clone(), 200),
        ("without a session", String::new(), 401),
        ("with another session", "Cookie: desk=0000\r\n".to_owned(), 401),
        ("from another page", format!("{cookie}Sec-Fetch-Site: cross-site\r\n"), 403),
        ("from another port of this machine", format!("{cookie}Sec-Fetch-Site: same-site\r\n"), 403),
        ("with a foreign origin", format!("{cookie}Origin: http://evil.example\r\n"), 403),
    ] {
        assert_eq!(inside.get("records", &headers).status, want, "{what}");
    }
    for host in ["evil.example", "localhost", &format!("evil.example:{}", address.port()), "127.0.0.1"] {
        let text = format!("GET {}/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{cookie}\r\n", inside.path);
        assert_eq!(ask(address, text.as_bytes()).status, 421, "a name that was made to point here: {host}");
    }
    let two = format!(
        "GET {}/ HTTP/1.1\r\nHost: {address}\r\nHost: evil.example\r\nConnection: close\r\n{cookie}\r\n",
        inside.path
    );
    assert!([400, 421].contains(&ask(address, two.as_bytes()).status));
    for path in ["/", "/records", "/style.css", "/open/", "/open/0000", "/../etc/passwd"] {
        let text = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{cookie}\r\n");
        let answer = ask(address, text.as_bytes());
        assert!([401, 404].contains(&answer.status), "{path}: {}", answer.status);
        assert!(!answer.body.contains("Prison A"), "{path} tells whose desk this is");
    }

    // Changing.
    let number = part("form", &inside.form) + &part("language", "fr") + "--x--\r\n";
    let forged = part("form", "0000") + &part("language", "fr") + "--x--\r\n";
    for (what, headers, body, want) in [
        ("from a page of the desk", format!("{cookie}{own}"), &number, 303),
        ("without an origin", cookie.clone(), &number, 403),
        ("from nowhere", format!("{cookie}Origin: null\r\n"), &number, 403),
        (
            "from another port",
            format!("{cookie}Origin: http://127.0.0.1:1\r\nSec-Fetch-Site: same-site\r\n"),
            &number,
            403,
        ),
        (
            "from another page",
            format!("{cookie}Origin: http://evil.example\r\nSec-Fetch-Site: cross-site\r\n"),
            &number,
            403,
        ),
        ("without a session", own.clone(), &number, 401),
        ("with a number that is not the form's", format!("{cookie}{own}"), &forged, 403),
        ("with nothing in it", format!("{cookie}{own}"), &String::new(), 400),
    ] {
        assert_eq!(inside.post("language", &headers, body).status, want, "{what}");
    }
    let plain = format!(
        "POST {}/language HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n{cookie}{own}\r\nhi",
        inside.path
    );
    assert_eq!(ask(address, plain.as_bytes()).status, 400, "not a form");

    // Too much: the length alone is enough to refuse it, and so is the body of one who lies about it.
    let huge = "a".repeat(17 << 20);
    let body = part("form", &inside.form)
        + &part("charset", "utf-8")
        + "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"visit.completed.csv\"\r\n\r\n"
        + &huge
        + "\r\n--x--\r\n";
    assert_eq!(inside.post("file", &format!("{cookie}{own}"), &body).status, 413);
    let many: String = (0..2_100).map(|n| part(&format!("f.{n}"), "x")).collect();
    assert_eq!(inside.post("file", &format!("{cookie}{own}"), &(many + "--x--\r\n")).status, 400);

    // Names that lead elsewhere, and what a page may do.
    for page in [
        "records/../../x",
        "records/%2e%2e",
        "approve/..%2f..%2fkeys",
        "template/..%2fx.csv",
        "record/ledger.genesis",
        "record/nothing",
    ] {
        let answer = inside.get(page, &cookie);
        assert!([401, 404].contains(&answer.status), "{page}: {}", answer.status);
    }
    let home = inside.get("", &cookie);
    for line in [
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "referrer-policy: same-origin",
        "x-frame-options: deny",
    ] {
        assert!(home.head.contains(line), "{line} in\n{}", home.head);
    }
    assert_eq!(prison.own(), before, "nothing was recorded");

    // Whoever is let in later is alone in it; whoever leaves is out.
    let second = enter(&prison);
    assert_eq!(inside.get("", &cookie).status, 401);
    let number = part("form", &second.form) + "--x--\r\n";
    assert_eq!(second.post("leave", &format!("{}{own}", second.cookie()), &number).status, 200);
    assert_eq!(second.get("", &second.cookie()).status, 401);
}

#[test]
fn a_desk_listens_to_this_machine_alone() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"] {
        let refused = runtime.block_on(async { ledger::desk::http::is_own(address.parse().unwrap()) });
        assert!(refused.is_err(), "{address}");
    }
    assert!(ledger::desk::http::is_own("127.0.0.1:0".parse().unwrap()).is_ok());
}

/// The value of an attribute of the first element that has this before it.
fn after<'a>(body: &'a str, before: &str) -> &'a str {
    body.split_once(before).unwrap_or_else(|| panic!("{before} in {body}")).1.split('"').next().unwrap()
}

#[test]
fn a_form_sent_twice_is_one_record() {
    let prison = Prison::open("en");
    let inside = enter(&prison);
    let headers = format!("{}Origin: http://{}\r\n", inside.cookie(), inside.address);
    let today = ledger::clock::Clock::System.now().date(60).to_string();
    let status = |row: &str, reason: &str| {
        let parts = [
            ("form", inside.form.as_str()),
            ("row", row),
            ("f.occurred_at", &today),
            ("f.signer", "d1"),
            ("f.status", "partial"),
            ("f.reason", reason),
            ("f.from", &format!("{today}T00:00")),
        ];
        parts.map(|(name, value)| part(name, value)).concat() + "--x--\r\n"
    };
    let to = |answer: &Answer| answer.head.lines().find_map(|line| line.strip_prefix("location: ")).map(str::to_owned);
    let page = "record/facility.status.changed";
    let row = |body: &str| after(body, "name=\"row\" value=\"").to_owned();
    let first = row(&inside.get(page, &inside.cookie()).body);
    let second = row(&inside.get(page, &inside.cookie()).body);
    assert_ne!(first, second, "two forms of one second are two rows");

    let recorded = inside.post(page, &headers, &status(&first, "staffing"));
    assert_eq!(recorded.status, 303, "{}", recorded.body);
    let record = to(&recorded).unwrap();
    // Back and again, another tab, an answer that was lost: the same record is shown.
    for _ in 0..2 {
        let again = inside.post(page, &headers, &status(&first, "staffing"));
        assert_eq!((again.status, to(&again)), (303, Some(record.clone())), "{}", again.body);
    }
    // With another content: what was recorded is shown, and nothing more is recorded.
    for (reason, told) in
        [("holiday", "<code dir=\"ltr\">reason</code>"), ("nonsense", "This form was recorded already")]
    {
        let other = inside.post(page, &headers, &status(&first, reason));
        assert_eq!(other.status, 409, "{}", other.body);
        assert!(other.body.contains("This form was recorded already") && other.body.contains(told), "{}", other.body);
        assert!(other.body.contains("staffing"), "what was recorded is shown: {}", other.body);
        assert!(other.body.contains(&record), "{}", other.body);
    }
    let held = inside.get("records", &inside.cookie()).body;
    assert_eq!(held.matches("declares an emergency").count(), 1, "{held}");
    // The other form is another record, whoever was first.
    assert_eq!(inside.post(page, &headers, &status(&second, "staffing")).status, 303);
    // A form without the row that it was made with, whoever made it, is shown once more and records nothing.
    let bare = |row: &str| match row {
        "none" => status("X", "staffing").replace(&part("row", "X"), ""),
        row => status(row, "staffing"),
    };
    for without in ["none", "", " ", "a b", "../x", "\u{202e}"] {
        let answer = inside.post(page, &headers, &bare(without));
        assert!(answer.status != 303 && to(&answer).is_none(), "{without:?}: {}", answer.status);
    }
    let held = inside.get("records", &inside.cookie()).body;
    assert_eq!(held.matches("declares an emergency").count(), 2, "{held}");
    // Both at once are one record too.
    let third = row(&inside.get(page, &inside.cookie()).body);
    let body = status(&third, "staffing");
    let both: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(|| inside.post(page, &headers, &body).status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(both, [303, 303]);
    let held = inside.get("records", &inside.cookie()).body;
    assert_eq!(held.matches("declares an emergency").count(), 3, "{held}");

    // A file whose button is pressed twice says both times what became of it.
    let file = format!(
        "row_id,occurred_at,signer,cosigner,id,facility,status,reason,from\nt1,{today},d1,,,fac-a,partial,staffing,{today}T00:00:00Z\n"
    );
    let body = part("form", &inside.form)
        + &part("charset", "utf-8")
        + "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"facility.status.changed.\u{202e}gpj.csv\"\r\n\r\n"
        + &file
        + "\r\n--x--\r\n";
    let tried = inside.post("file", &headers, &body);
    assert_eq!(tried.status, 200, "{}", tried.body);
    assert!(tried.body.contains("\u{27e8}U+202E\u{27e9}gpj") && !tried.body.contains('\u{202e}'), "{}", tried.body);
    let number = after(&tried.body, "name=\"number\" value=\"").to_owned();
    let body = part("form", &inside.form) + &part("number", &number) + "--x--\r\n";
    for _ in 0..2 {
        let taken = inside.post("file/record", &headers, &body);
        assert!(taken.status == 200 && taken.body.contains("<bdi>1</bdi> row is recorded here"), "{}", taken.body);
    }
}

#[test]
fn a_form_sent_again_after_a_restart_shows_the_record_that_it_made() {
    let mut prison = Prison::open("en");
    let today = ledger::clock::Clock::System.now().date(60).to_string();
    let from = format!("{today}T00:00");
    let status = [("f.signer", "d1"), ("f.status", "partial"), ("f.reason", "staffing"), ("f.from", from.as_str())];
    let corrected = [
        ("f.signer", "d1"),
        ("f.cosigner", "d2"),
        ("f.target", "fac-a/facility.status.changed/s-1"),
        ("f.field_name", "status"),
        ("f.new_value_public", "open"),
        ("b.new_value_public", "fr"),
        ("f.reason", "typo"),
    ];
    let send = |prison: &Prison, page: &str, row: &str, at: &str, fields: &[(&str, &str)]| {
        let inside = enter(prison);
        let headers = format!("{}Origin: http://{}\r\n", inside.cookie(), inside.address);
        let own = [("form", inside.form.as_str()), ("row", row), ("f.occurred_at", &today), ("b.occurred_at", at)];
        let body = own.iter().chain(fields).map(|(name, value)| part(name, value)).collect::<String>() + "--x--\r\n";
        inside.post(&format!("record/{page}"), &headers, &body)
    };
    let to = |answer: &Answer| {
        let line = answer.head.lines().find_map(|line| line.strip_prefix("location: ")).map(str::to_owned);
        // After the session's own part.
        line.and_then(|line| {
            line.rsplit_once('/').map(|(place, name)| format!("{}/{name}", place.rsplit('/').next().unwrap()))
        })
    };
    // A day alone, and an instant; one that a second person is to sign, with values that nobody here can read again.
    let forms = [
        ("facility.status.changed", "s-1", "", &status[..], true),
        ("facility.status.changed", "s-2", "00:00", &status[..], true),
        ("record.corrected", "d-1", "", &corrected[..], false),
    ];
    let made = forms.map(|(page, row, at, fields, _)| {
        let sent = send(&prison, page, row, at, fields);
        assert_eq!(sent.status, 303, "{row}: {}", sent.body);
        to(&sent).unwrap()
    });
    prison.restart();
    for ((page, row, at, fields, is_open), made) in forms.into_iter().zip(&made) {
        let again = send(&prison, page, row, at, fields);
        if is_open {
            assert_eq!((again.status, to(&again).as_ref()), (303, Some(made)), "{row}: {}", again.body);
        } else {
            assert_eq!(again.status, 200, "{row}: {}", again.body);
            assert!(again.body.contains(made) && again.body.contains("says the same"), "{}", again.body);
        }
        let other: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| {
                (*name, if *name == "f.reason" { if is_open { "holiday" } else { "late_info" } } else { *value })
            })
            .collect();
        assert_eq!(send(&prison, page, row, at, &other).status, 409, "{row}");
    }

    // An approval sent twice, and once more after a restart, is one record.
    let (place, name) = made[2].split_once('/').unwrap();
    assert_eq!(place, "approve");
    let key = std::fs::read_to_string(prison.second_key()).unwrap();
    for _ in 0..2 {
        for _ in 0..2 {
            let inside = enter(&prison);
            let headers = format!("{}Origin: http://{}\r\n", inside.cookie(), inside.address);
            let body = part("form", &inside.form)
                + "--x\r\nContent-Disposition: form-data; name=\"key\"; filename=\"k\"\r\n\r\n"
                + &key
                + "\r\n--x--\r\n";
            let approved = inside.post(&format!("approve/{name}"), &headers, &body);
            assert_eq!((approved.status, to(&approved)), (303, Some(format!("records/{name}"))), "{}", approved.body);
        }
        prison.restart();
    }
    let inside = enter(&prison);
    let held = inside.get("records", &inside.cookie()).body;
    assert_eq!(held.matches(&format!("records/{name}")).count(), 1, "{held}");
}

#[test]
fn whoever_approves_sees_what_is_signed() {
    let prison = Prison::open("en");
    let inside = enter(&prison);
    has_pack(&inside);
    let headers = format!("{}Origin: http://{}\r\n", inside.cookie(), inside.address);
    let today = ledger::clock::Clock::System.now().date(60).to_string();
    let denied = |row: &str, id: &str, text: &str| {
        let parts = [
            ("form", inside.form.as_str()),
            ("row", row),
            ("f.occurred_at", &today),
            ("f.signer", "d1"),
            ("f.cosigner", "d2"),
            ("f.id", id),
            ("f.request", "rq-1"),
            ("f.facility", "fac-a"),
            ("f.organisation", "cso-x"),
            ("f.reason", "security_incident"),
            ("f.individual_assessment", "true"),
            ("f.justification_given", "true"),
            ("f.justification", text),
            ("b.f.justification", "fr"),
            ("b.justification", "fr"),
            ("f.auto", "false"),
        ];
        let body = parts.map(|(name, value)| part(name, value)).concat() + "--x--\r\n";
        inside.post("record/access.request.denied", &headers, &body)
    };
    let mut pages = std::collections::BTreeSet::new();
    // What hides is refused; what does not, and yet looks alike, is told apart before the second signature.
    for hides in
        ["Refus \u{202e}drug", "Re\u{200b}fus", "Refus\u{e0041}", "Refus\u{7}", "a\u{85}b", "a\u{2028}b", "\u{ffff}"]
    {
        let refused = denied("d-0", "dn-0", hides);
        assert_eq!(refused.status, 422, "{hides:?}");
        let text = refused.body.replace(['\n', '\r', '\t'], "");
        assert!(!text.contains(|c| schemas::visible::kind(c).is_some()), "{hides:?} in {text}");
    }
    for (n, text) in
        ["two words", "two\u{a0}words", "two  words", "two\u{2009}words", "two\nwords", "d\u{e9}tenu", "de\u{301}tenu"]
            .into_iter()
            .enumerate()
    {
        let waits = denied(&format!("d-{n}x"), &format!("dn-{n}x"), text);
        assert_eq!(waits.status, 303, "{text:?}: {}", waits.body);
        let to = waits.head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap().to_owned();
        let page = inside
            .get(
                to.split_once("/approve/").map(|(_, name)| format!("approve/{name}")).unwrap().as_str(),
                &inside.cookie(),
            )
            .body;
        let exact = page.split_once("hidden.justification").unwrap().1;
        let exact = exact.split("<code>").nth(1).unwrap().split("</code>").next().unwrap();
        assert!(
            pages.insert(exact.split_whitespace().collect::<Vec<_>>().join(" ")),
            "{text:?} looks like another: {exact}"
        );
        for member in ["by", "seq", "row", "data.reason", "refs.request", "hidden.occurred_at", "hidden.recorded_at"] {
            assert!(page.contains(&format!("<code dir=\"ltr\">{member}</code>")), "{member} in {page}");
        }
    }
}

/// A form that is one, with a field more and a head for it.
fn form(inside: &In, head: &str, value: &[u8]) -> Vec<u8> {
    [part("form", &inside.form).as_bytes(), b"--x\r\n", head.as_bytes(), b"\r\n\r\n", value, b"\r\n--x--\r\n"].concat()
}

/// What a form may be called and hold, that no browser sends; and whether it can be a form all the same.
fn malformed(inside: &In) -> Vec<(&'static str, Vec<u8>, Vec<u8>, bool)> {
    let good = form(inside, "Content-Disposition: form-data; name=\"words\"", b"visit");
    let of = |kind: &str| kind.as_bytes().to_vec();
    let x = of("multipart/form-data; boundary=x");
    let named = |head: &str, value: &[u8]| form(inside, head, value);
    let disposition = "Content-Disposition: form-data; name=\"words\"";
    let with = |line: &str| named(&format!("{disposition}\r\n{line}"), b"visit");
    let urlencoded = format!("form={}&words=%zz%ff%00", inside.form).into_bytes();
    vec![
        ("no type", Vec::new(), good.clone(), false),
        ("an empty type", of(""), good.clone(), false),
        ("another type", of("text/plain"), good.clone(), false),
        ("another type, no charset", of("text/html"), good.clone(), false),
        ("another charset", of("text/plain; charset=utf-16"), good.clone(), false),
        ("a web form", of("application/x-www-form-urlencoded"), urlencoded.clone(), false),
        ("a web form in another charset", of("application/x-www-form-urlencoded; charset=koi8-r"), urlencoded, false),
        ("JSON", of("application/json"), b"{\"words\":".to_vec(), false),
        ("no boundary", of("multipart/form-data"), good.clone(), false),
        ("an empty boundary", of("multipart/form-data; boundary="), good.clone(), false),
        ("an open quote", of("multipart/form-data; boundary=\"x"), good.clone(), false),
        ("a wrong boundary", of("multipart/form-data; boundary=y"), good.clone(), false),
        ("two boundaries", of("multipart/form-data; boundary=y; boundary=x"), good.clone(), true),
        ("a long boundary", [of("multipart/form-data; boundary="), vec![b'x'; 9_000]].concat(), good.clone(), false),
        ("another multipart", of("multipart/mixed; boundary=x"), good.clone(), false),
        ("bytes in the type", b"multipart/form-data; boundary=\xff\xfe".to_vec(), good.clone(), false),
        ("capitals", of("MULTIPART/FORM-DATA; BOUNDARY=x"), good.clone(), true),
        ("a charset", of("multipart/form-data; charset=utf-16; boundary=x"), good.clone(), true),
        ("a quoted boundary", of("multipart/form-data; boundary=\"x\""), good.clone(), true),
        ("nothing in it", x.clone(), Vec::new(), false),
        ("an end alone", x.clone(), b"--x--\r\n".to_vec(), false),
        ("no end", x.clone(), good[..good.len() - 8].to_vec(), false),
        ("half of it", x.clone(), good[..good.len() / 2].to_vec(), false),
        ("bare line feeds", x.clone(), String::from_utf8(good.clone()).unwrap().replace("\r\n", "\n").into(), false),
        ("a part without a name", x.clone(), named("Content-Disposition: form-data", b"visit"), true),
        ("a part without a head", x.clone(), named("X-Nothing: 1", b"visit"), true),
        ("a head that is none", x.clone(), named("no colon", b"visit"), false),
        ("a head with NUL", x.clone(), named("Content-Disposition: form-data; name=\"\0\"", b"visit"), false),
        (
            "bytes in a name",
            x.clone(),
            [&b"--x\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\nx\r\n"[..], &good].concat(),
            true,
        ),
        ("a part in another charset", x.clone(), with("Content-Type: text/plain; charset=utf-16"), true),
        ("a part in no charset", x.clone(), with("Content-Type: text/plain; charset=nonsense"), true),
        ("a part without a charset", x.clone(), with("Content-Type: text/plain"), true),
        ("a part of no type", x.clone(), with("Content-Type: ;;;"), true),
        ("a part that is packed", x.clone(), with("Content-Transfer-Encoding: base64"), true),
        ("a part with a long head", x.clone(), with(&format!("X-Long: {}", "y".repeat(100_000))), true),
        ("a part with many heads", x.clone(), with(&"X-More: y\r\n".repeat(2_000)), false),
        ("not UTF-8", x.clone(), named(disposition, b"\xff\xfe"), false),
        ("NUL", x.clone(), named(disposition, b"a\0b"), true),
        ("what hides", x.clone(), named(disposition, "\u{202e}\u{2066}\u{1b}[2J".as_bytes()), true),
        ("long words", x.clone(), named(disposition, &[b'w'; 200_000]), true),
        ("a file for a word", x.clone(), named(&format!("{disposition}; filename=\"../\\\0..\""), b"visit"), false),
        ("a name in another charset", x, named(&format!("{disposition}; filename*=koi8-r''%ff%zz"), b"visit"), true),
    ]
}

#[test]
fn what_is_malformed_is_told_so_and_never_a_failure_of_the_desk() {
    let prison = Prison::open("en");
    let inside = enter(&prison);
    let (address, cookie) = (inside.address, inside.cookie());
    let own = format!("Origin: http://{address}\r\n");
    let before = prison.own();
    let mut bad = Vec::new();
    let mut judge = |what: String, answer: &Answer, is_bad: bool| {
        let wrong = is_bad && answer.status < 400;
        // What is no HTTP at all is turned away by whoever reads HTTP, without a word.
        let mute = answer.body.is_empty() && !matches!(answer.status, 0 | 303 | 400 | 414 | 431);
        if answer.status >= 500 || wrong || mute {
            bad.push(format!("{what}: {} {:?}", answer.status, answer.body.get(..120)));
        }
    };
    let pages = [
        "search",
        "record/facility.status.changed",
        "record/nothing",
        "file",
        "file/record",
        "approve/0000",
        "line/try",
        "line/pack",
        "language",
    ];
    for page in pages {
        for (what, kind, body, may_be) in malformed(&inside) {
            let kind = if kind.is_empty() { kind } else { [b"Content-Type: ", kind.as_slice(), b"\r\n"].concat() };
            let head = format!(
                "POST {}/{page} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{cookie}{own}Content-Length: {}\r\n",
                inside.path,
                body.len()
            );
            let answer = ask(address, &[head.as_bytes(), &kind, b"\r\n", &body].concat());
            judge(format!("{page}, {what}"), &answer, !may_be);
        }
        // Fields of the desk's own with what none of its pages would put there.
        for value in ["", "\0", "-1", "99999999999999999999", "../../etc", "\u{202e}", "x".repeat(70_000).as_str()] {
            let fields =
                ["row", "number", "charset", "words", "language", "good", "f.signer", "f.from", "b.from", "holder"];
            let body: String = fields.iter().map(|name| part(name, value)).collect();
            let file =
                "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"visit.completed.csv\"\r\n\r\n\0\r\n";
            let body = part("form", &inside.form) + &body + file + "--x--\r\n";
            let answer = inside.post(page, &format!("{cookie}{own}"), &body);
            judge(format!("{page}, every field {:?}", &value[..value.len().min(20)]), &answer, false);
        }
    }
    let long = "a".repeat(9_000);
    for (page, is_bad) in [
        ("records/%zz", true),
        ("records/%", true),
        ("records/%00", true),
        ("records/%ff%fe", true),
        ("records/%2f%2f", true),
        ("records/%E2%80%AE", true),
        ("records/from/-1", true),
        ("records/from/x", true),
        ("records/from/99999999999999999999", true),
        ("records/from/18446744073709551615", false),
        ("records/%ff/receipt", true),
        ("records/0/refusal", true),
        ("records/0/paper", true),
        ("record/%ff", true),
        ("record/%0d%0a", true),
        ("record/facility.status.changed/for/x", true),
        ("record/facility.status.changed/for/18446744073709551615", false),
        ("record/facility.status.changed/for/18446744073709551616", true),
        ("record/facility.status.changed/of/%00", true),
        ("approve/%ff", true),
        ("template/%ff.csv", true),
        ("template/visit.completed%0d%0aX: y.csv", true),
        ("records?from=%ff&%zz", false),
        (long.as_str(), true),
    ] {
        judge(format!("GET {}", &page[..page.len().min(60)]), &inside.get(page, &cookie), is_bad);
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "get", "CONNECT"] {
        for page in ["records", "search", "language"] {
            let text = format!(
                "{method} {}/{page} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{cookie}{own}\r\n",
                inside.path
            );
            judge(format!("{method} {page}"), &ask(address, text.as_bytes()), true);
        }
    }
    let path = &inside.path;
    let head = format!("Host: {address}\r\nConnection: close\r\n{cookie}");
    for (what, text) in [
        ("another version", format!("GET {path}/records HTTP/9.9\r\n{head}\r\n")),
        ("no version", format!("GET {path}/records\r\n\r\n")),
        ("no host", format!("GET {path}/records HTTP/1.1\r\nConnection: close\r\n{cookie}\r\n")),
        ("a whole address", format!("GET http://evil.example{path}/records HTTP/1.1\r\n{head}\r\n")),
        ("a star", format!("OPTIONS * HTTP/1.1\r\n{head}\r\n")),
        ("NUL in a header", format!("GET {path}/records HTTP/1.1\r\n{head}X: \0\r\n\r\n")),
        ("a folded header", format!("GET {path}/records HTTP/1.1\r\n{head}X: a\r\n b\r\n\r\n")),
        ("many headers", format!("GET {path}/records HTTP/1.1\r\n{head}{}\r\n", "X: y\r\n".repeat(500))),
        ("a long header", format!("GET {path}/records HTTP/1.1\r\n{head}X: {}\r\n\r\n", "y".repeat(1 << 20))),
        (
            "two lengths",
            format!("POST {path}/search HTTP/1.1\r\n{head}{own}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        ),
        ("a length of nothing", format!("POST {path}/search HTTP/1.1\r\n{head}{own}Content-Length: -1\r\n\r\n")),
        (
            "a broken chunk",
            format!(
                "POST {path}/search HTTP/1.1\r\n{head}{own}Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
            ),
        ),
        ("only blanks", "\r\n\r\n \r\n\r\n".to_owned()),
        ("TLS", "\u{16}\u{3}\u{1}\u{2}".to_owned()),
    ] {
        judge(what.to_owned(), &ask(address, text.as_bytes()), what != "no version" && what != "a folded header");
    }
    assert!(bad.is_empty(), "{} of them\n{}", bad.len(), bad.join("\n"));
    assert_eq!(inside.get("", &cookie).status, 200, "and the desk goes on");
    assert_eq!(prison.own(), before, "nothing was recorded");
}
