//! The desk's server: loopback alone, one browser, every page drawn here.
// A method alone is not general enough over the lifetime of what is shown.
#![allow(clippy::redundant_closure_for_method_calls)]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use maud::Markup;
use tokio::net::TcpListener;
use verifier::listen::{Bounded, Limits};

use super::carry::{self, Shared, hold};
use super::door::{Asked, Door, Turned};
use super::pages::{Show, told};
use super::posted::{BODY_BYTES_MAX, BadForm, Posted};
use super::work::Desk;
use crate::clock::Clock;
use crate::keys::BadKeyFile;
use crate::outpost::Line;

/// Longest that a form may take to arrive.
const FORM_PATIENCE: Duration = Duration::from_secs(60);
/// Shortest pause between two tries to send.
const PAUSE_MIN: Duration = Duration::from_secs(5);
/// Pause where nothing waits and the line is up.
const PAUSE_IDLE: Duration = Duration::from_secs(60);
/// After so many tries the newest pack about the institution is asked for again.
const LOOK_EVERY: u32 = 30;
/// Longest pause: a line that comes back is used within this time.
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// Most that a page of the desk may do: no script or style but its own, no frame, no other host.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";
/// The same for the receipt's paper form, which brings its own style and has no script.
const PAPER_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";
/// The stylesheet.
const STYLE: &str = include_str!("style.css");
/// The one script.
const SCRIPT: &str = include_str!("drop.js");

/// What other programs of this machine may take: a browser has no more than a dozen connections.
const LIMITS: Limits = Limits { connections_max: 64, of_address_max: 64, seconds: 60, speed_min: 1_024 };

/// Why a desk cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BadDesk {
    /// The address is one that others can reach.
    #[error("{address} can be reached from other machines: a desk listens on 127.0.0.1 alone")]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}; leave --listen out, and a free port is taken")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// No random numbers.
    #[error(transparent)]
    Key(#[from] BadKeyFile),
}

/// A desk that listens.
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
    room: Arc<Room>,
}

/// What every request is answered with.
pub(super) struct Room {
    pub desk: Desk,
    pub door: Door,
    poke: Option<SyncSender<bool>>,
    address: Option<String>,
}

impl Room {
    /// Where records go, for people.
    pub(super) fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// Has what waits sent soon, and with `look` the newest pack fetched; never waits for it.
    fn send_soon(&self, look: bool) {
        if let Some(poke) = &self.poke {
            let _ = poke.try_send(look); // a poke that is there already is enough
        }
    }
}

/// Whether an address is one that only this machine reaches: 127.0.0.1 and no other way to write it.
///
/// # Errors
/// [`BadDesk::NotLoopback`] if not.
pub fn is_own(address: SocketAddr) -> Result<(), BadDesk> {
    if address.ip() == Ipv4Addr::LOCALHOST { Ok(()) } else { Err(BadDesk::NotLoopback { address }) }
}

