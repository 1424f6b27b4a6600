//! Connections of strangers: so many in all and of each address, each in bounded time and at a least speed. Feature
//! `listen`; what a ledger, a witness, a projector and a desk serve goes through here.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep_until};

/// What strangers may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time.
    pub connections_max: usize,
    /// And of one address; an IPv6 network of /64 counts as one, and one of /56 has four times as many.
    pub of_address_max: usize,
    /// How long a connection lives that moves nothing.
    pub seconds: u64,
    /// Bytes that buy it another second.
    pub speed_min: u64,
}

/// Open files that a server keeps for itself: its store, what it writes, and whom it asks.
const FILES_KEPT: usize = 192;
/// Connections that were cut and have not ended yet, at most; beyond, nobody gives way for a newcomer.
const ENDING_MAX: usize = 64;
/// How long one that says no more may wait for its answer.
const HALF_CLOSED: Duration = Duration::from_secs(10);
/// How long one is kept after its answer that says no more: the answer may come in pieces.
const LINGER: Duration = Duration::from_secs(1);
/// Networks of /64 whose share one of /56 has.
pub const WIDE: usize = 4;

/// Lets this process open as many files as the system lets it, and says how many connections each of so many listeners may
/// then have, if that is fewer than it wants.
pub fn within_files(wanted: usize, listeners: usize) -> usize {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        // Where it cannot be raised it stays.
        let raised = current != maximum && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok();
        let files = if raised { maximum } else { current };
        files.map_or(wanted, |files| wanted.min(share(usize::try_from(files).unwrap_or(usize::MAX), listeners)))
    }
    #[cfg(not(unix))]
    {
        let _ = listeners;
        wanted
    }
}

/// Connections of each listener, where a process may open so many files.
fn share(files: usize, listeners: usize) -> usize {
    (files.saturating_sub(FILES_KEPT).max(files / 4) / listeners.max(1)).max(1)
}

/// The words for the operator, where a server has room for fewer connections than it was to have.
pub fn fewer(wanted: usize, has: usize) -> Option<String> {
    let words = || {
        format!(
            "this process may not open enough files for {wanted} connections: it takes {has} at a time; raise its limit \
             (ulimit -Hn, LimitNOFILE=) to {} or more",
            wanted + FILES_KEPT
        )
    };
    (has < wanted).then(words)
}

/// Ready once this process is asked to end, by Ctrl-C or SIGTERM. It hears them from this call on, whether anybody waits
/// or not: whoever is told an address afterwards may end it at once. Called within a runtime.
///
/// # Errors
/// The system lets it hear nothing: what it serves could not be ended in order.
pub fn stopped() -> io::Result<impl Future<Output = ()> + Send> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

/// A listener that takes no more than it may.
pub struct Bounded {
    listener: TcpListener,
    limits: Limits,
    places: Places,
}

impl Bounded {
    /// With all its places free, and no more of them than there are files; `tell` hears if that is fewer than they were to
    /// be. A process that has more such listeners says how many.
    pub fn new(listener: TcpListener, limits: Limits, listeners: usize, tell: impl FnOnce(&str)) -> Self {
        let connections_max = within_files(limits.connections_max, listeners);
        if let Some(words) = fewer(limits.connections_max, connections_max) {
            tell(&words);
        }
        Self { listener, limits, places: Places::new(connections_max, limits.of_address_max) }
    }
}

