//! The cycle collector: which objects it knows, the lists of the generations, and when a collection is due.
//!
//! As in CPython, a collected object carries a link before its header and is in the list of one generation while it is
//! tracked. Reference counts end most lives; the collector finds the cycles. A collection that allocations make due is not
//! run inside the allocation, where native code may stand in the middle of something: the running thread is told, and the
//! loop collects at its next safe point (`vm::signals::attend`). `gc.collect()` collects at once.
//!
//! What a frame on the register stack holds is counted in the objects' reference counts and is no tracked object's
//! content, so whatever it holds is alive for the collector without a scan of the stack.

mod collect;
mod refer;

pub(crate) use collect::callbacks;
pub use collect::{
    DEBUG_COLLECTABLE, DEBUG_SAVEALL, DEBUG_STATS, DEBUG_UNCOLLECTABLE, collect, collect_at_exit, collect_due,
    collect_quietly, garbage,
};
pub use refer::{referents, referrers};

use crate::object::TypeFlags;
use crate::object::TypeObject;
use crate::object::gil::GilCell;
use crate::object::header::Header;
use crate::object::value::Value;
use crate::types::dict::Dict;
use crate::types::tuple::Tuple;
use std::cell::Cell;
use std::ptr;

/// What a traversal calls for every reference that an object owns. It must not run foreign code.
pub type Visit<'a> = &'a mut dyn FnMut(&Value);

/// The collector's link of one object, or the head of a list.
#[repr(C)]
pub struct GcLink {
    /// The next link. Within a collection the lowest bit says that the object seems unreachable.
    next: Cell<*const GcLink>,
    /// The previous link, or within a collection the references from outside; the two low bits are flags.
    prev: Cell<*const GcLink>,
}

/// `__del__` has run (PEP 442).
const FINALIZED: usize = 1;
/// In the generation that is being collected, and not known to be reachable.
const COLLECTING: usize = 2;
const FLAGS: usize = 3;
/// In `next`: seems unreachable.
const UNREACHABLE: usize = 1;

fn bits(link: *const GcLink) -> usize {
    link as usize
}

impl GcLink {
    /// A link in no list.
    pub const fn untracked() -> GcLink {
        GcLink { next: Cell::new(ptr::null()), prev: Cell::new(ptr::null()) }
    }

    /// The head of an empty list, which stays at `place`.
    const fn head(place: *const GcLink) -> GcLink {
        GcLink { next: Cell::new(place), prev: Cell::new(place) }
    }

    /// Makes this the head of an empty list.
    fn make_empty(&self) {
        self.next.set(self);
        self.prev.set(self);
    }

    fn is_empty_list(&self) -> bool {
        ptr::eq(self.next.get(), self)
    }

    /// Whether the object is in a list.
    #[inline(always)]
    pub fn is_tracked(&self) -> bool {
        !self.next.get().is_null()
    }

    /// Whether `__del__` has run for this object.
    pub fn is_finalized(&self) -> bool {
        bits(self.prev.get()) & FINALIZED != 0
    }

    /// Notes that `__del__` has run.
    pub fn set_finalized(&self) {
        self.prev.set(self.prev.get().map_addr(|prev| prev | FINALIZED));
    }

    #[inline(always)]
    fn set_prev(&self, prev: *const GcLink) {
        let flags = bits(self.prev.get()) & FLAGS;
        self.prev.set(prev.map_addr(|prev| prev | flags));
    }

    #[inline(always)]
    fn prev(&self) -> *const GcLink {
        self.prev.get().map_addr(|prev| prev & !FLAGS)
    }

    #[inline(always)]
    fn next(&self) -> *const GcLink {
        self.next.get().map_addr(|next| next & !UNREACHABLE)
    }

    fn is_collecting(&self) -> bool {
        bits(self.prev.get()) & COLLECTING != 0
    }

    fn clear_collecting(&self) {
        self.prev.set(self.prev.get().map_addr(|prev| prev & !COLLECTING));
    }

    /// The references from outside, which stand where the previous link does else.
    fn refs(&self) -> usize {
        bits(self.prev.get()) >> 2
    }

    fn set_refs(&self, refs: usize) {
        let finalized = bits(self.prev.get()) & FINALIZED;
        self.prev.set(ptr::without_provenance(refs << 2 | COLLECTING | finalized));
    }

    /// The object's header.
    ///
    /// # Safety
    /// The link is that of an object, no list's head.
    unsafe fn header<'a>(link: *const GcLink) -> &'a Header {
        // SAFETY: the caller's; the header follows the link.
        unsafe { &*(link.add(1) as *const Header) }
    }
}

/// Appends a link to a list.
///
/// # Safety
/// Both are alive; `link` is in no list.
#[inline(always)]
unsafe fn append(link: *const GcLink, list: *const GcLink) {
    // SAFETY: the caller's; heads carry no flags.
    unsafe {
        let last = (*list).prev.get();
        (*link).set_prev(last);
        (*link).next.set(list);
        (*last).next.set(link);
        (*list).prev.set(link);
    }
}

