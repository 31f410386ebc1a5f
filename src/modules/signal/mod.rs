//! The module `_signal`: handlers of signals, timers, masks. The handlers run in the main thread, between instructions.

mod docs;
mod system;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::blocking::{blocking, check_signals};
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::value::Value;
use crate::object::value_vec::ValueCell;
use crate::object::{call, iter, number};
use crate::struct_sequence;
use crate::types::dict::Dict;
use crate::types::exceptions::{
    KEYBOARD_INTERRUPT, ModuleException, OS_ERROR, instantiate, os_error, overflow_error, type_error, value_error,
};
use crate::types::int;
use crate::types::set;
use crate::types::str::Str;
use crate::types::struct_sequence::{complete, new_value};
use crate::types::tuple::Tuple;
use crate::vm::signals::{self, Disposition, SIGNALS};
use crate::vm::thread;
use system::SignalSet;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_signal",
    doc: docs::MODULE,
    functions: &[
        method!(default_int_handler, "!default_int_handler(*args)", docs::DEFAULT_INT_HANDLER),
        method!(alarm, "alarm($module, seconds, /)", docs::ALARM),
        method!(setitimer, "setitimer($module, which, seconds, interval=0.0, /)", docs::SETITIMER),
        method!(getitimer, "getitimer($module, which, /)", docs::GETITIMER),
        method!(signal, "signal($module, signalnum, handler, /)", docs::SIGNAL),
        method!(raise_signal, "raise_signal($module, signalnum, /)", docs::RAISE_SIGNAL),
        method!(strsignal, "strsignal($module, signalnum, /)", docs::STRSIGNAL),
        method!(getsignal, "getsignal($module, signalnum, /)", docs::GETSIGNAL),
        method!(set_wakeup_fd, "!set_wakeup_fd(fd, /, *, warn_on_full_buffer=True)", docs::SET_WAKEUP_FD),
        method!(siginterrupt, "siginterrupt($module, signalnum, flag, /)", docs::SIGINTERRUPT),
        method!(pause, "pause($module, /)", docs::PAUSE),
        method!(pthread_kill, "pthread_kill($module, thread_id, signalnum, /)", docs::PTHREAD_KILL),
        method!(pthread_sigmask, "pthread_sigmask($module, how, mask, /)", docs::PTHREAD_SIGMASK),
        method!(sigpending, "sigpending($module, /)", docs::SIGPENDING),
        method!(sigwait, "sigwait($module, sigset, /)", docs::SIGWAIT),
        method!(sigwaitinfo, "sigwaitinfo($module, sigset, /)", docs::SIGWAITINFO),
        method!(sigtimedwait, "sigtimedwait($module, sigset, timeout, /)", docs::SIGTIMEDWAIT),
        method!(valid_signals, "valid_signals($module, /)", docs::VALID_SIGNALS),
    ],
    fill,
};

struct_sequence!(
    /// What `sigwaitinfo` gives.
    SIGINFO "signal.struct_siginfo" "struct_siginfo: Result from sigwaitinfo or sigtimedwait.\n\nThis object may be accessed either as a tuple of\n(si_signo, si_code, si_errno, si_pid, si_uid, si_status, si_band),\nor via the attributes si_signo, si_code, and so on.", [
        ("si_signo", "signal number"),
        ("si_code", "signal code"),
        ("si_errno", "errno associated with this signal"),
        ("si_pid", "sending process ID"),
        ("si_uid", "real user ID of sending process"),
        ("si_status", "exit value or signal"),
        ("si_band", "band event for SIGPOLL"),
    ]
);

