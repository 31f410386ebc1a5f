//! The state of a thread that executes Python code.

use crate::modules::faulthandler;
use crate::name;
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::value::Value;
use crate::object::value_vec::ValueCell;
use crate::types::exceptions::{self, recursion_error};
use crate::vm::config;
use crate::vm::eval::cell::Cell as CodeCell;
use crate::vm::frame::Activation;
use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering::{Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, fence};

/// The state of a thread. The loop's handlers reach it by address, so its fields are cells.
pub struct Thread {
    /// Where the running frame stands: written whenever the loop calls out.
    pub(crate) ip: Cell<*const CodeCell>,
    /// The running frame's registers.
    pub(crate) fp: Cell<*mut u64>,
    /// The running frame's constants.
    pub(crate) k: Cell<*const u64>,
    /// Registers below this belong to a frame that is being dropped while its caller is the running frame already; null
    /// else.
    pub(crate) floor: Cell<*mut u64>,
    /// The end of the registers that may be used; beyond it, more are prepared or the recursion ends.
    /// While somebody traces, nothing may be used: whoever enters a frame takes the slow way.
    /// So it is also while the breaker is set by whoever cannot wait for a backward jump; other threads and handlers of
    /// signals write it too.
    pub(crate) stack_limit: AtomicPtr<u64>,
    /// The end of the registers that are prepared.
    pub(crate) prepared: Cell<*mut u64>,
    pub(crate) stack_start: Cell<*mut u64>,
    pub(crate) stack_end: Cell<*mut u64>,
    /// Calls that may still nest before RecursionError.
    pub(crate) remaining: Cell<i32>,
    recursion_limit: Cell<i32>,
    /// The limit was reached, and the depth has not been below the low-water mark since as far as anybody has looked: some
    /// more calls may nest, every one of which takes the slow way and looks.
    overflowed: Cell<bool>,
    /// Lowest address the native stack may reach; an impossible one while `overflowed`.
    native_limit: Cell<usize>,
    /// Lowest address the native stack may reach.
    native_end: Cell<usize>,
    /// The exception on its way.
    pub(crate) raised: ValueCell,
    /// The exception being handled, innermost first; generators have a level of their own.
    pub(crate) handled: Cell<*const Handled>,
    root_handled: Handled,
    /// The innermost native activation of the loop.
    pub(crate) activation: Cell<*const Activation>,
    /// Something wants attention at the next backward jump or call.
    pub(crate) breaker: AtomicBool,
    /// What `sys.settrace` has set.
    pub(crate) trace_function: ValueCell,
    /// What `sys.setprofile` has set.
    pub(crate) profile_function: ValueCell,
    /// How many trace functions run.
    pub(crate) tracing: Cell<u32>,
    /// Somebody is to be told what happens: one of the functions is set and does not run.
    use_tracing: Cell<bool>,
    /// `sys.set_coroutine_origin_tracking_depth`.
    pub(crate) origin_depth: Cell<i32>,
    /// Tells it from all other threads there ever were.
    serial: Cell<u64>,
    /// `threading.get_ident()`, once it runs.
    ident: AtomicU64,
    /// The context that the thread runs in (`contextvars`), once one is wanted.
    pub(crate) context: ValueCell,
    /// The event loop that runs in it, as `_asyncio` knows.
    pub(crate) event_loop: ValueCell,
    /// The event loop was set before the process was forked.
    pub(crate) event_loop_is_parents: Cell<bool>,
    /// A lock to be freed when it ends.
    sentinel: ValueCell,
}

impl Thread {
    const fn new() -> Thread {
        Thread {
            ip: Cell::new(std::ptr::null()),
            fp: Cell::new(std::ptr::null_mut()),
            k: Cell::new(std::ptr::null()),
            floor: Cell::new(std::ptr::null_mut()),
            stack_limit: AtomicPtr::new(std::ptr::null_mut()),
            prepared: Cell::new(std::ptr::null_mut()),
            stack_start: Cell::new(std::ptr::null_mut()),
            stack_end: Cell::new(std::ptr::null_mut()),
            remaining: Cell::new(1000),
            recursion_limit: Cell::new(1000),
            overflowed: Cell::new(false),
            native_limit: Cell::new(0),
            native_end: Cell::new(0),
            raised: ValueCell::EMPTY,
            handled: Cell::new(std::ptr::null()),
            root_handled: Handled::new(),
            activation: Cell::new(std::ptr::null()),
            breaker: AtomicBool::new(false),
            trace_function: ValueCell::EMPTY,
            profile_function: ValueCell::EMPTY,
            tracing: Cell::new(0),
            use_tracing: Cell::new(false),
            origin_depth: Cell::new(0),
            serial: Cell::new(0),
            ident: AtomicU64::new(0),
            context: ValueCell::EMPTY,
            event_loop: ValueCell::EMPTY,
            event_loop_is_parents: Cell::new(false),
            sentinel: ValueCell::EMPTY,
        }
    }