/// Takes a link out of its list.
///
/// # Safety
/// It is in one, and the lists are linked both ways.
unsafe fn unlink(link: *const GcLink) {
    // SAFETY: the caller's.
    unsafe {
        let (next, prev) = ((*link).next(), (*link).prev());
        (*prev).next.set(next);
        (*next).set_prev(prev);
        (*link).next.set(ptr::null());
        (*link).set_prev(ptr::null());
    }
}

/// Moves all of `from` to the end of `to`.
///
/// # Safety
/// Both are heads of lists linked both ways.
unsafe fn merge(from: &GcLink, to: &GcLink) {
    // SAFETY: the caller's.
    unsafe {
        if !from.is_empty_list() {
            let (first, last, tail) = (from.next(), from.prev(), to.prev());
            (*tail).next.set(first);
            (*first).set_prev(tail);
            (*last).next.set(to);
            to.prev.set(last);
            from.make_empty();
        }
    }
}

/// The links of a list in order. The list must not lose the link that the iterator stands on.
fn links(head: &GcLink) -> impl Iterator<Item = *const GcLink> {
    let end: *const GcLink = head;
    let mut at = head.next();
    std::iter::from_fn(move || {
        if ptr::eq(at, end) {
            return None;
        }
        let link = at;
        // SAFETY: links in a list are alive.
        at = unsafe { (*link).next() };
        Some(link)
    })
}

/// Number of generations.
pub const GENERATIONS: usize = 3;

macro_rules! list_head {
    ($name:ident) => {
        static $name: GilCell<GcLink> = GilCell::new(GcLink::head((&raw const $name).cast()));
    };
}
list_head!(YOUNG);
list_head!(MIDDLE);
list_head!(OLD);
list_head!(PERMANENT);

/// The list of a generation.
fn generation(index: usize) -> &'static GcLink {
    match index {
        0 => YOUNG.get(),
        1 => MIDDLE.get(),
        _ => OLD.get(),
    }
}

/// What `gc.get_stats` tells of one generation.
pub struct Stats {
    /// Times it was collected.
    pub collections: Cell<usize>,
    /// Unreachable objects found in all.
    pub collected: Cell<usize>,
    /// Those that could not be freed.
    pub uncollectable: Cell<usize>,
}

/// The collector's state.
pub struct State {
    /// Allocations less deallocations since the last collection.
    count: Cell<isize>,
    /// `count` above which a collection is due: the threshold, or out of reach.
    limit: Cell<isize>,
    /// Collections of the generation below since the last of this one; the first is not used.
    counts: [Cell<isize>; GENERATIONS],
    thresholds: [Cell<isize>; GENERATIONS],
    enabled: Cell<bool>,
    collecting: Cell<bool>,
    /// `gc.set_debug`.
    pub debug: Cell<i32>,
    long_lived_total: Cell<usize>,
    long_lived_pending: Cell<usize>,
    stats: [Stats; GENERATIONS],
}

static STATE: GilCell<State> = GilCell::new(State {
    count: Cell::new(0),
    limit: Cell::new(700),
    counts: [const { Cell::new(0) }; GENERATIONS],
    thresholds: [Cell::new(700), Cell::new(10), Cell::new(10)],
    enabled: Cell::new(true),
    collecting: Cell::new(false),
    debug: Cell::new(0),
    long_lived_total: Cell::new(0),
    long_lived_pending: Cell::new(0),
    stats: [const { Stats { collections: Cell::new(0), collected: Cell::new(0), uncollectable: Cell::new(0) } };
        GENERATIONS],
});

/// The collector's state.
pub fn state() -> &'static State {
    STATE.get()
}

impl State {
    /// `gc.isenabled()`.
    pub fn is_enabled(&self) -> bool {
        self.enabled.get()
    }

    /// `gc.enable()` and `gc.disable()`.
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.set(enabled);
        self.set_limit();
    }

    /// `gc.get_threshold()`.
    pub fn thresholds(&self) -> [isize; GENERATIONS] {
        std::array::from_fn(|index| self.thresholds[index].get())
    }

    /// `gc.set_threshold()`.
    pub fn set_thresholds(&self, thresholds: [isize; GENERATIONS]) {
        for (place, threshold) in self.thresholds.iter().zip(thresholds) {
            place.set(threshold);
        }
        self.set_limit();
    }

    /// `gc.get_count()`.
    pub fn counts(&self) -> [isize; GENERATIONS] {
        [self.count.get(), self.counts[1].get(), self.counts[2].get()]
    }

    /// What `gc.get_stats` tells.
    pub fn stats(&self) -> &[Stats; GENERATIONS] {
        &self.stats
    }

    fn set_limit(&self) {
        let threshold = self.thresholds[0].get();
        let active = self.enabled.get() && threshold != 0 && !self.collecting.get();
        self.limit.set(if active { threshold } else { isize::MAX });
    }

    fn is_due(&self) -> bool {
        self.count.get() > self.limit.get()
    }
}

/// Counts the allocation of a collected object.
#[inline(always)]
pub(crate) fn count_allocation() {
    let state = STATE.get();
    let count = state.count.get() + 1;
    state.count.set(count);
    if count > state.limit.get() {
        request();
    }
}

