//! The lock of a buffered stream: one thread at a time, and never the same thread twice (a signal handler, or a raw stream
//! written in Python that comes back).

use crate::modules::blocking::blocking;
use crate::modules::faulthandler;
use crate::object::error::PyResult;
use crate::object::text;
use crate::object::value::Value;
use crate::types::exceptions::runtime_error;
use crate::types::str::Str;
use crate::vm::finalize;
use std::cell::Cell;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a lock is waited for once the interpreter shuts down: those that hold it may never run again.
const AT_SHUTDOWN: Duration = Duration::from_secs(1);

thread_local! {
    /// Its address tells threads apart.
    static MARK: u8 = const { 0 };
}

fn this_thread() -> usize {
    MARK.with(|mark| mark as *const u8 as usize)
}

/// The lock. Who holds it is a number that only the thread holding the GIL looks at, so that it costs next to nothing while
/// nobody waits.
#[derive(Default)]
pub(super) struct Lock {
    /// The thread that holds it; 0 for none.
    owner: Cell<usize>,
    /// How many wait for it.
    waiting: Cell<usize>,
    /// It was handed on to one of those who wait, who has not noticed yet.
    handed: Mutex<bool>,
    passed: Condvar,
}

/// The owner of a lock that is free for those who wait: who has just had it would else take it again before they look.
const HANDED_ON: usize = usize::MAX;

/// Holds a lock until dropped.
pub(super) struct Held<'a>(&'a Lock);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.0.waiting.get() > 0 { self.0.hand_on() } else { self.0.owner.set(0) }
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
    fn hand_on(&self) {
        self.owner.set(HANDED_ON);
        *self.handed.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.passed.notify_one();
    }

    /// As `_enter_buffered_busy`.
    #[cold]
    fn wait(&self, this: &Value) -> PyResult<()> {
        if self.owner.get() == this_thread() {
            let shown = text::repr_string(this)?;
            return Err(runtime_error(format!("reentrant call inside {shown}")));
        }
        let patience = finalize::is_finalizing().then_some(AT_SHUTDOWN);
        self.waiting.set(self.waiting.get() + 1);
        let taken = blocking(|| self.wait_for_hand(patience));
        self.waiting.set(self.waiting.get() - 1);
        if !taken {
            let shown = text::ascii(this).ok();
            let shown = shown.as_ref().and_then(|shown| shown.downcast::<Str>()).map(Str::to_string_lossy);
            faulthandler::fatal(&format!(
                "could not acquire lock for {} at interpreter shutdown, possibly due to daemon threads",
                shown.unwrap_or_default()
            ));
        }
        Ok(())
    }

    /// Waits until the lock is handed on to this thread: whether it was.
    fn wait_for_hand(&self, patience: Option<Duration>) -> bool {
        let handed = self.handed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut handed = match patience {
            Some(patience) => {
                let waited = self.passed.wait_timeout_while(handed, patience, |handed| !*handed);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.passed.wait_while(handed, |handed| !*handed).unwrap_or_else(PoisonError::into_inner),
        };
        std::mem::replace(&mut *handed, false)
    }
}
