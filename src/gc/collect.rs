//! One collection: finding the unreachable objects of a generation, ending them in CPython's order.

use super::{
    COLLECTING, FINALIZED, FLAGS, GENERATIONS, GcLink, UNREACHABLE, append, bits, clear, generation, is_tracked,
    link_of, links, may_be_tracked, merge, object_of, state, traverse, unlink, untrack,
};
use crate::object::TypeObject;
use crate::object::call;
use crate::object::gil::GilCell;
use crate::object::header::Header;
use crate::object::instance::Attrs;
use crate::object::value::Value;
use crate::object::value_vec::ValueCell;
use crate::types::dict::Dict;
use crate::types::generator;
use crate::types::list::{LIST, List};
use crate::types::str::Str;
use crate::types::tuple::{TUPLE, Tuple};
use crate::types::weakref;
use crate::vm::thread;
use std::io::Write;
use std::time::Instant;

/// `gc.DEBUG_STATS`.
pub const DEBUG_STATS: i32 = 1;
/// `gc.DEBUG_COLLECTABLE`.
pub const DEBUG_COLLECTABLE: i32 = 1 << 1;
/// `gc.DEBUG_UNCOLLECTABLE`.
pub const DEBUG_UNCOLLECTABLE: i32 = 1 << 2;
/// `gc.DEBUG_SAVEALL`.
pub const DEBUG_SAVEALL: i32 = 1 << 5;

static GARBAGE: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);
static CALLBACKS: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);

fn list_in(place: &ValueCell) -> Value {
    match place.get() {
        Some(list) => list,
        None => {
            let list = List::from_vec(Vec::new());
            place.set(Some(list.clone()));
            list
        }
    }
}

/// `gc.garbage`.
pub fn garbage() -> Value {
    list_in(GARBAGE.get())
}

/// `gc.callbacks`.
pub(crate) fn callbacks() -> Value {
    list_in(CALLBACKS.get())
}

/// What a collection found.
struct Found {
    collected: usize,
    uncollectable: usize,
}

/// Keeps collections from nesting until dropped.
struct Collecting;

impl Collecting {
    fn begin() -> Option<Collecting> {
        if state().collecting.replace(true) {
            return None;
        }
        state().set_limit();
        Some(Collecting)
    }
}

impl Drop for Collecting {
    fn drop(&mut self) {
        state().collecting.set(false);
        state().set_limit();
    }
}

/// `gc.collect(generation)`: collects a generation and those younger; the number of unreachable objects. 0 when a
/// collection is under way.
pub fn collect(index: usize) -> usize {
    match Collecting::begin() {
        Some(_guard) => collect_with_callbacks(index.min(GENERATIONS - 1)),
        None => 0,
    }
}

/// Runs the collection that allocations made due, if one is.
pub fn collect_due() {
    let state = state();
    if !state.is_due() {
        return;
    }
    let Some(_guard) = Collecting::begin() else { return };
    // The oldest generation whose count is above its threshold.
    let counts = state.counts();
    for index in (0..GENERATIONS).rev() {
        if counts[index] > state.thresholds[index].get() {
            // Full collections only when what is new is a quarter of what is long-lived: linear time over all.
            if index == GENERATIONS - 1 && state.long_lived_pending.get() < state.long_lived_total.get() / 4 {
                continue;
            }
            collect_with_callbacks(index);
            break;
        }
    }
}

/// The collection at the end of the interpreter's life, as `PyGC_CollectIfEnabled`.
pub fn collect_at_exit() {
    if state().is_enabled() {
        collect(GENERATIONS - 1);
    }
}

/// A full collection that calls no callbacks, enabled or not. As `_PyGC_CollectNoFail`, for the interpreter's end.
pub fn collect_quietly() {
    if let Some(_guard) = Collecting::begin() {
        collect_generation(GENERATIONS - 1, true);
    }
}

fn collect_with_callbacks(index: usize) -> usize {
    invoke_callbacks("start", index, &Found { collected: 0, uncollectable: 0 });
    let found = collect_generation(index, false);
    invoke_callbacks("stop", index, &found);
    found.collected + found.uncollectable
}

