//! What the loop attends to when its breaker is set: a request to stop, signals, threads that wait for the GIL, a collection
//! that is due.

use crate::modules::faulthandler;
use crate::object::call;
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::value::Value;
use crate::object::value_vec::ValueVec;
use crate::types::exceptions::{SYSTEM_EXIT, instantiate, os_error};
use crate::vm::frame::Place;
use crate::vm::gil;
use crate::vm::thread::{self, Thread};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI32};

/// Somebody wants the running program to end.
static STOP: AtomicBool = AtomicBool::new(false);

/// Asks the running program to end, from any thread: at its next backward jump it raises an exception that no `except`
/// and no `finally` of it sees. Native code that loops by itself is not stopped.
pub fn stop() {
    STOP.store(true, Relaxed);
    thread::current().want_attention();
}

/// Takes a request to stop back.
pub fn go_on() {
    STOP.store(false, Relaxed);
    thread::current().breaker.store(false, Relaxed);
    thread::current().settle_stack_limit();
}

/// Whether the running program has to end.
pub(crate) fn stopping() -> bool {
    STOP.load(Relaxed)
}

/// For native code at long work that must not run Python code meanwhile.
///
/// # Errors
/// `SystemExit` when the program has to end.
pub(crate) fn check_stop() -> PyResult<()> {
    if stopping() { Err(Raised::new(instantiate(&SYSTEM_EXIT, Vec::new()))) } else { Ok(()) }
}

/// Attends to whatever set the breaker.
///
/// # Errors
/// `SystemExit` when the program has to end; the breaker stays set then. What a signal handler raises.
pub(crate) fn attend(vm: &'static Thread) -> PyResult<()> {
    check_stop()?;
    vm.breaker.store(false, Relaxed);
    vm.settle_stack_limit();
    if gil::is_wanted() {
        gil::give_way(vm);
    }
    faulthandler::write_wanted();
    if PENDING.load(Relaxed) && thread::is_main() {
        handle()?;
    }
    crate::gc::collect_due();
    Ok(())
}

/// Signals are numbered below this.
pub(crate) const SIGNALS: usize = 65;

/// Signals that have arrived and wait for their handlers.
static TRIPPED: [AtomicBool; SIGNALS] = [const { AtomicBool::new(false) }; SIGNALS];
/// One of them at least.
static PENDING: AtomicBool = AtomicBool::new(false);
/// Where a byte is written for each signal: `signal.set_wakeup_fd`. -1 for nowhere.
static WAKEUP: AtomicI32 = AtomicI32::new(-1);
/// Whether a full pipe there is told of.
static WARN_ON_FULL: AtomicBool = AtomicBool::new(true);
/// Why a byte could not be written there; 0 when nothing is to be told.
static WAKEUP_ERROR: AtomicI32 = AtomicI32::new(0);
/// The handlers by signal: a callable, or None for what Python did not set.
static HANDLERS: GilCell<ValueVec> = GilCell::new(ValueVec::new(Vec::new()));

/// Whether signals wait for their handlers.
pub(crate) fn is_pending() -> bool {
    PENDING.load(Relaxed) || stopping()
}

/// Says that a signal has arrived. Safe in a signal handler. As `trip_signal`.
pub(crate) fn trip(signal: i32) {
    let Some(tripped) = usize::try_from(signal).ok().and_then(|signal| TRIPPED.get(signal)) else { return };
    tripped.store(true, Relaxed);
    PENDING.store(true, Relaxed);
    thread::main().want_attention();
    let fd = WAKEUP.load(Relaxed);
    if fd >= 0 {
        let byte = [signal as u8];
        // SAFETY: write() may be called in a signal handler.
        let written = unsafe { libc::write(fd, byte.as_ptr().cast(), 1) };
        if written < 0 {
            // SAFETY: the thread's own.
            let errno = unsafe { *libc::__errno_location() };
            if WARN_ON_FULL.load(Relaxed) || !matches!(errno, libc::EAGAIN) {
                WAKEUP_ERROR.store(errno, Relaxed);
            }
        }
    }
}

/// Has the checks of signals made soon, though none came that Python handles. Safe in a signal handler.
pub(crate) fn wake() {
    PENDING.store(true, Relaxed);
    thread::main().want_attention();
    thread::current().want_attention();
}

extern "C" fn arrived(signal: libc::c_int) {
    // SAFETY: errno is the interrupted code's.
    unsafe {
        let errno = *libc::__errno_location();
        trip(signal);
        *libc::__errno_location() = errno;
    }
}

/// What the system does with a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Disposition {
    /// `SIG_DFL`.
    Default,
    /// `SIG_IGN`.
    Ignore,
    /// A handler, Python's or another.
    Handler,
}

