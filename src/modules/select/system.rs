//! The calls of the operating system that wait for descriptors, behind safe functions. What fails gives the system's error
//! number.

/// A result of a system call: the error is `errno`.
pub type SysResult<T> = Result<T, i32>;

fn check(result: i32) -> SysResult<i32> {
    if result == -1 { Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)) } else { Ok(result) }
}

/// Descriptors below this can be in a set.
pub const SET_SIZE: i32 = libc::FD_SETSIZE as i32;

/// A set of descriptors for `select`.
#[derive(Clone, Copy)]
pub struct Set(libc::fd_set);

impl Set {
    /// The set of these descriptors; others than `0..SET_SIZE` are left out.
    pub fn of(fds: impl Iterator<Item = i32>) -> Set {
        // SAFETY: plain data, for which all zero bytes are a value: the empty set.
        let mut set: libc::fd_set = unsafe { std::mem::zeroed() };
        for fd in fds.filter(|fd| (0..SET_SIZE).contains(fd)) {
            // SAFETY: the descriptor is within the set.
            unsafe { libc::FD_SET(fd, &mut set) };
        }
        Set(set)
    }

    /// Whether a descriptor is in it.
    pub fn contains(&self, fd: i32) -> bool {
        // SAFETY: the descriptor is within the set.
        (0..SET_SIZE).contains(&fd) && unsafe { libc::FD_ISSET(fd, &self.0) }
    }
}

/// Waits until a descriptor of the sets is ready, which keep those that are. The time is in nanoseconds.
pub fn select(count: i32, sets: &mut [Set; 3], timeout: Option<i64>) -> SysResult<i32> {
    let mut time = timeout
        .map(|ns| libc::timeval { tv_sec: ns / 1_000_000_000, tv_usec: (ns % 1_000_000_000 + 999) / 1000 % 1_000_000 });
    let time = time.as_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut);
    let [read, write, except] = sets;
    // SAFETY: the sets and the time are its own for the call.
    check(unsafe { libc::select(count, &mut read.0, &mut write.0, &mut except.0, time) })
}

/// Waits until a descriptor has events: those are noted.
pub fn poll(fds: &mut [libc::pollfd], milliseconds: i32) -> SysResult<i32> {
    // SAFETY: the slice is its own for the call.
    check(unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, milliseconds) })
}

/// Makes an epoll descriptor.
pub fn epoll_create() -> SysResult<i32> {
    // SAFETY: a number goes in.
    check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })
}

/// Adds, changes or removes a descriptor.
pub fn epoll_control(epoll: i32, operation: i32, fd: i32, events: u32) -> SysResult<()> {
    let mut event = libc::epoll_event { events, u64: u64::from(fd.cast_unsigned()) };
    // SAFETY: the event is its own for the call.
    check(unsafe { libc::epoll_ctl(epoll, operation, fd, &mut event) }).map(drop)
}

/// Waits for events: descriptors with what happened there.
pub fn epoll_wait(epoll: i32, most: i32, milliseconds: i32) -> SysResult<Vec<(i32, u32)>> {
    let room = usize::try_from(most).unwrap_or(0);
    let mut events = Vec::new();
    events.try_reserve_exact(room).map_err(|_| libc::ENOMEM)?;
    events.resize(room, libc::epoll_event { events: 0, u64: 0 });
    // SAFETY: there is room for `most` events.
    let count = check(unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), most, milliseconds) })?;
    events.truncate(usize::try_from(count).unwrap_or(0));
    Ok(events.iter().map(|event| (event.u64 as i32, event.events)).collect())
}

/// Closes a descriptor.
pub fn close(fd: i32) -> SysResult<()> {
    // SAFETY: a number goes in.
    check(unsafe { libc::close(fd) }).map(drop)
}
