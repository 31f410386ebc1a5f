//! The module `_tracemalloc`: where memory was allocated.
//!
//! What is traced: the blocks of objects, and with [`Pools`](crate::object::pool::Pools) as the program's allocator (as
//! `pycvm` has it; an embedding program decides for itself) all others that a thread with the GIL allocates, such as the
//! items of lists and the tables of dicts, but not translated bytecode, which CPython has no like of. An object's size is
//! what CPython allocates for it (what `sys.getsizeof` says, where CPython's object is one block); that of an int, of a
//! class, of an instance with attributes and of everything else is the block's own, of small blocks a multiple of 16
//! bytes. Numbers that are no objects (ints below 2**62, most floats) are allocated nowhere. All blocks are in domain 0.
//!
//! `get_tracemalloc_memory` counts all that is kept for the traces; nothing is while nobody traces.

use crate::method;
use crate::modules::ModuleDef;
use crate::object::alloc_trace::{self, MOST_FRAMES};
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::exceptions::value_error;
use crate::types::list::List;
use crate::types::str::intern;
use crate::types::tuple::Tuple;
use std::collections::HashMap;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_tracemalloc",
    doc: "Debug module to trace memory blocks allocated by Python.",
    functions: &[
        method!(
            is_tracing,
            "is_tracing($module, /)",
            "Return True if the tracemalloc module is tracing Python memory allocations."
        ),
        method!(clear_traces, "clear_traces($module, /)", "Clear traces of memory blocks allocated by Python."),
        method!(
            get_traces,
            "_get_traces($module, /)",
            "Get traces of all memory blocks allocated by Python.\n\nReturn a list of (size: int, traceback: tuple) tuples.\ntraceback is a tuple of (filename: str, lineno: int) tuples.\n\nReturn an empty list if the tracemalloc module is disabled."
        ),
        method!(
            get_object_traceback,
            "_get_object_traceback($module, obj, /)",
            "Get the traceback where the Python object obj was allocated.\n\nReturn a tuple of (filename: str, lineno: int) tuples.\nReturn None if the tracemalloc module is disabled or did not\ntrace the allocation of the object."
        ),
        method!(
            start,
            "start($module, nframe=1, /)",
            "Start tracing Python memory allocations.\n\nAlso set the maximum number of frames stored in the traceback of a\ntrace to nframe."
        ),
        method!(
            stop,
            "stop($module, /)",
            "Stop tracing Python memory allocations.\n\nAlso clear traces of memory blocks allocated by Python."
        ),
        method!(
            get_traceback_limit,
            "get_traceback_limit($module, /)",
            "Get the maximum number of frames stored in the traceback of a trace.\n\nBy default, a trace of an allocated memory block only stores\nthe most recent frame: the limit is 1."
        ),
        method!(
            get_tracemalloc_memory,
            "get_tracemalloc_memory($module, /)",
            "Get the memory usage in bytes of the tracemalloc module.\n\nThis memory is used internally to trace memory allocations."
        ),
        method!(
            get_traced_memory,
            "get_traced_memory($module, /)",
            "Get the current size and peak size of memory blocks traced by tracemalloc.\n\nReturns a tuple: (current: int, peak: int)."
        ),
    ],
    fill: |_| Ok(()),
};

fn is_tracing() -> bool {
    alloc_trace::is_on()
}

fn clear_traces() {
    if alloc_trace::is_on() {
        alloc_trace::clear();
    }
}

/// A traceback as the program sees it.
fn tuple_of<'a>(frames: impl Iterator<Item = (Option<&'a Value>, u32)>) -> Value {
    let frame = |(file, line): (Option<&Value>, u32)| {
        let file = file.cloned().unwrap_or_else(|| intern("<unknown>"));
        Tuple::from_vec(vec![file, Value::int(line.into())])
    };
    Tuple::from_vec(frames.map(frame).collect())
}

fn get_traces() -> Value {
    if !alloc_trace::is_on() {
        return List::from_vec(Vec::new());
    }
    let snapshot = alloc_trace::snapshot();
    alloc_trace::untraced(|| {
        // Each traceback is one tuple.
        let mut tracebacks = HashMap::new();
        let traces = snapshot.traces.iter().map(|&(size, number)| {
            let traceback = tracebacks.entry(number).or_insert_with(|| tuple_of(snapshot.traceback(number)));
            Tuple::from_vec(vec![Value::int(0), Value::int(size as i64), traceback.clone()])
        });
        List::from_vec(traces.collect())
    })
}

fn get_object_traceback(obj: &Value) -> Value {
    match alloc_trace::traceback_of(obj) {
        Some(frames) => tuple_of(frames.iter().map(|(file, line)| (file.as_ref(), *line))),
        None => Value::NONE,
    }
}

/// `start(nframe=1)`.
///
/// # Errors
/// `ValueError` for a number of frames that no traceback can have.
pub(crate) fn start(nframe: Option<i32>) -> PyResult<()> {
    match nframe.unwrap_or(1) {
        limit @ 1..=MOST_FRAMES => {
            alloc_trace::start(limit);
            Ok(())
        }
        _ => Err(value_error(format!("the number of frames must be in range [1; {MOST_FRAMES}]"))),
    }
}

fn stop() {
    alloc_trace::stop();
}

fn get_traceback_limit() -> i64 {
    alloc_trace::limit().into()
}

fn get_tracemalloc_memory() -> usize {
    alloc_trace::own_memory()
}

fn get_traced_memory() -> Value {
    let (current, peak) = if alloc_trace::is_on() { alloc_trace::traced_memory() } else { (0, 0) };
    Tuple::from_vec(vec![Value::int(current as i64), Value::int(peak as i64)])
}
