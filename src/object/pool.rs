//! Memory of small blocks: pools of blocks of one size, as obmalloc has them.
//!
//! A pool is 16 KiB, aligned to its size, and serves blocks of one of 32 sizes (multiples of 16 up to 512 bytes). The pools
//! of a size that have room are linked in a ring whose head is the one in use; an empty pool goes back to where every
//! size may take it. All pools lie in one reserved region of address space, so an address tells whether a block is
//! pooled. Larger blocks come from the system, and so does all when a sanitizer is to see each block (feature
//! `loop-dispatch`).
//!
//! The pools belong to the thread that holds the GIL, which takes and gives blocks without further ado. As the program's
//! allocator ([`Pools`]) they serve every other Rust value of that thread too; a thread without the GIL gets its memory
//! from the system, and leaves pooled blocks that it frees on a list for the holder of the GIL.
//!
//! While somebody traces allocations (`alloc_trace`) the heads of the rings are parked: no size has room, and every
//! allocation takes the way that asks for a new pool, which gives it a block of the system and notes that. Blocks that come
//! back to their pools join the rings that are parked.

use super::alloc_trace::{self, RAW};
use super::gil::GilCell;
use std::alloc::{GlobalAlloc, Layout, System, handle_alloc_error};
use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::atomic::{AtomicPtr, AtomicUsize};

const POOL_SIZE: usize = 16 * 1024;
/// Address space to reserve, halved until the system grants it; pages that are not touched cost nothing.
const REGION_SIZE: usize = 64 << 30;
const SMALLEST_REGION: usize = 64 << 20;
const STEP: usize = 16;
const LARGEST: usize = 512;
const CLASSES: usize = LARGEST / STEP + 1;
/// What blocks begin with in a pool, so that they are aligned to [`STEP`].
const FIRST_BLOCK: usize = std::mem::size_of::<Pool>().next_multiple_of(STEP);

const POOLED: bool = cfg!(all(unix, not(feature = "loop-dispatch")));

/// The region: its first address (0 before it is reserved, 1 when the system refused) and size.
static REGION: AtomicUsize = AtomicUsize::new(0);
static REGION_LENGTH: AtomicUsize = AtomicUsize::new(0);

/// Blocks freed by threads without the GIL, each holding the next one.
static ORPHANS: AtomicPtr<u8> = AtomicPtr::new(null_mut());

thread_local! {
    static HOLDS_GIL: Cell<bool> = const { Cell::new(false) };
}

/// Says whether this thread holds the GIL from now on.
pub(crate) fn set_holder(holds: bool) {
    HOLDS_GIL.set(holds);
}

/// Whether this thread holds the GIL.
pub(super) fn is_holder() -> bool {
    HOLDS_GIL.get()
}

/// Has the system's allocator keep one heap for all threads, which grows in large steps. With the GIL threads hardly ever
/// allocate at the same time, and the heap that the second thread of a process would get grows by a system call for every
/// few pages.
pub fn share_system_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: sets two numbers of the allocator.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_TOP_PAD, 1 << 20);
    }
}

/// Whether a block lies in a pool.
#[inline(always)]
fn is_pooled(block: *mut u8) -> bool {
    block.addr().wrapping_sub(REGION.load(Relaxed)) < REGION_LENGTH.load(Relaxed)
}

/// The pools as the program's allocator: `#[global_allocator] static ALLOCATOR: Pools = Pools;`.
pub struct Pools;

