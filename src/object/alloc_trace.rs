//! Where blocks of memory were allocated, for the module `_tracemalloc`: a table from a block's address to its size and
//! the traceback of the allocation.
//!
//! Nothing of this costs anything while nobody traces. While somebody does, the pools have no room (`pool::park`), so
//! that every allocation of the thread that holds the GIL comes by their cold path, which takes the block from the system
//! and notes it here. Only blocks of the system can be in the table: to free one of a pool stays as it was, to free or
//! resize one of the system asks [`is_on`]. Blocks of threads without the GIL are not traced, but they may free those of
//! others: the table has a lock.
//!
//! What is noted of an object is the size that CPython's object has, as far as the block holds what CPython's would
//! (`sys.getsizeof` where the object is one block there too); its type is not known before it is made, so that this
//! happens when the next block comes. What is noted of other blocks, and of instances with attributes, is their own size.
//! The table's own memory is not traced, nor is what [`untraced`] surrounds.

use super::gil::GilCell;
use super::header::{Header, LINK_SIZE};
use super::pool;
use super::ty::{TypeFlags, TypeObject};
use super::value::Value;
use crate::types::bytes::Bytes;
use crate::types::code::Code;
use crate::types::layout;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::eval::cell::encode;
use crate::vm::eval::{Handler, handlers};
use crate::vm::frame::Place;
use crate::vm::thread;
use hashbrown::{HashMap, HashTable};
use std::cell::{Cell, RefCell};
use std::hash::{BuildHasherDefault, Hasher};
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Kind of a block that is no object.
pub(crate) const RAW: u8 = 0;
/// Kind of an object's block that begins with the object.
pub(crate) const PLAIN: u8 = 1;
/// Kind of an object's block that begins with the collector's link.
pub(crate) const COLLECTED: u8 = 2;

/// The most frames that a traceback may have.
pub const MOST_FRAMES: i32 = 178_956_969;

/// Somebody traces.
static ON: AtomicBool = AtomicBool::new(false);

/// Blocks of up to this size are those that CPython's small-object allocator would count.
const SMALL: usize = 512;

/// Allocations are noted.
const NOTING: u8 = 0;
/// Allocations are not noted; blocks that are freed are forgotten all the same.
const PAUSED: u8 = 1;
/// The table itself is at work: what it allocates and frees was never in it.
const INSIDE: u8 = 2;

thread_local! {
    static MODE: Cell<u8> = const { Cell::new(NOTING) };
}

/// Sets the thread's mode until dropped.
struct InMode(u8);

impl InMode {
    fn enter(mode: u8) -> InMode {
        InMode(MODE.replace(mode))
    }
}

impl Drop for InMode {
    fn drop(&mut self) {
        MODE.set(self.0);
    }
}

/// A line of a file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Frame {
    /// Index of the file.
    file: u32,
    line: u32,
}

/// A traced block.
#[derive(Clone, Copy, Debug)]
struct Block {
    size: usize,
    /// Index of the traceback.
    traceback: u32,
}

/// Addresses spread by multiplication.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }

    fn write_u64(&mut self, word: u64) {
        let mixed = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
}

type ByAddress<T> = HashMap<usize, T, BuildHasherDefault<AddressHasher>>;

/// The traced blocks. Behind a lock, since threads without the GIL free blocks.
struct Blocks {
    traces: ByAddress<Block>,
    /// Bytes in traced blocks, and the most there were.
    current: usize,
    peak: usize,
    /// The newest block and its kind, when it is an object's: what size CPython's would have is not known yet.
    newest: Option<(usize, u8)>,
}

static BLOCKS: Mutex<Blocks> = Mutex::new(Blocks::new());

impl Blocks {
    const fn new() -> Blocks {
        Blocks { traces: ByAddress::with_hasher(BuildHasherDefault::new()), current: 0, peak: 0, newest: None }
    }

    fn add(&mut self, address: usize, size: usize, kind: u8, traceback: u32) {
        self.settle();
        if let Some(old) = self.traces.insert(address, Block { size, traceback }) {
            self.current = self.current.saturating_sub(old.size);
        }
        self.current += size;
        if kind == RAW {
            self.peak = self.peak.max(self.current);
        } else {
            self.newest = Some((address, kind));
        }
    }

