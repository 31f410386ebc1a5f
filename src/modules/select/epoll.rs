//! `select.epoll` objects.

use super::{error, milliseconds, pairs, system, timeout, wait};
use crate::method;
use crate::modules::arguments::{bind, class_or};
use crate::modules::posix::arguments::OpenFile;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, GetSet, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, attribute};
use crate::types::exceptions::{OS_ERROR, overflow_error, raise, type_error, value_error};
use crate::types::int;
use num_traits::ToPrimitive;
use std::cell::Cell;

/// The body of an epoll object.
#[repr(C)]
pub struct Epoll {
    header: Header,
    /// -1 when it is closed.
    fd: Cell<i32>,
}

payload!(Epoll, EPOLL);

impl Drop for Epoll {
    fn drop(&mut self) {
        let fd = self.fd.replace(-1);
        if fd >= 0 {
            let _nobody_to_tell = system::close(fd);
        }
    }
}

static NEW: Function = Function::new("epoll($type, /, sizehint=-1, flags=0)", "", thunk(new));

/// The type object of epoll objects.
pub static EPOLL: TypeObject = TypeObject::define::<Epoll>("select.epoll")
    .doc("Returns an epolling object.\n\n  sizehint\n    The expected number of events to be registered.  It must be positive,\n    or -1 to use the default.  It is only used on older systems where\n    epoll_create1() is not available; otherwise it has no effect (though its\n    value is still checked).\n  flags\n    Deprecated and completely ignored.  However, when supplied, its value\n    must be 0 or select.EPOLL_CLOEXEC, otherwise OSError is raised.")
    .slots(Slots {
        new: Some(|class, args, kwnames| bind(&NEW, class, args, kwnames)),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(enter, "__enter__($self, /)", ""),
        method!(exit, "__exit__($self, exc_type=None, exc_value=None, exc_tb=None, /)", ""),
        method!(close, "close($self, /)", "Close the epoll control file descriptor.\n\nFurther operations on the epoll object will raise an exception."),
        method!(fileno, "fileno($self, /)", "Return the epoll control file descriptor."),
        method!(class from_fd, "fromfd($type, fd, /)", "Create an epoll object from a given control fd."),
        method!(modify, "modify($self, /, fd, eventmask)", "Modify event mask for a registered file descriptor.\n\n  fd\n    the target file descriptor of the operation\n  eventmask\n    a bit set composed of the various EPOLL constants"),
        method!(poll, "poll($self, /, timeout=None, maxevents=-1)", "Wait for events on the epoll file descriptor.\n\n  timeout\n    the maximum time to wait in seconds (as float);\n    a timeout of None or -1 makes poll wait indefinitely\n  maxevents\n    the maximum number of events returned; -1 means no limit\n\nReturns a list containing any descriptors that have events to report,\nas a list of (fd, events) 2-tuples."),
        method!(register, "register($self, /, fd,\n         eventmask=select.EPOLLIN | select.EPOLLPRI | select.EPOLLOUT)", "Registers a new fd or raises an OSError if the fd is already registered.\n\n  fd\n    the target file descriptor of the operation\n  eventmask\n    a bit set composed of the various EPOLL constants\n\nThe epoll interface supports all file descriptors that support poll."),
        method!(unregister, "unregister($self, /, fd)", "Remove a registered file descriptor from the epoll object.\n\n  fd\n    the target file descriptor of the operation"),
    ])
    .getset(&[GetSet {
        name: "closed",
        get: |this| Ok(Value::bool(this.exact::<Epoll>().is_none_or(|this| this.fd.get() < 0))),
        set: None,
        doc: Some("True if the epoll handler is closed"),
        member: false,
    }]);

fn of_fd(class: &Value, fd: i32) -> Value {
    let ty = class_or(class, &EPOLL);
    new_instance(ty, Epoll { header: Header::new(ty), fd: Cell::new(fd) })
}

fn new(class: &Value, size: Option<i32>, flags: Option<i32>) -> PyResult<Value> {
    let size = size.unwrap_or(-1);
    if size != -1 && size <= 0 {
        return Err(value_error("negative sizehint"));
    }
    let flags = flags.unwrap_or(0);
    if flags != 0 && flags != libc::EPOLL_CLOEXEC {
        return Err(raise(&OS_ERROR, "invalid flags"));
    }
    Ok(of_fd(class, system::epoll_create().map_err(error)?))
}

fn from_fd(class: &Value, fd: i32) -> Value {
    of_fd(class, fd)
}

impl Epoll {
    fn open(&self) -> PyResult<i32> {
        match self.fd.get() {
            fd if fd < 0 => Err(value_error("I/O operation on closed epoll object")),
            fd => Ok(fd),
        }
    }
}

fn enter(this: &Value) -> PyResult<Value> {
    let Some(body) = this.exact::<Epoll>() else { return Err(type_error("expected an epoll object")) };
    body.open()?;
    Ok(this.clone())
}

fn exit(this: &Epoll, _a: Option<&Value>, _b: Option<&Value>, _c: Option<&Value>) -> PyResult<()> {
    close(this)
}

fn close(this: &Epoll) -> PyResult<()> {
    match this.fd.replace(-1) {
        fd if fd < 0 => Ok(()),
        fd => system::close(fd).map_err(error),
    }
}

fn fileno(this: &Epoll) -> PyResult<i64> {
    this.open().map(i64::from)
}

/// The low bits of a number. As the format unit `I`, which does not check.
fn mask(value: &Value) -> PyResult<u32> {
    match int::to_big(value) {
        Some(mask) => Ok((mask & num_bigint::BigInt::from(u32::MAX)).to_u32().unwrap_or(0)),
        None => Err(type_error(format!("an integer is required (got type {})", value.ty().name()))),
    }
}

fn register(this: &Epoll, fd: OpenFile, events: Option<&Value>) -> PyResult<()> {
    let default = (libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLOUT).cast_unsigned();
    let events = events.map_or(Ok(default), mask)?;
    system::epoll_control(this.open()?, libc::EPOLL_CTL_ADD, fd.0, events).map_err(error)
}

fn modify(this: &Epoll, fd: OpenFile, events: &Value) -> PyResult<()> {
    let events = mask(events)?;
    system::epoll_control(this.open()?, libc::EPOLL_CTL_MOD, fd.0, events).map_err(error)
}

fn unregister(this: &Epoll, fd: OpenFile) -> PyResult<()> {
    match system::epoll_control(this.open()?, libc::EPOLL_CTL_DEL, fd.0, 0) {
        // Whoever closed the descriptor has removed it.
        Err(libc::EBADF) => Ok(()),
        done => done.map_err(error),
    }
}

fn poll(this: &Epoll, time: Option<&Value>, most: Option<i32>) -> PyResult<Value> {
    let fd = this.open()?;
    let patience = timeout(time, "timeout must be an integer or None")?;
    let Some(_fits) = milliseconds(patience) else { return Err(overflow_error("timeout is too large")) };
    let patience = patience.filter(|patience| *patience >= 0);
    let most = match most.unwrap_or(-1) {
        -1 => system::SET_SIZE - 1,
        few if few < 1 => return Err(value_error(format!("maxevents must be greater than 0, got {few}"))),
        most => most,
    };
    let ready = wait(patience, |left| system::epoll_wait(fd, most, milliseconds(left).unwrap_or(i32::MAX)))?;
    Ok(pairs(ready.into_iter().map(|(fd, events)| (fd.into(), events.into()))))
}
