//! Polling objects.

use super::{deadline, descriptor, left, nanoseconds, patiently, system};
use crate::method;
use crate::object::TypeObject;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::value::{Value, payload};
use crate::types::exceptions::{key_error, os_error, overflow_error, runtime_error, type_error, value_error};
use crate::types::int::{self, Num};
use crate::types::list::List;
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// The body of a polling object.
#[repr(C)]
pub struct Poll {
    header: Header,
    /// Descriptors and the events they are watched for, in the order of registration.
    watched: Cell<Vec<(i32, u16)>>,
    is_running: Cell<bool>,
}

payload!(Poll, POLL);

/// The type object of polling objects.
pub static POLL: TypeObject = TypeObject::define::<Poll>("select.poll")
    .methods(&[
        method!(register, "register($self, fd,\n         eventmask=select.POLLIN | select.POLLPRI | select.POLLOUT, /)", "Register a file descriptor with the polling object.\n\n  fd\n    either an integer, or an object with a fileno() method returning an int\n  eventmask\n    an optional bitmask describing the type of events to check for"),
        method!(modify, "modify($self, fd, eventmask, /)", "Modify an already registered file descriptor.\n\n  fd\n    either an integer, or an object with a fileno() method returning\n    an int\n  eventmask\n    a bitmask describing the type of events to check for"),
        method!(unregister, "unregister($self, fd, /)", "Remove a file descriptor being tracked by the polling object."),
        method!(poll, "poll($self, timeout=None, /)", "Polls the set of registered file descriptors.\n\nReturns a list containing any descriptors that have events or errors to\nreport, as a list of (fd, event) 2-tuples."),
    ]);

/// What `select.poll()` gives.
pub(super) fn new() -> Value {
    let watched = Cell::new(Vec::new());
    new_object(Poll { header: Header::new(&POLL), watched, is_running: Cell::new(false) })
}

impl Poll {
    fn change<R>(&self, change: impl FnOnce(&mut Vec<(i32, u16)>) -> R) -> R {
        let mut watched = self.watched.take();
        let result = change(&mut watched);
        self.watched.set(watched);
        result
    }
}

/// As `_PyLong_UnsignedShort_Converter`.
fn events(value: &Value) -> PyResult<u16> {
    match int::num(value) {
        None => Err(type_error("an integer is required")),
        Some(number) if number.is_negative() => Err(value_error("value must be positive")),
        Some(Num::Small(small)) => {
            u16::try_from(small).map_err(|_| overflow_error("Python int too large for C unsigned short"))
        }
        Some(Num::Big(_)) => Err(overflow_error("Python int too large to convert to C unsigned long")),
    }
}

fn set(this: &Poll, fd: i32, mask: u16) {
    this.change(|watched| match watched.iter_mut().find(|entry| entry.0 == fd) {
        Some(entry) => entry.1 = mask,
        None => watched.push((fd, mask)),
    });
}

fn register(this: &Poll, fd: &Value, eventmask: Option<&Value>) -> PyResult<()> {
    let fd = descriptor(fd)?;
    let default = (libc::POLLIN | libc::POLLPRI | libc::POLLOUT) as u16;
    set(this, fd, eventmask.map_or(Ok(default), events)?);
    Ok(())
}

fn modify(this: &Poll, fd: &Value, eventmask: &Value) -> PyResult<()> {
    let fd = descriptor(fd)?;
    let mask = events(eventmask)?;
    if !this.change(|watched| watched.iter().any(|entry| entry.0 == fd)) {
        return Err(os_error::from_errno(libc::ENOENT, None));
    }
    set(this, fd, mask);
    Ok(())
}

fn unregister(this: &Poll, fd: &Value) -> PyResult<()> {
    let fd = descriptor(fd)?;
    let found = this.change(|watched| {
        let at = watched.iter().position(|entry| entry.0 == fd);
        at.map(|at| watched.remove(at))
    });
    if found.is_some() { Ok(()) } else { Err(key_error(&Value::int(fd.into()))) }
}

fn poll(this: &Poll, timeout: Option<&Value>) -> PyResult<Value> {
    let nanos = nanoseconds(timeout, 1e6, "timeout must be an integer or None")?;
    if nanos.is_some_and(|nanos| nanos / 1e6 > f64::from(i32::MAX)) {
        return Err(overflow_error("timeout is too large"));
    }
    let deadline = deadline(nanos.filter(|&nanos| nanos >= 0.0));
    if this.is_running.replace(true) {
        return Err(runtime_error("concurrent poll() invocation"));
    }
    let mut entries: Vec<libc::pollfd> = this.change(|watched| {
        watched.iter().map(|&(fd, events)| libc::pollfd { fd, events: events as i16, revents: 0 }).collect()
    });
    let result = patiently(|| system::poll(&mut entries, i32::try_from(left(deadline, 1000)).unwrap_or(i32::MAX)));
    this.is_running.set(false);
    result?;
    let ready = entries.iter().filter(|entry| entry.revents != 0);
    let pairs = ready.map(|entry| {
        let events = entry.revents as u16;
        Tuple::from_array([Value::int(entry.fd.into()), Value::int(events.into())])
    });
    Ok(List::from_vec(pairs.collect()))
}