impl Listening {
    /// Takes an address for a desk: loopback alone, port 0 for any that is free.
    ///
    /// # Errors
    /// [`BadDesk`] if the address cannot be had.
    pub async fn at(address: SocketAddr, desk: Desk, line: Option<Box<dyn Line + Send>>) -> Result<Self, BadDesk> {
        is_own(address)?;
        let bad = |source| BadDesk::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(bad)?;
        let local = listener.local_addr().map_err(bad)?;
        let door = Door::new(local)?;
        let goes_to = hold(&desk.outpost()).standing().address.clone();
        let (poke, poked) = sync_channel(1);
        let (outpost, clock) = (desk.outpost(), desk.clock());
        let room = Arc::new(Room { desk, door, poke: line.is_some().then_some(poke), address: goes_to });
        if let Some(line) = line {
            let room = Arc::downgrade(&room);
            let told = move |carried| room.upgrade().map(|room| room.desk.carried(carried)).is_some();
            let send = move || again_and_again(&outpost, line, clock, &poked, told);
            std::thread::Builder::new().name("carrier".to_owned()).spawn(send).map_err(bad)?;
        }
        Ok(Self { listener, address: local, room })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A new link that opens the desk once.
    ///
    /// # Errors
    /// [`BadKeyFile::Random`].
    pub fn link(&self) -> Result<String, BadKeyFile> {
        self.room.door.link()
    }

    /// Makes further links, for as long as the desk is open.
    pub fn links(&self) -> impl Fn() -> Option<Result<String, BadKeyFile>> + Send + use<> {
        let room = Arc::downgrade(&self.room);
        move || room.upgrade().map(|room| room.door.link())
    }
}

/// Serves until `stop` is ready; what was begun is ended.
///
/// # Errors
/// The listener's own.
pub async fn serve(listening: Listening, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
    let room = Arc::clone(&listening.room);
    let inside = Router::new()
        .route("/", get(home))
        .route("/record", get(forms))
        .route("/search", post(search))
        .route("/record/{kind}", get(form).post(fill))
        .route("/record/{kind}/for/{position}", get(form_for))
        .route("/record/{kind}/of/{name}", get(form_of))
        .route("/file", get(file).post(try_file))
        .route("/file/record", post(take_file))
        .route("/template/{name}", get(template))
        .route("/records", get(records))
        .route("/records/from/{from}", get(records_from))
        .route("/records/{name}", get(record))
        .route("/records/{name}/receipt", get(receipt))
        .route("/records/{name}/refusal", get(receipt))
        .route("/records/{name}/paper", get(paper))
        .route("/approve", get(approvals))
        .route("/approve/{name}", get(approval).post(approve))
        .route("/owed", get(owed))
        .route("/line", get(line))
        .route("/line/try", post(try_line))
        .route("/line/pack", post(take_pack))
        .route("/help", get(help))
        .route("/language", post(language))
        .route("/leave", post(leave))
        .route("/style.css", get(|| async { plain("text/css; charset=utf-8", STYLE) }))
        .route("/drop.js", get(|| async { plain("text/javascript; charset=utf-8", SCRIPT) }))
        .method_not_allowed_fallback(no_act)
        .fallback(missing)
        .layer(middleware::from_fn_with_state(Arc::clone(&room), inside_only))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
    let app = Router::new()
        // Whoever only looks at the link has not opened it.
        .route(
            "/open/{token}",
            get(enter).head(|| async { (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]) }),
        )
        .nest(room.door.path(), inside.clone())
        // Without its last stroke the path is the same page.
        .route(
            &format!("{}/", room.door.path()),
            get(home).layer(middleware::from_fn_with_state(Arc::clone(&room), inside_only)),
        )
        .fallback(outside)
        .layer(middleware::from_fn_with_state(Arc::clone(&room), at_the_door))
        .with_state(Arc::clone(&room));
    drop(room);
    let listener = Bounded::new(listening.listener, LIMITS, 1, |words| verifier::tell!("{words}"));
    axum::serve(listener, app).with_graceful_shutdown(stop).await
}

/// Sends again and again, with longer pauses while the line is down, until `told` says that the desk is closed.
fn again_and_again(
    outpost: &Shared,
    mut line: Box<dyn Line + Send>,
    clock: Clock,
    poked: &Receiver<bool>,
    told: impl Fn(Result<carry::Carried, crate::outpost::BadOutpost>) -> bool,
) {
    let (mut pause, mut look, mut tries) = (PAUSE_MIN, true, 0);
    loop {
        let carried = carry::carry(outpost, line.as_mut(), clock, look);
        let whole = carried.as_ref().is_ok_and(|carried| carried.stopped.is_none());
        if !told(carried) {
            return;
        }
        // A pack that did not come is asked for with the next try.
        look &= !whole;
        let waits = hold(outpost).held().iter().any(crate::outpost::Held::is_open);
        tries = if whole { tries + 1 } else { tries };
        pause = match (whole, waits) {
            (true, true) => PAUSE_MIN,
            (true, false) => PAUSE_IDLE,
            (false, _) => (pause * 2).min(PAUSE_MAX),
        };
        match poked.recv_timeout(pause) {
            Ok(wanted) => look |= wanted,
            Err(RecvTimeoutError::Timeout) => look |= tries % LOOK_EVERY == LOOK_EVERY - 1,
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    // Two lines of one header contradict each other: neither counts.
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (Some(one), None) => one.to_str().ok(),
        _ => None,
    }
}

fn asked(request: &Request) -> Asked<'_> {
    let headers = request.headers();
    Asked {
        changes: !matches!(*request.method(), Method::GET | Method::HEAD),
        // A request that names the host itself is for that one, whatever the header says. RFC 9112, 3.2.2.
        host: request.uri().authority().map_or_else(|| text(headers, "host"), |named| Some(named.as_str())),
        origin: text(headers, "origin"),
        site: text(headers, "sec-fetch-site"),
        cookie: text(headers, "cookie"),
    }
}

