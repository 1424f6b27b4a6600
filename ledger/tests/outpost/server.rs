//! A small server that answers `POST /events` and `GET /receipts` for a real ledger, and a line before it that is
//! cut where a test says.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};

use ledger::answer::{AnswerLine, Said};
use ledger::clock::Clock;
use ledger::outbox::Parcel;
use ledger::plan::{Answer, Submission};
use ledger::receipts;
use ledger::writer::Writer;
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::time::Timestamp;
use verifier::http_request::{self, Nonces, Received, Request};

/// What the server does with the next request, beside what is asked.
#[derive(Clone, Debug)]
pub enum Turn {
    /// Takes nothing.
    Busy,
    /// Takes no signature from before it began, which was a moment ago.
    Fresh,
    /// Does it, and says nothing.
    Silent,
    /// Answers something else.
    Says(String),
}

pub struct Server {
    pub address: SocketAddr,
    pub turns: Arc<Mutex<VecDeque<Turn>>>,
    /// By how much the server's clock is ahead.
    pub ahead: Arc<Mutex<i64>>,
    pub writer: Arc<Mutex<Writer>>,
    /// One word for every request that was worked on.
    pub seen: mpsc::Receiver<()>,
}

impl Server {
    pub fn new(writer: Writer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let turns = Arc::new(Mutex::new(VecDeque::new()));
        let ahead = Arc::new(Mutex::new(0));
        let writer = Arc::new(Mutex::new(writer));
        let (tell, seen) = mpsc::channel();
        let now = Clock::System.now().plus_seconds(-100_000);
        let mut desk = Desk {
            turns: turns.clone(),
            ahead: ahead.clone(),
            writer: writer.clone(),
            nonces: Nonces::new(now, 10_000, 10_000),
            authority: address.to_string(),
            tell,
        };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { break };
                let _ = desk.serve(stream); // who cuts the line gets no answer
            }
        });
        Self { address, turns, ahead, writer, seen }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn next(&self, turn: Turn) {
        self.turns.lock().unwrap().push_back(turn);
    }

    /// Events in the log that are attempts at the gate.
    pub fn attempts(&self) -> usize {
        let writer = self.writer.lock().unwrap();
        let entries = writer.store().entries(0).map(|entry| entry.unwrap().1);
        entries.filter(|bytes| String::from_utf8_lossy(bytes).contains("visit.attempted")).count()
    }
}

struct Desk {
    turns: Arc<Mutex<VecDeque<Turn>>>,
    ahead: Arc<Mutex<i64>>,
    writer: Arc<Mutex<Writer>>,
    nonces: Nonces,
    authority: String,
    tell: mpsc::Sender<()>,
}

