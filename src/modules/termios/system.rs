//! The system's calls on terminals: all unsafe code of the module. What fails gives the error number.

use crate::modules::posix::system::{SysResult, errno};
use std::mem::MaybeUninit;

/// Number of control characters that programs see.
const CHARACTERS: usize = libc::NCCS;

/// The mode of a terminal.
pub(super) struct Mode {
    pub input: u32,
    pub output: u32,
    pub control: u32,
    pub local: u32,
    pub input_speed: u32,
    pub output_speed: u32,
    pub characters: [u8; CHARACTERS],
    /// All of it, as the system gave it.
    whole: libc::termios,
}

fn check(result: i32) -> SysResult<()> {
    if result < 0 { Err(errno()) } else { Ok(()) }
}

/// The mode of a terminal.
pub(super) fn get(fd: i32) -> SysResult<Mode> {
    let mut whole = MaybeUninit::<libc::termios>::uninit();
    // SAFETY: the system fills the structure when it succeeds.
    let whole = unsafe {
        check(libc::tcgetattr(fd, whole.as_mut_ptr()))?;
        whole.assume_init()
    };
    // SAFETY: the structure is alive while it is read.
    let (input_speed, output_speed) =
        unsafe { (libc::cfgetispeed(&raw const whole), libc::cfgetospeed(&raw const whole)) };
    Ok(Mode {
        input: whole.c_iflag,
        output: whole.c_oflag,
        control: whole.c_cflag,
        local: whole.c_lflag,
        input_speed,
        output_speed,
        characters: whole.c_cc,
        whole,
    })
}

/// Changes the mode of a terminal.
pub(super) fn set(fd: i32, when: i32, mode: &Mode) -> SysResult<()> {
    let mut whole = mode.whole;
    whole.c_iflag = mode.input;
    whole.c_oflag = mode.output;
    whole.c_cflag = mode.control;
    whole.c_lflag = mode.local;
    whole.c_cc = mode.characters;
    // SAFETY: the structure is alive while the calls run.
    unsafe {
        check(libc::cfsetispeed(&raw mut whole, mode.input_speed))?;
        check(libc::cfsetospeed(&raw mut whole, mode.output_speed))?;
        check(libc::tcsetattr(fd, when, &raw const whole))
    }
}

/// Sends a break.
pub(super) fn send_break(fd: i32, duration: i32) -> SysResult<()> {
    // SAFETY: numbers go in.
    check(unsafe { libc::tcsendbreak(fd, duration) })
}

/// Waits until all output is sent.
pub(super) fn drain(fd: i32) -> SysResult<()> {
    // SAFETY: a number goes in.
    check(unsafe { libc::tcdrain(fd) })
}

/// Forgets what was not read or sent yet.
pub(super) fn flush(fd: i32, queue: i32) -> SysResult<()> {
    // SAFETY: numbers go in.
    check(unsafe { libc::tcflush(fd, queue) })
}

/// Stops or starts input or output.
pub(super) fn flow(fd: i32, action: i32) -> SysResult<()> {
    // SAFETY: numbers go in.
    check(unsafe { libc::tcflow(fd, action) })
}
