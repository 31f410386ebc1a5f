//! The module `faulthandler`: where the program stands, told when it faults, at a signal, after a time or when asked.

mod dump;
mod system;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::time::to_nanoseconds;
use crate::name;
use crate::object::call;
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::value::Value;
use crate::object::value_vec::ValueCell;
use crate::types::exceptions::{os_error, overflow_error, runtime_error, value_error};
use crate::types::int;
use crate::vm::signals::SIGNALS;
use crate::vm::{finalize, gil, thread};
use dump::Out;
use std::cell::{Cell, RefCell};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "faulthandler",
    doc: "faulthandler module.",
    functions: &[
        method!(
            enable,
            "%enable($module, file=None, all_threads=True)",
            "enable(file=sys.stderr, all_threads=True): enable the fault handler"
        ),
        method!(disable, "!disable($module, /)", "disable(): disable the fault handler"),
        method!(is_enabled, "!is_enabled($module, /)", "is_enabled()->bool: check if the handler is enabled"),
        method!(
            dump_traceback,
            "%dump_traceback($module, file=None, all_threads=True)",
            "dump_traceback(file=sys.stderr, all_threads=True): dump the traceback of the current thread, or of all threads if all_threads is True, into file"
        ),
        method!(
            dump_traceback_later,
            "%dump_traceback_later($module, timeout, repeat=False, file=None, exit=False)",
            "dump_traceback_later(timeout, repeat=False, file=sys.stderrn, exit=False):\ndump the traceback of all threads in timeout seconds,\nor each timeout seconds if repeat is True. If exit is True, call _exit(1) which is not safe."
        ),
        method!(
            cancel_dump_traceback_later,
            "!cancel_dump_traceback_later($module, /)",
            "cancel_dump_traceback_later():\ncancel the previous call to dump_traceback_later()."
        ),
        method!(
            register,
            "%register($module, signum, file=None, all_threads=True, chain=False)",
            "register(signum, file=sys.stderr, all_threads=True, chain=False): register a handler for the signal 'signum': dump the traceback of the current thread, or of all threads if all_threads is True, into file"
        ),
        method!(
            unregister,
            "%unregister($module, signum, /)",
            "unregister(signum): unregister the handler of the signal 'signum' registered by register()"
        ),
    ],
    fill: |_| Ok(()),
};

/// The descriptor to write to, with the file to be kept open for it. As `faulthandler_get_fileno`.
fn descriptor(file: Option<&Value>) -> PyResult<(i32, Option<Value>)> {
    let file = match file.filter(|file| !file.is_none()) {
        Some(file) => file.clone(),
        None => match crate::modules::sys::get("stderr") {
            Some(stderr) if stderr.is_none() => return Err(runtime_error("sys.stderr is None")),
            Some(stderr) => stderr,
            None => return Err(runtime_error("unable to get sys.stderr")),
        },
    };
    let too_large = || overflow_error("Python int too large to convert to C int");
    if int::is_int(&file) {
        let fd = int::to_i64(&file).and_then(|fd| i32::try_from(fd).ok()).ok_or_else(too_large)?;
        if fd < 0 {
            return Err(value_error("file is not a valid file descripter"));
        }
        return Ok((fd, None));
    }
    let number = call::call_method(&file, name!("fileno"), &[])?;
    let invalid = || runtime_error("file.fileno() is not a valid file descriptor");
    let fd = int::to_i64(&number).and_then(|fd| i32::try_from(fd).ok()).filter(|&fd| fd >= 0).ok_or_else(invalid)?;
    // As CPython, which goes on when that fails.
    let _untold = call::call_method(&file, name!("flush"), &[]);
    Ok((fd, Some(file)))
}

fn dump_traceback(file: Option<&Value>, all_threads: Option<i32>) -> PyResult<()> {
    let (fd, _open) = descriptor(file)?;
    show(fd, all_threads != Some(0));
    Ok(())
}

/// Writes where the running thread stands, and perhaps all others.
fn show(fd: i32, all_threads: bool) {
    let current = thread::current();
    let mut out = Out::new(fd);
    if all_threads { out.threads(Some(current)) } else { out.stack(current) }
}