    /// A thread that is about to be started. It is never freed: whoever looks may hold it.
    pub(crate) fn started() -> &'static Thread {
        let thread: &'static Thread = Box::leak(Box::new(Thread::new()));
        thread.recursion_limit.set(MAIN.get().recursion_limit());
        thread.remaining.set(MAIN.get().recursion_limit());
        thread.serial.set(NEXT_SERIAL.get().replace(NEXT_SERIAL.get().get() + 1));
        STARTED.get().borrow_mut().push(thread);
        thread
    }

    /// A number that no other thread has or had.
    pub(crate) fn serial(&self) -> u64 {
        self.serial.get()
    }

    /// Says that it runs; called on it before it has the GIL.
    pub(crate) fn note_ident(&self) {
        self.ident.store(ident(), Relaxed);
    }

    /// `threading.get_ident()` of it, once it runs.
    pub(crate) fn wait_for_ident(&self) -> u64 {
        loop {
            match self.ident.load(Relaxed) {
                0 => std::thread::yield_now(),
                ident => return ident,
            }
        }
    }

    /// `threading.get_ident()` of it; 0 before it runs.
    pub(crate) fn ident(&self) -> u64 {
        self.ident.load(Relaxed)
    }

    /// The lock to be freed when it ends.
    pub(crate) fn set_sentinel(&self, lock: Option<Value>) {
        self.sentinel.set(lock);
    }

    /// It has run to its end: what it held goes.
    pub(crate) fn retire(&self) {
        STARTED.get().borrow_mut().retain(|thread| !std::ptr::eq(*thread, self));
        drop(self.raised.take());
        drop(self.trace_function.take());
        drop(self.profile_function.take());
        drop(self.context.take());
        drop(self.event_loop.take());
        drop(self.root_handled.exception.take());
        if let Some(lock) = self.sentinel.take() {
            crate::modules::thread::free_lock(&lock);
        }
        let start = self.stack_start.replace(std::ptr::null_mut());
        if !start.is_null() {
            crate::vm::frame::give_registers_back(start, self.stack_end.get());
            self.stack_limit.store(std::ptr::null_mut(), Relaxed);
        }
    }
}

/// One level of the exceptions being handled. As `_PyErr_StackItem`.
pub struct Handled {
    pub(crate) exception: ValueCell,
    pub(crate) previous: Cell<*const Handled>,
}

impl Handled {
    /// A level with no exception.
    pub const fn new() -> Handled {
        Handled { exception: ValueCell::EMPTY, previous: Cell::new(std::ptr::null()) }
    }
}

impl Default for Handled {
    fn default() -> Self {
        Handled::new()
    }
}

static MAIN: GilCell<Thread> = GilCell::new(Thread::new());

/// The thread that holds the GIL.
static CURRENT: AtomicPtr<Thread> = AtomicPtr::new(std::ptr::from_ref(MAIN.get()).cast_mut());

/// The threads that Python code has started and that have not ended.
static STARTED: GilCell<RefCell<Vec<&'static Thread>>> = GilCell::new(RefCell::new(Vec::new()));

/// The number of the next thread.
static NEXT_SERIAL: GilCell<Cell<u64>> = GilCell::new(Cell::new(1));

/// The thread that holds the GIL.
#[inline(always)]
pub fn current() -> &'static Thread {
    // SAFETY: threads are never freed.
    unsafe { &*CURRENT.load(Relaxed) }
}

/// The thread that has just taken the GIL.
pub(crate) fn set_current(thread: &'static Thread) {
    CURRENT.store(std::ptr::from_ref(thread).cast_mut(), Relaxed);
}

/// The thread that the interpreter began with: it handles signals.
pub(crate) fn main() -> &'static Thread {
    MAIN.get()
}

/// Whether the running thread is the one that the interpreter began with.
pub(crate) fn is_main() -> bool {
    std::ptr::eq(current(), MAIN.get())
}

/// In the child of a fork only the running thread is there, which becomes the main one in all but name.
pub(crate) fn forget_others() {
    STARTED.get().borrow_mut().retain(|thread| std::ptr::eq(*thread, current()));
    current().event_loop_is_parents.set(true);
}

