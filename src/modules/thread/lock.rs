//! `_thread.lock`, and the lock of the system under it.

use super::docs;
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, attribute, number};
use crate::types::exceptions::{overflow_error, runtime_error, type_error, value_error};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::{gil, signals, thread};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// `_thread.TIMEOUT_MAX`, in seconds.
pub(super) const TIMEOUT_MAX: f64 = 9_223_372_036.0;

/// How often the main thread looks whether a signal has arrived while it waits.
const LOOK: Duration = Duration::from_millis(20);

/// A lock that any thread may free.
#[derive(Default)]
pub(crate) struct RawLock {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    taken: bool,
    /// Threads that wait for it: without any, to free it is no call of the system.
    waiting: u32,
}

impl RawLock {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes it if it is free.
    pub fn try_take(&self) -> bool {
        !std::mem::replace(&mut self.state().taken, true)
    }

    /// Frees it: whether it was taken.
    pub fn free(&self) -> bool {
        let mut state = self.state();
        let was = std::mem::replace(&mut state.taken, false);
        let is_awaited = state.waiting > 0;
        drop(state);
        if is_awaited {
            self.freed.notify_one();
        }
        was
    }

    pub fn is_taken(&self) -> bool {
        self.state().taken
    }

    /// Waits for it without the GIL, until `deadline` if there is one: whether it was taken. The main thread handles
    /// signals meanwhile.
    ///
    /// # Errors
    /// What a signal handler raises.
    pub fn take(&self, deadline: Option<Instant>) -> PyResult<bool> {
        if self.try_take() {
            return Ok(true);
        }
        let looks = thread::is_main();
        loop {
            let taken = gil::without(|| self.wait(deadline, looks));
            if let Some(taken) = taken {
                return Ok(taken);
            }
            signals::attend(thread::current())?;
        }
    }

    /// Whether it was taken; `None` when there is something to attend to.
    fn wait(&self, deadline: Option<Instant>, looks: bool) -> Option<bool> {
        let mut state = self.state();
        while state.taken {
            let mut patience = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if patience.is_some_and(|patience| patience.is_zero()) {
                return Some(false);
            }
            if looks {
                if signals::is_pending() {
                    return None;
                }
                patience = Some(patience.map_or(LOOK, |patience| patience.min(LOOK)));
            }
            state.waiting += 1;
            state = match patience {
                Some(patience) => self.freed.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0,
                None => self.freed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
            state.waiting -= 1;
        }
        state.taken = true;
        Some(true)
    }
}

/// How long to wait for a lock.
pub(super) enum Patience {
    None,
    Until(Instant),
    Forever,
}

/// The arguments of `acquire(blocking=True, timeout=-1)`. As `lock_acquire_parse_args`.
pub(super) fn patience(blocking: Option<&Value>, timeout: Option<&Value>) -> PyResult<Patience> {
    let blocking = match blocking {
        Some(value) => match number::index_to_i64(value) {
            Ok(value) => value != Some(0),
            Err(_) => return Err(type_error(format!("an integer is required (got type {})", value.ty().name()))),
        },
        None => true,
    };
    let timeout = match timeout {
        Some(value) => number::to_f64(value)?,
        None => -1.0,
    };
    if !blocking && timeout != -1.0 {
        return Err(value_error("can't specify a timeout for a non-blocking call"));
    }
    if timeout < 0.0 && timeout != -1.0 {
        return Err(value_error("timeout value must be positive"));
    }
    if !blocking {
        return Ok(Patience::None);
    }
    if timeout == -1.0 {
        return Ok(Patience::Forever);
    }
    if timeout >= 9_223_372_036.854_775 {
        return Err(overflow_error("timestamp too large to convert to C _PyTime_t"));
    }
    if timeout > TIMEOUT_MAX {
        return Err(overflow_error("timeout value is too large"));
    }
    match Instant::now().checked_add(Duration::from_secs_f64(timeout)) {
        Some(deadline) => Ok(Patience::Until(deadline)),
        None => Err(overflow_error("timeout value is too large")),
    }
}

impl Patience {
    /// Takes a lock with it: whether it was taken.
    pub fn take(&self, lock: &RawLock) -> PyResult<bool> {
        match self {
            Patience::None => Ok(lock.try_take()),
            Patience::Until(deadline) => lock.take(Some(*deadline)),
            Patience::Forever => lock.take(None),
        }
    }
}

/// A lock.
#[repr(C)]
pub struct Lock {
    header: Header,
    raw: RawLock,
}

payload!(Lock, LOCK);

/// The type object of locks.
pub static LOCK: TypeObject = TypeObject::define::<Lock>("_thread.lock")
    .with_weakrefs()
    .doc(docs::LOCK)
    .slots(Slots {
        repr: Some(|this| {
            let locked = this.exact::<Lock>().is_some_and(|lock| lock.raw.is_taken());
            let state = if locked { "locked" } else { "unlocked" };
            Ok(Str::new_value(&format!("<{state} _thread.lock object at {:#x}>", this.bits())))
        }),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(acquire, "!acquire_lock($self, blocking=True, timeout=-1)", docs::LOCK_ACQUIRE),
        method!(acquire, "!acquire($self, blocking=True, timeout=-1)", docs::LOCK_ACQUIRE),
        method!(release, "!release_lock($self, /)", docs::LOCK_RELEASE),
        method!(release, "!release($self, /)", docs::LOCK_RELEASE),
        method!(locked, "!locked_lock($self, /)", docs::LOCK_LOCKED),
        method!(locked, "!locked($self, /)", docs::LOCK_LOCKED),
        method!(enter, "!__enter__($self, /)", docs::LOCK_ACQUIRE),
        method!(exit, "!__exit__($self, *args)", docs::LOCK_RELEASE),
    ]);

/// `allocate_lock()`.
pub(super) fn allocate() -> Value {
    new_object(Lock { header: Header::new(&LOCK), raw: RawLock::default() })
}

/// Frees a lock, whoever holds it.
pub(crate) fn force_free(lock: &Value) {
    if let Some(lock) = lock.exact::<Lock>() {
        lock.raw.free();
    }
}

fn acquire(this: &Lock, blocking: Option<&Value>, timeout: Option<&Value>) -> PyResult<bool> {
    patience(blocking, timeout)?.take(&this.raw)
}

fn enter(this: &Lock) -> PyResult<bool> {
    this.raw.take(None)
}

fn release(this: &Lock) -> PyResult<()> {
    if this.raw.free() { Ok(()) } else { Err(runtime_error("release unlocked lock")) }
}

fn exit(this: &Lock, _args: &Tuple) -> PyResult<()> {
    release(this)
}

fn locked(this: &Lock) -> bool {
    this.raw.is_taken()
}
