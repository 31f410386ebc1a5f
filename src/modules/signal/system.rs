//! The calls of the operating system on signals, behind safe functions. What fails gives the system's error number.

use crate::modules::posix::system::{SysResult, check};

/// A set of signals.
#[derive(Clone, Copy)]
pub struct SignalSet(libc::sigset_t);

impl SignalSet {
    /// No signals.
    pub fn empty() -> SignalSet {
        // SAFETY: plain data, which the call fills.
        unsafe {
            let mut set = std::mem::zeroed();
            libc::sigemptyset(&mut set);
            SignalSet(set)
        }
    }

    /// All signals that there are.
    pub fn full() -> SignalSet {
        let mut set = SignalSet::empty();
        // SAFETY: the set is its own.
        unsafe { libc::sigfillset(&mut set.0) };
        set
    }

    /// Adds a signal: whether there is such a one.
    pub fn add(&mut self, signal: i32) -> bool {
        // SAFETY: the set is its own.
        unsafe { libc::sigaddset(&mut self.0, signal) == 0 }
    }

    /// Whether a signal is in it.
    pub fn contains(&self, signal: i32) -> bool {
        // SAFETY: the set is its own.
        unsafe { libc::sigismember(&self.0, signal) == 1 }
    }
}

/// `alarm(seconds)`: what was left of the last one.
pub fn alarm(seconds: u32) -> u32 {
    // SAFETY: a number goes in.
    unsafe { libc::alarm(seconds) }
}

/// `pause()`, which a signal ends.
pub fn pause() {
    // SAFETY: no argument.
    unsafe { libc::pause() };
}

/// `raise(signal)`.
pub fn raise(signal: i32) -> SysResult<()> {
    // SAFETY: a number goes in.
    check(unsafe { libc::raise(signal) }).map(drop)
}

/// `pthread_kill(thread, signal)`, for threads that run.
pub fn pthread_kill(thread: u64, signal: i32) -> SysResult<()> {
    // SAFETY: the caller names a thread of this process that has not ended.
    match unsafe { libc::pthread_kill(thread, signal) } {
        0 => Ok(()),
        errno => Err(errno),
    }
}

/// `pthread_sigmask(how, set)`: the mask before.
pub fn mask(how: i32, set: &SignalSet) -> SysResult<SignalSet> {
    let mut old = SignalSet::empty();
    // SAFETY: both sets are valid.
    match unsafe { libc::pthread_sigmask(how, &set.0, &mut old.0) } {
        0 => Ok(old),
        errno => Err(errno),
    }
}

/// `sigpending()`.
pub fn pending() -> SysResult<SignalSet> {
    let mut set = SignalSet::empty();
    // SAFETY: the set is valid.
    check(unsafe { libc::sigpending(&mut set.0) }).map(|_| set)
}

/// `sigwait(set)`.
pub fn wait(set: &SignalSet) -> SysResult<i32> {
    let mut signal = 0;
    // SAFETY: both are valid.
    match unsafe { libc::sigwait(&set.0, &mut signal) } {
        0 => Ok(signal),
        errno => Err(errno),
    }
}

/// What is known of a signal that was waited for: number, code, error, process, user, status, band.
pub fn wait_info(set: &SignalSet, timeout: Option<(i64, i64)>) -> SysResult<[i64; 7]> {
    // SAFETY: plain data, filled by the call; the fields that are read are there for every signal.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let result = match timeout {
            Some((tv_sec, tv_nsec)) => libc::sigtimedwait(&set.0, &mut info, &libc::timespec { tv_sec, tv_nsec }),
            None => libc::sigwaitinfo(&set.0, &mut info),
        };
        check(result)?;
        Ok([
            info.si_signo.into(),
            info.si_code.into(),
            info.si_errno.into(),
            info.si_pid().into(),
            info.si_uid().into(),
            info.si_status().into(),
            0,
        ])
    }
}

fn seconds(time: libc::timeval) -> f64 {
    time.tv_sec as f64 + time.tv_usec as f64 * 1e-6
}

/// `getitimer(which)`: the time left and the interval, in seconds.
pub fn timer(which: i32) -> SysResult<(f64, f64)> {
    // SAFETY: plain data, filled by the call.
    let mut value: libc::itimerval = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    check(unsafe { libc::getitimer(which as _, &mut value) })?;
    Ok((seconds(value.it_value), seconds(value.it_interval)))
}

/// `setitimer(which, value, interval)`, in microseconds: what was set before, in seconds.
pub fn set_timer(which: i32, value: i64, interval: i64) -> SysResult<(f64, f64)> {
    let time = |us: i64| libc::timeval { tv_sec: us / 1_000_000, tv_usec: us % 1_000_000 };
    let new = libc::itimerval { it_value: time(value), it_interval: time(interval) };
    // SAFETY: plain data, filled by the call.
    let mut old: libc::itimerval = unsafe { std::mem::zeroed() };
    // SAFETY: both are valid.
    check(unsafe { libc::setitimer(which as _, &new, &mut old) })?;
    Ok((seconds(old.it_value), seconds(old.it_interval)))
}

/// `siginterrupt(signal, flag)`.
pub fn interrupt(signal: i32, flag: bool) -> SysResult<()> {
    // SAFETY: plain data; the handler stays what it is.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        check(libc::sigaction(signal, std::ptr::null(), &mut action))?;
        if flag {
            action.sa_flags &= !libc::SA_RESTART;
        } else {
            action.sa_flags |= libc::SA_RESTART;
        }
        check(libc::sigaction(signal, &action, std::ptr::null_mut())).map(drop)
    }
}

/// Whether a descriptor blocks.
pub fn blocks(fd: i32) -> SysResult<bool> {
    // SAFETY: numbers go in.
    check(unsafe { libc::fcntl(fd, libc::F_GETFL) }).map(|flags| flags & libc::O_NONBLOCK == 0)
}

/// `strsignal(signal)`.
pub fn describe(signal: i32) -> Option<String> {
    // SAFETY: the text is read before anything else can overwrite it.
    let text = unsafe {
        let text = libc::strsignal(signal);
        if text.is_null() {
            return None;
        }
        std::ffi::CStr::from_ptr(text).to_string_lossy().into_owned()
    };
    if text.starts_with("Unknown signal") { None } else { Some(text) }
}
