//! The module `_queue`: the queue between threads that holds any number of items.

use crate::gc::Visit;
use crate::method;
use crate::modules::ModuleDef;
use crate::modules::blocking::{blocking, check_signals};
use crate::modules::time::to_nanoseconds;
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::header::{Header, new_instance};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_deque::ValueDeque;
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, attribute, call};
use crate::types::dict::Dict;
use crate::types::exceptions::{EXCEPTION, runtime_error, type_error, value_error};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::type_::TYPE;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_queue",
    doc: "C implementation of the Python queue module.\nThis module is an implementation detail, please do not use it directly.",
    functions: &[],
    fill,
};

/// `Empty`.
static EMPTY: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);

fn fill(dict: &Dict) -> PyResult<()> {
    let namespace = Dict::new_value();
    if let Some(namespace) = namespace.exact::<Dict>() {
        namespace.set_text("__doc__", Str::new_value("Exception raised by Queue.get(block=0)/get_nowait()."));
        namespace.set_text("__module__", Str::new_value("_queue"));
    }
    let bases = Tuple::from_vec(vec![EXCEPTION.value()]);
    let empty = call::call(&TYPE.value(), &[Str::new_value("Empty"), bases, namespace])?;
    EMPTY.get().set(Some(empty.clone()));
    dict.set_text("Empty", empty);
    dict.set_text("SimpleQueue", SIMPLE_QUEUE.value());
    Ok(())
}

fn empty_error() -> Raised {
    match EMPTY.get().get().map(|class| call::call(&class, &[])) {
        Some(Ok(exception)) => Raised::new(exception),
        Some(Err(raised)) => raised,
        None => runtime_error("the module _queue is not there"),
    }
}

/// Counts what was put, so that who waits without the GIL sees that there was something.
#[derive(Default)]
struct Bell {
    rings: Mutex<u64>,
    rung: Condvar,
}

impl Bell {
    fn count(&self) -> u64 {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.rung.notify_all();
    }

    /// Waits until it has rung since `seen`, or for as long as `patience`.
    fn wait(&self, seen: u64, patience: Duration) {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.rung.wait_timeout_while(rings, patience, |rings| *rings == seen));
    }
}

/// The longest wait before a look whether a signal has arrived.
const LOOK: Duration = Duration::from_millis(20);

/// The body of a simple queue.
#[repr(C)]
pub struct SimpleQueue {
    header: Header,
    items: ValueDeque,
    bell: Arc<Bell>,
}

payload!(SimpleQueue, SIMPLE_QUEUE, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.items.for_each(visit);
    }
    fn clear_references(&self) {
        drop(self.items.take());
    }
});

/// The type object of simple queues.
pub static SIMPLE_QUEUE: TypeObject = TypeObject::define::<SimpleQueue>("_queue.SimpleQueue")
    .flags(TypeFlags::BASE)
    .with_weakrefs()
    .doc("Simple, unbounded, reentrant FIFO queue.")
    .slots(Slots {
        new: Some(|class, args, kwnames| {
            let ty = class.downcast::<TypeObject>().unwrap_or(&SIMPLE_QUEUE);
            if std::ptr::eq(ty, &SIMPLE_QUEUE) {
                let named = kwnames.and_then(|names| names.exact::<Tuple>()).map_or(0, Tuple::len);
                if named > 0 {
                    return Err(type_error("SimpleQueue() takes no keyword arguments"));
                }
                if !args.is_empty() {
                    return Err(type_error("SimpleQueue() takes no positional arguments"));
                }
            }
            let (items, bell) = (ValueDeque::default(), Arc::default());
            Ok(new_instance(ty, SimpleQueue { header: Header::new(ty), items, bell }))
        }),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(empty, "empty($self, /)", "Return True if the queue is empty, False otherwise (not reliable!)."),
        method!(get, "get($self, /, block=True, timeout=None)", "Remove and return an item from the queue.\n\nIf optional args 'block' is true and 'timeout' is None (the default),\nblock if necessary until an item is available. If 'timeout' is\na non-negative number, it blocks at most 'timeout' seconds and raises\nthe Empty exception if no item was available within that time.\nOtherwise ('block' is false), return an item if one is immediately\navailable, else raise the Empty exception ('timeout' is ignored\nin that case)."),
        method!(get_nowait, "get_nowait($self, /)", "Remove and return an item from the queue without blocking.\n\nOnly get an item if one is immediately available. Otherwise\nraise the Empty exception."),
        method!(put, "put($self, /, item, block=True, timeout=None)", "Put the item on the queue.\n\nThe optional 'block' and 'timeout' arguments are ignored, as this method\nnever blocks.  They are provided for compatibility with the Queue class."),
        method!(put_nowait, "put_nowait($self, /, item)", "Put an item into the queue without blocking.\n\nThis is exactly equivalent to `put(item)` and is only provided\nfor compatibility with the Queue class."),
        method!(qsize, "qsize($self, /)", "Return the approximate size of the queue (not reliable!)."),
    ]);

fn empty(this: &SimpleQueue) -> bool {
    this.items.is_empty()
}

fn qsize(this: &SimpleQueue) -> usize {
    this.items.len()
}

fn put_nowait(this: &SimpleQueue, item: &Value) {
    this.items.push_back(item.clone());
    this.bell.ring();
}

fn put(this: &SimpleQueue, item: &Value, _block: Option<bool>, _timeout: Option<&Value>) {
    put_nowait(this, item);
}

fn get_nowait(this: &SimpleQueue) -> PyResult<Value> {
    this.items.pop_front().ok_or_else(empty_error)
}

fn get(this: &SimpleQueue, block: Option<bool>, timeout: Option<&Value>) -> PyResult<Value> {
    if block == Some(false) {
        return get_nowait(this);
    }
    let deadline = timeout.filter(|timeout| !timeout.is_none()).map(deadline).transpose()?.flatten();
    loop {
        let seen = this.bell.count();
        if let Some(item) = this.items.pop_front() {
            return Ok(item);
        }
        let left = deadline.map_or(LOOK, |deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return Err(empty_error());
        }
        let bell = this.bell.clone();
        blocking(move || bell.wait(seen, left.min(LOOK)));
        check_signals()?;
    }
}

/// When a wait ends; none for one that is longer than any clock shows.
fn deadline(timeout: &Value) -> PyResult<Option<Instant>> {
    let nanoseconds = to_nanoseconds(timeout, f64::ceil)?;
    match u64::try_from(nanoseconds) {
        Ok(nanoseconds) => Ok(Instant::now().checked_add(Duration::from_nanos(nanoseconds))),
        Err(_) => Err(value_error("'timeout' must be a non-negative number")),
    }
}
