//! The module `select`: waiting for descriptors.

mod epoll;
mod poll;
mod system;

pub use epoll::EPOLL;
pub use poll::POLL;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::blocking::{blocking, check_signals};
use crate::object::error::PyResult;
use crate::object::iter;
use crate::object::number;
use crate::object::value::Value;
use crate::types::exceptions::{OS_ERROR, os_error, overflow_error, type_error, value_error};
use crate::types::float::Float;
use crate::types::int;
use crate::types::list::List;
use crate::types::tuple::Tuple;
use std::time::{Duration, Instant};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "select",
    doc: "This module supports asynchronous I/O on multiple file descriptors.\n\n*** IMPORTANT NOTICE ***\nOn Windows, only sockets are supported; on Unix, all file descriptors.",
    functions: &[
        method!(
            select,
            "select($module, rlist, wlist, xlist, timeout=None, /)",
            "Wait until one or more file descriptors are ready for some kind of I/O.\n\nThe first three arguments are iterables of file descriptors to be waited for:\nrlist -- wait until ready for reading\nwlist -- wait until ready for writing\nxlist -- wait for an \"exceptional condition\"\nIf only one kind of condition is required, pass [] for the other lists.\n\nA file descriptor is either a socket or file object, or a small integer\ngotten from a fileno() method call on one of those.\n\nThe optional 4th argument specifies a timeout in seconds; it may be\na floating point number to specify fractions of seconds.  If it is absent\nor None, the call will never time out.\n\nThe return value is a tuple of three lists corresponding to the first three\narguments; each contains the subset of the corresponding file descriptors\nthat are ready.\n\n*** IMPORTANT NOTICE ***\nOn Windows, only sockets are supported; on Unix, all file\ndescriptors can be used."
        ),
        method!(
            poll::new,
            "poll($module, /)",
            "Returns a polling object.\n\nThis object supports registering and unregistering file descriptors, and then\npolling them for I/O events."
        ),
    ],
    fill: |dict| {
        dict.set_text("error", OS_ERROR.value());
        dict.set_text("epoll", EPOLL.value());
        for &(name, value) in CONSTANTS {
            dict.set_text(name, Value::int(value));
        }
        Ok(())
    },
};

const CONSTANTS: &[(&str, i64)] = &[
    ("PIPE_BUF", 4096),
    ("POLLIN", 1),
    ("POLLPRI", 2),
    ("POLLOUT", 4),
    ("POLLERR", 8),
    ("POLLHUP", 16),
    ("POLLNVAL", 32),
    ("POLLRDNORM", 64),
    ("POLLRDBAND", 128),
    ("POLLWRNORM", 256),
    ("POLLWRBAND", 512),
    ("POLLMSG", 1024),
    ("POLLRDHUP", 8192),
    ("EPOLLIN", 1),
    ("EPOLLOUT", 4),
    ("EPOLLPRI", 2),
    ("EPOLLERR", 8),
    ("EPOLLHUP", 16),
    ("EPOLLRDHUP", 8192),
    ("EPOLLET", 2147483648),
    ("EPOLLONESHOT", 1073741824),
    ("EPOLLEXCLUSIVE", 268435456),
    ("EPOLLRDNORM", 64),
    ("EPOLLRDBAND", 128),
    ("EPOLLWRNORM", 256),
    ("EPOLLWRBAND", 512),
    ("EPOLLMSG", 1024),
    ("EPOLL_CLOEXEC", 524288),
];

/// The descriptor of an argument. As `PyObject_AsFileDescriptor`.
pub(crate) fn descriptor(value: &Value) -> PyResult<i32> {
    crate::modules::posix::file_descriptor(value)
}

/// A time to wait, in nanoseconds; `None` for no limit, negative ones included when `negative` says so.
fn nanoseconds(timeout: Option<&Value>, unit: f64, message: &str) -> PyResult<Option<f64>> {
    let Some(timeout) = timeout.filter(|timeout| !timeout.is_none()) else { return Ok(None) };
    let is_number = timeout.is_small_float() || timeout.downcast::<Float>().is_some() || number::is_index(timeout);
    if !is_number {
        return Err(type_error(message));
    }
    if int::is_int(timeout) && int::to_i64(timeout).is_none() {
        return Err(overflow_error("timestamp too large to convert to C _PyTime_t"));
    }
    let units = number::to_f64(timeout)?;
    if units.is_nan() {
        return Err(value_error("Invalid value NaN (not a number)"));
    }
    let nanos = units * unit;
    if nanos.abs() >= 9.223_372_036_854_775e18 {
        return Err(overflow_error("timestamp too large to convert to C _PyTime_t"));
    }
    Ok(Some(nanos))
}

/// What is left of the time until `deadline`, in parts of a second, rounded up.
fn left(deadline: Option<Instant>, parts: u128) -> i64 {
    match deadline {
        Some(deadline) => {
            let nanos = deadline.saturating_duration_since(Instant::now()).as_nanos();
            i64::try_from(nanos.div_ceil(1_000_000_000 / parts)).unwrap_or(i64::MAX)
        }
        None => -1,
    }
}

/// The end of a time that begins now.
fn deadline(nanos: Option<f64>) -> Option<Instant> {
    nanos.and_then(|nanos| Instant::now().checked_add(Duration::from_nanos(nanos.max(0.0).ceil() as u64)))
}

/// Makes a call again and again while signals interrupt it.
fn patiently<T>(mut call: impl FnMut() -> Result<T, i32>) -> PyResult<T> {
    loop {
        match blocking(&mut call) {
            Err(libc::EINTR) => check_signals()?,
            Err(errno) => return Err(os_error::from_errno(errno, None)),
            Ok(done) => return Ok(done),
        }
    }
}

fn watched(objects: &Value) -> PyResult<(Vec<Value>, Vec<i32>)> {
    if objects.downcast::<List>().is_none() && objects.downcast::<Tuple>().is_none() && iter::iter(objects).is_err() {
        return Err(type_error("arguments 1-3 must be sequences"));
    }
    let objects = iter::collect(objects)?;
    let mut fds = Vec::with_capacity(objects.len());
    for object in &objects {
        let fd = descriptor(object)?;
        if fd >= system::SET_SIZE {
            return Err(value_error("filedescriptor out of range in select()"));
        }
        if fds.len() >= system::SET_SIZE as usize {
            return Err(value_error("too many file descriptors in select()"));
        }
        fds.push(fd);
    }
    Ok((objects, fds))
}

fn select(rlist: &Value, wlist: &Value, xlist: &Value, timeout: Option<&Value>) -> PyResult<Value> {
    let nanos = nanoseconds(timeout, 1e9, "timeout must be a float or None")?;
    if nanos.is_some_and(|nanos| nanos < 0.0) {
        return Err(value_error("timeout must be non-negative"));
    }
    let lists = [watched(rlist)?, watched(wlist)?, watched(xlist)?];
    let count = lists.iter().flat_map(|(_, fds)| fds).max().map_or(0, |fd| fd + 1);
    let deadline = deadline(nanos);
    let ready = patiently(|| {
        let mut sets = [system::Set::of(&lists[0].1), system::Set::of(&lists[1].1), system::Set::of(&lists[2].1)];
        let limit = deadline.map(|_| left(deadline, 1_000_000));
        system::select(count, &mut sets, limit).map(|()| sets)
    })?;
    let found = lists.iter().zip(&ready).map(|((objects, fds), set)| {
        let ready = objects.iter().zip(fds).filter(|(_, fd)| set.has(**fd));
        List::from_vec(ready.map(|(object, _)| object.clone()).collect())
    });
    Ok(Tuple::from_vec(found.collect()))
}