// ---------------------------------------------------------------------------------------------------------------------
// Faults

/// How the signals of faults were handled before; empty while faults are not told of.
static PREVIOUS: GilCell<RefCell<Vec<(i32, system::Action)>>> = GilCell::new(RefCell::new(Vec::new()));
/// The file that faults are told to.
static FAULT_FILE: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);

fn enable(file: Option<&Value>, all_threads: Option<i32>) -> PyResult<()> {
    let (fd, file) = descriptor(file)?;
    FAULT_FILE.get().set(file);
    enable_on(fd, all_threads != Some(0)).map_err(|errno| os_error::from_errno(errno, None))
}

fn enable_on(fd: i32, all_threads: bool) -> Result<(), i32> {
    system::FAULT_FD.store(fd, Relaxed);
    system::FAULT_ALL_THREADS.store(all_threads, Relaxed);
    let mut previous = PREVIOUS.get().borrow_mut();
    if previous.is_empty() {
        for (signal, _) in system::FAULTS {
            previous.push((signal, system::catch_fault(signal)?));
        }
    }
    Ok(())
}

/// Ends the process because there is no going on: says why and where all threads stand, then aborts. As `Py_FatalError`.
pub(crate) fn fatal(message: &str) -> ! {
    let current = thread::current();
    let mut out = Out::new(2);
    out.text("Fatal Python error: ");
    out.text(message);
    out.text("\nPython runtime state: ");
    if finalize::is_finalizing() {
        out.text("finalizing (tstate=0x");
        out.number(std::ptr::from_ref(current).addr() as u64, 16, 16);
        out.text(")");
    } else {
        out.text("initialized");
    }
    out.text("\n\n");
    out.threads(Some(current));
    drop(out);
    // The abort is not told of once more.
    disable();
    std::process::abort()
}

/// Has faults told of on standard error from the beginning: `-X faulthandler`.
pub(crate) fn enable_at_start() {
    // A system that refuses goes without.
    let _untold = enable_on(2, true);
}

fn disable() -> bool {
    let previous = PREVIOUS.get().take();
    let was_enabled = !previous.is_empty();
    for (signal, action) in previous {
        system::restore(signal, action);
    }
    system::FAULT_FD.store(-1, Relaxed);
    FAULT_FILE.get().set(None);
    was_enabled
}

fn is_enabled() -> bool {
    !PREVIOUS.get().borrow().is_empty()
}

// ---------------------------------------------------------------------------------------------------------------------
// Signals of a program's choice

/// A registered signal.
struct Registered {
    fd: Cell<i32>,
    file: ValueCell,
    all_threads: Cell<bool>,
    chain: Cell<bool>,
    previous: Cell<Option<system::Action>>,
}

static REGISTERED: GilCell<[Registered; SIGNALS]> = GilCell::new(
    [const {
        Registered {
            fd: Cell::new(-1),
            file: ValueCell::EMPTY,
            all_threads: Cell::new(true),
            chain: Cell::new(false),
            previous: Cell::new(None),
        }
    }; SIGNALS],
);

/// A registered signal has come.
static WANTED: AtomicBool = AtomicBool::new(false);

/// The place of a signal's registration. As `check_signum`.
fn registered(signal: i32) -> PyResult<&'static Registered> {
    if system::FAULTS.iter().any(|(fault, _)| *fault == signal) {
        return Err(runtime_error(format!("signal {signal} cannot be registered, use enable() instead")));
    }
    let place = usize::try_from(signal).ok().filter(|&signal| signal > 0);
    place.and_then(|place| REGISTERED.get().get(place)).ok_or_else(|| value_error("signal number out of range"))
}

fn register(signal: i32, file: Option<&Value>, all_threads: Option<i32>, chain: Option<i32>) -> PyResult<()> {
    let place = registered(signal)?;
    let (fd, file) = descriptor(file)?;
    let chain = chain.is_some_and(|chain| chain != 0);
    let previous = system::catch(signal, chain).map_err(|errno| os_error::from_errno(errno, None))?;
    if place.previous.get().is_none() {
        place.previous.set(Some(previous));
    }
    place.fd.set(fd);
    place.file.set(file);
    place.all_threads.set(all_threads != Some(0));
    place.chain.set(chain);
    Ok(())
}

