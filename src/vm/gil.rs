//! The global interpreter lock: one thread at a time uses Python objects. Who waits longer than the switch interval asks the
//! holder to give way, which it does at its next backward jump or call. As `Python/ceval_gil.h`.

use crate::object::pool;
use crate::vm::thread::{self, Thread};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

struct State {
    held: bool,
    /// How often the lock was taken.
    taken: u64,
    /// Threads that wait to take it. Without any, to give it back is no call of the system.
    waiting: u32,
    /// Threads that have given way and wait until another has taken it.
    watching: u32,
}

static STATE: Mutex<State> = Mutex::new(State { held: false, taken: 0, waiting: 0, watching: 0 });
/// The program has ended: no other thread runs Python code any more.
static CLOSED: AtomicBool = AtomicBool::new(false);
static FREED: Condvar = Condvar::new();
static TAKEN: Condvar = Condvar::new();
/// Somebody has waited long enough.
static REQUEST: AtomicBool = AtomicBool::new(false);
/// The switch interval in microseconds.
static INTERVAL: AtomicU64 = AtomicU64::new(5000);
/// Threads that Python code has started and that have not ended.
static OTHERS: AtomicUsize = AtomicUsize::new(0);
/// Those among them that run no Python code themselves.
static WATCHING: AtomicUsize = AtomicUsize::new(0);

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the lock for a thread, which is the running one from then on.
pub(crate) fn acquire(thread: &'static Thread) {
    let mut state = state();
    state.waiting += 1;
    while state.held {
        let before = state.taken;
        let interval = Duration::from_micros(INTERVAL.load(Relaxed).max(1));
        let (guard, waited) = FREED.wait_timeout(state, interval).unwrap_or_else(PoisonError::into_inner);
        state = guard;
        if waited.timed_out() && state.held && state.taken == before {
            REQUEST.store(true, Relaxed);
            thread::current().want_attention();
        }
    }
    state.waiting -= 1;
    if CLOSED.load(Relaxed) && !std::ptr::eq(thread, thread::main()) {
        // Daemon threads end with the process. Whoever waits for this one to take the lock waits no longer.
        drop(state);
        FREED.notify_one();
        TAKEN.notify_all();
        loop {
            std::thread::park();
        }
    }
    state.held = true;
    state.taken += 1;
    REQUEST.store(false, Relaxed);
    thread::set_current(thread);
    let is_watched = state.watching > 0;
    drop(state);
    if is_watched {
        TAKEN.notify_all();
    }
    pool::set_holder(true);
}

/// Gives the lock back.
pub(crate) fn release() {
    pool::set_holder(false);
    let mut state = state();
    state.held = false;
    let is_awaited = state.waiting > 0;
    drop(state);
    if is_awaited {
        FREED.notify_one();
    }
}

/// From now on only the running thread runs Python code.
pub(crate) fn close() {
    CLOSED.store(true, Relaxed);
}

/// Whether somebody wants the lock.
pub(crate) fn is_wanted() -> bool {
    REQUEST.load(Relaxed)
}

/// Lets a thread that waits have the lock, then takes it again.
pub(crate) fn give_way(thread: &'static Thread) {
    if CLOSED.load(Relaxed) {
        // Nobody else will ever take it.
        REQUEST.store(false, Relaxed);
        return;
    }
    pool::set_holder(false);
    let mut state = state();
    state.held = false;
    let before = state.taken;
    FREED.notify_one();
    // Else this thread might have it again before the other has woken up.
    while state.taken == before && state.waiting > 0 {
        state.watching += 1;
        state = TAKEN.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.watching -= 1;
    }
    drop(state);
    acquire(thread);
}

/// Runs a call without the lock, if there are threads to have it. The call touches no Python object.
#[inline]
pub(crate) fn without<R>(call: impl FnOnce() -> R) -> R {
    if OTHERS.load(Relaxed) == 0 {
        return call();
    }
    let thread = thread::current();
    release();
    let result = call();
    acquire(thread);
    result
}

/// Takes the lock for an action of a thread that runs no Python code, asking the holder to give way; `None` when it does not
/// in that time. The action looks only: it makes no object and lets none go.
pub(crate) fn from_outside<R>(patience: Duration, act: impl FnOnce() -> R) -> Option<R> {
    let deadline = Instant::now() + patience;
    let mut state = state();
    state.waiting += 1;
    while state.held {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            state.waiting -= 1;
            drop(state);
            // It may have been woken in the place of another.
            FREED.notify_one();
            return None;
        }
        REQUEST.store(true, Relaxed);
        thread::current().want_attention();
        let interval = left.min(Duration::from_millis(5));
        state = FREED.wait_timeout(state, interval).unwrap_or_else(PoisonError::into_inner).0;
    }
    state.waiting -= 1;
    state.held = true;
    state.taken += 1;
    REQUEST.store(false, Relaxed);
    drop(state);
    TAKEN.notify_all();
    let result = act();
    self::state().held = false;
    FREED.notify_one();
    Some(result)
}

/// Starts a thread of the system that takes the lock now and then by [`from_outside`]: while there is one, blocking calls let
/// the lock go also where no other thread runs Python code.
///
/// # Errors
/// What the system says.
pub(crate) fn watch(body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    OTHERS.fetch_add(1, Relaxed);
    WATCHING.fetch_add(1, Relaxed);
    let end = || {
        OTHERS.fetch_sub(1, Relaxed);
        WATCHING.fetch_sub(1, Relaxed);
    };
    let started = std::thread::Builder::new().spawn(move || {
        body();
        end();
    });
    if started.is_err() {
        end();
    }
    started.map(drop)
}

/// `sys.getswitchinterval()`, in microseconds.
pub(crate) fn interval() -> u64 {
    INTERVAL.load(Relaxed)
}

/// `sys.setswitchinterval()`.
pub(crate) fn set_interval(microseconds: u64) {
    INTERVAL.store(microseconds, Relaxed);
}

/// How many threads Python code has started that have not ended: `_thread._count()`.
pub(crate) fn others() -> usize {
    OTHERS.load(Relaxed).saturating_sub(WATCHING.load(Relaxed))
}

/// Starts a thread of the system that takes the lock and runs `body` on it. It counts until it has given the lock back.
///
/// # Errors
/// What the system says.
pub(crate) fn spawn(
    thread: &'static Thread,
    native_stack: usize,
    body: impl FnOnce() + 'static,
) -> std::io::Result<()> {
    struct Carried<F>(&'static Thread, usize, F);
    // SAFETY: what the closure holds is touched by the new thread only once it has the lock, and by nobody else then; of
    // the thread's own state, the identity alone is written before, which is atomic.
    unsafe impl<F> Send for Carried<F> {}
    impl<F: FnOnce()> Carried<F> {
        fn run(self) {
            self.0.note_ident();
            acquire(self.0);
            thread::prepare(self.1);
            (self.2)();
            OTHERS.fetch_sub(1, Relaxed);
            release();
        }
    }
    let carried = Carried(thread, native_stack, body);
    OTHERS.fetch_add(1, Relaxed);
    let started = std::thread::Builder::new().stack_size(native_stack).spawn(move || carried.run());
    if started.is_err() {
        OTHERS.fetch_sub(1, Relaxed);
    }
    started.map(drop)
}

/// In the child of a fork: only this thread is there.
pub(crate) fn after_fork_in_child() {
    OTHERS.store(0, Relaxed);
    WATCHING.store(0, Relaxed);
    REQUEST.store(false, Relaxed);
    if let Ok(mut state) = STATE.try_lock() {
        state.waiting = 0;
        state.watching = 0;
        state.held = true;
    }
}
