//! The system's calls on limits and use of resources: all unsafe code of the module.

use crate::modules::posix::system::{SysResult, errno};
use std::mem::MaybeUninit;

/// The limits of a process, the soft and the hard one, after they are set when there are new ones.
pub(super) fn prlimit(pid: i32, resource: u32, new: Option<(u64, u64)>) -> SysResult<(u64, u64)> {
    let new = new.map(|(soft, hard)| libc::rlimit { rlim_cur: soft, rlim_max: hard });
    let new = new.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let mut old = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: the new limits are null or alive while the call runs; the system fills the old ones when it succeeds.
    unsafe {
        if libc::prlimit(pid, resource, new, old.as_mut_ptr()) < 0 {
            return Err(errno());
        }
        let old = old.assume_init();
        Ok((old.rlim_cur, old.rlim_max))
    }
}

/// What was used.
pub(super) fn getrusage(who: i32) -> SysResult<libc::rusage> {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the system fills the structure when it succeeds.
    unsafe {
        if libc::getrusage(who, usage.as_mut_ptr()) < 0 {
            return Err(errno());
        }
        Ok(usage.assume_init())
    }
}

/// Bytes of a page of memory.
pub(super) fn page_size() -> i64 {
    // SAFETY: a number goes in.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) }
}