fn invoke_callbacks(phase: &str, index: usize, found: &Found) {
    let callbacks = callbacks();
    let Some(list) = callbacks.downcast::<List>() else { return };
    if list.items().is_empty() {
        return;
    }
    let info = Dict::new_value();
    if let Some(info) = info.exact::<Dict>() {
        info.set_text("generation", Value::int(index as i64));
        info.set_text("collected", Value::int(found.collected as i64));
        info.set_text("uncollectable", Value::int(found.uncollectable as i64));
    }
    let args = [Str::new_value(phase), info];
    let mut at = 0;
    while let Some(callback) = list.items().get(at) {
        if let Err(raised) = call::call(&callback, &args) {
            thread::report_unraisable(raised, &callback);
        }
        at += 1;
    }
}

/// A line on the real standard error, as `PySys_WriteStderr` writes it.
fn debug_line(text: &str) {
    let _nothing_to_tell_it_to = crate::modules::io::standard::flush_all();
    let _nowhere_to_complain = std::io::stderr().write_all(text.as_bytes());
}

/// Collects a generation and those younger. `at_end` is for full collections at the interpreter's end: what they find out about
/// the objects that live on would serve none after them.
fn collect_generation(index: usize, at_end: bool) -> Found {
    let state = state();
    let debug = state.debug.get();
    let started = Instant::now();
    if debug & DEBUG_STATS != 0 {
        let mut sizes = String::new();
        for index in 0..GENERATIONS {
            sizes += &format!(" {}", links(generation(index)).count());
        }
        debug_line(&format!(
            "gc: collecting generation {index}...\ngc: objects in each generation:{sizes}\ngc: objects in permanent generation: {}\n",
            super::freeze_count()
        ));
    }
    if index + 1 < GENERATIONS {
        let next = &state.counts[index + 1];
        next.set(next.get() + 1);
    }
    state.count.set(0);
    for count in &state.counts[..=index] {
        count.set(0);
    }
    let young = generation(index);
    let old = generation((index + 1).min(GENERATIONS - 1));
    let unreachable = GcLink::untracked();
    unreachable.make_empty();
    // SAFETY: every link in the lists is that of a live object of a collected type; no foreign code runs before the lists
    // are linked both ways again.
    unsafe {
        for younger in 0..index {
            merge(generation(younger), young);
        }
        update_refs(young);
        subtract_refs(young);
        move_unreachable(young, &unreachable);
        if !at_end {
            let is_full = index + 1 == GENERATIONS;
            let left = untrack_members(young, is_full);
            if !is_full {
                if index == GENERATIONS - 2 {
                    state.long_lived_pending.set(state.long_lived_pending.get() + left);
                }
                merge(young, old);
            } else {
                state.long_lived_pending.set(0);
                state.long_lived_total.set(left);
            }
        }
    }
    for link in links(&unreachable) {
        // SAFETY: a link of a live object.
        let header = unsafe {
            (*link).next.set((*link).next());
            GcLink::header(link)
        };
        if debug & DEBUG_COLLECTABLE != 0 {
            let ty = header.ty();
            debug_line(&format!("gc: collectable <{} {:#x}>\n", ty.name(), header as *const Header as usize));
        }
    }
    // SAFETY: the lists are linked both ways; each step keeps them so whatever Python code does.
    let mut collected = 0;
    unsafe {
        collected += handle_weakrefs(&unreachable);
        finalize_garbage(&unreachable);
        if has_resurrected(&unreachable) {
            // As CPython 3.8: nothing of this collection's garbage is freed or counted.
            merge(&unreachable, old);
        } else {
            // What the finalizers have left, without what they freed.
            collected += links(&unreachable).map(|link| counted_objects(GcLink::header(link))).sum::<usize>();
            delete_garbage(&unreachable, old, debug & DEBUG_SAVEALL != 0);
        }
    }
    if debug & DEBUG_STATS != 0 {
        debug_line(&format!(
            "gc: done, {collected} unreachable, 0 uncollectable, {:.4}s elapsed\n",
            started.elapsed().as_secs_f64()
        ));
    }
    let stats = &state.stats[index];
    stats.collections.set(stats.collections.get() + 1);
    stats.collected.set(stats.collected.get() + collected);
    Found { collected, uncollectable: 0 }
}