    fn remove(&mut self, address: usize) {
        if self.newest.is_some_and(|(newest, _)| newest == address) {
            self.newest = None;
            self.peak = self.peak.max(self.current);
        }
        if let Some(block) = self.traces.remove(&address) {
            self.current = self.current.saturating_sub(block.size);
        }
    }

    /// Gives the newest block its size. Called by the thread that holds the GIL.
    fn settle(&mut self) {
        if let Some((address, kind)) = self.newest.take()
            && let Some(block) = self.traces.get_mut(&address)
        {
            let before = if kind == COLLECTED { LINK_SIZE } else { 0 };
            // SAFETY: the block is in use: it would be forgotten else. Header and body of an object are written before
            // anything else is allocated; the GIL is held.
            let object = ManuallyDrop::new(unsafe { Value::from_header((address + before) as *mut Header) });
            if let Some(size) = size_in_cpython(&object) {
                self.current = (self.current + size).saturating_sub(block.size);
                block.size = size;
            }
        }
        self.peak = self.peak.max(self.current);
    }
}

/// The bytes that CPython allocates for an object itself, where that can be compared with the object's block here. Looks at
/// no more than the object's header and body.
fn size_in_cpython(object: &Value) -> Option<usize> {
    let ty = object.ty();
    if let Some(text) = object.exact::<Str>() {
        let (fixed, width) = match (text.is_ascii(), text.width()) {
            (true, _) => (49, 1),
            (false, 1) => (73, 1),
            (false, 2) => (74, 2),
            (false, _) => (76, 4),
        };
        return Some(fixed + text.len() * width);
    }
    if object.downcast::<TypeObject>().is_some() || object.downcast::<Str>().is_some() {
        return None;
    }
    let layout = layout::of(ty);
    let (basic, item) = (usize::try_from(layout.basic_size).ok()?, usize::try_from(layout.item_size).ok()?);
    let head = if layout::is_collected(object) { 16 } else { 0 };
    let items = if item == 0 {
        // The attributes are in the block.
        if ty.is_heap_type() && ty.has_attributes() {
            return None;
        }
        0
    } else if let Some(tuple) = object.downcast::<Tuple>() {
        tuple.len()
    } else if let Some(bytes) = object.downcast::<Bytes>() {
        bytes.as_slice().len()
    } else {
        // An int's digits are a block by themselves.
        return None;
    };
    Some(head + basic + item * items)
}

/// Where blocks were allocated: files and tracebacks, each once.
struct Sources {
    /// The most frames of a traceback.
    limit: i32,
    /// Names of files. Those that code objects have are kept alive, and found again by address.
    files: Vec<Value>,
    file_numbers: ByAddress<u32>,
    tracebacks: Vec<Rc<[Frame]>>,
    /// Numbers of tracebacks by what they hold.
    numbers: HashTable<u32>,
    /// Bytes in tracebacks.
    bytes: usize,
    /// The traceback being made.
    frames: Vec<Frame>,
}

static SOURCES: GilCell<RefCell<Sources>> = GilCell::new(RefCell::new(Sources::new()));

/// The number of the file that stands for no file, in every [`Snapshot`].
pub const UNKNOWN: u32 = u32::MAX;

impl Sources {
    const fn new() -> Sources {
        Sources {
            limit: 1,
            files: Vec::new(),
            file_numbers: ByAddress::with_hasher(BuildHasherDefault::new()),
            tracebacks: Vec::new(),
            numbers: HashTable::new(),
            bytes: 0,
            frames: Vec::new(),
        }
    }

    fn file(&mut self, code: &Code) -> u32 {
        let file = &code.fields.filename;
        let address = file.bits() as usize;
        if let Some(&number) = self.file_numbers.get(&address) {
            return number;
        }
        let Some(text) = file.downcast::<Str>() else { return UNKNOWN };
        // Equal names are one file. The new one stays alive all the same: its address is taken for it.
        let known = self.files.iter().position(|known| known.downcast::<Str>().is_some_and(|known| known.equals(text)));
        self.files.push(file.clone());
        let number = known.unwrap_or(self.files.len() - 1) as u32;
        self.file_numbers.insert(address, number);
        number
    }

