//! Memory that the system maps: all unsafe code of the module.
//!
//! A [`Map`] owns its pages: nobody else unmaps or moves them, and its methods are called only by the thread that holds the
//! GIL, so no reference into the pages is alive when they go. Three things remain that CPython dies of:
//!
//! - The file may be made shorter than the map, by anybody. Touching a page that is not in the file any more raises SIGBUS.
//!   A handler puts a page of zeros in its place: what is behind the end of the file reads as zeros from then on.
//! - Pages may be without the right to read (`prot=0`). Such a map shows no bytes at all: [`Map::is_readable`].
//! - Pages may stay behind at a fork (`MADV_DONTFORK`). In the child such a map has ended: [`Map::is_here`].
//!
//! What other processes, or other maps of the same file, write shows in the pages at any time. The slices that the closures
//! get therefore serve for copying, comparing and searching bytes only, where another byte is another result and nothing
//! else; no length, index or validity of text is taken from them without a copy.

use crate::modules::posix::system::{SysResult, errno};
use std::ffi::{c_int, c_void};
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

/// Where a map lies, for the handler of SIGBUS. Entries form a list that only grows; those that are free have no bytes.
struct Range {
    start: AtomicUsize,
    len: AtomicUsize,
    next: AtomicPtr<Range>,
}

static RANGES: AtomicPtr<Range> = AtomicPtr::new(std::ptr::null_mut());

fn ranges() -> impl Iterator<Item = &'static Range> {
    let mut next = RANGES.load(Acquire);
    std::iter::from_fn(move || {
        // SAFETY: entries are leaked, so they live for ever; they were written before they were published.
        let range: &'static Range = unsafe { next.as_ref()? };
        next = range.next.load(Acquire);
        Some(range)
    })
}

/// Notes where a map lies. Called under the GIL: there is one writer at a time.
fn note(start: usize, len: usize) -> &'static Range {
    let free = ranges().find(|range| range.len.load(Relaxed) == 0);
    let range = free.unwrap_or_else(|| {
        let new: &'static Range = Box::leak(Box::new(Range {
            start: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            next: AtomicPtr::new(RANGES.load(Acquire)),
        }));
        RANGES.store(std::ptr::from_ref(new).cast_mut(), Release);
        new
    });
    range.start.store(start, Release);
    range.len.store(len, Release);
    range
}

/// Bytes of a page.
pub(super) fn page_size() -> usize {
    static SIZE: OnceLock<usize> = OnceLock::new();
    *SIZE.get_or_init(|| {
        // SAFETY: a number goes in.
        usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
    })
}

/// What was done about SIGBUS before.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