// SAFETY: blocks of at least the size and alignment asked for; each goes back to where it came from, and only the thread
// with the GIL touches pools.
unsafe impl GlobalAlloc for Pools {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the GIL is held; the layout's size is not zero.
        unsafe {
            if POOLED && layout.size() <= LARGEST && layout.align() <= STEP && HOLDS_GIL.get() {
                return allocate::<RAW>(layout.size());
            }
            allocate_from_system(layout)
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block's own place; an orphan is linked through its first word.
        unsafe {
            if POOLED && is_pooled(block) {
                if HOLDS_GIL.get() {
                    give_back(block);
                } else {
                    let mut first = ORPHANS.load(Relaxed);
                    loop {
                        *(block as *mut *mut u8) = first;
                        match ORPHANS.compare_exchange_weak(first, block, AcqRel, Relaxed) {
                            Ok(_) => break,
                            Err(now) => first = now,
                        }
                    }
                }
                return;
            }
            if alloc_trace::is_on() {
                return free_traced(block, layout);
            }
            System.dealloc(block, layout);
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as for alloc.
        unsafe {
            if POOLED && layout.size() <= LARGEST && layout.align() <= STEP && HOLDS_GIL.get() {
                let block = allocate::<RAW>(layout.size());
                block.write_bytes(0, layout.size());
                return block;
            }
            if alloc_trace::is_on() {
                return allocate_zeroed_traced(layout);
            }
            System.alloc_zeroed(layout)
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new: usize) -> *mut u8 {
        // SAFETY: as for alloc and dealloc; both blocks hold the smaller of the sizes.
        unsafe {
            if !POOLED || !is_pooled(block) {
                if alloc_trace::is_on() {
                    return reallocate_traced(block, layout, new, RAW);
                }
                return System.realloc(block, layout, new);
            }
            if new <= LARGEST && layout.size().div_ceil(STEP) == new.div_ceil(STEP) {
                return block;
            }
            let moved = self.alloc(Layout::from_size_align_unchecked(new, layout.align()));
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size().min(new));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

/// The head of a pool.
#[repr(C)]
struct Pool {
    /// Blocks that were given back, each holding the next one.
    free: Cell<*mut u8>,
    /// Blocks in use; one more while the pool is the head of its ring, which so never becomes empty.
    used: Cell<usize>,
    /// Where blocks that were never used begin.
    fresh: Cell<usize>,
    next: Cell<*mut Pool>,
    previous: Cell<*mut Pool>,
    /// Size of a block.
    block: usize,
    /// Full pools are in no ring.
    linked: Cell<bool>,
}

/// Stands for a pool without room where a size has none yet.
static NO_ROOM: GilCell<Pool> = GilCell::new(Pool {
    free: Cell::new(null_mut()),
    used: Cell::new(1),
    fresh: Cell::new(POOL_SIZE),
    next: Cell::new(null_mut()),
    previous: Cell::new(null_mut()),
    block: POOL_SIZE,
    linked: Cell::new(true),
});

struct State {
    /// The head of each size's ring.
    heads: [Cell<*const Pool>; CLASSES],
    /// The heads while somebody traces.
    parked: [Cell<*const Pool>; CLASSES],
    /// Empty pools, linked by `next`.
    empty: Cell<*mut Pool>,
    /// Bytes of the region that were never a pool.
    untouched: Cell<usize>,
}

impl State {
    /// The heads of the rings, wherever they are.
    fn rings(&self) -> &[Cell<*const Pool>; CLASSES] {
        if alloc_trace::is_on() { &self.parked } else { &self.heads }
    }
}

static STATE: GilCell<State> = GilCell::new(State {
    heads: [const { Cell::new(&NO_ROOM as *const GilCell<Pool> as *const Pool) }; CLASSES],
    parked: [const { Cell::new(&NO_ROOM as *const GilCell<Pool> as *const Pool) }; CLASSES],
    empty: Cell::new(null_mut()),
    untouched: Cell::new(0),
});

/// Takes the pools out of use, before somebody traces. The GIL is held.
pub(super) fn park() {
    let state = STATE.get();
    for (head, parked) in state.heads.iter().zip(&state.parked) {
        parked.set(head.replace(&NO_ROOM as *const GilCell<Pool> as *const Pool));
    }
}

/// Takes them into use again. The GIL is held.
pub(super) fn unpark() {
    let state = STATE.get();
    for (head, parked) in state.heads.iter().zip(&state.parked) {
        head.set(parked.get());
    }
}

/// Allocates `size` bytes, aligned to 8, for a block of a kind that `alloc_trace` knows.
///
/// # Safety
/// The GIL is held; `size` is not zero.
#[inline(always)]
pub(crate) unsafe fn allocate<const KIND: u8>(size: usize) -> *mut u8 {
    if POOLED && size <= LARGEST {
        let class = size.div_ceil(STEP);
        // SAFETY: the heads point to pools or to NO_ROOM; a free block holds the next one.
        unsafe {
            let pool = &*STATE.get().heads[class].get();
            let block = pool.free.get();
            if !block.is_null() {
                pool.free.set(*(block as *const *mut u8));
                pool.used.set(pool.used.get() + 1);
                return block;
            }
            return allocate_fresh::<KIND>(class);
        }
    }
    allocate_large::<KIND>(size)
}

/// Gives a block back.
///
/// # Safety
/// It came from [`allocate`] with the same size and is not used any more; the GIL is held.
#[inline(always)]
pub(crate) unsafe fn free(block: *mut u8, size: usize) {
    // SAFETY: the caller's.
    unsafe {
        if POOLED && size <= LARGEST && is_pooled(block) {
            give_back(block);
        } else {
            if alloc_trace::is_on() {
                return free_traced(block, layout(size));
            }
            System.dealloc(block, layout(size));
        }
    }
}

/// # Safety
/// A pooled block that is not used any more; the GIL is held.
#[inline(always)]
unsafe fn give_back(block: *mut u8) {
    // SAFETY: a block's pool begins at the multiple of the pool size below it.
    unsafe {
        let pool = &*(block.map_addr(|address| address & !(POOL_SIZE - 1)) as *const Pool);
        let first = pool.free.get();
        *(block as *mut *mut u8) = first;
        pool.free.set(block);
        let used = pool.used.get() - 1;
        pool.used.set(used);
        if first.is_null() || used == 0 {
            relink(pool);
        }
    }
}

/// Changes the size of a block of a kind; it may move.
///
/// # Safety
/// As for [`free`]; `new` is not zero.
pub(crate) unsafe fn reallocate<const KIND: u8>(block: *mut u8, old: usize, new: usize) -> *mut u8 {
    // SAFETY: the caller's; both blocks hold the smaller of the sizes.
    unsafe {
        if POOLED && is_pooled(block) {
            if new <= LARGEST && old.div_ceil(STEP) == new.div_ceil(STEP) {
                return block;
            }
        } else if !POOLED || new > LARGEST {
            let moved = if alloc_trace::is_on() {
                reallocate_traced(block, layout(old), layout(new).size(), KIND)
            } else {
                System.realloc(block, layout(old), layout(new).size())
            };
            if moved.is_null() {
                handle_alloc_error(layout(new));
            }
            return moved;
        }
        let moved = allocate::<KIND>(new);
        moved.copy_from_nonoverlapping(block, old.min(new));
        free(block, old);
        moved
    }
}

/// Pooled blocks in use, and traced ones of such sizes, for `sys.getallocatedblocks`.
pub(crate) fn blocks_in_use() -> usize {
    let state = STATE.get();
    let start = REGION.load(Relaxed);
    let heads = state.rings().iter().filter(|head| {
        // SAFETY: the heads point to pools or to NO_ROOM.
        unsafe { (*head.get()).block != POOL_SIZE }
    });
    let counted_twice = heads.count();
    let pools = (0..state.untouched.get()).step_by(POOL_SIZE).map(|offset| {
        // SAFETY: what lies before `untouched` has been made a pool, which is never unmade; the GIL is held.
        unsafe { (*std::ptr::with_exposed_provenance::<Pool>(start + offset)).used.get() }
    });
    let traced = if alloc_trace::is_on() { alloc_trace::small_blocks() } else { 0 };
    pools.sum::<usize>().saturating_sub(counted_twice) + traced
}

fn layout(size: usize) -> Layout {
    match Layout::from_size_align(size.next_multiple_of(8), 8) {
        Ok(layout) => layout,
        Err(_) => handle_alloc_error(Layout::new::<Pool>()),
    }
}

#[cold]
#[inline(never)]
fn allocate_large<const KIND: u8>(size: usize) -> *mut u8 {
    let layout = layout(size);
    // SAFETY: not zero, as the caller of allocate() says.
    let block = unsafe { if alloc_trace::is_on() { allocate_traced::<KIND>(layout) } else { System.alloc(layout) } };
    if block.is_null() {
        handle_alloc_error(layout);
    }
    block
}

/// `System.alloc`, by itself: what calls the program's allocator has room for the ways of small blocks.
///
/// # Safety
/// As for it.
#[inline(never)]
unsafe fn allocate_from_system(layout: Layout) -> *mut u8 {
    // SAFETY: the caller's.
    unsafe { if alloc_trace::is_on() { allocate_traced::<RAW>(layout) } else { System.alloc(layout) } }
}

/// `System.alloc` of a block of a kind while somebody traces.
///
/// # Safety
/// As for it.
#[cold]
#[inline(never)]
unsafe fn allocate_traced<const KIND: u8>(layout: Layout) -> *mut u8 {
    // SAFETY: the caller's.
    let block = unsafe { System.alloc(layout) };
    alloc_trace::note(block, layout.size(), KIND);
    block
}

/// `System.alloc_zeroed` while somebody traces.
///
/// # Safety
/// As for it.
#[cold]
#[inline(never)]
unsafe fn allocate_zeroed_traced(layout: Layout) -> *mut u8 {
    // SAFETY: the caller's.
    let block = unsafe { System.alloc_zeroed(layout) };
    alloc_trace::note(block, layout.size(), RAW);
    block
}

/// `System.dealloc` while somebody traces.
///
/// # Safety
/// As for it.
#[cold]
#[inline(never)]
unsafe fn free_traced(block: *mut u8, layout: Layout) {
    alloc_trace::forget(block);
    // SAFETY: the caller's.
    unsafe { System.dealloc(block, layout) }
}

/// `System.realloc` while somebody traces. What was noted of the block goes before it: its address may be another's then.
///
/// # Safety
/// As for `System.realloc`.
#[cold]
#[inline(never)]
unsafe fn reallocate_traced(block: *mut u8, layout: Layout, new: usize, kind: u8) -> *mut u8 {
    alloc_trace::forget(block);
    // SAFETY: the caller's.
    let moved = unsafe { System.realloc(block, layout, new) };
    match moved.is_null() {
        true => alloc_trace::note(block, layout.size(), kind),
        false => alloc_trace::note(moved, new, kind),
    }
    moved
}

/// A block that was never used, of the head or of a pool that becomes the head.
#[inline(never)]
unsafe fn allocate_fresh<const KIND: u8>(class: usize) -> *mut u8 {
    let state = STATE.get();
    let size = class * STEP;
    // SAFETY: pools of a ring are alive; a fresh block lies within its pool.
    unsafe {
        loop {
            let pool = &*state.heads[class].get();
            let block = pool.free.get();
            if !block.is_null() {
                pool.free.set(*(block as *const *mut u8));
                pool.used.set(pool.used.get() + 1);
                return block;
            }
            let fresh = pool.fresh.get();
            if fresh + pool.block <= POOL_SIZE {
                pool.fresh.set(fresh + size);
                pool.used.set(pool.used.get() + 1);
                return (pool as *const Pool as *mut u8).add(fresh);
            }
            if alloc_trace::is_on() {
                // Nor has any other size room. The system frees blocks by their address, whatever their size.
                return allocate_large::<KIND>(size);
            }
            // Before the head is taken out: blocks that come back may give it room, or make a ring of their own.
            if take_orphans() {
                continue;
            }
            let next = retire(pool);
            let head = if next.is_null() { new_pool(size) } else { next };
            if head.is_null() {
                state.heads[class].set(&NO_ROOM as *const GilCell<Pool> as *const Pool);
                return allocate_large::<KIND>(size);
            }
            (*head).used.set((*head).used.get() + 1);
            state.heads[class].set(head);
        }
    }
}

/// Gives back the blocks that threads without the GIL have freed. True when there were any.
unsafe fn take_orphans() -> bool {
    let mut orphan = ORPHANS.swap(null_mut(), Acquire);
    let found = !orphan.is_null();
    while !orphan.is_null() {
        // SAFETY: pooled blocks that nobody uses, each holding the next one; the GIL is held.
        unsafe {
            let next = *(orphan as *const *mut u8);
            give_back(orphan);
            orphan = next;
        }
    }
    found
}

/// Takes the full head out of its ring; the pool behind it, if any.
unsafe fn retire(pool: &Pool) -> *mut Pool {
    // SAFETY: as for allocate_fresh.
    unsafe {
        if pool.block == POOL_SIZE {
            return null_mut();
        }
        let next = pool.next.get();
        pool.used.set(pool.used.get() - 1);
        unlink(pool);
        if std::ptr::eq(next, pool) { null_mut() } else { next }
    }
}

unsafe fn unlink(pool: &Pool) {
    // SAFETY: the neighbours in the ring are alive.
    unsafe {
        (*pool.previous.get()).next.set(pool.next.get());
        (*pool.next.get()).previous.set(pool.previous.get());
    }
    pool.linked.set(false);
}

/// After a block came back to a full pool, or the last one to any: full pools join their ring again, empty ones serve all
/// sizes.
#[cold]
#[inline(never)]
unsafe fn relink(pool: &Pool) {
    let state = STATE.get();
    let class = pool.block / STEP;
    let this = pool as *const Pool as *mut Pool;
    // SAFETY: as for unlink; an empty pool holds no block in use.
    unsafe {
        if pool.used.get() == 0 {
            if pool.linked.get() {
                unlink(pool);
            }
            pool.next.set(state.empty.get());
            state.empty.set(this);
        } else if !pool.linked.get() {
            let heads = state.rings();
            let head = heads[class].get();
            pool.linked.set(true);
            if (*head).block == POOL_SIZE || !(*head).linked.get() {
                // No ring: the pool becomes it.
                pool.next.set(this);
                pool.previous.set(this);
                pool.used.set(pool.used.get() + 1);
                heads[class].set(this);
            } else {
                let last = (*head).previous.get();
                pool.next.set(head as *mut Pool);
                pool.previous.set(last);
                (*last).next.set(this);
                (*head).previous.set(this);
            }
        }
    }
}

/// An empty pool for blocks of `size` bytes, a ring by itself; null when the region is full.
unsafe fn new_pool(size: usize) -> *mut Pool {
    let state = STATE.get();
    // SAFETY: the memory is a pool's, used by nobody.
    unsafe {
        let mut pool = state.empty.get();
        if pool.is_null() {
            if REGION.load(Relaxed) == 0 {
                reserve();
            }
            let used = state.untouched.get();
            if used + POOL_SIZE > REGION_LENGTH.load(Relaxed) {
                return null_mut();
            }
            state.untouched.set(used + POOL_SIZE);
            pool = std::ptr::with_exposed_provenance_mut(REGION.load(Relaxed) + used);
        } else {
            state.empty.set((*pool).next.get());
        }
        pool.write(Pool {
            free: Cell::new(null_mut()),
            used: Cell::new(0),
            fresh: Cell::new(FIRST_BLOCK),
            next: Cell::new(pool),
            previous: Cell::new(pool),
            block: size,
            linked: Cell::new(true),
        });
        pool
    }
}

/// Reserves the region.
#[cold]
fn reserve() {
    #[cfg(unix)]
    {
        let mut size = REGION_SIZE;
        while size >= SMALLEST_REGION {
            // SAFETY: new private memory, no address of ours is given.
            let start = unsafe {
                libc::mmap(
                    null_mut(),
                    size + POOL_SIZE,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                    -1,
                    0,
                )
            };
            if start != libc::MAP_FAILED {
                let first = start.expose_provenance().next_multiple_of(POOL_SIZE);
                REGION.store(first, Relaxed);
                REGION_LENGTH.store(size, Relaxed);
                return;
            }
            size /= 2;
        }
    }
    REGION.store(1, Relaxed);
}

const _: () = assert!(std::mem::align_of::<Pool>() <= STEP);

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of many sizes, kept and given back in several orders, never overlap.
    #[test]
    fn blocks_do_not_overlap() {
        exercise(false);
    }

    /// Nor do they when tracing begins and ends while there are some; the table holds those allocated meanwhile.
    #[test]
    fn tracing_begins_and_ends_among_blocks() {
        exercise(true);
    }

    fn exercise(trace: bool) {
        crate::vm::runtime::with(|| {
            let before = blocks_in_use();
            for order in 0..3 {
                let mut blocks = Vec::new();
                for round in 0..20_000_usize {
                    match round % 3000 {
                        500 if trace => alloc_trace::start(1),
                        2500 => alloc_trace::stop(),
                        _ => {}
                    }
                    let size = 16 + (round * 37) % 700;
                    // SAFETY: written within the size, freed once.
                    unsafe {
                        let block = allocate::<RAW>(size);
                        block.write_bytes((round % 251) as u8, size);
                        blocks.push((block, size, (round % 251) as u8));
                    }
                    if alloc_trace::is_on() {
                        assert!(!is_pooled(blocks[blocks.len() - 1].0));
                        assert!(alloc_trace::traced_memory().0 >= size);
                    }
                    if round % 3 == order {
                        let (block, size, byte) = blocks.swap_remove((round * 7919) % blocks.len());
                        // SAFETY: as above.
                        unsafe {
                            assert!(std::slice::from_raw_parts(block, size).iter().all(|&found| found == byte));
                            free(block, size);
                        }
                    }
                }
                for (block, size, byte) in blocks {
                    // SAFETY: as above.
                    unsafe {
                        assert!(std::slice::from_raw_parts(block, size).iter().all(|&found| found == byte));
                        let moved = reallocate::<RAW>(block, size, size + 64);
                        assert!(std::slice::from_raw_parts(moved, size).iter().all(|&found| found == byte));
                        free(moved, size + 64);
                    }
                }
                alloc_trace::stop();
            }
            assert_eq!(blocks_in_use(), before);
        });
    }
}
