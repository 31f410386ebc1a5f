//! The lock of a buffered stream: one thread at a time, and never the same thread twice (a signal handler, or a raw stream
//! written in Python that comes back).

use crate::modules::blocking::blocking;
use crate::object::error::PyResult;
use crate::object::text;
use crate::object::value::Value;
use crate::types::exceptions::runtime_error;
use crate::vm::finalize;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// How long a lock is waited for once the interpreter shuts down.
const AT_SHUTDOWN: Duration = Duration::from_secs(1);

/// How often those who wait look.
const POLL: Duration = Duration::from_micros(50);

thread_local! {
    /// Its address tells threads apart.
    static MARK: u8 = const { 0 };
}

fn this_thread() -> usize {
    MARK.with(|mark| mark as *const u8 as usize)
}

/// The lock; a number that only the thread holding the GIL looks at.
#[derive(Default)]
pub(super) struct Lock {
    /// The thread that holds it; 0 for none.
    owner: Cell<usize>,
    /// How many wait for it.
    waiting: Cell<usize>,
}

/// The owner of a lock that is free for those who wait: who has just had it would else take it again before they look.
const HANDED_ON: usize = usize::MAX;

/// Holds a lock until dropped.
pub(super) struct Held<'a>(&'a Lock);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.owner.set(if self.0.waiting.get() > 0 { HANDED_ON } else { 0 });
    }
}

impl Lock {
    /// Whether nobody holds the lock: what is in the buffer may be taken without it then.
    #[inline]
    pub fn is_free(&self) -> bool {
        self.owner.get() == 0
    }

    /// Takes the lock of the stream `this`, waiting for other threads.
    ///
    /// # Errors
    /// `RuntimeError` when this thread holds it already.
    #[inline]
    pub fn enter(&self, this: &Value) -> PyResult<Held<'_>> {
        if self.owner.get() != 0 {
            self.wait(this)?;
        }
        self.owner.set(this_thread());
        Ok(Held(self))
    }

    #[cold]
    fn wait(&self, this: &Value) -> PyResult<()> {
        if self.owner.get() == this_thread() {
            let shown = text::repr_string(this)?;
            return Err(runtime_error(format!("reentrant call inside {shown}")));
        }
        // Others give it back only while this thread does not hold the GIL. At shutdown those that hold it may never run
        // again: as _enter_buffered_busy, there is an end to waiting.
        let start = Instant::now();
        let first = self.waiting.get() == 0;
        self.waiting.set(self.waiting.get() + 1);
        while !(matches!(self.owner.get(), 0 | HANDED_ON) && (first || start.elapsed() > POLL)) {
            blocking(|| std::thread::sleep(POLL));
            if finalize::is_finalizing() && start.elapsed() > AT_SHUTDOWN {
                let shown = text::repr_string(this).unwrap_or_default();
                eprintln!(
                    "Fatal Python error: could not acquire lock for {shown} at interpreter shutdown, possibly due to daemon threads"
                );
                std::process::abort();
            }
        }
        self.waiting.set(self.waiting.get() - 1);
        Ok(())
    }
}