impl Listener for Bounded {
    type Io = Timed;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            // Where the system has no more files it waits a moment, and goes on.
            let (stream, address) = Listener::accept(&mut self.listener).await;
            // Whoever finds no place is told so by the end of the connection.
            if let Some(place) = self.places.enter(address.ip()) {
                let _ = stream.set_nodelay(true);
                return (Timed::new(stream, self.limits, place), address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// Places for connections.
#[derive(Clone)]
pub struct Places {
    connections_max: usize,
    of_address_max: usize,
    taken: Arc<Mutex<Taken>>,
}

/// Who has a connection, by network; of each the oldest first.
#[derive(Default)]
struct Taken {
    of: HashMap<IpAddr, BTreeMap<u64, Held>>,
    /// Those that no newcomer's have cut, and all that have not ended.
    staying: usize,
    open: usize,
    next: u64,
}

struct Held {
    neighbourhood: IpAddr,
    busy: Arc<AtomicBool>,
    cut: oneshot::Sender<()>,
}

impl Places {
    /// So many in all, and of one address.
    pub fn new(connections_max: usize, of_address_max: usize) -> Self {
        Self { connections_max, of_address_max, taken: Arc::default() }
    }

    /// A place for that address. Where it has its share, its own oldest connection gives way: who is slow makes room for
    /// who comes. Where all are taken, the oldest of whoever has most does, if that is more than the newcomer has. Those on
    /// which nothing is worked give way first.
    pub fn enter(&self, address: IpAddr) -> Option<Place> {
        let (near, wide) = (neighbourhood(address), network(address));
        let mut taken = self.taken();
        let of = |whose: IpAddr| move |held: &&Held| held.neighbourhood == whose;
        let own = taken.of.get(&wide);
        let own_wide = own.map_or(0, BTreeMap::len);
        let own_near = own.map_or(0, |own| own.values().filter(of(near)).count());
        let gives_way = if own_near >= self.of_address_max {
            Some((wide, near))
        } else if own_wide >= self.of_address_max.saturating_mul(WIDE) {
            Some((wide, most(own?)?.0))
        } else if taken.staying >= self.connections_max {
            let (largest, its) = taken.of.iter().max_by_key(|(_, its)| its.len())?;
            if its.len() > own_wide + 1 {
                Some((*largest, most(its)?.0))
            } else {
                // Within its own network, another may have more than it.
                let (near_most, many) = most(own?)?;
                if many <= own_near + 1 {
                    return None;
                }
                Some((wide, near_most))
            }
        } else {
            None
        };
        if taken.open >= self.connections_max.saturating_add(ENDING_MAX) {
            return None;
        }
        if let Some((wide, near)) = gives_way {
            let its = taken.of.get_mut(&wide)?;
            let found = |idle: bool| {
                let counts = |(_, held): &(&u64, &Held)| {
                    held.neighbourhood == near && !(idle && held.busy.load(Ordering::Relaxed))
                };
                its.iter().find(counts).map(|(number, _)| *number)
            };
            let oldest = found(true).or_else(|| found(false))?;
            let held = its.remove(&oldest)?;
            if its.is_empty() {
                taken.of.remove(&wide);
            }
            taken.staying -= 1;
            let _ = held.cut.send(()); // an error means that it has just ended
        }
        let (cut, is_cut) = oneshot::channel();
        let (number, busy) = (taken.next, Arc::<AtomicBool>::default());
        let held = Held { neighbourhood: near, busy: Arc::clone(&busy), cut };
        taken.of.entry(wide).or_default().insert(number, held);
        Some(self.place(&mut taken, Some(wide), is_cut, busy))
    }

    /// A place for one that is trusted to bring many: it counts among all, and gives way to nobody.
    pub fn enter_trusted(&self) -> Option<Place> {
        let mut taken = self.taken();
        if taken.staying >= self.connections_max {
            return None;
        }
        let never = oneshot::channel().1;
        Some(self.place(&mut taken, None, never, Arc::default()))
    }

    fn place(
        &self,
        taken: &mut Taken,
        network: Option<IpAddr>,
        cut: oneshot::Receiver<()>,
        busy: Arc<AtomicBool>,
    ) -> Place {
        let number = taken.next;
        taken.next += 1;
        taken.staying += 1;
        taken.open += 1;
        Place { all: self.clone(), network, number, busy, cut }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which neighbourhood of a network has most, and how many.
fn most(of: &BTreeMap<u64, Held>) -> Option<(IpAddr, usize)> {
    let mut many: HashMap<IpAddr, usize> = HashMap::new();
    of.values().for_each(|held| *many.entry(held.neighbourhood).or_default() += 1);
    many.into_iter().max_by_key(|one| one.1)
}

/// A place, as long as it is held.
pub struct Place {
    all: Places,
    /// None: of one that is trusted.
    network: Option<IpAddr>,
    number: u64,
    busy: Arc<AtomicBool>,
    cut: oneshot::Receiver<()>,
}

impl Place {
    /// Set while something is worked on: others give way first.
    pub fn busy(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.busy)
    }

    /// Ready when it has to give way.
    pub async fn cut(&mut self) {
        std::future::poll_fn(|context| self.poll_cut(context)).await;
    }

    fn poll_cut(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.network.is_none() {
            return Poll::Pending; // nobody is there to cut it
        }
        if self.cut.is_terminated() {
            return Poll::Ready(());
        }
        Pin::new(&mut self.cut).poll(context).map(drop)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.all.taken();
        taken.open -= 1;
        let Some(network) = self.network else {
            taken.staying -= 1;
            return;
        };
        // One that was cut is out already.
        let Some(of) = taken.of.get_mut(&network) else { return };
        let was_in = of.remove(&self.number).is_some();
        if of.is_empty() {
            taken.of.remove(&network);
        }
        taken.staying -= usize::from(was_in);
    }
}

/// Whom an address counts as: one has a whole IPv6 /64 as easily as one address.
pub fn neighbourhood(address: IpAddr) -> IpAddr {
    prefix(address, 64)
}

/// In what it lies that one household may have: an IPv6 /56, which holds 256 networks of /64. It has the share of
/// [`WIDE`] of them.
pub fn network(address: IpAddr) -> IpAddr {
    prefix(address, 56)
}

fn prefix(address: IpAddr, bits: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << (128 - bits))).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// A connection that ends at its time, whatever its other side does; what it moves prolongs it.
pub struct Timed {
    stream: TcpStream,
    limits: Limits,
    begun: Instant,
    moved: u64,
    /// A request came, or a part of one, and no answer went since.
    owes: bool,
    /// Something went, and is not flushed.
    wrote: bool,
    /// The other side says no more, and is still owed an answer: when anything moved last.
    half_closed: Option<Instant>,
    end: Pin<Box<Sleep>>,
    place: Place,
}

impl Timed {
    fn new(stream: TcpStream, limits: Limits, place: Place) -> Self {
        let begun = Instant::now();
        let end = Box::pin(sleep_until(due(begun, &limits, 0)));
        Self { stream, limits, begun, moved: 0, owes: false, wrote: false, half_closed: None, end, place }
    }

    /// Whether its time is over, or it has to give way.
    fn over(&mut self, context: &mut Context<'_>) -> bool {
        if self.place.poll_cut(context).is_ready() {
            return true;
        }
        let answered = self.half_closed.map(|moved| moved + if self.owes { HALF_CLOSED } else { LINGER });
        if let Some(due) = answered.filter(|due| *due < self.end.deadline()) {
            self.end.as_mut().reset(due);
        }
        while self.end.as_mut().poll(context).is_ready() {
            let due = due(self.begun, &self.limits, self.moved);
            let due = answered.map_or(due, |answered| answered.min(due));
            if due <= Instant::now() {
                return true;
            }
            self.end.as_mut().reset(due);
        }
        false
    }
}

/// When a connection ends that has moved so much.
fn due(begun: Instant, limits: &Limits, moved: u64) -> Instant {
    begun + Duration::from_secs(limits.seconds.saturating_add(moved / limits.speed_min.max(1)).min(u64::from(u32::MAX)))
}

impl AsyncRead for Timed {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.over(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if self.half_closed.is_some() {
            return Poll::Pending; // its end is told by the time, and by what is written
        }
        let (before, room) = (into.filled().len(), into.remaining());
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        let bytes = into.filled().len() - before;
        self.moved += bytes as u64;
        self.owes |= bytes > 0;
        // Who has said all it has to say may still wait for its answer.
        if matches!(read, Poll::Ready(Ok(()))) && bytes == 0 && room > 0 && self.owes {
            self.half_closed = Some(Instant::now());
            return if self.over(context) { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Pending };
        }
        read
    }
}

impl AsyncWrite for Timed {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.over(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(bytes)) = &written {
            self.moved += *bytes as u64;
            self.wrote = true;
            self.half_closed = self.half_closed.map(|_| Instant::now());
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() && std::mem::take(&mut self.wrote) {
            self.owes = false;
            let _ = self.over(context); // from now on less time is left to one that says no more
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_cut(place: &mut Place) -> bool {
        place.cut.is_terminated() || place.cut.try_recv().is_ok()
    }

    #[test]
    fn one_address_has_its_share_and_gives_way_where_it_has_most() {
        let all = Places::new(6, 4);
        let enter = |last: u8| all.enter(IpAddr::from([192, 0, 2, last]));
        let mut first = enter(1).unwrap();
        let mut greedy: Vec<_> = (0..4).map(|_| enter(1).unwrap()).collect();
        assert!(is_cut(&mut first), "four are its share");
        let others: Vec<_> = (2..4).map(|last| enter(last).unwrap()).collect();
        // All are taken. Whoever comes first still gets in, and the greedy one's oldest goes.
        let more: Vec<_> = (4..6).map(|last| enter(last).unwrap()).collect();
        let cut: Vec<bool> = greedy.iter_mut().map(is_cut).collect();
        assert_eq!(cut, [true, true, false, false]);
        // Of two, the one on which something is worked stays.
        greedy[2].busy().store(true, Ordering::Relaxed);
        let sixth = enter(6);
        assert!(sixth.is_some() && !is_cut(&mut greedy[2]) && is_cut(&mut greedy[3]));
        assert!(enter(7).is_none() && all.enter_trusted().is_none(), "nobody has more than it would have");
        drop((first, greedy, sixth));
        let mut trusted = all.enter_trusted().unwrap();
        assert!(enter(7).is_some() && !is_cut(&mut trusted));
        drop((others, more, trusted));
        let taken = all.taken();
        assert!(taken.staying == 0 && taken.open == 0 && taken.of.is_empty());
    }

    #[test]
    fn many_addresses_with_their_shares_shut_nobody_out() {
        for (connections_max, of_address_max, greedy) in [(1_024, 128, 9), (256, 32, 8), (64, 64, 1), (6, 2, 3)] {
            let all = Places::new(connections_max, of_address_max);
            let mut held: Vec<Place> = Vec::new();
            for number in 0..greedy * of_address_max {
                let last = u8::try_from(number / of_address_max).unwrap();
                held.extend(all.enter(IpAddr::from([198, 51, 100, last])));
                held.retain_mut(|place| !is_cut(place));
            }
            assert_eq!(held.len(), connections_max.min(greedy * of_address_max));
            for last in 0..2 {
                assert!(all.enter(IpAddr::from([192, 0, 2, last])).is_some(), "{connections_max} {of_address_max}");
            }
        }
    }

    #[test]
    fn a_household_of_many_networks_gives_way_as_one() {
        let address = |network: u16, last: u16| Ipv6Addr::new(0x2001, 0xdb8, 0, network, 0, 0, 0, last).into();
        let all = Places::new(64, 2);
        // 256 networks of one /56 have what four of them may have.
        let mut held: Vec<_> = (0..32).map(|number| all.enter(address(number, 1)).unwrap()).collect();
        assert_eq!(held.iter_mut().map(is_cut).filter(|cut| !cut).count(), 2 * WIDE);
        // One of another /56 has its own.
        let mut other = all.enter(address(0x100, 1)).unwrap();
        held.extend((0..32).map(|number| all.enter(address(number, 2)).unwrap()));
        assert!(!is_cut(&mut other));
    }

    #[test]
    fn what_was_cut_and_does_not_end_takes_no_more_files() {
        let all = Places::new(2, 1);
        let held: Vec<_> = (0..500).filter_map(|_| all.enter(IpAddr::from([192, 0, 2, 1]))).collect();
        assert_eq!((held.len(), all.taken().open), (2 + ENDING_MAX, 2 + ENDING_MAX));
    }

    #[test]
    fn connections_leave_files_for_the_rest() {
        for (files, listeners, want) in
            [(1_024, 1, 832), (1_024, 2, 416), (256, 1, 64), (64, 1, 16), (3, 1, 1), (0, 2, 1), (1 << 20, 1, 1_048_384)]
        {
            assert_eq!(share(files, listeners), want, "{files} {listeners}");
            assert!(files < 4 || want * listeners < files);
        }
        assert_eq!(fewer(64, 64), None);
        assert!(fewer(1_024, 832).is_some_and(|words| words.contains("832") && words.contains("1216")));
    }

    #[cfg(unix)]
    #[test]
    fn an_end_is_heard_before_anybody_waits_for_it() {
        use rustix::process::{Signal, getpid, kill_process};
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for signal in [Signal::INT, Signal::TERM, Signal::INT] {
            runtime.block_on(async {
                // Each server of a process hears it.
                let (first, second) = (stopped().unwrap(), stopped().unwrap());
                kill_process(getpid(), signal).unwrap();
                first.await;
                second.await;
            });
        }
    }

    #[test]
    fn who_says_no_more_is_answered() {
        use axum::routing::get;
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let limits = Limits { connections_max: 8, of_address_max: 8, seconds: 30, speed_min: 1_024 };
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let listener = Bounded::new(listener, limits, 1, |words| panic!("{words}"));
            let go = Arc::new(tokio::sync::Semaphore::new(0));
            let (short, long) = (Arc::clone(&go), Arc::clone(&go));
            let answer = |go: Arc<tokio::sync::Semaphore>, bytes: usize| async move {
                go.acquire().await.unwrap().forget();
                vec![b'x'; bytes]
            };
            let routes = axum::Router::new()
                .route("/short", get(move || answer(Arc::clone(&short), 3)).post(|body: String| async { body }))
                .route("/long", get(move || answer(Arc::clone(&long), 4 << 20)));
            tokio::spawn(async move { axum::serve(listener, routes).await });
            for (what, request, bytes) in [
                ("a request", "GET /short HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 3),
                ("a long answer", "GET /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 4 << 20),
                ("one that would stay", "GET /short HTTP/1.1\r\nHost: x\r\n\r\n", 3),
                ("an older one", "GET /short HTTP/1.0\r\n\r\n", 3),
                ("a body", "POST /short HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", 5),
            ] {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.write_all(request.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
                if request.starts_with("GET") {
                    go.add_permits(1);
                }
                let mut answer = Vec::new();
                let _ = stream.read_to_end(&mut answer).await;
                let head = answer.windows(4).position(|found| found == b"\r\n\r\n").expect(what) + 4;
                assert_eq!((&answer[9..12], answer.len() - head), (&b"200"[..], bytes), "{what}");
            }
        });
    }

    #[test]
    fn what_moves_lives_longer() {
        let limits = Limits { connections_max: 1, of_address_max: 1, seconds: 20, speed_min: 1_024 };
        let begun = Instant::now();
        for (moved, seconds) in [(0, 20), (1_023, 20), (1 << 20, 1_044), (u64::MAX, u64::from(u32::MAX))] {
            assert_eq!(due(begun, &limits, moved), begun + Duration::from_secs(seconds), "{moved}");
        }
    }

    #[test]
    fn addresses_of_one_network_count_as_one() {
        for (address, near, wide) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2345:3:4:5:6", "2001:db8:1:2345::", "2001:db8:1:2300::"),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(neighbourhood(address), near.parse::<IpAddr>().unwrap());
            assert_eq!(network(address), wide.parse::<IpAddr>().unwrap());
        }
    }
}