/// Objects that CPython counts where one object does here: an instance's attribute dict and a generator's frame count too,
/// a dict that CPython does not track does not.
fn counted_objects(header: &Header) -> usize {
    let value = std::mem::ManuallyDrop::new(
        // SAFETY: the object is alive; the word is not dropped.
        unsafe { Value::from_header(header) },
    );
    let attributes = Attrs::of(&value).is_some_and(|attrs| {
        let mut tracked = false;
        attrs.for_each_inline(&mut |value| tracked |= may_be_tracked(value));
        tracked
    });
    let frame = generator::of(&value).is_some_and(generator::Generator::has_hidden_frame);
    usize::from(is_tracked(&value)) + usize::from(attributes) + usize::from(frame)
}

/// Notes each object's reference count as its references from outside.
unsafe fn update_refs(young: &GcLink) {
    for link in links(young) {
        // SAFETY: the caller's.
        unsafe {
            let count = GcLink::header(link).count();
            debug_assert!(count != 0, "a tracked object is dead");
            (*link).set_refs(count);
        }
    }
}

/// As [`traverse`]; for lists and tuples without an indirect call for each item.
#[inline(always)]
fn traverse_with(header: &Header, visit: &mut impl FnMut(&Value)) {
    let ty: *const TypeObject = header.ty();
    // SAFETY: the type says what the body is; `visit` runs no foreign code, so that a list stays as it is.
    let items = unsafe {
        if std::ptr::eq(ty, &LIST) {
            let (items, len) = (*(header as *const Header as *const List)).items().raw_parts();
            std::slice::from_raw_parts(items as *const Value, len)
        } else if std::ptr::eq(ty, &TUPLE) {
            (*(header as *const Header as *const Tuple)).as_slice()
        } else {
            return traverse(header, visit);
        }
    };
    // As list_traverse and tupletraverse: the last first.
    items.iter().rev().for_each(visit);
}

/// Takes the references among the objects of the list off.
unsafe fn subtract_refs(young: &GcLink) {
    let mut visit = |value: &Value| {
        if let Some(header) = value.header()
            && let Some(link) = link_of(header)
            && link.is_collecting()
        {
            let refs = link.refs();
            debug_assert!(refs != 0, "a traversal visits more references than a {} has", header.ty().name());
            if refs != 0 {
                link.prev.set(link.prev.get().map_addr(|prev| prev - (FLAGS + 1)));
            }
        }
    };
    for link in links(young) {
        // SAFETY: the caller's.
        traverse_with(unsafe { GcLink::header(link) }, &mut visit);
    }
}

/// Moves what cannot be reached from outside to `unreachable`; the rest of `young` is linked both ways again. The links of
/// `unreachable` keep the marks of their state.
unsafe fn move_unreachable(young: &GcLink, unreachable: &GcLink) {
    let young_head: *const GcLink = young;
    let mut visit = |value: &Value| {
        let Some(header) = value.header() else { return };
        let Some(link) = link_of(header) else { return };
        if !link.is_collecting() {
            return;
        }
        // SAFETY: links of live objects; `unreachable` is linked both ways, its `next` marked.
        unsafe {
            if bits(link.next.get()) & UNREACHABLE != 0 {
                let (prev, next) = (link.prev(), link.next());
                (*prev).next.set(link.next.get());
                (*next).set_prev(prev);
                link.next.set(std::ptr::null());
                append(link, young_head);
                link.set_refs(1);
            } else if link.refs() == 0 {
                link.set_refs(1);
            }
        }
    };
    let mut prev = young_head;
    let mut link = young.next();
    // SAFETY: as the comments say; `young` is linked forward.
    unsafe {
        while !std::ptr::eq(link, young_head) {
            if (*link).refs() != 0 {
                traverse_with(GcLink::header(link), &mut visit);
                let finalized = bits((*link).prev.get()) & FINALIZED;
                (*link).prev.set(prev.map_addr(|prev| prev | finalized));
                prev = link;
            } else {
                (*prev).next.set((*link).next.get());
                let last = unreachable.prev();
                let finalized = bits((*link).prev.get()) & FINALIZED;
                (*link).prev.set(last.map_addr(|last| last | COLLECTING | finalized));
                (*last).next.set(link.map_addr(|link| link | UNREACHABLE));
                (*link).next.set((unreachable as *const GcLink).map_addr(|head| head | UNREACHABLE));
                unreachable.prev.set(link);
            }
            link = (*prev).next.get();
        }
        young.prev.set(prev);
        unreachable.next.set(unreachable.next());
    }
}

