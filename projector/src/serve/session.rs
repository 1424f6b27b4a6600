//! Pages that hold hidden values are for one browser: whoever has the link that the program printed
//! ([`verifier::door`]). Neither another user of this machine nor a page of another site reads them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use verifier::door::{Asked, Door, Turned};

/// Name of the cookie.
const COOKIE: &str = "oversight";

/// The door to the pages of oversight.
pub struct Session {
    door: Door,
}

impl Session {
    /// A door at the address that a program listens on; closed until its link is used.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn new(listens: SocketAddr) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self { door: Door::new(listens.to_string(), COOKIE, random()?, random()?) }))
    }

    /// A new link, which opens once; the one before opens nothing any more.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn link(&self) -> io::Result<String> {
        Ok(self.door.link(random()?))
    }

    /// The pages behind the door: they stand under a path of its own, and are answered to its session alone.
    pub fn pages(self: &Arc<Self>, inside: Router) -> Router {
        let inside = inside.layer(middleware::from_fn_with_state(self.clone(), inside_only));
        Router::new()
            .route("/open/{token}", get(enter).head(not_by_head))
            .nest_service(self.door.path(), inside)
            .layer(middleware::from_fn_with_state(self.clone(), at_the_door))
            .with_state(self.clone())
    }
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| io::Error::other("the system gives no random numbers"))?;
    Ok(bytes)
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

/// Every request: the address, and the page it comes from.
async fn at_the_door(State(session): State<Arc<Session>>, request: Request, next: Next) -> Response {
    let mut asked = asked(&request);
    if request.uri().path().starts_with("/open/") {
        // The link is opened by hand: from anywhere, once.
        asked.site = None;
    }
    let mut answer = match session.door.comes_right(&asked) {
        Ok(()) => next.run(request).await,
        Err(why) => shut(why),
    };
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    for name in ["cross-origin-opener-policy", "cross-origin-resource-policy"] {
        answer.headers_mut().insert(name, HeaderValue::from_static("same-origin"));
    }
    answer
}

async fn inside_only(State(session): State<Arc<Session>>, request: Request, next: Next) -> Response {
    match session.door.is_in(&asked(&request)) {
        Ok(()) => next.run(request).await,
        Err(why) => shut(why),
    }
}

async fn enter(State(session): State<Arc<Session>>, Path(token): Path<String>) -> Response {
    let entered = random().map_err(|_| Turned::Token).and_then(|drawn| session.door.enter(&token, drawn));
    match entered {
        Ok(cookie) => {
            let to = format!("{}/", session.door.path());
            (StatusCode::SEE_OTHER, [(header::LOCATION, to), (header::SET_COOKIE, cookie)]).into_response()
        }
        Err(why) => shut(why),
    }
}

/// Whoever only looks at the link has not opened it.
async fn not_by_head() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response()
}

/// The answer to whoever has no session, in the three languages that oversight is met in.
pub fn shut(why: Turned) -> Response {
    let (status, words) = match why {
        Turned::Host => (
            StatusCode::MISDIRECTED_REQUEST,
            "These pages answer to their own address alone: open the link as the program printed it.\n\
             Ces pages ne répondent qu'à leur propre adresse : ouvrez le lien tel que le programme l'a affiché.\n\
             لا تجيب هذه الصفحات إلا عنوانها: افتح الرابط كما طبعه البرنامج.\n",
        ),
        Turned::Origin | Turned::Form => (
            StatusCode::FORBIDDEN,
            "Another page asked for this one; open it by its own link.\n\
             Une autre page a demandé celle-ci ; ouvrez-la par son propre lien.\n\
             طلبت صفحة أخرى هذه الصفحة؛ افتحها برابطها.\n",
        ),
        Turned::Session | Turned::Token => (
            StatusCode::UNAUTHORIZED,
            "These pages hold hidden values. They open once, by the link that the program printed; press Enter there for another.\n\
             Ces pages contiennent des valeurs cachées. Elles s'ouvrent une fois, par le lien que le programme a affiché ; appuyez-y sur Entrée pour en avoir un autre.\n\
             في هذه الصفحات قيم مخفية. تُفتح مرة واحدة بالرابط الذي طبعه البرنامج؛ اضغط Enter هناك لرابط آخر.\n",
        ),
    };
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, words).into_response()
}
