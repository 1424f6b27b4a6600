//! Answers that wait for their readers take memory: so much in all, and no more.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::{Counted, Counts};
use super::problem::{Kind, Problem};

/// Answers below this are not weighed: there are no more of them than connections.
const LIGHT_BYTES: u64 = 64 << 10;

/// Room for answers: so much in all, and so much for each address.
#[derive(Debug)]
pub struct Scales {
    kib: Arc<Semaphore>,
    of_address: Counts<IpAddr>,
    of_address_max: usize,
}

impl Scales {
    /// With so many bytes in all, and for each address.
    pub fn new(in_all: usize, of_address_max: usize) -> Self {
        Self { kib: Arc::new(Semaphore::new(in_all.div_ceil(1024))), of_address: Counts::default(), of_address_max }
    }
}

/// The answer, whose bytes take room until they are sent; a problem where there is none for them.
pub fn answer(response: Response, scales: &Scales, address: &IpAddr) -> Response {
    let bytes = response.body().size_hint().exact().unwrap_or_default();
    if bytes < LIGHT_BYTES {
        return response;
    }
    let needed = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
    let much = usize::try_from(bytes).unwrap_or(usize::MAX);
    let share = scales.of_address.take(address, much, scales.of_address_max);
    let room = Arc::clone(&scales.kib).try_acquire_many_owned(needed).ok();
    match share.zip(room) {
        Some(room) => response.map(|body| Body::new(Weighed { body, _room: room })),
        None => {
            let detail = "as many answers as the server can hold wait for slow readers: ask again in a moment";
            Problem::new(Kind::Busy, detail).after(5).into_response()
        }
    }
}

/// A body, and the room that it takes.
struct Weighed {
    body: Body,
    _room: (Counted<IpAddr>, OwnedSemaphorePermit),
}

impl HttpBody for Weighed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heavy_answers_take_room_until_they_are_gone() {
        let scales = Scales::new(256 << 10, 256 << 10);
        let [here, there] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let heavy = || vec![0_u8; 200 << 10].into_response();
        let first = answer(heavy(), &scales, &here);
        assert_eq!((first.status().as_u16(), first.body().size_hint().exact()), (200, Some(200 << 10)));
        assert_eq!(answer(heavy(), &scales, &there).status().as_u16(), 503);
        assert_eq!(answer("light".into_response(), &scales, &here).status().as_u16(), 200);
        drop(first);
        assert_eq!(answer(heavy(), &scales, &there).status().as_u16(), 200);
    }

    #[test]
    fn one_address_leaves_room_for_the_others() {
        let scales = Scales::new(1 << 20, 300 << 10);
        let [here, there] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let heavy = || vec![0_u8; 200 << 10].into_response();
        let first = answer(heavy(), &scales, &here);
        assert_eq!(answer(heavy(), &scales, &here).status().as_u16(), 503);
        assert_eq!(answer(heavy(), &scales, &there).status().as_u16(), 200);
        drop(first);
        // One that is larger than the share of an address is still given, alone.
        let large = answer(vec![0_u8; 400 << 10].into_response(), &scales, &here);
        assert_eq!(large.status().as_u16(), 200);
    }
}
