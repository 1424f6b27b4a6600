//! Who does the jobs of a long check: one after the other here, or several at a time elsewhere.
//!
//! This crate starts no thread. Whoever may brings a [`Crew`]; what is found never depends on how many
//! hands it has, because results are taken in the order in which their jobs were put.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, sync_channel};

/// Something to do, once.
pub type Job = Box<dyn FnOnce() + Send>;

/// Takes jobs.
pub trait Crew: Sync {
    /// Does the job at once, or soon and beside the caller. A job that is taken must be done or dropped.
    fn hand(&self, job: Job);

    /// How many jobs are done at a time.
    fn hands(&self) -> usize;
}

/// Nobody but the caller: every job is done when it is handed in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Crew for Alone {
    fn hand(&self, job: Job) {
        job();
    }

    fn hands(&self) -> usize {
        1
    }
}

/// Jobs under way, whose results come back in the order in which they were put.
pub(crate) struct Queue<'a, T> {
    crew: &'a dyn Crew,
    most: usize,
    under_way: VecDeque<Receiver<T>>,
}

impl<'a, T: Send + 'static> Queue<'a, T> {
    /// A queue for a crew, with so many jobs for every hand.
    pub fn new(crew: &'a dyn Crew, a_hand: usize) -> Self {
        Self { crew, most: crew.hands().max(1) * a_hand, under_way: VecDeque::new() }
    }

    /// Whether there are enough jobs: whoever puts more only takes memory.
    pub fn is_full(&self) -> bool {
        self.under_way.len() >= self.most
    }

    /// Puts a job.
    pub fn put(&mut self, work: impl FnOnce() -> T + Send + 'static) {
        let (send, receive) = sync_channel(1);
        self.under_way.push_back(receive);
        self.crew.hand(Box::new(move || {
            let _ = send.send(work()); // one who has stopped asking misses nothing
        }));
    }

    /// The result of the job that was put first, once it is there; nothing when none is under way.
    pub fn take(&mut self) -> Option<T> {
        let first = self.under_way.pop_front()?;
        Some(first.recv().expect("a job gives its result"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Does its jobs the last first, and only when it is told to.
    #[derive(Default)]
    struct Backwards(Mutex<Vec<Job>>);

    impl Crew for Backwards {
        fn hand(&self, job: Job) {
            self.0.lock().unwrap().push(job);
        }

        fn hands(&self) -> usize {
            3
        }
    }

    #[test]
    fn results_come_in_the_order_of_their_jobs() {
        let crew = Backwards::default();
        let mut queue = Queue::new(&crew, 2);
        for n in 0..6 {
            assert!(!queue.is_full());
            queue.put(move || n);
        }
        assert!(queue.is_full());
        let jobs = std::mem::take(&mut *crew.0.lock().unwrap());
        jobs.into_iter().rev().for_each(|job| job());
        assert_eq!(std::iter::from_fn(|| queue.take()).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
        assert!(!queue.is_full());
    }

    #[test]
    fn alone_a_job_is_done_when_it_is_put() {
        let mut queue = Queue::new(&Alone, 1);
        queue.put(|| "done");
        assert!(queue.is_full());
        assert_eq!((queue.take(), queue.take()), (Some("done"), None));
    }
}