/// All threads with Python code.
pub(crate) fn all() -> Vec<&'static Thread> {
    let mut all = vec![main()];
    all.extend(STARTED.get().borrow().iter());
    all
}

/// Visits all threads with Python code, the newest first. Neither allocates nor waits: also for handlers of signals, which may
/// have interrupted a change of the list; they see the main thread alone then.
pub(crate) fn visit_all(mut visit: impl FnMut(&'static Thread)) {
    if let Ok(started) = STARTED.get().try_borrow() {
        started.iter().rev().for_each(|thread| visit(thread));
    }
    visit(main());
}

/// The system's number of the running thread.
pub(crate) fn native_id() -> i64 {
    // SAFETY: no condition.
    unsafe { libc::syscall(libc::SYS_gettid) }
}

/// `threading.get_ident()` of the running thread.
pub fn ident() -> u64 {
    // SAFETY: no condition.
    unsafe { libc::pthread_self() }
}

/// Registers of the main thread, in words: room for the deepest recursion that `sys.setrecursionlimit` can ask for.
const STACK_WORDS: usize = 1 << 27;
/// Those of another thread.
const THREAD_WORDS: usize = 1 << 24;

/// Prepares the thread for running: its registers and native stack bounds. `native_stack` is how many bytes of native
/// stack the caller runs on.
pub(crate) fn prepare(native_stack: usize) {
    let thread = current();
    thread.note_ident();
    thread.handled.set(&thread.root_handled);
    let here = &native_stack as *const usize as usize;
    thread.native_end.set(here.saturating_sub(native_stack.saturating_sub(256 << 10)));
    thread.native_limit.set(thread.native_end.get());
    if thread.stack_start.get().is_null() {
        let words = if is_main() { STACK_WORDS } else { THREAD_WORDS };
        let start = crate::vm::frame::reserve_registers(words);
        thread.stack_start.set(start);
        thread.stack_limit.store(start, Relaxed);
        thread.prepared.set(start);
        // SAFETY: within or just past the reserved words.
        thread.stack_end.set(unsafe { start.add(words) });
    }
}

impl Thread {
    /// `sys.getrecursionlimit()`.
    pub fn recursion_limit(&self) -> i32 {
        self.recursion_limit.get()
    }

    /// Calls nested at present.
    pub fn depth(&self) -> i32 {
        self.recursion_limit.get() + self.grace() - self.remaining.get()
    }

    /// The levels beyond the limit that may be used now.
    fn grace(&self) -> i32 {
        if self.overflowed.get() { GRACE } else { 0 }
    }

    /// `sys.setrecursionlimit(limit)`.
    pub fn set_recursion_limit(&self, limit: i32) {
        for thread in all() {
            let depth = thread.depth();
            thread.recursion_limit.set(limit);
            thread.remaining.set(limit + thread.grace() - depth);
        }
    }

    /// Keeps native activations off the registers below `end` until the floor, whose old value is returned, is set back.
    pub(crate) fn raise_floor(&self, end: *mut u64) -> *mut u64 {
        self.floor.replace(self.floor.get().max(end))
    }

    /// Whether somebody is to be told what happens.
    #[inline]
    pub(crate) fn use_tracing(&self) -> bool {
        self.use_tracing.get()
    }

    /// Says whether somebody is to be told what happens.
    pub(crate) fn set_use_tracing(&self, on: bool) {
        if on {
            crate::types::generator::separate_all(self);
        }
        self.use_tracing.set(on);
        self.settle_stack_limit();
    }

    /// Has the thread attend to whatever is wanted at its next backward jump, call or return of a native function. Safe from
    /// other threads and in handlers of signals.
    pub(crate) fn want_attention(&self) {
        self.breaker.store(true, Relaxed);
        self.stack_limit.store(std::ptr::null_mut(), Release);
    }

    /// Whether one more call may nest, asked where the limit is reached and, after an overflow, of every call. As
    /// `_Py_CheckRecursiveCall`.
    ///
    /// # Errors
    /// `RecursionError` at the limit, about the `place`. Whoever goes on recursing then ends the process, if the
    /// configuration says so.
    #[cold]
    pub(crate) fn check_depth(&self, place: &str) -> PyResult<()> {
        if self.overflowed.get() && self.depth() < low_water_mark(self.recursion_limit.get()) {
            self.set_overflowed(false);
        }
        if self.remaining.get() > 0 {
            return Ok(());
        }
        if self.overflowed.get() {
            faulthandler::fatal("Cannot recover from stack overflow.");
        }
        if config::with(|config| config.abort_on_overflow) {
            self.set_overflowed(true);
        }
        Err(recursion_exceeded(place))
    }

    fn set_overflowed(&self, on: bool) {
        let depth = self.depth();
        self.overflowed.set(on);
        self.remaining.set(self.recursion_limit.get() + self.grace() - depth);
        self.native_limit.set(if on { usize::MAX } else { self.native_end.get() });
        self.settle_stack_limit();
    }

    #[cold]
    fn check_deeper(&self, here: usize, place: &str) -> PyResult<()> {
        if here < self.native_end.get() {
            return Err(recursion_exceeded(place));
        }
        self.check_depth(place)
    }

    /// Says which registers may be used without looking.
    pub(crate) fn settle_stack_limit(&self) {
        let slow = self.use_tracing() || self.overflowed.get();
        self.stack_limit.store(if slow { self.stack_start.get() } else { self.prepared.get() }, Relaxed);
        // Whoever wanted attention meanwhile would be overwritten.
        fence(SeqCst);
        if self.breaker.load(Relaxed) {
            self.stack_limit.store(std::ptr::null_mut(), Relaxed);
        }
    }

    /// Sets the exception on its way.
    pub(crate) fn set_raised(&self, raised: Raised) {
        self.raised.set(Some(raised.into_value()));
    }

    /// The exception being handled: the innermost level that has one.
    pub fn handled_exception(&self) -> Option<Value> {
        let mut level = self.handled.get();
        // SAFETY: levels are linked while their owner runs.
        while let Some(item) = unsafe { level.as_ref() } {
            if let Some(exception) = item.exception.get() {
                return Some(exception);
            }
            level = item.previous.get();
        }
        None
    }

    /// The exception that the innermost level handles.
    pub(crate) fn own_handled(&self) -> Option<Value> {
        // SAFETY: as for handled_exception.
        unsafe { self.handled.get().as_ref() }.and_then(|item| item.exception.get())
    }

    /// Sets the exception that the innermost level handles.
    pub(crate) fn set_handled(&self, exception: Option<Value>) {
        // SAFETY: as for handled_exception.
        if let Some(item) = unsafe { self.handled.get().as_ref() } {
            item.exception.set(exception);
        }
    }
}

/// Levels beyond the limit for handling the overflow.
const GRACE: i32 = 50;

/// Counts a nested call until dropped.
pub struct Depth(());

impl Drop for Depth {
    #[inline]
    fn drop(&mut self) {
        let thread = current();
        thread.remaining.set(thread.remaining.get() + 1);
    }
}

/// Counts a nested call of native code that may run Python code. As `Py_EnterRecursiveCall`.
///
/// # Errors
/// `RecursionError` at the limit, or when the native stack is nearly used up.
#[inline]
pub fn enter_recursion(place: &str) -> PyResult<Depth> {
    let thread = current();
    let remaining = thread.remaining.get();
    let here = &remaining as *const i32 as usize;
    if remaining <= 0 || here < thread.native_limit.get() {
        thread.check_deeper(here, place)?;
    }
    thread.remaining.set(thread.remaining.get() - 1);
    Ok(Depth(()))
}

/// Checks that native code may go deeper.
///
/// # Errors
/// `RecursionError` when the native stack is nearly used up.
#[inline]
pub(crate) fn check_native_stack() -> PyResult<()> {
    let here = 0u8;
    let here = &here as *const u8 as usize;
    let thread = current();
    if here < thread.native_limit.get() && here < thread.native_end.get() {
        return Err(recursion_exceeded(""));
    }
    Ok(())
}

/// The depth below which an overflow of the recursion limit is over.
pub(crate) fn low_water_mark(limit: i32) -> i32 {
    if limit > 200 { limit - GRACE } else { 3 * (limit >> 2) }
}

/// The error at the recursion limit.
#[cold]
pub(crate) fn recursion_exceeded(place: &str) -> Raised {
    recursion_error(format!("maximum recursion depth exceeded{place}"))
}

/// Reports an exception that nobody can handle (`__del__`, weakref callbacks). As `PyErr_WriteUnraisable`.
pub fn report_unraisable(raised: Raised, source: &Value) {
    crate::vm::report::unraisable(raised, source);
}

/// `StopIteration` with an optional value.
pub fn stop_iteration(value: Option<Value>) -> Raised {
    exceptions::stop_iteration(value)
}

/// `__name__` of the globals of the running Python function.
pub fn caller_module_name() -> Option<Value> {
    let globals = crate::vm::frame::current_globals()?;
    globals.downcast::<crate::types::dict::Dict>()?.get_str(name!("__name__"))
}