const NUMBERS: &[(&str, i32)] = &[
    ("SIGHUP", libc::SIGHUP),
    ("SIGINT", libc::SIGINT),
    ("SIGQUIT", libc::SIGQUIT),
    ("SIGILL", libc::SIGILL),
    ("SIGTRAP", libc::SIGTRAP),
    ("SIGIOT", libc::SIGIOT),
    ("SIGABRT", libc::SIGABRT),
    ("SIGFPE", libc::SIGFPE),
    ("SIGKILL", libc::SIGKILL),
    ("SIGBUS", libc::SIGBUS),
    ("SIGSEGV", libc::SIGSEGV),
    ("SIGSYS", libc::SIGSYS),
    ("SIGPIPE", libc::SIGPIPE),
    ("SIGALRM", libc::SIGALRM),
    ("SIGTERM", libc::SIGTERM),
    ("SIGUSR1", libc::SIGUSR1),
    ("SIGUSR2", libc::SIGUSR2),
    ("SIGCLD", libc::SIGCHLD),
    ("SIGCHLD", libc::SIGCHLD),
    ("SIGPWR", libc::SIGPWR),
    ("SIGIO", libc::SIGIO),
    ("SIGURG", libc::SIGURG),
    ("SIGWINCH", libc::SIGWINCH),
    ("SIGPOLL", libc::SIGPOLL),
    ("SIGSTOP", libc::SIGSTOP),
    ("SIGTSTP", libc::SIGTSTP),
    ("SIGCONT", libc::SIGCONT),
    ("SIGTTIN", libc::SIGTTIN),
    ("SIGTTOU", libc::SIGTTOU),
    ("SIGVTALRM", libc::SIGVTALRM),
    ("SIGPROF", libc::SIGPROF),
    ("SIGXCPU", libc::SIGXCPU),
    ("SIGXFSZ", libc::SIGXFSZ),
    ("SIG_BLOCK", libc::SIG_BLOCK),
    ("SIG_UNBLOCK", libc::SIG_UNBLOCK),
    ("SIG_SETMASK", libc::SIG_SETMASK),
    ("ITIMER_REAL", 0),
    ("ITIMER_VIRTUAL", 1),
    ("ITIMER_PROF", 2),
    ("SIG_DFL", 0),
    ("SIG_IGN", 1),
    ("NSIG", SIGNALS as i32),
];

/// `ItimerError`.
static ITIMER_ERROR: ModuleException = ModuleException::new("signal", "ItimerError", &[&OS_ERROR]);
/// The module's `default_int_handler`.
static DEFAULT_INT: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);

fn fill(dict: &Dict) -> PyResult<()> {
    complete(&SIGINFO, 7, false);
    dict.set_text("struct_siginfo", SIGINFO.value());
    for (name, number) in NUMBERS {
        dict.set_text(name, Value::int((*number).into()));
    }
    dict.set_text("SIGRTMIN", Value::int(libc::SIGRTMIN().into()));
    dict.set_text("SIGRTMAX", Value::int(libc::SIGRTMAX().into()));
    dict.set_text("ItimerError", ITIMER_ERROR.class()?);
    if let Some(handler) = dict.get_text("default_int_handler") {
        DEFAULT_INT.get().set(Some(handler));
    }
    for number in 1..SIGNALS as i32 {
        let known = match signals::disposition(number) {
            Some(Disposition::Default) => Value::int(0),
            Some(Disposition::Ignore) => Value::int(1),
            _ => signals::handler(number).unwrap_or(Value::NONE),
        };
        signals::set_handler(number, known);
    }
    Ok(())
}

/// Sets what CPython's start sets: SIGINT raises KeyboardInterrupt, SIGPIPE and SIGXFSZ are ignored. As
/// `init_signals`.
///
/// # Errors
/// What making the module raises.
pub(crate) fn install() -> PyResult<()> {
    let _best_effort = signals::set_disposition(libc::SIGPIPE, Disposition::Ignore);
    let _best_effort = signals::set_disposition(libc::SIGXFSZ, Disposition::Ignore);
    if signals::disposition(libc::SIGINT) != Some(Disposition::Default) {
        return Ok(());
    }
    let handler = match DEFAULT_INT.get().get() {
        Some(handler) => handler,
        None => {
            MODULE.load()?;
            DEFAULT_INT.get().get().unwrap_or(Value::NONE)
        }
    };
    signals::set_handler(libc::SIGINT, handler);
    let _best_effort = signals::set_disposition(libc::SIGINT, Disposition::Handler);
    Ok(())
}