fn unregister(signal: i32) -> PyResult<bool> {
    let place = registered(signal)?;
    let previous = place.previous.take();
    if let Some(previous) = previous {
        system::restore(signal, previous);
        place.fd.set(-1);
        place.file.set(None);
    }
    Ok(previous.is_some())
}

/// Tells of registered signals that have come: called by the thread that holds the GIL, at its checks.
#[inline]
pub(crate) fn write_wanted() {
    if WANTED.load(Relaxed) {
        write_all_wanted();
    }
}

#[cold]
fn write_all_wanted() {
    WANTED.store(false, Relaxed);
    for (signal, place) in (0..).zip(REGISTERED.get()) {
        let Some(previous) = place.previous.get() else { continue };
        if !system::has_come(signal as usize) {
            continue;
        }
        show(place.fd.get(), place.all_threads.get());
        if place.chain.get() {
            // The one before has its turn; then this one is there again.
            system::restore(signal, previous);
            system::raise(signal);
            let _was_possible_before = system::catch(signal, true);
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// After a time

/// The number of the last request: an older one is over.
static REQUEST: Mutex<u64> = Mutex::new(0);
static CHANGED: Condvar = Condvar::new();
/// The file that is written to then.
static LATER_FILE: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);

/// So long a thread that runs Python code is waited for before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(1);

fn request() -> MutexGuard<'static, u64> {
    REQUEST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What to do after the time.
struct Later {
    number: u64,
    interval: Duration,
    repeat: bool,
    fd: i32,
    exit: bool,
    /// What is written before the threads.
    header: String,
}

impl Later {
    /// Waits and writes, in a thread of its own.
    fn run(&self) {
        let mut number = request();
        loop {
            let deadline = Instant::now() + self.interval;
            loop {
                if *number != self.number {
                    return;
                }
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                number = CHANGED.wait_timeout(number, left).unwrap_or_else(PoisonError::into_inner).0;
            }
            // Whoever takes the request back holds the GIL.
            drop(number);
            let written = gil::from_outside(PATIENCE, || {
                if *request() == self.number {
                    let mut out = Out::new(self.fd);
                    out.text(&self.header);
                    out.threads(None);
                }
            });
            number = request();
            if *number != self.number {
                return;
            }
            if written.is_none() {
                // Native code does not come to an end: its frames may change at any moment.
                let mut out = Out::new(self.fd);
                out.text(&self.header);
                out.text("  <the running thread does not stop>\n");
            }
            if self.exit {
                system::exit_now(1);
            }
            if !self.repeat {
                return;
            }
        }
    }
}

/// As `format_timeout`.
fn header(microseconds: u64) -> String {
    let (seconds, rest) = (microseconds / 1_000_000, microseconds % 1_000_000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = if rest == 0 { String::new() } else { format!(".{rest:06}") };
    format!("Timeout ({hours}:{minutes:02}:{seconds:02}{fraction})!\n")
}

fn dump_traceback_later(timeout: &Value, repeat: Option<i32>, file: Option<&Value>, exit: Option<i32>) -> PyResult<()> {
    let away_from_zero = |value: f64| if value < 0.0 { value.floor() } else { value.ceil() };
    let nanoseconds = to_nanoseconds(timeout, away_from_zero)?;
    let microseconds = u64::try_from(nanoseconds).unwrap_or(0).div_ceil(1000);
    if microseconds == 0 {
        return Err(value_error("timeout must be greater than 0"));
    }
    let (fd, file) = descriptor(file)?;
    cancel_dump_traceback_later();
    LATER_FILE.get().set(file);
    let later = Later {
        number: *request(),
        interval: Duration::from_micros(microseconds),
        repeat: repeat.is_some_and(|repeat| repeat != 0),
        fd,
        exit: exit.is_some_and(|exit| exit != 0),
        header: header(microseconds),
    };
    gil::watch(move || later.run()).map_err(|_| runtime_error("unable to start watchdog thread"))
}

fn cancel_dump_traceback_later() {
    *request() += 1;
    CHANGED.notify_all();
    LATER_FILE.get().set(None);
}
