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
