//! `select.poll` objects.

use super::{descriptor, error, milliseconds, pairs, system, timeout, wait};
use crate::method;
use crate::modules::posix::arguments::OpenFile;
use crate::modules::time::to_nanoseconds;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, attribute, number};
use crate::types::exceptions::{key_error, overflow_error, runtime_error, type_error, value_error};
use crate::types::int;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// The body of a poll object.
#[repr(C)]
pub struct Poll {
    header: Header,
    wanted: RefCell<BTreeMap<i32, u16>>,
    running: Cell<bool>,
}

payload!(Poll, POLL);

/// The type object of poll objects.
pub static POLL: TypeObject = TypeObject::define::<Poll>("select.poll")
    .slots(Slots { getattr: Some(attribute::generic_get), ..Slots::EMPTY })
    .methods(&[
        method!(register, "register($self, fd,\n         eventmask=select.POLLIN | select.POLLPRI | select.POLLOUT, /)", "Register a file descriptor with the polling object.\n\n  fd\n    either an integer, or an object with a fileno() method returning an int\n  eventmask\n    an optional bitmask describing the type of events to check for"),
        method!(modify, "modify($self, fd, eventmask, /)", "Modify an already registered file descriptor.\n\n  fd\n    either an integer, or an object with a fileno() method returning\n    an int\n  eventmask\n    a bitmask describing the type of events to check for"),
        method!(unregister, "unregister($self, fd, /)", "Remove a file descriptor being tracked by the polling object."),
        method!(poll, "poll($self, timeout=None, /)", "Polls the set of registered file descriptors.\n\nReturns a list containing any descriptors that have events or errors to\nreport, as a list of (fd, event) 2-tuples."),
    ]);

pub(super) fn new() -> Value {
    new_object(Poll { header: Header::new(&POLL), wanted: RefCell::default(), running: Cell::new(false) })
}

/// A mask of events. As `_PyLong_UnsignedShort_Converter`.
fn mask(value: &Value) -> PyResult<u16> {
    if !int::is_int(value) {
        return Err(type_error("an integer is required"));
    }
    if int::is_negative(value) {
        return Err(value_error("value must be positive"));
    }
    match number::index_to_i64(value)? {
        Some(mask) => u16::try_from(mask).map_err(|_| overflow_error("Python int too large for C unsigned short")),
        None => Err(overflow_error("Python int too large to convert to C unsigned long")),
    }
}

fn register(this: &Poll, fd: OpenFile, events: Option<&Value>) -> PyResult<()> {
    let events = events.map_or(Ok((libc::POLLIN | libc::POLLPRI | libc::POLLOUT).cast_unsigned()), mask)?;
    this.wanted.borrow_mut().insert(fd.0, events);
    Ok(())
}

fn modify(this: &Poll, fd: OpenFile, events: &Value) -> PyResult<()> {
    let events = mask(events)?;
    match this.wanted.borrow_mut().get_mut(&fd.0) {
        Some(wanted) => *wanted = events,
        None => return Err(error(libc::ENOENT)),
    }
    Ok(())
}

fn unregister(this: &Poll, fd: &Value) -> PyResult<()> {
    let fd = descriptor(fd)?;
    let removed = this.wanted.borrow_mut().remove(&fd);
    removed.map(drop).ok_or_else(|| key_error(&Value::int(fd.into())))
}

fn poll(this: &Poll, time: Option<&Value>) -> PyResult<Value> {
    // The argument is in milliseconds: what is no number, or too large, is seen with it as it is.
    let message = "timeout must be an integer or None";
    let patience = match (timeout(time, message)?, time) {
        (Some(_), Some(time)) => Some(match int::to_i64(time) {
            Some(exact) => exact.saturating_mul(1_000_000),
            None => to_nanoseconds(&Value::float(number::to_f64(time)? / 1000.0), f64::ceil)?,
        }),
        _ => None,
    };
    let Some(_fits) = milliseconds(patience) else { return Err(overflow_error("timeout is too large")) };
    let patience = patience.filter(|patience| *patience >= 0);
    if this.running.replace(true) {
        return Err(runtime_error("concurrent poll() invocation"));
    }
    let mut fds: Vec<libc::pollfd> = this
        .wanted
        .borrow()
        .iter()
        .map(|(&fd, &events)| libc::pollfd { fd, events: events.cast_signed(), revents: 0 })
        .collect();
    let done = wait(patience, |left| system::poll(&mut fds, milliseconds(left).unwrap_or(i32::MAX)));
    this.running.set(false);
    done?;
    let ready = fds.iter().filter(|fd| fd.revents != 0);
    Ok(pairs(ready.map(|fd| (fd.fd.into(), fd.revents.cast_unsigned().into()))))
}
