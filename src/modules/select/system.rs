//! The system's calls that wait for descriptors: all unsafe code of the module. What fails gives the error number.

use crate::modules::posix::system::{SysResult, errno};

/// Number of descriptors that `select` can look at.
pub(super) const SET_SIZE: i32 = libc::FD_SETSIZE as i32;

/// A set of descriptors.
#[derive(Clone, Copy)]
pub(super) struct Set(libc::fd_set);

impl Set {
    /// Of these descriptors; those that are out of range are left out.
    pub fn of(fds: &[i32]) -> Set {
        // SAFETY: an fd_set is an array of numbers, and all zeros is the empty set; descriptors that go in are in range.
        unsafe {
            let mut set = std::mem::zeroed();
            for &fd in fds.iter().filter(|fd| (0..SET_SIZE).contains(fd)) {
                libc::FD_SET(fd, &mut set);
            }
            Set(set)
        }
    }

    /// Whether it holds the descriptor.
    pub fn has(&self, fd: i32) -> bool {
        // SAFETY: the descriptor is in range when the system looks.
        (0..SET_SIZE).contains(&fd) && unsafe { libc::FD_ISSET(fd, &self.0) }
    }
}

/// Waits for descriptors below `count`; the sets hold those that are ready then. The time is in microseconds.
pub(super) fn select(count: i32, sets: &mut [Set; 3], timeout: Option<i64>) -> SysResult<()> {
    let [read, write, except] = sets;
    let mut time = timeout.map(|micros| libc::timeval { tv_sec: micros / 1_000_000, tv_usec: micros % 1_000_000 });
    let time = time.as_mut().map_or(std::ptr::null_mut(), |time| &raw mut *time);
    // SAFETY: the sets and the time are alive while the call runs.
    let ready = unsafe { libc::select(count, &mut read.0, &mut write.0, &mut except.0, time) };
    if ready < 0 { Err(errno()) } else { Ok(()) }
}

/// Waits for descriptors; the entries hold what happened. The time is in milliseconds, negative for no limit.
pub(super) fn poll(entries: &mut [libc::pollfd], timeout: i32) -> SysResult<usize> {
    // SAFETY: the entries are alive while the call runs, and as many as said.
    let ready = unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, timeout) };
    usize::try_from(ready).map_err(|_| errno())
}

/// Makes an epoll descriptor.
pub(super) fn epoll_create() -> SysResult<i32> {
    // SAFETY: a number goes in.
    let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
    if fd < 0 { Err(errno()) } else { Ok(fd) }
}

/// Changes what an epoll descriptor looks at.
pub(super) fn epoll_ctl(epoll: i32, operation: i32, fd: i32, events: u32) -> SysResult<()> {
    let mut event = libc::epoll_event { events, u64: u64::from(fd.cast_unsigned()) };
    // SAFETY: the event is alive while the call runs.
    let result = unsafe { libc::epoll_ctl(epoll, operation, fd, &mut event) };
    if result < 0 { Err(errno()) } else { Ok(()) }
}

/// Waits for events: descriptors and what happened.
pub(super) fn epoll_wait(epoll: i32, most: usize, timeout: i32) -> SysResult<Vec<(i32, u32)>> {
    let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; most];
    // SAFETY: there is room for as many events as said.
    let ready = unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), most as i32, timeout) };
    let ready = usize::try_from(ready).map_err(|_| errno())?;
    Ok(events.into_iter().take(ready).map(|event| (event.u64 as i32, event.events)).collect())
}