fn error(errno: i32) -> Raised {
    os_error::from_errno(errno, None)
}

fn timer_error(errno: i32) -> Raised {
    let message = Str::new_value(&crate::modules::posix::system::message(errno));
    ITIMER_ERROR.raise(&[Value::int(errno.into()), message])
}

fn default_int_handler(_args: &Tuple) -> PyResult<()> {
    Err(Raised::new(instantiate(&KEYBOARD_INTERRUPT, Vec::new())))
}

fn alarm(seconds: i32) -> Value {
    Value::int(system::alarm(seconds.cast_unsigned()).into())
}

fn checked(signal: i32) -> PyResult<i32> {
    if (1..SIGNALS as i32).contains(&signal) { Ok(signal) } else { Err(value_error("signal number out of range")) }
}

fn signal(signalnum: i32, handler: &Value) -> PyResult<Value> {
    if !thread::is_main() {
        return Err(value_error("signal only works in main thread"));
    }
    let number = checked(signalnum)?;
    let wanted = match int::to_i64(handler) {
        Some(0) => Disposition::Default,
        Some(1) => Disposition::Ignore,
        _ if call::is_callable(handler) => Disposition::Handler,
        _ => {
            return Err(type_error("signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object"));
        }
    };
    check_signals()?;
    signals::set_disposition(number, wanted).map_err(error)?;
    Ok(signals::set_handler(number, handler.clone()).unwrap_or(Value::NONE))
}

fn getsignal(signalnum: i32) -> PyResult<Value> {
    Ok(signals::handler(checked(signalnum)?).unwrap_or(Value::NONE))
}

fn raise_signal(signalnum: i32) -> PyResult<()> {
    system::raise(signalnum).map_err(error)
}

fn strsignal(signalnum: i32) -> PyResult<Value> {
    Ok(system::describe(checked(signalnum)?).map_or(Value::NONE, |text| Str::new_value(&text)))
}

fn set_wakeup_fd(fd: &Value, warn_on_full_buffer: Option<bool>) -> PyResult<Value> {
    let Some(fd) = int::to_i64(fd) else {
        return Err(type_error(format!("an integer is required (got type {})", fd.ty().name())));
    };
    let Ok(fd) = i32::try_from(fd) else { return Err(overflow_error("signed integer is greater than maximum")) };
    if !thread::is_main() {
        return Err(value_error("set_wakeup_fd only works in main thread"));
    }
    if fd != -1 && system::blocks(fd).map_err(error)? {
        return Err(value_error(format!("the fd {fd} must be in non-blocking mode")));
    }
    Ok(Value::int(signals::set_wakeup(fd, warn_on_full_buffer.unwrap_or(true)).into()))
}

fn siginterrupt(signalnum: i32, flag: i32) -> PyResult<()> {
    system::interrupt(checked(signalnum)?, flag != 0).map_err(error)
}

fn pause() -> PyResult<()> {
    blocking(system::pause);
    check_signals()
}

fn pthread_kill(thread_id: &Value, signalnum: i32) -> PyResult<()> {
    let Some(id) = int::to_i64(thread_id).map(i64::cast_unsigned) else {
        return Err(type_error(format!("an integer is required (got type {})", thread_id.ty().name())));
    };
    // The system would look at any address it is given.
    if !thread::all().iter().any(|thread| thread.ident() == id) {
        return Err(error(libc::ESRCH));
    }
    system::pthread_kill(id, signalnum).map_err(error)?;
    check_signals()
}

