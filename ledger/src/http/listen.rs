//! Connections: so many in all and of each address, each in bounded time, with TLS where it is configured.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use verifier::listen::{self, Places, neighbourhood, network};

use super::app::App;
use super::figures::Held;

/// Header fields in a request.
const HEADERS_MAX: usize = 64;
/// How long an answer without end goes on after its last piece to one that says no more: it may have gone.
const LINGER: Duration = Duration::from_secs(1);

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address, as the connection or a trusted proxy tells.
    pub address: IpAddr,
    /// The address that its limits go by.
    pub counts_as: IpAddr,
    /// The network of a household that it may have whole: what is short is shared out by these.
    pub network: IpAddr,
}

impl Peer {
    /// The peer at an address.
    pub fn at(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { address, counts_as: neighbourhood(address), network: network(address) }
    }

    /// Whom a request comes from.
    pub fn of(extensions: &axum::http::Extensions) -> Self {
        extensions.get::<Self>().copied().unwrap_or_else(|| Self::at(IpAddr::from([0, 0, 0, 0])))
    }
}

/// Where connections come in.
pub struct Door {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    app: App,
    router: Router,
    places: Places,
}

impl Door {
    /// A door with all its places free, and no more of them than there are files.
    pub fn new(listener: TcpListener, tls: Option<TlsAcceptor>, app: App, router: Router) -> Self {
        let requests = &app.config.requests;
        let connections = listen::within_files(requests.connections_max, 1);
        if let Some(words) = listen::fewer(requests.connections_max, connections) {
            tracing::warn!("{words}");
        }
        let places = Places::new(connections, requests.connections_of_address_max);
        Self { listener, tls, app, router, places }
    }

    /// Takes connections until `ending` says so, then waits for those that are open, so long.
    pub async fn serve(mut self, mut ending: watch::Receiver<bool>) {
        let (open, mut all_ended) = mpsc::channel::<()>(1);
        loop {
            // Where the system has no more files this waits a moment, and goes on.
            let (stream, address) = tokio::select! {
                taken = Listener::accept(&mut self.listener) => taken,
                _ = ending.wait_for(|ends| *ends) => break,
            };
            self.take(stream, address, ending.clone(), open.clone());
        }
        drop((self.listener, open)); // whoever comes now is told at once that nobody listens
        let grace = Duration::from_secs(self.app.config.stop.seconds);
        if timeout(grace, all_ended.recv()).await.is_err() {
            tracing::warn!("some connections did not end in time and are cut off");
        }
    }

    fn take(&self, stream: TcpStream, address: SocketAddr, ending: watch::Receiver<bool>, open: mpsc::Sender<()>) {
        let peer = Peer::at(address.ip());
        // A proxy brings many clients; their own addresses are counted by request.
        let proxy = self.app.config.proxy.addresses.contains(&peer.address);
        let place = if proxy { self.places.enter_trusted() } else { self.places.enter(peer.address) };
        let Some(mut place) = place else {
            self.app.figures.refused_connections.inc();
            return;
        };
        let counted = Held::one(&self.app.figures.connections);
        let (app, router, tls) = (Arc::clone(&self.app), self.router.clone(), self.tls.clone());
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let requests = &app.config.requests;
            let patience = Duration::from_secs(requests.write_seconds);
            let stream = Patient::new(stream, patience, requests.write_speed_min.max(1));
            let busy = place.busy();
            let conversation = async {
                match tls {
                    None => converse(stream, peer, busy, &app, router, ending).await,
                    Some(tls) => {
                        let greeting = timeout(Duration::from_secs(requests.head_seconds), tls.accept(stream));
                        if let Ok(Ok(stream)) = greeting.await {
                            converse(stream, peer, busy, &app, router, ending).await;
                        }
                    }
                }
            };
            tokio::select! {
                () = conversation => {}
                // Somebody who has fewer needs its place.
                () = place.cut() => {}
            }
            drop((place, counted, open));
        });
    }
}

/// Answers the requests of one connection.
async fn converse<S>(
    stream: S,
    peer: Peer,
    busy: Arc<AtomicBool>,
    app: &App,
    router: Router,
    mut ending: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let requests = &app.config.requests;
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let (answer, busy) = (hyper::service::Service::call(&router, request), Arc::clone(&busy));
        async move {
            busy.store(true, Ordering::Relaxed);
            let answer = answer.await;
            busy.store(false, Ordering::Relaxed);
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Who has said all it has to say is answered all the same.
        .half_close(true)
        .header_read_timeout(Duration::from_secs(requests.head_seconds))
        .max_headers(HEADERS_MAX)
        .max_buf_size(requests.head_bytes_max.max(8 << 10))
        .max_header_size(requests.head_bytes_max)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // What went wrong on a connection is the client's affair; requests are accounted for one by one.
        _ = connection.as_mut() => return,
        _ = ending.wait_for(|ends| *ends) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// A connection whose other side must take what is sent within its time, and once it has let us wait for that long,
/// at a least speed. One that says no more and has had what there was is let go.
struct Patient {
    stream: TcpStream,
    patience: Duration,
    /// Bytes a second.
    speed_min: u64,
    /// Since when something waits to be sent, and how much of it went since.
    waits: Option<(Instant, u64)>,
    /// Runs while something cannot be sent.
    end: Option<Pin<Box<Sleep>>>,
    /// Something went since something came.
    answers: bool,
    /// Runs from the last piece that went to one that says no more.
    linger: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn new(stream: TcpStream, patience: Duration, speed_min: u64) -> Self {
        Self { stream, patience, speed_min, waits: None, end: None, answers: false, linger: None }
    }

    /// What sending came to: pending for too long is an error.
    fn bounded<T>(&mut self, context: &mut Context<'_>, sent: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if sent.is_ready() {
            self.end = None;
            return sent;
        }
        let now = Instant::now();
        let (since, went) = *self.waits.get_or_insert((now, 0));
        let due = since + self.patience + Duration::from_secs(went / self.speed_min);
        let until = due.min(now + self.patience);
        let end = self.end.get_or_insert_with(|| Box::pin(sleep_until(until)));
        match end.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }

    /// The same for bytes, which are counted.
    fn counted(&mut self, context: &mut Context<'_>, sent: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &sent {
            if let Some((_, went)) = &mut self.waits {
                *went += *bytes as u64;
            }
            (self.answers, self.linger) = (true, None);
        }
        self.bounded(context, sent)
    }

    /// An error where one says no more that has had all there was. Nobody else would see that it has gone: what it says is
    /// not read before it is answered, and the feed's answer has no end.
    fn let_go(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut byte = [0];
        let mut says_no_more = |stream: &TcpStream, context: &mut Context<'_>| {
            matches!(stream.poll_peek(context, &mut ReadBuf::new(&mut byte)), Poll::Ready(Ok(0)))
        };
        if self.answers && says_no_more(&self.stream, context) {
            let linger = self.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
            if linger.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        self.answers &= into.filled().len() == before;
        read
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.counted(context, sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.counted(context, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.stream).poll_flush(context);
        if sent.is_ready() {
            self.waits = None; // all that there was has gone
        }
        match self.bounded(context, sent) {
            Poll::Ready(Ok(())) => self.let_go(context),
            other => other,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.stream).poll_shutdown(context);
        self.bounded(context, sent)
    }
}