    /// The number of the traceback of the running frame.
    fn here(&mut self) -> u32 {
        let mut frames = std::mem::take(&mut self.frames);
        frames.clear();
        let mut place = Place::current(thread::current());
        if let Some(found) = place
            && is_before_code(found)
        {
            // What CPython does before there is a frame.
            place = found.caller();
        }
        let mut last = std::ptr::null_mut();
        while let Some(found) = place {
            // While a native function enters a frame, its caller's stands there twice.
            if !std::ptr::eq(found.fp, last) {
                let code = found.meta().code();
                let line = u32::try_from(code.line_of(found.last_instruction())).unwrap_or(0);
                frames.push(Frame { file: self.file(code), line });
                if frames.len() as u64 >= self.limit as u64 {
                    break;
                }
            }
            last = found.fp;
            place = found.caller();
        }
        if frames.is_empty() {
            frames.push(Frame { file: UNKNOWN, line: 0 });
        }
        let number = self.number_of(&frames);
        self.frames = frames;
        number
    }

    fn number_of(&mut self, frames: &[Frame]) -> u32 {
        let hash = hash(frames);
        let Sources { tracebacks, numbers, .. } = self;
        let is_it = |number: &u32| tracebacks.get(*number as usize).is_some_and(|known| **known == *frames);
        if let Some(&number) = numbers.find(hash, is_it) {
            return number;
        }
        let number = tracebacks.len() as u32;
        tracebacks.push(frames.into());
        self.bytes += std::mem::size_of_val(frames) + 2 * size_of::<usize>();
        let tracebacks = &self.tracebacks;
        self.numbers.insert_unique(hash, number, |number| {
            tracebacks.get(*number as usize).map_or(0, |frames| self::hash(frames))
        });
        number
    }
}

fn hash(frames: &[Frame]) -> u64 {
    let mut hasher = AddressHasher::default();
    for frame in frames {
        hasher.write_u64(u64::from(frame.file) << 32 | u64::from(frame.line));
    }
    hasher.finish()
}

/// Whether the frame stands before its code's first instruction: cells are made, or the generator.
fn is_before_code(place: Place) -> bool {
    let handler = place.meta().handler_at(place.ip);
    let before: [Handler; 3] = [handlers::make_cell, handlers::copy_free, handlers::return_generator];
    before.into_iter().any(|before| encode(before) == handler)
}

fn blocks() -> MutexGuard<'static, Blocks> {
    BLOCKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether somebody traces.
#[inline(always)]
pub fn is_on() -> bool {
    ON.load(Relaxed)
}

/// Notes a block of the system that this thread has allocated while somebody traces.
#[cold]
#[inline(never)]
pub(super) fn note(block: *mut u8, size: usize, kind: u8) {
    if MODE.get() != NOTING || block.is_null() || !pool::is_holder() {
        return;
    }
    let _inside = InMode::enter(INSIDE);
    let Ok(mut sources) = SOURCES.get().try_borrow_mut() else { return };
    let traceback = sources.here();
    blocks().add(block.expose_provenance(), size, kind, traceback);
}

/// A block of the system is about to be freed or resized while somebody traces.
#[cold]
#[inline(never)]
pub(super) fn forget(block: *mut u8) {
    if MODE.get() == INSIDE {
        return;
    }
    let _inside = InMode::enter(INSIDE);
    blocks().remove(block.addr());
}

/// Runs `work` without noting what it allocates: what is none of the program's.
pub(crate) fn untraced<R>(work: impl FnOnce() -> R) -> R {
    let _paused = InMode::enter(MODE.get().max(PAUSED));
    work()
}

/// Splits the process by `fork` while no other thread is at work on the table.
pub(crate) fn around_fork<R>(fork: impl FnOnce() -> R) -> R {
    let _inside = InMode::enter(INSIDE);
    let _blocks = blocks();
    fork()
}

