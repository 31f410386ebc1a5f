//! The heap object header, allocation, and the end of an object's life.
//!
//! An object is one allocation: `[collector link, only for collected types][Header][body][tail]`. The tail holds what
//! a Python class adds to its builtin base: the attribute table, the weak reference list, `__slots__` values.

use super::alloc_trace::{COLLECTED, PLAIN};
use super::instance;
use super::pool;
use super::ty::{TypeFlags, TypeObject};
use super::value::{Payload, Value};
use crate::gc::{self, GcLink};
use crate::types::weakref;
use std::cell::Cell;

/// What every heap object begins with.
#[repr(C)]
pub struct Header {
    count: Cell<usize>,
    ty: Cell<*const TypeObject>,
}

impl Header {
    /// A header with one reference.
    #[inline(always)]
    pub const fn new(ty: &TypeObject) -> Header {
        Header { count: Cell::new(1), ty: Cell::new(ty) }
    }

    /// A header of a static object, which never dies.
    pub const fn immortal(ty: *const TypeObject) -> Header {
        Header { count: Cell::new(1 << 40), ty: Cell::new(ty) }
    }

    /// The object's type.
    #[inline(always)]
    pub fn ty(&self) -> &TypeObject {
        // SAFETY: set from a reference in `new` or `set_ty`; the object holds a reference to a heap type.
        unsafe { &*self.ty.get() }
    }

    /// Changes the type; the caller moves the type's reference counts.
    pub(crate) fn set_ty(&self, ty: &TypeObject) {
        self.ty.set(ty);
    }

    /// The reference count.
    #[inline(always)]
    pub fn count(&self) -> usize {
        self.count.get()
    }

    #[inline(always)]
    pub(crate) fn increment(&self) {
        self.count.set(self.count.get().wrapping_add(1));
    }

    /// Counts down; true when the object has to die.
    #[inline(always)]
    pub(crate) fn decrement(&self) -> bool {
        let count = self.count.get().wrapping_sub(1);
        self.count.set(count);
        count == 0
    }

    /// The collector link before the header.
    ///
    /// # Safety
    /// The object's type has [`TypeFlags::GC`].
    #[inline(always)]
    pub(crate) unsafe fn link(&self) -> *const GcLink {
        // SAFETY: allocate() put the link there.
        unsafe { (self as *const Header as *const GcLink).sub(1) }
    }

    /// The word at `offset` bytes from the header, in the tail.
    ///
    /// # Safety
    /// `offset` lies in this object's tail and holds a `T`.
    #[inline(always)]
    pub(crate) unsafe fn at<T>(&self, offset: usize) -> *const T {
        // SAFETY: the caller's.
        unsafe { (self as *const Header as *const u8).add(offset) as *const T }
    }
}

/// Size in bytes of the collector link before the header.
pub(crate) const LINK_SIZE: usize = std::mem::size_of::<GcLink>();

/// Allocates room for `size` bytes of object, header included.
///
/// # Safety
/// The caller writes a valid header and body before the object is used.
#[inline]
pub(crate) unsafe fn allocate_raw(size: usize, collected: bool) -> *mut Header {
    // SAFETY: the size is not zero (a header at least).
    unsafe {
        if !collected {
            return pool::allocate::<PLAIN>(size) as *mut Header;
        }
        gc::count_allocation();
        let start = pool::allocate::<COLLECTED>(size + LINK_SIZE);
        (start as *mut GcLink).write(GcLink::untracked());
        start.add(LINK_SIZE) as *mut Header
    }
}

/// Makes room behind an object that carries no collector link; the object may move.
///
/// # Safety
/// `old` is its size; nobody else refers to it.
pub(crate) unsafe fn grow_raw(header: *mut Header, old: usize, new: usize) -> *mut Header {
    // SAFETY: allocated by allocate_raw with the old size.
    unsafe { pool::reallocate::<PLAIN>(header as *mut u8, old, new) as *mut Header }
}

/// Frees what [`allocate_raw`] gave.
///
/// # Safety
/// Same size and kind as at allocation; the object is not used any more.
#[inline]
pub(crate) unsafe fn free_raw(header: *mut Header, size: usize, collected: bool) {
    let before = if collected {
        gc::count_deallocation();
        LINK_SIZE
    } else {
        0
    };
    // SAFETY: allocated by allocate_raw with this size.
    unsafe { pool::free((header as *mut u8).sub(before), size + before) }
}

/// Allocates an exact instance of `T`'s own type and starts to track it when the type is collected.
#[inline]
pub fn new_object<T: Payload>(body: T) -> Value {
    if T::type_object().tail_size() != 0 {
        return new_instance(T::type_object(), body);
    }
    // SAFETY: the body (with its header) is written before use.
    unsafe {
        let header = allocate_raw(std::mem::size_of::<T>(), T::GC);
        (header as *mut T).write(body);
        let value = Value::from_header(header);
        if T::GC {
            gc::track(&*header);
        }
        value
    }
}

