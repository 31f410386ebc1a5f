//! The module `_queue`: queues that threads share without Python code in between.

use crate::gc::Visit;
use crate::method;
use crate::modules::ModuleDef;
use crate::modules::thread::RawLock;
use crate::object::arguments::keyword_count;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_deque::ValueDeque;
use crate::object::{TypeFlags, TypeObject, number};
use crate::types::exceptions::{EXCEPTION, ModuleException, overflow_error, type_error, value_error};
use crate::types::float::Float;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_queue",
    doc: "C implementation of the Python queue module.\nThis module is an implementation detail, please do not use it directly.",
    functions: &[],
    fill: |dict| {
        dict.set_text("Empty", EMPTY.class()?);
        dict.set_text("SimpleQueue", SIMPLE_QUEUE.value());
        Ok(())
    },
};

static EMPTY: ModuleException = ModuleException::new("_queue", "Empty", &[&EXCEPTION])
    .with_doc("Exception raised by Queue.get(block=0)/get_nowait().");

/// The body of a queue.
#[repr(C)]
pub struct SimpleQueue {
    header: Header,
    items: ValueDeque,
    /// Taken by whoever finds the queue empty; what is put frees it.
    lock: RawLock,
    is_locked: Cell<bool>,
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
    .slots(Slots {
        new: Some(|class, args, kwnames| {
            let ty = class.downcast::<TypeObject>().ok_or_else(|| type_error("expected a type"))?;
            let named = keyword_count(kwnames);
            if std::ptr::eq(ty, &SIMPLE_QUEUE) && !args.is_empty() {
                let what = if args.len() > named { "positional" } else { "keyword" };
                return Err(type_error(format!("SimpleQueue() takes no {what} arguments")));
            }
            Ok(new_instance(
                ty,
                SimpleQueue {
                    header: Header::new(ty),
                    items: ValueDeque::new(),
                    lock: RawLock::default(),
                    is_locked: Cell::new(false),
                },
            ))
        }),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(|this: &SimpleQueue| this.items.is_empty(), "empty($self, /)", "Return True if the queue is empty, False otherwise (not reliable!)."),
        method!(get, "get($self, /, block=True, timeout=None)", "Remove and return an item from the queue.\n\nIf optional args 'block' is true and 'timeout' is None (the default),\nblock if necessary until an item is available. If 'timeout' is\na non-negative number, it blocks at most 'timeout' seconds and raises\nthe Empty exception if no item was available within that time.\nOtherwise ('block' is false), return an item if one is immediately\navailable, else raise the Empty exception ('timeout' is ignored\nin that case)."),
        method!(|this: &SimpleQueue| this.get(Patience::None), "get_nowait($self, /)", "Remove and return an item from the queue without blocking.\n\nOnly get an item if one is immediately available. Otherwise\nraise the Empty exception."),
        method!(
            |this: &SimpleQueue, item: &Value, _block: Option<bool>, _timeout: Option<&Value>| this.put(item),
            "put($self, /, item, block=True, timeout=None)", "Put the item on the queue.\n\nThe optional 'block' and 'timeout' arguments are ignored, as this method\nnever blocks.  They are provided for compatibility with the Queue class."
        ),
        method!(|this: &SimpleQueue, item: &Value| this.put(item), "put_nowait($self, /, item)", "Put an item into the queue without blocking.\n\nThis is exactly equivalent to `put(item)` and is only provided\nfor compatibility with the Queue class."),
        method!(|this: &SimpleQueue| this.items.len(), "qsize($self, /)", "Return the approximate size of the queue (not reliable!)."),
    ])
    .doc("Simple, unbounded, reentrant FIFO queue.");

/// How long a thread waits for an item.
enum Patience {
    None,
    Until(Instant),
    Forever,
}

impl SimpleQueue {
    fn unlock(&self) {
        if self.is_locked.replace(false) {
            self.lock.free();
        }
    }

    fn put(&self, item: &Value) {
        self.items.push_back(item.clone());
        self.unlock();
    }

    fn get(&self, patience: Patience) -> PyResult<Value> {
        loop {
            if let Some(item) = self.items.pop_front() {
                self.unlock();
                return Ok(item);
            }
            let taken = match patience {
                Patience::None => self.lock.try_take(),
                Patience::Until(deadline) => self.lock.take(Some(deadline))?,
                Patience::Forever => self.lock.take(None)?,
            };
            if !taken {
                return Err(EMPTY.raise(&[]));
            }
            self.is_locked.set(true);
        }
    }
}

fn get(this: &SimpleQueue, block: Option<bool>, timeout: Option<&Value>) -> PyResult<Value> {
    if block == Some(false) {
        return this.get(Patience::None);
    }
    let Some(timeout) = timeout.filter(|timeout| !timeout.is_none()) else { return this.get(Patience::Forever) };
    if !timeout.is_small_float() && timeout.downcast::<Float>().is_none() && !number::is_index(timeout) {
        return Err(type_error(format!("an integer is required (got type {})", timeout.ty().name())));
    }
    let seconds = number::to_f64(timeout)?;
    if seconds.is_nan() {
        return Err(value_error("Invalid value NaN (not a number)"));
    }
    if seconds.abs() >= 9_223_372_036.854_775 {
        return Err(overflow_error("timestamp too large to convert to C _PyTime_t"));
    }
    if seconds < 0.0 {
        return Err(value_error("'timeout' must be a non-negative number"));
    }
    let deadline = Instant::now().checked_add(Duration::from_secs_f64(seconds));
    this.get(Patience::Until(deadline.ok_or_else(|| overflow_error("timeout value is too large"))?))
}