/// As `sigset_converter`.
fn set_of(signals: &Value) -> PyResult<SignalSet> {
    let mut set = SignalSet::empty();
    for item in iter::collect(signals)? {
        let number = number::index_to_i64(&item)?.unwrap_or(-1);
        let fits = i32::try_from(number).is_ok_and(|number| (1..SIGNALS as i32).contains(&number) && set.add(number));
        // Two numbers belong to the C library's threads.
        if !fits && !(32..=33).contains(&number) {
            return Err(value_error(format!("signal number {number} out of range")));
        }
    }
    Ok(set)
}

fn value_of(set: &SignalSet) -> PyResult<Value> {
    let value = set::new_set();
    for number in 1..SIGNALS as i32 {
        if set.contains(number) {
            set::add_key(&value, &Value::int(number.into()))?;
        }
    }
    Ok(value)
}

fn pthread_sigmask(how: i32, mask: &Value) -> PyResult<Value> {
    let old = system::mask(how, &set_of(mask)?).map_err(error)?;
    check_signals()?;
    value_of(&old)
}

fn sigpending() -> PyResult<Value> {
    value_of(&system::pending().map_err(error)?)
}

fn sigwait(sigset: &Value) -> PyResult<Value> {
    let set = set_of(sigset)?;
    let number = blocking(|| system::wait(&set)).map_err(error)?;
    Ok(Value::int(number.into()))
}

fn info(fields: [i64; 7]) -> Value {
    new_value(&SIGINFO, fields.map(Value::int).to_vec())
}

fn sigwaitinfo(sigset: &Value) -> PyResult<Value> {
    let set = set_of(sigset)?;
    loop {
        match blocking(|| system::wait_info(&set, None)) {
            Ok(fields) => return Ok(info(fields)),
            Err(libc::EINTR) => check_signals()?,
            Err(errno) => return Err(error(errno)),
        }
    }
}

fn sigtimedwait(sigset: &Value, timeout: &Value) -> PyResult<Value> {
    let set = set_of(sigset)?;
    let seconds = number::to_f64(timeout)?;
    if seconds < 0.0 {
        return Err(value_error("timeout must be non-negative"));
    }
    let Ok(limit) = std::time::Duration::try_from_secs_f64(seconds) else {
        return Err(overflow_error("timestamp too large to convert to C _PyTime_t"));
    };
    let started = std::time::Instant::now();
    loop {
        let left = limit.saturating_sub(started.elapsed());
        let left = (i64::try_from(left.as_secs()).unwrap_or(i64::MAX), i64::from(left.subsec_nanos()));
        match blocking(|| system::wait_info(&set, Some(left))) {
            Ok(fields) => return Ok(info(fields)),
            Err(libc::EAGAIN) => return Ok(Value::NONE),
            Err(libc::EINTR) => check_signals()?,
            Err(errno) => return Err(error(errno)),
        }
    }
}

fn valid_signals() -> PyResult<Value> {
    value_of(&SignalSet::full())
}

/// Seconds as microseconds, rounded up. As `timeval_from_double`.
fn microseconds(seconds: &Value) -> PyResult<i64> {
    let seconds = number::to_f64(seconds)?;
    let rounded = (seconds * 1e6).ceil();
    if !(-9.2e18..9.2e18).contains(&rounded) {
        return Err(overflow_error("timestamp out of range for platform time_t"));
    }
    Ok(rounded as i64)
}

fn setitimer(which: i32, seconds: &Value, interval: Option<&Value>) -> PyResult<Value> {
    let value = microseconds(seconds)?;
    let interval = interval.map_or(Ok(0), microseconds)?;
    pair(system::set_timer(which, value, interval).map_err(timer_error)?)
}

fn getitimer(which: i32) -> PyResult<Value> {
    pair(system::timer(which).map_err(timer_error)?)
}

fn pair((value, interval): (f64, f64)) -> PyResult<Value> {
    Ok(Tuple::from_array([Value::float(value), Value::float(interval)]))
}
