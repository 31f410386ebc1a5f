//! Limits and usage of processes, behind safe functions. What fails gives the system's error number.

/// A result of a system call: the error is `errno`.
pub type SysResult<T> = Result<T, i32>;

fn check(result: i32) -> SysResult<i32> {
    if result == -1 { Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)) } else { Ok(result) }
}

/// `getrusage(who)`.
pub fn usage(who: i32) -> SysResult<libc::rusage> {
    // SAFETY: plain data, for which all zero bytes are a value; the call fills it.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        check(libc::getrusage(who, &mut usage))?;
        Ok(usage)
    }
}

/// `getrlimit(resource)`: the limit that holds and the highest that may be set.
pub fn limit(resource: u32) -> SysResult<(u64, u64)> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is its own for the call.
    check(unsafe { libc::getrlimit(resource, &mut limit) })?;
    Ok((limit.rlim_cur, limit.rlim_max))
}

/// `setrlimit(resource, limits)`.
pub fn set_limit(resource: u32, limits: (u64, u64)) -> SysResult<()> {
    let limit = libc::rlimit { rlim_cur: limits.0, rlim_max: limits.1 };
    // SAFETY: the structure is its own for the call.
    check(unsafe { libc::setrlimit(resource, &limit) }).map(drop)
}

/// `prlimit(pid, resource, limits)`: the limits before.
pub fn process_limit(pid: i32, resource: u32, limits: Option<(u64, u64)>) -> SysResult<(u64, u64)> {
    let new = limits.map(|limits| libc::rlimit { rlim_cur: limits.0, rlim_max: limits.1 });
    let new = new.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let mut old = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structures are its own for the call, or null where none is given.
    check(unsafe { libc::prlimit(pid, resource, new, &mut old) })?;
    Ok((old.rlim_cur, old.rlim_max))
}

/// Bytes of a page.
pub fn page_size() -> i64 {
    // SAFETY: a number goes in.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) }
}
