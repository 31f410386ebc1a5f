//! Handlers of signals, of the system: all unsafe code of the module.
//!
//! What a handler may do. That of a fault ([`fault`]) ends the process: it reads the frames as they stand, without the GIL.
//! They may stand in the middle of a change; if reading them faults again, the process dies by that, since the signal's
//! handling was set back before. That of a registered signal ([`arrived`]) must not harm a program that goes on: it only
//! notes that the signal has come, and the thread that holds the GIL writes at its next check
//! ([`super::write_wanted`]), where all frames are in order.

use super::dump::Out;
use crate::modules::posix::system::{SysResult, errno};
use crate::vm::thread::Thread;
use crate::vm::{signals, thread};
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI32};

/// How the system handles a signal.
#[derive(Clone, Copy)]
pub(super) struct Action(libc::sigaction);

/// The signals of faults, with what is said of them.
pub(super) const FAULTS: [(i32, &str); 5] = [
    (libc::SIGBUS, "Bus error"),
    (libc::SIGILL, "Illegal instruction"),
    (libc::SIGFPE, "Floating point exception"),
    (libc::SIGABRT, "Aborted"),
    (libc::SIGSEGV, "Segmentation fault"),
];

/// Where faults are told of.
pub(super) static FAULT_FD: AtomicI32 = AtomicI32::new(-1);
/// Whether all threads are shown.
pub(super) static FAULT_ALL_THREADS: AtomicBool = AtomicBool::new(true);

fn set(signal: i32, action: &libc::sigaction) -> SysResult<Action> {
    let mut previous = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: the handlers below do what the head of the file says; the system fills the previous action on success.
    unsafe {
        if libc::sigaction(signal, action, previous.as_mut_ptr()) != 0 {
            return Err(errno());
        }
        Ok(Action(previous.assume_init()))
    }
}

fn action(handler: usize, flags: i32) -> libc::sigaction {
    // SAFETY: a sigaction is numbers; the set of signals is emptied by the call.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        libc::sigemptyset(&raw mut action.sa_mask);
        action
    }
}

/// Has faults of that kind told of: how the system handled them before.
pub(super) fn catch_fault(signal: i32) -> SysResult<Action> {
    let handler = fault as extern "C" fn(libc::c_int) as usize;
    set(signal, &action(handler, libc::SA_NODEFER | libc::SA_ONSTACK))
}

/// Has a signal noted: how the system handled it before.
pub(super) fn catch(signal: i32, chain: bool) -> SysResult<Action> {
    let handler = arrived as extern "C" fn(libc::c_int) as usize;
    // A chained handler is to see the call that the signal interrupts.
    let flags = if chain { libc::SA_NODEFER } else { libc::SA_RESTART };
    set(signal, &action(handler, flags | libc::SA_ONSTACK))
}

/// Has a signal handled as before.
pub(super) fn restore(signal: i32, previous: Action) {
    let _a_known_signal = set(signal, &previous.0);
}

/// Sends a signal to the calling thread.
pub(super) fn raise(signal: i32) {
    // SAFETY: a number goes in.
    unsafe {
        libc::raise(signal);
    }
}

/// Ends the process at once.
pub(super) fn exit_now(status: i32) -> ! {
    // SAFETY: no condition.
    unsafe { libc::_exit(status) }
}

/// The thread with Python code that the calling thread of the system is. Safe in a signal handler.
fn own() -> Option<&'static Thread> {
    let ident = thread::ident();
    let mut own = None;
    thread::visit_all(|thread| {
        if thread.ident() == ident {
            own = Some(thread);
        }
    });
    own
}

extern "C" fn fault(signal: libc::c_int) {
    let current = own();
    let main = thread::main().ident();
    if current.is_none() && main != 0 {
        // Sent to the process, and delivered to a thread that runs no Python code: it is the main thread's.
        // SAFETY: that thread lives as long as the process.
        unsafe {
            libc::pthread_kill(main, signal);
            loop {
                libc::pause();
            }
        }
    }
    // A fault within ends the process without a word.
    let _a_known_signal = set(signal, &action(libc::SIG_DFL, 0));
    let fd = FAULT_FD.load(Relaxed);
    if fd >= 0 {
        let what = FAULTS.iter().find(|(number, _)| *number == signal).map_or("Unknown signal", |(_, what)| what);
        let mut out = Out::new(fd);
        out.text("Fatal Python error: ");
        out.text(what);
        out.text("\n\n");
        match current {
            _ if FAULT_ALL_THREADS.load(Relaxed) => out.threads(current),
            Some(current) => out.stack(current),
            None => {}
        }
    }
    raise(signal);
}

/// Registered signals that have come and were not told of yet.
static COME: [AtomicBool; signals::SIGNALS] = [const { AtomicBool::new(false) }; signals::SIGNALS];

extern "C" fn arrived(signal: libc::c_int) {
    if let Some(come) = usize::try_from(signal).ok().and_then(|signal| COME.get(signal)) {
        come.store(true, Relaxed);
        super::WANTED.store(true, Relaxed);
        signals::wake();
    }
}

/// Whether a registered signal has come since this was asked.
pub(super) fn has_come(signal: usize) -> bool {
    COME.get(signal).is_some_and(|come| come.swap(false, Relaxed))
}
