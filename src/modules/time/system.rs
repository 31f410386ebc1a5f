//! Clocks and calendar of the operating system's C library, behind safe functions. All unsafe code of the module is here.
//!
//! The library reads the environment variable `TZ` and keeps what it read in memory of its own; it locks that memory
//! itself. Nothing else here is shared.

use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

/// Nanoseconds in a second.
pub const SECOND: i64 = 1_000_000_000;

unsafe extern "C" {
    fn tzset();
    fn wcsftime(buffer: *mut libc::wchar_t, max: usize, format: *const libc::wchar_t, moment: *const libc::tm)
    -> usize;
}

/// A broken-down time, the fields as in C's `struct tm`.
#[derive(Clone, Debug, Default)]
pub struct Moment {
    pub second: i32,
    pub minute: i32,
    pub hour: i32,
    pub day: i32,
    pub month: i32,
    /// Since 1900.
    pub year: i32,
    /// Sunday is 0.
    pub weekday: i32,
    pub yearday: i32,
    pub is_dst: i32,
    /// East of UTC, in seconds.
    pub offset: i64,
    /// None leaves it to the library.
    pub zone: Option<CString>,
}

impl Moment {
    fn of(tm: &libc::tm) -> Moment {
        // SAFETY: the library points to a text that it keeps, or nowhere.
        let zone = (!tm.tm_zone.is_null()).then(|| unsafe { CStr::from_ptr(tm.tm_zone) }.to_owned());
        Moment {
            second: tm.tm_sec,
            minute: tm.tm_min,
            hour: tm.tm_hour,
            day: tm.tm_mday,
            month: tm.tm_mon,
            year: tm.tm_year,
            weekday: tm.tm_wday,
            yearday: tm.tm_yday,
            is_dst: tm.tm_isdst,
            offset: tm.tm_gmtoff,
            zone,
        }
    }

    /// C's form; it points into `self`, which therefore has to outlive it.
    fn tm(&self) -> libc::tm {
        libc::tm {
            tm_sec: self.second,
            tm_min: self.minute,
            tm_hour: self.hour,
            tm_mday: self.day,
            tm_mon: self.month,
            tm_year: self.year,
            tm_wday: self.weekday,
            tm_yday: self.yearday,
            tm_isdst: self.is_dst,
            tm_gmtoff: self.offset,
            tm_zone: self.zone.as_ref().map_or(std::ptr::null(), |zone| zone.as_ptr()),
        }
    }
}

fn last_error() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL)
}

type BreakDown = unsafe extern "C" fn(*const libc::time_t, *mut libc::tm) -> *mut libc::tm;

fn break_down(seconds: i64, function: BreakDown) -> Result<Moment, i32> {
    let mut tm = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are good for the call; all-zero is a valid `tm`.
    unsafe {
        if function(&seconds, tm.as_mut_ptr()).is_null() {
            return Err(last_error());
        }
        Ok(Moment::of(&tm.assume_init()))
    }
}

/// `gmtime_r`.
pub fn gmtime(seconds: i64) -> Result<Moment, i32> {
    break_down(seconds, libc::gmtime_r)
}

/// `localtime_r`.
pub fn localtime(seconds: i64) -> Result<Moment, i32> {
    break_down(seconds, libc::localtime_r)
}

/// `mktime`; none when the moment has no such number.
pub fn mktime(moment: &Moment) -> Option<i64> {
    let mut tm = moment.tm();
    // The library sets it when it succeeds.
    tm.tm_wday = -1;
    // SAFETY: `tm` is good for the call, as is the zone that it points to.
    let seconds = unsafe { libc::mktime(&mut tm) };
    if seconds == -1 && tm.tm_wday == -1 { None } else { Some(seconds) }
}

/// `tzset`.
pub fn read_time_zone() {
    // SAFETY: takes nothing; the library locks what it changes.
    unsafe { tzset() }
}

/// `wcsftime`: the text as code points; the format has no zero in it.
pub fn format(format: &[u32], moment: &Moment) -> Vec<u32> {
    let mut terminated: Vec<libc::wchar_t> = format.iter().map(|&code| code as libc::wchar_t).collect();
    terminated.push(0);
    let tm = moment.tm();
    let mut room = 1024;
    loop {
        let mut buffer: Vec<libc::wchar_t> = vec![0; room];
        // SAFETY: the format ends with a zero; the buffer has room for what is said; `tm` points to a zone that lives.
        let length = unsafe { wcsftime(buffer.as_mut_ptr(), room, terminated.as_ptr(), &tm) };
        // Nothing means that the room is too small or that there is nothing to say.
        if length > 0 || room >= 256 * format.len() {
            return buffer.into_iter().take(length).map(|code| code as u32).collect();
        }
        room += room;
    }
}

fn nanoseconds(time: libc::timespec) -> i64 {
    time.tv_sec.saturating_mul(SECOND).saturating_add(time.tv_nsec)
}

fn query(clock: i32, function: unsafe extern "C" fn(i32, *mut libc::timespec) -> i32) -> Result<i64, i32> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is good for the call; any number may be passed as a clock.
    if unsafe { function(clock, &mut time) } == 0 { Ok(nanoseconds(time)) } else { Err(last_error()) }
}

/// `clock_gettime`, in nanoseconds.
pub fn clock(clock: i32) -> Result<i64, i32> {
    query(clock, libc::clock_gettime)
}

/// `clock_getres`, in nanoseconds.
pub fn resolution(clock: i32) -> Result<i64, i32> {
    query(clock, libc::clock_getres)
}

/// `clock_settime`.
pub fn set_clock(clock: i32, nanoseconds: i64) -> Result<(), i32> {
    let time = libc::timespec { tv_sec: nanoseconds.div_euclid(SECOND), tv_nsec: nanoseconds.rem_euclid(SECOND) };
    // SAFETY: as for query.
    if unsafe { libc::clock_settime(clock, &time) } == 0 { Ok(()) } else { Err(last_error()) }
}

/// The processor clock of a thread. Only the calling thread is known to exist: any other is refused (`ESRCH`), where
/// CPython would crash.
pub fn thread_clock(thread: u64) -> Result<i32, i32> {
    let mut clock = 0;
    // SAFETY: the thread that calls exists; the pointer is good for the call.
    unsafe {
        let own = libc::pthread_self();
        if own != thread {
            return Err(libc::ESRCH);
        }
        match libc::pthread_getcpuclockid(own, &mut clock) {
            0 => Ok(clock),
            error => Err(error),
        }
    }
}

/// Sleeps until `duration` after `start`: whether it was ended before, by a signal or because there is something to `attend` to.
pub fn sleep_until(start: Instant, duration: Duration, attend: impl Fn() -> bool) -> bool {
    /// So long until what comes from another thread is noticed.
    const SLICE: Duration = Duration::from_millis(20);
    while !attend() {
        let left = duration.saturating_sub(start.elapsed());
        if left.is_zero() {
            return false;
        }
        let slice = left.min(SLICE);
        // A slice is shorter than a second.
        let time = libc::timespec { tv_sec: 0, tv_nsec: slice.subsec_nanos().into() };
        // SAFETY: the time is valid; what is left is not wanted.
        unsafe { libc::nanosleep(&time, std::ptr::null_mut()) };
    }
    true
}
