//! Epoll objects.

use super::{deadline, descriptor, left, nanoseconds, patiently, system};
use crate::method;
use crate::modules::binascii::word;
use crate::modules::posix::system::close;
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, GetSet, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, attribute};
use crate::types::exceptions::{OS_ERROR, os_error, overflow_error, raise, value_error};
use crate::types::list::List;
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// The body of an epoll object.
#[repr(C)]
pub struct Epoll {
    header: Header,
    /// Negative when it is closed.
    fd: Cell<i32>,
}

payload!(Epoll, EPOLL);

impl Drop for Epoll {
    fn drop(&mut self) {
        self.shut();
    }
}

/// The type object of epoll objects.
pub static EPOLL: TypeObject = TypeObject::define::<Epoll>("select.epoll")
    .slots(Slots {
        new: Some(|_, args, kwnames| NEW.call(args, kwnames)),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(class from_fd, "fromfd($type, fd, /)", "Create an epoll object from a given control fd."),
        method!(|this: &Epoll| this.shut(), "close($self, /)", "Close the epoll control file descriptor.\n\nFurther operations on the epoll object will raise an exception."),
        method!(|this: &Epoll| this.open().map(i64::from), "fileno($self, /)", "Return the epoll control file descriptor."),
        method!(modify, "modify($self, /, fd, eventmask)", "Modify event mask for a registered file descriptor.\n\n  fd\n    the target file descriptor of the operation\n  eventmask\n    a bit set composed of the various EPOLL constants"),
        method!(register, "register($self, /, fd,\n         eventmask=select.EPOLLIN | select.EPOLLPRI | select.EPOLLOUT)", "Registers a new fd or raises an OSError if the fd is already registered.\n\n  fd\n    the target file descriptor of the operation\n  eventmask\n    a bit set composed of the various EPOLL constants\n\nThe epoll interface supports all file descriptors that support poll."),
        method!(unregister, "unregister($self, /, fd)", "Remove a registered file descriptor from the epoll object.\n\n  fd\n    the target file descriptor of the operation"),
        method!(poll, "poll($self, /, timeout=None, maxevents=-1)", "Wait for events on the epoll file descriptor.\n\n  timeout\n    the maximum time to wait in seconds (as float);\n    a timeout of None or -1 makes poll wait indefinitely\n  maxevents\n    the maximum number of events returned; -1 means no limit\n\nReturns a list containing any descriptors that have events to report,\nas a list of (fd, events) 2-tuples."),
        method!(enter, "__enter__($self, /)", ""),
        method!(exit, "__exit__($self, exc_type=None, exc_value=None, exc_tb=None, /)", ""),
    ])
    .getset(&[GetSet::read_only("closed", |this| {
        Ok(Value::bool(this.downcast::<Epoll>().is_none_or(|epoll| epoll.fd.get() < 0)))
    })
    .with_doc("True if the epoll handler is closed")])
    .doc("Returns an epolling object.\n\n  sizehint\n    The expected number of events to be registered.  It must be positive,\n    or -1 to use the default.  It is only used on older systems where\n    epoll_create1() is not available; otherwise it has no effect (though its\n    value is still checked).\n  flags\n    Deprecated and completely ignored.  However, when supplied, its value\n    must be 0 or select.EPOLL_CLOEXEC, otherwise OSError is raised.");

static NEW: Function = Function::new("epoll(sizehint=-1, flags=0)", "", thunk(new));

fn new(sizehint: Option<i32>, flags: Option<i32>) -> PyResult<Value> {
    if sizehint.is_some_and(|size| size <= 0 && size != -1) {
        return Err(value_error("negative sizehint"));
    }
    if flags.is_some_and(|flags| flags != 0 && flags != libc::EPOLL_CLOEXEC) {
        return Err(raise(&OS_ERROR, "invalid flags"));
    }
    let fd = system::epoll_create().map_err(|errno| os_error::from_errno(errno, None))?;
    Ok(new_instance(&EPOLL, Epoll { header: Header::new(&EPOLL), fd: Cell::new(fd) }))
}

fn from_fd(_class: &Value, fd: i32) -> Value {
    new_instance(&EPOLL, Epoll { header: Header::new(&EPOLL), fd: Cell::new(fd) })
}

impl Epoll {
    /// As CPython, which says nothing when the system fails to close it.
    fn shut(&self) {
        let fd = self.fd.replace(-1);
        if fd >= 0 {
            let _untold = close(fd);
        }
    }

    fn open(&self) -> PyResult<i32> {
        match self.fd.get() {
            fd if fd < 0 => Err(value_error("I/O operation on closed epoll object")),
            fd => Ok(fd),
        }
    }
}

fn failed(errno: i32) -> Raised {
    os_error::from_errno(errno, None)
}

/// A C `unsigned int`.
fn events(value: &Value) -> PyResult<u32> {
    word(value)
}

fn modify(this: &Epoll, fd: &Value, eventmask: &Value) -> PyResult<()> {
    let epoll = this.open()?;
    system::epoll_ctl(epoll, libc::EPOLL_CTL_MOD, descriptor(fd)?, events(eventmask)?).map_err(failed)
}

fn register(this: &Epoll, fd: &Value, eventmask: Option<&Value>) -> PyResult<()> {
    let epoll = this.open()?;
    let default = (libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLOUT) as u32;
    let events = eventmask.map_or(Ok(default), events)?;
    system::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, descriptor(fd)?, events).map_err(failed)
}

fn unregister(this: &Epoll, fd: &Value) -> PyResult<()> {
    let epoll = this.open()?;
    match system::epoll_ctl(epoll, libc::EPOLL_CTL_DEL, descriptor(fd)?, 0) {
        // Closed already: nothing is watched.
        Ok(()) | Err(libc::EBADF) => Ok(()),
        Err(errno) => Err(failed(errno)),
    }
}

fn poll(this: &Epoll, timeout: Option<&Value>, maxevents: Option<i32>) -> PyResult<Value> {
    let epoll = this.open()?;
    let nanos = nanoseconds(timeout, 1e9, "timeout must be an integer or None")?;
    if nanos.is_some_and(|nanos| nanos / 1e6 > f64::from(i32::MAX)) {
        return Err(overflow_error("timeout is too large"));
    }
    let deadline = deadline(nanos.filter(|&nanos| nanos >= 0.0));
    let most = match maxevents.unwrap_or(-1) {
        -1 => libc::FD_SETSIZE - 1,
        most if most < 1 => {
            return Err(value_error(format!("maxevents must be greater than 0, got {most}")));
        }
        most => most as usize,
    };
    let ready = patiently(|| system::epoll_wait(epoll, most, i32::try_from(left(deadline, 1000)).unwrap_or(i32::MAX)))?;
    let pairs =
        ready.into_iter().map(|(fd, events)| Tuple::from_array([Value::int(fd.into()), Value::int(events.into())]));
    Ok(List::from_vec(pairs.collect()))
}

fn enter(this: &Epoll) -> PyResult<Value> {
    this.open()?;
    Ok(Value::of(this))
}

fn exit(this: &Epoll, _class: Option<&Value>, _value: Option<&Value>, _traceback: Option<&Value>) {
    this.shut();
}
