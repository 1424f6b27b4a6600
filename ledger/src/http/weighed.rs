//! Answers that wait for their readers take memory: so much in all, and no more.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::{Kind, Problem};

/// Answers below this are not weighed: there are no more of them than connections.
const LIGHT_BYTES: u64 = 64 << 10;

/// The answer, whose bytes count among `kib` until they are sent; a problem where there is no room for them.
pub fn answer(response: Response, kib: &Arc<Semaphore>) -> Response {
    let bytes = response.body().size_hint().exact().unwrap_or_default();
    if bytes < LIGHT_BYTES {
        return response;
    }
    let needed = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
    match Arc::clone(kib).try_acquire_many_owned(needed) {
        Ok(room) => response.map(|body| Body::new(Weighed { body, _room: room })),
        Err(_) => {
            let detail = "as many answers as the server can hold wait for slow readers: ask again in a moment";
            Problem::new(Kind::Busy, detail).after(5).into_response()
        }
    }
}

/// A body, and the room that it takes.
struct Weighed {
    body: Body,
    _room: OwnedSemaphorePermit,
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
        let kib = Arc::new(Semaphore::new(256));
        let heavy = || vec![0_u8; 200 << 10].into_response();
        let first = answer(heavy(), &kib);
        assert_eq!((first.status().as_u16(), first.body().size_hint().exact()), (200, Some(200 << 10)));
        assert_eq!(answer(heavy(), &kib).status().as_u16(), 503);
        assert_eq!(answer("light".into_response(), &kib).status().as_u16(), 200);
        drop(first);
        assert_eq!(answer(heavy(), &kib).status().as_u16(), 200);
    }
}