/// Stops tracking tuples whose items the collector need not look at and then, if asked to, notes which dicts hold only
/// such. Gives the number of objects left. One pass: going over a long list is what a collection costs.
unsafe fn untrack_members(young: &GcLink, with_dicts: bool) -> usize {
    let mut dicts: Vec<&Dict> = Vec::new();
    let mut left = 0;
    for link in links(young) {
        // SAFETY: a link of a live object; the iterator has gone past it.
        unsafe {
            let header = GcLink::header(link);
            left += 1;
            if std::ptr::eq(header.ty(), &TUPLE) {
                let tuple = &*(header as *const Header as *const Tuple);
                if !tuple.as_slice().iter().any(|item| item.is_unbound() || may_be_tracked(item)) {
                    untrack(header);
                    left -= 1;
                }
            } else if with_dicts && std::ptr::eq(header.ty(), &crate::types::dict::DICT) {
                dicts.push(&*(header as *const Header as *const Dict));
            }
        }
    }
    for dict in dicts {
        dict.table().untrack_if_atomic();
    }
    left
}

/// Clears the weak references to the objects and runs the callbacks of those that are no garbage themselves; the number
/// of weak references freed by that.
unsafe fn handle_weakrefs(unreachable: &GcLink) -> usize {
    let mut to_call = Vec::new();
    for link in links(unreachable) {
        // SAFETY: a link of a live object; no foreign code runs here.
        let header = unsafe { GcLink::header(link) };
        // A weak reference that is garbage itself must not call back while the garbage is taken apart.
        weakref::detach_if_weakref(header);
        weakref::clear_for_collector(header, &mut |reference| {
            let is_garbage = reference.header().and_then(link_of).is_some_and(GcLink::is_collecting);
            if !is_garbage {
                to_call.push(reference);
            }
        });
    }
    let mut freed = 0;
    for reference in to_call {
        weakref::call_back(&reference);
        if reference.header().is_some_and(|header| header.count() == 1) {
            freed += 1;
        }
        drop(reference);
    }
    freed
}

/// Runs the finalizers that have not run.
unsafe fn finalize_garbage(unreachable: &GcLink) {
    let seen = GcLink::untracked();
    seen.make_empty();
    // SAFETY: lists linked both ways; an object that dies takes itself off its list.
    unsafe {
        while !unreachable.is_empty_list() {
            let link = unreachable.next();
            unlink(link);
            append(link, &seen);
            let header = GcLink::header(link);
            if !(*link).is_finalized()
                && let Some(finalize) = header.ty().slot(|slots| slots.finalize)
            {
                (*link).set_finalized();
                let object = object_of(link);
                finalize(&object);
            }
        }
        merge(&seen, unreachable);
    }
}

/// Whether a finalizer made any of the objects reachable again. Ends their state of being collected.
unsafe fn has_resurrected(unreachable: &GcLink) -> bool {
    // SAFETY: no foreign code runs here; the list is linked both ways again at the end.
    unsafe {
        for link in links(unreachable) {
            (*link).set_refs(GcLink::header(link).count());
        }
        subtract_refs(unreachable);
        let mut resurrected = false;
        let mut prev: *const GcLink = unreachable;
        for link in links(unreachable) {
            resurrected |= (*link).refs() != 0;
            let finalized = bits((*link).prev.get()) & FINALIZED;
            (*link).prev.set(prev.map_addr(|prev| prev | finalized));
            prev = link;
        }
        resurrected
    }
}

/// Breaks the cycles; what lives on goes to `old`.
unsafe fn delete_garbage(unreachable: &GcLink, old: &GcLink, save: bool) {
    // SAFETY: lists linked both ways; an object that dies takes itself off its list.
    unsafe {
        while !unreachable.is_empty_list() {
            let link = unreachable.next();
            let object = object_of(link);
            if save {
                if let Some(list) = garbage().downcast::<List>() {
                    list.items().push(object);
                }
            } else {
                if let Some(header) = object.header() {
                    clear(header);
                }
                drop(object);
            }
            if std::ptr::eq(unreachable.next(), link) {
                (*link).clear_collecting();
                unlink(link);
                append(link, old);
            }
        }
    }
}
