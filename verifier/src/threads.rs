//! A crew of threads, one for each core; feature `files`, as whoever has a disk has threads too.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::crew::{Crew, Job};

/// Threads that wait for jobs; they end when this value is dropped.
#[derive(Debug)]
pub struct Threads {
    /// Nothing when they are told to end.
    jobs: Option<Mutex<Sender<Job>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Threads {
    /// One thread for each core that this process may use.
    pub fn new() -> Self {
        Self::of(std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// So many threads; fewer where the system gives no more.
    pub fn of(count: usize) -> Self {
        let (jobs, queue) = channel();
        let queue: Arc<Mutex<Receiver<Job>>> = Arc::new(Mutex::new(queue));
        let start = |_| {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new().name("crew".to_owned()).spawn(move || work(&queue)).ok()
        };
        let threads = (0..count.max(1)).filter_map(start).collect();
        Self { jobs: Some(Mutex::new(jobs)), threads }
    }
}

impl Default for Threads {
    fn default() -> Self {
        Self::new()
    }
}

impl Crew for Threads {
    fn hand(&self, job: Job) {
        let jobs = self.jobs.as_ref().filter(|_| !self.threads.is_empty());
        let Some(jobs) = jobs else { return job() };
        let sent = jobs.lock().unwrap_or_else(PoisonError::into_inner).send(job);
        if let Err(unsent) = sent {
            (unsent.0)();
        }
    }

    fn hands(&self) -> usize {
        self.threads.len().max(1)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join(); // a job that panicked was noticed by whoever waited for its result
        }
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // A job that panics takes its result with it; the thread goes on for the others.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}