impl Desk {
    fn serve(&mut self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            read_more(&mut stream, &mut bytes)?;
        };
        let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
        let mut lines = text.lines();
        let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
        let (method, path) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
        let fields: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())))
            .collect();
        let all = |name: &str| -> Vec<&[u8]> {
            fields.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_bytes()).collect()
        };
        let length: usize =
            all("content-length").first().map_or(0, |v| String::from_utf8_lossy(v).parse().unwrap_or(0));
        while bytes.len() < head + length {
            read_more(&mut stream, &mut bytes)?;
        }
        let received = Received {
            content_digest: all("content-digest"),
            signature_input: all("signature-input"),
            signature: all("signature"),
        };
        let body = &bytes[head..];
        let now = Clock::System.now().plus_seconds(*self.ahead.lock().unwrap());
        let turn = self.turns.lock().unwrap().pop_front();
        let mut pause = "";
        let (status, answer) = match turn {
            Some(Turn::Busy) => (503, r#"{"type":"urn:x:busy","detail":"busy"}"#.to_owned()),
            Some(Turn::Fresh) => {
                pause = "Retry-After: 1\r\n";
                (401, r#"{"type":"urn:x:bad-signature","detail":"older than this server's memory"}"#.to_owned())
            }
            Some(Turn::Says(text)) => (200, text),
            other => {
                let done = self.answer((method.as_str(), path.as_str()), &received, body, now);
                if matches!(other, Some(Turn::Silent)) {
                    let _ = self.tell.send(());
                    // Until the other side has gone.
                    let _ = stream.read(&mut [0]);
                    return Ok(());
                }
                done
            }
        };
        let _ = self.tell.send(());
        write!(
            stream,
            "HTTP/1.1 {status} X\r\nDate: {}\r\n{pause}Content-Length: {}\r\nConnection: close\r\n\r\n{answer}",
            date(now),
            answer.len()
        )
    }

    fn answer(
        &mut self,
        (method, path): (&str, &str),
        received: &Received<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> (u16, String) {
        let mut writer = self.writer.lock().unwrap();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let request = Request { method, authority: &self.authority, path, query };
        let caller = http_request::verify(&request, received, writer.log().keyring(), now)
            .and_then(|unspent| self.nonces.spend(unspent, now))
            .and_then(|caller| caller.get().carries(body).map(|()| caller));
        if let Err(why) = caller {
            return (401, serde_json::json!({"type": "urn:x:bad-signature", "detail": why.to_string()}).to_string());
        }
        if let Some(id) = path.strip_prefix("/receipts/") {
            let held = writer.store().entries(0).map(|entry| entry.unwrap());
            let is_it = |bytes: &[u8]| schemas::entry::Entry::parse(bytes).unwrap().signed.id().to_hex() == id;
            let position = held.into_iter().find(|(_, bytes)| is_it(bytes)).map(|(position, _)| position);
            let receipt = position.and_then(|position| receipts::receipt(&writer, position).unwrap());
            return receipt.map_or((404, String::new()), |receipt| (200, receipt.to_text()));
        }
        if path.starts_with("/packs") {
            return (403, r#"{"type":"urn:x:not-yours","detail":"not today"}"#.to_owned());
        }
        let parcels: Option<Vec<Parcel>> = String::from_utf8_lossy(body).lines().map(Parcel::parse).collect();
        let Some(parcels) = parcels else { return (400, r#"{"type":"urn:x:bad-line","detail":"no"}"#.to_owned()) };
        if parcels.iter().any(|parcel| parcel.source.contains("unreadable")) {
            return (400, r#"{"type":"urn:x:bad-line","detail":"a line"}"#.to_owned());
        }
        let submission = |parcel: &Parcel| Submission {
            note: parcel.note.clone().into_bytes(),
            opening: parcel.opening.clone(),
            received_at: Clock::System.now(),
        };
        let submissions: Vec<Submission> = parcels.iter().map(submission).collect();
        let at = Clock::System.now();
        let answers = writer.commit(&submissions, at).unwrap().answers;
        let line = |(parcel, answer): (&Parcel, Answer)| {
            let event = Hash::of(&[Note::parse(parcel.note.as_bytes()).unwrap().text.as_bytes()]);
            let said = match answer {
                Answer::Accepted { position } | Answer::Already { position } => {
                    match receipts::receipt(&writer, position).unwrap() {
                        Some(receipt) => Said::Stands { position, receipt: receipt.to_text() },
                        None => Said::Waits { position },
                    }
                }
                Answer::Refused(why) => {
                    let receipt = receipts::refusal(&writer, parcel.note.as_bytes(), &why, at);
                    Said::Refused { why: why.to_string(), receipt: receipt.map(|note| note.to_text()) }
                }
            };
            AnswerLine { event, said }.to_line() + "\n"
        };
        (200, parcels.iter().zip(answers).map(line).collect())
    }
}

fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    let mut buffer = vec![0; 65_536];
    match stream.read(&mut buffer)? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        n => {
            bytes.extend_from_slice(&buffer[..n]);
            Ok(())
        }
    }
}

/// As servers write it; nobody reads the day of the week.
fn date(now: Timestamp) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = now.to_string();
    let month: usize = text[5..7].parse().unwrap();
    format!("Mon, {} {} {} {} GMT", &text[8..10], MONTHS[month - 1], &text[..4], &text[11..19])
}

/// A line that ends after so many bytes there or back.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub there: usize,
    pub back: usize,
}

/// A line before a server: each connection is cut as told, those after that are whole.
pub fn line(to: SocketAddr, cuts: Vec<Cut>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut cuts = VecDeque::from(cuts);
        for here in listener.incoming() {
            let (Ok(here), Ok(there)) = (here, TcpStream::connect(to)) else { break };
            let cut = cuts.pop_front().unwrap_or(Cut { there: usize::MAX, back: usize::MAX });
            let (back_from, back_to) = (there.try_clone().unwrap(), here.try_clone().unwrap());
            let back = std::thread::spawn(move || pass(back_from, back_to, cut.back));
            pass(here, there, cut.there);
            let _ = back.join();
        }
    });
    address
}

/// Passes bytes on until the end or the cut, which ends both directions.
fn pass(mut from: TcpStream, mut to: TcpStream, most: usize) {
    let mut passed = 0;
    let mut buffer = [0; 4_096];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        let n = n.min(most - passed);
        passed += n;
        if to.write_all(&buffer[..n]).is_err() || passed == most {
            break;
        }
    }
    let ends = if passed == most { Shutdown::Both } else { Shutdown::Write };
    let _ = to.shutdown(ends);
    if passed == most {
        let _ = from.shutdown(Shutdown::Both);
    }
}
