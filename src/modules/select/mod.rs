//! The module `select`: waiting until descriptors are ready, in three ways.

mod epoll;
mod poll;
mod system;

pub use epoll::EPOLL;
pub use poll::POLL;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::blocking::{blocking, check_signals};
use crate::modules::posix::arguments::OpenFile;
use crate::modules::time::to_nanoseconds;
use crate::object::error::{PyResult, Raised};
use crate::object::iter;
use crate::object::native::{At, FromArg};
use crate::object::value::Value;
use crate::types::exceptions::{OS_ERROR, TYPE_ERROR, is_instance, os_error, type_error, value_error};
use crate::types::list::List;
use crate::types::tuple::Tuple;
use std::time::{Duration, Instant};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "select",
    doc: "This module supports asynchronous I/O on multiple file descriptors.\n\n*** IMPORTANT NOTICE ***\nOn Windows, only sockets are supported; on Unix, all file descriptors.",
    functions: &[
        method!(
            poll::new,
            "poll($module, /)",
            "Returns a polling object.\n\nThis object supports registering and unregistering file descriptors, and then\npolling them for I/O events."
        ),
        method!(
            select,
            "select($module, rlist, wlist, xlist, timeout=None, /)",
            "Wait until one or more file descriptors are ready for some kind of I/O.\n\nThe first three arguments are iterables of file descriptors to be waited for:\nrlist -- wait until ready for reading\nwlist -- wait until ready for writing\nxlist -- wait for an \"exceptional condition\"\nIf only one kind of condition is required, pass [] for the other lists.\n\nA file descriptor is either a socket or file object, or a small integer\ngotten from a fileno() method call on one of those.\n\nThe optional 4th argument specifies a timeout in seconds; it may be\na floating point number to specify fractions of seconds.  If it is absent\nor None, the call will never time out.\n\nThe return value is a tuple of three lists corresponding to the first three\narguments; each contains the subset of the corresponding file descriptors\nthat are ready.\n\n*** IMPORTANT NOTICE ***\nOn Windows, only sockets are supported; on Unix, all file\ndescriptors can be used."
        ),
    ],
    fill: |dict| {
        for (name, value) in CONSTANTS {
            dict.set_text(name, Value::int(*value));
        }
        dict.set_text("error", OS_ERROR.value());
        dict.set_text("epoll", EPOLL.value());
        Ok(())
    },
};

const CONSTANTS: &[(&str, i64)] = &[
    ("EPOLLERR", libc::EPOLLERR as i64),
    ("EPOLLET", 1 << 31),
    ("EPOLLEXCLUSIVE", libc::EPOLLEXCLUSIVE as i64),
    ("EPOLLHUP", libc::EPOLLHUP as i64),
    ("EPOLLIN", libc::EPOLLIN as i64),
    ("EPOLLMSG", libc::EPOLLMSG as i64),
    ("EPOLLONESHOT", libc::EPOLLONESHOT as i64),
    ("EPOLLOUT", libc::EPOLLOUT as i64),
    ("EPOLLPRI", libc::EPOLLPRI as i64),
    ("EPOLLRDBAND", libc::EPOLLRDBAND as i64),
    ("EPOLLRDHUP", libc::EPOLLRDHUP as i64),
    ("EPOLLRDNORM", libc::EPOLLRDNORM as i64),
    ("EPOLLWRBAND", libc::EPOLLWRBAND as i64),
    ("EPOLLWRNORM", libc::EPOLLWRNORM as i64),
    ("EPOLL_CLOEXEC", libc::EPOLL_CLOEXEC as i64),
    ("PIPE_BUF", libc::PIPE_BUF as i64),
    ("POLLERR", libc::POLLERR as i64),
    ("POLLHUP", libc::POLLHUP as i64),
    ("POLLIN", libc::POLLIN as i64),
    ("POLLMSG", 0x400),
    ("POLLNVAL", libc::POLLNVAL as i64),
    ("POLLOUT", libc::POLLOUT as i64),
    ("POLLPRI", libc::POLLPRI as i64),
    ("POLLRDBAND", libc::POLLRDBAND as i64),
    ("POLLRDHUP", libc::POLLRDHUP as i64),
    ("POLLRDNORM", libc::POLLRDNORM as i64),
    ("POLLWRBAND", libc::POLLWRBAND as i64),
    ("POLLWRNORM", libc::POLLWRNORM as i64),
];