/// Allocates an instance of `ty`, which is `T`'s type or derives from it. `body`'s header must name `ty`.
pub fn new_instance<T: Payload>(ty: &TypeObject, body: T) -> Value {
    let body_size = std::mem::size_of::<T>();
    // SAFETY: the body is a T of that size.
    unsafe { new_variable(ty, body, body_size, |_| ()) }
}

/// Allocates an instance of `ty` whose body of `body_size` bytes begins with `body` and is completed by `fill`.
///
/// # Safety
/// `fill` writes all of the body behind `T`; `T` is the layout of `ty`'s instances and
/// `body_size` what the type's size function says of the finished object.
pub(crate) unsafe fn new_variable<T: Payload>(
    ty: &TypeObject,
    body: T,
    body_size: usize,
    fill: impl FnOnce(*mut T),
) -> Value {
    let collected = ty.has_flag(TypeFlags::GC);
    let tail = body_size.next_multiple_of(8);
    let inline = if ty.tail_size() == 0 { 0 } else { instance::inline_capacity(ty) };
    let size = tail + ty.tail_size() + 8 * inline;
    // SAFETY: body and tail are written before use.
    unsafe {
        let header = allocate_raw(size, collected);
        (header as *mut T).write(body);
        fill(header as *mut T);
        if size > body_size {
            (header as *mut u8).add(body_size).write_bytes(0, size - body_size);
        }
        if ty.is_heap_type() {
            ty.header().increment();
        }
        if ty.tail_size() != 0 {
            instance::init_tail(&*header, ty, inline);
        }
        let value = Value::from_header(header);
        if collected {
            gc::track(&*header);
        }
        value
    }
}

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static DELAYED: std::cell::RefCell<Vec<*mut Header>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Nested destructions beyond this depth are delayed (CPython's trashcan), so that a deep structure cannot overflow the
/// native stack.
const MAX_NESTED: u32 = 50;

/// Ends an object's life: finaliser, weak references, contents, memory.
///
/// # Safety
/// The count is zero and nobody else refers to the object.
#[cold]
#[inline(never)]
pub(crate) unsafe fn dealloc(header: *mut Header) {
    // SAFETY: the object is alive until the end of this function.
    unsafe {
        let ty = (*header).ty();
        if ty.has_flag(TypeFlags::SIMPLE_DROP) {
            // No values inside: no nesting to guard against.
            let size = ty.object_size(&*header);
            ty.drop_body(header);
            free_raw(header, size, false);
            return;
        }
        let depth = DEPTH.get();
        if depth >= MAX_NESTED {
            if ty.has_flag(TypeFlags::GC) {
                // The collector must not see it dead.
                gc::untrack(&*header);
            }
            DELAYED.with_borrow_mut(|delayed| delayed.push(header));
            return;
        }
        DEPTH.set(depth + 1);
        if ty.has_flag(TypeFlags::PLAIN_DROP) {
            let collected = ty.has_flag(TypeFlags::GC);
            if collected {
                gc::untrack(&*header);
            }
            let size = ty.object_size(&*header);
            ty.drop_body(header);
            free_raw(header, size, collected);
        } else {
            dealloc_now(header);
        }
        DEPTH.set(depth);
        if depth == 0 {
            while let Some(next) = DELAYED.with_borrow_mut(Vec::pop) {
                DEPTH.set(1);
                dealloc_now(next);
                DEPTH.set(0);
            }
        }
    }
}

/// # Safety
/// As for [`dealloc`].
unsafe fn dealloc_now(header: *mut Header) {
    // SAFETY: as the caller says; a revived object is left alone.
    unsafe {
        let ty: *const TypeObject = (*header).ty();
        let collected = (*ty).has_flag(TypeFlags::GC);
        if collected {
            gc::untrack(&*header);
        }
        if let Some(finalize) = (*ty).slot(|slots| slots.finalize) {
            // The finaliser gets a reference of its own; when it keeps one, the object lives on (PEP 442).
            let already = collected && (*(*header).link()).is_finalized();
            if !already {
                (*header).count.set(1);
                if collected {
                    (*(*header).link()).set_finalized();
                }
                let value = Value::from_header(header);
                finalize(&value);
                std::mem::forget(value);
                if !(*header).decrement() {
                    if collected {
                        gc::track(&*header);
                    }
                    return;
                }
            }
        }
        // The finaliser may have assigned `__class__`: the old type may be gone.
        let ty: *const TypeObject = (*header).ty();
        if let Some(head) = instance::weak_head(&*header)
            && !head.is_empty()
        {
            // As subtype_dealloc: callbacks run while the object is dead but its memory still there.
            weakref::clear_dying(head);
        }
        instance::clear_tail(&*header, &*ty);
        let size = (*ty).object_size(&*header);
        (*ty).drop_body(header);
        free_raw(header, size, collected);
        if (*ty).is_heap_type() && (*ty).header().decrement() {
            dealloc(ty as *mut Header);
        }
    }
}