/// Every request: the address, the page it comes from, and what its answer may do.
async fn at_the_door(State(room): State<Arc<Room>>, request: Request, next: Next) -> Response {
    let mut asked = asked(&request);
    if request.uri().path().starts_with("/open/") {
        // The link is opened from a file of this machine, or by hand: from anywhere, once.
        asked.site = None;
    }
    let turned = room.door.comes_right(&asked);
    let mut answer = match turned {
        Ok(()) => next.run(request).await,
        Err(why) => shut(&room, why),
    };
    let headers = answer.headers_mut();
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in
        [("cross-origin-opener-policy", "same-origin"), ("cross-origin-resource-policy", "same-origin")]
    {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    answer
}

/// Every page but the door itself: the session.
async fn inside_only(State(room): State<Arc<Room>>, request: Request, next: Next) -> Response {
    match room.door.is_in(&asked(&request)) {
        Ok(()) => next.run(request).await,
        Err(why) => shut(&room, why),
    }
}

fn shut(room: &Room, why: Turned) -> Response {
    let status = match why {
        Turned::Host => StatusCode::MISDIRECTED_REQUEST,
        Turned::Origin | Turned::Form => StatusCode::FORBIDDEN,
        Turned::Session | Turned::Token => StatusCode::UNAUTHORIZED,
    };
    page(status, &told::shut(room.desk.language(), why))
}

async fn outside(State(room): State<Arc<Room>>) -> Response {
    shut(&room, Turned::Session)
}

async fn enter(State(room): State<Arc<Room>>, Path(token): Path<String>) -> Response {
    match room.door.enter(&token) {
        Ok(cookie) => {
            let to = format!("{}/", room.door.path());
            (StatusCode::SEE_OTHER, [(header::LOCATION, to), (header::SET_COOKIE, cookie)]).into_response()
        }
        Err(why) => shut(&room, why),
    }
}

fn page(status: StatusCode, markup: &Markup) -> Response {
    // The one way out of every page: nothing that hides stands in it as it is.
    let shown = schemas::visible::page(&markup.0).into_owned();
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], shown).into_response()
}

fn plain(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

fn go(room: &Room, to: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, format!("{}/{to}", room.door.path()))]).into_response()
}

/// Does work that reads or writes the disk, aside from the server's own threads.
async fn work(room: Arc<Room>, work: impl FnOnce(&Room) -> Response + Send + 'static) -> Response {
    let done = tokio::task::spawn_blocking(move || work(&room)).await;
    done.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// Draws a page.
async fn draw(room: Arc<Room>, draw: impl FnOnce(&Show<'_>) -> (StatusCode, Markup) + Send + 'static) -> Response {
    work(room, move |room| {
        let show = Show { room };
        let (status, markup) = draw(&show);
        page(status, &markup)
    })
    .await
}

/// Reads a form of this desk, then does what it asks for.
async fn posted(
    room: Arc<Room>,
    request: Request,
    act: impl FnOnce(&Room, Posted) -> Response + Send + 'static,
) -> Response {
    let read = async {
        let parts = Multipart::from_request(request, &()).await.map_err(|why| BadForm::Malformed(why.body_text()))?;
        Posted::read(parts).await
    };
    let form = match tokio::time::timeout(FORM_PATIENCE, read).await {
        Ok(Ok(form)) => form,
        Ok(Err(BadForm::TooLong)) => return draw(room, |show| (StatusCode::PAYLOAD_TOO_LARGE, show.too_much())).await,
        Ok(Err(_)) => return draw(room, |show| (StatusCode::BAD_REQUEST, show.bad_form())).await,
        Err(_) => return draw(room, |show| (StatusCode::REQUEST_TIMEOUT, show.bad_form())).await,
    };
    if let Err(why) = room.door.is_form(form.field("form")) {
        return shut(&room, why);
    }
    work(room, move |room| act(room, form)).await
}

type At = State<Arc<Room>>;

async fn home(State(room): At) -> Response {
    draw(room, |show| show.home()).await
}

async fn forms(State(room): At) -> Response {
    draw(room, |show| show.forms("")).await
}

async fn search(State(room): At, request: Request) -> Response {
    posted(room, request, |room, form| answer(Show { room }.forms(form.field("words")))).await
}

fn answer((status, markup): (StatusCode, Markup)) -> Response {
    page(status, &markup)
}

async fn form(State(room): At, Path(kind): Path<String>) -> Response {
    draw(room, move |show| show.form(&kind, None)).await
}

async fn form_for(State(room): At, Path((kind, position)): Path<(String, u64)>) -> Response {
    draw(room, move |show| show.form(&kind, Some(position))).await
}

async fn form_of(State(room): At, Path((kind, name)): Path<(String, String)>) -> Response {
    draw(room, move |show| show.form_of(&kind, &name)).await
}

async fn fill(State(room): At, Path(kind): Path<String>, request: Request) -> Response {
    posted(room, request, move |room, form| match (Show { room }).fill(&kind, &form) {
        Ok(to) => {
            room.send_soon(false);
            go(room, &to)
        }
        Err(shown) => answer(shown),
    })
    .await
}

async fn file(State(room): At) -> Response {
    draw(room, |show| show.file(None)).await
}

async fn try_file(State(room): At, request: Request) -> Response {
    posted(room, request, |room, form| answer(Show { room }.try_file(&form))).await
}

async fn take_file(State(room): At, request: Request) -> Response {
    posted(room, request, |room, form| {
        let shown = Show { room }.take_file(&form);
        room.send_soon(false);
        answer(shown)
    })
    .await
}

async fn template(State(room): At, Path(name): Path<String>) -> Response {
    let kind = name.strip_suffix(".csv").and_then(|name| room.desk.office.kind(name));
    match kind.and_then(|kind| crate::import::template(&kind.name)) {
        Some(header) => saved("text/csv; charset=utf-8", &name, header),
        None => missing(State(room)).await,
    }
}

/// A file to be saved under a name of letters, digits, dots and strokes.
fn saved(kind: &'static str, name: &str, body: String) -> Response {
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')).collect();
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], body).into_response()
}