fn error(errno: i32) -> Raised {
    os_error::from_errno(errno, None)
}

/// A time to wait in nanoseconds; none to wait for ever. What is no number is refused with `message`.
fn timeout(value: Option<&Value>, message: &str) -> PyResult<Option<i64>> {
    match value.filter(|value| !value.is_none()) {
        None => Ok(None),
        Some(value) => match to_nanoseconds(value, f64::ceil) {
            Ok(nanoseconds) => Ok(Some(nanoseconds)),
            Err(raised) if is_instance(&raised, &TYPE_ERROR) => Err(type_error(message)),
            Err(raised) => Err(raised),
        },
    }
}

/// Makes a call that waits, with what is left of the nanoseconds, until no signal interrupts it.
fn wait<T>(patience: Option<i64>, mut call: impl FnMut(Option<i64>) -> Result<T, i32>) -> PyResult<T> {
    let limit = patience.map(|patience| Duration::from_nanos(u64::try_from(patience).unwrap_or(0)));
    let started = Instant::now();
    let mut left = patience;
    loop {
        match blocking(|| call(left)) {
            Ok(done) => return Ok(done),
            Err(libc::EINTR) => check_signals()?,
            Err(errno) => return Err(error(errno)),
        }
        left = limit.map(|limit| i64::try_from(limit.saturating_sub(started.elapsed()).as_nanos()).unwrap_or(i64::MAX));
    }
}

fn select(read: &Value, write: &Value, except: &Value, seconds: Option<&Value>) -> PyResult<Value> {
    let patience = timeout(seconds, "timeout must be a float or None")?;
    if patience.is_some_and(|patience| patience < 0) {
        return Err(value_error("timeout must be non-negative"));
    }
    let mut highest = -1;
    let mut lists = Vec::with_capacity(3);
    for list in [read, write, except] {
        let items = match iter::collect(list) {
            Err(raised) if is_instance(&raised, &TYPE_ERROR) => {
                return Err(type_error("arguments 1-3 must be sequences"));
            }
            items => items?,
        };
        let mut entries = Vec::with_capacity(items.len());
        for item in items {
            let fd = descriptor(&item)?;
            if fd >= system::SET_SIZE {
                return Err(value_error("filedescriptor out of range in select()"));
            }
            highest = highest.max(fd);
            entries.push((fd, item));
        }
        lists.push(entries);
    }
    let wanted = |index: usize| {
        system::Set::of(lists.get(index).into_iter().flatten().map(|(fd, _)| *fd).collect::<Vec<_>>().into_iter())
    };
    let wanted = [wanted(0), wanted(1), wanted(2)];
    let mut sets = wanted;
    wait(patience, |left| {
        sets = wanted;
        system::select(highest + 1, &mut sets, left)
    })?;
    let ready = lists.iter().zip(&sets).map(|(list, set)| {
        let ready = list.iter().filter(|(fd, _)| set.contains(*fd)).map(|(_, item)| item.clone());
        List::from_vec(ready.collect())
    });
    Ok(Tuple::from_vec(ready.collect()))
}

/// The descriptor of an object that has one.
fn descriptor(value: &Value) -> PyResult<i32> {
    static FUNCTION: crate::object::native::Function =
        crate::object::native::Function::new("select(fd, /)", "", crate::object::native::thunk(|_: &Value| ()));
    OpenFile::from_arg(value, At::new(&FUNCTION, 0)).map(|file| file.0)
}

/// Nanoseconds as the milliseconds of a call, rounded up; -1 to wait for ever.
fn milliseconds(nanoseconds: Option<i64>) -> Option<i32> {
    match nanoseconds {
        None => Some(-1),
        Some(negative) if negative < 0 => Some(-1),
        Some(nanoseconds) => i32::try_from(nanoseconds / 1_000_000 + i64::from(nanoseconds % 1_000_000 > 0)).ok(),
    }
}

/// Shows pairs of numbers.
fn pairs(pairs: impl Iterator<Item = (i64, i64)>) -> Value {
    List::from_vec(pairs.map(|(fd, events)| Tuple::from_array([Value::int(fd), Value::int(events)])).collect())
}
