//! Connections of strangers: so many in all and of each address, each in bounded time and at a least speed. Feature
//! `listen`; what a witness, a projector and a desk serve goes through here.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
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
    /// And of one address; an IPv6 network of /64 counts as one.
    pub of_address_max: usize,
    /// How long a connection lives that moves nothing.
    pub seconds: u64,
    /// Bytes that buy it another second.
    pub speed_min: u64,
}

/// A listener that takes no more than it may.
pub struct Bounded {
    listener: TcpListener,
    limits: Limits,
    places: Arc<Mutex<Places>>,
}

impl Bounded {
    /// With all its places free.
    pub fn new(listener: TcpListener, limits: Limits) -> Self {
        Self { listener, limits, places: Arc::default() }
    }
}

impl Listener for Bounded {
    type Io = Timed;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            // Whoever finds no place is told so by the end of the connection.
            if let Some((place, cut)) = Places::enter(&self.places, address.ip(), &self.limits) {
                let _ = stream.set_nodelay(true);
                return (Timed::new(stream, self.limits, cut, place), address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// Who has a connection: by address, the oldest first.
#[derive(Default)]
struct Places {
    of: HashMap<IpAddr, VecDeque<(u64, oneshot::Sender<()>)>>,
    taken: usize,
    next: u64,
}

impl Places {
    /// A place for that address. Where it has its share, its own oldest connection gives way: who is slow makes room for
    /// who comes. Where all are taken, the oldest of whoever has most does, if that is more than the newcomer has.
    fn enter(all: &Arc<Mutex<Self>>, address: IpAddr, limits: &Limits) -> Option<(Place, oneshot::Receiver<()>)> {
        let address = neighbourhood(address);
        let mut places = all.lock().unwrap_or_else(PoisonError::into_inner);
        let has = |places: &Self, address: &IpAddr| places.of.get(address).map_or(0, VecDeque::len);
        let own = has(&places, &address);
        let gives_way = if own >= limits.of_address_max {
            Some(address)
        } else if places.taken >= limits.connections_max {
            let (most, many) = places.of.iter().map(|(address, of)| (*address, of.len())).max_by_key(|one| one.1)?;
            if many <= own + 1 {
                return None;
            }
            Some(most)
        } else {
            None
        };
        if let Some(address) = gives_way {
            let (oldest, cut) = places.of.get_mut(&address)?.pop_front()?;
            places.taken -= 1;
            let _ = (oldest, cut.send(())); // an error means that it has just ended
        }
        let (cut, is_cut) = oneshot::channel();
        let number = places.next;
        places.next += 1;
        places.taken += 1;
        places.of.entry(address).or_default().push_back((number, cut));
        Some((Place { all: Arc::clone(all), address, number }, is_cut))
    }
}

/// A place, as long as it is held.
struct Place {
    all: Arc<Mutex<Places>>,
    address: IpAddr,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(of) = places.of.get_mut(&self.address) else { return };
        let before = of.len();
        of.retain(|(number, _)| *number != self.number);
        let (gone, empty) = (before - of.len(), of.is_empty());
        places.taken -= gone;
        if empty {
            places.of.remove(&self.address);
        }
    }
}

/// Whom an address counts as: one has a whole IPv6 /64 as easily as one address.
pub fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// A connection that ends at its time, whatever its other side does; what it moves prolongs it.
pub struct Timed {
    stream: TcpStream,
    limits: Limits,
    begun: Instant,
    moved: u64,
    end: Pin<Box<Sleep>>,
    /// Told once, when it has to give way.
    cut: Option<oneshot::Receiver<()>>,
    _place: Place,
}

impl Timed {
    fn new(stream: TcpStream, limits: Limits, cut: oneshot::Receiver<()>, place: Place) -> Self {
        let begun = Instant::now();
        let end = Box::pin(sleep_until(due(begun, &limits, 0)));
        Self { stream, limits, begun, moved: 0, end, cut: Some(cut), _place: place }
    }

    /// Whether its time is over, or it has to give way.
    fn over(&mut self, context: &mut Context<'_>) -> bool {
        if let Some(cut) = &mut self.cut
            && Pin::new(cut).poll(context).is_ready()
        {
            self.cut = None;
        }
        if self.cut.is_none() {
            return true;
        }
        while self.end.as_mut().poll(context).is_ready() {
            let due = due(self.begun, &self.limits, self.moved);
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
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        self.moved += (into.filled().len() - before) as u64;
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
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_its_share_and_gives_way_where_it_has_most() {
        let limits = Limits { connections_max: 6, of_address_max: 4, seconds: 9, speed_min: 9 };
        let all = Arc::default();
        let enter = |last: u8| Places::enter(&all, IpAddr::from([192, 0, 2, last]), &limits);
        let mut first = enter(1).unwrap();
        let mut greedy: Vec<_> = (0..4).map(|_| enter(1).unwrap()).collect();
        assert!(first.1.try_recv().is_ok(), "four are its share");
        let others: Vec<_> = (2..4).map(|last| enter(last).unwrap()).collect();
        // All are taken. Whoever comes first still gets in, and the greedy one's oldest goes.
        let more: Vec<_> = (4..6).map(|last| enter(last).unwrap()).collect();
        let cut: Vec<bool> = greedy.iter_mut().map(|(_, cut)| cut.try_recv().is_ok()).collect();
        assert_eq!(cut, [true, true, false, false]);
        let sixth = enter(6);
        assert!(sixth.is_some() && greedy[2].1.try_recv().is_ok());
        assert!(enter(7).is_none(), "nobody has more than it would have");
        drop((greedy, sixth));
        assert!(enter(7).is_some());
        drop((others, more));
        let places = all.lock().unwrap();
        assert!(places.taken == 0 && places.of.is_empty());
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
        for (address, counts_as) in
            [("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
        {
            assert_eq!(neighbourhood(address.parse().unwrap()), counts_as.parse::<IpAddr>().unwrap());
        }
    }
}