async fn records(State(room): At) -> Response {
    draw(room, |show| show.records(0)).await
}

async fn records_from(State(room): At, Path(from): Path<usize>) -> Response {
    draw(room, move |show| show.records(from)).await
}

async fn record(State(room): At, Path(name): Path<String>) -> Response {
    draw(room, move |show| show.record(&name)).await
}

async fn receipt(State(room): At, Path(name): Path<String>) -> Response {
    work(room, move |room| match (Show { room }).receipt(&name) {
        Some((ending, text)) => saved("text/plain; charset=utf-8", &format!("{name}.{ending}"), text),
        None => answer(Show { room }.no_page()),
    })
    .await
}

async fn paper(State(room): At, Path(name): Path<String>) -> Response {
    work(room, move |room| match (Show { room }).paper(&name) {
        Some(html) => {
            let headers =
                [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, PAPER_POLICY)];
            (headers, html).into_response()
        }
        None => answer(Show { room }.no_page()),
    })
    .await
}

async fn approvals(State(room): At) -> Response {
    draw(room, |show| show.approvals()).await
}

async fn approval(State(room): At, Path(name): Path<String>) -> Response {
    draw(room, move |show| show.approval(&name, None)).await
}

async fn approve(State(room): At, Path(name): Path<String>, request: Request) -> Response {
    posted(room, request, move |room, form| match (Show { room }).approve(&name, &form) {
        Ok(to) => {
            room.send_soon(false);
            go(room, &to)
        }
        Err(shown) => answer(shown),
    })
    .await
}

async fn owed(State(room): At) -> Response {
    draw(room, |show| show.owed()).await
}

async fn line(State(room): At) -> Response {
    draw(room, |show| show.line(None)).await
}

async fn try_line(State(room): At, request: Request) -> Response {
    posted(room, request, |room, _| {
        room.send_soon(true);
        answer(Show { room }.line(Some("tried-wait")))
    })
    .await
}

async fn take_pack(State(room): At, request: Request) -> Response {
    posted(room, request, |room, form| answer(Show { room }.take_pack(&form))).await
}

async fn help(State(room): At) -> Response {
    draw(room, |show| show.help()).await
}

async fn language(State(room): At, headers: HeaderMap, request: Request) -> Response {
    let own = format!("http://{}{}/", text(&headers, "host").unwrap_or_default(), room.door.path());
    let back = text(&headers, "referer").and_then(|page| page.strip_prefix(&own)).unwrap_or_default().to_owned();
    posted(room, request, move |room, form| {
        if let Some(language) = super::words::Language::of_tag(form.field("language")) {
            room.desk.speak(language);
        }
        // What only answers forms is no page to go back to.
        let acts = ["search", "file/record", "line/try", "line/pack", "leave", "language"];
        go(room, if acts.contains(&back.as_str()) { "" } else { &back })
    })
    .await
}

async fn leave(State(room): At, request: Request) -> Response {
    posted(room, request, |room, _| {
        room.door.leave();
        page(StatusCode::OK, &told::closed(room.desk.language()))
    })
    .await
}

async fn missing(State(room): At) -> Response {
    draw(room, |show| show.no_page()).await
}

async fn no_act(State(room): At) -> Response {
    draw(room, |show| show.no_act()).await
}