/// What the system does with a signal now.
pub(crate) fn disposition(signal: i32) -> Option<Disposition> {
    // SAFETY: plain data; the call only reads.
    let found = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signal, std::ptr::null(), &mut action) != 0 {
            return None;
        }
        action.sa_sigaction
    };
    Some(match found {
        libc::SIG_DFL => Disposition::Default,
        libc::SIG_IGN => Disposition::Ignore,
        _ => Disposition::Handler,
    })
}

/// Sets what the system does with a signal. System calls are interrupted, never restarted.
///
/// # Errors
/// The system's error number.
pub(crate) fn set_disposition(signal: i32, wanted: Disposition) -> Result<(), i32> {
    // SAFETY: the handler touches atomics and the wakeup descriptor only.
    let done = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = match wanted {
            Disposition::Default => libc::SIG_DFL,
            Disposition::Ignore => libc::SIG_IGN,
            Disposition::Handler => arrived as extern "C" fn(libc::c_int) as usize,
        };
        libc::sigemptyset(&mut action.sa_mask);
        libc::sigaction(signal, &action, std::ptr::null_mut())
    };
    if done == 0 { Ok(()) } else { Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)) }
}

/// Calls `f` with all signals blocked in this thread: the process's signals go to the others.
pub(crate) fn without<R>(f: impl FnOnce() -> R) -> R {
    // SAFETY: plain data, filled by the system.
    let (mut all, mut old): (libc::sigset_t, libc::sigset_t) = unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    // SAFETY: sets of this frame.
    unsafe {
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut old);
    }
    let result = f();
    // SAFETY: as above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &old, std::ptr::null_mut()) };
    result
}

/// Has writing to a pipe that nobody reads be an error, and not the end of the process.
pub fn ignore_broken_pipes() {
    // What cannot be set stays as it is.
    let _ended_then = set_disposition(libc::SIGPIPE, Disposition::Ignore);
}

/// Has faults end the process, as the system does where nobody catches them: the Rust library catches some to tell of an overflow
/// of the native stack, and swallows one that another process sent.
pub fn leave_faults_to_the_system() {
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // What cannot be set stays as it is.
        let _swallowed_then = set_disposition(signal, Disposition::Default);
    }
}

/// `SIGINT`.
pub const INTERRUPT: i32 = libc::SIGINT;

/// Ends the process by a signal's default action, so that whoever started it sees what ended it.
pub fn die_of(signal: i32) {
    // The process is ending: what cannot be set leaves the exit status to tell.
    let _ended_by_status_then = set_disposition(signal, Disposition::Default);
    // SAFETY: numbers go in.
    unsafe { libc::kill(libc::getpid(), signal) };
}

/// The Python handler of a signal; `None` where there is none.
pub(crate) fn handler(signal: i32) -> Option<Value> {
    HANDLERS.get().get(usize::try_from(signal).ok()?)
}

/// Sets the Python handler of a signal. The old one.
pub(crate) fn set_handler(signal: i32, handler: Value) -> Option<Value> {
    let handlers = HANDLERS.get();
    while handlers.len() < SIGNALS {
        handlers.push(Value::NONE);
    }
    handlers.set(usize::try_from(signal).ok()?, handler).ok()
}

/// Sets where a byte is written for each signal: the old descriptor.
pub(crate) fn set_wakeup(fd: i32, warn_on_full: bool) -> i32 {
    WARN_ON_FULL.store(warn_on_full, Relaxed);
    WAKEUP.swap(fd, Relaxed)
}

/// Calls the handlers of the signals that have arrived. As `_PyErr_CheckSignals`.
fn handle() -> PyResult<()> {
    PENDING.store(false, Relaxed);
    let errno = WAKEUP_ERROR.swap(0, Relaxed);
    if errno != 0 {
        crate::modules::sys::write_stderr("Exception ignored when trying to write to the signal wakeup fd:\n");
        thread::report_unraisable(os_error::from_errno(errno, None), &Value::NONE);
    }
    let frame = Place::current(thread::current()).map_or(Value::NONE, Place::object);
    for (signal, tripped) in TRIPPED.iter().enumerate() {
        if tripped.swap(false, Relaxed)
            && let Some(handler) = HANDLERS.get().get(signal)
            && call::is_callable(&handler)
            && let Err(raised) = call::call(&handler, &[Value::int(signal as i64), frame.clone()])
        {
            // The others wait for the next time.
            PENDING.store(true, Relaxed);
            thread::main().want_attention();
            return Err(raised);
        }
    }
    Ok(())
}