/// The handler of SIGBUS. It runs in the thread that touched the page, which holds the GIL if the page is a map's: the list
/// is as that thread left it. It calls only what a handler may: loads of atomics and mmap.
unsafe extern "C" fn on_missing_page(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the system gives the signal's description; an address inside of a map is that of a page of its own, which may
    // be replaced. Otherwise what was there before goes on: a handler gets its own arguments.
    unsafe {
        let saved = *libc::__errno_location();
        let address = (*info).si_addr() as usize;
        let page = address & !(page_size() - 1);
        let is_ours = (*info).si_code > 0
            && ranges().any(|range| {
                let start = range.start.load(Acquire);
                // The last page is mapped to its end.
                let len = range.len.load(Acquire);
                len > 0 && address >= start && address - start < len.next_multiple_of(page_size())
            });
        if is_ours {
            let zeros = libc::mmap(
                page as *mut c_void,
                page_size(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                -1,
                0,
            );
            if zeros != libc::MAP_FAILED {
                *libc::__errno_location() = saved;
                return;
            }
        }
        let before = BEFORE.get();
        match before {
            Some(before) if before.sa_sigaction != libc::SIG_DFL && before.sa_sigaction != libc::SIG_IGN => {
                if before.sa_flags & libc::SA_SIGINFO != 0 {
                    let handler: unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                        std::mem::transmute(before.sa_sigaction);
                    handler(signal, info, context);
                } else {
                    let handler: unsafe extern "C" fn(c_int) = std::mem::transmute(before.sa_sigaction);
                    handler(signal);
                }
            }
            _ => {
                // The instruction, run again, ends the process; a signal that was sent has to be sent again.
                libc::signal(signal, libc::SIG_DFL);
                if (*info).si_code <= 0 {
                    libc::raise(signal);
                }
            }
        }
    }
}

fn guard_missing_pages() {
    static DONE: std::sync::Once = std::sync::Once::new();
    DONE.call_once(|| {
        page_size();
        // SAFETY: the structures are alive while the calls run; the handler is as its flags say.
        unsafe {
            let mut before: libc::sigaction = std::mem::zeroed();
            if libc::sigaction(libc::SIGBUS, std::ptr::null(), &mut before) != 0 {
                return;
            }
            let _ = BEFORE.set(before);
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_missing_page as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigemptyset(&mut action.sa_mask);
            libc::sigaction(libc::SIGBUS, &action, std::ptr::null_mut());
        }
    });
}

/// Pages of memory.
pub(super) struct Map {
    start: NonNull<u8>,
    len: usize,
    prot: i32,
    range: &'static Range,
    /// The process that has the pages, when others do not get them.
    only_in: Option<u32>,
}

impl Map {
    /// Maps part of a file, or memory without one (`fd` -1). What tells the system where to map is refused: other memory
    /// may be there.
    pub fn new(len: usize, prot: i32, flags: i32, fd: i32, offset: i64) -> SysResult<Map> {
        if flags & (libc::MAP_FIXED | libc::MAP_FIXED_NOREPLACE) != 0 {
            return Err(libc::EPERM);
        }
        guard_missing_pages();
        // SAFETY: the system chooses the place, so no other memory is concerned.
        unsafe {
            let start = libc::mmap(std::ptr::null_mut(), len, prot, flags, fd, offset);
            if start == libc::MAP_FAILED {
                return Err(errno());
            }
            let Some(start) = NonNull::new(start.cast::<u8>()) else {
                libc::munmap(start, len);
                return Err(libc::EINVAL);
            };
            Ok(Map { start, len, prot, range: note(start.as_ptr() as usize, len), only_in: None })
        }
    }

    /// Whether the bytes can be read.
    pub fn is_readable(&self) -> bool {
        // What can be written can be read, on the machines that there are.
        self.prot & (libc::PROT_READ | libc::PROT_WRITE) != 0
    }

    /// Whether this process has the pages.
    pub fn is_here(&self) -> bool {
        self.only_in.is_none_or(|process| process == std::process::id())
    }

    /// Reads the bytes; none when they cannot be read.
    pub fn read<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        if !self.is_readable() || !self.is_here() {
            return read(&[]);
        }
        // SAFETY: the pages are there and readable while `self` lives; pages that the file has lost are replaced when they
        // are touched. See the head of the file for what may change meanwhile.
        read(unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) })
    }

    /// Changes the bytes; none when they cannot be written.
    pub fn write<R>(&mut self, write: impl FnOnce(&mut [u8]) -> R) -> R {
        if self.prot & libc::PROT_WRITE == 0 || !self.is_here() {
            return write(&mut []);
        }
        // SAFETY: as for read, and the pages are writable; this is the only reference that the process has into them.
        write(unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) })
    }

    /// Changes the number of bytes; the pages may move.
    pub fn resize(&mut self, len: usize) -> SysResult<()> {
        // SAFETY: the pages are this map's, and nobody has a reference into them (`&mut self`).
        unsafe {
            let start = libc::mremap(self.start.as_ptr().cast(), self.len, len, libc::MREMAP_MAYMOVE);
            if start == libc::MAP_FAILED {
                return Err(errno());
            }
            self.start = NonNull::new(start.cast()).ok_or(libc::EINVAL)?;
        }
        self.len = len;
        self.range.start.store(self.start.as_ptr() as usize, Release);
        self.range.len.store(len, Release);
        Ok(())
    }

    /// Where some of the bytes begin. The caller has checked that they are the map's.
    fn at(&self, offset: usize) -> usize {
        (self.start.as_ptr() as usize).saturating_add(offset.min(self.len))
    }

    /// What writes some of the bytes to the file. It may take long; without the GIL, the pages may have gone when it runs,
    /// which it reports.
    pub fn sync(&self, offset: usize, len: usize) -> impl FnOnce() -> SysResult<()> + Send + use<> {
        let start = self.at(offset);
        move || {
            // SAFETY: nothing is changed in memory, whatever is there.
            let result = unsafe { libc::msync(start as *mut c_void, len, libc::MS_SYNC) };
            if result == 0 { Ok(()) } else { Err(errno()) }
        }
    }

    /// Tells the system how some of the bytes will be used.
    pub fn advise(&mut self, advice: i32, offset: usize, len: usize) -> SysResult<()> {
        let len = len.min(self.len.saturating_sub(offset));
        // SAFETY: the pages are this map's. Advice may change their bytes, but takes no page away in this process.
        if unsafe { libc::madvise(self.at(offset) as *mut c_void, len, advice) } != 0 {
            return Err(errno());
        }
        if advice == libc::MADV_DONTFORK {
            self.only_in = Some(std::process::id());
        }
        Ok(())
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        self.range.len.store(0, Release);
        if self.is_here() {
            // SAFETY: the pages are this map's, which ends.
            unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
        }
    }
}
