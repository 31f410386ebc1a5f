//! Which objects the cycle collector knows: the links and lists of the generations.
//!
//! As in CPython, a collected object carries a link before its header and is in the list of one generation while it is
//! tracked. The collector itself is not built yet: reference counts alone decide when an object dies.

use crate::object::gil::GilCell;
use crate::object::header::Header;
use std::cell::Cell;
use std::ptr;

/// The collector's link of one object.
#[repr(C)]
pub struct GcLink {
    next: Cell<*const GcLink>,
    /// The previous link; the two low bits are flags.
    prev: Cell<usize>,
}

/// `__del__` has run (PEP 442).
const FINALIZED: usize = 1;
const FLAGS: usize = 3;

impl GcLink {
    /// A link in no list.
    pub const fn untracked() -> GcLink {
        GcLink { next: Cell::new(ptr::null()), prev: Cell::new(0) }
    }

    /// Whether `__del__` has run for this object.
    pub fn is_finalized(&self) -> bool {
        self.prev.get() & FINALIZED != 0
    }

    /// Notes that `__del__` has run.
    pub fn set_finalized(&self) {
        self.prev.set(self.prev.get() | FINALIZED);
    }

    fn set_prev(&self, prev: *const GcLink) {
        self.prev.set(prev as usize | (self.prev.get() & FLAGS));
    }

    fn prev(&self) -> *const GcLink {
        (self.prev.get() & !FLAGS) as *const GcLink
    }
}

/// The youngest generation's list: a ring through this head.
static YOUNG: GilCell<GcLink> = GilCell::new(GcLink::untracked());

/// Adds a collected object to the youngest generation.
///
/// # Safety
/// The object's type is collected, and it is in no list.
#[inline]
pub(crate) unsafe fn track(header: &Header) {
    // SAFETY: links of live collected objects; the lists are guarded by the GIL.
    unsafe {
        let head = YOUNG.get();
        let link = header.link();
        let mut last = head.prev();
        if last.is_null() {
            last = head;
        }
        (*link).next.set(head);
        (*link).set_prev(last);
        (*last).next.set(link);
        head.set_prev(link);
    }
}

/// Takes an object out of its list, if it is in one.
///
/// # Safety
/// The object's type is collected.
#[inline]
pub(crate) unsafe fn untrack(header: &Header) {
    // SAFETY: as for track.
    unsafe {
        let link = header.link();
        let next = (*link).next.get();
        if next.is_null() {
            return;
        }
        let prev = (*link).prev();
        (*prev).next.set(next);
        (*next).set_prev(prev);
        (*link).next.set(ptr::null());
        (*link).set_prev(ptr::null());
    }
}
