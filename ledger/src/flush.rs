//! Watches over a flush: when a thread of the database fails to write, it can leave whoever waits for it waiting for good.
//!
//! The database remembers the failure, and tells everyone who asks afterwards. So while a flush takes long, somebody
//! else asks.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::files;

/// How often somebody looks; a flush that is under way at two looks is asked about.
const LOOK: Duration = Duration::from_secs(2);

/// Whoever watches; it ends with this value.
pub(crate) struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Seen>,
    ends: Condvar,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    flushes: u64,
    under_way: bool,
    end: bool,
}

impl Watch {
    /// Watches over flushes of what lies in a folder; `ask` says what it failed of. If the system gives no thread,
    /// nobody watches.
    pub(crate) fn over(dir: &Path, ask: impl Fn() -> Result<(), String> + Send + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        let (watched, dir) = (Arc::clone(&shared), dir.to_owned());
        let watch = move || watched.watch(&dir, &ask);
        let thread = std::thread::Builder::new().name("flush-watch".to_owned()).spawn(watch).ok();
        Self { shared, thread }
    }

    /// Does a flush. Where it does not come back for having failed, the process ends.
    pub(crate) fn flush<T>(&self, flush: impl FnOnce() -> T) -> T {
        self.shared.set(|seen| (seen.flushes, seen.under_way) = (seen.flushes + 1, true));
        let done = flush();
        self.shared.set(|seen| seen.under_way = false);
        done
    }
}

impl Shared {
    fn set(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn watch(&self, dir: &Path, ask: &dyn Fn() -> Result<(), String>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = None;
        while !seen.end {
            let now = seen.under_way.then_some(seen.flushes);
            if now.is_some() && now == before {
                drop(seen);
                // A disk that is only slow makes this wait too, and it comes back when the other does.
                if let Err(why) = ask() {
                    files::die_of_sync(dir, &std::io::Error::other(why));
                }
                seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            }
            before = now;
            if !seen.end {
                seen = self.ends.wait_timeout(seen, LOOK).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.set(|seen| seen.end = true);
        self.shared.ends.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // it only waits
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_flush_that_does_not_come_back_is_asked_about_and_a_quick_one_is_not() {
        let (tell, told) = channel();
        let watch = Watch::over(Path::new("."), move || tell.send(()).map_err(|why| why.to_string()));
        assert_eq!(watch.flush(|| 7), 7);
        assert!(told.try_recv().is_err());
        watch.flush(|| told.recv_timeout(Duration::from_secs(60)).expect("somebody asks"));
    }
}
