//! `_thread.RLock`: a lock that its owner may take again.

use super::docs;
use super::lock::{RawLock, patience};
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute};
use crate::types::exceptions::{overflow_error, runtime_error, type_error};
use crate::types::int;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::thread;
use std::cell::Cell;

/// A reentrant lock.
#[repr(C)]
pub struct RLock {
    header: Header,
    raw: RawLock,
    owner: Cell<u64>,
    count: Cell<u64>,
}

payload!(RLock, RLOCK);

/// The type object of reentrant locks.
pub static RLOCK: TypeObject = TypeObject::define::<RLock>("_thread.RLock")
    .flags(TypeFlags::BASE)
    .with_weakrefs()
    .slots(Slots {
        new: Some(|class, _args, _kwnames| {
            let ty = class.downcast::<TypeObject>().unwrap_or(&RLOCK);
            let (raw, owner, count) = (RawLock::default(), Cell::new(0), Cell::new(0));
            Ok(new_instance(ty, RLock { header: Header::new(ty), raw, owner, count }))
        }),
        repr: Some(|this| {
            let Some(lock) = this.downcast::<RLock>() else { return Err(type_error("expected an RLock")) };
            let (owner, count) = (lock.owner.get(), lock.count.get());
            let state = if count > 0 { "locked" } else { "unlocked" };
            let name = this.ty().name();
            let module = if name.contains('.') { "" } else { "_thread." };
            Ok(Str::new_value(&format!(
                "<{state} {module}{name} object owner={owner} count={count} at {:#x}>",
                this.bits()
            )))
        }),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(acquire, "!acquire($self, blocking=True, timeout=-1)", docs::RLOCK_ACQUIRE),
        method!(release, "!release($self, /)", docs::RLOCK_RELEASE),
        method!(is_owned, "!_is_owned($self, /)", docs::RLOCK_IS_OWNED),
        method!(acquire_restore, "!_acquire_restore($self, state, /)", docs::RLOCK_ACQUIRE_RESTORE),
        method!(release_save, "!_release_save($self, /)", docs::RLOCK_RELEASE_SAVE),
        method!(enter, "!__enter__($self, /)", docs::RLOCK_ACQUIRE),
        method!(exit, "!__exit__($self, *args)", docs::RLOCK_RELEASE),
    ]);

impl RLock {
    fn is_mine(&self) -> bool {
        self.count.get() > 0 && self.owner.get() == thread::ident()
    }
}

fn acquire(this: &RLock, blocking: Option<&Value>, timeout: Option<&Value>) -> PyResult<bool> {
    let patience = patience(blocking, timeout)?;
    if this.is_mine() {
        let Some(count) = this.count.get().checked_add(1) else {
            return Err(overflow_error("Internal lock count overflowed"));
        };
        this.count.set(count);
        return Ok(true);
    }
    let taken = patience.take(&this.raw)?;
    if taken {
        this.owner.set(thread::ident());
        this.count.set(1);
    }
    Ok(taken)
}

fn enter(this: &RLock) -> PyResult<bool> {
    acquire(this, None, None)
}

fn release(this: &RLock) -> PyResult<()> {
    if !this.is_mine() {
        return Err(runtime_error("cannot release un-acquired lock"));
    }
    this.count.set(this.count.get() - 1);
    if this.count.get() == 0 {
        this.owner.set(0);
        this.raw.free();
    }
    Ok(())
}

fn exit(this: &RLock, _args: &Tuple) -> PyResult<()> {
    release(this)
}

fn is_owned(this: &RLock) -> bool {
    this.is_mine()
}

fn release_save(this: &RLock) -> PyResult<Value> {
    if this.count.get() == 0 {
        return Err(runtime_error("cannot release un-acquired lock"));
    }
    let state = (this.count.replace(0), this.owner.replace(0));
    this.raw.free();
    Ok(Tuple::from_vec(vec![Value::int(state.0 as i64), Value::int(state.1.cast_signed())]))
}

fn acquire_restore(this: &RLock, state: &Value) -> PyResult<()> {
    let Some([count, owner]) = state.downcast::<Tuple>().map(Tuple::as_slice) else {
        let found = state.ty().name();
        return Err(type_error(format!("_acquire_restore() argument 1 must be 2-item sequence, not {found}")));
    };
    let (Some(count), Some(owner)) = (int::to_i64(count), int::to_i64(owner)) else {
        return Err(type_error("an integer is required"));
    };
    this.raw.take(None)?;
    this.owner.set(owner.cast_unsigned());
    this.count.set(count.cast_unsigned());
    Ok(())
}
