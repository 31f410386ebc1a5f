//! The module `_thread`, as far as one thread needs it: locks, and who runs.

use crate::method;
use crate::modules::ModuleDef;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, attribute};
use crate::types::dict::Dict;
use crate::types::exceptions::{RUNTIME_ERROR, runtime_error};
use crate::types::str::Str;
use crate::vm::thread;
use std::cell::Cell;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_thread",
    doc: "This module provides primitive operations to write multi-threaded programs.\nThe 'threading' module provides a more convenient interface.",
    functions: &[
        method!(
            get_ident,
            "!get_ident()",
            "get_ident() -> integer\n\nReturn a non-zero integer that uniquely identifies the current thread\namongst other threads that exist simultaneously.\nThis may be used to identify per-thread resources.\nEven though on some platforms threads identities may appear to be\nallocated consecutive numbers starting at 1, this behavior should not\nbe relied upon, and the number should be seen purely as a magic cookie.\nA thread's identity may be reused for another thread after it exits."
        ),
        method!(
            allocate_lock,
            "!allocate_lock()",
            "allocate_lock() -> lock object\n(allocate() is an obsolete synonym)\n\nCreate a new lock object. See help(type(threading.Lock())) for\ninformation about locks."
        ),
    ],
    fill,
};

fn fill(dict: &Dict) -> PyResult<()> {
    dict.set_text("LockType", LOCK.value());
    dict.set_text("RLock", RLOCK.value());
    dict.set_text("TIMEOUT_MAX", Value::float(9_223_372_036.0));
    dict.set_text("error", RUNTIME_ERROR.value());
    Ok(())
}

/// A lock.
#[repr(C)]
pub struct Lock {
    header: Header,
    locked: Cell<bool>,
}

payload!(Lock, LOCK);

/// The type object of locks.
pub static LOCK: TypeObject = TypeObject::define::<Lock>("_thread.lock")
    .with_weakrefs()
    .doc("A lock object is a synchronization primitive.  To create a lock,\ncall threading.Lock().  Methods are:\n\nacquire() -- lock the lock, possibly blocking until it can be obtained\nrelease() -- unlock of the lock\nlocked() -- test whether the lock is currently locked\n\nA lock is not owned by the thread that locked it; another thread may\nunlock it.  A thread attempting to lock a lock that it has already locked\nwill block until another thread unlocks it.  Deadlocks may ensue.")
    .slots(Slots {
        repr: Some(|this| {
            let locked = this.exact::<Lock>().is_some_and(|lock| lock.locked.get());
            let state = if locked { "locked" } else { "unlocked" };
            Ok(Str::new_value(&format!("<{state} _thread.lock object at {:#x}>", this.bits())))
        }),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(acquire, "!acquire($self, blocking=True, timeout=-1)", "acquire(blocking=True, timeout=-1) -> bool\n(acquire_lock() is an obsolete synonym)\n\nLock the lock.  Without argument, this blocks if the lock is already\nlocked (even by the same thread), waiting for another thread to release\nthe lock, and return True once the lock is acquired.\nWith an argument, this will only block if the argument is true,\nand the return value reflects whether the lock is acquired.\nThe blocking operation is interruptible."),
        method!(release, "!release($self, /)", "release()\n(release_lock() is an obsolete synonym)\n\nRelease the lock, allowing another thread that is blocked waiting for\nthe lock to acquire the lock.  The lock must be in the locked state,\nbut it needn't be locked by the same thread that unlocks it."),
        method!(locked, "!locked($self, /)", "locked() -> bool\n(locked_lock() is an obsolete synonym)\n\nReturn whether the lock is in the locked state."),
        method!(enter, "!__enter__($self, /)", "acquire(blocking=True, timeout=-1) -> bool\n(acquire_lock() is an obsolete synonym)\n\nLock the lock.  Without argument, this blocks if the lock is already\nlocked (even by the same thread), waiting for another thread to release\nthe lock, and return True once the lock is acquired.\nWith an argument, this will only block if the argument is true,\nand the return value reflects whether the lock is acquired.\nThe blocking operation is interruptible."),
        method!(exit, "!__exit__($self, *args)", "release()\n(release_lock() is an obsolete synonym)\n\nRelease the lock, allowing another thread that is blocked waiting for\nthe lock to acquire the lock.  The lock must be in the locked state,\nbut it needn't be locked by the same thread that unlocks it."),
    ]);

fn get_ident() -> Value {
    Value::int(thread::ident().cast_signed())
}

fn allocate_lock() -> Value {
    new_object(Lock { header: Header::new(&LOCK), locked: Cell::new(false) })
}

/// A lock that nobody else can free is waited for in vain: that raises, where CPython hangs.
fn acquire(this: &Lock, blocking: Option<bool>, _timeout: Option<&Value>) -> PyResult<bool> {
    if !this.locked.replace(true) {
        return Ok(true);
    }
    if blocking == Some(false) { Ok(false) } else { Err(runtime_error("deadlock: the only thread waits for itself")) }
}

fn enter(this: &Lock) -> PyResult<bool> {
    acquire(this, None, None)
}

fn release(this: &Lock) -> PyResult<()> {
    if this.locked.replace(false) { Ok(()) } else { Err(runtime_error("release unlocked lock")) }
}

fn exit(this: &Lock, _args: &crate::types::tuple::Tuple) -> PyResult<()> {
    release(this)
}

fn locked(this: &Lock) -> bool {
    this.locked.get()
}

/// A lock that its owner may take again.
#[repr(C)]
pub struct RLock {
    header: Header,
    count: Cell<u64>,
}

payload!(RLock, RLOCK);

/// The type object of reentrant locks.
pub static RLOCK: TypeObject = TypeObject::define::<RLock>("_thread.RLock")
    .with_weakrefs()
    .slots(Slots {
        new: Some(|class, _args, _kwnames| {
            let ty = class.downcast::<TypeObject>().unwrap_or(&RLOCK);
            Ok(crate::object::header::new_instance(ty, RLock { header: Header::new(ty), count: Cell::new(0) }))
        }),
        repr: Some(|this| {
            let count = this.downcast::<RLock>().map_or(0, |lock| lock.count.get());
            let (state, owner) = if count > 0 { ("locked", thread::ident()) } else { ("unlocked", 0) };
            let name = this.ty().name();
            Ok(Str::new_value(&format!("<{state} {name} object owner={owner} count={count} at {:#x}>", this.bits())))
        }),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(rlock_acquire, "!acquire($self, blocking=True, timeout=-1)", ""),
        method!(rlock_release, "!release($self, /)", ""),
        method!(rlock_enter, "!__enter__($self, /)", ""),
        method!(rlock_exit, "!__exit__($self, *args)", ""),
        method!(is_owned, "!_is_owned($self, /)", ""),
    ]);

fn rlock_acquire(this: &RLock, _blocking: Option<bool>, _timeout: Option<&Value>) -> bool {
    this.count.set(this.count.get() + 1);
    true
}

fn rlock_enter(this: &RLock) -> bool {
    rlock_acquire(this, None, None)
}

fn rlock_release(this: &RLock) -> PyResult<()> {
    match this.count.get().checked_sub(1) {
        Some(count) => {
            this.count.set(count);
            Ok(())
        }
        None => Err(runtime_error("cannot release un-acquired lock")),
    }
}

fn rlock_exit(this: &RLock, _args: &crate::types::tuple::Tuple) -> PyResult<()> {
    rlock_release(this)
}

fn is_owned(this: &RLock) -> bool {
    this.count.get() > 0
}