/// Starts to trace, with tracebacks of at most `limit` frames; nothing happens when somebody traces already. The GIL is
/// held.
pub fn start(limit: i32) {
    if is_on() {
        return;
    }
    if let Ok(mut sources) = SOURCES.get().try_borrow_mut() {
        sources.limit = limit.max(1);
    }
    pool::park();
    ON.store(true, Relaxed);
}

/// Ends tracing and forgets all traces. The GIL is held.
pub fn stop() {
    if is_on() {
        ON.store(false, Relaxed);
        pool::unpark();
        clear();
    }
}

/// Forgets all traces. The GIL is held.
pub fn clear() {
    let old = std::mem::replace(&mut *blocks_inside().1, Blocks::new());
    let sources = SOURCES.get().try_borrow_mut().map(|mut sources| {
        let limit = sources.limit;
        std::mem::replace(&mut *sources, Sources { limit, ..Sources::new() })
    });
    // Their memory was never noted; names of files die when the table is free again.
    drop((old, sources));
}

/// The blocks, with the thread in the mode for them.
fn blocks_inside() -> (InMode, MutexGuard<'static, Blocks>) {
    let inside = InMode::enter(INSIDE);
    (inside, blocks())
}

/// The most frames of a traceback.
pub fn limit() -> i32 {
    SOURCES.get().try_borrow().map_or(1, |sources| sources.limit)
}

/// Bytes in the blocks that are traced, and the most there were since tracing began or was cleared.
pub fn traced_memory() -> (usize, usize) {
    let (_inside, mut blocks) = blocks_inside();
    blocks.settle();
    (blocks.current, blocks.peak)
}

/// Bytes that the table takes.
pub fn own_memory() -> usize {
    let traces = blocks_inside().1.traces.allocation_size();
    let sources = SOURCES.get().try_borrow().map_or(0, |sources| {
        sources.files.capacity() * size_of::<Value>()
            + sources.file_numbers.allocation_size()
            + sources.tracebacks.capacity() * size_of::<Rc<[Frame]>>()
            + sources.numbers.allocation_size()
            + sources.bytes
            + sources.frames.capacity() * size_of::<Frame>()
    });
    traces + sources
}

/// How many of the traced blocks are small.
pub(super) fn small_blocks() -> usize {
    blocks_inside().1.traces.values().filter(|block| block.size <= SMALL).count()
}

/// What the table holds at a time.
pub struct Snapshot {
    /// Size and number of the traceback of each block.
    pub traces: Vec<(usize, u32)>,
    tracebacks: Vec<Rc<[Frame]>>,
    files: Vec<Value>,
}

impl Snapshot {
    /// The traceback of a number: the names of the files, `None` where there is none, and the lines, the most recent
    /// first.
    pub fn traceback(&self, number: u32) -> impl Iterator<Item = (Option<&Value>, u32)> {
        let frames = self.tracebacks.get(number as usize).map_or(&[][..], |frames| &**frames);
        frames.iter().map(|frame| (self.files.get(frame.file as usize), frame.line))
    }
}

/// What the table holds now.
pub fn snapshot() -> Snapshot {
    let traces = {
        let (_inside, mut blocks) = blocks_inside();
        blocks.settle();
        blocks.traces.values().map(|block| (block.size, block.traceback)).collect()
    };
    untraced(|| {
        let (tracebacks, files) = SOURCES
            .get()
            .try_borrow()
            .map_or_else(|_| Default::default(), |sources| (sources.tracebacks.clone(), sources.files.clone()));
        Snapshot { traces, tracebacks, files }
    })
}

/// Where an object was allocated, as [`Snapshot::traceback`] says it; `None` when that was not traced.
pub fn traceback_of(object: &Value) -> Option<Vec<(Option<Value>, u32)>> {
    let header: *const Header = object.header()?;
    let before = if object.ty().has_flag(TypeFlags::GC) { LINK_SIZE } else { 0 };
    let number = blocks_inside().1.traces.get(&(header.addr() - before))?.traceback;
    let sources = SOURCES.get().try_borrow().ok()?;
    let frames = sources.tracebacks.get(number as usize)?;
    Some(frames.iter().map(|frame| (sources.files.get(frame.file as usize).cloned(), frame.line)).collect())
}