/// Counts the deallocation of a collected object.
#[inline(always)]
pub(crate) fn count_deallocation() {
    let state = STATE.get();
    let count = state.count.get();
    state.count.set(count - isize::from(count > 0));
}

/// Tells the running thread that a collection is due.
#[cold]
fn request() {
    crate::vm::thread::current().breaker.store(true, std::sync::atomic::Ordering::Relaxed);
}

/// Adds a new collected object to the youngest generation.
///
/// # Safety
/// The object's type is collected, and it is in no list.
#[inline(always)]
pub(crate) unsafe fn track(header: &Header) {
    // SAFETY: links of live collected objects; the lists are guarded by the GIL.
    unsafe { append(header.link(), YOUNG.get()) }
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
        if (*link).is_tracked() {
            unlink(link);
        }
    }
}

/// The collector's link of an object, when it has one: its type is collected, and it is no builtin type.
#[inline]
pub(crate) fn link_of(header: &Header) -> Option<&GcLink> {
    let ty = header.ty();
    if !ty.has_flag(TypeFlags::GC) {
        return None;
    }
    if ty.has_flag(TypeFlags::TYPE) {
        // SAFETY: an instance of a type of types is a type.
        let this = unsafe { &*(header as *const Header as *const TypeObject) };
        if !this.is_heap_type() {
            return None;
        }
    }
    // SAFETY: the type is collected.
    Some(unsafe { &*header.link() })
}

/// Whether the collector may have to look at a value that a dict or tuple holds.
#[inline]
pub(crate) fn may_be_tracked(value: &Value) -> bool {
    let Some(header) = value.header() else { return false };
    match link_of(header) {
        Some(link) => !value.is_exact::<Tuple>() || link.is_tracked(),
        None => false,
    }
}

/// `gc.is_tracked(value)`.
pub fn is_tracked(value: &Value) -> bool {
    let Some(header) = value.header() else { return false };
    let Some(link) = link_of(header) else { return false };
    link.is_tracked() && value.exact::<Dict>().is_none_or(|dict| dict.table().is_tracked())
}

/// Calls `visit` for every reference that an object owns: body, tail and, for instances of classes, the class.
pub(crate) fn traverse(header: &Header, visit: Visit<'_>) {
    let ty = header.ty();
    // SAFETY: the object is of exactly this type.
    unsafe { ty.traverse_body(header, visit) };
    if ty.tail_size() != 0 {
        crate::object::instance::traverse_tail(header, ty, visit);
    }
    if ty.is_heap_type() {
        ty.visit_self(visit);
    }
}

/// Empties an object that is part of a garbage cycle, so far as its type can. As `tp_clear`.
fn clear(header: &Header) {
    let ty = header.ty();
    // SAFETY: the object is of exactly this type; the caller holds a reference.
    unsafe { ty.clear_body(header) };
    if header.ty().tail_size() != 0 {
        crate::object::instance::clear_tail_values(header, header.ty());
    }
}

fn object_of(link: *const GcLink) -> Value {
    // SAFETY: a link in a list is that of a live object.
    unsafe {
        let header = GcLink::header(link);
        header.increment();
        Value::from_header(header)
    }
}

/// New references to the tracked objects of a generation, or of all but the permanent one.
pub fn objects(only: Option<usize>) -> Vec<Value> {
    let mut found = Vec::new();
    for index in 0..GENERATIONS {
        if only.is_none_or(|only| only == index) {
            found.extend(links(generation(index)).map(object_of).filter(is_tracked));
        }
    }
    found
}

/// `gc.freeze()`: moves everything to the permanent generation.
pub fn freeze() {
    for index in 0..GENERATIONS {
        // SAFETY: no collection is under way where lists are not linked both ways.
        unsafe { merge(generation(index), PERMANENT.get()) };
        state().counts[index].set(0);
    }
    state().count.set(0);
}

/// `gc.unfreeze()`: moves the permanent generation to the oldest.
pub fn unfreeze() {
    // SAFETY: as in freeze.
    unsafe { merge(PERMANENT.get(), OLD.get()) };
}

/// `gc.get_freeze_count()`.
pub fn freeze_count() -> usize {
    links(PERMANENT.get()).count()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// The sources below a directory.
    fn sources(directory: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(directory).expect("sources are there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.display().to_string(), fs::read_to_string(&path).expect("a source is text")));
            }
        }
    }

    /// A collected type without a traversal of its own would keep every cycle through it alive for ever.
    #[test]
    fn every_collected_type_has_a_traverse() {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        let mut seen = 0;
        for (path, text) in &files {
            for (at, _) in text.match_indices("\npayload!(") {
                let body = text.get(at..).unwrap_or_default();
                let body = body.split("\n}").next().unwrap_or_default();
                if body.contains("const GC: bool = true") {
                    seen += 1;
                    let name = body.lines().next().unwrap_or_default();
                    assert!(body.contains("fn traverse(&self"), "{path}: {name} has no traverse");
                }
            }
        }
        assert!(seen > 30, "only {seen} collected types found");
    }
}
